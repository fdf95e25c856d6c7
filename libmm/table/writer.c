/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The table writer: which columns, and the CSV form.  The aligned form is in human.c.
 *
 * A field is quoted only where a reader needs it: around a comma, a quote, a
 * line break, blanks at either end (libcsv strips them), and around nothing
 * when the row has no other field (a blank line is no row).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "table/numbers.h"
#include "table/quote.h"
#include "table/writer.h"

static unsigned decimals(enum mm_column_type type)
{
	return type == MM_COL_MICRO ? 6 : type == MM_COL_MILLI ? 3 : type == MM_COL_CENTI ? 2 : 0;
}

static uint64_t kib_in_bytes(uint64_t kib) { return kib < MM_MISSING_U64 >> 10 ? kib << 10 : MM_MISSING_U64 - 1; }

struct mm_str mm_cell(const struct mm_column *col, const void *row, bool human, bool bytes, char *buf)
{
	const void *p = (const char *)row + col->offset;
	const char *s;
	uint64_t u = 0;
	int64_t i = 0;
	char *end = buf;

	switch (col->type) {
	case MM_COL_STR:
		s = *(const char *const *)p;
		return s ? (struct mm_str){ s, strlen(s) } : (struct mm_str){ buf, 0 };
	case MM_COL_SLICE:
		return *(const struct mm_str *)p;
	case MM_COL_I64:
	case MM_COL_MILLI:
	case MM_COL_CENTI:
	case MM_COL_MICRO:
		i = *(const int64_t *)p;
		if (i == MM_MISSING_I64)
			return (struct mm_str){ buf, 0 };
		end = mm_format_fixed(buf, i, decimals(col->type));
		break;
	default:
		u = *(const uint64_t *)p;
		if (u == MM_MISSING_U64)
			return (struct mm_str){ buf, 0 };
		if (bytes && col->type == MM_COL_KIB)
			u = kib_in_bytes(u);
		end = col->type == MM_COL_HEX ? mm_format_hex(buf, u) :
		      col->type == MM_COL_NS ? mm_format_seconds(buf, u) :
		      col->type == MM_COL_BYTES && human ? mm_format_size(buf, u) : mm_format_u64(buf, u);
	}
	return (struct mm_str){ buf, (size_t)(end - buf) };
}

/* ---- which columns ---- */

static int unknown_column(const struct mm_table *t, struct mm_str word, struct mm_error *err)
{
	const char **names = malloc(t->nr_columns * sizeof(*names));
	int e;

	if (!names)
		return -ENOMEM;
	for (size_t i = 0; i < t->nr_columns; i++)
		names[i] = t->columns[i].name;
	e = mm_error_set(err, -EINVAL, "table %s has no column '%.*s'; the nearest is '%s'", t->name,
			 (int)(word.len < 60 ? word.len : 60), word.p, mm_nearest(word, names, t->nr_columns));
	free(names);
	return e;
}

struct mm_str mm_column_name(const struct mm_table_writer *w, const struct mm_column *col, char *buf)
{
	const char *unit = w->opt.bytes && col->type == MM_COL_KIB ? strstr(col->name, "_kib") : NULL;

	if (!unit)
		return (struct mm_str){ col->name, strlen(col->name) };
	return (struct mm_str){ buf, (size_t)snprintf(buf, MM_CELL_ROOM, "%.*s_bytes%s", (int)(unit - col->name), col->name, unit + 4) };
}

/* A column is asked for by either of its names. */
static bool is_called(const struct mm_table_writer *w, const struct mm_column *col, struct mm_str word)
{
	char buf[MM_CELL_ROOM];
	struct mm_str name = mm_column_name(w, col, buf);

	return (strlen(col->name) == word.len && !strncasecmp(col->name, word.p, word.len)) ||
	       (name.len == word.len && !strncasecmp(name.p, word.p, word.len));
}

/* Add the column called @word. */
static int add_column(struct mm_table_writer *w, struct mm_str word, bool plus, struct mm_error *err)
{
	const struct mm_table *t = w->table;
	const struct mm_column *col = t->columns;

	while (col < t->columns + t->nr_columns && !is_called(w, col, word))
		col++;
	if (col == t->columns + t->nr_columns)
		return unknown_column(t, word, err);
	for (size_t i = 0; i < w->nr_columns; i++) {
		if (w->columns[i] != col)
			continue;
		return plus ? 0 : mm_error_set(err, -EINVAL, "column '%s' is asked for twice", col->name);
	}
	w->columns[w->nr_columns++] = col;
	return 0;
}

