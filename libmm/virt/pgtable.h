/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * virt/pgtable.h - x86-64 page tables in simulated page frames, and what is done to ranges of them
 *
 * Four levels of 512 entries, or five (la57). A table is one page frame (MM_PG_TABLE) whose 4 KiB
 * contents the host keeps aside, found by its descriptor; entries have the bits of the processor. Of a PTE or PMD table in which few
 * are in use the host keeps those alone (packed_table.c), so a pointer to an entry of level 1 or 2 is good until another entry of its
 * table is made; one that nobody made is read as 0 and must not be written. Everything here works only where
 * mm->virt->phys != NULL; callers of machines without pages do not come here.
 *
 * Model: Linux 6.6 mm/memory.c, mm/mmu_gather.c, mm/mprotect.c, mm/mremap.c, arch/x86/include/asm/pgtable*.h.
 */
#ifndef VIRT_PGTABLE_H
#define VIRT_PGTABLE_H

#include "phys/phys.h"
#include "virt/mm.h"

typedef uint64_t mm_pte_t;

enum {
	MM_PTRS_PER_TABLE = 512,
	MM_PMD_SHIFT = 21, MM_PUD_SHIFT = 30,
	MM_MAX_LEVELS = 5,
};
#define MM_PMD_SIZE	(UINT64_C(1) << MM_PMD_SHIFT)
#define MM_PUD_SIZE	(UINT64_C(1) << MM_PUD_SHIFT)
#define MM_PMD_PAGES	512u

/* Bits of an entry (arch/x86/include/asm/pgtable_types.h) */
#define MM_PTE_P	(UINT64_C(1) << 0)
#define MM_PTE_RW	(UINT64_C(1) << 1)
#define MM_PTE_US	(UINT64_C(1) << 2)
#define MM_PTE_PWT	(UINT64_C(1) << 3)
#define MM_PTE_PCD	(UINT64_C(1) << 4)
#define MM_PTE_A	(UINT64_C(1) << 5)
#define MM_PTE_D	(UINT64_C(1) << 6)
#define MM_PTE_PSE	(UINT64_C(1) << 7)	/* in a PMD or PUD: a 2M or 1G page */
#define MM_PTE_G	(UINT64_C(1) << 8)	/* with P clear: PROT_NONE */
#define MM_PTE_SPECIAL	(UINT64_C(1) << 9)	/* no struct page behind it: the zero page */
#define MM_PTE_UFFD_WP	(UINT64_C(1) << 10)
#define MM_PTE_SOFT_DIRTY (UINT64_C(1) << 11)
#define MM_PTE_SAVED_DIRTY (UINT64_C(1) << 58)	/* D of an entry without RW, out of the processor's sight */
#define MM_PTE_PKEY_SHIFT 59		/* protection key, four bits */
#define MM_PTE_PKEY	(UINT64_C(15) << MM_PTE_PKEY_SHIFT)
#define MM_PTE_NX	(UINT64_C(1) << 63)
#define MM_PTE_PROTNONE	MM_PTE_G
#define MM_PTE_PFN_MASK	UINT64_C(0x000ffffffffff000)

/*
 * A swap entry: P and PROT_NONE clear.  As on x86: type in bits 59..63, the
 * inverted offset in bits 9..58 (the kernel stores it inverted against L1TF), and
 * three bits of software: soft-dirty, exclusive, uffd-wp.
 */
#define MM_SWP_SOFT_DIRTY (UINT64_C(1) << 1)
#define MM_SWP_UFFD_WP	(UINT64_C(1) << 2)
#define MM_SWP_EXCLUSIVE (UINT64_C(1) << 3)
/* Entries of a page that moves: whether it may be written, or is exclusive, is in the type; A and D above the PFN. */
enum {
	MM_SWP_TYPE_MIGRATION_READ = 28, MM_SWP_TYPE_MIGRATION_READ_EXCLUSIVE = 29, MM_SWP_TYPE_MIGRATION_WRITE = 30,
	MM_SWP_TYPE_PTE_MARKER = 31,
};
#define MM_SWP_MIG_YOUNG	(UINT64_C(1) << 40)
#define MM_SWP_MIG_DIRTY	(UINT64_C(1) << 41)

