/* SPDX-License-Identifier: GPL-2.0-or-later */
/* OOM reports: the kernel's own choices, hand-made reports of other kernels, and broken ones. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libmm/oom.h>

static struct mm_oom_log log_;

static int read_with(const char *text, size_t len, const struct mm_oom_settings *set)
{
	struct mm_error err = { 0 };
	struct mm_input *in;
	int rc;

	ck_assert_int_eq(mm_input_open_memory(&in, "test", text, len), 0);
	rc = mm_oom_log_read(&log_, in, set, &err);
	mm_input_free(in);
	ck_assert(!rc || err.code == rc);
	return rc;
}

static int read_text(const char *text, size_t len, bool allocating)
{
	const struct mm_oom_settings set = { .allocating_task = allocating };

	return read_with(text, len, &set);
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

/* What the kernel chose, from the lines that the captures had before they were cut, or still have. */
static const struct capture {
	const char *file;
	uint32_t report, pid;		/* 0: nobody */
	const char *name;
	bool asked;			/* vm.oom_kill_allocating_task, which the log itself says */
	enum mm_oom_constraint constraint;
	uint64_t total_pages;		/* 0: not looked at */
} captures[] = {
	{ "6.1-basic.dmesg", 0, 105, "eater", .constraint = MM_OOM_NONE },
	{ "6.6-memcg.dmesg", 0, 237, "in20", .constraint = MM_OOM_MEMCG },
	{ "6.6-memcg.dmesg", 1, 243, "eater", .constraint = MM_OOM_MEMCG },
	{ "6.6-protected.dmesg", 0, 143, "hS", .constraint = MM_OOM_NONE },
	{ "6.6-protected.dmesg", 1, 141, "hQ", .constraint = MM_OOM_NONE },
	{ "6.6-protected.dmesg", 2, 148, "eater", .constraint = MM_OOM_NONE },
	/* QEMU, Linux 6.6.87. memory.max 40960 KiB, memory.swap.max 8192 KiB: (40960 + 8192) / 4 */
	{ "6.6-v2-swap.dmesg", 0, 46, "a20", .constraint = MM_OOM_MEMCG, .total_pages = 12288 },
	/* memory.oom.group: the least of two tasks is killed with the greatest; no swap: 40960 / 4 */
	{ "6.6-v2-swap.dmesg", 1, 62, "x1", .constraint = MM_OOM_MEMCG, .total_pages = 10240 },
	/* v1: 36864 KiB of memory and swap, more swap than that in the machine */
	{ "6.6-v1.dmesg", 0, 44, "a12", .constraint = MM_OOM_MEMCG, .total_pages = 9216 },
	/* one node of two: 65396 KiB present and 24572 KiB swap; with all RAM (43911 pages) eat's 500 would weigh more */
	{ "6.6-nodes.dmesg", 0, 44, "h10", .constraint = MM_OOM_MEMORY_POLICY, .total_pages = 22492 },
	{ "6.6-nodes.dmesg", 1, 57, "eat", .constraint = MM_OOM_CPUSET, .total_pages = 22492 },
	/* a thread "growing" of eater asked */
	{ "6.6-asked.dmesg", 0, 69, "eater", .asked = true, .constraint = MM_OOM_NONE },
	{ "6.6-asked.dmesg", 1, 0, "", .constraint = MM_OOM_NONE },	/* vm.panic_on_oom=1 */
};

static char *file_text(const char *file, size_t *len)
{
	const char *dir = getenv("srcdir");
	char path[512], *text = malloc(1 << 16);
	FILE *f;

	snprintf(path, sizeof(path), "%s/tests/data/oom/%s", dir ? dir : ".", file);
	f = fopen(path, "r");
	ck_assert_ptr_nonnull(f);
	*len = fread(text, 1, 1 << 16, f);
	ck_assert_uint_lt(*len, 1 << 16);
	fclose(f);
	return text;
}

