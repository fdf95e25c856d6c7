/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * mremap: growing, shrinking, moving.
 *
 * Growing in place is a merge of the extension with the VMA (and perhaps
 * the next).  Moving makes a VMA at the new place (it may merge there, even with
 * its source when that has no pages yet), moves the page tables and unmaps the
 * source.  The charge moves along: VM_ACCOUNT is hidden while the source is
 * unmapped and given back to the pieces left of it.
 *
 * Source: mm/mremap.c; mm/mmap.c copy_vma().
 */
#include <errno.h>

#include "virt/hugetlb.h"
#include "virt/userfaultfd.h"
#include "virt/vma.h"

/* One call, lengths aligned. */
struct remap {
	struct mm_struct *mm;
	uint64_t addr, old_len, new_len, new_addr, flags;
	bool place;
	uint64_t placed_addr;
	bool locked;			/* the result is to be populated */
	struct mm_uffd *uffd;		/* is told that it moved, and how much (what was asked for) */
	uint64_t told_len;
	struct mm_uffd_unmap *early;	/* what is told of the range that had to make room */
};

/* The VMA at the new place; *vmap changes when the source was merged into it. */
static struct mm_vma *copy_vma(struct mm_vma **vmap, uint64_t addr, uint64_t len, uint64_t pgoff)
{
	struct mm_vma *vma = *vmap, *prev, *new;
	struct mm_struct *mm = vma->vm_mm;
	uint64_t vma_start = vma->vm_start;
	struct mm_vma_merge req;

	if (mm_vma_is_anonymous(vma) && !vma->anon_vma)
		pgoff = addr >> MM_PAGE_SHIFT;
	new = mm_find_vma_prev(mm, addr, &prev);
	if (new && new->vm_start < addr + len)
		return NULL;
	req = (struct mm_vma_merge){
		.prev = prev, .addr = addr, .end = addr + len, .vm_flags = vma->vm_flags, .pgoff = pgoff,
		.anon_vma = vma->anon_vma, .file = vma->vm_file, .anon_name = vma->extra->anon_name, .uffd = vma->extra->uffd,
		.policy = vma->extra->vm_policy,
	};
	new = mm_vma_merge(mm, &req);
	if (new) {
		if (vma_start >= new->vm_start && vma_start < new->vm_end)
			*vmap = new;
		return new;
	}
	new = mm_vm_area_dup(vma);
	if (!new)
		return NULL;
	new->vm_start = addr;
	new->vm_end = addr + len;
	new->vm_pgoff = pgoff;
	if (mm_anon_vma_clone(new, vma)) {
		mm_vm_area_free(new);
		return NULL;
	}
	if (mm_vma_link(mm, new)) {
		mm_unlink_anon_vmas(new);
		mm_vm_area_free(new);
		return NULL;
	}
	return new;
}

/* DONTUNMAP: the source stays, emptied. */
static void keep_source(struct mm_vma *vma, const struct mm_vma *new, uint64_t start, uint64_t end)
{
	vma->vm_flags &= ~MM_VM_LOCKED_MASK;
	if (new != vma && vma->vm_start == start && vma->vm_end == end)
		mm_unlink_anon_vmas(vma);
}

/* Unmap the source without giving its charge back. */
static void unmap_source(struct mm_struct *mm, struct mm_vma *vma, uint64_t start, uint64_t len, bool accounted)
{
	bool below = accounted && vma->vm_start < start, above = accounted && vma->vm_end > start + len;

	if (accounted)
		vma->vm_flags &= ~(uint64_t)MM_VM_ACCOUNT;
	if (mm_do_munmap(mm, start, len)) {
		if (accounted)
			mm->virt->vm_committed_as += (int64_t)(len >> MM_PAGE_SHIFT);
		return;
	}
	if (below) {
		vma = mm_mt_prev(&mm->mm_mt, start);
		vma->vm_flags |= MM_VM_ACCOUNT;
	}
	if (above) {
		vma = mm_find_vma(mm, start + len);
		vma->vm_flags |= MM_VM_ACCOUNT;
	}
}