static inline bool mm_pte_none(mm_pte_t p) { return (p & ~(MM_PTE_A | MM_PTE_D)) == 0; }
static inline bool mm_pte_present(mm_pte_t p) { return p & (MM_PTE_P | MM_PTE_PROTNONE); }
static inline bool mm_pte_write(mm_pte_t p) { return p & MM_PTE_RW; }
static inline bool mm_pte_dirty(mm_pte_t p) { return p & (MM_PTE_D | MM_PTE_SAVED_DIRTY); }
static inline bool mm_pte_young(mm_pte_t p) { return p & MM_PTE_A; }
static inline unsigned int mm_pte_pkey(mm_pte_t p) { return p >> MM_PTE_PKEY_SHIFT & 15; }
static inline bool mm_pte_special(mm_pte_t p) { return p & MM_PTE_SPECIAL; }
static inline bool mm_pmd_trans_huge(mm_pte_t p) { return mm_pte_present(p) && (p & MM_PTE_PSE); }
/* PFN bits are kept inverted while P is clear (PROT_NONE), so that L1TF finds no real address. */
static inline uint64_t mm_protnone_mask(mm_pte_t p) { return p && !(p & MM_PTE_P) ? MM_PTE_PFN_MASK : 0; }
static inline mm_pfn_t mm_pte_pfn(mm_pte_t p)
{
	return (mm_pfn_t)(((p ^ mm_protnone_mask(p)) & MM_PTE_PFN_MASK) >> MM_PAGE_SHIFT);
}
/* The same of an entry with P. */
static inline mm_pfn_t mm_table_pfn(mm_pte_t p) { return (mm_pfn_t)((p & MM_PTE_PFN_MASK) >> MM_PAGE_SHIFT); }
static inline mm_pte_t mm_mk_pte(mm_pfn_t pfn, uint64_t prot)
{
	return (((uint64_t)pfn << MM_PAGE_SHIFT) ^ mm_protnone_mask(prot)) | prot;
}
/* D never stands without RW: it waits in SAVED_DIRTY (pte_mksaveddirty(), pte_clear_saveddirty()). */
static inline mm_pte_t mm_pte_mksaveddirty(mm_pte_t p)
{
	return p & MM_PTE_RW || !(p & MM_PTE_D) ? p : (p & ~MM_PTE_D) | MM_PTE_SAVED_DIRTY;
}
static inline mm_pte_t mm_pte_clear_saveddirty(mm_pte_t p)
{
	return !(p & MM_PTE_RW) || !(p & MM_PTE_SAVED_DIRTY) ? p : (p & ~MM_PTE_SAVED_DIRTY) | MM_PTE_D;
}
static inline mm_pte_t mm_pte_mkdirty(mm_pte_t p) { return mm_pte_mksaveddirty(p | MM_PTE_D | MM_PTE_SOFT_DIRTY); }
static inline mm_pte_t mm_pte_mkclean(mm_pte_t p) { return p & ~(MM_PTE_D | MM_PTE_SAVED_DIRTY); }
static inline mm_pte_t mm_pte_mkyoung(mm_pte_t p) { return p | MM_PTE_A; }
static inline mm_pte_t mm_pte_mkold(mm_pte_t p) { return p & ~MM_PTE_A; }
static inline mm_pte_t mm_pte_mkwrite(mm_pte_t p) { return mm_pte_clear_saveddirty(p | MM_PTE_RW); }
static inline mm_pte_t mm_pte_wrprotect(mm_pte_t p) { return mm_pte_mksaveddirty(p & ~MM_PTE_RW); }
/* pte_modify(), pmd_modify(): other rights, the rest kept; a 2M entry loses its D. */
mm_pte_t mm_pte_modify(mm_pte_t p, uint64_t newprot);
mm_pte_t mm_pmd_modify(mm_pte_t p, uint64_t newprot);
static inline bool mm_is_swap_pte(mm_pte_t p) { return !mm_pte_none(p) && !mm_pte_present(p); }
static inline mm_pte_t mm_swp_pte(uint32_t type, uint64_t offset)
{
	return (uint64_t)type << 59 | (~offset << 14 >> 5);
}
static inline uint32_t mm_swp_type(mm_pte_t p) { return (uint32_t)(p >> 59); }
static inline uint64_t mm_swp_offset(mm_pte_t p) { return ~p << 5 >> 14; }
static inline bool mm_is_migration_pte(mm_pte_t p)
{
	return mm_is_swap_pte(p) && mm_swp_type(p) >= MM_SWP_TYPE_MIGRATION_READ && mm_swp_type(p) <= MM_SWP_TYPE_MIGRATION_WRITE;
}
/* No page, but what userfaultfd write-protected stays so (make_pte_marker(PTE_MARKER_UFFD_WP)). */
#define MM_PTE_MARKER_UFFD_WP	mm_swp_pte(MM_SWP_TYPE_PTE_MARKER, 1)
/* What UFFDIO_POISON leaves: any access is SIGBUS (PTE_MARKER_POISONED). */
#define MM_PTE_MARKER_POISONED	mm_swp_pte(MM_SWP_TYPE_PTE_MARKER, 2)
static inline bool mm_is_pte_marker(mm_pte_t p) { return mm_is_swap_pte(p) && mm_swp_type(p) == MM_SWP_TYPE_PTE_MARKER; }
static inline mm_pfn_t mm_migration_pfn(mm_pte_t p) { return (mm_pfn_t)mm_swp_offset(p); }

