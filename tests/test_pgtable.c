/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Page tables: entries and walks worked out by hand, tables counted as they come and go, fork, protection, moves */
#include <string.h>

#include "small_mm.h"

static struct small_mm s;
static struct mm_struct *mm;

static void setup(void)
{
	small_mm_start(&s, 64 << 20, 1 << 20);
	mm = small_mm_new(&s);
}

static void teardown(void)
{
	const char *what;

	if (mm) {
		ck_assert(mm_pgtables_are_consistent(mm));
		ck_assert_msg(mm_mm_is_consistent(mm, &what), "%s", what);
	}
	mm_mmput(mm);
	mm_lru_add_drain_all(s.cache);
	ck_assert_uint_eq(s.virt.pgtables->nr_tables, 0);
	ck_assert_int_eq(s.ctx.stat.v[MM_NR_PAGE_TABLE_PAGES], 0);
	ck_assert_int_eq(s.ctx.stat.v[MM_NR_ANON_PAGES], 0);
	small_mm_end(&s);
}

static void map(uint64_t page, uint64_t nr)
{
	small_mm_map(mm, BASE + page * PAGE, nr * PAGE, 3, MM_MAP_PRIVATE, NULL);
}
static enum mm_access_result touch(uint64_t page, unsigned int kind)
{
	return mm_access(s.fault, mm, BASE + page * PAGE, 1, kind);
}

/* The bits of an entry and of a swap entry where x86 has them (swap offset inverted from bit 9, type from bit 59). */
START_TEST(entries_by_hand)
{
	ck_assert_uint_eq(mm_mk_pte(0x12345, MM_PTE_P | MM_PTE_RW | MM_PTE_US | MM_PTE_A | MM_PTE_NX),
			  0x8000000012345027);
	ck_assert_uint_eq(mm_pte_pfn(0x8000000012345027), 0x12345);
	ck_assert_uint_eq(mm_swp_pte(0, 1), 0x07fffffffffffc00);
	ck_assert_uint_eq(mm_swp_pte(1, 0), 0x0ffffffffffffe00);
	for (uint64_t off = 1; off < UINT64_C(1) << 40; off = off * 3 + 1) {
		mm_pte_t p = mm_swp_pte(3, off) | MM_SWP_EXCLUSIVE | MM_SWP_SOFT_DIRTY;

		ck_assert(mm_is_swap_pte(p));
		ck_assert_uint_eq(mm_swp_type(p), 3);
		ck_assert_uint_eq(mm_swp_offset(p), off);
	}
	/* PROT_NONE: present to the kernel, not to the processor; its PFN bits are inverted */
	ck_assert_uint_eq(mm_mk_pte(0x12345, mm_vm_get_page_prot(0)),
			  (~UINT64_C(0x12345000) & MM_PTE_PFN_MASK) | 0x120);
	ck_assert_uint_eq(mm_pte_pfn(mm_mk_pte(0x12345, mm_vm_get_page_prot(0))), 0x12345);
	/* taking RW from a dirty entry hides D */
	ck_assert_uint_eq(mm_pte_wrprotect(MM_PTE_P | MM_PTE_RW | MM_PTE_D), MM_PTE_P | MM_PTE_SAVED_DIRTY);
	ck_assert_uint_eq(mm_pte_mkwrite(MM_PTE_P | MM_PTE_SAVED_DIRTY), MM_PTE_P | MM_PTE_RW | MM_PTE_D);
	/* mprotect: a PTE stays dirty, a 2M entry does not */
	ck_assert(mm_pte_dirty(mm_pte_modify(MM_PTE_P | MM_PTE_RW | MM_PTE_D, mm_vm_get_page_prot(MM_VM_READ))));
	ck_assert(!mm_pte_dirty(mm_pmd_modify(MM_PTE_P | MM_PTE_RW | MM_PTE_D | MM_PTE_PSE,
					      mm_vm_get_page_prot(MM_VM_READ))));
}
END_TEST

