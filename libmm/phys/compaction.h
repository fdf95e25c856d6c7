/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* phys/compaction.h - making large blocks out of small ones, as the slow path asks for it */
#ifndef PHYS_COMPACTION_H
#define PHYS_COMPACTION_H

#include "phys/internal.h"

enum mm_compact_priority {
	MM_COMPACT_PRIO_SYNC_FULL, MM_COMPACT_PRIO_SYNC_LIGHT, MM_COMPACT_PRIO_ASYNC,
	MM_MIN_COMPACT_PRIORITY = MM_COMPACT_PRIO_SYNC_FULL,
	MM_MIN_COMPACT_COSTLY_PRIORITY = MM_COMPACT_PRIO_SYNC_LIGHT,
	MM_DEF_COMPACT_PRIORITY = MM_COMPACT_PRIO_SYNC_LIGHT,
	MM_INIT_COMPACT_PRIORITY = MM_COMPACT_PRIO_ASYNC,
};

enum mm_compact_result {	/* in the kernel's order: the larger says more */
	MM_CR_NOT_SUITABLE_ZONE, MM_CR_SKIPPED, MM_CR_DEFERRED, MM_CR_NO_SUITABLE_PAGE,
	MM_CR_CONTINUE, MM_CR_COMPLETE, MM_CR_PARTIAL_SKIPPED, MM_CR_CONTENDED, MM_CR_SUCCESS,
};

/* Pages cannot move yet: as with CONFIG_COMPACTION off. */
static inline bool mm_gfp_compaction_allowed(const struct mm_phys *phys, mm_gfp_t gfp)
{
	(void)phys, (void)gfp;
	return false;
}

static inline enum mm_compact_result mm_try_to_compact_pages(const struct mm_alloc_context *ac, mm_gfp_t gfp,
							     unsigned int order, unsigned int alloc_flags,
							     enum mm_compact_priority prio, mm_pfn_t *capture)
{
	(void)ac, (void)gfp, (void)order, (void)alloc_flags, (void)prio, (void)capture;
	return MM_CR_SKIPPED;
}

static inline bool mm_compaction_zonelist_suitable(const struct mm_alloc_context *ac, unsigned int order,
						   unsigned int alloc_flags)
{
	(void)ac, (void)order, (void)alloc_flags;
	return false;
}

static inline void mm_compaction_defer_reset(struct mm_zone *zone, unsigned int order, bool alloc_success)
{
	(void)zone, (void)order, (void)alloc_success;
}

#endif /* PHYS_COMPACTION_H */
