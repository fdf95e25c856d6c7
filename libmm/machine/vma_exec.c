/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A program begins: stack, segments, bss, interpreter, [vvar] and [vdso], in the kernel's order.
 *
 *	0x555555554000	program (position-independent)	stack top 0x7ffffffff000
 *	  segments, bss, brk ->				mmap_base: interpreter, below it [vvar] [vdso]
 *
 * The file is that of the trace's path on the machine this runs on.  A recording
 * made with randomised addresses does not tell where the kernel put the images: they
 * lie where they would without randomisation until an mprotect() of the loader's
 * (of the part that is read-only after relocation) tells better; then they move.
 *
 * Source: fs/binfmt_elf.c load_elf_binary(), fs/exec.c setup_arg_pages(), arch/x86/entry/vdso/vma.c.
 * Deviation: arguments and environment take one page.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cache/filemap.h"
#include "machine/vma_call.h"
#include "source/elf.h"

enum { VVAR_PAGES = 4, VDSO_PAGES = 2, MAX_SCRIPTS = 5, BINPRM_BUF_SIZE = 256 };
#define STACK_TOP(mm)		((mm)->task_size)
#define ELF_ET_DYN_BASE(mm)	((mm)->task_size / 3 * 2)

/* An image that is being mapped. */
struct image {
	struct mm_struct *mm;
	struct mm_file *file;
	const struct mm_elf *elf;
	uint64_t bias;			/* what is added to p_vaddr */
	uint64_t bss, brk;		/* end of the file's bytes, end of all, as vaddr */
	uint32_t brk_flags;		/* of the segment that ends last */
};

static uint64_t random_pages(const struct mm_struct *mm, uint32_t bits)
{
	struct mm_ctx *ctx = mm->virt->ctx;

	if (!mm_sysctl(ctx, MM_SYSCTL_RANDOMIZE_VA_SPACE))
		return 0;
	return mm_rng_below(&ctx->rng, UINT64_C(1) << bits) << MM_PAGE_SHIFT;
}

static uint64_t prot_of(uint32_t f)
{
	return (f & MM_ELF_R ? MM_PROT_READ : 0) | (f & MM_ELF_W ? MM_PROT_WRITE : 0) |
	       (f & MM_ELF_X ? MM_PROT_EXEC : 0);
}

/* copy_strings(): get_arg_page() brings them in before the program runs, by minor faults of its task. */
void mm_vma_fill_arg_pages(struct mm_struct *mm, uint64_t start, uint64_t end) { mm_mm_populate(mm, start, end - start, true); }

/* setup_arg_pages(): a page of arguments, and 128 KiB more if the limit allows. */
static int map_stack(struct mm_struct *mm)
{
	uint64_t top = STACK_TOP(mm) - random_pages(mm, 22), limit = mm->rlimit[MM_RLIMIT_STACK] & MM_PAGE_MASK;
	uint64_t size = MM_PAGE_SIZE + MM_STACK_EXPAND;
	struct mm_vma *vma = mm_vm_area_alloc(mm, top - MM_PAGE_SIZE, top,
					      MM_VM_STACK_FLAGS | MM_VM_SOFTDIRTY | mm->def_flags,
					      (top - MM_PAGE_SIZE) >> MM_PAGE_SHIFT);

	if (!vma || mm_vma_link(mm, vma)) {
		mm_vm_area_free(vma);
		return -ENOMEM;
	}
	mm_vm_stat_account(mm, vma->vm_flags, 1);
	mm->virt->vm_committed_as++;
	mm_vma_fill_arg_pages(mm, top - MM_PAGE_SIZE, top);
	if (size > limit)
		size = limit;
	if (size > MM_PAGE_SIZE)
		mm_expand_downwards(vma, top - size);
	mm->start_stack = top - MM_PAGE_SIZE / 2;
	return 0;
}

static int elf_map(struct image *im, const struct mm_elf_segment *s, uint64_t addr, uint64_t flags, uint64_t total,
		   uint64_t *at)
{
	uint64_t size = mm_page_align(s->filesz + mm_offset_in_page(s->vaddr));
	struct mm_mmap_args a = {
		.addr = addr & MM_PAGE_MASK, .len = total ? mm_page_align(total) : size, .prot = prot_of(s->flags),
		.flags = MM_MAP_PRIVATE | flags, .offset = s->offset - mm_offset_in_page(s->vaddr), .file = im->file,
	};
	int e;

	*at = a.addr;
	if (!size)
		return 0;
	e = mm_sys_mmap(im->mm, &a, at);
	if (!e && a.len > size)
		e = mm_do_munmap(im->mm, *at + size, a.len - size);
	return e;
}

