/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Events of tasks.
 */
#include <errno.h>

#include "machine/machine.h"

int mm_ev_exec(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	(void)m, (void)task, (void)ev;
	return mm_error_set(err, -ENOSYS, "event exec is not done yet");
}

int mm_ev_fork(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	(void)m, (void)task, (void)ev;
	return mm_error_set(err, -ENOSYS, "event fork is not done yet");
}

int mm_ev_thread(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	(void)m, (void)task, (void)ev;
	return mm_error_set(err, -ENOSYS, "event thread is not done yet");
}

int mm_ev_exit(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	(void)m, (void)task, (void)ev;
	return mm_error_set(err, -ENOSYS, "event exit is not done yet");
}

