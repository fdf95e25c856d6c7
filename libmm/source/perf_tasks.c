/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Processes of a recording by perf, and which tasks they have: records FORK and EXIT, and the tracepoint task_newtask.
 *
 *	PERF_RECORD_FORK(21778:21843):(21778:21778)
 *	task_newtask: pid=21843 comm=ls clone_flags=4111 oom_score_adj=0
 *
 * A record does not tell whether a new process has a copy of what its parent has mapped or shares it (vfork(), posix_spawn()): the call
 * does, or the tracepoint, which the kernel passes right after. A process that shares is a task of its parent's here, until it runs a
 * program.
 *
 * Source: Linux 6.6 kernel/fork.c copy_process(), fs/exec.c de_thread(), include/trace/events/task.h.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/grow.h"
#include "base/str.h"
#include "source/perf.h"
#include "source/scan.h"

enum { CLONE_VM = 0x100, CLONE_VFORK = 0x4000, CLONE_THREAD = 0x10000 };

struct mm_perf_process *mm_perf_process_of_task(struct mm_perf *p, uint32_t tid)
{
	size_t place;

	return strace_pids_find(&p->pids, tid, &place) ? &p->v[place] : NULL;
}

static void drop_task(struct mm_perf *p, uint32_t tid)
{
	struct mm_perf_process *process = mm_perf_process_of_task(p, tid);

	if (!process)
		return;
	strace_pids_del(&p->pids, tid);
	process->shared &= process->nr_threads > 2;
	if (!--process->nr_threads) {
		free(process->maps.v);
		*process = (struct mm_perf_process){ 0 };
	}
}

/* A process of which nothing is known; NULL: host memory. */
static struct mm_perf_process *begin(struct mm_perf *p, uint32_t pid)
{
	size_t at = 0;

	drop_task(p, pid);		/* the number again */
	while (at < p->nr && p->v[at].nr_threads)
		at++;
	if (at == p->nr) {
		if (mm_grow(&p->v, p->nr, &p->cap, sizeof(*p->v)))
			return NULL;
		p->nr++;
	}
	p->v[at] = (struct mm_perf_process){ .pid = pid, .nr_threads = 1 };
	if (!strace_pids_add(&p->pids, pid, at))
		return &p->v[at];
	p->v[at].nr_threads = 0;
	return NULL;
}

struct mm_perf_process *mm_perf_process_of(struct mm_perf *p, uint32_t pid)
{
	struct mm_perf_process *process = mm_perf_process_of_task(p, pid);

	return process && (process->pid == pid || process->shared) ? process : begin(p, pid);
}

int mm_perf_meet_thread(struct mm_perf *p, struct mm_trace_batch *b, const struct mm_ftrace_line *t, struct mm_perf_process *process,
			uint32_t parent, uint32_t tid)
{
	struct mm_perf_process *before = mm_perf_process_of_task(p, tid);
	size_t place = (size_t)(process - p->v);
	struct mm_event *ev;

	if (before == process)
		return 0;
	drop_task(p, tid);
	if (strace_pids_add(&p->pids, tid, place))
		return -ENOMEM;
	process->nr_threads++;
	ev = mm_perf_row(b, t, parent, MM_EV_THREAD);
	mm_event_set_result(ev, MM_RESULT_DEC, tid);
	return 0;
}

/* A task of @process that is none of its threads shares what it has mapped. 0 or -ENOMEM. */
static int share(struct mm_perf *p, struct mm_perf_process *process, uint32_t pid)
{
	size_t place = (size_t)(process - p->v);

	drop_task(p, pid);
	if (strace_pids_add(&p->pids, pid, place))
		return -ENOMEM;
	process->nr_threads++;
	process->shared = true;
	return 0;
}

/* The row of a new process. */
static int fork_row(struct mm_perf *p, struct mm_trace_batch *b, const struct mm_ftrace_line *t, const struct mm_perf_task *r,
		    uint64_t flags)
{
	struct mm_perf_process *parent = mm_perf_process_of_task(p, r->parent_tid), *child;
	struct mm_event *ev = mm_perf_row(b, t, r->parent_tid, MM_EV_FORK);

	mm_event_set_result(ev, MM_RESULT_DEC, r->pid);
	if (flags & CLONE_VM) {
		mm_event_put(ev, FLAGS, flags, flags & CLONE_VFORK ? MM_STR("CLONE_VM|CLONE_VFORK") : MM_STR("CLONE_VM"));
		return parent ? share(p, parent, r->pid) : 0;
	}
	child = begin(p, r->pid);
	if (!child)
		return -ENOMEM;
	child->told = true;
	parent = mm_perf_process_of_task(p, r->parent_tid);
	if (!parent || parent == child)
		return 0;
	child->program = parent->program;
	child->image_end = parent->image_end;
	child->start_brk = parent->start_brk;
	child->brk = parent->brk;
	return mm_perf_maps_copy(&child->maps, &parent->maps);
}

