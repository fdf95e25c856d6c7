/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a captured machine begins with: read below a sysroot, written as rows "zone" of a trace, and read from these.
 *
 *	proc/zoneinfo ...  -->  struct mm_captured  -->  rows  -->  struct mm_captured
 *
 * The two are the same, so whoever boots a machine need not know where they come from.  To that end the highest order of free
 * blocks has a row even if there are none, and a zone of which nothing is told has one that says that it is empty.
 */
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libmm/captured.h>
#include <libmm/csv.h>

#include "base/str.h"
#include "source/buddyinfo.h"
#include "source/captured.h"
#include "source/zoneinfo.h"

enum { MAX_ROWS = MM_MAX_NODES * 8 * 8, NAME_ROOM = 96 };	/* nodes, zones, migrate types */

/* Numbers of a zone that booting asks for. */
static const struct fact {
	const char *name;
	size_t member;
	bool may_be_none;		/* 0 is the same as not told */
} facts[] = {
#define FACT(name, member, may_be_none) { name, offsetof(struct mm_zoneinfo_row, member), may_be_none }
	FACT("start_pfn", start_pfn, false), FACT("spanned_pages", spanned_pages, false), FACT("present_pages", present_pages, false),
	FACT("managed_pages", managed_pages, false), FACT("free_pages", free_pages, false), FACT("boost_pages", boost_pages, true),
	FACT("min_pages", min_pages, false), FACT("low_pages", low_pages, false), FACT("high_pages", high_pages, false),
	FACT("inactive_anon_pages", lru_pages[0], true), FACT("active_anon_pages", lru_pages[1], true),
	FACT("inactive_file_pages", lru_pages[2], true), FACT("active_file_pages", lru_pages[3], true),
	FACT("unevictable_pages", lru_pages[4], true), FACT("slab_reclaimable_pages", slab_reclaimable_pages, false),
	FACT("pcp_pages", pcp_count, true),
#undef FACT
};
enum { NR_FACTS = sizeof(facts) / sizeof(facts[0]) };

static uint64_t *fact_of(struct mm_zoneinfo_row *row, size_t i) { return (uint64_t *)(void *)((char *)row + facts[i].member); }

/* ---- from files ---- */

int mm_captured_read_zones(struct mm_captured *c, const struct mm_sysroot *root, struct mm_error *err)
{
	struct mm_input *in;
	int e;

	if (!mm_sysroot_has(root, "proc/zoneinfo"))
		return 0;
	e = mm_sysroot_input(root, "proc/zoneinfo", &in, err);
	if (e)
		return e;
	e = mm_zoneinfo_read(&c->zones, in, err);
	mm_input_free(in);
	return e;
}

static int read_blocks(struct mm_buddyinfo *bi, const struct mm_sysroot *root, const char *path,
		       int (*read)(struct mm_buddyinfo *, struct mm_input *, struct mm_error *), struct mm_error *err)
{
	struct mm_input *in;
	int e = mm_sysroot_input(root, path, &in, err);

	if (e)
		return e;
	e = read(bi, in, err);
	if (e == -EINVAL && !in->consumed) {
		*err = (struct mm_error){ 0 };
		e = 0;
	}
	mm_input_free(in);
	return e;
}

int mm_captured_read_blocks(struct mm_captured *c, const struct mm_sysroot *root, struct mm_error *err)
{
	bool types = mm_sysroot_has(root, "proc/pagetypeinfo"),		/* it is root's alone on a live machine */
		blocks = mm_sysroot_has(root, "proc/buddyinfo");
	int e = types ? read_blocks(&c->types, root, "proc/pagetypeinfo", mm_pagetypeinfo_read, err) : 0;
	uint32_t capped = 0;

	c->has_blocks = types || blocks;
	for (size_t i = 0; i < c->types.nr; i++)
		capped |= c->types.v[i].capped;
	if (e || !blocks || (c->types.nr && !capped))
		return e;
	return read_blocks(&c->blocks, root, "proc/buddyinfo", mm_buddyinfo_read, err);
}

