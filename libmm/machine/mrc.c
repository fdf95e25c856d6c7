/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * machine/mrc.c - one pass over a string of references gives lru's faults in any number of frames
 *
 * lru's frames hold what was used last, so a reference is a hit in every memory
 * larger than its stack distance: the number of other pages used since the
 * last use of this one.  Each page stands in the slot of its last use; a binary
 * indexed tree counts the slots that are taken, so the distance is the number
 * of taken slots behind.  When the slots run out the taken ones move together.
 *
 *	slots	. . A . . C B .		next: a use of A has distance 2 (C and B)
 *
 * Sources: Mattson, Gecsei, Slutz, Traiger, Evaluation techniques for storage hierarchies, IBM Systems Journal 9(2),
 * 1970; C. Waldspurger and others, Efficient MRC construction with SHARDS, FAST 2015 (sampling by a hash of the page).
 */
#include <libmm/policy.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/host_memory.h"

enum { FIRST_SLOTS = 1 << 10 };

struct entry {
	uint64_t page;
	uint32_t slot;			/* + 1; 0: the place is free */
};

struct mm_mrc {
	struct entry *hash;		/* nr_hash is a power of two, at least twice nr */
	uint32_t nr_hash, nr;
	uint32_t *tree;			/* [1 .. nr_slots] */
	uint32_t *owner;		/* by slot: place in hash + 1, 0 not taken */
	uint32_t nr_slots, next;
	uint64_t *hist;			/* references by distance; nr_slots of them */
	uint64_t cold, references;
};

uint64_t mm_page_hash(uint64_t page)
{
	page ^= page >> 33;
	page *= UINT64_C(0xff51afd7ed558ccd);
	page ^= page >> 33;
	page *= UINT64_C(0xc4ceb9fe1a85ec53);
	return page ^ page >> 33;
}

static uint32_t find(const struct mm_mrc *m, uint64_t page)
{
	uint32_t i = (uint32_t)mm_page_hash(page) & (m->nr_hash - 1);

	while (m->hash[i].slot && m->hash[i].page != page)
		i = (i + 1) & (m->nr_hash - 1);
	return i;
}

static void tree_add(struct mm_mrc *m, uint32_t slot, uint32_t v)
{
	for (uint32_t i = slot + 1; i <= m->nr_slots; i += i & -i)
		m->tree[i] += v;
}

/* Taken slots up to @slot. */
static uint32_t tree_sum(const struct mm_mrc *m, uint32_t slot)
{
	uint32_t sum = 0;

	for (uint32_t i = slot + 1; i; i -= i & -i)
		sum += m->tree[i];
	return sum;
}

/* The taken slots move together; there are then at least as many free ones. */
static int compact(struct mm_mrc *m)
{
	uint32_t slots = m->nr > m->nr_slots / 2 ? m->nr_slots * 2 : m->nr_slots, to = 0;
	uint64_t *hist;
	uint32_t *tree, *owner;

	if (slots > 1u << 30)
		return -EFBIG;
	if (slots != m->nr_slots) {
		tree = mm_host_realloc(m->tree, (slots + 1ul) * sizeof(*tree));
		if (!tree)
			return -ENOMEM;
		m->tree = tree;
		owner = mm_host_realloc(m->owner, slots * sizeof(*owner));
		if (!owner)
			return -ENOMEM;
		m->owner = owner;
		hist = mm_host_realloc(m->hist, slots * sizeof(*hist));
		if (!hist)
			return -ENOMEM;
		m->hist = hist;
		memset(hist + m->nr_slots, 0, (slots - m->nr_slots) * sizeof(*hist));
	}
	for (uint32_t i = 0; i < m->next; i++)
		if (m->owner[i]) {
			m->owner[to] = m->owner[i];
			m->hash[m->owner[i] - 1].slot = ++to;
		}
	m->nr_slots = slots;
	m->next = to;
	memset(m->owner + to, 0, (slots - to) * sizeof(*m->owner));
	memset(m->tree, 0, (slots + 1ul) * sizeof(*m->tree));
	for (uint32_t i = 1; i <= slots; i++) {		/* each node hands its sum up */
		m->tree[i] += i <= to;
		if (i + (i & -i) <= slots)
			m->tree[i + (i & -i)] += m->tree[i];
	}
	return 0;
}

