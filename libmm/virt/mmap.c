/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * mmap: checks, a place, then the range joins a neighbour or becomes a VMA.
 *
 * What lay there is unmapped first, and memory is promised; only then are the
 * neighbours asked, the next before the one below: when both could take the range
 * but their anon_vmas forbid joining all three, the next one gets it.
 *
 * Source: mm/mmap.c ksys_mmap_pgoff(), do_mmap(), __mmap_region(), remap_file_pages().
 */
#include <errno.h>

#include "base/minmax.h"
#include "virt/hugetlb.h"
#include "virt/khugepaged.h"
#include "virt/ksm.h"
#include "virt/pkeys.h"
#include "virt/userfaultfd.h"
#include "virt/vma.h"

#define LEGACY_MAP_MASK (MM_MAP_SHARED | MM_MAP_PRIVATE | MM_MAP_FIXED | MM_MAP_ANONYMOUS | MM_MAP_DENYWRITE | \
	MM_MAP_EXECUTABLE | MM_MAP_GROWSDOWN | MM_MAP_LOCKED | MM_MAP_NORESERVE | MM_MAP_POPULATE | \
	MM_MAP_NONBLOCK | MM_MAP_STACK | MM_MAP_HUGETLB | MM_MAP_32BIT | MM_MAP_ABOVE4G | \
	UINT64_C(21) << MM_MAP_HUGE_SHIFT | UINT64_C(30) << MM_MAP_HUGE_SHIFT)

/* A region to map, all checks done. */
struct region {
	struct mm_file *file;
	uint64_t addr, len, vm_flags, pgoff;
};

static bool is_on_disk(const struct mm_file *file) { return file && file->inode->type == MM_INODE_REG; }

static uint64_t count_vma_pages_range(const struct mm_struct *mm, uint64_t start, uint64_t end)
{
	uint64_t pages = 0;

	for (struct mm_vma *v = mm_find_vma_intersection(mm, start, end); v && v->vm_start < end;
	     v = mm_find_vma(mm, v->vm_end)) {
		uint64_t s = mm_max_u64(v->vm_start, start), e = mm_min_u64(v->vm_end, end);

		pages += (e - s) >> MM_PAGE_SHIFT;
	}
	return pages;
}

int mm_shmem_zero_setup(struct mm_struct *mm, uint64_t len, uint64_t vm_flags, struct mm_file **fp)
{
	int64_t pages = vm_flags & MM_VM_NORESERVE ? 0 : (int64_t)(len >> MM_PAGE_SHIFT);
	struct mm_file *f;

	if (pages && mm_vm_enough_memory(mm, pages))
		return -ENOMEM;
	f = mm_file_create_unlinked(mm->virt->inodes, MM_STR("/dev/zero (deleted)"), MM_INODE_SHM, len,
				    MM_FMODE_READ | MM_FMODE_WRITE);
	if (!f) {
		mm_vm_unacct_memory(mm, pages);
		return -ENOMEM;
	}
	f->inode->acct_pages = (uint64_t)pages;
	*fp = f;
	return 0;
}

/* Let a neighbour of the hole take the range.  The VMA that did, or NULL. */
static struct mm_vma *expand_neighbour(struct mm_struct *mm, const struct region *r, struct mm_vma *prev, struct mm_vma *next)
{
	uint64_t end = r->addr + r->len, start = r->addr, merge_end = end, pgoff = 0;
	struct mm_vma *vma = NULL;
	struct mm_vma_merge req = { .addr = r->addr, .end = end, .vm_flags = r->vm_flags, .pgoff = r->pgoff,
		.file = r->file };
	enum mm_vma_obstacle by_prev = MM_VMA_NO_NEIGHBOUR, by_next = MM_VMA_NO_NEIGHBOUR;
	uint8_t deed = MM_VMA_DID_NEW;

