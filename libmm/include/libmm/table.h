/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libmm/table.h - tables by schema: CSV into pipes, aligned columns for people
 *
 * A table is an array of struct mm_column over a row struct.  The schema is
 * the one source of the CSV header, the human heading, -o lists and -t help.
 * CSV is RFC 4180 with LF; a field is quoted only where it must be.
 */
#ifndef LIBMM_TABLE_H
#define LIBMM_TABLE_H

#include <libmm/error.h>
#include <libmm/output.h>
#include <libmm/types.h>

enum mm_column_type {
	MM_COL_U64,		/* uint64_t, decimal */
	MM_COL_I64,		/* int64_t, decimal */
	MM_COL_HEX,		/* uint64_t, 0x hex: an address */
	MM_COL_BYTES,		/* uint64_t; human: 4K, 1.5G unless --bytes */
	MM_COL_MILLI,		/* int64_t in thousandths, printed with three decimals */
	MM_COL_CENTI,		/* int64_t in hundredths, printed with two decimals */
	MM_COL_NS,		/* uint64_t nanoseconds, printed as seconds, trailing zeros cut */
	MM_COL_STR,		/* const char *, NULL is the empty field */
	MM_COL_SLICE,		/* struct mm_str */
	MM_COL_MICRO,		/* int64_t in millionths, printed with six decimals */
	MM_COL_KIB,		/* uint64_t KiB, named *_kib or *_kib_s; with --bytes bytes, named *_bytes or *_bytes_s */
};

/* A missing value (the empty field) of each number type. */
#define MM_MISSING_U64	UINT64_MAX
#define MM_MISSING_I64	INT64_MIN

/* @told, where it is told. */
static inline uint64_t mm_or_else(uint64_t told, uint64_t otherwise) { return told == MM_MISSING_U64 ? otherwise : told; }

struct mm_column {
	const char *name;		/* CSV name with its unit: size_bytes */
	const char *heading;		/* human heading; NULL: the name in upper case */
	enum mm_column_type type;
	uint32_t offset;		/* of the field in the row struct */
	bool hidden;			/* printed only when -o asks for it */
	const char *help;		/* one line: meaning, unit, source */
};

#define MM_COLUMN(rowtype, field, coltype, help) \
	{ #field, NULL, coltype, (uint32_t)offsetof(rowtype, field), false, help }
#define MM_COLUMN_HIDDEN(rowtype, field, coltype, help) \
	{ #field, NULL, coltype, (uint32_t)offsetof(rowtype, field), true, help }

struct mm_table {
	const char *name;		/* as in -t NAME */
	const char *help;		/* one line */
	const struct mm_column *columns;
	size_t nr_columns;
	/*
	 * One row in the form that people know it in (/proc/PID/maps), for a terminal when all columns are shown;
	 * NULL: aligned columns.  @group: what the last row left there, UINT64_MAX before the first.
	 */
	void (*known_form)(struct mm_output *out, const void *row, bool noheadings, uint64_t *group);
};
#define MM_TABLE(tname, cols, thelp) \
	{ tname, thelp, cols, sizeof(cols) / sizeof((cols)[0]), NULL }
#define MM_TABLE_KNOWN(tname, cols, thelp, form) \
	{ tname, thelp, cols, sizeof(cols) / sizeof((cols)[0]), form }

enum mm_table_format { MM_TABLE_CSV, MM_TABLE_HUMAN };

struct mm_table_options {
	enum mm_table_format format;
	bool noheadings;
	bool bytes;			/* exact bytes, of MM_COL_KIB too */
	const char *columns;		/* -o LIST, "+col" adds; NULL: the default ones */
	const char *lead;		/* name of a leading column (time_s, seq, mark) or NULL */
	uint32_t width;			/* terminal columns, 0: no limit */
};

struct mm_table_writer;

/**
 * mm_table_writer_new() - begin a table
 * @wp:		the new writer; the caller frees it with mm_table_writer_free()
 * @out:	sink, stays the caller's and must outlive the writer
 * @table:	schema, must outlive the writer
 * @opt:	copied
 * @err:	an unknown column in @opt->columns names the nearest one
 *
 * Return: 0, -EINVAL (column list) or -ENOMEM.
 */
int mm_table_writer_new(struct mm_table_writer **wp, struct mm_output *out,
			const struct mm_table *table,
			const struct mm_table_options *opt, struct mm_error *err);

/* Value of the leading column for the rows that follow; copied. */
void mm_table_writer_lead(struct mm_table_writer *w, struct mm_str value);

/**
 * mm_table_writer_row() - one row
 * @row:	struct that the schema's offsets fit; read before return
 *
 * CSV rows go out at once.  Human rows are kept until
 * mm_table_writer_finish(), which knows the widths; beyond 10,000 kept rows
 * they are printed with the widths known then.
 */
void mm_table_writer_row(struct mm_table_writer *w, const void *row);

/* Print what is kept (with the header even when there was no row); 0 or -ENOMEM. */
int mm_table_writer_finish(struct mm_table_writer *w);
void mm_table_writer_free(struct mm_table_writer *w);	/* NULL is allowed */

/* "-t help": every table with its columns. */
void mm_table_help(struct mm_output *out, const struct mm_table *const *tables, size_t n);

#endif /* LIBMM_TABLE_H */
