/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mm-top on a trace: the tasks of the simulated machine over its own time.
 *
 *	replay --block--> frame 0   1   2   3 (last so far)
 *				    ^at: what the screen shows
 *
 * At the end of each interval (--every) the replay hands the machine over: a
 * frame of its tasks and counters is kept, and the keys decide what is shown.
 * Going back shows kept frames; going forward past the last lets the replay run
 * on.  What moved is counted against the frame before.  Frames take at most
 * MAX_BYTES: beyond that every second one is dropped, the last one kept.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libmm/csv.h>

#include "top.h"

enum { MAX_BYTES = 64 << 20 };

struct top_frame {
	char when[64];
	struct mm_proc_meminfo mem;
	struct top_moved sum;		/* since boot */
	struct mm_pid_row *rows;	/* by pid; counters since the task began */
	size_t nr;
};

static uint64_t kib(int64_t pages)
{
	return pages > 0 ? (uint64_t)pages * (MM_PAGE_SIZE / 1024) : 0;
}

static struct mm_proc_meminfo memory_of(const struct mm_machine *m)
{
	const struct mm_vmstat *s = mm_machine_vmstat(m);
	struct mm_machine_load l;
	struct mm_proc_meminfo mem;

	mm_machine_load(m, &l);
	mem = (struct mm_proc_meminfo){
		.total_kib = kib((int64_t)l.total_pages), .free_kib = kib(s->v[MM_NR_FREE_PAGES]),
		.available_kib = kib((int64_t)l.available_pages), .swap_total_kib = kib((int64_t)l.swap_pages),
		.swap_used_kib = kib((int64_t)l.swap_used_pages),
		.cache_kib = kib(s->v[MM_NR_FILE_PAGES] - s->v[MM_NR_SWAPCACHED]) + kib(s->v[MM_NR_SLAB_RECLAIMABLE]),
	};
	mem.used_kib = mem.total_kib > mem.available_kib ? mem.total_kib - mem.available_kib : 0;
	mem.buff_cache_kib = mem.cache_kib;
	mem.swap_free_kib = mem.swap_total_kib - mem.swap_used_kib;
	return mem;
}

static struct top_moved sums_of(const struct mm_machine *m)
{
	const int64_t *v = mm_machine_vmstat(m)->v;
	struct mm_machine_load l;

	mm_machine_load(m, &l);
	return (struct top_moved){
		.accesses = l.accesses, .faults = (uint64_t)v[MM_PGFAULT], .major = (uint64_t)v[MM_PGMAJFAULT],
		.swapin = (uint64_t)v[MM_PSWPIN], .swapout = (uint64_t)v[MM_PSWPOUT],
		.scanned = (uint64_t)(v[MM_PGSCAN_ANON] + v[MM_PGSCAN_FILE]),
		.reclaimed = (uint64_t)(v[MM_PGSTEAL_ANON] + v[MM_PGSTEAL_FILE]), .oom_kills = (uint64_t)v[MM_OOM_KILL],
	};
}

static struct mm_pid_row row_of(const struct mm_machine_task *t)
{
	struct mm_pid_row r = {
		.pid = t->pid, .tgid = t->tgid, .ppid = t->ppid, .fd = -1, .state = 'S',
		.oom_score_adj = t->oom_score_adj, .min_flt = t->min_flt, .maj_flt = t->maj_flt, .ticks = t->accesses,
		.virt_kib = kib((int64_t)t->total_vm), .code_kib = kib((int64_t)t->exec_vm),
		.data_kib = kib((int64_t)(t->data_vm + t->stack_vm)), .locked_kib = kib((int64_t)t->locked_vm),
		.rss_anon_kib = kib((int64_t)t->anon_pages), .rss_file_kib = kib((int64_t)t->file_pages),
		.rss_shmem_kib = kib((int64_t)t->shmem_pages), .swap_kib = kib((int64_t)t->swap_entries),
		.pss_kib = MM_MISSING_U64, .uss_kib = MM_MISSING_U64, .smaps_rss_kib = MM_MISSING_U64,
		.pss_anon_kib = MM_MISSING_U64, .pss_file_kib = MM_MISSING_U64, .pss_shmem_kib = MM_MISSING_U64,
	};

	r.shr_kib = r.rss_file_kib + r.rss_shmem_kib;
	r.res_kib = r.rss_anon_kib + r.shr_kib;
	snprintf(r.comm, sizeof(r.comm), "%s", t->comm);
	return r;
}

static int by_pid(const void *a, const void *b)
{
	const struct mm_pid_row *x = a, *y = b;

	return x->pid < y->pid ? -1 : x->pid > y->pid;
}

