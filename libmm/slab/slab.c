/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * SLAB, the allocator that 6.6 still has: objects through array caches.
 *
 *   CPU array  <--batch--  shared array of the node  <--  slabs (partial, then free)
 *   (LIFO)     --batch-->  (if it has room)          -->  slabs
 *        \--other node's object--> alien array --12--> that node's shared array, slabs
 *
 * An allocation takes the last object of its CPU's array; an empty array is
 * refilled with a batch.  A free puts the object at the end; a full array first
 * passes its oldest batch on.  These transfers are told as effects: cache_alloc
 * and cache_free by slab, with "shared", "alien" or "node" in flags.
 *
 * Left out: pfmemalloc, KFENCE, memory policies, tuning through /proc/slabinfo.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/host_memory.h"
#include "slab/slab_list.h"

enum { BATCHREFILL_LIMIT = 16, ALIEN_LIMIT = 12 };
#define REAPTIMEOUT_NODE_NS 4000000000u

/* A batch moved between an array cache and @where. */
void mm_slab_batch_effect(const struct mm_kmem_cache *s, enum mm_event_type type, uint64_t obj, uint32_t nr,
			  struct mm_str where)
{
	struct mm_event *ev = nr ? mm_effect(s->ctx, MM_BY_SLAB, type) : NULL;

	if (!ev)
		return;
	ev->addr = obj;
	ev->size = (uint64_t)nr * s->size;
	ev->flags = where;
	ev->name = (struct mm_str){ s->names[0], strlen(s->names[0]) };
	ev->present |= MM_TC_BIT(ADDR) | MM_TC_BIT(SIZE) | MM_TC_BIT(FLAGS) | MM_TC_BIT(NAME);
	mm_event_set_result(ev, MM_RESULT_DEC, nr);
}

/* Up to @max of the newest objects of @from to the end of @to; how many. */
static uint32_t transfer_objects(struct array_cache *to, struct array_cache *from, uint32_t max)
{
	uint32_t nr = from->avail, room = to->limit - to->avail;

	if (nr > max)
		nr = max;
	if (nr > room)
		nr = room;
	memcpy(to->entry + to->avail, from->entry + from->avail - nr, nr * sizeof(to->entry[0]));
	from->avail -= nr;
	to->avail += nr;
	return nr;
}

/* As many as the batch and the slab allow; what is left of the batch. */
static uint32_t alloc_block(struct mm_kmem_cache *s, struct array_cache *ac, struct slab *slab, uint32_t batch)
{
	while (slab->inuse < slab->objects && batch) {
		ac->entry[ac->avail++] = mm_slab_get_obj(s, slab);
		batch--;
	}
	return batch;
}

/* Fill the empty array of the CPU from what the node has; false: it has nothing. */
static bool refill_from_node(struct mm_kmem_cache *s, struct kmem_cache_node *n, struct array_cache *ac, uint32_t batch)
{
	struct array_cache *shared = n->shared;

	if (shared && transfer_objects(ac, shared, batch)) {
		shared->touched = true;
		mm_slab_batch_effect(s, MM_EV_CACHE_ALLOC, ac->entry[0], ac->avail, MM_STR("shared"));
		return true;
	}
	while (batch) {
		struct slab *slab = mm_slab_first(n);

		if (!slab)
			break;
		batch = alloc_block(s, ac, slab, batch);
		mm_slab_fixup(n, slab);
	}
	n->free_objects -= ac->avail;
	mm_slab_batch_effect(s, MM_EV_CACHE_ALLOC, ac->avail ? ac->entry[0] : 0, ac->avail, MM_STR("node"));
	return ac->avail;
}

static mm_gfp_t gfp_exact_node(mm_gfp_t gfp)
{
	return (gfp | __MM_GFP_THISNODE | __MM_GFP_NOWARN) & ~(mm_gfp_t)__MM_GFP_NOFAIL;
}

