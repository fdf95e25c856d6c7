/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Memory mapped under accesses that hit none (--automap, programs known by their accesses only).
 */
#include <errno.h>

#include "machine/vma_call.h"

/* One hole below @end: map it.  The pages join what was mapped so before. */
static int map_hole(struct mm_struct *mm, uint64_t start, uint64_t end)
{
	struct mm_mmap_args a = {
		.addr = start, .len = end - start, .prot = MM_PROT_READ | MM_PROT_WRITE | MM_PROT_EXEC,
		.flags = MM_MAP_PRIVATE | MM_MAP_ANONYMOUS | MM_MAP_FIXED | MM_MAP_NORESERVE,
	};
	uint64_t at;

	return mm_sys_mmap(mm, &a, &at);
}

int mm_vma_automap(struct mm_machine *m, struct mm_struct *mm, uint64_t addr, uint64_t size)
{
	uint64_t start = addr & MM_PAGE_MASK, last = addr + (size ? size - 1 : 0), end;

	if (last < addr || last >= mm->task_size_max)
		return 0;		/* no address of a process: SIGSEGV */
	end = (last & MM_PAGE_MASK) + MM_PAGE_SIZE;
	while (start < end) {
		const struct mm_vma *vma = mm_find_vma(mm, start);
		uint64_t stop = vma && vma->vm_start < end ? vma->vm_start : end;
		int e;

		if (vma && vma->vm_start <= start) {
			start = vma->vm_end;
			continue;
		}
		e = map_hole(mm, start, stop);	/* may merge @vma away */
		if (e)
			return e == -ENOMEM ? 0 : e;
		mm_machine_skip(m, "accesses outside any mapping, mapped for them", true);
		start = stop;
	}
	return 0;
}
