/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cache/memcg_names.c - memory cgroups by their paths
 *
 * A chained hash table that doubles when there are as many memcgs as places; removed ones are in no chain.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/host_memory.h"
#include "base/str.h"
#include "cache/memcg.h"

static struct mm_memcg **chain_of(const struct mm_cache *c, struct mm_str name)
{
	return &c->memcg_names[mm_hash_slot(mm_str_hash(name), c->nr_name_slots)];
}

static struct mm_str name_of(const struct mm_memcg *m) { return (struct mm_str){ m->name, strlen(m->name) }; }

static int grow(struct mm_cache *c)
{
	size_t nr = c->nr_name_slots ? 2 * c->nr_name_slots : 16;
	struct mm_memcg **slots = mm_host_calloc(nr, sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	free(c->memcg_names);
	c->memcg_names = slots;
	c->nr_name_slots = nr;
	for (uint32_t i = 0; i < c->nr_memcgs; i++) {
		struct mm_memcg *m = c->memcgs[i], **chain = chain_of(c, name_of(m));

		if (m->offline)
			continue;
		m->name_next = *chain;
		*chain = m;
	}
	return 0;
}

int mm_memcg_name_add(struct mm_cache *c, struct mm_memcg *m)
{
	struct mm_memcg **chain;

	if (c->nr_memcgs >= c->nr_name_slots && grow(c))
		return -ENOMEM;
	chain = chain_of(c, name_of(m));
	m->name_next = *chain;
	*chain = m;
	return 0;
}

void mm_memcg_name_remove(struct mm_cache *c, const struct mm_memcg *m)
{
	struct mm_memcg **at = chain_of(c, name_of(m));

	while (*at != m)
		at = &(*at)->name_next;
	*at = m->name_next;
}

struct mm_memcg *mm_memcg_find(const struct mm_cache *c, struct mm_str name)
{
	struct mm_memcg *m = *chain_of(c, name);

	while (m && !mm_str_is(name, m->name))
		m = m->name_next;
	return m;
}
