/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The memory lines of /proc/PID/status: one row a process.
 *
 * Model: Linux 6.6 fs/proc/task_mmu.c task_mem(), mm/hugetlb.c hugetlb_report_usage(). Deviation: the kernel reads
 * per-CPU counters of resident pages without what each CPU has not yet handed over, up to 32 pages a CPU (so its VmRSS, Rss*,
 * VmSwap and VmHWM move in steps of 128 KiB); here they are exact, as smaps is.
 */
#include <libmm/tables.h>

#include "base/minmax.h"
#include "machine/machine.h"

struct status_row {
	uint64_t pid;
	const char *name;
	uint64_t vm_peak_bytes, vm_size_bytes, vm_lck_bytes, vm_pin_bytes, vm_hwm_bytes, vm_rss_bytes;
	uint64_t rss_anon_bytes, rss_file_bytes, rss_shmem_bytes;
	uint64_t vm_data_bytes, vm_stk_bytes, vm_exe_bytes, vm_lib_bytes, vm_pte_bytes, vm_swap_bytes, hugetlb_pages_bytes;
	uint64_t thp_enabled, minflt, majflt;
};

#define BYTES(field, help) MM_COLUMN(struct status_row, field, MM_COL_BYTES, help)
static const struct mm_column columns[] = {
	MM_COLUMN(struct status_row, pid, MM_COL_U64, "process"),
	MM_COLUMN(struct status_row, name, MM_COL_STR, "its command name"),
	BYTES(vm_peak_bytes, "the most its address space has been (VmPeak)"),
	BYTES(vm_size_bytes, "address space (VmSize)"),
	BYTES(vm_lck_bytes, "mlocked (VmLck)"),
	BYTES(vm_pin_bytes, "pinned for a device (VmPin)"),
	BYTES(vm_hwm_bytes, "the most that was resident, or since clear_refs 5 (VmHWM)"),
	BYTES(vm_rss_bytes, "resident: the sum of the next three (VmRSS)"),
	BYTES(rss_anon_bytes, "anonymous pages"),
	BYTES(rss_file_bytes, "pages of files"),
	BYTES(rss_shmem_bytes, "pages of shared memory"),
	BYTES(vm_data_bytes, "private writable mappings (VmData)"),
	BYTES(vm_stk_bytes, "stacks (VmStk)"),
	BYTES(vm_exe_bytes, "code of the program (VmExe)"),
	BYTES(vm_lib_bytes, "other executable mappings (VmLib)"),
	BYTES(vm_pte_bytes, "page tables without the top ones (VmPTE)"),
	BYTES(vm_swap_bytes, "in swap, shared memory left out (VmSwap)"),
	BYTES(hugetlb_pages_bytes,
	      "huge pages of pools that it faulted in, not in VmRSS (HugetlbPages); wraps below 0 if it unmaps others'"),
	MM_COLUMN_HIDDEN(struct status_row, thp_enabled, MM_COL_U64, "0: prctl(PR_SET_THP_DISABLE)"),
	MM_COLUMN_HIDDEN(struct status_row, minflt, MM_COL_U64, "minor faults of its first thread"),
	MM_COLUMN_HIDDEN(struct status_row, majflt, MM_COL_U64, "major faults of its first thread"),
};

static uint64_t bytes(uint64_t pages) { return pages << MM_PAGE_SHIFT; }
static uint64_t counter(const struct mm_struct *mm, unsigned int which)
{
	return mm->rss[which] > 0 ? bytes((uint64_t)mm->rss[which]) : 0;
}

static int status_rows(struct mm_machine *m, struct mm_table_writer *w)
{
	const uint64_t mask = MM_PAGE_SIZE - 1;
	size_t i = 0;

	for (const struct mm_task *t; (t = mm_next_process(m, &i));) {
		const struct mm_struct *mm = t->mm;
		uint64_t text = ((mm->end_code + mask) & ~mask) - (mm->start_code & ~mask), exec = bytes(mm->exec_vm);
		uint64_t peak = mm_max_u64(mm->hiwater_vm, mm->total_vm);
		struct status_row r = {
			.pid = t->tgid, .name = t->comm, .vm_peak_bytes = bytes(peak), .vm_size_bytes = bytes(mm->total_vm),
			.vm_lck_bytes = bytes(mm->locked_vm), .vm_pin_bytes = bytes(mm->pinned_vm),
			.rss_anon_bytes = counter(mm, MM_ANONPAGES), .rss_file_bytes = counter(mm, MM_FILEPAGES),
			.rss_shmem_bytes = counter(mm, MM_SHMEMPAGES), .vm_data_bytes = bytes(mm->data_vm),
			.vm_stk_bytes = bytes(mm->stack_vm), .vm_pte_bytes = mm->pgtables_bytes,
			.vm_swap_bytes = counter(mm, MM_SWAPENTS), .hugetlb_pages_bytes = bytes(mm->hugetlb_usage),
			.thp_enabled = !mm->thp_disabled, .minflt = t->faults.min_flt, .majflt = t->faults.maj_flt,
		};

		r.vm_rss_bytes = r.rss_anon_bytes + r.rss_file_bytes + r.rss_shmem_bytes;
		r.vm_hwm_bytes = mm_max_u64(bytes(mm->hiwater_rss), r.vm_rss_bytes);
		r.vm_exe_bytes = mm_min_u64(text, exec);
		r.vm_lib_bytes = exec - r.vm_exe_bytes;
		mm_table_writer_row(w, &r);
	}
	return 0;
}

const struct mm_machine_table mm_table_status = {
	MM_TABLE("status", columns, "memory of each process as /proc/PID/status says it"), .rows = status_rows,
	.of_processes = true,
};
