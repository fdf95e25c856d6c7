/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Accesses: loads, stores, modifies and instruction fetches.
 */
#include <errno.h>

#include "machine/machine.h"

int mm_ev_load(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	(void)m, (void)task, (void)ev;
	return mm_error_set(err, -ENOSYS, "event load is not done yet");
}

int mm_ev_store(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	(void)m, (void)task, (void)ev;
	return mm_error_set(err, -ENOSYS, "event store is not done yet");
}

int mm_ev_modify(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	(void)m, (void)task, (void)ev;
	return mm_error_set(err, -ENOSYS, "event modify is not done yet");
}

int mm_ev_fetch(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	(void)m, (void)task, (void)ev;
	return mm_error_set(err, -ENOSYS, "event fetch is not done yet");
}

