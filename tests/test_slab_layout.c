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
#include "source/cmdline.h"

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

/* One kernel with the parameters of its command line: see tests/data/slub/README. */
static const struct boot {
	const char *file;
	uint32_t nr_cpus;
	const char *parameters;
} boots[] = {
	{ "base.csv", 1, "" }, { "c16.csv", 16, "" }, { "fzpu.csv", 1, "slub_debug=FZPU" }, { "z.csv", 1, "slub_debug=Z" },
	{ "p.csv", 1, "slub_debug=P" }, { "u.csv", 1, "slub_debug=U" }, { "fzpuo.csv", 1, "slub_debug=FZPUO" },
	{ "lists.csv", 1, "slub_debug=FZ;P,dentry,kmalloc-1*;U,ext4*;-,kmalloc-rcl-*" },
	{ "min1.csv", 2, "slub_min_order=1" }, { "max1.csv", 3, "slub_max_order=1" }, { "obj40.csv", 6, "slub_min_objects=40" },
};

static uint32_t flags_of_letters(const char *checks)
{
	static const uint32_t flag[] = { MM_SLAB_CONSISTENCY_CHECKS, MM_SLAB_RED_ZONE, MM_SLAB_POISON, MM_SLAB_STORE_USER, MM_SLAB_TRACE };
	uint32_t flags = 0;

	for (int i = 0; i < 5; i++)
		flags |= strchr(checks, "FZPUT"[i]) ? flag[i] : 0;
	return flags;
}

START_TEST(layout_of_boots)
{
	const struct boot *c = &boots[_i];
	char *asked = slurp("6.6-parameters", "caches.csv"), *told = slurp("6.6-parameters", c->file), *save = NULL, *save2 = NULL;
	char *answer = strtok_r(told, "\n", &save2), *line = strtok_r(asked, "\n", &save);
	struct mm_sysctls sysctls;
	struct mm_slab_tuning t;
	int rows = 0;

	mm_sysctls_init(&sysctls);
	mm_cmdline_sysctls((struct mm_str){ c->parameters, strlen(c->parameters) }, &sysctls);
	mm_slab_tuning_init(&t, &sysctls);
	while ((line = strtok_r(NULL, "\n", &save)) && (answer = strtok_r(NULL, "\n", &save2))) {
		struct mm_slab_request req = { .nr_cpus = c->nr_cpus, .tuning = &t };
		char name[64], same_name[64], flags[256] = "", checks[8];
		unsigned int size, order, objects, min_partial, cpu_partial;
		struct mm_slab_layout l;

		ck_assert_int_ge(sscanf(line, "%63[^,],%u,%u,%255s", name, &req.object_size, &req.align, flags), 3);
		ck_assert_int_eq(sscanf(answer, "%63[^,],%u,%u,%u,%u,%u,%7s", same_name, &size, &order, &objects, &min_partial,
					&cpu_partial, checks), 7);
		ck_assert_str_eq(name, same_name);
		req.name = (struct mm_str){ name, strlen(name) };
		ck_assert_int_eq(mm_slab_flags_parse((struct mm_str){ flags, strlen(flags) }, &req.flags), 0);
		ck_assert_int_eq(mm_slab_layout_of(&l, &req), 0);
		ck_assert_msg(l.slab_size == size && l.order == order && l.objects_per_slab == objects &&
			      l.min_partial == min_partial && l.cpu_partial == cpu_partial &&
			      (l.flags & MM_SLAB_DEBUG_FLAGS) == flags_of_letters(checks),
			      "%s of %s: %u,%u,%u,%u,%u flags %#x", answer, c->parameters, l.slab_size, l.order, l.objects_per_slab,
			      l.min_partial, l.cpu_partial, l.flags);
		rows++;
	}
	ck_assert_int_gt(rows, 100);
	free(asked);
	free(told);
}
END_TEST

#define REQ(alloc, size, al, fl, cpus, fixed) \
	{ .kind = alloc, .object_size = size, .align = al, .flags = fl, .nr_cpus = cpus, .fixed_size = fixed }

