/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The image of a program whose execve() was not recorded: an exec row with IMAGE, of valgrind's lackey.
 *
 * What is fetched can only have come from a file, and so has what is read before anything is written there, but for zeros: of the
 * stack, and of the bss, which begins behind what the loader makes read-only after relocation.  All that is mapped privately from
 * the program's file or its interpreter's, a window of fault-around at a time:
 *
 *	fetched  r-x	read  r--	written to later  rw-	written to first, bss, stack: anonymous, as under --automap
 *
 * Both begin where valgrind puts them; a program that lies elsewhere has one file, each byte at the offset of its address.  Where a
 * file ends is told by the break behind the interpreter, and by what the loader makes read-only and has written behind that.
 * Until then it reaches as far as is read ahead of the last window, and is cut then.
 */
#include <errno.h>

#include "base/minmax.h"
#include "cache/filemap.h"
#include "cache/inode.h"
#include "machine/vma_call.h"

/* How far from the image a page may lie while no system call was shown; room of a stack below and above its first store. */
enum { NEAR = 1 << 20, STACK_ROOM = 8 << 20, ARGUMENTS = 2 << 20 };

/* What a disk reads ahead, in bytes; how far into a file its first instruction lies at most. */
enum { READ_AHEAD = 128 << 10, ENTRY = 4 << 20 };

/*
 * Source: valgrind's coregrind/m_ume/elf.c and m_aspacemgr; the third and the fourth are where ld links a program that cannot be
 * moved, of 64 bits and of 32.
 */
static const uint64_t places[] = { 0x4000000, 0x108000, 0x400000, 0x8048000 };
enum { INTERPRETER };

static bool is_image(const struct mm_struct *mm, const struct mm_vma *vma)
{
	return vma && vma->vm_file && (vma->vm_file == mm->guess[0].file || vma->vm_file == mm->guess[1].file);
}

static bool is_stack(const struct mm_struct *mm, uint64_t addr)
{
	return mm->start_stack && addr + STACK_ROOM >= mm->start_stack && addr < mm->start_stack + ARGUMENTS;
}

/* Behind what a loader made read-only, and before the next thing that is run. */
static bool is_bss(const struct mm_struct *mm, uint64_t addr)
{
	for (int i = 0; i < MM_MAX_GUESSES; i++) {
		uint64_t bss = mm->guess[i].bss;
		const struct mm_vma *vma;

		if (!bss || bss > addr)
			continue;
		vma = mm_find_vma(mm, bss);
		while (vma && vma->vm_start < addr && !(vma->vm_file && vma->vm_flags & MM_VM_EXEC))
			vma = mm_find_vma(mm, vma->vm_end);
		if (!vma || vma->vm_start >= addr)
			return true;
	}
	return false;
}

/* Whether what is read at @addr, between @prev and @next, is of a file. */
static bool is_read_from_file(const struct mm_struct *mm, uint64_t addr, const struct mm_vma *prev, const struct mm_vma *next)
{
	if (is_stack(mm, addr) || is_bss(mm, addr))
		return false;
	return !mm->beginning || !mm->map_count || (is_image(mm, prev) && addr - prev->vm_end < NEAR) ||
	       (is_image(mm, next) && next->vm_start - addr < NEAR);
}

/* The last that begins at or below @addr; NULL: none. */
static struct mm_image_guess *guess_of(struct mm_struct *mm, uint64_t addr)
{
	struct mm_image_guess *last = NULL;

	for (int i = 0; i < MM_MAX_GUESSES; i++) {
		struct mm_image_guess *g = &mm->guess[i];

		if (g->file && g->start <= addr && (!last || g->start > last->start))
			last = g;
	}
	return last;
}

/*
 * The loader reads a program's header before anything else of it; of itself, or of a program without a loader, an instruction
 * comes first.
 */
static uint64_t start_of_image(uint64_t addr, bool fetch)
{
	uint64_t start = 0;

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (addr >= places[i] && addr - places[i] < (fetch ? ENTRY : MM_PAGE_SIZE) && places[i] > start)
			start = places[i];
	return start;
}

static struct mm_image_guess *guess_of_file(struct mm_struct *mm, const struct mm_file *file)
{
	for (int i = 0; i < MM_MAX_GUESSES; i++)
		if (mm->guess[i].file == file)
			return &mm->guess[i];
	return NULL;
}

/* Of which file is what is used at @addr? NULL: of none, or no memory. */
static struct mm_image_guess *guess_at(struct mm_machine *m, struct mm_task *task, uint64_t addr, bool fetch)
{
	struct mm_image_guess *g = guess_of(task->mm, addr), *fresh = guess_of_file(task->mm, NULL);
	uint64_t start = start_of_image(addr, fetch);
	struct mm_file *file = task->image;

	if (g && g->start >= start)
		return g;
	if (start == places[INTERPRETER])
		file = mm_file_create(m->inodes, MM_STR("ld.so"), MM_INODE_REG, 0, MM_FMODE_READ);
	if (!file || !fresh || guess_of_file(task->mm, file))
		return g;
	*fresh = (struct mm_image_guess){ .file = file, .start = start };
	return fresh;
}

