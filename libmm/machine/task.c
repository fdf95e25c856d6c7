/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Tasks.  One record a pid, in order of first appearance; it stays when the
 * task ends, so that tables can show what became of it, and is used again when
 * the pid is.  An open-addressing hash finds it; the task of the last row is
 * found without.  Host memory is bounded by MM_PID_MAX records.
 */
#include <stdlib.h>
#include <string.h>

#include "base/host_memory.h"
#include "cache/cache.h"
#include "fault/fault.h"
#include "machine/vma_call.h"
#include "machine/machine.h"
#include "phys/phys.h"
#include "virt/numab.h"
#include "virt/pkeys.h"

enum { FIRST_TASKS = 16 };

static size_t slot_of(const struct mm_task_table *t, uint32_t pid)
{
	return pid * 2654435761u & (t->hash_size - 1);
}

static void hash_insert(struct mm_task_table *t, uint32_t index)
{
	size_t s = slot_of(t, t->v[index]->pid);

	while (t->hash[s])
		s = (s + 1) & (t->hash_size - 1);
	t->hash[s] = index + 1;
}

static bool grow(struct mm_task_table *t)
{
	size_t cap = t->cap ? 2 * t->cap : FIRST_TASKS;
	struct mm_task **v = mm_host_realloc(t->v, cap * sizeof(struct mm_task *));
	uint32_t *hash;

	if (!v)
		return false;
	t->v = v;
	hash = mm_host_calloc(4 * cap, sizeof(*hash));
	if (!hash)
		return false;
	free(t->hash);
	t->hash = hash;
	t->hash_size = 4 * cap;
	t->cap = cap;
	for (size_t i = 0; i < t->nr; i++)
		hash_insert(t, (uint32_t)i);
	return true;
}

static struct mm_task *find(const struct mm_task_table *t, uint32_t pid)
{
	if (t->last && t->last->pid == pid)
		return t->last;
	if (!t->hash_size)
		return NULL;
	for (size_t s = slot_of(t, pid); t->hash[s]; s = (s + 1) & (t->hash_size - 1))
		if (t->v[t->hash[s] - 1]->pid == pid)
			return t->v[t->hash[s] - 1];
	return NULL;
}

struct mm_task *mm_task_find(const struct mm_machine *m, uint32_t pid)
{
	struct mm_task *task = find(&m->tasks, pid);

	return task && task->state == MM_TASK_RUNNING ? task : NULL;
}

bool mm_task_was_killed(const struct mm_machine *m, uint32_t pid)
{
	const struct mm_task *task = m->someone_died ? find(&m->tasks, pid) : NULL;

	return task && task->state == MM_TASK_KILLED;
}

struct mm_task *mm_next_process(const struct mm_machine *m, size_t *i)
{
	for (; *i < m->tasks.nr; ++*i) {
		struct mm_task *t = m->tasks.v[*i];
		bool seen = false;

		if (t->state != MM_TASK_RUNNING || !t->mm)
			continue;
		if (t->pid != t->tgid) {
			const struct mm_task *leader = mm_task_find(m, t->tgid);

			seen = leader && leader->mm;
			for (size_t k = 0; !seen && k < *i; k++)
				seen = m->tasks.v[k]->tgid == t->tgid && m->tasks.v[k]->state == MM_TASK_RUNNING &&
				       m->tasks.v[k]->mm;
		}
		if (!seen) {
			++*i;
			return t;
		}
	}
	return NULL;
}

static void start(struct mm_machine *m, struct mm_task *task, uint32_t pid)
{
	mm_nodes_t mems;

	*task = (struct mm_task){
		.pid = pid, .tgid = pid, .memcg = m->workload_memcg, .joined = ++m->nr_joins, .automap = m->cfg.automap,
		.faults.pkru = MM_PKRU_INIT, .kernel_fault_vaddr = UINT64_MAX,
	};
	if (!task->memcg)
		task->memcg = mm_captured_cgroup(m, pid);
	if (task->memcg)
		mm_cpuset_update_task(m, task);
	mems = mm_captured_mems(m, pid);
	if (mems)
		task->numa.mems_allowed = mems;
}

struct mm_task *mm_task_get(struct mm_machine *m, uint32_t pid)
{
	struct mm_task_table *t = &m->tasks;
	struct mm_task *task = find(t, pid);

	if (!task) {
		if (pid > MM_PID_MAX || (t->nr == t->cap && !grow(t)))
			return NULL;
		task = mm_host_malloc(sizeof(*task));
		if (!task)
			return NULL;
		start(m, task, pid);
		t->v[t->nr] = task;
		hash_insert(t, (uint32_t)t->nr++);
	} else if (task->state != MM_TASK_RUNNING) {
		start(m, task, pid);
	}
	return t->last = task;
}

struct mm_struct *mm_machine_new_mm(struct mm_machine *m, struct mm_memcg *memcg)
{
	struct mm_struct *mm = mm_mm_alloc(&m->virt, memcg);
	bool memalloc;

	if (mm || !m->cache)
		return mm;
	memalloc = m->cache->memalloc;
	m->cache->memalloc = true;
	m->phys->memalloc++;
	mm = mm_mm_alloc(&m->virt, memcg);
	m->phys->memalloc--;
	m->cache->memalloc = memalloc;
	return mm;
}

struct mm_struct *mm_task_mm(struct mm_machine *m, struct mm_task *task)
{
	if (!task->mm) {
		task->mm = mm_machine_new_mm(m, task->memcg);
		if (task->mm) {
			task->mm->automap = task->automap;
			task->mm->owner = task->pid;
		}
		m->running_mm = task->mm;
	}
	return task->mm;
}

void mm_task_began(struct mm_machine *m, struct mm_task *task)
{
	const struct mm_struct *mm = task->mm;

	task->began = (struct mm_began){
		m->nr_events, mm->map_count, mm->total_vm, mm->data_vm, mm->stack_vm, mm->locked_vm,
	};
}

void mm_task_run(struct mm_machine *m, struct mm_task *task, uint32_t pid)
{
	m->ctx.pid = pid;
	m->running_mm = task ? task->mm : NULL;
	if (m->running_mm)
		m->running_mm->lru_gen_used = true;
	if (m->fault)
		m->fault->task = task ? &task->faults : NULL;
	m->virt.pkru = task ? &task->faults.pkru : NULL;
	mm_mpol_run_task(&m->ctx, task ? &task->numa : NULL);
	if (m->cache)
		m->cache->dying = false;
}

/* The last task of the process that is asked for ends: its maps are kept for the table.  Without memory they are not. */
static void keep_maps(struct mm_machine *m, const struct mm_task *task)
{
	uint64_t pid = m->cfg.only_pid ? m->cfg.maps_pid : m->tasks.v[0]->tgid;

	if (m->cfg.keep_ended && m->vma_report && task->mm && task->mm->mm_users == 1 && task->tgid == pid)
		mm_ended_maps_keep(&m->vma_report->ended, task);
}

void mm_task_end(struct mm_machine *m, struct mm_task *task, enum mm_task_state state)
{
	if (m->fault && m->fault->task == &task->faults)
		m->fault->task = NULL;
	if (m->virt.pkru == &task->faults.pkru)
		m->virt.pkru = NULL;
	if (m->ctx.task_numa == &task->numa)
		mm_mpol_run_task(&m->ctx, NULL);
	keep_maps(m, task);
	mm_task_numa_free(&task->numa);
	mm_mmput(task->mm);
	task->mm = NULL;
	task->state = (uint8_t)state;
	m->someone_died |= state == MM_TASK_KILLED;
	task->dying = false;
}
