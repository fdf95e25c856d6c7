/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The options that all commands share: one table, from which --help and the
 * completions come, and one parser.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <libmm/csv.h>

#include "cmd.h"
#include "cmd_internal.h"

const char *argp_program_version = "mm-tools " PACKAGE_VERSION;

enum {
	OPT_RAM = 0x200, OPT_MEMORY_MAX, OPT_SWAP, OPT_LIVE, OPT_SYSROOT, OPT_FROM, OPT_STRICT, OPT_AUTOMAP, OPT_EVERY,
	OPT_CPUS, OPT_PAGE_SIZE, OPT_CSV, OPT_HUMAN, OPT_PROGRESS, OPT_CHECK, OPT_LIST_OPTIONS, OPT_LIST_VALUES,
	/* without their letters, where procps has them */
	OPT_MACHINE = 0x300, OPT_SYSCTL, OPT_TABLE, OPT_OUTPUT, OPT_NOHEADINGS, OPT_BYTES,
};

#define COMMON(machine, sysctl, table, output, noheadings, bytes)						\
	{ "table", table, "NAME", 0, "Print this table; 'help' lists them, 'trace' is the trace", 1 },		\
	{ "output", output, "LIST", 0, "Print these columns; '+NAME' adds one", 1 },				\
	{ "noheadings", noheadings, NULL, 0, "Print no header", 1 },						\
	{ "bytes", bytes, NULL, 0, "Print sizes in bytes", 1 },							\
	{ "csv", OPT_CSV, NULL, 0, "Print CSV, also on a terminal", 1 },					\
	{ "human", OPT_HUMAN, NULL, 0, "Print aligned columns, also into a pipe", 1 },				\
	{ "every", OPT_EVERY, "INTERVAL", 0, "The table every 0.5 (seconds of trace time), 100ev (events) or mark", 1 }, \
	{ "live", OPT_LIVE, NULL, 0, "Read this machine's own kernel files", 2 },				\
	{ "sysroot", OPT_SYSROOT, "DIR", 0, "Read the same files below DIR", 2 },				\
	{ "page-size", OPT_PAGE_SIZE, "SIZE", 0, "A capture counts in pages of SIZE, where its files do not tell", 2 },	\
	{ "from", OPT_FROM, "FORMAT", 0, "The input's format, instead of telling by its content; 'help' lists them", 2 },	\
	{ "strict", OPT_STRICT, NULL, 0, "What would be skipped and counted is an error", 2 },			\
	{ "automap", OPT_AUTOMAP, NULL, 0, "Map anonymous memory under accesses that hit none", 2 },		\
	{ "machine", machine, "SRC", 0,										\
	  "The machine to drive: a built-in name ('help' lists them), a regions table, a capture, a directory, 'live'", 3 }, \
	{ "ram", OPT_RAM, "SIZE", 0, "No more RAM than SIZE", 3 },						\
	{ "memory-max", OPT_MEMORY_MAX, "SIZE", 0, "A cgroup limit on the workload", 3 },			\
	{ "swap", OPT_SWAP, "SIZE", 0, "Size of the swap device, 0 for none", 3 },				\
	{ "sysctl", sysctl, "NAME=VALUE", 0, "A tunable under its kernel name; 'help' lists them", 3 },	\
	{ "cpus", OPT_CPUS, "N", 0, "CPUs of the machine", 3 },							\
	{ "progress", OPT_PROGRESS, NULL, 0, "Tell on stderr how far the input is read", 4 },			\
	{ "check", OPT_CHECK, NULL, 0, "Verify every structure after every event (slow)", 4 },			\
	{ "list-options", OPT_LIST_OPTIONS, NULL, OPTION_HIDDEN, NULL, 4 },					\
	{ "list-values", OPT_LIST_VALUES, "OPTION", OPTION_HIDDEN, NULL, 4 },					\
	{ 0 }

