/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* source/lackey_rows.h - what the calls of a lackey recording share when they become rows */
#ifndef SOURCE_LACKEY_ROWS_H
#define SOURCE_LACKEY_ROWS_H

#include "source/lackey.h"

/* One finished call and where its rows go. */
struct mm_lackey_rows {
	struct mm_lackey *l;
	const struct mm_lackey_call *c;
	struct mm_trace_batch *b;
	struct mm_error *err;
};

/* lackey_tasks.c */
int mm_lackey_do_clone(struct mm_lackey_rows *r);
int mm_lackey_do_fork(struct mm_lackey_rows *r);
int mm_lackey_do_exit(struct mm_lackey_rows *r);
int mm_lackey_do_exit_group(struct mm_lackey_rows *r);
int mm_lackey_do_execve(struct mm_lackey_rows *r);
/* Which thread is in valgrind's slot of @pid; NULL: the first one of the process. */
struct mm_lackey_thread *mm_lackey_thread_of(struct mm_lackey *l, uint32_t pid, uint32_t slot);

#endif /* SOURCE_LACKEY_ROWS_H */
