/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * mlock and its kin: ranges that stay in memory.
 *
 * Locking sets VM_LOCKED VMA by VMA, merging and splitting, and then brings the
 * pages in.  A hole ends it with ENOMEM; what lies before stays locked.
 * Source: mm/mlock.c, mm/gup.c __mm_populate().
 */
#include <errno.h>

#include "cache/filemap.h"
#include "virt/pgtable.h"
#include "virt/vma.h"

static int mlock_fixup(struct mm_vma *vma, struct mm_vma **prev, uint64_t start, uint64_t end, uint64_t newflags)
{
	struct mm_struct *mm = vma->vm_mm;
	uint64_t oldflags = vma->vm_flags;
	int64_t pages = (int64_t)((end - start) >> MM_PAGE_SHIFT);
	int e;

	if (mm->trial || newflags == oldflags || (oldflags & (MM_VM_SPECIAL | MM_VM_HUGETLB))) {
		*prev = vma;
		return 0;
	}
	e = mm_vma_modify(&vma, prev, start, end, newflags, vma->extra->anon_name);
	if (e)
		return e;
	if (!(newflags & MM_VM_LOCKED))
		pages = -pages;
	else if (oldflags & MM_VM_LOCKED)
		pages = 0;
	mm->locked_vm += (uint64_t)pages;
	vma->vm_flags = newflags;
	if (!((newflags & MM_VM_LOCKED) && (oldflags & MM_VM_LOCKED)) && mm->virt->phys)
		mm_mlock_vma_pages_range(vma, start, end);
	return 0;
}

static int apply_vma_lock_flags(struct mm_struct *mm, uint64_t start, uint64_t len, uint64_t flags)
{
	uint64_t end = start + len, tmp;
	struct mm_vma *vma, *prev;

	if (end < start)
		return -EINVAL;
	if (end == start)
		return 0;
	vma = mm_vma_lookup(mm, start);
	if (!vma)
		return -ENOMEM;
	prev = start > vma->vm_start ? vma : mm_mt_prev(&mm->mm_mt, vma->vm_start);
	tmp = vma->vm_start;
	for (; vma && vma->vm_start < end; vma = mm_find_vma(mm, tmp)) {
		int e;

		if (vma->vm_start != tmp)
			return -ENOMEM;
		tmp = vma->vm_end < end ? vma->vm_end : end;
		e = mlock_fixup(vma, &prev, start, tmp, (vma->vm_flags & ~MM_VM_LOCKED_MASK) | flags);
		if (e)
			return e;
		start = tmp = prev->vm_end;
	}
	return tmp < end ? -ENOMEM : 0;
}

/* Pages of [start, start + len) that are locked already. */
static uint64_t count_mm_mlocked_page_nr(const struct mm_struct *mm, uint64_t start, uint64_t len)
{
	uint64_t end = UINT64_MAX - len < start ? UINT64_MAX : start + len, bytes = 0;

	for (struct mm_vma *v = mm_find_vma(mm, start); v && v->vm_start < end; v = mm_find_vma(mm, v->vm_end)) {
		if (!(v->vm_flags & MM_VM_LOCKED))
			continue;
		if (start > v->vm_start)
			bytes -= start - v->vm_start;
		if (end < v->vm_end) {
			bytes += end - v->vm_start;
			break;
		}
		bytes += v->vm_end - v->vm_start;
	}
	return bytes >> MM_PAGE_SHIFT;
}

/* Has the range pages that cannot be brought in: without rights, or behind the end of a file? */
static bool lacks_pages(const struct mm_struct *mm, uint64_t start, uint64_t end)
{
	for (const struct mm_vma *v = mm_find_vma(mm, start); v && v->vm_start < end; v = mm_find_vma(mm, v->vm_end)) {
		uint64_t last = v->vm_end < end ? v->vm_end : end, offset = (v->vm_pgoff << MM_PAGE_SHIFT) + (last - v->vm_start);

		if (!(v->vm_flags & MM_VM_ACCESS_FLAGS) ||
		    (v->vm_file && !mm_vma_is_anonymous(v) && offset > mm_page_align(v->vm_file->inode->size)))
			return true;
	}
	return false;
}

static int do_mlock(struct mm_struct *mm, uint64_t start, uint64_t len, uint64_t flags)
{
	uint64_t limit = mm->rlimit[MM_RLIMIT_MEMLOCK] >> MM_PAGE_SHIFT, locked;
	int e;

	if (!mm->rlimit[MM_RLIMIT_MEMLOCK])
		return -EPERM;
	len = mm_page_align(len + mm_offset_in_page(start));
	start &= MM_PAGE_MASK;
	locked = (len >> MM_PAGE_SHIFT) + mm->locked_vm;
	if (locked > limit)
		locked -= count_mm_mlocked_page_nr(mm, start, len);
	if (locked > limit)
		return -ENOMEM;
	e = apply_vma_lock_flags(mm, start, len, flags);
	if (e)
		return e;
	if (mm->trial)
		return lacks_pages(mm, start, start + len) ? -ENOMEM : 0;
	e = mm_mm_populate(mm, start, len, false);
	return e == -EFAULT ? -ENOMEM : e == -ENOMEM ? -EAGAIN : e;
}

