/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Everything at one physical address, and the whole address space as a picture.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "machine/physmap.h"
#include "phys/pfn_walk.h"

enum { SECTION_SHIFT = 27 };

struct lookup_row {
	const char *item, *name;
	uint64_t start, end, offset_bytes;
};

#define COL(field, type, help)	MM_COLUMN(struct lookup_row, field, type, help)
static const struct mm_column columns[] = {
	COL(item, MM_COL_STR, "region (outermost first), hole, pfn, section, node, zone, dimm"),
	COL(name, MM_COL_STR, "its name or number"),
	COL(start, MM_COL_HEX, "first address of it (dimm: of the DIMM)"),
	COL(end, MM_COL_HEX, "last address of it, inclusive; empty: the last there is"),
	COL(offset_bytes, MM_COL_HEX, "how far in it the address lies"),
};
const struct mm_table mm_physmap_lookup_table = MM_TABLE("lookup", columns, "what is at the address of --lookup");

static void row(struct mm_table_writer *w, const char *item, const char *name, uint64_t start, uint64_t end,
		uint64_t addr)
{
	struct lookup_row r = { item, name, start, end, addr - start };

	mm_table_writer_row(w, &r);
}

static void row_number(struct mm_table_writer *w, const char *item, uint64_t number, uint64_t start, uint64_t end,
		       uint64_t addr)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, number);
	row(w, item, text, start, end, addr);
}

static void region_rows(const struct mm_physmap *pm, uint64_t addr, struct mm_table_writer *w)
{
	for (size_t i = 0; i < pm->cfg.regions->nr; i++) {
		const struct mm_region *r = &pm->cfg.regions->v[i];

		if (addr >= r->start && addr <= r->end)
			row(w, "region", r->name, r->start, r->end, addr);
	}
	for (size_t i = 0; i < pm->holes.nr; i++)
		if (addr >= pm->holes.v[i].start && addr <= pm->holes.v[i].end)
			row(w, "hole", "", pm->holes.v[i].start, pm->holes.v[i].end, addr);
}

/* Is the page RAM of this node?  Spans of nodes may overlap, present pages do not. */
static bool is_present(const struct mm_phys *phys, uint32_t node, uint64_t pfn)
{
	const struct mm_page_range *r = mm_present_range(phys, pfn);

	if (!phys->nr_present)		/* zones of a capture without a map */
		return true;
	return r && r->start_pfn <= pfn && r->node == node;
}

static void zone_rows(const struct mm_phys *phys, uint64_t addr, uint64_t page_size, struct mm_table_writer *w)
{
	uint64_t pfn = addr / page_size;

	for (uint32_t n = 0; n < MM_MAX_NODES; n++)
		for (int i = 0; phys->nodes[n] && i < MM_MAX_NR_ZONES; i++) {
			const struct mm_node *node = phys->nodes[n];
			const struct mm_zone *z = &node->zones[i];

			if (pfn < z->start_pfn || pfn - z->start_pfn >= z->spanned_pages || !is_present(phys, n, pfn))
				continue;
			row_number(w, "node", n, node->start_pfn * page_size,
				   (node->start_pfn + node->spanned_pages) * page_size - 1, addr);
			row(w, "zone", mm_zone_type_name((enum mm_zone_type)i), z->start_pfn * page_size,
			    (z->start_pfn + z->spanned_pages) * page_size - 1, addr);
		}
}

