/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Nodes and zones over the map of RAM.
 *
 *   PFN   1       4096                 1048576            max
 *         |  DMA  |       DMA32        |      Normal      |
 *   node 0|=======|==== .. ====|       |                  |
 *   node 1|                    |== hole|==================|
 *
 * A zone of a node spans from the first to the last page of the node within
 * the zone's limits, holes included; present pages are those that are RAM.
 * Limits: 16 MiB and 4 GiB; the lowest zone begins at the first RAM page.
 * ZONE_MOVABLE takes the end of each node from zone_movable_pfn on, rounded up to
 * a block of 2^MM_MAX_ORDER pages.  kernelcore=mirror does nothing here, as on a
 * machine whose firmware mirrors no memory: no source tells what is mirrored.
 * Source: Linux 6.6 mm/mm_init.c free_area_init(), arch/x86/mm/init.c zone_sizes_init().
 */
#include <errno.h>

#include "base/host_memory.h"
#include "base/minmax.h"
#include "phys/boot.h"
#include "phys/pfn_walk.h"

enum { MAX_DMA_PFN = 1 << (24 - MM_PAGE_SHIFT), MAX_DMA32_PFN = 1 << (32 - MM_PAGE_SHIFT) };

/* What holds for all nodes. */
struct limits {
	uint64_t low[MM_MAX_NR_ZONES], high[MM_MAX_NR_ZONES];	/* arch_zone_*_possible_pfn */
	uint64_t movable_pfn[MM_MAX_NODES];			/* zone_movable_pfn, 0 none */
	enum mm_zone_type movable_zone;				/* the zone whose memory becomes movable */
};

static uint64_t clamp_u64(uint64_t v, uint64_t lo, uint64_t hi) { return v < lo ? lo : v > hi ? hi : v; }

struct mm_node *mm_boot_node(struct mm_phys *phys, uint32_t id)
{
	struct mm_node *node = phys->nodes[id];

	if (node)
		return node;
	node = mm_host_calloc(1, sizeof(*node));
	if (!node)
		return NULL;
	node->id = id;
	for (uint8_t i = 0; i < MM_MAX_NR_ZONES; i++) {
		node->zones[i].phys = phys;
		node->zones[i].node = id;
		node->zones[i].type = i;
	}
	phys->nodes[id] = node;
	phys->nr_nodes++;
	return node;
}

int mm_boot_add_present(struct mm_phys *phys, uint64_t start_pfn, uint64_t end_pfn, uint32_t node)
{
	struct mm_page_range *v;

	if (start_pfn >= end_pfn)
		return 0;
	v = mm_host_realloc(phys->present, (phys->nr_present + 1) * sizeof(*v));
	if (!v)
		return -ENOMEM;
	phys->present = v;
	v[phys->nr_present++] = (struct mm_page_range){ (mm_pfn_t)start_pfn, (mm_pfn_t)end_pfn, node };
	return mm_boot_node(phys, node) ? 0 : -ENOMEM;
}

uint64_t mm_boot_present_in(const struct mm_phys *phys, uint32_t node, uint64_t start_pfn, uint64_t end_pfn)
{
	struct mm_pfn_walk w = mm_pfn_walk_node(phys, node, start_pfn, end_pfn, MM_PFN_UP);
	uint64_t pages = 0;

	while (mm_pfn_walk_range(&w))
		pages += w.end - w.start;
	return pages;
}

/* First and one past the last PFN of a node. */
static void get_pfn_range_for_nid(const struct mm_phys *phys, uint32_t node, uint64_t *start, uint64_t *end)
{
	struct mm_pfn_walk w = mm_pfn_walk_node(phys, node, 0, UINT64_MAX, MM_PFN_UP);

	*start = UINT64_MAX;
	*end = 0;
	while (mm_pfn_walk_range(&w)) {
		*start = mm_min_u64(*start, w.start);
		*end = w.end;
	}
}

static void zone_limits(const struct mm_phys *phys, struct limits *lim)
{
	const uint64_t high[MM_MAX_NR_ZONES] = {
		[MM_ZONE_DMA] = mm_min_u64(MAX_DMA_PFN, phys->max_pfn),
		[MM_ZONE_DMA32] = mm_min_u64(MAX_DMA32_PFN, phys->max_pfn),
		[MM_ZONE_NORMAL] = phys->max_pfn,
	};
	uint64_t start = phys->present[0].start_pfn;

	for (int i = 0; i < MM_MAX_NR_ZONES; i++) {
		if (i == MM_ZONE_MOVABLE)
			continue;
		lim->low[i] = start;
		start = lim->high[i] = mm_max_u64(high[i], start);
		if (lim->high[i] > lim->low[i])
			lim->movable_zone = (enum mm_zone_type)i;
	}
}

