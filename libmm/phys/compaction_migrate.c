/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Compaction's migrate scanner, and moving what it found.
 *
 * The scanner reads a pageblock page by page and isolates what is on an LRU
 * list and can be moved, at most 32 pages at a time.  A direct request that is
 * in no position to wait (async) gives up a block of its order as soon as one
 * page of it cannot be moved.  For large orders it first asks the free lists for
 * a pageblock that is partly free already.
 *
 * The isolated pages get their new places first and are moved then, as the
 * kernel does in a batch; a light sync run tries the failures once more one by one.
 *
 * Left out: movable pages that are not on the LRU, CMA's requests.
 * Model: Linux 6.6 mm/compaction.c, mm/migrate.c.
 */
#include <errno.h>

#include "phys/compaction.h"

enum { NR_MAX_MIGRATE_PAGES_RETRY = 10, NR_MAX_MIGRATE_ASYNC_RETRY = 3 };

/* ---- the scanner ---- */

/* Is the page one that can be moved by this run? */
static bool migratable(const struct mm_compact_control *cc, const struct mm_page *p)
{
	bool mapping = p->flags & MM_PG_SWAPCACHE || (!(p->flags & MM_PG_ANON) && p->mapping);

	if (!(p->flags & MM_PG_LRU) || (!mapping && p->refs))
		return false;
	if (mapping && !(cc->gfp_mask & __MM_GFP_FS))
		return false;
	if (p->flags & MM_PG_UNEVICTABLE && !mm_sysctl(cc->zone->phys->ctx, MM_SYSCTL_COMPACT_UNEVICTABLE_ALLOWED))
		return false;
	return cc->mode == MM_MIGRATE_SYNC || !(p->flags & MM_PG_WRITEBACK);
}

void mm_putback_movable_pages(struct mm_compact_control *cc)
{
	struct mm_phys *phys = cc->zone->phys;
	mm_pfn_t pfn;

	while ((pfn = cc->migratepages.head) != MM_PFN_NONE) {
		mm_page_list_del(phys->mem_map, &cc->migratepages, pfn);
		phys->hooks.movable.putback(phys->hooks.movable.arg, pfn);
	}
	cc->nr_migratepages = 0;
}

/* The scan of one pageblock. */
struct block_scan {
	mm_pfn_t pfn, end;
	mm_pfn_t next_skip;		/* end of the block of the order wanted, when one failure spoils it */
	mm_pfn_t hint;			/* the pageblock's skip hint was looked at; MM_PFN_NONE: begun inside the pageblock */
	unsigned int nr_scanned, nr_isolated;
	bool skip_on_failure, skip_updated;
};

/* False: the pageblock was marked by somebody else, leave it. */
static bool isolate_page(struct mm_compact_control *cc, struct block_scan *b)
{
	struct mm_phys *phys = cc->zone->phys;

	if (!b->skip_updated && b->hint != MM_PFN_NONE) {
		b->skip_updated = true;
		if (mm_test_and_set_skip(cc, b->hint) && !cc->finish_pageblock)
			return false;
	}
	phys->hooks.movable.isolate(phys->hooks.movable.arg, b->pfn);
	mm_page_list_add(phys->mem_map, &cc->migratepages, b->pfn);
	cc->nr_migratepages++;
	b->nr_isolated++;
	return true;
}

/* What was isolated of a block that cannot become free goes back. */
static void isolate_fail(struct mm_compact_control *cc, struct block_scan *b)
{
	if (!b->skip_on_failure)
		return;
	if (b->nr_isolated) {
		mm_putback_movable_pages(cc);
		b->nr_isolated = 0;
	}
	if (b->pfn < b->next_skip) {
		b->pfn = b->next_skip - 1;
		b->next_skip += 1u << cc->order;
	}
}

static mm_pfn_t block_end(mm_pfn_t pfn, int order) { return (pfn >> order << order) + (1u << order); }

