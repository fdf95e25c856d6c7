/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The buddy lists: splits and merges worked out by hand, fallback between
 * types, zones and watermarks, and millions of pages against a bitmap.
 */
#include "small_phys.h"

static struct small_phys *s;

static void start(const struct small_zone *zones, size_t nr) { s = small_phys_new(zones, nr, 2); }
static void teardown(void)
{
	ck_assert(mm_phys_is_consistent(&s->phys));
	small_phys_free(s);
}

static void setup_block(void)		/* one block of 1024 pages at 1 GiB */
{
	start(&(struct small_zone){ 0, MM_ZONE_DMA32, 0x40000, 1024, 0, 0, 0, 1, 0 }, 1);
}

static struct mm_zone *zone(void) { return s->phys.zone_table[0]; }

/* Blocks free of each order, as one number a digit: order 0 is the last digit. */
static uint64_t free_digits(const struct mm_zone *z)
{
	uint64_t n = 0;

	for (unsigned int o = MM_NR_PAGE_ORDERS; o-- > 0;)
		n = n * 10 + z->free_area[o].nr_free;
	return n;
}

static mm_pfn_t take(unsigned int order, unsigned int mt)
{
	mm_pfn_t pfn = mm_rmqueue(zone(), order, mt, 0);

	ck_assert_uint_ne(pfn, MM_PFN_NONE);
	mm_mod_zone_freepage_state(zone(), -(1 << order), mt);
	return pfn;
}

static void give(mm_pfn_t pfn, unsigned int order)
{
	mm_free_one_page(zone(), pfn, order, MM_MIGRATE_MOVABLE, MM_FPI_NONE);
}

static const struct split_case {
	const char *why;
	unsigned int order;
	uint64_t left;		/* digits by order, 10 first */
} split_cases[] = {
	{ "order 0 leaves one block of each order below", 0, 1111111111 },
	{ "order 3 leaves orders 3 to 9", 3, 1111111000 },
	{ "order 9 leaves its buddy", 9, 1000000000 },
	{ "order 10 takes it all", 10, 0 },
};
START_TEST(split_by_hand)
{
	const struct split_case *c = &split_cases[_i];
	mm_pfn_t pfn = take(c->order, MM_MIGRATE_MOVABLE);

	ck_assert_msg(pfn == 0x40000, "%s: the lowest part is taken, got %x", c->why, pfn);
	ck_assert_msg(free_digits(zone()) == c->left, "%s: %lu", c->why, (unsigned long)free_digits(zone()));
	give(pfn, c->order);
	ck_assert_uint_eq(free_digits(zone()), 10000000000);
}
END_TEST

/* The upper halves go to the head, so the next small request comes from the smallest one, just above. */
START_TEST(pages_come_in_order)
{
	for (mm_pfn_t i = 0; i < 1024; i++)
		ck_assert_uint_eq(take(0, MM_MIGRATE_MOVABLE), 0x40000 + i);
	for (mm_pfn_t i = 0; i < 1024; i++)
		give(0x40000 + i, 0);
	ck_assert_uint_eq(free_digits(zone()), 10000000000);
}
END_TEST

/*
 * Eight pages a..h taken; freeing goes to the head of order 0 but where the
 * pair above is free (c and d merged, say): then a block that could become part
 * of a larger one goes to the tail.
 *	free a		list: a
 *	free e		list: e a
 *	free c d	order 1: cd	(a's pair with b would meet cd)
 *	del a, free a	a goes to the tail: e a, though freed last
 */
