/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mm-reclaim --policy: the textbook's page replacement on the page references of a trace
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <libmm/policy.h>

#include "cmd.h"
#include "reclaim.h"

enum { MAX_OPT_REFS = 1 << 27 };		/* references that opt keeps: 1 GiB */

/* ---- textbook policies on the references of the trace -------------------------- */

struct policy_line {
	const char *policy;
	uint64_t frames, references, faults;
	int64_t fault_ratio;
};

static const struct mm_column policy_columns[] = {
	MM_COLUMN(struct policy_line, policy, MM_COL_STR, "the replacement policy"),
	MM_COLUMN(struct policy_line, frames, MM_COL_U64, "page frames"),
	MM_COLUMN(struct policy_line, references, MM_COL_U64, "page references, one for each page an access touches"),
	MM_COLUMN(struct policy_line, faults, MM_COL_U64, "references that found their page out"),
	MM_COLUMN(struct policy_line, fault_ratio, MM_COL_MILLI, "faults for each reference"),
};
const struct mm_table reclaim_policy_table = MM_TABLE("policy", policy_columns, "faults of each --policy");

struct policy_run {
	struct mm_policy *p[MM_NR_POLICIES];
	uint64_t faults[MM_NR_POLICIES], nr;
	bool keep;			/* opt sees the whole string */
	uint64_t *refs;
	size_t cap;
};

static int one_reference(struct policy_run *r, uint64_t page)
{
	for (int k = 0; k < MM_POLICY_OPT; k++) {
		int e = r->p[k] ? mm_policy_reference(r->p[k], page) : 0;

		if (e < 0)
			return e;
		r->faults[k] += (uint64_t)e;
	}
	if (r->keep && r->nr == r->cap) {
		size_t cap = r->cap ? r->cap * 2 : 4096;
		uint64_t *v = cap <= MAX_OPT_REFS ? realloc(r->refs, cap * sizeof(*v)) : NULL;

		if (!v)
			return cap <= MAX_OPT_REFS ? -ENOMEM : -EFBIG;
		r->refs = v;
		r->cap = cap;
	}
	if (r->keep)
		r->refs[r->nr] = page;
	r->nr++;
	return 0;
}

/* An access of several pages is several references; address spaces are kept apart. */
static int references_of(struct policy_run *r, const struct mm_event *ev)
{
	uint64_t size = ev->size ? ev->size : 1, first = ev->addr >> MM_PAGE_SHIFT, last;
	int e = 0;

	if (ev->by != MM_BY_NONE || mm_event_class((enum mm_event_type)ev->type) != MM_CLASS_ACCESS)
		return 0;
	last = ev->addr + size - 1 < ev->addr ? first : (ev->addr + size - 1) >> MM_PAGE_SHIFT;
	for (uint64_t page = first; !e && page <= last; page++)
		e = one_reference(r, page ^ (uint64_t)ev->pid << 52);
	return e;
}

static int read_references(struct cmd_args *a, struct policy_run *r)
{
	struct mm_trace_options opt = { .from = a->from, .strict = a->strict };
	struct mm_trace_reader *reader = NULL;
	struct mm_event ev[64];
	struct mm_input *in;
	long n = cmd_open_input(a, &in);

	if (n)
		return (int)n;
	n = mm_trace_reader_new(&reader, in, &opt, &a->err);
	while (!n && (n = mm_trace_read(reader, ev, 64, &a->err)) > 0) {
		long i = 0, e = 0;

		while (!e && i < n)
			e = references_of(r, &ev[i++]);
		n = e;
		if (e)
			mm_error_set(&a->err, (int)e, e == -EFBIG ? "%s: too many references for opt, which keeps all"
				     : "%s: out of memory", in->name);
	}
	mm_trace_reader_free(reader);
	mm_input_free(in);
	return (int)n;
}

static int policy_rows(struct cmd_args *a, struct policy_run *r, uint32_t frames, unsigned int policies)
{
	struct mm_table_writer *w;
	int e = cmd_table(a, &reclaim_policy_table, &w);

	for (int k = 0; !e && k < MM_NR_POLICIES; k++) {
		struct policy_line line = { mm_policy_word((enum mm_policy_kind)k), frames, r->nr, r->faults[k], 0 };

		if (!(policies >> k & 1))
			continue;
		line.fault_ratio = r->nr ? (int64_t)(line.faults * 1000 / r->nr) : 0;
		mm_table_writer_row(w, &line);
	}
	return cmd_table_end(a, w, e);
}

int reclaim_policies(struct cmd_args *a, unsigned int policies)
{
	uint64_t frames = a->config.memory_max_bytes >> MM_PAGE_SHIFT;
	struct policy_run r = { .keep = policies >> MM_POLICY_OPT & 1 };
	int e = 0;

	if (!frames || frames > 1u << 30)
		return mm_error_set(&a->err, -EINVAL, "--policy needs --memory-max: 4K to 4T, a frame for each 4 KiB");
	for (int k = 0; !e && k < MM_POLICY_OPT; k++)
		if (policies >> k & 1)
			e = mm_policy_new(&r.p[k], (enum mm_policy_kind)k, (uint32_t)frames);
	if (e)
		mm_error_set(&a->err, e, "out of memory");
	else
		e = read_references(a, &r);
	if (!e && r.keep && (e = mm_policy_run(MM_POLICY_OPT, r.refs, r.nr, (uint32_t)frames,
					       &r.faults[MM_POLICY_OPT])) != 0)
		mm_error_set(&a->err, e, "out of memory");
	if (!e)
		e = policy_rows(a, &r, (uint32_t)frames, policies);
	for (int k = 0; k < MM_NR_POLICIES; k++)
		mm_policy_free(r.p[k]);
	free(r.refs);
	return e;
}