static size_t bytes_of(const struct top_frame *f)
{
	return sizeof(*f) + f->nr * sizeof(*f->rows);
}

/* Drop every second frame but the last. */
static void thin(struct top_trace *tr)
{
	size_t n = 0;

	tr->bytes = 0;
	for (size_t i = 0; i < tr->nr; i++) {
		if (i % 2 && i + 1 < tr->nr) {
			free(tr->v[i].rows);
			continue;
		}
		tr->v[n] = tr->v[i];
		tr->bytes += bytes_of(&tr->v[n++]);
	}
	tr->nr = n;
	tr->at = n - 1;
}

static int take(struct top_trace *tr, const struct mm_machine *m, const char *when)
{
	struct mm_machine_task task;
	struct top_frame f = { .mem = memory_of(m), .sum = sums_of(m) };
	size_t cap = 0;

	snprintf(f.when, sizeof(f.when), "%s", when);
	for (size_t i = 0; mm_machine_task(m, i, &task); i++)
		cap += task.alive;
	f.rows = malloc((cap + 1) * sizeof(*f.rows));
	if (tr->nr == tr->cap) {
		struct top_frame *v = realloc(tr->v, (tr->cap * 2 + 64) * sizeof(*v));

		if (v) {
			tr->v = v;
			tr->cap = tr->cap * 2 + 64;
		}
	}
	if (!f.rows || tr->nr == tr->cap) {
		free(f.rows);
		return -ENOMEM;
	}
	for (size_t i = 0; mm_machine_task(m, i, &task); i++)
		if (task.alive)
			f.rows[f.nr++] = row_of(&task);
	qsort(f.rows, f.nr, sizeof(*f.rows), by_pid);
	tr->bytes += bytes_of(&f);
	tr->v[tr->nr++] = f;
	if (tr->bytes > MAX_BYTES && tr->nr > 2)
		thin(tr);
	return 0;
}

/* What moved between the frame before and the one shown, in the rows that the table shows. */
static void count_moves(struct top_trace *tr, const struct top_frame *f, const struct top_frame *before)
{
	size_t k = 0;

	for (size_t i = 0; i < f->nr; i++) {
		struct mm_pid_row *r = &tr->rows[i];

		while (before && k < before->nr && before->rows[k].pid < r->pid)
			k++;
		r->ticks_delta = r->ticks;
		r->min_flt_delta = r->min_flt;
		r->maj_flt_delta = r->maj_flt;
		if (before && k < before->nr && before->rows[k].pid == r->pid && before->rows[k].ticks <= r->ticks) {
			r->ticks_delta -= before->rows[k].ticks;
			r->min_flt_delta -= before->rows[k].min_flt;
			r->maj_flt_delta -= before->rows[k].maj_flt;
		}
		if (r->ticks_delta)
			r->state = 'R';
	}
	tr->moved = f->sum;
#define X(field) if (before) tr->moved.field -= before->sum.field;
	TOP_MOVED(X)
#undef X
}

/* The frame shown becomes what a sample would have read. */
static int load(struct top *t)
{
	struct top_trace *tr = t->trace;
	const struct top_frame *f = &tr->v[tr->at];

	if (tr->cap_rows < f->nr) {
		struct mm_pid_row *rows = realloc(tr->rows, f->nr * sizeof(*rows));

		if (!rows)
			return -ENOMEM;
		tr->rows = rows;
		tr->cap_rows = f->nr;
	}
	if (f->nr)
		memcpy(tr->rows, f->rows, f->nr * sizeof(*f->rows));
	tr->nr_rows = f->nr;
	t->mem = f->mem;
	count_moves(tr, f, tr->at ? f - 1 : NULL);
	return top_select_again(t, 0);
}

/* Do what the last key asked for; false: the replay must run on to show more. */
static bool move(struct top_trace *tr, bool due)
{
	enum top_step step = due ? TOP_STEP_FORWARD : tr->step;

	tr->step = TOP_STEP_NONE;
	switch (step) {
	case TOP_STEP_BACK:
		tr->at -= tr->at > 0;
		return true;
	case TOP_STEP_BEGIN:
		tr->at = 0;
		return true;
	case TOP_STEP_END:
		tr->at = tr->nr - 1;
		tr->to_end = !tr->ended;
		return tr->ended;
	case TOP_STEP_FORWARD:
		if (tr->at + 1 < tr->nr) {
			tr->at++;
			return true;
		}
		if (tr->ended)
			tr->playing = false;
		return tr->ended;
	default:
		return true;
	}
}