/* vm_get_page_prot(): bits of a new entry for these vm_flags */
uint64_t mm_vm_get_page_prot(uint64_t vm_flags);
/* Its file system is told of a first write (vm_ops->page_mkwrite). */
bool mm_vma_has_mkwrite(const struct mm_vma *vma);
/* Writes are looked for since clear_refs 4: not while all of the VMA is new (vma_soft_dirty_enabled()). */
static inline bool mm_vma_soft_dirty_enabled(const struct mm_vma *vma)
{
	return !(vma->vm_flags & (MM_VM_SOFTDIRTY | MM_VM_HUGETLB));
}
/* vma->vm_page_prot: without RW where writes must be noticed (vma_set_page_prot()) */
uint64_t mm_vma_page_prot(const struct mm_vma *vma);

/* Sequential and random mappings, and files opened with NOREUSE, keep no track of use (vma_has_recency()). */
static inline bool mm_vma_has_recency(const struct mm_vma *vma)
{
	return !(vma->vm_flags & (MM_VM_SEQ_READ | MM_VM_RAND_READ)) &&
	       !(vma->vm_file && vma->vm_file->f_mode & MM_FMODE_NOREUSE);
}
static inline void mm_update_hiwater_rss(struct mm_struct *mm)
{
	int64_t rss = mm->rss[MM_FILEPAGES] + mm->rss[MM_ANONPAGES] + mm->rss[MM_SHMEMPAGES];

	if (rss > 0 && (uint64_t)rss > mm->hiwater_rss)
		mm->hiwater_rss = (uint64_t)rss;
}

static inline unsigned int mm_nr_levels(const struct mm_virt *virt) { return 4u + virt->la57; }
/* Bytes that an entry of @level maps or has below it. */
static inline uint64_t mm_level_size(unsigned int level) { return UINT64_C(1) << (MM_PAGE_SHIFT + 9 * (level - 1)); }

/* ---- the store of table contents -------------------------------------- */
int mm_pgtables_new(struct mm_virt *virt);	/* virt->pgtables; needs virt->phys. 0 or -ENOMEM */
void mm_pgtables_free(struct mm_virt *virt);	/* every address space is gone by then */

int mm_pgd_alloc(struct mm_struct *mm);		/* mm->pgd; 0 or -ENOMEM */
void mm_pgd_free(struct mm_struct *mm);		/* after mm_unmap_all() */

/* PMD entries that were found, each in a place of its own by its number: no table above them has moved since. */
enum { MM_PMDS_KNOWN = 256 };
struct mm_pmd_known {
	uint64_t tag;			/* mm_pmd_tag(), 0 none */
	mm_pte_t *pmd;
};

