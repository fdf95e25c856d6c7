/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libmm/csv.h - CSV rows out of a stream, at the speed of a vector scan
 *
 * libcsv defines what the rows are.  Blocks without a quote, blank, tab or CR
 * are cut by a vector scan; only blocks that hold one go through libcsv.
 * Fields are slices of the reader's buffer: copied once by read(2), never again.
 */
#ifndef LIBMM_CSV_H
#define LIBMM_CSV_H

#include <libmm/error.h>
#include <libmm/input.h>
#include <libmm/types.h>

enum { MM_CSV_MAX_FIELDS = 256 };

struct mm_csv;

/*
 * Rows out of @in, which stays the caller's and must outlive *@csvp; mm_csv_free() takes NULL.
 * 0, or -ENOMEM with @err.
 */
int mm_csv_new(struct mm_csv **csvp, struct mm_input *in, struct mm_error *err);
void mm_csv_free(struct mm_csv *csv);

/**
 * mm_csv_row() - the next row
 * @fields:	set to the row's fields, valid until the next call
 * @nr:		how many
 *
 * Blank lines are no rows.  Return: 1 a row, 0 the end, -errno with @err
 * (a row of more than MM_CSV_MAX_FIELDS fields or MM_INPUT_MAX_LINE bytes,
 * a NUL byte, an unfinished quote at the end of the file).
 */
int mm_csv_row(struct mm_csv *csv, const struct mm_str **fields, size_t *nr, struct mm_error *err);
uint64_t mm_csv_line(const struct mm_csv *csv);		/* line the last row began in, from 1 */

/**
 * mm_csv_header() - match a header row against a schema
 * @names:	known column names
 * @index:	for each known name the field number or -1
 *
 * Return: 0; -EINVAL when a known column stands twice or none is known, with
 * the nearest known name in @err.
 */
int mm_csv_header(const struct mm_csv *csv, const struct mm_str *fields, size_t nr,
		  const char *const *names, size_t nr_names, int *index, struct mm_error *err);

/* Numbers as the tables write them: decimal, 0x hex; the whole slice or -EINVAL/-ERANGE. */
int mm_parse_u64(struct mm_str s, uint64_t *out);
int mm_parse_i64(struct mm_str s, int64_t *out);
/* Seconds with up to nine decimals to nanoseconds; more decimals are cut. */
int mm_parse_seconds(struct mm_str s, uint64_t *ns);
/* 64M, 4G, 1.5GiB, 262140K, 4096: bytes.  -EINVAL, -ERANGE. */
int mm_parse_size(const char *s, uint64_t *bytes);

#endif /* LIBMM_CSV_H */
