/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Tables of address spaces: nodes of the maple trees, limits, contradictions of a recording.
 */
#include <libmm/tables.h>

#include "machine/vma_call.h"

/* ---- maple ---------------------------------------------------------------- */

struct maple_row {
	uint64_t pid, level, slots, max_slots, start, last, gap_bytes;
	const char *type;
};

static const struct mm_column maple_columns[] = {
	MM_COLUMN(struct maple_row, pid, MM_COL_U64, "process"),
	MM_COLUMN(struct maple_row, level, MM_COL_U64, "0 the root"),
	MM_COLUMN(struct maple_row, type, MM_COL_STR, "arange_64 (children and gaps) or leaf_64 (ranges)"),
	MM_COLUMN(struct maple_row, slots, MM_COL_U64, "slots used"),
	MM_COLUMN(struct maple_row, max_slots, MM_COL_U64, "slots there are"),
	MM_COLUMN(struct maple_row, start, MM_COL_HEX, "first address it covers"),
	MM_COLUMN(struct maple_row, last, MM_COL_HEX, "last address it covers, inclusive"),
	MM_COLUMN(struct maple_row, gap_bytes, MM_COL_BYTES, "largest gap below it"),
};

struct maple_arg {
	struct mm_table_writer *w;
	uint64_t pid;
};

static int one_node(const struct mm_maple_row *node, void *arg)
{
	struct maple_arg *a = arg;
	struct maple_row row = {
		.pid = a->pid, .level = node->level, .slots = node->slots, .start = node->min, .last = node->max,
		.gap_bytes = node->gap, .type = node->leaf ? "leaf_64" : "arange_64",
		.max_slots = node->leaf ? MM_MAPLE_RANGE64_SLOTS : MM_MAPLE_ARANGE64_SLOTS,
	};

	mm_table_writer_row(a->w, &row);
	return 0;
}

static int maple_rows(struct mm_machine *m, struct mm_table_writer *w)
{
	size_t i = 0;

	for (const struct mm_task *t; (t = mm_next_process(m, &i));) {
		struct maple_arg a = { w, t->tgid };

		mm_mt_for_each_node(&t->mm->mm_mt, one_node, &a);
	}
	return 0;
}

const struct mm_machine_table mm_table_maple = {
	MM_TABLE("maple", maple_columns, "the nodes of every process's maple tree, in order"), .rows = maple_rows,
	.of_processes = true,
};

/* ---- limits ---------------------------------------------------------------- */

struct limits_row {
	uint64_t pid, used, max, left, rows_left;
	const char *limit, *unit;
};

static const struct mm_column limits_columns[] = {
	MM_COLUMN(struct limits_row, pid, MM_COL_U64, "process; 0: the machine"),
	MM_COLUMN(struct limits_row, limit, MM_COL_STR, "max_map_count, an RLIMIT_, or the commit limit"),
	MM_COLUMN(struct limits_row, unit, MM_COL_STR, "maps or bytes"),
	MM_COLUMN(struct limits_row, used, MM_COL_U64, "used now"),
	MM_COLUMN(struct limits_row, max, MM_COL_U64, "allowed; empty: no limit"),
	MM_COLUMN(struct limits_row, left, MM_COL_U64, "until it refuses; empty: no limit"),
	MM_COLUMN(struct limits_row, rows_left, MM_COL_U64,
		  "causes until then, if it grows as it did since it began (by a seed, exec or fork); empty: it does not grow"),
};

/* One limit: what is used now, when it began, and what is allowed. */
struct limit {
	const char *name, *unit;
	uint64_t used, began, max;
};

static void limit_row(struct mm_table_writer *w, uint64_t pid, const struct limit *l, uint64_t nr_rows)
{
	struct limits_row row = {
		.pid = pid, .limit = l->name, .unit = l->unit, .used = l->used, .max = l->max,
		.left = l->max > l->used ? l->max - l->used : 0, .rows_left = MM_MISSING_U64,
	};

	if (l->max == MM_RLIM_INFINITY)
		row.max = row.left = MM_MISSING_U64;
	else if (l->used > l->began)		/* what it grew by, over the rows since */
		row.rows_left = (uint64_t)((double)row.left * (double)nr_rows / (double)(l->used - l->began));
	mm_table_writer_row(w, &row);
}

static uint64_t bytes_of(uint64_t pages) { return pages << MM_PAGE_SHIFT; }

