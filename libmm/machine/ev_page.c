/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Events of the page allocator.
 */
#include <errno.h>

#include "machine/machine.h"

int mm_ev_page_alloc(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	(void)m, (void)task, (void)ev;
	return mm_error_set(err, -ENOSYS, "event page_alloc is not done yet");
}

int mm_ev_page_free(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	(void)m, (void)task, (void)ev;
	return mm_error_set(err, -ENOSYS, "event page_free is not done yet");
}

