/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory cgroups of v1 by the rules of mm/memcontrol.c: when a memcg looks for its place among those beyond their soft limits, who is the
 * first of them, how soft reclaim walks a tree, and what limits on memory and swap together refuse.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>

#include "cache/memcg_v1.h"
#include "small_cache.h"

static struct mm_memcg *new_memcg(struct mm_memcg *parent, const char *name)
{
	struct mm_memcg *m;

	ck_assert_int_eq(mm_memcg_new(cache, parent, (struct mm_str){ name, strlen(name) }, &m), 0);
	return m;
}

static mm_pfn_t charged_page(struct mm_memcg *m)
{
	mm_pfn_t pfn = mm_alloc_pages(&phys->phys, MM_GFP_HIGHUSER_MOVABLE, 0);

	ck_assert_uint_ne(pfn, MM_PFN_NONE);
	if (mm_mem_cgroup_charge(cache, pfn, m, MM_GFP_KERNEL)) {
		mm_folio_put(cache, pfn);
		return MM_PFN_NONE;
	}
	return pfn;
}

/*
 * mem_cgroup_event_ratelimit(): a target is met by a number that is greater; the first of both is 0.  Thresholds come every 128: at pages
 * 1, 130, 259, ... 1 + 129 * 8 = 1033, the first of them beyond 1 + 1024, so the tree is looked at with pages 1 and 1033.  64 pages
 * are charged at a time.
 */
START_TEST(test_when_the_tree_is_looked_at)
{
	struct mm_memcg *a, *b;
	uint64_t gone = 0;

	small_cache_new(4096, 0);
	a = new_memcg(NULL, "/a");
	ck_assert_int_eq(mm_memcg_set_v1(cache), 0);
	b = new_memcg(a, "/a/b");
	a->soft_limit = 10;
	for (uint64_t nr = 1; nr <= 1100; nr++) {
		charged_page(b);
		ck_assert(a->lruvec[0]->soft_limit.on_tree && !b->lruvec[0]->soft_limit.on_tree);
		ck_assert_uint_eq(a->lruvec[0]->soft_limit.excess, nr < 1033 ? 54 : 17 * 64 - 10);
	}
	ck_assert_uint_eq(cache->nr_over_soft_limit[0], 1);
	/* within its limit now, which the tree is not told of: it is passed over */
	a->soft_limit = 5000;
	ck_assert_ptr_null(mm_soft_limit_largest(cache, 0));
	ck_assert_uint_eq(cache->nr_over_soft_limit[0], 0);
	/* pages that are uncharged count too: 1162 + 129 * 7 = 2065 is the first beyond 1033 + 1024, and the 965th that goes */
	a->soft_limit = 0;
	for (mm_pfn_t pfn = 0; pfn < 4096 && !a->lruvec[0]->soft_limit.on_tree; pfn++)
		if (cache->page_memcg[pfn]) {
			mm_folio_put(cache, pfn);
			gone++;
		}
	ck_assert_uint_eq(gone, 965);
	ck_assert(b->lruvec[0]->soft_limit.excess == 0);
	small_cache_free();
}
END_TEST

/* The largest excess first; of equal ones the last that came; a memcg within its limit is none. */
START_TEST(test_largest)
{
	static const uint64_t limits[] = { 30, 10, 30, 64, 0, 10 };	/* 64 pages each */
	static const int order[] = { 4, 5, 1, 2, 0 };
	struct mm_memcg *m[6];

	small_cache_new(4096, 0);
	ck_assert_int_eq(mm_memcg_set_v1(cache), 0);
	for (int i = 0; i < 6; i++) {
		char name[] = { '/', (char)('a' + i), 0 };

		m[i] = new_memcg(NULL, name);
		m[i]->soft_limit = limits[i];
		for (int k = 0; k < 64; k++)
			charged_page(m[i]);
	}
	ck_assert_uint_eq(cache->nr_over_soft_limit[0], 5);
	for (int i = 0; i < 5; i++)
		ck_assert_ptr_eq(mm_soft_limit_largest(cache, 0), m[order[i]]);
	ck_assert_ptr_null(mm_soft_limit_largest(cache, 0));
	mm_soft_limit_insert(cache, m[3], 0);
	ck_assert_ptr_null(mm_soft_limit_largest(cache, 0));
	small_cache_free();
}
END_TEST

/* A walk that stops goes on behind that place next time, at the end from the beginning; others' walks do not matter. */
START_TEST(test_walk)
{
	struct mm_memcg *a, *b, *c, *d;

	small_cache_new(512, 0);
	a = new_memcg(NULL, "/a");
	b = new_memcg(a, "/a/b");
	c = new_memcg(b, "/a/b/c");
	d = new_memcg(a, "/a/d");
	ck_assert_ptr_eq(mm_soft_limit_iter(a, NULL, 0), a);
	ck_assert_ptr_eq(mm_soft_limit_iter(a, a, 0), b);
	ck_assert_ptr_eq(mm_soft_limit_iter(b, NULL, 0), b);
	ck_assert_ptr_eq(mm_soft_limit_iter(a, NULL, 0), c);
	ck_assert_ptr_eq(mm_soft_limit_iter(a, c, 0), d);
	ck_assert_ptr_eq(mm_soft_limit_iter(a, NULL, 0), a);	/* at the end, but it must see one */
	ck_assert_ptr_eq(mm_soft_limit_iter(a, a, 0), b);
	ck_assert_ptr_eq(mm_soft_limit_iter(a, b, 0), c);
	ck_assert_ptr_eq(mm_soft_limit_iter(a, c, 0), d);
	ck_assert_ptr_null(mm_soft_limit_iter(a, d, 0));
	ck_assert_ptr_eq(mm_soft_limit_iter(a, NULL, 0), a);
	small_cache_free();
}
END_TEST

