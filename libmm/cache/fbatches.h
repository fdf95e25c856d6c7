/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cache/fbatches.h - what a CPU keeps to itself between pages and LRU lists, memcgs and charges
 */
#ifndef CACHE_FBATCHES_H
#define CACHE_FBATCHES_H

#include "cache/lru.h"

struct mm_folio_batch {
	uint32_t nr;
	mm_pfn_t folios[MM_PAGEVEC_SIZE];
	uint8_t kind[MM_PAGEVEC_SIZE];		/* of the mlock batch: MM_MLOCK_* */
};
enum { MM_MLOCK_LRU, MM_MLOCK_NEW, MM_MLOCK_UN };

enum mm_fbatch {
	MM_FBATCH_ADD, MM_FBATCH_ROTATE, MM_FBATCH_DEACTIVATE_FILE, MM_FBATCH_DEACTIVATE,
	MM_FBATCH_LAZYFREE, MM_FBATCH_ACTIVATE,
	MM_NR_FBATCHES
};

struct mm_cpu_fbatches {
	struct mm_folio_batch lru[MM_NR_FBATCHES];	/* in the order a drain empties them */
	struct mm_folio_batch mlock;
	struct mm_memcg *stock;			/* memcg_stock_pcp: pages charged ahead */
	uint32_t stock_pages;
	struct mm_memcg *cached_objcg;		/* the same of objects: whose charged bytes these are, NULL nobody's */
	uint32_t nr_bytes;
	int32_t slab_bytes[2];			/* by enum mm_memcg_slab: objects that its counters are not told of yet */
};

static inline struct mm_cpu_fbatches *mm_this_cpu_fbatches(struct mm_cache *c) { return &c->fbatches[c->ctx->cpu]; }

#endif /* CACHE_FBATCHES_H */
