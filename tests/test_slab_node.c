/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Objects of a node: by hand what ___slab_alloc() (SLUB) and slob_alloc() (SLOB) do for one, and then that each
 * allocator gives objects of the node as long as it has pages (SLAB's arrays and lists on nodes: test_slab_recorded.c).
 */
#include <check.h>

#include "slab/slab.h"
#include "small_phys.h"

static struct small_phys *phys;
static struct mm_slab *sl;

/* CPU 0 is on node 0, CPU 1 on node 1. */
static void start(enum mm_slab_kind kind, uint32_t nr_nodes)
{
	static const struct small_zone zones[] = {
		{ 0, MM_ZONE_NORMAL, 1024, 4096, 32, 40, 48, 15, 90 }, { 1, MM_ZONE_NORMAL, 5120, 4096, 32, 40, 48, 15, 90 },
	};

	phys = small_phys_new(zones, nr_nodes, 2);
	phys->phys.cpu_node[1] = (uint8_t)(nr_nodes - 1);
	ck_assert_int_eq(mm_slab_new(&sl, &phys->ctx, &phys->phys, kind), 0);
}

static void stop(void)
{
	ck_assert(mm_slab_is_consistent(sl));
	mm_slab_free(sl);
	small_phys_free(phys);
}

static uint32_t node_of(uint64_t obj) { return obj >= mm_slab_address(5120); }

static uint64_t stat_of(const struct mm_kmem_cache *s, enum mm_slub_stat stat)
{
	struct mm_kmem_cache_info i;

	mm_kmem_cache_info(s, &i);
	return i.stat[stat];
}

START_TEST(slub_leaves_slabs_of_other_nodes)
{
	struct mm_kmem_cache *s;
	uint64_t a, b, o;

	start(MM_SLAB_SLUB, 2);
	s = mm_kmem_cache_create(sl, "x", 64, 0, 0);
	a = mm_kmem_cache_alloc(s, MM_GFP_KERNEL);
	ck_assert_uint_eq(node_of(a), 0);
	/* the CPU's slab is of node 0: it goes to that node's partial list with one object taken, and node 1 gives a new one */
	b = mm_kmem_cache_alloc_node(s, MM_GFP_KERNEL, 1);
	ck_assert_uint_eq(node_of(b), 1);
	ck_assert_uint_eq(stat_of(s, MM_SLUB_ALLOC_NODE_MISMATCH), 1);
	ck_assert_uint_eq(stat_of(s, MM_SLUB_DEACTIVATE_TO_HEAD), 1);
	ck_assert_uint_eq(stat_of(s, MM_SLUB_CPUSLAB_FLUSH), 0);
	ck_assert_uint_eq(stat_of(s, MM_SLUB_ALLOC_SLAB), 2);
	ck_assert_uint_eq(stat_of(s, MM_SLUB_ALLOC_SLOWPATH), 2);
	ck_assert_uint_eq(s->node[0].partial.nr, 1);
	ck_assert_uint_eq(s->node[0].partial.head->inuse, 1);
	/* of the CPU's slab now: the fast path, for the node as for any */
	ck_assert_uint_eq(mm_kmem_cache_alloc_node(s, MM_GFP_KERNEL, 1), b + 64);
	ck_assert_uint_eq(mm_kmem_cache_alloc(s, MM_GFP_KERNEL), b + 128);
	ck_assert_uint_eq(mm_kmem_cache_alloc_node(s, MM_GFP_KERNEL, 7), b + 192);	/* no such node */
	ck_assert_uint_eq(stat_of(s, MM_SLUB_ALLOC_FASTPATH), 3);
	/* back on node 0: its partial slab */
	ck_assert_uint_eq(mm_kmem_cache_alloc_node(s, MM_GFP_KERNEL, 0), a + 64);
	ck_assert_uint_eq(stat_of(s, MM_SLUB_ALLOC_FROM_PARTIAL), 1);
	ck_assert_uint_eq(stat_of(s, MM_SLUB_ALLOC_NODE_MISMATCH), 2);
	ck_assert_uint_eq(s->node[0].partial.nr, 0);
	ck_assert_uint_eq(s->node[1].partial.nr, 1);

	/* Slab A full, one object comes back onto the CPU's partial list; a request for node 1 puts both aside. */
	for (uint32_t i = 2; i < 64; i++)
		ck_assert_uint_eq(mm_kmem_cache_alloc(s, MM_GFP_KERNEL), a + 64u * i);
	o = mm_kmem_cache_alloc_node(s, MM_GFP_KERNEL, 0);	/* A is full: a new slab C */
	ck_assert_uint_eq(stat_of(s, MM_SLUB_DEACTIVATE_BYPASS), 1);
	ck_assert_uint_eq(stat_of(s, MM_SLUB_ALLOC_SLAB), 3);
	mm_kmem_cache_free(s, a);
	ck_assert_uint_eq(mm_kmem_cache_alloc_node(s, MM_GFP_KERNEL, 1), b + 256);
	ck_assert_uint_eq(stat_of(s, MM_SLUB_CPU_PARTIAL_ALLOC), 1);
	ck_assert_uint_eq(stat_of(s, MM_SLUB_ALLOC_NODE_MISMATCH), 4);
	ck_assert_uint_eq(s->node[0].partial.nr, 2);
	ck_assert_uint_eq(stat_of(s, MM_SLUB_ALLOC_REFILL), 0);
	ck_assert_uint_eq(stat_of(s, MM_SLUB_ALLOC_SLOWPATH), 5);
	mm_kmem_cache_free(s, o);
	stop();
}
END_TEST

START_TEST(slob_passes_over_pages)
{
	uint64_t a, b;

	start(MM_SLAB_SLOB, 2);
	a = mm_kmalloc_node(sl, 100, MM_GFP_KERNEL, 1);
	ck_assert_uint_eq(node_of(a), 1);
	ck_assert_uint_eq(mm_kmalloc(sl, 100, MM_GFP_KERNEL), a + 112);	/* any: the page that has room; 108 bytes, aligned to 8 */
	b = mm_kmalloc_node(sl, 100, MM_GFP_KERNEL, 0);
	ck_assert_uint_eq(node_of(b), 0);
	ck_assert_uint_eq(mm_kmalloc_node(sl, 100, MM_GFP_KERNEL, 1), a + 224);
	ck_assert_uint_eq(mm_kmalloc_node(sl, 100, MM_GFP_KERNEL, 0), b + 112);
	stop();
}
END_TEST

START_TEST(as_long_as_it_has_pages)
{
	enum mm_slab_kind kind = (enum mm_slab_kind)_i;
	struct mm_kmem_cache *s;
	uint64_t o;

	start(kind, 2);
	s = mm_kmem_cache_create(sl, "x", 3000, 0, 0);
	for (uint32_t i = 0; i < 200; i++) {
		uint32_t node = i / 7 & 1;

		mm_set_cpu(&phys->ctx, i / 3 & 1);
		ck_assert_uint_eq(node_of(mm_kmem_cache_alloc_node(s, MM_GFP_KERNEL, node)), node);
		ck_assert_uint_eq(node_of(mm_kmalloc_node(sl, 900, MM_GFP_KERNEL, node)), node);
		ck_assert_uint_eq(node_of(mm_kmalloc_node(sl, 40000, MM_GFP_KERNEL, node)), node);
	}
	/* node 1 is used up: only a request that insists fails */
	mm_set_cpu(&phys->ctx, 0);
	while (mm_alloc_pages_node(&phys->phys, 1, MM_GFP_KERNEL | __MM_GFP_THISNODE, 0) != MM_PFN_NONE)
		;
	ck_assert_uint_eq(mm_kmalloc_node(sl, 40000, MM_GFP_KERNEL | __MM_GFP_THISNODE, 1), 0);
	o = mm_kmalloc_node(sl, 40000, MM_GFP_KERNEL, 1);
	ck_assert_uint_ne(o, 0);
	ck_assert_uint_eq(node_of(o), 0);
	do {
		o = mm_kmem_cache_alloc_node(s, MM_GFP_KERNEL | __MM_GFP_THISNODE, 1);
		ck_assert(!o || node_of(o) == 1);
	} while (o);
	o = mm_kmem_cache_alloc_node(s, MM_GFP_KERNEL, 1);
	ck_assert_uint_ne(o, 0);
	ck_assert_uint_eq(node_of(o), 0);
	stop();
}
END_TEST

/*
 * ___slab_alloc() leaves the CPU's slab, which is full, before it finds that the node has no page: the CPU has no slab then.
 * An object that comes back to a full slab makes this a partial one of the CPU, and is the next that is handed out.
 */
START_TEST(slub_without_a_slab)
{
	struct mm_kmem_cache *s;
	uint64_t first, o, bypass;

	start(MM_SLAB_SLUB, 2);
	s = mm_kmem_cache_create(sl, "x", 3000, 0, 0);
	mm_set_cpu(&phys->ctx, 1);
	first = mm_kmem_cache_alloc(s, MM_GFP_KERNEL);
	do
		o = mm_kmem_cache_alloc_node(s, MM_GFP_KERNEL | __MM_GFP_THISNODE, 1);
	while (o);
	ck_assert(mm_slab_is_consistent(sl));
	bypass = stat_of(s, MM_SLUB_DEACTIVATE_BYPASS);
	mm_kmem_cache_free(s, first);
	ck_assert_uint_eq(stat_of(s, MM_SLUB_CPU_PARTIAL_FREE), 1);
	ck_assert_uint_eq(mm_kmem_cache_alloc(s, MM_GFP_KERNEL), first);
	ck_assert_uint_eq(stat_of(s, MM_SLUB_CPU_PARTIAL_ALLOC), 1);
	ck_assert_uint_eq(stat_of(s, MM_SLUB_DEACTIVATE_BYPASS), bypass);
	stop();
}
END_TEST

/* A machine of one node takes a request for any as one for none. */
START_TEST(one_node)
{
	struct mm_kmem_cache *s;

	start((enum mm_slab_kind)_i, 1);
	s = mm_kmem_cache_create(sl, "x", 100, 0, 0);
	for (uint32_t node = 0; node < 3; node++) {
		ck_assert_uint_ne(mm_kmem_cache_alloc_node(s, MM_GFP_KERNEL, node), 0);
		ck_assert_uint_ne(mm_kmalloc_node(sl, 100, MM_GFP_KERNEL, node), 0);
	}
	stop();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("slab_node");
	TCase *tc = tcase_create("nodes");
	SRunner *sr = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tc);
	tcase_add_test(tc, slub_leaves_slabs_of_other_nodes);
	tcase_add_test(tc, slub_without_a_slab);
	tcase_add_test(tc, slob_passes_over_pages);
	tcase_add_loop_test(tc, as_long_as_it_has_pages, 0, MM_NR_SLAB_KINDS);
	tcase_add_loop_test(tc, one_node, 0, MM_NR_SLAB_KINDS);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
