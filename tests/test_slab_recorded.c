/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The allocators against the kernel's own, step by step: where each object lies (which page, how far into it), the layout of
 * each cache, and after each step: of SLAB the objects at hand of every CPU and node, the slabs on their lists, the next
 * colour; of SLUB every counter of CONFIG_SLUB_STATS, the slab of every CPU, and all partial lists in their order; of SLOB
 * the pages held.
 * tests/data/slab/README tells of the recordings and their lines.
 *
 * Pages have other numbers here: the recording's are joined with ours when first seen.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "slab/slub.h"
#include "slab_test.h"

enum { MAX_CACHES = 16, MAX_OBJECTS = 8192, MAX_PAGES = 4096, NODE_PAGES = 16384, NR_PFNS = 1024 + 2 * NODE_PAGES };

static const struct run {
	const char *file;
	enum mm_slab_kind kind;
	uint32_t nr_cpus, nr_nodes;
	bool debug;		/* CONFIG_DEBUG_SLAB */
} runs[] = {
	{ "one-cpu.txt", MM_SLAB_SLAB, 1, 1, false }, { "four-cpus.txt", MM_SLAB_SLAB, 4, 1, false },
	{ "two-nodes.txt", MM_SLAB_SLAB, 4, 2, false },
	{ "bulk-one-cpu.txt", MM_SLAB_SLAB, 1, 1, false }, { "bulk-two-nodes.txt", MM_SLAB_SLAB, 4, 2, false },
	{ "debug.txt", MM_SLAB_SLAB, 2, 1, true },
	{ "slub-one-cpu.txt", MM_SLAB_SLUB, 1, 1, false }, { "slub-four-cpus.txt", MM_SLAB_SLUB, 4, 1, false },
	{ "slub-two-nodes.txt", MM_SLAB_SLUB, 4, 2, false },
	{ "slub-debug.txt", MM_SLAB_SLUB, 2, 1, false },
	{ "slob-one-node.txt", MM_SLAB_SLOB, 1, 1, false }, { "slob-two-nodes.txt", MM_SLAB_SLOB, 2, 2, false },
};

static struct mm_kmem_cache *caches[MAX_CACHES], *shown;
static struct mm_kmem_cache *own;		/* SLOB: of the kernel's struct kmem_cache, which lie among all others */
static uint64_t object[MAX_OBJECTS];
static uint32_t cache_of[MAX_OBJECTS];
static mm_pfn_t page[MAX_PAGES];		/* ours by the recording's number, 0: not seen */
static uint32_t number[NR_PFNS];		/* the other way round, plus 1 */
static unsigned long at;			/* line of the recording */

/* The numbers of a line behind its first word; how many. */
static size_t numbers(const char *line, uint64_t *v, size_t max)
{
	size_t n = 0;
	char *end;

	for (line += 1; n < max; line = end) {
		v[n] = strtoull(line, &end, 10);
		if (end == line)
			break;
		n++;
	}
	return n;
}

static void same(const char *what, uint64_t found, uint64_t want)
{
	ck_assert_msg(found == want, "line %lu: %s of %s: kernel %llu, found %llu", at, what, shown ? mm_kmem_cache_alias(shown, 0) : "-",
		      (unsigned long long)want, (unsigned long long)found);
}

static void create(const char *line)
{
	unsigned int i, size, align, flags;
	char name[32];

	ck_assert_int_eq(sscanf(line, "c %u %31s %u %u %x", &i, name, &size, &align, &flags), 5);
	ck_assert_uint_lt(i, MAX_CACHES);
	if (own)
		ck_assert(mm_kmem_cache_alloc(own, GFP) != 0);
	caches[i] = mm_kmem_cache_create(sl, name, size, align, flags);
	ck_assert_ptr_nonnull(caches[i]);
	shown = caches[i];
}

static void layout(const uint64_t *v)
{
	const struct mm_slab_layout *l = &shown->layout;

	same("size", l->slab_size, v[0]);
	same("align", l->align, v[1]);
	same("objects of a slab", l->objects_per_slab, v[2]);
	same("order", l->order, v[3]);
	same("colours", l->colour, v[4]);
	same("bytes of the free list", l->freelist_bytes, v[5]);
	same("free list off the slab", l->off_slab, v[6]);
	same("limit", l->num_limit, v[7]);
	same("batchcount", l->batchcount, v[8]);
	same("shared", l->shared, v[9]);
}

