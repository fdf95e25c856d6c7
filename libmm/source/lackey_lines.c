/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Lines of a lackey recording that are no plain access.
 *
 * Valgrind prints a system call in pieces, and other lines may come between
 * any two of them:
 *
 *   SYSCALL[28593,1](273) | sys_set_robust_list ( 0x4a2aa20, 24 ) | [sync] --> Success(0x0)
 *   SYSCALL[28590,1](0) | sys_read ( 4, 0x1ff, 832 ) |  --> [async] ...
 *   SYSCALL[28590,1](0) | ... [async] --> Success(0x340)
 *
 * So a line is eaten piece by piece from its front; a call waits in `calls`
 * until its result was seen.  A piece without its head belongs to the call that
 * began last of those that wait for such a piece.
 */
#include <stdlib.h>
#include <string.h>

#include "base/grow.h"
#include "source/lackey.h"
#include "source/scan.h"
#include "table/numbers.h"

enum { MAX_CALLS = 4096 };

static bool eat(const char **p, const char *end, const char *word)
{
	size_t n = strlen(word);

	if ((size_t)(end - *p) < n || memcmp(*p, word, n))
		return false;
	*p += n;
	return true;
}

static bool eat_number(const char **p, const char *end, unsigned base, uint64_t *v)
{
	const char *start = *p;
	uint64_t n = 0;

	for (; *p < end; (*p)++) {
		unsigned d = (unsigned char)**p - '0';

		if (d > 9)
			d = base == 16 && **p >= 'a' && **p <= 'f' ? (unsigned)(**p - 'a') + 10 : 99;
		if (d >= base)
			break;
		if (__builtin_mul_overflow(n, base, &n) || __builtin_add_overflow(n, d, &n))
			return false;
	}
	*v = n;
	return *p > start;
}

static bool eat_u32(const char **p, const char *end, uint32_t *v)
{
	uint64_t n;

	if (!eat_number(p, end, 10, &n) || n > UINT32_MAX)
		return false;
	*v = (uint32_t)n;
	return true;
}

static const char *find(const char *p, const char *end, const char *word)
{
	return p < end ? memmem(p, (size_t)(end - p), word, strlen(word)) : NULL;
}

/* ---- calls that wait ---- */

static struct mm_lackey_call *call_of(struct mm_lackey *l, uint32_t pid, uint32_t slot)
{
	for (size_t i = l->nr_calls; i-- > 0; )
		if (l->calls[i].pid == pid && l->calls[i].slot == slot)
			return &l->calls[i];
	return NULL;
}

/* The call that began last of those in @state. */
static struct mm_lackey_call *last_in(struct mm_lackey *l, enum mm_lackey_state state)
{
	for (size_t i = l->nr_calls; i-- > 0; )
		if (l->calls[i].state == state)
			return &l->calls[i];
	return NULL;
}

/* It is over; the others keep their order and every buffer its owner. */
static void drop_call(struct mm_lackey *l, struct mm_lackey_call *c)
{
	struct mm_lackey_call last = *c;
	size_t i = (size_t)(c - l->calls);

	memmove(c, c + 1, (l->nr_calls - i - 1) * sizeof(*c));
	l->calls[--l->nr_calls] = (struct mm_lackey_call){ .text = last.text };
}

static struct mm_lackey_call *new_call(struct mm_lackey *l, uint32_t pid, uint32_t slot, uint32_t number)
{
	struct mm_lackey_call *c = call_of(l, pid, slot);
	size_t had = l->cap_calls;
	char *text;

	if (c)
		drop_call(l, c);	/* its end was lost */
	if (l->nr_calls == MAX_CALLS)
		drop_call(l, l->calls);
	if (mm_grow(&l->calls, l->nr_calls, &l->cap_calls, sizeof(*l->calls)))
		return NULL;
	memset(l->calls + had, 0, (l->cap_calls - had) * sizeof(*l->calls));
	c = &l->calls[l->nr_calls];
	text = c->text ? c->text : malloc(MM_LACKEY_CALL_TEXT);
	if (!text)
		return NULL;
	*c = (struct mm_lackey_call){ .pid = pid, .slot = slot, .number = number, .state = MM_LACKEY_NO_NAME, .line = l->line,
				      .text = text };
	l->nr_calls++;
	return c;
}

