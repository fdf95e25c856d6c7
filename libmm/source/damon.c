/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * source/damon.c - the heat of regions as DAMON sampled it, and `damo report raw`
 *
 *	base_time_absolute: 8 m 59.809 s
 *
 *	monitoring_start:                0 ns
 *	monitoring_end:            104.599 ms
 *	target_id: 18446623438842320000
 *	nr_regions: 3
 *	563ebaa00000-563ebc99e000(  31.617 MiB):        1
 *	563ebaa00000-563ebc99e000 (  31.617 MiB)           1    17	of newer ones, with the age
 *
 * DAMON looks at one page of a region an interval and counts how often that was
 * accessed; what is known of a region holds for all its pages.  So a region
 * with accesses becomes one load of all of it at the end of the aggregation, a
 * region without none: which pages, in which order and how often within one
 * aggregation, no one knows, and the reader says so.  A target becomes a task
 * (1001, 1002, ... in order of appearance) that begins with AUTOMAP.
 *
 * Source: damo's USAGE.md; Linux 6.6 include/trace/events/damon.h; Documentation/mm/damon/design.rst.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/str.h"
#include "source/damon.h"
#include "source/scan.h"

enum { FIRST_TASK = 1001 };

#define MAX_REGION	(UINT64_C(1) << 40)	/* bytes: of more, as loads of all pages, nothing could be told */

/* The task of a target; a new one begins with a row. 0: too many. */
static uint32_t task_of(struct mm_trace_source *src, struct mm_trace_batch *b, uint64_t target, uint64_t line)
{
	struct mm_event *ev;
	size_t i = 0;

	while (i < src->nr_targets && src->targets[i] != target)
		i++;
	if (i == MM_TRACE_TARGETS)
		return 0;
	if (i == src->nr_targets) {
		src->targets[src->nr_targets++] = target;
		ev = mm_trace_add(b, MM_EV_EXEC, line);
		mm_event_put(ev, PID, pid, (uint32_t)(FIRST_TASK + i));
		mm_event_put(ev, FLAGS, flags, MM_STR("AUTOMAP|FILLED"));
		mm_event_put(ev, NAME, name, MM_STR("damon"));
	}
	return (uint32_t)(FIRST_TASK + i);
}

int mm_damon_rows(struct mm_trace_source *src, struct mm_trace_batch *b, const struct mm_damon_region *r, uint64_t line,
		  struct mm_error *err)
{
	struct mm_event *ev;
	uint32_t pid;

	if (r->end <= r->start)
		return mm_trace_loss(src, "regions of DAMON that end before they begin", line, err);
	if (r->end - r->start > MAX_REGION)
		return mm_trace_loss(src, "regions of DAMON of more than 1 TiB", line, err);
	if (!r->nr_accesses)
		return mm_trace_note(src, "regions that DAMON saw no access to", line);
	pid = task_of(src, b, r->target, line);
	if (!pid)
		return mm_trace_loss(src, "regions of DAMON targets beyond the 64th", line, err);
	ev = mm_trace_add(b, MM_EV_LOAD, line);
	mm_event_put(ev, PID, pid, pid);
	mm_event_put(ev, ADDR, addr, r->start);
	mm_event_put(ev, SIZE, size, r->end - r->start);
	if (r->timed)
		mm_event_put(ev, TIME_S, time_ns, r->time_ns);
	/* nothing is left out: no line */
	return mm_trace_note(src, "accesses are DAMON's samples: a load stands for all pages of a region in an aggregation", 0);
}

/* ---- damo report raw ---- */

struct damo {
	struct mm_trace_source *src;
	uint64_t target, end_ns, last_ns;
};

static int sniff(struct mm_str head)
{
	struct mm_str line;

	for (int i = 0; i < 8 && scan_line(&head, &line); i++)
		if (mm_str_starts(line, "base_time_absolute:") || mm_str_starts(line, "monitoring_start:"))
			return 95;
	return 0;
}

static int open_damo(void **state, struct mm_trace_source *src, struct mm_error *err)
{
	struct damo *d = calloc(1, sizeof(*d));

	if (!d)
		return mm_error_set(err, -ENOMEM, "%s: out of memory", src->in->name);
	d->src = src;
	src->columns = MM_TC_BIT(TIME_S) | MM_TC_BIT(PID) | MM_TC_BIT(EVENT) | MM_TC_BIT(ADDR) | MM_TC_BIT(SIZE) |
		       MM_TC_BIT(FLAGS) | MM_TC_BIT(NAME);
	*state = d;
	return 0;
}

static void close_damo(void *state) { free(state); }

