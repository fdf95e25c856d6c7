/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * source/log_plain.c - lines of a kernel log that something has packed: JSON, mails, colours
 *
 *	{"log":"[    5.15] eater invoked oom-killer: ...\n","stream":"stdout","time":"..."}	Docker's json-file
 *	{"_TRANSPORT":"kernel","MESSAGE":"eater invoked oom-killer: ...","PRIORITY":"4"}	journalctl -o json; other keys are others'
 *	{"Output":"[    5.15] eater invoked ...\r\n[    5.16] CPU: 0 ..."}			many lines in one
 *	    MESSAGE=eater invoked oom-killer: ...						journalctl -o verbose, -o export
 *	1764425486000,"[    5.15] eater invoked ..., order=0"					a CSV whose last column it is
 *	... gfp_mask=3D0x140dca(GFP_HIGHUSER_M=							quoted-printable
 *	... Node 0 DMA free:892kB&lt;br&gt;							HTML
 *	ESC[32m[    5.15] ESC[0mESC[33meater ...						dmesg --color=always
 *
 * All only become shorter, so there is room for what comes of a line in as many bytes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "source/log_plain.h"
#include "source/meminfo_report.h"
#include "source/scan.h"

enum { ESC = 0x1b, SOFT_MIN = 64, SOFT_MAX = 76 };

static int reserve(struct mm_log_text *t, size_t cap)
{
	char *v;

	if (cap <= t->cap)
		return 0;
	v = realloc(t->p, cap);
	if (!v)
		return -ENOMEM;
	t->p = v;
	t->cap = cap;
	return 0;
}

static int append(struct mm_log_text *t, struct mm_str s)
{
	if (t->len + s.len > t->cap && reserve(t, 2 * (t->len + s.len)))
		return -ENOMEM;
	if (s.len)
		memcpy(t->p + t->len, s.p, s.len);
	t->len += s.len;
	return 0;
}

static int set_text(struct mm_log_text *t, struct mm_str s)
{
	t->len = 0;
	return append(t, s);
}

static struct mm_str text_of(const struct mm_log_text *t) { return (struct mm_str){ t->p ? t->p : "", t->len }; }

void mm_log_plain_free(struct mm_log_plain *p)
{
	free(p->text.p);
	free(p->joined.p);
	free(p->soft.p);
	free(p->ahead.p);
	free(p->last.p);
	*p = (struct mm_log_plain){ 0 };
}

/* ---- JSON ---- */

/* Loki's: [["1764425486000000000","text"],["1764425487000000000","text"]]: up to the first text, or from behind one to the next. */
static bool next_value(struct mm_str *s)
{
	uint64_t v;

	if (!scan_word(s, "[\"") && !(scan_word(s, "\"]") && (scan_word(s, ",[\"") || scan_word(s, ", [\""))))
		return false;
	return scan_u64(s, &v) && (scan_word(s, "\",\"") || scan_word(s, "\", \""));
}

/* Of { ... "MESSAGE" : "text" ... }, or a line of it, the text, as it is written; false: there is none. */
static bool message(struct mm_str line, struct mm_str *text)
{
	static const char *const names[] = { "\"log\"", "\"MESSAGE\"", "\"message\"", "\"@message\"", "\"msg\"",
		"\"textPayload\"", "\"line\"", "\"_raw\"", "\"Output\"" };
	const char *brace;

	scan_blanks(&line);
	if (!line.len)
		return false;
	brace = *line.p == '"' ? line.p : memchr(line.p, '{', line.len);	/* fluentd's begin with the time */
	if (!brace)
		return false;
	line.len -= (size_t)(brace - line.p);
	line.p = brace;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		for (*text = line; mm_str_after(*text, names[i], text);) {
			scan_blanks(text);
			if (!scan_word(text, ":"))
				continue;
			scan_blanks(text);
			if (scan_word(text, "\""))
				return true;
		}
	return mm_str_after(line, "\"values\"", text) && mm_str_after(*text, "[", text) && next_value(text);
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

	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] == '"') {
			struct mm_str more = { s.p + i, s.len - i };

			if (!next_value(&more))
				break;
			to[n++] = '\n';
			i = s.len - more.len - 1;
			continue;
		}
		if (s.p[i] != '\\' || i + 1 == s.len) {
			to[n++] = s.p[i];
			continue;
		}
		i++;
		if (s.p[i] == 'u' && s.len - i > 4) {
			n += put_unicode(s.p + i + 1, to + n);
			i += 4;
		} else {
			to[n++] = s.p[i] == 'n' ? '\n' : s.p[i] == 't' ? '\t' : s.p[i] == 'r' ? '\r' : s.p[i];
		}
	}
	while (n && (to[n - 1] == '\n' || to[n - 1] == '\r' || to[n - 1] == ' '))
		n--;
	return n;
}

/* ---- the rest, each in place ---- */

/* Without sequences ESC [ parameters letter. */
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

/* "&lt;" and the like, and the tags of a line's end and of preformatted text */
static size_t drop_html(char *text, size_t len)
{
	static const struct { const char *word; char c; } words[] = {
		{ "&lt;", '<' }, { "&gt;", '>' }, { "&quot;", '"' }, { "&amp;", '&' }, { "&#39;", '\'' }, { "&#x27;", '\'' },
		{ "&#34;", '"' }, { "&nbsp;", ' ' }, { "<br>", 0 }, { "<br/>", 0 }, { "<br />", 0 }, { "<pre>", 0 }, { "</pre>", 0 },
	};
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		size_t w = 0, k = sizeof(words) / sizeof(words[0]);

		if (text[i] == '&' || text[i] == '<')
			while (w < k && !mm_str_starts((struct mm_str){ text + i, len - i }, words[w].word))
				w++;
		if ((text[i] != '&' && text[i] != '<') || w == k) {
			text[n++] = text[i];
			continue;
		}
		if (words[w].c)
			text[n++] = words[w].c;
		i += strlen(words[w].word) - 1;
	}
	return n;
}

