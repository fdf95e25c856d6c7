/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * phys/pfn_walk.h - the frames of RAM of a zone, range by range, from below or from above
 *
 * Spans have holes, and those of nodes that alternate overlap: a zone has what phys->present has of its node within its span.
 *
 *	present       |==node 0==|    |==node 0==|==node 1==|==node 0==|
 *	node 0's zone       [================ span ================]
 *	up                  |  1 |    |    2     |          |  3   |
 *	down                |  3 |    |    2     |          |  1   |
 *
 * Source: Linux 6.6 include/linux/memblock.h for_each_mem_pfn_range(), which goes up alone.
 */
#ifndef PHYS_PFN_WALK_H
#define PHYS_PFN_WALK_H

#include "phys/phys.h"

enum mm_pfn_direction { MM_PFN_UP, MM_PFN_DOWN };

/* All in PFNs.  Made by one of the next two; good for as long as phys->present stays as it is. */
struct mm_pfn_walk {
	const struct mm_phys *phys;
	uint32_t node;
	uint64_t min_pfn, max_pfn;	/* of [min_pfn, max_pfn) alone */
	enum mm_pfn_direction direction;
	uint32_t nr_ranges;		/* of phys->present that are to come */
	uint64_t start, end;		/* what is to come of the range under way, which the caller may make shorter */
};

/* Of all frames of @node in [min_pfn, max_pfn), or in the span of @zone. The walk stands before the first of them. */
struct mm_pfn_walk mm_pfn_walk_node(const struct mm_phys *phys, uint32_t node, uint64_t min_pfn, uint64_t max_pfn,
				    enum mm_pfn_direction direction);
struct mm_pfn_walk mm_pfn_walk_zone(const struct mm_zone *zone, enum mm_pfn_direction direction);

/* On to the next range, whatever is left of the one under way; false: that was the last. */
bool mm_pfn_walk_range(struct mm_pfn_walk *w);

/*
 * Take the next frames of one range: at most @nr of them (> 0), or those of one pageblock; [*start, *end).  False: none are left.
 * A pageblock with a hole, or with frames of another node, comes in as many pieces as it has ranges.
 */
bool mm_pfn_walk_frames(struct mm_pfn_walk *w, uint64_t nr, uint64_t *start, uint64_t *end);
bool mm_pfn_walk_pageblock(struct mm_pfn_walk *w, uint64_t *start, uint64_t *end);

/* The first range of RAM that ends above @pfn, which holds it if any does; NULL: all end below. */
const struct mm_page_range *mm_present_range(const struct mm_phys *phys, uint64_t pfn);

#endif /* PHYS_PFN_WALK_H */
