/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Events of the slab allocators: cache_create, cache_destroy, cache_alloc, cache_free, kmalloc, kfree.
 *
 * An object is known by the pointer of the recording (addr), real or hashed;
 * the machine places its own, whose address becomes the row's result.
 *
 *   alloc of a pointer that is live   the object was freed by a call that was not recorded: it goes first
 *   free of a pointer that is not     counted: it was allocated before the recording began; a double free where the
 *                                     cache is checked (slub_debug=F) and the free before is not too long ago
 *   cache_free that names a cache     the object, and its allocation, are counted for that cache
 *
 * A cache that no row created is made from what the recording tells of it:
 * the bytes asked for (size) and taken (size2) of its objects.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/host_memory.h"
#include "machine/slab_replay.h"
#include "slab/slab.h"

#define REAP_SECOND_NS 1000000000u
enum { MAX_REAPS_AT_ONCE = 64 };
#define KERNEL_HALF 0xffff800000000000u

/* cache_reap() of CPU c is due at whole seconds less 3 jiffies (of 4 ms) for each CPU before it: round_jiffies(). */
static uint64_t first_reap(const struct mm_machine *m, uint32_t cpu)
{
	uint64_t early = (uint64_t)cpu * 3 * MM_JIFFY_NS, now = m->ctx.now_ns;

	return (now + early) / REAP_SECOND_NS * REAP_SECOND_NS + REAP_SECOND_NS - early % REAP_SECOND_NS;
}

/* SLAB's reaper runs every two seconds of trace time on each CPU, one after the other. */
static int reap_if_due(struct mm_machine *m, struct mm_slab_replay *r)
{
	uint32_t cpu = m->ctx.cpu, nr_cpus = m->ctx.nr_cpus;
	uint64_t now = m->ctx.now_ns;

	if (m->slab->kind != MM_SLAB_SLAB || !now)
		return 0;
	if (!r->next_reap_ns) {
		r->next_reap_ns = mm_host_calloc(nr_cpus, sizeof(*r->next_reap_ns));
		if (!r->next_reap_ns)
			return -ENOMEM;
		for (uint32_t c = 0; c < nr_cpus; c++)
			r->next_reap_ns[c] = first_reap(m, c);
	}
	for (int round = 0; round < MAX_REAPS_AT_ONCE; round++)
		for (uint32_t c = nr_cpus; c-- > 0; ) {
			if (r->next_reap_ns[c] > now)
				continue;
			mm_set_cpu(&m->ctx, c);
			m->ctx.now_ns = r->next_reap_ns[c];
			mm_slab_reap(m->slab);
			r->next_reap_ns[c] += 2 * REAP_SECOND_NS;
		}
	for (uint32_t c = 0; c < nr_cpus; c++)		/* after so many nothing is left to reap */
		if (r->next_reap_ns[c] <= now)
			r->next_reap_ns[c] += (now - r->next_reap_ns[c]) / (2 * REAP_SECOND_NS) * 2 * REAP_SECOND_NS + 2 * REAP_SECOND_NS;
	mm_set_cpu(&m->ctx, cpu);
	m->ctx.now_ns = now;
	return 0;
}

/* What every handler needs; *@r NULL: this machine has no slab allocator, the row means nothing to it. */
static int begin(struct mm_machine *m, struct mm_slab_replay **r, struct mm_error *err)
{
	*r = NULL;
	if (!m->slab)
		return 0;
	*r = mm_slab_replay_get(m);
	if (!*r)
		return mm_no_memory(err);
	return reap_if_due(m, *r) ? mm_no_memory(err) : 0;
}

static int parse_gfp(struct mm_slab_replay *r, const struct mm_event *ev, mm_gfp_t *gfp, struct mm_error *err)
{
	*gfp = MM_GFP_KERNEL;
	if (!ev->flags.len)
		return 0;
	if (ev->flags.len == r->gfp.len && !memcmp(ev->flags.p, r->gfp.text, r->gfp.len)) {
		*gfp = r->gfp.gfp;
		return 0;
	}
	if (mm_gfp_parse(ev->flags, gfp))
		return mm_error_set(err, -EINVAL, "%s: expected GFP words, found '%.*s'",
				    mm_event_word((enum mm_event_type)ev->type),
				    (int)(ev->flags.len < 80 ? ev->flags.len : 80),
				    ev->flags.p);
	if (ev->flags.len <= sizeof(r->gfp.text)) {
		memcpy(r->gfp.text, ev->flags.p, ev->flags.len);
		r->gfp.len = ev->flags.len;
		r->gfp.gfp = *gfp;
	}
	return 0;
}

