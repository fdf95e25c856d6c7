/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libmm/types.h - the few types and constants that every floor shares
 *
 * pfn, phys and vaddr are three things: a page frame number, a physical byte
 * address and a virtual byte address.  Ranges are [start, end) unless a name
 * says otherwise (struct mm_region keeps /proc/iomem's inclusive end).
 */
#ifndef LIBMM_TYPES_H
#define LIBMM_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint32_t mm_pfn_t;		/* RAM below 16 TiB */
#define MM_PFN_NONE	UINT32_MAX

enum {
	MM_PAGE_SHIFT = 12,
	MM_PAGE_SIZE = 1 << MM_PAGE_SHIFT,
	MM_MAX_ORDER = 10,			/* largest buddy order, inclusive */
	MM_NR_PAGE_ORDERS = MM_MAX_ORDER + 1,
	MM_PAGEBLOCK_ORDER = 9,
	MM_PAGEBLOCK_NR_PAGES = 1 << MM_PAGEBLOCK_ORDER,
	MM_PMD_ORDER = 9,
	MM_MAX_NODES = 64,
	MM_MAX_CPUS = 1024,
};

/* A slice of bytes that somebody else owns; not NUL-terminated. */
struct mm_str {
	const char *p;
	size_t len;
};
#define MM_STR(lit)	((struct mm_str){ (lit), sizeof(lit) - 1 })

#endif /* LIBMM_TYPES_H */
