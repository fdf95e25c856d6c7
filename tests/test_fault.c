/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory must read back what was written: address spaces that fork, unmap, move, swap, split and collapse at random,
 * against one number a page. A store turns a page's number into another that depends on the old one, so a copy that
 * was forgotten or made of the wrong page shows. Beside it rules of the kernel worked out by hand.
 */
#include <string.h>

#include "base/rng.h"
#include "fault/khugepaged.h"
#include "fault/ksm.h"
#include "phys/compaction.h"
#include "small_mm.h"

enum { PAGES = 2048, MAX_MMS = 4, SHARED_PAGES = 64, FILE_PAGES = 64 };
#define SHARED_BASE (BASE + (UINT64_C(1) << 32))
#define FILE_BASE (BASE + (UINT64_C(1) << 33))

/* What one address space should hold. */
struct model {
	struct mm_struct *mm;
	uint64_t value[PAGES], freed_value[PAGES];
	bool mapped[PAGES], writable[PAGES], freed[PAGES];	/* freed: MADV_FREE, may read as 0 */
	uint64_t file_value[FILE_PAGES];
};

static struct small_mm s;
static struct model *m[MAX_MMS];
static uint64_t shared_value[SHARED_PAGES], on_disk[FILE_PAGES];
static struct mm_file *file;
static struct mm_rng rng;

static uint64_t below(uint64_t n) { return mm_rng_below(&rng, n); }

/* Half of all pages come from a few, so that the same ones meet again. */
static uint64_t some_page(void) { return below(2) ? below(48) : below(PAGES); }

static void setup(void) { small_mm_start(&s, 96 << 20, 8 << 20); }

static void teardown(void)
{
	for (unsigned int i = 0; i < MAX_MMS; i++)
		if (m[i]) {
			mm_mmput(m[i]->mm);
			free(m[i]);
			m[i] = NULL;
		}
	mm_ksm_do_scan(s.fault, UINT64_MAX);	/* ksmd and khugepaged let go of those that ended */
	s.ctx.sysctl.v[MM_SYSCTL_THP] = MM_THP_ALWAYS;
	mm_khugepaged_do_scan(s.fault, UINT64_MAX);
	ck_assert(s.virt.khugepaged->head.next == &s.virt.khugepaged->head);
	ck_assert(!s.virt.ksm || !s.virt.ksm->rmap_items);
	mm_lru_add_drain_all(s.cache);
	ck_assert_uint_eq(s.virt.pgtables->nr_tables, 0);
	ck_assert_int_eq(s.ctx.stat.v[MM_NR_ANON_PAGES], 0);
	ck_assert_int_eq(s.ctx.stat.v[MM_NR_ANON_TRANSPARENT_HUGEPAGES], 0);
	ck_assert_int_eq(s.ctx.stat.v[MM_NR_MAPPED], 0);
	small_mm_end(&s);
}

static uint64_t contents(struct mm_struct *mm, uint64_t vaddr)
{
	mm_pfn_t pfn = small_mm_pfn(mm, vaddr);

	ck_assert_uint_ne(pfn, MM_PFN_NONE);
	return s.cache->contents[pfn];
}

static uint64_t stored(uint64_t old, uint64_t v) { return old * 6364136223846793005u + v; }

static void check_load(struct model *x, uint64_t p)
{
	enum mm_access_result r = mm_access(s.fault, x->mm, BASE + p * PAGE + below(PAGE), 1, MM_TLB_R);
	uint64_t got;

	ck_assert_int_eq(r, x->mapped[p] ? MM_ACCESS_OK : MM_ACCESS_SEGV);
	if (!x->mapped[p])
		return;
	got = contents(x->mm, BASE + p * PAGE);
	if (x->freed[p] && got == 0)
		x->value[p] = 0;
	ck_assert_msg(got == x->value[p], "page %lu: expected %lx, got %lx", (unsigned long)p,
		      (unsigned long)x->value[p],
		      (unsigned long)got);
}

