/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Accesses where no pages are kept, and stacks that grow under them.
 *
 * An access finds its VMA, perhaps grows a stack down to it, and is checked
 * against the VMA's rights and the end of the file.  What a fault would do to the
 * VMA is done: a write to private memory makes its anon_vma.
 *
 * Source: mm/mmap.c expand_downwards(), acct_stack_growth(); mm/memory.c lock_mm_and_find_vma(),
 * do_anonymous_page(), do_cow_fault(); arch/x86/mm/fault.c access_error(); mm/gup.c __mm_populate().
 */
#include <errno.h>

#include "virt/hugetlb.h"
#include "virt/vma.h"

static int acct_stack_growth(struct mm_vma *vma, uint64_t size, uint64_t grow)
{
	struct mm_struct *mm = vma->vm_mm;

	if (!mm_may_expand_vm(mm, vma->vm_flags, grow) || size > mm->rlimit[MM_RLIMIT_STACK] ||
	    !mm_mlock_future_ok(mm, vma->vm_flags, grow << MM_PAGE_SHIFT))
		return -ENOMEM;
	return mm_vm_enough_memory(mm, (int64_t)grow);
}

int mm_expand_downwards(struct mm_vma *vma, uint64_t addr)
{
	struct mm_struct *mm = vma->vm_mm;
	uint64_t grow;
	struct mm_vma *prev;
	int e;

	if (!(vma->vm_flags & MM_VM_GROWSDOWN))
		return -EFAULT;
	addr &= MM_PAGE_MASK;
	if (addr < (uint64_t)mm_sysctl(mm->virt->ctx, MM_SYSCTL_MMAP_MIN_ADDR))
		return -EPERM;
	prev = mm_mt_prev(&mm->mm_mt, vma->vm_start);
	if (prev && !(prev->vm_flags & MM_VM_GROWSDOWN) && mm_vma_is_accessible(prev) &&
	    addr - prev->vm_end < mm_stack_guard_gap(mm))
		return -ENOMEM;
	if (mm_mt_reserve(&mm->mm_mt) || mm_anon_vma_prepare(vma))
		return -ENOMEM;
	if (addr >= vma->vm_start)
		return 0;
	grow = (vma->vm_start - addr) >> MM_PAGE_SHIFT;
	if (grow > vma->vm_pgoff)
		return -ENOMEM;
	e = acct_stack_growth(vma, vma->vm_end - addr, grow);
	if (e)
		return e;
	if (vma->vm_flags & MM_VM_LOCKED)
		mm->locked_vm += grow;
	mm_vm_stat_account(mm, vma->vm_flags, (int64_t)grow);
	mm_vma_effect(mm, MM_EV_MAP, addr, vma->vm_start);
	mm_vma_prepare(vma, NULL);
	vma->vm_start = addr;
	vma->vm_pgoff -= grow;
	mm_vma_complete(vma, NULL);
	return mm_mtree_store_range(&mm->mm_mt, addr, vma->vm_end - 1, vma);
}

struct mm_vma *mm_expand_stack(struct mm_struct *mm, uint64_t addr)
{
	struct mm_vma *vma = mm_find_vma(mm, addr);

	if (!vma || vma->vm_start <= addr)
		return vma;
	if (!(vma->vm_flags & MM_VM_GROWSDOWN) || mm_expand_downwards(vma, addr))
		return NULL;
	return vma;
}

/* Could a huge page be put at @addr?  hugepage_vma_check() and transhuge_vma_suitable(), for anonymous memory. */
static bool thp_fault(const struct mm_vma *vma, uint64_t addr)
{
	int64_t thp = mm_sysctl(vma->vm_mm->virt->ctx, MM_SYSCTL_THP);
	uint64_t haddr = addr & ~(MM_PMD_SIZE - 1);

	if (!thp || (thp == 1 && !(vma->vm_flags & MM_VM_HUGEPAGE)) || (vma->vm_flags & MM_VM_NOHUGEPAGE))
		return false;
	return haddr >= vma->vm_start && haddr + MM_PMD_SIZE <= vma->vm_end;
}

static bool beyond_file(const struct mm_vma *vma, uint64_t addr)
{
	const struct mm_inode *inode = vma->vm_file ? vma->vm_file->inode : NULL;
	uint64_t page = vma->vm_pgoff + ((addr - vma->vm_start) >> MM_PAGE_SHIFT);

	if (!inode || mm_vma_is_anonymous(vma))
		return false;
	return page >= (inode->size >> MM_PAGE_SHIFT) + (mm_offset_in_page(inode->size) != 0);
}

/* What the fault does to the VMA; the access is allowed. */
static enum mm_vma_result fault_vma(struct mm_vma *vma, uint64_t addr, bool write)
{
	bool anon = mm_vma_is_anonymous(vma);