/* cache_alloc_refill(): an object after refilling the array, or 0. */
static uint64_t cache_alloc_refill(struct mm_kmem_cache *s, uint32_t cpu, mm_gfp_t gfp)
{
	struct array_cache *ac = s->cpu[cpu].ac;
	struct kmem_cache_node *n = &s->node[mm_slab_cpu_node(s, cpu)];
	uint32_t batch = ac->batchcount;

	if (!ac->touched && batch > BATCHREFILL_LIMIT)
		batch = BATCHREFILL_LIMIT;
	if ((n->free_objects || (n->shared && n->shared->avail)))
		refill_from_node(s, n, ac, batch);
	if (!ac->avail) {
		struct slab *slab = mm_slab_grow_begin(s, gfp_exact_node(gfp), MM_NUMA_NO_NODE);

		if (slab)
			alloc_block(s, ac, slab, batch);
		mm_slab_grow_end(s, slab);
		if (!ac->avail)
			return 0;
	}
	ac->touched = true;
	return ac->entry[--ac->avail];
}

/* One object of a node's slabs, past the arrays; 0: it has none. */
static uint64_t alloc_from_node(struct mm_kmem_cache *s, struct kmem_cache_node *n)
{
	struct slab *slab = mm_slab_first(n);
	uint64_t obj;

	if (!slab)
		return 0;
	obj = mm_slab_get_obj(s, slab);
	n->free_objects--;
	mm_slab_fixup(n, slab);
	return obj;
}

/* The CPU's node gave nothing: free objects of other nodes by distance, then a slab from anywhere. */
static uint64_t fallback_alloc(struct mm_kmem_cache *s, uint32_t node, mm_gfp_t gfp)
{
	const struct mm_node *local = s->slab->phys->nodes[node];
	uint64_t obj = alloc_from_node(s, &s->node[node]);
	struct slab *slab;

	if (obj || (gfp & __MM_GFP_THISNODE))
		return obj;
	for (uint32_t i = 0; local && s->nr_nodes > 1 && i < local->nr_zonelist && !obj; i++)
		obj = alloc_from_node(s, &s->node[local->zonelist[i]]);
	if (obj)
		return obj;
	slab = mm_slab_grow_begin(s, gfp, MM_NUMA_NO_NODE);
	mm_slab_grow_end(s, slab);
	return slab ? alloc_from_node(s, &s->node[slab->node]) : 0;
}

static void set_live(struct mm_kmem_cache *s, uint64_t obj, bool live)
{
	struct slab *slab = (struct slab *)mm_slab_lookup(s->slab, obj);

	slab->link[mm_obj_to_index(s, slab, obj)] ^= SLAB_LIVE_BIT;
	s->live += live ? 1 : (uint64_t)-1;
}

static uint64_t slab_alloc(struct mm_kmem_cache *s, mm_gfp_t gfp)
{
	uint32_t cpu = mm_slab_this_cpu(s);
	struct array_cache *ac = s->cpu[cpu].ac;
	uint64_t obj;

	if (ac->avail) {
		ac->touched = true;
		obj = ac->entry[--ac->avail];
		s->stat[MM_SLUB_ALLOC_FASTPATH]++;
	} else {
		s->stat[MM_SLUB_ALLOC_SLOWPATH]++;
		obj = cache_alloc_refill(s, cpu, gfp);
		if (!obj)
			obj = fallback_alloc(s, mm_slab_cpu_node(s, cpu), gfp);
	}
	if (obj)
		set_live(s, obj, true);
	else
		s->failed++;
	return obj;
}

/* ____cache_alloc_node(): the objects of another node pass by the CPU's array. */
static uint64_t slab_alloc_node(struct mm_kmem_cache *s, mm_gfp_t gfp, uint32_t node)
{
	uint32_t local = mm_slab_cpu_node(s, mm_slab_this_cpu(s));
	struct slab *slab;
	uint64_t obj;

	if (node == local)
		return slab_alloc(s, gfp);
	s->stat[MM_SLUB_ALLOC_SLOWPATH]++;
	obj = alloc_from_node(s, &s->node[node]);
	if (!obj) {
		slab = mm_slab_grow_begin(s, gfp_exact_node(gfp), node);
		obj = slab ? mm_slab_get_obj(s, slab) : 0;
		mm_slab_grow_end(s, slab);
	}
	if (!obj && !(gfp & __MM_GFP_THISNODE))
		obj = fallback_alloc(s, local, gfp);
	if (obj)
		set_live(s, obj, true);
	else
		s->failed++;
	return obj;
}