static void op_store(struct model *x)
{
	uint64_t p = some_page(), v = mm_rng_u64(&rng) | 1;
	enum mm_access_result r;

	if (x->freed[p])
		check_load(x, p);	/* what is left of it */
	r = mm_access(s.fault, x->mm, BASE + p * PAGE, 8, MM_TLB_W);
	ck_assert_int_eq(r, x->mapped[p] && x->writable[p] ? MM_ACCESS_OK : MM_ACCESS_SEGV);
	if (r != MM_ACCESS_OK)
		return;
	ck_assert_msg(contents(x->mm, BASE + p * PAGE) == x->value[p], "page %lu before the store", (unsigned long)p);
	x->value[p] = below(3) ? stored(x->value[p], v) : below(4);	/* pages of a few contents, to be merged */
	x->freed[p] = false;
	s.cache->contents[small_mm_pfn(x->mm, BASE + p * PAGE)] = x->value[p];
}

static void op_shared(struct model *x)
{
	uint64_t p = below(SHARED_PAGES), at = SHARED_BASE + p * PAGE;
	bool store = below(2);

	ck_assert_int_eq(mm_access(s.fault, x->mm, at, 1, store ? MM_TLB_W : MM_TLB_R), MM_ACCESS_OK);
	ck_assert_uint_eq(contents(x->mm, at), shared_value[p]);
	if (store) {
		shared_value[p] = stored(shared_value[p], p);
		s.cache->contents[small_mm_pfn(x->mm, at)] = shared_value[p];
	}
}

static void op_file(struct model *x)
{
	uint64_t p = below(FILE_PAGES), at = FILE_BASE + p * PAGE;
	mm_pfn_t pfn;

	ck_assert_int_eq(mm_access(s.fault, x->mm, at, 1, MM_TLB_R), MM_ACCESS_OK);
	pfn = small_mm_pfn(x->mm, at);
	if (!(mm_page(s.phys, pfn)->flags & MM_PG_ANON)) {
		ck_assert_uint_eq(mm_page(s.phys, pfn)->index, p);
		s.cache->contents[pfn] = on_disk[p];
	}
	ck_assert_uint_eq(contents(x->mm, at), x->file_value[p]);
	if (below(2))
		return;
	ck_assert_int_eq(mm_access(s.fault, x->mm, at, 1, MM_TLB_W), MM_ACCESS_OK);
	ck_assert(mm_page(s.phys, small_mm_pfn(x->mm, at))->flags & MM_PG_ANON);
	ck_assert_uint_eq(contents(x->mm, at), x->file_value[p]);
	x->file_value[p] = stored(x->file_value[p], p);
	s.cache->contents[small_mm_pfn(x->mm, at)] = x->file_value[p];
}

static void some_range(uint64_t *first, uint64_t *nr)
{
	*first = some_page();
	*nr = 1 + below(below(4) ? 16 : 600);
	if (*first + *nr > PAGES)
		*nr = PAGES - *first;
}

static void op_unmap(struct model *x)
{
	uint64_t first, nr;

	some_range(&first, &nr);
	ck_assert_int_eq(mm_sys_munmap(x->mm, BASE + first * PAGE, nr * PAGE), 0);
	for (uint64_t p = first; p < first + nr; p++)
		x->mapped[p] = false;
}

static void op_map(struct model *x)
{
	uint64_t first, nr;

	some_range(&first, &nr);
	small_mm_map(x->mm, BASE + first * PAGE, nr * PAGE, 3, MM_MAP_PRIVATE, NULL);
	for (uint64_t p = first; p < first + nr; p++) {
		x->mapped[p] = x->writable[p] = true;
		x->freed[p] = false;
		x->value[p] = 0;
	}
	if (!below(3))
		mm_sys_madvise(x->mm, BASE + first * PAGE, nr * PAGE, MM_MADV_HUGEPAGE);
}

