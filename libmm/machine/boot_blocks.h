/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* machine/boot_blocks.h - the free pages of a captured machine, between the files that make them */
#ifndef MACHINE_BOOT_BLOCKS_H
#define MACHINE_BOOT_BLOCKS_H

#include <libmm/buddyinfo.h>
#include <libmm/source.h>
#include <libmm/zoneinfo.h>
#include "machine/machine.h"

/* All are of a machine that was booted without free pages (mm_phys_config.no_free). */

/*
 * boot_kpageflags.c: those of the sysroot's proc/kpageflags; their migrate types as proc/pagetypeinfo counts them where it
 * agrees, else all movable.  0 or -errno with @err.
 */
int mm_machine_boot_kpageflags(struct mm_machine *m, const struct mm_sysroot *root, struct mm_error *err);
/*
 * boot_blocks.c: as many free blocks as @m->captured counts by type, or else in all, in each zone as many pages as its zones
 * say.  False when they have no room or do not agree, which is counted: then all is to be booted anew.
 */
bool mm_machine_boot_blocks(struct mm_machine *m);

/* The zone of a row; NULL: the machine has none of this name. */
struct mm_zone *mm_zone_of_capture(struct mm_phys *phys, uint32_t node, const char *name);
int mm_migratetype_of_name(const char *name);		/* -1: none */

#endif /* MACHINE_BOOT_BLOCKS_H */
