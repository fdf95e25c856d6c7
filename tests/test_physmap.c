/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The address space looked at: holes and DIMMs against byte maps, lookups and tables on hand-made maps */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libmm/source.h>
#include "base/rng.h"
#include "machine/physmap.h"

static const uint64_t G4 = 1ull << 32;

static struct mm_region_list map;
static struct mm_physmap_config cfg;
static struct mm_physmap *pm;
static struct mm_error err;

static void setup(void)
{
	map = (struct mm_region_list){ 0 };
	cfg = (struct mm_physmap_config){ .regions = &map, .nr_cpus = 1 };
	mm_sysctls_init(&cfg.sysctl);
	err = (struct mm_error){ 0 };
	pm = NULL;
}

static void teardown(void)
{
	mm_physmap_free(pm);
	mm_region_list_free(&map);
}

static void add(uint64_t start, uint64_t end, uint32_t depth, enum mm_region_kind kind)
{
	struct mm_region r = { .start = start, .end = end, .depth = depth, .kind = (uint8_t)kind };

	ck_assert_int_eq(mm_region_list_add(&map, &r, MM_STR("x")), 0);
}

static void look(void) { ck_assert_msg(!mm_physmap_new(&pm, &cfg, &err), "%s", err.text); }

/* The CSV of a table as text; the caller frees. */
static char *csv(const struct mm_physmap_table *t, int *code)
{
	struct mm_table_options opt = { .format = MM_TABLE_CSV };
	struct mm_table_writer *w;
	struct mm_output out;
	char *text;

	ck_assert_int_eq(mm_output_init(&out, -1), 0);
	ck_assert_int_eq(mm_table_writer_new(&w, &out, &t->table, &opt, &err), 0);
	*code = t->rows(pm, w, &err);
	ck_assert_int_eq(mm_table_writer_finish(w), 0);
	mm_table_writer_free(w);
	text = strndup(out.buf, out.len);
	mm_output_finish(&out);
	return text;
}

static void ck_csv(const struct mm_physmap_table *t, const char *want)
{
	int code;
	char *text = csv(t, &code);

	ck_assert_int_eq(code, 0);
	ck_assert_str_eq(text, want);
	free(text);
}

/* ---- holes ---- */

START_TEST(holes_against_bytes)
{
	struct mm_rng rng = { (uint64_t)_i };
	bool covered[256] = { false };
	uint64_t last = 0;

	for (int n = 0; n < 12; n++) {
		uint64_t start = mm_rng_below(&rng, 256), end = start + mm_rng_below(&rng, (256 - start) / 4 + 1);
		uint32_t depth = (uint32_t)mm_rng_below(&rng, 2);

		add(start, end, depth, MM_REGION_MMIO);
		for (uint64_t b = start; !depth && b <= end; b++)
			covered[b] = true;
		last = !depth && end > last ? end : last;
	}
	look();
	for (uint64_t b = 0; b < 256; b++) {
		bool hole = false;

		for (size_t i = 0; i < pm->holes.nr; i++)
			hole = hole || (b >= pm->holes.v[i].start && b <= pm->holes.v[i].end);
		if (hole != (b < last && !covered[b]))
			ck_abort_msg("seed %d byte %u", _i, (unsigned int)b);
	}
}
END_TEST

START_TEST(holes_at_the_end_of_all)
{
	add(UINT64_MAX, UINT64_MAX, 0, MM_REGION_RESERVED);
	look();
	ck_csv(&mm_physmap_holes, "start,end,size_bytes\n0x0,0xfffffffffffffffe,\n");
}
END_TEST

/* ---- DIMMs ---- */

static uint8_t seen[8][1 << 16];

struct extent {
	uint64_t lo[8], hi[8], bytes[8];
};

static int note_place(void *arg, const struct mm_dimm_place *p)
{
	struct extent *x = arg;

	x->lo[p->dimm] = p->dimm_start < x->lo[p->dimm] ? p->dimm_start : x->lo[p->dimm];
	x->hi[p->dimm] = p->dimm_end > x->hi[p->dimm] ? p->dimm_end : x->hi[p->dimm];
	x->bytes[p->dimm] += p->dimm_end - p->dimm_start + 1;
	return 0;
}

