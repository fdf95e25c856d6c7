/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Edit distance (Levenshtein), two rows of the table at a time; letters of either case are the same.  What a word begins with is as
 * near as one letter, so that "free" leads to free_kib.
 */
#include <string.h>
#include <strings.h>

#include "base/nearest.h"

enum { MAX_WORD = 63 };

static size_t min3(size_t a, size_t b, size_t c)
{
	size_t m = a < b ? a : b;

	return m < c ? m : c;
}

static unsigned char lower(char c) { return (unsigned char)(c >= 'A' && c <= 'Z' ? c + 'a' - 'A' : c); }

static size_t distance(struct mm_str a, const char *b, size_t blen)
{
	size_t row[MAX_WORD + 1];

	if (a.len < blen && !strncasecmp(a.p, b, a.len))
		return 1;
	for (size_t j = 0; j <= blen; j++)
		row[j] = j;
	for (size_t i = 1; i <= a.len; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= blen; j++) {
			size_t up = row[j];

			row[j] = min3(up + 1, row[j - 1] + 1, diagonal + (lower(a.p[i - 1]) != lower(b[j - 1])));
			diagonal = up;
		}
	}
	return row[blen];
}

const char *mm_nearest(struct mm_str word, const char *const *words, size_t nr)
{
	const char *best = NULL;
	size_t best_distance = SIZE_MAX;

	if (word.len > MAX_WORD)
		word.len = MAX_WORD;
	for (size_t i = 0; i < nr; i++) {
		size_t d = distance(word, words[i], strnlen(words[i], MAX_WORD));

		if (d < best_distance) {
			best_distance = d;
			best = words[i];
		}
	}
	return best;
}
