/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cache/swap.h - the swap device: slots, clusters, the slot caches, the swap cache
 *
 * Model: Linux 6.6 mm/swapfile.c, mm/swap_slots.c, mm/swap_state.c, mm/page_io.c; one device,
 * not rotational.  Slot 0 is the header, so entry 0 means none.
 */
#ifndef CACHE_SWAP_H
#define CACHE_SWAP_H

#include "cache/lru.h"

typedef uint32_t mm_swp_t;		/* slot number on the device; 0 none */

enum { MM_SWAP_SLOTS_CACHE_SIZE = 64, MM_SWAPFILE_CLUSTER = 512 };

uint64_t mm_total_swap_pages(const struct mm_cache *c);
int64_t mm_nr_swap_pages(const struct mm_cache *c);	/* free: slots held by the slot caches are not */
bool mm_vm_swap_full(const struct mm_cache *c);		/* more than half used */

/* ---- references of page tables: swap_map ---- */
int mm_swap_duplicate(struct mm_cache *c, mm_swp_t entry);	/* fork copies a swap PTE: 0 or -ENOMEM */
void mm_swap_free(struct mm_cache *c, mm_swp_t entry);		/* one PTE less; the slot goes with the last user */
void mm_free_swap_and_cache(struct mm_cache *c, mm_swp_t entry); /* the same from zap: drops an unused swap-cache page too */
unsigned int mm_swap_count(const struct mm_cache *c, mm_swp_t entry); /* PTEs that hold it (__swap_count()) */

/* ---- swap cache ---- */
mm_pfn_t mm_swap_cache_get_folio(const struct mm_cache *c, mm_swp_t entry);	/* MM_PFN_NONE: not there; no reference */
uint64_t mm_get_shadow_from_swap_cache(const struct mm_cache *c, mm_swp_t entry);	/* 0 none */
void mm_split_swap_folio(struct mm_cache *c, mm_pfn_t head);	/* a 2M folio in the swap cache becomes 512 pages there */
static inline mm_swp_t mm_folio_swap(const struct mm_cache *c, mm_pfn_t pfn) { return c->page_swap[pfn]; }
/* Give an anonymous folio a slot and put it into the swap cache, dirty (add_to_swap()); false: swap is full. */
bool mm_add_to_swap(struct mm_cache *c, mm_pfn_t pfn);
bool mm_folio_alloc_swap(struct mm_cache *c, mm_pfn_t pfn);	/* the same for any page, left clean (shmem_writepage()) */
void mm_delete_from_swap_cache(struct mm_cache *c, mm_pfn_t pfn);	/* slot and reference go */
/* The same in eviction: leaves @shadow; the cache's reference goes without freeing the page. */
void mm_swap_cache_evict(struct mm_cache *c, mm_pfn_t pfn, uint64_t shadow);
/* Drop the swap-cache copy if no PTE holds the slot (folio_free_swap()): true when it is out now; the page is dirty then. */
bool mm_folio_free_swap(struct mm_cache *c, mm_pfn_t pfn);
bool mm_folio_swapped(const struct mm_cache *c, mm_pfn_t pfn);	/* a PTE still holds the slot */

/* ---- swap-in ---- */
/*
 * The page of @entry: from the swap cache, or a fresh one that is charged, added
 * and read (PSWPIN counted, refault evaluated, on the LRU).  @pfnp gets a
 * reference of the caller's.  @newp tells whether it was read now.  0, -ENOENT (slot is free) or -ENOMEM.
 */
int mm_read_swap_cache_async(struct mm_cache *c, mm_swp_t entry, mm_gfp_t gfp, struct mm_memcg *memcg,
			     mm_pfn_t *pfnp, bool *newp);
/*
 * The same in no cache, of an entry that one PTE alone holds, from a synchronous device: the caller's mapping is to free the slot.
 * Source: Linux 6.6 mm/memory.c do_swap_page().
 */
int mm_swap_in_alone(struct mm_cache *c, mm_swp_t entry, mm_gfp_t gfp, struct mm_memcg *memcg, mm_pfn_t *pfnp);
/*
 * Read @entry and the aligned window of slots around it (swap_cluster_readahead()): the page with a reference of the
 * caller's, MM_PFN_NONE without memory.
 */
mm_pfn_t mm_swap_cluster_readahead(struct mm_cache *c, mm_swp_t entry, mm_gfp_t gfp, struct mm_memcg *memcg);
/*
 * A fault at @vaddr found the folio in the swap cache: counts read-ahead hits (swap_cache_get_folio()).
 * @vma_swap_readahead_info: the VMA's; NULL: a fault of shared memory, which has none.
 */
void mm_swap_ra_note_hit(struct mm_cache *c, mm_pfn_t pfn, uint64_t *vma_swap_readahead_info, uint64_t vaddr);

/* VMA read-ahead (swap_ra_info()): PTEs [start_vaddr, start_vaddr + nr pages) are read around the fault. */
struct mm_swap_ra {
	uint64_t start_vaddr;
	unsigned int nr_pte;		/* 1: only the faulting one, without counting SWAP_RA */
	unsigned int offset;		/* of the faulting PTE within */
};
void mm_swap_ra_info(struct mm_cache *c, uint64_t *vma_swap_readahead_info, uint64_t vaddr,
		     uint64_t vm_start, uint64_t vm_end, struct mm_swap_ra *ra);
/* A page of such a window that was read now and is not the faulting one: PG_readahead and SWAP_RA. */
void mm_swap_ra_mark(struct mm_cache *c, mm_pfn_t pfn);

/* ---- swap-out ---- */
int mm_bio_pool_init(struct mm_cache *c, struct mm_slab *slab);
/*
 * An object for the next write (bio_alloc() with GFP_NOIO by one who reclaims): a slab's, or one of the two in the pool. False: there
 * is none, who writes sleeps until one is in the pool again (mm_swap_bio_is_back()).
 */
bool mm_swap_bio_get(struct mm_cache *c);
static inline bool mm_swap_bio_is_back(const struct mm_cache *c) { return c->bio_pool.nr; }
/* SWP_SYNCHRONOUS_IO of the device */
static inline bool mm_swap_is_synchronous(const struct mm_cache *c) { return mm_sysctl(c->ctx, MM_SYSCTL_SWAP_SYNCHRONOUS); }
/* Into the plug, PG_writeback until it is done; to a synchronous device at once. */
void mm_swap_writepage(struct mm_cache *c, mm_pfn_t pfn);
void mm_swap_io_unplug(struct mm_cache *c);			/* what is plugged goes to the device (blk_finish_plug()) */
void mm_swap_io_end(struct mm_cache *c);			/* writes that are done end, oldest first */
void mm_flush_memcg_stats_dwork(struct mm_cache *c);		/* it is time to gather memcgs' counters (memcg_stats.c) */
static inline void mm_swap_io_elapse(struct mm_cache *c, uint64_t ns)	/* time passes */
{
	c->swap_clock_ns += ns;
	if (c->swap_clock_ns >= c->swap_due_ns)
		mm_swap_io_end(c);
	if (c->swap_clock_ns >= c->stats_work_ns)
		mm_flush_memcg_stats_dwork(c);
}
static inline uint64_t mm_swap_io_clock(const struct mm_cache *c) { return c->swap_clock_ns; }	/* simulated nanoseconds since boot */
void mm_swap_io_finish(struct mm_cache *c);	/* every write is done: end_swap_bio_write(), rotation */

bool mm_swap_is_consistent(const struct mm_cache *c);

#endif /* CACHE_SWAP_H */
