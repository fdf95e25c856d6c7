/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* slab/slub.h - between slub.c (objects out), slub_free.c (objects in) and slub_partial.c (slabs and their lists) */
#ifndef SLAB_SLUB_H
#define SLAB_SLUB_H

#include "slab/slab.h"

/* At the beginning of a cache line: how fast it is does not change with what stands before it. */
#define MM_SLUB_HOT __attribute__((aligned(MM_CPU_LINE)))

static inline bool mm_slub_is_debug(const struct mm_kmem_cache *s) { return s->layout.flags & MM_SLAB_DEBUG_FLAGS; }
static inline void mm_slub_count(struct mm_kmem_cache *s, enum mm_slub_stat stat) { s->stat[stat]++; }
static inline struct kmem_cache_node *mm_slub_node(struct mm_kmem_cache *s, const struct slab *slab)
{
	return &s->node[slab->node];
}

/* What get_partial() found. */
struct slub_partial {
	struct slab *slab;		/* NULL: nothing */
	size_t freelist;		/* its objects, or with debugging the one object */
};

struct slab *mm_slub_new_slab(struct mm_kmem_cache *s, mm_gfp_t gfp, uint32_t node);
void mm_slub_discard_slab(struct mm_kmem_cache *s, struct slab *slab);
void mm_slub_add_partial(struct kmem_cache_node *n, struct slab *slab, bool tail);
void mm_slub_remove_partial(struct kmem_cache_node *n, struct slab *slab);
void mm_slub_add_full(struct kmem_cache_node *n, struct slab *slab);
void mm_slub_remove_full(struct kmem_cache_node *n, struct slab *slab);
struct slub_partial mm_slub_get_partial_node(struct mm_kmem_cache *s, struct kmem_cache_node *n, struct kmem_cache_cpu *c);
struct slub_partial mm_slub_get_partial(struct mm_kmem_cache *s, uint32_t cpu, uint32_t node);
void mm_slub_drain_cpu_partial(struct mm_kmem_cache *s, struct kmem_cache_cpu *c);
void mm_slub_deactivate_cpu(struct mm_kmem_cache *s, struct kmem_cache_cpu *c);
void mm_slub_flush_slab(struct mm_kmem_cache *s, struct kmem_cache_cpu *c);
void mm_slub_shrink(struct mm_kmem_cache *s);
void mm_slub_free_checked(struct mm_kmem_cache *s, uint64_t obj);
void mm_slub_free_bulk(struct mm_kmem_cache *s, size_t nr, uint64_t *objs);
bool mm_slub_is_consistent(const struct mm_kmem_cache *s);
enum mm_slab_state mm_slub_state(const struct slab *slab, uint32_t *live, uint32_t *cpu);

/* From one state to another that is not on a list of the node. */
static inline void mm_slub_change(struct slab *slab, enum slab_list_id from, enum slab_list_id to)
{
	slab->owner += (uintptr_t)to - (uintptr_t)from;
}

static inline bool mm_slub_is_frozen(const struct slab *slab)
{
	return mm_slab_list(slab) == SLAB_FROZEN || mm_slab_list(slab) == SLAB_BACK;
}

static inline bool mm_slub_has_back(const struct kmem_cache_cpu *c) { return c->back_obj > BACK_CLOSED; }

/* What back_obj is to be when none waits: the allocation that takes it leaves a slab, and the partial list has room. */
static inline uint64_t mm_slub_back_state(const struct mm_kmem_cache *s, const struct kmem_cache_cpu *c)
{
	return c->slab && c->nr_partial < s->layout.cpu_partial_slabs ? BACK_OPEN : BACK_CLOSED;
}

/* Frozen, onto the CPU's partial list. */
static inline void mm_slub_put_cpu_partial(struct kmem_cache_cpu *c, struct slab *slab)
{
	slab->next = c->partial;
	c->partial = slab;
	c->nr_partial++;
}

/* The object that came back goes on its slab's list, and that onto the CPU's partial list; back_obj is out of date. */
static inline void mm_slub_put_back(const struct mm_kmem_cache *s, struct kmem_cache_cpu *c)
{
	struct slab *slab = c->back;

	slab->freelist = (uint32_t)mm_slab_index(s, c->back_obj - slab->base);
	slab->link[slab->freelist] = SLAB_LINK_END;
	slab->inuse--;
	mm_slub_change(slab, SLAB_BACK, SLAB_FROZEN);
	mm_slub_put_cpu_partial(c, slab);
}

static inline void mm_slub_settle_back(const struct mm_kmem_cache *s, struct kmem_cache_cpu *c)
{
	if (!mm_slub_has_back(c))
		return;
	mm_slub_put_back(s, c);
	c->back_obj = mm_slub_back_state(s, c);
}

/* All objects of a slab that becomes a CPU's: the first one. */
static inline uint32_t mm_slub_take_all(struct slab *slab)
{
	uint32_t freelist = slab->freelist;

	slab->freelist = SLAB_LINK_END;
	slab->inuse = (uint32_t)slab->objects;
	return freelist;
}

/* Take the first object off the slab's own list and count it. */
static inline uint32_t mm_slub_pop(struct slab *slab)
{
	uint32_t obj = slab->freelist;

	slab->freelist = slab->link[obj];
	slab->inuse++;
	return obj;
}

#endif /* SLAB_SLUB_H */
