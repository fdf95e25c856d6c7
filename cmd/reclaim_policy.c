/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mm-reclaim --policy: the textbook's page replacement on the page references of a trace
 *
 * One pass: lru in all sizes from its stack distances, the others in each size
 * by themselves, opt on what was kept.  With --sample the pages whose hash
 * falls below the rate stand for all, in memories that are smaller by the
 * rate.  They fall into GROUPS by other bits of the hash, each a sample of its
 * own; how far these lie apart tells the error.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <libmm/policy.h>
#include <libmm/sweep.h>
#include <libmm/wide.h>

#include "cmd.h"
#include "cmd_internal.h"
#include "reclaim.h"

enum { MAX_OPT_REFS = 1 << 27 };		/* references that opt keeps: 1 GiB */
enum { MAX_ACCESS_PAGES = 1 << 27 };		/* of one row: seconds */
enum { GROUPS = 8, MAX_POLICY_POINTS = 256 };

struct policy_line {
	const char *policy;
	uint64_t frames, references, faults;
	int64_t fault_ratio, error_ratio;
	char bar[RECLAIM_BAR_BYTES];
	const char *chart;
};

static const struct mm_column policy_columns[] = {
	MM_COLUMN(struct policy_line, policy, MM_COL_STR, "the replacement policy"),
	MM_COLUMN(struct policy_line, frames, MM_COL_U64, "page frames"),
	MM_COLUMN(struct policy_line, references, MM_COL_U64, "page references, one for each page an access touches"),
	MM_COLUMN(struct policy_line, faults, MM_COL_U64, "references that found their page out"),
	MM_COLUMN(struct policy_line, fault_ratio, MM_COL_MICRO, "faults for each reference"),
	MM_COLUMN(struct policy_line, error_ratio, MM_COL_MICRO, "standard error of fault_ratio by --sample; empty: exact"),
	{ .name = "chart", .heading = "PAGE FAULTS", .type = MM_COL_STR, .offset = offsetof(struct policy_line, chart),
	  .help = "faults as a bar (terminal only)" },
};
enum { NR_POLICY_COLUMNS = sizeof(policy_columns) / sizeof(policy_columns[0]) };
const struct mm_table reclaim_policy_table = MM_TABLE("policy", policy_columns, "faults of each --policy");

/* References of some pages, all policies in all sizes. [0] is the whole sample, the rest its groups. */
struct sample {
	struct mm_mrc *lru;
	struct mm_policy **p;		/* by policy and point */
	uint64_t *faults;
	size_t *active, nr_active;	/* places of p that are there */
	uint64_t *refs;			/* opt sees the whole string */
	size_t nr, cap;
};

struct policy_run {
	unsigned int policies;		/* bit by enum mm_policy_kind */
	uint64_t frames[MAX_POLICY_POINTS];
	size_t nr_points;
	uint64_t threshold;		/* of 2^32: pages with a hash below are taken */
	uint64_t references;
	struct mm_trace_told told;
	struct sample sample[1 + GROUPS];
	size_t nr_samples;
};

static size_t index_of(const struct policy_run *r, int kind, size_t point) { return (size_t)kind * r->nr_points + point; }

/* ---- one reference ---- */

static int keep(struct sample *s, uint64_t page)
{
	if (s->nr == s->cap) {
		size_t cap = s->cap ? s->cap * 2 : 4096;
		uint64_t *v = cap <= MAX_OPT_REFS ? realloc(s->refs, cap * sizeof(*v)) : NULL;

		if (!v)
			return cap <= MAX_OPT_REFS ? -ENOMEM : -EFBIG;
		s->refs = v;
		s->cap = cap;
	}
	s->refs[s->nr] = page;
	return 0;
}

static int refer(const struct policy_run *r, struct sample *s, uint64_t page)
{
	int e = s->lru ? mm_mrc_reference(s->lru, page) : 0;

	for (size_t i = 0; !e && i < s->nr_active; i++) {
		int fault = mm_policy_reference(s->p[s->active[i]], page);

		if (fault < 0)
			return fault;
		s->faults[s->active[i]] += (uint64_t)fault;
	}
	if (!e && r->policies >> MM_POLICY_OPT & 1)
		e = keep(s, page);
	s->nr++;
	return e;
}

