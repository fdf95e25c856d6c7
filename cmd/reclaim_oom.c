/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mm-reclaim --explain-oom: the reports of a kernel log as a table, or for a
 * person: what ran out and by how much, who held it, who goes and why, and
 * what would have changed it.
 */
#include <inttypes.h>
#include <string.h>

#include <libmm/explain.h>
#include <libmm/oom.h>

#include "cmd.h"
#include "reclaim.h"

/* ---- the table of a report -------------------------------------------------- */

struct oom_line {
	uint64_t report, pid, tgid, uid, total_vm_pages, rss_pages, swapents_pages, pgtables_bytes;
	struct mm_str name;
	int64_t oom_score_adj, oom_score, points;
	int64_t adj_flips;
	uint64_t victim;
	const char *constraint;
};

static const struct mm_column oom_columns[] = {
	MM_COLUMN(struct oom_line, report, MM_COL_U64, "number of the report in the log, from 0"),
	MM_COLUMN(struct oom_line, pid, MM_COL_U64, "process"),
	MM_COLUMN(struct oom_line, name, MM_COL_SLICE, "its command name"),
	MM_COLUMN(struct oom_line, oom_score_adj, MM_COL_I64, "-1000 (never) .. 1000"),
	MM_COLUMN(struct oom_line, oom_score, MM_COL_I64, "as /proc/PID/oom_score"),
	MM_COLUMN(struct oom_line, points, MM_COL_I64, "badness in pages; empty: never killed, or by a rule of kernels before 2.6.36"),
	MM_COLUMN(struct oom_line, rss_pages, MM_COL_U64, "resident pages"),
	MM_COLUMN(struct oom_line, swapents_pages, MM_COL_U64, "swapped pages; empty: the report does not tell"),
	MM_COLUMN(struct oom_line, pgtables_bytes, MM_COL_BYTES, "bytes of page tables; empty: the report does not tell"),
	MM_COLUMN(struct oom_line, victim, MM_COL_U64, "1: the task that the kernel's rule takes; empty: the rule is not known"),
	MM_COLUMN(struct oom_line, adj_flips, MM_COL_I64,
		  "least oom_score_adj that makes it the victim; of the victim: the greatest that spares it; empty: none"),
	MM_COLUMN_HIDDEN(struct oom_line, tgid, MM_COL_U64, "thread group"),
	MM_COLUMN_HIDDEN(struct oom_line, uid, MM_COL_U64, "owner"),
	MM_COLUMN_HIDDEN(struct oom_line, total_vm_pages, MM_COL_U64, "pages mapped"),
	MM_COLUMN_HIDDEN(struct oom_line, constraint, MM_COL_STR, "what ran out, as the kernel names it"),
};
const struct mm_table reclaim_oom_table = MM_TABLE("oom", oom_columns,
						  "one row a task of each OOM report, or of a captured machine");

static void report_rows(struct mm_table_writer *w, const struct mm_oom_report *r)
{
	for (size_t i = 0; i < r->nr_rows; i++) {
		const struct mm_oom_row *t = &r->rows[i];
		int32_t adj;
		struct oom_line line = {
			.report = r->report, .pid = t->pid, .tgid = t->tgid, .uid = t->uid,
			.total_vm_pages = t->total_vm_pages,
			.rss_pages = t->rss_pages, .swapents_pages = r->no_swapents ? MM_MISSING_U64 : t->swapents_pages,
			.pgtables_bytes = r->no_tables ? MM_MISSING_U64 : t->pgtables_bytes,
			.name = t->name, .oom_score_adj = r->old_rule ? INT64_MIN : t->oom_score_adj,
			.oom_score = r->total_unknown || r->old_rule ? INT64_MIN : mm_oom_row_score(r, t),
			.points = t->points, .victim = r->outcome == MM_OOM_NO_RULE ? MM_MISSING_U64 : t->victim,
			.constraint = mm_oom_constraint_word(r->constraint),
		};

		line.adj_flips = mm_oom_adj_flips(r, i, &adj) ? adj : INT64_MIN;
		mm_table_writer_row(w, &line);
	}
}

/* ---- the same for a person ---------------------------------------------------- */

#define SLICE(s)	(int)(s).len, (s).p

