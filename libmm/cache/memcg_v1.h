/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cache/memcg_v1.h - what memory cgroups of v1 have that those of v2 do not: a limit on memory and swap together, soft limits
 *
 * A machine is of v2 until a file of v1 is written or captured.
 */
#ifndef CACHE_MEMCG_V1_H
#define CACHE_MEMCG_V1_H

#include "cache/memcg.h"

/* From now on the machine's cgroups are v1's. 0 or -ENOMEM. */
int mm_memcg_set_v1(struct mm_cache *c);
/* A memcg has come to be on such a machine. 0 or -ENOMEM. */
int mm_memcg_v1_init(struct mm_cache *c, struct mm_memcg *m);

/* memory.memsw.usage_in_bytes, in pages: its memory and what of it is on swap and not in memory. */
static inline uint64_t mm_memsw_usage(const struct mm_memcg *m) { return m->usage + m->swap_usage; }

/*
 * memory.limit_in_bytes, or with @memsw memory.memsw.limit_in_bytes, written: reclaims down to it, kills nobody.
 * 0; -EINVAL: memory would be allowed more than memory and swap; -EBUSY: it cannot be brought down to it. The limit then stays.
 * Source: Linux 6.6 mm/memcontrol.c mem_cgroup_resize_max().
 */
int mm_mem_cgroup_resize_max(struct mm_cache *c, struct mm_memcg *m, uint64_t max_pages, bool memsw);

/* With v1: a page has left the swap cache for its slots from @entry on, its charge goes with it (mem_cgroup_swapout()). */
void mm_mem_cgroup_swapout(struct mm_cache *c, mm_pfn_t pfn, uint32_t entry);

/* ---- soft limits ---- */
static inline uint64_t mm_soft_limit_excess(const struct mm_memcg *m) { return m->usage > m->soft_limit ? m->usage - m->soft_limit : 0; }
/* @nr_pages of @m on @node were charged or uncharged: once in a while its place in the tree is looked at (memcg_check_events()). */
void mm_memcg_check_events(struct mm_cache *c, struct mm_memcg *m, uint32_t node, uint64_t nr_pages);
/* Those of @m and above it that are over their soft limits, into the tree of @node (mem_cgroup_update_tree()). */
void mm_mem_cgroup_update_tree(struct mm_cache *c, struct mm_memcg *m, uint32_t node);
/* The one with the largest excess when it was looked at last; out of the tree. NULL: none is over. */
struct mm_memcg *mm_soft_limit_largest(struct mm_cache *c, uint32_t node);
void mm_soft_limit_insert(struct mm_cache *c, struct mm_memcg *m, uint32_t node);	/* by its excess now; none: nothing */
/*
 * The memcg below @root that soft reclaim of @node looks at after @prev, NULL the first: where it stopped last time it goes on.
 * NULL: all have been seen. Source: mem_cgroup_iter() with a cookie.
 */
struct mm_memcg *mm_soft_limit_iter(struct mm_memcg *root, struct mm_memcg *prev, uint32_t node);

#endif /* CACHE_MEMCG_V1_H */
