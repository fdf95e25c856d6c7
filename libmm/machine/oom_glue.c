/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the machine tells the OOM killer about its tasks, and how a task is
 * killed: every task that shares the victim's address space ends; memory is
 * given back at once (the kernel's OOM reaper), but for the task whose event
 * is being replayed, which dies when that event is done.
 */
#include <string.h>

#include "cache/cache.h"
#include "machine/machine.h"
#include "reclaim/reclaim.h"

static bool oom_task(void *arg, size_t i, struct mm_oom_task *t)
{
	struct mm_machine *m = arg;
	size_t leader = 0;

	for (size_t k = 0; k < m->tasks.nr; k++) {
		const struct mm_task *task = m->tasks.v[k];

		if (task->state != MM_TASK_RUNNING || task->pid != task->tgid || leader++ != i)
			continue;
		*t = (struct mm_oom_task){
			.pid = task->pid, .tgid = task->tgid, .comm = task->comm, .mm = task->mm,
			.memcg = task->memcg, .oom_score_adj = task->oom_score_adj, .cookie = k,
		};
		return true;
	}
	return false;
}

static void oom_kill(void *arg, const struct mm_oom_task *t)
{
	struct mm_machine *m = arg;
	const struct mm_struct *victim = t->mm;

	for (size_t k = 0; k < m->tasks.nr; k++) {
		struct mm_task *task = m->tasks.v[k];

		if (task->state != MM_TASK_RUNNING || (task->mm ? task->mm != victim : k != t->cookie))
			continue;
		if (task->mm && task->mm == m->running_mm)
			m->someone_dies = task->dying = m->cache->dying = true;
		else
			mm_task_end(m, task, MM_TASK_KILLED);
	}
}

void mm_machine_install_oom(struct mm_machine *m)
{
	const struct mm_oom_ops ops = { .arg = m, .task = oom_task, .kill = oom_kill };

	mm_reclaim_set_oom_ops(m->reclaim, &ops);
}
