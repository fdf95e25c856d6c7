/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Text to numbers and back.  A number is the whole slice or an error: no
 * blanks, no plus sign, nothing after it; what does not fit is -ERANGE and
 * never wraps.
 */
#include <errno.h>
#include <string.h>

#include <libmm/wide.h>
#include "base/str.h"
#include "table/numbers.h"

/* Value of a hex digit, or 16 and more. */
static unsigned hex_digit(char c)
{
	unsigned d = (unsigned char)c - '0';

	if (d < 10)
		return d;
	d = ((unsigned char)c | 0x20) - 'a';
	return d < 6 ? d + 10 : 16;
}

static int parse_hex(const char *p, size_t n, uint64_t *out)
{
	uint64_t v = 0;

	uint32_t eight;
	size_t i = 0;

	if (!n)
		return -EINVAL;
	if (n >= 8 && mm_hex8(p, &eight)) {
		v = eight;
		i = 8;
	}
	for (; i < n; i++) {
		unsigned d = hex_digit(p[i]);

		if (d > 15)
			return -EINVAL;
		if (v >> 60)
			return -ERANGE;
		v = v << 4 | d;
	}
	*out = v;
	return 0;
}

static int parse_decimal(const char *p, size_t n, uint64_t *out)
{
	uint64_t v = 0;
	bool over = false;

	if (!n)
		return -EINVAL;
	for (size_t i = 0; i < n; i++) {
		unsigned d = (unsigned char)p[i] - '0';

		if (d > 9)
			return -EINVAL;
		if (i >= 19)
			over |= __builtin_mul_overflow(v, 10u, &v) || __builtin_add_overflow(v, d, &v);
		else
			v = v * 10 + d;
	}
	if (over)
		return -ERANGE;
	*out = v;
	return 0;
}

int mm_parse_u64(struct mm_str s, uint64_t *out)
{
	if (s.len > 2 && s.p[0] == '0' && (s.p[1] | 0x20) == 'x')
		return parse_hex(s.p + 2, s.len - 2, out);
	return parse_decimal(s.p, s.len, out);
}

int mm_parse_i64(struct mm_str s, int64_t *out)
{
	bool minus = s.len && s.p[0] == '-';
	uint64_t v = 0;
	int e = mm_parse_u64((struct mm_str){ s.p + minus, s.len - minus }, &v);

	if (e)
		return e;
	if (v > (uint64_t)INT64_MAX + minus)
		return -ERANGE;
	*out = (int64_t)(minus ? 0 - v : v);
	return 0;
}

int mm_next_range(struct mm_str *list, uint64_t *from, uint64_t *to)
{
	struct mm_str item, end;
	int e;

	if (!mm_next_item(list, ',', &item))
		return 0;
	mm_next_item(&item, '-', &end);
	e = parse_decimal(end.p, end.len, from);
	*to = *from;
	if (!e && item.p)
		e = parse_decimal(item.p, item.len, to);
	return e ? e : *from <= *to ? 1 : -EINVAL;
}

/* Digits after the point, as units of 10^-9; further ones are checked and cut. */
static int parse_fraction(const char *p, size_t n, uint64_t *out)
{
	enum { DIGITS = 9 };
	uint64_t v = 0;

	if (!n)
		return -EINVAL;
	for (size_t i = 0; i < n || i < DIGITS; i++) {
		unsigned d = i < n ? (unsigned char)p[i] - '0' : 0;

		if (d > 9)
			return -EINVAL;
		if (i < DIGITS)
			v = v * 10 + d;
	}
	*out = v;
	return 0;
}

/* Of any length. */
static int parse_any_seconds(struct mm_str s, uint64_t *ns)
{
	const char *dot = s.len ? memchr(s.p, '.', s.len) : NULL;
	size_t whole = dot ? (size_t)(dot - s.p) : s.len;
	uint64_t sec, frac = 0;
	int e = parse_decimal(s.p, whole, &sec);

	if (!e && dot)
		e = parse_fraction(dot + 1, s.len - whole - 1, &frac);
	if (e)
		return e;
	if (__builtin_mul_overflow(sec, 1000000000u, &sec) || __builtin_add_overflow(sec, frac, &sec))
		return -ERANGE;
	*ns = sec;
	return 0;
}

