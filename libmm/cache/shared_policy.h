/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* cache/shared_policy.h - memory policies that belong to a file in memory: of ranges of its pages, whoever maps them */
#ifndef CACHE_SHARED_POLICY_H
#define CACHE_SHARED_POLICY_H

#include "cache/inode.h"
#include "phys/mempolicy.h"

/* The policy of one page; NULL: none, the task's counts. */
const struct mm_mempolicy *mm_shared_policy_lookup(const struct mm_inode *inode, uint64_t index);
/* Pages [first, first + nr) get @pol, NULL: none.  0 or -ENOMEM.  Source: mpol_set_shared_policy(), shared_policy_replace(). */
int mm_shared_policy_set(struct mm_inode *inode, uint64_t first, uint64_t nr, const struct mm_mempolicy *pol);
/* Where a new page at @index, the first of 2^@order, is to be (shmem_pseudo_vma_init()). */
struct mm_mpol_place mm_shmem_mpol_place(const struct mm_ctx *ctx, const struct mm_inode *inode, uint64_t index, unsigned int order);

#endif /* CACHE_SHARED_POLICY_H */
