/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * buddyinfo, pagetypeinfo, kpageflags: captures of a 6.6 kernel with two nodes,
 * indices as that kernel's debugfs printed them, and files no kernel would write.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libmm/buddyinfo.h>
#include <libmm/kpageflags.h>

static struct mm_buddyinfo bi;
static struct mm_error err;

static void setup(void) { memset(&bi, 0, sizeof(bi)); }
static void teardown(void) { mm_buddyinfo_free(&bi); }

typedef int reader(struct mm_buddyinfo *, struct mm_input *, struct mm_error *);

static int read_text(reader *read, const char *text)
{
	struct mm_input *in;
	int e;

	ck_assert_int_eq(mm_input_open_memory(&in, "text", text, strlen(text)), 0);
	e = read(&bi, in, &err);
	mm_input_free(in);
	return e;
}

static int read_data(reader *read, const char *name)
{
	const char *dir = getenv("srcdir");
	struct mm_input *in;
	char path[512];
	int e;

	snprintf(path, sizeof(path), "%s/tests/data/%s", dir ? dir : "..", name);
	ck_assert_msg(!mm_input_open(&in, path, &err), "%s", err.text);
	e = read(&bi, in, &err);
	mm_input_free(in);
	return e;
}

START_TEST(capture_of_buddyinfo)
{
	static const uint64_t node1_dma32[] = { 1, 0, 1, 2, 1, 1, 1, 1, 1, 0, 239 };

	ck_assert_msg(!read_data(mm_buddyinfo_read, "numa.buddyinfo"), "%s", err.text);
	ck_assert_uint_eq(bi.nr, 4);
	ck_assert_uint_eq(bi.v[2].node, 1);
	ck_assert_str_eq(bi.v[2].zone, "DMA32");
	ck_assert_str_eq(bi.v[2].migratetype, "");
	ck_assert_uint_eq(bi.v[2].nr_orders, 11);
	ck_assert_mem_eq(bi.v[2].blocks, node1_dma32, sizeof(node1_dma32));
}
END_TEST

START_TEST(capture_of_pagetypeinfo)
{
	struct mm_buddyinfo zones = { 0 };

	ck_assert_msg(!read_data(mm_pagetypeinfo_read, "numa.pagetypeinfo"), "%s", err.text);
	ck_assert_uint_eq(bi.nr, 20);			/* 4 zones of 5 types: both nodes' tables */
	ck_assert_str_eq(bi.v[16].zone, "Normal");
	ck_assert_str_eq(bi.v[16].migratetype, "Movable");
	ck_assert_uint_eq(bi.v[16].blocks[10], 243);
	ck_assert_uint_eq(bi.nr_types, 20);
	ck_assert_str_eq(bi.types[6].migratetype, "Movable");
	ck_assert_uint_eq(bi.types[6].pageblocks, 993);
	ck_assert_uint_eq(bi.pageblock_order, 9);
	ck_assert_int_eq(mm_buddyinfo_sum(&bi, &zones), 0);
	ck_assert_uint_eq(zones.nr, 4);
	ck_assert_uint_eq(zones.v[1].blocks[8], 4);	/* 1 + 2 + 1 + 0 + 0 */
	mm_buddyinfo_free(&zones);
}
END_TEST

