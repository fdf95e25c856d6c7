/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The front end of caches: create, merge, destroy, and calls into the allocator.
 *
 * A new cache whose objects would fit an older one without losing a word
 * becomes an alias of it, unless either is special (constructor, debugging,
 * RCU, a usercopy region) or they differ in reclaim, DMA or cgroup accounting.
 *
 * Left out: the kernel's own objects for caches and nodes (kmem_cache,
 * kmem_cache_node), vectors of cgroup pointers beside slabs, CPU hotplug.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/host_memory.h"
#include "slab/slab.h"

#define SLAB_NEVER_MERGE \
	(MM_SLAB_RED_ZONE | MM_SLAB_POISON | MM_SLAB_STORE_USER | MM_SLAB_TRACE | MM_SLAB_TYPESAFE_BY_RCU | \
	 MM_SLAB_NOLEAKTRACE | MM_SLAB_NO_MERGE | MM_SLAB_CTOR)
#define SLAB_MERGE_SAME (MM_SLAB_RECLAIM_ACCOUNT | MM_SLAB_CACHE_DMA | MM_SLAB_CACHE_DMA32 | MM_SLAB_ACCOUNT)

/* SLAB_FLAGS_PERMITTED */
static const uint32_t flags_permitted = 0
#define X(name, value) | value
#include <libmm/slab_flags.def>
#undef X
	;

/* CACHE_CREATE_MASK: what an allocator does not know is taken off. */
static uint32_t create_mask(const struct mm_slab *sl)
{
	uint32_t core = MM_SLAB_HWCACHE_ALIGN | MM_SLAB_CACHE_DMA | MM_SLAB_CACHE_DMA32 | MM_SLAB_PANIC | MM_SLAB_TYPESAFE_BY_RCU |
			MM_SLAB_NOLEAKTRACE | MM_SLAB_CTOR;
	uint32_t both = MM_SLAB_RECLAIM_ACCOUNT | MM_SLAB_ACCOUNT | MM_SLAB_NO_MERGE;

	switch (sl->kind) {
	case MM_SLAB_SLOB:
		return core;
	case MM_SLAB_SLAB:
		return core | both | MM_SLAB_MEM_SPREAD |
		       (sl->tuning.debug_slab ? MM_SLAB_RED_ZONE | MM_SLAB_POISON | MM_SLAB_STORE_USER : 0);
	default:
		return core | both | MM_SLAB_DEBUG_FLAGS | MM_SLAB_NO_USER_FLAGS | MM_SLAB_KMALLOC;
	}
}

static const struct slab_ops *const all_ops[MM_NR_SLAB_KINDS] = {
	[MM_SLAB_SLUB] = &mm_slub_ops, [MM_SLAB_SLAB] = &mm_slab_ops, [MM_SLAB_SLOB] = &mm_slob_ops,
};

static int init_random_seq(struct mm_kmem_cache *s)
{
	uint32_t count = s->layout.objects_per_slab;

	if (!s->slab->tuning.freelist_random || count < 2 || s->slab->kind == MM_SLAB_SLOB)
		return 0;
	s->random_seq = mm_host_malloc(count * sizeof(s->random_seq[0]));
	if (!s->random_seq)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++)
		s->random_seq[i] = (uint16_t)i;
	for (uint32_t i = count - 1; i > 0; i--) {
		uint32_t j = (uint32_t)mm_rng_below(&s->ctx->rng, i + 1);
		uint16_t t = s->random_seq[i];

		s->random_seq[i] = s->random_seq[j];
		s->random_seq[j] = t;
	}
	return 0;
}

static void set_allocflags(struct mm_kmem_cache *s)
{
	uint32_t flags = s->layout.flags;

	s->allocflags = s->layout.order ? __MM_GFP_COMP : 0;
	if (flags & MM_SLAB_CACHE_DMA)
		s->allocflags |= MM_GFP_DMA;
	if (flags & MM_SLAB_CACHE_DMA32)
		s->allocflags |= MM_GFP_DMA32;
	if (flags & MM_SLAB_RECLAIM_ACCOUNT)
		s->allocflags |= __MM_GFP_RECLAIMABLE;
}

