/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where a new mapping goes: x86-64, 64-bit processes.
 *
 * Top-down: the highest gap below mmap_base that holds the length; a hint is
 * taken when nothing is in its way, rounded down, the stack guard of the VMA above
 * respected.  When that fails, or for MAP_32BIT, bottom-up from mmap_legacy_base.
 * A file whose mapping holds an aligned huge page of the file is placed so that
 * the two are aligned to each other (thp_get_unmapped_area()).
 *
 * Source: arch/x86/kernel/sys_x86_64.c, arch/x86/mm/mmap.c, mm/mmap.c unmapped_area(),
 * mm/huge_memory.c __thp_get_unmapped_area(), mm/shmem.c shmem_get_unmapped_area().
 * Left out: 32-bit processes, the alignment some AMD processors want.
 */
#include <errno.h>

#include "cache/thp.h"
#include "virt/vma.h"

#define DEFAULT_MAP_WINDOW	UINT64_C(0x7ffffffff000)
#define PMD_BYTES		(UINT64_C(1) << 21)

uint64_t mm_stack_guard_gap(const struct mm_struct *mm)
{
	return (uint64_t)mm_sysctl(mm->virt->ctx, MM_SYSCTL_STACK_GUARD_GAP) << MM_PAGE_SHIFT;
}

static uint64_t mmap_min_addr(const struct mm_struct *mm)
{
	return (uint64_t)mm_sysctl(mm->virt->ctx, MM_SYSCTL_MMAP_MIN_ADDR);
}

uint64_t mm_vm_start_gap(const struct mm_vma *vma)
{
	uint64_t gap = vma->vm_flags & MM_VM_GROWSDOWN ? mm_stack_guard_gap(vma->vm_mm) : 0;

	return gap > vma->vm_start ? 0 : vma->vm_start - gap;
}

/* @align: page size less 1 of what is to be aligned, 0 none */
static int unmapped_area(struct mm_struct *mm, uint64_t low, uint64_t high, uint64_t length, uint64_t align,
			 uint64_t *addr)
{
	uint64_t room = length + (align & MM_PAGE_MASK), gap;
	struct mm_ma_state mas = { .tree = &mm->mm_mt };
	struct mm_vma *next;

	if (low < mmap_min_addr(mm))
		low = mmap_min_addr(mm);
	for (;;) {
		if (room < length || mm_mas_empty_area(&mas, low, high - 1, room))
			return -ENOMEM;
		gap = mas.index + (-mas.index & align);
		next = mm_mt_find(&mm->mm_mt, mas.last + 1, UINT64_MAX);
		if (!next || !(next->vm_flags & MM_VM_GROWSDOWN) || mm_vm_start_gap(next) >= gap + length - 1)
			break;
		low = next->vm_end;
	}
	*addr = gap;
	return 0;
}

static int unmapped_area_topdown(struct mm_struct *mm, uint64_t low, uint64_t high, uint64_t length, uint64_t align,
				 uint64_t *addr)
{
	uint64_t room = length + (align & MM_PAGE_MASK);
	struct mm_ma_state mas = { .tree = &mm->mm_mt };
	struct mm_vma *next;

	if (low < mmap_min_addr(mm))
		low = mmap_min_addr(mm);
	for (;;) {
		if (room < length || mm_mas_empty_area_rev(&mas, low, high - 1, room))
			return -ENOMEM;
		next = mm_mt_find(&mm->mm_mt, mas.last + 1, UINT64_MAX);
		if (!next || !(next->vm_flags & MM_VM_GROWSDOWN) || mm_vm_start_gap(next) > mas.last)
			break;
		high = mm_vm_start_gap(next);
	}
	*addr = (mas.last + 1 - length) & ~align;
	return 0;
}

/*
 * find_start_end() of MAP_32BIT: with randomisation from any page of the first 32 MiB.  Where a recording has a place, the one that
 * leads to it if any does: the highest that is not above it.
 */
static uint64_t begin_of_32bit(const struct mm_unmapped_args *a)
{
	uint64_t begin = UINT64_C(0x40000000), last = begin + UINT64_C(0x02000000) - MM_PAGE_SIZE;

	if (!a->place || a->placed_addr < begin)
		return begin;
	return a->placed_addr < last ? a->placed_addr & MM_PAGE_MASK : last;
}

