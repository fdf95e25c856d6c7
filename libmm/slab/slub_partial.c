/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * SLUB: slabs and the lists they are on.
 *
 *             taken by a CPU                    its objects run out
 *   node partial ---------> CPU slab (frozen) ----------> full, on no list
 *     ^    ^                 |    ^                          |
 *     |    '-- deactivated --'    | next                     | an object comes back
 *     |                           |                          v
 *     '----- list too long --- CPU partial list (frozen) <---'
 *
 * A node keeps min_partial slabs even when they are empty; an empty slab beyond
 * that goes back to the page allocator.
 *
 * Left out: cpusets and memory policies, which would bound the search of other nodes.
 */
#include <stdlib.h>
#include <string.h>

#include "base/host_memory.h"
#include "phys/mempolicy.h"
#include "slab/slub.h"

enum { SHRINK_PROMOTE_MAX = 32, REMOTE_NODE_DEFRAG_RATIO = 1000 };

/* ---- slabs ---- */

/* The order in which a slab hands out its objects: a start anywhere in the cache's one random sequence. */
static void shuffle_freelist(struct mm_kmem_cache *s, struct slab *slab)
{
	uint32_t count = s->layout.objects_per_slab, pos = (uint32_t)mm_rng_below(&s->ctx->rng, count);
	uint16_t first, *at = &first;

	for (uint32_t i = 0; i < count; i++, pos = pos + 1 < count ? pos + 1 : 0)
		if (s->random_seq[pos] < slab->objects) {
			*at = s->random_seq[pos];
			at = &slab->link[*at];
		}
	*at = SLAB_LINK_END;
	slab->freelist = first;
}

/* A link for each place of a block where an object could begin, and for one behind. */
static uint32_t count_links(const struct mm_kmem_cache *s, uint32_t order)
{
	return ((uint32_t)MM_PAGE_SIZE << order) / (uint32_t)s->size + 1;
}

/* In ascending order; behind the last object none begins. */
static void thread_freelist(uint16_t *link, uint32_t objects, uint32_t nr_links)
{
	for (uint32_t i = 0; i < nr_links; i++)
		link[i] = i + 1 < objects ? (uint16_t)(i + 1) : SLAB_LINK_END;
}

/* The links of a slab of the full order, which are copied into each; NULL: no host memory for what can be done without. */
static const uint16_t *links_of_full(struct mm_kmem_cache *s, uint32_t nr_links)
{
	if (!s->links) {
		s->links = mm_host_malloc(nr_links * sizeof(s->links[0]));
		if (s->links)
			thread_freelist(s->links, s->layout.objects_per_slab, nr_links);
	}
	return s->links;
}

static struct slab *new_block(struct mm_kmem_cache *s, mm_gfp_t gfp, uint32_t node, uint32_t order, uint32_t objects)
{
	uint32_t nr_links = count_links(s, order);
	struct slab *slab = mm_slab_alloc_pages(s, gfp, node, order, objects, nr_links);
	const uint16_t *links = order == s->layout.order ? links_of_full(s, nr_links) : NULL;

	if (!slab)
		return NULL;
	slab->freelist = 0;
	if (links)
		memcpy(slab->link, links, nr_links * sizeof(slab->link[0]));
	else
		thread_freelist(slab->link, objects, nr_links);
	if (s->random_seq && objects >= 2)
		shuffle_freelist(s, slab);
	return slab;
}

/*
 * allocate_slab(): the wanted order without trying hard, then the smallest order
 * that holds an object with all that the caller allows.
 */
struct slab *mm_slub_new_slab(struct mm_kmem_cache *s, mm_gfp_t gfp, uint32_t node)
{
	const struct mm_slab_layout *l = &s->layout;
	mm_gfp_t alloc_gfp = (gfp | __MM_GFP_NOWARN | __MM_GFP_NORETRY) & ~(mm_gfp_t)__MM_GFP_NOFAIL;
	struct kmem_cache_node *n;
	struct slab *slab;

