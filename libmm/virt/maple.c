/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The maple tree: looking up, iterating, searching gaps.
 *
 * Because two NULL ranges never touch and only the last leaf may end in NULL,
 * an index that holds nothing has its next entry in the very next slot of its
 * leaf, and its previous entry in the slot before or at the end of the leaf
 * before: lookups go down once and never climb.
 *
 * Gap searches go down only where the gap kept in an arange node says there is
 * room; the two limits may cut that gap, so a search can come back up and try
 * the next child.
 */
#include <errno.h>

#include "virt/maple_node.h"

struct place {
	const struct mm_maple_node *leaf;
	uint64_t min, max;		/* of the leaf */
	uint32_t offset;
};

/* The leaf and slot of @index; false: the tree is empty. */
static bool descend(const struct mm_maple_tree *mt, uint64_t index, struct place *at)
{
	const struct mm_maple_node *n = mt->ma_root;
	uint64_t min = 0, max = UINT64_MAX;

	if (!n)
		return false;
	while (!n->leaf) {
		const uint64_t *pivot = n->ma64.pivot;
		uint32_t i = 0, last = n->nr - 1u;

		while (i < last && pivot[i] < index)
			i++;
		if (i)
			min = pivot[i - 1] + 1;
		if (i < last)
			max = pivot[i];
		n = n->ma64.slot[i];
	}
	*at = (struct place){ n, min, max, slot_of_index(n, index) };
	return true;
}

void *mm_mtree_load(const struct mm_maple_tree *mt, uint64_t index)
{
	struct place at;

	return descend(mt, index, &at) ? at.leaf->mr64.slot[at.offset] : NULL;
}

void *mm_mt_find(const struct mm_maple_tree *mt, uint64_t index, uint64_t max)
{
	struct place at;
	void *entry;

	if (index > max || !descend(mt, index, &at))
		return NULL;
	entry = at.leaf->mr64.slot[at.offset];
	if (entry || at.offset + 1u >= at.leaf->nr)
		return entry;
	return at.leaf->mr64.pivot[at.offset] < max ? at.leaf->mr64.slot[at.offset + 1] : NULL;
}

void *mm_mt_prev(const struct mm_maple_tree *mt, uint64_t index, uint64_t min)
{
	struct place at;

	while (index > min && descend(mt, index - 1, &at)) {
		uint64_t first = slot_first(at.leaf, at.offset, at.min);
		void *entry = at.leaf->mr64.slot[at.offset];

		if (entry && slot_last(at.leaf, at.offset, at.max) < index)
			return entry;
		index = first;
	}
	return NULL;
}

/* Make mas->path lead to the slot of @index and [index, last] its range. */
static void *walk_to(struct mm_ma_state *mas, uint64_t index)
{
	struct mm_maple_node *n = mas->tree->ma_root;
	uint64_t min = 0, max = UINT64_MAX;

	mas->depth = 0;
	mas->walked = n != NULL;
	if (!n) {
		mas->index = 0;
		mas->last = UINT64_MAX;
		return NULL;
	}
	for (;;) {
		uint32_t i = slot_of_index(n, index);

		mas->path[mas->depth].node = n;
		mas->path[mas->depth].min = min;
		mas->path[mas->depth].max = max;
		mas->path[mas->depth].offset = i;
		max = slot_last(n, i, max);
		min = slot_first(n, i, min);
		if (n->leaf) {
			mas->index = min;
			mas->last = max;
			return n->mr64.slot[i];
		}
		n = n->ma64.slot[i];
		mas->depth++;
	}
}

void *mm_mas_walk(struct mm_ma_state *mas)
{
	return walk_to(mas, mas->index);
}

/* Stand on slot @offset of the leaf of the path. */
static inline void *stand_on(struct mm_ma_state *mas, uint32_t offset)
{
	const struct mm_maple_node *n = mas->path[mas->depth].node;

	mas->path[mas->depth].offset = offset;
	mas->index = offset ? n->mr64.pivot[offset - 1] + 1 : mas->path[mas->depth].min;
	mas->last = offset + 1 < n->nr ? n->mr64.pivot[offset] : mas->path[mas->depth].max;
	return n->mr64.slot[offset];
}

