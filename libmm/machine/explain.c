/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Why a request is served or not.
 *
 * A zone of a capture becomes a struct mm_zone that holds just what the
 * watermark test reads, and the allocator's own test is asked; this file only
 * puts the answer into words.  Each zone stands there twice: as the fast path
 * asks it (low watermark) and as the slow path does (min, with the reserves the
 * request may use).
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <libmm/csv.h>
#include <libmm/explain.h>
#include <libmm/tables.h>

#include "base/minmax.h"
#include "machine/machine.h"
#include "phys/internal.h"
#include "source/meminfo_report.h"

int mm_explain_request_parse(struct mm_str text, struct mm_explain_request *rq)
{
	const char *comma = text.len ? memchr(text.p, ',', text.len) : NULL;
	struct mm_str order = { text.p, comma ? (size_t)(comma - text.p) : text.len };
	uint64_t v;

	if (mm_parse_u64(order, &v) || v > MM_MAX_ORDER)
		return -EINVAL;
	rq->order = (uint32_t)v;
	rq->gfp = MM_GFP_KERNEL;
	if (!comma)
		return 0;
	return mm_gfp_parse((struct mm_str){ comma + 1, text.len - order.len - 1 }, &rq->gfp);
}

int mm_explain_of_report(struct mm_explain_list *l, struct mm_explain_request *rq, struct mm_input *in, uint32_t nth,
			 struct mm_error *err)
{
	struct mm_report_request said;
	int e = mm_meminfo_report_read(l, &said, in, nth, err);

	if (e)
		return e;
	if (said.order > MM_MAX_ORDER)
		return mm_error_set(err, -EINVAL, "%s: expected an order up to %d, found %u", in->name,
				    (int)MM_MAX_ORDER, said.order);
	rq->order = said.order;
	rq->vmalloc_bytes = said.vmalloc_bytes;
	rq->no_page_asked = said.no_page_asked;
	if (mm_gfp_parse((struct mm_str){ said.gfp, strlen(said.gfp) }, &rq->gfp))
		return mm_error_set(err, -EINVAL, "%s: expected GFP words, found '%s'", in->name, said.gfp);
	return 0;
}

/* ---- zones ---- */

/* All types that kernels have, in the order in which a reserve counts them, each where it is configured (enum zone_type). */
enum { DMA, DMA32, NORMAL, HIGHMEM, MOVABLE, NR_TYPES };
static const char *const type_names[NR_TYPES] = { "DMA", "DMA32", "Normal", "HighMem", "Movable" };

static int type_of_zone(const char *name)
{
	for (int t = 0; t < NR_TYPES; t++)
		if (!strcmp(type_names[t], name))
			return t;
	return NR_TYPES;
}

/*
 * Which types the kernel has. One that no zone is of may be configured still: then the reserve that the zone below keeps from its
 * requests is 0, and there are more reserves than other types. Since 6.1 a report leaves out zones above those that the request may use:
 * high memory is then told by its pages alone, and no kernel has it beside DMA32.
 */
static void types_of_list(const struct mm_explain_list *l, bool *has)
{
	bool next[NR_TYPES] = { false };
	uint32_t nr = 0, reserves = 0;

	for (size_t i = 0; i < l->nr; i++) {
		int t = type_of_zone(l->v[i].zone);

		reserves = l->v[i].nr_reserve > reserves ? l->v[i].nr_reserve : reserves;
		if (t == NR_TYPES)
			continue;
		has[t] = true;
		next[t] |= l->v[i].nr_reserve > 1 && l->v[i].reserve[1];
	}
	has[HIGHMEM] |= l->high_pages && !has[DMA32] && !has[MOVABLE];
	has[NORMAL] = has[MOVABLE] = true;
	for (int t = 0; t < NR_TYPES; t++)
		nr += has[t];
	if (!has[DMA32] && !has[HIGHMEM] && !next[DMA] && nr < reserves) {
		has[DMA32] = true;
		nr++;
	}
	has[DMA] |= !next[DMA32] && nr < reserves;
}

static int highest_type(mm_gfp_t gfp, const bool *has)
{
	int t = (int)mm_gfp_zone(gfp);

	return t == MM_ZONE_MOVABLE ? MOVABLE : t == MM_ZONE_NORMAL && gfp & __MM_GFP_HIGHMEM && has[HIGHMEM] ? HIGHMEM : t;
}

