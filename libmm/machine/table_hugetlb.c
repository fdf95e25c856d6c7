/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The pools of huge pages: what /proc/meminfo (2M) and /sys/kernel/mm/hugepages say.
 */
#include <libmm/tables.h>

#include "machine/machine.h"
#include "virt/hugetlb.h"

struct pool_row {
	uint64_t page_bytes, node, nr_hugepages, free_hugepages, resv_hugepages, surplus_hugepages, nr_overcommit_hugepages;
	uint64_t total_bytes;
};

static const struct mm_column columns[] = {
	MM_COLUMN(struct pool_row, page_bytes, MM_COL_BYTES, "size of the pool's pages"),
	MM_COLUMN(struct pool_row, node, MM_COL_U64, "NUMA node; empty: all of them"),
	MM_COLUMN(struct pool_row, nr_hugepages, MM_COL_U64, "pages of the pool (HugePages_Total)"),
	MM_COLUMN(struct pool_row, free_hugepages, MM_COL_U64, "those that nobody has (HugePages_Free)"),
	MM_COLUMN(struct pool_row, resv_hugepages, MM_COL_U64, "free ones that are promised (HugePages_Rsvd)"),
	MM_COLUMN(struct pool_row, surplus_hugepages, MM_COL_U64, "pages beyond nr_hugepages (HugePages_Surp)"),
	MM_COLUMN(struct pool_row, nr_overcommit_hugepages, MM_COL_U64, "how many there may be beyond it"),
	MM_COLUMN(struct pool_row, total_bytes, MM_COL_BYTES, "memory of the pool (Hugetlb)"),
};

static int pool_rows(struct mm_machine *m, struct mm_table_writer *w)
{
	static const enum mm_sysctl_id overcommit[MM_NR_HSTATES] = {
		MM_SYSCTL_NR_OVERCOMMIT_HUGEPAGES, MM_SYSCTL_NR_OVERCOMMIT_GIGANTIC,
	};

	for (unsigned int i = 0; m->virt.hugetlb && i < MM_NR_HSTATES; i++) {
		const struct mm_hstate *h = &m->virt.hugetlb->hstate[i];
		struct pool_row r = {
			mm_huge_page_size(h), MM_MISSING_U64, h->nr, h->free, h->resv, h->surplus,
			(uint64_t)mm_sysctl(&m->ctx, overcommit[i]), h->nr * mm_huge_page_size(h),
		};

		mm_table_writer_row(w, &r);
		for (uint32_t nid = 0; m->phys && m->phys->nr_nodes > 1 && nid < MM_MAX_NODES; nid++) {
			if (!m->phys->nodes[nid])
				continue;
			r = (struct pool_row){
				mm_huge_page_size(h), nid, h->nr_node[nid], h->free_node[nid], MM_MISSING_U64,
				h->surplus_node[nid], MM_MISSING_U64, h->nr_node[nid] * mm_huge_page_size(h),
			};
			mm_table_writer_row(w, &r);
		}
	}
	return 0;
}

const struct mm_machine_table mm_table_hugetlb = {
	MM_TABLE("hugetlb", columns, "the pools of huge pages, as /sys/kernel/mm/hugepages"), .rows = pool_rows,
};