/* Every byte of RAM is one byte of one DIMM, and the places say the same as the bytes do. */
START_TEST(dimms_against_bytes)
{
	struct mm_rng rng = { (uint64_t)_i };
	uint64_t low = (mm_rng_below(&rng, 64) + 1) * 64, high = mm_rng_below(&rng, 64) * 64, left = low + high;
	struct extent bytes, places;

	memset(seen, 0, sizeof(seen));
	memset(&bytes, 0, sizeof(bytes));
	memset(bytes.lo, 0xff, sizeof(bytes.lo));
	places = bytes;
	add(0, low - 1, 0, MM_REGION_RAM);
	if (high)
		add(G4, G4 + high - 1, 0, MM_REGION_RAM);
	while (left && cfg.nr_dimms < 7) {
		uint64_t size = (mm_rng_below(&rng, left / 64) + 1) * 64;

		cfg.dimm_bytes[cfg.nr_dimms++] = size;
		left -= size;
	}
	if (left)
		cfg.dimm_bytes[cfg.nr_dimms++] = left;
	cfg.interleave_bytes = _i % 3 ? 1ull << (4 + mm_rng_below(&rng, 3)) : 0;
	look();
	for (uint64_t i = 0; i < low + high; i++) {
		uint64_t addr = i < low ? i : G4 + (i - low), dimm, at;

		if (!mm_physmap_dimm_of(pm, addr, &dimm, &at) || dimm >= cfg.nr_dimms || at >= cfg.dimm_bytes[dimm] ||
		    seen[dimm][at]++)
			ck_abort_msg("seed %d address %#jx", _i, (uintmax_t)addr);
		note_place(&bytes, &(struct mm_dimm_place){ .dimm = dimm, .dimm_start = at, .dimm_end = at });
	}
	ck_assert_msg(!mm_physmap_each_place(pm, note_place, &places, &err), "%s", err.text);
	ck_assert_mem_eq(bytes.lo, places.lo, sizeof(bytes.lo));
	ck_assert_mem_eq(bytes.hi, places.hi, sizeof(bytes.hi));
	ck_assert_mem_eq(bytes.bytes, places.bytes, sizeof(bytes.bytes));
}
END_TEST

#define DIMM_HEAD "start,end,size_bytes,dimm,dimm_start,dimm_end,interleave_ways,interleave_bytes,remapped\n"
/* 3 GiB below the hole, 1 above: the second DIMM of 2 GiB is split, its upper half is seen from 4 GiB on. */
START_TEST(remap_of_a_pc)
{
	add(0, 0x9ffff, 0, MM_REGION_RAM);
	add(0x100000, 0xbfffffff, 0, MM_REGION_RAM);
	add(0xc0000000, 0xfebfffff, 0, MM_REGION_MMIO);
	add(G4, G4 + 0x3fffffff, 0, MM_REGION_RAM);
	cfg.nr_dimms = 2;
	cfg.dimm_bytes[0] = cfg.dimm_bytes[1] = 2ull << 30;
	look();
	ck_csv(&mm_physmap_dimms, DIMM_HEAD
	       "0x0,0x9ffff,655360,0,0x0,0x9ffff,1,0,no\n"
	       "0x100000,0x7fffffff,2146435072,0,0x100000,0x7fffffff,1,0,no\n"
	       "0x80000000,0xbfffffff,1073741824,1,0x0,0x3fffffff,1,0,no\n"
	       "0x100000000,0x13fffffff,1073741824,1,0x40000000,0x7fffffff,1,0,yes\n");
}
END_TEST

/* A DIMM larger than what the map shows: the rest is the firmware's, below the hole. */
START_TEST(dimms_that_hold_more)
{
	uint64_t dimm, at;

	add(0, 0x3fffffff, 0, MM_REGION_RAM);
	cfg.nr_dimms = 1;
	cfg.dimm_bytes[0] = 2ull << 30;
	look();
	ck_assert(mm_physmap_dimm_of(pm, 0x40000000, &dimm, &at) && dimm == 0 && at == 0x40000000);
	ck_assert(!mm_physmap_dimm_of(pm, 2ull << 30, &dimm, &at));
	ck_assert(!mm_physmap_dimm_of(pm, UINT64_MAX, &dimm, &at));
}
END_TEST

START_TEST(dimms_that_do_not_fit)
{
	int code;

	add(0, 0x3fffffff, 0, MM_REGION_RAM);
	cfg.nr_dimms = 1;
	cfg.dimm_bytes[0] = 512 << 20;
	look();
	free(csv(&mm_physmap_dimms, &code));
	ck_assert_int_eq(code, -EINVAL);
	ck_assert_msg(strstr(err.text, "at least 1073741824 bytes"), "%s", err.text);
	mm_physmap_free(pm);
	cfg.dimm_bytes[0] = UINT64_MAX;
	look();
	free(csv(&mm_physmap_dimms, &code));
	ck_assert_int_eq(code, -ERANGE);
}
END_TEST

START_TEST(a_map_without_ram)
{
	int code;

	add(0, 0xfff, 0, MM_REGION_RESERVED);
	look();
	ck_csv(&mm_physmap_ram, "start,end,size_bytes,node,name\n");
	free(csv(&mm_physmap_dimms, &code));
	ck_assert_int_eq(code, -EINVAL);
	free(csv(&mm_physmap_zones, &code));
	ck_assert_int_eq(code, -EINVAL);
	ck_assert_msg(strstr(err.text, "expected a region of RAM"), "%s", err.text);
}
END_TEST

/* ---- lookup ---- */

