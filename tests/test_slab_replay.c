/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Slab events of a trace: which cache an object counts for, frees of what nobody allocated, pointers that come twice,
 * pages as effects, memory that runs out.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "machine/machine.h"
#include "machine/slab_replay.h"
#include "phys/phys.h"
#include "slab/slab.h"

static struct mm_machine *m;
static struct mm_error err;

static void start_with(uint64_t ram_bytes, int kind)
{
	struct mm_machine_config cfg;

	mm_machine_config_init(&cfg);
	cfg.depth = MM_DEPTH_SLAB;
	cfg.effects = true;
	cfg.check = true;
	cfg.ram_bytes = ram_bytes;
	cfg.sysctl.v[MM_SYSCTL_SLAB] = kind;
	ck_assert_int_eq(mm_machine_new(&m, &cfg, &err), 0);
}

static void start(void) { start_with(64 << 20, 0); }
static void stop(void) { mm_machine_free(m); }

/* One row; its result is left in the returned copy. */
static struct mm_event row(enum mm_event_type type, uint64_t addr, uint64_t size, uint64_t size2, const char *name)
{
	struct mm_event ev = { .type = (uint16_t)type, .addr = addr, .size = size, .size2 = size2,
			       .present = MM_TC_BIT(EVENT) | MM_TC_BIT(ADDR) | MM_TC_BIT(SIZE) };
	int e;

	if (name)
		ev.name = (struct mm_str){ name, strlen(name) };
	e = mm_machine_event(m, &ev, &err);
	ck_assert_msg(!e, "%s", err.text);
	return ev;
}

static uint64_t skipped(const char *word)
{
	size_t nr;
	const struct mm_skip *s = mm_machine_skips(m, &nr);
	uint64_t n = 0;

	for (size_t i = 0; i < nr; i++)
		n += strstr(s[i].what, word) ? s[i].count : 0;
	return n;
}

static const struct mm_recorded_cache *cache_named(const char *name, uint32_t size, uint32_t size2)
{
	long rc = mm_recorded_cache_find(m->slab_replay, (struct mm_str){ name, strlen(name) }, size, size2);

	ck_assert_msg(rc >= 0, "%s", name);
	return &m->slab_replay->caches[rc];
}

#define IS_WORD(ev, w) \
	((ev).result_kind == MM_RESULT_WORD && (ev).result_word.len == strlen(w) && !memcmp((ev).result_word.p, w, strlen(w)))

START_TEST(a_free_names_the_cache)
{
	const struct mm_recorded_cache *c;

	row(MM_EV_CACHE_ALLOC, 0xffff888000100000, 184, 192, NULL);
	row(MM_EV_CACHE_ALLOC, 0xffff888000100100, 184, 192, NULL);
	c = cache_named("", 184, 192);
	ck_assert_uint_eq(c->live, 2);
	row(MM_EV_CACHE_FREE, 0xffff888000100000, 0, 0, "cred_jar");
	c = cache_named("cred_jar", 184, 192);
	ck_assert_uint_eq(c->allocs, 1);
	ck_assert_uint_eq(c->frees, 1);
	ck_assert_uint_eq(c->live, 0);
	ck_assert_uint_eq(cache_named("", 184, 192)->allocs, 1);
	/* the page is cred_jar's now: a third object of it is one too */
	row(MM_EV_CACHE_ALLOC, 0xffff888000100000, 184, 192, NULL);
	ck_assert_uint_eq(cache_named("cred_jar", 184, 192)->live, 1);
	/* but not one of other sizes there, nor one whose pointer is hashed */
	row(MM_EV_CACHE_ALLOC, 0xffff888000100200, 192, 192, NULL);
	ck_assert_uint_eq(cache_named("", 192, 192)->live, 1);
}
END_TEST

START_TEST(frees_of_the_unknown)
{
	row(MM_EV_KFREE, 0x1000, 0, 0, NULL);
	row(MM_EV_CACHE_FREE, 0x2000, 0, 0, "x");
	row(MM_EV_KFREE, 0, 0, 0, NULL);		/* a null pointer is nothing */
	ck_assert_uint_eq(skipped("frees of objects"), 2);
}
END_TEST

