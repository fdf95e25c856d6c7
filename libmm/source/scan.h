/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * source/scan.h - numbers and lines out of the kernel's text files, and lines that are none of theirs
 */
#ifndef SOURCE_SCAN_H
#define SOURCE_SCAN_H

#include <errno.h>
#include <string.h>

#include <libmm/error.h>
#include <libmm/input.h>
#include <libmm/types.h>

/* Take the next line (without LF) off @text; false at the end. */
static inline bool scan_line(struct mm_str *text, struct mm_str *line)
{
	const char *nl;

	if (!text->len)
		return false;
	nl = memchr(text->p, '\n', text->len);
	line->p = text->p;
	line->len = nl ? (size_t)(nl - text->p) : text->len;
	text->p += line->len + !!nl;
	text->len -= line->len + !!nl;
	return true;
}

/* The same of a file that the kernel wrote: a line without LF was cut off, its last number with it, and is none. */
static inline bool scan_whole_line(struct mm_str *text, struct mm_str *line)
{
	const char *nl = text->len ? memchr(text->p, '\n', text->len) : NULL;

	if (!nl)
		return false;
	line->p = text->p;
	line->len = (size_t)(nl - text->p);
	text->p += line->len + 1;
	text->len -= line->len + 1;
	return true;
}

static inline void scan_blanks(struct mm_str *s)
{
	while (s->len && (*s->p == ' ' || *s->p == '\t')) {
		s->p++;
		s->len--;
	}
}

/* Take the next word, up to a blank, off @s, blanks before it skipped; false at the end. */
static inline bool scan_next_word(struct mm_str *s, struct mm_str *word)
{
	const char *p, *end = s->p + s->len;

	scan_blanks(s);
	for (p = s->p; p < end && *p != ' ' && *p != '\t'; p++)
		;
	*word = (struct mm_str){ s->p, (size_t)(p - s->p) };
	*s = (struct mm_str){ p, (size_t)(end - p) };
	return word->len != 0;
}

/* Blanks, then decimal digits; a number beyond 64 bits is UINT64_MAX.  False when no digit stands there. */
static inline bool scan_u64(struct mm_str *s, uint64_t *out)
{
	const char *p, *start, *end;
	uint64_t v = 0;

	scan_blanks(s);
	if (!s->len)
		return false;
	start = p = s->p;
	end = p + s->len;
	while (p < end && (unsigned char)(*p - '0') < 10)
		v = v * 10 + (unsigned char)(*p++ - '0');
	if (p == start)
		return false;
	if (p - start > 19) {		/* it may have wrapped: once more, with care */
		v = 0;
		for (const char *q = start; q < p; q++)
			v = v > (UINT64_MAX - (unsigned char)(*q - '0')) / 10 ? UINT64_MAX
				: v * 10 + (unsigned char)(*q - '0');
	}
	*out = v;
	s->len -= (size_t)(p - start);
	s->p = p;
	return true;
}

static inline bool scan_i64(struct mm_str *s, int64_t *out)
{
	bool minus;
	uint64_t v;

	scan_blanks(s);
	minus = s->len && *s->p == '-';
	s->p += minus;
	s->len -= minus;
	if (!scan_u64(s, &v))
		return false;
	if (v > INT64_MAX)
		v = INT64_MAX;
	*out = minus ? -(int64_t)v : (int64_t)v;
	return true;
}

/*
 * Hexadecimal digits, a 0x before them allowed.  False, @s unchanged, when none stands there or they are more
 * than 64 bits.
 */
static inline bool scan_hex(struct mm_str *s, uint64_t *out)
{
	size_t start = s->len > 2 && s->p[0] == '0' && (s->p[1] | 0x20) == 'x' ? 2 : 0, i = start;
	uint64_t v = 0;

	for (; i < s->len; i++) {
		unsigned char c = (unsigned char)s->p[i], d = (unsigned char)(c - '0');

		if (d > 9) {
			d = (unsigned char)((c | 0x20) - 'a');
			if (d > 5)
				break;
			d = (unsigned char)(d + 10);
		}
		if (v >> 60)
			return false;
		v = v << 4 | d;
	}
	if (i == start)
		return false;
	*out = v;
	s->p += i;
	s->len -= i;
	return true;
}

/* Does @s begin with the literal @lit?  Then it is cut off. */
#define scan_word(s, lit) scan_prefix((s), "" lit, sizeof(lit) - 1)
static inline bool scan_prefix(struct mm_str *s, const char *lit, size_t n)
{
	if (s->len < n || memcmp(s->p, lit, n))
		return false;
	s->p += n;
	s->len -= n;
	return true;
}

/* "FILE:LINE: expected @want, found '...'", of @line as much as fits well: -EINVAL, in @err too. */
static inline int scan_bad_line(const struct mm_input *in, struct mm_error *err, const char *want, struct mm_str line)
{
	return mm_input_error(in, err, -EINVAL, "expected %s, found '%.*s'", want, (int)(line.len < 80 ? line.len : 80), line.p);
}

#endif /* SOURCE_SCAN_H */
