/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Promises of huge pages, so that a fault on what mmap gave finds one.
 *
 *	shared	the file's map holds what was promised or is there: once for all who map it
 *	private	the VMA that was mapped (not the child's copy) is promised all of it; its map holds what was used up
 *
 * A VMA that is split keeps one map for both parts. Model: Linux 6.6 mm/hugetlb.c hugetlb_reserve_pages(),
 * alloc_hugetlb_folio(), hugetlb_vm_op_close(). Left out: sub-pools (size= and min_size= of a mount).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/host_memory.h"
#include "base/minmax.h"
#include "virt/hugetlb.h"
#include "virt/mempolicy.h"
#include "virt/rmap.h"
#include "virt/vma.h"

/* ---- ranges ------------------------------------------------------------------ */

static uint64_t region_count(const struct mm_resv_map *m, uint64_t from, uint64_t to)
{
	uint64_t n = 0;

	for (size_t i = 0; i < m->nr && m->r[i].from < to; i++) {
		uint64_t a = mm_max_u64(m->r[i].from, from), b = mm_min_u64(m->r[i].to, to);

		n += a < b ? b - a : 0;
	}
	return n;
}

static int insert_at(struct mm_resv_map *m, size_t at, uint64_t from, uint64_t to)
{
	if (mm_host_grow(&m->r, m->nr, &m->cap, sizeof(*m->r)))
		return -ENOMEM;
	memmove(m->r + at + 1, m->r + at, (m->nr - at) * sizeof(*m->r));
	m->r[at] = (struct mm_resv_range){ from, to };
	m->nr++;
	return 0;
}

static void remove_ranges(struct mm_resv_map *m, size_t at, size_t nr)
{
	memmove(m->r + at, m->r + at + nr, (m->nr - at - nr) * sizeof(*m->r));
	m->nr -= nr;
}

int mm_region_add(struct mm_resv_map *m, uint64_t from, uint64_t to)
{
	size_t i = 0, k;

	while (i < m->nr && m->r[i].to < from)
		i++;
	for (k = i; k < m->nr && m->r[k].from <= to; k++)
		;
	if (k == i)
		return insert_at(m, i, from, to);
	m->r[i].from = mm_min_u64(m->r[i].from, from);
	m->r[i].to = m->r[k - 1].to > to ? m->r[k - 1].to : to;
	remove_ranges(m, i + 1, k - i - 1);
	return 0;
}

/* Pages that were in it. */
static uint64_t region_del(struct mm_resv_map *m, uint64_t from, uint64_t to)
{
	uint64_t n = region_count(m, from, to);

	for (size_t i = 0; i < m->nr && m->r[i].from < to;) {
		struct mm_resv_range *r = &m->r[i];

		if (r->to <= from) {
			i++;
		} else if (r->from < from && r->to > to) {
			uint64_t end = r->to;

			r->to = from;
			if (insert_at(m, i + 1, to, end))
				m->r[i].to = end;	/* stays promised: as the kernel when it has no memory for it */
			break;
		} else if (r->from < from) {
			r->to = from;
			i++;
		} else if (r->to > to) {
			r->from = to;
			break;
		} else {
			remove_ranges(m, i, 1);
		}
	}
	return n;
}

void mm_resv_map_put(struct mm_resv_map *m)
{
	if (!m || --m->refs)
		return;
	free(m->r);
	free(m);
}

/* ---- promises ---------------------------------------------------------------- */

uint64_t mm_vma_hugecache_offset(const struct mm_vma *vma, uint64_t vaddr)
{
	return (((vaddr - vma->vm_start) >> MM_PAGE_SHIFT) + vma->vm_pgoff) >> mm_hstate_vma(vma)->order;
}

struct mm_hstate *mm_hstate_vma(const struct mm_vma *vma) { return vma->vm_file->inode->hugetlb->h; }

static bool is_owner(const struct mm_vma *vma) { return vma->extra->hugetlb_resv && vma->extra->hugetlb_flags & MM_HPAGE_RESV_OWNER; }

int mm_hugetlb_reserve_vma(struct mm_vma *vma)
{
	struct mm_virt *virt = vma->vm_mm->virt;
	struct mm_hugetlb_inode *hi = vma->vm_file->inode->hugetlb;
	uint64_t from = mm_vma_hugecache_offset(vma, vma->vm_start), to = mm_vma_hugecache_offset(vma, vma->vm_end), chg;
	uint64_t size = (vma->vm_pgoff << MM_PAGE_SHIFT) + vma->vm_end - vma->vm_start;
	struct mm_vma_extra *extra = mm_vma_own_extra(vma);
	struct mm_resv_map *map = NULL;
	int e;

	if (!extra)
		return -ENOMEM;

	if (!(vma->vm_flags & MM_VM_NORESERVE) && !vma->vm_file->inode->shm_segsz) {	/* a segment has what shmget() promised */
		chg = to - from;
		if (vma->vm_flags & MM_VM_MAYSHARE) {
			chg -= region_count(&hi->resv, from, to);
		} else {
			map = mm_host_calloc(1, sizeof(*map));
			if (!map)
				return -ENOMEM;
			map->refs = 1;
		}
		e = mm_hugetlb_acct_memory(virt, hi->h, (int64_t)chg);
		if (!e && !map && mm_region_add(&hi->resv, from, to)) {
			mm_hugetlb_acct_memory(virt, hi->h, -(int64_t)chg);
			e = -ENOMEM;
		}
		if (e) {
			mm_resv_map_put(map);
			if (!hi->beyond_pool)
				return e;
			map = NULL;
		}
		extra->hugetlb_resv = map;
		extra->hugetlb_flags = map ? MM_HPAGE_RESV_OWNER : 0;
	}
	if (vma->vm_flags & MM_VM_WRITE && vma->vm_file->inode->size < size)
		vma->vm_file->inode->size = size;
	return 0;
}

bool mm_hugetlb_has_pages(const struct mm_vma *vma)
{
	const struct mm_hugetlb_inode *hi = vma->vm_file->inode->hugetlb;

	return hi->beyond_pool || vma->extra->hugetlb_resv || (vma->vm_flags & MM_VM_MAYSHARE && hi->resv.nr) ||
	       hi->h->free > hi->h->resv || mm_hugetlb_overcommit(vma->vm_mm->virt, hi->h) > hi->h->surplus;
}

/* Of a shared mapping the file keeps them. Source: clear_vma_resv_huge_pages(), hugetlb_dup_vma_private(). */
void mm_clear_vma_resv_huge_pages(struct mm_vma *vma)
{
	struct mm_vma_extra *extra = vma->extra->hugetlb_resv || vma->extra->hugetlb_flags ? mm_vma_own_extra(vma) : NULL;

	if (!extra)
		return;
	mm_resv_map_put(extra->hugetlb_resv);
	extra->hugetlb_resv = NULL;
	extra->hugetlb_flags = 0;
}

void mm_hugetlb_vm_op_close(struct mm_vma *vma)
{
	uint64_t from, to;

	if (!(vma->vm_flags & MM_VM_HUGETLB) || !is_owner(vma))
		return;
	from = mm_vma_hugecache_offset(vma, vma->vm_start);
	to = mm_vma_hugecache_offset(vma, vma->vm_end);
	mm_hugetlb_acct_memory(vma->vm_mm->virt, mm_hstate_vma(vma),
			       -(int64_t)(to - from - region_count(vma->extra->hugetlb_resv, from, to)));
}

/* 1: nothing is promised for this page (any more); 0: it is. */
static uint64_t vma_needs_reservation(const struct mm_vma *vma, uint64_t idx)
{
	if (vma->vm_flags & MM_VM_MAYSHARE)
		return !region_count(&vma->vm_file->inode->hugetlb->resv, idx, idx + 1);
	return is_owner(vma) ? region_count(vma->extra->hugetlb_resv, idx, idx + 1) : 1;
}

static bool has_reserves(const struct mm_vma *vma, uint64_t chg)
{
	if (vma->vm_flags & MM_VM_NORESERVE)
		return vma->vm_flags & MM_VM_MAYSHARE && !chg;
	return (vma->vm_flags & MM_VM_MAYSHARE || is_owner(vma)) && !chg;
}

static int commit_reservation(struct mm_vma *vma, uint64_t idx)
{
	if (vma->vm_flags & MM_VM_MAYSHARE)
		return mm_region_add(&vma->vm_file->inode->hugetlb->resv, idx, idx + 1);
	return is_owner(vma) ? mm_region_add(vma->extra->hugetlb_resv, idx, idx + 1) : 0;
}

int mm_alloc_hugetlb_folio(struct mm_vma *vma, uint64_t vaddr, bool avoid_reserve, mm_pfn_t *headp)
{
	struct mm_virt *virt = vma->vm_mm->virt;
	struct mm_hstate *h = mm_hstate_vma(vma);
	uint64_t idx = mm_vma_hugecache_offset(vma, vaddr), chg = avoid_reserve ? 1 : vma_needs_reservation(vma, idx);
	bool reserved = !avoid_reserve && has_reserves(vma, chg);
	struct mm_mpol_place place = mm_vma_mpol_place(vma, vaddr, h->order);
	mm_pfn_t head = MM_PFN_NONE;

	if (reserved || h->free > h->resv)
		head = mm_dequeue_hugetlb_folio(virt, h, place);
	if (head == MM_PFN_NONE)
		head = mm_alloc_surplus_hugetlb_folio(virt, h, place);
	if (head == MM_PFN_NONE)
		return -ENOSPC;
	h->resv -= reserved;
	if (commit_reservation(vma, idx)) {
		h->resv += reserved;
		mm_free_huge_folio(virt, head);
		return -ENOMEM;
	}
	mm_page(virt->phys, head)->refs = 1;
	mm_page(virt->phys, head)->flags |= MM_PG_UPTODATE;
	mm_folio_prep_transhuge(virt->phys, head);
	*headp = head;
	return 0;
}

int mm_hugetlb_add_to_file(struct mm_virt *virt, struct mm_inode *inode, uint64_t idx, mm_pfn_t head)
{
	struct mm_page *p = mm_page(virt->phys, head);

	if (mm_xa_store(&inode->hugetlb->pages, idx, (uint64_t)head + 1, NULL))
		return -ENOMEM;
	inode->hugetlb->nr_pages++;
	p->refs++;
	p->flags |= MM_PG_DIRTY;
	p->mapping = inode->mapping.id;
	p->index = idx << p->order;
	return 0;
}

void mm_hugetlb_remove_pages(struct mm_virt *virt, struct mm_inode *inode, uint64_t first, uint64_t last)
{
	struct mm_hugetlb_inode *hi = inode->hugetlb;
	bool truncate = last == UINT64_MAX;
	uint64_t freed = 0, chg, v;

	for (uint64_t i = first; i <= last && mm_xa_find(&hi->pages, &i, &v) && i <= last; i++) {
		mm_pfn_t head = (mm_pfn_t)(v - 1);

		mm_xa_store(&hi->pages, i, 0, NULL);
		hi->nr_pages--;
		freed++;
		if (!truncate)
			region_del(&hi->resv, i, i + 1);
		mm_page(virt->phys, head)->mapping = 0;
		if (!--mm_page(virt->phys, head)->refs && !mm_page(virt->phys, head)->mapcount)
			mm_free_huge_folio(virt, head);
	}
	if (!truncate)
		return;
	chg = region_del(&hi->resv, first, UINT64_MAX);
	mm_hugetlb_acct_memory(virt, hi->h, -(int64_t)(chg - freed));
}

void mm_hugetlb_evict_inode(struct mm_virt *virt, struct mm_inode *inode)
{
	struct mm_hugetlb_inode *hi = inode->hugetlb;

	mm_hugetlb_remove_pages(virt, inode, 0, UINT64_MAX);
	mm_xa_destroy(&hi->pages);
	*hi->prevp = hi->next;
	if (hi->next)
		hi->next->prevp = hi->prevp;
	free(hi->resv.r);
	free(hi);
	inode->hugetlb = NULL;
}

void mm_hugetlb_put_orphan(struct mm_virt *virt, struct mm_file *file)
{
	struct mm_hugetlb_inode *hi = file->inode->hugetlb;

	if (virt->hugetlb->in_mmap) {
		hi->orphan = file;
		hi->next_orphan = virt->hugetlb->orphans;
		virt->hugetlb->orphans = hi;
		return;
	}
	mm_hugetlb_evict_inode(virt, file->inode);
	mm_inode_evict(virt->inodes, file);
}

void mm_hugetlb_put_orphans(struct mm_virt *virt)
{
	struct mm_hugetlb_inode *hi = virt->hugetlb->orphans;

	virt->hugetlb->in_mmap = false;
	virt->hugetlb->orphans = NULL;
	for (struct mm_hugetlb_inode *next; hi; hi = next) {
		next = hi->next_orphan;
		mm_hugetlb_put_orphan(virt, hi->orphan);
	}
}
