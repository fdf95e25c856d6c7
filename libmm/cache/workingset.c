/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cache/workingset.c - refault detection by shadow entries
 *
 * Every eviction and activation ages the lruvec's non-resident clock.  An
 * evicted page leaves the clock's value in its place; when it comes back, the
 * distance is how much larger memory would have had to be to keep it.  If that
 * is no more than the lists that compete with it, it starts out active.
 * With MGLRU the shadow holds the generation and the number of uses instead.
 *
 *   shadow:  1 | eviction clock or token | memcg id (16) | node (10) | workingset (1)
 *
 * Source: Linux 6.6 mm/workingset.c.  The clock has 36 bits as on x86-64
 * (63 bits of an xarray value less 1 + 10 + 16), so bucket_order is 0 up to 256 GiB
 * of memory; beyond that it is the excess, as in the kernel.
 */
#include "cache/workingset.h"

#include "cache/filemap.h"
#include "cache/memcg.h"

enum { WORKINGSET_SHIFT = 1, NODES_SHIFT = 10, MEM_CGROUP_ID_SHIFT = 16 };
#define EVICTION_BITS	(63 - WORKINGSET_SHIFT - NODES_SHIFT - MEM_CGROUP_ID_SHIFT)
#define EVICTION_MASK	((UINT64_C(1) << EVICTION_BITS) - 1)

/* ilog2 of totalram beyond what the clock can tell apart */
static unsigned int bucket_order(const struct mm_cache *c)
{
	uint64_t pages = c->phys->totalram_pages;
	unsigned int max_order = pages ? 64 - (unsigned int)__builtin_clzll(pages) : 0;

	return max_order > EVICTION_BITS ? max_order - EVICTION_BITS : 0;
}

static uint64_t pack_shadow(const struct mm_lruvec *v, uint64_t eviction, bool workingset)
{
	eviction &= EVICTION_MASK;
	eviction = eviction << MEM_CGROUP_ID_SHIFT | v->memcg->id;
	eviction = eviction << NODES_SHIFT | v->node;
	return (eviction << WORKINGSET_SHIFT | workingset) | MM_XA_SHADOW;
}

/* NULL: the shadow names no memcg or node of this machine. */
static struct mm_lruvec *unpack_shadow(const struct mm_cache *c, uint64_t shadow, uint64_t *eviction, bool *workingset)
{
	uint64_t e = shadow & ~MM_XA_SHADOW, node, id;

	*workingset = e & 1;
	e >>= WORKINGSET_SHIFT;
	node = e & ((1u << NODES_SHIFT) - 1);
	e >>= NODES_SHIFT;
	id = e & ((1u << MEM_CGROUP_ID_SHIFT) - 1);
	*eviction = e >> MEM_CGROUP_ID_SHIFT;
	if (!id || id > c->nr_memcgs || node >= MM_MAX_NODES || !mm_memcg_id_is_used(c->memcgs[id - 1]))
		return NULL;
	return c->memcgs[id - 1]->lruvec[node];
}

void mm_workingset_age_nonresident(struct mm_cache *c, struct mm_lruvec *v, uint64_t nr_pages)
{
	(void)c;
	for (struct mm_memcg *m = v->memcg; m; m = m->parent)
		m->lruvec[v->node]->nonresident_age += nr_pages;
}

/* ---- MGLRU ---- */

static uint64_t lru_gen_eviction(struct mm_cache *c, mm_pfn_t pfn)
{
	const struct mm_page *p = mm_cache_page(c, pfn);
	struct mm_lruvec *v = mm_folio_lruvec(c, pfn);
	unsigned int type = mm_folio_is_file_lru(p), refs = mm_folio_lru_refs(p);
	uint64_t token = v->lrugen.min_seq[type] << MM_LRU_REFS_WIDTH | (refs ? refs - 1 : 0);

	v->lrugen.evicted[0][type][mm_lru_tier_from_refs(refs)] += mm_folio_nr_pages(p);
	return pack_shadow(v, token, refs != 0);
}

static bool lru_gen_test_recent(const struct mm_cache *c, uint64_t shadow, bool file, struct mm_lruvec **v,
				uint64_t *token, bool *workingset)
{
	*v = unpack_shadow(c, shadow, token, workingset);
	return *v && *token >> MM_LRU_REFS_WIDTH == ((*v)->lrugen.min_seq[file] & EVICTION_MASK >> MM_LRU_REFS_WIDTH);
}

static void count_activate(struct mm_cache *c, struct mm_lruvec *v, unsigned int type, int64_t nr)
{
	mm_lruvec_count(c, v, type ? MM_WORKINGSET_ACTIVATE_FILE : MM_WORKINGSET_ACTIVATE_ANON, nr);
	for (struct mm_memcg *m = v->memcg; m; m = m->parent)
		m->lruvec[v->node]->activations[type] += (uint64_t)nr;
}

