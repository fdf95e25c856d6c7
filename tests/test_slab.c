/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The slab allocators: classes and merging, the paths of each allocator by hand, bad input.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "slab_test.h"

#define STAT(s, name) mm_slub_stat(s, MM_SLUB_##name)

/* ---- the front end ---- */

static const struct class_case {
	uint64_t size;
	mm_gfp_t gfp;
	const char *name;
} class_cases[] = {
	{ 1, GFP, "kmalloc-8" }, { 8, GFP, "kmalloc-8" }, { 9, GFP, "kmalloc-16" }, { 64, GFP, "kmalloc-64" },
	{ 65, GFP, "kmalloc-96" }, { 96, GFP, "kmalloc-96" }, { 97, GFP, "kmalloc-128" }, { 128, GFP, "kmalloc-128" },
	{ 129, GFP, "kmalloc-192" }, { 192, GFP, "kmalloc-192" }, { 193, GFP, "kmalloc-256" }, { 1024, GFP, "kmalloc-1k" },
	{ 8192, GFP, "kmalloc-8k" }, { 8193, GFP, NULL }, { 0, GFP, NULL },
	{ 100, GFP | __MM_GFP_ACCOUNT, "kmalloc-cg-128" },
	{ 100, GFP | __MM_GFP_ACCOUNT | __MM_GFP_RECLAIMABLE, "kmalloc-rcl-128" },
	{ 100, GFP | __MM_GFP_ACCOUNT | __MM_GFP_RECLAIMABLE | __MM_GFP_DMA, "dma-kmalloc-128" },
};
START_TEST(kmalloc_classes)
{
	const struct class_case *c = &class_cases[_i];
	struct mm_kmem_cache *s;

	start(MM_SLAB_SLUB, 1);
	s = mm_kmalloc_slab(sl, c->size, c->gfp);
	ck_assert_str_eq(s ? mm_kmem_cache_alias(s, 0) : "", c->name ? c->name : "");
	stop();
}
END_TEST

static const struct { uint64_t size, slub, slab; } roundups[] = {
	{ 0, 0, 0 }, { 1, 8, 32 }, { 8, 8, 32 }, { 33, 64, 64 }, { 65, 96, 96 }, { 97, 128, 128 }, { 129, 192, 192 }, { 193, 256, 256 },
	{ 8192, 8192, 8192 }, { 8193, 16384, 16384 }, { 16385, 32768, 32768 }, { 4194303, 4194304, 4194304 }, { 4194304, 4194304, 4194304 },
	{ 4194305, 4194305, 4194305 },		/* kmalloc() will fail: the size is as good as any */
};
START_TEST(size_roundup)
{
	start((enum mm_slab_kind)_i, 1);
	for (size_t i = 0; i < sizeof(roundups) / sizeof(roundups[0]); i++)
		ck_assert_uint_eq(mm_kmalloc_size_roundup(sl, roundups[i].size), _i == MM_SLAB_SLUB ? roundups[i].slub : roundups[i].slab);
	stop();
}
END_TEST

static const char *class_of(uint64_t size, mm_gfp_t gfp) { return mm_kmem_cache_alias(mm_kmalloc_slab(sl, size, gfp), 0); }

