/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Text for terminals, without the C library's locale: UTF-8 is always assumed.
 */
#include "base/escape.h"

/* Bytes of the well-formed UTF-8 character at @str[0, n), 0 when it is none (C1 controls are none). */
static size_t utf8_length(const char *str, size_t n)
{
	const unsigned char *s = (const unsigned char *)str;
	size_t len;

	if (!n || s[0] < 0x80)
		return n != 0;
	len = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
	if (s[0] < 0xc2 || s[0] > 0xf4 || len > n)
		return 0;
	for (size_t i = 1; i < len; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if (s[0] == 0xe0 && s[1] < 0xa0)	/* longer than need be */
		return 0;
	if (s[0] == 0xed && s[1] > 0x9f)	/* half of a surrogate pair */
		return 0;
	if ((s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return s[0] == 0xc2 && s[1] < 0xa0 ? 0 : len;
}

size_t mm_escape(char *dst, size_t room, struct mm_str src)
{
	static const char hex[] = "0123456789abcdef";
	size_t n = 0;

	for (size_t i = 0; i < src.len; ) {
		unsigned char c = (unsigned char)src.p[i];
		size_t len = c >= 0x20 && c != 0x7f ? utf8_length(src.p + i, src.len - i) : 0;

		if (n + (len ? len : 4) >= room)
			break;
		if (!len) {
			dst[n++] = '\\';
			dst[n++] = 'x';
			dst[n++] = hex[c >> 4];
			dst[n++] = hex[c & 15];
			i++;
		}
		for (; len; len--)
			dst[n++] = src.p[i++];
	}
	dst[n] = 0;
	return n;
}

static const struct {
	uint32_t first, last;
	uint8_t width;
} widths[] = {
	{ 0x300, 0x36f, 0 },	{ 0x1100, 0x115f, 2 },	{ 0x200b, 0x200f, 0 },	{ 0x20d0, 0x20ff, 0 },
	{ 0x2e80, 0xa4cf, 2 },	{ 0xac00, 0xd7a3, 2 },	{ 0xf900, 0xfaff, 2 },	{ 0xfe00, 0xfe0f, 0 },
	{ 0xfe30, 0xfe6f, 2 },	{ 0xff00, 0xff60, 2 },	{ 0xffe0, 0xffe6, 2 },	{ 0x1f300, 0x1f64f, 2 },
	{ 0x1f900, 0x1f9ff, 2 },	{ 0x20000, 0x3fffd, 2 },
};

static size_t char_width(const char *p, size_t len)
{
	uint32_t c = len == 1 ? (unsigned char)*p : (unsigned char)*p & (0x7fu >> len);

	for (size_t i = 1; i < len; i++)
		c = c << 6 | ((unsigned char)p[i] & 0x3f);
	for (size_t i = 0; i < sizeof(widths) / sizeof(widths[0]); i++)
		if (c >= widths[i].first && c <= widths[i].last)
			return widths[i].width;
	return 1;
}

size_t mm_text_width(struct mm_str s)
{
	size_t width = 0;

	for (size_t i = 0; i < s.len; ) {
		size_t len = utf8_length(s.p + i, s.len - i);

		width += len > 1 ? char_width(s.p + i, len) : 1;
		i += len ? len : 1;
	}
	return width;
}

size_t mm_text_fit(struct mm_str s, size_t width)
{
	size_t i = 0;

	while (i < s.len) {
		size_t len = utf8_length(s.p + i, s.len - i);
		size_t w = len > 1 ? char_width(s.p + i, len) : 1;

		if (w > width)
			break;
		width -= w;
		i += len ? len : 1;
	}
	return i;
}
