/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Compaction's free scanner: pages for others to move to.
 *
 * First a short search of the movable free lists for a block in the upper part
 * of what lies between the scanners; the lists are turned so that the next
 * search meets other blocks.  If that gives nothing, pageblocks are read from
 * where the scanner stands downwards.  Blocks taken are cut into single pages.
 *
 * Model: Linux 6.6 mm/compaction.c.
 */
#include "base/minmax.h"
#include "phys/compaction.h"

/* Close the list to a ring, then cut it before @pfn. */
static void cut_before(struct mm_page *map, struct mm_page_list *list, mm_pfn_t pfn)
{
	map[list->tail].next = list->head;
	map[list->head].prev = list->tail;
	list->head = pfn;
	list->tail = map[pfn].prev;
	map[list->head].prev = MM_PFN_NONE;
	map[list->tail].next = MM_PFN_NONE;
}

/* Turn a free list so that @pfn is its first block (move_freelist_head()). */
static void rotate_to_head(struct mm_page *map, struct mm_page_list *list, mm_pfn_t pfn)
{
	if (list->head != pfn)
		cut_before(map, list, pfn);
}

void mm_freelist_rotate_to_tail(struct mm_page *map, struct mm_page_list *list, mm_pfn_t pfn)
{
	if (list->tail != pfn)
		cut_before(map, list, map[pfn].next);
}

/*
 * Take a free block off its list; its descriptor keeps the order.  False: the zone would fall below its min watermark.
 * Source: Linux 6.6 mm/page_alloc.c __isolate_free_page().
 */
static bool isolate_free_page(struct mm_zone *zone, mm_pfn_t pfn, unsigned int order)
{
	struct mm_phys *phys = zone->phys;
	unsigned int mt = mm_pageblock_migratetype(phys, pfn);

	if (mt != MM_MIGRATE_ISOLATE) {
		uint64_t mark = zone->watermark[MM_WMARK_MIN] + (UINT64_C(1) << order);

		if (!mm_zone_watermark_ok(zone, 0, mark, MM_ZONE_DMA, MM_ALLOC_CMA))
			return false;
		mm_mod_zone_freepage_state(zone, -(1 << order), mt);
	}
	mm_del_page_from_free_list(zone, pfn, order);
	mm_page(phys, pfn)->order = (uint8_t)order;
	if (order >= MM_PAGEBLOCK_ORDER - 1)
		for (mm_pfn_t b = pfn; b < pfn + (1u << order) - 1; b += MM_PAGEBLOCK_NR_PAGES)
			if (mm_migratetype_is_mergeable(mm_pageblock_migratetype(phys, b)))
				mm_set_pageblock_migratetype(phys, b, MM_MIGRATE_MOVABLE);
	return true;
}

static void keep_freepage(struct mm_compact_control *cc, mm_pfn_t pfn, unsigned int order)
{
	cc->nr_freepages += 1u << order;
	mm_page_list_add_tail(cc->zone->phys->mem_map, &cc->freepages, pfn);
}

/* Blocks become pages, the last one first.  Source: Linux 6.6 mm/compaction.c split_map_pages(). */
static void split_map_pages(struct mm_compact_control *cc)
{
	struct mm_page *map = cc->zone->phys->mem_map;
	struct mm_page_list split = MM_PAGE_LIST_INIT;
	mm_pfn_t pfn;

	while ((pfn = cc->freepages.head) != MM_PFN_NONE) {
		mm_pfn_t end = pfn + (1u << map[pfn].order);

		mm_page_list_del(map, &cc->freepages, pfn);
		for (; pfn < end; pfn++) {
			map[pfn] = (struct mm_page){ .refs = 1 };
			mm_page_list_add(map, &split, pfn);
		}
	}
	cc->freepages = split;
}

mm_pfn_t mm_release_freepages(struct mm_compact_control *cc)
{
	struct mm_phys *phys = cc->zone->phys;
	mm_pfn_t pfn, high = 0;

	while ((pfn = cc->freepages.head) != MM_PFN_NONE) {
		mm_page_list_del(phys->mem_map, &cc->freepages, pfn);
		mm_free_pages(phys, pfn, 0);
		high = mm_max_u32(high, pfn);
	}
	cc->nr_freepages = 0;
	return high;
}

/*
 * Take the free blocks of [*@start, @end), looking at every @stride-th page, until there are enough.
 * *@start moves to where it stopped.  Return: pages taken.
 * Source: Linux 6.6 mm/compaction.c isolate_freepages_block().
 */
