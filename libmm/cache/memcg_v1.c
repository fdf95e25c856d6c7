/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cache/memcg_v1.c - memory cgroups of v1: memory and swap together, soft limits
 *
 * In v2 a slot of the swap device is charged to swap.max as long as it is taken.  In v1 a page is charged once, to memory and to
 * memory+swap; when it has been written out and leaves, the second charge goes on for its slot, and ends when the page is back:
 *
 *	            v2: memory  swap    v1: memory  memory+swap
 *	in memory        1       -            1         1
 *	swap cache       1       1            1         1
 *	on swap          -       1            -         1
 *
 * So memory+swap is memory and the slots without a page, and struct mm_memcg.swap_usage counts those here.
 *
 * Memcgs beyond their soft limits stand in a tree for each node, by how far they were beyond it when they were looked at last.  Every
 * 1024 pages that are charged or uncharged on a CPU a memcg looks for its place and those of its ancestors.  kswapd and direct
 * reclaim begin with the largest (reclaim/soft_limit.c).  MGLRU has no tree: such a memcg moves to the head of its bin.
 *
 * Source: Linux 6.6 mm/memcontrol.c.  Deviation: a memcg that was there before the machine became one of v1 begins to count pages then.
 */
#include "cache/memcg_v1.h"

#include <errno.h>

#include "base/host_memory.h"
#include "cache/swap_impl.h"

enum { THRESHOLDS_EVENTS_TARGET = 128, SOFTLIMIT_EVENTS_TARGET = 1024 };

struct mm_memcg_page_events {		/* of one CPU: struct memcg_vmstats_percpu */
	uint64_t nr_page_events, thresh, softlimit;
};

int mm_memcg_v1_init(struct mm_cache *c, struct mm_memcg *m)
{
	m->page_events = mm_host_calloc(c->ctx->nr_cpus, sizeof(*m->page_events));
	return m->page_events ? 0 : -ENOMEM;
}

/* Slots whose page is in memory too are charged once. */
static void forget_cached_slots(struct mm_cache *c)
{
	struct mm_swap *s = c->swap;

	for (uint32_t slot = 1; slot < s->max; slot++)
		if (s->cgroup[slot] && mm_swap_cache_get_folio(c, slot) != MM_PFN_NONE) {
			mm_mem_cgroup_uncharge_swap(c, c->memcgs[s->cgroup[slot] - 1], 1);
			s->cgroup[slot] = 0;
		}
}

int mm_memcg_set_v1(struct mm_cache *c)
{
	if (c->cgroup_v1)
		return 0;
	for (uint32_t i = 0; i < c->nr_memcgs; i++)
		if (!c->memcgs[i]->page_events && mm_memcg_v1_init(c, c->memcgs[i]))
			return -ENOMEM;
	c->cgroup_v1 = true;
	forget_cached_slots(c);
	return 0;
}

int mm_mem_cgroup_resize_max(struct mm_cache *c, struct mm_memcg *m, uint64_t max, bool memsw)
{
	uint64_t *limit = memsw ? &m->memsw_max : &m->max;
	bool drained = false;

	if (memsw ? max < m->max : max > m->memsw_max)
		return -EINVAL;
	while ((memsw ? mm_memsw_usage(m) : m->usage) > max) {
		if (!drained) {
			mm_memcg_drain_all_stock(c, m);
			drained = true;
			continue;
		}
		if (!c->hooks.try_to_free_mem_cgroup_pages ||
		    !c->hooks.try_to_free_mem_cgroup_pages(c->hooks.arg, m, 1, MM_GFP_KERNEL, memsw ? 0 : MM_MEMCG_RECLAIM_MAY_SWAP))
			return -EBUSY;
	}
	*limit = max;
	return 0;
}

