/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random operations of every allocator and debug setting against a map of the bytes in use: each object lies in its slab,
 * is aligned, disjoint from all others and their red zones, wrong frees change nothing, and when all are freed no page is
 * held.  CPUs and nodes take turns; objects come one by one and in bulk; caches shrink and are reaped in between.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "slab_test.h"

enum { MAX_LIVE = 8000, STEPS = 400000, NR_CACHES = 7, BULK = 40 };
static struct mm_kmem_cache *cache[NR_CACHES];
static uint8_t used[(1024 + 2 * 16384) * 512];		/* by word of RAM */
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

/* From the first to the last byte in one slab, behind the red zone on its left. */
static void in_its_slab(const struct live *l)
{
	uintptr_t m = mm_slab_lookup(sl, l->obj);
	const struct slab *slab = (const struct slab *)m;
	uint64_t begin, end;

	if (sl->kind == MM_SLAB_SLOB || m & 1) {
		if (mm_slab_lookup(sl, l->obj + l->size - 1) != m || !m)
			ck_abort_msg("%#lx of %lu bytes leaves its page", (unsigned long)l->obj, (unsigned long)l->size);
		return;
	}
	begin = mm_slab_address(slab->pfn);
	end = begin + ((uint64_t)MM_PAGE_SIZE << slab->order);
	if (l->obj < begin + mm_slab_cache(slab)->layout.red_left_pad || l->obj + l->size > end ||
	    (l->cache && mm_slab_cache(slab) != l->cache))
		ck_abort_msg("%#lx of %lu bytes lies beside its slab %#lx-%#lx", (unsigned long)l->obj, (unsigned long)l->size,
			     (unsigned long)begin, (unsigned long)end);
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
	in_its_slab(l);
}

/* A batch of one cache; how many came: all or, when there is no room, none. */
static unsigned int bulk_alloc(struct mm_rng *rng, unsigned int n)
{
	unsigned int pick = (unsigned int)mm_rng_below(rng, NR_CACHES);
	size_t want = 1 + (size_t)mm_rng_below(rng, BULK), got;
	uint64_t obj[BULK];

	if (n + want > MAX_LIVE)
		return 0;
	got = mm_kmem_cache_alloc_bulk(cache[pick], GFP, want, obj);
	ck_assert_uint_eq(got, want);
	for (size_t i = 0; i < got; i++) {
		live[n + i] = (struct live){ .obj = obj[i], .size = sizes[pick], .cache = cache[pick] };
		mark(&live[n + i], 1);
		in_its_slab(&live[n + i]);
	}
	return (unsigned int)got;
}

/* Up to BULK random objects of the cache of one of them go at once; how many. */
static unsigned int bulk_free(struct mm_rng *rng, unsigned int n)
{
	struct mm_kmem_cache *s = live[mm_rng_below(rng, n)].cache;
	uint64_t obj[BULK];
	size_t nr = 0;

	for (unsigned int tries = 0; s && tries < 2 * BULK && nr < BULK && n - nr; tries++) {
		unsigned int v = (unsigned int)mm_rng_below(rng, n - nr);

		if (live[v].cache != s)
			continue;
		mark(&live[v], 0);
		obj[nr++] = live[v].obj;
		live[v] = live[n - nr];
	}
	if (nr)
		mm_kmem_cache_free_bulk(s, nr, obj);
	return (unsigned int)nr;
}

static void free_one(const struct live *l, bool by_kfree)
{
	if (l->cache && !by_kfree)
		mm_kmem_cache_free(l->cache, l->obj);
	else
		mm_kfree(sl, l->obj);
}

/* Frees that are wrong in each way: counted, and nothing else happens; how many were tried. */
static uint64_t wrong_frees(struct mm_rng *rng, unsigned int n)
{
	const struct live *l = &live[mm_rng_below(rng, n)];

	if (sl->kind == MM_SLAB_SLOB || !l->cache)
		return 0;
	mm_kmem_cache_free(l->cache, l->obj + 2);
	mm_kmem_cache_free(l->cache, MM_PAGE_OFFSET + 16);		/* a page of nobody */
	mm_kmem_cache_free(l->cache, mm_rng_u64(rng) | 1);
	return 3;
}