	if ((alloc_gfp & __MM_GFP_DIRECT_RECLAIM) && l->order > l->min_order)
		alloc_gfp = (alloc_gfp | __MM_GFP_NOMEMALLOC) & ~(mm_gfp_t)MM_GFP_RECLAIM;
	slab = new_block(s, alloc_gfp, node, l->order, l->objects_per_slab);
	if (!slab) {
		slab = new_block(s, gfp, node, l->min_order, l->min_objects);
		if (!slab)
			return NULL;
		mm_slub_count(s, MM_SLUB_ORDER_FALLBACK);
	}
	n = mm_slub_node(s, slab);
	n->nr_slabs++;
	n->nr_objects += slab->objects;
	return slab;
}

void mm_slub_discard_slab(struct mm_kmem_cache *s, struct slab *slab)
{
	struct kmem_cache_node *n = mm_slub_node(s, slab);

	n->nr_slabs--;
	n->nr_objects -= slab->objects;
	mm_slab_free_pages(s, slab);
}

/* ---- the node's lists ---- */

void mm_slub_add_partial(struct kmem_cache_node *n, struct slab *slab, bool tail)
{
	mm_slab_list_add(&n->partial, slab, tail);
	mm_slab_set_list(slab, SLAB_LIST_PARTIAL);
}

void mm_slub_remove_partial(struct kmem_cache_node *n, struct slab *slab)
{
	mm_slab_list_del(&n->partial, slab);
	mm_slab_set_list(slab, SLAB_NO_LIST);
}

void mm_slub_add_full(struct kmem_cache_node *n, struct slab *slab)
{
	mm_slab_list_add(&n->full, slab, false);
	mm_slab_set_list(slab, SLAB_LIST_FULL);
}

void mm_slub_remove_full(struct kmem_cache_node *n, struct slab *slab)
{
	mm_slab_list_del(&n->full, slab);
	mm_slab_set_list(slab, SLAB_NO_LIST);
}

/* One object of the first slab, which stays on the list or goes to the full one. */
static struct slub_partial alloc_single_from_partial(struct kmem_cache_node *n)
{
	struct slab *slab = n->partial.head;
	struct slub_partial found = { slab, mm_slub_pop(slab) };

	if (slab->inuse == slab->objects) {
		mm_slub_remove_partial(n, slab);
		mm_slub_add_full(n, slab);
	}
	return found;
}

/* The first slab, which there is, becomes the CPU's; further ones fill its partial list to a little over half. */
struct slub_partial mm_slub_get_partial_node(struct mm_kmem_cache *s, struct kmem_cache_node *n, struct kmem_cache_cpu *c)
{
	struct slab *first = n->partial.head, *slab, *next;
	uint32_t nr = 0, enough = s->layout.cpu_partial_slabs / 2;

	for (slab = first->next; slab && nr <= enough; slab = next, nr++) {
		next = slab->next;
		mm_slub_change(slab, SLAB_LIST_PARTIAL, SLAB_FROZEN);
		mm_slub_put_cpu_partial(c, slab);
	}
	n->partial.head = slab;
	n->partial.nr -= nr + 1;
	*(slab ? &slab->prev : &n->partial.tail) = NULL;
	s->stat[MM_SLUB_CPU_PARTIAL_NODE] += nr;
	s->stat[MM_SLUB_ALLOC_FROM_PARTIAL]++;
	mm_slub_change(first, SLAB_LIST_PARTIAL, SLAB_FROZEN);
	return (struct slub_partial){ first, mm_slub_take_all(first) };
}

static struct slub_partial get_of(struct mm_kmem_cache *s, struct kmem_cache_node *n, uint32_t cpu)
{
	if (!n->partial.head)
		return (struct slub_partial){ NULL, SLAB_LINK_END };
	return mm_slub_is_debug(s) ? alloc_single_from_partial(n) : mm_slub_get_partial_node(s, n, &s->cpu[cpu]);
}

/* Other nodes by distance, if they have more partial slabs than they should keep. */
static struct slub_partial get_any_partial(struct mm_kmem_cache *s, uint32_t cpu)
{
	const struct mm_phys *phys = s->slab->phys;
	const struct mm_node *local = phys->nodes[mm_slab_cpu_node(s, cpu)];

