// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The readers of /proc against captures.  tests/data/proc-names is a sysroot
 * with hostile process names, proc-old what a kernel before MemAvailable and
 * guest time wrote; expected values are read off the captures by eye.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <libmm/proc.h>

static struct mm_proc *proc;
static char root[32];

static const char *data(const char *name)
{
	static char path[4096];

	snprintf(path, sizeof(path), "%s/tests/data/%s", getenv("srcdir") ? getenv("srcdir") : ".", name);
	return path;
}

static void open_names(void)
{
	ck_assert_int_eq(mm_proc_new(&proc, data("proc-names"), NULL), 0);
}

static void open_old(void)
{
	ck_assert_int_eq(mm_proc_new(&proc, data("proc-old"), NULL), 0);
}

#define PUT(path, text) put(path, text, strlen(text))
static void put(const char *path, const char *text, size_t len)
{
	char full[256];
	int fd;

	snprintf(full, sizeof(full), "%s/%s", root, path);
	fd = open(full, O_CREAT | O_TRUNC | O_WRONLY, 0644);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, len), (long)len);
	close(fd);
}

static void open_made(void)
{
	char path[64];

	strcpy(root, "/tmp/mm-procfs-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(root));
	snprintf(path, sizeof(path), "%s/proc", root);
	ck_assert_int_eq(mkdir(path, 0755), 0);
	ck_assert_int_eq(mm_proc_new(&proc, root, NULL), 0);
}

static void close_proc(void)
{
	mm_proc_free(proc);
}

static void close_made(void)
{
	char command[64];

	mm_proc_free(proc);
	snprintf(command, sizeof(command), "rm -r %s", root);
	ck_assert_int_eq(system(command), 0);
}

/* ---- one stat line ------------------------------------------------------ */

#define TAIL " S 7 1 1 0 -1 4194304 10 11 12 13 100 23 7 9 20 -5 3 0 4242 40960000 1000"
static const struct stat_case {
	const char *why, *line;
	int err;
	const char *comm;
} stat_cases[] = {
	{ "plain",				"5 (init)" TAIL,		0, "init" },
	{ "blanks and parentheses inside",	"5 (a) R 9 (b)" TAIL,		0, "a) R 9 (b" },
	{ "only a closing parenthesis",		"5 ())" TAIL,			0, ")" },
	{ "empty name",				"5 ()" TAIL,			0, "" },
	{ "newline and backslash as they are",	"5 (a\nb\\nc)" TAIL,		0, "a\nb\\nc" },
	{ "fields of a later kernel",		"5 (x)" TAIL " 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 "
						"21 22 23 24 25 26 27 28 29 30 31\n",	0, "x" },
	{ "ends before the rss",		"5 (x) S 7 1 1 0 -1 4194304 10 0 0 0 1 2 3 4 20 0 1 0 42 40960000",
						-EINVAL, NULL },
	{ "no parenthesis",			"5 x S 7",			-EINVAL, NULL },
	{ "parentheses the wrong way",		"5 )x( S 7",			-EINVAL, NULL },
	{ "empty file",				"",				-EINVAL, NULL },
	{ "letters where numbers stand",	"5 (x) S 7 a b c d e f g h i j k l",	-EINVAL, NULL },
};

START_TEST(stat_line)
{
	const struct stat_case *c = &stat_cases[_i];
	struct mm_pid_row r = { .pid = 99 };

	ck_assert_msg(mm_pid_parse_stat((struct mm_str){ c->line, strlen(c->line) }, 4, &r) == c->err, "%s", c->why);
	if (c->err) {
		ck_assert_msg(r.pid == 99, "%s: row touched on error", c->why);
		return;
	}
	ck_assert_msg(!strcmp(r.comm, c->comm), "%s: '%s'", c->why, r.comm);
	ck_assert_uint_eq(r.pid, 5);
	ck_assert_uint_eq(r.ppid, 7);
	ck_assert_int_eq(r.state, 'S');
	ck_assert_uint_eq(r.min_flt, 10);
	ck_assert_uint_eq(r.maj_flt, 12);
	ck_assert_uint_eq(r.ticks, 123);
	ck_assert_uint_eq(r.child_ticks, 16);
	ck_assert_int_eq(r.priority, 20);
	ck_assert_int_eq(r.nice, -5);
	ck_assert_uint_eq(r.nr_threads, 3);
	ck_assert_uint_eq(r.start_ticks, 4242);
	ck_assert_uint_eq(r.virt_kib, 40000);
	ck_assert_uint_eq(r.res_kib, 4000);
}
END_TEST

START_TEST(stat_line_cut_anywhere)	/* every prefix of a line is refused or gives the line's own numbers */
{
	static const char line[] = "12 (a) b)" TAIL " 9 9 9\n";

	for (size_t n = 0; n < sizeof(line); n++) {
		struct mm_pid_row r = { 0 };

		if (!mm_pid_parse_stat((struct mm_str){ line, n }, 4, &r))
			ck_assert_msg(r.res_kib <= 4000 && r.ticks == 123, "prefix of %zu bytes", n);
	}
}
END_TEST

/* ---- the table of processes --------------------------------------------- */

static const struct row_case {
	uint32_t pid, euid;
	char state;
	const char *comm;
	uint64_t virt, res, shr, ticks, anon;
} rows[] = {	/* from stat, statm, status of tests/data/proc-names */
	{   1, 0, 'S', "systemd", 168000, 12000, 8000, 3013, 4000 },
	{  14, 0, 'I', "kworker/0:1H-events_highpri", 0, 0, 0, 0, 0 },
	{ 200, 0, 'S', "a) R 9 (b", 40000, 4000, 2000, 0, 2000 },
	{ 203, 1001, 'S', ") S 1 1", 41332, 4384, 2012, 66, 2372 },
	{ 206, 4242, 'S', "((((", 42664, 4768, 2024, 132, 2744 },
	{ 207, 105, 'S', "\303\274n\303\257c\303\266d\303\251", 43108, 4896, 2028, 154, 2868 },
	{ 212, 991, 'S', "tab(1)", 45328, 5536, 2048, 264, 3488 },
	{ 301, 0, 'Z', "defunct one", 0, 0, 0, 3, 0 },
};
enum { NR_ROWS = sizeof(rows) / sizeof(rows[0]) };

START_TEST(table_of_processes)
{
	struct mm_pid_options opt = { .want = MM_PID_STATUS };
	struct mm_pid_table *t;
	struct mm_pid_row *r;
	size_t nr;

	ck_assert_int_eq(mm_pid_table_new(&t, proc), 0);
	for (int round = 0; round < 3; round++) {
		ck_assert_int_eq(mm_pid_table_refresh(t, &opt, NULL), 0);
		r = mm_pid_table_rows(t, &nr);
		ck_assert_uint_eq(nr, NR_ROWS);		/* 12x is no process */
		for (size_t i = 0; i < nr; i++) {
			ck_assert_uint_eq(r[i].pid, rows[i].pid);
			ck_assert_uint_eq(r[i].euid, rows[i].euid);
			ck_assert_int_eq(r[i].state, rows[i].state);
			ck_assert_str_eq(r[i].comm, rows[i].comm);
			ck_assert_uint_eq(r[i].virt_kib, rows[i].virt);
			ck_assert_uint_eq(r[i].res_kib, rows[i].res);
			ck_assert_uint_eq(r[i].shr_kib, rows[i].shr);
			ck_assert_uint_eq(r[i].ticks, rows[i].ticks);
			ck_assert_uint_eq(r[i].rss_anon_kib, rows[i].anon);
			ck_assert_uint_eq(r[i].ticks_delta, round ? 0 : rows[i].ticks);
			ck_assert_uint_eq(r[i].pss_kib, UINT64_MAX);
		}
		ck_assert(mm_pid_table_is_consistent(t));
	}
	mm_pid_table_free(t);
}
END_TEST

START_TEST(only_some)	/* order and doubles of the list do not matter; one that is not there is left out */
{
	static const uint32_t only[] = { 301, 200, 200, 4, 203 };
	struct mm_pid_options opt = { .want = MM_PID_STATUS, .only = only, .nr_only = 5 };
	struct mm_pid_table *t;
	struct mm_pid_row *r;
	size_t nr;

	ck_assert_int_eq(mm_pid_table_new(&t, proc), 0);
	ck_assert_int_eq(mm_pid_table_refresh(t, &opt, NULL), 0);
	r = mm_pid_table_rows(t, &nr);
	ck_assert_uint_eq(nr, 3);
	ck_assert(r[0].pid == 200 && r[1].pid == 203 && r[2].pid == 301);
	mm_pid_table_free(t);
}
END_TEST

static void put_process(unsigned int pid, unsigned int ticks, unsigned int start)
{
	char path[64], text[256];
	int n;

	snprintf(path, sizeof(path), "%s/proc/%u", root, pid);
	mkdir(path, 0755);
	snprintf(path, sizeof(path), "proc/%u/stat", pid);
	n = snprintf(text, sizeof(text), "%u (p%u) S 1 1 1 0 -1 0 %u 0 0 0 %u 0 0 0 20 0 1 0 %u 4096 1",
		     pid, pid, ticks, ticks, start);
	put(path, text, (size_t)n);
}

static void drop_process(unsigned int pid)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/proc/%u/stat", root, pid);
	unlink(path);
	*strrchr(path, '/') = 0;
	rmdir(path);
}

