/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* source/log_plain.h - lines of a kernel log that something has packed: JSON, colours */
#ifndef SOURCE_LOG_PLAIN_H
#define SOURCE_LOG_PLAIN_H

#include <libmm/types.h>

/* Where unpacked lines lie; begins as { 0 }. */
struct mm_log_plain {
	char *text;
	size_t cap;
};

/*
 * @line becomes what the kernel's line was: the string "log" or "MESSAGE" of a line of JSON, without the escape sequences of
 * colours.  Most lines are left as they are.  A changed one lies in @p until the next call.  0 or -ENOMEM.
 */
int mm_log_plain_line(struct mm_log_plain *p, struct mm_str *line);
void mm_log_plain_free(struct mm_log_plain *p);

#endif /* SOURCE_LOG_PLAIN_H */
