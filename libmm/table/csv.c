/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * CSV rows.  What a row is, libcsv says (strict: a stray quote is an error).
 *
 *   base                                                    base + avail
 *    | rows given out | next row ...      | more rows ...  |
 *    0               pos                scanned
 *
 * The scan runs ahead of the rows by one window and leaves the offsets of
 * commas and line feeds in sep[] and the first special byte (one that makes
 * libcsv do more than cut) at or after pos in special.  A row that ends before
 * special is cut from sep[] and its fields are slices of the input's buffer.
 * A CR right before the line feed is taken off here, as libcsv does.  Any other
 * row with a special byte goes through libcsv, from its first byte to the
 * first line feed after which libcsv is between rows again; those rows are
 * copies in `text` and wait in `rows`.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <csv.h>

#include <libmm/csv.h>
#include "base/nearest.h"
#include "table/csv_scan.h"
#include "table/csv_window.h"

enum {
	WINDOW = 4096,			/* bytes that the scan runs ahead */
	CHUNK = 1 << 16,		/* most bytes given to libcsv at once */
};

struct slow_field {
	size_t start, len;		/* in text */
};

struct slow_row {
	size_t end;			/* fields of it and of those before it */
	uint64_t line;
};

struct slow {
	struct csv_parser parser;
	bool on;			/* libcsv is in the middle of something */
	char *text;
	size_t text_len, text_cap;
	struct slow_field *fields;
	size_t nr_fields, fields_cap;
	struct slow_row *rows;
	size_t nr_rows, rows_cap, next_row;
	size_t row_bytes;		/* bytes fed since the row began */
	uint64_t row_line;		/* line that the unfinished row began in */
};

struct mm_csv {
	struct mm_input *in;
	mm_csv_scan_fn *scan;
	const char *base;
	size_t avail, scanned, pos, special;
	size_t nr_sep, next_sep;
	uint64_t lines;			/* line feeds before pos */
	uint64_t row_line;		/* of the row given out last */
	bool eof, ended;
	bool ends;			/* the bytes before the last refill, with a line feed */
	int failed;			/* sticks; set after the rows before it were given out */
	struct mm_error error;
	struct slow slow;
	struct mm_str fields[MM_CSV_MAX_FIELDS];
	uint32_t sep[WINDOW + MM_CSV_MAX_FIELDS + 1];
};

int mm_csv_new(struct mm_csv **csvp, struct mm_input *in, struct mm_error *err)
{
	struct mm_csv *csv = calloc(1, sizeof(*csv));

	if (!csv)
		return mm_error_set(err, -ENOMEM, "%s: out of memory", in->name);
	csv->in = in;
	csv->base = "";		/* nothing read yet: no arithmetic on NULL */
	csv->scan = mm_csv_scan_best();
	csv->special = MM_CSV_NONE;
	csv_init(&csv->slow.parser, CSV_STRICT | CSV_STRICT_FINI);
	csv_set_blk_size(&csv->slow.parser, CHUNK);	/* libcsv's own 128 bytes move a long field 8,192 times */
	*csvp = csv;
	return 0;
}

void mm_csv_free(struct mm_csv *csv)
{
	if (!csv)
		return;
	csv_free(&csv->slow.parser);
	free(csv->slow.text);
	free(csv->slow.fields);
	free(csv->slow.rows);
	free(csv);
}

uint64_t mm_csv_line(const struct mm_csv *csv) { return csv->row_line; }

/* Only the first failure counts. */
#define FAIL(csv, at, code, ...) \
	((csv)->failed ? (csv)->failed : \
	 ((csv)->in->line = (at), (csv)->failed = mm_input_error((csv)->in, &(csv)->error, code, __VA_ARGS__)))

static int fail_too_many(struct mm_csv *csv, uint64_t line)
{
	return FAIL(csv, line, -EINVAL, "expected a row of at most %d fields, found more", MM_CSV_MAX_FIELDS);
}

static int fail_too_long(struct mm_csv *csv, uint64_t line)
{
	return FAIL(csv, line, -EFBIG, "expected a row of at most %d bytes, found a longer one", MM_INPUT_MAX_LINE);
}

/* ---- rows that libcsv cuts ---- */