/* cgroup.memory=nokmem; without CONFIG_MEMCG_KMEM; CONFIG_RANDOM_KMALLOC_CACHES */
START_TEST(kmalloc_types)
{
	struct mm_slab_tuning t;
	char seen[16] = "", name[32];

	start(MM_SLAB_SLUB, 1);
	ck_assert_str_eq(class_of(64, GFP | __MM_GFP_ACCOUNT), "kmalloc-cg-64");
	ck_assert_uint_eq(mm_kmem_cache_find(sl, MM_STR("kmalloc-cg-64"))->layout.flags & MM_SLAB_ACCOUNT, MM_SLAB_ACCOUNT);
	mm_slab_tuning_init(&t, NULL);
	t.nokmem = true;
	ck_assert_int_eq(mm_slab_tune(sl, &t), 0);
	ck_assert_str_eq(class_of(64, GFP | __MM_GFP_ACCOUNT), "kmalloc-64");
	ck_assert_str_eq(class_of(96, GFP | __MM_GFP_ACCOUNT | __MM_GFP_RECLAIMABLE), "kmalloc-rcl-96");
	ck_assert_ptr_null(mm_kmem_cache_find(sl, MM_STR("kmalloc-cg-64")));
	/* kmalloc-64 stays alone where cgroups are compiled in, and has a usercopy region besides */
	ck_assert(mm_slab_unmergeable(mm_kmem_cache_find(sl, MM_STR("kmalloc-64"))));
	t.nokmem = false;
	t.memcg = t.hardened_usercopy = false;
	ck_assert_int_eq(mm_slab_tune(sl, &t), 0);
	ck_assert_str_eq(class_of(64, GFP | __MM_GFP_ACCOUNT), "kmalloc-64");
	ck_assert_str_eq(mm_kmem_cache_alias(mm_kmem_cache_create(sl, "mine", 64, 0, 0), 0), "kmalloc-64");
	ck_assert_int_eq(mm_kmem_cache_destroy(sl, mm_kmem_cache_find(sl, MM_STR("mine")), "mine"), 0);
	t.memcg = t.hardened_usercopy = t.random_kmalloc = true;
	ck_assert_int_eq(mm_slab_tune(sl, &t), 0);
	for (int i = 1; i <= 15; i++) {
		snprintf(name, sizeof(name), "kmalloc-rnd-%02d-8k", i);
		ck_assert_ptr_nonnull(mm_kmem_cache_find(sl, (struct mm_str){ name, strlen(name) }));
	}
	ck_assert_ptr_null(mm_kmem_cache_find(sl, MM_STR("kmalloc-rnd-16-64")));
	for (int i = 0; i < 1000; i++) {
		int nr = 0;

		if (sscanf(class_of(192, GFP), "kmalloc-rnd-%d-192", &nr) != 1)
			ck_assert_str_eq(class_of(192, GFP | __MM_GFP_DMA), "dma-kmalloc-192");
		seen[nr] = 1;
	}
	ck_assert_int_eq(memchr(seen, 0, sizeof(seen)) == NULL, 1);	/* all 16 */
	stop();
}
END_TEST

START_TEST(merging)
{
	struct mm_kmem_cache *a, *b;

	start(MM_SLAB_SLUB, 1);
	a = mm_kmem_cache_create(sl, "a", 120, 0, 0);
	ck_assert_ptr_eq(mm_kmem_cache_create(sl, "same", 116, 0, 0), a);	/* 120 after rounding */
	b = mm_kmem_cache_create(sl, "b", 112, 0, 0);				/* a whole word would be lost */
	ck_assert_ptr_ne(b, a);
	ck_assert_ptr_ne(mm_kmem_cache_create(sl, "c", 120, 0, MM_SLAB_ACCOUNT), a);
	ck_assert_ptr_ne(mm_kmem_cache_create(sl, "d", 120, 0, MM_SLAB_RECLAIM_ACCOUNT), a);
	ck_assert_ptr_ne(mm_kmem_cache_create(sl, "e", 120, 0, MM_SLAB_CTOR), a);
	ck_assert_ptr_ne(mm_kmem_cache_create(sl, "f", 120, 0, MM_SLAB_TYPESAFE_BY_RCU), a);
	ck_assert_ptr_ne(mm_kmem_cache_create(sl, "g", 120, 16, 0), a);		/* 120 is no multiple of 16 */
	ck_assert_ptr_ne(mm_kmem_cache_create_usercopy(sl, "h", 120, 0, 0, 0, 8), a);
	/* a region that leaves the object is none */
	ck_assert_ptr_eq(mm_kmem_cache_create_usercopy(sl, "h2", 120, 0, 0, 113, 8), a);
	ck_assert_ptr_eq(mm_kmem_cache_create_usercopy(sl, "h3", 120, 0, 0, 0, 121), a);
	ck_assert_uint_eq(mm_kmem_cache_find(sl, MM_STR("h"))->layout.usersize, 8);
	ck_assert_int_eq(mm_kmem_cache_destroy(sl, a, "h2"), 0);
	ck_assert_int_eq(mm_kmem_cache_destroy(sl, a, "h3"), 0);
	/* kmalloc-192 has a usercopy region, so a cache of 192 bytes stands alone */
	ck_assert_str_eq(mm_kmem_cache_alias(mm_kmem_cache_create(sl, "i", 192, 0, 0), 0), "i");
	ck_assert_ptr_null(mm_kmem_cache_create(sl, "a", 500, 0, 0));		/* the name is taken */
	ck_assert_ptr_eq(mm_kmem_cache_find(sl, MM_STR("same")), a);
	ck_assert_str_eq(mm_kmem_cache_alias(a, 1), "same");
	ck_assert_int_eq(mm_kmem_cache_destroy(sl, a, "same"), 0);
	ck_assert_ptr_null(mm_kmem_cache_find(sl, MM_STR("same")));
	ck_assert_ptr_eq(mm_kmem_cache_find(sl, MM_STR("a")), a);
	stop();
}
END_TEST

