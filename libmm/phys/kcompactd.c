/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * kcompactd: one daemon a node that compacts in the background.
 *
 * kswapd wakes it when it has freed memory for a large order and goes to sleep;
 * so does a request that cannot reclaim where free memory is plenty but in
 * pieces.  Without work it looks every 500 ms of simulated time at the node's
 * fragmentation score, and compacts above the high mark until the low one
 * (vm.compaction_proactiveness); after a try in vain it looks again in 32 s.
 * vm.compact_memory asks for all of it at once.
 *
 * Deviation: it runs when the machine lets it, after the cause of the moment.
 * Model: Linux 6.6 mm/compaction.c.
 */
#include "phys/compaction.h"

#define CHECK_INTERVAL_NS	(UINT64_C(500) * 1000000)
#define DEFER_INTERVAL_NS	(CHECK_INTERVAL_NS << 6)

static bool allocatable(const struct mm_zone *zone, int order, int highest)
{
	return mm_zone_watermark_ok(zone, (unsigned int)order, mm_wmark_pages(zone, MM_WMARK_MIN),
				    (enum mm_zone_type)highest, 0);
}

static bool kcompactd_node_suitable(const struct mm_node *n)
{
	for (int t = 0; t <= n->kcompactd_highest_zoneidx; t++) {
		const struct mm_zone *zone = &n->zones[t];

		if (zone->managed_pages && !allocatable(zone, n->kcompactd_max_order, n->kcompactd_highest_zoneidx) &&
		    mm_compaction_suitable(zone, n->kcompactd_max_order, (enum mm_zone_type)n->kcompactd_highest_zoneidx))
			return true;
	}
	return false;
}

void mm_wakeup_kcompactd(struct mm_phys *phys, struct mm_node *n, int order, int highest_zoneidx)
{
	if (!order || !phys->hooks.movable.isolate)
		return;
	if (n->kcompactd_max_order < order)
		n->kcompactd_max_order = order;
	if (n->kcompactd_highest_zoneidx > highest_zoneidx)
		n->kcompactd_highest_zoneidx = highest_zoneidx;
	if (kcompactd_node_suitable(n))
		phys->kcompactd_woken = n->kcompactd_woken = true;
}

static void count_run(struct mm_ctx *ctx, const struct mm_compact_control *cc)
{
	mm_count(ctx, MM_COMPACT_DAEMON_MIGRATE_SCANNED, (int64_t)cc->total_migrate_scanned);
	mm_count(ctx, MM_COMPACT_DAEMON_FREE_SCANNED, (int64_t)cc->total_free_scanned);
}

static void kcompactd_do_zone(struct mm_compact_control *cc, struct mm_zone *zone)
{
	enum mm_zone_type type = (enum mm_zone_type)zone->type;
	enum mm_compact_result ret;

	if (!zone->managed_pages || mm_compaction_deferred(zone, cc->order) || allocatable(zone, cc->order, (int)type) ||
	    !mm_compaction_suitable(zone, cc->order, type))
		return;
	cc->zone = zone;
	ret = mm_compact_zone(cc);
	if (ret == MM_COMPACTION_SUCCESS) {
		mm_compaction_defer_reset(zone, cc->order, false);
	} else if (ret == MM_COMPACTION_PARTIAL_SKIPPED || ret == MM_COMPACTION_COMPLETE) {
		for (uint32_t cpu = 0; cpu < zone->phys->ctx->nr_cpus; cpu++)
			mm_drain_zone_pages(zone, &zone->pcp[cpu]);
		mm_defer_compaction(zone, cc->order);
	}
	count_run(zone->phys->ctx, cc);
}

