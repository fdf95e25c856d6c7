/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * reclaim/folio_list.c - what becomes of each folio that was taken off an inactive list
 *
 *   mlocked, used twice, cannot be unmapped ----> activated
 *   used once, pinned, write just begun --------> kept, back to the list
 *   anonymous: slot, unmap, write, next time ---> freed, a shadow stays
 *   file: unmap, if clean ----------------------> freed, a shadow stays
 *
 * A dirty file page is the flusher's: it is activated and marked so that it
 * goes to the tail when it is clean (ext4 of 6.6 has no writepage).
 * Writes to swap are in flight when this returns.
 *
 * Source: Linux 6.6 mm/vmscan.c shrink_folio_list(), folio_check_references(), pageout(), __remove_mapping().
 */
#include "cache/shmem.h"
#include "reclaim/internal.h"
#include "virt/rmap.h"

enum verdict { KEEP, ACTIVATE, FREE, AGAIN };
enum references { RECLAIM, RECLAIM_CLEAN, REF_KEEP, REF_ACTIVATE };

struct one {				/* the folio at hand */
	struct mm_reclaim *r;
	struct mm_scan_control *sc;
	struct mm_reclaim_stat *stat;
	struct mm_page_list *list;	/* where the parts of a split folio go */
	mm_pfn_t pfn;
	struct mm_page *p;
	uint64_t nr_pages;
	uint32_t node;
};

/* The CPU is busy with a folio: looks at it, unmaps and writes it, or frees it (see cache/swap_io.c). */
static void spend(struct mm_reclaim *r, enum mm_sysctl_id cost) { mm_swap_io_elapse(r->cache, (uint64_t)mm_sysctl(r->ctx, cost)); }

void mm_reclaim_effect_add(struct mm_reclaim *r, enum mm_event_type type, mm_pfn_t pfn, uint64_t result)
{
	struct mm_event *e = mm_effect(r->ctx, MM_BY_RECLAIM, type);

	if (!e)
		return;
	e->size = mm_folio_nr_pages(mm_cache_page(r->cache, pfn)) << MM_PAGE_SHIFT;
	e->present |= MM_TC_BIT(SIZE);
	mm_event_set_result(e, MM_RESULT_DEC, result);
}

static enum references folio_check_references(struct one *o)
{
	uint64_t vm_flags = 0;
	int ptes = mm_folio_referenced(o->r->virt, o->pfn, o->sc->target_mem_cgroup, &vm_flags);
	bool referenced = o->p->flags & MM_PG_REFERENCED;

	o->p->flags &= ~(uint32_t)MM_PG_REFERENCED;
	if (vm_flags & MM_VM_LOCKED)
		return REF_ACTIVATE;
	if (ptes) {
		o->p->flags |= MM_PG_REFERENCED;
		if (referenced || ptes > 1)
			return REF_ACTIVATE;
		return (vm_flags & MM_VM_EXEC) && mm_folio_is_file_lru(o->p) ? REF_ACTIVATE : REF_KEEP;
	}
	return referenced && mm_folio_is_file_lru(o->p) ? RECLAIM_CLEAN : RECLAIM;
}

static bool may_enter_fs(const struct one *o)
{
	return (o->sc->gfp_mask & __MM_GFP_FS) || (mm_folio_test_swapcache(o->p) && (o->sc->gfp_mask & __MM_GFP_IO));
}

/* Dirty as folio_check_dirty_writeback() counts it: pages without a file never are. */
static void note_dirty(struct one *o)
{
	bool file = mm_folio_is_file_lru(o->p) && !((o->p->flags & MM_PG_ANON) && !(o->p->flags & MM_PG_SWAPBACKED));

	if (file && (o->p->flags & MM_PG_DIRTY) && !(o->p->flags & MM_PG_WRITEBACK))
		o->stat->nr_unqueued_dirty += o->nr_pages;
}

/* The folio is being written: never waited for, it will go to the tail of its list. */
static enum verdict meet_writeback(struct one *o)
{
	if (!o->r->cache->is_kswapd || !(o->p->flags & MM_PG_RECLAIM) || !o->r->kswapd[o->node].pgdat_writeback) {
		o->p->flags |= MM_PG_RECLAIM;
		o->stat->nr_writeback += o->nr_pages;
	}
	return ACTIVATE;
}

/*
 * An anonymous folio needs a slot before it can be unmapped; FREE: go on. A 2M folio is split when nobody maps it as
 * one, or no 512 slots in a row are free.
 */
static enum verdict give_slot(struct one *o)
{
	if (!(o->sc->gfp_mask & __MM_GFP_IO))
		return KEEP;
	if (o->p->flags & MM_PG_HEAD) {
		bool whole = mm_folio_entire_mapcount(o->r->phys, o->pfn);

		if (o->p->refs != 1)
			return ACTIVATE;
		if (whole && mm_add_to_swap(o->r->cache, o->pfn))
			return FREE;
		if (mm_split_folio_to_list(o->r->virt, o->pfn, o->list))
			return ACTIVATE;
		o->sc->nr_scanned -= o->nr_pages - 1;
		o->nr_pages = 1;
		mm_count(o->r->ctx, MM_THP_SWPOUT_FALLBACK, whole);
	}
	return mm_add_to_swap(o->r->cache, o->pfn) ? FREE : ACTIVATE;
}

