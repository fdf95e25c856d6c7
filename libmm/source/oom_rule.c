/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * source/oom_rule.c - who is chosen by the rule of that kernel, and what would have changed it
 *
 * Points are pages that the death of a task gives back plus oom_score_adj
 * thousandths of all that counts: RAM and swap; of a memcg its limit and the
 * swap it may use; of nodes that a cpuset or a policy allows their pages and
 * swap.  The rule changed: before 4.17 root's tasks had 3 % less, before 3.14 30 thousandths of all that counts less
 * (stable kernels changed it too: the score of the victim, which the log tells, is asked);
 * before 3.5 all was reckoned in whole thousandths of that, at most 1000 of them, before 5.9 a
 * task that may be killed had at least one point, before 5.3 the first of
 * equals was taken, since then the last.  Before 2.6.36 it was another one: the
 * size of the address space, with halves of the children's, less the longer a task ran and the more CPU time it had had,
 * more if it was nice, a quarter with each of three capabilities, shifted by oom_adj.  Of these the report has the first and the last:
 * nobody is chosen.
 *
 * Source: Linux 6.6 mm/oom_kill.c constrained_alloc(), select_bad_process(), mm/memcontrol.c mem_cgroup_get_max();
 * mm/oom_kill.c of 2.6.36 to 5.10.
 * Deviation: a child that has not run its program since vfork() cannot be told in a report; the kernel passes it over.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/minmax.h"
#include "base/str.h"
#include "source/oom.h"

/* Without a version in the log: page tables by number, or none, are older than 4.15, none than 3.7; all else is taken for new. */
static bool before(const struct mm_oom_report *r, uint32_t major, uint32_t minor)
{
	if (!r->zones.kernel)
		return r->no_tables || (major > 3 && r->counts_tables);
	return r->zones.kernel < 1000 * major + minor;
}

static int64_t points_at(const struct mm_oom_report *r, const struct mm_oom_row *row, int32_t adj)
{
	bool root = before(r, 4, 17) && !row->uid, of_all = before(r, 3, 14) && !r->bonus_of_own, thousandths = before(r, 3, 5);
	int64_t p, total = (int64_t)r->total_pages, unit = total / 1000;

	if (row->pid == 1 || row->gone || adj <= MM_OOM_SCORE_ADJ_MIN)
		return MM_OOM_UNKILLABLE;
	p = mm_oom_badness(row->rss_pages, row->swapents_pages, row->pgtables_bytes / (r->page_size / MM_PAGE_SIZE), 0, r->total_pages);
	if (thousandths && unit)
		p = p * 1000 / total * unit;
	if (root)
		p -= !of_all ? p * 3 / 100 : thousandths && !unit ? 30 * total / 1000 : 30 * unit;
	p += (int64_t)adj * unit;
	if (thousandths && unit)
		return p < unit ? unit : p > 1000 * unit ? 1000 * unit : p;
	return before(r, 5, 9) && p <= 0 ? 1 : p;
}

int64_t mm_oom_row_score(const struct mm_oom_report *r, const struct mm_oom_row *row)
{
	int64_t total = (int64_t)r->total_pages, unit = total / 1000;

	if (!before(r, 5, 9))
		return mm_oom_score(row->points, r->total_pages);
	if (row->points == MM_OOM_UNKILLABLE || !total)
		return 0;
	return before(r, 3, 5) && unit ? row->points / unit : row->points * 1000 / total;
}

/* Is @a, at place @ia of the table, taken rather than @b? */
static bool beats(const struct mm_oom_report *r, int64_t a, size_t ia, int64_t b, size_t ib)
{
	if (a == MM_OOM_UNKILLABLE || b == MM_OOM_UNKILLABLE)
		return a != MM_OOM_UNKILLABLE;
	return a != b ? a > b : before(r, 5, 3) ? ia < ib : ia > ib;
}

/* ---- what is measured against ---- */

enum { CHARGE_BATCH = 64 };		/* pages that a CPU charges at once */

static uint64_t or_none(uint64_t v) { return v == UINT64_MAX ? 0 : v; }

/*
 * Swap that the memcg may use.  Its report does not say how much the machine has; when memory runs out
 * all that may be used is used, so what the memcg has there is the least that there was.
 */
