/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What Linux 6.6 has in its slabs after each step of a program that makes and deletes POSIX timers: objects in use as
 * slabinfo counts them, room, slabs.  A timer takes an object of two caches.  tests/data/slub/README tells of the recordings.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "slab_test.h"

enum { NR_TIMERS = 4000 };

static const struct run {
	const char *file, *slub_debug;
	int64_t min_order;
} runs[] = {
	{ "plain.csv", NULL, 0 }, { "checks.csv", "F,posix_timers_cache,sigqueue", 0 }, { "order2.csv", "U,sigqueue", 2 },
};

static struct mm_kmem_cache *timers, *signals;
static uint64_t timer[NR_TIMERS], queued[NR_TIMERS];
static uint32_t seed;
static FILE *answers;

static uint32_t below(uint32_t n)
{
	seed = seed * 1664525u + 1013904223u;
	return (uint32_t)((uint64_t)seed * n >> 32);
}

static void make(uint32_t i)
{
	if (timer[i])
		return;
	timer[i] = mm_kmem_cache_alloc(timers, GFP);
	queued[i] = mm_kmem_cache_alloc(signals, GFP);
	ck_assert(timer[i] && queued[i]);
}

static void delete(uint32_t i)
{
	if (!timer[i])
		return;
	mm_kmem_cache_free(signals, queued[i]);
	mm_kmem_cache_free(timers, timer[i]);
	timer[i] = 0;
}

/* The kernel's next two lines: those of this step. */
static void compare(const char *step)
{
	for (int i = 0; i < 2; i++) {
		unsigned long active, objects, slabs;
		struct mm_kmem_cache_info info;
		char line[128], want[32], name[32];
		struct mm_kmem_cache *s;

		ck_assert(fgets(line, sizeof(line), answers) != NULL);
		ck_assert_int_eq(sscanf(line, "%31[^,],%31[^,],%lu,%lu,%lu", want, name, &active, &objects, &slabs), 5);
		ck_assert_str_eq(want, step);
		s = mm_kmem_cache_find(sl, (struct mm_str){ name, strlen(name) });
		ck_assert_ptr_nonnull(s);
		mm_kmem_cache_info(s, &info);
		ck_assert_msg(info.active_objects == active && info.objects == objects && info.slabs == slabs,
			      "%s of %s: %lu,%lu,%lu, found %lu,%lu,%lu", step, name, active, objects, slabs,
			      (unsigned long)info.active_objects, (unsigned long)info.objects, (unsigned long)info.slabs);
	}
}

static void many(const char *step, uint32_t from, uint32_t to, uint32_t by, void (*what)(uint32_t i))
{
	for (uint32_t i = from; i < to; i += by)
		what(i);
	compare(step);
}

static void random_rounds(void)
{
	char step[16];

	for (int k = 0; k < 12; k++) {
		for (uint32_t n = 20 + below(300); n; n--)
			delete(below(2000));
		snprintf(step, sizeof(step), "free%d", k);
		compare(step);
		for (uint32_t n = 20 + below(300); n; n--)
			make(below(2000));
		snprintf(step, sizeof(step), "make%d", k);
		compare(step);
	}
}

static void boot(const struct run *r)
{
	static const struct small_zone zone = { 0, MM_ZONE_NORMAL, 1024, 16384, 32, 40, 48, 15, 90 };
	struct mm_error err = { 0 };

	phys = small_phys_new(&zone, 1, 1);
	if (r->slub_debug)
		ck_assert_int_eq(mm_sysctls_set(&phys->ctx.sysctl, MM_STR("slub_debug"),
						(struct mm_str){ r->slub_debug, strlen(r->slub_debug) }, &err), 0);
	phys->ctx.sysctl.v[MM_SYSCTL_SLUB_MIN_ORDER] = r->min_order;
	phys->ctx.sysctl.v[MM_SYSCTL_SLAB_NOMERGE] = 1;
	ck_assert_int_eq(mm_slab_new(&sl, &phys->ctx, &phys->phys, MM_SLAB_SLUB), 0);
	timers = mm_kmem_cache_create(sl, "posix_timers_cache", 256, 0, MM_SLAB_PANIC | MM_SLAB_ACCOUNT);
	signals = mm_kmem_cache_create(sl, "sigqueue", 80, 0, MM_SLAB_PANIC | MM_SLAB_ACCOUNT);
	ck_assert(timers && signals);
}

START_TEST(posix_timers)
{
	const char *src = getenv("srcdir");
	char path[256];

	snprintf(path, sizeof(path), "%s/tests/data/slub/6.6-slabs/%s", src ? src : ".", runs[_i].file);
	answers = fopen(path, "r");
	ck_assert_msg(answers != NULL, "%s", path);
	ck_assert(fgets(path, sizeof(path), answers) != NULL);
	memset(timer, 0, sizeof(timer));
	seed = 12345;
	boot(&runs[_i]);
	many("made1000", 0, 1000, 1, make);
	many("every2nd", 0, 1000, 2, delete);
	many("firsthalf", 0, 500, 1, delete);
	many("made300", 1000, 1300, 1, make);
	for (int k = 0; k < 600; k++)
		delete(below(1300));
	compare("random600");
	many("made700", 1300, 2000, 1, make);
	for (int i = 1999; i >= 0; i -= 3)
		delete((uint32_t)i);
	compare("every3rd");
	random_rounds();
	many("none", 0, 2000, 1, delete);
	many("made50", 0, 50, 1, make);
	mm_kmem_cache_shrink(timers);
	compare("shrunk");
	fclose(answers);
	stop();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("slab_kernel");
	TCase *tc = tcase_create("slab_kernel");
	SRunner *sr = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tc);
	tcase_add_loop_test(tc, posix_timers, 0, (int)(sizeof(runs) / sizeof(runs[0])));
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
