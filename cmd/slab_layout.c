/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mm-slab -t layout: from a CSV of caches to what each would look like.
 */
#include <errno.h>
#include <string.h>

#include <libmm/csv.h>
#include <libmm/slab.h>

#include "cmd_internal.h"
#include "slab_tables.h"

struct layout_row {
	struct mm_str name, flags;
	uint64_t object_size, slab_size, align, order, objects_per_slab, min_partial, cpu_partial, waste_bytes;
	uint64_t cpu_partial_slabs, free_pointer, red_left_pad, useroffset, usersize, colours, limit, batchcount, shared_factor;
	const char *freelist;
};

static const struct mm_column columns[] = {
	MM_COLUMN(struct layout_row, name, MM_COL_SLICE, "name of the cache"),
	MM_COLUMN(struct layout_row, object_size, MM_COL_U64, "bytes of an object as asked for"),
	MM_COLUMN(struct layout_row, slab_size, MM_COL_U64, "bytes from one object to the next"),
	MM_COLUMN(struct layout_row, align, MM_COL_U64, "alignment of objects in bytes"),
	MM_COLUMN(struct layout_row, order, MM_COL_U64, "pages of a slab as a power of two"),
	MM_COLUMN(struct layout_row, objects_per_slab, MM_COL_U64, "objects of one slab"),
	MM_COLUMN(struct layout_row, min_partial, MM_COL_U64, "slabs that a node keeps (SLUB)"),
	MM_COLUMN(struct layout_row, cpu_partial, MM_COL_U64, "free objects that a CPU may keep (SLUB)"),
	MM_COLUMN(struct layout_row, waste_bytes, MM_COL_BYTES, "bytes of a slab that are in no object"),
	MM_COLUMN_HIDDEN(struct layout_row, cpu_partial_slabs, MM_COL_U64, "slabs that a CPU may keep (SLUB)"),
	MM_COLUMN_HIDDEN(struct layout_row, free_pointer, MM_COL_U64,
			 "where in a free object the next one stands (SLUB)"),
	MM_COLUMN_HIDDEN(struct layout_row, red_left_pad, MM_COL_U64, "bytes before an object, with red zones"),
	MM_COLUMN_HIDDEN(struct layout_row, useroffset, MM_COL_U64,
			 "where in an object the bytes begin that may be copied from and to user space"),
	MM_COLUMN_HIDDEN(struct layout_row, usersize, MM_COL_U64, "how many these are"),
	MM_COLUMN_HIDDEN(struct layout_row, colours, MM_COL_U64, "places where the first object may begin (SLAB)"),
	MM_COLUMN_HIDDEN(struct layout_row, limit, MM_COL_U64, "objects that a CPU's array holds (SLAB)"),
	MM_COLUMN_HIDDEN(struct layout_row, batchcount, MM_COL_U64, "objects that move at once (SLAB)"),
	MM_COLUMN_HIDDEN(struct layout_row, shared_factor, MM_COL_U64, "batches that a node's shared array holds (SLAB)"),
	MM_COLUMN_HIDDEN(struct layout_row, freelist, MM_COL_STR, "where the free indices of a slab lie (SLAB): object, slab, off_slab"),
	MM_COLUMN_HIDDEN(struct layout_row, flags, MM_COL_SLICE, "SLAB_ flags, with those that slub_debug= adds, and ctor"),
};
const struct mm_table slab_layout_table =
	MM_TABLE("layout", columns,
		 "what a kernel makes of caches: from a CSV of name, object_size, align, flags, useroffset and usersize");

enum { NAME, OBJECT_SIZE, ALIGN, FLAGS, USEROFFSET, USERSIZE, NR_INPUT };
static const char *const input_columns[NR_INPUT] = { "name", "object_size", "align", "flags", "useroffset", "usersize" };

struct reader {
	struct cmd_args *a;
	struct mm_input *in;
	struct mm_csv *csv;
	int index[NR_INPUT];
	const struct mm_str *fields;
	size_t nr;
	struct mm_slab_tuning tuning;
	struct mm_output flags;		/* words of the row's flags */
};

static struct mm_str field(const struct reader *r, int column)
{
	int i = r->index[column];

	return i >= 0 && (size_t)i < r->nr ? r->fields[i] : (struct mm_str){ "", 0 };
}

static int bad(const struct reader *r, int column, const char *expected)
{
	struct mm_str f = field(r, column);

	return mm_error_set(&r->a->err, -EINVAL, "%s:%llu: %s: expected %s, found '%.*s'", r->in->name,
			    (unsigned long long)mm_csv_line(r->csv), input_columns[column], expected,
			    (int)(f.len < 80 ? f.len : 80), f.p);
}

static int parse_bytes(const struct reader *r, int column, uint32_t *bytes)
{
	struct mm_str f = field(r, column);
	uint64_t v = 0;

	if (f.len && (mm_parse_u64(f, &v) || v > MM_KMALLOC_MAX_SIZE))
		return bad(r, column, "0 to 4194304 bytes");
	*bytes = (uint32_t)v;
	return 0;
}

