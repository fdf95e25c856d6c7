/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cache/cache.h - what keeps pages between their uses: LRU lists, page cache, swap, memcgs
 *
 * One struct mm_cache a machine.  It owns every page from the moment it is
 * charged until its last reference goes.
 *
 * References (struct mm_page): mapcount counts page-table entries, refs counts
 * everything else: whoever allocated the page (until it is mapped or put), the
 * page cache (1), the swap cache (1), a per-CPU LRU batch (1), isolation (1).
 * Their sum is the kernel's folio_ref_count().  So mapping a fresh page is
 * "mapcount++, refs--", and unmapping is "mapcount--, refs++" then mm_folio_put().
 *
 * Columns by PFN that few pages need lie outside struct mm_page; the host maps
 * them without reserving memory.
 */
#ifndef CACHE_CACHE_H
#define CACHE_CACHE_H

#include <libmm/gfp.h>

#include "cache/inode.h"
#include "cache/memcg_lru.h"
#include "phys/mempolicy.h"

struct mm_swap;
struct mm_slab;
struct mm_kmem_cache;
struct mm_memcg;
struct mm_cpu_fbatches;

/* Options of try_to_free_mem_cgroup_pages() */
enum { MM_MEMCG_RECLAIM_MAY_SWAP = 1u << 1, MM_MEMCG_RECLAIM_PROACTIVE = 1u << 2 };

/* Upward hooks that reclaim/ installs.  NULL: a limit that is reached fails the charge. */
struct mm_cache_hooks {
	void *arg;
	/* Pages reclaimed from @memcg and below, at least @nr_pages wanted. */
	uint64_t (*try_to_free_mem_cgroup_pages)(void *arg, struct mm_memcg *memcg, uint64_t nr_pages,
						 mm_gfp_t gfp, unsigned int options);
	/* A memcg is full and reclaim got nowhere: true when a task was killed. */
	bool (*mem_cgroup_out_of_memory)(void *arg, struct mm_memcg *memcg, mm_gfp_t gfp, unsigned int order);
};

/* What writeback and truncation ask of reverse mapping above them; NULL: nothing maps pages. */
struct mm_rmap_hook {
	void *arg;
	uint32_t (*folio_mkclean)(void *arg, mm_pfn_t pfn);	/* entries that lost RW and D */
	int (*split_folio)(void *arg, mm_pfn_t head);		/* a huge page that the caller holds becomes small ones. 0 or -errno */
};

enum { MM_THP_ORDER = 9, MM_THP_PAGES = 512 };	/* a huge folio of the page cache: 2M */

enum { MM_BOOT_NODE = 1 };		/* in the place of an address: a node of those that booting left (xa_nodes.c) */

/* Nodes for a store, made where reclaim is allowed or given up by a try that failed; it needs no more than twice the height of a tree. */
enum { MM_XA_SPARES = 24 };
struct mm_xa_spares {
	uint32_t nr;
	struct mm_xa_obj v[MM_XA_SPARES];
};

/* A tmpfs: the kernel's own, and /dev/shm. */
enum { MM_SHM_MNT, MM_DEV_SHM, MM_NR_SHMEM_MOUNTS };
struct mm_shmem_mount {
	struct mm_inode *shrinklist;		/* files with a huge page beyond their end, oldest first */
	uint64_t shrinklist_len;
	uint64_t used_blocks;			/* of /dev/shm: pages of its files, in memory or on the swap device */
	int64_t nr_deferred[MM_MAX_NODES];	/* of its shrinker */
};

enum { MM_CHARGED_BLOCK_ORDER = 9 };