static int grow(void *arrayp, size_t *cap, size_t need, size_t size)
{
	void **array = arrayp, *p;
	size_t n = *cap ? *cap : 64;

	if (need <= *cap)
		return 0;
	while (n < need)
		n *= 2;
	p = realloc(*array, n * size);
	if (!p)
		return -ENOMEM;
	*array = p;
	*cap = n;
	return 0;
}

static size_t first_field_of_unfinished(const struct slow *s)
{
	return s->nr_rows ? s->rows[s->nr_rows - 1].end : 0;
}

static void add_field(void *p, size_t len, void *data)
{
	struct mm_csv *csv = data;
	struct slow *s = &csv->slow;

	if (csv->failed)
		return;
	if (s->nr_fields - first_field_of_unfinished(s) == MM_CSV_MAX_FIELDS) {
		fail_too_many(csv, s->row_line);
		return;
	}
	if (len && memchr(p, 0, len)) {
		FAIL(csv, s->row_line, -EINVAL, "field %zu: expected text, found a NUL byte",
		     s->nr_fields - first_field_of_unfinished(s) + 1);
		return;
	}
	if (grow(&s->text, &s->text_cap, s->text_len + len + 1, 1) ||
	    grow(&s->fields, &s->fields_cap, s->nr_fields + 1, sizeof(*s->fields))) {
		FAIL(csv, s->row_line, -ENOMEM, "out of memory");
		return;
	}
	if (len)
		memcpy(s->text + s->text_len, p, len);
	s->fields[s->nr_fields++] = (struct slow_field){ s->text_len, len };
	s->text_len += len;
}

static void add_row(int c, void *data)
{
	struct mm_csv *csv = data;
	struct slow *s = &csv->slow;

	(void)c;
	if (csv->failed)
		return;
	if (grow(&s->rows, &s->rows_cap, s->nr_rows + 1, sizeof(*s->rows))) {
		FAIL(csv, s->row_line, -ENOMEM, "out of memory");
		return;
	}
	s->rows[s->nr_rows++] = (struct slow_row){ s->nr_fields, s->row_line };
	s->row_line = csv->lines + 1;
	s->row_bytes = 0;
}

static void start_slow(struct mm_csv *csv)
{
	csv->slow.on = true;
	csv->slow.row_line = csv->lines + 1;
	csv->slow.row_bytes = 0;
}

/* The rows given out go; the fields of the unfinished one move to the front. */
static void forget_rows(struct slow *s)
{
	size_t first = first_field_of_unfinished(s), start;

	if (!s->nr_rows)
		return;
	start = first < s->nr_fields ? s->fields[first].start : s->text_len;
	memmove(s->text, s->text + start, s->text_len - start);
	s->text_len -= start;
	for (size_t i = first; i < s->nr_fields; i++)
		s->fields[i - first] = (struct slow_field){ s->fields[i].start - start, s->fields[i].len };
	s->nr_fields -= first;
	s->nr_rows = s->next_row = 0;
}

/* libcsv is between rows: the scan takes over at pos. */
static void end_slow(struct mm_csv *csv)
{
	csv->slow.on = false;
	csv->special = MM_CSV_NONE;
	if (csv->pos >= csv->scanned) {
		csv->scanned = csv->pos;
		csv->nr_sep = csv->next_sep = 0;
		return;
	}
	while (csv->next_sep < csv->nr_sep && csv->sep[csv->next_sep] < csv->pos)
		csv->next_sep++;
	for (size_t i = csv->pos; i < csv->scanned; i++) {
		if (mm_csv_is_special(csv->base[i])) {
			csv->special = i;
			break;
		}
	}
}

/* At the end of the input.  A row may come of it. */
static void finish(struct mm_csv *csv)
{
	struct slow *s = &csv->slow;

	csv->ended = true;
	if (!csv->failed && csv_fini(&s->parser, add_field, add_row, csv))
		FAIL(csv, s->row_line, -EINVAL, "expected a quote that ends the field, found the end of the file");
}

/* More bytes, none kept.  1 or 0 at the end or -errno. */
static int refill(struct mm_csv *csv, size_t keep)
{
	struct mm_str block;
	int e;

	csv->in->line = csv->lines + 1;
	csv->ends = !csv->avail || csv->base[csv->avail - 1] == '\n';
	e = mm_input_block(csv->in, keep, &block, &csv->error);
	if (e < 0)
		return csv->failed = e;
	csv->base = block.p;
	csv->avail = block.len;
	csv->eof = e == 0;
	csv->in->truncated = csv->eof && !csv->ends;
	return e;
}

