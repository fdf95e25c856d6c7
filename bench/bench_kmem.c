/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bench_kmem - replay of kmem events, text to lists, events a second; order 0 beside other allocators' 4 KiB blocks
 *
 * The recording is made here, seeded: blocks of orders 0 to 3, mostly 0, up to 20000 alive, taken and freed at random.
 * The same events are read as ftrace text and as a trace in CSV, each by the whole way: reader, machine, lists.  Objects
 * likewise: kmalloc() of 1 to 1024 bytes and kfree(), through SLUB.
 * Other allocators are those of the libraries that are installed: a pair of malloc(4096) and free().
 */
#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <libmm/machine.h>

#include "base/rng.h"
#include "phys/phys.h"

enum { LIVE = 20000, BATCH = 256 };

struct text {
	char *p;
	size_t len, cap;
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);	/* others run on the machine too */
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void die(const char *what, const struct mm_error *err)
{
	fprintf(stderr, "bench_kmem: %s: %s\n", what, err->text);
	exit(1);
}

__attribute__((format(printf, 2, 3))) static void add(struct text *t, const char *fmt, ...)
{
	va_list ap;

	if (t->len + 256 > t->cap) {
		t->cap = t->cap ? 2 * t->cap : 1 << 20;
		t->p = realloc(t->p, t->cap);
		if (!t->p)
			exit(1);
	}
	va_start(ap, fmt);
	t->len += (size_t)vsnprintf(t->p + t->len, 256, fmt, ap);
	va_end(ap);
}

static void event(struct text *t, bool csv, uint64_t i, bool alloc, unsigned int pfn, unsigned int order)
{
	double time = 1 + (double)i * 1e-6;

	if (csv)
		add(t, "%.6f,1,page_%s,%u,%s,0x%x\n", time, alloc ? "alloc" : "free", 4096u << order,
		    alloc ? "GFP_HIGHUSER_MOVABLE" : "", pfn);
	else if (alloc)
		add(t, "              sh-1       [000] ..... %12.6f: mm_page_alloc: page=00000000e128ac0e pfn=0x%x order=%u "
		    "migratetype=1 gfp_flags=GFP_HIGHUSER_MOVABLE\n", time, pfn, order);
	else
		add(t, "              sh-1       [000] ..... %12.6f: mm_page_free: page=00000000e128ac0e pfn=0x%x order=%u\n", time,
		    pfn, order);
}

static void object_event(struct text *t, bool csv, uint64_t i, bool alloc, unsigned int slot, unsigned int size)
{
	uint64_t ptr = 0xffff888100000000u + 1024u * slot;
	double time = 1 + (double)i * 1e-6;

	if (csv)
		add(t, "%.6f,1,%s,%u,%s,0x%llx\n", time, alloc ? "kmalloc" : "kfree", alloc ? size : 0, alloc ? "GFP_KERNEL" : "",
		    (unsigned long long)ptr);
	else if (alloc)
		add(t, "              sh-1       [000] ..... %12.6f: kmalloc: call_site=load_elf_phdrs+0x46/0xa0 ptr=%llx bytes_req=%u "
		    "bytes_alloc=1024 gfp_flags=GFP_KERNEL node=-1 accounted=false\n", time, (unsigned long long)ptr, size);
	else
		add(t, "              sh-1       [000] ..... %12.6f: kfree: call_site=load_elf_binary+0x1c5/0x1460 ptr=%llx\n", time,
		    (unsigned long long)ptr);
}

/* Frames of the recording are names only: slot i has the blocks at 8 * i. */
static void record(struct text *t, bool csv, bool objects, uint64_t nr)
{
	static uint8_t order[LIVE];		/* + 1; 0: free */
	struct mm_rng rng = { 1 };

	for (int i = 0; i < LIVE; i++)
		order[i] = 0;
	if (csv)
		add(t, "time_s,pid,event,size,flags,%s\n", objects ? "addr" : "result");
	else
		add(t, "# tracer: nop\n#\n");
	for (uint64_t i = 0; i < nr; i++) {
		unsigned int slot = (unsigned int)mm_rng_below(&rng, LIVE), o = (unsigned int)mm_rng_below(&rng, 32);
		bool alloc = !order[slot];

		if (alloc)
			order[slot] = (uint8_t)(o < 4 ? o + 1 : 1);
		if (objects)
			object_event(t, csv, i, alloc, slot, 1 + (unsigned int)mm_rng_below(&rng, 1024));
		else
			event(t, csv, i, alloc, 0x100000 + 8 * slot, order[slot] - 1u);
		if (!alloc)
			order[slot] = 0;
	}
}

