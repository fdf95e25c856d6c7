/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * machine/oom_report.c - what the simulated kernel's log says when it is out of memory
 *
 * Lines stand as the kernel prints them, with the time of the row that is
 * replayed, into a buffer that the machine hands on when the row is done.
 *
 *   [    0.700000] eat invoked oom-killer: gfp_mask=..., order=0, oom_score_adj=0
 *   (Mem-Info and zones; of a memcg its usage and memory.stat)
 *   (the task table)
 *   [    0.700000] oom-kill:constraint=CONSTRAINT_NONE,...,task=eat,pid=11,uid=0
 *
 * Figures that the model does not keep are left out rather than made up: the call trace, per zone what is
 * mlocked or waits to be written, with several nodes each node's kinds of pages, of memory.stat the events.
 *
 * Source: Linux 6.6 mm/oom_kill.c dump_header(), mm/show_mem.c __show_mem(), mm/memcontrol.c
 * mem_cgroup_print_oom_meminfo().
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "cache/memcg_v1.h"
#include "cache/swap.h"
#include "machine/machine.h"
#include "phys/internal.h"
#include "phys/mempolicy.h"
#include "reclaim/reclaim.h"

static uint64_t kib(uint64_t pages) { return pages << (MM_PAGE_SHIFT - 10); }

static void stamp(struct mm_machine *m)
{
	uint64_t us = m->ctx.now_ns / 1000;

	mm_output_printf(&m->oom_report, "[%5" PRIu64 ".%06" PRIu64 "] ", us / 1000000, us % 1000000);
}

void mm_oom_report_line(void *arg, const char *fmt, ...)
{
	struct mm_machine *m = arg;
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	stamp(m);
	mm_output_printf(&m->oom_report, "%s\n", text);
}

/* ---- Mem-Info ---- */

static uint64_t state(const struct mm_machine *m, enum mm_counter c)
{
	return m->ctx.stat.v[c] > 0 ? (uint64_t)m->ctx.stat.v[c] : 0;
}

static uint64_t free_pcp(const struct mm_machine *m, const struct mm_zone *z)
{
	uint64_t n = 0;

	for (uint32_t cpu = 0; cpu < m->ctx.nr_cpus; cpu++)
		n += z->pcp[cpu].count;
	return n;
}

/* show_mem_node_skip(): @nodes are those that a bound request may use, 0: it is not bound. */
static bool is_shown(mm_nodes_t nodes, uint32_t nid) { return !nodes || nodes >> nid & 1; }

static void global_lines(struct mm_machine *m, mm_nodes_t nodes, enum mm_zone_type highest)
{
	uint64_t pcp = 0;

	for (uint32_t i = 0; i < m->phys->nr_zones; i++)
		if (m->phys->zone_table[i]->type <= highest && is_shown(nodes, m->phys->zone_table[i]->node))
			pcp += free_pcp(m, m->phys->zone_table[i]);
	mm_oom_report_line(m, "active_anon:%" PRIu64 " inactive_anon:%" PRIu64 " isolated_anon:%" PRIu64,
			   state(m, MM_NR_ACTIVE_ANON), state(m, MM_NR_INACTIVE_ANON), state(m, MM_NR_ISOLATED_ANON));
	mm_oom_report_line(m, " active_file:%" PRIu64 " inactive_file:%" PRIu64 " isolated_file:%" PRIu64,
			   state(m, MM_NR_ACTIVE_FILE), state(m, MM_NR_INACTIVE_FILE), state(m, MM_NR_ISOLATED_FILE));
	mm_oom_report_line(m, " unevictable:%" PRIu64 " dirty:%" PRIu64 " writeback:%" PRIu64, state(m, MM_NR_UNEVICTABLE),
			   state(m, MM_NR_DIRTY), state(m, MM_NR_WRITEBACK));
	mm_oom_report_line(m, " slab_reclaimable:%" PRIu64 " slab_unreclaimable:%" PRIu64, state(m, MM_NR_SLAB_RECLAIMABLE),
			   state(m, MM_NR_SLAB_UNRECLAIMABLE));
	mm_oom_report_line(m, " mapped:%" PRIu64 " shmem:%" PRIu64 " pagetables:%" PRIu64, state(m, MM_NR_MAPPED),
			   state(m, MM_NR_SHMEM), state(m, MM_NR_PAGE_TABLE_PAGES));
	mm_oom_report_line(m, " sec_pagetables:%" PRIu64 " bounce:%" PRIu64, state(m, MM_NR_SEC_PAGE_TABLE_PAGES),
			   state(m, MM_NR_BOUNCE));
	mm_oom_report_line(m, " kernel_misc_reclaimable:%" PRIu64, state(m, MM_NR_KERNEL_MISC_RECLAIMABLE));
	mm_oom_report_line(m, " free:%" PRIu64 " free_pcp:%" PRIu64 " free_cma:%" PRIu64, mm_nr_free_pages(m->phys), pcp,
			   state(m, MM_NR_FREE_CMA));
}

