/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Counting mappings: what happens to a page when an entry begins or ends to map it.
 *
 * Where the counts of a 2M folio lie is told in virt/rmap.h. nr_anon_pages and nr_mapped
 * count subpages that are mapped at all, so a 2M entry adds those that no PTE mapped before.
 * Model: Linux 6.6 mm/rmap.c, include/linux/rmap.h. Left out: pinned pages.
 */
#include "cache/deferred_split.h"
#include "cache/lru.h"
#include "virt/anon_vma.h"
#include "virt/rmap.h"

static struct mm_phys *phys_of(const struct mm_vma *vma) { return vma->vm_mm->virt->phys; }

static void mlock_vma_folio(struct mm_vma *vma, mm_pfn_t head, bool compound)
{
	if ((vma->vm_flags & (MM_VM_LOCKED | MM_VM_SPECIAL)) == MM_VM_LOCKED &&
	    (compound || !mm_folio_is_large(phys_of(vma), head)))
		mm_mlock_folio(vma->vm_mm->virt->cache, head);
}

static void munlock_vma_folio(struct mm_vma *vma, mm_pfn_t head, bool compound)
{
	if (vma->vm_flags & MM_VM_LOCKED && (compound || !mm_folio_is_large(phys_of(vma), head)))
		mm_munlock_folio(vma->vm_mm->virt->cache, head);
}

/* PTEs that map one page of a 2M folio. */
static uint32_t *pte_count(struct mm_phys *phys, mm_pfn_t pfn, mm_pfn_t head)
{
	return pfn == head ? &mm_page(phys, head + 1)->prev : (uint32_t *)&mm_page(phys, pfn)->mapcount;
}

/* Pages of the folio that are newly mapped; *@firstp: the first mapping of this kind of this page. */
static inline int64_t add_mapping(struct mm_phys *phys, mm_pfn_t pfn, mm_pfn_t head, bool compound, bool *firstp)
{
	struct mm_page *t = mm_page(phys, head + 1);

	mm_page(phys, head)->refs--;
	*firstp = mm_page(phys, head)->mapcount++ == 0;
	if (!mm_folio_is_large(phys, head))
		return *firstp;
	if (compound) {
		*firstp = t->mapping++ == 0;
		return *firstp ? MM_PMD_PAGES - (int64_t)t->next : 0;
	}
	*firstp = (*pte_count(phys, pfn, head))++ == 0;
	t->next += *firstp;
	return *firstp && !t->mapping;
}

/* Pages of the folio that no entry maps any more. */
static int64_t remove_mapping(struct mm_phys *phys, mm_pfn_t pfn, mm_pfn_t head, bool compound, bool *lastp)
{
	struct mm_page *t = mm_page(phys, head + 1);

	mm_page(phys, head)->refs++;
	*lastp = --mm_page(phys, head)->mapcount == 0;
	if (!mm_folio_is_large(phys, head))
		return *lastp;
	if (compound) {
		*lastp = --t->mapping == 0;
		return *lastp ? MM_PMD_PAGES - (int64_t)t->next : 0;
	}
	*lastp = --(*pte_count(phys, pfn, head)) == 0;
	t->next -= *lastp;
	return *lastp && !t->mapping;
}

static inline void set_anon_rmap(struct mm_vma *vma, mm_pfn_t pfn, mm_pfn_t head, uint64_t vaddr, bool exclusive)
{
	struct mm_page *p = mm_page(phys_of(vma), head);
	struct mm_anon_vma *av = exclusive ? vma->anon_vma : mm_anon_vma_root(vma->anon_vma);

	if (!(p->flags & MM_PG_ANON)) {
		p->flags |= MM_PG_ANON;
		p->mapping = av->id;
		p->index = mm_linear_page_index(vma, vaddr);
	}
	if (exclusive)
		mm_page(phys_of(vma), pfn)->flags |= MM_PG_ANON_EXCLUSIVE;
}

