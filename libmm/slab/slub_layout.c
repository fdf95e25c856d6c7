/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * SLUB's layout: how many bytes an object takes and how many pages a slab.
 *
 *   | red zone | object ... | red zone word | free pointer | 2 tracks | padding |
 *   <-left pad->                                                    to the alignment
 *
 * Without debugging the free pointer lies inside the object.  The order of a
 * slab is the smallest that wastes at most a 16th, 8th or 4th of it on the
 * rest, for as many objects as the number of CPUs or slub_min_objects= calls
 * for, between slub_min_order= and slub_max_order=.
 *
 * Left out: KASAN's metadata.
 */
#include <errno.h>

#include "slab/slab.h"

enum {
	MAX_OBJS_PER_PAGE = 32767,
	MIN_PARTIAL = 5, MAX_PARTIAL = 10,
	WORD = 8,
	TRACK_BYTES = 32,		/* struct track with a stack depot handle: address, handle, CPU, pid, time */
};

static unsigned int fls(uint32_t x) { return x ? 32 - (unsigned int)__builtin_clz(x) : 0; }

static uint32_t order_objects(unsigned int order, uint32_t size) { return ((uint32_t)MM_PAGE_SIZE << order) / size; }

/* Smallest order from that of @min_objects on whose rest is at most the @fraction'th part. */
static unsigned int calc_slab_order(uint32_t size, uint32_t min_objects, unsigned int min_order, unsigned int max_order,
				    unsigned int fraction)
{
	unsigned int order = mm_get_order((uint64_t)min_objects * size);

	if (order_objects(min_order, size) > MAX_OBJS_PER_PAGE)
		return mm_get_order((uint64_t)size * MAX_OBJS_PER_PAGE) - 1;
	if (order < min_order)
		order = min_order;
	for (; order <= max_order; order++) {
		uint32_t slab_size = (uint32_t)MM_PAGE_SIZE << order;

		if (slab_size % size <= slab_size / fraction)
			break;
	}
	return order;
}

static int calculate_order(uint32_t size, uint32_t nr_cpus, const struct mm_slab_tuning *t, unsigned int *orderp)
{
	uint32_t min_objects = t->slub_min_objects ? t->slub_min_objects : 4 * (fls(nr_cpus) + 1);
	uint32_t max_objects = order_objects(t->slub_max_order, size);
	unsigned int order;

	if (min_objects > max_objects)
		min_objects = max_objects;
	for (; min_objects > 1; min_objects--)
		for (unsigned int fraction = 16; fraction >= 4; fraction /= 2) {
			order = calc_slab_order(size, min_objects, t->slub_min_order, t->slub_max_order, fraction);
			if (order <= t->slub_max_order) {
				*orderp = order;
				return 0;
			}
		}
	order = calc_slab_order(size, 1, t->slub_min_order, t->slub_max_order, 1);
	if (order > t->slub_max_order)
		order = calc_slab_order(size, 1, t->slub_min_order, MM_MAX_ORDER, 1);
	if (order > MM_MAX_ORDER)
		return -EINVAL;
	*orderp = order;
	return 0;
}

/* Bytes of one object with what debugging, constructors and RCU put around it. */
static uint32_t object_bytes(struct mm_slab_layout *l)
{
	uint32_t flags = l->flags, size = mm_slab_align(l->object_size, WORD);
	bool orig_size = (flags & MM_SLAB_STORE_USER) && (flags & MM_SLAB_KMALLOC);

	l->red_left_pad = 0;
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
		l->red_left_pad = mm_slab_align(WORD, l->align);
		size += WORD + l->red_left_pad;
	}
	return mm_slab_align(size, l->align);
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
	if (req->tuning->no_higher_order && mm_get_order(l->slab_size) > mm_get_order(l->object_size)) {
		l->flags &= ~(uint32_t)(MM_SLAB_RED_ZONE | MM_SLAB_POISON | MM_SLAB_STORE_USER);
		l->slab_size = object_bytes(l);
	}
	if (req->fixed_size)
		l->slab_size = req->fixed_size;
	err = calculate_order(l->slab_size, req->nr_cpus ? req->nr_cpus : 1, req->tuning, &order);
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
