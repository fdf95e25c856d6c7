/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cache/deferred_split.h - large folios that are mapped in part only, on their way to be split
 */
#ifndef CACHE_DEFERRED_SPLIT_H
#define CACHE_DEFERRED_SPLIT_H

#include "cache/cache.h"

enum { MM_DEFERRED_LINK = 2 };	/* the page of the folio whose links the queue uses */

/* A 2M page just allocated: its counts (virt/rmap.h) begin at nothing. */
void mm_folio_prep_transhuge(struct mm_phys *phys, mm_pfn_t head);
/* A page of an anonymous 2M folio lost its last mapping while others are mapped: onto the queue, once. */
void mm_deferred_split_folio(struct mm_cache *c, mm_pfn_t head);
/* Off it, if it is there: the folio is split or freed. */
void mm_deferred_split_del(struct mm_cache *c, mm_pfn_t head);

#endif /* CACHE_DEFERRED_SPLIT_H */
