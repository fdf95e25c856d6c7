/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * File mappings: read, private write, shared write.
 *
 * A read first maps what the page cache has of the 16 pages around (fault-around); only when the wanted
 * page is not among them the file is asked. A miss reads ahead and, where the lock may be
 * dropped for I/O, ends in RETRY: the next round finds the page. A page that carries the
 * read-ahead mark is passed over by fault-around, so that the file sees it and reads on.
 * Shared memory (memfd, shared anonymous) makes its missing pages itself. Where a huge folio is found, its 2M are mapped by one
 * entry if the VMA is aligned to them.
 * Model: Linux 6.6 mm/memory.c do_read_fault(), do_cow_fault(), do_shared_fault(), do_fault_around(),
 * mm/filemap.c filemap_fault(), filemap_map_pages(), mm/shmem.c shmem_fault().
 */
#include <errno.h>

#include "cache/shmem.h"
#include "cache/readahead.h"
#include "fault/userfault.h"
#include "virt/mempolicy.h"
#include "virt/khugepaged.h"

enum { FAULT_AROUND_PAGES = 16 };

static struct mm_address_space *mapping_of(const struct mm_vm_fault *v) { return &v->vma->vm_file->inode->mapping; }

static uint64_t max_index(const struct mm_vm_fault *v)
{
	uint64_t size = v->vma->vm_file->inode->size;

	return size / MM_PAGE_SIZE + (size % MM_PAGE_SIZE != 0);
}

static enum mm_fault_kind file_kind(const struct mm_vm_fault *v, enum mm_fault_kind kind)
{
	return mm_vma_is_shmem(v->vma) ? MM_FAULT_KIND_SHMEM : kind;
}

/* One page of a file; the caller's reference becomes the mapping's. */
static void set_pte_range(struct mm_vm_fault *v, mm_pte_t *pte, mm_pfn_t pfn, bool write)
{
	mm_pte_t entry = mm_mk_pte(pfn, mm_vma_page_prot(v->vma));

	if (write)
		entry = mm_maybe_mkwrite(v->vma, mm_pte_mkdirty(entry));
	if (v->marked && pte == v->marked)
		entry = mm_pte_mkuffd_wp(entry);
	mm_vmf_mm(v)->rss[mm_vmf_page(v, mm_page_head(v->f->phys, pfn))->flags & MM_PG_SWAPBACKED ? MM_SHMEMPAGES : MM_FILEPAGES]++;
	mm_page_add_file_rmap(v->vma, pfn, false);
	*pte = entry;
}

/* Have a PTE table, the one made in advance when there is none, with all its entries side by side. NULL: no memory. */
static mm_pte_t *pte_table(struct mm_vm_fault *v)
{
	if (mm_pte_none(*v->pmd) && v->prealloc != MM_PFN_NONE) {
		mm_pmd_populate(mm_vmf_mm(v), v->pmd, v->prealloc);
		mm_vmf_mm(v)->pgtables_bytes += MM_PAGE_SIZE;
		v->prealloc = MM_PFN_NONE;
	}
	if (!mm_pte_alloc_pmd(mm_vmf_mm(v), v->pmd, v->vaddr) || !mm_table_whole(mm_vmf_mm(v), v->pmd))
		return NULL;
	return mm_pte_of(mm_vmf_mm(v), v->pmd, v->vaddr);
}

static bool prealloc_pte(struct mm_vm_fault *v)
{
	if (mm_pte_none(*v->pmd) && v->prealloc == MM_PFN_NONE)
		v->prealloc = mm_pte_table_alloc(mm_vmf_mm(v));
	return !mm_pte_none(*v->pmd) || v->prealloc != MM_PFN_NONE;
}

/* The first folio around: done, or how the table came about; *@done: no pages one by one. */
static unsigned int filemap_map_pmd(struct mm_vm_fault *v, mm_pfn_t head, bool *done)
{
	*done = true;
	if (mm_pmd_trans_huge(*v->pmd))
		return MM_VM_FAULT_NOPAGE;
	mm_folio_get(v->f->cache, head);
	if (mm_pte_none(*v->pmd) && !mm_do_set_pmd(v, head, false)) {
		v->f->order = MM_PMD_ORDER;
		return mm_vmf_note(v, file_kind(v, MM_FAULT_KIND_FILE_READ), head, MM_VM_FAULT_NOPAGE);
	}
	mm_folio_put(v->f->cache, head);
	*done = !pte_table(v);
	return 0;
}

