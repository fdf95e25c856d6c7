/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * mprotect: other rights for a range, VMA by VMA, until one refuses.
 *
 * What was changed before the refusal stays.  A private mapping that becomes
 * writable is charged (VM_ACCOUNT), and stays so when it stops being.
 * Source: mm/mprotect.c.
 */
#include <errno.h>

#include "virt/pgtable.h"
#include "virt/pkeys.h"
#include "virt/vma.h"

static int mprotect_fixup(struct mm_vma *vma, struct mm_vma **prev, uint64_t start, uint64_t end, uint64_t newflags)
{
	struct mm_struct *mm = vma->vm_mm;
	uint64_t oldflags = vma->vm_flags;
	int64_t pages = (int64_t)((end - start) >> MM_PAGE_SHIFT), charged = 0;
	int e;

	if (newflags == oldflags) {
		*prev = vma;
		return 0;
	}
	if (newflags & MM_VM_WRITE) {
		if (!mm_may_expand_vm(mm, newflags, (uint64_t)pages) && mm_may_expand_vm(mm, oldflags, (uint64_t)pages))
			return -ENOMEM;
		if (!(oldflags & (MM_VM_ACCOUNT | MM_VM_WRITE | MM_VM_HUGETLB | MM_VM_SHARED | MM_VM_NORESERVE))) {
			charged = pages;
			if (mm_vm_enough_memory(mm, charged))
				return -ENOMEM;
			newflags |= MM_VM_ACCOUNT;
		}
	}
	if (mm->trial) {
		mm_vm_unacct_memory(mm, charged);
		*prev = vma;
		return 0;
	}
	e = mm_vma_modify(&vma, prev, start, end, newflags, vma->extra->anon_name);
	if (e) {
		mm_vm_unacct_memory(mm, charged);
		return e;
	}
	vma->vm_flags = newflags;
	if (mm->virt->phys)
		mm_change_protection(vma, start, end, 0);
	if ((oldflags & (MM_VM_WRITE | MM_VM_SHARED | MM_VM_LOCKED)) == MM_VM_LOCKED && (newflags & MM_VM_WRITE))
		mm_populate_vma_page_range(vma, start, end);
	mm_vm_stat_account(mm, oldflags, -pages);
	mm_vm_stat_account(mm, newflags, pages);
	return 0;
}

/* The first VMA, and from where; PROT_GROWSDOWN extends the range down to its start. */
static int first_vma(const struct mm_struct *mm, uint64_t *start, uint64_t end, uint64_t grows, struct mm_vma **vmap)
{
	struct mm_vma *vma = mm_find_vma_intersection(mm, *start, end);

	if (!vma)
		return -ENOMEM;
	if (grows & MM_PROT_GROWSDOWN) {
		*start = vma->vm_start;
		if (!(vma->vm_flags & MM_VM_GROWSDOWN))
			return -EINVAL;
	} else if (vma->vm_start > *start) {
		return -ENOMEM;
	} else if (grows) {
		return -EINVAL;		/* nothing grows up on x86 */
	}
	*vmap = vma;
	return 0;
}

int mm_sys_mprotect(struct mm_struct *mm, uint64_t start, uint64_t len, uint64_t prot)
{
	return mm_sys_pkey_mprotect(mm, start, len, prot, -1);
}

int mm_sys_pkey_mprotect(struct mm_struct *mm, uint64_t start, uint64_t len, uint64_t prot, int64_t pkey)
{
	uint64_t grows = prot & (MM_PROT_GROWSDOWN | MM_PROT_GROWSUP), end, tmp;
	struct mm_vma *vma, *prev;
	int e;

	prot &= ~grows;
	if (grows == (MM_PROT_GROWSDOWN | MM_PROT_GROWSUP) || mm_offset_in_page(start))
		return -EINVAL;
	if (!len)
		return 0;
	end = start + mm_page_align(len);
	if (end <= start)
		return -ENOMEM;
	if (prot & ~(MM_PROT_READ | MM_PROT_WRITE | MM_PROT_EXEC | MM_PROT_SEM))
		return -EINVAL;
	if (pkey != -1 && !mm_pkey_is_allocated(mm, pkey))
		return -EINVAL;
	e = first_vma(mm, &start, end, grows, &vma);
	if (e)
		return e;
	prev = start > vma->vm_start ? vma : mm_mt_prev(&mm->mm_mt, vma->vm_start);
	tmp = vma->vm_start;
	for (; vma && vma->vm_start < end; vma = mm_find_vma(mm, tmp)) {
		uint64_t newflags, from = start;

		if (vma->vm_start != tmp)
			return -ENOMEM;
		newflags = (prot & MM_VM_ACCESS_FLAGS) | (vma->vm_flags & ~(MM_VM_ACCESS_FLAGS | MM_VM_PKEY_FLAGS)) |
			   (uint64_t)mm_override_mprotect_pkey(vma, prot, pkey) << MM_VM_PKEY_SHIFT;
		if ((newflags & ~(newflags >> 4)) & MM_VM_ACCESS_FLAGS)
			return -EACCES;
		tmp = vma->vm_end < end ? vma->vm_end : end;
		e = mprotect_fixup(vma, &prev, from, tmp, newflags);
		if (e)
			return e;
		tmp = prev->vm_end;
		start = tmp;
	}
	return tmp < end ? -ENOMEM : 0;
}
