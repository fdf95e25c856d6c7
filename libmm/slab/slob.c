/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * SLOB, which Linux had until 6.3: blocks of any size packed into single pages.
 *
 *   small  (< 256 bytes)   head -> page -> page -> ... (circular)
 *   medium (< 1024 bytes)
 *   large  (< a page)
 *
 * A page on a list has free blocks, kept in order of address and joined with
 * their neighbours.  The search begins at the page that served last, and takes
 * the first block that fits in the first page that has one.  Caches are only a
 * size and an alignment; kmalloc() puts its size into 8 bytes before the object.
 * Requests of a page or more go to the page allocator.
 *
 * Here the blocks in use are two bits per 2-byte unit of the page: where one
 * begins, and whether its size in bytes is odd.  A block ends where the next
 * one, used or free, begins.
 *
 * A request for a node passes over the pages of others.
 *
 * Left out: RCU delays.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/host_memory.h"
#include "slab/slab.h"

enum {
	UNIT = 2, PAGE_UNITS = MM_PAGE_SIZE / UNIT,
	BREAK1 = 256, BREAK2 = 1024, NR_LISTS = 3,
	MINALIGN = 8,
};

struct block {
	uint16_t start, units;
};

struct slob_page {
	struct slob_page *next, *prev;	/* circular, while on a list */
	struct slob_page *newer, *older;	/* all pages */
	mm_pfn_t pfn;
	uint16_t units;			/* free */
	uint16_t nr_live, nr_free, cap;
	bool listed;
	uint8_t list, node;
	struct block *free;		/* by address; never two that touch */
	uint64_t live[PAGE_UNITS / 64], odd[PAGE_UNITS / 64];
};

struct slob {
	struct slob_page *head[NR_LISTS];
	struct slob_page *oldest, *newest;
	uint64_t nr_pages;
	uint64_t kmalloc_live, kmallocs, kfrees, failed;
};

static uint32_t units_of(uint32_t bytes) { return (bytes + UNIT - 1) / UNIT; }
static unsigned int list_of(uint32_t bytes) { return bytes < BREAK1 ? 0 : bytes < BREAK2 ? 1 : 2; }
static bool bit(const uint64_t *map, uint32_t i) { return map[i / 64] >> i % 64 & 1; }
static void flip(uint64_t *map, uint32_t i) { map[i / 64] ^= (uint64_t)1 << i % 64; }

static void list_add(struct slob *slob, struct slob_page *sp, unsigned int list)
{
	struct slob_page **head = &slob->head[list];

	if (*head) {
		sp->next = *head;
		sp->prev = (*head)->prev;
		sp->prev->next = sp->next->prev = sp;
	} else {
		sp->next = sp->prev = sp;
	}
	*head = sp;
	sp->list = (uint8_t)list;
	sp->listed = true;
}

static void list_del(struct slob *slob, struct slob_page *sp)
{
	struct slob_page **head = &slob->head[sp->list];

	sp->next->prev = sp->prev;
	sp->prev->next = sp->next;
	if (*head == sp)
		*head = sp->next == sp ? NULL : sp->next;
	sp->listed = false;
}

/* Units between the block at @start and the first place at or after it where start + @off is aligned. */
static uint32_t align_delta(uint32_t start, uint32_t align, uint32_t off)
{
	uint32_t at = start * UNIT + off;

	return (((at + align - 1) & ~(align - 1)) - at) / UNIT;
}

static void cut_free(struct slob_page *sp, uint32_t i, uint32_t delta, uint32_t units)
{
	struct block *b = &sp->free[i];
	struct block rest = { (uint16_t)(b->start + delta + units), (uint16_t)(b->units - delta - units) };

	if (delta) {
		b->units = (uint16_t)delta;
		if (!rest.units)
			return;
		memmove(b + 2, b + 1, (sp->nr_free - i - 1u) * sizeof(*b));
		b[1] = rest;
		sp->nr_free++;
	} else if (rest.units) {
		*b = rest;
	} else {
		memmove(b, b + 1, (sp->nr_free - i - 1u) * sizeof(*b));
		sp->nr_free--;
	}
}

