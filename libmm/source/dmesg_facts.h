/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * source/dmesg_facts.h - what a kernel log tells of the boot beside the map of memory
 */
#ifndef SOURCE_DMESG_FACTS_H
#define SOURCE_DMESG_FACTS_H

#include <libmm/region.h>

/* One line of the log, in order; a line that tells nothing changes nothing. */
void mm_dmesg_facts_line(struct mm_boot_facts *facts, struct mm_str line);

#endif /* SOURCE_DMESG_FACTS_H */
