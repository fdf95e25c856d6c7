/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cache/memcg.c - the tree of memory cgroups, charges and limits
 *
 * Every page that users hold is charged to one memcg and counts in the usage
 * of that memcg and its ancestors.  A CPU charges 64 pages at a time and keeps
 * the rest in its stock; near a limit it charges page by page, reclaims, and
 * in the end asks the OOM killer.  Memcgs live until the machine goes, removed
 * ones (memcg_offline.c) too, so that an id in a shadow entry always names one.
 *
 * Source: Linux 6.6 mm/memcontrol.c, mm/page_counter.c.
 */
#include "cache/memcg.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/host_memory.h"
#include "base/minmax.h"
#include "cache/fbatches.h"
#include "cache/memcg_v1.h"
#include "cache/swap.h"

int mm_memcg_new(struct mm_cache *c, struct mm_memcg *parent, struct mm_str name, struct mm_memcg **mp)
{
	struct mm_memcg *m, **v;

	if (c->nr_memcgs >= UINT16_MAX)
		return -ENOSPC;
	v = mm_host_realloc(c->memcgs, (c->nr_memcgs + 1) * sizeof(struct mm_memcg *));
	if (!v)
		return -ENOMEM;
	c->memcgs = v;
	m = mm_host_calloc(1, sizeof(*m));
	if (m)
		m->split_queue = MM_PAGE_LIST_INIT;
	if (!m)
		return -ENOMEM;
	m->name = mm_host_malloc(name.len + 1);
	for (uint32_t n = 0; m->name && n < MM_MAX_NODES; n++) {
		if (!c->phys->nodes[n])
			continue;
		m->lruvec[n] = mm_host_malloc(sizeof(struct mm_lruvec));
		if (!m->lruvec[n])
			break;
		*m->lruvec[n] = (struct mm_lruvec){ .memcg = m, .node = n };
		for (int l = 0; l < MM_NR_LRU_LISTS; l++)
			m->lruvec[n]->lists[l] = MM_PAGE_LIST_INIT;
		mm_lru_gen_init_lruvec(m->lruvec[n], mm_lru_gen_enabled(c));
	}
	for (uint32_t n = 0; m && n < MM_MAX_NODES; n++)
		if (!m->name || (c->phys->nodes[n] && !m->lruvec[n])) {
			mm_memcg_free(m);
			return -ENOMEM;
		}
	memcpy(m->name, name.p, name.len);
	m->name[name.len] = '\0';
	m->max = m->high = m->swap_max = m->swap_high = m->memsw_max = m->soft_limit = MM_MEMCG_MAX;
	if ((c->cgroup_v1 && mm_memcg_v1_init(c, m)) || mm_memcg_name_add(c, m)) {
		mm_memcg_free(m);
		return -ENOMEM;
	}
	m->parent = parent ? parent : c->root_mem_cgroup;
	m->swappiness = m->parent ? m->parent->swappiness : -1;
	if (m->parent) {
		*(m->parent->last_child ? &m->parent->last_child->next_sibling : &m->parent->first_child) = m;
		m->parent->last_child = m;
	}
	c->memcgs[c->nr_memcgs++] = m;
	m->id = c->nr_memcgs;
	mm_lru_gen_online_memcg(c, m);
	*mp = m;
	return 0;
}

void mm_memcg_free(struct mm_memcg *m)
{
	if (!m)
		return;
	for (uint32_t n = 0; n < MM_MAX_NODES; n++) {
		if (m->lruvec[n]) {
			free(m->lruvec[n]->bloom[0]);
			free(m->lruvec[n]->bloom[1]);
		}
		free(m->lruvec[n]);
	}
	free(m->name);
	free(m->page_events);
	free(m);
}

int64_t mm_mem_cgroup_swappiness(const struct mm_cache *c, const struct mm_memcg *m)
{
	return m->parent && m->swappiness >= 0 ? m->swappiness : mm_sysctl(c->ctx, MM_SYSCTL_SWAPPINESS);
}

struct mm_memcg *mm_mem_cgroup_iter(struct mm_memcg *root, struct mm_memcg *prev)
{
	if (!prev)
		return root;
	if (prev->first_child)
		return prev->first_child;
	for (; prev != root; prev = prev->parent)
		if (prev->next_sibling)
			return prev->next_sibling;
	return NULL;
}

