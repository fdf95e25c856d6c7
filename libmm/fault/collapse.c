/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * MADV_COLLAPSE: 512 small pages become one 2M page.
 *
 * The table is looked at first: every entry must be empty, the zero page, swapped (it is then read in) or an
 * anonymous page on the LRU that nobody else holds, and one of them writable. Then the pages are
 * copied into a new 2M page and freed. Model: Linux 6.6 mm/khugepaged.c madvise_collapse(),
 * hpage_collapse_scan_pmd(), collapse_huge_page(). Left out: files and shared memory.
 */
#include <errno.h>

#include "cache/swap.h"
#include "fault/internal.h"

/* enum scan_result, as far as it tells results apart */
enum scan {
	SCAN_SUCCEED, SCAN_FAIL, SCAN_PMD_NULL, SCAN_PMD_NONE, SCAN_PTE_NON_PRESENT, SCAN_PAGE_RO, SCAN_PAGE_COUNT,
	SCAN_PAGE_LRU, SCAN_PAGE_LOCK, SCAN_PAGE_ANON, SCAN_ALLOC_FAIL, SCAN_CHARGE_FAIL,
};

/* is_refcount_suitable(): only its mappings and the swap cache hold it */
static bool held_by_others(const struct mm_page *head)
{
	uint32_t nr = head->flags & MM_PG_HEAD ? MM_PMD_PAGES : 1;

	return head->refs != (head->flags & MM_PG_SWAPCACHE ? nr : 0);
}

static enum scan scan_table(struct mm_fault *f, const mm_pte_t *pte, uint32_t *swapped)
{
	bool writable = false;

	*swapped = 0;
	for (unsigned int i = 0; i < MM_PTRS_PER_TABLE; i++) {
		mm_pfn_t pfn = mm_pte_none(pte[i]) ? MM_PFN_NONE : mm_vm_normal_page(pte[i]);
		struct mm_page *p;

		*swapped += mm_is_swap_pte(pte[i]);
		if (pfn == MM_PFN_NONE)
			continue;
		writable |= mm_pte_write(pte[i]);
		p = mm_page(f->phys, mm_page_head(f->phys, pfn));
		if (!(p->flags & MM_PG_LRU))
			return SCAN_PAGE_LRU;
		if (!(p->flags & MM_PG_ANON))
			return SCAN_PAGE_ANON;
		if (held_by_others(p))
			return SCAN_PAGE_COUNT;
	}
	return writable ? SCAN_SUCCEED : SCAN_PAGE_RO;
}

static enum scan swap_in(struct mm_fault *f, struct mm_vma *vma, uint64_t start, mm_pte_t *pmd)
{
	for (unsigned int i = 0; i < MM_PTRS_PER_TABLE; i++) {
		uint64_t vaddr = start + i * (uint64_t)MM_PAGE_SIZE;
		struct mm_vm_fault v = {
			.f = f, .vma = vma, .vaddr = vaddr, .flags = MM_FAULT_FLAG_ALLOW_RETRY,
			.pgoff = mm_linear_page_index(vma, vaddr), .pmd = pmd, .page = MM_PFN_NONE, .prealloc = MM_PFN_NONE,
		};

		unsigned int ret;

		v.pte = mm_pte_of(vma->vm_mm, pmd, vaddr);
		v.orig = *v.pte;
		ret = mm_is_swap_pte(v.orig) ? mm_do_swap_page(&v) : 0;
		if (ret & MM_VM_FAULT_RETRY)
			return SCAN_PAGE_LOCK;
		if (ret & MM_VM_FAULT_ERROR)
			return SCAN_FAIL;
	}
	mm_lru_add_drain(f->cache);
	return SCAN_SUCCEED;
}

/* Every small page into @head, then away with it. */
static void copy_pages(struct mm_fault *f, struct mm_vma *vma, mm_pte_t *pte, mm_pfn_t head)
{
	for (unsigned int i = 0; i < MM_PTRS_PER_TABLE; i++) {
		mm_pfn_t pfn = mm_pte_none(pte[i]) ? MM_PFN_NONE : mm_vm_normal_page(pte[i]), old;

		mm_fault_copy_contents(f, head + i, pfn, 1);
		pte[i] = 0;
		if (pfn == MM_PFN_NONE) {
			vma->vm_mm->rss[MM_ANONPAGES]++;
			continue;
		}
		old = mm_page_head(f->phys, pfn);
		mm_page_remove_rmap(vma, pfn, false);
		if (mm_page(f->phys, old)->flags & MM_PG_SWAPCACHE && !mm_folio_mapped(f->phys, old))
			mm_folio_free_swap(f->cache, old);
		mm_folio_put(f->cache, old);
	}
}

static enum scan collapse(struct mm_fault *f, struct mm_vma *vma, uint64_t start, mm_pte_t *pmd, uint32_t swapped)
{
	enum { VM_SPECIAL = MM_VM_IO | MM_VM_DONTEXPAND | MM_VM_PFNMAP | MM_VM_MIXEDMAP };
	struct mm_struct *mm = vma->vm_mm;
	mm_gfp_t gfp = MM_GFP_TRANSHUGE | __MM_GFP_THISNODE;
	mm_pfn_t head = mm_alloc_pages(f->phys, gfp, MM_PMD_ORDER), table;
	enum scan r = SCAN_SUCCEED;