/* The array is full: its oldest batch to the shared array, or to the slabs. */
static void cache_flusharray(struct mm_kmem_cache *s, uint32_t node, struct array_cache *ac)
{
	struct array_cache *shared = s->node[node].shared;
	uint32_t batch = ac->batchcount, room = shared ? shared->limit - shared->avail : 0;
	SLAB_CHAIN(dead);

	if (room) {
		if (batch > room)
			batch = room;
		memcpy(shared->entry + shared->avail, ac->entry, batch * sizeof(ac->entry[0]));
		shared->avail += batch;
	} else {
		mm_slab_free_block(s, ac->entry, batch, node, &dead);
	}
	mm_slab_batch_effect(s, MM_EV_CACHE_FREE, ac->entry[0], batch, room ? MM_STR("shared") : MM_STR("node"));
	ac->avail -= batch;
	memmove(ac->entry, ac->entry + batch, ac->avail * sizeof(ac->entry[0]));
	mm_slabs_destroy(s, &dead);
}

/* Objects waiting for another node: its shared array first, the rest into its slabs. */
void mm_slab_drain_alien(struct mm_kmem_cache *s, struct array_cache *ac, uint32_t node, struct slab_chain *dead)
{
	struct array_cache *shared = s->node[node].shared;

	mm_slab_batch_effect(s, MM_EV_CACHE_FREE, ac->entry[0], ac->avail, MM_STR("alien"));
	if (shared)
		transfer_objects(shared, ac, ac->limit);
	mm_slab_free_block(s, ac->entry, ac->avail, node, dead);
	ac->avail = 0;
}

static void free_alien(struct mm_kmem_cache *s, uint64_t obj, uint32_t node, uint32_t slab_node)
{
	struct array_cache **alien = s->node[node].alien, *ac = alien ? alien[slab_node] : NULL;
	SLAB_CHAIN(dead);

	if (ac) {
		if (ac->avail == ac->limit)
			mm_slab_drain_alien(s, ac, slab_node, &dead);
		ac->entry[ac->avail++] = obj;
	} else {
		mm_slab_free_block(s, &obj, 1, slab_node, &dead);
	}
	mm_slabs_destroy(s, &dead);
}

static void slab_free(struct mm_kmem_cache *s, uint64_t obj)
{
	uintptr_t m = mm_slab_lookup(s->slab, obj);
	struct slab *slab = (struct slab *)m;
	uint32_t cpu = mm_slab_this_cpu(s), node = mm_slab_cpu_node(s, cpu);
	size_t i = SLAB_LINK_END;
	struct array_cache *ac;

	if (m && !(m & 1))
		i = mm_obj_to_index(mm_slab_cache(slab), slab, obj);
	if (i == SLAB_LINK_END || !(slab->link[i] & SLAB_LIVE_BIT)) {
		bool is_slab = m && !(m & 1);

		mm_slab_bad_free(s->slab, is_slab ? mm_slab_cache(slab) : s, !is_slab ? MM_SLAB_NOT_A_SLAB : i == SLAB_LINK_END
				 ? MM_SLAB_INVALID_POINTER : MM_SLAB_ALREADY_FREE, obj);
		return;
	}
	if (mm_slab_cache(slab) != s) {
		mm_slab_bad_free(s->slab, s, MM_SLAB_WRONG_CACHE, obj);
		s = mm_slab_cache(slab);
	}
	set_live(s, obj, false);
	if (slab->node != node) {
		s->stat[MM_SLUB_FREE_SLOWPATH]++;
		free_alien(s, obj, node, slab->node);
		return;
	}
	ac = s->cpu[cpu].ac;
	if (ac->avail < ac->limit) {
		s->stat[MM_SLUB_FREE_FASTPATH]++;
	} else {
		s->stat[MM_SLUB_FREE_SLOWPATH]++;
		cache_flusharray(s, node, ac);
	}
	ac->entry[ac->avail++] = obj;
}

static struct array_cache *new_array(uint32_t limit, uint32_t batch)
{
	struct array_cache *ac = mm_host_malloc(sizeof(*ac) + limit * sizeof(ac->entry[0]));

