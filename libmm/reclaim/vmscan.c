/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * reclaim/vmscan.c - a reclaim run: priorities 12 to 0, nodes, memcgs, lists
 *
 * A run wants a number of pages (32, or what kswapd needs).  Priority p looks
 * at 1/2^p of each list; while a round does not give enough the priority falls
 * to 0.  Who runs it: an allocation below the min watermark (direct), a memcg
 * at its limit, kswapd, or memory.reclaim.
 *
 * Disk: what a round over one lruvec writes to swap goes to the device when
 * that round ends, and takes its time (cache/swap_io.c); what a run for a memcg's limit
 * wrote is done when the run ends.
 *
 * Source: Linux 6.6 mm/vmscan.c.  Left out: demotion between nodes, throttling by time.
 */
#include "reclaim/internal.h"

#include <errno.h>
#include <stdlib.h>

#include "base/host_memory.h"
#include "base/minmax.h"

uint64_t mm_zone_reclaimable_pages(const struct mm_reclaim *r, const struct mm_zone *zone)
{
	uint64_t nr = zone->nr_lru[MM_LRU_INACTIVE_FILE] + zone->nr_lru[MM_LRU_ACTIVE_FILE];

	if (mm_can_reclaim_anon_pages(r, NULL))
		nr += zone->nr_lru[MM_LRU_INACTIVE_ANON] + zone->nr_lru[MM_LRU_ACTIVE_ANON];
	return nr ? nr : zone->free_pages;
}

/*
 * Enough was reclaimed: stop the side with less left and scan the other only
 * as far as the first one was scanned, in proportion.
 */
static bool rebalance(uint64_t nr[MM_NR_LRU_LISTS], const uint64_t targets[MM_NR_LRU_LISTS])
{
	uint64_t nr_file = nr[MM_LRU_INACTIVE_FILE] + nr[MM_LRU_ACTIVE_FILE];
	uint64_t nr_anon = nr[MM_LRU_INACTIVE_ANON] + nr[MM_LRU_ACTIVE_ANON];
	unsigned int stop, go;
	uint64_t percentage;

	if (!nr_file || !nr_anon)
		return false;
	stop = nr_file > nr_anon ? MM_LRU_INACTIVE_ANON : MM_LRU_INACTIVE_FILE;
	go = nr_file > nr_anon ? MM_LRU_INACTIVE_FILE : MM_LRU_INACTIVE_ANON;
	percentage = mm_min_u64(nr_file, nr_anon) * 100 / (targets[stop] + targets[stop + MM_LRU_ACTIVE] + 1);
	nr[stop] = nr[stop + MM_LRU_ACTIVE] = 0;
	for (unsigned int lru = go; lru <= go + MM_LRU_ACTIVE; lru++) {
		uint64_t scanned = targets[lru] - nr[lru];

		nr[lru] = targets[lru] * (100 - percentage) / 100;
		nr[lru] -= mm_min_u64(nr[lru], scanned);
	}
	return true;
}

/* Mglru has its own for one lruvec, as a memcg's limit needs it; else @s is begun. */
static void begin_lruvec(struct mm_reclaim *r, struct mm_lruvec *v, struct mm_scan_control *sc, struct mm_lruvec_scan *s)
{
	*s = (struct mm_lruvec_scan){
		.proportional = !mm_cgroup_reclaim(sc) && !r->cache->is_kswapd && sc->priority == MM_DEF_PRIORITY,
	};
	if (mm_lru_gen_enabled(r->cache) && !mm_root_reclaim(r, sc)) {
		mm_lru_gen_shrink_lruvec(r, v, sc);
		s->whole = true;
		return;
	}
	mm_get_scan_count(r, v, sc, s->nr);
	for (int l = 0; l < MM_NR_LRU_LISTS; l++)
		s->targets[l] = s->nr[l];
}

static bool has_enough(struct mm_lruvec_scan *s, const struct mm_scan_control *sc)
{
	return !s->lru && s->reclaimed >= sc->nr_to_reclaim && !s->proportional && !rebalance(s->nr, s->targets);
}

