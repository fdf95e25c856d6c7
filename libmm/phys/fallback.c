/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * When the lists of a migrate type are empty: falling back to another type.
 *
 * Types are kept apart by pageblock so that large blocks can form again.  A
 * fallback therefore takes the largest block it finds and, where it may, the
 * free pages of the whole pageblock with it; when half of that pageblock is
 * then free or of the taker's kind, the pageblock changes its type.  Movable
 * requests that cannot have the whole take the smallest block instead.  Each
 * such mixing boosts the zone's watermarks, so that kswapd makes room.
 *
 * HIGHATOMIC pageblocks are a reserve for requests that cannot wait: one is set
 * aside after each such request of order > 0, up to 1% of the zone, and given
 * back before the OOM killer is called.
 *
 * Left out: page_group_by_mobility_disabled (machines under about 20 MiB).
 */
#include <stddef.h>

#include "phys/internal.h"

static const uint8_t fallbacks[MM_MIGRATE_PCPTYPES][MM_MIGRATE_PCPTYPES - 1] = {
	[MM_MIGRATE_UNMOVABLE]   = { MM_MIGRATE_RECLAIMABLE, MM_MIGRATE_MOVABLE },
	[MM_MIGRATE_MOVABLE]     = { MM_MIGRATE_RECLAIMABLE, MM_MIGRATE_UNMOVABLE },
	[MM_MIGRATE_RECLAIMABLE] = { MM_MIGRATE_UNMOVABLE,   MM_MIGRATE_MOVABLE },
};

static void trace_extfrag(struct mm_phys *phys, mm_pfn_t pfn, unsigned int order, unsigned int from_order,
			  unsigned int mt,
			  unsigned int from_mt)
{
	/* both names, by taker and giver: slices of effects must outlive the call */
	static const char *const words[MM_MIGRATE_PCPTYPES][MM_MIGRATE_PCPTYPES] = {
#define FROM(to) { to "|FROM_UNMOVABLE", to "|FROM_MOVABLE", to "|FROM_RECLAIMABLE" }
		FROM("MIGRATE_UNMOVABLE"), FROM("MIGRATE_MOVABLE"), FROM("MIGRATE_RECLAIMABLE"),
#undef FROM
	};
	struct mm_event *ev = mm_effect(phys->ctx, MM_BY_BUDDY, MM_EV_EXTFRAG);
	size_t len = 0;

	if (!ev)
		return;
	while (words[mt][from_mt][len])
		len++;
	ev->flags = (struct mm_str){ words[mt][from_mt], len };
	ev->size = (uint64_t)MM_PAGE_SIZE << order;
	ev->size2 = (uint64_t)MM_PAGE_SIZE << from_order;
	ev->present |= MM_TC_BIT(FLAGS) | MM_TC_BIT(SIZE) | MM_TC_BIT(SIZE2);
	mm_event_set_result(ev, MM_RESULT_HEX, pfn);
}

/* May a request of @mt take the other free pages of a pageblock in which it found a block of @order? */
static bool can_steal_fallback(unsigned int order, unsigned int mt)
{
	return order >= MM_PAGEBLOCK_ORDER / 2 || mt == MM_MIGRATE_RECLAIMABLE || mt == MM_MIGRATE_UNMOVABLE;
}

/* Raise the watermarks of a zone; false when it is too small or boosting is off. */
static bool boost_watermark(struct mm_zone *zone)
{
	uint64_t factor = (uint64_t)mm_sysctl(zone->phys->ctx, MM_SYSCTL_WATERMARK_BOOST_FACTOR);
	uint64_t high = zone->watermark[MM_WMARK_HIGH], most;

	if (!factor || MM_PAGEBLOCK_NR_PAGES * 4 > zone->managed_pages)
		return false;
	most = high / 10000 * factor + high % 10000 * factor / 10000;
	if (!most)
		return false;
	if (most < MM_PAGEBLOCK_NR_PAGES)
		most = MM_PAGEBLOCK_NR_PAGES;
	zone->watermark_boost += MM_PAGEBLOCK_NR_PAGES;
	if (zone->watermark_boost > most)
		zone->watermark_boost = most;
	return true;
}

