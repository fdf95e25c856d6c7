/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The maple tree: a store that one leaf can take, where it lies.
 *
 * The slots that the range touches become up to three: what is left of the first
 * of them, the entry, what is left of the last; a NULL joins the NULLs beside it.
 * The slots behind move up or down.
 *
 *	a 0 0 0 b		a E 0 b			store E over the beginning of the gap
 *	a E 0 b 0 c		a 0 b 0 c		clear E
 *
 * Largest gaps are kept without looking at all slots: a gap that grew beyond
 * the largest is the largest, and one that was smaller than it does not matter;
 * only when the largest itself was cut are the others looked at.
 *
 * Not done here: what spans leaves, needs another node, empties a leaf too far, or
 * would let a leaf end in NULL.  Cf. mas_wr_slot_store(), mas_wr_node_store().
 */
#include <string.h>

#include "virt/maple_node.h"

struct rung {
	struct mm_maple_node *node;
	uint32_t offset;
};

struct in_leaf {
	struct mm_maple_node *n;
	uint64_t min, max;		/* of the leaf */
	uint64_t first, last;		/* of the store, with the NULLs that join */
	uint64_t lo, hi;		/* of the slots from i to j */
	uint32_t i, j;			/* slots that the store touches */
	void *left, *right;		/* in them */
};

static struct mm_maple_node *walk_rungs(const struct mm_maple_tree *mt, struct rung *path, struct in_leaf *at)
{
	struct mm_maple_node *n = mt->ma_root;

	at->min = 0;
	at->max = UINT64_MAX;
	for (uint32_t d = 0; d + 1 < mt->height; d++) {
		uint32_t i = arange_slot_of(n->ma64.pivot, at->first);

		path[d] = (struct rung){ n, i };
		if (i)
			at->min = n->ma64.pivot[i - 1] + 1;
		if (i + 1u < n->nr)
			at->max = n->ma64.pivot[i];
		n = n->ma64.slot[i];
	}
	return at->n = n;
}

/* The largest run of NULL among the slots from at->i to at->j. */
static uint64_t gap_between(const struct in_leaf *at)
{
	uint64_t gap = 0;

	for (uint32_t k = at->i; k <= at->j; k++) {
		uint64_t size;

		if (at->n->mr64.slot[k])
			continue;
		size = slot_last(at->n, k, at->max) - slot_first(at->n, k, at->min) + 1;
		gap = size > gap ? size : gap;
	}
	return gap;
}

/* A NULL joins what is NULL left and right of it.  False: the leaf would end in NULL. */
static bool join_nulls(struct in_leaf *at)
{
	if (at->lo < at->first) {
		if (!at->left)
			at->first = at->lo;
	} else if (at->i && !at->n->mr64.slot[at->i - 1]) {
		at->i--;
		at->first = at->lo = slot_first(at->n, at->i, at->min);
	}
	if (at->hi > at->last) {
		if (!at->right)
			at->last = at->hi;
	} else if (at->j + 1u < at->n->nr && !at->n->mr64.slot[at->j + 1]) {
		at->j++;
		at->last = at->hi = slot_last(at->n, at->j, at->max);
	}
	return at->last < at->max || at->max == UINT64_MAX;
}

static void put_slot(struct mm_maple_node *n, uint32_t i, void *p, uint64_t last)
{
	n->mr64.slot[i] = p;
	if (i < MM_MAPLE_RANGE64_SLOTS - 1)
		n->mr64.pivot[i] = last;
}

/* Slots i to j become @nr_new ones; the leaf has @nr slots then. */
static void replace(struct in_leaf *at, uint32_t nr_new, uint32_t nr, void *entry)
{
	struct mm_maple_node *n = at->n;
	uint32_t from = at->j + 1, to = at->i + nr_new, old = n->nr, i = at->i;

	if (from != to && from < old) {
		memmove(&n->mr64.slot[to], &n->mr64.slot[from], (old - from) * sizeof(n->mr64.slot[0]));
		memmove(&n->mr64.pivot[to], &n->mr64.pivot[from], (old - from - 1) * sizeof(n->mr64.pivot[0]));
	}
	if (at->lo < at->first)
		put_slot(n, i++, at->left, at->first - 1);
	put_slot(n, i++, entry, at->last);
	if (at->hi > at->last)
		put_slot(n, i, at->right, at->hi);
	n->nr = (uint8_t)nr;
	for (i = nr - 1; i < old || i < nr; i++)
		if (i < MM_MAPLE_RANGE64_SLOTS - 1)
			n->mr64.pivot[i] = UINT64_MAX;
}

static uint64_t largest_gap(const struct mm_maple_node *n)
{
	uint64_t gap = 0;

	for (uint32_t i = 0; i < n->nr; i++)
		gap = n->ma64.gap[i] > gap ? n->ma64.gap[i] : gap;
	return gap;
}

/* Where there was a gap of @was there is one of @is now: bring those kept above up to date. */
static void update_gaps(const struct in_leaf *at, const struct rung *path, uint32_t depth, uint64_t was, uint64_t is)
{
	for (uint32_t d = depth; d-- > 0;) {
		uint64_t *gap = &path[d].node->ma64.gap[path[d].offset], old = *gap;

		if (is < old) {
			if (was < old)
				return;
			is = d + 1 == depth ? mm_maple_node_gap(at->n, at->min, at->max) : largest_gap(path[d + 1].node);
		}
		if (is == old)
			return;
		was = old;
		*gap = is;
	}
}

bool mm_maple_store_in_leaf(struct mm_maple_tree *mt, uint64_t first, uint64_t last, void *entry)
{
	struct rung path[MM_MAPLE_HEIGHT_MAX];
	struct in_leaf at = { .first = first, .last = last };
	const struct mm_maple_node *n = walk_rungs(mt, path, &at);
	uint32_t nr_new, nr;
	uint64_t was, is = 0;

	if (last > at.max)
		return false;
	at.i = at.j = leaf_slot_of(n->mr64.pivot, first);
	while (at.j + 1u < n->nr && n->mr64.pivot[at.j] < last)
		at.j++;
	at.lo = slot_first(n, at.i, at.min);
	at.hi = slot_last(n, at.j, at.max);
	at.left = n->mr64.slot[at.i];
	at.right = n->mr64.slot[at.j];
	if (!entry && !join_nulls(&at))
		return false;
	nr_new = 1u + (at.lo < at.first) + (at.hi > at.last);
	nr = n->nr - (at.j - at.i + 1) + nr_new;
	if (nr > MM_MAPLE_RANGE64_SLOTS || nr < (mt->height > 1 ? (uint32_t)MAPLE_LEAF_MIN : 2))
		return false;
	was = gap_between(&at);
	if (!entry)
		is = at.last - at.first + 1;
	if (at.lo < at.first && !at.left && at.first - at.lo > is)
		is = at.first - at.lo;
	if (at.hi > at.last && !at.right && at.hi - at.last > is)
		is = at.hi - at.last;
	replace(&at, nr_new, nr, entry);
	update_gaps(&at, path, mt->height - 1, was, is);
	return true;
}
