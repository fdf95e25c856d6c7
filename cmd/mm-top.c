/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mm-top - the processes of this machine, a capture or a simulated machine, by the memory and CPU they use
 *
 * Options, columns and keys are those of procps-ng 4.0.2's top.  On a terminal
 * it is a screen; with -b, or when standard output is none, text or CSV.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <libmm/csv.h>

#include "top.h"

enum { WIDEST = 512 };		/* of a line with -w alone */

static const struct argp_option options[] = {
	{ "batch-mode", 'b', NULL, 0, "Batch mode: no keys, text or CSV", 0 },
	{ "cmdline-toggle", 'c', NULL, 0, "Show command lines instead of names", 0 },
	{ "delay", 'd', "SECS", 0, "Seconds between samples, with decimals", 0 },
	{ "scale-summary-mem", 'E', "SCALE", 0, "Unit of the summary's memory: k, m, g, t, p, e", 0 },
	{ "scale-task-mem", 'e', "SCALE", 0, "Unit of the tasks' memory: k, m, g, t, p", 0 },
	{ "threads-show", 'H', NULL, 0, "A row each thread", 0 },
	{ "idle-toggle", 'i', NULL, 0, "Leave out tasks that used no CPU since the last sample", 0 },
	{ "iterations", 'n', "N", 0, "End after N samples", 0 },
	{ "list-fields", 'O', NULL, 0, "Print the names of the fields", 0 },
	{ "sort-override", 'o', "FIELD", 0, "Sort by FIELD; '-FIELD' ascending", 0 },
	{ "pid", 'p', "PID[,PID...]", 0, "Show only these processes", 0 },
	{ "accum-time-toggle", 'S', NULL, 0, "Count the time of dead children too", 0 },
	{ "secure-mode", 's', NULL, 0, "No kill, no renice, no change of the delay", 0 },
	{ "filter-any-user", 'U', "USER", 0,
		"Only processes with this real, effective, saved or filesystem user; '!USER' all others", 0 },
	{ "filter-only-euser", 'u', "USER", 0, "Only processes with this effective user; '!USER' all others", 0 },
	{ "width", 'w', "COLUMNS", OPTION_ARG_OPTIONAL, "Width of a line in batch mode", 0 },
	{ "single-cpu-toggle", '1', NULL, 0, "A summary line each CPU", 0 },
	{ NULL, 'h', NULL, OPTION_HIDDEN, NULL, 0 },
	{ 0 }
};

static int parse_scale(struct argp_state *st, const char *option, const char *arg, const char *letters)
{
	const char *at = *arg ? strchr(letters, *arg | 0x20) : NULL;

	if (!at || arg[1])
		argp_error(st, "%s: '%s' is none of the letters %s", option, arg, letters);
	return at ? (int)(at - letters) : 0;
}

static void parse_sort(struct top *t, const char *arg, struct argp_state *st)
{
	int f;

	t->c.ascending = *arg == '-';
	f = top_field_find(arg + (*arg == '-' || *arg == '+'));
	if (f < 0)
		argp_error(st, "-o: unknown field '%s'; -O lists them", arg);
	else
		t->c.sort = (enum top_field)f;
	t->c.forest = false;
	t->sort_given = true;
}

static void parse_pids(struct top *t, const char *arg, struct argp_state *st)
{
	const char *p = arg;

	if (t->select.by_user)
		argp_error(st, "-p conflicts with -u and -U");
	while (*p) {
		size_t n = strcspn(p, ",");
		uint64_t pid;

		if (mm_parse_u64((struct mm_str){ p, n }, &pid) || pid > INT32_MAX)
			argp_error(st, "-p: '%s' is no list of process ids", arg);
		if (t->select.nr_pids == TOP_MAX_PIDS)
			argp_error(st, "-p: at most %d processes", TOP_MAX_PIDS);
		t->select.pids[t->select.nr_pids++] = pid ? (uint32_t)pid : (uint32_t)getpid();
		p += n + (p[n] == ',');
	}
	if (!t->select.nr_pids)
		argp_error(st, "-p: expected process ids");
}

/* The name is looked up when the capture is known: top_user(). */
struct user_option {
	const char *name;
	bool any;
};
static struct user_option user_option;

static int top_user(struct top *t)
{
	const char *name = user_option.name;
	uint64_t uid;

	if (!name)
		return 0;
	t->select.not_user = *name == '!';
	name += t->select.not_user;
	t->select.any_user = user_option.any;
	t->select.by_user = true;
	if (!top_user_id(t, name, &t->select.uid))
		return 0;
	if (mm_parse_u64((struct mm_str){ name, strlen(name) }, &uid) || uid > UINT32_MAX)
		return mm_error_set(&t->a->err, -ENOENT, "no user is called '%s'", name);
	t->select.uid = (uint32_t)uid;
	return 0;
}