	if (r->vm_flags & MM_VM_SPECIAL)
		return NULL;
	if (next && next->vm_start == end)
		by_next = mm_vma_merge_before(next, &req, r->pgoff + (r->len >> MM_PAGE_SHIFT));
	if (!by_next) {
		merge_end = next->vm_end;
		vma = next;
		pgoff = next->vm_pgoff - (r->len >> MM_PAGE_SHIFT);
		req.anon_vma = next->anon_vma;
		deed = MM_VMA_DID_MERGE_NEXT;
	}
	if (prev && prev->vm_end == r->addr)
		by_prev = mm_vma_merge_after(prev, &req);
	if (!by_prev) {
		deed = vma ? MM_VMA_DID_MERGE_BOTH : MM_VMA_DID_MERGE_PREV;
		start = prev->vm_start;
		vma = prev;
		pgoff = prev->vm_pgoff;
	}
	if (vma && mm_vma_expand(vma, start, merge_end, pgoff, next))
		vma = NULL;
	mm_vma_note(mm->virt->journal, (struct mm_vma_note){
		.start = r->addr, .end = end, .deed = vma ? deed : (uint8_t)MM_VMA_DID_NEW,
		.prev = (uint8_t)by_prev, .next = (uint8_t)by_next });
	return vma;
}

static bool is_hugetlb(const struct mm_file *file) { return file && file->inode->type == MM_INODE_HUGETLB; }

static int new_vma(struct mm_struct *mm, struct region *r, struct mm_vma **vmap)
{
	struct mm_vma *vma;
	int e = mm_hugetlb_file_mmap(r->file, r->pgoff, r->len, &r->vm_flags);

	if (!e && r->vm_flags & MM_VM_SYNC && is_on_disk(r->file))
		e = -EOPNOTSUPP;	/* ext4_file_mmap(): for persistent memory only */
	if (e)
		return e;
	vma = mm_vm_area_alloc(mm, r->addr, r->addr + r->len, r->vm_flags, r->pgoff);
	if (!vma)
		return -ENOMEM;
	vma->vm_file = r->file;
	if (r->file && r->file->attachment) {
		struct mm_vma_extra *extra = mm_vma_own_extra(vma);

		if (!extra) {
			mm_vm_area_free(vma);
			return -ENOMEM;
		}
		extra->vm_ops_close = true;
	}
	if (is_hugetlb(r->file) && mm_hugetlb_reserve_vma(vma)) {
		mm_vm_area_free(vma);
		return -ENOMEM;
	}
	if (r->vm_flags & MM_VM_SHARED && (!r->file || r->file->inode->dev_zero) &&
	    mm_shmem_zero_setup(mm, r->len, r->vm_flags, &vma->vm_file))
		goto no;
	if (!mm_vma_link(mm, vma)) {
		mm_ksm_add_vma(vma);
		*vmap = vma;
		return 0;
	}
no:
	mm_hugetlb_vm_op_close(vma);
	if (vma->vm_file && vma->vm_file != r->file)
		mm_inode_evict(mm->virt->inodes, vma->vm_file);
	mm_vm_area_free(vma);
	return -ENOMEM;
}

/* Where nothing is mapped, between @prev and @next. */
static int map_region(struct mm_struct *mm, struct region *r, struct mm_vma *prev, struct mm_vma *next)
{
	uint64_t pages = r->len >> MM_PAGE_SHIFT, end = r->addr + r->len;
	int64_t charged = 0;
	struct mm_vma *vma;

	if (mm_accountable_mapping(r->vm_flags) && !is_hugetlb(r->file)) {
		charged = (int64_t)pages;
		if (mm_vm_enough_memory(mm, charged))
			return -ENOMEM;
		r->vm_flags |= MM_VM_ACCOUNT;
	}
	vma = expand_neighbour(mm, r, prev, next);
	if (!vma) {
		int e = new_vma(mm, r, &vma);

		if (e) {
			mm_vm_unacct_memory(mm, charged);
			return e;
		}
	}
	mm_vm_stat_account(mm, r->vm_flags, (int64_t)pages);
	if (r->vm_flags & MM_VM_LOCKED)
		mm->locked_vm += pages;
	vma->vm_flags |= MM_VM_SOFTDIRTY;
	mm_khugepaged_enter_vma(vma, vma->vm_flags);
	mm_vma_effect(mm, MM_EV_MAP, r->addr, end);
	return 0;
}

