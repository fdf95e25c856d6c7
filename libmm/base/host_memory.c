/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * base/host_memory.c - the C library's, and one word a thread: whether a request failed
 *
 * A word a thread and not of the machine, as errno is: pools and trees do not know whose they are, and a thread runs one machine at a time.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/grow.h"
#include "base/host_memory.h"

_Thread_local bool mm_host_memory_failed;

static void *noted(void *p)
{
	if (!p)
		mm_host_memory_failed = true;
	return p;
}

void *mm_host_malloc(size_t n) { return noted(malloc(n ? n : 1)); }
void *mm_host_calloc(size_t nr, size_t size) { return noted(calloc(nr ? nr : 1, size)); }
void *mm_host_realloc(void *old, size_t n) { return noted(realloc(old, n ? n : 1)); }
void *mm_host_aligned_alloc(size_t align, size_t n) { return noted(aligned_alloc(align, n)); }

int mm_host_grow_array(void *vp, size_t *cap, size_t size)
{
	int e = mm_grow_array(vp, cap, size);

	mm_host_memory_failed |= e != 0;
	return e;
}

void *mm_host_map(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return noted(p == MAP_FAILED ? NULL : p);
}