static void unlink_cache(struct mm_kmem_cache *s)
{
	struct mm_slab *sl = s->slab;

	*(s->prev ? &s->prev->next : &sl->first) = s->next;
	*(s->next ? &s->next->prev : &sl->last) = s->prev;
	sl->nr_caches--;
}

/* Forget the cache; its slabs, if any are left, lose their host memory only. */
static void release_cache(struct mm_kmem_cache *s)
{
	while (s->nr_names)
		mm_slab_name_del(s, s->nr_names - 1);
	free(s->names);
	for (struct slab *slab = s->oldest, *newer; slab; slab = newer) {
		newer = slab->newer;
		free(slab);
	}
	for (struct slab *slab = s->spare, *next; slab; slab = next) {
		next = slab->next;
		free(slab);
	}
	s->ops->release(s);
	free(s);
}

static const uintptr_t no_map;

/* Division by the size. */
static void set_hot(struct mm_kmem_cache *s)
{
	uint64_t odd;

	s->size = s->layout.slab_size;
	s->size_shift = (uint32_t)__builtin_ctzll(s->size);
	odd = s->size_inverse = s->size >> s->size_shift;	/* its own inverse in the lowest three bits; each step doubles them */
	for (int bits = 3; bits < 64; bits *= 2)
		s->size_inverse *= 2 - odd * s->size_inverse;
}

/* A cache that is no alias; NULL: bad layout, too many caches, name taken, host memory. */
struct mm_kmem_cache *mm_slab_new_cache(struct mm_slab *sl, const struct cache_args *args)
{
	struct mm_slab_request req = args->req;
	uint32_t nr_cpus = sl->ctx->nr_cpus ? sl->ctx->nr_cpus : 1;
	struct mm_kmem_cache *s;

	req.kind = sl->kind;
	req.nr_cpus = sl->ctx->nr_cpus;
	req.name = args->name;
	req.tuning = &sl->tuning;
	if (sl->nr_caches >= MM_SLAB_MAX_CACHES || !args->name.len)
		return NULL;
	s = mm_host_aligned_alloc(MM_CPU_LINE, sizeof(*s) + nr_cpus * sizeof(s->cpu[0]));
	if (!s)
		return NULL;
	*s = (struct mm_kmem_cache){ .ops = sl->ops, .alloc = sl->ops->alloc, .free = sl->ops->free, .ctx = sl->ctx,
		.map = &no_map, .slab = sl, .id = ++sl->next_id, .refcount = 1,
				     .nr_cpus = nr_cpus, .nr_nodes = sl->nr_nodes,
				     .boot = args->boot };
	for (uint32_t cpu = 0; cpu < nr_cpus; cpu++)
		s->cpu[cpu] = (struct kmem_cache_cpu){ .freelist = SLAB_LINK_END, .back_obj = BACK_CLOSED };
	if (mm_slab_layout_of(&s->layout, &req))
		goto fail;
	set_allocflags(s);
	set_hot(s);
	s->node = mm_host_calloc(s->nr_nodes, sizeof(*s->node));
	if (!s->node || init_random_seq(s) || s->ops->create(s) || mm_slab_name_add(s, args->name))
		goto fail;
	s->prev = sl->last;
	*(sl->last ? &sl->last->next : &sl->first) = s;
	sl->last = s;
	sl->nr_caches++;
	return s;
fail:
	release_cache(s);
	return NULL;
}

bool mm_slab_unmergeable(const struct mm_kmem_cache *s)
{
	return s->slab->tuning.nomerge || (s->layout.flags & SLAB_NEVER_MERGE) ||
	       s->layout.usersize || s->refcount == 0;
}

/* The oldest cache that could hold these objects too; NULL: none. */
static struct mm_kmem_cache *find_mergeable(struct mm_slab *sl, const struct mm_slab_request *req)
{
	struct mm_slab_request own = *req;
	struct mm_slab_layout l;
	uint32_t size, align;

