/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Nodes, zones and watermarks against what kernels reported, and machines that boot from maps and captures */
#include <check.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libmm/source.h>
#include "phys/phys.h"

static struct mm_ctx ctx;
static struct mm_phys *phys;
static struct mm_region_list map;
static struct mm_error err;

static void setup(void)
{
	ctx = (struct mm_ctx){ .nr_cpus = 2 };
	mm_sysctls_init(&ctx.sysctl);
	map = (struct mm_region_list){ 0 };
	err = (struct mm_error){ 0 };
	phys = NULL;
}

static void teardown(void)
{
	mm_phys_free(phys);
	mm_region_list_free(&map);
}

static const char *data(const char *name)
{
	static char path[512];
	const char *srcdir = getenv("srcdir");

	snprintf(path, sizeof(path), "%s/tests/data/%s", srcdir ? srcdir : ".", name);
	return path;
}

static void read_map(const char *name)
{
	struct mm_input *in;

	ck_assert_msg(!mm_input_open(&in, data(name), &err), "%s", err.text);
	ck_assert_msg(!mm_regions_read(&map, in, &err), "%s", err.text);
	mm_input_free(in);
}

static void boot(struct mm_phys_config cfg)
{
	cfg.regions = &map;
	cfg.nr_cpus = ctx.nr_cpus;
	ck_assert_msg(!mm_phys_new(&phys, &ctx, &cfg, &err), "%s", err.text);
}

static void ram(uint64_t start, uint64_t size, uint32_t node)
{
	struct mm_region r = { .start = start, .end = start + size - 1, .node = node, .kind = MM_REGION_RAM };

	ck_assert_int_eq(mm_region_list_add(&map, &r, MM_STR("System RAM")), 0);
}

struct want {
	uint32_t node;
	enum mm_zone_type zone;
	uint64_t start, spanned, present;
};

/* Every zone with pages is one of @want, in order, and all of them are there. */
static void ck_zones(const char *why, const struct want *want)
{
	size_t k = 0;

	for (uint32_t n = 0; n < MM_MAX_NODES; n++)
		for (int t = 0; phys->nodes[n] && t < MM_MAX_NR_ZONES; t++) {
			const struct mm_zone *z = &phys->nodes[n]->zones[t];
			const struct want *w = &want[k];

			if (!z->spanned_pages)
				continue;
			ck_assert_msg(w->spanned && w->node == n && (int)w->zone == t && w->start == z->start_pfn &&
				      w->spanned == z->spanned_pages && w->present == z->present_pages,
				      "%s: node %u zone %d: start %u spanned %" PRIu64 " present %" PRIu64, why, n, t, z->start_pfn,
				      z->spanned_pages, z->present_pages);
			k++;
		}
	ck_assert_msg(!want[k].spanned, "%s: only %zu zones", why, k);
}

static const struct map_case {
	const char *why, *file;
	struct want want[6];
} map_cases[] = {	/* zoneinfo of the very machines */
	{ "two nodes, one with the hole", "zones/6.6-numa.dmesg", {
	  { 0, MM_ZONE_DMA, 1, 4095, 3998 }, { 0, MM_ZONE_DMA32, 4096, 520192, 520192 },
		{ 1, MM_ZONE_DMA32, 524288, 524288, 262109 }, { 1, MM_ZONE_NORMAL, 1048576, 262144, 262144 } } },
	{ "3 GiB: DMA32 ends with RAM", "zones/6.6-3G.iomem",
	  { { 0, MM_ZONE_DMA, 1, 4095, 3998 }, { 0, MM_ZONE_DMA32, 4096, 782301, 782301 } } },
	{ "4 GiB: DMA32 spans the hole", "zones/6.12-4G.iomem", {
	  { 0, MM_ZONE_DMA, 1, 4095, 3998 }, { 0, MM_ZONE_DMA32, 4096, 1044480, 782301 },
		{ 0, MM_ZONE_NORMAL, 1048576, 262144, 262144 } } },
	{ "6 GiB, from the log", "zones/6.1-6G.dmesg", {
	  { 0, MM_ZONE_DMA, 1, 4095, 3998 }, { 0, MM_ZONE_DMA32, 4096, 1044480, 782301 },
		{ 0, MM_ZONE_NORMAL, 1048576, 786432, 786432 } } },
};

