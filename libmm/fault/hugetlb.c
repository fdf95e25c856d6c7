/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Faults on mappings of huge pages from a pool: no page, copy-on-write.
 *
 * A page comes from the pool, as it was promised at mmap; none there: SIGBUS. Shared mappings have it from their file.
 * A private page is mapped read-only by a read and made writable when it is written and no one else maps it. When the
 * owner of the promise has to copy and the pool is empty, the page is taken from the children instead: their next access gets SIGBUS.
 * Model: Linux 6.6 mm/hugetlb.c hugetlb_fault(), hugetlb_no_page(), hugetlb_wp(), unmap_ref_private().
 */
#include <errno.h>

#include "fault/userfault.h"
#include "virt/hugetlb.h"

static void put(struct mm_vm_fault *v, mm_pfn_t head)
{
	struct mm_page *p = mm_vmf_page(v, head);

	if (!--p->refs && !p->mapcount)
		mm_free_huge_folio(v->f->virt, head);
}

static struct mm_hugetlb_inode *inode_of(const struct mm_vm_fault *v) { return v->vma->vm_file->inode->hugetlb; }

static mm_pfn_t page_in_file(const struct mm_vm_fault *v, uint64_t idx)
{
	uint64_t at = mm_xa_load(&inode_of(v)->pages, idx);

	return at ? (mm_pfn_t)(at - 1) : MM_PFN_NONE;
}

static unsigned int alloc_error(int e) { return e == -ENOMEM ? MM_VM_FAULT_OOM : MM_VM_FAULT_SIGBUS; }

static unsigned int note(struct mm_vm_fault *v, enum mm_fault_kind kind, mm_pfn_t head)
{
	v->f->order = (uint8_t)inode_of(v)->h->order;
	return mm_vmf_note(v, kind, head, 0);
}

/* No page is left for the owner of the promise: from the private mappings of others, who are told by a signal. */
static void unmap_ref_private(struct mm_vm_fault *v, mm_pfn_t page, uint64_t haddr)
{
	uint64_t size = mm_huge_page_size(inode_of(v)->h), pgoff = mm_linear_page_index(v->vma, haddr);
	struct mm_address_space *mapping = &v->vma->vm_file->inode->mapping;

	for (struct mm_vma *vma = mm_vma_interval_tree_iter_first(mapping, pgoff, pgoff); vma;
	     vma = mm_vma_interval_tree_iter_next(vma, pgoff, pgoff)) {
		uint64_t at = vma->vm_start + ((pgoff - vma->vm_pgoff) << MM_PAGE_SHIFT);
		struct mm_mmu_gather tlb;

		if (vma == v->vma || vma->vm_flags & MM_VM_MAYSHARE || vma->extra->hugetlb_flags & MM_HPAGE_RESV_OWNER)
			continue;
		mm_tlb_gather_mmu(&tlb, vma->vm_mm, false);
		mm_hugetlb_unmap_range(&tlb, vma, at, at + size, page, false);
		mm_tlb_finish_mmu(&tlb);
	}
}

static unsigned int set_writable(struct mm_vm_fault *v, uint64_t haddr, enum mm_fault_kind kind)
{
	*v->pte = mm_pte_mkyoung(mm_pte_mkwrite(mm_pte_mkdirty(*v->pte)));
	mm_flush_tlb_range(mm_vmf_mm(v), haddr, haddr + mm_huge_page_size(inode_of(v)->h));
	return note(v, kind, mm_pte_pfn(*v->pte));
}

/* @in_file: the file's page at this index. */
static unsigned int hugetlb_wp(struct mm_vm_fault *v, uint64_t haddr, mm_pfn_t in_file)
{
	mm_pte_t old = *v->pte;
	mm_pfn_t head = mm_pte_pfn(old), new = MM_PFN_NONE;
	struct mm_page *p = mm_vmf_page(v, head);
	bool outside_reserve;
	int e;

	if (old & MM_PTE_UFFD_WP)
		return 0;
	if (v->vma->vm_flags & MM_VM_MAYSHARE)
		return set_writable(v, haddr, MM_FAULT_KIND_REUSE);
	for (;;) {
		if (p->mapcount == 1 && p->flags & MM_PG_ANON) {
			p->flags |= MM_PG_ANON_EXCLUSIVE;
			p->mapping = v->vma->anon_vma->id;
			return set_writable(v, haddr, MM_FAULT_KIND_REUSE);
		}
		outside_reserve = v->vma->extra->hugetlb_flags & MM_HPAGE_RESV_OWNER && head != in_file;
		e = mm_alloc_hugetlb_folio(v->vma, haddr, outside_reserve, &new);
		if (!e)
			break;
		if (!outside_reserve)
			return alloc_error(e);
		unmap_ref_private(v, head, haddr);
		if (p->mapcount != 1)
			return alloc_error(e);
	}
	if (mm_anon_vma_prepare(v->vma)) {
		put(v, new);
		return MM_VM_FAULT_OOM;
	}
	mm_fault_copy_contents(v->f, new, head, (uint32_t)mm_huge_page_pages(inode_of(v)->h));
	mm_flush_tlb_range(mm_vmf_mm(v), haddr, haddr + mm_huge_page_size(inode_of(v)->h));
	p->mapcount--;
	p[1].mapping--;
	p->refs++;
	mm_hugetlb_add_rmap(v->vma, new, haddr, true);
	*v->pte = mm_make_huge_pte(v->vma, new, true);
	put(v, head);
	return note(v, MM_FAULT_KIND_COW, new);
}