/* ---- pieces ---- */

/* Numbers and the one path out of "0x4034bb0(/lib/libc.so.6), 524288". */
static void parse_args(struct mm_lackey_call *c, const char *p, const char *end)
{
	while (c->nr_args < MM_LACKEY_ARGS) {
		struct mm_str *text = &c->arg_text[c->nr_args];
		bool minus;

		while (p < end && (*p == ' ' || *p == ','))
			p++;
		if (p == end)
			return;
		text->p = p;
		minus = eat(&p, end, "-");
		if (!eat_number(&p, end, eat(&p, end, "0x") ? 16 : 10, &c->arg[c->nr_args]))
			c->arg[c->nr_args] = 0;
		if (minus)
			c->arg[c->nr_args] = 0 - c->arg[c->nr_args];
		if (p < end && *p == '(') {
			const char *q = end - 1;

			while (q > p && (*q != ')' || (q + 1 < end && q[1] != ',')))
				q--;
			if (q > p)
				c->path = (struct mm_str){ p + 1, (size_t)(q - p - 1) };
			p = q > p ? q + 1 : end;
		}
		while (p < end && *p != ',')
			p++;
		text->len = (size_t)(p - text->p);
		c->nr_args++;
	}
}

/* Where "(4, 0, 5, 0, 99, 0)[sync] -->" or "()" closes, which valgrind prints without blanks; NULL: not here. */
static const char *narrow_close(const char *open, const char *end)
{
	for (const char *q = open; (q = find(q, end, ")")); q++)
		if (q == open + 1 || q + 1 == end || find(q, end, ")[sync] -->") == q || find(q, end, ") -->") == q)
			return q;
	return NULL;
}

/* "sys_brk ( 0x0 )" at *@pp: into @c. False: no such piece here. */
static bool eat_name(const char **pp, const char *end, struct mm_lackey_call *c)
{
	const char *p = *pp, *open, *close = NULL;

	while (p < end && *p == ' ')
		p++;
	for (open = p; open < end && *open != '(' && *open != '\n'; open++)
		;
	if (open == end || open == p)
		return false;
	for (const char *q = open; (q = find(q, end, " )")); q++)
		close = q + 1;
	if (!close)
		close = narrow_close(open, end);
	if (!close || close - p >= MM_LACKEY_CALL_TEXT)
		return false;
	c->len = (size_t)(close - p);
	memcpy(c->text, p, c->len);
	*pp = close + 1;
	end = c->text + c->len;
	open = c->text + (open - p);
	p = c->text;
	eat(&p, end, "sys_");
	c->name = (struct mm_str){ p, 0 };
	while (p < open && *p != ' ' && *p != '[')
		p++;
	c->name.len = (size_t)(p - c->name.p);
	parse_args(c, open + 1, end);
	return true;
}

/* "[sync] --> Success(0x0)", " --> [pre-fail] Failure(0x16)": into @c, which may be NULL. */
static bool eat_result(const char **pp, const char *end, struct mm_lackey_call *c)
{
	const char *p = *pp;
	bool failed;
	uint64_t v, second;

	if (!eat(&p, end, "[sync] --> ") && !eat(&p, end, " --> [pre-success] ") && !eat(&p, end, " --> [pre-fail] ") &&
	    !eat(&p, end, " ... [async] --> "))
		return false;
	failed = eat(&p, end, "Failure(0x");
	if (!failed && !eat(&p, end, "Success(0x"))
		return false;
	if (!eat_number(&p, end, 16, &v))
		return false;
	if (eat(&p, end, ":0x") && !eat_number(&p, end, 16, &second))
		return false;
	if (!eat(&p, end, ")"))
		return false;
	*pp = p;
	if (c) {
		c->failed = failed;
		c->result = v;
	}
	return true;
}

