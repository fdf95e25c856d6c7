/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Faulting pages in on purpose: MAP_POPULATE, mlock, MADV_POPULATE_READ and _WRITE.
 *
 * Each page that is not there (or not writable where that is wanted) takes one fault, which counts for the task like
 * any other; each page that is there is marked accessed. mlock and MAP_POPULATE start a fault afresh
 * after its lock was dropped for I/O, so it ends as minor; MADV_POPULATE tries again with TRIED, so it
 * ends as major. Model: Linux 6.6 mm/gup.c __get_user_pages(), populate_vma_page_range(), faultin_page_range().
 */
#include <errno.h>

#include "cache/filemap.h"
#include "fault/internal.h"
#include "virt/hugetlb.h"

enum { FOLL_WRITE = 1, FOLL_FORCE = 2, MADV_POPULATE = 4 };

static int check_vma_flags(const struct mm_fault *f, const struct mm_vma *vma, unsigned int foll)
{
	if (vma->vm_flags & (MM_VM_IO | MM_VM_PFNMAP))
		return -EFAULT;
	if (!mm_vma_access_permitted(f, vma, foll & FOLL_WRITE))
		return -EFAULT;
	if (foll & FOLL_WRITE)
		return vma->vm_flags & MM_VM_WRITE ? 0 : -EFAULT;
	if (!(vma->vm_flags & MM_VM_READ) && !(foll & FOLL_FORCE && vma->vm_flags & MM_VM_MAYREAD))
		return -EFAULT;
	return 0;
}

static void touch_page(struct mm_fault *f, mm_pte_t pte, unsigned int foll)
{
	mm_pfn_t pfn = mm_vm_normal_page(pte), head;

	if (pfn == MM_PFN_NONE)
		return;
	head = mm_page_head(f->phys, pfn);
	if (foll & FOLL_WRITE && !mm_pte_dirty(pte) && !(mm_page(f->phys, head)->flags & MM_PG_DIRTY))
		mm_folio_mark_dirty(f->cache, head);
	mm_folio_mark_accessed(f->cache, head);
}

static uint64_t follow_hugetlb(const struct mm_vma *vma, uint64_t vaddr, unsigned int foll)
{
	const mm_pte_t *e = mm_huge_pte_offset(vma, vaddr);
	uint64_t end = (vaddr | mm_hugetlb_mask(vma)) + 1;

	if (!e || mm_pte_none(*e) || !mm_pte_present(*e) || (foll & FOLL_WRITE && !mm_pte_write(*e)))
		return 0;
	return (end < vma->vm_end ? end : vma->vm_end) - vaddr;
}

/* Bytes that are there from @vaddr to the end of their entry, 0: a fault is needed. */
static uint64_t follow_page_mask(struct mm_fault *f, struct mm_vma *vma, uint64_t vaddr, unsigned int foll)
{
	mm_pte_t *pmd, *pte;

	if (vma->vm_flags & MM_VM_HUGETLB)
		return follow_hugetlb(vma, vaddr, foll);
	pmd = mm_pmd_offset(vma->vm_mm, vaddr);
	if (!pmd || mm_pte_none(*pmd))
		return 0;
	if (mm_pmd_trans_huge(*pmd)) {
		if (foll & FOLL_WRITE && !mm_pte_write(*pmd))
			return 0;
		if (foll & FOLL_WRITE)		/* x86 sets A only together with D here */
			*pmd = mm_pte_mkdirty(mm_pte_mkyoung(*pmd));
		return mm_pmd_addr_end(vaddr, vma->vm_end) - vaddr;
	}
	pte = mm_pte_of(vma->vm_mm, pmd, vaddr);
	if (mm_pte_none(*pte) || !mm_pte_present(*pte) || (foll & FOLL_WRITE && !mm_pte_write(*pte)))
		return 0;
	touch_page(f, *pte, foll);
	return MM_PAGE_SIZE;
}

