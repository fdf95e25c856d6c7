/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bench_replay - what a row costs mm-fault and mm-reclaim, reading included: rows a second of CPU time and, with
 * BENCH_SLOW in the environment and valgrind installed, instructions a row; each beside its target.  Then with BENCH_SLOW
 * what parts of the work cost alone: instructions of a command less those of another
 *
 * The inputs are written here: accesses that mostly hit the TLB as lackey text and as a trace, first touches, accesses
 * that all hit (16 pages in turn, each first in its set) and that all walk (3072 pages in turn, of which the TLB keeps
 * half), and references to 100,000 pages, zipf with exponent 1, as numbers and as hex words without 0x.  The lackey text is also
 * given to a bare TLB and walk (bench_tlb floor), and the references to BENCH_CACHESIM=PROGRAM (libCacheSim's cachesim) if it is named.
 *
 * bench_replay memory tells how much host memory a page takes, nothing else.
 */
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cost.h"

#define LRU "mm-reclaim --policy=lru --memory-max=150M numbers"
enum { NR_PAGES = 100000, NR_NEAR = 40, NR_HIT = 16, NR_WALK = 3072, NR_TOUCH = 400000 };

static uint64_t state = 1;
static long nr_referred;		/* pages that the references name */
static char dir[] = "/tmp/bench_replay_XXXXXX";

static double random_unit(void)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (double)(state >> 11) / 9007199254740992.0;
}

static FILE *create(const char *name)
{
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	if (!f) {
		perror(path);
		exit(1);
	}
	return f;
}

/* Accesses to pages in turn, the first @nr of those that are touched before. */
static void write_turns(const char *name, long rows, long nr)
{
	FILE *f = create(name);

	fprintf(f, "pid,event,addr,size,flags\n1,mmap,0x100000000000,%d,PROT_READ|PROT_WRITE|MAP_PRIVATE|MAP_ANONYMOUS\n", NR_WALK << 12);
	for (long i = 0; i < NR_WALK + rows; i++)
		fprintf(f, "1,store,0x%lx,8,\n", 0x100000000000 + ((unsigned long)(i < NR_WALK ? i : (i - NR_WALK) % nr) << 12));
	if (fclose(f)) {
		perror(name);
		exit(1);
	}
}

static void write_inputs(long rows)
{
	static const char *const words[] = { "fetch", "load", "store" };
	FILE *lackey = create("lackey"), *trace = create("trace"), *touch = create("touch");
	FILE *number = create("numbers"), *hex = create("words");
	static unsigned char seen[NR_PAGES + 1];

	write_turns("touched", 0, 1);
	write_turns("hits", rows, NR_HIT);
	write_turns("walks", rows, NR_WALK);
	fputs("==1== Lackey, an example Valgrind tool\n==1== Command: ./p\n", lackey);
	fputs("pid,event,addr,size,flags,name,offset,addr2,size2,result,by\n", trace);
	fputs("1,exec,,,AUTOMAP,p,,,,,\n", trace);
	fputs("pid,event,addr,size,flags\n", touch);
	fputs("time,page,op\n", number);
	fputs("time,page,op\n", hex);
	for (long i = 0; i < rows; i++) {
		unsigned int kind = (unsigned int)(random_unit() * 3), page = 0x1000000 + (unsigned int)exp(random_unit() * log(NR_PAGES));
		unsigned long addr = 0x4000000 + (unsigned long)(random_unit() * NR_NEAR) * 4096 + (unsigned long)(random_unit() * 4088);

		nr_referred += !seen[page - 0x1000000];
		seen[page - 0x1000000] = 1;
		fprintf(lackey, "%s%08lx,%d\n", kind == 0 ? "I  " : kind == 1 ? " L " : " S ", addr, 4);
		fprintf(trace, "1,%s,0x%lx,4,,,,,,,\n", words[kind], addr);
		if (i % NR_TOUCH == 0)		/* what the machine's memory holds, then all of it anew */
			fprintf(touch, "1,munmap,0x100000000000,%d,\n"
				"1,mmap,0x100000000000,%d,PROT_READ|PROT_WRITE|MAP_PRIVATE|MAP_ANONYMOUS\n", NR_TOUCH << 12,
				NR_TOUCH << 12);
		fprintf(touch, "1,store,0x%lx,8,\n", 0x100000000000 + ((unsigned long)(i % NR_TOUCH) << 12));
		fprintf(number, "%ld,%u,%c\n", i / 1000, page, kind ? 'R' : 'W');
		fprintf(hex, "%ld,%x,%c\n", i / 1000, page, kind ? 'R' : 'W');
	}
	if (fclose(lackey) || fclose(trace) || fclose(touch) || fclose(number) || fclose(hex)) {
		perror(dir);
		exit(1);
	}
}

