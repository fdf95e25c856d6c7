/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Tables of the physical address space: regions, ram, holes, and where the
 * RAM went.
 */
#include <stdio.h>

#include "base/minmax.h"
#include "machine/physmap.h"

enum { MAX_INDENT = 32 };

struct region_row {
	uint64_t start, end, size_bytes, depth, node;
	const char *kind, *name;
};

#define COL(field, type, help)	MM_COLUMN(struct region_row, field, type, help)
static const struct mm_column region_columns[] = {
	COL(start, MM_COL_HEX, "first physical address"),
	COL(end, MM_COL_HEX, "last physical address, inclusive; empty: the last there is"),
	COL(size_bytes, MM_COL_BYTES, "size"),
	COL(depth, MM_COL_U64, "nesting: 0 outermost; what is nested follows what holds it"),
	COL(node, MM_COL_U64, "NUMA node of RAM, 0 where nothing is said"),
	COL(kind, MM_COL_STR, "ram, reserved, acpi, nvs, pmem, unusable, rom, mmio, kernel, other"),
	COL(name, MM_COL_STR, "as /proc/iomem says"),
};
static const struct mm_column ram_columns[] = {
	COL(start, MM_COL_HEX, "first physical address"),
	COL(end, MM_COL_HEX, "last physical address, inclusive; empty: the last there is"),
	COL(size_bytes, MM_COL_BYTES, "size"),
	COL(node, MM_COL_U64, "NUMA node, 0 where nothing is said"),
	COL(name, MM_COL_STR, "as /proc/iomem says"),
};
static const struct mm_column hole_columns[] = {
	COL(start, MM_COL_HEX, "first physical address"),
	COL(end, MM_COL_HEX, "last physical address, inclusive; empty: the last there is"),
	COL(size_bytes, MM_COL_BYTES, "size"),
};

static struct region_row region_row(const struct mm_region *r)
{
	return (struct region_row){
		.start = r->start, .end = r->end, .size_bytes = mm_range_bytes(r->start, r->end), .depth = r->depth,
		.node = r->node, .kind = mm_region_kind_word((enum mm_region_kind)r->kind), .name = r->name,
	};
}

static int regions_rows(const struct mm_physmap *pm, struct mm_table_writer *w, struct mm_error *err)
{
	(void)err;
	for (size_t i = 0; i < pm->cfg.regions->nr; i++) {
		struct region_row row = region_row(&pm->cfg.regions->v[i]);
		int blanks = pm->cfg.indent_names ? (int)(2 * row.depth < MAX_INDENT ? 2 * row.depth : MAX_INDENT) : 0;
		char name[256];

		if (blanks) {
			snprintf(name, sizeof(name), "%*s%s", blanks, "", row.name);
			row.name = name;
		}
		mm_table_writer_row(w, &row);
	}
	return 0;
}

static int ram_rows(const struct mm_physmap *pm, struct mm_table_writer *w, struct mm_error *err)
{
	(void)err;
	for (size_t i = 0; i < pm->nr_ram; i++) {
		struct region_row row = region_row(&pm->cfg.regions->v[pm->ram[i]]);

		mm_table_writer_row(w, &row);
	}
	return 0;
}

static int holes_rows(const struct mm_physmap *pm, struct mm_table_writer *w, struct mm_error *err)
{
	(void)err;
	for (size_t i = 0; i < pm->holes.nr; i++) {
		const struct mm_range *r = &pm->holes.v[i];
		struct region_row row = { .start = r->start, .end = r->end,
			.size_bytes = mm_range_bytes(r->start, r->end) };

		mm_table_writer_row(w, &row);
	}
	return 0;
}

/* ---- where the RAM went ------------------------------------------------- */

struct summary_row {
	const char *item;
	uint64_t size_bytes;
	const char *meaning;
};

static const struct mm_column summary_columns[] = {
	MM_COLUMN(struct summary_row, item, MM_COL_STR, "what"),
	MM_COLUMN(struct summary_row, size_bytes, MM_COL_BYTES, "how much"),
	MM_COLUMN(struct summary_row, meaning, MM_COL_STR, "in words"),
};

/* Sums over the map, saturating. */
struct sums {
	uint64_t kind[MM_NR_REGION_KINDS];	/* of top-level regions, less what of them is RAM */
	uint64_t ram, ram_low, ram_high;	/* below and above 4 GiB */
	uint64_t kernel;			/* the kernel's image inside RAM */
	uint64_t kept;				/* reserved inside RAM */
	uint64_t holes;
};

static void add(uint64_t *sum, uint64_t n) { *sum = mm_add_saturated(*sum, n); }

/* What is reserved inside of RAM, each byte once: regions are in order, each before those inside of it. */
static uint64_t kept_of_ram(const struct mm_region_list *regions)
{
	uint64_t ram_end = 0, done = 0, sum = 0;

	for (size_t i = 0; i < regions->nr; i++) {
		const struct mm_region *r = &regions->v[i];
		uint64_t start = r->start > done ? r->start : done, end = r->end < ram_end ? r->end : ram_end;

		if (r->kind == MM_REGION_RAM) {
			ram_end = r->end;
		} else if (r->depth && r->kind == MM_REGION_RESERVED && r->start < ram_end && start <= end) {
			add(&sum, mm_range_bytes(start, end));
			done = end == UINT64_MAX ? end : end + 1;
		}
	}
	return sum;
}

