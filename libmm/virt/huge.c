/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * 2M mappings: splitting one into 512 entries.
 *
 * A split changes how the folio is mapped, not the folio: each subpage gets a PTE
 * with the rights, age and dirt of the 2M entry, and its exclusiveness; the table set
 * aside when the 2M entry was made becomes the PTE table. The huge zero page is
 * replaced by 512 mappings of the zero page. A 2M entry of a file or of shared memory has no such table: it goes, and faults
 * find the pages again.
 * Model: Linux 6.6 mm/huge_memory.c __split_huge_pmd_locked().
 */
#include "cache/filemap.h"
#include "virt/rmap.h"
#include "virt/tlb.h"

bool mm_is_huge_zero_pmd(const struct mm_virt *virt, mm_pte_t pmd)
{
	return virt->huge_zero_pfn != MM_PFN_NONE && mm_pmd_trans_huge(pmd) && mm_pte_pfn(pmd) == virt->huge_zero_pfn;
}

static void split_zero(struct mm_vma *vma, mm_pte_t *pmd, uint64_t start)
{
	struct mm_struct *mm = vma->vm_mm;
	mm_pte_t *pte, entry = mm_mk_pte(mm->virt->zero_pfn, mm_vma_page_prot(vma)) | MM_PTE_SPECIAL;

	*pmd = 0;
	mm_flush_tlb_range(mm, start, start + MM_PMD_SIZE);
	mm_pmd_populate(mm, pmd, mm_pgtable_withdraw(mm, start));
	pte = mm_pte_of(mm, pmd, start);
	for (unsigned int i = 0; i < MM_PMD_PAGES; i++)
		pte[i] = entry;
}

/* What the entry knew of its use goes to the folio. */
static void drop_file_pmd(struct mm_vma *vma, mm_pte_t *pmd, uint64_t start)
{
	struct mm_struct *mm = vma->vm_mm;
	mm_pte_t old = *pmd;
	mm_pfn_t head = mm_pte_pfn(old);
	struct mm_page *p = mm_page(mm->virt->phys, head);

	*pmd = 0;
	mm_flush_tlb_range(mm, start, start + MM_PMD_SIZE);
	if (mm_pte_dirty(old))
		mm_folio_mark_dirty(mm->virt->cache, head);
	if (mm_pte_young(old))
		p->flags |= MM_PG_REFERENCED;
	mm_page_remove_rmap(vma, head, true);
	mm->rss[p->flags & MM_PG_SWAPBACKED ? MM_SHMEMPAGES : MM_FILEPAGES] -= MM_PMD_PAGES;
	mm_folio_put(mm->virt->cache, head);
}

static mm_pte_t split_entry(const struct mm_vma *vma, mm_pte_t old, mm_pfn_t pfn)
{
	mm_pte_t e = mm_mk_pte(pfn, mm_vma_page_prot(vma));

	if (mm_pte_write(old))
		e = mm_pte_mkwrite(e);
	if (!mm_pte_young(old))
		e = mm_pte_mkold(e);
	if (mm_pte_dirty(old))
		e = mm_pte_mkdirty(e);
	return e | (old & (MM_PTE_SOFT_DIRTY | MM_PTE_UFFD_WP));
}

void mm_split_huge_pmd(struct mm_vma *vma, mm_pte_t *pmd, uint64_t vaddr)
{
	struct mm_struct *mm = vma->vm_mm;
	struct mm_phys *phys = mm->virt->phys;
	uint64_t start = vaddr & ~(MM_PMD_SIZE - 1);
	mm_pte_t old = *pmd, *pte;
	struct mm_page *page;
	mm_pfn_t head;

	if (!mm_pmd_trans_huge(old))
		return;
	mm_count(mm->virt->ctx, MM_THP_SPLIT_PMD, 1);
	if (!mm_vma_is_anonymous(vma)) {
		drop_file_pmd(vma, pmd, start);
		return;
	}
	if (mm_is_huge_zero_pmd(mm->virt, old)) {
		split_zero(vma, pmd, start);
		return;
	}
	head = mm_pte_pfn(old);
	page = mm_page(phys, head);
	*pmd = 0;
	mm_flush_tlb_range(mm, start, start + MM_PMD_SIZE);
	if (mm_pte_dirty(old))
		page->flags |= MM_PG_DIRTY;
	mm_pmd_populate(mm, pmd, mm_pgtable_withdraw(mm, start));
	pte = mm_pte_of(mm, pmd, start);
	for (unsigned int i = 0; i < MM_PMD_PAGES; i++) {
		if (page->flags & MM_PG_ANON_EXCLUSIVE)
			mm_page(phys, head + i)->flags |= MM_PG_ANON_EXCLUSIVE;
		page->refs++;		/* handed over to the mapping */
		mm_page_add_anon_rmap(vma, head + i, start + i * (uint64_t)MM_PAGE_SIZE, 0);
		pte[i] = split_entry(vma, old, head + i);
	}
	mm_page_remove_rmap(vma, head, true);
	page->refs--;			/* that of the 2M mapping */
}

static void split_if_needed(struct mm_vma *vma, uint64_t vaddr)
{
	uint64_t start = vaddr & ~(MM_PMD_SIZE - 1);
	mm_pte_t *pmd;

	if (start == vaddr || start < vma->vm_start || start + MM_PMD_SIZE > vma->vm_end)
		return;
	pmd = mm_pmd_offset(vma->vm_mm, vaddr);
	if (pmd && mm_pmd_trans_huge(*pmd))
		mm_split_huge_pmd(vma, pmd, vaddr);
}

void mm_vma_adjust_trans_huge(struct mm_vma *vma, uint64_t start, uint64_t end, struct mm_vma *next,
			      int64_t adjust_next)
{
	if (vma->vm_mm->pgd == MM_PFN_NONE)
		return;
	split_if_needed(vma, start);
	split_if_needed(vma, end);
	if (adjust_next > 0 && next)
		split_if_needed(next, next->vm_start + (uint64_t)adjust_next);
}