	if (sl->kind == MM_SLAB_SLOB || sl->tuning.nomerge ||
	    (mm_slab_user_flags(&sl->tuning, sl->kind, req->name, req->flags) & SLAB_NEVER_MERGE))
		return NULL;
	own.kind = MM_SLAB_SLOB;	/* asked for the alignment alone */
	if (mm_slab_layout_of(&l, &own))
		return NULL;
	align = (l.align + 7) & ~7u;
	size = (((req->object_size + 7) & ~7u) + align - 1) & ~(align - 1);
	for (struct mm_kmem_cache *s = sl->first; s; s = s->next) {
		if (mm_slab_unmergeable(s) || size > s->size || ((req->flags ^ s->layout.flags) & SLAB_MERGE_SAME))
			continue;
		if ((s->size & (align - 1)) || s->size - size >= sizeof(void *))
			continue;
		if (sl->kind == MM_SLAB_SLAB && (align > s->layout.align || s->layout.align % align))
			continue;
		return s;
	}
	return NULL;
}

struct mm_kmem_cache *mm_kmem_cache_create_usercopy(struct mm_slab *sl, const char *name, uint32_t size, uint32_t align,
						    uint32_t flags, uint32_t useroffset, uint32_t usersize)
{
	struct cache_args args = { .name = { name, strlen(name) },
				   .req = { .kind = sl->kind, .object_size = size, .align = align, .flags = flags & create_mask(sl),
					    .name = { name, strlen(name) }, .tuning = &sl->tuning,
					    .useroffset = useroffset, .usersize = usersize } };
	struct mm_kmem_cache *s;

	if (!size || size > MM_KMALLOC_MAX_SIZE || (align & (align - 1)) || align > MM_KMALLOC_MAX_SIZE ||
	    !args.name.len || (flags & ~flags_permitted) || mm_kmem_cache_find(sl, args.name))
		return NULL;
	if (!sl->tuning.hardened_usercopy || size < usersize || size - usersize < useroffset)
		usersize = 0;
	s = usersize ? NULL : find_mergeable(sl, &args.req);
	if (!s)
		return mm_slab_new_cache(sl, &args);
	if (mm_slab_name_add(s, args.name))
		return NULL;
	s->refcount++;
	if (s->layout.object_size < size)
		s->layout.object_size = size;
	if (s->layout.inuse < ((size + 7) & ~7u))
		s->layout.inuse = (size + 7) & ~7u;
	return s;
}

struct mm_kmem_cache *mm_kmem_cache_create(struct mm_slab *sl, const char *name, uint32_t size, uint32_t align,
					   uint32_t flags)
{
	return mm_kmem_cache_create_usercopy(sl, name, size, align, flags, 0, 0);
}

/* A merged cache keeps its first name to the end, as the kernel does. */
int mm_kmem_cache_destroy(struct mm_slab *sl, struct mm_kmem_cache *s, const char *name)
{
	(void)sl;
	if (s->refcount > 1) {
		s->refcount--;
		for (uint32_t i = 1; i < s->nr_names; i++)
			if (!strcmp(s->names[i], name)) {
				mm_slab_name_del(s, i);
				break;
			}
		return 0;
	}
	if (!s->ops->shutdown(s))
		return -EBUSY;
	unlink_cache(s);
	release_cache(s);
	return 0;
}

/* ---- the allocator ---- */

/* The map from page to slab costs host memory only where slabs are. */
static int new_map(struct mm_slab *sl)
{
	sl->map_pfns = sl->phys->max_pfn;
	while (sl->map_mask + 1 < sl->map_pfns)
		sl->map_mask = sl->map_mask * 2 + 1;
	sl->map = mm_host_map((size_t)(sl->map_mask + 1) * sizeof(sl->map[0]));
	return sl->map ? 0 : -ENOMEM;
}

