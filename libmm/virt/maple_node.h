/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * virt/maple_node.h - the inside of the maple tree: nodes and their slots
 */
#ifndef VIRT_MAPLE_NODE_H
#define VIRT_MAPLE_NODE_H

#include "virt/maple.h"

/*
 * 256 bytes, as in the kernel.  The last slot ends at the node's own maximum, which its parent knows; the pivots from
 * there on are UINT64_MAX, so that a search needs not look at the number of slots.
 */
struct mm_maple_node {
	uint8_t leaf;
	uint8_t nr;			/* slots used */
	union {
		struct {
			uint64_t pivot[MM_MAPLE_RANGE64_SLOTS - 1];
			void *slot[MM_MAPLE_RANGE64_SLOTS];
		} mr64;
		struct {
			uint64_t pivot[MM_MAPLE_ARANGE64_SLOTS - 1];
			struct mm_maple_node *slot[MM_MAPLE_ARANGE64_SLOTS];
			uint64_t gap[MM_MAPLE_ARANGE64_SLOTS];
		} ma64;
		struct mm_maple_node *next_free;
	};
};
_Static_assert(sizeof(void *) != 8 || sizeof(struct mm_maple_node) == 256, "a maple node is 256 bytes");

/* Least slots of a node that is not the root: fewer are joined with a neighbour. */
enum { MAPLE_LEAF_MIN = 6, MAPLE_ARANGE_MIN = 4 };

static inline const uint64_t *node_pivots(const struct mm_maple_node *n)
{
	return n->leaf ? n->mr64.pivot : n->ma64.pivot;
}

static inline uint32_t node_slots(const struct mm_maple_node *n)
{
	return n->leaf ? MM_MAPLE_RANGE64_SLOTS : MM_MAPLE_ARANGE64_SLOTS;
}

/* First and last index of slot @i of a node that covers [min, max]. */
static inline uint64_t slot_first(const struct mm_maple_node *n, uint32_t i, uint64_t min)
{
	return i ? node_pivots(n)[i - 1] + 1 : min;
}

static inline uint64_t slot_last(const struct mm_maple_node *n, uint32_t i, uint64_t max)
{
	return i + 1 < n->nr ? node_pivots(n)[i] : max;
}

/* The slot that covers @index: how many pivots are below it, in steps without a branch. */
static inline uint32_t leaf_slot_of(const uint64_t *pivot, uint64_t index)
{
	uint32_t i = (uint32_t)(pivot[7] < index) * 8;

	i += (uint32_t)(pivot[i + 3] < index) * 4;
	i += (uint32_t)(pivot[i + 1] < index) * 2;
	return i + (pivot[i] < index);
}

static inline uint32_t arange_slot_of(const uint64_t *pivot, uint64_t index)
{
	uint32_t i = (uint32_t)(pivot[4] < index) * 5;

	i += (uint32_t)(pivot[i + 1] < index) * 2;
	i += pivot[i] < index;
	return i + (pivot[i] < index);
}

/* The slot of @n that covers @index, which lies within the node. */
static inline uint32_t slot_of_index(const struct mm_maple_node *n, uint64_t index)
{
	return n->leaf ? leaf_slot_of(n->mr64.pivot, index) : arange_slot_of(n->ma64.pivot, index);
}

/* Largest run of NULL in a leaf that covers [min, max], largest gap of the children of another node. */
uint64_t mm_maple_node_gap(const struct mm_maple_node *n, uint64_t min, uint64_t max);

/* maple_leaf.c: a store that changes one leaf and leaves it as full as it must be is done there; false: it is not. */
bool mm_maple_store_in_leaf(struct mm_maple_tree *mt, uint64_t first, uint64_t last, void *entry);

#endif /* VIRT_MAPLE_NODE_H */
