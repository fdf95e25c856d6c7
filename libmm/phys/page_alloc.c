/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The page allocator's front: requests, zone lists, the fast path, freeing.
 *
 *	mm_alloc_pages()
 *	  zone list by node and highest zone type: Normal, DMA32, DMA; then the next node
 *	  each zone whose free pages stay above the low watermark (watermark_check.c):
 *		orders 0-3 and 9: the CPU's list (pcp.c), refilled from
 *		all orders: the buddy lists (buddy.c), falling back by type (fallback.c)
 *	  nothing: kswapd, the min watermark, reclaim, compaction, OOM (slowpath.c)
 *
 * A descriptor that is free or was just given out holds nothing but what this
 * floor keeps in it; freeing resets it.  Of a block that is not compound only
 * the first descriptor is touched.
 *
 * Pages for writing (__GFP_WRITE) pass over nodes that hold their share of dirty
 * pages, until the slow path.
 *
 * A request that a policy confines to some nodes (mempolicy.c) sees a zone list without the others'.
 *
 * Left out: cpusets, node reclaim, fault injection.
 */
#include <assert.h>
#include <stddef.h>

#include "base/minmax.h"
#include "phys/mempolicy.h"
#include "phys/pcp.h"
#include "phys/pfn_walk.h"

/* The kernel's own numbers: three bits of a request are also bits of alloc_flags. */
_Static_assert((unsigned int)__MM_GFP_KSWAPD_RECLAIM == (unsigned int)MM_ALLOC_KSWAPD, "one bit");
_Static_assert((unsigned int)__MM_GFP_HIGH == (unsigned int)MM_ALLOC_MIN_RESERVE, "one bit");

const char *mm_migratetype_name(enum mm_migratetype mt)
{
	static const char *const names[MM_MIGRATE_TYPES] = {
		"Unmovable", "Movable", "Reclaimable", "HighAtomic", "CMA", "Isolate",
	};

	return (unsigned int)mt < MM_MIGRATE_TYPES ? names[mt] : "?";
}

/* Node of a page by the ranges of RAM, which settle it where spans of nodes overlap; MM_MAX_NODES: not RAM. */
static uint32_t present_node(const struct mm_phys *phys, mm_pfn_t pfn)
{
	const struct mm_page_range *r = mm_present_range(phys, pfn);

	return r && r->start_pfn <= pfn ? r->node : MM_MAX_NODES;
}

struct mm_zone *mm_page_zone_slow(const struct mm_phys *phys, mm_pfn_t pfn)
{
	uint32_t node = present_node(phys, pfn);

	for (uint32_t i = 0; i < phys->nr_zones; i++) {
		struct mm_zone *z = phys->zone_table[i];

		if (pfn >= z->start_pfn && pfn - z->start_pfn < z->spanned_pages &&
		    (node == MM_MAX_NODES || z->node == node))
			return z;
	}
	return NULL;
}

/* A compound page's tails point to its head. */
void mm_prep_compound_page(struct mm_page *map, mm_pfn_t pfn, unsigned int order)
{
	map[pfn].flags |= MM_PG_HEAD;
	for (mm_pfn_t i = 1; i < 1u << order; i++) {
		map[pfn + i].flags = MM_PG_TAIL;
		map[pfn + i].index = pfn;
	}
}

/* Source: Linux 6.6 mm/page_alloc.c zone_statistics(). */
static void zone_statistics(struct mm_zone *preferred, struct mm_zone *zone)
{
	struct mm_ctx *ctx = zone->phys->ctx;

	if (zone->node == preferred->node) {
		mm_count_numa(ctx, zone, MM_NUMA_HIT);
	} else {
		mm_count_numa(ctx, zone, MM_NUMA_MISS);
		mm_count_numa(ctx, preferred, MM_NUMA_FOREIGN);
	}
	mm_count_numa(ctx, zone, zone->node == zone->phys->cpu_node[ctx->cpu] ? MM_NUMA_LOCAL : MM_NUMA_OTHER);
}

