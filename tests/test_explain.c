/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why a request fails: the report of a 6.6 kernel whose OOM killer ran (so no
 * zone can pass), and requests on zones with sums worked out by hand.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libmm/explain.h>
#include <libmm/machine.h>

static struct mm_explain_list l;
static struct mm_explain_request rq;
static struct mm_error err;

static void setup(void) { memset(&l, 0, sizeof(l)); }
static void teardown(void) { mm_explain_free(&l); }

static const char report[] =
	"[   18.366] eater invoked oom-killer: gfp_mask=0x140dca(GFP_HIGHUSER_MOVABLE|__GFP_COMP|__GFP_ZERO), order=0, oom_score_adj=0\n"
	"[   18.366] Node 0 active_anon:1692kB inactive_anon:227292kB active_file:0kB\n"
	"[   18.366] Node 0 DMA free:3032kB boost:2048kB min:2172kB low:2200kB high:2228kB reserved_highatomic:0KB active_anon:0kB "
	"present:15992kB managed:15360kB mlocked:0kB free_pcp:0kB free_cma:0kB\n"
	"[   18.367] lowmem_reserve[]: 0 215 215 215 215\n"
	"[   18.367] Node 0 DMA32 free:1788kB boost:0kB min:1816kB low:2268kB high:2720kB reserved_highatomic:0KB present:245608kB "
	"managed:224280kB free_cma:0kB\n"
	"[   18.367] lowmem_reserve[]: 0 0 0 0 0\n"
	"[   18.367] Node 0 DMA: 0*4kB 1*8kB (U) 1*16kB (U) 0*32kB 1*64kB (U) 1*128kB (U) 1*256kB (U) 1*512kB (U) 0*1024kB "
	"1*2048kB (M) 0*4096kB = 3032kB\n"
	"[   18.368] Node 0 DMA32: 1*4kB (E) 3*8kB (UME) 4*16kB (ME) 1*32kB (M) 2*64kB (UM) 0*128kB 2*256kB (UM) 2*512kB (UM) "
	"0*1024kB 0*2048kB 0*4096kB = 1788kB\n"
	"later: page allocation failure: order:4, mode:0x40820(GFP_ATOMIC|__GFP_COMP), nodemask=(null),cpuset=/\n"
	"Node 0 Normal free:400kB min:100kB low:120kB high:140kB managed:4096kB\n"
	"lowmem_reserve[]: 0 0 0 0\n"
	"Node 0 Normal: 100*4kB 0*8kB 0*16kB 0*32kB 0*64kB 0*128kB 0*256kB 0*512kB 0*1024kB 0*2048kB 0*4096kB = 400kB\n";

static int read_report(const char *text, uint32_t nth)
{
	struct mm_input *in;
	int e;

	ck_assert_int_eq(mm_input_open_memory(&in, "log", text, strlen(text)), 0);
	e = mm_explain_of_report(&l, &rq, in, nth, &err);
	mm_input_free(in);
	return e;
}

/* Columns path,zone,verdict,short_pages of the table. */
static const char *explain(struct mm_output *out)
{
	struct mm_table_options opt = { .format = MM_TABLE_CSV, .noheadings = true,
		.columns = "path,zone,verdict,short_pages" };
	struct mm_table_writer *w;

	ck_assert_int_eq(mm_output_init(out, -1), 0);
	ck_assert_msg(!mm_table_writer_new(&w, out, &mm_explain_table, &opt, &err), "%s", err.text);
	mm_explain_rows(&l, &rq, w);
	ck_assert_int_eq(mm_table_writer_finish(w), 0);
	mm_table_writer_free(w);
	mm_output_bytes(out, "", 1);
	return out->buf;
}

/*
 * DMA32: 447 free. low 567: 568 needed, 121 short; min 454: 8 short.
 * DMA: 758 free, reserve 215 for a request that could use Movable. low 550: 766
 * needed, 8 short; min 543: 759, 1 short.
 */
START_TEST(oom_report)
{
	struct mm_output out;

	ck_assert_msg(!read_report(report, 0), "%s", err.text);
	ck_assert_uint_eq(rq.gfp, 0x140dca);
	ck_assert_uint_eq(rq.order, 0);
	ck_assert_uint_eq(l.nr, 2);
	ck_assert_uint_eq(l.nr_reports, 2);
	ck_assert_uint_eq(l.v[1].blocks[1], 3);
	ck_assert_uint_eq(l.v[1].types[1], 7);		/* UME */
	ck_assert_uint_eq(l.v[0].types[9], 2);		/* M */
	ck_assert_str_eq(explain(&out), "fast,DMA32,watermark,121\nfast,DMA,watermark,8\n"
					"slow,DMA32,watermark,8\nslow,DMA,watermark,1\n");
	mm_output_finish(&out);
}
END_TEST

