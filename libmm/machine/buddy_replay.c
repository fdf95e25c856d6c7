/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the replay of page events keeps: which frame of the machine stands for a
 * recorded one.  A hash by recorded PFN with open addressing; only living
 * blocks are in it, so it is bounded by the machine's memory.  Deleting moves
 * later entries of a run back into the gap.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/host_memory.h"
#include "machine/buddy_replay.h"
#include "phys/internal.h"

struct mm_page_replay *mm_page_replay_get(struct mm_machine *m)
{
	if (!m->pages) {
		m->pages = mm_host_calloc(1, sizeof(*m->pages));
		if (m->pages)
			for (unsigned int o = 0; o < MM_NR_PAGE_ORDERS; o++)
				m->pages->pcp_orders |= mm_pcp_allowed_order(o) ? 1u << o : 0;
	}
	return m->pages;
}

void mm_page_replay_free(struct mm_page_replay *r)
{
	if (r)
		free(r->v);
	free(r);
}

static size_t home(const struct mm_page_replay *r, uint64_t recorded)
{
	return mm_hash_slot(recorded, r->size);
}

struct mm_page_entry *mm_page_replay_find(const struct mm_page_replay *r, uint64_t recorded)
{
	if (!r->size)
		return NULL;
	for (size_t i = home(r, recorded); r->v[i].pfn != MM_PFN_NONE; i = (i + 1) & (r->size - 1))
		if (r->v[i].recorded == recorded)
			return &r->v[i];
	return NULL;
}

static void insert(struct mm_page_replay *r, struct mm_page_entry e)
{
	size_t i = home(r, e.recorded);

	while (r->v[i].pfn != MM_PFN_NONE)
		i = (i + 1) & (r->size - 1);
	r->v[i] = e;
	r->nr++;
}

static int grow(struct mm_page_replay *r)
{
	struct mm_page_replay old = *r;

	r->size = old.size ? 2 * old.size : 1024;
	r->v = mm_host_malloc(r->size * sizeof(*r->v));
	if (!r->v) {
		*r = old;
		return -ENOMEM;
	}
	r->nr = 0;
	for (size_t i = 0; i < r->size; i++)
		r->v[i].pfn = MM_PFN_NONE;
	for (size_t i = 0; i < old.size; i++)
		if (old.v[i].pfn != MM_PFN_NONE)
			insert(r, old.v[i]);
	free(old.v);
	return 0;
}

int mm_page_replay_add(struct mm_page_replay *r, uint64_t recorded, mm_pfn_t pfn, unsigned int order)
{
	if (2 * (r->nr + 1) > r->size && grow(r))
		return -ENOMEM;
	insert(r, (struct mm_page_entry){ recorded, pfn, (uint8_t)order });
	return 0;
}

void mm_page_replay_del(struct mm_page_replay *r, struct mm_page_entry *e)
{
	size_t gap = (size_t)(e - r->v), mask = r->size - 1;

	for (size_t i = (gap + 1) & mask; r->v[i].pfn != MM_PFN_NONE; i = (i + 1) & mask) {
		size_t from_home = (i - home(r, r->v[i].recorded)) & mask, from_gap = (i - gap) & mask;

		if (from_home < from_gap)
			continue;
		r->v[gap] = r->v[i];
		gap = i;
	}
	r->v[gap].pfn = MM_PFN_NONE;
	r->nr--;
}