static const struct layout_case {
	const char *why;
	struct mm_slab_request req;
	uint32_t slab_size, order, objects, offset;
} layout_cases[] = {
	/*
	 * 64 + 8 (red zone word, no room between) + 8 (pointer) + 64 (2 tracks) + 4 (size) + 8 + 64 (left pad)
	 * = 220 -> 256
	 */
	{ "everything around a kmalloc-64", REQ(MM_SLAB_SLUB, 64, 64,
	  MM_SLAB_KMALLOC | MM_SLAB_RED_ZONE | MM_SLAB_POISON | MM_SLAB_STORE_USER, 1, 0), 256, 0, 16, 72 },
	/* 60 -> 64: 4 bytes of red zone fit; + 8 + 8 pad + 8 = 80 */
	{ "a red zone that fits into the rounding", REQ(MM_SLAB_SLUB, 60, 0, MM_SLAB_RED_ZONE, 1, 0), 80, 0, 51, 24 },
	{ "the pointer lies in the middle, word aligned", REQ(MM_SLAB_SLUB, 60, 0, 0, 1, 0), 64, 0, 64, 24 },
	{ "a constructor moves the pointer behind", REQ(MM_SLAB_SLUB, 60, 0, MM_SLAB_CTOR, 1, 0), 72, 0, 56, 64 },
	{ "hardware alignment lets two objects share a line", REQ(MM_SLAB_SLUB, 30, 0, MM_SLAB_HWCACHE_ALIGN, 1, 0), 32, 0, 128, 8 },
	{ "a recorded size wins", REQ(MM_SLAB_SLUB, 184, 0, 0, 1, 192), 192, 0, 21, 88 },
	{ "the largest object is a whole block", REQ(MM_SLAB_SLUB, MM_KMALLOC_MAX_SIZE, 0, 0, 1, 0), MM_KMALLOC_MAX_SIZE, 10, 1,
	  MM_KMALLOC_MAX_SIZE / 2 },
	/* SLAB: 64 objects, indices inside the last free object */
	{ "slab: 64 bytes", REQ(MM_SLAB_SLAB, 64, 0, 0, 1, 0), 64, 0, 64, 0 },
	/* 4096 / 8 = 512 > 255; size becomes 16: 256 > 255; on slab 4096 / 17 = 240 */
	{ "slab: byte indices bound the smallest", REQ(MM_SLAB_SLAB, 8, 0, 0, 1, 0), 16, 0, 240, 0 },
	/* order 0: 1 object, 1896 left, 8 * 1896 > 4096; order 1: 3 objects */
	{ "slab: waste of more than an eighth goes to order 1", REQ(MM_SLAB_SLAB, 2200, 0, 0, 1, 0), 2200, 1, 3, 0 },
	{ "slab: a reclaimable cache stays at the first order", REQ(MM_SLAB_SLAB, 2200, 0, MM_SLAB_RECLAIM_ACCOUNT, 1, 0), 2200, 0, 1, 0 },
	{ "slob: two-byte units", REQ(MM_SLAB_SLOB, 61, 0, 0, 1, 0), 62, 0, 64, 0 },
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
	{ "size 0", REQ(MM_SLAB_SLUB, 0, 0, 0, 1, 0) },
	{ "beyond KMALLOC_MAX_SIZE", REQ(MM_SLAB_SLUB, MM_KMALLOC_MAX_SIZE + 1, 0, 0, 1, 0) },
	{ "alignment 24", REQ(MM_SLAB_SLUB, 64, 24, 0, 1, 0) },
	{ "recorded size below the object's", REQ(MM_SLAB_SLUB, 64, 0, 0, 1, 56) },
	{ "debugging makes it larger than a block", REQ(MM_SLAB_SLUB, MM_KMALLOC_MAX_SIZE, 0, MM_SLAB_STORE_USER, 1, 0) },
	{ "no such allocator", REQ(MM_NR_SLAB_KINDS, 64, 0, 0, 1, 0) },
};
START_TEST(layout_refused)
{
	struct mm_slab_layout l = { .order = 77 };

	ck_assert_msg(mm_slab_layout_of(&l, &bad_layouts[_i].req) < 0, "%s", bad_layouts[_i].why);
	ck_assert_msg(l.order == 77, "%s: output touched", bad_layouts[_i].why);
}
END_TEST

