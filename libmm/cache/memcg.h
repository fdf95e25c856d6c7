/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cache/memcg.h - memory cgroups: limits, charges, a tree of LRUs
 *
 * Model: Linux 6.6 mm/memcontrol.c, mm/page_counter.c.  Numbers are pages; MM_MEMCG_MAX: no limit.
 */
#ifndef CACHE_MEMCG_H
#define CACHE_MEMCG_H

#include "cache/lru.h"

#define MM_MEMCG_MAX	(UINT64_MAX >> 1)
enum { MM_MEMCG_CHARGE_BATCH = 64, MM_MAX_RECLAIM_RETRIES = 16 };

/* Lines of memory.events, then of memory.swap.events, in the files' order. */
enum mm_memcg_event {
	MM_MEMCG_EV_LOW, MM_MEMCG_EV_HIGH, MM_MEMCG_EV_MAX, MM_MEMCG_EV_OOM, MM_MEMCG_EV_OOM_KILL, MM_MEMCG_EV_OOM_GROUP_KILL,
	MM_MEMCG_EV_SWAP_HIGH, MM_MEMCG_EV_SWAP_MAX, MM_MEMCG_EV_SWAP_FAIL, MM_NR_MEMCG_EVENTS,
};

/* Objects of slab caches: which line of memory.stat has them. */
enum mm_memcg_slab { MM_MEMCG_SLAB_RECLAIMABLE, MM_MEMCG_SLAB_UNRECLAIMABLE, MM_NR_MEMCG_SLAB };

struct mm_memcg {
	uint32_t id;				/* 1: the root */
	char *name;				/* path, "/" for the root; owned */
	struct mm_memcg *name_next;		/* of those whose names have one place in c->memcg_names */
	struct mm_memcg *parent;		/* NULL: the root */
	struct mm_memcg *first_child, *last_child, *next_sibling;
	uint64_t max, high, low, min, swap_max, swap_high;	/* pages */
	uint64_t memsw_max, soft_limit;		/* of v1 */
	uint64_t usage, swap_usage;		/* pages, with those of descendants */
	uint64_t peak, swap_peak;		/* the most that usage and swap_usage were: page_counter.watermark */
	uint64_t failcnt, swap_failcnt, memsw_failcnt;	/* charges that met max, swap_max, memsw_max, of batches too */
	uint64_t kmem;				/* pages of usage that are kernel memory, own */
	uint64_t pagetables;			/* of kmem, own: tables of PTEs and PMDs (NR_PAGETABLE) */
	uint64_t captured_other;		/* of usage of a captured one, own: sockets, charges ahead of use; they stay */
	uint64_t captured_pagetables;		/* of kmem, own: page tables of the captured machine's processes */
	uint64_t emin, elow;			/* effective protection (page_counter) */
	uint64_t nr_charged_bytes;		/* of kmem, used by no object and in no CPU's stock, own (obj_cgroup) */
	uint64_t slab_bytes[MM_NR_MEMCG_SLAB];	/* objects that are charged, as far as its counters were told, own; wraps below 0 */
	uint64_t events[MM_NR_MEMCG_EVENTS], events_local[MM_NR_MEMCG_EVENTS];
	int64_t vm_events[MM_NR_COUNTERS];	/* of memory.stat, own: what mm_memcg_count() was told */
	uint64_t throttled_ns;			/* its tasks would have slept beyond memory.high and swap.high */
	mm_nodes_t mems;			/* cpuset.mems; 0: as the parent's */
	uint32_t scan_place;			/* scratch of who goes through a tree of them: its place there */
	bool oom_group;
	bool offline;				/* removed; what is charged to it stays until it goes */
	int16_t swappiness;			/* memory.swappiness of cgroup v1, -1: never written here or above: the machine's */
	struct mm_memcg_page_events *page_events;	/* of v1, by CPU (memcg_v1.c); NULL: not v1 */
	struct mm_page_list split_queue;	/* 2M folios mapped in part (deferred_split.h) */
	int64_t split_nr_deferred[MM_MAX_NODES];	/* of its shrinker */
	struct mm_lruvec *lruvec[MM_MAX_NODES];	/* NULL: node offline */
};

