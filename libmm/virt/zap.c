/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Unmapping: entries go, the TLB is flushed, then the pages behind them are given back.
 *
 * Pages gather in the order of their addresses, eight on the stack and then
 * batches of 510, each in a page frame of its own, and go back batch by batch after the flush.
 * Dirty file pages force that at the end of their table. Model: Linux 6.6
 * mm/memory.c zap_pte_range() and above it, mm/mmu_gather.c.
 */
#include <stdlib.h>

#include "base/host_memory.h"
#include "base/minmax.h"
#include "cache/filemap.h"
#include "cache/lru.h"
#include "cache/swap.h"
#include "virt/hugetlb.h"
#include "virt/ksm.h"
#include "virt/rmap.h"
#include "virt/tlb.h"
#include "virt/userfaultfd.h"

enum { GATHER_BUNDLE = 8, MAX_GATHER_BATCH = 510, MAX_GATHER_BATCH_COUNT = 19 };

/* What of a range goes. */
enum {
	ZAP_EVEN_COWS = 1,		/* also private copies (munmap, DONTNEED); else only pages of the file */
	ZAP_DROP_MARKER = 2,		/* also what userfaultfd protected of no page (munmap, truncation) */
};

void mm_tlb_gather_mmu(struct mm_mmu_gather *tlb, struct mm_struct *mm, bool fullmm)
{
	*tlb = (struct mm_mmu_gather){ .mm = mm, .fullmm = fullmm, .start = UINT64_MAX, .cap = GATHER_BUNDLE };
	tlb->pages = tlb->local;
}

static bool next_batch(struct mm_mmu_gather *tlb)
{
	struct mm_phys *phys = tlb->mm->virt->phys;
	uint32_t active = tlb->nr > GATHER_BUNDLE ? (tlb->nr - GATHER_BUNDLE - 1) / MAX_GATHER_BATCH + 1 : 0;
	mm_pfn_t *pages, batch;

	if (tlb->delayed && active)
		return false;
	if (active < tlb->nr_batches)
		return true;
	if (tlb->nr_batches == MAX_GATHER_BATCH_COUNT)
		return false;
	pages = mm_host_realloc(tlb->pages == tlb->local ? NULL : tlb->pages,
				(tlb->cap + MAX_GATHER_BATCH) * sizeof(*pages));
	if (!pages)
		return false;
	if (tlb->pages == tlb->local)
		for (uint32_t i = 0; i < tlb->nr; i++)
			pages[i] = tlb->local[i];
	tlb->pages = pages;
	batch = mm_alloc_pages(phys, MM_GFP_NOWAIT | __MM_GFP_NOWARN, 0);
	if (batch == MM_PFN_NONE)
		return false;
	tlb->batch[tlb->nr_batches++] = batch;
	tlb->cap += MAX_GATHER_BATCH;
	return true;
}

bool mm_tlb_remove_page(struct mm_mmu_gather *tlb, mm_pfn_t pfn)
{
	tlb->pages[tlb->nr++] = pfn;
	if (tlb->nr >= GATHER_BUNDLE && (tlb->nr - GATHER_BUNDLE) % MAX_GATHER_BATCH == 0)
		return !next_batch(tlb);
	return false;
}

static void free_pages_and_swap_cache(struct mm_virt *virt, mm_pfn_t *pages, uint32_t nr)
{
	struct mm_cache *c = virt->cache;
	uint32_t left = 0;

	mm_lru_add_drain(c);
	for (uint32_t i = 0; i < nr; i++) {
		struct mm_page *p = mm_page(c->phys, pages[i]);

		if (p->flags & MM_PG_SWAPCACHE && !mm_folio_mapped(c->phys, pages[i]))
			mm_folio_free_swap(c, pages[i]);
		if (!(p->flags & MM_PG_HUGETLB))
			pages[left++] = pages[i];
		else if (!--p->refs && !p->mapcount)
			mm_free_huge_folio(virt, pages[i]);
	}
	mm_release_pages(c, pages, left);
}

void mm_tlb_flush_mmu_tlbonly(struct mm_mmu_gather *tlb)
{
	if (tlb->fullmm)
		mm_flush_tlb_mm(tlb->mm);
	else if (tlb->start < tlb->end)
		mm_flush_tlb_range(tlb->mm, tlb->start, tlb->end);
	tlb->start = UINT64_MAX;
	tlb->end = 0;
	tlb->delayed = false;
}

void mm_tlb_flush_mmu(struct mm_mmu_gather *tlb)
{
	uint32_t at = 0, nr = tlb->nr < GATHER_BUNDLE ? tlb->nr : GATHER_BUNDLE;

	mm_tlb_flush_mmu_tlbonly(tlb);
	while (at < tlb->nr) {
		free_pages_and_swap_cache(tlb->mm->virt, tlb->pages + at, nr);
		at += nr;
		nr = tlb->nr - at < MAX_GATHER_BATCH ? tlb->nr - at : MAX_GATHER_BATCH;
	}
	tlb->nr = 0;
}

