/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cache/lruvec.c - the lists themselves: which list a folio belongs to, sizes, generations
 *
 *   classic   lists[inactive|active][anon|file], newest at the head
 *   MGLRU     folios[generation][type][zone]; a folio's generation is in struct mm_page.aux;
 *             the two youngest generations count as active in the sizes
 *   both      unevictable folios are counted but not linked
 *
 * Source: Linux 6.6 include/linux/mm_inline.h.
 */
#include "cache/lru.h"
#include "cache/memcg.h"

uint64_t mm_lruvec_lru_size(const struct mm_lruvec *v, enum mm_lru_list lru, enum mm_zone_type zone)
{
	uint64_t n = 0;

	for (unsigned int z = 0; z <= zone; z++)
		n += v->lru_zone_size[z][lru];
	return n;
}

static bool lru_gen_is_active(const struct mm_lruvec *v, int gen)
{
	uint64_t max = v->lrugen.max_seq;

	return gen == (int)mm_lru_gen_from_seq(max) || gen == (int)mm_lru_gen_from_seq(max - 1);
}

/* lru_gen_update_size(): @p, of zone @z, goes from one generation to another; -1: none. In line, for callers know which is none. */
static inline __attribute__((always_inline)) void lru_gen_update_size(struct mm_cache *c, struct mm_lruvec *v, const struct mm_page *p,
								       struct mm_zone *z, int old_gen, int new_gen)
{
	unsigned int type = mm_folio_is_file_lru(p), lru = type * MM_LRU_INACTIVE_FILE;
	int64_t delta = (int64_t)mm_folio_nr_pages(p);

	if (old_gen >= 0)
		v->lrugen.nr_pages[old_gen][type][z->type] -= delta;
	if (new_gen >= 0)
		v->lrugen.nr_pages[new_gen][type][z->type] += delta;
	if (old_gen < 0) {
		mm_update_lru_size(c, v, lru + lru_gen_is_active(v, new_gen), z, delta);
	} else if (new_gen < 0) {
		mm_update_lru_size(c, v, lru + lru_gen_is_active(v, old_gen), z, -delta);
	} else if (!lru_gen_is_active(v, old_gen) && lru_gen_is_active(v, new_gen)) {
		mm_update_lru_size(c, v, lru, z, -delta);
		mm_update_lru_size(c, v, lru + MM_LRU_ACTIVE, z, delta);
	}
}

void mm_lru_gen_update_size(struct mm_cache *c, struct mm_lruvec *v, mm_pfn_t pfn, int old_gen, int new_gen)
{
	lru_gen_update_size(c, v, mm_cache_page(c, pfn), mm_page_zone(c->phys, pfn), old_gen, new_gen);
}

/* Which generation a folio that comes onto the list begins in. */
static uint64_t first_seq(const struct mm_lruvec *v, const struct mm_page *p, bool reclaiming)
{
	const struct mm_lru_gen_folio *g = &v->lrugen;
	unsigned int type = mm_folio_is_file_lru(p);

	if (p->flags & MM_PG_ACTIVE)
		return g->max_seq;
	if ((type == 0 && !mm_folio_test_swapcache(p)) ||
	    ((p->flags & MM_PG_RECLAIM) && (p->flags & (MM_PG_DIRTY | MM_PG_WRITEBACK))))
		return g->max_seq - 1;
	if (reclaiming || g->min_seq[type] + MM_MIN_NR_GENS >= g->max_seq)
		return g->min_seq[type];
	return g->min_seq[type] + 1;
}

static struct mm_page_list *gen_list(struct mm_lruvec *v, const struct mm_page *p, const struct mm_zone *z)
{
	return &v->lrugen.folios[mm_folio_list_gen(p)][mm_folio_is_file_lru(p)][z->type];
}

void mm_lru_gen_add_folio(struct mm_cache *c, struct mm_lruvec *v, mm_pfn_t pfn, bool reclaiming)
{
	struct mm_page *p = mm_cache_page(c, pfn);
	struct mm_zone *z = mm_page_zone(c->phys, pfn);
	unsigned int gen = mm_lru_gen_from_seq(first_seq(v, p, reclaiming));

	p->aux = (uint8_t)((p->aux & 0x38u) | (gen + 1) | gen << 6);
	p->flags &= ~(uint32_t)MM_PG_ACTIVE;
	lru_gen_update_size(c, v, p, z, -1, (int)gen);
	if (reclaiming)
		mm_page_list_add_tail(c->phys->mem_map, gen_list(v, p, z), pfn);
	else
		mm_page_list_add(c->phys->mem_map, gen_list(v, p, z), pfn);
}

