/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a captured machine begins with, as rows of a trace and back, in any order of the rows.  The oracle: it is what it was.
 */
#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libmm/captured.h>
#include <libmm/table.h>

#include "base/rng.h"

enum { ROUNDS = 400, MAX_ROWS = 4096 };

static struct mm_rng rng;
static struct mm_error err;
static struct mm_input *in;
static struct mm_trace_reader *reader;
static struct mm_output out;
static struct mm_trace_writer writer = { &out, MM_TC_BIT(EVENT) | MM_TC_BIT(NAME) | MM_TC_BIT(RESULT) };
static struct mm_event rows[MAX_ROWS];

static uint64_t below(uint64_t n) { return mm_rng_below(&rng, n); }
/* Small, large, nothing, or not told. */
static uint64_t any(void)
{
	static const uint64_t most[] = { 1, 2, 1000, UINT64_MAX };

	return below(5) ? below(most[below(4)]) : MM_MISSING_U64;
}

static void setup(void)
{
	rng = (struct mm_rng){ 7 };
	ck_assert_int_eq(mm_output_init(&out, -1), 0);
}

static void teardown(void)
{
	mm_trace_reader_free(reader);
	mm_input_free(in);
	mm_output_finish(&out);
	reader = NULL;
	in = NULL;
}

static void write_row(const struct mm_event *ev, void *arg)
{
	(void)arg;
	mm_trace_writer_row(&writer, ev);
}

/* What was written, as a command behind it reads it, shuffled if @mix. */
static size_t read_back(bool mix)
{
	size_t nr = 0;
	long n;

	mm_trace_reader_free(reader);
	mm_input_free(in);
	ck_assert_int_eq(mm_input_open_memory(&in, "rows", out.buf, out.len), 0);
	ck_assert_msg(!mm_trace_reader_new(&reader, in, &(struct mm_trace_options){ 0 }, &err), "%s", err.text);
	while ((n = mm_trace_read(reader, rows + nr, MAX_ROWS - nr, &err)) > 0)		/* one block: the slices stay */
		nr += (size_t)n;
	ck_assert_msg(!n && nr < MAX_ROWS, "%s", err.text);
	for (size_t i = nr; mix && i > 1; i--) {
		size_t k = below(i);
		struct mm_event ev = rows[k];

		rows[k] = rows[i - 1];
		rows[i - 1] = ev;
	}
	return nr;
}

/* ---- zones ---- */

static const char *const zones[] = { "DMA", "DMA32", "Normal", "Movable" };
static const char *const types[] = { "Unmovable", "Movable", "Reclaimable", "HighAtomic" };

static void make_zone(struct mm_captured *c, uint32_t node, const char *name)
{
	struct mm_zoneinfo_row *z = &c->zones.v[c->zones.nr++];
	uint64_t *const told[] = { &z->start_pfn, &z->boost_pages, &z->min_pages, &z->low_pages, &z->high_pages,
		&z->slab_reclaimable_pages, &z->pcp_count, &z->lru_pages[0], &z->lru_pages[1], &z->lru_pages[2], &z->lru_pages[3],
		&z->lru_pages[4], &z->spanned_pages };

	*z = (struct mm_zoneinfo_row){ .node = node, .nr_protection = (uint32_t)below(MM_ZONEINFO_PROTECTIONS + 1) };
	strcpy(z->zone, name);
	for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++)
		*told[i] = any();
	z->present_pages = z->spanned_pages == MM_MISSING_U64 || !below(4) ? MM_MISSING_U64 : below(z->spanned_pages + 1);
	z->managed_pages = !below(4) ? MM_MISSING_U64 : z->present_pages == MM_MISSING_U64 ? any() : below(z->present_pages + 1);
	z->free_pages = z->managed_pages == MM_MISSING_U64 || !below(4) ? MM_MISSING_U64 : below(z->managed_pages + 1);
	for (uint32_t i = 0; i < z->nr_protection; i++)
		z->protection[i] = any();
}