static int one_reference(struct policy_run *r, uint64_t page)
{
	uint64_t hash;
	int e;

	r->references++;
	if (r->nr_samples == 1)
		return refer(r, &r->sample[0], page);
	hash = mm_page_hash(page);
	if (hash >> 32 >= r->threshold)
		return 0;
	e = refer(r, &r->sample[0], page);
	return e ? e : refer(r, &r->sample[1 + hash % GROUPS], page);
}

/*
 * An access of several pages is several references.  Address spaces are kept apart: a page of user space has 35 bits; a key has 52, but
 * then there is one task.
 */
static int references_of(struct policy_run *r, const struct mm_event *ev)
{
	uint64_t size = ev->size ? ev->size : 1, first = ev->addr >> MM_PAGE_SHIFT, last;
	uint64_t space = (uint64_t)ev->pid << 52 ^ (uint64_t)(ev->pid >> 12) << 36;
	int e = 0;

	if (ev->by != MM_BY_NONE || mm_trace_tell(&r->told, ev) != MM_CLASS_ACCESS)
		return 0;
	last = ev->addr + size - 1 < ev->addr ? first : (ev->addr + size - 1) >> MM_PAGE_SHIFT;
	if (last - first >= MAX_ACCESS_PAGES)
		return -E2BIG;
	for (uint64_t page = first; !e && page <= last; page++)
		e = one_reference(r, page ^ space);
	return e;
}

static int read_references(struct cmd_args *a, struct policy_run *r)
{
	struct mm_trace_options opt = { .from = a->from, .strict = a->strict, .hashed_keys = true };
	struct mm_trace_reader *reader = NULL;
	const struct mm_skip *skips;
	struct mm_event ev[256];
	struct mm_input *in;
	const char *lacks;
	uint64_t told;
	size_t nr;
	long n = cmd_open_input(a, &in);

	if (n)
		return (int)n;
	n = mm_trace_reader_new(&reader, in, &opt, &a->err);
	while (!n && (n = mm_trace_read(reader, ev, 256, &a->err)) > 0) {
		long i = 0, e = 0;

		while (!e && i < n)
			e = references_of(r, &ev[i++]);
		n = e;
		if (e == -E2BIG)
			mm_error_set(&a->err, (int)e, "%s:%" PRIu64 ": expected an access of at most %d pages", in->name,
				     mm_trace_line(reader, (size_t)i - 1), MAX_ACCESS_PAGES);
		else if (e)
			mm_error_set(&a->err, (int)e, e == -EFBIG ? "%s: too many references for opt, which keeps all"
				     : "%s: out of memory", in->name);
	}
	if (!n) {
		skips = mm_trace_skips(reader, &nr);
		n = cmd_tell_skips(a, in->name, skips, nr);
		lacks = mm_trace_lacks_accesses(&r->told, &told);
		if (!n && lacks)
			cmd_note(a, "%s: %" PRIu64 " %s", in->name, told, lacks);
	}
	mm_trace_reader_free(reader);
	return cmd_close_input(a, in, (int)n);
}

/* ---- what came of it ---- */

/* Frames of a sample: smaller by its rate. */
static uint64_t scaled(const struct policy_run *r, uint64_t frames, size_t sample)
{
	uint64_t of = r->threshold / (sample ? GROUPS : 1);
	uint64_t n = mm_mul_div(frames, of, UINT32_MAX, UINT64_C(1) << 32);

	return r->nr_samples == 1 ? frames : n ? n : 1;
}

