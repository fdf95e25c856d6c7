/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* source/slabinfo.h - between slabinfo.c and slab_sysfs.c */
#ifndef SOURCE_SLABINFO_H
#define SOURCE_SLABINFO_H

#include <libmm/slabinfo.h>

/* A new row of which nothing but the name (copied) is known; valid until the next. 0 or -ENOMEM. */
int mm_slabinfo_add(struct mm_slabinfo *info, struct mm_str name, struct mm_cache_row **rowp);

#endif /* SOURCE_SLABINFO_H */
