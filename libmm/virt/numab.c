/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NUMA balancing, the scans: a task walks its own address space and takes away entries.
 *
 *	runs for scan_period on the CPU -> a scan of scan_size_mb from where the last one ended
 *	the last VMA -> numa_scan_seq grows, from the beginning again
 *
 * Left alone are VMAs whose policy keeps pages where they are (files in memory without a policy too), read-only files, huge
 * pages of a pool, and what is not accessible anyway. A VMA that the task has not used for two scans waits for its turn.
 * The fault that follows is fault/numa.c's.
 *
 * Source: Linux 6.6 kernel/sched/fair.c task_tick_numa(), task_numa_work(), vma_is_accessed(), init_numa_balancing().
 * Deviation: a task is taken to run whenever the clock of the trace goes on; the time that a scan itself takes is none.
 */
#include <stdlib.h>

#include "base/minmax.h"
#include "base/pool.h"
#include "virt/mempolicy.h"
#include "virt/numab.h"
#include "virt/vma.h"

enum { MAX_SCAN_WINDOW_MB = 2560, TICK_MS = 4, RESET_PERIODS = 4 };

static uint64_t tunable(const struct mm_ctx *ctx, enum mm_sysctl_id id) { return (uint64_t)mm_sysctl(ctx, id); }

/* Its policy lets pages move on hint faults. */
static bool vma_policy_mof(const struct mm_vma *vma)
{
	const struct mm_mempolicy *pol;

	if (mm_vma_is_shmem(vma)) {
		pol = mm_vma_policy_at(vma, vma->vm_start);
		return pol && pol->flags & MM_MPOL_F_MOF;
	}
	pol = vma->extra->vm_policy ? vma->extra->vm_policy : vma->vm_mm->virt->ctx->mempolicy;
	return !pol || pol->flags & MM_MPOL_F_MOF;
}

/* Entries of [start, end) that a fault shall tell of; how many there are now. */
static uint64_t change_prot_numa(struct mm_vma *vma, uint64_t start, uint64_t end)
{
	uint64_t n = mm_change_protection(vma, start, end, MM_CP_PROT_NUMA);

	mm_count(vma->vm_mm->virt->ctx, MM_NUMA_PTE_UPDATES, (int64_t)n);
	return n;
}

/* ---- how often ---- */

static uint32_t scan_windows(const struct mm_struct *mm)
{
	uint64_t pages = tunable(mm->virt->ctx, MM_SYSCTL_NUMAB_SCAN_SIZE) << (20 - MM_PAGE_SHIFT);
	int64_t rss = mm->rss[MM_FILEPAGES] + mm->rss[MM_ANONPAGES] + mm->rss[MM_SHMEMPAGES];

	return rss > 0 ? (uint32_t)(((uint64_t)rss + pages - 1) / pages) : 1;
}

uint32_t mm_task_scan_min(const struct mm_struct *mm)
{
	const struct mm_ctx *ctx = mm->virt->ctx;
	uint64_t size = tunable(ctx, MM_SYSCTL_NUMAB_SCAN_SIZE);
	uint32_t floor = (uint32_t)(1000 / (size < MAX_SCAN_WINDOW_MB ? MAX_SCAN_WINDOW_MB / size : 1));
	uint32_t scan = (uint32_t)(tunable(ctx, MM_SYSCTL_NUMAB_PERIOD_MIN) / scan_windows(mm));

	return scan > floor ? scan : floor;
}

uint32_t mm_task_scan_max(const struct mm_struct *mm)
{
	uint32_t smin = mm_task_scan_min(mm), smax = (uint32_t)(tunable(mm->virt->ctx, MM_SYSCTL_NUMAB_PERIOD_MAX) / scan_windows(mm));

	return smax > smin ? smax : smin;
}

