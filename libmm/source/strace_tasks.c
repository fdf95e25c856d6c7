/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who speaks in an strace log: one record a task, found by pid.
 *
 * Threads of one process are a ring.  A task that has ended by a call of its own or of its process is remembered for a while, as strace
 * may still tell of its end ("+++ exited with 0 +++"); then its place is used again.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/grow.h"
#include "source/strace.h"

enum { MAX_TASKS = 1 << 20 };

static uint32_t place_of(const struct strace_tasks *ts, const struct strace_task *t) { return (uint32_t)(t - ts->v); }

struct strace_task *strace_task_find(struct strace_tasks *ts, uint32_t pid)
{
	if (ts->last < ts->nr && ts->v[ts->last].pid == pid)
		return &ts->v[ts->last];
	return strace_pids_find(&ts->pids, pid, &ts->last) ? &ts->v[ts->last] : NULL;
}

void strace_task_forget_call(struct strace_tasks *ts, struct strace_task *t)
{
	ts->nr_unfinished -= t->unfinished != NULL;
	free(t->unfinished);
	t->unfinished = NULL;
}

static void leave_ring(struct strace_tasks *ts, struct strace_task *t)
{
	ts->v[t->prev].next = t->next;
	ts->v[t->next].prev = t->prev;
	t->prev = t->next = place_of(ts, t);
}

struct strace_task *strace_task_add(struct strace_tasks *ts, uint32_t pid)
{
	struct strace_task *t = strace_task_find(ts, pid);

	ts->nr_dead -= t && !t->alive && !t->remembered;	/* the pid again */
	for (; !t && ts->nr_dead && ts->nr > 64; ts->dead_hint = (ts->dead_hint + 1) % ts->nr)
		if (!ts->v[ts->dead_hint].alive && !ts->v[ts->dead_hint].remembered) {
			t = &ts->v[ts->dead_hint];
			strace_pids_del(&ts->pids, t->pid);
			ts->nr_dead--;
		}
	if (!t) {
		if (ts->nr == MAX_TASKS || mm_grow(&ts->v, ts->nr, &ts->cap, sizeof(*t)))
			return NULL;
		t = &ts->v[ts->nr++];
		t->unfinished = NULL;
		t->prev = t->next = place_of(ts, t);
	}
	strace_task_forget_call(ts, t);
	leave_ring(ts, t);
	*t = (struct strace_task){ .pid = pid, .child = STRACE_NOBODY, .alive = true, .prev = t->prev, .next = t->next };
	return strace_pids_add(&ts->pids, pid, place_of(ts, t)) ? NULL : t;
}

void strace_task_join(struct strace_tasks *ts, struct strace_task *t, struct strace_task *with)
{
	if (t == with)
		return;
	leave_ring(ts, t);
	t->next = with->next;
	t->prev = place_of(ts, with);
	ts->v[with->next].prev = place_of(ts, t);
	with->next = place_of(ts, t);
}

struct strace_task *strace_task_next(struct strace_tasks *ts, const struct strace_task *t) { return &ts->v[t->next]; }

void strace_task_forget(struct strace_tasks *ts, struct strace_task *t)
{
	ts->nr_dead += t->remembered;
	t->remembered = false;
}

void strace_task_end(struct strace_tasks *ts, struct strace_task *t, bool remember)
{
	struct strace_task *oldest;
	uint32_t *pid;

	strace_task_forget_call(ts, t);
	leave_ring(ts, t);
	if (!t->alive)
		return;
	t->alive = false;
	if (!remember) {
		ts->nr_dead++;
		return;
	}
	t->remembered = true;
	pid = &ts->ended[ts->nr_ended % STRACE_MAX_ENDED];
	oldest = ts->nr_ended++ >= STRACE_MAX_ENDED ? strace_task_find(ts, *pid) : NULL;
	if (oldest && oldest != t)
		strace_task_forget(ts, oldest);
	*pid = t->pid;
}

struct strace_task *strace_giving_birth(struct strace_tasks *ts, bool *only)
{
	struct strace_task *best = NULL;
	size_t nr = 0;

	for (size_t i = 0; ts->nr_unfinished && i < ts->nr; i++) {
		struct strace_task *t = &ts->v[i];
		struct mm_str text = { t->unfinished, t->unfinished ? strcspn(t->unfinished, "(") : 0 };

		if (!t->alive || !t->unfinished || t->child != STRACE_NOBODY || !strace_is_clone(text))
			continue;
		nr++;
		if (!best || t->order < best->order)
			best = t;
	}
	if (only)
		*only = nr == 1;
	return best;
}

void strace_tasks_free(struct strace_tasks *ts)
{
	for (size_t i = 0; i < ts->nr; i++)
		free(ts->v[i].unfinished);
	free(ts->v);
	strace_pids_free(&ts->pids);
}
