/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The regions table as CSV: what mm-iomem -t regions wrote, read back. Columns
 * are found by name; end may be told by size_bytes, kind by name. Neither end
 * nor size: up to the last address there is, which a table cannot tell from a
 * missing value.
 */
#include <errno.h>
#include <inttypes.h>

#include <libmm/csv.h>
#include <libmm/source.h>

enum column { START, END, SIZE_BYTES, DEPTH, NODE, KIND, NAME, NR_COLUMNS };
enum { MAX_REGIONS = 1 << 18 };
static const char *const columns[NR_COLUMNS] = { "start", "end", "size_bytes", "depth", "node", "kind", "name" };

struct reader {
	struct mm_input *in;
	struct mm_csv *csv;
	struct mm_error *err;
	int index[NR_COLUMNS];
};

static struct mm_str field(const struct reader *r, const struct mm_str *fields, size_t nr, enum column c)
{
	return r->index[c] >= 0 && (size_t)r->index[c] < nr ? fields[r->index[c]] : (struct mm_str){ "", 0 };
}

static int bad(const struct reader *r, int code, enum column c, const char *expected, struct mm_str found)
{
	return mm_error_set(r->err, code, "%s:%" PRIu64 ": column %s: expected %s, found '%.*s'", r->in->name,
			    mm_csv_line(r->csv),
			    columns[c], expected, (int)(found.len < 80 ? found.len : 80), found.p);
}

/* A number below @limit; an empty field leaves *@out. */
static int number(const struct reader *r, const struct mm_str *fields, size_t nr, enum column c, uint64_t limit,
		  uint64_t *out)
{
	struct mm_str s = field(r, fields, nr, c);
	uint64_t v;
	int e;

	if (!s.len)
		return 0;
	e = mm_parse_u64(s, &v);
	if (e)
		return bad(r, e, c, "a number below 2^64", s);
	if (v > limit)
		return bad(r, -ERANGE, c, "a smaller number", s);
	*out = v;
	return 0;
}

static int parse_row(const struct reader *r, const struct mm_str *fields, size_t nr, struct mm_region *region)
{
	uint64_t start = 0, size = 0, depth = 0, node = 0, end;
	struct mm_str s = field(r, fields, nr, START), kind = field(r, fields, nr, KIND),
		name = field(r, fields, nr, NAME);
	int e;

	if (!s.len)
		return bad(r, -EINVAL, START, "an address", s);
	if (number(r, fields, nr, START, UINT64_MAX, &start) || number(r, fields, nr, SIZE_BYTES, UINT64_MAX, &size) ||
	    number(r, fields, nr, DEPTH, 1024, &depth) || number(r, fields, nr, NODE, MM_MAX_NODES - 1, &node))
		return -EINVAL;
	end = size && size - 1 <= UINT64_MAX - start ? start + size - 1 : UINT64_MAX;
	if (number(r, fields, nr, END, UINT64_MAX, &end))
		return -EINVAL;
	if (end < start)
		return bad(r, -EINVAL, END, "an address not below start", field(r, fields, nr, END));
	e = kind.len ? mm_region_kind_parse(kind) : (int)mm_region_kind_of_name(name);
	if (e < 0)
		return bad(r, e, KIND, "ram, reserved, acpi, nvs, pmem, unusable, rom, mmio, kernel or other", kind);
	*region = (struct mm_region){ .start = start, .end = end, .depth = (uint32_t)depth, .node = (uint32_t)node,
		.kind = (uint8_t)e };
	return 0;
}

static int read_header(struct reader *r)
{
	const struct mm_str *fields;
	size_t nr;
	int e = mm_csv_row(r->csv, &fields, &nr, r->err);

	if (e < 0)
		return e;
	if (!e)
		return mm_error_set(r->err, -EINVAL, "%s: expected a header row with 'start', found nothing",
				    r->in->name);
	e = mm_csv_header(r->csv, fields, nr, columns, NR_COLUMNS, r->index, r->err);
	if (e)
		return e;
	if (r->index[START] < 0 || (r->index[END] < 0 && r->index[SIZE_BYTES] < 0))
		return mm_error_set(r->err, -EINVAL, "%s: expected a regions table with columns start and end, found others", r->in->name);
	return 0;
}

static int read_rows(struct reader *r, struct mm_region_list *l)
{
	const struct mm_str *fields;
	struct mm_region region;
	size_t nr;
	int e;

	while ((e = mm_csv_row(r->csv, &fields, &nr, r->err)) > 0) {
		e = parse_row(r, fields, nr, &region);
		if (e)
			return e;
		if (l->nr >= MAX_REGIONS)
			return mm_error_set(r->err, -EFBIG, "%s: expected at most %d regions", r->in->name,
					    (int)MAX_REGIONS);
		if (mm_region_list_add(l, &region, field(r, fields, nr, NAME)))
			return mm_error_set(r->err, -ENOMEM, "out of memory");
	}
	return e;
}

int mm_regions_csv_read(struct mm_region_list *l, struct mm_input *in, struct mm_error *err)
{
	struct reader r = { .in = in, .err = err };
	int e = mm_csv_new(&r.csv, in, err);

	if (e)
		return e;
	e = read_header(&r);
	if (!e)
		e = read_rows(&r, l);
	mm_csv_free(r.csv);
	return e;
}