static unsigned int isolate_freepages_block(struct mm_compact_control *cc, mm_pfn_t *start, mm_pfn_t end,
					    unsigned int stride)
{
	const struct mm_page *map = cc->zone->phys->mem_map;
	unsigned int nr_scanned = 0, total = 0;
	mm_pfn_t pfn;

	for (pfn = *start; pfn < end; pfn += stride) {
		unsigned int order = map[pfn].order;

		nr_scanned++;
		if (map[pfn].flags & MM_PG_HEAD) {
			pfn += (1u << order) - 1;
			nr_scanned += (1u << order) - 1;
			continue;
		}
		if (!(map[pfn].flags & MM_PG_BUDDY))
			continue;
		if (!isolate_free_page(cc->zone, pfn, order))
			break;
		nr_scanned += (1u << order) - 1;
		total += 1u << order;
		keep_freepage(cc, pfn, order);
		pfn += 1u << order;
		if (cc->nr_migratepages <= cc->nr_freepages)
			break;
		pfn--;
	}
	*start = mm_min_u32(pfn, end);
	cc->total_free_scanned += nr_scanned;
	mm_count(cc->zone->phys->ctx, MM_COMPACT_ISOLATED, total);
	return total;
}

/* The rest of the pageblock in which the fast search found something. */
static void fast_isolate_around(struct mm_compact_control *cc, mm_pfn_t pfn)
{
	mm_pfn_t start = mm_max_u32(mm_pageblock_start_pfn(pfn), cc->zone->start_pfn), block = start;
	mm_pfn_t end = mm_min_u32(mm_pageblock_end_pfn(pfn), mm_zone_end_pfn(cc->zone));

	if (cc->nr_freepages >= cc->nr_migratepages || (cc->direct_compaction && cc->mode == MM_MIGRATE_ASYNC) ||
	    !mm_pageblock_in_zone(cc->zone, start, end))
		return;
	isolate_freepages_block(cc, &start, end, 1);
	if (start == end)
		mm_pageblock_of(cc->zone->phys, block)->skip = 1;
}

/* Orders are searched round robin; -1: all were. */
static int next_search_order(struct mm_compact_control *cc, int order)
{
	if (--order < 0)
		order = cc->order - 1;
	if (order != cc->search_order)
		return order;
	if (--cc->search_order < 0)
		cc->search_order = cc->order - 1;
	return -1;
}

/* One fast search: where it may find, and what it met. */
struct fast_search {
	mm_pfn_t low_pfn, min_pfn;		/* good enough from low_pfn on, usable from min_pfn on */
	mm_pfn_t highest;			/* pageblock of the highest free block met */
	unsigned int limit, nr_scanned;
};

/* Search the free list of one order from its tail.  Return: the block to take, or MM_PFN_NONE. */
static mm_pfn_t search_order(struct mm_compact_control *cc, struct fast_search *f, int order, unsigned int *scanned)
{
	struct mm_page *map = cc->zone->phys->mem_map;
	struct mm_page_list *list = &cc->zone->free_area[order].free_list[MM_MIGRATE_MOVABLE];
	mm_pfn_t pfn, found = MM_PFN_NONE, high = 0;

	for (pfn = list->tail; pfn != MM_PFN_NONE; pfn = map[pfn].prev) {
		++*scanned;
		f->nr_scanned++;
		if (pfn >= f->highest)
			f->highest = mm_max_u32(mm_pageblock_start_pfn(pfn), cc->zone->start_pfn);
		if (pfn >= f->low_pfn) {
			cc->fast_search_fail = 0;
			cc->search_order = order;
			found = pfn;
			break;
		}
		if (pfn >= f->min_pfn && pfn > high) {
			high = pfn;
			f->limit >>= 1;
		}
		if (*scanned >= f->limit)
			break;
	}
	if (found == MM_PFN_NONE && high)
		found = pfn = high;
	if (pfn != MM_PFN_NONE)
		rotate_to_head(map, list, pfn);
	return found;
}

/* Search order after order; MM_PFN_NONE: nothing taken. */
static mm_pfn_t fast_search(struct mm_compact_control *cc, struct fast_search *f)
{
	mm_pfn_t pfn = MM_PFN_NONE;

	if (cc->search_order > cc->order - 1)
		cc->search_order = cc->order - 1;
	for (int order = cc->search_order; pfn == MM_PFN_NONE && order >= 0; order = next_search_order(cc, order)) {
		unsigned int scanned = 0;

		if (!cc->zone->free_area[order].nr_free)
			continue;
		pfn = search_order(cc, f, order, &scanned);
		if (pfn != MM_PFN_NONE && isolate_free_page(cc->zone, pfn, (unsigned int)order)) {
			f->nr_scanned += (1u << order) - 1;
			keep_freepage(cc, pfn, (unsigned int)order);
			mm_count(cc->zone->phys->ctx, MM_COMPACT_ISOLATED, 1 << order);
		} else if (pfn != MM_PFN_NONE) {
			order = cc->search_order + 1;
			pfn = MM_PFN_NONE;
		}
		if (cc->nr_freepages >= cc->nr_migratepages)
			break;
		if (scanned >= f->limit)
			f->limit = f->limit >> 1 ? f->limit >> 1 : 1;
	}
	return pfn;
}