/* slob_page_alloc(): first unit of @bytes in the page, or -1. */
static int page_alloc(struct slob *slob, struct slob_page *sp, uint32_t bytes, uint32_t align, uint32_t off)
{
	uint32_t units = units_of(bytes);

	for (uint32_t i = 0; i < sp->nr_free; i++) {
		uint32_t delta = align_delta(sp->free[i].start, align, off), start = sp->free[i].start + delta;

		if (sp->free[i].units < units + delta)
			continue;
		cut_free(sp, i, delta, units);
		flip(sp->live, start);
		if (bytes % UNIT)
			flip(sp->odd, start);
		sp->nr_live++;
		sp->units = (uint16_t)(sp->units - units);
		if (!sp->units)
			list_del(slob, sp);
		return (int)start;
	}
	return -1;
}

/* Room for the free blocks that the live ones may leave: one more than those, and one while cutting. */
static bool reserve(struct slob_page *sp)
{
	struct block *v;
	uint32_t cap = sp->cap * 2u + 8;

	if (sp->nr_live + 4u <= sp->cap)
		return true;
	v = mm_host_realloc(sp->free, cap * sizeof(*v));
	if (!v)
		return false;
	sp->free = v;
	sp->cap = (uint16_t)cap;
	return true;
}

static struct slob_page *new_page(struct mm_slab *sl, mm_gfp_t gfp, uint32_t node, unsigned int list)
{
	struct slob_page *sp = mm_host_calloc(1, sizeof(*sp));
	struct slob *slob = sl->slob;

	if (!sp || !reserve(sp)) {
		free(sp);
		return NULL;
	}
	sp->pfn = mm_slab_take_heap_page(sl, gfp & ~(mm_gfp_t)__MM_GFP_ZERO, node, (uintptr_t)sp);
	if (sp->pfn == MM_PFN_NONE) {
		free(sp->free);
		free(sp);
		return NULL;
	}
	sp->node = (uint8_t)(sl->nr_nodes > 1 ? mm_page_zone(sl->phys, sp->pfn)->node : 0);
	sp->units = PAGE_UNITS;
	sp->free[0] = (struct block){ 0, PAGE_UNITS };
	sp->nr_free = 1;
	sp->older = slob->newest;
	*(sp->older ? &sp->older->newer : &slob->oldest) = sp;
	slob->newest = sp;
	slob->nr_pages++;
	list_add(slob, sp, list);
	return sp;
}

static uint64_t address(const struct slob_page *sp, int start)
{
	return mm_slab_address(sp->pfn) + (uint64_t)start * UNIT;
}

/*
 * A page of the list with room, from the list's head on round, where the next search begins: *@start is the first unit.
 * NULL: none, or (*@nomem) no host memory.
 */
static struct slob_page *find_room(struct slob *slob, unsigned int list, uint32_t bytes, uint32_t node, uint32_t align, uint32_t off,
				   int *start, bool *nomem)
{
	struct slob_page *head = slob->head[list], *sp = head, *next;

	for (bool first = true; sp && (first || sp != head); first = false, sp = next) {
		next = sp->next;
		if (sp->units < units_of(bytes) || (node != MM_NUMA_NO_NODE && sp->node != node))
			continue;
		*nomem = !reserve(sp);
		if (*nomem)
			return NULL;
		*start = page_alloc(slob, sp, bytes, align, off);
		if (*start < 0)
			continue;
		if (sp->listed)
			slob->head[list] = sp;
		return sp;
	}
	return NULL;
}