int mm_sys_mlock(struct mm_struct *mm, uint64_t start, uint64_t len, uint64_t flags)
{
	if (flags & ~(uint64_t)MM_MLOCK_ONFAULT)
		return -EINVAL;
	return do_mlock(mm, start, len, MM_VM_LOCKED | (flags ? (uint64_t)MM_VM_LOCKONFAULT : 0));
}

int mm_sys_munlock(struct mm_struct *mm, uint64_t start, uint64_t len)
{
	len = mm_page_align(len + mm_offset_in_page(start));
	return apply_vma_lock_flags(mm, start & MM_PAGE_MASK, len, 0);
}

static void apply_mlockall_flags(struct mm_struct *mm, uint64_t flags)
{
	uint64_t onfault = flags & MM_MCL_ONFAULT ? (uint64_t)MM_VM_LOCKONFAULT : 0, add = 0;
	struct mm_vma *prev = NULL;

	mm->def_flags &= ~MM_VM_LOCKED_MASK;
	if (flags & MM_MCL_FUTURE) {
		mm->def_flags |= MM_VM_LOCKED | onfault;
		if (!(flags & MM_MCL_CURRENT))
			return;
	}
	if (flags & MM_MCL_CURRENT)
		add = MM_VM_LOCKED | onfault;
	for (struct mm_vma *v = mm_find_vma(mm, 0); v; v = mm_find_vma(mm, prev->vm_end)) {
		uint64_t newflags = (v->vm_flags & ~MM_VM_LOCKED_MASK) | add;

		mlock_fixup(v, &prev, v->vm_start, v->vm_end, newflags);
	}
}

int mm_sys_mlockall(struct mm_struct *mm, uint64_t flags)
{
	uint64_t limit = mm->rlimit[MM_RLIMIT_MEMLOCK] >> MM_PAGE_SHIFT;

	if (!flags || (flags & ~(uint64_t)(MM_MCL_CURRENT | MM_MCL_FUTURE | MM_MCL_ONFAULT)) || flags == MM_MCL_ONFAULT)
		return -EINVAL;
	if (!mm->rlimit[MM_RLIMIT_MEMLOCK])
		return -EPERM;
	if ((flags & MM_MCL_CURRENT) && mm->total_vm > limit)
		return -ENOMEM;
	if (mm->trial)
		return 0;
	apply_mlockall_flags(mm, flags);
	if (flags & MM_MCL_CURRENT)
		mm_mm_populate(mm, 0, mm->task_size_max, true);
	return 0;
}

int mm_sys_munlockall(struct mm_struct *mm)
{
	apply_mlockall_flags(mm, 0);
	return 0;
}

/* The dirty pages of the file that [start, end) of a shared mapping shows go to the disk (vfs_fsync_range()). */
static void sync_vma(const struct mm_vma *vma, uint64_t start, uint64_t end)
{
	uint64_t first = ((start - vma->vm_start) >> MM_PAGE_SHIFT) + vma->vm_pgoff;
	struct mm_cache *c = vma->vm_mm->virt->cache;

	if (c && vma->vm_file && vma->vm_flags & MM_VM_SHARED)
		mm_filemap_writeback(c, &vma->vm_file->inode->mapping, first,
				     first + ((end - start) >> MM_PAGE_SHIFT) - 1);
}

/* Holes are passed over and reported at the end.  Source: Linux 6.6 mm/msync.c. */
int mm_sys_msync(struct mm_struct *mm, uint64_t start, uint64_t len, uint64_t flags)
{
	uint64_t end = start + mm_page_align(len);
	int unmapped = 0;

	if ((flags & ~(uint64_t)(MM_MS_ASYNC | MM_MS_INVALIDATE | MM_MS_SYNC)) || mm_offset_in_page(start) ||
	    ((flags & MM_MS_ASYNC) && (flags & MM_MS_SYNC)))
		return -EINVAL;
	if (end < start)
		return -ENOMEM;
	while (start < end) {
		struct mm_vma *vma = mm_find_vma(mm, start);

		if (!vma)
			return -ENOMEM;
		if (start < vma->vm_start) {
			if (flags == MM_MS_ASYNC || vma->vm_start >= end)
				return -ENOMEM;
			unmapped = -ENOMEM;
			start = vma->vm_start;
		}
		if ((flags & MM_MS_INVALIDATE) && (vma->vm_flags & MM_VM_LOCKED))
			return -EBUSY;
		if (flags & MM_MS_SYNC)
			sync_vma(vma, start, vma->vm_end < end ? vma->vm_end : end);
		start = vma->vm_end;
	}
	return unmapped;
}
