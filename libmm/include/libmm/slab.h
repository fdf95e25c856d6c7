/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libmm/slab.h - the slab allocators: caches of equal objects on top of the page allocator
 *
 * Model: Linux 6.6 mm/slab_common.c with mm/slub.c or mm/slab.c below it, or
 * mm/slob.c as it was until 6.3.  Objects are simulated kernel addresses in
 * the direct map; nothing is ever stored in them.
 */
#ifndef LIBMM_SLAB_H
#define LIBMM_SLAB_H

#include <libmm/gfp.h>
#include <libmm/phys.h>
#include <libmm/sysctl.h>
#include <libmm/types.h>

/* The value of the tunable "slab". */
enum mm_slab_kind { MM_SLAB_SLUB, MM_SLAB_SLAB, MM_SLAB_SLOB, MM_NR_SLAB_KINDS };

enum mm_slab_flags {
#define X(name, value) MM_SLAB_##name = value,
#include <libmm/slab_flags.def>
#undef X
};
#define MM_SLAB_DEBUG_FLAGS \
	(MM_SLAB_CONSISTENCY_CHECKS | MM_SLAB_RED_ZONE | MM_SLAB_POISON | MM_SLAB_STORE_USER | MM_SLAB_TRACE)

/* "SLAB_HWCACHE_ALIGN|SLAB_ACCOUNT|ctor" (also without SLAB_, one 0x word); 0 or -EINVAL. */
int mm_slab_flags_parse(struct mm_str text, uint32_t *flags);
void mm_slab_flags_format(struct mm_output *out, uint32_t flags);

#define MM_PAGE_OFFSET	0xffff888000000000u	/* direct map of physical memory, 4-level page tables, no KASLR */

enum {
	MM_KMALLOC_MIN_SIZE = 8,
	MM_KMALLOC_MAX_CACHE_SIZE = 2 * MM_PAGE_SIZE,	/* SLUB; larger ones are whole pages */
	MM_KMALLOC_MAX_SIZE = MM_PAGE_SIZE << MM_MAX_ORDER,
	MM_SLAB_MAX_CACHES = 16384,			/* that one allocator will create */
};

/* ---- tuning: what the kernel takes from its command line and configuration ---- */

struct mm_slab_tuning {
	uint32_t debug;			/* slub_debug= without caches: MM_SLAB_DEBUG_FLAGS for every cache */
	struct mm_str slub_debug;	/* slub_debug= whole when it names caches; not owned */
	bool no_higher_order;		/* its O: no debugging that makes a slab larger */
	bool debug_slab;		/* CONFIG_DEBUG_SLAB: SLAB with red zones and owners wherever they fit */
	bool nomerge;			/* slab_nomerge */
	bool freelist_random;		/* CONFIG_SLAB_FREELIST_RANDOM: seeded by the machine's random numbers */
	bool memcg;			/* CONFIG_MEMCG_KMEM: kmalloc-cg caches; true by default */
	bool nokmem;			/* cgroup.memory=nokmem: they are the plain ones */
	bool random_kmalloc;		/* CONFIG_RANDOM_KMALLOC_CACHES */
	bool hardened_usercopy;		/* caches have usercopy regions, and with one do not merge; true by default */
	bool noaliencache;		/* SLAB: noaliencache */
	bool slab_max_order_given;	/* else a machine of 32 MB or less has 0 */
	uint32_t slub_min_order, slub_max_order, slub_min_objects, slab_max_order;
};

/*
 * What the tunables say; NULL: defaults.  @t->slub_debug points into @sysctls.
 * Source: Linux 6.6 mm/slub.c setup_slub_debug() and the parameters beside it, mm/slab_common.c, mm/slab.c.
 */
void mm_slab_tuning_init(struct mm_slab_tuning *t, const struct mm_sysctls *sysctls);

/* ---- layout: what a cache looks like, without a machine ---------------------- */

