/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * virt/rmap.h - reverse mapping: which page-table entries map a folio
 *
 * A page's mapcount is the number of PTEs that map it.  A 2M folio's head has there
 * all mappings of the folio, PMDs and PTEs of every subpage; the descriptor of its first tail page
 * keeps the PMDs that map it whole (mapping), the PTEs that map the head page (prev) and the number of
 * subpages with a PTE (next).  A mapping is a reference: refs counts the others only,
 * so adding a mapping hands the caller's reference over (refs falls by one) and
 * removing one gives it back to the caller (refs rises by one), who then puts it.
 *
 * Model: Linux 6.6 mm/rmap.c.
 */
#ifndef VIRT_RMAP_H
#define VIRT_RMAP_H

#include "cache/deferred_split.h"
#include "virt/pgtable.h"

enum { MM_RMAP_EXCLUSIVE = 1, MM_RMAP_COMPOUND = 2 };

static inline mm_pfn_t mm_page_head(const struct mm_phys *phys, mm_pfn_t pfn)
{
	const struct mm_page *p = mm_page(phys, pfn);

	return p->flags & MM_PG_TAIL ? (mm_pfn_t)p->index : pfn;
}
static inline bool mm_folio_is_large(const struct mm_phys *phys, mm_pfn_t head)
{
	return mm_page(phys, head)->flags & MM_PG_HEAD;
}
static inline uint32_t mm_folio_entire_mapcount(const struct mm_phys *phys, mm_pfn_t head)
{
	return mm_folio_is_large(phys, head) ? mm_page(phys, head + 1)->mapping : 0;
}
/* All mappings of the folio: PTEs of every subpage, and PMDs. */
static inline uint32_t mm_folio_mapcount(const struct mm_phys *phys, mm_pfn_t head)
{
	return (uint32_t)mm_page(phys, head)->mapcount;
}
/* page_mapcount(): mappings of one page, PMD mappings of its folio included. */
static inline uint32_t mm_page_mapcount(const struct mm_phys *phys, mm_pfn_t pfn)
{
	mm_pfn_t head = mm_page_head(phys, pfn);
	bool first = pfn == head && mm_folio_is_large(phys, head);

	return (first ? mm_page(phys, head + 1)->prev : (uint32_t)mm_page(phys, pfn)->mapcount) +
	       mm_folio_entire_mapcount(phys, head);
}
static inline bool mm_folio_mapped(const struct mm_phys *phys, mm_pfn_t head)
{
	return mm_folio_mapcount(phys, head) != 0;
}

/* linear_page_index(): file page, or position in the anon_vma's numbering, of @vaddr */
static inline uint64_t mm_linear_page_index(const struct mm_vma *vma, uint64_t vaddr)
{
	return ((vaddr - vma->vm_start) >> MM_PAGE_SHIFT) + vma->vm_pgoff;
}

/**
 * mm_split_folio() - a 2M folio becomes 512 pages
 * @head:	the caller holds one reference, which stays with the head page
 * A file's is unmapped altogether, and its pages beyond the end of the file go.
 *
 * Return: 0; -EBUSY (not large, under writeback), -EAGAIN (somebody else holds it) or -ENOMEM (its slots in the file's tree).
 * Source: Linux 6.6 mm/huge_memory.c split_huge_page_to_list().
 */
int mm_split_folio(struct mm_virt *virt, mm_pfn_t head);
/*
 * The same for a folio that its mappings, the page cache and the caller hold and that is on no list: the 511 others
 * go to the end of @list, which holds their references.  0 or the errors of mm_split_folio().
 */
int mm_split_folio_to_list(struct mm_virt *virt, mm_pfn_t head, struct mm_page_list *list);
/*
 * A page just allocated for @vma (order 0, or a whole 2M folio): anonymous, swap-backed, exclusive; not yet on
 * the LRU.
 */
void mm_folio_add_new_anon_rmap(struct mm_vma *vma, mm_pfn_t head, uint64_t vaddr);
void mm_page_add_anon_rmap(struct mm_vma *vma, mm_pfn_t pfn, uint64_t vaddr, unsigned int rmap_flags);
/* fork: one more mapping of an anonymous page (page_try_dup_anon_rmap(): none is pinned, which would have to be copied) */
void mm_page_dup_anon_rmap(struct mm_vma *src, mm_pfn_t pfn, bool compound);
void mm_page_dup_file_rmap(struct mm_phys *phys, mm_pfn_t pfn);	/* of a page of a file that a PTE maps */
void mm_page_add_file_rmap(struct mm_vma *vma, mm_pfn_t pfn, bool compound);
void mm_page_remove_rmap(struct mm_vma *vma, mm_pfn_t pfn, bool compound);
/* The page becomes this VMA's own after a write reused it (page_move_anon_rmap()). */
void mm_page_move_anon_rmap(struct mm_vma *vma, mm_pfn_t pfn);

