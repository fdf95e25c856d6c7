/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * machine/boot_memcg.h - what the memory cgroups of a captured machine hold, between the files that make it
 */
#ifndef MACHINE_BOOT_MEMCG_H
#define MACHINE_BOOT_MEMCG_H

#include "cache/memcg.h"
#include "machine/machine.h"

/* One of them: what it holds itself, in pages; of lists, shmem and dirty what is not made yet. */
struct mm_captured_memcg {
	struct mm_memcg *memcg;
	uint64_t lists[MM_NR_LRU_LISTS];
	uint64_t shmem;			/* of the two lists of pages that go to swap: shared memory */
	uint64_t file, file_locked;	/* page cache with shared memory; of the unevictable pages those of files */
	uint64_t dirty;
	uint64_t made;			/* pages that are charged to it */
	uint64_t current;		/* all that is charged to it but to none below; UINT64_MAX: not told */
	uint64_t kernel, pagetables, slab_reclaimable_bytes, slab_bytes, swap;
};

struct mm_captured_memcgs {
	struct mm_captured_memcg *v;	/* the first is the root, which has what nobody else has */
	size_t nr;
	bool any;			/* the capture has cgroups */
};

/* The cgroups of the capture come to be, with their limits, and hold nothing yet. 0 or -ENOMEM. */
int mm_captured_memcgs_new(struct mm_captured_memcgs *cap, struct mm_machine *m);
void mm_captured_memcgs_free(struct mm_captured_memcgs *cap);
/* Page frames that kernel memory of all of them would take, when the pages of their lists are made. */
uint64_t mm_captured_memcgs_kernel(const struct mm_captured_memcgs *cap);
/*
 * The pages of their lists are made: kernel memory, in @kernel_pages frames that are taken; swap, as pages of @anon that are there;
 * events and peaks.  What has no room is told.  0 or -ENOMEM.
 */
int mm_captured_memcgs_end(struct mm_captured_memcgs *cap, struct mm_machine *m, uint64_t kernel_pages, struct mm_address_space *anon);

#endif /* MACHINE_BOOT_MEMCG_H */
