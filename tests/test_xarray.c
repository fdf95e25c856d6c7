/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sparse array against a flat list of pairs. */
#include <check.h>
#include <stdlib.h>

#include "base/xarray.h"

enum { MAX = 512 };
static struct mm_xarray xa;
static struct { uint64_t index, value; } flat[MAX];
static int nr;

static void setup(void) { xa = (struct mm_xarray){ 0 }; nr = 0; }
static void teardown(void) { ck_assert(mm_xa_is_consistent(&xa)); mm_xa_destroy(&xa); }

static int flat_find(uint64_t index)
{
	int i = 0;

	while (i < nr && flat[i].index != index)
		i++;
	return i;
}

START_TEST(random_against_flat)
{
	unsigned int seed = (unsigned int)_i + 1;

	for (int step = 0; step < 20000; step++) {
		/* small, middle and huge indices, so that the tree grows and shrinks */
		uint64_t index = (uint64_t)(rand_r(&seed) % 300) << (rand_r(&seed) % 8 * 8),
			value = (uint64_t)rand_r(&seed) + 1, old = 7;
		int at = flat_find(index);

		if (rand_r(&seed) % 3 && nr < MAX) {
			ck_assert_int_eq(mm_xa_store(&xa, index, value, &old), 0);
			ck_assert_uint_eq(old, at < nr ? flat[at].value : 0);
			flat[at].index = index;
			flat[at].value = value;
			nr += at == nr;
		} else {
			ck_assert_int_eq(mm_xa_store(&xa, index, 0, &old), 0);
			ck_assert_uint_eq(old, at < nr ? flat[at].value : 0);
			if (at < nr)
				flat[at] = flat[--nr];
		}
		at = flat_find(index);
		ck_assert_uint_eq(mm_xa_load(&xa, index), at < nr ? flat[at].value : 0);
		if (step % 500 == 0)
			ck_assert(mm_xa_is_consistent(&xa));
	}
	while (nr) {
		ck_assert_int_eq(mm_xa_store(&xa, flat[nr - 1].index, 0, NULL), 0);
		nr--;
	}
	ck_assert_uint_eq(xa.nr_nodes, 0);	/* nothing left: no node either */
}
END_TEST

/* Nodes that hold values alone: the tree tells of each, and no other, against a recount of the 64 entries around each index. */
enum { SPAN = 64 * 40 };
static struct mm_xa_link *listed[SPAN / 64 + 1];

static struct mm_xa_obj lend(void *arg, const struct mm_xarray *tree)
{
	(void)arg, (void)tree;
	return (struct mm_xa_obj){ 1, NULL };
}

static void take_back(void *arg, struct mm_xa_obj obj) { (void)arg, (void)obj; }

static void told(void *arg, struct mm_xa_link *link)
{
	(void)arg;
	if (link->index >= SPAN || link->index % 64 || link->only_values != !listed[link->index / 64])
		ck_abort_msg("told twice, or of a wrong node: %u", (unsigned int)link->index);
	listed[link->index / 64] = link->only_values ? link : NULL;
}

static void recount_listed(const uint64_t *plain)
{
	for (unsigned int n = 0; n < SPAN / 64; n++) {
		unsigned int entries = 0, values = 0;

		for (unsigned int s = 0; s < 64; s++) {
			entries += plain[n * 64 + s] != 0;
			values += (plain[n * 64 + s] & MM_XA_VALUE) != 0;
			entries += mm_xa_load(&xa, n * 64 + s) != plain[n * 64 + s] ? 1000 : 0;
		}
		if (entries > 64 || (listed[n] != NULL) != (entries && entries == values))
			ck_abort_msg("node %u: %u entries, %u values", n, entries, values);
	}
}

START_TEST(nodes_of_values)
{
	static const struct mm_xa_nodes nodes = { NULL, lend, take_back, told };
	static uint64_t plain[SPAN];
	unsigned int seed = (unsigned int)_i + 77;

	for (unsigned int i = 0; i < SPAN; i++)
		plain[i] = 0;
	for (unsigned int i = 0; i <= SPAN / 64; i++)
		listed[i] = NULL;
	xa.nodes = &nodes;
	for (int step = 0; step < 30000; step++) {
		unsigned int index = (unsigned int)rand_r(&seed) % SPAN, n = index / 64, what = (unsigned int)rand_r(&seed) % 100;

		if (what < 3 && listed[n]) {
			mm_xa_delete_node(listed[n]);
			for (unsigned int s = 0; s < 64; s++)
				plain[n * 64 + s] = 0;
		} else {	/* by turns more values and more other entries */
			plain[index] = what < 30 ? 0 : step / 1000 % 2 && what < 60 ? 5 : MM_XA_VALUE | what;
			mm_xa_store(&xa, index, plain[index], NULL);
		}
		if (step % 97 == 0) {
			recount_listed(plain);
			ck_assert(mm_xa_is_consistent(&xa));
		}
	}
	for (unsigned int i = 0; i < SPAN; i++)
		mm_xa_store(&xa, i, 0, NULL);
	for (unsigned int n = 0; n < SPAN / 64; n++)
		ck_assert(!listed[n]);
	ck_assert_uint_eq(xa.nr_nodes, 0);
	/* a value of order 9 is eight entries of one node; a single one beside it is of a leaf below */
	ck_assert_int_eq(mm_xa_store_order(&xa, 512, 9, MM_XA_VALUE | 1), 0);
	ck_assert(listed[0]);
	ck_assert_int_eq(mm_xa_store(&xa, 64, 5, NULL), 0);
	ck_assert(!listed[0] && !listed[1]);
	ck_assert_int_eq(mm_xa_store(&xa, 64, 0, NULL), 0);
	ck_assert(listed[0]);
	mm_xa_delete_node(listed[0]);
	ck_assert(!listed[0] && xa.nr_nodes == 0 && !mm_xa_load(&xa, 600));
}
END_TEST

