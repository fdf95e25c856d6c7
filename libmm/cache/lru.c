/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cache/lru.c - per-CPU batches in front of the LRU lists, and the last reference
 *
 * Pages are put on lists and moved between them 15 at a time: each CPU has one
 * batch per kind of move, and a batch holds a reference to each of its pages.
 * A page that left its list meanwhile is passed over when the batch runs.
 *
 * Source: Linux 6.6 mm/swap.c.
 */
#include <assert.h>
#include <stdlib.h>

#include "cache/fbatches.h"
#include "cache/deferred_split.h"
#include "cache/memcg.h"
#include "cache/swap.h"
#include "cache/workingset.h"

static bool folio_evictable(const struct mm_page *p) { return !(p->flags & MM_PG_MLOCKED); }

static inline void lru_add_fn(struct mm_cache *c, struct mm_lruvec *v, mm_pfn_t pfn)
{
	struct mm_page *p = mm_cache_page(c, pfn);
	bool was_unevictable = p->flags & MM_PG_UNEVICTABLE;
	int64_t nr = (int64_t)mm_folio_nr_pages(p);

	p->flags &= ~(uint32_t)MM_PG_UNEVICTABLE;
	if (folio_evictable(p)) {
		if (was_unevictable)
			mm_count(c->ctx, MM_UNEVICTABLE_PGS_RESCUED, nr);
	} else {
		p->flags = (p->flags & ~(uint32_t)MM_PG_ACTIVE) | MM_PG_UNEVICTABLE;
		p->next = 0;
		if (!was_unevictable)
			mm_count(c->ctx, MM_UNEVICTABLE_PGS_CULLED, nr);
	}
	mm_lruvec_add_folio(c, v, pfn);
}

static inline void lru_move_tail_fn(struct mm_cache *c, struct mm_lruvec *v, mm_pfn_t pfn)
{
	struct mm_page *p = mm_cache_page(c, pfn);

	if (p->flags & MM_PG_UNEVICTABLE)
		return;
	mm_lruvec_del_folio(c, v, pfn);
	p->flags &= ~(uint32_t)MM_PG_ACTIVE;
	mm_lruvec_add_folio_tail(c, v, pfn);
	mm_count(c->ctx, MM_PGROTATED, (int64_t)mm_folio_nr_pages(p));
}

static void lru_deactivate_file_fn(struct mm_cache *c, struct mm_lruvec *v, mm_pfn_t pfn)
{
	struct mm_page *p = mm_cache_page(c, pfn);
	int64_t nr = (int64_t)mm_folio_nr_pages(p);
	bool active = p->flags & MM_PG_ACTIVE;

	if ((p->flags & MM_PG_UNEVICTABLE) || p->mapcount > 0)
		return;
	mm_lruvec_del_folio(c, v, pfn);
	p->flags &= ~(uint32_t)(MM_PG_ACTIVE | MM_PG_REFERENCED);
	if (p->flags & (MM_PG_WRITEBACK | MM_PG_DIRTY)) {
		mm_lruvec_add_folio(c, v, pfn);
		p->flags |= MM_PG_RECLAIM;
	} else {
		mm_lruvec_add_folio_tail(c, v, pfn);
		mm_count(c->ctx, MM_PGROTATED, nr);
	}
	if (active)
		mm_lruvec_count(c, v, MM_PGDEACTIVATE, nr);
}

static void lru_deactivate_fn(struct mm_cache *c, struct mm_lruvec *v, mm_pfn_t pfn)
{
	struct mm_page *p = mm_cache_page(c, pfn);

	if ((p->flags & MM_PG_UNEVICTABLE) || (!(p->flags & MM_PG_ACTIVE) && !mm_lru_gen_enabled(c)))
		return;
	mm_lruvec_del_folio(c, v, pfn);
	p->flags &= ~(uint32_t)(MM_PG_ACTIVE | MM_PG_REFERENCED);
	mm_lruvec_add_folio(c, v, pfn);
	mm_lruvec_count(c, v, MM_PGDEACTIVATE, (int64_t)mm_folio_nr_pages(p));
}

static bool may_lazyfree(const struct mm_page *p)
{
	return (p->flags & MM_PG_ANON) && (p->flags & MM_PG_SWAPBACKED) &&
	       !(p->flags & (MM_PG_SWAPCACHE | MM_PG_UNEVICTABLE));
}