static int set_brk(struct image *im)
{
	uint64_t start = mm_page_align(im->bss + im->bias), end = mm_page_align(im->brk + im->bias);

	if (end <= start)
		return 0;
	return mm_vm_brk_flags(im->mm, start, end - start, im->brk_flags & MM_ELF_X ? (uint64_t)MM_VM_EXEC : 0);
}

static uint64_t total_size(const struct mm_elf *elf)
{
	const struct mm_elf_segment *last = &elf->seg[elf->nr - 1];

	return last->vaddr + last->memsz - (elf->seg[0].vaddr & MM_PAGE_MASK);
}

/* Every segment; the first one finds the place: @hint with @flags, then the others are fixed. */
static int map_segments(struct image *im, uint64_t hint, uint64_t flags, bool bss_between)
{
	for (uint32_t i = 0; i < im->elf->nr; i++) {
		const struct mm_elf_segment *s = &im->elf->seg[i];
		uint64_t at;
		int e = 0;

		if (i && bss_between && im->brk > im->bss)
			e = set_brk(im);
		if (!e && i)
			e = elf_map(im, s, im->bias + s->vaddr, MM_MAP_FIXED, 0, &at);
		else if (!e)
			e = elf_map(im, s, hint, flags, total_size(im->elf), &at);
		if (e)
			return e;
		if (!i)
			im->bias = at - (s->vaddr & MM_PAGE_MASK);
		if (s->vaddr + s->filesz > im->bss)
			im->bss = s->vaddr + s->filesz;
		if (s->vaddr + s->memsz > im->brk) {
			im->brk = s->vaddr + s->memsz;
			im->brk_flags = s->flags;
		}
	}
	return 0;
}

static void set_borders(const struct image *im)
{
	struct mm_struct *mm = im->mm;

	mm->start_code = UINT64_MAX;
	for (uint32_t i = 0; i < im->elf->nr; i++) {
		const struct mm_elf_segment *s = &im->elf->seg[i];
		uint64_t start = s->vaddr + im->bias, end = start + s->filesz;

		if ((s->flags & MM_ELF_X) && start < mm->start_code)
			mm->start_code = start;
		if ((s->flags & MM_ELF_X) && end > mm->end_code)
			mm->end_code = end;
		if (start > mm->start_data)
			mm->start_data = start;
		if (end > mm->end_data)
			mm->end_data = end;
	}
	if (mm->start_code == UINT64_MAX)
		mm->start_code = 0;
}

static void remember(const struct image *im, uint32_t which)
{
	struct mm_exec_image *x = &im->mm->image[which];

	*x = (struct mm_exec_image){
		.start = (im->elf->seg[0].vaddr & MM_PAGE_MASK) + im->bias, .size = mm_page_align(total_size(im->elf)),
		.relro = im->elf->relro_size ? (im->elf->relro_vaddr + im->bias) & MM_PAGE_MASK : 0,
	};
}

static int map_program(struct image *im)
{
	struct mm_struct *mm = im->mm;
	const struct mm_elf_segment *s = &im->elf->seg[0];
	uint64_t base = s->vaddr, align = 0;
	int e;

	if (im->elf->type == MM_ELF_DYN && im->elf->has_interp) {
		base = ELF_ET_DYN_BASE(mm) + random_pages(mm, 28);
		for (uint32_t i = 0; i < im->elf->nr; i++) {
			uint64_t a = im->elf->seg[i].align;

			if (a > align && !(a & (a - 1)))
				align = a;
		}
		if (align)
			base &= ~(align - 1);
		base = ((base - s->vaddr) & MM_PAGE_MASK) + s->vaddr;
	} else if (im->elf->type == MM_ELF_DYN) {
		base = 0;
	}
	e = map_segments(im, base, base ? MM_MAP_FIXED_NOREPLACE : 0, true);
	if (!e)
		e = set_brk(im);
	if (e)
		return e;
	mm->start_brk = mm->brk = mm_page_align(im->brk + im->bias) +
		(mm_sysctl(mm->virt->ctx, MM_SYSCTL_RANDOMIZE_VA_SPACE) > 1 ? random_pages(mm, 13) : 0);
	set_borders(im);
	remember(im, 0);
	return 0;
}

