/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * MGLRU's LRU of memcgs against a naive one: each memcg is a record of generation, bin, kind of its last move and a number that
 * orders its bin; "first" is the smallest number, "last" the greatest. Then what global reclaim makes of memcgs that are
 * empty, protected or large, by hand.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "small_cache.h"

enum { MAX_MEMCGS = 40, STEPS = 20000 };

static struct record {
	bool in;
	uint64_t gen;			/* not modulo anything */
	unsigned int bin;
	enum mm_memcg_lru_op seg;
	int64_t place;
} records[MAX_MEMCGS];
static uint64_t seq;
static int64_t ends;			/* every new place at an end is one further out */

static struct mm_lruvec *lruvec(uint32_t i) { return cache->memcgs[i]->lruvec[0]; }

static void naive_put(struct record *r, uint64_t gen, unsigned int bin, bool head)
{
	*r = (struct record){ .in = true, .gen = gen, .bin = bin, .seg = r->seg, .place = head ? -++ends : ++ends };
}

static void naive_advance(void)
{
	for (uint32_t i = 0; i < cache->nr_memcgs; i++)
		if (records[i].in && records[i].gen == seq)
			return;
	seq++;
}

static void naive_rotate(struct record *r, enum mm_memcg_lru_op op, unsigned int bin)
{
	uint64_t old = r->gen;

	r->seg = op == MM_MEMCG_LRU_HEAD || op == MM_MEMCG_LRU_TAIL ? op : MM_MEMCG_LRU_NOP;
	naive_put(r, op == MM_MEMCG_LRU_OLD ? seq : op == MM_MEMCG_LRU_YOUNG ? seq + 1 : r->gen, bin,
		  op == MM_MEMCG_LRU_HEAD || op == MM_MEMCG_LRU_OLD);
	if (old == seq)
		naive_advance();
}

/* Every bin holds what the records say, in the order of their places. */
static void compare(void)
{
	uint32_t seen = 0, in = 0;

	ck_assert_uint_eq(cache->memcg_lru[0].seq, seq);
	for (uint64_t gen = seq; gen < seq + 2; gen++)
		for (unsigned int bin = 0; bin < MM_MEMCG_NR_BINS; bin++) {
			int64_t before = INT64_MIN;

			for (struct mm_lruvec *v = cache->memcg_lru[0].fifo[gen % 3][bin].first; v; v = v->memcg_lru.next) {
				const struct record *r = &records[v->memcg->id - 1];

				ck_assert(r->in && r->gen == gen && r->bin == bin && r->place > before);
				ck_assert_uint_eq(v->memcg_lru.seg, r->seg);
				before = r->place;
				ck_assert_uint_lt(seen++, MAX_MEMCGS);
			}
		}
	for (uint32_t i = 0; i < cache->nr_memcgs; i++)
		in += records[i].in;
	ck_assert_uint_eq(seen, in);
	ck_assert(mm_memcg_lru_is_consistent(cache));
}

static unsigned int next_bin(void)
{
	struct mm_lru_gen_memcg copy = cache->memcg_lru[0];

	return mm_memcg_lru_random_bin(&copy);
}

static void one_step(struct mm_rng *rng)
{
	uint32_t i = (uint32_t)mm_rng_below(rng, cache->nr_memcgs);
	struct record *r = &records[i];
	uint64_t what = mm_rng_below(rng, 100);
	unsigned int bin = next_bin();
	struct mm_memcg *m;

	if (what < 5 && cache->nr_memcgs < MAX_MEMCGS) {
		r = &records[cache->nr_memcgs];
		ck_assert_int_eq(mm_memcg_new(cache, NULL, MM_STR("x"), &m), 0);
		naive_put(r, seq, bin, false);
	} else if (what < 15 && r->in) {
		mm_lru_gen_rotate_memcg(cache, cache->memcgs[i]->lruvec[0], MM_MEMCG_LRU_HEAD);
		naive_rotate(r, MM_MEMCG_LRU_HEAD, bin);
	} else if (what < 25 && r->in) {
		mm_lru_gen_offline_memcg(cache, cache->memcgs[i]);
		naive_rotate(r, MM_MEMCG_LRU_OLD, bin);
	} else if (what < 26 && i) {
		bool was_old = r->in && r->gen == seq;

		mm_lru_gen_release_memcg(cache, cache->memcgs[i]);
		r->in = false;
		if (was_old)
			naive_advance();
	} else if (r->in) {
		enum mm_memcg_lru_op op = (enum mm_memcg_lru_op)(1 + mm_rng_below(rng, 4));

		mm_lru_gen_rotate_memcg(cache, lruvec(i), op);
		naive_rotate(r, op, bin);
	}
}

START_TEST(test_rotations)
{
	struct mm_rng rng = { (uint64_t)_i * 7919 + 1 };

	small_cache_new(4096, 0);
	memset(records, 0, sizeof(records));
	seq = 0;
	naive_put(&records[0], 0, lruvec(0)->memcg_lru.bin, false);
	compare();
	for (int n = 0; n < STEPS; n++) {
		one_step(&rng);
		compare();
	}
	ck_assert_uint_gt(seq, 10);		/* the old generation did run out */
	small_cache_free();
}
END_TEST

/* Of 8 bins each is drawn: 4000 draws leave none below 400 (500 on average, sigma 21). */
START_TEST(test_bins_are_random)
{
	unsigned int n[MM_MEMCG_NR_BINS] = { 0 };

	small_cache_new(4096, 0);
	for (int i = 0; i < 4000; i++)
		n[mm_memcg_lru_random_bin(&cache->memcg_lru[0])]++;
	for (int i = 0; i < MM_MEMCG_NR_BINS; i++)
		ck_assert_uint_gt(n[i], 400);
	small_cache_free();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("memcg_lru");
	TCase *tc = tcase_create("rotations");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_loop_test(tc, test_rotations, 0, 4);
	tcase_add_test(tc, test_bins_are_random);
	tcase_set_timeout(tc, 60);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
