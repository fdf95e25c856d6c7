/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Policies of ranges of a file in memory.
 *
 *	pages	0 ....... 16 ....... 32
 *		  bind:0  | (none)   | interleave:0-1
 *
 * Ranges do not overlap and lie in order in an array (a tree in the kernel); setting one cuts those it meets. They
 * stay when nobody maps the file any more. Source: mm/mempolicy.c (struct shared_policy), mm/shmem.c.
 */
#include "cache/shared_policy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/host_memory.h"

/* The first range that ends behind @index. */
static size_t first_behind(const struct mm_inode *inode, uint64_t index)
{
	size_t lo = 0, hi = inode->nr_policies;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (inode->policies[mid].end > index)
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo;
}

const struct mm_mempolicy *mm_shared_policy_lookup(const struct mm_inode *inode, uint64_t index)
{
	size_t i = inode->nr_policies ? first_behind(inode, index) : 0;

	return i < inode->nr_policies && inode->policies[i].start <= index ? inode->policies[i].pol : NULL;
}

static int make_room(struct mm_inode *inode)
{
	size_t cap = inode->cap_policies ? 2 * inode->cap_policies : 4;
	struct mm_sp_range *v;

	if (inode->nr_policies + 2 <= inode->cap_policies)
		return 0;
	v = mm_host_realloc(inode->policies, cap * sizeof(*v));
	if (!v)
		return -ENOMEM;
	inode->policies = v;
	inode->cap_policies = cap;
	return 0;
}

static void insert(struct mm_inode *inode, size_t at, struct mm_sp_range r)
{
	struct mm_sp_range *v = inode->policies;

	memmove(&v[at + 1], &v[at], (inode->nr_policies - at) * sizeof(*v));
	v[at] = r;
	inode->nr_policies++;
}

int mm_shared_policy_set(struct mm_inode *inode, uint64_t first, uint64_t nr, const struct mm_mempolicy *pol)
{
	uint64_t end = first + nr;
	struct mm_sp_range *v;
	size_t at, gone;

	if (make_room(inode))
		return -ENOMEM;
	v = inode->policies;
	at = first_behind(inode, first);
	if (at < inode->nr_policies && v[at].start < first) {	/* begins before: its tail is cut off, or kept as one more */
		if (v[at].end > end)
			insert(inode, at + 1, (struct mm_sp_range){ end, v[at].end, v[at].pol });
		v[at++].end = first;
	}
	for (gone = at; gone < inode->nr_policies && v[gone].end <= end; gone++)
		;
	memmove(&v[at], &v[gone], (inode->nr_policies - gone) * sizeof(*v));
	inode->nr_policies -= gone - at;
	if (at < inode->nr_policies && v[at].start < end)
		v[at].start = end;
	if (pol)
		insert(inode, at, (struct mm_sp_range){ first, end, pol });
	return 0;
}

struct mm_mpol_place mm_shmem_mpol_place(const struct mm_ctx *ctx, const struct mm_inode *inode, uint64_t index, unsigned int order)
{
	const struct mm_mempolicy *pol = mm_shared_policy_lookup(inode, index);

	return (struct mm_mpol_place){ pol ? pol : ctx->mempolicy, (index + inode->il_bias) >> order };
}