/* A copy, for the tunables that it was made of may change. */
static void set_tuning(struct mm_slab *sl, const struct mm_slab_tuning *tuning)
{
	struct mm_str *text = &sl->tuning.slub_debug;

	sl->tuning = *tuning;
	if (text->len > sizeof(sl->slub_debug))
		text->len = sizeof(sl->slub_debug);
	if (text->len)
		memmove(sl->slub_debug, text->p, text->len);
	text->p = sl->slub_debug;
	if (!tuning->slab_max_order_given)	/* SLAB_MAX_ORDER_LO, SLAB_MAX_ORDER_HI */
		sl->tuning.slab_max_order = sl->phys->totalram_pages > (32u << 20) >> MM_PAGE_SHIFT;
}

int mm_slab_new(struct mm_slab **slabp, struct mm_ctx *ctx, struct mm_phys *phys, enum mm_slab_kind kind)
{
	struct mm_slab_tuning tuning;
	struct mm_slab *sl;

	if ((unsigned int)kind >= MM_NR_SLAB_KINDS)
		return -EINVAL;
	sl = mm_host_calloc(1, sizeof(*sl));
	if (!sl)
		return -ENOMEM;
	*sl = (struct mm_slab){ .ops = all_ops[kind], .ctx = ctx, .phys = phys, .kind = kind, .nr_nodes = 1 };
	mm_slab_tuning_init(&tuning, &ctx->sysctl);
	set_tuning(sl, &tuning);
	for (uint32_t i = 0; i < MM_MAX_NODES; i++)
		if (phys->nodes[i])
			sl->nr_nodes = i + 1;
	sl->reap_node = mm_host_calloc(ctx->nr_cpus ? ctx->nr_cpus : 1, sizeof(*sl->reap_node));
	for (uint32_t cpu = 0; sl->reap_node && sl->nr_nodes > 1 && cpu < ctx->nr_cpus; cpu++)	/* init_reap_node() */
		sl->reap_node[cpu] = (phys->cpu_node[cpu] + 1) % sl->nr_nodes;
	if (!sl->reap_node || new_map(sl) || (kind == MM_SLAB_SLOB && mm_slob_new(sl)) || mm_slab_create_kmalloc_caches(sl)) {
		mm_slab_free(sl);
		return -ENOMEM;
	}
	*slabp = sl;
	return 0;
}

void mm_slab_free(struct mm_slab *sl)
{
	if (!sl)
		return;
	mm_slob_free(sl);
	while (sl->first) {
		struct mm_kmem_cache *s = sl->first;

		unlink_cache(s);
		release_cache(s);
	}
	mm_slab_names_free(sl);
	free(sl->reap_node);
	if (sl->map)
		munmap(sl->map, (size_t)(sl->map_mask + 1) * sizeof(sl->map[0]));
	for (uint32_t i = 0; i < NR_GFP_TEXTS; i++)
		free(sl->gfp_texts[i].text);
	free(sl);
}

enum mm_slab_kind mm_slab_kind(const struct mm_slab *sl) { return sl->kind; }

int mm_slab_tune(struct mm_slab *sl, const struct mm_slab_tuning *tuning)
{
	if (sl->pages || sl->large_pages)
		return -EBUSY;
	for (struct mm_kmem_cache *s = sl->first, *next; s; s = next) {
		next = s->next;
		if (!s->boot)
			continue;
		unlink_cache(s);
		release_cache(s);
	}
	memset(sl->kmalloc_caches, 0, sizeof(sl->kmalloc_caches));
	set_tuning(sl, tuning);
	return mm_slab_create_kmalloc_caches(sl);
}

/* ---- objects: straight to the allocator (single ones: slub.c, slub_free.c) ---- */

uint64_t mm_kmem_cache_alloc_node(struct mm_kmem_cache *s, mm_gfp_t gfp, uint32_t node)
{
	return node != MM_NUMA_NO_NODE && mm_slab_has_nodes(s->slab, node) ? s->ops->alloc_node(s, gfp, node)
		: mm_kmem_cache_alloc(s, gfp);
}

size_t mm_slab_alloc_bulk(struct mm_kmem_cache *s, mm_gfp_t gfp, size_t nr, uint64_t *objs)
{
	for (size_t i = 0; i < nr; i++) {
		objs[i] = s->ops->alloc(s, gfp);
		if (!objs[i]) {
			s->ops->free_bulk(s, i, objs);
			return 0;
		}
	}
	return nr;
}

