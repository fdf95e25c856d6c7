/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cache/lru.h - LRU lists, the per-CPU batches before them, and the last reference
 *
 * Model: Linux 6.6 mm/swap.c, include/linux/mm_inline.h.
 *
 * A lruvec is one memcg's share of one node.  Classic: five lists; MGLRU: lists
 * by generation, type and zone (struct mm_lru_gen_folio), unevictable pages
 * apart.  A folio is on at most one list, PG_lru says so; the unevictable list
 * is not linked (struct mm_page.next is the folio's mlock_count there).
 */
#ifndef CACHE_LRU_H
#define CACHE_LRU_H

#include <assert.h>

#include "cache/cache.h"

enum mm_lru_list {
	MM_LRU_INACTIVE_ANON, MM_LRU_ACTIVE_ANON, MM_LRU_INACTIVE_FILE, MM_LRU_ACTIVE_FILE,
	MM_LRU_UNEVICTABLE, MM_NR_LRU_LISTS,
	MM_LRU_ACTIVE = 1, MM_LRU_FILE = 2,
};
enum { MM_PAGEVEC_SIZE = 15, MM_SWAP_CLUSTER_MAX = 32 };
enum { MM_MIN_NR_GENS = 2, MM_MAX_NR_GENS = 4, MM_MAX_NR_TIERS = 4, MM_LRU_REFS_WIDTH = 2, MM_ANON_AND_FILE = 2 };

/* struct lru_gen_folio: generations max_seq (youngest) down to min_seq[type] */
struct mm_lru_gen_folio {
	uint64_t max_seq, min_seq[MM_ANON_AND_FILE];
	uint64_t timestamps[MM_MAX_NR_GENS];	/* ns, when the generation was born */
	struct mm_page_list folios[MM_MAX_NR_GENS][MM_ANON_AND_FILE][MM_MAX_NR_ZONES];
	int64_t nr_pages[MM_MAX_NR_GENS][MM_ANON_AND_FILE][MM_MAX_NR_ZONES];
	uint64_t avg_refaulted[MM_ANON_AND_FILE][MM_MAX_NR_TIERS];
	uint64_t avg_total[MM_ANON_AND_FILE][MM_MAX_NR_TIERS];
	uint64_t protected_pages[1][MM_ANON_AND_FILE][MM_MAX_NR_TIERS - 1];
	uint64_t evicted[1][MM_ANON_AND_FILE][MM_MAX_NR_TIERS];
	uint64_t refaulted[1][MM_ANON_AND_FILE][MM_MAX_NR_TIERS];
	bool enabled;
};

/* Nodes that hold shadow entries alone, the oldest first (shadow_nodes.h), and of their shrinker */
struct mm_shadow_list {
	struct mm_xa_link *first, *last;
	uint64_t nr;
	int64_t nr_deferred;
};

struct mm_lruvec {
	struct mm_memcg *memcg;
	uint32_t node;
	struct mm_page_list lists[MM_NR_LRU_LISTS];
	uint64_t lru_zone_size[MM_MAX_NR_ZONES][MM_NR_LRU_LISTS];	/* pages: exact */
	uint64_t stat[MM_NR_LRU_LISTS];		/* pages at the last flush, with descendants */
	uint64_t stat_lists[MM_NR_LRU_LISTS], stat_own;	/* the same without, of each list and of all */
	uint64_t stat_slab;			/* pages of slabs that were charged then */
	bool updated;				/* a list has changed since */
	uint64_t anon_cost, file_cost;
	uint64_t nonresident_age;
	uint64_t refaults[MM_ANON_AND_FILE];	/* workingset_activate at the last reclaim, for DEACTIVATE */
	uint64_t activations[MM_ANON_AND_FILE];	/* WORKINGSET_ACTIVATE_* of this lruvec and those below: exact */
	uint64_t stat_activations[MM_ANON_AND_FILE];	/* the same at the last flush */
	struct mm_lru_gen_folio lrugen;
	struct mm_memcg_lru_link memcg_lru;
	struct {				/* of v1 (memcg_v1.h): its place in the node's tree */
		bool on_tree;
		uint64_t excess, seq;		/* pages; when it came there */
		struct mm_memcg *position;	/* where soft reclaim of it and those below stopped; NULL: it begins anew */
	} soft_limit;
	struct mm_shadow_list shadow_nodes;
	uint64_t *bloom[2];			/* of page-table walks, by generation; NULL: not yet */
	uint32_t newest_mm_id;			/* address spaces up to here have been walked */
};

/* Size of one list in pages, of zones up to @zone (lruvec_lru_size()). */
uint64_t mm_lruvec_lru_size(const struct mm_lruvec *v, enum mm_lru_list lru, enum mm_zone_type zone);
/* lruvec_page_state(): what heuristics read, as of the last flush, with descendants (memcg_stats.c). */
static inline uint64_t mm_lruvec_page_state(const struct mm_lruvec *v, enum mm_lru_list lru) { return v->stat[lru]; }
/* The same of WORKINGSET_ACTIVATE_ANON or _FILE. */
static inline uint64_t mm_lruvec_activations(const struct mm_lruvec *v, unsigned int type) { return v->stat_activations[type]; }
bool mm_lruvec_is_consistent(const struct mm_cache *c, const struct mm_lruvec *v);
static inline enum mm_lru_list mm_folio_lru_list(const struct mm_page *p)
{
	if (p->flags & MM_PG_UNEVICTABLE)
		return MM_LRU_UNEVICTABLE;
	return (enum mm_lru_list)((mm_folio_is_file_lru(p) ? MM_LRU_INACTIVE_FILE : MM_LRU_INACTIVE_ANON) +
				  (p->flags & MM_PG_ACTIVE ? MM_LRU_ACTIVE : 0));
}
/* Move a folio onto and off the lists, PG_lru is the caller's (lruvec_add_folio(), lruvec_del_folio()). */
static inline void mm_lruvec_add_folio(struct mm_cache *c, struct mm_lruvec *v, mm_pfn_t pfn);
static inline void mm_lruvec_add_folio_tail(struct mm_cache *c, struct mm_lruvec *v, mm_pfn_t pfn);
void mm_lruvec_del_folio(struct mm_cache *c, struct mm_lruvec *v, mm_pfn_t pfn);
/* So many pages of each zone were taken off a classic list (update_lru_sizes()). */
void mm_lruvec_isolated(struct mm_cache *c, struct mm_lruvec *v, enum mm_lru_list lru, const uint64_t taken[MM_MAX_NR_ZONES]);

/*
 * A new page: the batch takes a reference of its own.  With MGLRU a page made
 * in a fault (c->in_lru_fault) starts active.
 */
void mm_folio_add_lru(struct mm_cache *c, mm_pfn_t pfn);
/* The same for a page of a VMA: @locked is (vm_flags & (VM_LOCKED | VM_SPECIAL)) == VM_LOCKED. */
void mm_folio_add_lru_vma(struct mm_cache *c, mm_pfn_t pfn, bool locked);
void mm_folio_mark_accessed(struct mm_cache *c, mm_pfn_t pfn);
void mm_folio_activate(struct mm_cache *c, mm_pfn_t pfn);
void mm_folio_deactivate(struct mm_cache *c, mm_pfn_t pfn);		/* MADV_COLD */
void mm_deactivate_file_folio(struct mm_cache *c, mm_pfn_t pfn);	/* fadvise, invalidation */
void mm_folio_mark_lazyfree(struct mm_cache *c, mm_pfn_t pfn);		/* MADV_FREE */
void mm_folio_rotate_reclaimable(struct mm_cache *c, mm_pfn_t pfn);	/* writeback of a PG_reclaim page ended */
/* mlock.c: the per-CPU mlock batch of 15 included (mlock_folio, mlock_new_folio, munlock_folio). */
void mm_mlock_folio(struct mm_cache *c, mm_pfn_t pfn);
void mm_mlock_new_folio(struct mm_cache *c, mm_pfn_t pfn);
void mm_munlock_folio(struct mm_cache *c, mm_pfn_t pfn);
void mm_mlock_drain(struct mm_cache *c);	/* this CPU's mlock batch */
void mm_lru_add_drain(struct mm_cache *c);	/* this CPU: mlock and LRU batches */
void mm_lru_add_drain_all(struct mm_cache *c);

/* Take a folio off its list (the caller holds a reference and gets one more); false: it is on none. */
bool mm_folio_isolate_lru(struct mm_cache *c, mm_pfn_t pfn);
void mm_folio_putback_lru(struct mm_cache *c, mm_pfn_t pfn);	/* and drop that reference */

void mm_free_folio(struct mm_cache *c, mm_pfn_t pfn);	/* nobody holds it any more */
/* Drop one of refs; with the last one (mapcount 0 too) the folio leaves the LRU, is uncharged and freed. */
static inline void mm_folio_put(struct mm_cache *c, mm_pfn_t pfn)
{
	struct mm_page *p = mm_cache_page(c, pfn);

	assert(p->refs > 0);
	if (--p->refs == 0 && p->mapcount == 0)
		mm_free_folio(c, pfn);
}
/* Drop one of refs of each; freed order-0 pages go to the pcp lists as one batch, last first (release_pages()). */
void mm_release_pages(struct mm_cache *c, const mm_pfn_t *pfns, size_t nr);

/* Note that keeping or bringing back pages of one type cost I/O and rotations (lru_note_cost()). */
void mm_lru_note_cost(struct mm_lruvec *v, bool file, uint64_t nr_io, uint64_t nr_rotated);

/* ---- MGLRU as far as lists go (mm_inline.h) ---- */
static inline bool mm_lru_gen_enabled(const struct mm_cache *c) { return mm_sysctl(c->ctx, MM_SYSCTL_LRU_GEN) & 1; }
static inline unsigned int mm_lru_gen_from_seq(uint64_t seq) { return (unsigned int)(seq % MM_MAX_NR_GENS); }
/*
 * struct mm_page.aux under MGLRU: generation + 1 in bits 0..2, LRU_REFS in bits 4..5, and in bits 6..7 the generation
 * whose list holds the folio: a walk of page tables promotes a folio without moving it.
 */
static inline int mm_folio_lru_gen(const struct mm_page *p) { return (int)(p->aux & 7) - 1; }
static inline unsigned int mm_folio_lru_refs(const struct mm_page *p)
{
	return (unsigned int)(p->aux >> 4 & 3) + (p->flags & MM_PG_WORKINGSET ? 1 : 0);
}
static inline unsigned int mm_lru_tier_from_refs(unsigned int refs)	/* order_base_2(refs + 1) */
{
	return refs ? 32u - (unsigned int)__builtin_clz(refs) : 0;
}
static inline unsigned int mm_folio_list_gen(const struct mm_page *p) { return p->aux >> 6; }
/* Move a folio to the end (tail) or the head of its generation's list. */
void mm_lru_gen_move(struct mm_cache *c, struct mm_lruvec *v, mm_pfn_t pfn, bool tail);
/* folio_update_gen(): promoted to @new_gen where it is; an isolated folio only becomes referenced. */
void mm_lru_gen_update_gen(struct mm_cache *c, mm_pfn_t pfn, int new_gen);
void mm_lru_gen_update_size(struct mm_cache *c, struct mm_lruvec *v, mm_pfn_t pfn, int old_gen, int new_gen);
/* As a reclaimer isolates: the folio does not become active (lru_gen_del_folio(reclaiming)); false: in no generation. */
bool mm_lru_gen_del_folio(struct mm_cache *c, struct mm_lruvec *v, mm_pfn_t pfn, bool reclaiming);
/* Onto the list of the generation that it begins in; it is evictable. */
void mm_lru_gen_add_folio(struct mm_cache *c, struct mm_lruvec *v, mm_pfn_t pfn, bool reclaiming);
/* A new youngest generation begins: the sizes of active and inactive follow (the middle of inc_max_seq()). */
void mm_lru_gen_flip_sizes(struct mm_cache *c, struct mm_lruvec *v);
void mm_lru_gen_init_lruvec(struct mm_lruvec *v, bool enabled);
/* bloom.c: the page table of @vaddr (2M of it) in the address space @mm_id, in the filter of generation @seq. */
bool mm_lru_gen_bloom_test(const struct mm_lruvec *v, uint64_t seq, uint32_t mm_id, uint64_t vaddr);
void mm_lru_gen_bloom_add(struct mm_lruvec *v, uint64_t seq, uint32_t mm_id, uint64_t vaddr);
void mm_lru_gen_bloom_reset(struct mm_lruvec *v, uint64_t seq);
/* Used entries per cache line: the table pays a walk. */
static inline bool mm_lru_gen_suitable_to_scan(uint64_t total, uint64_t young) { return young * 8 >= total; }

/* ---- onto a list: in line, for reclaim puts back most of what it looks at ---- */

/* update_lru_size() */
static inline void mm_update_lru_size(struct mm_cache *c, struct mm_lruvec *v, unsigned int lru, struct mm_zone *z, int64_t delta)
{
	v->updated = true;
	v->lru_zone_size[z->type][lru] += (uint64_t)delta;
	z->nr_lru[lru] += (uint64_t)delta;
	mm_count_memcg_too(c->ctx, (enum mm_counter)(MM_NR_INACTIVE_ANON + lru), delta);
	mm_count_node_only(c->ctx, (enum mm_counter)(MM_NR_ZONE_INACTIVE_ANON + lru), delta);
}

static inline __attribute__((always_inline)) void mm_lruvec_add(struct mm_cache *c, struct mm_lruvec *v, mm_pfn_t pfn, bool tail)
{
	struct mm_page *map = c->phys->mem_map, *p = &map[pfn];
	enum mm_lru_list lru = mm_folio_lru_list(p);

	if (v->lrugen.enabled && lru != MM_LRU_UNEVICTABLE) {
		mm_lru_gen_add_folio(c, v, pfn, tail);
		return;
	}
	mm_update_lru_size(c, v, lru, mm_page_zone(c->phys, pfn), (int64_t)mm_folio_nr_pages(p));
	if (lru == MM_LRU_UNEVICTABLE)
		return;
	if (tail)
		mm_page_list_add_tail(map, &v->lists[lru], pfn);
	else
		mm_page_list_add(map, &v->lists[lru], pfn);
}

static inline __attribute__((always_inline)) void mm_lruvec_add_folio(struct mm_cache *c, struct mm_lruvec *v, mm_pfn_t pfn)
{
	mm_lruvec_add(c, v, pfn, false);
}
static inline __attribute__((always_inline)) void mm_lruvec_add_folio_tail(struct mm_cache *c, struct mm_lruvec *v, mm_pfn_t pfn)
{
	mm_lruvec_add(c, v, pfn, true);
}

#endif /* CACHE_LRU_H */
