/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the kernel takes of its RAM before the page allocator stands, so that
 * managed pages are near those of a real machine:
 *
 *   the first MiB		reserve_real_mode()
 *   the kernel image		where the map shows it (/proc/iomem: Kernel code, rodata, data, bss), and what the map
 *				shows as reserved inside RAM (Crash kernel)
 *   the page map		64 bytes a page for each 128 MiB section that has RAM, at the top of its node
 *   node and per-CPU data	where the kernel's log gives their sizes; what else that log says is taken, from the top
 *   two hash tables		dentries and inodes, with one node only (else they come from vmalloc later)
 *   bounce buffers		64 MiB below 4 GiB when there is RAM above, for devices that cannot reach it
 *
 * Source: Linux 6.6 arch/x86/realmode/init.c, mm/sparse.c, mm/mm_init.c alloc_large_system_hash(), fs/dcache.c,
 * fs/inode.c, kernel/dma/swiotlb.c, arch/x86/kernel/pci-dma.c.
 * Deviation: per-CPU areas, early page tables, ACPI's copies and the kernel image are not known from a firmware's map
 * alone and not taken then.  With the log's "Memory:" line the sum over all zones is exact, its share of each zone
 * nearly.  A capture of zoneinfo gives the exact numbers.
 */
#include <errno.h>

#include "phys/boot.h"

enum {
	SECTION_SHIFT = 27, SECTION_PAGES = 1 << (SECTION_SHIFT - MM_PAGE_SHIFT), STRUCT_PAGE_BYTES = 64,
	SECTION_MAP_BYTES = SECTION_PAGES * STRUCT_PAGE_BYTES, HASH_BUCKET_BYTES = 8, SWIOTLB_BYTES = 64 << 20,
};
#define PHYSICAL_START		(16ull << 20)
#define MAX_DMA_ADDRESS		(16ull << 20)
#define FOUR_G			(1ull << 32)
#define CURRENT_LIMIT		(MM_BOOT_MAX_PFN << MM_PAGE_SHIFT)

/* 128 MiB sections whose first RAM is @node's (memory_present()). */
static uint64_t nr_sections(const struct mm_phys *phys, uint32_t node)
{
	uint64_t n = 0, next = 0;	/* first section not yet counted */

	for (uint32_t i = 0; i < phys->nr_present; i++) {
		const struct mm_page_range *r = &phys->present[i];
		uint64_t first = r->start_pfn / SECTION_PAGES,
			end = ((uint64_t)r->end_pfn + SECTION_PAGES - 1) / SECTION_PAGES;

		first = first > next ? first : next;
		n += end > first && r->node == node ? end - first : 0;
		next = end > next ? end : next;
	}
	return n;
}

/* sparse_init_nid(): one buffer for all maps of the node, else each section's for itself. */
static int reserve_page_map(const struct mm_phys *phys, struct mm_memblock *mb, uint32_t node)
{
	uint64_t sections = nr_sections(phys, node), at;
	int e = mm_memblock_alloc_range(mb, sections * SECTION_MAP_BYTES, SECTION_MAP_BYTES, MAX_DMA_ADDRESS,
					CURRENT_LIMIT,
					node, true, &at);

	for (uint64_t i = 0; e == -ENOSPC && i < sections; i++)
		if (mm_memblock_alloc_range(mb, SECTION_MAP_BYTES, SECTION_MAP_BYTES, MAX_DMA_ADDRESS, CURRENT_LIMIT,
					    node, false, &at) == -ENOMEM)
			return -ENOMEM;
	return e == -ENOMEM ? -ENOMEM : 0;
}

/* In pages. */
static uint64_t calc_memmap_size(const struct mm_zone *z)
{
	uint64_t pages = z->spanned_pages > z->present_pages + (z->present_pages >> 4) ? z->present_pages
		: z->spanned_pages;

	return (pages * STRUCT_PAGE_BYTES + MM_PAGE_SIZE - 1) / MM_PAGE_SIZE;
}

/* Bytes of a table of one bucket each 2^@scale bytes of memory: alloc_large_system_hash(). */
static uint64_t hash_bytes(uint64_t nr_kernel_pages, unsigned int scale)
{
	uint64_t entries = (nr_kernel_pages + 255) / 256 * 256;		/* whole megabytes */
	uint64_t max = nr_kernel_pages * MM_PAGE_SIZE / 16 / HASH_BUCKET_BYTES, pow2 = 1;

	for (uint64_t adapt = (64ull << 30) / MM_PAGE_SIZE; adapt < entries; adapt <<= 2)
		scale++;
	entries = scale > MM_PAGE_SHIFT ? entries >> (scale - MM_PAGE_SHIFT) : entries << (MM_PAGE_SHIFT - scale);
	if (entries * HASH_BUCKET_BYTES < MM_PAGE_SIZE)
		entries = MM_PAGE_SIZE / HASH_BUCKET_BYTES;
	while (pow2 < entries)
		pow2 *= 2;
	max = max < 0x80000000u ? max : 0x80000000u;
	entries = pow2 < max ? pow2 : max;
	for (pow2 = 1; 2 * pow2 <= entries; pow2 *= 2)
		;
	return pow2 * HASH_BUCKET_BYTES;
}