/* @bytes with the byte @off of them aligned, in a page of @node if that is one; 0: no page. */
static uint64_t slob_alloc(struct mm_slab *sl, uint32_t bytes, mm_gfp_t gfp, uint32_t node, uint32_t align, uint32_t off)
{
	struct slob *slob = sl->slob;
	unsigned int list = list_of(bytes);
	bool nomem = false;
	int start = 0;
	struct slob_page *sp = find_room(slob, list, bytes, node, align, off, &start, &nomem);

	if (sp)
		return address(sp, start);
	sp = nomem ? NULL : new_page(sl, gfp, node, list);
	return sp ? address(sp, page_alloc(slob, sp, bytes, align, off)) : 0;
}

/* Units of the live block at @start: up to the next block of either kind. */
static uint32_t extent(const struct slob_page *sp, uint32_t start)
{
	uint32_t end = PAGE_UNITS, i = start + 1;

	for (uint32_t f = 0; f < sp->nr_free; f++)
		if (sp->free[f].start > start) {
			end = sp->free[f].start;
			break;
		}
	while (i < end) {
		uint64_t word = sp->live[i / 64] >> i % 64;

		if (word) {
			i += (uint32_t)__builtin_ctzll(word);
			return (i < end ? i : end) - start;
		}
		i = (i / 64 + 1) * 64;
	}
	return end - start;
}

/* The free blocks take [start, start + units) in, joined with what it touches. */
static void insert_free(struct slob_page *sp, uint32_t start, uint32_t units)
{
	uint32_t i = 0;
	struct block *b;

	while (i < sp->nr_free && sp->free[i].start < start)
		i++;
	b = &sp->free[i];
	if (i < sp->nr_free && b->start == start + units) {
		b->start = (uint16_t)start;
		b->units = (uint16_t)(b->units + units);
	} else {
		memmove(b + 1, b, (sp->nr_free - i) * sizeof(*b));
		*b = (struct block){ (uint16_t)start, (uint16_t)units };
		sp->nr_free++;
	}
	if (i && b[-1].start + b[-1].units == start) {
		b[-1].units = (uint16_t)(b[-1].units + b->units);
		memmove(b, b + 1, (sp->nr_free - i - 1u) * sizeof(*b));
		sp->nr_free--;
	}
}

/* slob_free(): the block at @start of @bytes. */
static void slob_free(struct mm_slab *sl, struct slob_page *sp, uint32_t start, uint32_t bytes)
{
	struct slob *slob = sl->slob;
	uint32_t units = units_of(bytes);

	if (sp->units + units == PAGE_UNITS) {
		if (sp->listed)
			list_del(slob, sp);
		*(sp->older ? &sp->older->newer : &slob->oldest) = sp->newer;
		*(sp->newer ? &sp->newer->older : &slob->newest) = sp->older;
		slob->nr_pages--;
		mm_slab_give_heap_page(sl, sp->pfn);
		free(sp->free);
		free(sp);
		return;
	}
	insert_free(sp, start, units);
	flip(sp->live, start);
	if (bit(sp->odd, start))
		flip(sp->odd, start);
	sp->nr_live--;
	sp->units = (uint16_t)(sp->units + units);
	if (!sp->listed)
		list_add(slob, sp, list_of(bytes));
}

/* The page and first unit of the live block at @addr, and its size; NULL: none begins there. */
static struct slob_page *find_block(const struct mm_slab *sl, uint64_t addr, uint32_t *start, uint32_t *bytes)
{
	uintptr_t m = mm_slab_lookup(sl, addr);
	struct slob_page *sp = (struct slob_page *)m;
	uint32_t off = (uint32_t)(addr & (MM_PAGE_SIZE - 1));

	if (!m || (m & 1) || off % UNIT || !bit(sp->live, off / UNIT))
		return NULL;
	*start = off / UNIT;
	*bytes = extent(sp, *start) * UNIT - bit(sp->odd, *start);
	return sp;
}

