/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * phys/memblock.h - the map of RAM that boot works with, and what of it is taken
 *
 * Model:	Linux 6.6 mm/memblock.c: two sorted lists of ranges, "memory" and "reserved".
 * Not modelled: the flags MIRROR (kernelcore=mirror) and NOMAP (no x86 has it), bottom-up placement, growth of the arrays out of memblock
 * itself.
 */
#ifndef PHYS_MEMBLOCK_H
#define PHYS_MEMBLOCK_H

#include <libmm/types.h>

enum mm_memblock_flags {
	MM_MEMBLOCK_NONE = 0,
	MM_MEMBLOCK_HOTPLUG = 1,	/* may be unplugged: movable_node wants it in ZONE_MOVABLE */
};
#define MM_NODE_NONE	UINT32_MAX	/* of any node, or of none yet */

struct mm_memblock_region {
	uint64_t base, size;		/* physical bytes; base + size never wraps */
	uint32_t node;			/* or MM_NODE_NONE */
	uint32_t flags;			/* enum mm_memblock_flags */
};

/*
 * Sorted by base; no two overlap; two that touch differ in node or flags
 * (where memblock_trim_memory() has not yet cut them).
 */
struct mm_memblock_type {
	struct mm_memblock_region *v;
	size_t nr, cap;
	uint64_t total_bytes;
};

struct mm_memblock {
	struct mm_memblock_type memory, reserved;
};

void mm_memblock_free(struct mm_memblock *mb);

/*
 * All take [base, base + size) in bytes; a size that would wrap is cut at 2^64 - 1
 * (memblock_cap_size()); size 0 does nothing.  0 or -ENOMEM, the lists then unchanged.
 */

/*
 * Add the parts that no region covers yet; covered parts keep their node and flags. memblock_add_node(),
 * memblock_reserve().
 */
int mm_memblock_add_range(struct mm_memblock_type *type, uint64_t base, uint64_t size, uint32_t node);
int mm_memblock_add(struct mm_memblock *mb, uint64_t base, uint64_t size);
int mm_memblock_remove(struct mm_memblock *mb, uint64_t base, uint64_t size);
int mm_memblock_reserve(struct mm_memblock *mb, uint64_t base, uint64_t size);
/* Set the node, or mark, what lies in the range; regions are split at its ends and merged again. */
int mm_memblock_set_node(struct mm_memblock_type *type, uint64_t base, uint64_t size, uint32_t node);
int mm_memblock_mark_hotplug(struct mm_memblock *mb, uint64_t base, uint64_t size);
int mm_memblock_clear_hotplug(struct mm_memblock *mb, uint64_t base, uint64_t size);
/* The whole pages of a region of memory: [base_pfn, end_pfn), none where end_pfn is not above. */
static inline uint64_t mm_memblock_region_memory_base_pfn(const struct mm_memblock_region *r)
{
	return (r->base + MM_PAGE_SIZE - 1) >> MM_PAGE_SHIFT;
}
static inline uint64_t mm_memblock_region_memory_end_pfn(const struct mm_memblock_region *r)
{
	return (r->base + r->size) >> MM_PAGE_SHIFT;
}

/* Cut regions of memory to whole pages of @align bytes (a power of two); what has none goes. */
void mm_memblock_trim_memory(struct mm_memblock *mb, uint64_t align);

/**
 * mm_memblock_next_free() - next range that is memory and not reserved
 * @cursor:	0 at first; where to go on after a call
 * @node:	only of this node, MM_NODE_NONE any
 *
 * Ascending; ranges of different memory regions are given out apart even when
 * they touch.  Return: false at the end.
 * Source: Linux 6.6 mm/memblock.c __next_mem_range().
 */
bool mm_memblock_next_free(const struct mm_memblock *mb, uint64_t *cursor, uint32_t node, uint64_t *start,
			   uint64_t *end);

/**
 * mm_memblock_find_in_range() - where a block of @size bytes would be placed
 * @align:	power of two
 * @start, @end:	allowed range; the first page is never given out
 *
 * Return: the base of the highest place (the end rounded down to @align), 0 none.
 * Source: Linux 6.6 mm/memblock.c memblock_find_in_range_node().
 */
uint64_t mm_memblock_find_in_range(const struct mm_memblock *mb, uint64_t size, uint64_t align,
				   uint64_t start, uint64_t end, uint32_t node);
/* Find there, else on any node unless @exact_node, and reserve it; *@base set.  0, -ENOSPC or -ENOMEM (host). */
int mm_memblock_alloc_range(struct mm_memblock *mb, uint64_t size, uint64_t align, uint64_t start, uint64_t end,
			    uint32_t node, bool exact_node, uint64_t *base);

bool mm_memblock_is_consistent(const struct mm_memblock *mb);

#endif /* PHYS_MEMBLOCK_H */