START_TEST(a_pointer_that_comes_twice)
{
	struct mm_event a = row(MM_EV_KMALLOC, 0x1000, 100, 0, NULL), b = row(MM_EV_KMALLOC, 0x1000, 100, 0, NULL);
	const struct mm_recorded_cache *c = cache_named("kmalloc-128", 0, 0);

	ck_assert_uint_eq(a.result, b.result);		/* freed first: last in, first out */
	ck_assert_uint_eq(c->allocs, 2);
	ck_assert_uint_eq(c->frees, 0);
	ck_assert_uint_eq(c->live, 1);
	row(MM_EV_KFREE, 0x1000, 0, 0, NULL);
	row(MM_EV_KFREE, 0x1000, 0, 0, NULL);
	ck_assert_uint_eq(c->frees, 1);
	ck_assert_uint_eq(skipped("frees of objects"), 1);
	ck_assert_uint_eq(m->slab_replay->requested_bytes, 0);
}
END_TEST

START_TEST(pages_are_effects)
{
	const struct mm_event *fx;
	size_t nr, taken = 0, made = 0;

	row(MM_EV_KMALLOC, 0x1000, 100, 0, NULL);
	fx = mm_machine_effects(m, &nr);
	for (size_t i = 0; i < nr; i++) {
		taken += fx[i].by == MM_BY_SLAB && fx[i].type == MM_EV_PAGE_ALLOC && fx[i].size == 4096;
		made += fx[i].by == MM_BY_SLAB && fx[i].type == MM_EV_SLAB_NEW && fx[i].result == 32;
	}
	ck_assert_uint_eq(taken, 1);
	ck_assert_uint_eq(made, 1);			/* 32 objects of 128 bytes */
	row(MM_EV_KMALLOC, 0x2000, 100, 0, NULL);
	mm_machine_effects(m, &nr);
	ck_assert_uint_eq(nr, 0);
}
END_TEST

START_TEST(large_and_impossible)
{
	struct mm_event ev = row(MM_EV_KMALLOC, 0x1000, 10000, 0, NULL);

	ck_assert_uint_eq(ev.result & 4095, 0);
	ck_assert_uint_eq(cache_named("kmalloc-large", 0, 0)->live, 1);
	row(MM_EV_KFREE, 0x1000, 0, 0, NULL);
	ck_assert_uint_eq(cache_named("kmalloc-large", 0, 0)->frees, 1);
	ev = row(MM_EV_KMALLOC, 0x2000, UINT64_MAX, 0, NULL);
	ck_assert(IS_WORD(ev, "ENOMEM"));
	ev = row(MM_EV_KMALLOC, 0x3000, 0, 0, NULL);
	ck_assert_uint_eq(ev.result, 16);		/* ZERO_SIZE_PTR */
	row(MM_EV_CACHE_ALLOC, 0x4000, 0, 0, "nobody");
	row(MM_EV_CACHE_ALLOC, 0x5000, 200, 100, NULL);	/* takes less than was asked for */
	row(MM_EV_CACHE_ALLOC, 0x6000, UINT64_MAX, UINT64_MAX, NULL);
	ck_assert_uint_eq(skipped("no row describes"), 3);
	row(MM_EV_KMALLOC, 0, 64, 0, NULL);		/* failed there */
	ck_assert_uint_eq(skipped("failed in the recording"), 1);
}
END_TEST

