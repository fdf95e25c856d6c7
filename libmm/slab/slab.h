/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * slab/slab.h - inside the slab floor: caches, slabs, and the table of operations of each allocator
 *
 * A slab is a block of 2^order pages cut into objects.  Its objects exist only
 * as numbers: struct slab keeps one 16-bit link per object, so that a free
 * object costs two host bytes whatever its size.
 *
 *   mm_slab.map[pfn] --> struct slab --> struct mm_kmem_cache --> struct slab_ops
 *      (each page of the block; a tagged order for kmalloc() above the classes)
 */
#ifndef SLAB_SLAB_H
#define SLAB_SLAB_H

#include <libmm/slab.h>
#include "phys/phys.h"

struct slob;

/* SLAB: free objects at hand, last in first out. */
struct array_cache {
	uint32_t avail, limit, batchcount;
	bool touched;
	uint64_t entry[];
};

enum { SLAB_LINK_END = 0xffff, SLAB_LINK_LIVE = 0xfffe };	/* of link[]: last free object, handed out */

/*
 * SLAB_FROZEN: SLUB, it belongs to a CPU, as the slab it takes from or on its partial list.
 * SLAB_BACK: the same, and its first free object waits in the CPU's back_obj.
 */
enum slab_list_id { SLAB_NO_LIST, SLAB_FROZEN, SLAB_LIST_PARTIAL, SLAB_BACK, SLAB_LIST_FULL, SLAB_LIST_FREE, SLAB_LIST_MASK = 7 };

struct slab {
	struct slab *next, *prev;	/* of the list it is on */
	struct slab *older, *newer;	/* all slabs of the cache */
	uint64_t mgmt;			/* SLAB: kmalloc() object with the free indices, 0 none */
	mm_pfn_t pfn;
	uint8_t order, node;
	/* What a free looks at, next to the links. */
	uintptr_t owner;		/* the cache's address + enum slab_list_id: one comparison tells both */
	uint64_t base;			/* address of object 0 */
	uint64_t objects;
	/* Numbers that one call stores and the next loads are 32 bits: 16 pass from store to load slowly on some processors. */
	uint32_t inuse;			/* SLUB: as the kernel counts it; SLAB: active */
	uint32_t freelist;		/* SLUB: first free object, SLAB_LINK_END none */
	uint16_t link[];		/* SLUB: next free object or SLAB_LINK_LIVE; SLAB: free indices, see slab.c */
};

static inline struct mm_kmem_cache *mm_slab_cache(const struct slab *slab)
{
	return (struct mm_kmem_cache *)(slab->owner & ~(uintptr_t)SLAB_LIST_MASK);
}

static inline enum slab_list_id mm_slab_list(const struct slab *slab) { return slab->owner & SLAB_LIST_MASK; }
static inline void mm_slab_set_list(struct slab *slab, enum slab_list_id id)
{
	slab->owner = (slab->owner & ~(uintptr_t)SLAB_LIST_MASK) | id;
}

struct slab_list {
	struct slab *head, *tail;
	uint64_t nr;
};

struct kmem_cache_node {
	struct slab_list partial, full, free;	/* SLUB keeps full only for caches under debug */
	uint64_t nr_slabs, nr_objects;
	/* SLAB only */
	uint64_t free_objects, free_limit;
	uint32_t colour_next;
	bool free_touched;
	uint64_t next_reap_ns;
	struct array_cache *shared;
	struct array_cache **alien;	/* by node; NULL on one node */
};

/* A line a CPU, at hand by mm_slab_here(). */
struct kmem_cache_cpu {
	struct slab *slab;		/* objects are taken from it ... */
	union {
		struct slab *partial;	/* ... then from these */
		struct array_cache *ac;	/* SLAB */
	};
	/*
	 * SLUB: a slab that was full until one object came back, which the next allocation will most often take.
	 * Until then it is not yet on @partial, and the object's link still says that it is handed out.
	 */
	struct slab *back;
	uint64_t back_obj;		/* BACK_OPEN, BACK_CLOSED: none waits, and one may, may not */
	uint32_t freelist;		/* SLUB: the lockless list of @slab */
	uint32_t nr_partial;		/* SLUB: slabs of @partial */
} __attribute__((aligned(MM_CPU_LINE)));
_Static_assert(sizeof(struct kmem_cache_cpu) == MM_CPU_LINE, "cpu_offset finds it");

/* kmem_cache_cpu.back_obj: none waits, and one may or may not; above them the address of the one that does. */
enum { BACK_OPEN, BACK_CLOSED };