static const struct argp_option options[] = { COMMON('M', 'S', 't', 'o', 'n', 'b') };
static const struct argp_option procps_options[] = {
	COMMON(OPT_MACHINE, OPT_SYSCTL, OPT_TABLE, OPT_OUTPUT, OPT_NOHEADINGS, OPT_BYTES)
};

uint64_t cmd_u64(struct argp_state *st, const char *option, const char *arg, uint64_t min, uint64_t max)
{
	uint64_t v = 0;

	if (mm_parse_u64((struct mm_str){ arg, strlen(arg) }, &v) || v < min || v > max)
		argp_error(st, "%s: expected a number in %" PRIu64 "..%" PRIu64 ", found '%s'", option, min, max, arg);
	return v;
}

uint64_t cmd_size(struct argp_state *st, const char *option, const char *arg)
{
	uint64_t v = 0;

	if (mm_parse_size(arg, &v))
		argp_error(st, "%s: expected a size such as 64M, found '%s'", option, arg);
	return v;
}

/* A page at least: nothing runs in less, and 0 is not "no limit". */
static uint64_t some_memory(struct argp_state *st, const char *option, const char *arg)
{
	uint64_t v = cmd_size(st, option, arg);

	if (v < MM_PAGE_SIZE)
		argp_error(st, "%s: expected a size of 4K at least, found '%s'", option, arg);
	return v;
}

static uint32_t page_size(struct argp_state *st, const char *arg)
{
	uint64_t v = cmd_size(st, "--page-size", arg);

	if (v < 4096 || v > 1 << 20 || v & (v - 1))
		argp_error(st, "--page-size: expected a power of two in 4K..1M, found '%s'", arg);
	return (uint32_t)v;
}

static void add_seed(struct argp_state *st, struct cmd_args *a, const char *arg)
{
	const char *colon = strchr(arg, ':');
	char pid[16];

	if (!colon || colon == arg || (size_t)(colon - arg) >= sizeof(pid) || !colon[1])
		argp_error(st, "--seed: expected PID:FILE, found '%s'", arg);
	if (a->nr_seeds == CMD_MAX_SEEDS)
		argp_error(st, "--seed: expected at most %d of them", (int)CMD_MAX_SEEDS);
	memcpy(pid, arg, (size_t)(colon - arg));
	pid[colon - arg] = 0;
	a->seeds[a->nr_seeds] = (struct cmd_seed){ (uint32_t)cmd_u64(st, "--seed", pid, 0, INT32_MAX), colon + 1 };
	for (size_t i = 0; i < a->nr_seeds; i++)
		if (a->seeds[i].pid == a->seeds[a->nr_seeds].pid)
			argp_error(st, "--seed: expected the mappings of process %s once, found them twice", pid);
	a->nr_seeds++;
}

