/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * reclaim/kswapd.c - one daemon a node that keeps its zones above the high watermark
 *
 * Allocations wake it below the low watermark and say for which order and
 * zone.  It works until a zone it was woken for is balanced, or has
 * failed 16 times, a batch of pages a step: who takes the steps, and when, is in
 * turns.c, or a direct reclaimer that is throttled.
 *
 *   asleep -> wakes -> round -> shrinks (a step a batch) -> round ... -> done -> asleep, or wakes
 *
 * Source: Linux 6.6 mm/vmscan.c kswapd(), balance_pgdat(), wakeup_kswapd().
 */
#include "base/minmax.h"
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

static void wake(struct mm_reclaim *r, uint32_t node)
{
	r->kswapd[node].woken = r->kswapd_woken = true;
	if (r->nr_kswapds <= node)
		r->nr_kswapds = node + 1;
	mm_turns_wake_kswapd(r);
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
	wake(r, zone->node);
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
	wake(r, node);
	return false;
}

static void kswapd_age_node(struct mm_reclaim *r, const struct mm_node *n, struct mm_scan_control *sc)
{
	struct mm_memcg *root = r->cache->root_mem_cgroup;

	if (mm_lru_gen_enabled(r->cache)) {
		mm_lru_gen_age_node(r, n->id, sc);
		return;
	}
	if (!mm_total_swap_pages(r->cache) || !mm_inactive_is_low(root->lruvec[n->id], MM_LRU_INACTIVE_ANON))
		return;
	for (struct mm_memcg *m = NULL; (m = mm_mem_cgroup_iter(root, m)) != NULL; )
		mm_shrink_active_list(r, MM_SWAP_CLUSTER_MAX, m->lruvec[n->id], sc, MM_LRU_ACTIVE_ANON);
}

static void begin_shrink(struct mm_reclaim *r, struct mm_kswapd *k, const struct mm_node *n)
{
	uint64_t soft_scanned = 0;	/* does not count */

	k->sc.nr_scanned = 0;
	k->sc.nr_reclaimed += mm_soft_limit_reclaim(r, n->id, &k->sc, &soft_scanned);
	k->before_shrink = k->sc.nr_reclaimed;
	k->sc.nr_to_reclaim = 0;
	for (int z = 0; z <= (int)k->sc.reclaim_idx; z++) {
		uint64_t high = mm_wmark_pages(&n->zones[z], MM_WMARK_HIGH);

		if (n->zones[z].managed_pages)
			k->sc.nr_to_reclaim += mm_max_u64(high, MM_SWAP_CLUSTER_MAX);
	}
	k->scan = (struct mm_node_scan){ .memcg = NULL };
	k->at = MM_KSWAPD_SHRINKS;
}

static void set_reclaim_active(struct mm_node *n, int highest, bool active)
{
	for (int z = 0; z <= highest; z++)
		n->zones[z].reclaim_active = active;
}

/* balance_pgdat() begins: what is asked by now is its task. */
static void begin_balance(struct mm_reclaim *r, struct mm_kswapd *k, struct mm_node *n)
{
	if (k->highest_zoneidx < MM_MAX_NR_ZONES)
		k->highest = k->highest_zoneidx;
	k->alloc_order = k->order;
	k->order = 0;
	k->highest_zoneidx = MM_MAX_NR_ZONES;
	k->sc = (struct mm_scan_control){
		.gfp_mask = MM_GFP_KERNEL, .order = k->alloc_order, .may_unmap = true, .priority = MM_DEF_PRIORITY,
	};
	mm_count(r->ctx, MM_PAGEOUTRUN, 1);
	k->boost = 0;
	for (int z = 0; z <= k->highest; z++) {
		k->boosts[z] = n->zones[z].managed_pages ? n->zones[z].watermark_boost : 0;
		k->boost += k->boosts[z];
	}
	set_reclaim_active(n, k->highest, true);
	k->at = MM_KSWAPD_ROUND;
}

/* The top of the loop of balance_pgdat(): priorities 12 to 1, begun again without the boost when the zones need more. */
static void begin_round(struct mm_reclaim *r, struct mm_kswapd *k, const struct mm_node *n)
{
	bool balanced = pgdat_balanced(n, k->sc.order, k->highest);

	k->before = k->sc.nr_reclaimed;
	k->sc.reclaim_idx = (enum mm_zone_type)k->highest;
	if (!balanced && k->boost) {
		k->boost = 0;
		k->sc.priority = MM_DEF_PRIORITY;
		return;
	}
	if (!k->boost && balanced) {
		k->at = MM_KSWAPD_DONE;
		return;
	}
	k->raise = !k->boost || k->sc.priority != MM_DEF_PRIORITY - 2;
	k->sc.may_writepage = k->sc.may_swap = !k->boost;
	kswapd_age_node(r, n, &k->sc);
	if (k->sc.priority < MM_DEF_PRIORITY - 2)
		k->sc.may_writepage = true;
	begin_shrink(r, k, n);
}

