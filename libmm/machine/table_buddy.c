/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Tables of the page allocator: free, frag, pcp, pageblocks, types.
 *
 * The schemas of free, frag and types serve captures too (cmd/mm-buddy.c): the
 * rows of a capture and of a machine look the same.
 */
#include <errno.h>

#include <libmm/buddyinfo.h>
#include <libmm/tables.h>

#include "machine/machine.h"
#include "phys/compaction.h"
#include "phys/internal.h"

static const char *zone_name(const struct mm_zone *z) { return mm_zone_type_name((enum mm_zone_type)z->type); }

/* Boot the machine if no row did; its phys, or NULL with *@e. */
static struct mm_phys *phys_of(struct mm_machine *m, int *e)
{
	*e = mm_machine_start(m, NULL);
	if (!*e && !m->phys)
		*e = -EINVAL;
	return *e ? NULL : m->phys;
}

/* Rows of every zone that has pages. */
static int each_zone(struct mm_machine *m, struct mm_table_writer *w,
		     void (*rows)(const struct mm_zone *z, struct mm_table_writer *w))
{
	int e;
	const struct mm_phys *phys = phys_of(m, &e);

	for (uint32_t i = 0; !e && i < phys->nr_zones; i++)
		if (phys->zone_table[i]->managed_pages)
			rows(phys->zone_table[i], w);
	return e;
}

/* ---- free ---- */

static const struct mm_column free_columns[] = {
	MM_COLUMN(struct mm_free_row, node, MM_COL_U64, "NUMA node"),
	MM_COLUMN(struct mm_free_row, zone, MM_COL_STR, "zone"),
	MM_COLUMN(struct mm_free_row, migratetype, MM_COL_STR,
		  "type of the free list; empty where the source does not tell"),
	MM_COLUMN(struct mm_free_row, order, MM_COL_U64, "a block is 2^order pages"),
	MM_COLUMN(struct mm_free_row, blocks, MM_COL_U64, "free blocks of this order"),
	MM_COLUMN_HIDDEN(struct mm_free_row, free_bytes, MM_COL_BYTES, "memory in these blocks"),
	MM_COLUMN_HIDDEN(struct mm_free_row, capped, MM_COL_U64, "1: the kernel stopped counting, there are more"),
};

static void free_of_zone(const struct mm_zone *z, struct mm_table_writer *w)
{
	for (unsigned int mt = 0; mt < MM_MIGRATE_TYPES; mt++)
		for (unsigned int o = 0; o < MM_NR_PAGE_ORDERS; o++) {
			uint64_t n = z->free_area[o].free_list[mt].nr;

			mm_table_writer_row(w, &(struct mm_free_row){
				z->node, zone_name(z), mm_migratetype_name((enum mm_migratetype)mt), o, n,
				n * MM_PAGE_SIZE << o, 0 });
		}
}

static int free_rows(struct mm_machine *m, struct mm_table_writer *w) { return each_zone(m, w, free_of_zone); }

const struct mm_machine_table mm_table_free = {
	MM_TABLE("free", free_columns, "free blocks by zone, migrate type and order"), .rows = free_rows,
};

/* ---- orders: the same, one row a list, for people ---- */

_Static_assert((int)MM_ORDERS_ROW == (int)MM_NR_PAGE_ORDERS, "one field an order");

#define ORDER(o) { "order" #o, #o, MM_COL_U64, (uint32_t)(offsetof(struct mm_orders_row, blocks) + o * sizeof(uint64_t)), false, \
	"free blocks of 2^" #o " pages" }
static const struct mm_column orders_columns[] = {
	MM_COLUMN(struct mm_orders_row, node, MM_COL_U64, "NUMA node"),
	MM_COLUMN(struct mm_orders_row, zone, MM_COL_STR, "zone"),
	MM_COLUMN(struct mm_orders_row, migratetype, MM_COL_STR, "type of the free list; types without a free block are left out"),
	ORDER(0), ORDER(1), ORDER(2), ORDER(3), ORDER(4), ORDER(5), ORDER(6), ORDER(7), ORDER(8), ORDER(9), ORDER(10),
	MM_COLUMN(struct mm_orders_row, free_bytes, MM_COL_BYTES, "memory in all of them"),
};

