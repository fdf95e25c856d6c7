/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * mprotect below the VMAs: new rights for entries that exist.
 *
 * RW is given only where a write needs no notice: a private page that is
 * exclusive, or a shared one that is dirty already. Everything else gets RW by a write fault.
 * Model: Linux 6.6 mm/mprotect.c change_pte_range(), mm/huge_memory.c change_huge_pmd().
 */
#include "virt/hugetlb.h"
#include "virt/numab.h"
#include "virt/rmap.h"
#include "virt/tlb.h"
#include "virt/userfaultfd.h"

/*
 * Of what wants write notices in shared memory only the file system's wish counts:
 * for the others vm_page_prot, which by then has no RW, already differs from what vm_flags say, and 6.6 leaves it at that.
 */
static bool vma_wants_manual_pte_write_upgrade(const struct mm_vma *vma)
{
	return vma->vm_flags & MM_VM_WRITE && (!(vma->vm_flags & MM_VM_SHARED) || mm_vma_has_mkwrite(vma));
}

static bool can_change_writable(const struct mm_vma *vma, mm_pte_t entry)
{
	const struct mm_phys *phys = vma->vm_mm->virt->phys;
	mm_pfn_t pfn = mm_pte_pfn(entry);

	if (!(entry & MM_PTE_P))
		return false;
	if (mm_vma_soft_dirty_enabled(vma) && !(entry & MM_PTE_SOFT_DIRTY))
		return false;
	if (mm_userfaultfd_pte_wp(vma, entry))
		return false;
	if (vma->vm_flags & MM_VM_SHARED)
		return mm_pte_dirty(entry);
	if (mm_pte_special(entry) || mm_is_huge_zero_pmd(vma->vm_mm->virt, entry))
		return false;
	return mm_page(phys, mm_page_head(phys, pfn))->flags & MM_PG_ANON &&
	       mm_page(phys, pfn)->flags & MM_PG_ANON_EXCLUSIVE;
}

bool mm_can_change_writable(const struct mm_vma *vma, mm_pte_t entry)
{
	return vma_wants_manual_pte_write_upgrade(vma) && can_change_writable(vma, entry);
}

/* Of these entries no hint fault would tell anything: of zero and merged pages, of pages in the right place ... */
static bool no_hint_wanted(const struct mm_vma *vma, mm_pte_t entry)
{
	const struct mm_virt *virt = vma->vm_mm->virt;
	const struct mm_page *p = mm_page(virt->phys, mm_page_head(virt->phys, mm_pte_pfn(entry)));
	const struct mm_zone *z = mm_page_zone(virt->phys, mm_pte_pfn(entry));

	if (mm_pte_protnone(entry) || mm_pte_special(entry) || p->flags & MM_PG_KSM)
		return true;
	if ((vma->vm_flags & (MM_VM_SHARED | MM_VM_MAYWRITE)) == MM_VM_MAYWRITE && mm_page_ref_count(p) != 1)
		return true;
	if (!(p->flags & MM_PG_SWAPBACKED) && p->flags & MM_PG_DIRTY)	/* asynchronous migration cannot move it */
		return true;
	/* a private mapping of a single thread, which runs on the page's node */
	return !(vma->vm_flags & MM_VM_SHARED) && vma->vm_mm->mm_users == 1 && z &&
	       z->node == virt->phys->cpu_node[virt->ctx->cpu];
}

static mm_pte_t change_uffd_wp(mm_pte_t p, unsigned int cp_flags)
{
	if (cp_flags & MM_CP_UFFD_WP)
		return mm_pte_mkuffd_wp(p);
	return cp_flags & MM_CP_UFFD_WP_RESOLVE ? p & ~MM_PTE_UFFD_WP : p;
}

/* No page there: only what userfaultfd protects changes. */
static void change_nonpresent(const struct mm_vma *vma, mm_pte_t *pte, unsigned int cp_flags)
{
	if (mm_pte_none(*pte)) {
		if (cp_flags & MM_CP_UFFD_WP && mm_uffd_wp_use_markers(vma))
			*pte = MM_PTE_MARKER_UFFD_WP;
	} else if (mm_is_pte_marker(*pte)) {
		if (cp_flags & MM_CP_UFFD_WP_RESOLVE && *pte != MM_PTE_MARKER_POISONED)
			*pte = 0;
	} else if (cp_flags & MM_CP_UFFD_WP) {
		*pte |= MM_SWP_UFFD_WP;
	} else if (cp_flags & MM_CP_UFFD_WP_RESOLVE) {
		*pte &= ~MM_SWP_UFFD_WP;
	}
}