/* [first, last] of the file, the page of the fault among them. */
static unsigned int filemap_map_pages(struct mm_vm_fault *v, uint64_t first, uint64_t last)
{
	struct mm_file_ra_state *ra = &v->vma->vm_file->ra;
	uint64_t max = max_index(v);
	uint32_t misses = 0;
	unsigned int ret = 0;
	bool any = false, done = false;
	mm_pfn_t head = MM_PFN_NONE;

	for (uint64_t i = first; i <= last && !done; i++) {
		mm_pfn_t before = head, pfn;
		struct mm_page *p;
		mm_pte_t *pte;

		head = mm_filemap_get_folio(v->f->cache, mapping_of(v), i);
		if (head == MM_PFN_NONE)
			continue;
		if (i >= max && head != before)		/* a huge folio reaches beyond the end of the file unnoticed */
			break;
		p = mm_vmf_page(v, head);
		if (!(p->flags & MM_PG_UPTODATE) || p->flags & (MM_PG_READAHEAD | MM_PG_LOCKED))
			continue;
		if (!any)
			ret = filemap_map_pmd(v, head, &done);
		any = true;
		if (done)
			break;
		pte = pte_table(v) + (int64_t)(i - v->pgoff);
		misses++;
		if (!mm_pte_none(*pte))
			continue;
		pfn = mm_folio_file_page(v->f->cache, head, i);
		if (i == v->pgoff)
			ret = mm_vmf_note(v, file_kind(v, MM_FAULT_KIND_FILE_READ), pfn, MM_VM_FAULT_NOPAGE);
		mm_folio_get(v->f->cache, head);
		set_pte_range(v, pte, pfn, false);
	}
	ra->mmap_miss = misses >= ra->mmap_miss ? 0 : ra->mmap_miss - misses;
	return ret;
}

static unsigned int do_fault_around(struct mm_vm_fault *v)
{
	uint64_t pte_off = (v->vaddr >> MM_PAGE_SHIFT) % MM_PTRS_PER_TABLE, vma_off = v->pgoff - v->vma->vm_pgoff;
	uint64_t from = pte_off & ~(uint64_t)(FAULT_AROUND_PAGES - 1);
	uint64_t low = pte_off - (pte_off < vma_off ? pte_off : vma_off);
	uint64_t to, end = pte_off + mm_vma_pages(v->vma) - vma_off;

	from = from > low ? from : low;
	to = from + FAULT_AROUND_PAGES;
	to = to < MM_PTRS_PER_TABLE ? to : MM_PTRS_PER_TABLE;
	to = (to < end ? to : end) - 1;
	if (!prealloc_pte(v))
		return MM_VM_FAULT_OOM;
	return filemap_map_pages(v, v->pgoff + from - pte_off, v->pgoff + to - pte_off);
}

static unsigned int shmem_fault(struct mm_vm_fault *v)
{
	struct mm_shmem_folio page;
	struct mm_shmem_user user = {
		.memcg = mm_vmf_mm(v)->memcg, .mapping = true, .advised = v->vma->vm_flags & MM_VM_HUGEPAGE,
		.refused = mm_vma_thp_disabled(v->vma, v->vma->vm_flags),
	};
	bool there = mm_xa_load(&mapping_of(v)->i_pages, v->pgoff);
	int err;

	if (v->pgoff < max_index(v) && v->vma->vm_flags & (there ? MM_VM_UFFD_MINOR : (uint64_t)MM_VM_UFFD_MISSING))
		return mm_handle_userfault(v, there ? MM_FAULT_KIND_UFFD_MINOR : MM_FAULT_KIND_UFFD_MISSING);
	err = mm_shmem_get_folio(v->f->cache, mapping_of(v), v->pgoff, MM_SGP_CACHE, &user, &page);
	if (err)
		return err == -ENOMEM ? MM_VM_FAULT_OOM : MM_VM_FAULT_SIGBUS;
	v->page = mm_folio_file_page(v->f->cache, page.pfn, v->pgoff);
	if (!page.major)
		return 0;
	mm_vmf_count(v, MM_PGMAJFAULT);
	mm_fault_swap_in_row(v, v->vaddr, v->page);
	return MM_VM_FAULT_MAJOR;
}