/* Each line is a cache of Linux 6.6 in the order of creation, with the folder that it got in /sys/kernel/slab. */
START_TEST(merging_of_a_kernel)
{
	const char *src = getenv("srcdir");
	struct mm_output folder;
	char line[256];
	int rows = 0;
	FILE *f;

	snprintf(line, sizeof(line), "%s/tests/data/slub/6.6-parameters/merged.csv", src ? src : ".");
	f = fopen(line, "r");
	ck_assert_msg(f != NULL, "%s", line);
	start(MM_SLAB_SLUB, 2);
	ck_assert_int_eq(mm_output_init(&folder, -1), 0);
	ck_assert(fgets(line, sizeof(line), f) != NULL);
	while (fgets(line, sizeof(line), f)) {
		char name[64], flags[160], want[64];
		unsigned int size, align;
		struct mm_kmem_cache *s;
		uint32_t bits = 0;

		ck_assert_int_eq(sscanf(line, "%63[^,],%u,%u,%159[^,],%63s", name, &size, &align, flags, want), 5);
		if (strcmp(flags, "-"))
			ck_assert_int_eq(mm_slab_flags_parse((struct mm_str){ flags, strlen(flags) }, &bits), 0);
		s = mm_kmem_cache_create(sl, name, size, align, bits);
		ck_assert_msg(s != NULL, "%s", line);
		folder.len = 0;
		mm_kmem_cache_unique_id(s, &folder);
		ck_assert_msg(folder.len == strlen(want) && !memcmp(folder.buf, want, folder.len), "%.*s: %s", (int)folder.len,
			      folder.buf, line);
		ck_assert_ptr_eq(mm_kmem_cache_find(sl, (struct mm_str){ name, strlen(name) }), s);
		rows++;
	}
	ck_assert_int_gt(rows, 90);
	fclose(f);
	mm_output_finish(&folder);
	stop();
}
END_TEST

START_TEST(create_refused)
{
	start((enum mm_slab_kind)_i, 1);
	ck_assert_ptr_null(mm_kmem_cache_create(sl, "zero", 0, 0, 0));
	ck_assert_ptr_null(mm_kmem_cache_create(sl, "big", MM_KMALLOC_MAX_SIZE + 1, 0, 0));
	ck_assert_ptr_null(mm_kmem_cache_create(sl, "odd", 64, 48, 0));
	ck_assert_ptr_null(mm_kmem_cache_create(sl, "", 64, 0, 0));
	ck_assert_ptr_null(mm_kmem_cache_create(sl, "failslab", 64, 0, 0x02000000));	/* not permitted */
	ck_assert_uint_eq(mm_kmalloc(sl, 0, GFP), MM_ZERO_SIZE_PTR);
	ck_assert_uint_eq(mm_kmalloc(sl, MM_KMALLOC_MAX_SIZE + 1, GFP), 0);
	mm_kfree(sl, MM_ZERO_SIZE_PTR);
	mm_kfree(sl, 0);
	ck_assert_uint_eq(mm_slab_bad_frees(sl), 0);
	stop();
}
END_TEST