	if (!(vma->vm_flags & MM_VM_SHARED) && !vma->extra->special && (write || (anon && thp_fault(vma, addr))) &&
	    mm_anon_vma_prepare(vma))
		return MM_VMA_ENOMEM;
	return beyond_file(vma, addr) || (vma->vm_flags & MM_VM_HUGETLB && !mm_hugetlb_has_pages(vma)) ? MM_VMA_SIGBUS : MM_VMA_OK;
}

static enum mm_vma_result access_page(struct mm_struct *mm, uint64_t addr, uint32_t kind, struct mm_vma **vmap)
{
	struct mm_vma *vma = addr < mm->task_size_max ? mm_expand_stack(mm, addr) : NULL;
	bool allowed;

	if (!vma)
		return MM_VMA_SEGV;
	*vmap = vma;
	if (kind & MM_VMA_WRITE)
		allowed = vma->vm_flags & MM_VM_WRITE;
	else if (kind & MM_VMA_FETCH)
		allowed = vma->vm_flags & MM_VM_EXEC;
	else
		allowed = mm_vma_is_accessible(vma);
	return allowed ? fault_vma(vma, addr, kind & MM_VMA_WRITE) : MM_VMA_SEGV;
}

/*
 * The next page of an access up to @last that may come to something else than that of @at, which is in @vma: pages up to the next 2M
 * boundary are alike, but that the file may end among them, and then it has at the last of them too.
 */
static uint64_t next_page(const struct mm_vma *vma, uint64_t at, uint64_t last)
{
	uint64_t page = at & MM_PAGE_MASK, next = (at | (MM_PMD_SIZE - 1)) + 1;

	if (next > vma->vm_end - MM_PAGE_SIZE)
		next = vma->vm_end - MM_PAGE_SIZE;
	if (next > (last & MM_PAGE_MASK))
		next = last & MM_PAGE_MASK;
	return next > page ? next : page + MM_PAGE_SIZE;
}

enum mm_vma_result mm_vma_access(struct mm_struct *mm, uint64_t addr, uint64_t size, uint32_t kind)
{
	static const uint32_t one[] = { MM_VMA_READ, MM_VMA_WRITE, MM_VMA_FETCH };
	uint64_t last = size ? addr + size - 1 : addr;
	struct mm_vma *vma = NULL;

	if (last < addr)
		last = UINT64_MAX;
	for (uint64_t at = addr;; at = vma ? next_page(vma, at, last) : (at & MM_PAGE_MASK) + MM_PAGE_SIZE) {
		for (int i = 0; i < 3; i++) {
			enum mm_vma_result r = kind & one[i] ? access_page(mm, at, one[i], &vma) : MM_VMA_OK;

			if (r)
				return r;
		}
		if ((at | ~MM_PAGE_MASK) >= last)
			return MM_VMA_OK;
	}
}

/* populate_vma_page_range() where no pages are kept: the first page that cannot be had ends it. */
static int populate_light(struct mm_vma *vma, uint64_t start, uint64_t end)
{
	bool write = (vma->vm_flags & (MM_VM_WRITE | MM_VM_SHARED)) == MM_VM_WRITE;
	uint64_t size;

	if (!mm_vma_is_accessible(vma) || (vma->vm_flags & MM_VM_HUGETLB && !mm_hugetlb_has_pages(vma)))
		return -EFAULT;
	if (!write && !(vma->vm_flags & MM_VM_READ) && !(vma->vm_flags & MM_VM_MAYREAD))
		return -EFAULT;
	if (write && mm_anon_vma_prepare(vma))
		return -ENOMEM;
	for (uint64_t at = start; !write && mm_vma_is_anonymous(vma) && at < end; at = (at | (MM_PMD_SIZE - 1)) + 1)
		if (thp_fault(vma, at))
			return mm_anon_vma_prepare(vma);
	if (!vma->vm_file || mm_vma_is_anonymous(vma))
		return 0;
	size = mm_page_align(vma->vm_file->inode->size);
	return (vma->vm_pgoff << MM_PAGE_SHIFT) + (end - vma->vm_start) > size ? -EFAULT : 0;
}

int mm_populate_vma_page_range(struct mm_vma *vma, uint64_t start, uint64_t end)
{
	const struct mm_virt *virt = vma->vm_mm->virt;

	if (vma->vm_flags & MM_VM_LOCKONFAULT)
		return 0;
	return virt->populate_vma ? virt->populate_vma(vma->vm_mm, vma, start, end) : populate_light(vma, start, end);
}

int mm_mm_populate(struct mm_struct *mm, uint64_t start, uint64_t len, bool ignore_errors)
{
	uint64_t end = start + len;

	while (start < end) {
		struct mm_vma *vma = mm_find_vma_intersection(mm, start, end);
		uint64_t stop;
		int e;

		if (!vma)
			break;
		stop = vma->vm_end < end ? vma->vm_end : end;
		if (!(vma->vm_flags & (MM_VM_IO | MM_VM_PFNMAP))) {
			e = mm_populate_vma_page_range(vma, start > vma->vm_start ? start : vma->vm_start, stop);
			if (e && !ignore_errors)
				return e;
		}
		start = stop;
	}
	return 0;
}
