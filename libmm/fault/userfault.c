/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * userfaultfd: the fault is told to the program, which gives a page.
 *
 *	missing	no page: UFFDIO_COPY or UFFDIO_ZEROPAGE puts one there
 *	minor	the file has the page, the mapping not yet: UFFDIO_CONTINUE maps it
 *	wp	the page is write-protected: UFFDIO_WRITEPROTECT lifts that
 *
 * Events run one after another, so nobody can answer while a task waits: the access ends, and the fault goes on where
 * it stopped when the task, woken by then, makes the access again. Model: Linux 6.6 fs/userfaultfd.c handle_userfault(),
 * mm/userfaultfd.c. Left out: UFFDIO_COPY's source (what is copied is something of its own).
 */
#include <errno.h>

#include "cache/contents.h"
#include "cache/shmem.h"
#include "fault/userfault.h"
#include "virt/hugetlb.h"

unsigned int mm_handle_userfault(struct mm_vm_fault *v, enum mm_fault_kind kind)
{
	struct mm_fault *f = v->f;
	uint32_t features = v->vma->extra->uffd->features;

	if (features & MM_UFFD_FEATURE_SIGBUS || (features & MM_UFFD_USER_MODE_ONLY && !(v->flags & MM_FAULT_FLAG_USER)))
		return MM_VM_FAULT_SIGBUS;
	f->uffd_waits = true;
	if (f->task) {
		f->task->uffd = v->vma->extra->uffd;
		f->task->uffd_told = v->vaddr & ~(mm_hugetlb_mask(v->vma) | (MM_PAGE_SIZE - 1));
		f->task->uffd_woken = false;
	}
	return mm_vmf_note(v, kind, MM_PFN_NONE, MM_VM_FAULT_RETRY);
}

/* What a page that was copied in holds: something that no other page does. */
static void fill_contents(struct mm_fault *f, mm_pfn_t pfn, uint64_t nr, enum mm_mfill how)
{
	for (uint64_t i = 0; f->cache->contents && how != MM_MFILL_CONTINUE && i < nr; i++)
		f->cache->contents[pfn + i] = how == MM_MFILL_ZEROPAGE ? 0 : mm_contents_unique(f->cache);
}

/* mfill_atomic_install_pte(); the caller's reference becomes the mapping's. @cached: the page is the file's. */
static int install_pte(struct mm_vm_fault *v, mm_pfn_t pfn, bool cached, bool wp)
{
	bool writable = v->vma->vm_flags & MM_VM_WRITE && !(cached && !(v->vma->vm_flags & MM_VM_SHARED));
	mm_pte_t e = mm_pte_mkdirty(mm_mk_pte(pfn, mm_vma_page_prot(v->vma)));

	if (!mm_pte_none(*v->pte) && !mm_is_pte_marker(*v->pte))	/* pte_none_mostly() */
		return -EEXIST;
	if (writable)
		e = mm_pte_mkwrite(e);
	if (wp)
		e = mm_pte_mkuffd_wp(e);
	if (cached) {
		mm_vmf_mm(v)->rss[MM_SHMEMPAGES]++;
		mm_page_add_file_rmap(v->vma, pfn, false);
	} else {
		mm_vmf_mm(v)->rss[MM_ANONPAGES]++;
		mm_fault_map_new_anon(v, pfn);
	}
	*v->pte = e;
	return 0;
}

static bool over_size(const struct mm_vm_fault *v)
{
	uint64_t size = v->vma->vm_file ? v->vma->vm_file->inode->size : UINT64_MAX;

	return v->pgoff >= size / MM_PAGE_SIZE + (size % MM_PAGE_SIZE != 0);
}

/* Not over anything, marks neither. Source: Linux 6.6 mm/userfaultfd.c mfill_atomic_pte_poison(). */
static int poison(struct mm_vm_fault *v, bool beyond)
{
	if (beyond)
		return -EFAULT;
	if (!mm_pte_none(*v->pte))
		return -EEXIST;
	*v->pte = MM_PTE_MARKER_POISONED;
	return 0;
}

