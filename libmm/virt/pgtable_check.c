/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Does an address space believe what its page tables say? A recount from the top.
 *
 * Every table is a table page of its level and counted once in pgtables_bytes, those set aside
 * for 2M entries too; every entry lies in a VMA and points at a page that knows it is
 * mapped; the sums by kind of page are the rss; D never stands without RW. The PMD entry that is remembered is the one found by a walk.
 */
#include "cache/swap.h"
#include "virt/rmap.h"

struct recount {
	const struct mm_struct *mm;
	int64_t rss[MM_NR_RSS];
	uint64_t tables, hugetlb;
	const struct mm_vma *vma;	/* of the last entry */
};

static bool in_vma(struct recount *rc, uint64_t vaddr)
{
	if (!rc->vma || vaddr >= rc->vma->vm_end)
		rc->vma = mm_find_vma(rc->mm, vaddr);
	return rc->vma && vaddr >= rc->vma->vm_start;
}

static bool check_page(struct recount *rc, mm_pte_t e, mm_pfn_t pfn, uint32_t nr)
{
	const struct mm_phys *phys = rc->mm->virt->phys;
	const struct mm_page *head = mm_page(phys, mm_page_head(phys, pfn));

	if (pfn >= phys->max_pfn || head->flags & (MM_PG_BUDDY | MM_PG_PCP | MM_PG_TABLE) || head->mapcount < 1 ||
	    !mm_page_mapcount(phys, pfn))
		return false;
	if (head->flags & MM_PG_ANON && mm_pte_write(e) && !(mm_page(phys, pfn)->flags & MM_PG_ANON_EXCLUSIVE))
		return false;		/* a page that may be shared must not be written in place */
	if ((e & (MM_PTE_RW | MM_PTE_D)) == MM_PTE_D)
		return false;
	rc->rss[head->flags & MM_PG_ANON ? MM_ANONPAGES :
		head->flags & MM_PG_SWAPBACKED ? MM_SHMEMPAGES : MM_FILEPAGES] += nr;
	return true;
}

static bool check_pte(struct recount *rc, mm_pte_t e, uint64_t vaddr)
{
	if (mm_pte_none(e))
		return true;
	if (!in_vma(rc, vaddr))
		return false;
	if (mm_is_pte_marker(e))
		return true;
	if (mm_is_swap_pte(e)) {
		rc->rss[MM_SWAPENTS]++;
		return mm_swap_count(rc->mm->virt->cache, (mm_swp_t)mm_swp_offset(e)) > 0;
	}
	if (mm_pte_special(e))
		return mm_pte_pfn(e) == rc->mm->virt->zero_pfn && !mm_pte_write(e);
	return check_page(rc, e, mm_pte_pfn(e), 1);
}

/* An entry that maps a page of a pool. */
static bool check_hugetlb(struct recount *rc, mm_pte_t e, unsigned int level)
{
	const struct mm_page *p;

	if (mm_is_pte_marker(e))
		return true;
	p = mm_page(rc->mm->virt->phys, mm_pte_pfn(e));
	rc->hugetlb += UINT64_C(1) << p->order;
	return mm_pmd_trans_huge(e) && p->flags & MM_PG_HUGETLB && p->mapcount > 0 && p->order == 9 * (level - 1) &&
	       (!mm_pte_write(e) || !(p->flags & MM_PG_ANON) || p->flags & MM_PG_ANON_EXCLUSIVE);
}

static bool check_table(struct recount *rc, mm_pfn_t table, unsigned int level, uint64_t start)
{
	const struct mm_virt *virt = rc->mm->virt;
	const struct mm_page *p = mm_page(virt->phys, table);
	uint64_t size = mm_level_size(level);
	uint32_t nr_huge = 0;

	if (!(p->flags & MM_PG_TABLE) || p->aux != level || !mm_table_of(virt, table))
		return false;
	rc->tables += level <= 3;
	for (unsigned int i = 0; i < MM_PTRS_PER_TABLE; i++) {
		mm_pte_t e = *mm_table_entry(virt, table, i);
		uint64_t vaddr = start + i * size;

		if (level == 1) {
			if (!check_pte(rc, e, vaddr))
				return false;
		} else if (!mm_pte_none(e) && (mm_is_swap_pte(e) || mm_pmd_trans_huge(e)) && in_vma(rc, vaddr) &&
			   rc->vma->vm_flags & MM_VM_HUGETLB) {
			if (!check_hugetlb(rc, e, level))
				return false;
		} else if (level == 2 && mm_pmd_trans_huge(e)) {
			if (!in_vma(rc, vaddr))
				return false;
			nr_huge += mm_vma_is_anonymous(rc->vma);
			if (!mm_is_huge_zero_pmd(virt, e) && !check_page(rc, e, mm_pte_pfn(e), MM_PMD_PAGES))
				return false;
		} else if (e && !check_table(rc, mm_pte_pfn(e), level - 1, vaddr)) {
			return false;
		}
	}
	if (level == 2)
		rc->tables += nr_huge;
	return level != 2 || p->mapping == nr_huge;
}

static bool check_known(const struct mm_struct *mm)
{
	for (unsigned int i = 0; i < MM_PMDS_KNOWN; i++) {
		const struct mm_pmd_known *k = &mm->virt->pgtables->known[i];
		uint64_t vaddr = k->tag << MM_PMD_SHIFT & ((UINT64_C(1) << (MM_VPN_BITS + MM_PAGE_SHIFT)) - 1);

		if (k->tag == mm_pmd_tag(mm, vaddr) && (k->tag % MM_PMDS_KNOWN != i || mm_walk_to(mm, vaddr, 2) != k->pmd))
			return false;
	}
	return true;
}

bool mm_pgtables_are_consistent(const struct mm_struct *mm)
{
	struct recount rc = { .mm = mm };

	if (mm->pgd == MM_PFN_NONE)
		return mm->pgtables_bytes == 0;
	if (!check_known(mm) || !check_table(&rc, mm->pgd, mm_nr_levels(mm->virt), 0))
		return false;
	for (unsigned int i = 0; i < MM_NR_RSS; i++)
		if (rc.rss[i] != mm->rss[i])
			return false;
	return (rc.hugetlb == mm->hugetlb_usage || mm->pmd_shared) && rc.tables * MM_PAGE_SIZE == mm->pgtables_bytes;
}
