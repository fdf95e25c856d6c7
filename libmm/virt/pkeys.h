/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * virt/pkeys.h - protection keys: a number of four bits in each entry, and a register of the thread that says what its
 * pages allow
 *
 * PKRU has two bits a key: AD (no access) and WD (no writes). It restrains loads and stores, never instruction fetches.
 * Model: Linux 6.6 arch/x86/include/asm/pkeys.h, arch/x86/mm/pkeys.c.
 */
#ifndef VIRT_PKEYS_H
#define VIRT_PKEYS_H

#include "virt/pgtable.h"

#define MM_VM_PKEY_SHIFT	32
#define MM_VM_PKEY_FLAGS	(UINT64_C(15) << MM_VM_PKEY_SHIFT)
#define MM_PKRU_INIT		0x55555554u	/* all but key 0 closed: what a program begins with */
enum { MM_PKEY_DISABLE_ACCESS = 1, MM_PKEY_DISABLE_WRITE = 2 };

static inline bool mm_arch_pkeys_enabled(const struct mm_virt *virt) { return mm_sysctl(virt->ctx, MM_SYSCTL_PKU); }
static inline unsigned int mm_vma_pkey(const struct mm_vma *vma) { return vma->vm_flags >> MM_VM_PKEY_SHIFT & 15; }
static inline bool mm_pkru_allows(uint32_t pkru, unsigned int pkey, bool write)
{
	return !(pkru >> 2 * pkey & (MM_PKEY_DISABLE_ACCESS | (write ? (unsigned int)MM_PKEY_DISABLE_WRITE : 0)));
}

void mm_pkeys_init(struct mm_struct *mm);	/* of a new program's address space */
/* pkey_alloc(): the key, or -EINVAL, -ENOSPC; *@pkru is the caller's register. */
int mm_sys_pkey_alloc(struct mm_struct *mm, uint64_t flags, uint64_t rights, uint32_t *pkru);
int mm_sys_pkey_free(struct mm_struct *mm, int64_t pkey);	/* 0 or -EINVAL */
bool mm_pkey_is_allocated(const struct mm_struct *mm, int64_t pkey);
/* The key for memory that may only be executed, closed in the running task's PKRU; 0 without keys, -1: none is left. */
int mm_execute_only_pkey(struct mm_struct *mm);
/* arch_override_mprotect_pkey(): the key of @vma after mprotect to @prot; @pkey -1: none was named */
unsigned int mm_override_mprotect_pkey(const struct mm_vma *vma, uint64_t prot, int64_t pkey);

#endif /* VIRT_PKEYS_H */
