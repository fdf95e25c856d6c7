/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * base/grow.h - arrays that grow by an element at a time
 *
 * The floors of the machine have mm_host_grow() (base/host_memory.h) for it.
 */
#ifndef BASE_GROW_H
#define BASE_GROW_H

#include <stddef.h>

/* Twice the room, or the first: *@cap elements of @size bytes in the array *@vp. 0, or -ENOMEM with all as it was. */
int mm_grow_array(void *vp, size_t *cap, size_t size);

/* Room for one more than @nr elements: likewise. */
static inline int mm_grow(void *vp, size_t nr, size_t *cap, size_t size) { return nr < *cap ? 0 : mm_grow_array(vp, cap, size); }

#endif /* BASE_GROW_H */
