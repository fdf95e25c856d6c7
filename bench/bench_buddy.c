/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The page allocator: nanoseconds of an allocate and free pair, single thread.
 *
 *	pcp	order 0 at once given back: the per-CPU list
 *	batch	order 0, 1000 taken, then freed: refills and bulk frees
 *	buddy	orders 4 to 8 at random: split and merge, no per-CPU list
 *	random	orders 0 to 10 at random, 1000 live, a random one replaced
 *	empty	the loop and its random numbers alone
 *
 * bench_buddy [CASE [PAIRS]]; instructions: valgrind --tool=callgrind ./bench_buddy CASE N, less those of N/2.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <libmm/source.h>

#include "phys/phys.h"

enum { LIVE = 1000 };

struct block {
	mm_pfn_t pfn;
	unsigned int order;
};

static struct mm_ctx ctx;
static struct mm_phys *phys;
static struct mm_rng rng = { 1 };
static struct block live[LIVE];

static void take(struct block *b, unsigned int order)
{
	b->pfn = mm_alloc_pages(phys, MM_GFP_HIGHUSER_MOVABLE, order);
	b->order = order;
	if (b->pfn == MM_PFN_NONE) {
		fprintf(stderr, "bench_buddy: no page of order %u\n", order);
		exit(1);
	}
}

static void give(struct block *b) { mm_free_pages(phys, b->pfn, b->order); }

static void run_pcp(uint64_t pairs)
{
	struct block b;

	while (pairs-- > 0) {
		take(&b, 0);
		give(&b);
	}
}

static void run_batch(uint64_t pairs)
{
	for (; pairs >= LIVE; pairs -= LIVE) {
		for (int i = 0; i < LIVE; i++)
			take(&live[i], 0);
		for (int i = 0; i < LIVE; i++)
			give(&live[i]);
	}
}

static void replace_random(uint64_t pairs, unsigned int low, unsigned int nr_orders)
{
	for (int i = 0; i < LIVE; i++)
		take(&live[i], low + (unsigned int)mm_rng_below(&rng, nr_orders));
	while (pairs-- > 0) {
		struct block *b = &live[mm_rng_below(&rng, LIVE)];

		give(b);
		take(b, low + (unsigned int)mm_rng_below(&rng, nr_orders));
	}
	for (int i = 0; i < LIVE; i++)
		give(&live[i]);
}

static void run_buddy(uint64_t pairs) { replace_random(pairs, 4, 5); }
static void run_random(uint64_t pairs) { replace_random(pairs, 0, 11); }

static void run_empty(uint64_t pairs)
{
	while (pairs-- > 0)
		live[mm_rng_below(&rng, LIVE)].order = (unsigned int)mm_rng_below(&rng, 11);
}

static const struct {
	const char *name;
	void (*run)(uint64_t pairs);
} cases[] = {
	{ "pcp", run_pcp }, { "batch", run_batch }, { "buddy", run_buddy }, { "random", run_random },
	{ "empty", run_empty },
};

static int boot(void)
{
	struct mm_region_list regions = { 0 };
	struct mm_phys_config cfg = { .regions = &regions, .nr_cpus = 1 };
	struct mm_error err = { 0 };

	mm_sysctls_init(&ctx.sysctl);
	ctx.nr_cpus = 1;
	if (mm_builtin_machine("pc-4g", &regions) || mm_phys_new(&phys, &ctx, &cfg, &err)) {
		fprintf(stderr, "bench_buddy: %s\n", err.text);
		return 1;
	}
	mm_region_list_free(&regions);
	return 0;
}

int main(int argc, char **argv)
{
	uint64_t pairs = argc > 2 ? strtoull(argv[2], NULL, 0) : 2000000;

	if (boot())
		return 1;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct timespec a, b;

		if (argc > 1 && strcmp(argv[1], cases[i].name))
			continue;
		clock_gettime(CLOCK_MONOTONIC, &a);
		cases[i].run(pairs);
		clock_gettime(CLOCK_MONOTONIC, &b);
		printf("%-8s %7.1f ns a pair\n", cases[i].name,
		       ((double)(b.tv_sec - a.tv_sec) * 1e9 + (double)(b.tv_nsec - a.tv_nsec)) / (double)pairs);
	}
	printf("targets in instructions: pcp 150 a pair, buddy 400\n");
	mm_phys_free(phys);
	return 0;
}
