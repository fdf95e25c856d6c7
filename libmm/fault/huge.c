/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * 2M entries: an anonymous page's first touch, the write to a shared one; a file's huge folio.
 * Those of files have no table set aside: whoever would split one drops it, and the next fault maps what it needs.
 * Model: Linux 6.6 mm/huge_memory.c do_huge_pmd_anonymous_page(), do_huge_pmd_wp_page(), mm/memory.c do_set_pmd().
 */
#include "cache/swap.h"
#include "cache/thp.h"
#include "fault/userfault.h"
#include "virt/khugepaged.h"
#include "virt/mempolicy.h"

static unsigned int map_huge_zero(struct mm_vm_fault *v, uint64_t start)
{
	struct mm_struct *mm = mm_vmf_mm(v);
	mm_pfn_t table = mm_pte_table_alloc(mm), zero;

	if (table == MM_PFN_NONE)
		return MM_VM_FAULT_OOM;
	zero = mm_get_zero_page(v->f) == MM_PFN_NONE ? MM_PFN_NONE : mm_get_huge_zero_page(mm);
	if (zero == MM_PFN_NONE) {
		mm_pte_table_free(mm, table);
		mm_count(v->f->ctx, MM_THP_FAULT_FALLBACK, 1);
		return MM_VM_FAULT_FALLBACK;
	}
	if (v->vma->vm_flags & MM_VM_UFFD_MISSING) {
		mm_pte_table_free(mm, table);
		return mm_handle_userfault(v, MM_FAULT_KIND_UFFD_MISSING);
	}
	mm_pgtable_deposit(mm, start, table);
	*v->pmd = mm_mk_pte(zero, mm_vma_page_prot(v->vma)) | MM_PTE_PSE;
	v->f->order = MM_PMD_ORDER;
	return mm_vmf_note(v, MM_FAULT_KIND_HUGE_ZERO, zero, 0);
}

static unsigned int map_huge(struct mm_vm_fault *v, uint64_t start, mm_pfn_t head, mm_gfp_t gfp)
{
	struct mm_struct *mm = mm_vmf_mm(v);
	struct mm_cache *c = v->f->cache;
	mm_pfn_t table;

	if (mm_mem_cgroup_charge(c, head, mm->memcg, gfp)) {
		mm_folio_put(c, head);
		mm_count(v->f->ctx, MM_THP_FAULT_FALLBACK, 1);
		mm_count(v->f->ctx, MM_THP_FAULT_FALLBACK_CHARGE, 1);
		return MM_VM_FAULT_FALLBACK;
	}
	table = mm_pte_table_alloc(mm);
	if (table == MM_PFN_NONE) {
		mm_folio_put(c, head);
		return MM_VM_FAULT_OOM;
	}
	if (v->vma->vm_flags & MM_VM_UFFD_MISSING) {
		mm_folio_put(c, head);
		mm_pte_table_free(mm, table);
		return mm_handle_userfault(v, MM_FAULT_KIND_UFFD_MISSING);
	}
	mm_fault_copy_contents(v->f, head, MM_PFN_NONE, MM_PMD_PAGES);
	mm_vmf_page(v, head)->flags |= MM_PG_UPTODATE;
	mm_folio_add_new_anon_rmap(v->vma, head, start);
	mm_folio_add_lru_vma(c, head, (v->vma->vm_flags & (MM_VM_LOCKED | MM_VM_SPECIAL)) == MM_VM_LOCKED);
	mm_pgtable_deposit(mm, start, table);
	*v->pmd = mm_maybe_mkwrite(v->vma, mm_pte_mkdirty(mm_mk_pte(head, mm_vma_page_prot(v->vma)) | MM_PTE_PSE));
	mm->rss[MM_ANONPAGES] += MM_PMD_PAGES;
	mm_vmf_count(v, MM_THP_FAULT_ALLOC);
	v->f->order = MM_PMD_ORDER;
	return mm_vmf_note(v, MM_FAULT_KIND_HUGE, head, 0);
}

