/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Shrinkers: what besides LRU pages gives memory back under pressure.
 *
 * Each call looks at a share of the objects that shrinks with the priority; what was too little to be worth a batch of
 * 128 is remembered for the next one. Model: Linux 6.6 mm/vmscan.c do_shrink_slab(), mm/huge_memory.c
 * deferred_split_scan(), fs/super.c super_cache_scan(), mm/shmem.c, mm/workingset.c. Here four kinds of shrinkers have objects: by
 * memcg, 2M folios that are mapped in part, and nodes that hold nothing but shadow entries (cache/shadow_nodes.h); the huge zero page
 * when nobody has it; and of each tmpfs the files whose last huge page reaches beyond their end.
 * Left out: dentries and inodes. Which of them are unused, so that fs/super.c super_cache_count() has them, follows from opens, closes
 * and look-ups that rows do not tell of, and which slabs become empty from objects that were there before; files stay until the machine
 * goes.
 */
#include "cache/deferred_split.h"
#include "cache/lru.h"
#include "cache/memcg.h"
#include "cache/shadow_nodes.h"
#include "cache/shmem.h"
#include "reclaim/internal.h"
#include "virt/rmap.h"

enum { SHRINK_BATCH = 128, SUPER_BATCH = 1024, DEFAULT_SEEKS = 2 };
enum shrinker_kind { DEFERRED_SPLIT, SHADOW_NODES, HUGE_ZERO, SHMEM };

/* Folios split; UINT64_MAX: none, and none is left. */
static uint64_t deferred_split_scan(struct mm_reclaim *r, struct mm_memcg *memcg, uint64_t nr_to_scan)
{
	struct mm_page_list *q = &memcg->split_queue;
	uint64_t nr = q->nr < nr_to_scan ? q->nr : nr_to_scan, split = 0;

	while (nr--) {
		mm_pfn_t head = q->head - MM_DEFERRED_LINK;

		mm_page_list_del(r->phys->mem_map, q, q->head);	/* one that cannot be split goes to the end */
		mm_page_list_add_tail(r->phys->mem_map, q, head + MM_DEFERRED_LINK);
		mm_folio_get(r->cache, head);
		split += !mm_split_folio(r->virt, head);
		mm_folio_put(r->cache, head);
	}
	return !split && !q->nr ? UINT64_MAX : split;
}

/* prune_super() of a tmpfs whose dentries are all in use: its share of the scan. */
static uint64_t shmem_scan(struct mm_reclaim *r, struct mm_shmem_mount *mount, uint64_t nr_to_scan)
{
	uint64_t nr = nr_to_scan * mount->shrinklist_len / (mount->shrinklist_len + 1);

	return nr ? mm_shmem_unused_huge_shrink(r->cache, mount, nr + 1) : 0;
}

static int64_t min_i64(int64_t a, int64_t b) { return a < b ? a : b; }

struct shrinker {
	enum shrinker_kind kind;
	struct mm_lruvec *v;			/* of the memcg and node */
	struct mm_shmem_mount *mount;		/* SHMEM */
	int64_t freeable, batch, seeks;		/* seeks 0: free to take, half of them at once */
	int64_t *nr_deferred;
};

static uint64_t scan_objects(struct mm_reclaim *r, const struct shrinker *s, int64_t nr)
{
	switch (s->kind) {
	case DEFERRED_SPLIT:
		return deferred_split_scan(r, s->v->memcg, (uint64_t)nr);
	case SHADOW_NODES:
		return mm_scan_shadow_nodes(r->cache, s->v, (uint64_t)nr);
	case HUGE_ZERO:
		return mm_shrink_huge_zero_page(r->virt);
	default:
		return shmem_scan(r, s->mount, (uint64_t)nr);
	}
}

static uint64_t do_shrink_slab(struct mm_reclaim *r, const struct shrinker *s, int priority)
{
	int64_t nr = *s->nr_deferred, scanned = 0, total, delta;
	uint64_t freed = 0;

	if (s->freeable <= 0)
		return 0;
	delta = s->seeks ? (s->freeable >> priority) * 4 / s->seeks : s->freeable / 2;
	total = min_i64((nr >> priority) + delta, 2 * s->freeable);
	while (total >= s->batch || total >= s->freeable) {
		int64_t batch = min_i64(s->batch, total);
		uint64_t n = scan_objects(r, s, batch);

		if (n == UINT64_MAX)
			break;
		freed += n;
		mm_count(r->ctx, MM_SLABS_SCANNED, batch);
		total -= batch;
		scanned += batch;
		if (!batch)
			break;
	}
	nr = nr + delta - scanned;
	*s->nr_deferred = nr < 0 ? 0 : min_i64(nr, 2 * s->freeable);
	return freed;
}

/* Those that know memcgs. */
static uint64_t shrink_slab_memcg(struct mm_reclaim *r, struct mm_lruvec *v, int priority)
{
	struct mm_memcg *memcg = v->memcg;
	struct shrinker s = { .kind = DEFERRED_SPLIT, .v = v, .freeable = (int64_t)memcg->split_queue.nr, .batch = SHRINK_BATCH,
			      .seeks = DEFAULT_SEEKS, .nr_deferred = &memcg->split_nr_deferred[v->node] };
	uint64_t freed;

	if (memcg->offline)
		return 0;
	freed = do_shrink_slab(r, &s, priority);
	s = (struct shrinker){ .kind = SHADOW_NODES, .v = v, .freeable = (int64_t)mm_count_shadow_nodes(r->cache, v), .batch = SHRINK_BATCH,
			       .nr_deferred = &v->shadow_nodes.nr_deferred };
	return freed + do_shrink_slab(r, &s, priority);
}

uint64_t mm_shrink_slab(struct mm_reclaim *r, uint32_t node, struct mm_memcg *memcg, int priority)
{
	uint64_t freed = shrink_slab_memcg(r, memcg->lruvec[node], priority);
	struct shrinker s = { .kind = HUGE_ZERO, .batch = SHRINK_BATCH, .seeks = DEFAULT_SEEKS };

	if (memcg != r->cache->root_mem_cgroup)
		return freed;
	if (r->virt) {
		s.freeable = (int64_t)mm_huge_zero_page_freeable(r->virt);
		s.nr_deferred = &r->virt->huge_zero_deferred;
		freed += do_shrink_slab(r, &s, priority);
	}
	for (unsigned int i = 0; i < MM_NR_SHMEM_MOUNTS; i++) {
		struct mm_shmem_mount *mount = &r->cache->shmem_mount[i];

		s = (struct shrinker){ .kind = SHMEM, .mount = mount, .batch = SUPER_BATCH, .seeks = DEFAULT_SEEKS,
				       .nr_deferred = &mount->nr_deferred[node],
				       .freeable = (int64_t)mount->shrinklist_len * mm_sysctl(r->ctx, MM_SYSCTL_VFS_CACHE_PRESSURE) / 100 };
		freed += do_shrink_slab(r, &s, priority);
	}
	return freed;
}

/* Source: Linux 6.6 mm/vmscan.c drop_slab(). */
void mm_drop_slab(struct mm_reclaim *r)
{
	unsigned int shift = 0;
	uint64_t freed;

	do {
		freed = 0;
		mm_for_each_node(r->phys, node)
			for (struct mm_memcg *m = NULL; (m = mm_mem_cgroup_iter(r->cache->root_mem_cgroup, m)) != NULL;)
				freed += mm_shrink_slab(r, node, m, 0);
	} while (freed >> shift++ > 1);
}
