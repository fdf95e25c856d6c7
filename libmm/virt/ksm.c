/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Same-page merging: who is scanned, and the items and nodes that remember what was found.
 *
 * An address space has a slot from the first MADV_MERGEABLE on until ksmd sees that it has ended or has no mergeable
 * VMA left; the slot keeps the (emptied) address space in memory. Every stable node has at least the page it was made
 * for; when the page goes, the node stays and is found stale the next time somebody asks for its page.
 * Model: Linux 6.6 mm/ksm.c. Left out: the slab objects of slots, items and nodes take no simulated memory.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/host_memory.h"
#include "cache/lru.h"
#include "virt/anon_vma.h"
#include "virt/ksm.h"
#include "virt/pgtable.h"

/* virt->ksm; 0 or -ENOMEM */
static int ksm_new(struct mm_virt *virt)
{
	struct mm_ksm *k = mm_host_calloc(1, sizeof(*k));

	if (!k)
		return -ENOMEM;
	k->virt = virt;
	k->head.next = k->head.prev = k->cursor = &k->head;
	k->max_page_sharing = mm_sysctl(virt->ctx, MM_SYSCTL_KSM_MAX_PAGE_SHARING);
	k->merge_across_nodes = mm_sysctl(virt->ctx, MM_SYSCTL_KSM_MERGE_ACROSS_NODES);
	k->run = mm_sysctl(virt->ctx, MM_SYSCTL_KSM_RUN);
	virt->ksm = k;
	return 0;
}

void mm_ksm_free(struct mm_virt *virt)
{
	struct mm_ksm *k = virt->ksm;

	if (!k)
		return;
	while (k->head.next != &k->head) {
		struct mm_ksm_slot *slot = k->head.next;

		while (slot->rmap_list) {
			struct mm_ksm_item *item = slot->rmap_list;

			slot->rmap_list = item->rmap_list;
			if (item->stable)
				mm_put_anon_vma(virt, item->anon_vma);
			free(item);
		}
		mm_ksm_slot_free(k, slot);
	}
	for (uint32_t i = 0; i < k->nr_ids; i++)
		free(k->by_id[i]);
	free(k->by_id);
	free(k);
	virt->ksm = NULL;
}

/* ---- address spaces ------------------------------------------------------- */

static void insert_before(struct mm_ksm_slot *at, struct mm_ksm_slot *slot)
{
	slot->next = at;
	slot->prev = at->prev;
	at->prev->next = slot;
	at->prev = slot;
}

static void unlink_slot(struct mm_ksm_slot *slot)
{
	slot->prev->next = slot->next;
	slot->next->prev = slot->prev;
}

int mm_ksm_enter(struct mm_struct *mm)
{
	struct mm_ksm_slot *slot;
	struct mm_ksm *k;

	if (!mm->virt->phys || mm->ksm_slot)
		return 0;
	if (!mm->virt->ksm && ksm_new(mm->virt))
		return -ENOMEM;
	k = mm->virt->ksm;
	slot = mm_host_calloc(1, sizeof(*slot));
	if (!slot)
		return -ENOMEM;
	slot->mm = mm;
	insert_before(k->run & MM_KSM_RUN_UNMERGE ? &k->head : k->cursor, slot);
	mm->ksm_slot = slot;
	mm->mm_count++;
	return 0;
}

int mm_ksm_fork(struct mm_struct *mm, struct mm_struct *oldmm)
{
	int e = oldmm->ksm_slot ? mm_ksm_enter(mm) : 0;

	if (!e)
		mm->ksm_merge_any = oldmm->ksm_merge_any;
	return e;
}

void mm_ksm_slot_free(struct mm_ksm *k, struct mm_ksm_slot *slot)
{
	struct mm_struct *mm = slot->mm;

	if (k->cursor == slot)
		k->cursor = slot->next;
	unlink_slot(slot);
	free(slot);
	mm->ksm_slot = NULL;
	mm->ksm_merge_any = false;
	mm_mmdrop(mm);
}

void mm_ksm_exit(struct mm_struct *mm)
{
	struct mm_ksm_slot *slot = mm->ksm_slot;
	struct mm_ksm *k = mm->virt->ksm;

	if (!slot || k->cursor == slot)
		return;
	if (!slot->rmap_list) {
		mm_ksm_slot_free(k, slot);
		return;
	}
	unlink_slot(slot);	/* right behind the cursor: ksmd frees it next */
	insert_before(k->cursor->next, slot);
}