/* ---- the kernel's command line ---- */

static const struct debug_case {
	const char *why, *slub_debug, *name;
	uint32_t object_size, align, flags;
	uint32_t slab_size, order, flags_after;
} debug_cases[] = {
#define F MM_SLAB_CONSISTENCY_CHECKS
#define Z MM_SLAB_RED_ZONE
#define P MM_SLAB_POISON
#define U MM_SLAB_STORE_USER
#define T MM_SLAB_TRACE
	/* 192 + 8 red + 8 pointer + 64 tracks + 8 + 8 left pad = 288; 14 of them leave 64 bytes of a page */
	{ "nothing is full debugging", "", "dentry", 192, 0, 0, 288, 0, F | Z | P | U },
	{ "checks alone take no bytes", "F", "dentry", 192, 0, 0, 192, 0, F },
	/* poison moves the pointer out: 192 + 8 */
	{ "poison", "p", "dentry", 192, 0, 0, 200, 0, P },
	/* 192 + 8 red word + 8 + 8 left pad */
	{ "red zones", "Z", "dentry", 192, 0, 0, 216, 0, Z },
	/* 190 -> 192 has 2 bytes for the red zone; + 8 + 8 */
	{ "a red zone within the rounding", "Z", "x", 190, 0, 0, 208, 0, Z },
	/* 4 -> 8, pointer outside as the object is smaller than a word: 8 + 8 + 8 + 8 */
	{ "red zones of an object below a word", "Z", "x", 4, 0, 0, 32, 0, Z },
	/* 192 + 64 */
	{ "owners", "U", "x", 192, 0, 0, 256, 0, U },
	/* kmalloc-192: + 8 pointer for the original size + 64 + 4 = 268 -> 272 */
	{ "owners of kmalloc keep the size asked for", "U", "kmalloc-192", 192, 8, MM_SLAB_KMALLOC, 272, 0, U },
	/* kmalloc-256: 256 + 8 + 8 + 64 + 4 + 8 + 256 = 604 -> 768 */
	{ "a red zone before an aligned object is as large as the alignment", "ZPU", "kmalloc-256", 256, 256, MM_SLAB_KMALLOC, 768, 1,
	  Z | P | U },
	/* rcu: pointer outside anyhow: 192 + 8 red + 8 + 64 + 8 + 8 */
	{ "RCU objects", "ZPU", "x", 192, 0, MM_SLAB_TYPESAFE_BY_RCU, 288, 0, Z | P | U | MM_SLAB_TYPESAFE_BY_RCU },
	{ "trace", "T", "x", 64, 0, 0, 64, 0, T },
	{ "only the caches named", "Z,dentry", "dentry", 192, 0, 0, 216, 0, Z },
	{ "not the others", "Z,dentry", "inode", 192, 0, 0, 192, 0, 0 },
	{ "not those that begin so", "Z,dentry", "dentry2", 192, 0, 0, 192, 0, 0 },
	{ "nor those that it begins with", "Z,dentry", "dent", 192, 0, 0, 192, 0, 0 },
	{ "a list without letters is full debugging", ",dentry", "dentry", 192, 0, 0, 288, 0, F | Z | P | U },
	{ "a star at the end", "P,kmalloc-*,dentry", "kmalloc-64", 64, 0, 0, 72, 0, P },
	{ "the first block that names it", "Z,dentry;U,dent*", "dentry", 192, 0, 0, 216, 0, Z },
	{ "the second block", "Z,dentry;U,kmalloc-*", "kmalloc-192", 192, 8, MM_SLAB_KMALLOC, 272, 0, U },
	{ "the last block for all, but a list wins", "FZ;-,zs_handle,zspage", "zspage", 192, 0, 0, 192, 0, 0 },
	{ "the last block for all", "U;FZ;-,zs_handle,zspage", "dentry", 192, 0, 0, 216, 0, F | Z },
	{ "- forgets what stands before it", "FZ-P", "x", 192, 0, 0, 200, 0, P },
	{ "no owner where it would leak traces", "FU", "x", 192, 0, MM_SLAB_NOLEAKTRACE, 192, 0, F | MM_SLAB_NOLEAKTRACE },
	{ "unless by name", "FU,x", "x", 192, 0, MM_SLAB_NOLEAKTRACE, 256, 0, F | U | MM_SLAB_NOLEAKTRACE },
	{ "a cache that the user may not change", "FZPU", "x", 192, 0, MM_SLAB_NO_USER_FLAGS, 192, 0, MM_SLAB_NO_USER_FLAGS },
	{ "the cache's own flags stay", "F", "x", 192, 0, Z, 216, 0, F | Z },
	/* 4096 with red zones needs order 1 at least: without metadata it stays 4096; F takes none */
	{ "O: no larger order", "FZPUO", "kmalloc-4k", 4096, 4096, MM_SLAB_KMALLOC, 4096, 3, F | MM_SLAB_KMALLOC },
	{ "O: where it is not larger", "FZPUO", "x", 192, 0, 0, 288, 0, F | Z | P | U },
	{ "empty blocks", ";;Z,dentry;;", "dentry", 192, 0, 0, 216, 0, Z },
};
START_TEST(slub_debug)
{
	const struct debug_case *c = &debug_cases[_i];
	struct mm_sysctls sysctls;
	struct mm_slab_tuning t;
	struct mm_slab_request req = { .object_size = c->object_size, .align = c->align, .flags = c->flags, .nr_cpus = 1,
				       .name = { c->name, strlen(c->name) }, .tuning = &t };
	struct mm_slab_layout l;
	struct mm_error err = { 0 };

	mm_sysctls_init(&sysctls);
	ck_assert_int_eq(mm_sysctls_set(&sysctls, MM_STR("slub_debug"), (struct mm_str){ c->slub_debug, strlen(c->slub_debug) },
					&err), 0);
	mm_slab_tuning_init(&t, &sysctls);
	ck_assert_int_eq(mm_slab_layout_of(&l, &req), 0);
	ck_assert_msg(l.slab_size == c->slab_size && l.order == c->order, "%s: %u, order %u", c->why, l.slab_size, l.order);
	ck_assert_msg(l.flags == (c->flags_after | c->flags), "%s: flags %#x", c->why, l.flags);
	/* nothing on the CPU's list under debugging */
	ck_assert_msg((l.cpu_partial == 0) == ((l.flags & MM_SLAB_DEBUG_FLAGS) != 0), "%s", c->why);
}
END_TEST

