/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* source/log_plain.h - lines of a kernel log that something has packed: JSON, mails, colours */
#ifndef SOURCE_LOG_PLAIN_H
#define SOURCE_LOG_PLAIN_H

#include <libmm/input.h>

struct mm_log_text {
	char *p;
	size_t len, cap;
};

/* Begins as { 0 }. */
struct mm_log_plain {
	struct mm_log_text text;	/* of a line of the log what it packs */
	struct mm_log_text soft;	/* a line without quoted-printable */
	struct mm_log_text joined;	/* a line that was broken, put together */
	struct mm_log_text ahead;	/* the line behind it, which is not its own */
	struct mm_log_text last;	/* the line given out last */
	struct mm_str rest;		/* further lines of text */
	bool has_ahead;
	bool quoted_printable, wrapped;	/* from here on: the log had such a line */
	size_t columns;			/* of the task table that is read */
	size_t part;			/* bytes of the last part of a broken line */
	uint64_t line;			/* number of the line given out last, of its first part */
};

/*
 * The next line as the kernel's was: a string of JSON, MESSAGE= of journalctl, the last cell of a CSV, without quoted-printable, HTML
 * and colours, and whole where a mail has broken it.  Most lines are left as they are.  One that stands twice in a row is given once.
 * It is valid until the next call.
 * Return: 1, 0 at the end, or -errno with @err.
 */
int mm_log_plain_next(struct mm_log_plain *p, struct mm_input *in, struct mm_str *line, struct mm_error *err);
void mm_log_plain_free(struct mm_log_plain *p);

/* ---- log_wrapped.c: lines that were broken at a blank ---- */

/* Has it a time stamp "[    5.156675]"?  Levels and what a log daemon puts before it do not count. */
bool mm_log_is_stamped(struct mm_str s);
/* May @line go on in the next one?  Else that need not be read. */
bool mm_log_may_go_on(struct mm_log_plain *p, struct mm_str line);
/* Does @line go on in @next, which then begins with what @part is? */
bool mm_log_goes_on(struct mm_log_plain *p, struct mm_str line, struct mm_str next, struct mm_str *part);

#endif /* SOURCE_LOG_PLAIN_H */