/* What the zone keeps from requests that may use zones up to @highest. */
static uint64_t reserve_from(const struct mm_explain_zone *z, int highest, const bool *has)
{
	uint32_t n = 0;

	for (int t = 0; t < highest; t++)
		n += has[t];
	return !z->nr_reserve ? 0 : z->reserve[n < z->nr_reserve ? n : z->nr_reserve - 1];
}

static void add_blocks(struct mm_explain_zone *z, const struct mm_buddyinfo_row *r)
{
	unsigned int mt = 0;

	z->nr_orders = r->nr_orders;
	while (mt < MM_MIGRATE_TYPES && strcmp(mm_migratetype_name((enum mm_migratetype)mt), r->migratetype))
		mt++;
	z->types_known = mt < MM_MIGRATE_TYPES;
	for (uint32_t o = 0; o < r->nr_orders; o++) {
		if (__builtin_add_overflow(z->blocks[o], r->blocks[o], &z->blocks[o]))
			z->blocks[o] = UINT64_MAX;
		if (r->blocks[o])
			z->types[o] |= (uint8_t)(z->types_known ? 1u << mt : 7);
	}
}

void mm_explain_kernel_of(struct mm_explain_list *l, const struct mm_sysroot *root)
{
	static const char *const files[] = { "proc/version", "proc/sys/kernel/osrelease" };

	l->kernel = 0;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]) && !l->kernel; i++) {
		struct mm_error ignored;
		struct mm_input *in;
		struct mm_str line;

		if (!mm_sysroot_has(root, files[i]) || mm_sysroot_input(root, files[i], &in, &ignored))
			continue;
		if (mm_input_line(in, &line, &ignored) > 0)
			l->kernel = i ? mm_kernel_of_release(line) : mm_kernel_of_banner(line);
		mm_input_free(in);
	}
}

/* What is free of it; false: blocks are not told by type. */
static bool free_highatomic_pages(const struct mm_explain_zone *z, const struct mm_buddyinfo *bi, uint64_t *pages)
{
	const char *type = mm_migratetype_name(MM_MIGRATE_HIGHATOMIC);

	for (size_t k = 0; k < bi->nr; k++) {
		const struct mm_buddyinfo_row *r = &bi->v[k];

		if (r->node != z->node || strcmp(r->zone, z->zone) || strcmp(r->migratetype, type))
			continue;
		*pages = 0;
		for (uint32_t o = 0; o < r->nr_orders; o++)
			*pages += mm_min_u64(r->blocks[o], MM_BUDDYINFO_MAX_PAGES >> o) << o;
		return true;
	}
	return false;
}

/* What is set aside for high-order atomic requests: whole pageblocks, whatever is free of them. */
static uint64_t highatomic_pages(const struct mm_explain_zone *z, const struct mm_buddyinfo *bi)
{
	for (size_t i = 0; i < bi->nr_types; i++) {
		const struct mm_pageblock_row *t = &bi->types[i];

		if (t->node == z->node && !strcmp(t->zone, z->zone) &&
		    !strcmp(t->migratetype, mm_migratetype_name(MM_MIGRATE_HIGHATOMIC)))
			return t->pageblocks < MM_BUDDYINFO_MAX_PAGES >> bi->pageblock_order ? t->pageblocks << bi->pageblock_order
				: MM_BUDDYINFO_MAX_PAGES;
	}
	return 0;
}

/* A kernel that tells how many are free takes those off, and so does a later one; earlier ones all. */
static void set_highatomic(struct mm_explain_list *l, struct mm_explain_zone *z, uint64_t told, const struct mm_buddyinfo *bi)
{
	z->highatomic_pages = mm_or_else(told, highatomic_pages(z, bi));
	z->highatomic_is_free = told != MM_MISSING_U64 ||
		(l->kernel >= MM_KERNEL_FREE_HIGHATOMIC && free_highatomic_pages(z, bi, &z->highatomic_pages));
	if (!z->highatomic_is_free && z->highatomic_pages && !l->kernel)
		l->highatomic = MM_HIGHATOMIC_RESERVED;
}

