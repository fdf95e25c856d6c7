/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * 512 small pages become one 2M page, for khugepaged or MADV_COLLAPSE.
 *
 * The table is looked at first: every entry must be empty, the zero page, swapped (it is then read in) or an
 * anonymous page on the LRU that nobody else holds, and one of them writable; khugepaged wants not too many of the
 * first three, and a page that was used. Then the pages are copied into a new 2M page and freed. Model: Linux 6.6
 * mm/khugepaged.c madvise_collapse(), hpage_collapse_scan_pmd(), collapse_huge_page(). Files: collapse_file.c.
 */
#include <errno.h>

#include "cache/swap.h"
#include "fault/internal.h"
#include "fault/khugepaged.h"
#include "virt/ksm.h"
#include "virt/userfaultfd.h"

/* is_refcount_suitable(): only its mappings and the swap cache hold it */
static bool held_by_others(const struct mm_page *head)
{
	uint32_t nr = head->flags & MM_PG_HEAD ? MM_PMD_PAGES : 1;

	return head->refs != (head->flags & MM_PG_SWAPCACHE ? nr : 0);
}

/* What a look at the 512 entries counts. */
struct look {
	uint32_t none, swapped, shared, referenced;
	bool writable;
	struct mm_node_load load;
};

static enum mm_scan_result exceed(struct mm_fault *f, enum mm_counter counter, enum mm_scan_result result)
{
	mm_count(f->ctx, counter, 1);
	return result;
}

/* One page that is there; SUCCEED: go on. */
static enum mm_scan_result look_at_page(struct mm_fault *f, mm_pte_t pte, bool khugepaged, struct look *l)
{
	mm_pfn_t pfn = mm_vm_normal_page(pte);
	struct mm_page *p;

	if (pte & MM_PTE_UFFD_WP)
		return MM_SCAN_PTE_UFFD_WP;
	l->writable |= mm_pte_write(pte);
	if (pfn == MM_PFN_NONE)
		return MM_SCAN_PAGE_NULL;
	if (mm_page_mapcount(f->phys, pfn) > 1 && ++l->shared > mm_sysctl(f->ctx, MM_SYSCTL_KHUGEPAGED_MAX_SHARED) && khugepaged)
		return exceed(f, MM_THP_SCAN_EXCEED_SHARE_PTE, MM_SCAN_EXCEED_SHARED_PTE);
	p = mm_page(f->phys, mm_page_head(f->phys, pfn));
	l->load.nr[mm_page_nid(f->phys, pfn)]++;
	if (!(p->flags & MM_PG_LRU))
		return MM_SCAN_PAGE_LRU;
	if (!(p->flags & MM_PG_ANON))
		return MM_SCAN_PAGE_ANON;
	if (held_by_others(p))
		return MM_SCAN_PAGE_COUNT;
	l->referenced += mm_pte_young(pte) || p->flags & (MM_PG_YOUNG | MM_PG_REFERENCED);
	return MM_SCAN_SUCCEED;
}

/*
 * The entries before the 2M page is made (@last false), and once more when nothing can change any more: then every
 * page must be there.
 */
static enum mm_scan_result scan_table(struct mm_fault *f, const struct mm_vma *vma, mm_pfn_t table, bool khugepaged, bool last,
				      struct look *l)
{
	bool armed = vma->vm_flags & MM_VM_UFFD_FLAGS;	/* who handles the faults of it would miss one */

