/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Zones as a capture of /proc/zoneinfo tells them, so that a machine starts
 * where the captured one stood.
 *
 * The zones' sizes are taken as they are. Which frames are RAM comes from the
 * map where it agrees with every zone's present pages; else RAM is laid out to
 * fit: the hole of the lowest zone ends at 1 MiB (the BIOS area), any other lies
 * at its zone's end (below 4 GiB: the PCI hole).  Spans that overlap: zone_overlap.c. Of a zone's RAM the highest
 * frames are free, the lowest taken, as an allocator that started from below leaves it.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/minmax.h"
#include "phys/boot.h"
#include "phys/internal.h"
#include "phys/pfn_walk.h"

enum { LOW_MEGABYTE_PFN = (1 << 20) >> MM_PAGE_SHIFT };

enum { PLACE_ROOM = 32 };

/* Where it is told: a line of zoneinfo, or rows of a trace. */
static const char *place(const struct mm_zoneinfo_row *row, char text[PLACE_ROOM])
{
	snprintf(text, PLACE_ROOM, row->line ? "zoneinfo:%" PRIu64 : "zone rows", row->line);
	return text;
}

static int bad_zone(const struct mm_zoneinfo_row *row, struct mm_error *err, const char *expected, uint64_t found)
{
	char at[PLACE_ROOM];

	return mm_error_set(err, -EINVAL, "%s: node %" PRIu32 ", zone %s: expected %s, found %" PRIu64,
			    place(row, at), row->node, row->zone, expected, found);
}

/* A node spans from its lowest zone's start to its highest zone's end, gaps between them too. */
static void add_span(struct mm_node *node, const struct mm_zone *zone)
{
	uint64_t start = zone->start_pfn, end = mm_zone_end_pfn(zone);

	if (node->present_pages) {
		uint64_t node_end = node->start_pfn + node->spanned_pages;

		start = mm_min_u64(node->start_pfn, start);
		end = mm_max_u64(node_end, end);
	}
	node->start_pfn = (mm_pfn_t)start;
	node->spanned_pages = end - start;
}

/*
 * Pages that are RAM.  Kernels before 3.10 tell no managed pages, and their present ones are without the page map and what was
 * reserved early, of which some was given back later: there may be more that are free.
 */
static uint64_t present_of_row(const struct mm_zoneinfo_row *row)
{
	uint64_t present = mm_or_else(row->present_pages, mm_or_else(row->managed_pages, 0));

	return row->managed_pages != MM_MISSING_U64 || !present ? present : mm_max_u64(present, mm_or_else(row->free_pages, 0));
}

static int fill_zone(struct mm_phys *phys, const struct mm_zoneinfo_row *row, struct mm_error *err)
{
	uint64_t present = present_of_row(row);
	uint64_t spanned = mm_or_else(row->spanned_pages, present);
	int type = mm_zone_type_of_name(row->zone);
	char at[PLACE_ROOM];
	struct mm_node *node;
	struct mm_zone *zone;

	if (type < 0)
		return mm_error_set(err, -EINVAL, "%s: expected zone DMA, DMA32, Normal, Movable or Device, found '%s'",
				    place(row, at), row->zone);
	if (row->node >= MM_MAX_NODES)
		return bad_zone(row, err, "a node below 64", row->node);
	node = mm_boot_node(phys, row->node);
	if (!node)
		return mm_error_set(err, -ENOMEM, "out of memory");
	if (!spanned || !present)
		return 0;
	if (row->start_pfn == MM_MISSING_U64)
		return mm_error_set(err, -EINVAL, "%s: node %" PRIu32 ", zone %s: expected its start_pfn, found none",
				    place(row, at), row->node, row->zone);
	if (present > spanned)
		return bad_zone(row, err, "no more pages present than spanned", present);
	if (row->start_pfn > MM_BOOT_MAX_PFN || spanned > MM_BOOT_MAX_PFN - row->start_pfn)
		return bad_zone(row, err, "a zone below 16 TiB", spanned);
	zone = &node->zones[type];
	zone->start_pfn = (mm_pfn_t)row->start_pfn;
	zone->spanned_pages = spanned;
	zone->present_pages = present;
	add_span(node, zone);
	node->present_pages += present;
	return 0;
}

/* Zones with pages, sorted by their first frame. */
struct sorted {
	struct mm_zone *v[MM_MAX_NODES * MM_MAX_NR_ZONES];
	size_t nr;
};

static int by_start(const void *a, const void *b)
{
	const struct mm_zone *x = *(struct mm_zone *const *)a, *y = *(struct mm_zone *const *)b;

	return x->start_pfn < y->start_pfn ? -1 : x->start_pfn > y->start_pfn;
}

