/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Shrinkers: what besides LRU pages gives memory back under pressure.
 *
 * Each call looks at a share of the objects that shrinks with the priority; what was too little to be worth a batch of
 * 128 is remembered for the next one. Model: Linux 6.6 mm/vmscan.c do_shrink_slab(), mm/huge_memory.c
 * deferred_split_scan(). Here only one shrinker has objects: 2M folios that are mapped in part.
 */
#include "cache/deferred_split.h"
#include "cache/lru.h"
#include "cache/memcg.h"
#include "reclaim/internal.h"
#include "virt/rmap.h"

enum { SHRINK_BATCH = 128, DEFAULT_SEEKS = 2 };

/* Folios split; UINT64_MAX: none, and none is left. */
static uint64_t deferred_split_scan(struct mm_reclaim *r, struct mm_memcg *memcg, uint64_t nr_to_scan)
{
	struct mm_page_list *q = &memcg->split_queue;
	uint64_t nr = q->nr < nr_to_scan ? q->nr : nr_to_scan, split = 0;

	while (nr--) {
		mm_pfn_t head = q->head - MM_DEFERRED_LINK;

		mm_page_list_del(r->phys->mem_map, q, q->head);	/* one that cannot be split goes to the end */
		mm_page_list_add_tail(r->phys->mem_map, q, head + MM_DEFERRED_LINK);
		mm_folio_get(r->cache, head);
		split += !mm_split_folio(r->virt, head);
		mm_folio_put(r->cache, head);
	}
	return !split && !q->nr ? UINT64_MAX : split;
}

static int64_t min_i64(int64_t a, int64_t b) { return a < b ? a : b; }

void mm_shrink_slab(struct mm_reclaim *r, uint32_t node, struct mm_memcg *memcg, int priority)
{
	int64_t freeable = (int64_t)memcg->split_queue.nr, nr = memcg->split_nr_deferred[node], scanned = 0, total, delta;

	if (!freeable)
		return;
	delta = (freeable >> priority) * 4 / DEFAULT_SEEKS;
	total = min_i64((nr >> priority) + delta, 2 * freeable);
	while (total >= SHRINK_BATCH || total >= freeable) {
		int64_t batch = min_i64(SHRINK_BATCH, total);

		if (deferred_split_scan(r, memcg, (uint64_t)batch) == UINT64_MAX)
			break;
		mm_count(r->ctx, MM_SLABS_SCANNED, batch);
		total -= batch;
		scanned += batch;
		if (!batch)
			break;
	}
	nr = nr + delta - scanned;
	memcg->split_nr_deferred[node] = nr < 0 ? 0 : min_i64(nr, 2 * freeable);
}