static uint64_t kib(const struct mm_oom_report *r, uint64_t pages)
{
	return pages == UINT64_MAX ? 0 : pages * (r->page_size / 1024);
}

static uint64_t managed(const struct mm_oom_report *r)
{
	return r->ram_pages > r->reserved_pages ? r->ram_pages - r->reserved_pages : 0;
}

static void say_request(struct mm_output *out, const struct mm_oom_report *r)
{
	mm_gfp_t gfp;

	mm_output_printf(out, "report %" PRIu32 " (line %" PRIu64 "): ", r->report, r->line);
	if (r->headless) {
		mm_output_printf(out, "its beginning, who asked and for what, is not in this log\n");
		return;
	}
	if (r->order < 0) {
		mm_output_printf(out, "%.*s asked for a kill by sysrq\n", SLICE(r->invoker));
		return;
	}
	if (r->invoker.len)
		mm_output_printf(out, "%.*s asked for ", SLICE(r->invoker));
	else
		mm_output_printf(out, "a task that the log does not name asked for ");
	if (r->no_order)
		mm_output_printf(out, "pages (how many is not told, ");
	else
		mm_output_printf(out, "%" PRIu64 " KiB (order %" PRId32 ", ", r->order < 32 ? kib(r, UINT64_C(1) << r->order) : 0,
				 r->order);
	if (!r->gfp.len)
		mm_output_printf(out, "gfp_mask 0x%" PRIx32, r->gfp_mask);
	else if (r->gfp.len > 6 && !memcmp(r->gfp.p, "__GFP_", 6) && !mm_gfp_parse(r->gfp, &gfp))
		mm_gfp_format(out, gfp);	/* single bits: of a kernel that gave their number alone */
	else
		mm_output_printf(out, "%.*s", SLICE(r->gfp));
	mm_output_printf(out, ")\n");
}

static void say_limit(struct mm_output *out, const struct mm_oom_report *r, const char *what, uint64_t usage, uint64_t limit)
{
	if (usage == UINT64_MAX)
		return;
	mm_output_printf(out, "  %s: %" PRIu64 " KiB used", what, kib(r, usage));
	if (limit != UINT64_MAX)
		mm_output_printf(out, " of %" PRIu64 " KiB allowed\n", kib(r, limit));
	else
		mm_output_printf(out, ", no limit\n");
}

static void say_memcg(struct mm_output *out, const struct mm_oom_report *r)
{
	uint64_t request = r->order >= 0 && r->order < 32 ? UINT64_C(1) << r->order : 1;

	mm_output_printf(out, "  the limit of cgroup %.*s ran out", r->memcg.len ? (int)r->memcg.len : 1, r->memcg.len ? r->memcg.p : "?");
	if (r->usage_pages != UINT64_MAX && r->limit_pages != UINT64_MAX)
		mm_output_printf(out, ": %" PRIu64 " KiB of %" PRIu64 " KiB used", kib(r, r->usage_pages), kib(r, r->limit_pages));
	mm_output_printf(out, "\n");
	say_limit(out, r, "its swap", r->swap_usage_pages, r->swap_limit_pages);
	say_limit(out, r, "its memory and swap", r->memsw_usage_pages, r->memsw_limit_pages);
	if (r->memsw_not_counted)
		mm_output_printf(out, "  its memory and swap: not known, as this kernel did not account swap\n");
	if (r->usage_pages != UINT64_MAX && r->limit_pages != UINT64_MAX && r->usage_pages + request > r->limit_pages)
		mm_output_printf(out, "  a limit of %" PRIu64 " KiB would have let this request through\n",
				 kib(r, r->usage_pages + request));
}

/* The request as the kernel of the model spells it; of words that it does not know the zones alone count. */
static struct mm_explain_request request_of(const struct mm_oom_report *r)
{
	struct mm_explain_request rq = { .order = (uint32_t)r->order };

	if (mm_gfp_parse(r->gfp, &rq.gfp))
		rq.gfp = MM_GFP_KERNEL | (r->gfp_mask & (__MM_GFP_DMA | __MM_GFP_HIGHMEM | __MM_GFP_DMA32 | __MM_GFP_MOVABLE));
	return rq;
}

