/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * System V shared memory: attaching a segment, detaching it.
 *
 * A segment is a file of its own, and every attachment opens it anew, so that two of them never
 * join; its mappings have a close hook, so that a VMA that would vanish in a merge keeps them apart.  shmdt() takes away every part
 * of the attachment that begins at the address.  Source: ipc/shm.c do_shmat(), ksys_shmdt().
 */
#include <errno.h>

#include "virt/userfaultfd.h"
#include "virt/vma.h"

enum { SHMLBA = MM_PAGE_SIZE };

/* Where it is attached: 0, or -EINVAL. */
static int shm_addr(uint64_t *addr, uint64_t shmflg, uint64_t *flags)
{
	if (!*addr)
		return shmflg & MM_SHM_REMAP ? -EINVAL : 0;
	if (*addr & (SHMLBA - 1)) {
		if (!(shmflg & MM_SHM_RND))
			return -EINVAL;
		*addr &= ~(uint64_t)(SHMLBA - 1);
		if (!*addr && (shmflg & MM_SHM_REMAP))
			return -EINVAL;
	}
	*flags |= MM_MAP_FIXED;
	return 0;
}

int mm_sys_shmat(struct mm_struct *mm, struct mm_file *seg, uint64_t addr, uint64_t shmflg, bool place, uint64_t *at)
{
	struct mm_mmap_args a = { .prot = MM_PROT_READ, .flags = MM_MAP_SHARED };
	uint64_t populate = 0, where = 0, placed = *at;
	int e;

	if (!seg)
		return -EINVAL;
	e = shm_addr(&addr, shmflg, &a.flags);
	if (e)
		return e;
	if (!(shmflg & MM_SHM_RDONLY))
		a.prot |= MM_PROT_WRITE;
	if (shmflg & MM_SHM_EXEC)
		a.prot |= MM_PROT_EXEC;
	a.addr = addr;
	a.len = seg->inode->size;
	a.place = place;
	a.placed_addr = placed;
	if (addr && !(shmflg & MM_SHM_REMAP) &&
	    (addr + a.len < addr || mm_find_vma_intersection(mm, addr, addr + a.len)))
		return -EINVAL;
	a.file = mm_file_attach(seg, shmflg & MM_SHM_RDONLY ? MM_FMODE_READ : MM_FMODE_READ | MM_FMODE_WRITE);
	if (!a.file)
		return -ENOMEM;
	mm_file_get_vma(a.file);	/* ours, until it is mapped */
	e = mm_do_mmap(mm, &a, 0, &where, &populate);
	mm_uffd_unmap_forget(mm);
	mm_vma_put_file(mm, a.file);
	if (e)
		return e;
	*at = where;
	return 0;
}

/* A part of an attachment that began at @addr. */
static bool is_part(const struct mm_vma *vma, uint64_t addr)
{
	return vma->extra->vm_ops_close && (vma->vm_start - addr) / MM_PAGE_SIZE == vma->vm_pgoff;
}

int mm_sys_shmdt(struct mm_struct *mm, uint64_t addr)
{
	struct mm_vma *vma;
	struct mm_file *seg = NULL;
	uint64_t size = 0, at;

	if (mm_offset_in_page(addr))
		return -EINVAL;
	for (vma = mm_find_vma(mm, addr); vma; vma = mm_find_vma(mm, at)) {
		at = vma->vm_end;
		if (seg && at - addr > size)
			break;
		if (!is_part(vma, addr) || (seg && vma->vm_file != seg))
			continue;
		if (!seg) {
			size = mm_page_align(vma->vm_file->inode->size);
			seg = vma->vm_file;
			mm_file_get_vma(seg);	/* it outlives its parts here */
		}
		mm_do_vma_munmap(mm, vma, vma->vm_start, vma->vm_end);
	}
	mm_uffd_unmap_forget(mm);
	if (seg)
		mm_vma_put_file(mm, seg);
	return seg ? 0 : -EINVAL;
}
