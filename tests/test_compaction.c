/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Compaction: memory that is full of holes gives a 2M block only when its pages may be moved, and then every page
 * still holds what was stored. Beside it the rules by hand: deferral, scores, the pages that stay where they are.
 */
#include <libmm/buddyinfo.h>

#include "base/rng.h"
#include "phys/compaction.h"
#include "small_mm.h"

enum { PAGES = 14000, FILE_PAGES = 1000, ORDER = MM_PAGEBLOCK_ORDER };
#define FILE_BASE (BASE + (UINT64_C(1) << 33))

static struct small_mm s;
static struct mm_struct *mm, *child;
static struct mm_rng rng;
static uint64_t value[PAGES];		/* 0: not mapped */

static uint64_t below(uint64_t n) { return mm_rng_below(&rng, n); }

static void setup(void)
{
	small_mm_start(&s, 64 << 20, 0);
	s.ctx.sysctl.v[MM_SYSCTL_THP] = 0;
	mm = small_mm_new(&s);
	child = NULL;
}

static void teardown(void)
{
	mm_mmput(mm);
	mm_mmput(child);
	mm_lru_add_drain_all(s.cache);
	ck_assert_uint_eq(s.virt.pgtables->nr_tables, 0);
	ck_assert_int_eq(s.ctx.stat.v[MM_NR_ANON_PAGES], 0);
	ck_assert_int_eq(s.ctx.stat.v[MM_NR_MAPPED], 0);
	ck_assert_int_eq(s.ctx.stat.v[MM_NR_MLOCK], 0);
	small_mm_end(&s);
}

static uint64_t *contents(struct mm_struct *of, uint64_t p)
{
	mm_pfn_t pfn = small_mm_pfn(of, BASE + p * PAGE);

	ck_assert_uint_ne(pfn, MM_PFN_NONE);
	return &s.cache->contents[pfn];
}

/* Fill nearly all memory, then give back about half of it, page by page: no 2M block is left. */
static void fragment(uint64_t keep_percent)
{
	small_mm_map(mm, BASE, PAGES * (uint64_t)PAGE, 3, MM_MAP_PRIVATE, NULL);
	for (uint64_t p = 0; p < PAGES; p++) {
		ck_assert_int_eq(mm_access(s.fault, mm, BASE + p * PAGE, 8, MM_TLB_W), MM_ACCESS_OK);
		*contents(mm, p) = value[p] = mm_rng_u64(&rng) | 1;
	}
	for (uint64_t p = 0; p < PAGES; p++)
		if (below(100) >= keep_percent) {
			mm_sys_madvise(mm, BASE + p * PAGE, PAGE, MM_MADV_DONTNEED);
			value[p] = 0;
		}
	mm_lru_add_drain_all(s.cache);
	mm_drain_all_pages(s.phys);
}

static void check_contents(struct mm_struct *of)
{
	for (uint64_t p = 0; p < PAGES; p++)
		if (value[p])
			ck_assert_msg(*contents(of, p) == value[p], "page %lu", (unsigned long)p);
	ck_assert(mm_pgtables_are_consistent(of));
	ck_assert(mm_cache_is_consistent(s.cache));
	ck_assert(mm_tlb_is_consistent(s.virt.tlb));
}

static int64_t counter(enum mm_counter c) { return s.ctx.stat.v[c]; }

