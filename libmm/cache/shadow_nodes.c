/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cache/shadow_nodes.c - the memory that shadow entries take, and how much of it is kept
 *
 * A page that is evicted leaves an entry in the tree of its file or of the swap cache.  A node of 64 entries that holds nothing
 * else is worth its memory only while one of them may still be told from a page that was never there: more entries than the
 * active list can have pages say nothing.  Such nodes are listed by who pays for them, oldest first, and a shrinker takes what is
 * beyond one node for eight pages (entries sit in nodes one in eight in the worst case).
 *
 * Source: Linux 6.6 mm/workingset.c workingset_update_node(), count_shadow_nodes(), scan_shadow_nodes(); mm/list_lru.c.
 */
#include "cache/shadow_nodes.h"

#include <libmm/slab.h>

#include "cache/filemap.h"
#include "cache/memcg.h"

/* The memory node that it lies on. */
static uint32_t node_of(const struct mm_cache *c, uint64_t addr)
{
	if (addr == MM_BOOT_NODE)
		return c->phys->zone_table[0]->node;
	return mm_page_zone(c->phys, (mm_pfn_t)((addr - MM_PAGE_OFFSET) >> MM_PAGE_SHIFT))->node;
}

/* Of a child, and of the root those that nobody is charged for. */
static struct mm_lruvec *lruvec_of(struct mm_cache *c, const struct mm_xa_link *link)
{
	struct mm_memcg *m = link->obj.payer ? mm_memcg_online_ancestor(link->obj.payer) : c->root_mem_cgroup;

	return m->lruvec[node_of(c, link->obj.addr)];
}

static void count_of(struct mm_cache *c, const struct mm_lruvec *v, enum mm_counter counter, int64_t nr)
{
	mm_lruvec_count(c, v, counter, nr);
	if (v->memcg->parent)
		mm_memcg_rstat_updated(c->ctx, 1);
}

void mm_workingset_update_node(void *arg, struct mm_xa_link *link)
{
	struct mm_cache *c = arg;
	struct mm_lruvec *v = lruvec_of(c, link);
	struct mm_shadow_list *l = &v->shadow_nodes;

	if (link->only_values) {
		link->prev = l->last;
		link->next = NULL;
		*(l->last ? &l->last->next : &l->first) = link;
		l->last = link;
	} else {
		*(link->prev ? &link->prev->next : &l->first) = link->next;
		*(link->next ? &link->next->prev : &l->last) = link->prev;
	}
	l->nr += link->only_values ? 1 : UINT64_MAX;
	count_of(c, v, MM_WORKINGSET_NODES, link->only_values ? 1 : -1);
}

uint64_t mm_count_shadow_nodes(struct mm_cache *c, const struct mm_lruvec *v)
{
	uint64_t most;

	if (!v->shadow_nodes.nr)
		return 0;
	if (mm_lru_gen_enabled(c))
		mm_memcg_stats_first_work(c);
	mm_mem_cgroup_flush_stats_ratelimited(c);
	most = (v->stat_own + v->stat_slab) >> 3;
	return v->shadow_nodes.nr > most ? v->shadow_nodes.nr - most : 0;
}

uint64_t mm_scan_shadow_nodes(struct mm_cache *c, struct mm_lruvec *v, uint64_t nr)
{
	uint64_t done = 0;

	for (; done < nr && v->shadow_nodes.first; done++) {
		count_of(c, v, MM_WORKINGSET_NODERECLAIM, 1);
		mm_xa_delete_node(v->shadow_nodes.first);
	}
	return done;
}

void mm_reparent_shadow_nodes(struct mm_lruvec *v, struct mm_lruvec *parent)
{
	struct mm_shadow_list *from = &v->shadow_nodes, *to = &parent->shadow_nodes;

	mm_memcg_count(v->memcg, MM_WORKINGSET_NODES, -(int64_t)from->nr);
	mm_memcg_count(parent->memcg, MM_WORKINGSET_NODES, (int64_t)from->nr);
	if (from->last) {
		from->last->next = to->first;
		*(to->first ? &to->first->prev : &to->last) = from->last;
		to->first = from->first;
	}
	to->nr += from->nr;
	to->nr_deferred += from->nr_deferred;
	*from = (struct mm_shadow_list){ 0 };
}
