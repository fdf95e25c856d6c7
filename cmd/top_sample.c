/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One look at the machine.
 *
 * Rates count between two samples, so the first one only primes.  All
 * processes are read and counted; the selection (-u, -p, -i, filters) decides
 * which become items; items are sorted or put into a tree.  smaps_rollup, which
 * costs the kernel a walk of the page tables, is read for selected processes
 * only, when a shown column or the sort needs it, and within a time budget: who
 * had no turn keeps its last figures and comes first the next time.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "top.h"

uint64_t top_clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

bool top_is_live(const struct top *t)
{
	return t->proc && mm_proc_is_live(t->proc);
}

uint32_t top_wants(const struct top *t)
{
	uint32_t want = top_fields[t->c.sort].want;

	for (size_t i = 0; i < t->c.nr_shown; i++)
		want |= top_fields[t->c.shown[i]].want;
	for (size_t i = 0; i < t->select.nr_filters; i++)
		want |= top_fields[t->select.filters[i].field].want;
	return t->select.by_user ? want | MM_PID_STATUS : want;
}

int top_open(struct top *t)
{
	int err = mm_proc_new(&t->proc, t->a->sysroot, &t->a->err);

	if (err)
		return err;
	if (t->a->page_size && t->a->sysroot)
		mm_proc_set_page_size(t->proc, t->a->page_size);
	if (mm_users_new(&t->users, t->proc) || mm_pid_table_new(&t->table, t->proc))
		return mm_error_set(&t->a->err, -ENOMEM, "out of memory");
	t->pid_width = mm_proc_pid_digits(t->proc);
	return 0;
}

void top_close(struct top *t)
{
	mm_pid_table_free(t->table);
	mm_users_free(t->users);
	mm_proc_free(t->proc);
	mm_proc_stat_free(&t->stat[0]);
	mm_proc_stat_free(&t->stat[1]);
	free(t->items);
	free(t->forest);
	free(t->keys);
	free(t->summary);
	free(t->asked);
}

/* What a capture need not have: a file that is missing is not known. */
static int read_or_unknown(const struct top *t, int e, bool *unknown)
{
	*unknown = e == -ENOENT && !top_is_live(t);
	return *unknown ? 0 : e;
}

static int read_machine(struct top *t)
{
	struct mm_error *err = &t->a->err;
	int e;

	t->now = !t->now;
	e = read_or_unknown(t, mm_proc_stat(t->proc, &t->stat[t->now], err), &t->no_stat);
	if (!e) {
		e = mm_proc_meminfo(t->proc, &t->mem, err);
		if (e == -ENOENT && !mm_proc_meminfo_by_free(t->proc, &t->mem))
			e = 0;
	}
	if (!e)
		e = read_or_unknown(t, mm_proc_uptime(t->proc, &t->uptime_cs, err), &t->no_uptime);
	if (!e)
		e = read_or_unknown(t, mm_proc_loadavg(t->proc, t->load_centi, err), &t->no_load);
	if (!e)
		t->nr_users = mm_proc_logins(t->proc);
	return e;
}

static int refresh(struct top *t)
{
	struct mm_pid_options opt = {
		.want = top_wants(t), .threads = t->c.threads,
		.only = t->select.nr_pids ? t->select.pids : NULL, .nr_only = t->select.nr_pids,
	};
	uint64_t before = t->ns;
	int err;

	if (!t->nr_samples)	/* priming: CPU time and faults are all that the next sample compares */
		opt.want = 0;
	err = mm_pid_table_refresh(t->table, &opt, &t->a->err);
	t->of_threads = opt.threads;
	t->of_pids = opt.nr_only;
	t->ns = top_clock_ns();
	t->elapsed_ns = t->nr_samples ? t->ns - before : 0;
	t->nr_samples++;
	return err;
}

bool top_lists_others(const struct top *t)
{
	return t->of_threads != t->c.threads || t->of_pids != t->select.nr_pids;
}

int top_prime(struct top *t)
{
	int err;

	t->nr_samples = 0;
	err = read_machine(t);
	return err ? err : refresh(t);
}

static void count_states(struct top *t, const struct mm_pid_row *rows, size_t nr)
{
	t->nr_tasks = nr;
	t->nr_running = t->nr_stopped = t->nr_zombie = 0;
	for (size_t i = 0; i < nr; i++) {
		char s = rows[i].state;

		t->nr_running += s == 'R';
		t->nr_stopped += s == 'T' || s == 't';
		t->nr_zombie += s == 'Z';
	}
	t->nr_sleeping = nr - t->nr_running - t->nr_stopped - t->nr_zombie;
}

