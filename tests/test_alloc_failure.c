/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Host memory that runs out: the linker puts failing ones before malloc and
 * its kin (-Wl,--wrap).  Each job is run with its first, second, third ...
 * allocation failing, alone and with all that follow, until none fails.
 * It must then end with an error, never crash, and leave no allocation behind;
 * and without a failure it must do its work.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libmm/buddyinfo.h>
#include <libmm/explain.h>
#include <libmm/input.h>
#include <libmm/machine.h>
#include <libmm/maps.h>
#include <libmm/oom.h>
#include <libmm/proc.h>
#include <libmm/slabinfo.h>
#include <libmm/source.h>
#include <libmm/tables.h>

static long fail_at, nr_allocs, nr_live;	/* fail_at 0: never */
static bool fail_on;				/* those after it too */
static bool counting;

static bool fails(void)
{
	nr_allocs++;
	return fail_at && (fail_on ? nr_allocs >= fail_at : nr_allocs == fail_at);
}

#define WRAP(call, args, pass)								\
	void *__real_##call args;							\
	void *__wrap_##call args;							\
	void *__wrap_##call args							\
	{										\
		void *p;								\
											\
		if (!counting)								\
			return __real_##call pass;					\
		if (fails()) {								\
			errno = ENOMEM;							\
			return NULL;							\
		}									\
		p = __real_##call pass;							\
		nr_live += p != NULL;							\
		return p;								\
	}
WRAP(malloc, (size_t n), (n))
WRAP(calloc, (size_t n, size_t size), (n, size))
WRAP(strdup, (const char *s), (s))
WRAP(strndup, (const char *s, size_t n), (s, n))
WRAP(aligned_alloc, (size_t align, size_t n), (align, n))

void *__real_realloc(void *old, size_t n);
void *__wrap_realloc(void *old, size_t n);
void *__wrap_realloc(void *old, size_t n)
{
	void *p;

	if (counting && fails()) {
		errno = ENOMEM;
		return NULL;
	}
	p = __real_realloc(old, n);
	nr_live += counting && p && !old;
	return p;
}

void __real_free(void *p);
void __wrap_free(void *p);
void __wrap_free(void *p)
{
	nr_live -= counting && p;
	__real_free(p);
}

/* ---- jobs: 0 when the work was done, -errno ---- */

static int open_text(struct mm_input **in, const char *text)
{
	return mm_input_open_memory(in, "text", text, strlen(text));
}

static int tables(struct mm_machine *m, const struct mm_machine_table *const *t, size_t nr)
{
	struct mm_table_options opt = { .format = MM_TABLE_CSV };
	struct mm_table_writer *w;
	struct mm_output out;
	struct mm_error err;
	int e = 0;

	for (size_t i = 0; i < nr && !e; i++) {
		e = mm_output_init(&out, -1);
		if (e)
			return e;
		e = mm_table_writer_new(&w, &out, &t[i]->table, &opt, &err);
		if (!e) {
			e = t[i]->rows(m, w);
			if (mm_table_writer_finish(w))
				e = -ENOMEM;
			mm_table_writer_free(w);
		}
		mm_output_finish(&out);
	}
	return e;
}