int mm_explain_of_capture(struct mm_explain_list *l, const struct mm_zoneinfo *zi, const struct mm_buddyinfo *bi)
{
	for (size_t i = 0; i < zi->nr; i++) {
		const struct mm_zoneinfo_row *r = &zi->v[i];
		/* old kernels tell the latter alone */
		uint64_t managed = mm_or_else(r->managed_pages, mm_or_else(r->present_pages, 0));
		struct mm_explain_zone *z;

		if (!managed)
			continue;
		z = mm_explain_add(l);
		if (!z)
			return -ENOMEM;
		z->node = r->node;
		snprintf(z->zone, sizeof(z->zone), "%s", r->zone);
		z->free_pages = mm_or_else(r->free_pages, 0);
		z->min_pages = mm_or_else(r->min_pages, 0);
		z->low_pages = mm_or_else(r->low_pages, 0);
		z->high_pages = mm_or_else(r->high_pages, 0);
		z->boost_pages = mm_or_else(r->boost_pages, 0);
		z->managed_pages = managed;
		z->cma_pages = mm_or_else(r->cma_pages, 0);
		z->nr_reserve = r->nr_protection < MM_EXPLAIN_RESERVES ? r->nr_protection : MM_EXPLAIN_RESERVES;
		memcpy(z->reserve, r->protection, z->nr_reserve * sizeof(z->reserve[0]));
		for (size_t k = 0; k < bi->nr; k++)
			if (bi->v[k].node == z->node && !strcmp(bi->v[k].zone, z->zone))
				add_blocks(z, &bi->v[k]);
		set_highatomic(l, z, r->free_highatomic_pages, bi);
	}
	return 0;
}

static int explain_of_machine(struct mm_explain_list *l, const struct mm_phys *phys)
{
	for (uint32_t i = 0; i < phys->nr_zones; i++) {
		const struct mm_zone *from = phys->zone_table[i];
		struct mm_explain_zone *z;

		if (!from->managed_pages)
			continue;
		z = mm_explain_add(l);
		if (!z)
			return -ENOMEM;
		z->node = from->node;
		snprintf(z->zone, sizeof(z->zone), "%s", mm_zone_type_name((enum mm_zone_type)from->type));
		z->free_pages = from->free_pages;
		z->min_pages = mm_wmark_pages(from, MM_WMARK_MIN);
		z->low_pages = mm_wmark_pages(from, MM_WMARK_LOW);
		z->high_pages = mm_wmark_pages(from, MM_WMARK_HIGH);
		z->boost_pages = from->watermark_boost;
		z->managed_pages = from->managed_pages;
		z->cma_pages = from->nr_free_cma;
		z->highatomic_pages = from->nr_reserved_highatomic;
		z->nr_reserve = MM_MAX_NR_ZONES;
		memcpy(z->reserve, from->lowmem_reserve, sizeof(from->lowmem_reserve));
		z->nr_orders = MM_NR_PAGE_ORDERS;
		z->types_known = true;
		for (unsigned int o = 0; o < MM_NR_PAGE_ORDERS; o++)
			for (unsigned int mt = 0; mt < MM_MIGRATE_TYPES; mt++) {
				z->blocks[o] += from->free_area[o].free_list[mt].nr;
				z->types[o] |= (uint8_t)(from->free_area[o].free_list[mt].nr ? 1u << mt : 0);
			}
	}
	return 0;
}

/* ---- the question ---- */

/* What the watermark test reads of a zone. */
static void zone_of_explain(const struct mm_explain_zone *z, uint64_t reserve, struct mm_zone *zone)
{
	uint64_t boost = z->boost_pages < z->min_pages ? z->boost_pages : z->min_pages;

	memset(zone, 0, sizeof(*zone));
	zone->free_pages = z->free_pages;
	zone->watermark[MM_WMARK_MIN] = z->min_pages - boost;
	zone->watermark[MM_WMARK_LOW] = z->low_pages > boost ? z->low_pages - boost : 0;
	zone->watermark[MM_WMARK_HIGH] = z->high_pages > boost ? z->high_pages - boost : 0;
	zone->watermark_boost = boost;
	zone->nr_free_cma = z->cma_pages;
	zone->nr_reserved_highatomic = z->highatomic_pages;
	for (uint32_t t = 0; t < MM_MAX_NR_ZONES; t++)
		zone->lowmem_reserve[t] = reserve;
	for (unsigned int o = 0; o < MM_NR_PAGE_ORDERS; o++)
		for (unsigned int mt = 0; mt < MM_MIGRATE_TYPES; mt++)
			zone->free_area[o].free_list[mt].head = MM_PFN_NONE;
	for (unsigned int k = 0; k < z->nr_orders; k++) {	/* arm64 with pages of 64K has larger orders */
		unsigned int o = k < MM_MAX_ORDER ? k : MM_MAX_ORDER;

		zone->free_area[o].nr_free |= z->blocks[k];
		for (unsigned int mt = 0; mt < MM_MIGRATE_TYPES; mt++)
			if (z->blocks[k] && z->types[k] >> mt & 1)
				zone->free_area[o].free_list[mt].head = 0;
	}
}

