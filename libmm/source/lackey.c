/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Text of valgrind --tool=lackey --trace-mem=yes [--trace-syscalls=yes].
 *
 *   ==28590== Command: ./p                        the program
 *   I  0401ab70,3   S 1ffeffe,8   L ..   M ..     accesses, of no named thread
 *   SYSCALL[28590,1](12) sys_brk ( 0x0 ) --> [pre-success] Success(0x4035000)
 *
 * Accesses are nearly all of it and are read by hand from whole blocks; other
 * lines go to lackey_lines.c.  The recording does not say which process made an
 * access: it counts for the one that made the last system call.  Nor does it
 * say what exec and valgrind's own loader mapped: the exec row carries AUTOMAP.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "source/lackey.h"
#include "table/numbers.h"

enum { LONGEST_ACCESS = 32 };		/* "I  " 16 digits , 10 digits LF */

static const uint8_t access_types[256] = {
	['I'] = MM_EV_FETCH, ['L'] = MM_EV_LOAD, ['S'] = MM_EV_STORE, ['M'] = MM_EV_MODIFY,
};

/* The event that "I  ", " L ", " S " or " M " at @p begins; 0 none. */
static inline unsigned access_type(const char *p)
{
	if (p[0] == 'I')
		return p[1] == ' ' && p[2] == ' ' ? MM_EV_FETCH : 0;
	return p[0] == ' ' && p[2] == ' ' && p[1] != 'I' ? access_types[(unsigned char)p[1]] : 0;
}

static inline unsigned hex_digit(char c)
{
	unsigned d = (unsigned char)c - '0';

	if (d < 10)
		return d;
	d = (unsigned char)c - 'a';
	return d < 6 ? d + 10 : 16;
}

/* An access at @p into *@ev; @p and LONGEST_ACCESS bytes on may be read.  The byte behind its digits or NULL. */
static inline const char *parse_access(const char *p, uint32_t pid, struct mm_event *ev)
{
	unsigned type = access_type(p), d;
	uint64_t addr = 0, size;
	const char *start;
	uint32_t eight;

	if (!type)
		return NULL;
	start = p += 3;
	if (mm_hex8(p, &eight)) {
		addr = eight;
		p += 8;
	}
	while ((d = hex_digit(*p)) < 16) {
		addr = addr << 4 | d;
		if (++p - start > 16)
			return NULL;
	}
	if (*p != ',' || p == start)
		return NULL;
	start = ++p;
	size = 0;
	while ((d = (unsigned char)*p - '0') < 10) {
		size = size * 10 + d;
		if (++p - start > 9)
			return NULL;
	}
	if (p == start)
		return NULL;
	*ev = (struct mm_event){ .addr = addr, .size = size, .pid = pid, .type = (uint16_t)type,
		.present = MM_TC_BIT(PID) | MM_TC_BIT(EVENT) | MM_TC_BIT(ADDR) | MM_TC_BIT(SIZE) };
	return p;
}

const char *mm_lackey_access(struct mm_lackey *l, const char *p, const char *end, struct mm_trace_batch *b)
{
	char copy[LONGEST_ACCESS + 8] = { 0 };
	size_t n = (size_t)(end - p);
	const char *past;

	if (n > LONGEST_ACCESS)
		n = LONGEST_ACCESS;
	memcpy(copy, p, n);
	past = parse_access(copy, l->pid, &b->ev[b->nr]);
	if (!past)
		return NULL;
	b->line[b->nr++] = l->line;
	return p + (past - copy);
}

/* Accesses one a line, until the batch is full or anything else comes. */
static void read_accesses(struct mm_lackey *l, struct mm_trace_batch *b)
{
	size_t max = b->max - MM_TRACE_LINE_ROWS, first = b->nr;
	const char *p = l->p;

	while (b->nr < max && l->end - p >= LONGEST_ACCESS + 8) {
		const char *past = parse_access(p, l->pid, &b->ev[b->nr]);

		if (!past || *past != '\n')
			break;
		p = past + 1;
		b->line[b->nr++] = ++l->line;
	}
	if (l->nr_processes > 1 && b->nr > first)
		mm_trace_skip(l->src, "runs of accesses of one of several processes (taken for the last that made a system call)",
			      b->line[first], true, NULL);
	l->p = p;
}