static int faults_of(const struct policy_run *r, int kind, size_t point, size_t sample, double *faults)
{
	const struct sample *s = &r->sample[sample];
	double rate = r->nr_samples == 1 ? 1 : (double)r->threshold / 4294967296.0 / (sample ? GROUPS : 1);
	uint64_t n = s->faults[index_of(r, kind, point)], frames = scaled(r, r->frames[point], sample);

	if (kind == MM_POLICY_LRU && s->lru)
		n = mm_mrc_faults(s->lru, frames);
	if (kind == MM_POLICY_OPT && mm_policy_run(MM_POLICY_OPT, s->refs, s->nr, (uint32_t)frames, &n))
		return -ENOMEM;
	*faults = (double)n / rate;
	return 0;
}

static double square_root(double x)
{
	double r = x > 1 ? x : 1;

	for (int i = 0; i < 64 && x > 0; i++)
		r = (r + x / r) / 2;
	return x > 0 ? r : 0;
}

static int line_of(const struct policy_run *r, int kind, size_t point, struct policy_line *line)
{
	double all = r->references ? (double)r->references : 1, mean = 0, var = 0, f[1 + GROUPS];

	for (size_t i = 0; i < r->nr_samples; i++)
		if (faults_of(r, kind, point, i, &f[i]))
			return -ENOMEM;
	for (size_t i = 1; i < r->nr_samples; i++)
		mean += f[i] / GROUPS;
	for (size_t i = 1; i < r->nr_samples; i++)
		var += (f[i] - mean) * (f[i] - mean) / GROUPS / (GROUPS - 1);
	if (f[0] > all)
		f[0] = all;
	*line = (struct policy_line){
		.policy = mm_policy_word((enum mm_policy_kind)kind), .frames = r->frames[point], .references = r->references,
		.faults = (uint64_t)(f[0] + 0.5), .fault_ratio = (int64_t)(f[0] * 1e6 / all + 0.5),
		.error_ratio = r->nr_samples == 1 ? MM_MISSING_I64 : (int64_t)(square_root(var) * 1e6 / all + 0.999),
	};
	return 0;
}

static int print_lines(struct cmd_args *a, const struct policy_run *r, struct policy_line *v, size_t n)
{
	struct mm_table table = reclaim_policy_table;
	struct mm_table_writer *w;
	uint64_t most = 0;
	int e;

	if (!cmd_is_human(a) || r->nr_points < 2)
		table.nr_columns = NR_POLICY_COLUMNS - 1;
	for (size_t i = 0; i < n; i++)
		most = v[i].faults > most ? v[i].faults : most;
	e = cmd_table(a, &table, &w);
	for (size_t i = 0; !e && i < n; i++) {
		reclaim_bar(v[i].bar, v[i].faults, most);
		v[i].chart = v[i].bar;
		mm_table_writer_row(w, &v[i]);
	}
	return cmd_table_end(a, w, e);
}

static int policy_rows(struct cmd_args *a, const struct policy_run *r)
{
	struct policy_line *v = calloc(MM_NR_POLICIES * r->nr_points, sizeof(*v));
	size_t n = 0;
	int e = v ? 0 : -ENOMEM;

	for (int k = 0; k < MM_NR_POLICIES; k++)
		for (size_t i = 0; !e && r->policies >> k & 1 && i < r->nr_points; i++)
			e = line_of(r, k, i, &v[n++]);
	e = e ? mm_error_set(&a->err, e, "out of memory") : print_lines(a, r, v, n);
	free(v);
	return e;
}

/* ---- the run ---- */

static int new_sample(const struct policy_run *r, size_t i, struct sample *s)
{
	size_t n = (size_t)MM_NR_POLICIES * r->nr_points;
	int e = 0;

	s->p = calloc(n, sizeof(struct mm_policy *));
	s->faults = calloc(n, sizeof(*s->faults));
	s->active = calloc(n, sizeof(*s->active));
	if (!s->p || !s->faults || !s->active)
		return -ENOMEM;
	if (r->policies >> MM_POLICY_LRU & 1 && r->nr_points > 1)	/* one size is had cheaper by itself */
		e = mm_mrc_new(&s->lru);
	for (int k = s->lru ? MM_POLICY_LRU + 1 : MM_POLICY_LRU; k < MM_POLICY_OPT; k++)
		for (size_t p = 0; !e && r->policies >> k & 1 && p < r->nr_points; p++) {
			s->active[s->nr_active++] = index_of(r, k, p);
			e = mm_policy_new(&s->p[index_of(r, k, p)], (enum mm_policy_kind)k,
					  (uint32_t)scaled(r, r->frames[p], i));
		}
	return e;
}

