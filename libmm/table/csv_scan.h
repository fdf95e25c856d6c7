/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * table/csv_scan.h - where the commas and line feeds are
 *
 * One contract, three versions: 64 bytes a step with AVX2, with SSE2, and 8
 * bytes a step in plain registers for every other host.
 */
#ifndef TABLE_CSV_SCAN_H
#define TABLE_CSV_SCAN_H

#include <libmm/types.h>

/* No byte of the window is special. */
#define MM_CSV_NONE SIZE_MAX

/**
 * mm_csv_scan_fn - look at bytes [from, to) of @base
 * @sep:	receives the offset from @base of each comma and line feed
 * @special:	lowered to the offset of the first byte that libcsv must judge:
 *		one of 0x00..0x22 other than line feed (quote, blank, tab, CR, NUL;
 *		the other control bytes and '!' come along for a cheaper test).
 *		Bytes from 0x80 on are ordinary.
 *
 * @to fits 32 bits.  Return: how many offsets @sep received; it needs room for
 * @to - @from.  Nothing outside [from, to) is read.
 */
typedef size_t mm_csv_scan_fn(const char *base, size_t from, size_t to, uint32_t *sep, size_t *special);

mm_csv_scan_fn mm_csv_scan_plain;
#ifdef __x86_64__
mm_csv_scan_fn mm_csv_scan_sse2;
mm_csv_scan_fn mm_csv_scan_avx2;
#endif
/* The fastest that this processor has. */
mm_csv_scan_fn *mm_csv_scan_best(void);

static inline bool mm_csv_is_special(char c) { return (unsigned char)c <= '"' && c != '\n'; }

#endif /* TABLE_CSV_SCAN_H */