	if (mm_rng_below(&s->ctx->rng, 1024) > REMOTE_NODE_DEFRAG_RATIO)
		return (struct slub_partial){ NULL, SLAB_LINK_END };
	if (phys->ctx->mempolicy)
		local = phys->nodes[mm_mempolicy_slab_node(s->slab->phys)];
	for (uint32_t i = 0; local && i < local->nr_zonelist; i++) {
		struct kmem_cache_node *n = &s->node[local->zonelist[i]];

		if (n->partial.nr > s->layout.min_partial)
			return get_of(s, n, cpu);
	}
	return (struct slub_partial){ NULL, SLAB_LINK_END };
}

/* Of @node alone; MM_NUMA_NO_NODE: of the CPU's, then of others. */
struct slub_partial mm_slub_get_partial(struct mm_kmem_cache *s, uint32_t cpu, uint32_t node)
{
	bool any = node == MM_NUMA_NO_NODE;
	struct slub_partial found = get_of(s, &s->node[any ? mm_slab_cpu_node(s, cpu) : node], cpu);

	if (!found.slab && any && s->nr_nodes > 1)
		found = get_any_partial(s, cpu);
	return found;
}

/* ---- the CPU's partial list ---- */

/* The first slabs of a chain of frozen ones to the tail of their node's list, up to one that is of another or empty. */
static struct slab *unfreeze_run(struct mm_kmem_cache *s, struct kmem_cache_node *n, struct slab *slab)
{
	struct slab *first = slab, *last = n->partial.tail;
	uint32_t nr = 0, node = slab->node;

	*(last ? &last->next : &n->partial.head) = first;
	do {
		mm_slub_change(slab, SLAB_FROZEN, SLAB_LIST_PARTIAL);
		slab->prev = last;
		last = slab;
		slab = slab->next;
		nr++;
	} while (slab && slab->inuse && slab->node == node);
	last->next = NULL;
	n->partial.tail = last;
	n->partial.nr += nr;
	s->stat[MM_SLUB_FREE_ADD_PARTIAL] += nr;
	return slab;
}

/* A chain of frozen slabs; empty ones beyond min_partial are given back. */
static void unfreeze_partials(struct mm_kmem_cache *s, struct slab *slab)
{
	struct slab *discard = NULL;

	while (slab) {
		struct kmem_cache_node *n = mm_slub_node(s, slab);
		struct slab *empty = slab;

		if (slab->inuse || n->partial.nr < s->layout.min_partial) {
			slab = unfreeze_run(s, n, slab);
			continue;
		}
		slab = slab->next;
		mm_slub_change(empty, SLAB_FROZEN, SLAB_NO_LIST);
		empty->next = discard;
		discard = empty;
	}
	while (discard) {
		slab = discard;
		discard = slab->next;
		mm_slub_count(s, MM_SLUB_DEACTIVATE_EMPTY);
		mm_slub_discard_slab(s, slab);
		mm_slub_count(s, MM_SLUB_FREE_SLAB);
	}
}

/* The whole list to the nodes. */
void mm_slub_drain_cpu_partial(struct mm_kmem_cache *s, struct kmem_cache_cpu *c)
{
	struct slab *old = c->partial;

	if (!old)
		return;
	c->partial = NULL;
	c->nr_partial = 0;
	c->back_obj = mm_slub_back_state(s, c);
	unfreeze_partials(s, old);
	mm_slub_count(s, MM_SLUB_CPU_PARTIAL_DRAIN);
}

