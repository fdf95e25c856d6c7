/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cache/filemap.c - the page cache: inserting, removing, reading, writing
 *
 * address_space.i_pages maps a page index to PFN + 1, or to the shadow of the
 * page that was evicted from there.  The cache holds one reference to each page.  The disk
 * is as quick as the call: a page that is added is up to date when the call
 * returns; pages of one read-ahead window are locked until all of it is there.
 *
 * Source: Linux 6.6 mm/filemap.c.
 */
#include "cache/contents.h"
#include "cache/filemap.h"

#include <errno.h>

#include "cache/fbatches.h"
#include "cache/memcg.h"
#include "cache/readahead.h"
#include "cache/shmem.h"
#include "cache/workingset.h"

mm_pfn_t mm_filemap_get_folio(const struct mm_cache *c, const struct mm_address_space *as, uint64_t index)
{
	uint64_t v = mm_xa_load(&as->i_pages, index);

	(void)c;
	return mm_xa_is_page(v) ? (mm_pfn_t)(v - 1) : MM_PFN_NONE;
}

/* Slot or slots of i_pages for @pfn; the shadow that stood there in *@shadow, which reclaim may have put there just now. */
static int add_entry(struct mm_cache *c, struct mm_address_space *as, mm_pfn_t pfn, uint64_t index, mm_gfp_t gfp, uint64_t *shadow)
{
	unsigned int order = mm_cache_page(c, pfn)->flags & MM_PG_HEAD ? mm_cache_page(c, pfn)->order : 0;
	int rc;

	if (order)
		return mm_cache_xa_store_order(c, &as->i_pages, index, order, (uint64_t)pfn + 1, gfp);
	if (mm_xa_is_whole(&as->i_pages, index)) {	/* the shadow of a huge folio */
		rc = mm_cache_xa_split(c, &as->i_pages, index & ~(uint64_t)(MM_THP_PAGES - 1), MM_THP_ORDER, 0, gfp);
		if (rc)
			return rc;
	}
	return mm_cache_xa_store(c, &as->i_pages, index, (uint64_t)pfn + 1, gfp, shadow);
}

static void count_pages(struct mm_cache *c, struct mm_address_space *as, int64_t nr)
{
	mm_mapping_add_pages(c, as, nr, 0);
	mm_count(c->ctx, MM_NR_FILE_PAGES, nr);
	if (mm_mapping_is_shmem(as))
		mm_count(c->ctx, MM_NR_SHMEM, nr);
	if (nr == MM_THP_PAGES || nr == -MM_THP_PAGES)
		mm_filemap_count_thp(c, as, nr);
}

void mm_filemap_count_thp(struct mm_cache *c, struct mm_address_space *as, int64_t nr)
{
	mm_count(c->ctx, mm_mapping_is_shmem(as) ? MM_NR_SHMEM_HUGEPAGES : MM_NR_FILE_HUGEPAGES, nr);
	as->nr_thps = nr > 0 ? as->nr_thps + 1 : as->nr_thps - 1;
}

int mm_filemap_add_folio(struct mm_cache *c, struct mm_address_space *as, mm_pfn_t pfn, uint64_t index,
			 struct mm_memcg *memcg, mm_gfp_t gfp)
{
	struct mm_page *p = mm_cache_page(c, pfn);
	uint64_t old = mm_xa_load(&as->i_pages, index), nr = mm_folio_nr_pages(p);
	int rc;

	if (old && !mm_xa_is_shadow(old))
		return -EEXIST;
	rc = mm_mem_cgroup_charge(c, pfn, memcg, gfp);
	if (rc)
		return rc;
	as->i_pages.account = true;
	c->xa_payer = memcg;
	rc = add_entry(c, as, pfn, index, gfp, &old);
	if (rc) {
		mm_mem_cgroup_uncharge(c, pfn);
		mm_mem_cgroup_uncharge_flush(c);
		return rc;
	}
	p->refs = (uint16_t)(p->refs + nr);
	p->mapping = as->id;
	p->index = index;
	count_pages(c, as, (int64_t)nr);
	for (uint64_t i = 0; c->contents && i < nr; i++)
		c->contents[pfn + i] = mm_contents_on_disk(as, index + i);
	if (mm_mapping_is_shmem(as))
		p->flags |= MM_PG_SWAPBACKED;
	if (!(gfp & __MM_GFP_WRITE) && mm_xa_is_shadow(old))
		mm_workingset_refault(c, pfn, old);
	mm_folio_add_lru(c, pfn);
	return 0;
}

void mm_filemap_remove_folio(struct mm_cache *c, mm_pfn_t pfn, uint64_t shadow)
{
	struct mm_page *p = mm_cache_page(c, pfn);
	struct mm_address_space *as = mm_folio_mapping(c, pfn);
	uint64_t nr = mm_folio_nr_pages(p);

	if (nr == 1)
		mm_xa_store(&as->i_pages, p->index, shadow, NULL);	/* the slot exists: cannot fail */
	else
		mm_xa_store_order(&as->i_pages, p->index, p->order, shadow);
	count_pages(c, as, -(int64_t)nr);
	if (p->flags & MM_PG_DIRTY)
		mm_folio_clear_dirty_for_io(c, pfn);
	p->mapping = 0;
	p->refs = (uint16_t)(p->refs - nr);
}

