/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * base/xarray.c - a radix tree of 64-slot nodes
 *
 * A leaf holds values, an inner node holds children; a tree of height h
 * covers indices below 64^h.  No node is empty, so an erase frees the path
 * above it as far as it became empty, and the root is as low as its content allows.
 *
 *   height 2:      root [ 0 .. 63 ]        slot = index >> 6
 *                      /      \
 *              leaf [0..63]  leaf [0..63]  slot = index & 63
 *
 * A value of order 6 + n stands in 2^n slots of a node of the second level, where leaves would hang.  The leaf stored to last is
 * remembered: neighbours follow each other, and where there is a leaf nothing above it changes.
 */
#include "base/xarray.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/host_memory.h"

enum { XA_SHIFT = 6, XA_SLOTS = 1 << XA_SHIFT, XA_MAX_HEIGHT = 11 };

struct mm_xa_node {
	uint64_t present;			/* bit by slot */
	uint64_t whole;				/* likewise, of present: a value of a higher order, no child (second level) */
	uint64_t values;			/* likewise, of present: entries with bit 63 */
	struct mm_xa_link link;
	union {
		uint64_t value;
		struct mm_xa_node *child;
	} slot[XA_SLOTS];
};

static unsigned int shift_of(uint32_t height) { return (height - 1) * XA_SHIFT; }

static bool covers(const struct mm_xarray *xa, uint64_t index)
{
	return xa->height >= XA_MAX_HEIGHT || (xa->height && !(index >> (xa->height * XA_SHIFT)));
}

static unsigned int slot_of(uint64_t index, uint32_t height)
{
	return (unsigned int)(index >> shift_of(height)) & (XA_SLOTS - 1);
}

/* Is the leaf stored to last that of @index? */
static inline bool is_in_last(const struct mm_xarray *xa, uint64_t index) { return xa->last && xa->last_nr == index >> XA_SHIFT; }

uint64_t mm_xa_load(const struct mm_xarray *xa, uint64_t index)
{
	const struct mm_xa_node *n = xa->root;

	if (is_in_last(xa, index))
		return xa->last->slot[index & (XA_SLOTS - 1)].value;
	if (!n || !covers(xa, index))
		return 0;
	for (uint32_t h = xa->height; h > 1; h--) {
		unsigned int s = slot_of(index, h);

		if (h == 2 && n->whole >> s & 1)
			return n->slot[s].value;
		n = n->slot[s].child;
		if (!n)
			return 0;
	}
	return n->slot[index & (XA_SLOTS - 1)].value;
}

static struct mm_xa_node *node_new(struct mm_xarray *xa)
{
	struct mm_xa_node *n = mm_host_calloc(1, sizeof(*n));

	if (!n)
		return NULL;
	if (xa->nodes) {
		n->link.xa = xa;
		n->link.obj = xa->nodes->alloc(xa->nodes->arg, xa);
		if (!n->link.obj.addr) {
			free(n);
			return NULL;
		}
	}
	xa->nr_nodes++;
	return n;
}

static void node_free(struct mm_xarray *xa, struct mm_xa_node *n)
{
	xa->nr_nodes--;
	if (n == xa->last)
		xa->last = NULL;
	if (n->link.obj.addr)
		xa->nodes->free(xa->nodes->arg, n->link.obj);
	free(n);
}

static struct mm_xa_node *node_of(struct mm_xa_link *link)
{
	return (struct mm_xa_node *)(void *)((char *)link - offsetof(struct mm_xa_node, link));
}

/* The first index that the node of level @h on the way to @index covers. */
static uint64_t first_of(uint64_t index, uint32_t h) { return h >= XA_MAX_HEIGHT ? 0 : index >> (h * XA_SHIFT) << (h * XA_SHIFT); }

/* The entries of @n, which begins at @first, have changed. */
static inline void updated(struct mm_xarray *xa, struct mm_xa_node *n, uint64_t first)
{
	bool only_values = n->present && n->values == n->present;

	if (only_values == n->link.only_values || !n->link.obj.addr || !xa->nodes->update)
		return;
	n->link.only_values = only_values;
	n->link.index = first;
	xa->nodes->update(xa->nodes->arg, &n->link);
}

