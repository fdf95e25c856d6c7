/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The maple tree against a sorted array of ranges.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "virt/maple.h"

enum { MAX_RANGES = 200000 };

struct range {
	uint64_t first, last;
	void *entry;
};

/* The oracle: ranges in order, none touching another with the same index. */
static struct range *ranges;
static size_t nr_ranges;
static struct mm_maple_tree mt;
static const char *why = "";

static void setup(void)
{
	ranges = malloc(MAX_RANGES * sizeof(*ranges));
	nr_ranges = 0;
	mm_mt_init(&mt);
}

static void teardown(void)
{
	ck_assert_msg(mm_mt_is_consistent(&mt, &why), "%s", why);
	mm_mt_destroy(&mt);
	free(ranges);
}

/* First range whose last is at or above @index. */
static size_t lower(uint64_t index)
{
	size_t lo = 0, hi = nr_ranges;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (ranges[mid].last < index)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static void oracle_store(uint64_t first, uint64_t last, void *entry)
{
	size_t i = lower(first), j = i, n = 0;
	struct range add[3];

	while (j < nr_ranges && ranges[j].first <= last)
		j++;
	if (i < j && ranges[i].first < first)
		add[n++] = (struct range){ ranges[i].first, first - 1, ranges[i].entry };
	if (entry)
		add[n++] = (struct range){ first, last, entry };
	if (i < j && ranges[j - 1].last > last)
		add[n++] = (struct range){ last + 1, ranges[j - 1].last, ranges[j - 1].entry };
	memmove(&ranges[i + n], &ranges[j], (nr_ranges - j) * sizeof(*ranges));
	memcpy(&ranges[i], add, n * sizeof(*add));
	nr_ranges = nr_ranges - (j - i) + n;
}

static bool oracle_gap(uint64_t min, uint64_t max, uint64_t size, bool highest, uint64_t *at)
{
	bool found = false;

	for (size_t i = 0; i <= nr_ranges; i++) {
		uint64_t first = i ? ranges[i - 1].last + 1 : 0;
		uint64_t last = i < nr_ranges ? ranges[i].first - 1 : UINT64_MAX;

		if ((i && ranges[i - 1].last == UINT64_MAX) || (i < nr_ranges && !ranges[i].first))
			continue;
		first = first < min ? min : first;
		last = last > max ? max : last;
		if (first > last || last - first < size - 1)
			continue;
		*at = highest ? last - size + 1 : first;
		found = true;
		if (!highest)
			break;
	}
	return found;
}

static void check_gaps(struct mm_rng *rng, uint64_t span)
{
	MM_MA_STATE(mas, &mt, 0, 0);
	uint64_t min = mm_rng_below(rng, span), max = min + mm_rng_below(rng, span);
	uint64_t size = 1 + mm_rng_below(rng, mm_rng_below(rng, 2) ? 8 : 300), want;
	bool highest = mm_rng_below(rng, 2), found;
	int e = highest ? mm_mas_empty_area_rev(&mas, min, max, size) : mm_mas_empty_area(&mas, min, max, size);

	if (size - 1 > max - min) {
		ck_assert_int_eq(e, -EINVAL);
		return;
	}
	found = oracle_gap(min, max, size, highest, &want);
	ck_assert_int_eq(e, found ? 0 : -EBUSY);
	if (found) {
		ck_assert_uint_eq(mas.index, want);
		ck_assert_uint_eq(mas.last, want + size - 1);
	}
}

static void check_lookups(struct mm_rng *rng, uint64_t span)
{
	uint64_t index = mm_rng_below(rng, span + 20);
	size_t i = lower(index), p = index ? lower(index - 1) : 0;
	void *here = i < nr_ranges && ranges[i].first <= index ? ranges[i].entry : NULL;
	void *prev = NULL, *before;

	for (; index && p != SIZE_MAX && !prev; p--)
		if (p < nr_ranges && ranges[p].last < index)
			prev = ranges[p].entry;
	ck_assert_ptr_eq(mm_mtree_load(&mt, index), here);
	ck_assert_ptr_eq(mm_mt_find(&mt, index, UINT64_MAX), i < nr_ranges ? ranges[i].entry : NULL);
	ck_assert_ptr_eq(mm_mt_find(&mt, index, index + 5),
			 i < nr_ranges && ranges[i].first <= index + 5 ? ranges[i].entry : NULL);
	ck_assert_ptr_eq(mm_mt_prev(&mt, index), prev);
	ck_assert_ptr_eq(mm_mt_find_prev(&mt, index, &before), i < nr_ranges ? ranges[i].entry : NULL);
	ck_assert_ptr_eq(before, i ? ranges[i - 1].entry : NULL);
}

static void check_order(void)
{
	MM_MA_STATE(mas, &mt, 0, 0);
	void *entry = mm_mas_find(&mas, UINT64_MAX);
	size_t i = 0;

	for (; entry; entry = mm_mas_next(&mas, UINT64_MAX), i++) {
		ck_assert_uint_lt(i, nr_ranges);
		ck_assert_ptr_eq(entry, ranges[i].entry);
		ck_assert_uint_eq(mas.index, ranges[i].first);
		ck_assert_uint_eq(mas.last, ranges[i].last);
	}
	ck_assert_uint_eq(i, nr_ranges);
	mm_mas_set(&mas, UINT64_MAX);
	mm_mas_walk(&mas);
	if (nr_ranges && ranges[nr_ranges - 1].last == UINT64_MAX)
		i--;
	while ((entry = mm_mas_prev(&mas, 0))) {
		ck_assert_uint_gt(i, 0);
		ck_assert_ptr_eq(entry, ranges[--i].entry);
	}
	ck_assert_uint_eq(i, 0);
}

/* Random stores on a small span (much overlap) and on a large one (many nodes); wide clears span many leaves. */
static const struct {
	uint64_t span, widest;
	int steps, clear_of_8;
} loads[] = {
	{ 64, 20, 2000, 3 },		/* all in one or two leaves */
	{ 4000, 30, 3000, 3 },		/* a tree of two or three levels, split and joined */
	{ 4000, 1500, 1500, 4 },	/* stores that span many leaves */
	{ 100000, 60, 4000, 1 },	/* grows */
	{ 100000, 60000, 1500, 5 },	/* shrinks to little, again and again */
};

START_TEST(random_stores)
{
	struct mm_rng rng = { 1000u + (uint64_t)_i };

	for (int k = 0; k < loads[_i].steps; k++) {
		uint64_t first = mm_rng_below(&rng, loads[_i].span);
		uint64_t wide = mm_rng_below(&rng, 20) ? 40 : loads[_i].widest;
		uint64_t last = first + mm_rng_below(&rng, wide);
		bool clear = mm_rng_below(&rng, 8) < (uint64_t)loads[_i].clear_of_8;
		void *entry = clear ? NULL : (void *)(uintptr_t)(0x1000 + 8 * k);

		oracle_store(first, last, entry);
		ck_assert_int_eq(mm_mtree_store_range(&mt, first, last, entry), 0);
		ck_assert_msg(mm_mt_is_consistent(&mt, &why), "step %d: %s", k, why);
		check_lookups(&rng, loads[_i].span);
		check_gaps(&rng, loads[_i].span);
		if (k % 64 == 0)
			check_order();
	}
	check_order();
}
END_TEST

START_TEST(grows_and_goes)
{
	enum { N = 30000 };

	for (uint64_t i = 0; i < N; i++)	/* in order, with gaps */
		ck_assert_int_eq(mm_mtree_store_range(&mt, i * 16, i * 16 + 7, (void *)(uintptr_t)(i + 1)), 0);
	ck_assert(mm_mt_is_consistent(&mt, &why));
	for (uint64_t i = 0; i < N; i++)
		ck_assert_uint_eq((uintptr_t)mm_mtree_load(&mt, i * 16 + 3), i + 1);
	for (uint64_t i = 0; i < N; i += 2)
		ck_assert_int_eq(mm_mtree_store_range(&mt, i * 16, i * 16 + 7, NULL), 0);
	ck_assert(mm_mt_is_consistent(&mt, &why));
	ck_assert_int_eq(mm_mtree_store_range(&mt, 0, UINT64_MAX, NULL), 0);	/* one clear spans all */
	ck_assert_ptr_null(mt.ma_root);
	ck_assert_uint_eq(mt.nr_nodes, 0);
}
END_TEST

START_TEST(edges)
{
	MM_MA_STATE(mas, &mt, 0, 0);
	int x;

	ck_assert_int_eq(mm_mtree_store_range(&mt, 5, 4, &x), -EINVAL);
	ck_assert_int_eq(mm_mas_empty_area(&mas, 0, UINT64_MAX, 0), -EINVAL);
	ck_assert_int_eq(mm_mas_empty_area_rev(&mas, 0, UINT64_MAX, 1), 0);
	ck_assert_uint_eq(mas.last, UINT64_MAX);
	ck_assert_ptr_null(mm_mt_prev(&mt, 0));
	ck_assert_ptr_null(mm_mas_next(&mas, UINT64_MAX));
	ck_assert_int_eq(mm_mtree_store_range(&mt, 0, UINT64_MAX, &x), 0);
	ck_assert_ptr_eq(mm_mtree_load(&mt, UINT64_MAX), &x);
	ck_assert_int_eq(mm_mas_empty_area(&mas, 0, UINT64_MAX, 1), -EBUSY);
	ck_assert_int_eq(mm_mtree_store_range(&mt, 0, 0, NULL), 0);
	ck_assert_int_eq(mm_mtree_store_range(&mt, UINT64_MAX, UINT64_MAX, NULL), 0);
	ck_assert_ptr_null(mm_mtree_load(&mt, 0));
	ck_assert_ptr_eq(mm_mtree_load(&mt, 1), &x);
	ck_assert_ptr_eq(mm_mt_prev(&mt, UINT64_MAX), &x);
	ck_assert_ptr_null(mm_mt_find(&mt, UINT64_MAX, UINT64_MAX));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("maple");
	TCase *t = tcase_create("maple");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, random_stores, 0, (int)(sizeof(loads) / sizeof(loads[0])));
	tcase_add_test(t, grows_and_goes);
	tcase_add_test(t, edges);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? 1 : 0;
}