/*
 * One node's share of the pages that stay the kernel's: walk its ranges
 * upwards until the share is used up, movable_pfn moves along. What lies below
 * the zone that becomes movable is the kernel's anyway and counts.
 */
static void place_kernelcore(const struct mm_phys *phys, struct limits *lim, uint32_t node, uint64_t share,
			     uint64_t *required)
{
	struct mm_pfn_walk w = mm_pfn_walk_node(phys, node, lim->movable_pfn[node], UINT64_MAX, MM_PFN_UP);
	uint64_t usable = lim->low[lim->movable_zone];

	while (mm_pfn_walk_range(&w)) {
		uint64_t start = w.start, size;

		if (start < usable) {
			size = mm_min_u64(w.end, usable) - start;
			share -= mm_min_u64(size, share);
			*required -= mm_min_u64(size, *required);
			if (w.end <= usable) {
				lim->movable_pfn[node] = w.end;
				continue;
			}
			start = usable;
		}
		size = mm_min_u64(w.end - start, share);
		lim->movable_pfn[node] = start + size;
		*required -= mm_min_u64(*required, size);
		share -= size;
		if (!share)
			break;
	}
}

/* kernelcore= and movablecore= in pages. */
struct core_sizes {
	uint64_t kernelcore, movablecore;
};

static uint64_t core_pages(uint64_t bytes, uint64_t percent, uint64_t total)
{
	return percent ? total * 100 * percent / 10000 : bytes >> MM_PAGE_SHIFT;
}

/* Of the configuration, or else of the captured command line. */
static struct core_sizes core_sizes(const struct mm_phys_config *cfg, uint64_t total)
{
	const struct mm_boot_facts *boot = cfg->regions ? cfg->regions->boot : NULL;
	struct core_sizes given = {
		core_pages(cfg->kernelcore_bytes, cfg->kernelcore_percent, total),
		core_pages(cfg->movablecore_bytes, cfg->movablecore_percent, total),
	};

	if (given.kernelcore || given.movablecore || !boot || boot->kernelcore_mirror)
		return given;
	return (struct core_sizes){ core_pages(boot->kernelcore_bytes, boot->kernelcore_percent, total),
				    core_pages(boot->movablecore_bytes, boot->movablecore_percent, total) };
}

/* Pages that kernelcore= and movablecore= leave to the kernel; 0: no ZONE_MOVABLE. */
static uint64_t required_kernelcore(const struct mm_phys *phys, const struct mm_phys_config *cfg)
{
	const uint64_t block = 1u << MM_MAX_ORDER;
	struct core_sizes core;
	uint64_t total = 0;

	for (uint32_t i = 0; i < phys->nr_present; i++)
		total += phys->present[i].end_pfn - phys->present[i].start_pfn;
	core = core_sizes(cfg, total);
	if (core.movablecore) {
		uint64_t movable = core.movablecore > total ? total
			: mm_min_u64(total, (core.movablecore + block - 1) / block * block);

		core.kernelcore = mm_max_u64(core.kernelcore, total - movable);
	}
	return core.kernelcore < total ? core.kernelcore : 0;
}

/* Spread over the nodes; what a node could not take goes to the others in the next round. */
static void spread_kernelcore(const struct mm_phys *phys, struct limits *lim, uint64_t required)
{
	uint32_t nodes = phys->nr_nodes;
	uint64_t share;

	do {
		share = required / nodes;
		for (uint32_t n = 0; n < MM_MAX_NODES; n++) {
			if (!phys->nodes[n])
				continue;
			if (required < share)
				share = required / nodes;
			place_kernelcore(phys, lim, n, share, &required);
		}
		nodes--;
	} while (nodes && required > nodes);
}

