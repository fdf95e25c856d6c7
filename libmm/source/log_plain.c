/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * source/log_plain.c - lines of a kernel log that something has packed: JSON, colours
 *
 *	{"log":"[    5.15] eater invoked oom-killer: ...\n","stream":"stdout","time":"..."}	Docker's json-file
 *	{"_TRANSPORT":"kernel","MESSAGE":"eater invoked oom-killer: ...","PRIORITY":"4"}	journalctl -o json
 *	ESC[32m[    5.15] ESC[0mESC[33meater ...						dmesg --color=always
 *
 * Both only become shorter, so there is room for what comes of a line in as many bytes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "source/log_plain.h"
#include "source/scan.h"

enum { ESC = 0x1b };

void mm_log_plain_free(struct mm_log_plain *p)
{
	free(p->text);
	*p = (struct mm_log_plain){ 0 };
}

/* Of { ... "MESSAGE" : "text" ... } the text, as it is written; false: there is none. */
static bool message(struct mm_str line, struct mm_str *text)
{
	static const char *const names[] = { "\"log\"", "\"MESSAGE\"" };

	scan_blanks(&line);
	if (!line.len || (*line.p != '{' && *line.p != '"'))
		return false;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!mm_str_after(line, names[i], text))
			continue;
		scan_blanks(text);
		if (!scan_word(text, ":"))
			continue;
		scan_blanks(text);
		if (scan_word(text, "\""))
			return true;
	}
	return false;
}

/* UTF-8 of \uXXXX, at most three bytes; halves of a pair each become '?', for nothing of the kernel's has them. */
static size_t put_unicode(const char *digits, char *to)
{
	uint32_t c = 0;

	for (int i = 0; i < 4; i++) {
		unsigned int d = (unsigned char)digits[i], low = (d | 0x20) - 'a';

		c = c << 4 | (d - '0' < 10 ? d - '0' : low < 6 ? low + 10 : 0);
	}
	if (c < 0x80 || (c >= 0xd800 && c < 0xe000)) {
		to[0] = (char)(c < 0x80 ? c : '?');
		return 1;
	}
	if (c < 0x800) {
		to[0] = (char)(0xc0 | c >> 6);
		to[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	to[0] = (char)(0xe0 | c >> 12);
	to[1] = (char)(0x80 | (c >> 6 & 0x3f));
	to[2] = (char)(0x80 | (c & 0x3f));
	return 3;
}

/* The string up to its closing quote, or all where it is cut; line ends within it stay, one at its end goes. */
static size_t unescape(struct mm_str s, char *to)
{
	size_t n = 0;

	for (size_t i = 0; i < s.len && s.p[i] != '"'; i++) {
		if (s.p[i] != '\\' || i + 1 == s.len) {
			to[n++] = s.p[i];
			continue;
		}
		i++;
		if (s.p[i] == 'u' && s.len - i > 4) {
			n += put_unicode(s.p + i + 1, to + n);
			i += 4;
		} else {
			to[n++] = s.p[i] == 'n' ? '\n' : s.p[i] == 't' ? '\t' : s.p[i] == 'r' ? ' ' : s.p[i];
		}
	}
	while (n && (to[n - 1] == '\n' || to[n - 1] == ' '))
		n--;
	return n;
}

/* Without sequences ESC [ parameters letter, in place. */
static size_t drop_colours(char *text, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		if (text[i] != ESC || i + 1 == len || text[i + 1] != '[') {
			text[n++] = text[i];
			continue;
		}
		for (i += 2; i < len && (text[i] == ';' || text[i] == ':' || (text[i] >= '0' && text[i] <= '9'));)
			i++;
	}
	return n;
}

int mm_log_plain_line(struct mm_log_plain *p, struct mm_str *line)
{
	struct mm_str text;
	bool json = message(*line, &text);

	if (!json && !(line->len && memchr(line->p, ESC, line->len)))
		return 0;
	if (line->len > p->cap) {
		char *v = realloc(p->text, line->len);

		if (!v)
			return -ENOMEM;
		p->text = v;
		p->cap = line->len;
	}
	if (json)
		text.len = unescape(text, p->text);
	else
		memcpy(p->text, line->p, text.len = line->len);
	*line = (struct mm_str){ p->text, drop_colours(p->text, text.len) };
	return 0;
}