/* An entry, or 0 for none, into a slot of @n. */
static void set(struct mm_xa_node *n, unsigned int s, uint64_t entry)
{
	uint64_t bit = UINT64_C(1) << s;

	n->slot[s].value = entry;
	n->present = entry ? n->present | bit : n->present & ~bit;
	n->values = entry & MM_XA_VALUE ? n->values | bit : n->values & ~bit;
}

/* Take away what an erase or a failed store left empty, from height @h up, and lower the root. */
static void prune(struct mm_xarray *xa, struct mm_xa_node **path, uint32_t h, uint64_t index)
{
	for (; h <= xa->height && path[h] && !path[h]->present; h++) {
		node_free(xa, path[h]);
		if (h == xa->height) {
			xa->root = NULL;
			xa->height = 0;
			return;
		}
		path[h + 1]->slot[slot_of(index, h + 1)].child = NULL;
		path[h + 1]->present &= ~(UINT64_C(1) << slot_of(index, h + 1));
		updated(xa, path[h + 1], first_of(index, h + 1));
	}
	while (xa->height > 1 && xa->root->present == 1 && !xa->root->whole) {
		struct mm_xa_node *child = xa->root->slot[0].child;

		node_free(xa, xa->root);
		xa->root = child;
		xa->height--;
	}
}

static __attribute__((noinline)) void erase(struct mm_xarray *xa, uint64_t index, uint64_t *old)
{
	struct mm_xa_node *path[XA_MAX_HEIGHT + 1] = { 0 }, *n = xa->root;
	unsigned int s = index & (XA_SLOTS - 1);

	if (old)
		*old = 0;
	if (!n || !covers(xa, index))
		return;
	for (uint32_t h = xa->height; h >= 1; h--) {
		path[h] = n;
		if (h > 1 && !(n = n->slot[slot_of(index, h)].child))
			return;
	}
	n = path[1];
	if (old)
		*old = n->slot[s].value;
	set(n, s, 0);
	updated(xa, n, index - s);
	prune(xa, path, 1, index);
}

/* Make the tree high enough for @index. */
static int grow(struct mm_xarray *xa, uint64_t index)
{
	while (!covers(xa, index)) {
		struct mm_xa_node *n;

		if (!xa->root) {
			xa->height++;
			continue;
		}
		n = node_new(xa);
		if (!n)
			return -ENOMEM;
		n->slot[0].child = xa->root;
		n->present = 1;
		xa->root = n;
		xa->height++;
	}
	return 0;
}

/*
 * The node of level @low on the way to @index, made with those above it where missing; @path receives it and them. NULL: no
 * memory, and the tree is as it was.
 */
static struct mm_xa_node *descend(struct mm_xarray *xa, uint64_t index, uint32_t low, struct mm_xa_node **path)
{
	struct mm_xa_node *n;

	if (grow(xa, index) || (!xa->root && !(xa->root = node_new(xa)))) {
		if (!xa->root)
			xa->height = 0;
		else
			prune(xa, path, 1, index);
		return NULL;
	}
	n = xa->root;
	for (uint32_t h = xa->height; h > low; h--) {
		struct mm_xa_node **child = &n->slot[slot_of(index, h)].child;

		path[h] = n;
		if (!*child && !(*child = node_new(xa))) {
			prune(xa, path, h, index);
			return NULL;
		}
		n->present |= UINT64_C(1) << slot_of(index, h);
		if (n->link.only_values)
			updated(xa, n, first_of(index, h));
		n = *child;
	}
	path[low] = n;
	return n;
}

/* The leaf of @index becomes the one stored to last; false: there is none. */
static bool find_leaf(struct mm_xarray *xa, uint64_t index)
{
	struct mm_xa_node *n = covers(xa, index) ? xa->root : NULL;

	for (uint32_t h = xa->height; n && h > 1; h--) {
		if (h == 2 && n->whole >> slot_of(index, h) & 1)
			return false;
		n = n->slot[slot_of(index, h)].child;
	}
	if (!n)
		return false;
	xa->last = n;
	xa->last_nr = index >> XA_SHIFT;
	return true;
}

