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

#include <string.h>

enum { MM_NUMBER_ROOM = 40 };

/* The first eight bytes of @s as they lie in memory, zeros behind a shorter one; only bytes of @s are read. */
static inline uint64_t mm_str_head(struct mm_str s)
{
	uint64_t v = 0;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	uint32_t low, high;

	if (s.len >= 8) {
		memcpy(&v, s.p, 8);
		return v;
	}
	if (s.len >= 4) {
		memcpy(&low, s.p, 4);
		memcpy(&high, s.p + s.len - 4, 4);
		return low | (uint64_t)high << 8 * (s.len - 4);
	}
	if (!s.len)
		return 0;
	return (unsigned char)s.p[0] | (uint64_t)(unsigned char)s.p[s.len / 2] << 8 * (s.len / 2) |
	       (uint64_t)(unsigned char)s.p[s.len - 1] << 8 * (s.len - 1);
#else
	memcpy(&v, s.p, s.len < 8 ? s.len : 8);
	return v;
#endif
}

/* Eight bytes of memory with the first one lowest. */
static inline uint64_t mm_first_lowest(uint64_t x)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	return __builtin_bswap64(x);
#else
	return x;
#endif
}

/* Eight hex digits (lower case), the first one lowest in @x, to *@v at once; false when one of the bytes is none. */
static inline bool mm_hex8_value(uint64_t x, uint32_t *v)
{
	const uint64_t ones = 0x0101010101010101u;
	uint64_t letter, digit;

	letter = x >> 6 & ones;
	x ^= ones * 0x30 + letter * 0x30;	/* 0..9 of digits, 1..6 of letters */
	digit = x + letter * 9;
	if (((x | digit) & ones * 0xf0) || ((x + ones * 7) >> 3 & letter) != letter ||
	    ((x + ones * 6) & ones * 0x10))
		return false;
	digit = (digit << 4 | digit >> 8) & 0x00ff00ff00ff00ffu;
	digit = (digit << 8 | digit >> 16) & 0x0000ffff0000ffffu;
	*v = (uint32_t)(digit << 16 | digit >> 32);
	return true;
}

static inline bool mm_hex8(const char *p, uint32_t *v)
{
	uint64_t x;

	memcpy(&x, p, 8);
	return mm_hex8_value(mm_first_lowest(x), v);
}

/* The same of fewer than eight digits, but one at least: zeros go before them. */
static inline bool mm_hex_short(struct mm_str s, uint32_t *v)
{
	uint64_t x = mm_first_lowest(mm_str_head(s));

	return mm_hex8_value(x << (64 - 8 * s.len) | 0x3030303030303030u >> 8 * s.len, v);
}

/* mm_parse_u64() for the two forms that traces are full of, in line: short decimals and addresses in lower case. */
static inline int mm_parse_number(struct mm_str s, uint64_t *out)
{
	uint32_t high, low;
	uint64_t v = 0;

	if (s.len > 2 && s.len <= 18 && s.p[0] == '0' && s.p[1] == 'x') {
		if (s.len < 10) {
			if (!mm_hex_short((struct mm_str){ s.p + 2, s.len - 2 }, &low))
				return mm_parse_u64(s, out);
			*out = low;
			return 0;
		}
		if (!mm_hex8(s.p + 2, &high) || !mm_hex8(s.p + s.len - 8, &low))
			return mm_parse_u64(s, out);
		*out = (uint64_t)(s.len == 10 ? 0 : high >> 4 * (18 - s.len)) << 32 | low;
		return 0;
	}
	if (!s.len || s.len > 18)
		return mm_parse_u64(s, out);
	for (size_t i = 0; i < s.len; i++) {
		unsigned d = (unsigned char)s.p[i] - '0';

		if (d > 9)
			return mm_parse_u64(s, out);
		v = v * 10 + d;
	}
	*out = v;
	return 0;
}

char *mm_format_u64(char *p, uint64_t v);
char *mm_format_i64(char *p, int64_t v);
char *mm_format_hex(char *p, uint64_t v);			/* with 0x */
char *mm_format_seconds(char *p, uint64_t ns);			/* trailing zeros cut: 1.5, 0.000001, 3 */
/* @v in 10^-@decimals, all of them printed; at most 9 */
char *mm_format_fixed(char *p, int64_t v, unsigned decimals);
/* For people: 4K, 1.5G; at most four characters and a letter, rounded as lsblk does; bytes below 1K with B. */
char *mm_format_size(char *p, uint64_t bytes);

#endif /* TABLE_NUMBERS_H */
