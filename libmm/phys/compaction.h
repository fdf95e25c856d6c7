/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* phys/compaction.h - compaction is left out: the machine is a kernel without CONFIG_COMPACTION */
#ifndef PHYS_COMPACTION_H
#define PHYS_COMPACTION_H

#include "phys/internal.h"

/* May a request compact?  Not without CONFIG_COMPACTION.  Source: Linux 6.6 include/linux/compaction.h gfp_compaction_allowed(). */
static inline bool mm_gfp_compaction_allowed(const struct mm_phys *phys, mm_gfp_t gfp)
{
	(void)phys, (void)gfp;
	return false;
}

#endif /* PHYS_COMPACTION_H */