static int replay(const char *text, enum mm_depth depth)
{
	static const struct mm_machine_table *const full[] = {
		&mm_table_maps, &mm_table_mm, &mm_table_faults, &mm_table_smaps, &mm_table_summary, &mm_table_lru, &mm_table_oom,
		&mm_table_free, &mm_table_counters, &mm_table_tasks, &mm_table_pagetable,
	};
	static const struct mm_machine_table *const phys[] = { &mm_table_free, &mm_table_frag, &mm_table_pcp, &mm_table_zones };
	static const struct mm_machine_table *const spaces[] = { &mm_table_maps, &mm_table_mm, &mm_table_merges, &mm_table_maple };
	const struct mm_trace_options opt = { .from = NULL };
	const struct mm_region r[] = { { .start = 0x1000, .end = 0x9fbff }, { .start = 1 << 20, .end = (12 << 20) - 1 } };
	struct mm_machine_config cfg;
	struct mm_trace_reader *reader = NULL;
	struct mm_machine *m = NULL;
	struct mm_input *in = NULL;
	struct mm_error err = { 0 };
	struct mm_event ev[8];
	long n = 0;
	int e = 0;

	mm_machine_config_init(&cfg);
	cfg.depth = depth;
	cfg.swap_bytes = 4 << 20;
	cfg.memory_max_bytes = depth == MM_DEPTH_FULL ? 256 << 10 : 0;
	cfg.effects = true;
	for (size_t i = 0; i < 2 && !e; i++)
		e = mm_region_list_add(&cfg.regions, &r[i], MM_STR("System RAM"));
	if (!e)
		e = open_text(&in, text);
	if (!e)
		e = mm_trace_reader_new(&reader, in, &opt, &err);
	if (!e)
		e = mm_machine_new(&m, &cfg, &err);
	while (!e && (n = mm_trace_read(reader, ev, 8, &err)) > 0)
		for (long i = 0; i < n && !e; i++)
			e = mm_machine_event(m, &ev[i], &err);
	if (!e && n < 0)
		e = (int)n;
	if (!e)
		e = depth == MM_DEPTH_FULL ? tables(m, full, sizeof(full) / sizeof(full[0])) :
		    depth == MM_DEPTH_VMA ? tables(m, spaces, sizeof(spaces) / sizeof(spaces[0])) :
					    tables(m, phys, sizeof(phys) / sizeof(phys[0]));
	if (e && e != -ENOMEM && !fail_at)
		printf("%s\n", err.text);
	mm_machine_free(m);
	mm_trace_reader_free(reader);
	mm_input_free(in);
	mm_region_list_free(&cfg.regions);
	return e;
}

static int full_job(void)
{
	static const char head[] = "pid,event,addr,size,flags,name,offset,result\n"
		"7,file,,262144,O_RDWR|S_IFREG,/data,,\n"
		"7,mmap,0x100000000000,524288,PROT_READ|PROT_WRITE|MAP_PRIVATE|MAP_ANONYMOUS|MAP_FIXED,,0,\n"
		"7,mmap,0x100000200000,262144,PROT_READ|PROT_WRITE|MAP_SHARED|MAP_FIXED,/data,0,\n";
	static const char tail[] = "7,fork,,,,,,8\n8,store,0x100000000000,8,,,,\n7,mremap,0x100000000000,524288,MREMAP_MAYMOVE,,,\n"
		"8,munmap,0x100000010000,65536,,,,\n8,madvise,0x100000000000,16384,MADV_DONTNEED,,,\n8,exit,,,,,,\n";
	static char text[16384];
	size_t at = sizeof(head) - 1;

	memcpy(text, head, at);
	for (unsigned int i = 0; i < 120; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, "7,%s,0x%llx,8,,,,\n", i % 3 ? "store" : "load",
				       0x100000000000ull + (i % 2 ? 0x200000 + (i / 2ull) * 4096 : i * 4096ull));
	memcpy(text + at, tail, sizeof(tail));
	return replay(text, MM_DEPTH_FULL);
}

static int kmem_job(void)
{
	return replay("pid,event,addr,size,flags,name,result\n1,page_alloc,,32768,GFP_KERNEL,,0x1000\n"
		      "1,kmalloc,0xffff888000001000,100,GFP_KERNEL,,\n1,cache_alloc,0xffff888000002000,192,GFP_KERNEL,dentry,\n"
		      "1,page_alloc,,4096,GFP_HIGHUSER_MOVABLE,,0x2000\n1,kfree,0xffff888000001000,,,,\n1,page_free,,32768,,,0x1000\n",
		      MM_DEPTH_SLAB);
}

