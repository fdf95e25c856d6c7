/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd.h - what all eight commands share: options, input and output set-up, the replay loop, the one exit path
 *
 * A command is a struct cmd: its own options, its tables, how deep its machine
 * goes, and run().  cmd_main() parses, calls run(), and ends the process.
 */
#ifndef CMD_H
#define CMD_H

#include <argp.h>
#include <stdio.h>

#include <libmm/machine.h>
#include <libmm/source.h>
#include <libmm/tables.h>
#include <libmm/zoneinfo.h>

struct cmd_args;

struct cmd {
	const char *name;			/* "mm-vma" */
	const char *doc;			/* argp's doc: a line, \v, more */
	const char *args_doc;			/* "[FILE]" */
	const struct argp_option *options;	/* of its own; NULL none */
	error_t (*parse)(int key, char *arg, struct argp_state *st);	/* st->input is the struct cmd_args */
	const struct mm_table *const *tables;	/* those it prints itself, for -t help and nearest names */
	size_t nr_tables;
	const struct mm_machine_table *const *machine_tables;	/* those cmd_replay() can print */
	size_t nr_machine_tables;
	enum mm_depth depth;
	uint32_t effect_columns;		/* MM_TC_BIT()s that its effects and results need */
	uint32_t computes;			/* bit per enum mm_by: effects it computes itself and replaces */
	const char *default_table;		/* printed of a machine without a trace; NULL: a trace is needed */
	const char *human_table;		/* instead of it for people; NULL: the same */
	bool procps_letters;			/* -S -n -b -o -t -M are the command's own */
	bool no_formats;			/* --from has no meaning: what it reads is told by its content */
	uint32_t captures;			/* bit by enum mm_source_kind: what --from may name beside formats of traces */
	/* print the values of an option of its own (long name), as cmd_list_values() does; false: none known */
	bool (*list_values)(const char *option);
	int (*run)(struct cmd_args *a);		/* 0 or -errno with a->err */
};

enum cmd_form { CMD_FORM_AUTO, CMD_FORM_CSV, CMD_FORM_HUMAN };
enum cmd_every { CMD_EVERY_END, CMD_EVERY_SECONDS, CMD_EVERY_EVENTS, CMD_EVERY_MARK };
enum { CMD_MAX_SEEDS = 64, CMD_MAX_SYSCTLS = 64 };

/* The options that all commands take, in the order of their table in cmd_options.c. */
enum cmd_option {
	CMD_OPT_TABLE, CMD_OPT_OUTPUT, CMD_OPT_NOHEADINGS, CMD_OPT_BYTES, CMD_OPT_CSV, CMD_OPT_HUMAN, CMD_OPT_EVERY, CMD_OPT_LIVE,
	CMD_OPT_SYSROOT, CMD_OPT_PAGE_SIZE, CMD_OPT_FROM, CMD_OPT_STRICT, CMD_OPT_AUTOMAP, CMD_OPT_MACHINE, CMD_OPT_RAM,
	CMD_OPT_MEMORY_MAX, CMD_OPT_SWAP, CMD_OPT_SYSCTL, CMD_OPT_CPUS, CMD_OPT_PROGRESS, CMD_OPT_CHECK, CMD_NR_OPTIONS
};
#define CMD_BIT(option) (1u << CMD_OPT_##option)
/* which rows and columns, and how they are printed; where a running or captured system is */
#define CMD_FORM (CMD_BIT(TABLE) | CMD_BIT(OUTPUT) | CMD_BIT(NOHEADINGS) | CMD_BIT(BYTES) | CMD_BIT(CSV) | CMD_BIT(HUMAN))
#define CMD_OF_SYSTEM (CMD_BIT(LIVE) | CMD_BIT(SYSROOT))

struct cmd_seed {
	uint32_t pid;
	const char *path;
};

