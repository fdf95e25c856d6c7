/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * source/ref_keys.h - keys of references, numbered in order of first appearance
 */
#ifndef SOURCE_REF_KEYS_H
#define SOURCE_REF_KEYS_H

#include <stddef.h>
#include <stdint.h>

/* Zeroed: none yet. */
struct mm_ref_keys {
	uint64_t *key;			/* by number; nr of cap */
	uint32_t *slot;			/* number + 1; 0 empty */
	size_t nr_slots, nr, cap;
};

/* The number of @key (a hash of 64 bits), from 0; a new one gets the next.  0, -ENOMEM, -EFBIG: 2^32 - 1 are there already. */
int mm_ref_keys_number(struct mm_ref_keys *k, uint64_t key, uint32_t *number);
void mm_ref_keys_free(struct mm_ref_keys *k);

#endif /* SOURCE_REF_KEYS_H */
