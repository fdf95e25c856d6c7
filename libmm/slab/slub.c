/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * SLUB: objects in and out.
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
uint64_t mm_kmem_cache_alloc(struct mm_kmem_cache *s, mm_gfp_t gfp)
{
	struct kmem_cache_cpu *c = mm_slab_here(s);
	size_t obj = c->freelist;
	struct slab *slab = c->slab;
	uint16_t *link;

	if (__builtin_expect(obj == SLAB_LINK_END, 0))
		return mm_slub_has_back(c) && slab->freelist == SLAB_LINK_END ? take_back(s, c) : s->alloc(s, gfp);
	link = slab->link + obj;
	c->freelist = *link;
	*link = SLAB_LINK_LIVE;
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
		}
	}
	return new_objects(s, gfp, node);
}

/* A chain of objects of one slab on its way back. */
struct detached {
	struct slab *slab;
	size_t head, tail;
	uint16_t nr;
};

/* Under debugging every slab is on the partial or the full list of its node. */
static void free_to_partial_list(struct mm_kmem_cache *s, const struct detached *d)
{
	struct slab *slab = d->slab;
	struct kmem_cache_node *n = mm_slub_node(s, slab);
	uint32_t prior = slab->freelist;
	bool discard;

	slab->inuse -= d->nr;
	slab->link[d->tail] = (uint16_t)prior;
	slab->freelist = (uint32_t)d->head;
	discard = !slab->inuse && n->partial.nr >= s->layout.min_partial;
	if (prior == SLAB_LINK_END) {
		mm_slub_remove_full(n, slab);
		if (!discard) {
			mm_slub_add_partial(n, slab, true);
			mm_slub_count(s, MM_SLUB_FREE_ADD_PARTIAL);
		}
	} else if (discard) {
		mm_slub_remove_partial(n, slab);
		mm_slub_count(s, MM_SLUB_FREE_REMOVE_PARTIAL);
	}
	if (discard) {
		mm_slub_count(s, MM_SLUB_FREE_SLAB);
		mm_slub_discard_slab(s, slab);
	}
}

/* An empty slab that its node need not keep. */
static void discard_partial(struct mm_kmem_cache *s, struct slab *slab)
{
	mm_slub_remove_partial(mm_slub_node(s, slab), slab);
	mm_slub_count(s, MM_SLUB_FREE_REMOVE_PARTIAL);
	mm_slub_count(s, MM_SLUB_FREE_SLAB);
	mm_slub_discard_slab(s, slab);
}

/* The object of @slab that waits, on whatever CPU, does so no more. */
static __attribute__((noinline)) void settle_owner(struct mm_kmem_cache *s, const struct slab *slab)
{
	uint32_t cpu = 0;

	while (!mm_slub_has_back(&s->cpu[cpu]) || s->cpu[cpu].back != slab)
		cpu++;
	mm_slub_settle_back(s, &s->cpu[cpu]);
}

/* For one more slab on the CPU's partial list. */
static inline void make_room(struct mm_kmem_cache *s, struct kmem_cache_cpu *c)
{
	mm_slub_settle_back(s, c);
	if (c->nr_partial >= s->layout.cpu_partial_slabs)
		mm_slub_drain_cpu_partial(s, c);
}

/* __slab_free(): into a slab that is not this CPU's. */
static __attribute__((noinline)) void free_remote(struct mm_kmem_cache *s, struct kmem_cache_cpu *c, const struct detached *d)
{
	struct slab *slab = d->slab;
	uint32_t prior = slab->freelist;

	slab->link[d->tail] = (uint16_t)prior;
	slab->freelist = (uint32_t)d->head;
	slab->inuse -= d->nr;
	if (mm_slab_list(slab) == SLAB_FROZEN) {
		s->stat[MM_SLUB_FREE_FROZEN]++;
		return;
	}
	if (prior == SLAB_LINK_END) {
		s->stat[MM_SLUB_CPU_PARTIAL_FREE]++;
		make_room(s, c);
		mm_slub_change(slab, SLAB_NO_LIST, SLAB_FROZEN);
		mm_slub_put_cpu_partial(c, slab);
		c->back_obj = mm_slub_back_state(s, c);
		return;
	}
	s->stat[MM_SLUB_FREE_SLOWPATH]++;
	if (!slab->inuse && mm_slub_node(s, slab)->partial.nr >= s->layout.min_partial)
		discard_partial(s, slab);
}