START_TEST(caches_by_rows)
{
	ck_assert(IS_WORD(row(MM_EV_CACHE_DESTROY, 0, 0, 0, "a"), "ENOENT"));
	ck_assert_uint_eq(row(MM_EV_CACHE_CREATE, 0, 120, 0, "a").result, 0);
	ck_assert(IS_WORD(row(MM_EV_CACHE_CREATE, 0, 120, 0, "a"), "EEXIST"));
	ck_assert(IS_WORD(row(MM_EV_CACHE_CREATE, 0, 0, 0, "zero"), "EINVAL"));
	ck_assert(IS_WORD(row(MM_EV_CACHE_CREATE, 0, 120, 24, "odd"), "EINVAL"));
	row(MM_EV_CACHE_CREATE, 0, 120, 0, "b");	/* an alias of a */
	row(MM_EV_CACHE_ALLOC, 0x1000, 0, 0, "a");
	row(MM_EV_CACHE_ALLOC, 0x2000, 0, 0, "b");
	ck_assert_ptr_eq(cache_named("a", 0, 0)->cache, cache_named("b", 0, 0)->cache);
	ck_assert_uint_eq(cache_named("b", 0, 0)->live, 1);
	ck_assert(IS_WORD(row(MM_EV_CACHE_DESTROY, 0, 0, 0, "b"), "EBUSY"));
	row(MM_EV_CACHE_FREE, 0x2000, 0, 0, "b");
	ck_assert_uint_eq(row(MM_EV_CACHE_DESTROY, 0, 0, 0, "b").result, 0);
	row(MM_EV_CACHE_CREATE, 0, 500, 0, "c");
	row(MM_EV_CACHE_FREE, 0x1000, 0, 0, "c");	/* into the wrong cache: counted, freed where it is of */
	ck_assert_uint_eq(skipped("another cache"), 1);
	ck_assert_uint_eq(cache_named("a", 0, 0)->live, 0);
}
END_TEST

/* ---- checks of slub_debug=F ---- */

static void start_debug(const char *slub_debug, int kind)
{
	struct mm_machine_config cfg;

	stop();
	mm_machine_config_init(&cfg);
	cfg.depth = MM_DEPTH_SLAB;
	cfg.effects = true;
	cfg.check = true;
	cfg.ram_bytes = 64 << 20;
	cfg.sysctl.v[MM_SYSCTL_SLAB] = kind;
	cfg.sysctl.v[MM_SYSCTL_DEBUG_SLAB] = 1;
	ck_assert_int_eq(mm_sysctls_set(&cfg.sysctl, MM_STR("slub_debug"), (struct mm_str){ slub_debug, strlen(slub_debug) },
					&err), 0);
	ck_assert_int_eq(mm_machine_new(&m, &cfg, &err), 0);
}

/* The slab_err effect of the last row, or NULL. */
static const struct mm_event *told(void)
{
	size_t nr;
	const struct mm_event *fx = mm_machine_effects(m, &nr);

	for (size_t i = 0; i < nr; i++)
		if (fx[i].type == MM_EV_SLAB_ERR)
			return &fx[i];
	return NULL;
}

START_TEST(double_free)
{
	struct mm_event a;

	start_debug("F", _i);		/* 96 is no power of two: SLAB has red zones there */
	a = row(MM_EV_KMALLOC, 0x1000, 90, 0, NULL);
	row(MM_EV_KFREE, 0x1000, 0, 0, NULL);
	ck_assert_ptr_null(told());
	row(MM_EV_KFREE, 0x1000, 0, 0, NULL);
	ck_assert_ptr_nonnull(told());
	ck_assert(IS_WORD(*told(), _i == MM_SLAB_SLAB ? "double free detected" : "Object already free"));
	ck_assert(told()->addr == a.result && told()->name.len == strlen("kmalloc-96"));
	ck_assert_uint_eq(skipped("double frees"), 1);
	ck_assert_uint_eq(skipped("did not allocate"), 0);
	ck_assert_uint_eq(mm_slab_errors(m->slab, MM_SLAB_ALREADY_FREE), 1);
	row(MM_EV_KMALLOC, 0x1000, 90, 0, NULL);	/* the pointer comes back: it is live */
	row(MM_EV_KFREE, 0x1000, 0, 0, NULL);
	ck_assert_ptr_null(told());
	ck_assert_uint_eq(m->slab_replay->requested_bytes, 0);
}
END_TEST

