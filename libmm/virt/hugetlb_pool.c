/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Pools of huge pages.
 *
 *	free	lies in the pool, on a list of its node; resv of the free ones are promised
 *	in use	by a file or a mapping; surplus of all were taken on demand and go back when they are freed
 *
 * vm.nr_hugepages fills a pool from the page allocator, node by node in turn, and shrinks it by free pages that are
 * not promised; what is in use beyond the new size becomes surplus. vm.nr_overcommit_hugepages is how many may be
 * taken on demand. Pages of 1G are too large for the page allocator: they are put together of free memory alone.
 * A page for a fault is of the node that the mapping's policy says, or the task's. What a promise lacks is taken on demand, from the
 * lowest node on, and a task bound to nodes is promised no more than is free there.
 * Model: Linux 6.6 mm/hugetlb.c. Deviation: alloc_contig_pages() would move what lies in the way of a 1G page.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/host_memory.h"
#include "cache/deferred_split.h"
#include "phys/contig.h"
#include "phys/mempolicy.h"
#include "virt/hugetlb.h"

enum { ORDER_2M = 9, ORDER_1G = 18 };

int mm_hugetlb_new(struct mm_virt *virt)
{
	static const unsigned int orders[MM_NR_HSTATES] = { ORDER_2M, ORDER_1G };
	struct mm_hugetlb *t = mm_host_calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	for (unsigned int i = 0; i < MM_NR_HSTATES; i++) {
		t->hstate[i].order = orders[i];
		for (unsigned int nid = 0; nid < MM_MAX_NODES; nid++)
			t->hstate[i].free_list[nid] = MM_PAGE_LIST_INIT;
	}
	virt->hugetlb = t;
	return 0;
}

void mm_hugetlb_free(struct mm_virt *virt)
{
	struct mm_hugetlb *t = virt->hugetlb;

	if (!t)
		return;
	for (struct mm_hugetlb_inode *i = t->inodes, *next; i; i = next) {
		next = i->next;
		mm_xa_destroy(&i->pages);
		free(i->resv.r);
		free(i);
	}
	free(t);
	virt->hugetlb = NULL;
}

struct mm_hstate *mm_hstate_of_mask(struct mm_virt *virt, uint64_t mask)
{
	return &virt->hugetlb->hstate[mask + 1 == MM_PMD_SIZE ? 0 : 1];
}

static bool is_gigantic(const struct mm_hstate *h) { return h->order > MM_MAX_ORDER; }
static uint64_t persistent(const struct mm_hstate *h) { return h->nr - h->surplus; }

static mm_nodes_t all_nodes(const struct mm_virt *virt) { return virt->phys ? virt->ctx->numa.memory : 1; }

/* The node of @nodes whose turn it is, by @next, which moves on. Source: hstate_next_node_to_alloc(). */
static uint32_t take_turn(uint32_t *next, mm_nodes_t nodes)
{
	mm_nodes_t from = *next < MM_MAX_NODES ? nodes & MM_NODES_ALL << *next : 0;
	uint32_t nid = mm_first_node(from ? from : nodes);

	from = nid + 1 < MM_MAX_NODES ? nodes & MM_NODES_ALL << (nid + 1) : 0;
	*next = mm_first_node(from ? from : nodes);
	return nid;
}

static uint32_t node_of(const struct mm_virt *virt, mm_pfn_t head)
{
	return virt->phys ? mm_page_zone(virt->phys, head)->node : 0;
}

static void enqueue(struct mm_virt *virt, struct mm_hstate *h, mm_pfn_t head)
{
	uint32_t nid = node_of(virt, head);

	if (virt->phys)
		mm_page_list_add(virt->phys->mem_map, &h->free_list[nid], head);
	h->free++;
	h->free_node[nid]++;
}

/* A page of @nid that is free; MM_PFN_NONE none. */
static mm_pfn_t dequeue_node(struct mm_virt *virt, struct mm_hstate *h, uint32_t nid)
{
	mm_pfn_t head = h->free_list[nid].head;

	if (!h->free_node[nid] || head == MM_PFN_NONE)
		return MM_PFN_NONE;
	mm_page_list_del(virt->phys->mem_map, &h->free_list[nid], head);
	h->free--;
	h->free_node[nid]--;
	return head;
}

