/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The interval tree against a list of intervals in the order of their starts, equal ones in the order they came.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/interval_tree.h"
#include "base/rng.h"

enum { MAX = 600 };

static struct mm_interval_root root;
static struct mm_interval_node *list[MAX];	/* the oracle: all that are in, in order */
static size_t nr;

static void setup(void)
{
	root = (struct mm_interval_root){ NULL };
	nr = 0;
}

static void teardown(void)
{
	ck_assert(mm_interval_tree_is_consistent(&root));
	while (nr)
		free(list[--nr]);
}

static void put_at(size_t i, struct mm_interval_node *n)
{
	memmove(&list[i + 1], &list[i], (nr - i) * sizeof(list[0]));
	list[i] = n;
	nr++;
}

static void add(uint64_t start, uint64_t last)
{
	struct mm_interval_node *n = malloc(sizeof(*n));
	size_t i = 0;

	ck_assert_ptr_nonnull(n);
	mm_interval_tree_insert(&root, n, start, last);
	while (i < nr && list[i]->start <= start)
		i++;
	put_at(i, n);
}

static void add_after(size_t i, uint64_t last)
{
	struct mm_interval_node *n = malloc(sizeof(*n));

	ck_assert_ptr_nonnull(n);
	mm_interval_tree_insert_after(&root, n, list[i], last);
	put_at(i + 1, n);
}

static void drop(size_t i)
{
	mm_interval_tree_remove(&root, list[i]);
	free(list[i]);
	memmove(&list[i], &list[i + 1], (--nr - i) * sizeof(list[0]));
}

/* Every interval that meets [start, last], in order, and no other. */
static void ask(uint64_t start, uint64_t last)
{
	struct mm_interval_node *n = mm_interval_tree_iter_first(&root, start, last);

	for (size_t i = 0; i < nr; i++) {
		if (list[i]->start > last || list[i]->last < start)
			continue;
		ck_assert_ptr_eq(n, list[i]);
		n = mm_interval_tree_iter_next(n, start, last);
	}
	ck_assert_ptr_null(n);
}

/* Few starts (many equal ones) and many; short intervals and some that cover nearly all. */
static const struct {
	uint64_t span, wide;
	uint32_t keep;
} loads[] = {
	{ 4, 3, 40 }, { 60, 10, 30 }, { 1000, 20, 300 }, { 1000, 900, 300 },
};

START_TEST(random_changes)
{
	struct mm_rng rng = { 7u + (uint64_t)_i };
	uint64_t span = loads[_i].span;

	for (int k = 0; k < 6000; k++) {
		uint64_t start = mm_rng_below(&rng, span), last = start + mm_rng_below(&rng, loads[_i].wide);

		if (nr && mm_rng_below(&rng, 2 * loads[_i].keep) < nr)
			drop(mm_rng_below(&rng, nr));
		else if (nr && nr < MAX - 1 && !mm_rng_below(&rng, 4))
			add_after(mm_rng_below(&rng, nr), UINT64_MAX - last);
		else if (nr < MAX - 1)
			add(start, last);
		ck_assert_msg(mm_interval_tree_is_consistent(&root), "step %d", k);
		if (k % 8 == 0) {
			uint64_t from = mm_rng_below(&rng, span);

			ask(from, from);
			ask(from, from + mm_rng_below(&rng, 30));
		}
	}
	ask(0, UINT64_MAX);
	while (nr) {
		drop(mm_rng_below(&rng, nr));
		ck_assert(mm_interval_tree_is_consistent(&root));
	}
	ck_assert_ptr_null(root.node);
}
END_TEST

START_TEST(edges)
{
	ask(0, UINT64_MAX);		/* nothing there */
	add(0, UINT64_MAX);
	add(UINT64_MAX, UINT64_MAX);
	add(0, 0);
	ask(0, 0);
	ask(UINT64_MAX, UINT64_MAX);
	ask(5, 6);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("interval tree");
	TCase *t = tcase_create("interval tree");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, random_changes, 0, (int)(sizeof(loads) / sizeof(loads[0])));
	tcase_add_test(t, edges);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? 1 : 0;
}
