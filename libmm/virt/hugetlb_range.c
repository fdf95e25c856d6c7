/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Ranges that huge pages of a pool back: unmapping, fork, mprotect, mremap.
 *
 * An entry is a PMD (2M) or a PUD (1G) that maps a whole page; it is never split and no table is kept aside for it.
 * A page's mapcount is the number of those entries; references of files and of the fault under way are in refs.
 * Model: Linux 6.6 mm/hugetlb.c. Deviation: where mremap moves what has no table, or shares it, to another offset inside a GiB,
 * move_hugetlb_page_tables() goes on at the wrong target; here at the right one. Left out: pinned pages, migration entries.
 */
#include <errno.h>

#include "cache/filemap.h"
#include "virt/anon_vma.h"
#include "virt/hugetlb.h"
#include "virt/rmap.h"
#include "virt/tlb.h"
#include "virt/vma.h"

static unsigned int level_of(const struct mm_hstate *h) { return h->order == MM_PMD_ORDER ? 2 : 3; }

mm_pte_t *mm_huge_pte_offset(const struct mm_vma *vma, uint64_t vaddr)
{
	return mm_entry_at(vma->vm_mm, vaddr, level_of(mm_hstate_vma(vma)));
}

/* A PMD entry that stays where it is when others are made. */
static mm_pte_t *alloc_whole(struct mm_struct *mm, uint64_t vaddr)
{
	mm_pte_t *e = mm_entry_alloc(mm, vaddr, 2);
	const mm_pte_t *pud = mm_entry_at(mm, vaddr, 3);

	if (!e || !mm_table_is_packed(mm_table_of(mm->virt, mm_pte_pfn(*pud))))
		return e;
	mm_pmd_forget(mm->virt);
	e = mm_table_whole(mm, pud);
	return e ? e + mm_level_index(vaddr, 2) : NULL;
}

mm_pte_t *mm_huge_pte_alloc(struct mm_vma *vma, uint64_t vaddr)
{
	unsigned int level = level_of(mm_hstate_vma(vma));

	if (level == 2 && mm_want_pmd_share(vma, vaddr)) {
		mm_pte_t *pud = mm_entry_alloc(vma->vm_mm, vaddr, 3);

		if (!pud)
			return NULL;
		if (mm_pte_none(*pud))
			mm_huge_pmd_share(vma, vaddr, pud);
	}
	return level == 2 ? alloc_whole(vma->vm_mm, vaddr) : mm_entry_alloc(vma->vm_mm, vaddr, level);
}

mm_pte_t mm_make_huge_pte(const struct mm_vma *vma, mm_pfn_t head, bool writable)
{
	mm_pte_t e = mm_mk_pte(head, mm_vma_page_prot(vma)) | MM_PTE_PSE;

	return mm_pte_mkyoung(writable ? mm_pte_mkwrite(mm_pte_mkdirty(e)) : mm_pte_wrprotect(e));
}

/* The caller's reference becomes the mapping's. Source: hugepage_add_new_anon_rmap(), page_dup_file_rmap(). */
void mm_hugetlb_add_rmap(struct mm_vma *vma, mm_pfn_t head, uint64_t vaddr, bool new_anon)
{
	struct mm_page *p = mm_page(vma->vm_mm->virt->phys, head);

	p->refs--;
	p->mapcount++;
	p[1].mapping++;
	if (!new_anon)
		return;
	p->flags |= MM_PG_ANON | MM_PG_ANON_EXCLUSIVE;
	p->mapping = vma->anon_vma->id;
	p->index = mm_linear_page_index(vma, vaddr);
}

static void remove_rmap(struct mm_page *p)
{
	p->mapcount--;
	p[1].mapping--;
	p->refs++;
}

void mm_hugetlb_unmap_range(struct mm_mmu_gather *tlb, struct mm_vma *vma, uint64_t start, uint64_t end, mm_pfn_t ref_page,
			    bool drop_marker)
{
	const struct mm_hstate *h = mm_hstate_vma(vma);
	struct mm_struct *mm = vma->vm_mm;
	bool unshared = false;

	for (uint64_t vaddr = start; vaddr < end; vaddr += mm_huge_page_size(h)) {
		mm_pte_t *entry = mm_huge_pte_offset(vma, vaddr), old;
		mm_pfn_t head;

		if (!entry || mm_huge_pmd_unshare(vma, vaddr)) {
			if (entry)
				mm_tlb_track(tlb, vaddr & ~(MM_PUD_SIZE - 1), (vaddr | (MM_PUD_SIZE - 1)) + 1);
			unshared |= entry != NULL;
			vaddr |= mm_hugetlb_mask_last_page(h);
			continue;
		}
		if (mm_pte_none(*entry))
			continue;
		old = *entry;
		if (!mm_pte_present(old)) {	/* a marker */
			if (drop_marker || old == MM_PTE_MARKER_POISONED)
				*entry = 0;
			continue;
		}
		head = mm_pte_pfn(old);
		if (ref_page != MM_PFN_NONE) {
			if (head != ref_page)
				continue;
			mm_vma_own_extra(vma)->hugetlb_flags |= MM_HPAGE_RESV_UNMAPPED;
		}
		*entry = old & MM_PTE_UFFD_WP && !drop_marker ? MM_PTE_MARKER_UFFD_WP : 0;
		mm_tlb_track(tlb, vaddr, vaddr + mm_huge_page_size(h));
		if (mm_pte_dirty(old))
			mm_page(mm->virt->phys, head)->flags |= MM_PG_DIRTY;
		mm->hugetlb_usage -= mm_huge_page_pages(h);
		remove_rmap(mm_page(mm->virt->phys, head));
		if (mm_tlb_remove_page(tlb, head))
			mm_tlb_flush_mmu(tlb);
		if (ref_page != MM_PFN_NONE)
			break;
	}
	if (unshared)
		mm_tlb_flush_mmu_tlbonly(tlb);
}