/* One mapping of a folio: the entry, at level 1 (PTE) or 2 (2M). Return false to stop the walk. */
struct mm_rmap_hit {
	struct mm_vma *vma;
	uint64_t vaddr;			/* of the entry */
	mm_pte_t *entry;
	mm_pfn_t pfn;			/* the page (level 1) or the head (level 2) */
	uint8_t level;
};
typedef bool (*mm_rmap_fn)(void *arg, struct mm_rmap_hit *hit);
/* Every present mapping of @head, in the order the kernel's interval trees give (rmap_walk()). */
void mm_rmap_walk(struct mm_virt *virt, mm_pfn_t head, mm_rmap_fn fn, void *arg);
/* Every migration entry that stands for @from, in the same order, where @head (which may be @from) would be mapped. */
void mm_rmap_walk_migration(struct mm_virt *virt, mm_pfn_t head, mm_pfn_t from, mm_rmap_fn fn, void *arg);

/*
 * Would @head, a large anonymous folio, be queued as mapped in part (page_remove_rmap()) when its mappings are taken away in
 * that order? One that only PTEs map is; beside 2M entries it depends on which goes last.
 */
bool mm_folio_unmaps_in_part(struct mm_virt *virt, mm_pfn_t head);

/**
 * mm_folio_referenced() - test and clear the accessed bits of every mapping
 * @memcg:	only mappings of address spaces of this memcg count (and lose their bit); NULL: all
 * @vm_flags:	receives the vm_flags of the VMAs that had referenced it, joined
 *
 * Return: mappings that had referenced it, plus one when the folio was idle-young; -1 never.
 * Source: Linux 6.6 mm/rmap.c folio_referenced(), folio_referenced_one(), invalid_folio_referenced_vma().
 */
int mm_folio_referenced(struct mm_virt *virt, mm_pfn_t head, struct mm_memcg *memcg, uint64_t *vm_flags);

/* MGLRU: @hit's entry was used: so may its neighbours be (lru_gen_look_around()). */
void mm_lru_gen_look_around(struct mm_virt *virt, struct mm_rmap_hit hit);

enum { MM_TTU_IGNORE_MLOCK = 1, MM_TTU_SPLIT_HUGE_PMD = 2 };
/**
 * mm_try_to_unmap() - replace every mapping: by its swap entry (anonymous, in the swap cache), by nothing (file;
 * clean lazyfree)
 *
 * The dirty bits of the entries go to the folio.  An mlocked mapping stops it and the folio is mlocked again; a
 * lazyfree folio
 * found dirty gets MM_PG_SWAPBACKED back.
 * Return: true when no mapping is left.  Source: Linux 6.6 mm/rmap.c try_to_unmap(), try_to_unmap_one().
 */
bool mm_try_to_unmap(struct mm_virt *virt, mm_pfn_t head, unsigned int ttu);

/**
 * mm_migrate_folio() - an isolated page moves to another frame: mappings, caches, charge, flags
 * @src:	of order 0, off the LRU; the isolation's reference goes with it, it is freed
 * @dst:	fresh, refs 1; goes to the LRU as a new page
 *
 * Return: 0, or -EAGAIN: somebody else holds it (or not all mappings are found); it is mapped again as it was.
 * Source: Linux 6.6 mm/migrate.c migrate_folio_unmap(), migrate_folio_move(), mm/rmap.c try_to_migrate_one().
 */
int mm_migrate_folio(struct mm_virt *virt, mm_pfn_t src, mm_pfn_t dst);
/* migrate_huge.c: the same of a 2M folio into a fresh one (mm_folio_prep_transhuge()). */
int mm_migrate_huge_folio(struct mm_virt *virt, mm_pfn_t src, mm_pfn_t dst);
/* What the entry @old becomes when its page, @huge or not, is @pfn now. */
mm_pte_t mm_migrated_entry(const struct mm_vma *vma, mm_pte_t old, mm_pfn_t pfn, bool huge);

/* Writeback begins: clear write and dirty of every shared mapping; entries cleaned (folio_mkclean()). */
uint32_t mm_folio_mkclean(struct mm_virt *virt, mm_pfn_t head);

#endif /* VIRT_RMAP_H */