static int choose_columns(struct mm_table_writer *w, struct mm_error *err)
{
	const struct mm_table *t = w->table;
	const char *p = w->opt.columns;
	bool plus = !p || *p == '+';

	w->columns = malloc((t->nr_columns + 1) * sizeof(const struct mm_column *));
	if (!w->columns)
		return mm_error_set(err, -ENOMEM, "out of memory");
	for (size_t i = 0; plus && i < t->nr_columns; i++)
		if (!t->columns[i].hidden)
			w->columns[w->nr_columns++] = &t->columns[i];
	while (p) {
		size_t len;
		int e;

		p += *p == '+';
		len = strcspn(p, ",");
		e = add_column(w, (struct mm_str){ p, len }, plus, err);
		if (e)
			return e;
		p = p[len] ? p + len + 1 : NULL;
	}
	return 0;
}

int mm_table_writer_new(struct mm_table_writer **wp, struct mm_output *out, const struct mm_table *table,
			const struct mm_table_options *opt, struct mm_error *err)
{
	struct mm_table_writer *w = calloc(1, sizeof(*w));
	int e;

	if (!w)
		return mm_error_set(err, -ENOMEM, "out of memory");
	w->out = out;
	w->table = table;
	w->opt = *opt;
	e = choose_columns(w, err);
	w->known_form = table->known_form && opt->format == MM_TABLE_HUMAN && !opt->columns && !opt->lead;
	w->group = UINT64_MAX;
	if (!e && opt->format == MM_TABLE_HUMAN && !w->known_form && mm_human_new(&w->human, w))
		e = mm_error_set(err, -ENOMEM, "out of memory");
	if (e) {
		mm_table_writer_free(w);
		return e;
	}
	w->chosen = opt->columns && *opt->columns != '+';
	w->opt.columns = NULL;		/* the caller's text is not needed any more */
	*wp = w;
	return 0;
}

void mm_table_writer_free(struct mm_table_writer *w)
{
	if (!w)
		return;
	mm_human_free(w->human);
	free(w->columns);
	free(w->lead);
	free(w);
}

void mm_table_writer_lead(struct mm_table_writer *w, struct mm_str value)
{
	char *p = realloc(w->lead, value.len + 1);

	if (!p) {
		w->err = -ENOMEM;
		return;
	}
	if (value.len)
		memcpy(p, value.p, value.len);
	w->lead = p;
	w->lead_len = value.len;
}

/* ---- CSV ---- */

static void begin_csv(struct mm_table_writer *w)
{
	bool first = true;

	if (w->began)
		return;
	w->began = true;
	if (w->opt.noheadings)
		return;
	if (w->opt.lead) {
		mm_output_field(w->out, (struct mm_str){ w->opt.lead, strlen(w->opt.lead) });
		first = false;
	}
	for (size_t i = 0; i < w->nr_columns; i++) {
		char buf[MM_CELL_ROOM];

		if (!first)
			mm_output_bytes(w->out, ",", 1);
		first = false;
		mm_output_field(w->out, mm_column_name(w, w->columns[i], buf));
	}
	mm_output_bytes(w->out, "\n", 1);
}

static void csv_row(struct mm_table_writer *w, const void *row)
{
	size_t nr = w->nr_columns + (w->opt.lead != NULL);
	char buf[MM_CELL_ROOM];

	begin_csv(w);
	if (w->opt.lead)
		mm_output_field(w->out, (struct mm_str){ w->lead, w->lead_len });
	for (size_t i = 0; i < w->nr_columns; i++) {
		struct mm_str cell = mm_cell(w->columns[i], row, false, w->opt.bytes, buf);

		if (i || w->opt.lead)
			mm_output_bytes(w->out, ",", 1);
		if (nr == 1 && !cell.len)
			mm_output_bytes(w->out, "\"\"", 2);
		else
			mm_output_field(w->out, cell);
	}
	mm_output_bytes(w->out, "\n", 1);
}

void mm_table_writer_row(struct mm_table_writer *w, const void *row)
{
	if (w->known_form)
		w->table->known_form(w->out, row, w->opt.noheadings, &w->group);
	else if (w->human)
		mm_human_row(w, row);
	else
		csv_row(w, row);
}

int mm_table_writer_finish(struct mm_table_writer *w)
{
	if (w->human)
		mm_human_finish(w);
	else if (!w->known_form)
		begin_csv(w);
	return w->err;
}

void mm_table_help(struct mm_output *out, const struct mm_table *const *tables, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct mm_table *t = tables[i];

		mm_output_printf(out, "%s%s: %s\n", i ? "\n" : "", t->name, t->help);
		for (size_t c = 0; c < t->nr_columns; c++)
			mm_output_printf(out, "  %-22s %s%s\n", t->columns[c].name, t->columns[c].help,
					 t->columns[c].hidden ? " (only with --output)" : "");
	}
}
