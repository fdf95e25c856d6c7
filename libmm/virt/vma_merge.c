/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Joining VMAs: whether a range and its neighbours can be one, and making them so.
 *
 * The range **** is about to have certain flags, file, offset and name.  It is
 * either free (mmap, mremap) or lies in one VMA whose flags change (mprotect,
 * mlock, madvise): then inside P, or from the start of C.
 *
 *	1  PP****NN -> PPPPPPPP		5  PPCCCC  (** the start of C) -> PPPPCC
 *	2  PP****   -> PPPPPP		6  PP****NN (C is ****)        -> PPPPPPPP
 *	3    ****NN ->   NNNNNN		7  PP****NN                    -> PPPPPPNN
 *	4  PPPPNN   (** the end of P)	8  PP****NN                    -> PPNNNNNN
 *	        -> PPNNNN
 *
 * Anonymous pages tie a VMA to an anon_vma.  Two different ones never join;
 * none and one do when the one's VMA is linked to a single anon_vma, which a
 * fork ends.  Source: mm/mmap.c vma_merge(), is_mergeable_anon_vma().
 */
#include <errno.h>

#include "virt/khugepaged.h"
#include "virt/pgtable.h"
#include "virt/vma.h"

static bool is_mergeable_anon_vma(const struct mm_anon_vma *a, const struct mm_anon_vma *b, const struct mm_vma *vma)
{
	if ((!a || !b) && (!vma || mm_anon_vma_chain_is_singular(vma)))
		return true;
	return a == b;
}

static enum mm_vma_obstacle obstacle(const struct mm_vma *vma, const struct mm_vma_merge *req, bool may_remove,
				     uint64_t vma_pgoff, uint64_t pgoff)
{
	uint64_t differ = (vma->vm_flags ^ req->vm_flags) & ~(uint64_t)MM_VM_SOFTDIRTY;

	if (differ & (MM_VM_ACCESS_FLAGS | MM_VM_SHARED | MM_VM_MAYSHARE))
		return MM_VMA_PERMS;
	if (differ)
		return MM_VMA_FLAGS;
	if (vma->vm_file != req->file)
		return MM_VMA_FILE;
	if (may_remove && vma->extra->vm_ops_close)
		return MM_VMA_CLOSE;
	if (vma->extra->uffd != req->uffd)
		return MM_VMA_UFFD;
	if (vma->extra->anon_name != req->anon_name)	/* interned */
		return MM_VMA_NAME;
	if (vma->extra->vm_policy != req->policy)	/* equal ones are one object */
		return MM_VMA_POLICY;
	if (!is_mergeable_anon_vma(req->anon_vma, vma->anon_vma, vma))
		return MM_VMA_ANON_VMA;
	return vma_pgoff == pgoff ? MM_VMA_MERGES : MM_VMA_OFFSET;
}

enum mm_vma_obstacle mm_vma_merge_before(const struct mm_vma *vma, const struct mm_vma_merge *req, uint64_t pgoff)
{
	return obstacle(vma, req, true, vma->vm_pgoff, pgoff);
}

enum mm_vma_obstacle mm_vma_merge_after(const struct mm_vma *vma, const struct mm_vma_merge *req)
{
	return obstacle(vma, req, false, vma->vm_pgoff + mm_vma_pages(vma), req->pgoff);
}

/* What a merge is going to do; see vma_merge(). */
struct plan {
	struct mm_vma *vma;		/* gets [start, end) */
	struct mm_vma *res;		/* holds the range afterwards */
	struct mm_vma *adjust;		/* its start moves by adj_start */
	struct mm_vma *remove, *remove2;
	struct mm_vma *dup_dst, *dup_src[2];	/* dst takes over the anon_vma of the first src that has one */
	uint64_t start, end, pgoff;
	int64_t adj_start;
	uint8_t number;
};

/* Both neighbours join: cases 1 and 6. */
static void plan_both(struct plan *p, struct mm_vma *prev, struct mm_vma *curr, struct mm_vma *next)
{
	p->number = curr ? 6 : 1;
	p->remove = curr ? curr : next;
	p->remove2 = curr ? next : NULL;
	p->end = next->vm_end;
	p->dup_dst = prev;
	p->dup_src[0] = next;
	p->dup_src[1] = curr;
}

