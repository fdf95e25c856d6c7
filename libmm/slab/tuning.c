/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the kernel's command line and configuration say to the slab allocators.
 *
 *   slub_debug = block ; block ...		block = LETTERS [, CACHE, CACHE ...]
 *
 * A block without caches is for all caches, and the last such counts; a cache
 * that a block names has that block's checks alone, and the first such counts.
 * A name ends in * to mean all that begin so.
 *
 * Deviation: A (failslab) changes nothing, as CONFIG_FAILSLAB is off.
 */
#include <string.h>

#include "base/str.h"
#include "slab/slab.h"

#define DEBUG_DEFAULT_FLAGS (MM_SLAB_CONSISTENCY_CHECKS | MM_SLAB_RED_ZONE | MM_SLAB_POISON | MM_SLAB_STORE_USER)

struct debug_block {
	uint32_t flags;
	bool no_higher_order;		/* O */
	bool has_list;
	struct mm_str list;
};

static bool next_block(struct mm_str *s, struct debug_block *b)
{
	while (s->len && *s->p == ';')
		*s = (struct mm_str){ s->p + 1, s->len - 1 };
	if (!s->len)
		return false;
	*b = (struct debug_block){ .flags = *s->p == ',' ? DEBUG_DEFAULT_FLAGS : 0 };
	for (; s->len && *s->p != ',' && *s->p != ';'; s->p++, s->len--)
		switch (*s->p | 0x20) {
		case '-': b->flags = 0; break;
		case 'f': b->flags |= MM_SLAB_CONSISTENCY_CHECKS; break;
		case 'z': b->flags |= MM_SLAB_RED_ZONE; break;
		case 'p': b->flags |= MM_SLAB_POISON; break;
		case 'u': b->flags |= MM_SLAB_STORE_USER; break;
		case 't': b->flags |= MM_SLAB_TRACE; break;
		case 'o': b->no_higher_order = true; break;
		default: break;
		}
	if (!s->len || *s->p == ';')
		return true;
	b->has_list = true;
	b->list.p = ++s->p;
	for (s->len--; s->len && *s->p != ';'; s->p++, s->len--)
		b->list.len++;
	return true;
}

/* One of the list's words is the name, or its beginning and a *. */
static bool list_names(struct mm_str list, struct mm_str name)
{
	struct mm_str word;

	while (mm_next_item(&list, ',', &word)) {
		const char *glob = word.len ? memchr(word.p, '*', word.len) : NULL;

		if (glob)
			word.len = (size_t)(glob - word.p);
		if ((glob ? name.len >= word.len : name.len == word.len) && !memcmp(name.p, word.p, word.len))
			return true;
	}
	return false;
}

void mm_slab_tuning_init(struct mm_slab_tuning *t, const struct mm_sysctls *s)
{
	struct debug_block b;
	struct mm_str text;
	bool listed = false;

	*t = (struct mm_slab_tuning){ .memcg = true, .hardened_usercopy = true, .slub_max_order = 3, .slab_max_order = 1 };
	if (!s)
		return;
	t->nomerge = s->v[MM_SYSCTL_SLAB_NOMERGE];
	t->slub_min_order = (uint32_t)s->v[MM_SYSCTL_SLUB_MIN_ORDER];
	t->slub_max_order = (uint32_t)s->v[MM_SYSCTL_SLUB_MAX_ORDER];
	t->slub_min_objects = (uint32_t)s->v[MM_SYSCTL_SLUB_MIN_OBJECTS];
	t->slab_max_order_given = s->v[MM_SYSCTL_SLAB_MAX_ORDER] >= 0;
	if (t->slab_max_order_given)
		t->slab_max_order = (uint32_t)s->v[MM_SYSCTL_SLAB_MAX_ORDER];
	t->noaliencache = s->v[MM_SYSCTL_NOALIENCACHE];
	t->nokmem = s->v[MM_SYSCTL_CGROUP_MEMORY];
	t->freelist_random = s->v[MM_SYSCTL_FREELIST_RANDOM];
	t->random_kmalloc = s->v[MM_SYSCTL_RANDOM_KMALLOC];
	t->debug_slab = s->v[MM_SYSCTL_DEBUG_SLAB];
	if (!s->set[MM_SYSCTL_SLUB_DEBUG])
		return;
	text = (struct mm_str){ s->slub_debug, strlen(s->slub_debug) };
	while (next_block(&text, &b)) {
		t->no_higher_order |= b.no_higher_order;
		listed |= b.has_list;
		if (!b.has_list)
			t->debug = b.flags;
	}
	if (listed)
		t->slub_debug = (struct mm_str){ s->slub_debug, strlen(s->slub_debug) };
}

/**
 * mm_slab_user_flags() - the flags of a cache with what slub_debug= adds to them
 *
 * SLAB and SLOB have no such parameter.  Source: Linux 6.6 mm/slub.c kmem_cache_flags().
 */
uint32_t mm_slab_user_flags(const struct mm_slab_tuning *t, enum mm_slab_kind kind, struct mm_str name, uint32_t flags)
{
	uint32_t debug = t->debug & MM_SLAB_DEBUG_FLAGS;
	struct mm_str text = t->slub_debug;
	struct debug_block b;

	if (kind != MM_SLAB_SLUB || (flags & MM_SLAB_NO_USER_FLAGS))
		return flags;
	if (flags & MM_SLAB_NOLEAKTRACE)
		debug &= ~(uint32_t)MM_SLAB_STORE_USER;
	while (next_block(&text, &b))
		if (b.has_list && list_names(b.list, name))
			return flags | b.flags;
	return flags | debug;
}
