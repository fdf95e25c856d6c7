/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * reclaim/internal.h - between the files of reclaim: one reclaim run, the node daemons
 */
#ifndef RECLAIM_INTERNAL_H
#define RECLAIM_INTERNAL_H

#include "cache/memcg.h"
#include "cache/swap.h"
#include "cache/workingset.h"
#include "phys/compaction.h"
#include "reclaim/eevdf.h"
#include "reclaim/reclaim.h"

enum { MM_DEF_PRIORITY = 12, MM_COSTLY_ORDER = 3 };
enum { MM_DEACTIVATE_ANON = 1, MM_DEACTIVATE_FILE = 2 };

/* struct scan_control: what one run wants, may do, and has done */
struct mm_scan_control {
	uint64_t nr_to_reclaim;
	struct mm_memcg *target_mem_cgroup;	/* NULL: the machine is short of memory */
	uint64_t anon_cost, file_cost;
	mm_gfp_t gfp_mask;
	int order, priority;
	enum mm_zone_type reclaim_idx;		/* highest zone whose pages help */
	unsigned int may_deactivate;		/* MM_DEACTIVATE_* */
	bool force_deactivate, skipped_deactivate;
	bool may_writepage, may_unmap, may_swap, proactive;
	bool memcg_low_reclaim, memcg_low_skipped;
	bool cache_trim_mode, file_is_tiny, compaction_ready;
	uint64_t nr_scanned, nr_reclaimed;
	struct {				/* of the round: pages taken off lists, and those that were being written */
		uint64_t writeback, taken;
	} nr;
};

/* struct reclaim_stat: of one shrink_folio_list() */
struct mm_reclaim_stat {
	uint64_t nr_unqueued_dirty, nr_writeback, nr_pageout;
	uint64_t nr_activate[MM_ANON_AND_FILE];
};

/*
 * Where a reclaimer stands in a batch: folios off the LRU of which it takes one after another.  It may lose the CPU in between;
 * what it frees is free when the batch is done.
 */
struct mm_folio_scan {
	struct mm_page_list folios, kept, freed;	/* to come, to go back, to be freed */
	struct mm_reclaim_stat stat;
	uint64_t nr_reclaimed;
	uint32_t node;
	bool ignore_references;
	bool under_way;
};
/* ... in one lruvec ... */
struct mm_lruvec_scan {
	uint64_t nr[MM_NR_LRU_LISTS], targets[MM_NR_LRU_LISTS], reclaimed;	/* classic lists */
	unsigned int lru;			/* the next one */
	bool proportional;
	bool whole;				/* done when it was begun */
	uint64_t swappiness, scanned;		/* MGLRU */
	int64_t nr_to_scan;
	bool aged;				/* its last batch made a generation instead */
	struct mm_folio_scan batch;
	struct {				/* of the batch */
		uint64_t scanned, taken;
		bool file, skip_retry;
	} of;
};
/* ... and in one node: all zero before the first step. */
struct mm_node_scan {
	struct mm_lruvec_scan lruvec;
	struct mm_memcg *memcg;			/* the lruvec's; NULL before the first and after the last */
	bool in_round, in_lruvec, reclaimable;
	uint64_t before;			/* sc->nr_reclaimed when the round began */
	struct {				/* MGLRU: the walk of bins (shrink_many()) */
		struct mm_lruvec *pos;		/* where it stands; NULL: before the bin */
		unsigned int gen, bin, first_bin;
		enum mm_memcg_lru_op op;	/* what becomes of s->memcg when it goes on */
	} many;
};

/* kswapd's own place: it may be left in the middle of its work and come back to it. */
enum mm_kswapd_at { MM_KSWAPD_ASLEEP, MM_KSWAPD_WAKES, MM_KSWAPD_ROUND, MM_KSWAPD_SHRINKS, MM_KSWAPD_DONE };

struct mm_kswapd {				/* of one node */
	bool woken;
	int order;
	int highest_zoneidx;			/* MM_MAX_NR_ZONES: nothing asked */
	uint32_t failures;
	bool pgdat_writeback;			/* PGDAT_WRITEBACK */
	/* balance_pgdat() under way */
	enum mm_kswapd_at at;
	int highest, alloc_order;
	struct mm_scan_control sc;
	struct mm_node_scan scan;
	uint64_t boosts[MM_MAX_NR_ZONES], boost;
	uint64_t before;			/* sc.nr_reclaimed when the round began */
	uint64_t before_shrink;			/* and after soft limits */
	bool raise;
};

