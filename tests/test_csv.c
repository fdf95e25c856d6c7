/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CSV in: the rows of bare libcsv on any input, in any pieces; then numbers and bad input.
 */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>

#include "base/rng.h"
#include "csv_oracle.h"
#include "table/csv_scan.h"
#include "table/numbers.h"

/* ---- against libcsv ---- */

/* What pieces of input are made of: runs of plain text, and everything libcsv treats in its own way. */
static const char *const bits[] = {
	"a", "bc", "0x7f12345678", "load", "12345", ",", ",", ",", ",", "\n", "\n", "\n", "\r\n", "\r", " ", "\t", "\"", "\"\"",
	"\"x,y\"", "\"a\nb\"", "\"q\"\"q\"", "\" lead\" ", "!", "\x01", "\x7f", "\xc3\xa9", "\xff", "System RAM", ",,,,", "\n\n", " \n",
	"\"\"\n",
};
enum { NR_BITS = sizeof(bits) / sizeof(bits[0]), NR_PLAIN = 12 };

/* @nasty of 256: how often a piece may be of the special kind. */
static size_t make_input(struct mm_rng *rng, char *buf, size_t max, unsigned nasty)
{
	size_t n = 0, want = mm_rng_below(rng, max);

	while (n < want) {
		const char *bit = bits[mm_rng_below(rng, mm_rng_below(rng, 256) < nasty ? NR_BITS : NR_PLAIN)];
		size_t len = strlen(bit);

		if (n + len > max)
			break;
		memcpy(buf + n, bit, len);
		n += len;
	}
	if (nasty > 200 && n && !mm_rng_below(rng, 8))
		buf[mm_rng_below(rng, n)] = 0;
	return n;
}

static void same_rows(const struct rows_text *want, const struct rows_text *got, const char *how, int seed)
{
	size_t n = 0;

	while (n < want->len && n < got->len && want->p[n] == got->p[n])
		n++;
	ck_assert_msg(n == want->len && n == got->len,
		      "%s, seed %d: rows differ at byte %zu: want \"%.30s\", found \"%.30s\"",
		      how, seed, n, want->p + n, got->p + n);
}

/* A child writes @p in random pieces into a pipe. */
static int piped(struct mm_rng *rng, const char *p, size_t n)
{
	int fd[2];

	ck_assert_int_eq(pipe(fd), 0);
	ck_assert_int_ge(fcntl(fd[1], F_SETPIPE_SZ, 1 << 20), 0);
	for (size_t at = 0; at < n; ) {
		size_t k = 1 + mm_rng_below(rng, 300);

		k = k < n - at ? k : n - at;
		ck_assert_int_eq(write(fd[1], p + at, k), (ssize_t)k);
		at += k;
	}
	close(fd[1]);
	return fd[0];
}

START_TEST(random_input_against_libcsv)
{
	static char buf[40000];
	struct mm_rng rng = { (uint64_t)_i + 1 };

	for (int round = 0; round < 60; round++) {
		static const unsigned nasty[] = { 256, 128, 20, 2 };
		size_t n = make_input(&rng, buf, round % 3 ? 300 : sizeof(buf), nasty[round % 4]);
		struct rows_text want = { 0 }, got = { 0 };
		struct mm_input *in;

		oracle_rows(&want, buf, n);
		add_text(&want, "", 1);
		ck_assert_int_eq(mm_input_open_memory(&in, "input", buf, n), 0);
		reader_rows(&got, in);
		add_text(&got, "", 1);
		same_rows(&want, &got, "memory", _i * 1000 + round);
		mm_input_free(in);
		free(want.p);
		free(got.p);
	}
}
END_TEST

