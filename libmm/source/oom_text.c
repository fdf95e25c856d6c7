/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * source/oom_text.c - words and numbers in the lines of a kernel log
 *
 * A line may carry a syslog prefix ("Aug 10 08:07:16 host kernel: "), a level
 * <6>, a time stamp [    5.15] and a caller [T105] before what was printed; dmesg
 * writes other stamps too: [Sun Aug 10 08:07:16 2025] (-T), [Aug10 08:07] and
 * [  +0.000012] (-e), [    5.15 <    0.000012>] (-d), 2025-08-10T08:07:16,123456+00:00 (--time-format=iso), "kern  :warn  : " (-x).
 * A record of /dev/kmsg begins with "6,1234,5156675,-;". Whatever else a console server, grep -n or a mail put before a time stamp of
 * the kernel's own is cut off with it, and the marks of a quotation ("> ") are. Vendors' kernels have the CPU in their stamps:
 * [    5.156675@1], [    5.156675,1], [1-   5.156675].
 */
#include <string.h>

#include <libmm/csv.h>

#include "base/str.h"
#include "source/oom.h"

struct mm_str mm_oom_skip(struct mm_str s, size_t n) { return (struct mm_str){ s.p + n, s.len - n }; }

struct mm_str mm_oom_find(struct mm_str s, const char *word)
{
	const char *p = s.len ? memmem(s.p, s.len, word, strlen(word)) : NULL;

	return p ? (struct mm_str){ p, s.len - (size_t)(p - s.p) } : (struct mm_str){ NULL, 0 };
}

struct mm_str mm_oom_trim(struct mm_str s)
{
	while (s.len && *s.p == ' ')
		s = mm_oom_skip(s, 1);
	while (s.len && s.p[s.len - 1] == ' ')
		s.len--;
	return s;
}

static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); }

bool mm_oom_number_after(struct mm_str s, const char *word, int64_t *value)
{
	struct mm_str at = mm_oom_find(s, word);
	bool hex;
	size_t n;

	if (!at.p)
		return false;
	at = mm_oom_trim(mm_oom_skip(at, strlen(word)));
	hex = at.len > 2 && at.p[0] == '0' && at.p[1] == 'x';
	n = hex ? 2 : at.len && at.p[0] == '-';
	while (n < at.len && (hex ? is_hex(at.p[n]) : is_digit(at.p[n])))
		n++;
	if (hex) {
		uint64_t u;

		if (mm_parse_u64((struct mm_str){ at.p, n }, &u) || u > INT64_MAX)
			return false;
		*value = (int64_t)u;
		return true;
	}
	return n && !mm_parse_i64((struct mm_str){ at.p, n }, value);
}

bool mm_oom_pages_after(struct mm_str s, const char *word, uint64_t per_page, uint64_t *pages)
{
	int64_t v;

	if (!mm_oom_number_after(s, word, &v) || v < 0)
		return false;
	*pages = (uint64_t)v / per_page < UINT64_C(1) << 48 ? (uint64_t)v / per_page : UINT64_C(1) << 48;
	return true;
}

/* "[Sun Aug 10 08:07:16 2025]": what the kernel itself prints in brackets has no time of day. */
static bool has_time_of_day(const char *p, size_t n)
{
	for (size_t i = 2; i + 2 < n; i++)
		if (p[i] == ':' && is_digit(p[i - 1]) && is_digit(p[i - 2]) && is_digit(p[i + 1]) && is_digit(p[i + 2]))
			return true;
	return false;
}

/* "[    5.156675] ", "[T105] " or another stamp in brackets at the beginning: its length, else 0. */
static size_t stamp(struct mm_str s)
{
	const char *end = s.len && s.p[0] == '[' ? memchr(s.p, ']', s.len < 64 ? s.len : 64) : NULL;
	size_t i = 1, n = end ? (size_t)(end - s.p) : 0;
	bool dot = false, caller = false;

	if (!end)
		return 0;
	while (i < n && s.p[i] == ' ')
		i++;
	if (i < n && (s.p[i] == 'T' || s.p[i] == 'C' || s.p[i] == '+')) {
		caller = s.p[i] != '+';
		i++;
	}
	for (; i < n && (is_digit(s.p[i]) || s.p[i] == '.' || (s.p[i] == '-' && !dot)); i++)
		dot |= s.p[i] == '.';
	if (dot && n - i > 1 && (s.p[i] == '@' || s.p[i] == ','))
		for (i++; i < n && is_digit(s.p[i]);)
			i++;
	if (dot && n - i > 3 && s.p[i] == ' ' && s.p[i + 1] == '<' && s.p[n - 1] == '>')	/* "<    0.000012>": since the last */
		i = n;
	if ((i < n || !(dot || caller)) && !has_time_of_day(s.p, n))
		return 0;
	n += n + 2 < s.len && s.p[n + 1] == ':' && s.p[n + 2] == ' ';
	return n + 1 < s.len && s.p[n + 1] == ' ' ? n + 2 : n + 1;
}

