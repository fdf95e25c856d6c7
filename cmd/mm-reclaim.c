/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mm-reclaim: LRU, second chance, MGLRU, swap, memcg limits and the OOM killer
 *
 * Replays a trace and tells what reclaim did (-t summary, lru, oom); explains
 * OOM reports of a kernel log; weighs the tasks of a captured machine.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <libmm/gfp.h>
#include <libmm/oom.h>
#include <libmm/policy.h>

#include "cmd.h"
#include "reclaim.h"

enum { OPT_EXPLAIN_OOM = 0x400, OPT_SWEEP, OPT_POLICY };
enum { MAX_OPT_REFS = 1 << 27 };		/* references that opt keeps: 1 GiB */

struct own {
	const char *explain_oom, *sweep;
	unsigned int policies;		/* bit by enum mm_policy_kind */
};

static const struct argp_option options[] = {
	{ "explain-oom", OPT_EXPLAIN_OOM, "FILE", 0, "Explain the OOM reports of a kernel log", 0 },
	{ "sweep", OPT_SWEEP, "PARAM=LO..HI:N", 0,
	  "Replay at N values of memory-max, ram, swap or a tunable, in parallel (table curve)", 0 },
	{ "policy", OPT_POLICY, "LIST", 0,
		"Instead of the kernel: lru, fifo, clock, second-chance, opt (joined by commas) on the page"
	  " references, in as many frames as --memory-max holds", 0 },
	{ 0 }
};

/* ---- the table of a report -------------------------------------------------- */

struct oom_line {
	uint64_t report, pid, tgid, uid, total_vm_pages, rss_pages, swapents_pages, pgtables_bytes;
	struct mm_str name;
	int64_t oom_score_adj, oom_score, points;
	uint64_t victim;
	const char *constraint;
};

static const struct mm_column oom_columns[] = {
	MM_COLUMN(struct oom_line, report, MM_COL_U64, "number of the report in the log, from 0"),
	MM_COLUMN(struct oom_line, pid, MM_COL_U64, "process"),
	MM_COLUMN(struct oom_line, name, MM_COL_SLICE, "its command name"),
	MM_COLUMN(struct oom_line, oom_score_adj, MM_COL_I64, "-1000 (never) .. 1000"),
	MM_COLUMN(struct oom_line, oom_score, MM_COL_I64, "as /proc/PID/oom_score"),
	MM_COLUMN(struct oom_line, points, MM_COL_I64, "badness in pages; empty: never killed"),
	MM_COLUMN(struct oom_line, rss_pages, MM_COL_U64, "resident pages"),
	MM_COLUMN(struct oom_line, swapents_pages, MM_COL_U64, "swapped pages"),
	MM_COLUMN(struct oom_line, pgtables_bytes, MM_COL_BYTES, "bytes of page tables"),
	MM_COLUMN(struct oom_line, victim, MM_COL_U64, "1: the task that the kernel's rule takes"),
	MM_COLUMN_HIDDEN(struct oom_line, tgid, MM_COL_U64, "thread group"),
	MM_COLUMN_HIDDEN(struct oom_line, uid, MM_COL_U64, "owner"),
	MM_COLUMN_HIDDEN(struct oom_line, total_vm_pages, MM_COL_U64, "pages mapped"),
	MM_COLUMN_HIDDEN(struct oom_line, constraint, MM_COL_STR, "what ran out, as the kernel names it"),
};
static const struct mm_table oom_table = MM_TABLE("oom", oom_columns,
						  "one row a task of each OOM report, or of a captured machine");

static void report_rows(struct mm_table_writer *w, const struct mm_oom_report *r)
{
	for (size_t i = 0; i < r->nr_rows; i++) {
		const struct mm_oom_row *t = &r->rows[i];
		struct oom_line line = {
			.report = r->report, .pid = t->pid, .tgid = t->tgid, .uid = t->uid,
			.total_vm_pages = t->total_vm_pages,
			.rss_pages = t->rss_pages, .swapents_pages = t->swapents_pages,
			.pgtables_bytes = t->pgtables_bytes,
			.name = t->name, .oom_score_adj = t->oom_score_adj,
			.oom_score = mm_oom_score(t->points, r->total_pages),
			.points = t->points, .victim = t->victim, .constraint = mm_oom_constraint_word(r->constraint),
		};

		mm_table_writer_row(w, &line);
	}
}

