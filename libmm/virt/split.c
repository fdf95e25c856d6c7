/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Splitting a 2M folio into 512 pages.
 *
 *   before   head(HEAD, refs)  tail  tail ...	one place on a list
 *   after    p0  p1 ... p511			each with its own mapcount and its memcg's charge
 *
 * First an anonymous folio's 2M mappings become PTEs, while one of a file is unmapped altogether; then each subpage becomes
 * a folio with the head's state, and those beyond the end of the file leave the page cache.  The caller
 * may have the tails on a list of its own (reclaim, which took the head off the LRU); without one they go to
 * the LRU where the head is on it, and those that nothing maps are freed.  Fails while anybody but the
 * mappings, the swap or page cache and the caller holds a reference.
 * Model: Linux 6.6 mm/huge_memory.c split_huge_page_to_list(). Deviation: the kernel unmaps an anonymous
 * folio for the time of the split and maps the pages again; here the entries stay, which comes
 * to the same with one thread. On the LRU the pages go to the head of the list, not to the folio's place.
 */
#include <errno.h>

#include "cache/deferred_split.h"
#include "cache/filemap.h"
#include "cache/lru.h"
#include "cache/memcg.h"
#include "cache/swap.h"
#include "virt/rmap.h"

enum {
	KEPT = MM_PG_REFERENCED | MM_PG_SWAPBACKED | MM_PG_SWAPCACHE | MM_PG_UPTODATE | MM_PG_ACTIVE |
	       MM_PG_WORKINGSET | MM_PG_UNEVICTABLE | MM_PG_DIRTY | MM_PG_ANON | MM_PG_MLOCKED | MM_PG_LOCKED,
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

/* In the page cache or the swap cache, which holds a reference to each page. */
static bool is_cached(const struct mm_page *h) { return h->flags & MM_PG_SWAPCACHE || !(h->flags & MM_PG_ANON); }

/* The descriptor of subpage @i; its mapcount and exclusiveness are its own already. */
static void split_tail(struct mm_cache *c, mm_pfn_t head, uint32_t i)
{
	struct mm_page *h = mm_page(c->phys, head), *t = mm_page(c->phys, head + i);

	t->flags = (t->flags & MM_PG_ANON_EXCLUSIVE) | (h->flags & (uint32_t)KEPT);
	t->index = h->index + i;
	t->mapping = h->mapping;
	t->refs = 1 + is_cached(h);
	t->order = 0;
	t->aux = h->aux;
	t->next = t->prev = MM_PFN_NONE;
	mm_folio_set_memcg(c, head + i, c->page_memcg[head]);
	if (c->page_cpupid)
		c->page_cpupid[head + i] = c->page_cpupid[head];
}

/* Only the mappings, a cache and the caller hold the folio: wait for the per-CPU batches where that may help. */
static bool can_split_folio(struct mm_cache *c, const struct mm_page *h)
{
	uint32_t refs = 1 + (is_cached(h) ? MM_PMD_PAGES : 0);

	if (h->refs != refs)
		mm_lru_add_drain(c);
	return h->refs == refs;
}

/* A file's: its slots in i_pages, whose memory may not be there (-ENOMEM: nothing changed), and its mappings go. */
static int prepare_file(struct mm_virt *virt, mm_pfn_t head)
{
	struct mm_cache *c = virt->cache;
	struct mm_address_space *as = mm_folio_mapping(c, head);
	int e;

	c->xa_payer = mm_folio_memcg(c, head) == c->root_mem_cgroup ? NULL : mm_folio_memcg(c, head);
	e = mm_cache_xa_split(c, &as->i_pages, mm_page(virt->phys, head)->index, MM_PMD_ORDER, 1, MM_GFP_HIGHUSER_MOVABLE);
	if (e) {
		mm_count(virt->ctx, MM_THP_SPLIT_PAGE_FAILED, 1);
		return e;
	}
	mm_try_to_unmap(virt, head, MM_TTU_IGNORE_MLOCK | MM_TTU_SPLIT_HUGE_PMD);
	mm_filemap_count_thp(c, as, -(int64_t)MM_PMD_PAGES);
	return 0;
}

static void prepare_anon(struct mm_virt *virt, mm_pfn_t head)
{
	struct mm_page *h = mm_page(virt->phys, head);
	bool queued = mm_folio_unmaps_in_part(virt, head);	/* as the kernel takes the mappings away for the time of the split */
	bool again;

	do {
		again = false;
		mm_rmap_walk(virt, head, split_pmd_one, &again);
	} while (again);
	if (queued)
		mm_deferred_split_folio(virt->cache, head);
	mm_deferred_split_del(virt->cache, head);
	if (h->flags & MM_PG_SWAPCACHE)
		mm_split_swap_folio(virt->cache, head);
}

/* Pages beyond the end of the file go from the page cache; each has its other reference still. */
static void drop_beyond_end(struct mm_cache *c, mm_pfn_t head)
{
	const struct mm_inode *inode = mm_folio_mapping(c, head)->host;
	uint64_t end = inode->size / MM_PAGE_SIZE + (inode->size % MM_PAGE_SIZE != 0);

	for (uint32_t i = MM_PMD_PAGES - 1; i >= 1; i--)
		if (mm_cache_page(c, head + i)->index >= end)
			mm_filemap_remove_folio(c, head + i, 0);
}

/* Every page is a folio of its own from here on; each has the reference that its list, or the caller, holds. 0 or -ENOMEM. */
static int split_pages(struct mm_virt *virt, mm_pfn_t head)
{
	struct mm_page *h = mm_page(virt->phys, head);
	bool anon = h->flags & MM_PG_ANON;

	if (anon)
		prepare_anon(virt, head);
	else if (prepare_file(virt, head))
		return -ENOMEM;
	h->flags &= ~(uint32_t)MM_PG_HEAD;
	h->order = 0;
	h->mapcount = (int32_t)mm_page(virt->phys, head + 1)->prev;
	h->refs = (uint16_t)(1 + is_cached(h));
	for (uint32_t i = 1; i < MM_PMD_PAGES; i++)
		split_tail(virt->cache, head, i);
	if (!anon)
		drop_beyond_end(virt->cache, head);
	mm_count(virt->ctx, MM_THP_SPLIT_PAGE, 1);
	return 0;
}

int mm_split_folio_to_list(struct mm_virt *virt, mm_pfn_t head, struct mm_page_list *list)
{
	struct mm_page *h = mm_page(virt->phys, head);

	if (h->order != MM_PMD_ORDER || h->flags & MM_PG_SWAPCACHE || (h->flags & MM_PG_ANON && h->refs != 1))
		return -EBUSY;
	if (!(h->flags & MM_PG_ANON) && !can_split_folio(virt->cache, h)) {
		mm_count(virt->ctx, MM_THP_SPLIT_PAGE_FAILED, 1);
		return -EAGAIN;
	}
	if (split_pages(virt, head))
		return -ENOMEM;
	for (uint32_t i = MM_PMD_PAGES - 1; i > 0; i--)
		mm_page_list_add_tail(virt->phys->mem_map, list, head + i);
	return 0;
}

int mm_split_folio(struct mm_virt *virt, mm_pfn_t head)
{
	struct mm_cache *c = virt->cache;
	struct mm_page *h = mm_page(virt->phys, head);
	struct mm_lruvec *v = mm_folio_lruvec(c, head);
	bool lru;

	if (!mm_folio_is_large(virt->phys, head) || h->flags & MM_PG_WRITEBACK)
		return -EBUSY;
	if (!can_split_folio(c, h)) {
		mm_count(virt->ctx, MM_THP_SPLIT_PAGE_FAILED, 1);
		return -EAGAIN;
	}
	lru = h->flags & MM_PG_LRU;
	if (lru)
		mm_lruvec_del_folio(c, v, head);
	if (split_pages(virt, head)) {
		if (lru)
			mm_lruvec_add_folio(c, v, head);
		return -ENOMEM;
	}
	for (uint32_t i = 0; lru && i < MM_PMD_PAGES; i++) {
		mm_page(virt->phys, head + i)->flags |= MM_PG_LRU;
		mm_lruvec_add_folio(c, v, head + i);
	}
	for (uint32_t i = 1; i < MM_PMD_PAGES; i++) {
		if (mm_page(virt->phys, head + i)->flags & MM_PG_SWAPCACHE && !mm_folio_mapped(virt->phys, head + i))
			mm_folio_free_swap(c, head + i);
		mm_folio_put(c, head + i);
	}
	return 0;
}