/* A folio of the batch, or 32 pages of the next list that has some; false: there are none, or enough was reclaimed. */
static bool shrink_lruvec_step(struct mm_reclaim *r, struct mm_lruvec *v, struct mm_scan_control *sc, struct mm_lruvec_scan *s)
{
	if (s->batch.under_way) {
		if (mm_folio_scan_step(r, &s->batch, sc))
			return true;
		mm_end_shrink_list(r, v, sc, s);
		return !has_enough(s, sc);
	}
	while (s->lru || s->nr[MM_LRU_INACTIVE_ANON] || s->nr[MM_LRU_ACTIVE_FILE] || s->nr[MM_LRU_INACTIVE_FILE]) {
		enum mm_lru_list lru = (enum mm_lru_list)s->lru;
		uint64_t n = mm_min_u64(s->nr[lru], MM_SWAP_CLUSTER_MAX);

		s->lru = lru < MM_LRU_ACTIVE_FILE ? lru + 1u : 0;
		s->nr[lru] -= n;
		if (n)
			mm_begin_shrink_list(r, lru, n, v, sc, s);
		if (s->batch.under_way)
			return true;
		if (has_enough(s, sc))
			return false;
		if (n)
			return true;
	}
	return false;
}

static void end_lruvec(struct mm_reclaim *r, struct mm_lruvec *v, struct mm_scan_control *sc, const struct mm_lruvec_scan *s)
{
	if (s->whole)
		return;
	mm_swap_io_unplug(r->cache);
	sc->nr_reclaimed += s->reclaimed;
	if (mm_total_swap_pages(r->cache) && mm_inactive_is_low(v, MM_LRU_INACTIVE_ANON))
		mm_shrink_active_list(r, MM_SWAP_CLUSTER_MAX, v, sc, MM_LRU_ACTIVE_ANON);
}

uint64_t mm_mem_cgroup_shrink_node(struct mm_reclaim *r, struct mm_memcg *memcg, mm_gfp_t gfp, uint32_t node, uint64_t *scanned)
{
	struct mm_scan_control sc = {
		.nr_to_reclaim = MM_SWAP_CLUSTER_MAX, .gfp_mask = gfp | MM_GFP_HIGHUSER_MOVABLE, .reclaim_idx = MM_MAX_NR_ZONES - 1,
		.target_mem_cgroup = memcg, .may_writepage = true, .may_unmap = true, .may_swap = true,
	};
	struct mm_lruvec_scan s;

	begin_lruvec(r, memcg->lruvec[node], &sc, &s);
	while (shrink_lruvec_step(r, memcg->lruvec[node], &sc, &s))
		mm_reclaim_cond_resched(r);
	end_lruvec(r, memcg->lruvec[node], &sc, &s);
	*scanned += sc.nr_scanned;
	return sc.nr_reclaimed;
}

/* Protected: nothing is taken from it. */
static bool passed_over(const struct mm_reclaim *r, struct mm_scan_control *sc, struct mm_memcg *m)
{
	struct mm_memcg *target = sc->target_mem_cgroup ? sc->target_mem_cgroup : r->cache->root_mem_cgroup;

	mm_mem_cgroup_calculate_protection(r->cache, target, m);
	if (mm_mem_cgroup_below_min(target, m))
		return true;
	if (!mm_mem_cgroup_below_low(target, m))
		return false;
	if (!sc->memcg_low_reclaim) {
		sc->memcg_low_skipped = true;
		return true;
	}
	mm_memcg_memory_event(m, MM_MEMCG_EV_LOW);
	return false;
}

/* The next step of shrink_node_memcgs(); false: all memcgs have been visited. */
static bool shrink_node_memcgs_step(struct mm_reclaim *r, uint32_t node, struct mm_scan_control *sc, struct mm_node_scan *s)
{
	struct mm_memcg *target = sc->target_mem_cgroup ? sc->target_mem_cgroup : r->cache->root_mem_cgroup;

	if (s->in_lruvec) {
		if (shrink_lruvec_step(r, s->memcg->lruvec[node], sc, &s->lruvec))
			return true;
		end_lruvec(r, s->memcg->lruvec[node], sc, &s->lruvec);
		mm_shrink_slab(r, node, s->memcg, sc->priority);
		s->in_lruvec = false;
	}
	do
		s->memcg = mm_mem_cgroup_iter(target, s->memcg);
	while (s->memcg && passed_over(r, sc, s->memcg));
	if (!s->memcg)
		return false;
	begin_lruvec(r, s->memcg->lruvec[node], sc, &s->lruvec);
	s->in_lruvec = true;
	return true;
}

