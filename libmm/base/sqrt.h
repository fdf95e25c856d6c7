/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * base/sqrt.h - whole square roots
 */
#ifndef BASE_SQRT_H
#define BASE_SQRT_H

#include <stdint.h>

/* The largest number whose square is no more than @x. */
static inline uint64_t mm_int_sqrt(uint64_t x)
{
	uint64_t r = 0;

	for (uint64_t bit = UINT64_C(1) << 31; bit; bit >>= 1)
		if ((r + bit) * (r + bit) <= x)
			r += bit;
	return r;
}

#endif /* BASE_SQRT_H */