void mm_captured_free(struct mm_captured *c)
{
	mm_zoneinfo_free(&c->zones);
	mm_buddyinfo_free(&c->types);
	mm_buddyinfo_free(&c->blocks);
	*c = (struct mm_captured){ 0 };
}

/* ---- to rows ---- */

struct writer {
	void (*row)(const struct mm_event *ev, void *arg);
	void *arg;
	struct mm_event ev;
	char name[NAME_ROOM];
};

static struct mm_event *named(struct writer *w, int len)
{
	w->ev = (struct mm_event){ .type = MM_EV_ZONE, .name = { w->name, (size_t)len }, .present = MM_TC_BIT(EVENT) | MM_TC_BIT(NAME) };
	return &w->ev;
}

static void number_row(struct writer *w, int len, uint64_t value)
{
	mm_event_set_result(named(w, len), MM_RESULT_DEC, value);
	w->row(&w->ev, w->arg);
}

static void zone_rows(struct writer *w, struct mm_zoneinfo_row *z)
{
	char text[MM_ZONEINFO_PROTECTIONS * 21 + 1];
	size_t len = 0, told = z->nr_protection;

	for (size_t i = 0; i < NR_FACTS; i++) {
		uint64_t value = *fact_of(z, i);

		if (value == MM_MISSING_U64 || (!value && facts[i].may_be_none))
			continue;
		number_row(w, sprintf(w->name, "%" PRIu32 "/%s/%s", z->node, z->zone, facts[i].name), value);
		told++;
	}
	for (uint32_t i = 0; i < z->nr_protection; i++)
		len += (size_t)sprintf(text + len, i ? " %" PRIu64 : "%" PRIu64, z->protection[i]);
	if (len) {
		mm_event_set_word(named(w, sprintf(w->name, "%" PRIu32 "/%s/protection_pages", z->node, z->zone)), text, len);
		w->row(&w->ev, w->arg);
	}
	if (!told)
		number_row(w, sprintf(w->name, "%" PRIu32 "/%s/present_pages", z->node, z->zone), 0);
}

static void block_rows(struct writer *w, const struct mm_buddyinfo_row *r)
{
	char more[24];

	for (uint32_t o = 0; o < r->nr_orders; o++) {
		bool capped = r->capped >> o & 1;
		int len;

		if (!r->blocks[o] && !capped && o + 1 < r->nr_orders)
			continue;
		len = sprintf(w->name, "%" PRIu32 "/%s/free_blocks/%s%s%" PRIu32, r->node, r->zone, r->migratetype,
			      r->migratetype[0] ? "/" : "", o);
		if (!capped) {
			number_row(w, len, r->blocks[o]);
			continue;
		}
		mm_event_set_word(named(w, len), more, (size_t)sprintf(more, ">%" PRIu64, r->blocks[o]));
		w->row(&w->ev, w->arg);
	}
}

static bool is_pageblock_row(const struct mm_pageblock_row *a, uint32_t node, const char *zone, const char *type)
{
	return a->node == node && !strcmp(a->zone, zone) && !strcmp(a->migratetype, type);
}

static void pageblock_rows(struct writer *w, const struct mm_buddyinfo *bi)
{
	if (bi->nr_types && bi->pageblock_order != MM_PAGEBLOCK_ORDER)
		number_row(w, sprintf(w->name, "pageblock_order"), bi->pageblock_order);
	for (size_t i = 0; i < bi->nr_types; i++) {
		const struct mm_pageblock_row *r = &bi->types[i];
		size_t first = 0;

		while (!is_pageblock_row(&bi->types[first], r->node, r->zone, r->migratetype))
			first++;
		if (first == i)		/* more tables may follow, of pageblocks that are mixed */
			number_row(w, sprintf(w->name, "%" PRIu32 "/%s/pageblocks/%s", r->node, r->zone, r->migratetype), r->pageblocks);
	}
}

