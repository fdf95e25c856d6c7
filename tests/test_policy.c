/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Textbook policies: published strings and tables, and a naive oracle. */
#include <check.h>
#include <stdlib.h>

#include <libmm/policy.h>

static const uint64_t belady[] = { 1, 2, 3, 4, 1, 2, 5, 1, 2, 3, 4, 5 };
static const uint64_t silberschatz[] = { 7, 0, 1, 2, 0, 3, 0, 4, 2, 3, 0, 3, 2, 1, 2, 0, 1, 7, 0, 1 };
#define N(a) (sizeof(a) / sizeof((a)[0]))

static const struct published {
	const char *why;
	const uint64_t *refs;
	size_t n;
	enum mm_policy_kind kind;
	uint32_t frames;
	uint64_t faults;
} published[] = {
	{ "Belady, Nelson, Shedler 1969: fifo, 3 frames", belady, N(belady), MM_POLICY_FIFO, 3, 9 },
	{ "the same string, more frames and more faults", belady, N(belady), MM_POLICY_FIFO, 4, 10 },
	{ "lru has no such anomaly: 3 frames", belady, N(belady), MM_POLICY_LRU, 3, 10 },
	{ "and 4 frames", belady, N(belady), MM_POLICY_LRU, 4, 8 },
	{ "opt on it, 3 frames", belady, N(belady), MM_POLICY_OPT, 3, 7 },
	{ "opt on it, 4 frames", belady, N(belady), MM_POLICY_OPT, 4, 6 },
	{ "Silberschatz, Galvin, Gagne, Operating System Concepts: fifo", silberschatz, N(silberschatz), MM_POLICY_FIFO, 3, 15 },
	{ "the same, optimal", silberschatz, N(silberschatz), MM_POLICY_OPT, 3, 9 },
	{ "the same, lru", silberschatz, N(silberschatz), MM_POLICY_LRU, 3, 12 },
	{ "one frame faults at each change: all 20", silberschatz, N(silberschatz), MM_POLICY_LRU, 1, 20 },
	{ "as many frames as pages: one fault a page (6)", silberschatz, N(silberschatz), MM_POLICY_CLOCK, 6, 6 },
	{ "no references, no faults", silberschatz, 0, MM_POLICY_OPT, 3, 0 },
};

START_TEST(published_tables)
{
	const struct published *c = &published[_i];
	uint64_t faults = 12345;

	ck_assert_int_eq(mm_policy_run(c->kind, c->refs, c->n, c->frames, &faults), 0);
	ck_assert_msg(faults == c->faults, "%s: %llu faults, published %llu", c->why, (unsigned long long)faults,
		      (unsigned long long)c->faults);
}
END_TEST

/* The oracle keeps an array in the order of the policy and moves it by hand. */
static uint64_t naive(enum mm_policy_kind kind, const uint64_t *refs, size_t n, uint32_t frames)
{
	struct { uint64_t page; bool bit; } q[64];
	uint32_t nr = 0, k;
	uint64_t faults = 0;

	for (size_t i = 0; i < n; i++) {
		for (k = 0; k < nr && q[k].page != refs[i]; k++)
			;
		if (k < nr) {
			q[k].bit = true;
			if (kind == MM_POLICY_LRU)
				for (; k + 1 < nr; k++) {
					typeof(q[0]) t = q[k];

					q[k] = q[k + 1];
					q[k + 1] = t;
				}
			continue;
		}
		faults++;
		while (nr == frames) {
			typeof(q[0]) first = q[0];
			uint64_t latest = 0, out = 0;

			if (kind == MM_POLICY_OPT)	/* who is used again latest */
				for (uint32_t f = 0; f < nr; f++) {
					uint64_t at = i + 1;

					while (at < n && refs[at] != q[f].page)
						at++;
					if (at > latest) {
						latest = at;
						out = f;
					}
				}
			for (uint32_t f = (uint32_t)out; f + 1 < nr; f++)
				q[f] = q[f + 1];
			nr--;
			if (first.bit && (kind == MM_POLICY_CLOCK || kind == MM_POLICY_SECOND_CHANCE)) {
				first.bit = false;
				q[nr++] = first;
			}
		}
		q[nr].page = refs[i];
		q[nr++].bit = false;
	}
	return faults;
}