struct mm_turns {				/* turns.c */
	struct mm_rq rq;
	uint64_t now;			/* so far the clock has been looked at */
	uint64_t tick_at, other_at, read_done_at;	/* UINT64_MAX: not to come */
	bool throttled;			/* the task sleeps until kswapd of this node has freed enough */
	uint32_t throttled_by;
	bool wants_bio[2];		/* the task, kswapd: sleeps until a write to swap is done */
	bool kswapd_by_turns;		/* it has the CPU, and may leave it */
	uint64_t ahead_ns;		/* with more CPUs: what kswapd's last step took beyond the task's time */
};

struct mm_reclaim {
	struct mm_ctx *ctx;
	struct mm_phys *phys;
	struct mm_cache *cache;
	struct mm_virt *virt;
	struct mm_oom_ops oom;
	struct mm_kswapd kswapd[MM_MAX_NODES];
	uint32_t nr_kswapds;		/* beyond these none has been woken */
	bool kswapd_woken;		/* one of them may be */
	struct mm_turns turns;
	int64_t faults_seen, majors_seen, pgpgin_seen;	/* up to here they took their time */
	uint64_t clock_seen, now_seen;
	uint64_t resched_ns;		/* of the row's time, what went by in and between batches of direct reclaim */
	bool reclaiming;			/* a run is under way: hooks do nothing */
	uint64_t oom_rs_begin_ns;		/* __ratelimit() of reports: the interval, how many in it */
	uint32_t oom_rs_printed, oom_rs_missed;
	bool panicked;
};

static inline bool mm_cgroup_reclaim(const struct mm_scan_control *sc) { return sc->target_mem_cgroup; }
static inline bool mm_root_reclaim(const struct mm_reclaim *r, const struct mm_scan_control *sc)
{
	return !sc->target_mem_cgroup || sc->target_mem_cgroup == r->cache->root_mem_cgroup;
}
static inline struct mm_lruvec *mm_target_lruvec(const struct mm_reclaim *r, const struct mm_scan_control *sc, uint32_t node)
{
	struct mm_memcg *m = sc->target_mem_cgroup ? sc->target_mem_cgroup : r->cache->root_mem_cgroup;

	return m->lruvec[node];
}
/*
 * PGSCAN_KSWAPD or PGSCAN_DIRECT, and PGSTEAL_ likewise: who reclaims (reclaimer_offset()).  /proc/vmstat has what a
 * memcg's limit reclaims under anon and file only, the memcg under both.
 */
static inline void mm_count_reclaimer(struct mm_reclaim *r, const struct mm_scan_control *sc, const struct mm_lruvec *v, bool steal,
				      uint64_t n)
{
	enum mm_counter c = r->cache->is_kswapd ? steal ? MM_PGSTEAL_KSWAPD : MM_PGSCAN_KSWAPD
						: steal ? MM_PGSTEAL_DIRECT : MM_PGSCAN_DIRECT;

	mm_memcg_count(v->memcg, c, (int64_t)n);
	if (!mm_cgroup_reclaim(sc))
		mm_count(r->ctx, c, (int64_t)n);
}
static inline void mm_count_refill(struct mm_reclaim *r, const struct mm_scan_control *sc, const struct mm_lruvec *v, uint64_t n)
{
	mm_memcg_count(v->memcg, MM_PGREFILL, (int64_t)n);
	mm_memcg_rstat_updated(r->ctx, (int64_t)n);
	if (!mm_cgroup_reclaim(sc))
		mm_count_node_only(r->ctx, MM_PGREFILL, (int64_t)n);
}

/* folio_list.c */
void mm_begin_folio_scan(struct mm_folio_scan *s, const struct mm_page_list *folios, uint32_t node, bool ignore_references);
/*
 * shrink_folio_list(), a folio a step while kswapd is awake, else all at once; false: the batch is done, what goes back is in s->kept,
 * newest at the head.
 */
bool mm_folio_scan_step(struct mm_reclaim *r, struct mm_folio_scan *s, struct mm_scan_control *sc);
void mm_reclaim_effect_add(struct mm_reclaim *r, enum mm_event_type type, mm_pfn_t pfn, uint64_t result);
static inline void mm_reclaim_effect(struct mm_reclaim *r, enum mm_event_type type, mm_pfn_t pfn, uint64_t result)
{
	if (r->ctx->fx)
		mm_reclaim_effect_add(r, type, pfn, result);
}

/* lists.c: the classic lists */
void mm_begin_shrink_list(struct mm_reclaim *r, enum mm_lru_list lru, uint64_t nr_to_scan, struct mm_lruvec *v,
			  struct mm_scan_control *sc, struct mm_lruvec_scan *s);
void mm_end_shrink_list(struct mm_reclaim *r, struct mm_lruvec *v, struct mm_scan_control *sc, struct mm_lruvec_scan *s);
void mm_shrink_active_list(struct mm_reclaim *r, uint64_t nr_to_scan, struct mm_lruvec *v, struct mm_scan_control *sc,
			   enum mm_lru_list lru);