static uint64_t memcg_swap(const struct mm_oom_report *r, const struct mm_oom_settings *set, uint64_t swap_known)
{
	uint64_t used = or_none(r->swap_usage_pages), may = r->swap_limit_pages;

	if (r->memsw_usage_pages != UINT64_MAX) {		/* v1 */
		used = r->memsw_usage_pages - mm_min_u64(r->memsw_usage_pages, or_none(r->usage_pages));
		may = r->memsw_limit_pages;
		if (may != UINT64_MAX)
			may -= mm_min_u64(may, r->limit_pages);
	}
	if (set->other_swap || swap_known != UINT64_MAX)
		return mm_min_u64(may, set->other_swap ? set->swap_bytes / r->page_size : swap_known);
	return may - mm_min_u64(may, used) <= CHARGE_BATCH ? may : used;	/* at its limit: at least that much */
}

/* Pages of the nodes that the report shows, when others are hidden from the request (node_present_pages()). */
static uint64_t shown_pages(const struct mm_oom_report *r)
{
	uint64_t n = 0;

	for (size_t i = 0; i < r->zones.nr; i++)
		n += r->zones.v[i].present_pages;
	return n;
}

/*
 * The report of a request that may not use all nodes shows only those it may; lower zones' requests hide zones too, such as high memory.
 * So does a log that has lost lines.  Before 3.10, of which no zone says what is managed, the pages that describe pages are not in what
 * is present.
 */
static void infer_constraint(struct mm_oom_report *r)
{
	uint64_t shown = shown_pages(r), managed = 0;
	bool high = false;

	for (size_t i = 0; i < r->zones.nr; i++) {
		managed += r->zones.v[i].managed_pages;
		high |= !strcmp(r->zones.v[i].zone, "HighMem") || !strcmp(r->zones.v[i].zone, "Movable");
	}
	if (!managed || r->zones.lost_zones || (r->zones.high_pages && !high))
		return;

	if (r->constraint_said || r->constraint != MM_OOM_NONE || r->gfp_mask & 5 || mm_has_word(r->gfp, "__GFP_THISNODE"))
		return;
	if (shown && shown < r->ram_pages)
		r->constraint = MM_OOM_CPUSET;
}

static uint64_t total_of(struct mm_oom_report *r, const struct mm_oom_settings *set, uint64_t swap_known)
{
	uint64_t ram = r->ram_pages - mm_min_u64(r->reserved_pages, r->ram_pages);
	uint64_t swap = set->other_swap ? set->swap_bytes / r->page_size : r->swap_pages;

	if (r->constraint == MM_OOM_MEMCG && (set->other_limit || r->limit_pages != UINT64_MAX))
		return (set->other_limit ? set->limit_bytes / r->page_size : r->limit_pages) + memcg_swap(r, set, swap_known);
	if (r->constraint == MM_OOM_MEMCG)	/* no limit below the machine's memory, of which its report says nothing */
		return set->other_ram ? set->ram_bytes / r->page_size + swap : 0;
	if ((r->constraint == MM_OOM_CPUSET || r->constraint == MM_OOM_MEMORY_POLICY) && shown_pages(r))
		ram = shown_pages(r);
	if (set->other_ram)
		ram = set->ram_bytes / r->page_size;
	return ram ? ram + swap : 0;
}

/* ---- the choice ---- */

/*
 * The row of the task that asked: by pid; as a thread, of a process of that name; else of one that could have made
 * it (a lower pid and the same oom_score_adj), the largest of them.
 */
static struct mm_oom_row *invoker_row(struct mm_oom_report *r)
{
	struct mm_oom_row *of = NULL;

	for (size_t i = 0; i < r->nr_rows; i++)
		if (r->invoker_pid && r->rows[i].pid == r->invoker_pid)
			return &r->rows[i];
	for (size_t i = 0; i < r->nr_rows; i++)
		if (r->rows[i].name.len == r->invoker.len && !memcmp(r->rows[i].name.p, r->invoker.p, r->invoker.len))
			return &r->rows[i];
	for (size_t i = 0; i < r->nr_rows; i++)
		if (r->rows[i].pid < r->invoker_pid && r->rows[i].oom_score_adj == r->invoker_adj &&
		    (!of || r->rows[i].rss_pages + r->rows[i].swapents_pages > of->rss_pages + of->swapents_pages))
			of = &r->rows[i];
	return of;
}

