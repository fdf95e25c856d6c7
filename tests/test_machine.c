/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The machine as a whole: tunables, tasks, rows that describe it; and random
 * workloads on a small machine, with every structure verified after every event.
 */
#include <check.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "base/rng.h"
#include "small_machine.h"

static struct mm_machine *machine;
static struct mm_error err;

static void boot(const struct mm_machine_config *cfg)
{
	ck_assert_msg(mm_machine_new(&machine, cfg, &err) == 0, "%s", err.text);
}

static void teardown(void)
{
	if (machine && machine->booted)
		ck_assert_msg(mm_machine_check(machine, &err) == 0, "%s", err.text);
	mm_machine_free(machine);
	machine = NULL;
}

static struct mm_str str(const char *s) { return (struct mm_str){ s, strlen(s) }; }

/* ---- tunables ---- */

static const struct sysctl_case {
	const char *why, *name, *value;
	int ret;
	enum mm_sysctl_id id;
	int64_t expect;			/* of @id afterwards */
} sysctl_cases[] = {
	{ "the kernel's name", "vm.swappiness", "10", 0, MM_SYSCTL_SWAPPINESS, 10 },
	{ "without vm.", "swappiness", "200", 0, MM_SYSCTL_SWAPPINESS, 200 },
	{ "beyond the kernel's maximum", "vm.swappiness", "201", -EINVAL, MM_SYSCTL_SWAPPINESS, 60 },
	{ "negative", "vm.swappiness", "-1", -EINVAL, MM_SYSCTL_SWAPPINESS, 60 },
	{ "no number", "vm.swappiness", "much", -EINVAL, MM_SYSCTL_SWAPPINESS, 60 },
	{ "nothing", "vm.swappiness", "", -EINVAL, MM_SYSCTL_SWAPPINESS, 60 },
	{ "a number and more", "vm.swappiness", "10x", -EINVAL, MM_SYSCTL_SWAPPINESS, 60 },
	{ "a word of transparent_hugepage/enabled", "thp", "always", 0, MM_SYSCTL_THP, 2 },
	{ "a dash in the name", "vm.page-cluster", "0", 0, MM_SYSCTL_PAGE_CLUSTER, 0 },
	{ "no such tunable", "vm.swapiness", "10", -EINVAL, MM_SYSCTL_SWAPPINESS, 60 },
	{ "a number too large for 64 bits", "vm.max_map_count", "99999999999999999999", -EINVAL, MM_SYSCTL_MAX_MAP_COUNT, 65530 },
};
START_TEST(sysctl_set)
{
	const struct sysctl_case *c = &sysctl_cases[_i];
	struct mm_sysctls s;

	mm_sysctls_init(&s);
	ck_assert_msg(mm_sysctls_set(&s, str(c->name), str(c->value), &err) == c->ret, "%s", c->why);
	ck_assert_msg(s.v[c->id] == c->expect, "%s: %" PRId64, c->why, s.v[c->id]);
	ck_assert_msg(s.set[c->id] == (c->ret == 0), "%s: set", c->why);
}
END_TEST

START_TEST(sysctl_nearest)
{
	struct mm_sysctls s;

	mm_sysctls_init(&s);
	ck_assert_int_eq(mm_sysctls_set(&s, str("vm.swapiness"), str("1"), &err), -EINVAL);
	ck_assert_msg(strstr(err.text, "vm.swappiness") != NULL, "%s", err.text);
}
END_TEST

START_TEST(lowmem_reserve_ratio)
{
	struct mm_sysctls s;

	mm_sysctls_init(&s);
	ck_assert_int_eq(mm_sysctls_set(&s, str("vm.lowmem_reserve_ratio"), str("1\t2 3"), &err), 0);
	ck_assert_int_eq(s.lowmem_reserve_ratio[0], 1);
	ck_assert_int_eq(s.lowmem_reserve_ratio[2], 3);
	ck_assert_int_eq(s.lowmem_reserve_ratio[3], 0);		/* the default stays */
	ck_assert_int_eq(mm_sysctls_set(&s, str("vm.lowmem_reserve_ratio"), str("1 x"), &err), -EINVAL);
}
END_TEST