START_TEST(zones_of_maps)
{
	const struct map_case *c = &map_cases[_i];

	read_map(c->file);
	boot((struct mm_phys_config){ .sizes_only = true });
	ck_zones(c->why, c->want);
}
END_TEST

START_TEST(zones_of_memmap)	/* the firmware's map, untrimmed: the kernel cuts page 0 and the partial page at 0x9fc00 */
{
	struct mm_sysroot *root;

	ck_assert_int_eq(mm_sysroot_open(&root, data("memmap"), &err), 0);
	ck_assert_msg(!mm_sysroot_regions(root, &map, NULL, &err), "%s", err.text);
	mm_sysroot_free(root);
	boot((struct mm_phys_config){ .sizes_only = true });
	ck_zones("1 GiB", (const struct want[]){ { 0, MM_ZONE_DMA, 1, 4095, 3998 },
		{ 0, MM_ZONE_DMA32, 4096, 258013, 258013 }, { 0 } });
}
END_TEST

static const struct rule_case {
	const char *why;
	uint64_t ram[4][3];			/* start, size, node */
	struct mm_phys_config cfg;
	struct want want[6];
} rule_cases[] = {	/* hand arithmetic: 1 MiB = 256 pages, 16 MiB = 4096, 4 GiB = 1048576 */
	{ "RAM only above 4 GiB: one zone", { { 1ull << 32, 1ull << 30, 0 } }, { 0 }, { { 0, MM_ZONE_NORMAL, 1048576, 262144, 262144 } } },
	{ "RAM that begins at 8 MiB", { { 8 << 20, 24 << 20, 0 } }, { 0 },
	  { { 0, MM_ZONE_DMA, 2048, 2048, 2048 }, { 0, MM_ZONE_DMA32, 4096, 4096, 4096 } } },
	{ "the BIOS area is never RAM", { { 0, 16 << 20, 0 } }, { 0 }, { { 0, MM_ZONE_DMA, 1, 4095, 4096 - 1 - 96 } } },
	{ "pages cut in two entries stay whole", { { 1 << 20, 0x1800, 0 }, { (1 << 20) + 0x1800, 0x800, 0 } }, { 0 },
	  { { 0, MM_ZONE_DMA, 256, 2, 2 } } },
	{ "partial pages go", { { (1 << 20) + 1, 0x3000, 0 } }, { 0 }, { { 0, MM_ZONE_DMA, 257, 2, 2 } } },
	{ "overlapping entries count once", { { 1 << 20, 8 << 20, 0 }, { 4 << 20, 8 << 20, 0 } }, { 0 },
	  { { 0, MM_ZONE_DMA, 256, 2816, 2816 } } },
	{ "mem= cuts by address", { { 1 << 20, 15 << 20, 0 }, { 1ull << 32, 1ull << 30, 0 } }, { .mem_limit_bytes = 8 << 20 },
	  { { 0, MM_ZONE_DMA, 256, 1792, 1792 } } },
	/* 64 MiB above 4 GiB and 16 MiB below: of 20480 pages 1000, rounded up to 1024, are movable */
	{ "movablecore= is rounded up to 4 MiB", { { 0x1000000, 16 << 20, 0 }, { 1ull << 32, 64 << 20, 0 } },
	  { .movablecore_bytes = 1000 << 12 },
	  { { 0, MM_ZONE_DMA32, 4096, 1044480, 4096 }, { 0, MM_ZONE_NORMAL, 1048576, 15360, 15360 },
	    { 0, MM_ZONE_MOVABLE, 1063936, 1024, 1024 } } },
	/* kernelcore= less than what lies below 4 GiB: all of Normal is movable */
	{ "kernelcore= met below 4 GiB", { { 0x1000000, 16 << 20, 0 }, { 1ull << 32, 64 << 20, 0 } }, { .kernelcore_bytes = 8 << 20 },
	  { { 0, MM_ZONE_DMA32, 4096, 1044480, 4096 }, { 0, MM_ZONE_MOVABLE, 1048576, 16384, 16384 } } },
	{ "kernelcore= of all RAM: no movable zone", { { 1ull << 32, 64 << 20, 0 } }, { .kernelcore_bytes = 64 << 20 },
	  { { 0, MM_ZONE_NORMAL, 1048576, 16384, 16384 } } },
	/*
	 * 64 and 16 MiB: 40 MiB of kernelcore is 20 a node; node 1 has 16, so node 0 takes the 4 left in the
	 * second round
	 */
	{ "kernelcore= spreads over nodes", { { 1ull << 32, 64 << 20, 0 }, { (1ull << 32) + (64 << 20), 16 << 20, 1 } },
	  { .kernelcore_bytes = 40 << 20 },
	  { { 0, MM_ZONE_NORMAL, 1048576, 6144, 6144 }, { 0, MM_ZONE_MOVABLE, 1054720, 10240, 10240 },
	    { 1, MM_ZONE_NORMAL, 1064960, 4096, 4096 } } },
	{ "nodes that alternate span each other's RAM", { { 1ull << 32, 16 << 20, 0 }, { (1ull << 32) + (16 << 20), 16 << 20, 1 },
	  { (1ull << 32) + (32 << 20), 16 << 20, 0 } }, { 0 },
	  { { 0, MM_ZONE_NORMAL, 1048576, 12288, 8192 }, { 1, MM_ZONE_NORMAL, 1052672, 4096, 4096 } } },
};

