/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The trace reader: which format is this, and its rows in batches.
 *
 * A format fills the caller's rows directly.  A caller with room for fewer
 * rows than a batch must have is served from `held`.  An error of a format
 * waits until the rows before it were given out.  Time is checked here, once
 * for all formats: it never goes back.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libmm/source.h>

#include "base/nearest.h"
#include "source/trace_source.h"

static const struct mm_trace_ops *const formats[] = {
	&mm_trace_csv,
	&mm_trace_lackey,
	&mm_trace_ftrace,
	&mm_trace_perf,
	&mm_trace_strace,
	&mm_trace_damo,
	&mm_trace_refs,
};
enum { NR_FORMATS = sizeof(formats) / sizeof(formats[0]) };

enum { HELD = 4 * MM_TRACE_LINE_ROWS, CHUNK = 1 << 16 };

/* Bytes that live for one batch: chunks that are kept for the next one. */
struct mm_trace_arena {
	struct mm_trace_arena *next;
	size_t used, cap;
	char bytes[];
};

struct mm_trace_reader {
	const struct mm_trace_ops *ops;
	void *state;
	struct mm_trace_source src;
	struct mm_event held[HELD];	/* rows for callers with little room */
	size_t nr_held, next_held;
	size_t base_line;		/* index into line[] of the first row of the last read */
	uint64_t line[MM_TRACE_BATCH];
	uint64_t last_ns;
	bool found;			/* a row */
	bool ended;
	int failed;			/* an error that waits for its turn */
	struct mm_error error;
};

const char *mm_trace_format_name(size_t i, const char **help)
{
	if (i >= NR_FORMATS)
		return NULL;
	if (help)
		*help = formats[i]->help;
	return formats[i]->name;
}

static int format_by_name(const char *name, const struct mm_trace_ops **ops, struct mm_error *err)
{
	const char *names[NR_FORMATS], *near;

	for (size_t i = 0; i < NR_FORMATS; i++) {
		names[i] = formats[i]->name;
		if (!strcmp(name, names[i])) {
			*ops = formats[i];
			return 0;
		}
	}
	near = mm_nearest((struct mm_str){ name, strlen(name) }, names, NR_FORMATS);
	return mm_error_set(err, -EINVAL, "--from=%s is no format that is read; the nearest is %s", name, near);
}

static struct mm_str first_line(struct mm_str head)
{
	const char *nl = memchr(head.p, '\n', head.len);
	size_t len = nl ? (size_t)(nl - head.p) : head.len;

	return (struct mm_str){ head.p, len < 80 ? len : 80 };
}

/* A file of /proc */
static bool is_capture(enum mm_source_kind kind)
{
	return kind == MM_SOURCE_ZONEINFO || kind == MM_SOURCE_PAGETYPEINFO || kind == MM_SOURCE_BUDDYINFO || kind == MM_SOURCE_SLABINFO ||
	       kind == MM_SOURCE_MAPS || kind == MM_SOURCE_SMAPS || kind == MM_SOURCE_DISKSTATS || kind == MM_SOURCE_MEMINFO ||
	       kind == MM_SOURCE_VMSTAT;
}

enum { EXPECTED_ROOM = 160 };

/* "a trace or a recording", "a trace, a recording or slabinfo" */
static const char *expected(const struct mm_trace_options *opt, char text[EXPECTED_ROOM])
{
	const uint32_t others = opt ? opt->captures : 0;
	int n = snprintf(text, EXPECTED_ROOM, "a trace%s a recording", others ? "," : " or");

	for (uint32_t k = 0; k < MM_NR_SOURCE_KINDS && n < EXPECTED_ROOM; k++)
		if (others >> k & 1)
			n += snprintf(text + n, (size_t)(EXPECTED_ROOM - n), "%s %s", others >> k == 1 ? " or" : ",",
				      k == MM_SOURCE_DMESG ? "a kernel log" : mm_source_kind_word((enum mm_source_kind)k));
	return text;
}

