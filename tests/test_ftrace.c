/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lines of ftrace and perf script as kernels 4.x to 6.12 printed them, and the
 * rows they become; then lines that nobody printed.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libmm/trace.h>

static struct mm_error err;

/* Everything of @text as one CSV trace; the result is the caller's to finish. */
static const char *convert(const char *text, size_t len, bool strict, struct mm_output *out)
{
	struct mm_trace_options opt = { .strict = strict };
	struct mm_trace_writer w = { .out = out };
	struct mm_trace_reader *r;
	struct mm_event ev[64];
	struct mm_input *in;
	long n;

	ck_assert_int_eq(mm_output_init(out, -1), 0);
	ck_assert_int_eq(mm_input_open_memory(&in, "t", text, len), 0);
	if (mm_trace_reader_new(&r, in, &opt, &err)) {
		mm_input_free(in);
		return NULL;
	}
	ck_assert_str_eq(mm_trace_format(r), "ftrace");
	w.columns = mm_trace_columns(r);
	while ((n = mm_trace_read(r, ev, 64, &err)) > 0)
		for (long i = 0; i < n; i++)
			mm_trace_writer_row(&w, &ev[i]);
	mm_output_bytes(out, "", 1);
	mm_trace_reader_free(r);
	mm_input_free(in);
	return n < 0 ? NULL : out->buf;
}