/* The task whom the points take, and the one they would take without it. */
static void rank(struct mm_oom_report *r)
{
	r->first = r->second = SIZE_MAX;
	for (size_t i = 0; i < r->nr_rows; i++) {
		struct mm_oom_row *row = &r->rows[i];

		row->points = r->old_rule ? MM_OOM_UNKILLABLE : points_at(r, row, row->oom_score_adj);
		if (row->points == MM_OOM_UNKILLABLE)
			continue;
		if (r->first == SIZE_MAX || beats(r, row->points, i, r->rows[r->first].points, r->first)) {
			r->second = r->first;
			r->first = i;
		} else if (r->second == SIZE_MAX || beats(r, row->points, i, r->rows[r->second].points, r->second)) {
			r->second = i;
		}
	}
}

static void choose_victim(struct mm_oom_report *r, const struct mm_oom_settings *set)
{
	bool asks = (set->allocating_task || r->asked_said) && r->constraint != MM_OOM_MEMCG;
	struct mm_oom_row *asked = asks ? invoker_row(r) : NULL;

	rank(r);
	if (r->panicked || (r->order >= 0 && set->panic_on_oom &&
			    (set->panic_on_oom == 2 || r->constraint == MM_OOM_NONE))) {
		r->outcome = MM_OOM_PANIC;
		return;
	}
	if (asked && asked->points != MM_OOM_UNKILLABLE) {
		r->allocating_task = asked->victim = true;
		return;
	}
	if (r->first == SIZE_MAX)
		r->outcome = r->old_rule && r->nr_rows ? MM_OOM_NO_RULE : MM_OOM_NOBODY;
	else
		r->rows[r->first].victim = true;
}

static int by_pid(const void *a, const void *b)
{
	const struct mm_oom_row *x = *(const struct mm_oom_row *const *)a, *y = *(const struct mm_oom_row *const *)b;

	return x->pid < y->pid ? -1 : x->pid > y->pid;
}

static bool is_same_task(const struct mm_oom_row *now, const struct mm_oom_row *old)
{
	return now->total_vm_pages == old->total_vm_pages && now->rss_pages <= old->rss_pages &&
	       now->name.len == old->name.len && !memcmp(now->name.p, old->name.p, old->name.len);
}

/*
 * Who was killed before and is still there has been reaped: the kernel passes it over. Whom this report kills (again, for a log may hold a
 * report twice) was not. 0 or -ENOMEM.
 */
static int mark_gone(struct mm_oom_report *r, const struct mm_oom_report *earlier)
{
	const struct mm_oom_row **dead = malloc((earlier->nr_rows + 1) * sizeof(struct mm_oom_row *));
	bool said = false;
	size_t n = 0;

	if (!dead)
		return -ENOMEM;
	for (size_t k = 0; k < earlier->nr_rows; k++)
		said |= earlier->rows[k].killed || earlier->rows[k].killed_later;
	for (size_t k = 0; k < earlier->nr_rows; k++) {
		const struct mm_oom_row *old = &earlier->rows[k];

		if (old->gone || (said ? old->killed || old->killed_later : old->victim))
			dead[n++] = old;
	}
	if (n)
		qsort(dead, n, sizeof(struct mm_oom_row *), by_pid);
	for (size_t i = 0; n && i < r->nr_rows; i++) {
		const struct mm_oom_row *key = &r->rows[i],
			*const *old = bsearch(&key, dead, n, sizeof(struct mm_oom_row *), by_pid);

		r->rows[i].gone = old && !key->killed && is_same_task(key, *old);
	}
	free(dead);
	return 0;
}

static void other_adjs(struct mm_oom_report *r, const struct mm_oom_settings *set)
{
	for (size_t i = 0; i < r->nr_rows; i++)
		for (size_t k = 0; k < set->nr_adjs; k++)
			if (set->adjs[k].pid == r->rows[i].pid)
				r->rows[i].oom_score_adj = set->adjs[k].oom_score_adj;
}

/* Of what are root's 3 % in this kernel?  As the score that it tells of a task of root's, @total being what it weighed against. */
static void learn_bonus(struct mm_oom_report *r, uint64_t total)
{
	uint64_t kept = r->total_pages;

	if (!r->said_pid || !total || !before(r, 3, 14) || before(r, 3, 5))
		return;
	r->total_pages = total;
	for (size_t i = 0; i < r->nr_rows; i++) {
		const struct mm_oom_row *row = &r->rows[i];
		bool fits = row->pid != r->said_pid || row->uid || row->pid == 1 || row->oom_score_adj <= MM_OOM_SCORE_ADJ_MIN;

		for (int own = 0; own < 2 && !fits; own++) {
			r->bonus_of_own = own;
			fits = points_at(r, row, row->oom_score_adj) * 1000 / (int64_t)total == r->said_score;
		}
		r->bonus_of_own &= fits;
	}
	r->total_pages = kept;
}