void mm_slab_free_bulk(struct mm_kmem_cache *s, size_t nr, uint64_t *objs)
{
	for (size_t i = 0; i < nr; i++)
		s->ops->free(s, objs[i]);
}

size_t mm_kmem_cache_alloc_bulk(struct mm_kmem_cache *s, mm_gfp_t gfp, size_t nr, uint64_t *objs)
{
	return s->ops->alloc_bulk(s, gfp, nr, objs);
}

void mm_kmem_cache_free_bulk(struct mm_kmem_cache *s, size_t nr, uint64_t *objs) { s->ops->free_bulk(s, nr, objs); }
void mm_kmem_cache_shrink(struct mm_kmem_cache *s) { s->ops->shrink(s); }

uint64_t mm_slab_shrink_all(struct mm_slab *sl)
{
	uint64_t before = sl->pages;

	for (struct mm_kmem_cache *s = sl->first; s; s = s->next)
		s->ops->shrink(s);
	return before - sl->pages;
}

void mm_slab_reap(struct mm_slab *sl)
{
	if (sl->kind != MM_SLAB_SLAB)
		return;
	for (struct mm_kmem_cache *s = sl->last; s; s = s->prev)	/* the kernel's list begins with the newest */
		mm_slab_reap_cache(s, mm_slab_this_cpu(s), sl->reap_node[sl->ctx->cpu]);
	if (++sl->reap_node[sl->ctx->cpu] >= sl->nr_nodes)
		sl->reap_node[sl->ctx->cpu] = 0;
}

/* ---- looking at it ---- */

static const char *const stat_names[MM_NR_SLUB_STATS] = {
#define X(sym, file) [MM_SLUB_##sym] = #file,
#include <libmm/slub_stat.def>
#undef X
};
const char *mm_slub_stat_name(enum mm_slub_stat stat) { return stat_names[stat]; }

/*
 * SLUB counts the paths that it takes most often once, where the kernel counts each step of them: an allocation from the
 * CPU's partial list leaves the full slab (where there is none, the counter goes down), takes a slab and all its objects.
 */
uint64_t mm_slub_stat(const struct mm_kmem_cache *s, enum mm_slub_stat stat)
{
	switch (stat) {
	case MM_SLUB_ALLOC_SLOWPATH:
	case MM_SLUB_ALLOC_REFILL:
	case MM_SLUB_DEACTIVATE_BYPASS:
		return s->stat[stat] + s->stat[MM_SLUB_CPU_PARTIAL_ALLOC];
	case MM_SLUB_FREE_SLOWPATH:
		return s->stat[stat] + s->stat[MM_SLUB_CPU_PARTIAL_FREE] + s->stat[MM_SLUB_FREE_FROZEN];
	default:
		return s->stat[stat];
	}
}

struct mm_kmem_cache *mm_kmem_cache_next(const struct mm_slab *sl, const struct mm_kmem_cache *prev)
{
	return prev ? prev->next : sl->first;
}

void mm_kmem_cache_info(const struct mm_kmem_cache *s, struct mm_kmem_cache_info *info)
{
	*info = (struct mm_kmem_cache_info){ .name = s->names[0], .layout = s->layout, .aliases = s->nr_names - 1,
					     .pages = s->pages, .failed = s->failed };
	for (int i = 0; i < MM_NR_SLUB_STATS; i++)
		info->stat[i] = mm_slub_stat(s, (enum mm_slub_stat)i);
	s->ops->info(s, info);
}

int mm_kmem_cache_slabs(const struct mm_kmem_cache *s, int (*fn)(void *arg, const struct mm_slab_page_info *info),
			void *arg)
{
	for (const struct slab *slab = s->oldest; slab; slab = slab->newer) {
		struct mm_slab_page_info info = { .pfn = slab->pfn, .order = slab->order, .objects = (uint32_t)slab->objects,
						  .node = slab->node };
		int err;

		info.state = s->ops->state(slab, &info.inuse, &info.cpu);
		err = fn(arg, &info);
		if (err)
			return err;
	}
	return 0;
}

