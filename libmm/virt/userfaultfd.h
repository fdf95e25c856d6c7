/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * virt/userfaultfd.h - ranges whose faults a program handles itself
 *
 * Model: Linux 6.6 fs/userfaultfd.c, mm/userfaultfd.c.
 */
#ifndef VIRT_USERFAULTFD_H
#define VIRT_USERFAULTFD_H

#include "virt/pgtable.h"

/* Those of UFFD_FEATURE_* that change what happens, and UFFD_USER_MODE_ONLY. */
enum {
	MM_UFFD_FEATURE_EVENT_FORK = 0x2, MM_UFFD_FEATURE_EVENT_REMAP = 0x4, MM_UFFD_FEATURE_EVENT_REMOVE = 0x8,
	MM_UFFD_FEATURE_EVENT_UNMAP = 0x40, MM_UFFD_FEATURE_SIGBUS = 0x80, MM_UFFD_FEATURE_WP_UNPOPULATED = 0x2000,
	MM_UFFD_USER_MODE_ONLY = 0x10000,
};

struct mm_uffd {
	struct mm_uffd *next;		/* of the address space, oldest first */
	const char *name;
	uint32_t features;
};

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

/* userfaultfd_wp_use_markers(): a page that is not there can be write-protected too */
static inline bool mm_uffd_wp_use_markers(const struct mm_vma *vma)
{
	return vma->vm_flags & MM_VM_UFFD_WP &&
	       (!mm_vma_is_anonymous(vma) || vma->extra->uffd->features & MM_UFFD_FEATURE_WP_UNPOPULATED);
}

/* @mode: MM_VM_UFFD_*; 0 or -errno. Source: fs/userfaultfd.c userfaultfd_register(), userfaultfd_unregister(). */
int mm_uffd_register(struct mm_struct *mm, struct mm_uffd *uffd, uint64_t start, uint64_t len, uint64_t mode);
int mm_uffd_unregister(struct mm_struct *mm, uint64_t start, uint64_t len);
/* validate_range(): 0 or -EINVAL */
int mm_uffd_validate_range(const struct mm_struct *mm, uint64_t start, uint64_t len);
/* mwriteprotect_range(): 0 or -errno */
int mm_uffd_writeprotect(struct mm_struct *mm, uint64_t start, uint64_t len, bool enable);
/* [start, end) of *@vmap becomes @uffd's for @mode, or nobody's (0, NULL); *vmap and *prev as mm_vma_modify(). */
int mm_uffd_set(struct mm_vma **vmap, struct mm_vma **prev, uint64_t start, uint64_t end, uint64_t mode, struct mm_uffd *uffd);

/* uffd_event.c. A descriptor of @mm by its name; NULL none. */
struct mm_uffd *mm_uffd_find(const struct mm_struct *mm, struct mm_str name);
struct mm_uffd *mm_uffd_open(struct mm_struct *mm, struct mm_str name, uint32_t features);	/* NULL: host memory */
/* userfaultfd_release(): its ranges are nobody's. 0, or -ENOMEM and it is open still. */
int mm_uffd_close(struct mm_struct *mm, struct mm_uffd *uffd);
void mm_uffd_exit(struct mm_struct *mm);
/* dup_userfaultfd(): @vma, a child's, is still its parent's descriptor's. 0 or -ENOMEM. */
int mm_uffd_dup(struct mm_vma *vma);
void mm_uffd_dup_complete(const struct mm_struct *child, struct mm_struct *parent);
/* mremap_userfaultfd_prep(): who is to be told that @vma is the new place of a range; NULL nobody, and it is nobody's. */
struct mm_uffd *mm_uffd_remap_prep(struct mm_vma *vma);
void mm_uffd_remap_complete(struct mm_struct *mm, const struct mm_uffd *uffd, uint64_t from, uint64_t to, uint64_t len);
void mm_uffd_remove(struct mm_vma *vma, uint64_t start, uint64_t end);
/* @vma is part of an munmap of [start, end). 0 or -ENOMEM. */
int mm_uffd_unmap_prep(const struct mm_vma *vma, uint64_t start, uint64_t end);
/* The call ends: all is told, or nothing (shmat, shmdt, remap_file_pages). Or the list is taken, and told later. */
void mm_uffd_unmap_complete(struct mm_struct *mm);
void mm_uffd_unmap_forget(struct mm_struct *mm);
struct mm_uffd_unmap *mm_uffd_unmap_take(struct mm_struct *mm);
void mm_uffd_unmap_tell(struct mm_struct *mm, struct mm_uffd_unmap *list);

#endif /* VIRT_USERFAULTFD_H */
