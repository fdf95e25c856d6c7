/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Merging two pages, and giving a mapping its own page again.
 *
 *	page of A (rw) ---> write-protected, MM_PG_KSM ---> mapped by A and B (ro)
 *	page of B (rw) ---> write-protected, compared, given up
 *
 * A page can be merged while nobody but its mappings, the swap cache and ksmd hold it. A merged page belongs to no
 * anon_vma: a write copies it as any shared page, so breaking is a fault that unshares.
 * Model: Linux 6.6 mm/ksm.c.
 */
#include <errno.h>

#include "cache/contents.h"
#include "cache/filemap.h"
#include "cache/swap.h"
#include "fault/internal.h"
#include "fault/ksm.h"

/* ---- undoing ---- */

static bool is_merged(const struct mm_fault *f, const struct mm_vma *vma, uint64_t vaddr)
{
	const mm_pte_t *pte = mm_pte_offset(vma->vm_mm, vaddr);
	mm_pfn_t pfn;

	if (!pte || mm_pte_none(*pte) || !mm_pte_present(*pte))
		return false;
	if (mm_is_ksm_zero_pte(f->virt, *pte))
		return true;
	pfn = mm_vm_normal_page(*pte);
	return pfn != MM_PFN_NONE && mm_page(f->phys, pfn)->flags & MM_PG_KSM;
}

static int break_ksm(struct mm_fault *f, struct mm_vma *vma, uint64_t vaddr)
{
	unsigned int ret = 0;

	for (unsigned int i = 0; is_merged(f, vma, vaddr) && !(ret & MM_VM_FAULT_ERROR); i++) {
		if (i == 64)
			return -ENOMEM;		/* reclaim takes every copy */
		ret = mm_handle_mm_fault(f, vma, vaddr, MM_FAULT_FLAG_UNSHARE | MM_FAULT_FLAG_REMOTE);
	}
	return ret & MM_VM_FAULT_OOM ? -ENOMEM : 0;
}

int mm_unmerge_ksm_pages(struct mm_fault *f, struct mm_vma *vma, uint64_t start, uint64_t end)
{
	uint64_t next;
	int err = 0;

	for (uint64_t at = start; !err && mm_next_pmd(vma->vm_mm, &at, end); at = next) {
		next = mm_pmd_addr_end(at, end);
		for (uint64_t v = at; !err && v < next; v += MM_PAGE_SIZE)
			err = break_ksm(f, vma, v);
	}
	return err;
}

static struct mm_vma *find_mergeable_vma(struct mm_struct *mm, uint64_t vaddr)
{
	struct mm_vma *vma = mm->mm_users ? mm_vma_lookup(mm, vaddr) : NULL;

	return vma && vma->vm_flags & MM_VM_MERGEABLE && vma->anon_vma ? vma : NULL;
}

void mm_ksm_break_cow(struct mm_fault *f, struct mm_ksm_item *item)
{
	struct mm_vma *vma;

	mm_put_anon_vma(f->virt, item->anon_vma);
	item->anon_vma = NULL;
	vma = find_mergeable_vma(item->mm, item->address);
	if (vma)
		break_ksm(f, vma, item->address);
}

/* ---- finding the page ---- */

mm_pfn_t mm_ksm_follow_page(struct mm_fault *f, const struct mm_vma *vma, uint64_t vaddr)
{
	const mm_pte_t *e = mm_pmd_offset(vma->vm_mm, vaddr);
	mm_pfn_t pfn;

	if (!e || mm_pte_none(*e) || !mm_pte_present(*e))
		return MM_PFN_NONE;
	if (mm_pmd_trans_huge(*e)) {
		if (mm_is_huge_zero_pmd(f->virt, *e))
			return MM_PFN_NONE;
		pfn = mm_pte_pfn(*e) + (mm_pfn_t)(vaddr >> MM_PAGE_SHIFT) % MM_PMD_PAGES;
	} else {
		e = mm_pte_of(vma->vm_mm, e, vaddr);
		pfn = mm_pte_none(*e) ? MM_PFN_NONE : mm_vm_normal_page(*e);
	}
	if (pfn == MM_PFN_NONE || !(mm_page(f->phys, mm_page_head(f->phys, pfn))->flags & MM_PG_ANON))
		return MM_PFN_NONE;
	mm_folio_get(f->cache, mm_page_head(f->phys, pfn));
	return pfn;
}

mm_pfn_t mm_ksm_mergeable_page(struct mm_fault *f, const struct mm_ksm_item *item)
{
	const struct mm_vma *vma = find_mergeable_vma(item->mm, item->address);

	return vma ? mm_ksm_follow_page(f, vma, item->address) : MM_PFN_NONE;
}

/* ---- merging ---- */

/* Where @vma has the page by its index; NULL: it does not map it. Source: page_address_in_vma(), page_vma_mapped_walk(). */
static mm_pte_t *entry_of(struct mm_fault *f, const struct mm_vma *vma, mm_pfn_t pfn, uint64_t *vaddr)
{
	const struct mm_page *p = mm_page(f->phys, pfn);
	struct mm_anon_vma *av = p->flags & MM_PG_KSM ? NULL : mm_anon_vma_of(f->virt, p->mapping);
	mm_pte_t *pte;

	if (!av || !vma->anon_vma || mm_anon_vma_root(av) != mm_anon_vma_root(vma->anon_vma))
		return NULL;
	if (p->index < vma->vm_pgoff || p->index - vma->vm_pgoff >= mm_vma_pages(vma))
		return NULL;
	*vaddr = vma->vm_start + ((p->index - vma->vm_pgoff) << MM_PAGE_SHIFT);
	pte = mm_pte_offset(vma->vm_mm, *vaddr);
	return pte && !mm_pte_none(*pte) && mm_vm_normal_page(*pte) == pfn ? pte : NULL;
}

