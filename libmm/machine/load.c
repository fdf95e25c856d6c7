/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a machine does beside its counters: tasks with their memory, accesses, swap in use, memory available.
 */
#include "cache/cache.h"
#include "cache/swap.h"
#include "machine/machine.h"
#include "phys/phys.h"

/* What could be had without swapping: free pages less the reserves, and the half of the cache that is cheap to drop. */
static uint64_t si_mem_available(const struct mm_machine *m)
{
	const struct mm_vmstat *s = mm_machine_vmstat(m);
	int64_t wmark_low = 0, cache, slab, available;

	for (uint32_t i = 0; i < m->phys->nr_zones; i++)
		wmark_low += (int64_t)m->phys->zone_table[i]->watermark[MM_WMARK_LOW];
	available = s->v[MM_NR_FREE_PAGES] - (int64_t)m->phys->totalreserve_pages;
	cache = s->v[MM_NR_ACTIVE_FILE] + s->v[MM_NR_INACTIVE_FILE];
	cache -= cache / 2 < wmark_low ? cache / 2 : wmark_low;
	slab = s->v[MM_NR_SLAB_RECLAIMABLE] + s->v[MM_NR_KERNEL_MISC_RECLAIMABLE];
	slab -= slab / 2 < wmark_low ? slab / 2 : wmark_low;
	available += cache + slab;
	return available > 0 ? (uint64_t)available : 0;
}

void mm_machine_load(const struct mm_machine *m, struct mm_machine_load *load)
{
	struct mm_machine_load l = { 0 };

	for (size_t i = 0; i < m->tasks.nr; i++) {
		l.tasks += m->tasks.v[i]->state == MM_TASK_RUNNING;
		l.accesses += m->tasks.v[i]->accesses;
	}
	if (m->cache) {
		int64_t left = mm_nr_swap_pages(m->cache);

		l.swap_pages = mm_total_swap_pages(m->cache);
		l.swap_used_pages = left > 0 ? l.swap_pages - (uint64_t)left : l.swap_pages;
	}
	if (m->phys) {
		l.total_pages = m->phys->totalram_pages;
		l.available_pages = si_mem_available(m);
	}
	*load = l;
}

static uint64_t counted(int64_t pages)
{
	return pages > 0 ? (uint64_t)pages : 0;
}

bool mm_machine_task(const struct mm_machine *m, size_t i, struct mm_machine_task *to)
{
	const struct mm_task *t;
	const struct mm_struct *mm;

	if (i >= m->tasks.nr)
		return false;
	t = m->tasks.v[i];
	mm = t->mm;
	*to = (struct mm_machine_task){
		.pid = t->pid, .tgid = t->tgid, .ppid = t->ppid, .alive = t->state == MM_TASK_RUNNING, .comm = t->comm,
		.oom_score_adj = t->oom_score_adj, .min_flt = t->faults.min_flt, .maj_flt = t->faults.maj_flt,
		.accesses = t->accesses,
	};
	if (!mm)
		return true;
	to->total_vm = mm->total_vm;
	to->exec_vm = mm->exec_vm;
	to->data_vm = mm->data_vm;
	to->stack_vm = mm->stack_vm;
	to->locked_vm = mm->locked_vm;
	to->anon_pages = counted(mm->rss[MM_ANONPAGES]);
	to->file_pages = counted(mm->rss[MM_FILEPAGES]);
	to->shmem_pages = counted(mm->rss[MM_SHMEMPAGES]);
	to->swap_entries = counted(mm->rss[MM_SWAPENTS]);
	return true;
}
