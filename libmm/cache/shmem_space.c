/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How much a tmpfs holds, and fallocate() on it.
 *
 * /dev/shm is mounted with size=, by default half of the machine's RAM; memfds, System V segments and shared anonymous
 * memory live on a mount of the kernel's own, which has no limit. A file counts with the pages it has in memory and on
 * the swap device. The sum is made only when all files in memory together might be too much: nothing is counted on the
 * way of a page. Source: Linux 6.6 mm/shmem.c shmem_inode_acct_block(), shmem_default_max_blocks(), shmem_fallocate().
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

uint64_t mm_shmem_used_blocks(struct mm_cache *c)
{
	uint64_t n = 0;

	for (uint32_t id = 1; id <= mm_inode_table_nr(c->inodes); id++) {
		const struct mm_address_space *as = mm_address_space_of(c->inodes, id);

		if (as && as->host->type == MM_INODE_TMPFS)
			n += as->nrpages + as->nr_swapped;
	}
	return n;
}

bool mm_shmem_has_space(struct mm_cache *c, const struct mm_inode *inode, uint64_t pages)
{
	uint64_t max, most;

	if (inode->type != MM_INODE_TMPFS)
		return true;
	max = mm_shmem_max_blocks(c);
	most = (uint64_t)c->ctx->stat.v[MM_NR_SHMEM] + mm_total_swap_pages(c) - (uint64_t)mm_nr_swap_pages(c) + pages;
	return most <= max || (pages <= max && mm_shmem_used_blocks(c) <= max - pages);
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
