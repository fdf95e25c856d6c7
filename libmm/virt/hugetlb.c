/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Mappings of hugetlbfs: MAP_HUGETLB.
 *
 * Such a mapping has a file of its own, lies at multiples of its page size and is cut only there;
 * it never joins a neighbour. The pool of huge pages is empty (vm.nr_hugepages=0): what needs a
 * reservation ends in ENOMEM, after what lay there was unmapped; with MAP_NORESERVE there is a mapping whose
 * pages cannot be had (SIGBUS). Where a recording says that it was mapped, it is.
 *
 * Source: fs/hugetlbfs/inode.c hugetlb_file_setup(), hugetlbfs_file_mmap(); mm/mmap.c ksys_mmap_pgoff();
 * arch/x86/mm/hugetlbpage.c hugetlb_get_unmapped_area(); mm/hugetlb.c hugetlb_vm_op_split().
 * Left out: a pool with pages in it, hugetlbfs files, SHM_HUGETLB.
 */
#include <errno.h>

#include "virt/vma.h"

enum { PMD_LOG2 = 21, PUD_LOG2 = 30 };	/* the sizes there are; the first is the default */

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
					  a->place ? a->len : 0, MM_FMODE_READ | MM_FMODE_WRITE);
	if (!a->file)
		return -ENOMEM;
	a->file->inode->huge_mask = mask;
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
	if (!file->inode->size && !(*vm_flags & MM_VM_NORESERVE))
		return -ENOMEM;		/* hugetlb_reserve_pages(): the pool has none */
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
