/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * base/minmax.h - the smaller and the larger of two numbers, each of which is reckoned once, and sums that do not wrap
 */
#ifndef BASE_MINMAX_H
#define BASE_MINMAX_H

#include <stdint.h>

static inline uint32_t mm_min_u32(uint32_t a, uint32_t b) { return a < b ? a : b; }
static inline uint32_t mm_max_u32(uint32_t a, uint32_t b) { return a > b ? a : b; }
static inline uint64_t mm_min_u64(uint64_t a, uint64_t b) { return a < b ? a : b; }
static inline uint64_t mm_max_u64(uint64_t a, uint64_t b) { return a > b ? a : b; }
static inline uint64_t mm_add_saturated(uint64_t a, uint64_t b) { return b > UINT64_MAX - a ? UINT64_MAX : a + b; }

#endif /* BASE_MINMAX_H */
