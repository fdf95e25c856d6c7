/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What stands before the call in a line of an strace log, and by that whether a file is one.
 *
 *   [pid 123<sh>] 12:00:01.000002 (+     0.000015) [   9] [00007ffff7feaca3] mmap(...
 *   123<sh>       1700000000.000002                                          <... mmap resumed>...
 *
 * pid with -f (-Y: its name), a time stamp (-t, -tt, -ttt, -r, or -r behind another), the number of the call (-n)
 * and the instruction pointer (-i). Below a call there may be its stack (-k: " > file(function+0x1) [0x2]") and
 * the bytes that went through it (-e read, -e write: " | 00000  7f 45 ...|").
 */
#include <string.h>

#include "base/str.h"
#include "source/scan.h"
#include "source/strace.h"

#define NS_PER_S UINT64_C(1000000000)

/* "<name>" of -Y, in which anything may stand; it ends where a blank or bracket follows. */
static void skip_comm(struct mm_str *s)
{
	if (!s->len || s->p[0] != '<')
		return;
	for (size_t i = 1; i + 1 < s->len; i++)
		if (s->p[i] == '>' && (s->p[i + 1] == ' ' || s->p[i + 1] == ']')) {
			*s = (struct mm_str){ s->p + i + 1, s->len - i - 1 };
			return;
		}
}

/* "[pid 123] " or "123 " before the rest; false: neither. */
static bool cut_pid(struct mm_str *line, uint64_t *pid)
{
	struct mm_str s = *line;
	bool brackets = scan_word(&s, "[pid");

	if ((!brackets && (!s.len || !strace_is_digit(s.p[0]))) || !scan_u64(&s, pid) || *pid > INT32_MAX)
		return false;
	skip_comm(&s);
	if (brackets ? !scan_word(&s, "]") : !s.len || s.p[0] != ' ')
		return false;
	scan_blanks(&s);
	*line = s;
	return true;
}

/* ".123456" to nanoseconds */
static uint64_t fraction(struct mm_str *s)
{
	uint64_t ns = 0, unit = 100000000;

	if (!s->len || (s->p[0] != '.' && s->p[0] != ','))
		return 0;
	for (s->p++, s->len--; s->len && strace_is_digit(s->p[0]); s->p++, s->len--, unit /= 10)
		ns += (uint64_t)(s->p[0] - '0') * unit;
	return ns;
}

/* "34:56[.frac]" behind "12:", a time of day, which does not go back but at midnight. */
static bool cut_clock(struct strace_clock *c, uint64_t hours, struct mm_str *rest, uint64_t *ns)
{
	const uint64_t day_ns = 86400 * NS_PER_S;
	uint64_t minutes, seconds;

	if (!scan_u64(rest, &minutes) || !scan_word(rest, ":") || !scan_u64(rest, &seconds) || minutes > 59 || seconds > 60 || hours > 23)
		return false;
	*ns = (hours * 3600 + minutes * 60 + seconds) * NS_PER_S + fraction(rest) + c->days_ns;
	if (c->has_time && *ns + day_ns / 2 < c->last_ns) {
		c->days_ns += day_ns;
		*ns += day_ns;
	}
	return true;
}

/* 12:34:56[.frac], 1700000000.123456, or 0.000123 (-r); false: no time stamp. */
static bool cut_time(struct strace_clock *c, struct mm_str *line, uint64_t *ns)
{
	struct mm_str rest = *line;
	uint64_t first;

	if (!rest.len || !strace_is_digit(rest.p[0]) || !scan_u64(&rest, &first) || first > UINT64_MAX / 2000000000)
		return false;
	if (scan_word(&rest, ":")) {
		if (!cut_clock(c, first, &rest, ns))
			return false;
	} else if (rest.len && (rest.p[0] == '.' || rest.p[0] == ' ')) {
		*ns = first * NS_PER_S + fraction(&rest);
		c->relative = c->relative || (!c->has_time && first < 100000000);
		*ns += c->relative ? c->last_ns : 0;
	} else {
		return false;
	}
	if (!rest.len || rest.p[0] != ' ')
		return false;
	scan_blanks(&rest);
	*line = rest;
	return true;
}

static void take_time(struct strace_clock *c, struct mm_str *line, struct strace_call *call)
{
	uint64_t ns;

	scan_blanks(line);
	if (!cut_time(c, line, &ns))
		return;
	if (!c->has_time && !c->relative)
		c->first_ns = ns;
	c->has_time = true;
	if (ns > c->last_ns)
		c->last_ns = ns;
	call->has_time = true;
	call->time_ns = c->last_ns - c->first_ns;
}

/* "(+     0.000015) " of -r behind another time stamp, "[   9] " of -n, "[00007ffff7feaca3] " of -i */
static void skip_notes(struct mm_str *line)
{
	struct mm_str s = *line;

	for (;;) {
		char end = scan_word(&s, "(+") ? ')' : scan_word(&s, "[") ? ']' : '\0';

		while (end && s.len && (s.p[0] == ' ' || s.p[0] == '.' || s.p[0] == '?' || strace_is_digit(s.p[0]) ||
					(s.p[0] >= 'a' && s.p[0] <= 'f')))
			s = (struct mm_str){ s.p + 1, s.len - 1 };
		if (!end || s.len < 2 || s.p[0] != end || s.p[1] != ' ')
			return;
		s = (struct mm_str){ s.p + 1, s.len - 1 };
		scan_blanks(&s);
		*line = s;
	}
}

bool strace_cut_head(struct strace_clock *clock, struct mm_str *line, uint64_t *pid, struct strace_call *call)
{
	bool given = cut_pid(line, pid);

	take_time(clock, line, call);
	skip_notes(line);
	return given;
}

/* "Process 13 attached", and what old ones say there; what is left in @s is behind it. */
static bool tells_of_a_task(struct mm_str *s)
{
	static const char *const words[] = { " attached", " detached", " resumed", " suspended" };
	uint64_t pid;

	if (!scan_word(s, "Process ") || !s->len || !strace_is_digit(s->p[0]) || !scan_u64(s, &pid))
		return false;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (scan_prefix(s, words[i], strlen(words[i])))
			return true;
	return false;
}

bool strace_is_notice(struct mm_str line)
{
	return scan_word(&line, "strace: ") || scan_word(&line, "[ Process PID=") || tells_of_a_task(&line);
}

const char *strace_attached(struct mm_str line)
{
	static const char *const ends[] = { " attached", " attached (waiting for parent)" };
	const size_t len = sizeof("strace: ") - 1, n[] = { strlen(ends[0]), strlen(ends[1]) };
	const char *at = NULL, *p;
	struct mm_str rest = line;

	if ((line.len < n[0] || memcmp(line.p + line.len - n[0], ends[0], n[0])) &&
	    (line.len < n[1] || memcmp(line.p + line.len - n[1], ends[1], n[1])))
		return NULL;
	for (; (p = strace_find(rest, "Process ")); rest = (struct mm_str){ p + 1, rest.len - (size_t)(p + 1 - rest.p) })
		at = p;
	if (!at)
		return NULL;
	rest = (struct mm_str){ at, line.len - (size_t)(at - line.p) };
	if (!tells_of_a_task(&rest) || (rest.len && !mm_str_is(rest, ends[1] + n[0])))
		return NULL;
	return (size_t)(at - line.p) >= len && !memcmp(at - len, "strace: ", len) ? at - len : at;
}

bool strace_is_below_a_call(struct mm_str line)
{
	return line.len > 2 && line.p[0] == ' ' && (line.p[1] == '>' || line.p[1] == '|') && line.p[2] == ' ';
}

/* The name of a call and the bracket behind it; 0: none. */
static size_t name_len(struct mm_str text)
{
	size_t n = 0;

	while (n < text.len && ((text.p[n] >= 'a' && text.p[n] <= 'z') || strace_is_digit(text.p[n]) || text.p[n] == '_'))
		n++;
	return n > 1 && n < text.len && text.p[n] == '(' ? n : 0;
}

bool strace_is_event(struct mm_str text)
{
	return scan_word(&text, "--- ") || scan_word(&text, "+++ ") || scan_word(&text, "<... ") || name_len(text);
}

/* A line of a log: perhaps a pid and a time, then name(, <..., --- or +++. */
static bool looks_like(struct mm_str line)
{
	struct strace_clock clock = { 0 };
	struct strace_call call = { 0 };
	uint64_t pid;

	if (strace_is_notice(line))
		return true;
	strace_cut_head(&clock, &line, &pid, &call);
	if (scan_word(&line, "--- SIG") || scan_word(&line, "+++ ") || scan_word(&line, "<... "))
		return true;
	return name_len(line) && (strace_has(line, ") = ") || strace_has(line, " <unfinished ...>") || strace_has(line, ")  ") ||
				  strace_attached(line));
}

int strace_sniff(struct mm_str head)
{
	struct mm_str line;
	bool begun = false;	/* the line is the rest of one in which a notice came between */
	int seen = 0, good = 0;

	while (seen < 5 && scan_line(&head, &line)) {
		bool rest = begun && !strace_is_notice(line);

		if (line.len && !rest && !strace_is_below_a_call(line)) {
			seen++;
			good += looks_like(line);
		}
		begun = (begun && !rest) || (strace_attached(line) && !strace_is_notice(line));
	}
	return good && good * 2 > seen ? 80 : 0;
}