static void slabinfo(const uint64_t *v)
{
	struct mm_kmem_cache_info info;
	uint64_t shared = 0;

	mm_kmem_cache_info(shown, &info);
	for (uint32_t i = 0; i < shown->nr_nodes; i++)
		shared += shown->node[i].shared ? shown->node[i].shared->avail : 0;
	same("active objects", info.active_objects, v[0]);
	same("objects", info.objects, v[1]);
	same("active slabs", info.active_slabs, v[2]);
	same("slabs", info.slabs, v[3]);
	same("sharedavail", shared, v[4]);
}

static void array_of_cpu(const uint64_t *v)
{
	same("objects of a CPU", shown->cpu[v[0]].ac->avail, v[1]);
	same("touched of a CPU", shown->cpu[v[0]].ac->touched, v[2]);
}

static void node(const uint64_t *v, size_t nr)
{
	const struct kmem_cache_node *n = &shown->node[v[0]];
	size_t next = 8;

	same("slabs of a node", n->nr_slabs, v[1]);
	same("free slabs of a node", n->free.nr, v[2]);
	same("free objects of a node", n->free_objects, v[3]);
	same("limit of a node", n->free_limit, v[4]);
	same("next colour of a node", n->colour_next, v[5]);
	same("shared of a node", n->shared ? n->shared->avail : 0, v[6]);
	same("free_touched of a node", n->free_touched, v[7]);
	for (uint32_t i = 0; n->alien && i < shown->nr_nodes; i++)
		if (n->alien[i]) {
			ck_assert_uint_lt(next, nr);
			same("alien of a node", n->alien[i]->avail, v[next++]);
		}
	ck_assert_uint_eq(next, nr);
}

/* ---- SLUB ---- */

static void slub_layout(const uint64_t *v)
{
	const struct mm_slab_layout *l = &shown->layout;

	same("size", l->slab_size, v[0]);
	same("align", l->align, v[1]);
	same("order", l->order, v[2]);
	same("objects of a slab", l->objects_per_slab, v[3]);
	same("min_partial", l->min_partial, v[4]);
	same("cpu_partial", l->cpu_partial, v[5]);
	same("slabs of cpu_partial", l->cpu_partial_slabs, v[6]);
}

static void slub_counters(const uint64_t *v, size_t nr)
{
	struct mm_kmem_cache_info info;

	mm_kmem_cache_info(shown, &info);
	ck_assert_uint_eq(nr, MM_NR_SLUB_STATS);
	for (int i = 0; i < MM_NR_SLUB_STATS; i++)
		same(mm_slub_stat_name((enum mm_slub_stat)i), info.stat[i], v[i]);
}

/* A list of slabs, PAGE:INUSE each. */
static void slabs(const char *what, const char *line, const struct slab *slab)
{
	uint32_t theirs, inuse;
	int used;

	for (; sscanf(line, " %u:%u%n", &theirs, &inuse, &used) == 2; line += used, slab = slab->next) {
		ck_assert_msg(slab != NULL, "line %lu: %s ends early", at, what);
		ck_assert_uint_lt(theirs, MAX_PAGES);
		same(what, slab->pfn, page[theirs]);
		same(what, slab->inuse, inuse);
	}
	ck_assert_msg(!slab, "line %lu: %s goes on", at, what);
}

