/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cache/shmem.c - pages of files in memory, and their way to swap and back
 *
 *   page cache --writepage--> swap cache --written, evicted--> slot only
 *       ^                         |                               |
 *       +------- get_folio -------+------- read, get_folio -------+
 *
 * While a page is in the swap cache for such a file it has no mapping; the slot in i_pages is the one user that
 * the slot counts. A page that comes back leaves the swap cache and its slot at once, dirty.
 *
 * Source: Linux 6.6 mm/shmem.c. Left out: huge pages (shmem_enabled is "never"), fallocate other than holes,
 * NUMA policies.
 */
#include "cache/shmem.h"

#include <errno.h>

#include "cache/memcg.h"

static mm_swp_t swapped_at(const struct mm_address_space *as, uint64_t index)
{
	uint64_t v = mm_xa_load(&as->i_pages, index);

	return mm_xa_is_swap(v) ? mm_xa_swap_entry(v) : 0;
}

/* shmem_add_to_page_cache() of a page that was charged when it was read */
static void add_swapped(struct mm_cache *c, struct mm_address_space *as, mm_pfn_t pfn, uint64_t index)
{
	struct mm_page *p = mm_cache_page(c, pfn);

	mm_xa_store(&as->i_pages, index, (uint64_t)pfn + 1, NULL);	/* the slot stood there: cannot fail */
	p->refs++;
	p->mapping = as->id;
	p->index = index;
	as->nrpages++;
	as->nr_swapped--;
	mm_count(c->ctx, MM_NR_FILE_PAGES, 1);
	mm_count(c->ctx, MM_NR_SHMEM, 1);
}

static int swapin_folio(struct mm_cache *c, struct mm_address_space *as, uint64_t index, mm_swp_t entry,
			enum mm_sgp_type sgp, struct mm_memcg *memcg, struct mm_shmem_folio *out)
{
	mm_pfn_t pfn = mm_swap_cache_get_folio(c, entry);

	if (pfn != MM_PFN_NONE) {
		mm_swap_ra_note_hit(c, pfn, NULL, 0);
		mm_folio_get(c, pfn);
	} else {
		out->major = true;
		pfn = mm_swap_cluster_readahead(c, entry, MM_GFP_HIGHUSER_MOVABLE, memcg);
		if (pfn == MM_PFN_NONE)
			return -ENOMEM;
	}
	if (mm_cache_page(c, pfn)->flags & MM_PG_WRITEBACK)
		mm_swap_io_finish(c);
	add_swapped(c, as, pfn, index);
	if (sgp == MM_SGP_WRITE)
		mm_folio_mark_accessed(c, pfn);
	mm_delete_from_swap_cache(c, pfn);
	mm_folio_mark_dirty(c, pfn);
	mm_swap_free(c, entry);
	out->pfn = pfn;
	out->swapped_in = entry;
	return 0;
}

static int alloc_folio(struct mm_cache *c, struct mm_address_space *as, uint64_t index, enum mm_sgp_type sgp,
		       struct mm_memcg *memcg, struct mm_shmem_folio *out)
{
	mm_pfn_t pfn = mm_alloc_pages(c->phys, MM_GFP_HIGHUSER_MOVABLE | __MM_GFP_ZERO, 0);
	int rc;

	if (pfn == MM_PFN_NONE)
		return -ENOMEM;
	mm_cache_page(c, pfn)->flags |= MM_PG_SWAPBACKED | MM_PG_UPTODATE;
	if (sgp == MM_SGP_WRITE)
		mm_cache_page(c, pfn)->flags |= MM_PG_REFERENCED;
	rc = mm_filemap_add_folio(c, as, pfn, index, memcg, MM_GFP_HIGHUSER_MOVABLE);
	if (rc) {
		mm_folio_put(c, pfn);
		return rc;
	}
	out->pfn = pfn;
	out->allocated = true;
	return 0;
}

int mm_shmem_get_folio(struct mm_cache *c, struct mm_address_space *as, uint64_t index, enum mm_sgp_type sgp,
		       struct mm_memcg *memcg, struct mm_shmem_folio *out)
{
	uint64_t size = as->host->size;
	mm_swp_t entry = swapped_at(as, index);