/* The reader's blocks end anywhere: the input's fill is made small by a pipe that holds little at a time. */
START_TEST(random_splits_against_libcsv)
{
	static char buf[3000];
	struct mm_rng rng = { (uint64_t)_i + 77 };

	for (int round = 0; round < 20; round++) {
		size_t n = make_input(&rng, buf, sizeof(buf), round % 2 ? 256 : 30);
		struct rows_text want = { 0 }, got = { 0 };
		struct mm_input *in;
		int pieces[2];
		ssize_t sent = 0;
		pid_t pid;

		oracle_rows(&want, buf, n);
		add_text(&want, "", 1);
		/* SOCK_SEQPACKET-like pieces: O_DIRECT pipes give one write a read */
		ck_assert_int_eq(pipe2(pieces, O_DIRECT), 0);
		pid = fork();
		if (!pid) {
			close(pieces[0]);
			while (sent < (ssize_t)n) {
				size_t k = 1 + mm_rng_below(&rng, round % 3 ? 9 : 200);

				k = k < n - (size_t)sent ? k : n - (size_t)sent;
				if (write(pieces[1], buf + sent, k) != (ssize_t)k)
					_exit(1);
				sent += (ssize_t)k;
			}
			_exit(0);
		}
		close(pieces[1]);
		mm_rng_u64(&rng);
		ck_assert_int_eq(dup2(pieces[0], STDIN_FILENO), STDIN_FILENO);
		close(pieces[0]);
		ck_assert_int_eq(mm_input_open(&in, "-", NULL), 0);
		reader_rows(&got, in);
		add_text(&got, "", 1);
		same_rows(&want, &got, "pieces", _i * 1000 + round);
		mm_input_free(in);
		free(want.p);
		free(got.p);
	}
}
END_TEST

START_TEST(big_clean_file_through_many_blocks)	/* blocks of 256 KiB, windows of 4 KiB: a million rows, read by a pipe-sized step */
{
	struct rows_text want = { 0 }, got = { 0 }, text = { 0 };
	struct mm_rng rng = { 5 };
	struct mm_input *in;
	char line[128];

	for (int i = 0; i < 20000; i++)
		add_text(&text, line, (size_t)snprintf(line, sizeof(line), "%d,%llu,0x%llx,%s\n", i,
			 (unsigned long long)mm_rng_below(&rng, 100000), (unsigned long long)mm_rng_u64(&rng),
			 i % 1000 ? "load" : "\"a, quoted\n name\""));
	oracle_rows(&want, text.p, text.len);
	ck_assert_int_eq(dup2(piped(&rng, text.p, text.len < 1000000 ? text.len : 1000000), STDIN_FILENO),
			 STDIN_FILENO);
	ck_assert_uint_lt(text.len, 1000000);
	ck_assert_int_eq(mm_input_open(&in, "-", NULL), 0);
	reader_rows(&got, in);
	same_rows(&want, &got, "blocks", 5);
	mm_input_free(in);
	free(want.p);
	free(got.p);
	free(text.p);
}
END_TEST

static const struct {
	const char *name;
	mm_csv_scan_fn *fn;
} scans[] = {
	{ "plain", mm_csv_scan_plain },
#ifdef __x86_64__
	{ "sse2", mm_csv_scan_sse2 },
	{ "avx2", mm_csv_scan_avx2 },
#endif
};

