/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Tables of address spaces: maps, mm, merges, maple, limits, mismatches.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <libmm/tables.h>

#include "machine/vma_call.h"

/* Each process once: by its first living task.  NULL at the end; *@i is where to go on. */
static struct mm_task *next_process(const struct mm_machine *m, size_t *i)
{
	for (; *i < m->tasks.nr; ++*i) {
		struct mm_task *t = m->tasks.v[*i];
		bool seen = false;

		if (t->state != MM_TASK_RUNNING || !t->mm)
			continue;
		if (t->pid != t->tgid) {
			const struct mm_task *leader = mm_task_find(m, t->tgid);

			seen = leader && leader->mm;
			for (size_t k = 0; !seen && k < *i; k++)
				seen = m->tasks.v[k]->tgid == t->tgid && m->tasks.v[k]->state == MM_TASK_RUNNING &&
				       m->tasks.v[k]->mm;
		}
		if (!seen) {
			++*i;
			return t;
		}
	}
	return NULL;
}

/* ---- maps --------------------------------------------------------------- */

static const struct mm_column maps_columns[] = {
	MM_COLUMN(struct mm_maps_table_row, pid, MM_COL_U64, "process"),
	MM_COLUMN(struct mm_maps_table_row, start, MM_COL_HEX, "first address"),
	MM_COLUMN(struct mm_maps_table_row, end, MM_COL_HEX, "first address past it"),
	MM_COLUMN(struct mm_maps_table_row, perms, MM_COL_STR, "rwx and p (private) or s (shared)"),
	MM_COLUMN(struct mm_maps_table_row, offset, MM_COL_HEX, "offset in the file, bytes"),
	MM_COLUMN(struct mm_maps_table_row, dev, MM_COL_STR, "device, major:minor in hex"),
	MM_COLUMN(struct mm_maps_table_row, inode, MM_COL_U64, "inode, 0 without file"),
	MM_COLUMN(struct mm_maps_table_row, name, MM_COL_STR, "path, [heap], [stack], ..."),
};

const struct mm_table mm_maps_table = MM_TABLE("maps", maps_columns,
					       "every mapping of every process, as /proc/PID/maps");

static void maps_row(struct mm_table_writer *w, const struct mm_task *t, const struct mm_vma *vma)
{
	const struct mm_inode *inode = vma->vm_file ? vma->vm_file->inode : NULL;
	uint64_t f = vma->vm_flags;
	char dev[32] = "00:00", name[160];
	const char perms[5] = {
		f & MM_VM_READ ? 'r' : '-', f & MM_VM_WRITE ? 'w' : '-', f & MM_VM_EXEC ? 'x' : '-',
		f & MM_VM_MAYSHARE ? 's' : 'p',
	};
	struct mm_maps_table_row row = {
		.pid = t->tgid, .start = vma->vm_start, .end = vma->vm_end, .dev = dev,
		.offset = inode ? vma->vm_pgoff << MM_PAGE_SHIFT : 0, .inode = inode ? inode->ino : 0,
		.perms = perms,
	};

	if (inode)
		snprintf(dev, sizeof(dev), "%02x:%02x", inode->dev_major, inode->dev_minor);
	row.name = mm_vma_name(vma, name, sizeof(name));
	mm_table_writer_row(w, &row);
}

static int maps_rows(struct mm_machine *m, struct mm_table_writer *w)
{
	size_t i = 0;

	for (struct mm_task *t; (t = next_process(m, &i));) {
		struct mm_ma_state mas = { .tree = &t->mm->mm_mt };

		if (m->cfg.only_pid && t->tgid != m->cfg.maps_pid)
			continue;
		for (struct mm_vma *v = mm_mas_find(&mas, UINT64_MAX); v; v = mm_mas_next(&mas, UINT64_MAX))
			if (!m->cfg.find || (v->vm_start <= m->cfg.find_vaddr && v->vm_end > m->cfg.find_vaddr))
				maps_row(w, t, v);
	}
	return 0;
}

const struct mm_machine_table mm_table_maps = {
	MM_TABLE("maps", maps_columns, "every mapping of every process, as /proc/PID/maps"), maps_rows,
};

/* ---- mm ------------------------------------------------------------------ */

/* X(column, where from, type, help) */
#define MM_MM_COLUMNS(X) \
	X(total_vm_bytes, mm->total_vm << MM_PAGE_SHIFT, MM_COL_BYTES, "all mappings (VmSize)") \
	X(data_vm_bytes, mm->data_vm << MM_PAGE_SHIFT, MM_COL_BYTES, "private writable mappings but stacks (VmData)") \
	X(exec_vm_bytes, mm->exec_vm << MM_PAGE_SHIFT, MM_COL_BYTES, "executable, not writable mappings (VmExe + VmLib)") \
	X(stack_vm_bytes, mm->stack_vm << MM_PAGE_SHIFT, MM_COL_BYTES, "mappings that grow down (VmStk)") \
	X(locked_vm_bytes, mm->locked_vm << MM_PAGE_SHIFT, MM_COL_BYTES, "mlocked mappings (VmLck)") \
	X(hiwater_vm_bytes, hiwater(mm) << MM_PAGE_SHIFT, MM_COL_BYTES, "most that total_vm has been (VmPeak)") \
	X(map_count, mm->map_count, MM_COL_U64, "VMAs") \
	X(mmap_base, mm->mmap_base, MM_COL_HEX, "top of the area that mmap fills downwards") \
	X(start_brk, mm->start_brk, MM_COL_HEX, "begin of the heap") \
	X(brk, mm->brk, MM_COL_HEX, "the break") \
	X(start_stack, mm->start_stack, MM_COL_HEX, "where the stack began") \
	X(start_code, mm->start_code, MM_COL_HEX, "begin of the program's code") \
	X(end_code, mm->end_code, MM_COL_HEX, "its end") \
	X(start_data, mm->start_data, MM_COL_HEX, "begin of the program's data") \
	X(end_data, mm->end_data, MM_COL_HEX, "its end") \
	X(maple_nodes, mm->mm_mt.nr_nodes, MM_COL_U64, "nodes of the maple tree, 256 bytes each") \
	X(maple_height, mm->mm_mt.height, MM_COL_U64, "its levels")

