/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bench_machine - boot time and host memory against RAM size; accesses a second of each depth
 *
 * The accesses are 10 million loads and stores over a million pages, zipf with
 * exponent 1 (the k-th page is asked for in proportion to 1/k), seeded.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <libmm/machine.h>

enum { NR_PAGES = 1000000, NR_NEAR = 48, BATCH = 256, PID = 1000 };
static const uint64_t base = 0x100000000000;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Resident bytes of this process. */
static uint64_t resident(void)
{
	unsigned long total = 0, rss = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	if (!f || fscanf(f, "%lu %lu", &total, &rss) != 2)
		rss = 0;
	if (f)
		fclose(f);
	return (uint64_t)rss * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void die(const char *what, const struct mm_error *err)
{
	fprintf(stderr, "bench_machine: %s: %s\n", what, err->text);
	exit(1);
}

/* RAM as firmware gives it: 640 KiB, then from 1 MiB to 3 GiB, the rest above 4 GiB. */
static void add_ram(struct mm_machine_config *cfg, uint64_t bytes)
{
	const uint64_t gib = 1ull << 30, low = bytes < 3 * gib ? bytes : 3 * gib;
	struct mm_region r[3] = {
		{ .start = 0x1000, .end = 0x9fbff }, { .start = 1 << 20, .end = low - 1 },
		{ .start = 4 * gib, .end = 4 * gib + bytes - low - 1 },
	};

	for (int i = 0; i < (bytes > low ? 3 : 2); i++)
		if (mm_region_list_add(&cfg->regions, &r[i], MM_STR("System RAM")))
			exit(1);
}

static void boot(uint64_t bytes)
{
	struct mm_machine_config cfg;
	struct mm_machine *m;
	struct mm_error err = { 0 };
	uint64_t before = resident(), after;
	double t = now();

	mm_machine_config_init(&cfg);
	cfg.depth = MM_DEPTH_PHYS;
	add_ram(&cfg, bytes);
	if (mm_machine_new(&m, &cfg, &err) || mm_machine_start(m, &err))
		die("boot", &err);
	t = now() - t;
	after = resident();
	printf("boot %5llu GiB: %8.2f ms, %7.1f MiB of host memory, %.3f bytes a simulated page\n",
	       (unsigned long long)(bytes >> 30), t * 1e3, (double)(after - before) / 1048576,
	       (double)(after - before) / (double)(bytes / MM_PAGE_SIZE));
	mm_machine_free(m);
	mm_region_list_free(&cfg.regions);
}

static uint64_t random_state = 1;
static double random_unit(void)
{
	random_state = random_state * 6364136223846793005u + 1442695040888963407u;
	return (double)(random_state >> 11) / 9007199254740992.0;
}

static void event(struct mm_machine *m, struct mm_event *ev)
{
	struct mm_error err = { 0 };

	if (mm_machine_event(m, ev, &err))
		die("event", &err);
}

/* As the commands do: what the TLB serves at once, the rest row by row. */
static void replay(struct mm_machine *m, const uint32_t *page, size_t nr)
{
	struct mm_event ev[BATCH];

	for (size_t i = 0; i < nr; i++)
		ev[i] = (struct mm_event){ .type = i & 1 ? MM_EV_STORE : MM_EV_LOAD, .pid = PID, .size = 8,
					   .addr = base + (uint64_t)page[i] * MM_PAGE_SIZE,
					   .present = MM_TC_BIT(PID) | MM_TC_BIT(EVENT) | MM_TC_BIT(ADDR) | MM_TC_BIT(SIZE) };
	for (size_t i = 0; i < nr; i++) {
		i += mm_machine_hits(m, ev + i, nr - i);
		if (i < nr)
			event(m, &ev[i]);
	}
}

static void accesses(const char *what, enum mm_depth depth, uint64_t memory_max, uint32_t nr_pages, size_t nr)
{
	struct mm_event ev = { .type = MM_EV_MMAP, .pid = PID, .addr = base,
		.size = (uint64_t)NR_PAGES * MM_PAGE_SIZE };
	struct mm_machine_config cfg;
	struct mm_machine *m;
	struct mm_error err = { 0 };
	uint32_t *page = malloc(nr * sizeof(*page));
	uint64_t before = resident();
	double t;

	if (!page)
		exit(1);
	random_state = 1;
	for (size_t i = 0; i < nr; i++)	/* inverse of the harmonic distribution function, scattered over the region */
		page[i] = (uint32_t)((uint64_t)exp(random_unit() * log(nr_pages)) * 7919 % nr_pages);
	mm_machine_config_init(&cfg);
	cfg.depth = depth;
	cfg.memory_max_bytes = memory_max;
	cfg.swap_bytes = 8ull << 30;
	add_ram(&cfg, 8ull << 30);
	if (mm_machine_new(&m, &cfg, &err) || mm_machine_start(m, &err))
		die("boot", &err);
	ev.flags = MM_STR("PROT_READ|PROT_WRITE|MAP_PRIVATE|MAP_ANONYMOUS|MAP_FIXED");
	ev.present = MM_TC_BIT(PID) | MM_TC_BIT(EVENT) | MM_TC_BIT(ADDR) | MM_TC_BIT(SIZE) | MM_TC_BIT(FLAGS);
	event(m, &ev);
	before = resident();
	t = now();
	for (size_t i = 0; i < nr; i += BATCH)
		replay(m, page + i, nr - i < BATCH ? nr - i : BATCH);
	t = now() - t;
	printf("%-28s %6.2f M accesses/s, %6.1f MiB of host memory\n", what, (double)nr / t / 1e6,
	       (double)(resident() - before) / 1048576);
	mm_machine_free(m);
	mm_region_list_free(&cfg.regions);
	free(page);
}

int main(int argc, char **argv)
{
	size_t nr = argc > 1 ? strtoull(argv[1], NULL, 10) : 10000000;

	boot(4ull << 30);
	boot(64ull << 30);
	boot(1ull << 40);
	printf("targets: 4 GiB 20 ms, 1024 GiB about 1000 ms, at most 32 bytes\n\n");
	accesses("address spaces only", MM_DEPTH_VMA, 0, NR_PAGES, nr);
	accesses("MMU, 48 pages (TLB hits)", MM_DEPTH_FULL, 0, NR_NEAR, nr);
	accesses("MMU and faults", MM_DEPTH_FULL, 0, NR_PAGES, nr);
	accesses("and reclaim, a 1 GiB limit", MM_DEPTH_FULL, 1ull << 30, NR_PAGES, nr);
	printf("target: 25 M accesses/s with mostly hits\n");
	return 0;
}