static const struct prot_case { uint64_t vm_flags, want; const char *why; } prot_cases[] = {
	{ 0, 0x120, "PROT_NONE: G stands for it, A" },
	{ MM_VM_READ, 0x8000000000000025, "P US A NX" },
	{ MM_VM_READ | MM_VM_EXEC, 0x25, "without NX" },
	{ MM_VM_READ | MM_VM_WRITE, 0x8000000000000025, "private: no RW, the first write copies" },
	{ MM_VM_WRITE, 0x8000000000000025, "x86 cannot forbid reads" },
	{ MM_VM_READ | MM_VM_WRITE | MM_VM_SHARED, 0x8000000000000027, "shared: RW" },
	{ MM_VM_READ | MM_VM_SHARED, 0x8000000000000025, "shared but not writable" },
};
START_TEST(page_prot)
{
	ck_assert_msg(mm_vm_get_page_prot(prot_cases[_i].vm_flags) == prot_cases[_i].want, "%s", prot_cases[_i].why);
}
END_TEST

/* 0x100000203123 = PGD 32, PUD 0, PMD 1, PTE 3, offset 0x123 */
START_TEST(walk_by_hand)
{
	struct mm_walk_record rec;

	map(512, 8);
	ck_assert_int_eq(touch(515, MM_TLB_W), MM_ACCESS_OK);
	mm_walk_explain(mm, BASE + 515 * PAGE + 0x123, &rec);
	ck_assert_uint_eq(rec.nr_levels, 4);
	ck_assert_uint_eq(rec.level[0].index, 32);
	ck_assert_uint_eq(rec.level[1].index, 0);
	ck_assert_uint_eq(rec.level[2].index, 1);
	ck_assert_uint_eq(rec.level[3].index, 3);
	ck_assert_uint_eq(rec.level[0].table, mm->pgd);
	ck_assert_uint_eq(rec.end, MM_WALK_MAPPED);
	ck_assert_uint_eq(rec.phys, ((uint64_t)rec.pfn << 12) + 0x123);
	/* P RW US A D SOFT_DIRTY NX */
	ck_assert_uint_eq(rec.level[3].entry & ~MM_PTE_PFN_MASK, 0x8000000000000867);
	mm_walk_explain(mm, BASE + 516 * PAGE, &rec);
	ck_assert_uint_eq(rec.end, MM_WALK_NOT_PRESENT);
	ck_assert_uint_eq(rec.nr_levels, 4);
	mm_walk_explain(mm, BASE + (UINT64_C(1) << 40), &rec);
	ck_assert_uint_eq(rec.nr_levels, 1);
	mm_walk_explain(mm, UINT64_C(1) << 47, &rec);
	ck_assert_uint_eq(rec.end, MM_WALK_NONCANONICAL);
}
END_TEST

/*
 * 0x30281c120b000 = PGD 3, P4D 5, PUD 7, PMD 9, PTE 11. The PGD and the P4D table are in nobody's pgtables_bytes: Linux 6.6
 * counts PUD tables and what is below (mm_inc_nr_puds()).
 */
START_TEST(five_levels)
{
	static const uint16_t index[] = { 3, 5, 7, 9, 11 };
	const uint64_t vaddr = UINT64_C(3) << 48 | UINT64_C(5) << 39 | UINT64_C(7) << 30 | 9 << 21 | 11 << 12;
	struct mm_walk_record rec;

	mm_mmput(mm);
	s.virt.la57 = true;
	mm = small_mm_new(&s);
	ck_assert_uint_eq(mm->task_size_max, 0xfffffffffff000);
	small_mm_map(mm, vaddr, PAGE, 3, MM_MAP_PRIVATE, NULL);
	ck_assert_int_eq(mm_access(s.fault, mm, vaddr, 1, MM_TLB_W), MM_ACCESS_OK);
	mm_walk_explain(mm, vaddr + 0x123, &rec);
	ck_assert_uint_eq(rec.nr_levels, 5);
	for (unsigned int i = 0; i < 5; i++) {
		ck_assert_uint_eq(rec.level[i].level, 5 - i);
		ck_assert_uint_eq(rec.level[i].index, index[i]);
	}
	ck_assert_uint_eq(rec.phys, ((uint64_t)rec.pfn << 12) + 0x123);
	ck_assert_uint_eq(mm->pgtables_bytes, 3 * PAGE);
	ck_assert_uint_eq(s.virt.pgtables->nr_tables, 5);
	ck_assert(mm_pgtables_are_consistent(mm));
	mm_walk_explain(mm, UINT64_C(1) << 47, &rec);
	ck_assert_uint_eq(rec.end, MM_WALK_NOT_PRESENT);
	mm_walk_explain(mm, UINT64_C(1) << 56, &rec);
	ck_assert_uint_eq(rec.end, MM_WALK_NONCANONICAL);
	for (unsigned int bit = 52; bit < 64; bit++)
		ck_assert_int_eq(mm_access(s.fault, mm, vaddr | UINT64_C(1) << bit, 1, MM_TLB_R), MM_ACCESS_SEGV);
	map(0, 1);			/* another P4D table */
	touch(0, MM_TLB_W);
	ck_assert_uint_eq(s.virt.pgtables->nr_tables, 9);
	ck_assert_uint_eq(mm->pgtables_bytes, 6 * PAGE);
	mm_sys_munmap(mm, vaddr, PAGE);
	ck_assert_uint_eq(s.virt.pgtables->nr_tables, 5);
	ck_assert_uint_eq(mm->pgtables_bytes, 3 * PAGE);
}
END_TEST