void mm_init_numa_balancing(const struct mm_ctx *ctx, struct mm_task_numa *task, struct mm_struct *mm, bool shares_mm)
{
	struct mm_task_numa parent = *task;
	uint64_t stagger = 0;

	if (shares_mm && mm) {
		stagger = parent.scan_period_ms * (uint64_t)mm->mm_users;
		stagger = mm_min_u64(stagger, mm_task_scan_max(mm)) + 2 * TICK_MS;
	} else if (mm) {
		mm->numa_next_scan_ms = mm_numa_now_ms(mm) + tunable(ctx, MM_SYSCTL_NUMAB_SCAN_DELAY);
		mm->numa_scan_seq = 0;
	}
	*task = (struct mm_task_numa){
		.mempolicy = parent.mempolicy, .mems_allowed = parent.mems_allowed, .il_prev = parent.il_prev, .started = true,
		.start_ns = ctx->now_ns, .node_stamp_ns = stagger * 1000000, .scan_seq = mm ? mm->numa_scan_seq : 0,
		.scan_period_ms = (uint32_t)tunable(ctx, MM_SYSCTL_NUMAB_SCAN_DELAY),
		.preferred_nid = shares_mm ? parent.preferred_nid : 0,
	};
}

void mm_task_numa_free(struct mm_task_numa *task)
{
	free(task->faults);
	task->faults = NULL;
}

/* ---- one scan ---- */

struct scan {
	struct mm_struct *mm;
	struct mm_task_numa *task;
	uint64_t now_ms, start;
	int64_t pages, virtpages;
	bool skipped, forced;		/* VMAs that the task does not use: some were passed over; this time not */
	uint64_t updates;
};

static bool is_unsuitable(const struct mm_vma *vma)
{
	if (vma->vm_flags & (MM_VM_IO | MM_VM_PFNMAP | MM_VM_HUGETLB | MM_VM_MIXEDMAP) || vma->extra->special || !vma_policy_mof(vma))
		return true;
	if (vma->vm_file && (vma->vm_flags & (MM_VM_READ | MM_VM_WRITE)) == MM_VM_READ)
		return true;
	return !mm_vma_is_accessible(vma);
}

/* NULL: no host memory */
static struct mm_numab_state *state_of(const struct scan *s, struct mm_vma *vma)
{
	uint64_t delay = tunable(s->mm->virt->ctx, MM_SYSCTL_NUMAB_SCAN_DELAY);
	struct mm_numab_state *st = vma->extra->numab;
	struct mm_vma_extra *extra;

	if (st)
		return st;
	extra = mm_vma_own_extra(vma);
	if (!extra)
		return NULL;
	st = mm_pool_alloc(&s->mm->virt->numab_pool, sizeof(*st));
	if (st)
		*st = (struct mm_numab_state){
			.start_scan_seq = s->mm->numa_scan_seq, .prev_scan_seq = s->mm->numa_scan_seq - 1,
			.next_scan = s->now_ms + delay, .pids_active_reset = s->now_ms + delay + RESET_PERIODS * delay,
		};
	return extra->numab = st;
}

static bool vma_is_accessed(const struct scan *s, const struct mm_vma *vma)
{
	const struct mm_numab_state *st = vma->extra->numab;
	uint32_t seq = s->mm->numa_scan_seq;

	return seq - st->start_scan_seq < 2 || (st->pids_active[0] | st->pids_active[1]) & mm_numa_pid_bit(s->task->pid) ||
	       s->mm->numa_scan_offset > vma->vm_start || (int32_t)seq > (int32_t)(st->prev_scan_seq + s->mm->mm_users);
}

/* May the VMA be scanned now? */
static bool wants_scan(struct scan *s, struct mm_vma *vma)
{
	struct mm_struct *mm = s->mm;
	struct mm_numab_state *st;

	if (is_unsuitable(vma))
		return false;
	st = state_of(s, vma);
	if (!st || (mm->numa_scan_seq && s->now_ms < st->next_scan))
		return false;
	if (mm->numa_scan_seq && s->now_ms > st->pids_active_reset) {
		st->pids_active_reset += RESET_PERIODS * tunable(mm->virt->ctx, MM_SYSCTL_NUMAB_SCAN_DELAY);
		st->pids_active[0] = st->pids_active[1];
		st->pids_active[1] = 0;
	}
	if (st->prev_scan_seq == mm->numa_scan_seq) {
		mm->numa_scan_offset = vma->vm_end;
		return false;
	}
	if (!s->forced && !vma_is_accessed(s, vma)) {
		s->skipped = true;
		return false;
	}
	return true;
}