	*l = (struct look){ 0 };
	for (unsigned int i = 0; i < MM_PTRS_PER_TABLE; i++) {
		const mm_pte_t pte = *mm_table_entry(f->virt, table, i);
		enum mm_scan_result r;

		if (mm_is_swap_pte(pte)) {
			if (last)
				return MM_SCAN_PTE_NON_PRESENT;
			if (++l->swapped > mm_sysctl(f->ctx, MM_SYSCTL_KHUGEPAGED_MAX_SWAP) && khugepaged)
				return exceed(f, MM_THP_SCAN_EXCEED_SWAP_PTE, MM_SCAN_EXCEED_SWAP_PTE);
			if (pte & MM_SWP_UFFD_WP || pte == MM_PTE_MARKER_UFFD_WP)	/* pte_swp_uffd_wp_any() */
				return MM_SCAN_PTE_UFFD_WP;
			continue;
		}
		if (mm_pte_none(pte) || mm_pte_pfn(pte) == f->virt->zero_pfn) {
			if (armed || (++l->none > mm_sysctl(f->ctx, MM_SYSCTL_KHUGEPAGED_MAX_NONE) && khugepaged))
				return exceed(f, MM_THP_SCAN_EXCEED_NONE_PTE, MM_SCAN_EXCEED_NONE_PTE);
			continue;
		}
		r = look_at_page(f, pte, khugepaged, l);
		if (r != MM_SCAN_SUCCEED)
			return r;
	}
	if (!l->writable)
		return MM_SCAN_PAGE_RO;
	if (khugepaged && (!l->referenced || (l->swapped && l->referenced < MM_PMD_PAGES / 2)))
		return MM_SCAN_LACK_REFERENCED_PAGE;
	return MM_SCAN_SUCCEED;
}

static enum mm_scan_result swap_in(struct mm_fault *f, struct mm_vma *vma, uint64_t start, mm_pte_t *pmd)
{
	unsigned int ret;

	for (unsigned int i = 0; i < MM_PTRS_PER_TABLE; i++) {
		uint64_t vaddr = start + i * (uint64_t)MM_PAGE_SIZE;
		struct mm_vm_fault v = {
			.f = f, .vma = vma, .vaddr = vaddr, .flags = MM_FAULT_FLAG_ALLOW_RETRY,
			.pgoff = mm_linear_page_index(vma, vaddr), .pmd = pmd, .page = MM_PFN_NONE, .prealloc = MM_PFN_NONE,
		};

		v.pte = mm_pte_of(vma->vm_mm, pmd, vaddr);
		v.orig = *v.pte;
		if (v.orig == MM_PTE_MARKER_POISONED)
			return MM_SCAN_FAIL;
		if (!mm_is_swap_pte(v.orig))
			continue;
		ret = mm_do_swap_page(&v);
		if (ret & (MM_VM_FAULT_RETRY | MM_VM_FAULT_ERROR))
			return ret & MM_VM_FAULT_RETRY ? MM_SCAN_PAGE_LOCK : MM_SCAN_FAIL;
	}
	mm_lru_add_drain(f->cache);
	return MM_SCAN_SUCCEED;
}

/* Every small page into @head, then away with it. */
static void copy_pages(struct mm_fault *f, struct mm_vma *vma, mm_pte_t *pte, mm_pfn_t head)
{
	for (unsigned int i = 0; i < MM_PTRS_PER_TABLE; i++) {
		mm_pfn_t pfn = mm_pte_none(pte[i]) ? MM_PFN_NONE : mm_vm_normal_page(pte[i]), old;

		mm_fault_copy_contents(f, head + i, pfn, 1);
		if (pfn == MM_PFN_NONE) {
			mm_ksm_might_unmap_zero_page(vma->vm_mm, pte[i]);
			pte[i] = 0;
			vma->vm_mm->rss[MM_ANONPAGES]++;
			continue;
		}
		pte[i] = 0;
		old = mm_page_head(f->phys, pfn);
		mm_page_remove_rmap(vma, pfn, false);
		if (mm_page(f->phys, old)->flags & MM_PG_SWAPCACHE && !mm_folio_mapped(f->phys, old))
			mm_folio_free_swap(f->cache, old);
		mm_folio_put(f->cache, old);
	}
}

static mm_gfp_t collapse_gfp(const struct mm_fault *f, bool khugepaged)
{
	return khugepaged && !mm_sysctl(f->ctx, MM_SYSCTL_KHUGEPAGED_DEFRAG) ? MM_GFP_TRANSHUGE_LIGHT : MM_GFP_TRANSHUGE;
}

