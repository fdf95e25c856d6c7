/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Options that all commands take, and what of them a way of working looks at: one that nothing looks at is said to have no
 * meaning there, rather than passed over in silence; so are two that contradict each other.
 *
 * The commands of a pipeline may all be given the same machine, and how strictly to go about it: what a way of working has no use for of
 * that is no mistake.
 */
#include "cmd.h"
#include "cmd_internal.h"

#define GIVEN_ALIKE (CMD_BIT(RAM) | CMD_BIT(MEMORY_MAX) | CMD_BIT(SWAP) | CMD_BIT(SYSCTL) | CMD_BIT(CPUS) | \
		     CMD_BIT(STRICT) | CMD_BIT(PROGRESS) | CMD_BIT(CHECK))

void cmd_uses(const struct cmd_args *a, uint32_t used, const char *what)
{
	uint32_t idle = a->given & ~(used | GIVEN_ALIKE);

	if (idle)
		cmd_usage(a, "--%s has no meaning for %s", cmd_option_name(a->cmd, (unsigned int)__builtin_ctz(idle)), what);
}

/* What a replay to @depth looks at. @table: it prints one at the end, else the trace, in which all of the machine goes on. */
static uint32_t of_replay(const struct cmd_args *a, bool table)
{
	uint32_t used = CMD_FORM | CMD_BIT(MACHINE) | CMD_BIT(FROM);

	if (table)
		used |= CMD_BIT(EVERY);
	if (a->cmd->depth >= MM_DEPTH_VMA)
		used |= CMD_BIT(AUTOMAP);
	if (a->config.sysroot)
		used |= CMD_BIT(PAGE_SIZE);
	return used;
}

void cmd_uses_replay(const struct cmd_args *a, bool table)
{
	if (!table && a->given & CMD_BIT(EVERY))
		cmd_usage(a, "--every cuts a table, and the trace is none: choose one with -t");
	cmd_uses(a, of_replay(a, table), table ? "this table of a trace" : "a trace");
}

void cmd_uses_machine(const struct cmd_args *a)
{
	uint32_t used = of_replay(a, true) & ~(CMD_BIT(FROM) | CMD_BIT(AUTOMAP) | CMD_BIT(EVERY));

	if (a->nr_seeds)
		cmd_usage(a, "--seed has no meaning for a machine without a trace");
	cmd_uses(a, used, "a machine without a trace");
}

void cmd_check_contradictions(const struct cmd_args *a)
{
	if (a->given & CMD_BIT(CSV) && a->given & CMD_BIT(HUMAN))
		cmd_usage(a, "--csv and --human contradict each other: choose one");
	if ((a->live || a->sysroot) && a->machine)
		cmd_usage(a, "%s shows a system and --machine is one to drive: choose one", a->sysroot ? "--sysroot" : "--live");
	if ((a->live || a->sysroot) && a->file)
		cmd_usage(a, "%s shows a system and %s is another input: choose one", a->sysroot ? "--sysroot" : "--live", a->file);
}