static int fill_anon(struct mm_vm_fault *v, enum mm_mfill how, bool wp)
{
	mm_pfn_t pfn;
	int e;

	if (how == MM_MFILL_ZEROPAGE) {
		if (over_size(v))
			return -EFAULT;
		if (!mm_pte_none(*v->pte))
			return -EEXIST;
		pfn = mm_get_zero_page(v->f);
		if (pfn == MM_PFN_NONE)
			return -ENOMEM;
		*v->pte = mm_mk_pte(pfn, mm_vma_page_prot(v->vma)) | MM_PTE_SPECIAL;
		return 0;
	}
	pfn = mm_fault_new_page(v, MM_PFN_NONE);
	if (pfn == MM_PFN_NONE)
		return -ENOMEM;
	fill_contents(v->f, pfn, 1, how);
	e = over_size(v) ? -EFAULT : install_pte(v, pfn, false, wp);
	if (e)
		mm_folio_put(v->f->cache, pfn);
	return e;
}

/* A page of shared memory: a new one, which must not be there, or for CONTINUE the one that is. */
static int fill_shmem(struct mm_vm_fault *v, enum mm_mfill how, bool wp)
{
	struct mm_address_space *as = &v->vma->vm_file->inode->mapping;
	struct mm_shmem_user user = { .memcg = mm_vmf_mm(v)->memcg, .mapping = true, .refused = true };	/* never huge */
	struct mm_shmem_folio page;
	int e;

	if (over_size(v))
		return -EFAULT;
	e = mm_shmem_get_folio(v->f->cache, as, v->pgoff, MM_SGP_READ, &user, &page);
	if (e)
		return e;
	if (how == MM_MFILL_CONTINUE && page.pfn == MM_PFN_NONE)
		return -EFAULT;
	if (how != MM_MFILL_CONTINUE) {
		if (page.pfn != MM_PFN_NONE) {
			mm_folio_put(v->f->cache, page.pfn);
			return -EEXIST;
		}
		e = mm_shmem_get_folio(v->f->cache, as, v->pgoff, MM_SGP_CACHE, &user, &page);
		if (e)
			return e;
		fill_contents(v->f, page.pfn, 1, how);
	}
	e = install_pte(v, mm_folio_file_page(v->f->cache, page.pfn, v->pgoff), true, wp);
	if (e)
		mm_folio_put(v->f->cache, page.pfn);
	return e;
}

static int fill_page(struct mm_vm_fault *v, enum mm_mfill how, bool wp)
{
	v->pmd = mm_pmd_alloc(mm_vmf_mm(v), v->vaddr);
	if (!v->pmd)
		return -ENOMEM;
	v->pte = mm_pte_alloc_pmd(mm_vmf_mm(v), v->pmd, v->vaddr);
	if (!v->pte)
		return mm_pmd_trans_huge(*v->pmd) ? -EEXIST : -ENOMEM;
	if (how == MM_MFILL_POISON)
		return poison(v, over_size(v));
	if (how == MM_MFILL_CONTINUE || v->vma->vm_flags & MM_VM_SHARED)
		return fill_shmem(v, how, wp);
	return fill_anon(v, how, wp);
}