uint64_t mm_slob_kmalloc(struct mm_slab *sl, uint64_t size, mm_gfp_t gfp, uint32_t node)
{
	uint64_t addr;

	if (size < MM_PAGE_SIZE - MINALIGN) {
		uint32_t align = size & (size - 1) || size < MINALIGN ? MINALIGN : (uint32_t)size;

		addr = slob_alloc(sl, (uint32_t)size + MINALIGN, gfp, node, align, MINALIGN);
		addr += addr ? MINALIGN : 0;
	} else {
		unsigned int order = mm_get_order(size);

		return mm_kmalloc_pages(sl, size, gfp | (order ? __MM_GFP_COMP : 0), node);
	}
	if (addr) {
		sl->slob->kmallocs++;
		sl->slob->kmalloc_live++;
	} else {
		sl->slob->failed++;
	}
	return addr;
}

void mm_slob_kfree(struct mm_slab *sl, uint64_t obj)
{
	uintptr_t m = mm_slab_lookup(sl, obj);
	uint32_t start, bytes;
	struct slob_page *sp;

	if (m & 1) {
		mm_kfree_pages(sl, obj, (unsigned int)(m >> 1));
		return;
	}
	sp = find_block(sl, obj - MINALIGN, &start, &bytes);
	if (!sp || !sl->slob->kmalloc_live) {
		mm_slab_bad_free(sl, NULL, m ? MM_SLAB_INVALID_POINTER : MM_SLAB_NOT_A_SLAB, obj);
		return;
	}
	sl->slob->kfrees++;
	sl->slob->kmalloc_live--;
	slob_free(sl, sp, start, bytes);
}

uint64_t mm_slob_ksize(const struct mm_slab *sl, uint64_t obj)
{
	uint32_t start, bytes;

	return find_block(sl, obj - MINALIGN, &start, &bytes) ? units_of(bytes - MINALIGN) * (uint64_t)UNIT : 0;
}

static uint64_t cache_alloc_node(struct mm_kmem_cache *s, mm_gfp_t gfp, uint32_t node)
{
	uint64_t obj;

	if (s->layout.slab_size < MM_PAGE_SIZE)
		obj = slob_alloc(s->slab, s->layout.slab_size, gfp, node, s->layout.align, 0);
	else
		obj = mm_slab_take_large(s->slab, mm_get_order(s->layout.slab_size), gfp, node);
	s->stat[MM_SLUB_ALLOC_SLOWPATH]++;
	if (obj)
		s->live++;
	else
		s->failed++;
	return obj;
}

static uint64_t cache_alloc(struct mm_kmem_cache *s, mm_gfp_t gfp) { return cache_alloc_node(s, gfp, MM_NUMA_NO_NODE); }

static bool give_back(struct mm_kmem_cache *s, uint64_t obj)
{
	uintptr_t m = mm_slab_lookup(s->slab, obj);
	uint32_t start, bytes;
	struct slob_page *sp;

	if (!s->live)
		return false;
	if (s->layout.slab_size >= MM_PAGE_SIZE)
		return (m & 1) && m >> 1 == s->layout.order && mm_slab_give_large(s->slab, obj, s->layout.order);
	sp = find_block(s->slab, obj, &start, &bytes);
	if (!sp || units_of(bytes) != units_of(s->layout.slab_size))
		return false;
	slob_free(s->slab, sp, start, s->layout.slab_size);
	return true;
}

static void cache_free(struct mm_kmem_cache *s, uint64_t obj)
{
	if (!give_back(s, obj)) {
		mm_slab_bad_free(s->slab, s, mm_slab_lookup(s->slab, obj) ? MM_SLAB_INVALID_POINTER : MM_SLAB_NOT_A_SLAB, obj);
		return;
	}
	s->stat[MM_SLUB_FREE_SLOWPATH]++;
	s->live--;
}

static int cache_create(struct mm_kmem_cache *s)
{
	s->allocflags = 0;
	return 0;
}

static bool cache_shutdown(struct mm_kmem_cache *s) { return !s->live; }

static void cache_release(struct mm_kmem_cache *s)
{
	free(s->node);
}

static void cache_shrink(struct mm_kmem_cache *s) { (void)s; }	/* an empty page is never kept */

