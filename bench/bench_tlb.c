/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bench_tlb - mm-fault beside the least that a TLB and a walk can cost, and beside cachegrind, in one run: accesses a second
 * of CPU time; and mm-fault's host memory when a trace gets ten times longer
 *
 * The accesses are those of a real program, sort(1) of random numbers, recorded by valgrind's lackey here. The floor reads the same
 * text with a bare MMU: two levels of TLB, a walk over four levels, frames given out in turn; no faults, no allocator, no
 * machine. Cachegrind runs the program itself under its caches; what both of its runs take to begin is taken off.
 * bench_tlb floor FILE and bench_tlb accesses N are the floor, and N accesses to few pages as a trace.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cost.h"

enum { TIMES = 2, LINES = 2500, MEMORY_ROWS = 1000000, NR_PAGES = 4000 };
enum { L1_SETS = 16, L1_WAYS = 4, L2_SETS = 128, L2_WAYS = 12, LEVELS = 4, ENTRIES = 512 };

static char dir[] = "/tmp/bench_tlb_XXXXXX", self[400], bin[400];

/* ---- the floor ---- */

static uint64_t l1[L1_SETS][L1_WAYS], l2[L2_SETS][L2_WAYS], accesses, walks, faults;

struct table {
	union {
		struct table *below;
		uint64_t frame;
	} entry[ENTRIES];
};
static struct table *root;

static struct table *new_table(void)
{
	struct table *t = calloc(1, sizeof(*t));

	if (!t)
		exit(1);
	return t;
}

static void walk(uint64_t page)
{
	struct table *t = root;

	walks++;
	for (int level = LEVELS - 1; level > 0; level--) {
		struct table **below = &t->entry[page >> 9 * level & (ENTRIES - 1)].below;

		if (!*below)
			*below = new_table();
		t = *below;
	}
	if (!t->entry[page & (ENTRIES - 1)].frame)
		t->entry[page & (ENTRIES - 1)].frame = ++faults;
}

/* Is @tag in the set?  It is the first then, and was added if not. */
static int look(uint64_t *set, int ways, uint64_t tag)
{
	int i = 0, hit;

	while (i < ways - 1 && set[i] != tag)
		i++;
	hit = set[i] == tag;
	for (; i; i--)
		set[i] = set[i - 1];
	set[0] = tag;
	return hit;
}

static void touch(uint64_t page)
{
	accesses++;
	if (l1[page % L1_SETS][0] == page + 1 || look(l1[page % L1_SETS], L1_WAYS, page + 1))
		return;
	if (!look(l2[page % L2_SETS], L2_WAYS, page + 1))
		walk(page);
}

/* "I  0401ab70,3", " L ..", " S ..", " M ..": a modify is two. */
static void read_lackey(const char *p, const char *end)
{
	while (p < end) {
		if ((p[0] == ' ' || p[0] == 'I') && end - p > 3) {
			int twice = p[1] == 'M';
			uint64_t addr = 0;

			for (p += 3; p < end && *p != ',' && *p != '\n'; p++)
				addr = addr << 4 | (((unsigned char)*p & 15u) + 9u * ((unsigned char)*p >> 6));
			touch(addr >> 12);
			if (twice)
				touch(addr >> 12);
		}
		p = p < end ? memchr(p, '\n', (size_t)(end - p)) : NULL;
		if (!p)
			break;
		p++;
	}
}

static int run_floor(const char *path)
{
	int fd = open(path, O_RDONLY);
	struct stat st;
	char *text;

	if (fd < 0 || fstat(fd, &st) || !st.st_size)
		return 1;
	text = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (text == MAP_FAILED)
		return 1;
	root = new_table();
	read_lackey(text, text + st.st_size);
	printf("%llu %llu %llu\n", (unsigned long long)accesses, (unsigned long long)walks, (unsigned long long)faults);
	return 0;
}

/* ---- a trace of any length over the same pages ---- */

static int write_accesses(long n)
{
	uint64_t state = 1;

	printf("pid,event,addr,size,flags\n1,mmap,0x100000000000,%d,PROT_READ|PROT_WRITE|MAP_PRIVATE|MAP_ANONYMOUS\n", NR_PAGES << 12);
	for (long i = 0; i < n; i++) {
		state = state * 6364136223846793005u + 1442695040888963407u;
		printf("1,%s,0x%llx,8,\n", state >> 63 ? "store" : "load",
		       0x100000000000 + (unsigned long long)((state >> 33) % NR_PAGES << 12));
	}
	return fflush(stdout) != 0;
}

/* ---- both run, and their figures ---- */

/* The numbers that @command prints, added up; < 0: it printed none. */
static double printed(const char *command)
{
	char line[1000];
	double sum = -1, one;
	FILE *p;

	snprintf(line, sizeof(line), "cd %s && %s", dir, command);
	p = popen(line, "r");
	while (p && fscanf(p, "%lf", &one) == 1)
		sum = (sum < 0 ? 0 : sum) + one;
	if (p)
		pclose(p);
	return sum;
}