START_TEST(random_against_naive)
{
	unsigned int seed = (unsigned int)_i + 1;
	uint64_t refs[400], got = 0, opt = 0;

	for (int round = 0; round < 40; round++) {
		uint32_t frames = 1 + (uint32_t)rand_r(&seed) % 20, pages = 1 + (uint32_t)rand_r(&seed) % 40;

		for (size_t i = 0; i < N(refs); i++)
			refs[i] = (uint64_t)(rand_r(&seed) % (int)pages) << (rand_r(&seed) % 2 ? 0 : 40);
		for (int k = 0; k < MM_NR_POLICIES; k++) {
			ck_assert_int_eq(mm_policy_run((enum mm_policy_kind)k, refs, N(refs), frames, &got), 0);
			ck_assert_msg(got == naive((enum mm_policy_kind)k, refs, N(refs), frames),
				      "%s, seed %d, round %d",
				      mm_policy_word((enum mm_policy_kind)k), _i, round);
			if (k == MM_POLICY_OPT)
				opt = got;
		}
		for (int k = 0; k < MM_POLICY_OPT; k++) {
			ck_assert_int_eq(mm_policy_run((enum mm_policy_kind)k, refs, N(refs), frames, &got), 0);
			ck_assert_msg(opt <= got, "opt is not the least: %s", mm_policy_word((enum mm_policy_kind)k));
		}
	}
}
END_TEST

START_TEST(many_frames_stay_consistent)
{
	unsigned int seed = 7;
	struct mm_policy *p;

	for (int k = 0; k < MM_POLICY_OPT; k++) {
		ck_assert_int_eq(mm_policy_new(&p, (enum mm_policy_kind)k, 1000), 0);
		for (int i = 0; i < 20000; i++)
			ck_assert_int_ge(mm_policy_reference(p, (uint64_t)rand_r(&seed) % 3000), 0);
		ck_assert(mm_policy_is_consistent(p));
		mm_policy_free(p);
	}
}
END_TEST

START_TEST(bad_input)
{
	struct mm_policy *p = NULL;
	uint64_t faults;

	ck_assert_int_lt(mm_policy_new(&p, MM_POLICY_LRU, 0), 0);
	ck_assert_int_lt(mm_policy_new(&p, MM_POLICY_OPT, 3), 0);
	ck_assert_ptr_null(p);
	ck_assert_int_lt(mm_policy_run(MM_POLICY_OPT, belady, N(belady), 0, &faults), 0);
	ck_assert_int_eq(mm_policy_parse(MM_STR("second-chance")), MM_POLICY_SECOND_CHANCE);
	ck_assert_int_lt(mm_policy_parse(MM_STR("lr")), 0);
}
END_TEST

/* lru's faults by stack distance against lru itself, at every size, on strings with loops, jumps and many pages. */
START_TEST(mrc_is_lru)
{
	enum { N = 6000 };
	static const uint32_t sizes[] = { 1, 2, 3, 5, 17, 100, 999, 1000, 1001, 2500, 100000 };
	static uint64_t refs[N];
	struct mm_mrc *m;
	uint64_t x = (uint64_t)_i + 1;

	for (size_t i = 0; i < N; i++) {
		x = x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		refs[i] = _i == 0 ? i % 1000 : _i == 1 ? (x >> 33) % 3000 : (x >> 33) % ((x >> 60) * 200 + 1);
	}
	ck_assert_int_eq(mm_mrc_new(&m), 0);
	for (size_t i = 0; i < N; i++)
		ck_assert_int_eq(mm_mrc_reference(m, refs[i]), 0);
	ck_assert(mm_mrc_is_consistent(m));
	for (size_t k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++) {
		uint64_t faults;

		ck_assert_int_eq(mm_policy_run(MM_POLICY_LRU, refs, N, sizes[k], &faults), 0);
		ck_assert_uint_eq(mm_mrc_faults(m, sizes[k]), faults);
	}
	mm_mrc_free(m);
	mm_mrc_free(NULL);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("policy");
	TCase *tc = tcase_create("references");
	SRunner *sr = srunner_create(s);
	int failed;

	suite_add_tcase(s, tc);
	tcase_add_loop_test(tc, published_tables, 0, (int)N(published));
	tcase_add_loop_test(tc, random_against_naive, 0, 8);
	tcase_add_test(tc, many_frames_stay_consistent);
	tcase_add_test(tc, bad_input);
	tcase_add_loop_test(tc, mrc_is_lru, 0, 3);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
