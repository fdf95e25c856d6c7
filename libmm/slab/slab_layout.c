/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Layouts of SLAB and SLOB.
 *
 * SLAB keeps one byte-sized index per object.  The array of them lies, in this
 * order of preference: in the last free object of the slab; in a kmalloc()
 * object of its own; at the end of the slab.  What is left over colours the
 * slabs: each begins its objects a cache line further than the one before.
 *
 *   | colour | object 0 | object 1 | ... | rest | indices (on-slab only) |
 *
 * SLOB packs blocks of any size into single pages; a slab is a page.
 *
 * Left out: debug_pagealloc, KASAN.
 */
#include <errno.h>

#include "slab/slab.h"

enum {
	WORD = 8, CACHE_LINE = 64,
	SLAB_OBJ_MIN_SIZE = 16, SLAB_OBJ_MAX_NUM = 255,
	SLOB_UNIT = 2, SLOB_RCU_BYTES = 24,
};

enum freelist_place { FREELIST_IN_OBJECT, FREELIST_OFF_SLAB, FREELIST_ON_SLAB };

/* Objects of a slab of 2^@order pages, and what is left. */
static uint32_t cache_estimate(unsigned int order, uint32_t size, enum freelist_place place, uint32_t *left)
{
	uint32_t bytes = (uint32_t)MM_PAGE_SIZE << order, each = size + (place == FREELIST_ON_SLAB);

	*left = bytes % each;
	return bytes / each;
}

/* Whether an index array of its own costs too much: more than half an object. */
static bool off_slab_is_dear(uint32_t num, uint32_t object_size)
{
	return mm_kmalloc_class_size(mm_kmalloc_index(num, true)) > object_size / 2;
}

static uint32_t calculate_slab_order(struct mm_slab_layout *l, uint32_t size, enum freelist_place place, uint32_t max_order)
{
	uint32_t left_over = 0;

	for (unsigned int order = 0; order <= MM_MAX_ORDER; order++) {
		uint32_t left, num = cache_estimate(order, size, place, &left);

		if (!num)
			continue;
		if (num > SLAB_OBJ_MAX_NUM)
			break;
		if (place == FREELIST_OFF_SLAB && off_slab_is_dear(num, l->object_size))
			continue;
		l->objects_per_slab = num;
		l->order = order;
		left_over = left;
		if ((l->flags & MM_SLAB_RECLAIM_ACCOUNT) || order >= max_order ||
		    left_over * 8 <= (uint32_t)MM_PAGE_SIZE << order)
			break;
	}
	return left_over;
}

static bool set_freelist(struct mm_slab_layout *l, uint32_t size, enum freelist_place place, uint32_t max_order)
{
	uint32_t left;

	l->objects_per_slab = 0;
	if (place == FREELIST_IN_OBJECT && (l->flags & (MM_SLAB_CTOR | MM_SLAB_TYPESAFE_BY_RCU)))
		return false;
	if (place == FREELIST_OFF_SLAB && (l->flags & MM_SLAB_NOLEAKTRACE))
		return false;
	left = calculate_slab_order(l, size, place, max_order);
	if (!l->objects_per_slab)
		return false;
	if (place == FREELIST_IN_OBJECT && l->objects_per_slab > l->object_size)
		return false;
	if (place == FREELIST_OFF_SLAB && left >= l->objects_per_slab)
		return false;		/* the rest of the slab has room for it */
	l->colour = left / l->colour_off;
	l->off_slab = place == FREELIST_OFF_SLAB;
	l->freelist_bytes = place == FREELIST_IN_OBJECT ? 0 : l->objects_per_slab;
	return true;
}

/* The array caches: how many objects a CPU keeps, and how many move at once. */
static void set_limits(struct mm_slab_layout *l, uint32_t nr_cpus, bool debug_slab)
{
	uint32_t size = l->slab_size;

	l->num_limit = size > 131072 ? 1 : size > MM_PAGE_SIZE ? 8 : size > 1024 ? 24 : size > 256 ? 54 : 120;
	if (debug_slab && l->num_limit > 32)
		l->num_limit = 32;
	l->batchcount = (l->num_limit + 1) / 2;
	l->shared = size <= MM_PAGE_SIZE && nr_cpus > 1 ? 8 : 0;
}

/* CONFIG_DEBUG_SLAB: red zones and an owner unless they take the object over a power of two; without it no checks at all. */
static void set_debug_flags(struct mm_slab_layout *l, bool debug_slab)
{
	uint32_t size = l->object_size;

	if (!debug_slab) {
		l->flags &= ~(uint32_t)MM_SLAB_DEBUG_FLAGS;
		return;
	}
	if (size < 4096 || __builtin_clz(size - 1) == __builtin_clz(size - 1 + 3 * WORD))
		l->flags |= MM_SLAB_RED_ZONE | MM_SLAB_STORE_USER;
	if (!(l->flags & MM_SLAB_TYPESAFE_BY_RCU))
		l->flags |= MM_SLAB_POISON;
	if (l->align > WORD)		/* 8-byte red zones do not fit beside a larger alignment */
		l->flags &= ~(uint32_t)(MM_SLAB_RED_ZONE | MM_SLAB_STORE_USER);
}

int mm_slab_layout(struct mm_slab_layout *l, const struct mm_slab_request *req)
{
	uint32_t size = mm_slab_align(l->object_size, WORD), max_order = req->tuning->slab_max_order;

	set_debug_flags(l, req->tuning->debug_slab);
	l->colour_off = l->align > CACHE_LINE ? l->align : CACHE_LINE;
	if (l->flags & MM_SLAB_RED_ZONE) {
		l->red_left_pad = WORD;
		size += 2 * WORD;
	}
	if (l->flags & MM_SLAB_STORE_USER)
		size += WORD;
	size = mm_slab_align(size, l->align);
	if (size < SLAB_OBJ_MIN_SIZE)
		size = mm_slab_align(SLAB_OBJ_MIN_SIZE, l->align);
	l->slab_size = size;
	l->inuse = l->object_size;
	if (!set_freelist(l, size, FREELIST_IN_OBJECT, max_order) && !set_freelist(l, size, FREELIST_OFF_SLAB, max_order) &&
	    !set_freelist(l, size, FREELIST_ON_SLAB, max_order))
		return -E2BIG;
	l->min_order = l->order;
	l->min_objects = l->objects_per_slab;
	set_limits(l, req->nr_cpus, req->tuning->debug_slab);
	return 0;
}

int mm_slob_layout(struct mm_slab_layout *l, const struct mm_slab_request *req)
{
	uint32_t size = l->object_size;

	(void)req;
	if (l->flags & MM_SLAB_TYPESAFE_BY_RCU)
		size += SLOB_RCU_BYTES;
	l->slab_size = mm_slab_align(size, SLOB_UNIT);
	l->order = l->slab_size < MM_PAGE_SIZE ? 0 : mm_get_order(l->slab_size);
	if (l->order > MM_MAX_ORDER)
		return -E2BIG;
	l->objects_per_slab = ((uint32_t)MM_PAGE_SIZE << l->order) / mm_slab_align(l->slab_size, l->align);
	if (!l->objects_per_slab)
		l->objects_per_slab = 1;
	l->min_order = l->order;
	l->min_objects = l->objects_per_slab;
	return 0;
}
