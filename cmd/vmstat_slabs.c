/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Slab caches (-m): /proc/slabinfo sorted by name.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libmm/slabinfo.h>

#include "vmstat.h"

struct slab_row {
	const char *name, *time;
	uint64_t active_objects, objects, slab_size, objects_per_slab;
};

enum { COL_TIME = 5 };
#define SLAB(field, help) MM_COLUMN(struct slab_row, field, MM_COL_U64, help)
static const struct mm_column columns[] = {
	MM_COLUMN(struct slab_row, name, MM_COL_STR, "of the cache"),
	SLAB(active_objects, "objects in use"),
	SLAB(objects, "objects there is room for"),
	SLAB(slab_size, "bytes of an object in its slab"),
	SLAB(objects_per_slab, "objects a slab"),
	MM_COLUMN(struct slab_row, time, MM_COL_STR, "local time of the sample (with -t)"),
};
const struct mm_table vmstat_slab_table = MM_TABLE("slabs", columns, "slab caches by name");

static void header(struct cmd_args *a)
{
	if (a->noheadings)
		return;
	mm_output_printf(&a->out, "%-24s %6s %6s %6s %6s\n", "Cache", "Num", "Total", "Size", "Pages");
}

static void one_sample(struct cmd_args *a, const struct vmstat_args *v, const struct mm_slabinfo *s,
		       struct mm_table_writer *w)
{
	char stamp[VMSTAT_STAMP];

	if (v->timestamp)
		vmstat_stamp(stamp);
	for (size_t i = 0; i < s->nr; i++) {
		const struct mm_cache_row *c = &s->v[i];
		struct slab_row row = { c->name, stamp, c->active_objects, c->objects, c->slab_size,
			c->objects_per_slab };

		if (w) {
			mm_table_writer_row(w, &row);
			continue;
		}
		if (v->height && i % v->height == 0)
			header(a);
		/* 32 bits each, as procps 4.0.2 has them */
		mm_output_printf(&a->out, "%-24.24s %6u %6u %6u %6u\n", row.name, (uint32_t)row.active_objects,
				 (uint32_t)row.objects, (uint32_t)row.slab_size, (uint32_t)row.objects_per_slab);
	}
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct mm_cache_row *)a)->name, ((const struct mm_cache_row *)b)->name);
}

static int read_slabs(struct cmd_args *a, struct vmstat_args *v, struct mm_slabinfo *s)
{
	struct mm_input *in;
	struct mm_str text;
	char name[512];
	int err = mm_proc_read(v->proc, "proc/slabinfo", &text, &a->err);

	mm_slabinfo_free(s);
	*s = (struct mm_slabinfo){ 0 };
	if (err)
		return err;
	snprintf(name, sizeof(name), "%s/proc/slabinfo", a->sysroot ? a->sysroot : "");
	err = mm_input_open_memory(&in, name, text.p, text.len);
	if (err)
		return mm_error_set(&a->err, err, "out of memory");
	err = mm_slabinfo_read(s, in, &a->err);
	mm_input_free(in);
	if (!err && s->nr)
		qsort(s->v, s->nr, sizeof(*s->v), by_name);
	return err;
}

int vmstat_slabs(struct cmd_args *a, struct vmstat_args *v)
{
	struct mm_table_writer *w = NULL;
	struct mm_slabinfo s = { 0 };
	struct vmstat_columns c;
	uint64_t n = 0;
	int err = read_slabs(a, v, &s);

	vmstat_pick_columns(&c, &vmstat_slab_table, v->timestamp ? 0 : 1u << COL_TIME);
	if (!err && !cmd_is_human(a))
		err = cmd_table(a, &c.table, &w);
	else if (!err && !v->height)
		header(a);
	while (!err) {
		one_sample(a, v, &s, w);
		if (!vmstat_next(a, v, ++n))
			break;
		err = read_slabs(a, v, &s);
	}
	mm_slabinfo_free(&s);
	return w ? cmd_table_end(a, w, err) : err;
}
