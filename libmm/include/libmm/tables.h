/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libmm/tables.h - the tables that show the state of a machine, one declaration each
 *
 * Schema and rows live together in libmm/machine/table_*.c.
 */
#ifndef LIBMM_TABLES_H
#define LIBMM_TABLES_H

#include <libmm/machine.h>
#include <libmm/table.h>

struct mm_machine_table {
	struct mm_table table;
	/* Give every row to @w; 0 or -errno (-ENOMEM). */
	int (*rows)(struct mm_machine *m, struct mm_table_writer *w);
};

/* table_zones.c */
extern const struct mm_machine_table mm_table_zones;	/* sizes, watermarks and reserves of every zone with pages */

/* table_machine.c */
extern const struct mm_machine_table mm_table_counters;	/* counter,value: every counter under /proc/vmstat's name */

/* table_buddy.c: the page allocator; rows of free, frag and types are those of <libmm/buddyinfo.h> */
extern const struct mm_machine_table mm_table_free;
extern const struct mm_machine_table mm_table_frag;
extern const struct mm_machine_table mm_table_types;
extern const struct mm_machine_table mm_table_pageblocks;
extern const struct mm_machine_table mm_table_pcp;
/* table_fault.c, table_smaps.c */
extern const struct mm_machine_table mm_table_faults;	/* pid,minflt,majflt,segv,sigbus,... */
extern const struct mm_machine_table mm_table_smaps;	/* every field of /proc/PID/smaps */
extern const struct mm_machine_table mm_table_tlb;
extern const struct mm_machine_table mm_table_pagetable;
extern const struct mm_machine_table mm_table_walk;	/* of config's explain_pid and explain_vaddr */

/* table_reclaim.c */
extern const struct mm_machine_table mm_table_summary;	/* counter,value: what reclaim did for the workload */
extern const struct mm_machine_table mm_table_lru;	/* one row a memcg, node and list or generation */
extern const struct mm_machine_table mm_table_oom;	/* one row a task with its badness */

#endif /* LIBMM_TABLES_H */
