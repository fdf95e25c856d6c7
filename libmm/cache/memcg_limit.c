/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cache/memcg_limit.c - limits that change, swap charges, protection
 *
 * memory.max and memory.high are written while pages are charged; swap.max is
 * counted by slot; memory.min and memory.low of a memcg are what its parents
 * pass down of their own (effective protection).
 *
 * Source: Linux 6.6 mm/memcontrol.c.
 */
#include <stdlib.h>

#include <libmm/wide.h>

#include "base/host_memory.h"
#include "base/minmax.h"
#include "cache/fbatches.h"
#include "cache/memcg.h"
#include "cache/swap_impl.h"

void mm_memory_max_write(struct mm_cache *c, struct mm_memcg *m, uint64_t max_pages)
{
	int retries = MM_MAX_RECLAIM_RETRIES;
	bool drained = false;

	m->max = max_pages;
	while (m->usage > max_pages) {
		if (!drained) {
			mm_memcg_drain_all_stock(c, m);
			drained = true;
			continue;
		}
		if (retries > 0) {
			if (!c->hooks.try_to_free_mem_cgroup_pages ||
			    !c->hooks.try_to_free_mem_cgroup_pages(c->hooks.arg, m, m->usage - max_pages, MM_GFP_KERNEL,
								   MM_MEMCG_RECLAIM_MAY_SWAP))
				retries--;
			continue;
		}
		if (c->dying)			/* the task that writes is the victim: it gives its memory back soon */
			break;
		mm_memcg_memory_event(m, MM_MEMCG_EV_OOM);
		if (!c->hooks.mem_cgroup_out_of_memory ||
		    !c->hooks.mem_cgroup_out_of_memory(c->hooks.arg, m, MM_GFP_KERNEL, 0))
			break;
	}
}

void mm_memory_high_write(struct mm_cache *c, struct mm_memcg *m, uint64_t high_pages)
{
	int retries = MM_MAX_RECLAIM_RETRIES;
	bool drained = false;

	m->high = high_pages;
	while (m->usage > high_pages) {
		if (!drained) {
			mm_memcg_drain_all_stock(c, m);
			drained = true;
			continue;
		}
		if ((!c->hooks.try_to_free_mem_cgroup_pages ||
		     !c->hooks.try_to_free_mem_cgroup_pages(c->hooks.arg, m, m->usage - high_pages, MM_GFP_KERNEL,
							    MM_MEMCG_RECLAIM_MAY_SWAP)) && !retries--)
			break;
	}
}

/* Of each level that is over: pages reclaimed. */
static uint64_t reclaim_high(struct mm_cache *c, struct mm_memcg *m, uint64_t nr_pages, mm_gfp_t gfp)
{
	uint64_t n = 0;

	for (; m && m->parent; m = m->parent) {
		if (m->usage <= m->high)
			continue;
		mm_memcg_memory_event(m, MM_MEMCG_EV_HIGH);
		n += c->hooks.try_to_free_mem_cgroup_pages(c->hooks.arg, m, nr_pages, gfp, MM_MEMCG_RECLAIM_MAY_SWAP);
	}
	return n;
}

enum { MAX_HIGH_DELAY = 2 * MM_HZ };		/* jiffies */

/* 2^20 is as much again as is allowed. */
static uint64_t calculate_overage(uint64_t usage, uint64_t high)
{
	return usage > high ? ((usage - high) << 20) / (high ? high : 1) : 0;
}

static uint64_t mem_find_max_overage(const struct mm_memcg *m)
{
	uint64_t most = 0;

	for (; m && m->parent; m = m->parent)
		most = mm_max_u64(most, calculate_overage(m->usage, m->high));
	return most;
}

static uint64_t swap_find_max_overage(struct mm_memcg *m)
{
	uint64_t most = 0;

	for (; m && m->parent; m = m->parent) {
		uint64_t over = calculate_overage(m->swap_usage, m->swap_high);

		if (over)
			mm_memcg_memory_event(m, MM_MEMCG_EV_SWAP_HIGH);
		most = mm_max_u64(most, over);
	}
	return most;
}

