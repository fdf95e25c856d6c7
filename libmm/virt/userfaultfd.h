/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * virt/userfaultfd.h - ranges whose faults a program handles itself; one userfaultfd an address space
 *
 * Model: Linux 6.6 fs/userfaultfd.c, mm/userfaultfd.c.
 */
#ifndef VIRT_USERFAULTFD_H
#define VIRT_USERFAULTFD_H

#include "virt/pgtable.h"

#define MM_VM_UFFD_FLAGS	((uint64_t)(MM_VM_UFFD_MISSING | MM_VM_UFFD_WP) | MM_VM_UFFD_MINOR)

/* userfaultfd_pte_wp(): a write to this entry is the program's to allow */
static inline bool mm_userfaultfd_pte_wp(const struct mm_vma *vma, mm_pte_t p)
{
	return vma->vm_flags & MM_VM_UFFD_WP && p & MM_PTE_UFFD_WP;
}
static inline mm_pte_t mm_pte_mkuffd_wp(mm_pte_t p) { return mm_pte_wrprotect(p) | MM_PTE_UFFD_WP; }
/* A page goes from a file mapping: the entry that stays in its place (pte_install_uffd_wp_if_needed()). */
static inline mm_pte_t mm_uffd_wp_left(const struct mm_vma *vma, mm_pte_t old)
{
	return mm_userfaultfd_pte_wp(vma, old) && !mm_vma_is_anonymous(vma) ? MM_PTE_MARKER_UFFD_WP : 0;
}

/* @mode: MM_VM_UFFD_*; 0 or -errno. Source: fs/userfaultfd.c userfaultfd_register(), userfaultfd_unregister(). */
int mm_uffd_register(struct mm_struct *mm, uint64_t start, uint64_t len, uint64_t mode);
int mm_uffd_unregister(struct mm_struct *mm, uint64_t start, uint64_t len);
/* validate_range(): 0 or -EINVAL */
int mm_uffd_validate_range(const struct mm_struct *mm, uint64_t start, uint64_t len);
/* mwriteprotect_range(): 0 or -errno */
int mm_uffd_writeprotect(struct mm_struct *mm, uint64_t start, uint64_t len, bool enable);

#endif /* VIRT_USERFAULTFD_H */
