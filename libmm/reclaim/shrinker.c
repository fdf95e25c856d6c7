/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Shrinkers: what besides LRU pages gives memory back under pressure.
 *
 * Each call looks at a share of the objects that shrinks with the priority; what was too little to be worth a batch of
 * 128 is remembered for the next one. Model: Linux 6.6 mm/vmscan.c do_shrink_slab(), mm/huge_memory.c
 * deferred_split_scan(), fs/super.c super_cache_scan(), mm/shmem.c. Here two kinds of shrinkers have objects: 2M folios
 * that are mapped in part, by memcg; and of each tmpfs the files whose last huge page reaches beyond their end.
 */
#include "cache/deferred_split.h"
#include "cache/lru.h"
#include "cache/memcg.h"
#include "cache/shmem.h"
#include "reclaim/internal.h"
#include "virt/rmap.h"

enum { SHRINK_BATCH = 128, SUPER_BATCH = 1024, DEFAULT_SEEKS = 2 };

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
	struct mm_memcg *memcg;			/* whose queue of folios mapped in part, or */
	struct mm_shmem_mount *mount;		/* whose files */
	int64_t freeable, batch;
	int64_t *nr_deferred;
};

static uint64_t scan_objects(struct mm_reclaim *r, const struct shrinker *s, int64_t nr)
{
	return s->memcg ? deferred_split_scan(r, s->memcg, (uint64_t)nr) : shmem_scan(r, s->mount, (uint64_t)nr);
}

static uint64_t do_shrink_slab(struct mm_reclaim *r, const struct shrinker *s, int priority)
{
	int64_t nr = *s->nr_deferred, scanned = 0, total, delta;
	uint64_t freed = 0;

	if (s->freeable <= 0)
		return 0;
	delta = (s->freeable >> priority) * 4 / DEFAULT_SEEKS;
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

uint64_t mm_shrink_slab(struct mm_reclaim *r, uint32_t node, struct mm_memcg *memcg, int priority)
{
	struct shrinker s = { .memcg = memcg, .freeable = (int64_t)memcg->split_queue.nr, .batch = SHRINK_BATCH,
			      .nr_deferred = &memcg->split_nr_deferred[node] };
	uint64_t freed = memcg->offline ? 0 : do_shrink_slab(r, &s, priority);

	for (unsigned int i = 0; i < MM_NR_SHMEM_MOUNTS && memcg == r->cache->root_mem_cgroup; i++) {
		struct mm_shmem_mount *mount = &r->cache->shmem_mount[i];

		s = (struct shrinker){ .mount = mount, .batch = SUPER_BATCH, .nr_deferred = &mount->nr_deferred[node],
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
		for (uint32_t node = 0; node < r->phys->nr_nodes; node++)
			for (struct mm_memcg *m = mm_mem_cgroup_iter(r->cache->root_mem_cgroup, NULL); m;
			     m = mm_mem_cgroup_iter(r->cache->root_mem_cgroup, m))
				freed += mm_shrink_slab(r, node, m, 0);
	} while (freed >> shift++ > 1);
}