static void node_line(struct mm_machine *m, const struct mm_node *node)
{
	struct mm_output *out = &m->oom_report;
	uint64_t lru[5] = { 0 };

	for (int z = 0; z < MM_MAX_NR_ZONES; z++)
		for (int l = 0; l < 5; l++)
			lru[l] += node->zones[z].nr_lru[l];
	stamp(m);
	mm_output_printf(out, "Node %" PRIu32 " active_anon:%" PRIu64 "kB inactive_anon:%" PRIu64 "kB active_file:%" PRIu64
			 "kB inactive_file:%" PRIu64 "kB unevictable:%" PRIu64 "kB", node->id, kib(lru[MM_LRU_ACTIVE_ANON]),
			 kib(lru[MM_LRU_INACTIVE_ANON]), kib(lru[MM_LRU_ACTIVE_FILE]), kib(lru[MM_LRU_INACTIVE_FILE]),
			 kib(lru[MM_LRU_UNEVICTABLE]));
	if (m->phys->nr_nodes == 1)
		mm_output_printf(out, " isolated(anon):%" PRIu64 "kB isolated(file):%" PRIu64 "kB mapped:%" PRIu64 "kB dirty:%"
				 PRIu64 "kB writeback:%" PRIu64 "kB shmem:%" PRIu64 "kB kernel_stack:%" PRIu64
				 "kB pagetables:%" PRIu64 "kB", kib(state(m, MM_NR_ISOLATED_ANON)),
				 kib(state(m, MM_NR_ISOLATED_FILE)), kib(state(m, MM_NR_MAPPED)), kib(state(m, MM_NR_DIRTY)),
				 kib(state(m, MM_NR_WRITEBACK)), kib(state(m, MM_NR_SHMEM)), state(m, MM_NR_KERNEL_STACK),
				 kib(state(m, MM_NR_PAGE_TABLE_PAGES)));
	mm_output_printf(out, "\n");
}

static void zone_lines(struct mm_machine *m, const struct mm_zone *z)
{
	const char *name = mm_zone_type_name((enum mm_zone_type)z->type);

	mm_oom_report_line(m, "Node %" PRIu32 " %s free:%" PRIu64 "kB boost:%" PRIu64 "kB min:%" PRIu64 "kB low:%" PRIu64
			   "kB high:%" PRIu64 "kB reserved_highatomic:%" PRIu64 "KB active_anon:%" PRIu64 "kB inactive_anon:%"
			   PRIu64 "kB active_file:%" PRIu64 "kB inactive_file:%" PRIu64 "kB unevictable:%" PRIu64
			   "kB present:%" PRIu64 "kB managed:%" PRIu64 "kB free_pcp:%" PRIu64 "kB local_pcp:%" PRIu64
			   "kB free_cma:%" PRIu64 "kB", z->node, name, kib(z->free_pages), kib(z->watermark_boost),
			   kib(mm_wmark_pages(z, MM_WMARK_MIN)), kib(mm_wmark_pages(z, MM_WMARK_LOW)),
			   kib(mm_wmark_pages(z, MM_WMARK_HIGH)), kib(z->nr_reserved_highatomic),
			   kib(z->nr_lru[MM_LRU_ACTIVE_ANON]), kib(z->nr_lru[MM_LRU_INACTIVE_ANON]),
			   kib(z->nr_lru[MM_LRU_ACTIVE_FILE]), kib(z->nr_lru[MM_LRU_INACTIVE_FILE]),
			   kib(z->nr_lru[MM_LRU_UNEVICTABLE]), kib(z->present_pages), kib(z->managed_pages),
			   kib(free_pcp(m, z)), kib(z->pcp[m->ctx.cpu].count), kib(z->nr_free_cma));
	stamp(m);
	mm_output_printf(&m->oom_report, "lowmem_reserve[]:");
	for (int i = 0; i < MM_MAX_NR_ZONES; i++)
		mm_output_printf(&m->oom_report, " %" PRIu64, z->lowmem_reserve[i]);
	mm_output_printf(&m->oom_report, "\n");
}

