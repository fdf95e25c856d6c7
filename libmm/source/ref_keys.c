/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * source/ref_keys.c - keys of references, numbered in order of first appearance
 *
 * Open addressing, at most three quarters full: 16 to 32 bytes of host memory a key, which is less than its page
 * costs the machine.  The text of a key is not kept: two keys with the same 64-bit hash are one.
 */
#include <errno.h>
#include <stdlib.h>

#include "source/ref_keys.h"

enum { FIRST_SLOTS = 1 << 10 };

static size_t slot_of(const struct mm_ref_keys *k, uint64_t key)
{
	size_t i = (size_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> 20) & (k->nr_slots - 1);

	while (k->key[i] && k->key[i] != key)
		i = (i + 1) & (k->nr_slots - 1);
	return i;
}

static int grow(struct mm_ref_keys *k)
{
	struct mm_ref_keys to = { .nr_slots = k->nr_slots ? k->nr_slots * 2 : FIRST_SLOTS, .nr = k->nr };

	to.key = calloc(to.nr_slots, sizeof(*to.key));
	to.number = calloc(to.nr_slots, sizeof(*to.number));
	if (!to.key || !to.number) {
		mm_ref_keys_free(&to);
		return -ENOMEM;
	}
	for (size_t i = 0; i < k->nr_slots; i++)
		if (k->key[i]) {
			size_t at = slot_of(&to, k->key[i]);

			to.key[at] = k->key[i];
			to.number[at] = k->number[i];
		}
	mm_ref_keys_free(k);
	*k = to;
	return 0;
}

int mm_ref_keys_number(struct mm_ref_keys *k, uint64_t key, uint32_t *number)
{
	size_t i;
	int e;

	key += !key;			/* 0 is an empty slot */
	if (k->nr >= k->nr_slots / 4 * 3) {
		e = grow(k);
		if (e)
			return e;
	}
	i = slot_of(k, key);
	if (!k->key[i]) {
		if (k->nr > UINT32_MAX)
			return -EFBIG;
		k->key[i] = key;
		k->number[i] = (uint32_t)k->nr++;
	}
	*number = k->number[i];
	return 0;
}

void mm_ref_keys_free(struct mm_ref_keys *k)
{
	free(k->key);
	free(k->number);
	*k = (struct mm_ref_keys){ 0 };
}
