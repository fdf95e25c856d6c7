/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The trace itself as a source: CSV rows to events.
 *
 * Known by a header with a column "event".  Other text that looks like a CSV
 * header is taken too when no other format knows it, so that the error can say
 * which column is missing.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "source/trace_source.h"
#include "table/csv_window.h"
#include "table/trace_row.h"

struct csv_source {
	struct mm_trace_source *src;
	struct mm_csv *csv;
	struct mm_trace_row row;
};

static bool is_word(struct mm_str s, const char *word)
{
	if (s.len >= 2 && s.p[0] == '"' && s.p[s.len - 1] == '"')
		s = (struct mm_str){ s.p + 1, s.len - 2 };
	return strlen(word) == s.len && !memcmp(s.p, word, s.len);
}

static struct mm_str strip(struct mm_str s)
{
	while (s.len && (s.p[0] == ' ' || s.p[0] == '\t'))
		s = (struct mm_str){ s.p + 1, s.len - 1 };
	while (s.len && (s.p[s.len - 1] == ' ' || s.p[s.len - 1] == '\t'))
		s.len--;
	return s;
}

/* The first line that is not blank, without a byte order mark and line end. */
static struct mm_str first_line(struct mm_str head)
{
	const char *end;

	if (head.len >= 3 && !memcmp(head.p, "\xef\xbb\xbf", 3))
		head = (struct mm_str){ head.p + 3, head.len - 3 };
	while (head.len && (*head.p == '\n' || *head.p == '\r'))
		head = (struct mm_str){ head.p + 1, head.len - 1 };
	end = head.len ? memchr(head.p, '\n', head.len) : NULL;
	if (end)
		head.len = (size_t)(end - head.p);
	while (head.len && head.p[head.len - 1] == '\r')
		head.len--;
	return head;
}