/* One page; false: the scan of this pageblock ends. */
static bool scan_page(struct mm_compact_control *cc, struct block_scan *b)
{
	const struct mm_page *p = mm_page(cc->zone->phys, b->pfn);
	unsigned int rest = (1u << p->order) - 1;

	b->nr_scanned++;
	if (b->hint == MM_PFN_NONE && (mm_pageblock_aligned(b->pfn) || b->pfn == cc->zone->start_pfn)) {
		if (!mm_isolation_suitable(cc, b->pfn)) {
			b->pfn = b->end;
			return false;
		}
		b->hint = b->pfn;
	}
	if (p->flags & (MM_PG_BUDDY | MM_PG_HEAD)) {
		b->pfn += rest;
		b->nr_scanned += rest;
		if (p->flags & MM_PG_HEAD)
			isolate_fail(cc, b);
		return true;
	}
	if (!migratable(cc, p)) {
		isolate_fail(cc, b);
		return true;
	}
	if (!isolate_page(cc, b)) {
		b->pfn = b->end;
		return false;
	}
	if (cc->nr_migratepages < MM_COMPACT_CLUSTER_MAX || cc->finish_pageblock)
		return true;
	b->pfn++;
	return false;
}

/* Source: Linux 6.6 mm/compaction.c isolate_migratepages_block(). */
static void isolate_migratepages_block(struct mm_compact_control *cc, mm_pfn_t pfn, mm_pfn_t end)
{
	struct block_scan b = {
		.pfn = pfn, .end = end, .hint = MM_PFN_NONE,
		.skip_on_failure = cc->direct_compaction && cc->mode == MM_MIGRATE_ASYNC,
	};

	if (b.skip_on_failure)
		b.next_skip = block_end(pfn, cc->order);
	for (; b.pfn < end; b.pfn++) {
		if (b.skip_on_failure && b.pfn >= b.next_skip) {
			if (b.nr_isolated)
				break;
			b.next_skip = block_end(b.pfn, cc->order);
		}
		if (!scan_page(cc, &b))
			break;
	}
	if (b.pfn > end)
		b.pfn = end;
	if (b.pfn == end && (!b.nr_isolated || cc->finish_pageblock)) {
		if (b.hint != MM_PFN_NONE && !b.skip_updated)
			mm_pageblock_of(cc->zone->phys, b.hint)->skip = 1;
		mm_update_cached_migrate(cc, b.pfn);
	}
	cc->total_migrate_scanned += b.nr_scanned;
	mm_count(cc->zone->phys->ctx, MM_COMPACT_ISOLATED, b.nr_isolated);
	cc->migrate_pfn = b.pfn;
}

/* Where a linear scan begins after fast searches: the lowest block they chose, once. */
static mm_pfn_t reinit_migrate_pfn(struct mm_compact_control *cc)
{
	if (cc->fast_start_pfn && cc->fast_start_pfn != MM_PFN_NONE) {
		cc->migrate_pfn = cc->fast_start_pfn;
		cc->fast_start_pfn = MM_PFN_NONE;
	}
	return cc->migrate_pfn;
}

/* A free block of this order below @high_pfn, whose pageblock is not marked; MM_PFN_NONE: none within the limit. */
static mm_pfn_t find_free_below(struct mm_compact_control *cc, int order, mm_pfn_t high_pfn, unsigned int limit,
				unsigned int *nr_scanned)
{
	struct mm_phys *phys = cc->zone->phys;
	struct mm_page_list *list = &cc->zone->free_area[order].free_list[MM_MIGRATE_MOVABLE];

	for (mm_pfn_t pfn = list->head; pfn != MM_PFN_NONE; pfn = phys->mem_map[pfn].next) {
		bool stop = (*nr_scanned)++ >= limit;

		if (!stop && (pfn >= high_pfn || mm_pageblock_of(phys, pfn)->skip))
			continue;
		mm_freelist_rotate_to_tail(phys->mem_map, list, pfn);
		return stop ? MM_PFN_NONE : pfn;
	}
	return MM_PFN_NONE;
}

static bool fast_search_allowed(const struct mm_compact_control *cc)
{
	mm_pfn_t pfn = cc->migrate_pfn;

	return !cc->ignore_skip_hint && !cc->finish_pageblock && (pfn == cc->zone->start_pfn || mm_pageblock_aligned(pfn)) &&
	       cc->order > MM_PAGE_ALLOC_COSTLY_ORDER && (!cc->direct_compaction || cc->migratetype == MM_MIGRATE_MOVABLE);
}