static int sort_zones(struct mm_phys *phys, const struct mm_phys_config *cfg, struct sorted *s, struct mm_error *err)
{
	s->nr = 0;
	for (uint32_t n = 0; n < MM_MAX_NODES; n++)
		for (int i = 0; phys->nodes[n] && i < MM_MAX_NR_ZONES; i++)
			if (phys->nodes[n]->zones[i].present_pages)
				s->v[s->nr++] = &phys->nodes[n]->zones[i];
	if (!s->nr)
		return mm_error_set(err, -EINVAL, "%s: expected a zone with pages, found none",
				    cfg->zoneinfo->v[0].line ? "zoneinfo" : "zone rows");
	qsort(s->v, s->nr, sizeof(s->v[0]), by_start);
	return 0;
}

static bool overlap(const struct sorted *s)
{
	for (size_t i = 1; i < s->nr; i++)
		if (mm_zone_end_pfn(s->v[i - 1]) > s->v[i]->start_pfn)
			return true;
	return false;
}

/* RAM of the map inside one zone. */
static int present_of_map(struct mm_phys *phys, const struct mm_memblock *mb, const struct mm_zone *zone)
{
	for (size_t i = 0; i < mb->memory.nr; i++) {
		const struct mm_memblock_region *r = &mb->memory.v[i];
		uint64_t start = mm_max_u64(mm_memblock_region_memory_base_pfn(r), zone->start_pfn);
		uint64_t end = mm_min_u64(mm_memblock_region_memory_end_pfn(r), mm_zone_end_pfn(zone));

		if (start < end && mm_boot_add_present(phys, start, end, zone->node))
			return -ENOMEM;
	}
	return 0;
}

/* RAM laid out to have as many pages as the zone says. */
static int present_to_fit(struct mm_phys *phys, const struct mm_zone *zone)
{
	uint64_t start = zone->start_pfn, end = start + zone->spanned_pages,
		hole = zone->spanned_pages - zone->present_pages;

	if (hole && start < LOW_MEGABYTE_PFN && end > LOW_MEGABYTE_PFN && hole < LOW_MEGABYTE_PFN - start) {
		if (mm_boot_add_present(phys, start, LOW_MEGABYTE_PFN - hole, zone->node))
			return -ENOMEM;
		return mm_boot_add_present(phys, LOW_MEGABYTE_PFN, end, zone->node);
	}
	return mm_boot_add_present(phys, start, end - hole, zone->node);
}

/* Of zones that overlap: by the map, or where that has too little RAM without it. */
static int place_overlapping(struct mm_phys *phys, const struct mm_memblock *mb, struct sorted *s, struct mm_error *err)
{
	static const struct mm_memblock no_map;
	int e = mm_boot_place_overlapping(phys, mb, s->v, s->nr);

	if (e == -ENOSPC && mb->memory.nr)
		e = mm_boot_place_overlapping(phys, &no_map, s->v, s->nr);
	return e != -ENOSPC ? e : mm_error_set(err, -EINVAL,
					       "zoneinfo: expected room for all present pages, found zones that overlap too much");
}

static int place_ram(struct mm_phys *phys, const struct mm_memblock *mb, struct sorted *s, struct mm_error *err)
{
	bool fits = mb->memory.nr > 0;

	if (overlap(s))
		return place_overlapping(phys, mb, s, err);
	for (size_t i = 0; fits && i < s->nr; i++) {
		const struct mm_zone *z = s->v[i];

		if (present_of_map(phys, mb, z))
			return -ENOMEM;
		fits = mm_boot_present_in(phys, z->node, z->start_pfn, mm_zone_end_pfn(z)) == z->present_pages;
	}
	if (fits)
		return 0;
	phys->nr_present = 0;
	for (size_t i = 0; i < s->nr; i++)
		if (present_to_fit(phys, s->v[i]))
			return -ENOMEM;
	return 0;
}

int mm_boot_zones_of_capture(struct mm_phys *phys, const struct mm_memblock *mb, const struct mm_phys_config *cfg,
			     struct mm_error *err)
{
	struct sorted sorted;
	int e;

	for (size_t i = 0; i < cfg->zoneinfo->nr; i++) {
		e = fill_zone(phys, &cfg->zoneinfo->v[i], err);
		if (e)
			return e;
	}
	e = sort_zones(phys, cfg, &sorted, err);
	if (e)
		return e;
	e = cfg->sizes_only ? 0 : place_ram(phys, mb, &sorted, err);
	if (e)
		return e == -ENOMEM ? mm_error_set(err, e, "out of memory") : e;
	if (!cfg->sizes_only)
		phys->max_pfn = phys->present[phys->nr_present - 1].end_pfn;
	return 0;
}

/* Give the frames of the zone after the first @skip of them to the buddy. */
static void free_after(struct mm_phys *phys, const struct mm_zone *zone, uint64_t skip)
{
	struct mm_pfn_walk w = mm_pfn_walk_zone(zone, MM_PFN_UP);

	while (mm_pfn_walk_range(&w)) {
		uint64_t taken = mm_min_u64(skip, w.end - w.start);

		skip -= taken;
		mm_boot_free_range(phys, w.start + taken, w.end);
	}
}

