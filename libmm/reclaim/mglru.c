/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * reclaim/mglru.c - MGLRU: when to age and when to evict
 *
 * Hot pages are found by the reverse mapping (each used entry that reclaim
 * meets has its neighbours looked at) and, with bit 1 of lru_gen, by a walk of
 * page tables before each new generation.
 * Whom global reclaim visits is in mglru_memcg.c.
 *
 * Source: Linux 6.6 mm/vmscan.c.
 */
#include "base/minmax.h"
#include "reclaim/mglru.h"

/* A plain 1 is "on" with all that the CPU offers, as writing y is; 5 is the core without walks. */
bool mm_lru_gen_cap(const struct mm_reclaim *r, enum mm_lru_gen_cap cap)
{
	int64_t caps = mm_sysctl(r->ctx, MM_SYSCTL_LRU_GEN);

	return caps == 1 || (caps & cap);
}

static uint64_t get_swappiness(const struct mm_reclaim *r, const struct mm_lruvec *v, const struct mm_scan_control *sc)
{
	if (!sc->may_swap || mm_mem_cgroup_get_nr_swap_pages(r->cache, v->memcg) < MM_MIN_LRU_BATCH)
		return 0;
	return (uint64_t)mm_mem_cgroup_swappiness(r->cache, v->memcg);
}

static uint64_t gen_size(const struct mm_lruvec *v, uint64_t seq, unsigned int type)
{
	const int64_t *nr = v->lrugen.nr_pages[mm_lru_gen_from_seq(seq)][type];
	uint64_t size = 0;

	for (unsigned int z = 0; z < MM_MAX_NR_ZONES; z++)
		size += nr[z] > 0 ? (uint64_t)nr[z] : 0;
	return size;
}

/* Too few cold pages, or too many hot ones. */
static bool should_run_aging(const struct mm_lruvec *v, const struct mm_scan_control *sc, bool can_swap, uint64_t *nr_to_scan)
{
	const struct mm_lru_gen_folio *g = &v->lrugen;
	uint64_t old = 0, young = 0, total = 0;

	*nr_to_scan = 0;
	if (g->min_seq[!can_swap] + MM_MIN_NR_GENS > g->max_seq)
		return true;
	for (unsigned int type = !can_swap; type < MM_ANON_AND_FILE; type++)
		for (uint64_t seq = g->min_seq[type]; seq <= g->max_seq; seq++) {
			uint64_t size = gen_size(v, seq, type);

			total += size;
			if (seq == g->max_seq)
				young += size;
			else if (seq + MM_MIN_NR_GENS == g->max_seq)
				old += size;
		}
	*nr_to_scan = v->memcg->offline ? total : total >> sc->priority;
	if (v->memcg->offline)		/* all of it, nobody uses it again */
		return false;
	if (g->min_seq[!can_swap] + MM_MIN_NR_GENS < g->max_seq)
		return false;
	return young * MM_MIN_NR_GENS > total || old * (MM_MIN_NR_GENS + 2) < total;
}

/* Pages to look at; -1: this lruvec has been aged or is protected, try others. */
static int64_t get_nr_to_scan(struct mm_reclaim *r, struct mm_lruvec *v, const struct mm_scan_control *sc, bool can_swap)
{
	uint64_t nr;

	if (mm_mem_cgroup_below_min(sc->target_mem_cgroup, v->memcg))
		return -1;
	if (!should_run_aging(v, sc, can_swap, &nr) || sc->priority == MM_DEF_PRIORITY)
		return (int64_t)nr;
	if (mm_lru_gen_cap(r, MM_LRU_GEN_MM_WALK)) {
		r->cache->has_mm_walk = true;
		mm_lru_gen_walk(r, v, can_swap);
	}
	mm_inc_max_seq(r, v, can_swap);
	return -1;
}

bool mm_lru_gen_should_abort_scan(const struct mm_reclaim *r, const struct mm_lruvec *v, const struct mm_scan_control *sc)
{
	const struct mm_node *n = r->phys->nodes[v->node];
	uint64_t goal = mm_max_u64(sc->nr_to_reclaim, mm_compact_gap(sc->order));

	if (!mm_root_reclaim(r, sc))
		return false;
	if (sc->nr_reclaimed >= goal)
		return true;
	if (!r->cache->is_kswapd || sc->order)
		return false;
	for (unsigned int z = 0; z <= (unsigned int)sc->reclaim_idx; z++) {
		const struct mm_zone *zone = &n->zones[z];

		if (zone->managed_pages && !mm_zone_watermark_ok(zone, 0, mm_wmark_pages(zone, MM_WMARK_HIGH) + MM_MIN_LRU_BATCH,
								 sc->reclaim_idx, 0))
			return false;
	}
	return true;
}

void mm_lru_gen_begin_lruvec(const struct mm_reclaim *r, const struct mm_lruvec *v, const struct mm_scan_control *sc,
			     struct mm_lruvec_scan *s)
{
	*s = (struct mm_lruvec_scan){ .swappiness = get_swappiness(r, v, sc) };
	if (s->swappiness && !(sc->gfp_mask & __MM_GFP_IO))
		s->swappiness = 1;
}

