/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * base/rbtree.h - red-black trees whose nodes lie in the user's structs
 *
 * The user walks down by its own comparison and hands over the place it came to; so a tree whose keys change under it
 * (KSM's unstable one) can be walked too. Insertion and removal balance as the textbook does, which gives the shapes
 * that lib/rbtree.c of the kernel gives.
 */
#ifndef BASE_RBTREE_H
#define BASE_RBTREE_H

#include <stdbool.h>
#include <stddef.h>

struct mm_rb_node {
	struct mm_rb_node *parent, *left, *right;
	bool red;
};

struct mm_rb_root { struct mm_rb_node *node; };

#define mm_rb_entry(ptr, type, member) ((type *)(void *)((char *)(ptr) - offsetof(type, member)))

/* @node goes to *@link, an empty place below @parent (NULL: the root's). */
void mm_rb_insert(struct mm_rb_root *root, struct mm_rb_node *node, struct mm_rb_node *parent, struct mm_rb_node **link);
void mm_rb_erase(struct mm_rb_root *root, struct mm_rb_node *node);
/* @new takes the place of @old, which is out of the tree then. */
void mm_rb_replace(struct mm_rb_root *root, struct mm_rb_node *old, struct mm_rb_node *new);
bool mm_rb_is_consistent(const struct mm_rb_root *root);	/* colours, heights, parents */

#endif /* BASE_RBTREE_H */
