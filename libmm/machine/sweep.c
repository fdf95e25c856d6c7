/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Sweeps: threads take the next point that nobody has begun, boot its machine
 * and replay the trace.  One reads it first, onto a tape that the others play
 * meanwhile; what has no room there each point reads for itself.  Every thread
 * writes only to its own point, so nothing is locked but the number of the next
 * one and how far the tape has come.
 */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libmm/csv.h>
#include <libmm/sweep.h>
#include <libmm/wide.h>

#include "base/host_memory.h"
#include "machine/tape.h"

enum { BATCH = 256, TAPE_BYTES = 1 << 28 };

static const char *const sizes[] = { "memory-max", "ram", "swap" };

static bool is_size(const char *parameter)
{
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		if (!strcmp(parameter, sizes[i]))
			return true;
	return false;
}

bool mm_sweep_is_size(const struct mm_sweep *s, size_t parameter) { return is_size(s->parameter[parameter]); }

/* ---- "PARAMETER=LO..HI:N" ------------------------------------------------ */

static int bad_sweep(struct mm_error *err, const char *text)
{
	return mm_error_set(err, -EINVAL,
			    "expected PARAMETER=LOW..HIGH:POINTS such as memory-max=64M..1G:8, found '%s'", text);
}

static int parse_value(bool size, const char *p, size_t len, uint64_t *value)
{
	char word[32];

	if (!len || len >= sizeof(word))
		return -EINVAL;
	memcpy(word, p, len);
	word[len] = 0;
	return size ? mm_parse_size(word, value) : mm_parse_u64((struct mm_str){ p, len }, value);
}

static double power(double x, size_t n)
{
	double v = 1;

	for (; n; n >>= 1, x *= x)
		if (n & 1)
			v *= x;
	return v;
}

/* The @n-th root of @x >= 1, by halving what it lies in.  (libm's pow() would cost every command the loading of libm.) */
static double root(double x, size_t n)
{
	double lo = 1, hi = x, mid = lo + (hi - lo) / 2;

	while (lo < mid && mid < hi) {
		if (power(mid, n) <= x)
			lo = mid;
		else
			hi = mid;
		mid = lo + (hi - lo) / 2;
	}
	return power(hi, n) <= x ? hi : lo;
}

/* The i-th of n values from lo to hi, both included: sizes by equal factors (from 0: steps), in whole pages, others by equal steps. */
static uint64_t spread(bool size, uint64_t lo, uint64_t hi, size_t i, size_t n)
{
	uint64_t v;

	if (i == n - 1 && n > 1)
		return hi;
	if (!i)
		return lo;
	v = lo + mm_mul_div(hi - lo, i, (n - 1) / 2, n - 1);
	if (!size)
		return v;
	if (lo)
		v = (uint64_t)((double)lo * power(root((double)hi / (double)lo, n - 1), i) + 0.5);
	return v & ~(uint64_t)(MM_PAGE_SIZE - 1);
}

/* Does "vm.swappiness" mean what "swappiness" means? */
static bool same_parameter(struct mm_str a, const char *b)
{
	if (a.len > 3 && !memcmp(a.p, "vm.", 3))
		a = (struct mm_str){ a.p + 3, a.len - 3 };
	b += strncmp(b, "vm.", 3) ? 0 : 3;
	return a.len == strlen(b) && !memcmp(a.p, b, a.len);
}

static int check_tunable(const struct mm_sweep *s, const char *parameter, uint64_t lo, uint64_t hi, struct mm_error *err)
{
	const uint64_t ends[2] = { lo, hi };
	struct mm_sysctls probe = s->config.sysctl;
	char text[24];

	for (int i = 0; i < 2; i++) {
		int n = snprintf(text, sizeof(text), "%" PRIu64, ends[i]);
		int e = mm_sysctls_set(&probe, (struct mm_str){ parameter, strlen(parameter) },
				       (struct mm_str){ text, (size_t)n }, err);

		if (e)
			return e;
	}
	return 0;
}

/* Each point so far becomes @n, with the values of one more parameter. */
static int add_parameter(struct mm_sweep *s, uint64_t lo, uint64_t hi, size_t n, struct mm_error *err)
{
	size_t k = s->nr_parameters, old = k ? s->nr_points : 1;
	bool size = mm_sweep_is_size(s, k);
	struct mm_sweep_point *points = old <= MM_SWEEP_MAX_POINTS / n ? mm_host_calloc(old * n, sizeof(*points)) : NULL;

	if (old > MM_SWEEP_MAX_POINTS / n)
		return mm_error_set(err, -EINVAL, "%zu times %zu points: expected at most %d", old, n, (int)MM_SWEEP_MAX_POINTS);
	if (!points)
		return mm_error_set(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < old * n; i++) {
		if (k)
			points[i] = s->points[i / n];
		points[i].value[k] = spread(size, lo, hi, i % n, n);
	}
	free(k ? s->points : NULL);
	s->points = points;
	s->nr_points = old * n;
	s->nr_parameters++;
	return 0;
}

