/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cache/memcg_offline.c - a cgroup that is removed, what it held stays
 *
 * rmdir takes a memcg its name and its protection.  Pages stay charged to it and on its lists, for reclaim to find (MGLRU puts it
 * at the head of the old generation and takes all it can get).  Kernel memory is its parent's from then on, and swap that its pages
 * still need is charged to the nearest ancestor that is there.  With the last page and slot its id means nobody, and with
 * the last page it leaves the LRU of memcgs.
 *
 *	online -> offline (pages, slots) -> released (struct and id stay here: a shadow entry may name it, and finds nobody)
 *
 * Source: Linux 6.6 mm/memcontrol.c mem_cgroup_css_offline(), memcg_offline_kmem(), mem_cgroup_css_released(), mem_cgroup_id_put();
 * kernel/cgroup/cgroup.c cgroup_destroy_locked().
 */
#include <errno.h>

#include "cache/memcg.h"
#include "cache/shadow_nodes.h"

struct mm_memcg *mm_memcg_online_ancestor(struct mm_memcg *m)
{
	while (m && m->offline)
		m = m->parent;
	return m;
}

bool mm_memcg_id_is_used(const struct mm_memcg *m) { return !m->offline || m->swap_usage; }

static bool has_children(const struct mm_memcg *m)
{
	for (const struct mm_memcg *child = m->first_child; child; child = child->next_sibling)
		if (!child->offline)
			return true;
	return false;
}

/* The pages are in the parent's usage already. */
static void memcg_reparent_objcgs(struct mm_cache *c, struct mm_memcg *m)
{
	struct mm_memcg *parent = mm_memcg_online_ancestor(m->parent);
	struct mm_memcg *end = parent->parent ? parent : NULL;	/* the root's is not counted */
	uint64_t rest = m->nr_charged_bytes;

	for (struct mm_memcg *i = m; i != end; i = i->parent)
		i->usage -= m->kmem;
	if (end)
		parent->kmem += m->kmem;
	parent->pagetables += m->pagetables;
	for (unsigned int k = 0; k < MM_NR_MEMCG_SLAB; k++) {
		parent->slab_bytes[k] += m->slab_bytes[k];
		m->slab_bytes[k] = 0;
	}
	m->kmem = m->pagetables = m->nr_charged_bytes = 0;
	mm_memcg_uncharge_bytes(c, parent, rest);
}

int mm_memcg_rmdir(struct mm_cache *c, struct mm_memcg *m)
{
	if (!m->parent || has_children(m))
		return -EBUSY;
	m->offline = true;
	mm_memcg_name_remove(c, m);
	m->min = m->low = m->emin = m->elow = 0;
	for (uint32_t n = 0; n < MM_MAX_NODES; n++) {	/* reparent_shrinker_deferred() */
		m->parent->split_nr_deferred[n] += m->split_nr_deferred[n];
		m->split_nr_deferred[n] = 0;
		if (m->lruvec[n])
			mm_reparent_shadow_nodes(m->lruvec[n], mm_memcg_online_ancestor(m->parent)->lruvec[n]);
	}
	mm_memcg_drain_all_stock(c, m);
	memcg_reparent_objcgs(c, m);
	mm_lru_gen_offline_memcg(c, m);
	mm_memcg_put_offline(c, m);
	return 0;
}

void mm_memcg_put_offline(struct mm_cache *c, struct mm_memcg *m)
{
	for (; m && m->offline && !m->usage; m = m->parent)
		mm_lru_gen_release_memcg(c, m);
}
