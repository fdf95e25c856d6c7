/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libmm/wide.h - products of 64-bit numbers that do not fit 64 bits
 *
 * With the compiler's 128-bit integers where it has them, else by hand.
 */
#ifndef LIBMM_WIDE_H
#define LIBMM_WIDE_H

#include <stdint.h>

/* High half of a * b; the low half into @low. */
static inline uint64_t mm_mul_wide(uint64_t a, uint64_t b, uint64_t *low)
{
#ifdef __SIZEOF_INT128__
	__extension__ unsigned __int128 p = (unsigned __int128)a * b;

	*low = (uint64_t)p;
	return (uint64_t)(p >> 64);
#else
	uint64_t a0 = (uint32_t)a, a1 = a >> 32, b0 = (uint32_t)b, b1 = b >> 32;
	uint64_t mid = a1 * b0 + (a0 * b0 >> 32), cross = a0 * b1 + (uint32_t)mid;

	*low = cross << 32 | (uint32_t)(a0 * b0);
	return a1 * b1 + (mid >> 32) + (cross >> 32);
#endif
}

/* (a * b + add) / @div rounded down, UINT64_MAX when that does not fit; @div is not 0. */
static inline uint64_t mm_mul_div(uint64_t a, uint64_t b, uint64_t add, uint64_t div)
{
	uint64_t low, high = mm_mul_wide(a, b, &low), q = 0;

	high += __builtin_add_overflow(low, add, &low);
	if (!high)
		return low / div;
	if (high >= div)
		return UINT64_MAX;
#ifdef __SIZEOF_INT128__
	q = (uint64_t)(((__extension__ (unsigned __int128)high) << 64 | low) / div);
#else
	for (int bit = 63; bit >= 0; bit--) {
		uint64_t carry = high >> 63;

		high = high << 1 | low >> 63;
		low <<= 1;
		if (carry || high >= div) {
			high -= div;
			q |= UINT64_C(1) << bit;
		}
	}
#endif
	return q;
}

#endif /* LIBMM_WIDE_H */