/* Order 2 of 2 3 1 free blocks: 12 pages, 4 of them in blocks of order 2. */
static const struct index_case {
	const char *why;
	uint64_t blocks[4];
	uint32_t order;
	int64_t unusable, fragmentation;
} index_cases[] = {
	{ "nothing is free", { 0 }, 2, 1000, 0 },
	{ "(12 - 4) * 1000 / 12", { 2, 3, 1 }, 2, 666, -1000 },
	{ "1000 - (1000 + 12 * 1000 / 8) / 6 = 1000 - 2500 / 6", { 2, 3, 1 }, 3, 1000, 584 },
	{ "one block just too small: 1000 - (1000 + 500) / 1", { 0, 0, 1 }, 3, 1000, -500 },
	{ "many single pages: 1000 - (1000 + 125000) / 1000", { 1000 }, 3, 1000, 874 },
	{ "the most that is read: 1000 - (1000 + 3 * 2^44 * 1000 / 8) / (7 * 2^42) = 1000 - 1500 / 7",
	  { MM_BUDDYINFO_MAX_PAGES, MM_BUDDYINFO_MAX_PAGES >> 1, MM_BUDDYINFO_MAX_PAGES >> 2, 0 }, 3, 1000, 786 },
	{ "order beyond what is there", { 1, 1 }, 20, 1000, 500 },
};
START_TEST(indices)
{
	const struct index_case *c = &index_cases[_i];

	ck_assert_msg(mm_unusable_free_index(c->blocks, 4, c->order) == c->unusable, "%s: unusable %ld", c->why,
		      (long)mm_unusable_free_index(c->blocks, 4, c->order));
	ck_assert_msg(mm_fragmentation_index(c->blocks, 4, c->order) == c->fragmentation, "%s: fragmentation %ld",
		      c->why,
		      (long)mm_fragmentation_index(c->blocks, 4, c->order));
}
END_TEST

/* Three rows of the 6.6 kernel's extfrag and unusable, of blocks 3908 2208 2368 662 (made) and of the capture. */
START_TEST(indices_of_kernels)
{
	static const uint64_t made[11] = { 3908, 2208, 2368, 662 };

	ck_assert_int_eq(mm_unusable_free_index(made, 11, 3), 770);
	ck_assert_int_eq(mm_fragmentation_index(made, 11, 4), 843);
	ck_assert_int_eq(mm_fragmentation_index(made, 11, 10), 998);
	ck_assert_int_eq(mm_fragmentation_index(made, 11, 3), -1000);
}
END_TEST

static const struct text_case {
	const char *why;
	reader *read;
	const char *text;
	uint32_t nr_orders, pageblock_order;
} good[] = {
	{ "14 orders, as arm64 with 64 kB pages", mm_buddyinfo_read, "Node 0, zone   Normal 1 2 3 4 5 6 7 8 9 10 11 12 13 14\n", 14, 13 },
	{ "one order, CRLF, blank lines, no last newline", mm_buddyinfo_read, "\nNode 0, zone DMA 5 \r\n\r\nNode 63, zone Movable 7", 1,
	  0 },
	{ "10 orders by type", mm_pagetypeinfo_read,
	  "Page block order: 8\nPages per block:  256\n\nFree pages count per migrate type at order 0 1\n"
	  "Node    0, zone Normal, type Unmovable >100000 2 3 4 5 6 7 8 9 10\n", 10, 8 },
};
START_TEST(texts)
{
	ck_assert_msg(!read_text(good[_i].read, good[_i].text), "%s: %s", good[_i].why, err.text);
	ck_assert_uint_eq(bi.v[0].nr_orders, good[_i].nr_orders);
	ck_assert_uint_eq(bi.v[0].capped, _i == 2 ? 1 : 0);
	ck_assert_uint_eq(bi.v[0].blocks[0], _i == 2 ? 100000 : _i == 1 ? 5 : 1);
	ck_assert_uint_eq(bi.pageblock_order, good[_i].pageblock_order);
}
END_TEST

