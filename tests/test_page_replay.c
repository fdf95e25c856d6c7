/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Replaying page events: on a machine that decides itself, and on lists that
 * follow a recording.
 */
#include <errno.h>
#include <stdio.h>

#include <libmm/machine.h>

#include "phys/replay.h"
#include "small_phys.h"

/* ---- lists that follow ---- */

static struct small_phys *s;

static void setup_lists(void)
{
	s = small_phys_new(&(struct small_zone){ 0, MM_ZONE_DMA32, 0x1000, 2048, 0, 0, 0, 1, 0 }, 1, 1);
}

static void teardown_lists(void)
{
	ck_assert(mm_phys_is_consistent(&s->phys));
	small_phys_free(s);
}

static uint64_t blocks(unsigned int order) { return s->phys.zone_table[0]->free_area[order].nr_free; }

/* Page 5 out of a block of 1024: what is left is 0-3, 4, 6-7, 8-15, 16-31 ... 512-1023. */
START_TEST(take_from_the_middle)
{
	ck_assert_int_eq(mm_take_free_pages(&s->phys, 0x1005, 0, MM_MIGRATE_UNMOVABLE), 0);
	ck_assert_uint_eq(blocks(0), 1);
	ck_assert_uint_eq(blocks(1), 1);
	for (unsigned int o = 2; o < 10; o++)
		ck_assert_uint_eq(blocks(o), 1);
	ck_assert_uint_eq(blocks(10), 1);
	ck_assert_uint_eq(s->phys.zone_table[0]->free_area[0].free_list[MM_MIGRATE_UNMOVABLE].head, 0x1004);
	ck_assert_int_eq(mm_take_free_pages(&s->phys, 0x1005, 0, MM_MIGRATE_UNMOVABLE), -ENOENT);
	ck_assert_int_eq(mm_take_free_pages(&s->phys, 0x1004, 1, MM_MIGRATE_TYPES), -ENOENT);
	ck_assert_int_eq(mm_put_free_pages(&s->phys, 0x1005, 0, MM_MIGRATE_MOVABLE), 0);
	ck_assert_uint_eq(blocks(10), 2);
}
END_TEST

START_TEST(impossible_blocks)
{
	ck_assert_int_eq(mm_take_free_pages(&s->phys, 0x1001, 1, 0), -EINVAL);		/* not aligned */
	ck_assert_int_eq(mm_take_free_pages(&s->phys, 0xffe, 1, 0), -EINVAL);		/* below the zone */
	ck_assert_int_eq(mm_take_free_pages(&s->phys, 0x1800, 0, 0), -EINVAL);		/* beyond it */
	ck_assert_int_eq(mm_take_free_pages(&s->phys, MM_PFN_NONE, 0, 0), -EINVAL);
	ck_assert_int_eq(mm_take_free_pages(&s->phys, 0x1000, 11, 0), -EINVAL);
	ck_assert_int_eq(mm_put_free_pages(&s->phys, 0x1000, 0, 0), -EEXIST);
	ck_assert_uint_eq(blocks(10), 2);
}
END_TEST

START_TEST(random_takes_against_bitmap)
{
	static unsigned char taken[2048];
	struct mm_rng rng = { 3 };

	memset(taken, 0, sizeof(taken));
	for (int i = 0; i < 100000; i++) {
		unsigned int order = (unsigned int)mm_rng_below(&rng, 5), n = 0, n2 = 0;
		uint32_t at = (uint32_t)mm_rng_below(&rng, 2048) & ~((1u << order) - 1);
		bool put = mm_rng_below(&rng, 2);
		int e = put ? mm_put_free_pages(&s->phys, 0x1000 + at, order, MM_MIGRATE_TYPES)
			    : mm_take_free_pages(&s->phys, 0x1000 + at, order, MM_MIGRATE_TYPES);

		for (uint32_t p = at; p < at + (1u << order); p++)
			n += taken[p];
		n2 = put ? 1u << order : 0;		/* how many must be taken for it to succeed */
		ck_assert_int_eq(e == 0, n == n2);
		if (!e)
			memset(&taken[at], !put, 1u << order);
		if (i % 10000 == 0)
			ck_assert(mm_phys_is_consistent(&s->phys));
	}
}
END_TEST

/* ---- a machine that decides ---- */

static struct mm_machine *m;
static struct mm_error err;

static void setup_machine(void)
{
	struct mm_machine_config cfg;

	mm_machine_config_init(&cfg);
	cfg.depth = MM_DEPTH_PHYS;
	cfg.check = true;
	ck_assert_msg(!mm_machine_new(&m, &cfg, &err), "%s", err.text);
}

static void teardown_machine(void)
{
	ck_assert_msg(!mm_machine_check(m, &err), "%s", err.text);
	mm_machine_free(m);
}

