/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * /proc/buddyinfo: "Node 0, zone    DMA32      3      1 ...", a line a zone, a number an order.
 *
 * How many orders there are is the machine's own (11 on x86); all lines must
 * have as many.  Source: Linux 6.6 mm/vmstat.c frag_show_print().
 */
#include <errno.h>
#include <stdlib.h>

#include "base/grow.h"
#include "source/buddyinfo.h"

enum { MAX_ROWS = MM_MAX_NODES * 8 * 8 };	/* nodes, zones, migrate types */

void mm_buddyinfo_free(struct mm_buddyinfo *bi)
{
	free(bi->v);
	free(bi->types);
	*bi = (struct mm_buddyinfo){ 0 };
}

struct mm_buddyinfo_row *mm_buddyinfo_add(struct mm_buddyinfo *bi)
{
	if (mm_grow(&bi->v, bi->nr, &bi->cap, sizeof(*bi->v)))
		return NULL;
	bi->v[bi->nr] = (struct mm_buddyinfo_row){ 0 };
	return &bi->v[bi->nr++];
}

struct mm_pageblock_row *mm_buddyinfo_add_type(struct mm_buddyinfo *bi)
{
	if (mm_grow(&bi->types, bi->nr_types, &bi->cap_types, sizeof(*bi->types)))
		return NULL;
	bi->types[bi->nr_types] = (struct mm_pageblock_row){ 0 };
	return &bi->types[bi->nr_types++];
}

bool mm_buddyinfo_word(struct mm_str *s, char *out)
{
	size_t n = 0;

	scan_blanks(s);
	while (n < s->len && s->p[n] != ' ' && s->p[n] != ',' && s->p[n] != '\t')
		n++;
	if (!n || n >= MM_BUDDYINFO_NAME)
		return false;
	memcpy(out, s->p, n);
	out[n] = 0;
	s->p += n;
	s->len -= n;
	if (s->len && *s->p == ',') {
		s->p++;
		s->len--;
	}
	return true;
}

bool mm_buddyinfo_head(struct mm_str *s, uint32_t *node, char *zone)
{
	uint64_t n;

	if (!scan_word(s, "Node") || !scan_u64(s, &n) || n >= MM_MAX_NODES || !scan_word(s, ","))
		return false;
	*node = (uint32_t)n;
	scan_blanks(s);
	return scan_word(s, "zone") && mm_buddyinfo_word(s, zone);
}

/* The next count of the line, "12" or ">100000", into the row. */
static int add_count(struct mm_buddyinfo_row *r, struct mm_str *s, const struct mm_input *in, struct mm_error *err)
{
	const uint32_t order = r->nr_orders;
	bool more = scan_word(s, ">");

	if (order == MM_BUDDYINFO_MAX_ORDERS)
		return mm_input_error(in, err, -EINVAL, "expected at most %d orders, found more", (int)MM_BUDDYINFO_MAX_ORDERS);
	if (!scan_u64(s, &r->blocks[order]) || (s->len && *s->p != ' ' && *s->p != '\t'))
		return mm_input_error(in, err, -EINVAL, "expected a count of free blocks for order %u, found \"%.*s\"", order,
				      (int)(s->len < 20 ? s->len : 20), s->p);
	if (r->blocks[order] > MM_BUDDYINFO_MAX_PAGES >> order)
		return mm_input_error(in, err, -EINVAL,
				      "expected at most %llu free blocks of order %u, for no address reaches more, found more",
				      (unsigned long long)(MM_BUDDYINFO_MAX_PAGES >> order), order);
	r->capped |= more ? 1u << order : 0;
	r->nr_orders++;
	return 0;
}

int mm_buddyinfo_counts(struct mm_buddyinfo_row *r, struct mm_str s, const struct mm_input *in, struct mm_error *err)
{
	int e = 0;

	for (scan_blanks(&s); !e && s.len; scan_blanks(&s))
		e = add_count(r, &s, in, err);
	if (e)
		return e;
	if (!r->nr_orders)
		return mm_input_error(in, err, -EINVAL, "expected counts of free blocks, found none");
	return 0;
}

