/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * base/xarray.h - a sparse array of 64-bit values by 64-bit index: a radix tree of 64-slot nodes
 *
 * 0 is "nothing there".  Values are the caller's to encode (a PFN + 1, a shadow).  A value of order 6 to 11 stands for
 * 2^order indices, from an index aligned to them: it is found at each and takes no leaf.  Entries with bit 63 are plain values
 * (xa_is_value()); who lends nodes their memory is told of those that hold nothing else.
 */
#ifndef BASE_XARRAY_H
#define BASE_XARRAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MM_XA_VALUE	(UINT64_C(1) << 63)

struct mm_xa_node;
struct mm_xarray;

/* What a node is in the machine's own memory: the address of its object, and who pays for it. */
struct mm_xa_obj {
	uint64_t addr;			/* 0: none */
	void *payer;
};
/* A node as its lender sees it.  The links are the lender's; the rest is the tree's. */
struct mm_xa_link {
	struct mm_xa_link *prev, *next;
	struct mm_xarray *xa;
	uint64_t index;			/* the first that it covers */
	struct mm_xa_obj obj;
	bool only_values;		/* is not empty and holds nothing but values: what update() was told last */
};
struct mm_xa_nodes {
	void *arg;
	struct mm_xa_obj (*alloc)(void *arg, const struct mm_xarray *xa);	/* addr 0: no memory */
	void (*free)(void *arg, struct mm_xa_obj obj);
	void (*update)(void *arg, struct mm_xa_link *link);	/* only_values has changed; NULL: nobody wants to know */
};

struct mm_xarray {
	struct mm_xa_node *root;
	struct mm_xa_node *last;	/* the leaf stored to last, NULL: none, or it has gone */
	uint64_t last_nr;		/* its indices by 64 */
	uint32_t height;		/* levels; 0: empty */
	uint64_t nr_nodes;
	const struct mm_xa_nodes *nodes; /* memory of the machine for nodes; NULL: the host's alone */
	bool account;			/* nodes are charged to who makes them (XA_FLAGS_ACCOUNT) */
};

uint64_t mm_xa_load(const struct mm_xarray *xa, uint64_t index);
/* Store (0 erases); the old value through @old when not NULL. 0 or -ENOMEM. Not where a value of a higher order stands. */
int mm_xa_store(struct mm_xarray *xa, uint64_t index, uint64_t value, uint64_t *old);
/* The same, done only if it needs no node and empties none. */
bool mm_xa_store_in_leaf(struct mm_xarray *xa, uint64_t index, uint64_t value, uint64_t *old);
/* One value for the 2^@order indices from @index (6 <= @order <= 11), in the place of what is there; 0 erases. 0 or -ENOMEM. */
int mm_xa_store_order(struct mm_xarray *xa, uint64_t index, unsigned int order, uint64_t value);
/* A value of @order becomes 2^@order values: itself, itself + @step, ... 0 or -ENOMEM (nothing changed). Source: xas_split(). */
int mm_xa_split(struct mm_xarray *xa, uint64_t index, unsigned int order, uint64_t step);
/* Does a value of a higher order stand at @index? */
bool mm_xa_is_whole(const struct mm_xarray *xa, uint64_t index);
/* First index >= @index with a value; false when there is none. */
bool mm_xa_find(const struct mm_xarray *xa, uint64_t *index, uint64_t *value);
/* Erase all that the node holds, and the node with it (xa_delete_node()). */
void mm_xa_delete_node(struct mm_xa_link *link);
void mm_xa_destroy(struct mm_xarray *xa);	/* the host's memory; the machine's is not given back */
bool mm_xa_is_consistent(const struct mm_xarray *xa);	/* no empty node, counts add up */

#endif /* BASE_XARRAY_H */
