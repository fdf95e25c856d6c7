/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Interval tree: a red-black tree whose nodes know the greatest end below them.
 *
 * Both sides are handled by one code: child[0] is the left one, child[1] the right
 * one, and a direction is which of them. No red node has a red child, and every way
 * down passes the same number of black nodes; so a way is at most twice as long as
 * another.
 */
#include "base/interval_tree.h"

static bool is_red(const struct mm_interval_node *n) { return n && n->red; }

static int side_of(const struct mm_interval_node *n) { return n->parent->child[1] == n; }

/* subtree_last from the children's. */
static void update(struct mm_interval_node *n)
{
	uint64_t last = n->last;

	for (int i = 0; i < 2; i++)
		if (n->child[i] && n->child[i]->subtree_last > last)
			last = n->child[i]->subtree_last;
	n->subtree_last = last;
}

static void update_up(struct mm_interval_node *n)
{
	for (; n; n = n->parent)
		update(n);
}

/* What hung at @old's place is @n. */
static void take_place(struct mm_interval_root *root, const struct mm_interval_node *old, struct mm_interval_node *n)
{
	if (old->parent)
		old->parent->child[side_of(old)] = n;
	else
		root->node = n;
	if (n)
		n->parent = old->parent;
}

/* @x goes down to side @dir; its other child comes up. */
static void rotate(struct mm_interval_root *root, struct mm_interval_node *x, int dir)
{
	struct mm_interval_node *y = x->child[!dir];

	take_place(root, x, y);
	x->child[!dir] = y->child[dir];
	if (x->child[!dir])
		x->child[!dir]->parent = x;
	y->child[dir] = x;
	x->parent = y;
	update(x);
	update(y);
}

static void mend_red(struct mm_interval_root *root, struct mm_interval_node *n)
{
	struct mm_interval_node *p;

	while ((p = n->parent) && p->red) {
		struct mm_interval_node *g = p->parent;
		int dir = side_of(p);

		if (is_red(g->child[!dir])) {
			p->red = g->child[!dir]->red = false;
			g->red = true;
			n = g;
			continue;
		}
		if (side_of(n) != dir) {
			rotate(root, p, dir);
			p = n;
		}
		p->red = false;
		g->red = true;
		rotate(root, g, !dir);
		break;
	}
	root->node->red = false;
}

static void link_node(struct mm_interval_root *root, struct mm_interval_node *n, struct mm_interval_node *parent, int dir)
{
	n->parent = parent;
	n->child[0] = n->child[1] = NULL;
	n->subtree_last = n->last;
	n->red = true;
	if (parent)
		parent->child[dir] = n;
	else
		root->node = n;
	for (struct mm_interval_node *p = parent; p && p->subtree_last < n->last; p = p->parent)
		p->subtree_last = n->last;
	mend_red(root, n);
}

void mm_interval_tree_insert(struct mm_interval_root *root, struct mm_interval_node *n, uint64_t start, uint64_t last)
{
	struct mm_interval_node *parent = NULL, *at = root->node;
	int dir = 0;

	n->start = start;
	n->last = last;
	while (at) {
		parent = at;
		dir = start >= at->start;
		at = at->child[dir];
	}
	link_node(root, n, parent, dir);
}

void mm_interval_tree_insert_after(struct mm_interval_root *root, struct mm_interval_node *n,
				   struct mm_interval_node *prev, uint64_t last)
{
	struct mm_interval_node *parent = prev;
	int dir = 1;

	n->start = prev->start;
	n->last = last;
	if (prev->child[1]) {
		dir = 0;
		for (parent = prev->child[1]; parent->child[0];)
			parent = parent->child[0];
	}
	link_node(root, n, parent, dir);
}