static int sniff(struct mm_str head)
{
	struct mm_str rest = first_line(head);
	bool more = rest.len != 0;
	size_t fields = 0;

	for (size_t i = 0; i < rest.len; i++) {
		char c = rest.p[i];

		if ((c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') &&
		    (!c || !strchr("_,\" .%-\t", c)))
			return 0;
	}
	while (more) {
		const char *comma = memchr(rest.p, ',', rest.len);
		size_t n = comma ? (size_t)(comma - rest.p) : rest.len;

		if (is_word(strip((struct mm_str){ rest.p, n }), "event"))
			return 100;
		fields++;
		more = comma != NULL;
		rest = (struct mm_str){ rest.p + n + more, rest.len - n - more };
	}
	return fields > 1 ? 2 : 0;
}

/* The header has no column "event". */
static int no_trace(struct csv_source *s, const struct mm_str *fields, size_t nr, struct mm_error *err)
{
	char copies[MM_CSV_MAX_FIELDS][32];
	const char *names[MM_CSV_MAX_FIELDS];
	char header[120];
	size_t n = 0;

	for (size_t i = 0; i < nr; i++) {
		size_t len = fields[i].len < 31 ? fields[i].len : 31;

		memcpy(copies[i], fields[i].p, len);
		copies[i][len] = 0;
		names[i] = copies[i];
		if (n + len + 2 < sizeof(header)) {
			if (n)
				header[n++] = ',';
			memcpy(header + n, copies[i], len);
			n += len;
		}
	}
	header[n] = 0;
	s->src->in->line = mm_csv_line(s->csv);
	if (header[0] >= '0' && header[0] <= '9')
		return mm_input_error(s->src->in, err, -EINVAL,
				      "expected a trace or references, whose header has a column event, key, lbn or offset, found \"%s\"",
				      header);
	return mm_input_error(s->src->in, err, -EINVAL,
			      "expected a trace, whose header has a column event, found \"%s\"; the nearest column is %s",
			      header, mm_nearest(MM_STR("event"), names, nr));
}

static int read_header(struct csv_source *s, struct mm_error *err)
{
	int index[MM_NR_TRACE_COLUMNS], e, known = 0;
	const struct mm_str *fields;
	size_t nr;

	e = mm_csv_row(s->csv, &fields, &nr, err);
	if (e < 0)
		return e;
	if (!e)
		return mm_error_set(err, -EINVAL, "%s: expected a trace, found no row", s->src->in->name);
	e = mm_csv_header(s->csv, fields, nr, mm_trace_column_names, MM_NR_TRACE_COLUMNS, index, err);
	for (unsigned col = 0; col < MM_NR_TRACE_COLUMNS; col++)
		known += index[col] >= 0;
	if (e && known)
		return e;
	if (index[MM_TC_EVENT] < 0)
		return no_trace(s, fields, nr, err);
	mm_trace_row_init(&s->row, nr, index);
	for (unsigned col = 0; col < MM_NR_TRACE_COLUMNS; col++)
		s->src->columns |= (uint32_t)(index[col] >= 0) << col;
	return 0;
}

static void close_csv(void *state)
{
	struct csv_source *s = state;

	mm_csv_free(s->csv);
	free(s);
}

static int open_csv(void **state, struct mm_trace_source *src, struct mm_error *err)
{
	struct csv_source *s = calloc(1, sizeof(*s));
	int e;

	if (!s)
		return mm_error_set(err, -ENOMEM, "%s: out of memory", src->in->name);
	s->src = src;
	e = mm_csv_new(&s->csv, src->in, err);
	if (!e)
		e = read_header(s, err);
	if (e) {
		close_csv(s);
		return e;
	}
	*state = s;
	return 0;
}

static inline bool has_texts(const struct mm_event *ev)
{
	return ev->present & (MM_TC_BIT(FLAGS) | MM_TC_BIT(NAME) | MM_TC_BIT(RESULT));
}

/* The texts of a row move out of the CSV reader's buffer, which the next row may overwrite. */
static int keep_texts(struct csv_source *s, struct mm_event *ev, struct mm_error *err)
{
	struct mm_str *texts[] = { &ev->flags, &ev->name, &ev->result_word };

	for (size_t i = 0; i < 3; i++)
		if (texts[i]->len && texts[i]->p != mm_result_ok && mm_trace_keep(s->src, *texts[i], texts[i]))
			return mm_error_set(err, -ENOMEM, "%s: out of memory", s->src->in->name);
	return 0;
}

static int bad_row(struct csv_source *s, const struct mm_str *fields, size_t nr, const struct mm_trace_fault *fault,
		   struct mm_error *err)
{
	char text[MM_ERROR_TEXT];

	mm_trace_row_explain(&s->row, fields, nr, fault, text, sizeof(text));
	s->src->in->line = mm_csv_line(s->csv);
	return mm_input_error(s->src->in, err, fault->code, "%s", text);
}

/* Rows that stand whole and right in the window. */
static int read_window(struct csv_source *s, struct mm_trace_batch *b, struct mm_error *err)
{
	const size_t nr = s->row.nr_fields;
	size_t before = b->nr;
	struct mm_csv_window w;
	int e = 0;

	if (!mm_csv_window(s->csv, &w))
		return 0;
	for (; b->nr < b->max && nr <= w.nr_sep && w.sep[nr - 1] < w.special; w.sep += nr, w.nr_sep -= nr) {
		struct mm_event *ev = &b->ev[b->nr];

		if (!mm_trace_row_at(&s->row, w.base, w.pos, w.sep, ev))
			break;
		if (has_texts(ev)) {
			e = keep_texts(s, ev, err);
			if (e)
				break;
		}
		b->line[b->nr++] = ++w.lines;
		w.pos = w.sep[nr - 1] + (size_t)1;
	}
	mm_csv_window_taken(s->csv, &w, b->nr - before);
	return e;
}

static int read_csv(void *state, struct mm_trace_batch *b, struct mm_error *err)
{
	struct csv_source *s = state;
	struct mm_trace_fault fault;
	const struct mm_str *fields;
	size_t nr;

	for (;;) {
		struct mm_event *ev;
		int e = read_window(s, b, err);

		if (e)
			return e;
		if (b->nr == b->max)
			return 1;
		ev = &b->ev[b->nr];
		e = mm_csv_row(s->csv, &fields, &nr, err);
		if (e <= 0)
			return e;
		if (mm_trace_row_parse(&s->row, fields, nr, ev, &fault))
			return bad_row(s, fields, nr, &fault, err);
		e = has_texts(ev) ? keep_texts(s, ev, err) : 0;
		if (e)
			return e;
		b->line[b->nr++] = mm_csv_line(s->csv);
	}
}

const struct mm_trace_ops mm_trace_csv = {
	.name = "trace",
	.help = "the trace itself: CSV with a column event",
	.sniff = sniff,
	.open = open_csv,
	.read = read_csv,
	.close = close_csv,
};