START_TEST(scans_against_byte_loop)
{
	struct mm_rng rng = { (uint64_t)_i + 9 };
	unsigned char buf[400];
	uint32_t sep[400];

#ifdef __x86_64__
	__builtin_cpu_init();
	if (scans[_i].fn == mm_csv_scan_avx2 && !(__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2")))
		return;
#endif
	for (int round = 0; round < 3000; round++) {
		size_t to = mm_rng_below(&rng, sizeof(buf)), from = mm_rng_below(&rng, to + 1), n = 0,
			want = MM_CSV_NONE;
		size_t special = MM_CSV_NONE, nr;
		bool all = round % 2;

		for (size_t i = 0; i < sizeof(buf); i++)
			buf[i] = all ? (unsigned char)mm_rng_u64(&rng)
				: (unsigned char)("ab,\n#\"0x-\xff"[mm_rng_below(&rng, 10)]);
		nr = scans[_i].fn((char *)buf, from, to, sep, &special);
		for (size_t i = from; i < to; i++) {
			if (buf[i] == ',' || buf[i] == '\n')
				ck_assert_msg(n < nr && sep[n++] == i, "%s: separator at %zu missed", scans[_i].name,
					      i);
			else if (buf[i] <= 0x22 && want == MM_CSV_NONE)
				want = i;
		}
		ck_assert_uint_eq(n, nr);
		ck_assert_uint_eq(want, special);
	}
}
END_TEST

/* ---- lines and errors ---- */

static const struct bad_case {
	const char *why, *text;
	size_t len;
	int rows, err;
	const char *msg;
} bad_cases[] = {
#define T(s) s, sizeof(s) - 1
	{ "a quote that never ends", T("a,b\n1,2\n3,\"x\ny\n"), 2, -EINVAL,
	  "f:3: expected a quote that ends the field, found the end of the file" },
	{ "a quote inside a bare field", T("a\nb\nc\"d\n"), 2, -EINVAL,
	  "f:3: field 1: expected a quote only around the whole field, found one inside it" },
	{ "text after the closing quote", T("a,\"b\"c\n"), 0, -EINVAL,
	  "f:1: field 2: expected a quote only around the whole field, found one inside it" },
	{ "a NUL byte", T("a,b\n1,\0\n"), 1, -EINVAL, "f:2: field 2: expected text, found a NUL byte" },
	{ "lines count inside quotes", T("\"a\nb\"\n\nx\"\n"), 1, -EINVAL,
	  "f:4: field 1: expected a quote only around the whole field, found one inside it" },
	{ "a bare CR ends a row, as in libcsv", T("a\rb\rc"), 3, 0, "" },
	{ "empty file", T(""), 0, 0, "" },
	{ "blank lines only", T("\n\r\n \n\t\n"), 0, 0, "" },
	{ "no line feed at the end", T("a,b\n1,"), 2, 0, "" },
#undef T
};
START_TEST(bad_input)
{
	const struct bad_case *c = &bad_cases[_i];
	const struct mm_str *f;
	struct mm_error err = { 0 };
	struct mm_input *in;
	struct mm_csv *csv;
	size_t nr;
	int e, rows = 0;

	ck_assert_int_eq(mm_input_open_memory(&in, "f", c->text, c->len), 0);
	ck_assert_int_eq(mm_csv_new(&csv, in, &err), 0);
	while ((e = mm_csv_row(csv, &f, &nr, &err)) == 1)
		rows++;
	ck_assert_msg(e == c->err && rows == c->rows, "%s: error %d after %d rows", c->why, e, rows);
	ck_assert_str_eq(err.text, c->msg);
	ck_assert_int_eq(mm_csv_row(csv, &f, &nr, &err), c->err);	/* it sticks */
	mm_csv_free(csv);
	mm_input_free(in);
}
END_TEST

/* Rows of @n fields, with or without a quote: 256 pass, 257 do not. */
START_TEST(too_many_fields)
{
	for (int quoted = 0; quoted < 2; quoted++) {
		for (int n = 256; n <= 257; n++) {
			char text[1024] = "h\n\"q\"";
			const struct mm_str *f;
			struct mm_error err = { 0 };
			struct mm_input *in;
			struct mm_csv *csv;
			size_t nr;

			if (!quoted)
				strcpy(text, "h\nxyz");
			for (int i = 1; i < n; i++)
				strcat(text, ",1");
			strcat(text, "\n");
			ck_assert_int_eq(mm_input_open_memory(&in, "f", text, strlen(text)), 0);
			ck_assert_int_eq(mm_csv_new(&csv, in, &err), 0);
			ck_assert_int_eq(mm_csv_row(csv, &f, &nr, &err), 1);
			ck_assert_int_eq(mm_csv_row(csv, &f, &nr, &err), n == 256 ? 1 : -EINVAL);
			ck_assert_str_eq(err.text, n == 256 ? ""
					 : "f:2: expected a row of at most 256 fields, found more");
			mm_csv_free(csv);
			mm_input_free(in);
		}
	}
}
END_TEST

/*
 * An endless line is refused once it is longer than MM_INPUT_MAX_LINE, without being kept: plain, quoted, and
 * of NULs.
 */
START_TEST(endless_line)
{
	static const char *const starts[] = { "aaaaaaaaaaaaaaaa", "\"aaaaaaaaaaaaaaa", NULL };
	const struct mm_str *f;
	struct mm_error err = { 0 };
	struct mm_input *in;
	struct mm_csv *csv;
	size_t nr;
	int fd[2], e, none;
	pid_t pid;

	if (starts[_i]) {
		ck_assert_int_eq(pipe(fd), 0);
		pid = fork();
		if (!pid) {
			close(fd[0]);
			for (int i = 0; i < 1 << 26 && write(fd[1], i ? "aaaaaaaaaaaaaaaa" : starts[_i], 16) == 16; i++)
				;
			_exit(0);
		}
		close(fd[1]);
		dup2(fd[0], STDIN_FILENO);
		close(fd[0]);
		ck_assert_int_eq(mm_input_open(&in, "-", &err), 0);
	} else {
		ck_assert_int_eq(mm_input_open(&in, "/dev/zero", &err), 0);
	}
	ck_assert_int_eq(mm_csv_new(&csv, in, &err), 0);
	e = mm_csv_row(csv, &f, &nr, &err);
	ck_assert_int_eq(e, -EFBIG);
	ck_assert_ptr_nonnull(strstr(err.text, ":1: expected a row of at most 1048576 bytes, found a longer one"));
	ck_assert_uint_le(in->cap, 2 * MM_INPUT_MAX_LINE);
	mm_csv_free(csv);
	mm_input_free(in);
	none = open("/dev/null", O_RDONLY);	/* the writer ends; descriptor 0 stays taken, also where all tests are one process */
	ck_assert_int_eq(dup2(none, STDIN_FILENO), STDIN_FILENO);
	close(none);
}
END_TEST

START_TEST(header_in_any_order)
{
	static const char *const names[] = { "time_s", "pid", "event" };
	static const struct {
		const char *text;
		int e, index[3];
		const char *msg;
	} cases[] = {
		{ "pid,event,time_s\n", 0, { 2, 0, 1 }, "" },
		{ "x,event,y\n", 0, { -1, -1, 1 }, "" },
		{ "\xef\xbb\xbfpid,x\n", 0, { -1, 0, -1 }, "" },
		{ "pid,event,pid\n", -EINVAL, { 0 }, "f:1: expected each column once, found pid in fields 1 and 3" },
		{ "evnt,x\n", -EINVAL, { 0 }, "f:1: expected a header with known columns, found \"evnt\"; the nearest column is event" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct mm_error err = { 0 };
		const struct mm_str *f;
		struct mm_input *in;
		struct mm_csv *csv;
		int index[3];
		size_t nr;

		ck_assert_int_eq(mm_input_open_memory(&in, "f", cases[i].text, strlen(cases[i].text)), 0);
		ck_assert_int_eq(mm_csv_new(&csv, in, &err), 0);
		ck_assert_int_eq(mm_csv_row(csv, &f, &nr, &err), 1);
		ck_assert_int_eq(mm_csv_header(csv, f, nr, names, 3, index, &err), cases[i].e);
		ck_assert_str_eq(err.text, cases[i].msg);
		for (int k = 0; !cases[i].e && k < 3; k++)
			ck_assert_int_eq(index[k], cases[i].index[k]);
		mm_csv_free(csv);
		mm_input_free(in);
	}
}
END_TEST

/* ---- numbers ---- */

START_TEST(numbers_in)
{
	static const struct { const char *s; int e; uint64_t v; } u[] = {
		{ "0", 0, 0 }, { "18446744073709551615", 0, UINT64_MAX }, { "18446744073709551616", -ERANGE, 0 },
		{ "99999999999999999999999", -ERANGE, 0 }, { "0xffffffffffffffff", 0, UINT64_MAX }, { "0XaB", 0, 0xab },
		{ "00000000000000000000000000000012", 0, 12 }, { "0x0000000000000000000000001f", 0, 0x1f },
		{ "0x10000000000000000", -ERANGE, 0 }, { "0x", -EINVAL, 0 }, { "", -EINVAL, 0 }, { "-1", -EINVAL, 0 },
		{ "+1", -EINVAL, 0 }, { " 1", -EINVAL, 0 }, { "1 ", -EINVAL, 0 }, { "1e3", -EINVAL, 0 }, { "0x1g", -EINVAL, 0 },
		{ "0x1\x10", -EINVAL, 0 }, { "x1", -EINVAL, 0 }, { "99999999999999999999z", -EINVAL, 0 },
		{ "0x12345678@", -EINVAL, 0 }, { "0x1234567G", -EINVAL, 0 }, { "0x7f3a5c001000", 0, 0x7f3a5c001000 },
	};
	static const struct { const char *s; int e; int64_t v; } i[] = {
		{ "-1", 0, -1 }, { "-9223372036854775808", 0, INT64_MIN }, { "-9223372036854775809", -ERANGE, 0 },
		{ "9223372036854775808", -ERANGE, 0 }, { "9223372036854775807", 0, INT64_MAX }, { "-", -EINVAL, 0 }, { "--1", -EINVAL, 0 },
	};
	static const struct { const char *s; int e; uint64_t v; } t[] = {
		{ "0", 0, 0 }, { "1.5", 0, 1500000000 }, { "0.000000001", 0, 1 }, { "0.0000000019", 0, 1 }, { "3.", -EINVAL, 0 },
		{ ".5", -EINVAL, 0 }, { "18446744073.709551615", 0, UINT64_MAX }, { "18446744073.709551616", -ERANGE, 0 },
		{ "1.2.3", -EINVAL, 0 }, { "1.000000000x", -EINVAL, 0 }, { "-1", -EINVAL, 0 },
	};
	static const struct { const char *s; int e; uint64_t v; } z[] = {
		{ "4096", 0, 4096 }, { "64M", 0, 64u << 20 }, { "4G", 0, 4ull << 30 }, { "1.5GiB", 0, 3ull << 29 },
		{ "262140K", 0, 262140ull << 10 }, { "12kB", 0, 12288 }, { "7B", 0, 7 }, { "0x1000", 0, 4096 }, { "16E", -ERANGE, 0 },
		{ "15E", 0, 15ull << 60 }, { "0.1K", 0, 102 }, { "1.5", -EINVAL, 0 }, { "", -EINVAL, 0 }, { "M", -EINVAL, 0 },
		{ "-1", -EINVAL, 0 }, { "1Mi", -EINVAL, 0 }, { "1MM", -EINVAL, 0 }, { "99999999999999999999", -ERANGE, 0 },
	};

	for (size_t k = 0; k < sizeof(u) / sizeof(u[0]); k++) {
		uint64_t v = 0;

		ck_assert_msg(mm_parse_u64((struct mm_str){ u[k].s, strlen(u[k].s) }, &v) == u[k].e && v == u[k].v,
			      "u64 \"%s\"", u[k].s);
	}
	for (size_t k = 0; k < sizeof(i) / sizeof(i[0]); k++) {
		int64_t v = 0;

		ck_assert_msg(mm_parse_i64((struct mm_str){ i[k].s, strlen(i[k].s) }, &v) == i[k].e && v == i[k].v,
			      "i64 \"%s\"", i[k].s);
	}
	for (size_t k = 0; k < sizeof(t) / sizeof(t[0]); k++) {
		uint64_t v = 0;

		ck_assert_msg(mm_parse_seconds((struct mm_str){ t[k].s, strlen(t[k].s) }, &v) == t[k].e && v == t[k].v,
			      "seconds \"%s\"", t[k].s);
	}
	for (size_t k = 0; k < sizeof(z) / sizeof(z[0]); k++) {
		uint64_t v = 0;

		ck_assert_msg(mm_parse_size(z[k].s, &v) == z[k].e && v == z[k].v, "size \"%s\"", z[k].s);
	}
}
END_TEST

START_TEST(numbers_against_printf)
{
	struct mm_rng rng = { 3 };

	for (int k = 0; k < 150000; k++) {
		uint64_t v = k < 100000 ? (uint64_t)k : mm_rng_u64(&rng) >> mm_rng_below(&rng, 64), back;
		char want[64], got[MM_NUMBER_ROOM + 1];

		snprintf(want, sizeof(want), "%llu", (unsigned long long)v);
		*mm_format_u64(got, v) = 0;
		ck_assert_str_eq(got, want);
		ck_assert(!mm_parse_u64((struct mm_str){ got, strlen(got) }, &back) && back == v);
		snprintf(want, sizeof(want), "0x%llx", (unsigned long long)v);
		*mm_format_hex(got, v) = 0;
		ck_assert_str_eq(got, want);
		ck_assert(!mm_parse_u64((struct mm_str){ got, strlen(got) }, &back) && back == v);
		*mm_format_seconds(got, v) = 0;
		ck_assert(!mm_parse_seconds((struct mm_str){ got, strlen(got) }, &back) && back == v);
	}
}
END_TEST

/* 1 to 20 characters, mostly those of numbers, behind 16 others. */
static struct mm_str random_number(struct mm_rng *rng, char buf[40])
{
	static const char *const letters[] = { "0123456789", "0123456789abcdef", "09afAFgG:/`@.x -\x80\xb0\xff" };
	const char *set = letters[mm_rng_below(rng, 3)], *odd = letters[2];
	size_t n = 1 + mm_rng_below(rng, 20);

	for (size_t i = 0; i < MM_TEXT_BEFORE + n; i++)
		buf[i] = set[mm_rng_below(rng, strlen(set))];
	if (set == letters[0] && mm_rng_below(rng, 2))
		buf[MM_TEXT_BEFORE + mm_rng_below(rng, n)] = '.';
	else if (n > 2 && mm_rng_below(rng, 2))
		memcpy(buf + MM_TEXT_BEFORE, "0x", 2);
	if (!mm_rng_below(rng, 3))
		buf[MM_TEXT_BEFORE + mm_rng_below(rng, n)] = odd[mm_rng_below(rng, strlen(odd))];
	return (struct mm_str){ buf + MM_TEXT_BEFORE, n };
}

/* Digits, a point and digits, digit by digit: what more than nine decimals say is cut. */
static int slow_seconds(struct mm_str s, uint64_t *ns)
{
	int decimals = -1;		/* no point so far */
	bool over = false;		/* then the digits to come only make it larger */
	uint64_t v = 0;

	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] == '.' && i && i + 1 < s.len && decimals < 0)
			decimals = 0;
		else if (s.p[i] < '0' || s.p[i] > '9')
			return -EINVAL;
		else if (decimals < 9)
			over |= __builtin_mul_overflow(v, 10, &v) | __builtin_add_overflow(v, (unsigned)(s.p[i] - '0'), &v);
		else
			continue;
		decimals += decimals >= 0 && s.p[i] != '.';
	}
	for (decimals = decimals < 0 ? 0 : decimals; decimals < 9; decimals++)
		over |= __builtin_mul_overflow(v, 10, &v);
	*ns = v;
	return over ? -ERANGE : 0;
}