static int write_protect_page(struct mm_fault *f, struct mm_vma *vma, mm_pfn_t pfn, mm_pte_t *pte, uint64_t vaddr)
{
	struct mm_page *p = mm_page(f->phys, pfn);

	if (!mm_pte_write(*pte) && !mm_pte_dirty(*pte) && !(p->flags & MM_PG_ANON_EXCLUSIVE))
		return 0;
	mm_flush_tlb_page(vma->vm_mm, vaddr);
	if (p->refs != 1 + !!(p->flags & MM_PG_SWAPCACHE))
		return -EFAULT;			/* somebody else holds it: a batch on its way to the LRU, I/O */
	p->flags &= ~(uint32_t)MM_PG_ANON_EXCLUSIVE;
	if (mm_pte_dirty(*pte))
		mm_folio_mark_dirty(f->cache, pfn);
	*pte = mm_pte_wrprotect(mm_pte_mkclean(*pte));
	return 0;
}

static void merge_row(struct mm_fault *f, const struct mm_struct *mm, uint64_t vaddr, mm_pfn_t kpfn)
{
	struct mm_event *ev = mm_effect(f->ctx, MM_BY_FAULT, MM_EV_KSM_MERGE);

	if (!ev)
		return;
	ev->pid = mm->owner;
	ev->addr = vaddr;
	ev->present |= MM_TC_BIT(PID) | MM_TC_BIT(ADDR);
	mm_event_set_result(ev, MM_RESULT_DEC, kpfn);
}

static void replace_page(struct mm_fault *f, struct mm_vma *vma, mm_pfn_t pfn, mm_pfn_t kpfn, mm_pte_t *pte, uint64_t vaddr)
{
	struct mm_struct *mm = vma->vm_mm;
	mm_pte_t new = mm_mk_pte(kpfn, mm_vma_page_prot(vma));

	if (kpfn != f->virt->zero_pfn) {
		mm_folio_get(f->cache, kpfn);
		mm_page_add_anon_rmap(vma, kpfn, vaddr, 0);
	} else {
		new = mm_pte_mkdirty(new | MM_PTE_SPECIAL);
		f->virt->ksm->zero_pages++;
		mm->ksm_zero_pages++;
		mm->rss[MM_ANONPAGES]--;
	}
	mm_flush_tlb_page(mm, vaddr);
	*pte = new;
	mm_page_remove_rmap(vma, pfn, false);
	if (!mm_folio_mapped(f->phys, pfn))
		mm_folio_free_swap(f->cache, pfn);
	mm_folio_put(f->cache, pfn);
	merge_row(f, mm, vaddr, kpfn);
}

/* Of a 2M page: it is split, and the reference goes from the head to @pfn. */
static int split_for(struct mm_fault *f, mm_pfn_t pfn)
{
	mm_pfn_t head = mm_page_head(f->phys, pfn);

	if (!mm_folio_is_large(f->phys, head))
		return 0;
	if (mm_split_folio(f->virt, head))
		return -EFAULT;
	mm_folio_get(f->cache, pfn);
	mm_folio_put(f->cache, head);
	return 0;
}

static int try_to_merge_one_page(struct mm_fault *f, struct mm_vma *vma, mm_pfn_t pfn, mm_pfn_t kpfn)
{
	uint64_t vaddr = 0;
	struct mm_page *p;
	mm_pte_t *pte;

	if (pfn == kpfn)			/* a merged page that was forked */
		return 0;
	if (split_for(f, pfn))
		return -EFAULT;
	pte = entry_of(f, vma, pfn, &vaddr);
	if (!pte || write_protect_page(f, vma, pfn, pte, vaddr))
		return -EFAULT;
	p = mm_page(f->phys, pfn);
	if (kpfn != MM_PFN_NONE) {
		uint64_t want = kpfn == f->virt->zero_pfn ? 0 : mm_contents_of(f->cache, kpfn);

		if (mm_contents_of(f->cache, pfn) != want)
			return -EFAULT;
		replace_page(f, vma, pfn, kpfn, pte, vaddr);
		return 0;
	}
	p->flags |= MM_PG_KSM;
	p->mapping = 0;
	mm_folio_mark_accessed(f->cache, pfn);
	p->flags |= MM_PG_DIRTY;
	return 0;
}

int mm_ksm_merge_one(struct mm_fault *f, struct mm_ksm_item *item, mm_pfn_t pfn, mm_pfn_t kpfn)
{
	struct mm_vma *vma = find_mergeable_vma(item->mm, item->address);

	return vma ? try_to_merge_one_page(f, vma, pfn, kpfn) : -EFAULT;
}

int mm_ksm_merge_with(struct mm_fault *f, struct mm_ksm_item *item, mm_pfn_t pfn, mm_pfn_t kpfn)
{
	struct mm_vma *vma = find_mergeable_vma(item->mm, item->address);
	int err = vma ? try_to_merge_one_page(f, vma, pfn, kpfn) : -EFAULT;

	if (err)
		return err;
	mm_ksm_item_remove(f->virt->ksm, item);
	item->anon_vma = vma->anon_vma;
	item->anon_vma->refcount++;
	return 0;
}
