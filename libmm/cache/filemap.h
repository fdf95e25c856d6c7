/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cache/filemap.h - the page cache: which page of which file lies in which frame
 *
 * Model: Linux 6.6 mm/filemap.c, mm/truncate.c.  Reading a file makes order-0 folios (what ext4 of 6.6 does); huge ones of
 * order 9 are made by shmem and by collapsing.
 * address_space.i_pages holds PFN + 1, of a huge folio its head's at all 512 indices; a shadow (bit 63) of a page that was evicted;
 * or the swap slot of a page of a file in memory (bit 62 alone, cache/shmem.h).
 */
#ifndef CACHE_FILEMAP_H
#define CACHE_FILEMAP_H

#include "cache/cache.h"
#include "cache/lru.h"

#define MM_XA_SHADOW	MM_XA_VALUE
#define MM_XA_SWAP	(UINT64_C(1) << 62)
static inline bool mm_xa_is_shadow(uint64_t v) { return v & MM_XA_SHADOW; }
static inline bool mm_xa_is_swap(uint64_t v) { return v >> 62 == 1; }
static inline bool mm_xa_is_page(uint64_t v) { return v && !(v >> 62); }
static inline uint64_t mm_xa_mk_swap(uint32_t entry) { return MM_XA_SWAP | entry; }
static inline uint32_t mm_xa_swap_entry(uint64_t v) { return (uint32_t)v; }

/* The file has so many pages and swap slots more, or fewer; of one at /dev/shm they take up its mount's space. */
static inline void mm_mapping_add_pages(struct mm_cache *c, struct mm_address_space *as, int64_t pages, int64_t swapped)
{
	as->nrpages += (uint64_t)pages;
	as->nr_swapped += (uint64_t)swapped;
	if (as->host->type == MM_INODE_TMPFS)
		c->shmem_mount[MM_DEV_SHM].used_blocks += (uint64_t)(pages + swapped);
}

/* The folio at @index; MM_PFN_NONE when it is not there.  Takes no reference. */
mm_pfn_t mm_filemap_get_folio(const struct mm_cache *c, const struct mm_address_space *as, uint64_t index);
/* Its page at @index (folio_file_page()). */
static inline mm_pfn_t mm_folio_file_page(const struct mm_cache *c, mm_pfn_t head, uint64_t index)
{
	return head + (mm_pfn_t)((index - mm_cache_page(c, head)->index) & (mm_folio_nr_pages(mm_cache_page(c, head)) - 1));
}

/**
 * mm_filemap_add_folio() - allocate nothing, charge and insert a fresh page
 * @pfn: fresh page of mm_alloc_pages(), refs 1: the caller's; the cache takes its own, one for each page of a folio of order 9
 * @index: of its first page; nothing but shadows may stand there
 * @memcg: who is charged
 *
 * Evaluates the shadow it replaces (workingset_refault) and puts the page on the LRU.
 * Return: 0, -EEXIST, -ENOMEM (charge or host memory); the page stays the caller's on error.
 */
int mm_filemap_add_folio(struct mm_cache *c, struct mm_address_space *as, mm_pfn_t pfn, uint64_t index,
			 struct mm_memcg *memcg, mm_gfp_t gfp);
/* Out of the cache, leaving @shadow (0: nothing); drops the cache's reference to refs, not freeing (as __filemap_remove_folio()). */
void mm_filemap_remove_folio(struct mm_cache *c, mm_pfn_t pfn, uint64_t shadow);

/* @nr pages of a huge folio, 512, are there now, or -512 no longer: NR_SHMEM_THPS or NR_FILE_THPS. */
void mm_filemap_count_thp(struct mm_cache *c, struct mm_address_space *as, int64_t nr);

/* An uncached page is read: allocate, add, count pgpgin.  Returns the PFN, PG_uptodate; MM_PFN_NONE with *@errp. */
mm_pfn_t mm_filemap_create_folio(struct mm_cache *c, struct mm_address_space *as, uint64_t index,
				 struct mm_memcg *memcg, int *errp);

/* read(2): read-ahead, mark_accessed as filemap_read(); bytes read or -errno. @memcg: of the task. */
int64_t mm_filemap_read(struct mm_cache *c, struct mm_file *f, uint64_t pos_bytes, uint64_t size_bytes, struct mm_memcg *memcg);
/* write(2): pages made, dirtied; the file grows.  Bytes or -errno. */
int64_t mm_filemap_write(struct mm_cache *c, struct mm_file *f, uint64_t pos_bytes, uint64_t size_bytes, struct mm_memcg *memcg);

bool mm_folio_mark_dirty(struct mm_cache *c, mm_pfn_t pfn);	/* anonymous ones too; true: it was clean */
void mm_folio_clear_dirty_for_io(struct mm_cache *c, mm_pfn_t pfn);
/* Write the dirty pages of [@first, @last] (page indices); the disk is done when it returns. Pages written. */
uint64_t mm_filemap_writeback(struct mm_cache *c, struct mm_address_space *as, uint64_t first, uint64_t last);
/* At most @max of all dirty pages, file after file. */
void mm_writeback_files(struct mm_cache *c, uint64_t max);
/* Writers check the dirty ratios: the flusher writes what is above the background threshold (balance_dirty_pages()). */
void mm_balance_dirty_pages(struct mm_cache *c);

/* Drop pages from @first on that are clean, unmapped and not under I/O (fadvise DONTNEED, drop_caches); pages dropped. */
uint64_t mm_invalidate_mapping_pages(struct mm_cache *c, struct mm_address_space *as, uint64_t first, uint64_t last);
/* Throw pages away from byte @new_size_bytes on, dirty or not; whoever maps them was unmapped before (unmap_mapping_range()). */
void mm_truncate_pages(struct mm_cache *c, struct mm_address_space *as, uint64_t new_size_bytes);
/*
 * The file ends or ended within the page of byte @from: the rest of that page is zeroed, which uses and dirties it
 * unless it is a hole (ext4_block_truncate_page()). @memcg pays for a page that must be read.
 */
void mm_block_truncate_page(struct mm_cache *c, struct mm_address_space *as, uint64_t from, struct mm_memcg *memcg);
/* As mm_truncate_pages(), of pages @first to @last; slots of a file in memory go too. */
void mm_truncate_range(struct mm_cache *c, struct mm_address_space *as, uint64_t first, uint64_t last);
uint64_t mm_drop_pagecache(struct mm_cache *c);	/* every file: /proc/sys/vm/drop_caches bit 0 */

#endif /* CACHE_FILEMAP_H */