/* Source: Linux 6.6 mm/hugetlb.c hugetlb_mfill_atomic_pte(). */
static int fill_huge(struct mm_vm_fault *v, enum mm_mfill how, bool wp)
{
	struct mm_virt *virt = v->f->virt;
	struct mm_inode *inode = v->vma->vm_file->inode;
	struct mm_hstate *h = inode->hugetlb->h;
	uint64_t idx = mm_vma_hugecache_offset(v->vma, v->vaddr), at = mm_xa_load(&inode->hugetlb->pages, idx);
	bool shared = v->vma->vm_flags & MM_VM_SHARED, writable = v->vma->vm_flags & MM_VM_WRITE;
	mm_pfn_t head = (mm_pfn_t)(at - 1);
	mm_pte_t e;

	v->pte = mm_huge_pte_alloc(v->vma, v->vaddr);
	if (!v->pte)
		return -ENOMEM;
	if (how == MM_MFILL_POISON)
		return poison(v, false);
	if (how == MM_MFILL_CONTINUE) {
		if (!at)
			return -EFAULT;
	} else {
		if ((!mm_pte_none(*v->pte) && !mm_is_pte_marker(*v->pte)) || (shared && at))
			return -EEXIST;
		if (mm_alloc_hugetlb_folio(v->vma, v->vaddr, false, &head))
			return -ENOMEM;
		fill_contents(v->f, head, mm_huge_page_pages(h), how);
		if (shared && (idx >= inode->size >> MM_PAGE_SHIFT >> h->order || mm_hugetlb_add_to_file(virt, inode, idx, head))) {
			mm_page(v->f->phys, head)->refs = 0;
			mm_free_huge_folio(virt, head);
			return -EFAULT;
		}
	}
	if (!mm_pte_none(*v->pte) && !mm_is_pte_marker(*v->pte))	/* pte_none_mostly() */
		return -EEXIST;
	if (how == MM_MFILL_CONTINUE)
		mm_page(v->f->phys, head)->refs++;
	mm_hugetlb_add_rmap(v->vma, head, v->vaddr, how != MM_MFILL_CONTINUE && !shared);
	e = mm_make_huge_pte(v->vma, head, wp || (how == MM_MFILL_CONTINUE && !shared) ? false : writable);
	e = mm_pte_mkdirty(e);
	if (wp)
		e = mm_pte_mkuffd_wp(e);
	*v->pte = e;
	mm_vmf_mm(v)->hugetlb_usage += mm_huge_page_pages(h);
	return 0;
}

static int check(const struct mm_vma *vma, uint64_t start, uint64_t len, enum mm_mfill how, bool wp)
{
	uint64_t mask;

	if (!vma || vma->vm_start > start || start + len > vma->vm_end || !(vma->vm_flags & MM_VM_UFFD_FLAGS))
		return -ENOENT;
	mask = mm_hugetlb_mask(vma);
	if (wp && !(vma->vm_flags & MM_VM_UFFD_WP))
		return -EINVAL;
	if (mask)
		return how == MM_MFILL_ZEROPAGE || (start | len) & mask ? -EINVAL : 0;
	if (how == MM_MFILL_CONTINUE && !mm_vma_is_shmem(vma))
		return -EINVAL;
	return mm_vma_is_anonymous(vma) || mm_vma_is_shmem(vma) ? 0 : -EINVAL;
}

int64_t mm_mfill_atomic(struct mm_fault *f, struct mm_struct *mm, uint64_t start, uint64_t len, enum mm_mfill how, bool wp)
{
	struct mm_vma *vma = mm_vma_lookup(mm, start);
	int e = check(vma, start, len, how, wp);
	uint64_t done = 0, step;

	if (e)
		return e;
	step = vma->vm_flags & MM_VM_HUGETLB ? mm_hugetlb_mask(vma) + 1 : (uint64_t)MM_PAGE_SIZE;
	if (!(vma->vm_flags & MM_VM_SHARED) && mm_anon_vma_prepare(vma))
		return -ENOMEM;
	for (; done < len; done += step) {
		struct mm_vm_fault v = {
			.f = f, .vma = vma, .vaddr = start + done, .pgoff = mm_linear_page_index(vma, start + done),
			.page = MM_PFN_NONE, .prealloc = MM_PFN_NONE,
		};

		e = step > MM_PAGE_SIZE ? fill_huge(&v, how, wp) : fill_page(&v, how, wp);
		if (e)
			break;
	}
	return done ? (int64_t)done : e;
}
