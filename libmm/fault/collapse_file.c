/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * 512 small pages of a file become one huge folio in its page cache, for khugepaged or MADV_COLLAPSE.
 *
 * Memory of a tmpfs may have holes and swapped pages, which are filled; of a file on disk all pages are read in, and none may be
 * dirty. Everybody's entries for them go. Whoever maps the 2M aligned loses the empty table too, so that the next fault
 * can map them whole; MADV_COLLAPSE maps its own at once.
 *
 *   scan_file --may be--> collapse_file --> retract_page_tables --> (MADV_COLLAPSE) collapse_pte_mapped_thp
 *       +--- it is a huge folio already ------------------------------------^
 *
 * Model: Linux 6.6 mm/khugepaged.c. A failure after pages were unmapped leaves them so, as there.
 */
#include <errno.h>

#include "cache/filemap.h"
#include "cache/readahead.h"
#include "cache/shmem.h"
#include "fault/internal.h"
#include "fault/khugepaged.h"
#include "virt/userfaultfd.h"

static enum mm_scan_result huge_folio_at(const struct mm_page *p, uint64_t start)
{
	return p->order == MM_PMD_ORDER && p->index == start ? MM_SCAN_PTE_MAPPED_HUGEPAGE : MM_SCAN_PAGE_COMPOUND;
}

/* ---- the page cache ---- */

struct collapse_file {
	struct mm_fault *f;
	struct mm_file *file;
	struct mm_address_space *as;
	struct mm_memcg *memcg;
	uint64_t start;			/* first page index */
	bool shmem;
	uint32_t nr_none, nr;		/* holes; pages in @old */
	mm_pfn_t old[MM_PMD_PAGES];	/* isolated and unmapped, by index */
};

/* The page of shared memory at @index, with a reference; MM_PFN_NONE with SUCCEED: a hole. */
static enum mm_scan_result shmem_page(struct collapse_file *cf, uint64_t index, mm_pfn_t *pfn)
{
	struct mm_cache *c = cf->f->cache;
	uint64_t v = mm_xa_load(&cf->as->i_pages, index), at = index;
	struct mm_shmem_folio page;

	*pfn = MM_PFN_NONE;
	if (!v)
		return index == cf->start && (!mm_xa_find(&cf->as->i_pages, &at, &v) || at >= cf->start + MM_PMD_PAGES)
			? MM_SCAN_TRUNCATED : MM_SCAN_SUCCEED;
	if (mm_xa_is_swap(v) && index >= (cf->as->host->size + MM_PAGE_SIZE - 1) / MM_PAGE_SIZE)
		return MM_SCAN_FAIL;
	if (mm_shmem_get_folio(c, cf->as, index, MM_SGP_READ, &(struct mm_shmem_user){ .memcg = cf->memcg }, &page))
		return MM_SCAN_FAIL;
	if (mm_xa_is_swap(v))
		mm_lru_add_drain(c);
	*pfn = page.pfn;
	return MM_SCAN_SUCCEED;
}

static enum mm_scan_result file_page(struct collapse_file *cf, uint64_t index, mm_pfn_t *pfn)
{
	struct mm_cache *c = cf->f->cache;
	struct mm_page *p;

	*pfn = mm_filemap_get_folio(c, cf->as, index);
	if (*pfn == MM_PFN_NONE) {
		mm_page_cache_sync_ra(c, cf->file, index, cf->start + MM_PMD_PAGES - index, cf->memcg);
		mm_lru_add_drain(c);
		*pfn = mm_filemap_get_folio(c, cf->as, index);
		if (*pfn == MM_PFN_NONE)
			return MM_SCAN_FAIL;
	}
	p = mm_cache_page(c, *pfn);
	if (p->flags & MM_PG_LOCKED)
		mm_readahead_end(c);
	if (p->flags & MM_PG_DIRTY) {		/* it is clean when khugepaged comes by again */
		mm_filemap_writeback(c, cf->as, 0, UINT64_MAX);
		return MM_SCAN_FAIL;
	}
	if (p->flags & MM_PG_WRITEBACK || !(p->flags & MM_PG_UPTODATE))
		return MM_SCAN_FAIL;
	mm_folio_get(c, *pfn);
	return MM_SCAN_SUCCEED;
}