enum {
	MM_TABLE_IS_PACKED = 1,		/* bit of what stands for a table */
	MM_TABLE_IS_SINGLE = 2,		/* with it: a PTE table of one entry at most, which its descriptor has */
	MM_PACKED_CLASSES = 6,		/* sizes of packed ones */
};
struct mm_pgtables {
	uint64_t nr_tables;
	struct mm_pool packed[MM_PACKED_CLASSES];
	mm_pte_t *spare;		/* a freed table's contents, used again first */
	struct mm_pmd_known known[MM_PMDS_KNOWN];
};
/* What stands for the entries of a table: the 512, if its level is above 2. */
static inline mm_pte_t *mm_table_entries(const struct mm_page *table) { return (mm_pte_t *)(uintptr_t)table->index; }
static inline mm_pte_t *mm_table_of(const struct mm_virt *virt, mm_pfn_t pfn) { return mm_table_entries(mm_page(virt->phys, pfn)); }
static inline bool mm_table_is_packed(const mm_pte_t *table) { return __builtin_expect((uintptr_t)table & MM_TABLE_IS_PACKED, 0); }
mm_pte_t *mm_table_contents_new(struct mm_pgtables *t);		/* 512 entries, all 0; NULL: host memory */

/* What is read where nobody made an entry. */
extern const mm_pte_t mm_pte_absent;

/* packed_table.c: what stands for an empty one, NULL: host memory; an entry; the first that is not 0 from *@index to below @end. */
mm_pte_t *mm_packed_table_new(struct mm_pgtables *t, unsigned int level);
void mm_packed_table_free(struct mm_pgtables *t, mm_pte_t *entries);
mm_pte_t *mm_packed_table_entry(struct mm_page *table, unsigned int index);
mm_pte_t *mm_packed_table_next(struct mm_page *table, unsigned int *index, unsigned int end);
/* The entry, which is 0 if it was not there; others may move, and the table may be packed no longer. NULL: host memory. */
mm_pte_t *mm_packed_table_make(struct mm_pgtables *t, struct mm_page *table, unsigned int index);
/* All entries of the PTE or PMD table below @entry side by side, as they stay then. NULL: host memory. */
mm_pte_t *mm_table_whole(struct mm_struct *mm, const mm_pte_t *entry);

/* Entry @index of a table of any level. */
static inline mm_pte_t *mm_table_entry(const struct mm_virt *virt, mm_pfn_t pfn, unsigned int index)
{
	struct mm_page *table = mm_page(virt->phys, pfn);
	mm_pte_t *entries = mm_table_entries(table);

	return mm_table_is_packed(entries) ? mm_packed_table_entry(table, index) : entries + index;
}

