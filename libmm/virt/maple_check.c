/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The maple tree: verifying it and showing its nodes.
 */
#include "virt/maple_node.h"

struct check {
	uint64_t nr_nodes;
	uint32_t leaf_level;
	const char *what;
};

static bool complain(struct check *c, const char *what)
{
	c->what = what;
	return false;
}

static bool check_leaf(struct check *c, const struct mm_maple_node *n, uint64_t max)
{
	for (uint32_t i = 0; i + 1 < n->nr; i++)
		if (!n->mr64.slot[i] && !n->mr64.slot[i + 1])
			return complain(c, "NULL beside NULL");
	if (!n->mr64.slot[n->nr - 1] && max != UINT64_MAX)
		return complain(c, "a leaf ends in NULL");
	return true;
}

static bool check_node(struct check *c, const struct mm_maple_node *n, uint64_t min, uint64_t max, uint32_t level)
{
	uint32_t least = level ? (n->leaf ? MAPLE_LEAF_MIN : MAPLE_ARANGE_MIN) : n->leaf ? 1 : 2;

	c->nr_nodes++;
	if (n->nr < least || n->nr > node_slots(n))
		return complain(c, "too few or too many slots");
	for (uint32_t i = n->nr - 1u; i + 1 < node_slots(n); i++)
		if (node_pivots(n)[i] != UINT64_MAX)
			return complain(c, "a pivot behind the last slot");
	for (uint32_t i = 0; i < n->nr; i++) {
		uint64_t first = slot_first(n, i, min), last = slot_last(n, i, max);

		if (first > last || last > max || (i && node_pivots(n)[i - 1] == UINT64_MAX))
			return complain(c, "pivots do not ascend");
		if (n->leaf)
			continue;
		if (!check_node(c, n->ma64.slot[i], first, last, level + 1))
			return false;
		if (n->ma64.gap[i] != mm_maple_node_gap(n->ma64.slot[i], first, last))
			return complain(c, "a gap is wrong");
	}
	if (!n->leaf)
		return true;
	if (level != c->leaf_level)
		return complain(c, "leaves at different heights");
	return check_leaf(c, n, max);
}

bool mm_mt_is_consistent(const struct mm_maple_tree *mt, const char **what)
{
	struct check c = { .leaf_level = mt->height - 1, .what = "the height is wrong" };
	uint64_t nr_free = 0;
	bool ok = !mt->ma_root == !mt->height;

	if (ok && mt->ma_root)
		ok = check_node(&c, mt->ma_root, 0, UINT64_MAX, 0);
	for (const struct mm_maple_node *n = mt->free; n; n = n->next_free)
		nr_free++;
	if (ok && (c.nr_nodes != mt->nr_nodes || nr_free != mt->nr_free))
		ok = complain(&c, "the number of nodes is wrong");
	if (!ok && what)
		*what = c.what;
	return ok;
}

static int each_node(const struct mm_maple_node *n, uint64_t min, uint64_t max, uint32_t level,
		     int (*fn)(const struct mm_maple_row *row, void *arg), void *arg)
{
	struct mm_maple_row row = {
		.level = level, .leaf = n->leaf, .slots = n->nr, .min = min, .max = max,
		.gap = mm_maple_node_gap(n, min, max),
	};
	int e = fn(&row, arg);

	for (uint32_t i = 0; !e && !n->leaf && i < n->nr; i++)
		e = each_node(n->ma64.slot[i], slot_first(n, i, min), slot_last(n, i, max), level + 1, fn, arg);
	return e;
}

int mm_mt_for_each_node(const struct mm_maple_tree *mt, int (*fn)(const struct mm_maple_row *row, void *arg), void *arg)
{
	return mt->ma_root ? each_node(mt->ma_root, 0, UINT64_MAX, 0, fn, arg) : 0;
}