bool mm_vma_ksm_compatible(const struct mm_vma *vma)
{
	return !(vma->vm_flags & (MM_VM_SHARED | MM_VM_MAYSHARE | MM_VM_PFNMAP | MM_VM_IO | MM_VM_DONTEXPAND |
				  MM_VM_HUGETLB | MM_VM_MIXEDMAP));
}

void mm_ksm_add_vma(struct mm_vma *vma)
{
	if (vma->vm_mm->ksm_merge_any && mm_vma_ksm_compatible(vma))
		vma->vm_flags |= MM_VM_MERGEABLE;
}

/* ---- zero pages ------------------------------------------------------------ */

bool mm_is_ksm_zero_pte(const struct mm_virt *virt, uint64_t pte)
{
	return pte & MM_PTE_P && mm_pte_pfn(pte) == virt->zero_pfn && mm_pte_dirty(pte);
}

void mm_ksm_might_unmap_zero_page(struct mm_struct *mm, uint64_t pte)
{
	if (!mm->virt->ksm || !mm_is_ksm_zero_pte(mm->virt, pte))
		return;
	mm->virt->ksm->zero_pages--;
	mm->ksm_zero_pages--;
}

/* ---- items ----------------------------------------------------------------- */

struct mm_ksm_item *mm_ksm_item_alloc(struct mm_ksm *k, struct mm_struct *mm, uint64_t address)
{
	struct mm_ksm_item *item = mm_host_calloc(1, sizeof(*item));

	if (!item)
		return NULL;
	item->mm = mm;
	item->address = address;
	k->rmap_items++;
	mm->ksm_rmap_items++;
	return item;
}

void mm_ksm_item_free(struct mm_ksm *k, struct mm_ksm_item *item)
{
	k->rmap_items--;
	item->mm->ksm_rmap_items--;
	free(item);
}

static void unlink_item(struct mm_ksm_item *item)
{
	*item->pprev = item->next;
	if (item->next)
		item->next->pprev = item->pprev;
	item->next = NULL;
	item->pprev = NULL;
}

/* The item leaves the node: one sharer less, or the page is shared by nobody any more. */
static void leave_node(struct mm_ksm *k, struct mm_ksm_item *item, bool last)
{
	if (last)
		k->pages_shared--;
	else
		k->pages_sharing--;
	item->mm->ksm_merging_pages--;
	item->head->rmap_len--;
	mm_put_anon_vma(k->virt, item->anon_vma);
	item->anon_vma = NULL;
	item->stable = false;
}

void mm_ksm_item_remove(struct mm_ksm *k, struct mm_ksm_item *item)
{
	if (item->stable) {
		struct mm_ksm_node *n = item->head;
		mm_pfn_t pfn = mm_ksm_get_page(k, n);

		if (pfn == MM_PFN_NONE)
			return;		/* the node went, and the item left it */
		unlink_item(item);
		leave_node(k, item, !n->items);
		item->head = NULL;
		mm_folio_put(k->virt->cache, pfn);
	} else if (item->unstable) {
		if (item->seqnr == (uint8_t)k->seqnr)
			mm_rb_erase(&k->unstable[item->nid], &item->node);
		k->pages_unshared--;
		item->unstable = false;
	}
}

void mm_ksm_trailing_remove(struct mm_ksm *k, struct mm_ksm_item **list)
{
	while (*list) {
		struct mm_ksm_item *item = *list;

		*list = item->rmap_list;
		mm_ksm_item_remove(k, item);
		mm_ksm_item_free(k, item);
	}
}

/* ---- stable nodes ------------------------------------------------------------ */

struct mm_ksm_node *mm_ksm_page_node(const struct mm_virt *virt, mm_pfn_t pfn)
{
	const struct mm_page *p = mm_page(virt->phys, pfn);

	return p->flags & MM_PG_KSM && p->mapping ? virt->ksm->by_id[p->mapping - 1] : NULL;
}

