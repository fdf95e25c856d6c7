/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Pages that lie on the wrong nodes: found in page tables, taken off the LRU, moved.
 *
 *	queue	walk the range, VMA by VMA; a folio on a wrong node is isolated, unless others map it too
 *	move	a new page each, where the policy or the call says, then mm_migrate_folio(); no memory: the rest stays
 *
 * The zero pages, pages on the swap device and pages of drivers are passed over. Huge pages of pools move first.
 * Source: Linux 6.6 mm/mempolicy.c queue_pages_range(), migrate_to_node(), do_migrate_pages(); mm/migrate.c
 * migrate_pages(), add_page_for_migration().
 */
#include <errno.h>
#include <stdlib.h>

#include "base/host_memory.h"
#include "base/minmax.h"
#include "cache/lru.h"
#include "cache/migrate.h"
#include "virt/anon_vma.h"
#include "virt/hugetlb.h"
#include "virt/mempolicy.h"
#include "virt/rmap.h"

enum { MOVES = MM_MPOL_MF_MOVE | MM_MPOL_MF_MOVE_ALL };

struct queue {
	const struct mm_queue_pages *q;
	struct mm_virt *virt;
	const struct mm_vma *vma;
	mm_pfn_t large;			/* the last large folio that was met */
	long nr_failed;
	int err;
};

static bool vma_migratable(const struct mm_vma *vma) { return !(vma->vm_flags & (MM_VM_IO | MM_VM_PFNMAP)); }

static bool is_hugetlb(const struct mm_virt *virt, mm_pfn_t head) { return mm_page(virt->phys, head)->flags & MM_PG_HUGETLB; }

/* Put the folio on @list: true; false: it cannot be isolated now, or (*@nomem) there is no host memory. */
static bool isolate(struct mm_virt *virt, struct mm_migrate_list *list, mm_pfn_t head, bool *nomem)
{
	*nomem = mm_host_grow(&list->v, list->nr, &list->cap, sizeof(*list->v)) != 0;
	if (*nomem)
		return false;
	if (is_hugetlb(virt, head)) {
		if (!mm_isolate_hugetlb(virt, head))
			return false;
	} else {
		if (!(mm_page(virt->phys, head)->flags & MM_PG_LRU))
			return false;
		mm_isolate_movable(virt->cache, head);
	}
	list->v[list->nr++] = head;
	return true;
}

void mm_migrate_putback(struct mm_virt *virt, mm_pfn_t head)
{
	if (is_hugetlb(virt, head))
		mm_putback_hugetlb(virt, head);
	else
		mm_putback_movable(virt->cache, head);
}

/* ---- looking ---- */

static bool strictly_unmovable(const struct queue *w) { return (w->q->flags & (MM_MPOL_MF_STRICT | MOVES)) == MM_MPOL_MF_STRICT; }

static bool is_wrong(const struct queue *w, mm_pfn_t head)
{
	return mm_node_isset(&w->q->nodes, mm_page_nid(w->virt->phys, head)) == !w->q->invert;
}

/* migrate_folio_add() and what its callers ask before. */
static void add(struct queue *w, mm_pfn_t head)
{
	bool nomem = false, ok = w->q->flags & MOVES && vma_migratable(w->vma);

	if (ok && (w->q->flags & MM_MPOL_MF_MOVE_ALL || mm_page_mapcount(w->virt->phys, head) == 1))
		ok = isolate(w->virt, w->q->list, head, &nomem);
	w->nr_failed += !ok;
	if (nomem)
		w->err = -ENOMEM;
}

static void queue_pte(struct queue *w, mm_pte_t pte)
{
	mm_pfn_t pfn, head;

	if (!mm_pte_present(pte) || mm_pte_special(pte))
		return;
	pfn = mm_pte_pfn(pte);
	head = mm_page_head(w->virt->phys, pfn);
	if (mm_page(w->virt->phys, head)->flags & MM_PG_RESERVED || !is_wrong(w, head))
		return;
	if (mm_folio_is_large(w->virt->phys, head)) {
		if (head == w->large)
			return;
		w->large = head;
	}
	add(w, head);
}

