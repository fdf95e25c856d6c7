/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How much a tmpfs holds, and fallocate() on it.
 *
 * /dev/shm is mounted with size=, by default half of the machine's RAM; memfds, System V segments and shared anonymous
 * memory live on a mount of the kernel's own, which has no limit. A file counts with the pages it has in memory and on
 * the swap device. Source: Linux 6.6 mm/shmem.c shmem_inode_acct_block(), shmem_default_max_blocks(), shmem_fallocate().
 */
#include <errno.h>

#include "cache/shmem_space.h"

uint64_t mm_shmem_max_blocks(const struct mm_cache *c)
{
	int64_t size = mm_sysctl(c->ctx, MM_SYSCTL_DEV_SHM_SIZE);

	if (size < 0)
		return c->phys->totalram_pages / 2;
	return size ? ((uint64_t)size + MM_PAGE_SIZE - 1) / MM_PAGE_SIZE : UINT64_MAX;
}

bool mm_shmem_has_space(struct mm_cache *c, const struct mm_inode *inode, uint64_t pages)
{
	uint64_t max = mm_shmem_max_blocks(c), used = c->shmem_mount[MM_DEV_SHM].used_blocks;

	return inode->type != MM_INODE_TMPFS || (pages <= max && used <= max - pages);
}

/* Those that were set aside just now go again (shmem_undo_range() of what is not up to date). */
static void undo(struct mm_cache *c, struct mm_address_space *as, uint64_t start, uint64_t end)
{
	for (uint64_t i = start; i < end; i++) {
		mm_pfn_t pfn = mm_filemap_get_folio(c, as, i);

		if (pfn != MM_PFN_NONE && !(mm_cache_page(c, pfn)->flags & MM_PG_UPTODATE))
			mm_truncate_range(c, as, i, i);
	}
}

int mm_shmem_fallocate(struct mm_cache *c, struct mm_inode *inode, uint64_t offset, uint64_t len, bool keep_size, struct mm_memcg *memcg)
{
	uint64_t start = offset / MM_PAGE_SIZE, end = (offset + len + MM_PAGE_SIZE - 1) / MM_PAGE_SIZE, next;
	struct mm_shmem_user user = { .memcg = memcg };

	if (inode->type == MM_INODE_TMPFS && end - start > mm_shmem_max_blocks(c))
		return -ENOSPC;
	for (uint64_t i = start; i < end; i = next) {
		struct mm_shmem_folio page;
		int e = mm_shmem_get_folio(c, &inode->mapping, i, MM_SGP_FALLOC, &user, &page);

		if (e) {
			undo(c, &inode->mapping, start, i);
			return e;
		}
		next = mm_cache_page(c, page.pfn)->index + mm_folio_nr_pages(mm_cache_page(c, page.pfn));
		mm_folio_mark_dirty(c, page.pfn);
		mm_folio_put(c, page.pfn);
	}
	if (!keep_size && offset + len > inode->size)
		inode->size = offset + len;
	return 0;
}
