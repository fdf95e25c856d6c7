/* SPDX-License-Identifier: GPL-2.0-or-later */
/* LRU batches and lists, the last reference, shadow entries, memcg charges. */
#include <errno.h>

#include "cache/workingset.h"
#include "small_cache.h"

static void setup(void) { small_cache_new(4096, 1000); }
static struct mm_lruvec *root(void) { return cache->root_mem_cgroup->lruvec[0]; }
static uint64_t size_of(enum mm_lru_list l) { return mm_lruvec_lru_size(root(), l, MM_MAX_NR_ZONES - 1); }

START_TEST(batch_of_15)		/* swap.c: pages reach their list 15 at a time */
{
	mm_pfn_t pfn[15];

	for (int i = 0; i < 15; i++) {
		ck_assert_uint_eq(size_of(MM_LRU_INACTIVE_ANON), 0);
		pfn[i] = small_anon_page();
		mm_folio_add_lru(cache, pfn[i]);
	}
	ck_assert_uint_eq(size_of(MM_LRU_INACTIVE_ANON), 15);
	ck_assert_uint_eq(root()->lists[MM_LRU_INACTIVE_ANON].head, pfn[14]);
	ck_assert_uint_eq(root()->lists[MM_LRU_INACTIVE_ANON].tail, pfn[0]);
	ck_assert_int_eq(counter(MM_NR_INACTIVE_ANON), 15);
	mm_release_pages(cache, pfn, 15);
	ck_assert_uint_eq(size_of(MM_LRU_INACTIVE_ANON), 0);
	ck_assert_uint_eq(cache->root_mem_cgroup->usage, 0);
}
END_TEST

START_TEST(twice_is_active)	/* inactive, referenced, active; active pages become referenced again */
{
	mm_pfn_t pfn = small_anon_page();
	struct mm_page *p = mm_cache_page(cache, pfn);

	mm_folio_add_lru(cache, pfn);
	mm_lru_add_drain(cache);
	mm_folio_mark_accessed(cache, pfn);
	ck_assert(p->flags & MM_PG_REFERENCED);
	mm_folio_mark_accessed(cache, pfn);
	ck_assert(!(p->flags & (MM_PG_REFERENCED | MM_PG_ACTIVE)));	/* waits in the batch */
	mm_lru_add_drain(cache);
	ck_assert(p->flags & MM_PG_ACTIVE);
	ck_assert_uint_eq(size_of(MM_LRU_ACTIVE_ANON), 1);
	ck_assert_int_eq(counter(MM_PGACTIVATE), 1);
	mm_folio_deactivate(cache, pfn);
	mm_lru_add_drain(cache);
	ck_assert_uint_eq(size_of(MM_LRU_INACTIVE_ANON), 1);
	mm_folio_put(cache, pfn);
}
END_TEST

START_TEST(accessed_in_the_batch)	/* a page that is not on a list yet is marked active there */
{
	mm_pfn_t pfn = small_anon_page();

	mm_folio_add_lru(cache, pfn);
	mm_folio_mark_accessed(cache, pfn);
	mm_folio_mark_accessed(cache, pfn);
	ck_assert(mm_cache_page(cache, pfn)->flags & MM_PG_ACTIVE);
	mm_lru_add_drain(cache);
	ck_assert_uint_eq(size_of(MM_LRU_ACTIVE_ANON), 1);
	mm_folio_put(cache, pfn);
}
END_TEST