static int map_interpreter(struct image *im)
{
	int e = map_segments(im, 0, 0, false);

	if (!e)
		e = set_brk(im);
	if (!e)
		remember(im, 1);
	return e;
}

static int install_special(struct mm_struct *mm, uint64_t start, uint32_t pages, uint64_t flags, const char *name)
{
	uint64_t end = start + pages * (uint64_t)MM_PAGE_SIZE;
	struct mm_vma *vma = mm_vm_area_alloc(mm, start, end,
					      flags | MM_VM_DONTEXPAND | MM_VM_SOFTDIRTY | MM_VM_MAYREAD, 0);
	struct mm_vma_extra *extra = vma ? mm_vma_own_extra(vma) : NULL;

	if (extra) {
		extra->special = name;
		vma->vm_pgoff = start >> MM_PAGE_SHIFT;
	}
	if (!extra || mm_vma_link(mm, vma)) {
		mm_vm_area_free(vma);
		return -ENOMEM;
	}
	mm_vm_stat_account(mm, vma->vm_flags, pages);
	return 0;
}

int mm_vma_install_vdso(struct mm_struct *mm, uint64_t start, uint64_t end)
{
	uint64_t vdso = end - VDSO_PAGES * (uint64_t)MM_PAGE_SIZE;
	int e = install_special(mm, vdso, VDSO_PAGES, MM_VM_READ | MM_VM_EXEC | MM_VM_MAYWRITE | MM_VM_MAYEXEC,
				"[vdso]");

	if (!e && start < vdso)
		e = install_special(mm, start, (uint32_t)((vdso - start) >> MM_PAGE_SHIFT),
				    MM_VM_READ | MM_VM_IO | MM_VM_DONTDUMP | MM_VM_PFNMAP, "[vvar]");
	return e;
}

/* Asked for just above the stack, where there is no room without randomisation: it goes where mmap would put it. */
static int map_vdso(struct mm_struct *mm)
{
	struct mm_unmapped_args a = {
		.addr = mm_page_align(mm->start_stack), .len = (VVAR_PAGES + VDSO_PAGES) * (uint64_t)MM_PAGE_SIZE,
	};
	uint64_t at;
	int e = mm_get_unmapped_area(mm, &a, &at);

	return e ? e : mm_vma_install_vdso(mm, at, at + a.len);
}

/* The file by the name that maps shows: without symbolic links. */
static struct mm_file *file_of(struct mm_machine *m, const char *path, uint64_t size)
{
	char *real = realpath(path, NULL);
	struct mm_str name = { real ? real : path, strlen(real ? real : path) };
	struct mm_file *f = mm_file_create(m->inodes, name, MM_INODE_REG, size, MM_FMODE_READ);

	if (f && f->inode->size < size)
		f->inode->size = size;
	free(real);
	return f;
}

void mm_vma_read_head(struct mm_machine *m, struct mm_struct *mm, struct mm_file *f)
{
	if (m->cache && !f->inode->hugetlb)
		mm_filemap_read(m->cache, f, 0, BINPRM_BUF_SIZE, mm->memcg);
}

int mm_vma_exec(struct mm_machine *m, struct mm_struct *mm, struct mm_str path)
{
	struct mm_elf elf, ld;
	struct image im = { .mm = mm, .elf = &elf };
	char text[4096], script[256];
	int e;

	mm->mmap_base -= random_pages(mm, 28);
	e = map_stack(mm);
	if (e || path.len >= sizeof(text) || !path.len)
		return e ? e : -ENOENT;
	memcpy(text, path.p, path.len);
	text[path.len] = 0;
	for (int depth = 0; depth < MAX_SCRIPTS && !mm_script_read(text, script, sizeof(script)); depth++)
		memcpy(text, script, sizeof(script));
	e = mm_elf_read(text, &elf);
	if (!e && elf.has_interp)
		e = mm_elf_read(elf.interp, &ld);
	if (e)
		return e;
	im.file = file_of(m, text, elf.file_size);
	if (im.file)
		mm_vma_read_head(m, mm, im.file);
	e = im.file ? map_program(&im) : -ENOMEM;
	if (!e && elf.has_interp) {
		struct image li = { .mm = mm, .elf = &ld, .file = file_of(m, elf.interp, ld.file_size) };

		if (li.file)
			mm_vma_read_head(m, mm, li.file);
		e = li.file ? map_interpreter(&li) : -ENOMEM;
	}
	if (!e)
		e = map_vdso(mm);
	mm->whole = !e;
	return e;
}
