/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The replay loop of the commands that drive a machine.
 *
 * Causes go to the machine one by one.  Without -t the trace comes out again:
 * each cause with its result, its effects right after it; effects that this
 * command computes itself are dropped from the input, those of other floors
 * pass through.  With -t the table is printed at the end or every interval.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cmd.h"
#include "cmd_internal.h"

enum { BATCH = 256, PROGRESS_AFTER_S = 2 };

struct replay {
	struct cmd_args *a;
	struct mm_input *in;
	struct mm_trace_reader *reader;
	struct mm_machine *m;
	struct mm_trace_writer trace;
	struct cmd_trace_human *shown;		/* the trace for people, or with -o or -n; NULL: plain CSV */
	const struct mm_machine_table *table;	/* NULL: the trace */
	struct mm_table_writer *w;
	struct cmd_ended *ended;
	uint64_t seq;				/* causes so far */
	uint64_t next_ns;			/* --every=SECONDS: end of the running interval */
	bool unprinted;				/* causes since the last block */
	bool in_step;				/* a mark was seen */
	char *mark;
	struct timespec began, told;
	bool progress;
};

static const struct mm_machine_table *find_table(const struct cmd *c, const char *name)
{
	for (size_t i = 0; name && i < c->nr_machine_tables; i++)
		if (!strcmp(c->machine_tables[i]->table.name, name))
			return c->machine_tables[i];
	return NULL;
}

/* ---- blocks of a table ----------------------------------------------- */

static int print_block(struct replay *r, const char *lead, size_t len)
{
	r->unprinted = false;
	if (r->a->on_block)
		return r->a->on_block(r->a, r->m, len ? lead : "");
	if (r->a->every != CMD_EVERY_END)
		mm_table_writer_lead(r->w, (struct mm_str){ lead, len });
	return r->table->rows(r->m, r->w);
}

size_t cmd_seconds_text(char text[CMD_SECONDS_TEXT], uint64_t ns)
{
	size_t n = (size_t)snprintf(text, CMD_SECONDS_TEXT, "%" PRIu64 ".%09" PRIu64, ns / 1000000000, ns % 1000000000);

	while (text[n - 1] == '0')
		n--;
	n -= text[n - 1] == '.';
	text[n] = 0;
	return n;
}

static int print_seconds(struct replay *r, uint64_t ns)
{
	char text[CMD_SECONDS_TEXT];

	return print_block(r, text, cmd_seconds_text(text, ns));
}

/* Before a cause: blocks whose interval ends here. */
static int block_before(struct replay *r, const struct mm_event *ev)
{
	int e = 0;

	if (!r->table)
		return 0;
	if (r->a->every == CMD_EVERY_MARK && ev->type == MM_EV_MARK) {
		if (r->in_step)
			e = print_block(r, r->mark, strlen(r->mark));
		free(r->mark);
		r->mark = strndup(ev->name.p ? ev->name.p : "", ev->name.len);
		r->in_step = true;
		return r->mark ? e : -ENOMEM;
	}
	if (r->a->every != CMD_EVERY_SECONDS || !(ev->present & MM_TC_BIT(TIME_S)))
		return 0;
	if (!r->next_ns)
		r->next_ns = ev->time_ns + r->a->interval;
	if (ev->time_ns >= r->next_ns) {
		uint64_t gone = (ev->time_ns - r->next_ns) / r->a->interval;

		e = print_seconds(r, r->next_ns);
		r->next_ns += (gone + 1) * r->a->interval;
	}
	return e;
}

static int block_after(struct replay *r)
{
	char text[24];

	r->unprinted = true;
	if (!r->table || r->a->every != CMD_EVERY_EVENTS || (r->seq + 1) % r->a->interval)
		return 0;
	return print_block(r, text, (size_t)snprintf(text, sizeof(text), "%" PRIu64, r->seq));
}

