/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * source/cmdline.h - boot parameters that shape memory and slabs, out of a kernel's command line
 */
#ifndef SOURCE_CMDLINE_H
#define SOURCE_CMDLINE_H

#include <libmm/region.h>
#include <libmm/sysctl.h>
#include "source/e820.h"

/*
 * kernelcore=, movablecore=, movable_node into @boot.  What the kernel would refuse is passed over, as there.
 * Source: Linux 6.6 mm/mm_init.c cmdline_parse_core(), mm/memory_hotplug.c.
 */
void mm_cmdline_facts(struct mm_str cmdline, struct mm_boot_facts *boot);

/*
 * slub_debug= and its relatives into those of @s that are not set yet.  What the kernel would not understand is passed over.
 * Source: Linux 6.6 mm/slub.c setup_slub_debug() ..., mm/slab_common.c setup_slab_nomerge(), mm/slab.c slab_max_order_setup(),
 * mm/memcontrol.c cgroup_memory().
 */
void mm_cmdline_sysctls(struct mm_str cmdline, struct mm_sysctls *s);

/*
 * mem= and memmap= applied to the firmware's map, in their order.  0, -ENOMEM or -EFBIG.
 * Source: Linux 6.6 arch/x86/kernel/e820.c parse_memopt(), parse_memmap_one().
 */
int mm_cmdline_e820(struct mm_str cmdline, struct mm_e820 *map);

#endif /* SOURCE_CMDLINE_H */
