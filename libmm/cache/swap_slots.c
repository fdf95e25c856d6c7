/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cache/swap_slots.c - slots of the swap device: a count each, in clusters of 512
 *
 *   slot 0    1    2  ...  511 | 512 ...          map[slot] = PTEs that hold it | SWAP_HAS_CACHE
 *   header    \__ cluster 0 __/ \_ cluster 1
 *
 * A CPU takes slots one after the other from a cluster that was free; when no
 * cluster is free it scans.  It takes and gives back 64 at a time, so a freed
 * slot (and the shadow in it) stays until its CPU has gathered 64.
 *
 * A 2M folio takes a free cluster whole, past all this, and its slots stay together until it leaves the swap cache.
 *
 * Source: Linux 6.6 mm/swapfile.c, mm/swap_slots.c.  One device; discard and
 * the random choice of another 64 MiB trunk (which spreads lock contention) are left out.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/host_memory.h"
#include "base/minmax.h"
#include "cache/filemap.h"
#include "cache/memcg.h"
#include "cache/swap_impl.h"

enum { CLUSTER_COLS = 32, LATENCY_LIMIT = 256 };
enum { THRESHOLD_ACTIVATE = 5 * MM_SWAP_SLOTS_CACHE_SIZE, THRESHOLD_DEACTIVATE = 2 * MM_SWAP_SLOTS_CACHE_SIZE };

static void free_cluster(struct mm_swap *s, uint32_t idx)
{
	s->cluster_link[idx] = MM_CLUSTER_NONE;
	if (s->free_head == MM_CLUSTER_NONE)
		s->free_head = idx;
	else
		s->cluster_link[s->free_tail] = idx;
	s->free_tail = idx;
}

static void alloc_cluster(struct mm_swap *s)	/* always the first free one */
{
	s->free_head = s->cluster_link[s->free_head];
}

/* The order in which swapon lists the clusters: column by column of 32. */
static void list_clusters(struct mm_swap *s)
{
	s->free_head = s->free_tail = MM_CLUSTER_NONE;
	s->cluster_count[0]++;
	for (uint32_t i = s->max; i < s->nr_clusters * MM_SWAPFILE_CLUSTER; i++)
		s->cluster_count[i / MM_SWAPFILE_CLUSTER]++;
	for (uint32_t k = 0; k < CLUSTER_COLS; k++)
		for (uint32_t idx = k; idx < s->nr_clusters; idx += CLUSTER_COLS)
			if (!s->cluster_count[idx])
				free_cluster(s, idx);
}

static int swap_alloc_host(struct mm_swap *s, uint32_t nr_cpus)
{
	size_t per_slot = sizeof(*s->map) + sizeof(*s->cgroup);

	s->nr_clusters = (s->max + MM_SWAPFILE_CLUSTER - 1) / MM_SWAPFILE_CLUSTER;
	s->cluster_count = mm_host_calloc(s->nr_clusters, sizeof(*s->cluster_count));
	s->cluster_link = mm_host_calloc(s->nr_clusters, sizeof(*s->cluster_link));
	s->cpu = mm_host_calloc(nr_cpus, sizeof(*s->cpu));
	s->mapped_bytes = per_slot * s->max;
	s->mapped = mm_host_map(s->mapped_bytes);
	s->space = mm_host_calloc((s->max >> MM_SWAP_ADDRESS_SPACE_SHIFT) + 1, sizeof(*s->space));
	if (!s->mapped || !s->space || !s->cluster_count || !s->cluster_link || !s->cpu)
		return -ENOMEM;
	s->map = s->mapped;
	s->cgroup = s->map + s->max;
	for (uint32_t i = 0; i < nr_cpus; i++) {
		s->cpu[i].cluster = MM_CLUSTER_NONE;
		s->cpu[i].scan_next = 1;
	}
	return 0;
}

int mm_swap_new(struct mm_cache *c, uint64_t swap_bytes)
{
	uint64_t pages = swap_bytes >> MM_PAGE_SHIFT;
	struct mm_swap *s = mm_host_calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	c->swap = s;
	c->swap_due_ns = UINT64_MAX;
	s->ra_hits = 4;
	if (!pages)
		return 0;
	if (pages >= (UINT64_C(1) << 31) - MM_SWAPFILE_CLUSTER)
		return -EINVAL;
	s->max = (uint32_t)pages + 1;
	s->lowest_bit = 1;
	s->highest_bit = s->max - 1;
	s->nr_swap_pages = (int64_t)pages;
	if (swap_alloc_host(s, c->ctx->nr_cpus))
		return -ENOMEM;
	list_clusters(s);
	return 0;
}