static void blocks_line(struct mm_machine *m, const struct mm_zone *z)
{
	struct mm_output *out = &m->oom_report;
	uint64_t total = 0;

	stamp(m);
	mm_output_printf(out, "Node %" PRIu32 " %s: ", z->node, mm_zone_type_name((enum mm_zone_type)z->type));
	for (unsigned int o = 0; o < MM_NR_PAGE_ORDERS; o++) {
		uint64_t nr = z->free_area[o].nr_free;

		mm_output_printf(out, "%" PRIu64 "*%" PRIu64 "kB ", nr, kib(UINT64_C(1) << o));
		total += nr << o;
		if (!nr)
			continue;
		mm_output_printf(out, "(");
		for (unsigned int mt = 0; mt < MM_MIGRATE_TYPES; mt++)
			if (z->free_area[o].free_list[mt].head != MM_PFN_NONE)
				mm_output_printf(out, "%c", "UMEHCI"[mt]);
		mm_output_printf(out, ") ");
	}
	mm_output_printf(out, "= %" PRIu64 "kB\n", kib(total));
}

static bool is_shown_zone(const struct mm_zone *z, mm_nodes_t nodes, enum mm_zone_type highest)
{
	return z->present_pages && z->type <= highest && is_shown(nodes, z->node);
}

static void show_mem(struct mm_machine *m, mm_nodes_t nodes, enum mm_zone_type highest)
{
	const struct mm_phys *phys = m->phys;
	uint64_t present = 0, managed = 0;
	int64_t free_swap = mm_nr_swap_pages(m->cache);

	mm_oom_report_line(m, "Mem-Info:");
	global_lines(m, nodes, highest);
	for (uint32_t n = 0; n < MM_MAX_NODES; n++)
		if (phys->nodes[n] && is_shown(nodes, n))
			node_line(m, phys->nodes[n]);
	for (uint32_t i = 0; i < phys->nr_zones; i++)
		if (is_shown_zone(phys->zone_table[i], nodes, highest))
			zone_lines(m, phys->zone_table[i]);
	for (uint32_t i = 0; i < phys->nr_zones; i++)
		if (is_shown_zone(phys->zone_table[i], nodes, highest))
			blocks_line(m, phys->zone_table[i]);
	mm_oom_report_line(m, "%" PRIu64 " total pagecache pages", state(m, MM_NR_FILE_PAGES));
	mm_oom_report_line(m, "%" PRIu64 " pages in swap cache", state(m, MM_NR_SWAPCACHED));
	mm_oom_report_line(m, "Free swap  = %" PRIu64 "kB", kib(free_swap > 0 ? (uint64_t)free_swap : 0));
	mm_oom_report_line(m, "Total swap = %" PRIu64 "kB", kib(mm_total_swap_pages(m->cache)));
	for (uint32_t i = 0; i < phys->nr_zones; i++) {
		present += phys->zone_table[i]->present_pages;
		managed += phys->zone_table[i]->managed_pages;
	}
	mm_oom_report_line(m, "%" PRIu64 " pages RAM", present);
	mm_oom_report_line(m, "0 pages HighMem/MovableOnly");
	mm_oom_report_line(m, "%" PRIu64 " pages reserved", present - managed);
}

/* ---- a memcg ---- */

static uint64_t limit_kib(uint64_t pages) { return pages >= MM_MEMCG_MAX ? UINT64_C(9007199254740988) : kib(pages); }

static void memory_stat_line(void *m, const char *name, uint64_t value)
{
	if (value != MM_MISSING_U64)
		mm_oom_report_line(m, "%s %" PRIu64, name, value);
}