struct mm_cache {
	struct mm_ctx *ctx;
	struct mm_phys *phys;
	struct mm_inode_table *inodes;		/* the machine's; not owned */
	uint32_t dirty_file;			/* no file of a lower id has dirty pages */
	struct mm_cache_hooks hooks;
	struct mm_rmap_hook rmap;
	struct mm_memcg *root_mem_cgroup;	/* never NULL */
	struct mm_memcg **memcgs;		/* by id - 1; never freed before the machine */
	uint32_t nr_memcgs;
	struct mm_memcg **memcg_names;		/* by hash (memcg_names.c) */
	size_t nr_name_slots;			/* a power of two; 0: no table yet */
	struct mm_lru_gen_memcg memcg_lru[MM_MAX_NODES];
	bool cgroup_v1;				/* swap is charged with memory, and soft limits are kept (memcg_v1.h) */
	uint32_t nr_over_soft_limit[MM_MAX_NODES];	/* memcgs in the tree of the node */
	uint64_t soft_limit_seq;
	struct mm_cpu_fbatches *fbatches;	/* by CPU */
	struct mm_swap *swap;			/* never NULL; without slots when there is no swap */
	uint64_t swap_clock_ns;		/* time that has passed (swap_io.c) */
	uint64_t swap_due_ns;		/* when the oldest write is done, UINT64_MAX there is none */
	uint64_t stats_work_ns;		/* when memcgs' counters are gathered next, whatever has changed (memcg_stats.c) */
	uint32_t flushed_updates;	/* changes that were in no batch then */
	uint64_t flush_next_jiffy;	/* flush_next_time: until then a refault has nothing gathered */
	uint32_t *page_swap;			/* by PFN: swap entry of a swap-cache page, else 0 */
	uint32_t *page_cpupid;			/* by PFN: CPU and pid of its last hint fault + 1; NULL: none was taken yet */
	uint16_t *page_memcg;			/* by PFN: id of the memcg that is charged, 0 none; mm_folio_set_memcg() */
	uint16_t *block_charged;		/* how many of each 512 pages are: who looks at all leaves out the others */
	struct mm_kmem_cache *radix_tree_node_cachep;	/* NULL: nodes of the caches' trees take no memory here */
	uint32_t boot_nodes;				/* free ones that booting left */
	struct mm_kmem_cache *bio_cachep;		/* NULL: nor do requests to the disk */
	struct mm_bio_pool {				/* fs_bio_set.bio_pool: what is kept for when memory is short */
		uint64_t v[2];
		uint32_t nr;
	} bio_pool;
	struct mm_xa_nodes xa_nodes;
	struct mm_memcg *xa_payer;		/* of nodes that are made now in a tree that is charged */
	struct mm_xa_spares *xa_spares;		/* of the store under way; NULL: there is none */
	struct mm_shmem_mount shmem_mount[MM_NR_SHMEM_MOUNTS];
	size_t column_pages;			/* pages the columns have room for */
	/* what pages and swap slots hold (contents.h); NULL: not kept */
	uint64_t *contents, *swap_contents;
	uint64_t contents_made;			/* numbers that stores without a name took */
	bool contents_mapped;			/* the arrays are ours (a test may lend its own) */
	struct {				/* read-ahead that a fault started and does not wait for */
		const struct mm_address_space *as;	/* NULL: none */
		uint64_t index, nr;
		bool defer;			/* what is read now is such */
	} ra_inflight;
	struct {				/* what read(2) reads ahead, of which it may find a page before the disk has read it */
		const struct mm_address_space *as;	/* NULL: all is read */
		uint64_t index, nr, due_ns;		/* by the clock of swap_io.c */
	} ra_ahead;
	/*
	 * since reclaim last let time pass: reads that read(2) waited for, how long for what it had read ahead, pages it copied,
	 * accesses that the TLB or the page tables served
	 */
	uint64_t read_waits, ahead_wait_ns, copied, hits;
	struct mm_mpol_place swapin_place;	/* where pages read from swap go; .pol NULL: no mapping asks */
	/* of the task that runs (struct task_struct) */
	bool in_lru_fault;			/* in a fault on a VMA with recency: lru_gen_enter_fault() */
	uint32_t nr_pages_over_high;		/* charged beyond memory.high: reclaimed on the way back to the program */
	bool memalloc;				/* PF_MEMALLOC: inside reclaim, or dying by OOM */
	uint32_t uncharged;			/* pages whose PGPGOUT their memcg is not told of yet: uncharge_gather */
	struct {				/* the same of v1: the last memcg of these, and its pages */
		struct mm_memcg *memcg;		/* NULL: none */
		uint32_t node;
		uint64_t nr_pages;
	} uncharging;
	bool is_kswapd;				/* kswapd runs */
	bool has_mm_walk;			/* who reclaims is kswapd, or has walked page tables in this run (reclaim_state->mm_walk) */
	bool dying;				/* the task was chosen by the OOM killer: charges are forced */
};

/**
 * mm_cache_new() - caches of a booted machine
 * @swap_bytes: usable size of the swap device (as in /proc/swaps), 0 none
 * Return: 0, -EINVAL (swap beyond 8 TiB) or -ENOMEM.
 */
int mm_cache_new(struct mm_cache **cp, struct mm_ctx *ctx, struct mm_phys *phys,
		 struct mm_inode_table *inodes, uint64_t swap_bytes);
void mm_cache_free(struct mm_cache *c);		/* host memory only: pages need not be returned first */
/* From now on nodes of page cache and swap cache are objects of @slab's radix_tree_node. 0 or -ENOMEM. */
int mm_cache_set_slab(struct mm_cache *c, struct mm_slab *slab);
/* Store into a tree of this cache; a node that cannot be had at once is made with @gfp. 0 or -ENOMEM. */
int mm_cache_xa_store(struct mm_cache *c, struct mm_xarray *xa, uint64_t index, uint64_t value, mm_gfp_t gfp, uint64_t *old);
/* The same of one value for the 2^@order indices from @index (mm_xa_store_order()). */
int mm_cache_xa_store_order(struct mm_cache *c, struct mm_xarray *xa, uint64_t index, unsigned int order, uint64_t value, mm_gfp_t gfp);
/* That value in pieces, each @step more than the one before (mm_xa_split()). */
int mm_cache_xa_split(struct mm_cache *c, struct mm_xarray *xa, uint64_t index, unsigned int order, uint64_t step, mm_gfp_t gfp);
/* From now on there is a place for CPU and pid of each page's last hint fault.  0 or -ENOMEM. */
int mm_cache_keep_cpupids(struct mm_cache *c);
bool mm_cache_is_consistent(const struct mm_cache *c);	/* walks everything: slow */

/* ---- what a folio is (head page of one or 2^order pages) ---- */
static inline struct mm_page *mm_cache_page(const struct mm_cache *c, mm_pfn_t pfn) { return mm_page(c->phys, pfn); }
static inline uint64_t mm_folio_nr_pages(const struct mm_page *p)
{
	return p->flags & MM_PG_HEAD ? (uint64_t)1 << p->order : 1;
}
static inline bool mm_folio_is_file_lru(const struct mm_page *p) { return !(p->flags & MM_PG_SWAPBACKED); }
static inline bool mm_folio_test_swapcache(const struct mm_page *p) { return p->flags & MM_PG_SWAPCACHE; }
static inline void mm_folio_get(struct mm_cache *c, mm_pfn_t pfn) { mm_cache_page(c, pfn)->refs++; }
/* The file a page-cache folio belongs to; NULL for others. */
struct mm_address_space *mm_folio_mapping(const struct mm_cache *c, mm_pfn_t pfn);

#endif /* CACHE_CACHE_H */