/* 0..15; -1: no digit of quoted-printable */
static int digit(char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1; }

/* "=3D" */
static size_t drop_escapes(char *text, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		if (text[i] == '=' && len - i > 2 && digit(text[i + 1]) >= 0 && digit(text[i + 2]) >= 0) {
			text[n++] = (char)(digit(text[i + 1]) << 4 | digit(text[i + 2]));
			i += 2;
		} else {
			text[n++] = text[i];
		}
	}
	return n;
}

/* 1764425486000,"the ""last"" cell" */
static bool last_cell(struct mm_str line, struct mm_str *cell)
{
	const char *open = line.len > 3 && line.p[line.len - 1] == '"' ? memmem(line.p, line.len, ",\"", 2) : NULL;

	if (!open || open + 2 == line.p + line.len || memchr(line.p, '[', (size_t)(open - line.p)) ||
	    memchr(line.p, '{', (size_t)(open - line.p)))
		return false;
	*cell = (struct mm_str){ open + 2, (size_t)(line.p + line.len - open) - 3 };
	return true;
}

static size_t unquote(struct mm_str s, char *to)
{
	size_t n = 0;

	for (size_t i = 0; i < s.len; i++) {
		to[n++] = s.p[i];
		i += s.p[i] == '"' && i + 1 < s.len && s.p[i + 1] == '"';
	}
	return n;
}

static void trim_cr(struct mm_str *s)
{
	while (s->len && (s->p[s->len - 1] == '\r' || !s->p[s->len - 1]))
		s->len--;
	while (s->len && (*s->p == '\r' || !*s->p || *s->p == 0x1e)) {	/* 0x1e: journalctl -o json-seq */
		s->p++;
		s->len--;
	}
}

/* What @line packs, which then lies in @p->text. 0 or -ENOMEM. */
static int unpack(struct mm_log_plain *p, struct mm_str *line)
{
	struct mm_str s = *line, text;
	bool json = message(s, &text), cell = !json && last_cell(s, &text), colours, html;

	colours = s.len && memchr(s.p, ESC, s.len);
	html = s.len && (memchr(s.p, '&', s.len) || memmem(s.p, s.len, "<br", 3) || memmem(s.p, s.len, "pre>", 4));
	scan_blanks(&s);
	if (scan_word(&s, "MESSAGE="))
		*line = s;
	if (!json && !cell && !colours && !html)
		return 0;
	if (reserve(&p->text, line->len))
		return -ENOMEM;
	if (json)
		p->text.len = unescape(text, p->text.p);
	else if (cell)
		p->text.len = unquote(text, p->text.p);
	else
		memmove(p->text.p, line->p, p->text.len = line->len);
	if (colours || json)
		p->text.len = drop_colours(p->text.p, p->text.len);
	if (html)
		p->text.len = drop_html(p->text.p, p->text.len);
	*line = text_of(&p->text);
	return 0;
}

/* ---- lines ---- */

static int no_memory(struct mm_error *err) { return mm_error_set(err, -ENOMEM, "out of memory"); }

/* Ends the line in "=" because the next one is its own? */
static bool is_soft(const struct mm_log_plain *p, struct mm_str line)
{
	return line.len && line.p[line.len - 1] == '=' && line.len <= SOFT_MAX && (p->quoted_printable || line.len >= SOFT_MIN);
}

