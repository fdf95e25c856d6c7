/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Events of tasks: programs begin, processes and threads come and go.
 *
 * A fork copies the address space, a thread shares it; fork with the word
 * CLONE_VM (vfork, posix_spawn) makes a process that shares it until it runs a
 * program or ends.  The row of a fork stands in the parent; the child may have
 * had rows before, when a recording shows its first calls earlier.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "machine/vma_call.h"
#include "virt/numab.h"
#include "virt/pkeys.h"

static void set_comm(struct mm_task *task, struct mm_str path)
{
	size_t n = path.len, at = 0;

	for (size_t i = 0; i < n; i++)
		if (path.p[i] == '/')
			at = i + 1;
	n -= at;
	if (n > 15)
		n = 15;			/* TASK_COMM_LEN with its NUL */
	if (n)
		memcpy(task->comm, path.p + at, n);
	task->comm[n] = 0;
}

/* The program's file by its name, as no other file is called that a recording opens by a path. */
static int begin_image(struct mm_machine *m, struct mm_task *task, struct mm_error *err)
{
	task->image = mm_file_create(m->inodes, (struct mm_str){ task->comm, strlen(task->comm) }, MM_INODE_REG, 0, MM_FMODE_READ);
	return task->image ? 0 : mm_no_memory(err);
}

/*
 * Where the program @path of @task's exec lies, in @text if need be: below /proc are links of the recorded machine's tasks, and not
 * of who reads the recording.  exe of its own is the program that it runs; what others are is not known: "".
 */
static struct mm_str program_of(const struct mm_task *task, struct mm_str path, char text[4096])
{
	const struct mm_vma *vma = task->mm && task->mm->start_code ? mm_vma_lookup(task->mm, task->mm->start_code) : NULL;
	char own[32];
	int n = snprintf(own, sizeof(own), "/proc/%u/exe", task->tgid);

	if (!mm_str_starts(path, "/proc/"))
		return path;
	if (!vma || !vma->vm_file || !(mm_str_is(path, "/proc/self/exe") || mm_str_is(path, "/proc/thread-self/exe") ||
				       (path.len == (size_t)n && !memcmp(path.p, own, path.len))))
		return MM_STR("");
	n = snprintf(text, 4096, "%s", vma->vm_file->inode->name);	/* goes with the address space */
	return (struct mm_str){ text, (size_t)n };
}

int mm_ev_exec(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	struct mm_recorded rec = mm_vma_recorded(ev);
	struct mm_struct *mm, *old = task->mm;
	struct mm_str path;
	char text[4096];
	int e;

	if (rec.there && rec.failed)
		return 0;
	path = program_of(task, ev->name, text);
	if (mm_has_word(ev->flags, "AUTOMAP"))
		task->automap = true;
	task->filled = task->automap && mm_has_word(ev->flags, "FILLED");
	task->image = NULL;
	mm = mm_machine_new_mm(m, task->memcg);
	if (!mm)
		return mm_no_memory(err);
	if (old)
		memcpy(mm->rlimit, old->rlimit, sizeof(mm->rlimit));
	mm->automap = task->automap;
	mm->owner = task->pid;
	task->mm = m->running_mm = mm;
	mm_mmput(old);
	task->tgid = task->pid;
	task->in_vfork = false;
	task->faults.pkru = MM_PKRU_INIT;
	set_comm(task, ev->name);
	mm->beginning = task->automap;
	if (task->automap)
		return mm_has_word(ev->flags, "IMAGE") ? begin_image(m, task, err) : 0;
	e = mm_vma_exec(m, mm, path);
	mm_task_began(m, task);
	if (e == -ENOMEM)
		return mm_no_memory(err);
	if (e)
		mm_machine_note(m, "programs that are not there to be laid out");
	return 0;
}

/* *@mm is @task's; *@childp: NULL, the recording's call failed. */
static int begin_child(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_struct **mm, struct mm_task **childp,
		       struct mm_error *err)
{
	struct mm_recorded rec = mm_vma_recorded(ev);
	struct mm_task *child;

	*childp = NULL;
	*mm = mm_task_mm(m, task);
	if (!*mm)
		return mm_no_memory(err);
	if (rec.failed)
		return 0;
	if (!rec.there || !rec.value || rec.value > INT32_MAX || rec.value == task->pid)
		return mm_error_set(err, -EINVAL, "%s: expected the child's pid as result", mm_event_word((enum mm_event_type)ev->type));
	child = mm_task_get(m, (uint32_t)rec.value);
	if (!child)
		return mm_error_set(err, -ERANGE, "%s: no room for task %llu", mm_event_word((enum mm_event_type)ev->type),
				    (unsigned long long)rec.value);
	memcpy(child->comm, task->comm, sizeof(child->comm));
	child->automap = task->automap;
	child->filled = task->filled;
	child->image = task->image;
	child->faults.pkru = task->faults.pkru;
	child->memcg = task->memcg;
	child->oom_score_adj = task->oom_score_adj;
	mm_task_numa_free(&child->numa);
	child->numa = task->numa;
	child->numa.faults = NULL;
	*childp = child;
	return 0;
}

static void share_mm(struct mm_task *child, struct mm_struct *mm)
{
	mm_mmget(mm);
	mm_mmput(child->mm);
	child->mm = mm;
}

int mm_ev_fork(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	struct mm_struct *mm, *copy;
	struct mm_task *child;
	int e = begin_child(m, task, ev, &mm, &child, err);

	if (e || !child)
		return e;
	child->tgid = child->pid;
	child->ppid = task->tgid;
	if (mm_has_word(ev->flags, "CLONE_VM")) {
		share_mm(child, mm);
		child->in_vfork = mm_has_word(ev->flags, "CLONE_VFORK");
		return 0;
	}
	e = mm_dup_mm(&copy, mm);
	if (e) {
		mm_machine_loss(m, "forks that failed for lack of memory");
		return 0;
	}
	mm_mmput(child->mm);
	child->mm = copy;
	copy->owner = child->pid;
	mm_init_numa_balancing(&m->ctx, &child->numa, copy, false);
	child->numa.pid = child->pid;
	mm_task_began(m, child);
	return 0;
}

int mm_ev_thread(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	struct mm_struct *mm;
	struct mm_task *child;
	int e = begin_child(m, task, ev, &mm, &child, err);

	if (e || !child)
		return e;
	child->tgid = task->tgid;
	child->ppid = task->ppid;
	share_mm(child, mm);
	mm_init_numa_balancing(&m->ctx, &child->numa, mm, true);
	child->numa.pid = child->pid;
	return 0;
}

int mm_ev_exit(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	(void)ev, (void)err;
	mm_task_end(m, task, MM_TASK_EXITED);
	return 0;
}