START_TEST(zones_by_rule)
{
	const struct rule_case *c = &rule_cases[_i];
	struct mm_phys_config cfg = c->cfg;

	for (int i = 0; i < 4 && c->ram[i][1]; i++)
		ram(c->ram[i][0], c->ram[i][1], (uint32_t)c->ram[i][2]);
	cfg.sizes_only = true;
	boot(cfg);
	ck_zones(c->why, c->want);
}
END_TEST

/* ---- watermarks: rows of captures with the tunables they were taken under ---- */

struct wmark_line {
	char capture[64], ratio[64], zone[16], protection[128];
	uint64_t min_free, scale, node, start, spanned, present, managed, min, low, high;
};

static bool read_line(FILE *f, struct wmark_line *l)
{
	return fscanf(f, "%63[^,],%" SCNu64 ",%" SCNu64 ",%63[^,],%" SCNu64 ",%15[^,],%" SCNu64 ",%" SCNu64 ",%" SCNu64 ",%" SCNu64
		      ",%" SCNu64 ",%" SCNu64 ",%" SCNu64 ",%127s ", l->capture, &l->min_free, &l->scale, l->ratio, &l->node, l->zone,
		      &l->start, &l->spanned, &l->present, &l->managed, &l->min, &l->low, &l->high, l->protection) == 14;
}

static void ck_wmarks(const struct wmark_line *l)
{
	char protection[128] = "";
	size_t n = 0;

	for (int t = 0; t < MM_MAX_NR_ZONES; t++) {
		const struct mm_zone *z = &phys->nodes[l->node]->zones[t];

		if (strcmp(mm_zone_type_name((enum mm_zone_type)t), l->zone))
			continue;
		for (int i = 0; i < MM_MAX_NR_ZONES; i++)
			n += (size_t)snprintf(protection + n, sizeof(protection) - n, "%s%" PRIu64, i ? "|" : "",
					      z->lowmem_reserve[i]);
		ck_assert_msg(z->watermark[MM_WMARK_MIN] == l->min && z->watermark[MM_WMARK_LOW] == l->low &&
			      z->watermark[MM_WMARK_HIGH] == l->high && !strcmp(protection, l->protection),
			      "%s: node %" PRIu64 " %s: min %" PRIu64 " low %" PRIu64 " high %" PRIu64 " protection %s", l->capture,
			      l->node, l->zone, z->watermark[MM_WMARK_MIN], z->watermark[MM_WMARK_LOW], z->watermark[MM_WMARK_HIGH],
			      protection);
	}
}