/* A blank at the end of a line, as quoted-printable has it: "oom-killer:=20", not "oom_score_adj=20". */
static bool ends_in_blank(struct mm_str line)
{
	static const char blank[] = "=20";
	size_t n = sizeof(blank) - 1;
	char before = line.len > n ? line.p[line.len - n - 1] : 'a';

	return (before == ':' || before == ',' || before == ')') && !memcmp(line.p + line.len - n, blank, n);
}

/* A line of quoted-printable, which may be several. */
static int decode(struct mm_log_plain *p, struct mm_input *in, struct mm_str *line, struct mm_error *err)
{
	struct mm_str more = *line;
	int rc = 1;

	p->soft.len = 0;
	while (rc > 0) {
		bool soft = is_soft(p, more);

		more.len -= soft;
		if (append(&p->soft, more))
			return no_memory(err);
		if (!soft || p->soft.len > MM_INPUT_MAX_LINE)
			break;
		rc = mm_input_line(in, &more, err);
	}
	p->quoted_printable |= ends_in_blank(text_of(&p->soft)) || (p->soft.len && memmem(p->soft.p, p->soft.len, "=3D", 3));
	if (p->quoted_printable)
		p->soft.len = drop_escapes(p->soft.p, p->soft.len);
	while (p->soft.len && p->soft.p[p->soft.len - 1] == ' ')	/* "=20": a mail's mark that the line goes on, or nothing */
		p->soft.len--;
	*line = text_of(&p->soft);
	return rc < 0 ? rc : 1;
}

static int read_line(struct mm_log_plain *p, struct mm_input *in, struct mm_str *line, struct mm_error *err)
{
	int rc = 1;

	if (p->has_ahead) {
		p->has_ahead = false;
		*line = text_of(&p->ahead);
		return 1;
	}
	rc = mm_input_line(in, line, err);
	if (rc > 0)
		trim_cr(line);
	if (rc > 0 && line->len && memchr(line->p, '=', line->len) && (p->quoted_printable || is_soft(p, *line) ||
								      ends_in_blank(*line) || memmem(line->p, line->len, "=3D", 3)))
		rc = decode(p, in, line, err);
	return rc;
}

/* The lines that a mail made of one, at blanks. */
static int join_wrapped(struct mm_log_plain *p, struct mm_input *in, struct mm_str *line, struct mm_error *err)
{
	struct mm_str next, part;
	int rc = 1;

	if (line->p != p->joined.p && set_text(&p->joined, *line))
		return no_memory(err);
	*line = text_of(&p->joined);
	p->part = line->len;
	while (mm_log_may_go_on(p, *line) && p->joined.len < MM_INPUT_MAX_LINE && (rc = read_line(p, in, &next, err)) > 0) {
		if (!mm_log_goes_on(p, *line, next, &part)) {
			if (set_text(&p->ahead, next))
				return no_memory(err);
			p->has_ahead = true;
			break;
		}
		while (p->joined.len && p->joined.p[p->joined.len - 1] == ' ')
			p->joined.len--;
		if (append(&p->joined, (struct mm_str){ " ", 1 }) || append(&p->joined, part))
			return no_memory(err);
		*line = text_of(&p->joined);
		p->part = part.len;
	}
	return rc < 0 ? rc : 1;
}

static int next_line(struct mm_log_plain *p, struct mm_input *in, struct mm_str *line, struct mm_error *err)
{
	int rc = 1;

	if (!p->rest.len) {
		p->line = in->line + !p->has_ahead;
		rc = read_line(p, in, line, err);
		if (rc <= 0)
			return rc;
		if (mm_log_may_go_on(p, *line))
			rc = join_wrapped(p, in, line, err);
		if (rc > 0 && unpack(p, line))
			rc = no_memory(err);
		if (rc < 0)
			return rc;
		p->rest = *line;
	}
	if (!p->rest.len)		/* an empty line */
		return 1;
	scan_line(&p->rest, line);
	trim_cr(line);
	return 1;
}

/* Two collectors have written it into the log.  Requests may well be alike within what a stamp of seconds tells. */
static bool is_twice(const struct mm_log_plain *p, struct mm_str line)
{
	struct mm_report_request rq;

	return line.len && line.len == p->last.len && !memcmp(line.p, p->last.p, line.len) &&
	       (mm_log_is_stamped(line) || !mm_report_request_line(line, &rq));
}

int mm_log_plain_next(struct mm_log_plain *p, struct mm_input *in, struct mm_str *line, struct mm_error *err)
{
	int rc;

	do {
		rc = next_line(p, in, line, err);
	} while (rc > 0 && is_twice(p, *line));
	return rc > 0 && set_text(&p->last, *line) ? no_memory(err) : rc;
}