int mm_physmap_lookup(const struct mm_physmap *pm, uint64_t addr, struct mm_table_writer *w, struct mm_error *err)
{
	uint64_t page_size = pm->cfg.page_size, dimm, offset, page = addr & ~(page_size - 1),
		section = addr >> SECTION_SHIFT << SECTION_SHIFT;
	bool is_ram = false;

	(void)err;
	region_rows(pm, addr, w);
	row_number(w, "pfn", addr / page_size, page, page + page_size - 1, addr);
	if (page_size == MM_PAGE_SIZE)		/* other page sizes are of architectures with other sections */
		row_number(w, "section", addr >> SECTION_SHIFT, section, section + ((1ull << SECTION_SHIFT) - 1), addr);
	if (pm->phys)
		zone_rows(pm->phys, addr, page_size, w);
	for (size_t i = 0; i < pm->nr_ram; i++) {
		const struct mm_region *r = &pm->cfg.regions->v[pm->ram[i]];

		is_ram = is_ram || (addr >= r->start && addr <= r->end);
	}
	if (is_ram && mm_physmap_dimm_of(pm, addr, &dimm, &offset)) {
		char text[24];

		snprintf(text, sizeof(text), "%" PRIu64, dimm);
		mm_table_writer_row(w, &(struct lookup_row){ "dimm", text, offset, offset, 0 });
	}
	return 0;
}

/* ---- the picture -------------------------------------------------------- */

/* 64K, 1.5G: at most one decimal, cut. */
static void short_size(char text[32], uint64_t bytes)
{
	static const char units[] = "BKMGTPE";
	uint64_t tenths = 0;
	size_t u = 0;

	while (bytes >= 1024 && u + 2 < sizeof(units)) {
		tenths = bytes % 1024 * 10 / 1024;
		bytes /= 1024;
		u++;
	}
	if (tenths && bytes < 100)
		snprintf(text, 32, "%" PRIu64 ".%" PRIu64 "%c", bytes, tenths, units[u]);
	else
		snprintf(text, 32, "%" PRIu64 "%c", bytes, units[u]);
}

/* A bar whose length grows with the logarithm of the size: a 4 KiB table and a 1 TiB window both have room. */
static uint32_t bar_length(uint64_t bytes, uint32_t room)
{
	uint32_t log = 0;

	while (bytes >>= 1)
		log++;
	log = log > 10 ? log - 10 : 0;		/* 1 KiB: nothing; 1 TiB: 30 */
	return (log > 32 ? 32 : log) * room / 32 + 1;
}

static const char kind_mark[MM_NR_REGION_KINDS] = {
	[MM_REGION_RAM] = '#', [MM_REGION_RESERVED] = 'r', [MM_REGION_ACPI] = 'a', [MM_REGION_NVS] = 'n',
	[MM_REGION_PMEM] = 'p',
	[MM_REGION_UNUSABLE] = 'x', [MM_REGION_ROM] = 'o', [MM_REGION_MMIO] = 'm', [MM_REGION_KERNEL] = 'k',
	[MM_REGION_OTHER] = '?',
};

static void draw_line(struct mm_output *out, uint64_t start, uint64_t end, char mark, const char *name, uint32_t width)
{
	uint32_t room = width > 78 ? width - 50 : 28, len = bar_length(mm_range_bytes(start, end), room);
	char size[32], bar[128];

	room = room < sizeof(bar) - 1 ? room : (uint32_t)sizeof(bar) - 1;
	len = len < room ? len : room;
	memset(bar, ' ', room);
	memset(bar, mark, len);
	bar[room] = 0;
	short_size(size, mm_range_bytes(start, end));
	mm_output_printf(out, "%16" PRIx64 " |%s| %7s  %s\n", start, bar, size, name);
}

int mm_physmap_draw(const struct mm_physmap *pm, struct mm_output *out, uint32_t width)
{
	const struct mm_region_list *l = pm->cfg.regions;
	size_t hole = 0;

	for (size_t i = 0; i < l->nr; i++) {
		const struct mm_region *r = &l->v[i];

		if (r->depth)
			continue;
		for (; hole < pm->holes.nr && pm->holes.v[hole].start < r->start; hole++)
			draw_line(out, pm->holes.v[hole].start, pm->holes.v[hole].end, '.', "", width ? width : 80);
		draw_line(out, r->start, r->end, kind_mark[r->kind], r->name, width ? width : 80);
	}
	mm_output_printf(out, "\n# RAM  k kernel  r reserved  a ACPI tables  n ACPI NVS  p persistent  x unusable  o ROM  m device"
			 "  ? other  . nothing; a bar's length is the logarithm of the size\n");
	return 0;
}