/* One page off the LRU and out of all tables; on success isolation's reference is kept in cf->old. */
static enum mm_scan_result take_page(struct collapse_file *cf, uint64_t index)
{
	struct mm_cache *c = cf->f->cache;
	enum mm_scan_result r = MM_SCAN_SUCCEED;
	struct mm_page *p;
	mm_pfn_t pfn;

	r = cf->shmem ? shmem_page(cf, index, &pfn) : file_page(cf, index, &pfn);
	if (r != MM_SCAN_SUCCEED)
		return r;
	cf->nr_none += pfn == MM_PFN_NONE;
	if (pfn == MM_PFN_NONE)
		return r;
	p = mm_cache_page(c, pfn);
	if (p->flags & MM_PG_HEAD) {
		r = huge_folio_at(p, cf->start);
	} else if (!mm_folio_isolate_lru(c, pfn)) {
		r = MM_SCAN_DEL_PAGE_LRU;
	} else {
		if (mm_folio_mapped(cf->f->phys, pfn))
			mm_try_to_unmap(cf->f->virt, pfn, MM_TTU_IGNORE_MLOCK);
		if (mm_page_ref_count(p) == 3)		/* ours, the isolation's, the page cache's */
			cf->old[cf->nr++] = pfn;
		else
			r = MM_SCAN_PAGE_COUNT;
		if (r != MM_SCAN_SUCCEED)
			mm_folio_putback_lru(c, pfn);
	}
	mm_folio_put(c, pfn);
	return r;
}

/* Who waits for a missing page with userfaultfd must not be cheated of it. */
static bool somebody_waits(const struct collapse_file *cf)
{
	uint64_t last = cf->start + MM_PMD_PAGES;

	for (struct mm_vma *vma = mm_vma_interval_tree_iter_first(cf->as, cf->start, last); vma;
	     vma = mm_vma_interval_tree_iter_next(vma, cf->start, last))
		if (vma->vm_flags & MM_VM_UFFD_MISSING)
			return true;
	return false;
}

/* Every VMA that has the 2M aligned and no page of its own loses the table, which is empty now. */
static void retract_page_tables(struct mm_address_space *as, uint64_t pgoff)
{
	for (struct mm_vma *vma = mm_vma_interval_tree_iter_first(as, pgoff, pgoff); vma;
	     vma = mm_vma_interval_tree_iter_next(vma, pgoff, pgoff)) {
		uint64_t vaddr = vma->vm_start + ((pgoff - vma->vm_pgoff) << MM_PAGE_SHIFT);
		struct mm_struct *mm = vma->vm_mm;
		mm_pte_t *pmd;

		if (vma->anon_vma || vma->vm_flags & MM_VM_UFFD_WP || vaddr & (MM_PMD_SIZE - 1) || vma->vm_end < vaddr + MM_PMD_SIZE)
			continue;
		pmd = mm->pgd == MM_PFN_NONE ? NULL : mm_pmd_offset(mm, vaddr);
		if (pmd && !mm_pte_none(*pmd) && !mm_pmd_trans_huge(*pmd))
			mm_pte_table_retract(mm, pmd, vaddr);
	}
}

/* The new folio takes the old pages' place. */
static enum mm_scan_result join(struct collapse_file *cf, mm_pfn_t head)
{
	struct mm_cache *c = cf->f->cache;
	struct mm_page *p = mm_cache_page(c, head);

