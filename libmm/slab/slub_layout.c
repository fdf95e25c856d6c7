/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * SLUB's layout: how many bytes an object takes and how many pages a slab.
 *
 *   | red zone | object ... | red zone word | free pointer | 2 tracks | padding |
 *   <-left pad->                                                    to the alignment
 *
 * Without debugging the free pointer lies inside the object.  The order of a
 * slab is the smallest that wastes at most a 16th, 8th or 4th of it on the
 * rest, for as many objects as the number of CPUs calls for.
 *
 * Left out: KASAN's metadata, slub_min_order= and its relatives.
 */
#include <errno.h>

#include "slab/slab.h"

enum {
	SLUB_MAX_ORDER = 3,		/* PAGE_ALLOC_COSTLY_ORDER */
	MIN_PARTIAL = 5, MAX_PARTIAL = 10,
	WORD = 8,
	TRACK_BYTES = 32,		/* struct track with a stack depot handle: address, handle, CPU, pid, time */
};

static uint32_t align_up(uint32_t x, uint32_t align) { return (x + align - 1) & ~(align - 1); }
static unsigned int fls(uint32_t x) { return x ? 32 - (unsigned int)__builtin_clz(x) : 0; }

/* Smallest order from that of @min_objects on whose rest is at most the @fraction'th part. */
static unsigned int calc_slab_order(uint32_t size, uint32_t min_objects, unsigned int max_order, unsigned int fraction)
{
	unsigned int order;

	for (order = mm_get_order((uint64_t)min_objects * size); order <= max_order; order++) {
		uint32_t slab_size = (uint32_t)MM_PAGE_SIZE << order;

		if (slab_size % size <= slab_size / fraction)
			break;
	}
	return order;
}

static int calculate_order(uint32_t size, uint32_t nr_cpus, unsigned int *orderp)
{
	uint32_t min_objects = 4 * (fls(nr_cpus) + 1);
	uint32_t max_objects = ((uint32_t)MM_PAGE_SIZE << SLUB_MAX_ORDER) / size;
	unsigned int order;

	if (min_objects > max_objects)
		min_objects = max_objects;
	for (; min_objects > 1; min_objects--)
		for (unsigned int fraction = 16; fraction >= 4; fraction /= 2) {
			order = calc_slab_order(size, min_objects, SLUB_MAX_ORDER, fraction);
			if (order <= SLUB_MAX_ORDER) {
				*orderp = order;
				return 0;
			}
		}
	order = calc_slab_order(size, 1, SLUB_MAX_ORDER, 1);
	if (order > SLUB_MAX_ORDER)
		order = calc_slab_order(size, 1, MM_MAX_ORDER, 1);
	if (order > MM_MAX_ORDER)
		return -EINVAL;
	*orderp = order;
	return 0;
}

/* Bytes of one object with what debugging, constructors and RCU put around it. */
static uint32_t object_bytes(struct mm_slab_layout *l)
{
	uint32_t flags = l->flags, size = align_up(l->object_size, WORD);
	bool orig_size = (flags & MM_SLAB_STORE_USER) && (flags & MM_SLAB_KMALLOC);

	if ((flags & MM_SLAB_RED_ZONE) && size == l->object_size)
		size += WORD;
	l->inuse = size;
	if (orig_size || (flags & (MM_SLAB_TYPESAFE_BY_RCU | MM_SLAB_POISON | MM_SLAB_CTOR)) ||
	    ((flags & MM_SLAB_RED_ZONE) && l->object_size < WORD)) {
		l->offset = size;
		size += WORD;
	} else {
		l->offset = l->object_size / 2 & ~(WORD - 1u);
	}
	if (flags & MM_SLAB_STORE_USER)
		size += 2 * TRACK_BYTES + (flags & MM_SLAB_KMALLOC ? 4 : 0);
	if (flags & MM_SLAB_RED_ZONE) {
		l->red_left_pad = align_up(WORD, l->align);
		size += WORD + l->red_left_pad;
	}
	return align_up(size, l->align);
}

static void set_cpu_partial(struct mm_slab_layout *l)
{
	if (l->flags & MM_SLAB_DEBUG_FLAGS)
		l->cpu_partial = 0;
	else if (l->slab_size >= MM_PAGE_SIZE)
		l->cpu_partial = 6;
	else if (l->slab_size >= 1024)
		l->cpu_partial = 24;
	else if (l->slab_size >= 256)
		l->cpu_partial = 52;
	else
		l->cpu_partial = 120;
	l->cpu_partial_slabs = (2 * l->cpu_partial + l->objects_per_slab - 1) / l->objects_per_slab;
}

int mm_slub_layout(struct mm_slab_layout *l, const struct mm_slab_request *req)
{
	unsigned int order;
	int err;

	l->slab_size = object_bytes(l);
	if (req->fixed_size)
		l->slab_size = req->fixed_size;
	err = calculate_order(l->slab_size, req->nr_cpus ? req->nr_cpus : 1, &order);
	if (err)
		return err;
	l->order = order;
	l->objects_per_slab = ((uint32_t)MM_PAGE_SIZE << order) / l->slab_size;
	l->min_order = mm_get_order(l->slab_size);
	l->min_objects = ((uint32_t)MM_PAGE_SIZE << l->min_order) / l->slab_size;
	l->min_partial = (fls(l->slab_size) - 1) / 2;
	if (l->min_partial > MAX_PARTIAL)
		l->min_partial = MAX_PARTIAL;
	if (l->min_partial < MIN_PARTIAL)
		l->min_partial = MIN_PARTIAL;
	set_cpu_partial(l);
	return 0;
}
