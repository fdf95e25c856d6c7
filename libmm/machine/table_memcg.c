/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Memory cgroups: what each and those below it hold, its limits, and what came of them (table memcg), under the names of
 * cgroup v2's files and of memory.stat; the schema serves captures too.
 */
#include <errno.h>
#include <stdlib.h>

#include <libmm/cgroup.h>
#include <libmm/tables.h>
#include <libmm/wide.h>

#include "base/host_memory.h"
#include "cache/memcg_v1.h"
#include "machine/machine.h"
#include "virt/rmap.h"

/* Of a folio; a huge one may be mapped in part. */
static uint64_t mapped_pages(const struct mm_phys *phys, mm_pfn_t head)
{
	if (!mm_folio_is_large(phys, head))
		return mm_folio_mapped(phys, head);
	return mm_folio_entire_mapcount(phys, head) ? MM_PMD_PAGES : mm_page(phys, head + 1)->next;
}

static void count_page(const struct mm_machine *m, mm_pfn_t pfn, struct mm_memcg_pages *n)
{
	const struct mm_page *p = mm_page(m->phys, pfn);
	const struct mm_address_space *as = mm_folio_mapping(m->cache, pfn);
	uint64_t nr = mm_folio_nr_pages(p);

	n->swapcached += mm_folio_test_swapcache(p) ? nr : 0;
	if (p->flags & MM_PG_ANON) {
		n->anon += mapped_pages(m->phys, pfn);
		n->anon_thp += mm_folio_entire_mapcount(m->phys, pfn) ? nr : 0;
	} else if (as && as->host->captured_anon) {
		n->anon += nr;
	} else if (as) {
		n->file += nr;
		n->shmem += p->flags & MM_PG_SWAPBACKED ? nr : 0;
		*(p->flags & MM_PG_SWAPBACKED ? &n->shmem_thp : &n->file_thp) += nr > 1 ? nr : 0;
		n->file_mapped += mapped_pages(m->phys, pfn);
		n->file_dirty += p->flags & MM_PG_DIRTY && !(p->flags & MM_PG_SWAPBACKED) ? nr : 0;
		n->file_writeback += p->flags & MM_PG_WRITEBACK ? nr : 0;
	}
}

/* struct mm_memcg_pages is numbers alone. */
static void add_up(struct mm_memcg_pages *to, const struct mm_memcg_pages *from)
{
	const uint64_t *f = (const uint64_t *)(const void *)from;
	uint64_t *t = (uint64_t *)(void *)to;

	for (size_t i = 0; i < sizeof(*to) / sizeof(*t); i++)
		t[i] += f[i];
}

static mm_pfn_t offset_in_block(mm_pfn_t pfn) { return pfn & ((1u << MM_CHARGED_BLOCK_ORDER) - 1); }

/* Pages know whom they are charged to; tables of pages and other kernel memory are counted where they are charged. */
struct mm_memcg_pages *mm_memcg_count_all(const struct mm_machine *m)
{
	const struct mm_cache *c = m->cache;
	struct mm_memcg_pages *v = mm_host_calloc(c->nr_memcgs, sizeof(*v));

	if (!v)
		return NULL;
	for (mm_pfn_t pfn = 0; pfn < m->phys->max_pfn; pfn++) {
		if (!offset_in_block(pfn) && !c->block_charged[pfn >> MM_CHARGED_BLOCK_ORDER])
			pfn += (1u << MM_CHARGED_BLOCK_ORDER) - 1;
		else if (c->page_memcg[pfn])
			count_page(m, pfn, &v[c->page_memcg[pfn] - 1]);
	}
	for (uint32_t i = c->nr_memcgs; i-- > 0; ) {	/* children have higher ids than parents */
		const struct mm_memcg *g = c->memcgs[i];

		v[i].kernel += g->kmem;
		v[i].pagetables += g->pagetables + g->captured_pagetables;
		v[i].slab_reclaimable_bytes += g->slab_bytes[MM_MEMCG_SLAB_RECLAIMABLE];
		v[i].slab_unreclaimable_bytes += g->slab_bytes[MM_MEMCG_SLAB_UNRECLAIMABLE];
		if (g->parent)
			add_up(&v[g->parent->id - 1], &v[i]);
	}
	return v;
}