/* What an allocator does below the common front end. */
struct slab_ops {
	/* Complete a cache whose layout is computed; 0 or -ENOMEM. */
	int (*create)(struct mm_kmem_cache *s);
	/* Give back what the cache holds; false: objects are left. */
	bool (*shutdown)(struct mm_kmem_cache *s);
	void (*release)(struct mm_kmem_cache *s);	/* host memory only */
	uint64_t (*alloc)(struct mm_kmem_cache *s, mm_gfp_t gfp);
	uint64_t (*alloc_node)(struct mm_kmem_cache *s, mm_gfp_t gfp, uint32_t node);	/* an online one of several */
	void (*free)(struct mm_kmem_cache *s, uint64_t obj);
	size_t (*alloc_bulk)(struct mm_kmem_cache *s, mm_gfp_t gfp, size_t nr, uint64_t *objs);
	void (*free_bulk)(struct mm_kmem_cache *s, size_t nr, uint64_t *objs);
	void (*shrink)(struct mm_kmem_cache *s);
	void (*info)(const struct mm_kmem_cache *s, struct mm_kmem_cache_info *info);
	bool (*is_consistent)(const struct mm_kmem_cache *s);
	/* @cpu: of the states that belong to one */
	enum mm_slab_state (*state)(const struct slab *slab, uint32_t *live, uint32_t *cpu);
};
extern const struct slab_ops mm_slub_ops, mm_slab_ops, mm_slob_ops;
/* alloc_bulk and free_bulk of an allocator that has no shorter way for many.  Source: Linux 6.1 mm/slab_common.c. */
size_t mm_slab_alloc_bulk(struct mm_kmem_cache *s, mm_gfp_t gfp, size_t nr, uint64_t *objs);
void mm_slab_free_bulk(struct mm_kmem_cache *s, size_t nr, uint64_t *objs);

struct mm_kmem_cache {
	/* What mm_kmem_cache_alloc() and mm_kmem_cache_free() call where SLUB's fast paths lead nowhere. */
	uint64_t (*alloc)(struct mm_kmem_cache *s, mm_gfp_t gfp);
	void (*free)(struct mm_kmem_cache *s, uint64_t obj);
	struct mm_ctx *ctx;
	uint64_t size_inverse;		/* of the odd part of the size, modulo 2^64 */
	uint32_t size_shift;		/* the rest of the size */
	const uintptr_t *map;		/* of @slab, at hand; without the fast paths: of one entry, nothing */
	uint64_t map_mask;
	struct mm_slab *slab;
	const struct slab_ops *ops;
	uint64_t stat[MM_NR_SLUB_STATS];	/* as counted: mm_slub_stat() tells what SLUB's are */
	uint64_t bulk_allocs, bulk_frees, failed;
	uint64_t size;			/* slab_size, at hand */
	uint32_t nr_cpus, red_left_pad;
	uint32_t id;			/* 1 .. : in struct mm_page.mapping */
	struct mm_slab_layout layout;
	mm_gfp_t allocflags;
	struct kmem_cache_node *node;	/* by node id */
	uint32_t nr_nodes;
	uint16_t *random_seq;		/* order of a new slab's objects, NULL: ascending */
	uint16_t *links;		/* SLUB: those of a new slab of the full order, ascending; NULL: none was made */
	struct slab *oldest, *newest;
	struct slab *spare;		/* host memory of slabs of the full order that are no more, by @next */
	uint32_t nr_spares;
	uint64_t pages, live;		/* live: SLAB and SLOB count as they go */
	bool boot;			/* a kmalloc cache */
	uint32_t cookie;		/* the machine's: 0 at first */
	char **names;			/* the first is the cache's own */
	uint32_t nr_names, refcount;
	struct mm_kmem_cache *next, *prev;	/* in order of creation */
	struct kmem_cache_cpu cpu[];	/* by CPU */
};

enum kmalloc_type {
	KMALLOC_NORMAL, KMALLOC_RANDOM_END = 15, KMALLOC_CGROUP, KMALLOC_RECLAIM, KMALLOC_DMA, NR_KMALLOC_TYPES
};
enum { KMALLOC_SHIFT_HIGH = MM_PAGE_SHIFT + 1, NR_KMALLOC_INDEX = KMALLOC_SHIFT_HIGH + 1 };

struct name_slot {
	const char *name;		/* owned by the cache; NULL free */
	struct mm_kmem_cache *cache;
};

struct gfp_text {
	mm_gfp_t gfp;
	char *text;
	size_t len;
};
enum { NR_GFP_TEXTS = 64 };