/* Give libcsv the bytes up to the next line feed. */
static void feed(struct mm_csv *csv)
{
	struct slow *s = &csv->slow;
	const char *p, *lf;
	size_t n;

	forget_rows(s);
	if (csv->pos == csv->avail) {
		int e = csv->eof ? 0 : refill(csv, 0);

		csv->pos = csv->scanned = csv->nr_sep = csv->next_sep = 0;
		if (e <= 0) {
			finish(csv);
			return;
		}
	}
	p = csv->base + csv->pos;
	n = csv->avail - csv->pos < CHUNK ? csv->avail - csv->pos : CHUNK;
	lf = memchr(p, '\n', n);
	n = lf ? (size_t)(lf - p) + 1 : n;
	s->row_bytes += n;
	if (csv_parse(&s->parser, p, n, add_field, add_row, csv) != n)
		FAIL(csv, s->row_line, csv_error(&s->parser) == CSV_ENOMEM ? -ENOMEM : -EINVAL,
		     "field %zu: expected a quote only around the whole field, found one inside it",
		     s->nr_fields - first_field_of_unfinished(s) + 1);
	csv->pos += n;
	csv->lines += lf != NULL;
	if (s->row_bytes > MM_INPUT_MAX_LINE)
		fail_too_long(csv, s->row_line);
	if (lf && !s->parser.quoted)
		end_slow(csv);
}

/* The next row that libcsv has cut; NULL: there is none now. */
static const struct slow_row *slow_row(struct mm_csv *csv, size_t *nr)
{
	struct slow *s = &csv->slow;
	size_t first = s->next_row ? s->rows[s->next_row - 1].end : 0;
	const struct slow_row *row;

	if (s->next_row == s->nr_rows)
		return NULL;
	row = &s->rows[s->next_row++];
	for (size_t i = first; i < row->end; i++)
		csv->fields[i - first] = (struct mm_str){ s->text + s->fields[i].start, s->fields[i].len };
	*nr = row->end - first;
	return row;
}

/* ---- rows that the scan cuts ---- */

/* Move everything so that the next row begins at base, and scan or read on. */
static void next_window(struct mm_csv *csv)
{
	size_t to;

	for (size_t i = csv->next_sep; i < csv->nr_sep; i++)
		csv->sep[i - csv->next_sep] = csv->sep[i] - (uint32_t)csv->pos;
	csv->nr_sep -= csv->next_sep;
	csv->next_sep = 0;
	if (csv->pos)			/* base is NULL before the first read */
		csv->base += csv->pos;
	csv->avail -= csv->pos;
	csv->scanned -= csv->pos;
	csv->pos = 0;
	if (csv->scanned > MM_INPUT_MAX_LINE) {
		fail_too_long(csv, csv->lines + 1);
		return;
	}
	if (csv->scanned == csv->avail) {
		if (csv->eof)
			start_slow(csv);	/* a last row without a line feed, or nothing */
		else
			refill(csv, csv->avail);
		return;
	}
	to = csv->avail - csv->scanned > WINDOW ? csv->scanned + WINDOW : csv->avail;
	csv->nr_sep += csv->scan(csv->base, csv->scanned, to, csv->sep + csv->nr_sep, &csv->special);
	csv->scanned = to;
}

/* The row [pos, end) holds a special byte.  True: it was only the CR of its CR LF. */
static bool cut_cr(struct mm_csv *csv, size_t end)
{
	size_t i = end + 1;

	if (csv->special != end - 1 || csv->base[csv->special] != '\r')
		return false;
	while (i < csv->scanned && !mm_csv_is_special(csv->base[i]))
		i++;
	csv->special = i < csv->scanned ? i : MM_CSV_NONE;
	return true;
}

/* The row that ends at separator @k and line feed @end, its last field @f: taken, or 0 when libcsv must judge it. */
static bool take_row(struct mm_csv *csv, size_t k, size_t end, struct mm_str *f)
{
	if (csv->special < end) {
		if (!cut_cr(csv, end))
			return false;
		f->len--;
	}
	csv->lines++;
	csv->pos = end + 1;
	csv->next_sep = k + 1;
	return true;
}

