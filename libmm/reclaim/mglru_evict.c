/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * reclaim/mglru_evict.c - MGLRU: eviction from the oldest generation
 *
 * The controller compares refaults of anonymous and file pages, weighed by
 * swappiness, and chooses a type; within it the tiers (how often a page was
 * used by descriptor) that refault no more than the first one go, higher ones
 * are protected: they move to the next generation.
 *
 * Source: Linux 6.6 mm/vmscan.c evict_folios() and what it calls.
 */
#include "base/minmax.h"
#include "reclaim/mglru.h"
#include "virt/rmap.h"

struct ctrl_pos {
	uint64_t refaulted, total, gain;
};

static struct ctrl_pos read_ctrl_pos(const struct mm_lruvec *v, unsigned int type, unsigned int tier, uint64_t gain)
{
	const struct mm_lru_gen_folio *g = &v->lrugen;

	return (struct ctrl_pos){
		.refaulted = g->avg_refaulted[type][tier] + g->refaulted[0][type][tier],
		.total = g->avg_total[type][tier] + g->evicted[0][type][tier] + (tier ? g->protected_pages[0][type][tier - 1] : 0),
		.gain = gain,
	};
}

/* The process value @pv has few refaults, or a rate no higher than the set point's. */
static bool positive_ctrl_err(struct ctrl_pos sp, struct ctrl_pos pv)
{
	return pv.refaulted < MM_MIN_LRU_BATCH ||
	       pv.refaulted * (sp.total + MM_MIN_LRU_BATCH) * sp.gain <= (sp.refaulted + 1) * pv.total * pv.gain;
}

static unsigned int get_tier_idx(const struct mm_lruvec *v, unsigned int type)
{
	struct ctrl_pos sp = read_ctrl_pos(v, type, 0, 1);
	unsigned int tier = 1;

	while (tier < MM_MAX_NR_TIERS && positive_ctrl_err(sp, read_ctrl_pos(v, type, tier, 2)))
		tier++;
	return tier - 1;
}

static unsigned int get_type_to_scan(const struct mm_lruvec *v, uint64_t swappiness, int *tier_idx)
{
	uint64_t gain[MM_ANON_AND_FILE] = { swappiness, 200 - swappiness };
	unsigned int type = positive_ctrl_err(read_ctrl_pos(v, 0, 0, gain[0]), read_ctrl_pos(v, 1, 0, gain[1]));
	struct ctrl_pos sp = read_ctrl_pos(v, !type, 0, gain[!type]);
	unsigned int tier = 1;

	while (tier < MM_MAX_NR_TIERS && positive_ctrl_err(sp, read_ctrl_pos(v, type, tier, gain[type])))
		tier++;
	*tier_idx = (int)tier - 1;
	return type;
}

/* True: the folio has found another place than the reclaimer's list. */
static bool sort_folio(struct mm_reclaim *r, struct mm_lruvec *v, mm_pfn_t pfn, const struct mm_scan_control *sc, unsigned int tier_idx)
{
	struct mm_page *p = mm_cache_page(r->cache, pfn);
	unsigned int type = mm_folio_is_file_lru(p), refs = mm_folio_lru_refs(p), tier = mm_lru_tier_from_refs(refs);
	uint64_t nr = mm_folio_nr_pages(p);

	if (p->flags & MM_PG_MLOCKED) {
		mm_lru_gen_del_folio(r->cache, v, pfn, true);
		p->flags |= MM_PG_UNEVICTABLE;
		p->next = 0;
		mm_lruvec_add_folio(r->cache, v, pfn);
		mm_count(r->ctx, MM_UNEVICTABLE_PGS_CULLED, (int64_t)nr);
		return true;
	}
	if (type && (p->flags & MM_PG_ANON) && (p->flags & MM_PG_DIRTY)) {
		mm_lru_gen_del_folio(r->cache, v, pfn, true);
		p->flags |= MM_PG_SWAPBACKED;
		mm_lruvec_add_folio_tail(r->cache, v, pfn);
		return true;
	}
	if (mm_folio_lru_gen(p) != (int)mm_lru_gen_from_seq(v->lrugen.min_seq[type])) {		/* promoted */
		mm_lru_gen_move(r->cache, v, pfn, false);
		return true;
	}
	if (tier > tier_idx || refs == 1u << MM_LRU_REFS_WIDTH) {				/* protected */
		mm_folio_inc_gen(r, v, pfn, false);
		mm_lru_gen_move(r->cache, v, pfn, true);
		v->lrugen.protected_pages[0][type][tier - 1] += nr;
		return true;
	}
	if (mm_page_zone(r->phys, pfn)->type > (unsigned int)sc->reclaim_idx) {			/* ineligible */
		mm_folio_inc_gen(r, v, pfn, false);
		mm_lru_gen_move(r->cache, v, pfn, true);
		return true;
	}
	if ((p->flags & (MM_PG_LOCKED | MM_PG_WRITEBACK)) || (type && (p->flags & MM_PG_DIRTY))) {
		mm_folio_inc_gen(r, v, pfn, true);
		mm_lru_gen_move(r->cache, v, pfn, false);
		return true;
	}
	return false;
}