/* Source: Linux 6.6 mm/page_alloc.c rmqueue_buddy(). */
static mm_pfn_t rmqueue_buddy(struct mm_zone *zone, unsigned int order, unsigned int alloc_flags, unsigned int mt)
{
	mm_pfn_t pfn = MM_PFN_NONE;

	if (alloc_flags & MM_ALLOC_HIGHATOMIC)
		pfn = mm_rmqueue_smallest(zone, order, MM_MIGRATE_HIGHATOMIC);
	if (pfn == MM_PFN_NONE && !zone->nr_free_cma)	/* the common part of mm_rmqueue() */
		pfn = mm_rmqueue_smallest(zone, order, mt);
	if (pfn == MM_PFN_NONE)
		pfn = mm_rmqueue(zone, order, mt, alloc_flags);
	if (pfn == MM_PFN_NONE && alloc_flags & (MM_ALLOC_OOM | MM_ALLOC_NON_BLOCK))
		pfn = mm_rmqueue_smallest(zone, order, MM_MIGRATE_HIGHATOMIC);
	if (pfn != MM_PFN_NONE)
		mm_mod_zone_freepage_state(zone, -(1 << order), mm_page(zone->phys, pfn)->aux);
	return pfn;
}

static void wake_for_boost(struct mm_zone *zone)
{
	struct mm_phys *phys = zone->phys;

	zone->boosted = false;
	if (phys->hooks.wakeup_kswapd)
		phys->hooks.wakeup_kswapd(phys->hooks.arg, zone, 0, 0, (enum mm_zone_type)zone->type);
}

/* Source: Linux 6.6 mm/page_alloc.c rmqueue(). */
static mm_pfn_t rmqueue(struct mm_zone *preferred, struct mm_zone *zone, unsigned int order,
			unsigned int alloc_flags, unsigned int mt)
{
	mm_pfn_t pfn = MM_PFN_NONE;

	if (mm_pcp_allowed_order(order))
		pfn = mm_rmqueue_pcplist(zone, order, mt, alloc_flags);
	if (pfn == MM_PFN_NONE)
		pfn = rmqueue_buddy(zone, order, alloc_flags, mt);
	if (pfn != MM_PFN_NONE) {
		mm_count(zone->phys->ctx, (enum mm_counter)(MM_PGALLOC_DMA + zone->type), 1 << order);
		zone_statistics(preferred, zone);
	}
	if (zone->boosted && alloc_flags & MM_ALLOC_KSWAPD)
		wake_for_boost(zone);
	return pfn;
}

/*
 * Has the node fewer dirty pages than its part of vm.dirty_ratio?  What its zones hold back is not dirtyable.
 * Source: Linux 6.6 mm/page-writeback.c node_dirty_ok(), node_dirty_limit(), node_dirtyable_memory().
 * Deviation: no task is a real-time one, which may go a quarter further.
 */
static bool node_dirty_ok(const struct mm_phys *phys, const struct mm_node *node)
{
	uint64_t nr_free = 0, nr_file = 0;

	for (int i = 0; i < MM_MAX_NR_ZONES; i++) {
		nr_free += node->zones[i].free_pages;
		nr_file += node->zones[i].nr_lru[MM_NR_ZONE_INACTIVE_FILE - MM_NR_ZONE_INACTIVE_ANON] +
			   node->zones[i].nr_lru[MM_NR_ZONE_ACTIVE_FILE - MM_NR_ZONE_INACTIVE_ANON];
	}
	nr_free -= mm_min_u64(nr_free, node->totalreserve_pages);
	return node->nr_write_pending <=
	       (uint64_t)mm_sysctl(phys->ctx, MM_SYSCTL_DIRTY_RATIO) * (nr_free + nr_file) / 100;
}

/*
 * Take a block from the first zone of the list that may give one.
 * While ALLOC_NOFRAGMENT holds no zone falls back to another type within a
 * pageblock; it is dropped before a remote node is asked, and for a second
 * round when no zone could serve.
 * Source: Linux 6.6 mm/page_alloc.c get_page_from_freelist().
 */
