/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cache/writeback.c - dirty pages and how they get clean; dropping what is clean
 *
 * The flusher is modelled without time: it works when a writer finds more dirty
 * pages than the background threshold, and writes file after file until there
 * are no more than that.  So writers are never throttled and periodic writeback
 * (after 30 s) does not occur.
 *
 * Source: Linux 6.6 mm/page-writeback.c (thresholds, accounting), mm/truncate.c.
 */
#include <string.h>

#include "base/minmax.h"
#include "cache/contents.h"
#include "cache/filemap.h"
#include "cache/memcg.h"
#include "cache/shmem.h"

static bool accounts_dirty(const struct mm_address_space *as)
{
	return as && !mm_mapping_is_shmem(as);
}

bool mm_folio_mark_dirty(struct mm_cache *c, mm_pfn_t pfn)
{
	struct mm_page *p = mm_cache_page(c, pfn);
	struct mm_address_space *as = p->flags & MM_PG_ANON ? NULL : mm_folio_mapping(c, pfn);

	if (as || p->flags & MM_PG_SWAPCACHE)
		p->flags &= ~(uint32_t)MM_PG_RECLAIM;
	if (p->flags & MM_PG_DIRTY)
		return false;
	p->flags |= MM_PG_DIRTY;
	if (accounts_dirty(as)) {
		as->dirty_from = as->nr_dirty++ ? mm_min_u64(as->dirty_from, p->index) : p->index;
		c->dirty_file = mm_min_u32(c->dirty_file, as->id);
		mm_count(c->ctx, MM_NR_DIRTY, 1);
		mm_count_write_pending(c->phys, pfn, 1);
		mm_count(c->ctx, MM_NR_ZONE_WRITE_PENDING, 1);
		mm_count(c->ctx, MM_NR_DIRTIED, 1);
	}
	return true;
}

void mm_folio_clear_dirty_for_io(struct mm_cache *c, mm_pfn_t pfn)
{
	struct mm_address_space *as = mm_folio_mapping(c, pfn);
	struct mm_page *p = mm_cache_page(c, pfn);

	if (!(p->flags & MM_PG_DIRTY))
		return;
	if (p->mapcount && c->rmap.folio_mkclean)
		c->rmap.folio_mkclean(c->rmap.arg, pfn);	/* the next write must be noticed again */
	p->flags &= ~(uint32_t)MM_PG_DIRTY;
	if (accounts_dirty(as)) {
		as->nr_dirty--;
		mm_count(c->ctx, MM_NR_DIRTY, -1);
		mm_count_write_pending(c->phys, pfn, -1);
		mm_count(c->ctx, MM_NR_ZONE_WRITE_PENDING, -1);
	}
}

/* False: it stays dirty. */
static bool write_page(struct mm_cache *c, mm_pfn_t pfn)
{
	struct mm_page *p = mm_cache_page(c, pfn);

	if (!mm_contents_written(c, p, pfn))
		return false;
	mm_folio_clear_dirty_for_io(c, pfn);
	mm_count(c->ctx, MM_NR_WRITTEN, 1);
	mm_count(c->ctx, MM_PGPGOUT, MM_PAGE_SIZE >> 10);
	if (p->flags & MM_PG_RECLAIM) {
		p->flags &= ~(uint32_t)MM_PG_RECLAIM;
		mm_folio_rotate_reclaimable(c, pfn);
	}
	return true;
}

static void writeback_effect(struct mm_cache *c, const struct mm_address_space *as, uint64_t nr)
{
	struct mm_event *e = nr ? mm_effect(c->ctx, MM_BY_RECLAIM, MM_EV_WRITEBACK) : NULL;

	if (!e)
		return;
	e->size = nr << MM_PAGE_SHIFT;
	e->name = (struct mm_str){ as->host->name, strlen(as->host->name) };
	e->present |= MM_TC_BIT(SIZE) | MM_TC_BIT(NAME);
}

/* At most @max pages of [@first, @last]. */
static uint64_t write_pages(struct mm_cache *c, struct mm_address_space *as, uint64_t first, uint64_t last, uint64_t max)
{
	uint64_t nr = 0, v, i = mm_max_u64(first, as->dirty_from);
	bool all = i == as->dirty_from;		/* that were found are clean now */

	for (; nr < max && as->nr_dirty && mm_xa_find(&as->i_pages, &i, &v) && i <= last; i++) {
		if (!mm_xa_is_page(v) || !(mm_cache_page(c, (mm_pfn_t)(v - 1))->flags & MM_PG_DIRTY))
			continue;
		if (write_page(c, (mm_pfn_t)(v - 1)))
			nr++;
		else
			all = false;
	}
	if (all)
		as->dirty_from = i;
	writeback_effect(c, as, nr);
	return nr;
}

uint64_t mm_filemap_writeback(struct mm_cache *c, struct mm_address_space *as, uint64_t first, uint64_t last)
{
	return accounts_dirty(as) ? write_pages(c, as, first, last, UINT64_MAX) : 0;
}

