/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * source/ref_keys.c - keys of references, numbered in order of first appearance
 *
 * The keys lie by number in an array that grows where it is; open addressing, at most three quarters full, finds the number of one:
 * 13 to 24 bytes of host memory a key, which is less than its page costs the machine.  The text of a key is not kept: two keys
 * with the same 64-bit hash are one.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/grow.h"
#include "base/hash.h"
#include "source/ref_keys.h"

enum { FIRST_SLOTS = 1 << 10 };

static size_t slot_of(const struct mm_ref_keys *k, uint64_t key)
{
	size_t i = mm_hash_slot(key, k->nr_slots);

	while (k->slot[i] && k->key[k->slot[i] - 1] != key)
		i = (i + 1) & (k->nr_slots - 1);
	return i;
}

static int more_slots(struct mm_ref_keys *k)
{
	size_t nr_slots = k->nr_slots ? k->nr_slots * 2 : FIRST_SLOTS;
	uint32_t *slot = calloc(nr_slots, sizeof(*slot));

	if (!slot)
		return -ENOMEM;
	free(k->slot);
	k->slot = slot;
	k->nr_slots = nr_slots;
	for (size_t i = 0; i < k->nr; i++)
		slot[slot_of(k, k->key[i])] = (uint32_t)i + 1;
	return 0;
}

int mm_ref_keys_number(struct mm_ref_keys *k, uint64_t key, uint32_t *number)
{
	size_t i;

	if (k->nr >= k->nr_slots / 4 * 3 && more_slots(k))
		return -ENOMEM;
	i = slot_of(k, key);
	if (!k->slot[i]) {
		if (k->nr == UINT32_MAX)
			return -EFBIG;
		if (mm_grow(&k->key, k->nr, &k->cap, sizeof(*k->key)))
			return -ENOMEM;
		k->key[k->nr++] = key;
		k->slot[i] = (uint32_t)k->nr;
	}
	*number = k->slot[i] - 1;
	return 0;
}

void mm_ref_keys_free(struct mm_ref_keys *k)
{
	free(k->key);
	free(k->slot);
	*k = (struct mm_ref_keys){ 0 };
}