START_TEST(double_frees_are_kept_for_a_while)
{
	start_debug("F", 0);
	m->cfg.check = false;
	for (uint64_t i = 1; i <= MM_FREED_KEPT + 10; i++) {
		row(MM_EV_KMALLOC, i << 4, 100, 0, NULL);
		row(MM_EV_KFREE, i << 4, 0, 0, NULL);
	}
	ck_assert_uint_eq(m->slab_replay->nr, MM_FREED_KEPT);
	row(MM_EV_KFREE, 10 << 4, 0, 0, NULL);
	ck_assert_uint_eq(skipped("did not allocate"), 1);
	row(MM_EV_KFREE, 11 << 4, 0, 0, NULL);
	ck_assert_uint_eq(skipped("double frees"), 1);
}
END_TEST

START_TEST(wrong_cache)
{
	start_debug("-;F,a", 0);
	row(MM_EV_CACHE_CREATE, 0, 120, 0, "a");
	row(MM_EV_CACHE_CREATE, 0, 500, 0, "b");
	row(MM_EV_CACHE_ALLOC, 0x1000, 0, 0, "b");
	row(MM_EV_CACHE_FREE, 0x1000, 0, 0, "a");
	ck_assert(told() && IS_WORD(*told(), "Wrong slab cache"));
	ck_assert_uint_eq(cache_named("b", 0, 0)->live, 0);
	row(MM_EV_CACHE_ALLOC, 0x1000, 0, 0, "b");
	row(MM_EV_CACHE_FREE, 0x1000, 0, 0, "b");
	row(MM_EV_CACHE_FREE, 0x1000, 0, 0, "b");	/* b is not checked: nothing tells it from an unknown one */
	ck_assert_ptr_null(told());
	ck_assert_uint_eq(skipped("did not allocate"), 1);
	row(MM_EV_CACHE_ALLOC, 0x2000, 0, 0, "a");
	row(MM_EV_CACHE_FREE, 0x2000, 0, 0, "a");
	ck_assert_uint_eq(row(MM_EV_CACHE_DESTROY, 0, 0, 0, "a").result, 0);
	row(MM_EV_CACHE_FREE, 0x2000, 0, 0, "a");	/* its cache is gone */
	ck_assert_uint_eq(skipped("did not allocate"), 2);
}
END_TEST

START_TEST(shrinking)
{
	ck_assert(IS_WORD(row(MM_EV_CACHE_SHRINK, 0, 0, 0, "a"), "ENOENT"));
	row(MM_EV_CACHE_CREATE, 0, 120, 0, "a");
	row(MM_EV_CACHE_ALLOC, 0x1000, 0, 0, "a");
	ck_assert_uint_eq(row(MM_EV_CACHE_SHRINK, 0, 0, 0, "a").result, 0);
	row(MM_EV_CACHE_FREE, 0x1000, 0, 0, "a");
	ck_assert_uint_eq(row(MM_EV_CACHE_SHRINK, 0, 0, 0, "a").result, 1);
	row(MM_EV_KMALLOC, 0x2000, 100, 0, NULL);
	row(MM_EV_KFREE, 0x2000, 0, 0, NULL);
	ck_assert_uint_eq(row(MM_EV_CACHE_SHRINK, 0, 0, 0, NULL).result, 1);
	ck_assert_uint_eq(m->slab->pages, 0);
}
END_TEST

/*
 * SLAB on 2 CPUs: CPU 0 reaps at whole seconds, every second one; CPU 1 12 ms (3 jiffies) before.  The first visit takes
 * back "touched", each further one a fifth of 120 objects.  With 30 in CPU 0's array and 30 in CPU 1's, that is 24 and 3
 * (half of what is left) and so on: at 10.5 s nothing was due, at 10.99 s CPU 1, at 11 s CPU 0.
 */
