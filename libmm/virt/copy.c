/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fork: which entries the child gets.
 *
 * Only VMAs with an anon_vma are copied, and where userfaultfd write-protects for the child too; pages of others are
 * found again by the child's own faults. A private page becomes shared: both entries lose RW and the
 * page its exclusiveness; the child's entry is old. Swap entries are duplicated and no longer
 * exclusive. Model: Linux 6.6 mm/memory.c copy_page_range(), mm/huge_memory.c copy_huge_pmd().
 * Left out: pinned pages (nothing pins pages here), migration entries.
 */
#include <errno.h>

#include "cache/swap.h"
#include "virt/hugetlb.h"
#include "virt/rmap.h"
#include "virt/tlb.h"

static bool is_cow_mapping(uint64_t vm_flags) { return (vm_flags & (MM_VM_SHARED | MM_VM_MAYWRITE)) == MM_VM_MAYWRITE; }

static int copy_nonpresent_pte(struct mm_vma *dst, mm_pte_t *dst_pte, mm_pte_t *src_pte)
{
	if (mm_is_pte_marker(*src_pte)) {	/* copy_pte_marker() */
		if (*src_pte == MM_PTE_MARKER_POISONED || dst->vm_flags & MM_VM_UFFD_WP)
			*dst_pte = *src_pte;
		return 0;
	}
	if (mm_swap_duplicate(dst->vm_mm->virt->cache, (mm_swp_t)mm_swp_offset(*src_pte)))
		return -ENOMEM;
	*src_pte &= ~MM_SWP_EXCLUSIVE;
	*dst_pte = dst->vm_flags & MM_VM_UFFD_WP ? *src_pte : *src_pte & ~MM_SWP_UFFD_WP;
	dst->vm_mm->rss[MM_SWAPENTS]++;
	return 0;
}

static void copy_present_pte(struct mm_vma *dst, struct mm_vma *src, mm_pte_t *dst_pte, mm_pte_t *src_pte)
{
	struct mm_phys *phys = dst->vm_mm->virt->phys;
	mm_pte_t pte = *src_pte;

	if (!mm_pte_special(pte)) {
		mm_pfn_t pfn = mm_pte_pfn(pte), head = mm_page_head(phys, pfn);
		struct mm_page *p = mm_page(phys, head);

		p->refs++;
		if (p->flags & MM_PG_ANON) {
			mm_page_dup_anon_rmap(src, pfn, false);
			dst->vm_mm->rss[MM_ANONPAGES]++;
		} else {
			mm_page_dup_file_rmap(phys, pfn);
			dst->vm_mm->rss[p->flags & MM_PG_SWAPBACKED ? MM_SHMEMPAGES : MM_FILEPAGES]++;
		}
	}
	if (is_cow_mapping(src->vm_flags) && mm_pte_write(pte))
		*src_pte = pte = mm_pte_wrprotect(pte);
	if (src->vm_flags & MM_VM_SHARED)
		pte = mm_pte_mkclean(pte);
	*dst_pte = mm_pte_mkold(pte) & ~(dst->vm_flags & MM_VM_UFFD_WP ? 0 : MM_PTE_UFFD_WP);
}

static int copy_pte_range(struct mm_vma *dst, struct mm_vma *src, mm_pte_t *dst_pmd, mm_pte_t *src_pmd, uint64_t vaddr,
			  uint64_t end)
{
	mm_pte_t *d = mm_pte_alloc_pmd(dst->vm_mm, dst_pmd, vaddr), *s;

	for (; d && (s = mm_next_pte(src->vm_mm, src_pmd, &vaddr, end)); vaddr += MM_PAGE_SIZE) {
		if (mm_pte_none(*s))
			continue;
		d = mm_pte_alloc_pmd(dst->vm_mm, dst_pmd, vaddr);
		if (!d)
			break;
		if (mm_pte_present(*s))
			copy_present_pte(dst, src, d, s);
		else if (copy_nonpresent_pte(dst, d, s))
			return -ENOMEM;
	}
	return d ? 0 : -ENOMEM;
}

static int copy_huge_pmd(struct mm_vma *dst, struct mm_vma *src, mm_pte_t *dst_pmd, mm_pte_t *src_pmd, uint64_t vaddr)
{
	struct mm_struct *mm = dst->vm_mm;
	mm_pfn_t table = mm_pte_table_alloc(mm), head = mm_pte_pfn(*src_pmd);

	if (table == MM_PFN_NONE)
		return -ENOMEM;
	if (!mm_is_huge_zero_pmd(mm->virt, *src_pmd)) {
		mm_page(mm->virt->phys, head)->refs++;
		mm_page_dup_anon_rmap(src, head, true);
		mm->rss[MM_ANONPAGES] += MM_PMD_PAGES;
	} else {
		mm_get_huge_zero_page(mm);
	}
	mm_pgtable_deposit(mm, vaddr, table);
	*src_pmd = mm_pte_wrprotect(*src_pmd);
	*dst_pmd = mm_pte_mkold(*src_pmd) & ~(dst->vm_flags & MM_VM_UFFD_WP ? 0 : MM_PTE_UFFD_WP);
	return 0;
}

int mm_copy_page_range(struct mm_vma *dst, struct mm_vma *src)
{
	struct mm_struct *from = src->vm_mm;
	uint64_t next;
	mm_pte_t *s;
	int err = 0;

	if ((!src->anon_vma && !(dst->vm_flags & MM_VM_UFFD_WP)) || from->pgd == MM_PFN_NONE)
		return 0;	/* vma_needs_copy() */
	if (src->vm_flags & MM_VM_HUGETLB)
		return mm_hugetlb_copy_range(dst, src);
	for (uint64_t vaddr = src->vm_start; !err && (s = mm_next_pmd(from, &vaddr, src->vm_end)); vaddr = next) {
		mm_pte_t *d = mm_pmd_alloc(dst->vm_mm, vaddr);

		next = mm_pmd_addr_end(vaddr, src->vm_end);
		if (!d)
			err = -ENOMEM;
		else if (mm_pmd_trans_huge(*s) && !mm_vma_is_anonymous(dst))
			continue;	/* the child finds the file's pages again */
		else if (mm_pmd_trans_huge(*s))
			err = copy_huge_pmd(dst, src, d, s, vaddr);
		else
			err = copy_pte_range(dst, src, d, s, vaddr, next);
	}
	/* The kernel flushes the parent once, after the last VMA; a flush for each finds nothing more to drop. */
	if (is_cow_mapping(src->vm_flags))
		mm_flush_tlb_range(from, src->vm_start, src->vm_end);
	return err;
}