/* What the slow path asked of a zone: is more free than the mark and what is kept for requests that no higher zone can serve? */
static void say_zone(struct mm_output *out, const struct mm_oom_report *r, const struct mm_explain_request *rq,
		     const struct mm_explain_zone *z)
{
	struct mm_explain_row row;

	mm_explain_zone(&r->zones, z, rq, true, &row);
	if (row.short_pages == MM_MISSING_U64) {
		mm_output_printf(out, "  node %" PRIu32 " %s: %s\n", z->node, z->zone, row.why);
		return;
	}
	mm_output_printf(out, "  node %" PRIu32 " %s: %" PRIu64 " KiB free", z->node, z->zone, kib(r, z->free_pages));
	if (row.unusable_pages)
		mm_output_printf(out, " less %" PRIu64 " KiB unusable", kib(r, row.unusable_pages));
	mm_output_printf(out, " must be above min %" PRIu64 " KiB", kib(r, row.mark_pages));
	if (row.reserve_pages == MM_MISSING_U64)
		mm_output_printf(out, " and the reserve for lower zones' requests, which is not in the log");
	else if (row.reserve_pages)
		mm_output_printf(out, " and the reserve for lower zones' requests %" PRIu64 " KiB", kib(r, row.reserve_pages));
	mm_output_printf(out, ": %s by %" PRIu64 " KiB%s\n", row.short_pages ? "short" : "it is",
			 kib(r, row.short_pages ? row.short_pages :
			     z->free_pages - row.unusable_pages - row.mark_pages - mm_or_else(row.reserve_pages, 0)),
			 row.reserve_pages != MM_MISSING_U64 ? "" : row.short_pages ? " at least" : " without it");
	if (row.short_pages || !strcmp(row.verdict, "ok"))
		return;
	if (!strcmp(row.verdict, "unknown")) {
		if (rq->order && !z->nr_orders)
			mm_output_printf(out, "    but its free blocks are not in the log\n");
	} else if (!strcmp(row.verdict, "type"))
		mm_output_printf(out, "    but %s\n", row.why);
	else if (row.largest_order == MM_MISSING_U64)
		mm_output_printf(out, "    but no block of order %" PRIu32 " is free\n", rq->order);
	else
		mm_output_printf(out, "    but no block of order %" PRIu32 " is free, the largest is of order %" PRIu64 "\n",
				 rq->order, row.largest_order);
}

/* Zones whose watermark is a share of vm.min_free_kbytes; the others' is a share of their own size. */
static bool follows_min_free(const struct mm_explain_zone *z) { return strcmp(z->zone, "Movable") && strcmp(z->zone, "HighMem"); }

static uint64_t own_min(const struct mm_explain_zone *z) { return z->min_pages > z->boost_pages ? z->min_pages - z->boost_pages : 0; }

/* The watermarks follow vm.min_free_kbytes: at which value had the zone nearest to passing passed? */
static void say_min_free(struct mm_output *out, const struct mm_oom_report *r, const struct mm_explain_request *rq)
{
	uint64_t sum = 0, shown = 0;
	double best = 0;

	for (size_t i = 0; i < r->zones.nr; i++) {
		shown += r->zones.v[i].present_pages;
		if (follows_min_free(&r->zones.v[i]))
			sum += kib(r, own_min(&r->zones.v[i]));
	}
	/* zones that the report does not show have a part of it */
	if (r->order > 0 || r->zones.lost_zones || shown < r->ram_pages)
		return;
	for (size_t i = 0; i < r->zones.nr; i++) {
		const struct mm_explain_zone *z = &r->zones.v[i];
		struct mm_explain_row row;
		double room;

		mm_explain_zone(&r->zones, z, rq, true, &row);
		if (row.short_pages == MM_MISSING_U64)
			continue;
		if (!row.short_pages || row.reserve_pages == MM_MISSING_U64)
			return;
		room = (double)z->free_pages - (double)row.unusable_pages - (double)row.reserve_pages - (double)z->boost_pages - 1;
		if (row.mark_pages == z->min_pages && own_min(z) && follows_min_free(z) && room > 0 &&
		    (double)sum * room / (double)own_min(z) > best)
			best = (double)sum * room / (double)own_min(z);
	}
	if (best >= 1)
		mm_output_printf(out, "  with vm.min_free_kbytes %" PRIu64 " (now about %" PRIu64
				 ") this request had been let through\n", (uint64_t)best, sum);
}

