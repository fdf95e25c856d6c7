/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Compaction of one zone, and when it is worth trying.
 *
 * A zone is suitable when, beside its watermark, it has free pages for twice the
 * block wanted, and for costly orders its fragmentation index says that memory
 * is in too small pieces rather than short.  A zone in which it failed is passed
 * over for a number of attempts that doubles with each failure, up to 64.
 *
 * Left out: contention and signals, which nothing here can cause.
 * Model: Linux 6.6 mm/compaction.c.
 */
#include <errno.h>

#include <libmm/buddyinfo.h>
#include "phys/compaction.h"

enum { COMPACT_MAX_DEFER_SHIFT = 6, COMPACTION_HPAGE_ORDER = MM_PAGEBLOCK_ORDER };

/* ---- deferral ---- */

void mm_defer_compaction(struct mm_zone *zone, int order)
{
	zone->compact_considered = 0;
	if (zone->compact_defer_shift < COMPACT_MAX_DEFER_SHIFT)
		zone->compact_defer_shift++;
	if (order < zone->compact_order_failed)
		zone->compact_order_failed = order;
}

bool mm_compaction_deferred(struct mm_zone *zone, int order)
{
	uint32_t limit = 1u << zone->compact_defer_shift;

	if (order < zone->compact_order_failed)
		return false;
	if (++zone->compact_considered >= limit) {
		zone->compact_considered = limit;
		return false;
	}
	return true;
}

void mm_compaction_defer_reset(struct mm_zone *zone, int order, bool alloc_success)
{
	if (alloc_success)
		zone->compact_considered = zone->compact_defer_shift = 0;
	if (order >= zone->compact_order_failed)
		zone->compact_order_failed = order + 1;
}

/* The first try after the longest deferral. */
static bool compaction_restarting(const struct mm_zone *zone, int order)
{
	return order >= zone->compact_order_failed && zone->compact_defer_shift == COMPACT_MAX_DEFER_SHIFT &&
	       zone->compact_considered >= 1u << zone->compact_defer_shift;
}

/* ---- is it worth it? ---- */

/* Source: Linux 6.6 mm/compaction.c __compaction_suitable(). */
static bool enough_free(const struct mm_zone *zone, int order, enum mm_zone_type highest, uint64_t free_pages)
{
	uint64_t mark = mm_wmark_pages(zone, order > MM_PAGE_ALLOC_COSTLY_ORDER ? MM_WMARK_LOW : MM_WMARK_MIN);

	return mm_zone_watermark_ok_free(zone, 0, mark + mm_compact_gap(order), highest, MM_ALLOC_CMA, (int64_t)free_pages);
}

static void count_blocks(const struct mm_zone *zone, uint64_t blocks[MM_NR_PAGE_ORDERS])
{
	for (unsigned int o = 0; o < MM_NR_PAGE_ORDERS; o++)
		blocks[o] = zone->free_area[o].nr_free;
}

bool mm_compaction_suitable(const struct mm_zone *zone, int order, enum mm_zone_type highest)
{
	uint64_t blocks[MM_NR_PAGE_ORDERS];
	int64_t index;

	if (!enough_free(zone, order, highest, zone->free_pages))
		return false;
	if (order <= MM_PAGE_ALLOC_COSTLY_ORDER)
		return true;
	count_blocks(zone, blocks);
	index = mm_fragmentation_index(blocks, MM_NR_PAGE_ORDERS, (uint32_t)order);
	return index < 0 || index > mm_sysctl(zone->phys->ctx, MM_SYSCTL_EXTFRAG_THRESHOLD);
}

/* Would a zone be suitable if part of what can be reclaimed were?  Source: compaction_zonelist_suitable(). */
bool mm_compaction_zonelist_suitable(const struct mm_alloc_context *ac, unsigned int order)
{
	const struct mm_phys_hooks *hooks = &ac->phys->hooks;

	for (struct mm_zone *const *z = ac->zonelist; *z; z++) {
		uint64_t available = (*z)->free_pages;

		if (hooks->reclaimable_pages)
			available += hooks->reclaimable_pages(hooks->arg, *z) / order;
		if (enough_free(*z, (int)order, (enum mm_zone_type)ac->highest_zoneidx, available))
			return true;
	}
	return false;
}

