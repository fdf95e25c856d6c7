/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files in memory through swap: what was stored must read back after any order of swapping, holes, truncation and
 * copies, against one number a page. Beside it rules of mm/shmem.c worked out by hand.
 */
#include <errno.h>
#include <string.h>

#include "base/rng.h"
#include "cache/shmem.h"
#include "small_mm.h"

enum { PAGES = 96 };
#define COPY_BASE (BASE + (UINT64_C(1) << 32))

static struct small_mm s;
static struct mm_struct *mm;
static struct mm_file *file;
static struct mm_rng rng;
static uint64_t value[PAGES], copy[PAGES];	/* of the file; of a private mapping's own copies */
static bool copied[PAGES];
static uint64_t size_pages;

static void setup(void)
{
	memset(value, 0, sizeof(value));
	memset(copy, 0, sizeof(copy));
	memset(copied, 0, sizeof(copied));
	small_mm_start(&s, 32 << 20, 2 << 20);
	mm = small_mm_new(&s);
	file = mm_file_create(s.inodes, MM_STR("/memfd:t"), MM_INODE_MEMFD, PAGES * PAGE,
			      MM_FMODE_READ | MM_FMODE_WRITE);
	small_mm_map(mm, BASE, PAGES * PAGE, 3, MM_MAP_SHARED, file);
}

static void teardown(void)
{
	mm_truncate_range(s.cache, &file->inode->mapping, 0, UINT64_MAX);
	ck_assert(mm_cache_is_consistent(s.cache));
	mm_mmput(mm);
	mm_lru_add_drain_all(s.cache);
	ck_assert_int_eq(s.ctx.stat.v[MM_NR_SHMEM], 0);
	for (mm_swp_t e = 1; e <= mm_total_swap_pages(s.cache); e++)
		ck_assert_uint_eq(mm_swap_count(s.cache, e), 0);
	small_mm_end(&s);
}

/* What reclaim does with one page of the file; true when it went. */
static bool page_out(uint64_t index)
{
	struct mm_address_space *as = &file->inode->mapping;
	mm_pfn_t pfn = mm_filemap_get_folio(s.cache, as, index);
	struct mm_page *p;
	bool gone;

	mm_lru_add_drain_all(s.cache);
	if (pfn == MM_PFN_NONE || !mm_folio_isolate_lru(s.cache, pfn))
		return false;
	p = mm_page(s.phys, pfn);
	if (p->mapcount)
		mm_try_to_unmap(&s.virt, pfn, 0);
	if (!(p->flags & MM_PG_DIRTY))
		goto keep;
	p->flags &= ~(uint32_t)MM_PG_DIRTY;
	if (!mm_shmem_writepage(s.cache, pfn))
		goto keep;
	s.cache->swap_contents[mm_folio_swap(s.cache, pfn)] = s.cache->contents[pfn];
	gone = mm_rng_below(&rng, 4);
	if (gone) {
		mm_swap_io_finish(s.cache);
		mm_swap_cache_evict(s.cache, pfn, 0);
		mm_folio_put(s.cache, pfn);
		return true;
	}
keep:
	mm_folio_putback_lru(s.cache, pfn);
	return false;
}

static void touch(uint64_t base, uint64_t i, uint64_t *want, bool store)
{
	enum mm_access_result r = mm_access(s.fault, mm, base + i * PAGE, 1, store ? MM_TLB_W : MM_TLB_R);
	mm_pfn_t pfn;

	ck_assert_int_eq(r, i < size_pages ? MM_ACCESS_OK : MM_ACCESS_SIGBUS);
	if (r != MM_ACCESS_OK)
		return;
	pfn = small_mm_pfn(mm, base + i * PAGE);
	ck_assert_uint_eq(s.cache->contents[pfn], *want);
	if (store)
		s.cache->contents[pfn] = *want = *want * 31 + i + 1;
}

static void touch_copy(uint64_t i, bool store)
{
	if (!copied[i])
		copy[i] = value[i];
	touch(COPY_BASE, i, &copy[i], store);
	copied[i] |= store && i < size_pages;
}

static void hole(uint64_t first, uint64_t nr)
{
	ck_assert_int_eq(mm_sys_madvise(mm, BASE + first * PAGE, nr * PAGE, MM_MADV_REMOVE), 0);
	memset(value + first, 0, nr * sizeof(*value));
}

static void truncate_to(uint64_t pages)
{
	file->inode->size = pages * PAGE;
	if (pages < size_pages) {
		mm_unmap_mapping_pages(&s.virt, &file->inode->mapping, pages, 0, true);
		mm_truncate_pages(s.cache, &file->inode->mapping, pages * PAGE);
		for (uint64_t i = pages; i < PAGES; i++) {
			value[i] = 0;
			copied[i] = false;
		}
	}
	size_pages = pages;
}

static uint64_t swapped_by_hand(void)
{
	uint64_t n = 0;

	for (uint64_t i = 0; i < PAGES; i++)
		n += mm_xa_is_swap(mm_xa_load(&file->inode->mapping.i_pages, i));
	return n;
}

