/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fallocate(): room for a part of a file, a hole in it, zeroes, or a part taken out or put in.
 *
 *			tmpfs, memfd		pool of huge pages	ext4
 *	room		pages, all or none	pages, as far as	the size alone: blocks not written
 *						there are some		yet read as holes
 *	a hole		whole pages go from everybody's tables but private copies, and from the file; of a page that is
 *			cut zeroes stay		stays			is read, zeroes stay
 *	zeroes		-			-			as a hole, but nothing is written first
 *	a part out, in	-			-			what is dirty behind is written, and all pages
 *								from there on go, private copies too; the size changes
 *
 * ext4 writes what is dirty in the range of a hole first and does nothing beyond the end of the file. MADV_REMOVE is such a hole.
 * Model: Linux 6.6 fs/open.c vfs_fallocate(), mm/shmem.c shmem_fallocate(), fs/hugetlbfs/inode.c hugetlbfs_fallocate(),
 * fs/ext4/inode.c ext4_punch_hole(), fs/ext4/extents.c ext4_zero_range(), ext4_collapse_range(), ext4_insert_range(), with blocks
 * of a page. Left out: seals, and that a hole in a file on disk is not read from the disk afterwards (pgpgin).
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

/* Pages that lie in [@offset, @end) as a whole go; of what is cut zeroes stay. */
static int zero_range(struct mm_fault *f, struct mm_inode *inode, uint64_t offset, uint64_t end, struct mm_memcg *memcg)
{
	uint64_t first = (offset + MM_PAGE_SIZE - 1) >> MM_PAGE_SHIFT, stop = end >> MM_PAGE_SHIFT;
	struct mm_address_space *as = &inode->mapping;
	int e = 0;

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
			mm_block_truncate_page(f->cache, as, at, memcg);
		if (at % MM_PAGE_SIZE)
			mm_contents_zeroed(f->cache, as, at >> MM_PAGE_SHIFT);
	}
	return e;
}

int mm_punch_hole(struct mm_fault *f, struct mm_inode *inode, uint64_t offset, uint64_t len, struct mm_memcg *memcg)
{
	uint64_t end = offset + len;

	if (inode->hugetlb) {
		punch_hugetlb(f, inode, offset, len);
		return 0;
	}
	if (!mm_inode_is_shmem(inode)) {
		mm_filemap_writeback(f->cache, &inode->mapping, offset >> MM_PAGE_SHIFT, (end - 1) >> MM_PAGE_SHIFT);
		if (offset >= inode->size)
			return 0;
		if (end > inode->size)
			end = ((inode->size >> MM_PAGE_SHIFT) + 1) << MM_PAGE_SHIFT;
	}
	return zero_range(f, inode, offset, end, memcg);
}

/* All pages from byte @from on go, private copies too; what is dirty from @keep on is on disk then. */
static void drop_from(struct mm_fault *f, struct mm_inode *inode, uint64_t from, uint64_t keep)
{
	struct mm_address_space *as = &inode->mapping;

	mm_filemap_writeback(f->cache, as, from >> MM_PAGE_SHIFT, from >> MM_PAGE_SHIFT);
	mm_filemap_writeback(f->cache, as, keep >> MM_PAGE_SHIFT, UINT64_MAX);
	mm_unmap_mapping_pages(f->virt, as, from >> MM_PAGE_SHIFT, 0, true);
	mm_truncate_pages(f->cache, as, from);
}

/* [@offset, @offset + @len) is taken out; both are whole blocks. */
static int collapse_range(struct mm_fault *f, struct mm_inode *inode, uint64_t offset, uint64_t len)
{
	if (f)
		drop_from(f, inode, offset, offset + len);
	inode->size -= len;
	if (inode->blocks_end > offset)
		inode->blocks_end = inode->blocks_end > offset + len ? inode->blocks_end - len : offset;
	return f ? mm_contents_collapsed(f->cache, &inode->mapping, offset >> MM_PAGE_SHIFT, len >> MM_PAGE_SHIFT) : 0;
}

/* A hole of @len bytes is put in at @offset. */
static int insert_range(struct mm_fault *f, struct mm_inode *inode, uint64_t offset, uint64_t len)
{
	if (f)
		drop_from(f, inode, offset, offset);
	inode->size += len;
	if (inode->blocks_end > offset)
		inode->blocks_end += len;
	return f ? mm_contents_inserted(f->cache, &inode->mapping, offset >> MM_PAGE_SHIFT, len >> MM_PAGE_SHIFT) : 0;
}

