/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tables out: CSV and aligned columns, column lists, widths; the expected text is written out by hand.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <libmm/table.h>

struct zone {
	const char *name;
	uint64_t start, size_bytes, time;
	int64_t delta, share;
	struct mm_str note;
};

static const struct mm_column columns[] = {
	MM_COLUMN(struct zone, name, MM_COL_STR, "name of the zone"),
	MM_COLUMN(struct zone, start, MM_COL_HEX, "first byte"),
	MM_COLUMN(struct zone, size_bytes, MM_COL_BYTES, "bytes"),
	MM_COLUMN_HIDDEN(struct zone, time, MM_COL_NS, "seconds"),
	MM_COLUMN_HIDDEN(struct zone, delta, MM_COL_I64, "change"),
	MM_COLUMN_HIDDEN(struct zone, share, MM_COL_MILLI, "part"),
	MM_COLUMN_HIDDEN(struct zone, note, MM_COL_SLICE, "text"),
};
static const struct mm_table table = MM_TABLE("zones", columns, "zones of memory");

static const struct zone zones[] = {
	{ "DMA", 0x1000, 16 << 20, 1500000000, -3, 1, MM_STR("a,b") },
	{ "Normal", 0x100000000, 1536, 0, INT64_MIN, -12345, MM_STR("") },
	{ NULL, UINT64_MAX, UINT64_MAX, UINT64_MAX, 7, INT64_MIN, MM_STR(" x") },
};

static const struct form_case {
	const char *why;
	struct mm_table_options opt;
	size_t rows;
	const char *text;
} form_cases[] = {
	{ "CSV; missing values are empty fields", { .format = MM_TABLE_CSV }, 3,
	  "name,start,size_bytes\nDMA,0x1000,16777216\nNormal,0x100000000,1536\n,,\n" },
	{ "a header without rows", { .format = MM_TABLE_CSV }, 0, "name,start,size_bytes\n" },
	{ "no header", { .format = MM_TABLE_CSV, .noheadings = true }, 1, "DMA,0x1000,16777216\n" },
	{ "chosen columns in their order", { .format = MM_TABLE_CSV, .columns = "size_bytes,name" }, 1, "size_bytes,name\n16777216,DMA\n" },
	{ "names in any case", { .format = MM_TABLE_CSV, .columns = "NAME" }, 1, "name\nDMA\n" },
	{ "added columns; the ones that are there stay", { .format = MM_TABLE_CSV, .columns = "+time,name" }, 1,
	  "name,start,size_bytes,time\nDMA,0x1000,16777216,1.5\n" },
	{ "quotes only where they must be", { .format = MM_TABLE_CSV, .columns = "note,delta,share" }, 3,
	  "note,delta,share\n\"a,b\",-3,0.001\n,,-12.345\n\" x\",7,\n" },
	{ "one empty field is no blank line", { .format = MM_TABLE_CSV, .columns = "name" }, 3, "name\nDMA\nNormal\n\"\"\n" },
	{ "a leading column", { .format = MM_TABLE_CSV, .columns = "name", .lead = "seq" }, 2, "seq,name\n5,DMA\n5,Normal\n" },
	{ "aligned: numbers right, text left, no blanks at the end", { .format = MM_TABLE_HUMAN }, 3,
	  "NAME          START  SIZE\nDMA          0x1000   16M\nNormal  0x100000000  1.5K\n                         \n" },
	{ "exact bytes", { .format = MM_TABLE_HUMAN, .bytes = true, .columns = "size_bytes,name" }, 2,
	  "SIZE_BYTES  NAME\n  16777216  DMA\n      1536  Normal\n" },
	{ "aligned without rows", { .format = MM_TABLE_HUMAN, .columns = "name" }, 0, "NAME\n" },
	{ "aligned with a leading column", { .format = MM_TABLE_HUMAN, .columns = "name", .lead = "seq" }, 1, "SEQ  NAME\n  5  DMA\n" },
};

static struct mm_error err;

static int print(const struct form_case *c, struct mm_output *out)
{
	struct mm_table_writer *w;
	int e;

	err = (struct mm_error){ 0 };
	ck_assert_int_eq(mm_output_init(out, -1), 0);
	e = mm_table_writer_new(&w, out, &table, &c->opt, &err);
	if (e)
		return e;
	mm_table_writer_lead(w, MM_STR("5"));
	for (size_t i = 0; i < c->rows; i++)
		mm_table_writer_row(w, &zones[i]);
	e = mm_table_writer_finish(w);
	mm_table_writer_free(w);
	return e;
}

START_TEST(forms)
{
	struct mm_output out;

	ck_assert_int_eq(print(&form_cases[_i], &out), 0);
	ck_assert_msg(out.len == strlen(form_cases[_i].text) && !memcmp(out.buf, form_cases[_i].text, out.len),
		      "%s:\n%.*s",
		      form_cases[_i].why, (int)out.len, out.buf);
	mm_output_finish(&out);
}
END_TEST

