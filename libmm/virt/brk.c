/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * brk: the data segment's end.
 *
 * It grows the VMA that ends at the old break if that lies above start_brk
 * and would merge, else makes a new one; it never joins the VMA above.  The
 * break itself need not be page-aligned.  Source: mm/mmap.c brk(), do_brk_flags(),
 * vm_brk_flags().
 */
#include <errno.h>

#include "virt/khugepaged.h"
#include "virt/ksm.h"
#include "virt/pgtable.h"
#include "virt/userfaultfd.h"
#include "virt/vma.h"

static bool data_limit_ok(const struct mm_struct *mm, uint64_t brk)
{
	uint64_t limit = mm->rlimit[MM_RLIMIT_DATA];

	return limit == MM_RLIM_INFINITY || brk - mm->start_brk + (mm->end_data - mm->start_data) <= limit;
}

static int check_brk_limits(struct mm_struct *mm, uint64_t addr, uint64_t len)
{
	struct mm_unmapped_args a = { .addr = addr, .len = len, .flags = MM_MAP_FIXED };
	uint64_t at;
	int e = mm_get_unmapped_area(mm, &a, &at);

	if (e)
		return e;
	return mm_mlock_future_ok(mm, mm->def_flags, len) ? 0 : -EAGAIN;
}

/* The VMA below grows by the range.  False: it may not. */
static bool expand_below(struct mm_struct *mm, struct mm_vma *vma, uint64_t addr, uint64_t len, uint64_t flags)
{
	struct mm_vma_merge req = { .addr = addr, .end = addr + len, .vm_flags = flags,
		.pgoff = addr >> MM_PAGE_SHIFT };
	enum mm_vma_obstacle by_prev = MM_VMA_NO_NEIGHBOUR;

	if (vma && vma->vm_end == addr)
		by_prev = mm_vma_merge_after(vma, &req);
	if (!by_prev && mm_vma_expand(vma, vma->vm_start, addr + len, vma->vm_pgoff, NULL))
		by_prev = MM_VMA_NO_NEIGHBOUR;
	if (!by_prev) {
		mm_khugepaged_enter_vma(vma, flags);
		vma->vm_flags |= MM_VM_SOFTDIRTY;
	}
	mm_vma_note(mm->virt->journal, (struct mm_vma_note){
		.start = addr, .end = addr + len, .prev = (uint8_t)by_prev, .next = MM_VMA_NO_NEIGHBOUR,
		.deed = by_prev ? MM_VMA_DID_NEW : MM_VMA_DID_MERGE_PREV });
	return !by_prev;
}

static int do_brk_flags(struct mm_struct *mm, struct mm_vma *below, uint64_t addr, uint64_t len, uint64_t flags)
{
	uint64_t pages = len >> MM_PAGE_SHIFT;

	flags |= MM_VM_DATA_DEFAULT_FLAGS | MM_VM_ACCOUNT | mm->def_flags;
	if (!mm_may_expand_vm(mm, flags, pages) || mm_map_count_full(mm, 0) || mm_vm_enough_memory(mm, (int64_t)pages))
		return -ENOMEM;
	if (!expand_below(mm, below, addr, len, flags)) {
		struct mm_vma *vma = mm_vm_area_alloc(mm, addr, addr + len, flags | MM_VM_SOFTDIRTY,
						      addr >> MM_PAGE_SHIFT);

		if (!vma || mm_vma_link(mm, vma)) {
			mm_vm_area_free(vma);
			mm_vm_unacct_memory(mm, (int64_t)pages);
			return -ENOMEM;
		}
		mm_ksm_add_vma(vma);
	}
	mm->total_vm += pages;
	mm->data_vm += pages;
	if (flags & MM_VM_LOCKED)
		mm->locked_vm += pages;
	mm_vma_effect(mm, MM_EV_MAP, addr, addr + len);
	return 0;
}

static void shrink(struct mm_struct *mm, uint64_t brk, uint64_t newbrk, uint64_t oldbrk)
{
	struct mm_vma *vma = mm_find_vma_intersection(mm, newbrk, oldbrk);
	uint64_t orig = mm->brk;

	if (!vma)
		return;
	mm->brk = brk;
	if (mm_do_vma_munmap(mm, vma, newbrk, oldbrk))
		mm->brk = orig;
}

static void grow(struct mm_struct *mm, uint64_t brk, uint64_t newbrk, uint64_t oldbrk)
{
	uint64_t gap = mm_stack_guard_gap(mm);
	struct mm_vma *next, *below;

	if (check_brk_limits(mm, oldbrk, newbrk - oldbrk))
		return;
	next = mm_find_vma_intersection(mm, oldbrk, newbrk + MM_PAGE_SIZE + gap);
	if (next && newbrk + MM_PAGE_SIZE > mm_vm_start_gap(next))
		return;
	below = mm_mt_prev(&mm->mm_mt, next ? next->vm_start : oldbrk);
	if (below && below->vm_end <= mm->start_brk)
		below = NULL;
	if (do_brk_flags(mm, below, oldbrk, newbrk - oldbrk, 0))
		return;
	mm->brk = brk;
	if (mm->def_flags & MM_VM_LOCKED)
		mm_mm_populate(mm, oldbrk, newbrk - oldbrk, true);
}

uint64_t mm_sys_brk(struct mm_struct *mm, uint64_t brk)
{
	uint64_t newbrk = mm_page_align(brk), oldbrk = mm_page_align(mm->brk);

	if (brk < mm->start_brk || !data_limit_ok(mm, brk))
		return mm->brk;
	if (oldbrk == newbrk)
		mm->brk = brk;
	else if (brk <= mm->brk)
		shrink(mm, brk, newbrk, oldbrk);
	else
		grow(mm, brk, newbrk, oldbrk);
	mm_uffd_unmap_complete(mm);
	return mm->brk;
}

int mm_vm_brk_flags(struct mm_struct *mm, uint64_t addr, uint64_t request, uint64_t vm_flags)
{
	uint64_t len = mm_page_align(request);
	int e;

	if (len < request)
		return -ENOMEM;
	if (!len)
		return 0;
	e = check_brk_limits(mm, addr, len);
	if (!e)
		e = mm_do_munmap(mm, addr, len);
	if (!e)
		e = do_brk_flags(mm, mm_mt_prev(&mm->mm_mt, addr), addr, len, vm_flags);
	if (!e && (mm->def_flags & MM_VM_LOCKED))
		mm_mm_populate(mm, addr, len, true);
	return e;
}