	if (ac)
		*ac = (struct array_cache){ .limit = limit, .batchcount = batch };
	return ac;
}

static void slab_release(struct mm_kmem_cache *s)
{
	for (uint32_t cpu = 0; cpu < s->nr_cpus; cpu++)
		free(s->cpu[cpu].ac);
	for (uint32_t i = 0; i < s->nr_nodes && s->node; i++) {
		free(s->node[i].shared);
		for (uint32_t j = 0; s->node[i].alien && j < s->nr_nodes; j++)
			free(s->node[i].alien[j]);
		free(s->node[i].alien);
	}
	free(s->random_seq);
	free(s->node);
}

static int new_alien(struct mm_kmem_cache *s, uint32_t node)
{
	struct array_cache **alien = mm_host_calloc(s->nr_nodes, sizeof(*alien));
	uint32_t limit = s->layout.num_limit > 1 ? ALIEN_LIMIT : s->layout.num_limit;

	s->node[node].alien = alien;
	for (uint32_t i = 0; alien && i < s->nr_nodes; i++) {
		if (i == node)
			continue;
		alien[i] = new_array(limit, limit);
		if (!alien[i])
			return -ENOMEM;
	}
	return alien ? 0 : -ENOMEM;
}

static int slab_create(struct mm_kmem_cache *s)
{
	const struct mm_slab_layout *l = &s->layout;

	s->red_left_pad = l->red_left_pad;
	s->allocflags |= __MM_GFP_COMP;
	for (uint32_t cpu = 0; cpu < s->nr_cpus; cpu++) {
		s->cpu[cpu].ac = new_array(l->num_limit, l->batchcount);
		if (!s->cpu[cpu].ac)
			return -ENOMEM;
		s->node[mm_slab_cpu_node(s, cpu)].free_limit += l->batchcount;
	}
	for (uint32_t i = 0; i < s->nr_nodes; i++) {
		struct kmem_cache_node *n = &s->node[i];

		n->free_limit += l->batchcount + l->objects_per_slab;
		n->next_reap_ns = s->ctx->now_ns + REAPTIMEOUT_NODE_NS +
				  (uint64_t)s->id * MM_JIFFY_NS % REAPTIMEOUT_NODE_NS;
		if (l->shared)
			n->shared = new_array(l->shared * l->batchcount, 0);
		if ((l->shared && !n->shared) || (s->nr_nodes > 1 && !s->slab->tuning.noaliencache && new_alien(s, i)))
			return -ENOMEM;
	}
	return 0;
}

static bool slab_shutdown(struct mm_kmem_cache *s)
{
	mm_slab_cache_shrink(s);
	return !s->oldest;
}

static void slab_info(const struct mm_kmem_cache *s, struct mm_kmem_cache_info *info)
{
	uint64_t free_objects = 0, free_slabs = 0;

	for (uint32_t i = 0; i < s->nr_nodes; i++) {
		info->slabs += s->node[i].nr_slabs;
		free_slabs += s->node[i].free.nr;
		free_objects += s->node[i].free_objects;
	}
	info->objects = info->slabs * s->layout.objects_per_slab;
	info->active_slabs = info->slabs - free_slabs;
	info->active_objects = info->objects - free_objects;
	info->live_objects = s->live;
	info->allocs = s->stat[MM_SLUB_ALLOC_FASTPATH] + s->stat[MM_SLUB_ALLOC_SLOWPATH] - s->failed;
	info->frees = s->stat[MM_SLUB_FREE_FASTPATH] + s->stat[MM_SLUB_FREE_SLOWPATH];
	info->fast_allocs = s->stat[MM_SLUB_ALLOC_FASTPATH];
	info->fast_frees = s->stat[MM_SLUB_FREE_FASTPATH];
}

const struct slab_ops mm_slab_ops = {
	.create = slab_create, .shutdown = slab_shutdown, .release = slab_release,
	.alloc = slab_alloc, .alloc_node = slab_alloc_node, .free = slab_free,
	.alloc_bulk = mm_slab_alloc_bulk, .free_bulk = mm_slab_free_bulk,
	.shrink = mm_slab_cache_shrink, .info = slab_info, .is_consistent = mm_slab_cache_is_consistent,
	.state = mm_slab_slab_state,
};
