/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* source/ftrace.h - one line of a tracepoint recording, and what its event becomes */
#ifndef SOURCE_FTRACE_H
#define SOURCE_FTRACE_H

#include "source/trace_source.h"

struct mm_ftrace_line {
	uint64_t time_ns, line;
	uint32_t cpu, pid;
	struct mm_str event;		/* without its group: "mm_page_alloc" */
	struct mm_str args;		/* "page=... pfn=..." */
	size_t next;			/* where in @args the search for the next field begins: fields are asked for in their order */
	bool irq_over_lock;		/* in an interrupt, and what it came over, or it, holds a lock */
	/* Task and CPU of the line before, "bash-1234    [000] ": most lines begin as it did. */
	char head[64];
	size_t head_len;
};

/* @t is that of the line before, or zeroed. */
bool mm_ftrace_line_cut(struct mm_str line, struct mm_ftrace_line *t);
bool mm_ftrace_knows(struct mm_str event);
/* Add the rows of @t to @b, or count it.  0 or -errno with @err. */
int mm_ftrace_event(struct mm_trace_source *src, struct mm_trace_batch *b, struct mm_ftrace_line *t,
		    struct mm_error *err);

#endif /* SOURCE_FTRACE_H */