void mm_tlb_finish_mmu(struct mm_mmu_gather *tlb)
{
	mm_tlb_flush_mmu(tlb);
	for (uint32_t i = 0; i < tlb->nr_batches; i++)
		mm_free_pages(tlb->mm->virt->phys, tlb->batch[i], 0);
	if (tlb->pages != tlb->local)
		free(tlb->pages);
}

static unsigned int counter_of(const struct mm_page *head)
{
	if (head->flags & MM_PG_ANON)
		return MM_ANONPAGES;
	return head->flags & MM_PG_SWAPBACKED ? MM_SHMEMPAGES : MM_FILEPAGES;
}

/* A present entry: true when the gather is full. */
static bool zap_present(struct mm_mmu_gather *tlb, struct mm_vma *vma, mm_pte_t *pte, uint64_t vaddr, unsigned int zap)
{
	struct mm_virt *virt = tlb->mm->virt;
	mm_pfn_t pfn = mm_pte_pfn(*pte), head = mm_page_head(virt->phys, pfn);
	struct mm_page *p = mm_page(virt->phys, head);
	mm_pte_t old = *pte;

	if (mm_pte_special(old)) {
		mm_ksm_might_unmap_zero_page(tlb->mm, old);
		*pte = 0;
		mm_tlb_track(tlb, vaddr, vaddr + MM_PAGE_SIZE);
		return false;
	}
	if (!(zap & ZAP_EVEN_COWS) && p->flags & MM_PG_ANON)
		return false;
	*pte = zap & ZAP_DROP_MARKER ? 0 : mm_uffd_wp_left(vma, old);
	mm_tlb_track(tlb, vaddr, vaddr + MM_PAGE_SIZE);
	if (!(p->flags & MM_PG_ANON)) {
		if (mm_pte_dirty(old)) {
			mm_folio_mark_dirty(virt->cache, head);
			tlb->delayed = true;
		}
		if (mm_pte_young(old) && mm_vma_has_recency(vma) && !vma->extra->special)
			mm_folio_mark_accessed(virt->cache, head);
	}
	tlb->mm->rss[counter_of(p)]--;
	mm_page_remove_rmap(vma, pfn, false);
	return mm_tlb_remove_page(tlb, head);
}

static void zap_pte_range(struct mm_mmu_gather *tlb, struct mm_vma *vma, mm_pte_t *pmd, uint64_t vaddr, uint64_t end,
			  unsigned int zap)
{
	mm_pte_t *pte;

	for (; (pte = mm_next_pte(tlb->mm, pmd, &vaddr, end)); vaddr += MM_PAGE_SIZE) {
		if (mm_pte_none(*pte))
			continue;
		if (mm_pte_present(*pte)) {
			if (zap_present(tlb, vma, pte, vaddr, zap))
				mm_tlb_flush_mmu(tlb);
			continue;
		}
		if (mm_is_pte_marker(*pte)) {
			if (*pte == MM_PTE_MARKER_POISONED ? zap & ZAP_EVEN_COWS : zap & ZAP_DROP_MARKER || mm_vma_is_anonymous(vma))
				*pte = 0;
			continue;
		}
		if (!(zap & ZAP_EVEN_COWS))
			continue;
		tlb->mm->rss[MM_SWAPENTS]--;
		mm_free_swap_and_cache(tlb->mm->virt->cache, (mm_swp_t)mm_swp_offset(*pte));
		*pte = 0;
	}
	if (tlb->delayed)
		mm_tlb_flush_mmu(tlb);
}

static void zap_huge_pmd(struct mm_mmu_gather *tlb, struct mm_vma *vma, mm_pte_t *pmd, uint64_t vaddr)
{
	struct mm_struct *mm = tlb->mm;
	mm_pte_t old = *pmd;
	mm_pfn_t head = mm_pte_pfn(old);

	*pmd = 0;
	mm_tlb_track(tlb, vaddr, vaddr + MM_PMD_SIZE);
	if (!mm_is_huge_zero_pmd(mm->virt, old)) {
		mm_page_remove_rmap(vma, head, true);
		mm->rss[counter_of(mm_page(mm->virt->phys, head))] -= MM_PMD_PAGES;
	}
	if (mm_vma_is_anonymous(vma)) {		/* a file's has no table set aside */
		mm_pte_table_free(mm, mm_pgtable_withdraw(mm, vaddr));
		mm_dec_nr_ptes(mm);
	}
	if (!mm_is_huge_zero_pmd(mm->virt, old) && mm_tlb_remove_page(tlb, head))
		mm_tlb_flush_mmu(tlb);
}