/* Sysrq asks for no memory; what was asked for may not be in the log. */
static void say_zones(struct mm_output *out, const struct mm_oom_report *r)
{
	struct mm_explain_request rq = request_of(r);

	if (r->headless || r->no_order || r->order < 0 || r->order > MM_MAX_ORDER)
		return;
	for (size_t i = 0; i < r->zones.nr; i++)
		say_zone(out, r, &rq, &r->zones.v[i]);
	if (r->zones.lost_zones)
		mm_output_printf(out, "  the report is cut off or lacks lines: zones may be missing\n");
	say_min_free(out, r, &rq);
}

static void say_machine(struct mm_output *out, const struct mm_oom_report *r)
{
	if (r->constraint == MM_OOM_CPUSET || r->constraint == MM_OOM_MEMORY_POLICY)
		mm_output_printf(out, "  the request may use these nodes only (%s)\n",
				 r->constraint_said ? mm_oom_constraint_word(r->constraint) :
				 "the report leaves out others: a cpuset or a memory policy");
	say_zones(out, r);
	if (managed(r) && r->swap_said)
		mm_output_printf(out, "  %" PRIu64 " KiB of RAM, %" PRIu64 " KiB of %" PRIu64 " KiB swap free\n",
			 kib(r, managed(r)), kib(r, r->free_swap_pages), kib(r, r->swap_pages));
	else if (managed(r))
		mm_output_printf(out, "  %" PRIu64 " KiB of RAM\n", kib(r, managed(r)));
}

enum { NR_PARTS = MM_OOM_HELD_FREE + 1 };

/* What is told of the parts of what ran out, the largest first, equal ones as they stand in MM_OOM_HELD(); how many. */
static size_t sort_holders(const struct mm_oom_report *r, enum mm_oom_held sorted[NR_PARTS])
{
	size_t nr = 0;

	for (int h = 0; h < NR_PARTS; h++) {
		size_t at = nr;

		if (r->held[h] == UINT64_MAX || !r->held[h])
			continue;
		for (; at > 0 && r->held[sorted[at - 1]] < r->held[h]; at--)
			sorted[at] = sorted[at - 1];
		sorted[at] = (enum mm_oom_held)h;
		nr++;
	}
	return nr;
}

/* Who held what ran out, and what no line of the report accounts for. */
static void say_holders(struct mm_output *out, const struct mm_oom_report *r)
{
	uint64_t all = r->constraint == MM_OOM_MEMCG ? r->usage_pages : managed(r), sum = 0;
	enum mm_oom_held sorted[NR_PARTS];
	size_t nr = sort_holders(r, sorted);

	for (size_t i = 0; i < nr; i++) {
		mm_output_printf(out, "%s%s %" PRIu64 " KiB", i ? ", " : "  held by: ", mm_oom_held_words(sorted[i]),
				 kib(r, r->held[sorted[i]]));
		sum += r->held[sorted[i]];
	}
	if (nr && all != UINT64_MAX && all > sum && (r->constraint == MM_OOM_NONE || r->constraint == MM_OOM_MEMCG))
		mm_output_printf(out, ", not accounted for %" PRIu64 " KiB", kib(r, all - sum));
	if (nr)
		mm_output_printf(out, "\n");
	for (size_t i = 0; i < r->nr_slabs; i++)
		mm_output_printf(out, "%s%.*s %" PRIu64 " KiB%s", i ? ", " : "  largest caches of kernel objects: ",
				 SLICE(r->slabs[i].name), kib(r, r->slabs[i].pages), i + 1 == r->nr_slabs ? "\n" : "");
}

/* Another measure of points: with it adjs weigh more or less. */
static void say_other_total(struct mm_output *out, const struct mm_oom_report *r, bool up)
{
	bool memcg = r->constraint == MM_OOM_MEMCG && r->limit_pages != UINT64_MAX && r->total_pages >= r->limit_pages;
	uint64_t total, beside = memcg ? r->total_pages - r->limit_pages : 0;
	size_t row;

	if (!mm_oom_total_flips(r, up, &total, &row) || total <= beside || kib(r, total) > kib(r, r->total_pages) * 64)
		return;
	mm_output_printf(out, "  %s a %s of %" PRIu64 " KiB %" PRIu32
			 " %.*s would have been chosen, were all as large as here\n", up ? "from" : "up to",
			 memcg ? "limit" : "total of RAM and swap", kib(r, total - beside), r->rows[row].pid,
			 SLICE(r->rows[row].name));
}

