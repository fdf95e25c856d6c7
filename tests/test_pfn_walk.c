/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Walks over a zone's frames of RAM against a list of its frames, one by one.
 */
#include <check.h>
#include <stdlib.h>

#include "base/rng.h"
#include "phys/pfn_walk.h"

enum { MAX_RANGES = 20, MAX_RANGE_PAGES = 1500, NR_NODES = 3, MAX_FRAMES = MAX_RANGES * MAX_RANGE_PAGES };

static struct mm_rng rng;
static struct mm_page_range present[MAX_RANGES];
static struct mm_phys phys;
static struct mm_zone zone;
static uint64_t frames[MAX_FRAMES];		/* the oracle: the zone's, from below */
static size_t nr_frames;

/* Ranges that touch and such with holes between them, of alternating nodes; a zone that begins and ends anywhere. */
static void make(uint64_t seed)
{
	uint64_t pfn = 300, end;

	rng = (struct mm_rng){ seed };
	phys = (struct mm_phys){ .present = present, .nr_present = (uint32_t)mm_rng_below(&rng, MAX_RANGES + 1) };
	for (uint32_t i = 0; i < phys.nr_present; i++) {
		pfn += mm_rng_below(&rng, 2) * mm_rng_below(&rng, 1000);
		end = pfn + 1 + mm_rng_below(&rng, mm_rng_below(&rng, 2) ? 8 : MAX_RANGE_PAGES);
		present[i] = (struct mm_page_range){ (mm_pfn_t)pfn, (mm_pfn_t)end, (uint32_t)mm_rng_below(&rng, NR_NODES) };
		pfn = end;
	}
	zone = (struct mm_zone){ .phys = &phys, .node = (uint32_t)mm_rng_below(&rng, NR_NODES) };
	zone.start_pfn = (mm_pfn_t)mm_rng_below(&rng, pfn);
	zone.spanned_pages = 1 + mm_rng_below(&rng, pfn + 300 - zone.start_pfn);
	nr_frames = 0;
	for (uint64_t f = zone.start_pfn; f < zone.start_pfn + zone.spanned_pages; f++)
		for (uint32_t i = 0; i < phys.nr_present; i++)
			if (present[i].node == zone.node && f >= present[i].start_pfn && f < present[i].end_pfn)
				frames[nr_frames++] = f;
}

/* The oracle's frame that comes after @seen others. */
static uint64_t expected(enum mm_pfn_direction direction, size_t seen)
{
	ck_assert_uint_lt(seen, nr_frames);
	return frames[direction == MM_PFN_UP ? seen : nr_frames - 1 - seen];
}

/* All of [start, end) is what comes next; how many have been seen then. */
static size_t see(enum mm_pfn_direction direction, size_t seen, uint64_t start, uint64_t end)
{
	ck_assert_uint_lt(start, end);
	for (uint64_t i = 0; i < end - start; i++, seen++)
		ck_assert_uint_eq(expected(direction, seen), direction == MM_PFN_UP ? start + i : end - 1 - i);
	return seen;
}

START_TEST(ranges)
{
	make((uint64_t)_i);
	for (enum mm_pfn_direction d = MM_PFN_UP; d <= MM_PFN_DOWN; d++) {
		struct mm_pfn_walk w = mm_pfn_walk_zone(&zone, d);
		size_t seen = 0;

		while (mm_pfn_walk_range(&w))
			seen = see(d, seen, w.start, w.end);
		ck_assert_uint_eq(seen, nr_frames);
		ck_assert(!mm_pfn_walk_range(&w));
	}
}
END_TEST

START_TEST(pageblocks)
{
	make((uint64_t)_i);
	for (enum mm_pfn_direction d = MM_PFN_UP; d <= MM_PFN_DOWN; d++) {
		struct mm_pfn_walk w = mm_pfn_walk_zone(&zone, d);
		uint64_t start, end;
		size_t seen = 0;

		while (mm_pfn_walk_pageblock(&w, &start, &end)) {
			seen = see(d, seen, start, end);
			ck_assert_uint_eq(start / MM_PAGEBLOCK_NR_PAGES, (end - 1) / MM_PAGEBLOCK_NR_PAGES);
			/* it is as large as it can be: the next one is in another pageblock, or of another range */
			ck_assert((d == MM_PFN_UP ? end : start) % MM_PAGEBLOCK_NR_PAGES == 0 || w.start == w.end);
		}
		ck_assert_uint_eq(seen, nr_frames);
		ck_assert(!mm_pfn_walk_pageblock(&w, &start, &end));
	}
}
END_TEST

START_TEST(range_of_a_frame)
{
	make((uint64_t)_i);
	for (uint64_t f = 0; f <= (phys.nr_present ? present[phys.nr_present - 1].end_pfn : 0); f++) {
		const struct mm_page_range *r = mm_present_range(&phys, f);
		uint32_t i = 0;

		while (i < phys.nr_present && present[i].end_pfn <= f)
			i++;
		ck_assert_ptr_eq(r, i < phys.nr_present ? &present[i] : NULL);
	}
}
END_TEST

/* Whole ranges, pieces of them and what the caller takes off by itself, by turns. */
START_TEST(mixed)
{
	make((uint64_t)_i);
	for (enum mm_pfn_direction d = MM_PFN_UP; d <= MM_PFN_DOWN; d++) {
		struct mm_pfn_walk w = mm_pfn_walk_zone(&zone, d);
		uint64_t start, end, most;
		size_t seen = 0;

		for (;;) {
			most = 1 + mm_rng_below(&rng, 700);
			if (w.start < w.end && !mm_rng_below(&rng, 4)) {
				most = most < w.end - w.start ? most : w.end - w.start;
				seen += most;			/* not looked at */
				w.start += d == MM_PFN_UP ? most : 0;
				w.end -= d == MM_PFN_UP ? 0 : most;
			} else if (mm_rng_below(&rng, 2)) {
				if (!mm_pfn_walk_frames(&w, most, &start, &end))
					break;
				ck_assert_uint_le(end - start, most);
				ck_assert(end - start == most || w.start == w.end);
				seen = see(d, seen, start, end);
			} else {
				if (!mm_pfn_walk_pageblock(&w, &start, &end))
					break;
				seen = see(d, seen, start, end);
			}
		}
		ck_assert_uint_eq(seen, nr_frames);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("pfn_walk");
	TCase *t = tcase_create("pfn_walk");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, ranges, 0, 300);
	tcase_add_loop_test(t, pageblocks, 0, 300);
	tcase_add_loop_test(t, mixed, 0, 300);
	tcase_add_loop_test(t, range_of_a_frame, 0, 20);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? 1 : 0;
}