static struct mm_event row(enum mm_event_type type, uint64_t size, const char *flags, uint64_t result)
{
	struct mm_event ev = { .type = (uint16_t)type, .present = MM_TC_BIT(EVENT) };

	ev.size = size;
	ev.present |= size ? MM_TC_BIT(SIZE) : 0;
	ev.flags = (struct mm_str){ flags, flags ? strlen(flags) : 0 };
	ev.present |= flags ? MM_TC_BIT(FLAGS) : 0;
	if (result)
		mm_event_set_result(&ev, MM_RESULT_HEX, result);
	return ev;
}

static struct mm_event replay(enum mm_event_type type, uint64_t size, const char *flags, uint64_t result)
{
	struct mm_event ev = row(type, size, flags, result);

	ck_assert_msg(!mm_machine_event(m, &ev, &err), "%s", err.text);
	return ev;
}

static uint64_t skipped(const char *what)
{
	size_t nr;
	const struct mm_skip *k = mm_machine_skips(m, &nr);

	for (size_t i = 0; i < nr; i++)
		if (!strcmp(k[i].what, what))
			return k[i].count;
	return 0;
}

static int64_t nr_free(void) { return mm_machine_vmstat(m)->v[MM_NR_FREE_PAGES]; }

START_TEST(frames_are_mapped)
{
	struct mm_event a = replay(MM_EV_PAGE_ALLOC, 4096 << 4, "GFP_KERNEL", 0x111110), b;
	int64_t before = nr_free();

	ck_assert_int_eq(a.result_kind, MM_RESULT_HEX);
	ck_assert_uint_ne(a.result, 0x111110);
	b = replay(MM_EV_PAGE_FREE, 4096 << 4, NULL, 0x111110);
	ck_assert_uint_eq(a.result, b.result);
	ck_assert_int_eq(nr_free(), before + 16);
	ck_assert_uint_eq(skipped("blocks that got another page frame than recorded"), 1);
	/* what came out names this machine's frames: read again, it is the same */
	a = replay(MM_EV_PAGE_ALLOC, 4096 << 4, "GFP_KERNEL", a.result);
	ck_assert_uint_eq(a.result, b.result);
	ck_assert_uint_eq(skipped("blocks that got the recorded page frame"), 1);
	replay(MM_EV_PAGE_FREE, 4096 << 4, NULL, a.result);
}
END_TEST

START_TEST(freed_or_taken_twice)
{
	replay(MM_EV_PAGE_ALLOC, 4096, "GFP_KERNEL", 0x1234);
	replay(MM_EV_PAGE_FREE, 4096, NULL, 0x1234);
	replay(MM_EV_PAGE_FREE, 4096, NULL, 0x1234);
	replay(MM_EV_PAGE_FREE, 4096, NULL, UINT64_MAX);
	ck_assert_uint_eq(skipped("frees of pages that the recording did not allocate"), 2);
	replay(MM_EV_PAGE_ALLOC, 4096, "GFP_KERNEL", 0x1234);
	replay(MM_EV_PAGE_ALLOC, 8192, "GFP_KERNEL", 0x1234);
	ck_assert_uint_eq(skipped("pages allocated twice without a free between"), 1);
	replay(MM_EV_PAGE_FREE, 4096, NULL, 0x1234);
}
END_TEST

/* vmalloc() takes a block, splits it, and frees single pages. */
START_TEST(freed_in_parts)
{
	int64_t before;

	replay(MM_EV_PAGE_ALLOC, 4096 << 5, "GFP_KERNEL", 0x2000);
	before = nr_free();
	for (uint64_t i = 0; i < 32; i++)
		replay(MM_EV_PAGE_FREE, 4096, NULL, 0x2000 + (i * 7 & 31));
	ck_assert_uint_eq(skipped("frees of pages that the recording did not allocate"), 0);
	ck_assert_int_ge(nr_free(), before);
	replay(MM_EV_PAGE_FREE, 4096, NULL, 0x2000);
	ck_assert_uint_eq(skipped("frees of pages that the recording did not allocate"), 1);
}
END_TEST

START_TEST(facts_change_nothing)
{
	struct mm_vmstat before;

	replay(MM_EV_PAGE_ALLOC, 4096, "GFP_KERNEL", 0);
	before = *mm_machine_vmstat(m);
	replay(MM_EV_PAGE_ALLOC, 4096, "ZONE_LOCKED|MIGRATE_MOVABLE|PERCPU_REFILL", 0x1000);
	replay(MM_EV_PAGE_ALLOC, 4096, "EXTFRAG|MIGRATE_MOVABLE|FROM_UNMOVABLE", 0x1000);
	replay(MM_EV_PAGE_FREE, 4096, "PCPU_DRAIN|MIGRATE_MOVABLE", 0x1000);
	replay(MM_EV_PAGE_FREE, 4096, "BATCHED", 0x1000);
	ck_assert_mem_eq(&before, mm_machine_vmstat(m), sizeof(before));
}
END_TEST