/* Types among the blocks that are large enough, as the letters of the kernel's reports. */
static void letters(const struct mm_explain_zone *z, uint32_t order, char *text)
{
	unsigned int types = 0;

	for (uint32_t o = order; o < z->nr_orders; o++)
		types |= z->types[o];
	for (unsigned int mt = 0; mt < MM_MIGRATE_TYPES; mt++)
		if (types >> mt & 1)
			*text++ = "UMEHCI"[mt];
	*text = 0;
}

static void put_why(struct mm_explain_row *row, const struct mm_explain_zone *z, const struct mm_explain_request *rq,
		    const struct mm_watermark_check *c, const char *mark)
{
	int64_t above = c->free - c->unusable - c->mark - c->reserve;
	enum { WHY = sizeof(row->words) };
	char types[8], *why = row->words;

	if (c->short_by && !z->nr_reserve) {
		row->verdict = "watermark";
		snprintf(why, WHY, "%" PRId64 " free less %" PRId64 " unusable must be above %s %" PRId64
			 " and a reserve that is not told: short by %" PRId64 " pages at least", c->free, c->unusable, mark, c->mark,
			 c->short_by);
	} else if (c->short_by) {
		row->verdict = "watermark";
		snprintf(why, WHY, "%" PRId64 " free less %" PRId64 " unusable must be above %s %" PRId64
			 " and reserve %" PRId64 ": short by %" PRId64 " pages", c->free, c->unusable, mark, c->mark,
			 c->reserve,
			 c->short_by);
	} else if (!z->nr_reserve || (rq->order && !z->nr_orders)) {
		row->verdict = "unknown";
		snprintf(why, WHY, "%" PRId64 " pages above what is needed, but its %s not told", above,
			 z->nr_reserve ? "free blocks are" : "reserve is");
	} else if (!c->block) {
		letters(z, rq->order, types);
		row->verdict = types[0] ? "type" : "fragmented";
		if (types[0])
			snprintf(why, WHY,
				 "blocks of order %u and above are only of types %s, which this request may not use",
				 rq->order, types);
		else if (row->largest_order == MM_MISSING_U64)
			snprintf(why, WHY, "enough pages are free, but no block");
		else
			snprintf(why, WHY, "enough pages are free, but the largest block is of order %" PRIu64,
				 row->largest_order);
	} else {
		row->verdict = "ok";
		snprintf(why, WHY, "%" PRId64 " pages above what is needed%s", above, rq->order ? ", and a block is free" : "");
	}
}

void mm_explain_zone(const struct mm_explain_list *l, const struct mm_explain_zone *z, const struct mm_explain_request *rq, bool slow,
		     struct mm_explain_row *row)
{
	unsigned int cma = mm_gfp_migratetype(rq->gfp) == MM_MIGRATE_MOVABLE ? MM_ALLOC_CMA : 0;
	unsigned int flags = slow ? mm_gfp_to_alloc_flags(rq->gfp, rq->order) : MM_ALLOC_WMARK_LOW | cma;
	enum mm_watermark mark = slow ? MM_WMARK_MIN : MM_WMARK_LOW;
	enum mm_zone_type highest = mm_gfp_zone(rq->gfp);
	bool has[NR_TYPES] = { false };
	struct mm_watermark_check c;
	struct mm_zone zone;
	int up_to;