static void replay(const char *what, bool csv, bool objects, uint64_t nr)
{
	struct mm_trace_options opt = { 0 };
	struct mm_machine_config cfg;
	struct mm_event ev[BATCH];
	struct mm_trace_reader *r = NULL;
	struct mm_error err = { 0 };
	struct text t = { 0 };
	struct mm_machine *m;
	struct mm_input *in;
	uint64_t events = 0;
	double began, seconds;
	long n;

	record(&t, csv, objects, nr);
	mm_machine_config_init(&cfg);
	cfg.depth = objects ? MM_DEPTH_SLAB : MM_DEPTH_PHYS;
	if (mm_machine_new(&m, &cfg, &err) || mm_machine_start(m, &err))
		die("boot", &err);
	began = now();
	if (mm_input_open_memory(&in, what, t.p, t.len) || mm_trace_reader_new(&r, in, &opt, &err))
		die(what, &err);
	while ((n = mm_trace_read(r, ev, BATCH, &err)) > 0)
		for (long i = 0; i < n; i++, events++)
			if (mm_machine_event(m, &ev[i], &err))
				die(what, &err);
	if (n < 0 || events != nr)
		die(what, &err);
	seconds = now() - began;
	printf("replay of kmem events, %s, %-12s %6.2f M events/s, at least %d, %5.0f MB/s\n", objects ? "objects" : "pages  ", what,
	       (double)nr / seconds / 1e6, objects ? 5 : 1, (double)t.len / seconds / 1e6);
	mm_trace_reader_free(r);
	mm_input_free(in);
	mm_machine_free(m);
	free(t.p);
}

/* ---- order 0, one pair after the other ---- */

static void peer(const char *name, const char *lib, uint64_t pairs)
{
	void *h = lib ? dlopen(lib, RTLD_NOW | RTLD_LOCAL) : NULL;
	void *(*volatile take)(size_t) = malloc;
	void (*volatile give)(void *) = free;
	double began;

	if (lib && !h) {
		printf("  %-20s not installed, or not to be loaded: %s\n", name, dlerror());
		return;
	}
	if (h) {
		*(void **)&take = dlsym(h, "malloc");
		*(void **)&give = dlsym(h, "free");
	}
	began = now();
	for (uint64_t i = 0; i < pairs; i++)
		give(take(4096));
	printf("  %-20s %7.1f ns a pair\n", name, (now() - began) / (double)pairs * 1e9);
}

static void order0(uint64_t pairs)
{
	static struct mm_ctx ctx;
	struct mm_region_list regions = { 0 };
	struct mm_error err = { 0 };
	struct mm_phys *phys;
	double began;

	mm_sysctls_init(&ctx.sysctl);
	ctx.nr_cpus = 1;
	if (mm_region_list_add(&regions, &(struct mm_region){ .start = 1 << 20, .end = (1u << 30) - 1 }, MM_STR("System RAM")) ||
	    mm_phys_new(&phys, &ctx, &(struct mm_phys_config){ .regions = &regions, .nr_cpus = 1 }, &err))
		die("boot", &err);
	began = now();
	for (uint64_t i = 0; i < pairs; i++)
		mm_free_pages(phys, mm_alloc_pages(phys, MM_GFP_HIGHUSER_MOVABLE, 0), 0);
	printf("a page taken and freed, %llu times:\n  %-20s %7.1f ns a pair\n", (unsigned long long)pairs, "libmm",
	       (now() - began) / (double)pairs * 1e9);
	mm_phys_free(phys);
	mm_region_list_free(&regions);
	peer("malloc (libc)", NULL, pairs);
	peer("mimalloc", "libmimalloc.so.2", pairs);
	peer("jemalloc", "libjemalloc.so.2", pairs);
}

int main(int argc, char **argv)
{
	uint64_t nr = argc > 1 ? strtoull(argv[1], NULL, 10) : 2000000;

	for (int objects = 0; objects < 2; objects++) {
		replay("CSV", true, objects, nr);
		replay("ftrace text", false, objects, nr);
	}
	order0(2 * nr);
	return 0;
}
