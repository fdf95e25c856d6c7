/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NUMA hint faults: who uses a page whose entry a scan took away, and whether the page moves to it.
 *
 *	entry PROT_NONE -> fault -> which node does the policy want (mpol_misplaced())?
 *		default policy: that of the CPU, if the page was touched from there before too, or for the first time
 *			(two faults in a row from one node: the two-stage filter)
 *	another node, and it has room -> the page moves, 2M whole; the entry is as it was, without RW
 *	else -> the entry is made present again
 *
 * A page remembers the CPU and the low eight bits of the pid of its last hint fault; that goes when it is freed.
 *
 * Source: Linux 6.6 mm/memory.c do_numa_page(), mm/huge_memory.c do_huge_pmd_numa_page(), mm/mempolicy.c
 * mpol_misplaced(), mm/migrate.c migrate_misplaced_page(), kernel/sched/fair.c should_numa_migrate_memory(),
 * task_numa_fault(). Left out: groups of tasks that share pages (a shared fault is taken as one of a task without group),
 * memory tiers, moving the task.
 */
#include <stdlib.h>

#include "base/host_memory.h"
#include "cache/deferred_split.h"
#include "cache/migrate.h"
#include "fault/internal.h"
#include "virt/mempolicy.h"
#include "virt/numab.h"

enum { NO_NODE = -1, CPUPID_UNSET = -1, PID_MASK = 255, PERIOD_SLOTS = 10, PERIOD_THRESHOLD = 7 };
enum { TNF_MIGRATE_FAIL = 1, TNF_LOCAL = 2 };
enum outcome { STAYS, FAILED, MOVED };

static int this_node(const struct mm_fault *f) { return (int)f->phys->cpu_node[f->ctx->cpu]; }

/* ---- what a page remembers ---- */

static int32_t cpupid_last(const struct mm_fault *f, mm_pfn_t pfn)
{
	return f->cache->page_cpupid ? (int32_t)f->cache->page_cpupid[pfn] - 1 : CPUPID_UNSET;
}

static void cpupid_set(struct mm_fault *f, mm_pfn_t pfn)
{
	if (!mm_cache_keep_cpupids(f->cache))
		f->cache->page_cpupid[pfn] = (f->ctx->cpu << 8 | (f->ctx->pid & PID_MASK)) + 1;
}

static bool pid_unset(int32_t cpupid) { return (cpupid & PID_MASK) == PID_MASK; }
static bool is_own(const struct mm_fault *f, int32_t cpupid) { return (uint32_t)(cpupid & PID_MASK) == (f->ctx->pid & PID_MASK); }

/* ---- where it belongs ---- */

static bool should_migrate(struct mm_fault *f, mm_pfn_t pfn)
{
	const struct mm_task_numa *t = f->ctx->task_numa;
	int32_t last = cpupid_last(f, pfn);

	cpupid_set(f, pfn);
	if ((!t || !t->preferred_nid || t->scan_seq <= 4) && (pid_unset(last) || is_own(f, last)))
		return true;
	return pid_unset(last) || f->phys->cpu_node[(last >> 8) % MM_MAX_CPUS] == this_node(f);
}

static uint32_t nearest(const struct mm_fault *f, mm_nodes_t nodes)
{
	for (struct mm_zone *const *z = f->phys->nodes[this_node(f)]->zonerefs[MM_ZONE_NORMAL]; z && *z; z++)
		if (nodes >> (*z)->node & 1)
			return (*z)->node;
	return (uint32_t)this_node(f);
}

/* The node that the page should be on, NO_NODE: it is well where it is. */
static int mpol_misplaced(struct mm_vm_fault *v, mm_pfn_t pfn, uint64_t vaddr)
{
	struct mm_mpol_place place = mm_vma_mpol_place(v->vma, vaddr, 0);
	const struct mm_mempolicy *pol = place.pol;
	int cur = (int)mm_page_nid(v->f->phys, pfn), here = this_node(v->f), want = here;
	bool moron = !pol || pol->flags & MM_MPOL_F_MORON;

	if (pol && !(pol->flags & MM_MPOL_F_MOF))
		return NO_NODE;
	if (pol && pol->mode == MM_MPOL_INTERLEAVE) {
		want = (int)mm_offset_il_node(pol, place.off);
	} else if (pol && pol->mode == MM_MPOL_PREFERRED) {
		if (pol->nodes >> cur & 1)
			return NO_NODE;
		want = (int)mm_first_node(pol->nodes);
	} else if (pol && pol->mode == MM_MPOL_BIND && moron) {
		if (!(pol->nodes >> here & 1))
			return NO_NODE;
	} else if (pol && pol->mode != MM_MPOL_LOCAL) {
		if (pol->nodes >> cur & 1)
			return NO_NODE;
		want = (int)nearest(v->f, pol->nodes);
	} else if (!pol && cur == here) {	/* preferred_node_policy[]: on the CPU's node already */
		return NO_NODE;
	}
	if (moron) {
		want = here;
		if (!should_migrate(v->f, pfn))
			return NO_NODE;
	}
	return cur != want ? want : NO_NODE;
}

