/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Processes and threads of a lackey recording.
 *
 * Rows carry the number of the process: accesses name no thread.  Valgrind
 * numbers threads by slots; a slot is bound to a thread when it is first seen.
 */
#include <errno.h>
#include <string.h>

#include "base/grow.h"
#include "source/lackey_rows.h"

int mm_lackey_no_memory(struct mm_lackey *l, struct mm_error *err)
{
	return mm_error_set(err, -ENOMEM, "%s: out of memory", l->src->in->name);
}

static int find_process(const struct mm_lackey *l, uint32_t pid)
{
	for (size_t i = 0; i < l->nr_processes; i++)
		if (l->processes[i] == pid)
			return (int)i;
	return -1;
}

static int add_process(struct mm_lackey *l, uint32_t pid, struct mm_error *err)
{
	if (find_process(l, pid) >= 0)
		return 0;
	if (mm_grow(&l->processes, l->nr_processes, &l->cap_processes, sizeof(*l->processes)))
		return mm_lackey_no_memory(l, err);
	l->processes[l->nr_processes++] = pid;
	return 0;
}

int mm_lackey_exec(struct mm_lackey *l, uint32_t pid, struct mm_str name, struct mm_trace_batch *b, struct mm_error *err)
{
	struct mm_event *ev = mm_trace_add(b, MM_EV_EXEC, l->line);

	l->pid = pid;
	l->began = true;
	mm_event_put(ev, PID, pid, pid);
	mm_event_put(ev, FLAGS, flags, MM_STR("AUTOMAP|IMAGE"));
	if (name.len) {
		ev->present |= MM_TC_BIT(NAME);
		if (mm_trace_keep(l->src, name, &ev->name))
			return mm_lackey_no_memory(l, err);
	}
	mm_fds_exec(l->fds, pid);
	return add_process(l, pid, err);
}

void mm_lackey_exit(struct mm_lackey *l, uint32_t pid, struct mm_trace_batch *b)
{
	int i = find_process(l, pid);
	struct mm_event *ev;

	if (i < 0)
		return;
	l->processes[i] = l->processes[--l->nr_processes];
	mm_fds_exit(l->fds, pid);
	for (size_t t = 0; t < l->nr_threads; t++)
		if (l->threads[t].pid == pid)
			l->threads[t--] = l->threads[--l->nr_threads];
	ev = mm_trace_add(b, MM_EV_EXIT, l->line);
	mm_event_put(ev, PID, pid, pid);
	if (l->pid == pid && l->nr_processes)
		l->pid = l->processes[0];
}

int mm_lackey_fork(struct mm_lackey *l, uint32_t parent, uint32_t child, struct mm_trace_batch *b, struct mm_error *err)
{
	struct mm_event *ev;

	for (size_t i = 0; i < l->nr_early; i++)
		if (l->early[i] == child) {
			l->early[i] = l->early[--l->nr_early];
			return 0;
		}
	if (l->unnamed == parent)
		l->unnamed = 0;
	ev = mm_trace_add(b, MM_EV_FORK, l->line);
	mm_event_put(ev, PID, pid, parent);
	mm_event_set_result(ev, MM_RESULT_DEC, child);
	if (mm_fds_fork(l->fds, parent, child) == -ENOMEM)
		return mm_lackey_no_memory(l, err);
	return add_process(l, child, err);
}

/*
 * Parent and child write to one file, each what it has in its buffer: the child may return from clone(), and go on, before
 * the parent has said "created child".  What it does until its first call is taken for its parent's.
 */
int mm_lackey_met(struct mm_lackey *l, uint32_t pid, struct mm_trace_batch *b, struct mm_error *err)
{
	uint32_t parent = l->unnamed;
	int e;

	if (!parent || find_process(l, pid) >= 0)
		return 0;
	e = mm_lackey_fork(l, parent, pid, b, err);
	if (l->nr_early == sizeof(l->early) / sizeof(l->early[0]))
		memmove(l->early, l->early + 1, --l->nr_early * sizeof(l->early[0]));
	l->early[l->nr_early++] = pid;
	return e;
}

/* clone() that valgrind does not tell to be a fork: a thread. */
int mm_lackey_do_clone(struct mm_lackey_rows *r)
{
	struct mm_lackey *l = r->l;
	struct mm_event *ev;

	if (!r->c->failed && !r->c->result)
		l->unnamed = r->c->pid;
	if (r->c->failed || !r->c->result || r->c->result > UINT32_MAX)
		return 0;
	if (l->nr_threads == 1 << 16 || mm_grow(&l->threads, l->nr_threads, &l->cap_threads, sizeof(*l->threads)))
		return mm_lackey_no_memory(l, r->err);
	l->threads[l->nr_threads++] = (struct mm_lackey_thread){ r->c->pid, 0, (uint32_t)r->c->result };
	ev = mm_trace_add(r->b, MM_EV_THREAD, l->line);
	mm_event_put(ev, PID, pid, r->c->pid);
	mm_event_set_result(ev, MM_RESULT_DEC, r->c->result);
	return 0;
}

int mm_lackey_do_fork(struct mm_lackey_rows *r)	/* the child has its own line; here the parent's result came in one piece */
{
	if (!r->c->failed && !r->c->result)
		r->l->unnamed = r->c->pid;
	if (r->c->failed || !r->c->result || r->c->result > UINT32_MAX)
		return 0;
	return mm_lackey_fork(r->l, r->c->pid, (uint32_t)r->c->result, r->b, r->err);
}

/* The thread in valgrind's slot: slots are given out in the order of creation. NULL: the first one. */
struct mm_lackey_thread *mm_lackey_thread_of(struct mm_lackey *l, uint32_t pid, uint32_t slot)
{
	struct mm_lackey_thread *first = NULL;

	if (slot < 2)
		return NULL;
	for (size_t i = 0; i < l->nr_threads; i++) {
		struct mm_lackey_thread *t = &l->threads[i];

		if (t->pid == pid && t->slot == slot)
			return t;
		if (t->pid == pid && !t->slot && !first)
			first = t;
	}
	if (first)
		first->slot = slot;
	return first;
}

int mm_lackey_do_exit(struct mm_lackey_rows *r)
{
	struct mm_lackey_thread *t = mm_lackey_thread_of(r->l, r->c->pid, r->c->slot);
	struct mm_event *ev;

	if (!t)
		return 0;	/* the first thread: the process goes on until exit_group or its last thread */
	ev = mm_trace_add(r->b, MM_EV_EXIT, r->l->line);
	mm_event_put(ev, PID, pid, t->tid);
	memmove(t, t + 1, (size_t)(r->l->threads + r->l->nr_threads - t - 1) * sizeof(*t));
	r->l->nr_threads--;
	return 0;
}

int mm_lackey_do_exit_group(struct mm_lackey_rows *r)
{
	mm_lackey_exit(r->l, r->c->pid, r->b);
	return 0;
}

int mm_lackey_do_execve(struct mm_lackey_rows *r)
{
	return r->c->failed ? 0 : mm_lackey_exec(r->l, r->c->pid, r->c->path, r->b, r->err);
}
