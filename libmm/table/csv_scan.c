/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The scan: one bit a byte for "comma or line feed" and one for "special", 64
 * (or 8) bytes at a time; then the set bits become offsets.  A tail shorter
 * than a step goes byte by byte, so nothing past the end is read.
 */
#include <string.h>

#include "table/csv_scan.h"

static size_t scan_bytes(const char *base, size_t from, size_t to, uint32_t *sep, size_t *special)
{
	size_t n = 0;

	for (size_t i = from; i < to; i++) {
		if (base[i] == ',' || base[i] == '\n')
			sep[n++] = (uint32_t)i;
		else if (mm_csv_is_special(base[i]) && i < *special)
			*special = i;
	}
	return n;
}

#define ONES 0x0101010101010101u
#define HIGHS 0x8080808080808080u

/* 0x80 in each byte of @x that is zero; no carry runs from byte to byte. */
static uint64_t zero_bytes(uint64_t x)
{
	return ~(((x & ~HIGHS) + ~HIGHS) | x | ~HIGHS);
}

/* 0x80 in each byte of @x that is at most @limit < 0x80. */
static uint64_t bytes_up_to(uint64_t x, unsigned char limit)
{
	return ~(((x & ~HIGHS) + (uint64_t)(0x7f - limit) * ONES) | x) & HIGHS;
}

/* Index of the lowest addressed byte whose 0x80 is set in @m. */
static unsigned first_byte(uint64_t m)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	return (unsigned)__builtin_clzll(m) / 8;
#else
	return (unsigned)__builtin_ctzll(m) / 8;
#endif
}

static uint64_t clear_byte(uint64_t m, unsigned byte)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	return m & ~(HIGHS << 56 >> 8 * byte);
#else
	return m & ~((uint64_t)0x80 << 8 * byte);
#endif
}

size_t mm_csv_scan_plain(const char *base, size_t from, size_t to, uint32_t *sep, size_t *special)
{
	size_t n = 0, i = from;

	for (; i + 8 <= to; i += 8) {
		uint64_t x, lf, low;

		memcpy(&x, base + i, 8);
		lf = zero_bytes(x ^ (uint64_t)'\n' * ONES);
		low = bytes_up_to(x, '"') & ~lf;
		if (low && i < *special)
			*special = i + first_byte(low);
		for (uint64_t m = lf | zero_bytes(x ^ (uint64_t)',' * ONES); m; m = clear_byte(m, first_byte(m)))
			sep[n++] = (uint32_t)(i + first_byte(m));
	}
	return n + scan_bytes(base, i, to, sep + n, special);
}

#ifdef __x86_64__
#include <immintrin.h>

/* The set bits of @m, offset by @i. */
static inline __attribute__((always_inline)) uint32_t *put_bits(uint32_t *sep, size_t i, uint64_t m)
{
	while (m) {
		*sep++ = (uint32_t)i + (uint32_t)__builtin_ctzll(m);
		m &= m - 1;
	}
	return sep;
}

size_t mm_csv_scan_sse2(const char *base, size_t from, size_t to, uint32_t *sep, size_t *special)
{
	const __m128i comma = _mm_set1_epi8(','), lf = _mm_set1_epi8('\n'), quote = _mm_set1_epi8('"');
	uint32_t *p = sep;
	size_t i = from;

	for (; i + 64 <= to; i += 64) {
		uint64_t cut = 0, low = 0;

		for (unsigned k = 0; k < 64; k += 16) {
			__m128i x = _mm_loadu_si128((const __m128i *)(base + i + k));
			__m128i is_lf = _mm_cmpeq_epi8(x, lf);
			__m128i is_low = _mm_andnot_si128(is_lf, _mm_cmpeq_epi8(_mm_min_epu8(x, quote), x));
			__m128i is_cut = _mm_or_si128(is_lf, _mm_cmpeq_epi8(x, comma));

			cut |= (uint64_t)(uint32_t)_mm_movemask_epi8(is_cut) << k;
			low |= (uint64_t)(uint32_t)_mm_movemask_epi8(is_low) << k;
		}
		if (low && i < *special)
			*special = i + (size_t)__builtin_ctzll(low);
		p = put_bits(p, i, cut);
	}
	return (size_t)(p - sep) + scan_bytes(base, i, to, p, special);
}

__attribute__((target("avx2,bmi,bmi2")))
size_t mm_csv_scan_avx2(const char *base, size_t from, size_t to, uint32_t *sep, size_t *special)
{
	const __m256i comma = _mm256_set1_epi8(','), lf = _mm256_set1_epi8('\n'), quote = _mm256_set1_epi8('"');
	uint32_t *p = sep;
	size_t i = from;

	for (; i + 64 <= to; i += 64) {
		__m256i x = _mm256_loadu_si256((const __m256i *)(base + i));
		__m256i y = _mm256_loadu_si256((const __m256i *)(base + i + 32));
		__m256i xlf = _mm256_cmpeq_epi8(x, lf), ylf = _mm256_cmpeq_epi8(y, lf);
		__m256i xlow = _mm256_andnot_si256(xlf, _mm256_cmpeq_epi8(_mm256_min_epu8(x, quote), x));
		__m256i ylow = _mm256_andnot_si256(ylf, _mm256_cmpeq_epi8(_mm256_min_epu8(y, quote), y));
		uint64_t cut = (uint32_t)_mm256_movemask_epi8(_mm256_or_si256(xlf, _mm256_cmpeq_epi8(x, comma)));

		cut |= (uint64_t)(uint32_t)_mm256_movemask_epi8(_mm256_or_si256(ylf,
										_mm256_cmpeq_epi8(y, comma))) << 32;
		if (i < *special && !_mm256_testz_si256(_mm256_or_si256(xlow, ylow), _mm256_or_si256(xlow, ylow))) {
			uint64_t low = (uint32_t)_mm256_movemask_epi8(xlow);

			low |= (uint64_t)(uint32_t)_mm256_movemask_epi8(ylow) << 32;
			*special = i + (size_t)__builtin_ctzll(low);
		}
		p = put_bits(p, i, cut);
	}
	return (size_t)(p - sep) + scan_bytes(base, i, to, p, special);
}
#endif

mm_csv_scan_fn *mm_csv_scan_best(void)
{
#ifdef __x86_64__
	__builtin_cpu_init();
	return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2") ? mm_csv_scan_avx2 : mm_csv_scan_sse2;
#else
	return mm_csv_scan_plain;
#endif
}