START_TEST(random_against_numbers)
{
	rng.state = (uint64_t)_i * 104729 + 1;
	size_pages = PAGES;
	memset(value, 0, sizeof(value));
	memset(copied, 0, sizeof(copied));
	small_mm_map(mm, COPY_BASE, PAGES * PAGE, 3, MM_MAP_PRIVATE, file);
	for (unsigned int n = 0; n < 20000; n++) {
		uint64_t i = mm_rng_below(&rng, PAGES), nr = 1 + mm_rng_below(&rng, PAGES - i);

		switch (mm_rng_below(&rng, 64)) {
		case 0: hole(i, nr < 8 ? nr : 8); break;
		case 1: truncate_to(i); break;
		case 2: case 3: truncate_to(PAGES); break;
		case 4: mm_sys_madvise(mm, BASE + i * PAGE, nr * PAGE, MM_MADV_WILLNEED); break;
		case 5: case 6: case 7: case 8: touch_copy(i, mm_rng_below(&rng, 8) == 0); break;
		default:
			if (mm_rng_below(&rng, 3))
				touch(BASE, i, &value[i], mm_rng_below(&rng, 2));
			else
				page_out(i);
		}
		if (n % 500 == 0) {
			ck_assert(mm_cache_is_consistent(s.cache));
			ck_assert_uint_eq(mm_shmem_swap_usage(&file->inode->mapping, 0, UINT64_MAX), swapped_by_hand());
		}
	}
	ck_assert_int_gt(s.ctx.stat.v[MM_PSWPOUT], 1000);	/* else nothing was tried */
}
END_TEST

/* eight dirty pages out; the first read of one is major and brings the window of eight slots, the others are minor */
START_TEST(window_of_slots)
{
	rng.state = 3;
	size_pages = PAGES;
	for (uint64_t i = 0; i < 32; i++)
		touch(BASE, i, &value[i], true);
	for (uint64_t i = 0; i < 32; i++)
		while (!page_out(i) && !mm_xa_is_swap(mm_xa_load(&file->inode->mapping.i_pages, i)))
			;
	mm_swap_io_finish(s.cache);
	ck_assert_uint_eq(file->inode->mapping.nr_swapped, 32);
	ck_assert_int_eq(mm->rss[MM_SHMEMPAGES], 0);
	ck_assert_int_eq(mm->rss[MM_SWAPENTS], 0);	/* the file holds the slots, not the tables */
	s.task = (struct mm_task_faults){ 0 };
	for (uint64_t i = 0; i < 32; i++)
		touch(BASE, i, &value[i], false);
	ck_assert_uint_eq(s.task.min_flt + s.task.maj_flt, 32);
	ck_assert_uint_ge(s.task.maj_flt, 32 / 8);
	ck_assert_uint_le(s.task.maj_flt, 32 / 8 + 2);	/* the window begins with less than eight */
	ck_assert_int_eq(s.ctx.stat.v[MM_PGMAJFAULT], (int64_t)s.task.maj_flt);
	ck_assert_uint_eq(file->inode->mapping.nr_swapped, 0);
}
END_TEST

/* read(2) of a hole makes no page, of a swapped page brings it back; write(2) makes pages and the file longer */
START_TEST(calls)
{
	rng.state = 5;
	ck_assert_int_eq(mm_filemap_read(s.cache, file, 0, 8 * PAGE, NULL), 8 * PAGE);
	ck_assert_uint_eq(file->inode->mapping.nrpages, 0);
	ck_assert_int_eq(mm_filemap_write(s.cache, file, PAGES * PAGE, 2 * PAGE + 1, NULL), 2 * PAGE + 1);
	ck_assert_uint_eq(file->inode->size, (PAGES + 2) * PAGE + 1);
	ck_assert_uint_eq(file->inode->mapping.nrpages, 3);
	while (!page_out(PAGES) && !mm_xa_is_swap(mm_xa_load(&file->inode->mapping.i_pages, PAGES)))
		;
	ck_assert_uint_eq(file->inode->mapping.nrpages, 2);
	ck_assert_int_eq(mm_filemap_read(s.cache, file, 0, UINT64_MAX, NULL), (PAGES + 2) * PAGE + 1);
	ck_assert_uint_eq(file->inode->mapping.nrpages, 3);
	ck_assert_uint_eq(file->inode->mapping.nr_swapped, 0);
}
END_TEST

/* MADV_REMOVE: not of locked or read-only mappings, nor of memory without a file; private copies stay */
START_TEST(remove_rules)
{
	size_pages = PAGES;
	small_mm_map(mm, COPY_BASE, PAGES * PAGE, 3, MM_MAP_PRIVATE, file);
	small_mm_map(mm, COPY_BASE + PAGES * PAGE, PAGE, 3, MM_MAP_PRIVATE, NULL);
	small_mm_map(mm, COPY_BASE + (PAGES + 1) * PAGE, PAGE, 1, MM_MAP_SHARED, file);
	memset(value, 0, sizeof(value));
	memset(copied, 0, sizeof(copied));
	touch(BASE, 1, &value[1], true);
	touch_copy(1, true);
	hole(0, 4);
	ck_assert_int_eq(mm->rss[MM_SHMEMPAGES], 0);
	ck_assert_int_eq(mm->rss[MM_ANONPAGES], 1);
	touch(BASE, 1, &value[1], false);
	touch_copy(1, false);
	ck_assert_int_eq(mm_sys_madvise(mm, COPY_BASE, PAGE, MM_MADV_REMOVE), -EACCES);
	ck_assert_int_eq(mm_sys_madvise(mm, COPY_BASE + PAGES * PAGE, PAGE, MM_MADV_REMOVE), -EINVAL);
	ck_assert_int_eq(mm_sys_madvise(mm, COPY_BASE + (PAGES + 1) * PAGE, PAGE, MM_MADV_REMOVE), -EACCES);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("shmem");
	TCase *tc = tcase_create("shmem");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, random_against_numbers, 0, 3);
	tcase_add_test(tc, window_of_slots);
	tcase_add_test(tc, calls);
	tcase_add_test(tc, remove_rules);
	suite_add_tcase(suite, tc);
	sr = srunner_create(suite);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
