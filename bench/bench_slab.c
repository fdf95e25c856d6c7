/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The slab allocators: nanoseconds of an allocate and free pair, single thread, beside the malloc() of libc, mimalloc and
 * jemalloc (those that are installed), and the instructions of a pair where the processor counts them.
 *
 *	pair	an object at once given back
 *	lifo	1000 taken, given back in the opposite order
 *	fifo	1000 taken, given back in the same order
 *	near	32 live, a random one replaced: of one slab
 *	rand	10000 live, a random one replaced
 *
 * All take turns, round by round, and the least of each counts, as what else the machine does slows some rounds only.
 * Instructions are those of the calls: a run over calls that do nothing is taken off; from the times nothing is.
 * What is compared: a call of libmm by name, linked statically, and a call of the other by a pointer into its library.
 * Neither is compiled into the loop, no object is touched by it, and each allocator is asked for one size by one thread.
 *
 * bench_slab ALLOCATOR CASE SIZE PAIRS: one case alone, to be counted by valgrind --tool=callgrind, less the count of
 * half the pairs and of allocator "none".
 */
#include <dlfcn.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <libmm/slab.h>
#include <libmm/source.h>

#include "phys/phys.h"

enum { BATCH = 1000, NEAR = 32, LIVE = 10000, NR_PEERS = 4, NR_ROUNDS = 11, PAIRS = 1000000 };

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
static void prefix##_replace(uint64_t pairs, size_t size, uint32_t nr)			\
{											\
	uint32_t x = 1;									\
	(void)size;									\
	for (uint32_t i = 0; i < nr; i++)						\
		live[i] = TAKE;								\
	while (pairs-- > 0) {								\
		x = x * 1664525 + 1013904223;						\
		uint32_t i = (uint32_t)((uint64_t)x * nr >> 32);			\
		GIVE(live[i]);								\
		live[i] = TAKE;								\
	}										\
	for (uint32_t i = 0; i < nr; i++)						\
		GIVE(live[i]);								\
}											\
static void prefix##_near(uint64_t pairs, size_t size) { prefix##_replace(pairs, size, NEAR); }	\
static void prefix##_rand(uint64_t pairs, size_t size) { prefix##_replace(pairs, size, LIVE); }

static __attribute__((noinline)) void *no_malloc(size_t size)
{
	__asm__ volatile("" : : "r"(size));
	return live;
}

static __attribute__((noinline)) void no_free(void *p) { __asm__ volatile("" : : "r"(p)); }

static struct {
	const char *name, *lib;
	void *(*take)(size_t size);
	void (*give)(void *p);
} peers[NR_PEERS] = {
	{ "none", NULL, no_malloc, no_free }, { "libc", NULL, malloc, free },
	{ "mimalloc", "libmimalloc.so.2", NULL, NULL }, { "jemalloc", "libjemalloc.so.2", NULL, NULL },
};
static void *(*take)(size_t size);
static void (*give)(void *p);

#define HOST_FREE(p) give((void *)(uintptr_t)(p))
#define CACHE_FREE(p) mm_kmem_cache_free(cache, p)
CASES(host, (uint64_t)(uintptr_t)take(size), HOST_FREE)
CASES(sim, mm_kmem_cache_alloc(cache, MM_GFP_KERNEL), CACHE_FREE)

static const struct {
	const char *name;
	void (*host)(uint64_t pairs, size_t size), (*sim)(uint64_t pairs, size_t size);
} cases[] = {
	{ "pair", host_pair, sim_pair }, { "lifo", host_lifo, sim_lifo },
	{ "fifo", host_fifo, sim_fifo }, { "near", host_near, sim_near },
	{ "rand", host_rand, sim_rand },
};
enum { NR_CASES = sizeof(cases) / sizeof(cases[0]) };
enum { NR_ALLOCATORS = MM_NR_SLAB_KINDS + NR_PEERS };
static const char *const kinds[MM_NR_SLAB_KINDS] = { "slub", "slab", "slob" };

static const char *allocator_name(unsigned int k) { return k < MM_NR_SLAB_KINDS ? kinds[k] : peers[k - MM_NR_SLAB_KINDS].name; }

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

static int counter = -1;	/* of instructions in user mode; -1: none */

static void open_counter(void)
{
	struct perf_event_attr attr = { .type = PERF_TYPE_HARDWARE, .size = sizeof(attr),
					.config = PERF_COUNT_HW_INSTRUCTIONS, .exclude_kernel = 1, .exclude_hv = 1 };

	counter = (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0);
}

static uint64_t instructions(void)
{
	uint64_t n = 0;

	return counter >= 0 && read(counter, &n, sizeof(n)) == sizeof(n) ? n : 0;
}