/* "2025-08-10T08:07:16,123456+00:00 ", of a container's log with "stdout F " */
static size_t iso_stamp(struct mm_str s)
{
	static const char shape[] = "0000-00-00T00:00:00";
	const char *start = s.p, *end;

	if (s.len < sizeof(shape))
		return 0;
	for (size_t i = 0; i < sizeof(shape) - 1; i++)
		if (shape[i] == '0' ? !is_digit(s.p[i]) : s.p[i] != shape[i])
			return 0;
	end = memchr(s.p, ' ', s.len);
	if (!end)
		return 0;
	s = mm_oom_skip(s, (size_t)(end - s.p) + 1);
	return (size_t)(s.p - start) + (mm_str_starts(s, "stdout F ") || mm_str_starts(s, "stderr F ") ? 9 : 0);
}

/* "kern  :warn  : " */
static size_t facility(struct mm_str s)
{
	size_t n = 4;

	if (s.len < 8 || memcmp(s.p, "kern", 4))
		return 0;
	for (int colons = 0; colons < 2; colons++) {
		while (n < s.len && (s.p[n] == ' ' || (colons && s.p[n] >= 'a' && s.p[n] <= 'z')))
			n++;
		if (n == s.len || s.p[n++] != ':')
			return 0;
	}
	return n < s.len && s.p[n] == ' ' ? n + 1 : n;
}

/*
 * "6,1234,5156675,-;": level, number and microseconds of a record of /dev/kmsg, flags and what else there may be; netconsole puts the
 * kernel's release before it
 */
static size_t kmsg_head(struct mm_str s)
{
	const char *end = s.len ? memchr(s.p, ';', s.len < 120 ? s.len : 120) : NULL;
	const char *comma = end ? memchr(s.p, ',', (size_t)(end - s.p)) : NULL;
	size_t i = comma && is_digit(*s.p) && memchr(s.p, '.', (size_t)(comma - s.p)) ? (size_t)(comma - s.p) + 1 : 0;

	for (int commas = 0; end && commas < 3; commas++) {
		size_t start = i;

		while (is_digit(s.p[i]))
			i++;
		if (i == start || s.p[i++] != ',')
			return 0;
	}
	return end ? (size_t)(end - s.p) + 1 : 0;
}

/* Where the kernel's stamp "[    5.156675] " stands behind something else: how much that is, else 0. */
static size_t foreign(struct mm_str s)
{
	enum { FAR = 160, DECIMALS = 6 };

	for (size_t i = 1; i < s.len && i < FAR; i++) {
		struct mm_str at = mm_oom_skip(s, i);
		size_t n = s.p[i] == '[' ? stamp(at) : 0;
		const char *dot = n ? memchr(at.p, '.', n) : NULL, *end = dot ? memchr(dot, ']', n - (size_t)(dot - at.p)) : NULL;

		if (end && end - dot == DECIMALS + 1)
			return i;
	}
	return 0;
}

struct mm_str mm_oom_payload(struct mm_str s)
{
	const char *daemon = "kernel: ";
	struct mm_str at = mm_oom_find(s, daemon);
	size_t n;

	s = mm_oom_skip(s, kmsg_head(s));
	if (!at.p)
		at = mm_oom_find(s, daemon = " kernel - - - ");		/* RFC 5424 */
	if (at.p)
		s = mm_oom_skip(at, strlen(daemon));
	while (s.len && (*s.p == ' ' || *s.p == '\t' || *s.p == '>'))
		s = mm_oom_skip(s, 1);
	s = mm_oom_skip(s, facility(s));
	s = mm_oom_skip(s, iso_stamp(s));
	if (s.len > 2 && s.p[0] == '<') {
		const char *end = memchr(s.p, '>', s.len);

		if (end)
			s = mm_oom_skip(s, (size_t)(end - s.p) + 1);
	}
	if (!at.p && !stamp(s))
		s = mm_oom_skip(s, foreign(s));
	while ((n = stamp(s)) > 0)
		s = mm_oom_skip(s, n);
	return s;
}