#define BYTES(member, name, hide, help) { name, NULL, MM_COL_BYTES, offsetof(struct mm_cgroup_row, member), hide, help }
static const struct mm_column columns[] = {
	MM_COLUMN(struct mm_cgroup_row, memcg, MM_COL_STR, "path, / for the root"),
	BYTES(current, "current_bytes", false, "memory.current: charged to it and those below"),
	BYTES(swap_current, "swap_current_bytes", false, "memory.swap.current"),
	BYTES(anon, "anon_bytes", false, "memory.stat: anonymous memory that is mapped"),
	BYTES(file, "file_bytes", false, "memory.stat: page cache, shared memory too"),
	BYTES(kernel, "kernel_bytes", false, "memory.stat: kernel memory"),
	BYTES(pagetables, "pagetables_bytes", true, "memory.stat: page tables"),
	BYTES(shmem, "shmem_bytes", true, "memory.stat: shared memory and tmpfs"),
	BYTES(swapcached, "swapcached_bytes", true, "memory.stat: in swap and in memory"),
	BYTES(max, "max_bytes", false, "memory.max; empty: none"),
	BYTES(high, "high_bytes", false, "memory.high; empty: none"),
	BYTES(low, "low_bytes", false, "memory.low"),
	BYTES(min, "min_bytes", false, "memory.min"),
	BYTES(swap_max, "swap_max_bytes", false, "memory.swap.max; empty: none"),
	MM_COLUMN(struct mm_cgroup_row, events_high, MM_COL_U64, "memory.events high: times it was reclaimed for memory.high"),
	MM_COLUMN(struct mm_cgroup_row, events_max, MM_COL_U64, "memory.events max: times a charge met memory.max"),
	MM_COLUMN(struct mm_cgroup_row, events_oom, MM_COL_U64, "memory.events oom"),
	MM_COLUMN(struct mm_cgroup_row, events_oom_kill, MM_COL_U64, "memory.events oom_kill: processes killed"),
	{ "high_delay_s", NULL, MM_COL_NS, offsetof(struct mm_cgroup_row, throttled_ns), false,
		"seconds its tasks would have been made to sleep beyond memory.high and memory.swap.high" },
	{ "used_pct", NULL, MM_COL_CENTI, offsetof(struct mm_cgroup_row, used_centi), false, "current_bytes in percent of max_bytes" },
	BYTES(headroom, "headroom_bytes", false,
	      "what may still be charged to it before a limit is met, its own or one above; empty: none"),
	{ "events_low", NULL, MM_COL_U64, offsetof(struct mm_cgroup_row, events_low), true,
		"memory.events low: times it was reclaimed though below memory.low" },
	BYTES(peak, "peak_bytes", true, "memory.peak: the most it held"),
	BYTES(swap_high, "swap_high_bytes", true, "memory.swap.high; empty: none"),
	BYTES(soft_limit, "soft_limit_bytes", true, "memory.soft_limit_in_bytes of cgroup v1; empty: none"),
	BYTES(memsw, "memsw_bytes", true, "memory.memsw.usage_in_bytes of cgroup v1: memory, and what is on swap alone"),
	BYTES(memsw_max, "memsw_max_bytes", true, "memory.memsw.limit_in_bytes of cgroup v1; empty: none"),
};

static uint64_t bytes_of(uint64_t pages) { return pages >= MM_MEMCG_MAX ? MM_MISSING_U64 : pages << MM_PAGE_SHIFT; }

static int64_t used_centi(const struct mm_memcg *g)
{
	uint64_t share = g->max && g->max < MM_MEMCG_MAX ? mm_mul_div(g->usage, 10000, 0, g->max) : UINT64_MAX;

	return share < INT64_MAX ? (int64_t)share : MM_MISSING_I64;
}

static uint64_t headroom(const struct mm_memcg *g)
{
	uint64_t pages = MM_MEMCG_MAX;

	for (; g; g = g->parent)
		if ((g->max < MM_MEMCG_MAX || g->memsw_max < MM_MEMCG_MAX) && mm_mem_cgroup_margin(g) < pages)
			pages = mm_mem_cgroup_margin(g);
	return pages;
}

static void write_row(const struct mm_memcg *g, struct mm_memcg_pages n, bool v1, struct mm_table_writer *w)
{
	const struct mm_cgroup_row row = {
		.memcg = g->name, .current = bytes_of(g->usage), .swap_current = bytes_of(g->swap_usage),
		.anon = bytes_of(n.anon), .file = bytes_of(n.file), .kernel = bytes_of(n.kernel),
		.pagetables = bytes_of(n.pagetables), .shmem = bytes_of(n.shmem), .swapcached = bytes_of(n.swapcached),
		.max = bytes_of(g->max), .high = bytes_of(g->high), .low = bytes_of(g->low), .min = bytes_of(g->min),
		.swap_max = bytes_of(g->swap_max), .peak = bytes_of(g->peak), .swap_high = bytes_of(g->swap_high),
		.events_low = g->events[MM_MEMCG_EV_LOW], .events_high = g->events[MM_MEMCG_EV_HIGH],
		.events_max = g->events[MM_MEMCG_EV_MAX], .events_oom = g->events[MM_MEMCG_EV_OOM],
		.events_oom_kill = g->events[MM_MEMCG_EV_OOM_KILL], .throttled_ns = g->throttled_ns,
		.used_centi = used_centi(g), .headroom = bytes_of(headroom(g)), .soft_limit = bytes_of(g->soft_limit),
		.memsw = v1 ? bytes_of(mm_memsw_usage(g)) : MM_MISSING_U64, .memsw_max = bytes_of(g->memsw_max),
	};

	mm_table_writer_row(w, &row);
}

static int memcg_rows(struct mm_machine *m, struct mm_table_writer *w)
{
	struct mm_memcg_pages *pages = m->cache ? mm_memcg_count_all(m) : NULL;

	if (!pages)
		return m->cache ? -ENOMEM : 0;
	for (struct mm_memcg *g = NULL; (g = mm_mem_cgroup_iter(m->cache->root_mem_cgroup, g)) != NULL; )
		if (!g->offline)
			write_row(g, pages[g->id - 1], m->cache->cgroup_v1, w);
	free(pages);
	return 0;
}

const struct mm_machine_table mm_table_memcg = {
	MM_TABLE("memcg", columns, "memory cgroups: what they hold, their limits and events"), .rows = memcg_rows,
};