START_TEST(likely_merge_goes_to_the_tail)
{
	const struct mm_page_list *l = &zone()->free_area[0].free_list[MM_MIGRATE_MOVABLE];
	mm_pfn_t a = 0x40000, rest;

	for (int i = 0; i < 8; i++)
		take(0, MM_MIGRATE_MOVABLE);
	rest = take(3, MM_MIGRATE_MOVABLE);
	give(a, 0);
	give(a + 4, 0);
	ck_assert_uint_eq(l->head, a + 4);
	ck_assert_uint_eq(l->tail, a);
	give(a + 2, 0);
	give(a + 3, 0);
	ck_assert_uint_eq(l->nr, 2);
	mm_del_page_from_free_list(zone(), a, 0);
	mm_mod_zone_freepage_state(zone(), -1, MM_MIGRATE_MOVABLE);
	give(a, 0);
	ck_assert_uint_eq(l->head, a + 4);
	ck_assert_uint_eq(l->tail, a);
	give(a + 1, 0);					/* a b c d: order 2 */
	ck_assert_uint_eq(zone()->free_area[2].nr_free, 1);
	give(rest, 3);
	for (mm_pfn_t i = 5; i < 8; i++)
		give(a + i, 0);
	ck_assert_uint_eq(free_digits(zone()), 10000000000);
}
END_TEST

/* HIGHATOMIC pageblocks do not merge with others at the order of a pageblock. */
START_TEST(highatomic_stays_apart)
{
	mm_pfn_t a = take(9, MM_MIGRATE_MOVABLE), b = take(9, MM_MIGRATE_MOVABLE);

	mm_set_pageblock_migratetype(&s->phys, b, MM_MIGRATE_HIGHATOMIC);
	mm_free_one_page(zone(), b, 9, MM_MIGRATE_HIGHATOMIC, MM_FPI_NONE);
	give(a, 9);
	ck_assert_uint_eq(free_digits(zone()), 2000000000);
	mm_set_pageblock_migratetype(&s->phys, b, MM_MIGRATE_MOVABLE);
	mm_del_page_from_free_list(zone(), b, 9);
	mm_mod_zone_freepage_state(zone(), -512, MM_MIGRATE_MOVABLE);
	give(b, 9);
}
END_TEST

/*
 * An unmovable request finds only a movable block of order 10: it takes both
 * pageblocks (order >= 9), so all of it is on the unmovable lists.
 */
START_TEST(fallback_takes_whole_pageblocks)
{
	mm_pfn_t pfn = take(0, MM_MIGRATE_UNMOVABLE);

	ck_assert_uint_eq(pfn, 0x40000);
	ck_assert_uint_eq(mm_pageblock_migratetype(&s->phys, 0x40000), MM_MIGRATE_UNMOVABLE);
	ck_assert_uint_eq(mm_pageblock_migratetype(&s->phys, 0x40200), MM_MIGRATE_UNMOVABLE);
	ck_assert_uint_eq(zone()->free_area[9].free_list[MM_MIGRATE_UNMOVABLE].nr, 1);
	ck_assert_uint_eq(zone()->watermark_boost, 0);
}
END_TEST

/*
 * Pageblock 0: 256 movable pages stay taken, 256 are free; pageblock 1 wholly taken.
 * An unmovable request takes the largest block (order 8) and all free pages of
 * the pageblock; 256 free + 0 alike is half: the pageblock becomes unmovable.
 * With 257 taken (not on the LRU: alike) it would be claimed too; with 257
 * movable ones (PG_lru) free + alike = 255: it stays movable.
 */
START_TEST(fallback_claims_half_free_pageblocks)
{
	mm_pfn_t a = 0x40000;
	unsigned int taken = _i ? 257 : 256;

	for (unsigned int i = 0; i < 1024; i++)
		take(0, MM_MIGRATE_MOVABLE);
	for (unsigned int i = taken; i < 512; i++)
		give(a + i, 0);
	for (unsigned int i = 0; i < taken; i++)
		mm_page(&s->phys, a + i)->flags = _i == 2 ? MM_PG_LRU : 0;
	take(0, MM_MIGRATE_UNMOVABLE);
	ck_assert_uint_eq(mm_pageblock_migratetype(&s->phys, a), _i == 2 ? MM_MIGRATE_MOVABLE : MM_MIGRATE_UNMOVABLE);
	for (unsigned int o = 0; o < MM_NR_PAGE_ORDERS; o++)
		ck_assert_uint_eq(zone()->free_area[o].free_list[MM_MIGRATE_MOVABLE].nr, 0);
}
END_TEST