/* The kind of the outermost region around the @i'th. */
static uint8_t kind_around(const struct mm_region_list *regions, size_t i)
{
	while (i && regions->v[i].depth)
		i--;
	return regions->v[i].kind;
}

static void sum_map(const struct mm_physmap *pm, struct sums *s)
{
	const uint64_t four_g = 1ull << 32;

	s->kept = kept_of_ram(pm->cfg.regions);
	for (size_t i = 0; i < pm->cfg.regions->nr; i++) {
		const struct mm_region *r = &pm->cfg.regions->v[i];

		if (!r->depth)
			add(&s->kind[r->kind], mm_range_bytes(r->start, r->end));
		else if (r->kind == MM_REGION_KERNEL)
			add(&s->kernel, mm_range_bytes(r->start, r->end));
	}
	for (size_t i = 0; i < pm->nr_ram; i++) {
		const struct mm_region *r = &pm->cfg.regions->v[pm->ram[i]];
		uint8_t around = kind_around(pm->cfg.regions, pm->ram[i]);

		if (around != MM_REGION_RAM)	/* memory of CXL or a persistent one that was plugged in as RAM (dax/kmem) */
			s->kind[around] -= mm_min_u64(s->kind[around], mm_range_bytes(r->start, r->end));
		add(&s->ram, mm_range_bytes(r->start, r->end));
		if (r->start < four_g)
			add(&s->ram_low, mm_range_bytes(r->start, r->end < four_g ? r->end : four_g - 1));
		if (r->end >= four_g)
			add(&s->ram_high, mm_range_bytes(r->start > four_g ? r->start : four_g, r->end));
	}
	for (size_t i = 0; i < pm->holes.nr; i++)
		add(&s->holes, mm_range_bytes(pm->holes.v[i].start, pm->holes.v[i].end));
}

static void summary_row(struct mm_table_writer *w, const char *item, uint64_t bytes, const char *meaning)
{
	struct summary_row row = { item, bytes, meaning };

	mm_table_writer_row(w, &row);
}

static void map_summary(const struct mm_physmap *pm, struct mm_table_writer *w)
{
	struct sums s = { 0 };

	if (!pm->cfg.regions->nr)
		return;
	sum_map(pm, &s);
	summary_row(w, "ram", s.ram, "RAM that the firmware gives to the system");
	summary_row(w, "ram_below_4g", s.ram_low, "of it below 4 GiB");
	summary_row(w, "ram_above_4g", s.ram_high, "of it above 4 GiB");
	summary_row(w, "reserved", s.kind[MM_REGION_RESERVED], "kept by the firmware");
	summary_row(w, "acpi", s.kind[MM_REGION_ACPI], "ACPI tables");
	summary_row(w, "nvs", s.kind[MM_REGION_NVS], "ACPI memory that lasts over sleep");
	summary_row(w, "pmem", s.kind[MM_REGION_PMEM], "persistent memory");
	summary_row(w, "unusable", s.kind[MM_REGION_UNUSABLE], "RAM known to be bad");
	summary_row(w, "mmio", s.kind[MM_REGION_MMIO], "devices and bus windows");
	summary_row(w, "rom", s.kind[MM_REGION_ROM], "read-only memory");
	summary_row(w, "other", s.kind[MM_REGION_OTHER], "of a type the kernel does not name");
	summary_row(w, "holes", s.holes, "addresses where nothing is, up to the last region");
	summary_row(w, "kernel_image", s.kernel, "RAM that holds the kernel's code and data");
	summary_row(w, "kept_in_ram", s.kept, "RAM kept for a crash kernel, or otherwise reserved in its midst");
}

static int summary_rows(const struct mm_physmap *pm, struct mm_table_writer *w, struct mm_error *err)
{
	uint64_t present = 0, managed = 0;

	if (!pm->phys) {
		*err = pm->phys_err;
		return err->code;
	}
	map_summary(pm, w);
	for (uint32_t n = 0; n < MM_MAX_NODES; n++)
		for (int i = 0; pm->phys->nodes[n] && i < MM_MAX_NR_ZONES; i++) {
			present += pm->phys->nodes[n]->zones[i].present_pages;
			managed += pm->phys->nodes[n]->zones[i].managed_pages;
		}
	summary_row(w, "present", present * pm->cfg.page_size, "whole pages of RAM that the kernel's zones have");
	summary_row(w, "taken_at_boot", (present - managed) * pm->cfg.page_size,
		    pm->cfg.zoneinfo
		    ? "of them not the page allocator's: taken before it started, or given back by a balloon"
				     : "of them taken before the page allocator starts: first MiB, image, page map, hash tables");
	summary_row(w, "managed", managed * pm->cfg.page_size, "of them the page allocator's");
	summary_row(w, "min_free", pm->phys->min_free_kbytes * 1024,
		    "kept free for requests that free memory (vm.min_free_kbytes)");
	return 0;
}

const struct mm_physmap_table mm_physmap_regions = {
	MM_TABLE("regions", region_columns, "every region of the physical address space; read back with -M"),
	regions_rows,
};
const struct mm_physmap_table mm_physmap_ram = { MM_TABLE("ram", ram_columns, "ranges of RAM"), ram_rows };
const struct mm_physmap_table mm_physmap_holes = {
	MM_TABLE("holes", hole_columns, "ranges that no region covers, up to the last region"), holes_rows,
};
const struct mm_physmap_table mm_physmap_summary = { MM_TABLE("summary", summary_columns, "where the RAM went"),
	summary_rows };