/* Entry of @vaddr at its level, 2 or above, NULL where a table on the way is missing; alloc makes those (NULL: no memory). */
mm_pte_t *mm_entry_at(const struct mm_struct *mm, uint64_t vaddr, unsigned int level);
mm_pte_t *mm_entry_alloc(struct mm_struct *mm, uint64_t vaddr, unsigned int level);
mm_pte_t *mm_pte_offset(const struct mm_struct *mm, uint64_t vaddr);	/* NULL too below a 2M entry */
/* A table of level 2 or above changes place or goes. */
void mm_pmd_forget(const struct mm_virt *virt);
mm_pte_t *mm_pte_alloc(struct mm_struct *mm, uint64_t vaddr);
/* The empty PTE table at @vaddr goes, and its translations (retract_page_tables()). */
void mm_pte_table_retract(struct mm_struct *mm, mm_pte_t *pmd, uint64_t vaddr);
/* An entry of the PTE table below an existing PMD entry, which is made when that is empty; NULL: no memory, or a 2M entry. */
mm_pte_t *mm_pte_alloc_pmd(struct mm_struct *mm, mm_pte_t *pmd, uint64_t vaddr);
/* The first PMD entry in use at or after *@vaddr below @end; moves *@vaddr up to its part of the range. NULL: none. */
mm_pte_t *mm_next_pmd(const struct mm_struct *mm, uint64_t *vaddr, uint64_t end);
static inline mm_pte_t *mm_pte_below(const struct mm_virt *virt, mm_pte_t pmd, uint64_t vaddr)
{
	return mm_table_entry(virt, mm_table_pfn(pmd), (unsigned int)(vaddr >> MM_PAGE_SHIFT) % MM_PTRS_PER_TABLE);
}
static inline mm_pte_t *mm_pte_of(const struct mm_struct *mm, const mm_pte_t *pmd, uint64_t vaddr)
{
	return mm_pte_below(mm->virt, *pmd, vaddr);
}
mm_pte_t *mm_packed_pte_next(struct mm_page *table, uint64_t *vaddr, uint64_t end);
/* The first entry of the PTE table below @pmd that is not 0, at or after *@vaddr below @end; moves *@vaddr there. NULL: none. */
static inline mm_pte_t *mm_next_pte(const struct mm_struct *mm, const mm_pte_t *pmd, uint64_t *vaddr, uint64_t end)
{
	struct mm_page *table = mm_page(mm->virt->phys, mm_table_pfn(*pmd));
	mm_pte_t *entries = mm_table_entries(table), *pte;

	if (*vaddr >= end)
		return NULL;
	if (mm_table_is_packed(entries))
		return mm_packed_pte_next(table, vaddr, end);
	for (pte = entries + (*vaddr >> MM_PAGE_SHIFT) % MM_PTRS_PER_TABLE; !*pte; pte++)
		if ((*vaddr += MM_PAGE_SIZE) >= end)
			return NULL;
	return pte;
}
static inline unsigned int mm_level_index(uint64_t vaddr, unsigned int level)
{
	return (unsigned int)(vaddr >> (MM_PAGE_SHIFT + 9 * (level - 1))) % MM_PTRS_PER_TABLE;
}
static inline bool mm_pmd_is_table(mm_pte_t p) { return (p & (MM_PTE_P | MM_PTE_PSE)) == MM_PTE_P; }
/* mm_entry_at() in line, for a level that is known, 2 or above */
static inline __attribute__((always_inline)) mm_pte_t *mm_walk_to(const struct mm_struct *mm, uint64_t vaddr, unsigned int level)
{
	unsigned int top = mm_nr_levels(mm->virt);
	mm_pte_t *e;

	if (mm->pgd == MM_PFN_NONE)
		return NULL;
	e = mm_table_of(mm->virt, mm->pgd) + mm_level_index(vaddr, top);
	for (unsigned int l = top - 1; l >= (level > 3 ? level : 3); l--) {
		if (!(*e & MM_PTE_P) || *e & MM_PTE_PSE)
			return NULL;
		e = mm_table_of(mm->virt, mm_table_pfn(*e)) + mm_level_index(vaddr, l);
	}
	if (level > 2)
		return e;
	return mm_pmd_is_table(*e) ? mm_table_entry(mm->virt, mm_table_pfn(*e), mm_level_index(vaddr, 2)) : NULL;
}
/* Names the entry of the user address @vaddr at @level, 2 or above, of address space @id; bit 63 is set. */
static inline uint64_t mm_entry_tag(uint32_t id, uint64_t vaddr, unsigned int level)
{
	return UINT64_C(1) << 63 | ((uint64_t)(id & MM_TLB_ID_MASK) << MM_VPN_BITS | vaddr >> MM_PAGE_SHIFT) >> 9 * (level - 1);
}
static inline bool mm_entry_tag_is_of(uint64_t tag, uint32_t id, unsigned int level)
{
	return (tag & ~(UINT64_C(1) << 63)) >> (MM_VPN_BITS - 9 * (level - 1)) == (id & MM_TLB_ID_MASK);
}
/* The same of the PMD entry; the address space has its part of it at hand. */
static inline uint64_t mm_pmd_tag(const struct mm_struct *mm, uint64_t vaddr) { return mm->pmd_tag | vaddr >> MM_PMD_SHIFT; }
mm_pte_t *mm_pmd_offset_walk(const struct mm_struct *mm, uint64_t vaddr);
static inline mm_pte_t *mm_pmd_offset(const struct mm_struct *mm, uint64_t vaddr)
{
	const uint64_t tag = mm_pmd_tag(mm, vaddr);
	const struct mm_pmd_known *k = &mm->virt->pgtables->known[tag % MM_PMDS_KNOWN];

	return k->tag == tag ? k->pmd : mm_pmd_offset_walk(mm, vaddr);
}
static inline mm_pte_t *mm_pmd_alloc(struct mm_struct *mm, uint64_t vaddr)
{
	mm_pte_t *pmd = mm_pmd_offset(mm, vaddr);

	return pmd && pmd != &mm_pte_absent ? pmd : mm_entry_alloc(mm, vaddr, 2);
}
static inline uint64_t mm_pmd_addr_end(uint64_t vaddr, uint64_t end)
{
	uint64_t next = (vaddr | (MM_PMD_SIZE - 1)) + 1;

	return next - 1 < end - 1 ? next : end;
}