/* One page needs a PUD, a PMD and a PTE table; a page 2M on one PTE table more; all go with the last page near them. */
START_TEST(tables_come_and_go)
{
	map(0, 2048);
	touch(0, MM_TLB_W);
	ck_assert_uint_eq(mm->pgtables_bytes, 3 * PAGE);
	ck_assert_int_eq(s.ctx.stat.v[MM_NR_PAGE_TABLE_PAGES], 2);	/* the PUD table is not among them */
	touch(512, MM_TLB_W);
	touch(1024, MM_TLB_R);
	ck_assert_uint_eq(mm->pgtables_bytes, 5 * PAGE);
	mm_sys_munmap(mm, BASE + 512 * PAGE, 256 * PAGE);	/* half of what the second table covers */
	ck_assert_uint_eq(mm->pgtables_bytes, 5 * PAGE);
	mm_sys_munmap(mm, BASE + 768 * PAGE, 256 * PAGE);	/* the neighbours end at the table's borders */
	ck_assert_uint_eq(mm->pgtables_bytes, 4 * PAGE);
	mm_sys_munmap(mm, BASE, 2048 * PAGE);
	ck_assert_uint_eq(mm->pgtables_bytes, 0);
	ck_assert_int_eq(mm->rss[MM_ANONPAGES], 0);
}
END_TEST

START_TEST(fork_shares)
{
	struct mm_struct *child;
	mm_pfn_t pfn;

	map(0, 4);
	touch(0, MM_TLB_W);
	touch(1, MM_TLB_R);
	pfn = small_mm_pfn(mm, BASE);
	ck_assert_int_eq(mm_dup_mm(&child, mm), 0);
	ck_assert_uint_eq(small_mm_pfn(child, BASE), pfn);
	ck_assert_int_eq(mm_page(s.phys, pfn)->mapcount, 2);
	ck_assert(!(mm_page(s.phys, pfn)->flags & MM_PG_ANON_EXCLUSIVE));
	ck_assert(!mm_pte_write(small_mm_pte(mm, BASE)) && mm_pte_young(small_mm_pte(mm, BASE)));
	ck_assert(!mm_pte_young(small_mm_pte(child, BASE)) && mm_pte_dirty(small_mm_pte(child, BASE)));
	ck_assert(mm_pte_special(small_mm_pte(child, BASE + PAGE)));
	ck_assert(mm_pgtables_are_consistent(child));
	touch(0, MM_TLB_W);			/* copied: the child keeps the page */
	ck_assert_uint_ne(small_mm_pfn(mm, BASE), pfn);
	ck_assert_int_eq(mm_access(s.fault, child, BASE, 1, MM_TLB_W), MM_ACCESS_OK);
	ck_assert_uint_eq(small_mm_pfn(child, BASE), pfn);	/* alone now: reused */
	ck_assert_uint_eq(s.ctx.stat.v[MM_PGREUSE], 1);
	mm_mmput(child);
}
END_TEST

START_TEST(protection)
{
	mm_pfn_t pfn;

	map(0, 4);
	touch(0, MM_TLB_W);
	pfn = small_mm_pfn(mm, BASE);
	ck_assert_int_eq(mm_sys_mprotect(mm, BASE, 4 * PAGE, 1), 0);
	ck_assert_int_eq(touch(0, MM_TLB_W), MM_ACCESS_SEGV);
	ck_assert_int_eq(touch(0, MM_TLB_R), MM_ACCESS_OK);
	ck_assert_int_eq(mm_sys_mprotect(mm, BASE, 4 * PAGE, 0), 0);
	ck_assert_int_eq(touch(0, MM_TLB_R), MM_ACCESS_SEGV);
	ck_assert_uint_eq(mm_pte_pfn(small_mm_pte(mm, BASE)), pfn);
	ck_assert_int_eq(mm_sys_mprotect(mm, BASE, 4 * PAGE, 3), 0);
	ck_assert(mm_pte_write(small_mm_pte(mm, BASE)));	/* exclusive: writable without a fault */
	ck_assert_int_eq(touch(0, MM_TLB_X), MM_ACCESS_SEGV);
	ck_assert_uint_eq(s.task.min_flt, 1);
	ck_assert_uint_eq(s.task.segv, 3);
}
END_TEST

