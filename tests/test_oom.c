/* SPDX-License-Identifier: GPL-2.0-or-later */
/* OOM reports: the kernel's own choices, hand-made reports of other kernels, and broken ones. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libmm/oom.h>

static struct mm_oom_log log_;

static int read_text(const char *text, size_t len, bool allocating)
{
	struct mm_error err = { 0 };
	struct mm_input *in;
	int rc;

	ck_assert_int_eq(mm_input_open_memory(&in, "test", text, len), 0);
	rc = mm_oom_log_read(&log_, in, allocating, &err);
	mm_input_free(in);
	ck_assert(!rc || err.code == rc);
	return rc;
}

static const struct mm_oom_row *victim_of(const struct mm_oom_report *r)
{
	const struct mm_oom_row *v = NULL;

	for (size_t i = 0; i < r->nr_rows; i++)
		if (r->rows[i].victim) {
			ck_assert_ptr_null(v);
			v = &r->rows[i];
		}
	return v;
}

/* What the kernel chose, from the lines that the captures had before they were cut. */
static const struct capture {
	const char *file;
	uint32_t report, pid;
	const char *name;
} captures[] = {
	{ "6.1-basic.dmesg", 0, 105, "eater" },
	{ "6.6-memcg.dmesg", 0, 237, "in20" },
	{ "6.6-memcg.dmesg", 1, 243, "eater" },
	{ "6.6-protected.dmesg", 0, 143, "hS" },
	{ "6.6-protected.dmesg", 1, 141, "hQ" },
	{ "6.6-protected.dmesg", 2, 148, "eater" },
};

START_TEST(kernel_chose)
{
	const struct capture *c = &captures[_i];
	const char *dir = getenv("srcdir");
	const struct mm_oom_row *v;
	struct mm_error err;
	struct mm_input *in;
	char path[512];

	snprintf(path, sizeof(path), "%s/tests/data/oom/%s", dir ? dir : ".", c->file);
	ck_assert_int_eq(mm_input_open(&in, path, &err), 0);
	ck_assert_int_eq(mm_oom_log_read(&log_, in, false, &err), 0);
	mm_input_free(in);
	ck_assert_uint_gt(log_.nr, c->report);
	v = victim_of(&log_.v[c->report]);
	ck_assert_ptr_nonnull(v);
	ck_assert_uint_eq(v->pid, c->pid);
	ck_assert_uint_eq(v->name.len, strlen(c->name));
	ck_assert(!memcmp(v->name.p, c->name, v->name.len));
	mm_oom_log_free(&log_);
}
END_TEST

static const char two_tasks[] =
	"kernel: [    5.1] a b invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=2, oom_score_adj=-17\n"
	"<6>[    5.1][  T105] CPU: 0 PID: 20 Comm: a b Not tainted\n"
	"Node 0 DMA32 free:1744kB boost:0kB min:1744kB low:2180kB high:2616kB\n"
	"lowmem_reserve[]: 0 193 193 193\n"
	"Total swap = 4000kB\n10000 pages RAM\n1000 pages reserved\n"
	"[  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name\n"
	"[     20]     0    20     1000      500    40960       10             0 a b\n"
	"[     30]  1000    30     1000      200     4096        0             5 c\n";

START_TEST(by_hand)
{
	const struct mm_oom_report *r;

	ck_assert_int_eq(read_text(two_tasks, sizeof(two_tasks) - 1, false), 0);
	ck_assert_uint_eq(log_.nr, 1);
	r = &log_.v[0];
	/* 10000 - 1000 pages of RAM and 4000 kB / 4 of swap */
	ck_assert_uint_eq(r->total_pages, 10000);
	ck_assert_int_eq(r->order, 2);
	ck_assert_int_eq(r->invoker_adj, -17);
	ck_assert_uint_eq(r->invoker_pid, 20);
	ck_assert_uint_eq(r->nr_zones, 1);
	ck_assert_uint_eq(r->zones[0].min_pages, 436);		/* 1744 kB / 4 */
	ck_assert_uint_eq(r->zones[0].reserve_pages, 193);
	ck_assert_int_eq(r->rows[0].points, 520);		/* 500 + 10 + 40960 / 4096 */
	ck_assert_int_eq(r->rows[1].points, 251);		/* 200 + 0 + 1 + 5 * (10000 / 1000) */
	ck_assert_ptr_eq(victim_of(r), &r->rows[0]);
	ck_assert_uint_eq(r->rows[0].name.len, 3);
	mm_oom_log_free(&log_);
}
END_TEST