/* Move the page tables; on failure move back what went.  0 or -ENOMEM. */
static int move_pages(struct mm_vma *vma, const struct remap *r, struct mm_vma *new, uint64_t new_addr)
{
	uint64_t moved;

	if (!vma->vm_mm->virt->phys)
		return 0;
	moved = mm_move_page_tables(vma, r->addr, new, new_addr, r->old_len);
	if (moved >= r->old_len)
		return 0;
	mm_move_page_tables(new, new_addr, vma, r->addr, moved);
	return -ENOMEM;
}

static int move_vma(struct remap *r, struct mm_vma *vma, uint64_t new_addr)
{
	struct mm_struct *mm = r->mm;
	bool keep = r->flags & MM_MREMAP_DONTUNMAP, accounted = vma->vm_flags & MM_VM_ACCOUNT;
	uint64_t vm_flags = vma->vm_flags, hiwater_vm, start = r->addr, len = r->old_len;
	int64_t charge = (int64_t)(keep ? r->new_len : r->new_len - r->old_len) >> MM_PAGE_SHIFT;
	struct mm_vma *new;
	int e;

	if ((int64_t)mm->map_count >= mm_sysctl(mm->virt->ctx, MM_SYSCTL_MAX_MAP_COUNT) - 3)
		return -ENOMEM;
	if (vma->extra->special && (vma->vm_start != start || vma->vm_end != start + len))
		return -EINVAL;
	if ((vma->vm_start != start && start & mm_hugetlb_mask(vma)) ||
	    (vma->vm_end != start + len && (start + len) & mm_hugetlb_mask(vma)))
		return -EINVAL;
	if (accounted && mm_vm_enough_memory(mm, charge))
		return -ENOMEM;
	new = copy_vma(&vma, new_addr, r->new_len, vma->vm_pgoff + ((start - vma->vm_start) >> MM_PAGE_SHIFT));
	if (!new) {
		if (accounted)
			mm_vm_unacct_memory(mm, charge);
		return -ENOMEM;
	}
	e = move_pages(vma, r, new, new_addr);
	if (e) {		/* unmap the new place instead */
		vma = new;
		start = new_addr;
		len = r->new_len;
	}
	if (!e)
		r->uffd = mm_uffd_remap_prep(new);
	if (vma->vm_flags & MM_VM_HUGETLB)
		mm_clear_vma_resv_huge_pages(vma);
	hiwater_vm = mm->hiwater_vm;
	mm_vm_stat_account(mm, vma->vm_flags, (int64_t)(r->new_len >> MM_PAGE_SHIFT));
	mm_vma_effect(mm, MM_EV_MAP, new_addr, new_addr + r->new_len);
	if (keep && !e) {
		keep_source(vma, new, start, start + len);
		return 0;
	}
	unmap_source(mm, vma, start, len, accounted && !keep);
	if (vm_flags & MM_VM_LOCKED) {
		mm->locked_vm += r->new_len >> MM_PAGE_SHIFT;
		r->locked = true;
	}
	mm->hiwater_vm = hiwater_vm;
	return e;
}

static int vma_to_resize(const struct remap *r, struct mm_vma **vmap)
{
	struct mm_struct *mm = r->mm;
	struct mm_vma *vma = mm_vma_lookup(mm, r->addr);
	uint64_t pgoff, more = r->new_len - r->old_len;

	if (!vma)
		return -EFAULT;
	if (!r->old_len && !(vma->vm_flags & (MM_VM_SHARED | MM_VM_MAYSHARE)))
		return -EINVAL;
	if ((r->flags & MM_MREMAP_DONTUNMAP) && (vma->vm_flags & (MM_VM_DONTEXPAND | MM_VM_PFNMAP)))
		return -EINVAL;
	if (r->old_len > vma->vm_end - r->addr)
		return -EFAULT;
	*vmap = vma;
	if (!more)
		return 0;
	pgoff = ((r->addr - vma->vm_start) >> MM_PAGE_SHIFT) + vma->vm_pgoff;
	if (pgoff + (r->new_len >> MM_PAGE_SHIFT) < pgoff)
		return -EINVAL;
	if (vma->vm_flags & (MM_VM_DONTEXPAND | MM_VM_PFNMAP))
		return -EFAULT;
	if (!mm_mlock_future_ok(mm, vma->vm_flags, more))
		return -EAGAIN;
	return mm_may_expand_vm(mm, vma->vm_flags, more >> MM_PAGE_SHIFT) ? 0 : -ENOMEM;
}