static double cpu_seconds(const char *command) { return cost_of(dir, command, 3).cpu_s; }

/* Instructions of the program and all it starts, as valgrind counts them; < 0: no valgrind. */
static double instructions(const char *command)
{
	char line[800];
	double n = -1, one;
	FILE *p;

	snprintf(line, sizeof(line), "cd %s && valgrind --tool=none --version >/dev/null 2>&1 && valgrind --trace-children=yes "
		 "--tool=cachegrind --cache-sim=no --cachegrind-out-file=/dev/null %s 2>&1 >/dev/null | "
		 "sed -n 's/.*I *refs: *//p' | tr -d ,", dir, command);
	p = popen(line, "r");
	while (p && fscanf(p, "%lf", &one) == 1)
		n = one > n ? one : n;
	if (p)
		pclose(p);
	return n;
}

struct figure {
	const char *what, *command;
	double rate, instructions;	/* targets: M rows/s at least, instructions a row at most; 0 none */
};

/* Programs of this directory are named bench_...: @bin is that of the commands. */
static double instructions_of(const char *bin, const char *command, long rows)
{
	char cwd[300] = "", line[700], full[600];

	if (!strncmp(command, "bench_", 6) && !getcwd(cwd, sizeof(cwd) - 8))
		return -1;
	snprintf(full, sizeof(full), "%s%s/%s", *cwd ? cwd : bin, *cwd ? "/bench" : "", command);
	snprintf(line, sizeof(line), full, rows);
	return instructions(line);
}

/* A part of the work: commands and, less, those that do all else they do; the most that may be left a row. */
struct part {
	const char *what, *command[2], *less[2];
	double instructions;
};

static void tell_part(const struct part *p, const char *bin, long rows)
{
	double n = 0;

	for (int i = 0; i < 2; i++) {
		double more = p->command[i] ? instructions_of(bin, p->command[i], rows) : 0;
		double less = p->less[i] ? instructions_of(bin, p->less[i], rows) : 0;

		if (more < 0 || less < 0) {
			printf("%-44s not counted: without valgrind, or the program is not built\n", p->what);
			return;
		}
		n += more - less;
	}
	printf("%-44s %7.0f instructions, at most %.0f\n", p->what, n / (double)rows, p->instructions);
}

static void tell(const struct figure *f, const char *bin, long rows)
{
	char command[400];
	double s, n;

	snprintf(command, sizeof(command), "%s/%s", bin, f->command);
	s = cpu_seconds(command);
	printf("%-44s", f->what);
	if (s > 0)
		printf(" %7.2f M rows/s", (double)rows / s / 1e6);
	else
		printf(" %s", "failed");
	if (f->rate > 0)
		printf(", at least %.0f", f->rate);
	n = getenv("BENCH_SLOW") ? instructions(command) : -1;
	if (n >= 0)
		printf("; %.0f instructions a row", n / (double)rows);
	if (n >= 0 && f->instructions > 0)
		printf(", at most %.0f", f->instructions);
	putchar('\n');
}

static void peer(const char *what, const char *program, const char *arguments, long rows)
{
	char command[400];
	double s;

	if (!program)
		return;
	snprintf(command, sizeof(command), "%s %s", program, arguments);
	s = cpu_seconds(command);
	if (s > 0)
		printf("%-44s %7.2f M rows/s\n", what, (double)rows / s / 1e6);
}

/* Eight points beside one: on two threads four points' time and the rest is overhead.  The wall's is true on an idle machine only. */
static void sweep(const char *bin)
{
	char command[400];
	struct cost one, eight;

	snprintf(command, sizeof(command), "%s/mm-reclaim --swap=8G --sweep=memory-max=150M..150M:1 numbers", bin);
	one = cost_of(dir, command, 5);
	snprintf(command, sizeof(command), "%s/mm-reclaim --swap=8G --sweep=memory-max=100M..300M:8 numbers", bin);
	eight = cost_of(dir, command, 5);
	if (one.cpu_s > 0 && eight.cpu_s > 0)
		printf("%-44s %7.2f times one point's time, at most 5; half its CPU time %.2f times one's\n", "an 8-point sweep",
		       eight.wall_s / one.wall_s, eight.cpu_s / 2 / one.cpu_s);
}