/* A fresh page, in the file when the mapping is shared; 0 or MM_VM_FAULT_*. */
static unsigned int new_page(struct mm_vm_fault *v, uint64_t haddr, uint64_t idx, mm_pfn_t *headp)
{
	struct mm_hugetlb_inode *hi = inode_of(v);
	mm_pfn_t head;
	int e;

	if (idx >= v->vma->vm_file->inode->size >> MM_PAGE_SHIFT >> hi->h->order)
		return MM_VM_FAULT_SIGBUS;
	if (v->vma->vm_flags & MM_VM_UFFD_MISSING)
		return mm_handle_userfault(v, MM_FAULT_KIND_UFFD_MISSING);
	e = mm_alloc_hugetlb_folio(v->vma, haddr, false, &head);
	if (e)
		return alloc_error(e);
	mm_fault_copy_contents(v->f, head, MM_PFN_NONE, (uint32_t)mm_huge_page_pages(hi->h));
	if (v->vma->vm_flags & MM_VM_MAYSHARE) {
		if (mm_hugetlb_add_to_file(v->f->virt, v->vma->vm_file->inode, idx, head)) {
			put(v, head);
			return MM_VM_FAULT_OOM;
		}
	} else if (mm_anon_vma_prepare(v->vma)) {
		put(v, head);
		return MM_VM_FAULT_OOM;
	}
	*headp = head;
	return 0;
}

static unsigned int hugetlb_no_page(struct mm_vm_fault *v, uint64_t haddr)
{
	uint64_t idx = mm_vma_hugecache_offset(v->vma, haddr);
	mm_pfn_t head = page_in_file(v, idx);
	bool anon = false, write = v->flags & MM_FAULT_FLAG_WRITE, marked = *v->pte == MM_PTE_MARKER_UFFD_WP;
	unsigned int ret;

	if (v->vma->extra->hugetlb_flags & MM_HPAGE_RESV_UNMAPPED)
		return MM_VM_FAULT_SIGBUS;
	if (head == MM_PFN_NONE) {
		ret = new_page(v, haddr, idx, &head);
		if (ret)
			return ret;
		anon = !(v->vma->vm_flags & MM_VM_MAYSHARE);
	} else if (v->vma->vm_flags & MM_VM_UFFD_MINOR) {
		return mm_handle_userfault(v, MM_FAULT_KIND_UFFD_MINOR);
	} else {
		mm_vmf_page(v, head)->refs++;
	}
	mm_hugetlb_add_rmap(v->vma, head, haddr, anon);
	*v->pte = mm_make_huge_pte(v->vma, head, (v->vma->vm_flags & (MM_VM_WRITE | MM_VM_SHARED)) == (MM_VM_WRITE | MM_VM_SHARED));
	if (marked)
		*v->pte = mm_pte_wrprotect(*v->pte) | MM_PTE_UFFD_WP;
	mm_vmf_mm(v)->hugetlb_usage += mm_huge_page_pages(inode_of(v)->h);
	if (write && !(v->vma->vm_flags & MM_VM_SHARED)) {
		ret = hugetlb_wp(v, haddr, head);
		if (ret)
			return ret;
	}
	return note(v, MM_FAULT_KIND_HUGETLB, mm_pte_pfn(*v->pte));
}

unsigned int mm_hugetlb_fault(struct mm_vm_fault *v)
{
	uint64_t size = mm_huge_page_size(inode_of(v)->h), haddr = v->vaddr & ~(size - 1);
	bool had_table;

	if (v->flags & MM_FAULT_FLAG_VMA_LOCK)
		return MM_VM_FAULT_RETRY;
	had_table = mm_huge_pte_offset(v->vma, haddr);
	v->pte = mm_huge_pte_alloc(v->vma, haddr);
	if (!v->pte)
		return MM_VM_FAULT_OOM;
	v->orig = *v->pte;
	if (v->orig == MM_PTE_MARKER_POISONED)
		return MM_VM_FAULT_HWPOISON;
	if (mm_pte_none(v->orig) || v->orig == MM_PTE_MARKER_UFFD_WP)
		return hugetlb_no_page(v, haddr);
	if (v->flags & MM_FAULT_FLAG_WRITE && mm_userfaultfd_pte_wp(v->vma, v->orig) && !mm_pte_write(v->orig))
		return mm_handle_userfault(v, MM_FAULT_KIND_UFFD_WP);
	if (v->flags & (MM_FAULT_FLAG_WRITE | MM_FAULT_FLAG_UNSHARE) && !mm_pte_write(v->orig))
		return hugetlb_wp(v, haddr, page_in_file(v, mm_vma_hugecache_offset(v->vma, haddr)));
	if (v->flags & MM_FAULT_FLAG_WRITE)
		*v->pte = mm_pte_mkdirty(*v->pte);
	*v->pte = mm_pte_mkyoung(*v->pte);
	return note(v, had_table ? MM_FAULT_KIND_SPURIOUS : MM_FAULT_KIND_HUGETLB, mm_pte_pfn(*v->pte));
}