static bool in_reclaim_compaction(const struct mm_reclaim *r, const struct mm_scan_control *sc)
{
	return mm_gfp_compaction_allowed(r->phys, sc->gfp_mask) && sc->order &&
	       (sc->order > MM_COSTLY_ORDER || sc->priority < MM_DEF_PRIORITY - 2);
}

/* Reclaim for a block goes on until compaction could make one. */
static bool should_continue_reclaim(struct mm_reclaim *r, uint32_t node, uint64_t nr_reclaimed, struct mm_scan_control *sc)
{
	uint64_t inactive = 0;

	if (!in_reclaim_compaction(r, sc) || !nr_reclaimed)
		return false;
	for (unsigned int z = 0; z <= (unsigned int)sc->reclaim_idx; z++) {
		struct mm_zone *zone = &r->phys->nodes[node]->zones[z];

		if (!zone->managed_pages)
			continue;
		if (mm_zone_watermark_ok(zone, (unsigned int)sc->order, mm_wmark_pages(zone, MM_WMARK_MIN), sc->reclaim_idx, 0) ||
		    mm_compaction_suitable(zone, sc->order, sc->reclaim_idx))
			return false;
	}
	for (unsigned int z = 0; z < MM_MAX_NR_ZONES; z++) {
		const struct mm_zone *zone = &r->phys->nodes[node]->zones[z];

		inactive += zone->nr_lru[MM_LRU_INACTIVE_FILE];
		if (mm_can_reclaim_anon_pages(r, NULL))
			inactive += zone->nr_lru[MM_LRU_INACTIVE_ANON];
	}
	return inactive > mm_compact_gap(sc->order);
}

static void end_round(struct mm_reclaim *r, uint32_t node, struct mm_scan_control *sc, struct mm_node_scan *s)
{
	if (sc->nr_reclaimed != s->before)
		s->reclaimable = true;
	if (r->cache->is_kswapd && sc->nr.writeback && sc->nr.writeback == sc->nr.taken)
		r->kswapd[node].pgdat_writeback = true;
	s->in_round = should_continue_reclaim(r, node, sc->nr_reclaimed - s->before, sc);
}

bool mm_shrink_node_step(struct mm_reclaim *r, uint32_t node, struct mm_scan_control *sc, struct mm_node_scan *s)
{
	if (mm_lru_gen_enabled(r->cache) && mm_root_reclaim(r, sc))
		return mm_lru_gen_shrink_node_step(r, node, sc, s);
	if (!s->in_round || !s->memcg) {
		s->in_round = true;
		s->before = sc->nr_reclaimed;
		sc->nr.writeback = sc->nr.taken = 0;
		mm_prepare_scan_count(r, node, sc);
	}
	if (shrink_node_memcgs_step(r, node, sc, s))
		return true;
	end_round(r, node, sc, s);
	if (!s->in_round && s->reclaimable)
		r->kswapd[node].failures = 0;
	return s->in_round;
}

void mm_shrink_node(struct mm_reclaim *r, uint32_t node, struct mm_scan_control *sc)
{
	struct mm_node_scan s = { .memcg = NULL };

	while (mm_shrink_node_step(r, node, sc, &s))
		mm_reclaim_cond_resched(r);
}

/* A zone that compaction can already serve needs no reclaim for a costly order. */
static bool compaction_ready(const struct mm_reclaim *r, const struct mm_zone *zone, const struct mm_scan_control *sc)
{
	unsigned int order = (unsigned int)sc->order;

	if (!mm_gfp_compaction_allowed(r->phys, sc->gfp_mask))
		return false;
	if (mm_zone_watermark_ok(zone, order, mm_wmark_pages(zone, MM_WMARK_MIN), sc->reclaim_idx, 0))
		return true;
	if (!mm_compaction_suitable(zone, sc->order, sc->reclaim_idx))
		return false;
	return mm_zone_watermark_ok(zone, 0, mm_wmark_pages(zone, MM_WMARK_HIGH) + mm_compact_gap(sc->order), sc->reclaim_idx, 0);
}

/* Is it out of what the request may use: by its policy, or because it asks for its own node alone? */
static bool is_out_of_reach(const struct mm_reclaim *r, const struct mm_node *first, const struct mm_node *n,
			    const struct mm_scan_control *sc)
{
	if (mm_cgroup_reclaim(sc))
		return false;
	return mm_node_is_denied(r->phys, n->id) || (sc->gfp_mask & __MM_GFP_THISNODE && n != first);
}

