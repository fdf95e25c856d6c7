/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * phys/internal.h - between the files of the physical floor: boot, page allocator
 *
 * Order of boot (mm_phys_new()): nodes and zones with their spans; the page
 * map, as many descriptors as the last block of 2^MM_MAX_ORDER pages needs
 * (max_pfn rounded up), all zero; mm_page_alloc_init(); mm_free_pages_core()
 * for each free block; mm_setup_per_zone_wmarks(); mm_build_zonelists().
 */
#ifndef PHYS_INTERNAL_H
#define PHYS_INTERNAL_H

#include "phys/phys.h"

/* Not exported: the compiler may inline and call directly. */
#pragma GCC visibility push(hidden)

enum { MM_PAGE_ALLOC_COSTLY_ORDER = 3, MM_PCP_BATCH_SCALE_MAX = 5 };

/*
 * Empty free lists, per-CPU lists (batch 1, high 0 as the kernel's boot
 * pagesets) and the column of pageblocks, every block MOVABLE.  Wants spans of
 * nodes and zones, max_pfn and ctx->nr_cpus.  0 or -ENOMEM (then
 * mm_page_alloc_exit() is still allowed).
 */
int mm_page_alloc_init(struct mm_phys *phys);
void mm_page_alloc_exit(struct mm_phys *phys);

/*
 * Hand 2^@order pages at @pfn, aligned, of one zone, to the buddy lists at boot: to the tail; managed_pages grows.
 * Source: Linux 6.6 mm/page_alloc.c __free_pages_core().
 */
void mm_free_pages_core(struct mm_phys *phys, mm_pfn_t pfn, unsigned int order);

/*
 * Fill each node's zone lists from its node order and managed_pages; again whenever a zone gets its first page
 * or loses its last.
 */
int mm_build_zonelists(struct mm_phys *phys);	/* 0 or -ENOMEM */

/*
 * Boot (zone_boot.c) sets before mm_page_alloc_init(): nodes, their zones with start, spanned and present pages, cpu_node,
 * present[], max_pfn.  Each node's zonelist (node order) is set before mm_build_zonelists().
 */

/*
 * zonelist.c: order of nodes by distance; @distance is nr x nr by node, NULL: 10 itself and 20 another
 * (build_zonelists()).
 */
void mm_build_node_order(struct mm_phys *phys, const uint8_t *distance, uint32_t nr);

/*
 * watermark_setup.c: min_free_kbytes as boot computes it (unless the tunable is given), then watermarks,
 * reserves, pcp sizes.
 */
void mm_init_per_zone_wmark_min(struct mm_phys *phys);
void mm_calculate_totalreserve_pages(struct mm_phys *phys);	/* after watermarks or reserves changed */
/* batch and high of its per-CPU lists, after its watermarks changed */
void mm_zone_pcp_update(struct mm_zone *zone);

/* How __free_one_page() is asked to place the block. */
enum mm_fpi { MM_FPI_NONE = 0, MM_FPI_TO_TAIL = 2 };

/* buddy.c: free lists of one zone; the caller keeps pcp and counters of events. */
void mm_free_one_page(struct mm_zone *zone, mm_pfn_t pfn, unsigned int order, unsigned int mt, enum mm_fpi fpi);
/* The free block of @order or larger that the page is of, to be searched for; MM_PFN_NONE: none. */
mm_pfn_t mm_free_block_of(const struct mm_phys *phys, mm_pfn_t pfn, unsigned int order);
/* Would a free block there be merged with its buddy at once? */
bool mm_merges_at(const struct mm_zone *zone, mm_pfn_t pfn, unsigned int order, unsigned int mt);
mm_pfn_t mm_rmqueue_smallest(struct mm_zone *zone, unsigned int order, unsigned int mt);
/* Both leave the zone's count of free pages to the caller.  @fpi: at the head or the tail. */
void mm_add_to_free_list(struct mm_zone *zone, mm_pfn_t pfn, unsigned int order, unsigned int mt, enum mm_fpi fpi);
void mm_del_page_from_free_list(struct mm_zone *zone, mm_pfn_t pfn, unsigned int order);
void mm_move_to_free_list(struct mm_zone *zone, mm_pfn_t pfn, unsigned int order, unsigned int mt);
unsigned int mm_move_freepages_block(struct mm_zone *zone, mm_pfn_t pfn, unsigned int mt, unsigned int *nr_movable);
static inline void mm_mod_zone_freepage_state(struct mm_zone *zone, int64_t nr_pages, unsigned int mt)
{
	zone->free_pages += (uint64_t)nr_pages;
	mm_count(zone->phys->ctx, MM_NR_FREE_PAGES, nr_pages);
	if (mt == MM_MIGRATE_CMA) {
		zone->nr_free_cma += (uint64_t)nr_pages;
		mm_count(zone->phys->ctx, MM_NR_FREE_CMA, nr_pages);
	}
}

