/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cache/swap_state.c - the swap cache: pages that have a slot, and shadows of those that left
 *
 * A tree for each 16384 slots holds PFN + 1 while the page is in memory, a
 * shadow after it was reclaimed, nothing otherwise.  The page knows its slot by a column of struct
 * mm_cache.  The swap cache holds one reference and SWAP_HAS_CACHE of the slot.
 *
 * Reads are done when they return; writes take their time (swap_io.c).
 *
 * Source: Linux 6.6 mm/swap_state.c.
 */
#include <errno.h>

#include "cache/filemap.h"
#include "cache/memcg_v1.h"
#include "cache/swap_impl.h"
#include "cache/workingset.h"

mm_pfn_t mm_swap_cache_get_folio(const struct mm_cache *c, mm_swp_t entry)
{
	uint64_t v;

	if (!entry || entry >= c->swap->max || !(c->swap->map[entry] & MM_SWAP_HAS_CACHE))
		return MM_PFN_NONE;
	v = mm_xa_load(mm_swap_address_space(c->swap, entry), entry);
	return v && !mm_xa_is_shadow(v) ? (mm_pfn_t)(v - 1) : MM_PFN_NONE;
}

uint64_t mm_get_shadow_from_swap_cache(const struct mm_cache *c, mm_swp_t entry)
{
	uint64_t v = mm_xa_load(mm_swap_address_space(c->swap, entry), entry);

	return mm_xa_is_shadow(v) ? v : 0;
}

/* Each page of the folio to its slot. 0 with the shadow that was there through @shadow when not NULL, or -ENOMEM. */
static inline int add_to_swap_cache(struct mm_cache *c, mm_pfn_t pfn, mm_swp_t entry, mm_gfp_t gfp, uint64_t *shadow)
{
	struct mm_page *p = mm_cache_page(c, pfn);
	uint32_t nr = (uint32_t)mm_folio_nr_pages(p);

	for (uint32_t i = 0; i < nr; i++) {
		struct mm_xarray *xa = mm_swap_address_space(c->swap, entry + i);

		if (!mm_cache_xa_store(c, xa, entry + i, (uint64_t)pfn + 1, gfp, shadow))
			continue;
		while (i-- > 0)
			mm_xa_store(mm_swap_address_space(c->swap, entry + i), entry + i, 0, NULL);
		return -ENOMEM;
	}
	p->refs = (uint16_t)(p->refs + nr);
	p->flags |= MM_PG_SWAPCACHE;
	c->page_swap[pfn] = entry;
	c->swap->nr_cached += nr;
	mm_count_node_only(c->ctx, MM_NR_FILE_PAGES, nr);
	mm_count(c->ctx, MM_NR_SWAPCACHED, nr);
	return 0;
}

static inline void remove_from_swap_cache(struct mm_cache *c, mm_pfn_t pfn, uint64_t shadow)
{
	struct mm_page *p = mm_cache_page(c, pfn);
	uint32_t nr = (uint32_t)mm_folio_nr_pages(p);
	mm_swp_t entry = c->page_swap[pfn];

	for (uint32_t i = 0; i < nr; i++)	/* the nodes exist */
		mm_xa_store(mm_swap_address_space(c->swap, entry + i), entry + i, shadow, NULL);
	c->page_swap[pfn] = 0;
	p->flags &= ~(uint32_t)MM_PG_SWAPCACHE;
	p->refs = (uint16_t)(p->refs - nr);
	c->swap->nr_cached -= nr;
	mm_count_node_only(c->ctx, MM_NR_FILE_PAGES, -(int64_t)nr);
	mm_count(c->ctx, MM_NR_SWAPCACHED, -(int64_t)nr);
}

void mm_split_swap_folio(struct mm_cache *c, mm_pfn_t head)
{
	mm_swp_t entry = c->page_swap[head];

	for (uint32_t i = 1; i < MM_SWAPFILE_CLUSTER; i++) {
		mm_xa_store(mm_swap_address_space(c->swap, entry + i), entry + i, (uint64_t)head + i + 1, NULL);
		c->page_swap[head + i] = entry + i;
	}
	mm_split_swap_cluster(c, entry);
}

