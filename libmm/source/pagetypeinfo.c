/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * /proc/pagetypeinfo: free blocks by zone, type and order, then pageblocks by zone and type.
 *
 *	Page block order: 9
 *	Pages per block:  512
 *
 *	Free pages count per migrate type at order       0      1 ...
 *	Node    0, zone      DMA, type    Unmovable      0      0 ...
 *
 *	Number of blocks type     Unmovable      Movable ...
 *	Node 0, zone      DMA            1            7 ...
 *
 * once for each node.  A count of ">100000" is one the kernel gave up at: there
 * are more.  Source: Linux 6.6 mm/vmstat.c pagetypeinfo_show().
 */
#include <errno.h>

#include "source/buddyinfo.h"

enum { MAX_TYPES = 16, MAX_ROWS = MM_MAX_NODES * 8 * MAX_TYPES };

struct reader {
	struct mm_buddyinfo *bi;
	const struct mm_input *in;
	char types[MAX_TYPES][MM_BUDDYINFO_NAME];	/* heading of the second table */
	uint32_t nr_types;
	bool in_blocks;					/* below that heading */
};

static int read_heading(struct reader *rd, struct mm_str line, struct mm_error *err)
{
	uint64_t order;

	if (scan_word(&line, "Number of blocks type")) {
		rd->in_blocks = true;
		rd->nr_types = 0;
		for (scan_blanks(&line); line.len; scan_blanks(&line))
			if (rd->nr_types == MAX_TYPES || !mm_buddyinfo_word(&line, rd->types[rd->nr_types++]))
				return mm_input_error(rd->in, err, -EINVAL,
						      "expected at most %d names of migrate types", (int)MAX_TYPES);
		return 0;
	}
	if (scan_word(&line, "Free pages count")) {
		rd->in_blocks = false;
		return 0;
	}
	if (scan_word(&line, "Page block order:")) {
		if (!scan_u64(&line, &order) || order >= MM_BUDDYINFO_MAX_ORDERS)
			return mm_input_error(rd->in, err, -EINVAL, "expected an order below %d",
					      (int)MM_BUDDYINFO_MAX_ORDERS);
		rd->bi->pageblock_order = (uint32_t)order;
		return 0;
	}
	return 0;	/* "Pages per block", and headings of other kernels (CONFIG_PAGE_OWNER) */
}

static int read_blocks(struct reader *rd, struct mm_str line, struct mm_error *err)
{
	struct mm_pageblock_row head = { 0 };

	if (rd->bi->nr_types > MAX_ROWS)
		return mm_input_error(rd->in, err, -EINVAL, "expected at most %d counts of pageblocks", (int)MAX_ROWS);
	if (!mm_buddyinfo_head(&line, &head.node, head.zone))
		return mm_input_error(rd->in, err, -EINVAL, "expected \"Node N, zone NAME\" and counts of pageblocks");
	for (uint32_t i = 0; i < rd->nr_types; i++) {
		struct mm_pageblock_row *r = mm_buddyinfo_add_type(rd->bi);

		if (!r)
			return mm_error_set(err, -ENOMEM, "out of memory");
		*r = head;
		memcpy(r->migratetype, rd->types[i], sizeof(r->migratetype));
		if (!scan_u64(&line, &r->pageblocks))
			return mm_input_error(rd->in, err, -EINVAL, "expected %u counts of pageblocks, found %u",
					      rd->nr_types, i);
	}
	return 0;
}

static int read_free(struct reader *rd, struct mm_str line, struct mm_error *err)
{
	struct mm_buddyinfo_row *r = mm_buddyinfo_add(rd->bi);
	int e;

	if (!r)
		return mm_error_set(err, -ENOMEM, "out of memory");
	r->line = rd->in->line;
	if (!mm_buddyinfo_head(&line, &r->node, r->zone))
		return mm_input_error(rd->in, err, -EINVAL,
				      "expected \"Node N, zone NAME, type TYPE\" and counts of free blocks");
	scan_blanks(&line);
	if (!scan_word(&line, "type") || !mm_buddyinfo_word(&line, r->migratetype))
		return mm_input_error(rd->in, err, -EINVAL, "expected \"type\" and a migrate type behind the zone");
	e = mm_buddyinfo_counts(r, line, rd->in, err);
	return e ? e : mm_buddyinfo_check(rd->bi, rd->in, err);
}

int mm_pagetypeinfo_read(struct mm_buddyinfo *bi, struct mm_input *in, struct mm_error *err)
{
	struct reader rd = { .bi = bi, .in = in };
	struct mm_str line;
	int e;

	bi->pageblock_order = MM_PAGEBLOCK_ORDER;
	while ((e = mm_input_line(in, &line, err)) > 0) {
		struct mm_str s = line;

		scan_blanks(&s);
		if (!s.len)
			continue;
		if (s.len < 4 || memcmp(s.p, "Node", 4))
			e = read_heading(&rd, s, err);
		else
			e = rd.in_blocks ? read_blocks(&rd, s, err) : read_free(&rd, s, err);
		if (e)
			return e;
	}
	if (!e && !bi->nr)
		return mm_input_error(in, err, -EINVAL,
				      "expected a line \"Node N, zone NAME, type TYPE ...\", found none");
	return e;
}
