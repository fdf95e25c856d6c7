/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The counters of a machine as a table.
 */
#include <libmm/tables.h>

#include "virt/pgtable.h"

struct counter_row {
	const char *counter;
	int64_t value;
};

static const struct mm_column counter_columns[] = {
	MM_COLUMN(struct counter_row, counter, MM_COL_STR, "name in /proc/vmstat"),
	MM_COLUMN(struct counter_row, value, MM_COL_I64, "pages or events, as there; empty: not modelled"),
};

/* Counted in pages, told in huge pages.  Source: Linux 6.6 include/linux/mmzone.h vmstat_item_print_in_thp(). */
static bool is_in_huge_pages(enum mm_counter c)
{
	return c == MM_NR_ANON_TRANSPARENT_HUGEPAGES || c == MM_NR_FILE_HUGEPAGES || c == MM_NR_SHMEM_HUGEPAGES ||
	       c == MM_NR_SHMEM_PMDMAPPED || c == MM_NR_FILE_PMDMAPPED;
}

static int counter_rows(struct mm_machine *m, struct mm_table_writer *w)
{
	const struct mm_vmstat *stat = mm_machine_vmstat(m);

	for (int c = 0; c < MM_NR_COUNTERS; c++) {
		struct counter_row row = { mm_counter_name((enum mm_counter)c),
			is_in_huge_pages((enum mm_counter)c) ? stat->v[c] / MM_PMD_PAGES : stat->v[c] };

		if (!mm_counter_is_modelled((enum mm_counter)c))
			row.value = MM_MISSING_I64;
		mm_table_writer_row(w, &row);
	}
	return 0;
}

const struct mm_machine_table mm_table_counters = {
	MM_TABLE("counters", counter_columns, "every counter of the machine under /proc/vmstat's name"), .rows = counter_rows,
};
