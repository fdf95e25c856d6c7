/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What reclaim did, where pages are, and who the OOM killer would take: as tables.
 */
#include <libmm/oom.h>
#include <libmm/tables.h>

#include "cache/memcg.h"
#include "cache/swap.h"
#include "fault/fault.h"
#include "machine/machine.h"

/* ---- summary: the counters that tell of reclaim --------------------------- */

struct counter_row {
	const char *counter;
	int64_t value;
};

static const struct mm_column counter_columns[] = {
	MM_COLUMN(struct counter_row, counter, MM_COL_STR, "name in /proc/vmstat"),
	MM_COLUMN(struct counter_row, value, MM_COL_I64,
		  "pages or events since the machine booted, of the workload alone"),
};

static const enum mm_counter summary[] = {
	MM_PGFAULT, MM_PGMAJFAULT, MM_PGPGIN, MM_PGPGOUT, MM_PSWPIN, MM_PSWPOUT,
	MM_PGSCAN_ANON, MM_PGSCAN_FILE, MM_PGSTEAL_ANON, MM_PGSTEAL_FILE,
	MM_PGSCAN_KSWAPD, MM_PGSCAN_DIRECT, MM_PGSTEAL_KSWAPD, MM_PGSTEAL_DIRECT, MM_PGSCAN_DIRECT_THROTTLE,
	MM_PGACTIVATE, MM_PGDEACTIVATE, MM_PGREFILL, MM_PGREUSE, MM_PGROTATED, MM_PGLAZYFREE, MM_PGLAZYFREED,
	MM_WORKINGSET_REFAULT_ANON, MM_WORKINGSET_REFAULT_FILE, MM_WORKINGSET_ACTIVATE_ANON,
	MM_WORKINGSET_ACTIVATE_FILE,
	MM_WORKINGSET_RESTORE_ANON, MM_WORKINGSET_RESTORE_FILE,
	MM_SWAP_RA, MM_SWAP_RA_HIT, MM_ALLOCSTALL_DMA, MM_ALLOCSTALL_DMA32, MM_ALLOCSTALL_NORMAL, MM_ALLOCSTALL_MOVABLE,
	MM_PAGEOUTRUN, MM_NR_VMSCAN_WRITE, MM_NR_VMSCAN_IMMEDIATE_RECLAIM, MM_OOM_KILL,
};

static int summary_rows(struct mm_machine *m, struct mm_table_writer *w)
{
	const struct mm_vmstat *stat = mm_machine_vmstat(m);

	for (size_t i = 0; i < sizeof(summary) / sizeof(summary[0]); i++) {
		struct counter_row row = { mm_counter_name(summary[i]), stat->v[summary[i]] };

		if (summary[i] == MM_PGFAULT && m->fault)	/* what populate and mlock take is no access of the workload */
			row.value -= (int64_t)m->fault->gup_faults;
		mm_table_writer_row(w, &row);
	}
	return 0;
}

const struct mm_machine_table mm_table_summary = {
	MM_TABLE("summary", counter_columns, "what reclaim did, under /proc/vmstat's names"), .rows = summary_rows,
};

/* ---- lru: pages by memcg, node and list ----------------------------------- */

struct lru_row {
	const char *memcg;
	uint64_t node;
	const char *list;
	uint64_t generation, pages;
};

static const struct mm_column lru_columns[] = {
	MM_COLUMN(struct lru_row, memcg, MM_COL_STR, "memory cgroup, / for the root"),
	MM_COLUMN(struct lru_row, node, MM_COL_U64, "memory node"),
	MM_COLUMN(struct lru_row, list, MM_COL_STR, "list as in /proc/vmstat; anon or file with MGLRU"),
	MM_COLUMN(struct lru_row, generation, MM_COL_U64, "sequence number of the generation; empty without MGLRU"),
	MM_COLUMN(struct lru_row, pages, MM_COL_U64, "pages of 4 KiB on it"),
};

static void gen_rows(struct mm_table_writer *w, const struct mm_lruvec *v, struct lru_row *row)
{
	for (unsigned int type = 0; type < MM_ANON_AND_FILE; type++)
		for (uint64_t seq = v->lrugen.min_seq[type]; seq <= v->lrugen.max_seq; seq++) {
			row->list = type ? "file" : "anon";
			row->generation = seq;
			row->pages = 0;
			for (unsigned int z = 0; z < MM_MAX_NR_ZONES; z++)
				row->pages += (uint64_t)v->lrugen.nr_pages[mm_lru_gen_from_seq(seq)][type][z];
			mm_table_writer_row(w, row);
		}
}

