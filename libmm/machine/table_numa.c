/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What /proc/PID/numa_maps and the numastat files of nodes would say.
 *
 * A mapping's policy is its own, or that of the file in memory behind its first page, or else the process's.
 * Model: Linux 6.6 fs/proc/task_mmu.c gather_stats(), show_numa_map(); drivers/base/node.c node_read_numastat().
 */
#include <inttypes.h>
#include <stdio.h>

#include <libmm/tables.h>

#include "machine/machine.h"
#include "virt/hugetlb.h"
#include "virt/mempolicy.h"
#include "virt/rmap.h"

struct maps_row {
	uint64_t pid, start, end;
	const char *policy, *name;
	uint64_t pages, anon_pages, dirty_pages, mapmax, swapcache_pages, active_pages, writeback_pages;
	const char *node_pages;
	uint64_t kernel_page_size_bytes;
};

static const struct mm_column maps_columns[] = {
	MM_COLUMN(struct maps_row, pid, MM_COL_U64, "process"),
	MM_COLUMN(struct maps_row, start, MM_COL_HEX, "first byte of the VMA"),
	MM_COLUMN(struct maps_row, end, MM_COL_HEX, "first byte past it"),
	MM_COLUMN(struct maps_row, policy, MM_COL_STR, "memory policy: mode, =flags, :nodes"),
	MM_COLUMN(struct maps_row, name, MM_COL_STR, "file, [heap], [stack] ..."),
	MM_COLUMN(struct maps_row, pages, MM_COL_U64, "pages that entries map; of a pool, huge pages (mapped=)"),
	MM_COLUMN(struct maps_row, anon_pages, MM_COL_U64, "those of no file (anon=)"),
	MM_COLUMN(struct maps_row, dirty_pages, MM_COL_U64, "dirty in the entry or as a page (dirty=)"),
	MM_COLUMN(struct maps_row, mapmax, MM_COL_U64, "most mappings that one of them has"),
	MM_COLUMN(struct maps_row, swapcache_pages, MM_COL_U64, "in the swap cache"),
	MM_COLUMN(struct maps_row, active_pages, MM_COL_U64, "on an active list, or mlocked (active=)"),
	MM_COLUMN(struct maps_row, writeback_pages, MM_COL_U64, "being written"),
	MM_COLUMN(struct maps_row, node_pages, MM_COL_STR, "on each node in turn, from node 0 (N0= N1= ...)"),
	MM_COLUMN(struct maps_row, kernel_page_size_bytes, MM_COL_BYTES, "size of its pages (kernelpagesize_kB=)"),
};

struct gather {
	const struct mm_virt *virt;
	struct maps_row *r;
	uint64_t node[MM_MAX_NODES];
};

static void gather_page(struct gather *g, mm_pte_t entry, uint64_t nr)
{
	const struct mm_phys *phys = g->virt->phys;
	mm_pfn_t pfn = mm_pte_pfn(entry);
	const struct mm_page *head = mm_page(phys, mm_page_head(phys, pfn));
	uint32_t count = head->flags & MM_PG_HUGETLB ? (uint32_t)head->mapcount : mm_page_mapcount(phys, pfn);

	g->r->pages += nr;
	g->r->dirty_pages += mm_pte_dirty(entry) || head->flags & MM_PG_DIRTY ? nr : 0;
	g->r->swapcache_pages += head->flags & MM_PG_SWAPCACHE ? nr : 0;
	g->r->active_pages += head->flags & (MM_PG_ACTIVE | MM_PG_UNEVICTABLE) ? nr : 0;
	g->r->writeback_pages += head->flags & MM_PG_WRITEBACK ? nr : 0;
	g->r->anon_pages += head->flags & MM_PG_ANON ? nr : 0;
	if (count > g->r->mapmax)
		g->r->mapmax = count;
	g->node[mm_page_nid(phys, pfn)] += nr;
}

static void gather_vma(struct gather *g, const struct mm_vma *vma)
{
	const struct mm_struct *mm = vma->vm_mm;
	uint64_t next, huge = mm_hugetlb_mask(vma);
	mm_pte_t *pmd;

	for (uint64_t vaddr = vma->vm_start; huge && vaddr < vma->vm_end; vaddr += huge + 1) {
		const mm_pte_t *e = mm_huge_pte_offset(vma, vaddr);

		if (e && !mm_pte_none(*e) && mm_pte_present(*e))
			gather_page(g, *e, 1);
	}
	for (uint64_t vaddr = vma->vm_start; !huge && (pmd = mm_next_pmd(mm, &vaddr, vma->vm_end)); vaddr = next) {
		const mm_pte_t *pte;

		next = mm_pmd_addr_end(vaddr, vma->vm_end);
		if (mm_pmd_trans_huge(*pmd)) {
			if (!mm_is_huge_zero_pmd(g->virt, *pmd))
				gather_page(g, *pmd, MM_PMD_PAGES);
			continue;
		}
		for (uint64_t v = vaddr; (pte = mm_next_pte(mm, pmd, &v, next)); v += MM_PAGE_SIZE)
			if (!mm_pte_none(*pte) && mm_pte_present(*pte) && !mm_pte_special(*pte))
				gather_page(g, *pte, 1);
	}
}

