/* SPDX-License-Identifier: GPL-2.0-or-later */
/* memblock against a map with one cell a byte, and the rules of 6.6 on hand-made cases */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "phys/memblock.h"

static struct mm_memblock mb;

static void setup(void) { mb = (struct mm_memblock){ 0 }; }

static void teardown(void)
{
	ck_assert(mm_memblock_is_consistent(&mb));
	mm_memblock_free(&mb);
}

static void ck_regions(const struct mm_memblock_type *t, size_t nr, const uint64_t (*want)[2], const char *why)
{
	ck_assert_msg(t->nr == nr, "%s: %zu regions, expected %zu", why, t->nr, nr);
	for (size_t i = 0; i < nr; i++)
		ck_assert_msg(t->v[i].base == want[i][0] && t->v[i].base + t->v[i].size == want[i][1],
			      "%s: region %zu is %#jx-%#jx",
			      why, i, (uintmax_t)t->v[i].base, (uintmax_t)(t->v[i].base + t->v[i].size));
}

/* What is already there keeps its node: only the gaps come in (memblock_add_range()). */
START_TEST(add_fills_gaps)
{
	ck_assert_int_eq(mm_memblock_add_range(&mb.memory, 0x1000, 0x1000, 1), 0);
	ck_assert_int_eq(mm_memblock_add_range(&mb.memory, 0x3000, 0x1000, 1), 0);
	ck_assert_int_eq(mm_memblock_add_range(&mb.memory, 0, 0x5000, 2), 0);
	ck_regions(&mb.memory, 5, (const uint64_t[][2]){ { 0, 0x1000 }, { 0x1000, 0x2000 }, { 0x2000, 0x3000 },
		{ 0x3000, 0x4000 },
			{ 0x4000, 0x5000 } }, "gaps around two regions of another node");
	ck_assert_uint_eq(mb.memory.v[1].node, 1);
	ck_assert_uint_eq(mb.memory.v[2].node, 2);
}
END_TEST

START_TEST(neighbours_merge)
{
	mm_memblock_add(&mb, 0x2000, 0x1000);
	mm_memblock_add(&mb, 0x1000, 0x1000);
	mm_memblock_add(&mb, 0x3000, 0x1000);
	ck_regions(&mb.memory, 1, (const uint64_t[][2]){ { 0x1000, 0x4000 } }, "three that touch");
	mm_memblock_set_node(&mb.memory, 0x2000, 0x1000, 3);
	ck_regions(&mb.memory, 3, (const uint64_t[][2]){ { 0x1000, 0x2000 }, { 0x2000, 0x3000 }, { 0x3000, 0x4000 } },
		   "split by node");
	mm_memblock_set_node(&mb.memory, 0, UINT64_MAX, 3);
	ck_regions(&mb.memory, 1, (const uint64_t[][2]){ { 0x1000, 0x4000 } }, "one node again");
	mm_memblock_mark_hotplug(&mb, 0x1800, 0x100);
	ck_assert_uint_eq(mb.memory.nr, 3);
	mm_memblock_clear_hotplug(&mb, 0x1000, 0x1000);
	ck_assert_uint_eq(mb.memory.nr, 1);
}
END_TEST

/* A size that would wrap is cut at the end of the address space (memblock_cap_size()). */
START_TEST(sizes_that_wrap)
{
	mm_memblock_add(&mb, UINT64_MAX - 0xfff, UINT64_MAX);
	ck_regions(&mb.memory, 1, (const uint64_t[][2]){ { UINT64_MAX - 0xfff, UINT64_MAX } }, "up to the end");
	mm_memblock_add(&mb, 0, 0);
	mm_memblock_add(&mb, UINT64_MAX, 1);
	ck_assert_uint_eq(mb.memory.nr, 1);
	mm_memblock_trim_memory(&mb, 4096);
	ck_assert_uint_eq(mb.memory.nr, 0);	/* its last page ends a byte early */
}
END_TEST

