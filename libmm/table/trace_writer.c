/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One event to one CSV row: addresses in hex, offsets in hex, sizes in decimal,
 * seconds without trailing zeros.  A row is put together in the sink's buffer;
 * only texts too long for that go through mm_output_field().
 */
#include <string.h>

#include "table/numbers.h"
#include "table/quote.h"
#include "table/trace_row.h"

enum {
	LONG_TEXT = 2048,		/* bytes of text that a row built in place may have; with quotes they may be twice as many */
	ROW_ROOM = 2 * LONG_TEXT + MM_NR_TRACE_COLUMNS * MM_NUMBER_ROOM,
};

void mm_trace_writer_header(struct mm_trace_writer *w)
{
	bool first = true;

	for (unsigned col = 0; col < MM_NR_TRACE_COLUMNS; col++) {
		if (!(w->columns >> col & 1))
			continue;
		if (!first)
			mm_output_bytes(w->out, ",", 1);
		first = false;
		mm_output_bytes(w->out, mm_trace_column_names[col], strlen(mm_trace_column_names[col]));
	}
	mm_output_bytes(w->out, "\n", 1);
}

/* With quotes where it needs them. */
static char *put_odd_text(char *p, struct mm_str s)
{
	if (!mm_field_needs_quotes(s)) {
		memcpy(p, s.p, s.len);
		return p + s.len;
	}
	*p++ = '"';
	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] == '"')
			*p++ = '"';
		*p++ = s.p[i];
	}
	*p++ = '"';
	return p;
}

#define ONES 0x0101010101010101u

/* True when no byte of @x is a comma or below '#': nothing that could need quotes.  (A carry may say no too often.) */
static inline bool is_plain(uint64_t x)
{
	uint64_t comma = x ^ ',' * ONES;

	return !((((comma - ONES) & ~comma) | ((x - '#' * ONES) & ~x)) & 0x80 * ONES);
}

/* Eight bytes at a time, the last ones again where they do not come out even; up to eight beyond a short text are written. */
static inline char *put_text(char *p, struct mm_str s)
{
	uint64_t x, pad = UINT64_MAX;

	if (s.len < 8) {
		if (!s.len)
			return p;
		x = mm_str_head(s);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
		pad >>= 8 * s.len;
#else
		pad <<= 8 * s.len;
#endif
		if (!is_plain(x | pad))
			return put_odd_text(p, s);
		memcpy(p, &x, 8);
		return p + s.len;
	}
	for (size_t i = 0; i < s.len; i += 8) {
		size_t at = i + 8 < s.len ? i : s.len - 8;

		memcpy(&x, s.p + at, 8);
		if (!is_plain(x))
			return put_odd_text(p, s);
		memcpy(p + at, &x, 8);
	}
	return p + s.len;
}

static char *put_result(char *p, const struct mm_event *ev)
{
	switch (ev->result_kind) {
	case MM_RESULT_DEC:	return mm_format_u64(p, ev->result);
	case MM_RESULT_MINUS:	return mm_format_i64(p, (int64_t)ev->result);
	case MM_RESULT_HEX:	return mm_format_hex(p, ev->result);
	case MM_RESULT_WORD:	return put_text(p, ev->result_word);
	default:		return p;
	}
}

static inline __attribute__((always_inline)) char *put_column(char *p, const struct mm_event *ev, unsigned col)
{
	switch (col) {
	case MM_TC_TIME_S:	return mm_format_seconds(p, ev->time_ns);
	case MM_TC_CPU:		return mm_format_u64(p, ev->cpu);
	case MM_TC_PID:		return mm_format_u64(p, ev->pid);
	case MM_TC_EVENT:
		memcpy(p, mm_event_wides[ev->type].text, MM_WORD_ROOM);
		return p + mm_event_wides[ev->type].len;
	case MM_TC_ADDR:	return mm_format_hex(p, ev->addr);
	case MM_TC_SIZE:	return mm_format_u64(p, ev->size);
	case MM_TC_FLAGS:	return put_text(p, ev->flags);
	case MM_TC_NAME:	return put_text(p, ev->name);
	case MM_TC_OFFSET:	return mm_format_hex(p, ev->offset);
	case MM_TC_ADDR2:	return mm_format_hex(p, ev->addr2);
	case MM_TC_SIZE2:	return mm_format_u64(p, ev->size2);
	case MM_TC_RESULT:	return put_result(p, ev);
	default:
		memcpy(p, mm_by_wides[ev->by].text, sizeof(mm_by_wides[0].text));
		return p + mm_by_wides[ev->by].len;
	}
}

/* Texts of any length: a field at a time. */
static void long_row(struct mm_trace_writer *w, const struct mm_event *ev)
{
	bool first = true;

	for (unsigned col = 0; col < MM_NR_TRACE_COLUMNS; col++) {
		struct mm_str text = col == MM_TC_FLAGS ? ev->flags : col == MM_TC_NAME ? ev->name : ev->result_word;
		bool is_text = col == MM_TC_FLAGS || col == MM_TC_NAME ||
			       (col == MM_TC_RESULT && ev->result_kind == MM_RESULT_WORD);
		char *p;

		if (!(w->columns >> col & 1))
			continue;
		if (!first)
			mm_output_bytes(w->out, ",", 1);
		first = false;
		if (!(ev->present >> col & 1))
			continue;
		if (is_text) {
			mm_output_field(w->out, text);
			continue;
		}
		p = mm_output_reserve(w->out, MM_NUMBER_ROOM);
		mm_output_advance(w->out, (size_t)(put_column(p, ev, col) - p));
	}
	mm_output_bytes(w->out, "\n", 1);
}

void mm_trace_writer_row(struct mm_trace_writer *w, const struct mm_event *ev)
{
	const size_t text = ev->flags.len + ev->name.len + ev->result_word.len;
	struct mm_output *out = w->out;
	const uint32_t columns = w->columns;
	char *start, *p;

	if (text > LONG_TEXT) {
		long_row(w, ev);
		return;
	}
	start = p = out->cap - out->len < ROW_ROOM ? mm_output_reserve(out, ROW_ROOM) : out->buf + out->len;
#define COLUMN(col)						\
	if (columns & MM_TC_BIT(col)) {				\
		if (ev->present & MM_TC_BIT(col))		\
			p = put_column(p, ev, MM_TC_##col);	\
		*p++ = ',';					\
	}
	COLUMN(TIME_S) COLUMN(CPU) COLUMN(PID) COLUMN(EVENT) COLUMN(ADDR) COLUMN(SIZE) COLUMN(FLAGS) COLUMN(NAME)
	COLUMN(OFFSET) COLUMN(ADDR2) COLUMN(SIZE2) COLUMN(RESULT) COLUMN(BY)
#undef COLUMN
	if (p > start)
		p[-1] = '\n';
	mm_output_advance(out, (size_t)(p - start));
}