void mm_slab_totals(const struct mm_slab *sl, struct mm_slab_totals *t)
{
	*t = (struct mm_slab_totals){ .pages = sl->pages, .large_pages = sl->large_pages, .pages_peak = sl->pages_peak,
				      .allocs = sl->large_allocs, .frees = sl->large_frees, .failed = sl->large_failed,
				      .slow_allocs = sl->large_allocs, .slow_frees = sl->large_frees };
	for (const struct mm_kmem_cache *s = sl->first; s; s = s->next) {
		struct mm_kmem_cache_info i;

		mm_kmem_cache_info(s, &i);
		t->live_objects += i.live_objects;
		t->object_bytes += i.live_objects * i.layout.object_size;
		t->slab_bytes += sl->kind == MM_SLAB_SLOB ? 0 : i.live_objects * i.layout.slab_size;
		t->allocs += i.allocs;
		t->frees += i.frees;
		t->failed += i.failed;
		t->slow_allocs += i.allocs - i.fast_allocs;
		t->slow_frees += i.frees - i.fast_frees;
	}
	if (sl->kind == MM_SLAB_SLOB)
		mm_slob_totals(sl, t);
}

/* ---- wrong frees ---- */

static const char *const error_texts[MM_NR_SLAB_ERRORS] = {
	[MM_SLAB_NOT_A_SLAB] = "Object is not a Slab page!", [MM_SLAB_INVALID_POINTER] = "Invalid object pointer",
	[MM_SLAB_ALREADY_FREE] = "Object already free", [MM_SLAB_WRONG_CACHE] = "Wrong slab cache",
};

const char *mm_slab_error_text(const struct mm_slab *sl, enum mm_slab_error error)
{
	return sl->kind == MM_SLAB_SLAB && error == MM_SLAB_ALREADY_FREE ? "double free detected" : error_texts[error];
}

uint64_t mm_slab_errors(const struct mm_slab *sl, enum mm_slab_error error) { return sl->errors[error]; }

uint64_t mm_slab_bad_frees(const struct mm_slab *sl)
{
	uint64_t n = 0;

	for (int i = 0; i < MM_NR_SLAB_ERRORS; i++)
		n += sl->errors[i];
	return n;
}

/**
 * mm_slab_bad_free() - count a free that is wrong, and tell it if the cache is checked
 * @s:	the cache that was named, NULL: kfree() of what no cache holds
 *
 * Source: Linux 6.6 mm/slub.c free_consistency_checks(), cache_from_obj(), mm/slab.c verify_redzone_free().
 */
void mm_slab_bad_free(struct mm_slab *sl, const struct mm_kmem_cache *s, enum mm_slab_error error, uint64_t obj)
{
	bool checked = s && (s->layout.flags & (sl->kind == MM_SLAB_SLAB ? MM_SLAB_RED_ZONE : MM_SLAB_CONSISTENCY_CHECKS));
	struct mm_event *ev = checked ? mm_effect(sl->ctx, MM_BY_SLAB, MM_EV_SLAB_ERR) : NULL;
	const char *text = mm_slab_error_text(sl, error);

	sl->errors[error]++;
	if (!ev)
		return;
	ev->addr = obj;
	ev->name = (struct mm_str){ s->names[0], strlen(s->names[0]) };
	ev->present |= MM_TC_BIT(ADDR) | MM_TC_BIT(NAME);
	mm_event_set_word(ev, text, strlen(text));
}

bool mm_slab_is_consistent(const struct mm_slab *sl)
{
	uint64_t pages = 0;

	if (sl->kind == MM_SLAB_SLOB)
		return mm_slob_is_consistent(sl);
	for (const struct mm_kmem_cache *s = sl->first; s; s = s->next) {
		if (!s->ops->is_consistent(s))
			return false;
		pages += s->pages;
	}
	return pages == sl->pages;
}