static int mmap_region(struct mm_struct *mm, struct region *r)
{
	uint64_t pages = r->len >> MM_PAGE_SHIFT, end = r->addr + r->len;
	struct mm_vma *prev, *next;

	if (!mm_may_expand_vm(mm, r->vm_flags, pages) &&
	    !mm_may_expand_vm(mm, r->vm_flags, pages - count_vma_pages_range(mm, r->addr, end)))
		return -ENOMEM;
	if (mm->trial) {
		if (!mm_accountable_mapping(r->vm_flags) || is_hugetlb(r->file))
			return 0;
		if (mm_vm_enough_memory(mm, (int64_t)pages))
			return -ENOMEM;
		mm_vm_unacct_memory(mm, (int64_t)pages);
		return 0;
	}
	next = mm_find_vma_prev(mm, r->addr, &prev);
	if (next && next->vm_start < end) {
		if (mm_do_vma_munmap(mm, next, r->addr, end))
			return -ENOMEM;
		next = mm_find_vma_prev(mm, r->addr, &prev);
	}
	return map_region(mm, r, prev, next);
}

static bool file_mmap_ok(const struct mm_file *file, uint64_t pgoff, uint64_t len)
{
	uint64_t max = file->inode->type == MM_INODE_CHR || file->inode->type == MM_INODE_DIR ? UINT64_MAX : INT64_MAX;

	return len <= max && pgoff <= (max - len) >> MM_PAGE_SHIFT;
}

static int file_flags(const struct mm_mmap_args *a, uint64_t flags, uint64_t pgoff, uint64_t len, uint64_t *vm_flags)
{
	bool writable = a->file->f_mode & MM_FMODE_WRITE;

	if (!file_mmap_ok(a->file, pgoff, len))
		return -EOVERFLOW;
	switch (flags & MM_MAP_TYPE) {
	case MM_MAP_SHARED:
		flags &= LEGACY_MAP_MASK;
		/* fall through */
	case MM_MAP_SHARED_VALIDATE:
		if (flags & ~(LEGACY_MAP_MASK | (is_on_disk(a->file) ? MM_MAP_SYNC : 0)))
			return -EOPNOTSUPP;
		if ((a->prot & MM_PROT_WRITE) && !writable)
			return -EACCES;
		*vm_flags |= MM_VM_SHARED | MM_VM_MAYSHARE;
		if (!writable)
			*vm_flags &= ~(uint64_t)(MM_VM_MAYWRITE | MM_VM_SHARED);
		/* fall through */
	case MM_MAP_PRIVATE:
		if (!(a->file->f_mode & MM_FMODE_READ))
			return -EACCES;
		if (a->file->inode->type == MM_INODE_DIR)
			return -ENODEV;
		return *vm_flags & MM_VM_GROWSDOWN ? -EINVAL : 0;
	default:
		return -EINVAL;
	}
}

static int anon_flags(uint64_t flags, uint64_t addr, uint64_t *pgoff, uint64_t *vm_flags)
{
	switch (flags & MM_MAP_TYPE) {
	case MM_MAP_SHARED:
		if (*vm_flags & MM_VM_GROWSDOWN)
			return -EINVAL;
		*pgoff = 0;
		*vm_flags |= MM_VM_SHARED | MM_VM_MAYSHARE;
		return 0;
	case MM_MAP_PRIVATE:
		*pgoff = addr >> MM_PAGE_SHIFT;
		return 0;
	default:
		return -EINVAL;
	}
}

/* calc_vm_prot_bits(), calc_vm_flag_bits(): PROT_ and VM_ have the same three bits. */
static uint64_t calc_vm_flags(const struct mm_struct *mm, uint64_t prot, uint64_t flags)
{
	return (prot & MM_VM_ACCESS_FLAGS) | (flags & MM_MAP_GROWSDOWN ? (uint64_t)MM_VM_GROWSDOWN : 0) |
	       (flags & MM_MAP_LOCKED ? (uint64_t)MM_VM_LOCKED : 0) | (flags & MM_MAP_SYNC ? (uint64_t)MM_VM_SYNC : 0) |
	       mm->def_flags | MM_VM_MAYREAD | MM_VM_MAYWRITE | MM_VM_MAYEXEC;
}