START_TEST(mlock_twice)		/* locked by two VMAs: unevictable until both are gone */
{
	mm_pfn_t pfn = small_anon_page();

	mm_folio_add_lru_vma(cache, pfn, true);
	mm_mlock_folio(cache, pfn);
	mm_lru_add_drain(cache);
	ck_assert_uint_eq(size_of(MM_LRU_UNEVICTABLE), 1);
	ck_assert_int_eq(counter(MM_NR_MLOCK), 1);
	mm_munlock_folio(cache, pfn);
	mm_lru_add_drain(cache);
	ck_assert_uint_eq(size_of(MM_LRU_UNEVICTABLE), 1);
	mm_munlock_folio(cache, pfn);
	mm_lru_add_drain(cache);
	ck_assert_uint_eq(size_of(MM_LRU_UNEVICTABLE), 0);
	ck_assert_uint_eq(size_of(MM_LRU_INACTIVE_ANON), 1);
	ck_assert_int_eq(counter(MM_NR_MLOCK), 0);
	mm_folio_put(cache, pfn);
}
END_TEST

START_TEST(cost_decays)		/* 32 a page of I/O; halved when both exceed a quarter of the lists */
{
	mm_pfn_t pfn[60];

	for (int i = 0; i < 60; i++) {
		pfn[i] = small_anon_page();
		mm_folio_add_lru(cache, pfn[i]);
	}
	ck_assert_uint_eq(size_of(MM_LRU_INACTIVE_ANON), 60);
	mm_mem_cgroup_do_flush_stats(cache);
	mm_lru_note_cost(root(), false, 0, 15);		/* 15 <= 60 / 4 */
	ck_assert_uint_eq(root()->anon_cost, 15);
	mm_lru_note_cost(root(), true, 1, 1);		/* 33 + 15 > 15: 33 / 2, 15 / 2 */
	ck_assert_uint_eq(root()->file_cost, 16);
	ck_assert_uint_eq(root()->anon_cost, 7);
	mm_release_pages(cache, pfn, 60);
}
END_TEST

START_TEST(refault_distance)	/* as many evictions as the lists that compete are long: active; one more: not */
{
	mm_pfn_t pfn[31], out, in;
	uint64_t shadow;
	bool workingset;

	for (int i = 0; i < 30; i++) {
		pfn[i] = small_anon_page();
		mm_cache_page(cache, pfn[i])->flags |= MM_PG_ACTIVE;
		mm_folio_add_lru(cache, pfn[i]);
	}
	out = small_anon_page();
	mm_cache_page(cache, out)->flags |= MM_PG_WORKINGSET;
	shadow = mm_workingset_eviction(cache, out, NULL);		/* the clock moves to 1: distance 1 */
	mm_workingset_age_nonresident(cache, root(), 29);
	ck_assert(!mm_workingset_test_recent(cache, shadow, false, &workingset));	/* the lists were empty at the last flush */
	mm_mem_cgroup_do_flush_stats(cache);
	ck_assert(mm_workingset_test_recent(cache, shadow, false, &workingset));	/* 30 <= 30 active anonymous */
	ck_assert(workingset);
	in = small_anon_page();
	mm_workingset_refault(cache, in, shadow);
	ck_assert(mm_cache_page(cache, in)->flags & MM_PG_ACTIVE);
	ck_assert(mm_cache_page(cache, in)->flags & MM_PG_WORKINGSET);
	ck_assert_int_eq(counter(MM_WORKINGSET_RESTORE_ANON), 1);
	ck_assert(!mm_workingset_test_recent(cache, shadow, false, &workingset));	/* the activation aged it: 31 */
	mm_folio_put(cache, in);
	mm_folio_put(cache, out);
	mm_release_pages(cache, pfn, 30);
}
END_TEST

