/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * base/pool.c - chunks, and a list through the objects that are free
 *
 *	free -> [object] -> [object] -> NULL		a chunk: [next | object | object | ...]
 */
#include <stdlib.h>

#include "base/host_memory.h"
#include "base/pool.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define POISON 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define POISON 1
#endif
#ifdef POISON
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#define ASAN_UNPOISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#endif

enum { CHUNK_BYTES = 8000 };		/* two pages of the host, less what malloc() needs of them */

struct mm_pool_chunk {
	struct mm_pool_chunk *next;
	_Alignas(16) char bytes[CHUNK_BYTES];
};

/* From one object to the next: at places that any type of that size may have. */
static size_t step_of(size_t size) { return (size + 7) & ~(size_t)7; }

static int grow(struct mm_pool *p, size_t size)
{
	struct mm_pool_chunk *c = mm_host_malloc(sizeof(*c));
	size_t step = step_of(size);

	if (!c)
		return -1;
	c->next = p->chunks;
	p->chunks = c;
	for (size_t n = CHUNK_BYTES / step; n-- > 0;)
		mm_pool_free(p, c->bytes + n * step, size);
	return 0;
}

void *mm_pool_alloc(struct mm_pool *p, size_t size)
{
	void *object;

	if (!p->free && grow(p, size))
		return NULL;
	object = p->free;
	ASAN_UNPOISON_MEMORY_REGION(object, size);
	p->free = *(void **)object;
	return object;
}

void mm_pool_free(struct mm_pool *p, void *object, size_t size)
{
	if (!object)
		return;
	*(void **)object = p->free;
	p->free = object;
	ASAN_POISON_MEMORY_REGION(object, size);
}

void mm_pool_destroy(struct mm_pool *p)
{
	while (p->chunks) {
		struct mm_pool_chunk *c = p->chunks;

		p->chunks = c->next;
		ASAN_UNPOISON_MEMORY_REGION(c->bytes, sizeof(c->bytes));
		free(c);
	}
	p->free = NULL;
}