static bool isolate_folio(struct mm_reclaim *r, struct mm_lruvec *v, mm_pfn_t pfn, const struct mm_scan_control *sc)
{
	struct mm_page *p = mm_cache_page(r->cache, pfn);

	if (!(sc->gfp_mask & __MM_GFP_IO) &&
	    ((p->flags & MM_PG_DIRTY) || ((p->flags & MM_PG_ANON) && !mm_folio_test_swapcache(p))))
		return false;
	mm_folio_get(r->cache, pfn);
	p->flags &= ~(uint32_t)MM_PG_LRU;
	if (!(p->flags & MM_PG_REFERENCED)) {
		p->flags &= ~(uint32_t)MM_PG_WORKINGSET;
		p->aux &= (uint8_t)~0x30u;
	}
	p->flags &= ~(uint32_t)(MM_PG_RECLAIM | MM_PG_REFERENCED);
	mm_lru_gen_del_folio(r->cache, v, pfn, true);
	return true;
}

struct scan {				/* what one scan of a type has come to */
	uint64_t scanned, isolated, sorted;
	int remaining;
};

static void scan_zone(struct mm_reclaim *r, struct mm_lruvec *v, const struct mm_scan_control *sc, struct mm_page_list *head,
		      unsigned int zone, unsigned int tier, struct scan *s, struct mm_page_list *list)
{
	struct mm_page *map = r->phys->mem_map;
	struct mm_page_list moved = MM_PAGE_LIST_INIT;
	uint64_t skipped = 0;

	while (head->tail != MM_PFN_NONE) {
		mm_pfn_t pfn = head->tail;
		uint64_t nr = mm_folio_nr_pages(&map[pfn]);

		s->scanned += nr;
		if (sort_folio(r, v, pfn, sc, tier)) {
			s->sorted += nr;
		} else if (isolate_folio(r, v, pfn, sc)) {
			mm_page_list_add(map, list, pfn);
			s->isolated += nr;
		} else {
			mm_page_list_del(map, head, pfn);
			mm_page_list_add(map, &moved, pfn);
			skipped += nr;
		}
		if (!--s->remaining || mm_max_u64(s->isolated, skipped) >= MM_MIN_LRU_BATCH)
			break;
	}
	mm_page_list_splice(map, &moved, head);
	mm_count(r->ctx, (enum mm_counter)(MM_PGSKIP_DMA + zone), (int64_t)skipped);
}

static uint64_t scan_folios(struct mm_reclaim *r, struct mm_lruvec *v, const struct mm_scan_control *sc, unsigned int type,
			    unsigned int tier, struct mm_page_list *list)
{
	struct scan s = { .remaining = MM_MAX_LRU_BATCH };
	unsigned int gen = mm_lru_gen_from_seq(v->lrugen.min_seq[type]);

	if (mm_nr_gens(v, type) == MM_MIN_NR_GENS)
		return 0;
	for (unsigned int i = MM_MAX_NR_ZONES; i > 0; i--) {
		unsigned int zone = ((unsigned int)sc->reclaim_idx + i) % MM_MAX_NR_ZONES;

		scan_zone(r, v, sc, &v->lrugen.folios[gen][type][zone], zone, tier, &s, list);
		if (!s.remaining || s.isolated >= MM_MIN_LRU_BATCH)
			break;
	}
	mm_count_reclaimer(r, sc, v, false, s.isolated);
	mm_count_refill(r, sc, v, s.sorted);
	mm_count(r->ctx, type ? MM_PGSCAN_FILE : MM_PGSCAN_ANON, (int64_t)s.isolated);
	return s.isolated || !s.remaining ? s.scanned : 0;
}