/* The node to begin with; *@nodes: those that have as many. */
static uint32_t hpage_collapse_find_target_node(const struct mm_fault *f, const struct mm_node_load *load, mm_nodes_t *nodes)
{
	uint32_t target = 0;

	*nodes = 0;
	for (uint32_t nid = 1; nid < MM_MAX_NODES; nid++)
		if (load->nr[nid] > load->nr[target])
			target = nid;
	for (uint32_t nid = 0; nid < MM_MAX_NODES; nid++)
		if (load->nr[nid] == load->nr[target])
			*nodes |= f->ctx->numa.online & mm_node_bit(nid);
	return target;
}

enum mm_scan_result mm_collapse_alloc_folio(struct mm_fault *f, struct mm_memcg *memcg, bool khugepaged, const struct mm_node_load *load,
					    mm_pfn_t *headp)
{
	mm_gfp_t gfp = collapse_gfp(f, khugepaged);
	mm_nodes_t nodes;
	uint32_t nid = hpage_collapse_find_target_node(f, load, &nodes);
	mm_pfn_t head = mm_alloc_pages_nodemask(f->phys, nid, nodes, gfp, MM_PMD_ORDER);

	if (head == MM_PFN_NONE) {
		mm_count(f->ctx, MM_THP_COLLAPSE_ALLOC_FAILED, 1);
		return MM_SCAN_ALLOC_FAIL;
	}
	mm_count(f->ctx, MM_THP_COLLAPSE_ALLOC, 1);
	mm_memcg_count(memcg, MM_THP_COLLAPSE_ALLOC, 1);
	mm_folio_prep_transhuge(f->phys, head);
	if (mm_mem_cgroup_charge(f->cache, head, memcg, gfp)) {
		mm_folio_put(f->cache, head);
		return MM_SCAN_CHARGE_FAIL;
	}
	*headp = head;
	return MM_SCAN_SUCCEED;
}

static enum mm_scan_result collapse_huge_page(struct mm_fault *f, struct mm_vma *vma, uint64_t start, mm_pte_t *pmd, bool khugepaged,
					      struct look *l)
{
	struct mm_struct *mm = vma->vm_mm;
	mm_pfn_t head, table;
	mm_pte_t *pte;
	enum mm_scan_result r = mm_collapse_alloc_folio(f, mm->memcg, khugepaged, &l->load, &head);

	if (r != MM_SCAN_SUCCEED)
		return r;
	if (l->swapped)
		r = swap_in(f, vma, start, pmd);
	if (r == MM_SCAN_SUCCEED) {
		mm_flush_tlb_range(mm, start, start + MM_PMD_SIZE);
		r = scan_table(f, vma, mm_pte_pfn(*pmd), khugepaged, true, l);
	}
	pte = r == MM_SCAN_SUCCEED ? mm_table_whole(mm, pmd) : NULL;	/* a split finds it so */
	if (r == MM_SCAN_SUCCEED && !pte)
		r = MM_SCAN_ALLOC_FAIL;
	if (r != MM_SCAN_SUCCEED) {
		mm_folio_put(f->cache, head);
		return r;
	}
	table = mm_pte_pfn(*pmd);
	copy_pages(f, vma, pte, head);
	mm_page(f->phys, head)->flags |= MM_PG_UPTODATE;
	mm_folio_add_new_anon_rmap(vma, head, start);
	mm_folio_add_lru_vma(f->cache, head, (vma->vm_flags & (MM_VM_LOCKED | MM_VM_SPECIAL)) == MM_VM_LOCKED);
	mm_pgtable_deposit(mm, start, table);
	mm_dec_nr_ptes(mm);	/* the table was counted before */
	*pmd = mm_maybe_mkwrite(vma, mm_pte_mkdirty(mm_mk_pte(head, mm_vma_page_prot(vma)) | MM_PTE_PSE));
	return MM_SCAN_SUCCEED;
}

