/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * When no zone is above its low watermark: the slow path.
 *
 *	wake kswapd; try down to the min watermark, with what reserves the request has
 *	costly (order > 3) or not movable blocks: compact, without waiting
 *	again, until something gives:
 *		wake kswapd; try; requests that cannot wait fail here
 *		reclaim, drain the per-CPU lists
 *		compact; costly requests fail here, unless __GFP_RETRY_MAYFAIL
 *		enough could still be reclaimed: once more (16 rounds without progress)
 *		compaction may still help: once more, harder each time
 *		the OOM killer
 *
 * Reclaim, kswapd, the OOM killer and moving pages are hooks (struct mm_phys_hooks).
 *
 * Deviation: where the kernel would wait for others for ever (__GFP_NOFAIL with
 * nothing left to free, an OOM killer that frees nothing) the request fails.
 */
#include <stddef.h>

#include "phys/compaction.h"

enum { MAX_RECLAIM_RETRIES = 16, MAX_COMPACT_RETRIES = 16, MAX_ROUNDS = 4096 };

struct slowpath {
	struct mm_alloc_context *ac;
	struct mm_phys *phys;
	mm_gfp_t gfp;
	unsigned int order, alloc_flags;
	int no_progress_loops;
	uint64_t did_some_progress;
	bool can_compact;
	enum mm_compact_priority compact_priority;
	enum mm_compact_result compact_result;
	int compaction_retries;
};

static bool costly(const struct slowpath *sp) { return sp->order > MM_PAGE_ALLOC_COSTLY_ORDER; }

static mm_pfn_t get_page(const struct slowpath *sp)
{
	return mm_get_page_from_freelist(sp->ac, sp->gfp, sp->order, sp->alloc_flags);
}

/* Once a node, for its first zone on the list.  Source: Linux 6.6 mm/page_alloc.c wake_all_kswapds(). */
static void wake_all_kswapds(const struct slowpath *sp)
{
	const struct mm_phys_hooks *hooks = &sp->phys->hooks;
	uint32_t last = MM_MAX_NODES;

	for (struct mm_zone *const *z = sp->ac->zonelist; hooks->wakeup_kswapd && *z; z++) {
		if (!(*z)->managed_pages || (*z)->node == last)
			continue;
		hooks->wakeup_kswapd(hooks->arg, *z, sp->gfp, sp->order, (enum mm_zone_type)sp->ac->highest_zoneidx);
		last = (*z)->node;
	}
}

/* Source: Linux 6.6 mm/page_alloc.c gfp_to_alloc_flags(). */
unsigned int mm_gfp_to_alloc_flags(mm_gfp_t gfp, unsigned int order)
{
	unsigned int flags = MM_ALLOC_WMARK_MIN | MM_ALLOC_CPUSET | (gfp & (__MM_GFP_HIGH | __MM_GFP_KSWAPD_RECLAIM));

	if (!(gfp & __MM_GFP_DIRECT_RECLAIM)) {
		if (!(gfp & __MM_GFP_NOMEMALLOC)) {
			flags |= MM_ALLOC_NON_BLOCK;
			if (order > 0)
				flags |= MM_ALLOC_HIGHATOMIC;
		}
		if (flags & MM_ALLOC_MIN_RESERVE)
			flags &= ~(unsigned int)MM_ALLOC_CPUSET;
	}
	return mm_gfp_migratetype(gfp) == MM_MIGRATE_MOVABLE ? flags | MM_ALLOC_CMA : flags;
}

/* Reserves for code that frees memory and for victims of the OOM killer.  Source: __gfp_pfmemalloc_flags(). */
static unsigned int __gfp_pfmemalloc_flags(const struct slowpath *sp)
{
	if (sp->gfp & __MM_GFP_NOMEMALLOC)
		return 0;
	if (sp->gfp & __MM_GFP_MEMALLOC || sp->phys->memalloc)
		return MM_ALLOC_NO_WATERMARKS;
	return sp->phys->oom_victim ? MM_ALLOC_OOM : 0;
}

/* Source: Linux 6.6 mm/page_alloc.c __alloc_pages_direct_reclaim(). */
static mm_pfn_t __alloc_pages_direct_reclaim(struct slowpath *sp)
{
	const struct mm_phys_hooks *hooks = &sp->phys->hooks;
	mm_pfn_t pfn;

	sp->did_some_progress = 0;
	if (hooks->try_to_free_pages) {
		sp->phys->memalloc++;
		sp->did_some_progress = hooks->try_to_free_pages(hooks->arg, sp->ac->node, sp->gfp, sp->order);
		sp->phys->memalloc--;
	}
	if (!sp->did_some_progress)
		return MM_PFN_NONE;
	pfn = get_page(sp);
	if (pfn == MM_PFN_NONE) {
		mm_unreserve_highatomic_pageblock(sp->ac, false);
		mm_drain_all_pages(sp->phys);
		pfn = get_page(sp);
	}
	return pfn;
}

