/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Page isolation: pageblocks out of which nothing more is given.
 *
 * A range that is to leave the system or to become one piece is first marked:
 * its pageblocks are of type ISOLATE, their free blocks lie on lists that no
 * request looks at and do not count as free. What is freed there later stays.
 *
 *	| MOVABLE | ISOLATE | ISOLATE | MOVABLE |     no free block reaches over a border of the range:
 *	          ^start              ^end            one that does is split in two
 *
 * Left out: ranges that do not begin and end with a pageblock, moving the pages
 * that are in use (alloc_contig_range()), hwpoisoned and offline pages.
 * Model: Linux 6.6 mm/page_isolation.c.
 */
#include <errno.h>

#include "phys/compaction.h"

/* A page whose frame cannot be had.  Source: has_unmovable_pages(). */
static bool has_unmovable_pages(const struct mm_zone *zone, mm_pfn_t block)
{
	for (mm_pfn_t pfn = block; pfn < block + MM_PAGEBLOCK_NR_PAGES;) {
		const struct mm_page *page = mm_page(zone->phys, pfn);

		if (page->flags & (MM_PG_BUDDY | MM_PG_PCP)) {
			pfn += 1u << page->order;
			continue;
		}
		/* of boot, or in use and on no LRU list; the movable zone holds none of the latter for good */
		if (!(page->flags & (MM_PG_LRU | MM_PG_TAIL)) && (!page->refs || zone->type != MM_ZONE_MOVABLE))
			return true;
		pfn++;
	}
	return false;
}

/* The block of the free lists that holds @pfn and begins before it, else MM_PFN_NONE. */
static mm_pfn_t free_block_over(const struct mm_phys *phys, mm_pfn_t pfn)
{
	for (unsigned int order = MM_PAGEBLOCK_ORDER + 1; order <= MM_MAX_ORDER; order++) {
		mm_pfn_t head = pfn & ~((1u << order) - 1);
		const struct mm_page *page = mm_page(phys, head);

		if (head != pfn && page->flags & MM_PG_BUDDY && page->order >= order)
			return head;
	}
	return MM_PFN_NONE;
}

/* A pageblock onto its list, not merged. */
static void put_back(struct mm_zone *zone, mm_pfn_t block, unsigned int mt)
{
	mm_add_to_free_list(zone, block, MM_PAGEBLOCK_ORDER, mt, MM_FPI_NONE);
	if (mt != MM_MIGRATE_ISOLATE)
		mm_mod_zone_freepage_state(zone, MM_PAGEBLOCK_NR_PAGES, mt);
}

/*
 * Split the free block that reaches over @border: each part goes to the list of its own pageblock, and two parts of one type
 * stay apart.
 * Source: split_free_page() as isolate_single_pageblock() uses it.  Deviation: undoing a part of what was isolated splits too.
 */
static void split_at(struct mm_zone *zone, mm_pfn_t border)
{
	struct mm_phys *phys = zone->phys;
	mm_pfn_t head = border >> MM_PAGEBLOCK_ORDER < phys->nr_pageblocks ? free_block_over(phys, border) : MM_PFN_NONE;
	unsigned int order, mt;

	if (head == MM_PFN_NONE)
		return;
	order = mm_page(phys, head)->order;
	mt = mm_pageblock_migratetype(phys, head);
	if (mt != MM_MIGRATE_ISOLATE)
		mm_mod_zone_freepage_state(zone, -(1 << order), mt);
	mm_del_page_from_free_list(zone, head, order);
	for (mm_pfn_t pfn = head; pfn < head + (1u << order); pfn += MM_PAGEBLOCK_NR_PAGES)
		put_back(zone, pfn, mm_pageblock_migratetype(phys, pfn));
}

static void split_isolated_at(struct mm_zone *zone, mm_pfn_t border)
{
	mm_pfn_t head = border >> MM_PAGEBLOCK_ORDER < zone->phys->nr_pageblocks ? free_block_over(zone->phys, border) : MM_PFN_NONE;

	if (head != MM_PFN_NONE && mm_page(zone->phys, head)->aux == MM_MIGRATE_ISOLATE)
		split_at(zone, border);
}

/* Source: set_migratetype_isolate(). */
static int isolate_pageblock(struct mm_zone *zone, mm_pfn_t block)
{
	unsigned int mt = mm_pageblock_migratetype(zone->phys, block);
	mm_pfn_t over = free_block_over(zone->phys, block);

	if (mt == MM_MIGRATE_ISOLATE || mt == MM_MIGRATE_CMA ||
	    (over == MM_PFN_NONE && has_unmovable_pages(zone, block)))
		return -EBUSY;
	mm_set_pageblock_migratetype(zone->phys, block, MM_MIGRATE_ISOLATE);
	zone->nr_isolate_pageblock++;
	mm_mod_zone_freepage_state(zone, -(int64_t)mm_move_freepages_block(zone, block, MM_MIGRATE_ISOLATE, NULL), mt);
	return 0;
}

