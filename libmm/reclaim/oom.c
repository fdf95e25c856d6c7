/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * reclaim/oom.c - the OOM killer: who is worst, and that one dies
 *
 * Points of a task are the pages that its death gives back (rss, swap entries,
 * page tables) plus oom_score_adj thousandths of all memory that counts: RAM
 * and swap, or the memcg's limit.  Among equals the later one is taken.
 *
 * Source: Linux 6.6 mm/oom_kill.c, mm/memcontrol.c mem_cgroup_out_of_memory().
 */
#include <stdlib.h>

#include <libmm/oom.h>

#include "reclaim/internal.h"

static int64_t task_badness(const struct mm_oom_task *t, uint64_t total_pages)
{
	uint64_t rss = 0;

	if (t->pid == 1 || !t->mm)
		return MM_OOM_UNKILLABLE;
	for (int i = 0; i < MM_NR_RSS; i++)
		if (i != MM_SWAPENTS)
			rss += (uint64_t)(t->mm->rss[i] > 0 ? t->mm->rss[i] : 0);
	return mm_oom_badness(rss, (uint64_t)t->mm->rss[MM_SWAPENTS], t->mm->pgtables_bytes, t->oom_score_adj, total_pages);
}

static void kill(struct mm_reclaim *r, const struct mm_oom_task *victim, int64_t points)
{
	struct mm_event *e = r->ctx->fx ? mm_effect(r->ctx, MM_BY_OOM, MM_EV_OOM_KILL) : NULL;

	if (e) {
		e->pid = victim->pid;
		e->present |= MM_TC_BIT(PID);
		mm_event_set_result(e, MM_RESULT_DEC, (uint64_t)(points > 0 ? points : 0));
	}
	mm_count(r->ctx, MM_OOM_KILL, 1);
	r->oom_victim_pid = victim->pid;
	if (r->oom.kill)
		r->oom.kill(r->oom.arg, victim);
}

/* memory.oom.group: everybody in the memcg that says so, up to the one that ran out, dies with the victim. */
static void kill_group(struct mm_reclaim *r, const struct mm_oom_task *victim, const struct mm_memcg *oom_memcg)
{
	struct mm_memcg *group = NULL;
	struct mm_oom_task t;

	for (struct mm_memcg *m = victim->memcg; m && m->parent; m = m->parent) {
		if (m->oom_group)
			group = m;
		if (m == oom_memcg)
			break;
	}
	for (size_t i = 0; group && r->oom.task(r->oom.arg, i, &t); i++)
		if (t.mm && t.pid != victim->pid && t.oom_score_adj != MM_OOM_SCORE_ADJ_MIN &&
		    mm_mem_cgroup_is_descendant(t.memcg, group))
			kill(r, &t, 0);
}

/* Memory and swap that a memcg may use; what the points of its tasks are measured against. */
static uint64_t mem_cgroup_get_max(const struct mm_reclaim *r, const struct mm_memcg *m)
{
	uint64_t swap = mm_total_swap_pages(r->cache), total = m->max;

	if (mm_sysctl(r->ctx, MM_SYSCTL_SWAPPINESS))
		total += m->swap_max < swap ? m->swap_max : swap;
	return total ? total : 1;
}

/* out_of_memory(); @memcg NULL: the machine.  False: there is nobody to kill. */
static bool out_of_memory(struct mm_reclaim *r, struct mm_memcg *memcg, mm_gfp_t gfp)
{
	uint64_t total = memcg ? mem_cgroup_get_max(r, memcg) : r->phys->totalram_pages + mm_total_swap_pages(r->cache);
	int64_t worst = MM_OOM_UNKILLABLE;
	struct mm_oom_task t, victim = { 0 };
	bool found = false;

	if (r->cache->dying)		/* it is about to give its memory back */
		return true;
	if (!(gfp & __MM_GFP_FS) && !memcg)
		return true;
	if (!r->oom.task)
		return false;
	for (size_t i = 0; r->oom.task(r->oom.arg, i, &t); i++) {
		int64_t points;

		if (!memcg && mm_sysctl(r->ctx, MM_SYSCTL_OOM_KILL_ALLOCATING_TASK)) {
			if (t.pid != r->ctx->pid || !t.mm || t.oom_score_adj == MM_OOM_SCORE_ADJ_MIN)
				continue;
			kill(r, &t, 0);
			return true;
		}
		if (memcg && (!t.memcg || !mm_mem_cgroup_is_descendant(t.memcg, memcg)))
			continue;
		points = task_badness(&t, total);
		if (points == MM_OOM_UNKILLABLE || points < worst)
			continue;
		worst = points;
		victim = t;
		found = true;
	}
	if (!found)
		return false;
	kill(r, &victim, worst);
	if (victim.memcg) {
		for (struct mm_memcg *m = victim.memcg; m; m = m->parent)
			m->events_oom_kill++;
		kill_group(r, &victim, memcg);
	}
	return true;
}

bool mm_out_of_memory_hook(void *arg, mm_gfp_t gfp, unsigned int order)
{
	(void)order;
	return out_of_memory(arg, NULL, gfp);
}

bool mm_mem_cgroup_out_of_memory_hook(void *arg, struct mm_memcg *memcg, mm_gfp_t gfp, unsigned int order)
{
	if (mm_mem_cgroup_margin(memcg) >= (uint64_t)1 << order)
		return true;
	return out_of_memory(arg, memcg, gfp);
}