static void ck_capture(const struct wmark_line *l, size_t nr)
{
	struct mm_zoneinfo_row rows[8] = { 0 };
	struct mm_zoneinfo zi = { .v = rows, .nr = nr };
	char number[24];

	for (size_t i = 0; i < nr; i++) {
		rows[i] = (struct mm_zoneinfo_row){ .node = (uint32_t)l[i].node, .start_pfn = l[i].start,
			.spanned_pages = l[i].spanned,
						    .present_pages = l[i].present, .managed_pages = l[i].managed,
						    .free_pages = MM_MISSING_U64 };
		strcpy(rows[i].zone, l[i].zone);
	}
	mm_sysctls_init(&ctx.sysctl);
	snprintf(number, sizeof(number), "%" PRIu64, l->min_free);
	mm_sysctls_set(&ctx.sysctl, MM_STR("vm.min_free_kbytes"), (struct mm_str){ number, strlen(number) }, NULL);
	snprintf(number, sizeof(number), "%" PRIu64, l->scale);
	mm_sysctls_set(&ctx.sysctl, MM_STR("vm.watermark_scale_factor"), (struct mm_str){ number, strlen(number) },
		       NULL);
	mm_sysctls_set(&ctx.sysctl, MM_STR("vm.lowmem_reserve_ratio"), (struct mm_str){ l->ratio, strlen(l->ratio) },
		       NULL);
	boot((struct mm_phys_config){ .zoneinfo = &zi, .sizes_only = true });
	for (size_t i = 0; i < nr; i++)
		ck_wmarks(&l[i]);
	mm_phys_free(phys);
	phys = NULL;
}

START_TEST(watermarks_of_captures)
{
	static struct wmark_line l[9];
	FILE *f = fopen(data("zones/wmarks.csv"), "r");
	size_t nr = 0, captures = 0;

	ck_assert_ptr_nonnull(f);
	(void)!fscanf(f, "%*[^\n] ");
	while (read_line(f, &l[nr])) {
		if (nr && strcmp(l[nr].capture, l[0].capture)) {
			ck_capture(l, nr);
			captures++;
			l[0] = l[nr];
			nr = 0;
		}
		ck_assert_uint_lt(++nr, 8);
	}
	ck_capture(l, nr);
	fclose(f);
	ck_assert_uint_eq(captures + 1, 16 + 18 + 18);	/* settings of three machines */
}
END_TEST

/* min_free_kbytes: sqrt(16 * lowmem kB), or with THP 11 pageblocks a zone: set_recommended_min_free_kbytes(). */
START_TEST(min_free_kbytes_at_boot)
{
	ram(1ull << 32, 1ull << 30, 0);
	ctx.sysctl.v[MM_SYSCTL_THP] = 0;
	boot((struct mm_phys_config){ .sizes_only = true, .bare = true });
	/*
	 * 262144 pages: first 4096 kB, so high is 1024 + 2 * 256 = 1536 pages; then sqrt(16 * 4 * (262144 -
	 * 1536)) = 4083
	 */
	ck_assert_uint_eq(phys->min_free_kbytes, 4083);
	mm_phys_free(phys);
	ctx.sysctl.v[MM_SYSCTL_THP] = 2;
	boot((struct mm_phys_config){ .sizes_only = true, .bare = true });
	ck_assert_uint_eq(phys->min_free_kbytes, 512 * 11 * 4);	/* one zone; 5 % of lowmem is 13030 pages */
}
END_TEST