static const struct bad_case {
	reader *read;
	const char *text, *said;
} bad[] = {
	{ mm_buddyinfo_read, "", "text: expected a line \"Node N, zone NAME ...\", found none" },
	{ mm_buddyinfo_read, "Node 0, zone DMA\n", "text:1: expected counts of free blocks, found none" },
	{ mm_buddyinfo_read, "Node 0, zone DMA 1 2 x\n", "text:1: expected a count of free blocks for order 2, found \"x\"" },
	{ mm_buddyinfo_read, "Node 0, zone DMA 1 8796093022209\n",
	  "text:1: expected at most 8796093022208 free blocks of order 1, for no address reaches more, found more" },
	{ mm_buddyinfo_read, "Node 0, zone DMA 1 -2\n", "text:1: expected a count of free blocks for order 1, found \"-2\"" },
	{ mm_buddyinfo_read, "Node 0, zone DMA 1 2\nNode 0, zone DMA32 1 2 3\n", "text:2: expected 2 orders as in line 1, found 3" },
	{ mm_buddyinfo_read, "Node 0, zone DMA 1\nNode 0, zone DMA 1\n", "text:2: node 0, zone DMA stands here and in line 1" },
	{ mm_buddyinfo_read, "Node 99, zone DMA 1\n", "text:1: expected \"Node N, zone NAME\" and counts of free blocks" },
	{ mm_buddyinfo_read, "Node 0, zone AnExtremelyLongZoneName 1\n",
	  "text:1: expected \"Node N, zone NAME\" and counts of free blocks" },
	{ mm_buddyinfo_read, "Node 0, zone DMA 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1\n",
	  "text:1: expected at most 32 orders, found more" },
	{ mm_pagetypeinfo_read, "Page block order: 9\n", "text:1: expected a line \"Node N, zone NAME, type TYPE ...\", found none" },
	{ mm_pagetypeinfo_read, "Node 0, zone DMA 1 2\n", "text:1: expected \"type\" and a migrate type behind the zone" },
	{ mm_pagetypeinfo_read, "Number of blocks type Unmovable Movable\nNode 0, zone DMA 1\n",
	  "text:2: expected 2 counts of pageblocks, found 1" },
	{ mm_pagetypeinfo_read, "Page block order: 99\n", "text:1: expected an order below 32" },
};
START_TEST(bad_texts)
{
	ck_assert_msg(read_text(bad[_i].read, bad[_i].text) == -EINVAL, "\"%s\" is read", bad[_i].text);
	if (_i != 9)	/* the line number of an end of file is that of the last line */
		ck_assert_str_eq(err.text, bad[_i].said);
}
END_TEST

/* ---- kpageflags ---- */

struct seen {
	uint64_t pfn, sum;
};

static int add_words(void *arg, uint64_t pfn, const uint64_t *words, size_t nr)
{
	struct seen *s = arg;

	ck_assert_uint_eq(pfn, s->pfn);
	for (size_t i = 0; i < nr; i++)
		s->sum += words[i] * (pfn + i + 1);
	s->pfn += nr;
	return s->pfn > 5000 ? -ECANCELED : 0;
}

static int read_words(const void *p, size_t len, struct seen *s)
{
	struct mm_input *in;
	int e;

	*s = (struct seen){ 0 };
	ck_assert_int_eq(mm_input_open_memory(&in, "words", p, len), 0);
	e = mm_kpageflags_read(in, 0, add_words, s, &err);
	mm_input_free(in);
	return e;
}

START_TEST(flags_of_pages)
{
	static uint64_t words[6000];
	struct seen s;
	uint64_t sum = 0;

	for (size_t i = 0; i < 3000; i++) {
		words[i] = i * i;
		sum += words[i] * (i + 1);
	}
	ck_assert_int_eq(read_words(words, 3000 * 8, &s), 0);
	ck_assert_uint_eq(s.pfn, 3000);
	ck_assert_uint_eq(s.sum, sum);
	ck_assert_int_eq(read_words(words, 3000 * 8 + 3, &s), -EINVAL);
	ck_assert_str_eq(err.text, "words: expected words of 8 bytes, found 3 bytes more");
	ck_assert_int_eq(read_words(words, 0, &s), -EINVAL);
	ck_assert_int_eq(read_words(words, sizeof(words), &s), -ECANCELED);
}
END_TEST

#define NR(a) ((int)(sizeof(a) / sizeof((a)[0])))
int main(void)
{
	Suite *suite = suite_create("buddyinfo");
	TCase *tc = tcase_create("files");
	SRunner *sr = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, capture_of_buddyinfo);
	tcase_add_test(tc, capture_of_pagetypeinfo);
	tcase_add_loop_test(tc, indices, 0, NR(index_cases));
	tcase_add_test(tc, indices_of_kernels);
	tcase_add_loop_test(tc, texts, 0, NR(good));
	tcase_add_loop_test(tc, bad_texts, 0, NR(bad));
	tcase_add_test(tc, flags_of_pages);
	suite_add_tcase(suite, tc);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
