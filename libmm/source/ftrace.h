/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* source/ftrace.h - one line of a tracepoint recording, and what its event becomes */
#ifndef SOURCE_FTRACE_H
#define SOURCE_FTRACE_H

#include <string.h>

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
/* ftrace_forms.c: the forms of latency-format and function_graph; @t is what the line has, or zeroed. */
bool mm_ftrace_cut_other(struct mm_str line, struct mm_ftrace_line *t);
bool mm_ftrace_is_comment(struct mm_str line);	/* an event within function_graph, which may lack a time or a task */
/* The number that ends the text before the CPU: "init-1", "init-1 (    1)", "init 1", "init 1/2". */
bool mm_ftrace_pid(const char *from, const char *to, uint32_t *pid);

/*
 * The word after the CPU, "d.s2.": interrupts off, need-resched, the kind of interrupt, the depth of preempt_disable().
 * Two deep is what the lock of a per-CPU list alone makes (it pins the task, then spins).
 */
static inline bool mm_ftrace_is_irq_over_lock(struct mm_str w)
{
	return w.len >= 4 && w.len <= 8 && w.p[3] >= '2' && w.p[3] <= 'f' && memchr("shHzZ", w.p[2], 5);
}

bool mm_ftrace_knows(struct mm_str event);
/* Add the rows of @t to @b, or count it.  0 or -errno with @err. */
int mm_ftrace_event(struct mm_trace_source *src, struct mm_trace_batch *b, struct mm_ftrace_line *t,
		    struct mm_error *err);

#endif /* SOURCE_FTRACE_H */