/* The bottom of it.  Enough was scanned for the high watermarks: the priority need not fall. */
static void end_round(struct mm_kswapd *k)
{
	struct mm_scan_control *sc = &k->sc;
	uint64_t got = sc->nr_reclaimed - k->before, shrunk = sc->nr_reclaimed - k->before_shrink;

	if (sc->order && sc->nr_reclaimed >= mm_compact_gap(sc->order))
		sc->order = 0;
	if (mm_max_u64(sc->nr_scanned, shrunk) >= sc->nr_to_reclaim)
		k->raise = false;
	k->boost -= mm_min_u64(k->boost, got);
	if (k->raise || !got)
		sc->priority--;
	k->at = sc->priority < 1 || (k->boost && !got) ? MM_KSWAPD_DONE : MM_KSWAPD_ROUND;
	if (k->at == MM_KSWAPD_DONE && !sc->nr_reclaimed)
		k->failures++;
}

static void end_balance(struct mm_reclaim *r, struct mm_kswapd *k, struct mm_node *n)
{
	bool boosted = false;

	set_reclaim_active(n, k->highest, false);
	for (int z = 0; z <= k->highest; z++) {
		boosted |= k->boosts[z];
		n->zones[z].watermark_boost -= mm_min_u64(n->zones[z].watermark_boost, k->boosts[z]);
	}
	if (boosted)
		mm_wakeup_kcompactd(r->phys, n, MM_PAGEBLOCK_ORDER, k->highest);
	mm_snapshot_refaults(r, NULL, n->id);
	if (k->failures < MM_MAX_RECLAIM_RETRIES && !pgdat_balanced(n, k->sc.order, k->highest)) {
		k->at = MM_KSWAPD_WAKES;
		return;
	}
	mm_reset_isolation_suitable(n);
	mm_wakeup_kcompactd(r->phys, n, k->alloc_order, k->highest);
	k->pgdat_writeback = false;
	k->woken = false;
	k->at = MM_KSWAPD_ASLEEP;
	mm_effect(r->ctx, MM_BY_RECLAIM, MM_EV_KSWAPD_SLEEP);
}

static void step(struct mm_reclaim *r, struct mm_kswapd *k, struct mm_node *n)
{
	switch (k->at) {
	case MM_KSWAPD_ASLEEP:
		k->highest = MM_MAX_NR_ZONES - 1;
		k->at = MM_KSWAPD_WAKES;
		break;
	case MM_KSWAPD_WAKES:
		begin_balance(r, k, n);
		break;
	case MM_KSWAPD_ROUND:
		begin_round(r, k, n);
		break;
	case MM_KSWAPD_SHRINKS:
		if (!mm_shrink_node_step(r, n->id, &k->sc, &k->scan))
			end_round(k);
		break;
	case MM_KSWAPD_DONE:
		end_balance(r, k, n);
		break;
	}
}

bool mm_kswapd_is_woken(const struct mm_reclaim *r) { return r && r->kswapd_woken && !r->reclaiming; }

void mm_kswapd_step(struct mm_reclaim *r)
{
	struct mm_cache *c = r->cache;
	bool memalloc = c->memalloc, in_fault = c->in_lru_fault, walk = c->has_mm_walk;

	if (!mm_kswapd_is_woken(r))
		return;
	r->kswapd_woken = false;
	for (uint32_t i = 0; i < r->nr_kswapds; i++) {
		if (!r->kswapd[i].woken || !r->phys->nodes[i])
			continue;
		c->memalloc = c->is_kswapd = c->has_mm_walk = r->reclaiming = true;
		c->in_lru_fault = false;
		r->phys->memalloc++;
		step(r, &r->kswapd[i], r->phys->nodes[i]);
		r->phys->memalloc--;
		c->memalloc = memalloc;
		c->in_lru_fault = in_fault;
		c->has_mm_walk = walk;
		c->is_kswapd = r->reclaiming = false;
		r->kswapd_woken |= r->kswapd[i].woken;
	}
}

void mm_kswapd_run(struct mm_reclaim *r)
{
	while (mm_kswapd_is_woken(r))
		mm_kswapd_step(r);
}
