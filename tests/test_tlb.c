/* SPDX-License-Identifier: GPL-2.0-or-later */
/* TLBs: geometry by hand, and random accesses against lists that know when each entry was last used */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "virt/pgtable.h"
#include "virt/tlb.h"

static struct mm_ctx ctx;
static struct mm_virt virt;
static struct mm_tlb *tlb;
static struct mm_tlb_cpu *cpu;

static void start(const char *preset)
{
	ctx = (struct mm_ctx){ .nr_cpus = 1 };
	ck_assert_int_eq(mm_tlb_new(&tlb, &ctx, mm_tlb_preset((struct mm_str){ preset, strlen(preset) }), 1), 0);
	virt = (struct mm_virt){ .ctx = &ctx, .tlb = tlb };
	cpu = &tlb->cpu[0];
	cpu->accesses = 1;		/* a CPU without any has nothing to flush */
}

static void setup(void) { start("skylake"); }

static void teardown(void)
{
	ck_assert(mm_tlb_is_consistent(tlb));
	mm_tlb_free(tlb);
}

static uint64_t page(uint64_t n) { return n << 12; }
static bool hit(uint32_t id, uint64_t vaddr, unsigned int kind) { return mm_tlb_lookup(cpu, id, vaddr, kind); }

/*
 * 64 entries of 4 ways are 16 sets: pages 0, 16, 32 ... share a set; the fifth pushes the oldest out, L2 still
 * has it.
 */
START_TEST(five_pages_of_one_set)
{
	for (uint64_t i = 0; i < 5; i++)
		mm_tlb_fill(cpu, 1, page(16 * i), MM_TLB_R, (100 + i) << 12, false);
	for (uint64_t i = 1; i < 5; i++)
		ck_assert(hit(1, page(16 * i), MM_TLB_R));
	ck_assert_uint_eq(cpu->l2_hits, 0);
	ck_assert(hit(1, page(0), MM_TLB_R));
	ck_assert_uint_eq(cpu->l2_hits, 1);
	ck_assert(hit(1, page(16), MM_TLB_R));		/* page 0 came back and pushed out page 16 */
	ck_assert_uint_eq(cpu->l2_hits, 2);
	ck_assert_ptr_null(mm_tlb_lookup(cpu, 2, page(0), MM_TLB_R));	/* another address space */
	ck_assert_ptr_null(mm_tlb_lookup(cpu, 1, page(1), MM_TLB_R));
}
END_TEST

START_TEST(huge_pages_have_entries_of_their_own)
{
	mm_tlb_fill(cpu, 1, 0x40000000, MM_TLB_R, 512 << 12 | MM_TLB_HUGE | MM_TLB_WRITABLE, false);
	ck_assert(hit(1, 0x40000000 + 0x1ff000, MM_TLB_R));
	ck_assert_ptr_null(mm_tlb_lookup(cpu, 1, 0x40200000, MM_TLB_R));
	ck_assert_uint_eq(cpu->l2_hits, 0);
	ck_assert(hit(1, 0x40000000, MM_TLB_X));	/* L1 of instructions has it not, L2 has */
	ck_assert_uint_eq(cpu->l2_hits, 1);
}
END_TEST

static struct mm_struct address_space(uint32_t id)
{
	return (struct mm_struct){ .virt = &virt, .id = id, .pmd_tag = mm_entry_tag(id, 0, 2) };
}

static void walked(uint32_t id, uint64_t vaddr, unsigned int level)
{
	const struct mm_struct mm = address_space(id);

	mm_tlb_walked(cpu, &mm, vaddr, level);
}

/*
 * The first walk reads four entries and leaves three behind; a neighbour in the same table then needs one, one of the
 * next table two, of the next 1G three; a flush of any page forgets what leads to it, of this address space alone.
 */