START_TEST(nearest_word)
{
	static const char *const words[] = { "load", "store", "mmap", "munmap" };
	static const char *const columns[] = { "r", "free_kib", "pid", "res_kib" };

	ck_assert_str_eq(mm_nearest(str("laod"), words, 4), "load");
	ck_assert_str_eq(mm_nearest(str("unmap"), words, 4), "munmap");
	/* the shortest needs the fewest edits: first of two */
	ck_assert_str_eq(mm_nearest(str(""), words, 4), "load");
	/* what a column is called elsewhere: as it begins, in letters of the other case */
	ck_assert_str_eq(mm_nearest(str("free"), columns, 4), "free_kib");
	ck_assert_str_eq(mm_nearest(str("RES"), columns, 4), "res_kib");
	ck_assert_str_eq(mm_nearest(str("PID"), columns, 4), "pid");
	ck_assert_ptr_null(mm_nearest(str("x"), words, 0));
}
END_TEST

/* ---- tasks ---- */

START_TEST(tasks_by_pid)
{
	struct mm_machine_config cfg;

	mm_machine_config_init(&cfg);
	cfg.depth = MM_DEPTH_VMA;
	boot(&cfg);
	ck_assert_int_eq(mm_machine_start(machine, &err), 0);
	for (uint32_t pid = 1; pid < 5000; pid += 7)
		ck_assert_uint_eq(mm_task_get(machine, pid)->pid, pid);
	for (uint32_t pid = 1; pid < 5000; pid++)
		ck_assert_msg((mm_task_find(machine, pid) != NULL) == (pid % 7 == 1), "pid %u", pid);
	mm_task_end(machine, mm_task_find(machine, 8), MM_TASK_EXITED);
	ck_assert_ptr_null(mm_task_find(machine, 8));
	ck_assert_ptr_nonnull(mm_task_get(machine, 8));		/* the pid is used again: the same record */
	ck_assert_uint_eq(machine->tasks.nr, 715);		/* 1, 8, ... 4999 */
	ck_assert_ptr_null(mm_task_get(machine, MM_PID_MAX + 1));
}
END_TEST

/* ---- random workloads ---- */

enum { NR_PIDS = 4, NR_SPOTS = 12, SPOT_PAGES = 24, STEPS = 3000 };

/* Reserve, RAM: a machine of 24 MiB boots with few pages to spare. */
static void small_machine(struct mm_machine_config *cfg)
{
	small_machine_config(cfg, 24 << 20);
	cfg->check = true;
	cfg->effects = true;
	cfg->swap_bytes = 16 << 20;
}

static void replay(struct mm_event ev)
{
	ev.present |= MM_TC_BIT(EVENT) | MM_TC_BIT(PID) | MM_TC_BIT(ADDR) | MM_TC_BIT(SIZE);
	ck_assert_msg(mm_machine_event(machine, &ev, &err) == 0, "%s of pid %u at 0x%" PRIx64 ": %s",
		      mm_event_word(ev.type), ev.pid, ev.addr, err.text);
}

