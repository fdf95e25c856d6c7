/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* source/zoneinfo.h - rows of zones, between those who make them */
#ifndef SOURCE_ZONEINFO_H
#define SOURCE_ZONEINFO_H

#include <libmm/zoneinfo.h>

/* A row at the end of which nothing is told yet; @zone is no longer than MM_ZONEINFO_NAME - 1.  NULL with *@e: -EFBIG, -ENOMEM. */
struct mm_zoneinfo_row *mm_zoneinfo_add(struct mm_zoneinfo *zi, uint32_t node, struct mm_str zone, int *e);

#endif /* SOURCE_ZONEINFO_H */
