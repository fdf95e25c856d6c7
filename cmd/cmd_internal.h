/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd_internal.h - between the files of the shared part */
#ifndef CMD_INTERNAL_H
#define CMD_INTERNAL_H

#include <libmm/tables.h>

#include "cmd.h"

extern const struct argp cmd_common_argp, cmd_procps_argp;

/* The command line wins over the machine that a trace carries: such rows are dropped. */
bool cmd_overrides(const struct cmd_args *a, const struct mm_event *ev);

/* Nobody said how many CPUs there are, so the machine has the @nr that the first rows of the trace @name name: a line on stderr. */
void cmd_tell_first_cpus(const struct cmd_args *a, const char *name, uint32_t nr);
/* The same with the number as *@row.  False: somebody did, or they name one. */
bool cmd_first_cpus(struct cmd_args *a, const char *name, const struct mm_event *ev, size_t n, struct mm_event *row);

/* What leads a block of --every=SECONDS: @ns as seconds without zeros at the end.  Its length. */
enum { CMD_SECONDS_TEXT = 32 };
size_t cmd_seconds_text(char text[CMD_SECONDS_TEXT], uint64_t ns);

/* What was left out, one line each kind; under --strict the first that matters is the error. */
int cmd_tell_skips(struct cmd_args *a, const char *name, const struct mm_skip *skips, size_t nr);

/*
 * Tables of processes when none lives at the end (cmd_ended.c): keep what @t shows if @ev, an exit or kill row, is the end of the last
 * one, before it is replayed; show it instead.  0; 1 it was shown; -errno.
 */
struct cmd_ended;
int cmd_ended_keep(struct cmd_ended **kp, struct cmd_args *a, struct mm_machine *m, const struct mm_machine_table *t,
		   const struct mm_event *ev);
int cmd_ended_show(struct cmd_ended *k, struct cmd_args *a, struct mm_machine *m, const struct mm_machine_table *t, const char *name);
void cmd_ended_free(struct cmd_ended *k);	/* NULL is allowed */

/* The name of the shared option @i, enum cmd_option. */
const char *cmd_option_name(const struct cmd *c, unsigned int i);
/* What a replay looks at: see cmd_uses(). @table: it prints one, else the trace. */
void cmd_uses_replay(const struct cmd_args *a, bool table);
/* Shared options that no command takes together: the end with status 2. */
void cmd_check_contradictions(const struct cmd_args *a);

/* -M into a->config. 0 or -errno with a->err. */
int cmd_configure(struct cmd_args *a);

/* What "help" as the value of -t, -M, -S or --from asks for, onto a->out (cmd_help.c). False: it was not asked for. */
bool cmd_help(struct cmd_args *a);
/* --list-options: name, letter or '-', argument, description of each option, separated by tabs; for the shells' completions. */
void cmd_list_options(const struct argp_option *o);
/* --list-values=OPTION: the values that OPTION (its long name) may take here, where they can be told. */
void cmd_list_values(const struct cmd_args *a, const char *option);

/* Columns that those rows need. */
uint32_t cmd_machine_columns(const struct cmd_args *a);
/* The rows that put the machine of the command line into the trace, before its first row. 0 or -errno with a->err. */
int cmd_trace_machine_rows(struct cmd_args *a, struct mm_machine *m, struct mm_trace_writer *w);

/* The trace as aligned columns (cmd_trace.c): rows are written as CSV to its sink, and shown a batch at a time. */
struct cmd_trace_human;
int cmd_trace_human_new(struct cmd_trace_human **hp, struct cmd_args *a);	/* 0 or -ENOMEM with a->err */
struct mm_output *cmd_trace_human_rows(struct cmd_trace_human *h);		/* the sink */
int cmd_trace_human_show(struct cmd_trace_human *h, struct cmd_args *a);
/* Show the rest and free @h (NULL is allowed); returns @err, or what ending met. */
int cmd_trace_human_end(struct cmd_trace_human *h, struct cmd_args *a, int err);

#endif /* CMD_INTERNAL_H */