static uint64_t round_hint_to_min(const struct mm_struct *mm, uint64_t hint)
{
	uint64_t least = (uint64_t)mm_sysctl(mm->virt->ctx, MM_SYSCTL_MMAP_MIN_ADDR);

	hint &= MM_PAGE_MASK;
	return hint && hint < least ? mm_page_align(least) : hint;
}

static int find_place(struct mm_struct *mm, const struct mm_mmap_args *a, uint64_t len, uint64_t pgoff, uint64_t flags,
		      uint64_t *addr)
{
	struct mm_unmapped_args u = {
		.file = a->file, .addr = *addr, .len = len, .pgoff = pgoff, .flags = flags,
		.place = a->place, .placed_addr = a->placed_addr,
	};
	int e = mm_get_unmapped_area(mm, &u, addr);

	if (!e && (flags & MM_MAP_FIXED_NOREPLACE) && mm_find_vma_intersection(mm, *addr, *addr + len))
		return -EEXIST;
	return e;
}

int mm_do_mmap(struct mm_struct *mm, const struct mm_mmap_args *a, uint64_t pgoff, uint64_t *addr, uint64_t *populate)
{
	uint64_t flags = a->flags, where = a->addr, len = mm_page_align(a->len), vm_flags;
	struct region r = { .file = a->file };
	int e;

	if (!a->len)
		return -EINVAL;
	if (flags & MM_MAP_FIXED_NOREPLACE)
		flags |= MM_MAP_FIXED;
	if (!(flags & MM_MAP_FIXED))
		where = round_hint_to_min(mm, where);
	if (!len)
		return -ENOMEM;
	if (pgoff + (len >> MM_PAGE_SHIFT) < pgoff)
		return -EOVERFLOW;
	if (mm_map_count_full(mm, 0))
		return -ENOMEM;
	e = find_place(mm, a, len, pgoff, flags, &where);
	if (e)
		return e;
	vm_flags = calc_vm_flags(mm, a->prot, flags);
	if (a->prot == MM_PROT_EXEC) {
		int pkey = mm_execute_only_pkey(mm);

		vm_flags |= (uint64_t)(pkey < 0 ? 0 : pkey) << MM_VM_PKEY_SHIFT;
	}
	if ((flags & MM_MAP_LOCKED) && !mm->rlimit[MM_RLIMIT_MEMLOCK])
		return -EPERM;
	if (!mm_mlock_future_ok(mm, vm_flags, len))
		return -EAGAIN;
	e = a->file ? file_flags(a, flags, pgoff, len, &vm_flags) : anon_flags(flags, where, &pgoff, &vm_flags);
	if (e)
		return e;
	if ((flags & MM_MAP_NORESERVE) && (is_hugetlb(a->file) ||
					   mm_sysctl(mm->virt->ctx, MM_SYSCTL_OVERCOMMIT_MEMORY) != 2))
		vm_flags |= MM_VM_NORESERVE;
	r.addr = where;
	r.len = len;
	r.vm_flags = vm_flags;
	r.pgoff = pgoff;
	e = mmap_region(mm, &r);
	if (e)
		return e;
	*addr = where;
	if (mm->trial)
		return 0;
	if ((vm_flags & MM_VM_LOCKED) || (flags & (MM_MAP_POPULATE | MM_MAP_NONBLOCK)) == MM_MAP_POPULATE)
		*populate = len;
	return 0;
}

