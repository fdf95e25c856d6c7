/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Swap slots, the swap cache, VMA read-ahead; file read-ahead. */
#include <libmm/slab.h>

#include "cache/readahead.h"
#include "small_cache.h"

static void setup(void) { small_cache_new(8192, 2000); }

START_TEST(clusters_in_order)	/* cluster 0 holds the header: the first free one is 1, slot 512 */
{
	mm_pfn_t a = small_anon_page(), b = small_anon_page();

	ck_assert(mm_add_to_swap(cache, a));
	ck_assert(mm_add_to_swap(cache, b));
	ck_assert_uint_eq(mm_folio_swap(cache, a), 512);
	ck_assert_uint_eq(mm_folio_swap(cache, b), 513);
	ck_assert_int_eq(mm_nr_swap_pages(cache), 2000 - 64);	/* the CPU's slot cache took 64 */
	mm_delete_from_swap_cache(cache, a);
	mm_delete_from_swap_cache(cache, b);
	mm_folio_put(cache, a);
	mm_folio_put(cache, b);
}
END_TEST

/*
 * Slots 512 and 513 lie below 4096 = 64 * 64: a root and one leaf, which go when the slots go. Of those that booting left the last that is
 * free is used first.
 */
START_TEST(nodes_are_objects)
{
	struct mm_kmem_cache_info info;
	struct mm_slab *slab = NULL;
	mm_pfn_t a, b;

	ck_assert_int_eq(mm_slab_new(&slab, cache->ctx, cache->phys, MM_SLAB_SLUB), 0);
	ck_assert_int_eq(mm_cache_set_slab(cache, slab), 0);
	mm_kmem_cache_info(cache->radix_tree_node_cachep, &info);
	ck_assert_uint_gt(cache->boot_nodes, 2);
	ck_assert_uint_eq(cache->boot_nodes, info.layout.cpu_partial / 2);
	cache->boot_nodes = 1;
	a = small_anon_page();
	b = small_anon_page();
	ck_assert(mm_add_to_swap(cache, a));
	ck_assert(mm_add_to_swap(cache, b));
	mm_kmem_cache_info(cache->radix_tree_node_cachep, &info);
	ck_assert_uint_eq(info.live_objects, 1);
	ck_assert_uint_eq(cache->boot_nodes, 0);
	mm_delete_from_swap_cache(cache, a);
	mm_delete_from_swap_cache(cache, b);
	mm_folio_put(cache, a);
	mm_folio_put(cache, b);
	for (int i = 0; i < 64; i++) {				/* freed slots come back 64 at a time */
		a = small_anon_page();
		ck_assert(mm_add_to_swap(cache, a));
		mm_delete_from_swap_cache(cache, a);
		mm_folio_put(cache, a);
	}
	mm_kmem_cache_info(cache->radix_tree_node_cachep, &info);
	ck_assert_uint_eq(info.live_objects, 0);
	ck_assert_uint_eq(cache->boot_nodes, 1);
	ck_assert_uint_eq(info.allocs, info.frees);
	mm_slab_free(slab);
}
END_TEST

START_TEST(out_and_in)
{
	mm_pfn_t pfn = small_anon_page(), back;
	mm_swp_t e;
	bool fresh;

	ck_assert(mm_add_to_swap(cache, pfn));
	e = mm_folio_swap(cache, pfn);
	ck_assert_int_eq(mm_swap_duplicate(cache, e), 0);		/* a page-table entry */
	mm_swap_writepage(cache, pfn);
	ck_assert(mm_cache_page(cache, pfn)->flags & MM_PG_WRITEBACK);
	ck_assert(!mm_folio_free_swap(cache, pfn));
	mm_swap_io_finish(cache);
	ck_assert(!(mm_cache_page(cache, pfn)->flags & MM_PG_WRITEBACK));
	mm_swap_cache_evict(cache, pfn, MM_XA_SHADOW | 3);
	mm_folio_put(cache, pfn);
	ck_assert_uint_eq(mm_get_shadow_from_swap_cache(cache, e), MM_XA_SHADOW | 3);
	ck_assert_int_eq(mm_read_swap_cache_async(cache, e, MM_GFP_HIGHUSER_MOVABLE, NULL, &back, &fresh), 0);
	ck_assert(fresh);
	ck_assert_int_eq(counter(MM_PSWPIN), 1);
	ck_assert_int_eq(counter(MM_PSWPOUT), 1);
	ck_assert_uint_eq(mm_swap_cache_get_folio(cache, e), back);
	mm_free_swap_and_cache(cache, e);				/* the last entry: the cache copy goes too */
	ck_assert_uint_eq(mm_swap_cache_get_folio(cache, e), MM_PFN_NONE);
	mm_folio_put(cache, back);
	ck_assert_int_eq(mm_read_swap_cache_async(cache, e, MM_GFP_HIGHUSER_MOVABLE, NULL, &back, &fresh), -2);
}
END_TEST