START_TEST(bad_frees)
{
	struct mm_kmem_cache *a, *b;
	uint64_t x, y, big;

	start((enum mm_slab_kind)_i, 1);
	a = mm_kmem_cache_create(sl, "a", 100, 0, MM_SLAB_NO_MERGE);
	b = mm_kmem_cache_create(sl, "b", 300, 0, MM_SLAB_NO_MERGE);
	x = mm_kmem_cache_alloc(a, GFP);
	y = mm_kmem_cache_alloc(a, GFP);
	big = mm_kmalloc(sl, 40000, GFP);
	ck_assert(x && y && big);
	mm_kmem_cache_free(a, x + 4);			/* inside an object */
	mm_kmem_cache_free(a, UINT64_MAX);
	mm_kmem_cache_free(a, 8);
	mm_kfree(sl, big + MM_PAGE_SIZE);		/* inside a block */
	ck_assert_uint_eq(mm_slab_bad_frees(sl), 4);
	mm_kmem_cache_free(a, x);
	mm_kmem_cache_free(a, x);			/* twice */
	ck_assert_uint_eq(mm_slab_bad_frees(sl), 5);
	mm_kmem_cache_free(b, y);			/* of another cache: SLUB and SLAB free it where it is of */
	ck_assert_uint_eq(mm_slab_bad_frees(sl), 6);
	if (_i == MM_SLAB_SLOB)
		mm_kmem_cache_free(a, y);
	mm_kfree(sl, big);
	mm_kfree(sl, big);
	ck_assert_uint_eq(mm_slab_bad_frees(sl), 7);
	if (_i != MM_SLAB_SLOB) {
		ck_assert_uint_eq(mm_slab_errors(sl, MM_SLAB_INVALID_POINTER), 1);	/* x + 4 */
		ck_assert_uint_eq(mm_slab_errors(sl, MM_SLAB_NOT_A_SLAB), 4);		/* the end, 8, inside the block, big again */
		ck_assert_uint_eq(mm_slab_errors(sl, MM_SLAB_ALREADY_FREE), 1);
		ck_assert_uint_eq(mm_slab_errors(sl, MM_SLAB_WRONG_CACHE), 1);
	}
	ck_assert_int_eq(mm_kmem_cache_destroy(sl, a, "a"), 0);
	ck_assert_int_eq(mm_kmem_cache_destroy(sl, b, "b"), 0);
	check_all();
	ck_assert_int_eq(counted_pages(), 0);
	stop();
}
END_TEST

START_TEST(destroy_busy)
{
	struct mm_kmem_cache *a;
	uint64_t x;

	start((enum mm_slab_kind)_i, 1);
	a = mm_kmem_cache_create(sl, "a", 100, 0, MM_SLAB_NO_MERGE);
	x = mm_kmem_cache_alloc(a, GFP);
	ck_assert_int_eq(mm_kmem_cache_destroy(sl, a, "a"), -EBUSY);
	mm_kmem_cache_free(a, x);
	ck_assert_int_eq(mm_kmem_cache_destroy(sl, a, "a"), 0);
	stop();
}
END_TEST

/* ---- SLUB by hand: one page holds 4 objects of 1024 bytes; cpu_partial 24 objects = 12 slabs ---- */

static struct mm_kmem_cache *cache_of_4(uint32_t flags)
{
	struct mm_kmem_cache *s = mm_kmem_cache_create(sl, "four", 1024, 0, MM_SLAB_NO_MERGE | flags);

	/* 1024 bytes: 8 objects are wanted on one CPU, so order 1; cut to order 0 to keep the arithmetic small */
	s->layout.order = 0;
	s->layout.objects_per_slab = s->layout.min_objects = 4;
	s->layout.cpu_partial_slabs = 12;
	return s;
}

START_TEST(slub_lifo_and_order)
{
	struct mm_kmem_cache *s;
	uint64_t a, b, c;

	start(MM_SLAB_SLUB, 1);
	s = cache_of_4(0);
	a = mm_kmem_cache_alloc(s, GFP);
	b = mm_kmem_cache_alloc(s, GFP);
	ck_assert_uint_eq(b, a + 1024);			/* a new slab hands out in ascending order */
	mm_kmem_cache_free(s, a);
	c = mm_kmem_cache_alloc(s, GFP);
	ck_assert_uint_eq(c, a);			/* last in, first out */
	ck_assert_uint_eq(STAT(s, ALLOC_SLOWPATH), 1);
	ck_assert_uint_eq(STAT(s, ALLOC_FASTPATH), 2);
	ck_assert_uint_eq(STAT(s, FREE_FASTPATH), 1);
	stop();
}
END_TEST