/* Stand on the first slot of the next leaf, which there is: up to where the path can go on, then down. */
static void *next_leaf(struct mm_ma_state *mas)
{
	uint32_t d = mas->depth - 1;

	while (mas->path[d].offset + 1u >= mas->path[d].node->nr)
		d--;
	mas->path[d].offset++;
	for (; d < mas->depth; d++) {
		const struct mm_maple_node *n = mas->path[d].node;
		uint32_t i = mas->path[d].offset;

		mas->path[d + 1].node = n->ma64.slot[i];
		mas->path[d + 1].min = slot_first(n, i, mas->path[d].min);
		mas->path[d + 1].max = slot_last(n, i, mas->path[d].max);
		mas->path[d + 1].offset = 0;
	}
	return stand_on(mas, 0);
}

void *mm_mas_next(struct mm_ma_state *mas, uint64_t max)
{
	void *entry = NULL;

	if (!mas->walked)
		walk_to(mas, mas->index);
	while (!entry && mas->last < max) {
		uint32_t offset = mas->path[mas->depth].offset + 1u;

		entry = offset < mas->path[mas->depth].node->nr ? stand_on(mas, offset) : next_leaf(mas);
	}
	return entry;
}

void *mm_mas_prev(struct mm_ma_state *mas, uint64_t min)
{
	void *entry = NULL;

	if (!mas->walked)
		walk_to(mas, mas->index);
	while (!entry && mas->index > min) {
		if (mas->path[mas->depth].offset)
			entry = stand_on(mas, mas->path[mas->depth].offset - 1u);
		else
			entry = walk_to(mas, mas->index - 1);
	}
	return entry;
}

void *mm_mas_find(struct mm_ma_state *mas, uint64_t max)
{
	void *entry = walk_to(mas, mas->index);

	return entry ? entry : mm_mas_next(mas, max);
}

uint64_t mm_maple_node_gap(const struct mm_maple_node *n, uint64_t min, uint64_t max)
{
	uint64_t gap = 0;

	for (uint32_t i = 0; i < n->nr; i++) {
		uint64_t g = n->leaf ? 0 : n->ma64.gap[i];

		if (n->leaf && !n->mr64.slot[i])
			g = slot_last(n, i, max) - slot_first(n, i, min) + 1;
		if (g > gap)
			gap = g;
	}
	return gap;
}

struct gap_search {
	uint64_t min, max, size;
	bool highest;
	uint64_t first, last;		/* the gap found, cut to [min, max] */
};

/* Does [first, last], cut to the limits, hold the size? */
static bool fits(struct gap_search *gs, uint64_t first, uint64_t last)
{
	if (first < gs->min)
		first = gs->min;
	if (last > gs->max)
		last = gs->max;
	if (first > last || last - first < gs->size - 1)
		return false;
	gs->first = first;
	gs->last = last;
	return true;
}

static bool search_gap(const struct mm_maple_node *n, uint64_t min, uint64_t max, struct gap_search *gs)
{
	for (uint32_t k = 0; k < n->nr; k++) {
		uint32_t i = gs->highest ? n->nr - 1u - k : k;
		uint64_t first = slot_first(n, i, min), last = slot_last(n, i, max);

		if (first > gs->max || last < gs->min)
			continue;
		if (n->leaf) {
			if (!n->mr64.slot[i] && fits(gs, first, last))
				return true;
		} else if (n->ma64.gap[i] >= gs->size && search_gap(n->ma64.slot[i], first, last, gs)) {
			return true;
		}
	}
	return false;
}

static int empty_area(struct mm_ma_state *mas, struct gap_search *gs)
{
	bool found;

	if (!gs->size || gs->min > gs->max || gs->size - 1 > gs->max - gs->min)
		return -EINVAL;
	mas->walked = false;
	if (mas->tree->ma_root)
		found = search_gap(mas->tree->ma_root, 0, UINT64_MAX, gs);
	else
		found = fits(gs, 0, UINT64_MAX);
	return found ? 0 : -EBUSY;
}

int mm_mas_empty_area(struct mm_ma_state *mas, uint64_t min, uint64_t max, uint64_t size)
{
	struct gap_search gs = { .min = min, .max = max, .size = size };
	int e = empty_area(mas, &gs);

	if (e)
		return e;
	mas->index = gs.first;
	mas->last = gs.first + size - 1;
	return 0;
}

int mm_mas_empty_area_rev(struct mm_ma_state *mas, uint64_t min, uint64_t max, uint64_t size)
{
	struct gap_search gs = { .min = min, .max = max, .size = size, .highest = true };
	int e = empty_area(mas, &gs);

	if (e)
		return e;
	mas->index = gs.last - size + 1;
	mas->last = gs.last;
	return 0;
}