/*
 * A table of PTEs, not counted in pgtables_bytes yet; all its entries lie side by side.  MM_PFN_NONE: no memory.  One is kept aside
 * for each 2M entry, so that a split needs no memory (pgtable_trans_huge_deposit()).
 */
mm_pfn_t mm_pte_table_alloc(struct mm_struct *mm);
void mm_pte_table_free(struct mm_struct *mm, mm_pfn_t table);
void mm_pgtable_deposit(struct mm_struct *mm, uint64_t vaddr, mm_pfn_t table);	/* counts it */
mm_pfn_t mm_pgtable_withdraw(struct mm_struct *mm, uint64_t vaddr);		/* still counted */
void mm_pmd_populate(struct mm_struct *mm, mm_pte_t *pmd, mm_pfn_t table);
static inline void mm_dec_nr_ptes(struct mm_struct *mm) { mm->pgtables_bytes -= MM_PAGE_SIZE; }

/* ---- ranges ------------------------------------------------------------ */

/* Pages whose mappings went, freed together after the TLB flush (struct mmu_gather). */
struct mm_mmu_gather {
	struct mm_struct *mm;
	bool fullmm;
	bool delayed;			/* dirty file pages wait for the flush */
	uint64_t start, end;		/* what to flush; start >= end: nothing */
	uint32_t nr, cap;
	mm_pfn_t *pages;
	mm_pfn_t batch[19];		/* page frames that hold the list, as the kernel takes them */
	uint32_t nr_batches;
	mm_pfn_t local[8];		/* the first pages lie on the stack */
};
/* True: the batches are full, flush before the next one (__tlb_remove_page()). */
bool mm_tlb_remove_page(struct mm_mmu_gather *tlb, mm_pfn_t pfn);
void mm_tlb_flush_mmu(struct mm_mmu_gather *tlb);
void mm_tlb_flush_mmu_tlbonly(struct mm_mmu_gather *tlb);	/* the TLB at once, the pages later */
static inline void mm_tlb_track(struct mm_mmu_gather *tlb, uint64_t start, uint64_t end)
{
	tlb->start = start < tlb->start ? start : tlb->start;
	tlb->end = end > tlb->end ? end : tlb->end;
}
void mm_tlb_gather_mmu(struct mm_mmu_gather *tlb, struct mm_struct *mm, bool fullmm);
void mm_tlb_finish_mmu(struct mm_mmu_gather *tlb);

/* Free the tables that lie between @floor and @ceiling (0: none) and covered only @vmas, neighbours in order (free_pgtables()). */
void mm_free_pgtables(struct mm_mmu_gather *tlb, struct mm_vma *const *vmas, size_t nr, uint64_t floor,
		      uint64_t ceiling);
/* The same over all VMAs of tlb->mm. */
void mm_free_all_pgtables(struct mm_mmu_gather *tlb);

/**
 * mm_unmap_region() - everything munmap does below the VMAs
 * @vmas:	those already cut to the range, in order; out of the tree but not freed
 * @floor:	end of the VMA before the range, 0 none
 * @ceiling:	start of the VMA after the range, 0 none
 *
 * Source: Linux 6.6 mm/mmap.c unmap_region().
 */
void mm_unmap_region(struct mm_struct *mm, struct mm_vma *const *vmas, size_t nr, uint64_t floor, uint64_t ceiling);
/* The same for all VMAs of the tree, when the address space goes (exit_mmap()). */
void mm_unmap_all(struct mm_struct *mm);
/* zap_page_range_single(): one VMA, with its own gather. */
void mm_zap_page_range(struct mm_vma *vma, uint64_t start, uint64_t end);
/* Truncation: unmap file pages [first, first + nr) (nr 0: to the end) from every VMA of @mapping. */
void mm_unmap_mapping_pages(struct mm_virt *virt, struct mm_address_space *mapping, uint64_t first, uint64_t nr,
			    bool even_cows);