void mm_mem_cgroup_swapout(struct mm_cache *c, mm_pfn_t pfn, uint32_t entry)
{
	uint64_t nr = mm_folio_nr_pages(mm_cache_page(c, pfn));
	struct mm_memcg *m, *of_swap;

	if (!c->page_memcg[pfn])
		return;
	m = mm_folio_memcg(c, pfn);
	of_swap = mm_memcg_online_ancestor(m);
	for (uint64_t i = 0; i < nr; i++)
		c->swap->cgroup[entry + i] = (uint16_t)of_swap->id;
	mm_mem_cgroup_force_charge_swap(of_swap, nr);
	for (struct mm_memcg *i = m; i; i = i->parent)
		i->usage -= nr;
	mm_folio_set_memcg(c, pfn, 0);
	if (m->offline)
		mm_memcg_put_offline(c, m);
	mm_memcg_rstat_updated(c->ctx, (int64_t)nr + 1);	/* MEMCG_SWAP, PGPGOUT */
	mm_memcg_check_events(c, m, mm_page_zone(c->phys, pfn)->node, nr);
}

/* ---- soft limits ---- */

static bool mem_cgroup_event_ratelimit(uint64_t events, uint64_t *next, uint64_t step)
{
	if (events <= *next)
		return false;
	*next = events + step;
	return true;
}

void mm_memcg_check_events(struct mm_cache *c, struct mm_memcg *m, uint32_t node, uint64_t nr_pages)
{
	struct mm_memcg_page_events *e;

	if (!c->cgroup_v1)
		return;
	e = &m->page_events[c->ctx->cpu];
	e->nr_page_events += nr_pages;
	if (mem_cgroup_event_ratelimit(e->nr_page_events, &e->thresh, THRESHOLDS_EVENTS_TARGET) &&
	    mem_cgroup_event_ratelimit(e->nr_page_events, &e->softlimit, SOFTLIMIT_EVENTS_TARGET))
		mm_mem_cgroup_update_tree(c, m, node);
}

static void tree_remove(struct mm_cache *c, struct mm_lruvec *v)
{
	c->nr_over_soft_limit[v->node] -= v->soft_limit.on_tree;
	v->soft_limit.on_tree = false;
}

void mm_soft_limit_insert(struct mm_cache *c, struct mm_memcg *m, uint32_t node)
{
	struct mm_lruvec *v = m->lruvec[node];

	if (v->soft_limit.on_tree)
		return;
	v->soft_limit.excess = mm_soft_limit_excess(m);
	if (!v->soft_limit.excess)
		return;
	v->soft_limit.on_tree = true;
	v->soft_limit.seq = ++c->soft_limit_seq;
	c->nr_over_soft_limit[node]++;
}

void mm_mem_cgroup_update_tree(struct mm_cache *c, struct mm_memcg *m, uint32_t node)
{
	if (mm_lru_gen_enabled(c)) {
		if (mm_soft_limit_excess(m) && m->lruvec[node]->memcg_lru.seg != MM_MEMCG_LRU_HEAD)
			mm_lru_gen_rotate_memcg(c, m->lruvec[node], MM_MEMCG_LRU_HEAD);
		return;
	}
	for (; m; m = m->parent) {
		tree_remove(c, m->lruvec[node]);
		mm_soft_limit_insert(c, m, node);
	}
}

/* Of equal ones the last that came is to the right. */
static bool is_right_of(const struct mm_lruvec *a, const struct mm_lruvec *b)
{
	if (a->soft_limit.excess != b->soft_limit.excess)
		return a->soft_limit.excess > b->soft_limit.excess;
	return a->soft_limit.seq > b->soft_limit.seq;
}

struct mm_memcg *mm_soft_limit_largest(struct mm_cache *c, uint32_t node)
{
	while (c->nr_over_soft_limit[node]) {
		struct mm_lruvec *largest = NULL;

		for (uint32_t i = 0; i < c->nr_memcgs; i++) {
			struct mm_lruvec *v = c->memcgs[i]->lruvec[node];

			if (v && v->soft_limit.on_tree && (!largest || is_right_of(v, largest)))
				largest = v;
		}
		tree_remove(c, largest);
		if (mm_soft_limit_excess(largest->memcg))
			return largest->memcg;
	}
	return NULL;
}

struct mm_memcg *mm_soft_limit_iter(struct mm_memcg *root, struct mm_memcg *prev, uint32_t node)
{
	struct mm_memcg **position = &root->lruvec[node]->soft_limit.position, *next;

	next = mm_mem_cgroup_iter(root, *position);
	if (!next && !prev)
		next = root;
	*position = next;
	return next;
}