START_TEST(walks_begin_below_what_is_known)
{
	struct mm_struct mm = address_space(1);
	const struct { uint32_t id; uint64_t vaddr; unsigned int level; uint64_t reads; } step[] = {
		{ 1, 0x40000000, 1, 4 }, { 1, 0x40001000, 1, 1 }, { 1, 0x40200000, 1, 2 }, { 1, 0x80000000, 1, 3 },
		{ 2, 0x40000000, 1, 4 }, { 1, 0x40400000, 2, 1 },	/* a 2M page: the PDE is the leaf and not kept */
		{ 1, 0x40400000, 2, 1 }, { 1, UINT64_C(1) << 39, 3, 2 },	/* another PML4E, ends in an empty PDPTE */
	};
	uint64_t reads = 0;

	for (size_t i = 0; i < sizeof(step) / sizeof(step[0]); i++) {
		walked(step[i].id, step[i].vaddr, step[i].level);
		ck_assert_msg(cpu->walk_reads == reads + step[i].reads, "step %zu: %lu reads", i, (unsigned long)(cpu->walk_reads - reads));
		reads = cpu->walk_reads;
	}
	ck_assert_uint_eq(cpu->psc_hits[0], 1);
	ck_assert_uint_eq(cpu->psc_hits[1], 3);
	ck_assert_uint_eq(cpu->psc_hits[2], 1);
	mm_flush_tlb_page(&mm, page(7));
	walked(1, 0x40001000, 1);
	ck_assert_uint_eq(cpu->walk_reads, reads + 4);
	walked(2, 0x40001000, 1);
	ck_assert_uint_eq(cpu->walk_reads, reads + 5);
	for (uint64_t i = 0; i < 33; i++)		/* 32 PDEs: the 33rd pushes the first out */
		walked(2, i << 21, 1);
	reads = cpu->walk_reads;
	walked(2, UINT64_C(1) << 21, 1);
	ck_assert_uint_eq(cpu->walk_reads, reads + 1);
	walked(2, 0, 1);
	ck_assert_uint_eq(cpu->walk_reads, reads + 3);
	virt.la57 = true;
	reads = cpu->walk_reads;	/* five levels: all; below the same PML4E three; PML5Es are not kept */
	walked(3, UINT64_C(3) << 48, 1);
	ck_assert_uint_eq(cpu->walk_reads, reads + 5);
	walked(3, UINT64_C(3) << 48 | 1 << 30, 1);
	ck_assert_uint_eq(cpu->walk_reads, reads + 8);
	walked(3, UINT64_C(3) << 48 | UINT64_C(1) << 39, 1);
	ck_assert_uint_eq(cpu->walk_reads, reads + 13);
}
END_TEST

/* What is known of one level, the one used last first: address space and number of each entry. */
enum { ORACLE_PSC = 64 };
static struct { struct { uint32_t id; uint64_t n; } v[ORACLE_PSC]; unsigned int nr; } known[MM_PSC_LEVELS];

/* Is it there? It goes to the front, or is put there where it was not and @add. */
static bool psc_oracle(unsigned int level, uint32_t id, uint64_t vaddr, bool add)
{
	const unsigned int room = tlb->geo->psc[level - 2];
	uint64_t n = vaddr >> (12 + 9 * (level - 1));
	unsigned int i = 0;
	bool there;

	while (i < known[level - 2].nr && (known[level - 2].v[i].id != id || known[level - 2].v[i].n != n))
		i++;
	there = i < known[level - 2].nr;
	if (!room || (!there && !add))
		return there;
	if (!there && i < room)
		known[level - 2].nr++;
	for (i = there || i < room ? i : room - 1; i; i--)
		known[level - 2].v[i] = known[level - 2].v[i - 1];
	known[level - 2].v[0].id = id;
	known[level - 2].v[0].n = n;
	return there;
}

static void psc_oracle_drop(uint32_t id)
{
	for (unsigned int k = 0; k < MM_PSC_LEVELS; k++) {
		unsigned int kept = 0;

		for (unsigned int i = 0; i < known[k].nr; i++)
			if (known[k].v[i].id != id)
				known[k].v[kept++] = known[k].v[i];
		known[k].nr = kept;
	}
}