static int limits_rows(struct mm_machine *m, struct mm_table_writer *w)
{
	size_t i = 0;

	for (const struct mm_task *t; (t = mm_next_process(m, &i));) {
		const struct mm_task *leader = mm_task_find(m, t->tgid);
		const struct mm_began *s = &(leader ? leader : t)->began;
		const struct mm_struct *mm = t->mm;
		const struct limit limits[] = {
			{ "max_map_count", "maps", mm->map_count, s->map_count,
			  (uint64_t)mm_sysctl(&m->ctx, MM_SYSCTL_MAX_MAP_COUNT) },
			{ "RLIMIT_AS", "bytes", bytes_of(mm->total_vm), bytes_of(s->total_vm), mm->rlimit[MM_RLIMIT_AS] },
			{ "RLIMIT_DATA", "bytes", bytes_of(mm->data_vm), bytes_of(s->data_vm),
			  mm->rlimit[MM_RLIMIT_DATA] },
			{ "RLIMIT_STACK", "bytes", bytes_of(mm->stack_vm), bytes_of(s->stack_vm),
			  mm->rlimit[MM_RLIMIT_STACK] },
			{ "RLIMIT_MEMLOCK", "bytes", bytes_of(mm->locked_vm), bytes_of(s->locked_vm),
			  mm->rlimit[MM_RLIMIT_MEMLOCK] },
		};
		for (size_t k = 0; k < sizeof(limits) / sizeof(limits[0]); k++)
			limit_row(w, t->tgid, &limits[k], m->nr_events - s->nr_events);
	}
	if (m->virt.ctx && mm_sysctl(&m->ctx, MM_SYSCTL_OVERCOMMIT_MEMORY) == 2) {
		struct limit l = {
			"commit limit", "bytes", bytes_of((uint64_t)m->virt.vm_committed_as), bytes_of(m->seeded_committed),
			bytes_of((uint64_t)mm_vm_commit_limit(&m->virt)),
		};

		limit_row(w, 0, &l, m->nr_events);
	}
	return 0;
}

const struct mm_machine_table mm_table_limits = {
	MM_TABLE("limits", limits_columns, "how near each process is to its limits, and when it gets there"),
	.rows = limits_rows,
	.of_processes = true,
};

/* ---- mismatches -------------------------------------------------------------- */

struct mismatch_row {
	uint64_t seq, pid, addr, size;
	const char *call, *kind, *recorded, *model;
};

static const struct mm_column mismatch_columns[] = {
	MM_COLUMN(struct mismatch_row, seq, MM_COL_U64, "number of the cause row, from 0"),
	MM_COLUMN(struct mismatch_row, pid, MM_COL_U64, "task"),
	MM_COLUMN(struct mismatch_row, call, MM_COL_STR, "event"),
	MM_COLUMN(struct mismatch_row, addr, MM_COL_HEX, "its address"),
	MM_COLUMN(struct mismatch_row, size, MM_COL_U64, "its size, bytes"),
	MM_COLUMN(struct mismatch_row, kind, MM_COL_STR,
		  "result (another error, or none), address (6.6 would place it elsewhere), occupied (something lay there),"
		  " fault (the access takes none, or one with another error code)"),
	MM_COLUMN(struct mismatch_row, recorded, MM_COL_STR, "what the recording says"),
	MM_COLUMN(struct mismatch_row, model, MM_COL_STR, "what the model says"),
};

static int mismatch_rows(struct mm_machine *m, struct mm_table_writer *w)
{
	static const char *const kinds[MM_NR_MISMATCH_KINDS] = {
		[MM_MISMATCH_RESULT] = "result", [MM_MISMATCH_ADDRESS] = "address", [MM_MISMATCH_OCCUPIED] = "occupied",
		[MM_MISMATCH_FAULT] = "fault",
	};
	const struct mm_vma_report *r = m->vma_report;

	for (size_t i = 0; r && i < r->nr_mismatches; i++) {
		const struct mm_vma_mismatch *x = &r->mismatches[i];
		struct mismatch_row row = {
			.seq = x->seq, .pid = x->pid, .addr = x->addr, .size = x->size, .kind = kinds[x->kind],
			.call = mm_event_word((enum mm_event_type)x->event), .recorded = x->recorded, .model = x->model,
		};

		mm_table_writer_row(w, &row);
	}
	return 0;
}

const struct mm_machine_table mm_table_mismatches = {
	MM_TABLE("mismatches", mismatch_columns,
		 "calls and page faults of a recording that the model contradicts (the first 10,000)"),
	.rows = mismatch_rows,
};