/* The one before: cases 2, 5, 7.  False: C may not go. */
static bool plan_prev(struct plan *p, struct mm_vma *prev, struct mm_vma *curr, uint64_t end)
{
	p->number = 2;
	if (!curr)
		return true;
	p->dup_dst = prev;
	p->dup_src[0] = curr;
	if (end == curr->vm_end) {
		p->number = 7;
		p->remove = curr;
		return !curr->extra->vm_ops_close;
	}
	p->number = 5;
	p->adjust = curr;
	p->adj_start = (int64_t)(end - curr->vm_start);
	return true;
}

/* The one after: cases 3, 4, 8. */
static void plan_next(struct plan *p, const struct mm_vma_merge *req, struct mm_vma *curr, struct mm_vma *next)
{
	struct mm_vma *prev = req->prev;

	p->res = next;
	p->dup_dst = next;
	if (prev && req->addr < prev->vm_end) {
		p->number = 4;
		p->end = req->addr;
		p->adjust = next;
		p->adj_start = -(int64_t)(prev->vm_end - req->addr);
		p->dup_src[0] = prev;
		return;
	}
	p->number = curr ? 8 : 3;
	p->vma = next;
	p->start = req->addr;
	p->end = next->vm_end;
	p->pgoff = curr ? curr->vm_pgoff : next->vm_pgoff - ((req->end - req->addr) >> MM_PAGE_SHIFT);
	p->remove = curr;
	p->dup_src[0] = curr;
}

static int dup_anon_vma(const struct plan *p)
{
	for (int i = 0; i < 2 && p->dup_dst && !p->dup_dst->anon_vma; i++) {
		if (!p->dup_src[i] || !p->dup_src[i]->anon_vma)
			continue;
		p->dup_dst->anon_vma = p->dup_src[i]->anon_vma;
		return mm_anon_vma_clone(p->dup_dst, p->dup_src[i]);
	}
	return 0;
}

static void drop(struct mm_struct *mm, struct mm_vma *vma)
{
	if (!vma)
		return;
	mm_unlink_file_vma(vma);
	mm_unlink_anon_vmas(vma);
	mm->map_count--;
	mm_vm_area_free(vma);
}

static int carry_out(struct mm_struct *mm, const struct plan *p)
{
	struct mm_vma *vma = p->vma;
	bool expanded = p->start < vma->vm_start || p->end > vma->vm_end;

	if (mm_mt_reserve(&mm->mm_mt) || dup_anon_vma(p))
		return -ENOMEM;
	mm_vma_prepare(vma, p->adjust);
	if (mm->virt->phys)
		mm_vma_adjust_trans_huge(vma, p->start, p->end, p->adjust, p->adj_start);
	vma->vm_start = p->start;
	vma->vm_end = p->end;
	vma->vm_pgoff = p->pgoff;
	if (expanded)
		mm_mtree_store_range(&mm->mm_mt, p->start, p->end - 1, vma);
	if (p->adj_start) {
		p->adjust->vm_start += (uint64_t)p->adj_start;
		p->adjust->vm_pgoff += (uint64_t)(p->adj_start >> MM_PAGE_SHIFT);
		if (p->adj_start < 0)
			mm_mtree_store_range(&mm->mm_mt, p->adjust->vm_start, p->adjust->vm_end - 1, p->adjust);
	}
	mm_vma_complete(vma, p->adjust);
	drop(mm, p->remove);
	drop(mm, p->remove2);
	return 0;
}

static void note(struct mm_struct *mm, const struct mm_vma_merge *req, uint8_t number, enum mm_vma_obstacle prev,
		 enum mm_vma_obstacle next)
{
	static const uint8_t deeds[9] = {
		MM_VMA_DID_STAY, MM_VMA_DID_MERGE_BOTH, MM_VMA_DID_MERGE_PREV, MM_VMA_DID_MERGE_NEXT,
		MM_VMA_DID_MERGE_NEXT, MM_VMA_DID_MERGE_PREV, MM_VMA_DID_MERGE_BOTH, MM_VMA_DID_MERGE_PREV,
		MM_VMA_DID_MERGE_NEXT,
	};

