/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Names of caches: a merged cache answers to those of all its creators.
 * One open hash table, at most half full, from name to cache; a removal moves
 * the entries after it up, so that no gap breaks a search.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/host_memory.h"
#include "slab/slab.h"

static uint32_t hash(struct mm_str name)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < name.len; i++)
		h = (h ^ (unsigned char)name.p[i]) * 16777619u;
	return h;
}

static struct mm_str str(const char *s) { return (struct mm_str){ s, strlen(s) }; }

/* The slot of @name, or the free one where it would stand. */
static uint32_t find_slot(const struct mm_slab *sl, struct mm_str name)
{
	uint32_t i = hash(name) & (sl->names_size - 1);

	while (sl->names[i].name &&
	       (strlen(sl->names[i].name) != name.len || memcmp(sl->names[i].name, name.p, name.len)))
		i = (i + 1) & (sl->names_size - 1);
	return i;
}

struct mm_kmem_cache *mm_kmem_cache_find(const struct mm_slab *sl, struct mm_str name)
{
	return sl->names_size ? sl->names[find_slot(sl, name)].cache : NULL;
}

static int grow(struct mm_slab *sl)
{
	struct name_slot *old = sl->names;
	uint32_t old_size = sl->names_size;
	struct name_slot *v = mm_host_calloc(old_size ? old_size * 2 : 256, sizeof(*v));

	if (!v)
		return -ENOMEM;
	sl->names = v;
	sl->names_size = old_size ? old_size * 2 : 256;
	for (uint32_t i = 0; i < old_size; i++)
		if (old[i].name)
			sl->names[find_slot(sl, str(old[i].name))] = old[i];
	free(old);
	return 0;
}

int mm_slab_name_add(struct mm_kmem_cache *s, struct mm_str name)
{
	struct mm_slab *sl = s->slab;
	char **names, *copy;

	if (mm_kmem_cache_find(sl, name))
		return -EEXIST;
	if (sl->nr_names * 2 >= sl->names_size && grow(sl))
		return -ENOMEM;
	names = mm_host_realloc(s->names, (s->nr_names + 1) * sizeof(*names));
	if (!names)
		return -ENOMEM;
	s->names = names;
	copy = mm_host_malloc(name.len + 1);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, name.p, name.len);
	copy[name.len] = 0;
	names[s->nr_names++] = copy;
	sl->names[find_slot(sl, str(copy))] = (struct name_slot){ copy, s };
	sl->nr_names++;
	return 0;
}

static void remove_slot(struct mm_slab *sl, uint32_t i)
{
	uint32_t mask = sl->names_size - 1;

	sl->names[i] = (struct name_slot){ 0 };
	for (uint32_t j = (i + 1) & mask; sl->names[j].name; j = (j + 1) & mask) {
		struct name_slot slot = sl->names[j];

		sl->names[j] = (struct name_slot){ 0 };
		sl->names[find_slot(sl, str(slot.name))] = slot;
	}
	sl->nr_names--;
}

void mm_slab_name_del(struct mm_kmem_cache *s, uint32_t i)
{
	remove_slot(s->slab, find_slot(s->slab, str(s->names[i])));
	free(s->names[i]);
	memmove(&s->names[i], &s->names[i + 1], (s->nr_names - i - 1) * sizeof(s->names[0]));
	s->nr_names--;
}

void mm_slab_names_free(struct mm_slab *sl)
{
	free(sl->names);
	sl->names = NULL;
}

const char *mm_kmem_cache_alias(const struct mm_kmem_cache *s, uint32_t i)
{
	return i < s->nr_names ? s->names[i] : NULL;
}

void mm_kmem_cache_unique_id(const struct mm_kmem_cache *s, struct mm_output *out)
{
	static const struct {
		uint32_t flag;
		char letter;
	} letters[] = {
		{ MM_SLAB_CACHE_DMA, 'd' }, { MM_SLAB_CACHE_DMA32, 'D' }, { MM_SLAB_RECLAIM_ACCOUNT, 'a' },
		{ MM_SLAB_CONSISTENCY_CHECKS, 'F' }, { MM_SLAB_ACCOUNT, 'A' },
	};
	const struct mm_slab_tuning *t = &s->slab->tuning;
	char text[sizeof(letters) / sizeof(letters[0]) + 1] = "";
	size_t n = 0;

	if (mm_slab_unmergeable(s) ||
	    (t->no_higher_order && (t->debug & (MM_SLAB_RED_ZONE | MM_SLAB_POISON | MM_SLAB_STORE_USER)))) {
		mm_output_printf(out, "%s", s->names[0]);
		return;
	}
	for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++)
		if (s->layout.flags & letters[i].flag)
			text[n++] = letters[i].letter;
	mm_output_printf(out, ":%s%s%07u", text, n ? "-" : "", (unsigned int)s->size);
}