/* Where a VMA that moves goes to. */
static int new_place(const struct remap *r, const struct mm_vma *vma, uint64_t hint, uint64_t map_flags, uint64_t *addr)
{
	struct mm_unmapped_args a = {
		.file = vma->vm_file, .addr = hint, .len = r->new_len,
		.pgoff = vma->vm_pgoff + ((r->addr - vma->vm_start) >> MM_PAGE_SHIFT),
		.flags = map_flags | (vma->vm_flags & MM_VM_MAYSHARE ? MM_MAP_SHARED : 0),
		.place = r->place, .placed_addr = r->placed_addr,
	};

	return mm_get_unmapped_area(r->mm, &a, addr);
}

static int mremap_to(struct remap *r)
{
	struct mm_struct *mm = r->mm;
	bool fixed = r->flags & MM_MREMAP_FIXED;
	struct mm_vma *vma;
	uint64_t at;
	int e;

	if (mm_offset_in_page(r->new_addr) || r->new_len > mm->task_size_max ||
	    r->new_addr > mm->task_size_max - r->new_len)
		return -EINVAL;
	if (r->addr + r->old_len > r->new_addr && r->new_addr + r->new_len > r->addr)
		return -EINVAL;
	if ((int64_t)mm->map_count + 2 >= mm_sysctl(mm->virt->ctx, MM_SYSCTL_MAX_MAP_COUNT) - 3)
		return -ENOMEM;
	if (fixed) {
		e = mm_do_munmap(mm, r->new_addr, r->new_len);
		r->early = mm_uffd_unmap_take(mm);
		if (e)
			return e;
	}
	if (r->old_len > r->new_len) {
		e = mm_do_munmap(mm, r->addr + r->new_len, r->old_len - r->new_len);
		if (e)
			return e;
		r->old_len = r->new_len;
	}
	e = vma_to_resize(r, &vma);
	if (e)
		return e;
	if ((r->flags & MM_MREMAP_DONTUNMAP) && !mm_may_expand_vm(mm, vma->vm_flags, r->old_len >> MM_PAGE_SHIFT))
		return -ENOMEM;
	e = new_place(r, vma, r->new_addr, fixed ? MM_MAP_FIXED : 0, &at);
	if (e)
		return e;
	if (!fixed)
		r->new_addr = at;
	return move_vma(r, vma, r->new_addr);
}

static bool vma_expandable(struct mm_struct *mm, const struct mm_vma *vma, uint64_t delta)
{
	uint64_t end = vma->vm_end + delta, at;
	struct mm_unmapped_args a = { .addr = vma->vm_start, .len = end - vma->vm_start, .flags = MM_MAP_FIXED };

	return end >= vma->vm_end && !mm_find_vma_intersection(mm, vma->vm_end, end) &&
	       !mm_get_unmapped_area(mm, &a, &at);
}

static int expand_in_place(struct remap *r, struct mm_vma *vma)
{
	struct mm_struct *mm = r->mm;
	uint64_t start = r->addr + r->old_len;
	int64_t pages = (int64_t)((r->new_len - r->old_len) >> MM_PAGE_SHIFT);
	struct mm_vma_merge req = {
		.prev = vma, .addr = start, .end = r->addr + r->new_len, .vm_flags = vma->vm_flags,
		.pgoff = vma->vm_pgoff + ((start - vma->vm_start) >> MM_PAGE_SHIFT), .anon_vma = vma->anon_vma,
		.file = vma->vm_file, .anon_name = vma->extra->anon_name, .uffd = vma->extra->uffd,
		.policy = vma->extra->vm_policy,
	};

	if ((vma->vm_flags & MM_VM_ACCOUNT) && mm_vm_enough_memory(mm, pages))
		return -ENOMEM;
	vma = mm_vma_merge(mm, &req);
	if (!vma) {
		mm_vm_unacct_memory(mm, pages);
		return -ENOMEM;
	}
	mm_vm_stat_account(mm, vma->vm_flags, pages);
	mm_vma_effect(mm, MM_EV_MAP, start, r->addr + r->new_len);
	if (vma->vm_flags & MM_VM_LOCKED) {
		mm->locked_vm += (uint64_t)pages;
		r->locked = true;
	}
	r->new_addr = r->addr;
	return 0;
}

