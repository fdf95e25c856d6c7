/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Per-CPU lists, step by step as 6.6's rules give them: refill by batch, free
 * to the head, how many go back and from where, drain.
 *
 * The zone has batch 8 and high 40, so: an order-0 refill takes 8, order 1
 * 8 >> 1 = 4, order 3 max(8 >> 3, 2) = 2 blocks.
 */
#include "small_phys.h"

enum { BATCH = 8, HIGH = 40, BASE = 0x1000 };

static struct small_phys *s;

static void setup(void)
{
	s = small_phys_new(&(struct small_zone){ 0, MM_ZONE_DMA32, BASE, 16384, 0, 0, 0, BATCH, HIGH }, 1, 2);
}

static void teardown(void)
{
	ck_assert(mm_phys_is_consistent(&s->phys));
	small_phys_free(s);
}

static struct mm_per_cpu_pages *pcp(uint32_t cpu) { return &s->phys.zone_table[0]->pcp[cpu]; }
static uint64_t nr_free(void) { return s->phys.zone_table[0]->free_pages; }
static mm_pfn_t get(unsigned int order) { return mm_alloc_pages(&s->phys, __MM_GFP_DMA32 | __MM_GFP_MOVABLE, order); }

START_TEST(refill_in_order)
{
	static const unsigned int blocks[] = { 8, 4, 2, 2 };	/* by order */
	unsigned int order = (unsigned int)_i;
	mm_pfn_t first = get(order);

	ck_assert_uint_eq(first, BASE);
	ck_assert_uint_eq(pcp(0)->count, (blocks[order] - 1) << order);
	ck_assert_uint_eq(nr_free(), 16384 - (blocks[order] << order));
	for (unsigned int i = 1; i < blocks[order]; i++)
		ck_assert_uint_eq(get(order), BASE + (i << order));
	ck_assert_uint_eq(pcp(0)->count, 0);
	ck_assert_int_eq(s->ctx.stat.v[MM_NR_FREE_PAGES], (int64_t)nr_free());
}
END_TEST

/* Order 9 has its own lists: max(8 >> 9, 2) = 2 blocks. Order 4 has none. */
START_TEST(orders_with_and_without_lists)
{
	get(9);
	ck_assert_uint_eq(pcp(0)->lists[MM_NR_LOWORDER_PCP_LISTS + 1].nr, 1);
	ck_assert_uint_eq(pcp(0)->count, 512);
	get(4);
	ck_assert_uint_eq(pcp(0)->count, 512);
	get(10);
	ck_assert_uint_eq(pcp(0)->count, 512);
}
END_TEST

START_TEST(last_freed_is_first_taken)
{
	mm_pfn_t a = get(0), b = get(0);

	mm_free_pages(&s->phys, a, 0);
	mm_free_pages(&s->phys, b, 0);
	ck_assert_uint_eq(get(0), b);
	ck_assert_uint_eq(get(0), a);
	mm_set_cpu(&s->ctx, 1);
	ck_assert_uint_ne(get(0), a);		/* another CPU has its own */
	ck_assert_uint_eq(pcp(1)->count, BATCH - 1);
}
END_TEST

/*
 * 200 pages taken (25 refills, lists empty), then freed one by one.
 * free_factor is 0. At count 40: free min(8 << 0) = 8, factor 1 -> 32 left.
 * At 40 again: 16, factor 2 -> 24. Then 32 (= high - batch; 32 < 32 is false, so
 * the factor stays 2) -> 8. Then 32 again each time.
 */
START_TEST(bursts_double)
{
	static const struct { unsigned int frees, left, factor; } steps[] = {
		{ 39, 39, 0 }, { 1, 32, 1 }, { 7, 39, 1 }, { 1, 24, 2 }, { 15, 39, 2 }, { 1, 8, 2 }, { 31, 39, 2 }, { 1, 8, 2 },
	};
	mm_pfn_t pfns[200];
	unsigned int n = 0;

	for (int i = 0; i < 200; i++)
		pfns[i] = get(0);
	ck_assert_uint_eq(pcp(0)->count, 0);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		for (unsigned int f = 0; f < steps[i].frees; f++)
			mm_free_pages(&s->phys, pfns[n++], 0);
		ck_assert_msg(pcp(0)->count == steps[i].left && pcp(0)->free_factor == steps[i].factor,
			      "step %zu: count %u factor %u", i, pcp(0)->count, pcp(0)->free_factor);
	}
	get(0);
	ck_assert_uint_eq(pcp(0)->free_factor, 1);	/* an allocation halves it */
}
END_TEST

/* The oldest go back first: the tail. */
START_TEST(bulk_takes_the_tail)
{
	mm_pfn_t pfns[40];

	for (int i = 0; i < 40; i++)
		pfns[i] = get(0);
	for (int i = 0; i < 40; i++)
		mm_free_pages(&s->phys, pfns[i], 0);
	ck_assert_uint_eq(pcp(0)->count, 32);
	ck_assert_uint_eq(pcp(0)->lists[MM_MIGRATE_MOVABLE].tail, pfns[8]);
	ck_assert_uint_eq(pcp(0)->lists[MM_MIGRATE_MOVABLE].head, pfns[39]);
}
END_TEST

/*
 * Round robin begins at the list just freed to and takes a list whole before
 * the next: 20 unmovable pages (list 0) wait, movable ones (list 1) reach 40: 8 of the movable go.
 */