START_TEST(slab_reaping)
{
	struct mm_event ev = { .type = MM_EV_MARK, .present = MM_TC_BIT(EVENT) | MM_TC_BIT(TIME_S) };
	struct mm_machine_config cfg;
	struct mm_kmem_cache *s;

	stop();
	mm_machine_config_init(&cfg);
	cfg.depth = MM_DEPTH_SLAB;
	cfg.ram_bytes = 64 << 20;
	cfg.nr_cpus = 2;
	cfg.sysctl.v[MM_SYSCTL_SLAB] = MM_SLAB_SLAB;
	ck_assert_int_eq(mm_machine_new(&m, &cfg, &err), 0);
	ev.time_ns = 10500000000u;
	ck_assert_int_eq(mm_machine_event(m, &ev, &err), 0);
	row(MM_EV_KMALLOC, 0x1000, 128, 0, NULL);
	s = mm_kmem_cache_find(m->slab, MM_STR("kmalloc-128"));
	ck_assert_ptr_nonnull(s);
	ck_assert_uint_eq(m->slab_replay->next_reap_ns[0], 11000000000u);
	ck_assert_uint_eq(m->slab_replay->next_reap_ns[1], 10988000000u);
	ck_assert_uint_eq(s->cpu[0].ac->avail, 15);		/* a first refill of 16 */
	ck_assert(s->cpu[0].ac->touched);
	ev.time_ns = 10990000000u;
	ck_assert_int_eq(mm_machine_event(m, &ev, &err), 0);
	row(MM_EV_KFREE, 0x7777, 0, 0, NULL);
	ck_assert_uint_eq(m->slab_replay->next_reap_ns[1], 12988000000u);
	ck_assert(s->cpu[0].ac->touched);
	ev.time_ns = 11000000000u;
	ck_assert_int_eq(mm_machine_event(m, &ev, &err), 0);
	row(MM_EV_KFREE, 0x7777, 0, 0, NULL);
	ck_assert(!s->cpu[0].ac->touched);
	ck_assert_uint_eq(s->cpu[0].ac->avail, 15);
	ev.time_ns = 13000000000u;				/* a fifth of 120 is more than there is: half of it */
	ck_assert_int_eq(mm_machine_event(m, &ev, &err), 0);
	row(MM_EV_KFREE, 0x7777, 0, 0, NULL);
	ck_assert_uint_eq(s->cpu[0].ac->avail, 7);
	ev.time_ns = 1000000000000u;				/* many at once: nothing is left */
	ck_assert_int_eq(mm_machine_event(m, &ev, &err), 0);
	row(MM_EV_KFREE, 0x7777, 0, 0, NULL);
	ck_assert_uint_eq(s->cpu[0].ac->avail, 0);
	ck_assert_uint_eq(m->slab_replay->next_reap_ns[0], 1001000000000u);
}
END_TEST

START_TEST(out_of_memory)
{
	struct mm_event ev = { 0 };
	uint64_t i;

	stop();
	start_with(16 << 20, _i);
	for (i = 1; i < 20 && !IS_WORD(ev, "ENOMEM"); i++)
		ev = row(MM_EV_KMALLOC, i << 24, 4 << 20, 0, NULL);
	ck_assert(IS_WORD(ev, "ENOMEM"));
	row(MM_EV_KFREE, (i - 1) << 24, 0, 0, NULL);	/* what failed here is known, and nothing */
	ck_assert_uint_eq(skipped("frees of objects"), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("slab_replay");
	TCase *tc = tcase_create("slab_replay");
	SRunner *sr = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tc);
	tcase_add_checked_fixture(tc, start, stop);
	tcase_add_test(tc, a_free_names_the_cache);
	tcase_add_test(tc, frees_of_the_unknown);
	tcase_add_test(tc, a_pointer_that_comes_twice);
	tcase_add_test(tc, pages_are_effects);
	tcase_add_test(tc, large_and_impossible);
	tcase_add_test(tc, caches_by_rows);
	tcase_add_loop_test(tc, double_free, MM_SLAB_SLUB, MM_SLAB_SLOB);
	tcase_add_test(tc, double_frees_are_kept_for_a_while);
	tcase_add_test(tc, wrong_cache);
	tcase_add_test(tc, shrinking);
	tcase_add_test(tc, slab_reaping);
	tcase_add_loop_test(tc, out_of_memory, 0, MM_NR_SLAB_KINDS);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
