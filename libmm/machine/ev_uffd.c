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
#include <string.h>

#include "base/minmax.h"
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

/* As mm_vma_call_begin(); *@e: -EBADF where the row names a descriptor that is not open, else 0. */
static struct mm_struct *begin(struct mm_machine *m, struct mm_task *task, const struct mm_event *ev, int *e, struct mm_error *err)
{
	struct mm_struct *mm = mm_vma_call_begin(m, task, err);

	*e = mm && ev->name.len && !mm_uffd_find(mm, ev->name) ? -EBADF : 0;
	return mm;
}

/* wake_userfault(): those of @mm that told @uffd (NULL: of any) of an address in [start, start + len) and wait. */
static void wake(struct mm_machine *m, const struct mm_struct *mm, const struct mm_uffd *uffd, uint64_t start, uint64_t len)
{
	for (size_t i = 0; i < m->tasks.nr; i++) {
		struct mm_task_faults *t = &m->tasks.v[i]->faults;

		if (m->tasks.v[i]->mm == mm && t->uffd_vaddr && t->uffd_told - start < len && (!uffd || t->uffd == uffd))
			t->uffd_woken = true;
	}
}

/* The row's descriptor wakes who waits in its first @len bytes. */
static void wake_for_row(struct mm_machine *m, const struct mm_struct *mm, const struct mm_event *ev, uint64_t len)
{
	wake(m, mm, mm_uffd_find(mm, name_of(ev)), ev->addr, len);
}

static bool dont_wake(struct mm_str words)
{
	static const char tail[] = "_MODE_DONTWAKE";
	size_t n = sizeof(tail) - 1;
	struct mm_str w;

	while (mm_next_word(&words, &w))
		if (w.len > n && !memcmp(w.p + w.len - n, tail, n))
			return true;
	return false;
}

/* A range that is unregistered for missing pages wakes who waits in it, whoever was told. */
static void wake_unregistered(struct mm_machine *m, const struct mm_struct *mm, uint64_t start, uint64_t end)
{
	for (const struct mm_vma *v = mm_find_vma(mm, start); v && v->vm_start < end; v = mm_find_vma(mm, v->vm_end)) {
		uint64_t from = mm_max_u64(v->vm_start, start), to = mm_min_u64(v->vm_end, end);

		if (v->vm_flags & MM_VM_UFFD_MISSING)
			wake(m, mm, v->extra->uffd, from, to - from);
	}
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

	if (uffd)
		wake(m, mm, uffd, 0, UINT64_MAX);
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
	int e;
	struct mm_struct *mm = begin(m, task, ev, &e, err);

	if (!mm)
		return -ENOMEM;
	if (!e && !mm_uffd_validate_range(mm, ev->addr, ev->size))
		wake_unregistered(m, mm, ev->addr, ev->addr + ev->size);
	return mm_vma_call_end(m, task, ev, e ? e : mm_uffd_unregister(mm, ev->addr, ev->size), err);
}

int mm_ev_uffd_writeprotect(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	int e;
	struct mm_struct *mm = begin(m, task, ev, &e, err);
	bool enable = mm_has_word(ev->flags, "UFFDIO_WRITEPROTECT_MODE_WP");

	if (!mm)
		return -ENOMEM;
	if (!e)
		e = mm_uffd_writeprotect(mm, ev->addr, ev->size, enable);
	if (!e && !enable && !dont_wake(ev->flags))
		wake_for_row(m, mm, ev, ev->size);
	return mm_vma_call_end(m, task, ev, e, err);
}

static int fill(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err, enum mm_mfill how)
{
	int e;
	struct mm_struct *mm = begin(m, task, ev, &e, err);
	int64_t n = e;

	if (!mm)
		return -ENOMEM;
	if (!n)
		n = mm_uffd_validate_range(mm, ev->addr, ev->size);
	if (!n && m->fault)
		n = mm_mfill_atomic(m->fault, mm, ev->addr, ev->size, how, mm_has_word(ev->flags, "UFFDIO_COPY_MODE_WP"));
	if (n > 0 && !dont_wake(ev->flags))
		wake_for_row(m, mm, ev, (uint64_t)n);
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

int mm_ev_uffd_wake(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	int e;
	struct mm_struct *mm = begin(m, task, ev, &e, err);

	if (!mm)
		return -ENOMEM;
	if (!e)
		e = mm_uffd_validate_range(mm, ev->addr, ev->size);
	if (!e)
		wake_for_row(m, mm, ev, ev->size);
	return mm_vma_call_end(m, task, ev, e, err);
}
