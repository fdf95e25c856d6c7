/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libmm/oom.h - OOM reports of the kernel log as plain rows, and the killer's arithmetic
 *
 * Model: Linux 6.6 mm/oom_kill.c; reports of 2.6.36 to 6.x.  Of older ones all but the choice.
 */
#ifndef LIBMM_OOM_H
#define LIBMM_OOM_H

#include <libmm/error.h>
#include <libmm/explain.h>
#include <libmm/input.h>
#include <libmm/source.h>
#include <libmm/types.h>

#define MM_OOM_SCORE_ADJ_MIN	(-1000)
#define MM_OOM_SCORE_ADJ_MAX	1000
#define MM_OOM_UNKILLABLE	INT64_MIN

/**
 * mm_oom_badness() - how much the death of a task would give back, weighed by its owner's wish
 * @oom_score_adj: -1000 .. 1000
 * @total_pages: RAM and swap, or the limit of the memcg that ran out
 *
 * Return: points in pages, MM_OOM_UNKILLABLE for -1000.
 * Source: Linux 6.6 mm/oom_kill.c oom_badness().
 */
int64_t mm_oom_badness(uint64_t rss_pages, uint64_t swap_pages, uint64_t pgtables_bytes, int32_t oom_score_adj,
		       uint64_t total_pages);
/* /proc/PID/oom_score of such points: 0 .. 2000; Source: fs/proc/base.c proc_oom_score(). */
int64_t mm_oom_score(int64_t points, uint64_t total_pages);

enum mm_oom_constraint { MM_OOM_NONE, MM_OOM_CPUSET, MM_OOM_MEMORY_POLICY, MM_OOM_MEMCG };
const char *mm_oom_constraint_word(enum mm_oom_constraint c);	/* "CONSTRAINT_MEMCG" */

struct mm_oom_row {			/* a line of the task table */
	uint32_t pid, tgid, uid;
	uint64_t total_vm_pages, rss_pages, pgtables_bytes, swapents_pages;
	int32_t oom_score_adj;
	struct mm_str name;		/* owned by the report */
	int64_t points;			/* as the kernel counts them, MM_OOM_UNKILLABLE: never */
	bool victim;			/* who the rule chooses */
	bool killed;			/* whom the report says was killed */
	bool killed_later;		/* in a kill without a report that followed this one */
	bool gone;			/* an earlier report's victim: not chosen again */
};

enum { MM_OOM_SLABS = 4, MM_OOM_COMM = 64 };

/*
 * What held the memory, in pages: X(suffix, words for people).  The first FREE are parts of RAM (of the memcg's
 * usage, in a report of its limit) that do not overlap.
 */
#define MM_OOM_HELD(X) \
	X(ANON, "anonymous memory") \
	X(FILE, "files' pages") \
	X(SHMEM, "shared memory and tmpfs") \
	X(UNEVICTABLE, "locked or unevictable") \
	X(SLAB_UNRECLAIMABLE, "kernel objects that cannot be reclaimed") \
	X(SLAB_RECLAIMABLE, "kernel objects that can be reclaimed") \
	X(PAGETABLES, "page tables") \
	X(KERNEL_STACK, "kernel stacks") \
	X(HUGETLB, "the pool of huge pages") \
	X(PERCPU, "per-CPU data") \
	X(VMALLOC, "vmalloc()") \
	X(SOCK, "network buffers") \
	X(ZSWAP, "compressed swap") \
	X(PCP, "free on CPUs' lists") \
	X(FREE, "free") \
	X(SWAPCACHE, "in swap and in memory")

enum mm_oom_held {
#define X(sym, words) MM_OOM_HELD_##sym,
	MM_OOM_HELD(X)
#undef X
	MM_OOM_NR_HELD
};
const char *mm_oom_held_words(enum mm_oom_held h);

