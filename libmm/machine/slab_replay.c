/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the replay of slab events remembers: two open hash tables.
 *
 * Objects are found by their recorded pointer; a removal moves the entries
 * after it up, so that the table holds live objects only and its size follows
 * the workload, not the length of the recording.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/host_memory.h"
#include "machine/slab_replay.h"
#include "slab/slab.h"

struct mm_slab_replay *mm_slab_replay_get(struct mm_machine *m)
{
	if (!m->slab_replay)
		m->slab_replay = mm_host_calloc(1, sizeof(*m->slab_replay));
	return m->slab_replay;
}

void mm_slab_replay_free(struct mm_slab_replay *r)
{
	if (!r)
		return;
	for (uint32_t i = 0; i < r->nr_caches; i++)
		free(r->caches[i].name);
	free(r->caches);
	free(r->hash);
	free(r->v);
	free(r->freed);
	free(r->next_reap_ns);
	free(r);
}

/* ---- objects ---- */

static size_t slot_of(const struct mm_slab_replay *r, uint64_t recorded)
{
	size_t i = mm_hash_slot(recorded, r->size);

	while (r->v[i].recorded && r->v[i].recorded != recorded)
		i = (i + 1) & (r->size - 1);
	return i;
}

struct mm_recorded_object *mm_recorded_object_find(const struct mm_slab_replay *r, uint64_t recorded)
{
	size_t i;

	if (!r->size || !recorded)
		return NULL;
	i = slot_of(r, recorded);
	return r->v[i].recorded ? &r->v[i] : NULL;
}

static int grow_objects(struct mm_slab_replay *r)
{
	struct mm_recorded_object *old = r->v;
	size_t old_size = r->size;
	struct mm_recorded_object *v = mm_host_calloc(old_size ? old_size * 2 : 1024, sizeof(*v));

	if (!v)
		return -ENOMEM;
	r->v = v;
	r->size = old_size ? old_size * 2 : 1024;
	for (size_t i = 0; i < old_size; i++)
		if (old[i].recorded)
			r->v[slot_of(r, old[i].recorded)] = old[i];
	free(old);
	return 0;
}

struct mm_recorded_object *mm_recorded_object_add(struct mm_slab_replay *r, uint64_t recorded)
{
	size_t i;

	if (r->nr * 2 >= r->size && grow_objects(r))
		return NULL;
	i = slot_of(r, recorded);
	r->nr++;
	r->v[i] = (struct mm_recorded_object){ .recorded = recorded };
	return &r->v[i];
}

void mm_recorded_object_del(struct mm_slab_replay *r, struct mm_recorded_object *o)
{
	size_t mask = r->size - 1, i = (size_t)(o - r->v);

	r->nr--;
	r->v[i].recorded = 0;
	for (size_t j = (i + 1) & mask; r->v[j].recorded; j = (j + 1) & mask) {
		struct mm_recorded_object moved = r->v[j];

		r->v[j].recorded = 0;
		r->v[slot_of(r, moved.recorded)] = moved;
	}
}

int mm_recorded_object_keep_freed(struct mm_slab_replay *r, struct mm_recorded_object *o)
{
	uint64_t *place, recorded = o->recorded;

	if (!r->freed)
		r->freed = mm_host_calloc(MM_FREED_KEPT, sizeof(*r->freed));
	if (!r->freed)
		return -ENOMEM;
	o->freed = true;
	place = &r->freed[r->nr_freed++ % MM_FREED_KEPT];
	if (*place) {		/* the oldest is forgotten, unless the pointer came back meanwhile */
		o = mm_recorded_object_find(r, *place);
		if (o && o->freed)
			mm_recorded_object_del(r, o);
	}
	*place = recorded;
	return 0;
}

void mm_recorded_objects_forget_freed(struct mm_slab_replay *r, const struct mm_kmem_cache *s)
{
	for (size_t i = 0; r->freed && i < MM_FREED_KEPT; i++) {
		struct mm_recorded_object *o = mm_recorded_object_find(r, r->freed[i]);

		if (o && o->freed && o->cache == s)
			mm_recorded_object_del(r, o);
	}
}

/* ---- caches ---- */