/* What would have made another task the victim. */
static void say_alternative(struct mm_output *out, const struct mm_oom_report *r)
{
	const struct mm_oom_row *victim = &r->rows[r->first], *second;
	int32_t up, down;

	if (r->second == SIZE_MAX) {
		mm_output_printf(out, "  nobody else may be killed\n");
		return;
	}
	second = &r->rows[r->second];
	mm_output_printf(out, "  next in line: %" PRIu32 " %.*s, %" PRId64 " points\n", second->pid, SLICE(second->name),
			 second->points);
	if (mm_oom_adj_flips(r, r->second, &up))
		mm_output_printf(out, "  with oom_score_adj %" PRId32 " (now %" PRId32 ") it would have been the one\n", up,
				 second->oom_score_adj);
	if (mm_oom_adj_flips(r, r->first, &down))
		mm_output_printf(out, "  with oom_score_adj %" PRId32 " (now %" PRId32 ") %.*s would have been spared\n", down,
				 victim->oom_score_adj, SLICE(victim->name));
	say_other_total(out, r, true);
	say_other_total(out, r, false);
}

#define OLD_RULE "before 2.6.36 the kernel chose by size of the address space, children, age, CPU time, niceness, capabilities and oom_adj"

/* Facts of the rule that the task table has not: what is said of it, NULL: nothing. */
static const char *missing_facts(const struct mm_oom_report *r)
{
	if (r->old_rule)
		return NULL;
	return r->no_swapents && r->no_tables ? "swapped pages and page tables" : r->no_swapents ? "swapped pages" :
	       r->no_tables ? "page tables" : NULL;
}

static void say_victim(struct mm_output *out, const struct mm_oom_report *r)
{
	const struct mm_oom_row *v = NULL;

	for (size_t i = 0; i < r->nr_rows; i++)
		if (r->rows[i].victim)
			v = &r->rows[i];
	if (r->outcome == MM_OOM_NO_RULE) {
		mm_output_printf(out, "  who would be chosen is not told: " OLD_RULE ", of which the report has the first and the last\n");
		return;
	}
	if (missing_facts(r))
		mm_output_printf(out, "  %s of tasks are not in this report (kernels before 3.7): the kernel weighed them, points here "
				 "do not\n", missing_facts(r));
	if (!v) {
		mm_output_printf(out, r->outcome == MM_OOM_PANIC ? "  the kernel panics (vm.panic_on_oom)\n" :
				 "  no task may be killed\n");
		return;
	}
	mm_output_printf(out, "  victim: %" PRIu32 " %.*s, %" PRId64 " points: %" PRIu64 " pages resident, ", v->pid, SLICE(v->name),
			 v->points, v->rss_pages);
	if (!r->no_swapents)
		mm_output_printf(out, "%" PRIu64 " swapped, ", v->swapents_pages);
	if (!r->no_tables)
		mm_output_printf(out, "%" PRIu64 " of page tables, ", v->pgtables_bytes / r->page_size);
	mm_output_printf(out, "oom_score_adj %" PRId32 "%s\n", v->oom_score_adj,
			 r->allocating_task ? " (it asked: vm.oom_kill_allocating_task)" : "");
	if (v->oom_score_adj && !r->total_unknown)
		mm_output_printf(out, "    oom_score_adj is %" PRId64 " of its points: %" PRId32 " thousandths of %" PRIu64
				 " pages\n", v->oom_score_adj * (int64_t)(r->total_pages / 1000), v->oom_score_adj, r->total_pages);
	if (!r->allocating_task)
		say_alternative(out, r);
}