/* In one go where it cannot overflow: up to nine digits, a point, up to nine more. */
int mm_parse_seconds(struct mm_str s, uint64_t *ns)
{
	static const uint32_t unit[] = { 1000000000, 100000000, 10000000, 1000000, 100000, 10000, 1000, 100, 10, 1 };
	const char *p = s.p, *end = p + s.len, *dot;
	uint64_t sec = 0, frac = 0;

	for (; p < end && (unsigned char)(*p - '0') < 10; p++)
		sec = sec * 10 + (unsigned char)(*p - '0');
	dot = p;
	if (p == s.p || p - s.p > 9 || p == end || *p++ != '.')
		return parse_any_seconds(s, ns);
	for (; p < end && (unsigned char)(*p - '0') < 10; p++)
		frac = frac * 10 + (unsigned char)(*p - '0');
	if (p < end || p - dot < 2 || p - dot > 10)
		return parse_any_seconds(s, ns);
	*ns = sec * 1000000000 + frac * unit[p - dot - 1];
	return 0;
}

/* The unit at @p (K, kB, KiB, ... E): its shift, or -1. */
static int size_unit(const char *p)
{
	static const char units[] = "KMGTPE";
	char c = *p >= 'a' && *p <= 'z' ? (char)(*p - 32) : *p;
	const char *u = c ? strchr(units, c) : NULL;

	if (!c || !strcmp(p, "B"))
		return 0;
	if (!u)
		return -1;
	p++;
	if (*p && strcmp(p, "B") && strcmp(p, "iB"))
		return -1;
	return 10 * (int)(u - units + 1);
}

int mm_parse_size(const char *s, uint64_t *bytes)
{
	size_t whole = strspn(s, "0123456789"), frac = 0;
	uint64_t n, nano = 0;
	int e, shift;

	if (s[0] == '0' && (s[1] | 0x20) == 'x')
		return mm_parse_u64((struct mm_str){ s, strlen(s) }, bytes);
	e = parse_decimal(s, whole, &n);
	if (e)
		return e;
	if (s[whole] == '.') {
		frac = strspn(s + whole + 1, "0123456789");
		e = parse_fraction(s + whole + 1, frac++, &nano);
		if (e)
			return e;
	}
	shift = size_unit(s + whole + frac);
	if (shift < 0 || (nano && !shift))
		return -EINVAL;
	if (n > UINT64_MAX >> shift)
		return -ERANGE;
	if (__builtin_add_overflow(n << shift, mm_mul_div(nano, UINT64_C(1) << shift, 0, 1000000000u), &n))
		return -ERANGE;
	*bytes = n;
	return 0;
}

/* ---- numbers to text ---- */

static const char pairs[] =
	"00010203040506070809" "10111213141516171819" "20212223242526272829" "30313233343536373839" "40414243444546474849"
	"50515253545556575859" "60616263646566676869" "70717273747576777879" "80818283848586878889" "90919293949596979899";

static unsigned nr_digits(uint64_t v)
{
	static const uint64_t powers[] = {
		0, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000, 10000000000u, 100000000000u,
		1000000000000u, 10000000000000u, 100000000000000u, 1000000000000000u, 10000000000000000u,
		100000000000000000u, 1000000000000000000u, 10000000000000000000u,
	};
	unsigned t = (64 - (unsigned)__builtin_clzll(v | 1)) * 1233 >> 12;	/* log2 to log10, or one too few */

	return t + (v >= powers[t] || !t);
}

/* @n digits of @v so that they end before @end, zeros in front. */
static void put_digits(char *end, uint64_t v, unsigned n)
{
	for (; n > 1; n -= 2) {
		end -= 2;
		memcpy(end, pairs + 2 * (v % 100), 2);
		v /= 100;
	}
	if (n)
		*--end = (char)('0' + v % 10);
}

/* The 8 digits of @v < 10^8 as numbers, the first lowest: halves, then pairs, then digits, side by side. */
static inline uint64_t eight_digits(uint32_t v)
{
	uint64_t x = v / 10000 | (uint64_t)(v % 10000) << 32;
	uint64_t tens = x * 10486 >> 20 & 0x0000007f0000007fu;

	x = tens | (x - tens * 100) << 16;
	tens = x * 103 >> 10 & 0x000f000f000f000fu;
	return tens | (x - tens * 10) << 8;
}

