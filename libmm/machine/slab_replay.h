/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * machine/slab_replay.h - objects of a recording, those of the machine, and the caches that the recording knows
 *
 * A recording tells an object by its pointer and, often, not by its cache:
 * kmem_cache_alloc says only how many bytes were asked for and taken.  So there
 * are recorded caches: one for each name, and one for each pair of sizes that
 * nobody has named yet.  An object moves to the named one when its free tells.
 */
#ifndef MACHINE_SLAB_REPLAY_H
#define MACHINE_SLAB_REPLAY_H

#include <libmm/slab.h>
#include "machine/machine.h"

struct mm_recorded_cache {
	char *name;			/* NULL: not named */
	uint32_t name_len;
	uint32_t object_size, slab_size;	/* as recorded: part of what it is known by; 0 not told */
	struct mm_kmem_cache *cache;	/* ours; NULL: destroyed, or whole pages */
	uint64_t allocs, frees, live;
	bool large;			/* kmalloc() of whole pages */
	bool created;			/* by a cache_create row */
};

struct mm_recorded_object {
	uint64_t recorded;		/* pointer in the recording; 0: the slot is empty */
	uint64_t obj;			/* ours */
	uint32_t size;			/* bytes asked for */
	uint32_t rc;			/* of caches[] */
	struct mm_kmem_cache *cache;	/* where it lies; NULL: from mm_kmalloc(), or destroyed */
	bool freed;			/* kept for a while, as its cache is checked for double frees */
};

enum { MM_PAGE_HINTS = 1 << 14, MM_FREED_KEPT = 1 << 16 };

struct mm_slab_replay {
	struct mm_recorded_object *v;	/* live objects by recorded pointer, open addressing */
	size_t nr, size;
	struct mm_recorded_cache *caches;
	uint32_t nr_caches, cap_caches;
	uint32_t *hash;			/* index + 1 of caches[] by name and sizes */
	uint32_t hash_size;
	/* Which named cache a recorded page was last seen to belong to: learnt at frees that name their cache. */
	struct {
		uint64_t page;
		uint32_t rc;		/* index + 1 */
	} hint[MM_PAGE_HINTS];
	uint64_t requested_bytes;	/* of live objects */
	uint64_t *freed;		/* ring of the pointers freed last that are kept; NULL: none yet */
	uint64_t nr_freed;
	uint64_t *next_reap_ns;		/* SLAB's timer, by CPU; NULL: not started */
	struct {			/* the last GFP words, parsed */
		char text[96];
		size_t len;
		mm_gfp_t gfp;
	} gfp;
};

/* made when first asked for; NULL: host memory */
struct mm_slab_replay *mm_slab_replay_get(struct mm_machine *m);
void mm_slab_replay_free(struct mm_slab_replay *r);

struct mm_recorded_object *mm_recorded_object_find(const struct mm_slab_replay *r, uint64_t recorded);
/* Room for a pointer that is not known; NULL: host memory. */
struct mm_recorded_object *mm_recorded_object_add(struct mm_slab_replay *r, uint64_t recorded);
/* It was freed: tell so for a while instead of forgetting it.  0 or -ENOMEM. */
int mm_recorded_object_keep_freed(struct mm_slab_replay *r, struct mm_recorded_object *o);
void mm_recorded_objects_forget_freed(struct mm_slab_replay *r, const struct mm_kmem_cache *s);	/* of a cache that may go */
void mm_recorded_object_del(struct mm_slab_replay *r, struct mm_recorded_object *o);

/* The recorded cache of this name (empty: none) and sizes; made when it is new. Its index or -ENOMEM. */
long mm_recorded_cache_get(struct mm_slab_replay *r, struct mm_str name, uint32_t object_size, uint32_t slab_size);
/* its index, or -ENOENT */
long mm_recorded_cache_find(const struct mm_slab_replay *r, struct mm_str name, uint32_t object_size,
			    uint32_t slab_size);

#endif /* MACHINE_SLAB_REPLAY_H */