static void op_protect(struct model *x)
{
	uint64_t first, nr;
	bool write = below(3);

	some_range(&first, &nr);
	for (uint64_t p = first; p < first + nr; p++)
		if (!x->mapped[p])
			return;
	ck_assert_int_eq(mm_sys_mprotect(x->mm, BASE + first * PAGE, nr * PAGE, write ? 3 : 1), 0);
	for (uint64_t p = first; p < first + nr; p++)
		x->writable[p] = write;
}

static void op_advise(struct model *x)
{
	static const int advice[] = { MM_MADV_DONTNEED, MM_MADV_FREE, MM_MADV_COLD, MM_MADV_COLLAPSE,
		MM_MADV_NOHUGEPAGE, MM_MADV_HUGEPAGE,
				      MM_MADV_POPULATE_READ };
	int a = advice[below(sizeof(advice) / sizeof(advice[0]))];
	uint64_t first, nr;

	some_range(&first, &nr);
	if (a == MM_MADV_COLLAPSE) {
		first = below(PAGES / 512) * 512;
		nr = 512;
	}
	for (uint64_t p = first; p < first + nr; p++)
		if (!x->mapped[p])
			return;
	mm_sys_madvise(x->mm, BASE + first * PAGE, nr * PAGE, a);
	for (uint64_t p = first; p < first + nr; p++) {
		if (a == MM_MADV_DONTNEED)
			x->value[p] = 0;
		x->freed[p] |= a == MM_MADV_FREE;
	}
}

static void op_move(struct model *x)
{
	uint64_t from, to, nr, at;

	some_range(&from, &nr);
	to = below(PAGES - nr + 1);
	if (!below(3)) {	/* whole tables */
		nr = 512;
		from = below(PAGES / 512) * 512;
		to = below(PAGES / 512) * 512;
	}
	if ((from < to ? to - from : from - to) < nr)
		return;
	for (uint64_t p = from; p < from + nr; p++)
		if (!x->mapped[p] || mm_find_vma(x->mm, BASE + p * PAGE) != mm_find_vma(x->mm, BASE + from * PAGE))
			return;
	ck_assert_int_eq(mm_sys_mremap(x->mm, &(struct mm_mremap_args){ .addr = BASE + from * PAGE,
		.old_len = nr * PAGE,
			 .new_len = nr * PAGE, .flags = MM_MREMAP_MAYMOVE | MM_MREMAP_FIXED, .new_addr = BASE + to * PAGE }, &at), 0);
	for (uint64_t i = 0; i < nr; i++) {
		x->value[to + i] = x->value[from + i];
		x->writable[to + i] = x->writable[from + i];
		x->freed[to + i] = x->freed[from + i];
		x->mapped[to + i] = true;
		x->mapped[from + i] = false;
	}
}

static void op_fork(unsigned int i)
{
	unsigned int j = (unsigned int)below(MAX_MMS);

	if (j == i)
		return;
	if (m[j])
		mm_mmput(m[j]->mm);
	else
		m[j] = malloc(sizeof(*m[j]));
	memcpy(m[j], m[i], sizeof(*m[j]));
	ck_assert_int_eq(mm_dup_mm(&m[j]->mm, m[i]->mm), 0);
}