static int print_end(struct replay *r)
{
	int shown = cmd_ended_show(r->ended, r->a, r->m, r->table, r->in->name);

	if (shown <= 0)
		return shown ? shown : print_block(r, NULL, 0);
	mm_table_writer_free(r->w);
	r->w = NULL;
	return 0;
}

static int block_at_end(struct replay *r)
{
	char text[24];
	bool last = r->a->every == CMD_EVERY_MARK ? r->in_step : r->unprinted || r->a->every == CMD_EVERY_END;

	r->a->at_end = true;
	if (r->a->on_block && !last)
		return r->a->on_block(r->a, r->m, NULL);
	switch (r->a->every) {
	case CMD_EVERY_MARK:
		if (last)
			return print_block(r, r->mark, strlen(r->mark));
		cmd_note(r->a, "%s: no row is a mark, so there is no step to show", r->in->name);
		return 0;
	case CMD_EVERY_EVENTS:
		if (!last)
			return 0;
		return print_block(r, text, (size_t)snprintf(text, sizeof(text), "%" PRIu64, r->seq - 1));
	case CMD_EVERY_SECONDS:
		return last ? print_seconds(r, r->next_ns) : 0;
	default:
		return print_end(r);
	}
}

/* ---- one row ---------------------------------------------------------- */

/* Swap of a captured machine is not the command line's, but a row that says the same is not needed twice. */
static bool overrides_swap(const struct cmd_args *a, const struct mm_event *ev)
{
	return a->swap_given || (a->config.sysroot && ev->result_kind == MM_RESULT_DEC && ev->result == a->config.swap_bytes &&
				 ev->size == a->config.swap_used_bytes);
}

static bool overrides_sysctl(const struct cmd_args *a, const struct mm_event *ev)
{
	struct mm_str name = ev->name;
	int id = mm_sysctl_find(name);

	if (name.len == 3 && !memcmp(name.p, "ram", 3))
		return a->ram_given;
	if (name.len == 4 && !memcmp(name.p, "swap", 4))
		return overrides_swap(a, ev);
	return id >= 0 && a->config.sysctl.set[id];
}

/* The command line wins over the machine that the trace carries. */
bool cmd_overrides(const struct cmd_args *a, const struct mm_event *ev)
{
	switch (ev->type) {
	case MM_EV_REGION:
	case MM_EV_NODE:
	case MM_EV_ZONE:
	case MM_EV_BOOT:
		return a->machine != NULL;
	case MM_EV_CPUS:
		return a->cpus_given;
	case MM_EV_CGROUP:
		return a->memory_max_given && mm_event_limits_workload(ev);
	case MM_EV_SYSCTL:
		return overrides_sysctl(a, ev);
	default:
		return false;
	}
}

static void write_effects(struct replay *r)
{
	const struct mm_event *fx;
	size_t nr;

	fx = mm_machine_effects(r->m, &nr);
	for (size_t i = 0; i < nr; i++)
		if (r->a->cmd->computes >> fx[i].by & 1)
			mm_trace_writer_row(&r->trace, &fx[i]);
}

static void write_row_and_effects(struct replay *r, const struct mm_event *ev)
{
	mm_trace_writer_row(&r->trace, ev);
	write_effects(r);
}

static int replay_cause(struct replay *r, struct mm_event *ev)
{
	int e;

	if (cmd_overrides(r->a, ev))
		return 0;
	e = block_before(r, ev);
	if (!e && r->table && (ev->type == MM_EV_EXIT || ev->type == MM_EV_KILL))
		e = cmd_ended_keep(&r->ended, r->a, r->m, r->table, ev);
	if (!e)
		e = mm_machine_event(r->m, ev, &r->a->err);
	if (e)
		return e;
	if (!r->table)
		write_row_and_effects(r, ev);
	e = block_after(r);
	r->seq++;
	return e;
}

