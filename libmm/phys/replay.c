/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Buddy lists that follow a recording.
 *
 * A recorded machine says which pages moved: nothing is chosen here, only split
 * and merged by the same rules.  The block that holds a page is found by asking
 * each possible head, order by order.
 */
#include <errno.h>

#include "phys/internal.h"
#include "phys/replay.h"

bool mm_page_is_free(const struct mm_phys *phys, mm_pfn_t pfn, mm_pfn_t *head, unsigned int *order)
{
	for (unsigned int o = 0; pfn < phys->max_pfn && o < MM_NR_PAGE_ORDERS; o++) {
		mm_pfn_t h = pfn & ~((1u << o) - 1);
		const struct mm_page *page = mm_page(phys, h);

		if (page->flags & MM_PG_BUDDY && page->order >= o) {
			if (h + (1u << page->order) <= pfn)
				continue;
			*head = h;
			*order = page->order;
			return true;
		}
	}
	return false;
}

/* The zone of an aligned block, or NULL. */
static struct mm_zone *zone_of_block(const struct mm_phys *phys, mm_pfn_t pfn, unsigned int order)
{
	struct mm_zone *zone;

	if (order > MM_MAX_ORDER || pfn & ((1u << order) - 1) || pfn >= phys->max_pfn ||
	    phys->max_pfn - pfn < 1u << order)
		return NULL;
	zone = mm_page_zone(phys, pfn);
	return zone && mm_page_zone(phys, pfn + (1u << order) - 1) == zone ? zone : NULL;
}

int mm_take_free_pages(struct mm_phys *phys, mm_pfn_t pfn, unsigned int order, unsigned int mt)
{
	struct mm_zone *zone = zone_of_block(phys, pfn, order);
	unsigned int o, old_mt;
	mm_pfn_t head;

	if (!zone)
		return -EINVAL;
	if (!mm_page_is_free(phys, pfn, &head, &o) || o < order)
		return -ENOENT;
	old_mt = mm_page(phys, head)->aux;
	if (mt >= MM_MIGRATE_TYPES)
		mt = old_mt;
	mm_del_page_from_free_list(zone, head, o);
	while (o > order) {
		mm_pfn_t upper = head + (1u << --o);

		mm_add_to_free_list(zone, pfn < upper ? upper : head, o, mt, MM_FPI_NONE);
		head = pfn < upper ? head : upper;
	}
	if (old_mt != MM_MIGRATE_ISOLATE)
		mm_mod_zone_freepage_state(zone, -(1 << order), old_mt);
	mm_page(phys, pfn)->aux = (uint8_t)mt;
	return 0;
}

int mm_put_free_pages(struct mm_phys *phys, mm_pfn_t pfn, unsigned int order, unsigned int mt)
{
	struct mm_zone *zone = zone_of_block(phys, pfn, order);
	unsigned int o;
	mm_pfn_t head;

	if (!zone)
		return -EINVAL;
	for (mm_pfn_t p = pfn; p < pfn + (1u << order); p++)
		if (mm_page_is_free(phys, p, &head, &o))
			return -EEXIST;
	mm_page(phys, pfn)->refs = 0;
	mm_page(phys, pfn)->flags = 0;
	mm_free_one_page(zone, pfn, order, mt < MM_MIGRATE_TYPES ? mt : mm_pageblock_migratetype(phys, pfn),
			 MM_FPI_NONE);
	return 0;
}

void mm_follow_fallback(struct mm_phys *phys, mm_pfn_t pfn, unsigned int order, unsigned int mt, bool owner)
{
	struct mm_zone *zone = zone_of_block(phys, pfn, order);
	bool whole = order >= MM_PAGEBLOCK_ORDER / 2 || mt != MM_MIGRATE_MOVABLE;

	if (!zone || mt >= MM_MIGRATE_TYPES || !(mm_page(phys, pfn)->flags & MM_PG_BUDDY) ||
	    mm_page(phys, pfn)->order != order)
		return;
	if (order >= MM_PAGEBLOCK_ORDER || !whole || !mm_move_freepages_block(zone, pfn, mt, NULL))
		mm_move_to_free_list(zone, pfn, order, mt);
	for (mm_pfn_t b = 0; owner && b < 1u << order; b += MM_PAGEBLOCK_NR_PAGES)
		mm_set_pageblock_migratetype(phys, pfn + b, mt);
}