/*
 * Twenty full slabs; one object of each comes back.  The first 19 slabs were
 * full and on no list: each is frozen onto the CPU's partial list.  The list is
 * at its limit with 12; the 13th moves those 12 to the node, so at the end
 * 12 are on the node and 7 on the CPU; the 20th slab is the CPU's own.
 */
START_TEST(slub_cpu_partial)
{
	struct mm_kmem_cache *s;
	struct mm_kmem_cache_info info;
	uint64_t obj[80];

	start(MM_SLAB_SLUB, 1);
	s = cache_of_4(0);
	for (int i = 0; i < 80; i++)
		obj[i] = mm_kmem_cache_alloc(s, GFP);
	ck_assert_uint_eq(STAT(s, ALLOC_SLAB), 20);
	ck_assert_uint_eq(STAT(s, DEACTIVATE_BYPASS), 19);
	for (int i = 0; i < 80; i += 4)
		mm_kmem_cache_free(s, obj[i]);
	ck_assert_uint_eq(STAT(s, CPU_PARTIAL_FREE), 19);
	ck_assert_uint_eq(STAT(s, CPU_PARTIAL_DRAIN), 1);
	ck_assert_uint_eq(s->node[0].partial.nr, 12);
	ck_assert_uint_eq(STAT(s, FREE_FASTPATH), 1);
	/* slabinfo: free are only those on the node's list: 80 - 12 */
	mm_kmem_cache_info(s, &info);
	ck_assert_uint_eq(info.active_objects, 68);
	ck_assert_uint_eq(info.live_objects, 60);
	/* 8 more: the CPU's one, its 7 partial slabs, no new slab; the next takes slabs from the node */
	for (int i = 0; i < 8; i++)
		ck_assert(mm_kmem_cache_alloc(s, GFP) != 0);
	ck_assert_uint_eq(STAT(s, CPU_PARTIAL_ALLOC), 7);
	ck_assert_uint_eq(STAT(s, ALLOC_FROM_PARTIAL), 0);
	ck_assert(mm_kmem_cache_alloc(s, GFP) != 0);
	ck_assert_uint_eq(STAT(s, ALLOC_FROM_PARTIAL), 1);
	ck_assert_uint_eq(STAT(s, CPU_PARTIAL_NODE), 7);	/* until more than 12 / 2 */
	ck_assert_uint_eq(s->node[0].partial.nr, 4);
	ck_assert_uint_eq(STAT(s, ALLOC_SLAB), 20);
	stop();
}
END_TEST

/* A free from another CPU goes to the slab's own list, and comes back when the CPU's list is empty. */
START_TEST(slub_remote_free)
{
	struct mm_kmem_cache *s;
	uint64_t obj[4];

	start(MM_SLAB_SLUB, 2);
	s = cache_of_4(0);
	for (int i = 0; i < 4; i++)
		obj[i] = mm_kmem_cache_alloc(s, GFP);
	mm_set_cpu(&phys->ctx, 1);
	mm_kmem_cache_free(s, obj[2]);
	ck_assert_uint_eq(STAT(s, FREE_FROZEN), 1);
	mm_set_cpu(&phys->ctx, 0);
	ck_assert_uint_eq(mm_kmem_cache_alloc(s, GFP), obj[2]);
	ck_assert_uint_eq(STAT(s, ALLOC_REFILL), 1);
	ck_assert_uint_eq(STAT(s, ALLOC_SLAB), 1);
	stop();
}
END_TEST