/* The ways for texts in a buffer and the common forms: as the ways for any. */
START_TEST(numbers_both_ways)
{
	struct mm_rng rng = { 5 };
	size_t good[3] = { 0 };

	for (int k = 0; k < 400000; k++) {
		char buf[40];
		struct mm_str s = random_number(&rng, buf);
		uint64_t slow = 1, fast = 1, in_line = 1;
		int e = mm_parse_u64(s, &slow);

		ck_assert_msg(mm_parse_number_before(s, &fast) == e && fast == slow, "\"%.*s\"", (int)s.len, s.p);
		ck_assert_msg(mm_parse_number(s, &in_line) == e && in_line == slow, "\"%.*s\"", (int)s.len, s.p);
		ck_assert_uint_eq(mm_str_head_before(s), mm_str_head(s));
		good[s.p[1] == 'x'] += !e;
		slow = fast = 1;
		e = slow_seconds(s, &slow);
		ck_assert_msg(mm_parse_seconds(s, &fast) == e && (e || fast == slow), "seconds \"%.*s\"", (int)s.len, s.p);
		fast = 1;
		ck_assert_msg(mm_parse_seconds_before(s, &fast) == e && (e || fast == slow), "seconds \"%.*s\"", (int)s.len, s.p);
		good[2] += !e && memchr(s.p, '.', s.len);
	}
	ck_assert_msg(good[0] > 20000 && good[1] > 20000 && good[2] > 20000, "%zu decimal, %zu hex, %zu seconds", good[0], good[1],
		      good[2]);
}
END_TEST