static int get_area_bottomup(struct mm_struct *mm, const struct mm_unmapped_args *a, uint64_t *addr)
{
	uint64_t begin = mm->mmap_legacy_base;
	uint64_t end = a->addr > DEFAULT_MAP_WINDOW ? mm->task_size_max : mm->task_size;

	if (a->flags & MM_MAP_FIXED) {
		*addr = a->addr;
		return 0;
	}
	if (a->flags & MM_MAP_32BIT) {
		begin = begin_of_32bit(a);
		end = UINT64_C(0x80000000);
	}
	if (a->len > end)
		return -ENOMEM;
	if (a->addr) {
		uint64_t hint = mm_page_align(a->addr);
		struct mm_vma *vma = mm_find_vma(mm, hint);

		if (end - a->len >= hint && (!vma || hint + a->len <= mm_vm_start_gap(vma))) {
			*addr = hint;
			return 0;
		}
	}
	return unmapped_area(mm, begin, end, a->len, 0, addr);
}

static bool hint_valid(const struct mm_struct *mm, uint64_t addr, uint64_t len)
{
	if (mm->task_size_max - len < addr)
		return false;
	return (addr > DEFAULT_MAP_WINDOW) == (addr + len > DEFAULT_MAP_WINDOW);
}

static int get_area(struct mm_struct *mm, const struct mm_unmapped_args *a, uint64_t *addr)
{
	uint64_t low = a->flags & MM_MAP_ABOVE4G ? UINT64_C(1) << 32 : MM_PAGE_SIZE, high = mm->mmap_base;
	uint64_t hint = a->addr & MM_PAGE_MASK;

	if (!mm->topdown)
		return get_area_bottomup(mm, a, addr);
	if (a->len > mm->task_size_max)
		return -ENOMEM;
	if (a->flags & MM_MAP_FIXED) {
		*addr = a->addr;
		return 0;
	}
	if (a->flags & MM_MAP_32BIT)
		return get_area_bottomup(mm, a, addr);
	if (hint && hint_valid(mm, hint, a->len)) {
		struct mm_vma *vma = mm_find_vma(mm, hint);

		if (!vma || hint + a->len <= mm_vm_start_gap(vma)) {
			*addr = hint;
			return 0;
		}
	}
	if (hint > DEFAULT_MAP_WINDOW)
		high += mm->task_size_max - DEFAULT_MAP_WINDOW;
	if (!unmapped_area_topdown(mm, low, high, a->len, 0, addr))
		return 0;
	return get_area_bottomup(mm, a, addr);
}

static int hugetlb_get_unmapped_area(struct mm_struct *mm, const struct mm_unmapped_args *a, uint64_t mask, uint64_t *addr)
{
	uint64_t high = mm->mmap_base, hint = a->addr & ~mask;

	if (a->len & mask)
		return -EINVAL;
	if (a->flags & MM_MAP_FIXED) {
		*addr = a->addr;
		return a->addr & mask ? -EINVAL : 0;
	}
	if (a->addr && hint_valid(mm, hint, a->len)) {
		struct mm_vma *vma = mm_find_vma(mm, hint);

		if (!vma || hint + a->len <= mm_vm_start_gap(vma)) {
			*addr = hint;
			return 0;
		}
	}
	if (a->addr > DEFAULT_MAP_WINDOW)
		high += mm->task_size_max - DEFAULT_MAP_WINDOW;
	if (mm->topdown && !unmapped_area_topdown(mm, MM_PAGE_SIZE, high, a->len, mask, addr))
		return 0;
	return unmapped_area(mm, mm->mmap_legacy_base, !mm->topdown && a->addr > DEFAULT_MAP_WINDOW ? mm->task_size_max : mm->task_size,
			     a->len, mask, addr);
}

/* False: the file's huge pages are of no concern here. */
static bool thp_get_area(struct mm_struct *mm, const struct mm_unmapped_args *a, uint64_t *addr)
{
	uint64_t off = a->pgoff << MM_PAGE_SHIFT, off_end = off + a->len;
	uint64_t off_align = (off + PMD_BYTES - 1) & ~(PMD_BYTES - 1);
	struct mm_unmapped_args padded = *a;
	uint64_t found;

	if ((int64_t)off_end <= (int64_t)off_align || off_end - off_align < PMD_BYTES)
		return false;
	padded.len = a->len + PMD_BYTES;
	if (padded.len < a->len || off + padded.len < off)
		return false;
	if (get_area(mm, &padded, &found))
		return false;
	if (found != a->addr)
		found += (off - found) & (PMD_BYTES - 1);
	*addr = found;
	return found != 0;
}