/* An object that came back to a full slab and waits is free: to CPU 0, which it waits on, as to CPU 1. */
START_TEST(slub_double_free)
{
	struct mm_kmem_cache *s;
	uint64_t obj[5];

	start(MM_SLAB_SLUB, 2);
	s = cache_of_4(0);
	for (int i = 0; i < 5; i++)
		obj[i] = mm_kmem_cache_alloc(s, GFP);
	mm_kmem_cache_free(s, obj[1]);
	mm_set_cpu(&phys->ctx, (uint32_t)_i);
	mm_kmem_cache_free(s, obj[1]);
	mm_kmem_cache_free(s, obj[0]);				/* goes in front of it */
	ck_assert_uint_eq(mm_slab_errors(sl, MM_SLAB_ALREADY_FREE), 1);
	ck_assert_uint_eq(STAT(s, FREE_FROZEN) + STAT(s, CPU_PARTIAL_FREE), 2);
	stop();
}
END_TEST

/*
 * Slabs are emptied one after the other.  The first four stay; the fifth is the fifth of the list when it becomes
 * empty, and min_partial is 5 for 1024 bytes: it goes back, and so do all after it.
 */
START_TEST(slub_min_partial)
{
	struct mm_kmem_cache *s;
	uint64_t obj[40];

	start(MM_SLAB_SLUB, 1);
	s = cache_of_4(MM_SLAB_CONSISTENCY_CHECKS);	/* no CPU lists */
	for (int i = 0; i < 40; i++)
		obj[i] = mm_kmem_cache_alloc(s, GFP);
	ck_assert_uint_eq(s->node[0].full.nr, 10);
	for (int i = 0; i < 40; i++)
		mm_kmem_cache_free(s, obj[i]);
	ck_assert_uint_eq(s->node[0].partial.nr, 4);
	ck_assert_uint_eq(STAT(s, FREE_SLAB), 6);
	mm_kmem_cache_shrink(s);
	ck_assert_uint_eq(s->pages, 0);
	stop();
}
END_TEST

START_TEST(slub_order_fallback)
{
	/* a block of 4 and one page */
	static const struct small_zone tiny = { 0, MM_ZONE_NORMAL, 1024, 5, 0, 0, 0, 1, 0 };
	struct mm_kmem_cache *s;

	start_on(MM_SLAB_SLUB, 1, &tiny, 1);
	s = mm_kmem_cache_create(sl, "three", 3000, 0, 0);	/* order 3, at least order 0 */
	ck_assert_uint_eq(s->layout.order, 3);
	ck_assert(mm_kmem_cache_alloc(s, GFP) != 0);
	ck_assert_uint_eq(STAT(s, ORDER_FALLBACK), 1);
	ck_assert_uint_eq(s->pages, 1);
	for (int i = 0; i < 4; i++)
		ck_assert(mm_kmem_cache_alloc(s, GFP) != 0);
	ck_assert_uint_eq(mm_kmem_cache_alloc(s, GFP), 0);	/* no page left */
	ck_assert_uint_eq(s->failed, 1);
	stop();
}
END_TEST

START_TEST(bulk)
{
	struct mm_kmem_cache *s;
	struct mm_kmem_cache_info info;
	uint64_t obj[100];

	start((enum mm_slab_kind)_i, 1);
	s = mm_kmem_cache_create(sl, "b", 200, 0, MM_SLAB_NO_MERGE);
	ck_assert_uint_eq(mm_kmem_cache_alloc_bulk(s, GFP, 100, obj), 100);
	mm_kmem_cache_info(s, &info);
	ck_assert_uint_eq(info.allocs, 100);
	check_all();
	mm_kmem_cache_free_bulk(s, 100, obj);
	mm_kmem_cache_info(s, &info);
	ck_assert_uint_eq(info.frees, 100);
	ck_assert_uint_eq(info.live_objects, 0);
	ck_assert_uint_eq(mm_slab_bad_frees(sl), 0);
	stop();
}
END_TEST

/* ---- SLAB by hand: 120 objects at most in the array of a small cache, batches of 60, the first refill 16 ---- */