mm_pfn_t mm_get_page_from_freelist(const struct mm_alloc_context *ac, mm_gfp_t gfp, unsigned int order,
				   unsigned int alloc_flags)
{
	struct mm_zone *preferred = ac->zonelist[0];
	uint32_t dirty_node = MM_MAX_NODES;
	bool dirty_ok = true;

	for (struct mm_zone *const *z = ac->zonelist; ; z++) {
		mm_pfn_t pfn;

		if (!*z || (alloc_flags & MM_ALLOC_NOFRAGMENT && (*z)->node != preferred->node)) {
			if (!(alloc_flags & MM_ALLOC_NOFRAGMENT))
				return MM_PFN_NONE;
			alloc_flags &= ~(unsigned int)MM_ALLOC_NOFRAGMENT;
			z = ac->zonelist - 1;
			continue;
		}
		if (ac->spread_dirty_pages && (*z)->node != dirty_node) {
			dirty_node = (*z)->node;
			dirty_ok = node_dirty_ok(ac->phys, ac->phys->nodes[dirty_node]);
		}
		if (ac->spread_dirty_pages && !dirty_ok)
			continue;
		if (!mm_zone_watermark_fast(*z, order, (enum mm_zone_type)ac->highest_zoneidx, alloc_flags) &&
		    !(alloc_flags & MM_ALLOC_NO_WATERMARKS))
			continue;
		pfn = rmqueue(preferred, *z, order, alloc_flags, ac->migratetype);
		if (pfn == MM_PFN_NONE)
			continue;
		mm_prep_new_page(ac->phys, pfn, order, gfp);
		if (alloc_flags & MM_ALLOC_HIGHATOMIC)
			mm_reserve_highatomic_pageblock(*z, pfn);
		return pfn;
	}
}

/*
 * Only a request that would best be served from Normal avoids mixing types, and
 * with several nodes only where that node has a DMA32 zone to go to instead.
 * Source: Linux 6.6 mm/page_alloc.c alloc_flags_nofragment().
 */
static unsigned int alloc_flags_nofragment(const struct mm_zone *preferred, mm_gfp_t gfp)
{
	unsigned int alloc_flags = gfp & __MM_GFP_KSWAPD_RECLAIM;

	if (preferred->type != MM_ZONE_NORMAL)
		return alloc_flags;
	if (preferred->phys->nr_nodes > 1 && !(preferred - 1)->present_pages)
		return alloc_flags;
	return alloc_flags | MM_ALLOC_NOFRAGMENT;
}

/* From the CPU's list as it is, or the smallest block of the buddy lists; MM_PFN_NONE: nothing is done. */
static inline __attribute__((always_inline)) mm_pfn_t take_fast(struct mm_phys *phys, struct mm_zone *zone, unsigned int mt,
								unsigned int order)
{
	struct mm_per_cpu_pages *pcp = &zone->pcp[phys->ctx->cpu];
	struct mm_page_list *list;
	mm_pfn_t pfn;

	if (mm_pcp_allowed_order(order)) {
		list = &pcp->lists[mm_order_to_pindex(mt, order)];
		if (list->head == MM_PFN_NONE)
			return MM_PFN_NONE;
		pcp->free_factor >>= 1;
		return mm_pcp_pop(phys->mem_map, pcp, list, order);
	}
	if (zone->nr_free_cma)
		return MM_PFN_NONE;
	pfn = mm_rmqueue_smallest(zone, order, mt);
	if (pfn != MM_PFN_NONE)
		mm_mod_zone_freepage_state(zone, -(1 << order), mt);
	return pfn;
}

/*
 * The short way, which most requests go: the first zone is above its low watermark and has a block of the type.
 * It does what mm_get_page_from_freelist() would do then; else nothing, and MM_PFN_NONE.
 */
static inline __attribute__((always_inline)) mm_pfn_t alloc_pages_fast(struct mm_phys *phys, struct mm_ctx *ctx, const struct mm_node *node,
					uint32_t nid, mm_gfp_t gfp, unsigned int order)
{
	enum mm_zone_type highest = mm_gfp_zone(gfp);
	struct mm_zone *zone = node->zonerefs[highest][0];
	mm_pfn_t pfn;

	if (gfp & __MM_GFP_WRITE && node->nr_write_pending)
		return MM_PFN_NONE;
	if (!zone || zone->boosted || !mm_zone_watermark_at_a_glance(zone, order, MM_ALLOC_WMARK_LOW, highest, 0))
		return MM_PFN_NONE;
	pfn = take_fast(phys, zone, mm_gfp_migratetype(gfp), order);
	if (pfn == MM_PFN_NONE)
		return pfn;
	mm_count(ctx, (enum mm_counter)(MM_PGALLOC_DMA + zone->type), 1 << order);
	mm_count_numa(ctx, zone, MM_NUMA_HIT);
	mm_prep_new_page(phys, pfn, order, gfp);
	if (__builtin_expect(zone->node == nid, 1))
		mm_count_numa(ctx, zone, MM_NUMA_LOCAL);
	else
		mm_count_numa(ctx, zone, MM_NUMA_OTHER);
	return pfn;
}

