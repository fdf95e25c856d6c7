/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cache/xa_nodes.c - memory for the trees of page cache and swap cache
 *
 * A node is made under the tree's lock, so the first try cannot wait:
 *
 *   GFP_NOWAIT ----- no ----> outside the lock, with what the caller allows
 *       |                     (may reclaim), then the store begins anew
 *   node in place
 *
 * Slabs of this cache are blocks of order 1 or 2: a first try below the low
 * watermark is what makes the page allocator set HighAtomic blocks aside.
 *
 * Booting made nodes and gave them back, so the CPU begins with free ones in memory that was the kernel's before: half
 * as many as its partial list may hold (a guest of 6.6.87 began with five slabs).  A cache that began empty would need
 * its first slab at the first page that is swapped out, always below the low watermark.
 *
 * Nodes of files are charged to the memcg of the task, those of the swap cache are not.
 *
 * Source: Linux 6.6 lib/xarray.c xas_alloc(), xas_nomem(), lib/radix-tree.c radix_tree_init().
 * Nodes that hold nothing but shadows are in shadow_nodes.c.
 */
#include <errno.h>

#include <libmm/slab.h>

#include "cache/cache.h"
#include "cache/memcg.h"
#include "cache/shadow_nodes.h"
#include "cache/swap.h"

enum { NODE_BYTES = 576 };
#define GFP_RECLAIM_MASK	(MM_GFP_RECLAIM | __MM_GFP_HIGH | __MM_GFP_IO | __MM_GFP_FS | __MM_GFP_NOWARN | \
				 __MM_GFP_RETRY_MAYFAIL | __MM_GFP_NOFAIL | __MM_GFP_NORETRY | __MM_GFP_MEMALLOC | \
				 __MM_GFP_NOMEMALLOC)

/* The object and the pointer to its payer (obj_full_size()). */
static uint64_t charged_bytes(const struct mm_cache *c)
{
	struct mm_kmem_cache_info info;

	mm_kmem_cache_info(c->radix_tree_node_cachep, &info);
	return info.layout.slab_size + sizeof(uint64_t);
}

static struct mm_xa_obj make(struct mm_cache *c, bool account, mm_gfp_t gfp)
{
	struct mm_xa_obj obj = { 0, account ? c->xa_payer : NULL };

	if (obj.payer && mm_memcg_charge_bytes(c, obj.payer, charged_bytes(c), gfp))
		return (struct mm_xa_obj){ 0, NULL };
	if (c->boot_nodes) {
		c->boot_nodes--;
		obj.addr = MM_BOOT_NODE;
	} else {
		obj.addr = mm_kmem_cache_alloc(c->radix_tree_node_cachep, gfp);
	}
	if (!obj.addr && obj.payer)
		mm_memcg_uncharge_bytes(c, obj.payer, charged_bytes(c));
	else if (obj.payer)
		mm_memcg_mod_slab(c, obj.payer, MM_MEMCG_SLAB_RECLAIMABLE, (int64_t)charged_bytes(c));
	return obj;
}

static struct mm_xa_obj xas_alloc(void *arg, const struct mm_xarray *xa)
{
	struct mm_cache *c = arg;
	struct mm_xa_spares *s = c->xa_spares;

	return s && s->nr ? s->v[--s->nr] : make(c, xa->account, MM_GFP_NOWAIT | __MM_GFP_NOWARN);
}

static void node_give_back(struct mm_cache *c, struct mm_xa_obj obj)
{
	if (obj.addr == MM_BOOT_NODE)
		c->boot_nodes++;
	else
		mm_kmem_cache_free(c->radix_tree_node_cachep, obj.addr);
	if (!obj.payer)
		return;
	mm_memcg_uncharge_bytes(c, obj.payer, charged_bytes(c));
	mm_memcg_mod_slab(c, obj.payer, MM_MEMCG_SLAB_RECLAIMABLE, -(int64_t)charged_bytes(c));
}

/* What a store that fails for want of one more node had built is kept for the next try. */
static void node_free(void *arg, struct mm_xa_obj obj)
{
	struct mm_cache *c = arg;
	struct mm_xa_spares *s = c->xa_spares;

	if (s && s->nr < MM_XA_SPARES)
		s->v[s->nr++] = obj;
	else
		node_give_back(c, obj);
}

int mm_cache_set_slab(struct mm_cache *c, struct mm_slab *slab)
{
	struct mm_kmem_cache_info info;

	c->radix_tree_node_cachep = mm_kmem_cache_create(slab, "radix_tree_node", NODE_BYTES, 0,
							 MM_SLAB_RECLAIM_ACCOUNT | MM_SLAB_PANIC | MM_SLAB_CTOR);
	if (!c->radix_tree_node_cachep)
		return -ENOMEM;
	mm_kmem_cache_info(c->radix_tree_node_cachep, &info);
	c->boot_nodes = info.layout.cpu_partial / 2;
	c->xa_nodes = (struct mm_xa_nodes){ c, xas_alloc, node_free, mm_workingset_update_node };
	return mm_bio_pool_init(c, slab);
}

/* One change of a tree that may need nodes. */
struct change {
	enum { STORE, STORE_ORDER, SPLIT } what;
	uint64_t index, value;		/* SPLIT: the step */
	unsigned int order;
	uint64_t *old;
};

static int change_tree(struct mm_xarray *xa, const struct change *h)
{
	switch (h->what) {
	case STORE_ORDER:
		return mm_xa_store_order(xa, h->index, h->order, h->value);
	case SPLIT:
		return mm_xa_split(xa, h->index, h->order, h->value);
	default:
		return mm_xa_store(xa, h->index, h->value, h->old);
	}
}

static int change(struct mm_cache *c, struct mm_xarray *xa, const struct change *h, mm_gfp_t gfp)
{
	struct mm_xa_spares mine;	/* making one may reclaim, which stores too */
	int rc;

	mine.nr = 0;
	if (c->radix_tree_node_cachep)
		xa->nodes = &c->xa_nodes;
	for (;;) {
		struct mm_xa_obj obj;

		c->xa_spares = &mine;
		rc = change_tree(xa, h);
		c->xa_spares = NULL;
		if (rc != -ENOMEM || !c->radix_tree_node_cachep || mine.nr == MM_XA_SPARES)
			break;
		obj = make(c, xa->account, gfp & GFP_RECLAIM_MASK);
		if (!obj.addr)
			break;
		mine.v[mine.nr++] = obj;
	}
	while (mine.nr)
		node_give_back(c, mine.v[--mine.nr]);
	return rc;
}

int mm_cache_xa_store(struct mm_cache *c, struct mm_xarray *xa, uint64_t index, uint64_t value, mm_gfp_t gfp, uint64_t *old)
{
	if (mm_xa_store_in_leaf(xa, index, value, old))
		return 0;
	return change(c, xa, &(struct change){ STORE, index, value, 0, old }, gfp);
}

int mm_cache_xa_store_order(struct mm_cache *c, struct mm_xarray *xa, uint64_t index, unsigned int order, uint64_t value, mm_gfp_t gfp)
{
	return change(c, xa, &(struct change){ STORE_ORDER, index, value, order, NULL }, gfp);
}

int mm_cache_xa_split(struct mm_cache *c, struct mm_xarray *xa, uint64_t index, unsigned int order, uint64_t step, mm_gfp_t gfp)
{
	return change(c, xa, &(struct change){ SPLIT, index, step, order, NULL }, gfp);
}