START_TEST(slab_array_cache)
{
	struct mm_kmem_cache *s;
	struct array_cache *ac;
	uint64_t obj[300];

	start(MM_SLAB_SLAB, 1);
	s = mm_kmem_cache_create(sl, "s", 128, 0, MM_SLAB_NO_MERGE);	/* 32 a page */
	ac = s->cpu[0].ac;
	ck_assert_uint_eq(ac->limit, 120);
	ck_assert_uint_eq(ac->batchcount, 60);
	ck_assert_ptr_null(s->node[0].shared);		/* one CPU */
	obj[0] = mm_kmem_cache_alloc(s, GFP);
	ck_assert_uint_eq(ac->avail, 15);		/* a cache that was idle: 16 */
	ck_assert_uint_eq(s->node[0].free_objects, 16);
	for (int i = 1; i < 16; i++)
		obj[i] = mm_kmem_cache_alloc(s, GFP);
	ck_assert_uint_eq(ac->avail, 0);
	obj[16] = mm_kmem_cache_alloc(s, GFP);		/* busy now: a batch of 60, but the node has 16 */
	ck_assert_uint_eq(ac->avail, 15);
	for (int i = 17; i < 300; i++)
		obj[i] = mm_kmem_cache_alloc(s, GFP);
	for (int i = 0; i < 300; i++)
		mm_kmem_cache_free(s, obj[i]);
	ck_assert_uint_le(ac->avail, 120);
	ck_assert_uint_eq(ac->entry[ac->avail - 1], obj[299]);
	/* free_limit = (1 + 1 CPU) * 60 + 32 */
	ck_assert_uint_eq(s->node[0].free_limit, 152);
	ck_assert_uint_le(s->node[0].free_objects, 152);
	mm_kmem_cache_shrink(s);
	ck_assert_uint_eq(s->pages, 0);
	stop();
}
END_TEST

START_TEST(slab_shared_and_reap)
{
	struct mm_kmem_cache *s;
	uint64_t obj[400];

	start(MM_SLAB_SLAB, 2);
	s = mm_kmem_cache_create(sl, "s", 128, 0, MM_SLAB_NO_MERGE);
	ck_assert_uint_eq(s->node[0].shared->limit, 8 * 60);
	for (int i = 0; i < 400; i++)
		obj[i] = mm_kmem_cache_alloc(s, GFP);
	for (int i = 0; i < 200; i++)
		mm_kmem_cache_free(s, obj[i]);
	/* the array fills to 120, each further 60 frees pass 60 on: at 120 and 180 of 200 */
	ck_assert_uint_eq(s->node[0].shared->avail, 120);
	mm_set_cpu(&phys->ctx, 1);				/* another CPU finds them there */
	ck_assert(mm_kmem_cache_alloc(s, GFP) != 0);
	ck_assert_uint_eq(s->node[0].shared->avail, 104);
	ck_assert_uint_eq(s->cpu[1].ac->avail, 15);
	for (int i = 0; i < 20; i++) {			/* two seconds each */
		phys->ctx.now_ns += 2000000000u;
		mm_set_cpu(&phys->ctx, (uint32_t)i & 1);
		mm_slab_reap(sl);
	}
	ck_assert_uint_eq(s->cpu[1].ac->avail, 0);
	stop();
}
END_TEST

START_TEST(slab_colour)
{
	struct mm_kmem_cache *s;
	uint64_t seen[4] = { 0 }, obj;

	start(MM_SLAB_SLAB, 1);
	/* 4096 - 6 * 640 = 256 bytes left: 4 colours of 64 */
	s = mm_kmem_cache_create(sl, "s", 640, 0, MM_SLAB_NO_MERGE);
	ck_assert_uint_eq(s->layout.colour, 4);
	for (int i = 0; i < 24; i++) {
		obj = mm_kmem_cache_alloc(s, GFP);
		ck_assert_uint_eq((obj & 4095) % 640 % 64, 0);
		seen[(obj & 4095) % 640 / 64]++;
	}
	for (int i = 0; i < 4; i++)
		ck_assert_uint_eq(seen[i], 6);
	stop();
}
END_TEST