START_TEST(slub_debug_refused)
{
	static const char *const texts[] = { "X", "FZ;Q,dentry", "1", "F Z" };
	struct mm_sysctls s;
	struct mm_error err = { 0 };

	mm_sysctls_init(&s);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		ck_assert_int_eq(mm_sysctls_set(&s, MM_STR("slub_debug"), (struct mm_str){ texts[i], strlen(texts[i]) }, &err),
				 -EINVAL);
	ck_assert(!s.set[MM_SYSCTL_SLUB_DEBUG]);
	ck_assert_ptr_nonnull(strstr(err.text, "found ' Z'"));
}
END_TEST

static const struct cmdline_case {
	const char *line, *slub_debug;
	int64_t nomerge, min_order, max_order, min_objects, nokmem;
} cmdline_cases[] = {
	{ "BOOT_IMAGE=/vmlinuz root=/dev/sda1 ro quiet", "", 0, 0, 3, 0, 0 },
	{ "ro slub_debug slab_nomerge", "FZPU", 1, 0, 3, 0, 0 },
	{ "slub_debug=FZ,dentry;U,kmalloc-* slub_nomerge slub_merge", "FZ,dentry;U,kmalloc-*", 0, 0, 3, 0, 0 },
	{ "slub_debug=FQZ,Qx", "FZ,Qx", 0, 0, 3, 0, 0 },		/* "option 'Q' unknown. skipped" */
	{ "slub_debug=Q", "-", 0, 0, 3, 0, 0 },
	{ "slub_min_order=1 slub_max_order=99 slub_min_objects=40 -- slub_min_order=2", "", 0, 1, 10, 40, 0 },
	{ "cgroup.memory=nosocket,nokmem slub_max_order=x", "", 0, 0, 3, 0, 1 },
	{ "slub_min_orders=4 xslub_debug=F", "", 0, 0, 3, 0, 0 },
};
START_TEST(cmdline)
{
	const struct cmdline_case *c = &cmdline_cases[_i];
	struct mm_sysctls s;
	struct mm_error err = { 0 };

	mm_sysctls_init(&s);
	mm_cmdline_sysctls((struct mm_str){ c->line, strlen(c->line) }, &s);
	ck_assert_str_eq(s.slub_debug, c->slub_debug);
	ck_assert_int_eq(s.v[MM_SYSCTL_SLAB_NOMERGE], c->nomerge);
	ck_assert_int_eq(s.v[MM_SYSCTL_SLUB_MIN_ORDER], c->min_order);
	ck_assert_int_eq(s.v[MM_SYSCTL_SLUB_MAX_ORDER], c->max_order);
	ck_assert_int_eq(s.v[MM_SYSCTL_SLUB_MIN_OBJECTS], c->min_objects);
	ck_assert_int_eq(s.v[MM_SYSCTL_CGROUP_MEMORY], c->nokmem);
	/* what was given on ours wins */
	mm_sysctls_init(&s);
	ck_assert_int_eq(mm_sysctls_set(&s, MM_STR("slub_debug"), MM_STR("T"), &err), 0);
	mm_cmdline_sysctls((struct mm_str){ c->line, strlen(c->line) }, &s);
	ck_assert_str_eq(s.slub_debug, "T");
}
END_TEST

