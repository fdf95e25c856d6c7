/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The slab allocators: nanoseconds of an allocate and free pair, single thread, beside the host's malloc().
 *
 *	pair	an object at once given back
 *	lifo	1000 taken, given back in the opposite order
 *	fifo	1000 taken, given back in the same order
 *	rand	10000 live, a random one replaced
 *
 * bench_slab [ALLOCATOR CASE SIZE PAIRS]: one case alone; instructions: valgrind --tool=callgrind, less those of
 * half the pairs.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <libmm/slab.h>
#include <libmm/source.h>

#include "phys/phys.h"

enum { BATCH = 1000, LIVE = 10000 };

static struct mm_ctx ctx;
static struct mm_phys *phys;
static struct mm_slab *slab;
static struct mm_kmem_cache *cache;
static uint64_t live[LIVE];

/* A case over two calls, so that each allocator's run is compiled with its own calls in place. */
#define CASES(prefix, TAKE, GIVE)							\
static void prefix##_pair(uint64_t pairs, size_t size)					\
{											\
	(void)size;									\
	while (pairs-- > 0) {								\
		live[0] = TAKE;								\
		GIVE(live[0]);								\
	}										\
}											\
static void prefix##_lifo(uint64_t pairs, size_t size)					\
{											\
	(void)size;									\
	for (; pairs >= BATCH; pairs -= BATCH) {					\
		for (int i = 0; i < BATCH; i++)						\
			live[i] = TAKE;							\
		for (int i = BATCH - 1; i >= 0; i--)					\
			GIVE(live[i]);							\
	}										\
}											\
static void prefix##_fifo(uint64_t pairs, size_t size)					\
{											\
	(void)size;									\
	for (; pairs >= BATCH; pairs -= BATCH) {					\
		for (int i = 0; i < BATCH; i++)						\
			live[i] = TAKE;							\
		for (int i = 0; i < BATCH; i++)						\
			GIVE(live[i]);							\
	}										\
}											\
static void prefix##_rand(uint64_t pairs, size_t size)					\
{											\
	uint32_t x = 1;									\
	(void)size;									\
	for (int i = 0; i < LIVE; i++)							\
		live[i] = TAKE;								\
	while (pairs-- > 0) {								\
		x = x * 1664525 + 1013904223;						\
		GIVE(live[x % LIVE]);							\
		live[x % LIVE] = TAKE;							\
	}										\
	for (int i = 0; i < LIVE; i++)							\
		GIVE(live[i]);								\
}

#define HOST_FREE(p) free((void *)(uintptr_t)(p))
#define CACHE_FREE(p) mm_kmem_cache_free(cache, p)
CASES(host, (uint64_t)(uintptr_t)malloc(size), HOST_FREE)
CASES(sim, mm_kmem_cache_alloc(cache, MM_GFP_KERNEL), CACHE_FREE)

static const struct {
	const char *name;
	void (*host)(uint64_t pairs, size_t size), (*sim)(uint64_t pairs, size_t size);
} cases[] = {
	{ "pair", host_pair, sim_pair }, { "lifo", host_lifo, sim_lifo },
	{ "fifo", host_fifo, sim_fifo }, { "rand", host_rand, sim_rand },
};
enum { NR_CASES = sizeof(cases) / sizeof(cases[0]) };
static const char *const allocators[] = { "slub", "slab", "slob", "malloc" };

static void die(const char *why)
{
	fprintf(stderr, "bench_slab: %s\n", why);
	exit(1);
}

static void start(unsigned int kind, size_t size)
{
	if (mm_slab_new(&slab, &ctx, phys, (enum mm_slab_kind)kind))
		die("out of memory");
	cache = mm_kmem_cache_create(slab, "bench", (uint32_t)size, 0, MM_SLAB_NO_MERGE);
	if (!cache)
		die("no cache");
}

static double run(unsigned int allocator, int c, size_t size, uint64_t pairs)
{
	struct timespec a, b;

	if (allocator < MM_NR_SLAB_KINDS)
		start(allocator, size);
	clock_gettime(CLOCK_MONOTONIC, &a);
	if (allocator < MM_NR_SLAB_KINDS)
		cases[c].sim(pairs, size);
	else
		cases[c].host(pairs, size);
	clock_gettime(CLOCK_MONOTONIC, &b);
	if (allocator < MM_NR_SLAB_KINDS) {
		mm_kmem_cache_shrink(cache);
		mm_slab_free(slab);
	}
	return ((double)(b.tv_sec - a.tv_sec) * 1e9 + (double)(b.tv_nsec - a.tv_nsec)) / (double)pairs;
}

static void boot(void)
{
	struct mm_region_list regions = { 0 };
	struct mm_phys_config cfg = { .regions = &regions, .nr_cpus = 1, .bare = true };
	struct mm_error err;

	mm_sysctls_init(&ctx.sysctl);
	ctx.nr_cpus = 1;
	if (mm_builtin_machine("pc-4g", &regions) || mm_phys_new(&phys, &ctx, &cfg, &err))
		die("the machine does not boot");
	mm_region_list_free(&regions);
}

int main(int argc, char **argv)
{
	static const size_t sizes[] = { 64, 192, 512 };

	boot();
	if (argc > 4) {
		for (unsigned int k = 0; k < 4; k++)
			for (int c = 0; c < NR_CASES; c++)
				if (!strcmp(argv[1], allocators[k]) && !strcmp(argv[2], cases[c].name))
					printf("%.1f ns\n",
					       run(k, c, strtoul(argv[3], NULL, 0), strtoull(argv[4], NULL, 0)));
		return 0;
	}
	printf("target: slub at 64 bytes in 60 instructions a pair, and ahead of malloc\n");
	printf("bytes case    slub    slab    slob  malloc   (ns a pair)\n");
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		for (int c = 0; c < NR_CASES; c++) {
			printf("%5zu %-4s", sizes[i], cases[c].name);
			for (unsigned int k = 0; k < 4; k++)
				printf("%8.1f", run(k, c, sizes[i], k == MM_SLAB_SLOB ? 200000 : 3000000));
			printf("\n");
		}
	mm_phys_free(phys);
	return 0;
}