void mm_swap_destroy(struct mm_swap *s)
{
	if (!s)
		return;
	for (uint32_t i = 0; s->space && i <= s->max >> MM_SWAP_ADDRESS_SPACE_SHIFT; i++)
		mm_xa_destroy(&s->space[i]);
	free(s->space);
	if (s->mapped)
		munmap(s->mapped, s->mapped_bytes);
	free(s->cluster_count);
	free(s->cluster_link);
	free(s->cpu);
	free(s->inflight.v);
	free(s->plug[0].writes.v);
	free(s->plug[1].writes.v);
	free(s);
}

/* The next slot of this CPU's cluster, of a new one when it is used up; 0: no cluster is free. */
static uint32_t try_ssd_cluster(struct mm_swap *s, struct mm_swap_slots_cache *cpu)
{
	for (;;) {
		uint32_t end, slot;

		if (cpu->cluster == MM_CLUSTER_NONE) {
			if (s->free_head == MM_CLUSTER_NONE)
				return 0;
			cpu->cluster = s->free_head;
			cpu->cluster_next = cpu->cluster * MM_SWAPFILE_CLUSTER;
		}
		end = (cpu->cluster + 1) * MM_SWAPFILE_CLUSTER;
		if (end > s->max)
			end = s->max;
		for (slot = cpu->cluster_next; slot < end && (s->map[slot] || !slot); slot++)
			;
		if (slot < end) {
			cpu->cluster_next = slot + 1;
			return slot;
		}
		cpu->cluster = MM_CLUSTER_NONE;
	}
}

/* A slot in the middle of the list of free clusters is not for a scan to take. */
static bool cluster_conflict(const struct mm_swap *s, uint32_t slot)
{
	uint32_t idx = slot / MM_SWAPFILE_CLUSTER;

	return s->free_head != MM_CLUSTER_NONE && idx != s->free_head && s->cluster_count[idx] == 0;
}

static void take_slot(struct mm_swap *s, uint32_t slot)
{
	uint32_t idx = slot / MM_SWAPFILE_CLUSTER;

	if (s->cluster_count[idx] == 0)
		alloc_cluster(s);
	s->cluster_count[idx]++;
	s->map[slot] = MM_SWAP_HAS_CACHE;
	if (slot == s->lowest_bit)
		s->lowest_bit++;
	if (slot == s->highest_bit)
		s->highest_bit--;
	if (++s->inuse_pages == s->max - 1) {
		s->lowest_bit = s->max;
		s->highest_bit = 0;
	}
}

/* When swap is half full a slot that only the swap cache holds may be had too. */
static bool slot_available(struct mm_cache *c, uint32_t slot)
{
	struct mm_swap *s = c->swap;
	mm_pfn_t pfn;

	if (!s->map[slot])
		return true;
	if (!mm_vm_swap_full(c) || s->map[slot] != MM_SWAP_HAS_CACHE)
		return false;
	pfn = mm_swap_cache_get_folio(c, slot);
	if (pfn == MM_PFN_NONE || (mm_cache_page(c, pfn)->flags & MM_PG_LOCKED))
		return false;
	mm_folio_get(c, pfn);
	mm_folio_free_swap(c, pfn);
	mm_folio_put(c, pfn);
	return !s->map[slot];
}

static uint32_t scan_for_slot(struct mm_cache *c, uint32_t base)
{
	struct mm_swap *s = c->swap;

	for (uint32_t slot = base; slot <= s->highest_bit; slot++)
		if (slot_available(c, slot) && !cluster_conflict(s, slot))
			return slot;
	for (uint32_t slot = s->lowest_bit; slot < base && slot <= s->highest_bit; slot++)
		if (slot_available(c, slot) && !cluster_conflict(s, slot))
			return slot;
	return 0;
}

/* scan_swap_map_slots() */
static uint32_t scan_swap_map_slots(struct mm_cache *c, uint32_t nr, mm_swp_t *slots)
{
	struct mm_swap *s = c->swap;
	struct mm_swap_slots_cache *cpu = &s->cpu[c->ctx->cpu];
	uint32_t n = 0, slot = 0;

	while (n < nr && s->highest_bit) {
		slot = try_ssd_cluster(s, cpu);
		if (!slot && n)
			break;
		if (!slot)
			slot = scan_for_slot(c, cpu->scan_next);
		if (!slot)
			break;
		take_slot(s, slot);
		slots[n++] = slot;
		/* without a free cluster: what lies close by */
		for (int left = LATENCY_LIMIT; n < nr && s->free_head == MM_CLUSTER_NONE && cpu->cluster == MM_CLUSTER_NONE &&
		     --left > 0 && ++slot <= s->highest_bit; ) {
			if (s->map[slot])
				continue;
			take_slot(s, slot);
			slots[n++] = slot;
		}
	}
	if (n)
		cpu->scan_next = slots[n - 1] + 1 < s->max ? slots[n - 1] + 1 : 1;
	return n;
}

