/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * reclaim/mglru_seq.c - MGLRU: generations that begin and end, and the controller of tiers
 *
 *   min_seq[file], min_seq[anon] ... max_seq      2 to 4 generations; a list a generation, type and zone
 *
 * A new youngest generation begins when too few pages are cold (aging); the
 * oldest ends when it is empty, or its pages move up to the next.  What was
 * refaulted, evicted and protected by tier is averaged each time it ends.
 *
 * Source: Linux 6.6 mm/vmscan.c inc_max_seq(), inc_min_seq(), try_to_inc_min_seq(), reset_ctrl_pos().
 */
#include "reclaim/mglru.h"

void mm_reset_ctrl_pos(struct mm_lruvec *v, unsigned int type)
{
	struct mm_lru_gen_folio *g = &v->lrugen;

	for (unsigned int tier = 0; tier < MM_MAX_NR_TIERS; tier++) {
		g->avg_refaulted[type][tier] = (g->avg_refaulted[type][tier] + g->refaulted[0][type][tier]) / 2;
		g->avg_total[type][tier] = (g->avg_total[type][tier] + g->evicted[0][type][tier] +
					    (tier ? g->protected_pages[0][type][tier - 1] : 0)) / 2;
		g->refaulted[0][type][tier] = g->evicted[0][type][tier] = 0;
		if (tier)
			g->protected_pages[0][type][tier - 1] = 0;
	}
}

/* folio_inc_gen(): to the generation after the oldest, unless a walk has promoted it already. */
void mm_folio_inc_gen(struct mm_reclaim *r, struct mm_lruvec *v, mm_pfn_t pfn, bool reclaiming)
{
	struct mm_page *p = mm_cache_page(r->cache, pfn);
	int old_gen = (int)mm_lru_gen_from_seq(v->lrugen.min_seq[mm_folio_is_file_lru(p)]), new_gen = (old_gen + 1) % MM_MAX_NR_GENS;

	if (mm_folio_lru_gen(p) != old_gen)
		return;
	p->flags &= ~(uint32_t)(MM_PG_REFERENCED | MM_PG_WORKINGSET);
	p->aux = (uint8_t)((p->aux & 0xc0u) | (unsigned int)(new_gen + 1));
	if (reclaiming)
		p->flags |= MM_PG_RECLAIM;
	mm_lru_gen_update_size(r->cache, v, pfn, old_gen, new_gen);
}

static void inc_min_seq(struct mm_reclaim *r, struct mm_lruvec *v, unsigned int type, bool can_swap)
{
	struct mm_lru_gen_folio *g = &v->lrugen;
	unsigned int old_gen = mm_lru_gen_from_seq(g->min_seq[type]);

	for (unsigned int z = 0; (type || can_swap) && z < MM_MAX_NR_ZONES; z++) {
		struct mm_page_list *l = &g->folios[old_gen][type][z];

		while (l->tail != MM_PFN_NONE) {
			mm_pfn_t pfn = l->tail;

			mm_folio_inc_gen(r, v, pfn, false);
			mm_lru_gen_move(r->cache, v, pfn, true);
		}
	}
	mm_reset_ctrl_pos(v, type);
	g->min_seq[type]++;
}

static bool gen_is_empty(const struct mm_lru_gen_folio *g, uint64_t seq, unsigned int type)
{
	for (unsigned int z = 0; z < MM_MAX_NR_ZONES; z++)
		if (g->folios[mm_lru_gen_from_seq(seq)][type][z].nr)
			return false;
	return true;
}

bool mm_try_to_inc_min_seq(struct mm_lruvec *v, bool can_swap)
{
	struct mm_lru_gen_folio *g = &v->lrugen;
	uint64_t min_seq[MM_ANON_AND_FILE] = { g->min_seq[0], g->min_seq[1] };
	bool success = false;

	for (unsigned int type = !can_swap; type < MM_ANON_AND_FILE; type++)
		while (min_seq[type] + MM_MIN_NR_GENS <= g->max_seq && gen_is_empty(g, min_seq[type], type))
			min_seq[type]++;
	if (can_swap) {		/* file may be ahead of anonymous, not behind */
		if (min_seq[0] > min_seq[1])
			min_seq[0] = min_seq[1];
		min_seq[1] = min_seq[0] > g->min_seq[1] ? min_seq[0] : g->min_seq[1];
	}
	for (unsigned int type = !can_swap; type < MM_ANON_AND_FILE; type++) {
		if (min_seq[type] == g->min_seq[type])
			continue;
		mm_reset_ctrl_pos(v, type);
		g->min_seq[type] = min_seq[type];
		success = true;
	}
	return success;
}

void mm_inc_max_seq(struct mm_reclaim *r, struct mm_lruvec *v, bool can_swap)
{
	struct mm_lru_gen_folio *g = &v->lrugen;

	for (int type = MM_ANON_AND_FILE - 1; type >= 0; type--)
		if (g->max_seq - g->min_seq[type] + 1 == MM_MAX_NR_GENS)
			inc_min_seq(r, v, (unsigned int)type, can_swap);
	mm_lru_gen_flip_sizes(r->cache, v);
	g->timestamps[mm_lru_gen_from_seq(g->max_seq + 1)] = r->ctx->now_ns;
	g->max_seq++;
}
