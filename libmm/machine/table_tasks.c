/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The living tasks of a simulated machine, as top would list them: memory from
 * the RSS counters of their address space, accesses in place of CPU time.
 */
#include <libmm/tables.h>
#include "machine/machine.h"

struct task_row {
	uint64_t pid, ppid, virt_kib, res_kib, shr_kib, swap_kib, accesses, minflt, majflt;
	int64_t oom_score_adj;
	const char *command;
};

#define TASK(field, head, type, help) { #field, head, type, (uint32_t)offsetof(struct task_row, field), false, help }
static const struct mm_column columns[] = {
	TASK(pid, "PID", MM_COL_U64, "task; a thread has its own"),
	TASK(ppid, "PPID", MM_COL_U64, "parent"),
	TASK(virt_kib, "VIRT", MM_COL_KIB, "address space"),
	TASK(res_kib, "RES", MM_COL_KIB, "resident memory"),
	TASK(shr_kib, "SHR", MM_COL_KIB, "resident pages of files and shared memory"),
	TASK(swap_kib, "SWAP", MM_COL_KIB, "in swap"),
	TASK(accesses, "ACCESSES", MM_COL_U64, "loads, stores and fetches so far"),
	TASK(minflt, "nMin", MM_COL_U64, "minor page faults so far"),
	TASK(majflt, "nMaj", MM_COL_U64, "major page faults so far"),
	TASK(oom_score_adj, "OOMa", MM_COL_I64, "adjustment for the OOM killer"),
	TASK(command, "COMMAND", MM_COL_STR, "name"),
};

static uint64_t kib(uint64_t pages)
{
	return pages * (MM_PAGE_SIZE / 1024);
}

static int rows(struct mm_machine *m, struct mm_table_writer *w)
{
	struct mm_machine_task t;

	for (size_t i = 0; mm_machine_task(m, i, &t); i++) {
		uint64_t shared = t.file_pages + t.shmem_pages;
		struct task_row row = {
			.pid = t.pid, .ppid = t.ppid, .virt_kib = kib(t.total_vm), .res_kib = kib(t.anon_pages + shared),
			.shr_kib = kib(shared), .swap_kib = kib(t.swap_entries), .accesses = t.accesses,
			.minflt = t.min_flt, .majflt = t.maj_flt, .oom_score_adj = t.oom_score_adj, .command = t.comm,
		};

		if (t.alive)
			mm_table_writer_row(w, &row);
	}
	return 0;
}

const struct mm_machine_table mm_table_tasks = {
	MM_TABLE("simulated", columns, "the living tasks of the machine that a trace simulates"), .rows = rows,
};