static void say_kill(struct mm_output *out, const struct mm_oom_kill *k)
{
	mm_output_printf(out, "%" PRIu32 " %s", k->pid, k->name);
	if (k->anon_kib != UINT64_MAX)
		mm_output_printf(out, ": anonymous memory %" PRIu64 " KiB, files' pages %" PRIu64
				 " KiB, shared memory and tmpfs %" PRIu64 " KiB",
				 k->anon_kib, k->file_kib == UINT64_MAX ? 0 : k->file_kib, k->shmem_kib == UINT64_MAX ? 0 : k->shmem_kib);
	if (k->oom_score_adj != INT64_MIN)
		mm_output_printf(out, ", oom_score_adj %" PRId64, k->oom_score_adj);
	mm_output_printf(out, k->memcg ? ", in a cgroup at its limit\n" : "\n");
}

/* Without the tasks nobody can be chosen; whom the log names is told. Kills are in their reports' order: *@next is the first left. */
static void say_killed(struct mm_output *out, const struct mm_oom_log *log, const struct mm_oom_report *r, size_t *next)
{
	mm_output_printf(out, "  its task table is not in the log (cut off, or vm.oom_dump_tasks is 0)\n");
	for (; *next < log->nr_kills; ++*next) {
		const struct mm_oom_kill *k = &log->kills[*next];

		if (k->report != MM_OOM_NO_REPORT && k->report > r->report)
			break;
		if (k->report == r->report) {
			mm_output_printf(out, "  the log says that this was killed: ");
			say_kill(out, k);
		}
	}
}

static void say_report(struct mm_output *out, const struct mm_oom_log *log, const struct mm_oom_report *r, size_t *next_kill)
{
	say_request(out, r);
	if (r->constraint == MM_OOM_MEMCG)
		say_memcg(out, r);
	else
		say_machine(out, r);
	say_holders(out, r);
	if (!r->complete) {
		say_killed(out, log, r, next_kill);
		return;
	}
	if (r->total_unknown && !r->old_rule)
		mm_output_printf(out, "  how much memory there is is not in this log (%s tells): no oom_score_adj is weighed\n",
				 r->constraint == MM_OOM_MEMCG ? "--memory-max" : "--ram");
	if (!r->end_said)
		mm_output_printf(out, "  the log ends before it says who was killed: its task table may be cut off too\n");
	say_victim(out, r);
	for (size_t i = 0; i < r->nr_rows; i++)
		if (r->rows[i].killed && !r->rows[i].victim)
			mm_output_printf(out, "  the log says that %" PRIu32 " %.*s was killed%s\n", r->rows[i].pid, SLICE(r->rows[i].name),
					 r->sacrifice ? ": a child of the victim, as kernels before 5.1 do" :
					 r->group ? ": its cgroup dies as a whole, by memory.oom.group" : "");
}

/* What the table has no row for. */
static void note_log(struct cmd_args *a, const struct mm_oom_log *log, const char *file, bool human)
{
	const struct mm_oom_kill *first = NULL;
	uint64_t unknown = 0, nr_kills = 0, unruled = 0, facts = 0, endless = 0;

	if (log->cut_rows)
		cmd_note(a, "%s: %" PRIu64 " rows of task tables are cut off, and left out", file, log->cut_rows);
	if (log->cut_reports)
		cmd_note(a, "%s: %" PRIu64 " reports have no task table (cut off, or vm.oom_dump_tasks is 0)%s", file, log->cut_reports,
			 human ? "" : ": --human tells what they have");
	for (size_t i = 0; i < log->nr; i++) {
		unknown += log->v[i].total_unknown && log->v[i].complete && !log->v[i].old_rule;
		unruled += log->v[i].outcome == MM_OOM_NO_RULE;
		endless += log->v[i].complete && !log->v[i].end_said;
		facts += log->v[i].complete && missing_facts(&log->v[i]);
		if (log->v[i].page_size_guessed && (!i || !log->v[i - 1].page_size_guessed))
			cmd_note(a, "%s: report %" PRIu32 ": pages of %" PRIu32 " KiB, it seems (--page-size tells)", file,
				 log->v[i].report, log->v[i].page_size / 1024);
	}
	if (human)
		return;
	if (unknown)
		cmd_note(a, "%s: %" PRIu64 " reports do not say how much memory there is (--ram or --memory-max tells): "
			 "no oom_score_adj is weighed in them", file, unknown);
	if (endless)
		cmd_note(a, "%s: %" PRIu64 " reports do not say who was killed: their task tables may be cut off", file, endless);
	if (unruled)
		cmd_note(a, "%s: in %" PRIu64 " reports nobody is chosen: " OLD_RULE, file, unruled);
	if (facts)
		cmd_note(a, "%s: %" PRIu64 " reports do not tell swapped pages or page tables of tasks (kernels before 3.7): points are "
			 "without them, the kernel's were with them", file, facts);
	for (size_t i = 0; i < log->nr_kills; i++)
		if (log->kills[i].report == MM_OOM_NO_REPORT && !nr_kills++)
			first = &log->kills[i];
	if (first)
		cmd_note(a, "%s: %" PRIu64 " kills without a report, the first in line %" PRIu64 " (--human tells of all)", file,
			 nr_kills, first->line);
}