void mm_folio_add_new_anon_rmap(struct mm_vma *vma, mm_pfn_t head, uint64_t vaddr)
{
	struct mm_phys *phys = phys_of(vma);
	bool large = mm_folio_is_large(phys, head), first;
	int64_t nr;

	mm_page(phys, head)->flags |= MM_PG_SWAPBACKED;
	nr = add_mapping(phys, head, head, large, &first);
	if (large)
		mm_count(phys->ctx, MM_NR_ANON_TRANSPARENT_HUGEPAGES, nr);
	mm_count(phys->ctx, MM_NR_ANON_PAGES, nr);
	set_anon_rmap(vma, head, head, vaddr, true);
}

void mm_page_add_anon_rmap(struct mm_vma *vma, mm_pfn_t pfn, uint64_t vaddr, unsigned int rmap_flags)
{
	struct mm_phys *phys = phys_of(vma);
	mm_pfn_t head = mm_page_head(phys, pfn);
	bool compound = rmap_flags & MM_RMAP_COMPOUND, first;
	int64_t nr = add_mapping(phys, pfn, head, compound, &first);

	if (compound && first)
		mm_count(phys->ctx, MM_NR_ANON_TRANSPARENT_HUGEPAGES, MM_PMD_PAGES);
	mm_count(phys->ctx, MM_NR_ANON_PAGES, nr);
	if (first && !(mm_page(phys, head)->flags & MM_PG_KSM))
		set_anon_rmap(vma, pfn, head, vaddr, rmap_flags & MM_RMAP_EXCLUSIVE);
	mlock_vma_folio(vma, head, compound);
}

void mm_page_dup_anon_rmap(struct mm_vma *src, mm_pfn_t pfn, bool compound)
{
	struct mm_phys *phys = phys_of(src);
	bool first;

	mm_page(phys, pfn)->flags &= ~(uint32_t)MM_PG_ANON_EXCLUSIVE;
	add_mapping(phys, pfn, mm_page_head(phys, pfn), compound, &first);
}

void mm_page_dup_file_rmap(struct mm_phys *phys, mm_pfn_t pfn)
{
	bool first;

	add_mapping(phys, pfn, mm_page_head(phys, pfn), false, &first);
}

void mm_page_add_file_rmap(struct mm_vma *vma, mm_pfn_t pfn, bool compound)
{
	struct mm_phys *phys = phys_of(vma);
	mm_pfn_t head = mm_page_head(phys, pfn);
	bool first;
	int64_t nr = add_mapping(phys, pfn, head, compound, &first);

	if (compound && first)
		mm_count(phys->ctx, mm_page(phys, head)->flags & MM_PG_SWAPBACKED ? MM_NR_SHMEM_PMDMAPPED
										 : MM_NR_FILE_PMDMAPPED, MM_PMD_PAGES);
	mm_count(phys->ctx, MM_NR_MAPPED, nr);
	mlock_vma_folio(vma, head, compound);
}

void mm_page_remove_rmap(struct mm_vma *vma, mm_pfn_t pfn, bool compound)
{
	struct mm_phys *phys = phys_of(vma);
	mm_pfn_t head = mm_page_head(phys, pfn);
	struct mm_page *p = mm_page(phys, head);
	bool last;
	int64_t nr = remove_mapping(phys, pfn, head, compound, &last);

	if (compound && last)
		mm_count(phys->ctx, p->flags & MM_PG_ANON ? MM_NR_ANON_TRANSPARENT_HUGEPAGES :
			 p->flags & MM_PG_SWAPBACKED ? MM_NR_SHMEM_PMDMAPPED : MM_NR_FILE_PMDMAPPED,
			 -(int64_t)MM_PMD_PAGES);
	mm_count(phys->ctx, p->flags & MM_PG_ANON ? MM_NR_ANON_PAGES : MM_NR_MAPPED, -nr);
	if (nr && mm_folio_is_large(phys, head) && p->flags & MM_PG_ANON && (!compound || nr < (int64_t)MM_PMD_PAGES))
		mm_deferred_split_folio(vma->vm_mm->virt->cache, head);
	munlock_vma_folio(vma, head, compound);
}

void mm_page_move_anon_rmap(struct mm_vma *vma, mm_pfn_t pfn)
{
	struct mm_phys *phys = phys_of(vma);

	mm_page(phys, mm_page_head(phys, pfn))->mapping = vma->anon_vma->id;
	mm_page(phys, pfn)->flags |= MM_PG_ANON_EXCLUSIVE;
}