error_t cmd_parse_seed(int key, char *arg, struct argp_state *st)
{
	struct cmd_args *a = st->input;

	switch (key) {
	case CMD_OPT_SEED:
		add_seed(st, a, arg);
		return 0;
	case CMD_OPT_MMAP_BASE:
		a->config.mmap_base = cmd_u64(st, "--mmap-base", arg, 1, UINT64_MAX);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static void parse_every(struct argp_state *st, struct cmd_args *a, const char *arg)
{
	size_t n = strlen(arg);

	if (!strcmp(arg, "mark")) {
		a->every = CMD_EVERY_MARK;
	} else if (n > 2 && !strcmp(arg + n - 2, "ev") && !mm_parse_u64((struct mm_str){ arg, n - 2 }, &a->interval) &&
		   a->interval) {
		a->every = CMD_EVERY_EVENTS;
	} else if (!mm_parse_seconds((struct mm_str){ arg, n }, &a->interval) && a->interval) {
		a->every = CMD_EVERY_SECONDS;
	} else {
		argp_error(st, "--every: expected seconds (0.5), events (100ev) or mark, found '%s'", arg);
	}
}

static void parse_sysctl(struct argp_state *st, struct cmd_args *a, const char *arg)
{
	const char *eq = strchr(arg, '=');
	struct mm_error err;

	if (!strcmp(arg, "help"))
		a->sysctl_help = true;
	else if (!eq)
		argp_error(st, "--sysctl: expected NAME=VALUE, found '%s'", arg);
	else if (mm_sysctls_set(&a->config.sysctl, (struct mm_str){ arg, (size_t)(eq - arg) },
				(struct mm_str){ eq + 1, strlen(eq + 1) }, &err))
		argp_error(st, "--sysctl: %s", err.text);
}

static error_t parse_machine(int key, char *arg, struct argp_state *st, struct cmd_args *a)
{
	struct mm_machine_config *cfg = &a->config;

	switch (key) {
	case 'M': case OPT_MACHINE: a->machine = arg; return 0;
	case OPT_RAM: cfg->ram_bytes = some_memory(st, "--ram", arg); a->ram_given = true; return 0;
	case OPT_MEMORY_MAX: cfg->memory_max_bytes = some_memory(st, "--memory-max", arg); a->memory_max_given = true; return 0;
	case OPT_SWAP: cfg->swap_bytes = cmd_size(st, "--swap", arg); a->swap_given = true; return 0;
	case 'S': case OPT_SYSCTL: parse_sysctl(st, a, arg); return 0;
	case OPT_CPUS: cfg->nr_cpus = (uint32_t)cmd_u64(st, "--cpus", arg, 1, MM_MAX_CPUS); a->cpus_given = true; return 0;
	case OPT_AUTOMAP: cfg->automap = true; return 0;
	case OPT_CHECK: cfg->check = true; return 0;
	default: return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option *options_of(const struct cmd *c) { return c->procps_letters ? procps_options : options; }

const char *cmd_option_name(const struct cmd *c, unsigned int i) { return options_of(c)[i].name; }

static error_t parse(int key, char *arg, struct argp_state *st)
{
	struct cmd_args *a = st->input;
	const struct argp_option *o = options_of(a->cmd);

	for (unsigned int i = 0; i < CMD_NR_OPTIONS; i++)
		if (o[i].key == key)
			a->given |= 1u << i;
	switch (key) {
	case 't': case OPT_TABLE: a->table = arg; return 0;
	case 'o': case OPT_OUTPUT: a->columns = arg; return 0;
	case 'n': case OPT_NOHEADINGS: a->noheadings = true; return 0;
	case 'b': case OPT_BYTES: a->bytes = true; return 0;
	case OPT_CSV: a->form = CMD_FORM_CSV; return 0;
	case OPT_HUMAN: a->form = CMD_FORM_HUMAN; return 0;
	case OPT_EVERY: parse_every(st, a, arg); return 0;
	case OPT_LIVE: a->live = true; return 0;
	case OPT_SYSROOT: a->sysroot = arg; return 0;
	case OPT_PAGE_SIZE: a->page_size = page_size(st, arg); return 0;
	case OPT_FROM: a->from = arg; return 0;
	case OPT_STRICT: a->strict = true; return 0;
	case OPT_PROGRESS: a->progress = true; return 0;
	case OPT_LIST_OPTIONS:
		cmd_list_options(a->cmd->options);
		cmd_list_options(o);
		exit(fflush(stdout) ? EXIT_FAILURE : EXIT_SUCCESS);
	case OPT_LIST_VALUES:
		cmd_list_values(a, arg);
		exit(fflush(stdout) ? EXIT_FAILURE : EXIT_SUCCESS);
	default:
		return parse_machine(key, arg, st, a);
	}
}

const struct argp cmd_common_argp = { options, parse, NULL, NULL, NULL, NULL, NULL };
const struct argp cmd_procps_argp = { procps_options, parse, NULL, NULL, NULL, NULL, NULL };