/* What reclaim does to one page: a slot, unmap, write when dirty, away when nobody else holds it. */
static void page_out(mm_pfn_t pfn)
{
	struct mm_page *p = mm_page(s.phys, pfn);

	mm_lru_add_drain_all(s.cache);
	if (!(p->flags & MM_PG_ANON) || !mm_folio_isolate_lru(s.cache, pfn))
		return;
	if (p->flags & MM_PG_SWAPBACKED && !(p->flags & MM_PG_SWAPCACHE) && !mm_add_to_swap(s.cache, pfn)) {
		mm_folio_putback_lru(s.cache, pfn);
		return;
	}
	if (mm_try_to_unmap(&s.virt, pfn, 0) && p->flags & MM_PG_SWAPCACHE) {
		mm_swp_t entry = mm_folio_swap(s.cache, pfn);

		if (p->flags & MM_PG_DIRTY)
			s.cache->swap_contents[entry] = s.cache->contents[pfn];
		else
			ck_assert_msg(s.cache->swap_contents[entry] == s.cache->contents[pfn],
				      "a clean page differs from its slot");
		p->flags &= ~(uint32_t)MM_PG_DIRTY;
		if (mm_page_ref_count(p) == 2 && below(2))
			mm_swap_cache_evict(s.cache, pfn, 0);
	}
	if (mm_page_ref_count(p) == 1)
		mm_folio_put(s.cache, pfn);
	else
		mm_folio_putback_lru(s.cache, pfn);
}

static void op_swap(struct model *x)
{
	uint64_t p = some_page();
	mm_pfn_t pfn = small_mm_pfn(x->mm, BASE + p * PAGE), head;

	if (pfn == MM_PFN_NONE || mm_pte_special(small_mm_pte(x->mm, BASE + p * PAGE)) ||
	    mm_is_huge_zero_pmd(&s.virt, *mm_pmd_offset(x->mm, BASE + p * PAGE)))
		return;
	head = mm_page_head(s.phys, pfn);
	if (mm_folio_is_large(s.phys, head)) {
		mm_lru_add_drain_all(s.cache);
		mm_folio_get(s.cache, head);
		ck_assert_int_eq(mm_split_folio(&s.virt, head), 0);
		mm_folio_put(s.cache, head);
	}
	for (uint64_t i = 0; i < 8 && p + i < PAGES; i++) {
		mm_pte_t pte = small_mm_pte(x->mm, BASE + (p + i) * PAGE);

		if (!mm_pte_none(pte) && mm_pte_present(pte) && !mm_pte_special(pte) &&
		    !(mm_page(s.phys, mm_pte_pfn(pte))->flags & (MM_PG_HEAD | MM_PG_TAIL)))
			page_out(mm_pte_pfn(pte));
	}
}

/* Every page that can be moved goes to the other end of its zone. */
static void op_compact(void)
{
	uint64_t free_pages;

	mm_lru_add_drain_all(s.cache);
	mm_drain_all_pages(s.phys);
	free_pages = mm_nr_free_pages(s.phys);
	for (uint32_t i = 0; i < s.phys->nr_zones; i++) {
		struct mm_compact_control cc = {
			.zone = s.phys->zone_table[i], .order = -1, .mode = below(2) ? MM_MIGRATE_SYNC : MM_MIGRATE_ASYNC,
			.ignore_skip_hint = true, .whole_zone = true, .gfp_mask = MM_GFP_KERNEL,
		};

		mm_compact_zone(&cc);
	}
	mm_lru_add_drain_all(s.cache);
	mm_drain_all_pages(s.phys);
	ck_assert_uint_eq(mm_nr_free_pages(s.phys), free_pages);
	ck_assert_int_eq(s.ctx.stat.v[MM_NR_ISOLATED_ANON] + s.ctx.stat.v[MM_NR_ISOLATED_FILE], 0);
}

/* Which pages may be merged changes, ksmd runs for a while, or all merging is undone. */
static void op_merge(struct model *x)
{
	uint64_t first, nr;

	some_range(&first, &nr);
	switch (below(8)) {
	case 0: case 1:
		mm_sys_madvise(x->mm, BASE + first * PAGE, nr * PAGE, MM_MADV_MERGEABLE);
		return;
	case 2:
		mm_sys_madvise(x->mm, BASE + first * PAGE, nr * PAGE, MM_MADV_UNMERGEABLE);
		return;
	case 3:
		s.ctx.sysctl.v[MM_SYSCTL_KSM_USE_ZERO_PAGES] = (int64_t)below(2);
		s.ctx.sysctl.v[MM_SYSCTL_KSM_RUN] = below(8) ? MM_KSM_RUN_MERGE : MM_KSM_RUN_UNMERGE;
		s.ctx.sysctl.v[MM_SYSCTL_KSM_MAX_PAGE_SHARING] = (int64_t)(2 + below(8));
		mm_ksm_sysctl_changed(s.fault, &s.ctx.sysctl);
		return;
	case 4:
		s.ctx.sysctl.v[MM_SYSCTL_KHUGEPAGED_MAX_NONE] = (int64_t)below(512);
		mm_khugepaged_do_scan(s.fault, 1 + below(4000));
		return;
	default:
		mm_ksm_do_scan(s.fault, 1 + below(4000));
		ck_assert(!s.virt.ksm || mm_ksm_is_consistent(s.virt.ksm));
	}
}

