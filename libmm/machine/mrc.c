/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * machine/mrc.c - one pass over a string of references gives lru's faults in any number of frames
 *
 * lru's frames hold what was used last, so a reference is a hit in every memory
 * larger than its stack distance: the number of other pages used since the
 * last use of this one.  Each page stands in the slot of its last use, a bit says that it is taken; a binary
 * indexed tree counts the taken slots of each 64, so the distance is the number
 * of taken slots behind.  When the slots run out the taken ones move together.
 *
 *	slots	. . A . . C B .		next: a use of A has distance 2 (C and B)
 *
 * A page costs 20 bytes in arrays that grow where they are, 8 to 16 in the hash and 2 at most for slots.
 *
 * Sources: Mattson, Gecsei, Slutz, Traiger, Evaluation techniques for storage hierarchies, IBM Systems Journal 9(2),
 * 1970; C. Waldspurger and others, Efficient MRC construction with SHARDS, FAST 2015 (sampling by a hash of the page).
 */
#include <libmm/policy.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/host_memory.h"

enum { FIRST_PAGES = 1 << 9, FIRST_SLOTS = 1 << 10, MOST_PAGES = 1 << 30, GROUP = 64 };

struct mm_mrc {
	uint64_t *page;			/* by order of first use; nr of cap, as all to hist */
	uint32_t *slot;			/* of its last use */
	uint64_t *hist;			/* references by distance, which is less than nr */
	uint32_t nr, cap;
	uint32_t *hash;			/* page's place + 1, 0 none; nr_hash is a power of two, at least twice nr */
	uint32_t nr_hash;
	uint64_t *taken;		/* a bit a slot */
	uint32_t *tree;			/* [1 .. nr_slots / GROUP] */
	uint32_t nr_slots, next;
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

	while (m->hash[i] && m->page[m->hash[i] - 1] != page)
		i = (i + 1) & (m->nr_hash - 1);
	return i;
}

/* One taken slot more, or less: @v is 1 or UINT32_MAX. */
static void turn(struct mm_mrc *m, uint32_t slot, uint32_t v)
{
	m->taken[slot / GROUP] ^= UINT64_C(1) << slot % GROUP;
	for (uint32_t i = slot / GROUP + 1; i <= m->nr_slots / GROUP; i += i & -i)
		m->tree[i] += v;
}

/* Taken slots of its group up to @slot. */
static uint32_t taken_in_group(const struct mm_mrc *m, uint32_t slot)
{
	return (uint32_t)__builtin_popcountll(m->taken[slot / GROUP] << (GROUP - 1 - slot % GROUP));
}

/* Taken slots up to @slot. */
static uint32_t taken_up_to(const struct mm_mrc *m, uint32_t slot)
{
	uint32_t sum = taken_in_group(m, slot);

	for (uint32_t i = slot / GROUP; i; i -= i & -i)
		sum += m->tree[i];
	return sum;
}

static int more_slots(struct mm_mrc *m, uint32_t slots)
{
	uint64_t *taken = mm_host_realloc(m->taken, slots / GROUP * sizeof(*taken));
	uint32_t *tree;

	if (!taken)
		return -ENOMEM;
	m->taken = taken;
	tree = mm_host_realloc(m->tree, (slots / GROUP + 1ul) * sizeof(*tree));
	if (!tree)
		return -ENOMEM;
	m->tree = tree;
	return 0;
}

/* The taken slots move together; there are then at least as many free ones, most often three times as many. */
static int compact(struct mm_mrc *m)
{
	uint32_t slots = m->nr > m->nr_slots / 4 && m->nr_slots <= MOST_PAGES ? m->nr_slots * 2 : m->nr_slots, groups = slots / GROUP;
	uint32_t sum = 0;

	if (slots != m->nr_slots && more_slots(m, slots))
		return -ENOMEM;
	for (uint32_t i = 0; i < m->nr_slots / GROUP; i++) {	/* for now: taken before each group */
		m->tree[i] = sum;
		sum += (uint32_t)__builtin_popcountll(m->taken[i]);
	}
	for (uint32_t i = 0; i < m->nr; i++)
		m->slot[i] = m->tree[m->slot[i] / GROUP] + taken_in_group(m, m->slot[i]) - 1;
	m->nr_slots = slots;
	m->next = m->nr;
	memset(m->tree, 0, (groups + 1ul) * sizeof(*m->tree));
	for (uint32_t i = 0; i < groups; i++) {		/* each node hands its sum up */
		uint32_t n = m->nr <= i * GROUP ? 0 : m->nr - i * GROUP < GROUP ? m->nr % GROUP : GROUP;
		uint32_t node = i + 1, up = node + (node & -node);

		m->taken[i] = n ? UINT64_MAX >> (GROUP - n) : 0;
		m->tree[node] += n;
		if (up <= groups)
			m->tree[up] += m->tree[node];
	}
	return 0;
}