/* Lines that name the victim are taken out when @cut. */
static void check_capture(const struct capture *c, bool cut)
{
	const struct mm_oom_settings set = { .allocating_task = cut && c->asked };
	const struct mm_oom_row *v;
	size_t len, n = 0;
	char *text = file_text(c->file, &len);

	for (size_t i = 0; cut && i < len; ) {
		const char *end = memchr(text + i, '\n', len - i);
		size_t k = end ? (size_t)(end - text) + 1 - i : len - i;

		if (!memmem(text + i, k, "oom-kill:", 9) && !memmem(text + i, k, "Killed process", 14)) {
			memmove(text + n, text + i, k);
			n += k;
		}
		i += k;
	}
	ck_assert_int_eq(read_with(text, cut ? n : len, &set), 0);
	free(text);
	ck_assert_uint_gt(log_.nr, c->report);
	if (!cut || c->constraint != MM_OOM_MEMORY_POLICY)	/* a policy looks like a cpuset then */
		ck_assert_int_eq(log_.v[c->report].constraint, c->constraint);
	if (c->total_pages)
		ck_assert_uint_eq(log_.v[c->report].total_pages, c->total_pages);
	v = victim_of(&log_.v[c->report]);
	ck_assert((v != NULL) == (c->pid != 0));
	if (v) {
		ck_assert_uint_eq(v->pid, c->pid);
		ck_assert_uint_eq(v->name.len, strlen(c->name));
		ck_assert(!memcmp(v->name.p, c->name, v->name.len));
		ck_assert(cut || !memmem(c->file, strlen(c->file), "6.6-v", 5) || v->killed);
	} else {
		ck_assert_int_eq(log_.v[c->report].outcome, MM_OOM_PANIC);
	}
	mm_oom_log_free(&log_);
}

