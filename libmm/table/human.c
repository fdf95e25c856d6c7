/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Tables for people: aligned columns, numbers to the right, text to the left,
 * two blanks between.  Cells are kept as text, one after the other with a NUL
 * behind each, until finish or until KEEP rows are there; from then on the
 * widths stay as they are.  When a line is wider than the terminal, text columns
 * are cut, the widest first, and end in an ellipsis.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "table/writer.h"

enum {
	KEEP = 10000,			/* rows kept at most */
	NARROWEST = 8,			/* text columns are not cut below this */
	GAP = 2,
	LONGEST_CELL = 4096,
};

struct mm_human {
	size_t nr_cells;		/* columns with the leading one */
	size_t *width;
	char *text;			/* cells kept */
	size_t len, cap;
	size_t nr_rows;
	bool began;
};

int mm_human_new(struct mm_human **hp, const struct mm_table_writer *w)
{
	struct mm_human *h = calloc(1, sizeof(*h));

	if (!h)
		return -ENOMEM;
	h->nr_cells = w->nr_columns + (w->opt.lead != NULL);
	h->width = calloc(h->nr_cells + 1, sizeof(*h->width));
	if (!h->width) {
		free(h);
		return -ENOMEM;
	}
	*hp = h;
	return 0;
}

void mm_human_free(struct mm_human *h)
{
	if (!h)
		return;
	free(h->width);
	free(h->text);
	free(h);
}

/* The column of cell @i; NULL for the leading one. */
static const struct mm_column *column_of(const struct mm_table_writer *w, size_t i)
{
	if (w->opt.lead)
		return i ? w->columns[i - 1] : NULL;
	return w->columns[i];
}

static bool is_text(const struct mm_column *col)
{
	return col && (col->type == MM_COL_STR || col->type == MM_COL_SLICE);
}

/* "SIZE" for size_bytes when it is shown with a unit, else the name in upper case. */
static struct mm_str heading(const struct mm_table_writer *w, size_t i, char *buf)
{
	const struct mm_column *col = column_of(w, i);
	const char *name = col ? col->name : w->opt.lead;
	size_t n = 0, len;

	if (col && col->heading)
		return (struct mm_str){ col->heading, strlen(col->heading) };
	len = strlen(name);
	if (col && col->type == MM_COL_BYTES && !w->opt.bytes && len > 6 && !strcmp(name + len - 6, "_bytes"))
		len -= 6;
	for (; n < len && n < MM_CELL_ROOM; n++)
		buf[n] = name[n] >= 'a' && name[n] <= 'z' ? (char)(name[n] - 32) : name[n];
	return (struct mm_str){ buf, n };
}

static size_t line_width(const struct mm_human *h)
{
	size_t n = h->nr_cells ? GAP * (h->nr_cells - 1) : 0;

	for (size_t i = 0; i < h->nr_cells; i++)
		n += h->width[i];
	return n;
}

/* Take from the widest text column what is too much. */
static void fit_terminal(struct mm_table_writer *w)
{
	struct mm_human *h = w->human;
	size_t total;

	while (w->opt.width && (total = line_width(h)) > w->opt.width) {
		size_t widest = h->nr_cells, cut = total - w->opt.width;

		for (size_t i = 0; i < h->nr_cells; i++)
			if (is_text(column_of(w, i)) && h->width[i] > NARROWEST &&
			    (widest == h->nr_cells || h->width[i] > h->width[widest]))
				widest = i;
		if (widest == h->nr_cells)
			return;
		if (cut > h->width[widest] - NARROWEST)
			cut = h->width[widest] - NARROWEST;
		h->width[widest] -= cut;
	}
}

static void blanks(struct mm_output *out, size_t n)
{
	static const char sixteen[] = "                ";

	for (; n > 16; n -= 16)
		mm_output_bytes(out, sixteen, 16);
	mm_output_bytes(out, sixteen, n);
}

static void put_cell(struct mm_table_writer *w, size_t i, struct mm_str s)
{
	struct mm_human *h = w->human;
	bool left = is_text(column_of(w, i)), last = i + 1 == h->nr_cells;
	size_t width = mm_text_width(s), pad;

	if (left && width > h->width[i] && w->opt.width) {
		s.len = mm_text_fit(s, h->width[i] - 1);
		mm_output_bytes(w->out, s.p, s.len);
		mm_output_bytes(w->out, "\xe2\x80\xa6", 3);
		width = mm_text_width(s) + 1;
		s.len = 0;
	}
	pad = width < h->width[i] ? h->width[i] - width : 0;
	if (!left)
		blanks(w->out, pad);
	mm_output_bytes(w->out, s.p, s.len);
	if (left && !last)
		blanks(w->out, pad);
	if (last)
		mm_output_bytes(w->out, "\n", 1);
	else
		blanks(w->out, GAP);
}

/* Heading and the kept rows. */
static void print(struct mm_table_writer *w)
{
	struct mm_human *h = w->human;
	const char *p = h->text;
	char buf[MM_CELL_ROOM];

	if (!h->began) {
		h->began = true;
		for (size_t i = 0; i < h->nr_cells && !w->opt.noheadings; i++) {
			size_t n = mm_text_width(heading(w, i, buf));

			h->width[i] = h->width[i] > n ? h->width[i] : n;
		}
		fit_terminal(w);
		for (size_t i = 0; i < h->nr_cells && !w->opt.noheadings; i++)
			put_cell(w, i, heading(w, i, buf));
	}
	for (size_t r = 0; r < h->nr_rows; r++) {
		for (size_t i = 0; i < h->nr_cells; i++) {
			struct mm_str s = { p, strlen(p) };

			put_cell(w, i, s);
			p += s.len + 1;
		}
	}
	h->nr_rows = h->len = 0;
}

static void keep_cell(struct mm_table_writer *w, size_t i, struct mm_str s)
{
	struct mm_human *h = w->human;
	size_t n = s.len < LONGEST_CELL ? s.len : LONGEST_CELL;

	if (h->cap - h->len < 4 * n + 1) {
		size_t cap = 2 * h->cap + 4 * n + 4096;
		char *text = realloc(h->text, cap);

		if (!text) {
			w->err = -ENOMEM;
			return;
		}
		h->text = text;
		h->cap = cap;
	}
	s.len = mm_escape(h->text + h->len, 4 * n + 1, (struct mm_str){ s.p, n });
	s.p = h->text + h->len;
	h->len += s.len + 1;
	if (!h->began) {
		n = mm_text_width(s);
		h->width[i] = h->width[i] > n ? h->width[i] : n;
	}
}

void mm_human_row(struct mm_table_writer *w, const void *row)
{
	struct mm_human *h = w->human;
	char buf[MM_CELL_ROOM];

	if (w->err)
		return;
	if (w->opt.lead)
		keep_cell(w, 0, (struct mm_str){ w->lead, w->lead_len });
	for (size_t i = 0; i < w->nr_columns; i++)
		keep_cell(w, i + (w->opt.lead != NULL), mm_cell(w->columns[i], row, !w->opt.bytes, buf));
	if (w->err)
		return;
	if (++h->nr_rows == KEEP || (h->began && h->len > 1 << 16))
		print(w);
}

void mm_human_finish(struct mm_table_writer *w)
{
	if (!w->err)
		print(w);
}