static const struct move_case { uint64_t from, to, nr; uint64_t tables; const char *why; } move_cases[] = {
	{ 0, 4096, 1024, 2, "2M aligned alike: whole tables move" },
	{ 0, 4097, 1024, 3, "off by a page: entry by entry, into three tables" },
	{ 5, 4096 + 5, 3, 1, "a few pages" },
};
START_TEST(moves)
{
	const struct move_case *c = &move_cases[_i];
	uint64_t at;
	mm_pfn_t first, last;

	map(c->from, c->nr);
	touch(c->from, MM_TLB_W);
	touch(c->from + c->nr - 1, MM_TLB_W);
	first = small_mm_pfn(mm, BASE + c->from * PAGE);
	last = small_mm_pfn(mm, BASE + (c->from + c->nr - 1) * PAGE);
	ck_assert_int_eq(mm_sys_mremap(mm, &(struct mm_mremap_args){ .addr = BASE + c->from * PAGE,
		.old_len = c->nr * PAGE,
			 .new_len = c->nr * PAGE, .flags = MM_MREMAP_MAYMOVE | MM_MREMAP_FIXED, .new_addr = BASE + c->to * PAGE }, &at), 0);
	ck_assert_uint_eq(small_mm_pfn(mm, BASE + c->to * PAGE), first);
	ck_assert_uint_eq(small_mm_pfn(mm, BASE + (c->to + c->nr - 1) * PAGE), last);
	ck_assert_uint_eq(small_mm_pfn(mm, BASE + c->from * PAGE), MM_PFN_NONE);
	/* PTE tables in use at the new place, its PMD table, and the PUD table that all share */
	ck_assert_msg(mm->pgtables_bytes == (c->tables + 2) * PAGE, "%s: %lu tables", c->why,
		      (unsigned long)mm->pgtables_bytes / PAGE);
	ck_assert_int_eq(touch(c->to, MM_TLB_R), MM_ACCESS_OK);
	ck_assert_int_eq(touch(c->from, MM_TLB_R), MM_ACCESS_SEGV);
}
END_TEST

/* A 2M entry keeps a table aside, splits into 512 entries of one folio, and the folio goes whole. */
START_TEST(huge)
{
	mm_pte_t *pmd;
	mm_pfn_t head;

	map(0, 1024);
	ck_assert_int_eq(mm_sys_madvise(mm, BASE, 1024 * PAGE, MM_MADV_HUGEPAGE), 0);
	touch(0, MM_TLB_R);			/* the huge zero page */
	pmd = mm_pmd_offset(mm, BASE);
	ck_assert(mm_is_huge_zero_pmd(&s.virt, *pmd));
	touch(600, MM_TLB_W);
	pmd = mm_pmd_offset(mm, BASE + 512 * PAGE);
	ck_assert(mm_pmd_trans_huge(*pmd));
	head = mm_pte_pfn(*pmd);
	ck_assert_uint_eq(head % 512, 0);
	ck_assert_int_eq(mm->rss[MM_ANONPAGES], 512);
	ck_assert_int_eq(s.ctx.stat.v[MM_NR_ANON_TRANSPARENT_HUGEPAGES], 512);
	ck_assert_uint_eq(mm->pgtables_bytes, 4 * PAGE);	/* PUD, PMD and two tables set aside */
	ck_assert_int_eq(mm_sys_munmap(mm, BASE + 700 * PAGE, 10 * PAGE), 0);
	ck_assert(!mm_pmd_trans_huge(*mm_pmd_offset(mm, BASE + 512 * PAGE)));
	ck_assert_int_eq(mm->rss[MM_ANONPAGES], 502);
	ck_assert_int_eq(mm_page(s.phys, head)->mapcount, 502);
	ck_assert_uint_eq(small_mm_pfn(mm, BASE + 512 * PAGE), head);
	ck_assert_uint_eq(small_mm_pfn(mm, BASE + 1023 * PAGE), head + 511);
	ck_assert_int_eq(s.ctx.stat.v[MM_NR_ANON_TRANSPARENT_HUGEPAGES], 0);
	touch(3, MM_TLB_W);			/* the huge zero page splits */
	ck_assert(mm_pte_special(small_mm_pte(mm, BASE)));
	ck_assert_int_eq(mm->rss[MM_ANONPAGES], 503);
}
END_TEST