static bool is_written(mm_pfn_t pfn) { return !(mm_cache_page(cache, pfn)->flags & MM_PG_WRITEBACK); }

/* Neighbours are one request: 250 us, and 2 us a page, or what the tunables say. What is plugged has not begun. */
START_TEST(writes_take_time)
{
	const uint64_t write_ns = _i ? 7000 : 250000, page_ns = _i ? 11 : 2000;
	mm_pfn_t v[3];

	if (_i) {
		cache->ctx->sysctl.v[MM_SYSCTL_COST_SWAP_WRITE] = (int64_t)write_ns;
		cache->ctx->sysctl.v[MM_SYSCTL_COST_SWAP_WRITE_PAGE] = (int64_t)page_ns;
	}
	for (int i = 0; i < 3; i++) {
		v[i] = small_anon_page();
		ck_assert(mm_add_to_swap(cache, v[i]));
		mm_swap_writepage(cache, v[i]);
	}
	mm_swap_io_elapse(cache, UINT64_C(1000000000));
	ck_assert(!is_written(v[0]) && !is_written(v[2]));
	mm_swap_io_unplug(cache);
	mm_swap_io_elapse(cache, write_ns + 3 * page_ns - 1);
	ck_assert(!is_written(v[0]) && !is_written(v[1]) && !is_written(v[2]));
	mm_swap_io_elapse(cache, 1);
	ck_assert(is_written(v[0]) && is_written(v[1]) && is_written(v[2]));
	for (int i = 0; i < 3; i++) {
		mm_delete_from_swap_cache(cache, v[i]);
		mm_folio_put(cache, v[i]);
	}
}
END_TEST

/* Slots 512, 514, 516 ...: each a request. The 33rd finds 32 in the plug: those go to the device. */
START_TEST(a_full_plug_goes)
{
	mm_pfn_t v[66];

	for (int i = 0; i < 66; i++) {
		v[i] = small_anon_page();
		ck_assert(mm_add_to_swap(cache, v[i]));
	}
	for (int i = 0; i < 66; i += 2) {
		mm_swap_writepage(cache, v[i]);
		mm_swap_io_elapse(cache, UINT64_C(1000000));
		ck_assert_int_eq(is_written(v[0]), i == 64);
	}
	ck_assert(is_written(v[62]) && !is_written(v[64]));
	mm_swap_io_finish(cache);
	ck_assert(is_written(v[64]));
	for (int i = 0; i < 66; i++) {
		mm_delete_from_swap_cache(cache, v[i]);
		mm_folio_put(cache, v[i]);
	}
}
END_TEST

START_TEST(slots_add_up)	/* random use against a count per slot */
{
	unsigned int seed = (unsigned int)_i + 1;
	struct { mm_pfn_t pfn; mm_swp_t e; unsigned int ptes; } v[2500];
	int n = 0;

	for (int step = 0; step < 30000; step++) {
		int i = n ? rand_r(&seed) % n : 0;

		if (rand_r(&seed) % 3 == 0 && n < 2500) {
			mm_pfn_t pfn = small_anon_page();

			if (!mm_add_to_swap(cache, pfn)) {
				ck_assert_int_gt(n, 1800);	/* only when nearly all 2000 are used */
				mm_folio_put(cache, pfn);
				continue;
			}
			v[n].pfn = pfn;
			v[n].e = mm_folio_swap(cache, pfn);
			v[n++].ptes = 0;
		} else if (n && rand_r(&seed) % 2) {
			ck_assert_int_eq(mm_swap_duplicate(cache, v[i].e), 0);
			v[i].ptes++;
		} else if (n) {
			ck_assert_uint_eq(mm_swap_count(cache, v[i].e), v[i].ptes);
			while (v[i].ptes) {
				mm_swap_free(cache, v[i].e);
				v[i].ptes--;
			}
			mm_delete_from_swap_cache(cache, v[i].pfn);
			mm_folio_put(cache, v[i].pfn);
			v[i] = v[--n];
		}
		if (step % 2000 == 0)
			ck_assert(mm_swap_is_consistent(cache));
	}
	while (n-- > 0) {
		while (v[n].ptes--)
			mm_swap_free(cache, v[n].e);
		mm_delete_from_swap_cache(cache, v[n].pfn);
		mm_folio_put(cache, v[n].pfn);
	}
}
END_TEST