/* The node that the row asks for (offset). */
static uint32_t node_of(struct mm_machine *m, const struct mm_event *ev)
{
	if (!(ev->present & MM_TC_BIT(OFFSET)))
		return MM_NUMA_NO_NODE;
	if (ev->offset < MM_MAX_NODES && m->phys->nodes[ev->offset])
		return (uint32_t)ev->offset;
	mm_machine_note(m, "requests for a node that the machine has not, served by any");
	return MM_NUMA_NO_NODE;
}

/* ---- caches ---- */

/* Flags that explain why objects of @asked bytes take @taken: alignment to cache lines, a pointer behind the object. */
static uint32_t guess_flags(uint32_t asked, uint32_t taken)
{
	if (!taken || taken < asked + 8)
		return 0;
	return taken % 64 == 0 ? MM_SLAB_HWCACHE_ALIGN : MM_SLAB_CTOR;
}

/* The machine's cache for a recorded one that no row created; NULL: impossible sizes, or too many. */
static struct mm_kmem_cache *backing(struct mm_machine *m, struct mm_slab_replay *r, uint32_t rc)
{
	struct mm_recorded_cache *c = &r->caches[rc];
	bool slub = m->slab->kind == MM_SLAB_SLUB;
	struct cache_args args = { .req = { .object_size = c->object_size } };
	char name[300];
	int n = 0;

	if (c->cache)
		return c->cache;
	if (c->name)
		n = snprintf(name, sizeof(name), "%s", c->name);
	if (!n || n >= (int)sizeof(name) || mm_kmem_cache_find(m->slab, (struct mm_str){ name, (size_t)n }))
		n = snprintf(name, sizeof(name), "%.200s:%07u%s%.0u", c->name ? c->name : "", c->slab_size,
			     c->object_size == c->slab_size ? "" : ":",
			     c->object_size == c->slab_size ? 0 : c->object_size);
	args.name = (struct mm_str){ name, (size_t)n };
	args.req.fixed_size = slub ? c->slab_size : 0;
	args.req.flags = slub ? 0 : guess_flags(c->object_size, c->slab_size);
	c->cache = mm_slab_new_cache(m->slab, &args);
	if (c->cache && !c->cache->cookie)
		c->cache->cookie = rc + 1;
	return c->cache;
}

static size_t hint_of(uint64_t recorded)
{
	return mm_hash_slot(recorded >> MM_PAGE_SHIFT, MM_PAGE_HINTS);
}

/* A pointer that is not hashed lies in a page, and a page belongs to one cache. */
static long cache_of_page(const struct mm_slab_replay *r, uint64_t recorded, uint32_t asked, uint32_t taken)
{
	size_t h = hint_of(recorded);
	const struct mm_recorded_cache *c;

	if (recorded < KERNEL_HALF || r->hint[h].page != recorded >> 12 || !r->hint[h].rc)
		return -ENOENT;
	c = &r->caches[r->hint[h].rc - 1];
	return c->object_size == asked && c->slab_size == taken ? (long)r->hint[h].rc - 1 : -ENOENT;
}

/* Which recorded cache a cache_alloc is of; -EINVAL: nothing tells; -ENOMEM. */
static long which_cache(const struct mm_machine *m, struct mm_slab_replay *r, const struct mm_event *ev)
{
	uint32_t asked, taken;
	long rc;

	if (ev->name.len) {
		rc = mm_recorded_cache_find(r, ev->name, 0, 0);
		if (rc >= 0)
			return r->caches[rc].cache ? rc : -EINVAL;
	}
	if (!ev->size || ev->size > MM_KMALLOC_MAX_SIZE || ev->size2 > MM_KMALLOC_MAX_SIZE ||
	    (ev->size2 && ev->size2 < ev->size))
		return -EINVAL;
	if (r->nr_caches >= MM_SLAB_MAX_CACHES || m->slab->nr_caches >= MM_SLAB_MAX_CACHES)
		return -EINVAL;
	asked = (uint32_t)ev->size;
	taken = (uint32_t)ev->size2;
	rc = ev->name.len ? -ENOENT : cache_of_page(r, ev->addr, asked, taken);
	return rc >= 0 ? rc : mm_recorded_cache_get(r, ev->name, asked, taken);
}