/* Values of order 9 among single ones, beside a list of 16 x 512 values and who stands there whole. */
START_TEST(orders_against_flat)
{
	enum { ORDER = 9, NR = 1 << ORDER, BLOCKS = 16 };
	static uint64_t all[BLOCKS * NR];
	bool whole[BLOCKS] = { false };
	unsigned int seed = (unsigned int)_i + 1;
	/* not only at the beginning of the tree: the last blocks lie far away */
	uint64_t far = _i % 2 ? UINT64_C(1) << 30 : 0;

	for (size_t i = 0; i < BLOCKS * NR; i++)
		all[i] = 0;
	for (int step = 0; step < 5000; step++) {
		unsigned int b = (unsigned int)rand_r(&seed) % BLOCKS, k = (unsigned int)rand_r(&seed) % NR,
			what = (unsigned int)rand_r(&seed) % 8;
		uint64_t base = b * (uint64_t)NR + (b >= BLOCKS / 2 ? far : 0), *flat_b = all + b * NR, i, v;
		uint64_t value = (uint64_t)rand_r(&seed) + 1;

		if (what == 0 || (what == 1 && whole[b])) {		/* whole, over what is there, or erased */
			value = what ? 0 : value;
			ck_assert_int_eq(mm_xa_store_order(&xa, base, ORDER, value), 0);
			for (unsigned int n = 0; n < NR; n++)
				flat_b[n] = value;
			whole[b] = value != 0;
		} else if (what == 2 && whole[b]) {
			ck_assert_int_eq(mm_xa_split(&xa, base, ORDER, b % 2), 0);
			for (unsigned int n = 0; n < NR; n++)
				flat_b[n] += n * (b % 2);
			whole[b] = false;
		} else if (!whole[b]) {
			value = what < 5 ? 0 : value;
			ck_assert_int_eq(mm_xa_store(&xa, base + k, value, NULL), 0);
			flat_b[k] = value;
		}
		ck_assert_uint_eq(mm_xa_load(&xa, base + k), flat_b[k]);
		ck_assert_int_eq(mm_xa_is_whole(&xa, base + k), whole[b]);
		i = base + k;
		for (unsigned int n = k; n < NR; n++)
			if (flat_b[n]) {
				ck_assert(mm_xa_find(&xa, &i, &v));
				ck_assert_uint_eq(i, base + n);
				ck_assert_uint_eq(v, flat_b[n]);
				break;
			}
		if (step % 50 == 0)
			ck_assert(mm_xa_is_consistent(&xa));
	}
}
END_TEST

/* Nodes by hand: 512 indices from 0 are a root and 8 leaves; one value for them all is the root alone. */
START_TEST(nodes_of_an_order)
{
	for (uint64_t i = 0; i < 512; i++)
		ck_assert_int_eq(mm_xa_store(&xa, i, i + 1, NULL), 0);
	ck_assert_uint_eq(xa.nr_nodes, 9);
	ck_assert_int_eq(mm_xa_store_order(&xa, 0, 9, 5), 0);
	ck_assert_uint_eq(xa.nr_nodes, 1);
	ck_assert_int_eq(mm_xa_split(&xa, 0, 9, 1), 0);
	ck_assert_uint_eq(xa.nr_nodes, 9);
	ck_assert_uint_eq(mm_xa_load(&xa, 511), 5 + 511);
	ck_assert_int_eq(mm_xa_store_order(&xa, 0, 9, 0), 0);
	ck_assert_uint_eq(xa.nr_nodes, 0);
}
END_TEST

START_TEST(find_in_order)
{
	static const uint64_t at[] = { 0, 1, 63, 64, 4095, 4096, UINT64_C(1) << 40, UINT64_MAX };
	uint64_t i = 0, v;
	size_t k = 0;

	for (size_t n = sizeof(at) / sizeof(at[0]); n-- > 0; )
		ck_assert_int_eq(mm_xa_store(&xa, at[n], n + 1, NULL), 0);
	for (; mm_xa_find(&xa, &i, &v); i++, k++) {
		ck_assert_uint_eq(i, at[k]);
		ck_assert_uint_eq(v, k + 1);
		if (i == UINT64_MAX) {
			k++;
			break;
		}
	}
	ck_assert_uint_eq(k, sizeof(at) / sizeof(at[0]));
}
END_TEST

START_TEST(empty)
{
	uint64_t i = 5, v = 9, old = 1;

	ck_assert_uint_eq(mm_xa_load(&xa, 0), 0);
	ck_assert(!mm_xa_find(&xa, &i, &v));
	ck_assert_uint_eq(i, 5);
	ck_assert_uint_eq(v, 9);
	ck_assert_int_eq(mm_xa_store(&xa, 3, 0, &old), 0);
	ck_assert_uint_eq(old, 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("xarray");
	TCase *tc = tcase_create("tree");
	SRunner *sr = srunner_create(s);
	int failed;

	suite_add_tcase(s, tc);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, nodes_of_values, 0, 3);
	tcase_add_loop_test(tc, random_against_flat, 0, 6);
	tcase_add_loop_test(tc, orders_against_flat, 0, 4);
	tcase_add_test(tc, nodes_of_an_order);
	tcase_add_test(tc, find_in_order);
	tcase_add_test(tc, empty);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
