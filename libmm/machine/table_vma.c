/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Tables of address spaces: maps, mm, merges, maple, limits, mismatches.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libmm/tables.h>

#include "base/escape.h"
#include "base/host_memory.h"
#include "base/minmax.h"
#include "machine/vma_call.h"

enum { NAME_COLUMN = 73 };		/* where a path begins in /proc/PID/maps */

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

/* A line of /proc/PID/maps, the process before its first. Source: fs/proc/task_mmu.c show_vma_header_prefix(). */
static void maps_line(struct mm_output *out, const void *p, bool noheadings, uint64_t *group)
{
	const struct mm_maps_table_row *r = p;
	char line[160], name[4 * 4096];
	int n;

	if (*group != r->pid && !noheadings)
		mm_output_printf(out, "%s%" PRIu64 ":\n", *group == UINT64_MAX ? "" : "\n", r->pid);
	*group = r->pid;
	n = snprintf(line, sizeof(line), "%08" PRIx64 "-%08" PRIx64 " %.4s %08" PRIx64 " %.31s %" PRIu64 " ", r->start,
		     r->end, r->perms, r->offset, r->dev, r->inode);
	if (!r->name || !*r->name) {
		mm_output_printf(out, "%s\n", line);
		return;
	}
	mm_escape(name, sizeof(name), (struct mm_str){ r->name, strlen(r->name) });
	mm_output_printf(out, "%s%*s%s\n", line, n < NAME_COLUMN ? NAME_COLUMN - n : 0, "", name);
}

const struct mm_table mm_maps_table = MM_TABLE_KNOWN("maps", maps_columns,
						     "every mapping of every process, as /proc/PID/maps", maps_line);

/* A VMA as a row; texts in @dev (32 bytes), @perms (5) and @name (MM_VMA_NAME_SIZE) or of the VMA. */
static struct mm_maps_table_row row_of(uint64_t pid, const struct mm_vma *vma, char *dev, char *perms, char *name)
{
	const struct mm_inode *inode = vma->vm_file ? vma->vm_file->inode : NULL;

	mm_vma_perms(vma, perms);
	snprintf(dev, 32, "%02x:%02x", inode ? inode->dev_major : 0, inode ? inode->dev_minor : 0);
	return (struct mm_maps_table_row){
		.pid = pid, .start = vma->vm_start, .end = vma->vm_end, .dev = dev, .perms = perms,
		.offset = inode ? vma->vm_pgoff << MM_PAGE_SHIFT : 0, .inode = inode ? inode->ino : 0,
		.name = mm_vma_name(vma, name, MM_VMA_NAME_SIZE),
	};
}

static bool is_asked_for(const struct mm_machine *m, uint64_t start, uint64_t end)
{
	return !m->cfg.find || (start <= m->cfg.find_vaddr && end > m->cfg.find_vaddr);
}

static void rows_of(const struct mm_machine *m, struct mm_table_writer *w, const struct mm_task *t)
{
	struct mm_ma_state mas = { .tree = &t->mm->mm_mt };
	char dev[32], perms[5], name[MM_VMA_NAME_SIZE];

	for (struct mm_vma *v = mm_mas_find(&mas, UINT64_MAX); v; v = mm_mas_next(&mas, UINT64_MAX)) {
		struct mm_maps_table_row row = row_of(t->tgid, v, dev, perms, name);

		if (is_asked_for(m, v->vm_start, v->vm_end))
			mm_table_writer_row(w, &row);
	}
}

static int maps_rows(struct mm_machine *m, struct mm_table_writer *w)
{
	const struct mm_ended_maps *ended = m->vma_report ? m->vma_report->ended : NULL;
	bool living = false;
	size_t i = 0;

	for (struct mm_task *t; (t = mm_next_process(m, &i));) {
		living = living || !m->cfg.only_pid || t->tgid == m->cfg.maps_pid;
		if (!m->cfg.only_pid || t->tgid == m->cfg.maps_pid)
			rows_of(m, w, t);
	}
	if (living || !ended)
		return 0;
	mm_machine_note(m, "process has ended: the maps are those before it did");
	for (size_t k = 0; k < ended->nr; k++)
		if (is_asked_for(m, ended->v[k].start, ended->v[k].end))
			mm_table_writer_row(w, &ended->v[k]);
	return 0;
}

const struct mm_machine_table mm_table_maps = {
	MM_TABLE_KNOWN("maps", maps_columns, "every mapping of every process, as /proc/PID/maps", maps_line),
	.rows = maps_rows,
};

/* ---- the maps of a process that has ended ---------------------------------- */

void mm_ended_maps_free(struct mm_ended_maps *ended)
{
	if (!ended)
		return;
	for (size_t i = 0; i < ended->nr; i++)
		free(ended->text[i]);
	free(ended->v);
	free(ended->text);
	free(ended);
}

