/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mm-vmstat - the virtual memory statistics of this machine, a capture, or a simulated machine
 *
 * The options, columns and arithmetic are those of procps-ng 4.0.2's vmstat;
 * into a pipe the same figures go as CSV.  Each mode is one vmstat_*.c.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "vmstat.h"

static const struct argp_option options[] = {
	{ "active", 'a', NULL, 0, "Show inactive and active memory in place of buffers and cache", 0 },
	{ "forks", 'f', NULL, 0, "Show the number of forks since boot", 0 },
	{ "slabs", 'm', NULL, 0, "Show the slab caches", 0 },
	{ "one-header", 'n', NULL, 0, "Do not repeat the header", 0 },
	{ "stats", 's', NULL, 0, "Show counters and memory, one a line", 0 },
	{ "disk", 'd', NULL, 0, "Show statistics of disks", 0 },
	{ "disk-sum", 'D', NULL, 0, "Show the sums over all disks", 0 },
	{ "partition", 'p', "DEV", 0, "Show statistics of one disk or partition", 0 },
	{ "unit", 'S', "UNIT", 0, "Show memory in k (1000), K (1024), m (1000000) or M (1048576) bytes", 0 },
	{ "wide", 'w', NULL, 0, "Wide output", 0 },
	{ "timestamp", 't', NULL, 0, "Append the time to each line", 0 },
	{ "no-first", 'y', NULL, 0, "Leave out the first report, the means since boot", 0 },
	{ NULL, 'h', NULL, OPTION_HIDDEN, NULL, 0 },
	{ 0 }
};

static const struct mm_table *const tables[] = {
	&vmstat_report_table, &vmstat_disk_table, &vmstat_partition_table, &vmstat_slab_table, &vmstat_sum_table,
	&vmstat_counter_table,
};
static const struct mm_machine_table *const machine_tables[] = { &vmstat_machine_table, &mm_table_counters };

static bool is_number(const char *s)
{
	return *s && s[strspn(s, "0123456789")] == 0;
}

static void parse_unit(struct vmstat_args *v, const char *arg, struct argp_state *st)
{
	static const struct { char letter; unsigned long bytes; } units[] = {
		{ 'b', 1 }, { 'B', 1 }, { 'k', 1000 }, { 'K', 1024 }, { 'm', 1000000 }, { 'M', 1 << 20 },
	};

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (arg[0] == units[i].letter) {
			v->unit_letter = arg[0];
			v->unit = units[i].bytes;
			v->unit_given = true;
			return;
		}
	argp_error(st, "-S: '%s' is none of k, K, m, M", arg);
}

/* delay [count], or the one word that is a file or "-". */
static error_t parse_word(struct cmd_args *a, struct vmstat_args *v, char *arg, struct argp_state *st)
{
	if (!is_number(arg) && *arg >= '0' && *arg <= '9' && access(arg, F_OK))
		argp_error(st, "delay and count are whole numbers, found '%s'", arg);
	if (!is_number(arg) && !v->nr_words) {
		a->file = arg;
		v->modes |= 1u << VMSTAT_TRACE;
	} else if (v->nr_words == 0) {
		v->delay = cmd_u64(st, "delay", arg, 1, UINT32_MAX);
		v->count = 0;
	} else if (v->nr_words == 1 && !a->file) {
		v->count = cmd_u64(st, "count", arg, 1, UINT64_MAX - 1);
	} else {
		argp_error(st, "'%s' is one argument too many", arg);
	}
	v->nr_words++;
	return 0;
}

/* Of a trace there are the tables of the machine that it simulates. */
static void check_trace_table(const struct cmd_args *a)
{
	for (size_t i = 0; i < sizeof(machine_tables) / sizeof(machine_tables[0]); i++)
		if (!strcmp(machine_tables[i]->table.name, a->table))
			return;
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		if (!strcmp(tables[i]->name, a->table))
			cmd_usage(a, "--table=%s is not one of a trace: machine and counters are", a->table);
}

/* --table=NAME of this machine or a capture is the mode that prints it. */
static void choose_table(struct vmstat_args *v, const char *name, struct argp_state *st)
{
	static const struct { const struct mm_table *table; enum vmstat_mode mode; } modes[] = {
		{ &vmstat_disk_table, VMSTAT_DISKS }, { &vmstat_slab_table, VMSTAT_SLABS },
		{ &vmstat_sum_table, VMSTAT_SUMS },
		{ &vmstat_counter_table, VMSTAT_COUNTERS }, { &vmstat_partition_table, VMSTAT_PARTITION },
	};

	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
		if (!strcmp(modes[i].table->name, name))
			v->modes |= 1u << modes[i].mode;
	if (v->modes & 1u << VMSTAT_PARTITION && !v->partition)
		argp_error(st, "--table=%s needs -p", name);
	if (!strcmp(name, vmstat_machine_table.table.name))
		argp_error(st, "--table=%s needs a trace", name);
}

