/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * PMD tables that address spaces share: where all of a GiB that begins at a multiple of it lies in a shared mapping of 2M pages.
 *
 *	A: PUD entry --+-->  PMD table, one more user  --> 2M pages of the file, each mapped once
 *	B: PUD entry --'
 *
 * The first fault of B in such a GiB takes the table of another VMA of the file that has one, maps the same part of it at the
 * same place below a PUD entry, with the same flags, in an address space of its own or in B's. What either faults in, both have;
 * each counts the table in its pgtables_bytes, and HugetlbPages of status counts for who faulted. Whatever would change entries
 * of B alone takes B's PUD entry away instead: munmap, mprotect, mremap, MADV_DONTNEED, userfaultfd, a VMA cut inside of the
 * GiB; the last user changes the entries.
 * A PMD table's descriptor keeps the users beside the first in prev. Model: Linux 6.6 mm/hugetlb.c, where
 * CONFIG_HUGETLB_PMD_PAGE_TABLE_SHARING is set; fs/Kconfig of 6.6.87 lets it depend on SPLIT_PMD_PTLOCKS, which that version does not
 * have, so that nothing is shared by default.
 */
#include "cache/filemap.h"
#include "virt/hugetlb.h"
#include "virt/rmap.h"
#include "virt/tlb.h"

static uint32_t *sharers(const struct mm_virt *virt, mm_pte_t pud) { return &mm_page(virt->phys, mm_table_pfn(pud))->prev; }

static bool range_in_vma(const struct mm_vma *vma, uint64_t start, uint64_t end)
{
	return start >= vma->vm_start && end <= vma->vm_end;
}

bool mm_want_pmd_share(const struct mm_vma *vma, uint64_t vaddr)
{
	uint64_t start = vaddr & ~(MM_PUD_SIZE - 1);

	return mm_sysctl(vma->vm_mm->virt->ctx, MM_SYSCTL_HUGETLB_PMD_SHARING) &&
	       !(vma->vm_flags & (MM_VM_UFFD_WP | MM_VM_UFFD_MINOR)) && vma->vm_flags & MM_VM_MAYSHARE &&
	       range_in_vma(vma, start, start + MM_PUD_SIZE);
}

/* The PUD entry of @svma with the table that could serve @vma at @vaddr, page @idx of the file; NULL: none. */
static mm_pte_t *page_table_shareable(const struct mm_vma *svma, const struct mm_vma *vma, uint64_t vaddr, uint64_t idx)
{
	uint64_t saddr = ((idx - svma->vm_pgoff) << MM_PAGE_SHIFT) + svma->vm_start, base = saddr & ~(MM_PUD_SIZE - 1);
	mm_pte_t *pud;

	if (mm_level_index(vaddr, 2) != mm_level_index(saddr, 2) ||
	    (vma->vm_flags & ~MM_VM_LOCKED_MASK) != (svma->vm_flags & ~MM_VM_LOCKED_MASK) ||
	    !range_in_vma(svma, base, base + MM_PUD_SIZE))
		return NULL;
	pud = mm_entry_at(svma->vm_mm, saddr, 3);
	return pud && mm_pmd_is_table(*pud) ? pud : NULL;
}

void mm_huge_pmd_share(struct mm_vma *vma, uint64_t vaddr, mm_pte_t *pud)
{
	struct mm_address_space *mapping = &vma->vm_file->inode->mapping;
	uint64_t idx = mm_linear_page_index(vma, vaddr);

	for (struct mm_vma *svma = mm_vma_interval_tree_iter_first(mapping, idx, idx); svma;
	     svma = mm_vma_interval_tree_iter_next(svma, idx, idx)) {
		mm_pte_t *spud = svma != vma ? page_table_shareable(svma, vma, vaddr, idx) : NULL;

		if (!spud)
			continue;
		*pud = *spud;
		++*sharers(vma->vm_mm->virt, *pud);
		vma->vm_mm->pgtables_bytes += MM_PAGE_SIZE;
		vma->vm_mm->pmd_shared = svma->vm_mm->pmd_shared = true;
		return;
	}
}

bool mm_hugetlb_pmd_shared(const struct mm_vma *vma, uint64_t vaddr)
{
	const mm_pte_t *pud = mm_hugetlb_mask(vma) + 1 == MM_PMD_SIZE ? mm_entry_at(vma->vm_mm, vaddr, 3) : NULL;

	return pud && mm_pmd_is_table(*pud) && *sharers(vma->vm_mm->virt, *pud);
}

bool mm_huge_pmd_unshare(struct mm_vma *vma, uint64_t vaddr)
{
	struct mm_struct *mm = vma->vm_mm;
	mm_pte_t *pud;

	if (!(vma->vm_flags & MM_VM_MAYSHARE) || !mm_hugetlb_pmd_shared(vma, vaddr))
		return false;
	pud = mm_entry_at(mm, vaddr, 3);
	--*sharers(mm->virt, *pud);
	*pud = 0;
	mm_pmd_forget(mm->virt);
	mm->pgtables_bytes -= MM_PAGE_SIZE;
	return true;
}

/* Both multiples of a GiB. */
static void unshare_pmds(struct mm_vma *vma, uint64_t start, uint64_t end)
{
	bool any = false;

	if (vma->vm_mm->pgd == MM_PFN_NONE)
		return;
	for (uint64_t vaddr = start; vaddr < end; vaddr += MM_PUD_SIZE)
		any |= mm_huge_pmd_unshare(vma, vaddr);
	if (any)
		mm_flush_tlb_range(vma->vm_mm, start, end);
}

void mm_hugetlb_unshare_split(struct mm_vma *vma, uint64_t vaddr)
{
	uint64_t floor = vaddr & ~(MM_PUD_SIZE - 1);

	if (floor != vaddr && range_in_vma(vma, floor, floor + MM_PUD_SIZE))
		unshare_pmds(vma, floor, floor + MM_PUD_SIZE);
}

void mm_hugetlb_unshare_all_pmds(struct mm_vma *vma)
{
	unshare_pmds(vma, (vma->vm_start + MM_PUD_SIZE - 1) & ~(MM_PUD_SIZE - 1), vma->vm_end & ~(MM_PUD_SIZE - 1));
}

void mm_adjust_range_if_pmd_sharing_possible(const struct mm_vma *vma, uint64_t *start, uint64_t *end)
{
	uint64_t v_start = (vma->vm_start + MM_PUD_SIZE - 1) & ~(MM_PUD_SIZE - 1), v_end = vma->vm_end & ~(MM_PUD_SIZE - 1);

	if (!(vma->vm_flags & MM_VM_MAYSHARE) || v_end <= v_start || *end <= v_start || *start >= v_end)
		return;
	if (*start > v_start)
		*start &= ~(MM_PUD_SIZE - 1);
	if (*end < v_end)
		*end = (*end + MM_PUD_SIZE - 1) & ~(MM_PUD_SIZE - 1);
}