/* The page of the fault in v->page, with a reference; 0, MAJOR, or how it ended. */
static unsigned int filemap_fault(struct mm_vm_fault *v)
{
	struct mm_cache *c = v->f->cache;
	struct mm_file *file = v->vma->vm_file;
	struct mm_memcg *memcg = mm_vmf_mm(v)->memcg;
	unsigned int ra = (v->vma->vm_flags & MM_VM_RAND_READ ? MM_RA_RAND : 0) | (v->vma->vm_flags & MM_VM_SEQ_READ ? MM_RA_SEQ : 0) |
			  (v->vma->vm_flags & MM_VM_HUGEPAGE ? MM_RA_HUGE : 0);
	bool tried = v->flags & MM_FAULT_FLAG_TRIED, may_drop = v->flags & MM_FAULT_FLAG_ALLOW_RETRY && !tried;
	unsigned int ret = 0;
	mm_pfn_t pfn;

	if (v->pgoff >= max_index(v))
		return MM_VM_FAULT_SIGBUS;
	pfn = mm_filemap_get_folio(c, mapping_of(v), v->pgoff);
	if (pfn != MM_PFN_NONE) {
		bool mark;

		mm_folio_get(c, pfn);
		mark = !tried && mm_do_async_mmap_readahead(c, file, ra, pfn, v->pgoff, memcg);
		if (!(mm_vmf_page(v, pfn)->flags & MM_PG_UPTODATE)) {
			mm_vmf_page(v, pfn)->flags |= MM_PG_UPTODATE;
			mark = true;
		}
		if (mm_vmf_page(v, pfn)->flags & MM_PG_LOCKED) {	/* the lock is dropped to wait for the disk */
			mm_readahead_end(c);
			mark = true;
		}
		if (mark && may_drop) {
			mm_folio_put(c, pfn);
			return MM_VM_FAULT_RETRY;
		}
	} else {
		int err = -ENOMEM;

		mm_vmf_count(v, MM_PGMAJFAULT);
		ret = MM_VM_FAULT_MAJOR;
		mm_do_sync_mmap_readahead(c, file, ra, v->pgoff, memcg);
		pfn = mm_filemap_get_folio(c, mapping_of(v), v->pgoff);
		if (pfn == MM_PFN_NONE)
			pfn = mm_filemap_create_folio(c, mapping_of(v), v->pgoff, memcg, &err);
		if (pfn == MM_PFN_NONE)
			return MM_VM_FAULT_OOM;
		if (may_drop)
			return ret | MM_VM_FAULT_RETRY;
		mm_folio_get(c, pfn);
	}
	v->page = mm_folio_file_page(c, pfn, v->pgoff);
	return ret;
}

static unsigned int __do_fault(struct mm_vm_fault *v)
{
	if (!prealloc_pte(v))
		return MM_VM_FAULT_OOM;
	return mm_vma_is_shmem(v->vma) ? shmem_fault(v) : filemap_fault(v);
}

static mm_pfn_t folio_of(const struct mm_vm_fault *v) { return mm_page_head(v->f->phys, v->page); }

/*
 * The file's page and the entry it goes to; *@pte stays as it was when the fault ends here: an error, or the page's huge folio
 * was mapped whole (@cow: it is to be copied, so it is not), its reference with it.  Source: finish_fault().
 */
static unsigned int fault_page_and_table(struct mm_vm_fault *v, bool cow, mm_pte_t **pte)
{
	unsigned int ret = __do_fault(v);

	if (ret & (MM_VM_FAULT_ERROR | MM_VM_FAULT_RETRY))
		return ret;
	if (!cow && mm_pte_none(*v->pmd) && !mm_do_set_pmd(v, folio_of(v), v->flags & MM_FAULT_FLAG_WRITE)) {
		v->f->order = MM_PMD_ORDER;
		return mm_vmf_note(v, file_kind(v, v->flags & MM_FAULT_FLAG_WRITE ? MM_FAULT_KIND_FILE_SHARED : MM_FAULT_KIND_FILE_READ),
				   folio_of(v), ret);
	}
	*pte = pte_table(v);
	if (*pte)
		return ret;
	mm_folio_put(v->f->cache, folio_of(v));
	return MM_VM_FAULT_OOM;
}

static unsigned int do_read_fault(struct mm_vm_fault *v)
{
	/* ipc/shm.c has no map_pages */
	bool alone = v->vma->extra->vm_ops_close || v->vma->vm_flags & (MM_VM_UFFD_WP | MM_VM_UFFD_MINOR);
	unsigned int ret = alone ? 0 : do_fault_around(v);
	mm_pte_t *pte = NULL;

	if (ret)
		return ret;
	if (v->flags & MM_FAULT_FLAG_VMA_LOCK)
		return MM_VM_FAULT_RETRY;
	ret = fault_page_and_table(v, false, &pte);
	if (!pte)
		return ret;
	set_pte_range(v, pte, v->page, false);
	return mm_vmf_note(v, file_kind(v, MM_FAULT_KIND_FILE_READ), v->page, ret);
}