static void one_op(void)
{
	unsigned int i = (unsigned int)below(MAX_MMS);
	struct model *x = m[i];

	if (!x)
		return;
	if (!below(100))
		op_compact();
	switch (below(26)) {
	case 24: case 25: op_merge(x); break;
	case 0: op_unmap(x); break;
	case 1: case 2: op_map(x); break;
	case 3: op_protect(x); break;
	case 4: op_advise(x); break;
	case 5: op_move(x); break;
	case 6: op_fork(i); break;
	case 7: case 8: case 9: op_swap(x); break;
	case 10: op_shared(x); break;
	case 11: op_file(x); break;
	case 12: case 13: case 14: case 15: check_load(x, some_page()); break;
	default: op_store(x); break;
	}
}

static void check_all(void)
{
	const char *what;

	for (unsigned int i = 0; i < MAX_MMS; i++) {
		if (!m[i])
			continue;
		ck_assert(mm_pgtables_are_consistent(m[i]->mm));
		ck_assert_msg(mm_mm_is_consistent(m[i]->mm, &what), "%s", what);
		for (uint64_t p = 0; p < PAGES; p++)
			if (m[i]->mapped[p])
				check_load(m[i], p);
	}
	ck_assert(mm_tlb_is_consistent(s.virt.tlb));
	ck_assert(mm_cache_is_consistent(s.cache));
}

START_TEST(random_against_numbers)
{
	rng.state = (uint64_t)_i * 7919 + 1;
	m[0] = calloc(1, sizeof(*m[0]));
	m[0]->mm = small_mm_new(&s);
	memset(shared_value, 0, sizeof(shared_value));
	file = mm_file_create(s.inodes, MM_STR("/f"), MM_INODE_REG, FILE_PAGES * PAGE, MM_FMODE_READ | MM_FMODE_WRITE);
	for (uint64_t i = 0; i < FILE_PAGES; i++)
		on_disk[i] = m[0]->file_value[i] = mm_rng_u64(&rng);
	small_mm_map(m[0]->mm, SHARED_BASE, SHARED_PAGES * PAGE, 3, MM_MAP_SHARED, NULL);
	small_mm_map(m[0]->mm, FILE_BASE, FILE_PAGES * PAGE, 3, MM_MAP_PRIVATE, file);
	for (unsigned int n = 0; n < 20000; n++) {
		one_op();
		if (n % 2000 == 1999)
			check_all();
	}
}
END_TEST

/* ---- rules by hand ---------------------------------------------------------------------- */

static struct mm_struct *one_mm(void)
{
	m[0] = calloc(1, sizeof(*m[0]));
	return m[0]->mm = small_mm_new(&s);
}

static enum mm_access_result at(struct mm_struct *mm, uint64_t page, unsigned int kind)
{
	return mm_access(s.fault, mm, BASE + page * PAGE, 1, kind);
}