static void queue_range(struct queue *w, uint64_t start, uint64_t end)
{
	struct mm_struct *mm = w->vma->vm_mm;
	uint64_t next;
	mm_pte_t *pmd;

	for (uint64_t vaddr = start; !w->err && (pmd = mm_next_pmd(mm, &vaddr, end)); vaddr = next) {
		next = mm_pmd_addr_end(vaddr, end);
		if (mm_pmd_trans_huge(*pmd)) {
			if (!mm_is_huge_zero_pmd(w->virt, *pmd) && is_wrong(w, mm_pte_pfn(*pmd)))
				add(w, mm_pte_pfn(*pmd));
		} else {
			for (const mm_pte_t *pte; !w->err && (pte = mm_next_pte(mm, pmd, &vaddr, next)); vaddr += MM_PAGE_SIZE) {
				queue_pte(w, *pte);
				if (w->nr_failed && strictly_unmovable(w))
					break;
			}
		}
		if (!w->err && w->nr_failed && strictly_unmovable(w))
			w->err = -EIO;
	}
}

/* What others map too is left where it is, which is no failure. */
static void queue_folios_hugetlb(struct queue *w, uint64_t start, uint64_t end)
{
	const struct mm_hstate *h = mm_hstate_vma(w->vma);

	for (uint64_t vaddr = start; vaddr < end && !w->err; vaddr += mm_huge_page_size(h)) {
		const mm_pte_t *pte = mm_huge_pte_offset(w->vma, vaddr);
		mm_pfn_t head;
		bool nomem = false;

		if (!pte)
			vaddr |= mm_hugetlb_mask_last_page(h);
		if (!pte || mm_pte_none(*pte) || !mm_pte_present(*pte) || !is_wrong(w, mm_pte_pfn(*pte)))
			continue;
		head = mm_pte_pfn(*pte);
		if (!(w->q->flags & MOVES) || !vma_migratable(w->vma))
			w->nr_failed++;
		else if (w->q->flags & MM_MPOL_MF_MOVE_ALL ||
			 (mm_page(w->virt->phys, head)->mapcount == 1 && !mm_hugetlb_pmd_shared(w->vma, vaddr)))
			w->nr_failed += !isolate(w->virt, w->q->list, head, &nomem);
		if (nomem || (w->nr_failed && strictly_unmovable(w)))
			w->err = nomem ? -ENOMEM : -EIO;
	}
}

/* One VMA of the range (queue_pages_test_walk()). */
static void queue_vma(struct queue *w, uint64_t start, uint64_t end)
{
	uint64_t from = mm_max_u64(start, w->vma->vm_start), to = mm_min_u64(end, w->vma->vm_end);

	if (!w->virt->phys || (!vma_migratable(w->vma) && !(w->q->flags & MM_MPOL_MF_STRICT)) ||
	    !(w->q->flags & (MM_MPOL_MF_STRICT | MOVES)))
		return;
	if (w->vma->vm_flags & MM_VM_HUGETLB)
		queue_folios_hugetlb(w, from, to);
	else
		queue_range(w, from, to);
}

long mm_queue_pages_range(struct mm_struct *mm, uint64_t start, uint64_t end, const struct mm_queue_pages *q)
{
	struct queue w = { .q = q, .virt = mm->virt, .large = MM_PFN_NONE };
	uint64_t at = start;
	bool any = false;

	for (; !w.err && at < end; at = w.vma->vm_end) {
		w.vma = mm_find_vma_intersection(mm, at, end);
		if (!w.vma)
			break;
		if (!q->holes_ok && w.vma->vm_start > at)
			return -EFAULT;
		any = true;
		queue_vma(&w, start, end);
	}
	if (!any || (!w.err && !q->holes_ok && at < end))
		return -EFAULT;
	return w.err ? w.err : w.nr_failed;
}

/* ---- moving ---- */

/* The VMA that maps the folio, from t->start on, as mbind()'s new_folio() looks for it; NULL: none. */
static const struct mm_vma *vma_of_folio(struct mm_virt *virt, const struct mm_migrate_target *t, mm_pfn_t head, uint64_t *vaddr)
{
	const struct mm_page *p = mm_page(virt->phys, head);
	bool anon = p->flags & MM_PG_ANON;
	struct mm_anon_vma *av = anon ? mm_anon_vma_of(virt, p->mapping) : NULL;

	for (const struct mm_vma *vma = mm_find_vma(t->mm, t->start); vma; vma = mm_find_vma(t->mm, vma->vm_end)) {
		if (anon ? !av || !vma->anon_vma || mm_anon_vma_root(vma->anon_vma) != mm_anon_vma_root(av)
			 : !vma->vm_file || vma->vm_file->inode->mapping.id != p->mapping)
			continue;
		if (p->index < vma->vm_pgoff || p->index - vma->vm_pgoff >= mm_vma_pages(vma))
			continue;
		*vaddr = vma->vm_start + ((p->index - vma->vm_pgoff) << MM_PAGE_SHIFT);
		return vma;
	}
	return NULL;
}

