/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Anonymous memory: the zero page for reads, a page of its own for the first write.
 * Model: Linux 6.6 mm/memory.c do_anonymous_page().
 */
#include "fault/userfault.h"

unsigned int mm_do_anonymous_page(struct mm_vm_fault *v)
{
	struct mm_struct *mm = mm_vmf_mm(v);
	mm_pfn_t pfn;
	mm_pte_t *pte, entry;

	if (v->vma->vm_flags & MM_VM_SHARED)
		return MM_VM_FAULT_SIGBUS;
	pte = mm_pte_alloc_pmd(mm, v->pmd, v->vaddr);
	if (!pte)
		return MM_VM_FAULT_OOM;
	if (!(v->flags & MM_FAULT_FLAG_WRITE)) {
		pfn = mm_get_zero_page(v->f);
		if (pfn == MM_PFN_NONE)
			return MM_VM_FAULT_OOM;
		if (v->vma->vm_flags & MM_VM_UFFD_MISSING)
			return mm_handle_userfault(v, MM_FAULT_KIND_UFFD_MISSING);
		entry = mm_mk_pte(pfn, mm_vma_page_prot(v->vma)) | MM_PTE_SPECIAL;
		*pte = v->marked ? mm_pte_mkuffd_wp(entry) : entry;
		return mm_vmf_note(v, MM_FAULT_KIND_ZERO, pfn, 0);
	}
	if (mm_anon_vma_prepare(v->vma))
		return MM_VM_FAULT_OOM;
	pfn = mm_fault_new_page(v, MM_PFN_NONE);
	if (pfn == MM_PFN_NONE)
		return MM_VM_FAULT_OOM;
	if (v->vma->vm_flags & MM_VM_UFFD_MISSING) {
		mm_folio_put(v->f->cache, pfn);
		return mm_handle_userfault(v, MM_FAULT_KIND_UFFD_MISSING);
	}
	entry = mm_mk_pte(pfn, mm_vma_page_prot(v->vma));
	if (v->vma->vm_flags & MM_VM_WRITE)
		entry = mm_pte_mkwrite(mm_pte_mkdirty(entry));
	mm->rss[MM_ANONPAGES]++;
	mm_fault_map_new_anon(v, pfn);
	*pte = v->marked ? mm_pte_mkuffd_wp(entry) : entry;	/* a write is told of at its next try */
	return mm_vmf_note(v, MM_FAULT_KIND_ANON, pfn, 0);
}