static int strace_job(void)
{
	return replay("10 execve(\"/bin/x\", [\"x\"], 0x7ffe /* 3 vars */) = 0\n10 brk(NULL) = 0x55555555a000\n"
		      "10 openat(AT_FDCWD, \"/lib/a.so\", O_RDONLY|O_CLOEXEC) = 3\n"
		      "10 mmap(NULL, 8192, PROT_READ, MAP_PRIVATE, 3, 0) = 0x7ffff7fc0000\n10 close(3) = 0\n"
		      "10 clone(child_stack=NULL, flags=CLONE_CHILD_SETTID|SIGCHLD) = 11\n11 munmap(0x7ffff7fc0000, 4096 <unfinished ...>\n"
		      "10 brk(0x55555557b000) = 0x55555557b000\n11 <... munmap resumed>) = 0\n11 exit_group(0) = ?\n", MM_DEPTH_VMA);
}

static int ignore_row(const struct mm_maps_row *row, void *arg)
{
	(void)row, (void)arg;
	return 0;
}

static int captures_job(void)
{
	static const char buddy[] = "Node 0, zone      DMA      1      1      1      0      2      1      1      0      1      1      3\n"
		"Node 0, zone   Normal      4      3      2      1      0      0      0      0      0      0      0\n";
	static const char slabs[] = "slabinfo - version: 2.1\n# name  <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab>\n"
		"dentry  10 42 192 21 1 : tunables 0 0 0 : slabdata 2 2 0\nkmalloc-64 5 64 64 64 1 : tunables 0 0 0 : slabdata 1 1 0\n";
	static const char maps[] = "00400000-00401000 r-xp 00000000 08:01 12 /bin/x\n"
		"7ffc00000000-7ffc00021000 rw-p 00000000 00:00 0 [stack]\n";
	static const char iomem[] = "00001000-0009fbff : System RAM\n00100000-0fffffff : System RAM\n  01000000-01ffffff : Kernel code\n";
	struct mm_region_list l = { 0 };
	struct mm_buddyinfo bi = { 0 };
	struct mm_slabinfo si = { 0 };
	struct mm_input *in = NULL;
	struct mm_error err;
	int e = open_text(&in, buddy);

	if (!e)
		e = mm_buddyinfo_read(&bi, in, &err);
	mm_input_free(in);
	in = NULL;
	if (!e && !(e = open_text(&in, slabs)))
		e = mm_slabinfo_read(&si, in, &err);
	mm_input_free(in);
	in = NULL;
	if (!e && !(e = open_text(&in, maps)))
		e = mm_maps_read(in, ignore_row, NULL, &err);
	mm_input_free(in);
	in = NULL;
	if (!e && !(e = open_text(&in, iomem)))
		e = mm_iomem_read(&l, in, &err);
	mm_input_free(in);
	mm_buddyinfo_free(&bi);
	mm_slabinfo_free(&si);
	mm_region_list_free(&l);
	return e;
}

static int oom_job(void)
{
	static const char log[] = "[  1.0] x invoked oom-killer: gfp_mask=0x100cca(GFP_HIGHUSER_MOVABLE), order=0, oom_score_adj=0\n"
		"[  1.0] Mem-Info:\n"
		"[  1.0] Node 0 DMA32 free:1000kB boost:0kB min:1500kB low:1800kB high:2200kB present:100000kB managed:90000kB\n"
		"[  1.0] lowmem_reserve[]: 0 0 0 0 0\n[  1.0] Node 0 DMA32: 10*4kB (U) 0*8kB = 40kB\n"
		"[  1.0] Tasks state (memory values in pages):\n"
		"[  1.0] [  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name\n"
		"[  1.0] [     50]     0    50     1000      500    45056        0             0 x\n"
		"[  1.0] "
		"oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,task_memcg=/,task=x,pid=50,uid=0\n"
		"[  1.0] Out of memory: Killed process 50 (x) total-vm:4000kB, anon-rss:2000kB, file-rss:0kB, shmem-rss:0kB, UID:0 "
		"pgtables:44kB oom_score_adj:0\n";
	struct mm_explain_request rq = { 0 };
	struct mm_explain_list l = { 0 };
	struct mm_oom_log oom = { 0 };
	struct mm_input *in = NULL;
	struct mm_error err;
	int e = open_text(&in, log);

	if (!e)
		e = mm_oom_log_read(&oom, in, NULL, &err);
	mm_input_free(in);
	in = NULL;
	if (!e && !(e = open_text(&in, log)))
		e = mm_explain_of_report(&l, &rq, in, 0, &err);
	mm_input_free(in);
	mm_oom_log_free(&oom);
	mm_explain_free(&l);
	return e;
}