static struct mm_zone **zonelist_of(const struct mm_node *node, mm_gfp_t gfp)
{
	enum mm_zone_type highest = mm_gfp_zone(gfp);

	return gfp & __MM_GFP_THISNODE ? node->zonerefs_thisnode[highest] : node->zonerefs[highest];
}

static __attribute__((noinline)) mm_pfn_t alloc_pages(struct mm_phys *phys, struct mm_node *node, mm_gfp_t gfp,
						      unsigned int order, struct mm_zone *const *zonelist)
{
	struct mm_alloc_context ac = {
		.phys = phys, .node = node, .highest_zoneidx = (uint8_t)mm_gfp_zone(gfp),
		.migratetype = (uint8_t)mm_gfp_migratetype(gfp), .zonelist = zonelist,
	};
	unsigned int alloc_flags;
	mm_pfn_t pfn;

	if (order > MM_MAX_ORDER || !ac.zonelist || !ac.zonelist[0])
		return MM_PFN_NONE;
	alloc_flags = MM_ALLOC_WMARK_LOW | alloc_flags_nofragment(ac.zonelist[0], gfp);
	if (ac.migratetype == MM_MIGRATE_MOVABLE)
		alloc_flags |= MM_ALLOC_CMA;
	ac.spread_dirty_pages = gfp & __MM_GFP_WRITE;
	pfn = mm_get_page_from_freelist(&ac, gfp, order, alloc_flags);
	ac.spread_dirty_pages = false;
	return pfn != MM_PFN_NONE ? pfn : mm_alloc_pages_slowpath(&ac, gfp, order);
}

enum { LIST_ROOM = MM_MAX_NODES * MM_MAX_NR_ZONES + 1 };

/* The zones of @z that lie in @nodes, into @list. */
static void mask_zonelist(struct mm_zone *const *z, mm_nodes_t nodes, struct mm_zone **list)
{
	size_t nr = 0;

	for (; z && *z; z++)
		if (nodes >> (*z)->node & 1)
			list[nr++] = *z;
	list[nr] = NULL;
}

/* From those of @nodes, and with @mems (0: any) of those too, alone; who reclaims or kills knows. */
static mm_pfn_t alloc_pages_masked(struct mm_phys *phys, struct mm_node *node, mm_nodes_t nodes, mm_nodes_t mems, mm_gfp_t gfp,
				   unsigned int order)
{
	struct mm_zone *list[LIST_ROOM];
	mm_nodes_t denied = phys->denied_nodes;
	bool by_cpuset = phys->denied_by_cpuset;
	mm_pfn_t pfn;

	phys->denied_by_cpuset = mems && !(~nodes & phys->ctx->numa.memory);
	nodes &= mems ? mems : MM_NODES_ALL;
	mask_zonelist(zonelist_of(node, gfp), nodes, list);
	phys->denied_nodes = ~nodes;
	pfn = alloc_pages(phys, node, gfp, order, list);
	phys->denied_nodes = denied;
	phys->denied_by_cpuset = by_cpuset;
	return pfn;
}

/*
 * A task in a cpuset: a program's pages (__GFP_HARDWALL) come from its nodes alone; the kernel's own, for it, from there while that
 * is easy (above the low watermark), and else from anywhere. Source: Linux 6.6 prepare_alloc_pages(), cpuset_node_allowed().
 */
