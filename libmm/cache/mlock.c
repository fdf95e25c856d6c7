/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cache/mlock.c - pages that must stay: PG_mlocked, the unevictable list, its batch
 *
 * A CPU gathers 15 pages to be locked, new and locked, or unlocked, then moves
 * them.  On the unevictable list, which is not linked, struct mm_page.next
 * counts how many VMAs lock the page (mlock_count).
 *
 * Source: Linux 6.6 mm/mlock.c.
 */
#include "cache/fbatches.h"
#include "cache/memcg.h"

static bool folio_evictable(const struct mm_page *p) { return !(p->flags & MM_PG_MLOCKED); }

static void move_lists(struct mm_cache *c, mm_pfn_t pfn, bool unevictable)
{
	struct mm_page *p = mm_cache_page(c, pfn);
	struct mm_lruvec *v = mm_folio_lruvec(c, pfn);

	mm_lruvec_del_folio(c, v, pfn);
	if (unevictable) {
		p->flags = (p->flags & ~(uint32_t)MM_PG_ACTIVE) | MM_PG_UNEVICTABLE;
		p->next = p->flags & MM_PG_MLOCKED ? 1 : 0;
	} else {
		p->flags &= ~(uint32_t)MM_PG_UNEVICTABLE;
	}
	mm_lruvec_add_folio(c, v, pfn);
	mm_count(c->ctx, unevictable ? MM_UNEVICTABLE_PGS_CULLED : MM_UNEVICTABLE_PGS_RESCUED, (int64_t)mm_folio_nr_pages(p));
}

static void __mlock_folio(struct mm_cache *c, mm_pfn_t pfn)
{
	struct mm_page *p = mm_cache_page(c, pfn);

	if (!(p->flags & MM_PG_LRU))
		return;
	if (folio_evictable(p)) {
		if (p->flags & MM_PG_UNEVICTABLE)
			move_lists(c, pfn, false);
	} else if (p->flags & MM_PG_UNEVICTABLE) {
		p->next++;
	} else {
		move_lists(c, pfn, true);
	}
}

static void __mlock_new_folio(struct mm_cache *c, mm_pfn_t pfn)
{
	struct mm_page *p = mm_cache_page(c, pfn);

	if (!folio_evictable(p)) {
		p->flags |= MM_PG_UNEVICTABLE;
		p->next = 1;
		mm_count(c->ctx, MM_UNEVICTABLE_PGS_CULLED, (int64_t)mm_folio_nr_pages(p));
	}
	mm_lruvec_add_folio(c, mm_folio_lruvec(c, pfn), pfn);
	p->flags |= MM_PG_LRU;
}

static void __munlock_folio(struct mm_cache *c, mm_pfn_t pfn)
{
	struct mm_page *p = mm_cache_page(c, pfn);
	int64_t nr = (int64_t)mm_folio_nr_pages(p);
	bool on_lru = p->flags & MM_PG_LRU;

	if (on_lru && (p->flags & MM_PG_UNEVICTABLE)) {
		if (p->next)
			p->next--;
		if (p->next)
			return;
	}
	if (p->flags & MM_PG_MLOCKED) {
		p->flags &= ~(uint32_t)MM_PG_MLOCKED;
		mm_count(c->ctx, MM_NR_MLOCK, -nr);
		mm_count(c->ctx, on_lru || !(p->flags & MM_PG_UNEVICTABLE) ? MM_UNEVICTABLE_PGS_MUNLOCKED :
			 MM_UNEVICTABLE_PGS_STRANDED, nr);
	}
	if (on_lru && (p->flags & MM_PG_UNEVICTABLE))
		move_lists(c, pfn, false);
}

void mm_mlock_drain(struct mm_cache *c)
{
	struct mm_folio_batch *b = &mm_this_cpu_fbatches(c)->mlock, done;

	if (!b->nr)
		return;
	done = *b;
	b->nr = 0;
	for (uint32_t i = 0; i < done.nr; i++) {
		if (done.kind[i] == MM_MLOCK_LRU)
			__mlock_folio(c, done.folios[i]);
		else if (done.kind[i] == MM_MLOCK_NEW)
			__mlock_new_folio(c, done.folios[i]);
		else
			__munlock_folio(c, done.folios[i]);
	}
	mm_release_pages(c, done.folios, done.nr);
}

static void batch_add(struct mm_cache *c, mm_pfn_t pfn, uint8_t kind)
{
	struct mm_folio_batch *b = &mm_this_cpu_fbatches(c)->mlock;

	mm_folio_get(c, pfn);
	b->kind[b->nr] = kind;
	b->folios[b->nr++] = pfn;
	if (b->nr == MM_PAGEVEC_SIZE || (mm_cache_page(c, pfn)->flags & MM_PG_HEAD))
		mm_mlock_drain(c);
}

static void set_mlocked(struct mm_cache *c, mm_pfn_t pfn)
{
	struct mm_page *p = mm_cache_page(c, pfn);

	p->flags |= MM_PG_MLOCKED;
	mm_count(c->ctx, MM_NR_MLOCK, (int64_t)mm_folio_nr_pages(p));
	mm_count(c->ctx, MM_UNEVICTABLE_PGS_MLOCKED, (int64_t)mm_folio_nr_pages(p));
}

void mm_mlock_folio(struct mm_cache *c, mm_pfn_t pfn)
{
	if (!(mm_cache_page(c, pfn)->flags & MM_PG_MLOCKED))
		set_mlocked(c, pfn);
	batch_add(c, pfn, MM_MLOCK_LRU);
}

void mm_mlock_new_folio(struct mm_cache *c, mm_pfn_t pfn)
{
	set_mlocked(c, pfn);
	batch_add(c, pfn, MM_MLOCK_NEW);
}

void mm_munlock_folio(struct mm_cache *c, mm_pfn_t pfn) { batch_add(c, pfn, MM_MLOCK_UN); }
