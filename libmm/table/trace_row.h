/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * table/trace_row.h - one CSV row to one event
 */
#ifndef TABLE_TRACE_ROW_H
#define TABLE_TRACE_ROW_H

#include <libmm/csv.h>
#include <libmm/trace.h>

enum { MM_WORD_SLOTS = 256, MM_WORD_ROOM = 24 };

/* Names of the columns: "time_s", ... */
extern const char *const mm_trace_column_names[MM_NR_TRACE_COLUMNS];

/* Words of the vocabulary by number, for writing. */
extern const struct mm_str mm_event_texts[MM_NR_EVENTS];

/* The same with room behind them, to be copied whole. */
struct mm_event_wide {
	char text[MM_WORD_ROOM];
	size_t len;
};
extern const struct mm_event_wide mm_event_wides[MM_NR_EVENTS];

/* The words of the column by, likewise. */
struct mm_by_wide {
	char text[8];			/* with a zero */
	size_t len;
};
extern const struct mm_by_wide mm_by_wides[MM_NR_BY];

/* enum mm_event_class by event: mm_event_class() at hand. */
extern const uint8_t mm_event_classes[MM_NR_EVENTS];

/* A word's first eight bytes (zeros behind a shorter one): what it is found by. */
struct mm_word_slot {
	uint64_t head;
	uint32_t len;
	uint32_t type;			/* enum mm_event_type, 0: free slot */
};

/* How the rows of one stream are read: made from its header. */
struct mm_trace_row {
	size_t nr_fields;		/* of the header, known or not */
	size_t nr_plan;
	struct mm_trace_plan {
		uint32_t bit;		/* MM_TC_BIT() */
		uint16_t field;
		uint16_t offset;	/* of the member of struct mm_event */
		uint8_t col;		/* enum mm_trace_column */
		uint8_t kind;		/* how it is read */
	} plan[MM_NR_TRACE_COLUMNS];	/* in the order of the columns */
	struct mm_trace_plan field[MM_CSV_MAX_FIELDS];	/* the same by field */
	struct mm_word_slot slots[MM_WORD_SLOTS];
};

/* What is wrong with a row: for the text of the error. */
struct mm_trace_fault {
	int code;			/* -errno */
	uint16_t col;			/* enum mm_trace_column; MM_NR_TRACE_COLUMNS: the number of fields */
};

/* @index: field number of each trace column or -1, see mm_csv_header(). */
void mm_trace_row_init(struct mm_trace_row *row, size_t nr_fields, const int *index);

/**
 * mm_trace_row_parse() - fill @ev from a row
 *
 * Slices of @ev are slices of @fields.  Return: 0, or -EINVAL/-ERANGE with
 * @fault; @ev is then undefined.
 */
int mm_trace_row_parse(const struct mm_trace_row *row, const struct mm_str *fields, size_t nr,
		       struct mm_event *ev, struct mm_trace_fault *fault);

/*
 * The row that begins at @pos of @base, its commas and its line feed at @sep, which has as many as the header has
 * fields: as mm_trace_row_parse() fills it, or false and @ev undefined when that is to judge it.
 */
bool mm_trace_row_at(const struct mm_trace_row *row, const char *base, size_t pos, const uint32_t *sep, struct mm_event *ev);

/* "addr: expected ..., found ...": what mm_trace_row_parse() did not like, into @text. */
void mm_trace_row_explain(const struct mm_trace_row *row, const struct mm_str *fields, size_t nr,
			  const struct mm_trace_fault *fault, char *text, size_t room);

/* What nearly every access came to: a result of these bytes is this text, which needs no copy. */
extern const char mm_result_ok[3];

#endif /* TABLE_TRACE_ROW_H */