/* ---- the same for a person: what ran out, by how much, who goes and why ------ */

static void say_memcg(struct mm_output *out, const struct mm_oom_report *r)
{
	mm_output_printf(out, "  the limit of cgroup %.*s ran out: %" PRIu64 " KiB of %" PRIu64 " KiB used\n",
			 r->memcg.len ? (int)r->memcg.len : 1, r->memcg.len ? r->memcg.p : "?",
			 r->usage_pages == UINT64_MAX ? 0 : r->usage_pages * 4, r->limit_pages == UINT64_MAX ? 0 : r->limit_pages * 4);
}

/* The lowmem reserve keeps a zone from requests that a higher zone could serve; those for DMA and DMA32 are not so kept out here. */
static void say_zones(struct mm_output *out, const struct mm_oom_report *r)
{
	bool low_request = r->gfp_mask & (MM_GFP_DMA | MM_GFP_DMA32);

	for (size_t i = 0; i < r->nr_zones; i++) {
		const struct mm_oom_zone *z = &r->zones[i];
		uint64_t need = z->min_pages + (low_request ? 0 : z->reserve_pages);
		bool above = z->free_pages > need;

		mm_output_printf(out, "  node %" PRIu32 " %.*s: %" PRIu64 " KiB free must be above min %" PRIu64 " KiB", z->node,
				 (int)z->name.len, z->name.p, z->free_pages * 4, z->min_pages * 4);
		if (need != z->min_pages)
			mm_output_printf(out, " and the reserve for lower zones' requests %" PRIu64 " KiB", z->reserve_pages * 4);
		mm_output_printf(out, ": %s by %" PRIu64 " KiB\n", above ? "it is" : "short",
				 (above ? z->free_pages - need : need - z->free_pages + 1) * 4);
	}
	mm_output_printf(out, "  %" PRIu64 " KiB of RAM, %" PRIu64 " KiB of %" PRIu64 " KiB swap free\n",
			 (r->ram_pages - (r->reserved_pages < r->ram_pages ? r->reserved_pages : 0)) * 4,
			 r->free_swap_pages * 4, r->swap_pages * 4);
}

/* What would have made another task the victim: the adj at which the runner-up reaches it. */
static void say_alternative(struct mm_output *out, const struct mm_oom_report *r, const struct mm_oom_row *victim)
{
	const struct mm_oom_row *second = NULL;
	int64_t unit = (int64_t)(r->total_pages / 1000), up;

	for (size_t i = 0; i < r->nr_rows; i++)
		if (&r->rows[i] != victim && r->rows[i].points != MM_OOM_UNKILLABLE &&
		    (!second || r->rows[i].points >= second->points))
			second = &r->rows[i];
	if (!second || r->allocating_task)
		return;
	mm_output_printf(out, "  next in line: %" PRIu32 " %.*s, %" PRId64 " points\n", second->pid,
			 (int)second->name.len,
			 second->name.p, second->points);
	up = unit > 0 ? (victim->points - second->points + unit) / unit : 0;
	if (unit > 0 && second->oom_score_adj + up <= MM_OOM_SCORE_ADJ_MAX)
		mm_output_printf(out, "  with oom_score_adj %" PRId64 " (now %" PRId32 ") it would have been the one; so would it have been with"
				 " oom_score_adj %" PRId64 " for %.*s\n", second->oom_score_adj + up,
				 second->oom_score_adj,
				 victim->oom_score_adj - up < MM_OOM_SCORE_ADJ_MIN ? MM_OOM_SCORE_ADJ_MIN
				 : victim->oom_score_adj - up,
				 (int)victim->name.len, victim->name.p);
}