static void free_sample(const struct policy_run *r, struct sample *s)
{
	for (size_t i = 0; s->p && i < MM_NR_POLICIES * r->nr_points; i++)
		mm_policy_free(s->p[i]);
	mm_mrc_free(s->lru);
	free(s->p);
	free(s->faults);
	free(s->active);
	free(s->refs);
}

/* The sizes: of --memory-max, or of --sweep=memory-max. */
static int sizes(struct cmd_args *a, struct policy_run *r, const char *sweep)
{
	struct mm_sweep s = { .config = a->config };
	int e = 0;

	if (sweep) {
		e = mm_sweep_parse(&s, sweep, &a->err);
		if (e && e != -ENOMEM)
			cmd_usage(a, "--sweep: %s", a->err.text);
		if (!e && (strcmp(s.parameter[0], "memory-max") || s.nr_points > MAX_POLICY_POINTS))
			cmd_usage(a, "--policy with --sweep: expected memory-max=LO..HI:N, at most %d points", (int)MAX_POLICY_POINTS);
		for (size_t i = 0; !e && i < s.nr_points; i++)
			r->frames[r->nr_points++] = s.points[i].value[0] >> MM_PAGE_SHIFT;
		free(s.points);
	} else {
		r->frames[r->nr_points++] = a->config.memory_max_bytes >> MM_PAGE_SHIFT;
	}
	for (size_t i = 0; !e && i < r->nr_points; i++)
		if (!r->frames[i] || r->frames[i] > 1u << 30)
			cmd_usage(a, "--policy needs --memory-max: 4K to 4T, a frame for each 4 KiB");
	return e;
}

/* Less than a frame of the sample is a frame: such a memory counts as one of that size. */
static void tell_small(struct cmd_args *a, const struct policy_run *r)
{
	uint64_t whole = ((UINT64_C(1) << 32) + r->threshold / 2) / r->threshold;
	size_t n = 0;

	for (size_t i = 0; r->nr_samples > 1 && i < r->nr_points; i++)
		n += r->frames[i] < whole;
	if (n)
		cmd_note(a, "%zu sizes of less than %" PRIu64 " frames are estimated as that many: --sample leaves them less than one",
			 n, whole);
}

int reclaim_policies(struct cmd_args *a, unsigned int policies, const char *sweep, uint64_t rate)
{
	struct policy_run *r;
	int e;

	cmd_uses(a, CMD_FORM | CMD_BIT(FROM), "--policy");
	r = calloc(1, sizeof(*r));
	e = r ? 0 : mm_error_set(&a->err, -ENOMEM, "out of memory");
	if (e)
		return e;
	*r = (struct policy_run){ .policies = policies, .threshold = rate, .nr_samples = rate >> 32 ? 1 : 1 + GROUPS };
	e = sizes(a, r, sweep);
	for (size_t i = 0; !e && i < r->nr_samples; i++)
		if ((e = new_sample(r, i, &r->sample[i])) != 0)
			mm_error_set(&a->err, e, "out of memory");
	if (!e)
		e = read_references(a, r);
	if (!e && r->nr_samples > 1 && r->references && !r->sample[0].nr)
		e = mm_error_set(&a->err, -EINVAL, "expected a larger share: --sample took none of %" PRIu64 " references", r->references);
	if (!e)
		e = policy_rows(a, r);
	if (!e)
		tell_small(a, r);
	if (!e && r->nr_samples > 1)
		cmd_note(a, "sampled %" PRIu64 " of %" PRIu64 " references by a hash of their page; faults are estimates, with the "
			 "standard error of the column error_ratio", (uint64_t)r->sample[0].nr, r->references);
	for (size_t i = 0; i < r->nr_samples; i++)
		free_sample(r, &r->sample[i]);
	free(r);
	return e;
}
