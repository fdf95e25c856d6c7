/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * source/perf.h - perf's records of mappings and tasks (perf script --show-mmap-events --show-task-events)
 *
 * ftrace.c cuts the line, perf_line.c the record; perf_maps.c knows what is mapped where, perf_tasks.c whose it is; perf_records.c
 * makes the rows, and perf_calls.c those of system calls.
 */
#ifndef SOURCE_PERF_H
#define SOURCE_PERF_H

#include <string.h>

#include "source/ftrace.h"
#include "source/strace.h"

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

/* ---- processes (perf_tasks.c) ---- */
struct mm_perf_process {
	uint32_t pid, nr_threads;	/* 0: nobody */
	bool shared;			/* among its tasks are processes that share what it has mapped */
	bool told;			/* a record of a mapping, or a program that it runs */
	bool young;			/* what it maps is the kernel's doing, for exec */
	bool vdso;
	uint64_t program;		/* its file, 0 not known yet; behind its image: */
	uint64_t image_end;
	uint64_t start_brk, brk;	/* 0: not known */
	struct mm_perf_maps maps;
};

struct mm_perf_calls;
struct mm_perf {
	struct mm_trace_source *src;
	struct mm_perf_process *v;
	size_t nr, cap;
	struct strace_pids pids;	/* of tasks: place in v */
	struct strace_files *files;	/* whose size was told */
	struct mm_perf_calls *calls;
	struct pending {		/* a VMA that still has rows */
		struct mm_perf_mmap vma;
		char *name;
		struct mm_ftrace_line t;
		uint64_t at;		/* done below; UINT64_MAX: none */
		bool whole;
	} pending;
	struct {			/* a process that the next line may tell more of */
		struct mm_ftrace_line t;
		struct mm_perf_task r;
		uint64_t flags;		/* CLONE_ bits, as far as they are known */
		bool there;
	} fork;
};

/* The process of a task, of a process by its number; NULL: not known, or for the latter that there is no host memory. */
struct mm_perf_process *mm_perf_process_of_task(struct mm_perf *p, uint32_t tid);
struct mm_perf_process *mm_perf_process_of(struct mm_perf *p, uint32_t pid);
/* A row for the thread @tid of @process, made by @parent, if it is a new one; 0 or -ENOMEM. */
int mm_perf_meet_thread(struct mm_perf *p, struct mm_trace_batch *b, const struct mm_ftrace_line *t, struct mm_perf_process *process,
			uint32_t parent, uint32_t tid);
/*
 * What records FORK and EXIT say. A fork is kept until the next line, which may tell more of it: mm_perf_settle() with that line, NULL at
 * the end, makes its row.  0 or -ENOMEM.
 */
int mm_perf_fork(struct mm_perf *p, struct mm_trace_batch *b, const struct mm_ftrace_line *t, const struct mm_perf_task *r);
int mm_perf_settle(struct mm_perf *p, struct mm_trace_batch *b, const struct mm_ftrace_line *next);
/* The tracepoint of a new task that no record told of. 0, -EINVAL with @err or -ENOMEM. */
int mm_perf_newtask(struct mm_perf *p, struct mm_trace_batch *b, const struct mm_ftrace_line *t, struct mm_error *err);
int mm_perf_end(struct mm_perf *p, struct mm_trace_batch *b, const struct mm_ftrace_line *t, const struct mm_perf_task *r);
/* The process @pid runs a program: rows for its other threads, which have ended, and it has what only it has mapped. 0 or -ENOMEM. */
int mm_perf_begin_program(struct mm_perf *p, struct mm_trace_batch *b, const struct mm_ftrace_line *t, uint32_t pid,
			  struct mm_perf_process **processp);

/* ---- rows (perf_records.c) ---- */
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
/* "sys_enter_mmap", "sys_exit_mmap"; "sys_mmap", as ftrace has both */
static inline bool mm_perf_is_call(struct mm_str event)
{
	return event.len > 4 && !memcmp(event.p, "sys_", 4) && !(event.len == 9 && !memcmp(event.p, "sys_enter", 9)) &&
	       !(event.len == 8 && !memcmp(event.p, "sys_exit", 8));
}

void mm_perf_calls_free(struct mm_perf_calls *c);
/* The flags of the clone that the task @tid is in; 0: none is known. */
uint64_t mm_perf_clone_flags(struct mm_perf_calls *c, uint32_t tid);
/* The rows of the event that @t is; *@cp is NULL at first, what is kept then.  0, -EINVAL with @err or -ENOMEM. */
int mm_perf_call(struct mm_perf *p, struct mm_perf_calls **cp, struct mm_trace_source *src, struct mm_trace_batch *batch,
		 const struct mm_ftrace_line *t, struct mm_error *err);
/* perf_records.c: what the process of @tid has mapped; NULL with *@told false: records do not tell it. */
struct mm_perf_maps *mm_perf_maps_of(struct mm_perf *p, uint32_t tid, bool *told);
/* brk() of such a process has returned @value. 0 or -ENOMEM. */
int mm_perf_brk(struct mm_perf *p, struct mm_trace_batch *b, const struct mm_ftrace_line *t, uint64_t value);
struct mm_event *mm_perf_row(struct mm_trace_batch *b, const struct mm_ftrace_line *t, uint32_t tid, enum mm_event_type type);

#endif /* SOURCE_PERF_H */
