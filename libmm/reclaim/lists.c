/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * reclaim/lists.c - the classic lists: 32 folios at a time from the tail
 *
 *   active  head ------------- tail --> deactivated (executables in use stay)
 *   inactive head ------------ tail --> freed, kept for another round, or activated
 *
 * Source: Linux 6.6 mm/vmscan.c isolate_lru_folios(), move_folios_to_lru(), shrink_{in,}active_list().
 */
#include "cache/filemap.h"
#include "reclaim/internal.h"
#include "virt/rmap.h"

/* Take up to @nr_to_scan pages off the tail of @lru, each with a reference, in their order. */
static struct mm_page_list isolate_lru_folios(struct mm_reclaim *r, uint64_t nr_to_scan, struct mm_lruvec *v, uint64_t *nr_scanned,
					      const struct mm_scan_control *sc, enum mm_lru_list lru, uint64_t *nr_taken)
{
	struct mm_page *map = r->phys->mem_map;
	struct mm_page_list *src = &v->lists[lru], dst, skipped = MM_PAGE_LIST_INIT, back = MM_PAGE_LIST_INIT;
	uint64_t scan = 0, total = 0, taken = 0, folios = 0, zone_taken[MM_MAX_NR_ZONES] = { 0 };
	mm_pfn_t pfn = src->tail, prev;

	for (; scan < nr_to_scan && pfn != MM_PFN_NONE; pfn = prev) {
		struct mm_page *p = &map[pfn];
		unsigned int zone = mm_page_zone(r->phys, pfn)->type;
		uint64_t nr = mm_folio_nr_pages(p);

		prev = p->prev;
		total += nr;
		if (zone > (unsigned int)sc->reclaim_idx) {
			mm_page_list_del(map, src, pfn);
			mm_page_list_add(map, &skipped, pfn);
			mm_count(r->ctx, (enum mm_counter)(MM_PGSKIP_DMA + zone), (int64_t)nr);
			continue;
		}
		scan += nr;
		if (!sc->may_unmap && mm_folio_mapped(r->phys, pfn)) {
			mm_page_list_del(map, src, pfn);
			mm_page_list_add(map, &back, pfn);
			continue;
		}
		p->flags &= ~(uint32_t)MM_PG_LRU;
		mm_folio_get(r->cache, pfn);
		folios++;
		taken += nr;
		zone_taken[zone] += nr;
	}
	dst = mm_page_list_cut(map, src, pfn, folios);
	mm_lruvec_isolated(r->cache, v, lru, zone_taken);
	mm_page_list_splice(map, &back, src);
	mm_page_list_splice(map, &skipped, src);
	*nr_scanned = total;
	*nr_taken = taken;
	return dst;
}

/* Back to where their flags say, the oldest first; those that nobody holds any more are freed. Pages moved. */
uint64_t mm_move_folios_to_lru(struct mm_reclaim *r, struct mm_lruvec *v, struct mm_page_list *list)
{
	struct mm_cache *c = r->cache;
	uint64_t moved = 0;
	mm_pfn_t free_folios[64];
	size_t nr_free = 0;

	while (list->tail != MM_PFN_NONE) {
		mm_pfn_t pfn = mm_page_list_pop_tail(r->phys->mem_map, list);
		struct mm_page *p = mm_cache_page(c, pfn);
		uint64_t nr = mm_folio_nr_pages(p);

		if (p->flags & MM_PG_MLOCKED) {
			mm_folio_putback_lru(c, pfn);
			continue;
		}
		if (mm_page_ref_count(p) == 1) {
			free_folios[nr_free++] = pfn;
			if (nr_free == sizeof(free_folios) / sizeof(free_folios[0])) {
				mm_release_pages(c, free_folios, nr_free);
				nr_free = 0;
			}
			continue;
		}
		p->flags |= MM_PG_LRU;
		mm_lruvec_add_folio(c, v, pfn);
		moved += nr;
		if (p->flags & MM_PG_ACTIVE)
			mm_workingset_age_nonresident(c, v, nr);
		p->refs--;
	}
	mm_release_pages(c, free_folios, nr_free);
	return moved;
}

static void begin_shrink_inactive_list(struct mm_reclaim *r, uint64_t nr_to_scan, struct mm_lruvec *v,
				       struct mm_scan_control *sc, enum mm_lru_list lru, struct mm_lruvec_scan *s)
{
	struct mm_page_list folios;

