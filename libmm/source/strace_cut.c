/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A system call of an strace log in its parts: name(argument, argument) = result.
 */
#include <string.h>

#include "source/scan.h"
#include "source/strace.h"

/* Past "text" or </path> that begins at @i; the index behind it. */
static size_t skip_quoted(struct mm_str s, size_t i)
{
	if (s.p[i] == '"') {
		for (i++; i < s.len && s.p[i] != '"'; i++)
			if (s.p[i] == '\\')
				i++;
		return i + 1;
	}
	for (i++; i < s.len; i++)
		if (s.p[i] == '>' && (i + 1 == s.len || strchr(",)]} \t(", s.p[i + 1])))
			return i + 1;
	return i;
}

/* 3<, AT_FDCWD<, and with -X verbose a comment before it; 1<<_UFFDIO_WAKE is none */
static bool begins_path(struct mm_str s, size_t i)
{
	if (s.p[i] != '<' || !i || (i + 1 < s.len && s.p[i + 1] == '<'))
		return false;
	return strace_is_digit(s.p[i - 1]) || s.p[i - 1] == 'D' || s.p[i - 1] == '/';
}

/* Cut "a, b, c) = result" into arguments; the index behind the closing parenthesis, 0: there is none. */
static size_t cut_args(struct mm_str s, struct strace_call *call)
{
	size_t from = 0, i = 0;
	int depth = 0;

	while (i < s.len) {
		char ch = s.p[i];

		if (ch == '"' || begins_path(s, i)) {
			i = skip_quoted(s, i);
			continue;
		}
		if (ch == '(' || ch == '[' || ch == '{')
			depth++;
		else if ((ch == ')' || ch == ']' || ch == '}') && depth)
			depth--;
		else if (ch == ')' || (ch == ',' && !depth)) {
			if (call->nr_args < STRACE_MAX_ARGS && i > from)
				call->arg[call->nr_args++] = (struct mm_str){ s.p + from, i - from };
			if (ch == ')')
				return i + 1;
			from = i + 1;
			while (from < s.len && s.p[from] == ' ')
				from++;
		}
		i++;
	}
	return 0;
}

/* "= 0x7f...", "= 3</path>", "= -1 ENOMEM (...)", "= ?"; false: none of these. */
static bool cut_result(struct mm_str s, struct strace_call *call)
{
	size_t n = 0;
	const char *gt;

	scan_blanks(&s);
	if (!scan_word(&s, "= "))
		return false;
	if (scan_word(&s, "?")) {
		call->no_result = true;
		return true;
	}
	if (!strace_number(s, &call->result))
		return false;
	if (scan_word(&s, "-1 ") && s.len && s.p[0] == 'E') {
		while (n < s.len && s.p[n] != ' ')
			n++;
		call->failed = true;
		call->error = (struct mm_str){ s.p, n };
		return true;
	}
	while (n < s.len && strace_is_digit(s.p[n]))
		n++;
	if (n && n < s.len && s.p[n] == '<') {
		gt = memchr(s.p + n, '>', s.len - n);
		call->path = (struct mm_str){ s.p + n + 1, gt ? (size_t)(gt - s.p) - n - 1 : 0 };
		if (!strace_is_absolute(call->path))
			call->path.len = 0;
	}
	return true;
}

bool strace_cut_call(struct mm_str text, struct strace_call *call)
{
	const char *open = text.len ? memchr(text.p, '(', text.len) : NULL;
	struct mm_str args;
	size_t end;

	if (!open)
		return false;
	call->name = (struct mm_str){ text.p, (size_t)(open - text.p) };
	args = (struct mm_str){ open + 1, text.len - call->name.len - 1 };
	end = cut_args(args, call);
	return end && cut_result((struct mm_str){ args.p + end, args.len - end }, call);
}
