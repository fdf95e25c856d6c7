/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * madvise on pages: throw away, may be thrown away, cold, page out, will be needed.
 *
 * COLD and PAGEOUT leave pages alone that others map too; a 2M page is split where the range holds only part of
 * it. FREE makes anonymous pages clean and drops swap entries. Model: Linux 6.6 mm/madvise.c.
 * Of huge pages of a pool DONTNEED, REMOVE and POPULATE: virt/hugetlb.h.
 */
#include <errno.h>

#include "cache/readahead.h"
#include "cache/shmem.h"
#include "fault/fallocate.h"
#include "fault/internal.h"
#include "fault/ksm.h"
#include "virt/hugetlb.h"
#include "virt/mempolicy.h"
#include "virt/mman.h"

static bool is_private_lru(const struct mm_fault *f, mm_pfn_t head)
{
	return mm_page_mapcount(f->phys, head) == 1;	/* folio_estimated_sharers(): of the first page */
}

/* Split the folio of a 2M entry or a PTE; true when it is small pages now. */
static bool split_for(struct mm_fault *f, mm_pfn_t head)
{
	int err;

	mm_folio_get(f->cache, head);
	err = mm_split_folio(f->virt, head);
	mm_folio_put(f->cache, head);
	return !err;
}

int mm_madvise_dontneed(struct mm_fault *f, struct mm_vma *vma, uint64_t start, uint64_t end)
{
	(void)f;
	mm_zap_page_range(vma, start, end);
	return 0;
}

/* ---- MADV_FREE --------------------------------------------------------- */

/* A whole 2M page; true when the entry is dealt with. */
static bool free_huge_pmd(struct mm_fault *f, struct mm_vma *vma, mm_pte_t *pmd, uint64_t vaddr, uint64_t next)
{
	mm_pfn_t head = mm_pte_pfn(*pmd);

	if (mm_is_huge_zero_pmd(f->virt, *pmd) || !is_private_lru(f, head))
		return true;
	if (next - vaddr != MM_PMD_SIZE) {
		split_for(f, head);
		return mm_pmd_trans_huge(*pmd);
	}
	mm_page(f->phys, head)->flags &= ~(uint32_t)MM_PG_DIRTY;
	*pmd = mm_pte_mkclean(mm_pte_mkold(*pmd));
	mm_flush_tlb_range(vma->vm_mm, vaddr, next);
	mm_folio_mark_lazyfree(f->cache, head);
	return true;
}

/* The swap-cache copy and the dirty flag go; false: shared or still needed. */
static bool make_clean(struct mm_fault *f, mm_pfn_t pfn)
{
	struct mm_page *p = mm_page(f->phys, pfn);

	if (!(p->flags & (MM_PG_SWAPCACHE | MM_PG_DIRTY)))
		return true;
	if (p->mapcount != 1 || (p->flags & MM_PG_SWAPCACHE && !mm_folio_free_swap(f->cache, pfn)))
		return false;
	p->flags &= ~(uint32_t)MM_PG_DIRTY;
	return true;
}

/* false: the rest of the table is left alone. */
static bool free_pte(struct mm_fault *f, struct mm_vma *vma, mm_pte_t *pte, uint64_t vaddr)
{
	mm_pfn_t pfn;

	if (mm_pte_none(*pte))
		return true;
	if (mm_is_pte_marker(*pte)) {
		*pte = 0;
		return true;
	}
	if (!mm_pte_present(*pte)) {
		mm_free_swap_and_cache(f->cache, (mm_swp_t)mm_swp_offset(*pte));
		*pte = 0;
		vma->vm_mm->rss[MM_SWAPENTS]--;
		return true;
	}
	pfn = mm_vm_normal_page(*pte);
	if (pfn == MM_PFN_NONE)
		return true;
	if (mm_page(f->phys, pfn)->flags & (MM_PG_HEAD | MM_PG_TAIL)) {
		mm_pfn_t head = mm_page_head(f->phys, pfn);

		if (!is_private_lru(f, head) || !split_for(f, head))
			return false;
	}
	if (!make_clean(f, pfn))
		return true;
	if (mm_pte_young(*pte) || mm_pte_dirty(*pte)) {
		*pte = mm_pte_mkclean(mm_pte_mkold(*pte));
		mm_flush_tlb_page(vma->vm_mm, vaddr);
	}
	mm_folio_mark_lazyfree(f->cache, pfn);
	return true;
}