/* swap_ra_info(): page-cluster 3, window by hits; hits + 2 rounded to 4, 8 */
static const struct ra_case {
	const char *why;
	uint64_t prev;			/* page and hits of the last fault */
	unsigned int hits, prev_win;
	uint64_t fault;
	unsigned int nr, offset;
} ra_cases[] = {
	{ "far from the last fault, no hit: one page", 1000, 0, 0, 1500, 1, 0 },
	{ "right behind it: two, forward", 1000, 0, 0, 1001, 2, 0 },
	{ "right before it: two, backward", 1001, 0, 0, 1000, 2, 1 },
	{ "4 hits: 6 rounded to 8, around", 1000, 4, 0, 1200, 8, 3 },
	{ "the window shrinks by half at most", 1000, 0, 8, 1500, 4, 1 },
	{ "it does not leave the table of 512", 1000, 4, 0, 1024, 5, 0 },
};

START_TEST(vma_window)
{
	const struct ra_case *c = &ra_cases[_i];
	uint64_t info = c->prev << 12 | c->prev_win << 6 | c->hits;
	struct mm_swap_ra ra;

	mm_swap_ra_info(cache, &info, c->fault << 12, 0, UINT64_C(1) << 40, &ra);
	ck_assert_msg(ra.nr_pte == c->nr && ra.offset == c->offset, "%s: %u at %u", c->why, ra.nr_pte, ra.offset);
	ck_assert_uint_eq(ra.start_vaddr >> 12, c->fault - c->offset);
}
END_TEST

/* ---- file read-ahead: 128 KiB, 32 pages ------------------------------------------ */

static struct mm_file *file_of(uint64_t pages)
{
	return mm_file_create(inodes, MM_STR("/f"), MM_INODE_REG, pages << MM_PAGE_SHIFT, MM_FMODE_READ);
}

static uint64_t cached(const struct mm_file *f, uint64_t *mark)
{
	uint64_t n = 0, v;

	*mark = UINT64_MAX;
	for (uint64_t i = 0; mm_xa_find(&f->inode->mapping.i_pages, &i, &v); i++, n++)
		if (mm_cache_page(cache, (mm_pfn_t)(v - 1))->flags & MM_PG_READAHEAD)
			*mark = i;
	return n;
}

START_TEST(sequential_windows)	/* 4 pages with the mark at 1, then 8, 16, 32: each begun at the mark of the last */
{
	static const struct { uint64_t read, pages, mark; } steps[] = {
		{ 0, 4, 1 }, { 1, 12, 4 }, { 4, 28, 12 }, { 12, 60, 28 }, { 28, 92, 60 },
	};
	struct mm_file *f = file_of(1000);
	uint64_t mark;

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		ck_assert_int_eq(mm_filemap_read(cache, f, steps[i].read << 12, 4096, NULL), 4096);
		ck_assert_uint_eq(cached(f, &mark), steps[i].pages);
		ck_assert_uint_eq(mark, steps[i].mark);
	}
	mm_truncate_pages(cache, &f->inode->mapping, 0);
}
END_TEST

START_TEST(random_reads_what_is_asked)
{
	struct mm_file *f = file_of(1000);
	uint64_t mark;

	ck_assert_int_eq(mm_filemap_read(cache, f, 500 << 12, 3 << 12, NULL), 3 << 12);
	ck_assert_uint_eq(cached(f, &mark), 3);
	ck_assert_uint_eq(mark, UINT64_MAX);
	ck_assert_int_eq(mm_filemap_read(cache, f, 999 << 12, 1 << 20, NULL), 4096);	/* cut at the end of the file */
	ck_assert_int_eq(mm_filemap_read(cache, f, 1000 << 12, 1, NULL), 0);
	mm_truncate_pages(cache, &f->inode->mapping, 0);
}
END_TEST

