/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cache/readahead.h - file read-ahead: sequential windows, marks, read-around of faults
 *
 * Model: Linux 6.6 mm/readahead.c, mm/filemap.c do_{sync,async}_mmap_readahead().
 */
#ifndef CACHE_READAHEAD_H
#define CACHE_READAHEAD_H

#include "cache/filemap.h"

/* What the VMA says (VM_RAND_READ, VM_SEQ_READ); the file's own MM_FMODE_RANDOM is looked at too. */
enum { MM_RA_RAND = 1, MM_RA_SEQ = 2, MM_RA_HUGE = 4 };

/* file_ra_state_init() with the disk's read_ahead_kb */
void mm_file_ra_state_init(const struct mm_cache *c, struct mm_file_ra_state *ra);

/* @index was not in the cache and @req_count pages are wanted (page_cache_sync_ra()). */
void mm_page_cache_sync_ra(struct mm_cache *c, struct mm_file *f, uint64_t index, uint64_t req_count, struct mm_memcg *memcg);
/* @pfn at @index carries PG_readahead (page_cache_async_ra()): clears the mark, begins to read the next window. */
void mm_page_cache_async_ra(struct mm_cache *c, struct mm_file *f, mm_pfn_t pfn, uint64_t index, uint64_t req_count,
			    struct mm_memcg *memcg);

/* A mapped file's page was missing / was found; @ra_flags MM_RA_*.  mmap_miss is kept here. */
void mm_do_sync_mmap_readahead(struct mm_cache *c, struct mm_file *f, unsigned int ra_flags, uint64_t pgoff, struct mm_memcg *memcg);
/* True when a mark was met: the kernel then drops the lock and the fault is retried (FAULT_FLAG_TRIED). */
bool mm_do_async_mmap_readahead(struct mm_cache *c, struct mm_file *f, unsigned int ra_flags, mm_pfn_t pfn, uint64_t pgoff,
				struct mm_memcg *memcg);
/* The window that is in flight has been read: somebody waits for a page of it, which is locked until then. */
void mm_readahead_end(struct mm_cache *c);
/* read(2) began to read its window ahead; and wants @nr pages from @index: how long it waits is added to ahead_wait_ns. */
void mm_readahead_begun(struct mm_cache *c, const struct mm_file *f);
void mm_readahead_wait(struct mm_cache *c, const struct mm_address_space *as, uint64_t index, uint64_t nr);
/* Read @nr pages from @index without looking at any window (MADV_WILLNEED, fadvise): force_page_cache_ra(). */
void mm_force_page_cache_ra(struct mm_cache *c, struct mm_file *f, uint64_t index, uint64_t nr, struct mm_memcg *memcg);

#endif /* CACHE_READAHEAD_H */