	if (head == MM_PFN_NONE) {
		mm_count(f->ctx, MM_THP_COLLAPSE_ALLOC_FAILED, 1);
		return SCAN_ALLOC_FAIL;
	}
	mm_count(f->ctx, MM_THP_COLLAPSE_ALLOC, 1);
	mm_folio_prep_transhuge(f->phys, head);
	if (mm_mem_cgroup_charge(f->cache, head, mm->memcg, gfp))
		r = SCAN_CHARGE_FAIL;
	if (r == SCAN_SUCCEED && swapped)
		r = swap_in(f, vma, start, pmd);
	if (r == SCAN_SUCCEED)
		r = scan_table(f, mm_pte_of(mm, pmd, start), &swapped);
	if (r != SCAN_SUCCEED || swapped) {
		mm_folio_put(f->cache, head);
		return r == SCAN_SUCCEED ? SCAN_PTE_NON_PRESENT : r;
	}
	table = mm_pte_pfn(*pmd);
	mm_flush_tlb_range(mm, start, start + MM_PMD_SIZE);
	copy_pages(f, vma, mm_table_of(mm->virt, table), head);
	mm_page(f->phys, head)->flags |= MM_PG_UPTODATE;
	mm_folio_add_new_anon_rmap(vma, head, start);
	mm_folio_add_lru_vma(f->cache, head, (vma->vm_flags & (MM_VM_LOCKED | VM_SPECIAL)) == MM_VM_LOCKED);
	mm_pgtable_deposit(mm, start, table);
	mm_dec_nr_ptes(mm);	/* the table was counted before */
	*pmd = mm_maybe_mkwrite(vma, mm_pte_mkdirty(mm_mk_pte(head, mm_vma_page_prot(vma)) | MM_PTE_PSE));
	return SCAN_SUCCEED;
}

static enum scan collapse_one(struct mm_fault *f, struct mm_vma *vma, uint64_t start)
{
	mm_pte_t *pmd = mm_pmd_offset(vma->vm_mm, start);
	uint32_t swapped;
	enum scan r;

	if (!pmd)
		return SCAN_PMD_NULL;
	if (mm_pte_none(*pmd))
		return SCAN_PMD_NONE;
	if (mm_pmd_trans_huge(*pmd))
		return SCAN_SUCCEED;
	r = scan_table(f, mm_pte_of(vma->vm_mm, pmd, start), &swapped);
	return r == SCAN_SUCCEED ? collapse(f, vma, start, pmd, swapped) : r;
}

static int errno_of(enum scan r)
{
	switch (r) {
	case SCAN_ALLOC_FAIL:
		return -ENOMEM;
	case SCAN_CHARGE_FAIL:
		return -EBUSY;
	case SCAN_PAGE_COUNT:
	case SCAN_PAGE_LRU:
	case SCAN_PAGE_LOCK:
		return -EAGAIN;
	default:
		return -EINVAL;
	}
}

/* hugepage_vma_check() without the setting: MADV_COLLAPSE works with thp=never too */
static bool vma_check(const struct mm_vma *vma)
{
	const uint64_t never = MM_VM_NOHUGEPAGE | MM_VM_IO | MM_VM_DONTEXPAND | MM_VM_PFNMAP | MM_VM_MIXEDMAP | MM_VM_HUGETLB;
	uint64_t first = (vma->vm_start + MM_PMD_SIZE - 1) & ~(MM_PMD_SIZE - 1);

	return !(vma->vm_flags & never) && first + MM_PMD_SIZE <= vma->vm_end && mm_vma_is_anonymous(vma) && vma->anon_vma;
}

/* Is there sense in looking at the next 2M after @r? */
static bool go_on(enum scan r)
{
	switch (r) {
	case SCAN_FAIL:
	case SCAN_PMD_NONE:
	case SCAN_PAGE_ANON:
	case SCAN_ALLOC_FAIL:
	case SCAN_CHARGE_FAIL:
		return false;
	default:
		return true;
	}
}

/* A range without a whole 2M is refused when it lies inside one, and nothing to do when it only touches the border. */
int mm_madvise_collapse(struct mm_fault *f, struct mm_vma *vma, uint64_t start, uint64_t end)
{
	uint64_t from = (start + MM_PMD_SIZE - 1) & ~(MM_PMD_SIZE - 1), to = end & ~(MM_PMD_SIZE - 1), thps = 0;
	enum scan last = SCAN_FAIL;

	if (!vma_check(vma))
		return -EINVAL;
	mm_lru_add_drain_all(f->cache);
	for (uint64_t vaddr = from; vaddr < to; vaddr += MM_PMD_SIZE) {
		enum scan r = collapse_one(f, vma, vaddr);

		if (r == SCAN_SUCCEED)
			thps++;
		else
			last = r;
		if (!go_on(r))
			break;
	}
	return thps == (to - from) >> MM_PMD_SHIFT ? 0 : errno_of(last);
}
