/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * kmalloc(): size classes by type.
 *
 *   8 16 32 64 96 128 192 256 512 1k 2k 4k 8k, then whole pages
 *   (SLAB begins at 32; SLOB has no classes)
 *
 * The type follows from the flags: DMA before reclaimable before accounted.
 *
 * Left out: classes merged for large DMA alignments.
 * Deviation: random kmalloc copies are chosen at random, as no recording names
 * the address of the caller that the kernel hashes.
 */
#include <errno.h>
#include <stdio.h>

#include "slab/slab.h"

static const char *const prefixes[NR_KMALLOC_TYPES] = {
	[KMALLOC_NORMAL] = "kmalloc", [KMALLOC_CGROUP] = "kmalloc-cg",
	[KMALLOC_RECLAIM] = "kmalloc-rcl", [KMALLOC_DMA] = "dma-kmalloc",
};

static bool type_exists(const struct mm_slab *sl, unsigned int type)
{
	if (type > KMALLOC_NORMAL && type <= KMALLOC_RANDOM_END)
		return sl->tuning.random_kmalloc;
	return type != KMALLOC_CGROUP || sl->tuning.memcg;
}

static uint32_t type_flags(const struct mm_slab *sl, unsigned int type)
{
	switch (type) {
	case KMALLOC_RECLAIM:	return MM_SLAB_RECLAIM_ACCOUNT;
	case KMALLOC_CGROUP:	return MM_SLAB_ACCOUNT;
	case KMALLOC_DMA:	return MM_SLAB_CACHE_DMA;
	case KMALLOC_NORMAL:	return sl->tuning.memcg || sl->tuning.random_kmalloc ? MM_SLAB_NO_MERGE : 0;
	default:		return MM_SLAB_NO_MERGE;	/* random copies */
	}
}

static int new_kmalloc_cache(struct mm_slab *sl, unsigned int type, unsigned int index)
{
	uint32_t size = mm_kmalloc_class_size(index);
	struct cache_args args = { .boot = true,
				   .req = { .object_size = size, .flags = type_flags(sl, type) | MM_SLAB_KMALLOC } };
	char name[32];
	int n;

	if (type == KMALLOC_CGROUP && sl->tuning.nokmem) {
		sl->kmalloc_caches[type][index] = sl->kmalloc_caches[KMALLOC_NORMAL][index];
		return 0;
	}
	if (type > KMALLOC_NORMAL && type <= KMALLOC_RANDOM_END)
		n = snprintf(name, sizeof(name), "kmalloc-rnd-%02u-", type);
	else
		n = snprintf(name, sizeof(name), "%s-", prefixes[type]);
	n += snprintf(name + n, sizeof(name) - (size_t)n, size < 1024 ? "%u" : "%uk", size < 1024 ? size : size / 1024);
	args.name = (struct mm_str){ name, (size_t)n };
	args.req.align = size & (size - 1) ? 8 : size;	/* a power of two is aligned to itself */
	sl->kmalloc_caches[type][index] = mm_slab_new_cache(sl, &args);
	return sl->kmalloc_caches[type][index] ? 0 : -ENOMEM;
}

/* create_kmalloc_caches(): each type from small to large, 96 after 64 and 192 after 128. */
int mm_slab_create_kmalloc_caches(struct mm_slab *sl)
{
	unsigned int low = sl->kind == MM_SLAB_SLAB ? 5 : 3;
	static const uint8_t types[] = { KMALLOC_NORMAL, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
		KMALLOC_RANDOM_END,
					 KMALLOC_RECLAIM, KMALLOC_DMA, KMALLOC_CGROUP };

	if (sl->kind == MM_SLAB_SLOB)
		return 0;
	for (size_t t = 0; t < sizeof(types); t++) {
		if (!type_exists(sl, types[t]))
			continue;
		for (unsigned int i = low; i <= KMALLOC_SHIFT_HIGH; i++) {
			int err = new_kmalloc_cache(sl, types[t], i);

			if (!err && (i == 6 || i == 7))
				err = new_kmalloc_cache(sl, types[t], i - 5);
			if (err)
				return err;
		}
	}
	return 0;
}

static enum kmalloc_type kmalloc_type(struct mm_slab *sl, mm_gfp_t gfp)
{
	if (gfp & __MM_GFP_DMA)
		return KMALLOC_DMA;
	if (gfp & __MM_GFP_RECLAIMABLE)
		return KMALLOC_RECLAIM;
	if ((gfp & __MM_GFP_ACCOUNT) && sl->tuning.memcg)
		return KMALLOC_CGROUP;
	if (sl->tuning.random_kmalloc)
		return (enum kmalloc_type)mm_rng_below(&sl->ctx->rng, KMALLOC_RANDOM_END + 1);
	return KMALLOC_NORMAL;
}

