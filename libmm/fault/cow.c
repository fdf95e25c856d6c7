/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Writes to pages that are mapped read-only: copy, reuse, or tell the file.
 *
 * A private page that is known to be exclusive is made writable at once. Another anonymous page
 * is reused only when this mapping holds its last reference (the swap cache is given up for that);
 * everything else is copied. A shared file page is dirtied after the file system was told.
 * Model: Linux 6.6 mm/memory.c do_wp_page(), wp_page_copy(), wp_page_shared().
 */
#include "cache/filemap.h"
#include "cache/swap.h"
#include "fault/userfault.h"
#include "virt/ksm.h"

static unsigned int wp_page_reuse(struct mm_vm_fault *v, enum mm_fault_kind kind)
{
	mm_pte_t entry = mm_maybe_mkwrite(v->vma, mm_pte_mkdirty(mm_pte_mkyoung(v->orig)));

	*v->pte = entry;
	mm_flush_tlb_page(mm_vmf_mm(v), v->vaddr);
	mm_count(v->f->ctx, MM_PGREUSE, 1);
	return mm_vmf_note(v, kind, mm_pte_pfn(entry), 0);
}

static void cow_row(struct mm_vm_fault *v, mm_pfn_t pfn)
{
	struct mm_event *ev = mm_effect(v->f->ctx, MM_BY_FAULT, MM_EV_COW);

	if (ev) {
		ev->addr = v->vaddr;
		ev->present |= MM_TC_BIT(ADDR);
		mm_event_set_result(ev, MM_RESULT_DEC, pfn);
	}
}

/* @old: the page that is mapped now, MM_PFN_NONE for the zero page; the caller holds no reference. */
static unsigned int wp_page_copy(struct mm_vm_fault *v, mm_pfn_t old)
{
	struct mm_struct *mm = mm_vmf_mm(v);
	struct mm_cache *c = v->f->cache;
	mm_pfn_t head = old == MM_PFN_NONE ? old : mm_page_head(v->f->phys, old), pfn;
	bool anon = old != MM_PFN_NONE && mm_vmf_page(v, head)->flags & MM_PG_ANON;
	mm_pte_t entry;

	if (head != MM_PFN_NONE)
		mm_folio_get(c, head);
	pfn = mm_anon_vma_prepare(v->vma) ? MM_PFN_NONE : mm_fault_new_page(v, old);
	if (pfn == MM_PFN_NONE || *v->pte != v->orig) {	/* reclaim took the page meanwhile: the access faults again */
		if (pfn != MM_PFN_NONE)
			mm_folio_put(c, pfn);
		if (head != MM_PFN_NONE)
			mm_folio_put(c, head);
		return pfn == MM_PFN_NONE ? MM_VM_FAULT_OOM : 0;
	}
	if (!anon) {
		mm->rss[MM_ANONPAGES]++;
		if (head == MM_PFN_NONE)
			mm_ksm_might_unmap_zero_page(mm, v->orig);
		if (head != MM_PFN_NONE)
			mm->rss[mm_vmf_page(v, head)->flags & MM_PG_SWAPBACKED ? MM_SHMEMPAGES : MM_FILEPAGES]--;
	}
	mm_flush_tlb_page(mm, v->vaddr);
	mm_fault_map_new_anon(v, pfn);
	entry = mm_mk_pte(pfn, mm_vma_page_prot(v->vma));
	if (v->flags & MM_FAULT_FLAG_UNSHARE)
		entry |= v->orig & MM_PTE_SOFT_DIRTY;
	else
		entry = mm_maybe_mkwrite(v->vma, mm_pte_mkdirty(entry));
	*v->pte = entry;
	if (head != MM_PFN_NONE) {
		mm_page_remove_rmap(v->vma, old, false);
		mm_folio_put(c, head);
		if (mm_vmf_page(v, head)->flags & MM_PG_SWAPCACHE && !mm_folio_mapped(v->f->phys, head))
			mm_folio_free_swap(c, head);
		mm_folio_put(c, head);
		cow_row(v, pfn);
	}
	return mm_vmf_note(v, anon ? MM_FAULT_KIND_COW : old == MM_PFN_NONE ? MM_FAULT_KIND_ANON : MM_FAULT_KIND_FILE_COW,
			   pfn, 0);
}

static unsigned int wp_page_shared(struct mm_vm_fault *v, mm_pfn_t pfn)
{
	mm_pfn_t head = mm_page_head(v->f->phys, pfn);

	if (!mm_vma_has_mkwrite(v->vma)) {	/* no page_mkwrite */
		unsigned int ret = wp_page_reuse(v, MM_FAULT_KIND_REUSE);

		mm_folio_mark_dirty(v->f->cache, head);
		return ret;
	}
	if (v->flags & MM_FAULT_FLAG_VMA_LOCK)
		return MM_VM_FAULT_RETRY;
	wp_page_reuse(v, MM_FAULT_KIND_MKWRITE);
	mm_folio_mark_dirty(v->f->cache, head);
	mm_balance_dirty_pages(v->f->cache);
	return 0;
}

/* May this mapping keep the page? Gives up the swap cache's reference to find out (do_wp_page()). */
static bool can_reuse_anon(struct mm_vm_fault *v, mm_pfn_t pfn)
{
	mm_pfn_t head = mm_page_head(v->f->phys, pfn);
	struct mm_page *p = mm_vmf_page(v, head);
	bool cached = p->flags & MM_PG_SWAPCACHE;

	if (p->flags & MM_PG_KSM || mm_page_ref_count(p) > 3)
		return false;
	if (!(p->flags & MM_PG_LRU))
		mm_lru_add_drain(v->f->cache);
	if (mm_page_ref_count(p) > 1 + cached)
		return false;
	if (cached)
		mm_folio_free_swap(v->f->cache, head);
	if (p->flags & MM_PG_KSM || mm_page_ref_count(p) != 1)
		return false;
	mm_page_move_anon_rmap(v->vma, pfn);
	return true;
}

unsigned int mm_do_wp_page(struct mm_vm_fault *v)
{
	mm_pfn_t pfn = mm_vm_normal_page(v->orig);
	bool anon = pfn != MM_PFN_NONE && mm_vmf_page(v, mm_page_head(v->f->phys, pfn))->flags & MM_PG_ANON;
	bool unshare = v->flags & MM_FAULT_FLAG_UNSHARE;

	if (!unshare && mm_userfaultfd_pte_wp(v->vma, *v->pte))
		return mm_handle_userfault(v, MM_FAULT_KIND_UFFD_WP);
	if (v->vma->vm_flags & (MM_VM_SHARED | MM_VM_MAYSHARE)) {
		if (unshare)
			return 0;
		return pfn == MM_PFN_NONE ? wp_page_reuse(v, MM_FAULT_KIND_REUSE) : wp_page_shared(v, pfn);
	}
	if (anon && (mm_vmf_page(v, pfn)->flags & MM_PG_ANON_EXCLUSIVE || can_reuse_anon(v, pfn)))
		return unshare ? 0 : wp_page_reuse(v, MM_FAULT_KIND_REUSE);
	if (v->flags & MM_FAULT_FLAG_VMA_LOCK && !v->vma->anon_vma)
		return MM_VM_FAULT_RETRY;
	if (anon && mm_vmf_page(v, pfn)->flags & MM_PG_KSM)
		mm_count(v->f->ctx, MM_COW_KSM, 1);
	return wp_page_copy(v, pfn);
}
