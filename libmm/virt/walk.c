/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One walk of the page tables as the processor does it, recorded level by level.
 *
 * The walk stops where an entry is not present or maps a page. A virtual address has 48 bits
 * (57 with five levels); one whose upper bits are not copies of the highest of them is refused before any table is read.
 */
#include "virt/rmap.h"

void mm_walk_explain(const struct mm_struct *mm, uint64_t vaddr, struct mm_walk_record *rec)
{
	unsigned int spare = 64 - (MM_PAGE_SHIFT + 9 * mm_nr_levels(mm->virt));
	mm_pfn_t table = mm->pgd;

	*rec = (struct mm_walk_record){ .end = MM_WALK_NOT_PRESENT, .pfn = MM_PFN_NONE };
	if ((int64_t)(vaddr << spare) >> spare != (int64_t)vaddr) {
		rec->end = MM_WALK_NONCANONICAL;
		return;
	}
	for (unsigned int level = mm_nr_levels(mm->virt); level >= 1 && table != MM_PFN_NONE; level--) {
		unsigned int shift = MM_PAGE_SHIFT + 9 * (level - 1), index = (vaddr >> shift) % MM_PTRS_PER_TABLE;
		mm_pte_t e = *mm_table_entry(mm->virt, table, index);

		rec->level[rec->nr_levels++] = (struct mm_walk_level){ (uint8_t)level, (uint16_t)index, table, e };
		if (!(e & MM_PTE_P)) {
			if (!mm_pte_none(e))
				rec->end = e & MM_PTE_PROTNONE ? MM_WALK_PROTNONE : MM_WALK_SWAP;
			return;
		}
		if (level == 1 || e & MM_PTE_PSE) {
			uint64_t mask = (UINT64_C(1) << shift) - 1;

			rec->end = MM_WALK_MAPPED;
			rec->shift = (uint8_t)shift;
			rec->phys = (e & MM_PTE_PFN_MASK & ~mask) | (vaddr & mask);
			rec->pfn = (mm_pfn_t)(rec->phys >> MM_PAGE_SHIFT);
			return;
		}
		table = mm_pte_pfn(e);
	}
}