struct mm_slab_request {
	enum mm_slab_kind kind;
	uint32_t object_size;		/* bytes asked for, 1 .. MM_KMALLOC_MAX_SIZE */
	uint32_t align;			/* bytes, 0 or a power of two */
	uint32_t flags;			/* enum mm_slab_flags */
	uint32_t nr_cpus;		/* 0: 1 */
	uint32_t fixed_size;		/* slab_size known from a recording; 0: computed */
	uint32_t useroffset, usersize;	/* bytes of an object that may be copied from and to user space */
	struct mm_str name;		/* what slub_debug= goes by */
	const struct mm_slab_tuning *tuning;	/* NULL: a kernel that was told nothing */
};

struct mm_slab_layout {
	uint32_t object_size, align, flags;
	uint32_t slab_size;		/* bytes from one object to the next */
	uint32_t order, objects_per_slab;
	uint32_t min_order, min_objects;	/* of the fallback when no block of @order is free (SLUB) */
	uint32_t min_partial;		/* slabs a node keeps although empty (SLUB) */
	uint32_t cpu_partial;		/* free objects a CPU may keep on its partial list (SLUB) */
	uint32_t cpu_partial_slabs;	/* the same in slabs */
	uint32_t inuse;			/* bytes of the object and its red zone (SLUB) */
	uint32_t offset;		/* of the free pointer (SLUB) */
	uint32_t red_left_pad;		/* bytes before each object (SLUB) */
	uint32_t colour, colour_off;	/* first-object offsets and their step (SLAB) */
	uint32_t freelist_bytes;	/* of the array of free indices (SLAB) */
	uint32_t num_limit, batchcount, shared;	/* of the array caches (SLAB) */
	bool off_slab;			/* the free-index array lies elsewhere (SLAB) */
	uint32_t waste_bytes;		/* of one slab: all that is not objects as asked for */
	uint32_t useroffset, usersize;	/* of the request; of kmalloc all; usersize 0: none, or they lie outside of the object */
};

/**
 * mm_slab_layout_of() - the layout a kernel would give a cache
 *
 * Return: 0, -EINVAL (size 0 or too large, alignment no power of two or too large), -E2BIG (nothing fits).
 * Source: Linux 6.6 mm/slub.c calculate_sizes(), calculate_order(), set_cpu_partial(); mm/slab.c
 * __kmem_cache_create(), calculate_slab_order(); Linux 6.1 mm/slob.c.
 */
int mm_slab_layout_of(struct mm_slab_layout *out, const struct mm_slab_request *req);

/* ---- allocators ---------------------------------------------------------------- */

struct mm_ctx;
struct mm_slab;			/* one allocator with its caches */
struct mm_kmem_cache;

/**
 * mm_slab_new() - start an allocator and create its kmalloc caches
 * @ctx, @phys:	must outlive it
 *
 * It is tuned as the tunables of @ctx say.  Pages are taken when the first object is, as nothing is allocated at boot
 * here.  Return: 0, -EINVAL (@kind) or -ENOMEM.
 */
int mm_slab_new(struct mm_slab **slabp, struct mm_ctx *ctx, struct mm_phys *phys, enum mm_slab_kind kind);
void mm_slab_free(struct mm_slab *slab);	/* NULL is allowed; its pages are not given back */
enum mm_slab_kind mm_slab_kind(const struct mm_slab *slab);

/* Give it another tuning than its context's: the kmalloc caches are made again, other caches keep what they had. */
int mm_slab_tune(struct mm_slab *slab, const struct mm_slab_tuning *tuning);	/* 0, -EBUSY (objects exist), -ENOMEM */

/**
 * mm_kmem_cache_create() - create a cache, or an alias of one that fits
 * @name:	copied
 * @size:	bytes of an object, 1 .. MM_KMALLOC_MAX_SIZE
 * @align:	bytes, 0 or a power of two up to MM_KMALLOC_MAX_SIZE
 * @flags:	enum mm_slab_flags
 *
 * Return: the cache (merged with an older one where 6.6 would), NULL when an
 * argument is out of range, the name is taken, or host memory is short.
 * Source: Linux 6.6 mm/slab_common.c kmem_cache_create_usercopy(), find_mergeable().
 */
struct mm_kmem_cache *mm_kmem_cache_create(struct mm_slab *slab, const char *name,
					   uint32_t size, uint32_t align, uint32_t flags);