static void memcg_meminfo(struct mm_machine *m, struct mm_memcg *memcg)
{
	struct mm_memcg_pages *pages = mm_memcg_count_all(m);

	mm_oom_report_line(m, "memory: usage %" PRIu64 "kB, limit %" PRIu64 "kB, failcnt %" PRIu64, kib(memcg->usage),
			   limit_kib(memcg->max), memcg->failcnt);
	if (m->cache->cgroup_v1)
		mm_oom_report_line(m, "memory+swap: usage %" PRIu64 "kB, limit %" PRIu64 "kB, failcnt %" PRIu64, kib(mm_memsw_usage(memcg)),
				   limit_kib(memcg->memsw_max), memcg->memsw_failcnt);
	else
		mm_oom_report_line(m, "swap: usage %" PRIu64 "kB, limit %" PRIu64 "kB, failcnt %" PRIu64, kib(memcg->swap_usage),
				   limit_kib(memcg->swap_max), memcg->swap_failcnt);
	mm_oom_report_line(m, "Memory cgroup stats for %s:", memcg->name);
	if (pages)
		mm_memory_stat(pages, memcg, m, memory_stat_line);
	free(pages);
}

/* ---- tasks ---- */

static void task_table(struct mm_machine *m, const struct mm_oom_case *oc)
{
	struct mm_oom_task t;

	mm_oom_report_line(m, "Tasks state (memory values in pages):");
	mm_oom_report_line(m, "[  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name");
	for (size_t pos = 0; oc->ops->task(oc->ops->arg, &pos, &t); ) {
		const int64_t *rss = t.mm->rss;

		if (t.pid == 1 || !mm_oom_is_eligible(oc, &t))
			continue;
		mm_oom_report_line(m, "[%7" PRIu32 "] %5" PRIu32 " %5" PRIu32 " %8" PRIu64 " %8" PRId64 " %8" PRIu64 " %8" PRId64
				   "         %5" PRId32 " %s", t.pid, t.uid, t.tgid, t.mm->total_vm,
				   rss[MM_FILEPAGES] + rss[MM_ANONPAGES] + rss[MM_SHMEMPAGES], t.mm->pgtables_bytes,
				   rss[MM_SWAPENTS], t.oom_score_adj, t.comm);
	}
}

void mm_oom_report_header(void *arg, const struct mm_oom_case *oc)
{
	struct mm_machine *m = arg;
	struct mm_output *out = &m->oom_report;
	bool kswapd = oc->kswapd_node >= 0;
	const struct mm_task *task = kswapd ? NULL : mm_task_find(m, m->ctx.pid);
	char name[24], asked[MM_NODES_TEXT], allowed[MM_NODES_TEXT];
	const char *comm = kswapd ? name : mm_oom_comm(task);

	snprintf(name, sizeof(name), "kswapd%" PRId32, oc->kswapd_node);
	stamp(m);
	mm_output_printf(out, "%s invoked oom-killer: gfp_mask=0x%" PRIx32 "(", comm, oc->gfp);
	mm_gfp_format(out, oc->gfp);
	mm_output_printf(out, "), order=%u, oom_score_adj=%" PRId32 "\n", oc->order, task ? task->oom_score_adj : 0);
	mm_oom_report_line(m, "CPU: %" PRIu32 " PID: %" PRIu32 " Comm: %s Not tainted 6.6.0-mm-tools", m->ctx.cpu,
			   kswapd ? 0 : m->ctx.pid, comm);
	if (oc->memcg)
		memcg_meminfo(m, oc->memcg);
	else
		show_mem(m, oc->nodes ? oc->nodes : oc->mems, mm_gfp_zone(oc->gfp));
	task_table(m, oc);
	if (!oc->victim)
		return;
	mm_nodes_to_str(oc->nodes, asked, sizeof(asked));
	mm_nodes_to_str(oc->mems, allowed, sizeof(allowed));
	stamp(m);
	mm_output_printf(out, "oom-kill:constraint=%s,nodemask=%s,cpuset=%s,mems_allowed=%s", mm_oom_constraint_word(oc->constraint),
			 oc->nodes ? asked : "(null)", mm_cpuset_name(task ? task->memcg : NULL), allowed);
	mm_output_printf(out, oc->memcg ? ",oom_memcg=%s" : ",global_oom", oc->memcg ? oc->memcg->name : "");
	mm_output_printf(out, ",task_memcg=%s,task=%s,pid=%" PRIu32 ",uid=%" PRIu32 "\n",
			 oc->victim->memcg ? oc->victim->memcg->name : "/", oc->victim->comm, oc->victim->pid, oc->victim->uid);
}
