/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cache/shmem_space.h - room on a tmpfs
 */
#ifndef CACHE_SHMEM_SPACE_H
#define CACHE_SHMEM_SPACE_H

#include "cache/shmem.h"

/* @pages more of the file have room on its mount (of shmem_inode_acct_block()). */
bool mm_shmem_has_space(struct mm_cache *c, const struct mm_inode *inode, uint64_t pages);

#endif /* CACHE_SHMEM_SPACE_H */
