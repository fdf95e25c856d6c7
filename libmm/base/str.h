/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * base/str.h - slices of text: equality, beginnings, and lists of words with bars or commas between them
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

/* Take @end off the end of *@s; false: it does not end so, or is nothing else. */
static inline bool mm_str_cut_end(struct mm_str *s, const char *end)
{
	size_t n = strlen(end);

	if (s->len <= n || memcmp(s->p + s->len - n, end, n))
		return false;
	s->len -= n;
	return true;
}

/* What follows the first @word in @s; false: it is not in it. */
static inline bool mm_str_after(struct mm_str s, const char *word, struct mm_str *rest)
{
	size_t n = strlen(word);
	const char *p = s.len ? memmem(s.p, s.len, word, n) : NULL;

	if (p)
		*rest = (struct mm_str){ p + n, s.len - (size_t)(p + n - s.p) };
	return p;
}

/* FNV-1a. */
static inline uint64_t mm_str_fnv1a(struct mm_str s)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < s.len; i++)
		h = (h ^ (unsigned char)s.p[i]) * UINT64_C(0x100000001b3);
	return h;
}

/* The same for tables that look at the low bits: the high ones are in them too. */
static inline uint64_t mm_str_hash(struct mm_str s)
{
	uint64_t h = mm_str_fnv1a(s);

	return h ^ h >> 32;
}

/*
 * The next word of a list with @sep between words, as it stands; @text is used up and has no p at the end.  Words may be
 * empty: one more than there are separators comes out.  False: no more.
 */
static inline bool mm_next_item(struct mm_str *text, char sep, struct mm_str *word)
{
	const char *end;

	if (!text->p)
		return false;
	end = text->len ? memchr(text->p, sep, text->len) : NULL;
	*word = (struct mm_str){ text->p, end ? (size_t)(end - text->p) : text->len };
	*text = end ? (struct mm_str){ end + 1, text->len - word->len - 1 } : (struct mm_str){ NULL, 0 };
	return true;
}

static inline bool mm_has_item(struct mm_str list, char sep, const char *word)
{
	struct mm_str w;

	while (mm_next_item(&list, sep, &w))
		if (mm_str_is(w, word))
			return true;
	return false;
}

/* The next word of "A|B|C", blanks at its ends taken off; else as mm_next_item(). */
static inline bool mm_next_word(struct mm_str *text, struct mm_str *word)
{
	if (!mm_next_item(text, '|', word))
		return false;
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
