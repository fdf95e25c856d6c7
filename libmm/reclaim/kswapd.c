/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * reclaim/kswapd.c - one daemon a node that keeps its zones above the high watermark
 *
 * Allocations wake it below the low watermark and say for which order and
 * zone.  The machine lets it run after each event, or when a direct reclaimer
 * is throttled; it works until a zone it was woken for is balanced, or has
 * failed 16 times.
 *
 * Source: Linux 6.6 mm/vmscan.c kswapd(), balance_pgdat(), wakeup_kswapd().
 */
#include "reclaim/internal.h"

static bool pgdat_balanced(const struct mm_node *n, int order, int highest)
{
	bool any = false;

	for (int z = 0; z <= highest && z < MM_MAX_NR_ZONES; z++) {
		const struct mm_zone *zone = &n->zones[z];

		if (!zone->managed_pages)
			continue;
		any = true;
		if (mm_zone_watermark_ok(zone, (unsigned int)order, mm_wmark_pages(zone, MM_WMARK_HIGH), (enum mm_zone_type)highest, 0))
			return true;
	}
	return !any;
}

static bool pgdat_watermark_boosted(const struct mm_node *n, int highest)
{
	for (int z = 0; z <= highest && z < MM_MAX_NR_ZONES; z++)
		if (n->zones[z].managed_pages && n->zones[z].watermark_boost)
			return true;
	return false;
}

void mm_wakeup_kswapd(void *arg, struct mm_zone *zone, mm_gfp_t gfp, unsigned int order, enum mm_zone_type highest)
{
	struct mm_reclaim *r = arg;
	struct mm_kswapd *k = &r->kswapd[zone->node];
	struct mm_node *n = r->phys->nodes[zone->node];

	if (!zone->managed_pages)
		return;
	if (k->highest_zoneidx == MM_MAX_NR_ZONES || k->highest_zoneidx < (int)highest)
		k->highest_zoneidx = (int)highest;
	if (k->order < (int)order)
		k->order = (int)order;
	if (k->woken)
		return;
	if (k->failures >= MM_MAX_RECLAIM_RETRIES ||
	    (pgdat_balanced(n, (int)order, (int)highest) && !pgdat_watermark_boosted(n, (int)highest))) {
		/* Memory may be plenty but in pieces. */
		if (!(gfp & __MM_GFP_DIRECT_RECLAIM))
			mm_wakeup_kcompactd(r->phys, n, (int)order, (int)highest);
		return;
	}
	k->woken = r->kswapd_woken = true;
	if (r->ctx->fx)
		mm_effect(r->ctx, MM_BY_RECLAIM, MM_EV_KSWAPD_WAKE);
}

bool mm_allow_direct_reclaim(struct mm_reclaim *r, uint32_t node)
{
	const struct mm_node *n = r->phys->nodes[node];
	struct mm_kswapd *k = &r->kswapd[node];
	uint64_t reserve = 0, free = 0;

	if (k->failures >= MM_MAX_RECLAIM_RETRIES)
		return true;
	for (int z = 0; z <= MM_ZONE_NORMAL; z++) {
		const struct mm_zone *zone = &n->zones[z];

		if (!zone->managed_pages || !mm_zone_reclaimable_pages(r, zone))
			continue;
		reserve += mm_wmark_pages(zone, MM_WMARK_MIN);
		free += zone->free_pages;
	}
	if (!reserve || free > reserve / 2)
		return true;
	if (k->highest_zoneidx > MM_ZONE_NORMAL)
		k->highest_zoneidx = MM_ZONE_NORMAL;
	k->woken = r->kswapd_woken = true;
	return false;
}

static void kswapd_age_node(struct mm_reclaim *r, const struct mm_node *n, struct mm_scan_control *sc)
{
	struct mm_memcg *root = r->cache->root_mem_cgroup;

	if (mm_lru_gen_enabled(r->cache)) {
		mm_lru_gen_age_node(r, n->id, sc);
		return;
	}
	if (!mm_total_swap_pages(r->cache) || !mm_inactive_is_low(r, root->lruvec[n->id], MM_LRU_INACTIVE_ANON))
		return;
	for (struct mm_memcg *m = NULL; (m = mm_mem_cgroup_iter(root, m)) != NULL; )
		mm_shrink_active_list(r, MM_SWAP_CLUSTER_MAX, m->lruvec[n->id], sc, MM_LRU_ACTIVE_ANON);
}

/* True: enough was scanned for the high watermarks, the priority need not fall. */
static bool kswapd_shrink_node(struct mm_reclaim *r, const struct mm_node *n, struct mm_scan_control *sc)
{
	uint64_t before = sc->nr_reclaimed, progress;

	sc->nr_to_reclaim = 0;
	for (int z = 0; z <= (int)sc->reclaim_idx; z++) {
		uint64_t high = mm_wmark_pages(&n->zones[z], MM_WMARK_HIGH);

		if (n->zones[z].managed_pages)
			sc->nr_to_reclaim += high > MM_SWAP_CLUSTER_MAX ? high : MM_SWAP_CLUSTER_MAX;
	}
	mm_shrink_node(r, n->id, sc);
	if (sc->order && sc->nr_reclaimed >= mm_compact_gap(sc->order))
		sc->order = 0;
	progress = sc->nr_reclaimed - before;
	return (sc->nr_scanned > progress ? sc->nr_scanned : progress) >= sc->nr_to_reclaim;
}

