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
#include <string.h>

#include "base/host_memory.h"
#include "virt/hugetlb.h"
#include "virt/userfaultfd.h"
#include "virt/vma.h"

/* The VMAs that go, in order. */
struct detached {
	struct mm_vma **v, *few[16];
	size_t nr, cap;
	uint64_t locked_pages;
};

static int detach(struct detached *d, struct mm_vma *vma)
{
	if (!d->v) {
		d->v = d->few;
		d->cap = sizeof(d->few) / sizeof(d->few[0]);
	} else if (d->nr == d->cap) {
		struct mm_vma **v = mm_host_realloc(d->v == d->few ? NULL : d->v, 2 * d->cap * sizeof(struct mm_vma *));

		if (!v)
			return -ENOMEM;
		if (d->v == d->few)
			memcpy(v, d->few, sizeof(d->few));
		d->v = v;
		d->cap *= 2;
	}
	d->v[d->nr++] = vma;
	if (vma->vm_flags & MM_VM_LOCKED)
		d->locked_pages += mm_vma_pages(vma);
	return 0;
}

static void detached_free(struct detached *d)
{
	if (d->v != d->few)
		free(d->v);
}

/* The pages that were accounted for it. */
static int64_t remove_vma(struct mm_struct *mm, struct mm_vma *vma)
{
	int64_t pages = (int64_t)mm_vma_pages(vma), accounted = vma->vm_flags & MM_VM_ACCOUNT ? pages : 0;

	if (mm->virt->goes && !vma->vm_file)	/* all that hangs on it goes with the pools */
		return 0;
	mm_vm_stat_account(mm, vma->vm_flags, -pages);
	mm_vma_effect(mm, MM_EV_UNMAP, vma->vm_start, vma->vm_end);
	mm_hugetlb_vm_op_close(vma);
	mm_unlink_anon_vmas(vma);
	mm_unlink_file_vma(vma);
	mm_vm_area_free(vma);
	return accounted;
}

/* Those of [start, end), the first of which is @vma, cut to it. */
static int detach_range(struct detached *d, struct mm_struct *mm, struct mm_vma *vma, uint64_t start, uint64_t end)
{
	int e = 0;

	if (start > vma->vm_start) {
		if (end < vma->vm_end && mm_map_count_full(mm, 1))
			return -ENOMEM;
		e = mm_vma_split_unchecked(vma, start, true);
	}
	for (; !e && vma && vma->vm_start < end; vma = mm_find_vma(mm, vma->vm_end)) {
		if (vma->vm_end > end)
			e = mm_vma_split_unchecked(vma, end, false);
		if (!e)
			e = detach(d, vma);
		if (!e)
			e = mm_uffd_unmap_prep(vma, start, end);
	}
	return e;
}

int mm_do_vma_munmap(struct mm_struct *mm, struct mm_vma *vma, uint64_t start, uint64_t end)
{
	struct detached d = { .nr = 0 };
	struct mm_vma *prev, *next;
	int64_t accounted = 0;
	int e = detach_range(&d, mm, vma, start, end);

	if (!e && mm_mtree_store_range(&mm->mm_mt, start, end - 1, NULL))
		e = -ENOMEM;
	if (!e) {
		mm->locked_vm -= d.locked_pages;
		mm->map_count -= (uint32_t)d.nr;
		prev = mm_mt_prev(&mm->mm_mt, start);
		next = mm_find_vma(mm, end);
		if (mm->virt->phys)
			mm_unmap_region(mm, d.v, d.nr, prev ? prev->vm_end : 0, next ? next->vm_start : 0);
		mm_update_hiwater_vm(mm);
		for (size_t i = 0; i < d.nr; i++)
			accounted += remove_vma(mm, d.v[i]);
		mm_vm_unacct_memory(mm, accounted);
	}
	detached_free(&d);
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
	return vma && !mm->trial ? mm_do_vma_munmap(mm, vma, start, end) : 0;
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
	struct mm_vma *vma = mm_mas_find(&mas, UINT64_MAX);
	int64_t accounted = 0;

	if (vma && mm->virt->phys)
		mm_unmap_all(mm);
	for (; vma; vma = mm_mas_next(&mas, UINT64_MAX))
		accounted += remove_vma(mm, vma);
	mm_vm_unacct_memory(mm, accounted);
	mm_mt_destroy(&mm->mm_mt);
	mm->map_count = 0;
	mm->locked_vm = 0;
}