/* Room for another page. */
static int more_pages(struct mm_mrc *m)
{
	uint32_t cap = m->cap * 2;
	uint64_t *page, *hist;
	uint32_t *slot;

	if (m->cap >= MOST_PAGES)
		return -EFBIG;
	page = mm_host_realloc(m->page, cap * sizeof(*page));
	if (!page)
		return -ENOMEM;
	m->page = page;
	slot = mm_host_realloc(m->slot, cap * sizeof(*slot));
	if (!slot)
		return -ENOMEM;
	m->slot = slot;
	hist = mm_host_realloc(m->hist, cap * sizeof(*hist));
	if (!hist)
		return -ENOMEM;
	m->hist = hist;
	m->cap = cap;
	return 0;
}

static int rehash(struct mm_mrc *m)
{
	uint32_t *hash = mm_host_calloc(2ul * m->nr_hash, sizeof(*hash));

	if (!hash)
		return -ENOMEM;
	free(m->hash);
	m->hash = hash;
	m->nr_hash *= 2;
	for (uint32_t i = 0; i < m->nr; i++)
		hash[find(m, m->page[i])] = i + 1;
	return 0;
}

int mm_mrc_new(struct mm_mrc **mp)
{
	struct mm_mrc *m = mm_host_calloc(1, sizeof(*m));

	if (!m)
		return -ENOMEM;
	m->cap = FIRST_PAGES;
	m->nr_hash = 2 * FIRST_PAGES;
	m->nr_slots = FIRST_SLOTS;
	m->page = mm_host_calloc(m->cap, sizeof(*m->page));
	m->slot = mm_host_calloc(m->cap, sizeof(*m->slot));
	m->hist = mm_host_calloc(m->cap, sizeof(*m->hist));
	m->hash = mm_host_calloc(m->nr_hash, sizeof(*m->hash));
	m->taken = mm_host_calloc(m->nr_slots / GROUP, sizeof(*m->taken));
	m->tree = mm_host_calloc(m->nr_slots / GROUP + 1ul, sizeof(*m->tree));
	if (!m->page || !m->slot || !m->hist || !m->hash || !m->taken || !m->tree) {
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
	free(m->page);
	free(m->slot);
	free(m->hist);
	free(m->hash);
	free(m->taken);
	free(m->tree);
	free(m);
}

int mm_mrc_reference(struct mm_mrc *m, uint64_t page)
{
	uint32_t i, at;
	int e = 0;

	if (m->next == m->nr_slots)
		e = compact(m);
	if (!e && m->nr == m->cap)
		e = more_pages(m);
	if (!e && 2ul * (m->nr + 1) > m->nr_hash)
		e = rehash(m);
	if (e)
		return e;
	i = find(m, page);
	m->references++;
	if (m->hash[i]) {
		at = m->hash[i] - 1;
		m->hist[m->nr - taken_up_to(m, m->slot[at])]++;
		turn(m, m->slot[at], UINT32_MAX);
	} else {
		m->cold++;
		at = m->nr++;
		m->hash[i] = at + 1;
		m->page[at] = page;
		m->hist[at] = 0;
	}
	m->slot[at] = m->next;
	turn(m, m->next++, 1);
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

	for (uint32_t i = 0; i < m->nr_slots / GROUP; i++)
		taken += (uint32_t)__builtin_popcountll(m->taken[i]);
	for (uint32_t i = 0; i < m->nr; i++) {
		sum += m->hist[i];
		if (!(m->taken[m->slot[i] / GROUP] >> m->slot[i] % GROUP & 1) || m->hash[find(m, m->page[i])] != i + 1)
			return false;
	}
	return sum == m->references && taken == m->nr && taken_up_to(m, m->nr_slots - 1) == m->nr && m->cold == m->nr;
}