int mm_madvise_free(struct mm_fault *f, struct mm_vma *vma, uint64_t start, uint64_t end)
{
	uint64_t next;
	mm_pte_t *pmd;

	if (!mm_vma_is_anonymous(vma))
		return -EINVAL;
	mm_lru_add_drain(f->cache);
	mm_update_hiwater_rss(vma->vm_mm);
	for (uint64_t vaddr = start; (pmd = mm_next_pmd(vma->vm_mm, &vaddr, end)); vaddr = next) {
		next = mm_pmd_addr_end(vaddr, end);
		if (mm_pmd_trans_huge(*pmd) && free_huge_pmd(f, vma, pmd, vaddr, next))
			continue;
		for (uint64_t v = vaddr; v != next; v += MM_PAGE_SIZE)
			if (!free_pte(f, vma, mm_pte_of(vma->vm_mm, pmd, v), v))
				break;
	}
	return 0;
}

/* ---- MADV_COLD, MADV_PAGEOUT --------------------------------------------- */

struct cold {
	struct mm_fault *f;
	struct mm_vma *vma;
	bool pageout;
	struct mm_page_list list;	/* isolated, for reclaim */
};

static void cold_folio(struct cold *c, mm_pfn_t head)
{
	struct mm_page *p = mm_page(c->f->phys, head);

	p->flags &= ~(uint32_t)(MM_PG_REFERENCED | MM_PG_YOUNG);
	if (p->flags & MM_PG_ACTIVE)
		p->flags |= MM_PG_WORKINGSET;
	if (!c->pageout) {
		mm_folio_deactivate(c->f->cache, head);
		return;
	}
	mm_folio_get(c->f->cache, head);
	if (mm_folio_isolate_lru(c->f->cache, head)) {
		if (p->flags & MM_PG_UNEVICTABLE)
			mm_folio_putback_lru(c->f->cache, head);
		else
			mm_page_list_add(c->f->phys->mem_map, &c->list, head);
	}
	mm_folio_put(c->f->cache, head);
}

static bool cold_huge_pmd(struct cold *c, mm_pte_t *pmd, uint64_t vaddr, uint64_t next)
{
	mm_pfn_t head = mm_pte_pfn(*pmd);

	if (mm_is_huge_zero_pmd(c->f->virt, *pmd) || !is_private_lru(c->f, head))
		return true;
	if (next - vaddr != MM_PMD_SIZE)
		return !split_for(c->f, head);
	if (mm_pte_young(*pmd)) {
		*pmd = mm_pte_mkold(*pmd);
		mm_flush_tlb_range(c->vma->vm_mm, vaddr, next);
	}
	cold_folio(c, head);
	return true;
}

static bool cold_pte(struct cold *c, mm_pte_t *pte, uint64_t vaddr)
{
	mm_pfn_t pfn = mm_pte_none(*pte) ? MM_PFN_NONE : mm_vm_normal_page(*pte);
	struct mm_page *p;

	if (pfn == MM_PFN_NONE)
		return true;
	p = mm_page(c->f->phys, pfn);
	if (p->flags & (MM_PG_HEAD | MM_PG_TAIL)) {
		mm_pfn_t head = mm_page_head(c->f->phys, pfn);

		if (!is_private_lru(c->f, head) || !split_for(c->f, head))
			return false;
	}
	if (!(p->flags & MM_PG_LRU) || p->mapcount != 1)
		return true;
	if (mm_pte_young(*pte)) {
		*pte = mm_pte_mkold(*pte);
		mm_flush_tlb_page(c->vma->vm_mm, vaddr);
	}
	cold_folio(c, pfn);
	return true;
}

/* What was isolated goes to reclaim; without one back to the LRU. */
static void reclaim_pages(struct cold *c)
{
	if (!c->list.nr)
		return;
	if (c->f->reclaim_pages)
		c->f->reclaim_pages(c->f->reclaim_arg, &c->list);
	while (c->list.nr) {
		mm_pfn_t pfn = c->list.tail;

		mm_page_list_del(c->f->phys->mem_map, &c->list, pfn);
		mm_folio_putback_lru(c->f->cache, pfn);
	}
}

int mm_madvise_cold(struct mm_fault *f, struct mm_vma *vma, uint64_t start, uint64_t end, bool pageout)
{
	struct cold c = { f, vma, pageout, MM_PAGE_LIST_INIT };
	uint64_t next;
	mm_pte_t *pmd;

	if (vma->vm_flags & (MM_VM_LOCKED | MM_VM_PFNMAP | MM_VM_HUGETLB))
		return -EINVAL;
	mm_lru_add_drain(f->cache);
	for (uint64_t vaddr = start; (pmd = mm_next_pmd(vma->vm_mm, &vaddr, end)); vaddr = next) {
		next = mm_pmd_addr_end(vaddr, end);
		if (!mm_pmd_trans_huge(*pmd) || !cold_huge_pmd(&c, pmd, vaddr, next))
			for (uint64_t v = vaddr; v != next && !mm_pte_none(*pmd); v += MM_PAGE_SIZE)
				if (!cold_pte(&c, mm_pte_of(vma->vm_mm, pmd, v), v))
					break;
		reclaim_pages(&c);
	}
	return 0;
}