bool mm_xa_store_in_leaf(struct mm_xarray *xa, uint64_t index, uint64_t value, uint64_t *old)
{
	unsigned int s = index & (XA_SLOTS - 1);

	if ((!is_in_last(xa, index) && !find_leaf(xa, index)) || (!value && !(xa->last->present & ~(UINT64_C(1) << s))))
		return false;
	if (old)
		*old = xa->last->slot[s].value;
	set(xa->last, s, value);
	updated(xa, xa->last, index - s);
	return true;
}

/* Where the leaf is missing. */
static __attribute__((noinline)) int store_new(struct mm_xarray *xa, uint64_t index, uint64_t value, uint64_t *old)
{
	struct mm_xa_node *path[XA_MAX_HEIGHT + 1] = { 0 }, *n = descend(xa, index, 1, path);
	unsigned int s = index & (XA_SLOTS - 1);

	if (!n)
		return -ENOMEM;
	if (old)
		*old = n->slot[s].value;
	set(n, s, value);
	updated(xa, n, index - s);
	return 0;
}

int mm_xa_store(struct mm_xarray *xa, uint64_t index, uint64_t value, uint64_t *old)
{
	if (mm_xa_store_in_leaf(xa, index, value, old))
		return 0;
	if (value)
		return store_new(xa, index, value, old);
	erase(xa, index, old);
	return 0;
}

static void free_leaf(struct mm_xarray *xa, struct mm_xa_node *leaf)
{
	leaf->present = 0;
	updated(xa, leaf, leaf->link.index);
	node_free(xa, leaf);
}

int mm_xa_store_order(struct mm_xarray *xa, uint64_t index, unsigned int order, uint64_t value)
{
	struct mm_xa_node *path[XA_MAX_HEIGHT + 1] = { 0 }, *n;
	unsigned int first = slot_of(index, 2), nr = 1u << (order - XA_SHIFT);

	if (!value && (xa->height < 2 || !covers(xa, index)))
		return 0;
	n = descend(xa, index | ((UINT64_C(1) << order) - 1), 2, path);
	if (!n)
		return -ENOMEM;
	for (unsigned int s = first; s < first + nr; s++) {
		uint64_t bit = UINT64_C(1) << s;

		if (n->present & ~n->whole & bit)
			free_leaf(xa, n->slot[s].child);
		set(n, s, value);
		n->whole = value ? n->whole | bit : n->whole & ~bit;
	}
	updated(xa, n, first_of(index, 2));
	if (!value)
		prune(xa, path, 2, index);
	return 0;
}

bool mm_xa_is_whole(const struct mm_xarray *xa, uint64_t index)
{
	const struct mm_xa_node *n = xa->root;

	if (xa->height < 2 || !covers(xa, index))
		return false;
	for (uint32_t h = xa->height; n && h > 2; h--)
		n = n->slot[slot_of(index, h)].child;
	return n && n->whole >> slot_of(index, 2) & 1;
}

int mm_xa_split(struct mm_xarray *xa, uint64_t index, unsigned int order, uint64_t step)
{
	struct mm_xa_node *path[XA_MAX_HEIGHT + 1] = { 0 }, *n = descend(xa, index, 2, path), *leaves[XA_SLOTS];
	unsigned int first = slot_of(index, 2), nr = 1u << (order - XA_SHIFT);
	uint64_t value = n->slot[first].value;

	for (unsigned int i = 0; i < nr; i++) {
		leaves[i] = node_new(xa);
		if (leaves[i])
			continue;
		while (i--)
			node_free(xa, leaves[i]);
		return -ENOMEM;
	}
	for (unsigned int i = 0; i < nr; i++) {
		for (unsigned int s = 0; s < XA_SLOTS; s++, value += step)
			set(leaves[i], s, value);
		n->slot[first + i].child = leaves[i];
		n->whole &= ~(UINT64_C(1) << (first + i));
		n->values &= ~(UINT64_C(1) << (first + i));
	}
	updated(xa, n, first_of(index, 2));
	for (unsigned int i = 0; i < nr; i++)
		updated(xa, leaves[i], first_of(index, 1) + i * XA_SLOTS);
	return 0;
}