static void orders_of_zone(const struct mm_zone *z, struct mm_table_writer *w)
{
	for (unsigned int mt = 0; mt < MM_MIGRATE_TYPES; mt++) {
		struct mm_orders_row row = { z->node, zone_name(z), mm_migratetype_name((enum mm_migratetype)mt), .free_bytes = 0 };

		for (unsigned int o = 0; o < MM_NR_PAGE_ORDERS; o++) {
			row.blocks[o] = z->free_area[o].free_list[mt].nr;
			row.free_bytes += row.blocks[o] * MM_PAGE_SIZE << o;
		}
		if (row.free_bytes)
			mm_table_writer_row(w, &row);
	}
}

static int orders_rows(struct mm_machine *m, struct mm_table_writer *w) { return each_zone(m, w, orders_of_zone); }

const struct mm_machine_table mm_table_orders = {
	MM_TABLE("orders", orders_columns, "free blocks, one row a zone and migrate type, one column an order"), .rows = orders_rows,
};

/* ---- frag ---- */

static const struct mm_column frag_columns[] = {
	MM_COLUMN(struct mm_frag_row, node, MM_COL_U64, "NUMA node"),
	MM_COLUMN(struct mm_frag_row, zone, MM_COL_STR, "zone"),
	MM_COLUMN(struct mm_frag_row, order, MM_COL_U64, "for requests of 2^order pages"),
	MM_COLUMN(struct mm_frag_row, unusable_index, MM_COL_MILLI,
		  "part of the free memory that lies in smaller blocks"),
	MM_COLUMN(struct mm_frag_row, fragmentation_index, MM_COL_MILLI,
		  "-1: a block is free; towards 0 memory is short, towards 1 it is in too small pieces"),
	MM_COLUMN_HIDDEN(struct mm_frag_row, zone_score, MM_COL_U64,
			 "percent of the zone's free memory in blocks below a huge page (fragmentation_score_zone)"),
	MM_COLUMN_HIDDEN(struct mm_frag_row, node_score, MM_COL_U64,
			 "zone_score over the node's zones by present pages: proactive compaction goes by it; empty without zoneinfo"),
};

static void frag_of_zone(const struct mm_zone *z, struct mm_table_writer *w)
{
	uint64_t blocks[MM_NR_PAGE_ORDERS];

	for (unsigned int o = 0; o < MM_NR_PAGE_ORDERS; o++)
		blocks[o] = z->free_area[o].nr_free;
	for (uint32_t o = 0; o < MM_NR_PAGE_ORDERS; o++)
		mm_table_writer_row(w, &(struct mm_frag_row){
			z->node, zone_name(z), o, mm_unusable_free_index(blocks, MM_NR_PAGE_ORDERS, o),
			mm_fragmentation_index(blocks, MM_NR_PAGE_ORDERS, o), mm_fragmentation_score_zone(z),
			mm_fragmentation_score_node(z->phys->nodes[z->node]) });
}

static int frag_rows(struct mm_machine *m, struct mm_table_writer *w) { return each_zone(m, w, frag_of_zone); }

const struct mm_machine_table mm_table_frag = {
	MM_TABLE("frag", frag_columns, "unusable free space and fragmentation index, as debugfs extfrag"), .rows = frag_rows,
};

/* ---- types ---- */

static const struct mm_column types_columns[] = {
	MM_COLUMN(struct mm_types_row, node, MM_COL_U64, "NUMA node"),
	MM_COLUMN(struct mm_types_row, zone, MM_COL_STR, "zone"),
	MM_COLUMN(struct mm_types_row, migratetype, MM_COL_STR, "migrate type"),
	MM_COLUMN(struct mm_types_row, pageblocks, MM_COL_U64, "pageblocks of this type"),
	MM_COLUMN_HIDDEN(struct mm_types_row, bytes, MM_COL_BYTES, "memory in these pageblocks"),
};

