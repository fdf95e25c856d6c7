/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One CSV row to one event.
 *
 * The header becomes a plan: which field holds which column.  Event words are
 * found in a small table by their first eight bytes and length (no two words
 * of the vocabulary share both, which the test of the vocabulary checks).
 */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/nearest.h"
#include "table/numbers.h"
#include "table/trace_row.h"

enum kind { KIND_NONE, KIND_U64, KIND_U32, KIND_TEXT, KIND_EVENT, KIND_TIME, KIND_RESULT, KIND_BY };

static const struct {
	uint8_t kind;
	uint16_t offset;
} members[MM_NR_TRACE_COLUMNS] = {
#define M(col, kind, member) [MM_TC_##col] = { KIND_##kind, offsetof(struct mm_event, member) }
	M(TIME_S, TIME, time_ns), M(CPU, U32, cpu), M(PID, U32, pid), M(EVENT, EVENT, type), M(ADDR, U64, addr), M(SIZE, U64, size),
	M(FLAGS, TEXT, flags), M(NAME, TEXT, name), M(OFFSET, U64, offset), M(ADDR2, U64, addr2), M(SIZE2, U64, size2),
	M(RESULT, RESULT, result), M(BY, BY, by),
#undef M
};

static inline unsigned slot_of(uint64_t head, size_t len)
{
	return (unsigned)((head + len) * 0x9e3779b97f4a7c15u >> 56);
}

void mm_trace_row_init(struct mm_trace_row *row, size_t nr_fields, const int *index)
{
	*row = (struct mm_trace_row){ .nr_fields = nr_fields };
	for (unsigned col = 0; col < MM_NR_TRACE_COLUMNS; col++) {
		if (index[col] < 0)
			continue;
		row->plan[row->nr_plan++] = (struct mm_trace_plan){ 1u << col, (uint16_t)index[col], members[col].offset,
								    (uint8_t)col, members[col].kind };
		row->field[index[col]] = row->plan[row->nr_plan - 1];
	}
	for (unsigned type = 1; type < MM_NR_EVENTS; type++) {
		struct mm_str word = mm_event_texts[type];
		unsigned i = slot_of(mm_str_head(word), word.len);

		while (row->slots[i].type)
			i = (i + 1) % MM_WORD_SLOTS;
		row->slots[i] = (struct mm_word_slot){ mm_str_head(word), (uint32_t)word.len, type };
	}
}

/* Texts of @len bytes whose first eight are the same. */
static inline bool is_same_tail(const char *a, const char *b, size_t len)
{
	uint64_t x = 0, y = 0;

	for (size_t i = 8; x == y && i < len; i += 8) {
		size_t at = i + 8 < len ? i : len - 8;

		memcpy(&x, a + at, 8);
		memcpy(&y, b + at, 8);
	}
	return x == y;
}

static inline int parse_event(const struct mm_trace_row *row, struct mm_str s, uint64_t head, struct mm_event *ev)
{
	for (unsigned i = slot_of(head, s.len); row->slots[i].type; i = (i + 1) % MM_WORD_SLOTS) {
		const struct mm_word_slot *slot = &row->slots[i];

		if (slot->head != head || slot->len != s.len)
			continue;
		if (!is_same_tail(s.p, mm_event_texts[slot->type].p, s.len))
			continue;
		ev->type = (uint16_t)slot->type;
		return 0;
	}
	return -EINVAL;
}

static inline int parse_u32(struct mm_str s, uint32_t *out, bool before)
{
	uint64_t v;
	int e = before ? mm_parse_number_before(s, &v) : mm_parse_number(s, &v);

	if (e)
		return e;
	if (v > UINT32_MAX)
		return -ERANGE;
	*out = (uint32_t)v;
	return 0;
}

static int parse_by(struct mm_str s, uint8_t *by)
{
	for (unsigned i = 1; i < MM_NR_BY; i++) {
		const char *word = mm_by_word((enum mm_by)i);

		if (strlen(word) == s.len && !memcmp(word, s.p, s.len)) {
			*by = (uint8_t)i;
			return 0;
		}
	}
	return -EINVAL;
}

const char mm_result_ok[3] = "ok";

/* "ENOMEM", "0x1000", "-5", "7", "256 256 32" (a word): the result column of a row; @s is not empty. */
static int parse_result(struct mm_event *ev, struct mm_str s)
{
	bool minus = s.p[0] == '-' && s.len > 1;
	const char *digit = s.p + minus;
	int64_t i;

	if (*digit < '0' || *digit > '9') {
		bool is_ok = s.len == 2 && s.p[0] == 'o' && s.p[1] == 'k';

		mm_event_set_word(ev, is_ok ? mm_result_ok : s.p, s.len);
		return 0;
	}
	if (minus) {
		int e = mm_parse_i64(s, &i);

		if (e)
			return e;
		ev->result = (uint64_t)i;
		ev->result_kind = MM_RESULT_MINUS;
		return 0;
	}
	ev->result_kind = s.len > 2 && (digit[1] | 0x20) == 'x' ? MM_RESULT_HEX : MM_RESULT_DEC;
	if (!mm_parse_u64(s, &ev->result))
		return 0;
	if (!memchr(s.p, ' ', s.len))
		return -EINVAL;
	mm_event_set_word(ev, s.p, s.len);	/* several numbers, as of vm.lowmem_reserve_ratio */
	return 0;
}