static int rehash(struct mm_mrc *m)
{
	struct entry *old = m->hash, *v;
	uint32_t nr_old = m->nr_hash;

	if (m->nr_hash > 1u << 30)
		return -EFBIG;
	v = mm_host_calloc(2ul * nr_old, sizeof(*v));
	if (!v)
		return -ENOMEM;
	m->hash = v;
	m->nr_hash = 2 * nr_old;
	for (uint32_t i = 0; i < nr_old; i++) {
		uint32_t k;

		if (!old[i].slot)
			continue;
		k = find(m, old[i].page);
		m->hash[k] = old[i];
		m->owner[old[i].slot - 1] = k + 1;
	}
	free(old);
	return 0;
}

int mm_mrc_new(struct mm_mrc **mp)
{
	struct mm_mrc *m = mm_host_calloc(1, sizeof(*m));

	if (!m)
		return -ENOMEM;
	m->nr_hash = 2 * FIRST_SLOTS;
	m->nr_slots = FIRST_SLOTS;
	m->hash = mm_host_calloc(m->nr_hash, sizeof(*m->hash));
	m->tree = mm_host_calloc(m->nr_slots + 1ul, sizeof(*m->tree));
	m->owner = mm_host_calloc(m->nr_slots, sizeof(*m->owner));
	m->hist = mm_host_calloc(m->nr_slots, sizeof(*m->hist));
	if (!m->hash || !m->tree || !m->owner || !m->hist) {
		mm_mrc_free(m);
		return -ENOMEM;
	}
	*mp = m;
	return 0;
}

void mm_mrc_free(struct mm_mrc *m)
{
	if (!m)
		return;
	free(m->hash);
	free(m->tree);
	free(m->owner);
	free(m->hist);
	free(m);
}

int mm_mrc_reference(struct mm_mrc *m, uint64_t page)
{
	uint32_t i, slot;
	int e = 0;

	if (m->next == m->nr_slots)
		e = compact(m);
	if (!e && 2ul * (m->nr + 1) > m->nr_hash)
		e = rehash(m);
	if (e)
		return e;
	i = find(m, page);
	m->references++;
	if (m->hash[i].slot) {
		slot = m->hash[i].slot - 1;
		m->hist[m->nr - tree_sum(m, slot)]++;
		tree_add(m, slot, UINT32_MAX);		/* less one */
		m->owner[slot] = 0;
	} else {
		m->cold++;
		m->nr++;
		m->hash[i].page = page;
	}
	slot = m->next++;
	m->hash[i].slot = slot + 1;
	m->owner[slot] = i + 1;
	tree_add(m, slot, 1);
	return 0;
}

uint64_t mm_mrc_faults(const struct mm_mrc *m, uint64_t frames)
{
	uint64_t faults = m->references;

	for (uint64_t d = 0; d < frames && d < m->nr; d++)
		faults -= m->hist[d];
	return faults;
}

uint64_t mm_mrc_pages(const struct mm_mrc *m) { return m->nr; }

bool mm_mrc_is_consistent(const struct mm_mrc *m)
{
	uint64_t sum = m->cold;
	uint32_t taken = 0;

	for (uint32_t i = 0; i < m->nr_slots; i++) {
		sum += m->hist[i];
		taken += m->owner[i] != 0;
		if (m->owner[i] && m->hash[m->owner[i] - 1].slot != i + 1)
			return false;
	}
	return sum == m->references && taken == m->nr && tree_sum(m, m->nr_slots - 1) == m->nr && m->cold == m->nr;
}
