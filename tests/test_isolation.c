/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Page isolation on a small zone: free counts and blocks by hand arithmetic, then random ranges against one
 * flag a pageblock: what is isolated is never given out, does not count as free, and comes back whole.
 */
#include <errno.h>

#include "base/rng.h"
#include "phys/compaction.h"
#include "small_phys.h"

enum { BLOCK = 1 << MM_PAGEBLOCK_ORDER, PAGES = 16 * BLOCK };

static struct small_phys *s;
static struct mm_zone *zone;

static void setup(void)
{
	static const struct small_zone z[] = { { .type = MM_ZONE_NORMAL, .start = 0, .pages = PAGES, .pcp_batch = 4, .pcp_high = 16 } };

	s = small_phys_new(z, 1, 1);
	zone = &s->phys.nodes[0]->zones[MM_ZONE_NORMAL];
}

static void teardown(void)
{
	ck_assert(mm_phys_is_consistent(&s->phys));
	small_phys_free(s);
}

static uint64_t blocks(unsigned int order, unsigned int mt) { return zone->free_area[order].free_list[mt].nr; }

/* A block of order 10 covers both pageblocks of a pair: isolating one splits it, undoing merges it. */
START_TEST(border_splits_and_merges)
{
	mm_pfn_t at = (mm_pfn_t)_i * BLOCK;

	ck_assert_uint_eq(blocks(10, MM_MIGRATE_MOVABLE), PAGES >> 10);
	ck_assert_int_eq(mm_start_isolate_page_range(&s->phys, at, at + BLOCK), 0);
	ck_assert_uint_eq(blocks(10, MM_MIGRATE_MOVABLE), (PAGES >> 10) - 1);
	ck_assert_uint_eq(blocks(9, MM_MIGRATE_MOVABLE), 1);
	ck_assert_uint_eq(blocks(9, MM_MIGRATE_ISOLATE), 1);
	ck_assert_uint_eq(zone->free_pages, PAGES - BLOCK);
	ck_assert(mm_test_pages_isolated(&s->phys, at, at + BLOCK));
	ck_assert(!mm_test_pages_isolated(&s->phys, at ^ BLOCK, (at ^ BLOCK) + BLOCK));
	ck_assert(mm_phys_is_consistent(&s->phys));
	ck_assert_int_eq(mm_start_isolate_page_range(&s->phys, at, at + BLOCK), -EBUSY);
	mm_undo_isolate_page_range(&s->phys, at, at + BLOCK);
	ck_assert_uint_eq(blocks(10, MM_MIGRATE_MOVABLE), PAGES >> 10);
	ck_assert_uint_eq(zone->free_pages, PAGES);
	ck_assert_uint_eq(zone->nr_isolate_pageblock, 0);
}
END_TEST

/* [1, 4) of 16: the pair (0,1) is split, the pair (2,3) goes over as one block of order 10. */
START_TEST(pairs_stay_whole)
{
	ck_assert_int_eq(mm_start_isolate_page_range(&s->phys, BLOCK, 4 * BLOCK), 0);
	ck_assert_uint_eq(blocks(10, MM_MIGRATE_ISOLATE), 1);
	ck_assert_uint_eq(blocks(9, MM_MIGRATE_ISOLATE), 1);
	ck_assert_uint_eq(blocks(9, MM_MIGRATE_MOVABLE), 1);
	ck_assert_uint_eq(zone->free_pages, PAGES - 3 * BLOCK);
	mm_undo_isolate_page_range(&s->phys, BLOCK, 4 * BLOCK);
	ck_assert_uint_eq(blocks(10, MM_MIGRATE_MOVABLE), PAGES >> 10);
}
END_TEST

/* A page of the kernel's keeps its pageblock, one on an LRU list does not; freed there, it stays there. */
START_TEST(pages_in_use)
{
	mm_pfn_t pfn = mm_alloc_pages(&s->phys, MM_GFP_KERNEL, 0), block = pfn & ~(mm_pfn_t)(BLOCK - 1);

	mm_drain_all_pages(&s->phys);
	ck_assert_int_eq(mm_start_isolate_page_range(&s->phys, block, block + BLOCK), -EBUSY);
	/* the others of a range are left as they were */
	if (block)
		ck_assert_int_eq(mm_start_isolate_page_range(&s->phys, 0, block + BLOCK), -EBUSY);
	else
		ck_assert_int_eq(mm_start_isolate_page_range(&s->phys, 0, 3 * BLOCK), -EBUSY);
	ck_assert_uint_eq(zone->nr_isolate_pageblock, 0);
	ck_assert_uint_eq(zone->free_pages, PAGES - 1);
	mm_page(&s->phys, pfn)->flags |= MM_PG_LRU;
	ck_assert_int_eq(mm_start_isolate_page_range(&s->phys, block, block + BLOCK), 0);
	ck_assert_uint_eq(zone->free_pages, PAGES - BLOCK);
	ck_assert(!mm_test_pages_isolated(&s->phys, block, block + BLOCK));
	mm_page(&s->phys, pfn)->flags &= ~(uint32_t)MM_PG_LRU;
	mm_free_pages(&s->phys, pfn, 0);
	ck_assert(mm_test_pages_isolated(&s->phys, block, block + BLOCK));
	ck_assert_uint_eq(zone->free_pages, PAGES - BLOCK);
}
END_TEST

