/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mm-fault - replay a trace through the MMU and the page-fault path */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"

enum { OPT_TLB = 0x4000, OPT_EXPLAIN, OPT_TLB_MISSES };

static const struct argp_option options[] = {
	CMD_SEED_OPTIONS,
	{ "explain", OPT_EXPLAIN, "PID:ADDR", 0, "Show how the MMU finds ADDR of process PID, level by level", 0 },
	{ "tlb", OPT_TLB, "PRESET", 0, "Geometry of the TLBs ('help' lists them; default: skylake)", 0 },
	{ "tlb-misses", OPT_TLB_MISSES, NULL, 0, "Add a tlb_miss row for each access that the TLB did not serve", 0 },
	{ 0 }
};

static void parse_explain(struct argp_state *st, struct cmd_args *a, const char *arg)
{
	const char *colon = strchr(arg, ':');
	char pid[16], *end;

	if (!colon || (size_t)(colon - arg) >= sizeof(pid))
		argp_error(st, "--explain: expected PID:ADDR, found '%s'", arg);
	memcpy(pid, arg, (size_t)(colon - arg));
	pid[colon - arg] = '\0';
	a->config.explain_pid = (uint32_t)cmd_u64(st, "--explain", pid, 1, UINT32_MAX);
	errno = 0;
	a->config.explain_vaddr = strtoull(colon + 1, &end, 16);
	if (end == colon + 1 || *end || errno || colon[1] == '-')
		argp_error(st, "--explain: expected an address in hex, found '%s'", colon + 1);
}

static void parse_tlb(struct argp_state *st, struct cmd_args *a, const char *arg)
{
	const char *help, *name;

	for (size_t i = 0; (name = mm_tlb_name(i, &help)); i++)
		if (!strcmp(arg, name)) {
			a->config.tlb = name;
			return;
		}
	if (!strcmp(arg, "help")) {
		for (size_t i = 0; (name = mm_tlb_name(i, &help)); i++)
			printf("%-8s  %s\n", name, help);
		exit(fflush(stdout) ? 1 : 0);
	}
	argp_error(st, "--tlb: no geometry '%s' (--tlb=help lists them)", arg);
}

static bool list_values(const char *option)
{
	const char *name, *help;

	if (strcmp(option, "tlb"))
		return false;
	for (size_t i = 0; (name = mm_tlb_name(i, &help)); i++)
		printf("%s\t%s\n", name, help);
	return true;
}

static error_t parse(int key, char *arg, struct argp_state *st)
{
	struct cmd_args *a = st->input;

	switch (key) {
	case OPT_EXPLAIN:
		parse_explain(st, a, arg);
		return 0;
	case OPT_TLB:
		parse_tlb(st, a, arg);
		return 0;
	case OPT_TLB_MISSES:
		a->config.tlb_misses = true;
		return 0;
	default:
		return cmd_parse_seed(key, arg, st);
	}
}

static int run(struct cmd_args *a)
{
	cmd_one_table(a, "--explain=PID:ADDR", a->config.explain_pid, mm_table_walk.table.name);
	return cmd_replay(a);
}

int main(int argc, char **argv)
{
	static const struct mm_machine_table *const tables[] = {
		&mm_table_faults, &mm_table_smaps, &mm_table_status, &mm_table_pagemap, &mm_table_tlb, &mm_table_pagetable, &mm_table_walk,
		&mm_table_counters, &mm_table_hugetlb, &mm_table_ksm, &mm_table_numa_maps, &mm_table_numastat, &mm_table_mismatches,
	};
	static const struct cmd cmd = {
		.name = "mm-fault", .args_doc = "[FILE]", .options = options, .parse = parse,
		.doc = "Replay the accesses of a trace through TLBs, page tables and the page-fault path of Linux 6.6."
		       "\vWithout -t the trace comes out again with a fault row for each page fault. Tables: faults, smaps, status, "
		       "pagemap, tlb, pagetable, walk, counters, hugetlb, ksm, numa_maps, numastat, mismatches; '-t help' lists "
		       "their columns.",
		.machine_tables = tables, .nr_machine_tables = sizeof(tables) / sizeof(tables[0]),
		.depth = MM_DEPTH_FULL,
		.effect_columns =
			MM_TC_BIT(PID) | MM_TC_BIT(EVENT) | MM_TC_BIT(ADDR) | MM_TC_BIT(SIZE) | MM_TC_BIT(FLAGS) |
				  MM_TC_BIT(NAME) | MM_TC_BIT(RESULT) | MM_TC_BIT(BY),
		.computes = 1u << MM_BY_FAULT | 1u << MM_BY_VMA | 1u << MM_BY_RECLAIM | 1u << MM_BY_OOM | 1u << MM_BY_BUDDY |
			    1u << MM_BY_SLAB,
		.list_values = list_values,
		.run = run,
	};

	return cmd_main(&cmd, argc, argv, NULL);
}