static __attribute__((noinline)) mm_pfn_t alloc_in_cpuset(struct mm_phys *phys, struct mm_node *node, mm_nodes_t nodes, mm_gfp_t gfp,
							  unsigned int order)
{
	struct mm_zone *list[LIST_ROOM];
	struct mm_alloc_context ac = {
		.phys = phys, .node = node, .highest_zoneidx = (uint8_t)mm_gfp_zone(gfp), .migratetype = (uint8_t)mm_gfp_migratetype(gfp),
		.zonelist = list, .spread_dirty_pages = gfp & __MM_GFP_WRITE,
	};
	mm_pfn_t pfn = MM_PFN_NONE;

	if (gfp & __MM_GFP_HARDWALL)
		return alloc_pages_masked(phys, node, nodes, phys->ctx->mems_allowed, gfp, order);
	mask_zonelist(zonelist_of(node, gfp), nodes & phys->ctx->mems_allowed, list);
	if (list[0] && order <= MM_MAX_ORDER)
		pfn = mm_get_page_from_freelist(&ac, gfp, order, MM_ALLOC_WMARK_LOW | alloc_flags_nofragment(list[0], gfp) |
						(ac.migratetype == MM_MIGRATE_MOVABLE ? MM_ALLOC_CMA : 0));
	if (pfn != MM_PFN_NONE)
		return pfn;
	return nodes == MM_NODES_ALL ? alloc_pages(phys, node, gfp, order, zonelist_of(node, gfp)) :
				       alloc_pages_masked(phys, node, nodes, 0, gfp, order);
}

mm_pfn_t mm_alloc_pages_node(struct mm_phys *phys, uint32_t nid, mm_gfp_t gfp, unsigned int order)
{
	if (__builtin_expect(phys->ctx->mems_allowed != 0, 0))
		return alloc_in_cpuset(phys, phys->nodes[nid], MM_NODES_ALL, gfp, order);
	return alloc_pages(phys, phys->nodes[nid], gfp, order, zonelist_of(phys->nodes[nid], gfp));
}

mm_pfn_t mm_alloc_pages_nodemask(struct mm_phys *phys, uint32_t nid, mm_nodes_t nodes, mm_gfp_t gfp, unsigned int order)
{
	struct mm_node *node = phys->nodes[nid];
	struct mm_zone *const *z = zonelist_of(node, gfp);
	mm_pfn_t pfn = MM_PFN_NONE;

	if (__builtin_expect(phys->ctx->mems_allowed != 0, 0))
		return alloc_in_cpuset(phys, node, nodes, gfp, order);
	if (z && *z && nodes >> (*z)->node & 1 && order <= MM_MAX_ORDER)
		pfn = alloc_pages_fast(phys, phys->ctx, node, phys->cpu_node[phys->ctx->cpu], gfp, order);
	if (pfn != MM_PFN_NONE)
		return pfn;
	return nodes == MM_NODES_ALL ? alloc_pages(phys, node, gfp, order, z) : alloc_pages_masked(phys, node, nodes, 0, gfp, order);
}

/* Apart from the single pages, whose way is the shorter for it. */
static __attribute__((noinline)) mm_pfn_t alloc_block(struct mm_phys *phys, struct mm_node *node, uint32_t nid,
						      mm_gfp_t gfp, unsigned int order)
{
	mm_pfn_t pfn = order <= MM_MAX_ORDER ? alloc_pages_fast(phys, phys->ctx, node, nid, gfp, order) : MM_PFN_NONE;

	return pfn != MM_PFN_NONE ? pfn : alloc_pages(phys, node, gfp, order, zonelist_of(node, gfp));
}

mm_pfn_t mm_alloc_pages(struct mm_phys *phys, mm_gfp_t gfp, unsigned int order)
{
	uint32_t nid = phys->cpu_node[phys->ctx->cpu];
	struct mm_node *node = phys->nodes[nid];
	mm_pfn_t pfn;

	if (__builtin_expect(phys->ctx->mempolicy != NULL, 0) && !(gfp & __MM_GFP_THISNODE))
		return mm_alloc_pages_task_policy(phys, gfp, order);
	if (__builtin_expect(phys->ctx->mems_allowed != 0, 0))
		return alloc_in_cpuset(phys, node, MM_NODES_ALL, gfp, order);
	if (order)
		return alloc_block(phys, node, nid, gfp, order);
	pfn = alloc_pages_fast(phys, phys->ctx, node, nid, gfp, 0);
	return pfn != MM_PFN_NONE ? pfn : alloc_pages(phys, node, gfp, 0, zonelist_of(node, gfp));
}

/*
 * Reset the descriptors of a block about to be free.
 * Source: Linux 6.6 mm/page_alloc.c free_pages_prepare().
 */