/* ---- whole machines ---- */

static uint64_t sum(size_t offset)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < phys->nr_zones; i++)
		n += *(const uint64_t *)(const void *)((const char *)phys->zone_table[i] + offset);
	return n;
}

START_TEST(default_machine_boots)
{
	ck_assert_int_eq(mm_builtin_machine("pc-4g", &map), 0);
	boot((struct mm_phys_config){ 0 });
	ck_assert(mm_phys_is_consistent(phys));
	ck_assert_uint_eq(sum(offsetof(struct mm_zone, present_pages)), 3966 + 515295 + 524288);
	ck_assert_uint_eq(mm_nr_free_pages(phys), phys->totalram_pages);
	ck_assert_uint_eq(sum(offsetof(struct mm_zone, managed_pages)), phys->totalram_pages);
	/* the first MiB is the kernel's: DMA has what lies from 1 MiB to 16 */
	ck_assert_uint_eq(phys->nodes[0]->zones[MM_ZONE_DMA].managed_pages, 3840);
}
END_TEST

START_TEST(bare_machine_has_every_page)
{
	ck_assert_int_eq(mm_builtin_machine("pc-4g", &map), 0);
	boot((struct mm_phys_config){ .bare = true });
	ck_assert(mm_phys_is_consistent(phys));
	ck_assert_uint_eq(mm_nr_free_pages(phys), sum(offsetof(struct mm_zone, present_pages)));
}
END_TEST

START_TEST(capture_boots_with_its_free_pages)
{
	struct mm_zoneinfo_row rows[] = {
		{ .zone = "DMA", .start_pfn = 1, .spanned_pages = 4095, .present_pages = 3998, .managed_pages = 3840, .free_pages = 3839 },
		{ .zone = "DMA32", .start_pfn = 4096, .spanned_pages = 1044480, .present_pages = 782301, .managed_pages = 756504,
		  .free_pages = 12345 },
		{ .zone = "Normal", .start_pfn = 1048576, .spanned_pages = 262144, .present_pages = 262144, .managed_pages = 243703,
		  .free_pages = 0 },
	};
	struct mm_zoneinfo zi = { .v = rows, .nr = 3 };

	if (_i)		/* with the map of the machine, or laid out to fit */
		read_map("zones/6.12-4G.iomem");
	boot((struct mm_phys_config){ .zoneinfo = &zi });
	ck_assert(mm_phys_is_consistent(phys));
	for (int t = 0; t < 3; t++) {
		const struct mm_zone *z = &phys->nodes[0]->zones[t];

		ck_assert_uint_eq(z->free_pages, rows[t].free_pages);
		ck_assert_uint_eq(z->managed_pages, rows[t].managed_pages);
		ck_assert_uint_eq(z->present_pages, rows[t].present_pages);
	}
	ck_assert_uint_eq(phys->totalram_pages, 3840 + 756504 + 243703);
}
END_TEST

START_TEST(no_free_hands_nothing_over)
{
	struct mm_zoneinfo_row row = { .zone = "Normal", .start_pfn = 1048576, .spanned_pages = 4096,
		.present_pages = 4096,
				       .managed_pages = 4000, .free_pages = 3000 };
	struct mm_zoneinfo zi = { .v = &row, .nr = 1 };

	boot((struct mm_phys_config){ .zoneinfo = &zi, .no_free = true });
	ck_assert_uint_eq(mm_nr_free_pages(phys), 0);
	ck_assert_uint_eq(phys->totalram_pages, 4000);
}
END_TEST

/*
 * The marks of the captured kernel stand (zoneinfo prints them with the boost in them), unless a tunable that
 * makes them is given.
 */