/*
 * Back to Movable.  A free pageblock whose buddy is free too is freed anew, so that they merge.
 * Source: unset_migratetype_isolate().
 */
static void unisolate_pageblock(struct mm_zone *zone, mm_pfn_t block)
{
	const unsigned int mt = MM_MIGRATE_MOVABLE;
	struct mm_phys *phys = zone->phys;
	const struct mm_page *page = mm_page(phys, block);
	mm_pfn_t buddy = block ^ MM_PAGEBLOCK_NR_PAGES;
	bool whole = page->flags & MM_PG_BUDDY && page->order == MM_PAGEBLOCK_ORDER && buddy >> MM_PAGEBLOCK_ORDER < phys->nr_pageblocks &&
		mm_page(phys, buddy)->flags & MM_PG_BUDDY && mm_page(phys, buddy)->order == MM_PAGEBLOCK_ORDER &&
		mm_page_zone(phys, buddy) == zone && mm_pageblock_migratetype(phys, buddy) != MM_MIGRATE_ISOLATE;

	if (mm_pageblock_migratetype(phys, block) != MM_MIGRATE_ISOLATE)
		return;
	if (whole)
		mm_del_page_from_free_list(zone, block, MM_PAGEBLOCK_ORDER);
	else
		mm_mod_zone_freepage_state(zone, mm_move_freepages_block(zone, block, mt, NULL), mt);
	mm_set_pageblock_migratetype(phys, block, mt);
	if (whole)
		mm_free_one_page(zone, block, MM_PAGEBLOCK_ORDER, mt, MM_FPI_TO_TAIL);
	zone->nr_isolate_pageblock--;
}

/* Whole pageblocks of one zone: the zone, else NULL.  Holes among them are pages that cannot be had. */
static struct mm_zone *zone_of_range(const struct mm_phys *phys, mm_pfn_t start, mm_pfn_t end)
{
	uint16_t zone;

	if (start >= end || end > phys->nr_pageblocks << MM_PAGEBLOCK_ORDER || !mm_pageblock_aligned(start) ||
	    !mm_pageblock_aligned(end))
		return NULL;
	zone = mm_pageblock_of(phys, start)->zone;
	for (mm_pfn_t block = start; block < end; block += MM_PAGEBLOCK_NR_PAGES)
		if (mm_pageblock_of(phys, block)->zone != zone)
			return NULL;
	return zone == MM_ZONE_MIXED ? NULL : phys->zone_table[zone];
}

int mm_start_isolate_page_range(struct mm_phys *phys, mm_pfn_t start, mm_pfn_t end)
{
	struct mm_zone *zone = zone_of_range(phys, start, end);
	const mm_pfn_t last = end - MM_PAGEBLOCK_NR_PAGES;
	mm_pfn_t block;

	if (!zone)
		return -EINVAL;
	/* the two at the borders first */
	if (isolate_pageblock(zone, start))
		return -EBUSY;
	split_at(zone, start);
	if (last != start && isolate_pageblock(zone, last)) {
		unisolate_pageblock(zone, start);
		return -EBUSY;
	}
	split_at(zone, end);
	for (block = start + MM_PAGEBLOCK_NR_PAGES; block < last; block += MM_PAGEBLOCK_NR_PAGES)
		if (isolate_pageblock(zone, block)) {
			mm_undo_isolate_page_range(phys, start, block);
			unisolate_pageblock(zone, last);
			return -EBUSY;
		}
	return 0;
}

void mm_undo_isolate_page_range(struct mm_phys *phys, mm_pfn_t start, mm_pfn_t end)
{
	struct mm_zone *zone = zone_of_range(phys, start, end);

	if (!zone)
		return;
	split_isolated_at(zone, start);
	split_isolated_at(zone, end);
	for (mm_pfn_t block = start; block < end; block += MM_PAGEBLOCK_NR_PAGES)
		unisolate_pageblock(zone, block);
}

bool mm_test_pages_isolated(const struct mm_phys *phys, mm_pfn_t start, mm_pfn_t end)
{
	for (mm_pfn_t pfn = start; pfn < end;) {
		const struct mm_page *page = mm_page(phys, pfn);

		if (!(page->flags & MM_PG_BUDDY) || page->aux != MM_MIGRATE_ISOLATE)
			return false;
		pfn += 1u << page->order;
	}
	return true;
}