/* One of those that are compared: what it did, less what @less did, which it has to do anyhow. */
struct peer {
	const char *what;
	char command[900], less[900];
	double nr, cpu_s, less_s;
};

/* The less of @best and what @command takes now; < 0 once it failed. */
static double least(double best, const char *command, bool first)
{
	double s = *command ? cost_of(dir, command, 1).cpu_s : 0;

	return first || (best >= 0 && s < best) ? s : best;
}

static void run_in_turns(struct peer *peers, size_t nr)
{
	for (int i = 0; i < TIMES; i++)
		for (size_t k = 0; k < nr; k++) {
			peers[k].cpu_s = least(peers[k].cpu_s, peers[k].command, !i);
			peers[k].less_s = least(peers[k].less_s, peers[k].less, !i);
		}
	for (size_t k = 0; k < nr; k++) {
		double s = peers[k].cpu_s - peers[k].less_s;

		if (peers[k].cpu_s >= 0 && peers[k].less_s >= 0 && s > 0)
			printf("%-44s %7.2f M accesses/s, %.2f times the floor's time an access\n", peers[k].what, peers[k].nr / s / 1e6,
			       s / peers[k].nr / (peers[0].cpu_s / peers[0].nr));
		else
			printf("%-44s failed\n", peers[k].what);
	}
}

#define CACHEGRIND "valgrind --tool=cachegrind --cache-sim=yes --cachegrind-out-file=/dev/null "
#define REFS " 2>&1 >/dev/null | sed -n 's/.*[ID] *refs: *\\([0-9,]*\\).*/\\1/p' | tr -d ,"

static int compare(void)
{
	static struct peer peers[3] = { { .what = "a bare TLB and walk (floor)" }, { .what = "mm-fault, at least 25" },
		{ .what = "cachegrind" } };
	char command[900];
	double all;

	if (cost_of(dir, "valgrind --tool=lackey --trace-mem=yes --log-file=lackey sort numbers", 1).cpu_s < 0) {
		printf("no comparison: valgrind is not installed\n");
		return 0;
	}
	snprintf(peers[0].command, sizeof(peers[0].command), "%s floor lackey >/dev/null", self);
	snprintf(peers[1].command, sizeof(peers[1].command), "%s/mm-fault -t faults lackey >/dev/null 2>&1", bin);
	snprintf(peers[2].command, sizeof(peers[2].command), CACHEGRIND "sort numbers >/dev/null 2>&1");
	snprintf(peers[2].less, sizeof(peers[2].less), CACHEGRIND "sort /dev/null >/dev/null 2>&1");
	snprintf(command, sizeof(command), "%s floor lackey | cut -d' ' -f1", self);
	peers[0].nr = printed(command);
	snprintf(command, sizeof(command), "%s/mm-fault --csv -n -t tlb -o accesses lackey 2>/dev/null", bin);
	peers[1].nr = printed(command);
	all = printed(CACHEGRIND "sort numbers" REFS);
	peers[2].nr = all - printed(CACHEGRIND "sort /dev/null" REFS);
	printf("%.1f M accesses of sort(1)\n", peers[0].nr / 1e6);
	run_in_turns(peers, 3);
	return 0;
}

static int memory(void)
{
	double peak[2];

	for (int i = 0; i < 2; i++) {
		char command[900];

		snprintf(command, sizeof(command), "%s accesses %d | %s/mm-fault -t faults >/dev/null", self, MEMORY_ROWS * (i ? 10 : 1),
			 bin);
		peak[i] = cost_of(dir, command, 1).peak_bytes;
		if (peak[i] < 0) {
			printf("host memory: failed\n");
			return 1;
		}
	}
	printf("host memory, %d rows over %d pages: %.1f MiB; ten times the rows: %.1f MiB\n", (int)MEMORY_ROWS, (int)NR_PAGES,
	       peak[0] / 1048576, peak[1] / 1048576);
	return 0;
}

static int write_numbers(void)
{
	uint64_t state = 1;
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "%s/numbers", dir);
	f = fopen(path, "w");
	for (int i = 0; f && i < LINES; i++) {
		state = state * 6364136223846793005u + 1442695040888963407u;
		fprintf(f, "%llu\n", (unsigned long long)state >> 20);
	}
	return f ? fclose(f) : 1;
}

int main(int argc, char **argv)
{
	char command[80], *end;
	ssize_t n;
	int e;

	if (argc == 3 && !strcmp(argv[1], "floor"))
		return run_floor(argv[2]);
	if (argc == 3 && !strcmp(argv[1], "accesses"))
		return write_accesses(atol(argv[2]));
	n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	if (n < 0 || !getcwd(bin, sizeof(bin) - 8) || !mkdtemp(dir))
		return 1;
	end = bin + strlen(bin);
	strcpy(end, "/.libs");			/* the programs behind libtool's scripts, where there are such */
	if (access(bin, X_OK))
		*end = 0;
	else
		setenv("LD_LIBRARY_PATH", bin, 1);
	setenv("LC_ALL", "C", 1);
	e = write_numbers() || compare() || memory();
	snprintf(command, sizeof(command), "rm -r %s", dir);
	return system(command) != 0 || e;
}
