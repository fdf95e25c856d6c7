/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * reclaim/mglru.h - between the files of MGLRU
 */
#ifndef RECLAIM_MGLRU_H
#define RECLAIM_MGLRU_H

#include "reclaim/internal.h"

enum { MM_MIN_LRU_BATCH = 64, MM_MAX_LRU_BATCH = MM_MIN_LRU_BATCH * 64 };

static inline uint64_t mm_nr_gens(const struct mm_lruvec *v, unsigned int type) { return v->lrugen.max_seq - v->lrugen.min_seq[type] + 1; }

/* mglru.c: is a part of it on? */
enum mm_lru_gen_cap { MM_LRU_GEN_MM_WALK = 2, MM_LRU_GEN_NONLEAF_YOUNG = 4 };	/* bits of lru_gen */
bool mm_lru_gen_cap(const struct mm_reclaim *r, enum mm_lru_gen_cap cap);

void mm_lru_gen_begin_lruvec(const struct mm_reclaim *r, const struct mm_lruvec *v, const struct mm_scan_control *sc,
			     struct mm_lruvec_scan *s);
/* A batch of pages of the lruvec begun; false: it is done, and s->aged says whether by a new generation (or protection). */
bool mm_lru_gen_shrink_lruvec_step(struct mm_reclaim *r, struct mm_lruvec *v, struct mm_scan_control *sc, struct mm_lruvec_scan *s);
bool mm_lru_gen_should_abort_scan(const struct mm_reclaim *r, const struct mm_lruvec *v, const struct mm_scan_control *sc);
bool mm_lruvec_is_sizable(const struct mm_reclaim *r, const struct mm_lruvec *v, const struct mm_scan_control *sc);
void mm_lru_gen_set_initial_priority(const struct mm_reclaim *r, uint32_t node, struct mm_scan_control *sc);

/* mglru_seq.c */
void mm_reset_ctrl_pos(struct mm_lruvec *v, unsigned int type);
void mm_folio_inc_gen(struct mm_reclaim *r, struct mm_lruvec *v, mm_pfn_t pfn, bool reclaiming);
bool mm_try_to_inc_min_seq(struct mm_lruvec *v, bool can_swap);
void mm_inc_max_seq(struct mm_reclaim *r, struct mm_lruvec *v, bool can_swap);

/* mglru_walk.c: aging by page tables */
void mm_lru_gen_walk(struct mm_reclaim *r, struct mm_lruvec *v, bool can_swap);

/* mglru_evict.c: evict_folios(); when the batch is done s->of.scanned is how many were looked at, 0: there is nothing to do */
void mm_begin_evict_folios(struct mm_reclaim *r, struct mm_lruvec *v, struct mm_scan_control *sc, struct mm_lruvec_scan *s);
bool mm_evict_folios_step(struct mm_reclaim *r, struct mm_lruvec *v, struct mm_scan_control *sc, struct mm_lruvec_scan *s);

#endif /* RECLAIM_MGLRU_H */
