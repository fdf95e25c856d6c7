/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cache/shmem.h - files that live in memory and swap: memfd, shared anonymous memory, SysV segments
 *
 * A page of such a file is in the page cache, or its slot on the swap device stands in i_pages in its place
 * (MM_XA_SWAP). Model: Linux 6.6 mm/shmem.c.
 */
#ifndef CACHE_SHMEM_H
#define CACHE_SHMEM_H

#include "cache/filemap.h"
#include "cache/swap.h"
#include "cache/thp.h"

static inline bool mm_mapping_is_shmem(const struct mm_address_space *as)
{
	return mm_inode_is_shmem(as->host);
}

/* Why a page is wanted: to be read (a hole stays one), mapped, written by a call, or set aside by fallocate(). */
enum mm_sgp_type { MM_SGP_READ, MM_SGP_CACHE, MM_SGP_WRITE, MM_SGP_FALLOC };

struct mm_shmem_folio {
	mm_pfn_t pfn;		/* the folio, with a reference of the caller's; MM_PFN_NONE: a hole (MM_SGP_READ) */
	bool major;		/* it was read from the device */
};

/**
 * mm_shmem_get_folio() - the page of a file in memory
 * @index: page index
 * @user: who wants it
 *
 * Return: 0, -EINVAL (MM_SGP_READ, MM_SGP_CACHE: beyond the end of the file), -ENOSPC (the mount is full) or -ENOMEM.
 * Source: shmem_get_folio_gfp(), shmem_swapin_folio().
 */
int mm_shmem_get_folio(struct mm_cache *c, struct mm_address_space *as, uint64_t index, enum mm_sgp_type sgp,
		       const struct mm_shmem_user *user, struct mm_shmem_folio *out);

/*
 * Reclaim wants the unmapped page, clean since a moment, written: it moves from the page cache to the swap cache and
 * the write begins. False: no slot, it is dirty again (shmem_writepage()).
 */
bool mm_shmem_writepage(struct mm_cache *c, mm_pfn_t pfn);

/*
 * Memory is short: of up to @nr files of @mount with a huge page beyond their end, that page is split and what lies
 * beyond goes.  Folios split.
 */
uint64_t mm_shmem_unused_huge_shrink(struct mm_cache *c, struct mm_shmem_mount *mount, uint64_t nr);
/* The file is about to go (of shmem_evict_inode()). */
void mm_shmem_evict_inode(struct mm_cache *c, struct mm_inode *inode);

/**
 * mm_shmem_fallocate() - pages for [@offset, @offset + @len) of a file in memory, all or none; its size grows unless @keep_size
 *
 * Return: 0, -ENOSPC or -ENOMEM. Source: shmem_fallocate().
 */
int mm_shmem_fallocate(struct mm_cache *c, struct mm_inode *inode, uint64_t offset, uint64_t len, bool keep_size, struct mm_memcg *memcg);
/* Pages that files of /dev/shm may have, those on the swap device too; UINT64_MAX: no limit. */
uint64_t mm_shmem_max_blocks(const struct mm_cache *c);

/* Pages of [@first, @last] that are on the swap device (shmem_partial_swap_usage()). */
uint64_t mm_shmem_swap_usage(const struct mm_address_space *as, uint64_t first, uint64_t last);
/* Read those of [@first, @last] into the swap cache (MADV_WILLNEED). */
void mm_shmem_swapin_range(struct mm_cache *c, struct mm_address_space *as, uint64_t first, uint64_t last);
/* read(2): a hole reads as zeroes and stays one. Bytes or -errno. */
int64_t mm_shmem_read(struct mm_cache *c, struct mm_file *f, uint64_t pos_bytes, uint64_t size_bytes);
/* The page that byte @pos_bytes cuts in two is read back if it is swapped, and dirtied (of shmem_undo_range()). */
void mm_shmem_zero_partial(struct mm_cache *c, struct mm_address_space *as, uint64_t pos_bytes);

#endif /* CACHE_SHMEM_H */
