/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The maple tree: looking up, iterating, searching gaps.
 *
 * Because two NULL ranges never touch and only the last leaf may end in NULL,
 * an index that holds nothing has its next entry in the very next slot of its
 * leaf, and its previous entry in the slot before or at the end of the leaf
 * before: lookups go down once and never climb (and once more, for the end of the leaf before).
 *
 * Gap searches go down only where the gap kept in an arange node says there is
 * room; the two limits may cut that gap, so a search can come back up and try
 * the next child.
 */
#include <errno.h>

#include "virt/maple_node.h"

/*
 * The leaf of @index; NULL: the tree is empty. Look-ups come in runs about one place: the last leaf is asked first whether
 * @index is within its pivots. (Remembering it changes nothing that can be seen of a tree that is const here.)
 */
static inline const struct mm_maple_node *leaf_of(const struct mm_maple_tree *mt, uint64_t index)
{
	struct mm_maple_node *n = mt->last;

	if (n && index > n->mr64.pivot[0] && index <= n->mr64.pivot[n->nr - 2])
		return n;
	n = mt->ma_root;
	for (uint32_t level = 1; level < mt->height; level++)
		n = n->ma64.slot[arange_slot_of(n->ma64.pivot, index)];
	if (mt->height > 1)		/* at least MAPLE_LEAF_MIN slots */
		((struct mm_maple_tree *)(uintptr_t)mt)->last = n;
	return n;
}

void *mm_mtree_load(const struct mm_maple_tree *mt, uint64_t index)
{
	const struct mm_maple_node *n = leaf_of(mt, index);

	return n ? n->mr64.slot[leaf_slot_of(n->mr64.pivot, index)] : NULL;
}

void *mm_mt_find(const struct mm_maple_tree *mt, uint64_t index, uint64_t max)
{
	const struct mm_maple_node *n = index <= max ? leaf_of(mt, index) : NULL;
	uint32_t i;

	if (!n)
		return NULL;
	i = leaf_slot_of(n->mr64.pivot, index);
	if (n->mr64.slot[i] || i + 1u >= n->nr)
		return n->mr64.slot[i];
	return n->mr64.pivot[i] < max ? n->mr64.slot[i + 1] : NULL;
}

/* The last entry that ends below the leaf of @index; NULL: there is none. */
static void *end_of_leaf_before(const struct mm_maple_tree *mt, uint64_t index)
{
	const struct mm_maple_node *n = mt->ma_root;
	uint64_t min = 0;

	for (uint32_t level = 1; level < mt->height; level++) {
		uint32_t i = arange_slot_of(n->ma64.pivot, index);

		if (i)
			min = n->ma64.pivot[i - 1] + 1;
		n = n->ma64.slot[i];
	}
	if (!min)
		return NULL;
	n = leaf_of(mt, min - 1);
	return n->mr64.slot[n->nr - 1];
}

void *mm_mt_find_prev(const struct mm_maple_tree *mt, uint64_t index, void **prev)
{
	const struct mm_maple_node *n = leaf_of(mt, index);
	uint32_t at, i;

	*prev = NULL;
	if (!n)
		return NULL;
	at = i = leaf_slot_of(n->mr64.pivot, index);
	while (i && !*prev)
		*prev = n->mr64.slot[--i];
	if (!*prev)
		*prev = end_of_leaf_before(mt, index);
	if (n->mr64.slot[at] || at + 1u >= n->nr)
		return n->mr64.slot[at];
	return n->mr64.slot[at + 1];
}

void *mm_mt_prev(const struct mm_maple_tree *mt, uint64_t index)
{
	void *prev;

	mm_mt_find_prev(mt, index, &prev);
	return prev;
}

/* Stand on slot @offset of the leaf. */
static inline void *stand_on(struct mm_ma_state *mas, uint32_t offset)
{
	const struct mm_maple_node *n = mas->node;

	mas->offset = offset;
	mas->index = offset ? n->mr64.pivot[offset - 1] + 1 : mas->min;
	mas->last = offset + 1 < n->nr ? n->mr64.pivot[offset] : mas->max;
	return n->mr64.slot[offset];
}

/* Down from the node @n, which covers [mas->min, mas->max] at level mas->depth, to the leaf of @index. */
static void walk_down(struct mm_ma_state *mas, struct mm_maple_node *n, uint64_t index)
{
	uint64_t min = mas->min, max = mas->max;
	uint32_t depth = mas->depth;

	for (; !n->leaf; depth++) {
		uint32_t i = arange_slot_of(n->ma64.pivot, index);

		mas->up[depth].node = n;
		mas->up[depth].min = min;
		mas->up[depth].max = max;
		mas->up[depth].offset = i;
		max = slot_last(n, i, max);
		min = slot_first(n, i, min);
		n = n->ma64.slot[i];
	}
	mas->node = n;
	mas->min = min;
	mas->max = max;
	mas->depth = depth;
}