START_TEST(wrong_columns)
{
	static const struct { const char *columns, *msg; } cases[] = {
		{ "nam", "table zones has no column 'nam'; the nearest is 'name'" },
		{ "name,,start", "table zones has no column ''; the nearest is 'name'" },
		{ "", "table zones has no column ''; the nearest is 'name'" },
		{ "name,size", "table zones has no column 'size'; the nearest is 'size_bytes'" },
		{ "name,start,name", "column 'name' is asked for twice" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct form_case c = { .opt = { .format = i % 2 ? MM_TABLE_HUMAN : MM_TABLE_CSV,
			.columns = cases[i].columns } };
		struct mm_output out;

		ck_assert_int_eq(print(&c, &out), -EINVAL);
		ck_assert_str_eq(err.text, cases[i].msg);
		mm_output_finish(&out);
	}
}
END_TEST

struct word {
	const char *word, *more;
};
static const struct mm_column word_columns[] = {
	MM_COLUMN(struct word, word, MM_COL_STR, "a word"),
	MM_COLUMN(struct word, more, MM_COL_STR, "another"),
};
static const struct mm_table words = MM_TABLE("words", word_columns, "words");

static void print_words(const struct word *v, size_t n, uint32_t width, struct mm_output *out)
{
	struct mm_table_options opt = { .format = MM_TABLE_HUMAN, .width = width, .noheadings = true };
	struct mm_table_writer *w;

	ck_assert_int_eq(mm_output_init(out, -1), 0);
	ck_assert_int_eq(mm_table_writer_new(&w, out, &words, &opt, NULL), 0);
	for (size_t i = 0; i < n; i++)
		mm_table_writer_row(w, &v[i]);
	ck_assert_int_eq(mm_table_writer_finish(w), 0);
	mm_table_writer_free(w);
}

START_TEST(widths)
{
	static const struct { const char *why; uint32_t width; struct word v[2]; const char *text; } cases[] = {
		{ "accents take one column", 0, { { "\xc3\xa9t\xc3\xa9", "x" }, { "abcd", "y" } }, "\xc3\xa9t\xc3\xa9   x\nabcd  y\n" },
		{ "wide letters take two", 0, { { "\xe6\xbc\xa2", "x" }, { "abcd", "y" } }, "\xe6\xbc\xa2    x\nabcd  y\n" },
		{ "control bytes cannot drive the terminal", 0, { { "\x1b[2J", "\xff" }, { "a", "b" } }, "\\x1b[2J  \\xff\na        b\n" },
		{ "the widest text is cut to the terminal", 20, { { "short", "a long long long line" }, { "a", "b" } },
		  "short  a long long \xe2\x80\xa6\na      b\n" },
		{ "columns of text keep eight", 5, { { "0123456789", "0123456789" }, { "a", "b" } },
		  "0123456\xe2\x80\xa6 0123456\xe2\x80\xa6\na        b\n" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct mm_output out;

		print_words(cases[i].v, 2, cases[i].width, &out);
		ck_assert_msg(out.len == strlen(cases[i].text) && !memcmp(out.buf, cases[i].text, out.len), "%s:\n%.*s",
			      cases[i].why,
			      (int)out.len, out.buf);
		mm_output_finish(&out);
	}
}
END_TEST

/* A table too wide for the terminal, step by step as it gets narrower; a column without a value goes first. */
struct cache {
	const char *name;
	uint64_t active_objects, allocs_per_slab, size_bytes;
};
static const struct mm_column cache_columns[] = {
	MM_COLUMN(struct cache, name, MM_COL_STR, "name"),
	MM_COLUMN(struct cache, active_objects, MM_COL_U64, "objects"),
	MM_COLUMN(struct cache, allocs_per_slab, MM_COL_U64, "nothing"),
	MM_COLUMN(struct cache, size_bytes, MM_COL_BYTES, "bytes"),
};
static const struct mm_table caches = MM_TABLE("caches", cache_columns, "caches");
static const struct cache cache_rows[] = { { "a_cache_of_inodes", 12345, UINT64_MAX, 4096 }, { "dentry", 7, UINT64_MAX, 8192 } };

/* Two rows of caches in so narrow a terminal. */
struct narrow_case {
	uint32_t width;
	const char *columns, *text;
};
static void check_narrow(const struct narrow_case *c, const struct cache rows[2])
{
	struct mm_table_options opt = { .format = MM_TABLE_HUMAN, .width = c->width, .columns = c->columns };
	struct mm_table_writer *w;
	struct mm_output out;

	mm_output_init(&out, -1);
	ck_assert_int_eq(mm_table_writer_new(&w, &out, &caches, &opt, NULL), 0);
	for (size_t r = 0; r < 2; r++)
		mm_table_writer_row(w, &rows[r]);
	ck_assert_int_eq(mm_table_writer_finish(w), 0);
	mm_table_writer_free(w);
	ck_assert_msg(out.len == strlen(c->text) && !memcmp(out.buf, c->text, out.len), "width %u:\n%.*s", c->width, (int)out.len, out.buf);
	mm_output_finish(&out);
}

START_TEST(too_wide)
{
	static const struct narrow_case cases[] = {
		{ 0, NULL, "NAME               ACTIVE_OBJECTS  ALLOCS_PER_SLAB  SIZE\n"
			   "a_cache_of_inodes           12345                     4K\n"
			   "dentry                          7                     8K\n" },
		{ 54, NULL, "NAME               ACTIVE_OBJECTS  SIZE\n"		/* 17 + 2 + 14 + 2 + 15 + 2 + 4 are 56 */
			    "a_cache_of_inodes           12345    4K\n"
			    "dentry                          7    8K\n" },
		{ 38, NULL, "                   ACTIVE_      \n"			/* 39 without the empty one */
			    "NAME               OBJECTS  SIZE\n"
			    "a_cache_of_inodes    12345    4K\n"
			    "dentry                   7    8K\n" },
		{ 31, NULL, "                  ACTIVE_     \n"			/* 17 + 7 + 4 and two gaps of 2 are 32 */
			    "NAME              OBJECTS SIZE\n"
			    "a_cache_of_inodes   12345   4K\n"
			    "dentry                  7   8K\n" },
		{ 25, NULL, "            ACTIVE_      \n"				/* 10 are left for the name */
			    "NAME        OBJECTS  SIZE\n"
			    "a_cache_o\xe2\x80\xa6    12345    4K\n"
			    "dentry            7    8K\n" },
		{ 21, NULL, "         ACTIVE_     \n"				/* 8 with one blank are the least */
			    "NAME     OBJECTS SIZE\n"
			    "a_cache\xe2\x80\xa6   12345   4K\n"
			    "dentry         7   8K\n" },
		/* who asks for a column sees it; as many lines of headings as one of them needs */
		{ 20, "allocs_per_slab,active_objects,size_bytes", "ALLOCS_             \n   PER_ ACTIVE_     \n   SLAB OBJECTS SIZE\n"
			   "          12345   4K\n              7   8K\n" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check_narrow(&cases[i], cache_rows);
}
END_TEST

/* Nothing else helps: columns that are 0 throughout go too, the first one and those that were asked for never. */
START_TEST(too_wide_zeros)
{
	static const struct cache rows[] = { { "a", 0, 0, 0 }, { "b", 0, 0, 4096 } };
	static const struct narrow_case cases[] = {
		{ 12, NULL, "NAME  SIZE\na       0B\nb       4K\n" },
		{ 3, NULL, "NAME SIZE\na      0B\nb      4K\n" },	/* as narrow as it gets */
		{ 12, "active_objects,name", "ACTIVE_ \nOBJECTS NAME\n      0 a\n      0 b\n" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check_narrow(&cases[i], rows);
}
END_TEST

START_TEST(many_rows)	/* more than are kept: every row once, in order */
{
	static struct zone z = { "x", 0, 0, 0, 0, 0, { "", 0 } };
	struct mm_table_options opt = { .format = MM_TABLE_HUMAN, .columns = "delta", .noheadings = true };
	struct mm_table_writer *w;
	struct mm_output out;
	char *p;

	ck_assert_int_eq(mm_output_init(&out, -1), 0);
	ck_assert_int_eq(mm_table_writer_new(&w, &out, &table, &opt, NULL), 0);
	for (z.delta = 0; z.delta < 25000; z.delta++)
		mm_table_writer_row(w, &z);
	ck_assert_int_eq(mm_table_writer_finish(w), 0);
	mm_table_writer_free(w);
	mm_output_bytes(&out, "", 1);
	p = out.buf;
	for (long i = 0; i < 25000; i++)
		ck_assert_int_eq(strtol(p, &p, 10), i);
	ck_assert_str_eq(p, "\n");
	mm_output_finish(&out);
}
END_TEST

START_TEST(help)
{
	const struct mm_table *const tables[] = { &words };
	const char *want = "words: words\n  word                   a word\n  more                   another\n";
	struct mm_output out;

	ck_assert_int_eq(mm_output_init(&out, -1), 0);
	mm_table_help(&out, tables, 1);
	ck_assert_msg(out.len == strlen(want) && !memcmp(out.buf, want, out.len), "%.*s", (int)out.len, out.buf);
	mm_output_finish(&out);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("table");
	TCase *tc = tcase_create("writer");
	SRunner *sr = srunner_create(s);
	int failed;

	suite_add_tcase(s, tc);
	tcase_set_timeout(tc, 30);
	tcase_add_loop_test(tc, forms, 0, sizeof(form_cases) / sizeof(form_cases[0]));
	tcase_add_test(tc, wrong_columns);
	tcase_add_test(tc, widths);
	tcase_add_test(tc, too_wide);
	tcase_add_test(tc, too_wide_zeros);
	tcase_add_test(tc, many_rows);
	tcase_add_test(tc, help);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
