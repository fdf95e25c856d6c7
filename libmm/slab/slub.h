/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* slab/slub.h - between slub.c (objects) and slub_partial.c (slabs and their lists) */
#ifndef SLAB_SLUB_H
#define SLAB_SLUB_H

#include "slab/slab.h"

static inline bool mm_slub_is_debug(const struct mm_kmem_cache *s) { return s->layout.flags & MM_SLAB_DEBUG_FLAGS; }
static inline void mm_slub_count(struct mm_kmem_cache *s, enum mm_slub_stat stat) { s->stat[stat]++; }
static inline struct kmem_cache_node *mm_slub_node(struct mm_kmem_cache *s, const struct slab *slab)
{
	return &s->node[slab->node];
}

/* What get_partial() found. */
struct slub_partial {
	struct slab *slab;		/* NULL: nothing */
	uint32_t freelist;		/* its objects, or with debugging the one object */
};

struct slab *mm_slub_new_slab(struct mm_kmem_cache *s, mm_gfp_t gfp, uint32_t node);
void mm_slub_discard_slab(struct mm_kmem_cache *s, struct slab *slab);
void mm_slub_add_partial(struct kmem_cache_node *n, struct slab *slab, bool tail);
void mm_slub_remove_partial(struct kmem_cache_node *n, struct slab *slab);
void mm_slub_add_full(struct kmem_cache_node *n, struct slab *slab);
void mm_slub_remove_full(struct kmem_cache_node *n, struct slab *slab);
struct slub_partial mm_slub_get_partial(struct mm_kmem_cache *s, uint32_t cpu, uint32_t node);
void mm_slub_drain_cpu_partial(struct mm_kmem_cache *s, struct kmem_cache_cpu *c);
void mm_slub_deactivate_cpu(struct mm_kmem_cache *s, struct kmem_cache_cpu *c);
void mm_slub_flush_slab(struct mm_kmem_cache *s, struct kmem_cache_cpu *c);
void mm_slub_flush_cpu(struct mm_kmem_cache *s, uint32_t cpu);
void mm_slub_shrink(struct mm_kmem_cache *s);
bool mm_slub_is_consistent(const struct mm_kmem_cache *s);
enum mm_slab_state mm_slub_state(const struct slab *slab, uint32_t *live, uint32_t *cpu);

extern const struct slab mm_slub_no_slab;	/* without bytes: what kmem_cache_cpu.near is when it is nothing */
static inline void mm_slub_set_near(struct kmem_cache_cpu *c, const struct slab *slab)
{
	c->near = (struct slab *)(uintptr_t)slab;
}

static inline bool mm_slub_is_frozen(const struct slab *slab) { return slab->list == SLAB_FROZEN || slab->list == SLAB_BACK; }

/* Freeze @slab onto the CPU's partial list. */
static inline void mm_slub_put_cpu_partial(struct kmem_cache_cpu *c, struct slab *slab)
{
	slab->next = c->partial;
	slab->list = SLAB_FROZEN;
	c->partial = slab;
	c->nr_partial++;
}

/* The object that came back goes on its slab's list, and that onto the CPU's partial list. */
static inline void mm_slub_settle_back(struct kmem_cache_cpu *c)
{
	struct slab *slab = c->back;

	if (!slab)
		return;
	slab->freelist = (uint32_t)(c->back_link - slab->link);
	slab->inuse--;
	c->back = NULL;
	mm_slub_put_cpu_partial(c, slab);
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
