/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * virt/hugetlb.h - pools of huge pages, promises of them, and what is done to ranges that they back
 *
 * Model: Linux 6.6 mm/hugetlb.c, fs/hugetlbfs/inode.c.
 */
#ifndef VIRT_HUGETLB_H
#define VIRT_HUGETLB_H

#include "base/xarray.h"
#include "phys/mempolicy.h"
#include "virt/pgtable.h"

enum { MM_NR_HSTATES = 2 };		/* 2M, the default, and 1G */
#define MM_PG_HUGETLB_ISOLATED	MM_PG_OWNER_PRIV_1	/* it moves now: the other way round HPG_migratable */

/* struct hstate: one pool. Where no pages are kept (mm-vma) there are numbers alone. */
struct mm_hstate {
	unsigned int order;
	uint64_t nr, free, resv, surplus;	/* HugePages_Total, _Free, _Rsvd, _Surp */
	uint64_t nr_node[MM_MAX_NODES], free_node[MM_MAX_NODES], surplus_node[MM_MAX_NODES];
	struct mm_page_list free_list[MM_MAX_NODES];
	uint32_t next_nid_to_alloc, next_nid_to_free;
};

/* Ranges of huge pages, [from, to), in order and apart. */
struct mm_resv_map {
	uint32_t refs;
	size_t nr, cap;
	struct mm_resv_range { uint64_t from, to; } *r;
};

/* What a file of hugetlbfs has: inode->hugetlb. Indices are in huge pages. */
struct mm_hugetlb_inode {
	struct mm_hstate *h;
	struct mm_resv_map resv;	/* pages that are promised to the file, or there */
	struct mm_xarray pages;		/* index -> PFN + 1 */
	uint64_t nr_pages;
	bool beyond_pool;		/* a recording saw it mapped: it is, though the pool has nothing to promise */
	struct mm_file *orphan;		/* to be evicted when the call that unmapped it ends */
	struct mm_hugetlb_inode *next, **prevp, *next_orphan;
};

struct mm_hugetlb {
	struct mm_hstate hstate[MM_NR_HSTATES];
	struct mm_hugetlb_inode *inodes, *orphans;
	bool in_mmap;			/* what this call unmaps is let go of at its end (task work of fput()) */
};

int mm_hugetlb_new(struct mm_virt *virt);	/* virt->hugetlb, pools empty; 0 or -ENOMEM */
void mm_hugetlb_free(struct mm_virt *virt);	/* every address space is gone by then */
void mm_hugetlb_boot(struct mm_virt *virt);	/* fill the pools as the tunables say, as far as that can be; of 1G from the top */
/* The pool of pages of @order (9, 18) is to have @count; what is to come or go, on @nodes (set_max_huge_pages()). */
void mm_hugetlb_set_pool(struct mm_virt *virt, unsigned int order, uint64_t count, mm_nodes_t nodes);
void mm_hugetlb_set_node(struct mm_virt *virt, unsigned int order, uint64_t count, uint32_t nid);	/* that node is to have @count */
struct mm_hstate *mm_hstate_of_mask(struct mm_virt *virt, uint64_t mask);
uint64_t mm_hugetlb_mask(const struct mm_vma *vma);	/* the page size of its pages less 1; 0: it has no huge pages of a pool */
struct mm_hstate *mm_hstate_vma(const struct mm_vma *vma);
static inline uint64_t mm_huge_page_size(const struct mm_hstate *h) { return (uint64_t)MM_PAGE_SIZE << h->order; }
static inline uint64_t mm_huge_page_pages(const struct mm_hstate *h) { return UINT64_C(1) << h->order; }

/* hugetlb_pool.c. @order 9 or 18; MM_PFN_NONE: there is none. */
mm_pfn_t mm_dequeue_hugetlb_folio(struct mm_virt *virt, struct mm_hstate *h, struct mm_mpol_place place);
uint64_t mm_hugetlb_overcommit(const struct mm_virt *virt, const struct mm_hstate *h);	/* pages that may be taken on demand */
mm_pfn_t mm_alloc_surplus_hugetlb_folio(struct mm_virt *virt, struct mm_hstate *h, struct mm_mpol_place place);
int mm_hugetlb_acct_memory(struct mm_virt *virt, struct mm_hstate *h, int64_t delta);	/* 0 or -ENOMEM */
/* Nobody maps or holds it any more: back to the pool, or to the page allocator when it was surplus. */
void mm_free_huge_folio(struct mm_virt *virt, mm_pfn_t head);
struct mm_hstate *mm_hstate_of_page(struct mm_virt *virt, mm_pfn_t head);
bool mm_hugetlb_is_consistent(const struct mm_virt *virt);

/* migrate_hugetlb.c, and what it has of the pool. */
bool mm_isolate_hugetlb(struct mm_virt *virt, mm_pfn_t head);	/* with a reference; false: it is already */
void mm_putback_hugetlb(struct mm_virt *virt, mm_pfn_t head);
/* The isolated page moves to @nid, or near it to one of @nodes: 0, -ENOMEM, or -EAGAIN (somebody holds it), then it stays isolated. */
int mm_migrate_hugetlb(struct mm_virt *virt, mm_pfn_t src, uint32_t nid, mm_nodes_t nodes);
/* A page to move to, refs 1; *@temporary: not the pool's, the one that has moved goes out in its place. */
mm_pfn_t mm_alloc_hugetlb_folio_nodemask(struct mm_virt *virt, struct mm_hstate *h, uint32_t nid, mm_nodes_t nodes, bool *temporary);
void mm_hugetlb_move_surplus(struct mm_virt *virt, mm_pfn_t src, mm_pfn_t dst);	/* the place of a surplus page moves too */
void mm_free_hugetlb_moved(struct mm_virt *virt, mm_pfn_t head, bool temporary);
/* Where a page of the place is looked for first; @nodes: where it may be (huge_node()). */
uint32_t mm_huge_node(const struct mm_virt *virt, struct mm_mpol_place place, mm_nodes_t *nodes);