/* Jiffies: with the square of the overage, and with what the task itself charged. */
static uint64_t calculate_high_delay(uint64_t over, uint64_t nr_pages)
{
	if (over >> 27)				/* its square would not fit; far beyond the most */
		return MAX_HIGH_DELAY;
	return (over * over * MM_HZ >> 20 >> 14) * nr_pages / MM_MEMCG_CHARGE_BATCH;
}

/* The sleep of a task that reclaim cannot bring below the limit is noted, time does not pass. */
void mm_mem_cgroup_handle_over_high(struct mm_cache *c, struct mm_memcg *m, mm_gfp_t gfp)
{
	uint64_t nr_pages = c->nr_pages_over_high, reclaimed, want = nr_pages, delay;
	int retries = MM_MAX_RECLAIM_RETRIES;

	c->nr_pages_over_high = 0;
	if (!nr_pages || !c->hooks.try_to_free_mem_cgroup_pages)
		return;
	for (;;) {
		reclaimed = reclaim_high(c, m, want, gfp);
		delay = calculate_high_delay(mem_find_max_overage(m), nr_pages);
		delay += calculate_high_delay(swap_find_max_overage(m), nr_pages);
		delay = mm_min_u64(delay, MAX_HIGH_DELAY);
		if (delay <= MM_HZ / 100)
			return;
		if (!reclaimed && !retries--)
			break;
		want = MM_SWAP_CLUSTER_MAX;
	}
	m->throttled_ns += delay * MM_JIFFY_NS;
}

bool mm_mem_cgroup_swap_full(const struct mm_cache *c, mm_pfn_t pfn)
{
	if (mm_vm_swap_full(c))
		return true;
	for (const struct mm_memcg *m = mm_folio_memcg(c, pfn); m->parent && !c->cgroup_v1; m = m->parent)
		if (m->swap_usage * 2 >= m->swap_high || m->swap_usage * 2 >= m->swap_max)
			return true;
	return false;
}

int64_t mm_mem_cgroup_get_nr_swap_pages(const struct mm_cache *c, const struct mm_memcg *m)
{
	int64_t nr = mm_nr_swap_pages(c);

	for (; m && m->parent && !c->cgroup_v1; m = m->parent) {
		int64_t left = (int64_t)m->swap_max - (int64_t)m->swap_usage;

		if (left < nr)
			nr = left;
	}
	return nr;
}

bool mm_mem_cgroup_try_charge_swap(struct mm_cache *c, struct mm_memcg *m, uint64_t nr_pages)
{
	for (struct mm_memcg *i = m; i; i = i->parent) {
		if (i->swap_usage + nr_pages <= i->swap_max) {
			i->swap_usage += nr_pages;
			i->swap_peak = mm_max_u64(i->swap_peak, i->swap_usage);
			continue;
		}
		i->swap_failcnt++;
		mm_memcg_memory_event(m, MM_MEMCG_EV_SWAP_MAX);
		mm_memcg_memory_event(m, MM_MEMCG_EV_SWAP_FAIL);
		for (struct mm_memcg *k = m; k != i; k = k->parent)
			k->swap_usage -= nr_pages;
		return false;
	}
	mm_memcg_rstat_updated(c->ctx, (int64_t)nr_pages);	/* MEMCG_SWAP */
	return true;
}

void mm_mem_cgroup_force_charge_swap(struct mm_memcg *m, uint64_t nr_pages)
{
	for (; m; m = m->parent) {
		m->swap_usage += nr_pages;
		m->swap_peak = mm_max_u64(m->swap_peak, m->swap_usage);
	}
}

void mm_mem_cgroup_uncharge_swap(struct mm_cache *c, struct mm_memcg *m, uint64_t nr_pages)
{
	for (; m; m = m->parent)
		m->swap_usage -= nr_pages;
	mm_memcg_rstat_updated(c->ctx, (int64_t)nr_pages);
}

/* What of a parent's protection of @parent_effective pages is for one of its children. */
struct share {
	uint64_t usage, setting;		/* the child's */
	uint64_t parent_usage, parent_effective;
	uint64_t siblings;			/* pages that it and its siblings have within their settings */
};

