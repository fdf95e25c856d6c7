/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cache/swap_impl.h - the swap device as its own files see it
 */
#ifndef CACHE_SWAP_IMPL_H
#define CACHE_SWAP_IMPL_H

#include "base/xarray.h"
#include "cache/swap.h"

enum { MM_SWAP_HAS_CACHE = 0x8000, MM_SWAP_MAP_MAX = 0x7fff };	/* swap_map: PTEs, and the bit of the swap cache */
#define MM_CLUSTER_NONE	UINT32_MAX
#define MM_CLUSTER_HUGE	(UINT32_MAX - 1)	/* in cluster_link: all of it belongs to one 2M folio */
enum { MM_SWAP_ADDRESS_SPACE_SHIFT = 14 };

struct mm_swap_slots_cache {			/* of one CPU */
	mm_swp_t slots[MM_SWAP_SLOTS_CACHE_SIZE], ret[MM_SWAP_SLOTS_CACHE_SIZE];
	uint32_t cur, nr, n_ret;
	uint32_t cluster, cluster_next;		/* percpu_cluster: MM_CLUSTER_NONE, next slot in it */
	uint32_t scan_next;			/* cluster_next_cpu: where a scan begins */
};

struct mm_swap {
	uint32_t max;				/* slots with the header, 0: no device */
	uint32_t lowest_bit, highest_bit;	/* free slots lie within; highest 0: full */
	uint32_t inuse_pages;
	int64_t nr_swap_pages;			/* free and not promised */
	uint16_t *map;				/* by slot */
	uint16_t *cgroup;			/* by slot: id of the memcg that pays, 0 none */
	struct mm_xarray *space;		/* by slot / 16384: slot -> PFN + 1, or a shadow (struct address_space) */
	size_t mapped_bytes;			/* of both columns together */
	void *mapped;
	uint32_t nr_clusters;
	uint16_t *cluster_count;
	uint32_t *cluster_link;			/* free list */
	uint32_t free_head, free_tail;		/* MM_CLUSTER_NONE: empty */
	struct mm_swap_slots_cache *cpu;
	bool slot_cache_active;
	uint64_t nr_cached;			/* pages in the swap cache */
	struct mm_swap_writes {
		struct mm_swap_write {
			mm_pfn_t pfn;
			uint64_t due;		/* by swap_clock_ns; while it is plugged the number of its request */
			uint64_t bio;		/* the object that stands for it; 0: none */
		} *v;
		size_t nr, cap;
	} inflight;				/* writes that the device has, oldest first */
	struct mm_swap_plug {
		struct mm_swap_writes writes;
		mm_swp_t next;			/* the slot that would extend the last request */
		uint32_t nr, pages;		/* requests, pages of the last one */
	} plug[2];				/* of who reclaims: a task, kswapd */
	uint64_t bio;				/* for the next write; 0: none yet */
	uint64_t device_ns;			/* when the device has done all that it was given */
	/* cluster read-ahead */
	uint32_t ra_hits, ra_prev_offset, ra_last_pages;
};

static inline struct mm_xarray *mm_swap_address_space(const struct mm_swap *s, mm_swp_t entry)
{
	return &s->space[entry >> MM_SWAP_ADDRESS_SPACE_SHIFT];
}

int mm_swap_new(struct mm_cache *c, uint64_t swap_bytes);
void mm_swap_destroy(struct mm_swap *s);
/* A slot for one page, SWAP_HAS_CACHE set; 0 when there is none. */
mm_swp_t mm_get_swap_slot(struct mm_cache *c);
/* Others, of whom nothing is known, have @nr slots more, or as many as are free. */
void mm_swap_occupy(struct mm_cache *c, uint64_t nr);
/* 512 slots in a row for a 2M folio, SWAP_HAS_CACHE set: a cluster that was free (swap_alloc_cluster()); 0: none. */
mm_swp_t mm_get_swap_cluster(struct mm_cache *c);
/* The folio left the swap cache: slots without an entry are free, a whole cluster of them at once (put_swap_folio()). */
void mm_put_swap_folio(struct mm_cache *c, mm_swp_t entry, uint64_t nr);
void mm_split_swap_cluster(struct mm_cache *c, mm_swp_t entry);	/* the folio became 512 pages */
/* Do entries hold the slot, or any slot of the 2M folio it belongs to? (swap_page_trans_huge_swapped()) */
bool mm_swap_page_swapped(const struct mm_cache *c, mm_swp_t entry);
void mm_put_swap_slot(struct mm_cache *c, mm_swp_t entry);	/* the last user is gone (free_swap_slot()) */
/* Take @usage (1 or MM_SWAP_HAS_CACHE) from the slot; what is left. */
uint16_t mm_swap_entry_free(struct mm_cache *c, mm_swp_t entry, uint16_t usage);

#endif /* CACHE_SWAP_IMPL_H */