/* hugetlb_resv.c */
int mm_region_add(struct mm_resv_map *m, uint64_t from, uint64_t to);	/* 0 or -ENOMEM */
void mm_resv_map_put(struct mm_resv_map *m);
/* mmap of @vma: what it may need is promised (hugetlb_reserve_pages()); 0 or -ENOMEM */
int mm_hugetlb_reserve_vma(struct mm_vma *vma);
/* Where no pages are kept: there is, or was when it was promised, a page for the VMA. Deviation: not which ones are taken. */
bool mm_hugetlb_has_pages(const struct mm_vma *vma);
void mm_clear_vma_resv_huge_pages(struct mm_vma *vma);	/* the promise is another VMA's now, or it is the copy of a child */
void mm_hugetlb_vm_op_close(struct mm_vma *vma);	/* promises to it that were not used are given back */
uint64_t mm_vma_hugecache_offset(const struct mm_vma *vma, uint64_t vaddr);
/* A page for a fault at @vaddr, refs 1; 0, -ENOMEM (host memory) or -ENOSPC: the pool is empty or promised to others. */
int mm_alloc_hugetlb_folio(struct mm_vma *vma, uint64_t vaddr, bool avoid_reserve, mm_pfn_t *head);
int mm_hugetlb_add_to_file(struct mm_virt *virt, struct mm_inode *inode, uint64_t idx, mm_pfn_t head);	/* 0 or -ENOMEM */
/*
 * Pages [first, last] of the file go. To its end (UINT64_MAX) also what was promised and is not there; a hole keeps that
 * (remove_inode_hugepages()).
 */
void mm_hugetlb_remove_pages(struct mm_virt *virt, struct mm_inode *inode, uint64_t first, uint64_t last);
void mm_hugetlb_put_orphan(struct mm_virt *virt, struct mm_file *file);	/* nobody can reach it any more: now, or at the end of mmap */
void mm_hugetlb_put_orphans(struct mm_virt *virt);	/* mmap ends */
void mm_hugetlb_evict_inode(struct mm_virt *virt, struct mm_inode *inode);

/* hugetlb_range.c */
mm_pte_t *mm_huge_pte_offset(const struct mm_vma *vma, uint64_t vaddr);	/* hugetlb_walk(); NULL: no table */
mm_pte_t *mm_huge_pte_alloc(struct mm_vma *vma, uint64_t vaddr);
mm_pte_t mm_make_huge_pte(const struct mm_vma *vma, mm_pfn_t head, bool writable);
void mm_hugetlb_add_rmap(struct mm_vma *vma, mm_pfn_t head, uint64_t vaddr, bool new_anon);
/* @ref_page: only this page, and the VMA may not fault in another there; MM_PFN_NONE: all */
void mm_hugetlb_unmap_range(struct mm_mmu_gather *tlb, struct mm_vma *vma, uint64_t start, uint64_t end, mm_pfn_t ref_page,
			    bool drop_marker);
int mm_hugetlb_copy_range(struct mm_vma *dst, struct mm_vma *src);
uint64_t mm_hugetlb_change_protection(struct mm_vma *vma, uint64_t start, uint64_t end, unsigned int cp_flags);
uint64_t mm_hugetlb_move_range(struct mm_vma *vma, uint64_t old_vaddr, struct mm_vma *new_vma, uint64_t new_vaddr, uint64_t len);
/* Or'ed to an address in a table: the last page that it maps (hugetlb_mask_last_page()). */
static inline uint64_t mm_hugetlb_mask_last_page(const struct mm_hstate *h) { return mm_huge_page_size(h) * 511; }

/* hugetlb_share.c */
bool mm_want_pmd_share(const struct mm_vma *vma, uint64_t vaddr);
/* @pud, the empty entry of @vaddr, gets the PMD table of another mapping of the file, if one fits (huge_pmd_share()). */
void mm_huge_pmd_share(struct mm_vma *vma, uint64_t vaddr, mm_pte_t *pud);
bool mm_hugetlb_pmd_shared(const struct mm_vma *vma, uint64_t vaddr);	/* the PMD table there has other users */
/* It is others' alone from now on, and the PUD entry empty: the caller flushes. false: nobody else has it (huge_pmd_unshare()). */
bool mm_huge_pmd_unshare(struct mm_vma *vma, uint64_t vaddr);
void mm_hugetlb_unshare_split(struct mm_vma *vma, uint64_t vaddr);	/* it will be cut there (hugetlb_vm_op_split()) */
void mm_hugetlb_unshare_all_pmds(struct mm_vma *vma);
/* What a flush of [*start, *end) has to reach when tables may be shared. */
void mm_adjust_range_if_pmd_sharing_possible(const struct mm_vma *vma, uint64_t *start, uint64_t *end);

#endif /* VIRT_HUGETLB_H */
