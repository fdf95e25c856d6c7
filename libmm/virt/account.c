/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Accounting of address spaces: limits, counts of pages by kind, and the promise of memory (overcommit).
 *
 * A private writable mapping is charged when it is made (VM_ACCOUNT) and
 * given back when it goes.  Mode 0 refuses only a single request beyond all RAM and
 * swap, mode 1 nothing, mode 2 what exceeds the commit limit.
 * The process has root's capabilities, as those of the recordings had; only a
 * limit on locked memory that a setrlimit row sets counts all the same.
 *
 * Source: mm/util.c __vm_enough_memory(), vm_commit_limit(); mm/mmap.c.
 */
#include <errno.h>

#include "virt/vma.h"

enum { KB_SHIFT = MM_PAGE_SHIFT - 10 };

static uint64_t limit_pages(const struct mm_struct *mm, enum mm_rlimit which)
{
	return mm->rlimit[which] >> MM_PAGE_SHIFT;
}

static bool is_exec_mapping(uint64_t flags)
{
	return (flags & (MM_VM_EXEC | MM_VM_WRITE | MM_VM_GROWSDOWN)) == MM_VM_EXEC;
}

static bool is_stack_mapping(uint64_t flags) { return flags & MM_VM_GROWSDOWN; }

static bool is_data_mapping(uint64_t flags)
{
	return (flags & (MM_VM_WRITE | MM_VM_SHARED | MM_VM_GROWSDOWN)) == MM_VM_WRITE;
}

bool mm_may_expand_vm(const struct mm_struct *mm, uint64_t vm_flags, uint64_t npages)
{
	if (mm->total_vm + npages > limit_pages(mm, MM_RLIMIT_AS))
		return false;
	return !is_data_mapping(vm_flags) || mm->data_vm + npages <= limit_pages(mm, MM_RLIMIT_DATA);
}

void mm_vm_stat_account(struct mm_struct *mm, uint64_t vm_flags, int64_t npages)
{
	mm->total_vm += (uint64_t)npages;
	if (is_exec_mapping(vm_flags))
		mm->exec_vm += (uint64_t)npages;
	else if (is_stack_mapping(vm_flags))
		mm->stack_vm += (uint64_t)npages;
	else if (is_data_mapping(vm_flags))
		mm->data_vm += (uint64_t)npages;
}

int64_t mm_vm_commit_limit(const struct mm_virt *virt)
{
	int64_t kbytes = mm_sysctl(virt->ctx, MM_SYSCTL_OVERCOMMIT_KBYTES);
	int64_t allowed;

	if (kbytes)
		allowed = kbytes >> KB_SHIFT;
	else
		allowed = (int64_t)virt->totalram_pages * mm_sysctl(virt->ctx, MM_SYSCTL_OVERCOMMIT_RATIO) / 100;
	return allowed + (int64_t)virt->total_swap_pages;
}

/* Kept for the user: the sysctl, or what the kernel sets at boot from free memory (init_user_reserve()). */
static int64_t user_reserve_pages(const struct mm_virt *virt)
{
	int64_t kbytes = mm_sysctl(virt->ctx, MM_SYSCTL_USER_RESERVE_KBYTES);
	int64_t part = (int64_t)(virt->totalram_pages << KB_SHIFT) / 32;

	if (kbytes < 0)
		kbytes = part < 1 << 17 ? part : 1 << 17;
	return kbytes >> KB_SHIFT;
}

int mm_vm_enough_memory(struct mm_struct *mm, int64_t pages)
{
	struct mm_virt *virt = mm->virt;
	int64_t mode = mm_sysctl(virt->ctx, MM_SYSCTL_OVERCOMMIT_MEMORY), allowed, reserve;

	virt->vm_committed_as += pages;
	if (mode == 1)
		return 0;
	if (mode == 0) {
		if (pages <= (int64_t)(virt->totalram_pages + virt->total_swap_pages))
			return 0;
		goto no;
	}
	allowed = mm_vm_commit_limit(virt);	/* less admin_reserve_kbytes for all but root */
	reserve = user_reserve_pages(virt);
	allowed -= (int64_t)(mm->total_vm / 32) < reserve ? (int64_t)(mm->total_vm / 32) : reserve;
	if (virt->vm_committed_as < allowed)
		return 0;
no:
	virt->vm_committed_as -= pages;
	return -ENOMEM;
}

void mm_vm_unacct_memory(struct mm_struct *mm, int64_t pages)
{
	mm->virt->vm_committed_as -= pages;
}

bool mm_mlock_future_ok(const struct mm_struct *mm, uint64_t vm_flags, uint64_t bytes)
{
	return !(vm_flags & MM_VM_LOCKED) ||
	       (bytes >> MM_PAGE_SHIFT) + mm->locked_vm <= limit_pages(mm, MM_RLIMIT_MEMLOCK);
}

void mm_update_hiwater_vm(struct mm_struct *mm)
{
	if (mm->hiwater_vm < mm->total_vm)
		mm->hiwater_vm = mm->total_vm;
}

bool mm_map_count_full(const struct mm_struct *mm, uint32_t more)
{
	return (uint64_t)mm->map_count + more > (uint64_t)mm_sysctl(mm->virt->ctx, MM_SYSCTL_MAX_MAP_COUNT);
}