/* Walks of one to three address spaces and flushes between, on every preset: what each walk reads by lists in order of use. */
START_TEST(random_walks_against_lists)
{
	struct mm_rng r = { (uint64_t)_i + 1 };
	uint64_t reads = 0;
	uint32_t ids;

	teardown();
	start(mm_tlb_presets[_i / 2].name);
	virt.la57 = _i % 2;
	memset(known, 0, sizeof(known));
	for (unsigned int n = 0; n < 30000; n++) {
		struct mm_struct mm = address_space(1);
		uint64_t vaddr = mm_rng_below(&r, 60) << 21 | mm_rng_below(&r, 2) << 35 | (mm_rng_below(&r, 30) ? 0 : UINT64_C(1) << 40);
		unsigned int level = mm_rng_below(&r, 10) ? 1 : 1 + (unsigned int)mm_rng_below(&r, 4), from = 4u + virt.la57;

		ids = 1 + n / 10000;
		mm.id += (uint32_t)mm_rng_below(&r, ids);
		if (!mm_rng_below(&r, n / 1000 % 2 ? 20 : 1000)) {
			mm_flush_tlb_page(&mm, vaddr);
			psc_oracle_drop(mm.id);
			continue;
		}
		for (unsigned int l = level + 1; l <= 4; l++)
			if (psc_oracle(l, mm.id, vaddr, false)) {
				from = l - 1;
				break;
			}
		for (unsigned int l = from < 4 ? from : 4; l > level; l--)
			psc_oracle(l, mm.id, vaddr, true);
		walked(mm.id, vaddr, level);
		reads += from - level + 1;
		ck_assert_uint_eq(cpu->walk_reads, reads);
		ck_assert(mm_tlb_is_consistent(tlb));
	}
}
END_TEST

START_TEST(flushes)
{
	struct mm_struct mm = address_space(1), other = address_space(2);

	cpu->mm_id = 1;
	for (uint64_t i = 0; i < 40; i++) {
		mm_tlb_fill(cpu, 1, page(i), MM_TLB_R, i << 12, false);
		mm_tlb_fill(cpu, 2, page(i), MM_TLB_R, i << 12, false);
	}
	mm_flush_tlb_page(&mm, page(3));
	ck_assert_ptr_null(mm_tlb_lookup(cpu, 1, page(3), MM_TLB_R));
	ck_assert(hit(2, page(3), MM_TLB_R));
	mm_flush_tlb_range(&mm, page(0), page(33));	/* 33 pages: still one by one */
	ck_assert_uint_eq(cpu->flush_page, 34);
	ck_assert_uint_eq(cpu->flush_all, 0);
	ck_assert(hit(1, page(39), MM_TLB_R));
	mm_flush_tlb_range(&mm, page(0), page(34));	/* 34: all of it */
	ck_assert_uint_eq(cpu->flush_all, 1);
	ck_assert_ptr_null(mm_tlb_lookup(cpu, 1, page(39), MM_TLB_R));
	ck_assert(hit(2, page(39), MM_TLB_R));
	mm_flush_tlb_mm(&other);
	ck_assert_ptr_null(mm_tlb_lookup(cpu, 2, page(39), MM_TLB_R));
	ck_assert_uint_eq(cpu->flush_all, 1);		/* it does not run here: no instruction of this CPU */
}
END_TEST

/* ---- the oracle: every entry with the time of its last use ---- */

enum { ORACLE_MAX = 2048 };
struct oracle {
	uint32_t sets, ways, nr;
	struct { uint64_t page, leaf, used; uint32_t id, shift; } e[ORACLE_MAX];
};
enum { L1D, L1D_2M, L1I, L1I_2M, L2, L1D_1G, L2_1G, NR_ORACLES };
static struct oracle oracles[NR_ORACLES];
static uint64_t now;

static uint64_t *oracle_use(struct oracle *o, uint32_t id, uint64_t vaddr, uint32_t shift)
{
	for (uint32_t i = 0; i < o->nr; i++)
		if (o->e[i].id == id && o->e[i].page == vaddr >> shift && o->e[i].shift == shift) {
			o->e[i].used = ++now;
			return &o->e[i].leaf;
		}
	return NULL;
}

static void oracle_fill(struct oracle *o, uint32_t id, uint64_t vaddr, uint32_t shift, uint64_t leaf)
{
	uint64_t page = vaddr >> shift, *old = oracle_use(o, id, vaddr, shift), when = UINT64_MAX;
	uint32_t in_set = 0, to = o->nr;

	if (old)
		*old = leaf;
	if (old || !o->ways)
		return;
	for (uint32_t i = 0; i < o->nr; i++)
		if (o->e[i].page % o->sets == page % o->sets) {
			in_set++;
			if (o->e[i].used < when) {
				when = o->e[i].used;
				to = i;
			}
		}
	if (in_set < o->ways)
		to = o->nr++;
	o->e[to].page = page;
	o->e[to].shift = shift;
	o->e[to].id = id;
	o->e[to].leaf = leaf;
	o->e[to].used = ++now;
}

