/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * reclaim/oom.c - the OOM killer: who is worst, and that one dies
 *
 * Points of a task are the pages that its death gives back (rss, swap entries,
 * page tables) plus oom_score_adj thousandths of all memory that counts: RAM
 * and swap, the memcg's limit, or what the nodes have that the request is bound
 * to (MPOL_BIND, or the cpuset) and swap: then who is bound to other nodes is spared.  Among
 * equals the later one is taken: the later process, of a memcg who joined it later, of its tree who is
 * in the later one.  What the kernel's log says of it goes through
 * the machine's hooks.
 *
 * Source: Linux 6.6 mm/oom_kill.c, mm/memcontrol.c mem_cgroup_out_of_memory().
 * Deviation: a row without time is no reason to hold reports back (the rate limit counts seconds).
 */
#include <inttypes.h>
#include <stdlib.h>

#include "base/host_memory.h"
#include "reclaim/internal.h"

static int64_t task_badness(const struct mm_oom_task *t, uint64_t total_pages)
{
	uint64_t rss = 0;

	if (t->pid == 1 || !t->mm || t->in_vfork)
		return MM_OOM_UNKILLABLE;
	for (int i = 0; i < MM_NR_RSS; i++)
		if (i != MM_SWAPENTS)
			rss += (uint64_t)(t->mm->rss[i] > 0 ? t->mm->rss[i] : 0);
	return mm_oom_badness(rss, (uint64_t)t->mm->rss[MM_SWAPENTS], t->mm->pgtables_bytes, t->oom_score_adj, total_pages);
}

static uint64_t kib(int64_t pages) { return pages > 0 ? (uint64_t)pages << (MM_PAGE_SHIFT - 10) : 0; }

/* __oom_kill_process(): the counters come first, the log's line before the memory goes. */
static void kill(struct mm_reclaim *r, const struct mm_oom_task *victim, int64_t points, const char *message)
{
	struct mm_event *e = mm_effect(r->ctx, MM_BY_OOM, MM_EV_OOM_KILL);
	const struct mm_struct *mm = victim->mm;

	if (e) {
		e->pid = victim->pid;
		e->present |= MM_TC_BIT(PID);
		mm_event_set_result(e, MM_RESULT_DEC, (uint64_t)(points > 0 ? points : 0));
	}
	mm_count(r->ctx, MM_OOM_KILL, 1);
	if (victim->memcg)
		mm_memcg_memory_event(victim->memcg, MM_MEMCG_EV_OOM_KILL);
	if (r->oom.printk)
		r->oom.printk(r->oom.arg, "%s: Killed process %" PRIu32 " (%s) total-vm:%" PRIu64 "kB, anon-rss:%" PRIu64
			      "kB, file-rss:%" PRIu64 "kB, shmem-rss:%" PRIu64 "kB, UID:%" PRIu32 " pgtables:%" PRIu64
			      "kB oom_score_adj:%" PRId32, message, victim->pid, victim->comm, kib((int64_t)mm->total_vm),
			      kib(mm->rss[MM_ANONPAGES]), kib(mm->rss[MM_FILEPAGES]), kib(mm->rss[MM_SHMEMPAGES]), victim->uid,
			      mm->pgtables_bytes >> 10, victim->oom_score_adj);
	if (r->oom.kill)
		r->oom.kill(r->oom.arg, victim);
}

/* The highest memcg on the way up to the one that ran out that wants to die as one. */
static struct mm_memcg *mem_cgroup_get_oom_group(const struct mm_oom_task *victim, const struct mm_memcg *oom_memcg)
{
	struct mm_memcg *group = NULL;

	for (struct mm_memcg *m = victim->memcg; m && m->parent; m = m->parent) {
		if (m->oom_group)
			group = m;
		if (m == oom_memcg)
			break;
	}
	return group;
}

/* A process of a group that is to die: it may have died with another that shares its memory when its turn comes. */
struct member {
	uint64_t memcg, joined;		/* place of its memcg in the walk of the tree; the later it joined that, the larger */
	size_t pos;			/* where r->oom.task() finds it */
	uint32_t pid;
};