mm_pfn_t mm_filemap_create_folio(struct mm_cache *c, struct mm_address_space *as, uint64_t index,
				 struct mm_memcg *memcg, int *errp)
{
	mm_pfn_t pfn = mm_alloc_pages(c->phys, MM_GFP_HIGHUSER_MOVABLE, 0);
	int rc;

	if (pfn == MM_PFN_NONE) {
		*errp = -ENOMEM;
		return MM_PFN_NONE;
	}
	rc = mm_filemap_add_folio(c, as, pfn, index, memcg, MM_GFP_HIGHUSER_MOVABLE);
	if (rc) {
		mm_folio_put(c, pfn);
		*errp = rc;
		return MM_PFN_NONE;
	}
	mm_cache_page(c, pfn)->flags |= MM_PG_UPTODATE;
	if (!mm_mapping_is_shmem(as))
		mm_count(c->ctx, MM_PGPGIN, MM_PAGE_SIZE >> 10);
	mm_folio_put(c, pfn);
	return pfn;
}

/* ---- read(2) ---- */

/* Contiguous cached folios from @index to @last, at most 15, ending with one that carries a mark; each gets a reference. */
static uint32_t filemap_get_read_batch(struct mm_cache *c, const struct mm_address_space *as, uint64_t index, uint64_t last,
				       mm_pfn_t *batch)
{
	uint32_t n = 0;

	while (n < MM_PAGEVEC_SIZE && index <= last) {
		mm_pfn_t pfn = mm_filemap_get_folio(c, as, index);

		if (pfn == MM_PFN_NONE)
			break;
		mm_folio_get(c, pfn);
		batch[n++] = pfn;
		index = mm_cache_page(c, pfn)->index + mm_folio_nr_pages(mm_cache_page(c, pfn));
		if (mm_cache_page(c, pfn)->flags & (MM_PG_READAHEAD | MM_PG_LOCKED) ||
		    !(mm_cache_page(c, pfn)->flags & MM_PG_UPTODATE))
			break;
	}
	return n;
}

/* Number of pages in @batch, or -errno. */
static int filemap_get_pages(struct mm_cache *c, struct mm_file *f, uint64_t index, uint64_t end, struct mm_memcg *memcg,
			     mm_pfn_t *batch)
{
	struct mm_address_space *as = &f->inode->mapping;
	uint32_t n = filemap_get_read_batch(c, as, index, end - 1, batch);
	int rc = 0;

	if (!n) {
		mm_page_cache_sync_ra(c, f, index, end - index, memcg);
		c->read_waits++;
		n = filemap_get_read_batch(c, as, index, end - 1, batch);
	}
	if (!n) {
		mm_pfn_t pfn = mm_filemap_create_folio(c, as, index, memcg, &rc);

		if (pfn == MM_PFN_NONE)
			return rc;
		mm_folio_get(c, pfn);
		batch[0] = pfn;
		return 1;
	}
	mm_readahead_wait(c, as, index, n);
	if (mm_cache_page(c, batch[n - 1])->flags & MM_PG_READAHEAD) {
		mm_page_cache_async_ra(c, f, batch[n - 1], index + n - 1, end - (index + n - 1), memcg);
		mm_readahead_begun(c, f);
	}
	if (mm_cache_page(c, batch[n - 1])->flags & MM_PG_LOCKED)
		mm_readahead_end(c);
	mm_cache_page(c, batch[n - 1])->flags |= MM_PG_UPTODATE;	/* filemap_update_page() */
	return (int)n;
}

/* Byte @pos in units of the folio's size (pos_same_folio()). */
static int64_t folio_of_pos(const struct mm_cache *c, mm_pfn_t pfn, int64_t pos)
{
	return pos >> (MM_PAGE_SHIFT + (mm_cache_page(c, pfn)->flags & MM_PG_HEAD ? mm_cache_page(c, pfn)->order : 0));
}

int64_t mm_filemap_read(struct mm_cache *c, struct mm_file *f, uint64_t pos, uint64_t size, struct mm_memcg *memcg)
{
	uint64_t begin = pos, stop;
	int64_t last_pos = f->ra.prev_pos;
	int n = 0;

	if (mm_mapping_is_shmem(&f->inode->mapping))
		return mm_shmem_read(c, f, pos, size);
	if (pos >= f->inode->size)
		return 0;
	stop = size > f->inode->size - pos ? f->inode->size : pos + size;
	while (pos < stop) {
		uint64_t index = pos >> MM_PAGE_SHIFT;
		/* the request is not cut at the end of the file: read-ahead sees all of it */
		uint64_t left = size - (pos - begin), end = (pos + left - 1) / MM_PAGE_SIZE + 1;
		mm_pfn_t batch[MM_PAGEVEC_SIZE];

		if (pos + left < pos)
			end = (UINT64_MAX >> MM_PAGE_SHIFT) + 1;
		n = filemap_get_pages(c, f, index, end, memcg, batch);
		if (n < 0)
			break;
		if (folio_of_pos(c, batch[0], (int64_t)pos) != folio_of_pos(c, batch[0], last_pos - 1))
			mm_folio_mark_accessed(c, batch[0]);
		for (int i = 0; i < n && pos < stop; i++) {
			uint64_t next = (pos | (mm_folio_nr_pages(mm_cache_page(c, batch[i])) * MM_PAGE_SIZE - 1)) + 1;

			if (i > 0)
				mm_folio_mark_accessed(c, batch[i]);
			pos = next < stop ? next : stop;
			last_pos = (int64_t)pos;
		}
		c->copied += (uint64_t)n;
		mm_release_pages(c, batch, (size_t)n);
	}
	f->ra.prev_pos = last_pos;
	return pos > begin ? (int64_t)(pos - begin) : n < 0 ? n : 0;
}

