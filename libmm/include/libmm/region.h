/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libmm/region.h - plain rows of the physical address space, as sources read them
 */
#ifndef LIBMM_REGION_H
#define LIBMM_REGION_H

#include <libmm/types.h>

enum mm_region_kind {
	MM_REGION_RAM,			/* System RAM, E820 usable */
	MM_REGION_RESERVED,
	MM_REGION_ACPI,			/* ACPI tables: reclaimable */
	MM_REGION_NVS,			/* ACPI non-volatile storage */
	MM_REGION_PMEM,			/* persistent memory */
	MM_REGION_UNUSABLE,
	MM_REGION_ROM,
	MM_REGION_MMIO,			/* a device, a bus window */
	MM_REGION_KERNEL,		/* part of RAM that the kernel image takes */
	MM_REGION_OTHER,
	MM_NR_REGION_KINDS
};

struct mm_region {
	uint64_t start;			/* physical address */
	uint64_t end;			/* last byte, inclusive, as /proc/iomem */
	uint32_t depth;			/* nesting, 0 outermost */
	uint32_t node;			/* NUMA node, 0 when nothing is said */
	uint8_t kind;			/* enum mm_region_kind */
	char *name;			/* owned by the list */
};

struct mm_region_list {
	struct mm_region *v;
	size_t nr, cap;
};

/* "ram", "reserved", ...: the words of column kind; and of a name in /proc/iomem what it stands for. */
const char *mm_region_kind_word(enum mm_region_kind kind);
int mm_region_kind_parse(struct mm_str word);			/* enum or -EINVAL */
enum mm_region_kind mm_region_kind_of_name(struct mm_str iomem_name);

/* copies the name; 0 or -ENOMEM */
int mm_region_list_add(struct mm_region_list *l, const struct mm_region *r, struct mm_str name);
void mm_region_list_free(struct mm_region_list *l);

#endif /* LIBMM_REGION_H */
