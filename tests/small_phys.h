/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tests/small_phys.h - a physical floor of a few zones without booting: every page goes to the buddy,
 * watermarks are given
 */
#ifndef TESTS_SMALL_PHYS_H
#define TESTS_SMALL_PHYS_H

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "phys/internal.h"

enum { SMALL_PHYS_ZONES = 16 };

struct small_zone {			/* all of them RAM; in the order of their pages */
	uint32_t node;
	enum mm_zone_type type;
	mm_pfn_t start, pages;
	uint64_t min, low, high;
	uint32_t pcp_batch, pcp_high;
};

struct small_phys {
	struct mm_ctx ctx;
	struct mm_phys phys;
	struct mm_page_range present[SMALL_PHYS_ZONES];
};

static inline void small_phys_zone(struct mm_phys *phys, const struct small_zone *sz)
{
	struct mm_zone *z = &phys->nodes[sz->node]->zones[sz->type];
	mm_pfn_t end = sz->start + sz->pages;

	for (mm_pfn_t p = sz->start; p < end;) {
		unsigned int order = MM_MAX_ORDER;

		while (p & ((1u << order) - 1) || p + (1u << order) > end)
			order--;
		mm_free_pages_core(phys, p, order);
		p += 1u << order;
	}
	z->watermark[MM_WMARK_MIN] = sz->min;
	z->watermark[MM_WMARK_LOW] = sz->low;
	z->watermark[MM_WMARK_HIGH] = sz->high;
	for (uint32_t cpu = 0; cpu < phys->ctx->nr_cpus; cpu++) {
		z->pcp[cpu].batch = sz->pcp_batch ? sz->pcp_batch : 1;
		z->pcp[cpu].high = sz->pcp_high;
	}
}

static inline struct small_phys *small_phys_new(const struct small_zone *zones, size_t nr, uint32_t nr_cpus)
{
	struct small_phys *s = calloc(1, sizeof(*s));

	ck_assert_ptr_nonnull(s);
	mm_sysctls_init(&s->ctx.sysctl);
	s->ctx.nr_cpus = nr_cpus;
	s->phys.ctx = &s->ctx;
	ck_assert_uint_le(nr, SMALL_PHYS_ZONES);
	s->phys.present = s->present;
	s->phys.nr_present = (uint32_t)nr;
	for (size_t i = 0; i < nr; i++) {
		struct mm_node **n = &s->phys.nodes[zones[i].node];

		if (!*n) {
			*n = calloc(1, sizeof(**n));
			ck_assert_ptr_nonnull(*n);
			(*n)->id = zones[i].node;
			s->phys.nr_nodes++;
		}
		(*n)->zones[zones[i].type].start_pfn = zones[i].start;
		(*n)->zones[zones[i].type].spanned_pages = zones[i].pages;
		(*n)->zones[zones[i].type].present_pages = zones[i].pages;
		s->present[i] = (struct mm_page_range){ zones[i].start, zones[i].start + zones[i].pages, zones[i].node };
		if (zones[i].start + zones[i].pages > s->phys.max_pfn)
			s->phys.max_pfn = zones[i].start + zones[i].pages;
	}
	s->phys.mem_map = calloc(((size_t)s->phys.max_pfn + 1024) & ~(size_t)1023, sizeof(struct mm_page));
	ck_assert_ptr_nonnull(s->phys.mem_map);
	ck_assert_int_eq(mm_page_alloc_init(&s->phys), 0);
	for (size_t i = 0; i < nr; i++)
		small_phys_zone(&s->phys, &zones[i]);
	for (uint32_t n = 0; n < MM_MAX_NODES; n++) {
		if (!s->phys.nodes[n])
			continue;
		s->phys.nodes[n]->zonelist[s->phys.nodes[n]->nr_zonelist++] = n;
		for (uint32_t o = 0; o < MM_MAX_NODES; o++)
			if (o != n && s->phys.nodes[o])
				s->phys.nodes[n]->zonelist[s->phys.nodes[n]->nr_zonelist++] = o;
	}
	ck_assert_int_eq(mm_build_zonelists(&s->phys), 0);
	memset(&s->ctx.stat.v[MM_PGFREE], 0, sizeof(s->ctx.stat.v[MM_PGFREE]));
	return s;
}

static inline void small_phys_free(struct small_phys *s)
{
	mm_page_alloc_exit(&s->phys);
	for (uint32_t n = 0; n < MM_MAX_NODES; n++)
		free(s->phys.nodes[n]);
	free(s->phys.mem_map);
	free(s);
}

static inline struct mm_zone *small_zone(struct small_phys *s, uint32_t node, enum mm_zone_type type)
{
	return &s->phys.nodes[node]->zones[type];
}

#endif /* TESTS_SMALL_PHYS_H */