struct mm_slab {
	const struct slab_ops *ops;
	struct mm_ctx *ctx;
	struct mm_phys *phys;
	enum mm_slab_kind kind;
	struct mm_slab_tuning tuning;
	char slub_debug[MM_SLUB_DEBUG_SIZE];	/* tuning.slub_debug */
	uint32_t nr_nodes;
	uintptr_t *map;			/* by page: struct slab *, or order << 1 | 1 of a large kmalloc() */
	uint64_t map_pfns, map_mask;	/* pages there are; number of entries, a power of two, less 1 */
	struct mm_kmem_cache *first, *last;
	uint32_t next_id, nr_caches;
	struct name_slot *names;	/* hash of every cache name */
	uint32_t names_size, nr_names;
	struct mm_kmem_cache *kmalloc_caches[NR_KMALLOC_TYPES][NR_KMALLOC_INDEX];
	struct slob *slob;
	uint64_t pages, large_pages, pages_peak;
	uint64_t large_allocs, large_frees, large_failed;	/* of kmalloc() that went to whole pages */
	uint64_t errors[MM_NR_SLAB_ERRORS];
	uint32_t *reap_node;		/* SLAB: by CPU, whose alien array is drained next */
	struct gfp_text gfp_texts[NR_GFP_TEXTS];	/* for effects */
	uint32_t nr_gfp_texts;
};

static inline uint64_t mm_slab_address(mm_pfn_t pfn) { return MM_PAGE_OFFSET + ((uint64_t)pfn << MM_PAGE_SHIFT); }

/* The map's entry for the page of @obj, whatever its upper bits: 0 nothing, odd a large kmalloc(), else a struct slab. */
static inline uintptr_t *mm_slab_map_entry(const struct mm_slab *sl, uint64_t obj)
{
	return &sl->map[obj >> MM_PAGE_SHIFT & sl->map_mask];
}

static inline uintptr_t mm_slab_lookup(const struct mm_slab *sl, uint64_t obj)
{
	return (obj - MM_PAGE_OFFSET) >> MM_PAGE_SHIFT < sl->map_pfns ? *mm_slab_map_entry(sl, obj) : 0;
}

/* The cache of the slab that @obj lies in; NULL: none (SLOB has no slabs of caches). */
static inline struct mm_kmem_cache *mm_slab_cache_of(const struct mm_slab *sl, uint64_t obj)
{
	uintptr_t m = mm_slab_lookup(sl, obj);

	return m && !(m & 1) && sl->kind != MM_SLAB_SLOB ? mm_slab_cache((const struct slab *)m) : NULL;
}

/*
 * Number of the object that begins @distance bytes behind the first.  Where none does the result is no number of a small
 * one: the odd part of the size divides by its inverse, which is exact or wraps, and the rest of a shift comes out on top.
 */
static inline uint64_t mm_slab_index(const struct mm_kmem_cache *s, uint64_t distance)
{
	uint64_t q = distance * s->size_inverse;

	return q >> s->size_shift | q << (-s->size_shift & 63);
}

/* Number of the object at @obj, or SLAB_LINK_END when no object begins there. */
static inline size_t mm_obj_to_index(const struct mm_kmem_cache *s, const struct slab *slab, uint64_t obj)
{
	uint64_t i = mm_slab_index(s, obj - slab->base);

	return i < slab->objects ? (size_t)i : SLAB_LINK_END;
}

static inline void mm_slab_list_add(struct slab_list *l, struct slab *slab, bool tail)
{
	if (tail) {
		slab->next = NULL;
		slab->prev = l->tail;
		*(l->tail ? &l->tail->next : &l->head) = slab;
		l->tail = slab;
	} else {
		slab->prev = NULL;
		slab->next = l->head;
		*(l->head ? &l->head->prev : &l->tail) = slab;
		l->head = slab;
	}
	l->nr++;
}

static inline void mm_slab_list_del(struct slab_list *l, struct slab *slab)
{
	*(slab->prev ? &slab->prev->next : &l->head) = slab->next;
	*(slab->next ? &slab->next->prev : &l->tail) = slab->prev;
	l->nr--;
}

/* The machine sees to it that the CPU of a row is one it has. */
static inline uint32_t mm_slab_this_cpu(const struct mm_kmem_cache *s) { return s->ctx->cpu; }

/* What that CPU has of the cache: this_cpu_ptr(), without a look at which CPU it is. */
static inline struct kmem_cache_cpu *mm_slab_here(struct mm_kmem_cache *s)
{
	return (struct kmem_cache_cpu *)((char *)s->cpu + s->ctx->cpu_offset);
}

