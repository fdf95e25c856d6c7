/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mm-reclaim: LRU, second chance, MGLRU, swap, memcg limits and the OOM killer
 *
 * Replays a trace and tells what reclaim did (-t summary, lru, oom); explains
 * OOM reports of a kernel log; weighs the tasks of a captured machine.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <libmm/csv.h>
#include <libmm/oom.h>
#include <libmm/policy.h>

#include "cmd.h"
#include "reclaim.h"

enum { OPT_EXPLAIN_OOM = 0x400, OPT_SWEEP, OPT_POLICY, OPT_OOM_SCORE_ADJ, OPT_OOM_REPORT, OPT_SAMPLE };
enum { MAX_ADJS = 256, MAX_SWEEPS = 2 };

struct own {
	const char *explain_oom, *oom_report;
	const char *sweeps[MAX_SWEEPS];
	size_t nr_sweeps;
	unsigned int policies;		/* bit by enum mm_policy_kind */
	uint64_t sample;		/* of 2^32 pages, 0: all */
	struct mm_oom_adj adjs[MAX_ADJS];
	size_t nr_adjs;
};

static const struct argp_option options[] = {
	{ "explain-oom", OPT_EXPLAIN_OOM, "FILE", 0, "Explain the OOM reports of a kernel log", 0 },
	{ "oom-score-adj", OPT_OOM_SCORE_ADJ, "PID:ADJ", 0,
	  "With --explain-oom: had process PID this oom_score_adj (also --memory-max, --ram, --swap)", 0 },
	{ "oom-report", OPT_OOM_REPORT, "FILE", 0,
	  "Write what the simulated kernel's log says when memory runs out, in the kernel's own form", 0 },
	{ "sweep", OPT_SWEEP, "PARAM=LO..HI:N", 0,
	  "Replay at N values of memory-max, ram, swap or a tunable, in parallel (table curve); twice: at each pair of values", 0 },
	{ "policy", OPT_POLICY, "LIST", 0,
		"Instead of the kernel: lru, fifo, clock, second-chance, opt (joined by commas) on the page"
	  " references, in as many frames as --memory-max holds or --sweep=memory-max goes through", 0 },
	{ "sample", OPT_SAMPLE, "RATE", 0,
	  "With --policy: look at this share of the pages only (0.001, 1%), chosen by a hash, and tell the error", 0 },
	{ 0 }
};

/* "lru,opt" */
static void parse_policies(struct argp_state *st, struct own *o, const char *arg)
{
	for (const char *p = arg; ; ) {
		size_t len = strcspn(p, ",");
		int k = mm_policy_parse((struct mm_str){ p, len });

		if (k < 0)
			argp_error(st, "--policy: expected lru, fifo, clock, second-chance or opt, found '%.*s'",
				   (int)len, p);
		else
			o->policies |= 1u << k;
		if (!p[len])
			return;
		p += len + 1;
	}
}

/* "0.01", "1%": of 2^32 */
static uint64_t parse_rate(struct argp_state *st, const char *arg)
{
	char *end;
	double v = strtod(arg, &end);

	if (*end == '%' && !end[1]) {
		v /= 100;
		end++;
	}
	if (end == arg || *end || !(v > 0 && v <= 1) || v * 4294967296.0 < 64)
		argp_error(st, "--sample: expected a share above 0 and up to 1, such as 0.001 or 1%%, found '%s'", arg);
	return (uint64_t)(v * 4294967296.0);
}

/* "PID:ADJ" */
static void parse_adj(struct argp_state *st, struct own *o, const char *arg)
{
	const char *colon = strchr(arg, ':');
	char pid[16];
	int64_t adj;

	if (o->nr_adjs == MAX_ADJS)
		argp_error(st, "--oom-score-adj: at most %d of them", (int)MAX_ADJS);
	else if (!colon || (size_t)(colon - arg) >= sizeof(pid) ||
		 mm_parse_i64((struct mm_str){ colon + 1, strlen(colon + 1) }, &adj) || adj < MM_OOM_SCORE_ADJ_MIN ||
		 adj > MM_OOM_SCORE_ADJ_MAX)
		argp_error(st, "--oom-score-adj: expected PID:ADJ with ADJ in -1000..1000, found '%s'", arg);
	else {
		memcpy(pid, arg, (size_t)(colon - arg));
		pid[colon - arg] = 0;
		o->adjs[o->nr_adjs].pid = (uint32_t)cmd_u64(st, "oom-score-adj", pid, 1, UINT32_MAX);
		o->adjs[o->nr_adjs++].oom_score_adj = (int32_t)adj;
	}
}