/* Ways through child @n of @p (NULL: its side that is empty) have one black node too few. */
static void mend_black(struct mm_interval_root *root, struct mm_interval_node *n, struct mm_interval_node *p)
{
	while (p && !is_red(n)) {
		int dir = p->child[0] != n;
		struct mm_interval_node *s = p->child[!dir];

		if (s->red) {
			s->red = false;
			p->red = true;
			rotate(root, p, dir);
			s = p->child[!dir];
		}
		if (!is_red(s->child[0]) && !is_red(s->child[1])) {
			s->red = true;
			n = p;
			p = n->parent;
			continue;
		}
		if (!is_red(s->child[!dir])) {
			s->child[dir]->red = false;
			s->red = true;
			rotate(root, s, !dir);
			s = p->child[!dir];
		}
		s->red = p->red;
		p->red = s->child[!dir]->red = false;
		rotate(root, p, dir);
		return;
	}
	if (n)
		n->red = false;
}

void mm_interval_tree_remove(struct mm_interval_root *root, struct mm_interval_node *n)
{
	struct mm_interval_node *s = n, *child, *from;
	bool black;

	if (n->child[0] && n->child[1])		/* the next in order takes its place */
		for (s = n->child[1]; s->child[0];)
			s = s->child[0];
	child = s->child[s->child[0] ? 0 : 1];
	black = !s->red;
	from = s->parent == n ? s : s->parent;
	take_place(root, s, child);
	if (s == n) {
		from = n->parent;
	} else {
		take_place(root, n, s);
		s->red = n->red;
		for (int i = 0; i < 2; i++) {
			s->child[i] = n->child[i];
			if (s->child[i])
				s->child[i]->parent = s;
		}
	}
	update_up(from);
	if (black)
		mend_black(root, child, from);
}

/* The first below @n that meets the interval; something below it ends at or behind @start. */
static struct mm_interval_node *search(struct mm_interval_node *n, uint64_t start, uint64_t last)
{
	for (;;) {
		if (n->child[0] && n->child[0]->subtree_last >= start) {
			n = n->child[0];	/* what meets it is there, or begins too late with all behind */
			continue;
		}
		if (n->start > last)
			return NULL;
		if (n->last >= start)
			return n;
		n = n->child[1];
		if (!n || n->subtree_last < start)
			return NULL;
	}
}

struct mm_interval_node *mm_interval_tree_iter_first(const struct mm_interval_root *root, uint64_t start,
						     uint64_t last)
{
	return root->node && root->node->subtree_last >= start ? search(root->node, start, last) : NULL;
}

struct mm_interval_node *mm_interval_tree_iter_next(const struct mm_interval_node *n, uint64_t start, uint64_t last)
{
	if (n->child[1] && n->child[1]->subtree_last >= start)
		return search(n->child[1], start, last);
	for (; n->parent; n = n->parent) {
		struct mm_interval_node *p = n->parent;

		if (p->child[0] != n)
			continue;
		if (p->start > last)
			return NULL;
		if (p->last >= start)
			return p;
		if (p->child[1] && p->child[1]->subtree_last >= start)
			return search(p->child[1], start, last);
	}
	return NULL;
}

/* Black nodes on the way down, the empty ends among them; 0: something is wrong. */
static uint32_t check(const struct mm_interval_node *n)
{
	uint64_t last = n ? n->last : 0;
	uint32_t blacks[2];

	if (!n)
		return 1;
	for (int i = 0; i < 2; i++) {
		const struct mm_interval_node *c = n->child[i];

		blacks[i] = check(c);
		if (!blacks[i] || (c && c->parent != n) || (n->red && is_red(c)))
			return 0;
		if (c && (i ? c->start < n->start : c->start > n->start))
			return 0;
		if (c && c->subtree_last > last)
			last = c->subtree_last;
	}
	return blacks[0] == blacks[1] && last == n->subtree_last ? blacks[0] + !n->red : 0;
}

bool mm_interval_tree_is_consistent(const struct mm_interval_root *root)
{
	return check(root->node) && !is_red(root->node) && !(root->node && root->node->parent);
}