int mm_boot_free_of_capture(struct mm_phys *phys, const struct mm_phys_config *cfg, struct mm_error *err)
{
	for (size_t i = 0; i < cfg->zoneinfo->nr; i++) {
		const struct mm_zoneinfo_row *row = &cfg->zoneinfo->v[i];
		int type = mm_zone_type_of_name(row->zone);
		struct mm_zone *zone = &phys->nodes[row->node]->zones[type];
		uint64_t managed = mm_or_else(row->managed_pages, zone->present_pages),
			free = mm_or_else(row->free_pages, managed);

		if (!zone->present_pages)
			continue;
		if (managed > zone->present_pages)
			return bad_zone(row, err, "no more pages managed than present", managed);
		if (free > managed)
			return bad_zone(row, err, "no more pages free than managed", free);
		if (!cfg->no_free && !cfg->sizes_only)
			free_after(phys, zone, zone->present_pages - free);
		zone->managed_pages = managed;
	}
	return 0;
}

static bool tunable_given(const struct mm_phys *phys, enum mm_sysctl_id id) { return phys->ctx->sysctl.set[id]; }

/* zoneinfo prints each mark with the boost in it. */
static bool marks_of_row(struct mm_zone *zone, const struct mm_zoneinfo_row *row)
{
	uint64_t boost = mm_or_else(row->boost_pages, 0), step;

	if (row->min_pages == MM_MISSING_U64 || row->low_pages == MM_MISSING_U64 || row->high_pages == MM_MISSING_U64 ||
	    row->min_pages < boost || row->low_pages < row->min_pages || row->high_pages < row->low_pages)
		return false;
	step = row->high_pages - row->low_pages;
	zone->watermark_boost = boost;
	zone->watermark[MM_WMARK_MIN] = row->min_pages - boost;
	zone->watermark[MM_WMARK_LOW] = row->low_pages - boost;
	zone->watermark[MM_WMARK_HIGH] = row->high_pages - boost;
	zone->watermark[MM_WMARK_PROMO] = zone->watermark[MM_WMARK_HIGH] + step;
	return true;
}

/**
 * mm_zone_types_of_capture() - which types of zones the captured kernel was built with
 * @zi:	or NULL
 *
 * CONFIG_ZONE_DMA, _DMA32 and _DEVICE are options, ZONE_MOVABLE is always there. Since 4.12 all zones are listed, be they empty, so
 * where Movable is listed they are the types; where it is not (only zones with pages) they are with it, if
 * "protection: (0, 122, 122, 122)" has as many numbers: it has one for each type.
 * Return: a bit for each enum mm_zone_type; all of them where the capture does not tell.
 * Source: Linux 6.6 mm/vmstat.c zoneinfo_show_print().
 */
uint32_t mm_zone_types_of_capture(const struct mm_zoneinfo *zi)
{
	const uint32_t movable = 1u << MM_ZONE_MOVABLE, all = (1u << MM_MAX_NR_ZONES) - 1;
	uint32_t listed = 0, numbers = 0, types;

	for (size_t i = 0; zi && i < zi->nr; i++) {
		listed |= 1u << mm_zone_type_of_name(zi->v[i].zone);
		numbers = mm_max_u32(numbers, zi->v[i].nr_protection);
	}
	types = listed | movable;
	if (numbers ? numbers == (uint32_t)__builtin_popcount(types) : (listed & movable) != 0)
		return types;
	return all;
}

/* Requests for a type that the kernel has not are kept off as those for the one below are. @types: that it has. */
static void reserves_of_row(struct mm_zone *zone, const struct mm_zoneinfo_row *row, uint32_t types)
{
	uint32_t below = 0;

	if (row->nr_protection < (uint32_t)__builtin_popcount(types))
		return;
	for (int t = 0; t < MM_MAX_NR_ZONES; t++) {
		below += types >> t & 1;
		zone->lowmem_reserve[t] = row->protection[below ? below - 1 : 0];
	}
}

void mm_boot_marks_of_capture(struct mm_phys *phys, const struct mm_phys_config *cfg)
{
	uint32_t types = mm_zone_types_of_capture(cfg->zoneinfo);
	bool marks = !tunable_given(phys, MM_SYSCTL_MIN_FREE_KBYTES) &&
		!tunable_given(phys, MM_SYSCTL_WATERMARK_SCALE_FACTOR);
	bool reserves = !tunable_given(phys, MM_SYSCTL_LOWMEM_RESERVE_RATIO);
	uint64_t min_pages = 0;

	for (size_t i = 0; i < cfg->zoneinfo->nr; i++) {
		const struct mm_zoneinfo_row *row = &cfg->zoneinfo->v[i];
		struct mm_zone *zone = &phys->nodes[row->node]->zones[mm_zone_type_of_name(row->zone)];

		if (marks && zone->present_pages && marks_of_row(zone, row)) {
			min_pages += zone->type == MM_ZONE_MOVABLE ? 0 : zone->watermark[MM_WMARK_MIN];
			mm_zone_pcp_update(zone);
		}
		if (reserves)
			reserves_of_row(zone, row, types);
	}
	if (min_pages)
		phys->min_free_kbytes = min_pages << (MM_PAGE_SHIFT - 10);
	mm_calculate_totalreserve_pages(phys);
}