/*
 * 100 pages of memory and swap together: a page on swap counts as one in memory.  70 pages, of which 20 go to swap: 50 and 20; 30
 * more fit, the next does not.  In the swap cache a page is charged once; back from swap its slot is free of charge.
 */
START_TEST(test_memory_and_swap)
{
	struct mm_memcg *m;
	mm_pfn_t pages[70], pfn;
	mm_swp_t slot = 0;
	bool fresh;

	small_cache_new(2048, 1000);
	m = new_memcg(NULL, "/m");
	ck_assert_int_eq(mm_memcg_set_v1(cache), 0);
	m->memsw_max = 100;
	for (int i = 0; i < 70; i++) {
		pages[i] = charged_page(m);
		mm_cache_page(cache, pages[i])->flags |= MM_PG_ANON | MM_PG_SWAPBACKED | MM_PG_UPTODATE;
	}
	mm_memcg_drain_all_stock(cache, m);
	for (int i = 0; i < 20; i++) {
		ck_assert(mm_add_to_swap(cache, pages[i]));
		ck_assert_uint_eq(m->swap_usage, (uint64_t)i);
		slot = mm_folio_swap(cache, pages[i]);
		ck_assert_int_eq(mm_swap_duplicate(cache, slot), 0);
		mm_cache_page(cache, pages[i])->flags &= ~(uint32_t)MM_PG_DIRTY;
		mm_swap_cache_evict(cache, pages[i], 0);
		mm_folio_put(cache, pages[i]);
		ck_assert_uint_eq(mm_memsw_usage(m), 70);
	}
	ck_assert_uint_eq(m->usage, 50);
	ck_assert_uint_eq(m->swap_usage, 20);
	for (int i = 0; i < 30; i++)
		ck_assert_uint_ne(charged_page(m), MM_PFN_NONE);
	ck_assert_uint_eq(mm_mem_cgroup_margin(m), 0);
	ck_assert_uint_eq(charged_page(m), MM_PFN_NONE);
	ck_assert_uint_gt(m->memsw_failcnt, 0);
	ck_assert_uint_eq(m->failcnt, 0);
	m->memsw_max = 200;
	ck_assert_int_eq(mm_read_swap_cache_async(cache, slot, MM_GFP_KERNEL, m, &pfn, &fresh), 0);
	mm_memcg_drain_all_stock(cache, m);
	ck_assert_uint_eq(m->usage, 81);
	ck_assert_uint_eq(m->swap_usage, 19);
	mm_folio_put(cache, pfn);
	small_cache_free();
}
END_TEST

/* Nobody reclaims here: a limit below what is used is refused, and so is one of memory above that of memory and swap. */
START_TEST(test_limits)
{
	struct mm_memcg *m;

	small_cache_new(2048, 0);
	m = new_memcg(NULL, "/m");
	ck_assert_int_eq(mm_memcg_set_v1(cache), 0);
	for (int i = 0; i < 100; i++)
		charged_page(m);
	ck_assert_int_eq(mm_mem_cgroup_resize_max(cache, m, 99, false), -EBUSY);
	ck_assert_uint_eq(m->max, MM_MEMCG_MAX);
	ck_assert_int_eq(mm_mem_cgroup_resize_max(cache, m, 100, false), 0);	/* what CPUs charged ahead is given back */
	ck_assert_int_eq(mm_mem_cgroup_resize_max(cache, m, 99, true), -EINVAL);
	ck_assert_int_eq(mm_mem_cgroup_resize_max(cache, m, 150, true), 0);
	ck_assert_int_eq(mm_mem_cgroup_resize_max(cache, m, 151, false), -EINVAL);
	ck_assert_int_eq(mm_mem_cgroup_resize_max(cache, m, 150, false), 0);
	ck_assert_uint_eq(m->max, 150);
	ck_assert_uint_eq(m->memsw_max, 150);
	small_cache_free();
}
END_TEST

/* MGLRU has no tree: who is beyond its soft limit goes to the head of a bin, once. */
START_TEST(test_mglru)
{
	struct mm_memcg *m;

	small_cache_new(2048, 0);
	phys->ctx.sysctl.v[MM_SYSCTL_LRU_GEN] = 7;
	m = new_memcg(NULL, "/m");
	ck_assert_int_eq(mm_memcg_set_v1(cache), 0);
	charged_page(m);
	ck_assert_uint_eq(m->lruvec[0]->memcg_lru.seg, 0);
	m->soft_limit = 63;
	mm_mem_cgroup_update_tree(cache, m, 0);
	ck_assert_uint_eq(m->lruvec[0]->memcg_lru.seg, MM_MEMCG_LRU_HEAD);
	ck_assert_ptr_eq(cache->memcg_lru[0].fifo[m->lruvec[0]->memcg_lru.gen][m->lruvec[0]->memcg_lru.bin].first, m->lruvec[0]);
	ck_assert_uint_eq(cache->nr_over_soft_limit[0], 0);
	small_cache_free();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("memcg_v1");
	TCase *tc = tcase_create("rules");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_test(tc, test_when_the_tree_is_looked_at);
	tcase_add_test(tc, test_largest);
	tcase_add_test(tc, test_walk);
	tcase_add_test(tc, test_memory_and_swap);
	tcase_add_test(tc, test_limits);
	tcase_add_test(tc, test_mglru);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