/* do_mmap() of what is known to be in order. Nobody asked for it: a program that has so much mapped has fewer, larger VMAs. */
int mm_mmap_hole(struct mm_struct *mm, uint64_t start, uint64_t end, struct mm_vma *prev, struct mm_vma *next)
{
	struct region r = {
		.addr = start, .len = end - start, .pgoff = start >> MM_PAGE_SHIFT,
		.vm_flags = calc_vm_flags(mm, MM_PROT_READ | MM_PROT_WRITE | MM_PROT_EXEC, 0),
	};
	int e;

	if (!mm_mlock_future_ok(mm, r.vm_flags, r.len))
		return -EAGAIN;
	if (mm_sysctl(mm->virt->ctx, MM_SYSCTL_OVERCOMMIT_MEMORY) != 2)
		r.vm_flags |= MM_VM_NORESERVE;
	if (!mm_may_expand_vm(mm, r.vm_flags, r.len >> MM_PAGE_SHIFT))
		return -ENOMEM;
	e = map_region(mm, &r, prev, next);
	if (!e && r.vm_flags & MM_VM_LOCKED)
		mm_mm_populate(mm, start, r.len, true);
	return e;
}

int mm_sys_mmap(struct mm_struct *mm, const struct mm_mmap_args *args, uint64_t *addr)
{
	struct mm_mmap_args a = *args;
	uint64_t populate = 0, where = 0;
	int e;

	if (mm_offset_in_page(a.offset))
		return -EINVAL;
	if (a.flags & MM_MAP_ANONYMOUS)
		a.file = NULL;
	else if (!a.file)
		return -EBADF;
	else if (is_hugetlb(a.file))
		a.len = (a.len + a.file->inode->huge_mask) & ~a.file->inode->huge_mask;
	else if (a.flags & MM_MAP_HUGETLB)
		return -EINVAL;
	if (a.flags & MM_MAP_HUGETLB && !a.file) {
		e = mm_hugetlb_file_setup(mm->virt, &a);
		if (e)
			return e;
	}
	if (a.file)
		mm_file_get_vma(a.file);	/* ours; one made for this call goes with it when it is refused */
	mm->virt->hugetlb->in_mmap = true;
	e = mm_do_mmap(mm, &a, a.offset >> MM_PAGE_SHIFT, &where, &populate);
	if (a.file)
		mm_vma_put_file(mm, a.file);
	if (!e && populate)
		mm_mm_populate(mm, where, populate, true);
	mm_hugetlb_put_orphans(mm->virt);
	mm_uffd_unmap_complete(mm);
	if (e)
		return e;
	*addr = where;
	return 0;
}

/* Neighbours without a hole, of one file and flags, up to @end. */
static bool uniform(const struct mm_struct *mm, const struct mm_vma *vma, uint64_t end)
{
	uint64_t at = vma->vm_end;

	while (at < end) {
		struct mm_vma *next = mm_vma_lookup(mm, at);

		if (!next || next->vm_file != vma->vm_file || next->vm_flags != vma->vm_flags)
			return false;
		at = next->vm_end;
	}
	return true;
}

int mm_sys_remap_file_pages(struct mm_struct *mm, uint64_t start, uint64_t size, uint64_t prot, uint64_t pgoff,
			    uint64_t flags)
{
	struct mm_mmap_args a = { .addr = start & MM_PAGE_MASK, .len = size & MM_PAGE_MASK };
	uint64_t populate = 0, where = 0;
	struct mm_vma *vma;
	int e;

	if (prot || a.addr + a.len <= a.addr || pgoff + (a.len >> MM_PAGE_SHIFT) < pgoff)
		return -EINVAL;
	vma = mm_vma_lookup(mm, a.addr);
	if (!vma || !(vma->vm_flags & MM_VM_SHARED) || !uniform(mm, vma, a.addr + a.len))
		return -EINVAL;
	a.prot = vma->vm_flags & MM_VM_ACCESS_FLAGS;
	a.flags = (flags & MM_MAP_NONBLOCK) | MM_MAP_SHARED | MM_MAP_FIXED | MM_MAP_POPULATE |
		  (vma->vm_flags & MM_VM_LOCKED ? MM_MAP_LOCKED : 0);
	a.file = vma->vm_file;
	mm_file_get_vma(a.file);	/* its last VMA may be the one that goes */
	e = mm_do_mmap(mm, &a, pgoff, &where, &populate);
	mm_uffd_unmap_forget(mm);
	mm_vma_put_file(mm, a.file);
	if (!e && populate)
		mm_mm_populate(mm, where, populate, true);
	return e;
}
