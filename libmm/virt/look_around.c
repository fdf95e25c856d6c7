/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * virt/look_around.c - MGLRU: the neighbours of a hot page-table entry
 *
 * When reclaim's walk of the reverse mapping meets an entry that was used, the
 * 64 entries around it are looked at too: those used lose their bit, and their
 * folios move to the youngest generation.  A table with one used entry in eight is
 * named to the next walk of page tables.
 *
 * Source: Linux 6.6 mm/vmscan.c lru_gen_look_around(), folio_update_gen().
 */
#include "cache/filemap.h"
#include "cache/memcg.h"
#include "virt/rmap.h"
#include "virt/tlb.h"

enum { MIN_LRU_BATCH = 64 };

/* The range of the entry's table and VMA that is looked at: at most 64 pages around it. */
static void range_of(const struct mm_rmap_hit *hit, uint64_t *start, uint64_t *end)
{
	const uint64_t span = (uint64_t)MIN_LRU_BATCH * MM_PAGE_SIZE;
	uint64_t addr = hit->vaddr, pmd = addr & ~(MM_PMD_SIZE - 1);

	*start = pmd > hit->vma->vm_start ? pmd : hit->vma->vm_start;
	*end = pmd + MM_PMD_SIZE < hit->vma->vm_end ? pmd + MM_PMD_SIZE : hit->vma->vm_end;
	if (*end - *start <= span)
		return;
	if (addr - *start < span / 2) {
		*end = *start + span;
	} else if (*end - addr < span / 2) {
		*start = *end - span;
	} else {
		*start = addr - span / 2;
		*end = addr + span / 2;
	}
}

/* Who has walked page tables in this run, or is kswapd, moves the folio's generation alone; others go through the activate batch. */
static void promote(struct mm_cache *c, mm_pfn_t pfn, int new_gen)
{
	struct mm_page *p = mm_cache_page(c, pfn);
	int old_gen = mm_folio_lru_gen(p);

	if (old_gen < 0)
		p->flags |= MM_PG_REFERENCED;
	else if (c->has_mm_walk)
		mm_lru_gen_update_gen(c, pfn, new_gen);
	else if (old_gen != new_gen)
		mm_folio_activate(c, pfn);
}

void mm_lru_gen_look_around(struct mm_virt *virt, struct mm_rmap_hit hit)
{
	struct mm_cache *c = virt->cache;
	struct mm_phys *phys = virt->phys;
	mm_pfn_t head = mm_page_head(phys, hit.pfn);
	struct mm_lruvec *v = mm_folio_lruvec(c, head);
	bool can_swap = !mm_folio_is_file_lru(mm_page(phys, head));
	int new_gen = (int)mm_lru_gen_from_seq(v->lrugen.max_seq);
	uint64_t start, end, young = 0;
	const mm_pte_t *pmd;
	mm_pte_t *pte;

	if (hit.level != 1 || (hit.vma->vm_flags & MM_VM_SPECIAL))
		return;
	range_of(&hit, &start, &end);
	pmd = mm_pmd_offset(hit.vma->vm_mm, hit.vaddr);
	for (uint64_t addr = start; (pte = mm_next_pte(hit.vma->vm_mm, pmd, &addr, end)); addr += MM_PAGE_SIZE) {
		mm_pte_t ptent = *pte;
		struct mm_page *p;
		mm_pfn_t pfn;

		if (!mm_pte_present(ptent) || (ptent & MM_PTE_SPECIAL) || !mm_pte_young(ptent))
			continue;
		pfn = mm_page_head(phys, mm_pte_pfn(ptent));
		p = mm_page(phys, pfn);
		if (mm_folio_lruvec(c, pfn) != v || (!mm_folio_is_file_lru(p) && !can_swap))
			continue;
		young++;
		*pte = mm_pte_mkold(ptent);
		mm_flush_tlb_range(hit.vma->vm_mm, addr, addr + MM_PAGE_SIZE);
		if (mm_pte_dirty(ptent) && !((p->flags & MM_PG_ANON) && (p->flags & MM_PG_SWAPBACKED) &&
					     !mm_folio_test_swapcache(p)))
			mm_folio_mark_dirty(c, pfn);
		promote(c, pfn, new_gen);
	}
	if (mm_lru_gen_suitable_to_scan((end - start) >> MM_PAGE_SHIFT, young))
		mm_lru_gen_bloom_add(v, v->lrugen.max_seq, hit.vma->vm_mm->id, hit.vaddr);
}