START_TEST(memcg_limit)		/* charges of 64 ahead, page by page near the limit, then refused without a reclaimer */
{
	struct mm_memcg *m;
	mm_pfn_t pfn[101];
	uint64_t max, oom;
	int n = 0;

	ck_assert_int_eq(mm_memcg_new(cache, NULL, MM_STR("/a"), &m), 0);
	m->max = 100;
	for (; n < 101; n++) {
		pfn[n] = mm_alloc_pages(&phys->phys, MM_GFP_HIGHUSER_MOVABLE, 0);
		if (mm_mem_cgroup_charge(cache, pfn[n], m, MM_GFP_KERNEL))
			break;
		if (n == 0)
			ck_assert_uint_eq(m->usage, 64);
	}
	ck_assert_int_eq(n, 100);
	ck_assert_uint_eq(m->usage, 100);
	ck_assert_uint_gt(m->events[MM_MEMCG_EV_OOM], 0);
	max = m->events[MM_MEMCG_EV_MAX];
	oom = m->events[MM_MEMCG_EV_OOM];
	ck_assert_int_eq(mm_memcg_charge_kmem(cache, m, 16, MM_GFP_KERNEL), -ENOMEM);	/* order 4: nobody is killed for it */
	ck_assert_uint_gt(m->events[MM_MEMCG_EV_MAX], max);
	ck_assert_uint_eq(m->events[MM_MEMCG_EV_OOM], oom);
	max = m->events[MM_MEMCG_EV_MAX];
	cache->memalloc = true;			/* who reclaims is let through: one event */
	ck_assert_int_eq(mm_memcg_charge_kmem(cache, m, 1, MM_GFP_KERNEL), 0);
	cache->memalloc = false;
	ck_assert_uint_eq(m->usage, 101);
	ck_assert_uint_eq(m->events[MM_MEMCG_EV_MAX], max + 1);
	mm_memcg_uncharge_kmem(cache, m, 1);
	mm_release_pages(cache, pfn, 101);
	mm_memcg_drain_all_stock(cache, m);
	ck_assert_uint_eq(m->usage, 0);
}
END_TEST

static void random_folio(unsigned int *seed, mm_pfn_t *pfn, int i)
{
	switch (pfn[i] == MM_PFN_NONE ? 0 : 1 + rand_r(seed) % 9) {
	case 0:
		pfn[i] = small_anon_page();
		mm_folio_add_lru_vma(cache, pfn[i], rand_r(seed) % 8 == 0);
		break;
	case 1: mm_folio_mark_accessed(cache, pfn[i]); break;
	case 2: mm_folio_activate(cache, pfn[i]); break;
	case 3: mm_folio_deactivate(cache, pfn[i]); break;
	case 4: mm_folio_mark_lazyfree(cache, pfn[i]); break;
	case 5: mm_folio_rotate_reclaimable(cache, pfn[i]); break;
	case 6: mm_mlock_folio(cache, pfn[i]); break;
	case 7: mm_munlock_folio(cache, pfn[i]); break;
	case 8:
		if (mm_folio_isolate_lru(cache, pfn[i]))
			mm_folio_putback_lru(cache, pfn[i]);
		break;
	default:
		mm_folio_put(cache, pfn[i]);
		pfn[i] = MM_PFN_NONE;
	}
}

START_TEST(tables_to_walk)	/* a filter that was never made holds every table; a new one holds none */
{
	struct mm_lruvec *v = root();

	ck_assert(mm_lru_gen_bloom_test(v, 4, 1, UINT64_C(0x7f0000000000)));
	mm_lru_gen_bloom_add(v, 4, 1, UINT64_C(0x7f0000000000));	/* nothing to add to */
	mm_lru_gen_bloom_reset(v, 4);
	ck_assert(!mm_lru_gen_bloom_test(v, 4, 1, UINT64_C(0x7f0000000000)));
	mm_lru_gen_bloom_add(v, 4, 1, UINT64_C(0x7f0000000000));
	ck_assert(mm_lru_gen_bloom_test(v, 4, 1, UINT64_C(0x7f00001ff000)));	/* 2 MiB are one table */
	ck_assert(!mm_lru_gen_bloom_test(v, 4, 1, UINT64_C(0x7f0000200000)));
	ck_assert(!mm_lru_gen_bloom_test(v, 4, 2, UINT64_C(0x7f0000000000)));	/* of another address space */
	ck_assert(mm_lru_gen_bloom_test(v, 6, 1, UINT64_C(0x7f0000000000)));	/* two filters, turned */
	mm_lru_gen_bloom_reset(v, 5);
	ck_assert(mm_lru_gen_bloom_test(v, 4, 1, UINT64_C(0x7f0000000000)));
	ck_assert(mm_lru_gen_suitable_to_scan(512, 64) && !mm_lru_gen_suitable_to_scan(512, 63));	/* one in eight */
}
END_TEST

