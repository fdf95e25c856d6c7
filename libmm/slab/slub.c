/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * SLUB: objects out (slub_free.c: in).
 *
 * Each CPU works on one slab of a cache.  That slab is frozen: it is on no
 * list, all its objects count as in use, and the CPU alone takes from the
 * lockless list.  What other CPUs free into it goes to the slab's own list.
 *
 *   cpu.freelist -> o -> o -> end       cpu.slab->freelist -> o -> end
 *   (fast path: pop and push)           (taken over whole when the first is empty)
 *
 * A slab that was full and gets an object back is frozen onto the CPU's partial
 * list; when that list is full it is moved to the node's (slub_partial.c).
 * Most often the next allocation takes that very object, so both steps wait
 * (kmem_cache_cpu.back, back_obj) until something else touches the CPU's slabs.
 * A cache under debugging has none of this: every object goes through the
 * node's lists.
 *
 * Left out: pfmemalloc slabs, KFENCE, memory charged to cgroups, RCU delays
 * (a TYPESAFE_BY_RCU slab is given back at once).
 */
#include <stdlib.h>

#include "slab/slub.h"

static uint64_t object_address(const struct mm_kmem_cache *s, const struct slab *slab, size_t index)
{
	return slab->base + (uint64_t)index * s->size;
}

/* Hand out object @obj of @slab. */
static uint64_t take(const struct mm_kmem_cache *s, struct slab *slab, size_t obj)
{
	slab->link[obj] = SLAB_LINK_LIVE;
	return object_address(s, slab, obj);
}

/* Make @slab, which is frozen, the CPU's, with @freelist (not empty) as its objects, and take the first. */
static inline uint64_t load_freelist(struct mm_kmem_cache *s, struct kmem_cache_cpu *c, struct slab *slab, size_t freelist)
{
	c->slab = slab;
	c->freelist = slab->link[freelist];
	if (!mm_slub_has_back(c))
		c->back_obj = mm_slub_back_state(s, c);
	return take(s, slab, freelist);
}

static uint64_t alloc_single_from_new_slab(struct mm_kmem_cache *s, struct slab *slab)
{
	struct kmem_cache_node *n = mm_slub_node(s, slab);
	uint32_t obj = mm_slub_pop(slab);

	if (slab->inuse == slab->objects)
		mm_slub_add_full(n, slab);
	else
		mm_slub_add_partial(n, slab, false);
	return take(s, slab, obj);
}

/* No object on the CPU and none on its partial list: a slab of the node, or a new one. */
static __attribute__((noinline)) uint64_t new_objects(struct mm_kmem_cache *s, mm_gfp_t gfp, uint32_t node)
{
	uint32_t cpu = mm_slab_this_cpu(s);
	struct slub_partial found = mm_slub_get_partial(s, cpu, node);
	struct kmem_cache_cpu *c = &s->cpu[cpu];
	struct slab *slab;
	uint32_t freelist;

	if (found.slab) {
		if (mm_slub_is_debug(s))
			return take(s, found.slab, found.freelist);
		return load_freelist(s, c, found.slab, found.freelist);
	}
	slab = mm_slub_new_slab(s, gfp, node);
	if (!slab) {
		s->failed++;
		return 0;
	}
	mm_slub_count(s, MM_SLUB_ALLOC_SLAB);
	if (mm_slub_is_debug(s))
		return alloc_single_from_new_slab(s, slab);
	freelist = mm_slub_take_all(slab);
	mm_slab_set_list(slab, SLAB_FROZEN);
	if (c->slab)		/* reclaim for the page took objects of this cache meanwhile */
		mm_slub_flush_slab(s, c);
	return load_freelist(s, c, slab, freelist);
}

/* The same, with slabs on the list of the CPU's node most often. */
static __attribute__((noinline)) uint64_t refill(struct mm_kmem_cache *s, mm_gfp_t gfp, struct kmem_cache_cpu *c)
{
	struct kmem_cache_node *n = &s->node[mm_slab_cpu_node(s, mm_slab_this_cpu(s))];
	struct slub_partial found;

	if (!n->partial.head || mm_slub_is_debug(s))
		return new_objects(s, gfp, MM_NUMA_NO_NODE);
	found = mm_slub_get_partial_node(s, n, c);
	return load_freelist(s, c, found.slab, found.freelist);
}