/*
 * 100 pages, all single: order 4 loses 15. low 30: 85 > 30. GFP_ATOMIC halves min 25 (12), then a quarter: 13 -
 * 3 = 10.
 */
START_TEST(failure_report)
{
	struct mm_output out;

	ck_assert_msg(!read_report(report, 1), "%s", err.text);
	ck_assert_uint_eq(rq.gfp, 0x40820);
	ck_assert_uint_eq(rq.order, 4);
	ck_assert_str_eq(explain(&out), "fast,Normal,fragmented,0\nslow,Normal,fragmented,0\n");
	mm_output_finish(&out);
}
END_TEST

static struct mm_explain_zone *add(const char *zone, uint64_t free_pages, uint32_t order, uint8_t types)
{
	struct mm_explain_zone *z = mm_explain_add(&l);

	strcpy(z->zone, zone);
	z->free_pages = free_pages;
	z->min_pages = 40, z->low_pages = 50, z->high_pages = 60, z->managed_pages = 10000;
	z->nr_reserve = 5;
	z->reserve[3] = 30;
	z->nr_orders = 11;
	z->types_known = true;
	z->blocks[order] = 1;
	z->types[order] = types;
	return z;
}

static const struct request_case {
	const char *why, *request;
	uint64_t free_pages;
	const char *rows;
} requests[] = {
	{ "above low", "0", 51, "fast,Normal,ok,0\nslow,Normal,ok,0\n" },
	{ "low itself is not above low", "0", 50, "fast,Normal,watermark,1\nslow,Normal,ok,0\n" },
	{ "a movable request meets the reserve: 40 + 30", "0,GFP_HIGHUSER_MOVABLE", 70,
	  "fast,Normal,watermark,11\nslow,Normal,watermark,1\n" },
	{ "DMA32 requests do not ask Normal", "0,GFP_DMA32", 500, "fast,Normal,not asked,\nslow,Normal,not asked,\n" },
	{ "the largest block is too small", "4", 500, "fast,Normal,fragmented,0\nslow,Normal,fragmented,0\n" },
	{ "a block that large", "3", 500, "fast,Normal,ok,0\nslow,Normal,ok,0\n" },
	{ "__GFP_MEMALLOC passes every mark", "0,GFP_KERNEL|__GFP_MEMALLOC", 3, "fast,Normal,watermark,48\nslow,Normal,ok,0\n" },
};
START_TEST(by_hand)
{
	struct mm_output out;

	ck_assert_int_eq(mm_explain_request_parse((struct mm_str){ requests[_i].request, strlen(requests[_i].request) },
						  &rq), 0);
	add("Normal", requests[_i].free_pages, 3, 1);
	ck_assert_msg(!strcmp(explain(&out), requests[_i].rows), "%s: %s", requests[_i].why, out.buf);
	mm_output_finish(&out);
}
END_TEST

/* The only block large enough is high-order atomic: a request that may wait cannot have it, one that may not can. */
START_TEST(blocks_of_the_wrong_type)
{
	struct mm_output out;

	add("Normal", 5000, 5, 1 << 3);
	ck_assert_int_eq(mm_explain_request_parse(MM_STR("5"), &rq), 0);
	ck_assert_str_eq(explain(&out), "fast,Normal,type,0\nslow,Normal,type,0\n");
	mm_output_finish(&out);
	ck_assert_int_eq(mm_explain_request_parse(MM_STR("5,GFP_ATOMIC"), &rq), 0);
	ck_assert_str_eq(explain(&out), "fast,Normal,type,0\nslow,Normal,ok,0\n");
	mm_output_finish(&out);
}
END_TEST

static const char *const bad_requests[] = { "", "11", "-1", "x", "3,", "3,GFP_", "3,GFP_KERNEL,", ",GFP_KERNEL" };
START_TEST(bad_words)
{
	ck_assert_msg(mm_explain_request_parse((struct mm_str){ bad_requests[_i], strlen(bad_requests[_i]) },
					       &rq) == -EINVAL,
		      "'%s' is read", bad_requests[_i]);
}
END_TEST