/* Source: Linux 6.6 mm/compaction.c fast_isolate_freepages(). */
static void fast_isolate_freepages(struct mm_compact_control *cc)
{
	struct mm_zone *zone = cc->zone;
	mm_pfn_t distance = cc->free_pfn - cc->migrate_pfn, pfn;
	unsigned int limit = mm_freelist_scan_limit(cc) >> 1;
	struct fast_search f = { .limit = limit ? limit : 1 };
	bool scan_start = cc->free_pfn >= zone->compact_init_free_pfn;

	if (cc->order <= 0)
		return;
	if (scan_start)
		f.limit = MM_PAGEBLOCK_NR_PAGES >> 1;
	f.low_pfn = mm_pageblock_start_pfn(cc->free_pfn - (distance >> 2));
	f.min_pfn = mm_pageblock_start_pfn(cc->free_pfn - (distance >> 1));
	pfn = fast_search(cc, &f);
	if (pfn == MM_PFN_NONE) {
		cc->fast_search_fail++;
		if (scan_start && f.highest >= f.min_pfn) {
			pfn = cc->free_pfn = f.highest;
		} else if (scan_start && cc->direct_compaction &&
			   mm_pageblock_in_zone(zone, f.min_pfn, mm_min_u32(mm_pageblock_end_pfn(f.min_pfn), mm_zone_end_pfn(zone)))) {
			pfn = cc->free_pfn = f.min_pfn;
		}
	}
	if (f.highest && f.highest >= zone->compact_cached_free_pfn)
		zone->compact_cached_free_pfn = f.highest - MM_PAGEBLOCK_NR_PAGES;
	cc->total_free_scanned += f.nr_scanned;
	if (pfn != MM_PFN_NONE)
		fast_isolate_around(cc, pfn);
}

/* May pages move into this block? */
static bool suitable_migration_target(const struct mm_compact_control *cc, mm_pfn_t pfn)
{
	const struct mm_page *p = mm_page(cc->zone->phys, pfn);
	unsigned int mt = mm_pageblock_migratetype(cc->zone->phys, pfn);

	if (p->flags & MM_PG_BUDDY && p->order >= MM_PAGEBLOCK_ORDER)
		return false;
	return cc->ignore_block_suitable || mt == MM_MIGRATE_MOVABLE || mt == MM_MIGRATE_CMA;
}

/* Pageblock by pageblock downwards.  Return: where the scanner goes on. */
static mm_pfn_t scan_pageblocks(struct mm_compact_control *cc)
{
	mm_pfn_t at = cc->free_pfn, start = mm_pageblock_start_pfn(at), low = mm_pageblock_end_pfn(cc->migrate_pfn);
	mm_pfn_t end = mm_min_u32(start + MM_PAGEBLOCK_NR_PAGES, mm_zone_end_pfn(cc->zone));
	unsigned int stride = cc->mode == MM_MIGRATE_ASYNC ? MM_COMPACT_CLUSTER_MAX : 1;

	for (; start >= low; end = start, start -= MM_PAGEBLOCK_NR_PAGES, at = start) {
		unsigned int taken;

		if (!mm_pageblock_in_zone(cc->zone, start, end) || !suitable_migration_target(cc, start) ||
		    !mm_isolation_suitable(cc, start))
			continue;
		taken = isolate_freepages_block(cc, &at, end, stride);
		if (at == end)
			mm_update_pageblock_skip(cc, start, start - MM_PAGEBLOCK_NR_PAGES);
		if (cc->nr_freepages >= cc->nr_migratepages)
			return at >= end ? start - MM_PAGEBLOCK_NR_PAGES : at;
		if (at < end)
			return at;
		if (taken)
			stride = 1;
		else if (stride < MM_COMPACT_CLUSTER_MAX)
			stride <<= 1;
	}
	return at;
}

/* Source: Linux 6.6 mm/compaction.c compaction_alloc(), isolate_freepages(). */
mm_pfn_t mm_compaction_alloc(struct mm_compact_control *cc)
{
	mm_pfn_t pfn;

	if (cc->freepages.head == MM_PFN_NONE) {
		fast_isolate_freepages(cc);
		if (!cc->nr_freepages)
			cc->free_pfn = scan_pageblocks(cc);
		split_map_pages(cc);
	}
	pfn = cc->freepages.head;
	if (pfn == MM_PFN_NONE)
		return pfn;
	mm_page_list_del(cc->zone->phys->mem_map, &cc->freepages, pfn);
	cc->nr_freepages--;
	return pfn;
}

void mm_compaction_free(struct mm_compact_control *cc, mm_pfn_t pfn)
{
	mm_page_list_add(cc->zone->phys->mem_map, &cc->freepages, pfn);
	cc->nr_freepages++;
}