/* "  clone(fork): process 28590 created child 28593" */
static bool eat_fork(const char **pp, const char *end, uint32_t *parent, uint32_t *child)
{
	const char *p = *pp;

	while (p < end && *p == ' ')
		p++;
	if (!eat(&p, end, "clone(fork): process ") && !eat(&p, end, "fork: process ") && !eat(&p, end, "vfork: process "))
		return false;
	if (!eat_u32(&p, end, parent) || !eat(&p, end, " created child ") || !eat_u32(&p, end, child))
		return false;
	*pp = p;
	return true;
}

static int complete(struct mm_lackey *l, struct mm_lackey_call *c, struct mm_trace_batch *b, struct mm_error *err)
{
	int e = c->name.len ? mm_lackey_call_rows(l, c, b, err) : 0;

	drop_call(l, c);
	return e;
}

/* What may follow the name and arguments of @c. */
static int after_name(struct mm_lackey *l, struct mm_lackey_call *c, const char **pp, const char *end,
		      struct mm_trace_batch *b, struct mm_error *err)
{
	uint32_t parent, child;

	c->state = MM_LACKEY_NO_RESULT;
	if (eat(pp, end, " --> [async] ...")) {
		c->state = MM_LACKEY_ASYNC;
		return 0;
	}
	if (eat_result(pp, end, c))
		return complete(l, c, b, err);
	if (eat_fork(pp, end, &parent, &child)) {
		drop_call(l, c);
		return mm_lackey_fork(l, parent, child, b, err);
	}
	if (c->name.len == 6 && !memcmp(c->name.p, "execve", 6)) {	/* a success prints nothing more */
		c->failed = false;
		return complete(l, c, b, err);
	}
	return 0;
}

/* "SYSCALL[28590,1](12)" was eaten: what follows it. */
static int syscall(struct mm_lackey *l, uint32_t pid, uint32_t slot, uint32_t number, const char **pp, const char *end,
		   struct mm_trace_batch *b, struct mm_error *err)
{
	struct mm_lackey_call *c = call_of(l, pid, slot);
	int e;

	if (!l->began) {
		e = mm_lackey_exec(l, pid, (struct mm_str){ "", 0 }, b, err);
		if (e)
			return e;
	}
	e = mm_lackey_met(l, pid, b, err);
	if (e)
		return e;
	l->pid = pid;
	if (end - *pp > 4 && !memcmp(*pp, " ... ", 5)) {
		if (c && eat_result(pp, end, c))
			return complete(l, c, b, err);
		eat_result(pp, end, NULL);
		return mm_trace_loss(l->src, "results of system calls whose beginning is not there", l->line, err);
	}
	c = new_call(l, pid, slot, number);
	if (!c)
		return mm_lackey_no_memory(l, err);
	if (find(*pp, end, "unimplemented (by the kernel)") == *pp + 1 || find(*pp, end, "--") == *pp + 1) {
		*pp = end;
		c->state = MM_LACKEY_NO_RESULT;	/* no name: its result will mean nothing */
		return 0;
	}
	return eat_name(pp, end, c) ? after_name(l, c, pp, end, b, err) : 0;
}

/* "==28590== Command: sort -n words.txt" and the tool's other words. */
static int report(struct mm_lackey *l, const char *p, const char *end, struct mm_trace_batch *b, struct mm_error *err)
{
	char name[4096];
	uint32_t pid;
	size_t n = 0;

	if (!eat(&p, end, "==") || !eat_u32(&p, end, &pid) || !eat(&p, end, "== "))
		return 0;
	if (eat(&p, end, "Exit code:")) {
		mm_lackey_exit(l, pid, b);
		return 0;
	}
	if (!eat(&p, end, "Command: "))
		return 0;
	while (p < end && *p != ' ' && n < sizeof(name)) {
		p += *p == '\\' && p + 1 < end;
		name[n++] = *p++;
	}
	return mm_lackey_exec(l, pid, (struct mm_str){ name, n }, b, err);
}

