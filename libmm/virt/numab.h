/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * virt/numab.h - NUMA balancing: entries are taken away for a while, so that a fault tells who uses a page
 *
 * Model: Linux 6.6 kernel/sched/fair.c, mm/mempolicy.c, mm/mprotect.c.
 */
#ifndef VIRT_NUMAB_H
#define VIRT_NUMAB_H

#include "phys/mempolicy.h"
#include "virt/pgtable.h"

/* What a scan knows of a VMA (struct vma_numab_state); times in milliseconds. */
struct mm_numab_state {
	uint64_t next_scan, pids_active_reset;
	uint64_t pids_active[2];		/* tasks that took hint faults there, by a hash of the pid */
	uint32_t start_scan_seq, prev_scan_seq;
};

/* Hint faults of a task: of this scan and decayed ones, by node and shared or private. */
struct mm_numa_faults {
	uint64_t membuf[MM_MAX_NODES][2];
	int64_t mem[MM_MAX_NODES][2];
	uint64_t locality[3];			/* remote, local, of pages that could not move */
};

static inline bool mm_numa_balancing(const struct mm_ctx *ctx) { return mm_sysctl(ctx, MM_SYSCTL_NUMA_BALANCING) > 0; }
static inline bool mm_pte_protnone(mm_pte_t p) { return (p & (MM_PTE_P | MM_PTE_PROTNONE)) == MM_PTE_PROTNONE; }
/* The clock of scans: the trace's, and a scan delay for each numa_scan row. */
static inline uint64_t mm_numa_now_ms(const struct mm_struct *mm) { return mm->virt->ctx->now_ns / 1000000 + mm->numa_row_ms; }
/* hash_32(pid, 6): the bit that stands for a task */
static inline uint64_t mm_numa_pid_bit(uint32_t pid) { return UINT64_C(1) << (pid * 0x61C88647u >> 26); }

/*
 * A scan at once of @bytes (0: numa_balancing.scan_size_mb), as a row asks: the clock of scans goes on by the scan delay, so that no VMA
 * waits.  Return: entries changed.
 */
uint64_t mm_task_numa_scan(struct mm_struct *mm, struct mm_task_numa *task, uint64_t bytes);
/* The task has run until now: a scan if one is due (task_tick_numa()). */
void mm_task_tick_numa(struct mm_struct *mm, struct mm_task_numa *task);
/* When that may be, by ctx->now_ns; UINT64_MAX: never. */
static inline uint64_t mm_task_numa_due_ns(const struct mm_ctx *ctx, const struct mm_task_numa *task)
{
	if (!mm_numa_balancing(ctx))
		return UINT64_MAX;
	return task->started ? task->start_ns + task->node_stamp_ns + task->scan_period_ms * UINT64_C(1000000) + 1 : 0;
}
/* A task begins; @shares_mm: a thread. */
void mm_init_numa_balancing(const struct mm_ctx *ctx, struct mm_task_numa *task, struct mm_struct *mm, bool shares_mm);
void mm_task_numa_free(struct mm_task_numa *task);	/* what balancing keeps of it */
/* The scan periods that its memory allows (task_scan_min(), task_scan_max()), ms. */
uint32_t mm_task_scan_min(const struct mm_struct *mm);
uint32_t mm_task_scan_max(const struct mm_struct *mm);

#endif /* VIRT_NUMAB_H */
