/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Tables for people: aligned columns, numbers to the right, text to the left,
 * two blanks between.  Cells are kept as text, one after the other with a NUL
 * behind each, until finish or until KEEP rows are there; from then on the
 * widths stay as they are.  When a line is wider than the terminal, columns that
 * nobody asked for and that are empty in all rows are left out; then headings are
 * broken behind their underscores; then one blank is between columns, if that is
 * enough; else columns that are 0 in all rows go like empty ones; then text columns
 * are cut, the widest first, and end in an ellipsis.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "base/str.h"
#include "table/writer.h"

enum {
	KEEP = 10000,			/* rows kept at most */
	NARROWEST = 8,			/* text columns are not cut below this */
	GAP = 2,			/* between columns; 1 where that does not fit */
	LONGEST_CELL = 4096,
};

struct mm_human {
	size_t nr_cells;		/* columns with the leading one */
	size_t *width;			/* 0 with left_out: the column is not printed */
	bool *left_out;
	bool *told;			/* a cell that is not 0 */
	size_t nr_lines;		/* of headings */
	size_t gap;
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
	h->nr_lines = 1;
	h->gap = GAP;
	h->width = calloc(h->nr_cells + 1, sizeof(*h->width));
	h->left_out = calloc(h->nr_cells + 1, sizeof(*h->left_out));
	h->told = calloc(h->nr_cells + 1, sizeof(*h->told));
	if (!h->width || !h->left_out || !h->told) {
		mm_human_free(h);
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
	free(h->left_out);
	free(h->told);
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
	char room[MM_CELL_ROOM];
	struct mm_str name;
	size_t n = 0;

	if (col && col->heading)
		return (struct mm_str){ col->heading, strlen(col->heading) };
	name = col ? mm_column_name(w, col, room) : (struct mm_str){ w->opt.lead, strlen(w->opt.lead) };
	if (col && col->type == MM_COL_BYTES && !w->opt.bytes && name.len > 6 && !memcmp(name.p + name.len - 6, "_bytes", 6))
		name.len -= 6;
	for (; n < name.len && n < MM_CELL_ROOM; n++)
		buf[n] = name.p[n] >= 'a' && name.p[n] <= 'z' ? (char)(name.p[n] - 32) : name.p[n];
	return (struct mm_str){ buf, n };
}

static size_t line_width(const struct mm_human *h)
{
	size_t n = 0;

	for (size_t i = 0; i < h->nr_cells; i++)
		if (!h->left_out[i])
			n += h->width[i] + (n ? h->gap : 0);
	return n;
}

/*
 * The piece of a heading that stands in line @line of @nr, 0 on top, in a column of @width: as many words as fit, each but the last
 * with its underscore, the last piece in the lowest line.  @needed: how many lines it takes.
 */
static struct mm_str piece_of(struct mm_str s, size_t width, size_t line, size_t nr, size_t *needed)
{
	struct mm_str v[MM_CELL_ROOM];
	size_t n = 0;

