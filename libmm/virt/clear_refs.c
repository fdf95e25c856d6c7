/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * /proc/PID/clear_refs: forget that pages were used (1 all, 2 anonymous mappings, 3 files), that they were written
 * since (4, soft-dirty), or how much was ever resident (5).
 *
 * Accessed bits go without a flush, so a page whose translation a TLB still holds is not seen to be used again until it
 * leaves there. Soft-dirty is found by write faults: every entry loses RW, and VMAs lose the flag that says that all
 * of them is new. Huge-TLB mappings are passed over.
 * Model: Linux 6.6 fs/proc/task_mmu.c clear_refs_write(), clear_refs_pte_range().
 */
#include <errno.h>

#include "virt/mman.h"
#include "virt/rmap.h"
#include "virt/tlb.h"

enum { CLEAR_ALL = 1, CLEAR_ANON, CLEAR_MAPPED, CLEAR_SOFT_DIRTY, CLEAR_HIWATER_RSS };

static void clear_used(struct mm_virt *virt, mm_pte_t *entry)
{
	struct mm_page *p;

	if (!mm_pte_present(*entry) || mm_pte_special(*entry))
		return;
	*entry = mm_pte_mkold(*entry);
	p = mm_page(virt->phys, mm_page_head(virt->phys, mm_pte_pfn(*entry)));
	p->flags &= ~(uint32_t)(MM_PG_YOUNG | MM_PG_REFERENCED);
}

static void clear_soft_dirty(mm_pte_t *entry)
{
	if (mm_pte_present(*entry))
		*entry = mm_pte_wrprotect(*entry) & ~MM_PTE_SOFT_DIRTY;
	else if (mm_is_swap_pte(*entry))
		*entry &= ~MM_SWP_SOFT_DIRTY;
}

static void clear(struct mm_virt *virt, mm_pte_t *entry, int type)
{
	if (mm_pte_none(*entry))
		return;
	if (type == CLEAR_SOFT_DIRTY)
		clear_soft_dirty(entry);
	else
		clear_used(virt, entry);
}

static void clear_range(struct mm_vma *vma, int type)
{
	struct mm_struct *mm = vma->vm_mm;
	uint64_t next;
	mm_pte_t *pmd;

	for (uint64_t vaddr = vma->vm_start; (pmd = mm_next_pmd(mm, &vaddr, vma->vm_end)); vaddr = next) {
		mm_pte_t *pte;

		next = mm_pmd_addr_end(vaddr, vma->vm_end);
		if (mm_pmd_trans_huge(*pmd))
			clear(mm->virt, pmd, type);
		else
			for (uint64_t v = vaddr; (pte = mm_next_pte(mm, pmd, &v, next)); v += MM_PAGE_SIZE)
				clear(mm->virt, pte, type);
	}
}

int mm_clear_refs(struct mm_struct *mm, uint64_t type)
{
	struct mm_ma_state mas = { .tree = &mm->mm_mt };

	if (type < CLEAR_ALL || type > CLEAR_HIWATER_RSS)
		return -EINVAL;
	if (type == CLEAR_HIWATER_RSS) {
		mm->hiwater_rss = 0;
		mm_update_hiwater_rss(mm);
		return 0;
	}
	for (struct mm_vma *vma = mm_mas_find(&mas, UINT64_MAX); vma; vma = mm_mas_next(&mas, UINT64_MAX)) {
		if (type == CLEAR_SOFT_DIRTY)
			vma->vm_flags &= ~(uint64_t)MM_VM_SOFTDIRTY;
		if (mm->pgd == MM_PFN_NONE || vma->vm_flags & (MM_VM_PFNMAP | MM_VM_HUGETLB) ||
		    (type == CLEAR_ANON && vma->vm_file) || (type == CLEAR_MAPPED && !vma->vm_file))
			continue;
		clear_range(vma, (int)type);
	}
	if (type == CLEAR_SOFT_DIRTY && mm->pgd != MM_PFN_NONE)
		mm_flush_tlb_mm(mm);
	return 0;
}