static int reserve_hashes(const struct mm_phys *phys, struct mm_memblock *mb)
{
	static const unsigned int scales[] = { 13, 14 };	/* dentries, inodes */
	uint64_t pages = 0, at;

	for (uint32_t n = 0; n < MM_MAX_NODES; n++)
		for (int i = 0; phys->nodes[n] && i < MM_MAX_NR_ZONES; i++) {
			const struct mm_zone *z = &phys->nodes[n]->zones[i];

			pages += z->present_pages > calc_memmap_size(z) ? z->present_pages - calc_memmap_size(z)
				: z->present_pages;
		}
	for (size_t i = 0; phys->nr_nodes == 1 && i < sizeof(scales) / sizeof(scales[0]); i++)
		if (mm_memblock_alloc_range(mb, hash_bytes(pages, scales[i]), 64, 0, CURRENT_LIMIT, MM_NODE_NONE,
					    false, &at) == -ENOMEM)
			return -ENOMEM;
	return 0;
}

/* swiotlb_init(): for devices with 32-bit addresses. */
static int reserve_swiotlb(const struct mm_phys *phys, struct mm_memblock *mb)
{
	uint64_t at;

	if (phys->max_pfn <= FOUR_G >> MM_PAGE_SHIFT)
		return 0;
	return mm_memblock_alloc_range(mb, SWIOTLB_BYTES, MM_PAGE_SIZE, 0, FOUR_G - 1, MM_NODE_NONE, false,
				       &at) == -ENOMEM ? -ENOMEM : 0;
}

/* What the map shows as taken inside RAM. */
static int reserve_nested(struct mm_memblock *mb, const struct mm_region_list *l)
{
	uint32_t inside = UINT32_MAX;	/* depth of the RAM that we are in */

	for (size_t i = 0; i < l->nr; i++) {
		const struct mm_region *r = &l->v[i];

		if (r->depth <= inside)
			inside = r->kind == MM_REGION_RAM ? r->depth : UINT32_MAX;
		else if ((r->kind == MM_REGION_KERNEL || r->kind == MM_REGION_RESERVED) &&
			 mm_memblock_reserve(mb, r->start, r->end - r->start + (r->end - r->start != UINT64_MAX)))
			return -ENOMEM;
	}
	return 0;
}

/* The kernel image, where only the log tells of it: at CONFIG_PHYSICAL_START, as without KASLR. */
static int reserve_kernel(struct mm_memblock *mb, const struct mm_phys_config *cfg)
{
	for (size_t i = 0; i < cfg->regions->nr; i++)
		if (cfg->regions->v[i].kind == MM_REGION_KERNEL)
			return 0;
	return mm_memblock_reserve(mb, PHYSICAL_START, cfg->regions->boot->kernel_bytes);
}

/* Node data of each node, and the area of each CPU on its node. */
static int reserve_node_data(const struct mm_phys *phys, struct mm_memblock *mb, const struct mm_boot_facts *boot)
{
	uint64_t at;

	for (uint32_t n = 0; n < MM_MAX_NODES; n++)
		if (phys->nodes[n] && boot->node_data_bytes &&
		    mm_memblock_alloc_range(mb, boot->node_data_bytes, MM_PAGE_SIZE, 0, CURRENT_LIMIT, n, false,
					    &at) == -ENOMEM)
			return -ENOMEM;
	for (uint32_t c = 0; boot->percpu_bytes && c < phys->ctx->nr_cpus; c++)
		if (mm_memblock_alloc_range(mb, boot->percpu_bytes, MM_PAGE_SIZE, MAX_DMA_ADDRESS, CURRENT_LIMIT,
					    phys->cpu_node[c], false, &at) == -ENOMEM)
			return -ENOMEM;
	return 0;
}

/* What the log says is taken beyond all that is known: from the top, as memblock allocates. */
static int reserve_rest(struct mm_memblock *mb, uint64_t managed_bytes)
{
	uint64_t cursor = 0, lo, hi, free_bytes = 0, at, piece;

	while (mm_memblock_next_free(mb, &cursor, MM_NODE_NONE, &lo, &hi))
		free_bytes += hi / MM_PAGE_SIZE * MM_PAGE_SIZE - (lo + MM_PAGE_SIZE - 1) / MM_PAGE_SIZE * MM_PAGE_SIZE;
	if (!managed_bytes || free_bytes <= managed_bytes)
		return 0;
	free_bytes = (free_bytes - managed_bytes) / MM_PAGE_SIZE * MM_PAGE_SIZE;
	for (piece = free_bytes; free_bytes && piece; ) {
		int e;

		piece = piece < free_bytes ? piece : free_bytes;
		e = mm_memblock_alloc_range(mb, piece, MM_PAGE_SIZE, 0, CURRENT_LIMIT, MM_NODE_NONE, false, &at);
		if (e == -ENOMEM)
			return e;
		if (!e)
			free_bytes -= piece;
		else
			piece = piece / 2 / MM_PAGE_SIZE * MM_PAGE_SIZE;
	}
	return 0;
}

int mm_boot_reserve(struct mm_phys *phys, struct mm_memblock *mb, const struct mm_phys_config *cfg)
{
	const struct mm_boot_facts *boot = cfg->regions->boot;

	if (mm_memblock_reserve(mb, 0, 1 << 20) || reserve_nested(mb, cfg->regions))
		return -ENOMEM;
	if (boot && (reserve_kernel(mb, cfg) || reserve_node_data(phys, mb, boot)))
		return -ENOMEM;
	for (uint32_t n = 0; n < MM_MAX_NODES; n++)
		if (phys->nodes[n] && reserve_page_map(phys, mb, n))
			return -ENOMEM;
	if (reserve_hashes(phys, mb) || reserve_swiotlb(phys, mb))
		return -ENOMEM;
	return boot && !cfg->mem_limit_bytes ? reserve_rest(mb, boot->managed_bytes) : 0;
}
