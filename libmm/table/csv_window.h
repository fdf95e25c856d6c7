/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * table/csv_window.h - rows that the scan has found, before their fields are cut
 *
 * For a reader that looks at a field where it lies.  It takes as many rows as it likes; mm_csv_row() goes on behind
 * them, with the row that the reader did not want or that is not whole here.
 */
#ifndef TABLE_CSV_WINDOW_H
#define TABLE_CSV_WINDOW_H

#include <libmm/csv.h>

struct mm_csv_window {
	const char *base;		/* offsets are from here */
	const uint32_t *sep;		/* of each comma and line feed from @pos on */
	size_t nr_sep;
	size_t pos;			/* of the next row */
	size_t special;			/* what lies at or behind it, libcsv may have to judge */
	uint64_t lines;			/* before @pos */
};

/* False: none is at hand, mm_csv_row() must be asked. */
bool mm_csv_window(const struct mm_csv *csv, struct mm_csv_window *w);

/* @rows rows, a line and no special byte each, were taken: @w tells what is left. */
void mm_csv_window_taken(struct mm_csv *csv, const struct mm_csv_window *w, size_t rows);

#endif /* TABLE_CSV_WINDOW_H */
