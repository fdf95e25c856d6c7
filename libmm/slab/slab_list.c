/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * SLAB: slabs, and a node's three lists of them.
 *
 * free_idx[] of a slab is a stack: below @active stand indices of objects that
 * left for an array cache or a user, from @active on those that are here.
 *
 *   link:   | 3 | 0 | 7 | 1 | 2 | 4 | 5 | 6 |
 *                     ^ active = 2: 7, 1, 2, 4, 5, 6 are free, 7 goes next
 *
 * A slab is on the full, the partial or the free list as active is all, some or
 * none.  Partial slabs are used before free ones; a freed-into slab goes to the
 * end of the partial list, so that its other objects get time to be freed.
 *
 * Left out: pfmemalloc slabs, poisoning.
 */
#include <stdlib.h>

#include "slab/slab_list.h"

static uint16_t get_free(const struct slab *slab, uint32_t at) { return slab->link[at] & (SLAB_LIVE_BIT - 1); }

static void set_free(struct slab *slab, uint32_t at, uint16_t obj)
{
	slab->link[at] = (uint16_t)((slab->link[at] & SLAB_LIVE_BIT) | obj);
}

static struct slab_list *list_of(struct kmem_cache_node *n, enum slab_list_id id)
{
	return id == SLAB_LIST_FULL ? &n->full : id == SLAB_LIST_PARTIAL ? &n->partial : &n->free;
}

static void list_add(struct kmem_cache_node *n, struct slab *slab, enum slab_list_id id, bool tail)
{
	mm_slab_list_add(list_of(n, id), slab, tail);
	mm_slab_set_list(slab, id);
}

static void list_del(struct kmem_cache_node *n, struct slab *slab)
{
	if (mm_slab_list(slab) != SLAB_NO_LIST)
		mm_slab_list_del(list_of(n, mm_slab_list(slab)), slab);
	mm_slab_set_list(slab, SLAB_NO_LIST);
}

/* Ascending, or by the cache's random sequence; the object that holds the indices itself goes last. */
static void cache_init_objs(struct mm_kmem_cache *s, struct slab *slab)
{
	uint32_t num = (uint32_t)slab->objects, pos, i = 0;
	bool in_object = !s->layout.freelist_bytes;
	uint16_t last = 0;

	if (!s->random_seq || num < 2) {
		for (i = 0; i < num; i++)
			slab->link[i] = (uint16_t)i;
		return;
	}
	pos = (uint32_t)mm_rng_below(&s->ctx->rng, num);
	if (in_object) {
		last = s->random_seq[pos];
		pos = pos + 1 < num ? pos + 1 : 0;
	}
	for (; i < num - in_object; i++, pos = pos + 1 < num ? pos + 1 : 0)
		slab->link[i] = s->random_seq[pos];
	if (in_object)
		slab->link[num - 1] = last;
}

/* cache_grow_begin(): a new slab on no list, coloured after the one before. */
struct slab *mm_slab_grow_begin(struct mm_kmem_cache *s, mm_gfp_t gfp, uint32_t node)
{
	const struct mm_slab_layout *l = &s->layout;
	struct slab *slab = mm_slab_alloc_pages(s, gfp, node, l->order, l->objects_per_slab, l->objects_per_slab);
	struct kmem_cache_node *n;

	if (!slab)
		return NULL;
	n = &s->node[slab->node];
	if (++n->colour_next >= l->colour)
		n->colour_next = 0;
	slab->base += (uint64_t)n->colour_next * l->colour_off;
	slab->inuse = 0;
	if (l->off_slab) {
		slab->mgmt = mm_kmalloc_node(s->slab, l->freelist_bytes,
					     gfp & ~(mm_gfp_t)(__MM_GFP_HARDWALL | __MM_GFP_THISNODE), slab->node);
		if (!slab->mgmt) {
			mm_slab_free_pages(s, slab);
			return NULL;
		}
	}
	cache_init_objs(s, slab);
	return slab;
}

void mm_slab_grow_end(struct mm_kmem_cache *s, struct slab *slab)
{
	struct kmem_cache_node *n;

	if (!slab)
		return;
	n = &s->node[slab->node];
	n->nr_slabs++;
	n->nr_objects += slab->objects;
	if (!slab->inuse)
		list_add(n, slab, SLAB_LIST_FREE, true);
	else
		mm_slab_fixup(n, slab);
	s->stat[MM_SLUB_ALLOC_SLAB]++;
	n->free_objects += (uint64_t)(slab->objects - slab->inuse);
}

/* The slab that objects are taken from next; it stays where it is until mm_slab_fixup(). */
struct slab *mm_slab_first(struct kmem_cache_node *n)
{
	if (n->partial.head)
		return n->partial.head;
	n->free_touched = true;
	return n->free.head;
}

/* Objects were taken: to the head of the list it belongs on now. */
void mm_slab_fixup(struct kmem_cache_node *n, struct slab *slab)
{
	list_del(n, slab);
	list_add(n, slab, slab->inuse == slab->objects ? SLAB_LIST_FULL : SLAB_LIST_PARTIAL, false);
}

uint64_t mm_slab_get_obj(struct mm_kmem_cache *s, struct slab *slab)
{
	return slab->base + (uint64_t)get_free(slab, slab->inuse++) * s->size;
}

/**
 * mm_slab_free_block() - objects back into their slabs
 * @objs:	objects of @s, all of slabs of @node
 * @dead:	empty slabs beyond the node's limit are added to it, for mm_slabs_destroy()
 */