START_TEST(capture_boots_with_its_marks)
{
	struct mm_zoneinfo_row row = {
		.zone = "Normal", .start_pfn = 1048576, .spanned_pages = 4096, .present_pages = 4096,
		.managed_pages = 4000,
		.free_pages = 3000, .boost_pages = 10, .min_pages = 110, .low_pages = 135, .high_pages = 160,
		.nr_protection = 5, .protection = { 0, 0, 0, 77, 77 },
	};
	struct mm_zoneinfo zi = { .v = &row, .nr = 1 };
	const struct mm_zone *z;

	boot((struct mm_phys_config){ .zoneinfo = &zi });
	z = &phys->nodes[0]->zones[MM_ZONE_NORMAL];
	ck_assert(z->watermark[MM_WMARK_MIN] == 100 && z->watermark[MM_WMARK_LOW] == 125 &&
		  z->watermark[MM_WMARK_HIGH] == 150);
	ck_assert_uint_eq(z->watermark_boost, 10);
	ck_assert_uint_eq(z->lowmem_reserve[MM_ZONE_MOVABLE], 77);
	ck_assert_uint_eq(phys->min_free_kbytes, 400);
	ck_assert_uint_eq(phys->totalreserve_pages, 77 + 160);
	mm_phys_free(phys);
	mm_sysctls_set(&ctx.sysctl, MM_STR("vm.min_free_kbytes"), MM_STR("1600"), NULL);
	mm_sysctls_set(&ctx.sysctl, MM_STR("vm.lowmem_reserve_ratio"), MM_STR("256 256 32 0"), NULL);
	boot((struct mm_phys_config){ .zoneinfo = &zi });
	z = &phys->nodes[0]->zones[MM_ZONE_NORMAL];
	ck_assert(z->watermark[MM_WMARK_MIN] == 400 && z->watermark[MM_WMARK_LOW] == 500 && z->watermark_boost == 0);
	ck_assert_uint_eq(z->lowmem_reserve[MM_ZONE_MOVABLE], 0);	/* nothing above Normal */
}
END_TEST

/* mem= makes another machine: the map is followed, and without one there is nothing to follow. */
START_TEST(capture_of_another_size)
{
	struct mm_zoneinfo_row row = { .zone = "Normal", .start_pfn = 1048576, .spanned_pages = 4096,
		.present_pages = 4096,
				       .managed_pages = 4000, .free_pages = 3000, .boost_pages = MM_MISSING_U64 };
	struct mm_zoneinfo zi = { .v = &row, .nr = 1 };
	struct mm_phys_config cfg = { .zoneinfo = &zi, .nr_cpus = 1, .mem_limit_bytes = 1ull << 30 };

	ck_assert_int_eq(mm_phys_new(&phys, &ctx, &cfg, &err), -EINVAL);
	ck_assert_msg(strstr(err.text, "expected a map of memory"), "%s", err.text);
	read_map("zones/6.6-3G.iomem");
	cfg.regions = &map;
	ck_assert_int_eq(mm_phys_new(&phys, &ctx, &cfg, &err), 0);
	ck_zones("1 of 3 GiB", (const struct want[]){ { 0, MM_ZONE_DMA, 1, 4095, 3998 },
		{ 0, MM_ZONE_DMA32, 4096, 258048, 258048 }, { 0 } });
}
END_TEST

/* A tebibyte: only heads of blocks are touched. */
START_TEST(large_machine_boots)
{
	ram(0, 2ull << 30, 0);
	ram(1ull << 32, (1ull << 40) - (2ull << 30), 0);
	if (sizeof(void *) < 8)			/* 8 GiB of page descriptors: no address space holds them */
		return;
	boot((struct mm_phys_config){ .bare = true });
	ck_assert_uint_eq(mm_nr_free_pages(phys), (1ull << 28) - 97);
}
END_TEST