/* The recorded cache of one of the machine's own (kmalloc, cache_create). */
static long own_cache(struct mm_slab_replay *r, struct mm_kmem_cache *s)
{
	const char *name;
	long rc;

	if (s->cookie)
		return (long)s->cookie - 1;
	name = mm_kmem_cache_alias(s, 0);
	rc = mm_recorded_cache_get(r, (struct mm_str){ name, strlen(name) }, 0, 0);
	if (rc < 0)
		return rc;
	r->caches[rc].cache = s;
	r->caches[rc].created = true;
	s->cookie = (uint32_t)rc + 1;
	return rc;
}

static long large_cache(struct mm_slab_replay *r)
{
	long rc = mm_recorded_cache_get(r, MM_STR("kmalloc-large"), 0, 0);

	if (rc >= 0)
		r->caches[rc].large = r->caches[rc].created = true;
	return rc;
}

/* More is as wrong as the most there is. */
static uint32_t at_most_u32(uint64_t v) { return v < UINT32_MAX ? (uint32_t)v : UINT32_MAX; }

int mm_ev_cache_create(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	struct mm_slab_replay *r;
	struct mm_kmem_cache *s;
	uint32_t flags = 0;
	char name[256];
	long rc;
	int e = begin(m, &r, err);

	(void)task;
	if (e || !r)
		return e;
	if (!ev->name.len || ev->name.len >= sizeof(name) || memchr(ev->name.p, 0, ev->name.len))
		return mm_error_set(err, -EINVAL, "cache_create: expected a name of 1 to %zu bytes", sizeof(name) - 1);
	if (mm_slab_flags_parse(ev->flags, &flags))
		return mm_error_set(err, -EINVAL, "cache_create: expected SLAB_ words, found '%.*s'",
				    (int)(ev->flags.len < 80 ? ev->flags.len : 80), ev->flags.p);
	memcpy(name, ev->name.p, ev->name.len);
	name[ev->name.len] = 0;
	if (mm_kmem_cache_find(m->slab, ev->name)) {
		mm_event_set_word(ev, "EEXIST", 6);
		return 0;
	}
	s = ev->size > MM_KMALLOC_MAX_SIZE || ev->size2 > MM_KMALLOC_MAX_SIZE ? NULL :
	    mm_kmem_cache_create_usercopy(m->slab, name, (uint32_t)ev->size, (uint32_t)ev->size2, flags,
					  at_most_u32(ev->offset), at_most_u32(ev->addr2));
	if (!s) {
		mm_event_set_word(ev, "EINVAL", 6);
		return 0;
	}
	rc = mm_recorded_cache_get(r, ev->name, 0, 0);
	if (rc < 0)
		return mm_no_memory(err);
	r->caches[rc].cache = s;
	r->caches[rc].created = true;
	if (!s->cookie)
		s->cookie = (uint32_t)rc + 1;
	mm_event_set_result(ev, MM_RESULT_DEC, 0);
	return 0;
}

/* kmem_cache_shrink() of a cache, or of all. */
int mm_ev_cache_shrink(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	struct mm_kmem_cache *s;
	struct mm_slab_replay *r;
	uint64_t before;
	long rc;
	int e = begin(m, &r, err);

	(void)task;
	if (e || !r)
		return e;
	before = m->slab->pages;
	if (!ev->name.len) {
		mm_slab_shrink_all(m->slab);
	} else {
		rc = mm_recorded_cache_find(r, ev->name, 0, 0);
		s = rc >= 0 ? r->caches[rc].cache : mm_kmem_cache_find(m->slab, ev->name);
		if (!s) {
			mm_event_set_word(ev, "ENOENT", 6);
			return 0;
		}
		mm_kmem_cache_shrink(s);
	}
	mm_event_set_result(ev, MM_RESULT_DEC, before - m->slab->pages);
	return 0;
}

int mm_ev_cache_destroy(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	struct mm_slab_replay *r;
	struct mm_recorded_cache *c;
	long rc;
	int e = begin(m, &r, err);

	(void)task;
	if (e || !r)
		return e;
	rc = mm_recorded_cache_find(r, ev->name, 0, 0);
	c = rc >= 0 ? &r->caches[rc] : NULL;
	if (!c || !c->cache || c->cache->boot) {
		mm_event_set_word(ev, "ENOENT", 6);
		return 0;
	}
	mm_recorded_objects_forget_freed(r, c->cache);
	if (c->live || mm_kmem_cache_destroy(m->slab, c->cache, c->name)) {
		mm_event_set_word(ev, "EBUSY", 5);
		return 0;
	}
	c->cache = NULL;
	mm_event_set_result(ev, MM_RESULT_DEC, 0);
	return 0;
}