	s->of.file = lru & MM_LRU_FILE;
	mm_lru_add_drain(r->cache);
	folios = isolate_lru_folios(r, nr_to_scan, v, &s->of.scanned, sc, lru, &s->of.taken);
	mm_count_reclaimer(r, sc, v, false, s->of.scanned);
	mm_count(r->ctx, s->of.file ? MM_PGSCAN_FILE : MM_PGSCAN_ANON, (int64_t)s->of.scanned);
	if (s->of.taken)
		mm_begin_folio_scan(&s->batch, &folios, v->node, false);
}

void mm_end_shrink_list(struct mm_reclaim *r, struct mm_lruvec *v, struct mm_scan_control *sc, struct mm_lruvec_scan *s)
{
	const struct mm_reclaim_stat *stat = &s->batch.stat;
	uint64_t nr_reclaimed = s->batch.nr_reclaimed;

	mm_move_folios_to_lru(r, v, &s->batch.kept);
	mm_count_reclaimer(r, sc, v, true, nr_reclaimed);
	mm_count(r->ctx, s->of.file ? MM_PGSTEAL_FILE : MM_PGSTEAL_ANON, (int64_t)nr_reclaimed);
	mm_lru_note_cost(v, s->of.file, stat->nr_pageout, s->of.scanned - nr_reclaimed);
	if (stat->nr_unqueued_dirty == s->of.taken)
		mm_writeback_files(r->cache, UINT64_MAX);	/* wakeup_flusher_threads() */
	sc->nr.writeback += stat->nr_writeback;
	sc->nr.taken += s->of.taken;
	s->reclaimed += nr_reclaimed;
}

void mm_shrink_active_list(struct mm_reclaim *r, uint64_t nr_to_scan, struct mm_lruvec *v, struct mm_scan_control *sc,
			   enum mm_lru_list lru)
{
	struct mm_page *map = r->phys->mem_map;
	struct mm_page_list hold, active = MM_PAGE_LIST_INIT, inactive = MM_PAGE_LIST_INIT;
	bool file = lru & MM_LRU_FILE;
	uint64_t nr_scanned, nr_taken, nr_rotated = 0, vm_flags;
	int64_t nr_deactivate;

	mm_lru_add_drain(r->cache);
	hold = isolate_lru_folios(r, nr_to_scan, v, &nr_scanned, sc, lru, &nr_taken);
	mm_count_refill(r, sc, v, nr_scanned);
	while (hold.tail != MM_PFN_NONE) {
		mm_pfn_t pfn = mm_page_list_pop_tail(map, &hold);
		struct mm_page *p = &map[pfn];

		if (p->flags & MM_PG_MLOCKED) {
			mm_folio_putback_lru(r->cache, pfn);
			continue;
		}
		vm_flags = 0;
		if (mm_folio_referenced(r->virt, pfn, sc->target_mem_cgroup, &vm_flags) &&
		    (vm_flags & MM_VM_EXEC) && mm_folio_is_file_lru(p)) {
			nr_rotated += mm_folio_nr_pages(p);
			mm_page_list_add(map, &active, pfn);
			continue;
		}
		p->flags = (p->flags & ~(uint32_t)MM_PG_ACTIVE) | MM_PG_WORKINGSET;
		mm_page_list_add(map, &inactive, pfn);
		mm_reclaim_effect(r, MM_EV_DEACTIVATE, pfn, pfn);
	}
	mm_move_folios_to_lru(r, v, &active);
	nr_deactivate = (int64_t)mm_move_folios_to_lru(r, v, &inactive);
	mm_count(r->ctx, MM_PGDEACTIVATE, nr_deactivate);
	mm_memcg_count(v->memcg, MM_PGDEACTIVATE, nr_deactivate);
	if (nr_rotated)
		mm_lru_note_cost(v, file, 0, nr_rotated);
}

/* An active list is done at once; of an inactive one a batch may be under way then (s->batch). */
void mm_begin_shrink_list(struct mm_reclaim *r, enum mm_lru_list lru, uint64_t nr_to_scan, struct mm_lruvec *v,
			  struct mm_scan_control *sc, struct mm_lruvec_scan *s)
{
	if (!(lru & MM_LRU_ACTIVE))
		begin_shrink_inactive_list(r, nr_to_scan, v, sc, lru, s);
	else if (sc->may_deactivate & (lru & MM_LRU_FILE ? MM_DEACTIVATE_FILE : MM_DEACTIVATE_ANON))
		mm_shrink_active_list(r, nr_to_scan, v, sc, lru);
	else
		sc->skipped_deactivate = true;
}