static uint32_t get_swap_pages(struct mm_cache *c, uint32_t goal, mm_swp_t *slots)
{
	struct mm_swap *s = c->swap;
	uint32_t n;

	if (s->nr_swap_pages <= 0)
		return 0;
	if ((int64_t)goal > s->nr_swap_pages)
		goal = (uint32_t)s->nr_swap_pages;
	s->nr_swap_pages -= goal;
	n = scan_swap_map_slots(c, goal, slots);
	s->nr_swap_pages += goal - n;
	return n;
}

/* swap_entry_free(): the slot is the device's again. */
static void swap_entry_free(struct mm_cache *c, mm_swp_t slot)
{
	struct mm_swap *s = c->swap;
	uint32_t idx = slot / MM_SWAPFILE_CLUSTER;

	s->map[slot] = 0;
	if (--s->cluster_count[idx] == 0)
		free_cluster(s, idx);
	if (s->cgroup[slot])
		mm_mem_cgroup_uncharge_swap(c, c->memcgs[s->cgroup[slot] - 1], 1);
	s->cgroup[slot] = 0;
	if (slot < s->lowest_bit)
		s->lowest_bit = slot;
	if (slot > s->highest_bit)
		s->highest_bit = slot;
	s->nr_swap_pages++;
	s->inuse_pages--;
	mm_xa_store(mm_swap_address_space(s, slot), slot, 0, NULL);	/* clear_shadow_from_swap_cache() */
}

static void drain_slots_caches(struct mm_cache *c)
{
	for (uint32_t i = 0; i < c->ctx->nr_cpus; i++) {
		struct mm_swap_slots_cache *cpu = &c->swap->cpu[i];

		for (uint32_t k = 0; k < cpu->nr; k++)
			swap_entry_free(c, cpu->slots[cpu->cur + k]);
		for (uint32_t k = 0; k < cpu->n_ret; k++)
			swap_entry_free(c, cpu->ret[k]);
		cpu->cur = cpu->nr = cpu->n_ret = 0;
	}
}

/* The slot caches rest when less than two fillings are left for each CPU. */
static bool check_cache_active(struct mm_cache *c)
{
	struct mm_swap *s = c->swap;

	if (!s->slot_cache_active) {
		s->slot_cache_active = s->nr_swap_pages > (int64_t)c->ctx->nr_cpus * THRESHOLD_ACTIVATE;
	} else if (s->nr_swap_pages < (int64_t)c->ctx->nr_cpus * THRESHOLD_DEACTIVATE) {
		s->slot_cache_active = false;
		drain_slots_caches(c);
	}
	return s->slot_cache_active;
}

mm_swp_t mm_get_swap_slot(struct mm_cache *c)
{
	struct mm_swap *s = c->swap;
	struct mm_swap_slots_cache *cpu;
	mm_swp_t slot = 0;

	if (!s->max)
		return 0;
	cpu = &s->cpu[c->ctx->cpu];
	if (check_cache_active(c)) {
		if (!cpu->nr) {
			cpu->cur = 0;
			cpu->nr = get_swap_pages(c, MM_SWAP_SLOTS_CACHE_SIZE, cpu->slots);
		}
		if (cpu->nr) {
			cpu->nr--;
			return cpu->slots[cpu->cur++];
		}
	}
	return get_swap_pages(c, 1, &slot) ? slot : 0;
}

void mm_swap_occupy(struct mm_cache *c, uint64_t nr)
{
	mm_swp_t slots[MM_SWAP_SLOTS_CACHE_SIZE];
	uint32_t n;

	for (; nr; nr -= n) {
		n = get_swap_pages(c, (uint32_t)mm_min_u64(nr, MM_SWAP_SLOTS_CACHE_SIZE), slots);
		if (!n)
			return;
		for (uint32_t i = 0; i < n; i++)
			c->swap->map[slots[i]] = 1;
	}
}

void mm_put_swap_slot(struct mm_cache *c, mm_swp_t entry)
{
	struct mm_swap_slots_cache *cpu = &c->swap->cpu[c->ctx->cpu];

	c->swap->map[entry] = MM_SWAP_HAS_CACHE;
	if (!c->swap->slot_cache_active) {
		swap_entry_free(c, entry);
		return;
	}
	if (cpu->n_ret >= MM_SWAP_SLOTS_CACHE_SIZE) {
		for (uint32_t k = 0; k < cpu->n_ret; k++)
			swap_entry_free(c, cpu->ret[k]);
		cpu->n_ret = 0;
	}
	cpu->ret[cpu->n_ret++] = entry;
}