/* Shared memory is aligned to the huge pages it may have, where the caller had no wish that could be met. */
static void shmem_align(struct mm_struct *mm, const struct mm_unmapped_args *a, uint64_t *addr)
{
	const struct mm_ctx *ctx = mm->virt->ctx;
	int64_t enabled = mm_sysctl(ctx, MM_SYSCTL_SHMEM_ENABLED);
	uint64_t pgoff = a->file ? a->pgoff : 0, offset = (pgoff << MM_PAGE_SHIFT) & (PMD_BYTES - 1), found, aligned;
	struct mm_unmapped_args inflated = *a;

	if (enabled == MM_SHMEM_HUGE_DENY || a->len < PMD_BYTES || a->flags & MM_MAP_FIXED || a->addr == *addr)
		return;
	if (enabled != MM_SHMEM_HUGE_FORCE &&
	    (a->file ? (int)mm_shmem_mount_huge(ctx, a->file->inode) : ctx->sysctl.shm_mnt_huge) == MM_SHMEM_HUGE_NEVER)
		return;
	if ((offset && offset + a->len < 2 * PMD_BYTES) || (*addr & (PMD_BYTES - 1)) == offset)
		return;
	inflated.len = a->len + PMD_BYTES - MM_PAGE_SIZE;
	inflated.pgoff = 0;
	if (inflated.len < a->len || get_area(mm, &inflated, &found))
		return;
	aligned = found + offset - (found & (PMD_BYTES - 1));
	if ((found & (PMD_BYTES - 1)) > offset)
		aligned += PMD_BYTES;
	if (aligned <= mm->task_size - a->len)
		*addr = aligned;
}

static bool wants_shmem(const struct mm_unmapped_args *a)
{
	return a->file ? mm_inode_is_shmem(a->file->inode) || (a->file->inode->dev_zero && a->flags & MM_MAP_SHARED)
		       : (a->flags & MM_MAP_SHARED) != 0;
}

static bool file_wants_thp(const struct mm_file *file)
{
	return file && file->inode->type == MM_INODE_REG;
}

int mm_get_unmapped_area(struct mm_struct *mm, const struct mm_unmapped_args *a, uint64_t *addr)
{
	uint64_t found = 0;
	int e = 0;

	if (a->len > mm->task_size_max)
		return -ENOMEM;
	if (a->file && a->file->inode->type == MM_INODE_HUGETLB)
		e = hugetlb_get_unmapped_area(mm, a, a->file->inode->huge_mask, &found);
	else if (!file_wants_thp(a->file) || !thp_get_area(mm, a, &found))
		e = get_area(mm, a, &found);
	if (!e && wants_shmem(a))
		shmem_align(mm, a, &found);
	if (a->place && !(a->flags & MM_MAP_FIXED)) {
		mm->unplaced_addr = e ? 0 : found;
		found = a->placed_addr;
		e = 0;
	}
	if (e)
		return e;
	if (found > mm->task_size_max - a->len)
		return -ENOMEM;
	if (mm_offset_in_page(found))
		return -EINVAL;
	*addr = found;			/* cap_mmap_addr(): root may map below vm.mmap_min_addr */
	return 0;
}

/* Without randomisation: gap of the stack's limit and guard below the top, within 128 MiB and 5/6 of all. */
void mm_arch_pick_mmap_layout(struct mm_struct *mm)
{
	uint64_t gap = mm->rlimit[MM_RLIMIT_STACK], pad = mm_stack_guard_gap(mm);
	uint64_t least = UINT64_C(128) << 20, most = mm->task_size / 6 * 5;

	if (gap + pad > gap)
		gap += pad;
	gap = gap < least ? least : gap > most ? most : gap;
	mm->topdown = true;
	mm->mmap_base = mm_page_align(mm->task_size - gap);
	mm->mmap_legacy_base = mm_page_align(mm->task_size / 3);
}