/* read of a cold file: RETRY under the VMA's lock, RETRY for the I/O, TRIED: one major, and 16 pages are mapped */
START_TEST(cold_file_read)
{
	struct mm_struct *mm = one_mm();

	file = mm_file_create(s.inodes, MM_STR("/f"), MM_INODE_REG, 1 << 20, MM_FMODE_READ | MM_FMODE_WRITE);
	small_mm_map(mm, BASE, 1 << 20, 1, MM_MAP_PRIVATE, file);
	ck_assert_int_eq(at(mm, 0, MM_TLB_R), MM_ACCESS_OK);
	ck_assert_uint_eq(s.task.maj_flt, 1);
	ck_assert_uint_eq(s.task.min_flt, 0);
	ck_assert_int_eq(s.ctx.stat.v[MM_PGMAJFAULT], 1);
	ck_assert_int_eq(s.ctx.stat.v[MM_PGFAULT], 1);
	ck_assert_int_eq(s.ctx.stat.v[MM_VMA_LOCK_RETRY], 1);
	ck_assert_int_eq(mm->rss[MM_FILEPAGES], 16);
	at(mm, 16, MM_TLB_R);		/* the next 16, without page 24, which carries the mark */
	ck_assert_int_eq(mm->rss[MM_FILEPAGES], 31);
	ck_assert_uint_eq(s.task.min_flt, 1);
	at(mm, 24, MM_TLB_R);		/* reading on: retried, so major, but nothing was waited for */
	ck_assert_uint_eq(s.task.maj_flt, 2);
	ck_assert_int_eq(s.ctx.stat.v[MM_PGMAJFAULT], 1);
	ck_assert_int_eq(at(mm, 256, MM_TLB_R), MM_ACCESS_SEGV);
}
END_TEST

/* MADV_HUGEPAGE on a file: a miss reads the 2M around it and the next 2M, with MADV_RANDOM one; the disk's limit is no matter */
START_TEST(huge_file_readahead)
{
	struct mm_struct *mm = one_mm();

	file = mm_file_create(s.inodes, MM_STR("/f"), MM_INODE_REG, 8 << 20, MM_FMODE_READ | MM_FMODE_WRITE);
	small_mm_map(mm, BASE, 8 << 20, 1, MM_MAP_PRIVATE, file);
	ck_assert_int_eq(mm_sys_madvise(mm, BASE, 8 << 20, MM_MADV_HUGEPAGE), 0);
	at(mm, 600, MM_TLB_R);
	ck_assert_uint_eq(file->inode->mapping.nrpages, 1024);
	ck_assert_uint_eq(mm_filemap_get_folio(s.cache, &file->inode->mapping, 511), MM_PFN_NONE);
	ck_assert_uint_ne(mm_filemap_get_folio(s.cache, &file->inode->mapping, 512), MM_PFN_NONE);
	ck_assert_int_eq(mm_sys_madvise(mm, BASE, 8 << 20, MM_MADV_RANDOM), 0);
	at(mm, 3, MM_TLB_R);
	ck_assert_uint_eq(file->inode->mapping.nrpages, 1024 + 512);
}
END_TEST

/* a shared page is read-only until its first write; writeback makes it so again */
START_TEST(shared_file_is_noticed)
{
	struct mm_struct *mm = one_mm();

	file = mm_file_create(s.inodes, MM_STR("/f"), MM_INODE_REG, 64 * PAGE, MM_FMODE_READ | MM_FMODE_WRITE);
	small_mm_map(mm, BASE, 64 * PAGE, 3, MM_MAP_SHARED, file);
	at(mm, 3, MM_TLB_R);
	ck_assert(!mm_pte_write(small_mm_pte(mm, BASE + 3 * PAGE)));
	at(mm, 3, MM_TLB_W);
	ck_assert(mm_pte_write(small_mm_pte(mm, BASE + 3 * PAGE)));
	ck_assert_int_eq(s.ctx.stat.v[MM_NR_DIRTY], 1);
	ck_assert_uint_eq(mm_filemap_writeback(s.cache, &file->inode->mapping, 0, UINT64_MAX), 1);
	ck_assert(!mm_pte_write(small_mm_pte(mm, BASE + 3 * PAGE)) && !mm_pte_dirty(small_mm_pte(mm, BASE + 3 * PAGE)));
	at(mm, 3, MM_TLB_W);
	ck_assert_int_eq(s.ctx.stat.v[MM_NR_DIRTY], 1);
	ck_assert_uint_eq(s.task.kind[MM_FAULT_KIND_MKWRITE], 2);
	ck_assert_int_eq(mm->rss[MM_ANONPAGES], 0);
}
END_TEST