static int grow(struct remap *r)
{
	struct mm_vma *vma;
	bool stays = r->place && r->placed_addr == r->addr;
	int e = vma_to_resize(r, &vma);

	if (e)
		return e;
	if (r->old_len == vma->vm_end - r->addr && (!r->place || stays) &&
	    vma_expandable(r->mm, vma, r->new_len - r->old_len))
		return expand_in_place(r, vma);
	if (!(r->flags & MM_MREMAP_MAYMOVE))
		return -ENOMEM;
	if (stays)
		r->place = false;	/* it cannot move onto itself */
	e = new_place(r, vma, 0, 0, &r->new_addr);
	if (r->place && r->old_len == vma->vm_end - r->addr &&
	    vma_expandable(r->mm, vma, r->new_len - r->old_len))
		r->mm->unplaced_addr = r->addr;	/* 6.6 would not have moved it */
	return e ? e : move_vma(r, vma, r->new_addr);
}

/* Huge pages of hugetlbfs move as a whole and do not grow. */
static int check_hugetlb(struct remap *r, uint64_t mask)
{
	r->old_len = (r->old_len + mask) & ~mask;
	r->new_len = (r->new_len + mask) & ~mask;
	return (r->addr | r->new_addr) & mask || r->new_len > r->old_len ? -EINVAL : 0;
}

static int remap(struct remap *r)
{
	const struct mm_vma *vma = mm_vma_lookup(r->mm, r->addr);

	if (!vma)
		return -EFAULT;
	if (vma->vm_flags & MM_VM_HUGETLB && check_hugetlb(r, mm_hugetlb_mask(vma)))
		return -EINVAL;
	r->told_len = r->old_len;
	if (r->flags & (MM_MREMAP_FIXED | MM_MREMAP_DONTUNMAP))
		return mremap_to(r);
	if (r->old_len < r->new_len)
		return grow(r);
	r->new_addr = r->addr;
	if (r->old_len == r->new_len)
		return 0;
	return mm_do_munmap(r->mm, r->addr + r->new_len, r->old_len - r->new_len);
}

int mm_sys_mremap(struct mm_struct *mm, const struct mm_mremap_args *a, uint64_t *addr)
{
	struct remap r = {
		.mm = mm, .addr = a->addr, .old_len = mm_page_align(a->old_len), .new_len = mm_page_align(a->new_len),
		.new_addr = a->new_addr, .flags = a->flags, .place = a->place, .placed_addr = a->placed_addr,
	};
	uint64_t old_len = r.old_len;
	int e;

	if (a->flags & ~(uint64_t)(MM_MREMAP_FIXED | MM_MREMAP_MAYMOVE | MM_MREMAP_DONTUNMAP))
		return -EINVAL;
	if ((a->flags & MM_MREMAP_FIXED) && !(a->flags & MM_MREMAP_MAYMOVE))
		return -EINVAL;
	if ((a->flags & MM_MREMAP_DONTUNMAP) && (!(a->flags & MM_MREMAP_MAYMOVE) || a->old_len != a->new_len))
		return -EINVAL;
	if (mm_offset_in_page(a->addr) || !r.new_len)
		return -EINVAL;
	e = remap(&r);
	if (!e && r.locked && r.new_len > old_len)
		mm_mm_populate(mm, r.new_addr + old_len, r.new_len - old_len, true);
	mm_uffd_unmap_tell(mm, r.early);
	if (!e)
		mm_uffd_remap_complete(mm, r.uffd, r.addr, r.new_addr, r.told_len);
	mm_uffd_unmap_complete(mm);
	if (!e)
		*addr = r.new_addr;
	return e;
}