/* One table's entries made, changed, cleared and gone through in any order, beside an array of them; whole at last by count or by wish. */
START_TEST(packed)
{
	mm_pte_t want[MM_PTRS_PER_TABLE] = { 0 }, *pmd = mm_pmd_alloc(mm, BASE);
	const unsigned int nr = 1u << _i % 10;
	bool made[MM_PTRS_PER_TABLE] = { [0] = true }, whole = false;
	unsigned int nr_made = 1;

	srand((unsigned int)_i);
	ck_assert_ptr_nonnull(mm_pte_alloc_pmd(mm, pmd, BASE));
	for (unsigned int n = 0; n < 2000; n++) {
		unsigned int i = (unsigned int)rand() % nr * (MM_PTRS_PER_TABLE / nr), kind = (unsigned int)rand() % 8;
		unsigned int to = i + (unsigned int)rand() % (MM_PTRS_PER_TABLE + 1 - i);
		uint64_t v = BASE + i * PAGE;
		mm_pte_t *pte = mm_pte_of(mm, pmd, v);

		ck_assert_uint_eq(*pte, want[i]);
		if (kind < 4) {
			pte = mm_pte_alloc_pmd(mm, pmd, v);
			ck_assert_uint_eq(*pte, want[i]);
			*pte = want[i] = (mm_pte_t)rand() << 12 | 1;
			nr_made += !made[i];
			made[i] = true;
		} else if (kind == 4 && want[i]) {
			*pte = want[i] = 0;
		} else if (kind > 5) {
			for (; (pte = mm_next_pte(mm, pmd, &v, BASE + to * PAGE)); v += PAGE, i++) {
				for (; i < (v - BASE) / PAGE; i++)
					ck_assert_uint_eq(want[i], 0);
				ck_assert(*pte && *pte == want[i]);
			}
			for (; i < to; i++)
				ck_assert_uint_eq(want[i], 0);
		}
		if (n == 1500 && _i >= 10) {
			ck_assert_mem_eq(mm_table_whole(mm, pmd), want, sizeof(want));
			whole = true;
		}
		if (n % 500 == 499)
			ck_assert(mm_table_is_packed(mm_table_of(&s.virt, mm_pte_pfn(*pmd))) == (nr_made < 64 && !whole));
	}
	for (unsigned int i = 0; i < MM_PTRS_PER_TABLE; i++)
		if (want[i])
			*mm_pte_of(mm, pmd, BASE + i * PAGE) = 0;
	mm_pte_table_retract(mm, pmd, BASE);
	map(0, 1);
	touch(0, MM_TLB_W);		/* what is unmapped takes the tables above with it */
}
END_TEST

/* Moved within one table and forked while few of it are in use. */
START_TEST(packed_moves)
{
	struct mm_struct *child;
	uint64_t at;

	map(0, 256);
	for (unsigned int i = 0; i < 30; i++)
		touch(i * 7 % 101, MM_TLB_W);
	ck_assert(mm_table_is_packed(mm_table_of(&s.virt, mm_pte_pfn(*mm_pmd_offset(mm, BASE)))));
	for (unsigned int step = 0; step < 3; step++) {
		mm_pfn_t was[101];

		for (unsigned int i = 0; i < 101; i++)
			was[i] = small_mm_pfn(mm, BASE + (step + i) * PAGE);
		ck_assert_int_eq(mm_sys_mremap(mm, &(struct mm_mremap_args){ .addr = BASE + step * PAGE, .old_len = 101 * PAGE,
			.new_len = 101 * PAGE, .flags = MM_MREMAP_MAYMOVE | MM_MREMAP_FIXED, .new_addr = BASE + 300 * PAGE }, &at), 0);
		for (unsigned int i = 0; i < 101; i++)
			ck_assert_uint_eq(small_mm_pfn(mm, BASE + (300 + i) * PAGE), was[i]);
		ck_assert_int_eq(mm_sys_mremap(mm, &(struct mm_mremap_args){ .addr = BASE + 300 * PAGE, .old_len = 101 * PAGE,
			.new_len = 101 * PAGE, .flags = MM_MREMAP_MAYMOVE | MM_MREMAP_FIXED,
			.new_addr = BASE + (step + 1) * PAGE }, &at), 0);
		for (unsigned int i = 0; i < 101; i++)
			ck_assert_uint_eq(small_mm_pfn(mm, BASE + (step + 1 + i) * PAGE), was[i]);
		ck_assert(mm_pgtables_are_consistent(mm));
	}
	ck_assert_int_eq(mm_dup_mm(&child, mm), 0);
	for (unsigned int i = 0; i < 400; i++)
		ck_assert_uint_eq(small_mm_pfn(child, BASE + i * PAGE), small_mm_pfn(mm, BASE + i * PAGE));
	ck_assert(mm_pgtables_are_consistent(child));
	mm_mmput(child);
}
END_TEST

