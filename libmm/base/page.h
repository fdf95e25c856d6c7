/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * base/page.h - addresses and lengths in bytes, by whole pages
 */
#ifndef BASE_PAGE_H
#define BASE_PAGE_H

#include <libmm/types.h>

#define MM_PAGE_MASK (~(uint64_t)(MM_PAGE_SIZE - 1))
static inline uint64_t mm_page_align(uint64_t x) { return (x + MM_PAGE_SIZE - 1) & MM_PAGE_MASK; }
static inline uint64_t mm_offset_in_page(uint64_t x) { return x & ~MM_PAGE_MASK; }

#endif /* BASE_PAGE_H */
