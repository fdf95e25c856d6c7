/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * /proc/slabinfo of all its versions, and what is not one.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <libmm/slabinfo.h>

#define HEAD21 "slabinfo - version: 2.1\n# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab>" \
	" : tunables <limit> <batchcount> <sharedfactor> : slabdata <active_slabs> <num_slabs> <sharedavail>"

static int read_text(const char *text, struct mm_slabinfo *info, struct mm_error *err)
{
	struct mm_input *in;
	int e;

	*info = (struct mm_slabinfo){ 0 };
	*err = (struct mm_error){ 0 };
	ck_assert_int_eq(mm_input_open_memory(&in, "slabinfo", text, strlen(text)), 0);
	e = mm_slabinfo_read(info, in, err);
	mm_input_free(in);
	return e;
}

static const struct good_case {
	const char *why, *text;
	struct mm_cache_row row;	/* of the first cache */
} good_cases[] = {
	{ "6.1 with SLUB",
	  HEAD21 "\nTCPv6                 24     26   2496   13    8 : tunables    0    0    0 : slabdata      2      2      0\n",
	  { .name = "TCPv6", .active_objects = 24, .objects = 26, .slab_size = 2496, .objects_per_slab = 13, .order = 3,
	    .limit = 0, .batchcount = 0, .active_slabs = 2, .slabs = 2, .shared_avail = 0, .size_bytes = 65536 } },
	{ "SLAB with statistics",
	  "slabinfo - version: 2.1 (statistics)\n# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab>"
	  " : tunables <limit> <batchcount> <sharedfactor> : slabdata <active_slabs> <num_slabs> <sharedavail>"
	  " : globalstat <listallocs> <maxobjs> <grown> <reaped> <error> <maxfreeable> <nodeallocs> <remotefrees> <alienoverflow>"
	  " : cpustat <allochit> <allocmiss> <freehit> <freemiss>\n"
	  "dentry 90 100 192 20 1 : tunables 120 60 8 : slabdata 5 5 7 : globalstat 1 2 3 4 5 6 7 8 9 : cpustat 1 2 3 4\n",
	  { .name = "dentry", .active_objects = 90, .objects = 100, .slab_size = 192, .objects_per_slab = 20, .order = 0,
	    .limit = 120, .batchcount = 60, .active_slabs = 5, .slabs = 5, .shared_avail = 7, .size_bytes = 20480 } },
	{ "2.0 names limit and batchcount in the wrong order",
	  "slabinfo - version: 2.0\n# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab>"
	  " : tunables <batchcount> <limit> <sharedfactor> : slabdata <active_slabs> <num_slabs> <sharedavail>\n"
	  "bio 1 2 64 64 1 : tunables 120 60 8 : slabdata 1 1 0\n",
	  { .name = "bio", .active_objects = 1, .objects = 2, .slab_size = 64, .objects_per_slab = 64, .order = 0,
	    .limit = 120, .batchcount = 60, .active_slabs = 1, .slabs = 1, .shared_avail = 0, .size_bytes = 4096 } },
	{ "a later kernel puts columns in the middle, at the ends, and a group more",
	  "slabinfo - version: 2.7\n# name            <active_objs> <hot_objs> <num_objs> <objsize> <objperslab> <pagesperslab> <node>"
	  " : tunables <limit> <batchcount> <sharedfactor> : new <a> : slabdata <active_slabs> <num_slabs> <sharedavail> <sheaves>\n"
	  "bio 1 99 2 64 64 2 0 : tunables 0 0 0 : new 5 : slabdata 1 3 0 8\n",
	  { .name = "bio", .active_objects = 1, .objects = 2, .slab_size = 64, .objects_per_slab = 64, .order = 1,
	    .limit = 0, .batchcount = 0, .active_slabs = 1, .slabs = 3, .shared_avail = 0, .size_bytes = 3 * 8192 } },
	/* Linux 2.4: the first is slabinfo(5)'s and proc(5)'s example; 78 objects in 2 slabs */
	{ "1.1", "slabinfo - version: 1.1\nkmem_cache            60     78    100    2    2    1\n",
	  { .name = "kmem_cache", .active_objects = 60, .objects = 78, .slab_size = 100, .objects_per_slab = 39, .order = 0,
	    .limit = MM_MISSING_U64, .batchcount = MM_MISSING_U64, .active_slabs = 2, .slabs = 2, .shared_avail = MM_MISSING_U64,
	    .size_bytes = 8192 } },
	{ "1.1 of several processors", "slabinfo - version: 1.1 (SMP)\nsize-131072(DMA)       0      2 131072    0    2   32 :    0    0\n",
	  { .name = "size-131072(DMA)", .active_objects = 0, .objects = 2, .slab_size = 131072, .objects_per_slab = 1, .order = 5,
	    .limit = 0, .batchcount = 0, .active_slabs = 0, .slabs = 2, .shared_avail = MM_MISSING_U64, .size_bytes = 262144 } },
	{ "1.1 with statistics",
	  "slabinfo - version: 1.1 (statistics) (SMP)\n"
	  "dentry_cache 10 60 128 1 2 1 : 60 99 2 0 0 : 252 126 : 1 2 3 4\n",
	  { .name = "dentry_cache", .active_objects = 10, .objects = 60, .slab_size = 128, .objects_per_slab = 30, .order = 0,
	    .limit = 252, .batchcount = 126, .active_slabs = 1, .slabs = 2, .shared_avail = MM_MISSING_U64, .size_bytes = 8192 } },
	{ "a name with a blank and a colon, no newline at the end",
	  HEAD21 "\nbtrfs: free space 1 2 64 64 1 : tunables 0 0 0 : slabdata 1 1 0",
	  { .name = "btrfs: free space", .active_objects = 1, .objects = 2, .slab_size = 64, .objects_per_slab = 64, .order = 0,
	    .limit = 0, .batchcount = 0, .active_slabs = 1, .slabs = 1, .shared_avail = 0, .size_bytes = 4096 } },
};
START_TEST(reads)
{
	const struct good_case *c = &good_cases[_i];
	struct mm_slabinfo info;
	struct mm_error err;

	ck_assert_msg(!read_text(c->text, &info, &err), "%s: %s", c->why, err.text);
	ck_assert_uint_eq(info.nr, 1);
	ck_assert_str_eq(info.v[0].name, c->row.name);
#define SAME(field) ck_assert_msg(info.v[0].field == c->row.field, "%s: " #field " %lu", c->why, (unsigned long)info.v[0].field)
	SAME(active_objects);
	SAME(objects);
	SAME(slab_size);
	SAME(objects_per_slab);
	SAME(order);
	SAME(limit);
	SAME(batchcount);
	SAME(active_slabs);
	SAME(slabs);
	SAME(shared_avail);
	SAME(size_bytes);
	ck_assert_uint_eq(info.v[0].object_size, MM_MISSING_U64);
	mm_slabinfo_free(&info);
}
END_TEST

