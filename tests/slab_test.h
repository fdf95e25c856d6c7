/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tests/slab_test.h - a slab allocator on a small physical floor; checked whole when it stops */
#ifndef TESTS_SLAB_TEST_H
#define TESTS_SLAB_TEST_H

#include <libmm/slab.h>
#include "slab/slab.h"
#include "small_phys.h"

enum { GFP = MM_GFP_KERNEL };

static struct small_phys *phys;
static struct mm_slab *sl;

static inline void start_on(enum mm_slab_kind kind, uint32_t nr_cpus, const struct small_zone *zones, size_t nr)
{
	phys = small_phys_new(zones, nr, nr_cpus);
	phys->ctx.rng.state = 1;
	ck_assert_int_eq(mm_slab_new(&sl, &phys->ctx, &phys->phys, kind), 0);
}

static inline void start(enum mm_slab_kind kind, uint32_t nr_cpus)
{
	static const struct small_zone zone = { 0, MM_ZONE_NORMAL, 1024, 16384, 32, 40, 48, 15, 90 };

	start_on(kind, nr_cpus, &zone, 1);
}

/* Every page that the counters say is held by slabs. */
static inline int64_t counted_pages(void)
{
	return phys->ctx.stat.v[MM_NR_SLAB_RECLAIMABLE] + phys->ctx.stat.v[MM_NR_SLAB_UNRECLAIMABLE];
}

static inline void check_all(void)
{
	struct mm_slab_totals t;

	mm_slab_totals(sl, &t);
	ck_assert(mm_slab_is_consistent(sl));
	ck_assert_int_eq(counted_pages(), (int64_t)(t.pages + t.large_pages));
	ck_assert(mm_phys_is_consistent(&phys->phys));
}

static inline void stop(void)
{
	check_all();
	mm_slab_free(sl);
	small_phys_free(phys);
}

#endif /* TESTS_SLAB_TEST_H */