/* Shared memory is written page by page; FREE: go on. */
static enum verdict split_shmem(struct one *o)
{
	if (mm_split_folio_to_list(o->r->virt, o->pfn, o->list))
		return KEEP;
	o->sc->nr_scanned -= o->nr_pages - 1;
	o->nr_pages = 1;
	return FREE;
}

static enum verdict unmap(struct one *o)
{
	return mm_try_to_unmap(o->r->virt, o->pfn, o->p->flags & MM_PG_HEAD ? MM_TTU_SPLIT_HUGE_PMD : 0) ? FREE : ACTIVATE;
}

/* pageout() and the tests before it; FREE: it is clean. */
static enum verdict write_out(struct one *o, enum references references)
{
	if (mm_folio_is_file_lru(o->p)) {
		mm_count(o->r->ctx, MM_NR_VMSCAN_IMMEDIATE_RECLAIM, (int64_t)o->nr_pages);
		o->p->flags |= MM_PG_RECLAIM;
		return ACTIVATE;
	}
	if (references == RECLAIM_CLEAN || !may_enter_fs(o) || !o->sc->may_writepage)
		return KEEP;
	if (o->p->refs != 1 + o->nr_pages || o->p->mapcount)	/* the cache and us */
		return KEEP;
	o->p->flags &= ~(uint32_t)MM_PG_DIRTY;
	if (mm_folio_test_swapcache(o->p)) {
		if (mm_folio_free_swap(o->r->cache, o->pfn))	/* nobody needs the slot any more (swap_writepage()) */
			return KEEP;
		if (!mm_swap_is_synchronous(o->r->cache) && !mm_swap_bio_get(o->r->cache)) {
			o->p->flags |= MM_PG_DIRTY;
			return AGAIN;
		}
		mm_swap_writepage(o->r->cache, o->pfn);
		spend(o->r, MM_SYSCTL_COST_FOLIO_WRITE);
	} else if (!mm_shmem_writepage(o->r->cache, o->pfn)) {
		return ACTIVATE;
	}
	mm_reclaim_effect(o->r, MM_EV_SWAP_OUT, o->pfn, mm_folio_swap(o->r->cache, o->pfn));
	mm_count(o->r->ctx, MM_NR_VMSCAN_WRITE, (int64_t)o->nr_pages);
	o->stat->nr_pageout += o->nr_pages;
	if (!(o->p->flags & MM_PG_WRITEBACK))	/* it is done, by a synchronous device */
		return FREE;
	o->p->flags |= MM_PG_RECLAIM;
	return KEEP;
}

/* Out of the cache, unless somebody else holds it. */
static enum verdict remove_mapping(struct one *o)
{
	struct mm_cache *c = o->r->cache;
	uint64_t shadow = 0;

	if ((o->p->flags & MM_PG_ANON) && !(o->p->flags & MM_PG_SWAPBACKED)) {
		if (mm_page_ref_count(o->p) != 1)
			return KEEP;
		mm_count(c->ctx, MM_PGLAZYFREED, (int64_t)o->nr_pages);
		mm_memcg_count(mm_folio_memcg(c, o->pfn), MM_PGLAZYFREED, (int64_t)o->nr_pages);
		return FREE;
	}
	if (mm_page_ref_count(o->p) != 1 + (int64_t)o->nr_pages || (o->p->flags & MM_PG_DIRTY))
		return KEEP;
	if (mm_folio_test_swapcache(o->p)) {
		shadow = mm_workingset_eviction(c, o->pfn, o->sc->target_mem_cgroup);
		mm_swap_cache_evict(c, o->pfn, shadow);
	} else if (mm_folio_mapping(c, o->pfn)) {
		if (mm_folio_is_file_lru(o->p))
			shadow = mm_workingset_eviction(c, o->pfn, o->sc->target_mem_cgroup);
		mm_filemap_remove_folio(c, o->pfn, shadow);
	} else {
		return KEEP;
	}
	return FREE;
}

static enum verdict shrink_one_folio(struct one *o, bool ignore_references)
{
	enum references references = RECLAIM;
	enum verdict v = FREE;