	while (s.len) {
		size_t take = 0;

		for (size_t i = 1; i <= s.len; i++)
			if ((i == s.len || s.p[i - 1] == '_') && (!take || i <= width))
				take = i;
		v[n++] = (struct mm_str){ s.p, take };
		s.p += take;
		s.len -= take;
	}
	*needed = n;
	return line + n >= nr && line < nr ? v[line + n - nr] : (struct mm_str){ s.p, 0 };
}

/* The longest word of a heading. */
static size_t least_width(struct mm_str s)
{
	size_t longest = 0, n = 0;

	for (size_t i = 0; i < s.len; i++) {
		n++;
		longest = n > longest ? n : longest;
		n = s.p[i] == '_' ? 0 : n;
	}
	return longest;
}

static void break_headings(struct mm_table_writer *w, const size_t *cells)
{
	struct mm_human *h = w->human;
	char buf[MM_CELL_ROOM];
	size_t needed;

	for (size_t i = 0; i < h->nr_cells; i++) {
		struct mm_str s = heading(w, i, buf);
		size_t least = least_width(s);

		if (h->left_out[i])
			continue;
		h->width[i] = cells[i] > least ? cells[i] : least;
		piece_of(s, h->width[i], 0, 0, &needed);
		h->nr_lines = needed > h->nr_lines ? needed : h->nr_lines;
	}
}

/* Take from the widest text column what is too much. */
static void cut_texts(struct mm_table_writer *w)
{
	struct mm_human *h = w->human;
	size_t total;

	while ((total = line_width(h)) > w->opt.width) {
		size_t widest = h->nr_cells, cut = total - w->opt.width;

		for (size_t i = 0; i < h->nr_cells; i++)
			if (!h->left_out[i] && is_text(column_of(w, i)) && h->width[i] > NARROWEST &&
			    (widest == h->nr_cells || h->width[i] > h->width[widest]))
				widest = i;
		if (widest == h->nr_cells)
			return;
		if (cut > h->width[widest] - NARROWEST)
			cut = h->width[widest] - NARROWEST;
		h->width[widest] -= cut;
	}
}

/* Widths of cells and headings, and whether the line then fits, with headings broken or narrow gaps if it must. */
static bool fits(struct mm_table_writer *w, const size_t *cells)
{
	struct mm_human *h = w->human;
	char buf[MM_CELL_ROOM];

	h->gap = GAP;
	h->nr_lines = 1;
	for (size_t i = 0; i < h->nr_cells; i++) {
		size_t n = w->opt.noheadings ? 0 : mm_text_width(heading(w, i, buf));

		h->width[i] = cells[i] > n ? cells[i] : n;
	}
	if (!w->opt.width || line_width(h) <= w->opt.width)
		return true;
	if (!w->opt.noheadings)
		break_headings(w, cells);
	if (line_width(h) > w->opt.width)
		h->gap = 1;
	return line_width(h) <= w->opt.width;
}

/* Columns that nobody asked for go when they tell nothing: @zeros, or are 0 throughout. The first one stays. */
static void leave_out(struct mm_table_writer *w, const size_t *cells, bool zeros)
{
	struct mm_human *h = w->human;

	for (size_t i = 1 + (w->opt.lead != NULL); i < h->nr_cells; i++)
		h->left_out[i] = zeros ? !h->told[i] : !cells[i];
}

/* @all: no more rows will come. */
static int lay_out(struct mm_table_writer *w, bool all)
{
	struct mm_human *h = w->human;
	size_t *cells = malloc((h->nr_cells + 1) * sizeof(*cells)), size = h->nr_cells * sizeof(*cells);
	bool may_go = all && h->nr_rows && !w->chosen, fit;

	if (!cells)
		return -ENOMEM;
	memcpy(cells, h->width, size);
	fit = fits(w, cells);
	if ((!fit || h->nr_lines > 1 || h->gap < GAP) && may_go) {
		leave_out(w, cells, false);
		fit = fits(w, cells);
	}
	if (!fit && may_go) {
		leave_out(w, cells, true);
		fit = fits(w, cells);
	}
	if (!fit) {
		h->gap = GAP;
		memcpy(cells, h->width, size);
		cut_texts(w);
		if (line_width(h) > w->opt.width) {
			memcpy(h->width, cells, size);
			h->gap = 1;
			cut_texts(w);
		}
	}
	free(cells);
	return 0;
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
	bool left = is_text(column_of(w, i)), last = true;
	size_t width = mm_text_width(s), pad;

	if (h->left_out[i])
		return;
	for (size_t k = i + 1; k < h->nr_cells && last; k++)
		last = h->left_out[k];
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
		blanks(w->out, h->gap);
}

static void put_headings(struct mm_table_writer *w)
{
	struct mm_human *h = w->human;
	char buf[MM_CELL_ROOM];
	size_t needed;

	for (size_t line = 0; line < h->nr_lines; line++)
		for (size_t i = 0; i < h->nr_cells; i++) {
			struct mm_str s = heading(w, i, buf);

			put_cell(w, i, h->nr_lines > 1 ? piece_of(s, h->width[i], line, h->nr_lines, &needed) : s);
		}
}

/* Headings and the kept rows. */
static void print(struct mm_table_writer *w, bool all)
{
	struct mm_human *h = w->human;
	const char *p = h->text;

	if (!h->began) {
		h->began = true;
		w->err = lay_out(w, all);
		if (w->err)
			return;
		if (!w->opt.noheadings)
			put_headings(w);
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
		h->told[i] |= s.len && (is_text(column_of(w, i)) || (!mm_str_is(s, "0") && !mm_str_is(s, "0B")));
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
		keep_cell(w, i + (w->opt.lead != NULL), mm_cell(w->columns[i], row, !w->opt.bytes, w->opt.bytes, buf));
	if (w->err)
		return;
	if (++h->nr_rows == KEEP || (h->began && h->len > 1 << 16))
		print(w, false);
}

void mm_human_finish(struct mm_table_writer *w)
{
	if (!w->err)
		print(w, true);
}