/* an access that crosses pages touches both; one across the end of memory or the canonical hole is SIGSEGV */
START_TEST(crossing)
{
	struct mm_struct *mm = one_mm();

	small_mm_map(mm, BASE, 2 * PAGE, 3, MM_MAP_PRIVATE, NULL);
	ck_assert_int_eq(mm_access(s.fault, mm, BASE + PAGE - 4, 8, MM_TLB_W), MM_ACCESS_OK);
	ck_assert_uint_eq(s.task.min_flt, 2);
	ck_assert_int_eq(mm_access(s.fault, mm, BASE + 2 * PAGE - 4, 8, MM_TLB_W), MM_ACCESS_SEGV);
	ck_assert_int_eq(mm_access(s.fault, mm, UINT64_C(0x7fffffffefff), 2, MM_TLB_R), MM_ACCESS_SEGV);
	ck_assert_int_eq(mm_access(s.fault, mm, UINT64_C(1) << 47, 1, MM_TLB_R), MM_ACCESS_SEGV);
	ck_assert_int_eq(mm_access(s.fault, mm, UINT64_MAX, 16, MM_TLB_R), MM_ACCESS_SEGV);
	ck_assert_int_eq(mm_access(s.fault, mm, UINT64_C(0xffffffffff600000), 1, MM_TLB_X), MM_ACCESS_SEGV);
	for (unsigned int bit = 47; bit < 64; bit++)	/* what the TLB has of BASE serves no other address */
		ck_assert_int_eq(mm_access(s.fault, mm, BASE | UINT64_C(1) << bit, 1, MM_TLB_R), MM_ACCESS_SEGV);
	ck_assert_int_eq(mm_access(s.fault, mm, BASE, 0, MM_TLB_R), MM_ACCESS_OK);
	ck_assert_int_eq(mm_access(s.fault, mm, BASE, UINT64_C(1) << 30, MM_TLB_R), MM_ACCESS_SEGV);
}
END_TEST

/* shared memory: no zero page, pages stay when one mapping goes, the child sees what the parent writes */
START_TEST(shared_memory)
{
	struct mm_struct *mm = one_mm(), *child;

	small_mm_map(mm, BASE, 8 * PAGE, 3, MM_MAP_SHARED, NULL);
	at(mm, 0, MM_TLB_R);
	ck_assert_int_eq(mm->rss[MM_SHMEMPAGES], 1);
	ck_assert_int_eq(s.ctx.stat.v[MM_NR_SHMEM], 1);
	ck_assert_int_eq(mm_dup_mm(&child, mm), 0);
	ck_assert_int_eq(child->rss[MM_SHMEMPAGES], 0);	/* nothing is copied: the child faults it in */
	ck_assert_int_eq(mm_access(s.fault, child, BASE, 1, MM_TLB_W), MM_ACCESS_OK);
	ck_assert_uint_eq(small_mm_pfn(child, BASE), small_mm_pfn(mm, BASE));
	mm_mmput(child);
}
END_TEST

int main(void)
{
	Suite *su = suite_create("fault");
	TCase *tc = tcase_create("fault");
	SRunner *sr = srunner_create(su);
	int failed;

	suite_add_tcase(su, tc);
	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, random_against_numbers, 0, 6);
	tcase_add_test(tc, cold_file_read);
	tcase_add_test(tc, huge_file_readahead);
	tcase_add_test(tc, shared_file_is_noticed);
	tcase_add_test(tc, crossing);
	tcase_add_test(tc, shared_memory);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