/* What the command line said. */
struct cmd_args {
	const struct cmd *cmd;
	const char *file;			/* FILE, NULL: standard input */
	const char *table, *columns;		/* -t, -o */
	const char *sysroot, *from, *machine;
	uint32_t given;				/* CMD_BIT() of each shared option that was given */
	enum cmd_form form;
	bool noheadings, bytes, live, strict, progress, sysctl_help;
	enum cmd_every every;
	uint64_t interval;			/* nanoseconds or events */
	struct mm_machine_config config;	/* ram, swap, memory-max, cpus, sysctl, automap */
	uint32_t page_size;			/* --page-size, 0: not given */
	bool cpus_given, memory_max_given, swap_given, ram_given;
	struct cmd_seed seeds[CMD_MAX_SEEDS];
	size_t nr_seeds;
	/*
	 * Called in place of printing a block of the table, with what would lead it ("1.5" seconds, "99" events, a
	 * mark's name, "" at the end without --every); it may change .interval.  Not 0 ends the replay.
	 */
	int (*on_block)(struct cmd_args *a, struct mm_machine *m, const char *lead);
	bool at_end;				/* .on_block: the trace has ended; the lead is NULL where nothing came since the last */
	bool auto_every;			/* no --every: seconds where the trace has times, else events */
	void *own;				/* the command's own */
	struct mm_input_cut told_cut;		/* see cmd_tell_cut() */
	struct mm_output out;			/* standard output */
	struct mm_error err;
};

/* @own is the command's own arguments, reached as args->own.  Returns the exit status. */
int cmd_main(const struct cmd *cmd, int argc, char **argv, void *own);

/* Numbers on the command line; they end the process with status 2 when they do not fit. */
uint64_t cmd_u64(struct argp_state *st, const char *option, const char *arg, uint64_t min, uint64_t max);
uint64_t cmd_size(struct argp_state *st, const char *option, const char *arg);

/* For commands whose processes may begin with mappings: rows of their option table, and the parser of these. */
enum { CMD_OPT_SEED = 0x500, CMD_OPT_MMAP_BASE };
#define CMD_SEED_OPTIONS											\
	{ "seed", CMD_OPT_SEED, "PID:FILE", 0, "Process PID begins with the mappings of a /proc/PID/maps text", 0 },	\
	{ "mmap-base", CMD_OPT_MMAP_BASE, "ADDR", 0, "Where the top-down area of a seeded process begins", 0 }
error_t cmd_parse_seed(int key, char *arg, struct argp_state *st);

/* How rows go out: CSV or aligned, by --csv, --human or whether standard output is a terminal. */
bool cmd_is_human(const struct cmd_args *a);
struct mm_table_options cmd_table_options(const struct cmd_args *a);
/* A table writer of a sink and a form of the command's own. Columns that are none end the process with status 2. 0 or -ENOMEM. */
int cmd_writer(struct cmd_args *a, struct mm_output *out, const struct mm_table *table, const struct mm_table_options *opt,
	       struct mm_table_writer **wp);
/* Begin a table on standard output. 0 or -errno with a->err, and NULL in *@wp. */
int cmd_table(struct cmd_args *a, const struct mm_table *table, struct mm_table_writer **wp);
/* Finish and free @w (NULL is allowed); returns @err, or what finishing met. */
int cmd_table_end(struct cmd_args *a, struct mm_table_writer *w, int err);

/*
 * A table of a running or captured system on standard output: @rows writes its rows, once, or with --every=SECONDS again and again,
 * led by the seconds since the first time, until standard output is gone.  For people each time is a table of its own.
 * 0 or -errno with a->err.
 */
int cmd_show(struct cmd_args *a, const struct mm_table *table, int (*rows)(struct cmd_args *a, struct mm_table_writer *w, void *arg),
	     void *arg);