/* Unfreeze the CPU's slab, with the objects of @freelist in front of its own. */
static void deactivate_slab(struct mm_kmem_cache *s, struct slab *slab, uint32_t freelist)
{
	struct kmem_cache_node *n = mm_slub_node(s, slab);
	bool tail = slab->freelist != SLAB_LINK_END;
	uint32_t last = freelist, nr = 0;

	if (tail)
		mm_slub_count(s, MM_SLUB_DEACTIVATE_REMOTE_FREES);
	if (freelist != SLAB_LINK_END) {
		for (nr = 1; slab->link[last] != SLAB_LINK_END; nr++)
			last = slab->link[last];
		slab->link[last] = (uint16_t)slab->freelist;
		slab->freelist = freelist;
		slab->inuse -= nr;
	}
	mm_slab_set_list(slab, SLAB_NO_LIST);
	if (!slab->inuse && n->partial.nr >= s->layout.min_partial) {
		mm_slub_count(s, MM_SLUB_DEACTIVATE_EMPTY);
		mm_slub_discard_slab(s, slab);
		mm_slub_count(s, MM_SLUB_FREE_SLAB);
	} else if (slab->freelist != SLAB_LINK_END) {
		mm_slub_add_partial(n, slab, tail);
		mm_slub_count(s, tail ? MM_SLUB_DEACTIVATE_TO_TAIL : MM_SLUB_DEACTIVATE_TO_HEAD);
	} else {
		mm_slub_count(s, MM_SLUB_DEACTIVATE_FULL);
	}
}

/* The CPU's slab, which there is, to its node. */
void mm_slub_deactivate_cpu(struct mm_kmem_cache *s, struct kmem_cache_cpu *c)
{
	struct slab *slab = c->slab;
	uint32_t freelist = c->freelist;

	mm_slub_settle_back(s, c);
	c->slab = NULL;
	c->back_obj = BACK_CLOSED;
	c->freelist = SLAB_LINK_END;
	deactivate_slab(s, slab, freelist);
}

/* flush_slab() */
void mm_slub_flush_slab(struct mm_kmem_cache *s, struct kmem_cache_cpu *c)
{
	mm_slub_deactivate_cpu(s, c);
	mm_slub_count(s, MM_SLUB_CPUSLAB_FLUSH);
}

static void flush_cpu_slab(struct mm_kmem_cache *s, uint32_t cpu)
{
	struct kmem_cache_cpu *c = &s->cpu[cpu];
	struct slab *partial;

	if (c->slab)
		mm_slub_flush_slab(s, c);
	partial = c->partial;
	c->partial = NULL;
	c->nr_partial = 0;
	unfreeze_partials(s, partial);
}

/* __kmem_cache_do_shrink() of one node: empty slabs go, nearly full ones move to the front, the fullest first. */
static void shrink_node(struct mm_kmem_cache *s, struct kmem_cache_node *n)
{
	struct slab_list promote[SHRINK_PROMOTE_MAX] = { 0 };
	struct slab *discard = NULL;

	for (struct slab *slab = n->partial.head, *next; slab; slab = next) {
		uint32_t nr_free = (uint32_t)(slab->objects - slab->inuse);

		next = slab->next;
		if (nr_free == slab->objects) {
			mm_slub_remove_partial(n, slab);
			slab->next = discard;
			discard = slab;
		} else if (nr_free <= SHRINK_PROMOTE_MAX) {
			mm_slab_list_del(&n->partial, slab);
			mm_slab_list_add(&promote[nr_free - 1], slab, false);
		}
	}
	for (unsigned int i = SHRINK_PROMOTE_MAX; i-- > 0; )
		while (promote[i].tail) {
			struct slab *slab = promote[i].tail;

			mm_slab_list_del(&promote[i], slab);
			mm_slab_list_add(&n->partial, slab, false);
		}
	while (discard) {
		struct slab *slab = discard;

		discard = slab->next;
		mm_slub_discard_slab(s, slab);
	}
}

void mm_slub_shrink(struct mm_kmem_cache *s)
{
	for (uint32_t cpu = 0; cpu < s->nr_cpus; cpu++)
		flush_cpu_slab(s, cpu);
	for (uint32_t i = 0; i < s->nr_nodes; i++)
		shrink_node(s, &s->node[i]);
}

/* ---- looking at it ---- */

/* The CPU that a frozen slab belongs to. */
static uint32_t cpu_of(const struct mm_kmem_cache *s, const struct slab *slab)
{
	for (uint32_t cpu = 0; cpu < s->nr_cpus; cpu++) {
		const struct kmem_cache_cpu *c = &s->cpu[cpu];

		if (c->slab == slab || (mm_slub_has_back(c) && c->back == slab))
			return cpu;
		for (const struct slab *p = c->partial; p; p = p->next)
			if (p == slab)
				return cpu;
	}
	return 0;
}