void mm_memcg_memory_event(struct mm_memcg *m, enum mm_memcg_event event)
{
	m->events_local[event]++;
	for (; m && m->parent; m = m->parent)
		m->events[event]++;
}

/* ---- counters: page_counter_try_charge() and friends ---- */

static void note_peak(struct mm_memcg *m) { m->peak = mm_max_u64(m->peak, m->usage); }

/* memory+swap of v1, which has no counter of its own: it is charged with memory, or not at all. */
static bool memsw_fits(struct mm_memcg *m, uint64_t nr_pages, struct mm_memcg **over)
{
	for (; m; m = m->parent)
		if (mm_memsw_usage(m) + nr_pages > m->memsw_max) {
			m->memsw_failcnt++;
			*over = m;
			return false;
		}
	return true;
}

static bool try_charge_counter(struct mm_memcg *m, uint64_t nr_pages, struct mm_memcg **over)
{
	for (struct mm_memcg *i = m; i; i = i->parent) {
		if (i->usage + nr_pages <= i->max) {
			i->usage += nr_pages;
			note_peak(i);
			continue;
		}
		i->failcnt++;
		for (struct mm_memcg *k = m; k != i; k = k->parent)
			k->usage -= nr_pages;
		*over = i;
		return false;
	}
	return true;
}

static void charge_counter(struct mm_memcg *m, uint64_t nr_pages)
{
	for (; m; m = m->parent) {
		m->usage += nr_pages;
		note_peak(m);
	}
}

static void uncharge_counter(struct mm_memcg *m, uint64_t nr_pages)
{
	for (; m; m = m->parent)
		m->usage -= nr_pages;
}

static void drain_stock(struct mm_cpu_fbatches *cpu)
{
	if (cpu->stock)
		uncharge_counter(cpu->stock, cpu->stock_pages);
	cpu->stock = NULL;
	cpu->stock_pages = 0;
}

void mm_memcg_drain_all_stock(struct mm_cache *c, const struct mm_memcg *root)
{
	for (uint32_t i = 0; i < c->ctx->nr_cpus; i++) {
		struct mm_cpu_fbatches *cpu = &c->fbatches[i];

		if (!(cpu->stock && cpu->stock_pages && mm_mem_cgroup_is_descendant(cpu->stock, root)) &&
		    !(cpu->cached_objcg && mm_mem_cgroup_is_descendant(cpu->cached_objcg, root)))
			continue;
		mm_drain_obj_stock(c, i);
		drain_stock(cpu);
	}
	if (mm_this_cpu_fbatches(c)->stock && mm_mem_cgroup_is_descendant(mm_this_cpu_fbatches(c)->stock, root))
		drain_stock(mm_this_cpu_fbatches(c));	/* what those of other CPUs gave back */
}

static bool consume_stock(struct mm_cache *c, struct mm_memcg *m, uint64_t nr_pages)
{
	struct mm_cpu_fbatches *cpu = mm_this_cpu_fbatches(c);

	if (cpu->stock != m || cpu->stock_pages < nr_pages)
		return false;
	cpu->stock_pages -= (uint32_t)nr_pages;
	return true;
}

static void refill_stock(struct mm_cache *c, struct mm_memcg *m, uint64_t nr_pages)
{
	struct mm_cpu_fbatches *cpu = mm_this_cpu_fbatches(c);

	if (cpu->stock != m) {
		drain_stock(cpu);
		cpu->stock = m;
	}
	cpu->stock_pages += (uint32_t)nr_pages;
	if (cpu->stock_pages > MM_MEMCG_CHARGE_BATCH)
		drain_stock(cpu);
}

uint64_t mm_mem_cgroup_margin(const struct mm_memcg *m)
{
	uint64_t margin = m->usage < m->max ? m->max - m->usage : 0, memsw = mm_memsw_usage(m);

	if (memsw >= m->memsw_max)
		return 0;
	return mm_min_u64(margin, m->memsw_max - memsw);
}

static uint64_t reclaim_at(struct mm_cache *c, struct mm_memcg *over, uint64_t nr_pages, mm_gfp_t gfp, bool may_swap)
{
	if (!c->hooks.try_to_free_mem_cgroup_pages)
		return 0;
	return c->hooks.try_to_free_mem_cgroup_pages(c->hooks.arg, over, nr_pages, gfp, may_swap ? MM_MEMCG_RECLAIM_MAY_SWAP : 0);
}