/*
 * The same of objects whose bytes [useroffset, useroffset + usersize) may be copied from and to user space: such a cache never
 * merges.  Without hardened_usercopy, and where they are not all within the object, there are none.
 */
struct mm_kmem_cache *mm_kmem_cache_create_usercopy(struct mm_slab *slab, const char *name, uint32_t size,
						    uint32_t align, uint32_t flags,
						    uint32_t useroffset, uint32_t usersize);
/* Drop one name of the cache; the last one frees it. 0, or -EBUSY: objects are left, the cache stays. */
int mm_kmem_cache_destroy(struct mm_slab *slab, struct mm_kmem_cache *s, const char *name);
/* by any of its names; NULL */
struct mm_kmem_cache *mm_kmem_cache_find(const struct mm_slab *slab, struct mm_str name);

#define MM_NUMA_NO_NODE UINT32_MAX	/* the CPU's, and others if it has nothing */
/* Address of a new object, 0 when no page could be had. */
uint64_t mm_kmem_cache_alloc(struct mm_kmem_cache *s, mm_gfp_t gfp);
/*
 * The same, of @node if a page can be had there (with __MM_GFP_THISNODE: or 0).  A node that there is not is none.
 * Source: Linux 6.6 mm/slub.c ___slab_alloc(), mm/slab.c ____cache_alloc_node(), Linux 6.1 mm/slob.c slob_alloc().
 */
uint64_t mm_kmem_cache_alloc_node(struct mm_kmem_cache *s, mm_gfp_t gfp, uint32_t node);
/*
 * Give an object back.  A wrong address, a double free or another cache's object is counted (mm_slab_errors()); of a
 * cache with MM_SLAB_CONSISTENCY_CHECKS (SLAB: debug_slab) a slab_err effect tells it too.
 */
void mm_kmem_cache_free(struct mm_kmem_cache *s, uint64_t obj);
/* All @nr or none: returns @nr or 0 (kmem_cache_alloc_bulk()). */
size_t mm_kmem_cache_alloc_bulk(struct mm_kmem_cache *s, mm_gfp_t gfp, size_t nr, uint64_t *objs);
/* Frees them from the last to the first, a slab at a time; @objs comes back in another order. */
void mm_kmem_cache_free_bulk(struct mm_kmem_cache *s, size_t nr, uint64_t *objs);
/* Give every empty slab back (kmem_cache_shrink()). */
void mm_kmem_cache_shrink(struct mm_kmem_cache *s);
uint64_t mm_slab_shrink_all(struct mm_slab *slab);	/* of every cache; pages given back */
/* SLAB's timer: shrink array caches and free lists of the current CPU a little (cache_reap()). */
void mm_slab_reap(struct mm_slab *slab);

#define MM_ZERO_SIZE_PTR 16u
/*
 * @size bytes; the caller's until mm_kfree().  Address, MM_ZERO_SIZE_PTR for size 0, or 0 (no page, or @size above
 * MM_KMALLOC_MAX_SIZE).  Source: Linux 6.6 mm/slab_common.c __kmalloc().
 */
uint64_t mm_kmalloc(struct mm_slab *slab, uint64_t size, mm_gfp_t gfp);
/* The same of @node, as mm_kmem_cache_alloc_node() takes it. */
uint64_t mm_kmalloc_node(struct mm_slab *slab, uint64_t size, mm_gfp_t gfp, uint32_t node);
void mm_kfree(struct mm_slab *slab, uint64_t obj);	/* 0 and MM_ZERO_SIZE_PTR do nothing */
uint64_t mm_ksize(const struct mm_slab *slab, uint64_t obj);	/* usable bytes; 0: no object */
/* What mm_kmalloc() of @size bytes really gives; @size itself for 0 and above MM_KMALLOC_MAX_SIZE. SLUB and SLAB. */
uint64_t mm_kmalloc_size_roundup(const struct mm_slab *slab, uint64_t size);
/* The cache mm_kmalloc() would use; NULL: whole pages, size 0 or too large. */
struct mm_kmem_cache *mm_kmalloc_slab(struct mm_slab *slab, uint64_t size, mm_gfp_t gfp);

