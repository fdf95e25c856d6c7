/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* source/buddyinfo.h - what buddyinfo and pagetypeinfo have in common */
#ifndef SOURCE_BUDDYINFO_H
#define SOURCE_BUDDYINFO_H

#include <libmm/buddyinfo.h>
#include "source/scan.h"

/* An empty row at the end; NULL: host memory. */
struct mm_buddyinfo_row *mm_buddyinfo_add(struct mm_buddyinfo *bi);
struct mm_pageblock_row *mm_buddyinfo_add_type(struct mm_buddyinfo *bi);
/* A word of at most MM_BUDDYINFO_NAME - 1 bytes and the comma behind it, off @s. */
bool mm_buddyinfo_word(struct mm_str *s, char *out);
/* "Node 0, zone DMA" off @s. */
bool mm_buddyinfo_head(struct mm_str *s, uint32_t *node, char *zone);
/* The rest of a line: a count an order, ">" before one that goes on. */
int mm_buddyinfo_counts(struct mm_buddyinfo_row *r, struct mm_str s, const struct mm_input *in, struct mm_error *err);
int mm_buddyinfo_check(const struct mm_buddyinfo *bi, const struct mm_input *in, struct mm_error *err);

#endif /* SOURCE_BUDDYINFO_H */