static char *lookup(uint64_t addr)
{
	struct mm_table_options opt = { .format = MM_TABLE_CSV, .noheadings = true };
	struct mm_table_writer *w;
	struct mm_output out;
	char *text;

	ck_assert_int_eq(mm_output_init(&out, -1), 0);
	ck_assert_int_eq(mm_table_writer_new(&w, &out, &mm_physmap_lookup_table, &opt, &err), 0);
	ck_assert_int_eq(mm_physmap_lookup(pm, addr, w, &err), 0);
	ck_assert_int_eq(mm_table_writer_finish(w), 0);
	mm_table_writer_free(w);
	text = strndup(out.buf, out.len);
	mm_output_finish(&out);
	return text;
}

static const struct {
	uint64_t addr;
	const char *want;
} lookups[] = {	/* of pc-4g, whose map is tests/data/pc-4g.iomem; one DIMM of 4 GiB */
	{ 0x117800123, "region,System RAM,0x100000000,0x17fffffff,0x17800123\nregion,Kernel code,0x117800000,0x118dfffff,0x123\n"
	  "pfn,1144832,0x117800000,0x117800fff,0x123\nsection,34,0x110000000,0x117ffffff,0x7800123\n"
	  "node,0,0x1000,0x17fffffff,0x1177ff123\nzone,Normal,0x100000000,0x17fffffff,0x17800123\ndimm,0,0x97800123,0x97800123,0x0\n" },
	{ 0xc0000, "hole,,0xc0000,0xeffff,0x0\npfn,192,0xc0000,0xc0fff,0x0\nsection,0,0x0,0x7ffffff,0xc0000\n" },
	{ UINT64_MAX, "pfn,4503599627370495,0xfffffffffffff000,,0xfff\n"	/* an end of 2^64 - 1 is the empty field */
	  "section,137438953471,0xfffffffff8000000,,0x7ffffff\n" },
};

START_TEST(lookups_of_a_pc)
{
	char *text;

	ck_assert_int_eq(mm_builtin_machine("pc-4g", &map), 0);
	look();
	text = lookup(lookups[_i].addr);
	ck_assert_str_eq(text, lookups[_i].want);
	free(text);
}
END_TEST

/* What a captured kernel says wins; what it leaves out is computed. */
START_TEST(captured_marks_win)
{
	struct mm_zoneinfo_row row = {
		.zone = "Normal", .start_pfn = 1048576, .spanned_pages = 8192, .present_pages = 8192,
		.managed_pages = 8000,
		.free_pages = 100, .boost_pages = MM_MISSING_U64, .min_pages = 7, .low_pages = MM_MISSING_U64,
		.high_pages = 9,
		.promo_pages = MM_MISSING_U64, .nr_protection = 2, .protection = { 3, 4 }, .pcp_high = MM_MISSING_U64,
		.pcp_batch = MM_MISSING_U64,
	};
	struct mm_zoneinfo zi = { .v = &row, .nr = 1 };

	cfg.zoneinfo = &zi;
	mm_sysctls_set(&cfg.sysctl, MM_STR("vm.min_free_kbytes"), MM_STR("400"), NULL);
	look();
	/* low: min is 400 kB = 100 pages, a quarter of it 25 is more than 8000 * 10 / 10000 = 8 */
	ck_csv(&mm_physmap_zones,
	       "node,zone,start_pfn,spanned_pages,present_pages,managed_pages,min_pages,low_pages,high_pages,protection_pages\n"
	       "0,Normal,1048576,8192,8192,8000,7,125,9,3|4\n");
}
END_TEST

START_TEST(picture_has_every_region)
{
	struct mm_output out;
	size_t lines = 0, top = 0;

	ck_assert_int_eq(mm_builtin_machine("pc-4g", &map), 0);
	look();
	for (size_t i = 0; i < map.nr; i++)
		top += !map.v[i].depth;
	for (uint32_t width = 0; width < 300; width += 37) {
		ck_assert_int_eq(mm_output_init(&out, -1), 0);
		ck_assert_int_eq(mm_physmap_draw(pm, &out, width), 0);
		lines = 0;
		for (size_t i = 0; i < out.len; i++)
			lines += out.buf[i] == '\n';
		ck_assert_uint_eq(lines, top + pm->holes.nr + 2);
		mm_output_finish(&out);
	}
}
END_TEST

#define NR(a)	((int)(sizeof(a) / sizeof((a)[0])))

int main(void)
{
	Suite *s = suite_create("physmap");
	TCase *tc = tcase_create("physmap");
	SRunner *sr = srunner_create(s);
	int failed;

	suite_add_tcase(s, tc);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, holes_against_bytes, 0, 50);
	tcase_add_test(tc, holes_at_the_end_of_all);
	tcase_add_loop_test(tc, dimms_against_bytes, 0, 60);
	tcase_add_test(tc, remap_of_a_pc);
	tcase_add_test(tc, dimms_that_hold_more);
	tcase_add_test(tc, dimms_that_do_not_fit);
	tcase_add_test(tc, a_map_without_ram);
	tcase_add_loop_test(tc, lookups_of_a_pc, 0, NR(lookups));
	tcase_add_test(tc, captured_marks_win);
	tcase_add_test(tc, picture_has_every_region);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