static uint64_t isolate_folios(struct mm_reclaim *r, struct mm_lruvec *v, const struct mm_scan_control *sc, uint64_t swappiness,
			       unsigned int *type_scanned, struct mm_page_list *list)
{
	unsigned int type;
	uint64_t scanned = 0;
	int tier = -1;

	if (!swappiness)
		type = 1;
	else if (v->lrugen.min_seq[0] < v->lrugen.min_seq[1])
		type = 0;
	else if (swappiness == 1)
		type = 1;
	else if (swappiness == 200)
		type = 0;
	else
		type = get_type_to_scan(v, swappiness, &tier);
	for (unsigned int i = !swappiness; i < MM_ANON_AND_FILE; i++) {
		if (tier < 0)
			tier = (int)get_tier_idx(v, type);
		scanned = scan_folios(r, v, sc, type, (unsigned int)tier, list);
		if (scanned)
			break;
		type = !type;
		tier = -1;
	}
	*type_scanned = type;
	return scanned;
}

/* What was not freed: those that wait for the disk, those that were used (active now), and clean ones worth another try. */
static void sort_rejected(struct mm_reclaim *r, struct mm_page_list *list, struct mm_page_list *clean, bool skip_retry)
{
	struct mm_page *map = r->phys->mem_map;
	const uint32_t busy = MM_PG_ACTIVE | MM_PG_REFERENCED | MM_PG_LOCKED | MM_PG_DIRTY | MM_PG_WRITEBACK;

	for (mm_pfn_t pfn = list->tail, prev; pfn != MM_PFN_NONE; pfn = prev) {
		struct mm_page *p = &map[pfn];

		prev = p->prev;
		if (p->flags & MM_PG_MLOCKED) {
			mm_page_list_del(map, list, pfn);
			mm_folio_putback_lru(r->cache, pfn);
		} else if ((p->flags & MM_PG_RECLAIM) && (p->flags & (MM_PG_DIRTY | MM_PG_WRITEBACK))) {
			if (p->flags & MM_PG_WORKINGSET)
				p->flags |= MM_PG_REFERENCED;
		} else if (skip_retry || (p->flags & busy) || mm_folio_mapped(r->phys, pfn)) {
			p->flags = (p->flags & ~(uint32_t)(MM_PG_REFERENCED | MM_PG_WORKINGSET)) | MM_PG_ACTIVE;
			p->aux &= (uint8_t)~0x30u;
		} else {
			mm_page_list_del(map, list, pfn);
			mm_page_list_add(map, clean, pfn);
		}
	}
}

void mm_begin_evict_folios(struct mm_reclaim *r, struct mm_lruvec *v, struct mm_scan_control *sc, struct mm_lruvec_scan *s)
{
	struct mm_page_list list = MM_PAGE_LIST_INIT;
	unsigned int type;

	s->of.scanned = isolate_folios(r, v, sc, s->swappiness, &type, &list);
	s->of.file = type;
	s->of.skip_retry = false;
	s->of.scanned += mm_try_to_inc_min_seq(v, s->swappiness != 0);
	if (mm_nr_gens(v, !s->swappiness) == MM_MIN_NR_GENS)
		s->of.scanned = 0;
	if (list.nr)
		mm_begin_folio_scan(&s->batch, &list, v->node, false);
}

/* A folio of it; false: it is done. */
bool mm_evict_folios_step(struct mm_reclaim *r, struct mm_lruvec *v, struct mm_scan_control *sc, struct mm_lruvec_scan *s)
{
	struct mm_page_list clean = MM_PAGE_LIST_INIT;
	uint64_t reclaimed;

	if (mm_folio_scan_step(r, &s->batch, sc))
		return true;
	reclaimed = s->batch.nr_reclaimed;
	sc->nr_reclaimed += reclaimed;
	sort_rejected(r, &s->batch.kept, &clean, s->of.skip_retry);
	mm_move_folios_to_lru(r, v, &s->batch.kept);
	mm_count_reclaimer(r, sc, v, true, reclaimed);
	mm_count(r->ctx, s->of.file ? MM_PGSTEAL_FILE : MM_PGSTEAL_ANON, (int64_t)reclaimed);
	s->of.skip_retry = true;
	if (clean.nr)
		mm_begin_folio_scan(&s->batch, &clean, v->node, false);
	return clean.nr;
}
