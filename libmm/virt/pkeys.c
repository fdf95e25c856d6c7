/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which protection keys an address space has given out.
 *
 * Key 0 is everybody's. One key may belong to memory that is executed only: the kernel takes it at the first such
 * mapping and closes it in PKRU; programs cannot name it. A processor without keys has a map of one key that nobody
 * may use. Model: Linux 6.6 arch/x86/mm/pkeys.c, mm/mprotect.c pkey_alloc(), pkey_free().
 */
#include <errno.h>

#include "virt/mman.h"
#include "virt/pkeys.h"

static unsigned int arch_max_pkey(const struct mm_struct *mm) { return mm_arch_pkeys_enabled(mm->virt) ? 16 : 1; }

void mm_pkeys_init(struct mm_struct *mm)
{
	bool enabled = mm_arch_pkeys_enabled(mm->virt);

	mm->pkey_allocation_map = enabled;
	mm->execute_only_pkey = enabled ? -1 : 0;
}

bool mm_pkey_is_allocated(const struct mm_struct *mm, int64_t pkey)
{
	return pkey >= 0 && pkey < arch_max_pkey(mm) && pkey != mm->execute_only_pkey && mm->pkey_allocation_map >> pkey & 1;
}

static int take_key(struct mm_struct *mm)
{
	unsigned int map = mm->pkey_allocation_map;
	int pkey;

	if (map == (1u << arch_max_pkey(mm)) - 1)
		return -1;
	pkey = __builtin_ctz(~map);
	mm->pkey_allocation_map = (uint16_t)(map | 1u << pkey);
	return pkey;
}

static void set_rights(uint32_t *pkru, int pkey, uint64_t rights)
{
	*pkru = (*pkru & ~(3u << 2 * pkey)) | (uint32_t)rights << 2 * pkey;
}

int mm_sys_pkey_free(struct mm_struct *mm, int64_t pkey)
{
	if (!mm_pkey_is_allocated(mm, pkey))
		return -EINVAL;
	mm->pkey_allocation_map &= (uint16_t)~(1u << pkey);
	return 0;
}

int mm_sys_pkey_alloc(struct mm_struct *mm, uint64_t flags, uint64_t rights, uint32_t *pkru)
{
	int pkey;

	if (flags || rights & ~(uint64_t)(MM_PKEY_DISABLE_ACCESS | MM_PKEY_DISABLE_WRITE))
		return -EINVAL;
	pkey = take_key(mm);
	if (pkey < 0)
		return -ENOSPC;
	if (!mm_arch_pkeys_enabled(mm->virt)) {
		mm_sys_pkey_free(mm, pkey);	/* without keys it is nobody's to free: the next call finds none */
		return -EINVAL;
	}
	set_rights(pkru, pkey, rights);
	mm->virt->pkeys_used = true;
	return pkey;
}

int mm_execute_only_pkey(struct mm_struct *mm)
{
	int pkey = mm->execute_only_pkey;
	uint32_t *pkru = mm->virt->pkru;

	if (!mm_arch_pkeys_enabled(mm->virt))
		return 0;
	if (pkey < 0) {
		pkey = take_key(mm);
		if (pkey < 0)
			return -1;
		mm->execute_only_pkey = (int8_t)pkey;
		mm->virt->pkeys_used = true;
	} else if (!pkru || !mm_pkru_allows(*pkru, (unsigned int)pkey, false)) {
		return pkey;
	}
	if (pkru)
		set_rights(pkru, pkey, MM_PKEY_DISABLE_ACCESS);
	return pkey;
}

unsigned int mm_override_mprotect_pkey(const struct mm_vma *vma, uint64_t prot, int64_t pkey)
{
	struct mm_struct *mm = vma->vm_mm;

	if (!mm_arch_pkeys_enabled(mm->virt))
		return 0;
	if (pkey >= 0)
		return (unsigned int)pkey;
	if (prot == MM_PROT_EXEC) {
		int own = mm_execute_only_pkey(mm);

		if (own > 0)
			return (unsigned int)own;
	} else if ((vma->vm_flags & MM_VM_ACCESS_FLAGS) == MM_VM_EXEC && (int)mm_vma_pkey(vma) == mm->execute_only_pkey) {
		return 0;
	}
	return mm_vma_pkey(vma);
}