void mm_writeback_files(struct mm_cache *c, uint64_t max)
{
	uint32_t id = c->dirty_file ? c->dirty_file : 1;
	bool all = true;

	for (; max && c->ctx->stat.v[MM_NR_DIRTY] > 0 && c->inodes && id <= mm_inode_table_nr(c->inodes); id++) {
		struct mm_address_space *as = mm_address_space_of(c->inodes, id);

		if (!accounts_dirty(as) || !as->nr_dirty)
			continue;
		max -= write_pages(c, as, 0, UINT64_MAX, max);
		if (all && as->nr_dirty)
			c->dirty_file = id;
		all = all && !as->nr_dirty;
	}
	if (all)
		c->dirty_file = id;
}

static uint64_t global_dirtyable_memory(const struct mm_cache *c)
{
	uint64_t x = mm_nr_free_pages(c->phys);

	x -= mm_min_u64(x, c->phys->totalreserve_pages);
	return x + (uint64_t)c->ctx->stat.v[MM_NR_INACTIVE_FILE] + (uint64_t)c->ctx->stat.v[MM_NR_ACTIVE_FILE] + 1;
}

void mm_balance_dirty_pages(struct mm_cache *c)
{
	uint64_t avail = global_dirtyable_memory(c), nr_dirty = (uint64_t)c->ctx->stat.v[MM_NR_DIRTY];
	uint64_t thresh = avail * (uint64_t)mm_sysctl(c->ctx, MM_SYSCTL_DIRTY_RATIO) / 100;
	uint64_t background = avail * (uint64_t)mm_sysctl(c->ctx, MM_SYSCTL_DIRTY_BACKGROUND_RATIO) / 100;

	if (background >= thresh)
		background = thresh / 2;
	c->ctx->stat.v[MM_NR_DIRTY_THRESHOLD] = (int64_t)thresh;
	c->ctx->stat.v[MM_NR_DIRTY_BACKGROUND_THRESHOLD] = (int64_t)background;
	if (nr_dirty > background)
		mm_writeback_files(c, nr_dirty - background);
}

/* Nobody but the cache (and the caller of this) may hold it. */
static bool mapping_evict_folio(struct mm_cache *c, mm_pfn_t pfn)
{
	struct mm_page *p = mm_cache_page(c, pfn);

	if ((p->flags & (MM_PG_DIRTY | MM_PG_WRITEBACK)) || mm_page_ref_count(p) > 1 + (int64_t)mm_folio_nr_pages(p))
		return false;
	mm_filemap_remove_folio(c, pfn, 0);
	return true;
}

/*
 * Up to 15 cached folios from *@index on, each with a reference; *@index moves behind the last. Those that reach out of
 * [*@index, @last] are passed over.
 */
static size_t find_lock_entries(struct mm_cache *c, const struct mm_address_space *as, uint64_t *index, uint64_t last,
				mm_pfn_t *batch)
{
	size_t n = 0;
	uint64_t v;

	while (n < MM_PAGEVEC_SIZE && *index <= last && mm_xa_find(&as->i_pages, index, &v) && *index <= last) {
		const struct mm_page *p = mm_xa_is_page(v) ? mm_cache_page(c, (mm_pfn_t)(v - 1)) : NULL;
		uint64_t end = p ? p->index + mm_folio_nr_pages(p) - 1 : *index;

		if (p && p->index == *index && end <= last) {
			batch[n++] = (mm_pfn_t)(v - 1);
			mm_folio_get(c, (mm_pfn_t)(v - 1));
		}
		*index = end;
		if ((*index)++ == UINT64_MAX) {
			*index = UINT64_MAX;
			break;
		}
	}
	return n;
}

/* No more shadow at @index, nor the rest of one of a huge folio. */
static void erase_shadow(struct mm_address_space *as, uint64_t index)
{
	if (mm_xa_is_whole(&as->i_pages, index))
		mm_xa_store_order(&as->i_pages, index & ~(uint64_t)(MM_THP_PAGES - 1), MM_THP_ORDER, 0);
	else
		mm_xa_store(&as->i_pages, index, 0, NULL);
}

uint64_t mm_invalidate_mapping_pages(struct mm_cache *c, struct mm_address_space *as, uint64_t first, uint64_t last)
{
	mm_pfn_t batch[MM_PAGEVEC_SIZE];
	uint64_t dropped = 0, v;
	size_t n;

	for (uint64_t i = first; mm_xa_find(&as->i_pages, &i, &v) && i <= last; i++) {
		if (mm_xa_is_shadow(v))
			erase_shadow(as, i);
		if (i == UINT64_MAX)
			break;
	}
	while ((n = find_lock_entries(c, as, &first, last, batch)) > 0) {
		for (size_t i = 0; i < n; i++) {
			if (mapping_evict_folio(c, batch[i]))
				dropped++;
			else
				mm_deactivate_file_folio(c, batch[i]);
		}
		mm_release_pages(c, batch, n);
		if (first == UINT64_MAX)
			break;
	}
	return dropped;
}

