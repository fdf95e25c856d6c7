/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libmm/phys.h - physical memory: nodes, zones, watermarks, the buddy allocator and its per-CPU lists
 *
 * Model: Linux 6.6 mm/page_alloc.c, mm/mm_init.c, mm/memblock.c.
 */
#ifndef LIBMM_PHYS_H
#define LIBMM_PHYS_H

#include <libmm/error.h>
#include <libmm/gfp.h>
#include <libmm/region.h>
#include <libmm/types.h>

enum mm_zone_type { MM_ZONE_DMA, MM_ZONE_DMA32, MM_ZONE_NORMAL, MM_ZONE_MOVABLE, MM_ZONE_DEVICE, MM_MAX_NR_ZONES };
enum mm_migratetype {
	MM_MIGRATE_UNMOVABLE, MM_MIGRATE_MOVABLE, MM_MIGRATE_RECLAIMABLE,
	MM_MIGRATE_HIGHATOMIC, MM_MIGRATE_CMA, MM_MIGRATE_ISOLATE,
	MM_MIGRATE_TYPES, MM_MIGRATE_PCPTYPES = MM_MIGRATE_HIGHATOMIC,
};
enum mm_watermark { MM_WMARK_MIN, MM_WMARK_LOW, MM_WMARK_HIGH, MM_WMARK_PROMO, MM_NR_WMARK };

const char *mm_zone_type_name(enum mm_zone_type type);		/* "DMA32" as in zoneinfo */
const char *mm_migratetype_name(enum mm_migratetype mt);	/* "HighAtomic" as in pagetypeinfo */

struct mm_phys;
struct mm_zone;

/**
 * mm_alloc_pages() - take 2^@order contiguous, naturally aligned page frames
 * @gfp:	MM_GFP_*: zone, migrate type and how hard to try
 * @order:	0 .. MM_MAX_ORDER
 *
 * Fast path, then the slow path with the reclaim hooks the machine installed.
 * The caller owns the block until mm_free_pages(); the head's refs is 1.
 *
 * Return: first PFN, or MM_PFN_NONE when nothing could be found.
 * Source: Linux 6.6 mm/page_alloc.c __alloc_pages().
 */
mm_pfn_t mm_alloc_pages(struct mm_phys *phys, mm_gfp_t gfp, unsigned int order);
/* Give a block back; cannot fail; a free page or a wrong order is a caller bug and asserts. */
void mm_free_pages(struct mm_phys *phys, mm_pfn_t pfn, unsigned int order);

bool mm_phys_is_consistent(const struct mm_phys *phys);	/* recounts everything: slow */

#endif /* LIBMM_PHYS_H */
