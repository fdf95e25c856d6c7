/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * reclaim/pageout.c - reclaim of folios that somebody else took off the LRU: MADV_PAGEOUT
 *
 * Each node's folios are shrunk together, the one isolated first going first; what
 * stays is given back in the list. The writes are done when this returns: a swap
 * device is quicker than the next row.
 *
 * Source: Linux 6.6 mm/vmscan.c reclaim_pages(), reclaim_folio_list().
 */
#include "cache/swap.h"
#include "reclaim/internal.h"

static void reclaim_folio_list(struct mm_reclaim *r, struct mm_page_list *folios, uint32_t node)
{
	struct mm_scan_control sc = { .gfp_mask = MM_GFP_KERNEL, .may_writepage = true, .may_unmap = true, .may_swap = true };
	struct mm_folio_scan s;

	mm_begin_folio_scan(&s, folios, node, false);
	while (mm_folio_scan_step(r, &s, &sc))
		;
	*folios = s.kept;
}

/* Those of the first folio's node, off @list; keeps their order. */
static struct mm_page_list of_one_node(struct mm_reclaim *r, struct mm_page_list *list, uint32_t *node)
{
	struct mm_page *map = r->phys->mem_map;
	struct mm_page_list mine = MM_PAGE_LIST_INIT, rest = MM_PAGE_LIST_INIT;

	*node = mm_page_zone(r->phys, list->tail)->node;
	while (list->tail != MM_PFN_NONE) {
		mm_pfn_t pfn = list->tail;
		bool here = mm_page_zone(r->phys, pfn)->node == *node;

		mm_page_list_del(map, list, pfn);
		if (here)
			map[pfn].flags &= ~(uint32_t)MM_PG_ACTIVE;
		mm_page_list_add(map, here ? &mine : &rest, pfn);
	}
	*list = rest;
	return mine;
}

void mm_reclaim_pages(void *arg, struct mm_page_list *list)
{
	struct mm_reclaim *r = arg;
	struct mm_page *map = r->phys->mem_map;
	struct mm_page_list kept = MM_PAGE_LIST_INIT;
	bool memalloc = r->cache->memalloc;

	r->cache->memalloc = true;
	r->phys->memalloc++;
	while (list->nr) {
		uint32_t node;
		struct mm_page_list mine = of_one_node(r, list, &node);

		reclaim_folio_list(r, &mine, node);
		while (mine.nr) {
			mm_pfn_t pfn = mine.tail;

			mm_page_list_del(map, &mine, pfn);
			mm_page_list_add(map, &kept, pfn);
		}
	}
	*list = kept;
	r->phys->memalloc--;
	r->cache->memalloc = memalloc;
	mm_swap_io_finish(r->cache);
}
