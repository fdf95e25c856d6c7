/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * virt/maple.h - the maple tree that holds an address space's VMAs
 *
 * Maps ranges of 64-bit indices to pointers.  A leaf is a maple_leaf_64 node
 * of 16 slots; every node above is a maple_arange_64 node of 10 slots, which
 * keeps for each child the largest gap (run of NULL) below it, so that a free
 * range of a size is found without visiting full subtrees.  Two neighbouring
 * ranges of NULL never exist, and no leaf but the last ends in NULL: a gap
 * lies in one leaf.
 *
 *	arange	pivot[0] < pivot[1] < ...	gap[i] = largest gap in slot[i]
 *	leaf	(min..pivot[0]] -> slot[0], (pivot[0]..pivot[1]] -> slot[1], ...
 *
 * Source: Linux 6.6 lib/maple_tree.c, include/linux/maple_tree.h.
 * Deviation: one writer, no readers beside it, hence no RCU and no parent
 * pointers: a state carries its path from the root.
 */
#ifndef VIRT_MAPLE_H
#define VIRT_MAPLE_H

#include <libmm/types.h>

enum {
	MM_MAPLE_RANGE64_SLOTS = 16,
	MM_MAPLE_ARANGE64_SLOTS = 10,
	MM_MAPLE_HEIGHT_MAX = 24,
};

struct mm_maple_node;
struct mm_maple_chunk;

struct mm_maple_tree {
	struct mm_maple_node *ma_root;	/* NULL: empty */
	struct mm_maple_node *last;	/* the leaf that a look-up ended in, NULL: it may have gone */
	struct mm_maple_node *free;	/* nodes kept for reuse */
	struct mm_maple_chunk *chunks;	/* the host memory that nodes come from; goes with the tree */
	uint32_t height;		/* levels of nodes, 0 when empty */
	uint64_t nr_nodes;		/* in the tree */
	uint64_t nr_free;		/* on the free list */
};

void mm_mt_init(struct mm_maple_tree *mt);
void mm_mt_destroy(struct mm_maple_tree *mt);	/* frees every node, no entry */

/* mas->node of a state that has not walked yet, or whose tree is empty. */
#define MM_MAS_START ((struct mm_maple_node *)NULL)

/*
 * struct ma_state: where an operation stands; [index, last] is the range of the entry it stands on.
 * A store ends every walk: mm_mas_set() begins another.
 */
struct mm_ma_state {
	struct mm_maple_tree *tree;
	uint64_t index, last;		/* both inclusive */
	struct mm_maple_node *node;	/* the leaf, or MM_MAS_START */
	uint64_t min, max;		/* what the leaf covers */
	uint32_t offset;		/* slot of the leaf */
	uint32_t depth;			/* level of the leaf, 0 the root */
	struct { struct mm_maple_node *node; uint64_t min, max; uint32_t offset; } up[MM_MAPLE_HEIGHT_MAX];
};

#define MM_MA_STATE(name, mt, first, end) \
	struct mm_ma_state name = { .tree = (mt), .index = (first), .last = (end) }

/* The entry at mas->index, or NULL; sets [index, last] to the entry's (or the gap's) range. */
void *mm_mas_walk(struct mm_ma_state *mas);
/* The next or previous entry that is not NULL and starts at or below @max / ends at or above @min. */
void *mm_mas_next(struct mm_ma_state *mas, uint64_t max);
void *mm_mas_prev(struct mm_ma_state *mas, uint64_t min);
/* The entry at mas->index, else the first above it up to @max. */
void *mm_mas_find(struct mm_ma_state *mas, uint64_t max);
static inline void mm_mas_set(struct mm_ma_state *mas, uint64_t index)
{
	mas->index = mas->last = index;
	mas->node = MM_MAS_START;
}

/**
 * mm_mtree_load() - the entry at @index, NULL when there is none
 * mm_mt_find() - the entry at @index, else the first above it up to @max
 * mm_mt_prev() - the last entry that ends below @index
 * mm_mt_find_prev() - mm_mt_find() without an end; *@prev is the entry before it, where there is none the last below @index
 */
void *mm_mtree_load(const struct mm_maple_tree *mt, uint64_t index);
void *mm_mt_find(const struct mm_maple_tree *mt, uint64_t index, uint64_t max);
void *mm_mt_prev(const struct mm_maple_tree *mt, uint64_t index);
void *mm_mt_find_prev(const struct mm_maple_tree *mt, uint64_t index, void **prev);

/**
 * mm_mtree_store_range() - make [first, last] hold @entry, NULL to clear
 *
 * What lay there is replaced; ranges that reach out of it are cut.
 * Return: 0; -EINVAL when first > last; -ENOMEM (nothing changed).
 * Source: lib/maple_tree.c mas_store, mas_wr_spanning_store, mas_split, mas_rebalance.
 */
int mm_mtree_store_range(struct mm_maple_tree *mt, uint64_t first, uint64_t last, void *entry);

/* Host memory for the next store, so that it cannot fail.  0 or -ENOMEM. */
int mm_mt_reserve(struct mm_maple_tree *mt);

/**
 * mm_mas_empty_area() - the lowest gap of @size within [min, max] (inclusive)
 * mm_mas_empty_area_rev() - the highest
 *
 * On success [mas->index, mas->last] is the place: index is the lowest
 * address, or last the highest, and they are @size apart.  Return: 0, -EBUSY
 * when there is none, -EINVAL.
 */
int mm_mas_empty_area(struct mm_ma_state *mas, uint64_t min, uint64_t max, uint64_t size);
int mm_mas_empty_area_rev(struct mm_ma_state *mas, uint64_t min, uint64_t max, uint64_t size);

/* Pivots ascend, gaps are right, every leaf at one height, nodes full enough, no NULL beside a NULL. */
bool mm_mt_is_consistent(const struct mm_maple_tree *mt, const char **what);

/* One row a node, in pre-order; for -t maple. */
struct mm_maple_row {
	uint32_t level;
	bool leaf;
	uint32_t slots;			/* used */
	uint64_t min, max, gap;
};
int mm_mt_for_each_node(const struct mm_maple_tree *mt, int (*fn)(const struct mm_maple_row *row, void *arg),
			void *arg);

#endif /* VIRT_MAPLE_H */