/* More bytes behind what is left of the block.  1, 0 at the end or -errno. */
static int refill(struct mm_lackey *l, struct mm_error *err)
{
	size_t keep = (size_t)(l->end - l->p);
	struct mm_str block;
	int e;

	if (keep > MM_INPUT_MAX_LINE) {
		l->src->in->line = l->line + 1;
		return mm_input_error(l->src->in, err, -EFBIG, "expected a line of at most %d bytes, found a longer one",
				      MM_INPUT_MAX_LINE);
	}
	e = mm_input_block(l->src->in, keep, &block, err);
	if (e < 0)
		return e;
	l->p = block.p;
	l->end = block.p + block.len;
	return e;
}

/* A last line without its line feed may have lost its end: it is not used. */
static int finish(struct mm_lackey *l, struct mm_error *err)
{
	l->eof = true;
	if (l->p == l->end)
		return 0;
	return mm_trace_skip(l->src, "lines cut short at the end of the file", l->line + 1, false, err);
}

static int read_lackey(void *state, struct mm_trace_batch *b, struct mm_error *err)
{
	struct mm_lackey *l = state;
	int e = 0;

	while (!e && !l->eof && !mm_trace_batch_is_full(b)) {
		const char *lf;

		if (l->began) {
			read_accesses(l, b);
			if (mm_trace_batch_is_full(b))
				break;
		}
		lf = l->p < l->end ? memchr(l->p, '\n', (size_t)(l->end - l->p)) : NULL;
		if (lf) {
			const char *p = l->p;

			l->p = lf + 1;
			l->line++;
			e = mm_lackey_line(l, p, lf > p && lf[-1] == '\r' ? lf - 1 : lf, b, err);
			continue;
		}
		e = refill(l, err);
		if (e == 0)
			e = finish(l, err);
		else if (e > 0)
			e = 0;
	}
	return e ? e : !l->eof;
}

/* ---- the format ---- */

static int sniff(struct mm_str head)
{
	static const char tool[] = "Lackey, an example Valgrind tool";
	int lines = 0, accesses = 0;

	if (memmem(head.p, head.len, tool, sizeof(tool) - 1) && head.len > 2 && !memcmp(head.p, "==", 2))
		return 100;
	for (const char *p = head.p, *end = p + head.len, *lf; p < end && lines < 64; p = lf + 1, lines++) {
		char copy[LONGEST_ACCESS + 8] = { 0 };
		struct mm_event ev;

		lf = memchr(p, '\n', (size_t)(end - p));
		if (!lf)
			break;
		memcpy(copy, p, (size_t)(lf - p) < LONGEST_ACCESS ? (size_t)(lf - p) : LONGEST_ACCESS);
		accesses += parse_access(copy, 0, &ev) != NULL;
	}
	return accesses && 2 * accesses >= lines ? 90 : 0;
}

static void close_lackey(void *state)
{
	struct mm_lackey *l = state;

	for (size_t i = 0; i < l->cap_calls; i++)
		free(l->calls[i].text);
	free(l->calls);
	free(l->threads);
	free(l->processes);
	mm_fds_free(l->fds);
	free(l);
}

static int open_lackey(void **state, struct mm_trace_source *src, struct mm_error *err)
{
	struct mm_lackey *l = calloc(1, sizeof(*l));

	if (l)
		l->fds = mm_fds_new();
	if (!l || !l->fds) {
		free(l);
		return mm_error_set(err, -ENOMEM, "%s: out of memory", src->in->name);
	}
	l->src = src;
	src->columns = MM_TC_BIT(PID) | MM_TC_BIT(EVENT) | MM_TC_BIT(ADDR) | MM_TC_BIT(SIZE) | MM_TC_BIT(FLAGS) | MM_TC_BIT(NAME) |
		       MM_TC_BIT(OFFSET) | MM_TC_BIT(ADDR2) | MM_TC_BIT(SIZE2) | MM_TC_BIT(RESULT);
	*state = l;
	return 0;
}

const struct mm_trace_ops mm_trace_lackey = {
	.name = "lackey",
	.help = "valgrind --tool=lackey --trace-mem=yes, also with --trace-syscalls=yes",
	.sniff = sniff,
	.open = open_lackey,
	.read = read_lackey,
	.close = close_lackey,
};