char *mm_format_u64(char *p, uint64_t v)
{
	unsigned n;

	if (v < 10) {
		*p = (char)('0' + v);
		return p + 1;
	}
	if (v < 10000) {
		unsigned hundreds = (unsigned)v / 100;

		if (hundreds >= 10) {
			memcpy(p, pairs + 2 * hundreds, 2);
			p += 2;
		} else if (hundreds) {
			*p++ = (char)('0' + hundreds);
		}
		memcpy(p, pairs + 2 * ((unsigned)v % 100), 2);
		return p + 2;
	}
	if (v < 100000000) {
		uint64_t x = eight_digits((uint32_t)v);
		unsigned zeros = (unsigned)__builtin_ctzll(x) / 8;

		x = mm_first_lowest((x >> 8 * zeros) + 0x3030303030303030u);
		memcpy(p, &x, 8);
		return p + 8 - zeros;
	}
	n = nr_digits(v);
	put_digits(p + n, v, n);
	return p + n;
}

char *mm_format_i64(char *p, int64_t v)
{
	if (v < 0)
		*p++ = '-';
	return mm_format_u64(p, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
}

#ifndef __x86_64__
/* The 8 hex digits of @v in memory order. */
static inline uint64_t hex8(uint32_t v)
{
	uint64_t x = __builtin_bswap32(v), letters;

	x = (x | x << 16) & 0x0000ffff0000ffffu;
	x = (x | x << 8) & 0x00ff00ff00ff00ffu;
	x = (x >> 4 & 0x000f000f000f000fu) | (x & 0x000f000f000f000fu) << 8;
	letters = (x + 0x0606060606060606u) >> 4 & 0x0101010101010101u;
	x += 0x3030303030303030u + letters * ('a' - '0' - 10);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	x = __builtin_bswap64(x);
#endif
	return x;
}
#endif

/* 16 hex digits */
static inline void put_hex16(char *p, uint64_t v)
{
#ifdef __x86_64__
	__m128i x = _mm_cvtsi64_si128((long long)__builtin_bswap64(v)), nibble = _mm_set1_epi8(15);

	x = _mm_unpacklo_epi8(_mm_and_si128(_mm_srli_epi64(x, 4), nibble), _mm_and_si128(x, nibble));
	x = _mm_add_epi8(_mm_add_epi8(x, _mm_set1_epi8('0')),
			 _mm_and_si128(_mm_cmpgt_epi8(x, _mm_set1_epi8(9)), _mm_set1_epi8('a' - '0' - 10)));
	_mm_storeu_si128((__m128i *)p, x);
#else
	uint64_t high = hex8((uint32_t)(v >> 32)), low = hex8((uint32_t)v);

	memcpy(p, &high, 8);
	memcpy(p + 8, &low, 8);
#endif
}

char *mm_format_hex(char *p, uint64_t v)
{
	unsigned n = v ? (67 - (unsigned)__builtin_clzll(v)) / 4 : 1;

	memcpy(p, "0x", 2);
	put_hex16(p + 2, v << (64 - 4 * n));
	return p + 2 + n;
}

char *mm_format_seconds(char *p, uint64_t ns)
{
	uint64_t frac = ns % 1000000000;

	p = mm_format_u64(p, ns / 1000000000);
	if (!frac)
		return p;
	*p = '.';
	put_digits(p + 10, frac, 9);
	p += 10;
	while (p[-1] == '0')
		p--;
	return p;
}

char *mm_format_fixed(char *p, int64_t v, unsigned decimals)
{
	uint64_t u = v < 0 ? 0 - (uint64_t)v : (uint64_t)v, unit = 1;

	for (unsigned i = 0; i < decimals; i++)
		unit *= 10;
	if (v < 0)
		*p++ = '-';
	p = mm_format_u64(p, u / unit);
	if (!decimals)
		return p;
	*p = '.';
	put_digits(p + 1 + decimals, u % unit, decimals);
	return p + 1 + decimals;
}

char *mm_format_size(char *p, uint64_t bytes)
{
	unsigned unit = 0, shift;
	uint64_t tenths;

	while (unit < 6 && bytes >> 10 * (unit + 1))
		unit++;
	shift = 10 * unit;
	tenths = (bytes >> shift) * 10;
	if (unit) {
		uint64_t rest = bytes & (((uint64_t)1 << shift) - 1), half = (uint64_t)1 << (shift - 1);

		tenths += mm_mul_div(rest, 10, half, UINT64_C(1) << shift);
	}
	if (tenths >= 10240 && unit < 6) {	/* 1023.96K is 1M */
		tenths = 10;
		unit++;
	}
	p = mm_format_u64(p, tenths / 10);
	if (tenths % 10) {
		*p++ = '.';
		*p++ = (char)('0' + tenths % 10);
	}
	*p++ = "BKMGTPE"[unit];
	return p;
}