bool mm_lru_gen_del_folio(struct mm_cache *c, struct mm_lruvec *v, mm_pfn_t pfn, bool reclaiming)
{
	struct mm_page *p = mm_cache_page(c, pfn);
	int gen = mm_folio_lru_gen(p);
	struct mm_zone *z;

	if (gen < 0)
		return false;
	if (!reclaiming && lru_gen_is_active(v, gen))
		p->flags |= MM_PG_ACTIVE;
	z = mm_page_zone(c->phys, pfn);
	lru_gen_update_size(c, v, p, z, gen, -1);
	mm_page_list_del(c->phys->mem_map, gen_list(v, p, z), pfn);
	p->aux &= (uint8_t)~7u;
	return true;
}

void mm_lru_gen_move(struct mm_cache *c, struct mm_lruvec *v, mm_pfn_t pfn, bool tail)
{
	struct mm_page *map = c->phys->mem_map, *p = &map[pfn];
	const struct mm_zone *z = mm_page_zone(c->phys, pfn);

	mm_page_list_del(map, gen_list(v, p, z), pfn);
	p->aux = (uint8_t)((p->aux & 0x3fu) | (unsigned int)mm_folio_lru_gen(p) << 6);
	if (tail)
		mm_page_list_add_tail(map, gen_list(v, p, z), pfn);
	else
		mm_page_list_add(map, gen_list(v, p, z), pfn);
}

void mm_lru_gen_update_gen(struct mm_cache *c, mm_pfn_t pfn, int new_gen)
{
	struct mm_page *p = mm_cache_page(c, pfn);
	int old_gen = mm_folio_lru_gen(p);

	if (old_gen < 0) {
		p->flags |= MM_PG_REFERENCED;
		return;
	}
	p->flags &= ~(uint32_t)(MM_PG_REFERENCED | MM_PG_WORKINGSET);
	p->aux = (uint8_t)((p->aux & 0xc0u) | (unsigned int)(new_gen + 1));
	if (old_gen != new_gen)
		mm_lru_gen_update_size(c, mm_folio_lruvec(c, pfn), pfn, old_gen, new_gen);
}

void mm_lruvec_del_folio(struct mm_cache *c, struct mm_lruvec *v, mm_pfn_t pfn)
{
	struct mm_page *map = c->phys->mem_map, *p = &map[pfn];
	enum mm_lru_list lru = mm_folio_lru_list(p);

	if (mm_folio_lru_gen(p) >= 0) {
		mm_lru_gen_del_folio(c, v, pfn, false);
		return;
	}
	if (lru != MM_LRU_UNEVICTABLE)
		mm_page_list_del(map, &v->lists[lru], pfn);
	mm_update_lru_size(c, v, lru, mm_page_zone(c->phys, pfn), -(int64_t)mm_folio_nr_pages(p));
}

void mm_lruvec_isolated(struct mm_cache *c, struct mm_lruvec *v, enum mm_lru_list lru, const uint64_t taken[MM_MAX_NR_ZONES])
{
	for (unsigned int z = 0; z < MM_MAX_NR_ZONES; z++)
		if (taken[z])
			mm_update_lru_size(c, v, lru, &c->phys->nodes[v->node]->zones[z], -(int64_t)taken[z]);
}

static void flip_zone(struct mm_cache *c, struct mm_lruvec *v, unsigned int type, struct mm_zone *z)
{
	const struct mm_lru_gen_folio *g = &v->lrugen;
	int64_t delta = g->nr_pages[mm_lru_gen_from_seq(g->max_seq - 1)][type][z->type] -
			g->nr_pages[mm_lru_gen_from_seq(g->max_seq + 1)][type][z->type];

	if (!delta)
		return;
	mm_update_lru_size(c, v, type * MM_LRU_INACTIVE_FILE, z, delta);
	mm_update_lru_size(c, v, type * MM_LRU_INACTIVE_FILE + MM_LRU_ACTIVE, z, -delta);
}

