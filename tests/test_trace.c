/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The trace: rows in, rows out, and what is said about rows that are wrong.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "source/trace_source.h"
#include "table/trace_row.h"

static struct mm_input *in;
static struct mm_trace_reader *reader;
static struct mm_error err;

static int open_text(const char *text, size_t len)
{
	err = (struct mm_error){ 0 };
	ck_assert_int_eq(mm_input_open_memory(&in, "f", text, len), 0);
	return mm_trace_reader_new(&reader, in, NULL, &err);
}

static void close_text(void)
{
	mm_trace_reader_free(reader);
	mm_input_free(in);
	reader = NULL;
	in = NULL;
}

/* ---- in and out ---- */

static const struct copy_case {
	const char *why, *in, *out;	/* NULL: as it came in */
} copy_cases[] = {
	{ "the least trace", "pid,event,addr\n1000,load,0x7f0000001000\n1000,store,0x0\n", NULL },
	{ "every column", "time_s,cpu,pid,event,addr,size,flags,name,offset,addr2,size2,result,by\n"
	  "1.5,3,1000,mmap,0x0,8192,PROT_READ|MAP_PRIVATE,/lib/libc.so.6,0x26000,0x1000,4096,0x7f0000000000,\n"
	  ",,,fault,,,,,,,,12,fault\n", NULL },
	{ "columns in another order come out in ours", "addr,pid,event\n0x1000,7,load\n", "pid,event,addr\n7,load,0x1000\n" },
	{ "unknown columns go", "pid,comm,event,addr\n7,sh,load,0x1000\n", "pid,event,addr\n7,load,0x1000\n" },
	{ "decimal and upper-case addresses come out in hex", "event,addr\nload,4096\nload,0XAB\n",
	  "event,addr\nload,0x1000\nload,0xab\n" },
	{ "an empty field is no zero", "event,addr,size\nload,,\nload,0x0,0\n", NULL },
	{ "trailing zeros of seconds are cut", "time_s,event\n0.500,mark\n2.000000000,mark\n2.0000000019,mark\n",
	  "time_s,event\n0.5,mark\n2,mark\n2.000000001,mark\n" },
	{ "names that need quotes keep them",
	  "event,name\nmark,\"a,b\"\nmark,\"say \"\"hi\"\"\"\nmark,\" lead\"\nmark,\"two\nlines\"\nmark,a b\n", NULL },
	{ "results of every kind",
	  "event,result\nmmap,ENOMEM\nmmap,0xfff\nfork,12\noom_score_adj,-500\nmmap,ok\nsysctl,256 256 32 0 0\n", NULL },
	{ "CR LF in, LF out", "event,addr\r\nload,0x1\r\n", "event,addr\nload,0x1\n" },
	{ "largest values", "pid,event,addr,size\n4294967295,load,0xffffffffffffffff,18446744073709551615\n", NULL },
	{ "no rows", "pid,event,addr\n", NULL },
};

static void copy(struct mm_output *out, size_t max)
{
	struct mm_trace_writer w = { out, mm_trace_columns(reader) };
	struct mm_event ev[600];
	long n;

	mm_trace_writer_header(&w);
	while ((n = mm_trace_read(reader, ev, max, &err)) > 0)
		for (long i = 0; i < n; i++)
			mm_trace_writer_row(&w, &ev[i]);
	ck_assert_msg(n == 0, "%s", err.text);
}

START_TEST(rows_in_and_out)
{
	const struct copy_case *c = &copy_cases[_i];
	const char *want = c->out ? c->out : c->in;

	for (size_t max = 1; max <= 600; max += 599) {
		struct mm_output out;

		ck_assert_int_eq(open_text(c->in, strlen(c->in)), 0);
		ck_assert_int_eq(mm_output_init(&out, -1), 0);
		copy(&out, max);
		ck_assert_msg(out.len == strlen(want) && !memcmp(out.buf, want, out.len),
			      "%s, %zu rows a read: \"%.*s\"",
			      c->why, max, (int)out.len, out.buf);
		mm_output_finish(&out);
		close_text();
	}
}
END_TEST

/* ---- random rows: written, read and written again ---- */

static struct mm_str random_text(struct mm_rng *rng, char *buf, size_t max)
{
	static const char letters[] = "abcXYZ019_|/. ,\"\n\r\t";
	size_t n = 1 + mm_rng_below(rng, max);

