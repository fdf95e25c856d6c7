/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * base/pool.h - objects of one size, taken and given back one by one, gone all at once
 *
 * Host memory comes in chunks and stays with the pool; an object that was given back is the next one taken. A pool that is
 * all zero is empty. Under AddressSanitizer what is not taken is poisoned.
 */
#ifndef BASE_POOL_H
#define BASE_POOL_H

#include <stddef.h>

struct mm_pool_chunk;
struct mm_pool {
	void *free;			/* given back or never taken: the first, which points to the next */
	struct mm_pool_chunk *chunks;
};

/* An object of @size bytes (the same at every call, of a pointer at least), its contents undefined; NULL: host memory. */
void *mm_pool_alloc(struct mm_pool *p, size_t size);
void mm_pool_free(struct mm_pool *p, void *object, size_t size);	/* NULL is allowed */
void mm_pool_destroy(struct mm_pool *p);	/* with all its objects; it is empty then */

#endif /* BASE_POOL_H */
