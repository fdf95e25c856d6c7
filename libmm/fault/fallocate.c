/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fallocate(): room for a part of a file, or a hole in it.
 *
 *			tmpfs, memfd		pool of huge pages	ext4
 *	room		pages, all or none	pages, as far as	the size alone: blocks not written
 *						there are some		yet read as holes
 *	a hole		whole pages go from everybody's tables but private copies, and from the file; of a page that is
 *			cut zeroes stay		stays			is read, zeroes stay
 *
 * ext4 writes what is dirty in the range first and does nothing beyond the end of the file. MADV_REMOVE is such a hole.
 * Model: Linux 6.6 fs/open.c vfs_fallocate(), mm/shmem.c shmem_fallocate(), fs/hugetlbfs/inode.c hugetlbfs_fallocate(),
 * fs/ext4/inode.c ext4_punch_hole(). Left out: ranges collapsed, inserted and zeroed (ext4), seals, and that a hole in a
 * file on disk is not read from the disk afterwards (pgpgin).
 */
#include <errno.h>

#include "cache/contents.h"
#include "cache/shmem.h"
#include "fault/fallocate.h"
#include "virt/hugetlb.h"
#include "virt/rmap.h"

static void punch_hugetlb(struct mm_fault *f, struct mm_inode *inode, uint64_t offset, uint64_t len)
{
	unsigned int order = inode->hugetlb->h->order, shift = order + MM_PAGE_SHIFT;
	uint64_t from = (offset + inode->huge_mask) >> shift, to = (offset + len) >> shift;

	if (from >= to)
		return;
	mm_unmap_mapping_pages(f->virt, &inode->mapping, from << order, (to - from) << order, false);
	mm_hugetlb_remove_pages(f->virt, inode, from, to - 1);
}

int mm_punch_hole(struct mm_fault *f, struct mm_inode *inode, uint64_t offset, uint64_t len)
{
	uint64_t end = offset + len, first = (offset + MM_PAGE_SIZE - 1) >> MM_PAGE_SHIFT, stop = end >> MM_PAGE_SHIFT;
	struct mm_address_space *as = &inode->mapping;
	int e = 0;

	if (inode->hugetlb) {
		punch_hugetlb(f, inode, offset, len);
		return 0;
	}
	if (!mm_inode_is_shmem(inode)) {
		uint64_t last_page = inode->size >> MM_PAGE_SHIFT;

		mm_filemap_writeback(f->cache, as, offset >> MM_PAGE_SHIFT, (end - 1) >> MM_PAGE_SHIFT);
		if (offset >= inode->size)
			return 0;
		if (end >= inode->size)
			end = (last_page + 1) << MM_PAGE_SHIFT;
		stop = end >> MM_PAGE_SHIFT;
	}
	if (first < stop) {
		mm_unmap_mapping_pages(f->virt, as, first, stop - first, false);
		mm_truncate_range(f->cache, as, first, stop - 1);
		e = mm_contents_punched(f->cache, as, first, stop - 1);
	}
	for (int i = 0; i < 2; i++) {
		uint64_t at = i ? end : offset;

		if (i && at >> MM_PAGE_SHIFT == offset >> MM_PAGE_SHIFT && offset & (MM_PAGE_SIZE - 1))
			break;		/* the same page */
		if (mm_inode_is_shmem(inode))
			mm_shmem_zero_partial(f->cache, as, at);
		else
			mm_block_truncate_page(f->cache, as, at, NULL);
		if (at % MM_PAGE_SIZE)
			mm_contents_zeroed(f->cache, as, at >> MM_PAGE_SHIFT);
	}
	return e;
}

/* Those that are there before pages run out stay. */
static int fill_hugetlb(struct mm_fault *f, struct mm_struct *mm, struct mm_file *file, uint64_t offset, uint64_t len, bool keep_size)
{
	struct mm_inode *inode = file->inode;
	unsigned int shift = inode->hugetlb->h->order + MM_PAGE_SHIFT;
	struct mm_vma pseudo = { .vm_mm = mm, .vm_file = file, .vm_flags = MM_VM_HUGETLB | MM_VM_MAYSHARE | MM_VM_SHARED };

	pseudo.vm_end = (offset + len + inode->huge_mask) & ~inode->huge_mask;
	for (uint64_t i = offset >> shift; i << shift < offset + len; i++) {
		mm_pfn_t head = MM_PFN_NONE;
		int e;

		if (mm_xa_load(&inode->hugetlb->pages, i))
			continue;
		e = mm_alloc_hugetlb_folio(&pseudo, i << shift, false, &head);
		if (e)
			return e;
		for (uint64_t k = 0; f->cache->contents && k < mm_huge_page_pages(inode->hugetlb->h); k++)
			f->cache->contents[head + k] = 0;
		e = mm_hugetlb_add_to_file(f->virt, inode, i, head);
		mm_page(f->phys, head)->refs--;
		if (e) {
			mm_free_huge_folio(f->virt, head);
			return e;
		}
	}
	if (!keep_size && offset + len > inode->size)
		inode->size = offset + len;
	return 0;
}

int mm_fallocate(struct mm_fault *f, struct mm_struct *mm, struct mm_file *file, unsigned int mode, uint64_t offset, uint64_t len)
{
	struct mm_inode *inode = file->inode;
	bool keep = mode & MM_FALLOC_FL_KEEP_SIZE;

	if (mode & MM_FALLOC_FL_PUNCH_HOLE)
		return f ? mm_punch_hole(f, inode, offset, len) : 0;
	if (f && inode->hugetlb)
		return fill_hugetlb(f, mm, file, offset, len, keep);
	if (f && mm_inode_is_shmem(inode))
		return mm_shmem_fallocate(f->cache, inode, offset, len, keep, mm ? mm->memcg : NULL);
	if (!keep && offset + len > inode->size)
		inode->size = offset + len;
	return 0;
}