enum { MM_CP_PROT_NUMA = 2, MM_CP_UFFD_WP = 4, MM_CP_UFFD_WP_RESOLVE = 8 };
/**
 * mm_change_protection() - entries of [start, end) after @vma's vm_flags changed (they are the new ones already)
 * @cp_flags:	0 (mprotect), or MM_CP_*: why they change without that
 *
 * Return: entries changed. Source: Linux 6.6 mm/mprotect.c change_protection() with
 * vma_wants_manual_pte_write_upgrade().
 */
uint64_t mm_change_protection(struct mm_vma *vma, uint64_t start, uint64_t end, unsigned int cp_flags);

/* An entry without RW of a writable VMA gets it without a fault: nobody needs to be told (can_change_pte_writable()). */
bool mm_can_change_writable(const struct mm_vma *vma, mm_pte_t entry);

/* Move @len bytes of entries; bytes moved, less than @len when a table could not be had (move_page_tables()). */
uint64_t mm_move_page_tables(struct mm_vma *vma, uint64_t old_vaddr, struct mm_vma *new_vma, uint64_t new_vaddr,
			     uint64_t len);

/* fork: entries of @src (a VMA of the parent) into @dst; 0 or -ENOMEM (copy_page_range()). */
int mm_copy_page_range(struct mm_vma *dst, struct mm_vma *src);

/* mlock and munlock of what is mapped in [start, end); vm_flags are the new ones already (mlock_vma_pages_range()). */
void mm_mlock_vma_pages_range(struct mm_vma *vma, uint64_t start, uint64_t end);

/* Split a 2M mapping into 512 entries (__split_huge_pmd()); nothing where there is none. */
void mm_split_huge_pmd(struct mm_vma *vma, mm_pte_t *pmd, uint64_t vaddr);
/* huge_zero.c: the huge zero page, from now on kept for @mm; MM_PFN_NONE: no memory. */
mm_pfn_t mm_get_huge_zero_page(struct mm_struct *mm);
void mm_put_huge_zero_page(struct mm_struct *mm);	/* @mm goes */
uint64_t mm_huge_zero_page_freeable(const struct mm_virt *virt);	/* pages that the shrinker could have: 0 or 512 */
uint64_t mm_shrink_huge_zero_page(struct mm_virt *virt);		/* it has them: how many */
bool mm_is_huge_zero_pmd(const struct mm_virt *virt, mm_pte_t pmd);
/*
 * vma_adjust_trans_huge(): @vma is cut or moved at these borders, and the start of @next, the VMA after it (NULL: none), moves
 * by @adjust_next bytes: split 2M mappings across them.
 */
void mm_vma_adjust_trans_huge(struct mm_vma *vma, uint64_t start, uint64_t end, struct mm_vma *next, int64_t adjust_next);

/* Recount of one address space: rss, pgtables_bytes, every entry against the page behind it. */
bool mm_pgtables_are_consistent(const struct mm_struct *mm);

/* ---- one walk, level by level ------------------------------------------ */
enum mm_walk_end { MM_WALK_MAPPED, MM_WALK_NOT_PRESENT, MM_WALK_SWAP, MM_WALK_PROTNONE, MM_WALK_NONCANONICAL };
struct mm_walk_level {
	uint8_t level;			/* mm_nr_levels() PGD .. 1 PTE */
	uint16_t index;
	mm_pfn_t table;			/* page frame of the table */
	mm_pte_t entry;
};
struct mm_walk_record {
	struct mm_walk_level level[MM_MAX_LEVELS];
	uint8_t nr_levels;
	uint8_t end;			/* enum mm_walk_end */
	uint8_t shift;			/* log2 bytes of the page: 12, 21, 30 */
	mm_pfn_t pfn;			/* of the 4K page that holds vaddr */
	uint64_t phys;			/* bytes */
};
void mm_walk_explain(const struct mm_struct *mm, uint64_t vaddr, struct mm_walk_record *rec);

#endif /* VIRT_PGTABLE_H */