struct cost {
	double ns, instructions;
};

/* Of a pair. */
static struct cost run(unsigned int allocator, int c, size_t size, uint64_t pairs)
{
	struct timespec a, b;
	uint64_t before;
	struct cost cost;

	if (allocator < MM_NR_SLAB_KINDS) {
		start(allocator, size);
	} else {
		take = peers[allocator - MM_NR_SLAB_KINDS].take;
		give = peers[allocator - MM_NR_SLAB_KINDS].give;
	}
	clock_gettime(CLOCK_MONOTONIC, &a);
	before = instructions();
	if (allocator < MM_NR_SLAB_KINDS)
		cases[c].sim(pairs, size);
	else
		cases[c].host(pairs, size);
	cost.instructions = (double)(instructions() - before) / (double)pairs;
	clock_gettime(CLOCK_MONOTONIC, &b);
	if (allocator < MM_NR_SLAB_KINDS) {
		mm_kmem_cache_shrink(cache);
		mm_slab_free(slab);
	}
	cost.ns = ((double)(b.tv_sec - a.tv_sec) * 1e9 + (double)(b.tv_nsec - a.tv_nsec)) / (double)pairs;
	return cost;
}

static void load_peers(void)
{
	for (int i = 0; i < NR_PEERS; i++) {
		void *h = peers[i].lib ? dlopen(peers[i].lib, RTLD_NOW | RTLD_LOCAL) : NULL;

		if (!h && peers[i].lib)
			printf("%s: not installed, or not to be loaded: %s\n", peers[i].name, dlerror());
		if (!h)
			continue;
		*(void **)&peers[i].take = dlsym(h, "malloc");
		*(void **)&peers[i].give = dlsym(h, "free");
	}
}

static bool is_there(unsigned int k) { return k < MM_NR_SLAB_KINDS || peers[k - MM_NR_SLAB_KINDS].take; }

/* The least of each allocator. */
static void rounds(struct cost best[static NR_ALLOCATORS], int c, size_t size)
{
	for (int i = 0; i < NR_ROUNDS; i++)
		for (unsigned int k = 0; k < NR_ALLOCATORS; k++) {
			struct cost now = { 0, 0 };

			if (is_there(k))
				now = run(k, c, size, k == MM_SLAB_SLOB ? PAIRS / 10 : PAIRS);
			if (!i || now.ns < best[k].ns)
				best[k] = now;
		}
}

static void table(size_t size)
{
	for (int c = 0; c < NR_CASES; c++) {
		struct cost best[NR_ALLOCATORS];

		rounds(best, c, size);
		printf("%5zu %-4s", size, cases[c].name);
		for (unsigned int k = 0; k < NR_ALLOCATORS; k++) {
			if (k == MM_NR_SLAB_KINDS || !is_there(k))
				continue;
			printf("  %8.2f", best[k].ns);
			if (counter >= 0)
				printf(" %5.0f", best[k].instructions - best[MM_NR_SLAB_KINDS].instructions);
		}
		printf("\n");
	}
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

/* jemalloc wants more static TLS than a program leaves for libraries that are loaded late, unless told at its start. */
static void make_room_for_tls(char **argv)
{
	if (!getenv("GLIBC_TUNABLES") && !setenv("GLIBC_TUNABLES", "glibc.rtld.optional_static_tls=16384", 1))
		execv("/proc/self/exe", argv);
}

int main(int argc, char **argv)
{
	static const size_t sizes[] = { 64, 192, 512 };

	make_room_for_tls(argv);
	load_peers();
	boot();
	if (argc > 4) {
		for (unsigned int k = 0; k < NR_ALLOCATORS; k++)
			for (int c = 0; c < NR_CASES; c++)
				if (!strcmp(argv[1], allocator_name(k)) && !strcmp(argv[2], cases[c].name) && is_there(k))
					printf("%.1f ns\n",
					       run(k, c, strtoul(argv[3], NULL, 0), strtoull(argv[4], NULL, 0)).ns);
		return 0;
	}
	open_counter();
	printf("target: slub at 64 bytes in 60 instructions a pair, and ahead of all others\n%s: ns%s a pair\nbytes case",
	       counter < 0 ? "instructions are not counted here" : "instructions: less those of the loop",
	       counter < 0 ? "" : " and instructions");
	for (unsigned int k = 0; k < NR_ALLOCATORS; k++)
		if (k != MM_NR_SLAB_KINDS && is_there(k))
			printf("  %*s", counter < 0 ? 8 : 14, allocator_name(k));
	printf("\n");
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		table(sizes[i]);
	mm_phys_free(phys);
	return 0;
}