static const struct bad_case {
	const char *why, *text, *says;
} bad_cases[] = {
	{ "nothing", "", "found nothing" },
	{ "another file", "MemTotal: 1 kB\n", "slabinfo:1: expected 'slabinfo - version: 2.1'" },
	{ "the format of 2.2", "slabinfo - version: 1.0\nkmem_cache 59 78\n", "found 1.0" },
	{ "1.1 cut", "slabinfo - version: 1.1\nkmem_cache 59 78 100 2\n", "slabinfo:2: expected the name" },
	{ "a next major version", "slabinfo - version: 3.0\n", "found 3.0" },
	{ "a cut line", HEAD21 "\nbio 1 2 64", "slabinfo:3: expected the name" },
	{ "cut in slabdata", HEAD21 "\nbio 1 2 64 64 1 : tunables 0 0 0 : slabdata 1", "group 3" },
	{ "no name", HEAD21 "\n1 2 64 64 1 : tunables 0 0 0 : slabdata 1 1 0\n", "slabinfo:3: expected the name" },
	{ "three pages", HEAD21 "\nbio 1 2 64 64 3 : tunables 0 0 0 : slabdata 1 1 0\n", "power of two" },
	{ "no page", HEAD21 "\nbio 1 2 64 64 0 : tunables 0 0 0 : slabdata 1 1 0\n", "power of two" },
	{ "a word for a number", HEAD21 "\nbio 1 2 64 many 1 : tunables 0 0 0 : slabdata 1 1 0\n", "slabinfo:3" },
	{ "a header without sizes", "slabinfo - version: 2.1\n# name <active_objs>\nbio 1\n", "slabinfo:2" },
};
START_TEST(refuses)
{
	const struct bad_case *c = &bad_cases[_i];
	struct mm_slabinfo info;
	struct mm_error err;

	ck_assert_msg(read_text(c->text, &info, &err) == -EINVAL, "%s", c->why);
	ck_assert_msg(strstr(err.text, c->says) != NULL, "%s: %s", c->why, err.text);
	mm_slabinfo_free(&info);
}
END_TEST

START_TEST(huge_numbers_saturate)
{
	struct mm_slabinfo info;
	struct mm_error err;

	ck_assert_int_eq(read_text(HEAD21 "\nx 99999999999999999999999 2 64 64 1 : tunables 0 0 0 : slabdata 1 18446744073709551614 0\n",
				   &info, &err), 0);
	ck_assert_uint_eq(info.v[0].active_objects, UINT64_MAX);
	ck_assert_uint_eq(info.v[0].size_bytes, MM_MISSING_U64);
	mm_slabinfo_free(&info);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("slabinfo");
	TCase *tc = tcase_create("slabinfo");
	SRunner *sr = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tc);
	tcase_add_loop_test(tc, reads, 0, (int)(sizeof(good_cases) / sizeof(good_cases[0])));
	tcase_add_loop_test(tc, refuses, 0, (int)(sizeof(bad_cases) / sizeof(bad_cases[0])));
	tcase_add_test(tc, huge_numbers_saturate);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