bool mm_folio_alloc_swap(struct mm_cache *c, mm_pfn_t pfn)
{
	struct mm_memcg *m = mm_memcg_online_ancestor(mm_folio_memcg(c, pfn));
	uint64_t nr = mm_folio_nr_pages(mm_cache_page(c, pfn));
	mm_swp_t entry = nr > 1 ? mm_get_swap_cluster(c) : mm_get_swap_slot(c);

	if (!entry) {
		if (!c->cgroup_v1)
			mm_memcg_memory_event(m, MM_MEMCG_EV_SWAP_FAIL);
		return false;
	}
	if (!c->cgroup_v1 && !mm_mem_cgroup_try_charge_swap(c, m, nr)) {
		mm_put_swap_folio(c, entry, nr);
		return false;
	}
	for (uint64_t i = 0; !c->cgroup_v1 && i < nr; i++)
		c->swap->cgroup[entry + i] = (uint16_t)m->id;
	if (add_to_swap_cache(c, pfn, entry, __MM_GFP_HIGH | __MM_GFP_NOMEMALLOC | __MM_GFP_NOWARN, NULL)) {
		mm_put_swap_folio(c, entry, nr);
		return false;
	}
	return true;
}

bool mm_add_to_swap(struct mm_cache *c, mm_pfn_t pfn)
{
	if (!mm_folio_alloc_swap(c, pfn))
		return false;
	mm_folio_mark_dirty(c, pfn);
	return true;
}

void mm_delete_from_swap_cache(struct mm_cache *c, mm_pfn_t pfn)
{
	mm_swp_t entry = c->page_swap[pfn];

	remove_from_swap_cache(c, pfn, 0);
	mm_put_swap_folio(c, entry, mm_folio_nr_pages(mm_cache_page(c, pfn)));
}

void mm_swap_cache_evict(struct mm_cache *c, mm_pfn_t pfn, uint64_t shadow)
{
	mm_swp_t entry = c->page_swap[pfn];

	remove_from_swap_cache(c, pfn, shadow);
	if (c->cgroup_v1)
		mm_mem_cgroup_swapout(c, pfn, entry);
	mm_put_swap_folio(c, entry, mm_folio_nr_pages(mm_cache_page(c, pfn)));
}

bool mm_folio_swapped(const struct mm_cache *c, mm_pfn_t pfn) { return mm_swap_page_swapped(c, c->page_swap[pfn]); }

bool mm_folio_free_swap(struct mm_cache *c, mm_pfn_t pfn)
{
	struct mm_page *p = mm_cache_page(c, pfn);

	if (!mm_folio_test_swapcache(p) || (p->flags & MM_PG_WRITEBACK) || mm_folio_swapped(c, pfn))
		return false;
	mm_delete_from_swap_cache(c, pfn);
	p->flags |= MM_PG_DIRTY;
	return true;
}

void mm_free_swap_and_cache(struct mm_cache *c, mm_swp_t entry)
{
	mm_pfn_t pfn;

	if (mm_swap_entry_free(c, entry, 1) != MM_SWAP_HAS_CACHE || mm_swap_page_swapped(c, entry))
		return;
	pfn = mm_swap_cache_get_folio(c, entry);
	if (pfn == MM_PFN_NONE || (mm_cache_page(c, pfn)->flags & MM_PG_LOCKED))
		return;
	mm_folio_get(c, pfn);
	if (!mm_cache_page(c, pfn)->mapcount || mm_mem_cgroup_swap_full(c, pfn))
		mm_folio_free_swap(c, pfn);
	mm_folio_put(c, pfn);
}

/* A fresh page for @entry, charged to who paid for the slot and read; in the swap cache, unless only the caller will ever have it. */
static int swap_in(struct mm_cache *c, mm_swp_t entry, mm_gfp_t gfp, struct mm_memcg *memcg, bool alone, mm_pfn_t *pfnp)
{
	struct mm_swap *s = c->swap;
	mm_pfn_t pfn = c->swapin_place.pol ? mm_alloc_pages_placed(c->phys, gfp, 0, c->swapin_place, false)
					   : mm_alloc_pages(c->phys, gfp, 0);
	struct mm_page *p;
	uint64_t shadow;

	if (pfn == MM_PFN_NONE)
		return -ENOMEM;
	p = mm_cache_page(c, pfn);
	if (s->cgroup[entry] && !c->memcgs[s->cgroup[entry] - 1]->offline)
		memcg = c->memcgs[s->cgroup[entry] - 1];
	if (!alone)
		s->map[entry] |= MM_SWAP_HAS_CACHE;
	if (mm_mem_cgroup_charge(c, pfn, memcg, gfp) || (!alone && add_to_swap_cache(c, pfn, entry, gfp, &shadow))) {
		if (!alone)
			mm_swap_entry_free(c, entry, MM_SWAP_HAS_CACHE);
		mm_folio_put(c, pfn);
		return -ENOMEM;
	}
	if (alone)
		shadow = mm_xa_load(mm_swap_address_space(s, entry), entry);
	if (c->cgroup_v1 && s->cgroup[entry]) {		/* mem_cgroup_swapin_uncharge_swap() */
		mm_mem_cgroup_uncharge_swap(c, c->memcgs[s->cgroup[entry] - 1], 1);
		s->cgroup[entry] = 0;
	}
	p->flags |= MM_PG_SWAPBACKED | MM_PG_UPTODATE;
	if (c->contents)
		c->contents[pfn] = c->swap_contents[entry];
	mm_workingset_refault(c, pfn, mm_xa_is_shadow(shadow) ? shadow : 0);
	mm_folio_add_lru(c, pfn);
	mm_count(c->ctx, MM_PSWPIN, 1);
	mm_count(c->ctx, MM_PGPGIN, MM_PAGE_SIZE >> 10);
	*pfnp = pfn;
	return 0;
}