/* Processes come, run, go and have their pid given to another; a naive array remembers what each did. */
START_TEST(random_against_array)
{
	struct { unsigned int ticks, start, last, last_start; bool here, was; } model[40] = { 0 };
	unsigned int seed = (unsigned int)_i + 1;
	struct mm_pid_options opt = { 0 };
	struct mm_pid_table *t;

	ck_assert_int_eq(mm_pid_table_new(&t, proc), 0);
	for (unsigned int step = 0; step < 60; step++) {
		struct mm_pid_row *r;
		size_t nr, k = 0;

		for (unsigned int n = 0; n < 8; n++) {
			unsigned int i = 1 + (unsigned int)rand_r(&seed) % 39;

			if (!model[i].here || rand_r(&seed) % 4 == 0)
				model[i].start = 100 + step, model[i].ticks = 0;
			model[i].ticks += (unsigned int)rand_r(&seed) % 9;
			model[i].here = rand_r(&seed) % 3 != 0;
			drop_process(i);
			if (model[i].here)
				put_process(i, model[i].ticks, model[i].start);
		}
		ck_assert_int_eq(mm_pid_table_refresh(t, &opt, NULL), 0);
		r = mm_pid_table_rows(t, &nr);
		for (unsigned int i = 1; i < 40; i++) {
			unsigned int before = model[i].was && model[i].last_start == model[i].start ? model[i].last : 0;

			if (model[i].here) {
				ck_assert_msg(k < nr && r[k].pid == i, "seed %d step %u: pid %u", _i, step, i);
				ck_assert_uint_eq(r[k].ticks, model[i].ticks);
				ck_assert_uint_eq(r[k].ticks_delta, model[i].ticks - before);
				ck_assert_uint_eq(r[k].min_flt_delta, model[i].ticks - before);
				k++;
			}
			model[i].was = model[i].here;
			model[i].last = model[i].ticks;
			model[i].last_start = model[i].start;
		}
		ck_assert_uint_eq(k, nr);
		ck_assert(mm_pid_table_is_consistent(t));
	}
	mm_pid_table_free(t);
}
END_TEST