/* Source: Linux 6.6 mm/vmstat.c extfrag_for_order(). */
unsigned int mm_fragmentation_score_zone(const struct mm_zone *zone)
{
	uint64_t small = 0, suitable = 0;
	unsigned int o = 0;

	for (; o < COMPACTION_HPAGE_ORDER; o++)
		small += zone->free_area[o].nr_free << o;
	for (; o < MM_NR_PAGE_ORDERS; o++)
		suitable += zone->free_area[o].nr_free << o;
	return small ? (unsigned int)(small * 100 / (small + suitable)) : 0;
}

unsigned int mm_fragmentation_score_node(const struct mm_node *node)
{
	unsigned int score = 0;

	for (unsigned int t = 0; t < MM_MAX_NR_ZONES; t++)
		if (node->zones[t].managed_pages)
			score += (unsigned int)(node->zones[t].present_pages * mm_fragmentation_score_zone(&node->zones[t]) /
						(node->present_pages + 1));
	return score;
}

/* Proactive compaction begins above the high mark and ends below the low one. */
unsigned int mm_fragmentation_score_wmark(const struct mm_phys *phys, bool low)
{
	unsigned int mark = 100 - (unsigned int)mm_sysctl(phys->ctx, MM_SYSCTL_COMPACTION_PROACTIVENESS);

	if (mark < 5)
		mark = 5;
	if (!low)
		mark = mark + 10 < 100 ? mark + 10 : 100;
	return mark;
}

/* ---- one run ---- */

/* Is a block free that the request may take?  Source: the end of Linux 6.6 mm/compaction.c __compact_finished(). */
static bool block_free(const struct mm_compact_control *cc)
{
	for (unsigned int o = (unsigned int)cc->order; o < MM_NR_PAGE_ORDERS; o++) {
		const struct mm_page_list *lists = cc->zone->free_area[o].free_list;
		bool can_steal;

		if (lists[cc->migratetype].head != MM_PFN_NONE ||
		    (cc->migratetype == MM_MIGRATE_MOVABLE && lists[MM_MIGRATE_CMA].head != MM_PFN_NONE) ||
		    mm_find_suitable_fallback(cc->zone, o, o, cc->migratetype, true, &can_steal) != -1)
			return true;
	}
	return false;
}

/* The free scanner is in the migrate scanner's pageblock, or below. */
static bool compact_scanners_met(const struct mm_compact_control *cc)
{
	return cc->free_pfn >> MM_PAGEBLOCK_ORDER <= cc->migrate_pfn >> MM_PAGEBLOCK_ORDER;
}

static enum mm_compact_result compact_finished(const struct mm_compact_control *cc)
{
	if (compact_scanners_met(cc)) {
		mm_reset_cached_positions(cc->zone);
		if (cc->direct_compaction)
			cc->zone->compact_blockskip_flush = true;
		return cc->whole_zone ? MM_COMPACTION_COMPLETE : MM_COMPACTION_PARTIAL_SKIPPED;
	}
	if (cc->proactive_compaction)
		return mm_fragmentation_score_zone(cc->zone) > mm_fragmentation_score_wmark(cc->zone->phys, true) ?
			MM_COMPACTION_CONTINUE : MM_COMPACTION_SUCCESS;
	if (cc->order < 0 || !mm_pageblock_aligned(cc->migrate_pfn))
		return MM_COMPACTION_CONTINUE;
	return block_free(cc) ? MM_COMPACTION_SUCCESS : MM_COMPACTION_CONTINUE;
}

/* Where the scanners begin. */
static void set_scanners(struct mm_compact_control *cc)
{
	struct mm_zone *zone = cc->zone;
	mm_pfn_t start = zone->start_pfn, end = mm_zone_end_pfn(zone);

	cc->fast_start_pfn = 0;
	if (cc->whole_zone) {
		cc->migrate_pfn = start;
		cc->free_pfn = mm_pageblock_start_pfn(end - 1);
		return;
	}
	cc->migrate_pfn = zone->compact_cached_migrate_pfn[cc->mode != MM_MIGRATE_ASYNC];
	cc->free_pfn = zone->compact_cached_free_pfn;
	if (cc->free_pfn < start || cc->free_pfn >= end)
		cc->free_pfn = zone->compact_cached_free_pfn = mm_pageblock_start_pfn(end - 1);
	if (cc->migrate_pfn < start || cc->migrate_pfn >= end)
		cc->migrate_pfn = zone->compact_cached_migrate_pfn[0] = zone->compact_cached_migrate_pfn[1] = start;
	if (cc->migrate_pfn <= zone->compact_init_migrate_pfn)
		cc->whole_zone = true;
}