/* Source: Linux 6.6 mm/compaction.c fast_find_migrateblock(). */
static mm_pfn_t fast_find_migrateblock(struct mm_compact_control *cc)
{
	unsigned int limit = mm_freelist_scan_limit(cc), nr_scanned = 0;
	mm_pfn_t distance = (cc->free_pfn - cc->migrate_pfn) >> 1, high_pfn, found = MM_PFN_NONE, start;

	if (!fast_search_allowed(cc))
		return cc->migrate_pfn;
	if (cc->migrate_pfn != cc->zone->start_pfn)
		distance >>= 2;
	high_pfn = mm_pageblock_start_pfn(cc->migrate_pfn + distance);
	for (int order = cc->order - 1;
	     order >= MM_PAGE_ALLOC_COSTLY_ORDER && found == MM_PFN_NONE && nr_scanned < limit; order--)
		if (cc->zone->free_area[order].nr_free)
			found = find_free_below(cc, order, high_pfn, limit, &nr_scanned);
	cc->total_migrate_scanned += nr_scanned;
	if (found == MM_PFN_NONE) {
		cc->fast_search_fail++;
		return reinit_migrate_pfn(cc);
	}
	if (cc->fast_start_pfn != MM_PFN_NONE && (!cc->fast_start_pfn || found < cc->fast_start_pfn))
		cc->fast_start_pfn = found;
	cc->fast_search_fail = 0;
	start = mm_pageblock_start_pfn(found);
	return start < cc->zone->start_pfn ? cc->zone->start_pfn : start;
}

/* Async direct compaction takes from pageblocks of its own kind only. */
static bool suitable_migration_source(const struct mm_compact_control *cc, mm_pfn_t pfn)
{
	unsigned int mt = mm_pageblock_migratetype(cc->zone->phys, pfn);

	if (mm_pageblock_skip_persistent(cc->zone->phys, pfn))
		return false;
	if (cc->mode != MM_MIGRATE_ASYNC || !cc->direct_compaction)
		return true;
	return mt == cc->migratetype || (cc->migratetype == MM_MIGRATE_MOVABLE && mt == MM_MIGRATE_CMA);
}

/* Source: Linux 6.6 mm/compaction.c isolate_migratepages(). */
void mm_isolate_migratepages(struct mm_compact_control *cc)
{
	mm_pfn_t low = fast_find_migrateblock(cc), start = mm_pageblock_start_pfn(low), end = mm_pageblock_end_pfn(low);
	bool fast_find_block = low != cc->migrate_pfn && !cc->fast_search_fail;

	if (start < cc->zone->start_pfn)
		start = cc->zone->start_pfn;
	for (; end <= cc->free_pfn;
	     fast_find_block = false, cc->migrate_pfn = low = start = end, end += MM_PAGEBLOCK_NR_PAGES) {
		if (!mm_pageblock_in_zone(cc->zone, start, end))
			continue;
		if ((mm_pageblock_aligned(low) || low == cc->zone->start_pfn) && !fast_find_block &&
		    !mm_isolation_suitable(cc, start))
			continue;
		if (!suitable_migration_source(cc, start)) {
			mm_update_cached_migrate(cc, end);
			continue;
		}
		isolate_migratepages_block(cc, low, end);
		break;
	}
}

/* ---- moving ---- */

/* Pages that have their new places, and those that could not be moved. */
struct batch {
	struct mm_page_list srcs, dsts;		/* pairwise */
	struct mm_page_list failed;
	unsigned int nr_failed;
};

/* Move each pair; those whose page somebody else holds stay, in order.  Return: how many stayed. */
static unsigned int move_pairs(struct mm_compact_control *cc, struct batch *b)
{
	struct mm_page *map = cc->zone->phys->mem_map;
	const struct mm_movable_ops *ops = &cc->zone->phys->hooks.movable;
	unsigned int stayed = 0;

	for (uint64_t n = b->srcs.nr; n > 0; n--) {
		mm_pfn_t src = b->srcs.head, dst = b->dsts.head;

		mm_page_list_del(map, &b->srcs, src);
		mm_page_list_del(map, &b->dsts, dst);
		map[dst] = (struct mm_page){ .refs = 1 };
		if (!ops->migrate_page(ops->arg, src, dst)) {
			cc->nr_succeeded++;
			continue;
		}
		mm_page_list_add_tail(map, &b->srcs, src);
		mm_page_list_add_tail(map, &b->dsts, dst);
		stayed++;
	}
	return stayed;
}