	*out = (struct mm_shmem_folio){ .pfn = MM_PFN_NONE };
	if (sgp <= MM_SGP_CACHE && index >= size / MM_PAGE_SIZE + (size % MM_PAGE_SIZE != 0))
		return -EINVAL;
	if (entry)
		return swapin_folio(c, as, index, entry, sgp, memcg, out);
	out->pfn = mm_filemap_get_folio(c, as, index);
	if (out->pfn == MM_PFN_NONE)
		return sgp == MM_SGP_READ ? 0 : alloc_folio(c, as, index, sgp, memcg, out);
	mm_folio_get(c, out->pfn);
	if (sgp == MM_SGP_WRITE)
		mm_folio_mark_accessed(c, out->pfn);
	return 0;
}

bool mm_shmem_writepage(struct mm_cache *c, mm_pfn_t pfn)
{
	struct mm_address_space *as = mm_folio_mapping(c, pfn);
	struct mm_page *p = mm_cache_page(c, pfn);
	mm_swp_t entry;

	if (!mm_folio_alloc_swap(c, pfn)) {
		mm_folio_mark_dirty(c, pfn);
		return false;
	}
	entry = mm_folio_swap(c, pfn);
	mm_swap_duplicate(c, entry);		/* swap_shmem_alloc() */
	as->nr_swapped++;
	mm_filemap_remove_folio(c, pfn, mm_xa_mk_swap(entry));
	p->flags &= ~(uint32_t)MM_PG_DIRTY;
	mm_swap_writepage(c, pfn);
	return true;
}

uint64_t mm_shmem_swap_usage(const struct mm_address_space *as, uint64_t first, uint64_t last)
{
	uint64_t n = 0, v;

	if (!as->nr_swapped)
		return 0;
	for (uint64_t i = first; mm_xa_find(&as->i_pages, &i, &v) && i <= last; i++) {
		n += mm_xa_is_swap(v);
		if (i == UINT64_MAX)
			break;
	}
	return n;
}

void mm_shmem_swapin_range(struct mm_cache *c, struct mm_address_space *as, uint64_t first, uint64_t last)
{
	uint64_t v;

	for (uint64_t i = first; as->nr_swapped && mm_xa_find(&as->i_pages, &i, &v) && i <= last; i++) {
		mm_pfn_t pfn;
		bool fresh;

		if (mm_xa_is_swap(v) &&
		    !mm_read_swap_cache_async(c, mm_xa_swap_entry(v), MM_GFP_HIGHUSER_MOVABLE, NULL, &pfn, &fresh))
			mm_folio_put(c, pfn);
		if (i == UINT64_MAX)
			break;
	}
	mm_lru_add_drain(c);
}

int64_t mm_shmem_read(struct mm_cache *c, struct mm_file *f, uint64_t pos, uint64_t size)
{
	struct mm_address_space *as = &f->inode->mapping;
	uint64_t begin = pos, stop = f->inode->size;
	int rc = 0;

	if (pos >= stop)
		return 0;
	stop = size > stop - pos ? stop : pos + size;
	while (pos < stop) {
		uint64_t next = (pos | (MM_PAGE_SIZE - 1)) + 1;
		struct mm_shmem_folio page;

		rc = mm_shmem_get_folio(c, as, pos >> MM_PAGE_SHIFT, MM_SGP_READ, NULL, &page);
		if (rc)
			break;
		if (page.pfn != MM_PFN_NONE) {
			if (!(pos & (MM_PAGE_SIZE - 1)))
				mm_folio_mark_accessed(c, page.pfn);
			mm_folio_put(c, page.pfn);
		}
		pos = next < stop ? next : stop;
	}
	return pos > begin ? (int64_t)(pos - begin) : rc;
}

void mm_shmem_zero_partial(struct mm_cache *c, struct mm_address_space *as, uint64_t pos)
{
	struct mm_shmem_folio page;

	if (!(pos & (MM_PAGE_SIZE - 1)) ||
	    mm_shmem_get_folio(c, as, pos >> MM_PAGE_SHIFT, MM_SGP_READ, NULL, &page) || page.pfn == MM_PFN_NONE)
		return;
	mm_folio_mark_dirty(c, page.pfn);
	mm_folio_put(c, page.pfn);
}