START_TEST(kernel_chose)
{
	check_capture(&captures[_i], false);
	check_capture(&captures[_i], true);
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
	ck_assert_uint_eq(r->zones.nr, 1);
	ck_assert_uint_eq(r->zones.v[0].min_pages, 436);		/* 1744 kB / 4 */
	ck_assert_uint_eq(r->zones.v[0].reserve[2], 193);
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

/*
 * The least adj that makes another the victim, and the greatest that spares this one: 520 points against 251 with
 * adj 5; a thousandth is 10 pages, and the later of equals is taken.
 */
START_TEST(what_if_adj)
{
	const struct mm_oom_adj adj = { 30, 32 };
	const struct mm_oom_settings set = { .adjs = &adj, .nr_adjs = 1 };
	int32_t v;

	ck_assert_int_eq(read_text(two_tasks, sizeof(two_tasks) - 1, false), 0);
	ck_assert(mm_oom_adj_flips(&log_.v[0], 1, &v));
	ck_assert_int_eq(v, 32);			/* 201 + 32 * 10 = 521; with 31 it is 511 */
	ck_assert(mm_oom_adj_flips(&log_.v[0], 0, &v));
	ck_assert_int_eq(v, -27);			/* 520 - 270 = 250 < 251 */
	ck_assert(!mm_oom_adj_flips(&log_.v[0], 2, &v));
	mm_oom_log_free(&log_);
	ck_assert_int_eq(read_with(two_tasks, sizeof(two_tasks) - 1, &set), 0);
	ck_assert_uint_eq(victim_of(&log_.v[0])->pid, 30);
	mm_oom_log_free(&log_);
	ck_assert_int_eq(read_text(two_tasks, sizeof(two_tasks) - 1, true), 0);	/* who asked is taken, whatever its adj */
	ck_assert(!mm_oom_adj_flips(&log_.v[0], 1, &v));
	mm_oom_log_free(&log_);
}
END_TEST

/* 520 points without adj against 201 with 5: equal at 63.8 thousand pages, and 64 * 5 = 320 >= 319. */
START_TEST(what_if_total)
{
	struct mm_oom_settings set = { .other_ram = true, .ram_bytes = UINT64_C(4096) * (63000 - 1) };
	uint64_t total;
	size_t row;

	ck_assert_int_eq(read_text(two_tasks, sizeof(two_tasks) - 1, false), 0);
	ck_assert(mm_oom_total_flips(&log_.v[0], true, &total, &row));
	ck_assert_uint_eq(total, 64000);
	ck_assert_uint_eq(row, 1);
	ck_assert(!mm_oom_total_flips(&log_.v[0], false, &total, &row));
	mm_oom_log_free(&log_);
	for (int i = 0; i < 2; i++, set.ram_bytes += 4096) {		/* and 1000 pages of swap: 63999, 64000 */
		ck_assert_int_eq(read_with(two_tasks, sizeof(two_tasks) - 1, &set), 0);
		ck_assert_uint_eq(victim_of(&log_.v[0])->pid, i ? 30 : 20);
		mm_oom_log_free(&log_);
	}
}
END_TEST

START_TEST(panic_on_oom)
{
	const struct mm_oom_settings set = { .panic_on_oom = 1 };

	ck_assert_int_eq(read_with(two_tasks, sizeof(two_tasks) - 1, &set), 0);
	ck_assert_int_eq(log_.v[0].outcome, MM_OOM_PANIC);
	ck_assert_ptr_null(victim_of(&log_.v[0]));
	mm_oom_log_free(&log_);
}
END_TEST

/* Reports in the forms of other kernels, after their mm/oom_kill.c and mm/memcontrol.c; numbers are made up. */
static const char v1_one_line[] =		/* 4.15 .. 4.19: bytes of tables, v1, sacrifice of a child */
	"[ 9.1] java invoked oom-killer: gfp_mask=0x14000c0(GFP_KERNEL), nodemask=(null), order=0, oom_score_adj=600\n"
	"[ 9.1] java cpuset=docker-1 mems_allowed=0\n"
	"[ 9.1] CPU: 1 PID: 51 Comm: java Tainted: G        W         4.15.0-112-generic #113-Ubuntu\n"
	"[ 9.1] Task in /docker/1/x killed as a result of limit of /docker/1\n"
	"[ 9.1] memory: usage 4000kB, limit 4000kB, failcnt 77\n"
	"[ 9.1] memory+swap: usage 6000kB, limit 8000kB, failcnt 0\n"
	"[ 9.1] kmem: usage 40kB, limit 9007199254740988kB, failcnt 0\n"
	"[ 9.1] Memory cgroup stats for /docker/1: cache:12KB rss:3900KB rss_huge:0KB shmem:8KB mapped_file:4KB swap:2000KB\n"
	"[ 9.1] Memory cgroup stats for /docker/1/x: cache:0KB rss:0KB rss_huge:0KB shmem:0KB\n"
	"[ 9.1] [ pid ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name\n"
	"[ 9.1] [   50]     0    50     1000      500     8192      100             0 first\n"
	"[ 9.1] [   51]     7    51     1000      486     4096      100             0 java\n"
	"[ 9.1] [   52]     7    52     1000        1     4096        0          -900 low\n"
	"[ 9.1] Memory cgroup out of memory: Kill process 50 (first) score 600 or sacrifice child\n"
	"[ 9.1] Killed process 52 (low) total-vm:4000kB, anon-rss:4kB, file-rss:0kB, shmem-rss:0kB\n";

START_TEST(cgroup_v1_of_4_15)
{
	const struct mm_oom_report *r;

	ck_assert_int_eq(read_text(v1_one_line, sizeof(v1_one_line) - 1, false), 0);
	r = &log_.v[0];
	ck_assert_int_eq(r->constraint, MM_OOM_MEMCG);
	ck_assert(r->memcg.len == 9 && !memcmp(r->memcg.p, "/docker/1", 9));
	ck_assert_uint_eq(r->zones.kernel, 4015);
	ck_assert(r->gfp.len == 10 && !memcmp(r->gfp.p, "GFP_KERNEL", 10));
	/* memory and swap that it uses: the least that the machine's swap can be: (4000 + 6000 - 4000) / 4 */
	ck_assert_uint_eq(r->total_pages, 1500);
	/* root has 3 % less: 602 - 18; the other 587 */
	ck_assert_int_eq(r->rows[0].points, 584);
	ck_assert_int_eq(r->rows[1].points, 587);
	ck_assert_int_eq(r->rows[2].points, 1);		/* 2 - 900 is no less than one point */
	ck_assert_uint_eq(victim_of(r)->pid, 51);
	ck_assert(r->rows[2].killed && !r->rows[0].killed);	/* the child died for its parent */
	ck_assert_uint_eq(r->held[MM_OOM_HELD_ANON], 975);
	ck_assert_uint_eq(r->held[MM_OOM_HELD_SHMEM], 2);
	ck_assert_uint_eq(r->held[MM_OOM_HELD_FILE], 1);	/* 12 KB less shared memory, which is in it */
	mm_oom_log_free(&log_);
}
END_TEST

static const char no_numa[] =			/* no "Node 0 " without CONFIG_NUMA; 6.12 tells rss by kind */
	"a invoked oom-killer: gfp_mask=0x100cca(GFP_HIGHUSER_MOVABLE), order=3, oom_score_adj=0\n"
	"CPU: 0 UID: 0 PID: 9 Comm: a Not tainted 6.12.0 #1\n"
	"active_anon:100 inactive_anon:700 isolated_anon:0\n active_file:3 inactive_file:4 isolated_file:0\n"
	" slab_reclaimable:5 slab_unreclaimable:60\n mapped:2 shmem:50 pagetables:7\n free:400 free_pcp:0 free_cma:0\n"
	"Normal free:1600kB boost:0kB min:400kB low:500kB high:600kB present:8000kB managed:7000kB\n"
	"lowmem_reserve[]: 0 0\nNormal: 300*4kB (UM) 50*8kB (M) 0*16kB 0*32kB = 1600kB\n"
	"Total swap = 0kB\n2000 pages RAM\n250 pages reserved\n"
	"Unreclaimable slab info:\nName                      Used          Total\n"
	"kmalloc-64              10KB         40KB\ndentry                  90KB        100KB\n"
	"[  pid  ]   uid  tgid total_vm      rss rss_anon rss_file rss_shmem pgtables_bytes swapents oom_score_adj name\n"
	"[      9]     0     9     1000      500      400       90        10     8192        0             0 a\n";

START_TEST(other_forms)
{
	const struct mm_oom_report *r;

	ck_assert_int_eq(read_text(no_numa, sizeof(no_numa) - 1, false), 0);
	r = &log_.v[0];
	ck_assert_uint_eq(r->invoker_pid, 9);
	ck_assert_uint_eq(r->zones.nr, 1);
	ck_assert_str_eq(r->zones.v[0].zone, "Normal");
	ck_assert_uint_eq(r->zones.v[0].blocks[1], 50);
	ck_assert_uint_eq(r->zones.v[0].free_pages, 400);
	ck_assert_uint_eq(r->held[MM_OOM_HELD_ANON], 750);	/* shared memory lies on these lists */
	ck_assert_uint_eq(r->held[MM_OOM_HELD_SHMEM], 50);
	ck_assert_uint_eq(r->held[MM_OOM_HELD_FILE], 7);
	ck_assert_uint_eq(r->held[MM_OOM_HELD_SLAB_UNRECLAIMABLE], 60);
	ck_assert_uint_eq(r->held[MM_OOM_HELD_FREE], 400);
	ck_assert_uint_eq(r->nr_slabs, 2);
	ck_assert_uint_eq(r->slabs[0].pages, 25);
	ck_assert(r->slabs[0].name.len == 6 && !memcmp(r->slabs[0].name.p, "dentry", 6));
	ck_assert_uint_eq(r->total_pages, 1750);
	ck_assert_int_eq(r->rows[0].points, 502);
	mm_oom_log_free(&log_);
}
END_TEST

#define TABLE "[  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name\n"

/* arm64 with pages of 64 KiB, told by the blocks: 131072 - 2816 pages of RAM; java has 110000 pages and 917504 / 65536 = 14 of tables. */
static const char pages_of_64k[] =
	"java invoked oom-killer: gfp_mask=0x140cca(GFP_HIGHUSER_MOVABLE|__GFP_COMP), order=0, oom_score_adj=0\n"
	"Mem-Info:\n"
	"active_anon:1000 inactive_anon:118000 isolated_anon:0\n free:2048 free_pcp:16 free_cma:512\n"
	"Node 0 DMA32 free:65536kB min:8192kB low:10240kB high:12288kB present:2097152kB managed:2031616kB free_cma:32768kB\n"
	"lowmem_reserve[]: 0 377 377\n"
	"Node 0 Normal free:65536kB min:65536kB low:81920kB high:98304kB present:6291456kB managed:6176768kB kernel_stack:24640kB\n"
	"lowmem_reserve[]: 0 0 0\n"
	"Node 0 DMA32: 512*64kB (UMC) 0*128kB 1*32768kB (C) = 65536kB\nNode 0 Normal: 524*64kB (UME) 256*128kB (UME) = 66304kB\n"
	"Node 0 hugepages_total=1 hugepages_free=1 hugepages_surp=0 hugepages_size=524288kB\n"
	"Total swap = 131072kB\n131072 pages RAM\n2816 pages reserved\n"
	TABLE
	"[   2000]  1000  2000   150000   110000   917504        0             0 java\n"
	"[   2100]  1000  2100    10000     5000   262144       10             0 python3\n";

START_TEST(other_pages)
{
	const struct mm_oom_settings told = { .page_size = 4096 };
	const struct mm_oom_report *r;

	ck_assert_int_eq(read_text(pages_of_64k, sizeof(pages_of_64k) - 1, false), 0);
	r = &log_.v[0];
	ck_assert_uint_eq(r->page_size, 65536);
	ck_assert(!r->page_size_guessed);
	ck_assert_uint_eq(r->total_pages, 131072 - 2816 + 2048);
	ck_assert_int_eq(r->rows[0].points, 110014);
	ck_assert_int_eq(r->rows[1].points, 5014);
	ck_assert_uint_eq(r->zones.v[1].min_pages, 1024);
	ck_assert_uint_eq(r->zones.v[0].cma_pages, 512);
	ck_assert_uint_eq(r->held[MM_OOM_HELD_FREE], 2048);		/* Mem-Info counts in pages */
	ck_assert_uint_eq(r->held[MM_OOM_HELD_PCP], 16);
	ck_assert_uint_eq(r->held[MM_OOM_HELD_KERNEL_STACK], 385);
	ck_assert_uint_eq(r->held[MM_OOM_HELD_HUGETLB], 8192);
	mm_oom_log_free(&log_);
	ck_assert_int_eq(read_with(pages_of_64k, sizeof(pages_of_64k) - 1, &told), 0);
	ck_assert_int_eq(log_.v[0].rows[0].points, 110224);		/* 917504 / 4096 */
	mm_oom_log_free(&log_);
}
END_TEST

/* A memcg's report has no blocks. Its anonymous pages are its tasks' 600: of 64, 16 and 4 KiB; tables are whole pages. */
static const struct guess {
	uint32_t page_size;
	uint64_t pgtables;
} guesses[] = { { 65536, 196608 }, { 16384, 49152 }, { 16384, 65536 }, { 4096, 65536 }, { 4096, 12288 } };
START_TEST(pages_of_a_memcg)
{
	const struct guess *g = &guesses[_i];
	const struct mm_oom_report *r;
	char text[1024];
	int n = snprintf(text, sizeof(text), "a invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0\n"
			 "memory: usage %ukB, limit %ukB, failcnt 1\nswap: usage 0kB, limit 0kB, failcnt 0\n"
			 "Memory cgroup stats for /a:\nanon %u\nsock %u\n" TABLE
			 "[ 7 ] 0 7 9999 600 %llu 0 0 a\n", g->page_size * 640 / 1024, g->page_size * 640 / 1024, g->page_size * 600,
			 g->page_size * 30, (unsigned long long)g->pgtables);

	ck_assert_int_eq(read_text(text, (size_t)n, false), 0);
	r = &log_.v[0];
	ck_assert_uint_eq(r->page_size, g->page_size);
	ck_assert(r->page_size_guessed == (g->page_size != 4096));
	ck_assert_uint_eq(r->total_pages, 640);
	ck_assert_uint_eq(r->held[MM_OOM_HELD_ANON], 600);
	ck_assert_uint_eq(r->held[MM_OOM_HELD_SOCK], 30);
	ck_assert_int_eq(r->rows[0].points, 600 + (int64_t)(g->pgtables / g->page_size));
	mm_oom_log_free(&log_);
}
END_TEST

/* Reports are limited to ten in five seconds, the lines of kills are not. */
static const char lone[] =
	"Out of memory (oom_kill_allocating_task): Killed process 3 (bef(or)e), UID 7, total-vm:8kB, anon-rss:4kB, file-rss:2kB, "
	"shmem-rss:1kB, UID:0 pgtables:1kB oom_score_adj:-5\n"
	"a invoked oom-killer: gfp_mask=0x0, order=0, oom_score_adj=0\n1000 pages RAM\n0 pages reserved\n" TABLE
	"[ 8 ] 0 8 1000 500 8192 0 0 big\n[ 9 ] 0 9 1000 300 8192 0 0 next\n[ 10 ] 0 10 1000 200 8192 0 0 last\n"
	"Out of memory: Killed process 8 (big) total-vm:4000kB, anon-rss:2000kB, file-rss:0kB, shmem-rss:0kB\n"
	"Memory cgroup out of memory: Killed process 9 (a (b) c) total-vm:4000kB, anon-rss:1200kB, file-rss:0kB\n"
	"Memory cgroup out of memory: Killed process 4711 (java) total-vm:4000kB, anon-rss:99kB, file-rss:0kB, oom_score_adj:900\n"
	"a invoked oom-killer: gfp_mask=0x0, order=0, oom_score_adj=0\n1000 pages RAM\n0 pages reserved\n" TABLE
	"[ 9 ] 0 9 1000 300 8192 0 0 next\n[ 10 ] 0 10 1000 200 8192 0 0 last\n"
	"Out of memory: Killed process 10 (last) total-vm:4000kB\n";

START_TEST(kills_without_report)
{
	ck_assert_int_eq(read_text(lone, sizeof(lone) - 1, false), 0);
	ck_assert_uint_eq(log_.nr, 2);
	ck_assert_uint_eq(log_.nr_kills, 3);
	ck_assert_uint_eq(log_.kills[0].line, 1);
	ck_assert_int_eq(log_.kills[0].oom_score_adj, -5);
	ck_assert_str_eq(log_.kills[0].name, "bef(or)e");
	ck_assert(log_.kills[0].anon_kib == 4 && log_.kills[0].file_kib == 2 && log_.kills[0].shmem_kib == 1);
	ck_assert_uint_eq(log_.kills[1].pid, 9);
	ck_assert_str_eq(log_.kills[1].name, "a (b) c");
	ck_assert(log_.kills[1].memcg && log_.kills[1].shmem_kib == UINT64_MAX && log_.kills[1].oom_score_adj == INT64_MIN);
	ck_assert_uint_eq(log_.kills[2].pid, 4711);
	ck_assert(log_.v[0].rows[0].killed && !log_.v[0].rows[1].killed && log_.v[0].rows[1].killed_later);
	ck_assert_uint_eq(victim_of(&log_.v[1])->pid, 10);	/* 9 was reaped in between */
	mm_oom_log_free(&log_);
	ck_assert_int_eq(read_text(lone, (size_t)(strchr(lone, '\n') - lone), false), 0);
	ck_assert(!log_.nr && log_.nr_kills == 1);
	mm_oom_log_free(&log_);
}
END_TEST

/* The end alone was kept: from Mem-Info on, from the table on (how much memory there is is not told then), after another report. */
static const char end[] =
	"Mem-Info:\nactive_anon:10 inactive_anon:20 isolated_anon:0\n1000 pages RAM\n0 pages reserved\n" TABLE
	"[ 8 ] 0 8 1000 500 8192 0 0 big\n[ 9 ] 0 9 1000 300 8192 0 900 likely\n"
	"Out of memory: Killed process 9 (likely) total-vm:4000kB\n";

START_TEST(beginning_lost)
{
	const struct mm_oom_settings ram = { .other_ram = true, .ram_bytes = 4096000 };
	const char *table = strstr(end, TABLE);
	char text[4096];
	int n;

	ck_assert_int_eq(read_text(end, sizeof(end) - 1, false), 0);
	ck_assert(log_.nr == 1 && log_.v[0].headless && !log_.v[0].total_unknown);
	ck_assert_uint_eq(victim_of(&log_.v[0])->pid, 9);	/* 302 + 900 > 502 */
	mm_oom_log_free(&log_);
	ck_assert_int_eq(read_text(table, strlen(table), false), 0);
	ck_assert(log_.nr == 1 && log_.v[0].headless && log_.v[0].total_unknown);
	ck_assert_int_eq(log_.v[0].rows[1].points, 302);
	mm_oom_log_free(&log_);
	ck_assert_int_eq(read_with(table, strlen(table), &ram), 0);
	ck_assert_int_eq(log_.v[0].rows[1].points, 1202);
	mm_oom_log_free(&log_);
	n = snprintf(text, sizeof(text), "%s%s%sx: page allocation failure\nMem-Info:\n", two_tasks, table, end);
	ck_assert_int_eq(read_text(text, (size_t)n, false), 0);
	ck_assert(log_.nr == 3 && !log_.v[0].headless && log_.v[1].headless && log_.v[2].headless && !log_.cut_reports);
	ck_assert_uint_eq(log_.v[0].nr_rows, 2);
	mm_oom_log_free(&log_);
}
END_TEST

/* Another CPU's failed allocation writes its Mem-Info before the table and into it. */
START_TEST(interleaved)
{
	static const char text[] =
		"a invoked oom-killer: gfp_mask=0x0, order=0, oom_score_adj=0\nMem-Info:\nactive_anon:10 inactive_anon:20 isolated_anon:0\n"
		"x: page allocation failure: order:2, mode:0x820(GFP_ATOMIC)\nMem-Info:\nactive_anon:11 inactive_anon:21 isolated_anon:0\n"
		"1000 pages RAM\n0 pages reserved\n" TABLE
		"[ 8 ] 0 8 1000 500 8192 0 0 big\nx: page allocation failure: order:2, mode:0x820(GFP_ATOMIC)\nMem-Info:\n"
		"active_anon:12 inactive_anon:22 isolated_anon:0\n[ 9 ] 0 9 1000 700 8192 0 0 next\n"
		"Out of memory: Killed process 9 (next) total-vm:4000kB\n";

	ck_assert_int_eq(read_text(text, sizeof(text) - 1, false), 0);
	ck_assert(log_.nr == 1 && !log_.nr_kills && log_.v[0].nr_rows == 2 && log_.v[0].rows[1].killed);
	ck_assert_uint_eq(log_.v[0].held[MM_OOM_HELD_ANON], 30);
	mm_oom_log_free(&log_);
}
END_TEST

/* A victim that is still there when the next report is written has been reaped: another is taken. */
START_TEST(not_twice)
{
	static const char twice[] =
		"a invoked oom-killer: gfp_mask=0x0, order=0, oom_score_adj=0\n1000 pages RAM\n0 pages reserved\n"
		"[  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name\n"
		"[      8]     0     8     1000      500     8192        0             0 big\n"
		"[      9]     0     9     1000      300     8192        0             0 next\n"
		"a invoked oom-killer: gfp_mask=0x0, order=0, oom_score_adj=0\n1000 pages RAM\n0 pages reserved\n"
		"[  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name\n"
		"[      8]     0     8     1000      400     8192        0             0 big\n"
		"[      9]     0     9     1000      310     8192        0             0 next\n";

	ck_assert_int_eq(read_text(twice, sizeof(twice) - 1, false), 0);
	ck_assert_uint_eq(victim_of(&log_.v[0])->pid, 8);
	ck_assert_uint_eq(victim_of(&log_.v[1])->pid, 9);
	mm_oom_log_free(&log_);
}
END_TEST

/* A log that holds the same report twice, as dmesg and messages together do. */
START_TEST(same_report_twice)
{
	char text[2 * sizeof(end)];
	int n = snprintf(text, sizeof(text), "%s%s", end, end);

	ck_assert_int_eq(read_text(text, (size_t)n, false), 0);
	ck_assert_uint_eq(victim_of(&log_.v[0])->pid, 9);
	ck_assert_uint_eq(victim_of(&log_.v[1])->pid, 9);
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
		"[ 1 ] 0 1 1 1 1 1 0 init\n[ 2 ] 0 2 99999999999999999999 1 1 1 0 big\n[ 3 ] 0 3 1 1 1 1 5000 adj\n"
		"[ 4 ] 0 4 1 1 4096 1 0 \n";

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
	tcase_add_test(tc, what_if_adj);
	tcase_add_test(tc, what_if_total);
	tcase_add_test(tc, panic_on_oom);
	tcase_add_test(tc, cgroup_v1_of_4_15);
	tcase_add_test(tc, other_forms);
	tcase_add_test(tc, other_pages);
	tcase_add_loop_test(tc, pages_of_a_memcg, 0, sizeof(guesses) / sizeof(guesses[0]));
	tcase_add_test(tc, kills_without_report);
	tcase_add_test(tc, beginning_lost);
	tcase_add_test(tc, interleaved);
	tcase_add_test(tc, not_twice);
	tcase_add_test(tc, same_report_twice);
	tcase_add_test(tc, allocating_task);
	tcase_add_test(tc, badness);
	tcase_add_test(tc, cut_anywhere);
	tcase_add_test(tc, hostile);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