/* One page; 0 or -errno. */
static int faultin_page(struct mm_fault *f, struct mm_vma *vma, uint64_t vaddr, unsigned int foll)
{
	unsigned int flags = MM_FAULT_FLAG_ALLOW_RETRY | (foll & FOLL_WRITE ? (unsigned int)MM_FAULT_FLAG_WRITE : 0), ret;

	f->kind = MM_FAULT_KIND_SPURIOUS;
	f->pfn = MM_PFN_NONE;
	f->order = 0;
	do {
		ret = mm_handle_mm_fault(f, vma, vaddr, flags);
		if (f->uffd_waits) {	/* who would answer? the kernel waits here */
			f->uffd_waits = false;
			return -EFAULT;
		}
		if (ret & MM_VM_FAULT_RETRY && foll & MADV_POPULATE)
			flags |= MM_FAULT_FLAG_TRIED;
	} while (ret & MM_VM_FAULT_RETRY);
	if (ret & MM_VM_FAULT_OOM)
		return -ENOMEM;
	if (ret & MM_VM_FAULT_ERROR)	/* FOLL_HWPOISON is faultin_page_range()'s alone */
		return ret & MM_VM_FAULT_HWPOISON && foll & MADV_POPULATE ? -EHWPOISON : -EFAULT;
	if (f->task)
		f->task->kind[f->kind]++;
	return 0;
}

static int get_user_pages(struct mm_fault *f, struct mm_vma *vma, uint64_t start, uint64_t end, unsigned int foll)
{
	int err = check_vma_flags(f, vma, foll);
	unsigned int rounds = 0;

	if (err)
		return foll & MADV_POPULATE ? -EINVAL : err;
	while (start < end) {
		uint64_t done = follow_page_mask(f, vma, start, foll);

		if (done) {
			rounds = 0;
			start += done;
			continue;
		}
		err = faultin_page(f, vma, start, foll);
		if (err)
			return err;
		if (++rounds > 64)
			return -ENOMEM;		/* reclaim takes the page as often as it comes */
	}
	return 0;
}

int mm_faultin_page(struct mm_fault *f, struct mm_struct *mm, uint64_t vaddr)
{
	struct mm_vma *vma = mm_vma_lookup(mm, vaddr);
	const mm_pte_t *pmd = mm_pmd_offset(mm, vaddr), *e = pmd && !mm_pmd_trans_huge(*pmd) ? mm_pte_offset(mm, vaddr) : pmd;
	mm_pfn_t pfn = e && *e & MM_PTE_P ? mm_vm_normal_page(*e) : MM_PFN_NONE;

	if (!vma)
		return -EFAULT;
	if (pfn == MM_PFN_NONE || vma->vm_flags & MM_VM_HUGETLB)
		return get_user_pages(f, vma, vaddr, vaddr + MM_PAGE_SIZE, 0);
	mm_page(f->phys, mm_page_head(f->phys, pfn))->flags |= MM_PG_REFERENCED;	/* gup_pte_range() */
	return 0;
}

int mm_populate_vma(struct mm_struct *mm, struct mm_vma *vma, uint64_t start, uint64_t end)
{
	struct mm_fault *f = mm->virt->populate_arg;
	unsigned int foll = 0;
	int err;

	if (vma->vm_flags & MM_VM_LOCKONFAULT)
		return 0;
	if ((vma->vm_flags & (MM_VM_WRITE | MM_VM_SHARED)) == MM_VM_WRITE)
		foll |= FOLL_WRITE;
	if (mm_vma_is_accessible(vma))
		foll |= FOLL_FORCE;
	err = get_user_pages(f, vma, start, end, foll);
	mm_lru_add_drain(f->cache);
	return err;
}

int mm_faultin_range(struct mm_fault *f, struct mm_vma *vma, uint64_t start, uint64_t end, bool write)
{
	int err = get_user_pages(f, vma, start, end, MADV_POPULATE | (write ? (unsigned int)FOLL_WRITE : 0));

	mm_lru_add_drain(f->cache);
	return err;
}
