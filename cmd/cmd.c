/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What every command does around its own work: parse, open standard output,
 * run, tell what went wrong in one line, end with 0, 1 or 2.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "cmd.h"
#include "cmd_internal.h"

static void note(const struct cmd_args *a, const char *fmt, va_list ap)
{
	fprintf(stderr, "%s: ", a->cmd->name);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
}

void cmd_note(const struct cmd_args *a, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	note(a, fmt, ap);
	va_end(ap);
}

void cmd_usage(const struct cmd_args *a, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	note(a, fmt, ap);
	va_end(ap);
	exit(argp_err_exit_status);
}

void cmd_one_table(struct cmd_args *a, const char *option, bool given, const char *name)
{
	bool named = a->table && !strcmp(a->table, name);

	if (named && !given)
		cmd_usage(a, "the table %s needs %s", name, option);
	if (given && a->table && !named)
		cmd_usage(a, "%s prints the table %s: found -t %s", option, name, a->table);
	if (given)
		a->table = name;
}

bool cmd_is_human(const struct cmd_args *a)
{
	return a->form == CMD_FORM_HUMAN || (a->form == CMD_FORM_AUTO && isatty(STDOUT_FILENO));
}

static uint32_t terminal_width(void)
{
	struct winsize ws;

	if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws))
		return 0;
	return ws.ws_col;
}

struct mm_table_options cmd_table_options(const struct cmd_args *a)
{
	return (struct mm_table_options){
		.format = cmd_is_human(a) ? MM_TABLE_HUMAN : MM_TABLE_CSV,
		.noheadings = a->noheadings, .bytes = a->bytes, .columns = a->columns, .width = terminal_width(),
	};
}

int cmd_writer(struct cmd_args *a, struct mm_output *out, const struct mm_table *table, const struct mm_table_options *opt,
	       struct mm_table_writer **wp)
{
	int e = mm_table_writer_new(wp, out, table, opt, &a->err);

	if (e == -EINVAL)
		cmd_usage(a, "--output: %s", a->err.text);
	return e;
}

int cmd_table(struct cmd_args *a, const struct mm_table *table, struct mm_table_writer **wp)
{
	struct mm_table_options opt = cmd_table_options(a);

	*wp = NULL;
	return cmd_writer(a, &a->out, table, &opt, wp);
}

int cmd_table_end(struct cmd_args *a, struct mm_table_writer *w, int err)
{
	if (w && !err && mm_table_writer_finish(w))
		err = mm_error_set(&a->err, -ENOMEM, "out of memory");
	mm_table_writer_free(w);
	return err;
}

static double seconds_since(const struct timespec *from)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - from->tv_sec) + (double)(now.tv_nsec - from->tv_nsec) / 1e9;
}

static void sleep_until(struct timespec *next, uint64_t interval_ns)
{
	next->tv_sec += (time_t)(interval_ns / 1000000000);
	next->tv_nsec += (long)(interval_ns % 1000000000);
	if (next->tv_nsec >= 1000000000) {
		next->tv_sec++;
		next->tv_nsec -= 1000000000;
	}
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, next, NULL);
}

int cmd_show(struct cmd_args *a, const struct mm_table *table, int (*rows)(struct cmd_args *a, struct mm_table_writer *w, void *arg),
	     void *arg)
{
	bool again = a->every == CMD_EVERY_SECONDS, human = cmd_is_human(a);
	struct mm_table_options opt = cmd_table_options(a);
	struct mm_table_writer *w = NULL;
	struct timespec began, next;
	double seconds = 0;
	char text[32];
	int e = 0;

	if (a->every == CMD_EVERY_EVENTS || a->every == CMD_EVERY_MARK)
		cmd_usage(a, "--every: a system has seconds alone, events and marks are a trace's");
	opt.lead = again ? "time_s" : NULL;
	clock_gettime(CLOCK_MONOTONIC, &began);
	next = began;
	do {
		if (!w)
			e = cmd_writer(a, &a->out, table, &opt, &w);
		if (!e && again)
			mm_table_writer_lead(w, (struct mm_str){ text, (size_t)snprintf(text, sizeof(text), "%.3f", seconds) });
		if (!e)
			e = rows(a, w, arg);
		if (human || e || !again) {
			e = cmd_table_end(a, w, e);
			w = NULL;
		}
		if (e || !again || mm_output_flush(&a->out))
			break;
		sleep_until(&next, a->interval);
		seconds = seconds_since(&began);
	} while (true);
	return w ? cmd_table_end(a, w, e) : e;
}

