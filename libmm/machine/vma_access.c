/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Memory mapped under accesses that hit none (--automap, programs known by their accesses only).
 *
 * A program that had filled its memory before the recording began (references, DAMON) had it mapped in large parts, not page by page:
 * the GiB around is mapped, as far as it is free.  And what is touched first is written to at once: a page that is only read
 * would be the one of zeros, and need no memory.
 */
#include <errno.h>

#include "base/minmax.h"
#include "machine/vma_call.h"
#include "virt/pgtable.h"

/* The hole around [start, stop), between @prev and @next: all of it that lies in the GiB of its ends. */
static int map_around(struct mm_struct *mm, uint64_t start, uint64_t stop, struct mm_vma *prev, struct mm_vma *next)
{
	uint64_t first = start & ~(MM_PUD_SIZE - 1), end = (stop + MM_PUD_SIZE - 1) & ~(MM_PUD_SIZE - 1);

	if (prev)
		first = mm_max_u64(first, prev->vm_end);
	end = mm_min_u64(end, next ? next->vm_start : mm->task_size_max);
	return mm_mmap_hole(mm, first, end, prev, next);
}

static int map_holes(struct mm_machine *m, struct mm_task *task, uint64_t start, uint64_t end)
{
	struct mm_struct *mm = task->mm;

	while (start < end) {
		struct mm_vma *prev, *vma = mm_find_vma_prev(mm, start, &prev);
		uint64_t stop = vma && vma->vm_start < end ? vma->vm_start : end;
		int e;

		if (vma && vma->vm_start <= start) {
			start = vma->vm_end;
			continue;
		}
		if (vma && vma->vm_flags & MM_VM_GROWSDOWN && !mm_expand_downwards(vma, start))
			continue;	/* a stack: it would have grown */
		e = 0;
		if (!task->filled || map_around(mm, start, stop, prev, vma))	/* more than a limit allows */
			e = mm_mmap_hole(mm, start, stop, prev, vma);	/* may merge @vma away */
		if (e)
			return e == -ENOMEM ? 0 : e;
		if (!task->filled)
			mm_machine_note(m, "accesses outside any mapping, mapped for them");
		start = stop;
	}
	return 0;
}

/* Nothing is or was at the page. */
static bool is_empty(const struct mm_struct *mm, uint64_t addr)
{
	const mm_pte_t *pmd = mm_pmd_offset(mm, addr);

	return !pmd || !*pmd || (mm_pmd_is_table(*pmd) && !*mm_pte_of(mm, pmd, addr));
}

/* Something is written to each page of [start, end) that is empty. */
static void fill(struct mm_machine *m, struct mm_struct *mm, uint64_t start, uint64_t end)
{
	while (start < end) {
		uint64_t stop = start;

		while (stop < end && is_empty(mm, stop))
			stop += MM_PAGE_SIZE;
		if (stop > start)
			mm_access(m->fault, mm, start, stop - start, MM_TLB_W);
		start = stop + MM_PAGE_SIZE;
	}
}

int mm_vma_automap(struct mm_machine *m, struct mm_task *task, uint64_t addr, uint64_t size)
{
	uint64_t start = addr & MM_PAGE_MASK, last = addr + (size ? size - 1 : 0), end;
	int e;

	if (last < addr || last >= task->mm->task_size_max)
		return 0;		/* no address of a process: SIGSEGV */
	end = (last & MM_PAGE_MASK) + MM_PAGE_SIZE;
	e = map_holes(m, task, start, end);
	if (!e && task->filled && m->fault)
		fill(m, task->mm, start, end);
	return e;
}