/* @nr 0: everything of @id */
static void oracle_drop(struct oracle *o, uint32_t id, uint64_t first, uint64_t nr)
{
	for (uint32_t i = o->nr; i-- > 0;) {
		uint32_t pages = o->e[i].shift - 12;

		if (o->e[i].id == id && (!nr || (o->e[i].page <= (first + nr - 1) >> pages && o->e[i].page >= first >> pages)))
			o->e[i] = o->e[--o->nr];
	}
}

/* L1, then L2 and with it L1, size by size; *@l2_hit: it was L2. */
static const uint64_t *oracle_look(uint32_t id, uint64_t vaddr, unsigned int kind, bool *l2_hit)
{
	const unsigned int l1 = kind == MM_TLB_X ? L1I : L1D;
	static const struct { unsigned int shift, l1, l2; } ask[] = {
		{ 12, 0, NR_ORACLES }, { 21, 1, NR_ORACLES }, { 12, 0, L2 }, { 21, 1, L2 },
		{ 30, L1D_1G, NR_ORACLES }, { 30, L1D_1G, L2_1G },
	};

	*l2_hit = false;
	for (unsigned int i = 0; i < (kind == MM_TLB_X ? 4 : 6); i++) {
		struct oracle *first = &oracles[ask[i].shift == 30 ? L1D_1G : l1 + ask[i].l1];
		const uint64_t *leaf = oracle_use(ask[i].l2 < NR_ORACLES ? &oracles[ask[i].l2] : first, id, vaddr, ask[i].shift);

		if (!leaf)
			continue;
		*l2_hit = ask[i].l2 < NR_ORACLES;
		if (*l2_hit)
			oracle_fill(first, id, vaddr, ask[i].shift, *leaf);
		return leaf;
	}
	return NULL;
}

static void oracle_walked(uint32_t id, uint64_t vaddr, unsigned int kind, uint64_t leaf)
{
	bool giga = leaf & MM_TLB_GIGA && kind != MM_TLB_X && oracles[L1D_1G].ways;
	unsigned int shift = giga ? 30 : leaf & MM_TLB_HUGE ? 21 : 12, l1 = kind == MM_TLB_X ? L1I : L1D;

	if (leaf & MM_TLB_GIGA && !giga)	/* of its 2M parts the one that is used */
		leaf = (leaf & ~MM_TLB_GIGA) + (vaddr >> 21) % 512 * 0x200000;
	oracle_fill(&oracles[giga ? L1D_1G : l1 + (shift == 21)], id, vaddr, shift, leaf);
	oracle_fill(&oracles[giga ? L2_1G : L2], id, vaddr, shift, leaf);
}

/* Of 4K pages some are written later than they are read; of 2M and 1G pages there are few. */
static void one_access(struct mm_rng *r, uint64_t *l2_hits)
{
	static const unsigned int kinds[] = { MM_TLB_R, MM_TLB_R, MM_TLB_W, MM_TLB_X };
	uint32_t id = 1 + (uint32_t)mm_rng_below(r, 3);
	uint64_t vpn = mm_rng_below(r, 4) ? mm_rng_below(r, 100) : mm_rng_below(r, 4000), flags = MM_TLB_EXEC;
	unsigned int kind = kinds[mm_rng_below(r, 4)];
	const struct mm_tlb_entry *e;
	const uint64_t *want;
	bool l2_hit;

	switch (mm_rng_below(r, 8)) {
	case 0:
		vpn = UINT64_C(1) << 20 | mm_rng_below(r, 200) << 9 | mm_rng_below(r, 512);
		flags |= MM_TLB_HUGE;
		break;
	case 1:
		vpn = UINT64_C(1) << 24 | mm_rng_below(r, 20) << 18 | mm_rng_below(r, 1 << 18);
		flags |= MM_TLB_HUGE | MM_TLB_GIGA;
		break;
	}
	want = oracle_look(id, vpn << 12, kind, &l2_hit);
	*l2_hits += l2_hit;
	e = mm_tlb_lookup(cpu, id, vpn << 12, kind);
	ck_assert_int_eq(!e, !want);
	ck_assert_uint_eq(cpu->l2_hits, *l2_hits);
	if (e)
		ck_assert_uint_eq(e->leaf, *want);
	if (!mm_tlb_serves(e, kind)) {
		uint64_t leaf = (flags & MM_TLB_GIGA ? vpn >> 18 << 18 : flags & MM_TLB_HUGE ? vpn >> 9 << 9 : vpn) << 12 | flags |
				(kind == MM_TLB_W ? MM_TLB_WRITABLE : 0);

		mm_tlb_fill(cpu, id, vpn << 12, kind, leaf, !e);
		oracle_walked(id, vpn << 12, kind, leaf);
	}
}

