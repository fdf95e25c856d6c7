/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * mremap below the VMAs: entries move, pages stay.
 *
 * Where source and target are aligned alike whole tables move, of 1G or of 2M;
 * else the entries one by one. Model: Linux 6.6 mm/mremap.c move_page_tables().
 */
#include "virt/hugetlb.h"
#include "virt/rmap.h"
#include "virt/tlb.h"

static uint64_t extent_of(uint64_t size, uint64_t old_vaddr, uint64_t old_end, uint64_t new_vaddr)
{
	uint64_t extent = ((old_vaddr + size) & ~(size - 1)) - old_vaddr;
	uint64_t room = ((new_vaddr + size) & ~(size - 1)) - new_vaddr;

	if (extent > old_end - old_vaddr)
		extent = old_end - old_vaddr;
	return extent < room ? extent : room;
}

/* A whole table changes place; false: there is one already. */
static bool move_table(struct mm_struct *mm, uint64_t old_vaddr, mm_pte_t *from, mm_pte_t *to, uint64_t size)
{
	if (!mm_pte_none(*to))
		return false;
	*to = *from;
	*from = 0;
	mm_pmd_forget(mm->virt);
	mm_flush_tlb_range(mm, old_vaddr, old_vaddr + size);
	return true;
}

static bool move_huge_pmd(struct mm_vma *vma, uint64_t old_vaddr, uint64_t new_vaddr, mm_pte_t *from, mm_pte_t *to)
{
	struct mm_struct *mm = vma->vm_mm;

	if (!mm_pte_none(*to))
		return false;
	if (mm_vma_is_anonymous(vma) && mm_pte_pfn(*mm_entry_at(mm, old_vaddr, 3)) != mm_pte_pfn(*mm_entry_at(mm, new_vaddr, 3))) {
		mm_pgtable_deposit(mm, new_vaddr, mm_pgtable_withdraw(mm, old_vaddr));
		mm_dec_nr_ptes(mm);	/* it was counted all along */
	}
	*to = *from | MM_PTE_SOFT_DIRTY;
	*from = 0;
	mm_flush_tlb_range(mm, old_vaddr, old_vaddr + MM_PMD_SIZE);
	return true;
}

/* False: no memory for an entry. */
static bool move_ptes(struct mm_struct *mm, uint64_t old_vaddr, uint64_t new_vaddr, uint64_t extent, const mm_pte_t *old_pmd,
		      mm_pte_t *new_pmd)
{
	bool flush = false;
	mm_pte_t *from, *to;
	uint64_t v = old_vaddr;

	for (; (from = mm_next_pte(mm, old_pmd, &v, old_vaddr + extent)); v += MM_PAGE_SIZE) {
		mm_pte_t entry = *from;

		if (mm_pte_none(entry))
			continue;
		to = mm_pte_alloc_pmd(mm, new_pmd, new_vaddr + (v - old_vaddr));
		if (!to)
			break;
		flush |= mm_pte_present(entry);
		*to = entry | (mm_pte_present(entry) ? MM_PTE_SOFT_DIRTY : MM_SWP_SOFT_DIRTY);
		*mm_pte_of(mm, old_pmd, v) = 0;		/* the new one may have moved it */
	}
	if (flush)
		mm_flush_tlb_range(mm, old_vaddr, old_vaddr + extent);
	return !from;
}

/* One step of at most a PMD's reach; false: no memory for a table. */
static bool move_pmd(struct mm_vma *vma, uint64_t old_vaddr, uint64_t new_vaddr, uint64_t extent)
{
	struct mm_struct *mm = vma->vm_mm;
	mm_pte_t *from = mm_pmd_offset(mm, old_vaddr), *to;

	if (!from || mm_pte_none(*from))
		return true;
	to = mm_pmd_alloc(mm, new_vaddr);
	if (!to)
		return false;
	from = mm_pmd_offset(mm, old_vaddr);	/* the new one may have moved it */
	if (mm_pmd_trans_huge(*from)) {
		if (extent == MM_PMD_SIZE && move_huge_pmd(vma, old_vaddr, new_vaddr, from, to))
			return true;
		mm_split_huge_pmd(vma, from, old_vaddr);
	} else if (extent == MM_PMD_SIZE && move_table(mm, old_vaddr, from, to, MM_PMD_SIZE)) {
		return true;
	}
	if (mm_pte_none(*from))		/* a file's, which faults find again */
		return true;
	return mm_pte_alloc_pmd(mm, to, new_vaddr) && move_ptes(mm, old_vaddr, new_vaddr, extent, from, to);
}

uint64_t mm_move_page_tables(struct mm_vma *vma, uint64_t old_vaddr, struct mm_vma *new_vma, uint64_t new_vaddr,
			     uint64_t len)
{
	struct mm_struct *mm = vma->vm_mm;
	uint64_t done = 0, extent;

	if (mm->pgd == MM_PFN_NONE)
		return len;
	if (vma->vm_flags & MM_VM_HUGETLB)
		return mm_hugetlb_move_range(vma, old_vaddr, new_vma, new_vaddr, len);
	for (; done < len; done += extent) {
		uint64_t from = old_vaddr + done, to = new_vaddr + done, end = old_vaddr + len;
		mm_pte_t *old_pud = mm_entry_at(mm, from, 3), *new_pud;

		extent = extent_of(MM_PUD_SIZE, from, end, to);
		if (!old_pud || mm_pte_none(*old_pud))
			continue;
		new_pud = mm_entry_alloc(mm, to, 3);
		if (!new_pud)
			break;
		if (extent == MM_PUD_SIZE && move_table(mm, from, old_pud, new_pud, MM_PUD_SIZE))
			continue;
		extent = extent_of(MM_PMD_SIZE, from, end, to);
		if (!move_pmd(vma, from, to, extent))
			break;
	}
	return done < len ? done : len;
}
