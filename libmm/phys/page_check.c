/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Does everything the page allocator believes hold?  A recount from scratch.
 *
 * Each free page stands on one list exactly once (a bitmap over all pages finds
 * the second time); heads say what their list says; no two buddies that may
 * merge stand apart; counts of blocks, pages and the machine's counters agree.
 */
#include <stdlib.h>

#include "base/host_memory.h"
#include "phys/internal.h"

struct recount {
	const struct mm_phys *phys;
	uint64_t *seen;			/* one bit a page */
	uint64_t nr_heads;		/* descriptors that say BUDDY or PCP, by the lists */
};

/* Mark the pages of a block; false when one was marked before. */
static bool mark(struct recount *rc, mm_pfn_t pfn, unsigned int order)
{
	const uint64_t bits = order < 6 ? (UINT64_C(1) << (1u << order)) - 1 : UINT64_MAX;

	for (uint64_t p = pfn; p < (uint64_t)pfn + (1u << order); p += 64) {	/* blocks are aligned: in one word, or whole ones */
		if (rc->seen[p / 64] & bits << p % 64)
			return false;
		rc->seen[p / 64] |= bits << p % 64;
	}
	return true;
}

static bool list_is_consistent(struct recount *rc, const struct mm_zone *zone, const struct mm_page_list *l,
			       unsigned int order, uint32_t flag)
{
	mm_pfn_t prev = MM_PFN_NONE;
	uint64_t nr = 0;

	for (mm_pfn_t p = l->head; p != MM_PFN_NONE; prev = p, p = mm_page(rc->phys, p)->next) {
		const struct mm_page *page;

		if (p >= rc->phys->max_pfn || (p & ((1u << order) - 1)) || !mark(rc, p, order))
			return false;
		page = mm_page(rc->phys, p);
		if (page->flags != flag || page->prev != prev || page->refs || page->mapcount)
			return false;
		if (mm_page_zone(rc->phys, p) != zone)
			return false;
		nr++;
	}
	rc->nr_heads += nr;
	return nr == l->nr && prev == l->tail;
}

/* The free block at @pfn and its buddy should have merged. */
static bool missed_merge(const struct mm_phys *phys, const struct mm_zone *zone, mm_pfn_t pfn, unsigned int order)
{
	mm_pfn_t buddy = pfn ^ 1u << order;
	const struct mm_page *page = mm_page(phys, buddy);

	if (order == MM_MAX_ORDER || !(page->flags & MM_PG_BUDDY) || page->order != order)
		return false;
	if (mm_page_zone(phys, buddy) != zone)
		return false;
	if (order < MM_PAGEBLOCK_ORDER)
		return true;
	return mm_migratetype_is_mergeable(mm_pageblock_migratetype(phys, pfn)) &&
	       mm_migratetype_is_mergeable(mm_pageblock_migratetype(phys, buddy)) &&
	       mm_migratetype_is_mergeable(page->aux) && mm_migratetype_is_mergeable(mm_page(phys, pfn)->aux);
}

static bool area_is_consistent(struct recount *rc, const struct mm_zone *zone, unsigned int order, uint64_t *nr_pages)
{
	uint64_t nr_free = 0;

	for (unsigned int mt = 0; mt < MM_MIGRATE_TYPES; mt++) {
		const struct mm_page_list *l = &zone->free_area[order].free_list[mt];

		if (!list_is_consistent(rc, zone, l, order, MM_PG_BUDDY))
			return false;
		for (mm_pfn_t p = l->head; p != MM_PFN_NONE; p = mm_page(rc->phys, p)->next) {
			const struct mm_page *page = mm_page(rc->phys, p);

			if (page->order != order || page->aux != mt || missed_merge(rc->phys, zone, p, order))
				return false;
		}
		nr_free += l->nr;
		if (mt != MM_MIGRATE_ISOLATE)
			*nr_pages += l->nr << order;
	}
	return nr_free == zone->free_area[order].nr_free;
}

static bool pcp_is_consistent(struct recount *rc, const struct mm_zone *zone, const struct mm_per_cpu_pages *pcp)
{
	uint64_t nr = 0;

	for (unsigned int i = 0; i < MM_NR_PCP_LISTS; i++) {
		if (!list_is_consistent(rc, zone, &pcp->lists[i], mm_pindex_to_order(i), MM_PG_PCP))
			return false;
		nr += pcp->lists[i].nr << mm_pindex_to_order(i);
	}
	return nr == pcp->count;
}

static bool zone_is_consistent(struct recount *rc, const struct mm_zone *zone)
{
	uint64_t nr_pages = 0;

	for (unsigned int o = 0; o < MM_NR_PAGE_ORDERS; o++)
		if (!area_is_consistent(rc, zone, o, &nr_pages))
			return false;
	for (uint32_t cpu = 0; cpu < rc->phys->ctx->nr_cpus; cpu++)
		if (!pcp_is_consistent(rc, zone, &zone->pcp[cpu]))
			return false;
	return nr_pages == zone->free_pages && nr_pages <= zone->managed_pages;
}

bool mm_phys_is_consistent(const struct mm_phys *phys)
{
	uint64_t nr = (uint64_t)phys->nr_pageblocks << MM_PAGEBLOCK_ORDER, heads = 0;
	struct recount rc = { phys, mm_host_calloc((size_t)nr / 64 + 1, sizeof(uint64_t)), 0 };
	bool ok = rc.seen != NULL;

	for (uint32_t i = 0; ok && i < phys->nr_zones; i++)
		ok = zone_is_consistent(&rc, phys->zone_table[i]);
	for (uint64_t p = 0; ok && p < phys->max_pfn; p++)
		heads += (mm_page(phys, (mm_pfn_t)p)->flags & (MM_PG_BUDDY | MM_PG_PCP)) != 0;
	ok = ok && heads == rc.nr_heads && (uint64_t)phys->ctx->stat.v[MM_NR_FREE_PAGES] == mm_nr_free_pages(phys);
	free(rc.seen);
	return ok;
}