static void types_of_zone(const struct mm_zone *z, struct mm_table_writer *w)
{
	uint64_t nr[MM_MIGRATE_TYPES] = { 0 };
	uint64_t end = ((uint64_t)z->start_pfn + z->spanned_pages + MM_PAGEBLOCK_NR_PAGES - 1) >> MM_PAGEBLOCK_ORDER;

	for (uint64_t b = z->start_pfn >> MM_PAGEBLOCK_ORDER; b < end && b < z->phys->nr_pageblocks; b++)
		nr[z->phys->pageblocks[b].migratetype]++;
	for (unsigned int mt = 0; mt < MM_MIGRATE_TYPES; mt++)
		mm_table_writer_row(w, &(struct mm_types_row){
			z->node, zone_name(z), mm_migratetype_name((enum mm_migratetype)mt), nr[mt],
			nr[mt] * MM_PAGE_SIZE << MM_PAGEBLOCK_ORDER });
}

static int types_rows(struct mm_machine *m, struct mm_table_writer *w) { return each_zone(m, w, types_of_zone); }

const struct mm_machine_table mm_table_types = {
	MM_TABLE("types", types_columns, "pageblocks by zone and migrate type, as the end of pagetypeinfo"), .rows = types_rows,
};

/* ---- pageblocks ---- */

struct pageblock_row {
	uint64_t start;
	uint64_t pfn, node;
	const char *zone, *migratetype;
	uint64_t free_pages, largest_order;
};

static const struct mm_column pageblock_columns[] = {
	MM_COLUMN(struct pageblock_row, start, MM_COL_HEX, "physical address of the first byte"),
	MM_COLUMN(struct pageblock_row, node, MM_COL_U64, "NUMA node"),
	MM_COLUMN(struct pageblock_row, zone, MM_COL_STR, "zone"),
	MM_COLUMN(struct pageblock_row, migratetype, MM_COL_STR, "migrate type of its pages when they are freed"),
	MM_COLUMN(struct pageblock_row, free_pages, MM_COL_U64, "pages on the buddy lists"),
	MM_COLUMN(struct pageblock_row, largest_order, MM_COL_U64, "order of its largest free block; empty: none"),
	MM_COLUMN_HIDDEN(struct pageblock_row, pfn, MM_COL_U64, "first page frame"),
};

/* Free pages of a pageblock; a block of order 10 that begins before it counts too. */
static void count_free(const struct mm_phys *phys, mm_pfn_t start, struct pageblock_row *row)
{
	mm_pfn_t below = start & ~((1u << MM_MAX_ORDER) - 1), end = start + MM_PAGEBLOCK_NR_PAGES;

	row->largest_order = MM_MISSING_U64;
	if (mm_page(phys, below)->flags & MM_PG_BUDDY && mm_page(phys, below)->order == MM_MAX_ORDER) {
		row->free_pages = MM_PAGEBLOCK_NR_PAGES;
		row->largest_order = MM_MAX_ORDER;
		return;
	}
	for (mm_pfn_t p = start; p < end && p < phys->max_pfn;) {
		const struct mm_page *page = mm_page(phys, p);

		if (page->flags & MM_PG_BUDDY) {
			row->free_pages += 1u << page->order;
			if (row->largest_order == MM_MISSING_U64 || row->largest_order < page->order)
				row->largest_order = page->order;
			p += 1u << page->order;
		} else {
			p++;
		}
	}
}