static int parse_request(const struct reader *r, struct mm_slab_request *req)
{
	struct mm_str align = field(r, ALIGN);
	uint64_t v;

	if (mm_parse_u64(field(r, OBJECT_SIZE), &v) || !v || v > MM_KMALLOC_MAX_SIZE)
		return bad(r, OBJECT_SIZE, "1 to 4194304 bytes");
	req->object_size = (uint32_t)v;
	v = 0;
	if (align.len && (mm_parse_u64(align, &v) || v > MM_KMALLOC_MAX_SIZE || (v & (v - 1))))
		return bad(r, ALIGN, "a power of two up to 4194304");
	req->align = (uint32_t)v;
	if (parse_bytes(r, USEROFFSET, &req->useroffset) || parse_bytes(r, USERSIZE, &req->usersize))
		return -EINVAL;
	return mm_slab_flags_parse(field(r, FLAGS), &req->flags) ? bad(r, FLAGS, "SLAB_ words joined by |, and ctor")
		: 0;
}

static int write_row(struct reader *r, struct mm_table_writer *w)
{
	struct mm_slab_request req = { .kind = (enum mm_slab_kind)r->a->config.sysctl.v[MM_SYSCTL_SLAB],
				       .nr_cpus = r->a->config.nr_cpus, .name = field(r, NAME), .tuning = &r->tuning };
	bool slub = req.kind == MM_SLAB_SLUB, slab = req.kind == MM_SLAB_SLAB;
	struct mm_slab_layout l;
	int e = parse_request(r, &req);

	if (e)
		return e;
	if (mm_slab_layout_of(&l, &req))
		return bad(r, OBJECT_SIZE, "an object that fits into 2^10 pages");
	r->flags.len = 0;
	mm_slab_flags_format(&r->flags, l.flags);
#define ONLY(kind, value) ((kind) ? (uint64_t)(value) : MM_MISSING_U64)
	mm_table_writer_row(w, &(struct layout_row){
		.name = field(r, NAME), .flags = { r->flags.buf, r->flags.len }, .object_size = l.object_size,
		.slab_size = l.slab_size,
		.align = l.align, .order = l.order, .objects_per_slab = l.objects_per_slab,
		.min_partial = ONLY(slub, l.min_partial), .cpu_partial = ONLY(slub, l.cpu_partial),
		.waste_bytes = l.waste_bytes, .cpu_partial_slabs = ONLY(slub, l.cpu_partial_slabs),
		.free_pointer = ONLY(slub, l.offset), .red_left_pad = l.red_left_pad, .useroffset = l.useroffset, .usersize = l.usersize,
		.colours = ONLY(slab, l.colour),
		.limit = ONLY(slab, l.num_limit), .batchcount = ONLY(slab, l.batchcount),
		.shared_factor = ONLY(slab, l.shared),
		.freelist = !slab ? NULL : l.off_slab ? "off_slab" : l.freelist_bytes ? "slab" : "object" });
	return r->flags.err;
}

static int read_header(struct reader *r)
{
	int e = mm_csv_row(r->csv, &r->fields, &r->nr, &r->a->err);

	if (e < 0)
		return e;
	if (!e)
		return mm_error_set(&r->a->err, -EINVAL,
				    "%s: expected a header row with name and object_size, found nothing", r->in->name);
	e = mm_csv_header(r->csv, r->fields, r->nr, input_columns, NR_INPUT, r->index, &r->a->err);
	if (!e && (r->index[NAME] < 0 || r->index[OBJECT_SIZE] < 0))
		e = mm_error_set(&r->a->err, -EINVAL, "%s: expected columns name and object_size", r->in->name);
	return e;
}

int slab_layout_run(struct cmd_args *a, struct mm_input *in)
{
	struct reader r = { .a = a, .in = in };
	struct mm_table_writer *w = NULL;
	int e;

	cmd_uses(a, CMD_FORM | CMD_BIT(MACHINE), "the layout of caches");
	e = mm_output_init(&r.flags, -1);
	if (!e)
		e = cmd_configure(a);		/* the CPUs and the command line of -M */
	if (!e)
		e = mm_csv_new(&r.csv, in, &a->err);
	if (e) {
		mm_output_finish(&r.flags);
		return e;
	}
	mm_slab_tuning_init(&r.tuning, &a->config.sysctl);
	e = read_header(&r);
	if (!e)
		e = cmd_table(a, &slab_layout_table, &w);
	while (!e && (e = mm_csv_row(r.csv, &r.fields, &r.nr, &a->err)) > 0)
		e = write_row(&r, w);
	e = cmd_table_end(a, w, e);
	mm_csv_free(r.csv);
	mm_output_finish(&r.flags);
	return e;
}