/* Columns: time_s,cpu,pid,event,addr,size,flags,name,offset,size2,result */
static const struct line_case {
	const char *line, *row;
} lines[] = {
	/* 6.6, ftrace */
	{ "            init-1       [000] .....     3.277657: mm_page_alloc: page=fffff153804d6580 pfn=0x13596 order=1 migratetype=0 "
	  "gfp_flags=GFP_KERNEL_ACCOUNT|__GFP_ZERO",
	  "3.277657,0,1,page_alloc,,8192,GFP_KERNEL_ACCOUNT|__GFP_ZERO,,,,0x13596" },
	{ "              ls-113     [003] d..3.     3.923572: mm_page_alloc_zone_locked: page=fffffc94c0083e80 pfn=0x20fa order=1 "
	  "migratetype=2 percpu_refill=1",
	  "3.923572,3,113,page_alloc,,8192,ZONE_LOCKED|MIGRATE_RECLAIMABLE|PERCPU_REFILL,,,,0x20fa" },
	{ "              sh-112     [000] .....     3.916929: mm_page_free: page=fffffc94c0164f00 pfn=0x593c order=0",
	  "3.916929,0,112,page_free,,4096,,,,,0x593c" },
	/* depth 2 in a softirq: it came over a lock */
	{ "             cap-63      [000] .Ns2.     3.522787: mm_page_free: page=000000000e5312bd pfn=0x3935 order=0",
	  "3.522787,0,63,page_free,,4096,IRQ_OVER_LOCK,,,,0x3935" },
	{ "             cap-63      [000] ..s1.     3.522787: mm_page_free: page=000000000e5312bd pfn=0x3935 order=0",
	  "3.522787,0,63,page_free,,4096,,,,,0x3935" },
	{ "              sh-112     [000] ...2.     3.916950: mm_page_free_batched: page=fffffc94c0164f00 pfn=0x593c order=0",
	  "3.91695,0,112,page_free,,4096,BATCHED,,,,0x593c" },
	{ "     kworker/0:1-21      [001] d..2.     7.000001: mm_page_pcpu_drain: page=00000000f1e2d3c4 pfn=0x1a2b order=3 migratetype=1",
	  "7.000001,1,21,page_free,,32768,PCPU_DRAIN|MIGRATE_MOVABLE,,,,0x1a2b" },
	{ "            dd-900     [001] d..2.     8.5: mm_page_alloc_extfrag: page=00000000aa pfn=0x4000 alloc_order=0 fallback_order=9 "
	  "pageblock_order=9 alloc_migratetype=0 fallback_migratetype=1 fragmenting=0 change_ownership=1",
	  "8.5,1,900,page_alloc,,4096,EXTFRAG|MIGRATE_UNMOVABLE|FROM_MOVABLE|CHANGE_OWNERSHIP,,,2097152,0x4000" },
	{ "            init-1       [000] .....     8.183731: kmem_cache_alloc: call_site=__alloc_file+0x23/0xd0 ptr=ffff8f47c596a000 "
	  "bytes_req=256 bytes_alloc=256 gfp_flags=GFP_KERNEL|__GFP_ZERO node=-1 accounted=true",
	  "8.183731,0,1,cache_alloc,0xffff8f47c596a000,256,GFP_KERNEL|__GFP_ZERO,,,256," },
	{ "             exe-351     [000] .Ns..     7.280314: kmem_cache_free: call_site=rcu_do_batch+0x1af/0x4b0 ptr=ffff93cb045bf000 "
	  "name=filp",
	  "7.280314,0,351,cache_free,0xffff93cb045bf000,,,filp,,," },
	{ "     ksoftirqd/0-13      [000] .Ns..     7.280456: kfree: call_site=vm_area_free_rcu_cb+0x10/0x30 ptr=0000000000000000",
	  "7.280456,0,13,kfree,0x0,,,,,," },
	/* 4.x: decimal pfn, node variants, no name, (null) with blanks, no irq column */
	{ "    bash-1977  [002]   100.000001: mm_page_alloc: page=ffffea0000123400 pfn=18637 order=0 migratetype=2 gfp_flags=GFP_NOFS",
	  "100.000001,2,1977,page_alloc,,4096,GFP_NOFS,,,,0x48cd" },
	{ "    bash-1977  [002] ....   100.000002: kmalloc_node: call_site=ffffffff812 ptr=ffff88007 bytes_req=100 bytes_alloc=128 "
	  "gfp_flags=GFP_KERNEL node=-1",
	  "100.000002,2,1977,kmalloc,0xffff88007,100,GFP_KERNEL,,,128," },
	/* of a node: 6.6 with the field that follows, 4.x at the end of the line */
	{ "              ip-90      [001] .....     2.000001: kmalloc: call_site=f+0x1/0x2 ptr=ffff8f47c596a000 bytes_req=100 "
	  "bytes_alloc=128 gfp_flags=GFP_KERNEL node=1 accounted=false",
	  "2.000001,1,90,kmalloc,0xffff8f47c596a000,100,GFP_KERNEL,,0x1,128," },
	{ "    bash-1977  [002] ....   100.000002: kmem_cache_alloc_node: call_site=ffffffff812 ptr=ffff88007 bytes_req=100 "
	  "bytes_alloc=128 gfp_flags=GFP_KERNEL node=0",
	  "100.000002,2,1977,cache_alloc,0xffff88007,100,GFP_KERNEL,,0x0,128," },
	/* options/fields: each in hexadecimal and in decimal; a node of -1 is any */
	{ "           cat-998     [001] .....  4582.6: kmem_cache_alloc: call_site=0xffffffff92d10d97 (-1831793257) "
	  "ptr=0xffff9e0e8571e000 (-107689771147264) bytes_req=0x168 (360) bytes_alloc=0x180 (384) gfp_flags=0xcc0 (3264) "
	  "node=0xffffffff (-1) accounted=(0)",
	  "4582.6,1,998,cache_alloc,0xffff9e0e8571e000,360,0xcc0,,,384," },
	{ "    bash-1977  [002] ....   100.000003: kmem_cache_free: call_site=ffffffff812 ptr=ffff88007",
	  "100.000003,2,1977,cache_free,0xffff88007,,,,,," },
	{ "    bash-1977  [002] ....   100.000004: kfree: call_site=ffffffff812 ptr=          (null)",
	  "100.000004,2,1977,kfree,0x0,,,,,," },
	/* record-tgid; a name with blanks, dashes, brackets and colons */
	{ " Web: [1] x-y 2-3456  ( 3400) [010] .....  5.250000: mm_page_free: page=1 pfn=0x10 order=9",
	  "5.25,10,3456,page_free,,2097152,,,,,0x10" },
	/* a failed allocation */
	{ "            dd-900     [001] .....     8.6: mm_page_alloc: page=0000000000000000 pfn=0x0 order=10 migratetype=0 "
	  "gfp_flags=GFP_KERNEL",
	  "8.6,1,900,page_alloc,,4194304,GFP_KERNEL,,,,ENOMEM" },
	/* options/latency-format, 6.6 and 4.x: microseconds, the state at the CPU's number */
	{ "    bash-1234      1d.s2.   12us+: mm_page_free: page=1 pfn=0x10 order=0",
	  "0.000012,1,1234,page_free,,4096,IRQ_OVER_LOCK,,,,0x10" },
	{ "   <...>-4321   12.... 1234567us : mm_page_alloc: page=1 pfn=16 order=0 migratetype=0 gfp_flags=GFP_KERNEL",
	  "1.234567,12,4321,page_alloc,,4096,GFP_KERNEL,,,,0x10" },
	{ "  a 5us+:-12     0.....    1us$: page_fault_user: address=0x7f1234567000 ip=0x55aa error_code=0x6",
	  "0.000001,0,12,store,0x7f1234567000,1,FAULT|WRITE|USER,,,," },
	/* comments of function_graph, with a time and a task */
	{ " 3914.412345 |   2)   bash-1234    |               |  /* kfree: call_site=f+0x1/0x2 ptr=ffff9000 */",
	  "3914.412345,2,1234,kfree,0xffff9000,,,,,," },
	{ "    3.000001 |  10)   <...>-77     |  d.s2. |               |          /* mm_page_free: page=1 pfn=0x10 order=0 */",
	  "3.000001,10,77,page_free,,4096,IRQ_OVER_LOCK,,,,0x10" },
	/* perf script */
	{ "stress-ng   812 [001]  1234.567891:    kmem:mm_page_alloc: page=0x3ae85 pfn=0x3ae85 order=0 migratetype=1 "
	  "gfp_flags=GFP_HIGHUSER_MOVABLE|__GFP_ZERO",
	  "1234.567891,1,812,page_alloc,,4096,GFP_HIGHUSER_MOVABLE|__GFP_ZERO,,,,0x3ae85" },
	{ "stress-ng   812/815 [001]  1234.567892: exceptions:page_fault_user: address=0x7f1234567000 ip=0x55aa error_code=0x6",
	  "1234.567892,1,815,store,0x7f1234567000,1,FAULT|WRITE|USER,,,," },
	{ "stress-ng   812 [001]  1234.567893: exceptions:page_fault_user: address=0x7f1234567000 ip=0x55aa error_code=0x14",
	  "1234.567893,1,812,fetch,0x7f1234567000,1,FAULT|USER|INSTR,,,," },
	{ "stress-ng   812  1234.567894:          1 page-faults:      7f1234567abc",
	  "1234.567894,0,812,load,0x7f1234567abc,1,FAULT,,,," },
};
START_TEST(known_lines)
{
	struct mm_output out;
	char row[256], line[512];
	const char *got;

	snprintf(line, sizeof(line), "%s\n", lines[_i].line);
	got = convert(line, strlen(line), true, &out);
	ck_assert_msg(got != NULL, "%s: %s", lines[_i].line, err.text);
	snprintf(row, sizeof(row), "%s\n", lines[_i].row);
	ck_assert_str_eq(got, row);
	mm_output_finish(&out);
}
END_TEST

