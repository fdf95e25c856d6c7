/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cache/memcg_lru.h - MGLRU's LRU of memcgs: whom global reclaim visits next
 *
 * Model: Linux 6.6 include/linux/mmzone.h struct lru_gen_memcg, mm/vmscan.c.
 */
#ifndef CACHE_MEMCG_LRU_H
#define CACHE_MEMCG_LRU_H

#include <stdbool.h>
#include <stdint.h>

#include <libmm/types.h>
#include "base/rng.h"

struct mm_cache;
struct mm_lruvec;
struct mm_memcg;

enum { MM_MEMCG_NR_GENS = 3, MM_MEMCG_NR_BINS = 8 };

/* Moves of a memcg: within its generation, or to the old or young one. */
enum mm_memcg_lru_op { MM_MEMCG_LRU_NOP, MM_MEMCG_LRU_HEAD, MM_MEMCG_LRU_TAIL, MM_MEMCG_LRU_OLD, MM_MEMCG_LRU_YOUNG };

/* struct lru_gen_memcg: of one node. */
struct mm_lru_gen_memcg {
	uint64_t seq;				/* the old generation; seq + 1 is the young one */
	uint64_t nr_memcgs[MM_MEMCG_NR_GENS];
	struct mm_memcg_bin {
		struct mm_lruvec *first, *last;
	} fifo[MM_MEMCG_NR_GENS][MM_MEMCG_NR_BINS];
	struct mm_rng rng;			/* of bins; its own, so that cgroups change nothing else that is random */
};

/* A lruvec's place in it. */
struct mm_memcg_lru_link {
	struct mm_lruvec *prev, *next;		/* of its bin; @next stays when it leaves: a walk may stand on it */
	uint8_t gen, bin;
	uint8_t seg;				/* MM_MEMCG_LRU_HEAD or _TAIL was the last move; 0: neither */
	bool hashed;				/* is in a bin */
};

static inline unsigned int mm_get_memcg_gen(uint64_t seq) { return (unsigned int)(seq % MM_MEMCG_NR_GENS); }

/* The next random bin of @lru. */
unsigned int mm_memcg_lru_random_bin(struct mm_lru_gen_memcg *lru);
/* A memcg that is new: on each node to the tail of a bin of the old generation. */
void mm_lru_gen_online_memcg(struct mm_cache *c, struct mm_memcg *m);
/* It is removed, pages of it stay: to the head of a bin of the old generation. */
void mm_lru_gen_offline_memcg(struct mm_cache *c, struct mm_memcg *m);
/* It holds nothing any more: leaves the LRU. */
void mm_lru_gen_release_memcg(struct mm_cache *c, struct mm_memcg *m);
/* @op is not MM_MEMCG_LRU_NOP; a lruvec that has left is left alone. */
void mm_lru_gen_rotate_memcg(struct mm_cache *c, struct mm_lruvec *v, enum mm_memcg_lru_op op);

bool mm_memcg_lru_is_consistent(const struct mm_cache *c);

#endif /* CACHE_MEMCG_LRU_H */
