/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * source/pid.h - parsers of one process's files, for the table of processes
 */
#ifndef SOURCE_PID_H
#define SOURCE_PID_H

#include "source/proc.h"

enum { MM_PID_PATH = 64 };
#define MM_MISSING_PID	UINT64_MAX	/* as MM_MISSING_U64 of <libmm/table.h> */

void mm_pid_parse_status(struct mm_str text, struct mm_pid_row *r);
/* A process of which there is no PID/stat; 0 or -EINVAL. */
int mm_pid_parse_status_only(struct mm_str text, struct mm_pid_row *r);

/* "PID/file" or, for a thread, "TGID/task/PID/file"; @dst holds MM_PID_PATH bytes.  Return: length. */
size_t mm_pid_path(char *dst, const struct mm_pid_row *r, const char *file);

/*
 * In status, and there alone, the kernel writes a newline or backslash of a comm as "\n" and "\\": undo it. Return: length in @dst, which
 * holds @room bytes, the NUL apart.
 */
size_t mm_pid_unescape(char *dst, size_t room, const char *p, size_t len);

/* Read the files that @want names; what is not there keeps its last value. */
void mm_pid_read_more(struct mm_proc *p, uint32_t want, struct mm_pid_row *r);

#endif /* SOURCE_PID_H */
