/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * table/numbers.h - numbers to text, as tables and traces write them
 *
 * Each writes at @p and returns the end of what it wrote; up to
 * MM_NUMBER_ROOM bytes at @p may be overwritten.
 */
#ifndef TABLE_NUMBERS_H
#define TABLE_NUMBERS_H

#include <libmm/csv.h>

enum { MM_NUMBER_ROOM = 40 };

char *mm_format_u64(char *p, uint64_t v);
char *mm_format_i64(char *p, int64_t v);
char *mm_format_hex(char *p, uint64_t v);			/* with 0x */
char *mm_format_seconds(char *p, uint64_t ns);			/* trailing zeros cut: 1.5, 0.000001, 3 */
char *mm_format_fixed(char *p, int64_t v, unsigned decimals);	/* @v in 10^-@decimals, all of them printed; at most 9 */
/* For people: 4K, 1.5G; at most four characters and a letter, rounded as lsblk does; bytes below 1K with B. */
char *mm_format_size(char *p, uint64_t bytes);

#endif /* TABLE_NUMBERS_H */