static void set_reclaim_active(struct mm_node *n, int highest, bool active)
{
	for (int z = 0; z <= highest; z++)
		n->zones[z].reclaim_active = active;
}

/* The loop of balance_pgdat(): priorities 12 to 1, begun again without the boost when the zones need more. */
static void balance(struct mm_reclaim *r, struct mm_node *n, struct mm_scan_control *sc, int highest, uint64_t boost)
{
	set_reclaim_active(n, highest, true);
	sc->priority = MM_DEF_PRIORITY;
	do {
		uint64_t before = sc->nr_reclaimed, got;
		bool raise = true, balanced = pgdat_balanced(n, sc->order, highest);

		sc->reclaim_idx = (enum mm_zone_type)highest;
		if (!balanced && boost) {
			boost = 0;
			sc->priority = MM_DEF_PRIORITY;
			continue;
		}
		if (!boost && balanced)
			return;
		if (boost && sc->priority == MM_DEF_PRIORITY - 2)
			raise = false;
		sc->may_writepage = sc->may_swap = !boost;
		kswapd_age_node(r, n, sc);
		if (sc->priority < MM_DEF_PRIORITY - 2)
			sc->may_writepage = true;
		sc->nr_scanned = 0;
		if (kswapd_shrink_node(r, n, sc))
			raise = false;
		got = sc->nr_reclaimed - before;
		boost -= boost < got ? boost : got;
		if (boost && !got)
			break;
		if (raise || !got)
			sc->priority--;
	} while (sc->priority >= 1);
	if (!sc->nr_reclaimed)
		r->kswapd[n->id].failures++;
}

static int balance_pgdat(struct mm_reclaim *r, struct mm_node *n, int order, int highest)
{
	struct mm_scan_control sc = { .gfp_mask = MM_GFP_KERNEL, .order = order, .may_unmap = true };
	uint64_t boosts[MM_MAX_NR_ZONES] = { 0 }, boost = 0;

	mm_count(r->ctx, MM_PAGEOUTRUN, 1);
	for (int z = 0; z <= highest; z++) {
		boosts[z] = n->zones[z].managed_pages ? n->zones[z].watermark_boost : 0;
		boost += boosts[z];
	}
	balance(r, n, &sc, highest, boost);
	set_reclaim_active(n, highest, false);
	for (int z = 0; z <= highest; z++)
		n->zones[z].watermark_boost -= n->zones[z].watermark_boost < boosts[z] ? n->zones[z].watermark_boost : boosts[z];
	if (boost)
		mm_wakeup_kcompactd(r->phys, n, MM_PAGEBLOCK_ORDER, highest);
	mm_snapshot_refaults(r, NULL, n->id);
	return sc.order;
}

static void kswapd(struct mm_reclaim *r, struct mm_node *n)
{
	struct mm_kswapd *k = &r->kswapd[n->id];
	int highest = k->highest_zoneidx < MM_MAX_NR_ZONES ? k->highest_zoneidx : MM_MAX_NR_ZONES - 1;
	int order, alloc_order;

	do {
		alloc_order = order = k->order;
		if (k->highest_zoneidx < MM_MAX_NR_ZONES)
			highest = k->highest_zoneidx;
		k->order = 0;
		k->highest_zoneidx = MM_MAX_NR_ZONES;
		order = balance_pgdat(r, n, order, highest);
	} while (k->failures < MM_MAX_RECLAIM_RETRIES && !pgdat_balanced(n, order, highest));
	mm_reset_isolation_suitable(n);
	mm_wakeup_kcompactd(r->phys, n, alloc_order, highest);
	mm_swap_io_finish(r->cache);
	k->pgdat_dirty = k->pgdat_writeback = false;
	k->woken = false;
	if (r->ctx->fx)
		mm_effect(r->ctx, MM_BY_RECLAIM, MM_EV_KSWAPD_SLEEP);
}

bool mm_kswapd_is_woken(const struct mm_reclaim *r) { return r && r->kswapd_woken && !r->reclaiming; }

void mm_kswapd_run(struct mm_reclaim *r)
{
	struct mm_cache *c = r->cache;
	bool memalloc = c->memalloc, in_fault = c->in_lru_fault;

	if (!mm_kswapd_is_woken(r))
		return;
	r->kswapd_woken = false;
	for (uint32_t i = 0; i < MM_MAX_NODES; i++) {
		if (!r->kswapd[i].woken || !r->phys->nodes[i])
			continue;
		c->memalloc = c->is_kswapd = r->reclaiming = true;
		c->in_lru_fault = false;
		r->phys->memalloc++;
		kswapd(r, r->phys->nodes[i]);
		r->phys->memalloc--;
		c->memalloc = memalloc;
		c->in_lru_fault = in_fault;
		c->is_kswapd = r->reclaiming = false;
	}
}