/* FILE or standard input (said on stderr when that is a terminal). 0 or -errno with a->err. */
int cmd_open_input(struct cmd_args *a, struct mm_input **inp);
/* Frees @in. @e, or what is wrong with its end: a last line without LF is told, under --strict an error. */
int cmd_close_input(struct cmd_args *a, struct mm_input *in, int e);
/* Tell once of a file (NULL: none) whose last line does not end; under --strict -EINVAL. @e, what went wrong before, stays. */
int cmd_tell_cut(struct cmd_args *a, const struct mm_input_cut *cut, int e);
int cmd_close_sysroot(struct cmd_args *a, struct mm_sysroot *root, int e);	/* and free it */
int cmd_tell_cut_off(struct cmd_args *a, const char *file, int e);	/* likewise of the file that mm_proc_cut_off() names, or NULL */

/*
 * The machine that -M, --ram, --swap ... describe, not yet booted.  When @in
 * holds a regions table or an /proc/iomem (a machine, not a trace), that is the
 * machine, and *@machine_only is true; @in may be NULL.
 */
int cmd_machine(struct cmd_args *a, struct mm_input *in, bool *machine_only, struct mm_machine **mp);
/* Regions of the built-in machine @name. 0, -ENOENT without a word where there is none of that name, or -errno with a->err. */
int cmd_builtin_machine(struct cmd_args *a, const char *name, struct mm_region_list *l);

/**
 * cmd_replay() - the work of a driving command
 *
 * Reads a trace (or a regions table: a machine, then there is nothing to
 * replay), replays its causes, and writes the trace with effects, or the table
 * of -t at the end or every interval.
 */
int cmd_replay(struct cmd_args *a);
/* the same on an open input, which stays the caller's */
int cmd_replay_input(struct cmd_args *a, struct mm_input *in);

/* A file that is written: whole, or not there (cmd_file.c). */
struct cmd_file {
	FILE *out;
	const char *path;			/* the caller's, until the end */
	char *fresh;				/* what it is called until it is whole */
};
/* 0 or -errno with @err, then nothing is left to end.  @e: what writing met; returned, or what ending met. */
int cmd_file_begin(struct cmd_file *f, const char *path, struct mm_error *err);
int cmd_file_end(struct cmd_file *f, int e, struct mm_error *err);

/*
 * Bytes of a page of a capture: --page-size; what the files of @root (NULL: there is but one file) tell; what the
 * number of orders (0: not known) suggests, which is said on stderr; else 4096. Return: 0 or -ENOMEM.
 */
int cmd_page_size(struct cmd_args *a, const struct mm_sysroot *root, uint32_t nr_orders, uint32_t *size);
/* @zi of a capture that has one, zeroed; mm_zoneinfo_free() it in any case.  0 or -errno with a->err. */
int cmd_zoneinfo(struct cmd_args *a, const struct mm_sysroot *root, struct mm_zoneinfo *zi);
/* A note of lines that were left out, if there are any. */
void cmd_tell_zoneinfo(const struct cmd_args *a, const struct mm_zoneinfo *zi);
/* A capture's machine has as many CPUs as its zones list.  False: --cpus says, they list none, or more than there can be. */
bool cmd_cpus_of_zones(struct cmd_args *a, const struct mm_zoneinfo *zi);
/* A line on stderr: "mm-vma: ..." */
void cmd_note(const struct cmd_args *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The command line was at fault: such a line, and the end with status 2. */
void cmd_usage(const struct cmd_args *a, const char *fmt, ...) __attribute__((format(printf, 2, 3), noreturn));
/*
 * A shared option that was given and is not among @used, CMD_BIT()s, has no meaning for @what: the end with status 2.  Those that the
 * commands of a pipeline are given alike (the machine's sizes and tunables, --strict, --progress, --check) are never refused.
 */
void cmd_uses(const struct cmd_args *a, uint32_t used, const char *what);
/* The same of a machine of the command line without a trace. */
void cmd_uses_machine(const struct cmd_args *a);
/*
 * @option prints the table @name and no other, and nothing else prints that one: -t may say so.  Where the option was
 * @given it is the table; else, and where -t contradicts, the command line was at fault.
 */
void cmd_one_table(struct cmd_args *a, const char *option, bool given, const char *name);

#endif /* CMD_H */
