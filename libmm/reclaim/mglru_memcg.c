/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * reclaim/mglru_memcg.c - MGLRU under global reclaim: from which memcg
 *
 * A node's reclaim walks the bins of the old generation of memcgs (cache/memcg_lru.h) until it has enough:
 *
 *	below memory.min			-> young
 *	below memory.low, first time		-> end of a bin, reclaimed the second time
 *	aged (no cold pages were left)		-> young
 *	gave what it could, too small or offline -> end of a bin the first time, then young
 *	gave, and has more			-> stays
 *
 * What a visit came to is done when the walk goes on, so that one that goes to a bin still ahead, or to the end of this one,
 * is met again in the same walk.
 *
 * Source: Linux 6.6 mm/vmscan.c shrink_one(), shrink_many(), lru_gen_shrink_node().
 */
#include "reclaim/mglru.h"

/* May @m give? MM_MEMCG_LRU_NOP: yes, else where it goes unseen. */
static enum mm_memcg_lru_op passed_over(struct mm_memcg *m, uint32_t node)
{
	if (mm_mem_cgroup_below_min(NULL, m))
		return MM_MEMCG_LRU_YOUNG;
	if (!mm_mem_cgroup_below_low(NULL, m))
		return MM_MEMCG_LRU_NOP;
	if (m->lruvec[node]->memcg_lru.seg != MM_MEMCG_LRU_TAIL)
		return MM_MEMCG_LRU_TAIL;
	mm_memcg_memory_event(m, MM_MEMCG_EV_LOW);
	return MM_MEMCG_LRU_NOP;
}

static enum mm_memcg_lru_op seen(const struct mm_reclaim *r, const struct mm_lruvec *v, const struct mm_scan_control *sc, bool aged)
{
	if (aged && !v->memcg->offline)
		return MM_MEMCG_LRU_YOUNG;
	if (!aged && mm_lruvec_is_sizable(r, v, sc))
		return MM_MEMCG_LRU_NOP;
	return v->memcg_lru.seg != MM_MEMCG_LRU_TAIL ? MM_MEMCG_LRU_TAIL : MM_MEMCG_LRU_YOUNG;
}

static void rotate_seen(struct mm_reclaim *r, uint32_t node, struct mm_node_scan *s)
{
	if (s->many.op)
		mm_lru_gen_rotate_memcg(r->cache, s->memcg->lruvec[node], s->many.op);
	s->many.op = MM_MEMCG_LRU_NOP;
}

static void begin_many(struct mm_reclaim *r, uint32_t node, struct mm_node_scan *s)
{
	struct mm_lru_gen_memcg *lru = &r->cache->memcg_lru[node];

	s->memcg = NULL;
	s->many.pos = NULL;
	s->many.op = MM_MEMCG_LRU_NOP;
	s->many.gen = mm_get_memcg_gen(lru->seq);
	s->many.bin = s->many.first_bin = mm_memcg_lru_random_bin(lru);
}

/*
 * The next memcg of the walk into s->memcg; false: all bins are done.  One that was moved while it was looked at (its own limit was
 * met) leads the walk into its new bin; when that is of the other generation, this bin is begun again.
 */
static bool next_memcg(struct mm_reclaim *r, uint32_t node, struct mm_node_scan *s)
{
	const struct mm_lru_gen_memcg *lru = &r->cache->memcg_lru[node];

	for (;;) {
		const struct mm_lruvec *pos = s->many.pos;
		unsigned int gen = pos ? pos->memcg_lru.gen : s->many.gen;

		s->many.pos = pos ? pos->memcg_lru.next : lru->fifo[s->many.gen][s->many.bin].first;
		rotate_seen(r, node, s);
		if (s->many.pos && s->many.pos->memcg_lru.gen == s->many.gen) {
			s->memcg = s->many.pos->memcg;
			return true;
		}
		if (s->many.pos || gen != s->many.gen)
			continue;
		s->many.bin = (s->many.bin + 1) % MM_MEMCG_NR_BINS;
		if (s->many.bin == s->many.first_bin)
			return false;
	}
}

/* The next memcg that may give, into s->lruvec; false: enough, or every bin was walked. */
static bool next_lruvec(struct mm_reclaim *r, uint32_t node, struct mm_scan_control *sc, struct mm_node_scan *s)
{
	while (next_memcg(r, node, s)) {
		const struct mm_lruvec *v = s->memcg->lruvec[node];

		s->many.op = passed_over(s->memcg, node);
		if (!s->many.op) {
			mm_lru_gen_begin_lruvec(r, v, sc, &s->lruvec);
			return true;
		}
		if (mm_lru_gen_should_abort_scan(r, v, sc))
			break;
	}
	return false;
}

/* A batch of shrink_many(); false: it is done. */
static bool shrink_many_step(struct mm_reclaim *r, uint32_t node, struct mm_scan_control *sc, struct mm_node_scan *s)
{
	struct mm_lruvec *v;

	if (!s->in_lruvec && !next_lruvec(r, node, sc, s))
		return false;
	v = s->memcg->lruvec[node];
	s->in_lruvec = mm_lru_gen_shrink_lruvec_step(r, v, sc, &s->lruvec);
	if (s->in_lruvec)
		return true;
	mm_shrink_slab(r, node, s->memcg, sc->priority);
	s->many.op = seen(r, v, sc, s->lruvec.aged);
	s->in_lruvec = !mm_lru_gen_should_abort_scan(r, v, sc) && next_lruvec(r, node, sc, s);
	return s->in_lruvec;
}

bool mm_lru_gen_shrink_node_step(struct mm_reclaim *r, uint32_t node, struct mm_scan_control *sc, struct mm_node_scan *s)
{
	if (!s->in_round) {
		if (!sc->may_writepage || !sc->may_unmap)
			return false;
		mm_lru_add_drain(r->cache);
		if (!r->cache->is_kswapd)
			r->cache->has_mm_walk = sc->proactive;
		mm_lru_gen_set_initial_priority(r, node, sc);
		s->in_round = true;
		s->before = sc->nr_reclaimed;
		if (r->cache->is_kswapd)
			sc->nr_reclaimed = 0;
		begin_many(r, node, s);
	}
	if (shrink_many_step(r, node, sc, s))
		return true;
	rotate_seen(r, node, s);
	mm_swap_io_unplug(r->cache);
	if (!r->cache->is_kswapd)
		r->cache->has_mm_walk = false;
	if (r->cache->is_kswapd)
		sc->nr_reclaimed += s->before;
	if (sc->nr_reclaimed > s->before)
		r->kswapd[node].failures = 0;
	return false;
}