static const struct random_case {
	const char *slub_debug;		/* "" none */
	enum mm_slab_kind kind;
	uint32_t nr_cpus, nr_nodes, min_order, max_order;
	bool random, debug_slab, noalien, nomerge;
} random_cases[] = {
	{ "", MM_SLAB_SLUB, 1, 1, 0, 3, false, false, false, false }, { "", MM_SLAB_SLUB, 4, 1, 0, 3, false, false, false, false },
	{ "", MM_SLAB_SLUB, 4, 1, 0, 3, true, false, false, false }, { "", MM_SLAB_SLUB, 4, 2, 0, 3, false, false, false, true },
	{ "", MM_SLAB_SLUB, 2, 1, 2, 3, false, false, false, false }, { "", MM_SLAB_SLUB, 2, 1, 0, 0, true, false, false, false },
	{ "F", MM_SLAB_SLUB, 2, 1, 0, 3, false, false, false, false }, { "Z", MM_SLAB_SLUB, 2, 1, 0, 3, false, false, false, false },
	{ "P", MM_SLAB_SLUB, 2, 1, 0, 3, false, false, false, false }, { "U", MM_SLAB_SLUB, 2, 1, 0, 3, false, false, false, false },
	{ "ZP", MM_SLAB_SLUB, 2, 1, 0, 3, true, false, false, false }, { "FZPUT", MM_SLAB_SLUB, 2, 2, 0, 3, false, false, false, false },
	{ "FZPUO", MM_SLAB_SLUB, 2, 1, 0, 1, false, false, false, false },
	{ "Z,c1,c3,kmalloc-*;U,c5", MM_SLAB_SLUB, 4, 1, 0, 3, false, false, false, false },
	{ "", MM_SLAB_SLAB, 1, 1, 0, 1, false, false, false, false }, { "", MM_SLAB_SLAB, 4, 1, 0, 1, true, false, false, false },
	{ "", MM_SLAB_SLAB, 2, 1, 0, 0, false, true, false, false }, { "", MM_SLAB_SLAB, 4, 2, 0, 1, false, false, false, false },
	{ "", MM_SLAB_SLAB, 4, 2, 0, 3, true, true, true, true },
	{ "", MM_SLAB_SLOB, 1, 1, 0, 3, false, false, false, false }, { "", MM_SLAB_SLOB, 4, 2, 0, 3, false, false, false, false },
};

static void start_case(const struct random_case *c)
{
	static const struct small_zone zones[] = {
		{ 0, MM_ZONE_NORMAL, 1024, 16384, 32, 40, 48, 15, 90 }, { 1, MM_ZONE_NORMAL, 17408, 16384, 32, 40, 48, 15, 90 },
	};
	struct mm_sysctls *s;
	struct mm_error err = { 0 };

	phys = small_phys_new(zones, c->nr_nodes, c->nr_cpus);
	phys->ctx.rng.state = 1;
	for (uint32_t cpu = 0; cpu < c->nr_cpus; cpu++)
		phys->phys.cpu_node[cpu] = (uint8_t)(cpu % c->nr_nodes);
	s = &phys->ctx.sysctl;
	if (*c->slub_debug)
		ck_assert_int_eq(mm_sysctls_set(s, MM_STR("slub_debug"), (struct mm_str){ c->slub_debug, strlen(c->slub_debug) },
						&err), 0);
	s->v[MM_SYSCTL_SLUB_MIN_ORDER] = c->min_order;
	s->v[MM_SYSCTL_SLUB_MAX_ORDER] = c->max_order;
	s->v[MM_SYSCTL_SLAB_MAX_ORDER] = c->max_order;
	s->v[MM_SYSCTL_FREELIST_RANDOM] = c->random;
	s->v[MM_SYSCTL_DEBUG_SLAB] = c->debug_slab;
	s->v[MM_SYSCTL_NOALIENCACHE] = c->noalien;
	s->v[MM_SYSCTL_SLAB_NOMERGE] = c->nomerge;
	ck_assert_int_eq(mm_slab_new(&sl, &phys->ctx, &phys->phys, c->kind), 0);
}

START_TEST(random_operations)
{
	const struct random_case *c = &random_cases[_i];
	struct mm_rng rng = { (uint64_t)_i + 77 };
	uint64_t wrong = 0;
	unsigned int n = 0;
	char name[8];

	start_case(c);
	memset(used, 0, sizeof(used));
	for (int i = 0; i < NR_CACHES; i++) {
		snprintf(name, sizeof(name), "c%d", i);
		cache[i] = mm_kmem_cache_create(sl, name, sizes[i], aligns[i],
						i == 4 ? MM_SLAB_RECLAIM_ACCOUNT : i == 2 ? MM_SLAB_CTOR : 0);
		ck_assert_ptr_nonnull(cache[i]);
	}
	for (int step = 0; step < STEPS; step++) {
		unsigned int what = (unsigned int)mm_rng_below(&rng, 100);
		bool more = what % 10 < (step / 20000 & 1 ? 3 : 7);	/* grows and shrinks in turn, so that slabs fill and empty */

		mm_set_cpu(&phys->ctx, (uint32_t)mm_rng_below(&rng, c->nr_cpus));
		phys->ctx.now_ns += 1000000;
		if (n < MAX_LIVE && more) {
			if (what < 5)
				n += bulk_alloc(&rng, n);
			else
				random_alloc(&rng, n++);
		} else if (n && what < 5) {
			n -= bulk_free(&rng, n);
		} else if (n) {
			unsigned int v = (unsigned int)mm_rng_below(&rng, n);

			mark(&live[v], 0);
			free_one(&live[v], c->kind != MM_SLAB_SLOB && !(v & 1));
			live[v] = live[--n];
		}
		if (step % 500 == 0 && n)
			wrong += wrong_frees(&rng, n);
		if (step % 2000 == 0)
			mm_slab_reap(sl);
		if (step % 7000 == 0)
			mm_kmem_cache_shrink(cache[mm_rng_below(&rng, NR_CACHES)]);
		if (step % 40000 == 0)
			check_all();
	}
	ck_assert_uint_eq(mm_slab_bad_frees(sl), wrong);
	while (n-- > 0)
		free_one(&live[n], false);
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
	tcase_set_timeout(tc, 120);
	suite_add_tcase(suite, tc);
	LOOP(random_operations, random_cases);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
