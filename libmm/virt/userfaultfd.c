/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * userfaultfd below the pages: which ranges are registered for what, write protection of entries.
 *
 * Anonymous memory, shared memory and huge pages of a pool may be registered; minor faults of the latter two. A child and
 * what mremap moved are not registered any more (events of fork and mremap are not asked for). What is write-protected
 * keeps that mark in its entry, in swap too, and where a file's page goes in a marker without a page.
 * Model: Linux 6.6 fs/userfaultfd.c. Left out: several descriptors for one address space.
 */
#include <errno.h>

#include "virt/userfaultfd.h"
#include "virt/vma.h"

int mm_uffd_validate_range(const struct mm_struct *mm, uint64_t start, uint64_t len)
{
	if (mm_offset_in_page(start) || mm_offset_in_page(len) || !len)
		return -EINVAL;
	if (start < (uint64_t)mm_sysctl(mm->virt->ctx, MM_SYSCTL_MMAP_MIN_ADDR) || start >= mm->task_size_max || len > mm->task_size_max - start)
		return -EINVAL;
	return 0;
}

static bool can_userfault(const struct mm_vma *vma, uint64_t mode)
{
	bool shmem = vma->vm_file && (vma->vm_file->inode->type == MM_INODE_MEMFD || vma->vm_file->inode->type == MM_INODE_SHM ||
				      (vma->vm_file->inode->dev_zero && vma->vm_flags & MM_VM_SHARED));

	if (mode & MM_VM_UFFD_MINOR && !(vma->vm_flags & MM_VM_HUGETLB) && !shmem)
		return false;
	return mm_vma_is_anonymous(vma) || vma->vm_flags & MM_VM_HUGETLB || shmem;
}

/* Every VMA of the range must be good for @mode (0: those it has). */
static int check_vmas(const struct mm_struct *mm, uint64_t start, uint64_t end, uint64_t mode)
{
	const struct mm_vma *vma = mm_find_vma_intersection(mm, start, end);

	if (!vma || start & mm_hugetlb_mask(vma))
		return -EINVAL;
	for (; vma && vma->vm_start < end; vma = mm_find_vma(mm, vma->vm_end)) {
		if (!can_userfault(vma, mode ? mode : vma->vm_flags))
			return -EINVAL;
		if (mode && !(vma->vm_flags & MM_VM_MAYWRITE))
			return -EPERM;
		if (mode && end <= vma->vm_end && end > vma->vm_start && end & mm_hugetlb_mask(vma))
			return -EINVAL;
	}
	return 0;
}

static int change_flags(struct mm_struct *mm, uint64_t start, uint64_t end, uint64_t mode)
{
	struct mm_vma *prev, *vma = mm_find_vma_prev(mm, start, &prev);

	if (vma && vma->vm_start < start)
		prev = vma;
	for (; vma && vma->vm_start < end; vma = mm_find_vma(mm, start)) {
		uint64_t had = vma->vm_flags & MM_VM_UFFD_FLAGS, flags = (vma->vm_flags & ~MM_VM_UFFD_FLAGS) | mode, stop;
		int e;

		if (mode ? had && (had & mode) == mode : !had) {
			prev = vma;
			start = vma->vm_end;
			continue;
		}
		start = vma->vm_start > start ? vma->vm_start : start;
		stop = vma->vm_end < end ? vma->vm_end : end;
		if (!mode && had & MM_VM_UFFD_WP && mm->virt->phys)
			mm_change_protection(vma, start, stop, MM_CP_UFFD_WP_RESOLVE);
		e = mm_vma_modify(&vma, &prev, start, stop, flags, vma->anon_name);
		if (e)
			return e;
		vma->vm_flags = flags;
		prev = vma;
		start = vma->vm_end;
	}
	return 0;
}

int mm_uffd_register(struct mm_struct *mm, uint64_t start, uint64_t len, uint64_t mode)
{
	int e = mode ? mm_uffd_validate_range(mm, start, len) : -EINVAL;

	if (!e)
		e = check_vmas(mm, start, start + len, mode);
	return e ? e : change_flags(mm, start, start + len, mode);
}

int mm_uffd_unregister(struct mm_struct *mm, uint64_t start, uint64_t len)
{
	int e = mm_uffd_validate_range(mm, start, len);

	if (!e)
		e = check_vmas(mm, start, start + len, 0);
	return e ? e : change_flags(mm, start, start + len, 0);
}

int mm_uffd_writeprotect(struct mm_struct *mm, uint64_t start, uint64_t len, bool enable)
{
	int e = mm_uffd_validate_range(mm, start, len);
	uint64_t end = start + len;
	struct mm_vma *vma;

	if (e)
		return e;
	vma = mm_find_vma_intersection(mm, start, end);
	if (!vma)
		return -ENOENT;
	for (; vma && vma->vm_start < end; vma = mm_find_vma(mm, vma->vm_end)) {
		if (!(vma->vm_flags & MM_VM_UFFD_WP))
			return -ENOENT;
		if ((start | len) & mm_hugetlb_mask(vma))
			return -EINVAL;
		if (mm->virt->phys)
			mm_change_protection(vma, start > vma->vm_start ? start : vma->vm_start, end < vma->vm_end ? end : vma->vm_end,
					     enable ? MM_CP_UFFD_WP : MM_CP_UFFD_WP_RESOLVE);
	}
	return 0;
}
