/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* base/rng.h - seeded random numbers, the same on every host (splitmix64, public domain algorithm by S. Vigna) */
#ifndef BASE_RNG_H
#define BASE_RNG_H

#include <stdint.h>

struct mm_rng {
	uint64_t state;
};

static inline uint64_t mm_rng_u64(struct mm_rng *r)
{
	uint64_t z = r->state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

/* 0 .. n-1; n > 0 */
static inline uint64_t mm_rng_below(struct mm_rng *r, uint64_t n) { return mm_rng_u64(r) % n; }

#endif /* BASE_RNG_H */