static bool oom_at(struct mm_cache *c, struct mm_memcg *over, mm_gfp_t gfp, uint64_t nr_pages)
{
	unsigned int order = 0;

	while ((uint64_t)1 << order < nr_pages)
		order++;
	if (order > 3)				/* PAGE_ALLOC_COSTLY_ORDER */
		return false;
	mm_memcg_memory_event(over, MM_MEMCG_EV_OOM);
	return c->hooks.mem_cgroup_out_of_memory && c->hooks.mem_cgroup_out_of_memory(c->hooks.arg, over, gfp, order);
}

/* What carries over from one try of a charge to the next. */
struct charge_try {
	int retries;
	bool drained, passed_oom;
	bool no_swap;			/* memory+swap was the limit: swapping does not help */
	bool raised_max_event;
};

/* Reclaim until @nr_pages fit below @over or hope is lost.  True: try the charge again. */
static bool make_room(struct mm_cache *c, struct mm_memcg *over, uint64_t nr_pages, mm_gfp_t gfp, struct charge_try *t)
{
	uint64_t reclaimed;

	mm_memcg_memory_event(over, MM_MEMCG_EV_MAX);
	t->raised_max_event = true;
	reclaimed = reclaim_at(c, over, nr_pages, gfp, !t->no_swap);
	if (mm_mem_cgroup_margin(over) >= nr_pages)
		return true;
	if (!t->drained) {
		mm_memcg_drain_all_stock(c, over);
		t->drained = true;
		return true;
	}
	if (gfp & __MM_GFP_NORETRY)
		return false;
	if (reclaimed && nr_pages <= 8)
		return true;
	if (t->retries-- > 0)
		return true;
	if ((gfp & __MM_GFP_RETRY_MAYFAIL) || (t->passed_oom && c->dying))
		return false;
	if (!oom_at(c, over, gfp, nr_pages))
		return false;
	t->passed_oom = true;
	t->retries = MM_MAX_RECLAIM_RETRIES;
	return true;
}

/* Beyond memory.high or memory.swap.high: reclaim when the program goes on, or at once when a kernel path charges a lot. */
static void note_over_high(struct mm_cache *c, struct mm_memcg *m, uint64_t batch, mm_gfp_t gfp)
{
	for (const struct mm_memcg *i = m; i; i = i->parent)
		if (i->usage > i->high || i->swap_usage > i->swap_high) {
			c->nr_pages_over_high += (uint32_t)batch;
			break;
		}
	if (c->nr_pages_over_high > MM_MEMCG_CHARGE_BATCH && !c->memalloc && gfp & __MM_GFP_DIRECT_RECLAIM)
		mm_mem_cgroup_handle_over_high(c, m, gfp);
}

static int try_charge_memcg(struct mm_cache *c, struct mm_memcg *m, mm_gfp_t gfp, uint64_t nr_pages)
{
	uint64_t batch = mm_max_u64(nr_pages, MM_MEMCG_CHARGE_BATCH);
	struct charge_try t = { .retries = MM_MAX_RECLAIM_RETRIES };
	struct mm_memcg *over;

	if (m == c->root_mem_cgroup) {
		m->usage += nr_pages;
		return 0;
	}
	for (;;) {
		if (consume_stock(c, m, nr_pages))
			return 0;
		if (c->cgroup_v1 && !memsw_fits(m, batch, &over))
			t.no_swap = true;
		else if (try_charge_counter(m, batch, &over))
			break;
		if (batch > nr_pages) {
			batch = nr_pages;
			continue;
		}
		if (c->memalloc)
			goto force;
		if (!(gfp & __MM_GFP_DIRECT_RECLAIM) ||
		    !make_room(c, over, nr_pages, gfp, &t)) {
			if (!(gfp & (__MM_GFP_NOFAIL | __MM_GFP_HIGH)))
				return -ENOMEM;
			goto force;
		}
	}
	if (batch > nr_pages)
		refill_stock(c, m, batch - nr_pages);
	note_over_high(c, m, batch, gfp);
	return 0;
force:
	if (!t.raised_max_event)
		mm_memcg_memory_event(over, MM_MEMCG_EV_MAX);
	charge_counter(m, nr_pages);
	return 0;
}