struct mm_kmem_cache *mm_kmalloc_slab(struct mm_slab *sl, uint64_t size, mm_gfp_t gfp)
{
	if (!size || size > MM_KMALLOC_MAX_CACHE_SIZE || sl->kind == MM_SLAB_SLOB)
		return NULL;
	return sl->kmalloc_caches[kmalloc_type(sl, gfp)][mm_kmalloc_index(size, sl->kind == MM_SLAB_SLAB)];
}

uint64_t mm_kmalloc_size_roundup(const struct mm_slab *sl, uint64_t size)
{
	if (!size || size > MM_KMALLOC_MAX_SIZE || sl->kind == MM_SLAB_SLOB)
		return size;
	if (size > MM_KMALLOC_MAX_CACHE_SIZE)
		return (uint64_t)MM_PAGE_SIZE << mm_get_order(size);
	return sl->kmalloc_caches[KMALLOC_NORMAL][mm_kmalloc_index(size, sl->kind == MM_SLAB_SLAB)]->layout.object_size;
}

uint64_t mm_kmalloc_pages(struct mm_slab *sl, uint64_t size, mm_gfp_t gfp, uint32_t node)
{
	uint64_t obj = mm_slab_take_large(sl, mm_get_order(size), gfp, node);

	sl->large_allocs += obj != 0;
	sl->large_failed += obj == 0;
	return obj;
}

/* @order 64: no block is known at @obj. */
void mm_kfree_pages(struct mm_slab *sl, uint64_t obj, unsigned int order)
{
	if (order <= MM_MAX_ORDER && mm_slab_give_large(sl, obj, order))
		sl->large_frees++;
	else
		mm_slab_bad_free(sl, NULL, MM_SLAB_NOT_A_SLAB, obj);
}

uint64_t mm_kmalloc_node(struct mm_slab *sl, uint64_t size, mm_gfp_t gfp, uint32_t node)
{
	struct mm_kmem_cache *s;

	if (node != MM_NUMA_NO_NODE && !mm_slab_has_nodes(sl, node))
		node = MM_NUMA_NO_NODE;
	if (!size)
		return MM_ZERO_SIZE_PTR;
	if (size > MM_KMALLOC_MAX_SIZE) {
		sl->large_failed++;
		return 0;
	}
	if (sl->kind == MM_SLAB_SLOB)
		return mm_slob_kmalloc(sl, size, gfp, node);
	s = mm_kmalloc_slab(sl, size, gfp);
	if (s)
		return node == MM_NUMA_NO_NODE ? mm_kmem_cache_alloc(s, gfp) : s->ops->alloc_node(s, gfp, node);
	gfp &= ~(mm_gfp_t)(__MM_GFP_DMA32 | __MM_GFP_HIGHMEM);	/* GFP_SLAB_BUG_MASK */
	return mm_kmalloc_pages(sl, size, gfp | __MM_GFP_COMP, node);
}

uint64_t mm_kmalloc(struct mm_slab *sl, uint64_t size, mm_gfp_t gfp) { return mm_kmalloc_node(sl, size, gfp, MM_NUMA_NO_NODE); }

void mm_kfree(struct mm_slab *sl, uint64_t obj)
{
	uintptr_t m = mm_slab_lookup(sl, obj);
	struct mm_kmem_cache *s;

	if (sl->kind == MM_SLAB_SLOB) {
		if (obj > MM_ZERO_SIZE_PTR)
			mm_slob_kfree(sl, obj);
		return;
	}
	if (!m || (m & 1)) {
		if (obj > MM_ZERO_SIZE_PTR)
			mm_kfree_pages(sl, obj, m ? (unsigned int)(m >> 1) : 64);
		return;
	}
	s = mm_slab_cache((struct slab *)m);
	mm_kmem_cache_free(s, obj);
}

uint64_t mm_ksize(const struct mm_slab *sl, uint64_t obj)
{
	uintptr_t m = mm_slab_lookup(sl, obj);
	const struct slab *slab = (const struct slab *)m;

	if (m & 1) {
		uint64_t bytes = (uint64_t)MM_PAGE_SIZE << (m >> 1);

		return obj & (bytes - 1) ? 0 : bytes;
	}
	if (!m)
		return 0;
	if (sl->kind == MM_SLAB_SLOB)
		return mm_slob_ksize(sl, obj);
	if (mm_obj_to_index(mm_slab_cache(slab), slab, obj) == SLAB_LINK_END)
		return 0;
	if (mm_slab_cache(slab)->layout.flags & (MM_SLAB_RED_ZONE | MM_SLAB_POISON))
		return mm_slab_cache(slab)->layout.object_size;
	if (mm_slab_cache(slab)->layout.flags & (MM_SLAB_TYPESAFE_BY_RCU | MM_SLAB_STORE_USER))
		return mm_slab_cache(slab)->layout.inuse;
	return sl->kind == MM_SLAB_SLAB ? mm_slab_cache(slab)->layout.object_size : mm_slab_cache(slab)->size;
}
