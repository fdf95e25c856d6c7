/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cache/contents.h - what pages hold, as one number a page
 *
 * Two pages with the same number hold the same bytes; 0 is all zero bytes. A trace names contents (a store's name); a
 * store without a name makes contents that no other page has. Kept only where somebody asks: c->contents is NULL
 * until mm_contents_keep(). By PFN and by swap slot, in host memory that is touched only where pages are.
 */
#ifndef CACHE_CONTENTS_H
#define CACHE_CONTENTS_H

#include "cache/cache.h"

/* Begin to keep them; anonymous pages that are there hold something of their own each. 0 or -ENOMEM. */
int mm_contents_keep(struct mm_cache *c);
void mm_contents_free(struct mm_cache *c);
/* The number for a name: a decimal or hex number below 2^62 is itself, another word its hash. */
uint64_t mm_contents_of_name(struct mm_str name);
/* Contents that no page had before. */
uint64_t mm_contents_unique(struct mm_cache *c);
/* Contents of page @index of a file as it is on disk. */
uint64_t mm_contents_on_disk(const struct mm_address_space *as, uint64_t index);
/* What the folio @pfn of a file holds is on disk now. False: no host memory, it is not. */
bool mm_contents_written(struct mm_cache *c, const struct mm_page *p, mm_pfn_t pfn);
/* A page of a file holds something else: write(2). */
void mm_contents_changed(struct mm_cache *c, struct mm_address_space *as, uint64_t index);
/* A part of a page of a file becomes zeroes, if it is cached. */
void mm_contents_zeroed(struct mm_cache *c, struct mm_address_space *as, uint64_t index);
/* The file ends at byte @size: what was on disk behind is gone, and of the last page, which is cached if it has data, a part. */
void mm_contents_cut(struct mm_cache *c, struct mm_address_space *as, uint64_t size);
/* Pages @first to @last of a file are holes; of one on disk @nr are gone from @first on, or are there before it as holes. 0 or -ENOMEM. */
int mm_contents_punched(struct mm_cache *c, struct mm_address_space *as, uint64_t first, uint64_t last);
int mm_contents_collapsed(struct mm_cache *c, struct mm_address_space *as, uint64_t first, uint64_t nr);
int mm_contents_inserted(struct mm_cache *c, struct mm_address_space *as, uint64_t first, uint64_t nr);
/* Which page page @index of a file on disk was, when contents began to be kept, if nothing was written there since; MM_DISK_HOLE. */
uint64_t mm_disk_native(const struct mm_inode *inode, uint64_t index);
/* Nothing is on disk from byte @size on. */
void mm_disk_cut(struct mm_inode *inode, uint64_t size);

static inline uint64_t mm_contents_of(const struct mm_cache *c, mm_pfn_t pfn) { return c->contents ? c->contents[pfn] : pfn + UINT64_C(1); }

#endif /* CACHE_CONTENTS_H */
