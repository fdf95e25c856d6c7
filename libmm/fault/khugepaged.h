/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fault/khugepaged.h - collapsing small pages into 2M pages: khugepaged and MADV_COLLAPSE
 *
 * Model: Linux 6.6 mm/khugepaged.c.
 */
#ifndef FAULT_KHUGEPAGED_H
#define FAULT_KHUGEPAGED_H

#include "fault/fault.h"
#include "virt/khugepaged.h"

enum mm_scan_result {
	MM_SCAN_FAIL, MM_SCAN_SUCCEED, MM_SCAN_PMD_NULL, MM_SCAN_PMD_NONE, MM_SCAN_PMD_MAPPED, MM_SCAN_EXCEED_NONE_PTE,
	MM_SCAN_EXCEED_SWAP_PTE, MM_SCAN_EXCEED_SHARED_PTE, MM_SCAN_PTE_NON_PRESENT, MM_SCAN_PTE_UFFD_WP, MM_SCAN_PAGE_RO,
	MM_SCAN_LACK_REFERENCED_PAGE, MM_SCAN_PAGE_NULL, MM_SCAN_PAGE_COUNT, MM_SCAN_PAGE_LRU, MM_SCAN_PAGE_LOCK,
	MM_SCAN_PAGE_ANON, MM_SCAN_ALLOC_FAIL, MM_SCAN_CHARGE_FAIL, MM_SCAN_PTE_MAPPED_HUGEPAGE, MM_SCAN_PAGE_COMPOUND,
	MM_SCAN_TRUNCATED, MM_SCAN_DEL_PAGE_LRU, MM_SCAN_VMA_CHECK,
};

struct mm_collapse_control {
	bool is_khugepaged;		/* its limits hold (max_ptes_*), and pages must have been used */
	bool attempted;			/* out: a 2M page was asked for, so the address space's lock was dropped */
};

/* Small pages by node: where most of them lie the 2M page is to be. */
struct mm_node_load {
	uint16_t nr[MM_MAX_NODES];
};

/* One aligned 2M of an anonymous VMA (hpage_collapse_scan_pmd()). */
enum mm_scan_result mm_collapse_scan_pmd(struct mm_fault *f, struct mm_vma *vma, uint64_t start, struct mm_collapse_control *cc);

/*
 * A 2M page to collapse into, of a node with the most of the small ones, the lowest first; charged to @memcg and the caller's:
 * SUCCEED, ALLOC_FAIL or CHARGE_FAIL (alloc_charge_folio(), hpage_collapse_find_target_node()).
 */
enum mm_scan_result mm_collapse_alloc_folio(struct mm_fault *f, struct mm_memcg *memcg, bool khugepaged, const struct mm_node_load *load,
					    mm_pfn_t *head);

/*
 * One aligned 2M of a file, from page index @start (hpage_collapse_scan_file()). PTE_MAPPED_HUGEPAGE: it is one folio now, or was,
 * and mm_collapse_pte_mapped_thp() is for the address space to do. @mm: who is charged.
 */
enum mm_scan_result mm_collapse_scan_file(struct mm_fault *f, struct mm_struct *mm, struct mm_file *file, uint64_t start, bool khugepaged);
/*
 * The 2M at @start map a file's huge folio page by page: the table goes, and with @install a 2M entry comes. SUCCEED, PMD_MAPPED
 * (it is there already) or what speaks against it.
 */
enum mm_scan_result mm_collapse_pte_mapped_thp(struct mm_fault *f, struct mm_struct *mm, uint64_t start, bool install);

/* One wake of khugepaged: @nr_pages of progress, or to the end of the full scan. 2M pages made. */
uint64_t mm_khugepaged_do_scan(struct mm_fault *f, uint64_t nr_pages);
bool mm_khugepaged_has_work(const struct mm_fault *f);
/* khugepaged's wakes that fell due up to now (ctx->now_ns). */
void mm_khugepaged_run(struct mm_fault *f);

#endif /* FAULT_KHUGEPAGED_H */
