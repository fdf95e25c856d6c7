/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * base/host_memory.h - memory of the host for the machine's floors
 *
 * A kernel's calls answer ENOMEM when its memory is out, and some go another way then; those of the model do so too when it is the host's
 * that is out. The second must not pass for the first. So all floors from phys/ to machine/ ask here: a request that failed is remembered,
 * whatever became of it. errno would not do: malloc() leaves ENOMEM in it where mmap() gave what brk() could not.
 *
 * What is given is freed with free(), a map with munmap().
 */
#ifndef BASE_HOST_MEMORY_H
#define BASE_HOST_MEMORY_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

#include <libmm/error.h>

/* As the C library's; NULL: there is none, which is remembered. */
void *mm_host_malloc(size_t n);
void *mm_host_calloc(size_t nr, size_t size);
void *mm_host_realloc(void *old, size_t n);
void *mm_host_aligned_alloc(size_t align, size_t n);	/* @n: a multiple of @align, a power of two */
/* As base/grow.h's. */
int mm_host_grow_array(void *vp, size_t *cap, size_t size);
static inline int mm_host_grow(void *vp, size_t nr, size_t *cap, size_t size)
{
	return nr < *cap ? 0 : mm_host_grow_array(vp, cap, size);
}
/* Zeroes that cost nothing until they are touched: @bytes of them, more than none; NULL as above. */
void *mm_host_map(size_t bytes);

/* Every row looks at it: at a fixed place, without a call. The GNU C library has room for a byte of a library loaded late. */
#ifdef __GLIBC__
extern _Thread_local bool mm_host_memory_failed __attribute__((tls_model("initial-exec")));
#else
extern _Thread_local bool mm_host_memory_failed;
#endif

/* What is asked for between these two by one thread (pairs do not nest, but that the outer one has not asked for anything yet). */
static inline void mm_host_memory_begin(void) { mm_host_memory_failed = false; }
/* Return: @e; if a request failed, -ENOMEM, and @err says so. */
static inline int mm_host_memory_end(int e, struct mm_error *err)
{
	return mm_host_memory_failed ? mm_error_set(err, -ENOMEM, "out of memory") : e;
}

#endif /* BASE_HOST_MEMORY_H */