/* What came of it, besides a victim. */
enum mm_oom_outcome {
	MM_OOM_KILL_ONE,		/* a task was chosen */
	MM_OOM_NOBODY,			/* "no killable processes" */
	MM_OOM_PANIC,			/* vm.panic_on_oom */
	MM_OOM_NO_RULE,			/* before 2.6.36: a rule whose facts the report has not; no task has points */
};

struct mm_oom_slab {			/* a line of "Unreclaimable slab info" */
	struct mm_str name;
	uint64_t pages;
};

struct mm_oom_report {
	uint32_t report;		/* number in the log, from 0 */
	uint64_t line;			/* where it begins */
	bool headless;			/* the line that says who asked, and for what, is not in the log */
	uint32_t page_size;		/* bytes */
	bool page_size_guessed;		/* by what tasks have and the memcg holds */
	struct mm_str invoker;		/* who asked: comm; owned */
	uint32_t invoker_pid;		/* 0: the log does not say */
	uint32_t gfp_mask;
	struct mm_str gfp;		/* the flags' words as that kernel spells them; empty: it gives none */
	int32_t order;			/* -1: sysrq */
	bool no_order;			/* the line does not say: before 2.6.10 */
	int32_t invoker_adj;
	bool counts_tables;		/* page tables by number: before 4.15 */
	bool no_tables, no_swapents;	/* the task table has no such columns: before 3.7; they count as 0 */
	bool old_rule;			/* oom_adj alone, no oom_score_adj: before 2.6.36 */
	enum mm_oom_constraint constraint;
	bool constraint_said;		/* by the log; else it was inferred */
	struct mm_str memcg;		/* the one that ran out, empty: none; owned */
	enum mm_oom_outcome outcome;	/* by the rule and the settings */
	bool end_said;			/* the log has lines behind the task table that tell what came of it */
	bool panicked, asked_said;	/* the log says so: vm.panic_on_oom, vm.oom_kill_allocating_task */
	bool group;			/* all tasks of a memcg die with the victim: memory.oom.group */
	bool sacrifice;			/* a kernel that kills a child of the victim where it has one: before 5.1 */
	uint32_t said_pid;		/* of whom the log tells a score, of 1000, before 5.1; 0: of nobody */
	int64_t said_score;
	bool bonus_of_own;		/* which tells that root has 3 % of its own less, as stable kernels before 3.14 may have it */
	bool allocating_task;		/* oom_kill_allocating_task decided */
	/* of the memcg, UINT64_MAX: not said, or no limit */
	uint64_t usage_pages, limit_pages;
	uint64_t swap_usage_pages, swap_limit_pages;	/* memory.swap (v2) */
	uint64_t memsw_usage_pages, memsw_limit_pages;	/* memory+swap (v1) */
	bool memsw_not_counted;		/* the report has them, but that kernel did not account swap */
	uint64_t ram_pages, reserved_pages, swap_pages, free_swap_pages;
	bool swap_said;			/* the report has "Total swap" */
	uint64_t total_pages;		/* what points are measured against */
	bool total_unknown;		/* the log does not say: no oom_score_adj is weighed */
	bool complete;			/* it has a task table */
	uint64_t held[MM_OOM_NR_HELD];	/* pages; UINT64_MAX: not said */
	uint32_t mem_info_said;		/* bits of words of Mem-Info, for the reader */
	uint32_t nodes_said[MM_MAX_NODES];	/* bits of what nodes' lines tell, for the reader */
	struct mm_oom_slab slabs[MM_OOM_SLABS];	/* the largest unreclaimable caches, largest first */
	size_t nr_slabs;
	struct mm_oom_row *rows;
	size_t nr_rows, cap_rows;
	size_t first, second;		/* rows whom the points take, and would take without it; SIZE_MAX: none */
	struct mm_explain_list zones;
	char *text;			/* what the slices point into */
	size_t text_len, text_cap;
};

