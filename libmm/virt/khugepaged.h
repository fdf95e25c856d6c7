/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * virt/khugepaged.h - who is scanned for pages to collapse, and which VMAs may have 2M pages
 *
 * Model: Linux 6.6 mm/khugepaged.c, mm/huge_memory.c. The scanner is fault/khugepaged.c.
 */
#ifndef VIRT_KHUGEPAGED_H
#define VIRT_KHUGEPAGED_H

#include "virt/mm.h"

enum mm_thp { MM_THP_NEVER, MM_THP_MADVISE, MM_THP_ALWAYS };

struct mm_khugepaged_slot {
	struct mm_khugepaged_slot *next, *prev;
	struct mm_struct *mm;
};

struct mm_khugepaged {
	struct mm_khugepaged_slot head;		/* ring, in the order they came */
	struct mm_khugepaged_slot *cursor;	/* NULL: a full scan begins with the first */
	uint64_t address;
	uint64_t pages_collapsed, full_scans;
};

int mm_khugepaged_new(struct mm_virt *virt);	/* virt->khugepaged; 0 or -ENOMEM */
void mm_khugepaged_free(struct mm_virt *virt);

/* VM_NOHUGEPAGE, or the process refused them (vma_thp_disabled()). */
bool mm_vma_thp_disabled(const struct mm_vma *vma, uint64_t vm_flags);
/* The whole 2M at @vaddr lie in the VMA, and a file's in its 2M (transhuge_vma_suitable()). */
bool mm_transhuge_vma_suitable(const struct mm_vma *vma, uint64_t vaddr);
enum { MM_THP_IN_PF = 1, MM_THP_ENFORCE_SYSFS = 2, MM_THP_SMAPS = 4 };
/* May the VMA have 2M pages, with these @vm_flags? smaps says so too where nothing was touched yet. */
bool mm_hugepage_vma_check(const struct mm_vma *vma, uint64_t vm_flags, unsigned int how);

/* The VMA became good for khugepaged: its address space is scanned from now on. */
void mm_khugepaged_enter_vma(struct mm_vma *vma, uint64_t vm_flags);
void mm_khugepaged_fork(struct mm_struct *mm, struct mm_struct *oldmm);
void mm_khugepaged_exit(struct mm_struct *mm);	/* mm_users is 0 */
void mm_khugepaged_slot_free(struct mm_khugepaged *k, struct mm_khugepaged_slot *slot);

#endif /* VIRT_KHUGEPAGED_H */