static void kcompactd_do_work(struct mm_phys *phys, struct mm_node *n)
{
	struct mm_compact_control cc = {
		.order = n->kcompactd_max_order, .search_order = n->kcompactd_max_order,
		.highest_zoneidx = (enum mm_zone_type)n->kcompactd_highest_zoneidx,
		.mode = MM_MIGRATE_SYNC_LIGHT, .gfp_mask = MM_GFP_KERNEL,
	};

	mm_count(phys->ctx, MM_COMPACT_DAEMON_WAKE, 1);
	for (int t = 0; t <= (int)cc.highest_zoneidx; t++)
		kcompactd_do_zone(&cc, &n->zones[t]);
	n->kcompactd_max_order = 0;
	n->kcompactd_highest_zoneidx = MM_MAX_NR_ZONES - 1;
}

/* Every zone until its score is below the low mark. */
static void proactive_compact_node(struct mm_phys *phys, struct mm_node *n)
{
	struct mm_compact_control cc = {
		.order = -1, .mode = MM_MIGRATE_SYNC_LIGHT, .ignore_skip_hint = true, .whole_zone = true,
		.gfp_mask = MM_GFP_KERNEL, .proactive_compaction = true,
	};

	for (unsigned int t = 0; t < MM_MAX_NR_ZONES; t++) {
		if (!n->zones[t].managed_pages)
			continue;
		cc.zone = &n->zones[t];
		mm_compact_zone(&cc);
		count_run(phys->ctx, &cc);
	}
}

/*
 * All memory, as hard as can be: what writing 1 to vm.compact_memory does.
 * Source: Linux 6.6 mm/compaction.c compact_nodes(), compact_node().
 */
void mm_compact_nodes(struct mm_phys *phys)
{
	struct mm_compact_control cc = {
		.order = -1, .mode = MM_MIGRATE_SYNC, .ignore_skip_hint = true, .whole_zone = true,
		.gfp_mask = MM_GFP_KERNEL,
	};

	if (!phys->hooks.movable.isolate)
		return;
	if (phys->hooks.movable.lru_add_drain_all)
		phys->hooks.movable.lru_add_drain_all(phys->hooks.movable.arg);
	for (uint32_t i = 0; i < phys->nr_zones; i++)
		if (phys->zone_table[i]->managed_pages) {
			cc.zone = phys->zone_table[i];
			mm_compact_zone(&cc);
		}
}

/* The checks that fell due up to now; the next is after it. */
static void proactive_checks(struct mm_phys *phys, struct mm_node *n)
{
	uint64_t now = phys->ctx->now_ns;

	if (!n->proactive_ns)
		n->proactive_ns = now + CHECK_INTERVAL_NS;
	while (n->proactive_ns <= now) {
		unsigned int before = 0;

		if (mm_sysctl(phys->ctx, MM_SYSCTL_COMPACTION_PROACTIVENESS))
			before = mm_fragmentation_score_node(n);
		if (before <= mm_fragmentation_score_wmark(phys, false)) {
			n->proactive_ns = now + CHECK_INTERVAL_NS;	/* nothing changes until the next cause */
			return;
		}
		proactive_compact_node(phys, n);
		if (mm_fragmentation_score_node(n) < before) {
			n->proactive_ns += CHECK_INTERVAL_NS;
		} else {
			n->proactive_ns += DEFER_INTERVAL_NS;
			if (n->proactive_ns <= now)	/* in vain again until the next cause */
				n->proactive_ns = now + CHECK_INTERVAL_NS;
		}
	}
}

void mm_kcompactd(struct mm_phys *phys)
{
	phys->kcompactd_woken = false;
	phys->proactive_ns = UINT64_MAX;
	if (!phys->hooks.movable.isolate)
		return;
	mm_for_each_node(phys, i) {
		struct mm_node *n = phys->nodes[i];

		if (n->kcompactd_woken) {
			n->kcompactd_woken = false;
			kcompactd_do_work(phys, n);
			n->proactive_ns = phys->ctx->now_ns + CHECK_INTERVAL_NS;
		}
		proactive_checks(phys, n);
		if (n->proactive_ns < phys->proactive_ns)
			phys->proactive_ns = n->proactive_ns;
	}
}
