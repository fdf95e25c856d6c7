/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a machine does beside its counters: tasks, accesses, swap in use.
 */
#include "cache/cache.h"
#include "cache/swap.h"
#include "machine/machine.h"

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
	*load = l;
}
