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
/* Contents of page @index of a file as it was on disk. */
uint64_t mm_contents_of_file(uint64_t ino, uint64_t index);

static inline uint64_t mm_contents_of(const struct mm_cache *c, mm_pfn_t pfn) { return c->contents ? c->contents[pfn] : pfn + UINT64_C(1); }

#endif /* CACHE_CONTENTS_H */
