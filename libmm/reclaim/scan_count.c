/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * reclaim/scan_count.c - how much of each list is looked at: anonymous against file, active against inactive
 *
 * Each list offers size >> priority pages.  Between anonymous and file the
 * share is inverse to what bringing pages back has cost lately, weighed by
 * swappiness; some states (no swap, little file memory, plenty of unused file
 * memory, priority 0) take one side or both alike.
 *
 * Source: Linux 6.6 mm/vmscan.c prepare_scan_count(), get_scan_count(), inactive_is_low().
 */
#include <libmm/wide.h>
#include "base/minmax.h"
#include "base/sqrt.h"
#include "reclaim/internal.h"

bool mm_inactive_is_low(const struct mm_lruvec *v, enum mm_lru_list inactive_lru)
{
	uint64_t inactive = mm_lruvec_page_state(v, inactive_lru);
	uint64_t active = mm_lruvec_page_state(v, inactive_lru + MM_LRU_ACTIVE);
	uint64_t gb = (inactive + active) >> (30 - MM_PAGE_SHIFT);

	return inactive * (gb ? mm_int_sqrt(10 * gb) : 1) < active;
}

bool mm_can_reclaim_anon_pages(const struct mm_reclaim *r, const struct mm_memcg *memcg)
{
	return (memcg ? mm_mem_cgroup_get_nr_swap_pages(r->cache, memcg) : mm_nr_swap_pages(r->cache)) > 0;
}

void mm_mem_cgroup_protection(const struct mm_memcg *root, const struct mm_memcg *m, uint64_t *min, uint64_t *low)
{
	*min = root == m ? 0 : m->emin;
	*low = root == m ? 0 : m->elow;
}

/* Deactivate a type while its working set changes (refaults were activated) or its inactive list is short. */
static void choose_deactivate(const struct mm_lruvec *target, struct mm_scan_control *sc)
{
	if (sc->force_deactivate) {
		sc->may_deactivate = MM_DEACTIVATE_ANON | MM_DEACTIVATE_FILE;
		return;
	}
	for (unsigned int type = 0; type < MM_ANON_AND_FILE; type++) {
		unsigned int bit = type ? MM_DEACTIVATE_FILE : MM_DEACTIVATE_ANON;

		if (mm_lruvec_activations(target, type) != target->refaults[type] ||
		    mm_inactive_is_low(target, type ? MM_LRU_INACTIVE_FILE : MM_LRU_INACTIVE_ANON))
			sc->may_deactivate |= bit;
		else
			sc->may_deactivate &= ~bit;
	}
}

/* So little file memory that its lists cannot show what is used: anonymous memory must give. */
static bool file_is_tiny(const struct mm_reclaim *r, uint32_t node, const struct mm_scan_control *sc)
{
	const struct mm_node *n = r->phys->nodes[node];
	uint64_t high = 0, free = 0, file = 0, anon = 0;

	for (unsigned int z = 0; z < MM_MAX_NR_ZONES; z++) {
		const struct mm_zone *zone = &n->zones[z];

		if (!zone->managed_pages)
			continue;
		high += mm_wmark_pages(zone, MM_WMARK_HIGH);
		free += zone->free_pages;
		file += zone->nr_lru[MM_LRU_ACTIVE_FILE] + zone->nr_lru[MM_LRU_INACTIVE_FILE];
		anon += zone->nr_lru[MM_LRU_INACTIVE_ANON];
	}
	return file + free <= high && !(sc->may_deactivate & MM_DEACTIVATE_ANON) && anon >> sc->priority;
}

void mm_prepare_scan_count(struct mm_reclaim *r, uint32_t node, struct mm_scan_control *sc)
{
	struct mm_lruvec *target = mm_target_lruvec(r, sc, node);
	uint64_t file;

	if (mm_lru_gen_enabled(r->cache))
		return;
	mm_mem_cgroup_flush_stats(r->cache);
	sc->anon_cost = target->anon_cost;
	sc->file_cost = target->file_cost;
	choose_deactivate(target, sc);
	file = mm_lruvec_page_state(target, MM_LRU_INACTIVE_FILE);
	sc->cache_trim_mode = file >> sc->priority && !(sc->may_deactivate & MM_DEACTIVATE_FILE);
	if (!mm_cgroup_reclaim(sc))
		sc->file_is_tiny = file_is_tiny(r, node, sc);
}

enum scan_balance { SCAN_EQUAL, SCAN_FRACT, SCAN_ANON, SCAN_FILE };

static enum scan_balance choose_balance(struct mm_reclaim *r, const struct mm_memcg *memcg, const struct mm_scan_control *sc)
{
	int64_t swappiness = mm_mem_cgroup_swappiness(r->cache, memcg);

	if (!sc->may_swap || !mm_can_reclaim_anon_pages(r, memcg))
		return SCAN_FILE;
	if (mm_cgroup_reclaim(sc) && !swappiness)
		return SCAN_FILE;
	if (!sc->priority && swappiness)
		return SCAN_EQUAL;
	if (sc->file_is_tiny)
		return SCAN_ANON;
	return sc->cache_trim_mode ? SCAN_FILE : SCAN_FRACT;
}

/* What protection leaves of a list of @size pages. */
static uint64_t unprotected(const struct mm_memcg *memcg, struct mm_scan_control *sc, uint64_t size)
{
	uint64_t min, low, protection, usage, scan;

	mm_mem_cgroup_protection(sc->target_mem_cgroup, memcg, &min, &low);
	if (!min && !low)
		return size;
	if (!sc->memcg_low_reclaim && low > min) {
		protection = low;
		sc->memcg_low_skipped = true;
	} else {
		protection = min;
	}
	usage = mm_max_u64(memcg->usage, protection);
	scan = size - mm_mul_div(size, protection, 0, usage + 1);
	return scan > MM_SWAP_CLUSTER_MAX ? scan : MM_SWAP_CLUSTER_MAX;
}

void mm_get_scan_count(struct mm_reclaim *r, struct mm_lruvec *v, struct mm_scan_control *sc, uint64_t nr[MM_NR_LRU_LISTS])
{
	uint64_t swappiness = (uint64_t)mm_mem_cgroup_swappiness(r->cache, v->memcg);
	enum scan_balance balance = choose_balance(r, v->memcg, sc);
	uint64_t total = sc->anon_cost + sc->file_cost;
	uint64_t anon_cost = total + sc->anon_cost, file_cost = total + sc->file_cost, fraction[2], denominator;

	total = anon_cost + file_cost;
	fraction[0] = swappiness * (total + 1) / (anon_cost + 1);
	fraction[1] = (200 - swappiness) * (total + 1) / (file_cost + 1);
	denominator = fraction[0] + fraction[1];
	for (unsigned int lru = MM_LRU_INACTIVE_ANON; lru <= MM_LRU_ACTIVE_FILE; lru++) {
		bool file = lru & MM_LRU_FILE;
		uint64_t size = mm_lruvec_lru_size(v, lru, sc->reclaim_idx), scan = unprotected(v->memcg, sc, size) >> sc->priority;

		if (!scan && v->memcg->offline)
			scan = mm_min_u64(size, MM_SWAP_CLUSTER_MAX);
		if (balance == SCAN_FRACT)
			scan = (scan * fraction[file] + (v->memcg->offline ? denominator - 1 : 0)) / denominator;
		else if (balance != SCAN_EQUAL && (balance == SCAN_FILE) != file)
			scan = 0;
		nr[lru] = scan;
	}
	nr[MM_LRU_UNEVICTABLE] = 0;
}