/*
 * Only order-3 unmovable blocks are free: a movable request may not take the
 * rest of the pageblock (order < 4), so it takes the smallest block, here
 * order 1, and nothing else changes type.
 */
START_TEST(movable_takes_the_smallest)
{
	mm_pfn_t a = 0x40000;

	for (unsigned int i = 0; i < 1024; i++)
		take(0, MM_MIGRATE_MOVABLE);
	mm_set_pageblock_migratetype(&s->phys, a, MM_MIGRATE_UNMOVABLE);
	mm_free_one_page(zone(), a + 8, 3, MM_MIGRATE_UNMOVABLE, MM_FPI_NONE);
	mm_free_one_page(zone(), a + 32, 1, MM_MIGRATE_UNMOVABLE, MM_FPI_NONE);
	ck_assert_uint_eq(take(0, MM_MIGRATE_MOVABLE), a + 32);
	ck_assert_uint_eq(zone()->free_area[0].free_list[MM_MIGRATE_MOVABLE].nr, 1);
	ck_assert_uint_eq(zone()->free_area[3].free_list[MM_MIGRATE_UNMOVABLE].nr, 1);
	ck_assert_uint_eq(mm_pageblock_migratetype(&s->phys, a), MM_MIGRATE_UNMOVABLE);
}
END_TEST

/* Zones of a small PC: watermarks and reserves by hand. */
static const struct small_zone pc[] = {
	{ 0, MM_ZONE_DMA,    0x00000,  4096, 10, 12, 14, 1, 0 },
	{ 0, MM_ZONE_DMA32,  0x01000, 12288, 20, 25, 30, 1, 0 },
	{ 0, MM_ZONE_NORMAL, 0x100000, 8192, 20, 25, 30, 1, 0 },
};
static void setup_pc(void)
{
	start(pc, 3);
	small_zone(s, 0, MM_ZONE_DMA32)->lowmem_reserve[MM_ZONE_NORMAL] = 32;
	small_zone(s, 0, MM_ZONE_DMA)->lowmem_reserve[MM_ZONE_NORMAL] = 80;
	small_zone(s, 0, MM_ZONE_DMA)->lowmem_reserve[MM_ZONE_DMA32] = 48;
}

static unsigned int take_all(mm_gfp_t gfp)
{
	unsigned int n = 0;

	while (mm_alloc_pages(&s->phys, gfp, 0) != MM_PFN_NONE)
		n++;
	return n;
}

/*
 * How many single pages a request gets: per zone, free - (mark + reserve), mark
 * min as the slow path lowers it.
 *	GFP_KERNEL at min:	(8192 - 20) + (12288 - 20 - 32) + (4096 - 10 - 80)
 *	GFP_DMA32:		(12288 - 20) + (4096 - 10 - 48)
 *	GFP_DMA:		4096 - 10
 *	GFP_ATOMIC:		min - min/2 - (that)/4: 20 -> 10 -> 8; 10 -> 5 -> 4
 *	__GFP_MEMALLOC:		every page
 */
static const struct depth_case {
	const char *why;
	mm_gfp_t gfp;
	unsigned int pages;
} depth_cases[] = {
	{ "GFP_KERNEL stops at min", MM_GFP_KERNEL & ~__MM_GFP_DIRECT_RECLAIM & ~__MM_GFP_KSWAPD_RECLAIM, 8172 + 12236 + 4006 },
	{ "GFP_DMA32 uses DMA32, then DMA", __MM_GFP_DMA32, 12268 + 4038 },
	{ "GFP_DMA has only DMA", __MM_GFP_DMA, 4086 },
	{ "GFP_ATOMIC goes deeper", MM_GFP_ATOMIC, 8184 + 12248 + 4012 },
	{ "__GFP_MEMALLOC takes all", __MM_GFP_MEMALLOC, 8192 + 12288 + 4096 },
	{ "__GFP_THISNODE on one node is the same", __MM_GFP_DMA | __MM_GFP_THISNODE, 4086 },
};
START_TEST(watermarks_stop_requests)
{
	const struct depth_case *c = &depth_cases[_i];
	unsigned int got = take_all(c->gfp);

	ck_assert_msg(got == c->pages, "%s: %u, got %u", c->why, c->pages, got);
}
END_TEST