static void parse_width(struct top *t, const char *arg, struct argp_state *st)
{
	t->width_given = true;
	t->width = arg ? (uint32_t)cmd_u64(st, "-w", *arg == '=' ? arg + 1 : arg, 3, WIDEST) : 0;
}

static bool list_values(const char *option)
{
	if (!strcmp(option, "scale-summary-mem") || !strcmp(option, "scale-task-mem")) {
		printf("k\tKiB\nm\tMiB\ng\tGiB\nt\tTiB\np\tPiB\n%s", strcmp(option, "scale-task-mem") ? "e\tEiB\n" : "");
		return true;
	}
	if (strcmp(option, "sort-override"))
		return false;
	for (int f = 0; f < TOP_NR_FIELDS; f++)
		printf("%s\ta field\n", top_fields[f].heading);
	return true;
}

static void list_fields(void)
{
	for (int f = 0; f < TOP_ACCP; f++)	/* from there on fields of traces */
		puts(top_fields[f].heading);
	exit(fflush(stdout) ? EXIT_FAILURE : EXIT_SUCCESS);
}

static void parse_delay(struct top *t, const char *arg, struct argp_state *st)
{
	uint64_t ns;

	if (top_parse_delay(arg, &ns))
		argp_error(st, "-d: expected seconds, found '%s'", arg);
	if (ns > UINT64_C(1000000) * 1000000000)	/* its milliseconds are an int */
		argp_error(st, "-d: expected up to 1000000 seconds, found '%s'", arg);
	t->c.delay_ms = ns / 1000000;
	t->delay_given = true;
}

/* "-w 200": an optional argument may stand in the next word too, as procps takes it.  Else it is a trace. */
static error_t parse_word(struct top *t, struct cmd_args *a, char *arg, struct argp_state *st)
{
	if (t->width_given && !t->width && arg[strspn(arg, "0123456789")] == 0)
		parse_width(t, arg, st);
	else if (a->file)
		argp_error(st, "'%s' is one argument too many", arg);
	else
		a->file = arg;
	return 0;
}

static error_t parse(int key, char *arg, struct argp_state *st)
{
	struct cmd_args *a = st->input;
	struct top *t = a->own;

	switch (key) {
	case 'b': t->batch = true; return 0;
	case 'c': t->c.cmdline = !t->c.cmdline; return 0;
	case 'd': parse_delay(t, arg, st); return 0;
	case 'E': t->c.scale_summary = parse_scale(st, "-E", arg, "kmgtpe"); return 0;
	case 'e': t->c.scale_tasks = parse_scale(st, "-e", arg, "kmgtp"); return 0;
	case 'H': t->c.threads = true; return 0;
	case 'i': t->c.hide_idle = !t->c.hide_idle; return 0;
	case 'n':
		t->iterations = cmd_u64(st, "-n", arg, 1, UINT64_MAX - 1);
		t->iterations_given = true;
		return 0;
	case 'O': list_fields(); return 0;
	case 'o': parse_sort(t, arg, st); return 0;
	case 'p': parse_pids(t, arg, st); return 0;
	case 'S': t->c.cumulative = !t->c.cumulative; return 0;
	case 's': t->secure = true; return 0;
	case 'U':
	case 'u':
		if (t->select.nr_pids || user_option.name)
			argp_error(st, "-u, -U and -p conflict");
		user_option = (struct user_option){ arg, key == 'U' };
		return 0;
	case 'w': parse_width(t, arg, st); return 0;
	case '1': t->c.per_cpu = !t->c.per_cpu; return 0;
	case 'h': argp_state_help(st, stdout, ARGP_HELP_STD_HELP); return 0;
	case ARGP_KEY_ARG: return parse_word(t, a, arg, st);
	case ARGP_KEY_END:
		if (t->secure && t->delay_given)
			argp_error(st, "-d is not allowed in secure mode");
		return 0;
	default: return ARGP_ERR_UNKNOWN;
	}
}

