/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * SLAB: objects and slabs given back, all at once (shrink) or little by little (reap).
 *
 * The reaper visits a cache every two seconds on each CPU.  An array that was
 * not touched since then loses a fifth of its limit, oldest first; every four
 * seconds the node's shared array too, and a fifth of the free slabs that the
 * limit allows, unless free slabs were used meanwhile.
 */
#include <string.h>

#include "slab/slab_list.h"

#define REAPTIMEOUT_NODE_NS 4000000000u

static void drain_array(struct mm_kmem_cache *s, struct array_cache *ac, uint32_t node, bool all)
{
	uint32_t tofree;
	SLAB_CHAIN(dead);

	if (!ac || !ac->avail)
		return;
	tofree = all ? ac->avail : (ac->limit + 4) / 5;
	if (tofree > ac->avail)
		tofree = (ac->avail + 1) / 2;
	mm_slab_batch_effect(s, MM_EV_CACHE_FREE, ac->entry[0], tofree, MM_STR("node"));
	mm_slab_free_block(s, ac->entry, tofree, node, &dead);
	ac->avail -= tofree;
	memmove(ac->entry, ac->entry + tofree, ac->avail * sizeof(ac->entry[0]));
	mm_slabs_destroy(s, &dead);
}

static void reap_array(struct mm_kmem_cache *s, struct array_cache *ac, uint32_t node)
{
	if (!ac || !ac->avail)
		return;
	if (ac->touched)
		ac->touched = false;
	else
		drain_array(s, ac, node, false);
}

static void drain_alien_of(struct mm_kmem_cache *s, struct kmem_cache_node *n, uint32_t node)
{
	struct array_cache *ac = n->alien ? n->alien[node] : NULL;
	SLAB_CHAIN(dead);

	if (!ac || !ac->avail)
		return;
	mm_slab_drain_alien(s, ac, node, &dead);
	mm_slabs_destroy(s, &dead);
}

/* cache_reap() of one cache on @cpu; @reap_node is the node whose alien array is drained this time. */
void mm_slab_reap_cache(struct mm_kmem_cache *s, uint32_t cpu, uint32_t reap_node)
{
	uint32_t node = mm_slab_cpu_node(s, cpu);
	struct kmem_cache_node *n = &s->node[node];
	uint64_t num = s->layout.objects_per_slab;

	if (reap_node < s->nr_nodes)
		drain_alien_of(s, n, reap_node);
	reap_array(s, s->cpu[cpu].ac, node);
	if (n->next_reap_ns > s->ctx->now_ns)
		return;
	n->next_reap_ns = s->ctx->now_ns + REAPTIMEOUT_NODE_NS;
	reap_array(s, n->shared, node);
	if (n->free_touched)
		n->free_touched = false;
	else
		mm_slab_drain_freelist(s, n, (n->free_limit + 5 * num - 1) / (5 * num));
}

/* Every array into the slabs, then every free slab back: __kmem_cache_shrink(). */
void mm_slab_cache_shrink(struct mm_kmem_cache *s)
{
	for (uint32_t cpu = 0; cpu < s->nr_cpus; cpu++)
		drain_array(s, s->cpu[cpu].ac, mm_slab_cpu_node(s, cpu), true);
	for (uint32_t i = 0; i < s->nr_nodes; i++)
		for (uint32_t j = 0; j < s->nr_nodes; j++)
			drain_alien_of(s, &s->node[i], j);
	for (uint32_t i = 0; i < s->nr_nodes; i++)
		drain_array(s, s->node[i].shared, i, true);
	for (uint32_t i = 0; i < s->nr_nodes; i++)
		mm_slab_drain_freelist(s, &s->node[i], UINT64_MAX);
}