static const char head[] = "# tracer: nop\n#\n";

/* Lines that begin as the one before, and those that only seem to. */
START_TEST(heads_in_turn)
{
	static const char text[] =
		"# tracer: nop\n"
		"   bash-12  [001] ..... 1.000001: kfree: call_site=a ptr=11\n"
		"   bash-12  [001] ..... 1.000002: kfree: call_site=a ptr=12\n"		/* the same head */
		"   bash-12  [001] 1.000003: kmem:kfree: call_site=a ptr=13\n"		/* no state, a group */
		"   bash-12  [002] ..... 1.000004: kfree: call_site=a ptr=14\n"		/* another CPU */
		"   bash-123 [002] ..... 1.000005: kfree: call_site=a ptr=15\n"		/* another task */
		"   b [7]-9  [003] ..... 1.000006: kfree: call_site=a ptr=16\n"		/* a bracket in the name */
		"   b: 2: x-9  [004] ..... 1.000007: kfree: call_site=a ptr=17\n"	/* colons in the name */
		"   bash-123 [002] ..... 1.0000080000: kfree: call_site=a ptr=18\n"	/* more digits than nanoseconds */
		"   bash-123 [002] ..... 2: kfree: call_site=a ptr=19\n"		/* none */
		"   bash-123 [002] ..... 3.5: kmem_cache_free: name=x y ptr=1a\n";	/* fields in another order */
	static const char *const rows[] = {
		"1.000001,1,12,kfree,0x11,", "1.000002,1,12,kfree,0x12,", "1.000003,1,12,kfree,0x13,", "1.000004,2,12,kfree,0x14,",
		"1.000005,2,123,kfree,0x15,", "1.000006,3,9,kfree,0x16,", "1.000007,4,9,kfree,0x17,", "1.000008,2,123,kfree,0x18,",
		"2,2,123,kfree,0x19,", "3.5,2,123,cache_free,0x1a,",
	};
	struct mm_output out;
	const char *csv = convert(text, sizeof(text) - 1, false, &out), *at = csv;

	ck_assert_ptr_nonnull(csv);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ck_assert_msg(!strncmp(at, rows[i], strlen(rows[i])), "row %zu: %.60s", i, at);
		at = strchr(at, '\n') + 1;
	}
	mm_output_finish(&out);
}
END_TEST

