/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text that may have come from anybody: process names and command lines.
 *
 * Control bytes, C1 controls and bytes that are no UTF-8 become '?', so that
 * no name can move the cursor or set a colour.  From the first byte on that
 * begins no whole character nothing is UTF-8 any more, as procps 4.0.2 has it:
 * bytes above 0x7f become '?', control bytes '.'.  So does all in a locale that
 * is not UTF-8.  Columns are counted by Unicode's East Asian width; combining
 * marks take none.
 */
#include <string.h>

#include "top.h"

struct range {
	uint32_t first, last;
};

/* Two columns: Unicode 15 East Asian Width W and F, neighbours joined. */
static const struct range wide[] = {
	{ 0x1100, 0x115f }, { 0x231a, 0x231b }, { 0x2329, 0x232a }, { 0x23e9, 0x23ec }, { 0x23f0, 0x23f0 },
	{ 0x23f3, 0x23f3 }, { 0x25fd, 0x25fe }, { 0x2614, 0x2615 }, { 0x2648, 0x2653 }, { 0x267f, 0x267f },
	{ 0x2693, 0x2693 }, { 0x26a1, 0x26a1 }, { 0x26aa, 0x26ab }, { 0x26bd, 0x26be }, { 0x26c4, 0x26c5 },
	{ 0x26ce, 0x26ce }, { 0x26d4, 0x26d4 }, { 0x26ea, 0x26ea }, { 0x26f2, 0x26f3 }, { 0x26f5, 0x26f5 },
	{ 0x26fa, 0x26fa }, { 0x26fd, 0x26fd }, { 0x2705, 0x2705 }, { 0x270a, 0x270b }, { 0x2728, 0x2728 },
	{ 0x274c, 0x274c }, { 0x274e, 0x274e }, { 0x2753, 0x2755 }, { 0x2757, 0x2757 }, { 0x2795, 0x2797 },
	{ 0x27b0, 0x27b0 }, { 0x27bf, 0x27bf }, { 0x2b1b, 0x2b1c }, { 0x2b50, 0x2b50 }, { 0x2b55, 0x2b55 },
	{ 0x2e80, 0x303e }, { 0x3041, 0x33ff }, { 0x3400, 0x4dbf }, { 0x4e00, 0xa4c6 }, { 0xa960, 0xa97c },
	{ 0xac00, 0xd7a3 }, { 0xf900, 0xfaff }, { 0xfe10, 0xfe19 }, { 0xfe30, 0xfe6b }, { 0xff01, 0xff60 },
	{ 0xffe0, 0xffe6 }, { 0x16fe0, 0x18cd5 }, { 0x18d00, 0x18d08 }, { 0x1aff0, 0x1b2fb }, { 0x1f004, 0x1f004 },
	{ 0x1f0cf, 0x1f0cf }, { 0x1f18e, 0x1f18e }, { 0x1f191, 0x1f19a }, { 0x1f200, 0x1f265 }, { 0x1f300, 0x1f320 },
	{ 0x1f32d, 0x1f335 }, { 0x1f337, 0x1f37c }, { 0x1f37e, 0x1f393 }, { 0x1f3a0, 0x1f3ca }, { 0x1f3cf, 0x1f3d3 },
	{ 0x1f3e0, 0x1f3f0 }, { 0x1f3f4, 0x1f3f4 }, { 0x1f3f8, 0x1f43e }, { 0x1f440, 0x1f440 }, { 0x1f442, 0x1f4fc },
	{ 0x1f4ff, 0x1f53d }, { 0x1f54b, 0x1f54e }, { 0x1f550, 0x1f567 }, { 0x1f57a, 0x1f57a }, { 0x1f595, 0x1f596 },
	{ 0x1f5a4, 0x1f5a4 }, { 0x1f5fb, 0x1f64f }, { 0x1f680, 0x1f6c5 }, { 0x1f6cc, 0x1f6cc }, { 0x1f6d0, 0x1f6d2 },
	{ 0x1f6d5, 0x1f6df }, { 0x1f6eb, 0x1f6ec }, { 0x1f6f4, 0x1f6fc }, { 0x1f7e0, 0x1f7f0 }, { 0x1f90c, 0x1f9ff },
	{ 0x1fa70, 0x1faff }, { 0x20000, 0x3fffd },
};