static int print_log(struct cmd_args *a, const struct mm_oom_log *log, bool explain)
{
	struct mm_table_writer *w;
	size_t next_kill = 0;
	int e;

	if (explain && !a->table && cmd_is_human(a)) {
		for (size_t i = 0; i < log->nr; i++)
			say_report(&a->out, log, &log->v[i], &next_kill);
		for (size_t i = 0; i < log->nr_kills; i++)
			if (log->kills[i].report == MM_OOM_NO_REPORT) {
				mm_output_printf(&a->out, "kill without a report (line %" PRIu64 "): ", log->kills[i].line);
				say_kill(&a->out, &log->kills[i]);
			}
		return 0;
	}
	e = cmd_table(a, &reclaim_oom_table, &w);
	for (size_t i = 0; !e && i < log->nr; i++)
		report_rows(w, &log->v[i]);
	return cmd_table_end(a, w, e);
}

int reclaim_explain_oom(struct cmd_args *a, const char *file, const struct mm_oom_adj *adjs, size_t nr_adjs)
{
	const struct mm_machine_config *cfg = &a->config;
	struct mm_oom_settings set = {
		.allocating_task = cfg->sysctl.v[MM_SYSCTL_OOM_KILL_ALLOCATING_TASK],
		.panic_on_oom = (int)cfg->sysctl.v[MM_SYSCTL_PANIC_ON_OOM],
		.other_ram = a->ram_given, .ram_bytes = cfg->ram_bytes,
		.other_swap = a->swap_given, .swap_bytes = cfg->swap_bytes,
		.other_limit = a->memory_max_given, .limit_bytes = cfg->memory_max_bytes,
		.page_size = a->page_size,
		.adjs = adjs, .nr_adjs = nr_adjs,
	};
	struct mm_oom_log log;
	struct mm_input *in;
	bool human;
	int e = mm_input_open(&in, file, &a->err);

	if (e)
		return e;
	e = mm_oom_log_read(&log, in, &set, &a->err);
	e = cmd_close_input(a, in, e);
	if (e) {
		mm_oom_log_free(&log);
		return e;
	}
	human = !a->table && cmd_is_human(a);
	if (!human && log.nr && log.nr == log.cut_reports && !log.nr_kills) {
		e = mm_error_set(&a->err, -EINVAL, "%s:%" PRIu64 ": the OOM report ends before its task table (--human tells what it has)",
				 file, log.v[0].line);
	} else {
		note_log(a, &log, file, human);
		e = print_log(a, &log, true);
	}
	mm_oom_log_free(&log);
	return e;
}

int reclaim_inspect_oom(struct cmd_args *a)
{
	struct mm_sysroot *root;
	struct mm_oom_log log = { 0 };
	uint32_t page_size;
	int e;

	cmd_uses(a, CMD_FORM | CMD_OF_SYSTEM | CMD_BIT(PAGE_SIZE), "the tasks of a running or captured system");
	e = mm_sysroot_open(&root, a->sysroot, &a->err);
	if (e)
		return e;
	e = cmd_page_size(a, root, 0, &page_size);
	if (!e)
		e = mm_oom_procs_read(&log, root, page_size, &a->err);
	e = cmd_close_sysroot(a, root, e);
	if (e) {
		mm_oom_log_free(&log);
		return e;
	}
	e = print_log(a, &log, false);
	mm_oom_log_free(&log);
	return e;
}