	c->xa_payer = cf->memcg;
	if (mm_cache_xa_store_order(c, &cf->as->i_pages, cf->start, MM_PMD_ORDER, (uint64_t)head + 1, MM_GFP_KERNEL))
		return MM_SCAN_FAIL;
	mm_fault_copy_contents(cf->f, head, MM_PFN_NONE, MM_PMD_PAGES);
	for (uint32_t i = 0; i < cf->nr; i++)
		mm_fault_copy_contents(cf->f, head + (mm_pfn_t)(mm_cache_page(c, cf->old[i])->index - cf->start), cf->old[i], 1);
	p->flags |= MM_PG_UPTODATE | (cf->shmem ? MM_PG_SWAPBACKED | MM_PG_DIRTY : 0);
	p->index = cf->start;
	p->mapping = cf->as->id;
	p->refs = MM_PMD_PAGES;		/* the page cache's: ours is one of them */
	mm_filemap_count_thp(c, cf->as, MM_PMD_PAGES);
	mm_count(c->ctx, MM_NR_FILE_PAGES, cf->nr_none);
	if (cf->shmem)
		mm_count(c->ctx, MM_NR_SHMEM, cf->nr_none);
	mm_mapping_add_pages(c, cf->as, cf->nr_none, 0);
	mm_folio_add_lru(c, head);
	retract_page_tables(cf->as, cf->start);
	for (uint32_t i = 0; i < cf->nr; i++) {
		mm_cache_page(c, cf->old[i])->mapping = 0;
		mm_cache_page(c, cf->old[i])->refs--;	/* the page cache's */
		mm_folio_put(c, cf->old[i]);
	}
	return MM_SCAN_SUCCEED;
}

static enum mm_scan_result collapse_file(struct mm_fault *f, struct mm_struct *mm, struct mm_file *file, uint64_t start, bool khugepaged,
					 const struct mm_node_load *load)
{
	struct collapse_file cf = {
		.f = f, .file = file, .as = &file->inode->mapping, .memcg = mm->memcg, .start = start,
		.shmem = mm_mapping_is_shmem(&file->inode->mapping),
	};
	mm_pfn_t head;
	enum mm_scan_result r = mm_collapse_alloc_folio(f, mm->memcg, khugepaged, load, &head);

	if (r != MM_SCAN_SUCCEED)
		return r;
	for (uint64_t i = 0; i < MM_PMD_PAGES && r == MM_SCAN_SUCCEED; i++)
		r = take_page(&cf, start + i);
	if (r == MM_SCAN_SUCCEED && !cf.shmem && file->f_mode & MM_FMODE_WRITE)
		r = MM_SCAN_FAIL;
	if (r == MM_SCAN_SUCCEED && cf.nr_none && somebody_waits(&cf))
		r = MM_SCAN_EXCEED_NONE_PTE;
	if (r == MM_SCAN_SUCCEED)
		r = join(&cf, head);
	if (r == MM_SCAN_SUCCEED)
		return khugepaged ? r : MM_SCAN_PTE_MAPPED_HUGEPAGE;
	for (uint32_t i = 0; i < cf.nr; i++)
		mm_folio_putback_lru(f->cache, cf.old[i]);
	mm_folio_put(f->cache, head);
	return r;
}

enum mm_scan_result mm_collapse_scan_file(struct mm_fault *f, struct mm_struct *mm, struct mm_file *file, uint64_t start, bool khugepaged)
{
	const struct mm_address_space *as = &file->inode->mapping;
	int64_t max_swap = mm_sysctl(f->ctx, MM_SYSCTL_KHUGEPAGED_MAX_SWAP), max_none = mm_sysctl(f->ctx, MM_SYSCTL_KHUGEPAGED_MAX_NONE);
	int64_t present = 0, swapped = 0;
	struct mm_node_load load = { 0 };
	uint64_t v;

	for (uint64_t i = start; mm_xa_find(&as->i_pages, &i, &v) && i < start + MM_PMD_PAGES; i++) {
		const struct mm_page *p;

		if (!mm_xa_is_page(v)) {	/* a shadow counts as swapped too */
			if (++swapped > max_swap && khugepaged) {
				mm_count(f->ctx, MM_THP_SCAN_EXCEED_SWAP_PTE, 1);
				return MM_SCAN_EXCEED_SWAP_PTE;
			}
			continue;
		}
		p = mm_page(f->phys, (mm_pfn_t)(v - 1));
		if (p->flags & MM_PG_HEAD)
			return huge_folio_at(p, start);
		load.nr[mm_page_nid(f->phys, (mm_pfn_t)(v - 1))]++;
		if (!(p->flags & MM_PG_LRU))
			return MM_SCAN_PAGE_LRU;
		if (p->refs != 1)
			return MM_SCAN_PAGE_COUNT;
		present++;
	}
	if (khugepaged && present < (int64_t)MM_PMD_PAGES - max_none) {
		mm_count(f->ctx, MM_THP_SCAN_EXCEED_NONE_PTE, 1);
		return MM_SCAN_EXCEED_NONE_PTE;
	}
	return collapse_file(f, mm, file, start, khugepaged, &load);
}

