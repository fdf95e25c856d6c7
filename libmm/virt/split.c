/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Splitting a 2M folio into 512 pages.
 *
 * First its 2M mappings become PTEs, then each subpage becomes a folio with the head's state; those
 * that nothing maps are freed. Fails while anybody but the mappings, the swap cache and
 * the caller holds a reference.
 * Model: Linux 6.6 mm/huge_memory.c split_huge_page_to_list(). Deviation: the kernel unmaps the
 * folio for the time of the split and maps the pages again; here the entries stay, which comes
 * to the same with one thread. The pages go to the head of the LRU list, not to the folio's place.
 */
#include <errno.h>

#include "cache/lru.h"
#include "cache/swap.h"
#include "virt/rmap.h"

enum {
	KEPT = MM_PG_REFERENCED | MM_PG_SWAPBACKED | MM_PG_SWAPCACHE | MM_PG_UPTODATE | MM_PG_ACTIVE | MM_PG_WORKINGSET |
	       MM_PG_UNEVICTABLE | MM_PG_DIRTY | MM_PG_ANON | MM_PG_MLOCKED | MM_PG_LOCKED,
};

static bool split_pmd_one(void *arg, struct mm_rmap_hit *hit)
{
	bool *again = arg;

	if (hit->level != 2)
		return true;
	mm_split_huge_pmd(hit->vma, hit->entry, hit->vaddr);
	*again = true;
	return false;
}

/* The descriptor of subpage @i; its mapcount and exclusiveness are its own already. */
static void split_tail(struct mm_cache *c, mm_pfn_t head, uint32_t i)
{
	struct mm_page *h = mm_page(c->phys, head), *t = mm_page(c->phys, head + i);

	t->flags = (t->flags & MM_PG_ANON_EXCLUSIVE) | (h->flags & (uint32_t)KEPT);
	t->index = h->index + i;
	t->mapping = h->mapping;
	t->refs = 1 + !!(h->flags & MM_PG_SWAPCACHE);
	t->order = 0;
	t->aux = h->aux;
	t->next = t->prev = MM_PFN_NONE;
	c->page_memcg[head + i] = c->page_memcg[head];
	if (h->flags & MM_PG_SWAPCACHE)
		c->page_swap[head + i] = c->page_swap[head] + i;
}

int mm_split_folio(struct mm_virt *virt, mm_pfn_t head)
{
	struct mm_cache *c = virt->cache;
	struct mm_page *h = mm_page(virt->phys, head);
	struct mm_lruvec *v = mm_folio_lruvec(c, head);
	uint32_t pins = h->flags & MM_PG_SWAPCACHE ? MM_PMD_PAGES : 0;
	bool lru = h->flags & MM_PG_LRU, again;

	if (!mm_folio_is_large(virt->phys, head) || h->flags & MM_PG_WRITEBACK)
		return -EBUSY;
	if (h->refs != 1 + pins) {
		mm_lru_add_drain(c);
		lru = h->flags & MM_PG_LRU;
		if (h->refs != 1 + pins) {
			mm_count(virt->ctx, MM_THP_SPLIT_PAGE_FAILED, 1);
			return -EAGAIN;
		}
	}
	do {
		again = false;
		mm_rmap_walk(virt, head, split_pmd_one, &again);
	} while (again);
	if (lru)
		mm_lruvec_del_folio(c, v, head);
	h->flags &= ~(uint32_t)MM_PG_HEAD;
	h->order = 0;
	h->mapcount = (int32_t)mm_page(virt->phys, head + 1)->prev;
	h->refs = (uint16_t)(1 + (pins != 0));
	for (uint32_t i = 1; i < MM_PMD_PAGES; i++)
		split_tail(c, head, i);
	if (lru)
		mm_lruvec_add_folio(c, v, head);
	for (uint32_t i = 1; i < MM_PMD_PAGES; i++) {
		if (lru) {
			mm_page(virt->phys, head + i)->flags |= MM_PG_LRU;
			mm_lruvec_add_folio(c, v, head + i);
		}
	}
	mm_count(virt->ctx, MM_THP_SPLIT_PAGE, 1);
	for (uint32_t i = 1; i < MM_PMD_PAGES; i++) {
		if (mm_page(virt->phys, head + i)->flags & MM_PG_SWAPCACHE && !mm_folio_mapped(virt->phys, head + i))
			mm_folio_free_swap(c, head + i);
		mm_folio_put(c, head + i);
	}
	return 0;
}