/* Stand where @index is. */
static void *walk_to(struct mm_ma_state *mas, uint64_t index)
{
	mas->depth = 0;
	mas->min = 0;
	mas->max = UINT64_MAX;
	mas->node = mas->tree->ma_root;
	if (!mas->node) {
		mas->index = 0;
		mas->last = UINT64_MAX;
		return NULL;
	}
	walk_down(mas, mas->node, index);
	return stand_on(mas, leaf_slot_of(mas->node->mr64.pivot, index));
}

void *mm_mas_walk(struct mm_ma_state *mas)
{
	return walk_to(mas, mas->index);
}

static inline void fetch(const struct mm_maple_node *n)
{
	for (size_t at = 0; at < sizeof(*n); at += 64)
		__builtin_prefetch((const char *)n + at);
}

/*
 * Leaves that will soon be asked for come nearer: the third one from here, also where it hangs below the next
 * parent, which comes nearer some leaves before.
 */
static inline void fetch_ahead(const struct mm_ma_state *mas)
{
	const struct mm_maple_node *parent = mas->up[mas->depth - 1].node, *up;
	uint32_t i = mas->up[mas->depth - 1].offset + 3, next;

	if (i < parent->nr)
		fetch(parent->ma64.slot[i]);
	if (mas->depth < 2 || i + 3 < parent->nr)
		return;
	up = mas->up[mas->depth - 2].node;
	next = mas->up[mas->depth - 2].offset + 1;
	if (next >= up->nr)
		return;
	if (i < parent->nr)
		fetch(up->ma64.slot[next]);
	else if (i - parent->nr < up->ma64.slot[next]->nr)
		fetch(up->ma64.slot[next]->ma64.slot[i - parent->nr]);
}

/* To the next leaf, which there is: up to where there is a child further on, then down. */
static void next_leaf(struct mm_ma_state *mas)
{
	uint64_t first = mas->max + 1;
	uint32_t d = mas->depth - 1;

	while (mas->up[d].offset + 1u >= mas->up[d].node->nr)
		d--;
	mas->depth = d;
	mas->min = mas->up[d].min;
	mas->max = mas->up[d].max;
	walk_down(mas, mas->up[d].node, first);
	fetch_ahead(mas);
}

/* Slot by slot, over leaves, to the next entry. */
static __attribute__((noinline)) void *next_slots(struct mm_ma_state *mas, uint64_t max)
{
	void *entry = NULL;

	if (mas->node == MM_MAS_START)
		walk_to(mas, mas->index);
	while (!entry && mas->last < max) {
		if (mas->offset + 1u < mas->node->nr) {
			entry = stand_on(mas, mas->offset + 1u);
		} else {
			next_leaf(mas);
			entry = stand_on(mas, 0);
		}
	}
	return entry;
}

/* Within a leaf it is the next slot, or the one after it when that is NULL. */
void *mm_mas_next(struct mm_ma_state *mas, uint64_t max)
{
	const struct mm_maple_node *n = mas->node;
	uint32_t i = mas->offset + 1;

	if (!n || i + 2 >= n->nr)
		return next_slots(mas, max);
	i += !n->mr64.slot[i];
	if (n->mr64.pivot[i - 1] >= max)
		return next_slots(mas, max);
	mas->index = n->mr64.pivot[i - 1] + 1;
	mas->last = n->mr64.pivot[i];
	mas->offset = i;
	return n->mr64.slot[i];
}

void *mm_mas_prev(struct mm_ma_state *mas, uint64_t min)
{
	void *entry = NULL;

	if (mas->node == MM_MAS_START)
		walk_to(mas, mas->index);
	while (!entry && mas->index > min)
		entry = mas->offset ? stand_on(mas, mas->offset - 1u) : walk_to(mas, mas->index - 1);
	return entry;
}

void *mm_mas_find(struct mm_ma_state *mas, uint64_t max)
{
	void *entry = walk_to(mas, mas->index);

	return entry ? entry : mm_mas_next(mas, max);
}

static uint64_t leaf_gap(const struct mm_maple_node *n, uint64_t min, uint64_t max)
{
	uint64_t gap = 0, first = min;
	uint32_t last = n->nr - 1u;

	for (uint32_t i = 0; i < last; i++) {
		if (!n->mr64.slot[i] && n->mr64.pivot[i] - first >= gap)
			gap = n->mr64.pivot[i] - first + 1;
		first = n->mr64.pivot[i] + 1;
	}
	return !n->mr64.slot[last] && max - first >= gap ? max - first + 1 : gap;
}

uint64_t mm_maple_node_gap(const struct mm_maple_node *n, uint64_t min, uint64_t max)
{
	uint64_t gap = 0;

	if (n->leaf)
		return leaf_gap(n, min, max);
	for (uint32_t i = 0; i < n->nr; i++)
		gap = n->ma64.gap[i] > gap ? n->ma64.gap[i] : gap;
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
	mas->node = MM_MAS_START;
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
