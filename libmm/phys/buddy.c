/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The buddy lists of one zone.
 *
 * A free block is 2^order pages, aligned to its size, and stands on exactly one
 * list: free_area[order].free_list[migrate type].  Its first page has
 * MM_PG_BUDDY, the order, and in aux the type of the list it is on, which need
 * not be the type of its pageblock.  The other half of the next larger block is
 * its buddy, at pfn ^ (1 << order).  Two free buddies never stand apart, except
 * where one lies in a pageblock whose type does not mix (HIGHATOMIC, CMA,
 * ISOLATE), or in another zone.
 *
 *	take:	first block of the smallest order that has one; upper halves go
 *		back to the head of their lists, the largest first
 *	free:	merge upwards, then to the head of the list, or to the tail when
 *		the next merge seems near (the buddy of the block this one and
 *		its buddy would make is free), so that it stays free for longer
 *
 * Left out: shuffling, page reporting, guard pages.
 */
#include "phys/internal.h"

void mm_add_to_free_list(struct mm_zone *zone, mm_pfn_t pfn, unsigned int order, unsigned int mt, enum mm_fpi fpi)
{
	struct mm_page *map = zone->phys->mem_map;
	struct mm_page_list *list = &zone->free_area[order].free_list[mt];

	map[pfn].flags = MM_PG_BUDDY;
	map[pfn].order = (uint8_t)order;
	map[pfn].aux = (uint8_t)mt;
	if (fpi == MM_FPI_TO_TAIL)
		mm_page_list_add_tail(map, list, pfn);
	else
		mm_page_list_add(map, list, pfn);
	zone->free_area[order].nr_free++;
}

void mm_del_page_from_free_list(struct mm_zone *zone, mm_pfn_t pfn, unsigned int order)
{
	struct mm_page *map = zone->phys->mem_map;

	mm_page_list_del(map, &zone->free_area[order].free_list[map[pfn].aux], pfn);
	map[pfn].flags = 0;
	map[pfn].order = 0;
	zone->free_area[order].nr_free--;
}

/* To the tail of the list of another type.  Source: Linux 6.6 mm/page_alloc.c move_to_free_list(). */
void mm_move_to_free_list(struct mm_zone *zone, mm_pfn_t pfn, unsigned int order, unsigned int mt)
{
	struct mm_page *map = zone->phys->mem_map;

	mm_page_list_del(map, &zone->free_area[order].free_list[map[pfn].aux], pfn);
	map[pfn].aux = (uint8_t)mt;
	mm_page_list_add_tail(map, &zone->free_area[order].free_list[mt], pfn);
}

static inline bool page_is_buddy(const struct mm_zone *zone, mm_pfn_t pfn, unsigned int order)
{
	const struct mm_page *page = mm_page(zone->phys, pfn);

	return (page->flags & MM_PG_BUDDY) && page->order == order && mm_page_zone(zone->phys, pfn) == zone;
}

/* Are the block at @pfn and its @buddy about to become part of a block that could merge again? */
static inline bool buddy_merge_likely(const struct mm_zone *zone, mm_pfn_t pfn, mm_pfn_t buddy, unsigned int order)
{
	return order < MM_MAX_ORDER - 1 && page_is_buddy(zone, (pfn & buddy) ^ (2u << order), order + 1);
}

/* May blocks of a pageblock or more merge across the border of their pageblocks? */
static bool pageblocks_mix(const struct mm_phys *phys, mm_pfn_t buddy, unsigned int mt)
{
	unsigned int buddy_mt = mm_pageblock_migratetype(phys, buddy);

	return mt == buddy_mt || (mm_migratetype_is_mergeable(mt) && mm_migratetype_is_mergeable(buddy_mt));
}

mm_pfn_t mm_free_block_of(const struct mm_phys *phys, mm_pfn_t pfn, unsigned int order)
{
	for (unsigned int o = MM_NR_PAGE_ORDERS; o-- > order;) {
		mm_pfn_t head = pfn & ~((1u << o) - 1);

		if (mm_page(phys, head)->flags & MM_PG_BUDDY && mm_page(phys, head)->order == o)
			return head;
	}
	return MM_PFN_NONE;
}

bool mm_merges_at(const struct mm_zone *zone, mm_pfn_t pfn, unsigned int order, unsigned int mt)
{
	mm_pfn_t buddy = pfn ^ 1u << order;

	return order < MM_MAX_ORDER && page_is_buddy(zone, buddy, order) &&
	       (order < MM_PAGEBLOCK_ORDER || pageblocks_mix(zone->phys, buddy, mt));
}

