/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Faults on swap entries.
 *
 * The page comes from the swap cache, or is read together with those that the VMA's
 * read-ahead window holds. A read is in flight while the fault wants the page's lock, so the
 * fault is retried: without the VMA's lock it finds the page, and 6.6 counts that as
 * minor in the task (pgmajfault has counted it). Mapped read-only unless it was a write;
 * exclusive by the mark in the entry, or when nobody else holds the page. From a synchronous
 * device (zram) what only this entry names goes around the swap cache, alone and without a wait.
 * Model: Linux 6.6 mm/memory.c do_swap_page(), mm/swap_state.c swapin_readahead(), mm/filemap.c
 * __folio_lock_or_retry(). Left out: migration entries.
 */
#include "cache/memcg.h"
#include "cache/swap.h"
#include "fault/internal.h"
#include "virt/ksm.h"
#include "virt/mempolicy.h"
#include "virt/userfaultfd.h"

void mm_fault_swap_in_row(struct mm_vm_fault *v, uint64_t vaddr, mm_pfn_t pfn)
{
	struct mm_event *ev = mm_effect(v->f->ctx, MM_BY_FAULT, MM_EV_SWAP_IN);

	if (ev) {
		ev->addr = vaddr;
		ev->present |= MM_TC_BIT(ADDR);
		mm_event_set_result(ev, MM_RESULT_DEC, pfn);
	}
}

/* The window around the fault, then the page itself, with a reference. */
static mm_pfn_t swap_vma_readahead(struct mm_vm_fault *v, mm_swp_t entry)
{
	struct mm_cache *c = v->f->cache;
	struct mm_memcg *memcg = mm_vmf_mm(v)->memcg;
	struct mm_swap_ra ra;
	bool fresh;
	mm_pfn_t pfn;

	mm_swap_ra_info(c, &v->vma->swap_readahead_info, v->vaddr, v->vma->vm_start, v->vma->vm_end, &ra);
	for (unsigned int i = 0; ra.nr_pte > 1 && i < ra.nr_pte; i++) {
		uint64_t vaddr = ra.start_vaddr + i * (uint64_t)MM_PAGE_SIZE;
		mm_pte_t *pte = mm_pte_offset(mm_vmf_mm(v), vaddr);

		if (!pte || !mm_is_swap_pte(*pte) || mm_is_pte_marker(*pte) ||
		    mm_read_swap_cache_async(c, (mm_swp_t)mm_swp_offset(*pte), MM_GFP_HIGHUSER_MOVABLE, memcg, &pfn, &fresh))
			continue;
		if (fresh)
			mm_fault_swap_in_row(v, vaddr, pfn);
		if (fresh && i != ra.offset)
			mm_swap_ra_mark(c, pfn);
		mm_folio_put(c, pfn);
	}
	if (ra.nr_pte > 1)
		mm_lru_add_drain(c);
	if (mm_read_swap_cache_async(c, entry, MM_GFP_HIGHUSER_MOVABLE, memcg, &pfn, &fresh))
		return MM_PFN_NONE;
	if (fresh)
		mm_fault_swap_in_row(v, v->vaddr & ~(uint64_t)(MM_PAGE_SIZE - 1), pfn);
	return pfn;
}

/* The page alone, in no cache. */
static mm_pfn_t swap_in_alone(struct mm_vm_fault *v, mm_swp_t entry)
{
	mm_pfn_t pfn;

	if (mm_swap_in_alone(v->f->cache, entry, MM_GFP_HIGHUSER_MOVABLE, mm_vmf_mm(v)->memcg, &pfn))
		return MM_PFN_NONE;
	mm_fault_swap_in_row(v, v->vaddr & ~(uint64_t)(MM_PAGE_SIZE - 1), pfn);
	return pfn;
}