int mm_sweep_parse(struct mm_sweep *s, const char *text, struct mm_error *err)
{
	const char *eq = strchr(text, '='), *dots = eq ? strstr(eq, "..") : NULL,
		*colon = dots ? strrchr(dots, ':') : NULL;
	uint64_t lo, hi, n;
	char *parameter;
	bool size;
	int e;

	if (s->nr_parameters == MM_SWEEP_MAX_PARAMETERS)
		return mm_error_set(err, -EINVAL, "expected one parameter or two, found '%s'", text);
	parameter = s->parameter[s->nr_parameters];
	if (!colon || eq == text || (size_t)(eq - text) >= sizeof(s->parameter[0]))
		return bad_sweep(err, text);
	memcpy(parameter, text, (size_t)(eq - text));
	parameter[eq - text] = 0;
	size = is_size(parameter);
	if (parse_value(size, eq + 1, (size_t)(dots - eq - 1), &lo) ||
	    parse_value(size, dots + 2, (size_t)(colon - dots - 2), &hi) ||
	    mm_parse_u64((struct mm_str){ colon + 1, strlen(colon + 1) }, &n) || lo > hi || !n ||
	    n > MM_SWEEP_MAX_POINTS ||
	    (n == 1 && lo != hi) || (size && !lo && strcmp(parameter, "swap")))
		return bad_sweep(err, text);
	if (s->nr_parameters && same_parameter((struct mm_str){ parameter, strlen(parameter) }, s->parameter[0]))
		return mm_error_set(err, -EINVAL, "expected another parameter than %s, found '%s'", s->parameter[0], text);
	e = size ? 0 : check_tunable(s, parameter, lo, hi, err);
	return e ? e : add_parameter(s, lo, hi, (size_t)n, err);
}

/* ---- one point ------------------------------------------------------------- */

static int set_parameter(struct mm_machine_config *cfg, const char *parameter, uint64_t value, struct mm_error *err)
{
	char text[24];
	int n = snprintf(text, sizeof(text), "%" PRIu64, value);

	if (!strcmp(parameter, "memory-max"))
		cfg->memory_max_bytes = value;
	else if (!strcmp(parameter, "ram"))
		cfg->ram_bytes = value;
	else if (!strcmp(parameter, "swap"))
		cfg->swap_bytes = value, cfg->swap_used_bytes = 0;
	else
		return mm_sysctls_set(&cfg->sysctl, (struct mm_str){ parameter, strlen(parameter) },
				      (struct mm_str){ text, (size_t)n }, err);
	return 0;
}

static int point_config(const struct mm_sweep *s, const struct mm_sweep_point *p, struct mm_machine_config *cfg, struct mm_error *err)
{
	int e = 0;

	*cfg = s->config;
	cfg->effects = false;
	for (size_t k = 0; !e && k < s->nr_parameters; k++)
		e = set_parameter(cfg, s->parameter[k], p->value[k], err);
	return e;
}

/* Does the row set what the sweep sets? */
static bool is_swept(const struct mm_sweep *s, const struct mm_event *ev)
{
	if (ev->type != MM_EV_CGROUP && ev->type != MM_EV_SYSCTL)
		return false;
	for (size_t k = 0; k < s->nr_parameters; k++)
		if (ev->type == MM_EV_CGROUP ? mm_event_limits_workload(ev) && !strcmp(s->parameter[k], "memory-max") :
		    same_parameter(ev->name, s->parameter[k]))
			return true;
	return false;
}

/* The rows that a point hears. */
struct rows {
	const struct mm_sweep *sweep;
	struct mm_tape_player player;		/* .tape NULL: there is none, or it is at its end */
	struct mm_input *in;
	struct mm_trace_reader *reader;		/* NULL: not needed yet */
	struct mm_event ev[BATCH];
	uint64_t line[BATCH];			/* of each row from the tape */
	bool looked;				/* for the number of CPUs, at the first rows */
	uint32_t first_cpus;			/* what was found */
};

