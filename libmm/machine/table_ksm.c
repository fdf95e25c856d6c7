/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Same-page merging: what /sys/kernel/mm/ksm and /proc/PID/ksm_stat would say; and the rows that wake ksmd and khugepaged.
 */
#include <errno.h>

#include <libmm/tables.h>

#include "fault/khugepaged.h"
#include "fault/ksm.h"
#include "machine/machine.h"

struct ksm_row {
	uint64_t pid;
	const char *name;
	int64_t value;
};

static const struct mm_column columns[] = {
	MM_COLUMN(struct ksm_row, pid, MM_COL_U64, "task; empty: the whole machine"),
	MM_COLUMN(struct ksm_row, name, MM_COL_STR, "as in /sys/kernel/mm/ksm, or in /proc/PID/ksm_stat"),
	MM_COLUMN(struct ksm_row, value, MM_COL_I64, "value"),
};

static void row(struct mm_table_writer *w, uint64_t pid, const char *name, int64_t value)
{
	mm_table_writer_row(w, &(struct ksm_row){ pid, name, value });
}

static void machine_rows(const struct mm_ksm *k, struct mm_table_writer *w)
{
	int64_t unsettled = (int64_t)(k->rmap_items - k->pages_shared - k->pages_sharing - k->pages_unshared);

	row(w, MM_MISSING_U64, "full_scans", (int64_t)k->seqnr);
	row(w, MM_MISSING_U64, "general_profit", ((int64_t)k->pages_sharing + k->zero_pages) * MM_PAGE_SIZE -
	    (int64_t)(k->rmap_items * MM_KSM_RMAP_ITEM_BYTES));
	row(w, MM_MISSING_U64, "ksm_zero_pages", k->zero_pages);
	row(w, MM_MISSING_U64, "pages_scanned", (int64_t)k->pages_scanned);
	row(w, MM_MISSING_U64, "pages_shared", (int64_t)k->pages_shared);
	row(w, MM_MISSING_U64, "pages_sharing", (int64_t)k->pages_sharing);
	row(w, MM_MISSING_U64, "pages_unshared", (int64_t)k->pages_unshared);
	row(w, MM_MISSING_U64, "pages_volatile", unsettled < 0 ? 0 : unsettled);
	row(w, MM_MISSING_U64, "stable_node_chains", (int64_t)k->node_chains);
	row(w, MM_MISSING_U64, "stable_node_dups", (int64_t)k->node_dups);
}

static int rows(struct mm_machine *m, struct mm_table_writer *w)
{
	static const struct mm_ksm none;
	size_t i = 0;

	machine_rows(m->virt.ksm ? m->virt.ksm : &none, w);
	for (const struct mm_task *t; (t = mm_next_process(m, &i));) {
		const struct mm_struct *mm = t->mm;

		row(w, t->tgid, "ksm_rmap_items", (int64_t)mm->ksm_rmap_items);
		row(w, t->tgid, "ksm_zero_pages", mm->ksm_zero_pages);
		row(w, t->tgid, "ksm_merging_pages", (int64_t)mm->ksm_merging_pages);
		row(w, t->tgid, "ksm_process_profit", ((int64_t)mm->ksm_merging_pages + mm->ksm_zero_pages) * MM_PAGE_SIZE -
		    (int64_t)(mm->ksm_rmap_items * MM_KSM_RMAP_ITEM_BYTES));
	}
	return 0;
}

const struct mm_machine_table mm_table_ksm = {
	MM_TABLE("ksm", columns, "same-page merging: the counters of the machine and of each process"), .rows = rows,
};

int mm_ev_ksm_scan(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	uint64_t pages = ev->present & MM_TC_BIT(SIZE) ? ev->size >> MM_PAGE_SHIFT :
			 (uint64_t)mm_sysctl(&m->ctx, MM_SYSCTL_KSM_PAGES_TO_SCAN);

	(void)task, (void)err;
	if (!m->fault)
		return 0;
	if (!(mm_sysctl(&m->ctx, MM_SYSCTL_KSM_RUN) & MM_KSM_RUN_MERGE)) {
		mm_machine_loss(m, "wakes of ksmd while ksm.run is not 1");
		return 0;
	}
	m->daemons_run = true;
	mm_event_set_result(ev, MM_RESULT_DEC, mm_ksm_do_scan(m->fault, pages));
	m->daemons_run = false;
	return 0;
}

int mm_ev_khugepaged_scan(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	uint64_t pages = ev->present & MM_TC_BIT(SIZE) ? ev->size >> MM_PAGE_SHIFT :
			 (uint64_t)mm_sysctl(&m->ctx, MM_SYSCTL_KHUGEPAGED_PAGES);

	(void)task, (void)err;
	if (!m->fault)
		return 0;
	m->daemons_run = true;
	mm_event_set_result(ev, MM_RESULT_DEC, mm_khugepaged_do_scan(m->fault, pages));
	m->daemons_run = false;
	return 0;
}