START_TEST(order_needs_a_block)
{
	/* Every second page of Normal taken: many free pages, no block of order 1 above DMA32's. */
	mm_pfn_t pfns[8192];
	mm_gfp_t gfp = __MM_GFP_HIGHMEM | __MM_GFP_THISNODE;

	for (int i = 0; i < 8192 - 30; i++)
		pfns[i] = mm_alloc_pages(&s->phys, gfp, 0);
	for (int i = 0; i < 8000; i += 2)
		mm_free_pages(&s->phys, pfns[i], 0);
	ck_assert(mm_zone_watermark_ok(small_zone(s, 0, MM_ZONE_NORMAL), 0, 25, MM_ZONE_NORMAL, 0));
	ck_assert(!mm_zone_watermark_ok(small_zone(s, 0, MM_ZONE_NORMAL), 5, 25, MM_ZONE_NORMAL, 0));
	ck_assert_uint_lt(mm_alloc_pages(&s->phys, gfp, 5), 0x100000);
	ck_assert_int_eq(s->ctx.stat.v[MM_PGALLOC_NORMAL], 8192 - 30);
	ck_assert_int_eq(s->ctx.stat.v[MM_PGALLOC_DMA32], 32);
}
END_TEST

/*
 * A request of order 2 that cannot wait, below low, sets a pageblock aside; an order-0 one gets it when all
 * else is gone.
 */
START_TEST(highatomic_reserve)
{
	struct mm_zone *z = small_zone(s, 0, MM_ZONE_DMA);
	mm_pfn_t pfn;

	while (z->free_pages > 12 + 3)
		ck_assert_uint_ne(mm_alloc_pages(&s->phys, __MM_GFP_DMA, 0), MM_PFN_NONE);
	pfn = mm_alloc_pages(&s->phys, __MM_GFP_DMA | __MM_GFP_HIGH, 2);
	ck_assert_uint_ne(pfn, MM_PFN_NONE);
	ck_assert_uint_eq(z->nr_reserved_highatomic, 512);
	ck_assert_uint_eq(mm_pageblock_migratetype(&s->phys, pfn), MM_MIGRATE_HIGHATOMIC);
	ck_assert(!mm_zone_watermark_ok(z, 0, 0, MM_ZONE_DMA, 0));
}
END_TEST

/* ---- against a bitmap ---- */

enum { ORACLE_PAGES = 1 << 15 };
static unsigned char used[ORACLE_PAGES];	/* 1 + order of the block that a page belongs to, 0 free */

static void setup_oracle(void)
{
	start(&(struct small_zone){ 0, MM_ZONE_DMA32, 0, ORACLE_PAGES, 0, 0, 0, 31, 186 }, 1);
	memset(used, 0, sizeof(used));
}

static bool oracle_has_block(unsigned int order)
{
	for (uint32_t p = 0; p < ORACLE_PAGES; p += 1u << order) {
		uint32_t i = 0;

		while (i < 1u << order && !used[p + i])
			i++;
		if (i == 1u << order)
			return true;
	}
	return false;
}

/* The free set alone says how many blocks of each order there are. */
static void oracle_counts(uint64_t *nr)
{
	memset(nr, 0, MM_NR_PAGE_ORDERS * sizeof(*nr));
	for (uint32_t p = 0; p < ORACLE_PAGES;) {
		unsigned int order = 0;

		if (used[p]) {
			p++;
			continue;
		}
		while (order < MM_MAX_ORDER && !(p & ((2u << order) - 1))) {
			uint32_t i = 1u << order;

			while (i < 2u << order && !used[p + i])
				i++;
			if (i < 2u << order)
				break;
			order++;
		}
		nr[order]++;
		p += 1u << order;
	}
}