static void make_blocks(struct mm_buddyinfo *bi, uint32_t node, const char *zone, const char *type, uint32_t nr_orders)
{
	struct mm_buddyinfo_row *r = &bi->v[bi->nr++];

	*r = (struct mm_buddyinfo_row){ .node = node, .nr_orders = nr_orders };
	strcpy(r->zone, zone);
	strcpy(r->migratetype, type);
	for (uint32_t o = 0; o < nr_orders; o++) {
		r->blocks[o] = below(2) ? below(MM_BUDDYINFO_MAX_PAGES >> o) : 0;
		r->capped |= !below(9) ? 1u << o : 0;
	}
}

static void make_pageblocks(struct mm_buddyinfo *bi, uint32_t node, const char *zone, const char *type)
{
	struct mm_pageblock_row *r = &bi->types[bi->nr_types++];

	*r = (struct mm_pageblock_row){ .node = node, .pageblocks = any() / 2 };
	strcpy(r->zone, zone);
	strcpy(r->migratetype, type);
}

static void make(struct mm_captured *c)
{
	uint32_t nr_orders = 1 + (uint32_t)below(MM_BUDDYINFO_MAX_ORDERS);
	bool typed = below(2), pageblocks = typed && below(2), totals = below(2);

	c->zones.v = calloc(8, sizeof(*c->zones.v));
	c->types.v = calloc(32, sizeof(*c->types.v));
	c->types.types = calloc(32, sizeof(*c->types.types));
	c->blocks.v = calloc(8, sizeof(*c->blocks.v));
	c->types.pageblock_order = pageblocks ? (uint32_t)below(MM_BUDDYINFO_MAX_ORDERS) : MM_PAGEBLOCK_ORDER;
	for (uint32_t i = 0; i < 8; i++) {
		uint32_t node = i / 4 * 63;

		if (i && !below(3))
			continue;
		make_zone(c, node, zones[i % 4]);
		for (int t = 0; typed && t < 4; t++)
			make_blocks(&c->types, node, zones[i % 4], types[t], nr_orders);
		for (int t = 0; pageblocks && t < 4; t++)
			make_pageblocks(&c->types, node, zones[i % 4], types[t]);
		if (totals)
			make_blocks(&c->blocks, node, zones[i % 4], "", nr_orders);
	}
	c->has_blocks = typed || totals;
}

static uint64_t zero(uint64_t v) { return v == MM_MISSING_U64 ? 0 : v; }

static void ck_zone(const struct mm_zoneinfo_row *a, const struct mm_zoneinfo_row *b)
{
	bool told = a->present_pages != b->present_pages;

	ck_assert_ptr_nonnull(b);
	ck_assert_msg(!told || (a->present_pages == MM_MISSING_U64 && !b->present_pages), "%s: present", a->zone);
	ck_assert_msg(a->start_pfn == b->start_pfn && a->spanned_pages == b->spanned_pages && a->managed_pages == b->managed_pages &&
		      a->free_pages == b->free_pages && a->min_pages == b->min_pages && a->low_pages == b->low_pages &&
		      a->high_pages == b->high_pages && a->slab_reclaimable_pages == b->slab_reclaimable_pages &&
		      a->nr_protection == b->nr_protection && zero(a->boost_pages) == zero(b->boost_pages) &&
		      zero(a->pcp_count) == zero(b->pcp_count) && !memcmp(a->protection, b->protection, sizeof(a->protection)),
		      "%" PRIu32 "/%s differs", a->node, a->zone);
	for (int i = 0; i < 5; i++)
		ck_assert_uint_eq(zero(a->lru_pages[i]), zero(b->lru_pages[i]));
}

static void ck_blocks(const struct mm_buddyinfo *a, const struct mm_buddyinfo *b)
{
	ck_assert_uint_eq(a->nr, b->nr);
	ck_assert_uint_eq(a->nr_types, b->nr_types);
	for (size_t i = 0; i < a->nr; i++) {
		size_t k = 0;

		while (k < b->nr && (a->v[i].node != b->v[k].node || strcmp(a->v[i].zone, b->v[k].zone) ||
				     strcmp(a->v[i].migratetype, b->v[k].migratetype)))
			k++;
		ck_assert_msg(k < b->nr && a->v[i].nr_orders == b->v[k].nr_orders && a->v[i].capped == b->v[k].capped &&
			      !memcmp(a->v[i].blocks, b->v[k].blocks, sizeof(a->v[i].blocks)), "%" PRIu32 "/%s/%s", a->v[i].node,
			      a->v[i].zone, a->v[i].migratetype);
	}
	for (size_t i = 0; i < a->nr_types; i++) {
		size_t k = 0;

		while (k < b->nr_types && memcmp(&a->types[i], &b->types[k], sizeof(a->types[i])))
			k++;
		ck_assert_msg(k < b->nr_types, "pageblocks of %" PRIu32 "/%s/%s", a->types[i].node, a->types[i].zone,
			      a->types[i].migratetype);
	}
}