static void random_event(struct mm_rng *rng)
{
	struct mm_event ev = { .pid = 100 + (uint32_t)mm_rng_below(rng, NR_PIDS) };

	ev.addr = 0x100000000000 + mm_rng_below(rng, NR_SPOTS) * SPOT_PAGES * MM_PAGE_SIZE;
	ev.size = (1 + mm_rng_below(rng, SPOT_PAGES)) * MM_PAGE_SIZE;
	switch (mm_rng_below(rng, 24)) {
	case 0:
		ev.type = MM_EV_MMAP;
		ev.flags = MM_STR("PROT_READ|PROT_WRITE|MAP_PRIVATE|MAP_ANONYMOUS|MAP_FIXED");
		break;
	case 1:
		ev.type = MM_EV_MUNMAP;
		break;
	case 2:
		ev.type = MM_EV_MPROTECT;
		ev.flags = mm_rng_below(rng, 2) ? MM_STR("PROT_READ") : MM_STR("PROT_READ|PROT_WRITE");
		break;
	case 3:
		ev.type = MM_EV_MADVISE;
		ev.flags = mm_rng_below(rng, 2) ? MM_STR("MADV_DONTNEED") : MM_STR("MADV_PAGEOUT");
		break;
	case 4:
		ev.type = MM_EV_FORK;
		ev.result = 100 + mm_rng_below(rng, NR_PIDS);
		if (ev.result == ev.pid || mm_task_find(machine, (uint32_t)ev.result))
			return;
		ev.result_kind = MM_RESULT_DEC;
		ev.present = MM_TC_BIT(RESULT);
		break;
	case 5:
		if (mm_rng_below(rng, 16))
			return;
		ev.type = MM_EV_EXIT;
		break;
	default:
		ev.type = mm_rng_below(rng, 3) ? MM_EV_STORE : MM_EV_LOAD;
		ev.addr += mm_rng_below(rng, SPOT_PAGES) * MM_PAGE_SIZE;
		ev.size = 8;
		break;
	}
	replay(ev);
}

static void run_random(struct mm_machine_config *cfg, uint64_t seed)
{
	struct mm_rng rng = { seed };

	boot(cfg);
	ck_assert_msg(mm_machine_start(machine, &err) == 0, "%s", err.text);
	for (uint32_t p = 0; p < NR_PIDS; p++)
		replay((struct mm_event){ .type = MM_EV_MMAP, .pid = 100 + p, .addr = 0x100000000000,
					  .size = (uint64_t)NR_SPOTS * SPOT_PAGES * MM_PAGE_SIZE,
					  .present = MM_TC_BIT(FLAGS),
					  .flags = MM_STR("PROT_READ|PROT_WRITE|MAP_PRIVATE|MAP_ANONYMOUS|MAP_FIXED") });
	for (int i = 0; i < STEPS; i++)
		random_event(&rng);
}

START_TEST(random_under_check)
{
	struct mm_machine_config cfg;
	struct mm_vmstat first;
	uint64_t limit = (uint64_t)(_i % 3) << 18;	/* none, 256 KiB, 512 KiB */

	small_machine(&cfg);
	cfg.memory_max_bytes = limit;
	run_random(&cfg, (uint64_t)_i + 1);
	first = *mm_machine_vmstat(machine);
	if (limit)
		ck_assert_msg(first.v[MM_PSWPOUT] > 0, "the limit never bit: the test would prove nothing");
	mm_machine_free(machine);
	run_random(&cfg, (uint64_t)_i + 1);
	ck_assert_msg(!memcmp(&first, mm_machine_vmstat(machine), sizeof(first)), "the same rows gave other counters");
	mm_region_list_free(&cfg.regions);
}
END_TEST

/* When every task has ended, every page that the workload took is free again. */
START_TEST(nothing_leaks)
{
	struct mm_machine_config cfg;
	int64_t pages;

	small_machine(&cfg);
	cfg.memory_max_bytes = 1 << 18;
	run_random(&cfg, 77 + (uint64_t)_i);
	for (uint32_t p = 0; p < NR_PIDS; p++)
		if (mm_task_find(machine, 100 + p))
			replay((struct mm_event){ .type = MM_EV_EXIT, .pid = 100 + p });
	pages = machine->ctx.stat.v[MM_NR_ANON_PAGES];
	ck_assert_msg(pages == 0, "%" PRId64 " anonymous pages are left", pages);
	ck_assert_int_eq(machine->ctx.stat.v[MM_NR_PAGE_TABLE_PAGES], 0);
	mm_region_list_free(&cfg.regions);
}
END_TEST

/* ---- the short way of accesses that the TLB serves ---- */

enum { NR_ACCESSES = 20000, FEW_PAGES = 200 };