START_TEST(bad_ranges)
{
	ck_assert_int_eq(mm_start_isolate_page_range(&s->phys, 1, BLOCK), -EINVAL);
	ck_assert_int_eq(mm_start_isolate_page_range(&s->phys, 0, BLOCK + 1), -EINVAL);
	ck_assert_int_eq(mm_start_isolate_page_range(&s->phys, BLOCK, BLOCK), -EINVAL);
	ck_assert_int_eq(mm_start_isolate_page_range(&s->phys, 2 * BLOCK, BLOCK), -EINVAL);
	ck_assert_int_eq(mm_start_isolate_page_range(&s->phys, 0, PAGES + BLOCK), -EINVAL);
	mm_undo_isolate_page_range(&s->phys, 0, PAGES + BLOCK);
}
END_TEST

START_TEST(random_ranges)
{
	struct mm_rng rng = { 17 + (uint64_t)_i };
	bool isolated[PAGES / BLOCK] = { false };
	struct { mm_pfn_t pfn; unsigned int order; } held[64];
	size_t nr_held = 0;

	for (int step = 0; step < 20000; step++) {
		unsigned int first = (unsigned int)mm_rng_below(&rng, PAGES / BLOCK);
		unsigned int last = first + 1 + (unsigned int)mm_rng_below(&rng, PAGES / BLOCK - first);

		switch (mm_rng_below(&rng, 8)) {
		case 0: {
			int e;

			mm_drain_all_pages(&s->phys);
			e = mm_start_isolate_page_range(&s->phys, first * BLOCK, last * BLOCK);
			for (unsigned int b = first; b < last && e; b++)
				if (isolated[b])
					e = 1;		/* the reason is known */
			for (size_t i = 0; i < nr_held && e < 0; i++)
				if (held[i].pfn / BLOCK < last && (held[i].pfn + (1u << held[i].order) - 1) / BLOCK >= first)
					e = 1;
			ck_assert_int_ge(e, 0);
			for (unsigned int b = first; b < last && !e; b++)
				isolated[b] = true;
			break;
		}
		case 1:
			mm_undo_isolate_page_range(&s->phys, first * BLOCK, last * BLOCK);
			for (unsigned int b = first; b < last; b++)
				isolated[b] = false;
			break;
		case 2: case 3: case 4:
			if (nr_held < 64) {
				unsigned int order = (unsigned int)mm_rng_below(&rng, 11);
				mm_pfn_t pfn = mm_alloc_pages(&s->phys, MM_GFP_KERNEL | __MM_GFP_NOWARN, order);

				if (pfn == MM_PFN_NONE)
					break;
				for (unsigned int b = pfn / BLOCK; b <= (pfn + (1u << order) - 1) / BLOCK; b++)
					ck_assert_msg(!isolated[b], "page %u of an isolated block was given", pfn);
				held[nr_held].pfn = pfn;
				held[nr_held++].order = order;
			}
			break;
		default:
			if (nr_held) {
				size_t i = (size_t)mm_rng_below(&rng, nr_held);

				mm_free_pages(&s->phys, held[i].pfn, held[i].order);
				held[i] = held[--nr_held];
			}
		}
		if (step % 64 == 0) {
			uint64_t nr = 0;

			for (unsigned int b = 0; b < PAGES / BLOCK; b++)
				nr += isolated[b];
			ck_assert_uint_eq(zone->nr_isolate_pageblock, nr);
			ck_assert(mm_phys_is_consistent(&s->phys));
		}
	}
	while (nr_held--)
		mm_free_pages(&s->phys, held[nr_held].pfn, held[nr_held].order);
	mm_undo_isolate_page_range(&s->phys, 0, PAGES);
	mm_drain_all_pages(&s->phys);
	ck_assert_uint_eq(zone->free_pages, PAGES);
	ck_assert_uint_eq(zone->free_area[10].nr_free, PAGES >> 10);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("isolation");
	TCase *t = tcase_create("range");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, border_splits_and_merges, 0, 16);
	tcase_add_test(t, pairs_stay_whole);
	tcase_add_test(t, pages_in_use);
	tcase_add_test(t, bad_ranges);
	tcase_add_loop_test(t, random_ranges, 0, 4);
	suite_add_tcase(suite, t);
	r = srunner_create(suite);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
