/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * virt/mempolicy.h - memory policies of address spaces, and pages that move between nodes at a call
 *
 * Model: Linux 6.6 mm/mempolicy.c, mm/migrate.c.
 */
#ifndef VIRT_MEMPOLICY_H
#define VIRT_MEMPOLICY_H

#include "cache/shared_policy.h"
#include "virt/mm.h"

/* What the VMA itself, or the file in memory behind it, says of @vaddr; NULL: nothing (__get_vma_policy()). */
const struct mm_mempolicy *mm_vma_policy_at(const struct mm_vma *vma, uint64_t vaddr);
/* The same, or else the running task's; and the page's place for interleaving (get_vma_policy(), interleave_nid()). */
struct mm_mpol_place mm_vma_mpol_place(const struct mm_vma *vma, uint64_t vaddr, unsigned int order);

/* A page for @vaddr of @vma, or the 2M around it, by its policy; MM_PFN_NONE.  Source: Linux 6.6 mm/mempolicy.c vma_alloc_folio(). */
static inline mm_pfn_t mm_vma_alloc_folio(const struct mm_vma *vma, uint64_t vaddr, mm_gfp_t gfp)
{
	const struct mm_virt *virt = vma->vm_mm->virt;

	if (__builtin_expect(!vma->extra->vm_policy && !virt->ctx->mempolicy && !(vma->vm_file && vma->vm_file->inode->nr_policies), 1))
		return mm_alloc_pages(virt->phys, gfp, 0);
	return mm_alloc_pages_placed(virt->phys, gfp, 0, mm_vma_mpol_place(vma, vaddr, 0), false);
}
mm_pfn_t mm_vma_alloc_huge_folio(const struct mm_vma *vma, uint64_t vaddr, mm_gfp_t gfp);

/* mbind(): @mode and @nodes as for mm_mpol_new(). */
int mm_sys_mbind(struct mm_struct *mm, uint64_t start, uint64_t len, uint32_t mode, const struct mm_nodemask *nodes, uint64_t flags);
int mm_sys_set_mempolicy_home_node(struct mm_struct *mm, uint64_t start, uint64_t len, uint64_t home_node, uint64_t flags);

/* ---- moving (queue_pages.c) ---- */

/* Folios off the LRU, each with the reference of its isolation; and where the new pages come from. */
struct mm_migrate_list {
	mm_pfn_t *v;
	size_t nr, cap;
};
struct mm_migrate_target {
	struct mm_struct *mm;		/* not NULL: by the policy of the VMA that maps the page, found from @start on */
	uint64_t start;
	uint32_t nid;			/* else this node and no other */
};
void mm_migrate_putback(struct mm_virt *virt, mm_pfn_t head);
/*
 * The isolated folio moves to @dst, fresh and of its order, MM_PFN_NONE: there was no memory. 0, -ENOMEM or -EAGAIN (somebody
 * holds it): it stays as it is and @dst is given back. Counted either way (unmap_and_move(), migrate_pages_batch()).
 */
int mm_migrate_to(struct mm_virt *virt, mm_pfn_t head, mm_pfn_t dst);
/*
 * Move them all; what cannot be moved goes back to where it was.  Folios not moved, -ENOMEM: there was no page for one, and the
 * rest was not tried.  Empties the list.
 */
long mm_migrate_folios(struct mm_virt *virt, struct mm_migrate_list *list, const struct mm_migrate_target *target);

/**
 * mm_queue_pages_range() - the folios of [start, end) that lie on the wrong nodes
 * @nodes:	the right ones; with @invert false: the wrong ones
 * @flags:	MM_MPOL_MF_*
 * @holes_ok:	holes do not matter
 *
 * Return: folios that are wrong and could not be queued; -EIO (MM_MPOL_MF_STRICT alone), -EFAULT, -ENOMEM.
 */
struct mm_queue_pages {
	struct mm_nodemask nodes;
	bool invert, holes_ok;
	uint64_t flags;
	struct mm_migrate_list *list;
};
long mm_queue_pages_range(struct mm_struct *mm, uint64_t start, uint64_t end, const struct mm_queue_pages *q);

/* migrate_pages(): pages of @mm on @from go to @to, those of others too (MPOL_MF_MOVE_ALL).  Folios not moved, or -errno. */
long mm_do_migrate_pages(struct mm_struct *mm, const struct mm_nodemask *from, const struct mm_nodemask *to);
/* move_pages() of one page: the node it is on, or goes to; or -errno, as the page's status has it.  @nid < 0: only tell. */
int mm_move_page(struct mm_struct *mm, uint64_t vaddr, int64_t nid, uint64_t flags);

#endif /* VIRT_MEMPOLICY_H */