static void oracle_compare(int seed)
{
	uint64_t nr[MM_NR_PAGE_ORDERS];

	mm_drain_all_pages(&s->phys);
	oracle_counts(nr);
	for (unsigned int o = 0; o < MM_NR_PAGE_ORDERS; o++)
		ck_assert_msg(nr[o] == zone()->free_area[o].nr_free, "seed %d order %u: %lu blocks, found %lu", seed, o,
			      (unsigned long)nr[o], (unsigned long)zone()->free_area[o].nr_free);
}

struct live_block {
	mm_pfn_t pfn;
	unsigned int order;
};

static bool oracle_alloc(struct mm_rng *rng, struct live_block *b)
{
	static const mm_gfp_t kinds[] = { 0, __MM_GFP_MOVABLE, __MM_GFP_RECLAIMABLE };
	unsigned int order = (unsigned int)(mm_rng_below(rng, 4) ? mm_rng_below(rng, 3) : mm_rng_below(rng, 11));
	mm_gfp_t gfp = __MM_GFP_DMA32 | kinds[mm_rng_below(rng, 3)] | (mm_rng_below(rng, 2) ? __MM_GFP_COMP : 0);
	mm_pfn_t pfn;

	mm_set_cpu(&s->ctx, (uint32_t)mm_rng_below(rng, 2));
	pfn = mm_alloc_pages(&s->phys, gfp | __MM_GFP_MEMALLOC, order);
	if (pfn == MM_PFN_NONE) {
		mm_drain_all_pages(&s->phys);
		pfn = mm_alloc_pages(&s->phys, gfp | __MM_GFP_MEMALLOC, order);
	}
	if (pfn == MM_PFN_NONE) {
		ck_assert_msg(!oracle_has_block(order), "order %u refused though a block is free", order);
		return false;
	}
	ck_assert_uint_eq(pfn & ((1u << order) - 1), 0);
	for (uint32_t i = 0; i < 1u << order; i++) {
		ck_assert_msg(!used[pfn + i], "page %u given twice", pfn + i);
		used[pfn + i] = (unsigned char)(order + 1);
	}
	*b = (struct live_block){ pfn, order };
	return true;
}

START_TEST(random_against_bitmap)
{
	static struct live_block live[ORACLE_PAGES];
	struct mm_rng rng = { (uint64_t)_i + 1 };
	unsigned int nr = 0;

	for (int step = 0; step < 120000; step++) {
		/* the share of frees swings, so that memory fills and empties */
		bool grow = mm_rng_below(&rng, 100) < (step / 20000 % 2 ? 40u : 60u);

		if (grow && oracle_alloc(&rng, &live[nr])) {
			nr++;
		} else if (nr) {
			unsigned int v = (unsigned int)mm_rng_below(&rng, nr);

			memset(&used[live[v].pfn], 0, 1u << live[v].order);
			mm_free_pages(&s->phys, live[v].pfn, live[v].order);
			live[v] = live[--nr];
		}
		if (step % 4000 == 0)
			oracle_compare(_i);
		if (step % 20000 == 0)
			ck_assert(mm_phys_is_consistent(&s->phys));
	}
	while (nr-- > 0) {
		memset(&used[live[nr].pfn], 0, 1u << live[nr].order);
		mm_free_pages(&s->phys, live[nr].pfn, live[nr].order);
	}
	oracle_compare(_i);
	ck_assert_uint_eq(zone()->free_area[MM_MAX_ORDER].nr_free, ORACLE_PAGES >> MM_MAX_ORDER);
	ck_assert_int_eq(s->ctx.stat.v[MM_PGALLOC_DMA32], s->ctx.stat.v[MM_PGFREE]);
}
END_TEST

/* ---- bad calls ---- */

/*
 * Pages for writing pass over a node with more dirty pages than 20% of its 4096 free ones: 819.  When all nodes have,
 * the slow path takes them anyway.
 */