int cmd_open_input(struct cmd_args *a, struct mm_input **inp)
{
	if ((!a->file || !strcmp(a->file, "-")) && isatty(STDIN_FILENO))
		cmd_note(a, "reading standard input, which is a terminal; end it with ^D");
	return mm_input_open(inp, a->file, &a->err);
}

int cmd_tell_cut(struct cmd_args *a, const struct mm_input_cut *cut, int e)
{
	if (e || !cut || (cut->line == a->told_cut.line && !strcmp(cut->name, a->told_cut.name)))
		return e;
	if (a->strict)
		return mm_error_set(&a->err, -EINVAL, "%s:%" PRIu64 ": expected a line that ends, found one that may be cut, an error "
				    "under --strict", cut->name, cut->line);
	cmd_note(a, "%s:%" PRIu64 ": the last line does not end: it may be cut", cut->name, cut->line);
	a->told_cut = *cut;
	return 0;
}

int cmd_tell_cut_off(struct cmd_args *a, const char *file, int e)
{
	if (file && !e && a->strict)
		return mm_error_set(&a->err, -EINVAL, "%s: its last line is cut off, an error under --strict", file);
	if (file)
		cmd_note(a, "%s: its last line is cut off", file);
	return e;
}

int cmd_close_input(struct cmd_args *a, struct mm_input *in, int e)
{
	struct mm_input_cut cut = { .line = in->line };

	snprintf(cut.name, sizeof(cut.name), "%s", in->name);
	e = cmd_tell_cut(a, in->truncated ? &cut : NULL, e);
	mm_input_free(in);
	return e;
}

int cmd_close_sysroot(struct cmd_args *a, struct mm_sysroot *root, int e)
{
	e = cmd_tell_cut(a, mm_sysroot_cut(root), e);
	mm_sysroot_free(root);
	return e;
}

static error_t parse(int key, char *arg, struct argp_state *st)
{
	struct cmd_args *a = st->input;
	error_t e;

	if (key == ARGP_KEY_INIT)
		st->child_inputs[0] = a;
	if (a->cmd->parse) {
		e = a->cmd->parse(key, arg, st);
		if (e != ARGP_ERR_UNKNOWN)
			return e;
	}
	if (key == ARGP_KEY_ARG) {
		if (st->arg_num)
			argp_error(st, "expected one FILE, found '%s' too", arg);
		a->file = arg;
		return 0;
	}
	return key == ARGP_KEY_INIT ? 0 : ARGP_ERR_UNKNOWN;
}

/* One line on stderr for what went wrong; standard output is whole or the status is not 0. */
static int finish(struct cmd_args *a, int err)
{
	int werr = mm_output_finish(&a->out);

	if (!err && werr)
		err = mm_error_set(&a->err, werr, "standard output: %s", strerror(-werr));
	if (err && a->err.code)
		cmd_note(a, "%s", a->err.text);
	else if (err)
		cmd_note(a, "%s", strerror(-err));
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* -t NAME must be one of the command's: else the command line was at fault. */
static void check_table(struct cmd_args *a)
{
	const struct cmd *c = a->cmd;

	if (!a->table || (!strcmp(a->table, "trace") && c->computes))
		return;
	for (size_t i = 0; i < c->nr_tables; i++)
		if (!strcmp(c->tables[i]->name, a->table))
			return;
	for (size_t i = 0; i < c->nr_machine_tables; i++)
		if (!strcmp(c->machine_tables[i]->table.name, a->table))
			return;
	cmd_usage(a, "no table is called '%s'; '-t help' lists them", a->table);
}

int cmd_main(const struct cmd *cmd, int argc, char **argv, void *own)
{
	const struct argp_child children[] = {
		{ cmd->procps_letters ? &cmd_procps_argp : &cmd_common_argp, 0, "Shared by all mm commands:", 1 }, { 0 }
	};
	const struct argp argp = { cmd->options, parse, cmd->args_doc, cmd->doc, children, NULL, NULL };
	struct cmd_args a = { .cmd = cmd, .own = own };
	int e;

	argp_err_exit_status = 2;
	mm_machine_config_init(&a.config);
	a.config.depth = cmd->depth;
	if (argp_parse(&argp, argc, argv, 0, NULL, &a) || mm_output_init(&a.out, STDOUT_FILENO)) {
		cmd_note(&a, "out of memory");
		return EXIT_FAILURE;
	}
	if (cmd_help(&a))
		return finish(&a, 0);
	check_table(&a);
	cmd_check_contradictions(&a);
	e = cmd->run(&a);
	mm_region_list_free(&a.config.regions);
	return finish(&a, e);
}