/* All of them where the policy has the page that faulted. */
static mm_pfn_t swapin(struct mm_vm_fault *v, mm_swp_t entry, bool alone)
{
	struct mm_cache *c = v->f->cache;
	mm_pfn_t pfn;

	c->swapin_place = mm_vma_mpol_place(v->vma, v->vaddr, 0);
	pfn = alone ? swap_in_alone(v, entry) : swap_vma_readahead(v, entry);
	c->swapin_place.pol = NULL;
	return pfn;
}

static bool should_try_to_free_swap(struct mm_vm_fault *v, mm_pfn_t pfn)
{
	const struct mm_page *p = mm_vmf_page(v, pfn);

	if (!(p->flags & MM_PG_SWAPCACHE))
		return false;
	if (mm_mem_cgroup_swap_full(v->f->cache, pfn) || v->vma->vm_flags & MM_VM_LOCKED || p->flags & MM_PG_MLOCKED)
		return true;
	return v->flags & MM_FAULT_FLAG_WRITE && !(p->flags & MM_PG_KSM) && mm_page_ref_count(p) == 2;
}

/*
 * What was a merged page when it went to swap may belong to another anon_vma, or another place in it, than the page
 * that came back first: such a mapping gets a copy. So does a subpage of a 2M folio still in the swap cache, but for
 * the first: the kernel looks at the index of the subpage itself, which nobody sets. @pfn: one subpage. MM_PFN_NONE: no memory.
 */
static mm_pfn_t ksm_might_need_to_copy(struct mm_vm_fault *v, mm_pfn_t pfn)
{
	mm_pfn_t head = mm_page_head(v->f->phys, pfn);
	const struct mm_page *p = mm_vmf_page(v, head);
	struct mm_anon_vma *av;

	if (p->flags & MM_PG_KSM) {
		if (p->mapping && v->f->virt->ksm && v->f->virt->ksm->run != MM_KSM_RUN_UNMERGE)
			return pfn;
	} else {
		if (!(p->flags & MM_PG_ANON) || !p->mapping)
			return pfn;
		av = mm_anon_vma_of(v->f->virt, p->mapping);
		if (pfn == head && p->index == mm_linear_page_index(v->vma, v->vaddr) &&
		    (!av || mm_anon_vma_root(av) == mm_anon_vma_root(v->vma->anon_vma)))
			return pfn;
	}
	pfn = mm_fault_new_page(v, pfn);
	if (pfn != MM_PFN_NONE) {
		mm_vmf_page(v, pfn)->flags |= MM_PG_DIRTY;
		mm_count(v->f->ctx, MM_KSM_SWPIN_COPY, 1);
	}
	return pfn;
}

/* @pte with what the swap entry was marked with. */
static mm_pte_t with_marks(const struct mm_vm_fault *v, mm_pte_t pte)
{
	if (v->orig & MM_SWP_SOFT_DIRTY)
		pte |= MM_PTE_SOFT_DIRTY;
	return v->orig & MM_SWP_UFFD_WP ? mm_pte_mkuffd_wp(pte) : pte;
}

/* A copy was made of @cached; the mapping of the swap entry becomes one of the copy. */
static unsigned int map_copy(struct mm_vm_fault *v, mm_pfn_t pfn, mm_pfn_t cached, mm_swp_t entry)
{
	struct mm_struct *mm = mm_vmf_mm(v);
	mm_pte_t pte = mm_mk_pte(pfn, mm_vma_page_prot(v->vma));

	mm_swap_free(v->f->cache, entry);
	mm->rss[MM_ANONPAGES]++;
	mm->rss[MM_SWAPENTS]--;
	if (v->flags & MM_FAULT_FLAG_WRITE)
		pte = mm_maybe_mkwrite(v->vma, mm_pte_mkdirty(pte));
	mm_fault_map_new_anon(v, pfn);
	*v->pte = with_marks(v, pte);
	mm_folio_put(v->f->cache, mm_page_head(v->f->phys, cached));
	return mm_vmf_note(v, MM_FAULT_KIND_SWAP, pfn, 0);
}