static void lru_add_drain(const struct mm_phys *phys)
{
	if (phys->hooks.movable.lru_add_drain)
		phys->hooks.movable.lru_add_drain(phys->hooks.movable.arg);
}

/* Once the scanner has left a block of the order wanted, its pages must not wait in per-CPU lists. */
static void drain_behind(const struct mm_compact_control *cc, mm_pfn_t *last_migrated)
{
	struct mm_phys *phys = cc->zone->phys;

	if (cc->order <= 0 || !*last_migrated || *last_migrated >= cc->migrate_pfn >> cc->order << cc->order)
		return;
	lru_add_drain(phys);
	mm_drain_zone_pages(cc->zone, &cc->zone->pcp[phys->ctx->cpu]);
	*last_migrated = 0;
}

/* Move what was isolated; true: scan the rest of the pageblock at once, as some of it could not be moved. */
static bool migrate_isolated(struct mm_compact_control *cc, mm_pfn_t *last_migrated, enum mm_compact_result *ret)
{
	int err;

	*last_migrated = mm_pageblock_start_pfn(cc->migrate_pfn - 1);
	if (*last_migrated < cc->zone->start_pfn)
		*last_migrated = cc->zone->start_pfn;
	err = mm_migrate_pages(cc);
	cc->nr_migratepages = 0;
	if (!err)
		return false;
	mm_putback_movable_pages(cc);
	if (err == -ENOMEM && !compact_scanners_met(cc)) {
		*ret = MM_COMPACTION_CONTENDED;
		return false;
	}
	if (mm_pageblock_aligned(cc->migrate_pfn) || cc->ignore_skip_hint || cc->finish_pageblock ||
	    cc->mode == MM_MIGRATE_SYNC)
		return false;
	cc->finish_pageblock = true;
	if (cc->order == COMPACTION_HPAGE_ORDER)
		*last_migrated = 0;
	return true;
}

/* The loop of compact_zone(): isolate, move, until a block is free or the scanners meet. */
static enum mm_compact_result run(struct mm_compact_control *cc)
{
	mm_pfn_t *cached = cc->zone->compact_cached_migrate_pfn, last_migrated = 0;
	bool update_cached = cc->mode == MM_MIGRATE_ASYNC && cached[0] == cached[1];
	const struct mm_capture *capture = &cc->zone->phys->capture;
	enum mm_compact_result ret;

	while ((ret = compact_finished(cc)) == MM_COMPACTION_CONTINUE) {
		bool again;

		cc->finish_pageblock = mm_pageblock_start_pfn(last_migrated) == mm_pageblock_start_pfn(cc->migrate_pfn);
		do {
			again = false;
			mm_isolate_migratepages(cc);
			if (cc->nr_migratepages) {
				update_cached = false;
				again = migrate_isolated(cc, &last_migrated, &ret);
				if (ret == MM_COMPACTION_CONTENDED)
					return ret;
				if (!again && cc->direct_compaction && capture->pfn != MM_PFN_NONE)
					return MM_COMPACTION_SUCCESS;
			} else if (update_cached) {
				cached[1] = cached[0];
			}
		} while (again);
		drain_behind(cc, &last_migrated);
	}
	return ret;
}

/* What a run did, for who listens: the zone, the bytes moved, how it ended. */
static void compact_effect(const struct mm_compact_control *cc, enum mm_compact_result ret)
{
	static const char *const words[] = {
#define X(sym, word) word,
		MM_COMPACT_RESULTS(X)
#undef X
	};
	static const uint8_t lengths[] = {
#define X(sym, word) sizeof(word) - 1,
		MM_COMPACT_RESULTS(X)
#undef X
	};
	struct mm_ctx *ctx = cc->zone->phys->ctx;
	struct mm_event *e = mm_effect(ctx, MM_BY_BUDDY, MM_EV_COMPACT);

	if (!e)
		return;
	e->size = cc->nr_succeeded << MM_PAGE_SHIFT;
	e->present |= MM_TC_BIT(SIZE);
	mm_event_set_word(e, words[ret], lengths[ret]);
}

/* Source: Linux 6.6 mm/compaction.c compact_zone(). */
enum mm_compact_result mm_compact_zone(struct mm_compact_control *cc)
{
	struct mm_zone *zone = cc->zone;
	struct mm_ctx *ctx = zone->phys->ctx;
	enum mm_compact_result ret;

