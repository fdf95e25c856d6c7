/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * /proc/iomem: one region a line, nested ones indented by two more blanks.
 *
 *   00100000-bffdcfff : System RAM
 *     01000000-01dfffff : Kernel code
 *
 * To all but root the kernel shows every address as zero: such a file says
 * nothing about addresses and is told as hidden.
 */
#include <errno.h>

#include <libmm/source.h>
#include "source/scan.h"

enum { MAX_DEPTH = 1024, MAX_REGIONS = 1 << 18 };

/* "  START-END : NAME"; false: not such a line. */
static bool parse_line(struct mm_str line, struct mm_region *r, struct mm_str *name)
{
	size_t blanks = line.len;

	scan_blanks(&line);
	blanks -= line.len;
	if (!scan_hex(&line, &r->start) || !scan_word(&line, "-") || !scan_hex(&line, &r->end) ||
	    !scan_word(&line, " :"))
		return false;
	scan_word(&line, " ");
	r->depth = (uint32_t)(blanks / 2);
	r->node = 0;
	r->kind = (uint8_t)mm_region_kind_of_name(line);
	*name = line;
	return true;
}

static int add_line(struct mm_region_list *l, struct mm_input *in, struct mm_str line, struct mm_error *err)
{
	struct mm_region r = { 0 };
	struct mm_str name;

	if (!parse_line(line, &r, &name))
		return scan_bad_line(in, err, "'START-END : NAME'", line);
	if (r.end < r.start)
		return scan_bad_line(in, err, "a region that ends after it begins", line);
	if (r.depth > MAX_DEPTH || l->nr >= MAX_REGIONS)
		return mm_input_error(in, err, -EFBIG, "expected at most %d regions, nested at most %d deep",
				      (int)MAX_REGIONS, (int)MAX_DEPTH);
	if (mm_region_list_add(l, &r, name))
		return mm_input_error(in, err, -ENOMEM, "out of memory");
	return 0;
}

int mm_iomem_read(struct mm_region_list *l, struct mm_input *in, struct mm_error *err)
{
	size_t first = l->nr;
	bool hidden = true;
	struct mm_str line;
	int e;

	while ((e = mm_input_line(in, &line, err)) > 0) {
		if (!line.len)
			continue;
		e = add_line(l, in, line, err);
		if (e)
			return e;
		hidden = hidden && !l->v[l->nr - 1].start && !l->v[l->nr - 1].end;
	}
	if (e < 0)
		return e;
	if (l->nr == first)
		return mm_error_set(err, -EINVAL, "%s: expected lines 'START-END : NAME', found none", in->name);
	if (hidden)
		return mm_error_set(err, -EPERM, "%s: the addresses are hidden (all zero): only root sees them",
				    in->name);
	return 0;
}