/* The page is here, uptodate, and the caller's reference is to become the mapping's. */
static unsigned int map_swapped(struct mm_vm_fault *v, mm_pfn_t pfn, mm_swp_t entry)
{
	struct mm_cache *c = v->f->cache;
	struct mm_struct *mm = mm_vmf_mm(v);
	mm_pfn_t head = mm_page_head(v->f->phys, pfn), copy = ksm_might_need_to_copy(v, pfn);
	struct mm_page *p = mm_vmf_page(v, head);
	bool exclusive = v->orig & MM_SWP_EXCLUSIVE || !(p->flags & MM_PG_SWAPCACHE);
	unsigned int rmap = 0;
	mm_pte_t pte;

	if (copy == MM_PFN_NONE || *v->pte != v->orig) {	/* reclaim for the copy changed this very entry */
		if (copy != MM_PFN_NONE && copy != pfn)
			mm_folio_put(c, copy);
		mm_folio_put(c, head);
		return copy == MM_PFN_NONE ? MM_VM_FAULT_OOM : 0;
	}
	if (copy != pfn)
		return map_copy(v, copy, pfn, entry);
	if (v->flags & MM_FAULT_FLAG_WRITE && !(p->flags & (MM_PG_KSM | MM_PG_LRU)))
		mm_lru_add_drain(c);
	mm_swap_free(c, entry);
	if (should_try_to_free_swap(v, head))
		mm_folio_free_swap(c, head);
	mm->rss[MM_ANONPAGES]++;
	mm->rss[MM_SWAPENTS]--;
	pte = mm_mk_pte(pfn, mm_vma_page_prot(v->vma));
	if (!(p->flags & MM_PG_KSM) && (exclusive || mm_page_ref_count(p) == 1)) {
		if (v->flags & MM_FAULT_FLAG_WRITE) {
			pte = mm_maybe_mkwrite(v->vma, mm_pte_mkdirty(pte));
			v->flags &= ~(unsigned int)MM_FAULT_FLAG_WRITE;
		}
		rmap = MM_RMAP_EXCLUSIVE;
	}
	pte = with_marks(v, pte);
	v->orig = pte;
	mm_page_add_anon_rmap(v->vma, pfn, v->vaddr, rmap);
	*v->pte = pte;
	if (v->flags & MM_FAULT_FLAG_WRITE) {
		unsigned int ret = mm_do_wp_page(v);

		return ret & MM_VM_FAULT_ERROR ? ret & MM_VM_FAULT_ERROR : ret;
	}
	return mm_vmf_note(v, MM_FAULT_KIND_SWAP, pfn, 0);
}

unsigned int mm_do_swap_page(struct mm_vm_fault *v)
{
	struct mm_cache *c = v->f->cache;
	mm_swp_t entry = (mm_swp_t)mm_swp_offset(v->orig);
	mm_pfn_t head = mm_swap_cache_get_folio(c, entry), pfn;
	unsigned int ret = 0;

	if (head != MM_PFN_NONE) {
		mm_swap_ra_note_hit(c, head, &v->vma->swap_readahead_info, v->vaddr);
		pfn = head + (mm_folio_is_large(v->f->phys, head) ? entry - mm_folio_swap(c, head) : 0);
		mm_folio_get(c, head);
	} else {
		bool alone = mm_swap_is_synchronous(c) && mm_swap_count(c, entry) == 1;

		head = pfn = swapin(v, entry, alone);
		if (pfn == MM_PFN_NONE)
			return MM_VM_FAULT_OOM;
		ret = MM_VM_FAULT_MAJOR;
		mm_vmf_count(v, MM_PGMAJFAULT);
		if (!alone && v->flags & MM_FAULT_FLAG_ALLOW_RETRY && !(v->flags & MM_FAULT_FLAG_TRIED)) {
			mm_folio_put(c, head);
			return ret | MM_VM_FAULT_RETRY;
		}
	}
	if (*v->pte != v->orig) {	/* reclaim for the new page changed this very entry */
		mm_folio_put(c, head);
		return ret;
	}
	return ret | map_swapped(v, pfn, entry);
}