static error_t parse(int key, char *arg, struct argp_state *st)
{
	struct cmd_args *a = st->input;
	struct vmstat_args *v = a->own;

	switch (key) {
	case 'a': v->active = true; return 0;
	case 'f': v->modes |= 1u << VMSTAT_FORKS; return 0;
	case 'm': v->modes |= 1u << VMSTAT_SLABS; return 0;
	case 'n': v->one_header = true; return 0;
	case 's': v->modes |= 1u << VMSTAT_SUMS; return 0;
	case 'd': v->modes |= 1u << VMSTAT_DISKS; return 0;
	case 'D': v->modes |= 1u << VMSTAT_DISK_SUMS; return 0;
	case 'p':
		v->modes |= 1u << VMSTAT_PARTITION;
		v->partition = strncmp(arg, "/dev/", 5) ? arg : arg + 5;
		return 0;
	case 'S': parse_unit(v, arg, st); return 0;
	case 'w': v->wide = true; return 0;
	case 't': v->timestamp = true; return 0;
	case 'y': v->no_first = true; return 0;
	case 'h': argp_state_help(st, stdout, ARGP_HELP_STD_HELP); return 0;
	case ARGP_KEY_ARG: return parse_word(a, v, arg, st);
	case ARGP_KEY_END:
		if (a->table && v->modes & 1u << VMSTAT_TRACE)
			check_trace_table(a);
		else if (a->table)
			choose_table(v, a->table, st);
		if (v->modes & (v->modes - 1))
			argp_error(st, "choose one of -f -m -s -d -D -p, --table and a trace");
		for (v->mode = VMSTAT_REPORT; v->modes >> v->mode > 1; v->mode++)
			;
		return 0;
	default: return ARGP_ERR_UNKNOWN;
	}
}

/* Disks and partitions of this machine. */
static void list_disks(void)
{
	struct mm_proc_disks ds = { 0 };
	struct mm_error err = { 0 };
	struct mm_proc *p = NULL;

	if (!mm_proc_new(&p, NULL, &err) && !mm_proc_disks(p, &ds, &err))
		for (size_t i = 0; i < ds.nr; i++)
			printf("%s\ta disk or partition\n", ds.v[i].name);
	mm_proc_disks_free(&ds);
	mm_proc_free(p);
}

static bool list_values(const char *option)
{
	bool unit = !strcmp(option, "unit"), partition = !strcmp(option, "partition");

	if (unit)
		puts("k\t1000 bytes\nK\t1024 bytes\nm\t1000000 bytes\nM\t1048576 bytes");
	if (partition)
		list_disks();
	return unit || partition;
}

static unsigned int terminal_rows(void)
{
	struct winsize win;

	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &win) != -1 && win.ws_row ? win.ws_row : 24;
}

/* Of this machine or a capture. */
static void check_options(const struct cmd_args *a, struct vmstat_args *v)
{
	cmd_uses(a, CMD_FORM | CMD_OF_SYSTEM | (a->sysroot ? CMD_BIT(PAGE_SIZE) : 0), a->sysroot ? "a captured system" : "this machine");
	if (a->bytes && v->unit_given)
		cmd_usage(a, "--bytes and -S contradict each other: choose one");
	if (a->bytes) {
		v->bytes = true;
		v->unit = 1;
		v->unit_letter = 'B';
	}
	if (a->columns && cmd_is_human(a) && v->mode != VMSTAT_COUNTERS)
		cmd_usage(a, "--output has no meaning for vmstat's own form: use --csv");
}

static int run(struct cmd_args *a)
{
	static int (*const modes[])(struct cmd_args *, struct vmstat_args *) = {
		[VMSTAT_REPORT] = vmstat_report, [VMSTAT_DISKS] = vmstat_disks, [VMSTAT_SUMS] = vmstat_sums,
		[VMSTAT_SLABS] = vmstat_slabs, [VMSTAT_PARTITION] = vmstat_partition,
		[VMSTAT_DISK_SUMS] = vmstat_disk_sums, [VMSTAT_FORKS] = vmstat_forks,
		[VMSTAT_COUNTERS] = vmstat_counters, [VMSTAT_TRACE] = vmstat_trace,
	};
	struct vmstat_args *v = a->own;
	unsigned int rows;
	int err;

	if (v->mode == VMSTAT_TRACE)
		return vmstat_trace(a, v);
	if (a->every != CMD_EVERY_END)
		cmd_usage(a, "--every needs a trace; of a system the words delay and count tell");
	check_options(a, v);
	if (!v->one_header && cmd_is_human(a)) {
		rows = terminal_rows();
		v->height = rows > 3 ? rows - 3 : 22;
	}
	err = mm_proc_new(&v->proc, a->sysroot, &a->err);
	if (!err && a->page_size && a->sysroot)
		mm_proc_set_page_size(v->proc, a->page_size);
	if (!err)
		err = modes[v->mode](a, v);
	if (!err)
		err = cmd_tell_cut_off(a, mm_proc_cut_off(v->proc), 0);
	mm_proc_free(v->proc);
	return err;
}

static const struct cmd command = {
	.name = "mm-vmstat",
	.doc = "Report virtual memory, processes, disks and CPU activity of this machine, of a capture (--sysroot), "
	       "or of the machine that a trace simulates.\v"
	       "The first line is the mean since boot. With a delay, a line every DELAY seconds, COUNT times or "
	       "without end.",
	.args_doc = "[DELAY [COUNT]]\n[FILE|-]",
	.options = options,
	.parse = parse,
	.tables = tables,
	.nr_tables = sizeof(tables) / sizeof(tables[0]),
	.machine_tables = machine_tables,
	.nr_machine_tables = sizeof(machine_tables) / sizeof(machine_tables[0]),
	.default_table = "machine",
	.depth = MM_DEPTH_FULL,
	.procps_letters = true,
	.list_values = list_values,
	.run = run,
};

int main(int argc, char **argv)
{
	struct vmstat_args v = { .unit = 1024, .unit_letter = 'K', .delay = 1, .count = 1 };

	return cmd_main(&command, argc, argv, &v);
}