enum mm_scan_result mm_collapse_scan_pmd(struct mm_fault *f, struct mm_vma *vma, uint64_t start, struct mm_collapse_control *cc)
{
	mm_pte_t *pmd = mm_pmd_offset(vma->vm_mm, start);
	enum mm_scan_result r;
	struct look l;

	if (!pmd)
		return MM_SCAN_PMD_NULL;
	if (mm_pte_none(*pmd))
		return MM_SCAN_PMD_NONE;
	if (mm_pmd_trans_huge(*pmd))
		return MM_SCAN_PMD_MAPPED;
	r = scan_table(f, vma, mm_pte_pfn(*pmd), cc->is_khugepaged, false, &l);
	cc->attempted = r == MM_SCAN_SUCCEED;
	return r == MM_SCAN_SUCCEED ? collapse_huge_page(f, vma, start, pmd, cc->is_khugepaged, &l) : r;
}

static int errno_of(enum mm_scan_result r)
{
	switch (r) {
	case MM_SCAN_ALLOC_FAIL:
		return -ENOMEM;
	case MM_SCAN_CHARGE_FAIL:
	case MM_SCAN_EXCEED_NONE_PTE:
		return -EBUSY;
	case MM_SCAN_PAGE_COUNT:
	case MM_SCAN_PAGE_LOCK:
	case MM_SCAN_PAGE_LRU:
	case MM_SCAN_DEL_PAGE_LRU:
		return -EAGAIN;
	default:
		return -EINVAL;
	}
}

/* Something about these pages: the 2M behind them may do better. */
static bool may_go_on(enum mm_scan_result r)
{
	return r == MM_SCAN_PMD_NULL || r == MM_SCAN_PTE_NON_PRESENT || r == MM_SCAN_PTE_UFFD_WP || r == MM_SCAN_PAGE_RO ||
	       r == MM_SCAN_LACK_REFERENCED_PAGE || r == MM_SCAN_PAGE_NULL || r == MM_SCAN_PAGE_COUNT || r == MM_SCAN_PAGE_LOCK ||
	       r == MM_SCAN_PAGE_LRU || r == MM_SCAN_DEL_PAGE_LRU || r == MM_SCAN_PAGE_COMPOUND;
}

static enum mm_scan_result collapse_one(struct mm_fault *f, struct mm_vma *vma, uint64_t vaddr)
{
	struct mm_collapse_control cc = { 0 };
	enum mm_scan_result r;

	if (!vma->vm_file)
		return mm_collapse_scan_pmd(f, vma, vaddr, &cc);
	r = mm_collapse_scan_file(f, vma->vm_mm, vma->vm_file, mm_linear_page_index(vma, vaddr), false);
	return r == MM_SCAN_PTE_MAPPED_HUGEPAGE ? mm_collapse_pte_mapped_thp(f, vma->vm_mm, vaddr, true) : r;
}

int mm_madvise_collapse(struct mm_fault *f, struct mm_vma *vma, uint64_t start, uint64_t end)
{
	uint64_t from = (start + MM_PMD_SIZE - 1) & ~(MM_PMD_SIZE - 1), to = end & ~(MM_PMD_SIZE - 1);
	enum mm_scan_result last = MM_SCAN_FAIL;
	uint64_t thps = 0;

	if (!mm_hugepage_vma_check(vma, vma->vm_flags, 0))	/* thp=never is no matter */
		return -EINVAL;
	mm_lru_add_drain_all(f->cache);
	for (uint64_t vaddr = from; vaddr < to; vaddr += MM_PMD_SIZE) {
		enum mm_scan_result r = collapse_one(f, vma, vaddr);

		if (r == MM_SCAN_SUCCEED || r == MM_SCAN_PMD_MAPPED) {
			thps++;
			continue;
		}
		last = r;
		if (!may_go_on(r))
			break;
	}
	return thps == (to - from) >> MM_PMD_SHIFT ? 0 : errno_of(last);
}