/* Those that are there before pages run out stay. */
static int fill_hugetlb(struct mm_fault *f, struct mm_struct *mm, struct mm_file *file, uint64_t offset, uint64_t len, bool keep_size)
{
	struct mm_inode *inode = file->inode;
	unsigned int shift = inode->hugetlb->h->order + MM_PAGE_SHIFT;
	struct mm_vma pseudo = { .vm_mm = mm, .vm_file = file, .vm_flags = MM_VM_HUGETLB | MM_VM_MAYSHARE | MM_VM_SHARED,
				  .extra = &mm_vma_plain };

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

int mm_fallocate_check(uint64_t mode, uint64_t offset, uint64_t len)
{
	const uint64_t known = MM_FALLOC_FL_KEEP_SIZE | MM_FALLOC_FL_PUNCH_HOLE | MM_FALLOC_FL_COLLAPSE_RANGE | MM_FALLOC_FL_ZERO_RANGE |
			       MM_FALLOC_FL_INSERT_RANGE | MM_FALLOC_FL_UNSHARE_RANGE;

	if (offset > INT64_MAX || len > INT64_MAX || !len)
		return -EINVAL;
	if (mode & ~known || (mode & MM_FALLOC_FL_PUNCH_HOLE && (mode & MM_FALLOC_FL_ZERO_RANGE || !(mode & MM_FALLOC_FL_KEEP_SIZE))))
		return -EOPNOTSUPP;
	if ((mode & MM_FALLOC_FL_COLLAPSE_RANGE && mode != MM_FALLOC_FL_COLLAPSE_RANGE) ||
	    (mode & MM_FALLOC_FL_INSERT_RANGE && mode != MM_FALLOC_FL_INSERT_RANGE) ||
	    (mode & MM_FALLOC_FL_UNSHARE_RANGE && mode & ~(uint64_t)(MM_FALLOC_FL_UNSHARE_RANGE | MM_FALLOC_FL_KEEP_SIZE)))
		return -EINVAL;
	return 0;
}

int mm_fallocate_check_file(const struct mm_inode *inode, uint64_t mode, uint64_t offset, uint64_t len)
{
	bool ext4 = !inode->hugetlb && !mm_inode_is_shmem(inode), aligned = !((offset | len) & (MM_PAGE_SIZE - 1));
	uint64_t max = mm_inode_maxbytes(inode);

	if (inode->type == MM_INODE_DIR)
		return -EISDIR;
	if (inode->type == MM_INODE_CHR)
		return -ENODEV;
	if (offset + len > max)
		return -EFBIG;
	if (mode & ~(uint64_t)(MM_FALLOC_FL_KEEP_SIZE | MM_FALLOC_FL_PUNCH_HOLE) && (!ext4 || mode & MM_FALLOC_FL_UNSHARE_RANGE))
		return -EOPNOTSUPP;
	if (mode & MM_FALLOC_FL_COLLAPSE_RANGE && (!aligned || offset + len >= inode->size))
		return -EINVAL;
	if (!(mode & MM_FALLOC_FL_INSERT_RANGE))
		return 0;
	if (!aligned)
		return -EINVAL;
	if (inode->size > max || len > max - inode->size)
		return -EFBIG;
	return offset >= inode->size ? -EINVAL : 0;
}

int mm_fallocate(struct mm_fault *f, struct mm_struct *mm, struct mm_file *file, unsigned int mode, uint64_t offset, uint64_t len)
{
	struct mm_memcg *memcg = mm ? mm->memcg : NULL;
	struct mm_inode *inode = file->inode;
	bool keep = mode & MM_FALLOC_FL_KEEP_SIZE;

	if (mode & MM_FALLOC_FL_PUNCH_HOLE)
		return f ? mm_punch_hole(f, inode, offset, len, memcg) : 0;
	if (mode & MM_FALLOC_FL_COLLAPSE_RANGE)
		return collapse_range(f, inode, offset, len);
	if (mode & MM_FALLOC_FL_INSERT_RANGE)
		return insert_range(f, inode, offset, len);
	if (f && inode->hugetlb)
		return fill_hugetlb(f, mm, file, offset, len, keep);
	if (f && mm_inode_is_shmem(inode))
		return mm_shmem_fallocate(f->cache, inode, offset, len, keep, memcg);
	if (!keep && offset + len > inode->size)
		inode->size = offset + len;
	return f && mode & MM_FALLOC_FL_ZERO_RANGE ? zero_range(f, inode, offset, offset + len, memcg) : 0;
}