#define GRAPH "events in function_graph without a time or a task (options/funcgraph-abstime and funcgraph-proc tell them)"
static const struct skip_case {
	const char *why, *text, *what;
	bool harmless;
	unsigned int rows;
} skips[] = {
	{ "other events", "x-1 [000] .... 1.5: sched_switch: prev=x\n", "events other than kmem:* and exceptions:page_fault_*", true, 0 },
	{ "lost events", "CPU:0 [LOST 123 EVENTS]\nx-1 [000] .... 1.5: kfree: call_site=1 ptr=1\n",
	  "gaps where the recording lost events", false, 1 },
	{ "a missing field", "x-1 [000] .... 1.5: mm_page_free: page=1 order=0\n", "events with fields that cannot be read", false, 0 },
	{ "an absurd order", "x-1 [000] .... 1.5: mm_page_free: page=1 pfn=1 order=77\n",
	  "events with fields that cannot be read", false, 0 },
	{ "a hashed pointer that is none", "x-1 [000] .... 1.5: kfree: call_site=1 ptr=(____ptrval____)\n",
	  "events with fields that cannot be read", false, 0 },
	{ "time going back", "x-1 [000] .... 2.5: kfree: call_site=1 ptr=1\nx-1 [000] .... 1.5: kfree: call_site=1 ptr=1\n",
	  "events whose time is before the last one's", true, 2 },
	{ "function_graph without a task", " 1.500000 |   0)               |  /* kfree: call_site=1 ptr=1 */\n", GRAPH, false, 0 },
	{ "function_graph without a time", " 0)   bash-1234    |               |  /* kfree: call_site=1 ptr=1 */\n", GRAPH, false, 0 },
	{ "a function that is called", " 1.500000 |   0)   bash-1234    |   0.123 us    |  kfree();\n", "lines that are no events", true,
	  0 },
	{ "a comment that is no event", " 1.500000 |   0)   bash-1234    |               |  /* text 1: 2 */\n", "lines that are no events",
	  true, 0 },
	{ "the state without microseconds: a clock of no unit", "   bash-1234    1d..1 12: kfree: call_site=1 ptr=1\n",
	  "events without a time or a task (perf script without -F tells them)", false, 0 },
	{ "rubbish", "hello\n", "lines that are no events", true, 0 },
	{ "a line cut in the middle", "x-1 [000] .... 2.5: kfree: call_site=1 ptr=1\nx-1 [00", "lines cut short at the end of the file",
	  false, 1 },
	{ "a pointer that may be the beginning of a longer one", "x-1 [000] .... 2.5: kfree: call_site=1 ptr=1\nx-1 [000] .... 2.6: kfree: "
	  "call_site=1 ptr=12", "lines cut short at the end of the file", false, 1 },
};
START_TEST(skipped_lines)
{
	const struct skip_case *c = &skips[_i];
	struct mm_trace_options opt = { 0 };
	struct mm_trace_reader *r;
	const struct mm_skip *s;
	struct mm_event ev[64];
	struct mm_input *in;
	char text[512];
	struct mm_output out;
	size_t nr;
	long n, rows = 0;

	snprintf(text, sizeof(text), "%sx-1 [000] .... 1.0: kfree: call_site=1 ptr=1\n%s", head, c->text);
	ck_assert_int_eq(mm_input_open_memory(&in, "t", text, strlen(text)), 0);
	ck_assert_msg(!mm_trace_reader_new(&r, in, &opt, &err), "%s", err.text);
	while ((n = mm_trace_read(r, ev, 64, &err)) > 0)
		rows += n;
	ck_assert_int_eq(n, 0);
	ck_assert_int_eq(rows, c->rows + 1);
	s = mm_trace_skips(r, &nr);
	ck_assert_uint_eq(nr, 1);
	ck_assert_str_eq(s[0].what, c->what);
	ck_assert_uint_eq(s[0].count, 1);
	ck_assert(s[0].harmless == c->harmless);
	mm_trace_reader_free(r);
	mm_input_free(in);
	ck_assert_msg((convert(text, strlen(text), true, &out) != NULL) == c->harmless, "%s under --strict", c->why);
	mm_output_finish(&out);
}
END_TEST

