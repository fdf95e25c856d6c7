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

/* The last @n bytes of @x, 1 to 8, the first one lowest: are they decimal digits? Then their value. */
static inline bool mm_decimal_value(uint64_t x, size_t n, uint64_t *v)
{
	const uint64_t ones = 0x0101010101010101u;

	x = (x ^ ones * '0') >> (64 - 8 * n) << (64 - 8 * n);
	if ((x | (x + ones * 0x76)) & ones * 0x80)
		return false;
	x = x * 10 + (x >> 8);		/* pairs, in bytes 0, 2, 4, 6 */
	*v = ((x & 0x000000ff000000ffu) * (100 + (UINT64_C(1000000) << 32)) +
	      (x >> 16 & 0x000000ff000000ffu) * (1 + (UINT64_C(10000) << 32))) >> 32;
	return true;
}

/* Eight decimal digits; false when one of them is none. */
static inline bool mm_decimal8(const char *p, uint64_t *v)
{
	uint64_t x;

	memcpy(&x, p, 8);
	return mm_decimal_value(mm_first_lowest(x), 8, v);
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

/*
 * The same of text in a buffer: MM_TEXT_BEFORE bytes that end with the text may be read, whatever they are.  So its
 * bytes are the last of a register, and all digits are judged at once.
 */
enum { MM_TEXT_BEFORE = 16 };

/* Up to eight decimal digits that end at @end; false when one of the @n is none. */
static inline bool mm_decimal_before(const char *end, size_t n, uint64_t *v)
{
	uint64_t x;

	memcpy(&x, end - 8, 8);
	return mm_decimal_value(mm_first_lowest(x), n, v);
}

#ifdef __x86_64__
#include <emmintrin.h>

/* Up to 16 hex digits (lower case) that end at @end; false when one of the @n is none. */
static inline bool mm_hex_before(const char *end, size_t n, uint64_t *v)
{
	static const uint8_t ours[32] = { [16] = 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255 };
	__m128i mask = _mm_loadu_si128((const __m128i *)(ours + n)), x = _mm_loadu_si128((const __m128i *)(end - 16));
	__m128i digit = _mm_sub_epi8(x, _mm_set1_epi8('0')), letter = _mm_sub_epi8(x, _mm_set1_epi8('a'));
	__m128i is_digit = _mm_cmpeq_epi8(_mm_min_epu8(digit, _mm_set1_epi8(9)), digit);
	__m128i is_letter = _mm_cmpeq_epi8(_mm_min_epu8(letter, _mm_set1_epi8(5)), letter);

	x = _mm_or_si128(_mm_and_si128(is_digit, digit), _mm_and_si128(is_letter, _mm_add_epi8(letter, _mm_set1_epi8(10))));
	x = _mm_and_si128(x, mask);
	if (_mm_movemask_epi8(_mm_andnot_si128(_mm_or_si128(is_digit, is_letter), mask)))
		return false;
	x = _mm_and_si128(_mm_or_si128(_mm_slli_epi16(x, 4), _mm_srli_epi16(x, 8)), _mm_set1_epi16(255));
	*v = __builtin_bswap64((uint64_t)_mm_cvtsi128_si64(_mm_packus_epi16(x, x)));
	return true;
}
#else
static inline bool mm_hex_before(const char *end, size_t n, uint64_t *v)
{
	(void)end;
	(void)n;
	(void)v;
	return false;			/* of 0x and digits mm_parse_u64() knows too */
}
#endif

/* mm_parse_u64() */
static inline int mm_parse_number_before(struct mm_str s, uint64_t *out)
{
	const char *end = s.p + s.len;

	if (s.len == 1 && (unsigned char)(*s.p - '0') < 10) {
		*out = (unsigned char)(*s.p - '0');
		return 0;
	}
	if (s.len - 1 < 8 && mm_decimal_before(end, s.len, out))
		return 0;
	if (s.len - 3 < 16 && s.p[0] == '0' && s.p[1] == 'x' && mm_hex_before(end, s.len - 2, out))
		return 0;
	return mm_parse_u64(s, out);
}

/* mm_parse_seconds(), of microseconds as most recordings have them in one go */
static inline int mm_parse_seconds_before(struct mm_str s, uint64_t *ns)
{
	const char *end = s.p + s.len;
	uint64_t sec, micro;

	if (s.len - 8 >= 8 || end[-7] != '.' || !mm_decimal_before(end, 6, &micro) || !mm_decimal_before(end - 7, s.len - 7, &sec))
		return mm_parse_seconds(s, ns);
	*ns = sec * 1000000000 + micro * 1000;
	return 0;
}

/* mm_str_head() */
static inline uint64_t mm_str_head_before(struct mm_str s)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	uint64_t x;

	memcpy(&x, s.len < 8 ? s.p + s.len - 8 : s.p, 8);
	return s.len < 8 ? x >> (64 - 8 * s.len) : x;
#else
	return mm_str_head(s);
#endif
}

/* The next of a list as "0-3,8": 1, the range in *@from and *@to, the last included; 0 the list is used up; or -errno, no such list. */
int mm_next_range(struct mm_str *list, uint64_t *from, uint64_t *to);

char *mm_format_u64(char *p, uint64_t v);
char *mm_format_i64(char *p, int64_t v);
char *mm_format_hex(char *p, uint64_t v);			/* with 0x */
char *mm_format_seconds(char *p, uint64_t ns);			/* trailing zeros cut: 1.5, 0.000001, 3 */
/* @v in 10^-@decimals, all of them printed; at most 9 */
char *mm_format_fixed(char *p, int64_t v, unsigned decimals);
/* For people: 4K, 1.5G; at most four characters and a letter, rounded as lsblk does; bytes below 1K with B. */
char *mm_format_size(char *p, uint64_t bytes);

#endif /* TABLE_NUMBERS_H */