static mm_pfn_t new_folio(struct mm_virt *virt, const struct mm_migrate_target *t, mm_pfn_t head)
{
	bool large = mm_folio_is_large(virt->phys, head);
	unsigned int order = large ? MM_PMD_ORDER : 0;
	const struct mm_vma *vma;
	uint64_t vaddr = 0;
	mm_pfn_t pfn;

	if (!t->mm) {
		mm_gfp_t gfp = MM_GFP_HIGHUSER_MOVABLE | __MM_GFP_THISNODE;

		if (large)
			gfp = (gfp & ~(mm_gfp_t)MM_GFP_RECLAIM) | MM_GFP_TRANSHUGE;
		pfn = mm_alloc_pages_nodemask(virt->phys, t->nid, MM_NODES_ALL, gfp, order);
	} else {
		mm_gfp_t gfp = large ? MM_GFP_TRANSHUGE : MM_GFP_HIGHUSER_MOVABLE | __MM_GFP_RETRY_MAYFAIL;
		struct mm_mpol_place place = { virt->ctx->mempolicy, MM_MPOL_BY_TASK };

		vma = vma_of_folio(virt, t, head, &vaddr);
		if (vma)
			place = mm_vma_mpol_place(vma, vaddr, order);
		pfn = mm_alloc_pages_placed(virt->phys, gfp, order, place, large);
	}
	return pfn;
}

int mm_migrate_to(struct mm_virt *virt, mm_pfn_t head, mm_pfn_t dst)
{
	const struct mm_movable_ops *ops = &virt->phys->hooks.movable;
	bool large = mm_folio_is_large(virt->phys, head);
	int e = -ENOMEM;

	if (dst != MM_PFN_NONE) {
		if (large)
			mm_folio_prep_transhuge(virt->phys, dst);
		e = ops->migrate_page(ops->arg, head, dst);
		if (e)
			mm_folio_put(virt->cache, dst);
	}
	mm_count(virt->ctx, e ? MM_PGMIGRATE_FAIL : MM_PGMIGRATE_SUCCESS, large ? MM_PMD_PAGES : 1);
	if (large)
		mm_count(virt->ctx, e ? MM_THP_MIGRATION_FAIL : MM_THP_MIGRATION_SUCCESS, 1);
	return e;
}

/* 0, -EAGAIN (somebody holds it), or -ENOMEM, which is not counted: a large one may be split. */
static int migrate_one(struct mm_virt *virt, const struct mm_migrate_target *t, mm_pfn_t head)
{
	const struct mm_page *p = mm_page(virt->phys, head);
	mm_pfn_t dst;

	if (p->refs == 1 && !p->mapcount) {	/* freed while it was isolated: nothing left to move */
		mm_putback_movable(virt->cache, head);
		return 0;
	}
	dst = new_folio(virt, t, head);
	return dst == MM_PFN_NONE ? -ENOMEM : mm_migrate_to(virt, head, dst);
}

/* No memory for 2M: it is split, and its pages move one by one as far as that goes. */
static void migrate_split(struct mm_virt *virt, const struct mm_migrate_target *t, mm_pfn_t head)
{
	struct mm_page_list pages = MM_PAGE_LIST_INIT;

	mm_count(virt->ctx, MM_THP_MIGRATION_FAIL, 1);
	if (mm_split_folio_to_list(virt, head, &pages)) {
		mm_count(virt->ctx, MM_PGMIGRATE_FAIL, MM_PMD_PAGES);
		mm_putback_movable(virt->cache, head);
		return;
	}
	mm_count(virt->ctx, MM_THP_MIGRATION_SPLIT, 1);
	for (mm_pfn_t pfn = head; pfn != MM_PFN_NONE; pfn = pages.head) {
		if (pfn != head)
			mm_page_list_del(virt->phys->mem_map, &pages, pfn);
		if (migrate_one(virt, t, pfn))
			mm_putback_movable(virt->cache, pfn);
	}
}