static void say_report(struct mm_output *out, const struct mm_oom_report *r)
{
	const struct mm_oom_row *victim = NULL;

	for (size_t i = 0; i < r->nr_rows; i++)
		if (r->rows[i].victim)
			victim = &r->rows[i];
	mm_output_printf(out, "report %" PRIu32 " (line %" PRIu64 "): %.*s asked for %" PRIu64 " KiB (order %" PRId32 ", ", r->report, r->line,
			 (int)r->invoker.len, r->invoker.p, r->order >= 0 && r->order <= MM_MAX_ORDER ? UINT64_C(4) << r->order : 0, r->order);
	mm_gfp_format(out, r->gfp_mask);
	mm_output_printf(out, ")\n");
	if (r->constraint == MM_OOM_MEMCG)
		say_memcg(out, r);
	else
		say_zones(out, r);
	if (!victim) {
		mm_output_printf(out, "  no task may be killed\n");
		return;
	}
	mm_output_printf(out, "  victim: %" PRIu32 " %.*s, %" PRId64 " points: %" PRIu64 " pages resident, %" PRIu64 " swapped, %" PRIu64
			 " of page tables, oom_score_adj %" PRId32 "%s\n", victim->pid, (int)victim->name.len,
			 victim->name.p,
			 victim->points, victim->rss_pages, victim->swapents_pages,
			 victim->pgtables_bytes / MM_PAGE_SIZE,
			 victim->oom_score_adj, r->allocating_task ? " (it asked: vm.oom_kill_allocating_task)" : "");
	say_alternative(out, r, victim);
	for (size_t i = 0; i < r->nr_rows; i++)
		if (r->rows[i].killed && !r->rows[i].victim)
			mm_output_printf(out, "  the log says that %" PRIu32 " %.*s was killed\n", r->rows[i].pid,
					 (int)r->rows[i].name.len,
					 r->rows[i].name.p);
}

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
static const struct mm_table policy_table = MM_TABLE("policy", policy_columns, "faults of each --policy");

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

static int policy_rows(struct cmd_args *a, struct policy_run *r, uint32_t frames)
{
	struct own *o = a->own;
	struct mm_table_writer *w;
	int e = cmd_table(a, &policy_table, &w);

	for (int k = 0; !e && k < MM_NR_POLICIES; k++) {
		struct policy_line line = { mm_policy_word((enum mm_policy_kind)k), frames, r->nr, r->faults[k], 0 };

		if (!(o->policies >> k & 1))
			continue;
		line.fault_ratio = r->nr ? (int64_t)(line.faults * 1000 / r->nr) : 0;
		mm_table_writer_row(w, &line);
	}
	return cmd_table_end(a, w, e);
}

static int run_policies(struct cmd_args *a)
{
	uint64_t frames = a->config.memory_max_bytes >> MM_PAGE_SHIFT;
	struct own *o = a->own;
	struct policy_run r = { .keep = o->policies >> MM_POLICY_OPT & 1 };
	int e = 0;

	if (!frames || frames > 1u << 30)
		return mm_error_set(&a->err, -EINVAL, "--policy needs --memory-max: 4K to 4T, a frame for each 4 KiB");
	for (int k = 0; !e && k < MM_POLICY_OPT; k++)
		if (o->policies >> k & 1)
			e = mm_policy_new(&r.p[k], (enum mm_policy_kind)k, (uint32_t)frames);
	if (e)
		mm_error_set(&a->err, e, "out of memory");
	else
		e = read_references(a, &r);
	if (!e && r.keep && (e = mm_policy_run(MM_POLICY_OPT, r.refs, r.nr, (uint32_t)frames,
					       &r.faults[MM_POLICY_OPT])) != 0)
		mm_error_set(&a->err, e, "out of memory");
	if (!e)
		e = policy_rows(a, &r, (uint32_t)frames);
	for (int k = 0; k < MM_NR_POLICIES; k++)
		mm_policy_free(r.p[k]);
	free(r.refs);
	return e;
}

/* "lru,opt" */
static void parse_policies(struct argp_state *st, struct own *o, const char *arg)
{
	for (const char *p = arg; ; ) {
		size_t len = strcspn(p, ",");
		int k = mm_policy_parse((struct mm_str){ p, len });

		if (k < 0)
			argp_error(st, "--policy: expected lru, fifo, clock, second-chance or opt, found '%.*s'",
				   (int)len, p);
		else
			o->policies |= 1u << k;
		if (!p[len])
			return;
		p += len + 1;
	}
}

/* ---- ways to run ------------------------------------------------------------- */