/* get_freelist(): all objects of the frozen slab, which is the CPU's now. */
static inline uint64_t take_freelist(struct mm_kmem_cache *s, struct kmem_cache_cpu *c, struct slab *slab)
{
	return load_freelist(s, c, slab, mm_slub_take_all(slab));
}

/* The CPU's slab is full; the one that an object came back to takes its place, and that object goes out again. */
static inline uint64_t take_back(struct mm_kmem_cache *s, struct kmem_cache_cpu *c)
{
	uint64_t obj = c->back_obj;

	mm_slub_change(c->slab, SLAB_FROZEN, SLAB_NO_LIST);
	c->slab = c->back;
	mm_slub_change(c->slab, SLAB_BACK, SLAB_FROZEN);
	c->back_obj = BACK_OPEN;
	s->stat[MM_SLUB_CPU_PARTIAL_ALLOC]++;
	return obj;
}

/*
 * ___slab_alloc(): the CPU's lockless list is empty, and no object waits.  Others may have freed into its slab;
 * if not, it is full and left to itself, and the first of the CPU's partial list, which has free objects, takes its place.
 */
static uint64_t slub_alloc_slow(struct mm_kmem_cache *s, mm_gfp_t gfp)
{
	struct kmem_cache_cpu *c = mm_slab_here(s);
	struct slab *slab = c->slab, *partial = c->partial;

	if (slab) {
		if (slab->freelist != SLAB_LINK_END) {
			s->stat[MM_SLUB_ALLOC_SLOWPATH]++;
			s->stat[MM_SLUB_ALLOC_REFILL]++;
			return take_freelist(s, c, slab);
		}
		mm_slub_change(slab, SLAB_FROZEN, SLAB_NO_LIST);
		s->stat[MM_SLUB_DEACTIVATE_BYPASS]++;
	}
	if (__builtin_expect(!partial, 0)) {
		s->stat[MM_SLUB_ALLOC_SLOWPATH]++;
		c->slab = NULL;
		c->back_obj = BACK_CLOSED;
		return refill(s, gfp, c);
	}
	c->partial = partial->next;
	c->nr_partial--;
	c->back_obj = BACK_OPEN;	/* or what load_freelist() finds it to be: none waits */
	s->stat[MM_SLUB_DEACTIVATE_BYPASS]--;
	s->stat[MM_SLUB_CPU_PARTIAL_ALLOC]++;
	return take_freelist(s, c, partial);
}

/* Both fast paths are tried for every cache: one under debugging, or of SLAB or SLOB, has neither lockless list nor map. */
MM_SLUB_HOT uint64_t mm_kmem_cache_alloc(struct mm_kmem_cache *s, mm_gfp_t gfp)
{
	struct kmem_cache_cpu *c = mm_slab_here(s);
	size_t obj = c->freelist;
	struct slab *slab = c->slab;

	if (__builtin_expect(obj == SLAB_LINK_END, 0))
		return mm_slub_has_back(c) && slab->freelist == SLAB_LINK_END ? take_back(s, c) : s->alloc(s, gfp);
	c->freelist = slab->link[obj];
	slab->link[obj] = SLAB_LINK_LIVE;
	s->stat[MM_SLUB_ALLOC_FASTPATH]++;
	return slab->base + obj * s->size;
}

/* The first slab of the CPU's partial list is its slab now.  It is counted here alone, not by mm_slub_stat(). */
static void take_cpu_partial(struct mm_kmem_cache *s, struct kmem_cache_cpu *c)
{
	c->slab = c->partial;
	c->partial = c->slab->next;
	c->nr_partial--;
	s->stat[MM_SLUB_CPU_PARTIAL_ALLOC]++;
	s->stat[MM_SLUB_ALLOC_SLOWPATH]--;
	s->stat[MM_SLUB_ALLOC_REFILL]--;
	s->stat[MM_SLUB_DEACTIVATE_BYPASS]--;
	c->back_obj = BACK_CLOSED;
}