/* ---- looking at it ---------------------------------------------------------------- */

enum mm_slub_stat {
#define X(sym, file) MM_SLUB_##sym,
#include <libmm/slub_stat.def>
#undef X
	MM_NR_SLUB_STATS
};
const char *mm_slub_stat_name(enum mm_slub_stat stat);

struct mm_kmem_cache_info {
	const char *name;		/* of the first creator, the cache's while it lives */
	struct mm_slab_layout layout;
	uint32_t aliases;		/* further names */
	/* as /proc/slabinfo counts them: SLUB counts every object of a slab on a CPU as active */
	uint64_t active_objects;
	uint64_t objects;		/* room */
	uint64_t active_slabs, slabs;
	uint64_t pages;			/* held */
	uint64_t live_objects;		/* really handed out */
	uint64_t allocs, frees, failed;
	uint64_t fast_allocs, fast_frees;	/* that stayed in the CPU's own list */
	uint64_t stat[MM_NR_SLUB_STATS];
};
/* Caches in order of creation; @prev NULL begins; NULL ends. */
struct mm_kmem_cache *mm_kmem_cache_next(const struct mm_slab *slab, const struct mm_kmem_cache *prev);
const char *mm_kmem_cache_alias(const struct mm_kmem_cache *s, uint32_t i);	/* i-th name, 0 the first; NULL */
/*
 * Append what /sys/kernel/slab calls the cache: its name if nothing may merge with it, else ":A-0000192", letters of its
 * flags and its size.  Source: Linux 6.6 mm/slub.c create_unique_id(), sysfs_slab_add().
 */
void mm_kmem_cache_unique_id(const struct mm_kmem_cache *s, struct mm_output *out);
/* How it stands, into @info; looks at each of its slabs. */
void mm_kmem_cache_info(const struct mm_kmem_cache *s, struct mm_kmem_cache_info *info);

enum mm_slab_state { MM_SLAB_ON_CPU, MM_SLAB_CPU_PARTIAL, MM_SLAB_PARTIAL, MM_SLAB_FULL, MM_SLAB_EMPTY };
struct mm_slab_page_info {
	mm_pfn_t pfn;
	uint32_t order, objects, inuse;	/* inuse: objects really handed out */
	enum mm_slab_state state;
	uint32_t cpu, node;		/* cpu: of the first two states */
};
/* Every slab of the cache, oldest first; stops when @fn returns other than 0 and returns that. */
int mm_kmem_cache_slabs(const struct mm_kmem_cache *s, int (*fn)(void *arg, const struct mm_slab_page_info *info),
			void *arg);

struct mm_slab_totals {
	uint64_t pages;			/* held by slabs */
	uint64_t large_pages;		/* held by kmalloc() above the classes */
	uint64_t pages_peak;		/* both, at most */
	uint64_t live_objects;		/* of caches */
	uint64_t object_bytes;		/* of those, as the caches name their size */
	uint64_t slab_bytes;		/* of those, as they lie in slabs */
	uint64_t allocs, frees, slow_allocs, slow_frees, failed;
};
void mm_slab_totals(const struct mm_slab *slab, struct mm_slab_totals *totals);
uint64_t mm_slab_bad_frees(const struct mm_slab *slab);		/* of all kinds below */

/* What may be wrong with a free. */
enum mm_slab_error {
	MM_SLAB_NOT_A_SLAB,		/* no slab, or the middle of a large kmalloc() */
	MM_SLAB_INVALID_POINTER,	/* no object begins there */
	MM_SLAB_ALREADY_FREE,
	MM_SLAB_WRONG_CACHE,		/* the object went into the cache that it is of */
	MM_NR_SLAB_ERRORS
};
uint64_t mm_slab_errors(const struct mm_slab *slab, enum mm_slab_error error);
/* As the kernel's report of a cache under consistency checks says it. */
const char *mm_slab_error_text(const struct mm_slab *slab, enum mm_slab_error error);

bool mm_slab_is_consistent(const struct mm_slab *slab);	/* recounts everything: slow */

#endif /* LIBMM_SLAB_H */
