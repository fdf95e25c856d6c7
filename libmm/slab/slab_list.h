/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* slab/slab_list.h - between slab.c (objects and array caches), slab_list.c (slabs) and slab_reap.c */
#ifndef SLAB_SLAB_LIST_H
#define SLAB_SLAB_LIST_H

#include "slab/slab.h"

/*
 * link[] of a SLAB slab: below bit 15 the free index at that position, bit 15 whether the object of that number
 * is live.
 */
enum { SLAB_LIVE_BIT = 0x8000 };

/* Slabs taken off their lists, to be destroyed when the caller is done; linked by next. */
struct slab_chain {
	struct slab *head, **last;
};
#define SLAB_CHAIN(name) struct slab_chain name = { NULL, &(name).head }

struct slab *mm_slab_grow_begin(struct mm_kmem_cache *s, mm_gfp_t gfp, uint32_t node);
void mm_slab_grow_end(struct mm_kmem_cache *s, struct slab *slab);
struct slab *mm_slab_first(struct kmem_cache_node *n);
void mm_slab_fixup(struct kmem_cache_node *n, struct slab *slab);
uint64_t mm_slab_get_obj(struct mm_kmem_cache *s, struct slab *slab);
void mm_slab_free_block(struct mm_kmem_cache *s, const uint64_t *objs, uint32_t nr, uint32_t node,
			struct slab_chain *dead);
void mm_slabs_destroy(struct mm_kmem_cache *s, struct slab_chain *dead);
uint32_t mm_slab_drain_freelist(struct mm_kmem_cache *s, struct kmem_cache_node *n, uint64_t tofree);
void mm_slab_drain_alien(struct mm_kmem_cache *s, struct array_cache *ac, uint32_t node, struct slab_chain *dead);
void mm_slab_batch_effect(const struct mm_kmem_cache *s, enum mm_event_type type, uint64_t obj, uint32_t nr,
			  struct mm_str where);
void mm_slab_cache_shrink(struct mm_kmem_cache *s);
bool mm_slab_cache_is_consistent(const struct mm_kmem_cache *s);
enum mm_slab_state mm_slab_slab_state(const struct slab *slab, uint32_t *live, uint32_t *cpu);

#endif /* SLAB_SLAB_LIST_H */
