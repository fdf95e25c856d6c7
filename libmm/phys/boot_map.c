/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From the firmware's map to memblock.memory, as x86 does it.
 *
 *   firmware   |usable  9fbff|rsv|   |rsv|usable ......... bffdcfff|rsv|
 *   kernel    4k|usable 9f000|           |usable ......... bffdd000|
 *
 * What says usable is added first and joined where it touches, so that a page
 * cut in two by entries of the same kind stays whole; what the firmware says of
 * the same bytes otherwise wins (e820__update_table()); then the first page and
 * the BIOS area go (trim_bios_range()), mem= cuts by address, and what is left
 * of each piece is rounded inwards to pages.  Nodes are laid over it last.
 */
#include <errno.h>
#include <inttypes.h>

#include "phys/boot.h"

enum { BIOS_BEGIN = 0xa0000, BIOS_END = 0x100000, MAX_RAM_RANGES = 1 << 14 };

static uint64_t region_size(const struct mm_region *r)
{
	return r->end - r->start == UINT64_MAX ? UINT64_MAX : r->end - r->start + 1;
}

static int check_region(const struct mm_region *r, struct mm_error *err)
{
	if (r->end < r->start)
		return mm_error_set(err, -EINVAL,
				    "expected a region that ends after it begins, found 0x%" PRIx64 "-0x%" PRIx64,
				    r->start, r->end);
	if (r->kind == MM_REGION_RAM && r->node >= MM_MAX_NODES)
		return mm_error_set(err, -EINVAL, "expected a node below %d, found %" PRIu32, (int)MM_MAX_NODES,
				    r->node);
	return 0;
}

/*
 * Call @fn for each region of RAM that lies in no other region of RAM: a list in
 * the order of /proc/iomem, where what is nested follows its parent.
 */
static int each_ram(const struct mm_region_list *l, bool nested, uint32_t depth_max,
		    int (*fn)(struct mm_memblock *, const struct mm_region *), struct mm_memblock *mb)
{
	uint32_t inside = UINT32_MAX;	/* depth of the RAM that we are in */

	for (size_t i = 0; i < l->nr; i++) {
		const struct mm_region *r = &l->v[i];

		if (r->depth > inside)
			continue;
		inside = r->kind == MM_REGION_RAM ? r->depth : UINT32_MAX;
		if (r->kind == MM_REGION_RAM && r->depth <= depth_max && (!nested || r->depth) && fn(mb, r))
			return -ENOMEM;
	}
	return 0;
}

static int add_ram(struct mm_memblock *mb, const struct mm_region *r)
{
	return mm_memblock_add(mb, r->start, region_size(r));
}

static int set_hotplug(struct mm_memblock *mb, const struct mm_region *r)
{
	return r->hotplug ? mm_memblock_mark_hotplug(mb, r->start, region_size(r)) : 0;
}

static uint32_t node_of(const struct mm_memblock *mb, uint64_t addr)
{
	for (size_t i = 0; i < mb->memory.nr; i++)
		if (addr >= mb->memory.v[i].base && addr - mb->memory.v[i].base < mb->memory.v[i].size)
			return mb->memory.v[i].node;
	return MM_NODE_NONE;
}

/* Memory of a node that the kernel lies in is not removable (numa_clear_kernel_node_hotplug()). */
static int clear_kernel_node(struct mm_memblock *mb, uint64_t addr)
{
	uint32_t node = node_of(mb, addr);

	for (size_t i = 0; node != MM_NODE_NONE && i < mb->memory.nr; i++) {
		struct mm_memblock_region r = mb->memory.v[i];

		if (r.node != node || !(r.flags & MM_MEMBLOCK_HOTPLUG))
			continue;
		if (mm_memblock_clear_hotplug(mb, r.base, r.size))
			return -ENOMEM;
		i = (size_t)-1;		/* regions may have been merged */
	}
	return 0;
}

/* movable_node: which RAM is removable. */
static int mark_hotplug(struct mm_memblock *mb, const struct mm_phys_config *cfg)
{
	const struct mm_region_list *l = cfg->regions;

	if (!(cfg->movable_node || (l->boot && l->boot->movable_node)) || !mb->memory.nr)
		return 0;
	if (each_ram(l, false, UINT32_MAX, set_hotplug, mb) || clear_kernel_node(mb, mb->memory.v[0].base) ||
	    (l->boot && l->boot->ramdisk_addr && clear_kernel_node(mb, l->boot->ramdisk_addr)))
		return -ENOMEM;
	for (size_t i = 0; i < l->nr; i++)
		if (l->v[i].kind == MM_REGION_KERNEL && clear_kernel_node(mb, l->v[i].start))
			return -ENOMEM;
	return 0;
}

static int set_node(struct mm_memblock *mb, const struct mm_region *r)
{
	return mm_memblock_set_node(&mb->memory, r->start, region_size(r), r->node);
}

/* Usable entries, less what another entry says of the same bytes, and RAM that was plugged in below a device. */
static int add_regions(struct mm_memblock *mb, const struct mm_region_list *l)
{
	if (each_ram(l, false, 0, add_ram, mb))
		return -ENOMEM;
	for (size_t i = 0; i < l->nr; i++) {
		const struct mm_region *r = &l->v[i];

		if (!r->depth && r->kind != MM_REGION_RAM && mm_memblock_remove(mb, r->start, region_size(r)))
			return -ENOMEM;
	}
	return each_ram(l, true, UINT32_MAX, add_ram, mb);
}

static int trim(struct mm_memblock *mb, uint64_t mem_limit)
{
	if (mm_memblock_remove(mb, 0, MM_PAGE_SIZE) || mm_memblock_remove(mb, BIOS_BEGIN, BIOS_END - BIOS_BEGIN))
		return -ENOMEM;
	if (mem_limit && mm_memblock_remove(mb, mem_limit, UINT64_MAX - mem_limit))
		return -ENOMEM;
	mm_memblock_trim_memory(mb, MM_PAGE_SIZE);
	return 0;
}

int mm_boot_memblock(struct mm_memblock *mb, const struct mm_phys_config *cfg, struct mm_error *err)
{
	const struct mm_region_list *l = cfg->regions;
	const struct mm_memblock_region *last;
	size_t nr_ram = 0;
	int e;

	for (size_t i = 0; i < l->nr; i++) {
		e = check_region(&l->v[i], err);
		if (e)
			return e;
		nr_ram += l->v[i].kind == MM_REGION_RAM;
	}
	if (nr_ram > MAX_RAM_RANGES)
		return mm_error_set(err, -EFBIG, "expected at most %d ranges of RAM, found %zu", (int)MAX_RAM_RANGES,
				    nr_ram);
	if (add_regions(mb, l) || trim(mb, cfg->mem_limit_bytes) || each_ram(l, false, UINT32_MAX, set_node, mb) ||
	    mark_hotplug(mb, cfg))
		return mm_error_set(err, -ENOMEM, "out of memory");
	if (!mb->memory.nr)
		return mm_error_set(err, -EINVAL,
				    "expected a region of RAM of at least a page, found none in %zu regions", l->nr);
	last = &mb->memory.v[mb->memory.nr - 1];
	if ((last->base + last->size) >> MM_PAGE_SHIFT > MM_BOOT_MAX_PFN)
		return mm_error_set(err, -EINVAL, "expected RAM below 16 TiB, found it up to 0x%" PRIx64,
				    last->base + last->size - 1);
	return 0;
}