	mm_vma_note(mm->virt->journal, (struct mm_vma_note){
		.start = req->addr, .end = req->end, .deed = deeds[number], .merge_case = number,
		.prev = (uint8_t)prev, .next = (uint8_t)next });
}

struct mm_vma *mm_vma_merge(struct mm_struct *mm, const struct mm_vma_merge *req)
{
	struct mm_vma *prev = req->prev, *next = NULL;
	struct mm_vma *curr = mm_find_vma_intersection(mm, prev ? prev->vm_end : 0, req->end);
	enum mm_vma_obstacle by_prev = MM_VMA_NO_NEIGHBOUR, by_next = MM_VMA_NO_NEIGHBOUR;
	struct plan p = { .start = req->addr, .end = req->end };
	bool ok = true;

	if (req->vm_flags & MM_VM_SPECIAL) {
		note(mm, req, 0, MM_VMA_SPECIAL_FLAGS, MM_VMA_SPECIAL_FLAGS);
		return NULL;
	}
	if (!curr || req->end == curr->vm_end)
		next = mm_vma_lookup(mm, req->end);
	if (prev && req->addr == prev->vm_end)
		by_prev = mm_vma_merge_after(prev, req);
	if (next)
		by_next = mm_vma_merge_before(next, req, req->pgoff + ((req->end - req->addr) >> MM_PAGE_SHIFT));
	if (prev) {
		p.start = prev->vm_start;
		p.pgoff = prev->vm_pgoff;
	}
	p.res = p.vma = prev;
	if (!by_prev && !by_next && is_mergeable_anon_vma(prev->anon_vma, next->anon_vma, NULL))
		plan_both(&p, prev, curr, next);
	else if (!by_prev)
		ok = plan_prev(&p, prev, curr, req->end);
	else if (!by_next)
		plan_next(&p, req, curr, next);
	ok = ok && p.number && !carry_out(mm, &p);
	note(mm, req, ok ? p.number : 0, by_prev, by_next);
	if (ok)
		mm_khugepaged_enter_vma(p.res, req->vm_flags);
	return ok ? p.res : NULL;
}

static int modify(struct mm_vma **vmap, struct mm_vma **prev, uint64_t start, uint64_t end, uint64_t vm_flags,
		  const char *anon_name, struct mm_uffd *uffd, const struct mm_mempolicy *policy)
{
	struct mm_vma *vma = *vmap;
	struct mm_vma_merge req = {
		.prev = *prev, .addr = start, .end = end, .vm_flags = vm_flags, .anon_vma = vma->anon_vma,
		.file = vma->vm_file, .pgoff = vma->vm_pgoff + ((start - vma->vm_start) >> MM_PAGE_SHIFT),
		.anon_name = anon_name, .uffd = uffd, .policy = policy,
	};
	struct mm_vma *merged = mm_vma_merge(vma->vm_mm, &req);
	int e = 0;

	if (merged) {
		*vmap = *prev = merged;
		return 0;
	}
	*prev = vma;
	if (start != vma->vm_start)
		e = mm_split_vma(vma, start, true);
	if (!e && end != vma->vm_end)
		e = mm_split_vma(vma, end, false);
	return e;
}

int mm_vma_modify(struct mm_vma **vmap, struct mm_vma **prev, uint64_t start, uint64_t end, uint64_t vm_flags,
		  const char *anon_name)
{
	return modify(vmap, prev, start, end, vm_flags, anon_name, (*vmap)->extra->uffd, (*vmap)->extra->vm_policy);
}

int mm_vma_modify_uffd(struct mm_vma **vmap, struct mm_vma **prev, uint64_t start, uint64_t end, uint64_t vm_flags,
		       const char *anon_name, struct mm_uffd *uffd)
{
	return modify(vmap, prev, start, end, vm_flags, anon_name, uffd, (*vmap)->extra->vm_policy);
}

int mm_vma_modify_policy(struct mm_vma **vmap, struct mm_vma **prev, uint64_t start, uint64_t end, const struct mm_mempolicy *pol)
{
	return modify(vmap, prev, start, end, (*vmap)->vm_flags, (*vmap)->extra->anon_name, (*vmap)->extra->uffd, pol);
}
