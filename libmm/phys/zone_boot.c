/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Boot of the physical floor.
 *
 *   firmware's map --> memblock --> nodes, zones --> page map --> free lists --> watermarks
 *
 * The page map is one flat array that the host gives memory to only where it is
 * touched; free memory goes to the buddy in the largest aligned blocks, in
 * ascending order, so that only heads of blocks are touched.
 * Source: Linux 6.6 mm/mm_init.c, mm/memblock.c memblock_free_all().
 * Deviation: the struct pages of a big machine are all there at once (no deferred
 * initialisation). CPUs are spread over the nodes in even, contiguous shares where no source tells their nodes.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/host_memory.h"
#include "base/minmax.h"
#include "phys/boot.h"
#include "phys/internal.h"

enum { HUGE_MAP_BYTES = 64 << 20 };	/* host huge pages would fill a larger map with what is never touched */

void mm_boot_free_range(struct mm_phys *phys, uint64_t start, uint64_t end)
{
	while (start < end) {
		unsigned int order = start ? (unsigned int)__builtin_ctzll(start) : MM_MAX_ORDER;

		order = order < MM_MAX_ORDER ? order : MM_MAX_ORDER;
		while (start + (1ull << order) > end)
			order--;
		mm_free_pages_core(phys, (mm_pfn_t)start, order);
		start += 1ull << order;
	}
}

static void memblock_free_all(struct mm_phys *phys, const struct mm_memblock *mb)
{
	uint64_t cursor = 0, lo, hi;

	while (mm_memblock_next_free(mb, &cursor, MM_NODE_NONE, &lo, &hi))
		mm_boot_free_range(phys, (lo + MM_PAGE_SIZE - 1) >> MM_PAGE_SHIFT, hi >> MM_PAGE_SHIFT);
}

static int map_pages(struct mm_phys *phys)
{
	uint64_t block = 1u << MM_MAX_ORDER, pages = (phys->max_pfn + block - 1) / block * block;
	size_t bytes;
	void *p;

	if (__builtin_mul_overflow(pages, sizeof(struct mm_page), &bytes))	/* of a host with 32-bit addresses */
		return -ENOMEM;
	p = mm_host_map(bytes);
	if (!p)
		return -ENOMEM;
	if (bytes > HUGE_MAP_BYTES)
		(void)madvise(p, bytes, MADV_NOHUGEPAGE);
	phys->mem_map = p;
	phys->mem_map_bytes = bytes;
	return 0;
}

/* As the capture says, else in even shares. */
static void spread_cpus(struct mm_phys *phys, const struct mm_boot_facts *boot)
{
	uint32_t nth = 0, nr_cpus = phys->ctx->nr_cpus;

	for (uint32_t n = 0; n < MM_MAX_NODES; n++) {
		for (uint32_t c = 0; phys->nodes[n] && c < nr_cpus; c++)
			if ((uint64_t)c * phys->nr_nodes / nr_cpus == nth)
				phys->cpu_node[c] = (uint8_t)n;
		nth += phys->nodes[n] != NULL;
	}
	for (uint32_t c = 0; boot && boot->nr_cpus >= nr_cpus && c < nr_cpus; c++)
		if (phys->nodes[boot->cpu_node[c]])
			phys->cpu_node[c] = boot->cpu_node[c];
}

/* Without a page map: count what memblock_free_all() would hand over. */
static void count_all(struct mm_phys *phys, const struct mm_memblock *mb)
{
	uint64_t cursor = 0, lo, hi;

	while (mm_memblock_next_free(mb, &cursor, MM_NODE_NONE, &lo, &hi)) {
		lo = (lo + MM_PAGE_SIZE - 1) >> MM_PAGE_SHIFT;
		hi >>= MM_PAGE_SHIFT;
		for (uint32_t n = 0; n < MM_MAX_NODES; n++)
			for (int i = 0; phys->nodes[n] && i < MM_MAX_NR_ZONES; i++) {
				struct mm_zone *z = &phys->nodes[n]->zones[i];
				uint64_t from = mm_max_u64(lo, z->start_pfn), to = mm_min_u64(hi, mm_zone_end_pfn(z));

				z->managed_pages += from < to ? mm_boot_present_in(phys, n, from, to) : 0;
			}
	}
}

/* Free memory as the source of the zones tells it. */
static int hand_over(struct mm_phys *phys, struct mm_memblock *mb, const struct mm_phys_config *cfg,
		     struct mm_error *err)
{
	if (cfg->zoneinfo)
		return mm_boot_free_of_capture(phys, cfg, err);
	if (!cfg->bare && mm_boot_reserve(phys, mb, cfg))
		return mm_error_set(err, -ENOMEM, "out of memory");
	if (cfg->sizes_only)
		count_all(phys, mb);
	else if (!cfg->no_free)
		memblock_free_all(phys, mb);
	return 0;
}