/* The length, the first and the last eight bytes tell names of caches apart well enough. */
static uint32_t hash_cache(struct mm_str name, uint32_t object_size, uint32_t slab_size)
{
	uint64_t head = 0, tail = 0, h = ((uint64_t)object_size << 32 | slab_size) * 0x9e3779b97f4a7c15u + name.len;

	if (name.len >= 8) {
		memcpy(&head, name.p, 8);
		memcpy(&tail, name.p + name.len - 8, 8);
	} else {
		memcpy(&head, name.p, name.len);
	}
	h = (h ^ head) * 0xff51afd7ed558ccdu;
	h = (h ^ h >> 32 ^ tail) * 0xc4ceb9fe1a85ec53u;
	return (uint32_t)(h >> 32);
}

static struct mm_str name_of(const struct mm_recorded_cache *c)
{
	return (struct mm_str){ c->name ? c->name : "", c->name_len };
}

static uint32_t cache_slot(const struct mm_slab_replay *r, struct mm_str name, uint32_t object_size, uint32_t slab_size)
{
	uint32_t i = hash_cache(name, object_size, slab_size) & (r->hash_size - 1);

	for (; r->hash[i]; i = (i + 1) & (r->hash_size - 1)) {
		const struct mm_recorded_cache *c = &r->caches[r->hash[i] - 1];

		if (c->object_size == object_size && c->slab_size == slab_size && c->name_len == name.len &&
		    (!name.len || !memcmp(c->name, name.p, name.len)))
			break;
	}
	return i;
}

long mm_recorded_cache_find(const struct mm_slab_replay *r, struct mm_str name, uint32_t object_size,
			    uint32_t slab_size)
{
	uint32_t found = r->hash_size ? r->hash[cache_slot(r, name, object_size, slab_size)] : 0;

	return found ? (long)found - 1 : -ENOENT;
}

static int grow_hash(struct mm_slab_replay *r)
{
	uint32_t size = r->hash_size ? r->hash_size * 2 : 256;
	uint32_t *hash = mm_host_calloc(size, sizeof(*hash));

	if (!hash)
		return -ENOMEM;
	free(r->hash);
	r->hash = hash;
	r->hash_size = size;
	for (uint32_t i = 0; i < r->nr_caches; i++) {
		const struct mm_recorded_cache *c = &r->caches[i];

		r->hash[cache_slot(r, name_of(c), c->object_size, c->slab_size)] = i + 1;
	}
	return 0;
}

long mm_recorded_cache_get(struct mm_slab_replay *r, struct mm_str name, uint32_t object_size, uint32_t slab_size)
{
	long found = mm_recorded_cache_find(r, name, object_size, slab_size);
	struct mm_recorded_cache *v;
	char *copy = NULL;

	if (found >= 0)
		return found;
	if (r->nr_caches * 2 >= r->hash_size && grow_hash(r))
		return -ENOMEM;
	if (r->nr_caches == r->cap_caches) {
		uint32_t cap = r->cap_caches ? r->cap_caches * 2 : 128;

		v = mm_host_realloc(r->caches, cap * sizeof(*v));
		if (!v)
			return -ENOMEM;
		r->caches = v;
		r->cap_caches = cap;
	}
	if (name.len && !(copy = mm_host_malloc(name.len + 1)))
		return -ENOMEM;
	if (copy)
		memcpy(copy, name.p, name.len);
	if (copy)
		copy[name.len] = 0;
	r->caches[r->nr_caches] = (struct mm_recorded_cache){ .name = copy, .name_len = (uint32_t)name.len,
		.object_size = object_size, .slab_size = slab_size };
	r->hash[cache_slot(r, name, object_size, slab_size)] = ++r->nr_caches;
	return (long)r->nr_caches - 1;
}

int mm_machine_slab_use(struct mm_machine *m, struct mm_slab_use *use)
{
	struct mm_slab_totals t;
	int e = mm_machine_start(m, NULL);

	if (e)
		return e;
	if (!m->slab)
		return -EINVAL;
	if (!mm_slab_replay_get(m))
		return -ENOMEM;
	mm_slab_totals(m->slab, &t);
	*use = (struct mm_slab_use){
		.pages = t.pages + t.large_pages, .pages_peak = t.pages_peak,
		.requested_bytes = m->slab_replay->requested_bytes,
		.laid_out_bytes = t.slab_bytes + t.large_pages * MM_PAGE_SIZE, .allocs = t.allocs, .frees = t.frees,
		.slow_allocs = t.slow_allocs, .slow_frees = t.slow_frees, .failed = t.failed,
		.live_objects = t.live_objects + m->slab->large_allocs - m->slab->large_frees,
	};
	return 0;
}
