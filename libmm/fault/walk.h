/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fault/walk.h - an access that the TLB or a walk serves: what the processor does without the kernel
 *
 *	TLB hit: done
 *	walk: rights fit -> set A and D, fill the TLB: done
 *
 * In line, for most accesses of most runs end here.
 */
#ifndef FAULT_WALK_H
#define FAULT_WALK_H

#include "fault/fault.h"
#include "virt/tlb.h"

/* Where a walk ended. */
struct mm_walk_leaf {
	mm_pte_t *leaf;			/* NULL: a table is missing */
	mm_pte_t *pmd;			/* the entry above a leaf of level 1, else NULL */
	mm_pte_t p;			/* what is at the leaf, 0 where there is none */
	uint8_t level;			/* of the leaf */
};

static inline struct mm_walk_leaf mm_walk_leaf_at(mm_pte_t *leaf, mm_pte_t *pmd, uint8_t level)
{
	return (struct mm_walk_leaf){ leaf, pmd, *leaf, level };
}

static inline struct mm_walk_leaf mm_walk(const struct mm_struct *mm, uint64_t vaddr)
{
	mm_pte_t *e = mm_pmd_offset(mm, vaddr);

	if (e && mm_pmd_is_table(*e))
		return mm_walk_leaf_at(mm_pte_of(mm, e, vaddr), e, 1);
	if (e)
		return mm_walk_leaf_at(e, NULL, 2);
	e = mm_entry_at(mm, vaddr, 3);
	if (e && (*e & (MM_PTE_P | MM_PTE_PSE)) == (MM_PTE_P | MM_PTE_PSE))
		return mm_walk_leaf_at(e, NULL, 3);
	return (struct mm_walk_leaf){ 0 };
}

/* The entry as the processor leaves it if the access is allowed. */
static inline mm_pte_t mm_entry_marked(mm_pte_t p, unsigned int kind)
{
	_Static_assert(MM_TLB_W == 1 && MM_PTE_D == 1 << 6, "a write sets D");
	return p | MM_PTE_A | (mm_pte_t)(kind & MM_TLB_W) << 6;
}

/* Rights that the TLB remembers of a marked entry, as MM_TLB_WRITABLE and MM_TLB_EXEC. */
static inline uint64_t mm_entry_rights(mm_pte_t p)
{
	return (p & MM_PTE_RW && p & MM_PTE_D ? MM_TLB_WRITABLE : 0) | (p & MM_PTE_NX ? 0 : MM_TLB_EXEC);
}

/* The entry allows it: all there is to ask for a program while no protection keys are in use. */
static inline bool mm_entry_allows(mm_pte_t p, unsigned int kind)
{
	if (!(p & MM_PTE_P))
		return false;
	return !(kind & ~mm_entry_rights(mm_entry_marked(p, kind)));
}

/* The walk succeeded: the processor marks the entry, and the one above it (NULL: none). What the TLB remembers of a 4K page. */
static inline uint64_t mm_walk_mark(mm_pte_t *leaf, mm_pte_t *pmd, unsigned int kind)
{
	mm_pte_t p = mm_entry_marked(*leaf, kind);

	*leaf = p;
	if (pmd)
		*pmd |= MM_PTE_A;
	return (p & (MM_PTE_PFN_MASK | MM_PTE_PKEY)) | mm_entry_rights(p);
}

/* The same, and it is remembered. */
static inline __attribute__((always_inline)) void mm_walk_fill(struct mm_tlb_cpu *c, uint32_t id, uint64_t vaddr, unsigned int kind,
								struct mm_walk_leaf h, bool absent)
{
	uint64_t leaf = mm_walk_mark(h.leaf, h.pmd, kind);

	if (!h.pmd)
		leaf |= h.level == 3 ? MM_TLB_HUGE | MM_TLB_GIGA : MM_TLB_HUGE;
	mm_tlb_fill(c, id, vaddr, kind, leaf, absent);
}

/* The walk failed. @absent: so did the look-up. */
static inline bool mm_access_missed(struct mm_fault *f, const struct mm_struct *mm, const struct mm_tlb_cpu *c, uint64_t vaddr,
				    unsigned int kind, bool absent)
{
	if (absent)
		f->missed = (struct mm_tlb_miss){ c, vaddr, mm->id, kind };
	return false;
}

/* mm_access_without_fault() for any page (access.c) */
bool mm_access_any_without_fault(struct mm_fault *f, struct mm_struct *mm, struct mm_tlb_cpu *c, uint64_t vaddr, unsigned int kind,
				 const struct mm_tlb_entry *e);

/*
 * An access within one page, below task_size_max, by the CPU @c, for which mm_tlb_lookup_first() gave @e, which does not serve
 * it (@tag: what it looked for): done as long as the kernel is not entered. False: nothing is counted, mm_access() is to do it;
 * what a look-up moved within the TLB it would move again, and one that found nothing it need not make again. The caller counts
 * @c->accesses. Not while
 * protection keys are in use, nor where misses of the TLB are rows. Most often the page is one of 4K, and there are no larger ones.
 */
static inline __attribute__((always_inline)) bool mm_access_without_fault(struct mm_fault *f, struct mm_struct *mm, struct mm_tlb_cpu *c,
									   uint64_t vaddr, uint64_t tag, unsigned int kind,
									   const struct mm_tlb_entry *e)
{
	const uint64_t page = vaddr >> MM_PAGE_SHIFT;
	struct mm_tlb_set *set;
	struct mm_tlb_entry new;
	mm_pte_t *pmd, *pte;

	f->missed.cpu = NULL;
	if (e || c->has_large)
		return mm_access_any_without_fault(f, mm, c, vaddr, kind, e);
	set = mm_tlb_l2_set_of(&c->l2, page);
	e = mm_tlb_l2_find(set, tag);
	if (e) {
		e = mm_tlb_refill(c, mm_tlb_l1(kind), page, e);
		return mm_tlb_serves(e, kind) || mm_access_any_without_fault(f, mm, c, vaddr, kind, e);
	}
	pmd = mm_pmd_offset(mm, vaddr);
	if (!pmd || !mm_pmd_is_table(*pmd))		/* the page may be larger */
		return mm_access_any_without_fault(f, mm, c, vaddr, kind, NULL);
	pte = mm_pte_of(mm, pmd, vaddr);
	if (!mm_entry_allows(*pte, kind))
		return mm_access_missed(f, mm, c, vaddr, kind, true);
	new = (struct mm_tlb_entry){ tag, mm_walk_mark(pte, pmd, kind) };
	mm_tlb_push(&c->a[mm_tlb_l1(kind)], page, new);
	mm_tlb_l2_push(&c->l2, set, new);
	c->walks++;
	mm_tlb_walked(c, mm, vaddr, 1);
	return true;
}

#endif /* FAULT_WALK_H */
