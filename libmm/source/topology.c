/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sys/devices/system/node: which CPUs a node has ("0-3,8") and how far the
 * online nodes are from it ("10 21 31": one number for each online node, in
 * their order).
 */
#include <stdio.h>
#include <string.h>

#include "source/scan.h"
#include "source/topology.h"
#include "table/numbers.h"

enum { TEXT = 4096 };
static const char dir[] = "sys/devices/system/node";

/* "0-3,8": call for each number below @limit; false: not such a list. */
static bool each_of_list(struct mm_str s, uint64_t limit, void (*fn)(void *arg, uint64_t v), void *arg)
{
	uint64_t from, to;
	int more;

	while ((more = mm_next_range(&s, &from, &to)) > 0)
		for (uint64_t v = from; v <= to && v < limit; v++)
			fn(arg, v);
	return !more;
}

struct nodes {
	uint32_t v[MM_MAX_NODES], nr;
};

static void add_node(void *arg, uint64_t node)
{
	struct nodes *n = arg;

	if (n->nr < MM_MAX_NODES)
		n->v[n->nr++] = (uint32_t)node;
}

struct cpus {
	struct mm_boot_facts *boot;
	uint8_t node;
};

static void add_cpu(void *arg, uint64_t cpu)
{
	struct cpus *c = arg;

	c->boot->cpu_node[cpu] = c->node;
	if (c->boot->nr_cpus <= cpu)
		c->boot->nr_cpus = (uint32_t)cpu + 1;
}

static long read_text(const struct mm_sysroot *r, uint32_t node, const char *name, char text[TEXT])
{
	char path[96];

	snprintf(path, sizeof(path), "%s/node%u/%s", dir, node, name);
	return mm_sysroot_text(r, path, text, TEXT);
}

/* One row of the matrix; false: a number is missing or no distance. */
static bool read_distances(const struct mm_sysroot *r, const struct nodes *online, uint32_t node, uint8_t *row)
{
	char text[TEXT];
	long n = read_text(r, node, "distance", text);
	struct mm_str s = { text, n > 0 ? (size_t)n : 0 };
	uint64_t v;

	for (uint32_t i = 0; i < online->nr; i++) {
		if (!scan_u64(&s, &v) || v > UINT8_MAX)
			return false;
		row[online->v[i]] = (uint8_t)v;
	}
	return true;
}

void mm_default_distances(struct mm_boot_facts *boot)
{
	for (uint32_t i = 0; i < MM_MAX_NODES; i++)
		for (uint32_t j = 0; j < MM_MAX_NODES; j++)
			boot->node_distance[i * MM_MAX_NODES + j] = mm_default_distance(i, j);
	boot->nr_distance = MM_MAX_NODES;
}

void mm_sysroot_numa(const struct mm_sysroot *r, struct mm_boot_facts *boot)
{
	struct nodes online = { .nr = 0 };
	char text[TEXT], path[64];
	bool whole = true;
	long n;

	snprintf(path, sizeof(path), "%s/online", dir);
	n = mm_sysroot_text(r, path, text, sizeof(text));
	if (n <= 0 || !each_of_list((struct mm_str){ text, (size_t)n }, MM_MAX_NODES, add_node, &online))
		return;
	mm_default_distances(boot);
	for (uint32_t i = 0; i < online.nr; i++) {
		struct cpus c = { boot, (uint8_t)online.v[i] };

		n = read_text(r, online.v[i], "cpulist", text);
		if (n > 0)
			(void)each_of_list((struct mm_str){ text, (size_t)n }, MM_MAX_CPUS, add_cpu, &c);
		whole = whole && read_distances(r, &online, online.v[i],
						&boot->node_distance[online.v[i] * MM_MAX_NODES]);
	}
	boot->nr_distance = whole && online.nr ? MM_MAX_NODES : 0;
}