/* A sosreport: its map (of the log), tunables, caches and processes. */
static int sysroot_job(void)
{
	const struct mm_pid_options opt = { .want = MM_PID_STATUS | MM_PID_OOM };
	struct mm_region_list l = { 0 };
	struct mm_slabinfo si = { 0 };
	struct mm_pid_table *t = NULL;
	struct mm_proc *p = NULL;
	struct mm_sysroot *r;
	struct mm_sysctls sysctls;
	struct mm_error err;
	const char *src = getenv("srcdir");
	char dir[4096];
	uint64_t up;
	int e;

	snprintf(dir, sizeof(dir), "%s/tests/data/captures/sos", src ? src : ".");
	e = mm_sysroot_open(&r, dir, &err);
	if (e)
		return e;
	e = mm_sysroot_regions(r, &l, NULL, &err);
	mm_sysctls_init(&sysctls);
	if (!e)
		e = mm_sysroot_sysctls(r, &sysctls, &err);
	if (!e)
		e = mm_sysroot_slabinfo(&si, r, NULL, &err);
	if (!e)
		e = mm_proc_new(&p, dir, &err);
	if (!e)
		e = mm_proc_uptime(p, &up, &err);
	if (!e)
		e = mm_pid_table_new(&t, p);
	if (!e)
		e = mm_pid_table_refresh(t, &opt, &err);
	mm_pid_table_free(t);
	mm_proc_free(p);
	mm_slabinfo_free(&si);
	mm_region_list_free(&l);
	mm_sysroot_free(r);
	return e;
}

static const struct {
	const char *name;
	int (*run)(void);
} jobs[] = {
	{ "full", full_job }, { "kmem", kmem_job }, { "strace", strace_job }, { "captures", captures_job }, { "oom", oom_job },
	{ "sysroot", sysroot_job },
};

static int once(int job, long at, bool on)
{
	int e;

	fail_at = at;
	fail_on = on;
	nr_allocs = nr_live = 0;
	counting = true;
	e = jobs[job].run();
	counting = false;
	ck_assert_msg(nr_live == 0, "%s, allocation %ld%s failed: %ld allocations left behind (result %d)", jobs[job].name, at,
		      on ? " and those after it" : "", nr_live, e);
	return e;
}

START_TEST(test_every_allocation_fails_once)
{
	long total, nr_errors = 0;

	ck_assert_msg(once(_i, 0, false) == 0, "%s: failed without a failure", jobs[_i].name);
	total = nr_allocs;
	ck_assert_msg(total > 5, "%s: %ld allocations", jobs[_i].name, total);
	for (long at = 1; at <= total; at++)
		for (int on = 0; on < 2; on++) {
			int e = once(_i, at, on);

			ck_assert_msg(e <= 0, "%s, allocation %ld: %d", jobs[_i].name, at, e);
			nr_errors += e != 0;
		}
	/* a failure may be survived (a hint, a batch), but not most of them */
	ck_assert_msg(nr_errors > total / 2, "%s: of %ld failures %ld were told", jobs[_i].name, 2 * total, nr_errors);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("alloc_failure");
	TCase *t = tcase_create("host memory");
	SRunner *r;
	int failed;

	tcase_add_loop_test(t, test_every_allocation_fails_once, 0, (int)(sizeof(jobs) / sizeof(jobs[0])));
	tcase_set_timeout(t, 120);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