/* "8 m 59.809 s", "104.599 ms", "0 ns", or plain nanoseconds (--raw_number) */
static bool parse_time(struct mm_str s, uint64_t *ns)
{
	static const struct {
		const char *unit;
		uint64_t ns;
	} units[] = {
		{ "ns", 1 }, { "us", 1000 }, { "ms", 1000000 }, { "s", 1000000000 }, { "m", UINT64_C(60000000000) },
		{ "h", UINT64_C(3600000000000) }, { "d", UINT64_C(86400000000000) },
	};
	uint64_t sum = 0, whole, milli;
	bool any = false;

	while (scan_u64(&s, &whole)) {
		uint64_t unit = 1;
		size_t n = 0;

		milli = 0;
		if (s.len > 1 && s.p[0] == '.') {
			s = (struct mm_str){ s.p + 1, s.len - 1 };
			for (uint64_t d = 100; s.len && *s.p >= '0' && *s.p <= '9'; d /= 10, s.p++, s.len--)
				milli += d * (uint64_t)(*s.p - '0');
		}
		scan_blanks(&s);
		while (n < s.len && s.p[n] >= 'a' && s.p[n] <= 'z')
			n++;
		for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
			if (mm_str_is((struct mm_str){ s.p, n }, units[i].unit))
				unit = units[i].ns;
		s = (struct mm_str){ s.p + n, s.len - n };
		if (whole > UINT64_MAX / 4 / unit)
			return false;
		sum += whole * unit + milli * unit / 1000;
		if (sum > UINT64_MAX / 2)
			return false;
		any = true;
	}
	*ns = sum;
	return any;
}

static bool hex(struct mm_str *s, uint64_t *v)
{
	size_t n = 0;

	for (*v = 0; n < s->len; n++) {
		unsigned int c = (unsigned char)s->p[n], low = c | 0x20;

		if (c - '0' < 10)
			*v = *v << 4 | (c - '0');
		else if (low - 'a' < 6)
			*v = *v << 4 | (low - 'a' + 10);
		else
			break;
	}
	*s = (struct mm_str){ s->p + n, s->len - n };
	return n && n <= 16;
}

/* "563ebaa00000-563ebc99e000(  31.617 MiB):        1" */
static bool parse_region(struct mm_str s, struct mm_damon_region *r)
{
	const char *close;

	scan_blanks(&s);
	if (!hex(&s, &r->start) || !s.len || *s.p != '-')
		return false;
	s = (struct mm_str){ s.p + 1, s.len - 1 };
	if (!hex(&s, &r->end))
		return false;
	close = s.len ? memchr(s.p, ')', s.len) : NULL;
	if (!close)
		return false;
	s = (struct mm_str){ close + 1, s.len - (size_t)(close + 1 - s.p) };
	if (s.len && *s.p == ':')
		s = (struct mm_str){ s.p + 1, s.len - 1 };
	return scan_u64(&s, &r->nr_accesses);
}

static bool after(struct mm_str line, const char *word, struct mm_str *rest)
{
	size_t n = strlen(word);

	if (!mm_str_starts(line, word))
		return false;
	*rest = (struct mm_str){ line.p + n, line.len - n };
	return true;
}

static int not_understood(struct damo *d, struct mm_error *err)
{
	return mm_trace_loss(d->src, "lines of damo that are cut or not understood", d->src->in->line, err);
}

/* damo ends each line: one without an end is cut, perhaps within a number. */
static int one_line(struct damo *d, struct mm_trace_batch *b, struct mm_str line, struct mm_error *err)
{
	struct mm_damon_region r = { .target = d->target, .time_ns = d->end_ns, .timed = true };
	struct mm_str rest;

	if (mm_trace_is_cut(d->src))
		return not_understood(d, err);
	if (after(line, "monitoring_end:", &rest)) {
		if (!parse_time(rest, &d->end_ns))
			return not_understood(d, err);
		d->end_ns = d->last_ns = d->end_ns < d->last_ns ? d->last_ns : d->end_ns;	/* records begin anew at 0 */
		return 0;
	}
	if (after(line, "target_id:", &rest))
		return scan_u64(&rest, &d->target) ? 0 : not_understood(d, err);
	if (!line.len || line.p[0] == '#' || mm_str_starts(line, "base_time_absolute:") || mm_str_starts(line, "monitoring_") ||
	    mm_str_starts(line, "nr_regions:") || mm_str_starts(line, "kdamond "))
		return 0;
	if (!parse_region(line, &r))
		return not_understood(d, err);
	return mm_damon_rows(d->src, b, &r, d->src->in->line, err);
}

static int read_damo(void *state, struct mm_trace_batch *b, struct mm_error *err)
{
	struct damo *d = state;
	struct mm_str line;

	while (!mm_trace_batch_is_full(b)) {
		int e = mm_input_line(d->src->in, &line, err);

		if (e > 0)
			e = one_line(d, b, line, err) ? err->code : 1;
		if (e <= 0)
			return e;
	}
	return 1;
}

const struct mm_trace_ops mm_trace_damo = {
	.name = "damo",
	.help = "text of damo report raw (sampled accesses of regions)",
	.sniff = sniff,
	.open = open_damo,
	.read = read_damo,
	.close = close_damo,
};