static const struct dirty_case {
	uint64_t dirty0, dirty1;
	mm_gfp_t gfp;
	uint32_t node;
} dirty_cases[] = {
	{ 819, 0, MM_GFP_HIGHUSER_MOVABLE | __MM_GFP_WRITE, 0 },
	{ 820, 0, MM_GFP_HIGHUSER_MOVABLE | __MM_GFP_WRITE, 1 },
	{ 820, 0, MM_GFP_HIGHUSER_MOVABLE, 0 },
	{ 820, 0, MM_GFP_HIGHUSER_MOVABLE | __MM_GFP_WRITE | __MM_GFP_THISNODE, 0 },
	{ 820, 819, MM_GFP_HIGHUSER_MOVABLE | __MM_GFP_WRITE, 1 },
	{ 820, 820, MM_GFP_HIGHUSER_MOVABLE | __MM_GFP_WRITE, 0 },
};
START_TEST(dirty_pages_spread)
{
	const struct dirty_case *c = &dirty_cases[_i];
	const struct small_zone zones[] = {
		{ 0, MM_ZONE_NORMAL, 4096, 4096, 8, 16, 24, 1, 0 }, { 1, MM_ZONE_NORMAL, 8192, 4096, 8, 16, 24, 1, 0 },
	};
	struct small_phys *two = small_phys_new(zones, 2, 1);

	two->phys.nodes[0]->nr_write_pending = c->dirty0;
	two->phys.nodes[1]->nr_write_pending = c->dirty1;
	ck_assert_uint_eq(mm_page_zone(&two->phys, mm_alloc_pages(&two->phys, c->gfp, 0))->node, c->node);
	ck_assert(mm_phys_is_consistent(&two->phys));
	small_phys_free(two);
}
END_TEST

START_TEST(impossible_orders)
{
	ck_assert_uint_eq(mm_alloc_pages(&s->phys, MM_GFP_KERNEL, MM_MAX_ORDER + 1), MM_PFN_NONE);
	ck_assert_uint_eq(mm_alloc_pages(&s->phys, MM_GFP_KERNEL, UINT32_MAX), MM_PFN_NONE);
	ck_assert_uint_eq(mm_alloc_pages(&s->phys, __MM_GFP_DMA, 0), MM_PFN_NONE);	/* there is no such zone */
}
END_TEST

START_TEST(free_of_a_free_page_asserts)
{
	mm_pfn_t pfn = mm_alloc_pages(&s->phys, MM_GFP_KERNEL, 0);

	mm_free_pages(&s->phys, pfn, 0);
	mm_free_pages(&s->phys, pfn, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("buddy");
	TCase *block = tcase_create("block"), *zones = tcase_create("zones"), *oracle = tcase_create("oracle");
	SRunner *sr = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(block, setup_block, teardown);
	tcase_add_loop_test(block, split_by_hand, 0, sizeof(split_cases) / sizeof(split_cases[0]));
	tcase_add_test(block, pages_come_in_order);
	tcase_add_test(block, likely_merge_goes_to_the_tail);
	tcase_add_test(block, highatomic_stays_apart);
	tcase_add_test(block, fallback_takes_whole_pageblocks);
	tcase_add_loop_test(block, fallback_claims_half_free_pageblocks, 0, 3);
	tcase_add_test(block, movable_takes_the_smallest);
	tcase_add_test(block, impossible_orders);
	tcase_add_loop_test(block, dirty_pages_spread, 0, (int)(sizeof(dirty_cases) / sizeof(dirty_cases[0])));
	if (srunner_fork_status(sr) == CK_FORK)		/* it ends its process */
		tcase_add_test_raise_signal(block, free_of_a_free_page_asserts, 6);
	suite_add_tcase(suite, block);
	tcase_add_checked_fixture(zones, setup_pc, teardown);
	tcase_add_loop_test(zones, watermarks_stop_requests, 0, sizeof(depth_cases) / sizeof(depth_cases[0]));
	tcase_add_test(zones, order_needs_a_block);
	tcase_add_test(zones, highatomic_reserve);
	suite_add_tcase(suite, zones);
	tcase_add_checked_fixture(oracle, setup_oracle, teardown);
	tcase_add_loop_test(oracle, random_against_bitmap, 0, 4);
	tcase_set_timeout(oracle, 60);
	suite_add_tcase(suite, oracle);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
