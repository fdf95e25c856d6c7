/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The nodes that tasks may have memory of: cpuset.mems of their cgroups, as in cgroup v2.
 *
 * A cgroup has what it asks for of its parent's nodes; what asks for none of them, or for nothing, has all of those. When that changes,
 * or a task comes to another cgroup, its policy and those of its mappings change with it and its pages move to the new nodes.
 * Source: Linux 6.6 kernel/cgroup/cpuset.c update_nodemasks_hier(), update_tasks_nodemask(), cpuset_attach(). Left out: cpuset.cpus,
 * cgroup v1 (which moves no pages unless it is told to), spreading of the page cache.
 */
#include <errno.h>
#include <string.h>

#include "cache/memcg.h"
#include "machine/machine.h"
#include "phys/mempolicy.h"
#include "virt/mempolicy.h"
#include "virt/vma.h"

/* Nodes that tasks in @g (NULL: in no cgroup) may use: its own, as far as those above have them, else theirs. */
static mm_nodes_t effective_mems(const struct mm_machine *m, const struct mm_memcg *g)
{
	mm_nodes_t above = g && g->parent ? effective_mems(m, g->parent) : m->ctx.numa.memory;

	return g && g->mems & above ? g->mems & above : above;
}

static int rebind_mm(struct mm_machine *m, struct mm_struct *mm, mm_nodes_t mems)
{
	struct mm_vma *vma;

	for (uint64_t at = 0; (vma = mm_find_vma(mm, at)); at = vma->vm_end) {
		const struct mm_mempolicy *pol = mm_mpol_rebind(&m->ctx, vma->extra->vm_policy, mems);

		if ((vma->extra->vm_policy && !pol) || mm_vma_set_policy(vma, pol))
			return -ENOMEM;
	}
	return 0;
}

/* By a kernel worker, which has no policy and no cpuset. */
static void migrate_mm(struct mm_machine *m, struct mm_struct *mm, mm_nodes_t from, mm_nodes_t to)
{
	mm_mpol_run_task(&m->ctx, NULL);
	mm_do_migrate_pages(mm, &(struct mm_nodemask){ { from } }, &(struct mm_nodemask){ { to } });
}

int mm_cpuset_update_task(struct mm_machine *m, struct mm_task *task)
{
	mm_nodes_t all = m->ctx.numa.memory, old = task->numa.mems_allowed ? task->numa.mems_allowed : all;
	mm_nodes_t new = effective_mems(m, task->memcg);
	struct mm_task_numa *running = m->ctx.task_numa;
	const struct mm_mempolicy *pol = task->numa.mempolicy;
	int e = 0;

	if (new == old)
		return 0;
	task->numa.mems_allowed = new == all ? 0 : new;
	task->numa.mempolicy = mm_mpol_rebind(&m->ctx, pol, new);
	if (pol && !task->numa.mempolicy)
		return -ENOMEM;
	if (task->mm) {
		e = rebind_mm(m, task->mm, new);
		if (!e)
			migrate_mm(m, task->mm, old, new);
	}
	mm_mpol_run_task(&m->ctx, running);
	return e;
}

int mm_cpuset_write_mems(struct mm_machine *m, struct mm_memcg *g, mm_nodes_t mems)
{
	int e = 0;

	if (mems & ~m->ctx.numa.memory)
		return -EINVAL;
	g->mems = mems;
	for (size_t i = 0; !e && i < m->tasks.nr; i++) {
		struct mm_task *task = m->tasks.v[i];

		if (task->state == MM_TASK_RUNNING && task->memcg && mm_mem_cgroup_is_descendant(task->memcg, g))
			e = mm_cpuset_update_task(m, task);
	}
	return e;
}

const char *mm_cpuset_name(const struct mm_memcg *g)
{
	const char *slash;

	while (g && g->parent && !g->mems)
		g = g->parent;
	if (!g || !g->parent)
		return "/";
	slash = strrchr(g->name, '/');
	return slash ? slash + 1 : g->name;
}
