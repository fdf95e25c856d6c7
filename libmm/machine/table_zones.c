/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The zones table: of a simulated machine, or of a map or capture that is
 * looked at. In a capture what the captured kernel says wins; what it leaves out
 * (an old or shortened zoneinfo) is computed from its managed pages and tunables.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libmm/tables.h>
#include "machine/machine.h"
#include "machine/physmap.h"
#include "phys/phys.h"

struct zone_row {
	uint64_t node;
	const char *zone;
	uint64_t start_pfn, spanned_pages, present_pages, managed_pages, free_pages;
	uint64_t min_pages, low_pages, high_pages, promo_pages, boost_pages;
	const char *protection_pages;
	uint64_t pcp_high, pcp_batch;
};

#define COL(field, type, help)	MM_COLUMN(struct zone_row, field, type, help)
#define HID(field, type, help)	MM_COLUMN_HIDDEN(struct zone_row, field, type, help)
static const struct mm_column columns[] = {
	COL(node, MM_COL_U64, "NUMA node"),
	COL(zone, MM_COL_STR, "DMA below 16 MiB, DMA32 below 4 GiB, Normal, Movable, Device"),
	COL(start_pfn, MM_COL_U64, "first page frame"),
	COL(spanned_pages, MM_COL_U64, "from the first to the last page, holes included"),
	COL(present_pages, MM_COL_U64, "pages that are RAM"),
	COL(managed_pages, MM_COL_U64, "pages that the page allocator has"),
	COL(min_pages, MM_COL_U64, "min watermark: below it only requests that free memory go on"),
	COL(low_pages, MM_COL_U64, "low watermark: below it kswapd wakes"),
	COL(high_pages, MM_COL_U64, "high watermark: above it kswapd sleeps"),
	COL(protection_pages, MM_COL_STR, "lowmem reserve against requests for DMA|DMA32|Normal|Movable|Device"),
	HID(free_pages, MM_COL_U64, "pages on the free lists"),
	HID(promo_pages, MM_COL_U64, "watermark for promotion from slower memory"),
	HID(boost_pages, MM_COL_U64, "what of the watermarks is boost, for a while after mixing migrate types"),
	HID(pcp_high, MM_COL_U64, "most pages on one CPU's lists"),
	HID(pcp_batch, MM_COL_U64, "pages moved at once between a CPU's lists and the free lists"),
};

static void format_protection(char *text, size_t size, const uint64_t *v, uint32_t nr)
{
	size_t n = 0;

	*text = 0;
	for (uint32_t i = 0; i < nr && n < size; i++)
		n += (size_t)snprintf(text + n, size - n, "%s%" PRIu64, i ? "|" : "", v[i]);
}

static void reserve_of_types(uint64_t to[MM_MAX_NR_ZONES], uint32_t *nr, const struct mm_zone *z, uint32_t types)
{
	*nr = 0;
	for (int t = 0; t < MM_MAX_NR_ZONES; t++)
		if (types >> t & 1)
			to[(*nr)++] = z->lowmem_reserve[t];
}

/* @cap: what the captured kernel says of the zone, or NULL. @types: that it has. */
static void zone_row(const struct mm_zone *z, const struct mm_zoneinfo_row *cap, uint32_t types, struct mm_table_writer *w)
{
	static const struct mm_zoneinfo_row nothing = {
		.free_pages = MM_MISSING_U64, .boost_pages = MM_MISSING_U64, .min_pages = MM_MISSING_U64,
		.low_pages = MM_MISSING_U64,
		.high_pages = MM_MISSING_U64, .promo_pages = MM_MISSING_U64, .pcp_high = MM_MISSING_U64,
		.pcp_batch = MM_MISSING_U64,
	};
	char protection[MM_ZONEINFO_PROTECTIONS * 24];
	uint64_t reserve[MM_MAX_NR_ZONES];
	uint32_t nr_types;
	const struct mm_zoneinfo_row *c = cap ? cap : &nothing;
	struct zone_row row = {
		.node = z->node, .zone = mm_zone_type_name((enum mm_zone_type)z->type), .start_pfn = z->start_pfn,
		.spanned_pages = z->spanned_pages, .present_pages = z->present_pages, .managed_pages = z->managed_pages,
		.free_pages = mm_or_else(c->free_pages, z->pcp ? z->free_pages : MM_MISSING_U64),
		.min_pages = mm_or_else(c->min_pages, mm_wmark_pages(z, MM_WMARK_MIN)),
		.low_pages = mm_or_else(c->low_pages, mm_wmark_pages(z, MM_WMARK_LOW)),
		.high_pages = mm_or_else(c->high_pages, mm_wmark_pages(z, MM_WMARK_HIGH)),
		.promo_pages = mm_or_else(c->promo_pages, mm_wmark_pages(z, MM_WMARK_PROMO)),
		.boost_pages = mm_or_else(c->boost_pages, z->watermark_boost), .protection_pages = protection,
		.pcp_high = mm_or_else(c->pcp_high, z->pcp ? z->pcp[0].high : MM_MISSING_U64),
		.pcp_batch = mm_or_else(c->pcp_batch, z->pcp ? z->pcp[0].batch : MM_MISSING_U64),
	};

	reserve_of_types(reserve, &nr_types, z, types);
	if (c->nr_protection)
		format_protection(protection, sizeof(protection), c->protection, c->nr_protection);
	else
		format_protection(protection, sizeof(protection), reserve, nr_types);
	mm_table_writer_row(w, &row);
}

static void zone_rows(const struct mm_phys *phys, const struct mm_zoneinfo *zi, struct mm_table_writer *w)
{
	uint32_t types = mm_zone_types_of_capture(zi);

	for (uint32_t n = 0; n < MM_MAX_NODES; n++)
		for (int i = 0; phys->nodes[n] && i < MM_MAX_NR_ZONES; i++) {
			const struct mm_zone *z = &phys->nodes[n]->zones[i];

			if (z->spanned_pages)
				zone_row(z, zi ? mm_zoneinfo_find(zi, n, mm_zone_type_name((enum mm_zone_type)i))
					 : NULL, types, w);
		}
}

static int physmap_rows(const struct mm_physmap *pm, struct mm_table_writer *w, struct mm_error *err)
{
	if (!pm->phys) {
		*err = pm->phys_err;
		return err->code;
	}
	zone_rows(pm->phys, pm->cfg.zoneinfo, w);
	return 0;
}

static int machine_rows(struct mm_machine *m, struct mm_table_writer *w)
{
	if (m->phys)
		zone_rows(m->phys, NULL, w);
	return 0;
}

static const char help[] = "zones: sizes, watermarks and reserves, as /proc/zoneinfo";
const struct mm_physmap_table mm_physmap_zones = { MM_TABLE("zones", columns, help), physmap_rows };
const struct mm_machine_table mm_table_zones = { MM_TABLE("zones", columns, help), .rows = machine_rows };
