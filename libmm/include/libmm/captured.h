/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libmm/captured.h - what a captured machine begins with: zones and free blocks, from its files or from rows of a trace
 *
 * A row "zone" tells one number of a zone, by name: NODE/ZONE/FACT.
 *
 *	0/DMA32/managed_pages			the numbers of zoneinfo that booting asks for
 *	0/DMA32/protection_pages		several, with blanks between them
 *	0/DMA32/free_blocks/Movable/3		free blocks of a migrate type and order, of pagetypeinfo
 *	0/DMA32/free_blocks/3			of all types, of buddyinfo
 *	0/DMA32/pageblocks/Movable		pageblocks of a type
 *	pageblock_order				of all zones, where it is not MM_PAGEBLOCK_ORDER
 *
 * What files do not tell has no row.  A count behind which there are more ("pages free >100000") keeps the ">".
 */
#ifndef LIBMM_CAPTURED_H
#define LIBMM_CAPTURED_H

#include <libmm/buddyinfo.h>
#include <libmm/source.h>
#include <libmm/trace.h>
#include <libmm/zoneinfo.h>

struct mm_captured {
	struct mm_zoneinfo zones;	/* proc/zoneinfo; none: there is no such file */
	struct mm_buddyinfo types;	/* proc/pagetypeinfo */
	struct mm_buddyinfo blocks;	/* proc/buddyinfo, where types are not told or not counted to their end */
	bool has_blocks;		/* there is one of the two files, be it empty */
	bool of_rows;			/* a row was added */
};

/*
 * Read the zones, or the free blocks, of a sysroot into @c, which is zeroed by the caller, who frees it with
 * mm_captured_free(), after an error too.  A file that is not there, or is not for us to read, is no error, nor is an empty
 * one of free blocks, as copies of what is root's alone are.  0 or -errno with @err.
 */
int mm_captured_read_zones(struct mm_captured *c, const struct mm_sysroot *root, struct mm_error *err);
int mm_captured_read_blocks(struct mm_captured *c, const struct mm_sysroot *root, struct mm_error *err);
void mm_captured_free(struct mm_captured *c);

/* All of it as rows, each given to @row; a row's texts are valid during the call.  Without zones there is none. */
void mm_captured_rows(const struct mm_captured *c, void (*row)(const struct mm_event *ev, void *arg), void *arg);
/*
 * What row @ev tells, into @c.  0; 1: a fact of a zone that is not known, and nothing was taken; -EINVAL with @err: the name is none,
 * the result no such number, it was told before, or is more than it can be beside what was told; -EFBIG; -ENOMEM.
 */
int mm_captured_add(struct mm_captured *c, const struct mm_event *ev, struct mm_error *err);

/*
 * What is known of the boot beside the map, as rows "boot" (name, result): the numbers of struct mm_boot_facts by name, and of
 * each node NODE/cpus and NODE/distance, numbers with blanks between them.  Likewise.
 */
void mm_captured_boot_rows(const struct mm_boot_facts *f, void (*row)(const struct mm_event *ev, void *arg), void *arg);
int mm_captured_add_boot(struct mm_boot_facts *f, const struct mm_event *ev, struct mm_error *err);

#endif /* LIBMM_CAPTURED_H */
