/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * virt/huge_zero.c - the huge zero page: made by the first that reads, given back when nobody needs it
 *
 * An address space that mapped it once keeps it until it goes, mapped or not; one reference more is the shrinker's, so that the page
 * outlives its users until memory is short.
 *
 * Source: Linux 6.6 mm/huge_memory.c get_huge_zero_page(), mm_get_huge_zero_page(), shrink_huge_zero_page_scan().
 */
#include "cache/cache.h"
#include "cache/deferred_split.h"
#include "virt/pgtable.h"

mm_pfn_t mm_get_huge_zero_page(struct mm_struct *mm)
{
	struct mm_virt *virt = mm->virt;

	if (virt->huge_zero_pfn == MM_PFN_NONE) {
		virt->huge_zero_pfn = mm_alloc_pages(virt->phys, (MM_GFP_TRANSHUGE | __MM_GFP_ZERO) & ~__MM_GFP_MOVABLE, MM_PMD_ORDER);
		mm_count(virt->ctx, virt->huge_zero_pfn == MM_PFN_NONE ? MM_THP_ZERO_PAGE_ALLOC_FAILED : MM_THP_ZERO_PAGE_ALLOC, 1);
		if (virt->huge_zero_pfn == MM_PFN_NONE)
			return MM_PFN_NONE;
		mm_folio_prep_transhuge(virt->phys, virt->huge_zero_pfn);
	}
	virt->huge_zero_users += !mm->huge_zero;
	mm->huge_zero = true;
	return virt->huge_zero_pfn;
}

void mm_put_huge_zero_page(struct mm_struct *mm)
{
	mm->virt->huge_zero_users -= mm->huge_zero;
	mm->huge_zero = false;
}

uint64_t mm_huge_zero_page_freeable(const struct mm_virt *virt)
{
	return virt->huge_zero_pfn != MM_PFN_NONE && !virt->huge_zero_users ? MM_PMD_PAGES : 0;
}

uint64_t mm_shrink_huge_zero_page(struct mm_virt *virt)
{
	mm_pfn_t head = virt->huge_zero_pfn;

	if (!mm_huge_zero_page_freeable(virt))
		return 0;
	virt->huge_zero_pfn = MM_PFN_NONE;
	mm_free_pages(virt->phys, head, MM_PMD_ORDER);
	return MM_PMD_PAGES;
}
