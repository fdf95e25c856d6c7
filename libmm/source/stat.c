/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * /proc/stat: "cpu" lines in clock ticks, then sums since boot.  Old kernels
 * write fewer numbers a line; what is not there is 0.  A sum that has no line is missing: the file was cut off.  Of the line "intr"
 * only the first number, the sum, is read.  Source: Linux 6.6 fs/proc/stat.c.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/grow.h"
#include "source/proc.h"
#include "source/scan.h"

enum { NR_TICKS = sizeof(struct mm_proc_ticks) / sizeof(uint64_t), MAX_CPUS = 1 << 16 };
#define MISSING	UINT64_MAX	/* as MM_MISSING_U64 of <libmm/table.h> */

static void parse_ticks(struct mm_str line, struct mm_proc_ticks *t)
{
	uint64_t *v = (uint64_t *)t;
	size_t n = 0;

	while (n < NR_TICKS && scan_u64(&line, &v[n]))
		n++;
	while (n < NR_TICKS)
		v[n++] = 0;
}

static int add_cpu(struct mm_proc_stat *st, struct mm_str line)
{
	uint64_t id;

	if (!scan_u64(&line, &id) || id > UINT32_MAX || st->nr_cpus >= MAX_CPUS)
		return 0;
	if (st->nr_cpus == st->cap) {
		size_t cap = st->cap;

		if (mm_grow(&st->cpu, st->nr_cpus, &cap, sizeof(*st->cpu)))
			return -ENOMEM;
		cap = st->cap;
		if (mm_grow(&st->cpu_id, st->nr_cpus, &cap, sizeof(*st->cpu_id)))
			return -ENOMEM;
		st->cap = cap;
	}
	st->cpu_id[st->nr_cpus] = (uint32_t)id;
	parse_ticks(line, &st->cpu[st->nr_cpus++]);
	return 0;
}

static const struct { const char *key; uint8_t len; uint8_t slot; } sums[] = {
#define X(field, word) { word " ", sizeof(word), offsetof(struct mm_proc_stat, field) / sizeof(uint64_t) },
	X(intr, "intr") X(ctxt, "ctxt") X(btime, "btime") X(processes, "processes")
	X(procs_running, "procs_running") X(procs_blocked, "procs_blocked")
#undef X
};

static void parse_sum(struct mm_str line, struct mm_proc_stat *st)
{
	for (size_t k = 0; k < sizeof(sums) / sizeof(sums[0]); k++)
		if (scan_prefix(&line, sums[k].key, sums[k].len)) {
			scan_u64(&line, (uint64_t *)st + sums[k].slot);
			return;
		}
}

int mm_proc_stat(struct mm_proc *p, struct mm_proc_stat *st, struct mm_error *err)
{
	struct mm_str text, line;
	bool seen = false;
	int code = mm_proc_read(p, "proc/stat", &text, err);

	if (code)
		return code;
	st->nr_cpus = 0;
	for (size_t k = 0; k < sizeof(sums) / sizeof(sums[0]); k++)
		((uint64_t *)st)[sums[k].slot] = MISSING;
	while (scan_whole_line(&text, &line)) {
		if (scan_word(&line, "cpu")) {
			if (line.len && *line.p == ' ') {
				parse_ticks(line, &st->all);
				seen = true;
			} else if (add_cpu(st, line)) {
				return mm_error_set(err, -ENOMEM, "out of memory");
			}
		} else {
			parse_sum(line, st);
		}
	}
	return seen ? 0 : mm_error_set(err, -EINVAL, "%s/proc/stat: no line cpu", p->name);
}

void mm_proc_stat_free(struct mm_proc_stat *st)
{
	free(st->cpu);
	free(st->cpu_id);
	*st = (struct mm_proc_stat){ 0 };
}
