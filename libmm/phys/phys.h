/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * phys/phys.h - inside the physical floor, and what the floors above may touch
 */
#ifndef PHYS_PHYS_H
#define PHYS_PHYS_H

#include <libmm/phys.h>
#include <libmm/zoneinfo.h>
#include "phys/ctx.h"
#include "phys/page.h"

enum { MM_NR_LOWORDER_PCP_LISTS = MM_MIGRATE_PCPTYPES * 4, MM_NR_PCP_LISTS = MM_NR_LOWORDER_PCP_LISTS + 2 };

struct mm_per_cpu_pages {
	uint32_t count, high, batch;
	uint16_t free_factor;
	struct mm_page_list lists[MM_NR_PCP_LISTS];
};

/* enum numa_stat_item, from MM_NUMA_HIT on; counted for the zone that gave the page, MISS and FOREIGN apart */
enum { MM_NR_NUMA_EVENTS = MM_NUMA_OTHER - MM_NUMA_HIT + 1 };

struct mm_zone {
	struct mm_phys *phys;
	uint32_t node;
	uint8_t type;				/* enum mm_zone_type */
	mm_pfn_t start_pfn;
	uint64_t spanned_pages, present_pages, managed_pages;
	uint64_t watermark[MM_NR_WMARK];	/* pages, without the boost */
	uint64_t watermark_boost;
	uint64_t lowmem_reserve[MM_MAX_NR_ZONES];
	uint64_t nr_reserved_highatomic;
	uint64_t nr_free_cma;
	uint64_t free_pages;			/* NR_FREE_PAGES */
	uint64_t numa_events[MM_NR_NUMA_EVENTS];
	uint64_t nr_lru[5];			/* NR_ZONE_INACTIVE_ANON .. NR_ZONE_UNEVICTABLE */
	struct {
		struct mm_page_list free_list[MM_MIGRATE_TYPES];
		uint64_t nr_free;
	} free_area[MM_NR_PAGE_ORDERS];
	struct mm_per_cpu_pages *pcp;		/* by CPU */
	uint32_t nr_isolate_pageblock;
	/* Compaction: where the scanners go on ([1]: sync), where they were last set to begin, deferral after failures. */
	mm_pfn_t compact_cached_free_pfn, compact_cached_migrate_pfn[2];
	mm_pfn_t compact_init_migrate_pfn, compact_init_free_pfn;
	uint32_t compact_considered, compact_defer_shift;
	int compact_order_failed;
	bool compact_blockskip_flush;		/* the scanners met: skip hints are stale */
	uint16_t id;				/* place in phys->zone_table */
	bool boosted;				/* ZONE_BOOSTED_WATERMARK */
	bool reclaim_active;			/* ZONE_RECLAIM_ACTIVE: kswapd scans it */
};

struct mm_node {
	uint32_t id;
	mm_pfn_t start_pfn;
	uint64_t spanned_pages, present_pages;
	struct mm_zone zones[MM_MAX_NR_ZONES];	/* managed_pages 0: not populated */
	uint32_t zonelist[MM_MAX_NODES];	/* nodes by distance, itself first */
	uint32_t nr_zonelist;
	/* kcompactd: what was asked of it (order 0: nothing), and when it next looks at the fragmentation score. */
	int kcompactd_max_order, kcompactd_highest_zoneidx;
	bool kcompactd_woken;
	uint64_t proactive_ns;
	uint64_t totalreserve_pages;
	uint64_t nr_write_pending;		/* NR_FILE_DIRTY and NR_WRITEBACK: dirty pages of files, pages being written */
	/*
	 * By the highest zone type of a request: zones with pages, best first, ends with NULL
	 * (mm_build_zonelists()).
	 */
	struct mm_zone **zonerefs[MM_MAX_NR_ZONES];
	struct mm_zone **zonerefs_thisnode[MM_MAX_NR_ZONES];
};

/* One per 2^MM_PAGEBLOCK_ORDER pages. */
struct mm_pageblock {
	uint16_t zone;			/* id of the zone of all its pages, MM_ZONE_MIXED when they lie in several */
	uint8_t migratetype;
	uint8_t claimed : 1;		/* while zones claim their pageblocks at boot */
	uint8_t skip : 1;		/* PB_migrate_skip: compaction found nothing there */
};
enum { MM_ZONE_MIXED = UINT16_MAX };