int mm_perf_fork(struct mm_perf *p, struct mm_trace_batch *b, const struct mm_ftrace_line *t, const struct mm_perf_task *r)
{
	struct mm_perf_process *process;

	if (r->pid == r->parent_pid) {
		process = mm_perf_process_of(p, r->pid);
		return process ? mm_perf_meet_thread(p, b, t, process, r->parent_tid, r->tid) : -ENOMEM;
	}
	if (!t->time_ns)		/* perf's own: what it has mapped follows */
		return begin(p, r->pid) ? 0 : -ENOMEM;
	p->fork.t = *t;
	p->fork.r = *r;
	p->fork.flags = mm_perf_clone_flags(p->calls, r->parent_tid);
	p->fork.there = true;
	return 0;
}

/* "pid=21843 comm=a name clone_flags=4111 oom_score_adj=0" */
static bool newtask_of(const struct mm_ftrace_line *t, uint64_t *pid, uint64_t *flags)
{
	struct mm_str s, at, last;

	if (!mm_str_is(t->event, "task_newtask") || !mm_str_after(t->args, "pid=", &s) || !scan_u64(&s, pid) || *pid > INT32_MAX)
		return false;
	for (last.p = NULL; mm_str_after(s, " clone_flags=", &at); s = at)
		last = at;		/* a name may hold anything */
	return last.p && scan_hex(&last, flags);
}

int mm_perf_settle(struct mm_perf *p, struct mm_trace_batch *b, const struct mm_ftrace_line *next)
{
	uint64_t pid, flags;

	if (!p->fork.there)
		return 0;
	p->fork.there = false;
	if (next && newtask_of(next, &pid, &flags) && pid == p->fork.r.pid)
		p->fork.flags = flags;
	return fork_row(p, b, &p->fork.t, &p->fork.r, p->fork.flags);
}

int mm_perf_newtask(struct mm_perf *p, struct mm_trace_batch *b, const struct mm_ftrace_line *t, struct mm_error *err)
{
	struct mm_perf_task r = { .parent_tid = t->pid };
	uint64_t pid, flags;

	if (!newtask_of(t, &pid, &flags))
		return mm_trace_loss(p->src, "events with fields that cannot be read", t->line, err);
	if (!pid || !t->pid || mm_perf_process_of_task(p, (uint32_t)pid))
		return 0;		/* a record told of it */
	r.pid = r.tid = (uint32_t)pid;
	if (!(flags & CLONE_THREAD))
		return fork_row(p, b, t, &r, flags);
	mm_event_set_result(mm_perf_row(b, t, t->pid, MM_EV_THREAD), MM_RESULT_DEC, pid);
	return 0;
}

int mm_perf_end(struct mm_perf *p, struct mm_trace_batch *b, const struct mm_ftrace_line *t, const struct mm_perf_task *r)
{
	mm_perf_row(b, t, r->tid, MM_EV_EXIT);
	drop_task(p, r->tid);
	return 0;
}

/* Another task of the process @pid than its first; 0: there is none. */
static uint32_t other_task(const struct mm_perf *p, uint32_t pid)
{
	for (size_t i = 0; i < p->pids.nr_slots; i++)
		if (p->pids.slot[i].place && p->pids.slot[i].pid != pid && p->v[p->pids.slot[i].place - 1].pid == pid &&
		    !p->v[p->pids.slot[i].place - 1].shared)
			return p->pids.slot[i].pid;
	return 0;
}

/*
 * Whichever thread runs the program has the number of the process by now, and all others have ended (de_thread()): one that still is there
 * under its own number is that thread.
 */
int mm_perf_begin_program(struct mm_perf *p, struct mm_trace_batch *b, const struct mm_ftrace_line *t, uint32_t pid,
			  struct mm_perf_process **processp)
{
	struct mm_perf_process *process = mm_perf_process_of_task(p, pid);
	uint32_t tid;

	if (!process || process->nr_threads > 1)
		while (b->max - b->nr > 4 && (tid = other_task(p, pid)) != 0) {
			mm_perf_row(b, t, tid, MM_EV_EXIT);
			drop_task(p, tid);
		}
	process = mm_perf_process_of_task(p, pid);
	*processp = process && process->pid == pid ? process : begin(p, pid);
	return *processp ? 0 : -ENOMEM;
}