static int format_by_content(struct mm_input *in, const struct mm_trace_options *opt, const struct mm_trace_ops **ops, struct mm_error *err)
{
	struct mm_str head;
	int best = 0, e = mm_input_peek(in, &head, err);
	enum mm_source_kind kind;
	char text[EXPECTED_ROOM];

	if (e)
		return e;
	kind = mm_source_sniff(head);
	if (is_capture(kind))
		return mm_error_set(err, -EINVAL, "%s:1: expected %s, found %s%s", in->name, expected(opt, text), mm_source_kind_word(kind),
				    kind == MM_SOURCE_MAPS || kind == MM_SOURCE_SMAPS ? " (mm-vma --seed=PID:FILE takes it)" : "");
	if (!head.len)
		return mm_error_set(err, -EINVAL, "%s: expected %s, found nothing", in->name, expected(opt, text));
	for (size_t i = 0; i < NR_FORMATS; i++) {
		int sure = formats[i]->sniff(head);

		if (sure > best) {
			best = sure;
			*ops = formats[i];
		}
	}
	if (best)
		return 0;
	head = first_line(head);
	return mm_error_set(err, -EINVAL, "%s:1: expected %s, found \"%.*s\"", in->name, expected(opt, text), (int)head.len, head.p);
}

int mm_trace_reader_new(struct mm_trace_reader **rp, struct mm_input *in,
			const struct mm_trace_options *opt, struct mm_error *err)
{
	const struct mm_trace_ops *ops = NULL;
	struct mm_trace_reader *r;
	int e;

	e = opt && opt->from ? format_by_name(opt->from, &ops, err) : format_by_content(in, opt, &ops, err);
	if (e)
		return e;
	r = calloc(1, sizeof(*r));
	if (!r)
		return mm_error_set(err, -ENOMEM, "%s: out of memory", in->name);
	r->ops = ops;
	r->src.in = in;
	r->src.strict = opt && opt->strict;
	r->src.hashed_keys = opt && opt->hashed_keys;
	r->src.seeded = opt ? opt->seeded : 0;
	e = ops->open(&r->state, &r->src, err);
	if (e) {
		free(r);
		return e;
	}
	*rp = r;
	return 0;
}

void mm_trace_reader_free(struct mm_trace_reader *r)
{
	if (!r)
		return;
	r->ops->close(r->state);
	while (r->src.arena) {
		struct mm_trace_arena *next = r->src.arena->next;

		free(r->src.arena);
		r->src.arena = next;
	}
	free(r);
}

int mm_trace_keep(struct mm_trace_source *src, struct mm_str s, struct mm_str *kept)
{
	struct mm_trace_arena *a = src->arena;
	size_t cap = s.len > CHUNK ? s.len : CHUNK;

	if (!a || a->cap - a->used < s.len) {
		a = malloc(sizeof(*a) + cap);
		if (!a) {
			*kept = MM_STR("");
			return -ENOMEM;
		}
		*a = (struct mm_trace_arena){ .next = src->arena, .cap = cap };
		src->arena = a;
	}
	if (s.len)
		memcpy(a->bytes + a->used, s.p, s.len);
	*kept = (struct mm_str){ a->bytes + a->used, s.len };
	a->used += s.len;
	return 0;
}

/* One chunk stays for the next batch. */
static void reset_arena(struct mm_trace_source *src)
{
	struct mm_trace_arena *a = src->arena;

	if (!a)
		return;
	while (a->next) {
		struct mm_trace_arena *next = a->next->next;

		free(a->next);
		a->next = next;
	}
	a->used = 0;
}

static void count_skip(struct mm_trace_source *src, const char *what, uint64_t line, bool harmless)
{
	struct mm_skip *s = src->skips;

	while (s < src->skips + src->nr_skips && strcmp(s->what, what))
		s++;
	if (s == src->skips + MM_MAX_SKIPS)
		s--;
	else if (s == src->skips + src->nr_skips)
		*s = (struct mm_skip){ ++src->nr_skips < MM_MAX_SKIPS ? what : "things of further kinds", 0, line,
			harmless };
	s->count++;
}

int mm_trace_note(struct mm_trace_source *src, const char *what, uint64_t line)
{
	count_skip(src, what, line, true);
	return 0;
}

int mm_trace_loss(struct mm_trace_source *src, const char *what, uint64_t line, struct mm_error *err)
{
	if (src->strict)
		return mm_error_set(err, -EINVAL, "%s:%llu: %s are an error under --strict", src->in->name,
				    (unsigned long long)line, what);
	count_skip(src, what, line, false);
	return 0;
}

