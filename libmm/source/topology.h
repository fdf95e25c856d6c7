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

static inline uint8_t mm_default_distance(uint32_t from, uint32_t to) { return from == to ? 10 : 20; }
/* Between all nodes, where nothing else is told. */
void mm_default_distances(struct mm_boot_facts *boot);

#endif /* SOURCE_TOPOLOGY_H */