/* Few pages, most of them near the last; all kinds and sizes, two tasks, two CPUs, times. */
static void random_accesses(struct mm_event *ev, uint64_t seed)
{
	static const uint16_t types[] = { MM_EV_LOAD, MM_EV_STORE, MM_EV_MODIFY, MM_EV_FETCH };
	struct mm_rng rng = { seed };
	uint64_t page = 0;

	for (size_t i = 0; i < NR_ACCESSES; i++) {
		page = mm_rng_below(&rng, 8) ? (page + mm_rng_below(&rng, 3)) % FEW_PAGES : mm_rng_below(&rng,
													 FEW_PAGES + 4);
		ev[i] = (struct mm_event){
			.type = types[mm_rng_below(&rng, 4)], .pid = 100 + (i >> 10 & 1), .cpu = i >> 9 & 1,
			.time_ns = i,
			.addr = 0x100000000000 + page * MM_PAGE_SIZE + mm_rng_below(&rng, MM_PAGE_SIZE),
			.size = mm_rng_below(&rng, 64) ? 1 + mm_rng_below(&rng, 16) : mm_rng_below(&rng, 9000),
			.present = MM_TC_BIT(EVENT) | MM_TC_BIT(PID) | MM_TC_BIT(ADDR) | MM_TC_BIT(CPU) | MM_TC_BIT(TIME_S),
		};
		if (mm_rng_below(&rng, 16))
			ev[i].present |= MM_TC_BIT(SIZE);
	}
}

/* With check set every row takes the long way. */
static struct mm_machine *run_accesses(struct mm_machine_config *cfg, struct mm_event *ev, size_t *short_ways)
{
	boot(cfg);
	for (uint32_t pid = 100; pid < 102; pid++)
		replay((struct mm_event){ .type = MM_EV_MMAP, .pid = pid, .addr = 0x100000000000,
			.size = FEW_PAGES * MM_PAGE_SIZE,
					  .present = MM_TC_BIT(FLAGS),
					  .flags = MM_STR("PROT_READ|PROT_WRITE|PROT_EXEC|MAP_PRIVATE|MAP_ANONYMOUS|MAP_FIXED") });
	*short_ways = 0;
	for (size_t i = 0; i < NR_ACCESSES; i++) {
		size_t n = mm_machine_hits(machine, ev + i, NR_ACCESSES - i);

		*short_ways += n;
		i += n;
		if (i < NR_ACCESSES)
			ck_assert_msg(mm_machine_event(machine, ev + i, &err) == 0, "row %zu: %s", i, err.text);
	}
	return machine;
}

static void same_tlbs(const struct mm_machine *a, const struct mm_machine *b)
{
	for (uint32_t cpu = 0; cpu < 2; cpu++) {
		const struct mm_tlb_cpu *x = &a->fault->virt->tlb->cpu[cpu], *y = &b->fault->virt->tlb->cpu[cpu];

		ck_assert_msg(x->accesses == y->accesses && x->l2_hits == y->l2_hits && x->walks == y->walks &&
			      x->mm_id == y->mm_id && x->walk_reads == y->walk_reads &&
			      !memcmp(x->psc_hits, y->psc_hits, sizeof(x->psc_hits)) && !memcmp(x->psc, y->psc, sizeof(x->psc)),
			      "counts of CPU %u", cpu);
		ck_assert_msg(!memcmp(x->l2.set, y->l2.set, (x->l2.set_mask + 1) * sizeof(*x->l2.set)), "L2 of CPU %u", cpu);
		for (int k = 0; k < MM_NR_TLB_KINDS; k++)
			for (uint32_t i = 0; i < (x->a[k].set_mask + 1) * x->a[k].ways; i++)
				ck_assert_msg(x->a[k].e[i].tag == y->a[k].e[i].tag &&
					      x->a[k].e[i].leaf == y->a[k].e[i].leaf,
					      "entry %u of array %d of CPU %u", i, k, cpu);
	}
}