static void count_totalram(struct mm_phys *phys)
{
	phys->totalram_pages = 0;
	for (uint32_t n = 0; n < MM_MAX_NODES; n++)
		for (int i = 0; phys->nodes[n] && i < MM_MAX_NR_ZONES; i++)
			phys->totalram_pages += phys->nodes[n]->zones[i].managed_pages;
}

static int boot(struct mm_phys *phys, struct mm_memblock *mb, const struct mm_phys_config *cfg, struct mm_error *err)
{
	const struct mm_boot_facts *facts = cfg->regions ? cfg->regions->boot : NULL;
	int e = 0;

	if (cfg->regions && (cfg->regions->nr || !cfg->zoneinfo))
		e = mm_boot_memblock(mb, cfg, err);
	if (e)
		return e;
	if (cfg->zoneinfo) {
		e = mm_boot_zones_of_capture(phys, mb, cfg, err);
		if (e)
			return e;
	} else if (mm_boot_zones(phys, mb, cfg)) {
		return mm_error_set(err, -ENOMEM, "out of memory");
	}
	spread_cpus(phys, facts);
	if (!cfg->sizes_only && (map_pages(phys) || mm_page_alloc_init(phys)))
		return mm_error_set(err, -ENOMEM, "out of memory for %u page descriptors", phys->max_pfn);
	e = hand_over(phys, mb, cfg, err);
	if (e)
		return e;
	count_totalram(phys);
	if (!cfg->node_distance && facts && facts->nr_distance)
		mm_build_node_order(phys, facts->node_distance, facts->nr_distance);
	else
		mm_build_node_order(phys, cfg->node_distance, cfg->nr_distance);
	if (!cfg->sizes_only && mm_build_zonelists(phys))
		return mm_error_set(err, -ENOMEM, "out of memory");
	mm_init_per_zone_wmark_min(phys);
	if (cfg->zoneinfo)
		mm_boot_marks_of_capture(phys, cfg);
	return 0;
}

int mm_phys_new(struct mm_phys **physp, struct mm_ctx *ctx, const struct mm_phys_config *cfg, struct mm_error *err)
{
	bool resized = cfg->mem_limit_bytes || cfg->kernelcore_bytes || cfg->movablecore_bytes ||
		cfg->kernelcore_percent || cfg->movablecore_percent || cfg->movable_node;
	struct mm_phys_config now = *cfg;
	struct mm_memblock mb = { 0 };
	struct mm_phys *phys;
	int e;

	if (!cfg->regions && !cfg->zoneinfo)
		return mm_error_set(err, -EINVAL, "expected a map of memory or zones, found neither");
	if (ctx->nr_cpus > MM_MAX_CPUS)
		return mm_error_set(err, -ERANGE, "expected at most %d CPUs, found %" PRIu32, (int)MM_MAX_CPUS, ctx->nr_cpus);
	if (cfg->zoneinfo && resized) {		/* the captured zones are not those of this machine any more */
		if (!cfg->regions || !cfg->regions->nr)
			return mm_error_set(err, -EINVAL,
					    "expected a map of memory, which another size of RAM or of the zones needs,"
					    " found only zoneinfo");
		now.zoneinfo = NULL;
	}
	phys = mm_host_calloc(1, sizeof(*phys));
	if (!phys)
		return mm_error_set(err, -ENOMEM, "out of memory");
	phys->ctx = ctx;
	e = boot(phys, &mb, &now, err);
	mm_memblock_free(&mb);
	if (e) {
		mm_phys_free(phys);
		return e;
	}
	*physp = phys;
	return 0;
}

void mm_phys_free(struct mm_phys *phys)
{
	if (!phys)
		return;
	mm_page_alloc_exit(phys);
	for (uint32_t n = 0; n < MM_MAX_NODES; n++)
		free(phys->nodes[n]);
	free(phys->present);
	if (phys->mem_map)
		munmap(phys->mem_map, phys->mem_map_bytes);
	free(phys);
}

const char *mm_zone_type_name(enum mm_zone_type type)
{
	static const char *const names[MM_MAX_NR_ZONES] = {
		[MM_ZONE_DMA] = "DMA", [MM_ZONE_DMA32] = "DMA32", [MM_ZONE_NORMAL] = "Normal",
		[MM_ZONE_MOVABLE] = "Movable", [MM_ZONE_DEVICE] = "Device",
	};

	return (unsigned int)type < MM_MAX_NR_ZONES ? names[type] : "?";
}

int mm_zone_type_of_name(const char *name)
{
	for (int t = 0; t < MM_MAX_NR_ZONES; t++)
		if (!strcmp(name, mm_zone_type_name((enum mm_zone_type)t)))
			return t;
	return -EINVAL;
}
