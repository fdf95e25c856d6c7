/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * source/oom_prefix.c - what a log puts before the kernel's lines, where it is no form that is known
 *
 *	11-29 12:00:01.123     0     0 W         : CPU: 0 PID: 105 Comm: eater Not tainted ...	logcat
 *	[  123.456789]  (0)[105:eater]CPU: 0 PID: 105 Comm: eater ...				vendors' kernels
 *
 * Each report has a line of which is known how it begins: what stands before that stands before the report's other lines as well, with
 * other numbers in it.
 */
#include <string.h>

#include "base/str.h"
#include "source/oom.h"

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* How much stands before "CPU: 0 PID: 105 ", "CPU: 0 UID: 0 PID: 105 ", "Pid: 105, comm: " or "Mem-Info:"; SIZE_MAX: it is another line */
static size_t before_known(struct mm_str s)
{
	struct mm_str at = mm_oom_find(s, "CPU: ");

	if (at.p && (at.len < 6 || !is_digit(at.p[5]) || !mm_oom_find(at, "PID: ").p))
		at.p = NULL;
	if (!at.p) {
		at = mm_oom_find(s, "Pid: ");
		if (at.p && !mm_oom_find(at, ", comm: ").p)
			at.p = NULL;
	}
	if (!at.p) {
		at = mm_oom_find(s, "Mem-Info:");
		if (at.p && at.len != strlen("Mem-Info:"))
			at.p = NULL;
	}
	return at.p ? (size_t)(at.p - s.p) : SIZE_MAX;
}

static size_t run(const char *p, size_t len, bool digits)
{
	size_t n = 0;

	while (n < len && (digits ? is_digit(p[n]) : p[n] == ' '))
		n++;
	return n;
}

/* Digits stand for digits, blanks for blanks; those at its end for as many at most, for lines may begin with blanks. */
struct mm_str mm_oom_prefix_strip(const struct mm_oom_prefix *p, struct mm_str s)
{
	size_t i = 0, j = 0;

	while (i < p->len && j < s.len) {
		bool digits = is_digit(p->text[i]), blanks = p->text[i] == ' ';
		size_t n = digits || blanks ? run(p->text + i, p->len - i, digits) : 1;
		size_t m = digits || blanks ? run(s.p + j, s.len - j, digits) : s.p[j] == p->text[i];

		if (!m)
			return s;
		i += n;
		j += blanks && i == p->len && m > n ? n : m;
	}
	return i < p->len ? s : mm_oom_skip(s, j);
}

struct mm_str mm_oom_prefix_line(struct mm_oom_prefix *p, struct mm_str line)
{
	struct mm_str s = mm_oom_payload(line);
	size_t n = p->known ? SIZE_MAX : before_known(s);

	if (n < sizeof(p->text)) {
		p->known = true;
		memcpy(p->text, s.p, p->len = n);
	}
	return mm_oom_prefix_strip(p, s);
}