/* Piece by piece to the end of the VMA; false: enough for this time. */
static bool scan_vma(struct scan *s, struct mm_vma *vma)
{
	uint64_t end;

	do {
		uint64_t n;

		s->start = mm_max_u64(s->start, vma->vm_start);
		end = s->start + ((uint64_t)s->pages << MM_PAGE_SHIFT);
		end = (end + MM_PMD_SIZE - 1) & ~(MM_PMD_SIZE - 1);
		end = mm_min_u64(end, vma->vm_end);
		n = change_prot_numa(vma, s->start, end);
		s->updates += n;
		if (n)
			s->pages -= (int64_t)((end - s->start) >> MM_PAGE_SHIFT);
		s->virtpages -= (int64_t)((end - s->start) >> MM_PAGE_SHIFT);
		s->start = end;
		if (s->pages <= 0 || s->virtpages <= 0)
			return false;
	} while (end != vma->vm_end);
	vma->extra->numab->prev_scan_seq = s->mm->numa_scan_seq;
	return true;
}

static void reset_scan(struct mm_struct *mm)
{
	mm->numa_scan_seq++;
	mm->numa_scan_offset = 0;
}

/* From where the last scan ended to the last VMA: the VMA at which this one ends, NULL: there is no more. */
static struct mm_vma *scan_vmas(struct scan *s)
{
	struct mm_vma *vma;

	s->start = s->mm->numa_scan_offset;
	vma = mm_find_vma(s->mm, s->start);
	if (!vma) {
		reset_scan(s->mm);
		s->start = 0;
		vma = mm_find_vma(s->mm, 0);
	}
	for (; vma; vma = mm_find_vma(s->mm, vma->vm_end)) {
		if (!wants_scan(s, vma))
			continue;
		if (!scan_vma(s, vma) || s->forced)
			return vma;
	}
	return NULL;
}

/*
 * One scan of the task's address space: of @bytes of memory, 0 numa_balancing.scan_size_mb; eight times that much without pages.
 * Entries changed.
 */
static uint64_t task_numa_work(struct mm_struct *mm, struct mm_task_numa *task, uint64_t bytes)
{
	uint64_t size = bytes ? bytes : tunable(mm->virt->ctx, MM_SYSCTL_NUMAB_SCAN_SIZE) << 20;
	struct scan s = { .mm = mm, .task = task, .now_ms = mm_numa_now_ms(mm), .pages = (int64_t)(size >> MM_PAGE_SHIFT) };
	struct mm_vma *vma;

	s.virtpages = s.pages * 8;
	if (s.pages <= 0 || !mm->virt->phys)
		return 0;
	vma = scan_vmas(&s);
	if (!vma && s.skipped) {
		s.forced = true;
		vma = scan_vmas(&s);
	}
	if (vma)
		mm->numa_scan_offset = s.start;
	else
		reset_scan(mm);
	return s.updates;
}

static void begin(struct mm_struct *mm, struct mm_task_numa *task)
{
	if (task->started)
		return;
	mm_init_numa_balancing(mm->virt->ctx, task, mm, false);
	task->pid = mm->virt->ctx->pid;
}

uint64_t mm_task_numa_scan(struct mm_struct *mm, struct mm_task_numa *task, uint64_t bytes)
{
	begin(mm, task);
	mm->numa_row_ms += tunable(mm->virt->ctx, MM_SYSCTL_NUMAB_SCAN_DELAY);
	return task_numa_work(mm, task, bytes);
}

void mm_task_tick_numa(struct mm_struct *mm, struct mm_task_numa *task)
{
	const struct mm_ctx *ctx = mm->virt->ctx;
	uint64_t now_ms = mm_numa_now_ms(mm), runtime_ns;

	begin(mm, task);
	runtime_ns = ctx->now_ns - task->start_ns;
	if (runtime_ns <= task->node_stamp_ns + task->scan_period_ms * UINT64_C(1000000))
		return;
	if (!task->node_stamp_ns)
		task->scan_period_ms = mm_task_scan_min(mm);
	task->node_stamp_ns += task->scan_period_ms * UINT64_C(1000000);
	if (!mm->numa_next_scan_ms)		/* a new program */
		mm->numa_next_scan_ms = now_ms + tunable(ctx, MM_SYSCTL_NUMAB_SCAN_DELAY);
	if (now_ms < mm->numa_next_scan_ms)
		return;
	mm->numa_next_scan_ms = now_ms + task->scan_period_ms;
	task->node_stamp_ns += 2 * TICK_MS * UINT64_C(1000000);
	task_numa_work(mm, task, 0);
}
