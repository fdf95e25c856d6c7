/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Events of userfaultfd: one ioctl of the task's descriptor each.
 *
 * A task whose access ended in uffd waits; the access is to be made again after the row that answers it. Results are 0 or
 * an errno, EAGAIN when only a part was filled.
 */
#include <errno.h>

#include "base/str.h"
#include "fault/userfault.h"
#include "machine/machine.h"
#include "machine/vma_call.h"

int mm_ev_uffd_register(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	struct mm_struct *mm = mm_vma_call_begin(m, task, err);
	uint64_t mode = (mm_has_word(ev->flags, "UFFDIO_REGISTER_MODE_MISSING") ? (uint64_t)MM_VM_UFFD_MISSING : 0) |
			(mm_has_word(ev->flags, "UFFDIO_REGISTER_MODE_WP") ? (uint64_t)MM_VM_UFFD_WP : 0) |
			(mm_has_word(ev->flags, "UFFDIO_REGISTER_MODE_MINOR") ? MM_VM_UFFD_MINOR : 0);

	if (!mm)
		return -ENOMEM;
	mm->uffd_sigbus |= mm_has_word(ev->flags, "UFFD_FEATURE_SIGBUS");
	return mm_vma_call_end(m, task, ev, mm_uffd_register(mm, ev->addr, ev->size, mode), err);
}

int mm_ev_uffd_unregister(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	struct mm_struct *mm = mm_vma_call_begin(m, task, err);

	return mm ? mm_vma_call_end(m, task, ev, mm_uffd_unregister(mm, ev->addr, ev->size), err) : -ENOMEM;
}

int mm_ev_uffd_writeprotect(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	struct mm_struct *mm = mm_vma_call_begin(m, task, err);
	bool enable = mm_has_word(ev->flags, "UFFDIO_WRITEPROTECT_MODE_WP");

	return mm ? mm_vma_call_end(m, task, ev, mm_uffd_writeprotect(mm, ev->addr, ev->size, enable), err) : -ENOMEM;
}

static int fill(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err, enum mm_mfill how)
{
	struct mm_struct *mm = mm_vma_call_begin(m, task, err);
	int64_t n;

	if (!mm)
		return -ENOMEM;
	n = mm_uffd_validate_range(mm, ev->addr, ev->size);
	if (!n && m->fault)
		n = mm_mfill_atomic(m->fault, mm, ev->addr, ev->size, how, mm_has_word(ev->flags, "UFFDIO_COPY_MODE_WP"));
	return mm_vma_call_end(m, task, ev, n < 0 ? (int)n : m->fault && (uint64_t)n < ev->size ? -EAGAIN : 0, err);
}

int mm_ev_uffd_copy(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	return fill(m, task, ev, err, MM_MFILL_COPY);
}

int mm_ev_uffd_zeropage(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	return fill(m, task, ev, err, MM_MFILL_ZEROPAGE);
}

int mm_ev_uffd_continue(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	return fill(m, task, ev, err, MM_MFILL_CONTINUE);
}

int mm_ev_uffd_poison(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	return fill(m, task, ev, err, MM_MFILL_POISON);
}

/* Nothing to do: the access that waits is made again by its own row. */
int mm_ev_uffd_wake(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	struct mm_struct *mm = mm_vma_call_begin(m, task, err);

	return mm ? mm_vma_call_end(m, task, ev, mm_uffd_validate_range(mm, ev->addr, ev->size), err) : -ENOMEM;
}
