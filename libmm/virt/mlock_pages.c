/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * mlock and munlock of pages that are mapped already.
 *
 * A folio is mlocked as often as VM_LOCKED VMAs map it; large folios only where a
 * 2M entry maps them. Model: Linux 6.6 mm/mlock.c mlock_pte_range().
 */
#include "cache/lru.h"
#include "virt/rmap.h"

static void one(struct mm_vma *vma, mm_pfn_t head)
{
	struct mm_cache *c = vma->vm_mm->virt->cache;

	if (vma->vm_flags & MM_VM_LOCKED)
		mm_mlock_folio(c, head);
	else
		mm_munlock_folio(c, head);
}

void mm_mlock_vma_pages_range(struct mm_vma *vma, uint64_t start, uint64_t end)
{
	struct mm_struct *mm = vma->vm_mm;
	uint64_t next;
	mm_pte_t *pmd;

	if (mm->pgd == MM_PFN_NONE)
		return;
	mm_lru_add_drain(mm->virt->cache);
	for (uint64_t vaddr = start; (pmd = mm_next_pmd(mm, &vaddr, end)); vaddr = next) {
		mm_pte_t *pte;

		next = mm_pmd_addr_end(vaddr, end);
		if (mm_pmd_trans_huge(*pmd)) {
			if (!mm_is_huge_zero_pmd(mm->virt, *pmd))
				one(vma, mm_pte_pfn(*pmd));
			continue;
		}
		for (uint64_t v = vaddr; (pte = mm_next_pte(mm, pmd, &v, next)); v += MM_PAGE_SIZE) {
			mm_pfn_t pfn = mm_pte_pfn(*pte);

			if (mm_pte_present(*pte) && !mm_pte_special(*pte) &&
			    !(mm_page(mm->virt->phys, pfn)->flags & (MM_PG_HEAD | MM_PG_TAIL)))
				one(vma, pfn);
		}
	}
	mm_lru_add_drain(mm->virt->cache);
}
