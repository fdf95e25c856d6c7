/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The walk of page tables of MGLRU against a naive one, over mappings that share tables, of which some are not looked at:
 *
 *	a table is looked at in the first walk, and when the one before found one in eight of the pages in use that its mappings
 *	have in it, all together
 *	there what was used is not any more; elsewhere it still is
 *
 * A table that was not found so is named now and then, as a hot page does (virt/look_around.c).
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "reclaim/mglru.h"
#include "small_machine.h"
#include "virt/pgtable.h"

enum { PID = 100, NR_TABLES = 4, TABLE_PAGES = 512, NR_PAGES = NR_TABLES * TABLE_PAGES, NR_WALKS = 40 };
static const uint64_t base = UINT64_C(0x100000000000);

static struct mm_machine *machine;
static struct mm_error err;
static enum { NONE, SHUT, LOCKED, ANON } kind[NR_PAGES];
static bool used[NR_PAGES], carried[NR_TABLES];

static void replay(struct mm_event ev)
{
	ev.present |= MM_TC_BIT(EVENT) | MM_TC_BIT(PID) | MM_TC_BIT(ADDR) | MM_TC_BIT(SIZE);
	ev.pid = PID;
	ck_assert_msg(mm_machine_event(machine, &ev, &err) == 0, "%s: %s", mm_event_word(ev.type), err.text);
}

static void store(uint64_t page)
{
	replay((struct mm_event){ .type = MM_EV_STORE, .addr = base + page * MM_PAGE_SIZE, .size = 1 });
}

/* Mappings of random lengths, one beside the other, each of a kind that differs from that before it; all that can be is touched. */
static void map_at_random(struct mm_rng *rng)
{
	uint64_t nr;

	for (uint64_t at = 0; at < NR_PAGES; at += nr) {
		unsigned int k = at ? (kind[at - 1] + 1 + (unsigned int)mm_rng_below(rng, 3)) % 4 : ANON;
		struct mm_event ev = { .type = MM_EV_MMAP, .addr = base + at * MM_PAGE_SIZE, .present = MM_TC_BIT(FLAGS) };

		nr = 1 + mm_rng_below(rng, mm_rng_below(rng, 3) ? 40 : 400);
		if (nr > NR_PAGES - at)
			nr = NR_PAGES - at;
		for (uint64_t i = at; i < at + nr; i++)
			kind[i] = k;
		if (k == NONE)
			continue;
		ev.size = nr * MM_PAGE_SIZE;
		ev.flags = MM_STR("PROT_READ|PROT_WRITE|MAP_PRIVATE|MAP_ANONYMOUS|MAP_FIXED");
		replay(ev);
		if (k == LOCKED) {
			ev.type = MM_EV_MLOCK;
			ev.present = 0;
			replay(ev);
		}
		for (uint64_t i = at; i < at + nr; i++)
			store(i);
		if (k == SHUT) {
			ev.type = MM_EV_MPROTECT;
			ev.present = MM_TC_BIT(FLAGS);
			ev.flags = MM_STR("PROT_NONE");
			replay(ev);
		}
	}
}

static mm_pte_t *entry(uint64_t page)
{
	struct mm_struct *mm = mm_task_find(machine, PID)->mm;
	uint64_t addr = base + page * MM_PAGE_SIZE;
	mm_pte_t *pmd = mm_pmd_offset(mm, addr);

	return pmd && mm_pte_present(*pmd) ? mm_pte_of(mm, pmd, addr) : NULL;
}

/* Some pages of each table are used: few, about as many as matter, or most. */
static void use_at_random(struct mm_rng *rng)
{
	for (uint64_t t = 0; t < NR_TABLES; t++) {
		uint64_t of_512 = (const uint64_t[]){ 4, 64, 64, 300 }[mm_rng_below(rng, 4)];

		for (uint64_t i = t * TABLE_PAGES; i < (t + 1) * TABLE_PAGES; i++)
			if (kind[i] == ANON && mm_rng_below(rng, TABLE_PAGES) < of_512) {
				store(i);
				used[i] = true;
			}
	}
}

/* The walk is yet to be done: whether the processor went through a table is told by the entry that leads there. */
static void naive_walk(bool first, bool nonleaf)
{
	for (uint64_t t = 0; t < NR_TABLES; t++) {
		const mm_pte_t *pmd = mm_pmd_offset(mm_task_find(machine, PID)->mm, base + t * MM_PMD_SIZE);
		uint64_t total = 0, young = 0;
		bool looked_at = (first || carried[t]) && !(nonleaf && !mm_pte_young(*pmd));

		carried[t] = false;
		if (!looked_at)
			continue;
		for (uint64_t i = t * TABLE_PAGES; i < (t + 1) * TABLE_PAGES; i++) {
			total += kind[i] == ANON;
			young += used[i];
			used[i] = false;
		}
		carried[t] = total && young * 8 >= total;
	}
}

static void compare(int walk)
{
	for (uint64_t i = 0; i < NR_PAGES; i++)
		if (kind[i] == ANON)
			ck_assert_msg(mm_pte_young(*entry(i)) == used[i], "walk %d: page %d is %sin use", walk, (int)i,
				      used[i] ? "no longer " : "still ");
}

static void boot(const char *lru_gen)
{
	struct mm_machine_config cfg;

	small_machine_config(&cfg, 48 << 20);
	cfg.swap_bytes = 64 << 20;
	small_machine_set(&cfg, "lru_gen", lru_gen);
	small_machine_set(&cfg, "thp", "never");
	machine = small_machine_new(&cfg);
	ck_assert_msg(mm_machine_start(machine, &err) == 0, "%s", err.text);
}

/* With bit 2 of lru_gen a table that the processor did not go through is left out as well. */
START_TEST(tables)
{
	struct mm_rng rng = { (uint64_t)_i + 1 };
	bool nonleaf = _i % 2;
	int nr_carried = 0;

	boot(nonleaf ? "7" : "3");
	map_at_random(&rng);
	for (uint64_t i = 0; i < NR_PAGES; i++)
		used[i] = kind[i] == ANON;
	for (int walk = 0; walk < NR_WALKS; walk++) {
		struct mm_lruvec *v = machine->cache->root_mem_cgroup->lruvec[0];
		uint32_t id = mm_task_find(machine, PID)->mm->id;

		naive_walk(walk == 0, nonleaf);
		mm_lru_gen_walk(machine->reclaim, v, true);
		compare(walk);
		mm_inc_max_seq(machine->reclaim, v, true);
		for (int t = 0; t < NR_TABLES; t++) {
			nr_carried += carried[t];
			if (!carried[t] && mm_rng_below(&rng, 2)) {
				mm_lru_gen_bloom_add(v, v->lrugen.max_seq, id, base + (uint64_t)t * MM_PMD_SIZE);
				carried[t] = true;
			}
		}
		use_at_random(&rng);
	}
	ck_assert_int_gt(nr_carried, NR_WALKS / 2);
	ck_assert_int_lt(nr_carried, NR_WALKS * NR_TABLES - NR_WALKS / 2);
	mm_machine_free(machine);
	memset(used, 0, sizeof(used));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("mglru_walk");
	TCase *c = tcase_create("mglru_walk");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_loop_test(c, tables, 0, 24);
	suite_add_tcase(s, c);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