int mm_read_swap_cache_async(struct mm_cache *c, mm_swp_t entry, mm_gfp_t gfp, struct mm_memcg *memcg,
			     mm_pfn_t *pfnp, bool *newp)
{
	mm_pfn_t pfn = mm_swap_cache_get_folio(c, entry);

	if (pfn != MM_PFN_NONE) {
		mm_folio_get(c, pfn);
		*pfnp = pfn;
		*newp = false;
		return 0;
	}
	if (!entry || entry >= c->swap->max || !mm_swap_count(c, entry))
		return -ENOENT;
	*newp = true;
	return swap_in(c, entry, gfp, memcg, false, pfnp);
}

int mm_swap_in_alone(struct mm_cache *c, mm_swp_t entry, mm_gfp_t gfp, struct mm_memcg *memcg, mm_pfn_t *pfnp)
{
	return swap_in(c, entry, gfp, memcg, true, pfnp);
}

/* ---- VMA read-ahead: the address, window and hits of the last time are in one word of the VMA ---- */

enum { SWAP_RA_HITS_MAX = 63, SWAP_RA_WIN_SHIFT = 6, SWAP_RA_ORDER_CEILING = 5 };
static uint64_t ra_addr(uint64_t v) { return v & ~(uint64_t)(MM_PAGE_SIZE - 1); }
static unsigned int ra_win(uint64_t v) { return (unsigned int)(v >> SWAP_RA_WIN_SHIFT) & 63; }
static unsigned int ra_hits(uint64_t v) { return (unsigned int)v & 63; }
static uint64_t ra_val(uint64_t addr, unsigned int win, unsigned int hits)
{
	return ra_addr(addr) | (uint64_t)(win & 63) << SWAP_RA_WIN_SHIFT | (hits & 63);
}

void mm_swap_ra_note_hit(struct mm_cache *c, mm_pfn_t pfn, uint64_t *info, uint64_t vaddr)
{
	struct mm_page *p = mm_cache_page(c, pfn);
	bool readahead = p->flags & MM_PG_READAHEAD;
	uint64_t v = info && *info ? *info : 4;
	unsigned int hits = ra_hits(v);

	if (p->flags & MM_PG_HEAD)
		return;
	p->flags &= ~(uint32_t)MM_PG_READAHEAD;
	if (!info) {
		c->swap->ra_hits += readahead;
		mm_count(c->ctx, MM_SWAP_RA_HIT, readahead);
		return;
	}
	if (readahead) {
		if (hits < SWAP_RA_HITS_MAX)
			hits++;
		mm_count(c->ctx, MM_SWAP_RA_HIT, 1);
	}
	*info = ra_val(vaddr, ra_win(v), hits);
}

static unsigned int swapin_nr_pages(uint64_t prev, uint64_t now, unsigned int hits, unsigned int max, unsigned int prev_win)
{
	unsigned int pages = hits + 2;

	if (pages == 2) {
		if (now != prev + 1 && now != prev - 1)
			pages = 1;
	} else {
		unsigned int roundup = 4;

		while (roundup < pages)
			roundup <<= 1;
		pages = roundup;
	}
	if (pages > max)
		pages = max;
	return pages < prev_win / 2 ? prev_win / 2 : pages;
}

void mm_swap_ra_info(struct mm_cache *c, uint64_t *info, uint64_t vaddr, uint64_t vm_start, uint64_t vm_end,
		     struct mm_swap_ra *ra)
{
	int64_t cluster = mm_sysctl(c->ctx, MM_SYSCTL_PAGE_CLUSTER);
	unsigned int max_win = 1u << (cluster < SWAP_RA_ORDER_CEILING ? cluster : SWAP_RA_ORDER_CEILING), win;
	uint64_t fpfn = vaddr >> MM_PAGE_SHIFT, pmd = fpfn & ~UINT64_C(511), pfn, lpfn, rpfn, v;