/* ---- objects ---- */

static bool is_checked(const struct mm_machine *m, const struct mm_kmem_cache *s)
{
	return s && (s->layout.flags & (m->slab->kind == MM_SLAB_SLAB ? MM_SLAB_RED_ZONE : MM_SLAB_CONSISTENCY_CHECKS));
}

/* The object goes back; @recorded_free: by a free of the recording, which counts. */
static int forget(struct mm_machine *m, struct mm_slab_replay *r, struct mm_recorded_object *o, bool recorded_free)
{
	struct mm_recorded_cache *c = &r->caches[o->rc];
	struct mm_kmem_cache *s = o->cache;

	if (!o->obj || o->freed) {
		mm_recorded_object_del(r, o);
		return 0;
	}
	if (!s)
		s = mm_slab_cache_of(m->slab, o->obj);
	if (o->cache)
		mm_kmem_cache_free(o->cache, o->obj);
	else
		mm_kfree(m->slab, o->obj);
	c->live--;
	c->frees += recorded_free;
	r->requested_bytes -= o->size;
	if (recorded_free && is_checked(m, s)) {
		o->cache = s;
		return mm_recorded_object_keep_freed(r, o);
	}
	mm_recorded_object_del(r, o);
	return 0;
}

static void enomem_effect(struct mm_machine *m, const struct mm_event *ev)
{
	struct mm_event *fx = mm_effect(&m->ctx, MM_BY_SLAB, MM_EV_ENOMEM);

	if (!fx)
		return;
	fx->size = ev->size;
	fx->present |= MM_TC_BIT(SIZE);
}

/* Give the recorded pointer of @ev its object @obj (0: there was no page). */
static int remember(struct mm_machine *m, struct mm_slab_replay *r, struct mm_event *ev, uint64_t obj, uint32_t rc,
		    struct mm_kmem_cache *cache, struct mm_error *err)
{
	struct mm_recorded_object *o;

	if (obj) {
		r->caches[rc].allocs++;
		r->caches[rc].live++;
		r->requested_bytes += ev->size;
		mm_event_set_result(ev, MM_RESULT_HEX, obj);
	} else {
		enomem_effect(m, ev);
		mm_event_set_word(ev, "ENOMEM", 6);
	}
	if (!ev->addr)
		return 0;		/* nobody will free it */
	o = mm_recorded_object_add(r, ev->addr);
	if (!o)
		return mm_no_memory(err);
	o->obj = obj;
	o->rc = rc;
	o->cache = cache;
	o->size = (uint32_t)ev->size;
	return 0;
}

/* The recording's call failed, or its pointer is live: then it was freed by a call that was not recorded. */
static bool alloc_failed_there(struct mm_machine *m, struct mm_slab_replay *r, const struct mm_event *ev)
{
	struct mm_recorded_object *o;

	if ((ev->present & MM_TC_BIT(ADDR)) && !ev->addr) {
		mm_machine_note(m, "allocations that failed in the recording");
		return true;
	}
	o = mm_recorded_object_find(r, ev->addr);
	if (o)
		forget(m, r, o, false);		/* is not kept: no memory is needed */
	return false;
}

/* *@rp NULL: there is nothing to do. */
static int begin_alloc(struct mm_machine *m, struct mm_slab_replay **rp, struct mm_event *ev, mm_gfp_t *gfp, struct mm_error *err)
{
	int e = begin(m, rp, err);

	if (!e && *rp && alloc_failed_there(m, *rp, ev))
		*rp = NULL;
	return e || !*rp ? e : parse_gfp(*rp, ev, gfp, err);
}

int mm_ev_cache_alloc(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	struct mm_slab_replay *r;
	struct mm_kmem_cache *s;
	mm_gfp_t gfp;
	long rc;
	int e = begin_alloc(m, &r, ev, &gfp, err);

	(void)task;
	if (e || !r)
		return e;
	rc = which_cache(m, r, ev);
	if (rc == -ENOMEM)
		return mm_no_memory(err);
	s = rc >= 0 ? backing(m, r, (uint32_t)rc) : NULL;
	if (!s) {
		mm_machine_loss(m, "allocations from caches that no row describes");
		return 0;
	}
	if (!ev->size)
		ev->size = s->layout.object_size;
	return remember(m, r, ev, mm_kmem_cache_alloc_node(s, gfp, node_of(m, ev)), (uint32_t)rc, s, err);
}

