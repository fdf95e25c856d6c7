/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random operations of every allocator and debug setting against a map of the bytes in use: each object lies in RAM,
 * is aligned, disjoint from all others, and when all are freed no page is held.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "slab_test.h"

enum { MAX_LIVE = 8000, STEPS = 200000, NR_CACHES = 7 };
static struct mm_kmem_cache *cache[NR_CACHES];
static uint8_t used[(1024 + 16384) * 512];		/* by word of RAM */
static struct live {
	uint64_t obj, size;
	struct mm_kmem_cache *cache;			/* NULL: kmalloc */
} live[MAX_LIVE];

static void mark(const struct live *l, uint8_t to)
{
	uint64_t from = (l->obj - MM_PAGE_OFFSET) / 8, end = (l->obj + l->size - MM_PAGE_OFFSET + 7) / 8;

	if (l->obj < MM_PAGE_OFFSET || end > sizeof(used))
		ck_abort_msg("no page at %#lx", (unsigned long)l->obj);
	for (uint64_t w = from; w < end; w++) {
		if (used[w] == to)
			ck_abort_msg("overlap at %#lx of %lu bytes", (unsigned long)l->obj, (unsigned long)l->size);
		used[w] = to;
	}
}

static const uint32_t sizes[NR_CACHES] = { 8, 56, 104, 192, 700, 1160, 5000 };
static const uint32_t aligns[NR_CACHES] = { 0, 0, 0, 64, 0, 128, 0 };

static void random_alloc(struct mm_rng *rng, unsigned int n)
{
	unsigned int pick = (unsigned int)mm_rng_below(rng, NR_CACHES + 3);
	struct live *l = &live[n];
	uint32_t align = 8;

	if (pick < NR_CACHES) {
		*l = (struct live){ .size = sizes[pick], .cache = cache[pick] };
		l->obj = mm_kmem_cache_alloc(cache[pick], GFP);
		align = aligns[pick] ? aligns[pick] : 8;
	} else {
		*l = (struct live){ .size = 1 + mm_rng_below(rng, pick == NR_CACHES ? 20000 : 600) };
		l->obj = mm_kmalloc(sl, l->size, pick & 1 ? GFP : GFP | __MM_GFP_ACCOUNT);
		if (mm_ksize(sl, l->obj) < l->size)
			ck_abort_msg("%lu bytes hold less", (unsigned long)l->size);
	}
	if (!l->obj || l->obj & (align - 1))
		ck_abort_msg("no object of %lu bytes, or one at %#lx", (unsigned long)l->size, (unsigned long)l->obj);
	mark(l, 1);
}

static const struct random_case {
	enum mm_slab_kind kind;
	uint32_t nr_cpus, debug;
	bool random;
} random_cases[] = {
	{ MM_SLAB_SLUB, 1, 0, false }, { MM_SLAB_SLUB, 4, 0, false }, { MM_SLAB_SLUB, 4, 0, true },
	{ MM_SLAB_SLUB, 2, MM_SLAB_RED_ZONE, false }, { MM_SLAB_SLUB, 2, MM_SLAB_POISON | MM_SLAB_RED_ZONE, true },
	{ MM_SLAB_SLUB, 2, MM_SLAB_DEBUG_FLAGS, false },
	{ MM_SLAB_SLAB, 1, 0, false }, { MM_SLAB_SLAB, 4, 0, true }, { MM_SLAB_SLAB, 2, MM_SLAB_RED_ZONE | MM_SLAB_STORE_USER, false },
	{ MM_SLAB_SLOB, 1, 0, false },
};
START_TEST(random_operations)
{
	const struct random_case *c = &random_cases[_i];
	struct mm_slab_tuning t;
	struct mm_rng rng = { (uint64_t)_i + 77 };
	unsigned int n = 0;
	char name[8];

	start(c->kind, c->nr_cpus);
	mm_slab_tuning_init(&t, NULL);
	t.debug = c->debug;
	t.debug_slab = c->debug != 0;
	t.freelist_random = c->random;
	ck_assert_int_eq(mm_slab_tune(sl, &t), 0);
	memset(used, 0, sizeof(used));
	for (int i = 0; i < NR_CACHES; i++) {
		snprintf(name, sizeof(name), "c%d", i);
		cache[i] = mm_kmem_cache_create(sl, name, sizes[i], aligns[i],
						i == 4 ? MM_SLAB_RECLAIM_ACCOUNT : i == 2 ? MM_SLAB_CTOR : 0);
		ck_assert_ptr_nonnull(cache[i]);
	}
	for (int step = 0; step < STEPS; step++) {
		phys->ctx.cpu = (uint32_t)mm_rng_below(&rng, c->nr_cpus);
		phys->ctx.now_ns += 1000000;
		/* the target grows and shrinks, so that slabs fill and empty */
		if (n < MAX_LIVE && mm_rng_below(&rng, 100) < (step / 20000 & 1 ? 30 : 70)) {
			random_alloc(&rng, n++);
		} else if (n) {
			unsigned int v = (unsigned int)mm_rng_below(&rng, n);

			mark(&live[v], 0);
			if (live[v].cache && (v & 1 || c->kind == MM_SLAB_SLOB))
				mm_kmem_cache_free(live[v].cache, live[v].obj);
			else
				mm_kfree(sl, live[v].obj);
			live[v] = live[--n];
		}
		if (step % 2000 == 0)
			mm_slab_reap(sl);
		if (step % 50000 == 0)
			check_all();
	}
	ck_assert_uint_eq(mm_slab_bad_frees(sl), 0);
	while (n-- > 0)
		if (live[n].cache)
			mm_kmem_cache_free(live[n].cache, live[n].obj);
		else
			mm_kfree(sl, live[n].obj);
	while (mm_slab_shrink_all(sl))		/* again, as index arrays of one cache are objects of another */
		;
	ck_assert_int_eq(counted_pages(), 0);		/* nothing leaks */
	stop();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("slab_random");
	TCase *tc = tcase_create("slab_random");
	SRunner *sr = srunner_create(suite);
	int failed;

#define LOOP(test, v) tcase_add_loop_test(tc, test, 0, (int)(sizeof(v) / sizeof((v)[0])))
	tcase_set_timeout(tc, 60);
	suite_add_tcase(suite, tc);
	LOOP(random_operations, random_cases);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