struct mm_ksm_node *mm_ksm_node_alloc(struct mm_ksm *k)
{
	struct mm_ksm_node *n = mm_host_calloc(1, sizeof(*n));
	uint32_t i = k->free_hint;

	while (i < k->nr_ids && k->by_id[i])
		i++;
	if (n && i == k->cap_ids) {
		uint32_t cap = k->cap_ids ? 2 * k->cap_ids : 64;
		struct mm_ksm_node **v = mm_host_realloc(k->by_id, cap * sizeof(struct mm_ksm_node *));

		if (v) {
			k->by_id = v;
			k->cap_ids = cap;
		}
	}
	if (!n || i == k->cap_ids) {
		free(n);
		return NULL;
	}
	k->free_hint = i + 1;
	k->nr_ids = i + 1 > k->nr_ids ? i + 1 : k->nr_ids;
	k->by_id[i] = n;
	n->id = i + 1;
	return n;
}

void mm_ksm_node_free(struct mm_ksm *k, struct mm_ksm_node *n)
{
	k->by_id[n->id - 1] = NULL;
	if (n->id - 1 < k->free_hint)
		k->free_hint = n->id - 1;
	free(n);
}

/* Out of the tree, the chain, or the list of the migrated. */
static void take_out(struct mm_ksm *k, struct mm_ksm_node *n)
{
	if (n->place == MM_KSM_IN_TREE) {
		mm_rb_erase(&k->stable[n->nid], &n->node);
		return;
	}
	mm_ksm_node_unlink(n);
	k->node_dups -= n->place == MM_KSM_DUP;
}

static void remove_node_from_stable_tree(struct mm_ksm *k, struct mm_ksm_node *n)
{
	while (n->items) {
		struct mm_ksm_item *item = n->items;
		bool last = !item->next;

		unlink_item(item);
		leave_node(k, item, last);
	}
	take_out(k, n);
	mm_ksm_node_free(k, n);
}

void mm_ksm_node_migrated(struct mm_ksm *k, struct mm_ksm_node *n)
{
	take_out(k, n);
	n->place = MM_KSM_MIGRATED;
	mm_ksm_node_link(&k->migrated, n);
}

mm_pfn_t mm_ksm_get_page(struct mm_ksm *k, struct mm_ksm_node *n)
{
	struct mm_page *p = mm_page(k->virt->phys, n->kpfn);

	if (p->flags & MM_PG_KSM && p->mapping == n->id && mm_page_ref_count(p) > 0) {
		mm_folio_get(k->virt->cache, n->kpfn);
		return n->kpfn;
	}
	remove_node_from_stable_tree(k, n);
	return MM_PFN_NONE;
}

/* -EBUSY while its page is mapped. */
static int remove_stable_node(struct mm_ksm *k, struct mm_ksm_node *n)
{
	mm_pfn_t pfn = mm_ksm_get_page(k, n);
	int err = 0;

	if (pfn == MM_PFN_NONE)
		return 0;
	if (mm_page(k->virt->phys, pfn)->mapcount) {
		err = -EBUSY;
	} else {
		mm_page(k->virt->phys, pfn)->mapping = 0;
		remove_node_from_stable_tree(k, n);
	}
	mm_folio_put(k->virt->cache, pfn);
	return err;
}

static int remove_chain(struct mm_ksm *k, struct mm_ksm_node *n)
{
	if (!n->chain)
		return remove_stable_node(k, n);
	for (struct mm_ksm_node *dup = n->dups, *next; dup; dup = next) {
		next = dup->next;
		if (remove_stable_node(k, dup))
			return -EBUSY;
	}
	mm_rb_erase(&k->stable[n->nid], &n->node);
	mm_ksm_node_free(k, n);
	k->node_chains--;
	return 0;
}

int mm_ksm_remove_all_nodes(struct mm_ksm *k)
{
	int err = 0;

	for (unsigned int nid = 0; nid < MM_MAX_NODES; nid++)
		while (k->stable[nid].node)
			if (remove_chain(k, mm_rb_entry(k->stable[nid].node, struct mm_ksm_node, node))) {
				err = -EBUSY;
				break;
			}
	for (struct mm_ksm_node *n = k->migrated, *next; n; n = next) {
		next = n->next;
		if (remove_stable_node(k, n))
			err = -EBUSY;
	}
	return err;
}