static int by_turn(const void *a, const void *b)
{
	const struct member *x = a, *y = b;

	if (x->memcg != y->memcg)
		return x->memcg < y->memcg ? -1 : 1;
	if (x->joined != y->joined)
		return x->joined < y->joined ? -1 : 1;
	return (x->pos > y->pos) - (x->pos < y->pos);
}

/* Who is in @group, in the order of mem_cgroup_scan_tasks(): cgroup by cgroup, who joined first first. The caller's to free. */
static struct member *members_of(struct mm_reclaim *r, struct mm_memcg *group, size_t *nr)
{
	struct member *v = NULL;
	struct mm_oom_task t;
	uint32_t place = 0;
	size_t room = 0;

	*nr = 0;
	for (struct mm_memcg *m = NULL; (m = mm_mem_cgroup_iter(group, m)) != NULL;)
		m->scan_place = place++;
	for (size_t pos = 0, at = 0; r->oom.task(r->oom.arg, &pos, &t); at = pos) {
		if (!t.memcg || !mm_mem_cgroup_is_descendant(t.memcg, group))
			continue;
		if (mm_host_grow(&v, *nr, &room, sizeof(*v)))
			break;
		v[(*nr)++] = (struct member){ t.memcg->scan_place, t.joined, at, t.pid };
	}
	if (*nr)
		qsort(v, *nr, sizeof(*v), by_turn);
	return v;
}

/* memory.oom.group: who is in it dies too, unless protected; the victim is counted a second time, as in the kernel. */
static void kill_group(struct mm_reclaim *r, struct mm_memcg *group, struct mm_memcg *victims, uint32_t victim_pid, const char *message)
{
	struct mm_oom_task t;
	struct member *v;
	size_t nr;

	mm_count(r->ctx, MM_OOM_KILL, 1);
	mm_memcg_memory_event(victims, MM_MEMCG_EV_OOM_KILL);
	mm_memcg_memory_event(group, MM_MEMCG_EV_OOM_GROUP_KILL);
	if (r->oom.printk)
		r->oom.printk(r->oom.arg, "Tasks in %s are going to be killed due to memory.oom.group set", group->name);
	v = members_of(r, group, &nr);
	for (size_t i = 0; i < nr; i++)
		if (r->oom.task(r->oom.arg, &v[i].pos, &t) && t.pid == v[i].pid && t.pid != victim_pid && t.pid != 1 &&
		    t.oom_score_adj != MM_OOM_SCORE_ADJ_MIN)
			kill(r, &t, 0, message);
	free(v);
}

/* ---- the report ---- */

enum { RATELIMIT_BURST = 10 };
static const uint64_t ratelimit_interval_ns = UINT64_C(5) * 1000 * 1000 * 1000;

/* __ratelimit(&oom_rs) */
static bool may_report(struct mm_reclaim *r)
{
	uint64_t now = r->ctx->now_ns;

	if (!r->oom.dump_header || !now)
		return r->oom.dump_header;
	if (!r->oom_rs_begin_ns || now > r->oom_rs_begin_ns + ratelimit_interval_ns) {
		if (r->oom_rs_missed)
			r->oom.printk(r->oom.arg, "oom_kill_process: %" PRIu32 " callbacks suppressed", r->oom_rs_missed);
		r->oom_rs_begin_ns = now;
		r->oom_rs_printed = r->oom_rs_missed = 0;
	}
	if (r->oom_rs_printed < RATELIMIT_BURST) {
		r->oom_rs_printed++;
		return true;
	}
	r->oom_rs_missed++;
	return false;
}

static void kill_process(struct mm_reclaim *r, struct mm_oom_case *oc, const struct mm_oom_task *victim, int64_t points,
			 const char *message)
{
	struct mm_memcg *group = mem_cgroup_get_oom_group(victim, oc->memcg), *memcg = victim->memcg;
	uint32_t pid = victim->pid;

	oc->victim = victim;
	if (may_report(r))
		r->oom.dump_header(r->oom.arg, oc);
	kill(r, victim, points, message);
	if (group)
		kill_group(r, group, memcg, pid, message);
}