/* Unmap [start, end) of @vma, both page-aligned and inside it. */
static void unmap_page_range(struct mm_mmu_gather *tlb, struct mm_vma *vma, uint64_t start, uint64_t end, unsigned int zap)
{
	uint64_t next;
	mm_pte_t *pmd;

	if (vma->vm_flags & MM_VM_HUGETLB) {
		mm_hugetlb_unmap_range(tlb, vma, start, end, MM_PFN_NONE, zap & ZAP_DROP_MARKER);
		return;
	}
	for (uint64_t vaddr = start; (pmd = mm_next_pmd(tlb->mm, &vaddr, end)); vaddr = next) {
		next = mm_pmd_addr_end(vaddr, end);
		if (mm_pmd_trans_huge(*pmd)) {
			if (next - vaddr == MM_PMD_SIZE) {
				zap_huge_pmd(tlb, vma, pmd, vaddr);
				continue;
			}
			mm_split_huge_pmd(vma, pmd, vaddr);
		}
		if (!mm_pte_none(*pmd) && !(tlb->mm->virt->goes && mm_vma_is_anonymous(vma)))
			zap_pte_range(tlb, vma, pmd, vaddr, next, zap);
	}
}

static void unmap_vma(struct mm_mmu_gather *tlb, struct mm_vma *vma)
{
	unmap_page_range(tlb, vma, vma->vm_start, vma->vm_end, ZAP_EVEN_COWS | ZAP_DROP_MARKER);
}

void mm_unmap_region(struct mm_struct *mm, struct mm_vma *const *vmas, size_t nr, uint64_t floor, uint64_t ceiling)
{
	struct mm_mmu_gather tlb;

	if (mm->pgd == MM_PFN_NONE)
		return;
	mm_lru_add_drain(mm->virt->cache);
	mm_tlb_gather_mmu(&tlb, mm, false);
	mm_update_hiwater_rss(mm);
	for (size_t i = 0; i < nr; i++)
		unmap_vma(&tlb, vmas[i]);
	mm_free_pgtables(&tlb, vmas, nr, floor, ceiling);
	mm_tlb_finish_mmu(&tlb);
}

void mm_unmap_all(struct mm_struct *mm)
{
	struct mm_ma_state mas = { .tree = &mm->mm_mt };
	struct mm_mmu_gather tlb;

	if (mm->pgd == MM_PFN_NONE)
		return;
	mm_lru_add_drain(mm->virt->cache);
	mm_tlb_gather_mmu(&tlb, mm, true);
	mm_update_hiwater_rss(mm);
	for (struct mm_vma *vma = mm_mas_find(&mas, UINT64_MAX); vma; vma = mm_mas_next(&mas, UINT64_MAX))
		unmap_vma(&tlb, vma);
	mm_free_all_pgtables(&tlb);
	mm_tlb_finish_mmu(&tlb);
}

static void zap_single(struct mm_vma *vma, uint64_t start, uint64_t end, unsigned int zap)
{
	struct mm_mmu_gather tlb;

	if (vma->vm_mm->pgd == MM_PFN_NONE)
		return;
	mm_lru_add_drain(vma->vm_mm->virt->cache);
	mm_tlb_gather_mmu(&tlb, vma->vm_mm, false);
	mm_update_hiwater_rss(vma->vm_mm);
	unmap_page_range(&tlb, vma, start, end, zap);
	mm_tlb_finish_mmu(&tlb);
}

void mm_zap_page_range(struct mm_vma *vma, uint64_t start, uint64_t end)
{
	zap_single(vma, start, end, ZAP_EVEN_COWS);
}

void mm_unmap_mapping_pages(struct mm_virt *virt, struct mm_address_space *mapping, uint64_t first, uint64_t nr,
			    bool even_cows)
{
	uint64_t last = nr && first + nr > first ? first + nr - 1 : UINT64_MAX;

	(void)virt;
	for (struct mm_vma *vma = mm_vma_interval_tree_iter_first(mapping, first, last); vma;
	     vma = mm_vma_interval_tree_iter_next(vma, first, last)) {
		uint64_t vfirst = vma->vm_pgoff, vlast = vfirst + ((vma->vm_end - vma->vm_start) >> MM_PAGE_SHIFT) - 1;
		uint64_t zfirst = mm_max_u64(first, vfirst), zlast = mm_min_u64(last, vlast);

		zap_single(vma, vma->vm_start + ((zfirst - vfirst) << MM_PAGE_SHIFT),
			   vma->vm_start + ((zlast - vfirst + 1) << MM_PAGE_SHIFT), even_cows ? ZAP_EVEN_COWS : 0);
	}
}