/*
 * Move what can be moved of @from, in its order; the rest goes to @b->failed, or stays in @from when there is no place.
 * Return: pages that failed, or -ENOMEM.  Source: Linux 6.6 mm/migrate.c migrate_pages_batch().
 */
static int migrate_pages_batch(struct mm_compact_control *cc, struct mm_page_list *from, struct batch *b, int nr_pass)
{
	struct mm_page *map = cc->zone->phys->mem_map;
	unsigned int retry = 1, before = b->nr_failed;
	bool nomem = false;
	mm_pfn_t src, dst;

	while ((src = from->head) != MM_PFN_NONE) {
		dst = mm_compaction_alloc(cc);
		if (dst == MM_PFN_NONE) {
			nomem = true;
			b->nr_failed++;
			break;
		}
		mm_page_list_del(map, from, src);
		mm_page_list_add_tail(map, &b->srcs, src);
		mm_page_list_add_tail(map, &b->dsts, dst);
	}
	for (int pass = 0; pass < nr_pass && retry; pass++)
		retry = move_pairs(cc, b);
	b->nr_failed += retry;
	while ((src = b->srcs.head) != MM_PFN_NONE) {
		dst = b->dsts.head;
		mm_page_list_del(map, &b->srcs, src);
		mm_page_list_del(map, &b->dsts, dst);
		mm_page_list_add_tail(map, &b->failed, src);
		mm_compaction_free(cc, dst);
	}
	return nomem ? -ENOMEM : (int)(b->nr_failed - before);
}

static struct batch new_batch(void)
{
	return (struct batch){ MM_PAGE_LIST_INIT, MM_PAGE_LIST_INIT, MM_PAGE_LIST_INIT, 0 };
}

static void splice_tail(struct mm_page *map, struct mm_page_list *to, struct mm_page_list *from)
{
	mm_pfn_t pfn;

	while ((pfn = from->head) != MM_PFN_NONE) {
		mm_page_list_del(map, from, pfn);
		mm_page_list_add_tail(map, to, pfn);
	}
}

/* A batch as if async, then what failed one by one.  Source: Linux 6.6 mm/migrate.c migrate_pages_sync(). */
static int migrate_pages_sync(struct mm_compact_control *cc, struct batch *b)
{
	struct mm_page *map = cc->zone->phys->mem_map;
	struct batch async = new_batch();
	int rc = migrate_pages_batch(cc, &cc->migratepages, &async, NR_MAX_MIGRATE_ASYNC_RETRY), sum = 0;

	if (rc < 0) {
		splice_tail(map, &b->failed, &async.failed);
		b->nr_failed += async.nr_failed;
		return rc;
	}
	splice_tail(map, &cc->migratepages, &async.failed);
	while (cc->migratepages.head != MM_PFN_NONE) {
		struct mm_page_list one = MM_PAGE_LIST_INIT;
		mm_pfn_t pfn = cc->migratepages.head;

		mm_page_list_del(map, &cc->migratepages, pfn);
		mm_page_list_add(map, &one, pfn);
		rc = migrate_pages_batch(cc, &one, b, NR_MAX_MIGRATE_PAGES_RETRY - NR_MAX_MIGRATE_ASYNC_RETRY);
		splice_tail(map, &b->failed, &one);
		if (rc < 0)
			return rc;
		sum += rc;
	}
	return sum;
}

/* Source: Linux 6.6 mm/migrate.c migrate_pages(). */
int mm_migrate_pages(struct mm_compact_control *cc)
{
	struct mm_ctx *ctx = cc->zone->phys->ctx;
	uint64_t before = cc->nr_succeeded;
	struct batch b = new_batch();
	int rc = cc->mode == MM_MIGRATE_ASYNC ?
		migrate_pages_batch(cc, &cc->migratepages, &b, NR_MAX_MIGRATE_PAGES_RETRY) : migrate_pages_sync(cc, &b);

	splice_tail(cc->zone->phys->mem_map, &b.failed, &cc->migratepages);
	cc->migratepages = b.failed;
	mm_count(ctx, MM_PGMIGRATE_SUCCESS, (int64_t)(cc->nr_succeeded - before));
	mm_count(ctx, MM_PGMIGRATE_FAIL, b.nr_failed);
	return rc;
}