/* Whether the root's counters were gathered since the last call: no page of slabs is charged. */
static bool was_flushed(void)
{
	bool was = root()->stat_slab != 7;

	root()->stat_slab = 7;
	return was;
}

START_TEST(stats_wait_for_changes)	/* more than 64 changes make a batch; a flush waits for more batches than CPUs */
{
	struct mm_ctx *ctx = cache->ctx;

	ctx->stats_updates = ctx->stats_flush_threshold = 0;
	was_flushed();
	for (uint32_t batch = 0; batch <= ctx->nr_cpus; batch++) {
		mm_mem_cgroup_flush_stats(cache);
		ck_assert(!was_flushed());
		mm_memcg_rstat_updated(ctx, -64);
		ck_assert_uint_eq(ctx->stats_flush_threshold, batch);
		mm_memcg_rstat_updated(ctx, 1);
		ck_assert_uint_eq(ctx->stats_flush_threshold, batch + 1);
	}
	mm_mem_cgroup_flush_stats(cache);
	ck_assert(was_flushed());
	ck_assert_uint_eq(ctx->stats_flush_threshold, 0);
}
END_TEST

/*
 * The work queues itself 500 jiffies of 4 ms ahead, in a level of the timer wheel that has steps of 8: from a multiple of 8 that is
 * 504 jiffies.  A timer never expires early.
 */
START_TEST(stats_are_flushed_by_time)
{
	const uint64_t period = 504 * UINT64_C(4000000);

	was_flushed();
	for (int i = 0; i < 3; i++) {
		mm_swap_io_elapse(cache, period - 1);
		ck_assert(!was_flushed());
		mm_swap_io_elapse(cache, 1);
		ck_assert(was_flushed());
	}
	mm_swap_io_elapse(cache, 2 * period + period / 2);	/* at once: the work goes on at its own times */
	ck_assert(was_flushed());
	mm_swap_io_elapse(cache, period / 2 - 1);
	ck_assert(!was_flushed());
	mm_swap_io_elapse(cache, 1);
	ck_assert(was_flushed());
}
END_TEST

/* A refault's flush waits for changes, and until 1000 jiffies after the last one are over: not as long as the work comes every 504. */
START_TEST(refaults_flush_rarely)
{
	const uint64_t jiffy = 4000000;
	uint64_t now = 0;

	mm_mem_cgroup_do_flush_stats(cache);
	was_flushed();
	cache->stats_work_ns = UINT64_MAX;			/* a work that does not come */
	for (; now < 1001 * jiffy; now += jiffy) {
		cache->ctx->stats_flush_threshold = cache->ctx->nr_cpus + 1;
		mm_mem_cgroup_flush_stats_ratelimited(cache);
		ck_assert(!was_flushed());
		mm_swap_io_elapse(cache, jiffy);
	}
	cache->ctx->stats_flush_threshold = cache->ctx->nr_cpus;
	mm_mem_cgroup_flush_stats_ratelimited(cache);		/* time alone does not do */
	ck_assert(!was_flushed());
	cache->ctx->stats_flush_threshold++;
	mm_mem_cgroup_flush_stats_ratelimited(cache);
	ck_assert(was_flushed());
	cache->stats_work_ns = now + 504 * jiffy;		/* it comes */
	for (uint64_t end = now + 5000 * jiffy; now < end; now += jiffy) {
		cache->ctx->stats_flush_threshold = cache->ctx->nr_cpus + 1;
		was_flushed();
		mm_mem_cgroup_flush_stats_ratelimited(cache);
		ck_assert(!was_flushed());
		mm_swap_io_elapse(cache, jiffy);
	}
}
END_TEST