static void lru_lazyfree_fn(struct mm_cache *c, struct mm_lruvec *v, mm_pfn_t pfn)
{
	struct mm_page *p = mm_cache_page(c, pfn);

	if (!may_lazyfree(p))
		return;
	mm_lruvec_del_folio(c, v, pfn);
	p->flags &= ~(uint32_t)(MM_PG_ACTIVE | MM_PG_REFERENCED | MM_PG_SWAPBACKED);
	mm_lruvec_add_folio(c, v, pfn);
	mm_lruvec_count(c, v, MM_PGLAZYFREE, (int64_t)mm_folio_nr_pages(p));
}

static void folio_activate_fn(struct mm_cache *c, struct mm_lruvec *v, mm_pfn_t pfn)
{
	struct mm_page *p = mm_cache_page(c, pfn);

	if (p->flags & (MM_PG_ACTIVE | MM_PG_UNEVICTABLE))
		return;
	mm_lruvec_del_folio(c, v, pfn);
	p->flags |= MM_PG_ACTIVE;
	mm_lruvec_add_folio(c, v, pfn);
	mm_lruvec_count(c, v, MM_PGACTIVATE, (int64_t)mm_folio_nr_pages(p));
}

typedef void (*move_fn_t)(struct mm_cache *c, struct mm_lruvec *v, mm_pfn_t pfn);
static const move_fn_t move_fns[MM_NR_FBATCHES] = {
	[MM_FBATCH_DEACTIVATE_FILE] = lru_deactivate_file_fn,
	[MM_FBATCH_DEACTIVATE] = lru_deactivate_fn,
	[MM_FBATCH_LAZYFREE] = lru_lazyfree_fn,
	[MM_FBATCH_ACTIVATE] = folio_activate_fn,
};

/* In line, so that those of the two batches that move most are too. */
static inline __attribute__((always_inline)) void move_lru(struct mm_cache *c, struct mm_folio_batch *b, enum mm_fbatch which, move_fn_t fn)
{
	struct mm_folio_batch done = *b;

	b->nr = 0;
	for (uint32_t i = 0; i < done.nr; i++) {
		struct mm_page *p = mm_cache_page(c, done.folios[i]);

		if (which != MM_FBATCH_ADD && !(p->flags & MM_PG_LRU))
			continue;
		fn(c, mm_folio_lruvec(c, done.folios[i]), done.folios[i]);
		p->flags |= MM_PG_LRU;
	}
	mm_release_pages(c, done.folios, done.nr);
}

static void folio_batch_move_lru(struct mm_cache *c, struct mm_folio_batch *b, enum mm_fbatch which)
{
	if (which == MM_FBATCH_ADD)
		move_lru(c, b, which, lru_add_fn);
	else if (which == MM_FBATCH_ROTATE)
		move_lru(c, b, which, lru_move_tail_fn);
	else
		move_lru(c, b, which, move_fns[which]);
}

/* The batch takes a reference; a large folio empties it at once. */
static inline void folio_batch_add_and_move(struct mm_cache *c, mm_pfn_t pfn, enum mm_fbatch which)
{
	struct mm_folio_batch *b = &mm_this_cpu_fbatches(c)->lru[which];

	mm_folio_get(c, pfn);
	b->folios[b->nr++] = pfn;
	if (b->nr == MM_PAGEVEC_SIZE || (mm_cache_page(c, pfn)->flags & MM_PG_HEAD))
		folio_batch_move_lru(c, b, which);
}

void mm_folio_add_lru(struct mm_cache *c, mm_pfn_t pfn)
{
	struct mm_page *p = mm_cache_page(c, pfn);

	if (mm_lru_gen_enabled(c) && !(p->flags & MM_PG_UNEVICTABLE) && c->in_lru_fault && !c->memalloc)
		p->flags |= MM_PG_ACTIVE;
	folio_batch_add_and_move(c, pfn, MM_FBATCH_ADD);
}

void mm_folio_add_lru_vma(struct mm_cache *c, mm_pfn_t pfn, bool locked)
{
	if (locked)
		mm_mlock_new_folio(c, pfn);
	else
		mm_folio_add_lru(c, pfn);
}