/* The window of @addr, as far as nothing is mapped there. */
static int map_window(struct mm_machine *m, struct mm_task *task, uint64_t addr, bool fetch, const struct mm_vma *prev,
		      const struct mm_vma *next)
{
	struct mm_image_guess *g = guess_at(m, task, addr, fetch);
	struct mm_mmap_args a = {
		.addr = addr & ~(uint64_t)(MM_IMAGE_WINDOW - 1), .prot = fetch ? MM_PROT_READ | MM_PROT_EXEC : MM_PROT_READ,
		.flags = MM_MAP_PRIVATE | MM_MAP_FIXED,
	};
	uint64_t end = a.addr + MM_IMAGE_WINDOW, at;

	if (!g)
		return -ENOMEM;
	a.file = g->file;
	a.addr = mm_max_u64(a.addr, g->start);
	if (prev)
		a.addr = mm_max_u64(a.addr, prev->vm_end);
	end = mm_min_u64(end, next ? next->vm_start : task->mm->task_size_max);
	if (addr < task->mm->start_brk)
		end = mm_min_u64(end, task->mm->start_brk);
	a.len = end - a.addr;
	a.offset = a.addr - g->start;
	if (!g->end)
		end = mm_max_u64(end, (addr & MM_PAGE_MASK) + READ_AHEAD);
	g->file->inode->size = mm_max_u64(g->file->inode->size, end - g->start);
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

/* The file has this page, whatever another process that runs it told of its end. */
static void use(struct mm_image_guess *g, uint64_t page, uint32_t kind)
{
	uint64_t end = page + MM_PAGE_SIZE;

	g->file->inode->size = mm_max_u64(g->file->inode->size, end - g->start);
	if (kind & MM_VMA_WRITE)
		g->written = mm_max_u64(g->written, end);
}

/* 1: the page is mapped, by what was there before or of the image; 0: it is not; -errno. */
static int image_page(struct mm_machine *m, struct mm_task *task, uint64_t page, uint32_t kind)
{
	struct mm_vma *prev, *vma = mm_find_vma_prev(task->mm, page, &prev);
	int e;

	if (!vma || vma->vm_start > page) {
		if (!(kind & MM_VMA_FETCH) && !(kind & MM_VMA_READ && is_read_from_file(task->mm, page, prev, vma)))
			return 0;
		e = map_window(m, task, page, kind & MM_VMA_FETCH, prev, vma);
		if (e)
			return e;
		mm_machine_note(m, "parts of programs that execve() had mapped, taken for those of a file");
		vma = mm_find_vma(task->mm, page);
	}
	if (!is_image(task->mm, vma))
		return 1;
	use(guess_of_file(task->mm, vma->vm_file), page, kind);
	e = allow(task->mm, vma, page, kind);
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

		if (is_image(mm, vma) && mm_do_munmap(mm, from, to - from))
			return;
		vma = mm_find_vma(mm, behind);
	}
}

void mm_vma_cut_file(struct mm_machine *m, struct mm_inode *inode, uint64_t size)
{
	if (inode->size <= size)
		return;
	if (m->cache) {
		mm_unmap_mapping_pages(&m->virt, &inode->mapping, size >> MM_PAGE_SHIFT, 0, true);
		mm_truncate_pages(m->cache, &inode->mapping, size);
	}
	inode->size = size;
}

/* The image's file ends at @end: what is mapped of it behind that is not there. */
static void cut(struct mm_machine *m, struct mm_task *task, struct mm_image_guess *g, uint64_t end)
{
	uint64_t size = end - g->start;

	g->end = end;
	if (g->file->inode->size > size)
		mm_vma_image_give_way(task, end, g->file->inode->size - size);
	mm_vma_cut_file(m, g->file->inode, size);
}

void mm_vma_image_break(struct mm_machine *m, struct mm_task *task, uint64_t brk)
{
	struct mm_struct *mm = task->mm;
	struct mm_image_guess *g;
	struct mm_vma *prev;

	brk = mm_page_align(brk);
	mm_vma_image_give_way(task, brk, MM_IMAGE_WINDOW);
	if (!task->image || !brk)
		return;
	mm_find_vma_prev(mm, brk, &prev);
	g = is_image(mm, prev) && brk - prev->vm_end < NEAR ? guess_of_file(mm, prev->vm_file) : NULL;
	if (g && !g->end)
		cut(m, task, g, brk);
}

void mm_vma_image_relro(struct mm_machine *m, struct mm_task *task, uint64_t addr, uint64_t len)
{
	struct mm_struct *mm = task->mm;
	struct mm_image_guess *g;
	struct mm_vma *prev, *vma;
	uint64_t end;

	if (!task->image || !len || __builtin_add_overflow(addr, mm_page_align(len), &end))
		return;
	vma = mm_find_vma_prev(mm, addr, &prev);
	if (vma && vma->vm_start < end && !mm_vma_is_anonymous(vma) && !is_image(mm, vma))
		return;			/* of a library */
	if (!is_image(mm, vma) || (vma->vm_start >= end && is_image(mm, prev)))
		vma = prev;
	if (!is_image(mm, vma))
		return;
	g = guess_of_file(mm, vma->vm_file);
	if (!g->bss)
		g->bss = end;
	if (!g->end)
		cut(m, task, g, mm_max_u64(end, g->written));
}
