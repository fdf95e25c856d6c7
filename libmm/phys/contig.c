/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Blocks larger than the page allocator's largest, put together of free ones that lie side by side.
 *
 *	| order 10 | order 10 | ... | order 10 |	all free: out of their lists, one compound page
 *
 * Model: Linux 6.6 mm/page_alloc.c alloc_contig_pages(), free_contig_range(); at boot memblock gives them from the top.
 * Left out: moving pages in use out of the way (alloc_contig_range()).
 */
#include <assert.h>

#include "phys/contig.h"
#include "phys/internal.h"

/* pfn_range_valid_contig(): every page of the range is in a free block, all of one zone. */
static bool is_free(const struct mm_zone *zone, mm_pfn_t first, uint64_t nr)
{
	const struct mm_phys *phys = zone->phys;

	for (uint64_t pfn = first; pfn < first + nr;) {
		const struct mm_page *p = mm_page(phys, (mm_pfn_t)pfn);

		if (!(p->flags & MM_PG_BUDDY) || mm_page_zone(phys, (mm_pfn_t)pfn) != zone)
			return false;
		pfn += UINT64_C(1) << p->order;
	}
	return true;
}

static void take(struct mm_zone *zone, mm_pfn_t first, unsigned int order)
{
	struct mm_phys *phys = zone->phys;
	const mm_pfn_t end = first + (1u << order);

	for (mm_pfn_t pfn = first; pfn < end;) {
		unsigned int o = mm_page(phys, pfn)->order, mt = mm_pageblock_migratetype(phys, pfn);

		mm_del_page_from_free_list(zone, pfn, o);
		mm_mod_zone_freepage_state(zone, -(INT64_C(1) << o), mt);
		mm_page(phys, pfn)->order = 0;
		pfn += 1u << o;
	}
	mm_prep_compound_page(phys->mem_map, first, order);
	mm_page(phys, first)->order = (uint8_t)order;
	mm_page(phys, first)->refs = 1;
}

static mm_pfn_t find_in_zone(const struct mm_zone *zone, unsigned int order, bool top)
{
	const uint64_t nr = UINT64_C(1) << order, end = mm_zone_end_pfn(zone);
	uint64_t low = (zone->start_pfn + nr - 1) & ~(nr - 1), at;

	if (!zone->managed_pages || low + nr > end)
		return MM_PFN_NONE;
	if (!top) {
		for (at = low; at + nr <= end; at += nr)
			if (is_free(zone, (mm_pfn_t)at, nr))
				return (mm_pfn_t)at;
		return MM_PFN_NONE;
	}
	for (at = (end - nr) & ~(nr - 1); at >= low; at -= nr) {
		if (is_free(zone, (mm_pfn_t)at, nr))
			return (mm_pfn_t)at;
		if (at < nr)
			break;
	}
	return MM_PFN_NONE;
}

mm_pfn_t mm_alloc_contig_free(struct mm_phys *phys, uint32_t nid, unsigned int order, bool top)
{
	struct mm_node *node = phys->nodes[nid];

	assert(order > MM_MAX_ORDER);
	mm_drain_all_pages(phys);
	for (int type = MM_MAX_NR_ZONES - 1; node && type >= 0; type--) {
		struct mm_zone *zone = &node->zones[type];
		mm_pfn_t pfn = find_in_zone(zone, order, top);

		if (pfn != MM_PFN_NONE) {
			take(zone, pfn, order);
			return pfn;
		}
	}
	return MM_PFN_NONE;
}

void mm_free_contig(struct mm_phys *phys, mm_pfn_t head, unsigned int order)
{
	const mm_pfn_t end = head + (1u << order);

	for (mm_pfn_t pfn = head; pfn < end; pfn++)
		*mm_page(phys, pfn) = (struct mm_page){ 0 };
	for (mm_pfn_t pfn = head; pfn < end; pfn += 1u << MM_MAX_ORDER) {
		mm_page(phys, pfn)->order = MM_MAX_ORDER;
		mm_page(phys, pfn)->refs = 1;
		mm_free_pages(phys, pfn, MM_MAX_ORDER);
	}
}