/* A row into fields[]: how many; 0: none could be cut now. */
static size_t fast_row(struct mm_csv *csv)
{
	struct mm_str *f = csv->fields, *const limit = f + MM_CSV_MAX_FIELDS;
	const char *base = csv->base, *p = base + csv->pos;
	const size_t nr_sep = csv->nr_sep;

	for (size_t k = csv->next_sep; k < nr_sep; k++) {
		const char *s = base + csv->sep[k];

		if (f == limit) {
			if (csv->special > (size_t)(s - base))
				fail_too_many(csv, csv->lines + 1);
			break;
		}
		*f = (struct mm_str){ p, (size_t)(s - p) };
		p = s + 1;
		if (*s != '\n') {
			f++;
			continue;
		}
		if (!take_row(csv, k, (size_t)(s - base), f))
			break;
		if (f > csv->fields || f->len)
			return (size_t)(f - csv->fields) + 1;
	}			/* a blank line is no row: its field is written over */
	if (!csv->failed && csv->special != MM_CSV_NONE && csv->special < csv->scanned)
		start_slow(csv);
	return 0;
}

bool mm_csv_window(const struct mm_csv *csv, struct mm_csv_window *w)
{
	*w = (struct mm_csv_window){
		.base = csv->base, .sep = csv->sep + csv->next_sep, .nr_sep = csv->nr_sep - csv->next_sep,
		.pos = csv->pos, .special = csv->special, .lines = csv->lines,
	};
	return w->nr_sep && !csv->slow.on && csv->slow.next_row == csv->slow.nr_rows && !csv->failed && !csv->ended;
}

void mm_csv_window_taken(struct mm_csv *csv, const struct mm_csv_window *w, size_t rows)
{
	csv->pos = w->pos;
	csv->next_sep = (size_t)(w->sep - csv->sep);
	csv->lines = w->lines;
	if (rows)
		csv->row_line = w->lines;
}

static int give_failure(const struct mm_csv *csv, struct mm_error *err)
{
	if (err)
		*err = csv->error;
	return csv->failed;
}

int mm_csv_row(struct mm_csv *csv, const struct mm_str **fields, size_t *nr, struct mm_error *err)
{
	const struct slow_row *row;

	*fields = csv->fields;
	for (;;) {
		if (csv->slow.next_row < csv->slow.nr_rows) {
			row = slow_row(csv, nr);
			csv->row_line = row->line;
			return 1;
		}
		if (csv->failed)
			return give_failure(csv, err);
		if (csv->ended)
			return 0;
		if (csv->slow.on) {
			feed(csv);
			continue;
		}
		*nr = fast_row(csv);
		if (*nr) {
			csv->row_line = csv->lines;
			return 1;
		}
		if (!csv->slow.on && !csv->failed)
			next_window(csv);
	}
}

/* ---- headers ---- */

int mm_csv_header(const struct mm_csv *csv, const struct mm_str *fields, size_t nr,
		  const char *const *names, size_t nr_names, int *index, struct mm_error *err)
{
	size_t known = 0;

	for (size_t i = 0; i < nr_names; i++)
		index[i] = -1;
	for (size_t f = 0; f < nr; f++) {
		struct mm_str s = fields[f];

		if (!f && s.len >= 3 && !memcmp(s.p, "\xef\xbb\xbf", 3))	/* byte order mark */
			s = (struct mm_str){ s.p + 3, s.len - 3 };
		for (size_t i = 0; i < nr_names; i++) {
			if (strlen(names[i]) != s.len || memcmp(names[i], s.p, s.len))
				continue;
			csv->in->line = csv->row_line;
			if (index[i] >= 0)
				return mm_input_error(csv->in, err, -EINVAL,
						      "expected each column once, found %s in fields %d and %zu",
						      names[i], index[i] + 1, f + 1);
			index[i] = (int)f;
			known++;
		}
	}
	if (known)
		return 0;
	csv->in->line = csv->row_line;
	return mm_input_error(csv->in, err, -EINVAL,
			      "expected a header with known columns, found \"%.*s\"; the nearest column is %s",
			      (int)(fields[0].len < 60 ? fields[0].len : 60), fields[0].p,
			      mm_nearest(fields[0], names, nr_names));
}