/*
 * Rows of a command before this one that this machine is to follow: what processes began with, and to a machine of the page
 * allocator alone the pages that a floor above took (mm-slab | mm-buddy).
 */
static bool is_request(const struct cmd *c, const struct mm_event *ev)
{
	if (ev->type == MM_EV_SEED)
		return true;
	return c->depth == MM_DEPTH_PHYS && !(c->computes >> ev->by & 1) &&
	       (ev->type == MM_EV_PAGE_ALLOC || ev->type == MM_EV_PAGE_FREE);
}

static int replay_request(struct replay *r, struct mm_event *ev)
{
	int e = mm_machine_event(r->m, ev, &r->a->err);

	if (!e && !r->table)
		write_row_and_effects(r, ev);
	r->unprinted = true;
	return e;
}

static int replay_row(struct replay *r, struct mm_event *ev)
{
	if (ev->by == MM_BY_NONE)
		return replay_cause(r, ev);
	if (is_request(r->a->cmd, ev))
		return replay_request(r, ev);
	if (!r->table && !(r->a->cmd->computes >> ev->by & 1))
		mm_trace_writer_row(&r->trace, ev);
	return 0;
}

/* ---- progress ---------------------------------------------------------- */

static double seconds_since(const struct timespec *from, const struct timespec *now)
{
	return (double)(now->tv_sec - from->tv_sec) + (double)(now->tv_nsec - from->tv_nsec) / 1e9;
}

static void tell_progress(struct replay *r)
{
	struct timespec now;
	double run, share;

	clock_gettime(CLOCK_MONOTONIC, &now);
	run = seconds_since(&r->began, &now);
	if (run < PROGRESS_AFTER_S || seconds_since(&r->told, &now) < 0.5)
		return;
	r->told = now;
	fprintf(stderr, "\r%s: %" PRIu64 " MiB read, %.2f M events/s", r->a->cmd->name, r->in->consumed >> 20,
		(double)r->seq / run / 1e6);
	if (r->in->size) {
		share = (double)r->in->consumed / (double)r->in->size;
		fprintf(stderr, ", %.0f %%, %.0f s left", 100 * share, share > 0 ? run / share - run : 0);
	}
	fputs("\033[K", stderr);
}

static void end_progress(struct replay *r)
{
	if (r->told.tv_sec != r->began.tv_sec || r->told.tv_nsec != r->began.tv_nsec)
		fputs("\r\033[K", stderr);
}

/* ---- the run ------------------------------------------------------------ */

int cmd_tell_skips(struct cmd_args *a, const char *name, const struct mm_skip *s, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		if (a->strict && !s[i].harmless)
			return mm_error_set(&a->err, -EINVAL, "%s: expected none of these under --strict, found %" PRIu64 " %s",
					    name, s[i].count, s[i].what);
		if (s[i].first_line)
			cmd_note(a, "%s: left out %" PRIu64 " %s (first in line %" PRIu64 ")", name, s[i].count, s[i].what,
				 s[i].first_line);
		else
			cmd_note(a, "%s: %" PRIu64 " %s", name, s[i].count, s[i].what);
	}
	return 0;
}

static int begin_output(struct replay *r)
{
	struct cmd_args *a = r->a;
	struct mm_table_options opt = cmd_table_options(a);

	if (!r->table) {
		int e = 0;

		/* -o and -n are the table writer's business too. */
		if (cmd_is_human(a) || a->columns || a->noheadings)
			e = cmd_trace_human_new(&r->shown, a);
		if (e)
			return e;
		r->trace.out = r->shown ? cmd_trace_human_rows(r->shown) : &a->out;
		r->trace.columns |= MM_TC_BIT(EVENT) | a->cmd->effect_columns | cmd_machine_columns(a);
		mm_trace_writer_header(&r->trace);
		return cmd_trace_machine_rows(a, r->m, &r->trace);
	}
	if (a->on_block)
		return 0;
	opt.lead = a->every == CMD_EVERY_MARK ? "mark" : a->every == CMD_EVERY_EVENTS ? "seq" :
		   a->every == CMD_EVERY_SECONDS ? "time_s" : NULL;
	return cmd_writer(a, &a->out, &r->table->table, &opt, &r->w);
}