/* do_slab_free() */
static void slab_free(struct mm_kmem_cache *s, uint32_t cpu, const struct detached *d)
{
	struct kmem_cache_cpu *c = &s->cpu[cpu];

	if (mm_slub_is_debug(s)) {
		mm_slub_count(s, MM_SLUB_FREE_SLOWPATH);
		free_to_partial_list(s, d);
	} else if (d->slab != c->slab) {
		free_remote(s, c, d);
	} else {
		d->slab->link[d->tail] = (uint16_t)c->freelist;
		c->freelist = (uint32_t)d->head;
		mm_slub_count(s, MM_SLUB_FREE_FASTPATH);
	}
}

/* The slab of a live object of @s and its index; NULL: the free is a bad one, which is counted. */
static struct slab *live_object(struct mm_kmem_cache *s, uint64_t obj, size_t *index)
{
	uintptr_t m = mm_slab_lookup(s->slab, obj);
	struct slab *slab = (struct slab *)m;

	if (!m || (m & 1)) {
		mm_slab_bad_free(s->slab, s, MM_SLAB_NOT_A_SLAB, obj);
		return NULL;
	}
	if (mm_slab_list(slab) == SLAB_BACK)
		settle_owner(mm_slab_cache(slab), slab);
	*index = mm_obj_to_index(mm_slab_cache(slab), slab, obj);
	if (*index == SLAB_LINK_END || slab->link[*index] != SLAB_LINK_LIVE) {
		mm_slab_bad_free(s->slab, mm_slab_cache(slab), *index == SLAB_LINK_END ? MM_SLAB_INVALID_POINTER : MM_SLAB_ALREADY_FREE, obj);
		return NULL;
	}
	if (mm_slab_cache(slab) != s)		/* cache_from_obj(): into the cache that it is of */
		mm_slab_bad_free(s->slab, s, MM_SLAB_WRONG_CACHE, obj);
	return slab;
}

/* Any free, with all checks: of a cache under debugging, into a slab whose object waits, of what is no object. */
static void slub_free_checked(struct mm_kmem_cache *s, uint64_t obj)
{
	struct detached d = { .nr = 1 };

	d.slab = live_object(s, obj, &d.head);
	if (!d.slab)
		return;
	d.tail = d.head;
	slab_free(mm_slab_cache(d.slab), mm_slab_this_cpu(s), &d);
}

/* @slab was full: its object @obj waits for the next allocation, whatever waited before it does no longer. */
static inline void set_back(struct mm_kmem_cache *s, struct kmem_cache_cpu *c, struct slab *slab, uint64_t obj)
{
	__asm__("" : "+m"(slab->owner));	/* the compiler does not keep it for the sum: it is one instruction in place */
	mm_slub_change(slab, SLAB_NO_LIST, SLAB_BACK);
	c->back = slab;
	c->back_obj = obj;
	s->stat[MM_SLUB_CPU_PARTIAL_FREE]++;
}

/*
 * What a free seldom does has its arguments, so that it need not move them.  @obj is of a full slab and cannot just wait:
 * the CPU has no slab, or as many partial ones as it may have ...
 */
static __attribute__((noinline)) void free_on_edge(struct mm_kmem_cache *s, uint64_t obj, struct slab *slab)
{
	struct kmem_cache_cpu *c = mm_slab_here(s);

	if (c->slab) {
		mm_slub_drain_cpu_partial(s, c);
		set_back(s, c, slab, obj);
	} else {
		size_t i = mm_slab_index(s, obj - slab->base);

		free_remote(s, c, &(struct detached){ slab, i, i, 1 });
	}
}

/* ... or another waits, which goes where it belongs. */
static __attribute__((noinline)) void free_into_full(struct mm_kmem_cache *s, uint64_t obj, struct slab *slab)
{
	struct kmem_cache_cpu *c = mm_slab_here(s);

	if (mm_slub_has_back(c)) {
		mm_slub_put_back(s, c);
		if (c->nr_partial < s->layout.cpu_partial_slabs) {
			set_back(s, c, slab, obj);
			return;
		}
	}
	free_on_edge(s, obj, slab);
}

/* @obj was the last one of a slab on its node's list. */
static __attribute__((noinline)) void free_last(struct mm_kmem_cache *s, uint64_t obj)
{
	struct slab *slab = (struct slab *)mm_slab_lookup(s->slab, obj);

	if (mm_slub_node(s, slab)->partial.nr >= s->layout.min_partial)
		discard_partial(s, slab);
}

/* Whether object @i of @slab is handed out; it may be any number. */
static inline bool is_live(const struct slab *slab, uint64_t i) { return i < slab->objects && slab->link[i] == SLAB_LINK_LIVE; }

/* The compiler forgets what it has made of @x, such as sums with an offset, which it would keep in a register. */
#define FORGET(x) __asm__("" : "+r"(x))