	*ra = (struct mm_swap_ra){ ra_addr(vaddr), 1, 0 };
	if (max_win == 1)
		return;
	v = *info ? *info : 4;
	pfn = ra_addr(v) >> MM_PAGE_SHIFT;
	win = swapin_nr_pages(pfn, fpfn, ra_hits(v), max_win, ra_win(v));
	*info = ra_val(vaddr, win, 0);
	if (win == 1)
		return;
	if (fpfn == pfn + 1)
		lpfn = fpfn;
	else if (pfn == fpfn + 1)
		lpfn = fpfn >= win - 1 ? fpfn - win + 1 : 0;
	else
		lpfn = fpfn >= (win - 1) / 2 ? fpfn - (win - 1) / 2 : 0;
	rpfn = lpfn + win;
	if (fpfn != pfn + 1 && pfn == fpfn + 1)
		rpfn = fpfn + 1;
	if (lpfn < vm_start >> MM_PAGE_SHIFT)
		lpfn = vm_start >> MM_PAGE_SHIFT;
	if (lpfn < pmd)
		lpfn = pmd;
	if (rpfn > vm_end >> MM_PAGE_SHIFT)
		rpfn = vm_end >> MM_PAGE_SHIFT;
	if (rpfn > pmd + 512)
		rpfn = pmd + 512;
	*ra = (struct mm_swap_ra){ lpfn << MM_PAGE_SHIFT, (unsigned int)(rpfn - lpfn), (unsigned int)(fpfn - lpfn) };
}

void mm_swap_ra_mark(struct mm_cache *c, mm_pfn_t pfn)
{
	mm_cache_page(c, pfn)->flags |= MM_PG_READAHEAD;
	mm_count(c->ctx, MM_SWAP_RA, 1);
}

mm_pfn_t mm_swap_cluster_readahead(struct mm_cache *c, mm_swp_t entry, mm_gfp_t gfp, struct mm_memcg *memcg)
{
	struct mm_swap *s = c->swap;
	int64_t cluster = mm_sysctl(c->ctx, MM_SYSCTL_PAGE_CLUSTER);
	unsigned int hits = s->ra_hits, window = 1;
	mm_pfn_t pfn;
	bool fresh;

	if (cluster > 0) {
		s->ra_hits = 0;
		window = swapin_nr_pages(s->ra_prev_offset, entry, hits, 1u << (cluster < 31 ? cluster : 31), s->ra_last_pages);
		if (!hits)
			s->ra_prev_offset = entry;
		s->ra_last_pages = window;
	}
	for (uint64_t e = entry & ~(uint64_t)(window - 1); window > 1 && e <= (entry | (window - 1)) && e < s->max; e++) {
		if (!e || mm_read_swap_cache_async(c, (mm_swp_t)e, gfp, memcg, &pfn, &fresh))
			continue;
		if (fresh && e != entry)
			mm_swap_ra_mark(c, pfn);
		mm_folio_put(c, pfn);
	}
	if (window > 1)
		mm_lru_add_drain(c);
	return mm_read_swap_cache_async(c, entry, gfp, memcg, &pfn, &fresh) ? MM_PFN_NONE : pfn;
}

bool mm_swap_is_consistent(const struct mm_cache *c)
{
	const struct mm_swap *s = c->swap;
	uint64_t inuse = 0, cached = 0, free_clusters = 0;

	for (uint32_t slot = 1; slot < s->max; slot++) {
		mm_pfn_t pfn = mm_swap_cache_get_folio(c, slot);

		inuse += s->map[slot] != 0;
		if (pfn == MM_PFN_NONE)
			continue;
		cached++;
		if (!(s->map[slot] & MM_SWAP_HAS_CACHE) || slot - c->page_swap[pfn] >= mm_folio_nr_pages(mm_cache_page(c, pfn)) ||
		    !mm_folio_test_swapcache(mm_cache_page(c, pfn)))
			return false;
	}
	for (uint32_t i = s->free_head; s->max && i != MM_CLUSTER_NONE; i = s->cluster_link[i], free_clusters++)
		if (s->cluster_count[i] || free_clusters > s->nr_clusters)
			return false;
	return inuse == s->inuse_pages && cached == s->nr_cached &&
	       s->nr_swap_pages + (int64_t)s->inuse_pages == (int64_t)mm_total_swap_pages(c);
}
