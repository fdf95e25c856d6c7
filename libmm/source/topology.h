/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * source/topology.h - CPUs of nodes and distances between them, out of a sysroot
 */
#ifndef SOURCE_TOPOLOGY_H
#define SOURCE_TOPOLOGY_H

#include <libmm/region.h>
#include <libmm/source.h>

/* sys/devices/system/node/node*: cpulist and distance into @boot.  What is not there or no such list stays unknown. */
void mm_sysroot_numa(const struct mm_sysroot *r, struct mm_boot_facts *boot);

#endif /* SOURCE_TOPOLOGY_H */