static inline void free_pages_prepare(struct mm_phys *phys, mm_pfn_t pfn, unsigned int order)
{
	struct mm_page *page = mm_page(phys, pfn);

	assert(page->order == order && !(page->flags & (MM_PG_BUDDY | MM_PG_PCP | MM_PG_TAIL | MM_PG_LRU)) &&
	       page->refs <= 1 && !page->mapcount);
	if (page->flags & MM_PG_HEAD)
		for (mm_pfn_t i = 1; i < 1u << order; i++)
			phys->mem_map[pfn + i] = (struct mm_page){ 0 };
	*page = (struct mm_page){ 0 };
}

static __attribute__((noinline)) void free_pages(struct mm_phys *phys, mm_pfn_t pfn, unsigned int order)
{
	free_pages_prepare(phys, pfn, order);
	if (mm_pcp_allowed_order(order)) {
		mm_free_unref_page(phys, pfn, order);
		return;
	}
	mm_free_one_page(mm_page_zone(phys, pfn), pfn, order, mm_pageblock_migratetype(phys, pfn), MM_FPI_NONE);
	mm_count(phys->ctx, MM_PGFREE, 1 << order);
}

/* The short way of a single page: its per-CPU list takes it and is not full.  False: nothing is done. */
static inline bool free_page_fast(struct mm_phys *phys, mm_pfn_t pfn)
{
	const struct mm_pageblock *pb = &phys->pageblocks[pfn >> MM_PAGEBLOCK_ORDER];
	struct mm_page *map = phys->mem_map, *page = &map[pfn];
	struct mm_ctx *ctx = phys->ctx;
	uint32_t mt = pb->migratetype;
	struct mm_per_cpu_pages *pcp;
	struct mm_page_list *list;
	struct mm_zone *zone;
	mm_pfn_t head;

	if (page->flags & (MM_PG_BUDDY | MM_PG_PCP | MM_PG_TAIL | MM_PG_HEAD | MM_PG_LRU) || page->mapcount)
		return false;
	if (page->refs > 1 || page->order || pb->zone == MM_ZONE_MIXED || mt >= MM_MIGRATE_PCPTYPES)
		return false;
	zone = phys->zone_table[pb->zone];
	pcp = &zone->pcp[ctx->cpu];
	if (pcp->count + 1 >= pcp->high || zone->reclaim_active)
		return false;
	list = &pcp->lists[mt];
	head = list->head;
	if (head == MM_PFN_NONE)
		return false;
	*page = (struct mm_page){ .flags = MM_PG_PCP, .next = head, .prev = MM_PFN_NONE, .aux = (uint8_t)mt };
	map[head].prev = pfn;
	list->head = pfn;
	list->nr++;
	pcp->count++;
	mm_count(ctx, MM_PGFREE, 1);
	return true;
}

void mm_free_pages(struct mm_phys *phys, mm_pfn_t pfn, unsigned int order)
{
	if (order || !free_page_fast(phys, pfn))
		free_pages(phys, pfn, order);
}

/*
 * Free order-0 pages in order, so that the last ends on top of its per-CPU list.
 * Isolated pages go first, as all pages are looked at before any is freed.
 * Source: Linux 6.6 mm/page_alloc.c free_unref_page_list().
 */
void mm_free_unref_page_list(struct mm_phys *phys, const mm_pfn_t *pfns, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		free_pages_prepare(phys, pfns[i], 0);
		if (mm_pageblock_migratetype(phys, pfns[i]) == MM_MIGRATE_ISOLATE)
			mm_free_unref_page(phys, pfns[i], 0);
	}
	for (size_t i = 0; i < nr; i++)
		if (mm_pageblock_migratetype(phys, pfns[i]) != MM_MIGRATE_ISOLATE)
			mm_free_unref_page(phys, pfns[i], 0);
}

/*
 * Turn a block that is not compound, or no longer, into single pages that are freed one by one.  Source:
 * split_page().
 */
void mm_split_page(struct mm_phys *phys, mm_pfn_t pfn, unsigned int order)
{
	mm_page(phys, pfn)->order = 0;
	for (mm_pfn_t i = 1; i < 1u << order; i++) {
		mm_page(phys, pfn + i)->refs = 1;
		mm_page(phys, pfn + i)->order = 0;
	}
}

uint64_t mm_nr_free_pages(const struct mm_phys *phys)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < phys->nr_zones; i++)
		n += phys->zone_table[i]->free_pages;
	return n;
}