/* Source: copy_hugetlb_page_range(). */
int mm_hugetlb_copy_range(struct mm_vma *dst, struct mm_vma *src)
{
	const struct mm_hstate *h = mm_hstate_vma(src);
	bool cow = (src->vm_flags & (MM_VM_SHARED | MM_VM_MAYWRITE)) == MM_VM_MAYWRITE;
	struct mm_phys *phys = src->vm_mm->virt->phys;

	for (uint64_t vaddr = src->vm_start; vaddr < src->vm_end; vaddr += mm_huge_page_size(h)) {
		mm_pte_t *s = mm_huge_pte_offset(src, vaddr), *d;
		struct mm_page *p;

		if (!s) {
			vaddr |= mm_hugetlb_mask_last_page(h);
			continue;
		}
		d = mm_huge_pte_alloc(dst, vaddr);
		if (!d)
			return -ENOMEM;
		if (mm_pte_none(*s))
			continue;
		if (!mm_pte_present(*s)) {
			if (dst->vm_flags & MM_VM_UFFD_WP || *s == MM_PTE_MARKER_POISONED)
				*d = *s;
			continue;
		}
		p = mm_page(phys, mm_pte_pfn(*s));
		p->mapcount++;
		p[1].mapping++;
		p->flags &= ~(uint32_t)(p->flags & MM_PG_ANON ? MM_PG_ANON_EXCLUSIVE : 0);
		if (cow)
			*s = mm_pte_wrprotect(*s);
		*d = dst->vm_flags & MM_VM_UFFD_WP ? *s : *s & ~MM_PTE_UFFD_WP;
		dst->vm_mm->hugetlb_usage += mm_huge_page_pages(h);
	}
	if (cow)
		mm_flush_tlb_range(src->vm_mm, src->vm_start, src->vm_end);
	return 0;
}

/* Source: hugetlb_change_protection(). */
uint64_t mm_hugetlb_change_protection(struct mm_vma *vma, uint64_t start, uint64_t end, unsigned int cp_flags)
{
	const struct mm_hstate *h = mm_hstate_vma(vma);
	uint64_t prot = mm_vma_page_prot(vma), pages = 0, flush_start = start, flush_end = end;
	bool unshared = false;

	for (uint64_t vaddr = start; vaddr < end; vaddr += mm_huge_page_size(h)) {
		mm_pte_t *e = cp_flags & MM_CP_UFFD_WP ? mm_huge_pte_alloc(vma, vaddr) : mm_huge_pte_offset(vma, vaddr);

		if (!e && cp_flags & MM_CP_UFFD_WP)
			continue;
		if (!e || mm_huge_pmd_unshare(vma, vaddr)) {
			pages += e ? mm_huge_page_pages(h) : 0;
			unshared |= e != NULL;
			vaddr |= mm_hugetlb_mask_last_page(h);
			continue;
		}
		if (mm_pte_none(*e)) {
			if (cp_flags & MM_CP_UFFD_WP)
				*e = MM_PTE_MARKER_UFFD_WP;
			continue;
		}
		if (!mm_pte_present(*e)) {
			if (cp_flags & MM_CP_UFFD_WP_RESOLVE)
				*e = 0;
			continue;
		}
		*e = mm_pte_modify(*e & ~MM_PTE_PSE, prot) | MM_PTE_PSE;
		if (cp_flags & MM_CP_UFFD_WP)
			*e = mm_pte_wrprotect(*e) | MM_PTE_UFFD_WP;
		else if (cp_flags & MM_CP_UFFD_WP_RESOLVE)
			*e &= ~MM_PTE_UFFD_WP;
		pages += mm_huge_page_pages(h);
	}
	if (unshared)
		mm_adjust_range_if_pmd_sharing_possible(vma, &flush_start, &flush_end);
	if (pages)
		mm_flush_tlb_range(vma->vm_mm, flush_start, flush_end);
	return pages;
}

/* Source: move_hugetlb_page_tables(). */
uint64_t mm_hugetlb_move_range(struct mm_vma *vma, uint64_t old_vaddr, struct mm_vma *new_vma, uint64_t new_vaddr, uint64_t len)
{
	const struct mm_hstate *h = mm_hstate_vma(vma);
	uint64_t end = old_vaddr + len, vaddr = old_vaddr, flush_start = old_vaddr, flush_end = end;
	bool unshared = false;

	for (; vaddr < end; vaddr += mm_huge_page_size(h)) {
		mm_pte_t *from = mm_huge_pte_offset(vma, vaddr), *to, entry;

		if (from && mm_pte_none(*from))
			continue;
		if (!from || mm_huge_pmd_unshare(vma, vaddr)) {
			unshared |= from != NULL;
			vaddr |= mm_hugetlb_mask_last_page(h);
			continue;
		}
		/* The new place may get this very table: its other entries have moved then. */
		to = mm_huge_pte_alloc(new_vma, new_vaddr + (vaddr - old_vaddr));
		if (!to)
			break;
		entry = *from;
		*from = 0;
		*to = entry;
	}
	if (unshared)
		mm_adjust_range_if_pmd_sharing_possible(vma, &flush_start, &flush_end);
	mm_flush_tlb_range(vma->vm_mm, flush_start, flush_end);
	return vaddr < end ? vaddr - old_vaddr : len;
}