/* memblock_trim_memory(): e820 of a PC: 0x9fc00 is in the middle of a page. */
START_TEST(trim_to_pages)
{
	mm_memblock_add(&mb, 0x1000, 0x9fc00 - 0x1000);
	mm_memblock_add(&mb, 0xa0100, 0x200);
	mm_memblock_add(&mb, 0x100800, 0x3000);
	mm_memblock_trim_memory(&mb, 4096);
	ck_regions(&mb.memory, 2, (const uint64_t[][2]){ { 0x1000, 0x9f000 }, { 0x101000, 0x103000 } }, "cut inwards");
	ck_assert_uint_eq(mb.memory.total_bytes, 0x9e000 + 0x2000);
}
END_TEST

static const struct find_case {
	const char *why;
	uint64_t size, align, start, end;
	uint32_t node;
	uint64_t want;
} find_cases[] = {	/* memory 0-0x10000 node 0, 0x20000-0x28000 node 1; reserved 0x4000-0x6000, 0x26000-0x27000 */
	{ "top-down takes the end",		0x1000, 0x1000, 0, UINT64_MAX, MM_NODE_NONE, 0x27000 },
	{ "top-down rounds its end down",	0x800, 0x1000, 0, UINT64_MAX, MM_NODE_NONE, 0x27000 },
	{ "does not fit above 0x27000",		0x1800, 0x1000, 0, UINT64_MAX, MM_NODE_NONE, 0x24000 },
	{ "only the first node is large enough", 0x8000, 0x1000, 0, UINT64_MAX, MM_NODE_NONE, 0x8000 },
	{ "of node 0",				0x1000, 0x1000, 0, UINT64_MAX, 0, 0xf000 },
	{ "below a limit",			0x1000, 0x1000, 0, 0x7000, 0, 0x6000 },
	{ "alignment beats the top",		0x1000, 0x8000, 0, 0xf000, 0, 0x8000 },
	{ "nothing of that size",		0x20000, 0x1000, 0, UINT64_MAX, MM_NODE_NONE, 0 },
	{ "size 0 is never found",		0, 0x1000, 0, UINT64_MAX, MM_NODE_NONE, 0 },
	{ "range upside down",			0x1000, 0x1000, 0x8000, 0x4000, MM_NODE_NONE, 0 },
};

START_TEST(find_places)
{
	const struct find_case *c = &find_cases[_i];
	uint64_t found;

	mm_memblock_add_range(&mb.memory, 0, 0x10000, 0);
	mm_memblock_add_range(&mb.memory, 0x20000, 0x8000, 1);
	mm_memblock_reserve(&mb, 0x4000, 0x2000);
	mm_memblock_reserve(&mb, 0x26000, 0x1000);
	found = mm_memblock_find_in_range(&mb, c->size, c->align, c->start, c->end, c->node);
	ck_assert_msg(found == c->want, "%s: found %#jx", c->why, (uintmax_t)found);
}
END_TEST

/* Alloc on a node that is full: another node unless it must be this one. */
START_TEST(alloc_falls_back)
{
	uint64_t at = 7;

	mm_memblock_add_range(&mb.memory, 0x1000, 0x1000, 0);
	mm_memblock_add_range(&mb.memory, 0x2000, 0x1000, 1);
	mm_memblock_reserve(&mb, 0x2000, 0x1000);
	ck_assert_int_eq(mm_memblock_alloc_range(&mb, 0x1000, 0x1000, 0, UINT64_MAX, 1, true, &at), -ENOSPC);
	ck_assert_uint_eq(at, 7);
	ck_assert_int_eq(mm_memblock_alloc_range(&mb, 0x1000, 0x1000, 0, UINT64_MAX, 1, false, &at), 0);
	ck_assert_uint_eq(at, 0x1000);
	ck_assert_int_eq(mm_memblock_alloc_range(&mb, 1, 1, 0, UINT64_MAX, 1, false, &at), -ENOSPC);
}
END_TEST

/* The oracle: what each of 256 bytes is. */
enum { CELLS = 256 };
struct cells {
	uint8_t memory[CELLS], reserved[CELLS];	/* 0 no, else 1 + node + 8 * flags */
};