/* Accessed and dirty bits too */
static void same_tables(const struct mm_machine *a, const struct mm_machine *b)
{
	for (size_t i = 0; i < 2; i++)
		for (uint64_t page = 0; page < FEW_PAGES; page += 512) {
			const mm_pte_t *x = mm_pmd_offset(a->tasks.v[i]->mm, 0x100000000000 + page * MM_PAGE_SIZE);
			const mm_pte_t *y = mm_pmd_offset(b->tasks.v[i]->mm, 0x100000000000 + page * MM_PAGE_SIZE);

			ck_assert_int_eq(!x, !y);
			if (!x)
				continue;
			ck_assert_uint_eq(*x, *y);
			for (unsigned int k = 0; mm_pmd_is_table(*x) && k < MM_PTRS_PER_TABLE; k++)
				ck_assert_uint_eq(*mm_table_entry(&a->virt, mm_pte_pfn(*x), k),
						  *mm_table_entry(&b->virt, mm_pte_pfn(*y), k));
		}
}

/* Loop: seeds, and presets of the TLB */
START_TEST(short_way_is_the_long_way)
{
	struct mm_event *ev = calloc(2 * NR_ACCESSES, sizeof(*ev));
	struct mm_machine *first;
	struct mm_machine_config cfg;
	size_t short_ways;

	ck_assert_ptr_nonnull(ev);
	random_accesses(ev, (uint64_t)_i + 1);
	memcpy(ev + NR_ACCESSES, ev, NR_ACCESSES * sizeof(*ev));
	small_machine(&cfg);
	cfg.nr_cpus = 2;
	cfg.memory_max_bytes = (uint64_t)(_i % 3) << 19;	/* none, 512 KiB and more: pages come and go */
	cfg.tlb = mm_tlb_presets[_i % 5].name;
	first = run_accesses(&cfg, ev, &short_ways);
	ck_assert_uint_eq(short_ways, 0);
	cfg.check = false;
	run_accesses(&cfg, ev + NR_ACCESSES, &short_ways);
	ck_assert_msg(short_ways > NR_ACCESSES / 8, "only %zu rows took the short way", short_ways);
	ck_assert(!memcmp(mm_machine_vmstat(first), mm_machine_vmstat(machine), sizeof(struct mm_vmstat)));
	ck_assert_uint_eq(first->nr_events, machine->nr_events);
	ck_assert_uint_eq(first->ctx.now_ns, machine->ctx.now_ns);
	for (size_t i = 0; i < 2; i++)
		ck_assert_uint_eq(first->tasks.v[i]->accesses, machine->tasks.v[i]->accesses);
	for (size_t i = 0; i < NR_ACCESSES; i++)
		ck_assert_msg(ev[i].present == ev[NR_ACCESSES + i].present &&
			      ev[i].result_word.p == ev[NR_ACCESSES + i].result_word.p,
			      "result of row %zu", i);
	same_tlbs(first, machine);
	same_tables(first, machine);
	mm_machine_free(first);
	mm_region_list_free(&cfg.regions);
	free(ev);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("machine");
	TCase *tc = tcase_create("rules"), *random_tc = tcase_create("random");
	SRunner *sr = srunner_create(s);
	int failed;

	suite_add_tcase(s, tc);
	tcase_add_checked_fixture(tc, NULL, teardown);
	tcase_add_loop_test(tc, sysctl_set, 0, sizeof(sysctl_cases) / sizeof(sysctl_cases[0]));
	tcase_add_test(tc, sysctl_nearest);
	tcase_add_test(tc, lowmem_reserve_ratio);
	tcase_add_test(tc, nearest_word);
	tcase_add_test(tc, tasks_by_pid);
	suite_add_tcase(s, random_tc);
	tcase_add_checked_fixture(random_tc, NULL, teardown);
	tcase_set_timeout(random_tc, 60);
	tcase_add_loop_test(random_tc, random_under_check, 0, 6);
	tcase_add_loop_test(random_tc, nothing_leaks, 0, 3);
	tcase_add_loop_test(random_tc, short_way_is_the_long_way, 0, 6);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