/* A child of @parent (NULL: of the root); it lives as long as the cache. 0 or -ENOMEM, -ENOSPC (65535 of them). */
int mm_memcg_new(struct mm_cache *c, struct mm_memcg *parent, struct mm_str name, struct mm_memcg **mp);
/* memcg_names.c: NULL: no such; removed ones are not found. */
struct mm_memcg *mm_memcg_find(const struct mm_cache *c, struct mm_str name);
int mm_memcg_name_add(struct mm_cache *c, struct mm_memcg *m);		/* 0 or -ENOMEM */
void mm_memcg_name_remove(struct mm_cache *c, const struct mm_memcg *m);	/* it is removed */
/* Who is charged for the page; the root when nobody is. */
static inline struct mm_memcg *mm_folio_memcg(const struct mm_cache *c, mm_pfn_t pfn)
{
	uint32_t id = c->page_memcg[pfn];

	return id ? c->memcgs[id - 1] : c->root_mem_cgroup;
}
/* It is charged to the memcg of that id, 0 none; c->block_charged follows. */
static inline void mm_folio_set_memcg(struct mm_cache *c, mm_pfn_t pfn, uint32_t id)
{
	c->block_charged[pfn >> MM_CHARGED_BLOCK_ORDER] += (uint16_t)((id != 0) - (c->page_memcg[pfn] != 0));
	c->page_memcg[pfn] = (uint16_t)id;
}
static inline struct mm_lruvec *mm_folio_lruvec(const struct mm_cache *c, mm_pfn_t pfn)
{
	return mm_folio_memcg(c, pfn)->lruvec[mm_page_zone(c->phys, pfn)->node];
}
int64_t mm_mem_cgroup_swappiness(const struct mm_cache *c, const struct mm_memcg *m);
static inline bool mm_mem_cgroup_is_descendant(const struct mm_memcg *m, const struct mm_memcg *root)
{
	while (m && m != root)
		m = m->parent;
	return m == root;
}

/*
 * Charge a fresh folio to @memcg (NULL: the root); reclaims at the limit, may
 * call the OOM killer.  0 or -ENOMEM.  The charge goes with the last reference.
 */
int mm_mem_cgroup_charge(struct mm_cache *c, mm_pfn_t pfn, struct mm_memcg *memcg, mm_gfp_t gfp);
/* The same of what it held before the machine began: beyond any limit, nothing is reclaimed. */
void mm_mem_cgroup_force_charge(struct mm_cache *c, mm_pfn_t pfn, struct mm_memcg *memcg);
void mm_memcg_force_charge_kmem(struct mm_memcg *memcg, uint64_t nr_pages);
void mm_memcg_force_charge_other(struct mm_memcg *memcg, uint64_t nr_pages);	/* captured_other */
void mm_mem_cgroup_force_charge_swap(struct mm_memcg *memcg, uint64_t nr_pages);
void mm_mem_cgroup_uncharge(struct mm_cache *c, mm_pfn_t pfn);
void mm_mem_cgroup_uncharge_flush(struct mm_cache *c);	/* PGPGOUT of what was uncharged since, at once (uncharge_batch()) */
/* Kernel memory (page tables, stacks: whole pages): 0 or -ENOMEM. */
int mm_memcg_charge_kmem(struct mm_cache *c, struct mm_memcg *memcg, uint64_t nr_pages, mm_gfp_t gfp);
void mm_memcg_uncharge_kmem(struct mm_cache *c, struct mm_memcg *memcg, uint64_t nr_pages);
/* The same of a table of pages, of whose page the last reference went: past the stock (uncharge_batch()). */
void mm_memcg_uncharge_table(struct mm_cache *c, struct mm_memcg *memcg, uint32_t node);
/* memcg_obj.c: objects of slab caches, whose bytes are gathered into pages by CPU (obj_cgroup). 0 or -ENOMEM. */
int mm_memcg_charge_bytes(struct mm_cache *c, struct mm_memcg *memcg, uint64_t bytes, mm_gfp_t gfp);
void mm_memcg_uncharge_bytes(struct mm_cache *c, struct mm_memcg *memcg, uint64_t bytes);
/* So many bytes more of a kind; the counters are told when more than a page has come together (mod_objcg_state()). */
void mm_memcg_mod_slab(struct mm_cache *c, struct mm_memcg *memcg, enum mm_memcg_slab kind, int64_t bytes);
/*
 * Both for an object of a cache with SLAB_ACCOUNT that is kept in host memory here, of @bytes with the pointer to its payer. *@payer,
 * whom freeing uncharges wherever the task is then, becomes an id: 0 nobody's. @c NULL or @memcg NULL, the root: nobody's.
 */
