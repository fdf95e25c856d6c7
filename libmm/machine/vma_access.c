/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Memory mapped under accesses that hit none (--automap, programs known by their accesses only).  Of a program that had
 * filled it before the recording began (references, DAMON) it is written to at once: a page that is only read would be the
 * one of zeros, and need no memory.
 */
#include <errno.h>

#include "machine/vma_call.h"

int mm_vma_automap(struct mm_machine *m, struct mm_task *task, uint64_t addr, uint64_t size)
{
	struct mm_struct *mm = task->mm;
	uint64_t start = addr & MM_PAGE_MASK, last = addr + (size ? size - 1 : 0), end;

	if (last < addr || last >= mm->task_size_max)
		return 0;		/* no address of a process: SIGSEGV */
	end = (last & MM_PAGE_MASK) + MM_PAGE_SIZE;
	while (start < end) {
		struct mm_vma *prev, *vma = mm_find_vma_prev(mm, start, &prev);
		uint64_t stop = vma && vma->vm_start < end ? vma->vm_start : end;
		int e;

		if (vma && vma->vm_start <= start) {
			start = vma->vm_end;
			continue;
		}
		e = mm_mmap_hole(mm, start, stop, prev, vma);	/* may merge @vma away */
		if (e)
			return e == -ENOMEM ? 0 : e;
		mm_machine_skip(m, "accesses outside any mapping, mapped for them", true);
		if (task->filled && m->fault)
			mm_access(m->fault, mm, start, stop - start, MM_TLB_W);
		start = stop;
	}
	return 0;
}
