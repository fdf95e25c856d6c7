/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Accesses: loads, stores, modifies and instruction fetches.
 *
 * Where pages are kept an access goes to the fault floor, page by page; where only
 * address spaces are, it can do no more than make a VMA grow or end in a signal. A modify is one
 * instruction that reads and writes: the processor asks for the right to write at once, so
 * it takes one fault, not two.
 */
#include <errno.h>

#include "fault/fault.h"
#include "machine/machine.h"
#include "machine/vma_call.h"

static const struct mm_str ok = { "ok", 2 }, segv = { "segv", 4 }, sigbus = { "sigbus", 6 }, enomem = { "ENOMEM", 6 };

static int result(struct mm_event *ev, struct mm_str word)
{
	mm_event_set_word(ev, word.p, word.len);
	return 0;
}

static int vma_access(struct mm_task *task, struct mm_event *ev, uint64_t size, uint32_t kind)
{
	switch (mm_vma_access(task->mm, ev->addr, size, kind)) {
	case MM_VMA_OK:
		return result(ev, ok);
	case MM_VMA_SEGV:
		task->faults.segv++;
		return result(ev, segv);
	case MM_VMA_SIGBUS:
		task->faults.sigbus++;
		return result(ev, sigbus);
	default:
		return result(ev, enomem);
	}
}

static int access(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err,
		  uint32_t vma_kind, unsigned int tlb_kind)
{
	uint64_t size = ev->present & MM_TC_BIT(SIZE) ? ev->size : 1;

	if (m->cfg.depth < MM_DEPTH_VMA)
		return 0;
	if (!mm_task_mm(m, task))
		return mm_error_set(err, -ENOMEM, "no memory for the address space of task %u", task->pid);
	task->accesses++;
	if (!size)
		return result(ev, ok);
	if (task->automap && mm_vma_automap(m, task->mm, ev->addr, size))
		return mm_error_set(err, -ENOMEM, "out of memory");
	if (!m->fault)
		return vma_access(task, ev, size, vma_kind);
	switch (mm_access(m->fault, task->mm, ev->addr, size, tlb_kind)) {
	case MM_ACCESS_OK:
		return result(ev, ok);
	case MM_ACCESS_SEGV:
		return result(ev, segv);
	case MM_ACCESS_SIGBUS:
		return result(ev, sigbus);
	default:
		return result(ev, enomem);
	}
}

int mm_task_copy_user(struct mm_machine *m, struct mm_task *task, uint64_t addr, uint64_t size, bool to_user, struct mm_error *err)
{
	if (!mm_task_mm(m, task) || (task->automap && mm_vma_automap(m, task->mm, addr, size)))
		return mm_error_set(err, -ENOMEM, "out of memory");
	if (m->fault)
		mm_access(m->fault, task->mm, addr, size, to_user ? MM_TLB_W : MM_TLB_R);
	else
		mm_vma_access(task->mm, addr, size, to_user ? MM_VMA_WRITE : MM_VMA_READ);
	return 0;
}

int mm_ev_load(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	return access(m, task, ev, err, MM_VMA_READ, MM_TLB_R);
}

int mm_ev_store(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	return access(m, task, ev, err, MM_VMA_WRITE, MM_TLB_W);
}

int mm_ev_modify(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	return access(m, task, ev, err, MM_VMA_READ | MM_VMA_WRITE, MM_TLB_W);
}

int mm_ev_fetch(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	return access(m, task, ev, err, MM_VMA_FETCH, MM_TLB_X);
}