static bool migrate_balanced(const struct mm_node *node, uint64_t pages)
{
	for (int t = MM_MAX_NR_ZONES - 1; t >= 0; t--) {
		const struct mm_zone *z = &node->zones[t];

		if (z->managed_pages && mm_zone_watermark_ok(z, 0, mm_wmark_pages(z, MM_WMARK_HIGH) + pages, MM_ZONE_MOVABLE, 0))
			return true;
	}
	return false;
}

/* True: it is there now. */
static bool migrate_misplaced_page(struct mm_vm_fault *v, mm_pfn_t head, uint32_t nid)
{
	struct mm_fault *f = v->f;
	const struct mm_page *p = mm_vmf_page(v, head);
	bool large = mm_folio_is_large(f->phys, head), file = mm_folio_is_file_lru(p);
	mm_gfp_t gfp = large ? MM_GFP_TRANSHUGE_LIGHT | __MM_GFP_THISNODE
			     : (MM_GFP_HIGHUSER_MOVABLE | __MM_GFP_THISNODE | __MM_GFP_NOMEMALLOC | __MM_GFP_NORETRY | __MM_GFP_NOWARN) &
			       ~(mm_gfp_t)MM_GFP_RECLAIM;
	int64_t pages = large ? MM_PMD_PAGES : 1;
	mm_pfn_t dst;

	if (file && ((mm_page_mapcount(f->phys, head) != 1 && v->vma->vm_flags & MM_VM_EXEC) || p->flags & MM_PG_DIRTY))
		return false;
	if ((large && mm_folio_mapcount(f->phys, head) > 1) || !migrate_balanced(f->phys->nodes[nid], (uint64_t)pages) ||
	    !(p->flags & MM_PG_LRU))
		return false;
	mm_isolate_movable(f->cache, head);
	dst = mm_alloc_pages_nodemask(f->phys, nid, MM_NODES_ALL, gfp, large ? MM_PMD_ORDER : 0);
	if (mm_migrate_to(f->virt, head, dst)) {
		mm_putback_movable(f->cache, head);
		return false;
	}
	mm_count(f->ctx, MM_NUMA_PAGES_MIGRATED, pages);
	v->f->pfn = dst;
	return true;
}

/* ---- what the task learns ---- */

/* By @shared and @private faults of the last scan. */
static void update_task_scan_period(struct mm_struct *mm, struct mm_task_numa *t, uint64_t shared, uint64_t private)
{
	uint64_t remote = t->faults->locality[0], local = t->faults->locality[1], lr, ps;
	int64_t slot = (t->scan_period_ms + PERIOD_SLOTS - 1) / PERIOD_SLOTS, period = t->scan_period_ms, n;

	if (local + shared == 0 || t->faults->locality[2]) {
		t->scan_period_ms = t->scan_period_max_ms < 2 * t->scan_period_ms ? t->scan_period_max_ms : 2 * t->scan_period_ms;
		mm->numa_next_scan_ms = mm_numa_now_ms(mm) + t->scan_period_ms;
		return;
	}
	lr = local * PERIOD_SLOTS / (local + remote);
	ps = private * PERIOD_SLOTS / (private + shared ? private + shared : 1);
	n = (int64_t)(ps >= PERIOD_THRESHOLD ? ps : lr) - PERIOD_THRESHOLD;
	if (n >= 0)
		period += (n ? n : 1) * slot;
	else
		period -= (PERIOD_THRESHOLD - (int64_t)(lr > ps ? lr : ps)) * slot;
	n = mm_task_scan_min(mm);
	period = period < n ? n : period;
	n = mm_task_scan_max(mm);
	t->scan_period_ms = (uint32_t)(period > n ? n : period);
	for (int i = 0; i < 3; i++)
		t->faults->locality[i] = 0;
}

/* Once a scan: the node with the most faults is the one it likes best (task_numa_placement()). */
static void task_numa_placement(struct mm_struct *mm, struct mm_task_numa *t)
{
	uint64_t types[2] = { 0, 0 };
	int64_t max = 0;
	int best = NO_NODE;

	if (t->scan_seq == mm->numa_scan_seq)
		return;
	t->scan_seq = mm->numa_scan_seq;
	t->scan_period_max_ms = mm_task_scan_max(mm);
	for (int nid = 0; nid < MM_MAX_NODES; nid++) {
		int64_t faults = 0;

		for (int priv = 0; priv < 2; priv++) {
			types[priv] += t->faults->membuf[nid][priv];
			t->faults->mem[nid][priv] += (int64_t)t->faults->membuf[nid][priv] - t->faults->mem[nid][priv] / 2;
			t->faults->membuf[nid][priv] = 0;
			faults += t->faults->mem[nid][priv];
		}
		if (faults > max) {
			max = faults;
			best = nid;
		}
	}
	if (best != NO_NODE)
		t->preferred_nid = best + 1;
	update_task_scan_period(mm, t, types[0], types[1]);
}

