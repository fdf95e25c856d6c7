/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * phys/boot.h - the steps of mm_phys_new(), one file each
 */
#ifndef PHYS_BOOT_H
#define PHYS_BOOT_H

#include "phys/memblock.h"
#include "phys/phys.h"

/* Largest PFN plus one that mm_pfn_t can tell from MM_PFN_NONE, in whole blocks of 2^MM_MAX_ORDER pages. */
#define MM_BOOT_MAX_PFN	((uint64_t)UINT32_MAX + 1 - (1u << MM_MAX_ORDER))

/*
 * boot_map.c: memory of the firmware's map by the rules of x86: whole pages,
 * without the first page and the BIOS area, cut at mem=, with nodes.
 * 0, -EINVAL (a region that ends before it begins, a node too large, no RAM, RAM beyond 16 TiB), -EFBIG or -ENOMEM.
 */
int mm_boot_memblock(struct mm_memblock *mb, const struct mm_phys_config *cfg, struct mm_error *err);

/* zone_sizes.c: present[], nodes and their zones over @mb (free_area_init()). 0 or -ENOMEM. */
int mm_boot_zones(struct mm_phys *phys, const struct mm_memblock *mb, const struct mm_phys_config *cfg);

/* zone_capture.c: nodes and zones as cfg->zoneinfo tells; RAM ranges of @mb, or made up to fit where it has none. */
int mm_boot_zones_of_capture(struct mm_phys *phys, const struct mm_memblock *mb, const struct mm_phys_config *cfg,
			     struct mm_error *err);
/*
 * zone_overlap.c: present[] where spans of @zones overlap; @zones is sorted anew.  0, -ENOSPC (they cannot all
 * have their pages) or -ENOMEM.
 */
int mm_boot_place_overlapping(struct mm_phys *phys, const struct mm_memblock *mb, struct mm_zone **zones, size_t nr);
/* Hand over each zone's free pages, count the others that are managed. 0 or -EINVAL (more than the zone has). */
int mm_boot_free_of_capture(struct mm_phys *phys, const struct mm_phys_config *cfg, struct mm_error *err);

/*
 * Watermarks, boost and reserves as the captured kernel had them, where it tells
 * them and no tunable that makes them is given.  After mm_init_per_zone_wmark_min().
 */
void mm_boot_marks_of_capture(struct mm_phys *phys, const struct mm_phys_config *cfg);

/* boot_reserve.c: reserve what the kernel takes before its allocator stands. 0 or -ENOMEM. */
int mm_boot_reserve(struct mm_phys *phys, struct mm_memblock *mb, const struct mm_phys_config *cfg);

/* The node @id, made empty when it is new; NULL: host memory. */
struct mm_node *mm_boot_node(struct mm_phys *phys, uint32_t id);
/* Append to present[]; ranges come in ascending order. 0 or -ENOMEM. */
int mm_boot_add_present(struct mm_phys *phys, uint64_t start_pfn, uint64_t end_pfn, uint32_t node);
/* Pages of present[] of @node in [start, end). */
uint64_t mm_boot_present_in(const struct mm_phys *phys, uint32_t node, uint64_t start_pfn, uint64_t end_pfn);
/* Give [start, end), of one zone, to the buddy in the largest aligned blocks (__free_pages_memory()). */
void mm_boot_free_range(struct mm_phys *phys, uint64_t start_pfn, uint64_t end_pfn);

#endif /* PHYS_BOOT_H */