static uint64_t change_pte_range(struct mm_vma *vma, mm_pte_t *pmd, uint64_t vaddr, uint64_t end, uint64_t prot,
				 bool upgrade, unsigned int cp_flags)
{
	bool markers = cp_flags & MM_CP_UFFD_WP && mm_uffd_wp_use_markers(vma);
	mm_pte_t *all = markers ? mm_table_whole(vma->vm_mm, pmd) : NULL, *pte;
	uint64_t pages = 0;

	for (; vaddr != end; vaddr += MM_PAGE_SIZE) {
		mm_pte_t p;

		pte = all ? all + mm_level_index(vaddr, 1) : mm_next_pte(vma->vm_mm, pmd, &vaddr, end);
		if (!pte)
			break;

		if (mm_pte_none(*pte) || !mm_pte_present(*pte)) {
			change_nonpresent(vma, pte, cp_flags);
			continue;
		}
		if (cp_flags & MM_CP_PROT_NUMA && no_hint_wanted(vma, *pte))
			continue;
		p = change_uffd_wp(mm_pte_modify(*pte, prot), cp_flags);
		if (upgrade && !mm_pte_write(p) && can_change_writable(vma, p))
			p = mm_pte_mkwrite(p);
		*pte = p;
		pages++;
	}
	return pages;
}

/* A whole 2M entry; false: nothing changes. */
static bool change_huge_pmd(struct mm_vma *vma, mm_pte_t *pmd, uint64_t prot, bool upgrade, unsigned int cp_flags)
{
	struct mm_virt *virt = vma->vm_mm->virt;
	mm_pte_t p;

	if (cp_flags & MM_CP_PROT_NUMA && (mm_is_huge_zero_pmd(virt, *pmd) || mm_pte_protnone(*pmd)))
		return false;
	p = change_uffd_wp(mm_pmd_modify(*pmd, prot), cp_flags);
	if (upgrade && !mm_pte_write(p) && can_change_writable(vma, p))
		p = mm_pte_mkwrite(p);
	*pmd = p;
	mm_count(virt->ctx, MM_NUMA_HUGE_PTE_UPDATES, 1);
	return true;
}

uint64_t mm_change_protection(struct mm_vma *vma, uint64_t start, uint64_t end, unsigned int cp_flags)
{
	struct mm_struct *mm = vma->vm_mm;
	uint64_t prot = cp_flags & MM_CP_PROT_NUMA ? mm_vm_get_page_prot(0) : mm_vma_page_prot(vma), pages = 0, next;
	bool upgrade = !(cp_flags & (MM_CP_UFFD_WP | MM_CP_PROT_NUMA)) && vma_wants_manual_pte_write_upgrade(vma);
	bool markers = cp_flags & MM_CP_UFFD_WP && mm_uffd_wp_use_markers(vma), cut = markers && !mm_vma_is_anonymous(vma);
	mm_pte_t *pmd;

	if (vma->vm_flags & MM_VM_HUGETLB)
		return mm_hugetlb_change_protection(vma, start, end, cp_flags);
	/* markers want tables (change_pmd_prepare()) */
	for (uint64_t v = start; markers && v < end; v = mm_pmd_addr_end(v, end))
		mm_pte_alloc(mm, v);
	for (uint64_t vaddr = start; (pmd = mm_next_pmd(mm, &vaddr, end)); vaddr = next) {
		next = mm_pmd_addr_end(vaddr, end);
		if (mm_pmd_trans_huge(*pmd)) {
			if (next - vaddr == MM_PMD_SIZE && !cut) {
				pages += change_huge_pmd(vma, pmd, prot, upgrade, cp_flags) ? MM_PMD_PAGES : 0;
				continue;
			}
			mm_split_huge_pmd(vma, pmd, vaddr);
			if (mm_pte_none(*pmd) && !(markers && mm_pte_alloc_pmd(mm, pmd, vaddr)))
				continue;
		}
		pages += change_pte_range(vma, pmd, vaddr, next, prot, upgrade, cp_flags);
	}
	if (pages)
		mm_flush_tlb_range(mm, start, end);
	return pages;
}