static int print_log(struct cmd_args *a, const struct mm_oom_log *log, bool explain)
{
	struct mm_table_writer *w;
	int e;

	if (explain && !a->table && cmd_is_human(a)) {
		for (size_t i = 0; i < log->nr; i++)
			say_report(&a->out, &log->v[i]);
		return 0;
	}
	e = cmd_table(a, &oom_table, &w);
	for (size_t i = 0; !e && i < log->nr; i++)
		report_rows(w, &log->v[i]);
	return cmd_table_end(a, w, e);
}

static int explain(struct cmd_args *a, const char *file)
{
	bool allocating = a->config.sysctl.v[MM_SYSCTL_OOM_KILL_ALLOCATING_TASK];
	struct mm_oom_log log;
	struct mm_input *in;
	int e = mm_input_open(&in, file, &a->err);

	if (e)
		return e;
	e = mm_oom_log_read(&log, in, allocating, &a->err);
	mm_input_free(in);
	if (e)
		return e;
	if (log.cut_reports)
		cmd_note(a, "%s: %" PRIu64 " reports end before their task table", file, log.cut_reports);
	e = print_log(a, &log, true);
	mm_oom_log_free(&log);
	return e;
}

static int inspect(struct cmd_args *a)
{
	struct mm_sysroot *root;
	struct mm_oom_log log;
	int e = mm_sysroot_open(&root, a->live ? NULL : a->sysroot, &a->err);

	if (e)
		return e;
	e = mm_oom_procs_read(&log, root, &a->err);
	mm_sysroot_free(root);
	if (e)
		return e;
	e = print_log(a, &log, false);
	mm_oom_log_free(&log);
	return e;
}

static error_t parse(int key, char *arg, struct argp_state *st)
{
	struct cmd_args *a = st->input;
	struct own *o = a->own;

	switch (key) {
	case OPT_EXPLAIN_OOM:
		o->explain_oom = arg;
		return 0;
	case OPT_POLICY:
		parse_policies(st, o, arg);
		return 0;
	case OPT_SWEEP:
		o->sweep = arg;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int run(struct cmd_args *a)
{
	struct own *o = a->own;

	if (o->explain_oom)
		return explain(a, o->explain_oom);
	if (o->policies)
		return run_policies(a);
	if (a->table && !strcmp(a->table, "oom") && (a->sysroot || a->live) && !a->file)
		return inspect(a);
	if (o->sweep)
		return reclaim_sweep(a, o->sweep);
	if (a->table && !strcmp(a->table, "curve"))
		return mm_error_set(&a->err, -EINVAL, "the table curve needs --sweep=PARAM=LO..HI:N");
	if (a->table && !strcmp(a->table, "policy"))
		return mm_error_set(&a->err, -EINVAL, "the table policy needs --policy=NAME");
	return cmd_replay(a);
}

static const struct mm_table *const tables[] = { &oom_table, &reclaim_curve_table, &policy_table };
static const struct mm_machine_table *const machine_tables[] = { &mm_table_summary, &mm_table_lru, &mm_table_oom,
	&mm_table_counters };

static const struct cmd cmd = {
	.name = "mm-reclaim",
	.doc = "Replay a trace and tell what page reclaim did; explain OOM reports",
	.args_doc = "[FILE]",
	.options = options,
	.parse = parse,
	.tables = tables,
	.nr_tables = sizeof(tables) / sizeof(tables[0]),
	.machine_tables = machine_tables,
	.nr_machine_tables = sizeof(machine_tables) / sizeof(machine_tables[0]),
	.depth = MM_DEPTH_FULL,
	.effect_columns = MM_TC_BIT(PID) | MM_TC_BIT(EVENT) | MM_TC_BIT(ADDR) | MM_TC_BIT(SIZE) | MM_TC_BIT(FLAGS) |
			  MM_TC_BIT(NAME) | MM_TC_BIT(RESULT) | MM_TC_BIT(BY),
	.computes = 1u << MM_BY_BUDDY | 1u << MM_BY_SLAB | 1u << MM_BY_VMA | 1u << MM_BY_FAULT | 1u << MM_BY_RECLAIM | 1u << MM_BY_OOM,
	.run = run,
};

int main(int argc, char **argv)
{
	struct own own = { 0 };

	return cmd_main(&cmd, argc, argv, &own);
}
