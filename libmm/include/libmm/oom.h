/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libmm/oom.h - OOM reports of the kernel log as plain rows, and the killer's arithmetic
 *
 * Model: Linux 6.6 mm/oom_kill.c; reports of 4.x to 6.x.
 */
#ifndef LIBMM_OOM_H
#define LIBMM_OOM_H

#include <libmm/error.h>
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
};

struct mm_oom_zone {			/* a zone line: "Node 0 DMA32 free:1744kB ... min:1744kB" */
	uint32_t node;
	struct mm_str name;		/* owned by the report */
	uint64_t free_pages, min_pages, low_pages, high_pages;
	uint64_t reserve_pages;		/* lowmem_reserve against an allocation for the highest zone */
};

struct mm_oom_report {
	uint32_t report;		/* number in the log, from 0 */
	uint64_t line;			/* where it begins */
	struct mm_str invoker;		/* who asked: comm; owned */
	uint32_t invoker_pid;		/* 0: the log does not say */
	uint32_t gfp_mask;
	int32_t order;			/* -1: sysrq */
	int32_t invoker_adj;
	enum mm_oom_constraint constraint;
	struct mm_str memcg;		/* the one that ran out, empty: none; owned */
	bool allocating_task;		/* oom_kill_allocating_task decided */
	uint64_t usage_pages, limit_pages;	/* of the memcg; MM_MISSING (UINT64_MAX): not said */
	uint64_t ram_pages, reserved_pages, swap_pages, free_swap_pages;
	uint64_t total_pages;		/* what points are measured against */
	bool complete;			/* the task table was seen to its end */
	struct mm_oom_row *rows;
	size_t nr_rows, cap_rows;
	struct mm_oom_zone *zones;
	size_t nr_zones, cap_zones;
	char *text;			/* what the slices point into */
	size_t text_len, text_cap;
};

struct mm_oom_log {
	struct mm_oom_report *v;
	size_t nr, cap;
	uint64_t cut_reports;		/* begun but without a task table */
};

/**
 * mm_oom_log_read() - every OOM report of a kernel log (dmesg, journal, console)
 * @allocating_task: vm.oom_kill_allocating_task of that machine: the task that asked is the victim
 *
 * Unknown lines are passed over.  Rows get their points and the victim that
 * the rule chooses (a report that names its victim is still judged by the
 * rule; .killed says what the log says).  Return: 0, -EINVAL with @err when there is no report, -ENOMEM.
 */
int mm_oom_log_read(struct mm_oom_log *log, struct mm_input *in, bool allocating_task, struct mm_error *err);

/* The tasks of a running or captured machine as one report, sorted by pid; 0, -ENOENT or -ENOMEM with @err. */
int mm_oom_procs_read(struct mm_oom_log *log, const struct mm_sysroot *root, struct mm_error *err);
void mm_oom_log_free(struct mm_oom_log *log);

#endif /* LIBMM_OOM_H */