static const struct bad_report {
	const char *text, *said;
	int code;
} bad_reports[] = {
	{ "", "log: expected a page allocation failure or OOM report, found 0", -ENOENT },
	{ "Node 0 DMA free:1kB\n", "log:1: ", -ENOENT },
	{ "x: page allocation failure: order:4, mode:0xcc0(GFP_KERNEL)\n", "log: report 0 of 1 has no lines \"Node N ZONE free:...\"",
	  -EINVAL },
	{ "x: page allocation failure: order:40, mode:0xcc0(GFP_KERNEL)\nNode 0 DMA free:1kB\n",
	  "log: expected an order up to 10, found 40", -EINVAL },
	{ "x: page allocation failure: order:4, mode:0xcc0(GFP_NEW)\nNode 0 DMA free:1kB\n",
	  "log: expected GFP words, found 'GFP_NEW'", -EINVAL },
	{ "x: page allocation failure: order:4, mode:\n", "log:1: ", -ENOENT },
};
START_TEST(bad_logs)
{
	ck_assert_int_eq(read_report(bad_reports[_i].text, 0), bad_reports[_i].code);
	if (strcmp(bad_reports[_i].said, "log:1: "))
		ck_assert_str_eq(err.text, bad_reports[_i].said);
}
END_TEST

/* Reports before Linux 4.6 give a number: GFP words by include/linux/gfp.h of 3.10, 4.3 and 4.4. */
static const struct old_mask {
	const char *number;
	mm_gfp_t gfp;
} old_masks[] = {
	{ "0x20", MM_GFP_ATOMIC },					/* 3.10: __GFP_HIGH is GFP_ATOMIC */
	{ "0x4020", MM_GFP_ATOMIC | __MM_GFP_COMP },
	{ "0xd0", MM_GFP_KERNEL },					/* __GFP_WAIT 0x10, IO 0x40, FS 0x80 */
	{ "0x280da", MM_GFP_HIGHUSER_MOVABLE | __MM_GFP_ZERO },		/* zero 0x8000, hardwall 0x20000, movable 8 */
	{ "0x1280d2", MM_GFP_HIGHUSER_MOVABLE | __MM_GFP_ZERO },	/* 2.6.24: movable 0x100000, highmem 2 */
	{ "0x1000d0", MM_GFP_KERNEL },					/* 3.10: __GFP_KMEMCG 0x100000 is no type */
	{ "0x24000c0", MM_GFP_KERNEL },					/* 4.4: direct reclaim 0x400000, kswapd 0x2000000 */
	{ "0x2080020", MM_GFP_ATOMIC },					/* __GFP_ATOMIC 0x80000 is gone */
	{ "0x24280ca", MM_GFP_HIGHUSER_MOVABLE | __MM_GFP_ZERO },
};
START_TEST(masks_of_old_kernels)
{
	char text[256];

	snprintf(text, sizeof(text),
		 "swapper/0: page allocation failure: order:2, mode:%s\nNode 0 DMA free:100kB min:4kB low:8kB high:12kB\n",
		 old_masks[_i].number);
	ck_assert_msg(!read_report(text, 0), "%s", err.text);
	ck_assert_msg(rq.order == 2 && rq.gfp == old_masks[_i].gfp, "%s: 0x%x", old_masks[_i].number, rq.gfp);
}
END_TEST

/*
 * Other machines. arm64 with pages of 64 KiB and without a zone DMA: blocks of order 0 are its pages, a reserve counts DMA32, Normal,
 * Movable, and there are orders up to 13. DMA32: 1024 pages free less 15 of the block itself and 512 of CMA is 497; low 160 and reserve
 * 377: 538 are needed, min 128: 506. Normal: 1036 less 15 is above low 640.
 */
#define ARM64(mode, last) \
	"x: page allocation failure: order:4, mode:" mode ", nodemask=(null)\n" \
	"[    1.5] Node 0 DMA32 free:65536kB min:8192kB low:10240kB high:12288kB managed:2031616kB free_pcp:0kB free_cma:32768kB\n" \
	"[    1.5] lowmem_reserve[]: 0 377 377\n" \
	"[    1.5] Node 0 Normal free:66304kB min:32768kB low:40960kB high:49152kB managed:6176768kB free_pcp:0kB free_cma:0kB\n" \
	"[    1.5] lowmem_reserve[]: 0 0 0\n" \
	"[    1.5] Node 0 DMA32: 20*64kB (UMC) 0*128kB 0*256kB 0*512kB 2*1024kB (M) 0*2048kB = 65536kB\n" \
	"[    1.5] Node 0 Normal: 524*64kB (UME) 256*128kB (UME) 0*256kB 0*512kB 0*1024kB 0*2048kB 0*4096kB 0*8192kB 0*16384kB 0*32768kB " \
	"0*65536kB 0*131072kB 0*262144kB " last " = 66304kB\n"
