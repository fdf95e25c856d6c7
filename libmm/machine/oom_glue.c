/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the machine tells the OOM killer about its tasks, and how a task is
 * killed: every task that shares the victim's address space ends; memory is
 * given back at once (the kernel's OOM reaper), but for the task whose event
 * is being replayed, which dies when that event is done.  A panic stops the
 * machine: rows that follow are not replayed.
 */
#include <string.h>

#include "cache/cache.h"
#include "machine/machine.h"
#include "reclaim/reclaim.h"

const char *mm_oom_comm(const struct mm_task *task) { return task && task->comm[0] ? task->comm : "task"; }

/* Who stands for a process is whom find_lock_task_mm() finds: the leader, else the first thread that is left. */
static bool oom_task(void *arg, size_t *pos, struct mm_oom_task *t)
{
	struct mm_machine *m = arg;
	const struct mm_task *current = mm_task_find(m, m->ctx.pid), *task = mm_next_process(m, pos);

	if (task)
		*t = (struct mm_oom_task){
			.pid = task->pid, .tgid = task->tgid, .comm = mm_oom_comm(task), .mm = task->mm,
			.memcg = task->memcg, .joined = task->joined, .oom_score_adj = task->oom_score_adj, .in_vfork = task->in_vfork,
			.is_current = current && current->tgid == task->tgid, .cookie = *pos - 1,
		};
	return task;
}

/* What @nodes_of says of all threads together; mostly the one that stands for them says all there is. */
static mm_nodes_t of_threads(const struct mm_machine *m, const struct mm_oom_task *t, mm_nodes_t (*nodes_of)(const struct mm_task *task))
{
	mm_nodes_t nodes = nodes_of(m->tasks.v[t->cookie]);

	for (size_t k = 0; nodes != MM_NODES_ALL && k < m->tasks.nr; k++)
		if (m->tasks.v[k]->tgid == t->tgid && m->tasks.v[k]->state == MM_TASK_RUNNING)
			nodes |= nodes_of(m->tasks.v[k]);
	return nodes;
}

static mm_nodes_t bound_nodes(const struct mm_task *task)
{
	const struct mm_mempolicy *pol = task->numa.mempolicy;

	return pol && pol->mode == MM_MPOL_BIND ? pol->nodes : MM_NODES_ALL;
}

static mm_nodes_t mems_allowed(const struct mm_task *task)
{
	return task->numa.mems_allowed ? task->numa.mems_allowed : MM_NODES_ALL;
}

/* mempolicy_in_oom_domain() of every thread; a leader that has ended is one still, and its policy is gone. */
static mm_nodes_t oom_bound_nodes(void *arg, const struct mm_oom_task *t)
{
	return mm_task_find(arg, t->tgid) ? of_threads(arg, t, bound_nodes) : MM_NODES_ALL;
}

/* cpuset_mems_allowed_intersects() of every thread */
static mm_nodes_t oom_mems_allowed(void *arg, const struct mm_oom_task *t) { return of_threads(arg, t, mems_allowed); }

static void oom_kill(void *arg, const struct mm_oom_task *t)
{
	struct mm_machine *m = arg;
	const struct mm_struct *victim = t->mm;

	for (size_t k = 0; k < m->tasks.nr; k++) {
		struct mm_task *task = m->tasks.v[k];

		if (task->state != MM_TASK_RUNNING || (task->mm ? task->mm != victim : k != t->cookie))
			continue;
		if (task->tgid == 1)		/* init pins the memory: oom_reaper lets it be */
			continue;
		if (task->mm && (task->mm == m->running_mm || m->daemons_run))
			m->someone_dies = task->dying = m->cache->dying = true;
		else
			mm_task_end(m, task, MM_TASK_KILLED);
	}
}

static void oom_panic(void *arg)
{
	struct mm_machine *m = arg;

	m->panicked = true;
}

void mm_machine_install_oom(struct mm_machine *m)
{
	struct mm_oom_ops ops = {
		.arg = m, .task = oom_task, .bound_nodes = oom_bound_nodes, .mems_allowed = oom_mems_allowed, .kill = oom_kill,
		.panic = oom_panic,
	};

	if (m->cfg.oom_report) {
		ops.dump_header = mm_oom_report_header;
		ops.printk = mm_oom_report_line;
	}
	mm_reclaim_set_oom_ops(m->reclaim, &ops);
}