	for (size_t i = 0; i < n; i++)
		buf[i] = letters[mm_rng_below(rng, mm_rng_below(rng, 4) ? 12 : sizeof(letters) - 1)];
	return (struct mm_str){ buf, n };
}

static void random_event(struct mm_rng *rng, struct mm_event *ev, char text[3][4000])
{
	size_t max = mm_rng_below(rng, 50) ? 30 : 4000;

	*ev = (struct mm_event){ .type = (uint16_t)(1 + mm_rng_below(rng, MM_NR_EVENTS - 1)) };
	ev->present = MM_TC_BIT(EVENT) | (uint32_t)mm_rng_below(rng, 1u << MM_NR_TRACE_COLUMNS);
	ev->present &= ~(MM_TC_BIT(BY) | MM_TC_BIT(RESULT) | MM_TC_BIT(TIME_S));
	ev->cpu = (uint32_t)mm_rng_u64(rng);
	ev->pid = (uint32_t)mm_rng_u64(rng);
	ev->addr = mm_rng_u64(rng) >> mm_rng_below(rng, 64);
	ev->size = mm_rng_u64(rng) >> mm_rng_below(rng, 64);
	ev->addr2 = mm_rng_u64(rng) >> mm_rng_below(rng, 64);
	ev->size2 = mm_rng_u64(rng) >> mm_rng_below(rng, 64);
	ev->offset = mm_rng_u64(rng) >> mm_rng_below(rng, 64);
	if (ev->present & MM_TC_BIT(FLAGS))
		ev->flags = random_text(rng, text[0], max);
	if (ev->present & MM_TC_BIT(NAME))
		ev->name = random_text(rng, text[1], max);
	if (mm_rng_below(rng, 2))
		mm_event_set_result(ev, mm_rng_below(rng, 2) ? MM_RESULT_HEX : MM_RESULT_DEC, mm_rng_u64(rng));
	if (mm_rng_below(rng, 2)) {
		ev->by = (uint8_t)(1 + mm_rng_below(rng, MM_NR_BY - 1));
		ev->present |= MM_TC_BIT(BY);
	}
}

