/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * source/perf.h - perf's records of mappings and tasks (perf script --show-mmap-events --show-task-events)
 *
 * ftrace.c cuts the line, perf_line.c the record; perf_maps.c knows what is mapped where, perf_records.c makes the rows, and
 * perf_calls.c those of system calls.
 */
#ifndef SOURCE_PERF_H
#define SOURCE_PERF_H

#include <string.h>

#include "source/ftrace.h"

/* "31735/31735: [0x5619da7fa000(0x16000) @ 0x4000 fe:00 247728 0]: r-xp /usr/bin/ls": one VMA, as it is now. */
struct mm_perf_mmap {
	uint32_t pid, tid;
	uint64_t start, end, offset;	/* bytes */
	uint32_t major, minor;
	uint64_t ino;			/* 0: not told */
	uint64_t file;			/* whose bytes they are, hashed; 0: anonymous memory */
	char perms[4];			/* "r-xp" */
	struct mm_str name;		/* slice of the line */
};

/* "(21778:21843):(21778:21778)": of FORK and EXIT */
struct mm_perf_task {
	uint32_t pid, tid, parent_pid, parent_tid;
};

/* perf_line.c: false: the text is none.  *@kernel: it is a mapping of the kernel's, there is nothing in @r. */
bool mm_perf_mmap_parse(struct mm_str text, bool old, struct mm_perf_mmap *r, bool *kernel);
bool mm_perf_task_parse(struct mm_str text, struct mm_perf_task *r);
/* ": ls:31735/31735", " exec: ls:31735/31735": @name is a slice of the line. */
bool mm_perf_comm_parse(struct mm_str text, struct mm_str *name, uint32_t *pid, uint32_t *tid, bool *exec);

/* ---- what is mapped where (perf_maps.c) ---- */
struct mm_perf_range {
	uint64_t start, end, offset, file;
	char perms[4];
	bool whole;			/* one call mapped all of it and nothing else was joined with it */
};

struct mm_perf_maps {			/* upwards, without overlaps */
	struct mm_perf_range *v;
	size_t nr, cap;
};

/* The first range that ends above @addr; @maps->nr: none. */
size_t mm_perf_maps_find(const struct mm_perf_maps *maps, uint64_t addr);
/* Nothing is known of [start, end) any more; 0 or -ENOMEM. */
int mm_perf_maps_clear(struct mm_perf_maps *maps, uint64_t start, uint64_t end);
/* In place of what was known there; 0 or -ENOMEM. */
int mm_perf_maps_set(struct mm_perf_maps *maps, const struct mm_perf_range *r);
int mm_perf_maps_copy(struct mm_perf_maps *to, const struct mm_perf_maps *from);	/* into an empty one; 0 or -ENOMEM */
/* Whether the bytes at the same address are the same: of one file at one place, or anonymous. */
bool mm_perf_is_same_memory(const struct mm_perf_range *r, const struct mm_perf_mmap *m);

/* ---- rows (perf_records.c) ---- */
struct mm_perf;
int mm_perf_new(struct mm_perf **pp, struct mm_trace_source *src);	/* 0 or -ENOMEM */
void mm_perf_free(struct mm_perf *p);

static inline bool mm_perf_is_record(struct mm_str event)
{
	return event.len > 12 && !memcmp(event.p, "PERF_RECORD_", 12);
}

/* The rows of the record that @t is.  0 or -errno with @err. */
int mm_perf_record(struct mm_perf *p, struct mm_trace_batch *b, const struct mm_ftrace_line *t, struct mm_error *err);
/* A record had more rows than @b had room for: the next ones.  1: there were some, 0: none are left, -errno with @err. */
int mm_perf_more(struct mm_perf *p, struct mm_trace_batch *b, struct mm_error *err);

/* ---- system calls (perf_calls.c) ---- */
static inline bool mm_perf_is_call(struct mm_str event)
{
	return event.len > 9 && (!memcmp(event.p, "sys_enter_", 10) || !memcmp(event.p, "sys_exit_", 9));
}

struct mm_perf_calls;
void mm_perf_calls_free(struct mm_perf_calls *c);
/* The rows of the event that @t is; *@cp is NULL at first, what is kept then.  0, -EINVAL with @err or -ENOMEM. */
int mm_perf_call(struct mm_perf *p, struct mm_perf_calls **cp, struct mm_trace_source *src, struct mm_trace_batch *batch,
		 const struct mm_ftrace_line *t, struct mm_error *err);
/* perf_records.c: what the process of @tid has mapped; NULL with *@told false: records do not tell it. */
struct mm_perf_maps *mm_perf_maps_of(struct mm_perf *p, uint32_t tid, bool *told);
/* brk() of such a process has returned @value. 0 or -ENOMEM. */
int mm_perf_brk(struct mm_perf *p, struct mm_trace_batch *b, const struct mm_ftrace_line *t, uint64_t value);
struct mm_event *mm_perf_row(struct mm_trace_batch *b, const struct mm_ftrace_line *t, uint32_t tid, enum mm_event_type type);

#endif /* SOURCE_PERF_H */