void mm_captured_rows(const struct mm_captured *c, void (*row)(const struct mm_event *ev, void *arg), void *arg)
{
	struct writer w = { .row = row, .arg = arg };

	if (!c->zones.nr)
		return;
	for (size_t i = 0; i < c->zones.nr; i++)
		zone_rows(&w, &c->zones.v[i]);
	for (size_t i = 0; i < c->types.nr; i++)
		block_rows(&w, &c->types.v[i]);
	for (size_t i = 0; i < c->blocks.nr; i++)
		block_rows(&w, &c->blocks.v[i]);
	pageblock_rows(&w, &c->types);
}

/* ---- from rows ---- */

/* Which zone a row is of, and what its name says behind that. */
struct place {
	uint32_t node;
	char zone[MM_ZONEINFO_NAME];
	struct mm_str fact;
};

static int bad(const struct mm_event *ev, struct mm_error *err, int e, const char *expected)
{
	return mm_error_set(err, e, "zone: %.*s: expected %s", (int)ev->name.len, ev->name.p, expected);
}

static int place_of(const struct mm_event *ev, struct place *at, struct mm_error *err)
{
	struct mm_str rest = ev->name, word;
	uint64_t node;

	if (!mm_next_item(&rest, '/', &word) || mm_parse_u64(word, &node) || !mm_next_item(&rest, '/', &word) || !rest.p)
		return mm_error_set(err, -EINVAL, "zone: expected NODE/ZONE/FACT as name, found '%.*s'", (int)ev->name.len, ev->name.p);
	if (node >= MM_MAX_NODES)
		return mm_error_set(err, -EINVAL, "zone: expected a node below %d, found %" PRIu64, (int)MM_MAX_NODES, node);
	if (!word.len || word.len >= sizeof(at->zone) || memchr(word.p, '\0', word.len))
		return bad(ev, err, -EINVAL, "the name of a zone behind the node");
	*at = (struct place){ .node = (uint32_t)node, .fact = rest };
	memcpy(at->zone, word.p, word.len);
	return 0;
}

/* A number, of which the result may say ">": there are more. */
static int value_of(const struct mm_event *ev, uint64_t *value, bool *more, struct mm_error *err)
{
	bool is_number = ev->result_kind == MM_RESULT_DEC || ev->result_kind == MM_RESULT_HEX;
	struct mm_str word = ev->result_word;

	*value = ev->result;
	if (more)
		*more = false;
	if (more && ev->result_kind == MM_RESULT_WORD && mm_str_starts(word, ">")) {
		*more = true;
		is_number = !mm_parse_u64((struct mm_str){ word.p + 1, word.len - 1 }, value);
	}
	return is_number && *value != MM_MISSING_U64 ? 0 : bad(ev, err, -EINVAL, "a number of pages or blocks as result");
}

static struct mm_zoneinfo_row *zone_at(struct mm_captured *c, const struct place *at, int *e)
{
	const struct mm_zoneinfo_row *known = mm_zoneinfo_find(&c->zones, at->node, at->zone);

	if (known)
		return &c->zones.v[known - c->zones.v];
	return mm_zoneinfo_add(&c->zones, at->node, (struct mm_str){ at->zone, strlen(at->zone) }, e);
}

/* No more than there can be of what else was told. */
static int check_zone(const struct mm_event *ev, const struct mm_zoneinfo_row *z, struct mm_error *err)
{
	const struct {
		uint64_t part, whole;
		const char *expected;
	} sizes[] = {
		{ z->present_pages, z->spanned_pages, "no more pages present than spanned" },
		{ z->managed_pages, z->present_pages, "no more pages managed than present" },
		{ z->free_pages, z->managed_pages, "no more pages free than managed" },
	};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		if (sizes[i].part != MM_MISSING_U64 && sizes[i].part > sizes[i].whole)
			return bad(ev, err, -EINVAL, sizes[i].expected);
	return 0;
}

