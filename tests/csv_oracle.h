/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * csv_oracle.h - the rows of bare libcsv, as one text to compare
 *
 * Each field is written as <bytes>, each row ends in a line feed; an error
 * ends the text with "!".  A NUL byte or too many fields are our errors, not
 * libcsv's: the row that has them is replaced by "!".
 */
#ifndef CSV_ORACLE_H
#define CSV_ORACLE_H

#include <csv.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libmm/csv.h>

struct rows_text {
	char *p;
	size_t len, cap, row;		/* bytes, room, where the unfinished row begins */
	size_t fields;
	bool over, bad;
};

static inline void add_text(struct rows_text *t, const char *p, size_t n)
{
	while (t->cap - t->len < n) {
		t->cap = t->cap ? 2 * t->cap : 4096;
		t->p = realloc(t->p, t->cap);
		if (!t->p)
			abort();
	}
	if (n)
		memcpy(t->p + t->len, p, n);
	t->len += n;
}

static inline void oracle_field(void *p, size_t n, void *data)
{
	struct rows_text *t = data;

	if (t->over)
		return;
	if ((n && memchr(p, 0, n)) || ++t->fields > MM_CSV_MAX_FIELDS)
		t->bad = true;
	add_text(t, "<", 1);
	add_text(t, p, n);
	add_text(t, ">", 1);
	if (t->bad) {
		t->len = t->row;
		add_text(t, "!", 1);
		t->over = true;
	}
}

static inline void oracle_row(int c, void *data)
{
	struct rows_text *t = data;

	(void)c;
	if (t->over)
		return;
	add_text(t, "\n", 1);
	t->row = t->len;
	t->fields = 0;
}

static inline void oracle_rows(struct rows_text *t, const char *p, size_t n)
{
	struct csv_parser parser;

	csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI);
	if (csv_parse(&parser, p, n, oracle_field, oracle_row, t) != n ||
	    csv_fini(&parser, oracle_field, oracle_row, t)) {
		if (!t->over) {
			t->len = t->row;
			add_text(t, "!", 1);
		}
	}
	csv_free(&parser);
}

/* The same from the reader under test. */
static inline void reader_rows(struct rows_text *t, struct mm_input *in)
{
	const struct mm_str *f;
	struct mm_error err;
	struct mm_csv *csv;
	size_t nr;
	int e;

	if (mm_csv_new(&csv, in, &err))
		abort();
	while ((e = mm_csv_row(csv, &f, &nr, &err)) == 1) {
		for (size_t i = 0; i < nr; i++) {
			add_text(t, "<", 1);
			add_text(t, f[i].p, f[i].len);
			add_text(t, ">", 1);
		}
		add_text(t, "\n", 1);
	}
	if (e < 0)
		add_text(t, "!", 1);
	mm_csv_free(csv);
}

#endif /* CSV_ORACLE_H */
