/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* source/slabinfo.h - between slabinfo.c and slab_sysfs.c */
#ifndef SOURCE_SLABINFO_H
#define SOURCE_SLABINFO_H

#include <libmm/slabinfo.h>

enum { MM_SLABINFO_MAX_PAGE = 1 << 20 };

/* Bytes of all slabs of each row that has none yet, by info->page_size, which is found out first where it is 0. */
void mm_slabinfo_sizes(struct mm_slabinfo *info);
/* A new row of which nothing but the name (copied) is known; valid until the next. 0 or -ENOMEM. */
int mm_slabinfo_add(struct mm_slabinfo *info, struct mm_str name, struct mm_cache_row **rowp);

#endif /* SOURCE_SLABINFO_H */
