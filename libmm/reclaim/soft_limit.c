/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * reclaim/soft_limit.c - memory cgroups of v1 beyond their soft limits give first when the machine is short of memory
 *
 * Before kswapd and direct reclaim look at a node, the memcg that is farthest beyond its soft limit there loses pages, it and those below
 * it in turn, 32 of each with nothing spared, until it is within its limit or a quarter of the excess is reclaimed.
 *
 * Source: Linux 6.6 mm/memcontrol.c mem_cgroup_soft_limit_reclaim(), mem_cgroup_soft_reclaim().
 */
#include "cache/memcg_v1.h"
#include "reclaim/internal.h"

enum { MAX_RECLAIM_LOOPS = 100, MAX_SOFT_LIMIT_RECLAIM_LOOPS = 2 };

static uint64_t soft_reclaim(struct mm_reclaim *r, struct mm_memcg *root, uint32_t node, mm_gfp_t gfp, uint64_t *total_scanned)
{
	uint64_t excess = mm_soft_limit_excess(root), total = 0;
	struct mm_memcg *victim = NULL;

	for (int loop = 0; ; ) {
		victim = mm_soft_limit_iter(root, victim, node);
		if (!victim) {
			loop++;
			if (loop >= 2 && (!total || total >= excess >> 2 || loop > MAX_RECLAIM_LOOPS))
				break;
			continue;
		}
		total += mm_mem_cgroup_shrink_node(r, victim, gfp, node, total_scanned);
		if (!mm_soft_limit_excess(root))
			break;
	}
	return total;
}

uint64_t mm_soft_limit_reclaim(struct mm_reclaim *r, uint32_t node, const struct mm_scan_control *sc, uint64_t *total_scanned)
{
	struct mm_memcg *next = NULL;
	uint64_t total = 0;

	if (!r->cache->nr_over_soft_limit[node] || mm_lru_gen_enabled(r->cache) || sc->order > 0)
		return 0;
	for (int loop = 1; ; loop++) {
		struct mm_memcg *m = next ? next : mm_soft_limit_largest(r->cache, node);
		uint64_t n;

		if (!m)
			break;
		n = soft_reclaim(r, m, node, sc->gfp_mask, total_scanned);
		total += n;
		next = n ? NULL : mm_soft_limit_largest(r->cache, node);
		mm_soft_limit_insert(r->cache, m, node);
		if (total || !next || loop > MAX_SOFT_LIMIT_RECLAIM_LOOPS)
			break;
	}
	return total;
}