/* Known lines cut, spliced and with bytes changed: no crash, every row well formed, the reader comes to the end. */
START_TEST(mutated_lines)
{
	uint64_t seed = (uint64_t)_i * 7919 + 1;
	char text[8192];

	for (int round = 0; round < 300; round++) {
		struct mm_output out;
		size_t len = (size_t)snprintf(text, sizeof(text), "%s", head);

		for (int l = 0; l < 8; l++) {
			seed = seed * 6364136223846793005u + 1442695040888963407u;
			len += (size_t)snprintf(text + len, sizeof(text) - len, "%s\n",
						lines[(seed >> 33) % (sizeof(lines) / sizeof(lines[0]))].line);
		}
		for (int m = 0; m < 6; m++) {
			seed = seed * 6364136223846793005u + 1442695040888963407u;
			text[sizeof(head) + (seed >> 40) % (len - sizeof(head))] = (char)(seed >> 20);
		}
		ck_assert_msg(convert(text, len, false, &out) != NULL, "seed %d: %s", _i, err.text);
		mm_output_finish(&out);
	}
}
END_TEST

/* The spelling of 6.6, which is read in one go, and others of the same values: the rows are the same. */
START_TEST(two_spellings)
{
	uint64_t seed = (uint64_t)_i + 1;
	struct mm_output a, b;
	char one[16384] = "# tracer: nop\n", two[16384] = "# tracer: nop\n", *p = one + strlen(one), *q = two + strlen(two);
	const char *rows;

	for (int l = 0; l < 60; l++) {
		unsigned long long ptr, sec, micro, size, pfn;

		seed = seed * 6364136223846793005u + 1442695040888963407u;
		ptr = (seed | UINT64_C(0xf000000000000000)) >> (l % 3 ? 0 : seed >> 58);
		sec = l * 100000ull;
		micro = seed >> 20 & 0x7ffff;
		size = seed >> 40 & 0xfffff;
		pfn = seed >> 30 & 0xfffffff >> (seed & 15);
		p += sprintf(p, " sh-%d [000] d.s2. %llu.%06llu: kmalloc: call_site=f+0x1/0x2 ptr=%016llx bytes_req=%llu bytes_alloc=%llu "
			     "gfp_flags=GFP_KERNEL node=-1\n", l, sec, micro, ptr, size, size + 8);
		q += sprintf(q, " sh-%d [000] d.s2. %llu.%06llu00: kmalloc: bytes_alloc=%020llu call_site=f+0x1/0x2 bytes_req=0x%llx "
			     "ptr=0x%llX gfp_flags=GFP_KERNEL\n", l, sec, micro, size + 8, size, ptr);
		p += sprintf(p, " sh-%d [000] d.s2. %llu.%06llu: mm_page_free: page=%016llx pfn=0x%llx order=0\n", l, sec, micro, ptr, pfn);
		q += sprintf(q, " sh-%d [000] d.s2. %llu.%06llu00: mm_page_free: pfn=0x%llX order=0\n", l, sec, micro, pfn);
	}
	rows = convert(one, (size_t)(p - one), true, &a);
	ck_assert_msg(rows && strlen(rows) > 120 * 20, "%s", err.text);
	ck_assert_msg(convert(two, (size_t)(q - two), true, &b) && !strcmp(rows, b.buf), "%s%.300s", err.text, b.buf);
	mm_output_finish(&a);
	mm_output_finish(&b);
}
END_TEST

#define NR(a) ((int)(sizeof(a) / sizeof((a)[0])))
int main(void)
{
	Suite *suite = suite_create("ftrace");
	TCase *tc = tcase_create("lines");
	SRunner *sr = srunner_create(suite);
	int failed;

	tcase_add_loop_test(tc, known_lines, 0, NR(lines));
	tcase_add_test(tc, heads_in_turn);
	tcase_add_loop_test(tc, skipped_lines, 0, NR(skips));
	tcase_add_loop_test(tc, mutated_lines, 0, 4);
	tcase_add_loop_test(tc, two_spellings, 0, 20);
	suite_add_tcase(suite, tc);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