/* Each node of @first's list once, as far as it has a zone that helps. */
static void shrink_zones(struct mm_reclaim *r, const struct mm_node *first, struct mm_scan_control *sc)
{
	for (uint32_t i = 0; i < first->nr_zonelist; i++) {
		const struct mm_node *n = r->phys->nodes[first->zonelist[i]];
		bool shrink = false;

		if (is_out_of_reach(r, first, n, sc))
			continue;
		for (int z = (int)sc->reclaim_idx; z >= 0; z--) {
			if (!n->zones[z].managed_pages)
				continue;
			if (!mm_cgroup_reclaim(sc) && sc->order > MM_COSTLY_ORDER && compaction_ready(r, &n->zones[z], sc)) {
				sc->compaction_ready = true;
				continue;
			}
			shrink = true;
		}
		if (shrink && !mm_cgroup_reclaim(sc))
			sc->nr_reclaimed += mm_soft_limit_reclaim(r, n->id, sc, &sc->nr_scanned);
		if (shrink)
			mm_shrink_node(r, n->id, sc);
	}
}

void mm_snapshot_refaults(struct mm_reclaim *r, struct mm_memcg *memcg, uint32_t node)
{
	struct mm_lruvec *v = (memcg ? memcg : r->cache->root_mem_cgroup)->lruvec[node];

	if (mm_lru_gen_enabled(r->cache))
		return;
	for (unsigned int type = 0; type < MM_ANON_AND_FILE; type++)
		v->refaults[type] = mm_lruvec_activations(v, type);
}

static uint64_t do_try_to_free_pages(struct mm_reclaim *r, const struct mm_node *first, struct mm_scan_control *sc)
{
	int initial = sc->priority;

	for (;;) {
		if (!mm_cgroup_reclaim(sc))
			mm_count(r->ctx, (enum mm_counter)(MM_ALLOCSTALL_DMA + sc->reclaim_idx), 1);
		do {
			sc->nr_scanned = 0;
			shrink_zones(r, first, sc);
			if (sc->nr_reclaimed >= sc->nr_to_reclaim || sc->compaction_ready)
				break;
			if (sc->priority < MM_DEF_PRIORITY - 2)
				sc->may_writepage = true;
		} while (--sc->priority >= 0);
		for (uint32_t i = 0; i < first->nr_zonelist; i++)
			mm_snapshot_refaults(r, sc->target_mem_cgroup, first->zonelist[i]);
		if (sc->nr_reclaimed)
			return sc->nr_reclaimed;
		if (sc->compaction_ready)
			return 1;
		sc->priority = initial;
		if (sc->skipped_deactivate) {
			sc->force_deactivate = true;
			sc->skipped_deactivate = false;
		} else if (sc->memcg_low_skipped) {
			sc->force_deactivate = false;
			sc->memcg_low_reclaim = true;
			sc->memcg_low_skipped = false;
		} else {
			return 0;
		}
	}
}

/* One run with PF_MEMALLOC set: charges made inside are forced. */
static uint64_t run(struct mm_reclaim *r, const struct mm_node *first, struct mm_scan_control *sc)
{
	bool memalloc = r->cache->memalloc;
	struct mm_event *e;
	uint64_t n;

	r->cache->memalloc = true;
	r->phys->memalloc++;
	r->reclaiming = true;
	n = do_try_to_free_pages(r, first, sc);
	if (mm_cgroup_reclaim(sc))
		mm_swap_io_finish(r->cache);
	r->reclaiming = false;
	r->phys->memalloc--;
	r->cache->memalloc = memalloc;
	e = mm_effect(r->ctx, MM_BY_RECLAIM, MM_EV_DIRECT_RECLAIM);
	if (e) {
		e->size = n << MM_PAGE_SHIFT;
		e->present |= MM_TC_BIT(SIZE);
	}
	return n;
}

static uint64_t try_to_free_pages(void *arg, struct mm_node *node, mm_gfp_t gfp, unsigned int order)
{
	struct mm_reclaim *r = arg;
	struct mm_scan_control sc = {
		.nr_to_reclaim = MM_SWAP_CLUSTER_MAX, .gfp_mask = gfp, .order = (int)order,
		.reclaim_idx = mm_gfp_zone(gfp), .priority = MM_DEF_PRIORITY,
		.may_writepage = true, .may_unmap = true, .may_swap = true,
	};

	if (r->reclaiming)
		return 0;
	if (!mm_allow_direct_reclaim(r, node->id)) {
		mm_count(r->ctx, MM_PGSCAN_DIRECT_THROTTLE, 1);
		mm_turns_throttle(r, node->id);
	}
	return run(r, node, &sc);
}