/* Source: Linux 6.6 mm/page_alloc.c __alloc_pages_direct_compact(). */
static mm_pfn_t __alloc_pages_direct_compact(struct slowpath *sp, enum mm_compact_priority prio)
{
	struct mm_ctx *ctx = sp->phys->ctx;
	mm_pfn_t pfn;

	if (!sp->order)
		return MM_PFN_NONE;
	sp->phys->memalloc++;
	sp->compact_result = mm_try_to_compact_pages(sp->ac, sp->gfp, sp->order, sp->alloc_flags, prio, &pfn);
	sp->phys->memalloc--;
	if (sp->compact_result == MM_COMPACTION_SKIPPED)
		return MM_PFN_NONE;
	mm_count(ctx, MM_COMPACT_STALL, 1);
	if (pfn != MM_PFN_NONE) {
		*mm_page(sp->phys, pfn) = (struct mm_page){ 0 };
		mm_prep_new_page(sp->phys, pfn, sp->order, sp->gfp);
	} else {
		pfn = get_page(sp);
	}
	if (pfn == MM_PFN_NONE) {
		mm_count(ctx, MM_COMPACT_FAIL, 1);
		return pfn;
	}
	mm_page_zone(sp->phys, pfn)->compact_blockskip_flush = false;
	mm_compaction_defer_reset(mm_page_zone(sp->phys, pfn), (int)sp->order, true);
	mm_count(ctx, MM_COMPACT_SUCCESS, 1);
	return pfn;
}

/* Costly blocks may well be made of the pages there are, and unmovable ones had better not spoil another pageblock. */
static mm_pfn_t compact_first(struct slowpath *sp, bool *again)
{
	mm_pfn_t pfn;

	if (!(sp->gfp & __MM_GFP_DIRECT_RECLAIM) || !sp->can_compact || __gfp_pfmemalloc_flags(sp) || !sp->order ||
	    (!costly(sp) && sp->ac->migratetype == MM_MIGRATE_MOVABLE))
		return MM_PFN_NONE;
	pfn = __alloc_pages_direct_compact(sp, MM_INIT_COMPACT_PRIORITY);
	if (costly(sp) && sp->gfp & __MM_GFP_NORETRY) {
		/* It had no free pages to work with, or failed lately: reclaim would cost more than the block is worth. */
		if (sp->compact_result == MM_COMPACTION_SKIPPED || sp->compact_result == MM_COMPACTION_DEFERRED)
			*again = false;
		sp->compact_priority = MM_INIT_COMPACT_PRIORITY;
	}
	return pfn;
}

/* Source: Linux 6.6 mm/page_alloc.c should_compact_retry(). */
static bool should_compact_retry(struct slowpath *sp)
{
	int max_retries = costly(sp) ? MAX_COMPACT_RETRIES / 4 : MAX_COMPACT_RETRIES;

	if (!sp->order || !sp->did_some_progress || !sp->can_compact)
		return false;
	if (sp->compact_result == MM_COMPACTION_SKIPPED)
		return mm_compaction_zonelist_suitable(sp->ac, sp->order);
	if (sp->compact_result == MM_COMPACTION_SUCCESS && ++sp->compaction_retries <= max_retries)
		return true;
	if (sp->compact_priority <= (costly(sp) ? MM_MIN_COMPACT_COSTLY_PRIORITY : MM_MIN_COMPACT_PRIORITY))
		return false;
	sp->compact_priority--;
	sp->compaction_retries = 0;
	return true;
}

/* Would the request succeed if all that can be reclaimed were?  Source: should_reclaim_retry(). */
static bool should_reclaim_retry(struct slowpath *sp)
{
	const struct mm_phys_hooks *hooks = &sp->phys->hooks;

	if (sp->did_some_progress && !costly(sp))
		sp->no_progress_loops = 0;
	else
		sp->no_progress_loops++;
	for (struct mm_zone *const *z = sp->ac->zonelist; *z && sp->no_progress_loops <= MAX_RECLAIM_RETRIES; z++) {
		uint64_t available = (*z)->free_pages;

		if (hooks->reclaimable_pages)
			available += hooks->reclaimable_pages(hooks->arg, *z);
		if (mm_zone_watermark_ok_free(*z, sp->order, mm_wmark_pages(*z, MM_WMARK_MIN),
					      (enum mm_zone_type)sp->ac->highest_zoneidx, sp->alloc_flags, (int64_t)available))
			return true;
	}
	return mm_unreserve_highatomic_pageblock(sp->ac, true);
}

