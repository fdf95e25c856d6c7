/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where a recording's addresses come from.
 *
 * With randomised addresses neither the place of the program nor the top of the
 * area that mmap fills is known when a program begins; both begin where they would
 * lie without randomisation.  The first mapping that names no address tells where the
 * room for mappings ends.  The loader's mprotect() of what is read-only after
 * relocation tells where an image is; the interpreter hangs from the top.  From then on
 * every placement can be predicted.
 *
 *	without			with randomisation	and newer kernels
 *	mmap_base: interpreter	base: interpreter	base: interpreter
 *	  [vdso] [vvar]		  first mapping		  [vdso] [vvar]
 *	  first mapping		stack [vvar] [vdso]	  first mapping
 *
 * A few pages between the first mapping and what hangs from the top are [vvar] and
 * [vdso], of whatever size that kernel has.
 */
#include "machine/vma_call.h"

enum { MAX_VDSO_PAGES = 32 };

/* Is [start, end), right below what hangs from the top, room of [vvar] and [vdso]?  Then they lie there. */
static bool place_vdso(struct mm_struct *mm, uint64_t start, uint64_t end)
{
	if (end <= start || end - start > MAX_VDSO_PAGES * (uint64_t)MM_PAGE_SIZE)
		return false;
	for (struct mm_vma *v = mm_find_vma_intersection(mm, start, end); v && v->vm_start < end;
	     v = mm_find_vma(mm, v->vm_end))
		if (!v->extra->special)
			return false;
	for (struct mm_vma *v = mm_find_vma(mm, 0), *next; v; v = next) {
		next = mm_find_vma(mm, v->vm_end);
		if (v->extra->special)
			mm_do_munmap(mm, v->vm_start, v->vm_end - v->vm_start);
	}
	mm_vma_install_vdso(mm, start, end);
	return true;
}

/* Move what lies in the image to where it turned out to be.  Highest first or lowest first, away from itself. */
static void move_image(struct mm_struct *mm, struct mm_exec_image *x, uint64_t delta)
{
	uint64_t end = x->start + x->size;

	for (struct mm_vma *v = mm_find_vma_intersection(mm, x->start, end); v && v->vm_start < end;) {
		struct mm_mremap_args a = {
			.addr = v->vm_start, .old_len = v->vm_end - v->vm_start, .new_len = v->vm_end - v->vm_start,
			.flags = MM_MREMAP_MAYMOVE | MM_MREMAP_FIXED, .new_addr = v->vm_start + delta,
		};
		uint64_t at, next = v->vm_end;

		if (mm_sys_mremap(mm, &a, &at))
			break;
		v = mm_find_vma_intersection(mm, next, end);
	}
	x->start += delta;
	x->relro += delta;
}

void mm_vma_learn_image(struct mm_struct *mm, uint64_t addr, uint64_t len)
{
	if (!len || addr + len < addr || mm_find_vma_intersection(mm, addr, addr + len))
		return;
	for (int i = 0; i < 2; i++) {
		struct mm_exec_image *x = &mm->image[i];
		uint64_t delta = addr - x->relro, start = x->start + delta;

		if (!x->relro || x->learnt || mm_offset_in_page(delta) || start + x->size < start ||
		    mm_find_vma_intersection(mm, start, start + x->size))
			continue;
		if ((i == 0) != (addr < mm->task_size / 4 * 3))	/* programs lie low, interpreters high */
			continue;
		move_image(mm, x, delta);
		x->learnt = true;
		if (!i && mm->start_code) {
			mm->start_code += delta;
			mm->end_code += delta;
			mm->start_data += delta;
			mm->end_data += delta;
		}
		if (i) {
			place_vdso(mm, mm->mmap_base, x->start);
			mm->mmap_base = mm_page_align(x->start + x->size);
		}
		return;
	}
}

/* Does only what is not known to lie there lie in [start, end)? */
static bool nothing_sure(const struct mm_struct *mm, uint64_t start, uint64_t end)
{
	const struct mm_exec_image *x = &mm->image[1];

	for (struct mm_vma *v = start < end ? mm_find_vma_intersection(mm, start, end) : NULL; v && v->vm_start < end;
	     v = mm_find_vma(mm, v->vm_end))
		if (!v->extra->special && (x->learnt || v->vm_start < x->start || v->vm_start >= x->start + x->size))
			return false;
	return true;
}

void mm_vma_learn_base(struct mm_struct *mm, uint64_t addr, uint64_t len)
{
	const struct mm_exec_image *x = &mm->image[1];
	uint64_t end;

	mm->base_known = true;
	if (__builtin_add_overflow(addr, mm_page_align(len), &end) || end > mm->task_size)
		return;
	if (place_vdso(mm, end, x->size ? x->start : mm->mmap_base))
		return;
	if (nothing_sure(mm, end, mm->mmap_base))
		mm->mmap_base = end;
}