	*row = (struct mm_explain_row){ .node = z->node, .zone = z->zone, .path = slow ? "slow" : "fast", .verdict = "not asked",
		.free_pages = z->free_pages, .largest_order = MM_MISSING_U64, .unusable_pages = MM_MISSING_U64,
		.mark_pages = MM_MISSING_U64, .reserve_pages = MM_MISSING_U64, .short_pages = MM_MISSING_U64, .why = row->words };
	types_of_list(l, has);
	up_to = highest_type(rq->gfp, has);
	for (uint32_t o = 0; o < z->nr_orders; o++)
		if (z->blocks[o])
			row->largest_order = o;
	if (type_of_zone(z->zone) > up_to) {
		snprintf(row->words, sizeof(row->words), "the request may use zones up to %s only", type_names[up_to]);
		return;
	}
	zone_of_explain(z, reserve_from(z, up_to, has), &zone);
	c = mm_zone_watermark_check(&zone, rq->order, mm_wmark_pages(&zone, mark), highest, flags,
				    (int64_t)z->free_pages);
	if (c.short_by && !rq->order && flags & MM_ALLOC_MIN_RESERVE && slow && zone.watermark_boost)
		c = mm_zone_watermark_check(&zone, 0, zone.watermark[MM_WMARK_MIN], highest, flags,
					    (int64_t)z->free_pages);
	if (slow && rq->gfp & __MM_GFP_MEMALLOC && !(rq->gfp & __MM_GFP_NOMEMALLOC))
		c.short_by = 0;		/* ALLOC_NO_WATERMARKS */
	row->unusable_pages = (uint64_t)c.unusable;
	row->mark_pages = (uint64_t)(c.mark < 0 ? 0 : c.mark);
	row->reserve_pages = z->nr_reserve ? (uint64_t)c.reserve : MM_MISSING_U64;
	row->short_pages = (uint64_t)c.short_by;
	put_why(row, z, rq, &c, slow ? "min" : "low");
}

void mm_explain_rows(const struct mm_explain_list *l, const struct mm_explain_request *rq, struct mm_table_writer *w)
{
	struct mm_explain_row row;

	for (int slow = 0; slow < 2; slow++)
		for (uint32_t node = 0; node < MM_MAX_NODES; node++)
			for (size_t i = l->nr; i-- > 0;) {	/* the highest zone first, as requests go */
				if (l->v[i].node != node)
					continue;
				mm_explain_zone(l, &l->v[i], rq, slow, &row);
				mm_table_writer_row(w, &row);
			}
}

static const struct mm_column columns[] = {
	MM_COLUMN(struct mm_explain_row, path, MM_COL_STR,
		  "fast: low watermark; slow: min, with the request's reserves"),
	MM_COLUMN(struct mm_explain_row, node, MM_COL_U64, "NUMA node"),
	MM_COLUMN(struct mm_explain_row, zone, MM_COL_STR, "zone"),
	MM_COLUMN(struct mm_explain_row, verdict, MM_COL_STR,
		  "ok, or the check that fails: watermark, fragmented, type, not asked; unknown: what it needs is not told"),
	MM_COLUMN(struct mm_explain_row, free_pages, MM_COL_U64, "free pages"),
	MM_COLUMN(struct mm_explain_row, unusable_pages, MM_COL_U64,
		  "the block itself less one, high-order atomic reserve, CMA"),
	MM_COLUMN(struct mm_explain_row, mark_pages, MM_COL_U64, "watermark as this request sees it"),
	MM_COLUMN(struct mm_explain_row, reserve_pages, MM_COL_U64, "kept from requests that could use a higher zone; empty: not told"),
	MM_COLUMN(struct mm_explain_row, short_pages, MM_COL_U64, "pages missing to pass the watermark"),
	MM_COLUMN(struct mm_explain_row, largest_order, MM_COL_U64, "order of the largest free block; empty: none"),
	MM_COLUMN(struct mm_explain_row, why, MM_COL_STR, "the same in words"),
};

const struct mm_table mm_explain_table =
	MM_TABLE("explain", columns,
		 "which check lets a request through or stops it, zone by zone (--explain=ORDER[,GFP])");

static int explain_rows(struct mm_machine *m, struct mm_table_writer *w)
{
	struct mm_explain_request rq = { m->cfg.explain_gfp ? m->cfg.explain_gfp : MM_GFP_KERNEL,
		m->cfg.explain_order, 0, false };
	struct mm_explain_list l = { 0 };
	int e = mm_machine_start(m, NULL);

	if (!e)
		e = m->phys ? explain_of_machine(&l, m->phys) : -EINVAL;
	if (!e)
		mm_explain_rows(&l, &rq, w);
	mm_explain_free(&l);
	return e;
}

const struct mm_machine_table mm_table_explain = {
	MM_TABLE("explain", columns,
		 "which check lets a request through or stops it, zone by zone (--explain=ORDER[,GFP])"), .rows = explain_rows,
};