/* The free pages of the block's pageblock, and perhaps the pageblock, become @mt; false: only this block may. */
static bool steal_pageblock(struct mm_zone *zone, mm_pfn_t pfn, unsigned int mt, unsigned int old_mt)
{
	unsigned int movable, alike = 0;
	unsigned int nr_free = mm_move_freepages_block(zone, pfn, mt, &movable);

	if (!nr_free)
		return false;
	if (mt == MM_MIGRATE_MOVABLE)
		alike = movable;
	else if (old_mt == MM_MIGRATE_MOVABLE)
		alike = MM_PAGEBLOCK_NR_PAGES - (nr_free + movable);
	if (nr_free + alike >= MM_PAGEBLOCK_NR_PAGES / 2)
		mm_set_pageblock_migratetype(zone->phys, pfn, mt);
	return true;
}

/* Source: Linux 6.6 mm/page_alloc.c steal_suitable_fallback(). */
static void steal_suitable_fallback(struct mm_zone *zone, mm_pfn_t pfn, unsigned int alloc_flags, unsigned int mt,
				    bool whole_block)
{
	unsigned int order = mm_page(zone->phys, pfn)->order;
	unsigned int old_mt = mm_pageblock_migratetype(zone->phys, pfn);

	if (old_mt == MM_MIGRATE_HIGHATOMIC) {
		mm_move_to_free_list(zone, pfn, order, mt);
		return;
	}
	if (order >= MM_PAGEBLOCK_ORDER) {
		for (mm_pfn_t b = 0; b < 1u << order; b += MM_PAGEBLOCK_NR_PAGES)
			mm_set_pageblock_migratetype(zone->phys, pfn + b, mt);
		mm_move_to_free_list(zone, pfn, order, mt);
		return;
	}
	if (boost_watermark(zone) && alloc_flags & MM_ALLOC_KSWAPD)
		zone->boosted = true;
	if (!whole_block || !steal_pageblock(zone, pfn, mt, old_mt))
		mm_move_to_free_list(zone, pfn, order, mt);
}

/*
 * The type to fall back to among the free blocks of @area_order; -1: none has one.
 * @order: what can_steal is judged by (the same, but for compaction)
 * Source: Linux 6.6 mm/page_alloc.c find_suitable_fallback().
 */
int mm_find_suitable_fallback(const struct mm_zone *zone, unsigned int area_order, unsigned int order, unsigned int mt,
			      bool only_stealable, bool *can_steal)
{
	*can_steal = false;
	if (!zone->free_area[area_order].nr_free)
		return -1;
	for (unsigned int i = 0; i < MM_MIGRATE_PCPTYPES - 1; i++) {
		unsigned int from = fallbacks[mt][i];

		if (zone->free_area[area_order].free_list[from].head == MM_PFN_NONE)
			continue;
		if (can_steal_fallback(order, mt))
			*can_steal = true;
		if (!only_stealable || *can_steal)
			return (int)from;
	}
	return -1;
}

/*
 * Move a block of another type to the lists of @start_mt, where the caller then takes it.
 * Source: Linux 6.6 mm/page_alloc.c __rmqueue_fallback().
 */
static bool rmqueue_fallback(struct mm_zone *zone, unsigned int order, unsigned int start_mt, unsigned int alloc_flags)
{
	unsigned int min_order =
		order < MM_PAGEBLOCK_ORDER && alloc_flags & MM_ALLOC_NOFRAGMENT ? MM_PAGEBLOCK_ORDER : order;
	int o, from = -1;
	bool can_steal = false;
	mm_pfn_t pfn;

	for (o = MM_MAX_ORDER; o >= (int)min_order; o--) {
		from = mm_find_suitable_fallback(zone, (unsigned int)o, (unsigned int)o, start_mt, false, &can_steal);
		if (from >= 0)
			break;
	}
	if (from < 0)
		return false;
	if (!can_steal && start_mt == MM_MIGRATE_MOVABLE && o > (int)order)
		for (o = (int)order; o < MM_NR_PAGE_ORDERS; o++) {
			from = mm_find_suitable_fallback(zone, (unsigned int)o, (unsigned int)o, start_mt, false,
							 &can_steal);
			if (from >= 0)
				break;
		}
	pfn = zone->free_area[o].free_list[from].head;
	steal_suitable_fallback(zone, pfn, alloc_flags, start_mt, can_steal);
	trace_extfrag(zone->phys, pfn, order, (unsigned int)o, start_mt, (unsigned int)from);
	return true;
}