static int no_room(const struct mm_event *ev, struct mm_error *err, int e)
{
	return bad(ev, err, e, e == -ENOMEM ? "host memory, found none left" : "fewer zones");
}

int mm_result_numbers(const struct mm_event *ev, uint64_t *v, uint32_t max, uint32_t *nr)
{
	struct mm_str rest = ev->result_word, word;

	*nr = 0;
	if (ev->result_kind == MM_RESULT_DEC)
		v[(*nr)++] = ev->result;
	else if (ev->result_kind != MM_RESULT_WORD)
		return -EINVAL;
	while (ev->result_kind == MM_RESULT_WORD && mm_next_item(&rest, ' ', &word))
		if (*nr == max || mm_parse_u64(word, &v[(*nr)++]))
			return -EINVAL;
	return 0;
}

/* "0 1983 1983 1983" */
static int add_protection(struct mm_captured *c, const struct place *at, const struct mm_event *ev, struct mm_error *err)
{
	uint64_t v[MM_ZONEINFO_PROTECTIONS];
	struct mm_zoneinfo_row *z;
	uint32_t nr;
	int e = mm_result_numbers(ev, v, MM_ZONEINFO_PROTECTIONS, &nr);

	if (e)
		return bad(ev, err, e, "up to eight numbers of pages, with blanks between them, as result");
	z = zone_at(c, at, &e);
	if (!z)
		return no_room(ev, err, e);
	if (z->nr_protection)
		return bad(ev, err, -EINVAL, "one such row");
	memcpy(z->protection, v, nr * sizeof(v[0]));
	z->nr_protection = nr;
	return 0;
}

static int add_fact(struct mm_captured *c, const struct place *at, size_t i, const struct mm_event *ev, struct mm_error *err)
{
	struct mm_zoneinfo_row *z;
	uint64_t value;
	int e = value_of(ev, &value, NULL, err);

	if (e)
		return e;
	z = zone_at(c, at, &e);
	if (!z)
		return no_room(ev, err, e);
	if (*fact_of(z, i) != MM_MISSING_U64)
		return bad(ev, err, -EINVAL, "one such row");
	*fact_of(z, i) = value;
	return check_zone(ev, z, err);
}

/* NULL with *@e: there are too many */
static struct mm_buddyinfo_row *blocks_at(struct mm_buddyinfo *bi, const struct place *at, struct mm_str type, int *e)
{
	struct mm_buddyinfo_row *r;

	for (size_t i = bi->nr; i-- > 0;)		/* most follow each other */
		if (bi->v[i].node == at->node && !strcmp(bi->v[i].zone, at->zone) && mm_str_is(type, bi->v[i].migratetype))
			return &bi->v[i];
	r = bi->nr < MAX_ROWS ? mm_buddyinfo_add(bi) : NULL;
	if (!r) {
		*e = bi->nr < MAX_ROWS ? -ENOMEM : -EFBIG;
		return NULL;
	}
	r->node = at->node;
	memcpy(r->zone, at->zone, sizeof(r->zone));
	memcpy(r->migratetype, type.p, type.len);
	return r;
}

static bool is_type(struct mm_str word) { return word.len && word.len < MM_BUDDYINFO_NAME && !memchr(word.p, '\0', word.len); }

