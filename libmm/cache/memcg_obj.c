/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cache/memcg_obj.c - objects of slab caches that are charged to memcgs
 *
 * An object is charged with its bytes and a pointer to its payer.  A CPU charges whole pages of kernel memory and keeps what the
 * object leaves for the next one of the same memcg; with them it keeps how many bytes memory.stat is not told of yet:
 *
 *	object of 192 bytes -> stock of the CPU: memcg, bytes charged ahead (a page at most), bytes of slabs to tell
 *	                         | another memcg's object, or a drain
 *	                         v
 *	                       the memcg: nr_charged_bytes, taken up again when a CPU is given bytes of it; slab_bytes
 *
 * So a cgroup that was the last to have an object made on a CPU shows fewer bytes than it has, by a page at most.
 *
 * Source: Linux 6.6 mm/memcontrol.c obj_cgroup_charge(), refill_obj_stock(), drain_obj_stock(), mod_objcg_state().
 * Deviation: objects are of no node (a CPU's stock is drained where the node of the slab changes); pages of bytes that are given back
 * by a drain of another CPU go into this one's stock.
 */
#include "cache/fbatches.h"
#include "cache/memcg.h"

void mm_drain_obj_stock(struct mm_cache *c, uint32_t cpu)
{
	struct mm_cpu_fbatches *stock = &c->fbatches[cpu];
	struct mm_memcg *old = stock->cached_objcg;
	uint64_t nr_pages = stock->nr_bytes >> MM_PAGE_SHIFT;

	if (!old)
		return;
	old->nr_charged_bytes += stock->nr_bytes & (MM_PAGE_SIZE - 1);
	stock->nr_bytes = 0;
	stock->cached_objcg = NULL;
	for (unsigned int k = 0; k < MM_NR_MEMCG_SLAB; k++) {
		if (stock->slab_bytes[k])
			mm_memcg_rstat_updated(c->ctx, stock->slab_bytes[k]);
		old->slab_bytes[k] += (uint64_t)(int64_t)stock->slab_bytes[k];
		stock->slab_bytes[k] = 0;
	}
	if (nr_pages)
		mm_memcg_uncharge_kmem(c, old, nr_pages);
}

/* The stock of this CPU, made @memcg's; *@changed: it was not. */
static struct mm_cpu_fbatches *stock_of(struct mm_cache *c, struct mm_memcg *memcg, bool *changed)
{
	struct mm_cpu_fbatches *stock = mm_this_cpu_fbatches(c);

	*changed = stock->cached_objcg != memcg;
	if (*changed) {
		mm_drain_obj_stock(c, c->ctx->cpu);
		stock->cached_objcg = memcg;
		stock->nr_bytes = (uint32_t)memcg->nr_charged_bytes;
		memcg->nr_charged_bytes = 0;
	}
	return stock;
}

static void refill_obj_stock(struct mm_cache *c, struct mm_memcg *memcg, uint64_t bytes, bool allow_uncharge)
{
	bool changed;
	struct mm_cpu_fbatches *stock = stock_of(c, memcg, &changed);
	uint64_t nr_pages;

	stock->nr_bytes += (uint32_t)bytes;
	if (!(allow_uncharge || changed) || stock->nr_bytes <= MM_PAGE_SIZE)
		return;
	nr_pages = stock->nr_bytes >> MM_PAGE_SHIFT;
	stock->nr_bytes &= MM_PAGE_SIZE - 1;
	mm_memcg_uncharge_kmem(c, memcg, nr_pages);
}

int mm_memcg_charge_bytes(struct mm_cache *c, struct mm_memcg *memcg, uint64_t bytes, mm_gfp_t gfp)
{
	struct mm_cpu_fbatches *stock = mm_this_cpu_fbatches(c);
	uint64_t nr_pages = (bytes + MM_PAGE_SIZE - 1) >> MM_PAGE_SHIFT;
	int rc;

	if (!memcg || memcg == c->root_mem_cgroup)
		return 0;
	if (stock->cached_objcg == memcg && stock->nr_bytes >= bytes) {
		stock->nr_bytes -= (uint32_t)bytes;
		return 0;
	}
	rc = mm_memcg_charge_kmem(c, memcg, nr_pages, gfp);
	if (!rc && bytes & (MM_PAGE_SIZE - 1))
		refill_obj_stock(c, memcg, (nr_pages << MM_PAGE_SHIFT) - bytes, false);
	return rc;
}

void mm_memcg_uncharge_bytes(struct mm_cache *c, struct mm_memcg *memcg, uint64_t bytes)
{
	if (memcg && memcg != c->root_mem_cgroup)
		refill_obj_stock(c, mm_memcg_online_ancestor(memcg), bytes, true);
}

void mm_memcg_mod_slab(struct mm_cache *c, struct mm_memcg *memcg, enum mm_memcg_slab kind, int64_t bytes)
{
	struct mm_cpu_fbatches *stock;
	bool changed, first;

	if (!memcg || memcg == c->root_mem_cgroup)
		return;
	memcg = mm_memcg_online_ancestor(memcg);	/* of one that was removed the root's too */
	stock = stock_of(c, memcg, &changed);
	first = !stock->slab_bytes[kind];
	stock->slab_bytes[kind] += (int32_t)bytes;
	if (first || (stock->slab_bytes[kind] <= (int32_t)MM_PAGE_SIZE && stock->slab_bytes[kind] >= -(int32_t)MM_PAGE_SIZE))
		return;
	mm_memcg_rstat_updated(c->ctx, stock->slab_bytes[kind]);
	memcg->slab_bytes[kind] += (uint64_t)(int64_t)stock->slab_bytes[kind];
	stock->slab_bytes[kind] = 0;
}

int mm_memcg_obj_alloc(struct mm_cache *c, struct mm_memcg *memcg, uint32_t bytes, mm_gfp_t gfp, uint16_t *payer)
{
	int rc;

	if (c)
		memcg = mm_memcg_online_ancestor(memcg);
	if (!c || !memcg || memcg == c->root_mem_cgroup) {
		*payer = 0;
		return 0;
	}
	rc = mm_memcg_charge_bytes(c, memcg, bytes, gfp);
	if (rc)
		return rc;
	mm_memcg_mod_slab(c, memcg, MM_MEMCG_SLAB_UNRECLAIMABLE, bytes);
	*payer = (uint16_t)memcg->id;
	return 0;
}

void mm_memcg_obj_free(struct mm_cache *c, uint16_t payer, uint32_t bytes)
{
	if (!payer)
		return;
	mm_memcg_uncharge_bytes(c, c->memcgs[payer - 1], bytes);
	mm_memcg_mod_slab(c, c->memcgs[payer - 1], MM_MEMCG_SLAB_UNRECLAIMABLE, -(int64_t)bytes);
}
