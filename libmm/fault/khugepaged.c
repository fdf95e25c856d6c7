/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * khugepaged: the VMAs of one address space after another, 2M by 2M.
 *
 * Looking at 2M is 512 pages of progress, passing over a VMA one; after every attempt to make a 2M page the address
 * space's lock was dropped and the list is taken up anew. A wake ends after khugepaged.pages_to_scan of progress, at the
 * end of the list, or when there is no memory twice. It happens every khugepaged.scan_sleep_millisecs of a trace that
 * tells the time, and at every khugepaged_scan row. Looking at a file drops the
 * lock always. Model: Linux 6.6 mm/khugepaged.c.
 */
#include "cache/lru.h"
#include "fault/internal.h"
#include "fault/khugepaged.h"
#include "phys/mempolicy.h"

static enum mm_scan_result scan_file(struct mm_fault *f, struct mm_vma *vma, uint64_t vaddr)
{
	enum mm_scan_result r = mm_collapse_scan_file(f, vma->vm_mm, vma->vm_file, mm_linear_page_index(vma, vaddr), true);

	if (r == MM_SCAN_PTE_MAPPED_HUGEPAGE)
		r = mm_collapse_pte_mapped_thp(f, vma->vm_mm, vaddr, false);
	return r == MM_SCAN_PMD_MAPPED ? MM_SCAN_SUCCEED : r;
}

/* The 2M of one VMA from the cursor on; true: out of the address space for now. */
static bool scan_vma(struct mm_fault *f, struct mm_vma *vma, uint64_t pages, uint64_t *progress, enum mm_scan_result *result)
{
	struct mm_khugepaged *k = f->virt->khugepaged;
	uint64_t from = (vma->vm_start + MM_PMD_SIZE - 1) & ~(MM_PMD_SIZE - 1), to = vma->vm_end & ~(MM_PMD_SIZE - 1);

	if (!mm_hugepage_vma_check(vma, vma->vm_flags, MM_THP_ENFORCE_SYSFS) || k->address > to) {
		++*progress;
		return false;
	}
	if (k->address < from)
		k->address = from;
	while (k->address < to) {
		struct mm_collapse_control cc = { .is_khugepaged = true };

		cc.attempted = vma->vm_file;
		*result = vma->vm_file ? scan_file(f, vma, k->address) : mm_collapse_scan_pmd(f, vma, k->address, &cc);
		k->pages_collapsed += *result == MM_SCAN_SUCCEED;
		k->address += MM_PMD_SIZE;
		*progress += MM_PMD_PAGES;
		if (cc.attempted || *progress >= pages)
			return true;
	}
	return false;
}

static uint64_t khugepaged_scan_mm_slot(struct mm_fault *f, uint64_t pages, enum mm_scan_result *result)
{
	struct mm_khugepaged *k = f->virt->khugepaged;
	struct mm_khugepaged_slot *slot;
	struct mm_vma *vma = NULL;
	uint64_t progress = 1;

	*result = MM_SCAN_FAIL;
	if (!k->cursor) {
		k->cursor = k->head.next;
		k->address = 0;
	}
	slot = k->cursor;
	if (slot->mm->mm_users)
		for (vma = mm_find_vma(slot->mm, k->address); vma; vma = mm_find_vma(slot->mm, vma->vm_end))
			if (scan_vma(f, vma, pages, &progress, result))
				break;
	if (slot->mm->mm_users && vma)
		return progress;
	k->address = 0;
	if (slot->next != &k->head) {
		k->cursor = slot->next;
	} else {
		k->cursor = NULL;
		k->full_scans++;
	}
	if (!slot->mm->mm_users)
		mm_khugepaged_slot_free(k, slot);
	return progress;
}

bool mm_khugepaged_has_work(const struct mm_fault *f)
{
	const struct mm_khugepaged *k = f->virt->khugepaged;

	return k && k->head.next != &k->head && mm_sysctl(f->ctx, MM_SYSCTL_THP) != MM_THP_NEVER;
}

uint64_t mm_khugepaged_do_scan(struct mm_fault *f, uint64_t nr_pages)
{
	struct mm_khugepaged *k = f->virt->khugepaged;
	struct mm_task_faults *task = f->task;
	struct mm_task_numa *numa = f->ctx->task_numa;
	enum mm_scan_result result = MM_SCAN_SUCCEED;
	uint64_t progress = 0, before;
	unsigned int at_head = 0;
	bool waited = false;

	if (!k)
		return 0;
	before = k->pages_collapsed;
	f->task = NULL;
	mm_mpol_run_task(f->ctx, NULL);
	mm_lru_add_drain_all(f->cache);
	while (progress < nr_pages) {
		at_head += !k->cursor;
		if (!mm_khugepaged_has_work(f) || at_head == 2)
			break;
		progress += khugepaged_scan_mm_slot(f, nr_pages - progress, &result);
		if (progress < nr_pages && result == MM_SCAN_ALLOC_FAIL) {
			if (waited)
				break;
			waited = true;	/* the kernel sleeps khugepaged.alloc_sleep_millisecs here */
		}
	}
	f->task = task;
	mm_mpol_run_task(f->ctx, numa);
	return k->pages_collapsed - before;
}

static __attribute__((noinline)) void khugepaged_wakes(struct mm_fault *f)
{
	uint64_t sleep_ns = (uint64_t)mm_sysctl(f->ctx, MM_SYSCTL_KHUGEPAGED_SCAN_SLEEP) * 1000000;
	uint64_t now = f->ctx->now_ns;

	if (f->khugepaged_ns == UINT64_MAX)
		f->khugepaged_ns = now + sleep_ns;
	sleep_ns = sleep_ns ? sleep_ns : 1000000;
	for (uint64_t idle = 0; f->khugepaged_ns <= now; f->khugepaged_ns += sleep_ns) {
		const struct mm_khugepaged *k = f->virt->khugepaged;
		uint64_t scans = k->full_scans, made = mm_khugepaged_do_scan(f, (uint64_t)mm_sysctl(f->ctx, MM_SYSCTL_KHUGEPAGED_PAGES));

		idle = made ? 0 : idle + (k->full_scans != scans);
		if (idle < 3)
			continue;
		/* nothing left to do until something happens: the full scans up to now are left out */
		f->khugepaged_ns += (now - f->khugepaged_ns) / sleep_ns * sleep_ns;
	}
}

/* After every event: most often there is nothing that it could do. */
void mm_khugepaged_run(struct mm_fault *f)
{
	if (mm_khugepaged_has_work(f))
		khugepaged_wakes(f);
	else
		f->khugepaged_ns = UINT64_MAX;
}