enum mm_slab_state mm_slub_state(const struct slab *slab, uint32_t *live, uint32_t *cpu)
{
	*live = mm_slab_list(slab) == SLAB_BACK ? UINT32_MAX : 0;		/* the one that waits is not */
	for (uint32_t i = 0; i < slab->objects; i++)
		*live += slab->link[i] == SLAB_LINK_LIVE;
	if (mm_slub_is_frozen(slab)) {
		*cpu = cpu_of(mm_slab_cache(slab), slab);
		return mm_slab_cache(slab)->cpu[*cpu].slab == slab ? MM_SLAB_ON_CPU : MM_SLAB_CPU_PARTIAL;
	}
	return !*live ? MM_SLAB_EMPTY : *live == slab->objects ? MM_SLAB_FULL : MM_SLAB_PARTIAL;
}

/* Length of a chain of free objects, or UINT32_MAX when it leaves the slab, loops or meets a live one. */
static uint32_t chain_length(const struct slab *slab, uint32_t obj)
{
	uint32_t n = 0;

	for (; obj != SLAB_LINK_END; obj = slab->link[obj])
		if (obj >= slab->objects || n++ >= slab->objects)
			return UINT32_MAX;
	return n;
}

static bool slab_is_consistent(const struct mm_kmem_cache *s, const struct slab *slab)
{
	uint32_t live, cpu, own = chain_length(slab, slab->freelist), on_cpu = 0, back = mm_slab_list(slab) == SLAB_BACK;
	enum mm_slab_state state = mm_slub_state(slab, &live, &cpu);

	if (state == MM_SLAB_ON_CPU)
		on_cpu = chain_length(slab, s->cpu[cpu].freelist);
	if (own == UINT32_MAX || on_cpu == UINT32_MAX || own + on_cpu + back + live != slab->objects)
		return false;
	if (slab->inuse != slab->objects - own || (back && (own || s->cpu[cpu].back != slab)))
		return false;
	return mm_slab_list(slab) != SLAB_NO_LIST || !own;	/* a full slab is on no list, no other */
}

static bool node_is_consistent(const struct kmem_cache_node *n)
{
	uint64_t nr = 0;

	for (const struct slab *slab = n->partial.head; slab; slab = slab->next, nr++)
		if (mm_slab_list(slab) != SLAB_LIST_PARTIAL || slab->freelist == SLAB_LINK_END ||
		    &mm_slab_cache(slab)->node[slab->node] != n)
			return false;
	return nr == n->partial.nr;
}

static bool cpu_is_consistent(const struct mm_kmem_cache *s, const struct kmem_cache_cpu *c)
{
	uint32_t nr = 0;

	for (const struct slab *slab = c->partial; slab; slab = slab->next, nr++)
		if (mm_slab_list(slab) != SLAB_FROZEN)
			return false;
	if (mm_slub_has_back(c) ? mm_slab_list(c->back) != SLAB_BACK || !c->slab : c->back_obj != mm_slub_back_state(s, c))
		return false;
	return nr == c->nr_partial && (c->slab ? mm_slab_list(c->slab) == SLAB_FROZEN : c->freelist == SLAB_LINK_END);
}

bool mm_slub_is_consistent(const struct mm_kmem_cache *s)
{
	uint64_t slabs = 0, objects = 0, pages = 0, node_slabs = 0, node_objects = 0;

	for (const struct slab *slab = s->oldest; slab; slab = slab->newer) {
		if (!slab_is_consistent(s, slab))
			return false;
		slabs++;
		objects += slab->objects;
		pages += 1u << slab->order;
	}
	for (uint32_t i = 0; i < s->nr_cpus; i++)
		if (!cpu_is_consistent(s, &s->cpu[i]))
			return false;
	for (uint32_t i = 0; i < s->nr_nodes; i++) {
		if (!node_is_consistent(&s->node[i]))
			return false;
		node_slabs += s->node[i].nr_slabs;
		node_objects += s->node[i].nr_objects;
	}
	return slabs == node_slabs && objects == node_objects && pages == s->pages;
}