/* "Killed process 4711 (java) total-vm:..., anon-rss:..." of no report's task table: the kernel's log limits reports, not these lines. */
enum { MM_OOM_NO_REPORT = UINT32_MAX };
struct mm_oom_kill {
	uint64_t line;			/* where it stands */
	uint32_t report;		/* number of the report without a task table that it ends, or MM_OOM_NO_REPORT */
	uint32_t pid;
	char name[MM_OOM_COMM];
	bool memcg;			/* a limit of a memcg ran out */
	uint64_t anon_kib, file_kib, shmem_kib;	/* UINT64_MAX: not said */
	int64_t oom_score_adj;		/* INT64_MIN: not said */
};

struct mm_oom_log {
	struct mm_oom_report *v;
	size_t nr, cap;
	uint64_t cut_rows;		/* of task tables, that end too early, and are in no table */
	uint64_t cut_reports;		/* of v, without a task table: cut off, or vm.oom_dump_tasks=0 */
	struct mm_oom_kill *kills;
	size_t nr_kills, cap_kills;
};

struct mm_oom_adj {			/* what if this process had another oom_score_adj */
	uint32_t pid;
	int32_t oom_score_adj;		/* -1000 .. 1000 */
};

/* Under which settings the rule chooses; all zero: those of the report. */
struct mm_oom_settings {
	bool allocating_task;		/* vm.oom_kill_allocating_task: the task that asked is the victim */
	int panic_on_oom;		/* vm.panic_on_oom: 0, 1, 2 */
	bool other_ram, other_swap, other_limit;	/* measured against these instead of the report's: */
	uint64_t ram_bytes, swap_bytes, limit_bytes;
	uint32_t page_size;		/* of the machine; 0: as the log tells */
	const struct mm_oom_adj *adjs;
	size_t nr_adjs;
};

/**
 * mm_oom_log_read() - every OOM report of a kernel log (dmesg, journal, console)
 * @settings: of the machine that wrote it, or what to try instead; NULL: none
 *
 * Unknown lines are passed over.  Rows get their points and the victim that
 * the rule of that kernel's version chooses (a report that names its victim is still judged by the
 * rule; .killed says what the log says).  A victim of an earlier report that is still there is not chosen again.
 * Return: 0, -EINVAL with @err when there is neither a report nor a kill, -ENOMEM.
 */
int mm_oom_log_read(struct mm_oom_log *log, struct mm_input *in, const struct mm_oom_settings *settings,
		    struct mm_error *err);

/* /proc/PID/oom_score of a row by the rule of its report's kernel: before 5.9 thousandths of all that counts, 0 for whom nobody kills. */
int64_t mm_oom_row_score(const struct mm_oom_report *r, const struct mm_oom_row *row);

/**
 * mm_oom_adj_flips() - the oom_score_adj of one task that would have changed the choice
 * @row:	number of the task in the table
 * @adj:	of another task than the victim: the least with which it had been chosen; of the victim: the
 *		greatest with which it had been spared
 *
 * Return: true; false when no value would have, or none is weighed (the task that asked was the victim by vm.oom_kill_allocating_task,
 * nobody was chosen, or adj cannot reach so far).
 */
bool mm_oom_adj_flips(const struct mm_oom_report *r, size_t row, int32_t *adj);

/*
 * The total (limit of the memcg with its swap, or RAM and swap) nearest to the one at hand from which the choice
 * falls on another task, were the tasks as large as they are: @up looks at larger totals, else at smaller ones.
 * True with the total and the row of that task.
 */
bool mm_oom_total_flips(const struct mm_oom_report *r, bool up, uint64_t *total_pages, size_t *row);

/*
 * The tasks of a running or captured machine, of pages of @page_size bytes, as one report, sorted by pid; 0, -ENOENT or -ENOMEM with
 * @err.
 */
int mm_oom_procs_read(struct mm_oom_log *log, const struct mm_sysroot *root, uint32_t page_size, struct mm_error *err);
void mm_oom_log_free(struct mm_oom_log *log);

#endif /* LIBMM_OOM_H */
