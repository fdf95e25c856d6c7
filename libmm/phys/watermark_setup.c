/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How many pages are kept free, and for whom.
 *
 *   free ---high---low---min---0     kswapd wakes below low, sleeps above high; below min only
 *                                    requests that free memory go on
 *
 * min_free_kbytes is shared among the zones by their managed pages; low and
 * high stand a step above each other. lowmem_reserve keeps a zone's pages from
 * requests that could have been served by a higher zone of the node. The
 * per-CPU lists hold up to "high" pages and move "batch" at once.
 * Source: Linux 6.6 mm/page_alloc.c, mm/khugepaged.c set_recommended_min_free_kbytes().
 * Deviation: a sysctl given on the command line stands as if written after boot.
 */
#include "base/sqrt.h"
#include "phys/internal.h"

/* Every zone of every node, empty ones too, in ascending order; start with NULL, ends with NULL. */
static struct mm_zone *next_zone(const struct mm_phys *phys, const struct mm_zone *zone)
{
	uint32_t n = zone ? zone->node : 0;
	int type = zone ? zone->type + 1 : 0;

	for (; n < MM_MAX_NODES; n++, type = 0)
		if (phys->nodes[n] && type < MM_MAX_NR_ZONES)
			return &phys->nodes[n]->zones[type];
	return NULL;
}
#define for_each_zone(phys, zone)	for ((zone) = NULL; ((zone) = next_zone(phys, zone)) != NULL; )

/* Managed pages above the high watermark of every zone up to Normal. */
static uint64_t nr_free_buffer_pages(const struct mm_phys *phys)
{
	const struct mm_zone *zone;
	uint64_t sum = 0;

	for_each_zone(phys, zone) {
		uint64_t high = mm_wmark_pages(zone, MM_WMARK_HIGH);

		if (zone->type <= MM_ZONE_NORMAL && zone->managed_pages > high)
			sum += zone->managed_pages - high;
	}
	return sum;
}

void mm_calculate_totalreserve_pages(struct mm_phys *phys)
{
	const struct mm_zone *zone;

	phys->totalreserve_pages = 0;
	for (uint32_t n = 0; n < MM_MAX_NODES; n++)
		if (phys->nodes[n])
			phys->nodes[n]->totalreserve_pages = 0;
	for_each_zone(phys, zone) {
		uint64_t max = 0;

		for (int j = zone->type; j < MM_MAX_NR_ZONES; j++)
			max = zone->lowmem_reserve[j] > max ? zone->lowmem_reserve[j] : max;
		max += mm_wmark_pages(zone, MM_WMARK_HIGH);
		max = max < zone->managed_pages ? max : zone->managed_pages;
		phys->totalreserve_pages += max;
		phys->nodes[zone->node]->totalreserve_pages += max;
	}
}

static void setup_per_zone_lowmem_reserve(struct mm_phys *phys)
{
	const int32_t *ratio = phys->ctx->sysctl.lowmem_reserve_ratio;

	for (uint32_t n = 0; n < MM_MAX_NODES; n++)
		for (int i = 0; phys->nodes[n] && i < MM_MAX_NR_ZONES - 1; i++) {
			struct mm_zone *zone = &phys->nodes[n]->zones[i];
			uint64_t above = 0;

			for (int j = i + 1; j < MM_MAX_NR_ZONES; j++) {
				above += phys->nodes[n]->zones[j].managed_pages;
				zone->lowmem_reserve[j] =
					ratio[i] > 0 && zone->managed_pages ? above / (uint32_t)ratio[i] : 0;
			}
		}
	mm_calculate_totalreserve_pages(phys);
}

static uint64_t mult_frac(uint64_t x, uint64_t n, uint64_t d) { return x / d * n + x % d * n / d; }

static void set_zone_wmarks(struct mm_zone *zone, uint64_t pages_min, uint64_t lowmem_pages, uint64_t scale)
{
	uint64_t share = lowmem_pages ? pages_min * zone->managed_pages / lowmem_pages : 0, step;
	uint64_t *mark = zone->watermark;

	mark[MM_WMARK_MIN] = share;
	if (zone->type == MM_ZONE_MOVABLE) {
		uint64_t min = zone->managed_pages / 1024;

		mark[MM_WMARK_MIN] = min < 32 ? 32 : min > 128 ? 128 : min;
	}
	step = mult_frac(zone->managed_pages, scale, 10000);
	step = step > share >> 2 ? step : share >> 2;
	zone->watermark_boost = 0;
	mark[MM_WMARK_LOW] = mark[MM_WMARK_MIN] + step;
	mark[MM_WMARK_HIGH] = mark[MM_WMARK_LOW] + step;
	mark[MM_WMARK_PROMO] = mark[MM_WMARK_HIGH] + step;
}