#define GFP_POOL (MM_GFP_HIGHUSER_MOVABLE | __MM_GFP_COMP | __MM_GFP_NOWARN | __MM_GFP_RETRY_MAYFAIL)

static mm_pfn_t alloc_fresh(struct mm_virt *virt, struct mm_hstate *h, uint32_t nid, mm_nodes_t nodes, mm_gfp_t gfp, bool top)
{
	mm_pfn_t head;

	if (is_gigantic(h)) {
		head = mm_alloc_contig_free(virt->phys, nid, h->order, top);
	} else {
		head = mm_alloc_pages_nodemask(virt->phys, nid, nodes, gfp, h->order);
		mm_count(virt->ctx, head == MM_PFN_NONE ? MM_HTLB_BUDDY_ALLOC_FAIL : MM_HTLB_BUDDY_ALLOC_SUCCESS, 1);
	}
	if (head == MM_PFN_NONE)
		return head;
	mm_page(virt->phys, head)->flags |= MM_PG_HUGETLB;
	mm_page(virt->phys, head)->refs = 0;
	h->nr++;
	h->nr_node[node_of(virt, head)]++;
	return head;
}

/* One page that is on no list back to the page allocator. */
static void remove_page(struct mm_virt *virt, struct mm_hstate *h, mm_pfn_t head, bool surplus)
{
	uint32_t nid = node_of(virt, head);

	h->nr--;
	h->nr_node[nid]--;
	if (surplus) {
		h->surplus--;
		h->surplus_node[nid]--;
	}
	if (!virt->phys)
		return;
	mm_page(virt->phys, head)->flags &= ~(MM_PG_HUGETLB | (uint32_t)(MM_PG_DIRTY | MM_PG_UPTODATE));
	mm_page(virt->phys, head)->refs = 1;
	if (is_gigantic(h))
		mm_free_contig(virt->phys, head, h->order);
	else
		mm_free_pages(virt->phys, head, h->order);
}

/* Fill by one page, from the next node on round; @tired: nodes that had none, which are asked with less effort. false: none. */
static bool alloc_pool_page(struct mm_virt *virt, struct mm_hstate *h, mm_nodes_t nodes, mm_nodes_t *tired, bool boot)
{
	if (!virt->phys) {
		h->nr++;
		h->nr_node[0]++;
		enqueue(virt, h, 0);
		return true;
	}
	for (int i = __builtin_popcountll(nodes); i > 0; i--) {
		uint32_t nid = take_turn(&h->next_nid_to_alloc, nodes);
		bool hard = !(*tired >> nid & 1);
		mm_gfp_t gfp = (hard ? GFP_POOL : GFP_POOL & ~(mm_gfp_t)__MM_GFP_RETRY_MAYFAIL) | __MM_GFP_THISNODE;
		mm_pfn_t head = alloc_fresh(virt, h, nid, nodes, gfp, boot);

		if ((head == MM_PFN_NONE) == hard)
			*tired ^= mm_node_bit(nid);
		if (head != MM_PFN_NONE) {
			enqueue(virt, h, head);
			return true;
		}
	}
	return false;
}

/* Free one page of the pool, of a node that has surplus pages if @surplus; false: none can go. */
static bool remove_pool_page(struct mm_virt *virt, struct mm_hstate *h, mm_nodes_t nodes, bool surplus)
{
	if (!virt->phys) {
		if (!h->free)
			return false;
		h->free--;
		h->free_node[0]--;
		remove_page(virt, h, 0, surplus);
		return true;
	}
	for (int i = __builtin_popcountll(nodes); i > 0; i--) {
		uint32_t nid = take_turn(&h->next_nid_to_free, nodes);
		mm_pfn_t head = !surplus || h->surplus_node[nid] ? dequeue_node(virt, h, nid) : MM_PFN_NONE;

		if (head != MM_PFN_NONE) {
			remove_page(virt, h, head, surplus);
			return true;
		}
	}
	return false;
}