/* i386 without NUMA: a reserve counts DMA, Normal, HighMem, Movable. DMA: 1000 free, low 5. */
#define I386(mode) \
	"[    1.5] x: page allocation failure: order:0, mode:" mode "\n" \
	"[    1.5] DMA free:4000kB min:16kB low:20kB high:24kB managed:15000kB\n[    1.5] lowmem_reserve[]: 0 800 3000 3000\n" \
	"[    1.5] Normal free:3600kB min:3600kB low:4500kB high:5400kB managed:880000kB\n[    1.5] lowmem_reserve[]: 0 0 17600 17600\n" \
	"[    1.5] HighMem free:9000kB min:512kB low:800kB high:900kB managed:2000000kB\n[    1.5] lowmem_reserve[]: 0 0 0 0\n"
/* 32 bits since 6.1: zones above those of the request are left out, and high memory is told by its pages alone. DMA: 1000 free, min 900. */
#define HIDDEN(last) \
	"> x: page allocation failure. order:0, mode:0xd0\n> DMA free:4000kB min:3600kB low:3800kB high:4000kB managed:15000kB\n" \
	"> lowmem_reserve[]: 0 0 3188 3188\n" last
/* arm: Normal, HighMem, Movable alone. Normal: 1000 free, min 900. */
#define ARM(mode) \
	"x: page allocation failure: order:0, mode:" mode "\nNormal free:4000kB min:3600kB low:3800kB high:4000kB managed:15000kB\n" \
	"lowmem_reserve[]: 0 3188 3188\nHighMem free:9000kB min:512kB low:800kB high:900kB managed:51000kB\nlowmem_reserve[]: 0 0 0\n"
static const struct other_machine {
	const char *text;
	uint32_t page_size;		/* told by the caller */
	const char *rows;
} other_machines[] = {
	{ ARM64("0xcc0(GFP_KERNEL)", "0*524288kB"), 0, "fast,Normal,fragmented,0\nfast,DMA32,watermark,41\n"
					      "slow,Normal,fragmented,0\nslow,DMA32,watermark,9\n" },
	{ ARM64("0xcc0(GFP_KERNEL)", "1*524288kB (M)"), 0, "fast,Normal,ok,0\nfast,DMA32,watermark,41\n"
							   "slow,Normal,ok,0\nslow,DMA32,watermark,9\n" },
	{ ARM64("0xcc4(GFP_KERNEL|GFP_DMA32)", "0*524288kB"), 0,
	  "fast,Normal,not asked,\nfast,DMA32,ok,0\nslow,Normal,not asked,\nslow,DMA32,ok,0\n" },
	/* who says that these are pages of 4 KiB: 16384 less 8207 is 8177, above low 2560 and reserve 377 */
	{ ARM64("0xcc0(GFP_KERNEL)", "1*524288kB (M)"), 4096, "fast,Normal,ok,0\nfast,DMA32,ok,0\nslow,Normal,ok,0\nslow,DMA32,ok,0\n" },
	/* Normal: 900 free, low 1125, min 900 */
	{ I386("0xcc0(GFP_KERNEL)"), 0, "fast,HighMem,not asked,\nfast,Normal,watermark,226\nfast,DMA,ok,0\n"
					"slow,HighMem,not asked,\nslow,Normal,watermark,1\nslow,DMA,ok,0\n" },
	/* a request that could have HighMem: DMA keeps 3000, Normal 17600 */
	{ I386("0x100cc2(GFP_HIGHUSER)"), 0, "fast,HighMem,ok,0\nfast,Normal,watermark,17826\nfast,DMA,watermark,2006\n"
					     "slow,HighMem,ok,0\nslow,Normal,watermark,17601\nslow,DMA,watermark,2005\n" },
	{ HIDDEN("> 816128 pages HighMem/MovableOnly\n"), 0, "fast,DMA,ok,0\nslow,DMA,ok,0\n" },
	/* 64 bits with a zone DMA32 that is empty: what is kept is Normal's, 1000 less 950 and 3188 */
	{ HIDDEN("> 0 pages HighMem/MovableOnly\n"), 0, "fast,DMA,watermark,3139\nslow,DMA,watermark,3089\n" },
	{ ARM("0xcc0(GFP_KERNEL)"), 0, "fast,HighMem,not asked,\nfast,Normal,ok,0\nslow,HighMem,not asked,\nslow,Normal,ok,0\n" },
	{ ARM("0x100cc2(GFP_HIGHUSER)"), 0, "fast,HighMem,ok,0\nfast,Normal,watermark,3139\n"
					    "slow,HighMem,ok,0\nslow,Normal,watermark,3089\n" },
};
START_TEST(reports_of_other_machines)
{
	const struct other_machine *c = &other_machines[_i];
	struct mm_output out;

	l.page_size = c->page_size;
	ck_assert_msg(!read_report(c->text, 0), "%s", err.text);
	ck_assert_str_eq(explain(&out), c->rows);
	mm_output_finish(&out);
}
END_TEST

