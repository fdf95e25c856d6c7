/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Unmapping: a range, or all there is.
 *
 *	  A      B      C		the ends are split off first; what lies within
 *	|---x##|#####|##y---|		leaves the tree at once, then its pages and
 *	    |<- range ->|		page tables go, then the VMAs themselves
 *
 * Source: mm/mmap.c do_vmi_munmap(), do_vmi_align_munmap(), exit_mmap().
 */
#include <errno.h>
#include <stdlib.h>

#include "base/host_memory.h"
#include "virt/hugetlb.h"
#include "virt/userfaultfd.h"
#include "virt/vma.h"

struct detached {
	struct mm_vma *first, *last;
	size_t nr;
	uint64_t locked_pages;
};

static void detach(struct detached *d, struct mm_vma *vma)
{
	vma->detach_next = NULL;
	if (d->last)
		d->last->detach_next = vma;
	else
		d->first = vma;
	d->last = vma;
	d->nr++;
	if (vma->vm_flags & MM_VM_LOCKED)
		d->locked_pages += mm_vma_pages(vma);
}

/* Pages and page tables below the VMAs; with no pages kept there is nothing. */
static int unmap_region(struct mm_struct *mm, const struct detached *d, uint64_t start, uint64_t end,
			uint64_t floor, uint64_t ceiling, bool fullmm)
{
	struct mm_vma **v;
	size_t i = 0;

	if (!mm->virt->phys || !d->nr)
		return 0;
	v = mm_host_malloc(d->nr * sizeof(struct mm_vma *));
	if (!v)
		return -ENOMEM;
	for (struct mm_vma *vma = d->first; vma; vma = vma->detach_next)
		v[i++] = vma;
	mm_unmap_region(mm, v, d->nr, start, end, floor, ceiling, fullmm);
	free(v);
	return 0;
}

static void remove_vmas(struct mm_struct *mm, const struct detached *d)
{
	int64_t accounted = 0;
	struct mm_vma *next;

	for (struct mm_vma *vma = d->first; vma; vma = next) {
		next = vma->detach_next;
		if (mm->virt->goes && !vma->vm_file)	/* all that hangs on it goes with the pools */
			continue;
		if (vma->vm_flags & MM_VM_ACCOUNT)
			accounted += (int64_t)mm_vma_pages(vma);
		mm_vm_stat_account(mm, vma->vm_flags, -(int64_t)mm_vma_pages(vma));
		mm_vma_effect(mm, MM_EV_UNMAP, vma->vm_start, vma->vm_end);
		mm_hugetlb_vm_op_close(vma);
		mm_unlink_anon_vmas(vma);
		mm_unlink_file_vma(vma);
		mm_vm_area_free(vma);
	}
	mm_vm_unacct_memory(mm, accounted);
}

int mm_do_vma_munmap(struct mm_struct *mm, struct mm_vma *vma, uint64_t start, uint64_t end)
{
	struct detached d = { 0 };
	struct mm_vma *prev, *next;
	int e;

	if (start > vma->vm_start) {
		if (end < vma->vm_end && mm_map_count_full(mm, 1))
			return -ENOMEM;
		e = mm_vma_split_unchecked(vma, start, true);
		if (e)
			return e;
	}
	for (; vma && vma->vm_start < end; vma = mm_find_vma(mm, vma->vm_end)) {
		if (vma->vm_end > end) {
			e = mm_vma_split_unchecked(vma, end, false);
			if (e)
				return e;
		}
		detach(&d, vma);
		e = mm_uffd_unmap_prep(vma, start, end);
		if (e)
			return e;
	}
	if (mm_mtree_store_range(&mm->mm_mt, start, end - 1, NULL))
		return -ENOMEM;
	mm->locked_vm -= d.locked_pages;
	mm->map_count -= (uint32_t)d.nr;
	prev = mm_mt_prev(&mm->mm_mt, start);
	next = mm_find_vma(mm, end);
	e = unmap_region(mm, &d, start, end, prev ? prev->vm_end : 0, next ? next->vm_start : 0, false);
	mm_update_hiwater_vm(mm);
	remove_vmas(mm, &d);
	return e;
}

int mm_do_munmap(struct mm_struct *mm, uint64_t start, uint64_t len)
{
	uint64_t size = mm->task_size_max, end;
	struct mm_vma *vma;

	if (mm_offset_in_page(start) || start > size || len > size - start)
		return -EINVAL;
	end = start + mm_page_align(len);
	if (end == start)
		return -EINVAL;
	vma = mm_find_vma_intersection(mm, start, end);
	return vma ? mm_do_vma_munmap(mm, vma, start, end) : 0;
}

int mm_sys_munmap(struct mm_struct *mm, uint64_t addr, uint64_t len)
{
	int e = mm_do_munmap(mm, addr, len);

	mm_uffd_unmap_complete(mm);
	return e;
}

void mm_exit_mmap(struct mm_struct *mm)
{
	struct mm_ma_state mas = { .tree = &mm->mm_mt };
	struct detached d = { 0 };

	for (struct mm_vma *vma = mm_mas_find(&mas, UINT64_MAX); vma; vma = mm_mas_next(&mas, UINT64_MAX))
		detach(&d, vma);
	mm_mt_destroy(&mm->mm_mt);
	unmap_region(mm, &d, 0, mm->task_size_max, 0, 0, true);
	remove_vmas(mm, &d);
	mm->map_count = 0;
	mm->locked_vm = 0;
}