static void cache_info(const struct mm_kmem_cache *s, struct mm_kmem_cache_info *info)
{
	info->live_objects = info->active_objects = info->objects = s->live;
	info->allocs = s->stat[MM_SLUB_ALLOC_SLOWPATH] - s->failed;
	info->frees = s->stat[MM_SLUB_FREE_SLOWPATH];
}

int mm_slob_new(struct mm_slab *sl)
{
	sl->slob = mm_host_calloc(1, sizeof(*sl->slob));
	return sl->slob ? 0 : -ENOMEM;
}

void mm_slob_free(struct mm_slab *sl)
{
	if (!sl->slob)
		return;
	for (struct slob_page *sp = sl->slob->oldest, *newer; sp; sp = newer) {
		newer = sp->newer;
		free(sp->free);
		free(sp);
	}
	free(sl->slob);
	sl->slob = NULL;
}

/* Pages of the heap, oldest first; how many objects one could hold is not defined, so objects is 0. */
int mm_slob_pages(const struct mm_slab *sl, int (*fn)(void *arg, const struct mm_slab_page_info *info), void *arg)
{
	int err = 0;

	for (const struct slob_page *sp = sl->slob->oldest; sp && !err; sp = sp->newer)
		err = fn(arg, &(struct mm_slab_page_info){ .pfn = sp->pfn, .inuse = sp->nr_live,
							   .state = sp->listed ? MM_SLAB_PARTIAL : MM_SLAB_FULL });
	return err;
}

void mm_slob_totals(const struct mm_slab *sl, struct mm_slab_totals *t)
{
	const struct slob *slob = sl->slob;

	for (const struct slob_page *sp = slob->oldest; sp; sp = sp->newer)
		t->slab_bytes += (uint64_t)(PAGE_UNITS - sp->units) * UNIT;
	t->live_objects += slob->kmalloc_live;
	t->allocs += slob->kmallocs;
	t->slow_allocs += slob->kmallocs;
	t->frees += slob->kfrees;
	t->slow_frees += slob->kfrees;
	t->failed += slob->failed;
}

static bool page_is_consistent(const struct slob *slob, const struct slob_page *sp)
{
	uint32_t at = 0, nr_free = 0, nr_live = 0, f = 0;

	while (at < PAGE_UNITS) {	/* walk from block to block: no gap, no overlap */
		if (f < sp->nr_free && sp->free[f].start == at) {
			if (!sp->free[f].units || (f && sp->free[f - 1].start + sp->free[f - 1].units == at))
				return false;
			nr_free += sp->free[f].units;
			at += sp->free[f++].units;
		} else {
			if (!bit(sp->live, at))
				return false;
			nr_live++;
			at += extent(sp, at);
		}
	}
	return at == PAGE_UNITS && f == sp->nr_free && nr_free == sp->units && nr_live == sp->nr_live && nr_live &&
	       sp->listed == (nr_free != 0) && (!sp->listed || slob->head[sp->list]);
}

bool mm_slob_is_consistent(const struct mm_slab *sl)
{
	const struct slob *slob = sl->slob;
	uint64_t pages = 0, live = 0, want = slob->kmalloc_live;

	for (const struct slob_page *sp = slob->oldest; sp; sp = sp->newer) {
		if (!page_is_consistent(slob, sp))
			return false;
		live += sp->nr_live;
		pages++;
	}
	for (const struct mm_kmem_cache *s = sl->first; s; s = s->next)
		want += s->size < MM_PAGE_SIZE ? s->live : 0;
	return pages == slob->nr_pages && pages == sl->pages && live == want;
}

const struct slab_ops mm_slob_ops = {
	.create = cache_create, .shutdown = cache_shutdown, .release = cache_release,
	.alloc = cache_alloc, .alloc_node = cache_alloc_node, .free = cache_free, .alloc_bulk = mm_slab_alloc_bulk,
	.free_bulk = mm_slab_free_bulk, .shrink = cache_shrink, .info = cache_info,
};
