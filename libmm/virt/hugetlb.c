/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Mappings of hugetlbfs: MAP_HUGETLB, files below its mounts, memfds made with MFD_HUGETLB.
 *
 * Such a mapping lies at multiples of its page size and is cut only there; it never joins a neighbour. What it may
 * need is promised by the pool of its size when it is mapped, or mmap ends in ENOMEM, after what lay there was unmapped;
 * with MAP_NORESERVE nothing is promised and a fault may find no page (SIGBUS). Where a recording says that it was
 * mapped, it is.
 *
 * Source: fs/hugetlbfs/inode.c hugetlb_file_setup(), hugetlbfs_file_mmap(); mm/mmap.c ksys_mmap_pgoff();
 * arch/x86/mm/hugetlbpage.c hugetlb_get_unmapped_area(); mm/hugetlb.c hugetlb_vm_op_split().
 * Left out: SHM_HUGETLB, sizes of a mount.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/host_memory.h"
#include "base/str.h"
#include "virt/hugetlb.h"
#include "virt/vma.h"

enum { PMD_LOG2 = 21, PUD_LOG2 = 30 };	/* the sizes there are; the first is the default */

int mm_hugetlb_file_init(struct mm_virt *virt, struct mm_file *file, uint64_t mask)
{
	struct mm_hugetlb_inode *hi = mm_host_calloc(1, sizeof(*hi));

	if (!hi)
		return -ENOMEM;
	hi->h = mm_hstate_of_mask(virt, mask);
	hi->next = virt->hugetlb->inodes;
	hi->prevp = &virt->hugetlb->inodes;
	if (hi->next)
		hi->next->prevp = &hi->next;
	virt->hugetlb->inodes = hi;
	file->inode->hugetlb = hi;
	file->inode->huge_mask = mask;
	return 0;
}

uint64_t mm_hugetlb_mask_of_name(struct mm_str name, struct mm_str flags)
{
	bool memfd = mm_str_starts(name, "/memfd:") && mm_has_word(flags, "MFD_HUGETLB");

	if (mm_str_starts(name, "/dev/hugepages1G/") || (memfd && mm_has_word(flags, "MFD_HUGE_1GB")))
		return (UINT64_C(1) << PUD_LOG2) - 1;
	return memfd || mm_str_starts(name, "/dev/hugepages/") ? (UINT64_C(1) << PMD_LOG2) - 1 : 0;
}

int mm_hugetlb_file_setup(struct mm_virt *virt, struct mm_mmap_args *a)
{
	uint64_t log2 = a->flags >> MM_MAP_HUGE_SHIFT & MM_MAP_HUGE_MASK, mask;

	if (!log2)
		log2 = PMD_LOG2;
	if (log2 != PMD_LOG2 && log2 != PUD_LOG2)
		return -EINVAL;
	mask = (UINT64_C(1) << log2) - 1;
	a->len = (a->len + mask) & ~mask;
	a->file = mm_file_create_unlinked(virt->inodes, MM_STR("/anon_hugepage (deleted)"), MM_INODE_HUGETLB,
					  a->len, MM_FMODE_READ | MM_FMODE_WRITE);
	if (!a->file)
		return -ENOMEM;
	if (mm_hugetlb_file_init(virt, a->file, mask)) {
		mm_inode_evict(virt->inodes, a->file);
		return -ENOMEM;
	}
	a->file->inode->hugetlb->beyond_pool = a->place;
	return 0;
}

int mm_hugetlb_file_mmap(const struct mm_file *file, uint64_t pgoff, uint64_t len, uint64_t *vm_flags)
{
	if (!file || file->inode->type != MM_INODE_HUGETLB)
		return 0;
	if ((pgoff << MM_PAGE_SHIFT) & file->inode->huge_mask)
		return -EINVAL;
	if (len + (pgoff << MM_PAGE_SHIFT) < len)
		return -EINVAL;
	*vm_flags = (*vm_flags & ~MM_VM_LOCKED_MASK) | MM_VM_HUGETLB | MM_VM_DONTEXPAND;
	return 0;
}

uint64_t mm_hugetlb_mask(const struct mm_vma *vma)
{
	if (!(vma->vm_flags & MM_VM_HUGETLB))
		return 0;
	if (vma->vm_file && vma->vm_file->inode->type == MM_INODE_HUGETLB)
		return vma->vm_file->inode->huge_mask;
	return (UINT64_C(1) << PMD_LOG2) - 1;
}