/* effective_protection(); @recursive: what none of them claims is shared out by what they use beyond their settings. */
static uint64_t effective_protection(struct share s, bool recursive)
{
	uint64_t protected_pages = mm_min_u64(s.usage, s.setting);

	if (s.siblings > s.parent_effective)
		return mm_mul_div(protected_pages, s.parent_effective, 0, s.siblings);
	if (!recursive || s.parent_effective == s.siblings || s.parent_usage <= s.siblings || s.usage == protected_pages)
		return protected_pages;
	return protected_pages + mm_mul_div(s.parent_effective - s.siblings, s.usage - protected_pages, 0, s.parent_usage - s.siblings);
}

static uint64_t protected_usage(const struct mm_memcg *parent, bool low)
{
	uint64_t sum = 0;

	for (const struct mm_memcg *m = parent->first_child; m; m = m->next_sibling) {
		uint64_t setting = low ? m->low : m->min;

		sum += mm_min_u64(m->usage, setting);
	}
	return sum;
}

void mm_mem_cgroup_calculate_protection(const struct mm_cache *c, struct mm_memcg *root, struct mm_memcg *m)
{
	bool recursive = mm_sysctl(c->ctx, MM_SYSCTL_MEMORY_RECURSIVEPROT);
	struct mm_memcg *parent = m->parent;

	if (m == root || !m->usage || !parent)
		return;
	if (parent == root) {
		m->emin = m->min;
		m->elow = m->low;
		return;
	}
	m->emin = effective_protection((struct share){ m->usage, m->min, parent->usage, parent->emin, protected_usage(parent, false) },
				       recursive);
	m->elow = effective_protection((struct share){ m->usage, m->low, parent->usage, parent->elow, protected_usage(parent, true) },
				       recursive);
}

/* What each holds itself: pages, kernel memory, and what CPUs have charged ahead. */
static uint64_t *own_pages(const struct mm_cache *c)
{
	uint64_t *own = mm_host_calloc(c->nr_memcgs, sizeof(*own));

	for (mm_pfn_t pfn = 0; own && pfn < c->phys->max_pfn; pfn++)	/* page tables are kernel memory */
		if (c->page_memcg[pfn] && c->page_memcg[pfn] <= c->nr_memcgs && !(mm_cache_page(c, pfn)->flags & MM_PG_TABLE))
			own[c->page_memcg[pfn] - 1] += mm_folio_nr_pages(mm_cache_page(c, pfn));
	for (uint32_t i = 0; own && i < c->nr_memcgs; i++)
		own[i] += c->memcgs[i]->kmem + c->memcgs[i]->captured_other;
	for (uint32_t i = 0; own && i < c->ctx->nr_cpus; i++)
		if (c->fbatches[i].stock)
			own[c->fbatches[i].stock->id - 1] += c->fbatches[i].stock_pages;
	return own;
}

/* Slots know who pays for them. */
static bool swap_is_consistent(const struct mm_cache *c)
{
	uint64_t *own = mm_host_calloc(c->nr_memcgs, sizeof(*own));
	bool ok = true;

	for (uint32_t slot = 1; own && slot < c->swap->max; slot++)
		if (c->swap->cgroup[slot])
			own[c->swap->cgroup[slot] - 1]++;
	for (uint32_t i = 0; own && ok && i < c->nr_memcgs; i++) {
		uint64_t sum = own[i];

		for (const struct mm_memcg *k = c->memcgs[i]->first_child; k; k = k->next_sibling)
			sum += k->swap_usage;
		ok = sum == c->memcgs[i]->swap_usage;
	}
	free(own);
	return ok;
}

bool mm_memcg_is_consistent(const struct mm_cache *c)
{
	uint64_t *own = own_pages(c);
	bool ok = true;

	for (uint32_t i = 0; own && ok && i < c->nr_memcgs; i++) {
		const struct mm_memcg *m = c->memcgs[i];
		uint64_t sum = own[i];

		for (const struct mm_memcg *k = m->first_child; k; k = k->next_sibling)
			sum += k->usage;
		ok = m->id == i + 1 && (m->parent == NULL) == (i == 0) && sum == m->usage;
	}
	free(own);
	return ok && swap_is_consistent(c);
}
