/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The nodes table: each node's pages and CPUs, how far the others are, and in
 * which order its requests go to them ("Fallback order for Node 0: 0 1" of a
 * kernel's log).
 */
#include <inttypes.h>
#include <stdio.h>

#include "machine/physmap.h"

enum { LIST_ROOM = 6 * MM_MAX_CPUS, LOCAL_DISTANCE = 10, REMOTE_DISTANCE = 20 };

struct node_row {
	uint64_t node, start_pfn, spanned_pages, present_pages, managed_pages;
	const char *cpus, *distances, *zonelist;
};

#define COL(field, type, help)	MM_COLUMN(struct node_row, field, type, help)
static const struct mm_column columns[] = {
	COL(node, MM_COL_U64, "NUMA node"),
	COL(start_pfn, MM_COL_U64, "first page frame"),
	COL(spanned_pages, MM_COL_U64, "of its zones, holes included"),
	COL(present_pages, MM_COL_U64, "pages that are RAM"),
	COL(managed_pages, MM_COL_U64, "pages that the page allocator has"),
	COL(cpus, MM_COL_STR, "CPUs of the node; even shares where no source tells"),
	COL(distances, MM_COL_STR, "to each node in turn; 10 itself and 20 another where no source tells"),
	COL(zonelist, MM_COL_STR, "nodes that serve its requests, best first"),
};

/* Append @v to a list with bars. */
static size_t add(char *text, size_t n, uint64_t v)
{
	return n + (size_t)snprintf(text + n, LIST_ROOM - n, "%s%" PRIu64, n ? "|" : "", v);
}

static uint64_t distance(const struct mm_boot_facts *boot, uint32_t from, uint32_t to)
{
	if (boot && from < boot->nr_distance && to < boot->nr_distance)
		return boot->node_distance[from * boot->nr_distance + to];
	return from == to ? LOCAL_DISTANCE : REMOTE_DISTANCE;
}

static void node_row(const struct mm_phys *phys, const struct mm_boot_facts *boot, const struct mm_node *node,
		     struct mm_table_writer *w)
{
	char cpus[LIST_ROOM] = "", distances[LIST_ROOM] = "", zonelist[LIST_ROOM] = "";
	struct node_row row = { node->id, node->start_pfn, node->spanned_pages, node->present_pages, 0, cpus, distances, zonelist };
	size_t c = 0, d = 0, z = 0;

	for (int i = 0; i < MM_MAX_NR_ZONES; i++)
		row.managed_pages += node->zones[i].managed_pages;
	for (uint32_t i = 0; i < phys->ctx->nr_cpus; i++)
		if (phys->cpu_node[i] == node->id)
			c = add(cpus, c, i);
	for (uint32_t i = 0; i < MM_MAX_NODES; i++)
		if (phys->nodes[i])
			d = add(distances, d, distance(boot, node->id, i));
	for (uint32_t i = 0; i < node->nr_zonelist; i++)
		z = add(zonelist, z, node->zonelist[i]);
	mm_table_writer_row(w, &row);
}

static int rows(const struct mm_physmap *pm, struct mm_table_writer *w, struct mm_error *err)
{
	if (!pm->phys) {
		*err = pm->phys_err;
		return err->code;
	}
	for (uint32_t n = 0; n < MM_MAX_NODES; n++)
		if (pm->phys->nodes[n])
			node_row(pm->phys, pm->cfg.regions ? pm->cfg.regions->boot : NULL, pm->phys->nodes[n], w);
	return 0;
}

const struct mm_physmap_table mm_physmap_nodes = {
	MM_TABLE("nodes", columns, "nodes: pages, CPUs, distances and the order of fallback"), rows,
};
