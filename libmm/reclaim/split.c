/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * reclaim/split.c - a 2M folio becomes 512 folios, so that its parts can be swapped
 *
 *   before   head(HEAD, refs)  tail  tail ...      one memcg charge of 512, one place on a list
 *   after    p0  p1 ... p511                       each charged, p1.. on the reclaimer's list
 *
 * 2M mappings become 512 entries first, so every page carries its own mapcount.
 *
 * Source: Linux 6.6 mm/huge_memory.c split_huge_page_to_list().
 */
#include "reclaim/internal.h"

#include <errno.h>

#include "virt/rmap.h"

enum { HPAGE_PMD_NR = 1 << MM_PMD_ORDER };

static bool find_pmd(void *arg, struct mm_rmap_hit *hit)
{
	struct mm_rmap_hit *found = arg;

	if (hit->level != 2)
		return true;
	*found = *hit;
	return false;
}

static void split_tail(struct mm_reclaim *r, mm_pfn_t head, unsigned int i, struct mm_page_list *list)
{
	const uint32_t copied = MM_PG_REFERENCED | MM_PG_SWAPBACKED | MM_PG_MLOCKED | MM_PG_UPTODATE | MM_PG_ACTIVE |
				MM_PG_WORKINGSET | MM_PG_UNEVICTABLE | MM_PG_DIRTY | MM_PG_ANON;
	struct mm_page *h = mm_page(r->phys, head), *t = h + i;

	t->flags = (t->flags & ~(uint32_t)(MM_PG_TAIL | copied)) | (h->flags & copied);
	t->index = h->index + i;
	t->mapping = h->mapping;
	t->aux = h->aux;
	t->order = 0;
	t->refs = 1;					/* the list's: it is isolated as the head is */
	r->cache->page_memcg[head + i] = r->cache->page_memcg[head];
	mm_page_list_add_tail(r->phys->mem_map, list, head + i);
}

int mm_split_folio_to_list(struct mm_reclaim *r, mm_pfn_t head, struct mm_page_list *list)
{
	struct mm_page *h = mm_page(r->phys, head);

	if (h->order != MM_PMD_ORDER || h->refs != 1 || mm_folio_test_swapcache(h) || !(h->flags & MM_PG_ANON))
		return -EBUSY;
	while (mm_folio_entire_mapcount(r->phys, head)) {
		struct mm_rmap_hit hit = { 0 };

		mm_rmap_walk(r->virt, head, find_pmd, &hit);
		if (!hit.vma)
			return -EBUSY;
		mm_split_huge_pmd(hit.vma, hit.entry, hit.vaddr);
	}
	h->mapcount = (int32_t)h[1].prev;		/* from here on its own, not the folio's (virt/rmap.h) */
	for (unsigned int i = HPAGE_PMD_NR - 1; i > 0; i--)
		split_tail(r, head, i, list);
	h->flags &= ~(uint32_t)MM_PG_HEAD;
	h->order = 0;
	mm_count(r->ctx, MM_THP_SPLIT_PAGE, 1);
	return 0;
}
