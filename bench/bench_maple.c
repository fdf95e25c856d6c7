/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The maple tree at 100,000 ranges: nanoseconds a lookup, an insert and an erase at random, of one step in order, and
 * bytes a range.
 *
 * Ranges are a page long at every second page. An erase takes one away; an insert puts it back.
 *
 * bench_maple [RANGES [CASE OPERATIONS]]; instructions: valgrind --tool=callgrind ./bench_maple 100000 CASE N, less those
 * of N/2. Targets: lookup 260, insert 1370, erase 2608 (the kernel's own tree in user space: 430, 2741, 5216).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/rng.h"
#include "virt/maple.h"

static struct mm_maple_tree mt;
static struct mm_rng rng = { 1 };
static uint64_t nr_ranges = 100000;
static uint64_t *away;			/* ranges that were erased and not put back */

static uint64_t first_of(uint64_t i) { return (2 * i + 1) << 12; }
static uint64_t last_of(uint64_t i) { return first_of(i) + 4095; }
static void *entry_of(uint64_t i) { return (void *)(uintptr_t)(first_of(i) | 8); }

static void die(const char *why)
{
	fprintf(stderr, "bench_maple: %s\n", why);
	exit(1);
}

static void store(uint64_t i, void *entry)
{
	if (mm_mtree_store_range(&mt, first_of(i), last_of(i), entry))
		die("out of memory");
}

static void fill(void)
{
	uint64_t *order = malloc(nr_ranges * sizeof(*order));

	if (!order)
		die("out of memory");
	mm_mt_init(&mt);
	for (uint64_t i = 0; i < nr_ranges; i++) {	/* in random order */
		uint64_t j = mm_rng_below(&rng, i + 1);

		order[i] = order[j];
		order[j] = i;
	}
	for (uint64_t i = 0; i < nr_ranges; i++)
		store(order[i], entry_of(order[i]));
	free(order);
}

static void lookup(uint64_t n)
{
	while (n-- > 0) {
		uint64_t i = mm_rng_below(&rng, nr_ranges);

		if (mm_mtree_load(&mt, first_of(i) + 77) != entry_of(i))
			die("a lookup found the wrong range");
	}
}

/* Up to a tenth of the ranges, each once: the step and the number of ranges have no common factor. */
static uint64_t choose(uint64_t n)
{
	uint64_t start = mm_rng_below(&rng, nr_ranges), step = 7919;

	n = n < nr_ranges / 10 ? n : nr_ranges / 10;
	for (uint64_t i = 0; i < n; i++)
		away[i] = (start + i * step) % nr_ranges;
	return n;
}

/* @n of each, in turns; nanoseconds of the ones or the others. */
static double erase_and_insert(uint64_t n, bool measure_insert)
{
	double sum = 0;

	while (n) {
		uint64_t part = choose(n);
		struct timespec t[3];

		clock_gettime(CLOCK_MONOTONIC, &t[0]);
		for (uint64_t i = 0; i < part; i++)
			store(away[i], NULL);
		clock_gettime(CLOCK_MONOTONIC, &t[1]);
		for (uint64_t i = 0; i < part; i++)
			store(away[i], entry_of(away[i]));
		clock_gettime(CLOCK_MONOTONIC, &t[2]);
		sum += (double)(t[1 + measure_insert].tv_sec - t[measure_insert].tv_sec) * 1e9 +
		       (double)(t[1 + measure_insert].tv_nsec - t[measure_insert].tv_nsec);
		n -= part;
	}
	return sum;
}

static void in_order(uint64_t n)
{
	while (n) {
		MM_MA_STATE(mas, &mt, 0, 0);
		void *entry = mm_mas_find(&mas, UINT64_MAX);

		for (; entry && n; n--)
			entry = mm_mas_next(&mas, UINT64_MAX);
	}
}

static double timed(void (*run)(uint64_t n), uint64_t n)
{
	struct timespec a, b;

	clock_gettime(CLOCK_MONOTONIC, &a);
	run(n);
	clock_gettime(CLOCK_MONOTONIC, &b);
	return (double)(b.tv_sec - a.tv_sec) * 1e9 + (double)(b.tv_nsec - a.tv_nsec);
}

static double run_case(const char *name, uint64_t n)
{
	if (!strcmp(name, "lookup"))
		return timed(lookup, n) / (double)n;
	if (!strcmp(name, "order"))
		return timed(in_order, n) / (double)n;
	if (!strcmp(name, "erase") || !strcmp(name, "insert"))
		return erase_and_insert(n, name[0] == 'i') / (double)n;
	die("cases: lookup, order, erase, insert");
	return 0;
}

int main(int argc, char **argv)
{
	const char *why = NULL;

	if (argc > 1)
		nr_ranges = strtoull(argv[1], NULL, 10);
	if (nr_ranges < 1000)
		die("expected at least 1000 ranges");
	away = calloc(nr_ranges / 10, sizeof(*away));
	if (!away)
		die("out of memory");
	fill();
	if (argc > 3) {
		printf("%.1f ns\n", run_case(argv[2], strtoull(argv[3], NULL, 10)));
	} else {
		printf("%llu ranges, %.1f bytes a range (target 45)\n", (unsigned long long)nr_ranges,
		       256.0 * (double)mt.nr_nodes / (double)nr_ranges);
		printf("lookup  %7.1f ns\ninsert  %7.1f ns\nerase   %7.1f ns\n", run_case("lookup", 1000000),
		       run_case("insert", 300000), run_case("erase", 300000));
		printf("in order%7.1f ns a step (target 5)\n", run_case("order", 3000000));
	}
	if (!mm_mt_is_consistent(&mt, &why))
		die(why);
	mm_mt_destroy(&mt);
	free(away);
	return 0;
}