/* None: the commonest combining marks and format characters. */
static const struct range zero[] = {
	{ 0x0300, 0x036f }, { 0x0483, 0x0489 }, { 0x0591, 0x05bd }, { 0x0610, 0x061a }, { 0x064b, 0x065f },
	{ 0x06d6, 0x06dc }, { 0x0900, 0x0902 }, { 0x093c, 0x093c }, { 0x0941, 0x0948 }, { 0x0e31, 0x0e31 },
	{ 0x0e34, 0x0e3a }, { 0x0e47, 0x0e4e }, { 0x1ab0, 0x1aff }, { 0x1dc0, 0x1dff }, { 0x20d0, 0x20f0 },
	{ 0xfe00, 0xfe0f }, { 0xfe20, 0xfe2f }, { 0xe0100, 0xe01ef },
};

static bool within(const struct range *r, size_t n, uint32_t c)
{
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (r[mid].last < c)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < n && r[lo].first <= c;
}

static size_t width_of(uint32_t c)
{
	if (c < 0x300)
		return 1;
	if (within(zero, sizeof(zero) / sizeof(zero[0]), c))
		return 0;
	return within(wide, sizeof(wide) / sizeof(wide[0]), c) ? 2 : 1;
}

/* Marks that turn the writing direction or hide text: as dangerous in a list as a control byte. */
static bool is_control(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
	       (c >= 0x2060 && c <= 0x206f) || c == 0xfeff || c == 0xad || (c >= 0xe000 && c <= 0xf8ff);
}

/* One character at @s: its bytes, 0 when they are no UTF-8. */
static size_t decode(const unsigned char *s, uint32_t *c)
{
	size_t n = s[0] < 0x80 ? 1 : s[0] >= 0xc2 && s[0] < 0xe0 ? 2 : s[0] >= 0xe0 && s[0] < 0xf0 ? 3 :
		   s[0] >= 0xf0 && s[0] < 0xf5 ? 4 : 0;

	*c = n <= 1 ? s[0] : s[0] & (0xffu >> (n + 1));
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		*c = *c << 6 | (s[i] & 0x3f);
	}
	if ((n == 3 && (*c < 0x800 || (*c >= 0xd800 && *c < 0xe000))) || (n == 4 && (*c < 0x10000 || *c > 0x10ffff)))
		return 0;
	return n;
}

size_t top_clean(const struct top *t, char *dst, const char *src, size_t columns)
{
	const unsigned char *s = (const unsigned char *)src;
	size_t n = 0, used = 0;
	bool utf8 = t->utf8;

	while (*s && n + 5 < TOP_MAX_LINE) {
		uint32_t c;
		size_t len = *s >= 0x20 && *s < 0x7f ? 1 : utf8 ? decode(s, &c) : 0, width = 1;

		utf8 &= len || *s < 0x80;
		if (len > 1 && !is_control(c))
			width = width_of(c);
		else if (len != 1 || *s < 0x20 || *s >= 0x7f)
			len = 0;
		if (columns && used + width > columns)
			break;
		used += width;
		if (!len)
			dst[n++] = utf8 || *s >= 0x80 ? '?' : '.';
		for (size_t i = 0; i < len; i++)
			dst[n++] = (char)s[i];
		s += len ? len : 1;
	}
	dst[n] = 0;
	return n;
}

size_t top_columns(const char *text)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t used = 0;

	while (*s) {
		uint32_t c;
		size_t len = *s < 0x80 ? 1 : decode(s, &c);

		used += len > 1 ? width_of(c) : 1;
		s += len ? len : 1;
	}
	return used;
}
