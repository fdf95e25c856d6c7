/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Events of files: reads, writes and what the page cache is told.
 */
#include <errno.h>

#include "machine/machine.h"

int mm_ev_file(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	(void)m, (void)task, (void)ev;
	return mm_error_set(err, -ENOSYS, "event file is not done yet");
}

int mm_ev_read(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	(void)m, (void)task, (void)ev;
	return mm_error_set(err, -ENOSYS, "event read is not done yet");
}

int mm_ev_write(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	(void)m, (void)task, (void)ev;
	return mm_error_set(err, -ENOSYS, "event write is not done yet");
}

int mm_ev_fadvise(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	(void)m, (void)task, (void)ev;
	return mm_error_set(err, -ENOSYS, "event fadvise is not done yet");
}

int mm_ev_fsync(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	(void)m, (void)task, (void)ev;
	return mm_error_set(err, -ENOSYS, "event fsync is not done yet");
}

int mm_ev_truncate(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	(void)m, (void)task, (void)ev;
	return mm_error_set(err, -ENOSYS, "event truncate is not done yet");
}

int mm_ev_drop_caches(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	(void)m, (void)task, (void)ev;
	return mm_error_set(err, -ENOSYS, "event drop_caches is not done yet");
}