/* Stores to pages: @step from one to the next; APART: scattered over the address space; KEYS: of any number of 64 bits. */
enum { APART = 0, KEYS = -1 };
static void write_pages(const char *name, long nr, long step)
{
	FILE *f = create(name);

	state = 2;
	fputs("time,page,op\n", f);
	for (long i = 0; i < nr; i++) {
		double u = step > 0 ? 0 : random_unit();

		fprintf(f, "%ld,%llu,W\n", i / 1000, step > 0 ? 0x1000000ull + (unsigned long long)(i * step) :
			step == APART ? (unsigned long long)(u * 0x1p34) : (unsigned long long)state);
	}
	if (fclose(f)) {
		perror(name);
		exit(1);
	}
}

/* Stores to @nr places 1 << @shift apart: of one mapping, or where none is. */
static void write_places(const char *name, long nr, int shift, bool mapped)
{
	FILE *f = create(name);

	fputs("pid,event,addr,size,flags\n", f);
	if (mapped)
		fprintf(f, "1,mmap,0x100000000000,0x%lx,PROT_READ|PROT_WRITE|MAP_PRIVATE|MAP_ANONYMOUS|MAP_NORESERVE\n", nr << shift);
	for (long i = 0; i < nr; i++)
		fprintf(f, "1,store,0x%lx,8,\n", 0x100000000000 + ((unsigned long)i << shift));
	if (fclose(f)) {
		perror(name);
		exit(1);
	}
}

/* What references to the pages of one file take beyond those to the pages of another, a page. */
static void tell_memory(const char *bin, const char *what, const char *options, const char *const input[2], long nr_more)
{
	struct cost c[2];
	char command[400];

	for (int i = 0; i < 2; i++) {
		snprintf(command, sizeof(command), "exec %s/mm-reclaim %s %s", bin, options, input[i]);
		c[i] = cost_of(dir, command, 1);
	}
	if (c[0].cpu_s >= 0 && c[1].cpu_s >= 0)
		printf("%-44s %7.0f bytes, at most 64\n", what, (c[1].peak_bytes - c[0].peak_bytes) / (double)nr_more);
	else
		printf("%-44s failed\n", what);
}

/*
 * Peak resident memory of runs over so many pages and over twice as many; of the zipf references beside those to one page.
 *
 * Random pages and those far apart have a page table each, which is a page of the machine as well, of a frame of its own: both are counted.
 * Beyond 64 bytes are those that have a VMA each: 80 of it, 46 to 61 of the nodes of the maple tree, half empty as the kernel's, 24 of
 * its anon_vma and 8 to 16 to find that, and 8 where the page was swapped to.
 */
static void memory(const char *bin)
{
	enum { NR = 200000 };
	static const char limit[] = "--memory-max=150M --swap=8G -t summary", large[] = "--ram=64G -t summary",
		automap[] = "--automap --memory-max=150M --swap=8G -t summary";
	static const char *const beside[] = { "beside", "beside2" }, *const second[] = { "second", "second2" },
		*const apart[] = { "apart", "apart2" }, *const zipf[] = { "few", "numbers" };
	static const char *const tables[] = { "tables", "tables2" }, *const keys[] = { "keys", "keys2" };
	static const char *const numbered[] = { "numbered", "numbered2" };
	static const char *const policies[] = { "lru", "fifo", "clock", "opt" };

	for (int i = 0; i < 2; i++) {
		write_pages(beside[i], NR << i, 1);
		write_pages(second[i], NR << i, 2);
		write_places(apart[i], NR << i, 13, false);
		write_pages(keys[i], NR / 4 << i, APART);
		write_pages(numbered[i], NR << i, KEYS);
		write_places(tables[i], NR / 4 << i, 21, true);
	}
	write_pages("few", 1, 1);
	tell_memory(bin, "host memory a page, one beside the other", limit, beside, NR);
	tell_memory(bin, "the same, all of them in memory", large, beside, NR);
	tell_memory(bin, "the same, zipf", limit, zipf, nr_referred);
	tell_memory(bin, "the same, every second page", limit, second, NR);
	tell_memory(bin, "the same, a VMA each", automap, apart, NR);
	tell_memory(bin, "the same, in memory, a page table each", large, tables, NR / 4 * 2);
	tell_memory(bin, "the same, random pages, a page table each", large, keys, NR / 4 * 2);
	tell_memory(bin, "the same, random keys of 64 bits", large, numbered, NR);
	for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++) {
		char what[60], options[100];

		snprintf(what, sizeof(what), "the same, --policy=%s", policies[i]);
		snprintf(options, sizeof(options), "--policy=%s --memory-max=2G", policies[i]);
		tell_memory(bin, what, options, beside, NR);
		snprintf(what, sizeof(what), "the same, --policy=%s, random pages", policies[i]);
		tell_memory(bin, what, options, keys, NR / 4);
	}
	tell_memory(bin, "the same, --policy=lru, a curve of 8 points", "--policy=lru --sweep=memory-max=1G..8G:8", beside, NR);
	tell_memory(bin, "the same, the kernel's curve of 2 points", "--swap=8G --sweep=memory-max=100M..300M:2", beside, NR);
}