static int migrate_hugetlb(struct mm_virt *virt, const struct mm_migrate_target *t, mm_pfn_t head)
{
	struct mm_mpol_place place = { virt->ctx->mempolicy, MM_MPOL_BY_TASK };
	mm_nodes_t nodes = t->mm ? 0 : mm_node_bit(t->nid);
	uint32_t nid = t->nid;
	uint64_t vaddr = 0;

	if (t->mm) {
		const struct mm_vma *vma = vma_of_folio(virt, t, head, &vaddr);

		if (vma)
			place = mm_vma_mpol_place(vma, vaddr, mm_page(virt->phys, head)->order);
		nid = mm_huge_node(virt, place, &nodes);
	}
	return mm_migrate_hugetlb(virt, head, nid, nodes);
}

/* Those of pools; when there is no page for one, nothing else moves. */
static bool migrate_hugetlbs(struct mm_virt *virt, struct mm_migrate_list *list, const struct mm_migrate_target *t, long *failed)
{
	bool no_memory = false;

	for (size_t i = 0; i < list->nr; i++) {
		mm_pfn_t head = list->v[i];
		int64_t pages = (int64_t)mm_folio_nr_pages(mm_page(virt->phys, head));
		int e;

		if (!is_hugetlb(virt, head))
			continue;
		list->v[i] = MM_PFN_NONE;
		e = no_memory ? -EBUSY : migrate_hugetlb(virt, t, head);
		no_memory |= e == -ENOMEM;
		if (e != -EBUSY)
			mm_count(virt->ctx, e ? MM_PGMIGRATE_FAIL : MM_PGMIGRATE_SUCCESS, pages);
		if (!e)
			continue;
		++*failed;
		mm_putback_hugetlb(virt, head);
	}
	return !no_memory;
}

long mm_migrate_folios(struct mm_virt *virt, struct mm_migrate_list *list, const struct mm_migrate_target *target)
{
	long failed = 0;
	bool no_memory = !migrate_hugetlbs(virt, list, target, &failed);

	for (size_t i = 0; i < list->nr; i++) {
		mm_pfn_t head = list->v[i];
		bool large;
		int e;

		if (head == MM_PFN_NONE)
			continue;
		large = mm_folio_is_large(virt->phys, head);
		e = no_memory ? -EBUSY : migrate_one(virt, target, head);
		if (!e)
			continue;
		failed++;
		if (e == -ENOMEM && large) {
			migrate_split(virt, target, head);
			continue;
		}
		if (e == -ENOMEM) {
			mm_count(virt->ctx, MM_PGMIGRATE_FAIL, 1);
			no_memory = true;
		}
		mm_putback_movable(virt->cache, head);
	}
	list->nr = 0;
	return no_memory ? -ENOMEM : failed;
}

/* ---- migrate_pages(), move_pages() ---- */

static long migrate_to_node(struct mm_struct *mm, uint32_t source, uint32_t dest)
{
	struct mm_migrate_list list = { 0 };
	struct mm_queue_pages q = { .holes_ok = true, .flags = MM_MPOL_MF_MOVE_ALL, .list = &list };
	const struct mm_vma *vma = mm_find_vma(mm, 0);
	long failed, left;

	if (!vma)
		return 0;
	mm_node_set(&q.nodes, source);
	failed = mm_queue_pages_range(mm, vma->vm_start, mm->task_size, &q);
	left = mm_migrate_folios(mm->virt, &list, &(struct mm_migrate_target){ .nid = dest });
	free(list.v);
	return left < 0 ? left : left + (failed < 0 ? 0 : failed);
}

static uint32_t weight(const struct mm_nodemask *m, uint32_t below)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < below; i++)
		n += mm_node_isset(m, i);
	return n;
}

/* node_remap(): the place of @node in @from is its place in @to, round and round. */
static uint32_t node_remap(uint32_t node, const struct mm_nodemask *from, const struct mm_nodemask *to)
{
	uint32_t w = weight(to, MM_MAX_NUMNODES), place;

	if (!mm_node_isset(from, node) || !w)
		return node;
	place = weight(from, node) % w;
	for (uint32_t n = 0; n < MM_MAX_NUMNODES; n++)
		if (mm_node_isset(to, n) && !place--)
			return n;
	return node;
}