/* Pages 2M apart, their PMD entries made in any order, moved between and forked, beside a list of where each page is. */
START_TEST(packed_pmds)
{
	enum { NR = 90 };
	const uint64_t span = UINT64_C(512) * PAGE;
	mm_pfn_t pfn[2 * NR];
	struct mm_struct *child;
	uint64_t at;

	srand((unsigned int)_i);
	for (unsigned int i = 0; i < 2 * NR; i++)
		pfn[i] = MM_PFN_NONE;
	small_mm_map(mm, BASE, NR * span, 3, MM_MAP_PRIVATE | MM_MAP_NORESERVE, NULL);
	for (unsigned int n = 0; n < (_i % 2 ? 25u : 80u); n++) {
		unsigned int i = (unsigned int)rand() % NR;

		touch(i * 512 + 5, MM_TLB_W);
		pfn[i] = small_mm_pfn(mm, BASE + i * span + 5 * PAGE);
	}
	for (unsigned int n = 0; n < 40; n++) {
		unsigned int from = (unsigned int)rand() % NR, to = NR + (unsigned int)rand() % NR, cut = (unsigned int)rand() % 2;
		const uint64_t addr = BASE + from * span + cut * PAGE;
		bool there = mm_find_vma_intersection(mm, addr, addr + 1);
		int e = mm_sys_mremap(mm, &(struct mm_mremap_args){ .addr = addr, .old_len = 200 * PAGE, .new_len = 200 * PAGE,
			.flags = MM_MREMAP_MAYMOVE | MM_MREMAP_FIXED, .new_addr = BASE + to * span + cut * PAGE }, &at);

		if (there)	/* what lay at the new place goes before the rest of the old one is looked at */
			pfn[to] = e ? MM_PFN_NONE : pfn[from];
		if (!e)
			pfn[from] = MM_PFN_NONE;
	}
	ck_assert(mm_pgtables_are_consistent(mm));
	ck_assert_int_eq(mm_dup_mm(&child, mm), 0);
	for (unsigned int i = 0; i < 2 * NR; i++) {
		ck_assert_uint_eq(small_mm_pfn(mm, BASE + i * span + 5 * PAGE), pfn[i]);
		ck_assert_uint_eq(small_mm_pfn(child, BASE + i * span + 5 * PAGE), pfn[i]);
	}
	ck_assert(mm_pgtables_are_consistent(child));
	mm_mmput(child);
}
END_TEST

int main(void)
{
	Suite *su = suite_create("pgtable");
	TCase *tc = tcase_create("pgtable");
	SRunner *sr = srunner_create(su);
	int failed;

	suite_add_tcase(su, tc);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, entries_by_hand);
	tcase_add_loop_test(tc, page_prot, 0, (int)(sizeof(prot_cases) / sizeof(prot_cases[0])));
	tcase_add_test(tc, walk_by_hand);
	tcase_add_test(tc, five_levels);
	tcase_add_test(tc, tables_come_and_go);
	tcase_add_test(tc, fork_shares);
	tcase_add_test(tc, protection);
	tcase_add_loop_test(tc, moves, 0, (int)(sizeof(move_cases) / sizeof(move_cases[0])));
	tcase_add_test(tc, huge);
	tcase_add_loop_test(tc, packed, 0, 20);
	tcase_add_test(tc, packed_moves);
	tcase_add_loop_test(tc, packed_pmds, 0, 8);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
