/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Memory policies of VMAs: which one decides about a page, and the calls that set them.
 *
 *	page of a file in memory   the file's own policy for that page, whatever the VMA has
 *	any other page             the VMA's
 *	neither has one            the running task's
 *
 * mbind() first looks for pages in the wrong place (for MPOL_MF_STRICT and _MOVE), then gives each VMA of the range its
 * policy, splitting and joining as mprotect does, then moves what it found.
 * Source: Linux 6.6 mm/mempolicy.c.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/minmax.h"
#include "cache/lru.h"
#include "cache/migrate.h"
#include "virt/hugetlb.h"
#include "virt/mempolicy.h"
#include "virt/rmap.h"
#include "virt/vma.h"

const struct mm_mempolicy *mm_vma_policy_at(const struct mm_vma *vma, uint64_t vaddr)
{
	if (mm_vma_is_shmem(vma))
		return mm_shared_policy_lookup(vma->vm_file->inode, mm_linear_page_index(vma, vaddr));
	return vma->extra->vm_policy;
}

struct mm_mpol_place mm_vma_mpol_place(const struct mm_vma *vma, uint64_t vaddr, unsigned int order)
{
	const struct mm_mempolicy *pol = mm_vma_policy_at(vma, vaddr);

	return (struct mm_mpol_place){
		pol ? pol : vma->vm_mm->virt->ctx->mempolicy,
		(vma->vm_pgoff >> order) + ((vaddr - vma->vm_start) >> (MM_PAGE_SHIFT + order)),
	};
}

mm_pfn_t mm_vma_alloc_huge_folio(const struct mm_vma *vma, uint64_t vaddr, mm_gfp_t gfp)
{
	const struct mm_virt *virt = vma->vm_mm->virt;

	return mm_alloc_pages_placed(virt->phys, gfp, MM_PMD_ORDER, mm_vma_mpol_place(vma, vaddr, MM_PMD_ORDER), true);
}

/* ---- setting them ---- */

static int vma_replace_policy(struct mm_vma *vma, const struct mm_mempolicy *pol)
{
	if (mm_vma_is_shmem(vma) && mm_shared_policy_set(vma->vm_file->inode, vma->vm_pgoff, mm_vma_pages(vma), pol))
		return -ENOMEM;
	return mm_vma_set_policy(vma, pol);
}

static int mbind_range(struct mm_vma *vma, struct mm_vma **prev, uint64_t start, uint64_t end, const struct mm_mempolicy *pol)
{
	uint64_t from = mm_max_u64(start, vma->vm_start), to = mm_min_u64(end, vma->vm_end);
	int e;

	if (start > vma->vm_start)
		*prev = vma;
	if (vma->extra->vm_policy == pol) {
		*prev = vma;
		return 0;
	}
	e = mm_vma_modify_policy(&vma, prev, from, to, pol);
	return e ? e : vma_replace_policy(vma, pol);
}

static int mbind_vmas(struct mm_struct *mm, uint64_t start, uint64_t end, const struct mm_mempolicy *pol)
{
	struct mm_vma *prev = mm_mt_prev(&mm->mm_mt, start), *vma = mm_find_vma_intersection(mm, start, end);
	int e = 0;

	for (; !e && vma; vma = prev->vm_end < end ? mm_find_vma_intersection(mm, prev->vm_end, end) : NULL)
		e = mbind_range(vma, &prev, start, end, pol);
	return e;
}

int mm_sys_mbind(struct mm_struct *mm, uint64_t start, uint64_t len, uint32_t mode, const struct mm_nodemask *nodes, uint64_t flags)
{
	struct mm_ctx *ctx = mm->virt->ctx;
	bool move = flags & (MM_MPOL_MF_MOVE | MM_MPOL_MF_MOVE_ALL);
	struct mm_migrate_list list = { 0 };
	const struct mm_mempolicy *pol;
	uint64_t end;
	long failed;
	int e;

	if (flags & ~(uint64_t)MM_MPOL_MF_VALID || mm_offset_in_page(start))
		return -EINVAL;
	if ((mode & ~(uint32_t)MM_MPOL_MODE_FLAGS) == MM_MPOL_DEFAULT)
		flags &= ~(uint64_t)MM_MPOL_MF_STRICT;
	end = start + mm_page_align(len);
	if (end < start)
		return -EINVAL;
	if (end == start)
		return mm_mpol_flags_are_sane(mode) ? 0 : -EINVAL;
	e = mm_mpol_new(ctx, mode, nodes, &pol);
	if (e)
		return e;
	if (move && mm->virt->cache)		/* lru_cache_disable() */
		mm_lru_add_drain_all(mm->virt->cache);
	failed = mm_queue_pages_range(mm, start, end, &(struct mm_queue_pages){
		.nodes = *nodes, .invert = true, .holes_ok = !pol, .flags = flags, .list = &list });
	e = failed < 0 ? (int)failed : mbind_vmas(mm, start, end, pol);
	if (!e) {
		failed |= mm_migrate_folios(mm->virt, &list, &(struct mm_migrate_target){ .mm = mm, .start = start });
		if (failed && flags & MM_MPOL_MF_STRICT)
			e = -EIO;
	} else {
		for (size_t i = 0; i < list.nr; i++)
			mm_migrate_putback(mm->virt, list.v[i]);
	}
	free(list.v);
	if (move && mm->virt->cache)
		mm_lru_add_drain_all(mm->virt->cache);
	return e;
}

int mm_sys_set_mempolicy_home_node(struct mm_struct *mm, uint64_t start, uint64_t len, uint64_t home_node, uint64_t flags)
{
	struct mm_ctx *ctx = mm->virt->ctx;
	struct mm_vma *prev, *vma;
	uint64_t end;
	int e = -ENOENT;

	if (mm_offset_in_page(start) || flags || home_node >= MM_MAX_NODES || !(ctx->numa.online >> home_node & 1))
		return -EINVAL;
	end = start + mm_page_align(len);
	if (end < start)
		return -EINVAL;
	if (end == start)
		return 0;
	prev = mm_mt_prev(&mm->mm_mt, start);
	vma = mm_find_vma_intersection(mm, start, end);
	for (; vma; vma = prev->vm_end < end ? mm_find_vma_intersection(mm, prev->vm_end, end) : NULL) {
		const struct mm_mempolicy *pol = vma->extra->vm_policy;

		if (!pol) {
			prev = vma;
			continue;
		}
		if (pol->mode != MM_MPOL_BIND && pol->mode != MM_MPOL_PREFERRED_MANY)
			return -EOPNOTSUPP;
		pol = mm_mpol_with_home_node(ctx, pol, (int32_t)home_node);
		e = pol ? mbind_range(vma, &prev, start, end, pol) : -ENOMEM;
		if (e)
			return e;
	}
	return e;
}