enum mm_migrate_mode { MM_MIGRATE_ASYNC, MM_MIGRATE_SYNC_LIGHT, MM_MIGRATE_SYNC };

/* Pages that can be moved: what compaction asks of the floors that know who uses a page.  NULL members: none can be. */
struct mm_movable_ops {
	void *arg;
	/* Take a page with MM_PG_LRU off its list, with a reference; and back. */
	void (*isolate)(void *arg, mm_pfn_t pfn);
	void (*putback)(void *arg, mm_pfn_t pfn);
	/* Move all that @src, isolated, is to the fresh page @dst and free @src: 0; -EAGAIN: somebody else holds it. */
	int (*migrate_page)(void *arg, mm_pfn_t src, mm_pfn_t dst);
	void (*lru_add_drain)(void *arg);	/* this CPU's batches */
	void (*lru_add_drain_all)(void *arg);	/* every CPU's */
};

/*
 * The upward hooks: the one place where an allocation reaches reclaim.  NULL members do nothing.
 * try_to_free_pages returns pages reclaimed; out_of_memory returns true when it made progress.
 */
struct mm_phys_hooks {
	void *arg;
	void (*wakeup_kswapd)(void *arg, struct mm_zone *zone, mm_gfp_t gfp, unsigned int order,
			      enum mm_zone_type highest);
	uint64_t (*try_to_free_pages)(void *arg, struct mm_node *node, mm_gfp_t gfp, unsigned int order);
	bool (*out_of_memory)(void *arg, mm_gfp_t gfp, unsigned int order);
	uint64_t (*reclaimable_pages)(void *arg, struct mm_zone *zone);	/* zone_reclaimable_pages() */
	struct mm_movable_ops movable;
};

/* A block of this order freed in this zone goes to direct compaction, not to a list (struct capture_control). */
struct mm_capture {
	const struct mm_zone *zone;	/* NULL: nobody waits */
	unsigned int order;
	mm_pfn_t pfn;			/* MM_PFN_NONE: not yet */
};

/* PFNs of RAM, all of one node. */
struct mm_page_range {
	mm_pfn_t start_pfn, end_pfn;
	uint32_t node;
};

struct mm_phys {
	struct mm_ctx *ctx;
	struct mm_page *mem_map;		/* by PFN */
	size_t mem_map_bytes;
	struct mm_page_range *present;		/* RAM as memblock.memory has it: [start, end), sorted */
	uint32_t nr_present;
	mm_pfn_t max_pfn;			/* one past the last present page */
	struct mm_node *nodes[MM_MAX_NODES];	/* NULL: offline */
	uint32_t nr_nodes;
	uint64_t totalram_pages, totalreserve_pages;
	uint64_t min_free_kbytes;		/* in effect: computed at boot unless the tunable is given */
	struct mm_pageblock *pageblocks;	/* by PFN >> MM_PAGEBLOCK_ORDER */
	uint32_t nr_pageblocks;
	uint32_t nr_zones;			/* in zone_table */
	struct mm_zone *zone_table[MM_MAX_NODES * MM_MAX_NR_ZONES];
	uint8_t cpu_node[MM_MAX_CPUS];		/* node of each CPU */
	/* > 0: PF_MEMALLOC, the running code frees memory and may use all reserves */
	uint32_t memalloc;
	bool trace_drain;			/* pcp_drain effects are wanted */
	bool oom_victim;			/* the running task is being killed: ALLOC_OOM */
	mm_nodes_t denied_nodes;		/* that the request under way may not use: its policy or its cpuset */
	bool denied_by_cpuset;			/* there is no policy */
	struct mm_phys_hooks hooks;
	struct mm_capture capture;
	bool kcompactd_woken;
	uint64_t proactive_ns;			/* the next time a node's kcompactd looks, by ctx->now_ns */
};

