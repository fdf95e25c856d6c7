/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Red-black trees.
 *
 * A node is red or black, the root and every missing child are black; a red node has black children, and every path
 * from a node down to a missing child meets as many black nodes. Insertion paints the new node red and repairs
 * upwards, removal repairs where a black node went. Model: Cormen, Leiserson, Rivest, Stein, "Introduction to
 * Algorithms", chapter 13, with parent pointers and without a sentinel.
 */
#include "base/rbtree.h"

static bool is_red(const struct mm_rb_node *n) { return n && n->red; }

/* What pointed to @old points to @new. */
static void change_child(struct mm_rb_root *root, const struct mm_rb_node *old, struct mm_rb_node *new,
			 struct mm_rb_node *parent)
{
	if (!parent)
		root->node = new;
	else if (parent->left == old)
		parent->left = new;
	else
		parent->right = new;
	if (new)
		new->parent = parent;
}

/* @n goes down to the left, its right child comes up; @left false: the mirror image. */
static void rotate(struct mm_rb_root *root, struct mm_rb_node *n, bool left)
{
	struct mm_rb_node *up = left ? n->right : n->left, *mid = left ? up->left : up->right;

	change_child(root, n, up, n->parent);
	if (left) {
		n->right = mid;
		up->left = n;
	} else {
		n->left = mid;
		up->right = n;
	}
	if (mid)
		mid->parent = n;
	n->parent = up;
}

void mm_rb_insert(struct mm_rb_root *root, struct mm_rb_node *node, struct mm_rb_node *parent, struct mm_rb_node **link)
{
	*node = (struct mm_rb_node){ .parent = parent, .red = true };
	*link = node;
	while (is_red(node->parent)) {
		struct mm_rb_node *up = node->parent, *grand = up->parent;
		bool left = up == grand->left;
		struct mm_rb_node *uncle = left ? grand->right : grand->left;

		if (is_red(uncle)) {
			up->red = uncle->red = false;
			grand->red = true;
			node = grand;
			continue;
		}
		if (node == (left ? up->right : up->left)) {
			rotate(root, up, left);
			up = node;
		}
		up->red = false;
		grand->red = true;
		rotate(root, grand, !left);
		break;
	}
	root->node->red = false;
}

/* Paths through @node (perhaps NULL) below @parent lack one black node. */
static void repair(struct mm_rb_root *root, struct mm_rb_node *node, struct mm_rb_node *parent)
{
	while (parent && !is_red(node)) {
		bool left = node == parent->left;
		struct mm_rb_node *sibling = left ? parent->right : parent->left, *outer, *inner;

		if (sibling->red) {
			sibling->red = false;
			parent->red = true;
			rotate(root, parent, left);
			sibling = left ? parent->right : parent->left;
		}
		outer = left ? sibling->right : sibling->left;
		inner = left ? sibling->left : sibling->right;
		if (!is_red(outer) && !is_red(inner)) {
			sibling->red = true;
			node = parent;
			parent = node->parent;
			continue;
		}
		if (!is_red(outer)) {
			inner->red = false;
			sibling->red = true;
			rotate(root, sibling, !left);
			outer = sibling;
			sibling = inner;
		}
		sibling->red = parent->red;
		parent->red = outer->red = false;
		rotate(root, parent, left);
		return;
	}
	if (node)
		node->red = false;
}

void mm_rb_erase(struct mm_rb_root *root, struct mm_rb_node *node)
{
	struct mm_rb_node *child, *parent, *next;
	bool red;

	if (!node->left || !node->right) {
		child = node->left ? node->left : node->right;
		parent = node->parent;
		red = node->red;
		change_child(root, node, child, parent);
	} else {
		for (next = node->right; next->left; next = next->left)
			;
		child = next->right;
		red = next->red;
		parent = next->parent == node ? next : next->parent;
		if (parent != next) {
			change_child(root, next, child, parent);
			next->right = node->right;
			next->right->parent = next;
		}
		change_child(root, node, next, node->parent);
		next->left = node->left;
		next->left->parent = next;
		next->red = node->red;
	}
	if (!red)
		repair(root, child, parent);
	*node = (struct mm_rb_node){ 0 };
}

void mm_rb_replace(struct mm_rb_root *root, struct mm_rb_node *old, struct mm_rb_node *new)
{
	*new = *old;
	change_child(root, old, new, old->parent);
	if (new->left)
		new->left->parent = new;
	if (new->right)
		new->right->parent = new;
	*old = (struct mm_rb_node){ 0 };
}

/* Black nodes on every path down from @n, -1: they differ, or a rule is broken. */
static int black_height(const struct mm_rb_node *n)
{
	int left, right;

	if (!n)
		return 0;
	if ((n->left && n->left->parent != n) || (n->right && n->right->parent != n))
		return -1;
	if (n->red && (is_red(n->left) || is_red(n->right)))
		return -1;
	left = black_height(n->left);
	right = black_height(n->right);
	return left < 0 || left != right ? -1 : left + !n->red;
}

bool mm_rb_is_consistent(const struct mm_rb_root *root)
{
	return !is_red(root->node) && (!root->node || !root->node->parent) && black_height(root->node) >= 0;
}