/*
 * Blocks of pages of one mobility are as large as a huge page, which is the largest order or below: of x86 9.
 * Source: Linux 6.6 include/linux/pageblock-flags.h; arm64 with 64K and 16K pages maps 2^13 and 2^11 of them at once.
 */
static uint32_t pageblock_order(uint32_t nr_orders)
{
	switch (nr_orders) {
	case 12: case 14: return nr_orders - 1;
	default: return nr_orders <= MM_PAGEBLOCK_ORDER ? nr_orders - 1 : MM_PAGEBLOCK_ORDER;
	}
}

/* The new row against those before it. */
int mm_buddyinfo_check(const struct mm_buddyinfo *bi, const struct mm_input *in, struct mm_error *err)
{
	const struct mm_buddyinfo_row *r = &bi->v[bi->nr - 1];

	if (bi->nr > MAX_ROWS)
		return mm_input_error(in, err, -EINVAL, "expected at most %d lines of zones", (int)MAX_ROWS);
	if (r->nr_orders != bi->v[0].nr_orders)
		return mm_input_error(in, err, -EINVAL, "expected %u orders as in line %llu, found %u",
				      bi->v[0].nr_orders,
				      (unsigned long long)bi->v[0].line, r->nr_orders);
	for (size_t i = 0; i + 1 < bi->nr; i++)
		if (bi->v[i].node == r->node && !strcmp(bi->v[i].zone, r->zone) &&
		    !strcmp(bi->v[i].migratetype, r->migratetype))
			return mm_input_error(in, err, -EINVAL, "node %u, zone %s stands here and in line %llu",
					      r->node, r->zone,
					      (unsigned long long)bi->v[i].line);
	return 0;
}

static int read_line(struct mm_buddyinfo *bi, struct mm_str line, const struct mm_input *in, struct mm_error *err)
{
	struct mm_buddyinfo_row *r = mm_buddyinfo_add(bi);
	int e;

	if (!r)
		return mm_error_set(err, -ENOMEM, "out of memory");
	r->line = in->line;
	if (!mm_buddyinfo_head(&line, &r->node, r->zone))
		return mm_input_error(in, err, -EINVAL, "expected \"Node N, zone NAME\" and counts of free blocks");
	e = mm_buddyinfo_counts(r, line, in, err);
	return e ? e : mm_buddyinfo_check(bi, in, err);
}

int mm_buddyinfo_read(struct mm_buddyinfo *bi, struct mm_input *in, struct mm_error *err)
{
	struct mm_str line;
	int e;

	while ((e = mm_input_line(in, &line, err)) > 0) {
		scan_blanks(&line);
		if (!line.len)
			continue;
		e = read_line(bi, line, in, err);
		if (e)
			return e;
	}
	if (!e && !bi->nr)
		return mm_input_error(in, err, -EINVAL, "expected a line \"Node N, zone NAME ...\", found none");
	bi->pageblock_order = bi->nr ? pageblock_order(bi->v[0].nr_orders) : MM_PAGEBLOCK_ORDER;
	return e;
}

int mm_buddyinfo_sum(const struct mm_buddyinfo *types, struct mm_buddyinfo *zones)
{
	zones->pageblock_order = types->pageblock_order;
	for (size_t i = 0; i < types->nr; i++) {
		const struct mm_buddyinfo_row *t = &types->v[i];
		struct mm_buddyinfo_row *z = NULL;

		for (size_t k = 0; k < zones->nr; k++)
			if (zones->v[k].node == t->node && !strcmp(zones->v[k].zone, t->zone))
				z = &zones->v[k];
		if (!z) {
			z = mm_buddyinfo_add(zones);
			if (!z)
				return -ENOMEM;
			z->node = t->node;
			z->nr_orders = t->nr_orders;
			z->line = t->line;
			memcpy(z->zone, t->zone, sizeof(z->zone));
		}
		for (uint32_t o = 0; o < t->nr_orders; o++)
			if (__builtin_add_overflow(z->blocks[o], t->blocks[o], &z->blocks[o]))
				z->blocks[o] = UINT64_MAX;
		z->capped |= t->capped;
	}
	return 0;
}