int mm_memcg_obj_alloc(struct mm_cache *c, struct mm_memcg *memcg, uint32_t bytes, mm_gfp_t gfp, uint16_t *payer);
void mm_memcg_obj_free(struct mm_cache *c, uint16_t payer, uint32_t bytes);
void mm_drain_obj_stock(struct mm_cache *c, uint32_t cpu);

/* An event of @m: in its memory.events.local, in its own and its ancestors' memory.events; the root has none. */
void mm_memcg_memory_event(struct mm_memcg *m, enum mm_memcg_event event);
/* An event of /proc/vmstat that memory.stat has too; @m NULL: the root's, which nobody reads. */
static inline void mm_memcg_count(struct mm_memcg *m, enum mm_counter c, int64_t n)
{
	if (m)
		m->vm_events[c] += n;
}

/* The same of a memcg's lruvec, in /proc/vmstat too (count_vm_events() and __count_memcg_events()). */
static inline void mm_lruvec_count(struct mm_cache *c, const struct mm_lruvec *v, enum mm_counter counter, int64_t n)
{
	mm_count(c->ctx, counter, n);
	mm_memcg_count(v->memcg, counter, n);
}

/* memory.max and memory.high written: what is above is reclaimed; for memory.max somebody is killed when that does not do. */
void mm_memory_max_write(struct mm_cache *c, struct mm_memcg *m, uint64_t max_pages);
void mm_memory_high_write(struct mm_cache *c, struct mm_memcg *m, uint64_t high_pages);
uint64_t mm_mem_cgroup_margin(const struct mm_memcg *m);
/* Half of the swap that the folio's memcg, one above it or the machine may have is used: slots of pages in memory are better given up. */
bool mm_mem_cgroup_swap_full(const struct mm_cache *c, mm_pfn_t pfn);
int64_t mm_mem_cgroup_get_nr_swap_pages(const struct mm_cache *c, const struct mm_memcg *m);
/* Swap slots are charged to swap.max: true when @nr_pages more fit. */
bool mm_mem_cgroup_try_charge_swap(struct mm_cache *c, struct mm_memcg *m, uint64_t nr_pages);
void mm_mem_cgroup_uncharge_swap(struct mm_cache *c, struct mm_memcg *m, uint64_t nr_pages);
/* On the way back to user space a task over memory.high reclaims what c->nr_pages_over_high says (mem_cgroup_handle_over_high()). */
void mm_mem_cgroup_handle_over_high(struct mm_cache *c, struct mm_memcg *m, mm_gfp_t gfp);

/* Preorder walk of @root's tree; @prev NULL begins, NULL ends (mem_cgroup_iter()). */
struct mm_memcg *mm_mem_cgroup_iter(struct mm_memcg *root, struct mm_memcg *prev);

/* memcg_stats.c: lruvec->stat is brought up to date */
void mm_mem_cgroup_flush_stats(struct mm_cache *c);		/* if enough has changed */
void mm_mem_cgroup_flush_stats_ratelimited(struct mm_cache *c);	/* if, beside that, it is more than four seconds old */
void mm_mem_cgroup_do_flush_stats(struct mm_cache *c);		/* however little has changed */
void mm_memcg_stats_settle(struct mm_cache *c);			/* much time passed: the work came */
void mm_memcg_stats_begin(struct mm_cache *c);			/* the clock begins: when the first work is due */
void mm_memcg_stats_first_work(struct mm_cache *c);		/* that comes now, if it has not */
/* Effective protection of @m below @root for this reclaim (mem_cgroup_calculate_protection()). */
void mm_mem_cgroup_calculate_protection(const struct mm_cache *c, struct mm_memcg *root, struct mm_memcg *m);

/* memcg_offline.c: the cgroup is removed; 0, -EBUSY (the root, or cgroups below it). Tasks in it are the caller's to see to. */
int mm_memcg_rmdir(struct mm_cache *c, struct mm_memcg *m);
/* The last page may be gone: it and those above it that are offline and hold none are released. */
void mm_memcg_put_offline(struct mm_cache *c, struct mm_memcg *m);
struct mm_memcg *mm_memcg_online_ancestor(struct mm_memcg *m);	/* itself, if it is there; @m NULL: NULL */
bool mm_memcg_id_is_used(const struct mm_memcg *m);		/* mem_cgroup_from_id() would find it */

void mm_memcg_free(struct mm_memcg *m);		/* the machine goes: host memory only */
void mm_memcg_drain_all_stock(struct mm_cache *c, const struct mm_memcg *root);

bool mm_memcg_is_consistent(const struct mm_cache *c);	/* looks at every page */

#endif /* CACHE_MEMCG_H */