long mm_do_migrate_pages(struct mm_struct *mm, const struct mm_nodemask *from, const struct mm_nodemask *to)
{
	bool same_weight = weight(from, MM_MAX_NUMNODES) == weight(to, MM_MAX_NUMNODES);
	struct mm_nodemask left = *from;
	long failed = 0, e = 0;

	if (!mm->virt->phys)
		return 0;
	mm_lru_add_drain_all(mm->virt->cache);
	while (e >= 0) {
		uint32_t source = MM_MAX_NUMNODES, dest = 0;

		for (uint32_t s = 0; s < MM_MAX_NUMNODES; s++) {
			uint32_t d;

			if (!mm_node_isset(&left, s) || (!same_weight && mm_node_isset(to, s)))
				continue;
			d = node_remap(s, from, to);
			if (s == d)
				continue;
			source = s;
			dest = d;
			if (!mm_node_isset(&left, d))
				break;
		}
		if (source == MM_MAX_NUMNODES)
			break;
		mm_node_clear(&left, source);
		e = migrate_to_node(mm, source, dest);
		failed += e;
	}
	mm_lru_add_drain_all(mm->virt->cache);
	return e < 0 ? e : failed;
}

static int64_t follow_hugetlb(const struct mm_vma *vma, uint64_t vaddr)
{
	const mm_pte_t *e = mm_huge_pte_offset(vma, vaddr);

	if (e && mm_pte_present(*e))
		return mm_pte_pfn(*e) + (mm_pfn_t)((vaddr & mm_hugetlb_mask(vma)) / MM_PAGE_SIZE);
	return mm_xa_load(&vma->vm_file->inode->hugetlb->pages, mm_vma_hugecache_offset(vma, vaddr)) ? -ENOENT : -EFAULT;
}

/* The page at @vaddr, or -errno as follow_page() tells (FOLL_DUMP: where nothing would be but zeroes it is a fault). */
static int64_t follow_page(const struct mm_vma *vma, uint64_t vaddr)
{
	const struct mm_virt *virt = vma->vm_mm->virt;
	int64_t nothing = mm_vma_is_anonymous(vma) || vma->extra->special ? -EFAULT : -ENOENT;
	const mm_pte_t *e;

	if (vma->vm_flags & MM_VM_HUGETLB)
		return follow_hugetlb(vma, vaddr);
	e = mm_pmd_offset(vma->vm_mm, vaddr);
	if (!e || mm_pte_none(*e))
		return nothing;
	if (mm_pmd_trans_huge(*e))
		return mm_is_huge_zero_pmd(virt, *e) ? -EFAULT : (int64_t)(mm_pte_pfn(*e) + vaddr / MM_PAGE_SIZE % MM_PMD_PAGES);
	e = mm_pte_of(vma->vm_mm, e, vaddr);
	if (mm_pte_none(*e))
		return nothing;
	if (!mm_pte_present(*e))
		return -ENOENT;
	return mm_pte_special(*e) ? -EFAULT : (int64_t)mm_pte_pfn(*e);
}

int mm_move_page(struct mm_struct *mm, uint64_t vaddr, int64_t nid, uint64_t flags)
{
	struct mm_virt *virt = mm->virt;
	const struct mm_vma *vma = mm_vma_lookup(mm, vaddr);
	struct mm_migrate_list list = { 0 };
	mm_pfn_t pfn, head;
	int64_t found;
	bool nomem;
	long left;
	int at;

	if (nid >= 0 && (nid >= MM_MAX_NODES || !(virt->ctx->numa.memory >> nid & 1)))
		return -ENODEV;
	if (nid >= 0)
		mm_lru_add_drain_all(virt->cache);
	if (!vma || (nid >= 0 && !vma_migratable(vma)))
		return -EFAULT;
	found = follow_page(vma, vaddr);
	if (found < 0)
		return (int)found;
	pfn = (mm_pfn_t)found;
	at = (int)mm_page_nid(virt->phys, pfn);
	if (nid < 0 || at == nid)
		return at;
	head = vma->vm_flags & MM_VM_HUGETLB ? pfn - (mm_pfn_t)((vaddr & mm_hugetlb_mask(vma)) / MM_PAGE_SIZE)
					     : mm_page_head(virt->phys, pfn);
	if (!(flags & MM_MPOL_MF_MOVE_ALL) &&
	    (is_hugetlb(virt, head) ? (uint32_t)mm_page(virt->phys, head)->mapcount : mm_page_mapcount(virt->phys, pfn)) > 1)
		return -EACCES;
	if (is_hugetlb(virt, head) && pfn != head)
		return -EACCES;		/* not by a tail page */
	if (!isolate(virt, &list, head, &nomem))
		return -EBUSY;
	left = mm_migrate_folios(virt, &list, &(struct mm_migrate_target){ .nid = (uint32_t)nid });
	at = left < 0 ? (int)left : left ? -EAGAIN : (int)nid;
	free(list.v);
	mm_lru_add_drain_all(virt->cache);
	return at;
}