static unsigned int do_cow_fault(struct mm_vm_fault *v)
{
	struct mm_cache *c = v->f->cache;
	unsigned int ret;
	mm_pte_t *pte = NULL;
	mm_pfn_t copy;

	if (v->flags & MM_FAULT_FLAG_VMA_LOCK)
		return MM_VM_FAULT_RETRY;
	if (mm_anon_vma_prepare(v->vma))
		return MM_VM_FAULT_OOM;
	copy = mm_vma_alloc_folio(v->vma, v->vaddr, MM_GFP_HIGHUSER_MOVABLE);
	if (copy == MM_PFN_NONE)
		return MM_VM_FAULT_OOM;
	if (mm_mem_cgroup_charge(c, copy, mm_vmf_mm(v)->memcg, MM_GFP_KERNEL)) {
		mm_folio_put(c, copy);
		return MM_VM_FAULT_OOM;
	}
	ret = fault_page_and_table(v, true, &pte);
	if (!pte) {
		mm_folio_put(c, copy);
		return ret;
	}
	mm_fault_copy_contents(v->f, copy, v->page, 1);
	mm_vmf_page(v, copy)->flags |= MM_PG_UPTODATE;
	mm_vmf_mm(v)->rss[MM_ANONPAGES]++;
	mm_fault_map_new_anon(v, copy);
	*pte = mm_maybe_mkwrite(v->vma, mm_pte_mkdirty(mm_mk_pte(copy, mm_vma_page_prot(v->vma))));
	if (v->marked)
		*pte = mm_pte_mkuffd_wp(*pte);
	mm_folio_put(c, folio_of(v));
	return mm_vmf_note(v, MM_FAULT_KIND_FILE_COW, copy, ret);
}

static unsigned int do_shared_fault(struct mm_vm_fault *v)
{
	mm_pte_t *pte = NULL;
	unsigned int ret;

	if (v->flags & MM_FAULT_FLAG_VMA_LOCK)
		return MM_VM_FAULT_RETRY;
	ret = fault_page_and_table(v, false, &pte);
	if (ret & (MM_VM_FAULT_ERROR | MM_VM_FAULT_RETRY))
		return ret;
	if (pte) {
		set_pte_range(v, pte, v->page, true);
		mm_vmf_note(v, file_kind(v, MM_FAULT_KIND_FILE_SHARED), v->page, ret);
	}
	mm_folio_mark_dirty(v->f->cache, folio_of(v));
	if (!mm_vma_is_shmem(v->vma))
		mm_balance_dirty_pages(v->f->cache);
	return ret;
}

/*
 * [vdso] is of pages of the kernel image, mapped as a file's are; what the clocks keep in [vvar] is inserted by its frame, which
 * nobody counts.  Nobody writes to either.
 * Source: arch/x86/entry/vdso/vma.c vdso_fault(), vvar_fault().
 * Deviation: all pages of [vvar] are there, whatever clock is used, and are the page of zeros.
 */
static unsigned int special_mapping_fault(struct mm_vm_fault *v)
{
	bool text = v->vma->vm_flags & MM_VM_EXEC;
	mm_pfn_t pfn;
	mm_pte_t *pte;

	if (v->flags & MM_FAULT_FLAG_WRITE)
		return MM_VM_FAULT_SIGBUS;
	if (v->flags & MM_FAULT_FLAG_VMA_LOCK)
		return MM_VM_FAULT_RETRY;
	pfn = text ? mm_get_vdso_page(v->f, (v->vaddr - v->vma->vm_start) >> MM_PAGE_SHIFT) : mm_get_zero_page(v->f);
	if (pfn == MM_PFN_NONE)
		return MM_VM_FAULT_SIGBUS;
	pte = pte_table(v);
	if (!pte)
		return MM_VM_FAULT_OOM;
	if (text) {
		mm_folio_get(v->f->cache, pfn);
		set_pte_range(v, pte, pfn, false);
		return mm_vmf_note(v, MM_FAULT_KIND_FILE_READ, pfn, 0);
	}
	*pte = mm_mk_pte(pfn, mm_vma_page_prot(v->vma)) | MM_PTE_SPECIAL;
	return mm_vmf_note(v, MM_FAULT_KIND_FILE_READ, pfn, MM_VM_FAULT_NOPAGE);
}

unsigned int mm_do_fault(struct mm_vm_fault *v)
{
	unsigned int ret;

	if (v->vma->extra->special)
		return special_mapping_fault(v);
	if (!(v->flags & MM_FAULT_FLAG_WRITE))
		ret = do_read_fault(v);
	else if (!(v->vma->vm_flags & MM_VM_SHARED))
		ret = do_cow_fault(v);
	else
		ret = do_shared_fault(v);
	if (v->prealloc != MM_PFN_NONE) {
		mm_pte_table_free(mm_vmf_mm(v), v->prealloc);
		v->prealloc = MM_PFN_NONE;
	}
	return ret;
}