bool mm_lru_gen_shrink_lruvec_step(struct mm_reclaim *r, struct mm_lruvec *v, struct mm_scan_control *sc, struct mm_lruvec_scan *s)
{
	if (s->batch.under_way) {
		if (mm_evict_folios_step(r, v, sc, s))
			return true;
	} else {
		s->nr_to_scan = get_nr_to_scan(r, v, sc, s->swappiness != 0);
		s->aged = s->nr_to_scan < 0;
		if (s->nr_to_scan <= 0)
			return false;
		mm_begin_evict_folios(r, v, sc, s);
		if (s->batch.under_way)
			return true;
	}
	s->scanned += s->of.scanned;
	return s->of.scanned && s->scanned < (uint64_t)s->nr_to_scan && !mm_lru_gen_should_abort_scan(r, v, sc);
}

void mm_lru_gen_shrink_lruvec(struct mm_reclaim *r, struct mm_lruvec *v, struct mm_scan_control *sc)
{
	struct mm_lruvec_scan s;

	mm_lru_add_drain(r->cache);
	r->cache->has_mm_walk = sc->proactive;
	mm_lru_gen_begin_lruvec(r, v, sc, &s);
	while (mm_lru_gen_shrink_lruvec_step(r, v, sc, &s))
		;
	if (s.aged)
		mm_lru_gen_rotate_memcg(r->cache, v, MM_MEMCG_LRU_YOUNG);
	mm_swap_io_unplug(r->cache);
	r->cache->has_mm_walk = false;
}

static unsigned int fls(uint64_t x) { return x ? 64 - (unsigned int)__builtin_clzll(x) : 0; }

/* (total >> priority) * inactive / total = what is wanted */
void mm_lru_gen_set_initial_priority(const struct mm_reclaim *r, uint32_t node, struct mm_scan_control *sc)
{
	uint64_t reclaimable = 0;
	int priority;

	if (sc->priority != MM_DEF_PRIORITY || sc->nr_to_reclaim < MM_MIN_LRU_BATCH)
		return;
	for (unsigned int z = 0; z < MM_MAX_NR_ZONES; z++) {
		const struct mm_zone *zone = &r->phys->nodes[node]->zones[z];

		reclaimable += zone->nr_lru[MM_LRU_INACTIVE_FILE];
		if (mm_can_reclaim_anon_pages(r, NULL))
			reclaimable += zone->nr_lru[MM_LRU_INACTIVE_ANON];
	}
	priority = (int)fls(reclaimable) - 1 - (int)fls(sc->nr_to_reclaim - 1);
	sc->priority = priority < MM_DEF_PRIORITY / 2 ? MM_DEF_PRIORITY / 2 : priority > MM_DEF_PRIORITY ? MM_DEF_PRIORITY : priority;
}

bool mm_lruvec_is_sizable(const struct mm_reclaim *r, const struct mm_lruvec *v, const struct mm_scan_control *sc)
{
	bool can_swap = get_swappiness(r, v, sc);
	uint64_t total = 0;

	for (unsigned int type = !can_swap; type < MM_ANON_AND_FILE; type++)
		for (uint64_t seq = v->lrugen.min_seq[type]; seq <= v->lrugen.max_seq; seq++)
			total += gen_size(v, seq, type);
	return v->memcg->offline ? total : total >> sc->priority;
}

/* min_ttl: is any working set old enough to give pages? */
static bool lruvec_is_reclaimable(const struct mm_reclaim *r, const struct mm_lruvec *v, const struct mm_scan_control *sc, uint64_t ttl_ns)
{
	if (mm_mem_cgroup_below_min(NULL, v->memcg) || !mm_lruvec_is_sizable(r, v, sc))
		return false;
	return r->ctx->now_ns > v->lrugen.timestamps[mm_lru_gen_from_seq(v->lrugen.min_seq[1])] + ttl_ns;
}

void mm_lru_gen_age_node(struct mm_reclaim *r, uint32_t node, struct mm_scan_control *sc)
{
	struct mm_memcg *root = r->cache->root_mem_cgroup;
	uint64_t ttl_ms = (uint64_t)mm_sysctl(r->ctx, MM_SYSCTL_LRU_GEN_MIN_TTL_MS);
	bool reclaimable = !ttl_ms;

	mm_lru_gen_set_initial_priority(r, node, sc);
	for (struct mm_memcg *m = NULL; (m = mm_mem_cgroup_iter(root, m)) != NULL; ) {
		mm_mem_cgroup_calculate_protection(r->cache, root, m);
		if (!reclaimable)
			reclaimable = lruvec_is_reclaimable(r, m->lruvec[node], sc,
							    ttl_ms > UINT64_MAX / 1000000 ? UINT64_MAX / 2 : ttl_ms * 1000000);
	}
	if (!reclaimable)
		mm_kswapd_out_of_memory(r, node, sc->gfp_mask);
}