/* What lies in [@first, @last] as a whole. */
static void truncate_folios(struct mm_cache *c, struct mm_address_space *as, uint64_t first, uint64_t last)
{
	uint64_t i = first, v;
	mm_pfn_t batch[MM_PAGEVEC_SIZE];
	size_t n;

	while ((n = find_lock_entries(c, as, &i, last, batch)) > 0) {
		for (size_t k = 0; k < n; k++) {
			mm_cache_page(c, batch[k])->flags &= ~(uint32_t)MM_PG_WRITEBACK;
			mm_filemap_remove_folio(c, batch[k], 0);
		}
		mm_release_pages(c, batch, n);
		if (i == UINT64_MAX)
			break;
	}
	for (i = first; mm_xa_find(&as->i_pages, &i, &v) && i <= last && i != UINT64_MAX; i++) {	/* shadows and slots */
		if (mm_xa_is_shadow(v))
			erase_shadow(as, i);
		if (!mm_xa_is_swap(v))
			continue;
		mm_xa_store(&as->i_pages, i, 0, NULL);
		mm_mapping_add_pages(c, as, 0, -1);
		mm_free_swap_and_cache(c, mm_xa_swap_entry(v));
	}
}

/*
 * The huge folio at @index, which a truncation of [@first, @last] cuts, is split, so that its pages can go one by
 * one; what cannot be split stays if it is dirty, with zeroes in the place of what went (truncate_inode_partial_folio()).
 */
static void truncate_partial_folio(struct mm_cache *c, struct mm_address_space *as, uint64_t index, uint64_t first, uint64_t last)
{
	mm_pfn_t head = mm_filemap_get_folio(c, as, index);
	struct mm_page *p;
	uint64_t from, to;

	if (head == MM_PFN_NONE || !(mm_cache_page(c, head)->flags & MM_PG_HEAD))
		return;
	p = mm_cache_page(c, head);
	from = p->index > first ? p->index : first;
	to = p->index + MM_THP_PAGES - 1 < last ? p->index + MM_THP_PAGES - 1 : last;
	for (uint64_t i = from; c->contents && i <= to; i++)
		c->contents[mm_folio_file_page(c, head, i)] = 0;
	mm_folio_get(c, head);
	if (mm_mapping_is_shmem(as))
		mm_folio_mark_dirty(c, head);
	if ((!c->rmap.split_folio || c->rmap.split_folio(c->rmap.arg, head)) && !(p->flags & MM_PG_DIRTY) && !p->mapcount)
		mm_filemap_remove_folio(c, head, 0);
	mm_folio_put(c, head);
}

void mm_truncate_range(struct mm_cache *c, struct mm_address_space *as, uint64_t first, uint64_t last)
{
	truncate_folios(c, as, first, last);
	if (!as->nr_thps)
		return;
	truncate_partial_folio(c, as, first, first, last);
	truncate_partial_folio(c, as, last, first, last);
	truncate_folios(c, as, first, last);
}

void mm_truncate_pages(struct mm_cache *c, struct mm_address_space *as, uint64_t new_size)
{
	uint64_t first = (new_size >> MM_PAGE_SHIFT) + ((new_size & (MM_PAGE_SIZE - 1)) != 0);

	mm_truncate_range(c, as, first, UINT64_MAX);
	if (as->nr_thps)		/* of which the end of the file cuts the last page */
		truncate_partial_folio(c, as, new_size >> MM_PAGE_SHIFT, first, UINT64_MAX);
	if (mm_mapping_is_shmem(as))
		mm_shmem_zero_partial(c, as, new_size);
}

void mm_block_truncate_page(struct mm_cache *c, struct mm_address_space *as, uint64_t from, struct mm_memcg *memcg)
{
	mm_pfn_t pfn = mm_filemap_get_folio(c, as, from >> MM_PAGE_SHIFT);
	bool mapped = (from & ~(uint64_t)(MM_PAGE_SIZE - 1)) < as->host->blocks_end;
	int err;

	if (!(from & (MM_PAGE_SIZE - 1)) || mm_mapping_is_shmem(as))
		return;
	if (pfn == MM_PFN_NONE) {	/* its buffer is read, which does not make the page up to date */
		pfn = mm_filemap_create_folio(c, as, from >> MM_PAGE_SHIFT, memcg, &err);
		if (pfn == MM_PFN_NONE)
			return;
		mm_cache_page(c, pfn)->flags &= ~(uint32_t)MM_PG_UPTODATE;
		if (!mapped)
			mm_count(c->ctx, MM_PGPGIN, -(int64_t)(MM_PAGE_SIZE >> 10));
	}
	mm_folio_mark_accessed(c, pfn);
	if (mapped)
		mm_folio_mark_dirty(c, pfn);
}

uint64_t mm_drop_pagecache(struct mm_cache *c)
{
	uint64_t dropped = 0;

	mm_lru_add_drain_all(c);
	for (uint32_t id = 1; id <= mm_inode_table_nr(c->inodes); id++)
		if (mm_address_space_of(c->inodes, id))
			dropped += mm_invalidate_mapping_pages(c, mm_address_space_of(c->inodes, id), 0, UINT64_MAX);
	mm_count(c->ctx, MM_DROP_PAGECACHE, 1);
	return dropped;
}