uint64_t mm_move_folios_to_lru(struct mm_reclaim *r, struct mm_lruvec *v, struct mm_page_list *list);

/* scan_count.c */
bool mm_inactive_is_low(const struct mm_lruvec *v, enum mm_lru_list inactive_lru);
void mm_prepare_scan_count(struct mm_reclaim *r, uint32_t node, struct mm_scan_control *sc);
void mm_get_scan_count(struct mm_reclaim *r, struct mm_lruvec *v, struct mm_scan_control *sc, uint64_t nr[MM_NR_LRU_LISTS]);
bool mm_can_reclaim_anon_pages(const struct mm_reclaim *r, const struct mm_memcg *memcg);
/* Not more than what it is guaranteed: nothing of it is taken; also when it holds nothing. @target NULL: the root. */
static inline bool mm_mem_cgroup_below_min(const struct mm_memcg *target, const struct mm_memcg *m)
{
	return m->parent && m != target && m->emin >= m->usage;
}
static inline bool mm_mem_cgroup_below_low(const struct mm_memcg *target, const struct mm_memcg *m)
{
	return m->parent && m != target && m->elow >= m->usage;
}
void mm_mem_cgroup_protection(const struct mm_memcg *root, const struct mm_memcg *m, uint64_t *min, uint64_t *low);

/* vmscan.c */
void mm_shrink_node(struct mm_reclaim *r, uint32_t node, struct mm_scan_control *sc);
/* A batch of it; false: it is done. */
bool mm_shrink_node_step(struct mm_reclaim *r, uint32_t node, struct mm_scan_control *sc, struct mm_node_scan *s);
/* 32 pages of a memcg's own on the node, all of its lists looked at (mem_cgroup_shrink_node()); adds to *@scanned */
uint64_t mm_mem_cgroup_shrink_node(struct mm_reclaim *r, struct mm_memcg *memcg, mm_gfp_t gfp, uint32_t node, uint64_t *scanned);
void mm_snapshot_refaults(struct mm_reclaim *r, struct mm_memcg *memcg, uint32_t node);
uint64_t mm_zone_reclaimable_pages(const struct mm_reclaim *r, const struct mm_zone *zone);

/* soft_limit.c: pages reclaimed from memcgs of v1 that are beyond their soft limits; adds to *@total_scanned */
uint64_t mm_soft_limit_reclaim(struct mm_reclaim *r, uint32_t node, const struct mm_scan_control *sc, uint64_t *total_scanned);

/* kswapd.c */
void mm_wakeup_kswapd(void *arg, struct mm_zone *zone, mm_gfp_t gfp, unsigned int order, enum mm_zone_type highest);
void mm_kswapd_step(struct mm_reclaim *r);	/* one batch by each kswapd that is awake */
bool mm_allow_direct_reclaim(struct mm_reclaim *r, uint32_t node);

/* turns.c */
void mm_turns_init(struct mm_reclaim *r);
void mm_reclaim_cond_resched(struct mm_reclaim *r);	/* a direct reclaimer has done a folio and may lose the CPU to kswapd */
void mm_turns_wake_kswapd(struct mm_reclaim *r);
void mm_turns_wait_for_bio(struct mm_reclaim *r);	/* who reclaims sleeps until there is an object for its write to swap */
void mm_turns_throttle(struct mm_reclaim *r, uint32_t node);	/* until a round of its kswapd allows direct reclaim, or it sleeps */

/* mglru*.c */
void mm_lru_gen_shrink_lruvec(struct mm_reclaim *r, struct mm_lruvec *v, struct mm_scan_control *sc);
bool mm_lru_gen_shrink_node_step(struct mm_reclaim *r, uint32_t node, struct mm_scan_control *sc, struct mm_node_scan *s);
void mm_lru_gen_age_node(struct mm_reclaim *r, uint32_t node, struct mm_scan_control *sc);

/* oom.c */
bool mm_out_of_memory_hook(void *arg, mm_gfp_t gfp, unsigned int order);
void mm_kswapd_out_of_memory(struct mm_reclaim *r, uint32_t node, mm_gfp_t gfp);	/* the working set of min_ttl does not fit */
bool mm_mem_cgroup_out_of_memory_hook(void *arg, struct mm_memcg *memcg, mm_gfp_t gfp, unsigned int order);

/* shrinker.c: of one memcg on one node (shrink_slab()); objects freed */
uint64_t mm_shrink_slab(struct mm_reclaim *r, uint32_t node, struct mm_memcg *memcg, int priority);

#endif /* RECLAIM_INTERNAL_H */