static void slub_cpu(const char *line)
{
	const struct kmem_cache_cpu *c;
	uint32_t cpu, theirs, inuse, nr, nr_free = 0;
	const char *bar = strchr(line, '|');

	ck_assert(bar && sscanf(line, "U %u", &cpu) == 1 && cpu < shown->nr_cpus);
	mm_slub_settle_back(shown, &shown->cpu[cpu]);
	c = &shown->cpu[cpu];
	for (uint32_t i = c->freelist; i != SLAB_LINK_END; i = c->slab->link[i])
		nr_free++;
	if (sscanf(line, "U %*u %u:%u %u", &theirs, &inuse, &nr) == 3) {
		ck_assert(c->slab && theirs < MAX_PAGES);
		same("slab of a CPU", c->slab->pfn, page[theirs]);
		same("inuse of a CPU's slab", c->slab->inuse, inuse);
	} else {
		ck_assert_int_eq(sscanf(line, "U %*u - %u", &nr), 1);
		ck_assert_ptr_null(c->slab);
	}
	same("lockless list of a CPU", nr_free, nr);
	slabs("partial list of a CPU", bar + 1, c->partial);
}

static void slub_node(const char *line)
{
	const struct kmem_cache_node *n;
	uint32_t i, nr_slabs, nr_objects;
	const char *bar = strchr(line, '|');

	ck_assert(bar && sscanf(line, "V %u %u %u", &i, &nr_slabs, &nr_objects) == 3 && i < shown->nr_nodes);
	n = &shown->node[i];
	same("slabs of a node", n->nr_slabs, nr_slabs);
	same("objects of a node", n->nr_objects, nr_objects);
	slabs("partial list of a node", bar + 1, n->partial.head);
}

/* ---- steps ---- */

/* @node: MM_NUMA_NO_NODE any; @bulk: in one call. */
static void alloc(uint64_t c, uint64_t first, uint64_t nr, uint32_t node, bool bulk)
{
	ck_assert(c < MAX_CACHES && first + nr <= MAX_OBJECTS);
	if (bulk)
		ck_assert_uint_eq(mm_kmem_cache_alloc_bulk(caches[c], GFP, nr, &object[first]), nr);
	for (uint64_t i = first; i < first + nr; i++) {
		if (!bulk)
			object[i] = node == MM_NUMA_NO_NODE ? mm_kmem_cache_alloc(caches[c], GFP)
				: mm_kmem_cache_alloc_node(caches[c], GFP, node);
		cache_of[i] = (uint32_t)c;
		ck_assert(object[i] != 0);
	}
}

static void free_bulk(const uint64_t *v, size_t n)
{
	uint64_t objs[128];

	ck_assert(n > 1 && n <= 128 && v[0] < MAX_CACHES);
	for (size_t i = 1; i < n; i++)
		objs[i - 1] = object[v[i]];
	mm_kmem_cache_free_bulk(caches[v[0]], n - 1, objs);
}

static void free_objects(uint64_t first, uint64_t nr)
{
	ck_assert(first + nr <= MAX_OBJECTS);
	for (uint64_t i = first; i < first + nr; i++)
		mm_kmem_cache_free(caches[cache_of[i]], object[i]);
}

/* Each of the objects just allocated lies where the kernel has it. */
static void places(const char *line, uint64_t first, uint64_t nr)
{
	int used;

	for (line += 1; nr; first++, nr--, line += used) {
		mm_pfn_t pfn = sl->kind == MM_SLAB_SLOB ? (mm_pfn_t)((object[first] - MM_PAGE_OFFSET) >> MM_PAGE_SHIFT)
			: ((const struct slab *)mm_slab_lookup(sl, object[first]))->pfn;
		uint32_t theirs, off;

		ck_assert_int_eq(sscanf(line, " %u:%u%n", &theirs, &off, &used), 2);
		ck_assert(theirs < MAX_PAGES && pfn < NR_PFNS);
		if (!page[theirs]) {
			page[theirs] = pfn;
			number[pfn] = theirs + 1;
		}
		same("page", pfn, page[theirs]);
		same("page's number", number[pfn], theirs + 1u);
		same("place in the page", object[first] - mm_slab_address(pfn), off);
	}
}

static void kmalloc_one(uint64_t size, uint64_t i, uint32_t node)
{
	ck_assert_uint_lt(i, MAX_OBJECTS);
	object[i] = mm_kmalloc_node(sl, size, GFP, node);
	ck_assert(object[i] != 0);
}

static void pages(uint64_t nr)
{
	struct mm_slab_totals t;

	mm_slab_totals(sl, &t);
	same("pages", t.pages + t.large_pages, nr);
}