/* Accesses that need no fault, while no row is looked at for itself: how many of the @n. */
static size_t replay_hits(struct replay *r, struct mm_event *ev, size_t n)
{
	size_t hits;

	if (ev->type - (unsigned int)MM_EV_LOAD > MM_EV_FETCH - MM_EV_LOAD || (r->table && r->a->every != CMD_EVERY_END))
		return 0;
	hits = mm_machine_hits(r->m, ev, n);
	for (size_t i = 0; i < hits && !r->table; i++)
		mm_trace_writer_row(&r->trace, &ev[i]);
	if (hits && !r->table)
		write_effects(r);
	r->seq += hits;
	r->unprinted |= hits > 0;
	return hits;
}

/* Put "FILE:LINE: " before what a handler said of the row. */
static int locate_error(struct replay *r, size_t row, int e)
{
	struct mm_error inner = r->a->err;

	return mm_error_set(&r->a->err, e, "%s:%" PRIu64 ": %s", r->in->name, mm_trace_line(r->reader, row),
			    inner.code ? inner.text : strerror(-e));
}

void cmd_tell_first_cpus(const struct cmd_args *a, const char *name, uint32_t nr)
{
	cmd_note(a, "%s: a machine of %" PRIu32 " CPUs, by its first rows (--cpus=N)", name, nr);
}

bool cmd_first_cpus(struct cmd_args *a, const char *name, const struct mm_event *ev, size_t n, struct mm_event *row)
{
	uint32_t nr = a->cpus_given ? 0 : mm_trace_first_cpus(ev, n, row);

	if (!nr)
		return false;
	cmd_tell_first_cpus(a, name, nr);
	return true;
}

/* The number becomes a row of the trace, so that what comes out is the same experiment. */
static int first_look(struct replay *r, const struct mm_event *ev, size_t n)
{
	struct mm_event row;
	int e;

	if (!cmd_first_cpus(r->a, r->in->name, ev, n, &row))
		return 0;
	e = mm_machine_event(r->m, &row, &r->a->err);
	if (!e && !r->table)
		mm_trace_writer_row(&r->trace, &row);
	return e;
}

static int replay_all(struct replay *r)
{
	struct mm_event ev[BATCH];
	bool first = true;
	long n;

	while ((n = mm_trace_read(r->reader, ev, BATCH, &r->a->err)) > 0) {
		int looked = first ? first_look(r, ev, (size_t)n) : 0;

		first = false;
		if (looked)
			return looked;
		for (size_t i = 0; i < (size_t)n; i++) {
			int e;

			i += replay_hits(r, &ev[i], (size_t)n - i);
			e = i < (size_t)n ? replay_row(r, &ev[i]) : 0;
			if (e)
				return locate_error(r, i, e);
		}
		if (r->shown && cmd_trace_human_show(r->shown, r->a))
			return r->a->err.code;
		if (r->a->out.err)
			return 0;
		if (r->progress)
			tell_progress(r);
	}
	return (int)n;
}

static void seed_written(const struct mm_event *ev, void *arg)
{
	struct replay *r = arg;

	mm_trace_writer_row(&r->trace, ev);
}

static int seed_processes(struct replay *r)
{
	struct cmd_args *a = r->a;
	struct mm_machine *m = r->m;

	for (size_t i = 0; i < a->nr_seeds; i++) {
		struct mm_input *maps;
		int e = mm_input_open(&maps, a->seeds[i].path, &a->err);

		if (!e) {
			e = mm_machine_seed(m, a->seeds[i].pid, maps, r->table ? NULL : seed_written, r, &a->err);
			e = cmd_close_input(a, maps, e);
		}
		if (e)
			return e;
	}
	return 0;
}

