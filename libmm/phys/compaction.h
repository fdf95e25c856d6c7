/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * phys/compaction.h - compaction: making large free blocks by moving pages
 *
 * Two scanners walk a zone towards each other by pageblocks.  The migrate
 * scanner goes up from the bottom and takes movable pages 32 at a time; the free
 * scanner comes down from the top and takes free pages for them to move to:
 *
 *	start_pfn   migrate_pfn ->                  <- free_pfn   end
 *	   |  emptied  |  pages to move   ...   free to take  |  filled  |
 *
 * It ends when a block of the order wanted is free or the scanners meet.
 * Moving a page is for the floors above (struct mm_movable_ops); where nobody
 * installed that nothing is movable and compaction is as if not built in.
 *
 * Model: Linux 6.6 mm/compaction.c, mm/migrate.c migrate_pages().
 */
#ifndef PHYS_COMPACTION_H
#define PHYS_COMPACTION_H

#include "phys/internal.h"

enum { MM_COMPACT_CLUSTER_MAX = 32 };

/* Lower is harder (enum compact_priority). */
enum mm_compact_priority {
	MM_COMPACT_PRIO_SYNC_FULL, MM_COMPACT_PRIO_SYNC_LIGHT, MM_COMPACT_PRIO_ASYNC,
	MM_MIN_COMPACT_PRIORITY = MM_COMPACT_PRIO_SYNC_FULL,
	MM_MIN_COMPACT_COSTLY_PRIORITY = MM_COMPACT_PRIO_SYNC_LIGHT,
	MM_DEF_COMPACT_PRIORITY = MM_COMPACT_PRIO_SYNC_LIGHT,
	MM_INIT_COMPACT_PRIORITY = MM_COMPACT_PRIO_ASYNC,
};

/* X(suffix, word), worst first: try_to_compact_pages() returns the best of its zones (enum compact_result). */
#define MM_COMPACT_RESULTS(X) \
	X(NOT_SUITABLE_ZONE, "not_suitable_zone") X(SKIPPED, "skipped") X(DEFERRED, "deferred") \
	X(NO_SUITABLE_PAGE, "no_suitable_page") X(CONTINUE, "continue") X(COMPLETE, "complete") \
	X(PARTIAL_SKIPPED, "partial_skipped") X(CONTENDED, "contended") X(SUCCESS, "success")
enum mm_compact_result {
#define X(sym, word) MM_COMPACTION_##sym,
	MM_COMPACT_RESULTS(X)
#undef X
};

/* One run over one zone (struct compact_control). */
struct mm_compact_control {
	struct mm_zone *zone;
	struct mm_page_list freepages;		/* taken to be moved to, each with one reference */
	struct mm_page_list migratepages;	/* isolated from the LRU */
	uint32_t nr_freepages, nr_migratepages;
	mm_pfn_t free_pfn, migrate_pfn;		/* where the scanners stand */
	mm_pfn_t fast_start_pfn;		/* lowest block the fast search chose; 0: none, MM_PFN_NONE: used up */
	uint64_t total_migrate_scanned, total_free_scanned, nr_succeeded;
	uint32_t fast_search_fail;		/* fast searches in vain, in a row */
	int search_order;			/* where the fast search of free pages begins */
	int order;				/* wanted; -1: as much as there is */
	mm_gfp_t gfp_mask;
	unsigned int migratetype, alloc_flags;
	enum mm_zone_type highest_zoneidx;
	enum mm_migrate_mode mode;
	bool ignore_skip_hint, ignore_block_suitable;
	bool direct_compaction, proactive_compaction;
	bool whole_zone;			/* the scanners begin at the ends of the zone */
	bool finish_pageblock;			/* scan the pageblock to its end, not just 32 pages */
};

#pragma GCC visibility push(hidden)

/* compaction_hints.c: pageblocks that gave nothing are skipped for a while, and where scanners go on. */
static inline struct mm_pageblock *mm_pageblock_of(const struct mm_phys *phys, mm_pfn_t pfn)
{
	return &phys->pageblocks[pfn >> MM_PAGEBLOCK_ORDER];
}
static inline bool mm_isolation_suitable(const struct mm_compact_control *cc, mm_pfn_t pfn)
{
	return cc->ignore_skip_hint || !mm_pageblock_of(cc->zone->phys, pfn)->skip;
}
/* The block [start, end) is all of this zone and has RAM near it (pageblock_pfn_to_page()). */
bool mm_pageblock_in_zone(const struct mm_zone *zone, mm_pfn_t start, mm_pfn_t end);
bool mm_pageblock_skip_persistent(const struct mm_phys *phys, mm_pfn_t pfn);
bool mm_test_and_set_skip(const struct mm_compact_control *cc, mm_pfn_t pfn);
void mm_update_cached_migrate(const struct mm_compact_control *cc, mm_pfn_t pfn);
void mm_update_pageblock_skip(const struct mm_compact_control *cc, mm_pfn_t page, mm_pfn_t pfn);
void mm_reset_cached_positions(struct mm_zone *zone);
void mm_reset_zone_isolation(struct mm_zone *zone);	/* __reset_isolation_suitable() */