/* Nodes by distance (build_zonelists()): ties go to the next node, which then counts as loaded. */
START_TEST(node_order)
{
	static const uint8_t far_pair[16] = { 10, 12, 20, 20,  12, 10, 20, 20,  20, 20, 10, 12,  20, 20, 12, 10 };
	static const uint32_t want[4][4] = { { 0, 1, 2, 3 }, { 1, 0, 3, 2 }, { 2, 3, 0, 1 }, { 3, 2, 1, 0 } };

	ctx.nr_cpus = 4;
	for (uint32_t n = 0; n < 4; n++)
		ram((1ull << 32) + n * (64ull << 20), 64 << 20, n);
	boot((struct mm_phys_config){ .sizes_only = true, .node_distance = far_pair, .nr_distance = 4 });
	for (uint32_t n = 0; n < 4; n++)
		for (uint32_t i = 0; i < 4; i++)
			ck_assert_msg(phys->nodes[n]->zonelist[i] == want[n][i], "node %u place %u: %u", n, i,
				      phys->nodes[n]->zonelist[i]);
}
END_TEST

/* ---- bad input ---- */

static const struct bad_case {
	const char *why;
	struct mm_region r;
	int code;
} bad_cases[] = {
	{ "reversed",		{ .start = 0x2000, .end = 0x1000, .kind = MM_REGION_RAM }, -EINVAL },
	{ "no RAM",		{ .start = 0, .end = 0xffffff, .kind = MM_REGION_RESERVED }, -EINVAL },
	{ "less than a page",	{ .start = 0x200001, .end = 0x201ffe, .kind = MM_REGION_RAM }, -EINVAL },
	{ "only the first page", { .start = 0, .end = 0xfff, .kind = MM_REGION_RAM }, -EINVAL },
	{ "all 2^64 bytes",	{ .start = 0, .end = UINT64_MAX, .kind = MM_REGION_RAM }, -EINVAL },
	{ "just above 16 TiB",	{ .start = 1ull << 44, .end = (1ull << 44) + 0xffffff, .kind = MM_REGION_RAM }, -EINVAL },
	{ "node 64",		{ .start = 0, .end = 0xffffff, .node = 64, .kind = MM_REGION_RAM }, -EINVAL },
};

START_TEST(bad_maps)
{
	const struct bad_case *c = &bad_cases[_i];
	struct mm_phys_config cfg = { .regions = &map, .nr_cpus = 1 };

	mm_region_list_add(&map, &c->r, MM_STR(""));
	ck_assert_msg(mm_phys_new(&phys, &ctx, &cfg, &err) == c->code && err.text[0] && !phys, "%s", c->why);
}
END_TEST

START_TEST(overlapping_capture_boots)	/* node 1 inside the span of node 0; with a map of all three pieces and without */
{
	struct mm_zoneinfo_row rows[] = {
		{ .node = 0, .zone = "Normal", .start_pfn = 1048576, .spanned_pages = 12288, .present_pages = 8192, .managed_pages = 8192,
		  .free_pages = 8192, .min_pages = MM_MISSING_U64, .low_pages = MM_MISSING_U64, .high_pages = MM_MISSING_U64 },
		{ .node = 1, .zone = "Normal", .start_pfn = 1052672, .spanned_pages = 4096, .present_pages = 4096, .managed_pages = 4096,
		  .free_pages = 4096, .min_pages = MM_MISSING_U64, .low_pages = MM_MISSING_U64, .high_pages = MM_MISSING_U64 },
	};
	struct mm_zoneinfo zi = { .v = rows, .nr = 2 };

	if (_i)
		ram(1ull << 32, 48 << 20, 0);
	boot((struct mm_phys_config){ .zoneinfo = &zi });
	ck_zones("alternating nodes", (const struct want[]){ { 0, MM_ZONE_NORMAL, 1048576, 12288, 8192 },
		{ 1, MM_ZONE_NORMAL, 1052672, 4096, 4096 }, { 0 } });
	ck_assert(phys->nr_present == 3 && phys->present[1].node == 1 && phys->present[1].start_pfn == 1052672 &&
		  phys->present[2].node == 0 && phys->present[2].end_pfn == 1060864);
	ck_assert(mm_page_zone(phys, 1056767)->node == 1 && mm_page_zone(phys, 1056768)->node == 0);
	ck_assert_uint_eq(phys->nodes[0]->zones[MM_ZONE_NORMAL].free_pages, 8192);
	ck_assert_uint_eq(phys->nodes[1]->zones[MM_ZONE_NORMAL].free_pages, 4096);
	ck_assert(mm_phys_is_consistent(phys));
}
END_TEST