/* Loop: a seed and a preset of each */
START_TEST(random_against_times)
{
	const struct mm_tlb_geometry *g = &mm_tlb_presets[_i % 5];
	const uint16_t size[NR_ORACLES][2] = {
		{ g->l1d_entries, g->l1d_ways }, { g->l1d_2m_entries, g->l1d_2m_ways }, { g->l1i_entries, g->l1i_ways },
		{ g->l1i_2m_entries, g->l1i_2m_ways }, { g->l2_entries, g->l2_ways }, { g->l1d_1g_entries, g->l1d_1g_ways },
		{ g->l2_1g_entries, g->l2_1g_ways },
	};
	struct mm_rng r = { (uint64_t)_i + 1 };
	uint64_t l2_hits = 0;

	teardown();
	start(g->name);
	now = 0;
	for (unsigned int i = 0; i < NR_ORACLES; i++) {
		oracles[i].nr = 0;
		oracles[i].ways = size[i][1];
		oracles[i].sets = size[i][1] ? size[i][0] / size[i][1] : 1;
	}
	for (unsigned int n = 0; n < 20000; n++) {
		struct mm_struct mm = address_space(1 + (uint32_t)mm_rng_below(&r, 3));
		uint64_t first = mm_rng_below(&r, 10) ? mm_rng_below(&r, 100) : UINT64_C(1) << 20 | mm_rng_below(&r, 200) << 9;
		uint64_t nr = 1 + mm_rng_below(&r, 40);

		if (mm_rng_below(&r, 200)) {
			one_access(&r, &l2_hits);
			continue;
		}
		mm_flush_tlb_range(&mm, first << 12, (first + nr) << 12);
		for (unsigned int i = 0; i < NR_ORACLES; i++)
			oracle_drop(&oracles[i], mm.id, first, nr > 33 ? 0 : nr);
		ck_assert(mm_tlb_is_consistent(tlb));
	}
	if (g->l2_entries)
		ck_assert_uint_gt(l2_hits, 100);
}
END_TEST

START_TEST(presets)
{
	const struct mm_tlb_geometry *g = &mm_tlb_presets[_i];

	teardown();
	start(g->name);
	for (uint64_t i = 0; i < 5000; i++) {
		mm_tlb_fill(cpu, 1, page(i), MM_TLB_R, i << 12, false);
		mm_tlb_fill(cpu, 1, page(i), MM_TLB_X, i << 12 | MM_TLB_EXEC, false);
	}
	ck_assert_int_eq(hit(1, page(4999), MM_TLB_R), g->l1d_entries != 0);
	ck_assert_int_eq(hit(1, page(5000 - 1 - g->l1d_entries), MM_TLB_R), g->l2_entries > g->l1d_entries);
}
END_TEST

START_TEST(unknown_preset) { ck_assert_ptr_null(mm_tlb_preset(MM_STR("skylak"))); }
END_TEST

int main(void)
{
	Suite *s = suite_create("tlb");
	TCase *tc = tcase_create("tlb");
	SRunner *sr = srunner_create(s);
	int failed;

	suite_add_tcase(s, tc);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, five_pages_of_one_set);
	tcase_add_test(tc, huge_pages_have_entries_of_their_own);
	tcase_add_test(tc, flushes);
	tcase_add_test(tc, walks_begin_below_what_is_known);
	tcase_add_loop_test(tc, random_walks_against_lists, 0, 10);
	tcase_add_loop_test(tc, random_against_times, 0, 10);
	tcase_add_loop_test(tc, presets, 0, 5);
	tcase_add_test(tc, unknown_preset);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
