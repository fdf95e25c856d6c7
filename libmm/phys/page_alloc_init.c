/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the page allocator needs before the first page is freed to it, and the
 * zone lists.
 *
 * A pageblock belongs to the zone whose span covers it.  One that two zones
 * share is marked MM_ZONE_MIXED and its pages find their zone by the spans.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/host_memory.h"
#include "phys/internal.h"

static void init_free_lists(struct mm_zone *zone)
{
	for (unsigned int o = 0; o < MM_NR_PAGE_ORDERS; o++) {
		for (unsigned int mt = 0; mt < MM_MIGRATE_TYPES; mt++)
			zone->free_area[o].free_list[mt] = MM_PAGE_LIST_INIT;
		zone->free_area[o].nr_free = 0;
	}
}

static int init_pcp(struct mm_zone *zone, uint32_t nr_cpus)
{
	zone->pcp = mm_host_calloc(nr_cpus, sizeof(*zone->pcp));
	if (!zone->pcp)
		return -ENOMEM;
	for (uint32_t cpu = 0; cpu < nr_cpus; cpu++) {
		zone->pcp[cpu].batch = 1;
		for (unsigned int i = 0; i < MM_NR_PCP_LISTS; i++)
			zone->pcp[cpu].lists[i] = MM_PAGE_LIST_INIT;
	}
	return 0;
}

static void claim_pageblocks(struct mm_phys *phys, const struct mm_zone *zone)
{
	uint64_t first = zone->start_pfn >> MM_PAGEBLOCK_ORDER;
	uint64_t last = (mm_zone_end_pfn(zone) - 1) >> MM_PAGEBLOCK_ORDER;

	for (uint64_t b = first; b <= last && b < phys->nr_pageblocks; b++) {
		struct mm_pageblock *pb = &phys->pageblocks[b];

		if (pb->claimed)
			pb->zone = MM_ZONE_MIXED;
		else
			pb->zone = zone->id;
		pb->claimed = 1;
	}
}

/* Number the zones that span anything and give each its lists. */
static int init_zones(struct mm_phys *phys)
{
	phys->nr_zones = 0;
	for (unsigned int n = 0; n < MM_MAX_NODES; n++) {
		if (phys->nodes[n])
			phys->nodes[n]->kcompactd_highest_zoneidx = MM_MAX_NR_ZONES - 1;
		for (unsigned int t = 0; phys->nodes[n] && t < MM_MAX_NR_ZONES; t++) {
			struct mm_zone *zone = &phys->nodes[n]->zones[t];

			zone->phys = phys;
			zone->node = n;
			zone->type = (uint8_t)t;
			init_free_lists(zone);
			if (!zone->spanned_pages)
				continue;
			zone->id = (uint16_t)phys->nr_zones;
			phys->zone_table[phys->nr_zones++] = zone;
			if (init_pcp(zone, phys->ctx->nr_cpus))
				return -ENOMEM;
		}
	}
	return 0;
}

/*
 * A pageblock is movable when its first page is RAM, else unmovable: that is 0, and nobody sets it.  So is the first of all
 * machines, whose page 0 is in no zone.
 * Source: Linux 6.6 mm/mm_init.c memmap_init_range().
 */
static void init_migratetypes(struct mm_phys *phys, const struct mm_page_range *ram)
{
	uint64_t b = ((uint64_t)ram->start_pfn + MM_PAGEBLOCK_NR_PAGES - 1) >> MM_PAGEBLOCK_ORDER;

	for (; b << MM_PAGEBLOCK_ORDER < ram->end_pfn; b++)
		phys->pageblocks[b].migratetype = MM_MIGRATE_MOVABLE;
}

int mm_page_alloc_init(struct mm_phys *phys)
{
	if (init_zones(phys))
		return -ENOMEM;
	phys->nr_pageblocks = (uint32_t)(((uint64_t)phys->max_pfn + (1u << MM_MAX_ORDER) - 1) >> MM_MAX_ORDER << 1);
	phys->pageblocks = mm_host_malloc((phys->nr_pageblocks ? phys->nr_pageblocks : 1) * sizeof(*phys->pageblocks));
	if (!phys->pageblocks)
		return -ENOMEM;
	for (uint32_t b = 0; b < phys->nr_pageblocks; b++)
		phys->pageblocks[b] = (struct mm_pageblock){ .zone = MM_ZONE_MIXED };
	for (uint32_t i = 0; i < phys->nr_present; i++)
		init_migratetypes(phys, &phys->present[i]);
	for (uint32_t i = 0; i < phys->nr_zones; i++)
		claim_pageblocks(phys, phys->zone_table[i]);
	for (uint32_t b = 0; b < phys->nr_pageblocks; b++)
		phys->pageblocks[b].claimed = 0;
	return 0;
}

static void free_zonelists(struct mm_node *node)
{
	for (unsigned int t = 0; t < MM_MAX_NR_ZONES; t++) {
		free(node->zonerefs[t]);
		free(node->zonerefs_thisnode[t]);
		node->zonerefs[t] = node->zonerefs_thisnode[t] = NULL;
	}
}

void mm_page_alloc_exit(struct mm_phys *phys)
{
	for (uint32_t i = 0; i < phys->nr_zones; i++)
		free(phys->zone_table[i]->pcp);
	for (unsigned int n = 0; n < MM_MAX_NODES; n++)
		if (phys->nodes[n])
			free_zonelists(phys->nodes[n]);
	free(phys->pageblocks);
	phys->pageblocks = NULL;
	phys->nr_zones = phys->nr_pageblocks = 0;
}

/* Zones of one node from @highest down; returns how many. */
static size_t add_zones(struct mm_zone **list, struct mm_node *node, unsigned int highest)
{
	size_t n = 0;

	for (unsigned int t = highest + 1; t-- > 0;)
		if (node->zones[t].managed_pages)
			list[n++] = &node->zones[t];
	return n;
}

static int build_node(struct mm_phys *phys, struct mm_node *node)
{
	for (unsigned int t = 0; t < MM_MAX_NR_ZONES; t++) {
		struct mm_zone **all = mm_host_calloc(phys->nr_zones + 1, sizeof(struct mm_zone *));
		struct mm_zone **here = mm_host_calloc(MM_MAX_NR_ZONES + 1, sizeof(struct mm_zone *));
		size_t n = 0;

		node->zonerefs[t] = all;
		node->zonerefs_thisnode[t] = here;
		if (!all || !here)
			return -ENOMEM;
		add_zones(here, node, t);
		if (!node->nr_zonelist)
			add_zones(all, node, t);
		for (uint32_t i = 0; i < node->nr_zonelist; i++)
			n += add_zones(&all[n], phys->nodes[node->zonelist[i]], t);
	}
	return 0;
}

/* Source: Linux 6.6 mm/page_alloc.c build_zonelists(), build_zonerefs_node(). */
int mm_build_zonelists(struct mm_phys *phys)
{
	struct mm_numa *numa = &phys->ctx->numa;

	numa->memory = numa->online = 0;
	for (unsigned int n = 0; n < MM_MAX_NODES; n++) {
		if (!phys->nodes[n])
			continue;
		numa->online |= (mm_nodes_t)1 << n;
		numa->memory |= phys->nodes[n]->present_pages ? (mm_nodes_t)1 << n : 0;
		free_zonelists(phys->nodes[n]);
		if (build_node(phys, phys->nodes[n]))
			return -ENOMEM;
	}
	return 0;
}
