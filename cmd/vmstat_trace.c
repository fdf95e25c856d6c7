/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A trace shown as vmstat would show the machine it runs on: a row every
 * interval of simulated time and one at the end.
 *
 * A simulated machine has no clock of its own but the trace's, no interrupts
 * and no CPU time: "r" counts its living tasks, swap and I/O are sums of the
 * interval rather than rates, and in place of in, cs and the CPU columns stand
 * what it has instead: accesses, faults, pages scanned and reclaimed.
 */
#include <string.h>

#include "vmstat.h"

struct trace_row {
	uint64_t r, swpd_kib, free_kib, cache_kib, inact_kib, active_kib;
	uint64_t si_kib, so_kib, bi_kib, bo_kib;
	uint64_t accesses, minflt, majflt, scan, steal, oom_kill;
};

#define TRACE(field, head, type, hidden, help) { #field, head, type, (uint32_t)offsetof(struct trace_row, field), hidden, help }
#define COL(field, head, help) TRACE(field, head, MM_COL_U64, false, help)
#define KIB(field, head, help) TRACE(field, head, MM_COL_KIB, false, help)
#define HIDDEN_KIB(field, head, help) TRACE(field, head, MM_COL_KIB, true, help)
static const struct mm_column columns[] = {
	COL(r, "r", "living tasks"),
	KIB(swpd_kib, "swpd", "swap in use"),
	KIB(free_kib, "free", "idle memory"),
	KIB(cache_kib, "cache", "page cache and reclaimable slab"),
	HIDDEN_KIB(inact_kib, "inact", "inactive memory"),
	HIDDEN_KIB(active_kib, "active", "active memory"),
	KIB(si_kib, "si", "swapped in during the interval"),
	KIB(so_kib, "so", "swapped out during the interval"),
	KIB(bi_kib, "bi", "read from block devices during the interval"),
	KIB(bo_kib, "bo", "written to block devices during the interval"),
	COL(accesses, "accesses", "loads, stores and fetches during the interval"),
	COL(minflt, "minflt", "minor page faults during the interval"),
	COL(majflt, "majflt", "major page faults during the interval"),
	COL(scan, "scan", "pages scanned by reclaim during the interval"),
	COL(steal, "steal", "pages reclaimed during the interval"),
	COL(oom_kill, "oom", "tasks killed for want of memory during the interval"),
};

static struct {		/* the counters at the end of the interval before */
	struct mm_vmstat stat;
	uint64_t accesses;
	bool begun;
} before;

static uint64_t pages(const struct mm_vmstat *s, enum mm_counter c)
{
	return s->v[c] > 0 ? (uint64_t)s->v[c] * (MM_PAGE_SIZE / 1024) : 0;
}

static uint64_t moved(const struct mm_vmstat *s, enum mm_counter c)
{
	return s->v[c] > before.stat.v[c] ? (uint64_t)(s->v[c] - before.stat.v[c]) : 0;
}

static int rows(struct mm_machine *m, struct mm_table_writer *w)
{
	const struct mm_vmstat *s = mm_machine_vmstat(m);
	struct mm_machine_load load;
	struct trace_row row;
	uint64_t faults;

	if (!before.begun)
		before.stat = *mm_machine_boot_vmstat(m);
	before.begun = true;
	mm_machine_load(m, &load);
	faults = moved(s, MM_PGFAULT);
	row = (struct trace_row){
		.r = load.tasks, .swpd_kib = load.swap_used_pages * (MM_PAGE_SIZE / 1024),
		.free_kib = pages(s, MM_NR_FREE_PAGES),
		.cache_kib = pages(s, MM_NR_FILE_PAGES) + pages(s, MM_NR_SLAB_RECLAIMABLE),
		.inact_kib = pages(s, MM_NR_INACTIVE_ANON) + pages(s, MM_NR_INACTIVE_FILE),
		.active_kib = pages(s, MM_NR_ACTIVE_ANON) + pages(s, MM_NR_ACTIVE_FILE),
		.si_kib = moved(s, MM_PSWPIN) * (MM_PAGE_SIZE / 1024),
		.so_kib = moved(s, MM_PSWPOUT) * (MM_PAGE_SIZE / 1024),
		.bi_kib = moved(s, MM_PGPGIN), .bo_kib = moved(s, MM_PGPGOUT),
		.accesses = load.accesses - before.accesses, .majflt = moved(s, MM_PGMAJFAULT),
		.scan = moved(s, MM_PGSCAN_ANON) + moved(s, MM_PGSCAN_FILE),
		.steal = moved(s, MM_PGSTEAL_ANON) + moved(s, MM_PGSTEAL_FILE), .oom_kill = moved(s, MM_OOM_KILL),
	};
	row.minflt = faults > row.majflt ? faults - row.majflt : 0;
	before.stat = *s;
	before.accesses = load.accesses;
	mm_table_writer_row(w, &row);
	return 0;
}

const struct mm_machine_table vmstat_machine_table = {
	MM_TABLE("machine", columns,
		 "the machine that a trace simulates, every interval (--every, else 1 s of its time)"), .rows = rows,
};

int vmstat_trace(struct cmd_args *a, struct vmstat_args *v)
{
	if (!a->table)
		a->table = vmstat_machine_table.table.name;
	if (v->active && !a->columns)
		a->columns = "+inact_kib,active_kib";
	if (a->every == CMD_EVERY_END && !strcmp(a->table, vmstat_machine_table.table.name)) {
		a->every = CMD_EVERY_SECONDS;
		a->interval = 1000000000;
	}
	return cmd_replay(a);
}