static const struct bad_zone {
	const char *why;
	struct mm_zoneinfo_row r[2];
} bad_zones[] = {
	{ "no pages at all", { { .zone = "DMA", .start_pfn = 1 }, { .zone = "Normal" } } },
	{ "more present than spanned",
	  { { .zone = "DMA", .start_pfn = 1, .spanned_pages = 8, .present_pages = 9 }, { .zone = "Normal" } } },
	{ "more managed than present", { { .zone = "DMA", .start_pfn = 1, .spanned_pages = 8, .present_pages = 8, .managed_pages = 9 },
	  { .zone = "Normal" } } },
	{ "more free than managed", { { .zone = "DMA", .start_pfn = 1, .spanned_pages = 8, .present_pages = 8, .managed_pages = 7,
	  .free_pages = 8 }, { .zone = "Normal" } } },
	{ "a zone of no such kernel", { { .zone = "Slow" }, { .zone = "Normal" } } },
	{ "beyond 16 TiB", { { .zone = "Normal", .start_pfn = 1ull << 33, .spanned_pages = 8, .present_pages = 8 }, { .zone = "DMA" } } },
	{ "a span of 2^64 - 2",
	  { { .zone = "Normal", .start_pfn = 1, .spanned_pages = UINT64_MAX - 1, .present_pages = 8 }, { .zone = "DMA" } } },
	{ "overlapping, both full", { { .zone = "DMA32", .start_pfn = 4096, .spanned_pages = 100, .present_pages = 100 },
	  { .zone = "Normal", .start_pfn = 4195, .spanned_pages = 100, .present_pages = 100 } } },
	{ "no start", { { .zone = "Normal", .start_pfn = MM_MISSING_U64, .spanned_pages = 8, .present_pages = 8 }, { .zone = "DMA" } } },
};

START_TEST(bad_captures)
{
	struct bad_zone c = bad_zones[_i];
	struct mm_zoneinfo zi = { .v = c.r, .nr = 2 };
	struct mm_phys_config cfg = { .zoneinfo = &zi, .nr_cpus = 1 };

	ck_assert_msg(mm_phys_new(&phys, &ctx, &cfg, &err) == -EINVAL && err.text[0] && !phys, "%s", c.why);
}
END_TEST

#define NR(a)	((int)(sizeof(a) / sizeof((a)[0])))

int main(void)
{
	Suite *s = suite_create("zones");
	TCase *tc = tcase_create("zones");
	SRunner *sr = srunner_create(s);
	int failed;

	suite_add_tcase(s, tc);
	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, zones_of_maps, 0, NR(map_cases));
	tcase_add_test(tc, zones_of_memmap);
	tcase_add_loop_test(tc, zones_by_rule, 0, NR(rule_cases));
	tcase_add_test(tc, watermarks_of_captures);
	tcase_add_test(tc, min_free_kbytes_at_boot);
	tcase_add_test(tc, default_machine_boots);
	tcase_add_test(tc, bare_machine_has_every_page);
	tcase_add_loop_test(tc, capture_boots_with_its_free_pages, 0, 2);
	tcase_add_test(tc, no_free_hands_nothing_over);
	tcase_add_test(tc, capture_boots_with_its_marks);
	tcase_add_test(tc, capture_of_another_size);
	tcase_add_loop_test(tc, overlapping_capture_boots, 0, 2);
	tcase_add_test(tc, large_machine_boots);
	tcase_add_test(tc, node_order);
	tcase_add_loop_test(tc, bad_maps, 0, NR(bad_cases));
	tcase_add_loop_test(tc, bad_captures, 0, NR(bad_zones));
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