/* A 4.x kernel: page tables by number, root's 3 %, the first of equals. */
static const char old[] =
	"x invoked oom-killer: gfp_mask=0x0, order=0, oom_score_adj=0\n"
	"1000 pages RAM\n0 pages reserved\n"
	"[ pid ]   uid  tgid total_vm      rss nr_ptes nr_pmds swapents oom_score_adj name\n"
	"[   40]     0    40     1000      198       1       1        0             0 root\n"
	"[   41]     5    41     1000      192       1       1        0             0 user\n"
	"[   42]     5    42     1000      192       1       1        0             0 same\n";

START_TEST(old_kernel)
{
	ck_assert_int_eq(read_text(old, sizeof(old) - 1, false), 0);
	/* root: 200 - 200 * 3 / 100 = 194, as the users have: 192 + 2; the first of equals is root */
	ck_assert_int_eq(log_.v[0].rows[0].points, 194);
	ck_assert_int_eq(log_.v[0].rows[1].points, 194);
	ck_assert_uint_eq(victim_of(&log_.v[0])->pid, 40);
	mm_oom_log_free(&log_);
}
END_TEST

START_TEST(allocating_task)
{
	ck_assert_int_eq(read_text(two_tasks, sizeof(two_tasks) - 1, true), 0);
	ck_assert_uint_eq(victim_of(&log_.v[0])->pid, 20);
	ck_assert(log_.v[0].allocating_task);
	mm_oom_log_free(&log_);
}
END_TEST

START_TEST(badness)
{
	ck_assert_int_eq(mm_oom_badness(100, 20, 8192, 0, 1000), 122);
	ck_assert_int_eq(mm_oom_badness(100, 0, 0, -1000, 1000), MM_OOM_UNKILLABLE);
	ck_assert_int_eq(mm_oom_badness(100, 0, 0, 1000, 123456), 100 + 1000 * 123);
	ck_assert_int_eq(mm_oom_badness(100, 0, 0, -999, 2000), 100 - 999 * 2);
	/* (1000 + 500 * 1000 / 1000) * 2 / 3 */
	ck_assert_int_eq(mm_oom_score(500, 1000), 1000);
	ck_assert_int_eq(mm_oom_score(MM_OOM_UNKILLABLE, 1000), 0);
}
END_TEST

START_TEST(cut_anywhere)	/* a log that ends at any byte is read or refused, never worse */
{
	for (size_t n = 0; n < sizeof(two_tasks) - 1; n++) {
		int rc = read_text(two_tasks, n, false);

		if (!rc)
			mm_oom_log_free(&log_);
		ck_assert(!rc || rc == -22);
	}
}
END_TEST

START_TEST(hostile)
{
	static const char bad[] =
		"x invoked oom-killer: gfp_mask=0xffffffffffffffff, order=99999999999999999999, oom_score_adj=-\n"
		"Node 0 DMA free:-1kB min:9999999999999999999kB low:kB high:kB\nTotal swap = 99999999999999999kB\n"
		"[  pid  ]   uid  tgid total_vm rss pgtables_bytes swapents oom_score_adj name\n"
		"[ 1 ] 0 1 1 1 1 1 0 init\n[ 2 ] 0 2 99999999999999999999 1 1 1 0 big\n[ 3 ] 0 3 1 1 1 1 5000 adj\n[ 4 ] 0 4 1 1 4096 1 0 \n";

	ck_assert_int_eq(read_text(bad, sizeof(bad) - 1, false), 0);
	/* init and the nameless one; the others have numbers no kernel prints */
	ck_assert_uint_eq(log_.v[0].nr_rows, 2);
	ck_assert_uint_eq(victim_of(&log_.v[0])->pid, 4);
	mm_oom_log_free(&log_);
	ck_assert_int_eq(read_text("nothing here\n", 13, false), -22);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("oom");
	TCase *tc = tcase_create("reports");
	SRunner *sr = srunner_create(s);
	int failed;

	suite_add_tcase(s, tc);
	tcase_add_loop_test(tc, kernel_chose, 0, sizeof(captures) / sizeof(captures[0]));
	tcase_add_test(tc, by_hand);
	tcase_add_test(tc, old_kernel);
	tcase_add_test(tc, allocating_task);
	tcase_add_test(tc, badness);
	tcase_add_test(tc, cut_anywhere);
	tcase_add_test(tc, hostile);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
