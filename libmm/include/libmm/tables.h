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
	bool of_processes;	/* its rows are of living processes alone: none, none */
};

/* table_zones.c */
extern const struct mm_machine_table mm_table_zones;	/* sizes, watermarks and reserves of every zone with pages */

/* table_machine.c */
extern const struct mm_machine_table mm_table_counters;	/* counter,value: every counter under /proc/vmstat's name */

/* table_tasks.c */
extern const struct mm_machine_table mm_table_tasks;	/* one row a living task: memory, faults, accesses */

/* table_buddy.c: the page allocator; rows of free, frag and types are those of <libmm/buddyinfo.h> */
extern const struct mm_machine_table mm_table_free;	/* free blocks, one row a zone, migrate type and order */
extern const struct mm_machine_table mm_table_orders;	/* the same, one row a zone and migrate type */
extern const struct mm_machine_table mm_table_frag;	/* what they say of fragmentation, one row an order */
extern const struct mm_machine_table mm_table_types;	/* pageblocks by migrate type */
extern const struct mm_machine_table mm_table_pageblocks;	/* one row a pageblock */
extern const struct mm_machine_table mm_table_pcp;	/* per-CPU lists */
extern const struct mm_machine_table mm_table_explain;	/* explain.c */
/* table_fault.c, table_hugetlb.c, table_ksm.c, table_numa.c, table_smaps.c, table_status.c, table_pagemap.c */
extern const struct mm_machine_table mm_table_faults;	/* pid,minflt,majflt,segv,sigbus,... */
extern const struct mm_machine_table mm_table_smaps;	/* every field of /proc/PID/smaps */
extern const struct mm_machine_table mm_table_status;	/* one row a process: the Vm lines of /proc/PID/status */
extern const struct mm_machine_table mm_table_pagemap;	/* every page as /proc/PID/pagemap */
extern const struct mm_machine_table mm_table_hugetlb;	/* pools of huge pages */
extern const struct mm_machine_table mm_table_ksm;	/* same-page merging */
extern const struct mm_machine_table mm_table_numa_maps;	/* mappings by policy and node */
extern const struct mm_machine_table mm_table_numastat;	/* allocations by node */
extern const struct mm_machine_table mm_table_tlb;	/* one row a CPU: hits, walks, flushes */
extern const struct mm_machine_table mm_table_pagetable;	/* entries of the page tables */
extern const struct mm_machine_table mm_table_walk;	/* of config's explain_pid and explain_vaddr */

/* table_reclaim.c */
extern const struct mm_machine_table mm_table_summary;	/* counter,value: what reclaim did for the workload */
extern const struct mm_machine_table mm_table_lru;	/* one row a memcg, node and list or generation */
extern const struct mm_machine_table mm_table_oom;	/* one row a task with its badness */

/* table_memcg.c */
extern const struct mm_machine_table mm_table_memcg;	/* one row a memory cgroup */
/* memory_stat.c */
extern const struct mm_machine_table mm_table_memory_files;	/* one row a line of memory.stat, memory.events ... of each */

/* table_vma.c, table_vma_more.c */
extern const struct mm_machine_table mm_table_maps;	/* every mapping, as /proc/PID/maps */
extern const struct mm_machine_table mm_table_mm;	/* one row a process: sizes and borders of its address space */
extern const struct mm_machine_table mm_table_merges;	/* what calls joined or split, and why not */
extern const struct mm_machine_table mm_table_maple;	/* the nodes of every maple tree */
extern const struct mm_machine_table mm_table_limits;	/* how near each process is to its limits */
extern const struct mm_machine_table mm_table_mismatches;	/* recorded results that the model contradicts */

/* A row of maps, for those who print it without a machine: from a kernel's own file. */
struct mm_maps_table_row {
	uint64_t pid, start, end, offset, inode;
	const char *perms, *dev, *name;
};
extern const struct mm_table mm_maps_table;

/* table_slab.c; the schema of caches (struct mm_cache_row) serves captures too */
extern const struct mm_machine_table mm_table_caches, mm_table_slabs, mm_table_slub_stats;

#endif /* LIBMM_TABLES_H */