/*
 * Take a block of type @mt, or of another when there is none; movable requests take CMA pages first while
 * those are more than half of what is free.
 * Source: Linux 6.6 mm/page_alloc.c __rmqueue().
 */
mm_pfn_t mm_rmqueue(struct mm_zone *zone, unsigned int order, unsigned int mt, unsigned int alloc_flags)
{
	mm_pfn_t pfn;

	if (alloc_flags & MM_ALLOC_CMA && zone->nr_free_cma > zone->free_pages / 2) {
		pfn = mm_rmqueue_smallest(zone, order, MM_MIGRATE_CMA);
		if (pfn != MM_PFN_NONE)
			return pfn;
	}
	do {
		pfn = mm_rmqueue_smallest(zone, order, mt);
		if (pfn == MM_PFN_NONE && alloc_flags & MM_ALLOC_CMA)
			pfn = mm_rmqueue_smallest(zone, order, MM_MIGRATE_CMA);
	} while (pfn == MM_PFN_NONE && rmqueue_fallback(zone, order, mt, alloc_flags));
	return pfn;
}

/*
 * Set the pageblock of a page just given out aside for requests that cannot wait.
 * Source: Linux 6.6 mm/page_alloc.c reserve_highatomic_pageblock().
 */
void mm_reserve_highatomic_pageblock(struct mm_zone *zone, mm_pfn_t pfn)
{
	if (zone->nr_reserved_highatomic >= zone->managed_pages / 100 + MM_PAGEBLOCK_NR_PAGES)
		return;
	if (!mm_migratetype_is_mergeable(mm_pageblock_migratetype(zone->phys, pfn)))
		return;
	zone->nr_reserved_highatomic += MM_PAGEBLOCK_NR_PAGES;
	mm_set_pageblock_migratetype(zone->phys, pfn, MM_MIGRATE_HIGHATOMIC);
	mm_move_freepages_block(zone, pfn, MM_MIGRATE_HIGHATOMIC, NULL);
}

static bool unreserve_in_zone(struct mm_zone *zone, unsigned int mt)
{
	for (unsigned int order = 0; order < MM_NR_PAGE_ORDERS; order++) {
		mm_pfn_t pfn = zone->free_area[order].free_list[MM_MIGRATE_HIGHATOMIC].head;

		if (pfn == MM_PFN_NONE)
			continue;
		if (mm_pageblock_migratetype(zone->phys, pfn) == MM_MIGRATE_HIGHATOMIC)
			zone->nr_reserved_highatomic -= zone->nr_reserved_highatomic < MM_PAGEBLOCK_NR_PAGES ?
							zone->nr_reserved_highatomic : MM_PAGEBLOCK_NR_PAGES;
		mm_set_pageblock_migratetype(zone->phys, pfn, mt);
		if (mm_move_freepages_block(zone, pfn, mt, NULL))
			return true;
	}
	return false;
}

/*
 * Turn the first reserved pageblock with free pages over to ordinary use.
 * @force: also the last one of a zone
 * Source: Linux 6.6 mm/page_alloc.c unreserve_highatomic_pageblock().
 */
bool mm_unreserve_highatomic_pageblock(const struct mm_alloc_context *ac, bool force)
{
	for (struct mm_zone *const *z = ac->zonelist; *z; z++) {
		if (!force && (*z)->nr_reserved_highatomic <= MM_PAGEBLOCK_NR_PAGES)
			continue;
		if (unreserve_in_zone(*z, ac->migratetype))
			return true;
	}
	return false;
}
