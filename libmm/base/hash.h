/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * base/hash.h - where a number's place in an open hash table is
 */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

/* The first place to look, of @nr_slots: a power of two, at most 2^32. Of the product with 2^64 / the golden ratio upper bits are taken. */
static inline size_t mm_hash_slot(uint64_t key, size_t nr_slots)
{
	return (size_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (nr_slots - 1);
}

#endif /* BASE_HASH_H */