START_TEST(this_machine)	/* the live system lists this very process, with descriptors kept and let go */
{
	struct mm_pid_options opt = { .want = MM_PID_STATUS | MM_PID_STATM | MM_PID_OOM };
	struct mm_pid_table *t;
	struct mm_proc *live;
	struct mm_pid_row *r;
	bool found = false;
	char text[4096];
	size_t nr;

	ck_assert_int_eq(mm_proc_new(&live, NULL, NULL), 0);
	ck_assert(mm_proc_is_live(live));
	ck_assert_int_eq(mm_pid_table_new(&t, live), 0);
	for (int round = 0; round < 3; round++) {
		ck_assert_int_eq(mm_pid_table_refresh(t, &opt, NULL), 0);
		ck_assert(mm_pid_table_is_consistent(t));
	}
	r = mm_pid_table_rows(t, &nr);
	for (size_t i = 0; i < nr; i++)
		if (r[i].pid == (uint32_t)getpid()) {
			found = true;
			ck_assert_uint_eq(r[i].euid, geteuid());
			ck_assert_uint_eq(r[i].ppid, (uint32_t)getppid());
			ck_assert_uint_gt(r[i].res_kib, 0);
			ck_assert_uint_gt(r[i].code_kib, 0);
			ck_assert(!(r[i].unknown & (MM_PID_NO_OOM_SCORE | MM_PID_NO_OOM_ADJ)));
			ck_assert_uint_gt(mm_pid_text(live, &r[i], MM_PID_CMDLINE, text, sizeof(text)), 0);
			ck_assert_ptr_nonnull(strstr(text, "procfs"));
		}
	ck_assert(found);
	mm_pid_table_free(t);
	mm_proc_free(live);
}
END_TEST

