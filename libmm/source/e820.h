/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * source/e820.h - the firmware's map while it is being read, and what nodes are laid over it
 */
#ifndef SOURCE_E820_H
#define SOURCE_E820_H

#include <libmm/source.h>

/* The kernel has room for 320 entries and 128 blocks; changes cost their number. */
enum { MM_E820_WORD = 24, MM_E820_MAX = 1024, MM_SRAT_MAX = 512 };

struct mm_e820_entry {
	uint64_t start, end;		/* last byte, inclusive */
	char word[MM_E820_WORD];	/* as the kernel prints the type: "usable" */
};

struct mm_e820 {
	struct mm_e820_entry *v;
	size_t nr, cap;
};

struct mm_srat_block {
	uint64_t start, end;		/* last byte, inclusive */
	uint32_t node;
};

struct mm_srat {
	struct mm_srat_block *v;
	size_t nr, cap;
};

/* All: 0, -ENOMEM or -EFBIG (too many entries). */
int mm_e820_add(struct mm_e820 *m, uint64_t start, uint64_t end, struct mm_str word);
/* What is @from in [start, end] becomes @to; an empty @from is any type, an empty @to takes it out. */
int mm_e820_change(struct mm_e820 *m, uint64_t start, uint64_t end, struct mm_str from, struct mm_str to);
/* Add an entry over the others: where two overlap the type with the greater number holds (e820__range_add()). */
int mm_e820_overlay(struct mm_e820 *m, uint64_t start, uint64_t end, struct mm_str word);
/* Sort; entries of one type that touch or overlap become one (e820__update_table()). */
void mm_e820_merge(struct mm_e820 *m);

int mm_srat_add(struct mm_srat *s, uint64_t start, uint64_t end, uint32_t node);
/*
 * Blocks without RAM go, blocks of one node with nothing of another between
 * become one (numa_cleanup_meminfo()). False: the kernel would not use them
 * (two nodes overlap; a MiB of RAM or more is in none), then there is one node.
 */
bool mm_srat_cleanup(struct mm_srat *s, const struct mm_e820 *m);

/* The regions of @m, RAM split where the node changes or @hotplug begins or ends, appended to @l. 0 or -ENOMEM. */
int mm_e820_regions(const struct mm_e820 *m, const struct mm_srat *nodes, const struct mm_srat *hotplug,
		    struct mm_region_list *l);

#endif /* SOURCE_E820_H */
