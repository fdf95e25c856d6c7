/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a command can be asked about itself: -t help, -M help, -S help,
 * --from=help, and --list-options. The shells' completions ask these too
 * (completions/), so that what they offer is what the command takes.
 */
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <libmm/source.h>

#include "cmd.h"
#include "cmd_internal.h"

enum { MAX_TABLES = 64 };

static size_t tables_of(const struct cmd *c, const struct mm_table *all[MAX_TABLES])
{
	size_t n = 0;

	for (size_t i = 0; i < c->nr_tables && n < MAX_TABLES; i++)
		all[n++] = c->tables[i];
	for (size_t i = 0; i < c->nr_machine_tables && n < MAX_TABLES; i++)
		all[n++] = &c->machine_tables[i]->table;
	return n;
}

static void list_tables(struct cmd_args *a)
{
	const struct mm_table *all[MAX_TABLES];
	size_t n = tables_of(a->cmd, all);

	mm_table_help(&a->out, all, n);
}

static void list_machines(struct cmd_args *a)
{
	for (const struct mm_builtin_machine *b = mm_builtin_machines; b->name; b++)
		mm_output_printf(&a->out, "%-12s %s\n", b->name, b->help);
	mm_output_printf(&a->out, "%-12s %s\n", "live", "this machine");
}

static void list_sysctls(struct cmd_args *a)
{
	struct mm_sysctl_info t;

	for (size_t i = 0; mm_sysctl_info(i, &t); i++) {
		mm_output_printf(&a->out, "%-32s %s (", t.name, t.help);
		if (t.def >= t.min)
			mm_output_printf(&a->out, "default %" PRId64 ", ", t.def);
		if (t.max >= INT32_MAX)
			mm_output_printf(&a->out, "from %" PRId64 ")\n", t.min);
		else
			mm_output_printf(&a->out, "%" PRId64 "..%" PRId64 ")\n", t.min, t.max);
	}
	mm_output_printf(&a->out, "%-32s %s\n", mm_sysctl_name(MM_SYSCTL_LOWMEM_RESERVE_RATIO),
			 "what higher zones' requests leave in lower ones: 4 numbers (default 256 256 32 0)");
	mm_output_printf(&a->out, "%-32s %s\n", mm_sysctl_name(MM_SYSCTL_SLUB_DEBUG),
			 "boot, SLUB: checks by letter, of caches by name: FZPUTAO-[,CACHE...][;...] (default none; empty FZPU)");
}

static bool is_taken(const struct cmd *c, size_t kind) { return c->captures >> kind & 1; }

static void list_formats(struct cmd_args *a)
{
	static const struct { const char *word, *help; } kinds[] = {
#define X(sym, word, help) { word, help },
		MM_SOURCE_KINDS(X)
#undef X
	};
	const char *name, *help;

	for (size_t i = 0; (name = mm_trace_format_name(i, &help)) != NULL; i++)
		mm_output_printf(&a->out, "%-12s %s\n", name, help);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (is_taken(a->cmd, i + 1))
			mm_output_printf(&a->out, "%-12s %s\n", kinds[i].word, kinds[i].help);
}

static bool asks_help(const char *arg) { return arg && !strcmp(arg, "help"); }

bool cmd_help(struct cmd_args *a)
{
	if (asks_help(a->table))
		list_tables(a);
	else if (asks_help(a->machine))
		list_machines(a);
	else if (asks_help(a->from) && !a->cmd->no_formats)
		list_formats(a);
	else if (a->sysctl_help)
		list_sysctls(a);
	else
		return false;
	return true;
}

void cmd_list_options(const struct argp_option *o)
{
	for (; o && (o->name || o->key || o->doc); o++)
		if (o->name && !(o->flags & OPTION_HIDDEN))
			printf("--%s\t%c\t%s\t%s\n", o->name, o->key > ' ' && o->key < 127 ? o->key : '-',
			       o->arg ? o->arg : "", o->doc ? o->doc : "");
}

/* ---- values, for the shells' completions: a value, a tab and what it is, one a line ---- */

static void table_values(const struct cmd_args *a)
{
	const struct mm_table *all[MAX_TABLES];
	size_t n = tables_of(a->cmd, all);

	for (size_t i = 0; i < n; i++)
		printf("%s\t%s\n", all[i]->name, all[i]->help);
	if (a->cmd->computes)
		puts("trace\tthe trace itself");
}

/* Columns of the table that was named before, else of all: a name that several have is given once. */
static void column_values(const struct cmd_args *a)
{
	const struct mm_table *all[MAX_TABLES];
	size_t n = tables_of(a->cmd, all);

	for (size_t i = 0; i < n; i++)
		for (size_t c = 0; c < all[i]->nr_columns; c++) {
			bool seen = a->table && strcmp(a->table, all[i]->name);

			for (size_t j = 0; j < i && !a->table && !seen; j++)
				for (size_t d = 0; d < all[j]->nr_columns && !seen; d++)
					seen = !strcmp(all[j]->columns[d].name, all[i]->columns[c].name);
			if (!seen)
				printf("%s\t%s\n", all[i]->columns[c].name, all[i]->columns[c].help);
		}
}

static void machine_values(void)
{
	for (const struct mm_builtin_machine *b = mm_builtin_machines; b->name; b++)
		printf("%s\t%s\n", b->name, b->help);
	puts("live\tthis machine");
}

static void format_values(const struct cmd *c)
{
	const char *name, *help;

	if (c->no_formats)
		return;
	for (size_t i = 0; (name = mm_trace_format_name(i, &help)) != NULL; i++)
		printf("%s\t%s\n", name, help);
	for (int k = MM_SOURCE_UNKNOWN + 1; k < MM_NR_SOURCE_KINDS; k++)
		if (is_taken(c, (size_t)k))
			printf("%s\ta capture\n", mm_source_kind_word((enum mm_source_kind)k));
}

static void sysctl_values(void)
{
	struct mm_sysctl_info t;

	for (size_t i = 0; mm_sysctl_info(i, &t); i++)
		printf("%s=\t%s\n", t.name, t.help);
	printf("%s=\tfour numbers\n", mm_sysctl_name(MM_SYSCTL_LOWMEM_RESERVE_RATIO));
	printf("%s=\tFZPUTAO-[,CACHE...][;...]\n", mm_sysctl_name(MM_SYSCTL_SLUB_DEBUG));
}

static void pid_values(void)
{
	DIR *proc = opendir("/proc");
	struct dirent *d;

	while (proc && (d = readdir(proc)) != NULL)
		if (d->d_name[0] > '0' && d->d_name[0] <= '9')
			printf("%s\ta process\n", d->d_name);
	if (proc)
		closedir(proc);
}

void cmd_list_values(const struct cmd_args *a, const char *option)
{
	if (a->cmd->list_values && a->cmd->list_values(option))
		return;
	if (!strcmp(option, "table"))
		table_values(a);
	else if (!strcmp(option, "output"))
		column_values(a);
	else if (!strcmp(option, "machine"))
		machine_values();
	else if (!strcmp(option, "from"))
		format_values(a->cmd);
	else if (!strcmp(option, "sysctl"))
		sysctl_values();
	else if (!strcmp(option, "pid"))
		pid_values();
	else if (!strcmp(option, "every"))
		puts("0.5\tseconds of trace time\n1000ev\tevents\nmark\tmark rows");
}