static int run_trace(struct replay *r)
{
	struct cmd_args *a = r->a;
	struct mm_trace_options opt = { .from = a->from, .strict = a->strict, .captures = a->cmd->captures,
					 .seeded = a->nr_seeds == 1 ? a->seeds[0].pid : 0 };
	const struct mm_skip *skips;
	size_t nr;
	int e = mm_trace_reader_new(&r->reader, r->in, &opt, &a->err);

	if (e)
		return e;
	r->trace.columns = mm_trace_columns(r->reader);
	r->progress = !a->on_block && (a->progress || isatty(STDERR_FILENO));
	if (a->auto_every) {
		bool timed = r->trace.columns & MM_TC_BIT(TIME_S);

		a->every = timed ? CMD_EVERY_SECONDS : CMD_EVERY_EVENTS;
		a->interval = timed ? 1000000000 : 1000;
	}
	cmd_uses_replay(a, r->table);
	clock_gettime(CLOCK_MONOTONIC, &r->began);
	r->told = r->began;
	e = begin_output(r);
	if (!e && a->nr_seeds)
		e = seed_processes(r);
	if (!e)
		e = replay_all(r);
	end_progress(r);
	if (!e)
		e = mm_machine_end(r->m, &a->err);
	if (!e && r->table)
		e = block_at_end(r);
	if (e)
		return e;
	skips = mm_trace_skips(r->reader, &nr);
	e = cmd_tell_skips(a, r->in->name, skips, nr);
	skips = mm_machine_skips(r->m, &nr);
	e = cmd_tell_cut(a, mm_machine_cut(r->m), e);
	return e ? e : cmd_tell_skips(a, r->in->name, skips, nr);
}

/* The input was a machine, not a trace: its table as it stands after the boot. */
static int run_machine(struct replay *r)
{
	int e;

	if (r->a->machine)
		cmd_usage(r->a, "%s is a machine, and so is --machine: choose one", r->in->name);
	cmd_uses_machine(r->a);
	if (!r->table)
		r->table = find_table(r->a->cmd, cmd_is_human(r->a) && r->a->cmd->human_table ? r->a->cmd->human_table
											    : r->a->cmd->default_table);
	if (!r->table)
		return mm_error_set(&r->a->err, -EINVAL, "%s: a machine without a trace: choose a table with -t", r->in->name);
	e = begin_output(r);
	if (!e)
		e = mm_machine_start(r->m, &r->a->err);
	e = cmd_tell_cut(r->a, mm_machine_cut(r->m), e);
	return e ? e : block_at_end(r);
}

int cmd_replay_input(struct cmd_args *a, struct mm_input *in)
{
	struct replay r = { .a = a, .in = in, .table = find_table(a->cmd, a->table) };
	bool machine_only;
	int e;

	a->config.effects = !r.table;
	e = cmd_machine(a, r.in, &machine_only, &r.m);
	if (!e)
		e = machine_only ? run_machine(&r) : run_trace(&r);
	e = cmd_trace_human_end(r.shown, a, e);
	e = cmd_table_end(a, r.w, e);
	mm_trace_reader_free(r.reader);
	cmd_ended_free(r.ended);
	mm_machine_free(r.m);
	free(r.mark);
	return e;
}

int cmd_replay(struct cmd_args *a)
{
	struct mm_input *in;
	int e;

	if ((a->live || a->sysroot) && !a->file)
		return mm_error_set(&a->err, -EINVAL,
				    "%s: %s can show nothing of a system's files here: expected FILE, or '-' for standard input",
				    a->live ? "--live" : "--sysroot", a->cmd->name);
	e = cmd_open_input(a, &in);
	if (e)
		return e;
	e = cmd_replay_input(a, in);
	return cmd_close_input(a, in, e);
}