void mm_xa_delete_node(struct mm_xa_link *link)
{
	struct mm_xa_node *path[XA_MAX_HEIGHT + 1] = { 0 }, *n;
	struct mm_xarray *xa = link->xa;
	uint64_t index = link->index;
	uint32_t h = xa->height;

	for (n = xa->root; n != node_of(link); n = n->slot[slot_of(index, h--)].child)
		path[h] = n;
	path[h] = n;
	for (unsigned int s = 0; s < XA_SLOTS; s++)
		set(n, s, 0);
	n->whole = 0;
	updated(xa, n, index);
	prune(xa, path, h, index);
}

/* Lowest present index >= *index below @n, whose first index is @base. */
static bool find_in(const struct mm_xa_node *n, uint32_t height, uint64_t base, uint64_t *index, uint64_t *value)
{
	unsigned int shift = shift_of(height);
	uint64_t from = *index > base ? (*index - base) >> shift : 0, left;

	if (from >= XA_SLOTS)
		return false;
	left = n->present & ~UINT64_C(0) << from;
	for (; left; left &= left - 1) {
		unsigned int s = (unsigned int)__builtin_ctzll(left);

		if (height == 1 || n->whole >> s & 1) {
			uint64_t first = base + ((uint64_t)s << shift);

			*index = *index > first ? *index : first;
			*value = n->slot[s].value;
			return true;
		}
		if (find_in(n->slot[s].child, height - 1, base + ((uint64_t)s << shift), index, value))
			return true;
	}
	return false;
}

bool mm_xa_find(const struct mm_xarray *xa, uint64_t *index, uint64_t *value)
{
	uint64_t i = *index, v;

	if (!xa->root || !covers(xa, i) || !find_in(xa->root, xa->height, 0, &i, &v))
		return false;
	*index = i;
	*value = v;
	return true;
}

static void free_below(struct mm_xa_node *n, uint32_t height)
{
	for (uint64_t left = height > 1 ? n->present & ~n->whole : 0; left; left &= left - 1)
		free_below(n->slot[__builtin_ctzll(left)].child, height - 1);
	free(n);
}

void mm_xa_destroy(struct mm_xarray *xa)
{
	if (xa->root)
		free_below(xa->root, xa->height);
	*xa = (struct mm_xarray){ 0 };
}

static bool consistent_below(const struct mm_xa_node *n, uint32_t height, uint64_t *nodes)
{
	if (!n || !n->present || n->whole & ~n->present || (height != 2 && n->whole))
		return false;
	if (n->link.only_values && (n->values != n->present || (n->link.index >> shift_of(height)) % XA_SLOTS))
		return false;
	(*nodes)++;
	for (unsigned int s = 0; s < XA_SLOTS; s++) {
		bool present = n->present >> s & 1, is_entry = height == 1 || n->whole >> s & 1;

		if ((n->values >> s & 1) != (present && is_entry && n->slot[s].value & MM_XA_VALUE))
			return false;
		if (height == 1 ? present != (n->slot[s].value != 0) : present != (n->slot[s].child != NULL))
			return false;
		if (height > 1 && present && !(n->whole >> s & 1) && !consistent_below(n->slot[s].child, height - 1, nodes))
			return false;
	}
	return true;
}

/* What is remembered of the last store is what a look at the tree finds. */
static bool last_is_consistent(const struct mm_xarray *xa)
{
	const struct mm_xa_node *n = xa->root;

	for (uint32_t h = xa->height; n && h > 1; h--)
		n = n->slot[slot_of(xa->last_nr << XA_SHIFT, h)].child;
	return !xa->last || (n == xa->last && covers(xa, xa->last_nr << XA_SHIFT));
}

bool mm_xa_is_consistent(const struct mm_xarray *xa)
{
	uint64_t nodes = 0;

	if (!xa->root)
		return xa->height == 0 && xa->nr_nodes == 0 && !xa->last;
	return last_is_consistent(xa) && consistent_below(xa->root, xa->height, &nodes) && nodes == xa->nr_nodes;
}