static void lruvec_rows(struct mm_table_writer *w, const struct mm_memcg *memcg, uint32_t node)
{
	static const char *const lists[] = { "inactive_anon", "active_anon", "inactive_file", "active_file", "unevictable" };
	struct lru_row row = { .memcg = memcg->name, .node = node, .generation = MM_MISSING_U64 };
	const struct mm_lruvec *v = memcg->lruvec[node];

	if (v->lrugen.enabled)
		gen_rows(w, v, &row);
	row.generation = MM_MISSING_U64;
	for (int l = v->lrugen.enabled ? MM_LRU_UNEVICTABLE : 0; l < MM_NR_LRU_LISTS; l++) {
		row.list = lists[l];
		row.pages = mm_lruvec_lru_size(v, (enum mm_lru_list)l, MM_MAX_NR_ZONES - 1);
		mm_table_writer_row(w, &row);
	}
}

static int lru_rows(struct mm_machine *m, struct mm_table_writer *w)
{
	if (!m->cache)
		return 0;
	mm_lru_add_drain_all(m->cache);
	for (struct mm_memcg *g = NULL; (g = mm_mem_cgroup_iter(m->cache->root_mem_cgroup, g)) != NULL; )
		for (uint32_t n = 0; n < MM_MAX_NODES; n++)
			if (g->lruvec[n])
				lruvec_rows(w, g, n);
	return 0;
}

const struct mm_machine_table mm_table_lru = {
	MM_TABLE("lru", lru_columns, "pages on each list or generation; batches are drained first"), .rows = lru_rows,
};

/* ---- oom: who would go ----------------------------------------------------- */

struct oom_row {
	uint64_t pid, rss_pages, swapents_pages, pgtables_bytes;
	const char *name;
	int64_t oom_score_adj, oom_score, points;
	uint64_t victim;
};

static const struct mm_column oom_columns[] = {
	MM_COLUMN(struct oom_row, pid, MM_COL_U64, "process"),
	MM_COLUMN(struct oom_row, name, MM_COL_STR, "its command name"),
	MM_COLUMN(struct oom_row, oom_score_adj, MM_COL_I64, "-1000 (never) .. 1000"),
	MM_COLUMN(struct oom_row, oom_score, MM_COL_I64, "as /proc/PID/oom_score"),
	MM_COLUMN(struct oom_row, points, MM_COL_I64, "badness in pages; empty: never killed"),
	MM_COLUMN(struct oom_row, rss_pages, MM_COL_U64, "resident pages"),
	MM_COLUMN(struct oom_row, swapents_pages, MM_COL_U64, "swapped pages"),
	MM_COLUMN(struct oom_row, pgtables_bytes, MM_COL_U64, "bytes of page tables"),
	MM_COLUMN(struct oom_row, victim, MM_COL_U64, "1: the one that is taken"),
};

static struct oom_row row_of(const struct mm_task *t, uint64_t total)
{
	const int64_t *rss = t->mm->rss;
	struct oom_row r = {
		.pid = t->tgid, .name = t->comm, .oom_score_adj = t->oom_score_adj,
		.pgtables_bytes = t->mm->pgtables_bytes,
		.rss_pages = (uint64_t)(rss[MM_FILEPAGES] + rss[MM_ANONPAGES] + rss[MM_SHMEMPAGES]),
		.swapents_pages = (uint64_t)rss[MM_SWAPENTS],
	};

	r.points = t->tgid == 1 ? MM_OOM_UNKILLABLE :
		   mm_oom_badness(r.rss_pages, r.swapents_pages, r.pgtables_bytes, t->oom_score_adj, total);
	r.oom_score = mm_oom_score(r.points, total);
	return r;
}

static int oom_rows(struct mm_machine *m, struct mm_table_writer *w)
{
	uint64_t total = m->phys ? m->phys->totalram_pages + mm_total_swap_pages(m->cache) : 1;
	int64_t worst = MM_OOM_UNKILLABLE;
	const struct mm_task *victim = NULL, *t;

	for (size_t i = 0; (t = mm_next_process(m, &i));) {
		int64_t points = row_of(t, total).points;

		if (points == MM_OOM_UNKILLABLE || points < worst)
			continue;
		worst = points;
		victim = t;
	}
	for (size_t i = 0; (t = mm_next_process(m, &i));) {
		struct oom_row row = row_of(t, total);

		row.victim = t == victim;
		mm_table_writer_row(w, &row);
	}
	return 0;
}

const struct mm_machine_table mm_table_oom = {
	MM_TABLE("oom", oom_columns, "one row a process with its badness, were the machine out of memory now"),
	.rows = oom_rows,
};