/* "Movable/3", or "3" */
static int add_blocks(struct mm_captured *c, const struct place *at, const struct mm_event *ev, struct mm_error *err)
{
	struct mm_str rest = at->fact, word, type = MM_STR("");
	struct mm_buddyinfo_row *r;
	uint64_t order = 0, value;
	bool more, typed, is_order;
	int e = value_of(ev, &value, &more, err);

	if (e)
		return e;
	mm_next_item(&rest, '/', &word);
	mm_next_item(&rest, '/', &word);
	typed = rest.p;
	if (typed) {
		type = word;
		mm_next_item(&rest, '/', &word);
	}
	is_order = !rest.p && !mm_parse_u64(word, &order) && order < MM_BUDDYINFO_MAX_ORDERS;
	if (!is_order || (typed && !is_type(type)))
		return bad(ev, err, -EINVAL, "free_blocks/TYPE/ORDER or free_blocks/ORDER behind the zone, the order below 32");
	if (value > MM_BUDDYINFO_MAX_PAGES >> order)
		return bad(ev, err, -EINVAL, "fewer free blocks, for no address reaches so many");
	r = blocks_at(typed ? &c->types : &c->blocks, at, type, &e);
	if (!r)
		return no_room(ev, err, e);
	if (r->blocks[order] || r->capped >> order & 1)
		return bad(ev, err, -EINVAL, "one such row");
	r->blocks[order] = value;
	r->capped |= more ? 1u << order : 0;
	if (r->nr_orders <= order)
		r->nr_orders = (uint32_t)order + 1;
	c->has_blocks = true;
	return 0;
}

static int add_pageblocks(struct mm_captured *c, const struct place *at, const struct mm_event *ev, struct mm_error *err)
{
	const size_t head = sizeof("pageblocks/") - 1;
	struct mm_str type = { at->fact.p + head, at->fact.len - head };
	struct mm_pageblock_row *r;
	char name[MM_BUDDYINFO_NAME] = "";
	uint64_t value;
	int e = value_of(ev, &value, NULL, err);

	if (e)
		return e;
	if (!is_type(type) || memchr(type.p, '/', type.len))
		return bad(ev, err, -EINVAL, "pageblocks/TYPE behind the zone");
	memcpy(name, type.p, type.len);
	for (size_t i = 0; i < c->types.nr_types; i++)
		if (is_pageblock_row(&c->types.types[i], at->node, at->zone, name))
			return bad(ev, err, -EINVAL, "one such row");
	r = c->types.nr_types < MAX_ROWS ? mm_buddyinfo_add_type(&c->types) : NULL;
	if (!r)
		return no_room(ev, err, c->types.nr_types < MAX_ROWS ? -ENOMEM : -EFBIG);
	r->node = at->node;
	memcpy(r->zone, at->zone, sizeof(r->zone));
	memcpy(r->migratetype, name, sizeof(name));
	r->pageblocks = value;
	return 0;
}

static int set_pageblock_order(struct mm_captured *c, const struct mm_event *ev, struct mm_error *err)
{
	uint64_t order;
	int e = value_of(ev, &order, NULL, err);

	if (e)
		return e;
	if (order >= MM_BUDDYINFO_MAX_ORDERS)
		return bad(ev, err, -EINVAL, "an order below 32 as result");
	c->types.pageblock_order = (uint32_t)order;
	return 0;
}

int mm_captured_add(struct mm_captured *c, const struct mm_event *ev, struct mm_error *err)
{
	struct place at;
	int e;

	if (!c->of_rows)
		c->types.pageblock_order = MM_PAGEBLOCK_ORDER;
	c->of_rows = true;
	if (mm_str_is(ev->name, "pageblock_order"))
		return set_pageblock_order(c, ev, err);
	e = place_of(ev, &at, err);
	if (e)
		return e;
	for (size_t i = 0; i < NR_FACTS; i++)
		if (mm_str_is(at.fact, facts[i].name))
			return add_fact(c, &at, i, ev, err);
	if (mm_str_is(at.fact, "protection_pages"))
		return add_protection(c, &at, ev, err);
	if (mm_str_starts(at.fact, "free_blocks/"))
		return add_blocks(c, &at, ev, err);
	return mm_str_starts(at.fact, "pageblocks/") ? add_pageblocks(c, &at, ev, err) : 1;
}
