/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Frames of RAM of a zone, one range after another.
 */
#include "base/minmax.h"
#include "phys/pfn_walk.h"

struct mm_pfn_walk mm_pfn_walk_node(const struct mm_phys *phys, uint32_t node, uint64_t min_pfn, uint64_t max_pfn,
				    enum mm_pfn_direction direction)
{
	return (struct mm_pfn_walk){ .phys = phys, .node = node, .min_pfn = min_pfn, .max_pfn = max_pfn,
				     .direction = direction, .nr_ranges = phys->nr_present };
}

struct mm_pfn_walk mm_pfn_walk_zone(const struct mm_zone *zone, enum mm_pfn_direction direction)
{
	return mm_pfn_walk_node(zone->phys, zone->node, zone->start_pfn, mm_zone_end_pfn(zone), direction);
}

bool mm_pfn_walk_range(struct mm_pfn_walk *w)
{
	const struct mm_phys *phys = w->phys;

	while (w->nr_ranges) {
		const struct mm_page_range *r = &phys->present[w->direction == MM_PFN_UP ? phys->nr_present - w->nr_ranges
									      : w->nr_ranges - 1];

		w->nr_ranges--;
		w->start = mm_max_u64(r->start_pfn, w->min_pfn);
		w->end = mm_min_u64(r->end_pfn, w->max_pfn);
		if (r->node == w->node && w->start < w->end)
			return true;
	}
	w->start = w->end;
	return false;
}

static bool has_frames(struct mm_pfn_walk *w) { return w->start < w->end || mm_pfn_walk_range(w); }

/* The next frames of the range under way, which has as many. */
static void take(struct mm_pfn_walk *w, uint64_t nr, uint64_t *start, uint64_t *end)
{
	if (w->direction == MM_PFN_UP) {
		*start = w->start;
		*end = w->start += nr;
	} else {
		*end = w->end;
		*start = w->end -= nr;
	}
}

bool mm_pfn_walk_frames(struct mm_pfn_walk *w, uint64_t nr, uint64_t *start, uint64_t *end)
{
	if (!has_frames(w))
		return false;
	take(w, mm_min_u64(nr, w->end - w->start), start, end);
	return true;
}

bool mm_pfn_walk_pageblock(struct mm_pfn_walk *w, uint64_t *start, uint64_t *end)
{
	uint64_t border;

	if (!has_frames(w))
		return false;
	if (w->direction == MM_PFN_UP) {
		border = mm_pageblock_end_pfn((mm_pfn_t)w->start);
		take(w, mm_min_u64(border, w->end) - w->start, start, end);
	} else {
		border = mm_pageblock_start_pfn((mm_pfn_t)(w->end - 1));
		take(w, w->end - mm_max_u64(border, w->start), start, end);
	}
	return true;
}

const struct mm_page_range *mm_present_range(const struct mm_phys *phys, uint64_t pfn)
{
	uint32_t lo = 0, hi = phys->nr_present;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (phys->present[mid].end_pfn <= pfn)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < phys->nr_present ? &phys->present[lo] : NULL;
}