static uint64_t try_to_free_mem_cgroup_pages(void *arg, struct mm_memcg *memcg, uint64_t nr_pages, mm_gfp_t gfp,
					     unsigned int options)
{
	struct mm_reclaim *r = arg;
	struct mm_scan_control sc = {
		.nr_to_reclaim = mm_max_u64(nr_pages, MM_SWAP_CLUSTER_MAX),
		.gfp_mask = gfp | MM_GFP_HIGHUSER_MOVABLE, .reclaim_idx = MM_MAX_NR_ZONES - 1,
		.target_mem_cgroup = memcg, .priority = MM_DEF_PRIORITY, .may_writepage = true, .may_unmap = true,
		.may_swap = options & MM_MEMCG_RECLAIM_MAY_SWAP, .proactive = options & MM_MEMCG_RECLAIM_PROACTIVE,
	};

	if (!(gfp & __MM_GFP_FS))
		sc.gfp_mask &= ~(mm_gfp_t)__MM_GFP_FS;
	if (!(gfp & __MM_GFP_IO))
		sc.gfp_mask &= ~(mm_gfp_t)__MM_GFP_IO;
	if (r->reclaiming)
		return 0;
	for (uint32_t n = 0; n < MM_MAX_NODES; n++)
		if (r->phys->nodes[n] && r->phys->nodes[n]->nr_zonelist)
			return run(r, r->phys->nodes[n], &sc);
	return 0;
}

uint64_t mm_memory_reclaim(struct mm_reclaim *r, struct mm_memcg *m, uint64_t nr_pages)
{
	uint64_t done = 0;

	for (int retries = MM_MAX_RECLAIM_RETRIES; done < nr_pages && retries >= 0; ) {
		uint64_t want = nr_pages - done < MM_SWAP_CLUSTER_MAX ? nr_pages - done : MM_SWAP_CLUSTER_MAX, n;

		if (!retries)
			mm_lru_add_drain_all(r->cache);
		n = try_to_free_mem_cgroup_pages(r, m, want, MM_GFP_KERNEL, MM_MEMCG_RECLAIM_MAY_SWAP | MM_MEMCG_RECLAIM_PROACTIVE);
		if (!n)
			retries--;
		done += n;
	}
	return done;
}

static uint64_t reclaimable_pages(void *arg, struct mm_zone *zone) { return mm_zone_reclaimable_pages(arg, zone); }

int mm_reclaim_new(struct mm_reclaim **rp, struct mm_ctx *ctx, struct mm_phys *phys, struct mm_cache *cache, struct mm_virt *virt)
{
	struct mm_reclaim *r = mm_host_calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->ctx = ctx;
	r->phys = phys;
	r->cache = cache;
	r->virt = virt;
	for (uint32_t n = 0; n < MM_MAX_NODES; n++)
		r->kswapd[n].highest_zoneidx = MM_MAX_NR_ZONES;
	mm_turns_init(r);
	phys->hooks = (struct mm_phys_hooks){
		.arg = r, .wakeup_kswapd = mm_wakeup_kswapd, .try_to_free_pages = try_to_free_pages,
		.out_of_memory = mm_out_of_memory_hook, .reclaimable_pages = reclaimable_pages, .movable = phys->hooks.movable,
	};
	cache->hooks = (struct mm_cache_hooks){
		.arg = r, .try_to_free_mem_cgroup_pages = try_to_free_mem_cgroup_pages,
		.mem_cgroup_out_of_memory = mm_mem_cgroup_out_of_memory_hook,
	};
	*rp = r;
	return 0;
}

void mm_reclaim_free(struct mm_reclaim *r)
{
	if (!r)
		return;
	r->phys->hooks = (struct mm_phys_hooks){ .movable = r->phys->hooks.movable };
	r->cache->hooks = (struct mm_cache_hooks){ 0 };
	free(r);
}

void mm_reclaim_set_oom_ops(struct mm_reclaim *r, const struct mm_oom_ops *ops) { r->oom = *ops; }

bool mm_reclaim_is_consistent(const struct mm_reclaim *r) { return !r->reclaiming && mm_cache_is_consistent(r->cache); }