/* Rows of @b whose time goes back are cut off, and the error waits. */
static void check_time(struct mm_trace_reader *r, struct mm_trace_batch *b)
{
	for (size_t i = 0; i < b->nr; i++) {
		const struct mm_event *ev = &b->ev[i];

		if (!(ev->present & MM_TC_BIT(TIME_S)))
			continue;
		if (ev->time_ns < r->last_ns) {
			r->failed = mm_error_set(&r->error, -EINVAL,
				"%s:%llu: time_s: expected at least %llu.%09llu, found %llu.%09llu: time goes back",
				r->src.in->name, (unsigned long long)b->line[i],
				(unsigned long long)(r->last_ns / 1000000000),
				(unsigned long long)(r->last_ns % 1000000000),
				(unsigned long long)(ev->time_ns / 1000000000), (unsigned long long)(ev->time_ns % 1000000000));
			b->nr = i;
			return;
		}
		r->last_ns = ev->time_ns;
	}
}

/* At the end: a recording of which nothing was understood is none, and what is reckoned from it would be of a machine that did nothing. */
static int check_found(struct mm_trace_reader *r)
{
	const struct mm_skip *s = r->src.skips;

	while (s < r->src.skips + r->src.nr_skips && s->harmless)
		s++;
	if (r->found || s == r->src.skips + r->src.nr_skips)
		return 0;
	return mm_error_set(&r->error, -EINVAL, "%s:%llu: expected a recording as %s has it, found nothing but %s", r->src.in->name,
			    (unsigned long long)s->first_line, r->src.tool ? r->src.tool : r->ops->name, s->what);
}

/* One batch into @ev: number of rows, 0 at the end or before an error. */
static size_t read_batch(struct mm_trace_reader *r, struct mm_event *ev, size_t max)
{
	struct mm_trace_batch b = { ev, r->line, 0, max < MM_TRACE_BATCH ? max : MM_TRACE_BATCH };

	reset_arena(&r->src);
	while (!b.nr && !r->ended && !r->failed) {
		int e = r->ops->read(r->state, &b, &r->error);

		r->found |= b.nr > 0;
		r->ended = e == 0;
		r->failed = r->ended ? check_found(r) : e < 0 ? e : 0;
		if (r->src.columns & MM_TC_BIT(TIME_S))
			check_time(r, &b);
	}
	return b.nr;
}

static size_t read_held(struct mm_trace_reader *r, struct mm_event *ev, size_t max)
{
	size_t n;

	if (r->next_held == r->nr_held) {
		r->next_held = 0;
		r->nr_held = read_batch(r, r->held, HELD);
	}
	n = r->nr_held - r->next_held;
	n = n < max ? n : max;
	memcpy(ev, r->held + r->next_held, n * sizeof(*ev));
	r->base_line = r->next_held;
	r->next_held += n;
	return n;
}

long mm_trace_read(struct mm_trace_reader *r, struct mm_event *ev, size_t max, struct mm_error *err)
{
	size_t n;

	if (!max)
		return -EINVAL;
	if (max < HELD || r->next_held < r->nr_held) {
		n = read_held(r, ev, max);
	} else {
		r->base_line = 0;
		n = read_batch(r, ev, max);
	}
	if (n || !r->failed)
		return (long)n;
	if (err)
		*err = r->error;
	return r->failed;
}

uint32_t mm_trace_first_cpus(const struct mm_event *ev, size_t n, struct mm_event *row)
{
	uint32_t last = 0;

	for (size_t i = 0; i < n; i++) {
		if (ev[i].type == MM_EV_CPUS)
			return 0;
		if (ev[i].present & MM_TC_BIT(CPU) && ev[i].cpu > last)
			last = ev[i].cpu;
	}
	if (!last || last >= MM_MAX_CPUS)
		return 0;
	*row = (struct mm_event){ .type = MM_EV_CPUS, .present = MM_TC_BIT(EVENT) };
	mm_event_set_result(row, MM_RESULT_DEC, last + 1);
	return last + 1;
}

uint32_t mm_trace_columns(const struct mm_trace_reader *r) { return r->src.columns; }
const char *mm_trace_format(const struct mm_trace_reader *r) { return r->ops->name; }
uint64_t mm_trace_line(const struct mm_trace_reader *r, size_t i) { return r->line[r->base_line + i]; }

const struct mm_skip *mm_trace_skips(const struct mm_trace_reader *r, size_t *nr)
{
	*nr = r->src.nr_skips;
	return r->src.skips;
}
