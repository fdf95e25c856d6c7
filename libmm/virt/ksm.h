/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * virt/ksm.h - same-page merging: the stable and unstable trees, and from a merged page to its mappings
 *
 *	mm_slot -> rmap_item -> rmap_item ...		one item for each page that ksmd has seen, by address
 *	              |              |
 *	         stable node    unstable tree		(or none: the page changes too often)
 *
 * A stable node stands for one merged page (MM_PG_KSM, whose mapping is the node's id) and lists the items that map
 * it. Where max_page_sharing keeps a page from serving more mappings, several nodes of the same contents (dups) hang
 * on a chain that stands in the tree for them. The unstable tree holds items of pages that may still change; it is
 * thrown away with every full scan.
 *
 * Model: Linux 6.6 mm/ksm.c. The scanner is fault/ksm.c.
 */
#ifndef VIRT_KSM_H
#define VIRT_KSM_H

#include "base/rbtree.h"
#include "phys/phys.h"
#include "virt/mm.h"

enum { MM_KSM_RUN_STOP, MM_KSM_RUN_MERGE, MM_KSM_RUN_UNMERGE };
enum { MM_KSM_RMAP_ITEM_BYTES = 64 };		/* sizeof(struct ksm_rmap_item), for the profit */

struct mm_ksm_node;

struct mm_ksm_item {
	struct mm_ksm_item *rmap_list;		/* the next of the address space, by address */
	struct mm_struct *mm;
	uint64_t address;
	uint64_t oldchecksum;			/* contents when last seen, plus one; 0: not seen yet */
	struct mm_anon_vma *anon_vma;		/* when stable: a reference */
	uint32_t nid;				/* when unstable */
	uint8_t seqnr;				/* when unstable: of the scan that put it there */
	bool stable, unstable;
	struct mm_rb_node node;			/* in the unstable tree */
	struct mm_ksm_node *head;		/* the stable node */
	struct mm_ksm_item *next, **pprev;	/* of the stable node */
};

/* Where a stable node stands */
enum mm_ksm_place { MM_KSM_IN_TREE, MM_KSM_DUP, MM_KSM_MIGRATED };

struct mm_ksm_node {
	uint32_t id;				/* in struct mm_page.mapping; never 0 */
	uint32_t nid;
	bool chain;				/* stands for its dups */
	uint8_t place;
	mm_pfn_t kpfn;
	int32_t rmap_len;			/* items */
	uint64_t prune_ns;			/* of a chain: when stale dups were last looked for */
	struct mm_rb_node node;
	struct mm_ksm_item *items;		/* newest first */
	struct mm_ksm_node *dups;		/* of a chain, newest first */
	struct mm_ksm_node *next, **pprev;	/* among dups, or among the migrated */
};

/* To the front of such a list, and off it (hlist_add_head(), hlist_del()). */
static inline void mm_ksm_node_link(struct mm_ksm_node **head, struct mm_ksm_node *n)
{
	n->next = *head;
	n->pprev = head;
	if (n->next)
		n->next->pprev = &n->next;
	*head = n;
}
static inline void mm_ksm_node_unlink(struct mm_ksm_node *n)
{
	*n->pprev = n->next;
	if (n->next)
		n->next->pprev = n->pprev;
}

struct mm_ksm_slot {
	struct mm_ksm_slot *next, *prev;	/* ring of the scan; the head is mm_ksm.head */
	struct mm_struct *mm;
	struct mm_ksm_item *rmap_list;
};

struct mm_ksm {
	struct mm_virt *virt;
	struct mm_ksm_slot head;
	struct mm_ksm_slot *cursor;		/* ksm_scan */
	uint64_t address;
	struct mm_ksm_item **rmap_list;
	uint64_t seqnr;				/* full_scans */
	struct mm_rb_root stable[MM_MAX_NODES], unstable[MM_MAX_NODES];
	struct mm_ksm_node *migrated;
	struct mm_ksm_node **by_id;		/* id - 1; NULL: free */
	uint32_t nr_ids, cap_ids, free_hint;
	uint64_t pages_scanned, pages_shared, pages_sharing, pages_unshared, rmap_items, node_chains, node_dups;
	int64_t zero_pages;
	/* as they are in force: a change of some is refused while pages are merged */
	int64_t run, max_page_sharing, merge_across_nodes;
};

void mm_ksm_free(struct mm_virt *virt);		/* host memory only */

int mm_ksm_enter(struct mm_struct *mm);		/* __ksm_enter(): 0 or -ENOMEM */
int mm_ksm_fork(struct mm_struct *mm, struct mm_struct *oldmm);
void mm_ksm_exit(struct mm_struct *mm);		/* mm_users is 0, the mappings are still there */
bool mm_vma_ksm_compatible(const struct mm_vma *vma);
void mm_ksm_add_vma(struct mm_vma *vma);	/* a new VMA of an address space that merges all of them */
/* ksmd has no more to do with the slot's address space. */
void mm_ksm_slot_free(struct mm_ksm *k, struct mm_ksm_slot *slot);

/* Is the entry a zero page that KSM put there? (is_ksm_zero_pte()) */
bool mm_is_ksm_zero_pte(const struct mm_virt *virt, uint64_t pte);
void mm_ksm_might_unmap_zero_page(struct mm_struct *mm, uint64_t pte);

/* The node of a merged page; NULL: not merged, or not in the stable tree yet. */
struct mm_ksm_node *mm_ksm_page_node(const struct mm_virt *virt, mm_pfn_t pfn);
/* Its page with a reference; MM_PFN_NONE: the page has gone, and so has the node now (get_ksm_page()). */
mm_pfn_t mm_ksm_get_page(struct mm_ksm *k, struct mm_ksm_node *n);

struct mm_ksm_item *mm_ksm_item_alloc(struct mm_ksm *k, struct mm_struct *mm, uint64_t address);
void mm_ksm_item_free(struct mm_ksm *k, struct mm_ksm_item *item);
void mm_ksm_item_remove(struct mm_ksm *k, struct mm_ksm_item *item);	/* remove_rmap_item_from_tree() */
void mm_ksm_trailing_remove(struct mm_ksm *k, struct mm_ksm_item **list);

struct mm_ksm_node *mm_ksm_node_alloc(struct mm_ksm *k);
void mm_ksm_node_free(struct mm_ksm *k, struct mm_ksm_node *n);
void mm_ksm_node_migrated(struct mm_ksm *k, struct mm_ksm_node *n);	/* out of its tree, to the list of the migrated */
int mm_ksm_remove_all_nodes(struct mm_ksm *k);				/* 0 or -EBUSY */
static inline bool mm_ksm_is_candidate(const struct mm_ksm *k, const struct mm_ksm_node *n, int offset)
{
	return n->rmap_len && n->rmap_len + offset < k->max_page_sharing;
}
/* Trees by node, where merge_across_nodes is off. */
static inline uint32_t mm_ksm_nid(const struct mm_ksm *k, mm_pfn_t pfn)
{
	return k->merge_across_nodes ? 0 : mm_page_zone(k->virt->phys, pfn)->node;
}

/* ---- the stable tree ---- */
/* A merged page with the contents of @pfn that may be mapped once more, with a reference; MM_PFN_NONE: none. */
mm_pfn_t mm_ksm_stable_search(struct mm_ksm *k, mm_pfn_t pfn);
struct mm_ksm_node *mm_ksm_stable_insert(struct mm_ksm *k, mm_pfn_t kpfn);	/* NULL: host memory */
void mm_ksm_stable_append(struct mm_ksm *k, struct mm_ksm_item *item, struct mm_ksm_node *n);

bool mm_ksm_is_consistent(const struct mm_ksm *k);

#endif /* VIRT_KSM_H */