/* A page in use becomes surplus (1), or a surplus page one of the pool (-1). */
static bool adjust_pool_surplus(struct mm_hstate *h, mm_nodes_t nodes, int delta)
{
	for (int i = __builtin_popcountll(nodes); i > 0; i--) {
		uint32_t nid = take_turn(delta < 0 ? &h->next_nid_to_alloc : &h->next_nid_to_free, nodes);

		if (delta < 0 ? !h->surplus_node[nid] : h->surplus_node[nid] >= h->nr_node[nid])
			continue;
		h->surplus += (uint64_t)delta;
		h->surplus_node[nid] += (uint64_t)delta;
		return true;
	}
	return false;
}

static void set_max_huge_pages(struct mm_virt *virt, struct mm_hstate *h, uint64_t count, mm_nodes_t nodes, bool boot)
{
	mm_nodes_t tired = 0;
	uint64_t least;

	while (h->surplus && count > persistent(h))
		if (!adjust_pool_surplus(h, nodes, -1))
			break;
	while (count > persistent(h))
		if (!alloc_pool_page(virt, h, nodes, &tired, boot))
			return;
	least = h->resv + h->nr - h->free;
	for (least = least > count ? least : count; least < persistent(h);)
		if (!remove_pool_page(virt, h, nodes, false))
			break;
	while (count < persistent(h))
		if (!adjust_pool_surplus(h, nodes, 1))
			break;
}

void mm_hugetlb_boot(struct mm_virt *virt)
{
	static const enum mm_sysctl_id ids[MM_NR_HSTATES] = { MM_SYSCTL_NR_HUGEPAGES, MM_SYSCTL_NR_GIGANTIC };

	for (unsigned int i = MM_NR_HSTATES; i-- > 0;)	/* those of 1G first, as the kernel takes them at boot */
		set_max_huge_pages(virt, &virt->hugetlb->hstate[i], (uint64_t)mm_sysctl(virt->ctx, ids[i]), all_nodes(virt), true);
}

void mm_hugetlb_set_pool(struct mm_virt *virt, unsigned int order, uint64_t count, mm_nodes_t nodes)
{
	set_max_huge_pages(virt, &virt->hugetlb->hstate[order == ORDER_2M ? 0 : 1], count, nodes & all_nodes(virt), false);
}

void mm_hugetlb_set_node(struct mm_virt *virt, unsigned int order, uint64_t count, uint32_t nid)
{
	const struct mm_hstate *h = &virt->hugetlb->hstate[order == ORDER_2M ? 0 : 1];
	uint64_t others = h->nr - h->nr_node[nid];

	mm_hugetlb_set_pool(virt, order, count + others < count ? UINT64_MAX : count + others, mm_node_bit(nid));
}

/* The page of the node nearest to @nid that has one, among @nodes. */
static mm_pfn_t dequeue_nodemask(struct mm_virt *virt, struct mm_hstate *h, uint32_t nid, mm_nodes_t nodes)
{
	const struct mm_node *near = virt->phys->nodes[nid];

	nodes &= mm_mems_allowed(virt->ctx);
	for (uint32_t i = 0; near && i < near->nr_zonelist; i++) {
		mm_pfn_t head = nodes >> near->zonelist[i] & 1 ? dequeue_node(virt, h, near->zonelist[i]) : MM_PFN_NONE;

		if (head != MM_PFN_NONE)
			return head;
	}
	return MM_PFN_NONE;
}

uint32_t mm_huge_node(const struct mm_virt *virt, struct mm_mpol_place place, mm_nodes_t *nodes)
{
	*nodes = mm_policy_nodemask(place.pol);
	if (place.pol && place.pol->mode == MM_MPOL_INTERLEAVE)
		return mm_offset_il_node(place.pol, place.off);
	return mm_policy_node(place.pol, virt->phys->cpu_node[virt->ctx->cpu]);
}

static bool is_preferred_many(const struct mm_mempolicy *pol) { return pol && pol->mode == MM_MPOL_PREFERRED_MANY; }

mm_pfn_t mm_dequeue_hugetlb_folio(struct mm_virt *virt, struct mm_hstate *h, struct mm_mpol_place place)
{
	mm_nodes_t nodes;
	uint32_t nid = mm_huge_node(virt, place, &nodes);
	mm_pfn_t head = dequeue_nodemask(virt, h, nid, nodes);

	return head == MM_PFN_NONE && is_preferred_many(place.pol) ? dequeue_nodemask(virt, h, nid, MM_NODES_ALL) : head;
}

