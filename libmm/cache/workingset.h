/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cache/workingset.h - shadow entries: what an evicted page leaves behind
 *
 * Model: Linux 6.6 mm/workingset.c.  A shadow is a 64-bit value with bit 63 set.
 */
#ifndef CACHE_WORKINGSET_H
#define CACHE_WORKINGSET_H

#include "cache/lru.h"

/* The folio is evicted because @target_memcg reclaims; never 0. */
uint64_t mm_workingset_eviction(struct mm_cache *c, mm_pfn_t pfn, struct mm_memcg *target_memcg);
/* A fresh page replaces @shadow (0: nothing happens): counts the refault, may set PG_active and PG_workingset. */
void mm_workingset_refault(struct mm_cache *c, mm_pfn_t pfn, uint64_t shadow);
bool mm_workingset_test_recent(struct mm_cache *c, uint64_t shadow, bool file, bool *workingset);
void mm_workingset_activation(struct mm_cache *c, mm_pfn_t pfn);
void mm_workingset_age_nonresident(struct mm_cache *c, struct mm_lruvec *v, uint64_t nr_pages);

#endif /* CACHE_WORKINGSET_H */