/* ---- the other files ----------------------------------------------------- */

START_TEST(meminfo)
{
	struct mm_proc_meminfo mi;

	ck_assert_int_eq(mm_proc_meminfo(proc, &mi, NULL), 0);
	ck_assert_uint_eq(mi.total_kib, 8388608);
	ck_assert_uint_eq(mi.free_kib, 3145728);
	ck_assert_uint_eq(mi.used_kib, 3145728);	/* 8388608 - MemAvailable 5242880 */
	ck_assert_uint_eq(mi.cache_kib, 13176);		/* Cached 4004 + SReclaimable 9172 */
	ck_assert_uint_eq(mi.swap_used_kib, 0);
}
END_TEST

START_TEST(old_kernel)
{
	struct mm_proc_meminfo mi;
	struct mm_proc_stat st = { 0 };
	struct mm_proc_disks ds = { 0 };

	ck_assert_int_eq(mm_proc_meminfo(proc, &mi, NULL), 0);
	ck_assert_uint_eq(mi.used_kib, 286712 - 205312);	/* no MemAvailable: total - free */
	ck_assert_int_eq(mm_proc_stat(proc, &st, NULL), 0);
	ck_assert_uint_eq(st.all.user, 19182);
	ck_assert_uint_eq(st.all.guest, 0);
	ck_assert_uint_eq(st.nr_cpus, 2);
	ck_assert_uint_eq(st.cpu[1].idle, 894785);
	ck_assert_uint_eq(st.intr, 9395530);
	ck_assert_uint_eq(st.btime, 1700000000);
	ck_assert_int_eq(mm_proc_disks(proc, &ds, NULL), 0);
	ck_assert_uint_eq(ds.nr, 1);
	ck_assert_str_eq(ds.v[0].name, "hda");
	ck_assert(ds.v[0].whole);				/* no sys/block: all are disks */
	ck_assert_uint_eq(ds.v[0].weighted_ms, 2900);
	mm_proc_stat_free(&st);
	mm_proc_disks_free(&ds);
}
END_TEST