static void compare(const struct mm_memblock_type *t, const uint8_t *cell, int seed, int step)
{
	size_t r = 0;

	for (unsigned int i = 0; i < CELLS; i++) {
		uint8_t want = 0;

		while (r < t->nr && t->v[r].base + t->v[r].size <= i)
			r++;
		if (r < t->nr && t->v[r].base <= i)
			want = (uint8_t)(1 + t->v[r].node + 8 * t->v[r].flags);
		if (want != cell[i])
			ck_abort_msg("seed %d step %d: byte %u is %u, expected %u", seed, step, i, want, cell[i]);
	}
}

static bool is_free(const struct cells *c, uint64_t at)
{
	return c->memory[at] && !c->reserved[at];
}

static void compare_free(const struct cells *c, int seed, int step)
{
	uint64_t cursor = 0, lo, hi, at = 0;

	while (mm_memblock_next_free(&mb, &cursor, MM_NODE_NONE, &lo, &hi)) {
		for (; at < lo; at++)
			if (is_free(c, at))
				ck_abort_msg("seed %d step %d: byte %u is free", seed, step, (unsigned int)at);
		for (; at < hi; at++)
			if (!is_free(c, at))
				ck_abort_msg("seed %d step %d: byte %u is not free", seed, step, (unsigned int)at);
	}
	for (; at < CELLS; at++)
		if (is_free(c, at))
			ck_abort_msg("seed %d step %d: byte %u is free", seed, step, (unsigned int)at);
}

static void random_step(struct cells *c, struct mm_rng *rng)
{
	unsigned int base = (unsigned int)mm_rng_below(rng, CELLS),
		size = (unsigned int)mm_rng_below(rng, CELLS - base);
	uint8_t node = (uint8_t)mm_rng_below(rng, 3);
	bool set = mm_rng_below(rng, 2);

	switch (mm_rng_below(rng, 6)) {
	case 0:
		mm_memblock_add_range(&mb.memory, base, size, node);
		for (unsigned int i = base; i < base + size; i++)
			c->memory[i] = c->memory[i] ? c->memory[i] : (uint8_t)(1 + node);
		break;
	case 1:
		mm_memblock_remove(&mb, base, size);
		memset(c->memory + base, 0, size);
		break;
	case 2:
		mm_memblock_add_range(&mb.reserved, base, size / 4, 0);
		for (unsigned int i = base; i < base + size / 4; i++)
			c->reserved[i] = 1;
		break;
	case 3:
		if (mm_rng_below(rng, 8))
			break;
		mm_memblock_free(&mb);
		*c = (struct cells){ 0 };
		break;
	case 4:
		mm_memblock_set_node(&mb.memory, base, size, node);
		for (unsigned int i = base; i < base + size; i++)
			c->memory[i] = c->memory[i] ? (uint8_t)(1 + node + (c->memory[i] - 1) / 8 * 8) : 0;
		break;
	default:
		set ? mm_memblock_mark_hotplug(&mb, base, size) : mm_memblock_clear_hotplug(&mb, base, size);
		for (unsigned int i = base; i < base + size; i++)
			c->memory[i] = c->memory[i] ? (uint8_t)((c->memory[i] - 1) % 8 + 1 +
								(set ? 8 * MM_MEMBLOCK_HOTPLUG : 0)) : 0;
	}
}

START_TEST(random_against_cells)
{
	struct mm_rng rng = { (uint64_t)_i };
	struct cells c = { 0 };

	for (int step = 0; step < 4000; step++) {
		random_step(&c, &rng);
		compare(&mb.memory, c.memory, _i, step);
		compare(&mb.reserved, c.reserved, _i, step);
		compare_free(&c, _i, step);
		if (!mm_memblock_is_consistent(&mb))
			ck_abort_msg("seed %d step %d", _i, step);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("memblock");
	TCase *tc = tcase_create("memblock");
	SRunner *sr = srunner_create(s);
	int failed;

	suite_add_tcase(s, tc);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, add_fills_gaps);
	tcase_add_test(tc, neighbours_merge);
	tcase_add_test(tc, sizes_that_wrap);
	tcase_add_test(tc, trim_to_pages);
	tcase_add_loop_test(tc, find_places, 0, (int)(sizeof(find_cases) / sizeof(find_cases[0])));
	tcase_add_test(tc, alloc_falls_back);
	tcase_add_loop_test(tc, random_against_cells, 0, 12);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