	cc->total_migrate_scanned = cc->total_free_scanned = cc->nr_succeeded = 0;
	cc->nr_migratepages = cc->nr_freepages = 0;
	cc->freepages = cc->migratepages = MM_PAGE_LIST_INIT;
	cc->migratetype = mm_gfp_migratetype(cc->gfp_mask);
	if (cc->order >= 0) {
		if (mm_zone_watermark_ok(zone, (unsigned int)cc->order,
					 mm_wmark_pages(zone, (enum mm_watermark)(cc->alloc_flags & MM_ALLOC_WMARK_MASK)),
					 cc->highest_zoneidx, cc->alloc_flags))
			return MM_COMPACTION_SUCCESS;
		if (!mm_compaction_suitable(zone, cc->order, cc->highest_zoneidx))
			return MM_COMPACTION_SKIPPED;
	}
	if (compaction_restarting(zone, cc->order))
		mm_reset_zone_isolation(zone);
	set_scanners(cc);
	lru_add_drain(zone->phys);
	ret = run(cc);
	if (cc->nr_freepages) {
		mm_pfn_t free_pfn = mm_pageblock_start_pfn(mm_release_freepages(cc));

		if (free_pfn > zone->compact_cached_free_pfn)
			zone->compact_cached_free_pfn = free_pfn;
	}
	mm_count(ctx, MM_COMPACT_MIGRATE_SCANNED, (int64_t)cc->total_migrate_scanned);
	mm_count(ctx, MM_COMPACT_FREE_SCANNED, (int64_t)cc->total_free_scanned);
	compact_effect(cc, ret);
	return ret;
}

/* ---- direct compaction ---- */

static enum mm_compact_result compact_zone_order(struct mm_zone *zone, unsigned int order, mm_gfp_t gfp,
						 enum mm_compact_priority prio, unsigned int alloc_flags,
						 enum mm_zone_type highest, mm_pfn_t *captured)
{
	bool full = prio == MM_MIN_COMPACT_PRIORITY;
	struct mm_compact_control cc = {
		.order = (int)order, .search_order = (int)order, .gfp_mask = gfp, .zone = zone,
		.mode = prio == MM_COMPACT_PRIO_ASYNC ? MM_MIGRATE_ASYNC : MM_MIGRATE_SYNC_LIGHT,
		.alloc_flags = alloc_flags, .highest_zoneidx = highest, .direct_compaction = true,
		.whole_zone = full, .ignore_skip_hint = full, .ignore_block_suitable = full,
	};
	struct mm_capture *capture = &zone->phys->capture;
	enum mm_compact_result ret;

	*capture = (struct mm_capture){ zone, order, MM_PFN_NONE };
	ret = mm_compact_zone(&cc);
	*captured = capture->pfn;
	*capture = (struct mm_capture){ NULL, 0, MM_PFN_NONE };
	return *captured != MM_PFN_NONE ? MM_COMPACTION_SUCCESS : ret;
}

enum mm_compact_result mm_try_to_compact_pages(const struct mm_alloc_context *ac, mm_gfp_t gfp, unsigned int order,
					       unsigned int alloc_flags, enum mm_compact_priority prio, mm_pfn_t *captured)
{
	enum mm_compact_result best = MM_COMPACTION_SKIPPED;

	*captured = MM_PFN_NONE;
	if (!mm_gfp_compaction_allowed(ac->phys, gfp))
		return best;
	for (struct mm_zone *const *z = ac->zonelist; *z; z++) {
		enum mm_compact_result ret = MM_COMPACTION_DEFERRED;

		if (prio == MM_MIN_COMPACT_PRIORITY || !mm_compaction_deferred(*z, (int)order))
			ret = compact_zone_order(*z, order, gfp, prio, alloc_flags,
						 (enum mm_zone_type)ac->highest_zoneidx, captured);
		best = ret > best ? ret : best;
		if (ret == MM_COMPACTION_SUCCESS) {
			mm_compaction_defer_reset(*z, (int)order, false);
			break;
		}
		if (prio != MM_COMPACT_PRIO_ASYNC && (ret == MM_COMPACTION_COMPLETE || ret == MM_COMPACTION_PARTIAL_SKIPPED))
			mm_defer_compaction(*z, (int)order);
	}
	return best;
}