/* The same memory: without page moving no block, with it a block, and nothing is lost. */
START_TEST(makes_a_block)
{
	struct mm_movable_ops ops = s.phys->hooks.movable;
	mm_pfn_t pfn, whole[32];	/* what the pages of the process left over */
	unsigned int nr = 0;
	uint64_t before;

	rng = (struct mm_rng){ (uint64_t)_i + 1 };
	fragment(50);
	s.phys->hooks.movable = (struct mm_movable_ops){ 0 };
	while ((pfn = mm_alloc_pages(s.phys, MM_GFP_TRANSHUGE, ORDER)) != MM_PFN_NONE && nr < 32)
		whole[nr++] = pfn;
	ck_assert_uint_lt(nr, 6);
	before = mm_nr_free_pages(s.phys);
	ck_assert_int_eq(counter(MM_COMPACT_STALL), 0);
	s.phys->hooks.movable = ops;
	pfn = mm_alloc_pages(s.phys, MM_GFP_TRANSHUGE, ORDER);
	ck_assert_uint_ne(pfn, MM_PFN_NONE);
	ck_assert_uint_eq(pfn % MM_PAGEBLOCK_NR_PAGES, 0);
	ck_assert_int_ge(counter(MM_COMPACT_STALL), 1);
	ck_assert_int_eq(counter(MM_COMPACT_SUCCESS), 1);
	ck_assert_int_eq(counter(MM_COMPACT_STALL), counter(MM_COMPACT_SUCCESS) + counter(MM_COMPACT_FAIL));
	ck_assert_int_gt(counter(MM_PGMIGRATE_SUCCESS), 0);
	ck_assert_int_ge(counter(MM_COMPACT_ISOLATED), counter(MM_PGMIGRATE_SUCCESS));
	ck_assert_int_ge(counter(MM_COMPACT_MIGRATE_SCANNED), counter(MM_PGMIGRATE_SUCCESS));
	check_contents(mm);
	mm_free_pages(s.phys, pfn, ORDER);
	mm_lru_add_drain_all(s.cache);
	mm_drain_all_pages(s.phys);
	ck_assert_uint_eq(mm_nr_free_pages(s.phys), before);
	while (nr > 0)
		mm_free_pages(s.phys, whole[--nr], ORDER);
}
END_TEST

/* Block after block until compaction finds no more: shared, locked, file and exclusive pages among them. */
START_TEST(all_kinds_of_pages)
{
	struct mm_file *file = mm_file_create(s.inodes, MM_STR("/data"), MM_INODE_REG, FILE_PAGES * (uint64_t)PAGE,
					      MM_FMODE_READ);
	mm_pfn_t blocks[64];
	unsigned int nr = 0;

	rng = (struct mm_rng){ (uint64_t)_i + 100 };
	small_mm_map(mm, FILE_BASE, FILE_PAGES * (uint64_t)PAGE, 1, MM_MAP_PRIVATE, file);
	for (uint64_t p = 0; p < FILE_PAGES; p++)
		ck_assert_int_eq(mm_access(s.fault, mm, FILE_BASE + p * PAGE, 1, MM_TLB_R), MM_ACCESS_OK);
	for (uint64_t p = 0; p < FILE_PAGES; p++)
		s.cache->contents[small_mm_pfn(mm, FILE_BASE + p * PAGE)] = p + 1;
	fragment(45);
	ck_assert_int_eq(mm_sys_mlock(mm, BASE + 100 * PAGE, 700 * (uint64_t)PAGE, 0), 0);
	for (uint64_t p = 100; p < 800; p++)
		value[p] = value[p] ? value[p] : *contents(mm, p);
	ck_assert_int_eq(mm_dup_mm(&child, mm), 0);
	while (nr < 64 && (blocks[nr] = mm_alloc_pages(s.phys, MM_GFP_TRANSHUGE, ORDER)) != MM_PFN_NONE)
		nr++;
	ck_assert_uint_ge(nr, 4);
	check_contents(mm);
	check_contents(child);
	for (uint64_t p = 0; p < FILE_PAGES; p++) {
		mm_pfn_t pfn = small_mm_pfn(mm, FILE_BASE + p * PAGE);

		ck_assert_uint_eq(mm_filemap_get_folio(s.cache, &file->inode->mapping, p), pfn);
		ck_assert_uint_eq(s.cache->contents[pfn], p + 1);
	}
	while (nr > 0)
		mm_free_pages(s.phys, blocks[--nr], ORDER);
}
END_TEST

static uint64_t huge_blocks(void)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < s.phys->nr_zones; i++)
		n += s.phys->zone_table[i]->free_area[9].nr_free + 2 * s.phys->zone_table[i]->free_area[10].nr_free;
	return n;
}

/*
 * vm.compact_memory makes blocks of what is free, without a request; locked pages move only when
 * vm.compact_unevictable_allowed says so.
 */