int mm_mem_cgroup_charge(struct mm_cache *c, mm_pfn_t pfn, struct mm_memcg *memcg, mm_gfp_t gfp)
{
	struct mm_memcg *m = memcg ? memcg : c->root_mem_cgroup;
	int rc = try_charge_memcg(c, m, gfp, mm_folio_nr_pages(mm_cache_page(c, pfn)));

	if (!rc) {
		mm_folio_set_memcg(c, pfn, m->id);
		mm_memcg_rstat_updated(c->ctx, 1);	/* PGPGIN of the memcg */
		if (c->cgroup_v1)
			mm_memcg_check_events(c, m, mm_page_zone(c->phys, pfn)->node, mm_folio_nr_pages(mm_cache_page(c, pfn)));
	}
	return rc;
}

void mm_mem_cgroup_force_charge(struct mm_cache *c, mm_pfn_t pfn, struct mm_memcg *memcg)
{
	charge_counter(memcg, mm_folio_nr_pages(mm_cache_page(c, pfn)));
	mm_folio_set_memcg(c, pfn, memcg->id);
}

void mm_memcg_force_charge_kmem(struct mm_memcg *memcg, uint64_t nr_pages)
{
	charge_counter(memcg, nr_pages);
	memcg->kmem += nr_pages;
}

void mm_memcg_force_charge_other(struct mm_memcg *memcg, uint64_t nr_pages)
{
	charge_counter(memcg, nr_pages);
	memcg->captured_other += nr_pages;
}

/* uncharge_batch() of v1, as far as a soft limit is concerned */
static void end_uncharging(struct mm_cache *c)
{
	if (c->uncharging.memcg)
		mm_memcg_check_events(c, c->uncharging.memcg, c->uncharging.node, c->uncharging.nr_pages);
	c->uncharging.memcg = NULL;
}

static void note_uncharged(struct mm_cache *c, mm_pfn_t pfn, struct mm_memcg *m)
{
	if (c->uncharging.memcg != m) {
		end_uncharging(c);
		c->uncharging.memcg = m;
		c->uncharging.node = mm_page_zone(c->phys, pfn)->node;
		c->uncharging.nr_pages = 0;
	}
	c->uncharging.nr_pages += mm_folio_nr_pages(mm_cache_page(c, pfn));
}

void mm_mem_cgroup_uncharge(struct mm_cache *c, mm_pfn_t pfn)
{
	struct mm_memcg *m;

	if (!c->page_memcg[pfn])
		return;
	m = mm_folio_memcg(c, pfn);
	uncharge_counter(m, mm_folio_nr_pages(mm_cache_page(c, pfn)));
	if (m->offline)
		mm_memcg_put_offline(c, m);
	mm_folio_set_memcg(c, pfn, 0);
	c->uncharged++;
	if (c->cgroup_v1)
		note_uncharged(c, pfn, m);
}

void mm_mem_cgroup_uncharge_flush(struct mm_cache *c)
{
	mm_memcg_rstat_updated(c->ctx, c->uncharged);
	c->uncharged = 0;
	if (c->cgroup_v1)
		end_uncharging(c);
}

int mm_memcg_charge_kmem(struct mm_cache *c, struct mm_memcg *memcg, uint64_t nr_pages, mm_gfp_t gfp)
{
	int rc;

	if (!memcg || memcg == c->root_mem_cgroup)
		return 0;
	rc = try_charge_memcg(c, memcg, gfp, nr_pages);
	if (!rc) {
		memcg->kmem += nr_pages;
		mm_memcg_rstat_updated(c->ctx, (int64_t)nr_pages);	/* MEMCG_KMEM */
	}
	return rc;
}

void mm_memcg_uncharge_kmem(struct mm_cache *c, struct mm_memcg *memcg, uint64_t nr_pages)
{
	memcg = mm_memcg_online_ancestor(memcg);
	if (!memcg || memcg == c->root_mem_cgroup)
		return;
	memcg->kmem -= nr_pages;
	mm_memcg_rstat_updated(c->ctx, (int64_t)nr_pages);
	refill_stock(c, memcg, nr_pages);
}

void mm_memcg_uncharge_table(struct mm_cache *c, struct mm_memcg *memcg, uint32_t node)
{
	memcg = mm_memcg_online_ancestor(memcg);
	if (!memcg || memcg == c->root_mem_cgroup)
		return;
	memcg->kmem--;
	mm_memcg_rstat_updated(c->ctx, 1);
	uncharge_counter(memcg, 1);
	if (c->cgroup_v1)
		mm_memcg_check_events(c, memcg, node, 1);
}
