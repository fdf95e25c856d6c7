/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The image of a program whose execve() was not recorded: an exec row with IMAGE, of valgrind's lackey.
 *
 * What is fetched can only have come from a file, and so has what is read before anything is written there, but for zeros: of the
 * stack, and of the bss, which begins behind what the loader makes read-only after relocation.  All that is mapped privately from
 * one file that stands for the program and its loader, each byte at the offset of its address, a window of fault-around at a time:
 *
 *	fetched  r-x	read  r--	written to later  rw-	written to first, bss, stack: anonymous, as under --automap
 *
 * Where a segment ends is not known: a window may hold up to 15 pages that the real file has not.
 */
#include <errno.h>

#include "base/minmax.h"
#include "cache/inode.h"
#include "machine/vma_call.h"

/* How far from the image a page may lie while no system call was shown; room of a stack below and above its first store. */
enum { NEAR = 1 << 20, STACK_ROOM = 8 << 20, ARGUMENTS = 2 << 20 };

static bool is_image(const struct mm_task *task, const struct mm_vma *vma) { return vma && vma->vm_file == task->image; }

static bool is_stack(const struct mm_struct *mm, uint64_t addr)
{
	return mm->start_stack && addr + STACK_ROOM >= mm->start_stack && addr < mm->start_stack + ARGUMENTS;
}

/* Behind what a loader made read-only, and before the next thing that is run. */
static bool is_bss(const struct mm_task *task, uint64_t addr)
{
	for (int i = 0; i < MM_MAX_BSS; i++) {
		uint64_t bss = task->mm->bss[i];
		const struct mm_vma *vma;

		if (!bss || bss > addr)
			continue;
		vma = mm_find_vma(task->mm, bss);
		while (vma && vma->vm_start < addr && !(vma->vm_file && vma->vm_flags & MM_VM_EXEC))
			vma = mm_find_vma(task->mm, vma->vm_end);
		if (!vma || vma->vm_start >= addr)
			return true;
	}
	return false;
}

/* Whether what is read at @addr, between @prev and @next, is of the file. */
static bool is_read_from_file(const struct mm_task *task, uint64_t addr, const struct mm_vma *prev, const struct mm_vma *next)
{
	if (is_stack(task->mm, addr) || is_bss(task, addr))
		return false;
	return !task->mm->beginning || !task->mm->map_count || (is_image(task, prev) && addr - prev->vm_end < NEAR) ||
	       (is_image(task, next) && next->vm_start - addr < NEAR);
}

/* The window of @addr, as far as nothing is mapped there. */
static int map_window(struct mm_task *task, uint64_t addr, bool fetch, const struct mm_vma *prev, const struct mm_vma *next)
{
	struct mm_mmap_args a = {
		.addr = addr & ~(uint64_t)(MM_IMAGE_WINDOW - 1), .prot = fetch ? MM_PROT_READ | MM_PROT_EXEC : MM_PROT_READ,
		.flags = MM_MAP_PRIVATE | MM_MAP_FIXED, .file = task->image,
	};
	uint64_t end = a.addr + MM_IMAGE_WINDOW, at;

	if (prev)
		a.addr = mm_max_u64(a.addr, prev->vm_end);
	end = mm_min_u64(end, next ? next->vm_start : task->mm->task_size_max);
	if (addr < task->mm->start_brk)
		end = mm_min_u64(end, task->mm->start_brk);
	a.len = end - a.addr;
	a.offset = a.addr;
	task->image->inode->size = mm_max_u64(task->image->inode->size, end);
	return mm_sys_mmap(task->mm, &a, &at);
}

/* A page of the image is used in a way that its window does not allow: it was of another segment. */
static int allow(struct mm_struct *mm, const struct mm_vma *vma, uint64_t page, uint32_t kind)
{
	uint64_t flags = kind & MM_VMA_WRITE ? MM_VM_WRITE : kind & MM_VMA_FETCH ? MM_VM_EXEC : 0;

	if ((vma->vm_flags & flags) == flags)
		return 0;
	return mm_sys_mprotect(mm, page, MM_PAGE_SIZE, MM_PROT_READ | (kind & MM_VMA_WRITE ? MM_PROT_WRITE : MM_PROT_EXEC));
}

/* 1: the page is mapped, by what was there before or of the image; 0: it is not; -errno. */
static int image_page(struct mm_machine *m, struct mm_task *task, uint64_t page, uint32_t kind)
{
	struct mm_vma *prev, *vma = mm_find_vma_prev(task->mm, page, &prev);
	int e;

	if (!vma || vma->vm_start > page) {
		if (!(kind & MM_VMA_FETCH) && !(kind & MM_VMA_READ && is_read_from_file(task, page, prev, vma)))
			return 0;
		e = map_window(task, page, kind & MM_VMA_FETCH, prev, vma);
		if (e)
			return e;
		mm_machine_note(m, "parts of programs that execve() had mapped, taken for those of a file");
		vma = mm_find_vma(task->mm, page);
	}
	e = is_image(task, vma) ? allow(task->mm, vma, page, kind) : 0;
	return e ? e : 1;
}

int mm_vma_image(struct mm_machine *m, struct mm_task *task, uint64_t addr, uint64_t size, uint32_t kind)
{
	struct mm_struct *mm = task->mm;
	uint64_t last;
	int all = 1;

	if (__builtin_add_overflow(addr, size ? size - 1 : 0, &last) || last >= mm->task_size_max)
		return 0;
	if (kind & MM_VMA_WRITE && !mm->start_stack)
		mm->start_stack = addr;		/* the first that a program writes is where its first call returns to */
	for (uint64_t page = addr & MM_PAGE_MASK; page <= last; page += MM_PAGE_SIZE) {
		int e = image_page(m, task, page, kind);

		if (e < 0)
			return e == -ENOMEM ? 0 : e;	/* more than a limit allows, as with --automap */
		all &= e;
	}
	return all;
}

void mm_vma_image_give_way(struct mm_task *task, uint64_t start, uint64_t len)
{
	struct mm_struct *mm = task->mm;
	uint64_t end;

	start &= MM_PAGE_MASK;
	if (!task->image || __builtin_add_overflow(start, mm_page_align(len), &end))
		return;
	for (struct mm_vma *vma = mm_find_vma_intersection(mm, start, end); vma && vma->vm_start < end;) {
		uint64_t from = mm_max_u64(start, vma->vm_start), behind = vma->vm_end, to = mm_min_u64(end, behind);

		if (is_image(task, vma) && mm_do_munmap(mm, from, to - from))
			return;
		vma = mm_find_vma(mm, behind);
	}
}

void mm_vma_image_relro(struct mm_task *task, uint64_t addr, uint64_t len)
{
	struct mm_struct *mm = task->mm;
	struct mm_vma *prev, *vma;
	uint64_t end;

	if (!task->image || !len || __builtin_add_overflow(addr, mm_page_align(len), &end))
		return;
	vma = mm_find_vma_prev(mm, addr, &prev);
	if (vma && vma->vm_start < end && !mm_vma_is_anonymous(vma) && !is_image(task, vma))
		return;			/* of a library */
	if (!is_image(task, prev) && !is_image(task, vma))
		return;
	for (int i = 0; i < MM_MAX_BSS; i++)
		if (!mm->bss[i]) {
			mm->bss[i] = end;
			return;
		}
}