#define SAME(ev, c, field) \
	ck_assert_msg((ev)->present & MM_TC_BIT(c) ? got->field == (ev)->field : got->field == 0, "row %d: " #field, i)
static bool same_str(struct mm_str a, struct mm_str b)
{
	return a.len == b.len && (!a.len || !memcmp(a.p, b.p, a.len));
}

START_TEST(random_rows)
{
	struct mm_rng rng = { (uint64_t)_i + 1 };
	struct mm_event want, got_one[1], *got = got_one;
	static char text[3][4000];
	struct mm_output out;
	struct mm_trace_writer w = { &out, (1u << MM_NR_TRACE_COLUMNS) - 1 };

	ck_assert_int_eq(mm_output_init(&out, -1), 0);
	mm_trace_writer_header(&w);
	for (int i = 0; i < 2000; i++) {
		random_event(&rng, &want, text);
		mm_trace_writer_row(&w, &want);
	}
	ck_assert_int_eq(open_text(out.buf, out.len), 0);
	rng.state = (uint64_t)_i + 1;
	for (int i = 0; i < 2000; i++) {
		random_event(&rng, &want, text);
		ck_assert_msg(mm_trace_read(reader, got, 1, &err) == 1, "row %d: %s", i, err.text);
		ck_assert_uint_eq(got->type, want.type);
		ck_assert_uint_eq(got->by, want.by);
		ck_assert_uint_eq(got->present, want.present);
		SAME(&want, CPU, cpu);
		SAME(&want, PID, pid);
		SAME(&want, ADDR, addr);
		SAME(&want, SIZE, size);
		SAME(&want, ADDR2, addr2);
		SAME(&want, SIZE2, size2);
		SAME(&want, OFFSET, offset);
		SAME(&want, RESULT, result);
		ck_assert(same_str(got->flags, want.flags) && same_str(got->name, want.name));
	}
	ck_assert_int_eq(mm_trace_read(reader, got, 1, &err), 0);
	mm_output_finish(&out);
	close_text();
}
END_TEST

/* ---- rows read where they lie: as rows that were cut ---- */

enum { ROW_ROOM = 16 + 1000 };

/* A field that the column may hold, or one of another column, or nothing. */
static size_t random_field(struct mm_rng *rng, unsigned col, char *p)
{
	static const char *const odd[] = { "", "", "x", "0x", "12a", "0xFF", "00000000000000000000001", "99999999999", "load ", "loads",
		"0.5", "-7" };

	if (!mm_rng_below(rng, 40))
		return (size_t)sprintf(p, "%s", odd[mm_rng_below(rng, sizeof(odd) / sizeof(odd[0]))]);
	if (col != MM_TC_EVENT && mm_rng_below(rng, 2))
		return 0;
	switch (col) {
	case MM_TC_TIME_S:
		return (size_t)sprintf(p, "%u.%0*u", (unsigned)mm_rng_below(rng, 2000), 1 + (int)mm_rng_below(rng, 9),
				       (unsigned)mm_rng_below(rng, 10));
	case MM_TC_CPU: case MM_TC_PID: case MM_TC_SIZE: case MM_TC_SIZE2:
		return (size_t)sprintf(p, "%u", (unsigned)(mm_rng_u64(rng) >> 32 >> mm_rng_below(rng, 32)));
	case MM_TC_EVENT:
		return (size_t)sprintf(p, "%s", mm_event_word((enum mm_event_type)(1 + mm_rng_below(rng, MM_NR_EVENTS - 1))));
	case MM_TC_BY:
		return (size_t)sprintf(p, "%s", mm_by_word((enum mm_by)mm_rng_below(rng, MM_NR_BY)));
	case MM_TC_FLAGS: case MM_TC_NAME:
		return (size_t)sprintf(p, "%.*s", (int)mm_rng_below(rng, 24), "PROT_READ|PROT_WRITE|MAP_PRIVATE");
	case MM_TC_RESULT:
		if (mm_rng_below(rng, 2))
			return (size_t)sprintf(p, "%s", mm_rng_below(rng, 2) ? "ok" : "ENOMEM");
		/* fall through */
	default:
		return (size_t)sprintf(p, "0x%llx", (unsigned long long)(mm_rng_u64(rng) >> mm_rng_below(rng, 64)));
	}
}

static void same_event(const struct mm_event *a, const struct mm_event *b, const char *row)
{
	ck_assert_msg(a->type == b->type && a->present == b->present && a->by == b->by && a->result_kind == b->result_kind &&
		      a->pid == b->pid && a->cpu == b->cpu && a->time_ns == b->time_ns && a->addr == b->addr && a->size == b->size &&
		      a->addr2 == b->addr2 && a->size2 == b->size2 && a->offset == b->offset && a->result == b->result &&
		      same_str(a->flags, b->flags) && same_str(a->name, b->name) && same_str(a->result_word, b->result_word), "%s", row);
}

START_TEST(rows_where_they_lie)
{
	struct mm_rng rng = { (uint64_t)_i + 11 };
	int index[MM_NR_TRACE_COLUMNS], good = 0, taken = 0;
	unsigned column[30];
	size_t nr = 0;
	struct mm_trace_row plan;

	for (unsigned col = 0; col < MM_NR_TRACE_COLUMNS; col++)	/* some columns in some order, some that are unknown */
		index[col] = -1;
	while (nr < 4 + 3 * (size_t)_i || index[MM_TC_EVENT] < 0) {
		unsigned col = (unsigned)mm_rng_below(&rng, MM_NR_TRACE_COLUMNS + 1);

		if (col < MM_NR_TRACE_COLUMNS && index[col] >= 0)
			continue;
		if (col < MM_NR_TRACE_COLUMNS)
			index[col] = (int)nr;
		column[nr++] = col;
	}
	mm_trace_row_init(&plan, nr, index);
	for (int i = 0; i < 20000; i++) {
		char row[ROW_ROOM], *p = row + sprintf(row, "fifteen chars..\n");
		struct mm_event want, got;
		struct mm_trace_fault fault;
		struct mm_str fields[30];
		uint32_t sep[30];
		int e;

		for (size_t f = 0; f < nr; f++) {
			size_t n = random_field(&rng, column[f], p);

			fields[f] = (struct mm_str){ p, n };
			p += n;
			sep[f] = (uint32_t)(p - row);
			*p++ = f + 1 < nr ? ',' : '\n';
		}
		*p = 0;
		e = mm_trace_row_parse(&plan, fields, nr, &want, &fault);
		good += !e;
		if (mm_trace_row_at(&plan, row, 16, sep, &got)) {
			ck_assert_msg(!e, "taken: %s", row + 16);
			same_event(&want, &got, row + 16);
			taken++;
		}
		row[sep[mm_rng_below(&rng, nr - 1)]] = '\n';	/* two rows of fewer fields */
		ck_assert(!mm_trace_row_at(&plan, row, 16, sep, &got));
		row[sep[nr - 1]] = ',';
		ck_assert(!mm_trace_row_at(&plan, row, 16, sep, &got));
	}
	ck_assert_msg(good > 5000 && taken == good, "%d good rows, %d taken", good, taken);
}
END_TEST

/* ---- wrong rows ---- */

#define HEAD "time_s,pid,event,addr,size,by\n"
#define OK "1,1000,load,0x1000,8,\n"
static const struct bad_case {
	const char *why, *text;
	size_t len;
	int rows;			/* given out before the error; -1: the reader is not made */
	const char *msg;
} bad_cases[] = {
#define T(s) s, sizeof(s) - 1
	{ "unknown event", T(HEAD OK "1,1000,laod,0x1000,8,\n"), 1,
	  "f:3: event: expected a known word, found \"laod\"; the nearest is load" },
	{ "no event", T(HEAD "1,1000,,0x1000,8,\n"), 0, "f:2: event: expected a word, found \"\"" },
	{ "negative size", T(HEAD OK OK "1,1000,load,0x1000,-8,\n"), 2, "f:4: size: expected a number of bytes, found \"-8\"" },
	{ "an address beyond 64 bits", T(HEAD "1,1000,load,0x10000000000000000,8,\n"), 0,
	  "f:2: addr: expected an address of at most 64 bits, found \"0x10000000000000000\"" },
	{ "a word for an address", T(HEAD "1,1000,load,stack,8,\n"), 0,
	  "f:2: addr: expected an address of at most 64 bits, found \"stack\"" },
	{ "time goes back", T(HEAD "2,1000,load,0x1000,8,\n1.5,1000,load,0x1000,8,\n"), 1,
	  "f:3: time_s: expected at least 2.000000000, found 1.500000000: time goes back" },
	{ "time goes back past an empty time", T(HEAD "2,1,load,0x1,8,\n,1,load,0x1,8,\n1.9,1,load,0x1,8,\n"), 2,
	  "f:4: time_s: expected at least 2.000000000, found 1.900000000: time goes back" },
	{ "unknown part of the machine", T(HEAD "1,1000,load,0x1000,8,budy\n"), 0,
	  "f:2: by: expected nothing or a known word, found \"budy\"; the nearest is buddy" },
	{ "a row cut short", T(HEAD OK "1,1000,load,0x1000"), 1, "f:3: expected 6 fields as in the header, found 4" },
	{ "a row too long", T(HEAD "1,1000,load,0x1000,8,,extra\n"), 0, "f:2: expected 6 fields as in the header, found 7" },
	{ "pid beyond 32 bits", T(HEAD "1,4294967296,load,0x1000,8,\n"), 0, "f:2: pid: expected a process number, found \"4294967296\"" },
	{ "a NUL byte", T(HEAD OK "1,1000,load,0x10\0,8,\n"), 1, "f:3: field 4: expected text, found a NUL byte" },
	{ "control bytes in a message are escaped", T(HEAD "1,1000,l\x1b[2J,0x1,8,\n"), 0,
	  "f:2: event: expected a known word, found \"l\\x1b[2J\"; the nearest is load" },
	{ "a header with a mistyped column", T("pid,evnt,addr\n"), -1,
	  "f:1: expected a trace, whose header has a column event, found \"pid,evnt,addr\"; the nearest column is evnt" },
	{ "a table is no trace", T("node,zone,order,blocks\n0,DMA,0,1\n"), -1,
	  "f:1: expected a trace, whose header has a column event, found \"node,zone,order,blocks\"; the nearest column is zone" },
	{ "a column twice", T("pid,event,pid\n"), -1, "f:1: expected each column once, found pid in fields 1 and 3" },
	{ "empty", T(""), -1, "f: expected a trace or a recording, found nothing" },
	{ "binary", T("\xff\xfe\x00\x01"), -1, "f:1: expected a trace or a recording, found \"\\xff\\xfe\"" },
	{ "gzip", T("\x1f\x8b\x08"), -1, "f: expected text, found gzip data: pipe it through zcat" },
#undef T
};

START_TEST(wrong_rows)
{
	const struct bad_case *c = &bad_cases[_i];

	for (size_t max = 1; max < 300; max += 99) {
		struct mm_event ev[300];
		int rows = 0;
		long n = open_text(c->text, c->len);

		if (n) {
			ck_assert_int_eq(c->rows, -1);
		} else {
			while ((n = mm_trace_read(reader, ev, max, &err)) > 0)
				rows += (int)n;
			ck_assert_msg(rows == c->rows, "%s: %d rows", c->why, rows);
			ck_assert_int_eq(mm_trace_read(reader, ev, max, &err), n);	/* it sticks */
		}
		ck_assert_msg(n < 0, "%s: no error", c->why);
		ck_assert_str_eq(err.text, c->msg);
		close_text();
	}
}
END_TEST

START_TEST(from_names)
{
	struct mm_trace_options opt = { .from = "trase" };

	ck_assert_int_eq(mm_input_open_memory(&in, "f", "event\n", 6), 0);
	ck_assert_int_eq(mm_trace_reader_new(&reader, in, &opt, &err), -EINVAL);
	ck_assert_str_eq(err.text, "--from=trase is no format that is read; the nearest is trace");
	opt.from = "trace";
	ck_assert_int_eq(mm_trace_reader_new(&reader, in, &opt, &err), 0);
	ck_assert_str_eq(mm_trace_format(reader), "trace");
	close_text();
}
END_TEST

START_TEST(lines_of_rows)	/* each row knows its line, also behind quoted line breaks, whatever the batch */
{
	const char text[] = "event,name\nmark,a\nmark,\"b\nb\"\n\nmark,c\n";
	static const uint64_t want[] = { 2, 3, 6 };

	for (size_t max = 1; max < 200; max += 99) {
		struct mm_event ev[200];
		size_t row = 0;
		long n;

		ck_assert_int_eq(open_text(text, strlen(text)), 0);
		while ((n = mm_trace_read(reader, ev, max, &err)) > 0)
			for (long i = 0; i < n; i++)
				ck_assert_uint_eq(mm_trace_line(reader, (size_t)i), want[row++]);
		ck_assert_uint_eq(row, 3);
		close_text();
	}
}
END_TEST

START_TEST(words_are_unlike)	/* each word is found again, and class and word agree */
{
	char text[64];

	for (unsigned t = 1; t < MM_NR_EVENTS; t++) {
		struct mm_event ev;

		snprintf(text, sizeof(text), "event\n%s\n", mm_event_word((enum mm_event_type)t));
		ck_assert_int_eq(open_text(text, strlen(text)), 0);
		ck_assert_int_eq(mm_trace_read(reader, &ev, 1, &err), 1);
		ck_assert_uint_eq(ev.type, t);
		close_text();
	}
	ck_assert_int_eq(mm_event_class(MM_EV_OOM_KILL), MM_CLASS_EFFECT);
	ck_assert_int_eq(mm_event_class(MM_EV_LOAD), MM_CLASS_ACCESS);
}
END_TEST

/* ---- what formats share ---- */

START_TEST(skips)
{
	struct mm_trace_source src = { 0 };

	ck_assert_int_eq(mm_input_open_memory(&src.in, "f", "", 0), 0);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(mm_trace_loss(&src, "odd lines", (uint64_t)i + 5, &err), 0);
	ck_assert_int_eq(mm_trace_note(&src, "signals", 9), 0);
	ck_assert_uint_eq(src.nr_skips, 2);
	ck_assert_str_eq(src.skips[0].what, "odd lines");
	ck_assert_uint_eq(src.skips[0].count, 3);
	ck_assert_uint_eq(src.skips[0].first_line, 5);
	src.strict = true;
	ck_assert_int_eq(mm_trace_note(&src, "signals", 10), 0);
	ck_assert_int_eq(mm_trace_loss(&src, "odd lines", 10, &err), -EINVAL);
	ck_assert_str_eq(err.text, "f:10: odd lines are an error under --strict");
	mm_input_free(src.in);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("trace");
	TCase *tc = tcase_create("rows");
	SRunner *sr = srunner_create(s);
	int failed;

	suite_add_tcase(s, tc);
	tcase_set_timeout(tc, 30);
	tcase_add_loop_test(tc, rows_in_and_out, 0, sizeof(copy_cases) / sizeof(copy_cases[0]));
	tcase_add_loop_test(tc, random_rows, 0, 4);
	tcase_add_loop_test(tc, rows_where_they_lie, 0, 6);
	tcase_add_loop_test(tc, wrong_rows, 0, sizeof(bad_cases) / sizeof(bad_cases[0]));
	tcase_add_test(tc, from_names);
	tcase_add_test(tc, lines_of_rows);
	tcase_add_test(tc, words_are_unlike);
	tcase_add_test(tc, skips);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
