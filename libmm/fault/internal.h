/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fault/internal.h - one fault on its way through the floor
 */
#ifndef FAULT_INTERNAL_H
#define FAULT_INTERNAL_H

#include "cache/cache.h"
#include "cache/lru.h"
#include "cache/memcg.h"
#include "fault/fault.h"
#include "virt/pkeys.h"
#include "virt/anon_vma.h"
#include "virt/rmap.h"

/* struct vm_fault */
struct mm_vm_fault {
	struct mm_fault *f;
	struct mm_vma *vma;
	uint64_t vaddr;			/* of the page */
	uint64_t pgoff;
	unsigned int flags;		/* MM_FAULT_FLAG_* */
	mm_pte_t *pmd, *pte;		/* pte NULL: no entry there */
	mm_pte_t *marked;		/* the entry that holds a marker of userfaultfd, else NULL */
	mm_pte_t orig;			/* the entry that faulted */
	mm_pfn_t page;			/* page-cache page of a file fault, with a reference */
	mm_pfn_t prealloc;		/* a PTE table made in advance, MM_PFN_NONE none */
};

static inline struct mm_page *mm_vmf_page(const struct mm_vm_fault *v, mm_pfn_t pfn) { return mm_page(v->f->phys, pfn); }
static inline struct mm_struct *mm_vmf_mm(const struct mm_vm_fault *v) { return v->vma->vm_mm; }
/* count_vm_event() and count_memcg_event_mm() */
static inline void mm_vmf_count(const struct mm_vm_fault *v, enum mm_counter c)
{
	mm_count(v->f->ctx, c, 1);
	mm_memcg_count(mm_vmf_mm(v)->memcg, c, 1);
}
/* maybe_mkwrite() */
static inline mm_pte_t mm_maybe_mkwrite(const struct mm_vma *vma, mm_pte_t p)
{
	return vma->vm_flags & MM_VM_WRITE ? mm_pte_mkwrite(p) : p;
}
static inline unsigned int mm_vmf_note(struct mm_vm_fault *v, enum mm_fault_kind kind, mm_pfn_t pfn, unsigned int ret)
{
	v->f->kind = kind;
	v->f->pfn = pfn;
	return ret;
}

/* A charged page for v->vma, refs 1, zeroed or to be copied from @from (MM_PFN_NONE: zeroed); MM_PFN_NONE: no memory. */
mm_pfn_t mm_fault_new_page(struct mm_vm_fault *v, mm_pfn_t from);
void mm_fault_copy_contents(struct mm_fault *f, mm_pfn_t to, mm_pfn_t from, uint32_t nr);
/* New and mapped: rmap, LRU, rss (the caller's reference becomes the mapping's). */
void mm_fault_map_new_anon(struct mm_vm_fault *v, mm_pfn_t pfn);

/* A row: a page was read from swap, the one that faulted or one of its window (vmstat's pswpin). */
void mm_fault_swap_in_row(struct mm_vm_fault *v, uint64_t vaddr, mm_pfn_t pfn);

unsigned int mm_do_anonymous_page(struct mm_vm_fault *v);
unsigned int mm_do_fault(struct mm_vm_fault *v);
unsigned int mm_do_swap_page(struct mm_vm_fault *v);
unsigned int mm_do_wp_page(struct mm_vm_fault *v);
unsigned int mm_do_huge_pmd_anonymous_page(struct mm_vm_fault *v);
unsigned int mm_do_huge_pmd_wp_page(struct mm_vm_fault *v);
/* A 2M entry of a file or shared memory that may not be written: away with it, the fault goes on (wp_huge_pmd()). */
unsigned int mm_huge_file_pmd_wp(struct mm_vm_fault *v);
/*
 * The whole 2M of a file's huge folio @head in an entry; its reference becomes the mapping's.  0, or FALLBACK: the VMA is not
 * aligned to it or too short, may not have 2M entries, or there is a table already.  Source: do_set_pmd().
 */
unsigned int mm_do_set_pmd(struct mm_vm_fault *v, mm_pfn_t head, bool write);
/* numa.c: an entry that says PROT_NONE in a VMA that may be accessed; as after the fault, or the page has moved. */
unsigned int mm_do_numa_page(struct mm_vm_fault *v);
unsigned int mm_do_huge_pmd_numa_page(struct mm_vm_fault *v);
unsigned int mm_hugetlb_fault(struct mm_vm_fault *v);
mm_pfn_t mm_get_zero_page(struct mm_fault *f);
/* Page @index of [vdso]; MM_PFN_NONE: it has none, or no memory. */
mm_pfn_t mm_get_vdso_page(struct mm_fault *f, uint64_t index);

/* The running task's protection keys allow it (arch_vma_access_permitted()). */
static inline bool mm_vma_access_permitted(const struct mm_fault *f, const struct mm_vma *vma, bool write)
{
	return !f->virt->pkeys_used || !f->task || mm_pkru_allows(f->task->pkru, mm_vma_pkey(vma), write);
}

/* populate_vma_page_range() */
int mm_populate_vma(struct mm_struct *mm, struct mm_vma *vma, uint64_t start, uint64_t end);
int mm_faultin_range(struct mm_fault *f, struct mm_vma *vma, uint64_t start, uint64_t end, bool write);
/* The page of a PTE, or MM_PFN_NONE: not present, or none of ours (zero page). */
static inline mm_pfn_t mm_vm_normal_page(mm_pte_t p)
{
	return mm_pte_present(p) && !mm_pte_special(p) ? mm_pte_pfn(p) : MM_PFN_NONE;
}

int mm_madvise_dontneed(struct mm_fault *f, struct mm_vma *vma, uint64_t start, uint64_t end);
int mm_madvise_free(struct mm_fault *f, struct mm_vma *vma, uint64_t start, uint64_t end);
int mm_madvise_cold(struct mm_fault *f, struct mm_vma *vma, uint64_t start, uint64_t end, bool pageout);
int mm_madvise_willneed(struct mm_fault *f, struct mm_vma *vma, uint64_t start, uint64_t end);
int mm_madvise_collapse(struct mm_fault *f, struct mm_vma *vma, uint64_t start, uint64_t end);

#endif /* FAULT_INTERNAL_H */
