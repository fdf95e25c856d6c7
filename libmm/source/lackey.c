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
#include "table/trace_row.h"

enum { LONGEST_ACCESS = 32 };		/* "I  " 16 digits , 10 digits LF */

/* Three bytes in the order they lie in memory. */
#define HEAD(a, b, c) ((uint32_t)(a) | (uint32_t)(b) << 8 | (uint32_t)(c) << 16)

/* What an access begins with, by its first two bytes ored together: a blank makes a capital small. */
static const struct {
	uint32_t head, type;
} access_heads[256] = {
	['i'] = { HEAD('I', ' ', ' '), MM_EV_FETCH },	['l'] = { HEAD(' ', 'L', ' '), MM_EV_LOAD },
	['s'] = { HEAD(' ', 'S', ' '), MM_EV_STORE },	['m'] = { HEAD(' ', 'M', ' '), MM_EV_MODIFY },
};

/* The event that "I  ", " L ", " S " or " M " at @p begins; 0 none. */
static inline unsigned access_type(const char *p)
{
	uint32_t head = HEAD((unsigned char)p[0], (unsigned char)p[1], (unsigned char)p[2]);
	unsigned k = (head | head >> 8) & 0xff;

	return access_heads[k].head == head ? access_heads[k].type : 0;
}

static inline unsigned hex_digit(char c)
{
	unsigned d = (unsigned char)c - '0';

	if (d < 10)
		return d;
	d = (unsigned char)c - 'a';
	return d < 6 ? d + 10 : 16;
}

/* 1 to 16 hex digits at @p and a comma, digit by digit: where the comma is, or NULL. */
static const char *parse_hex_plain(const char *p, uint64_t *v)
{
	const char *start = p;
	uint64_t n = 0;
	unsigned d;

	while ((d = hex_digit(*p)) < 16) {
		n = n << 4 | d;
		if (++p - start > 16)
			return NULL;
	}
	*v = n;
	return *p == ',' && p > start ? p : NULL;
}

#ifdef __SSE2__
#include <emmintrin.h>

/* The same, up to 15 digits at once: every byte becomes a nibble, and those behind the comma are shifted out. */
static inline const char *parse_hex(const char *p, uint64_t *v)
{
	__m128i x = _mm_loadu_si128((const __m128i *)p), low = _mm_set1_epi16(0xff);
	__m128i digit = _mm_sub_epi8(x, _mm_set1_epi8('0')), letter = _mm_sub_epi8(x, _mm_set1_epi8('a'));
	__m128i is_digit = _mm_cmpeq_epi8(_mm_min_epu8(digit, _mm_set1_epi8(9)), digit);
	__m128i is_letter = _mm_cmpeq_epi8(_mm_min_epu8(letter, _mm_set1_epi8(5)), letter);
	unsigned comma = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(x, _mm_set1_epi8(',')));
	unsigned odd = ~(unsigned)_mm_movemask_epi8(_mm_or_si128(is_digit, is_letter)), n = (unsigned)__builtin_ctz(comma | 0x10000);
	__m128i nibble = _mm_sub_epi8(digit, _mm_and_si128(is_letter, _mm_set1_epi8('a' - '0' - 10)));
	__m128i byte = _mm_and_si128(_mm_or_si128(_mm_slli_epi16(nibble, 4), _mm_srli_epi16(nibble, 8)), low);

	if (!n || odd << (32 - n) || n > 15)
		return n == 16 ? parse_hex_plain(p, v) : NULL;
	*v = __builtin_bswap64((uint64_t)_mm_cvtsi128_si64(_mm_packus_epi16(byte, byte))) >> (64 - 4 * n);
	return p + n;
}
#else
#define parse_hex parse_hex_plain
#endif

/* An access at @p into *@ev; @p and LONGEST_ACCESS bytes on may be read.  The byte behind its digits or NULL. */
static inline __attribute__((always_inline)) const char *parse_access(const char *p, uint32_t pid, struct mm_event *ev)
{
	unsigned type = access_type(p), d;
	uint64_t addr = 0, size = 0;
	const char *start;

	p = type ? parse_hex(p + 3, &addr) : NULL;
	if (!p)
		return NULL;
	start = ++p;
	while ((d = (unsigned char)*p - '0') < 10) {
		size = size * 10 + d;
		if (++p - start > 9)
			return NULL;
	}
	if (p == start)
		return NULL;
	mm_event_clear(ev);
	ev->addr = addr;
	ev->size = size;
	ev->pid = pid;
	ev->type = (uint16_t)type;
	ev->present = MM_TC_BIT(PID) | MM_TC_BIT(EVENT) | MM_TC_BIT(ADDR) | MM_TC_BIT(SIZE);
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
	struct mm_event *ev = b->ev + b->nr, *const full = b->ev + b->max - MM_TRACE_LINE_ROWS;
	const char *p = l->p, *const end = l->end;
	uint64_t *line = b->line + b->nr, *const first = line, at = l->line;
	const uint32_t pid = l->pid;

	while (ev < full && end - p >= LONGEST_ACCESS + 8) {
		const char *past = parse_access(p, pid, ev);

		if (!past || *past != '\n')
			break;
		p = past + 1;
		*line++ = ++at;
		ev++;
	}
	l->line = at;
	b->nr = (size_t)(ev - b->ev);
	if (l->nr_processes > 1 && line > first)
		mm_trace_note(l->src, "runs of accesses of one of several processes (taken for the last that made a system call)", *first);
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
	return mm_trace_skip_cut(l->src, l->line + 1, err);
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
