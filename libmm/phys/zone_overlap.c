/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * RAM of captured zones whose spans overlap: nodes that alternate.
 *
 *   node 0  |==========|          |==========|      span of node 0: all of it
 *   node 1             |==========|                 span of node 1 lies in it
 *
 * Zoneinfo tells spans and numbers of pages, not which frames are whose.  The
 * zone with the smallest span takes first, from its start on, of what the map
 * calls RAM (without a map: of everything); then the next.  Where spans nest and
 * inner zones are full, which is how firmware lays nodes out, nothing else fits.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/host_memory.h"
#include "base/minmax.h"
#include "phys/boot.h"

struct ranges {
	struct mm_page_range *v;
	size_t nr, cap;
};

static int add(struct ranges *l, uint64_t start, uint64_t end, uint32_t node)
{
	if (start >= end)
		return 0;
	if (mm_host_grow(&l->v, l->nr, &l->cap, sizeof(*l->v)))
		return -ENOMEM;
	l->v[l->nr++] = (struct mm_page_range){ (mm_pfn_t)start, (mm_pfn_t)end, node };
	return 0;
}

/* What the map calls RAM below @max_pfn, or everything. */
static int free_ranges(struct ranges *l, const struct mm_memblock *mb, uint64_t max_pfn)
{
	for (size_t i = 0; i < mb->memory.nr; i++) {
		const struct mm_memblock_region *r = &mb->memory.v[i];

		if (add(l, mm_memblock_region_memory_base_pfn(r), mm_min_u64(mm_memblock_region_memory_end_pfn(r), max_pfn), 0))
			return -ENOMEM;
	}
	return mb->memory.nr ? 0 : add(l, 0, max_pfn, 0);
}

/* Give @zone its pages out of @from. 0, -ENOSPC (too few are left in its span) or -ENOMEM. */
static int take(struct ranges *from, struct ranges *taken, const struct mm_zone *zone)
{
	uint64_t zone_end = mm_zone_end_pfn(zone), want = zone->present_pages;

	for (size_t i = 0; want && i < from->nr; i++) {
		struct mm_page_range r = from->v[i];
		uint64_t start = mm_max_u64(r.start_pfn, zone->start_pfn), end = mm_min_u64(r.end_pfn, zone_end);

		if (start >= end)
			continue;
		end = end - start < want ? end : start + want;
		want -= end - start;
		from->v[i].end_pfn = (mm_pfn_t)start;		/* what is left before it, and behind it */
		if (add(from, end, r.end_pfn, 0) || add(taken, start, end, zone->node))
			return -ENOMEM;
	}
	return want ? -ENOSPC : 0;
}

static int by_span(const void *a, const void *b)
{
	const struct mm_zone *x = *(struct mm_zone *const *)a, *y = *(struct mm_zone *const *)b;

	if (x->spanned_pages != y->spanned_pages)
		return x->spanned_pages < y->spanned_pages ? -1 : 1;
	return x->start_pfn < y->start_pfn ? -1 : x->start_pfn > y->start_pfn;
}

static int by_pfn(const void *a, const void *b)
{
	const struct mm_page_range *x = a, *y = b;

	return x->start_pfn < y->start_pfn ? -1 : x->start_pfn > y->start_pfn;
}

int mm_boot_place_overlapping(struct mm_phys *phys, const struct mm_memblock *mb, struct mm_zone **zones, size_t nr)
{
	struct ranges from = { 0 }, taken = { 0 };
	uint64_t max_pfn = 0;
	int e = 0;

	for (size_t i = 0; i < nr; i++)
		max_pfn = mm_max_u64(max_pfn, mm_zone_end_pfn(zones[i]));
	qsort(zones, nr, sizeof(zones[0]), by_span);
	e = free_ranges(&from, mb, max_pfn);
	for (size_t i = 0; i < nr && !e; i++) {
		e = take(&from, &taken, zones[i]);
		if (from.nr)
			qsort(from.v, from.nr, sizeof(from.v[0]), by_pfn);
	}
	if (taken.nr)
		qsort(taken.v, taken.nr, sizeof(taken.v[0]), by_pfn);
	phys->nr_present = 0;
	for (size_t i = 0; i < taken.nr && !e; i++)
		e = mm_boot_add_present(phys, taken.v[i].start_pfn, taken.v[i].end_pfn, taken.v[i].node);
	free(from.v);
	free(taken.v);
	return e;
}