/*
 * The lookup of the slab fails for a page of no slab and for a large kmalloc(), whose entries of the map are small numbers;
 * for an address far from all pages it finds some slab, which no object begins in there.  When it finds the CPU's slab, the
 * number of the object is reckoned with what was known of that before: the processor need not wait for the lookup.
 */
void mm_kmem_cache_free(struct mm_kmem_cache *s, uint64_t obj)
{
	struct kmem_cache_cpu *c = mm_slab_here(s);
	struct slab *slab = (struct slab *)s->map[obj >> MM_PAGE_SHIFT & s->map_mask];
	uint64_t i;

	if (__builtin_expect((uintptr_t)slab < MM_PAGE_SIZE, 0))
		goto checked;
	if (slab == c->slab) {
		struct slab *own;

		__asm__("" : : : "memory");	/* or the compiler goes on with the slab that was looked up: they are the same */
		own = c->slab;
		i = mm_slab_index(s, obj - own->base);
		if (__builtin_expect(!is_live(own, i), 0))
			goto checked;
		FORGET(i);
		own->link[i] = (uint16_t)c->freelist;
		c->freelist = (uint32_t)i;
		s->stat[MM_SLUB_FREE_FASTPATH]++;
		return;
	}
	i = mm_slab_index(s, obj - slab->base);		/* of another cache's slab: wrong, but within it */
	if (__builtin_expect(!is_live(slab, i), 0))
		goto checked;
	FORGET(i);
	if (slab->owner == (uintptr_t)s + SLAB_NO_LIST) {
		if (__builtin_expect(c->back_obj != BACK_OPEN, 0)) {
			free_into_full(s, obj, slab);
			return;
		}
		set_back(s, c, slab, obj);
	} else if (slab->owner == (uintptr_t)s + SLAB_FROZEN) {
		slab->link[i] = (uint16_t)slab->freelist;
		slab->freelist = (uint32_t)i;
		slab->inuse--;
		s->stat[MM_SLUB_FREE_FROZEN]++;
	} else if (slab->owner == (uintptr_t)s + SLAB_LIST_PARTIAL) {
		slab->link[i] = (uint16_t)slab->freelist;
		slab->freelist = (uint32_t)i;
		s->stat[MM_SLUB_FREE_SLOWPATH]++;
		if (!--slab->inuse)
			free_last(s, obj);
	} else {
		goto checked;
	}
	return;
checked:
	s->free(s, obj);
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

/*
 * build_detached_freelist(): the objects of the last one's slab, taken from the
 * end of the array; three of other slabs end the search.  The others move up to
 * the place of those taken.  Returns how many are left.  The kernel's list has
 * them the other way round until slab_free_freelist_hook() turns it.
 */
static size_t build_detached_freelist(struct mm_kmem_cache *s, size_t nr, uint64_t *objs, struct detached *d)
{
	size_t left = --nr;
	int lookahead = 3;

	*d = (struct detached){ .nr = 1 };
	d->slab = live_object(s, objs[nr], &d->head);
	if (!d->slab)
		return left;
	d->tail = d->head;
	d->slab->link[d->tail] = SLAB_LINK_END;
	while (nr) {
		uint64_t obj = objs[--nr];
		size_t i;

		if (mm_slab_lookup(s->slab, obj) == (uintptr_t)d->slab &&
		    (i = mm_obj_to_index(mm_slab_cache(d->slab), d->slab, obj)) != SLAB_LINK_END && d->slab->link[i] == SLAB_LINK_LIVE) {
			d->slab->link[d->tail] = (uint16_t)i;
			d->slab->link[i] = SLAB_LINK_END;
			d->tail = i;
			d->nr++;
			left--;
			objs[nr] = objs[left];
			objs[left] = obj;
		} else if (!--lookahead) {
			break;
		}
	}
	return left;
}

static void slub_free_bulk(struct mm_kmem_cache *s, size_t nr, uint64_t *objs)
{
	while (nr) {
		struct detached d;

		nr = build_detached_freelist(s, nr, objs, &d);
		if (!d.slab)
			continue;
		mm_slab_cache(d.slab)->bulk_frees += d.nr - 1u;
		slab_free(mm_slab_cache(d.slab), mm_slab_this_cpu(s), &d);
	}
}

static void slub_release(struct mm_kmem_cache *s)
{
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
	.alloc = slub_alloc_slow, .alloc_node = slub_alloc_node, .free = slub_free_checked,
	.alloc_bulk = slub_alloc_bulk, .free_bulk = slub_free_bulk,
	.shrink = mm_slub_shrink, .info = slub_info, .is_consistent = mm_slub_is_consistent, .state = mm_slub_state,
};
