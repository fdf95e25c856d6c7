/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Layouts of slab caches: against /sys/kernel/slab of real kernels, by hand, and what is refused.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libmm/slab.h>

static char *slurp(const char *dir, const char *file)
{
	const char *src = getenv("srcdir");
	char path[512], *text = calloc(1, 1 << 16);
	FILE *f;

	snprintf(path, sizeof(path), "%s/tests/data/slub/%s/%s", src ? src : ".", dir, file);
	f = fopen(path, "r");
	ck_assert_msg(f != NULL, "%s", path);
	ck_assert(fread(text, 1, (1 << 16) - 1, f) > 0);
	fclose(f);
	return text;
}

struct capture {
	const char *dir;
	uint32_t nr_cpus;
};
static const struct capture captures[] = {
	{ "6.1-cpus1", 1 }, { "6.1-cpus8", 8 }, { "6.12-cpus2", 2 }, { "6.6-cpus4", 4 },
};

/* Each line of caches.csv has its answer in expected.csv under the same name. */
START_TEST(layout_of_captures)
{
	const struct capture *c = &captures[_i];
	char *asked = slurp(c->dir, "caches.csv"), *told = slurp(c->dir, "expected.csv"), *save = NULL;
	int rows = 0;

	for (char *line = strtok_r(asked, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		struct mm_slab_request req = { .nr_cpus = c->nr_cpus };
		struct mm_slab_layout l;
		char name[128], flags[256] = "", key[160], *at;
		unsigned int size, order, objects, min_partial, cpu_partial;

		if (sscanf(line, "%127[^,],%u,%u,%255s", name, &req.object_size, &req.align, flags) < 3)
			continue;
		ck_assert_int_eq(mm_slab_flags_parse((struct mm_str){ flags, strlen(flags) }, &req.flags), 0);
		snprintf(key, sizeof(key), "\n%s,", name);
		at = strstr(told, key);
		ck_assert_msg(at != NULL, "%s", name);
		ck_assert_int_eq(sscanf(at + strlen(key), "%u,%u,%u,%u,%u", &size, &order, &objects, &min_partial,
					&cpu_partial), 5);
		ck_assert_int_eq(mm_slab_layout_of(&l, &req), 0);
		ck_assert_msg(l.slab_size == size && l.order == order && l.objects_per_slab == objects &&
			      l.min_partial == min_partial && l.cpu_partial == cpu_partial,
			      "%s: %u,%u,%u,%u,%u", line, l.slab_size, l.order, l.objects_per_slab, l.min_partial, l.cpu_partial);
		rows++;
	}
	ck_assert_int_gt(rows, 50);
	free(asked);
	free(told);
}
END_TEST

static const struct layout_case {
	const char *why;
	struct mm_slab_request req;
	uint32_t slab_size, order, objects, offset;
} layout_cases[] = {
	/*
	 * 64 + 8 (red zone word, no room between) + 8 (pointer) + 64 (2 tracks) + 4 (size) + 8 + 64 (left pad)
	 * = 220 -> 256
	 */
	{ "everything around a kmalloc-64", { MM_SLAB_SLUB, 64, 64,
	  MM_SLAB_KMALLOC | MM_SLAB_RED_ZONE | MM_SLAB_POISON | MM_SLAB_STORE_USER, 1, 0 }, 256, 0, 16, 72 },
	/* 60 -> 64: 4 bytes of red zone fit; + 8 + 8 pad + 8 = 80 */
	{ "a red zone that fits into the rounding", { MM_SLAB_SLUB, 60, 0, MM_SLAB_RED_ZONE, 1, 0 }, 80, 0, 51, 24 },
	{ "the pointer lies in the middle, word aligned", { MM_SLAB_SLUB, 60, 0, 0, 1, 0 }, 64, 0, 64, 24 },
	{ "a constructor moves the pointer behind", { MM_SLAB_SLUB, 60, 0, MM_SLAB_CTOR, 1, 0 }, 72, 0, 56, 64 },
	{ "hardware alignment lets two objects share a line", { MM_SLAB_SLUB, 30, 0, MM_SLAB_HWCACHE_ALIGN, 1, 0 }, 32, 0, 128, 8 },
	{ "a recorded size wins", { MM_SLAB_SLUB, 184, 0, 0, 1, 192 }, 192, 0, 21, 88 },
	{ "the largest object is a whole block", { MM_SLAB_SLUB, MM_KMALLOC_MAX_SIZE, 0, 0, 1, 0 }, MM_KMALLOC_MAX_SIZE, 10, 1, MM_KMALLOC_MAX_SIZE / 2 },
	/* SLAB: 64 objects, indices inside the last free object */
	{ "slab: 64 bytes", { MM_SLAB_SLAB, 64, 0, 0, 1, 0 }, 64, 0, 64, 0 },
	/* 4096 / 8 = 512 > 255; size becomes 16: 256 > 255; on slab 4096 / 17 = 240 */
	{ "slab: byte indices bound the smallest", { MM_SLAB_SLAB, 8, 0, 0, 1, 0 }, 16, 0, 240, 0 },
	/* order 0: 1 object, 1896 left, 8 * 1896 > 4096; order 1: 3 objects */
	{ "slab: waste of more than an eighth goes to order 1", { MM_SLAB_SLAB, 2200, 0, 0, 1, 0 }, 2200, 1, 3, 0 },
	{ "slab: a reclaimable cache stays at the first order", { MM_SLAB_SLAB, 2200, 0, MM_SLAB_RECLAIM_ACCOUNT, 1, 0 }, 2200, 0, 1, 0 },
	{ "slob: two-byte units", { MM_SLAB_SLOB, 61, 0, 0, 1, 0 }, 62, 0, 64, 0 },
};
START_TEST(layout_by_hand)
{
	const struct layout_case *c = &layout_cases[_i];
	struct mm_slab_layout l;

	ck_assert_msg(!mm_slab_layout_of(&l, &c->req), "%s", c->why);
	ck_assert_msg(l.slab_size == c->slab_size && l.order == c->order && l.objects_per_slab == c->objects &&
		      (c->req.kind != MM_SLAB_SLUB || l.offset == c->offset),
		      "%s: %u %u %u %u", c->why, l.slab_size, l.order, l.objects_per_slab, l.offset);
}
END_TEST

static const struct bad_layout {
	const char *why;
	struct mm_slab_request req;
} bad_layouts[] = {
	{ "size 0", { MM_SLAB_SLUB, 0, 0, 0, 1, 0 } },
	{ "beyond KMALLOC_MAX_SIZE", { MM_SLAB_SLUB, MM_KMALLOC_MAX_SIZE + 1, 0, 0, 1, 0 } },
	{ "alignment 24", { MM_SLAB_SLUB, 64, 24, 0, 1, 0 } },
	{ "recorded size below the object's", { MM_SLAB_SLUB, 64, 0, 0, 1, 56 } },
	{ "debugging makes it larger than a block", { MM_SLAB_SLUB, MM_KMALLOC_MAX_SIZE, 0, MM_SLAB_STORE_USER, 1, 0 } },
	{ "no such allocator", { MM_NR_SLAB_KINDS, 64, 0, 0, 1, 0 } },
};
START_TEST(layout_refused)
{
	struct mm_slab_layout l = { .order = 77 };

	ck_assert_msg(mm_slab_layout_of(&l, &bad_layouts[_i].req) < 0, "%s", bad_layouts[_i].why);
	ck_assert_msg(l.order == 77, "%s: output touched", bad_layouts[_i].why);
}
END_TEST

START_TEST(flag_words)
{
	uint32_t f = 1;

	ck_assert_int_eq(mm_slab_flags_parse(MM_STR("SLAB_HWCACHE_ALIGN|ctor|POISON|0x40000"), &f), 0);
	ck_assert_uint_eq(f, 0x42801u);	/* 0x2000 + 1 + 0x800 + 0x40000 */
	ck_assert_int_eq(mm_slab_flags_parse(MM_STR("SLAB_NONE"), &f), -EINVAL);
	ck_assert_uint_eq(f, 0x42801u);
	ck_assert_int_eq(mm_slab_flags_parse(MM_STR(""), &f), 0);
	ck_assert_uint_eq(f, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("slab_layout");
	TCase *tc = tcase_create("slab_layout");
	SRunner *sr = srunner_create(suite);
	int failed;

#define LOOP(test, v) tcase_add_loop_test(tc, test, 0, (int)(sizeof(v) / sizeof((v)[0])))
	suite_add_tcase(suite, tc);
	LOOP(layout_of_captures, captures);
	LOOP(layout_by_hand, layout_cases);
	LOOP(layout_refused, bad_layouts);
	tcase_add_test(tc, flag_words);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
