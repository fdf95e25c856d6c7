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
 * A huge page is one folio for 512 pages of the file, made where all of them are holes; it is split before any of it is
 * swapped, and where a truncation or a hole cuts it.
 *
 * Files of /dev/shm together have no more pages than its mount allows (shmem_space.c), and pages that fallocate() sets
 * aside are not up to date: they read as holes and fault-around passes over them, until somebody wants them.
 * Source: Linux 6.6 mm/shmem.c. Left out: the mount's mpol=.
 */
#include "cache/shmem.h"

#include <errno.h>

#include "cache/deferred_split.h"
#include "cache/memcg.h"
#include "cache/shared_policy.h"
#include "cache/shmem_space.h"

static const struct mm_shmem_user nobody;	/* of a call that makes no page */

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
	mm_mapping_add_pages(c, as, 1, -1);
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
		c->swapin_place = mm_shmem_mpol_place(c->ctx, as->host, index, 0);
		pfn = mm_swap_cluster_readahead(c, entry, MM_GFP_HIGHUSER_MOVABLE, memcg);
		c->swapin_place.pol = NULL;
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
	return 0;
}

/* shmem_add_to_page_cache() of a new page, the reference of which goes to the caller; on error it is gone. */
static int add_new(struct mm_cache *c, struct mm_address_space *as, mm_pfn_t pfn, uint64_t index, enum mm_sgp_type sgp,
		   struct mm_memcg *memcg, struct mm_shmem_folio *out)
{
	int rc;

	mm_cache_page(c, pfn)->flags |= MM_PG_SWAPBACKED | MM_PG_UPTODATE;
	if (sgp == MM_SGP_WRITE)
		mm_cache_page(c, pfn)->flags |= MM_PG_REFERENCED;
	if (sgp == MM_SGP_FALLOC)
		mm_cache_page(c, pfn)->flags &= ~(uint32_t)MM_PG_UPTODATE;
	rc = mm_filemap_add_folio(c, as, pfn, index, memcg, MM_GFP_HIGHUSER_MOVABLE);
	if (rc) {
		mm_folio_put(c, pfn);
		return rc;
	}
	for (uint64_t i = 0; c->contents && i < mm_folio_nr_pages(mm_cache_page(c, pfn)); i++)
		c->contents[pfn + i] = 0;
	out->pfn = pfn;
	return 0;
}

/* ---- files whose last huge page reaches beyond their end wait for a shrinker ---- */

static struct mm_shmem_mount *mount_of(struct mm_cache *c, const struct mm_inode *inode)
{
	return &c->shmem_mount[inode->type == MM_INODE_TMPFS ? MM_DEV_SHM : MM_SHM_MNT];
}

static void shrinklist_add(struct mm_shmem_mount *mount, struct mm_inode *inode, bool first)
{
	struct mm_inode **at = &mount->shrinklist;

	while (*at && !first)
		at = &(*at)->shrink_next;
	inode->shrink_next = *at;
	*at = inode;
	inode->on_shrinklist = true;
	mount->shrinklist_len++;
}

static void shrinklist_del(struct mm_shmem_mount *mount, struct mm_inode *inode)
{
	struct mm_inode **at = &mount->shrinklist;

	while (*at != inode)
		at = &(*at)->shrink_next;
	*at = inode->shrink_next;
	inode->on_shrinklist = false;
	mount->shrinklist_len--;
}

void mm_shmem_evict_inode(struct mm_cache *c, struct mm_inode *inode)
{
	if (inode->on_shrinklist)
		shrinklist_del(mount_of(c, inode), inode);
}

static uint64_t round_up(uint64_t bytes, uint64_t unit) { return (bytes + unit - 1) & ~(unit - 1); }

/* The huge page at the end of the file: 1 split, 0 there is none, or -errno. */
static int split_last(struct mm_cache *c, struct mm_inode *inode)
{
	mm_pfn_t head = mm_filemap_get_folio(c, &inode->mapping, inode->size / MM_PAGE_SIZE & ~(uint64_t)(MM_THP_PAGES - 1));
	int e;

	if (head == MM_PFN_NONE || !(mm_cache_page(c, head)->flags & MM_PG_HEAD))
		return 0;
	mm_folio_get(c, head);
	e = c->rmap.split_folio ? c->rmap.split_folio(c->rmap.arg, head) : -EBUSY;
	mm_folio_put(c, head);
	return e ? e : 1;
}

uint64_t mm_shmem_unused_huge_shrink(struct mm_cache *c, struct mm_shmem_mount *mount, uint64_t nr)
{
	struct mm_inode *list = NULL, *inode;
	uint64_t split = 0;

	while (nr-- && (inode = mount->shrinklist)) {
		shrinklist_del(mount, inode);
		if (round_up(inode->size, MM_PAGE_SIZE) == round_up(inode->size, MM_THP_PAGES * (uint64_t)MM_PAGE_SIZE))
			continue;
		inode->shrink_next = list;	/* the last one comes first */
		list = inode;
	}
	while ((inode = list)) {
		int e = split_last(c, inode);

		list = inode->shrink_next;
		split += e == 1;
		if (e < 0)
			shrinklist_add(mount, inode, true);
	}
	return split;
}