static error_t parse(int key, char *arg, struct argp_state *st)
{
	struct cmd_args *a = st->input;
	struct own *o = a->own;

	switch (key) {
	case OPT_EXPLAIN_OOM:
		o->explain_oom = arg;
		return 0;
	case OPT_OOM_SCORE_ADJ:
		parse_adj(st, o, arg);
		return 0;
	case OPT_OOM_REPORT:
		o->oom_report = arg;
		return 0;
	case OPT_POLICY:
		parse_policies(st, o, arg);
		return 0;
	case OPT_SAMPLE:
		o->sample = parse_rate(st, arg);
		return 0;
	case OPT_SWEEP:
		if (o->nr_sweeps == MAX_SWEEPS)
			argp_error(st, "--sweep: at most %d of them", (int)MAX_SWEEPS);
		else
			o->sweeps[o->nr_sweeps++] = arg;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static bool list_values(const char *option)
{
	static const struct { const char *word, *help; } policies[] = {
#define X(sym, word, help) { word, help },
		MM_POLICIES(X)
#undef X
	};
	struct mm_sysctl_info t;

	if (!strcmp(option, "policy")) {
		for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++)
			printf("%s\t%s\n", policies[i].word, policies[i].help);
		return true;
	}
	if (strcmp(option, "sweep"))
		return false;
	puts("memory-max=\ta cgroup limit on the workload\nram=\tno RAM above this address\nswap=\tthe swap device");
	for (size_t i = 0; mm_sysctl_info(i, &t); i++)
		printf("%s=\t%s\n", t.name, t.help);
	return true;
}

static void write_report(void *arg, const char *text, size_t len)
{
	fwrite(text, 1, len, arg);		/* an error sticks to the file */
}

static int replay_with_report(struct cmd_args *a, const char *path)
{
	struct cmd_file f;
	int e = cmd_file_begin(&f, path, &a->err);

	if (e)
		return e;
	a->config.oom_report = write_report;
	a->config.oom_report_arg = f.out;
	return cmd_file_end(&f, cmd_replay(a), &a->err);
}

/* On a terminal sentences, unless -t asks for the table. */
static int explain_oom(struct cmd_args *a, const struct own *o)
{
	if (a->table)
		cmd_one_table(a, "--explain-oom=FILE", true, reclaim_oom_table.name);
	if (a->file)
		cmd_usage(a, "--explain-oom=%s has its own input: found FILE %s too", o->explain_oom, a->file);
	cmd_uses(a, CMD_FORM | CMD_BIT(PAGE_SIZE), "--explain-oom");
	return reclaim_explain_oom(a, o->explain_oom, o->adjs, o->nr_adjs);
}

static int run(struct cmd_args *a)
{
	struct own *o = a->own;

	a->config.tells_need = true;
	if (o->explain_oom)
		return explain_oom(a, o);
	if (o->nr_adjs)
		cmd_usage(a, "--oom-score-adj needs --explain-oom");
	if (o->policies && o->oom_report)
		cmd_usage(a, "--oom-report is the kernel's: --policy has none");
	cmd_one_table(a, "--policy=LIST", o->policies, reclaim_policy_table.name);
	if (!o->policies)
		cmd_one_table(a, "--sweep=PARAM=LO..HI:N", o->nr_sweeps, reclaim_curve_table.name);
	if (o->policies && o->nr_sweeps > 1)
		cmd_usage(a, "--policy takes one --sweep");
	if (o->policies)
		return reclaim_policies(a, o->policies, o->sweeps[0], o->sample ? o->sample : UINT64_C(1) << 32);
	if (o->sample)
		cmd_usage(a, "--sample needs --policy: the kernel's own policy is not blind to which pages there are");
	if (a->table && !strcmp(a->table, "oom") && (a->sysroot || a->live) && !a->file)
		return reclaim_inspect_oom(a);
	if (a->table && !strcmp(a->table, mm_table_memcg.table.name) && (a->sysroot || a->live) && !a->file)
		return reclaim_inspect_memcg(a);
	if (o->nr_sweeps && o->oom_report)
		cmd_usage(a, "--oom-report is that of one machine: found --sweep too");
	if (o->nr_sweeps)
		return reclaim_sweep(a, o->sweeps, o->nr_sweeps);
	return o->oom_report ? replay_with_report(a, o->oom_report) : cmd_replay(a);
}

static const struct mm_table *const tables[] = { &reclaim_oom_table, &reclaim_curve_table, &reclaim_policy_table };
static const struct mm_machine_table *const machine_tables[] = { &mm_table_summary, &mm_table_lru, &mm_table_memcg,
	&mm_table_memory_files, &mm_table_oom, &mm_table_counters };

static const struct cmd cmd = {
	.name = "mm-reclaim",
	.doc = "Replay a trace and tell what page reclaim did; explain OOM reports",
	.args_doc = "[FILE]",
	.options = options,
	.parse = parse,
	.tables = tables,
	.nr_tables = sizeof(tables) / sizeof(tables[0]),
	.machine_tables = machine_tables,
	.nr_machine_tables = sizeof(machine_tables) / sizeof(machine_tables[0]),
	.depth = MM_DEPTH_FULL,
	.effect_columns = MM_TC_BIT(PID) | MM_TC_BIT(EVENT) | MM_TC_BIT(ADDR) | MM_TC_BIT(SIZE) | MM_TC_BIT(FLAGS) |
			  MM_TC_BIT(NAME) | MM_TC_BIT(RESULT) | MM_TC_BIT(BY),
	.computes = 1u << MM_BY_BUDDY | 1u << MM_BY_SLAB | 1u << MM_BY_VMA | 1u << MM_BY_FAULT | 1u << MM_BY_RECLAIM | 1u << MM_BY_OOM,
	.list_values = list_values,
	.run = run,
};

int main(int argc, char **argv)
{
	struct own own = { 0 };

	return cmd_main(&cmd, argc, argv, &own);
}