unsigned int mm_do_huge_pmd_anonymous_page(struct mm_vm_fault *v)
{
	uint64_t start = v->vaddr & ~(MM_PMD_SIZE - 1);
	mm_gfp_t gfp;
	mm_pfn_t head;

	if (!mm_transhuge_vma_suitable(v->vma, v->vaddr))
		return MM_VM_FAULT_FALLBACK;
	if (mm_anon_vma_prepare(v->vma))
		return MM_VM_FAULT_OOM;
	mm_khugepaged_enter_vma(v->vma, v->vma->vm_flags);
	if (!(v->flags & MM_FAULT_FLAG_WRITE))
		return map_huge_zero(v, start);
	gfp = mm_thp_gfp_mask(v->f->ctx, v->vma->vm_flags & MM_VM_HUGEPAGE);
	head = mm_vma_alloc_huge_folio(v->vma, start, gfp | __MM_GFP_ZERO);
	if (head == MM_PFN_NONE) {
		mm_count(v->f->ctx, MM_THP_FAULT_FALLBACK, 1);
		return MM_VM_FAULT_FALLBACK;
	}
	mm_folio_prep_transhuge(v->f->phys, head);
	return map_huge(v, start, head, gfp);
}

/* A write to a 2M page that is mapped read-only: reuse it whole, or split the mapping and go on with the PTE. */
unsigned int mm_do_huge_pmd_wp_page(struct mm_vm_fault *v)
{
	mm_pfn_t head = mm_pte_pfn(v->orig);
	struct mm_page *p = mm_vmf_page(v, head);

	if (mm_userfaultfd_pte_wp(v->vma, v->orig))
		return mm_handle_userfault(v, MM_FAULT_KIND_UFFD_WP);
	if (!mm_is_huge_zero_pmd(v->f->virt, v->orig)) {
		bool reuse = p->flags & MM_PG_ANON_EXCLUSIVE;
		int64_t cached = p->flags & MM_PG_SWAPCACHE ? MM_PMD_PAGES : 0;

		if (!reuse && mm_page_ref_count(p) <= 1 + cached) {
			if (cached)
				mm_folio_free_swap(v->f->cache, head);
			reuse = mm_page_ref_count(p) == 1;
			if (reuse)
				mm_page_move_anon_rmap(v->vma, head);
		}
		if (reuse) {
			*v->pmd = mm_maybe_mkwrite(v->vma, mm_pte_mkdirty(mm_pte_mkyoung(v->orig)));
			mm_flush_tlb_page(mm_vmf_mm(v), v->vaddr);
			v->f->order = MM_PMD_ORDER;
			return mm_vmf_note(v, MM_FAULT_KIND_REUSE, head, 0);
		}
	}
	mm_split_huge_pmd(v->vma, v->pmd, v->vaddr);
	return MM_VM_FAULT_FALLBACK;
}

unsigned int mm_huge_file_pmd_wp(struct mm_vm_fault *v)
{
	mm_split_huge_pmd(v->vma, v->pmd, v->vaddr);
	return MM_VM_FAULT_FALLBACK;
}

unsigned int mm_do_set_pmd(struct mm_vm_fault *v, mm_pfn_t head, bool write)
{
	struct mm_struct *mm = mm_vmf_mm(v);
	const struct mm_page *p = mm_vmf_page(v, head);
	mm_pte_t e;

	if (mm_vma_thp_disabled(v->vma, v->vma->vm_flags) || !mm_transhuge_vma_suitable(v->vma, v->vaddr) ||
	    !(p->flags & MM_PG_HEAD) || p->order != MM_PMD_ORDER || !mm_pte_none(*v->pmd))
		return MM_VM_FAULT_FALLBACK;
	e = mm_mk_pte(head, mm_vma_page_prot(v->vma)) | MM_PTE_PSE;
	if (write)
		e = mm_maybe_mkwrite(v->vma, mm_pte_mkdirty(e));
	mm->rss[p->flags & MM_PG_SWAPBACKED ? MM_SHMEMPAGES : MM_FILEPAGES] += MM_PMD_PAGES;
	mm_page_add_file_rmap(v->vma, head, true);
	*v->pmd = e;
	mm_count(v->f->ctx, MM_THP_FILE_MAPPED, 1);
	return 0;
}