static void maps_row(const struct mm_task *task, const struct mm_vma *vma, struct mm_table_writer *w)
{
	char policy[MM_MPOL_TEXT], nodes[21 * MM_MAX_NODES], name[MM_VMA_NAME_SIZE];
	const struct mm_mempolicy *pol = mm_vma_policy_at(vma, vma->vm_start);
	mm_nodes_t memory = vma->vm_mm->virt->ctx->numa.memory;
	struct maps_row r = {
		.pid = task->pid, .start = vma->vm_start, .end = vma->vm_end, .policy = policy, .node_pages = nodes,
		.name = mm_vma_name(vma, name, sizeof(name)),
		.kernel_page_size_bytes = mm_hugetlb_mask(vma) ? mm_hugetlb_mask(vma) + 1 : MM_PAGE_SIZE,
	};
	struct gather g = { .virt = vma->vm_mm->virt, .r = &r };
	size_t n = 0;

	mm_mpol_to_str(pol ? pol : task->numa.mempolicy, false, policy, sizeof(policy));
	if (vma->vm_mm->pgd != MM_PFN_NONE)
		gather_vma(&g, vma);
	for (uint32_t nid = 0; nid < MM_MAX_NODES && memory >> nid; nid++)
		n += (size_t)snprintf(nodes + n, sizeof(nodes) - n, "%s%" PRIu64, n ? "|" : "", g.node[nid]);
	mm_table_writer_row(w, &r);
}

static int maps_rows(struct mm_machine *m, struct mm_table_writer *w)
{
	const struct mm_task *task;
	const struct mm_vma *vma;

	for (size_t i = 0; (task = mm_next_process(m, &i)); )
		for (uint64_t at = 0; (vma = mm_find_vma(task->mm, at)); at = vma->vm_end)
			maps_row(task, vma, w);
	return 0;
}

const struct mm_machine_table mm_table_numa_maps = {
	MM_TABLE("numa_maps", maps_columns, "every mapping with its policy and its pages by node, as /proc/PID/numa_maps"),
	.rows = maps_rows,
	.of_processes = true,
};

struct stat_row {
	uint64_t node, numa_hit, numa_miss, numa_foreign, interleave_hit, local_node, other_node;
};

static const struct mm_column stat_columns[] = {
	MM_COLUMN(struct stat_row, node, MM_COL_U64, "NUMA node"),
	MM_COLUMN(struct stat_row, numa_hit, MM_COL_U64, "blocks that were wanted of it and came from it"),
	MM_COLUMN(struct stat_row, numa_miss, MM_COL_U64, "blocks of it that another node should have given"),
	MM_COLUMN(struct stat_row, numa_foreign, MM_COL_U64, "blocks that were wanted of it and came from another"),
	MM_COLUMN(struct stat_row, interleave_hit, MM_COL_U64, "hits of interleaving"),
	MM_COLUMN(struct stat_row, local_node, MM_COL_U64, "blocks of it for a CPU of its own"),
	MM_COLUMN(struct stat_row, other_node, MM_COL_U64, "blocks of it for a CPU of another"),
};

static int stat_rows(struct mm_machine *m, struct mm_table_writer *w)
{
	for (uint32_t nid = 0; m->phys && nid < MM_MAX_NODES; nid++) {
		uint64_t n[MM_NR_NUMA_EVENTS] = { 0 };

		if (!m->phys->nodes[nid])
			continue;
		for (int t = 0; t < MM_MAX_NR_ZONES; t++)
			for (int i = 0; i < MM_NR_NUMA_EVENTS; i++)
				n[i] += m->phys->nodes[nid]->zones[t].numa_events[i];
		mm_table_writer_row(w, &(struct stat_row){ nid, n[0], n[1], n[2], n[3], n[4], n[5] });
	}
	return 0;
}

const struct mm_machine_table mm_table_numastat = {
	MM_TABLE("numastat", stat_columns, "allocations by node since the start, as /sys/devices/system/node/node*/numastat"),
	.rows = stat_rows,
};