void mm_lru_gen_flip_sizes(struct mm_cache *c, struct mm_lruvec *v)
{
	for (unsigned int type = 0; type < MM_ANON_AND_FILE; type++)
		for (unsigned int z = 0; z < MM_MAX_NR_ZONES; z++)
			flip_zone(c, v, type, &c->phys->nodes[v->node]->zones[z]);
}

void mm_lru_gen_init_lruvec(struct mm_lruvec *v, bool enabled)
{
	v->lrugen = (struct mm_lru_gen_folio){ .max_seq = MM_MIN_NR_GENS + 1, .enabled = enabled };
	for (int g = 0; g < MM_MAX_NR_GENS; g++)
		for (int t = 0; t < MM_ANON_AND_FILE; t++)
			for (int z = 0; z < MM_MAX_NR_ZONES; z++)
				v->lrugen.folios[g][t][z] = MM_PAGE_LIST_INIT;
}

void mm_lru_note_cost(struct mm_lruvec *v, bool file, uint64_t nr_io, uint64_t nr_rotated)
{
	uint64_t cost = nr_io * MM_SWAP_CLUSTER_MAX + nr_rotated;

	for (struct mm_memcg *m = v->memcg; m; m = m->parent) {
		uint64_t lrusize = 0;

		v = m->lruvec[v->node];
		*(file ? &v->file_cost : &v->anon_cost) += cost;
		for (unsigned int l = MM_LRU_INACTIVE_ANON; l <= MM_LRU_ACTIVE_FILE; l++)
			lrusize += mm_lruvec_page_state(v, l);
		if (v->file_cost + v->anon_cost > lrusize / 4) {
			v->file_cost /= 2;
			v->anon_cost /= 2;
		}
	}
}

static bool list_is_consistent(const struct mm_cache *c, const struct mm_page_list *l, const struct mm_lruvec *v,
			       bool (*belongs)(const struct mm_page *, unsigned int), unsigned int arg, uint64_t *pages)
{
	uint64_t nr = 0;
	mm_pfn_t prev = MM_PFN_NONE;

	for (mm_pfn_t pfn = l->head; pfn != MM_PFN_NONE; prev = pfn, pfn = mm_cache_page(c, pfn)->next) {
		const struct mm_page *p = mm_cache_page(c, pfn);

		if (++nr > l->nr || p->prev != prev || !(p->flags & MM_PG_LRU) || (p->flags & MM_PG_BUDDY) ||
		    !belongs(p, arg) || mm_page_ref_count(p) <= 0 || mm_folio_lruvec(c, pfn) != v)
			return false;
		*pages += mm_folio_nr_pages(p);
	}
	return nr == l->nr && l->tail == prev;
}

static bool on_list(const struct mm_page *p, unsigned int lru)
{
	return mm_folio_lru_list(p) == (enum mm_lru_list)lru && mm_folio_lru_gen(p) < 0;
}

static bool in_gen(const struct mm_page *p, unsigned int gen_type)
{
	return mm_folio_list_gen(p) == gen_type >> 1 && mm_folio_lru_gen(p) >= 0 && mm_folio_is_file_lru(p) == (gen_type & 1) &&
	       !(p->flags & (MM_PG_ACTIVE | MM_PG_UNEVICTABLE));
}

bool mm_lruvec_is_consistent(const struct mm_cache *c, const struct mm_lruvec *v)
{
	uint64_t classic = 0, gen = 0, counted = 0, sizes = 0;

	for (unsigned int l = MM_LRU_INACTIVE_ANON; l <= MM_LRU_ACTIVE_FILE; l++) {
		uint64_t before = classic;

		if (!list_is_consistent(c, &v->lists[l], v, on_list, l, &classic))
			return false;
		if (!v->lrugen.enabled && classic - before != mm_lruvec_lru_size(v, l, MM_MAX_NR_ZONES - 1))
			return false;
		sizes += mm_lruvec_lru_size(v, l, MM_MAX_NR_ZONES - 1);
	}
	for (unsigned int g = 0; g < MM_MAX_NR_GENS; g++)
		for (unsigned int t = 0; t < MM_ANON_AND_FILE; t++)
			for (unsigned int z = 0; z < MM_MAX_NR_ZONES; z++) {
				if (!list_is_consistent(c, &v->lrugen.folios[g][t][z], v, in_gen, g << 1 | t, &gen))
					return false;
				counted += (uint64_t)v->lrugen.nr_pages[g][t][z];
			}
	return classic + gen == sizes && gen == counted;
}
