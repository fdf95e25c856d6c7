/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * machine/physmap.h - between the files that look at the physical address space
 */
#ifndef MACHINE_PHYSMAP_H
#define MACHINE_PHYSMAP_H

#include <libmm/physmap.h>
#include "phys/ctx.h"
#include "phys/phys.h"

struct mm_range {
	uint64_t start, end;		/* inclusive */
};

struct mm_ranges {
	struct mm_range *v;
	size_t nr, cap;
};

struct mm_physmap {
	struct mm_physmap_config cfg;
	struct mm_ctx ctx;
	struct mm_phys *phys;		/* nodes, zones and watermarks only; NULL: see phys_err */
	struct mm_error phys_err;
	size_t *ram;			/* regions of RAM that lie in no other RAM, by their number in the list */
	size_t nr_ram;
	struct mm_ranges covered;	/* by top-level regions: sorted, joined where they touch */
	struct mm_ranges holes;
};

/* Bytes of [start, end]; 2^64 is UINT64_MAX. */
static inline uint64_t mm_range_bytes(uint64_t start, uint64_t end)
{
	return end - start == UINT64_MAX ? UINT64_MAX : end - start + 1;
}

/* Where DRAM lies in DIMMs (physmap_dimm.c). */
struct mm_dimm_place {
	uint64_t dimm;			/* number, from 0 */
	/* inclusive: physical addresses that this place serves, by turns when ways > 1 */
	uint64_t start, end;
	uint64_t dimm_start, dimm_end;	/* inclusive: bytes of the DIMM */
	uint64_t ways, granule_bytes;	/* interleave: 1 and 0 when none */
	bool remapped;			/* RAM that the hole below 4 GiB hides, given above 4 GiB */
};

/* Call @fn for each place of each range of RAM, in ascending order. 0, what @fn returned, or -EINVAL with @err. */
int mm_physmap_each_place(const struct mm_physmap *pm, int (*fn)(void *arg, const struct mm_dimm_place *p), void *arg,
			  struct mm_error *err);
/* The DIMM and the byte in it of a physical address; false: no DIMM answers there. */
bool mm_physmap_dimm_of(const struct mm_physmap *pm, uint64_t addr, uint64_t *dimm, uint64_t *offset);

#endif /* MACHINE_PHYSMAP_H */
