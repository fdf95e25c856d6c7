/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cache/memcg_lru.c - two generations of memcgs, eight bins each
 *
 *	old   (seq)      bin 0: a - b   bin 1:   ...   bin 7: c
 *	young (seq + 1)  bin 0: d       bin 1: e - f   ...
 *
 * Global reclaim of a node walks the bins of the old generation from a random
 * one on.  What a visit came to decides the memcg's next place: the young
 * generation when it was aged, the end of another bin for a second try, or
 * where it is.  When the old generation is empty the young one becomes old,
 * and an empty one (the third) the young one.  Every memcg that holds pages is in
 * one bin of one of the two.
 *
 * Source: Linux 6.6 mm/vmscan.c lru_gen_rotate_memcg() and what stands beside it.
 * Deviation: the bins drawn are the machine's own random numbers, not the kernel's.
 */
#include "cache/memcg_lru.h"

#include "cache/memcg.h"

unsigned int mm_memcg_lru_random_bin(struct mm_lru_gen_memcg *lru) { return (unsigned int)mm_rng_below(&lru->rng, MM_MEMCG_NR_BINS); }

static void add(struct mm_lru_gen_memcg *lru, struct mm_lruvec *v, unsigned int gen, unsigned int bin, bool head)
{
	struct mm_memcg_bin *b = &lru->fifo[gen][bin];

	v->memcg_lru.gen = (uint8_t)gen;
	v->memcg_lru.bin = (uint8_t)bin;
	v->memcg_lru.hashed = true;
	v->memcg_lru.prev = head ? NULL : b->last;
	v->memcg_lru.next = head ? b->first : NULL;
	*(v->memcg_lru.prev ? &v->memcg_lru.prev->memcg_lru.next : &b->first) = v;
	*(v->memcg_lru.next ? &v->memcg_lru.next->memcg_lru.prev : &b->last) = v;
	lru->nr_memcgs[gen]++;
}

static void del(struct mm_lru_gen_memcg *lru, struct mm_lruvec *v)
{
	struct mm_memcg_bin *b = &lru->fifo[v->memcg_lru.gen][v->memcg_lru.bin];

	*(v->memcg_lru.prev ? &v->memcg_lru.prev->memcg_lru.next : &b->first) = v->memcg_lru.next;
	*(v->memcg_lru.next ? &v->memcg_lru.next->memcg_lru.prev : &b->last) = v->memcg_lru.prev;
	v->memcg_lru.hashed = false;
	lru->nr_memcgs[v->memcg_lru.gen]--;
}

/* @gen lost one: when it was the last of the old generation, the next begins. */
static void advance(struct mm_lru_gen_memcg *lru, unsigned int gen)
{
	if (!lru->nr_memcgs[gen] && gen == mm_get_memcg_gen(lru->seq))
		lru->seq++;
}

void mm_lru_gen_rotate_memcg(struct mm_cache *c, struct mm_lruvec *v, enum mm_memcg_lru_op op)
{
	struct mm_lru_gen_memcg *lru = &c->memcg_lru[v->node];
	unsigned int bin = mm_memcg_lru_random_bin(lru), old = v->memcg_lru.gen, new = old;

	if (!v->memcg_lru.hashed)
		return;
	if (op == MM_MEMCG_LRU_OLD || op == MM_MEMCG_LRU_YOUNG)
		new = mm_get_memcg_gen(lru->seq + (op == MM_MEMCG_LRU_YOUNG));
	v->memcg_lru.seg = op == MM_MEMCG_LRU_HEAD || op == MM_MEMCG_LRU_TAIL ? (uint8_t)op : 0;
	del(lru, v);
	add(lru, v, new, bin, op == MM_MEMCG_LRU_HEAD || op == MM_MEMCG_LRU_OLD);
	advance(lru, old);
}

void mm_lru_gen_online_memcg(struct mm_cache *c, struct mm_memcg *m)
{
	for (uint32_t n = 0; n < MM_MAX_NODES; n++) {
		struct mm_lru_gen_memcg *lru = &c->memcg_lru[n];

		if (m->lruvec[n])
			add(lru, m->lruvec[n], mm_get_memcg_gen(lru->seq), mm_memcg_lru_random_bin(lru), false);
	}
}

void mm_lru_gen_offline_memcg(struct mm_cache *c, struct mm_memcg *m)
{
	for (uint32_t n = 0; n < MM_MAX_NODES; n++)
		if (m->lruvec[n])
			mm_lru_gen_rotate_memcg(c, m->lruvec[n], MM_MEMCG_LRU_OLD);
}

void mm_lru_gen_release_memcg(struct mm_cache *c, struct mm_memcg *m)
{
	for (uint32_t n = 0; n < MM_MAX_NODES; n++) {
		if (!m->lruvec[n] || !m->lruvec[n]->memcg_lru.hashed)
			continue;
		del(&c->memcg_lru[n], m->lruvec[n]);
		advance(&c->memcg_lru[n], m->lruvec[n]->memcg_lru.gen);
	}
}

static bool bin_is_consistent(const struct mm_lru_gen_memcg *lru, unsigned int gen, unsigned int bin, uint64_t most, uint64_t *nr)
{
	const struct mm_lruvec *prev = NULL;

	for (const struct mm_lruvec *v = lru->fifo[gen][bin].first; v; prev = v, v = v->memcg_lru.next)
		if (++*nr > most || v->memcg_lru.prev != prev || v->memcg_lru.gen != gen || v->memcg_lru.bin != bin || !v->memcg_lru.hashed)
			return false;
	return lru->fifo[gen][bin].last == prev;
}

bool mm_memcg_lru_is_consistent(const struct mm_cache *c)
{
	for (uint32_t n = 0; n < MM_MAX_NODES; n++) {
		const struct mm_lru_gen_memcg *lru = &c->memcg_lru[n];
		uint64_t in_bins = 0, hashed = 0;

		for (uint32_t i = 0; i < c->nr_memcgs; i++)
			hashed += c->memcgs[i]->lruvec[n] && c->memcgs[i]->lruvec[n]->memcg_lru.hashed;
		for (unsigned int gen = 0; gen < MM_MEMCG_NR_GENS; gen++) {
			uint64_t nr = 0;

			for (unsigned int bin = 0; bin < MM_MEMCG_NR_BINS; bin++)
				if (!bin_is_consistent(lru, gen, bin, c->nr_memcgs, &nr))
					return false;
			if (nr != lru->nr_memcgs[gen] || (nr && gen == mm_get_memcg_gen(lru->seq + 2)))
				return false;
			in_bins += nr;
		}
		if (in_bins != hashed)
			return false;
	}
	return true;
}