static const struct order_case {
	const char *why;
	uint32_t object_size, nr_cpus, min_order, max_order, min_objects;
	uint32_t order, objects;
} order_cases[] = {
	/* 16 objects of 700 = 11200: order 2, 16384 % 704 = 192 is below a 16th */
	{ "700 bytes, 4 CPUs", 700, 4, 0, 3, 0, 2, 23 },
	{ "at least 8 pages", 700, 4, 3, 3, 0, 3, 46 },
	/* at most 2 pages hold 11: 8192 % 704 = 448 is below a 16th of 8192 (512) */
	{ "at most 2 pages", 700, 4, 0, 1, 0, 1, 11 },
	{ "at most 1 page", 700, 4, 0, 0, 0, 0, 5 },
	/* 40 objects = 28160 bytes: order 3 */
	{ "40 objects", 700, 4, 0, 3, 40, 3, 46 },
	/* one object of 5000 does not fit into a page: beyond the maximum */
	{ "an object larger than the maximum allows", 5000, 4, 0, 0, 0, 1, 1 },
	/* 8 bytes in 2^7 pages would be 65536 objects: 32767 * 8 bytes need order 6, less one */
	{ "no more than 32767 objects", 8, 4, 7, 10, 0, 5, 16384 },
};
START_TEST(slub_orders)
{
	const struct order_case *c = &order_cases[_i];
	struct mm_slab_tuning t;
	struct mm_slab_request req = { .object_size = c->object_size, .nr_cpus = c->nr_cpus, .tuning = &t };
	struct mm_slab_layout l;

	mm_slab_tuning_init(&t, NULL);
	t.slub_min_order = c->min_order;
	t.slub_max_order = c->max_order;
	t.slub_min_objects = c->min_objects;
	ck_assert_int_eq(mm_slab_layout_of(&l, &req), 0);
	ck_assert_msg(l.order == c->order && l.objects_per_slab == c->objects, "%s: order %u, %u objects", c->why, l.order,
		      l.objects_per_slab);
}
END_TEST

