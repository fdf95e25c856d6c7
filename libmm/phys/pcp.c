/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Per-CPU lists of free pages, in front of the buddy lists of each zone.
 *
 * One list for each of the three mobile types and orders 0 to 3, and two for
 * blocks of a pageblock (movable or not).  A page on them has MM_PG_PCP and in
 * aux the type of the pageblock it was freed in, which is the list it will go
 * to when drained, whatever became of its pageblock meanwhile.
 *
 *	take:	from the head; an empty list is refilled with a batch, in order
 *	free:	to the head; at "high" pages some go back, from the tails, list
 *		after list beginning with the one just freed to.  How many
 *		doubles with each such burst (free_factor) and halves with each
 *		allocation.
 *
 * The pages here count as allocated: not in the zone's free pages.
 */
#include <stddef.h>

#include "base/minmax.h"
#include "phys/pcp.h"

/* A page leaves for the buddy lists: an effect that a replay of the allocator shows. */
static void trace_pcpu_drain(struct mm_phys *phys, mm_pfn_t pfn, unsigned int order)
{
	struct mm_event *ev = phys->trace_drain ? mm_effect(phys->ctx, MM_BY_BUDDY, MM_EV_PCP_DRAIN) : NULL;

	if (!ev)
		return;
	ev->size = (uint64_t)MM_PAGE_SIZE << order;
	ev->present |= MM_TC_BIT(SIZE);
	mm_event_set_result(ev, MM_RESULT_HEX, pfn);
}

/*
 * Give @count pages back (or as many as there are), beginning with list @pindex.
 * Source: Linux 6.6 mm/page_alloc.c free_pcppages_bulk().
 */
static void free_pcppages_bulk(struct mm_zone *zone, uint32_t count, struct mm_per_cpu_pages *pcp, unsigned int pindex)
{
	struct mm_phys *phys = zone->phys;
	int64_t left = mm_min_u32(pcp->count, count);

	while (left > 0) {
		struct mm_page_list *list;
		unsigned int order;

		while (pcp->lists[pindex].tail == MM_PFN_NONE)
			pindex = pindex + 1 < MM_NR_PCP_LISTS ? pindex + 1 : 0;
		list = &pcp->lists[pindex];
		order = mm_pindex_to_order(pindex);
		do {
			mm_pfn_t pfn = list->tail;
			unsigned int mt = mm_page(phys, pfn)->aux;

			mm_page_list_del(phys->mem_map, list, pfn);
			mm_page(phys, pfn)->flags = 0;
			left -= 1 << order;
			pcp->count -= 1u << order;
			if (zone->nr_isolate_pageblock)
				mt = mm_pageblock_migratetype(phys, pfn);
			mm_free_one_page(zone, pfn, order, mt, MM_FPI_NONE);
			trace_pcpu_drain(phys, pfn, order);
		} while (left > 0 && list->tail != MM_PFN_NONE);
		pindex = pindex + 1 < MM_NR_PCP_LISTS ? pindex + 1 : 0;
	}
}

/* How many pages a full list gives back.  Source: Linux 6.6 mm/page_alloc.c nr_pcp_free(). */
static uint32_t nr_pcp_free(struct mm_per_cpu_pages *pcp, uint32_t high, bool free_high)
{
	int64_t batch = pcp->batch, most = (int64_t)high - pcp->batch;

	if (free_high)
		return pcp->count;
	if (high < pcp->batch)
		return 1;
	batch <<= pcp->free_factor;
	if (batch < most && pcp->free_factor < MM_PCP_BATCH_SCALE_MAX)
		pcp->free_factor++;
	if (batch > most)
		batch = most;
	return batch < pcp->batch ? pcp->batch : (uint32_t)batch;
}