/* Share of one CPU (Irix mode) or of all, bounded by what its threads could use. */
static double cpu_pct(const struct top *t, const struct mm_pid_row *r)
{
	size_t cpus = t->stat[t->now].nr_cpus ? t->stat[t->now].nr_cpus : 1;
	double seconds = (double)t->elapsed_ns / 1e9, most = 100.0 * (double)cpus, pct;
	double threads = t->c.threads ? 100 : 100.0 * r->nr_threads;

	if (t->trace)
		return t->trace->moved.accesses ? 100.0 * (double)r->ticks_delta / (double)t->trace->moved.accesses : 0;
	if (r->from_ps && !(r->unknown & MM_PID_NO_CPU))
		return r->life_cpu_tenths / 10.0;
	if (seconds <= 0 || !top_is_live(t))
		return 0;
	pct = 100.0 * (double)r->ticks_delta / (double)sysconf(_SC_CLK_TCK) / seconds;
	if (!t->c.irix) {
		pct /= (double)cpus;
		most = 100;
	}
	if (pct > threads)
		pct = threads;
	return pct > most ? most : pct;
}

static int select_items(struct top *t, struct mm_pid_row *rows, size_t nr)
{
	if (t->cap_items < nr) {
		struct top_item *items = realloc(t->items, (nr + nr / 2) * sizeof(*items));

		if (!items)
			return mm_error_set(&t->a->err, -ENOMEM, "out of memory");
		t->items = items;
		t->cap_items = nr + nr / 2;
	}
	t->nr_items = 0;
	for (size_t i = 0; i < nr; i++)
		if (top_selected(t, &rows[i]))
			t->items[t->nr_items++] = (struct top_item){ .row = &rows[i], .cpu_pct = cpu_pct(t, &rows[i]) };
	return 0;
}

static void read_smaps(struct top *t, uint64_t budget_ns)
{
	uint64_t began = top_clock_ns();
	size_t first = 0;

	while (first < t->nr_items && t->items[first].row->pid < t->smaps_at)
		first++;
	for (size_t i = 0; i < t->nr_items; i++) {
		struct mm_pid_row *r = t->items[(first + i) % t->nr_items].row;

		if (budget_ns && i % 8 == 7 && top_clock_ns() - began > budget_ns) {
			t->smaps_at = r->pid;
			return;
		}
		if (r->virt_kib || r->res_kib)		/* a kernel thread or zombie has no mappings */
			mm_pid_smaps(t->proc, r);
	}
	t->smaps_at = 0;
}

/* The texts that items are sorted by, each read and made clean once. */
static int read_keys(struct top *t)
{
	char text[TOP_MAX_LINE];

	t->nr_keys = 0;
	for (size_t i = 0; i < t->nr_items; i++) {
		size_t len;

		len = top_sort_text(t, t->items[i].row, text) + 1;
		if (t->cap_keys - t->nr_keys < len) {
			size_t cap = t->cap_keys * 2 + sizeof(text);
			char *keys = realloc(t->keys, cap);

			if (!keys)
				return mm_error_set(&t->a->err, -ENOMEM, "out of memory");
			t->keys = keys;
			t->cap_keys = cap;
		}
		memcpy(t->keys + t->nr_keys, text, len);
		t->items[i].key = t->nr_keys;
		t->nr_keys += len;
	}
	return 0;
}

static int compare(const void *a, const void *b, void *t)
{
	return top_compare(t, a, b);
}

/* Five lines, and what stands in place of one of them: a line each CPU. */
static int reserve_summary(struct top *t)
{
	size_t need = 4 + (t->stat[t->now].nr_cpus ? t->stat[t->now].nr_cpus : 1);
	void *p = need > t->cap_summary ? realloc(t->summary, need * sizeof(*t->summary)) : t->summary;

	if (!p)
		return mm_error_set(&t->a->err, -ENOMEM, "out of memory");
	t->summary = p;
	t->cap_summary = need > t->cap_summary ? need : t->cap_summary;
	return 0;
}

int top_select_again(struct top *t, uint64_t budget_ns)
{
	struct mm_pid_row *rows;
	size_t nr;
	int err;

	if (t->trace) {
		rows = t->trace->rows;
		nr = t->trace->nr_rows;
	} else {
		rows = mm_pid_table_rows(t->table, &nr);
	}
	count_states(t, rows, nr);
	err = reserve_summary(t);
	if (!err)
		err = select_items(t, rows, nr);
	if (err)
		return err;
	if (!t->trace && top_wants(t) & TOP_WANT_SMAPS && t->nr_items)
		read_smaps(t, budget_ns);
	if (!t->nr_items)
		return 0;
	if (t->c.forest)
		return top_forest(t) ? mm_error_set(&t->a->err, -ENOMEM, "out of memory") : 0;
	if (top_sorts_by_text(t))
		err = read_keys(t);
	if (err)
		return err;
	qsort_r(t->items, t->nr_items, sizeof(*t->items), compare, t);
	return 0;
}

int top_sample(struct top *t, uint64_t budget_ns)
{
	int err = read_machine(t);

	if (!err)
		err = refresh(t);
	t->wanted = top_wants(t);
	return err ? err : top_select_again(t, budget_ns);
}