/* Source: Linux 6.6 mm/page_alloc.c __alloc_pages_may_oom(). */
static mm_pfn_t __alloc_pages_may_oom(struct slowpath *sp)
{
	const struct mm_phys_hooks *hooks = &sp->phys->hooks;
	mm_pfn_t pfn;

	sp->did_some_progress = 0;
	pfn = mm_get_page_from_freelist(sp->ac, (sp->gfp | __MM_GFP_HARDWALL) & ~__MM_GFP_DIRECT_RECLAIM, sp->order,
					MM_ALLOC_WMARK_HIGH | MM_ALLOC_CPUSET);
	if (pfn != MM_PFN_NONE || costly(sp) || sp->gfp & (__MM_GFP_RETRY_MAYFAIL | __MM_GFP_THISNODE) ||
	    sp->ac->highest_zoneidx < MM_ZONE_NORMAL)
		return pfn;
	if (hooks->out_of_memory && hooks->out_of_memory(hooks->arg, sp->gfp, sp->order))
		sp->did_some_progress = 1;
	else if (!(sp->gfp & __MM_GFP_NOFAIL))
		return MM_PFN_NONE;
	if (sp->gfp & __MM_GFP_NOFAIL)
		pfn = mm_get_page_from_freelist(sp->ac, sp->gfp, sp->order, MM_ALLOC_NO_WATERMARKS);
	return pfn;
}

/* One round of reclaim.  @again: worth another. */
static mm_pfn_t slowpath_round(struct slowpath *sp, bool *again)
{
	unsigned int reserve = __gfp_pfmemalloc_flags(sp);
	mm_pfn_t pfn;

	*again = false;
	if (sp->alloc_flags & MM_ALLOC_KSWAPD)
		wake_all_kswapds(sp);
	if (reserve)
		sp->alloc_flags = reserve | (sp->alloc_flags & MM_ALLOC_KSWAPD) |
				  (sp->ac->migratetype == MM_MIGRATE_MOVABLE ? MM_ALLOC_CMA : 0);
	pfn = get_page(sp);
	if (pfn != MM_PFN_NONE || !(sp->gfp & __MM_GFP_DIRECT_RECLAIM) || sp->phys->memalloc)
		return pfn;
	pfn = __alloc_pages_direct_reclaim(sp);
	if (pfn == MM_PFN_NONE)
		pfn = __alloc_pages_direct_compact(sp, sp->compact_priority);
	if (pfn != MM_PFN_NONE || sp->gfp & __MM_GFP_NORETRY ||
	    (costly(sp) && (!sp->can_compact || !(sp->gfp & __MM_GFP_RETRY_MAYFAIL))))
		return pfn;
	*again = should_reclaim_retry(sp) || should_compact_retry(sp);
	if (*again)
		return MM_PFN_NONE;
	pfn = __alloc_pages_may_oom(sp);
	if (pfn != MM_PFN_NONE)
		return pfn;
	if (sp->phys->oom_victim && (sp->alloc_flags & MM_ALLOC_OOM || sp->gfp & __MM_GFP_NOMEMALLOC))
		return MM_PFN_NONE;
	*again = sp->did_some_progress;
	if (*again)
		sp->no_progress_loops = 0;
	return MM_PFN_NONE;
}

/* Source: Linux 6.6 mm/page_alloc.c __alloc_pages_slowpath(). */
mm_pfn_t mm_alloc_pages_slowpath(struct mm_alloc_context *ac, mm_gfp_t gfp, unsigned int order)
{
	struct slowpath sp = {
		.ac = ac, .phys = ac->phys, .gfp = gfp, .order = order, .can_compact = mm_gfp_compaction_allowed(ac->phys, gfp),
		.compact_priority = MM_DEF_COMPACT_PRIORITY, .compact_result = MM_COMPACTION_SKIPPED,
	};
	mm_pfn_t pfn;
	bool again = true;

	sp.alloc_flags = mm_gfp_to_alloc_flags(gfp, order);
	if (sp.alloc_flags & MM_ALLOC_KSWAPD)
		wake_all_kswapds(&sp);
	pfn = get_page(&sp);
	if (pfn == MM_PFN_NONE)
		pfn = compact_first(&sp, &again);
	for (int rounds = 0; pfn == MM_PFN_NONE && again && rounds < MAX_ROUNDS; rounds++)
		pfn = slowpath_round(&sp, &again);
	if (pfn == MM_PFN_NONE && gfp & __MM_GFP_NOFAIL && gfp & __MM_GFP_DIRECT_RECLAIM)
		pfn = mm_get_page_from_freelist(ac, gfp, order, MM_ALLOC_MIN_RESERVE);
	return pfn;
}
