/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * SLUB: objects that come back: to the CPU's slab, to one that is full, to one of a list, one by one and in bulk.
 */
#include "slab/slub.h"

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

static void do_slab_free(struct mm_kmem_cache *s, uint32_t cpu, const struct detached *d)
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
		mm_slab_bad_free(s->slab, mm_slab_cache(slab),
				 *index == SLAB_LINK_END ? MM_SLAB_INVALID_POINTER : MM_SLAB_ALREADY_FREE, obj);
		return NULL;
	}
	if (mm_slab_cache(slab) != s)		/* cache_from_obj(): into the cache that it is of */
		mm_slab_bad_free(s->slab, s, MM_SLAB_WRONG_CACHE, obj);
	return slab;
}

/* Any free, with all checks: of a cache under debugging, into a slab whose object waits, of what is no object. */
void mm_slub_free_checked(struct mm_kmem_cache *s, uint64_t obj)
{
	struct detached d = { .nr = 1 };

	d.slab = live_object(s, obj, &d.head);
	if (!d.slab)
		return;
	d.tail = d.head;
	do_slab_free(mm_slab_cache(d.slab), mm_slab_this_cpu(s), &d);
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
		size_t i = (size_t)mm_slab_index(s, obj - slab->base);

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

/* A slab of the cache has a second object back: the one that waits goes on its list first, whichever CPU's it is. */
static __attribute__((noinline)) void free_behind(struct mm_kmem_cache *s, uint64_t obj, struct slab *slab)
{
	struct kmem_cache_cpu *c = mm_slab_here(s);
	uint32_t i = (uint32_t)mm_slab_index(s, obj - slab->base);

	if (!mm_slub_has_back(c) || c->back != slab || c->back_obj == obj) {
		s->free(s, obj);
		return;
	}
	mm_slub_put_back(s, c);
	c->back_obj = mm_slub_back_state(s, c);
	slab->link[i] = (uint16_t)slab->freelist;
	slab->freelist = i;
	slab->inuse--;
	s->stat[MM_SLUB_FREE_FROZEN]++;
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

/* Out of the way, so that what is common goes straight on: a taken jump costs as much as several instructions. */
static __attribute__((noinline, cold)) void free_otherwise(struct mm_kmem_cache *s, uint64_t obj) { s->free(s, obj); }

/* Into a slab of the node's list, or one whose first object waits; else it is of no slab that a free should meet. */
static inline bool free_seldom(struct mm_kmem_cache *s, uint64_t obj, struct slab *slab, uint64_t i, uintptr_t list)
{
	if (list == SLAB_LIST_PARTIAL) {
		slab->link[i] = (uint16_t)slab->freelist;
		slab->freelist = (uint32_t)i;
		s->stat[MM_SLUB_FREE_SLOWPATH]++;
		if (!--slab->inuse)
			free_last(s, obj);
		return true;
	}
	if (list == SLAB_BACK)
		free_behind(s, obj, slab);
	return list == SLAB_BACK;
}

/*
 * The lookup of the slab fails for a page of no slab and for a large kmalloc(), whose entries of the map are small numbers;
 * for an address far from all pages it finds some slab, which no object begins in there.  When it finds the CPU's slab, the
 * number of the object is reckoned with what was known of that before: the processor need not wait for the lookup.
 */
MM_SLUB_HOT void mm_kmem_cache_free(struct mm_kmem_cache *s, uint64_t obj)
{
	struct kmem_cache_cpu *c = mm_slab_here(s);
	struct slab *slab = (struct slab *)s->map[obj >> MM_PAGE_SHIFT & s->map_mask];
	uintptr_t list;
	uint64_t i;

	if (__builtin_expect((uintptr_t)slab < MM_PAGE_SIZE, 0))
		goto otherwise;
	if (__builtin_expect(slab == c->slab, 0)) {
		struct slab *own;

		__asm__("" : : : "memory");	/* or the compiler goes on with the slab that was looked up: they are the same */
		own = c->slab;
		i = mm_slab_index(s, obj - own->base);
		if (__builtin_expect(!is_live(own, i), 0))
			goto otherwise;
		FORGET(i);
		own->link[i] = (uint16_t)c->freelist;
		c->freelist = (uint32_t)i;
		s->stat[MM_SLUB_FREE_FASTPATH]++;
		return;
	}
	i = mm_slab_index(s, obj - slab->base);		/* of another cache's slab: wrong, but within it */
	if (__builtin_expect(!is_live(slab, i), 0))
		goto otherwise;
	FORGET(i);
	list = slab->owner - (uintptr_t)s;		/* of another cache's slab: none there is */
	if (__builtin_expect(list == SLAB_NO_LIST, 0)) {
		if (__builtin_expect(c->back_obj == BACK_OPEN, 1))
			set_back(s, c, slab, obj);
		else
			free_into_full(s, obj, slab);
	} else if (__builtin_expect(list == SLAB_FROZEN, 1)) {
		slab->link[i] = (uint16_t)slab->freelist;
		slab->freelist = (uint32_t)i;
		slab->inuse--;
		s->stat[MM_SLUB_FREE_FROZEN]++;
	} else if (!free_seldom(s, obj, slab, i, list)) {
		goto otherwise;
	}
	return;
otherwise:
	free_otherwise(s, obj);
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

void mm_slub_free_bulk(struct mm_kmem_cache *s, size_t nr, uint64_t *objs)
{
	while (nr) {
		struct detached d;

		nr = build_detached_freelist(s, nr, objs, &d);
		if (!d.slab)
			continue;
		mm_slab_cache(d.slab)->bulk_frees += d.nr - 1u;
		do_slab_free(mm_slab_cache(d.slab), mm_slab_this_cpu(s), &d);
	}
}