/* The whole 2M around @index, if nothing of it is there (shmem_alloc_hugefolio()). False: it must be a small page. */
static bool alloc_huge(struct mm_cache *c, struct mm_address_space *as, uint64_t index, enum mm_sgp_type sgp,
		       const struct mm_shmem_user *user, struct mm_shmem_folio *out)
{
	uint64_t first = index & ~(uint64_t)(MM_THP_PAGES - 1), at = first, v;
	mm_pfn_t head;

	if (mm_xa_find(&as->i_pages, &at, &v) && at < first + MM_THP_PAGES)
		return false;
	head = mm_alloc_pages_placed(c->phys, mm_thp_gfp_mask(c->ctx, user->mapping && user->advised) | __MM_GFP_ZERO, MM_THP_ORDER,
				     mm_shmem_mpol_place(c->ctx, as->host, first, MM_THP_ORDER), true);
	if (head == MM_PFN_NONE) {
		mm_count(c->ctx, MM_THP_FILE_FALLBACK, 1);
		return false;
	}
	mm_folio_prep_transhuge(c->phys, head);
	if (add_new(c, as, head, first, sgp, user->memcg, out)) {
		mm_count(c->ctx, MM_THP_FILE_FALLBACK, 1);
		mm_count(c->ctx, MM_THP_FILE_FALLBACK_CHARGE, 1);
		return false;
	}
	mm_count(c->ctx, MM_THP_FILE_ALLOC, 1);
	if (!as->host->on_shrinklist && round_up(as->host->size, MM_PAGE_SIZE) / MM_PAGE_SIZE < first + MM_THP_PAGES - 1)
		shrinklist_add(mount_of(c, as->host), as->host, false);
	return true;
}

/* A file of the mount beyond whose end a huge page reaches gives room, if there is one. */
static bool make_space(struct mm_cache *c, const struct mm_inode *inode)
{
	struct mm_shmem_mount *mount = mount_of(c, inode);

	for (int retry = 5; retry && mount->shrinklist_len; retry--)
		if (mm_shmem_unused_huge_shrink(c, mount, 1))
			return true;
	return false;
}

static int alloc_folio(struct mm_cache *c, struct mm_address_space *as, uint64_t index, enum mm_sgp_type sgp,
		       const struct mm_shmem_user *user, struct mm_shmem_folio *out)
{
	mm_pfn_t pfn;

	if (mm_shmem_is_huge(c->ctx, as->host, index, false, user) && mm_shmem_has_space(c, as->host, MM_THP_PAGES) &&
	    alloc_huge(c, as, index, sgp, user, out))
		return 0;
	while (!mm_shmem_has_space(c, as->host, 1))
		if (!make_space(c, as->host))
			return -ENOSPC;
	pfn = mm_alloc_pages_placed(c->phys, MM_GFP_HIGHUSER_MOVABLE | __MM_GFP_ZERO, 0,
				    mm_shmem_mpol_place(c->ctx, as->host, index, 0), false);
	return pfn == MM_PFN_NONE ? -ENOMEM : add_new(c, as, pfn, index, sgp, user->memcg, out);
}

int mm_shmem_get_folio(struct mm_cache *c, struct mm_address_space *as, uint64_t index, enum mm_sgp_type sgp,
		       const struct mm_shmem_user *user, struct mm_shmem_folio *out)
{
	uint64_t size = as->host->size;
	mm_swp_t entry = swapped_at(as, index);

	*out = (struct mm_shmem_folio){ .pfn = MM_PFN_NONE };
	if (sgp <= MM_SGP_CACHE && index >= size / MM_PAGE_SIZE + (size % MM_PAGE_SIZE != 0))
		return -EINVAL;
	if (entry)
		return swapin_folio(c, as, index, entry, sgp, user->memcg, out);
	out->pfn = mm_filemap_get_folio(c, as, index);
	if (out->pfn != MM_PFN_NONE && sgp == MM_SGP_READ && !(mm_cache_page(c, out->pfn)->flags & MM_PG_UPTODATE))
		out->pfn = MM_PFN_NONE;		/* fallocate() set it aside */
	if (out->pfn == MM_PFN_NONE)
		return sgp == MM_SGP_READ ? 0 : alloc_folio(c, as, index, sgp, user, out);
	mm_folio_get(c, out->pfn);
	mm_cache_page(c, out->pfn)->flags |= MM_PG_UPTODATE;
	if (sgp == MM_SGP_WRITE)
		mm_folio_mark_accessed(c, out->pfn);
	return 0;
}

bool mm_shmem_writepage(struct mm_cache *c, mm_pfn_t pfn)
{
	struct mm_address_space *as = mm_folio_mapping(c, pfn);
	struct mm_page *p = mm_cache_page(c, pfn);
	mm_swp_t entry;

	p->flags |= MM_PG_UPTODATE;
	if (!mm_folio_alloc_swap(c, pfn)) {
		mm_folio_mark_dirty(c, pfn);
		return false;
	}
	entry = mm_folio_swap(c, pfn);
	mm_swap_duplicate(c, entry);		/* swap_shmem_alloc() */
	mm_mapping_add_pages(c, as, 0, 1);
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

		rc = mm_shmem_get_folio(c, as, pos >> MM_PAGE_SHIFT, MM_SGP_READ, &nobody, &page);
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
	    mm_shmem_get_folio(c, as, pos >> MM_PAGE_SHIFT, MM_SGP_READ, &nobody, &page) || page.pfn == MM_PFN_NONE)
		return;
	mm_folio_mark_dirty(c, page.pfn);
	mm_folio_put(c, page.pfn);
}