/* An object of the other node waits in an alien array of 12. */
START_TEST(slab_alien)
{
	static const struct small_zone zones[] = {
		{ 0, MM_ZONE_NORMAL, 1024, 1024, 0, 0, 0, 1, 0 }, { 1, MM_ZONE_NORMAL, 4096, 1024, 0, 0, 0, 1, 0 },
	};
	struct mm_kmem_cache *s;
	uint64_t obj[13];

	phys = small_phys_new(zones, 2, 2);
	phys->phys.cpu_node[1] = 1;
	ck_assert_int_eq(mm_slab_new(&sl, &phys->ctx, &phys->phys, MM_SLAB_SLAB), 0);
	s = mm_kmem_cache_create(sl, "s", 128, 0, MM_SLAB_NO_MERGE);
	for (int i = 0; i < 13; i++)
		obj[i] = mm_kmem_cache_alloc(s, GFP);
	mm_set_cpu(&phys->ctx, 1);
	for (int i = 0; i < 12; i++)
		mm_kmem_cache_free(s, obj[i]);
	ck_assert_uint_eq(s->node[1].alien[0]->avail, 12);
	mm_kmem_cache_free(s, obj[12]);
	ck_assert_uint_eq(s->node[1].alien[0]->avail, 1);
	ck_assert_uint_eq(s->node[0].shared->avail, 12);
	stop();
}
END_TEST

/* ---- SLOB by hand ---- */

START_TEST(slob_first_fit)
{
	struct mm_kmem_cache *s;
	uint64_t a, b, c, page;

	start(MM_SLAB_SLOB, 1);
	s = mm_kmem_cache_create(sl, "s", 100, 0, 0);
	a = mm_kmem_cache_alloc(s, GFP);
	page = a & ~(uint64_t)4095;
	ck_assert_uint_eq(a, page);
	b = mm_kmem_cache_alloc(s, GFP);
	ck_assert_uint_eq(b, page + 104);		/* 100 is free up to the alignment of 8 */
	c = mm_kmalloc(sl, 50, GFP);
	/* header 8 + 50; block at 204 needs its object aligned to 8: 208 - 8 = 200 is taken, so 208 + 8 */
	ck_assert_uint_eq(c, page + 216);
	ck_assert_uint_eq(mm_ksize(sl, c), 50);
	mm_kmem_cache_free(s, a);
	ck_assert_uint_eq(mm_kmem_cache_alloc(s, GFP), a);	/* first fit by address */
	ck_assert_uint_eq(sl->pages, 1);
	ck_assert(mm_kmalloc(sl, 300, GFP) >> 12 != page >> 12);	/* another list */
	ck_assert_uint_eq(mm_kmalloc(sl, 64, GFP) & 63, 0);	/* a power of two is aligned to itself */
	ck_assert_uint_eq(mm_kmalloc(sl, 4090, GFP) & 4095, 0);	/* a page */
	ck_assert_uint_eq(sl->large_pages, 1);
	stop();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("slab");
	TCase *tc = tcase_create("slab");
	SRunner *sr = srunner_create(suite);
	int failed;

#define LOOP(test, v) tcase_add_loop_test(tc, test, 0, (int)(sizeof(v) / sizeof((v)[0])))
	suite_add_tcase(suite, tc);
	LOOP(kmalloc_classes, class_cases);
	tcase_add_loop_test(tc, size_roundup, MM_SLAB_SLUB, MM_SLAB_SLOB);
	tcase_add_test(tc, kmalloc_types);
	tcase_add_test(tc, merging);
	tcase_add_test(tc, merging_of_a_kernel);
	tcase_add_loop_test(tc, create_refused, 0, MM_NR_SLAB_KINDS);
	tcase_add_loop_test(tc, bad_frees, 0, MM_NR_SLAB_KINDS);
	tcase_add_loop_test(tc, destroy_busy, 0, MM_NR_SLAB_KINDS);
	tcase_add_test(tc, slub_lifo_and_order);
	tcase_add_test(tc, slub_cpu_partial);
	tcase_add_loop_test(tc, slub_double_free, 0, 2);
	tcase_add_test(tc, slub_remote_free);
	tcase_add_test(tc, slub_min_partial);
	tcase_add_test(tc, slub_order_fallback);
	tcase_add_loop_test(tc, bulk, 0, MM_NR_SLAB_KINDS);
	tcase_add_test(tc, slab_array_cache);
	tcase_add_test(tc, slab_shared_and_reap);
	tcase_add_test(tc, slab_colour);
	tcase_add_test(tc, slab_alien);
	tcase_add_test(tc, slob_first_fit);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