void mm_folio_activate(struct mm_cache *c, mm_pfn_t pfn)
{
	const struct mm_page *p = mm_cache_page(c, pfn);

	if ((p->flags & MM_PG_LRU) && !(p->flags & (MM_PG_ACTIVE | MM_PG_UNEVICTABLE)))
		folio_batch_add_and_move(c, pfn, MM_FBATCH_ACTIVATE);
}

void mm_folio_deactivate(struct mm_cache *c, mm_pfn_t pfn)
{
	const struct mm_page *p = mm_cache_page(c, pfn);

	if ((p->flags & MM_PG_LRU) && !(p->flags & MM_PG_UNEVICTABLE) &&
	    ((p->flags & MM_PG_ACTIVE) || mm_lru_gen_enabled(c)))
		folio_batch_add_and_move(c, pfn, MM_FBATCH_DEACTIVATE);
}

void mm_deactivate_file_folio(struct mm_cache *c, mm_pfn_t pfn)
{
	if (!(mm_cache_page(c, pfn)->flags & MM_PG_UNEVICTABLE))
		folio_batch_add_and_move(c, pfn, MM_FBATCH_DEACTIVATE_FILE);
}

void mm_folio_mark_lazyfree(struct mm_cache *c, mm_pfn_t pfn)
{
	const struct mm_page *p = mm_cache_page(c, pfn);

	if ((p->flags & MM_PG_LRU) && may_lazyfree(p))
		folio_batch_add_and_move(c, pfn, MM_FBATCH_LAZYFREE);
}

void mm_folio_rotate_reclaimable(struct mm_cache *c, mm_pfn_t pfn)
{
	const struct mm_page *p = mm_cache_page(c, pfn);

	if ((p->flags & MM_PG_LRU) && !(p->flags & (MM_PG_LOCKED | MM_PG_DIRTY | MM_PG_UNEVICTABLE)))
		folio_batch_add_and_move(c, pfn, MM_FBATCH_ROTATE);
}

/* A page that waits to be added is marked active there and then. */
static void __lru_cache_activate_folio(struct mm_cache *c, mm_pfn_t pfn)
{
	const struct mm_folio_batch *b = &mm_this_cpu_fbatches(c)->lru[MM_FBATCH_ADD];

	for (uint32_t i = b->nr; i-- > 0; )
		if (b->folios[i] == pfn) {
			mm_cache_page(c, pfn)->flags |= MM_PG_ACTIVE;
			return;
		}
}

/* folio_inc_refs(): referenced, then workingset, then the two bits of LRU_REFS */
static void folio_inc_refs(struct mm_page *p)
{
	if (p->flags & MM_PG_UNEVICTABLE)
		return;
	if (!(p->flags & MM_PG_REFERENCED))
		p->flags |= MM_PG_REFERENCED;
	else if (!(p->flags & MM_PG_WORKINGSET))
		p->flags |= MM_PG_WORKINGSET;
	else if ((p->aux >> 4 & 3) < 3)
		p->aux = (uint8_t)(p->aux + (1u << 4));
}

void mm_folio_mark_accessed(struct mm_cache *c, mm_pfn_t pfn)
{
	struct mm_page *p = mm_cache_page(c, pfn);

	if (mm_lru_gen_enabled(c)) {
		folio_inc_refs(p);
	} else if (!(p->flags & MM_PG_REFERENCED)) {
		p->flags |= MM_PG_REFERENCED;
	} else if (!(p->flags & (MM_PG_UNEVICTABLE | MM_PG_ACTIVE))) {
		if (p->flags & MM_PG_LRU)
			mm_folio_activate(c, pfn);
		else
			__lru_cache_activate_folio(c, pfn);
		p->flags &= ~(uint32_t)MM_PG_REFERENCED;
		mm_workingset_activation(c, pfn);
	}
	p->flags &= ~(uint32_t)MM_PG_IDLE;
}

static void drain_cpu(struct mm_cache *c, struct mm_cpu_fbatches *cpu)
{
	for (int i = 0; i < MM_NR_FBATCHES; i++)
		if (cpu->lru[i].nr)
			folio_batch_move_lru(c, &cpu->lru[i], (enum mm_fbatch)i);
}