/* ---- MADV_WILLNEED ---------------------------------------------------------- */

static void swapin_range(struct mm_fault *f, struct mm_vma *vma, uint64_t start, uint64_t end)
{
	uint64_t next;
	mm_pte_t *pmd;

	for (uint64_t vaddr = start; (pmd = mm_next_pmd(vma->vm_mm, &vaddr, end)); vaddr = next) {
		next = mm_pmd_addr_end(vaddr, end);
		for (uint64_t v = vaddr; !mm_pmd_trans_huge(*pmd) && v != next; v += MM_PAGE_SIZE) {
			mm_pte_t pte = *mm_pte_of(vma->vm_mm, pmd, v);
			mm_pfn_t pfn;
			bool fresh;

			f->cache->swapin_place = mm_vma_mpol_place(vma, v, 0);
			if (mm_is_swap_pte(pte) && !mm_is_pte_marker(pte) &&
			    !mm_read_swap_cache_async(f->cache, (mm_swp_t)mm_swp_offset(pte), MM_GFP_HIGHUSER_MOVABLE,
						      vma->vm_mm->memcg, &pfn, &fresh))
				mm_folio_put(f->cache, pfn);
		}
	}
	f->cache->swapin_place.pol = NULL;
	mm_lru_add_drain(f->cache);
}

int mm_madvise_willneed(struct mm_fault *f, struct mm_vma *vma, uint64_t start, uint64_t end)
{
	uint64_t first = mm_linear_page_index(vma, start);

	if (!vma->vm_file)
		swapin_range(f, vma, start, end);
	else if (mm_vma_is_shmem(vma))
		mm_shmem_swapin_range(f->cache, &vma->vm_file->inode->mapping, first,
				      first + ((end - start) >> MM_PAGE_SHIFT) - 1);
	else
		mm_force_page_cache_ra(f->cache, vma->vm_file, first, (end - start) >> MM_PAGE_SHIFT, vma->vm_mm->memcg);
	return 0;
}

static int madvise_remove(struct mm_fault *f, struct mm_vma *vma, uint64_t start, uint64_t end)
{
	struct mm_inode *inode = vma->vm_file->inode;

	if (inode->type == MM_INODE_DIR || (inode->type == MM_INODE_CHR && !mm_vma_is_shmem(vma)))
		return -ENODEV;
	return mm_punch_hole(f, inode, mm_linear_page_index(vma, start) << MM_PAGE_SHIFT, end - start, vma->vm_mm->memcg);
}

int mm_madvise_vma_pages(struct mm_fault *f, struct mm_vma *vma, uint64_t start, uint64_t end, int advice)
{
	if (vma->vm_mm->pgd == MM_PFN_NONE)
		return 0;
	switch (advice) {
	case MM_MADV_WILLNEED:
		return mm_madvise_willneed(f, vma, start, end);
	case MM_MADV_DONTNEED:
	case MM_MADV_FREE:
		if (vma->vm_flags & (MM_VM_PFNMAP | MM_VM_LOCKED))
			return -EINVAL;
		return advice == MM_MADV_FREE ? mm_madvise_free(f, vma, start, end) : mm_madvise_dontneed(f, vma, start, end);
	case MM_MADV_DONTNEED_LOCKED:
		return vma->vm_flags & MM_VM_PFNMAP ? -EINVAL : mm_madvise_dontneed(f, vma, start, end);
	case MM_MADV_COLD:
	case MM_MADV_PAGEOUT:
		return mm_madvise_cold(f, vma, start, end, advice == MM_MADV_PAGEOUT);
	case MM_MADV_POPULATE_READ:
	case MM_MADV_POPULATE_WRITE:
		return mm_faultin_range(f, vma, start, end, advice == MM_MADV_POPULATE_WRITE);
	case MM_MADV_REMOVE:
		return madvise_remove(f, vma, start, end);
	case MM_MADV_COLLAPSE:
		return mm_madvise_collapse(f, vma, start, end);
	case MM_MADV_UNMERGEABLE:
		return mm_unmerge_ksm_pages(f, vma, start, end);
	default:
		return -EOPNOTSUPP;
	}
}
