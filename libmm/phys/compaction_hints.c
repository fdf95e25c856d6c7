/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What compaction remembers between runs.
 *
 * Of a pageblock: that it gave nothing (skip).  Of a zone: where the scanners
 * go on.  Both are forgotten when the scanners have met and kswapd sleeps, or
 * when compaction is tried again after many failures: then a sample of each
 * pageblock, every eighth page, tells whether it is worth a look.
 *
 * Deviation: the kernel asks whether a pageblock's 128M section has memory;
 * here whether any RAM lies in the section.
 */
#include "base/minmax.h"
#include "phys/compaction.h"
#include "phys/pfn_walk.h"

enum { SECTION_SHIFT = 27 - MM_PAGE_SHIFT };

/* Source: Linux 6.6 include/linux/memory_hotplug.h pfn_to_online_page(), for sections. */
static bool section_online(const struct mm_phys *phys, mm_pfn_t pfn)
{
	mm_pfn_t start = pfn >> SECTION_SHIFT << SECTION_SHIFT, end = start + (1u << SECTION_SHIFT);
	const struct mm_page_range *r = mm_present_range(phys, start);

	return r && r->start_pfn < end;
}

bool mm_pageblock_in_zone(const struct mm_zone *zone, mm_pfn_t start, mm_pfn_t end)
{
	const struct mm_phys *phys = zone->phys;

	return start < end && section_online(phys, start) && mm_page_zone(phys, start) == zone &&
	       mm_page_zone(phys, end - 1) == zone;
}

/* Blocks of a pageblock or more have nothing to move and no free page beside them. */
bool mm_pageblock_skip_persistent(const struct mm_phys *phys, mm_pfn_t pfn)
{
	const struct mm_page *p = mm_page(phys, pfn);

	if (p->flags & MM_PG_TAIL)
		p = mm_page(phys, (mm_pfn_t)p->index);
	return p->flags & MM_PG_HEAD && p->order >= MM_PAGEBLOCK_ORDER;
}

/* True: it was set already. */
bool mm_test_and_set_skip(const struct mm_compact_control *cc, mm_pfn_t pfn)
{
	struct mm_pageblock *pb = mm_pageblock_of(cc->zone->phys, pfn);
	bool was = pb->skip;

	if (cc->ignore_skip_hint)
		return false;
	pb->skip = 1;
	return was;
}

void mm_update_cached_migrate(const struct mm_compact_control *cc, mm_pfn_t pfn)
{
	mm_pfn_t *cached = cc->zone->compact_cached_migrate_pfn;

	pfn = mm_pageblock_end_pfn(pfn);
	if (pfn > cached[0])
		cached[0] = pfn;
	if (cc->mode != MM_MIGRATE_ASYNC && pfn > cached[1])
		cached[1] = pfn;
}

/* The free scanner saw all of the block of @page; it goes on at @pfn. */
void mm_update_pageblock_skip(const struct mm_compact_control *cc, mm_pfn_t page, mm_pfn_t pfn)
{
	mm_pageblock_of(cc->zone->phys, page)->skip = 1;
	if (pfn < cc->zone->compact_cached_free_pfn)
		cc->zone->compact_cached_free_pfn = pfn;
}

void mm_reset_cached_positions(struct mm_zone *zone)
{
	zone->compact_cached_migrate_pfn[0] = zone->compact_cached_migrate_pfn[1] = zone->start_pfn;
	zone->compact_cached_free_pfn = mm_pageblock_start_pfn(mm_zone_end_pfn(zone) - 1);
}

/*
 * Clear the skip hint of the pageblock of @pfn if it may be a source or a target.
 * Return: the scanner may begin there.  Source: Linux 6.6 mm/compaction.c __reset_isolation_pfn().
 */
static bool reset_isolation_pfn(struct mm_zone *zone, mm_pfn_t pfn, bool check_source, bool check_target)
{
	const struct mm_phys *phys = zone->phys;
	struct mm_pageblock *pb = mm_pageblock_of(phys, pfn);
	mm_pfn_t first, last;

	if (!section_online(phys, pfn) || mm_page_zone(phys, pfn) != zone || mm_pageblock_skip_persistent(phys, pfn))
		return false;
	if (check_source && check_target && !pb->skip)
		return true;
	if (!check_source && check_target && pb->migratetype != MM_MIGRATE_MOVABLE)
		return false;
	first = mm_max_u32(mm_pageblock_start_pfn(pfn), zone->start_pfn);
	last = mm_pageblock_end_pfn(pfn) < mm_zone_end_pfn(zone) ? mm_pageblock_end_pfn(pfn) - 1 : mm_zone_end_pfn(zone) - 1;
	for (pfn = first; pfn <= last; pfn += 1u << MM_PAGE_ALLOC_COSTLY_ORDER) {
		uint32_t flags = mm_page(phys, pfn)->flags;

		if ((check_source && flags & MM_PG_LRU) || (check_target && flags & MM_PG_BUDDY)) {
			pb->skip = 0;
			return true;
		}
	}
	return false;
}

/* Source: Linux 6.6 mm/compaction.c __reset_isolation_suitable(). */
void mm_reset_zone_isolation(struct mm_zone *zone)
{
	mm_pfn_t migrate_pfn = zone->start_pfn, free_pfn = mm_zone_end_pfn(zone) - 1;
	mm_pfn_t reset_migrate = free_pfn, reset_free = migrate_pfn;
	bool source_set = false, free_set = false;

	if (!zone->compact_blockskip_flush)
		return;
	zone->compact_blockskip_flush = false;
	for (; migrate_pfn < free_pfn; migrate_pfn += MM_PAGEBLOCK_NR_PAGES) {
		if (reset_isolation_pfn(zone, migrate_pfn, true, source_set) && migrate_pfn < reset_migrate) {
			source_set = true;
			reset_migrate = zone->compact_init_migrate_pfn = migrate_pfn;
			zone->compact_cached_migrate_pfn[0] = zone->compact_cached_migrate_pfn[1] = migrate_pfn;
		}
		if (reset_isolation_pfn(zone, free_pfn, free_set, true) && free_pfn > reset_free) {
			free_set = true;
			reset_free = zone->compact_init_free_pfn = free_pfn;
			zone->compact_cached_free_pfn = free_pfn;
		}
		if (free_pfn < MM_PAGEBLOCK_NR_PAGES)	/* the kernel's would wrap, and end the loop too */
			break;
		free_pfn -= MM_PAGEBLOCK_NR_PAGES;
	}
	if (reset_migrate >= reset_free) {
		zone->compact_cached_migrate_pfn[0] = zone->compact_cached_migrate_pfn[1] = migrate_pfn;
		zone->compact_cached_free_pfn = free_pfn;
	}
}

void mm_reset_isolation_suitable(struct mm_node *node)
{
	for (unsigned int t = 0; t < MM_MAX_NR_ZONES; t++)
		if (node->zones[t].managed_pages && node->zones[t].compact_blockskip_flush)
			mm_reset_zone_isolation(&node->zones[t]);
}