START_TEST(bulk_begins_at_the_freeing_list)
{
	mm_pfn_t un[24], mv[24];

	for (int i = 0; i < 24; i++)
		un[i] = mm_alloc_pages(&s->phys, __MM_GFP_DMA32, 0);
	for (int i = 0; i < 24; i++)
		mv[i] = get(0);
	ck_assert_uint_eq(pcp(0)->count, 0);
	for (int i = 0; i < 20; i++)
		mm_free_pages(&s->phys, un[i], 0);
	for (int i = 0; i < 20; i++)
		mm_free_pages(&s->phys, mv[i], 0);
	ck_assert_uint_eq(pcp(0)->lists[MM_MIGRATE_UNMOVABLE].nr, 20);
	ck_assert_uint_eq(pcp(0)->lists[MM_MIGRATE_MOVABLE].nr, 12);
}
END_TEST

/* After a burst (free_factor > 0) a free of order 1 to 3 empties everything; one of order 9 does not. */
START_TEST(free_high_empties_all)
{
	mm_pfn_t pfns[41], high = get(2), huge = get(9);

	for (int i = 0; i < 40; i++)
		pfns[i] = get(0);
	while (pcp(0)->count > 512)
		get(2);
	for (int i = 0; i < 40; i++)
		mm_free_pages(&s->phys, pfns[i], 0);
	ck_assert_uint_gt(pcp(0)->free_factor, 0);
	mm_free_pages(&s->phys, high, 2);
	ck_assert_uint_eq(pcp(0)->count, 0);
	pcp(0)->free_factor = 1;
	pcp(0)->high = 4096;
	mm_free_pages(&s->phys, huge, 9);
	ck_assert_uint_eq(pcp(0)->count, 512);
}
END_TEST

/* While kswapd scans the zone, high is at most 4 batches. */
START_TEST(reclaim_lowers_high)
{
	mm_pfn_t pfns[40];

	for (int i = 0; i < 40; i++)
		pfns[i] = get(0);
	s->phys.zone_table[0]->reclaim_active = true;
	for (int i = 0; i < 31; i++)
		mm_free_pages(&s->phys, pfns[i], 0);
	ck_assert_uint_eq(pcp(0)->count, 31);
	mm_free_pages(&s->phys, pfns[31], 0);
	ck_assert_uint_eq(pcp(0)->count, 24);
}
END_TEST

/* The type is that of the pageblock when the page was freed, not when it is drained. */
START_TEST(type_is_that_of_the_free)
{
	mm_pfn_t pfn = get(0);

	mm_set_pageblock_migratetype(&s->phys, pfn, MM_MIGRATE_RECLAIMABLE);
	mm_free_pages(&s->phys, pfn, 0);
	ck_assert_uint_eq(pcp(0)->lists[MM_MIGRATE_RECLAIMABLE].nr, 1);
	mm_set_pageblock_migratetype(&s->phys, pfn, MM_MIGRATE_UNMOVABLE);
	while (pcp(0)->lists[MM_MIGRATE_MOVABLE].nr)
		get(0);
	mm_drain_all_pages(&s->phys);
	ck_assert_uint_eq(s->phys.zone_table[0]->free_area[0].free_list[MM_MIGRATE_RECLAIMABLE].nr, 1);
}
END_TEST

/* HIGHATOMIC pages wait with the movable ones and go back to their own list. */
START_TEST(highatomic_waits_with_movable)
{
	mm_pfn_t pfn = get(0);

	while (pcp(0)->count)
		get(0);
	mm_set_pageblock_migratetype(&s->phys, pfn, MM_MIGRATE_HIGHATOMIC);
	mm_free_pages(&s->phys, pfn, 0);
	ck_assert_uint_eq(pcp(0)->lists[MM_MIGRATE_MOVABLE].head, pfn);
	mm_drain_all_pages(&s->phys);
	ck_assert_uint_eq(s->phys.zone_table[0]->free_area[0].free_list[MM_MIGRATE_HIGHATOMIC].head, pfn);
}
END_TEST

/* A list is freed in order: its last page is the next one given out. */
START_TEST(list_of_pages)
{
	mm_pfn_t pfns[5];

	for (int i = 0; i < 5; i++)
		pfns[i] = get(0);
	mm_free_unref_page_list(&s->phys, pfns, 5);
	ck_assert_uint_eq(get(0), pfns[4]);
	ck_assert_int_eq(s->ctx.stat.v[MM_PGFREE], 5);
}
END_TEST

START_TEST(drain_empties)
{
	get(0), get(1), get(3), get(9);
	mm_set_cpu(&s->ctx, 1);
	get(2);
	mm_drain_all_pages(&s->phys);
	ck_assert_uint_eq(pcp(0)->count, 0);
	ck_assert_uint_eq(pcp(1)->count, 0);
	ck_assert_uint_eq(nr_free(), 16384 - (1 + 2 + 8 + 512 + 4));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pcp");
	TCase *tc = tcase_create("lists");
	SRunner *sr = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, refill_in_order, 0, 4);
	tcase_add_test(tc, orders_with_and_without_lists);
	tcase_add_test(tc, last_freed_is_first_taken);
	tcase_add_test(tc, bursts_double);
	tcase_add_test(tc, bulk_takes_the_tail);
	tcase_add_test(tc, bulk_begins_at_the_freeing_list);
	tcase_add_test(tc, free_high_empties_all);
	tcase_add_test(tc, reclaim_lowers_high);
	tcase_add_test(tc, type_is_that_of_the_free);
	tcase_add_test(tc, highatomic_waits_with_movable);
	tcase_add_test(tc, list_of_pages);
	tcase_add_test(tc, drain_empties);
	suite_add_tcase(suite, tc);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