void mm_slab_free_block(struct mm_kmem_cache *s, const uint64_t *objs, uint32_t nr, uint32_t node,
			struct slab_chain *dead)
{
	struct kmem_cache_node *n = &s->node[node];

	n->free_objects += nr;
	for (uint32_t i = 0; i < nr; i++) {
		struct slab *slab = (struct slab *)mm_slab_lookup(s->slab, objs[i]);

		list_del(n, slab);
		slab->inuse--;
		set_free(slab, slab->inuse, (uint16_t)mm_obj_to_index(s, slab, objs[i]));
		if (slab->inuse)
			list_add(n, slab, SLAB_LIST_PARTIAL, true);
		else
			list_add(n, slab, SLAB_LIST_FREE, false);
	}
	while (n->free_objects > n->free_limit && n->free.tail) {
		struct slab *slab = n->free.tail;

		list_del(n, slab);
		n->free_objects -= slab->objects;
		n->nr_objects -= slab->objects;
		n->nr_slabs--;
		slab->next = NULL;
		*dead->last = slab;
		dead->last = &slab->next;
	}
}

static void slab_destroy(struct mm_kmem_cache *s, struct slab *slab)
{
	uint64_t mgmt = slab->mgmt;

	s->stat[MM_SLUB_FREE_SLAB]++;
	mm_slab_free_pages(s, slab);
	if (mgmt)
		mm_kfree(s->slab, mgmt);
}

void mm_slabs_destroy(struct mm_kmem_cache *s, struct slab_chain *dead)
{
	for (struct slab *slab = dead->head, *next; slab; slab = next) {
		next = slab->next;
		slab_destroy(s, slab);
	}
	dead->head = NULL;
	dead->last = &dead->head;
}

/* Give back up to @tofree slabs from the end of the free list; how many went. */
uint32_t mm_slab_drain_freelist(struct mm_kmem_cache *s, struct kmem_cache_node *n, uint64_t tofree)
{
	uint32_t nr = 0;

	while (nr < tofree && n->free.tail) {
		struct slab *slab = n->free.tail;

		list_del(n, slab);
		n->nr_slabs--;
		n->nr_objects -= slab->objects;
		n->free_objects -= slab->objects;
		slab_destroy(s, slab);
		nr++;
	}
	return nr;
}

enum mm_slab_state mm_slab_slab_state(const struct slab *slab, uint32_t *live, uint32_t *cpu)
{
	(void)cpu;
	*live = 0;
	for (uint32_t i = 0; i < slab->objects; i++)
		*live += (slab->link[i] & SLAB_LIVE_BIT) != 0;
	return mm_slab_list(slab) == SLAB_LIST_FULL ? MM_SLAB_FULL : mm_slab_list(slab) == SLAB_LIST_PARTIAL ? MM_SLAB_PARTIAL
		: MM_SLAB_EMPTY;
}

/* Free positions hold different objects, none of them live. */
static bool slab_is_consistent(const struct slab *slab)
{
	uint64_t seen[4] = { 0 };	/* at most 255 objects */

	if (slab->inuse > slab->objects || slab->objects > 255)
		return false;
	for (uint32_t i = slab->inuse; i < slab->objects; i++) {
		uint16_t obj = get_free(slab, i);

		if (obj >= slab->objects || (seen[obj / 64] >> obj % 64 & 1) || (slab->link[obj] & SLAB_LIVE_BIT))
			return false;
		seen[obj / 64] |= (uint64_t)1 << obj % 64;
	}
	return mm_slab_list(slab) == (!slab->inuse ? SLAB_LIST_FREE : slab->inuse < slab->objects ? SLAB_LIST_PARTIAL
			      : SLAB_LIST_FULL);
}

static uint64_t at_hand(const struct mm_kmem_cache *s)
{
	uint64_t nr = 0;

	for (uint32_t cpu = 0; cpu < s->nr_cpus; cpu++)
		nr += s->cpu[cpu].ac->avail;
	for (uint32_t i = 0; i < s->nr_nodes; i++) {
		const struct kmem_cache_node *n = &s->node[i];

		nr += n->shared ? n->shared->avail : 0;
		for (uint32_t j = 0; n->alien && j < s->nr_nodes; j++)
			nr += n->alien[j] ? n->alien[j]->avail : 0;
	}
	return nr;
}

/* Objects that left their slabs are either live or in some array cache. */
bool mm_slab_cache_is_consistent(const struct mm_kmem_cache *s)
{
	uint64_t active = 0, live = 0, slabs = 0, pages = 0, nr_free = 0, node_slabs = 0, node_free = 0;

	for (const struct slab *slab = s->oldest; slab; slab = slab->newer) {
		uint32_t nr, cpu;

		if (!slab_is_consistent(slab))
			return false;
		mm_slab_slab_state(slab, &nr, &cpu);
		live += nr;
		active += slab->inuse;
		nr_free += (uint64_t)(slab->objects - slab->inuse);
		pages += 1u << slab->order;
		slabs++;
	}
	for (uint32_t i = 0; i < s->nr_nodes; i++) {
		const struct kmem_cache_node *n = &s->node[i];

		if (n->partial.nr + n->full.nr + n->free.nr != n->nr_slabs)
			return false;
		node_slabs += n->nr_slabs;
		node_free += n->free_objects;
	}
	return slabs == node_slabs && nr_free == node_free && pages == s->pages && live == s->live &&
	       active == live + at_hand(s);
}