struct mm_row {
	uint64_t pid;
	const char *comm;
#define X(field, from, type, help) uint64_t field;
	MM_MM_COLUMNS(X)
#undef X
};

static const struct mm_column mm_columns[] = {
	MM_COLUMN(struct mm_row, pid, MM_COL_U64, "process"),
	MM_COLUMN(struct mm_row, comm, MM_COL_STR, "command name"),
#define X(field, from, type, help) MM_COLUMN(struct mm_row, field, type, help),
	MM_MM_COLUMNS(X)
#undef X
};

static uint64_t hiwater(const struct mm_struct *mm)
{
	return mm->hiwater_vm > mm->total_vm ? mm->hiwater_vm : mm->total_vm;
}

static int mm_rows(struct mm_machine *m, struct mm_table_writer *w)
{
	size_t i = 0;

	for (struct mm_task *t; (t = next_process(m, &i));) {
		const struct mm_struct *mm = t->mm;
		struct mm_row row = {
			.pid = t->tgid, .comm = t->comm,
#define X(field, from, type, help) .field = from,
			MM_MM_COLUMNS(X)
#undef X
		};

		mm_table_writer_row(w, &row);
	}
	return 0;
}

const struct mm_machine_table mm_table_mm = {
	MM_TABLE("mm", mm_columns, "one row a process: sizes, counts and borders of its address space"), mm_rows,
};

/* ---- merges --------------------------------------------------------------- */

static const char *const deeds[MM_NR_VMA_DEEDS] = {
	[MM_VMA_DID_NEW] = "new", [MM_VMA_DID_MERGE_PREV] = "joined below", [MM_VMA_DID_MERGE_NEXT] = "joined above",
	[MM_VMA_DID_MERGE_BOTH] = "joined both", [MM_VMA_DID_SPLIT] = "split", [MM_VMA_DID_STAY] = "stays apart",
};

static const char *const obstacles[MM_NR_VMA_OBSTACLES] = {
	[MM_VMA_MERGES] = "joins", [MM_VMA_NO_NEIGHBOUR] = "nothing adjacent", [MM_VMA_PERMS] = "permissions",
	[MM_VMA_FLAGS] = "flags", [MM_VMA_FILE] = "file", [MM_VMA_OFFSET] = "offset", [MM_VMA_ANON_VMA] = "anon_vma",
	[MM_VMA_NAME] = "name", [MM_VMA_CLOSE] = "close hook", [MM_VMA_SPECIAL_FLAGS] = "special mapping",
};

struct merges_row {
	uint64_t pid, count, merge_case, size_bytes, last_start, last_end;
	const char *call, *outcome, *below, *above;
};

static const struct mm_column merges_columns[] = {
	MM_COLUMN(struct merges_row, pid, MM_COL_U64, "process"),
	MM_COLUMN(struct merges_row, call, MM_COL_STR, "event"),
	MM_COLUMN(struct merges_row, outcome, MM_COL_STR, "what became of the range: new, joined, split, stays apart"),
	MM_COLUMN(struct merges_row, merge_case, MM_COL_U64, "vma_merge()'s case 1..8; empty: not by vma_merge()"),
	MM_COLUMN(struct merges_row, below, MM_COL_STR, "what keeps it apart from the VMA below, or joins"),
	MM_COLUMN(struct merges_row, above, MM_COL_STR, "what keeps it apart from the VMA above, or joins"),
	MM_COLUMN(struct merges_row, count, MM_COL_U64, "how often"),
	MM_COLUMN(struct merges_row, size_bytes, MM_COL_BYTES, "bytes of all those ranges"),
	MM_COLUMN(struct merges_row, last_start, MM_COL_HEX, "the last such range"),
	MM_COLUMN(struct merges_row, last_end, MM_COL_HEX, "its end"),
};

static int merges_rows(struct mm_machine *m, struct mm_table_writer *w)
{
	const struct mm_vma_report *r = m->vma_report;

	for (size_t i = 0; r && i < r->nr_merges; i++) {
		const struct mm_vma_merge_sum *s = &r->merges[i];
		bool split = s->last.deed == MM_VMA_DID_SPLIT;
		struct merges_row row = {
			.pid = s->pid, .count = s->count, .size_bytes = s->pages << MM_PAGE_SHIFT,
			.merge_case = s->last.merge_case ? s->last.merge_case : MM_MISSING_U64,
			.last_start = s->last.start, .last_end = s->last.end,
			.call = mm_event_word((enum mm_event_type)s->event), .outcome = deeds[s->last.deed],
			.below = split ? NULL : obstacles[s->last.prev],
			.above = split ? NULL : obstacles[s->last.next],
		};

		mm_table_writer_row(w, &row);
	}
	return 0;
}

const struct mm_machine_table mm_table_merges = {
	MM_TABLE("merges", merges_columns, "what calls joined or split, and which field forbade joining"), merges_rows,
};