static int pageblock_rows(struct mm_machine *m, struct mm_table_writer *w)
{
	int e;
	struct mm_phys *phys = phys_of(m, &e);

	for (uint32_t b = 0; !e && b < phys->nr_pageblocks; b++) {
		mm_pfn_t pfn = b << MM_PAGEBLOCK_ORDER;
		mm_pfn_t first = phys->zone_table[0]->start_pfn;
		const struct mm_zone *z = pfn < phys->max_pfn ? mm_page_zone(phys, pfn < first ? first : pfn) : NULL;
		struct pageblock_row row = { .start = (uint64_t)pfn << MM_PAGE_SHIFT, .pfn = pfn };

		if (!z)
			continue;
		row.node = z->node;
		row.zone = zone_name(z);
		row.migratetype = mm_migratetype_name((enum mm_migratetype)phys->pageblocks[b].migratetype);
		count_free(phys, pfn, &row);
		mm_table_writer_row(w, &row);
	}
	return e;
}

const struct mm_machine_table mm_table_pageblocks = {
	MM_TABLE("pageblocks", pageblock_columns, "every pageblock: its type and what is free in it"), .rows = pageblock_rows,
};

/* ---- pcp ---- */

struct pcp_row {
	uint64_t node;
	const char *zone;
	uint64_t cpu, count, high, batch, free_factor;
	uint64_t unmovable, movable, reclaimable, huge;
};

static const struct mm_column pcp_columns[] = {
	MM_COLUMN(struct pcp_row, node, MM_COL_U64, "NUMA node"),
	MM_COLUMN(struct pcp_row, zone, MM_COL_STR, "zone"),
	MM_COLUMN(struct pcp_row, cpu, MM_COL_U64, "CPU"),
	MM_COLUMN(struct pcp_row, count, MM_COL_U64, "pages on its lists"),
	MM_COLUMN(struct pcp_row, high, MM_COL_U64, "pages at which some go back"),
	MM_COLUMN(struct pcp_row, batch, MM_COL_U64, "pages taken or given back at a time"),
	MM_COLUMN(struct pcp_row, free_factor, MM_COL_U64, "doublings of the batch given back next"),
	MM_COLUMN(struct pcp_row, unmovable, MM_COL_U64, "unmovable pages, orders 0 to 3"),
	MM_COLUMN(struct pcp_row, movable, MM_COL_U64, "movable pages, orders 0 to 3"),
	MM_COLUMN(struct pcp_row, reclaimable, MM_COL_U64, "reclaimable pages, orders 0 to 3"),
	MM_COLUMN(struct pcp_row, huge, MM_COL_U64, "pages in blocks of a whole pageblock"),
};

static void pcp_of_zone(const struct mm_zone *z, struct mm_table_writer *w)
{
	for (uint32_t cpu = 0; cpu < z->phys->ctx->nr_cpus; cpu++) {
		const struct mm_per_cpu_pages *p = &z->pcp[cpu];
		uint64_t by_type[MM_MIGRATE_PCPTYPES] = { 0 }, huge = 0;

		for (unsigned int i = 0; i < MM_NR_LOWORDER_PCP_LISTS; i++)
			by_type[i % MM_MIGRATE_PCPTYPES] += p->lists[i].nr << mm_pindex_to_order(i);
		for (unsigned int i = MM_NR_LOWORDER_PCP_LISTS; i < MM_NR_PCP_LISTS; i++)
			huge += p->lists[i].nr << MM_PAGEBLOCK_ORDER;
		mm_table_writer_row(w, &(struct pcp_row){
			z->node, zone_name(z), cpu, p->count, p->high, p->batch, p->free_factor,
			by_type[MM_MIGRATE_UNMOVABLE], by_type[MM_MIGRATE_MOVABLE], by_type[MM_MIGRATE_RECLAIMABLE], huge });
	}
}

static int pcp_rows(struct mm_machine *m, struct mm_table_writer *w) { return each_zone(m, w, pcp_of_zone); }

const struct mm_machine_table mm_table_pcp = {
	MM_TABLE("pcp", pcp_columns, "per-CPU page lists"), .rows = pcp_rows,
};