/* compaction_free.c */
static inline unsigned int mm_freelist_scan_limit(const struct mm_compact_control *cc)
{
	return (MM_COMPACT_CLUSTER_MAX >> (cc->fast_search_fail < 31 ? cc->fast_search_fail : 31)) + 1;
}
mm_pfn_t mm_compaction_alloc(struct mm_compact_control *cc);	/* MM_PFN_NONE: the scanners met */
void mm_compaction_free(struct mm_compact_control *cc, mm_pfn_t pfn);
mm_pfn_t mm_release_freepages(struct mm_compact_control *cc);	/* the highest of them, 0 none */
/* Turn a free list so that @pfn is its last block (move_freelist_tail()). */
void mm_freelist_rotate_to_tail(struct mm_page *map, struct mm_page_list *list, mm_pfn_t pfn);

/* compaction_migrate.c */
void mm_isolate_migratepages(struct mm_compact_control *cc);	/* as many as cc->nr_migratepages tells */
void mm_putback_movable_pages(struct mm_compact_control *cc);
/* Move cc->migratepages; what is left there could not be: pages that failed, or -ENOMEM (no free pages left). */
int mm_migrate_pages(struct mm_compact_control *cc);

/* compaction.c */
enum mm_compact_result mm_compact_zone(struct mm_compact_control *cc);
bool mm_compaction_deferred(struct mm_zone *zone, int order);
void mm_defer_compaction(struct mm_zone *zone, int order);
void mm_compaction_defer_reset(struct mm_zone *zone, int order, bool alloc_success);
unsigned int mm_fragmentation_score_wmark(const struct mm_phys *phys, bool low);

/**
 * mm_try_to_compact_pages() - direct compaction for one request
 * @capture:	receives a block that was made and taken off before it reached a free list; MM_PFN_NONE: none
 * Source: Linux 6.6 mm/compaction.c try_to_compact_pages().
 */
enum mm_compact_result mm_try_to_compact_pages(const struct mm_alloc_context *ac, mm_gfp_t gfp, unsigned int order,
					       unsigned int alloc_flags, enum mm_compact_priority prio, mm_pfn_t *capture);
bool mm_compaction_zonelist_suitable(const struct mm_alloc_context *ac, unsigned int order);

#pragma GCC visibility pop

/* May a request compact?  Source: Linux 6.6 include/linux/compaction.h gfp_compaction_allowed(). */
static inline bool mm_gfp_compaction_allowed(const struct mm_phys *phys, mm_gfp_t gfp)
{
	return gfp & __MM_GFP_IO && phys->hooks.movable.isolate;
}
/* Free pages above the mark that make compaction worth trying. */
static inline uint64_t mm_compact_gap(int order) { return UINT64_C(2) << order; }
/* Enough free pages to move others to, and for costly orders: memory is in too small pieces rather than short. */
bool mm_compaction_suitable(const struct mm_zone *zone, int order, enum mm_zone_type highest);

/* kcompactd.c: one daemon a node; it runs when the machine lets it, after the cause of the moment. */
void mm_wakeup_kcompactd(struct mm_phys *phys, struct mm_node *node, int order, int highest_zoneidx);
void mm_reset_isolation_suitable(struct mm_node *node);		/* kswapd goes to sleep */
void mm_kcompactd(struct mm_phys *phys);
void mm_compact_nodes(struct mm_phys *phys);
static inline bool mm_kcompactd_is_due(const struct mm_phys *phys)
{
	return phys->kcompactd_woken || phys->ctx->now_ns >= phys->proactive_ns;
}
static inline void mm_kcompactd_run(struct mm_phys *phys)
{
	if (mm_kcompactd_is_due(phys))
		mm_kcompactd(phys);
}
/* How fragmented a zone is for 2M blocks, 0..100, and a node by the weight of its zones (proactive compaction). */
unsigned int mm_fragmentation_score_zone(const struct mm_zone *zone);
unsigned int mm_fragmentation_score_node(const struct mm_node *node);

#endif /* PHYS_COMPACTION_H */