static void lru_gen_refault(struct mm_cache *c, mm_pfn_t pfn, uint64_t shadow)
{
	struct mm_page *p = mm_cache_page(c, pfn);
	unsigned int type = mm_folio_is_file_lru(p), refs;
	int64_t nr = (int64_t)mm_folio_nr_pages(p);
	struct mm_lruvec *v;
	uint64_t token;
	bool workingset, recent = lru_gen_test_recent(c, shadow, type, &v, &token, &workingset);

	if (v != mm_folio_lruvec(c, pfn))
		return;
	mm_lruvec_count(c, v, type ? MM_WORKINGSET_REFAULT_FILE : MM_WORKINGSET_REFAULT_ANON, nr);
	if (!recent)
		return;
	refs = (unsigned int)(token & ((1u << MM_LRU_REFS_WIDTH) - 1)) + workingset;
	v->lrugen.refaulted[0][type][mm_lru_tier_from_refs(refs)] += (uint64_t)nr;
	count_activate(c, v, type, nr);
	if (c->in_lru_fault || refs >= (1u << MM_LRU_REFS_WIDTH) - 1) {
		p->aux |= 3u << 4;
		p->flags |= MM_PG_WORKINGSET;
		mm_lruvec_count(c, v, type ? MM_WORKINGSET_RESTORE_FILE : MM_WORKINGSET_RESTORE_ANON, nr);
	}
}

/* ---- both ---- */

uint64_t mm_workingset_eviction(struct mm_cache *c, mm_pfn_t pfn, struct mm_memcg *target_memcg)
{
	struct mm_page *p = mm_cache_page(c, pfn);
	struct mm_memcg *m = target_memcg ? target_memcg : c->root_mem_cgroup;
	struct mm_lruvec *v;
	uint64_t eviction;

	if (mm_lru_gen_enabled(c))
		return lru_gen_eviction(c, pfn);
	v = m->lruvec[mm_page_zone(c->phys, pfn)->node];
	eviction = v->nonresident_age >> bucket_order(c);
	mm_workingset_age_nonresident(c, v, mm_folio_nr_pages(p));
	return pack_shadow(v, eviction, p->flags & MM_PG_WORKINGSET);
}

bool mm_workingset_test_recent(struct mm_cache *c, uint64_t shadow, bool file, bool *workingset)
{
	uint64_t eviction, size;
	struct mm_lruvec *v;

	if (mm_lru_gen_enabled(c))
		return lru_gen_test_recent(c, shadow, file, &v, &eviction, workingset);
	v = unpack_shadow(c, shadow, &eviction, workingset);
	if (!v)
		return false;
	eviction <<= bucket_order(c);
	size = mm_lruvec_page_state(v, MM_LRU_ACTIVE_FILE);
	if (!file)
		size += mm_lruvec_page_state(v, MM_LRU_INACTIVE_FILE);
	if (mm_mem_cgroup_get_nr_swap_pages(c, v->memcg) > 0) {
		size += mm_lruvec_page_state(v, MM_LRU_ACTIVE_ANON);
		if (file)
			size += mm_lruvec_page_state(v, MM_LRU_INACTIVE_ANON);
	}
	return ((v->nonresident_age - eviction) & EVICTION_MASK) <= size;
}

/* Result: how many pages of its lruvec were evicted or activated meanwhile; MGLRU keeps generations instead, none then. */
static void refault_effect(struct mm_cache *c, mm_pfn_t pfn, uint64_t shadow)
{
	struct mm_event *e = mm_effect(c->ctx, MM_BY_RECLAIM, MM_EV_REFAULT);
	const struct mm_lruvec *v;
	uint64_t eviction;
	bool workingset;

	if (!e)
		return;
	e->size = mm_folio_nr_pages(mm_cache_page(c, pfn)) << MM_PAGE_SHIFT;
	e->present |= MM_TC_BIT(SIZE);
	v = mm_lru_gen_enabled(c) ? NULL : unpack_shadow(c, shadow, &eviction, &workingset);
	if (v)
		mm_event_set_result(e, MM_RESULT_DEC, (v->nonresident_age - (eviction << bucket_order(c))) & EVICTION_MASK);
}

void mm_workingset_refault(struct mm_cache *c, mm_pfn_t pfn, uint64_t shadow)
{
	struct mm_page *p = mm_cache_page(c, pfn);
	bool file = mm_folio_is_file_lru(p), workingset;
	int64_t nr = (int64_t)mm_folio_nr_pages(p);
	struct mm_lruvec *v = mm_folio_lruvec(c, pfn);

	if (!shadow)
		return;
	refault_effect(c, pfn, shadow);
	if (mm_lru_gen_enabled(c)) {
		lru_gen_refault(c, pfn, shadow);
		return;
	}
	mm_mem_cgroup_flush_stats_ratelimited(c);
	mm_lruvec_count(c, v, file ? MM_WORKINGSET_REFAULT_FILE : MM_WORKINGSET_REFAULT_ANON, nr);
	if (!mm_workingset_test_recent(c, shadow, file, &workingset))
		return;
	p->flags |= MM_PG_ACTIVE;
	mm_workingset_age_nonresident(c, v, (uint64_t)nr);
	count_activate(c, v, file, nr);
	if (workingset) {
		p->flags |= MM_PG_WORKINGSET;
		mm_lru_note_cost(v, file, (uint64_t)nr, 0);
		mm_lruvec_count(c, v, file ? MM_WORKINGSET_RESTORE_FILE : MM_WORKINGSET_RESTORE_ANON, nr);
	}
}

void mm_workingset_activation(struct mm_cache *c, mm_pfn_t pfn)
{
	if (c->page_memcg[pfn])
		mm_workingset_age_nonresident(c, mm_folio_lruvec(c, pfn), mm_folio_nr_pages(mm_cache_page(c, pfn)));
}