START_TEST(compact_memory)
{
	mm_pfn_t before[600];
	unsigned int nr_moved = 0;
	uint64_t blocks;

	rng = (struct mm_rng){ 7 };
	fragment(45);
	ck_assert_int_eq(mm_sys_mlock(mm, BASE + 100 * PAGE, 600 * (uint64_t)PAGE, 0), 0);
	for (uint64_t p = 100; p < 700; p++)
		value[p] = value[p] ? value[p] : *contents(mm, p);
	mm_lru_add_drain_all(s.cache);
	for (uint64_t p = 100; p < 700; p++)
		before[p - 100] = small_mm_pfn(mm, BASE + p * PAGE);
	s.ctx.sysctl.v[MM_SYSCTL_COMPACT_UNEVICTABLE_ALLOWED] = _i;
	blocks = huge_blocks();
	mm_compact_nodes(s.phys);
	ck_assert_uint_ge(huge_blocks(), blocks + 4);
	ck_assert_int_eq(counter(MM_COMPACT_STALL), 0);
	ck_assert_int_gt(counter(MM_COMPACT_MIGRATE_SCANNED), 0);
	ck_assert_int_eq(counter(MM_COMPACT_DAEMON_MIGRATE_SCANNED), 0);
	for (uint64_t p = 100; p < 700; p++)
		nr_moved += small_mm_pfn(mm, BASE + p * PAGE) != before[p - 100];
	ck_assert_int_eq(nr_moved > 0, _i);
	check_contents(mm);
}
END_TEST

/* A costly request compacts only where memory is in pieces rather than short: by vm.extfrag_threshold. */
START_TEST(extfrag_threshold)
{
	struct mm_zone *zone = NULL;
	uint64_t blocks[MM_NR_PAGE_ORDERS];
	int64_t index;

	rng = (struct mm_rng){ 8 };
	fragment(45);
	for (uint32_t i = 0; i < s.phys->nr_zones; i++)
		if (!zone || s.phys->zone_table[i]->free_pages > zone->free_pages)
			zone = s.phys->zone_table[i];
	for (unsigned int o = 0; o < MM_NR_PAGE_ORDERS; o++)
		blocks[o] = zone->free_area[o].nr_free;
	index = mm_fragmentation_index(blocks, MM_NR_PAGE_ORDERS, ORDER);
	ck_assert_int_gt(index, 0);
	s.ctx.sysctl.v[MM_SYSCTL_EXTFRAG_THRESHOLD] = (int32_t)index - 1;
	ck_assert(mm_compaction_suitable(zone, ORDER, MM_ZONE_MOVABLE));
	s.ctx.sysctl.v[MM_SYSCTL_EXTFRAG_THRESHOLD] = (int32_t)index;
	ck_assert(!mm_compaction_suitable(zone, ORDER, MM_ZONE_MOVABLE));
	ck_assert(mm_compaction_suitable(zone, 3, MM_ZONE_MOVABLE));		/* not costly: always worth a try */
}
END_TEST

/* A page that somebody else holds is not moved, however hard compaction tries. */
START_TEST(held_pages_stay)
{
	mm_pfn_t held[64];
	unsigned int nr = 0;

	rng = (struct mm_rng){ 7 };
	fragment(50);
	for (uint64_t p = 0; p < PAGES && nr < 64; p += 200)
		if (value[p]) {
			held[nr] = small_mm_pfn(mm, BASE + p * PAGE);
			mm_folio_get(s.cache, held[nr++]);
		}
	for (uint32_t i = 0; i < s.phys->nr_zones; i++) {
		struct mm_compact_control cc = {
			.zone = s.phys->zone_table[i], .order = -1, .mode = MM_MIGRATE_SYNC_LIGHT, .ignore_skip_hint = true,
			.whole_zone = true, .gfp_mask = MM_GFP_KERNEL,
		};

		mm_compact_zone(&cc);
	}
	ck_assert_int_gt(counter(MM_PGMIGRATE_SUCCESS), 0);
	check_contents(mm);
	for (uint64_t p = 0, i = 0; p < PAGES && i < nr; p += 200)
		if (value[p])
			ck_assert_uint_eq(small_mm_pfn(mm, BASE + p * PAGE), held[i++]);
	while (nr > 0)
		mm_folio_put(s.cache, held[--nr]);
}
END_TEST