/* ---- write(2) ---- */

/* The page to be written, with a reference; read first when only a part of old data is overwritten. */
static mm_pfn_t write_begin(struct mm_cache *c, struct mm_address_space *as, uint64_t pos, uint64_t bytes,
			    struct mm_memcg *memcg, int *errp)
{
	uint64_t index = pos >> MM_PAGE_SHIFT;
	mm_pfn_t pfn = mm_filemap_get_folio(c, as, index);
	int rc;

	if (mm_mapping_is_shmem(as)) {
		struct mm_shmem_folio page;

		rc = mm_shmem_get_folio(c, as, index, MM_SGP_WRITE, &(struct mm_shmem_user){ .memcg = memcg }, &page);
		*errp = rc ? rc : *errp;
		return rc ? MM_PFN_NONE : page.pfn;
	}
	if (pfn != MM_PFN_NONE) {
		if (mm_cache_page(c, pfn)->flags & MM_PG_LOCKED)
			mm_readahead_end(c);
		mm_folio_get(c, pfn);
		mm_cache_page(c, pfn)->flags |= MM_PG_UPTODATE;
		return pfn;
	}
	pfn = mm_alloc_pages(c->phys, MM_GFP_HIGHUSER_MOVABLE | __MM_GFP_WRITE, 0);
	if (pfn == MM_PFN_NONE) {
		*errp = -ENOMEM;
		return pfn;
	}
	rc = mm_filemap_add_folio(c, as, pfn, index, memcg, MM_GFP_HIGHUSER_MOVABLE | __MM_GFP_WRITE);
	if (rc) {
		mm_folio_put(c, pfn);
		*errp = rc;
		return MM_PFN_NONE;
	}
	if (bytes < MM_PAGE_SIZE && index << MM_PAGE_SHIFT < as->host->size)
		mm_count(c->ctx, MM_PGPGIN, MM_PAGE_SIZE >> 10);
	mm_cache_page(c, pfn)->flags |= MM_PG_UPTODATE;
	return pfn;
}

/* A write at @pos, in the page @pfn, left a gap: the ends of it that share a page with data are zeroed (ext4). */
static void zero_partial(struct mm_cache *c, struct mm_inode *inode, uint64_t old_size, uint64_t pos, mm_pfn_t pfn,
			 struct mm_memcg *memcg)
{
	uint64_t first = old_size >> MM_PAGE_SHIFT, last = (pos - 1) >> MM_PAGE_SHIFT;

	if (old_size % MM_PAGE_SIZE && (first != last || first != pos >> MM_PAGE_SHIFT))
		mm_block_truncate_page(c, &inode->mapping, old_size, memcg);
	if (pos % MM_PAGE_SIZE)
		mm_folio_mark_accessed(c, pfn);
}

int64_t mm_filemap_write(struct mm_cache *c, struct mm_file *f, uint64_t pos, uint64_t size, struct mm_memcg *memcg)
{
	struct mm_inode *inode = f->inode;
	uint64_t begin = pos, stop = pos + size, old_size;
	int err = 0;

	if (stop < pos || stop > (uint64_t)INT64_MAX)
		return -EFBIG;
	while (pos < stop) {
		uint64_t next = (pos | (MM_PAGE_SIZE - 1)) + 1;
		mm_pfn_t pfn;

		if (next > stop)
			next = stop;
		pfn = write_begin(c, &inode->mapping, pos, next - pos, memcg, &err);
		if (pfn == MM_PFN_NONE)
			break;
		mm_folio_mark_dirty(c, pfn);
		mm_contents_changed(c, &inode->mapping, pos >> MM_PAGE_SHIFT);
		old_size = inode->size;
		if (next > inode->size)
			inode->size = next;
		if (pos > old_size && !mm_mapping_is_shmem(&inode->mapping))
			zero_partial(c, inode, old_size, pos, pfn, memcg);
		if (next > inode->blocks_end)
			inode->blocks_end = next;
		mm_folio_put(c, pfn);
		c->copied++;
		pos = next;
		mm_balance_dirty_pages(c);
	}
	return pos > begin ? (int64_t)(pos - begin) : err;
}