uint64_t mm_hugetlb_overcommit(const struct mm_virt *virt, const struct mm_hstate *h)
{
	return (uint64_t)mm_sysctl(virt->ctx, is_gigantic(h) ? MM_SYSCTL_NR_OVERCOMMIT_GIGANTIC : MM_SYSCTL_NR_OVERCOMMIT_HUGEPAGES);
}

static mm_pfn_t alloc_surplus(struct mm_virt *virt, struct mm_hstate *h, uint32_t nid, mm_nodes_t nodes, mm_gfp_t gfp)
{
	mm_pfn_t head = 0;

	if (is_gigantic(h) || h->surplus >= mm_hugetlb_overcommit(virt, h))
		return MM_PFN_NONE;
	if (virt->phys) {
		head = alloc_fresh(virt, h, nid, nodes, gfp, false);
		if (head == MM_PFN_NONE)
			return head;
	} else {
		h->nr++;
		h->nr_node[0]++;
	}
	h->surplus++;
	h->surplus_node[node_of(virt, head)]++;
	return head;
}

/* Source: alloc_buddy_hugetlb_folio_with_mpol(). */
mm_pfn_t mm_alloc_surplus_hugetlb_folio(struct mm_virt *virt, struct mm_hstate *h, struct mm_mpol_place place)
{
	mm_nodes_t nodes;
	uint32_t nid = mm_huge_node(virt, place, &nodes);

	if (is_preferred_many(place.pol)) {
		mm_pfn_t head = alloc_surplus(virt, h, nid, nodes, GFP_POOL & ~(mm_gfp_t)__MM_GFP_DIRECT_RECLAIM);

		if (head != MM_PFN_NONE)
			return head;
		nodes = MM_NODES_ALL;
	}
	return alloc_surplus(virt, h, nid, nodes, GFP_POOL);
}

mm_pfn_t mm_alloc_hugetlb_folio_nodemask(struct mm_virt *virt, struct mm_hstate *h, uint32_t nid, mm_nodes_t nodes, bool *temporary)
{
	mm_pfn_t head = h->free > h->resv ? dequeue_nodemask(virt, h, nid, nodes) : MM_PFN_NONE;

	*temporary = head == MM_PFN_NONE;
	if (*temporary && !is_gigantic(h))
		head = alloc_fresh(virt, h, nid, nodes, GFP_POOL, false);
	if (head == MM_PFN_NONE)
		return head;
	mm_page(virt->phys, head)->refs = 1;
	mm_folio_prep_transhuge(virt->phys, head);
	return head;
}

/* Nodes that a promise to the running task may count on (policy_mbind_nodemask()). */
static mm_nodes_t allowed_nodes(const struct mm_virt *virt)
{
	const struct mm_mempolicy *pol = virt->ctx->mempolicy;

	return mm_mems_allowed(virt->ctx) & (pol && pol->mode == MM_MPOL_BIND ? pol->nodes : MM_NODES_ALL);
}

static mm_pfn_t surplus_for_promise(struct mm_virt *virt, struct mm_hstate *h)
{
	mm_pfn_t head = MM_PFN_NONE;

	if (!virt->phys)
		return alloc_surplus(virt, h, 0, MM_NODES_ALL, GFP_POOL);
	for (mm_nodes_t left = allowed_nodes(virt); left && head == MM_PFN_NONE; left &= left - 1)
		head = alloc_surplus(virt, h, mm_first_node(left), MM_NODES_ALL, GFP_POOL);
	return head;
}

