/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Events in the less common forms of ftrace's text.
 *
 *	    bash-1234      1d..1.   12us+: kfree: call_site=...		options/latency-format; microseconds since the trace began
 *	   <...>-4321      0.....  345us : kfree: call_site=...
 *	  123.456789 |   0)   bash-1234    |               |  (comment) kfree: call_site=...
 *
 * The last, a comment as C has them, is of the tracer function_graph, with its options funcgraph-abstime and funcgraph-proc; without them
 * a time and the task are not told.  With options/latency-format it has the state behind the task: " d..1. | ".
 *
 * Source: Linux 6.6 kernel/trace/trace_output.c lat_print_generic(), lat_print_timestamp(); trace_functions_graph.c
 * print_graph_prologue(), print_graph_comment().
 */
#include <string.h>

#include "source/ftrace.h"
#include "source/scan.h"

bool mm_ftrace_pid(const char *from, const char *to, uint32_t *pid)
{
	uint64_t v = 0, ten = 1;

	while (to > from && (to[-1] == ' ' || to[-1] == '\t'))
		to--;
	if (to > from && to[-1] == ')') {
		while (to > from && *to != '(')
			to--;
		while (to > from && to[-1] == ' ')
			to--;
	}
	if (to == from || to[-1] < '0' || to[-1] > '9')
		return false;
	for (; to > from && to[-1] >= '0' && to[-1] <= '9' && ten <= 1000000000; to--, ten *= 10)
		v += (uint64_t)(to[-1] - '0') * ten;
	*pid = v > UINT32_MAX ? UINT32_MAX : (uint32_t)v;
	return to == from || to[-1] == '-' || to[-1] == ' ' || to[-1] == '\t' || to[-1] == '/';
}

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* "kfree: call_site=..."; false: it is no event's. */
static bool cut_event(struct mm_str s, struct mm_ftrace_line *t)
{
	size_t n = 0;

	scan_blanks(&s);
	while (n < s.len && ((s.p[n] >= 'a' && s.p[n] <= 'z') || is_digit(s.p[n]) || s.p[n] == '_' || s.p[n] == '-'))
		n++;
	if (!n || n == s.len || s.p[n] != ':')
		return false;
	t->event = (struct mm_str){ s.p, n };
	t->args = (struct mm_str){ s.p + n + 1, s.len - n - 1 };
	return true;
}

/* "12us+:" or "345us :" at @s; the text behind it, or NULL. */
static const char *cut_microseconds(struct mm_str s, uint64_t *ns)
{
	uint64_t us;

	if (!scan_u64(&s, &us) || us > UINT64_MAX / 1000 || !scan_word(&s, "us") || s.len < 2 || !memchr("$@*#!+ ", s.p[0], 7) ||
	    s.p[1] != ':')
		return NULL;
	*ns = us * 1000;
	return s.p + 2;
}

/* Before the time: the CPU, the state without a blank between, "1d..1.", and the task. */
static bool cut_latency(struct mm_str line, struct mm_ftrace_line *t)
{
	const char *end = line.p + line.len, *p = line.p, *behind, *word;
	struct mm_str cpu;
	uint64_t nr;

	for (; p < end; p++) {
		if (p == line.p || p[-1] != ' ' || !is_digit(*p))
			continue;
		behind = cut_microseconds((struct mm_str){ p, (size_t)(end - p) }, &t->time_ns);
		for (word = p; behind && word > line.p && word[-1] == ' '; word--)
			;
		for (cpu = (struct mm_str){ word, 0 }; behind && cpu.p > line.p && cpu.p[-1] != ' '; cpu.p--, cpu.len++)
			;
		if (!behind || !scan_u64(&cpu, &nr) || nr > UINT32_MAX || cpu.len < 4 || cpu.len > 8)
			continue;
		t->cpu = (uint32_t)nr;
		t->irq_over_lock = mm_ftrace_is_irq_over_lock(cpu);
		for (word = cpu.p; word > line.p && is_digit(word[-1]); word--)
			;
		if (mm_ftrace_pid(line.p, word, &t->pid) && cut_event((struct mm_str){ behind, (size_t)(end - behind) }, t))
			return true;
	}
	return false;
}

/* The comment of a line of function_graph. */
static bool cut_comment(struct mm_str line, struct mm_ftrace_line *t)
{
	static const char begin[] = "|  ", comment[] = "/* ", finish[] = " */";
	size_t n = sizeof(finish) - 1;
	const char *at = memmem(line.p, line.len, comment, sizeof(comment) - 1);
	struct mm_str s;

	if (!at || at - line.p < 3 || !memmem(line.p, (size_t)(at - line.p), begin, sizeof(begin) - 1))
		return false;
	s = (struct mm_str){ at + sizeof(comment) - 1, line.len - (size_t)(at - line.p) - (sizeof(comment) - 1) };
	if (s.len >= n && !memcmp(s.p + s.len - n, finish, n))
		s.len -= n;
	return cut_event(s, t);
}

/* "123.456789 |   0)   bash-1234    |" before it */
static bool cut_graph(struct mm_str line, struct mm_ftrace_line *t)
{
	struct mm_str s = line, state;
	uint64_t sec, us, cpu;
	const char *bar, *dot;

	if (!cut_comment(line, t))
		return false;
	scan_blanks(&s);
	if (!scan_u64(&s, &sec) || sec > UINT64_MAX / 1000000000 - 1 || !scan_word(&s, "."))
		return false;
	dot = s.p;
	if (!scan_u64(&s, &us) || s.p - dot != 6 || !scan_word(&s, " |"))
		return false;
	scan_blanks(&s);
	if (!scan_u64(&s, &cpu) || cpu > UINT32_MAX || !scan_word(&s, ")"))
		return false;
	bar = s.len ? memchr(s.p, '|', s.len) : NULL;
	if (!bar || bar > t->event.p || !mm_ftrace_pid(s.p, bar, &t->pid))
		return false;
	t->time_ns = sec * 1000000000 + us * 1000;
	t->cpu = (uint32_t)cpu;
	s = (struct mm_str){ bar + 1, (size_t)(t->event.p - bar) - 1 };
	scan_next_word(&s, &state);
	t->irq_over_lock = mm_ftrace_is_irq_over_lock(state);
	return true;
}

bool mm_ftrace_cut_other(struct mm_str line, struct mm_ftrace_line *t)
{
	*t = (struct mm_ftrace_line){ 0 };
	return cut_graph(line, t) || cut_latency(line, t);
}

bool mm_ftrace_is_comment(struct mm_str line)
{
	struct mm_ftrace_line t = { 0 };

	return cut_comment(line, &t) && mm_ftrace_knows(t.event);
}