/* @before: MM_TEXT_BEFORE bytes that end with @s may be read. */
static inline __attribute__((always_inline)) int parse_column(const struct mm_trace_row *row, const struct mm_trace_plan *p,
							       struct mm_str s, struct mm_event *ev, const bool before)
{
	void *member = (char *)ev + p->offset;

	switch (p->kind) {
	case KIND_NONE:		return 0;
	case KIND_U64:		return before ? mm_parse_number_before(s, member) : mm_parse_number(s, member);
	case KIND_U32:		return parse_u32(s, member, before);
	case KIND_EVENT:	return parse_event(row, s, before ? mm_str_head_before(s) : mm_str_head(s), ev);
	case KIND_TEXT:		*(struct mm_str *)member = s; return 0;
	case KIND_TIME:		return before ? mm_parse_seconds_before(s, member) : mm_parse_seconds(s, member);
	case KIND_RESULT:	return parse_result(ev, s);
	default:		return parse_by(s, member);
	}
}

int mm_trace_row_parse(const struct mm_trace_row *row, const struct mm_str *fields, size_t nr,
		       struct mm_event *ev, struct mm_trace_fault *fault)
{
	const struct mm_trace_plan *p, *end = row->plan + row->nr_plan;
	uint32_t present = 0;
	int e = -EINVAL;

	mm_event_clear(ev);
	if (nr != row->nr_fields) {
		*fault = (struct mm_trace_fault){ e, MM_NR_TRACE_COLUMNS };
		return e;
	}
	for (p = row->plan; p < end; p++) {
		struct mm_str s = fields[p->field];

		if (!s.len)
			continue;
		present |= p->bit;
		e = parse_column(row, p, s, ev, false);
		if (e) {
			*fault = (struct mm_trace_fault){ e, p->col };
			return e;
		}
	}
	ev->present = present;
	if (ev->type)
		return 0;
	*fault = (struct mm_trace_fault){ -EINVAL, MM_TC_EVENT };
	return -EINVAL;
}

bool mm_trace_row_at(const struct mm_trace_row *row, const char *base, size_t pos, const uint32_t *sep, struct mm_event *ev)
{
	const uint32_t *const last = sep + row->nr_fields - 1;
	const char *p = base + pos;

	if (*sep < MM_TEXT_BEFORE || base[*last] != '\n' || memchr(p, '\n', *last - pos))
		return false;
	mm_event_clear(ev);
	for (const struct mm_trace_plan *plan = row->field;; plan++, sep++) {
		const char *end = base + *sep;

		if (p != end) {
			if (parse_column(row, plan, (struct mm_str){ p, (size_t)(end - p) }, ev, true))
				return false;
			ev->present |= plan->bit;
		}
		if (*last - *sep == (size_t)(last - sep))		/* nothing but commas follows */
			return ev->type != 0;
		p = end + 1;
	}
}

/* ---- errors ---- */

static const char *nearest_event(struct mm_str word)
{
	const char *words[MM_NR_EVENTS];

	for (unsigned i = 1; i < MM_NR_EVENTS; i++)
		words[i - 1] = mm_event_word((enum mm_event_type)i);
	return mm_nearest(word, words, MM_NR_EVENTS - 1);
}

static const char *nearest_by(struct mm_str word)
{
	const char *words[MM_NR_BY];

	for (unsigned i = 1; i < MM_NR_BY; i++)
		words[i - 1] = mm_by_word((enum mm_by)i);
	return mm_nearest(word, words, MM_NR_BY - 1);
}

void mm_trace_row_explain(const struct mm_trace_row *row, const struct mm_str *fields, size_t nr,
			  const struct mm_trace_fault *fault, char *text, size_t room)
{
	static const char *const expected[MM_NR_TRACE_COLUMNS] = {
		[MM_TC_TIME_S] = "seconds", [MM_TC_CPU] = "a CPU number", [MM_TC_PID] = "a process number",
		[MM_TC_ADDR] = "an address of at most 64 bits", [MM_TC_SIZE] = "a number of bytes",
		[MM_TC_OFFSET] = "a file offset", [MM_TC_ADDR2] = "an address of at most 64 bits",
		[MM_TC_SIZE2] = "a number of bytes", [MM_TC_RESULT] = "a number of at most 64 bits or a word",
	};
	struct mm_str s = { "", 0 };

	if (fault->col == MM_NR_TRACE_COLUMNS) {
		snprintf(text, room, "expected %zu fields as in the header, found %zu", row->nr_fields, nr);
		return;
	}
	for (size_t i = 0; i < row->nr_plan; i++)
		if (row->plan[i].col == fault->col)
			s = fields[row->plan[i].field];
	if (s.len > 60)
		s.len = 60;
	if (fault->col == MM_TC_EVENT && s.len)
		snprintf(text, room, "event: expected a known word, found \"%.*s\"; the nearest is %s", (int)s.len, s.p,
			 nearest_event(s));
	else if (fault->col == MM_TC_BY)
		snprintf(text, room, "by: expected nothing or a known word, found \"%.*s\"; the nearest is %s", (int)s.len, s.p,
			 nearest_by(s));
	else
		snprintf(text, room, "%s: expected %s, found \"%.*s\"", mm_trace_column_names[fault->col],
			 fault->col == MM_TC_EVENT ? "a word" : expected[fault->col], (int)s.len, s.p);
}
