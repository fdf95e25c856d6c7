/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tests/small_cache.h - caches over one small zone */
#ifndef TESTS_SMALL_CACHE_H
#define TESTS_SMALL_CACHE_H

#include "cache/filemap.h"
#include "cache/memcg.h"
#include "cache/swap.h"
#include "small_phys.h"

static struct small_phys *phys;
static struct mm_inode_table *inodes;
static struct mm_cache *cache;

static inline void small_cache_new(mm_pfn_t pages, uint64_t swap_pages)
{
	struct small_zone z = { 0, MM_ZONE_DMA32, 0, pages, 0, 0, 0, 7, 0 };

	phys = small_phys_new(&z, 1, 1);
	ck_assert_int_eq(mm_inode_table_new(&inodes), 0);
	ck_assert_int_eq(mm_cache_new(&cache, &phys->ctx, &phys->phys, inodes, swap_pages << MM_PAGE_SHIFT), 0);
}

static inline void small_cache_free(void)
{
	ck_assert(mm_cache_is_consistent(cache));
	mm_cache_free(cache);
	mm_inode_table_free(inodes);
	small_phys_free(phys);
}

/* A charged anonymous page with one reference, as a fault makes it before it is mapped. */
static inline mm_pfn_t small_anon_page(void)
{
	mm_pfn_t pfn = mm_alloc_pages(&phys->phys, MM_GFP_HIGHUSER_MOVABLE, 0);

	ck_assert_uint_ne(pfn, MM_PFN_NONE);
	ck_assert_int_eq(mm_mem_cgroup_charge(cache, pfn, NULL, MM_GFP_KERNEL), 0);
	mm_cache_page(cache, pfn)->flags |= MM_PG_ANON | MM_PG_SWAPBACKED | MM_PG_UPTODATE;
	return pfn;
}

static inline int64_t counter(enum mm_counter c) { return phys->ctx.stat.v[c]; }

#endif /* TESTS_SMALL_CACHE_H */