static void panic(struct mm_reclaim *r, struct mm_oom_case *oc, const char *text)
{
	oc->victim = NULL;
	r->panicked = true;
	if (r->oom.dump_header)
		r->oom.dump_header(r->oom.arg, oc);
	if (r->oom.printk)
		r->oom.printk(r->oom.arg, "%s", text);
	if (r->oom.panic)
		r->oom.panic(r->oom.arg);
}

/* 1 panics where all memory ran out, 2 where a memcg's or some nodes' did too. */
static bool check_panic_on_oom(struct mm_reclaim *r, struct mm_oom_case *oc)
{
	int64_t v = mm_sysctl(r->ctx, MM_SYSCTL_PANIC_ON_OOM);

	if (!v || (v != 2 && oc->constraint != MM_OOM_NONE))
		return false;
	panic(r, oc, v == 2 ? "Kernel panic - not syncing: Out of memory: compulsory panic_on_oom is enabled" :
	      "Kernel panic - not syncing: Out of memory: system-wide panic_on_oom is enabled");
	return true;
}

/* Nobody may be killed: of the machine's memory that is the end, a memcg's task tries for ever. */
static void nobody(struct mm_reclaim *r, struct mm_oom_case *oc)
{
	if (!oc->memcg) {
		panic(r, oc, "Kernel panic - not syncing: System is deadlocked on memory");
		return;
	}
	if (r->oom.dump_header)
		r->oom.dump_header(r->oom.arg, oc);
	if (r->oom.printk)
		r->oom.printk(r->oom.arg, "Out of memory and no killable processes...");
}

/* Memory and swap that a memcg may use; what the points of its tasks are measured against. */
static uint64_t mem_cgroup_get_max(const struct mm_reclaim *r, const struct mm_memcg *m)
{
	uint64_t swap = mm_total_swap_pages(r->cache), total = m->max, most = r->cache->cgroup_v1 ? m->memsw_max - m->max : m->swap_max;

	if (mm_mem_cgroup_swappiness(r->cache, m))
		total += most < swap ? most : swap;
	return total ? total : 1;
}

/* constrained_alloc(): what kept the request from memory, and the pages that points are measured against. */
static uint64_t constrained_alloc(const struct mm_reclaim *r, struct mm_oom_case *oc)
{
	uint64_t total = mm_total_swap_pages(r->cache);
	mm_nodes_t memory = r->ctx->numa.memory;

	if (oc->memcg) {
		oc->constraint = MM_OOM_MEMCG;
		return mem_cgroup_get_max(r, oc->memcg);
	}
	if (oc->kswapd_node >= 0 || oc->gfp & __MM_GFP_THISNODE || !(r->phys->denied_nodes & memory))
		return total + r->phys->totalram_pages;
	oc->constraint = r->phys->denied_by_cpuset ? MM_OOM_CPUSET : MM_OOM_MEMORY_POLICY;
	if (oc->constraint == MM_OOM_MEMORY_POLICY)
		oc->nodes = ~r->phys->denied_nodes;
	for (uint32_t n = 0; n < MM_MAX_NODES; n++)
		if (r->phys->nodes[n] && (oc->nodes ? oc->nodes : oc->mems) >> n & 1)
			total += r->phys->nodes[n]->present_pages;
	return total;
}

bool mm_oom_is_eligible(const struct mm_oom_case *oc, const struct mm_oom_task *t)
{
	if (oc->memcg)
		return t->memcg && mm_mem_cgroup_is_descendant(t->memcg, oc->memcg);
	if (oc->nodes)
		return !oc->ops->bound_nodes || oc->ops->bound_nodes(oc->ops->arg, t) & oc->nodes;
	return !oc->ops->mems_allowed || oc->ops->mems_allowed(oc->ops->arg, t) & oc->mems;
}

