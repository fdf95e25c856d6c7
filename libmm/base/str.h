/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * base/str.h - slices of text: equality, beginnings, and lists of words with bars between them
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <string.h>

#include <libmm/types.h>

static inline bool mm_str_is(struct mm_str s, const char *word)
{
	return strlen(word) == s.len && !memcmp(word, s.p, s.len);
}

static inline bool mm_str_starts(struct mm_str s, const char *prefix)
{
	size_t n = strlen(prefix);

	return s.len >= n && !memcmp(s.p, prefix, n);
}

/*
 * The next word of "A|B|C", blanks at its ends taken off; @text is used up and has no p at the end.  Words may be
 * empty: one more than there are bars comes out.  False: no more.
 */
static inline bool mm_next_word(struct mm_str *text, struct mm_str *word)
{
	const char *bar;

	if (!text->p)
		return false;
	bar = text->len ? memchr(text->p, '|', text->len) : NULL;
	*word = (struct mm_str){ text->p, bar ? (size_t)(bar - text->p) : text->len };
	*text = bar ? (struct mm_str){ bar + 1, text->len - word->len - 1 } : (struct mm_str){ NULL, 0 };
	while (word->len && word->p[0] == ' ')
		*word = (struct mm_str){ word->p + 1, word->len - 1 };
	while (word->len && word->p[word->len - 1] == ' ')
		word->len--;
	return true;
}

static inline bool mm_has_word(struct mm_str words, const char *word)
{
	struct mm_str w;

	while (mm_next_word(&words, &w))
		if (mm_str_is(w, word))
			return true;
	return false;
}

#endif /* BASE_STR_H */
