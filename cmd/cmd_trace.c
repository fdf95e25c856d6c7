/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The trace as aligned columns, for people: its CSV rows are collected in
 * memory a batch at a time and given to the table writer as they are.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <libmm/csv.h>

#include "cmd.h"
#include "cmd_internal.h"

struct cmd_trace_human {
	struct mm_output rows;			/* CSV not yet shown; begins with the header */
	struct mm_column columns[MM_NR_TRACE_COLUMNS];
	char names[MM_NR_TRACE_COLUMNS][16];
	struct mm_table table;
	struct mm_table_writer *w;
};

struct text_row {
	struct mm_str field[MM_NR_TRACE_COLUMNS];
};

int cmd_trace_human_new(struct cmd_trace_human **hp, struct cmd_args *a)
{
	struct cmd_trace_human *h = calloc(1, sizeof(*h));

	if (!h || mm_output_init(&h->rows, -1)) {
		free(h);
		return mm_error_set(&a->err, -ENOMEM, "out of memory");
	}
	h->table = (struct mm_table){ "trace", "one row an event", h->columns, 0, NULL };
	*hp = h;
	return 0;
}

struct mm_output *cmd_trace_human_rows(struct cmd_trace_human *h) { return &h->rows; }

static int begin_table(struct cmd_trace_human *h, struct cmd_args *a, const struct mm_str *names, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		memcpy(h->names[i], names[i].p, names[i].len);
		h->columns[i] = (struct mm_column){
			.name = h->names[i], .type = MM_COL_SLICE,
			.offset = (uint32_t)(offsetof(struct text_row, field) + i * sizeof(struct mm_str)), .help = "",
		};
	}
	h->table.nr_columns = nr;
	return cmd_table(a, &h->table, &h->w);
}

int cmd_trace_human_show(struct cmd_trace_human *h, struct cmd_args *a)
{
	const struct mm_str *fields;
	struct mm_input *in;
	struct mm_csv *csv;
	size_t nr;
	int e = mm_input_open_memory(&in, "trace", h->rows.buf, h->rows.len);

	if (e)
		return mm_error_set(&a->err, e, "out of memory");
	e = mm_csv_new(&csv, in, &a->err);
	while (!e && (e = mm_csv_row(csv, &fields, &nr, &a->err)) > 0) {
		struct text_row row = { .field = { { NULL, 0 } } };

		e = 0;
		if (!h->w) {
			e = begin_table(h, a, fields, nr);
			continue;
		}
		memcpy(row.field, fields, nr * sizeof(*fields));
		mm_table_writer_row(h->w, &row);
	}
	mm_csv_free(csv);
	mm_input_free(in);
	h->rows.len = 0;
	return e;
}

int cmd_trace_human_end(struct cmd_trace_human *h, struct cmd_args *a, int err)
{
	if (!h)
		return err;
	if (!err)
		err = cmd_trace_human_show(h, a);
	err = cmd_table_end(a, h->w, err);
	mm_output_finish(&h->rows);
	free(h);
	return err;
}