static int show(struct top *t)
{
	struct top_trace *tr = t->trace;
	int err = 0;

	while (!err) {
		uint64_t due = tr->playing ? top_clock_ns() + t->c.delay_ms * 1000000 : UINT64_MAX;
		enum top_action action;

		err = load(t);
		if (err)
			return mm_error_set(&t->a->err, err, "out of memory");
		action = top_screen_keys(t, due);
		if (action == TOP_QUIT)
			return -ECANCELED;
		if (!move(tr, action == TOP_DUE))
			return 0;
	}
	return err;
}

static int on_block(struct cmd_args *a, struct mm_machine *m, const char *lead)
{
	struct top *t = a->own;
	struct top_trace *tr = t->trace;
	int err = lead || !tr->nr ? take(tr, m, lead ? lead : "") : 0;

	if (err)
		return mm_error_set(&a->err, err, "out of memory");
	tr->ended = a->at_end;
	tr->at = tr->nr - 1;
	if (tr->to_end && !tr->ended)
		return 0;
	tr->to_end = false;
	if (!tr->screen) {
		err = top_screen_open(t);
		if (err)
			return err;
		tr->screen = true;
	}
	return show(t);
}

void top_trace_where(const struct top *t, char *line, size_t size)
{
	const struct top_trace *tr = t->trace;
	const struct cmd_args *a = t->a;
	const char *when = tr->v[tr->at].when, *state = tr->playing ? "playing" : "paused";
	const char *file = strcmp(a->file, "-") ? a->file : "trace", *slash = strrchr(file, '/');
	char at[96] = "end";

	if (strlen(file) > 24 && slash && slash[1])	/* room for what follows it */
		file = slash + 1;
	if (tr->ended && tr->at + 1 == tr->nr)
		state = "the end";
	if (a->every == CMD_EVERY_SECONDS)
		snprintf(at, sizeof(at), "%s s", when);
	else if (a->every == CMD_EVERY_EVENTS)
		snprintf(at, sizeof(at), "row %s", when);
	else if (a->every == CMD_EVERY_MARK)
		snprintf(at, sizeof(at), "mark %.60s", when);
	snprintf(line, size, "mm-top - %.60s at %s, step %zu of %zu%s, %s", file, at, tr->at + 1, tr->nr,
		 tr->ended ? "" : " so far", state);
}

int top_trace_interval(struct top *t, const char *text)
{
	struct cmd_args *a = t->a;
	size_t n = strlen(text);
	uint64_t v;

	if (a->every == CMD_EVERY_SECONDS) {
		if (mm_parse_seconds((struct mm_str){ text, n }, &v) || !v)
			return -EINVAL;
	} else if (a->every == CMD_EVERY_EVENTS) {
		n -= n > 2 && !strcmp(text + n - 2, "ev") ? 2 : 0;
		if (mm_parse_u64((struct mm_str){ text, n }, &v) || !v)
			return -EINVAL;
	} else {
		return -EINVAL;
	}
	a->interval = v;
	return 0;
}

static void use_trace_fields(struct top_config *c)
{
	static const uint8_t fields[] = {
		TOP_PID, TOP_PPID, TOP_VIRT, TOP_RES, TOP_SHR, TOP_SWAP, TOP_S, TOP_ACCP, TOP_ACC, TOP_NMIN, TOP_NMAJ,
		TOP_VMN, TOP_VMJ, TOP_COMMAND,
	};

	memcpy(c->shown, fields, sizeof(fields));
	c->nr_shown = sizeof(fields);
	c->sort = TOP_ACCP;
	c->forest = c->cumulative = c->cmdline = c->threads = false;
}

int top_trace(struct top *t)
{
	struct top_trace tr = { .step = TOP_STEP_NONE };
	int err;

	t->trace = &tr;
	t->pid_width = 7;
	use_trace_fields(&t->c);
	if (!t->delay_given)
		t->c.delay_ms = 1000;
	t->a->auto_every = t->a->every == CMD_EVERY_END;
	t->a->on_block = on_block;
	t->a->table = mm_table_tasks.table.name;
	err = cmd_replay(t->a);
	if (tr.screen)
		top_screen_close(t);
	if (err == -ECANCELED) {	/* the key q */
		t->a->err = (struct mm_error){ 0 };
		err = 0;
	}
	for (size_t i = 0; i < tr.nr; i++)
		free(tr.v[i].rows);
	free(tr.v);
	free(tr.rows);
	free(t->items);
	free(t->summary);
	free(t->forest);
	t->trace = NULL;
	return err;
}