int mm_oom_judge(struct mm_oom_log *log, const struct mm_oom_settings *settings)
{
	const struct mm_oom_settings none = { 0 }, *set = settings ? settings : &none;
	const struct mm_oom_report *before = NULL;	/* with tasks */
	uint64_t swap_known = UINT64_MAX;

	for (size_t i = 0; i < log->nr; i++)
		if (log->v[i].swap_said)
			swap_known = log->v[i].swap_pages;
	for (size_t i = 0; i < log->nr; i++) {
		struct mm_oom_report *r = &log->v[i];

		infer_constraint(r);
		r->total_pages = total_of(r, set, swap_known);
		r->total_unknown = !r->total_pages;
		if (r->total_unknown)
			r->total_pages = 1;
		learn_bonus(r, total_of(r, &none, swap_known));
		other_adjs(r, set);
		if (before && r->complete && mark_gone(r, before))
			return -ENOMEM;
		choose_victim(r, set);
		before = r->complete ? r : before;
	}
	return 0;
}

/* ---- what would have changed it ---- */

/* Does row @i with @adj win over all others? */
static bool would_win(const struct mm_oom_report *r, size_t i, int32_t adj)
{
	size_t rival = i == r->first ? r->second : r->first;
	int64_t p = points_at(r, &r->rows[i], adj);

	return p != MM_OOM_UNKILLABLE && (rival == SIZE_MAX || beats(r, p, i, r->rows[rival].points, rival));
}

bool mm_oom_adj_flips(const struct mm_oom_report *r, size_t row, int32_t *adj)
{
	int32_t lo = MM_OOM_SCORE_ADJ_MIN, hi = MM_OOM_SCORE_ADJ_MAX;

	if (row >= r->nr_rows || r->total_unknown || r->outcome != MM_OOM_KILL_ONE || r->allocating_task || !would_win(r, row, hi))
		return false;
	while (lo + 1 < hi) {			/* at lo it does not win, at hi it does */
		int32_t mid = lo + (hi - lo) / 2;

		*(would_win(r, row, mid) ? &hi : &lo) = mid;
	}
	*adj = row == r->first ? lo : hi;
	return true;
}

/* The least unit above (or the greatest below) the one at hand from which row @i is taken rather than @v. */
static bool unit_flips(const struct mm_oom_report *r, size_t i, size_t v, bool up, int64_t *unit)
{
	const struct mm_oom_row *a = &r->rows[i], *b = &r->rows[v];
	int64_t u = (int64_t)(r->total_pages / 1000), slope = (int64_t)a->oom_score_adj - b->oom_score_adj;
	/* pages that @v is ahead when nothing is weighed; ties go by place */
	int64_t ahead = (b->points - b->oom_score_adj * u) - (a->points - a->oom_score_adj * u) + (i < v);

	if (up ? slope <= 0 : slope >= 0)
		return false;
	if (up)
		*unit = ahead <= 0 ? 0 : (ahead + slope - 1) / slope;
	else
		*unit = ahead > 0 ? -1 : -ahead / -slope;
	return *unit >= 0 && *unit < INT64_C(1) << 50 && (up ? *unit > u : *unit < u);
}

bool mm_oom_total_flips(const struct mm_oom_report *r, bool up, uint64_t *total_pages, size_t *row)
{
	size_t victim = r->first;
	int64_t best = -1;

	if (r->outcome != MM_OOM_KILL_ONE || r->total_unknown || r->allocating_task || before(r, 5, 9))
		return false;
	for (size_t i = 0; i < r->nr_rows; i++) {
		int64_t unit;

		if (i == victim || r->rows[i].points == MM_OOM_UNKILLABLE || !unit_flips(r, i, victim, up, &unit))
			continue;
		if (best < 0 || (up ? unit < best : unit > best)) {
			best = unit;
			*row = i;
		}
	}
	if (best < 0)
		return false;
	*total_pages = (uint64_t)best * 1000 + (up ? 0 : 999);
	return true;
}