/* Against an oracle that notes the sizes of the lists whenever a flush is due. */
START_TEST(stats_are_as_old_as_they_are)
{
	const uint64_t period = 504 * UINT64_C(4000000);
	struct mm_rng rng = { .state = (uint64_t)_i + 1 };
	uint64_t clock = 0, seen[MM_NR_LRU_LISTS] = { 0 };
	int differed = 0;

	for (int step = 0; step < 3000; step++) {
		uint64_t what = mm_rng_below(&rng, 100), ns = mm_rng_below(&rng, period / 20);
		bool flushes = false;

		if (what < 80) {
			mm_pfn_t pfn = small_anon_page();

			mm_folio_add_lru(cache, pfn);
			if (what < 40)
				mm_folio_mark_accessed(cache, pfn);
			if (what % 4)
				mm_release_pages(cache, &pfn, 1);
		} else if (what < 95) {
			flushes = clock / period != (clock + ns) / period;
			mm_swap_io_elapse(cache, ns);
			clock += ns;
		} else {
			flushes = cache->ctx->stats_flush_threshold > cache->ctx->nr_cpus;
			mm_mem_cgroup_flush_stats(cache);
		}
		for (unsigned int l = 0; l < MM_NR_LRU_LISTS; l++) {
			seen[l] = flushes ? size_of(l) : seen[l];
			ck_assert_uint_eq(mm_lruvec_page_state(root(), l), seen[l]);
			differed += seen[l] != size_of(l);
		}
	}
	ck_assert_int_gt(differed, 0);
}
END_TEST

START_TEST(conservation)	/* whatever is done, every page is on one list at most and is freed once */
{
	unsigned int seed = (unsigned int)_i + 1;
	mm_pfn_t pfn[200];
	uint64_t free_before = mm_nr_free_pages(&phys->phys);

	phys->ctx.sysctl.v[MM_SYSCTL_LRU_GEN] = _i & 1;
	mm_lru_gen_init_lruvec(root(), _i & 1);
	memset(pfn, 0xff, sizeof(pfn));
	for (int step = 0; step < 20000; step++) {
		random_folio(&seed, pfn, rand_r(&seed) % 200);
		if (step % 97 == 0)
			mm_lru_add_drain(cache);
		if (step % 1000 == 0)
			ck_assert(mm_cache_is_consistent(cache));
	}
	for (int i = 0; i < 200; i++)
		if (pfn[i] != MM_PFN_NONE)
			mm_folio_put(cache, pfn[i]);
	mm_lru_add_drain(cache);
	mm_drain_all_pages(&phys->phys);
	ck_assert_uint_eq(mm_nr_free_pages(&phys->phys), free_before);
	for (int l = 0; l < MM_NR_LRU_LISTS; l++)
		ck_assert_uint_eq(size_of((enum mm_lru_list)l), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("lru");
	TCase *tc = tcase_create("lists");
	SRunner *sr = srunner_create(s);
	int failed;

	suite_add_tcase(s, tc);
	tcase_add_checked_fixture(tc, setup, small_cache_free);
	tcase_add_test(tc, batch_of_15);
	tcase_add_test(tc, twice_is_active);
	tcase_add_test(tc, accessed_in_the_batch);
	tcase_add_test(tc, mlock_twice);
	tcase_add_test(tc, cost_decays);
	tcase_add_test(tc, refault_distance);
	tcase_add_test(tc, memcg_limit);
	tcase_add_test(tc, tables_to_walk);
	tcase_add_test(tc, stats_wait_for_changes);
	tcase_add_test(tc, stats_are_flushed_by_time);
	tcase_add_test(tc, refaults_flush_rarely);
	tcase_add_loop_test(tc, stats_are_as_old_as_they_are, 0, 4);
	tcase_add_loop_test(tc, conservation, 0, 6);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