static uint32_t zone_batchsize(const struct mm_zone *zone)
{
	uint64_t batch = zone->managed_pages >> 10;
	uint32_t pow2 = 1;

	batch = (batch < (1u << 20) / MM_PAGE_SIZE ? batch : (1u << 20) / MM_PAGE_SIZE) / 4;
	batch = batch < 1 ? 1 : batch;
	while (2 * pow2 <= batch + batch / 2)
		pow2 *= 2;
	return pow2 - 1 > 1 ? pow2 - 1 : 1;
}

static uint32_t zone_highsize(const struct mm_zone *zone, uint32_t batch)
{
	const struct mm_phys *phys = zone->phys;
	uint64_t fraction = (uint64_t)mm_sysctl(phys->ctx, MM_SYSCTL_PERCPU_PAGELIST_HIGH_FRACTION), high, cpus = 0;

	high = fraction ? zone->managed_pages / fraction : mm_wmark_pages(zone, MM_WMARK_LOW);
	for (uint32_t c = 0; c < phys->ctx->nr_cpus; c++)
		cpus += phys->cpu_node[c] == zone->node;
	high /= cpus ? cpus : phys->ctx->nr_cpus;
	high = high > batch << 2 ? high : batch << 2;
	return high < INT32_MAX ? (uint32_t)high : INT32_MAX;
}

/* zone_set_pageset_high_and_batch() */
void mm_zone_pcp_update(struct mm_zone *zone)
{
	uint32_t batch = zone_batchsize(zone), high = zone_highsize(zone, batch);

	for (uint32_t c = 0; zone->pcp && c < zone->phys->ctx->nr_cpus; c++) {
		zone->pcp[c].batch = batch;
		zone->pcp[c].high = high;
	}
}

void mm_setup_per_zone_wmarks(struct mm_phys *phys)
{
	int64_t given = mm_sysctl(phys->ctx, MM_SYSCTL_MIN_FREE_KBYTES);
	uint64_t lowmem_pages = 0, pages_min;
	struct mm_zone *zone;

	if (given >= 0)
		phys->min_free_kbytes = (uint64_t)given;
	pages_min = phys->min_free_kbytes >> (MM_PAGE_SHIFT - 10);
	for_each_zone(phys, zone)
		if (zone->type != MM_ZONE_MOVABLE)
			lowmem_pages += zone->managed_pages;
	for_each_zone(phys, zone) {
		set_zone_wmarks(zone, pages_min, lowmem_pages,
				(uint64_t)mm_sysctl(phys->ctx, MM_SYSCTL_WATERMARK_SCALE_FACTOR));
		mm_zone_pcp_update(zone);
	}
	setup_per_zone_lowmem_reserve(phys);
}

static void calculate_min_free_kbytes(struct mm_phys *phys)
{
	uint64_t kbytes = mm_int_sqrt(nr_free_buffer_pages(phys) * (MM_PAGE_SIZE >> 10) * 16);

	phys->min_free_kbytes = kbytes < 128 ? 128 : kbytes > 262144 ? 262144 : kbytes;
}

/* What khugepaged asks for when it starts: pageblocks to fall back to, at most 5 % of lowmem. */
static void set_recommended_min_free_kbytes(struct mm_phys *phys)
{
	uint64_t pages = 0, limit = nr_free_buffer_pages(phys) / 20, kbytes;
	const struct mm_zone *zone;

	if (!mm_sysctl(phys->ctx, MM_SYSCTL_THP)) {
		calculate_min_free_kbytes(phys);
		return;
	}
	for_each_zone(phys, zone)
		if (zone->present_pages && zone->type <= MM_ZONE_NORMAL)
			pages += MM_PAGEBLOCK_NR_PAGES * (2 + MM_MIGRATE_PCPTYPES * MM_MIGRATE_PCPTYPES);
	pages = pages < limit ? pages : limit;
	kbytes = pages << (MM_PAGE_SHIFT - 10);
	if (kbytes > phys->min_free_kbytes)
		phys->min_free_kbytes = kbytes;
}

void mm_init_per_zone_wmark_min(struct mm_phys *phys)
{
	calculate_min_free_kbytes(phys);
	mm_setup_per_zone_wmarks(phys);
	if (mm_sysctl(phys->ctx, MM_SYSCTL_MIN_FREE_KBYTES) >= 0)
		return;
	set_recommended_min_free_kbytes(phys);
	mm_setup_per_zone_wmarks(phys);
}