/* fallback.c */
mm_pfn_t mm_rmqueue(struct mm_zone *zone, unsigned int order, unsigned int mt, unsigned int alloc_flags);
int mm_find_suitable_fallback(const struct mm_zone *zone, unsigned int area_order, unsigned int order, unsigned int mt,
			      bool only_stealable, bool *can_steal);
void mm_reserve_highatomic_pageblock(struct mm_zone *zone, mm_pfn_t pfn);
struct mm_alloc_context;
bool mm_unreserve_highatomic_pageblock(const struct mm_alloc_context *ac, bool force);

/* pcp.c */
mm_pfn_t mm_rmqueue_pcplist(struct mm_zone *zone, unsigned int order, unsigned int mt, unsigned int alloc_flags);
void mm_pcp_is_full(struct mm_zone *zone, struct mm_per_cpu_pages *pcp, unsigned int pindex, unsigned int order);
void mm_drain_zone_pages(struct mm_zone *zone, struct mm_per_cpu_pages *pcp);
static inline bool mm_pcp_allowed_order(unsigned int order)
{
	return order <= MM_PAGE_ALLOC_COSTLY_ORDER || order == MM_PAGEBLOCK_ORDER;
}
static inline unsigned int mm_order_to_pindex(unsigned int mt, unsigned int order)
{
	if (order > MM_PAGE_ALLOC_COSTLY_ORDER)
		return MM_NR_LOWORDER_PCP_LISTS + (mt == MM_MIGRATE_MOVABLE);
	return MM_MIGRATE_PCPTYPES * order + mt;
}
static inline unsigned int mm_pindex_to_order(unsigned int pindex)
{
	return pindex >= MM_NR_LOWORDER_PCP_LISTS ? MM_PAGEBLOCK_ORDER : pindex / MM_MIGRATE_PCPTYPES;
}

/* What one request may use (struct alloc_context). */
struct mm_alloc_context {
	struct mm_phys *phys;
	struct mm_node *node;			/* where the request comes from */
	struct mm_zone *const *zonelist;	/* allowed zones, best first; ends with NULL */
	uint8_t highest_zoneidx, migratetype;
	bool spread_dirty_pages;		/* pass over nodes with their share of dirty pages */
};

/* page_alloc.c, slowpath.c */
mm_pfn_t mm_get_page_from_freelist(const struct mm_alloc_context *ac, mm_gfp_t gfp, unsigned int order,
				   unsigned int alloc_flags);
mm_pfn_t mm_alloc_pages_slowpath(struct mm_alloc_context *ac, mm_gfp_t gfp, unsigned int order);
void mm_prep_compound_page(struct mm_page *map, mm_pfn_t pfn, unsigned int order);
static inline void mm_prep_new_page(struct mm_phys *phys, mm_pfn_t pfn, unsigned int order, mm_gfp_t gfp)
{
	struct mm_page *page = mm_page(phys, pfn);

	page->refs = 1;
	page->order = (uint8_t)order;
	page->aux = 0;
	if (order && gfp & __MM_GFP_COMP)
		mm_prep_compound_page(phys->mem_map, pfn, order);
}

bool mm_zone_watermark_ok_free(const struct mm_zone *zone, unsigned int order, uint64_t mark, enum mm_zone_type highest,
			       unsigned int alloc_flags, int64_t free_pages);