int main(int argc, char **argv)
{
	static const struct figure figures[] = {
		{ "mm-fault, lackey text, mostly TLB hits", "mm-fault -t faults lackey", 25, 0 },
		{ "the same, rows written", "mm-fault lackey", 0, 0 },
		{ "mm-fault, trace CSV, mostly TLB hits", "mm-fault -t faults trace", 12, 0 },
		{ "the same, rows written", "mm-fault trace", 0, 0 },
		{ "mm-fault, a first touch a row, exit included", "mm-fault -t faults touch", 0, 4300 },
		{ "mm-reclaim --policy=lru, numbers", LRU, 0, 700 },
		{ "mm-reclaim --policy=lru, words", "mm-reclaim --policy=lru --memory-max=150M words", 0, 700 },
		{ "mm-reclaim --policy=fifo, words", "mm-reclaim --policy=fifo --memory-max=150M words", 0, 700 },
		{ "mm-reclaim --policy=clock, words", "mm-reclaim --policy=clock --memory-max=150M words", 0, 700 },
		{ "the kernel's LRU, numbers", "mm-reclaim --memory-max=150M --swap=8G -t summary numbers", 0, 0 },
		{ "the kernel's MGLRU, numbers", "mm-reclaim --memory-max=150M --swap=8G -S lru_gen=7 -t summary numbers", 0, 0 },
	};
	static const struct part parts[] = {
		{ "a TLB hit beyond reading the row", { "mm-fault -t faults hits", "bench_csv trace touched" },
		  { "mm-fault -t faults touched", "bench_csv trace hits" }, 60 },
		{ "a walk beyond a TLB hit", { "mm-fault -t faults walks" }, { "mm-fault -t faults hits" }, 200 },
		{ "an effect row of 8 columns written", { "bench_csv write %ld" }, { NULL }, 400 },
		{ "the kernel's LRU beyond twice --policy=lru", { "mm-reclaim --memory-max=150M --swap=8G -t summary numbers" },
		  { LRU, LRU }, 0 },
		{ "the kernel's MGLRU beyond twice --policy=lru",
			{ "mm-reclaim --memory-max=150M --swap=8G -S lru_gen=7 -t summary numbers" },
		  { LRU, LRU }, 0 },
		{ "SLUB, 64 bytes: a pair at once", { "bench_slab slub pair 64 %ld" }, { "bench_slab none pair 64 %ld" }, 60 },
		{ "SLUB, 64 bytes: last in, first out", { "bench_slab slub lifo 64 %ld" }, { "bench_slab none lifo 64 %ld" }, 60 },
		{ "SLUB, 64 bytes: at random", { "bench_slab slub rand 64 %ld" }, { "bench_slab none rand 64 %ld" }, 60 },
	};
	const bool memory_only = argc > 1 && !strcmp(argv[1], "memory");
	long rows = argc > 1 && !memory_only ? atol(argv[1]) : 1000000;
	char bin[300], floor_program[400], *end;

	if (!getcwd(bin, sizeof(bin) - 8) || !mkdtemp(dir))
		return 1;
	end = bin + strlen(bin);
	snprintf(floor_program, sizeof(floor_program), "%s/bench/bench_tlb", bin);
	strcpy(end, "/.libs");			/* the programs behind libtool's scripts, where there are such */
	if (access(bin, X_OK))
		*end = 0;
	else
		setenv("LD_LIBRARY_PATH", bin, 1);
	write_inputs(rows);
	for (size_t i = 0; !memory_only && i < sizeof(figures) / sizeof(figures[0]); i++)
		tell(&figures[i], bin, rows);
	setenv("GLIBC_TUNABLES", "glibc.rtld.optional_static_tls=16384", 1);	/* bench_slab need not begin again for it */
	for (size_t i = 0; !memory_only && getenv("BENCH_SLOW") && i < sizeof(parts) / sizeof(parts[0]); i++)
		tell_part(&parts[i], bin, rows);
	if (!memory_only)
		sweep(bin);
	memory(bin);
	if (!memory_only) {
		peer("a bare TLB and walk, the lackey text", floor_program, "floor lackey", rows);
		peer("cachesim lru, numbers", getenv("BENCH_CACHESIM"),
		     "numbers csv lru 38400 -t 'time-col=1,obj-id-col=2,delimiter=,' --ignore-obj-size=1", rows);
	}
	snprintf(bin, sizeof(bin), "rm -r %s", dir);
	return system(bin) != 0;
}