/* ---- clusters of 2M folios ---- */

static void swap_range_alloc(struct mm_swap *s, uint32_t first, uint32_t nr)
{
	if (first == s->lowest_bit)
		s->lowest_bit += nr;
	if (first + nr - 1 == s->highest_bit)
		s->highest_bit -= nr;
	s->inuse_pages += nr;
	if (s->inuse_pages == s->max - 1) {
		s->lowest_bit = s->max;
		s->highest_bit = 0;
	}
}

mm_swp_t mm_get_swap_cluster(struct mm_cache *c)
{
	struct mm_swap *s = c->swap;
	uint32_t idx = s->free_head, first = idx * MM_SWAPFILE_CLUSTER;

	if (!s->max || s->nr_swap_pages < MM_SWAPFILE_CLUSTER || idx == MM_CLUSTER_NONE)
		return 0;
	alloc_cluster(s);
	s->cluster_link[idx] = MM_CLUSTER_HUGE;
	s->cluster_count[idx] = MM_SWAPFILE_CLUSTER;
	for (uint32_t i = 0; i < MM_SWAPFILE_CLUSTER; i++)
		s->map[first + i] = MM_SWAP_HAS_CACHE;
	s->nr_swap_pages -= MM_SWAPFILE_CLUSTER;
	swap_range_alloc(s, first, MM_SWAPFILE_CLUSTER);
	return first;
}

void mm_split_swap_cluster(struct mm_cache *c, mm_swp_t entry)
{
	c->swap->cluster_link[entry / MM_SWAPFILE_CLUSTER] = MM_CLUSTER_NONE;
}

bool mm_swap_page_swapped(const struct mm_cache *c, mm_swp_t entry)
{
	const struct mm_swap *s = c->swap;
	uint32_t idx = entry / MM_SWAPFILE_CLUSTER;

	if (s->cluster_link[idx] != MM_CLUSTER_HUGE)
		return mm_swap_count(c, entry) != 0;
	for (uint32_t i = 0; i < MM_SWAPFILE_CLUSTER; i++)
		if (s->map[idx * MM_SWAPFILE_CLUSTER + i] & MM_SWAP_MAP_MAX)
			return true;
	return false;
}

void mm_put_swap_folio(struct mm_cache *c, mm_swp_t entry, uint64_t nr)
{
	bool whole = nr == MM_SWAPFILE_CLUSTER;

	if (nr == 1) {
		mm_swap_entry_free(c, entry, MM_SWAP_HAS_CACHE);
		return;
	}
	for (uint64_t i = 0; whole && i < nr; i++)
		whole = c->swap->map[entry + i] == MM_SWAP_HAS_CACHE;
	mm_split_swap_cluster(c, entry);
	for (uint64_t i = 0; i < nr; i++) {
		if (whole)
			swap_entry_free(c, (mm_swp_t)(entry + i));
		else
			mm_swap_entry_free(c, (mm_swp_t)(entry + i), MM_SWAP_HAS_CACHE);
	}
}

uint16_t mm_swap_entry_free(struct mm_cache *c, mm_swp_t entry, uint16_t usage)
{
	uint16_t left = (uint16_t)(c->swap->map[entry] - usage);

	c->swap->map[entry] = left;
	if (!left)
		mm_put_swap_slot(c, entry);
	return left;
}

int mm_swap_duplicate(struct mm_cache *c, mm_swp_t entry)
{
	uint16_t *map = &c->swap->map[entry];

	if ((*map & MM_SWAP_MAP_MAX) == MM_SWAP_MAP_MAX)
		return -ENOMEM;
	(*map)++;
	return 0;
}

void mm_swap_free(struct mm_cache *c, mm_swp_t entry) { mm_swap_entry_free(c, entry, 1); }
uint64_t mm_total_swap_pages(const struct mm_cache *c) { return c->swap->max ? c->swap->max - 1 : 0; }
int64_t mm_nr_swap_pages(const struct mm_cache *c) { return c->swap->nr_swap_pages; }
bool mm_vm_swap_full(const struct mm_cache *c) { return c->swap->nr_swap_pages * 2 < (int64_t)mm_total_swap_pages(c); }
unsigned int mm_swap_count(const struct mm_cache *c, mm_swp_t entry) { return c->swap->map[entry] & MM_SWAP_MAP_MAX; }
