/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cache/thp.h - huge pages of files in memory: who may have them, and how hard one is looked for
 *
 * Model: Linux 6.6 mm/shmem.c, mm/huge_memory.c.
 */
#ifndef CACHE_THP_H
#define CACHE_THP_H

#include "cache/cache.h"

/* shmem_enabled; the first four also as huge= of a tmpfs */
enum mm_shmem_huge {
	MM_SHMEM_HUGE_NEVER, MM_SHMEM_HUGE_ALWAYS, MM_SHMEM_HUGE_WITHIN_SIZE, MM_SHMEM_HUGE_ADVISE,
	MM_SHMEM_HUGE_DENY, MM_SHMEM_HUGE_FORCE,
};

/* Who wants a page of a file in memory; all 0: a call without an address space. */
struct mm_shmem_user {
	struct mm_memcg *memcg;		/* is charged for a new page */
	bool mapping;			/* a mapping of it; what follows is told by its VMA */
	bool advised;			/* VM_HUGEPAGE */
	bool refused;			/* VM_NOHUGEPAGE, or prctl(PR_SET_THP_DISABLE) */
};

/* How an order-9 page is asked for, by thp_defrag. @advised: for a VMA with VM_HUGEPAGE (vma_thp_gfp_mask()). */
mm_gfp_t mm_thp_gfp_mask(const struct mm_ctx *ctx, bool advised);

/* huge= of the mount that @inode lies on: /dev/shm, or the kernel's own for memfds, shared anonymous and System V memory. */
enum mm_shmem_huge mm_shmem_mount_huge(const struct mm_ctx *ctx, const struct mm_inode *inode);

/**
 * mm_shmem_is_huge() - may the page @index of a file in memory be one of a huge page?
 * @force: as if shmem_enabled were force; MADV_COLLAPSE asks so
 *
 * Source: Linux 6.6 mm/shmem.c __shmem_is_huge().
 */
bool mm_shmem_is_huge(const struct mm_ctx *ctx, const struct mm_inode *inode, uint64_t index, bool force,
		      const struct mm_shmem_user *user);

#endif /* CACHE_THP_H */