/* --output in text: names of fields. */
static int choose_fields(struct top *t)
{
	struct top_config *c = &t->c;
	const char *p = t->a->columns;

	if (!p)
		return 0;
	if (*p == '+')
		p++;
	else
		c->nr_shown = 0;
	while (*p) {
		size_t n = strcspn(p, ",");
		char name[32];
		int f;

		snprintf(name, sizeof(name), "%.*s", n < 31 ? (int)n : 31, p);
		f = top_field_find(name);
		if (f < 0)
			return mm_error_set(&t->a->err, -EINVAL, "--output: unknown field '%s'; -O lists them", name);
		if (!top_field_shown(c, (enum top_field)f))
			c->shown[c->nr_shown++] = (uint8_t)f;
		p += n + (p[n] == ',');
	}
	return 0;
}

static bool utf8_locale(void)
{
	static const char *const names[] = { "LC_ALL", "LC_CTYPE", "LANG" };

	for (size_t i = 0; i < 3; i++) {
		const char *v = getenv(names[i]);

		if (v && *v)
			return strcasestr(v, "utf-8") || strcasestr(v, "utf8");
	}
	return false;
}

/* Of the terminal, by COLUMNS, or the 80 of a terminal that tells nothing. */
static uint32_t batch_width(void)
{
	const char *columns = getenv("COLUMNS");
	struct winsize win;
	uint64_t width;

	if (columns && !mm_parse_u64((struct mm_str){ columns, strlen(columns) }, &width) && width >= 3 &&
	    width <= 4000)
		return (uint32_t)width;
	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &win) != -1 && win.ws_col >= 3 ? win.ws_col : 80;
}

/* Of this machine or a capture. */
static void check_options(const struct cmd_args *a)
{
	cmd_uses(a, CMD_FORM | CMD_OF_SYSTEM | (a->sysroot ? CMD_BIT(PAGE_SIZE) : 0), a->sysroot ? "a captured system" : "this machine");
	if (a->bytes && cmd_is_human(a))
		cmd_usage(a, "--bytes has no meaning for top's own form, whose units -E and -e choose: use --csv");
}

static int run(struct cmd_args *a)
{
	struct top *t = a->own;
	int err;

	t->a = a;
	if (t->config_err)
		return mm_error_set(&a->err, t->config_err, "out of memory for the configuration");
	t->utf8 = utf8_locale();
	if (a->file && !t->batch && isatty(STDOUT_FILENO) && a->form == CMD_FORM_AUTO &&
	    (!a->table || !strcmp(a->table, mm_table_tasks.table.name)))
		return top_trace(t);
	if (a->file) {		/* a trace: the tasks of the machine it simulates */
		if (!a->table || !strcmp(a->table, top_table.name))
			a->table = mm_table_tasks.table.name;
		return cmd_replay(a);
	}
	if (a->table && strcmp(a->table, top_table.name))
		return mm_error_set(&a->err, -EINVAL, "--table=%s needs a trace", a->table);
	if (a->every != CMD_EVERY_END)
		cmd_usage(a, "--every needs a trace; of a system -d tells");
	check_options(a);
	if ((!isatty(STDOUT_FILENO) || a->form == CMD_FORM_CSV) && !t->batch) {	/* into a pipe: one look, unless told how many */
		t->batch = true;
		if (!t->iterations_given && !t->delay_given)
			t->iterations = 1;
	}
	if (!t->batch && a->noheadings)
		cmd_usage(a, "--noheadings has no meaning for the screen: use -b");
	if (t->batch && !t->width)
		t->width = t->width_given ? WIDEST : batch_width();
	err = top_open(t);
	if (!err)
		err = top_user(t);
	if (!err && (cmd_is_human(a) || !t->batch))
		err = choose_fields(t);
	if (!err)
		err = t->batch ? top_batch(t) : top_screen(t);
	top_close(t);
	return err;
}

static const struct mm_table *const tables[] = { &top_table };
static const struct mm_machine_table *const machine_tables[] = { &mm_table_tasks };

static const struct cmd command = {
	.name = "mm-top",
	.doc = "Show processes by the memory and CPU they use, of this machine, of a capture (--sysroot), or of the "
	       "machine that a trace simulates.\v"
	       "On a terminal the key h lists the keys. Into a pipe, or with -b, one sample after the other is "
	       "printed as text on a terminal and as CSV elsewhere.",
	.args_doc = "[FILE|-]",
	.options = options,
	.parse = parse,
	.tables = tables,
	.nr_tables = 1,
	.machine_tables = machine_tables,
	.nr_machine_tables = 1,
	.default_table = "simulated",
	.depth = MM_DEPTH_FULL,
	.procps_letters = true,
	.list_values = list_values,
	.run = run,
};

int main(int argc, char **argv)
{
	struct top t = { 0 };

	top_config_default(&t.c);
	t.config_err = top_config_load(&t.c);
	return cmd_main(&command, argc, argv, &t);
}