/* Source: gather_surplus_pages(). */
static int gather_surplus_pages(struct mm_virt *virt, struct mm_hstate *h, uint64_t delta)
{
	uint64_t needed = h->resv + delta > h->free ? h->resv + delta - h->free : 0, taken = 0;
	struct mm_page_list list = MM_PAGE_LIST_INIT;

	for (; taken < needed; taken++) {
		mm_pfn_t head = surplus_for_promise(virt, h);

		if (head == MM_PFN_NONE)
			break;
		if (virt->phys)
			mm_page_list_add(virt->phys->mem_map, &list, head);
	}
	for (uint64_t i = 0; i < taken; i++) {
		mm_pfn_t head = virt->phys ? list.head : 0;

		if (virt->phys)
			mm_page_list_del(virt->phys->mem_map, &list, head);
		if (taken == needed)
			enqueue(virt, h, head);
		else
			remove_page(virt, h, head, true);
	}
	if (taken < needed)
		return -ENOMEM;
	h->resv += delta;
	return 0;
}

static void return_unused_surplus_pages(struct mm_virt *virt, struct mm_hstate *h, uint64_t unused)
{
	h->resv -= unused;
	if (is_gigantic(h))
		return;
	for (uint64_t nr = unused < h->surplus ? unused : h->surplus; nr; nr--)
		if (!remove_pool_page(virt, h, all_nodes(virt), true))
			break;
}

/* Free pages on those nodes. */
static uint64_t allowed_mems_nr(const struct mm_virt *virt, const struct mm_hstate *h)
{
	uint64_t nr = 0;

	for (mm_nodes_t left = allowed_nodes(virt); left; left &= left - 1)
		nr += h->free_node[mm_first_node(left)];
	return nr;
}

int mm_hugetlb_acct_memory(struct mm_virt *virt, struct mm_hstate *h, int64_t delta)
{
	if (delta < 0)
		return_unused_surplus_pages(virt, h, (uint64_t)-delta);
	if (delta <= 0)
		return 0;
	if (gather_surplus_pages(virt, h, (uint64_t)delta))
		return -ENOMEM;
	if (!virt->phys || (uint64_t)delta <= allowed_mems_nr(virt, h))
		return 0;
	return_unused_surplus_pages(virt, h, (uint64_t)delta);
	return -ENOMEM;
}

struct mm_hstate *mm_hstate_of_page(struct mm_virt *virt, mm_pfn_t head)
{
	return &virt->hugetlb->hstate[mm_page(virt->phys, head)->order == ORDER_2M ? 0 : 1];
}

void mm_hugetlb_move_surplus(struct mm_virt *virt, mm_pfn_t src, mm_pfn_t dst)
{
	struct mm_hstate *h = mm_hstate_of_page(virt, src);
	uint32_t from = node_of(virt, src), to = node_of(virt, dst);

	if (from == to || !h->surplus_node[from])
		return;
	h->surplus_node[from]--;
	h->surplus_node[to]++;
}

void mm_free_hugetlb_moved(struct mm_virt *virt, mm_pfn_t head, bool temporary)
{
	struct mm_page *p = mm_page(virt->phys, head);
	struct mm_hstate *h = mm_hstate_of_page(virt, head);

	p->flags &= ~(uint32_t)(MM_PG_ANON | MM_PG_ANON_EXCLUSIVE | MM_PG_DIRTY | MM_PG_UPTODATE | MM_PG_REFERENCED);
	p->mapping = 0;
	p->index = 0;
	p->refs = 0;
	if (temporary || h->surplus_node[node_of(virt, head)])
		remove_page(virt, h, head, !temporary);
	else
		enqueue(virt, h, head);
}

void mm_free_huge_folio(struct mm_virt *virt, mm_pfn_t head) { mm_free_hugetlb_moved(virt, head, false); }

bool mm_hugetlb_is_consistent(const struct mm_virt *virt)
{
	for (unsigned int i = 0; virt->hugetlb && i < MM_NR_HSTATES; i++) {
		const struct mm_hstate *h = &virt->hugetlb->hstate[i];
		uint64_t nr = 0, free_pages = 0, surplus = 0;

		for (unsigned int nid = 0; nid < MM_MAX_NODES; nid++) {
			nr += h->nr_node[nid];
			free_pages += h->free_node[nid];
			surplus += h->surplus_node[nid];
			if (virt->phys && h->free_list[nid].nr != h->free_node[nid])
				return false;
		}
		if (nr != h->nr || free_pages != h->free || surplus != h->surplus || h->free > h->nr || h->resv > h->free ||
		    h->surplus > h->nr)
			return false;
	}
	return true;
}
