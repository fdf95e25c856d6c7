/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Huge pages of a pool that move to another node.
 *
 * The new page is one that is free in the pool and not promised, or else one from the page allocator that is the pool's only for the
 * move: the old one goes back there in its place. Who shares a PMD table with others loses it, but the last one, whose entry then
 * names the new page. Nothing runs in between, so that no one meets a migration entry.
 * Model: Linux 6.6 mm/hugetlb.c isolate_hugetlb(), alloc_hugetlb_folio_nodemask(), move_hugetlb_state(), mm/migrate.c
 * unmap_and_move_huge_page(), mm/rmap.c try_to_migrate_one().
 */
#include <errno.h>
#include <string.h>

#include "cache/filemap.h"
#include "virt/anon_vma.h"
#include "virt/hugetlb.h"
#include "virt/rmap.h"
#include "virt/tlb.h"

bool mm_isolate_hugetlb(struct mm_virt *virt, mm_pfn_t head)
{
	struct mm_page *p = mm_page(virt->phys, head);

	if (p->flags & MM_PG_HUGETLB_ISOLATED)
		return false;
	p->flags |= MM_PG_HUGETLB_ISOLATED;
	p->refs++;
	return true;
}

void mm_putback_hugetlb(struct mm_virt *virt, mm_pfn_t head)
{
	struct mm_page *p = mm_page(virt->phys, head);

	p->flags &= ~(uint32_t)MM_PG_HUGETLB_ISOLATED;
	if (!--p->refs && !p->mapcount)
		mm_free_huge_folio(virt, head);
}

/* The entry of @vma for the page, if it maps it. */
static void retarget(struct mm_vma *vma, mm_pfn_t src, mm_pfn_t dst)
{
	struct mm_page *p = mm_page(vma->vm_mm->virt->phys, src);
	uint64_t pages = mm_folio_nr_pages(p), vaddr;
	mm_pte_t *e;

	if (!(vma->vm_flags & MM_VM_HUGETLB) || p->index < vma->vm_pgoff || p->index - vma->vm_pgoff + pages > mm_vma_pages(vma))
		return;
	vaddr = vma->vm_start + ((p->index - vma->vm_pgoff) << MM_PAGE_SHIFT);
	e = mm_huge_pte_offset(vma, vaddr);
	if (!e || mm_pte_none(*e) || !mm_pte_present(*e) || mm_pte_pfn(*e) != src)
		return;
	if (!(p->flags & MM_PG_ANON) && mm_huge_pmd_unshare(vma, vaddr)) {
		vaddr &= ~(MM_PUD_SIZE - 1);
		mm_flush_tlb_range(vma->vm_mm, vaddr, vaddr + MM_PUD_SIZE);
		return;
	}
	p->flags |= mm_pte_dirty(*e) ? (uint32_t)MM_PG_DIRTY : 0;
	*e = mm_migrated_entry(vma, *e, dst, true);
	mm_flush_tlb_range(vma->vm_mm, vaddr, vaddr + (pages << MM_PAGE_SHIFT));
}

static void retarget_all(struct mm_virt *virt, mm_pfn_t src, mm_pfn_t dst)
{
	const struct mm_page *p = mm_page(virt->phys, src);
	uint64_t first = p->index, last = first + mm_folio_nr_pages(p) - 1;

	if (p->flags & MM_PG_ANON) {
		const struct mm_anon_vma *av = mm_anon_vma_of(virt, p->mapping);
		struct mm_anon_vma_chain *at;

		for (struct mm_vma *vma = av ? mm_anon_vma_interval_tree_iter_first(av, first, last, &at) : NULL; vma;
		     vma = mm_anon_vma_interval_tree_iter_next(&at, first, last))
			retarget(vma, src, dst);
	} else if (p->mapping) {
		const struct mm_address_space *as = mm_folio_mapping(virt->cache, src);

		for (struct mm_vma *vma = mm_vma_interval_tree_iter_first(as, first, last); vma;
		     vma = mm_vma_interval_tree_iter_next(vma, first, last))
			retarget(vma, src, dst);
	}
}

/* Counts, flags, contents, and the file that has it. */
static void move_state(struct mm_virt *virt, mm_pfn_t src, mm_pfn_t dst, uint32_t pages)
{
	enum { MOVED = MM_PG_REFERENCED | MM_PG_UPTODATE | MM_PG_DIRTY | MM_PG_ANON | MM_PG_ANON_EXCLUSIVE };
	struct mm_page *from = mm_page(virt->phys, src), *to = mm_page(virt->phys, dst);
	struct mm_cache *c = virt->cache;

	to->mapcount = from->mapcount;
	to[1].mapping = from[1].mapping;
	from->mapcount = 0;
	from[1].mapping = 0;
	to->flags |= from->flags & (uint32_t)MOVED;
	to->mapping = from->mapping;
	to->index = from->index;
	if (c->contents)
		memcpy(c->contents + dst, c->contents + src, pages * sizeof(*c->contents));
	if (!(from->flags & MM_PG_ANON) && from->mapping) {
		struct mm_hugetlb_inode *hi = mm_folio_mapping(c, src)->host->hugetlb;

		mm_xa_store(&hi->pages, from->index >> hi->h->order, (uint64_t)dst + 1, NULL);	/* the slot exists: cannot fail */
		to->refs++;
		from->refs--;
	}
}

int mm_migrate_hugetlb(struct mm_virt *virt, mm_pfn_t src, uint32_t nid, mm_nodes_t nodes)
{
	struct mm_page *p = mm_page(virt->phys, src);
	bool in_file = !(p->flags & MM_PG_ANON) && p->mapping, temporary;
	mm_pfn_t dst;

	if (p->refs == 1 && !p->mapcount) {	/* freed while it was isolated */
		mm_putback_hugetlb(virt, src);
		return 0;
	}
	dst = mm_alloc_hugetlb_folio_nodemask(virt, mm_hstate_of_page(virt, src), nid, nodes, &temporary);
	if (dst == MM_PFN_NONE)
		return -ENOMEM;
	if (p->refs != 1u + in_file) {
		mm_free_hugetlb_moved(virt, dst, temporary);
		return -EAGAIN;
	}
	retarget_all(virt, src, dst);
	move_state(virt, src, dst, (uint32_t)mm_folio_nr_pages(p));
	mm_putback_hugetlb(virt, dst);
	p->flags &= ~(uint32_t)MM_PG_HUGETLB_ISOLATED;
	p->refs--;
	if (temporary)
		mm_hugetlb_move_surplus(virt, src, dst);
	mm_free_hugetlb_moved(virt, src, temporary);
	return 0;
}