static void task_numa_fault(struct mm_vm_fault *v, int32_t last, int nid, uint64_t pages, unsigned int flags)
{
	struct mm_task_numa *t = v->f->ctx->task_numa;
	uint64_t now_ms = mm_numa_now_ms(mm_vmf_mm(v));
	bool priv = last == CPUPID_UNSET || is_own(v->f, last);

	if (!t || !mm_numa_balancing(v->f->ctx))
		return;
	if (!t->faults)
		t->faults = mm_host_calloc(1, sizeof(*t->faults));
	if (!t->faults)
		return;
	if (now_ms >= t->migrate_retry_ms) {
		task_numa_placement(mm_vmf_mm(v), t);
		t->migrate_retry_ms = now_ms + (t->scan_period_ms / 16 < 1000 ? t->scan_period_ms / 16 : 1000);
	}
	if (flags & TNF_MIGRATE_FAIL)
		t->faults->locality[2] += pages;
	t->faults->membuf[nid][priv] += pages;
	t->faults->locality[!!(flags & TNF_LOCAL)] += pages;
}

/* ---- the fault ---- */

/* The page is someone's: counted, and moved where that is wanted. */
static enum outcome hint_fault(struct mm_vm_fault *v, mm_pfn_t pfn, uint64_t vaddr, uint64_t pages)
{
	struct mm_fault *f = v->f;
	int32_t last = cpupid_last(f, pfn);
	int nid = (int)mm_page_nid(f->phys, pfn), want;
	enum outcome outcome = STAYS;
	unsigned int flags = 0;

	if (v->vma->extra->numab)
		v->vma->extra->numab->pids_active[1] |= mm_numa_pid_bit(f->ctx->pid);
	mm_count(f->ctx, MM_NUMA_HINT_FAULTS, 1);
	if (nid == this_node(f)) {
		mm_count(f->ctx, MM_NUMA_HINT_FAULTS_LOCAL, 1);
		flags |= TNF_LOCAL;
	}
	want = mpol_misplaced(v, pfn, vaddr);
	if (want != NO_NODE)
		outcome = migrate_misplaced_page(v, pfn, (uint32_t)want) ? MOVED : FAILED;
	flags |= outcome == FAILED ? TNF_MIGRATE_FAIL : 0;
	task_numa_fault(v, last, outcome == MOVED ? want : nid, pages, flags);
	return outcome;
}

/* Present again, with RW where nobody needs to be told of a write; not after a move that failed. */
static void make_present(mm_pte_t *entry, mm_pte_t e, bool writable)
{
	e = mm_pte_mkyoung(e);
	*entry = writable ? mm_pte_mkwrite(e) : e;
}

unsigned int mm_do_numa_page(struct mm_vm_fault *v)
{
	mm_pte_t e = mm_pte_modify(v->orig, mm_vma_page_prot(v->vma));
	bool writable = mm_pte_write(e) || mm_can_change_writable(v->vma, e);
	mm_pfn_t pfn = mm_vm_normal_page(e);
	enum outcome outcome = STAYS;

	v->f->kind = MM_FAULT_KIND_NUMA_HINT;
	v->f->pfn = pfn;
	if (pfn != MM_PFN_NONE && !(mm_vmf_page(v, pfn)->flags & (MM_PG_HEAD | MM_PG_TAIL)))
		outcome = hint_fault(v, pfn, v->vaddr, 1);
	if (outcome != MOVED)
		make_present(v->pte, mm_pte_modify(*v->pte, mm_vma_page_prot(v->vma)), writable && outcome == STAYS);
	return 0;
}

unsigned int mm_do_huge_pmd_numa_page(struct mm_vm_fault *v)
{
	mm_pte_t e = mm_pmd_modify(v->orig, mm_vma_page_prot(v->vma));
	bool writable = mm_pte_write(e) || mm_can_change_writable(v->vma, e);
	mm_pfn_t pfn = mm_pte_pfn(e);
	enum outcome outcome = STAYS;

	v->f->kind = MM_FAULT_KIND_NUMA_HINT;
	v->f->pfn = pfn;
	v->f->order = MM_PMD_ORDER;
	if (!mm_is_huge_zero_pmd(v->f->virt, e))
		outcome = hint_fault(v, pfn, v->vaddr & ~(MM_PMD_SIZE - 1), MM_PMD_PAGES);
	if (outcome != MOVED)
		make_present(v->pmd, mm_pmd_modify(*v->pmd, mm_vma_page_prot(v->vma)), writable && outcome == STAYS);
	return 0;
}