/* Doubling up to 64: attempts passed over after the nth failure are 2^n - 1; a success of that order forgets them. */
START_TEST(deferral)
{
	struct mm_zone zone = { .compact_order_failed = 11 };

	ck_assert(!mm_compaction_deferred(&zone, ORDER));	/* below what failed */
	for (unsigned int n = 1; n <= 8; n++) {
		unsigned int passed_over = 0;

		mm_defer_compaction(&zone, ORDER);
		ck_assert_int_eq(zone.compact_order_failed, ORDER);
		while (mm_compaction_deferred(&zone, ORDER))
			passed_over++;
		ck_assert_uint_eq(passed_over, (1u << (n < 6 ? n : 6)) - 1);
	}
	ck_assert(!mm_compaction_deferred(&zone, ORDER - 1));
	mm_compaction_defer_reset(&zone, ORDER, true);
	ck_assert_int_eq(zone.compact_order_failed, ORDER + 1);
	ck_assert_uint_eq(zone.compact_defer_shift, 0);
}
END_TEST

/* The daemon: proactive runs by simulated time, from above 90 down to 80, and none below. */
START_TEST(proactive)
{
	struct mm_node *n = s.phys->nodes[0];
	unsigned int before;

	ck_assert_uint_eq(mm_fragmentation_score_wmark(s.phys, true), 80);	/* 100 - 20 */
	ck_assert_uint_eq(mm_fragmentation_score_wmark(s.phys, false), 90);
	s.ctx.sysctl.v[MM_SYSCTL_COMPACTION_PROACTIVENESS] = 60;		/* 40 and 50 */
	mm_kcompactd_run(s.phys);
	ck_assert_int_eq(counter(MM_COMPACT_DAEMON_MIGRATE_SCANNED), 0);
	rng = (struct mm_rng){ 11 };
	fragment(60);
	before = mm_fragmentation_score_node(n);
	ck_assert_uint_gt(before, 50);
	s.ctx.now_ns += 499000000;
	mm_kcompactd_run(s.phys);
	ck_assert_int_eq(counter(MM_COMPACT_DAEMON_MIGRATE_SCANNED), 0);
	s.ctx.now_ns += 1000000;
	mm_kcompactd_run(s.phys);
	ck_assert_int_gt(counter(MM_COMPACT_DAEMON_MIGRATE_SCANNED), 0);
	ck_assert_int_eq(counter(MM_COMPACT_DAEMON_WAKE), 0);
	ck_assert_uint_lt(mm_fragmentation_score_node(n), before);
	check_contents(mm);
}
END_TEST

/* Woken for an order it makes one of that order and forgets the order. */
START_TEST(kcompactd_wakes)
{
	struct mm_node *n = s.phys->nodes[0];

	rng = (struct mm_rng){ 12 };
	fragment(50);
	mm_wakeup_kcompactd(s.phys, n, 0, MM_ZONE_NORMAL);
	ck_assert(!s.phys->kcompactd_woken);
	mm_wakeup_kcompactd(s.phys, n, ORDER, MM_ZONE_NORMAL);
	ck_assert(s.phys->kcompactd_woken);
	mm_kcompactd_run(s.phys);
	ck_assert_int_eq(counter(MM_COMPACT_DAEMON_WAKE), 1);
	ck_assert_int_eq(n->kcompactd_max_order, 0);
	ck_assert_int_gt(counter(MM_COMPACT_DAEMON_FREE_SCANNED), 0);
	mm_drain_all_pages(s.phys);
	ck_assert_uint_ne(mm_alloc_pages(s.phys, MM_GFP_TRANSHUGE_LIGHT, ORDER), MM_PFN_NONE);
	s.free_pages -= MM_PAGEBLOCK_NR_PAGES;
	check_contents(mm);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("compaction");
	TCase *tc = tcase_create("compaction");
	SRunner *sr;
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, makes_a_block, 0, 6);
	tcase_add_loop_test(tc, all_kinds_of_pages, 0, 6);
	tcase_add_test(tc, held_pages_stay);
	tcase_add_loop_test(tc, compact_memory, 0, 2);
	tcase_add_test(tc, extfrag_threshold);
	tcase_add_test(tc, deferral);
	tcase_add_test(tc, proactive);
	tcase_add_test(tc, kcompactd_wakes);
	suite_add_tcase(suite, tc);
	sr = srunner_create(suite);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