/* ---- one address space ---- */

/* Every entry is empty or maps its page of @head. */
static enum mm_scan_result look_at_table(const struct mm_struct *mm, const mm_pte_t *pmd, uint64_t start, mm_pfn_t head)
{
	const mm_pte_t *pte;

	for (uint64_t v = start; (pte = mm_next_pte(mm, pmd, &v, start + MM_PMD_SIZE)); v += MM_PAGE_SIZE) {
		if (mm_pte_none(*pte))
			continue;
		if (!mm_pte_present(*pte))
			return MM_SCAN_PTE_NON_PRESENT;
		if (mm_vm_normal_page(*pte) != head + mm_level_index(v, 1))
			return MM_SCAN_FAIL;
	}
	return MM_SCAN_SUCCEED;
}

static void drop_table(struct mm_fault *f, struct mm_vma *vma, uint64_t start, mm_pte_t *pmd)
{
	struct mm_struct *mm = vma->vm_mm;
	mm_pte_t *pte;

	for (uint64_t v = start; (pte = mm_next_pte(mm, pmd, &v, start + MM_PMD_SIZE)); v += MM_PAGE_SIZE) {
		mm_pfn_t pfn = mm_pte_none(*pte) ? MM_PFN_NONE : mm_pte_pfn(*pte), head;

		if (pfn == MM_PFN_NONE)
			continue;
		head = mm_page_head(f->phys, pfn);
		*pte = 0;
		mm_page_remove_rmap(vma, pfn, false);
		mm->rss[mm_page(f->phys, head)->flags & MM_PG_SWAPBACKED ? MM_SHMEMPAGES : MM_FILEPAGES]--;
		mm_folio_put(f->cache, head);
	}
	mm_pte_table_retract(mm, pmd, start);
}

enum mm_scan_result mm_collapse_pte_mapped_thp(struct mm_fault *f, struct mm_struct *mm, uint64_t start, bool install)
{
	struct mm_vma *vma = mm_vma_lookup(mm, start);
	struct mm_vm_fault v = { .f = f, .vma = vma, .vaddr = start };
	enum mm_scan_result r = MM_SCAN_SUCCEED;
	mm_pfn_t head;

	if (!vma || !vma->vm_file || start < vma->vm_start || start + MM_PMD_SIZE > vma->vm_end)
		return MM_SCAN_VMA_CHECK;
	v.pmd = mm_pmd_offset(mm, start);
	if (v.pmd && mm_pmd_trans_huge(*v.pmd))
		return MM_SCAN_PMD_MAPPED;
	if (!mm_hugepage_vma_check(vma, vma->vm_flags, 0))
		return MM_SCAN_VMA_CHECK;
	if (vma->vm_flags & MM_VM_UFFD_WP)
		return MM_SCAN_PTE_UFFD_WP;
	head = mm_filemap_get_folio(f->cache, &vma->vm_file->inode->mapping, mm_linear_page_index(vma, start));
	if (head == MM_PFN_NONE)
		return MM_SCAN_PAGE_NULL;
	if (!(mm_page(f->phys, head)->flags & MM_PG_HEAD))
		return MM_SCAN_FAIL;
	if (!v.pmd)
		return MM_SCAN_PMD_NULL;
	if (!mm_pte_none(*v.pmd)) {
		r = look_at_table(mm, v.pmd, start, head);
		if (r != MM_SCAN_SUCCEED)
			return r;
		drop_table(f, vma, start, v.pmd);
	}
	if (!install)
		return r;
	v.pmd = mm_pmd_alloc(mm, start);
	if (!v.pmd)
		return MM_SCAN_ALLOC_FAIL;
	mm_folio_get(f->cache, head);
	if (!mm_do_set_pmd(&v, head, false))
		return r;
	mm_folio_put(f->cache, head);
	return MM_SCAN_FAIL;
}
