/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* phys/pcp.h - the short way through the per-CPU lists (pcp.c), inlined where pages are asked for and freed */
#ifndef PHYS_PCP_H
#define PHYS_PCP_H

#include "phys/internal.h"

/* Take the first block of a list that is not empty. */
static inline mm_pfn_t mm_pcp_pop(struct mm_page *map, struct mm_per_cpu_pages *pcp, struct mm_page_list *list,
				  unsigned int order)
{
	mm_pfn_t pfn = list->head, next = map[pfn].next;

	list->head = next;
	if (next != MM_PFN_NONE)
		map[next].prev = MM_PFN_NONE;
	else
		list->tail = MM_PFN_NONE;
	list->nr--;
	map[pfn].flags = 0;
	pcp->count -= 1u << order;
	return pfn;
}

/*
 * Free a block of an order that has per-CPU lists; its descriptor is already reset.
 * HIGHATOMIC and CMA pages wait with the movable ones; isolated ones do not wait.
 * Source: Linux 6.6 mm/page_alloc.c free_unref_page().
 */
static inline void mm_free_unref_page(struct mm_phys *phys, mm_pfn_t pfn, unsigned int order)
{
	struct mm_zone *zone = mm_page_zone(phys, pfn);
	struct mm_per_cpu_pages *pcp = &zone->pcp[phys->ctx->cpu];
	unsigned int mt = mm_pageblock_migratetype(phys, pfn), pindex;

	if (mt == MM_MIGRATE_ISOLATE) {
		mm_free_one_page(zone, pfn, order, mt, MM_FPI_NONE);
		return;
	}
	pindex = mm_order_to_pindex(mt < MM_MIGRATE_PCPTYPES ? mt : MM_MIGRATE_MOVABLE, order);
	mm_page(phys, pfn)->aux = (uint8_t)mt;
	mm_page(phys, pfn)->flags = MM_PG_PCP;
	mm_page_list_add(phys->mem_map, &pcp->lists[pindex], pfn);
	pcp->count += 1u << order;
	mm_count(phys->ctx, MM_PGFREE, 1 << order);
	if (pcp->count >= pcp->high || zone->reclaim_active || (order && pcp->free_factor))
		mm_pcp_is_full(zone, pcp, pindex, order);
}

#endif /* PHYS_PCP_H */
