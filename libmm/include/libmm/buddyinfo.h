/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libmm/buddyinfo.h - free blocks by order: /proc/buddyinfo, /proc/pagetypeinfo, and what they say about fragmentation
 */
#ifndef LIBMM_BUDDYINFO_H
#define LIBMM_BUDDYINFO_H

#include <libmm/error.h>
#include <libmm/input.h>
#include <libmm/types.h>

/* Kernels have 11 orders (4 kB pages) up to 14 (arm64, 64 kB); a capture may have as many as this. */
enum { MM_BUDDYINFO_MAX_ORDERS = 32, MM_BUDDYINFO_NAME = 16 };

/* Blocks of one zone, or of one migrate type of it. */
struct mm_buddyinfo_row {
	uint32_t node;
	uint32_t nr_orders;
	char zone[MM_BUDDYINFO_NAME];
	char migratetype[MM_BUDDYINFO_NAME];		/* empty: all of the zone (buddyinfo) */
	uint64_t blocks[MM_BUDDYINFO_MAX_ORDERS];
	uint32_t capped;				/* bit by order: the kernel stopped counting, there are more */
	uint64_t line;
};

/* Pageblocks of one zone and type. */
struct mm_pageblock_row {
	uint32_t node;
	char zone[MM_BUDDYINFO_NAME];
	char migratetype[MM_BUDDYINFO_NAME];
	uint64_t pageblocks;
};

struct mm_buddyinfo {
	struct mm_buddyinfo_row *v;
	size_t nr, cap;
	struct mm_pageblock_row *types;			/* "Number of blocks type", of pagetypeinfo */
	size_t nr_types, cap_types;
	uint32_t pageblock_order;			/* MM_PAGEBLOCK_ORDER unless pagetypeinfo says another */
};

/*
 * Read a whole file.  @bi is zeroed by the caller, who frees it with
 * mm_buddyinfo_free(), after an error too.  0; -EINVAL with @err naming the
 * line (no zone, a count that is no number or beyond MM_BUDDYINFO_MAX_PAGES, a zone twice, more orders than
 * MM_BUDDYINFO_MAX_ORDERS, zones with different numbers of orders); -ENOMEM.
 */
int mm_buddyinfo_read(struct mm_buddyinfo *bi, struct mm_input *in, struct mm_error *err);
int mm_pagetypeinfo_read(struct mm_buddyinfo *bi, struct mm_input *in, struct mm_error *err);
void mm_buddyinfo_free(struct mm_buddyinfo *bi);

/*
 * The rows of pagetypeinfo summed over types, one a zone, as buddyinfo has them: added to @zones, which the caller has zeroed
 * and frees with mm_buddyinfo_free(), after an error too.  0 or -ENOMEM.
 */
int mm_buddyinfo_sum(const struct mm_buddyinfo *types, struct mm_buddyinfo *zones);

/* Pages of one list: what no physical address reaches (2^56 bytes) is no count. */
#define MM_BUDDYINFO_MAX_PAGES (UINT64_C(1) << 44)

/*
 * How a zone's free memory serves a block of @order, in thousandths.
 * unusable: the part of the free pages that lies in smaller blocks; all of it when nothing is free.
 * fragmentation: -1000 when a block is free; else near 0 memory is short, near 1000 it is in too small pieces
 * (below 0 when few blocks nearly as large are free); 0 when nothing is free.
 * Source: Linux 6.6 mm/vmstat.c unusable_free_index(), __fragmentation_index().
 */
int64_t mm_unusable_free_index(const uint64_t *blocks, uint32_t nr_orders, uint32_t order);
int64_t mm_fragmentation_index(const uint64_t *blocks, uint32_t nr_orders, uint32_t order);
/* Percent of the free memory that lies in blocks below @order: extfrag_for_order() of mm/vmstat.c; 0 without free memory. */
uint64_t mm_extfrag_for_order(const uint64_t *blocks, uint32_t nr_orders, uint32_t order);

/* ---- rows of the tables of mm-buddy, from a capture or a machine ---- */

struct mm_free_row {
	uint64_t node;
	const char *zone, *migratetype;			/* migratetype NULL: not told apart */
	uint64_t order, blocks, free_bytes, capped;
};

enum { MM_ORDERS_ROW = 11 };		/* orders that table orders has columns for */
struct mm_orders_row {
	uint64_t node;
	const char *zone, *migratetype;
	uint64_t blocks[MM_ORDERS_ROW], free_bytes;
};

struct mm_frag_row {
	uint64_t node;
	const char *zone;
	uint64_t order;
	int64_t unusable_index, fragmentation_index;	/* thousandths */
	uint64_t zone_score, node_score;	/* percent, what proactive compaction goes by; node: MM_MISSING_U64 unknown */
};

struct mm_types_row {
	uint64_t node;
	const char *zone, *migratetype;
	uint64_t pageblocks, bytes;
};

#endif /* LIBMM_BUDDYINFO_H */