static void reap(struct mm_kmem_cache *s)
{
	uint32_t cpu = phys->ctx.cpu;

	s->node[mm_slab_cpu_node(s, cpu)].next_reap_ns = 0;
	mm_slab_reap_cache(s, cpu, sl->reap_node[cpu]);
	sl->reap_node[cpu] = (sl->reap_node[cpu] + 1) % sl->nr_nodes;
}

static void boot(const struct run *r)
{
	static const struct small_zone zones[] = {
		{ 0, MM_ZONE_NORMAL, 1024, NODE_PAGES, 32, 40, 48, 15, 90 },
		{ 1, MM_ZONE_NORMAL, 1024 + NODE_PAGES, NODE_PAGES, 32, 40, 48, 15, 90 },
	};

	phys = small_phys_new(zones, r->nr_nodes, r->nr_cpus);
	phys->phys.totalram_pages = NODE_PAGES;
	for (uint32_t cpu = 0; cpu < r->nr_cpus; cpu++)
		phys->phys.cpu_node[cpu] = (uint8_t)(cpu * r->nr_nodes / r->nr_cpus);
	phys->ctx.sysctl.v[MM_SYSCTL_DEBUG_SLAB] = r->debug;
	ck_assert_int_eq(mm_slab_new(&sl, &phys->ctx, &phys->phys, r->kind), 0);
	own = r->kind == MM_SLAB_SLOB ? mm_kmem_cache_create(sl, "kmem_cache", 64, 8, 0) : NULL;
	memset(page, 0, sizeof(page));
	memset(number, 0, sizeof(number));
	shown = NULL;
	at = 0;
}

static void step(const char *line)
{
	static uint64_t first, nr;
	uint64_t v[128];
	size_t n = numbers(line, v, 128);

	switch (line[0]) {
	case '#': break;
	case 'c': create(line); break;
	case 'l': shown = caches[v[0]]; break;
	case 'L': layout(v); break;
	case 'I': slabinfo(v); break;
	case 'C': array_of_cpu(v); break;
	case 'N': node(v, n); break;
	case 'p': mm_set_cpu(&phys->ctx, (uint32_t)v[0]); break;
	case 'T': slub_layout(v); break;
	case 'S': slub_counters(v, n); break;
	case 'U': slub_cpu(line); break;
	case 'V': slub_node(line); break;
	case 'a': alloc(v[0], first = v[1], nr = v[2], MM_NUMA_NO_NODE, false); break;
	case 'n': alloc(v[0], first = v[1], nr = v[2], (uint32_t)v[3], false); break;
	case 'b': alloc(v[0], first = v[1], nr = v[2], MM_NUMA_NO_NODE, true); break;
	case 'B': free_bulk(v, n); break;
	case '=': places(line, first, nr); break;
	case 'k': kmalloc_one(v[0], first = v[1], MM_NUMA_NO_NODE), nr = 1; break;
	case 'm': kmalloc_one(v[0], first = v[1], (uint32_t)v[2]), nr = 1; break;
	case 'K': mm_kfree(sl, object[v[0]]); break;
	case 'P': pages(v[0]); break;
	case 'f': free_objects(v[0], v[1]); break;
	case 's': mm_kmem_cache_shrink(caches[v[0]]); break;
	case 'R': reap(caches[v[0]]); break;
	default: ck_abort_msg("line %lu: %s", at, line);
	}
}

START_TEST(recorded)
{
	const char *src = getenv("srcdir");
	static char line[4096];
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/tests/data/slab/%s", src ? src : ".", runs[_i].file);
	f = fopen(path, "r");
	ck_assert_msg(f != NULL, "%s", path);
	boot(&runs[_i]);
	while (fgets(line, sizeof(line), f)) {
		at++;
		step(line);
	}
	ck_assert_uint_gt(at, 900);
	fclose(f);
	stop();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("slab_recorded");
	TCase *tc = tcase_create("slab_recorded");
	SRunner *sr = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tc);
	tcase_add_loop_test(tc, recorded, 0, (int)(sizeof(runs) / sizeof(runs[0])));
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
