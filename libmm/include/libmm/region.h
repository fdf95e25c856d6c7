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
	bool hotplug;			/* RAM that the firmware calls removable (movable_node) */
	char *name;			/* owned by the list */
};

/* What a source tells of the boot beside the map; all zero: nothing. */
struct mm_boot_facts {
	/* parameters of the kernel's command line */
	uint64_t kernelcore_bytes, movablecore_bytes;
	uint64_t kernelcore_percent, movablecore_percent;
	bool kernelcore_mirror, movable_node;
	uint64_t ramdisk_addr;		/* physical address of the initrd, 0 none */
	/* what the log says was taken or left: bytes */
	uint64_t managed_bytes;		/* all that the page allocator got in the end */
	uint64_t kernel_bytes;		/* text and data of the kernel that stay */
	uint64_t node_data_bytes;	/* of each node */
	uint64_t percpu_bytes;		/* of each CPU */
	/* NUMA */
	uint32_t nr_cpus;		/* that have an entry in cpu_node; 0 unknown */
	uint32_t nr_distance;		/* node_distance is nr_distance x nr_distance; 0 unknown */
	uint8_t cpu_node[MM_MAX_CPUS];
	uint8_t node_distance[MM_MAX_NODES * MM_MAX_NODES];
};

struct mm_region_list {
	struct mm_region *v;
	size_t nr, cap;
	struct mm_boot_facts *boot;	/* owned by the list; NULL: nothing is known */
};

/* "ram", "reserved", ...: the words of column kind; and of a name in /proc/iomem what it stands for. */
const char *mm_region_kind_word(enum mm_region_kind kind);
int mm_region_kind_parse(struct mm_str word);			/* enum or -EINVAL */
enum mm_region_kind mm_region_kind_of_name(struct mm_str iomem_name);

/* copies the name; 0 or -ENOMEM */
int mm_region_list_add(struct mm_region_list *l, const struct mm_region *r, struct mm_str name);
/* The list's facts of the boot, made empty at the first call; they stay the list's.  NULL: out of memory. */
struct mm_boot_facts *mm_region_list_boot(struct mm_region_list *l);
void mm_region_list_free(struct mm_region_list *l);

#endif /* LIBMM_REGION_H */
