/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cache/memcg_stats.c - what heuristics read of memcgs' counters, the root's among them, and how old it is
 *
 * Changes are counted where they happen, by CPU; what is read is the sum as of the last flush.  One happens
 *
 *   - before a pass of the classic lists over a node, when more batches of 65 changes came together than there are CPUs,
 *   - every two seconds, by a work whose timer the wheel rounds up: expiries beyond 63 jiffies have steps of 8, so that a work that
 *     queues itself 500 jiffies ahead runs each 504 jiffies,
 *   - where much time passes that nobody measured (mm_reclaim_settle()),
 *   - by the same count of changes at a refault, and before shadow entries are counted, but only when the last flush is more than
 *     four seconds old; since the work comes twice in that time, not even then.
 *
 *   clock  0 ........ 2.016 s ........ 4.032 s ........ 6.048 s
 *   work              flush            flush            flush
 *   pass        flush        flush flush
 *
 * The clock is that of simulated time, 0 when the machine begins: as if a flush had been then.  When the work came last before that is
 * not known; MGLRU, whose passes gather nothing, would go by counters of cgroups that are empty as yet, and give up all nodes of shadow
 * entries at a low priority.  So with it the first work comes when such nodes are counted first, where it has not come by then: guests
 * that ran such a program lost none (tests/data/memcg, filews).
 *
 * Source: Linux 6.6 mm/memcontrol.c memcg_rstat_updated(), do_flush_stats(), flush_memcg_stats_dwork(); kernel/time/timer.c
 * calc_index().
 * Deviation: changes not yet gathered are one number for all CPUs; the work has the CPU at once.
 */
#include "cache/memcg.h"
#include "cache/swap.h"

enum { FLUSH_TIME = 2 * MM_HZ, WHEEL_STEP = 8 };	/* jiffies */
/* From a multiple of eight jiffies to a later one. */
#define WORK_NS		((FLUSH_TIME / WHEEL_STEP + 1) * WHEEL_STEP * (uint64_t)MM_JIFFY_NS)

static uint64_t jiffies(const struct mm_cache *c) { return mm_swap_io_clock(c) / MM_JIFFY_NS; }

/* What its lists hold now, and so those of its ancestors with it. */
static void gather_lists(struct mm_lruvec *v)
{
	for (unsigned int l = 0; l < MM_NR_LRU_LISTS; l++) {
		uint64_t size = mm_lruvec_lru_size(v, (enum mm_lru_list)l, MM_MAX_NR_ZONES - 1), delta = size - v->stat_lists[l];

		v->stat_lists[l] = size;
		v->stat_own += delta;
		for (const struct mm_memcg *m = v->memcg; m && delta; m = m->parent)
			m->lruvec[v->node]->stat[l] += delta;
	}
	v->updated = false;
}

static void gather(struct mm_lruvec *v)
{
	if (v->updated)
		gather_lists(v);
	v->stat_slab = 0;
	for (unsigned int k = 0; k < MM_NR_MEMCG_SLAB; k++)
		if ((int64_t)v->memcg->slab_bytes[k] > 0)
			v->stat_slab += v->memcg->slab_bytes[k] >> MM_PAGE_SHIFT;
	for (unsigned int t = 0; t < MM_ANON_AND_FILE; t++)
		v->stat_activations[t] = v->activations[t];
}

void mm_mem_cgroup_do_flush_stats(struct mm_cache *c)
{
	c->flush_next_jiffy = jiffies(c) + 2 * FLUSH_TIME;
	c->ctx->stats_flush_threshold = 0;
	c->flushed_updates = c->ctx->stats_updates;
	mm_for_each_node(c->phys, n)
		for (uint32_t i = 0; i < c->nr_memcgs; i++)
			gather(c->memcgs[i]->lruvec[n]);
}

void mm_mem_cgroup_flush_stats(struct mm_cache *c)
{
	if (c->ctx->stats_flush_threshold > c->ctx->nr_cpus)
		mm_mem_cgroup_do_flush_stats(c);
}

void mm_mem_cgroup_flush_stats_ratelimited(struct mm_cache *c)
{
	if (jiffies(c) > c->flush_next_jiffy)
		mm_mem_cgroup_flush_stats(c);
}

void mm_memcg_stats_settle(struct mm_cache *c)
{
	if (c->ctx->stats_flush_threshold || c->ctx->stats_updates != c->flushed_updates)	/* else nothing has changed */
		mm_mem_cgroup_do_flush_stats(c);
}

void mm_memcg_stats_begin(struct mm_cache *c)
{
	c->flush_next_jiffy = 2 * FLUSH_TIME;
	c->stats_work_ns = WORK_NS;
}

void mm_memcg_stats_first_work(struct mm_cache *c)
{
	if (c->stats_work_ns != WORK_NS)	/* it has come */
		return;
	mm_mem_cgroup_do_flush_stats(c);
	c->stats_work_ns = mm_swap_io_clock(c) + WORK_NS + !mm_swap_io_clock(c);
}

/* Where time passed at once, nothing has changed between the works that were due in it: the last one is as good as all. */
void mm_flush_memcg_stats_dwork(struct mm_cache *c)
{
	mm_mem_cgroup_do_flush_stats(c);
	c->stats_work_ns += ((mm_swap_io_clock(c) - c->stats_work_ns) / WORK_NS + 1) * WORK_NS;
}