/* mem_cgroup_scan_tasks() of @root comes to @a, which stands behind @b among the processes, after @b. */
static bool is_scanned_later(struct mm_memcg *root, const struct mm_oom_task *a, const struct mm_oom_task *b)
{
	if (!root)
		return true;
	if (a->memcg == b->memcg)
		return a->joined > b->joined;
	for (struct mm_memcg *m = NULL; (m = mm_mem_cgroup_iter(root, m)) != NULL;)
		if (m == a->memcg || m == b->memcg)
			return m == b->memcg;
	return true;
}

/* select_bad_process(): the worst of those who are eligible; MM_OOM_UNKILLABLE: nobody is. */
static int64_t select_bad_process(struct mm_reclaim *r, const struct mm_oom_case *oc, uint64_t total, struct mm_oom_task *victim)
{
	int64_t worst = MM_OOM_UNKILLABLE, points;
	struct mm_oom_task t;

	for (size_t pos = 0; r->oom.task(r->oom.arg, &pos, &t); ) {
		if (!mm_oom_is_eligible(oc, &t))
			continue;
		points = task_badness(&t, total);
		if (points == MM_OOM_UNKILLABLE || points < worst ||
		    (points == worst && !is_scanned_later(oc->memcg, &t, victim)))
			continue;
		worst = points;
		*victim = t;
	}
	return worst;
}

/* vm.oom_kill_allocating_task: the process whose row is replayed, if it may be killed. */
static bool allocating_task(struct mm_reclaim *r, const struct mm_oom_case *oc, struct mm_oom_task *victim)
{
	struct mm_oom_task t;

	for (size_t pos = 0; r->oom.task(r->oom.arg, &pos, &t); )
		if (t.is_current && t.pid != 1 && t.oom_score_adj != MM_OOM_SCORE_ADJ_MIN && mm_oom_is_eligible(oc, &t)) {
			*victim = t;
			return true;
		}
	return false;
}

/* out_of_memory(); @memcg NULL: the machine.  False: there is nobody to kill. */
static bool out_of_memory(struct mm_reclaim *r, struct mm_memcg *memcg, mm_gfp_t gfp, unsigned int order, int32_t kswapd_node)
{
	struct mm_oom_case oc = { .ops = &r->oom, .gfp = gfp, .order = order, .memcg = memcg, .kswapd_node = kswapd_node,
				  .mems = kswapd_node >= 0 ? r->ctx->numa.memory : mm_mems_allowed(r->ctx) };
	struct mm_oom_task victim;
	uint64_t total;
	int64_t points;

	if (r->cache->dying)		/* it is about to give its memory back */
		return true;
	if (!(gfp & __MM_GFP_FS) && !memcg)
		return true;
	if (!r->oom.task || r->panicked)
		return false;
	total = constrained_alloc(r, &oc);
	if (check_panic_on_oom(r, &oc))
		return false;
	if (!memcg && kswapd_node < 0 && mm_sysctl(r->ctx, MM_SYSCTL_OOM_KILL_ALLOCATING_TASK) &&
	    allocating_task(r, &oc, &victim)) {
		kill_process(r, &oc, &victim, 0, "Out of memory (oom_kill_allocating_task)");
		return true;
	}
	points = select_bad_process(r, &oc, total, &victim);
	if (points == MM_OOM_UNKILLABLE) {
		nobody(r, &oc);
		return false;
	}
	kill_process(r, &oc, &victim, points, memcg ? "Memory cgroup out of memory" : "Out of memory");
	return true;
}

bool mm_out_of_memory_hook(void *arg, mm_gfp_t gfp, unsigned int order)
{
	return out_of_memory(arg, NULL, gfp, order, -1);
}

void mm_kswapd_out_of_memory(struct mm_reclaim *r, uint32_t node, mm_gfp_t gfp) { out_of_memory(r, NULL, gfp, 0, (int32_t)node); }

bool mm_mem_cgroup_out_of_memory_hook(void *arg, struct mm_memcg *memcg, mm_gfp_t gfp, unsigned int order)
{
	if (mm_mem_cgroup_margin(memcg) >= (uint64_t)1 << order)
		return true;
	return out_of_memory(arg, memcg, gfp, order, -1);
}
