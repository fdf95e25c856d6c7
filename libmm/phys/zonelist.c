/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * In which order a node's requests go to the other nodes: itself, then by
 * distance; among equals first a node without CPUs, then the next one by number,
 * and a node that already leads somebody's group of equals comes later.
 * Source: Linux 6.6 mm/page_alloc.c build_zonelists(), find_next_best_node().
 */
#include "phys/internal.h"

enum { LOCAL_DISTANCE = 10, REMOTE_DISTANCE = 20, MAX_NUMNODES = 1024 };

struct order {
	const struct mm_phys *phys;
	const uint8_t *distance;
	uint32_t nr;				/* distance is nr x nr */
	uint32_t load[MM_MAX_NODES];		/* node_load */
	bool has_cpu[MM_MAX_NODES];
	bool used[MM_MAX_NODES];		/* already in the list being built */
};

static uint32_t node_distance(const struct order *o, uint32_t from, uint32_t to)
{
	if (o->distance && from < o->nr && to < o->nr)
		return o->distance[from * o->nr + to];
	return from == to ? LOCAL_DISTANCE : REMOTE_DISTANCE;
}

static bool has_memory(const struct mm_phys *phys, uint32_t n)
{
	return phys->nodes[n] && phys->nodes[n]->present_pages;
}

/* The node to come next, MM_MAX_NODES: none left. */
static uint32_t find_next_best_node(struct order *o, uint32_t node)
{
	uint32_t best = MM_MAX_NODES, best_value = UINT32_MAX;

	if (!o->used[node]) {
		o->used[node] = true;
		return node;
	}
	for (uint32_t n = 0; n < MM_MAX_NODES; n++) {
		uint32_t value;

		if (o->used[n] || !has_memory(o->phys, n))
			continue;
		value = node_distance(o, node, n) + (n < node) + o->has_cpu[n];
		value = value * MAX_NUMNODES + o->load[n];
		if (value < best_value) {
			best_value = value;
			best = n;
		}
	}
	if (best < MM_MAX_NODES)
		o->used[best] = true;
	return best;
}

static void build_node_order(struct order *o, struct mm_node *node)
{
	uint32_t prev = node->id, next;

	for (uint32_t n = 0; n < MM_MAX_NODES; n++)
		o->used[n] = false;
	node->nr_zonelist = 0;
	while ((next = find_next_best_node(o, node->id)) < MM_MAX_NODES) {
		/* the first of a group of equally far nodes would carry the load of all: count it */
		if (node_distance(o, node->id, next) != node_distance(o, node->id, prev))
			o->load[next]++;
		node->zonelist[node->nr_zonelist++] = next;
		prev = next;
	}
}

void mm_build_node_order(struct mm_phys *phys, const uint8_t *distance, uint32_t nr)
{
	struct order o = { .phys = phys, .distance = distance, .nr = nr };

	for (uint32_t c = 0; c < phys->ctx->nr_cpus; c++)
		o.has_cpu[phys->cpu_node[c]] = true;
	for (uint32_t n = 0; n < MM_MAX_NODES; n++)
		if (phys->nodes[n])
			build_node_order(&o, phys->nodes[n]);
}