/* May direct compaction keep this block?  Source: Linux 6.6 mm/page_alloc.c compaction_capture(), task_capc(). */
static bool compaction_capture(struct mm_zone *zone, mm_pfn_t pfn, unsigned int order, unsigned int mt)
{
	struct mm_capture *capture = &zone->phys->capture;

	if (capture->order != order || capture->pfn != MM_PFN_NONE || mt == MM_MIGRATE_CMA || mt == MM_MIGRATE_ISOLATE ||
	    (order < MM_PAGEBLOCK_ORDER && mt == MM_MIGRATE_MOVABLE))
		return false;
	capture->pfn = pfn;
	mm_mod_zone_freepage_state(zone, -(1 << order), mt);
	return true;
}

/*
 * Put a block on the lists: merge it as far as it goes.
 * @mt: the list's type, the caller's to know
 * Source: Linux 6.6 mm/page_alloc.c __free_one_page().
 */
void mm_free_one_page(struct mm_zone *zone, mm_pfn_t pfn, unsigned int order, unsigned int mt, enum mm_fpi fpi)
{
	bool captures = zone->phys->capture.zone == zone;
	mm_pfn_t buddy = 0;

	if (mt != MM_MIGRATE_ISOLATE)
		mm_mod_zone_freepage_state(zone, 1 << order, mt);
	for (; order < MM_MAX_ORDER; order++) {
		if (captures && compaction_capture(zone, pfn, order, mt))
			return;
		buddy = pfn ^ 1u << order;
		if (!page_is_buddy(zone, buddy, order))
			break;
		if (order >= MM_PAGEBLOCK_ORDER && !pageblocks_mix(zone->phys, buddy, mt))
			break;
		mm_del_page_from_free_list(zone, buddy, order);
		pfn &= buddy;
	}
	if (fpi == MM_FPI_NONE && buddy_merge_likely(zone, pfn, buddy, order))
		fpi = MM_FPI_TO_TAIL;
	mm_add_to_free_list(zone, pfn, order, mt, fpi);
}

/* Give back the upper halves of a block of 2^@high pages, of which the lowest 2^@low are taken. */
static void expand(struct mm_zone *zone, mm_pfn_t pfn, unsigned int low, unsigned int high, unsigned int mt)
{
	while (high > low) {
		high--;
		mm_add_to_free_list(zone, pfn + (1u << high), high, mt, MM_FPI_NONE);
	}
}

/*
 * Take 2^@order pages from the lists of type @mt; MM_PFN_NONE when no block is large enough.
 * The caller lowers the zone's count of free pages.
 * Source: Linux 6.6 mm/page_alloc.c __rmqueue_smallest().
 */
mm_pfn_t mm_rmqueue_smallest(struct mm_zone *zone, unsigned int order, unsigned int mt)
{
	for (unsigned int o = order; o < MM_NR_PAGE_ORDERS; o++) {
		mm_pfn_t pfn = zone->free_area[o].free_list[mt].head;

		if (pfn == MM_PFN_NONE)
			continue;
		mm_del_page_from_free_list(zone, pfn, o);
		expand(zone, pfn, order, o, mt);
		mm_page(zone->phys, pfn)->aux = (uint8_t)mt;
		return pfn;
	}
	return MM_PFN_NONE;
}

static bool zone_spans_pfn(const struct mm_zone *zone, mm_pfn_t pfn)
{
	return pfn >= zone->start_pfn && pfn - zone->start_pfn < zone->spanned_pages;
}

/*
 * Move the free blocks of a pageblock to the lists of type @mt (to their tails, in PFN order).
 * @nr_movable: NULL, or set to the LRU pages met
 * Return: pages moved; 0 also when the pageblock reaches beyond the zone.
 * Source: Linux 6.6 mm/page_alloc.c move_freepages_block(), move_freepages().
 */
unsigned int mm_move_freepages_block(struct mm_zone *zone, mm_pfn_t pfn, unsigned int mt, unsigned int *nr_movable)
{
	mm_pfn_t start = mm_pageblock_start_pfn(pfn), end = mm_pageblock_end_pfn(pfn);
	unsigned int moved = 0, movable = 0;

	if (nr_movable)
		*nr_movable = 0;
	if (!zone_spans_pfn(zone, start))
		start = pfn;
	if (!zone_spans_pfn(zone, end - 1))
		return 0;
	for (pfn = start; pfn < end;) {
		const struct mm_page *page = mm_page(zone->phys, pfn);

		if (page->flags & MM_PG_BUDDY) {
			unsigned int order = page->order;

			mm_move_to_free_list(zone, pfn, order, mt);
			pfn += 1u << order;
			moved += 1u << order;
		} else {
			movable += (page->flags & MM_PG_LRU) != 0;
			pfn++;
		}
	}
	if (nr_movable)
		*nr_movable = movable;
	return moved;
}

void mm_free_pages_core(struct mm_phys *phys, mm_pfn_t pfn, unsigned int order)
{
	struct mm_zone *zone = mm_page_zone(phys, pfn);

	zone->managed_pages += 1u << order;
	mm_count(phys->ctx, MM_PGFREE, 1 << order);
	mm_free_one_page(zone, pfn, order, mm_pageblock_migratetype(phys, pfn), MM_FPI_TO_TAIL);
}