/* Nobody said how many CPUs there are: as many as the first rows name (mm_trace_first_cpus()), as *@row. */
static bool first_look(struct rows *r, size_t n, struct mm_event *row)
{
	const struct mm_sweep *s = r->sweep;

	if (r->looked)
		return false;
	r->looked = true;
	r->first_cpus = mm_trace_first_cpus(r->ev, n, row);
	if (r->first_cpus && s->overridden && s->overridden(s->arg, row))
		r->first_cpus = 0;
	return r->first_cpus;
}

static int open_reader(struct rows *r, struct mm_error *err)
{
	int e = mm_input_open(&r->in, r->sweep->path, err);

	return e ? e : mm_trace_reader_new(&r->reader, r->in, &r->sweep->trace, err);
}

static void close_rows(struct rows *r)
{
	mm_trace_reader_free(r->reader);
	mm_input_free(r->in);
}

/* The tape had no room for what follows its rows: read on where it ends. */
static int read_on(struct rows *r, struct mm_error *err)
{
	uint64_t left = mm_tape_rows(r->player.tape);
	long n = open_reader(r, err);

	r->player.tape = NULL;
	r->looked = left > 0;
	for (; !n && left; left -= (uint64_t)n, n = 0) {
		n = mm_trace_read(r->reader, r->ev, left < BATCH ? (size_t)left : BATCH, err);
		if (!n)
			return mm_error_set(err, -EIO, "%s changed while it was read", r->sweep->name);
		if (n < 0)
			break;
	}
	return (int)n;
}

static long next_rows(struct rows *r, struct mm_error *err)
{
	long n = 0;
	int code;

	if (r->player.tape) {
		n = mm_tape_play(&r->player, r->ev, r->line, BATCH, &code, err);
		if (n || !code)
			return n;
		n = read_on(r, err);
	}
	return n ? n : mm_trace_read(r->reader, r->ev, BATCH, err);
}

static bool is_heard(const struct mm_sweep *s, const struct mm_event *ev)
{
	return (ev->by == MM_BY_NONE || ev->type == MM_EV_SEED) && !is_swept(s, ev) && !(s->overridden && s->overridden(s->arg, ev));
}

static int replay(struct rows *r, struct mm_machine *m, struct mm_error *err)
{
	const struct mm_sweep *s = r->sweep;
	struct mm_error inner = { 0 };
	struct mm_event cpus;
	long n;

	while ((n = next_rows(r, err)) > 0) {
		int e = !r->player.tape && first_look(r, (size_t)n, &cpus) ? mm_machine_event(m, &cpus, err) : 0;

		if (e)
			return e;
		for (size_t i = 0; i < (size_t)n; i++) {
			i += mm_machine_hits(m, &r->ev[i], (size_t)n - i);
			if (i == (size_t)n || (!r->player.tape && !is_heard(s, &r->ev[i])))
				continue;
			e = mm_machine_event(m, &r->ev[i], &inner);
			if (e)
				return mm_error_set(err, e, "%s:%" PRIu64 ": %s", s->name,
						    r->player.tape ? r->line[i] : mm_trace_line(r->reader, i),
						    inner.code ? inner.text : strerror(-e));
		}
	}
	return n < 0 ? (int)n : mm_machine_end(m, err);
}

static void keep_skips(struct mm_sweep *s, const struct mm_skip *skips, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		s->skips[s->nr_skips++] = skips[i];
}

static void keep_result(struct mm_sweep *s, struct mm_sweep_point *p, const struct rows *r, struct mm_machine *m)
{
	const struct mm_vmstat *boot = mm_machine_boot_vmstat(m);
	const struct mm_skip *skips;
	size_t nr;

	p->stat = *mm_machine_vmstat(m);
	for (int c = 0; c < MM_NR_COUNTERS; c++)
		p->stat.v[c] -= boot->v[c];
	if (p != s->points)
		return;
	if (r->first_cpus)
		s->first_cpus = r->first_cpus;
	skips = r->player.tape ? mm_tape_skips(r->player.tape, &nr) : mm_trace_skips(r->reader, &nr);
	keep_skips(s, skips, nr);
	skips = mm_machine_skips(m, &nr);
	keep_skips(s, skips, nr);
}