int mm_ev_kmalloc(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	struct mm_slab_replay *r;
	struct mm_kmem_cache *s;
	uint64_t obj;
	mm_gfp_t gfp;
	long rc;
	int e = begin_alloc(m, &r, ev, &gfp, err);

	(void)task;
	if (e || !r)
		return e;
	if (!(ev->present & MM_TC_BIT(SIZE)))
		return mm_error_set(err, -EINVAL, "kmalloc: expected a size, found none");
	if (!ev->size || ev->size > MM_KMALLOC_MAX_SIZE) {
		if (ev->size)
			mm_event_set_word(ev, "ENOMEM", 6);
		else
			mm_event_set_result(ev, MM_RESULT_HEX, MM_ZERO_SIZE_PTR);
		return 0;
	}
	obj = mm_kmalloc_node(m->slab, ev->size, gfp, node_of(m, ev));
	s = obj ? mm_slab_cache_of(m->slab, obj) : mm_kmalloc_slab(m->slab, ev->size, gfp);
	rc = s ? own_cache(r, s) : large_cache(r);
	return rc < 0 ? mm_no_memory(err) : remember(m, r, ev, obj, (uint32_t)rc, NULL, err);
}

/* The object of a free; NULL: nothing to do, and counted if it was allocated before the recording or is free. */
static struct mm_recorded_object *object_of(struct mm_machine *m, struct mm_slab_replay *r, const struct mm_event *ev)
{
	struct mm_recorded_object *o = mm_recorded_object_find(r, ev->addr);

	if (o && o->freed) {
		mm_machine_loss(m, "double frees, which the checks of the cache found");
		mm_slab_bad_free(m->slab, o->cache, MM_SLAB_ALREADY_FREE, o->obj);
		return NULL;
	}
	if (!o && ev->addr)
		mm_machine_loss(m, "frees of objects that the recording did not allocate");
	return o;
}

/* A free names the cache: the object was of it all along, and so is its page. */
static int move_to_named(struct mm_machine *m, struct mm_slab_replay *r, struct mm_recorded_object *o,
			 struct mm_str name)
{
	struct mm_recorded_cache *from = &r->caches[o->rc];
	long rc;
	size_t h;

	if (from->created) {
		struct mm_kmem_cache *named = mm_kmem_cache_find(m->slab, name);

		if (from->cache && named == from->cache)
			return 0;
		mm_machine_loss(m, "frees into another cache than the object's");
		if (o->obj)
			mm_slab_bad_free(m->slab, is_checked(m, named) ? named : from->cache, MM_SLAB_WRONG_CACHE, o->obj);
		return 0;
	}
	if (r->nr_caches >= MM_SLAB_MAX_CACHES)
		return 0;
	rc = mm_recorded_cache_get(r, name, from->object_size, from->slab_size);
	if (rc < 0)
		return -ENOMEM;
	from = &r->caches[o->rc];
	if ((uint32_t)rc != o->rc && o->obj) {
		from->allocs--;
		from->live--;
		r->caches[rc].allocs++;
		r->caches[rc].live++;
	}
	o->rc = (uint32_t)rc;
	if (o->recorded >= KERNEL_HALF) {
		h = hint_of(o->recorded);
		r->hint[h].page = o->recorded >> 12;
		r->hint[h].rc = (uint32_t)rc + 1;
	}
	return 0;
}

/* @named: of the cache that the row tells, if it tells one. */
static int free_recorded(struct mm_machine *m, const struct mm_event *ev, bool named, struct mm_error *err)
{
	struct mm_recorded_object *o;
	struct mm_slab_replay *r;
	int e = begin(m, &r, err);

	if (e || !r)
		return e;
	o = object_of(m, r, ev);
	if (!o)
		return 0;
	if (named && ev->name.len && move_to_named(m, r, o, ev->name))
		return mm_no_memory(err);
	return forget(m, r, o, true) ? mm_no_memory(err) : 0;
}

int mm_ev_kfree(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	(void)task;
	return free_recorded(m, ev, false, err);
}

int mm_ev_cache_free(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	(void)task;
	return free_recorded(m, ev, true, err);
}
