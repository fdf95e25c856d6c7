/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* table/writer.h - what the two forms of a table share: the columns chosen and the text of a cell */
#ifndef TABLE_WRITER_H
#define TABLE_WRITER_H

#include <libmm/table.h>

struct mm_human;

enum { MM_CELL_ROOM = 64 };

struct mm_table_writer {
	struct mm_output *out;
	const struct mm_table *table;
	struct mm_table_options opt;
	const struct mm_column **columns;	/* those shown, in order */
	size_t nr_columns;
	char *lead;			/* value of the leading column */
	size_t lead_len;
	bool chosen;			/* -o named the columns */
	bool began;			/* CSV: the header is out */
	int err;			/* first -errno */
	struct mm_human *human;		/* NULL: CSV, or the known form */
	bool known_form;
	uint64_t group;			/* the known form's own */
};

/*
 * Text of one cell, in @buf (MM_CELL_ROOM) or in the row; empty when the value is missing.  @human: sizes with
 * a unit.  @bytes: what is in KiB, in bytes; UINT64_MAX - 1 where that is more.
 */
struct mm_str mm_cell(const struct mm_column *col, const void *row, bool human, bool bytes, char *buf);
/* What the column is called in @buf (MM_CELL_ROOM): with --bytes one in KiB tells that it is in bytes. */
struct mm_str mm_column_name(const struct mm_table_writer *w, const struct mm_column *col, char *buf);

/* human.c: rows are kept until the widths are known. */
int mm_human_new(struct mm_human **hp, const struct mm_table_writer *w);
void mm_human_free(struct mm_human *h);
void mm_human_row(struct mm_table_writer *w, const void *row);
void mm_human_finish(struct mm_table_writer *w);

#endif /* TABLE_WRITER_H */
