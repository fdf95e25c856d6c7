/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Events of the slab allocators.
 */
#include <errno.h>

#include "machine/machine.h"

int mm_ev_cache_create(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	(void)m, (void)task, (void)ev;
	return mm_error_set(err, -ENOSYS, "event cache_create is not done yet");
}

int mm_ev_cache_destroy(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	(void)m, (void)task, (void)ev;
	return mm_error_set(err, -ENOSYS, "event cache_destroy is not done yet");
}

int mm_ev_cache_alloc(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	(void)m, (void)task, (void)ev;
	return mm_error_set(err, -ENOSYS, "event cache_alloc is not done yet");
}

int mm_ev_cache_free(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	(void)m, (void)task, (void)ev;
	return mm_error_set(err, -ENOSYS, "event cache_free is not done yet");
}

int mm_ev_kmalloc(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	(void)m, (void)task, (void)ev;
	return mm_error_set(err, -ENOSYS, "event kmalloc is not done yet");
}

int mm_ev_kfree(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	(void)m, (void)task, (void)ev;
	return mm_error_set(err, -ENOSYS, "event kfree is not done yet");
}