/* numa_mem_id() */
static inline uint32_t mm_slab_cpu_node(const struct mm_kmem_cache *s, uint32_t cpu)
{
	return s->nr_nodes > 1 ? s->slab->phys->cpu_node[cpu] : 0;
}

/* Whether there are several nodes, and @node is one: else a request for it is one for any. */
static inline bool mm_slab_has_nodes(const struct mm_slab *sl, uint32_t node)
{
	return sl->nr_nodes > 1 && node < sl->nr_nodes && sl->phys->nodes[node];
}

/* slab_pages.c: blocks of pages in and out, with accounting, page flags and effects. */
struct slab *mm_slab_alloc_pages(struct mm_kmem_cache *s, mm_gfp_t gfp, uint32_t node, uint32_t order, uint32_t objects,
				 uint32_t nr_links);
void mm_slab_free_pages(struct mm_kmem_cache *s, struct slab *slab);
uint64_t mm_slab_take_large(struct mm_slab *sl, unsigned int order, mm_gfp_t gfp, uint32_t node);
bool mm_slab_give_large(struct mm_slab *sl, uint64_t obj, unsigned int order);
mm_pfn_t mm_slab_take_heap_page(struct mm_slab *sl, mm_gfp_t gfp, uint32_t node, uintptr_t owner);
void mm_slab_give_heap_page(struct mm_slab *sl, mm_pfn_t pfn);

/* slub_layout.c, slab_layout.c */
static inline uint32_t mm_slab_align(uint32_t size, uint32_t align) { return (size + align - 1) & ~(align - 1); }
int mm_slub_layout(struct mm_slab_layout *l, const struct mm_slab_request *req);
int mm_slab_layout(struct mm_slab_layout *l, const struct mm_slab_request *req);
int mm_slob_layout(struct mm_slab_layout *l, const struct mm_slab_request *req);
unsigned int mm_kmalloc_index(uint64_t size, bool slab);	/* class of a size 1 .. MM_KMALLOC_MAX_CACHE_SIZE */
uint32_t mm_kmalloc_class_size(unsigned int index);
unsigned int mm_get_order(uint64_t size);

/* tuning.c */
uint32_t mm_slab_user_flags(const struct mm_slab_tuning *t, enum mm_slab_kind kind, struct mm_str name, uint32_t flags);

/* cache_names.c: which cache has which names */
int mm_slab_name_add(struct mm_kmem_cache *s, struct mm_str name);	/* 0, -EEXIST, -ENOMEM */
void mm_slab_name_del(struct mm_kmem_cache *s, uint32_t i);
void mm_slab_names_free(struct mm_slab *sl);

/* slab_common.c */
struct cache_args {
	struct mm_str name;
	struct mm_slab_request req;	/* kind and nr_cpus are filled in */
	bool boot;			/* a kmalloc cache */
};
struct mm_kmem_cache *mm_slab_new_cache(struct mm_slab *sl, const struct cache_args *args);
bool mm_slab_unmergeable(const struct mm_kmem_cache *s);	/* no other cache may become an alias of it */
void mm_slab_bad_free(struct mm_slab *sl, const struct mm_kmem_cache *s, enum mm_slab_error error, uint64_t obj);
uint64_t mm_slub_stat(const struct mm_kmem_cache *s, enum mm_slub_stat stat);

/* kmalloc.c */
int mm_slab_create_kmalloc_caches(struct mm_slab *sl);

/* kmalloc() of whole pages, counted */
uint64_t mm_kmalloc_pages(struct mm_slab *sl, uint64_t size, mm_gfp_t gfp, uint32_t node);
void mm_kfree_pages(struct mm_slab *sl, uint64_t obj, unsigned int order);

/* slob.c: the heap, and kmalloc() on it */
int mm_slob_new(struct mm_slab *sl);
void mm_slob_free(struct mm_slab *sl);
uint64_t mm_slob_kmalloc(struct mm_slab *sl, uint64_t size, mm_gfp_t gfp, uint32_t node);
void mm_slob_kfree(struct mm_slab *sl, uint64_t obj);
uint64_t mm_slob_ksize(const struct mm_slab *sl, uint64_t obj);
int mm_slob_pages(const struct mm_slab *sl, int (*fn)(void *arg, const struct mm_slab_page_info *info), void *arg);
void mm_slob_totals(const struct mm_slab *sl, struct mm_slab_totals *t);	/* adds to @t */
bool mm_slob_is_consistent(const struct mm_slab *sl);

/* slab_reap.c */
void mm_slab_reap_cache(struct mm_kmem_cache *s, uint32_t cpu, uint32_t reap_node);

#endif /* SLAB_SLAB_H */