START_TEST(small_files)
{
	struct mm_proc_vmstat vs = { 0 };
	struct mm_users *u;
	uint32_t load[3], uid;
	uint64_t up;

	ck_assert_int_eq(mm_proc_uptime(proc, &up, NULL), 0);
	ck_assert_uint_eq(up, 264676);
	ck_assert_int_eq(mm_proc_loadavg(proc, load, NULL), 0);
	ck_assert(load[0] == 52 && load[1] == 107 && load[2] == 346);
	ck_assert_uint_eq(mm_proc_pid_digits(proc), 5);
	ck_assert_int_eq(mm_proc_vmstat(proc, &vs, NULL), 0);
	ck_assert_str_eq(vs.v[0].name, "nr_free_pages");
	ck_assert_uint_eq(vs.pgpgin, 25);
	ck_assert_uint_eq(vs.pgpgout, 4);
	mm_proc_vmstat_free(&vs);
	ck_assert_int_eq(mm_users_new(&u, proc), 0);
	ck_assert_str_eq(mm_users_name(u, 1001), "alexandra.kowalska");
	ck_assert_ptr_null(mm_users_name(u, 4242));
	ck_assert_int_eq(mm_users_uid(u, "www-data", &uid), 0);
	ck_assert_uint_eq(uid, 33);
	ck_assert_int_eq(mm_users_uid(u, "nosuch", &uid), -ENOENT);
	mm_users_free(u);
}
END_TEST

/* ---- bad input ------------------------------------------------------------ */

START_TEST(not_there)
{
	struct mm_proc_meminfo mi = { .total_kib = 7 };
	struct mm_error err = { 0 };
	struct mm_proc *none = NULL;

	ck_assert_int_eq(mm_proc_new(&none, "/nonexistent", &err), -ENOENT);
	ck_assert_str_eq(err.text, "/nonexistent: No such file or directory");
	ck_assert_ptr_null(none);
	ck_assert_int_eq(mm_proc_meminfo(proc, &mi, &err), -ENOENT);
	ck_assert_uint_eq(mi.total_kib, 7);
	ck_assert_ptr_nonnull(strstr(err.text, "/proc/meminfo: No such file or directory"));
}
END_TEST

