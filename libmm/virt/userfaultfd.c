/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * userfaultfd below the pages: which ranges are registered for what, write protection of entries.
 *
 * Anonymous memory, shared memory and huge pages of a pool may be registered; minor faults of the latter two. A VMA is
 * one descriptor's at a time. What is write-protected keeps that mark in its entry, in swap too, and where a file's page
 * goes in a marker without a page. Model: Linux 6.6 fs/userfaultfd.c.
 */
#include <errno.h>

#include "base/minmax.h"
#include "virt/userfaultfd.h"
#include "virt/vma.h"

int mm_uffd_validate_range(const struct mm_struct *mm, uint64_t start, uint64_t len)
{
	if (mm_offset_in_page(start) || mm_offset_in_page(len) || !len)
		return -EINVAL;
	if (start < (uint64_t)mm_sysctl(mm->virt->ctx, MM_SYSCTL_MMAP_MIN_ADDR) || start >= mm->task_size_max ||
	    len > mm->task_size_max - start)
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

/* Every VMA of the range must be good for @mode (0: those it has), and not another's than @uffd's. */
static int check_vmas(const struct mm_struct *mm, uint64_t start, uint64_t end, uint64_t mode, const struct mm_uffd *uffd)
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
		if (mode && vma->extra->uffd && vma->extra->uffd != uffd)
			return -EBUSY;
	}
	return 0;
}

int mm_uffd_set(struct mm_vma **vmap, struct mm_vma **prev, uint64_t start, uint64_t end, uint64_t mode, struct mm_uffd *uffd)
{
	struct mm_vma *vma = *vmap;
	uint64_t had = vma->vm_flags & MM_VM_UFFD_FLAGS, flags = (vma->vm_flags & ~MM_VM_UFFD_FLAGS) | mode;
	int e;

	if (!mode && had & MM_VM_UFFD_WP && vma->vm_mm->virt->phys)
		mm_change_protection(vma, start, end, MM_CP_UFFD_WP_RESOLVE);
	e = mm_vma_modify_uffd(vmap, prev, start, end, flags, vma->extra->anon_name, uffd);
	if (e)
		return e;
	if (mm_vma_set_uffd(*vmap, uffd))
		return -ENOMEM;
	(*vmap)->vm_flags = flags;
	if (flags & MM_VM_HUGETLB && flags & (MM_VM_UFFD_WP | MM_VM_UFFD_MINOR))
		mm_hugetlb_unshare_all_pmds(*vmap);
	return 0;
}

/* @uffd NULL: they become nobody's. */
static int set_range(struct mm_struct *mm, struct mm_uffd *uffd, uint64_t start, uint64_t end, uint64_t mode)
{
	struct mm_vma *prev, *vma = mm_find_vma_prev(mm, start, &prev);

	if (vma && vma->vm_start < start)
		prev = vma;
	for (; vma && vma->vm_start < end; vma = mm_find_vma(mm, start)) {
		if (!(uffd ? vma->extra->uffd == uffd && (vma->vm_flags & mode) == mode : !vma->extra->uffd)) {
			int e;

			start = mm_max_u64(vma->vm_start, start);
			e = mm_uffd_set(&vma, &prev, start, mm_min_u64(vma->vm_end, end), mode, uffd);
			if (e)
				return e;
		}
		prev = vma;
		start = vma->vm_end;
	}
	return 0;
}

int mm_uffd_register(struct mm_struct *mm, struct mm_uffd *uffd, uint64_t start, uint64_t len, uint64_t mode)
{
	int e = mode ? mm_uffd_validate_range(mm, start, len) : -EINVAL;

	if (!e)
		e = check_vmas(mm, start, start + len, mode, uffd);
	return e ? e : set_range(mm, uffd, start, start + len, mode);
}

int mm_uffd_unregister(struct mm_struct *mm, uint64_t start, uint64_t len)
{
	int e = mm_uffd_validate_range(mm, start, len);

	if (!e)
		e = check_vmas(mm, start, start + len, 0, NULL);
	return e ? e : set_range(mm, NULL, start, start + len, 0);
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
			mm_change_protection(vma, mm_max_u64(start, vma->vm_start), mm_min_u64(end, vma->vm_end),
					     enable ? MM_CP_UFFD_WP : MM_CP_UFFD_WP_RESOLVE);
	}
	return 0;
}
