/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which address spaces khugepaged scans: those with a VMA that may have 2M pages and has had an anonymous page. One
 * that ends while the cursor is on it stays until khugepaged comes by. Model: Linux 6.6 mm/khugepaged.c.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/host_memory.h"
#include "cache/thp.h"
#include "virt/khugepaged.h"
#include "virt/pgtable.h"

#define VM_NO_KHUGEPAGED (MM_VM_SPECIAL | MM_VM_HUGETLB)

int mm_khugepaged_new(struct mm_virt *virt)
{
	struct mm_khugepaged *k = mm_host_calloc(1, sizeof(*k));

	if (!k)
		return -ENOMEM;
	k->head.next = k->head.prev = &k->head;
	virt->khugepaged = k;
	return 0;
}

void mm_khugepaged_slot_free(struct mm_khugepaged *k, struct mm_khugepaged_slot *slot)
{
	struct mm_struct *mm = slot->mm;

	if (k->cursor == slot)
		k->cursor = NULL;
	slot->prev->next = slot->next;
	slot->next->prev = slot->prev;
	free(slot);
	mm->khugepaged_slot = NULL;
	mm_mmdrop(mm);
}

void mm_khugepaged_free(struct mm_virt *virt)
{
	struct mm_khugepaged *k = virt->khugepaged;

	if (!k)
		return;
	while (k->head.next != &k->head)
		mm_khugepaged_slot_free(k, k->head.next);
	free(k);
	virt->khugepaged = NULL;
}

bool mm_vma_thp_disabled(const struct mm_vma *vma, uint64_t vm_flags)
{
	return vm_flags & MM_VM_NOHUGEPAGE || vma->vm_mm->thp_disabled;
}

bool mm_transhuge_vma_suitable(const struct mm_vma *vma, uint64_t vaddr)
{
	uint64_t start = vaddr & ~(MM_PMD_SIZE - 1);

	if (!mm_vma_is_anonymous(vma) && ((vma->vm_start >> MM_PAGE_SHIFT) - vma->vm_pgoff) % MM_PMD_PAGES)
		return false;
	return start >= vma->vm_start && start + MM_PMD_SIZE <= vma->vm_end;
}

/* file_thp_enabled(): read-only text of a file that nobody has open to write it (CONFIG_READ_ONLY_THP_FOR_FS) */
static bool file_thp_enabled(const struct mm_vma *vma)
{
	return mm_sysctl(vma->vm_mm->virt->ctx, MM_SYSCTL_READ_ONLY_THP) && vma->vm_file && vma->vm_flags & MM_VM_EXEC &&
	       vma->vm_file->inode->type == MM_INODE_REG && !(vma->vm_file->f_mode & MM_FMODE_WRITE);
}

bool mm_hugepage_vma_check(const struct mm_vma *vma, uint64_t vm_flags, unsigned int how)
{
	const struct mm_ctx *ctx = vma->vm_mm->virt->ctx;
	int64_t thp = mm_sysctl(ctx, MM_SYSCTL_THP);
	bool in_pf = how & MM_THP_IN_PF;

	if (mm_vma_thp_disabled(vma, vm_flags) || vm_flags & VM_NO_KHUGEPAGED)
		return false;
	if (!in_pf && !mm_transhuge_vma_suitable(vma, vma->vm_end - MM_PMD_SIZE))
		return false;
	if (!in_pf && !mm_vma_is_anonymous(vma) && mm_vma_is_shmem(vma))
		return mm_shmem_is_huge(ctx, vma->vm_file->inode, vma->vm_pgoff, !(how & MM_THP_ENFORCE_SYSFS),
					&(struct mm_shmem_user){ .mapping = true, .advised = vm_flags & MM_VM_HUGEPAGE });
	if (how & MM_THP_ENFORCE_SYSFS &&
	    (thp == MM_THP_NEVER || (!(vm_flags & MM_VM_HUGEPAGE) && thp != MM_THP_ALWAYS)))
		return false;
	if (!in_pf && file_thp_enabled(vma))
		return true;
	return mm_vma_is_anonymous(vma) && (in_pf || how & MM_THP_SMAPS || vma->anon_vma);
}

static void enter(struct mm_struct *mm)
{
	struct mm_khugepaged *k = mm->virt->khugepaged;
	struct mm_khugepaged_slot *slot;

	if (!k || mm->khugepaged_slot)
		return;
	slot = mm_host_calloc(1, sizeof(*slot));
	if (!slot)
		return;
	slot->mm = mm;
	slot->next = &k->head;
	slot->prev = k->head.prev;
	slot->prev->next = k->head.prev = slot;
	mm->khugepaged_slot = slot;
	mm->mm_count++;
}

void mm_khugepaged_enter_vma(struct mm_vma *vma, uint64_t vm_flags)
{
	if (vma->vm_end - vma->vm_start < MM_PMD_SIZE && vma->vm_end >= MM_PMD_SIZE)	/* as most, and not suitable */
		return;
	if (vma->vm_mm->virt->khugepaged && !vma->vm_mm->khugepaged_slot &&
	    mm_sysctl(vma->vm_mm->virt->ctx, MM_SYSCTL_THP) != MM_THP_NEVER &&
	    mm_hugepage_vma_check(vma, vm_flags, MM_THP_ENFORCE_SYSFS))
		enter(vma->vm_mm);
}

void mm_khugepaged_fork(struct mm_struct *mm, struct mm_struct *oldmm)
{
	if (oldmm->khugepaged_slot)
		enter(mm);
}

void mm_khugepaged_exit(struct mm_struct *mm)
{
	struct mm_khugepaged *k = mm->virt->khugepaged;

	if (mm->khugepaged_slot && k->cursor != mm->khugepaged_slot)
		mm_khugepaged_slot_free(k, mm->khugepaged_slot);
}