/* Source: Linux 6.6 mm/page_alloc.c nr_pcp_high(). */
static uint32_t nr_pcp_high(const struct mm_per_cpu_pages *pcp, const struct mm_zone *zone, bool free_high)
{
	if (free_high)
		return 0;
	return zone->reclaim_active ? mm_min_u32(pcp->batch << 2, pcp->high) : pcp->high;
}

/*
 * After a free: are there too many?  The common answer is no.
 * Source: Linux 6.6 mm/page_alloc.c free_unref_page_commit().
 */
void mm_pcp_is_full(struct mm_zone *zone, struct mm_per_cpu_pages *pcp, unsigned int pindex, unsigned int order)
{
	bool free_high = pcp->free_factor && order && order <= MM_PAGE_ALLOC_COSTLY_ORDER;
	uint32_t high = nr_pcp_high(pcp, zone, free_high);

	if (pcp->count >= high)
		free_pcppages_bulk(zone, nr_pcp_free(pcp, high, free_high), pcp, pindex);
}

/*
 * Refill a list from the buddy lists, in the order the blocks come.
 * Source: Linux 6.6 mm/page_alloc.c rmqueue_bulk().
 */
static uint32_t rmqueue_bulk(struct mm_zone *zone, unsigned int order, uint32_t count, struct mm_page_list *list,
			     unsigned int mt, unsigned int alloc_flags)
{
	struct mm_page *map = zone->phys->mem_map;
	uint32_t i;

	for (i = 0; i < count; i++) {
		mm_pfn_t pfn = mm_rmqueue(zone, order, mt, alloc_flags);

		if (pfn == MM_PFN_NONE)
			break;
		map[pfn].flags = MM_PG_PCP;
		mm_page_list_add_tail(map, list, pfn);
		if (map[pfn].aux == MM_MIGRATE_CMA) {
			zone->nr_free_cma -= 1u << order;
			mm_count(zone->phys->ctx, MM_NR_FREE_CMA, -(1 << order));
		}
	}
	mm_mod_zone_freepage_state(zone, -((int64_t)i << order), MM_MIGRATE_MOVABLE);
	return i;
}

/*
 * Take a block of an order that has per-CPU lists; MM_PFN_NONE when the zone cannot give one.
 * Source: Linux 6.6 mm/page_alloc.c rmqueue_pcplist(), __rmqueue_pcplist().
 */
mm_pfn_t mm_rmqueue_pcplist(struct mm_zone *zone, unsigned int order, unsigned int mt, unsigned int alloc_flags)
{
	struct mm_per_cpu_pages *pcp = &zone->pcp[zone->phys->ctx->cpu];
	struct mm_page_list *list = &pcp->lists[mm_order_to_pindex(mt, order)];
	struct mm_page *map = zone->phys->mem_map;

	pcp->free_factor >>= 1;
	if (list->head == MM_PFN_NONE) {
		uint32_t batch = pcp->batch;

		if (batch > 1)
			batch = batch >> order > 2 ? batch >> order : 2;
		pcp->count += rmqueue_bulk(zone, order, batch, list, mt, alloc_flags) << order;
		if (list->head == MM_PFN_NONE)
			return MM_PFN_NONE;
	}
	return mm_pcp_pop(map, pcp, list, order);
}

/* Empty one CPU's lists of a zone.  Source: Linux 6.6 mm/page_alloc.c drain_pages_zone(). */
void mm_drain_zone_pages(struct mm_zone *zone, struct mm_per_cpu_pages *pcp)
{
	while (pcp->count)
		free_pcppages_bulk(zone, pcp->batch << MM_PCP_BATCH_SCALE_MAX, pcp, 0);
}

void mm_drain_all_pages(struct mm_phys *phys)
{
	for (uint32_t cpu = 0; cpu < phys->ctx->nr_cpus; cpu++)
		for (uint32_t i = 0; i < phys->nr_zones; i++)
			if (phys->zone_table[i]->pcp)
				mm_drain_zone_pages(phys->zone_table[i], &phys->zone_table[i]->pcp[cpu]);
}
