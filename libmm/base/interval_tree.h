/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * base/interval_tree.h - which intervals of a set meet a given one
 *
 * A red-black tree of intervals [start, last] in the order of their starts, equal
 * ones in the order they came. Each node knows the greatest end below it, so that a
 * search passes over subtrees that end too early. Nodes lie in what they belong to.
 *
 * Source: Linux 6.6 include/linux/interval_tree_generic.h, lib/rbtree.c.
 */
#ifndef BASE_INTERVAL_TREE_H
#define BASE_INTERVAL_TREE_H

#include <libmm/types.h>

struct mm_interval_node {
	struct mm_interval_node *parent, *child[2];
	uint64_t start, last;		/* both inclusive; set by the insertion */
	uint64_t subtree_last;		/* greatest last of the node and those below */
	bool red;
};

struct mm_interval_root {
	struct mm_interval_node *node;	/* NULL: empty */
};

void mm_interval_tree_insert(struct mm_interval_root *root, struct mm_interval_node *n, uint64_t start, uint64_t last);
/* Right behind @prev, which begins where @n does: a walk meets it next. */
void mm_interval_tree_insert_after(struct mm_interval_root *root, struct mm_interval_node *n,
				   struct mm_interval_node *prev, uint64_t last);
void mm_interval_tree_remove(struct mm_interval_root *root, struct mm_interval_node *n);

/* The first and the next node that meets [start, last]; NULL: none. The tree may not change between. */
struct mm_interval_node *mm_interval_tree_iter_first(const struct mm_interval_root *root, uint64_t start,
						     uint64_t last);
struct mm_interval_node *mm_interval_tree_iter_next(const struct mm_interval_node *n, uint64_t start, uint64_t last);

/* Colours, order, greatest ends, parents. */
bool mm_interval_tree_is_consistent(const struct mm_interval_root *root);

#endif /* BASE_INTERVAL_TREE_H */