/* @tape NULL: the point reads for itself. */
static int run_point(struct mm_sweep *s, struct mm_sweep_point *p, struct mm_tape *tape, struct mm_error *err)
{
	struct rows *r = mm_host_calloc(1, sizeof(*r));
	struct mm_machine_config cfg;
	struct mm_machine *m = NULL;
	int e;

	if (!r)
		return mm_error_set(err, -ENOMEM, "out of memory");
	r->sweep = s;
	r->player.tape = tape;
	e = point_config(s, p, &cfg, err);
	if (!e && !tape)
		e = open_reader(r, err);
	if (!e)
		e = mm_machine_new(&m, &cfg, err);
	if (!e)
		e = replay(r, m, err);
	if (!e)
		keep_result(s, p, r, m);
	mm_machine_free(m);
	close_rows(r);
	free(r);
	return e;
}

/* ---- the tape ----------------------------------------------------------------- */

static long record_batch(struct rows *r, struct mm_tape *tape, size_t n)
{
	struct mm_event cpus;

	if (first_look(r, n, &cpus) && mm_tape_record(tape, &cpus, mm_trace_line(r->reader, 0)))
		return 0;
	for (size_t i = 0; i < n; i++)
		if (is_heard(r->sweep, &r->ev[i]) && mm_tape_record(tape, &r->ev[i], mm_trace_line(r->reader, i)))
			return (long)i;
	return (long)n;
}

/* Read the trace onto @tape. What goes wrong the points tell, each when it has come so far. */
static void record(struct mm_sweep *s, struct mm_tape *tape)
{
	struct rows *r = mm_host_calloc(1, sizeof(*r));
	const struct mm_skip *skips = NULL;
	struct mm_error err = { 0 };
	uint64_t rows = 0;
	size_t nr = 0;
	int code = 1;
	long n;

	if (!r) {
		mm_tape_end(tape, code, rows, NULL, 0, NULL);
		return;
	}
	r->sweep = s;
	n = open_reader(r, &err);
	while (!n && (n = mm_trace_read(r->reader, r->ev, BATCH, &err)) > 0) {
		long kept = record_batch(r, tape, (size_t)n);

		rows += (uint64_t)kept;
		n = kept < n ? 1 : 0;
		if (n)
			break;
	}
	if (n <= 0)
		code = (int)n;
	if (r->reader)
		skips = mm_trace_skips(r->reader, &nr);
	s->first_cpus = r->first_cpus;
	mm_tape_end(tape, code, rows, skips, nr, &err);
	close_rows(r);
	free(r);
}

/* ---- the threads ------------------------------------------------------------ */

struct crew {
	struct mm_sweep *sweep;
	struct mm_tape *tape;
	atomic_size_t next;
};

static void *work(void *arg)
{
	struct crew *crew = arg;
	struct mm_sweep *s = crew->sweep;
	size_t i;

	while ((i = atomic_fetch_add(&crew->next, 1)) < s->nr_points) {
		struct mm_error err = { 0 };

		s->points[i].code = run_point(s, &s->points[i], crew->tape, &err);
		memcpy(s->points[i].error, err.text, sizeof(err.text));
	}
	return NULL;
}

static size_t nr_threads(const struct mm_sweep *s)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	size_t n = s->nr_threads ? s->nr_threads : cpus > 0 ? (size_t)cpus : 1;

	return n < s->nr_points ? n : s->nr_points;
}

static int point_error(const struct mm_sweep *s, const struct mm_sweep_point *p, struct mm_error *err)
{
	if (s->nr_parameters > 1)
		return mm_error_set(err, p->code, "at %s %" PRIu64 ", %s %" PRIu64 ": %s", s->parameter[0], p->value[0],
				    s->parameter[1], p->value[1], p->error);
	return mm_error_set(err, p->code, "at %s %" PRIu64 ": %s", s->parameter[0], p->value[0], p->error);
}

int mm_sweep_run(struct mm_sweep *s, struct mm_error *err)
{
	struct crew crew = { .sweep = s };
	size_t n = nr_threads(s), started = 0;
	pthread_t *threads = mm_host_calloc(n, sizeof(*threads));

	if (!threads || (s->nr_points > 1 && mm_tape_new(&crew.tape, s->tape_bytes ? s->tape_bytes : TAPE_BYTES))) {
		free(threads);
		return mm_error_set(err, -ENOMEM, "out of memory");
	}
	/* Fewer threads than wanted are no error: this one works too. */
	while (started + 1 < n && !pthread_create(&threads[started], NULL, work, &crew))
		started++;
	if (crew.tape)
		record(s, crew.tape);
	work(&crew);
	for (size_t i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
	free(threads);
	mm_tape_free(crew.tape);
	for (size_t i = 0; i < s->nr_points; i++)
		if (s->points[i].code)
			return point_error(s, &s->points[i], err);
	return 0;
}