/* movable_node: from the first removable page of each node on. */
static void movable_of_hotplug(struct limits *lim, const struct mm_memblock *mb)
{
	for (size_t i = 0; i < mb->memory.nr; i++) {
		const struct mm_memblock_region *r = &mb->memory.v[i];
		uint64_t start = r->base >> MM_PAGE_SHIFT, *pfn;

		if (!(r->flags & MM_MEMBLOCK_HOTPLUG) || r->node >= MM_MAX_NODES)
			continue;
		pfn = &lim->movable_pfn[r->node];
		*pfn = *pfn ? mm_min_u64(*pfn, start) : start;
	}
}

/* Where ZONE_MOVABLE begins in each node. */
static void find_zone_movable_pfns_for_nodes(const struct mm_phys *phys, const struct mm_memblock *mb,
					     const struct mm_phys_config *cfg, struct limits *lim)
{
	bool movable_node = cfg->movable_node || (cfg->regions && cfg->regions->boot && cfg->regions->boot->movable_node);
	uint64_t required = required_kernelcore(phys, cfg), start, end;
	const uint64_t block = 1u << MM_MAX_ORDER;

	if (movable_node)
		movable_of_hotplug(lim, mb);
	else if (required)
		spread_kernelcore(phys, lim, required);
	else
		return;
	for (uint32_t n = 0; n < MM_MAX_NODES; n++) {
		get_pfn_range_for_nid(phys, n, &start, &end);
		lim->movable_pfn[n] = (lim->movable_pfn[n] + block - 1) / block * block;
		if (lim->movable_pfn[n] >= end)
			lim->movable_pfn[n] = 0;
	}
}

static void adjust_zone_range_for_zone_movable(const struct limits *lim, uint32_t node, int zone, uint64_t node_end, uint64_t *start,
					       uint64_t *end)
{
	uint64_t movable = lim->movable_pfn[node];

	if (!movable)
		return;
	if (zone == MM_ZONE_MOVABLE) {
		*start = movable;
		*end = mm_min_u64(node_end, lim->high[lim->movable_zone]);
	} else if (*start < movable && *end > movable) {
		*end = movable;
	} else if (*start >= movable) {
		*start = *end;
	}
}

/* zone_spanned_pages_in_node(), zone_absent_pages_in_node() */
static void size_zone(const struct mm_phys *phys, const struct limits *lim, struct mm_zone *zone, uint64_t node_start,
		      uint64_t node_end)
{
	uint64_t start = clamp_u64(node_start, lim->low[zone->type], lim->high[zone->type]);
	uint64_t end = clamp_u64(node_end, lim->low[zone->type], lim->high[zone->type]);

	adjust_zone_range_for_zone_movable(lim, zone->node, zone->type, node_end, &start, &end);
	if (end < node_start || start > node_end)
		return;
	end = mm_min_u64(end, node_end);
	start = mm_max_u64(start, node_start);
	if (start >= end)
		return;
	zone->start_pfn = (mm_pfn_t)start;
	zone->spanned_pages = end - start;
	zone->present_pages = mm_boot_present_in(phys, zone->node, start, end);
}

static void size_node(const struct mm_phys *phys, const struct limits *lim, struct mm_node *node)
{
	uint64_t start, end;

	get_pfn_range_for_nid(phys, node->id, &start, &end);
	node->start_pfn = (mm_pfn_t)start;
	for (int i = 0; i < MM_MAX_NR_ZONES; i++) {
		size_zone(phys, lim, &node->zones[i], start, end);
		node->spanned_pages += node->zones[i].spanned_pages;
		node->present_pages += node->zones[i].present_pages;
	}
}

int mm_boot_zones(struct mm_phys *phys, const struct mm_memblock *mb, const struct mm_phys_config *cfg)
{
	struct limits lim = { .movable_zone = MM_ZONE_NORMAL };

	for (size_t i = 0; i < mb->memory.nr; i++) {
		const struct mm_memblock_region *r = &mb->memory.v[i];

		if (mm_boot_add_present(phys, mm_memblock_region_memory_base_pfn(r), mm_memblock_region_memory_end_pfn(r), r->node))
			return -ENOMEM;
	}
	phys->max_pfn = phys->present[phys->nr_present - 1].end_pfn;
	zone_limits(phys, &lim);
	find_zone_movable_pfns_for_nodes(phys, mb, cfg, &lim);
	for (uint32_t n = 0; n < MM_MAX_NODES; n++)
		if (phys->nodes[n])
			size_node(phys, &lim, phys->nodes[n]);
	return 0;
}
