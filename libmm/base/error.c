/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Error texts: one line, safe to print on a terminal whatever bytes the input held.
 */
#include <stdarg.h>
#include <stdio.h>

#include <libmm/error.h>

/* Copy @s to @dst, writing control bytes as \xNN; bytes from 0x80 on are kept only when they are well-formed UTF-8. */
static size_t utf8_length(const unsigned char *s)
{
	size_t n = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;

	if (s[0] < 0xc2 || s[0] > 0xf4)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	return s[0] == 0xc2 && s[1] < 0xa0 ? 0 : n;	/* C1 controls */
}

static void escape_controls(char *dst, size_t room, const char *src)
{
	const unsigned char *s = (const unsigned char *)src;
	size_t n = 0;

	while (*s && n + 5 < room) {
		size_t len = *s >= 0x20 && *s < 0x7f ? 1 : *s >= 0x80 ? utf8_length(s) : 0;

		if (!len) {
			n += (size_t)snprintf(dst + n, room - n, "\\x%02x", *s++);
			continue;
		}
		while (len--)
			dst[n++] = (char)*s++;
	}
	dst[n] = 0;
}

int mm_error_set(struct mm_error *err, int code, const char *fmt, ...)
{
	char text[MM_ERROR_TEXT];
	va_list ap;

	if (!err)
		return code;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	err->code = code;
	escape_controls(err->text, sizeof(err->text), text);
	return code;
}
