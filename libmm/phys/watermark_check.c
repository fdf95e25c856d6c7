/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * May a zone give pages?  The watermark tests.
 *
 * A zone serves a request when, with the block gone, more than "mark" plus the
 * reserve kept from requests that could have used a higher zone is left, and,
 * for order > 0, a block that large is free.  What the request cannot use (the
 * high-order atomic reserve, CMA pages) does not count as free.  Requests with
 * access to reserves see a lower mark.
 */
#include "phys/internal.h"

/* Source: Linux 6.6 mm/page_alloc.c __zone_watermark_unusable_free(). */
static int64_t unusable_free(const struct mm_zone *zone, unsigned int order, unsigned int alloc_flags)
{
	int64_t n = (1 << order) - 1;

	if (!(alloc_flags & MM_ALLOC_RESERVES))
		n += (int64_t)zone->nr_reserved_highatomic;
	if (!(alloc_flags & MM_ALLOC_CMA))
		n += (int64_t)zone->nr_free_cma;
	return n;
}

/* The mark as a request with reserves sees it. */
static int64_t reserve_mark(int64_t min, unsigned int alloc_flags)
{
	if (alloc_flags & MM_ALLOC_MIN_RESERVE) {
		min -= min / 2;
		if (alloc_flags & MM_ALLOC_NON_BLOCK)
			min -= min / 4;
	}
	if (alloc_flags & MM_ALLOC_OOM)
		min -= min / 2;
	return min;
}

static bool block_is_free(const struct mm_zone *zone, unsigned int order, unsigned int alloc_flags)
{
	for (unsigned int o = order; o < MM_NR_PAGE_ORDERS; o++) {
		if (!zone->free_area[o].nr_free)
			continue;
		for (unsigned int mt = 0; mt < MM_MIGRATE_PCPTYPES; mt++)
			if (zone->free_area[o].free_list[mt].head != MM_PFN_NONE)
				return true;
		if (alloc_flags & MM_ALLOC_CMA && zone->free_area[o].free_list[MM_MIGRATE_CMA].head != MM_PFN_NONE)
			return true;
		if (alloc_flags & (MM_ALLOC_HIGHATOMIC | MM_ALLOC_OOM) &&
		    zone->free_area[o].free_list[MM_MIGRATE_HIGHATOMIC].head != MM_PFN_NONE)
			return true;
	}
	return false;
}

struct mm_watermark_check mm_zone_watermark_check(const struct mm_zone *zone, unsigned int order, uint64_t mark,
						  enum mm_zone_type highest, unsigned int alloc_flags,
						  int64_t free_pages)
{
	struct mm_watermark_check c = {
		.free = free_pages, .unusable = unusable_free(zone, order, alloc_flags),
		.mark = alloc_flags & MM_ALLOC_RESERVES ? reserve_mark((int64_t)mark, alloc_flags) : (int64_t)mark,
		.reserve = (int64_t)zone->lowmem_reserve[highest],
	};
	int64_t needed = c.mark + c.reserve + 1;

	c.short_by = c.free - c.unusable >= needed ? 0 : needed - (c.free - c.unusable);
	c.block = !order || block_is_free(zone, order, alloc_flags);
	return c;
}

/* The same with another count of free pages.  Source: Linux 6.6 mm/page_alloc.c __zone_watermark_ok(). */
bool mm_zone_watermark_ok_free(const struct mm_zone *zone, unsigned int order, uint64_t mark, enum mm_zone_type highest,
			       unsigned int alloc_flags, int64_t free_pages)
{
	int64_t min = alloc_flags & MM_ALLOC_RESERVES ? reserve_mark((int64_t)mark, alloc_flags) : (int64_t)mark;

	if (free_pages - unusable_free(zone, order, alloc_flags) <= min + (int64_t)zone->lowmem_reserve[highest])
		return false;
	return !order || block_is_free(zone, order, alloc_flags);
}

bool mm_zone_watermark_ok(const struct mm_zone *zone, unsigned int order, uint64_t mark, enum mm_zone_type highest,
			  unsigned int alloc_flags)
{
	return mm_zone_watermark_ok_free(zone, order, mark, highest, alloc_flags, (int64_t)zone->free_pages);
}

/* What mm_zone_watermark_fast() could not say at a glance; @mark is the request's watermark. */
bool mm_zone_watermark_slow(const struct mm_zone *zone, unsigned int order, uint64_t mark, enum mm_zone_type highest,
			    unsigned int alloc_flags)
{
	if (mm_zone_watermark_ok(zone, order, mark, highest, alloc_flags))
		return true;
	if (!order && alloc_flags & MM_ALLOC_MIN_RESERVE && zone->watermark_boost &&
	    (alloc_flags & MM_ALLOC_WMARK_MASK) == MM_WMARK_MIN)
		return mm_zone_watermark_ok(zone, order, zone->watermark[MM_WMARK_MIN], highest, alloc_flags);
	return false;
}