START_TEST(garbage)
{
	static const char huge[] =
		"MemTotal: 99999999999999999999999 kB\nMemFree: 5 kB\nMemAvailable:\nBuffers: 7 kB\n"
		"Cached: 18446744073709551612 kB\nSReclaimable: 9 kB\nSwapTotal: 0 kB\nSwapFree: 18446744073709551612 kB\n";
	struct mm_proc_meminfo mi;
	struct mm_proc_stat st = { 0 };
	struct mm_proc_disks ds = { 0 };
	struct mm_proc_vmstat vs = { 0 };
	struct mm_error err = { 0 };
	uint64_t up;

	PUT("proc/meminfo", huge);
	ck_assert_int_eq(mm_proc_meminfo(proc, &mi, &err), 0);
	ck_assert_uint_eq(mi.total_kib, UINT64_MAX);
	ck_assert_uint_eq(mi.cached_kib, UINT64_MAX - 3);	/* as it stands there; sums do not wrap */
	ck_assert_uint_eq(mi.cache_kib, UINT64_MAX);
	ck_assert_uint_eq(mi.buff_cache_kib, UINT64_MAX);
	ck_assert_uint_eq(mi.swap_used_kib, 0);
	/* every kernel writes these lines: without one the file was cut off, be it in its number */
	PUT("proc/meminfo", "MemTotal: 9 kB\nMemFree: -5 kB\n");
	ck_assert_int_eq(mm_proc_meminfo(proc, &mi, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "no line MemFree"));
	PUT("proc/meminfo", "MemTotal: 9 kB\nMemFree: 5 kB\nBuffers: 7 kB\nCached: 1 kB\nSwapTotal: 9 kB\nSwapFree:  8");
	ck_assert_int_eq(mm_proc_meminfo(proc, &mi, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "no line SwapFree"));
	put("proc/meminfo", "\0\0\0\1\377", 5);
	ck_assert_int_eq(mm_proc_meminfo(proc, &mi, &err), -EINVAL);
	PUT("proc/stat", "cpu 1 2\nintr 18446744073709551614\ncpu4 3\nctxt 77");	/* cut off: whole lines count */
	ck_assert_int_eq(mm_proc_stat(proc, &st, &err), 0);
	ck_assert_uint_eq(st.intr, UINT64_MAX - 1);
	ck_assert_uint_eq(st.ctxt, UINT64_MAX);
	ck_assert_uint_eq(st.procs_running, UINT64_MAX);
	ck_assert_str_eq(mm_proc_cut_off(proc), "proc/meminfo");	/* the first one */
	ck_assert_uint_eq(st.all.nice, 2);
	ck_assert_uint_eq(st.all.idle, 0);
	ck_assert_uint_eq(st.cpu_id[0], 4);
	PUT("proc/stat", "intr 5\n");
	ck_assert_int_eq(mm_proc_stat(proc, &st, &err), -EINVAL);
	PUT("proc/diskstats", "8 0 sda 1 2 3\n 8 1 sdb 1 2 3 4 5 6 7 8 9 10 11\nx\n\n8 2 sdc 1 2 3 4 5 6 7 8 9 10 1");
	ck_assert_int_eq(mm_proc_disks(proc, &ds, &err), 0);
	ck_assert_uint_eq(ds.nr, 1);
	ck_assert_uint_eq(ds.nr_bad, 3);
	PUT("proc/vmstat", "pgpgin 5\npswpin 6\npgpgout 77");
	ck_assert_int_eq(mm_proc_vmstat(proc, &vs, &err), 0);
	ck_assert_uint_eq(vs.nr, 2);
	ck_assert_uint_eq(vs.pgpgin, 5);
	ck_assert_uint_eq(vs.pgpgout, UINT64_MAX);
	PUT("proc/vmstat", "");
	ck_assert_int_eq(mm_proc_vmstat(proc, &vs, &err), -EINVAL);
	PUT("proc/uptime", "soon");
	ck_assert_int_eq(mm_proc_uptime(proc, &up, &err), -EINVAL);
	mm_proc_stat_free(&st);
	mm_proc_disks_free(&ds);
	mm_proc_vmstat_free(&vs);
}
END_TEST

START_TEST(endless_files)	/* a pipe is not waited for, a device without end is given up */
{
	char path[64];
	struct mm_str text;
	struct mm_error err = { 0 };

	snprintf(path, sizeof(path), "%s/proc/pipe", root);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	ck_assert_int_eq(mm_proc_read(proc, "proc/pipe", &text, &err), 0);
	ck_assert_uint_eq(text.len, 0);
	snprintf(path, sizeof(path), "%s/proc/zero", root);
	ck_assert_int_eq(symlink("/dev/zero", path), 0);
	ck_assert_int_eq(mm_proc_read(proc, "proc/zero", &text, &err), -EFBIG);
}
END_TEST

static TCase *tcase(Suite *s, const char *name, SFun setup, SFun teardown)
{
	TCase *tc = tcase_create(name);

	tcase_add_checked_fixture(tc, setup, teardown);
	suite_add_tcase(s, tc);
	return tc;
}

int main(void)
{
	Suite *s = suite_create("procfs");
	TCase *names = tcase(s, "names", open_names, close_proc), *old = tcase(s, "old", open_old, close_proc);
	TCase *made = tcase(s, "made", open_made, close_made);
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_loop_test(names, stat_line, 0, sizeof(stat_cases) / sizeof(stat_cases[0]));
	tcase_add_test(names, stat_line_cut_anywhere);
	tcase_add_test(names, table_of_processes);
	tcase_add_test(names, only_some);
	tcase_add_test(names, meminfo);
	tcase_add_test(names, small_files);
	tcase_add_test(names, this_machine);
	tcase_add_test(old, old_kernel);
	tcase_add_test(made, not_there);
	tcase_add_test(made, garbage);
	tcase_add_test(made, endless_files);
	tcase_add_loop_test(made, random_against_array, 0, 4);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
