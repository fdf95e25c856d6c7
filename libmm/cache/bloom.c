/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cache/bloom.c - MGLRU: which page tables are worth a walk
 *
 * Two Bloom filters of 2^15 bits with two hashes, turned with each generation: the walk that makes generation
 * max_seq + 1 looks at the tables in the filter of max_seq and notes those to come back to in that of max_seq + 1.
 * Reclaim's own walks of the reverse mapping add what they find hot to the filter of max_seq.
 * A filter that was never made holds every table.
 *
 * Source: Linux 6.6 mm/vmscan.c get_item_key(), test_bloom_filter(), update_bloom_filter(), reset_bloom_filter().
 */
#include <stdlib.h>
#include <string.h>

#include "base/host_memory.h"
#include "cache/lru.h"

enum { BLOOM_SHIFT = 15, BLOOM_WORDS = (1 << BLOOM_SHIFT) / 64 };

/* Two keys of a table, from its place in its address space. */
static void keys_of(uint32_t mm_id, uint64_t vaddr, unsigned int key[2])
{
	uint64_t h = (vaddr >> 21 ^ (uint64_t)mm_id << 40) * UINT64_C(0x61c8864680b583eb);

	h >>= 64 - 2 * BLOOM_SHIFT;
	key[0] = (unsigned int)h & ((1u << BLOOM_SHIFT) - 1);
	key[1] = (unsigned int)(h >> BLOOM_SHIFT);
}

bool mm_lru_gen_bloom_test(const struct mm_lruvec *v, uint64_t seq, uint32_t mm_id, uint64_t vaddr)
{
	const uint64_t *f = v->bloom[seq % 2];
	unsigned int k[2];

	keys_of(mm_id, vaddr, k);
	return !f || (f[k[0] / 64] >> k[0] % 64 & f[k[1] / 64] >> k[1] % 64 & 1);
}

void mm_lru_gen_bloom_add(struct mm_lruvec *v, uint64_t seq, uint32_t mm_id, uint64_t vaddr)
{
	uint64_t *f = v->bloom[seq % 2];
	unsigned int k[2];

	if (!f)
		return;
	keys_of(mm_id, vaddr, k);
	f[k[0] / 64] |= UINT64_C(1) << k[0] % 64;
	f[k[1] / 64] |= UINT64_C(1) << k[1] % 64;
}

void mm_lru_gen_bloom_reset(struct mm_lruvec *v, uint64_t seq)
{
	uint64_t **f = &v->bloom[seq % 2];

	if (*f)
		memset(*f, 0, BLOOM_WORDS * sizeof(**f));
	else
		*f = mm_host_calloc(BLOOM_WORDS, sizeof(**f));	/* without it every table is walked */
}