/* What comes back to the buddy lists while single pages are freed is told page by page, as mm_page_pcpu_drain does. */
START_TEST(drains_are_told)
{
	struct mm_machine_config cfg;
	uint64_t pages = 0, frames[2000];

	mm_machine_free(m);
	mm_machine_config_init(&cfg);
	cfg.depth = MM_DEPTH_PHYS;
	cfg.effects = true;
	cfg.ram_bytes = 64 << 20;		/* a CPU's lists hold some hundred pages */
	ck_assert_int_eq(mm_machine_new(&m, &cfg, &err), 0);
	for (int i = 0; i < 2000; i++)
		frames[i] = replay(MM_EV_PAGE_ALLOC, 4096, "GFP_HIGHUSER_MOVABLE", 0).result;
	for (int i = 0; i < 2000; i++) {
		int64_t before = nr_free();
		const struct mm_event *fx;
		uint64_t drained = 0;
		size_t nr;

		replay(MM_EV_PAGE_FREE, 4096, NULL, frames[i]);
		fx = mm_machine_effects(m, &nr);
		for (size_t k = 0; k < nr; k++) {
			ck_assert_int_eq(fx[k].type, MM_EV_PCP_DRAIN);
			ck_assert_int_eq(fx[k].by, MM_BY_BUDDY);
			ck_assert_int_eq(fx[k].result_kind, MM_RESULT_HEX);
			drained += fx[k].size / 4096;
		}
		ck_assert_int_eq(nr_free() - before, (int64_t)drained);
		pages += drained;
	}
	ck_assert_uint_gt(pages, 0);
}
END_TEST

static const struct bad_row {
	enum mm_event_type type;
	uint64_t size;
	const char *flags;
	uint64_t result;
	const char *said;
} bad_rows[] = {
	{ MM_EV_PAGE_ALLOC, 4097, "GFP_KERNEL", 0, "page_alloc: expected a size of 4096 << 0..10 bytes, found 4097" },
	{ MM_EV_PAGE_ALLOC, 8388608, "GFP_KERNEL", 0, "page_alloc: expected a size of 4096 << 0..10 bytes, found 8388608" },
	{ MM_EV_PAGE_ALLOC, UINT64_MAX, "GFP_KERNEL", 0, "page_alloc: expected a size of 4096 << 0..10 bytes, found 18446744073709551615" },
	{ MM_EV_PAGE_ALLOC, 4096, "GFP_KERNELS", 0, "page_alloc: expected GFP words, found 'GFP_KERNELS'" },
	{ MM_EV_PAGE_FREE, 4096, NULL, 0, "page_free: expected a page frame number in result, found none" },
};
START_TEST(bad_rows_are_told)
{
	const struct bad_row *c = &bad_rows[_i];
	struct mm_event ev = row(c->type, c->size, c->flags, c->result);

	ck_assert_int_eq(mm_machine_event(m, &ev, &err), -EINVAL);
	ck_assert_str_eq(err.text, c->said);
}
END_TEST

/* Far more than there is: every request beyond memory says ENOMEM. */
START_TEST(more_than_there_is)
{
	unsigned int failed = 0;

	mm_machine_free(m);
	m = NULL;
	struct mm_machine_config cfg;

	mm_machine_config_init(&cfg);
	cfg.depth = MM_DEPTH_PHYS;
	ck_assert_int_eq(mm_machine_new(&m, &cfg, &err), 0);
	for (int i = 0; i < 1100; i++) {
		struct mm_event ev = replay(MM_EV_PAGE_ALLOC, 4096 << 10, "GFP_HIGHUSER_MOVABLE|__GFP_NORETRY", 0);

		failed += ev.result_kind == MM_RESULT_WORD;
	}
	ck_assert_uint_gt(failed, 70);		/* 4 GiB are 1024 such blocks */
	ck_assert_uint_lt(failed, 200);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("page_replay");
	TCase *lists = tcase_create("lists"), *machine = tcase_create("machine");
	SRunner *sr = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(lists, setup_lists, teardown_lists);
	tcase_add_test(lists, take_from_the_middle);
	tcase_add_test(lists, impossible_blocks);
	tcase_add_test(lists, random_takes_against_bitmap);
	suite_add_tcase(suite, lists);
	tcase_add_checked_fixture(machine, setup_machine, teardown_machine);
	tcase_add_test(machine, frames_are_mapped);
	tcase_add_test(machine, freed_or_taken_twice);
	tcase_add_test(machine, freed_in_parts);
	tcase_add_test(machine, facts_change_nothing);
	tcase_add_test(machine, drains_are_told);
	tcase_add_loop_test(machine, bad_rows_are_told, 0, (int)(sizeof(bad_rows) / sizeof(bad_rows[0])));
	tcase_add_test(machine, more_than_there_is);
	tcase_set_timeout(machine, 30);
	suite_add_tcase(suite, machine);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