START_TEST(zones_come_back)
{
	for (int round = 0; round < ROUNDS; round++) {
		struct mm_captured c = { 0 }, back = { 0 };
		size_t nr;

		make(&c);
		out.len = 0;
		mm_trace_writer_header(&writer);
		mm_captured_rows(&c, write_row, NULL);
		nr = read_back(round & 1);
		for (size_t i = 0; i < nr; i++)
			ck_assert_msg(!mm_captured_add(&back, &rows[i], &err), "%.*s: %s", (int)out.len, out.buf, err.text);
		ck_assert_uint_eq(back.zones.nr, c.zones.nr);
		for (size_t i = 0; i < c.zones.nr; i++)
			ck_zone(&c.zones.v[i], mm_zoneinfo_find(&back.zones, c.zones.v[i].node, c.zones.v[i].zone));
		ck_blocks(&c.types, &back.types);
		ck_blocks(&c.blocks, &back.blocks);
		ck_assert_uint_eq(back.has_blocks, c.has_blocks);
		ck_assert_uint_eq(back.types.pageblock_order, c.types.pageblock_order);
		mm_captured_free(&c);
		mm_captured_free(&back);
	}
}
END_TEST

/* ---- the boot ---- */

static void make_facts(struct mm_boot_facts *f)
{
	*f = (struct mm_boot_facts){
		.kernelcore_bytes = below(2) * below(UINT64_MAX), .movablecore_bytes = below(2) * below(UINT64_MAX),
		.kernelcore_percent = below(101), .movablecore_percent = below(101), .kernelcore_mirror = below(2),
		.movable_node = below(2),
		.ramdisk_addr = below(2) * below(UINT64_MAX), .managed_bytes = below(2) * below(UINT64_MAX),
		.kernel_bytes = below(2) * below(UINT64_MAX), .node_data_bytes = below(2) * below(UINT64_MAX),
		.percpu_bytes = below(2) * below(UINT64_MAX), .nr_cpus = (uint32_t)below(MM_MAX_CPUS + 1),
		.nr_distance = below(2) ? MM_MAX_NODES : 0,
	};
	for (uint32_t c = 0; c < f->nr_cpus; c++)
		f->cpu_node[c] = (uint8_t)below(MM_MAX_NODES);
	for (uint32_t i = 0; f->nr_distance && i < MM_MAX_NODES * MM_MAX_NODES; i++)
		f->node_distance[i] = i % (MM_MAX_NODES + 1) == 0 ? 10 : 20;
	for (uint64_t n = f->nr_distance ? below(9) : 0; n--; )
		f->node_distance[below(MM_MAX_NODES * MM_MAX_NODES)] = (uint8_t)below(256);
}

START_TEST(the_boot_comes_back)
{
	for (int round = 0; round < ROUNDS; round++) {
		static struct mm_boot_facts f, back;
		size_t nr;

		make_facts(&f);
		memset(&back, 0, sizeof(back));
		out.len = 0;
		mm_trace_writer_header(&writer);
		mm_captured_boot_rows(&f, write_row, NULL);
		nr = read_back(round & 1);
		for (size_t i = 0; i < nr; i++)
			ck_assert_msg(!mm_captured_add_boot(&back, &rows[i], &err), "%.*s: %s", (int)out.len, out.buf, err.text);
		ck_assert_msg(!memcmp(&f, &back, sizeof(f)), "round %d:\n%.*s", round, (int)out.len, out.buf);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("captured_rows");
	TCase *tc = tcase_create("rows");
	SRunner *sr;
	int nr;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, zones_come_back);
	tcase_add_test(tc, the_boot_comes_back);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	nr = srunner_ntests_failed(sr);
	srunner_free(sr);
	return nr != 0;
}