static bool keep_row(struct mm_ended_maps *ended, uint64_t pid, const struct mm_vma *v)
{
	char dev[32], perms[5], name[MM_VMA_NAME_SIZE];
	struct mm_maps_table_row row = row_of(pid, v, dev, perms, name);
	size_t nd = strlen(dev) + 1, np = strlen(perms) + 1, nn = strlen(row.name) + 1;
	char *text = mm_host_malloc(nd + np + nn);

	if (!text)
		return false;
	row.dev = memcpy(text, dev, nd);
	row.perms = memcpy(text + nd, perms, np);
	row.name = memcpy(text + nd + np, row.name, nn);
	ended->v[ended->nr] = row;
	ended->text[ended->nr++] = text;
	return true;
}

int mm_ended_maps_keep(struct mm_ended_maps **ep, const struct mm_task *task)
{
	struct mm_ended_maps *ended = mm_host_calloc(1, sizeof(*ended));
	struct mm_ma_state mas = { .tree = &task->mm->mm_mt };
	size_t room = task->mm->map_count;

	mm_ended_maps_free(*ep);
	*ep = NULL;
	if (!ended)
		return -ENOMEM;
	ended->v = mm_host_calloc(room + 1, sizeof(*ended->v));
	ended->text = mm_host_calloc(room + 1, sizeof(*ended->text));
	for (struct mm_vma *v = mm_mas_find(&mas, UINT64_MAX); v && ended->nr < room; v = mm_mas_next(&mas, UINT64_MAX))
		if (!ended->v || !ended->text || !keep_row(ended, task->tgid, v)) {
			mm_ended_maps_free(ended);
			return -ENOMEM;
		}
	*ep = ended;
	return 0;
}

/* ---- mm ------------------------------------------------------------------ */

/* X(column, where from, type, help) */
#define MM_MM_COLUMNS(X) \
	X(total_vm_bytes, mm->total_vm << MM_PAGE_SHIFT, MM_COL_BYTES, "all mappings (VmSize)") \
	X(data_vm_bytes, mm->data_vm << MM_PAGE_SHIFT, MM_COL_BYTES, "private writable mappings but stacks (VmData)") \
	X(exec_vm_bytes, mm->exec_vm << MM_PAGE_SHIFT, MM_COL_BYTES, "executable, not writable mappings (VmExe + VmLib)") \
	X(stack_vm_bytes, mm->stack_vm << MM_PAGE_SHIFT, MM_COL_BYTES, "mappings that grow down (VmStk)") \
	X(locked_vm_bytes, mm->locked_vm << MM_PAGE_SHIFT, MM_COL_BYTES, "mlocked mappings (VmLck)") \
	X(pinned_vm_bytes, mm->pinned_vm << MM_PAGE_SHIFT, MM_COL_BYTES, "pinned for devices (VmPin); no call of a trace pins") \
	X(hiwater_vm_bytes, hiwater(mm) << MM_PAGE_SHIFT, MM_COL_BYTES, "most that total_vm has been (VmPeak)") \
	X(map_count, mm->map_count, MM_COL_U64, "VMAs") \
	X(mm_users, mm->mm_users, MM_COL_U64, "tasks that share it") \
	X(def_flags, mm->def_flags, MM_COL_HEX, "vm_flags that new mappings get (mlockall's MCL_FUTURE: 0x2000)") \
	X(task_size, mm->task_size, MM_COL_HEX, "end of the addresses that mappings without a hint get") \
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
	return mm_max_u64(mm->hiwater_vm, mm->total_vm);
}

static int mm_rows(struct mm_machine *m, struct mm_table_writer *w)
{
	size_t i = 0;

	for (struct mm_task *t; (t = mm_next_process(m, &i));) {
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
	MM_TABLE("mm", mm_columns, "one row a process: sizes, counts and borders of its address space"), .rows = mm_rows,
	.of_processes = true,
};

/* ---- merges --------------------------------------------------------------- */

static const char *const deeds[MM_NR_VMA_DEEDS] = {
	[MM_VMA_DID_NEW] = "new", [MM_VMA_DID_MERGE_PREV] = "joined below", [MM_VMA_DID_MERGE_NEXT] = "joined above",
	[MM_VMA_DID_MERGE_BOTH] = "joined both", [MM_VMA_DID_SPLIT] = "split", [MM_VMA_DID_STAY] = "stays apart",
};

static const char *const obstacles[MM_NR_VMA_OBSTACLES] = {
	[MM_VMA_MERGES] = "joins", [MM_VMA_NO_NEIGHBOUR] = "nothing adjacent", [MM_VMA_PERMS] = "permissions",
	[MM_VMA_FLAGS] = "flags", [MM_VMA_FILE] = "file", [MM_VMA_OFFSET] = "offset", [MM_VMA_ANON_VMA] = "anon_vma",
	[MM_VMA_NAME] = "name", [MM_VMA_CLOSE] = "close hook", [MM_VMA_UFFD] = "userfaultfd", [MM_VMA_SPECIAL_FLAGS] = "special mapping",
	[MM_VMA_POLICY] = "memory policy",
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
	MM_TABLE("merges", merges_columns, "what calls joined or split, and which field forbade joining"), .rows = merges_rows,
};
