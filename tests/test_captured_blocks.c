/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A machine that begins with the free blocks of a captured one.  The naive oracle is a page allocator's state made at random,
 * page by page: which frames are free, of what type each pageblock is; its free blocks are found by merging buddies until
 * nothing merges.  Their counts, as the kernel's files have them, are all that the machine is given.
 */
#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/rng.h"
#include "machine/machine.h"
#include "phys/phys.h"

enum { BLOCK = MM_PAGEBLOCK_NR_PAGES, MAX_BLOCKS = 80, MAX_PAGES = MAX_BLOCKS * BLOCK };

static struct mm_machine *machine;
static struct mm_error err;
static struct mm_rng rng;
static char dir[] = "captured_blocks.XXXXXX";

static uint64_t below(uint64_t n) { return mm_rng_below(&rng, n); }

static const char *path(const char *name)
{
	static char text[96];

	snprintf(text, sizeof(text), "%s/%s", dir, name);
	return text;
}

static FILE *begin(const char *name)
{
	FILE *f = fopen(path(name), "w");

	ck_assert_ptr_nonnull(f);
	return f;
}

static void setup(void)
{
	strcpy(dir + strlen(dir) - 6, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(mkdir(path("proc"), 0700), 0);
}

static void teardown(void)
{
	static const char *const names[] = { "proc/zoneinfo", "proc/pagetypeinfo", "proc/buddyinfo" };

	mm_machine_free(machine);
	machine = NULL;
	for (size_t i = 0; i < 3; i++)
		unlink(path(names[i]));
	rmdir(path("proc"));
	rmdir(dir);
}

/* ---- the oracle ---- */

static struct naive {
	uint64_t start, pages, never;		/* frames of the zone; the first of them were never managed */
	bool hole[MAX_PAGES], free[MAX_PAGES];
	int type[MAX_BLOCKS];
	int order[MAX_PAGES];			/* of the free block that begins there; -1: none does */
	uint64_t blocks[MM_MIGRATE_TYPES][MM_NR_PAGE_ORDERS], pageblocks[MM_MIGRATE_TYPES];
	uint64_t nr_free, present;
} naive;

static int type_of(uint64_t page) { return naive.type[(naive.start + page) / BLOCK - naive.start / BLOCK]; }

static bool mixes(int a, int b) { return a == b || (a < MM_MIGRATE_PCPTYPES && b < MM_MIGRATE_PCPTYPES); }

/* Two free buddies of the order are one block of the next. */
static void merge(int order)
{
	uint64_t size = UINT64_C(1) << order;

	for (uint64_t i = 0; i + size < naive.pages; i++) {
		if ((naive.start + i) % (2 * size) || naive.order[i] != order || naive.order[i + size] != order)
			continue;
		if (order >= MM_PAGEBLOCK_ORDER && !mixes(type_of(i), type_of(i + size)))
			continue;
		naive.order[i] = order + 1;
		naive.order[i + size] = -1;
	}
}

static void count(void)
{
	naive.nr_free = naive.present = 0;
	memset(naive.blocks, 0, sizeof(naive.blocks));
	memset(naive.pageblocks, 0, sizeof(naive.pageblocks));
	for (uint64_t i = 0; i < naive.pages; i++) {
		naive.order[i] = naive.free[i] ? 0 : -1;
		naive.nr_free += naive.free[i];
		naive.present += !naive.hole[i];
	}
	for (int o = 0; o < MM_MAX_ORDER; o++)
		merge(o);
	for (uint64_t i = 0; i < naive.pages; i++)
		if (naive.order[i] >= 0)
			naive.blocks[type_of(i)][naive.order[i]]++;
	for (uint64_t b = 0; b <= (naive.start + naive.pages - 1) / BLOCK - naive.start / BLOCK; b++)
		naive.pageblocks[naive.type[b]]++;
}

/* Each pageblock is of some type and free to some part, from none to all. */
static void make(uint64_t start, uint64_t pages, unsigned int highatomic)
{
	uint64_t nr_blocks = (start + pages - 1) / BLOCK - start / BLOCK + 1;

	memset(&naive, 0, sizeof(naive));
	naive.start = start;
	naive.pages = pages;
	naive.never = below(3 * BLOCK) % pages;
	if (start < 256)			/* as zone_capture.c lays out a zone with a hole: it ends at 1 MiB */
		for (uint64_t i = 160 - start; i < 256 - start; i++)
			naive.hole[i] = true;
	for (uint64_t b = 0; b < nr_blocks; b++)
		naive.type[b] = below(4) ? MM_MIGRATE_MOVABLE : (int)below(MM_MIGRATE_PCPTYPES);
	for (; highatomic; highatomic--)
		naive.type[naive.never / BLOCK + 1 + below(nr_blocks - naive.never / BLOCK - 1)] = MM_MIGRATE_HIGHATOMIC;
	for (uint64_t i = 0, odds = 0; i < pages; i++) {
		static const uint64_t of_eight[] = { 0, 0, 1, 3, 7, 8, 8 };

		if ((start + i) % BLOCK == 0 || !i)
			odds = of_eight[below(7)];
		naive.free[i] = i >= naive.never && !naive.hole[i] && below(8) < odds;
	}
	count();
}

static void write_zoneinfo(uint64_t nr_free, uint64_t managed, const char *zone, const char *more)
{
	FILE *f = begin("proc/zoneinfo");

	fprintf(f, "Node 0, zone %8s\n  pages free     %" PRIu64 "\n        min      10\n        low      20\n        high     30\n"
		"        spanned  %" PRIu64 "\n        present  %" PRIu64 "\n        managed  %" PRIu64 "\n"
		"%s  start_pfn:           %" PRIu64 "\n",
		zone, nr_free, naive.pages, naive.present, managed, more, naive.start);
	fclose(f);
}

/* At @cap and beyond the kernel stops counting. */
static void write_row(FILE *f, const uint64_t *blocks, uint64_t cap)
{
	for (int o = 0; o < MM_NR_PAGE_ORDERS; o++)
		fprintf(f, blocks[o] > cap ? " >%" PRIu64 : " %6" PRIu64, blocks[o] > cap ? cap : blocks[o]);
	fprintf(f, "\n");
}

static void write_pagetypeinfo(const char *zone, uint64_t cap)
{
	FILE *f = begin("proc/pagetypeinfo");

	fprintf(f, "Page block order: 9\nPages per block:  512\n\nFree pages count per migrate type at order  0 1 2 3 4 5 6 7 8 9 10\n");
	for (int mt = 0; mt < MM_MIGRATE_TYPES; mt++) {
		fprintf(f, "Node    0, zone %8s, type %12s ", zone, mm_migratetype_name((enum mm_migratetype)mt));
		write_row(f, naive.blocks[mt], cap);
	}
	fprintf(f, "\nNumber of blocks type ");
	for (int mt = 0; mt < MM_MIGRATE_TYPES; mt++)
		fprintf(f, " %12s", mm_migratetype_name((enum mm_migratetype)mt));
	fprintf(f, "\nNode 0, zone %8s ", zone);
	for (int mt = 0; mt < MM_MIGRATE_TYPES; mt++)
		fprintf(f, " %12" PRIu64, naive.pageblocks[mt]);
	fprintf(f, "\n");
	fclose(f);
}

static void write_buddyinfo(const char *zone)
{
	uint64_t sums[MM_NR_PAGE_ORDERS] = { 0 };
	FILE *f = begin("proc/buddyinfo");

	for (int o = 0; o < MM_NR_PAGE_ORDERS; o++)
		for (int mt = 0; mt < MM_MIGRATE_TYPES; mt++)
			sums[o] += naive.blocks[mt][o];
	fprintf(f, "Node 0, zone %8s ", zone);
	write_row(f, sums, UINT64_MAX);
	fclose(f);
}

/* ---- the machine beside it ---- */

static const struct mm_zone *boot(enum mm_depth depth, bool lists)
{
	struct mm_machine_config cfg;

	mm_machine_config_init(&cfg);
	cfg.depth = depth;
	cfg.sysroot = dir;
	cfg.sysctl.v[MM_SYSCTL_CAPTURED_LISTS] = lists;
	mm_machine_free(machine);
	ck_assert_msg(mm_machine_new(&machine, &cfg, &err) == 0, "%s", err.text);
	ck_assert_msg(mm_machine_start(machine, &err) == 0, "%s", err.text);
	ck_assert_msg(mm_machine_check(machine, &err) == 0, "%s", err.text);
	return machine->phys->zone_table[0];
}

static bool told(const char *what)
{
	const struct mm_skip *s;
	size_t nr;

	s = mm_machine_skips(machine, &nr);
	for (size_t i = 0; i < nr; i++)
		if (strstr(s[i].what, what))
			return true;
	return false;
}

static uint64_t pageblocks_of(const struct mm_zone *z, unsigned int mt)
{
	uint64_t nr = 0;

	for (uint64_t b = z->start_pfn / BLOCK; b <= (z->start_pfn + z->spanned_pages - 1) / BLOCK; b++)
		nr += machine->phys->pageblocks[b].migratetype == mt;
	return nr;
}

static void same_blocks(const struct mm_zone *z)
{
	for (unsigned int mt = 0; mt < MM_MIGRATE_TYPES; mt++)
		for (unsigned int o = 0; o < MM_NR_PAGE_ORDERS; o++)
			ck_assert_msg(z->free_area[o].free_list[mt].nr == naive.blocks[mt][o], "type %u order %u: expected %" PRIu64
				      ", found %" PRIu64, mt, o, naive.blocks[mt][o], (uint64_t)z->free_area[o].free_list[mt].nr);
	ck_assert_uint_eq(z->free_pages, naive.nr_free);
}

/* Whatever state a kernel's lists may be in is one that the machine can begin with. */
START_TEST(any_state)
{
	rng = (struct mm_rng){ (uint64_t)_i + 1 };
	for (int round = 0; round < 20; round++) {
		bool dma = !below(4);
		const char *zone = dma ? "DMA" : "DMA32";
		const struct mm_zone *z;

		make(dma ? 1 : 4096 + BLOCK * below(2), dma ? 4095 : 8 * BLOCK + below(MAX_PAGES - 8 * BLOCK - BLOCK),
		     dma ? 0 : (unsigned int)below(4));
		write_zoneinfo(naive.nr_free, naive.present - naive.never, zone, "");
		write_pagetypeinfo(zone, UINT64_MAX);
		z = boot(MM_DEPTH_PHYS, false);
		ck_assert_msg(!told("guessed"), "round %d: no room", round);
		same_blocks(z);
		ck_assert_uint_eq(z->nr_reserved_highatomic, naive.pageblocks[MM_MIGRATE_HIGHATOMIC] * BLOCK);
		for (unsigned int mt = 0; mt < MM_MIGRATE_TYPES; mt++)
			ck_assert_uint_eq(pageblocks_of(z, mt), naive.pageblocks[mt]);
	}
}
END_TEST

/* buddyinfo alone: as many blocks of each order, all movable, in pageblocks as they are after boot. */
START_TEST(orders_alone)
{
	rng = (struct mm_rng){ (uint64_t)_i + 1 };
	make(4096, MAX_PAGES - BLOCK + below(BLOCK), 0);
	write_zoneinfo(naive.nr_free, naive.present - naive.never, "DMA32", "");
	write_buddyinfo("DMA32");
	for (int o = 0; o < MM_NR_PAGE_ORDERS; o++)
		for (int mt = 0; mt < MM_MIGRATE_TYPES; mt++)
			if (mt != MM_MIGRATE_MOVABLE) {
				naive.blocks[MM_MIGRATE_MOVABLE][o] += naive.blocks[mt][o];
				naive.blocks[mt][o] = 0;
			}
	same_blocks(boot(MM_DEPTH_PHYS, false));
}
END_TEST

/* The floors above take some pages while they boot; lists of zoneinfo are made of what is left. */
START_TEST(whole_machine)
{
	char more[400];
	uint64_t taken, lists[5];
	const struct mm_zone *z;
	uint64_t boot_takes;

	rng = (struct mm_rng){ (uint64_t)_i + 1 };
	make(4096, MAX_PAGES - 2 * BLOCK + below(BLOCK), 2);
	taken = naive.present - naive.never - naive.nr_free;
	for (int i = 0; i < 5; i++)
		lists[i] = below(taken / 5);
	snprintf(more, sizeof(more), "      nr_zone_inactive_anon %" PRIu64 "\n      nr_zone_active_anon %" PRIu64
		 "\n      nr_zone_inactive_file %" PRIu64 "\n      nr_zone_active_file %" PRIu64 "\n      nr_zone_unevictable %" PRIu64
		 "\n  pagesets\n    cpu: 0\n              count: 20\n              high:  50\n              batch: 7\n",
		 lists[0], lists[1], lists[2], lists[3], lists[4]);
	write_zoneinfo(naive.nr_free, naive.present - naive.never, "DMA32", more);
	write_pagetypeinfo("DMA32", UINT64_MAX);
	z = boot(MM_DEPTH_FULL, false);
	boot_takes = naive.nr_free - z->free_pages;
	ck_assert_uint_le(boot_takes, 16);
	for (unsigned int mt = 0; mt < MM_MIGRATE_TYPES; mt++)
		ck_assert_uint_eq(pageblocks_of(z, mt), naive.pageblocks[mt]);
	ck_assert_uint_eq(z->nr_reserved_highatomic, naive.pageblocks[MM_MIGRATE_HIGHATOMIC] * BLOCK);
	ck_assert_uint_eq(z->free_area[9].free_list[MM_MIGRATE_HIGHATOMIC].nr, naive.blocks[MM_MIGRATE_HIGHATOMIC][9]);
	z = boot(MM_DEPTH_FULL, true);
	for (int i = 0; i < 5; i++)
		ck_assert_uint_eq(z->nr_lru[i], lists[i]);
	ck_assert_uint_eq(z->pcp[0].count, 20);
	ck_assert_uint_eq(naive.nr_free - z->free_pages, boot_takes);
	for (unsigned int mt = 0; mt < MM_MIGRATE_TYPES; mt++)
		ck_assert_uint_eq(pageblocks_of(z, mt), naive.pageblocks[mt]);
}
END_TEST

/* zoneinfo was read a moment later, or earlier: it has the number of free pages. */
START_TEST(another_moment)
{
	uint64_t want;

	rng = (struct mm_rng){ (uint64_t)_i + 1 };
	make(4096, MAX_PAGES - BLOCK, 1);
	want = naive.nr_free - 300 + below(601);
	write_zoneinfo(want, naive.present - naive.never, "DMA32", "");
	write_pagetypeinfo("DMA32", UINT64_MAX);
	ck_assert_uint_eq(boot(MM_DEPTH_PHYS, false)->free_pages, want);
	ck_assert(!told("guessed"));
	for (unsigned int o = 0; o < MM_NR_PAGE_ORDERS; o++)	/* what the kernel has reserved is not touched */
		ck_assert_uint_eq(machine->phys->zone_table[0]->free_area[o].free_list[MM_MIGRATE_HIGHATOMIC].nr,
				  naive.blocks[MM_MIGRATE_HIGHATOMIC][o]);
	want = naive.nr_free / 2;				/* another machine's */
	write_zoneinfo(want, naive.present - naive.never, "DMA32", "");
	ck_assert_uint_eq(boot(MM_DEPTH_PHYS, false)->free_pages, want);
	ck_assert(told("do not agree with zoneinfo"));
}
END_TEST

/* Of 4 blocks of 1024 pages 5 pages are not free any more: of one the other 1019 = 512 + 256 + 128 + 64 + 32 + 16 + 8 + 2 + 1 are. */
START_TEST(part_of_a_block)
{
	memset(&naive, 0, sizeof(naive));
	naive.start = 4096;
	naive.pages = naive.present = 8 * BLOCK;
	naive.nr_free = 4091;
	naive.pageblocks[MM_MIGRATE_MOVABLE] = 8;
	naive.blocks[MM_MIGRATE_MOVABLE][10] = 4;
	write_zoneinfo(naive.nr_free, naive.pages, "DMA32", "");
	write_pagetypeinfo("DMA32", UINT64_MAX);
	for (int o = 0; o < MM_NR_PAGE_ORDERS; o++)
		naive.blocks[MM_MIGRATE_MOVABLE][o] = o == 10 ? 3 : o != 2;
	same_blocks(boot(MM_DEPTH_PHYS, false));
}
END_TEST

/* A kernel that stops counting at 100 blocks of a list. */
START_TEST(stops_counting)
{
	rng = (struct mm_rng){ (uint64_t)_i + 1 };
	make(4096, MAX_PAGES - BLOCK, 0);
	for (int b = 0; b < MAX_BLOCKS; b++)
		naive.type[b] = MM_MIGRATE_MOVABLE;
	count();
	write_zoneinfo(naive.nr_free, naive.present - naive.never, "DMA32", "");
	write_pagetypeinfo("DMA32", 100);
	ck_assert_uint_eq(boot(MM_DEPTH_PHYS, false)->free_pages, naive.nr_free);
	ck_assert(!told("guessed"));
	write_buddyinfo("DMA32");	/* which tells how many */
	boot(MM_DEPTH_PHYS, false);
	ck_assert(!told("guessed"));
	same_blocks(machine->phys->zone_table[0]);
}
END_TEST

/* Counts that no state of the lists has. */
static const struct none_case {
	const char *why;
	uint64_t movable[MM_NR_PAGE_ORDERS], reserved[MM_NR_PAGE_ORDERS], pageblocks[MM_MIGRATE_TYPES];
	bool room;
} none_cases[] = {	/* 8 pageblocks, 4096 pages */
	{ "half of the pages, singly", { 2048 }, { 0 }, { 0, 8 }, true },
	{ "more than half of the pages, singly", { 2049 }, { 0 }, { 0, 8 }, false },
	{ "a block of each order in each pageblock pair", { 4, 4, 4, 4, 4, 4, 4, 4, 4, 4 }, { 0 }, { 0, 8 }, true },
	{ "one block more", { 4, 4, 4, 5, 4, 4, 4, 4, 4, 4 }, { 0 }, { 0, 8 }, false },
	{ "in the place of half a larger one", { 4, 4, 4, 5, 3, 4, 4, 4, 4, 4 }, { 0 }, { 0, 8 }, true },
	{ "all free", { [10] = 4 }, { 0 }, { 0, 8 }, true },
	{ "order 9 four times", { [9] = 4 }, { 0 }, { 0, 8 }, true },
	{ "order 9 five times", { [9] = 5 }, { 0 }, { 0, 8 }, false },
	{ "a reserved pageblock does not merge", { [9] = 5 }, { [9] = 1 },
	  { [MM_MIGRATE_MOVABLE] = 7, [MM_MIGRATE_HIGHATOMIC] = 1 }, false },
	{ "four of them", { [9] = 4 }, { [9] = 4 }, { [MM_MIGRATE_MOVABLE] = 4, [MM_MIGRATE_HIGHATOMIC] = 4 }, true },
	{ "two that make a pair", { [10] = 3 }, { [10] = 1 }, { [MM_MIGRATE_MOVABLE] = 6, [MM_MIGRATE_HIGHATOMIC] = 2 }, true },
	{ "two of which nothing is free share a pair", { [10] = 3 }, { 0 },
	  { [MM_MIGRATE_MOVABLE] = 6, [MM_MIGRATE_HIGHATOMIC] = 2 }, true },
	{ "two apart", { [9] = 1, [10] = 3 }, { [9] = 1 }, { [MM_MIGRATE_MOVABLE] = 7, [MM_MIGRATE_HIGHATOMIC] = 1 }, true },
	{ "more pageblocks than there are", { 1 }, { 0 }, { [MM_MIGRATE_UNMOVABLE] = 5, [MM_MIGRATE_RECLAIMABLE] = 4 }, false },
};

START_TEST(room)
{
	const struct none_case *c = &none_cases[_i];
	const struct mm_zone *z;

	memset(&naive, 0, sizeof(naive));
	naive.start = 4096;
	naive.pages = naive.present = 8 * BLOCK;
	memcpy(naive.blocks[MM_MIGRATE_MOVABLE], c->movable, sizeof(c->movable));
	memcpy(naive.blocks[MM_MIGRATE_HIGHATOMIC], c->reserved, sizeof(c->reserved));
	memcpy(naive.pageblocks, c->pageblocks, sizeof(c->pageblocks));
	for (int o = 0; o < MM_NR_PAGE_ORDERS; o++)
		naive.nr_free += (c->movable[o] + c->reserved[o]) << o;
	write_zoneinfo(naive.nr_free < naive.pages ? naive.nr_free : naive.pages, naive.pages, "DMA32", "");
	write_pagetypeinfo("DMA32", UINT64_MAX);
	z = boot(MM_DEPTH_PHYS, false);
	ck_assert_msg(told("have no room in their zones") == !c->room, "%s: expected %s", c->why, c->room ? "room" : "none");
	if (c->room)
		same_blocks(z);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("captured blocks");
	TCase *tc = tcase_create("rules"), *random_tc = tcase_create("random");
	SRunner *sr = srunner_create(s);
	int failed;

	suite_add_tcase(s, tc);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, room, 0, sizeof(none_cases) / sizeof(none_cases[0]));
	tcase_add_test(tc, part_of_a_block);
	suite_add_tcase(s, random_tc);
	tcase_add_checked_fixture(random_tc, setup, teardown);
	tcase_set_timeout(random_tc, 60);
	tcase_add_loop_test(random_tc, any_state, 0, 8);
	tcase_add_loop_test(random_tc, orders_alone, 0, 4);
	tcase_add_loop_test(random_tc, whole_machine, 0, 8);
	tcase_add_loop_test(random_tc, another_moment, 0, 8);
	tcase_add_loop_test(random_tc, stops_counting, 0, 8);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