/* A piece of a call without its head. */
static bool eat_orphan(struct mm_lackey *l, const char **pp, const char *end, struct mm_trace_batch *b,
		       struct mm_error *err, int *e)
{
	struct mm_lackey_call *c = last_in(l, MM_LACKEY_NO_RESULT);
	uint32_t parent, child;

	*e = 0;
	if (eat_fork(pp, end, &parent, &child)) {
		*e = mm_lackey_fork(l, parent, child, b, err);
		return true;
	}
	if (eat_result(pp, end, c)) {	/* without a call: of one that needed no result */
		if (c)
			*e = complete(l, c, b, err);
		return true;
	}
	if (eat(pp, end, " --> [async] ...")) {
		if (c)
			c->state = MM_LACKEY_ASYNC;
		return true;
	}
	c = last_in(l, MM_LACKEY_NO_NAME);
	if (!c || *pp == end || **pp == 'I' || !eat_name(pp, end, c))
		return false;
	*e = after_name(l, c, pp, end, b, err);
	return true;
}

static int odd_line(struct mm_lackey *l, struct mm_error *err)
{
	return mm_trace_loss(l->src, "lines that are not lackey's", l->line, err);
}

/* Blanks that begin no piece: valgrind ends its results with one. */
static const char *skip_blanks(const char *p, const char *end)
{
	while (p < end && *p == ' ') {
		if (end - p > 2 && p[2] == ' ' && (p[1] == 'L' || p[1] == 'S' || p[1] == 'M'))
			break;
		if (end - p > 2 && (p[1] == '-' || p[1] == '.'))
			break;
		p++;
	}
	return p;
}

/* The piece at *@pp, not an access: past it, or *@pp as it was when it is none. */
static int eat_piece(struct mm_lackey *l, const char **pp, const char *end, struct mm_trace_batch *b, struct mm_error *err)
{
	const char *next = find(*pp + 1, end, "SYSCALL["), *q = *pp;
	uint32_t pid, slot, number;
	int e = 0;

	if (eat(&q, end, "SYSCALL[") && eat_u32(&q, end, &pid) && eat(&q, end, ",") && eat_u32(&q, end, &slot) &&
	    eat(&q, end, "](") && eat_u32(&q, end, &number) && eat(&q, end, ")")) {
		*pp = q;
		return syscall(l, pid, slot, number, pp, next ? next : end, b, err);
	}
	eat_orphan(l, pp, next ? next : end, b, err, &e);
	return e;
}

/* "SB 04001090" of --trace-superblocks=yes: where the code that follows begins. */
static bool is_superblock(const char *p, const char *end)
{
	struct mm_str s = { p, (size_t)(end - p) };
	uint64_t addr;

	return scan_word(&s, "SB ") && scan_hex(&s, &addr) && !s.len;
}

int mm_lackey_line(struct mm_lackey *l, const char *p, const char *end, struct mm_trace_batch *b, struct mm_error *err)
{
	if (end - p > 1 && !memcmp(p, "==", 2))
		return report(l, p, end, b, err);
	if (end - p > 1 && !memcmp(p, "--", 2))
		return 0;		/* valgrind's warnings */
	if (is_superblock(p, end))
		return 0;
	for (unsigned pieces = 0; (p = skip_blanks(p, end)) < end; pieces++) {
		const char *past;
		int e = 0;

		if (pieces == MM_TRACE_LINE_ROWS / 4)
			return odd_line(l, err);	/* more than a line can hold */
		past = mm_lackey_access(l, p, end, b);
		if (past && !l->began) {	/* no process was named: number 1 */
			b->nr--;
			e = mm_lackey_exec(l, 1, (struct mm_str){ "", 0 }, b, err);
			past = mm_lackey_access(l, p, end, b);
		}
		if (!past) {
			past = p;
			e = eat_piece(l, &past, end, b, err);
			if (!e && past == p)
				return odd_line(l, err);
		}
		if (e)
			return e;
		p = past;
	}
	return 0;
}