void mm_lru_add_drain(struct mm_cache *c)
{
	drain_cpu(c, mm_this_cpu_fbatches(c));
	mm_mlock_drain(c);
}

void mm_lru_add_drain_all(struct mm_cache *c)
{
	uint32_t cpu = c->ctx->cpu;

	for (uint32_t i = 0; i < c->ctx->nr_cpus; i++) {
		mm_set_cpu(c->ctx, i);
		mm_lru_add_drain(c);
	}
	mm_set_cpu(c->ctx, cpu);
}

bool mm_folio_isolate_lru(struct mm_cache *c, mm_pfn_t pfn)
{
	struct mm_page *p = mm_cache_page(c, pfn);

	if (!(p->flags & MM_PG_LRU))
		return false;
	p->flags &= ~(uint32_t)MM_PG_LRU;
	mm_folio_get(c, pfn);
	mm_lruvec_del_folio(c, mm_folio_lruvec(c, pfn), pfn);
	return true;
}

void mm_folio_putback_lru(struct mm_cache *c, mm_pfn_t pfn)
{
	mm_folio_add_lru(c, pfn);
	mm_folio_put(c, pfn);
}

/* Nobody holds the folio any more: off the list, uncharged, bare. */
static void page_cache_release(struct mm_cache *c, mm_pfn_t pfn)
{
	struct mm_page *p = mm_cache_page(c, pfn);

	assert(p->mapcount == 0 && p->refs == 0 && !(p->flags & (MM_PG_BUDDY | MM_PG_SWAPCACHE)));
	if (p->flags & MM_PG_HEAD && p->order == MM_PMD_ORDER)
		mm_deferred_split_del(c, pfn);
	if (p->flags & MM_PG_LRU)
		mm_lruvec_del_folio(c, mm_folio_lruvec(c, pfn), pfn);
	if (p->flags & MM_PG_MLOCKED) {
		mm_count(c->ctx, MM_NR_MLOCK, -(int64_t)mm_folio_nr_pages(p));
		mm_count(c->ctx, MM_UNEVICTABLE_PGS_CLEARED, (int64_t)mm_folio_nr_pages(p));
	}
	mm_mem_cgroup_uncharge(c, pfn);
	for (uint64_t i = 0; __builtin_expect(c->page_cpupid != NULL, 0) && i < mm_folio_nr_pages(p); i++)
		c->page_cpupid[pfn + i] = 0;
	p->flags &= MM_PG_HEAD;
	p->mapping = 0;
}

void mm_free_folio(struct mm_cache *c, mm_pfn_t pfn)
{
	struct mm_page *p = mm_cache_page(c, pfn);

	page_cache_release(c, pfn);
	mm_mem_cgroup_uncharge_flush(c);
	mm_free_pages(c->phys, pfn, p->flags & MM_PG_HEAD ? p->order : 0);
}

/* Freed pages were collected at the head of a list: the last one is freed first. */
static void free_last_first(struct mm_cache *c, mm_pfn_t *pfns, size_t nr)
{
	for (size_t i = 0; i < nr / 2; i++) {
		mm_pfn_t t = pfns[i];

		pfns[i] = pfns[nr - 1 - i];
		pfns[nr - 1 - i] = t;
	}
	mm_mem_cgroup_uncharge_flush(c);
	mm_free_unref_page_list(c->phys, pfns, nr);
}

void mm_release_pages(struct mm_cache *c, const mm_pfn_t *pfns, size_t nr)
{
	mm_pfn_t free_list[512];	/* what one TLB gather holds */
	size_t nr_free = 0;

	for (size_t i = 0; i < nr; i++) {
		struct mm_page *p = mm_cache_page(c, pfns[i]);

		assert(p->refs > 0);
		if (--p->refs || p->mapcount)
			continue;
		if (p->flags & MM_PG_HEAD) {
			mm_free_folio(c, pfns[i]);
			continue;
		}
		page_cache_release(c, pfns[i]);
		free_list[nr_free++] = pfns[i];
		if (nr_free == sizeof(free_list) / sizeof(free_list[0])) {
			free_last_first(c, free_list, nr_free);
			nr_free = 0;
		}
	}
	if (nr_free)
		free_last_first(c, free_list, nr_free);
}
