/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Events of userfaultfd: one ioctl of a descriptor each.
 *
 * The row's name is the descriptor's; without one it is the address space's only one. One that is registered for without
 * having been opened opens then, with the features in that row. pid is the address space it is for, which after
 * UFFD_EVENT_FORK is not that of who calls. A task whose access ended in uffd waits; the access is to be made again after
 * the row that answers it. Results are 0 or an errno, EAGAIN when only a part was filled.
 */
#include <errno.h>

#include "base/str.h"
#include "fault/userfault.h"
#include "machine/machine.h"
#include "machine/vma_call.h"

static const struct { const char *word; uint32_t bit; } features[] = {
	{ "UFFD_FEATURE_EVENT_FORK", MM_UFFD_FEATURE_EVENT_FORK }, { "UFFD_FEATURE_EVENT_REMAP", MM_UFFD_FEATURE_EVENT_REMAP },
	{ "UFFD_FEATURE_EVENT_REMOVE", MM_UFFD_FEATURE_EVENT_REMOVE }, { "UFFD_FEATURE_EVENT_UNMAP", MM_UFFD_FEATURE_EVENT_UNMAP },
	{ "UFFD_FEATURE_SIGBUS", MM_UFFD_FEATURE_SIGBUS }, { "UFFD_FEATURE_WP_UNPOPULATED", MM_UFFD_FEATURE_WP_UNPOPULATED },
	{ "UFFD_USER_MODE_ONLY", MM_UFFD_USER_MODE_ONLY },
};

static uint32_t features_of(struct mm_str words)
{
	uint32_t f = 0;

	for (size_t i = 0; i < sizeof(features) / sizeof(features[0]); i++)
		if (mm_has_word(words, features[i].word))
			f |= features[i].bit;
	return f;
}

static struct mm_str name_of(const struct mm_event *ev) { return ev->name.len ? ev->name : MM_STR("userfaultfd"); }

/* A row that names a descriptor which is not open: EBADF. */
static int check_fd(const struct mm_struct *mm, const struct mm_event *ev)
{
	return ev->name.len && !mm_uffd_find(mm, ev->name) ? -EBADF : 0;
}

int mm_ev_uffd_open(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	struct mm_struct *mm = mm_vma_call_begin(m, task, err);
	int e = 0;

	if (!mm)
		return -ENOMEM;
	if (mm_uffd_find(mm, name_of(ev)))
		e = -EEXIST;
	else if (!mm_uffd_open(mm, name_of(ev), features_of(ev->flags)))
		return mm_error_set(err, -ENOMEM, "out of memory");
	return mm_vma_call_end(m, task, ev, e, err);
}

int mm_ev_uffd_close(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	struct mm_struct *mm = mm_vma_call_begin(m, task, err);
	struct mm_uffd *uffd = mm ? mm_uffd_find(mm, name_of(ev)) : NULL;

	return mm ? mm_vma_call_end(m, task, ev, uffd ? mm_uffd_close(mm, uffd) : -EBADF, err) : -ENOMEM;
}

int mm_ev_uffd_register(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	struct mm_struct *mm = mm_vma_call_begin(m, task, err);
	uint64_t mode = (mm_has_word(ev->flags, "UFFDIO_REGISTER_MODE_MISSING") ? (uint64_t)MM_VM_UFFD_MISSING : 0) |
			(mm_has_word(ev->flags, "UFFDIO_REGISTER_MODE_WP") ? (uint64_t)MM_VM_UFFD_WP : 0) |
			(mm_has_word(ev->flags, "UFFDIO_REGISTER_MODE_MINOR") ? MM_VM_UFFD_MINOR : 0);
	struct mm_uffd *uffd;

	if (!mm)
		return -ENOMEM;
	uffd = mm_uffd_find(mm, name_of(ev));
	if (!uffd)
		uffd = mm_uffd_open(mm, name_of(ev), 0);
	if (!uffd)
		return mm_error_set(err, -ENOMEM, "out of memory");
	uffd->features |= features_of(ev->flags);
	return mm_vma_call_end(m, task, ev, mm_uffd_register(mm, uffd, ev->addr, ev->size, mode), err);
}

int mm_ev_uffd_unregister(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	struct mm_struct *mm = mm_vma_call_begin(m, task, err);
	int e = mm ? check_fd(mm, ev) : 0;

	return mm ? mm_vma_call_end(m, task, ev, e ? e : mm_uffd_unregister(mm, ev->addr, ev->size), err) : -ENOMEM;
}

int mm_ev_uffd_writeprotect(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	struct mm_struct *mm = mm_vma_call_begin(m, task, err);
	bool enable = mm_has_word(ev->flags, "UFFDIO_WRITEPROTECT_MODE_WP");
	int e = mm ? check_fd(mm, ev) : 0;

	return mm ? mm_vma_call_end(m, task, ev, e ? e : mm_uffd_writeprotect(mm, ev->addr, ev->size, enable), err) : -ENOMEM;
}

static int fill(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err, enum mm_mfill how)
{
	struct mm_struct *mm = mm_vma_call_begin(m, task, err);
	int64_t n;

	if (!mm)
		return -ENOMEM;
	n = check_fd(mm, ev);
	if (!n)
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
	int e = mm ? check_fd(mm, ev) : 0;

	return mm ? mm_vma_call_end(m, task, ev, e ? e : mm_uffd_validate_range(mm, ev->addr, ev->size), err) : -ENOMEM;
}