START_TEST(numbers_out)
{
	static const struct { uint64_t v; const char *s; } sizes[] = {
		{ 0, "0B" }, { 1023, "1023B" }, { 1024, "1K" }, { 1536, "1.5K" }, { 4096, "4K" }, { 1048575, "1M" },
		{ 3ull << 30, "3G" }, { 262140ull << 10, "256M" }, { UINT64_MAX, "16E" }, { 1000 * 1024 + 512, "1000.5K" },
	};
	char got[MM_NUMBER_ROOM + 1];

	for (size_t k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++) {
		*mm_format_size(got, sizes[k].v) = 0;
		ck_assert_str_eq(got, sizes[k].s);
	}
	*mm_format_hex(got, 0) = 0;
	ck_assert_str_eq(got, "0x0");
	*mm_format_i64(got, INT64_MIN) = 0;
	ck_assert_str_eq(got, "-9223372036854775808");
	*mm_format_fixed(got, -5, 3) = 0;
	ck_assert_str_eq(got, "-0.005");
	*mm_format_fixed(got, 12345, 2) = 0;
	ck_assert_str_eq(got, "123.45");
	*mm_format_seconds(got, 1500000000) = 0;
	ck_assert_str_eq(got, "1.5");
	*mm_format_seconds(got, 1) = 0;
	ck_assert_str_eq(got, "0.000000001");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("csv");
	TCase *tc = tcase_create("rows"), *num = tcase_create("numbers");
	SRunner *sr = srunner_create(s);
	int failed;

	suite_add_tcase(s, tc);
	tcase_set_timeout(tc, 30);
	tcase_add_loop_test(tc, random_input_against_libcsv, 0, 12);
	tcase_add_loop_test(tc, random_splits_against_libcsv, 0, 4);
	tcase_add_test(tc, big_clean_file_through_many_blocks);
	tcase_add_loop_test(tc, scans_against_byte_loop, 0, sizeof(scans) / sizeof(scans[0]));
	tcase_add_loop_test(tc, bad_input, 0, sizeof(bad_cases) / sizeof(bad_cases[0]));
	tcase_add_test(tc, too_many_fields);
	tcase_add_loop_test(tc, endless_line, 0, 3);
	tcase_add_test(tc, header_in_any_order);
	suite_add_tcase(s, num);
	tcase_set_timeout(num, 30);
	tcase_add_test(num, numbers_in);
	tcase_add_test(num, numbers_against_printf);
	tcase_add_test(num, numbers_both_ways);
	tcase_add_test(num, numbers_out);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