static const struct slab_case {
	const char *why;
	uint32_t object_size, align, flags, nr_cpus;
	bool debug;
	uint32_t max_order;
	uint32_t slab_size, order, objects, limit, shared;
	bool off_slab;
} slab_cases[] = {
	{ "256 bytes are the last of 120", 256, 0, 0, 2, false, 1, 256, 0, 16, 120, 8, false },
	{ "above 256: 54", 264, 0, 0, 2, false, 1, 264, 0, 15, 54, 8, false },
	/* a page holds 3 and leaves 1000, more than an eighth: two hold 7 */
	{ "above 1024: 24", 1032, 0, 0, 2, false, 1, 1032, 1, 7, 24, 8, false },
	/* none fits into a page; two hold one */
	{ "above a page: 8 and no shared array", 4104, 0, 0, 2, false, 1, 4104, 1, 1, 8, 0, false },
	{ "above 128K: 1", 131080, 0, 0, 2, false, 1, 131080, 6, 1, 1, 0, false },
	{ "one CPU shares with nobody", 256, 0, 0, 1, false, 1, 256, 0, 16, 120, 0, false },
	/* 2200: with order 0 alone one object, and 1896 bytes are left */
	{ "slab_max_order=0", 2200, 0, 0, 1, false, 0, 2200, 0, 1, 24, 0, false },
	/* 1 leaves 1896 of 4096, 3 leave 1592 of 8192, 7 leave 984 of 16384: the first within an eighth */
	{ "slab_max_order=3", 2200, 0, 0, 1, false, 3, 2200, 2, 7, 24, 0, false },
	/* ctor: no index inside an object. 4096 / 192 = 21, rest 64 >= 21 indices: on the slab, 4096 / 193 = 21 */
	{ "a constructor: indices in the rest of the slab", 192, 0, MM_SLAB_CTOR, 1, false, 1, 192, 0, 21, 120, 0, false },
	/* 4096 / 256 = 16, no rest; an index array is a kmalloc-32, at most half of 256: off slab */
	{ "a constructor: indices off the slab", 256, 0, MM_SLAB_CTOR, 1, false, 1, 256, 0, 16, 120, 0, true },
	/* 64 objects of 64 need a kmalloc-64, more than half an object: on the slab, 4096 / 65 = 63 */
	{ "a constructor: off the slab is dear", 64, 0, MM_SLAB_CTOR, 1, false, 1, 64, 0, 63, 120, 0, false },
	{ "no index array that leak tracing would see", 256, 0, MM_SLAB_CTOR | MM_SLAB_NOLEAKTRACE, 1, false, 1, 256, 0, 15, 120, 0,
	  false },
	/* CONFIG_DEBUG_SLAB: 100 -> 104 + 16 + 8; batches of 16 */
	{ "debugging", 100, 0, 0, 2, true, 1, 128, 0, 32, 32, 8, false },
	/* aligned to 64: no red zones */
	{ "no red zones beside an alignment", 100, 64, 0, 2, true, 1, 128, 0, 32, 32, 8, false },
	/* 4096 + 24 would cross the power of two */
	{ "no red zones at a power of two from a page on", 4096, 0, 0, 2, true, 1, 4096, 0, 1, 24, 8, false },
};
START_TEST(slab_layouts)
{
	const struct slab_case *c = &slab_cases[_i];
	struct mm_slab_tuning t;
	struct mm_slab_request req = { .kind = MM_SLAB_SLAB, .object_size = c->object_size, .align = c->align, .flags = c->flags,
				       .nr_cpus = c->nr_cpus, .tuning = &t };
	struct mm_slab_layout l;

	mm_slab_tuning_init(&t, NULL);
	t.debug_slab = c->debug;
	t.slab_max_order = c->max_order;
	ck_assert_int_eq(mm_slab_layout_of(&l, &req), 0);
	ck_assert_msg(l.slab_size == c->slab_size && l.order == c->order && l.objects_per_slab == c->objects,
		      "%s: %u, order %u, %u objects", c->why, l.slab_size, l.order, l.objects_per_slab);
	ck_assert_msg(l.num_limit == c->limit && l.batchcount == (c->limit + 1) / 2 && l.shared == c->shared &&
		      l.off_slab == c->off_slab, "%s: %u %u %d", c->why, l.num_limit, l.shared, l.off_slab);
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
	LOOP(layout_of_boots, boots);
	LOOP(layout_by_hand, layout_cases);
	LOOP(layout_refused, bad_layouts);
	LOOP(slub_debug, debug_cases);
	tcase_add_test(tc, slub_debug_refused);
	LOOP(cmdline, cmdline_cases);
	LOOP(slub_orders, order_cases);
	LOOP(slab_layouts, slab_cases);
	tcase_add_test(tc, flag_words);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