/* warn_alloc() in other words: a line that has mode and nodemask. */
static const struct warning {
	const char *line;
	uint32_t order;
	mm_gfp_t gfp;
	uint64_t vmalloc_bytes;
	bool no_page_asked;
} warnings[] = {
	{ "bpf: vmalloc error: size 4194304, page order 9, failed to allocate pages, mode:0xdc2(GFP_KERNEL|__GFP_HIGHMEM|__GFP_ZERO), "
	  "nodemask=(null),cpuset=/,mems_allowed=0", 9, MM_GFP_KERNEL | __MM_GFP_HIGHMEM | __MM_GFP_ZERO, 4194304, false },
	{ "x: vmalloc error: size 8192, failed to allocated page array size 16, mode:0xcc0(GFP_KERNEL), nodemask=(null)", 0,
	  MM_GFP_KERNEL, 8192, false },
	{ "x: vmalloc error: size 8589934592, exceeds total pages, mode:0xcc0(GFP_KERNEL), nodemask=(null)", 0, MM_GFP_KERNEL,
	  UINT64_C(8589934592), true },
	{ "x: vmalloc error: size 8192, vm_struct allocation failed, mode:0xcc0(GFP_KERNEL), nodemask=(null)", 0,
	  MM_GFP_KERNEL, 8192, true },
	{ "x: vmalloc: allocation failure: 8589934588 bytes, mode:0xcc0(GFP_KERNEL), nodemask=(null)", 0, MM_GFP_KERNEL,
	  UINT64_C(8589934588), false },			/* up to 5.10 */
	{ "x: vmalloc: allocation failure, allocated 4096 of 12288 bytes, mode:0xcc0(GFP_KERNEL), nodemask=(null)", 0,
	  MM_GFP_KERNEL, 12288, false },
	{ "kworker/u8:1: page allocation stalls for 10004ms, order:3, mode:0x14000c0(GFP_KERNEL), nodemask=(null)", 3, MM_GFP_KERNEL,
	  0, false },
};
START_TEST(other_warnings)
{
	const struct warning *c = &warnings[_i];
	char text[512];

	snprintf(text, sizeof(text), "[    1.5] %s\nNode 0 DMA free:100kB min:4kB low:8kB high:12kB\n", c->line);
	ck_assert_msg(!read_report(text, 0), "%s", err.text);
	ck_assert_msg(rq.order == c->order && rq.gfp == c->gfp, "%s: order %u, 0x%x", c->line, rq.order, rq.gfp);
	ck_assert_msg(rq.vmalloc_bytes == c->vmalloc_bytes && rq.no_page_asked == c->no_page_asked, "%s: vmalloc", c->line);
}
END_TEST

#define NR(a) ((int)(sizeof(a) / sizeof((a)[0])))
int main(void)
{
	Suite *suite = suite_create("explain");
	TCase *tc = tcase_create("requests");
	SRunner *sr = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, oom_report);
	tcase_add_test(tc, failure_report);
	tcase_add_loop_test(tc, by_hand, 0, NR(requests));
	tcase_add_test(tc, blocks_of_the_wrong_type);
	tcase_add_loop_test(tc, bad_words, 0, NR(bad_requests));
	tcase_add_loop_test(tc, bad_logs, 0, NR(bad_reports));
	tcase_add_loop_test(tc, masks_of_old_kernels, 0, NR(old_masks));
	tcase_add_loop_test(tc, other_warnings, 0, NR(warnings));
	tcase_add_loop_test(tc, reports_of_other_machines, 0, NR(other_machines));
	suite_add_tcase(suite, tc);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
