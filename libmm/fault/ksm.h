/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fault/ksm.h - ksmd: finding pages of the same contents, merging them, and undoing that
 *
 * Model: Linux 6.6 mm/ksm.c. What it remembers is in virt/ksm.h.
 */
#ifndef FAULT_KSM_H
#define FAULT_KSM_H

#include "fault/fault.h"
#include "virt/ksm.h"

/* ---- fault/ksm_merge.c ---- */
/* Copies for every merged page of [start, end); 0 or -ENOMEM. */
int mm_unmerge_ksm_pages(struct mm_fault *f, struct mm_vma *vma, uint64_t start, uint64_t end);
/* The page at a place that may be merged, with a reference (to its folio); MM_PFN_NONE: none. */
mm_pfn_t mm_ksm_mergeable_page(struct mm_fault *f, const struct mm_ksm_item *item);
mm_pfn_t mm_ksm_follow_page(struct mm_fault *f, const struct mm_vma *vma, uint64_t vaddr);
/*
 * @pfn, mapped where @item says, becomes a mapping of @kpfn; MM_PFN_NONE: it becomes a merged page itself; the zero
 * page: one of that. 0 or -EFAULT. The reference to @pfn's folio stays with @pfn when the folio is split.
 */
int mm_ksm_merge_one(struct mm_fault *f, struct mm_ksm_item *item, mm_pfn_t pfn, mm_pfn_t kpfn);
/* The same, and @item leaves the unstable tree and is ready for the stable one. */
int mm_ksm_merge_with(struct mm_fault *f, struct mm_ksm_item *item, mm_pfn_t pfn, mm_pfn_t kpfn);
void mm_ksm_break_cow(struct mm_fault *f, struct mm_ksm_item *item);

/* ---- fault/ksm.c ---- */
/* One wake of ksmd: at most @nr_pages, or to the end of the full scan. Pages looked at. */
uint64_t mm_ksm_do_scan(struct mm_fault *f, uint64_t nr_pages);
bool mm_ksmd_should_run(const struct mm_fault *f);
/* ksmd's wakes that fell due up to now (ctx->now_ns). */
void mm_ksmd_run(struct mm_fault *f);
/* Tunables changed. 0; -EBUSY: what cannot change while pages are merged is as it was; -ENOMEM: unmerging stopped. */
int mm_ksm_sysctl_changed(struct mm_fault *f, struct mm_sysctls *s);
int mm_ksm_enable_merge_any(struct mm_struct *mm);			/* PR_SET_MEMORY_MERGE */
int mm_ksm_disable_merge_any(struct mm_fault *f, struct mm_struct *mm);	/* @f NULL: no pages */

#endif /* FAULT_KSM_H */
