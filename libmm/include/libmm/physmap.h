/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libmm/physmap.h - the physical address space of a machine, looked at: no page is simulated
 */
#ifndef LIBMM_PHYSMAP_H
#define LIBMM_PHYSMAP_H

#include <libmm/error.h>
#include <libmm/output.h>
#include <libmm/region.h>
#include <libmm/sysctl.h>
#include <libmm/table.h>
#include <libmm/zoneinfo.h>

enum { MM_PHYSMAP_MAX_DIMMS = 64 };

struct mm_physmap_config {
	const struct mm_region_list *regions;	/* the map; empty when only zones are known */
	const struct mm_zoneinfo *zoneinfo;	/* of a capture, or NULL: zones follow from the map */
	uint32_t page_size;			/* bytes; 0: 4096. Zones of another one follow from a capture alone */
	struct mm_sysctls sysctl;
	uint64_t mem_limit_bytes;		/* as mem=, 0 none */
	/* kernelcore= and movablecore=, bytes or percent of RAM; all 0: as regions->boot says */
	uint64_t kernelcore_bytes, movablecore_bytes;
	uint64_t kernelcore_percent, movablecore_percent;
	bool movable_node;			/* removable RAM is movable */
	uint32_t nr_cpus;			/* 1 .. MM_MAX_CPUS */
	uint64_t dimm_bytes[MM_PHYSMAP_MAX_DIMMS];
	size_t nr_dimms;			/* 0: one that holds all RAM there is */
	bool indent_names;			/* table regions: nested names stand further in, for people */
	/* granule of channel interleave, a power of two; 0: one DIMM after the other */
	uint64_t interleave_bytes;
};

struct mm_physmap;

/* @cfg is copied, its lists stay the caller's and must outlive the map. 0 or -ENOMEM with @err. */
int mm_physmap_new(struct mm_physmap **pmp, const struct mm_physmap_config *cfg, struct mm_error *err);
void mm_physmap_free(struct mm_physmap *pm);

struct mm_physmap_table {
	struct mm_table table;
	/*
	 * Give every row to @w; 0, -ENOMEM, or -EINVAL with @err when the map does not tell it (no RAM; DIMMs
	 * that do not fit).
	 */
	int (*rows)(const struct mm_physmap *pm, struct mm_table_writer *w, struct mm_error *err);
};

extern const struct mm_physmap_table mm_physmap_regions, mm_physmap_ram, mm_physmap_holes, mm_physmap_zones,
	mm_physmap_nodes, mm_physmap_summary, mm_physmap_dimms;

/* What is at one physical address, outermost region first: region, pfn, section, node, zone, dimm. */
extern const struct mm_table mm_physmap_lookup_table;
/* Each as a row of that table to @w.  0. */
int mm_physmap_lookup(const struct mm_physmap *pm, uint64_t addr, struct mm_table_writer *w, struct mm_error *err);

/* The address space as a picture, one line a top-level region or hole, @width columns (0: 80); errors stick to @out.  0. */
int mm_physmap_draw(const struct mm_physmap *pm, struct mm_output *out, uint32_t width);

#endif /* LIBMM_PHYSMAP_H */