START_TEST(read_around)		/* half the window before the fault, mark a quarter before its end */
{
	struct mm_file *f = file_of(1000);
	uint64_t mark, i = 0, v;

	mm_do_sync_mmap_readahead(cache, f, 0, 100, NULL);
	ck_assert_uint_eq(cached(f, &mark), 32);
	ck_assert_uint_eq(mark, 84 + 24);
	ck_assert(mm_xa_find(&f->inode->mapping.i_pages, &i, &v));
	ck_assert_uint_eq(i, 84);
	mm_do_sync_mmap_readahead(cache, f, MM_RA_RAND, 500, NULL);
	ck_assert_uint_eq(cached(f, &mark), 32);
	mm_truncate_pages(cache, &f->inode->mapping, 0);
}
END_TEST

START_TEST(write_and_drop)
{
	struct mm_file *f = file_of(0);

	ck_assert_int_eq(mm_filemap_write(cache, f, 100, 10000, NULL), 10000);
	ck_assert_uint_eq(f->inode->size, 10100);
	ck_assert_int_eq(counter(MM_NR_DIRTY), 3);
	ck_assert_uint_eq(mm_drop_pagecache(cache), 0);		/* dirty pages stay */
	ck_assert_uint_eq(mm_filemap_writeback(cache, &f->inode->mapping, 0, UINT64_MAX), 3);
	ck_assert_int_eq(counter(MM_NR_DIRTY), 0);
	ck_assert_uint_eq(mm_drop_pagecache(cache), 3);
	ck_assert_uint_eq(f->inode->mapping.nrpages, 0);
	ck_assert_int_lt(mm_filemap_write(cache, f, UINT64_MAX - 5, 10, NULL), 0);
}
END_TEST

/* Writes, writeback and truncation of ranges against an array: which pages are dirty. */
START_TEST(dirty_ranges)
{
	enum { PAGES = 600 };
	struct mm_file *f = file_of(PAGES);
	bool dirty[PAGES] = { false };
	unsigned int seed = (unsigned int)_i + 1;

	for (int step = 0; step < 2000; step++) {
		uint64_t first = (uint64_t)rand_r(&seed) % PAGES, last, nr = 0;
		uint64_t n = 1 + (uint64_t)rand_r(&seed) % (rand_r(&seed) % 4 ? 8 : PAGES);

		last = first + n - 1 < PAGES ? first + n - 1 : PAGES - 1;
		if (rand_r(&seed) % 3) {
			uint64_t bytes = (last - first + 1) << 12;

			ck_assert_int_eq(mm_filemap_write(cache, f, first << 12, bytes, NULL), (int64_t)bytes);
			for (uint64_t i = first; i <= last; i++)
				dirty[i] = true;
		} else {
			bool drop = rand_r(&seed) % 8 == 0;

			for (uint64_t i = first; i <= last; i++) {
				nr += dirty[i];
				dirty[i] = false;
			}
			if (drop)
				mm_truncate_range(cache, &f->inode->mapping, first, last);
			else
				ck_assert_uint_eq(mm_filemap_writeback(cache, &f->inode->mapping, first, last), nr);
		}
		nr = 0;
		for (uint64_t i = 0; i < PAGES; i++)
			nr += dirty[i];
		ck_assert_int_eq(counter(MM_NR_DIRTY), (int64_t)nr);
		ck_assert(mm_cache_is_consistent(cache));
	}
	mm_truncate_pages(cache, &f->inode->mapping, 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("swap");
	TCase *tc = tcase_create("slots"), *ra = tcase_create("read-ahead");
	SRunner *sr = srunner_create(s);
	int failed;

	suite_add_tcase(s, tc);
	suite_add_tcase(s, ra);
	tcase_add_checked_fixture(tc, setup, small_cache_free);
	tcase_add_checked_fixture(ra, setup, small_cache_free);
	tcase_add_test(tc, clusters_in_order);
	tcase_add_test(tc, nodes_are_objects);
	tcase_add_test(tc, out_and_in);
	tcase_add_loop_test(tc, writes_take_time, 0, 2);
	tcase_add_test(tc, a_full_plug_goes);
	tcase_add_loop_test(tc, slots_add_up, 0, 4);
	tcase_add_loop_test(tc, vma_window, 0, sizeof(ra_cases) / sizeof(ra_cases[0]));
	tcase_add_test(ra, sequential_windows);
	tcase_add_test(ra, random_reads_what_is_asked);
	tcase_add_test(ra, read_around);
	tcase_add_test(ra, write_and_drop);
	tcase_add_loop_test(ra, dirty_ranges, 0, 3);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