/* What the test compares, in pages: it passes when short_by is 0 and a block is there. */
struct mm_watermark_check {
	int64_t free, unusable, mark, reserve, short_by;
	bool block;
};
struct mm_watermark_check mm_zone_watermark_check(const struct mm_zone *zone, unsigned int order, uint64_t mark,
						  enum mm_zone_type highest, unsigned int alloc_flags,
						  int64_t free_pages);
unsigned int mm_gfp_to_alloc_flags(mm_gfp_t gfp, unsigned int order);	/* the slow path's */
bool mm_zone_watermark_slow(const struct mm_zone *zone, unsigned int order, uint64_t mark, enum mm_zone_type highest,
			    unsigned int alloc_flags);
/*
 * Is the zone so far above the mark that no test is needed?  A larger order also wants a movable block on the largest
 * list, so that one that large is there.  False says nothing.
 */
static inline bool mm_zone_watermark_at_a_glance(const struct mm_zone *zone, unsigned int order, enum mm_alloc_flags wmark,
						 enum mm_zone_type highest, unsigned int alloc_flags)
{
	uint64_t needed = mm_wmark_pages(zone, (enum mm_watermark)wmark) + zone->lowmem_reserve[highest] + (1u << order) - 1;

	if (!(alloc_flags & MM_ALLOC_RESERVES))
		needed += zone->nr_reserved_highatomic;
	if (!(alloc_flags & MM_ALLOC_CMA))
		needed += zone->nr_free_cma;
	return zone->free_pages > needed &&
	       (!order || zone->free_area[MM_MAX_ORDER].free_list[MM_MIGRATE_MOVABLE].head != MM_PFN_NONE);
}

/* Source: Linux 6.6 mm/page_alloc.c zone_watermark_fast(). */
static inline bool mm_zone_watermark_fast(const struct mm_zone *zone, unsigned int order, enum mm_zone_type highest,
					  unsigned int alloc_flags)
{
	enum mm_alloc_flags wmark = (enum mm_alloc_flags)(alloc_flags & MM_ALLOC_WMARK_MASK);

	return mm_zone_watermark_at_a_glance(zone, order, wmark, highest, alloc_flags) ||
	       mm_zone_watermark_slow(zone, order, mm_wmark_pages(zone, (enum mm_watermark)wmark), highest, alloc_flags);
}
/*
 * The highest zone type a request may use, three bits for each value of the
 * four zone bits.  Undefined mixes go to DMA, as the zeros of the kernel's table
 * make them.  Source: Linux 6.6 include/linux/gfp.h GFP_ZONE_TABLE, gfp_zone(), on x86-64.
 */
static inline enum mm_zone_type mm_gfp_zone(mm_gfp_t gfp)
{
#define ZONE_OF(bits, zone) ((uint64_t)(zone) << 3 * (bits))
	const uint64_t table = ZONE_OF(0, MM_ZONE_NORMAL) | ZONE_OF(__MM_GFP_DMA, MM_ZONE_DMA) |
		ZONE_OF(__MM_GFP_HIGHMEM, MM_ZONE_NORMAL) | ZONE_OF(__MM_GFP_DMA32, MM_ZONE_DMA32) |
		ZONE_OF(__MM_GFP_MOVABLE, MM_ZONE_NORMAL) | ZONE_OF(__MM_GFP_MOVABLE | __MM_GFP_DMA, MM_ZONE_DMA) |
		ZONE_OF(__MM_GFP_MOVABLE | __MM_GFP_HIGHMEM, MM_ZONE_MOVABLE) |
		ZONE_OF(__MM_GFP_MOVABLE | __MM_GFP_DMA32, MM_ZONE_DMA32);
#undef ZONE_OF

	return (enum mm_zone_type)(table >> 3 * (gfp & 15) & 7);
}

static inline enum mm_migratetype mm_gfp_migratetype(mm_gfp_t gfp)
{
	unsigned int mt = (gfp & (__MM_GFP_RECLAIMABLE | __MM_GFP_MOVABLE)) >> 3;

	return mt < MM_MIGRATE_PCPTYPES ? (enum mm_migratetype)mt : MM_MIGRATE_UNMOVABLE;
}

static inline bool mm_migratetype_is_mergeable(unsigned int mt) { return mt < MM_MIGRATE_PCPTYPES; }

#pragma GCC visibility pop

#endif /* PHYS_INTERNAL_H */