/* ___slab_alloc() for @node: slabs of other nodes leave the CPU, its own one and then its partial list. */
static uint64_t slub_alloc_node(struct mm_kmem_cache *s, mm_gfp_t gfp, uint32_t node)
{
	struct kmem_cache_cpu *c = mm_slab_here(s);

	if (c->slab && c->slab->node == node && c->freelist != SLAB_LINK_END)
		return mm_kmem_cache_alloc(s, gfp);
	mm_slub_settle_back(s, c);
	s->stat[MM_SLUB_ALLOC_SLOWPATH]++;
	while (c->slab || c->partial) {
		if (!c->slab)
			take_cpu_partial(s, c);
		if (c->slab->node != node) {
			s->stat[MM_SLUB_ALLOC_NODE_MISMATCH]++;
			mm_slub_deactivate_cpu(s, c);
		} else if (c->slab->freelist != SLAB_LINK_END) {
			s->stat[MM_SLUB_ALLOC_REFILL]++;
			return take_freelist(s, c, c->slab);
		} else {
			s->stat[MM_SLUB_DEACTIVATE_BYPASS]++;
			mm_slub_change(c->slab, SLAB_FROZEN, SLAB_NO_LIST);
			c->slab = NULL;
			c->back_obj = BACK_CLOSED;
		}
	}
	return new_objects(s, gfp, node);
}

static size_t slub_alloc_bulk(struct mm_kmem_cache *s, mm_gfp_t gfp, size_t nr, uint64_t *objs)
{
	for (size_t i = 0; i < nr; i++) {
		struct kmem_cache_cpu *c = mm_slab_here(s);
		uint32_t obj = c->freelist;

		if (obj == SLAB_LINK_END) {
			objs[i] = mm_kmem_cache_alloc(s, gfp);
			if (!objs[i]) {
				s->ops->free_bulk(s, i, objs);
				return 0;
			}
			continue;
		}
		c->freelist = c->slab->link[obj];
		s->bulk_allocs++;
		objs[i] = take(s, c->slab, obj);
	}
	return nr;
}

static void slub_release(struct mm_kmem_cache *s)
{
	free(s->links);
	free(s->random_seq);
	free(s->node);
}

static int slub_create(struct mm_kmem_cache *s)
{
	s->red_left_pad = s->layout.red_left_pad;
	if (!mm_slub_is_debug(s)) {
		s->map = s->slab->map;
		s->map_mask = s->slab->map_mask;
	}
	return 0;
}

static bool slub_shutdown(struct mm_kmem_cache *s)
{
	mm_slub_shrink(s);
	for (uint32_t i = 0; i < s->nr_nodes; i++) {
		struct kmem_cache_node *n = &s->node[i];

		for (struct slab *slab = n->partial.head, *next; slab; slab = next) {
			next = slab->next;
			if (slab->inuse)
				continue;
			mm_slub_remove_partial(n, slab);
			mm_slub_discard_slab(s, slab);
		}
	}
	return !s->oldest;
}

static void slub_info(const struct mm_kmem_cache *s, struct mm_kmem_cache_info *info)
{
	uint64_t nr_free = 0;

	for (uint32_t i = 0; i < s->nr_nodes; i++) {
		info->slabs += s->node[i].nr_slabs;
		info->objects += s->node[i].nr_objects;
		for (const struct slab *slab = s->node[i].partial.head; slab; slab = slab->next)
			nr_free += (uint64_t)(slab->objects - slab->inuse);
	}
	info->active_slabs = info->slabs;
	info->active_objects = info->objects - nr_free;
	info->allocs = s->stat[MM_SLUB_ALLOC_FASTPATH] + mm_slub_stat(s, MM_SLUB_ALLOC_SLOWPATH) + s->bulk_allocs - s->failed;
	info->frees = s->stat[MM_SLUB_FREE_FASTPATH] + mm_slub_stat(s, MM_SLUB_FREE_SLOWPATH) + s->bulk_frees;
	info->live_objects = info->allocs - info->frees;
	info->fast_allocs = s->stat[MM_SLUB_ALLOC_FASTPATH] + s->bulk_allocs;
	info->fast_frees = s->stat[MM_SLUB_FREE_FASTPATH];
}

const struct slab_ops mm_slub_ops = {
	.create = slub_create, .shutdown = slub_shutdown, .release = slub_release,
	.alloc = slub_alloc_slow, .alloc_node = slub_alloc_node, .free = mm_slub_free_checked,
	.alloc_bulk = slub_alloc_bulk, .free_bulk = mm_slub_free_bulk,
	.shrink = mm_slub_shrink, .info = slub_info, .is_consistent = mm_slub_is_consistent, .state = mm_slub_state,
};