	if (o->p->flags & MM_PG_LOCKED)
		return KEEP;
	o->sc->nr_scanned += o->nr_pages;
	if (o->p->flags & MM_PG_MLOCKED)
		return ACTIVATE;
	if (!o->sc->may_unmap && o->p->mapcount)
		return KEEP;
	if (mm_lru_gen_enabled(o->r->cache) && !ignore_references && mm_folio_mapped(o->r->phys, o->pfn) &&
	    (o->p->flags & MM_PG_REFERENCED))
		return KEEP;
	note_dirty(o);
	if (o->p->flags & MM_PG_WRITEBACK)
		return meet_writeback(o);
	if (!ignore_references)
		references = folio_check_references(o);
	if (references == REF_ACTIVATE)
		return ACTIVATE;
	if (references == REF_KEEP)
		return KEEP;
	if ((o->p->flags & MM_PG_ANON) && (o->p->flags & MM_PG_SWAPBACKED) && !mm_folio_test_swapcache(o->p))
		v = give_slot(o);
	else if (!(o->p->flags & MM_PG_ANON) && o->p->flags & MM_PG_SWAPBACKED && o->p->flags & MM_PG_HEAD)
		v = split_shmem(o);
	if (v == FREE && mm_folio_mapped(o->r->phys, o->pfn))
		v = unmap(o);
	if (v == FREE && (o->p->flags & MM_PG_DIRTY) &&
	    !((o->p->flags & MM_PG_ANON) && !(o->p->flags & MM_PG_SWAPBACKED)))
		v = write_out(o, references);
	return v == FREE ? remove_mapping(o) : v;
}

/* Not a candidate for swapping, so its slot may be of use to others. */
static void activate(struct one *o)
{
	struct mm_cache *c = o->r->cache;

	if (mm_folio_test_swapcache(o->p) && (mm_mem_cgroup_swap_full(c, o->pfn) || (o->p->flags & MM_PG_MLOCKED)))
		mm_folio_free_swap(c, o->pfn);
	if (o->p->flags & MM_PG_MLOCKED)
		return;
	o->p->flags |= MM_PG_ACTIVE;
	o->stat->nr_activate[mm_folio_is_file_lru(o->p)] += o->nr_pages;
	mm_memcg_count(mm_folio_memcg(c, o->pfn), MM_PGACTIVATE, (int64_t)o->nr_pages);
	mm_memcg_rstat_updated(c->ctx, (int64_t)o->nr_pages);
	mm_reclaim_effect(o->r, MM_EV_ACTIVATE, o->pfn, o->pfn);
}

void mm_begin_folio_scan(struct mm_folio_scan *s, const struct mm_page_list *folios, uint32_t node, bool ignore_references)
{
	*s = (struct mm_folio_scan){
		.folios = *folios, .kept = MM_PAGE_LIST_INIT, .freed = MM_PAGE_LIST_INIT,
		.node = node, .ignore_references = ignore_references, .under_way = true,
	};
}

static void end_folio_scan(struct mm_reclaim *r, struct mm_folio_scan *s)
{
	mm_pfn_t pfns[64];
	size_t nr = 0;

	while (s->freed.tail != MM_PFN_NONE) {
		pfns[nr++] = mm_page_list_pop_tail(r->phys->mem_map, &s->freed);
		if (nr == sizeof(pfns) / sizeof(pfns[0])) {
			mm_release_pages(r->cache, pfns, nr);
			nr = 0;
		}
	}
	mm_release_pages(r->cache, pfns, nr);
	mm_count_node_only(r->ctx, MM_PGACTIVATE, (int64_t)(s->stat.nr_activate[0] + s->stat.nr_activate[1]));
	s->under_way = false;
}

static void scan_one(struct mm_reclaim *r, struct mm_folio_scan *s, struct mm_scan_control *sc)
{
	struct mm_page *map = r->phys->mem_map;
	mm_pfn_t pfn = mm_page_list_pop_tail(map, &s->folios);
	struct one o = { r, sc, &s->stat, &s->folios, pfn, &map[pfn], mm_folio_nr_pages(&map[pfn]), s->node };
	enum verdict v;

	spend(r, MM_SYSCTL_COST_FOLIO_LOOK);
	v = shrink_one_folio(&o, s->ignore_references);
	if (v == FREE) {
		s->nr_reclaimed += o.nr_pages;
		spend(r, MM_SYSCTL_COST_FOLIO_FREE);
		mm_reclaim_effect(r, MM_EV_EVICT, pfn, pfn);
		mm_page_list_add(map, &s->freed, pfn);
	} else if (v == AGAIN) {
		mm_page_list_add_tail(map, &s->folios, pfn);
		sc->nr_scanned -= o.nr_pages;
		mm_turns_wait_for_bio(r);
	} else {
		if (v == ACTIVATE)
			activate(&o);
		mm_page_list_add(map, &s->kept, pfn);
	}
}

bool mm_folio_scan_step(struct mm_reclaim *r, struct mm_folio_scan *s, struct mm_scan_control *sc)
{
	while (s->folios.tail != MM_PFN_NONE) {
		scan_one(r, s, sc);
		if ((r->kswapd_woken || r->cache->is_kswapd) && s->folios.tail != MM_PFN_NONE)	/* who reclaims may lose the CPU */
			return true;
	}
	end_folio_scan(r, s);
	return false;
}