/* The border of a pageblock at or below @pfn, and the next one above it. */
static inline mm_pfn_t mm_pageblock_start_pfn(mm_pfn_t pfn) { return pfn & ~(mm_pfn_t)(MM_PAGEBLOCK_NR_PAGES - 1); }
static inline mm_pfn_t mm_pageblock_end_pfn(mm_pfn_t pfn) { return mm_pageblock_start_pfn(pfn) + MM_PAGEBLOCK_NR_PAGES; }
static inline bool mm_pageblock_aligned(mm_pfn_t pfn) { return !(pfn & (MM_PAGEBLOCK_NR_PAGES - 1)); }
/* One past the last frame of its span. */
static inline mm_pfn_t mm_zone_end_pfn(const struct mm_zone *z) { return z->start_pfn + (mm_pfn_t)z->spanned_pages; }
/* For each node that is there, by its number @n. */
#define mm_for_each_node(phys, n)							\
	for (uint32_t n = 0, n##_left = (phys)->nr_nodes; n##_left; n++)		\
		if ((phys)->nodes[n] && n##_left--)

int mm_zone_type_of_name(const char *name);	/* enum mm_zone_type; -EINVAL: none is called so */
uint32_t mm_zone_types_of_capture(const struct mm_zoneinfo *zi);
static inline struct mm_page *mm_page(const struct mm_phys *phys, mm_pfn_t pfn) { return &phys->mem_map[pfn]; }
struct mm_zone *mm_page_zone_slow(const struct mm_phys *phys, mm_pfn_t pfn);
/* The zone of a page of RAM; NULL: in no zone. */
static inline struct mm_zone *mm_page_zone(const struct mm_phys *phys, mm_pfn_t pfn)
{
	uint16_t id = phys->pageblocks[pfn >> MM_PAGEBLOCK_ORDER].zone;

	return id != MM_ZONE_MIXED ? phys->zone_table[id] : mm_page_zone_slow(phys, pfn);
}
/* Its node; 0: in no zone. */
static inline uint32_t mm_page_nid(const struct mm_phys *phys, mm_pfn_t pfn)
{
	const struct mm_zone *zone = mm_page_zone(phys, pfn);

	return zone ? zone->node : 0;
}
static inline unsigned int mm_pageblock_migratetype(const struct mm_phys *phys, mm_pfn_t pfn)
{
	return phys->pageblocks[pfn >> MM_PAGEBLOCK_ORDER].migratetype;
}
static inline void mm_set_pageblock_migratetype(struct mm_phys *phys, mm_pfn_t pfn, unsigned int mt)
{
	phys->pageblocks[pfn >> MM_PAGEBLOCK_ORDER].migratetype = (uint8_t)mt;
}

/* @nr more (or fewer) pages at @pfn are dirty or under writeback. */
static inline void mm_count_write_pending(struct mm_phys *phys, mm_pfn_t pfn, int nr)
{
	const struct mm_zone *zone = mm_page_zone(phys, pfn);

	if (zone)
		phys->nodes[zone->node]->nr_write_pending += (uint64_t)nr;
}

/* How a machine's memory is described before it boots. */
struct mm_phys_config {
	const struct mm_region_list *regions;	/* firmware's map: /proc/iomem or e820; may be NULL beside @zoneinfo */
	/*
	 * A capture's zones, or NULL.  They then have its spanned, present, managed and free pages: what is managed
	 * and not free belongs to nobody (the lowest frames of the zone).  Left aside when mem=, kernelcore= or
	 * movablecore= makes another machine of it, which then needs @regions.
	 */
	const struct mm_zoneinfo *zoneinfo;
	bool no_free;				/* hand nothing to the buddy, the caller will */
	/* nodes, zones, watermarks; no page map and no buddy: nothing may be allocated */
	bool sizes_only;
	const uint8_t *node_distance;		/* nr_distance x nr_distance by node, NULL: 10 itself, 20 another */
	uint32_t nr_distance;
	uint64_t mem_limit_bytes;		/* as the kernel's mem=; 0 none */
	uint32_t nr_cpus;
	/* kernelcore= and movablecore=: bytes, or a share of RAM; all 0: what regions->boot says */
	uint64_t kernelcore_bytes, movablecore_bytes;
	uint64_t kernelcore_percent, movablecore_percent;
	bool movable_node;			/* removable RAM is movable; regions->boot may say it too */
	bool bare;				/* hand every page to the buddy: no kernel image, no memmap taken */
};

/*
 * Boot: memblock, zones, watermarks, buddy lists filled as memblock hands pages
 * over (zone_boot.c).  0, -EINVAL (no RAM, RAM beyond 16 TiB) or -ENOMEM, with @err.
 */
int mm_phys_new(struct mm_phys **physp, struct mm_ctx *ctx, const struct mm_phys_config *cfg, struct mm_error *err);
void mm_phys_free(struct mm_phys *phys);

/* Recompute watermarks, lowmem_reserve, pcp high after a tunable or managed_pages changed (setup_per_zone_wmarks()). */
void mm_setup_per_zone_wmarks(struct mm_phys *phys);

enum mm_alloc_flags {
	MM_ALLOC_WMARK_MIN = 0, MM_ALLOC_WMARK_LOW = 1, MM_ALLOC_WMARK_HIGH = 2, MM_ALLOC_NO_WATERMARKS = 4,
	MM_ALLOC_WMARK_MASK = 3, MM_ALLOC_OOM = 8, MM_ALLOC_NON_BLOCK = 0x10, MM_ALLOC_MIN_RESERVE = 0x20,
	MM_ALLOC_CPUSET = 0x40, MM_ALLOC_CMA = 0x80, MM_ALLOC_NOFRAGMENT = 0x100, MM_ALLOC_HIGHATOMIC = 0x200,
	MM_ALLOC_KSWAPD = 0x800,
	MM_ALLOC_RESERVES = MM_ALLOC_NON_BLOCK | MM_ALLOC_MIN_RESERVE | MM_ALLOC_HIGHATOMIC | MM_ALLOC_OOM,
};
/* May a block of @order be taken with @mark (pages) left?  Source: Linux 6.6 mm/page_alloc.c __zone_watermark_ok(). */
bool mm_zone_watermark_ok(const struct mm_zone *zone, unsigned int order, uint64_t mark,
			  enum mm_zone_type highest, unsigned int alloc_flags);
static inline uint64_t mm_wmark_pages(const struct mm_zone *z, enum mm_watermark w)
{
	return z->watermark[w] + z->watermark_boost;
}

/* As mm_alloc_pages(), with the zone list of an online node instead of the CPU's, and no task's policy. */
mm_pfn_t mm_alloc_pages_node(struct mm_phys *phys, uint32_t nid, mm_gfp_t gfp, unsigned int order);
/* The same from @nodes alone (MM_NODES_ALL: from any): __alloc_pages() with a nodemask. */
mm_pfn_t mm_alloc_pages_nodemask(struct mm_phys *phys, uint32_t nid, mm_nodes_t nodes, mm_gfp_t gfp, unsigned int order);
static inline void mm_count_numa(struct mm_ctx *ctx, struct mm_zone *zone, enum mm_counter c)
{
	mm_count(ctx, c, 1);
	zone->numa_events[c - MM_NUMA_HIT]++;
}
static inline bool mm_node_is_denied(const struct mm_phys *phys, uint32_t nid) { return phys->denied_nodes >> nid & 1; }
/* Turn a block that is not (or no longer) compound into single pages, each with one reference and freed by itself. */
void mm_split_page(struct mm_phys *phys, mm_pfn_t pfn, unsigned int order);
/* Free order-0 pages as free_unref_page_list() does. */
void mm_free_unref_page_list(struct mm_phys *phys, const mm_pfn_t *pfns, size_t nr);
/*
 * isolation.c: nothing more is given out of the pageblocks [start, end).  0; -EINVAL: not whole pageblocks of one zone;
 * -EBUSY: one is isolated already, of CMA, or holds a page that cannot be moved (then none is isolated).  The caller drains
 * per-CPU lists and LRU batches first.  Undone, they are Movable.
 * Source: Linux 6.6 mm/page_isolation.c start_isolate_page_range(), undo_isolate_page_range(), test_pages_isolated().
 */
int mm_start_isolate_page_range(struct mm_phys *phys, mm_pfn_t start, mm_pfn_t end);
void mm_undo_isolate_page_range(struct mm_phys *phys, mm_pfn_t start, mm_pfn_t end);
/* Is every page of the range on a list of isolated blocks? */
bool mm_test_pages_isolated(const struct mm_phys *phys, mm_pfn_t start, mm_pfn_t end);
/* Drain every per-CPU list into the buddy (drain_all_pages()). */
void mm_drain_all_pages(struct mm_phys *phys);
uint64_t mm_nr_free_pages(const struct mm_phys *phys);	/* global_zone_page_state(NR_FREE_PAGES) */

#endif /* PHYS_PHYS_H */
