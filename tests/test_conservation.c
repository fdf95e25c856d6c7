/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Conservation with several memory cgroups: after random rows (memory that comes and goes, limits, reclaim, tasks that move
 * between cgroups, fork, exit and are killed) a recount by hand from page descriptors, page tables and swap slots alone:
 *
 *	every page is on one list or none, and on the list that its flags say
 *	a cgroup's usage is its pages, page tables, charged slab bytes and what a CPU holds ahead, with those of its children
 *	page-table entries of a page are its mapcount, of a swap slot (with files in memory) its count; slots paid by a cgroup are its
 *	swap usage
 *
 * The same without cgroups, where kswapd stands in the middle of its work while programs call what they like: the pages that it has
 * taken off the lists are on its own, once, and held.
 */
#include <check.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "cache/cache.h"
#include "cache/fbatches.h"
#include "cache/filemap.h"
#include "cache/memcg.h"
#include "cache/swap.h"
#include "cache/swap_impl.h"
#include "reclaim/internal.h"
#include "small_machine.h"
#include "virt/pgtable.h"

enum { NR_TASKS = 6, NR_SPOTS = 8, SPOT_PAGES = 48, STEPS = 2000, MAX_CGROUPS = 16 };

static struct mm_machine *machine;
static struct mm_error err;
static uint32_t pids[NR_TASKS], next_pid;

static const char *const cgroups[] = { "/a", "/a/b", "/a/b/d", "/a/c", "/e", "/e/f" };
enum { NR_CGROUPS = sizeof(cgroups) / sizeof(cgroups[0]) };

static struct mm_str str(const char *s) { return (struct mm_str){ s, strlen(s) }; }

/* ---- the recount ---- */

struct recount {
	uint8_t *on_list;		/* by PFN: lists that a page is on */
	uint32_t *maps, *slots;		/* entries by PFN, by swap slot */
	uint64_t pages[MAX_CGROUPS + 2], tables[MAX_CGROUPS + 2], swap[MAX_CGROUPS + 2];	/* by id, own */
};

static void walk_list(struct recount *r, const struct mm_page_list *l, uint32_t flag)
{
	const struct mm_page *map = machine->phys->mem_map;
	uint64_t nr = 0;

	for (mm_pfn_t pfn = l->head; pfn != MM_PFN_NONE; pfn = map[pfn].next, nr++) {
		ck_assert_msg(nr < l->nr, "a list of %" PRIu64 " pages goes on", l->nr);
		ck_assert_msg(map[pfn].flags & flag, "page %u: flags 0x%x on a list of 0x%x", pfn, map[pfn].flags, flag);
		r->on_list[pfn]++;
	}
	ck_assert_uint_eq(nr, l->nr);
}

static void walk_lists(struct recount *r)
{
	const struct mm_cache *c = machine->cache;

	for (uint32_t z = 0; z < machine->phys->nr_zones; z++) {
		const struct mm_zone *zone = machine->phys->zone_table[z];

		for (unsigned int o = 0; o < MM_NR_PAGE_ORDERS; o++)
			for (unsigned int mt = 0; mt < MM_MIGRATE_TYPES; mt++)
				walk_list(r, &zone->free_area[o].free_list[mt], MM_PG_BUDDY);
		for (uint32_t cpu = 0; cpu < machine->ctx.nr_cpus; cpu++)
			for (unsigned int i = 0; i < MM_NR_PCP_LISTS; i++)
				walk_list(r, &zone->pcp[cpu].lists[i], MM_PG_PCP);
	}
	for (uint32_t i = 0; i < c->nr_memcgs; i++) {
		const struct mm_lruvec *v = c->memcgs[i]->lruvec[0];

		for (unsigned int l = 0; l < MM_LRU_UNEVICTABLE; l++)
			walk_list(r, &v->lists[l], MM_PG_LRU);
		for (unsigned int k = 0; k < MM_MAX_NR_GENS * MM_ANON_AND_FILE * MM_MAX_NR_ZONES; k++)
			walk_list(r, &(&v->lrugen.folios[0][0][0])[k], MM_PG_LRU);
	}
}

static void count_table(struct recount *r, mm_pfn_t pfn)
{
	for (unsigned int i = 0; i < MM_PTRS_PER_TABLE; i++) {
		const mm_pte_t pte = *mm_table_entry(&machine->virt, pfn, i);

		if (pte & MM_PTE_P)
			r->maps[mm_pte_pfn(pte)]++;
		else if (mm_is_swap_pte(pte) && !mm_is_pte_marker(pte))
			r->slots[mm_swp_offset(pte)]++;
	}
}

/* Slots of files in memory. */
static void count_files(struct recount *r)
{
	for (uint32_t id = 1; id <= mm_inode_table_nr(machine->inodes); id++) {
		struct mm_address_space *as = mm_address_space_of(machine->inodes, id);
		uint64_t v;

		for (uint64_t i = 0; as && mm_xa_find(&as->i_pages, &i, &v); i++)
			if (mm_xa_is_swap(v))
				r->slots[mm_xa_swap_entry(v)]++;
	}
}

/* The pages that kswapd has in its hands; their number. */
static uint64_t walk_batch(struct recount *r)
{
	const struct mm_folio_scan *s = &machine->reclaim->kswapd[0].scan.lruvec.batch;
	const struct mm_page_list *lists[] = { &s->folios, &s->kept, &s->freed };
	const struct mm_page *map = machine->phys->mem_map;
	uint64_t nr = 0;

	for (size_t i = 0; s->under_way && i < sizeof(lists) / sizeof(lists[0]); i++)
		for (mm_pfn_t pfn = lists[i]->head; pfn != MM_PFN_NONE; pfn = map[pfn].next, nr++) {
			ck_assert_msg(!r->on_list[pfn]++, "page %u: kswapd has it, and a list too", pfn);
			ck_assert_msg(!(map[pfn].flags & (MM_PG_LRU | MM_PG_BUDDY | MM_PG_PCP)) && map[pfn].refs > 0,
				      "page %u: flags 0x%x, %u references, but kswapd has it", pfn, map[pfn].flags, map[pfn].refs);
			r->on_list[pfn]--;
		}
	return nr;
}

static void count_pages(struct recount *r)
{
	const struct mm_cache *c = machine->cache;
	mm_pfn_t zero = machine->fault->virt->zero_pfn;

	for (mm_pfn_t pfn = 0; pfn < machine->phys->max_pfn; pfn++)
		if (machine->phys->mem_map[pfn].flags & MM_PG_TABLE && machine->phys->mem_map[pfn].aux == 1)
			count_table(r, pfn);
	for (mm_pfn_t pfn = 0; pfn < machine->phys->max_pfn; pfn++) {
		const struct mm_page *p = &machine->phys->mem_map[pfn];
		bool listed = p->flags & (MM_PG_BUDDY | MM_PG_PCP) || (p->flags & MM_PG_LRU && !(p->flags & MM_PG_UNEVICTABLE));

		ck_assert_msg(r->on_list[pfn] == listed, "page %u: on %u lists, flags 0x%x", pfn, r->on_list[pfn], p->flags);
		if (p->flags & (MM_PG_BUDDY | MM_PG_PCP))
			ck_assert_msg(!c->page_memcg[pfn] && !r->maps[pfn], "page %u is free, charged to %u and mapped %u times", pfn,
				      c->page_memcg[pfn], r->maps[pfn]);
		if (pfn != zero && !(p->flags & (MM_PG_TABLE | MM_PG_SLAB | MM_PG_BUDDY | MM_PG_PCP | MM_PG_RESERVED)))
			ck_assert_msg(r->maps[pfn] == (uint32_t)p->mapcount, "page %u: %u entries, mapcount %d", pfn, r->maps[pfn],
				      p->mapcount);
		if (!c->page_memcg[pfn])
			continue;
		if (p->flags & MM_PG_TABLE)
			r->tables[c->page_memcg[pfn]] += p->aux == 4 ? 2 : 1;	/* the top table: one more for page-table isolation */
		else
			r->pages[c->page_memcg[pfn]] += mm_folio_nr_pages(p);
	}
	for (uint32_t slot = 1; slot < c->swap->max; slot++) {
		ck_assert_msg(mm_swap_count(c, slot) == r->slots[slot], "slot %u: count %u, %u entries", slot, mm_swap_count(c, slot),
			      r->slots[slot]);
		if (c->swap->cgroup[slot])
			r->swap[c->swap->cgroup[slot]]++;
		ck_assert_msg(!c->swap->cgroup[slot] || c->swap->map[slot], "slot %u is free and paid for", slot);
	}
}

/* Of charged objects, and charged ahead of them: of the cgroup itself, and of the CPUs that have it in stock. */
static uint64_t bytes_of_objects(const struct mm_memcg *m)
{
	uint64_t bytes = m->nr_charged_bytes;

	for (unsigned int k = 0; k < MM_NR_MEMCG_SLAB; k++)
		bytes += m->slab_bytes[k];
	for (uint32_t cpu = 0; cpu < machine->ctx.nr_cpus; cpu++) {
		const struct mm_cpu_fbatches *stock = &machine->cache->fbatches[cpu];

		if (stock->cached_objcg != m)
			continue;
		bytes += stock->nr_bytes;
		for (unsigned int k = 0; k < MM_NR_MEMCG_SLAB; k++)
			bytes += (uint64_t)(int64_t)stock->slab_bytes[k];
	}
	return bytes;
}

/* With what the cgroups below use. */
static void check_usage(const struct recount *r, const struct mm_memcg *m, uint64_t *usage, uint64_t *swap)
{
	const struct mm_cache *c = machine->cache;
	uint64_t bytes = bytes_of_objects(m), below = 0, swap_below = 0;

	*usage = r->pages[m->id];
	*swap = r->swap[m->id];
	if (m->parent) {
		ck_assert_msg(bytes % MM_PAGE_SIZE == 0, "%s: %" PRIu64 " bytes of slab", m->name, bytes);
		ck_assert_msg(m->kmem == r->tables[m->id] + bytes / MM_PAGE_SIZE,
			      "%s: kmem %" PRIu64 ", %" PRIu64 " page tables, slab %" PRIu64, m->name, m->kmem, r->tables[m->id], bytes);
		*usage += m->kmem;
	}
	for (uint32_t cpu = 0; cpu < machine->ctx.nr_cpus; cpu++)
		if (c->fbatches[cpu].stock == m)
			*usage += c->fbatches[cpu].stock_pages;
	for (const struct mm_memcg *k = m->first_child; k; k = k->next_sibling) {
		check_usage(r, k, &below, &swap_below);
		*usage += below;
		*swap += swap_below;
	}
	ck_assert_msg(m->usage == *usage, "%s: usage %" PRIu64 ", counted %" PRIu64, m->name, m->usage, *usage);
	ck_assert_msg(!m->parent || m->swap_usage == *swap, "%s: swap %" PRIu64 ", counted %" PRIu64, m->name, m->swap_usage, *swap);
	ck_assert_msg(!m->parent || (m->peak >= m->usage && m->swap_peak >= m->swap_usage), "%s: peak", m->name);
}

static void recount(void)
{
	struct recount *r = calloc(1, sizeof(*r));
	uint64_t usage, swap;

	ck_assert_ptr_nonnull(r);
	ck_assert_uint_le(machine->cache->nr_memcgs, MAX_CGROUPS);
	r->on_list = calloc(machine->phys->max_pfn, sizeof(*r->on_list));
	r->maps = calloc(machine->phys->max_pfn, sizeof(*r->maps));
	r->slots = calloc(machine->cache->swap->max + 1, sizeof(*r->slots));
	ck_assert(r->on_list && r->maps && r->slots);
	walk_lists(r);
	walk_batch(r);
	count_files(r);
	count_pages(r);
	check_usage(r, machine->cache->root_mem_cgroup, &usage, &swap);
	ck_assert_msg(mm_machine_check(machine, &err) == 0, "%s", err.text);
	free(r->on_list);
	free(r->maps);
	free(r->slots);
	free(r);
}

/* ---- random rows ---- */

static int nr_beside;		/* calls that met kswapd in the middle of a batch */

static void note_beside(const struct mm_event *ev)
{
	nr_beside += mm_event_class(ev->type) != MM_CLASS_ACCESS && machine->reclaim->kswapd[0].scan.lruvec.batch.under_way;
}

static void replay(struct mm_event ev)
{
	ev.present |= MM_TC_BIT(EVENT) | MM_TC_BIT(TIME_S);	/* all at once: without a time kswapd finishes before a call */
	if (ev.pid)
		ev.present |= MM_TC_BIT(PID);
	if (ev.size)
		ev.present |= MM_TC_BIT(ADDR) | MM_TC_BIT(SIZE);
	note_beside(&ev);
	ck_assert_msg(mm_machine_event(machine, &ev, &err) == 0, "%s of pid %u: %s", mm_event_word(ev.type), ev.pid, err.text);
}

/* Nothing that was theirs is left. */
static void all_exit(const struct mm_vmstat *s)
{
	for (int i = 0; i < NR_TASKS; i++)
		if (mm_task_find(machine, pids[i]))
			replay((struct mm_event){ .type = MM_EV_EXIT, .pid = pids[i] });
	recount();
	ck_assert_int_eq(s->v[MM_NR_ANON_PAGES], 0);
	ck_assert_int_eq(s->v[MM_NR_PAGE_TABLE_PAGES], 0);
}

/* A child of @pid in place of *@other. */
static void fork_over(uint32_t pid, uint32_t *other)
{
	if (mm_task_find(machine, *other))
		replay((struct mm_event){ .type = MM_EV_EXIT, .pid = *other });
	*other = next_pid++;
	replay((struct mm_event){ .type = MM_EV_FORK, .pid = pid, .result = *other, .result_kind = MM_RESULT_DEC,
				  .present = MM_TC_BIT(RESULT) });
}

static void begin(uint32_t *pid, struct mm_rng *rng)
{
	*pid = next_pid++;
	replay((struct mm_event){ .type = MM_EV_CGROUP, .pid = *pid, .name = str(cgroups[mm_rng_below(rng, NR_CGROUPS)]),
				  .present = MM_TC_BIT(NAME) });
	replay((struct mm_event){ .type = MM_EV_MMAP, .pid = *pid, .addr = 0x100000000000,
				  .size = (uint64_t)NR_SPOTS * SPOT_PAGES * MM_PAGE_SIZE, .present = MM_TC_BIT(FLAGS),
				  .flags = MM_STR("PROT_READ|PROT_WRITE|MAP_PRIVATE|MAP_ANONYMOUS|MAP_FIXED") });
	replay((struct mm_event){ .type = MM_EV_MMAP, .pid = *pid, .addr = 0x200000000000, .name = MM_STR("/f"),
				  .size = (uint64_t)NR_SPOTS * SPOT_PAGES * MM_PAGE_SIZE, .present = MM_TC_BIT(FLAGS) | MM_TC_BIT(NAME),
				  .flags = MM_STR("PROT_READ|PROT_WRITE|MAP_SHARED|MAP_FIXED") });
}

static void random_limit(struct mm_rng *rng)
{
	static const char *const files[] = { "memory.max", "memory.max", "memory.high", "memory.low", "memory.min", "memory.swap.max",
		"memory.swap.high", "memory.reclaim", "memory.reclaim", "memory.oom.group" };
	struct mm_event ev = { .type = MM_EV_CGROUP, .present = MM_TC_BIT(NAME) | MM_TC_BIT(FLAGS) };
	size_t file = mm_rng_below(rng, sizeof(files) / sizeof(files[0]));

	ev.name = str(cgroups[mm_rng_below(rng, NR_CGROUPS)]);
	ev.flags = str(files[file]);
	if (!mm_rng_below(rng, 4) && file < 7)
		mm_event_set_word(&ev, "max", 3);
	else if (file == 9)
		mm_event_set_result(&ev, MM_RESULT_DEC, mm_rng_below(rng, 2));
	else
		mm_event_set_result(&ev, MM_RESULT_DEC, (16 + mm_rng_below(rng, 400)) * MM_PAGE_SIZE);
	replay(ev);
}

static void random_change(struct mm_rng *rng, struct mm_event *ev)
{
	static const char *const advice[] = { "MADV_DONTNEED", "MADV_PAGEOUT", "MADV_COLD", "MADV_FREE" };

	switch (mm_rng_below(rng, 5)) {
	case 0:
		ev->type = MM_EV_MUNMAP;
		break;
	case 1:
		ev->type = MM_EV_MMAP;
		ev->flags = MM_STR("PROT_READ|PROT_WRITE|MAP_PRIVATE|MAP_ANONYMOUS|MAP_FIXED");
		ev->present = MM_TC_BIT(FLAGS);
		break;
	case 2:
		ev->type = mm_rng_below(rng, 2) ? MM_EV_MLOCK : MM_EV_MUNLOCK;
		break;
	default:
		ev->type = MM_EV_MADVISE;
		ev->flags = str(advice[mm_rng_below(rng, 4)]);
		ev->present = MM_TC_BIT(FLAGS);
		break;
	}
	replay(*ev);
}

static void random_step(struct mm_rng *rng)
{
	uint32_t *pid = &pids[mm_rng_below(rng, NR_TASKS)], *other = &pids[mm_rng_below(rng, NR_TASKS)];
	uint64_t at = mm_rng_below(rng, NR_SPOTS * SPOT_PAGES), dice = mm_rng_below(rng, 100);
	struct mm_event ev = { .addr = 0x100000000000 + at * MM_PAGE_SIZE, .size = (1 + mm_rng_below(rng, SPOT_PAGES)) * MM_PAGE_SIZE };

	if (!mm_task_find(machine, *pid)) {
		begin(pid, rng);
		return;
	}
	ev.pid = *pid;
	if (dice < 12) {
		random_limit(rng);
	} else if (dice < 20) {
		random_change(rng, &ev);
	} else if (dice < 24) {
		replay((struct mm_event){ .type = MM_EV_CGROUP, .pid = *pid, .name = str(cgroups[mm_rng_below(rng, NR_CGROUPS)]),
					  .present = MM_TC_BIT(NAME) });
	} else if (dice < 26 && pid != other) {
		fork_over(*pid, other);
	} else if (dice < 27) {
		replay((struct mm_event){ .type = MM_EV_EXIT, .pid = *pid });
	} else {
		ev.type = mm_rng_below(rng, 3) ? MM_EV_STORE : MM_EV_LOAD;
		ev.addr += mm_rng_below(rng, 3) ? 0 : UINT64_C(0x100000000000);
		replay(ev);
	}
}

/* ---- the tests ---- */

static const struct way {
	const char *lru_gen, *cpus;
	uint64_t swap_bytes;
} ways[] = {
	{ "0", "1", 8 << 20 }, { "7", "1", 8 << 20 }, { "0", "2", 1 << 20 }, { "7", "2", 1 << 20 }, { "0", "1", 0 }, { "7", "1", 0 },
};

static void boot(const struct way *w)
{
	struct mm_machine_config cfg;

	small_machine_config(&cfg, 24 << 20);
	cfg.swap_bytes = w->swap_bytes;
	cfg.nr_cpus = *w->cpus == '2' ? 2 : 1;
	small_machine_set(&cfg, "lru_gen", w->lru_gen);
	machine = small_machine_new(&cfg);
	ck_assert_msg(mm_machine_start(machine, &err) == 0, "%s", err.text);
	replay((struct mm_event){ .type = MM_EV_FILE, .name = MM_STR("/f"), .flags = MM_STR("O_RDWR|S_IFREG"),
				  .size = (uint64_t)NR_SPOTS * SPOT_PAGES * MM_PAGE_SIZE, .present = MM_TC_BIT(NAME) | MM_TC_BIT(FLAGS) });
}

START_TEST(random_cgroups)
{
	const struct way *w = &ways[(size_t)_i % (sizeof(ways) / sizeof(ways[0]))];
	struct mm_rng rng = { (uint64_t)_i + 1 };
	const struct mm_vmstat *s;
	uint64_t held = 0;		/* free slots that CPUs keep for themselves */

	boot(w);
	next_pid = 100;
	for (int i = 0; i < NR_TASKS; i++)
		begin(&pids[i], &rng);
	for (int i = 0; i < STEPS; i++) {
		random_step(&rng);
		if (i % 50 == 0)
			recount();
	}
	s = mm_machine_vmstat(machine);
	ck_assert_msg(s->v[MM_OOM_KILL] > 0, "nobody was killed");
	ck_assert_msg(s->v[MM_PGSTEAL_FILE] > 0, "no file page was reclaimed");
	ck_assert_msg(!w->swap_bytes || (s->v[MM_PSWPOUT] > 0 && s->v[MM_PSWPIN] > 0), "nothing was swapped");
	all_exit(s);
	for (uint32_t cpu = 0; w->swap_bytes && cpu < machine->ctx.nr_cpus; cpu++)
		held += machine->cache->swap->cpu[cpu].nr + machine->cache->swap->cpu[cpu].n_ret;
	ck_assert_uint_eq(machine->cache->swap->inuse_pages, machine->cache->swap->nr_cached + held);
	for (uint32_t i = 1; i < machine->cache->nr_memcgs; i++)
		ck_assert_uint_le(machine->cache->memcgs[i]->swap_usage, held);	/* paid until they are given back */
	mm_machine_free(machine);
}
END_TEST

/* ---- calls while kswapd works ---- */

enum { WIDE_PAGES = 3000, CALLS = 3000, FILE_PAGES = NR_SPOTS * SPOT_PAGES };

static const char *const wide_names[] = { NULL, "/f", "/memfd:m" };

static uint64_t wide_at(unsigned int spot) { return UINT64_C(0x100000000000) * (spot + 1); }

static void begin_wide(uint32_t *pid)
{
	*pid = next_pid++;
	for (unsigned int i = 0; i < 3; i++)
		replay((struct mm_event){ .type = MM_EV_MMAP, .pid = *pid, .addr = wide_at(i),
					  .size = (uint64_t)(i ? FILE_PAGES : WIDE_PAGES) * MM_PAGE_SIZE,
					  .name = wide_names[i] ? str(wide_names[i]) : MM_STR(""),
					  .present = MM_TC_BIT(FLAGS) | (wide_names[i] ? MM_TC_BIT(NAME) : 0),
					  .flags = wide_names[i] ? MM_STR("PROT_READ|PROT_WRITE|MAP_SHARED|MAP_FIXED") :
						   MM_STR("PROT_READ|PROT_WRITE|MAP_PRIVATE|MAP_ANONYMOUS|MAP_FIXED") });
}

/* Calls on a part of a file. */
static void random_file_call(struct mm_rng *rng, uint32_t pid)
{
	static const struct { enum mm_event_type type; const char *flags; } calls[] = {
		{ MM_EV_WRITE, "" }, { MM_EV_WRITE, "" }, { MM_EV_READ, "" }, { MM_EV_FSYNC, "" }, { MM_EV_TRUNCATE, "" },
		{ MM_EV_FADVISE, "POSIX_FADV_DONTNEED" }, { MM_EV_FADVISE, "POSIX_FADV_WILLNEED" },
		{ MM_EV_FALLOCATE, "FALLOC_FL_PUNCH_HOLE|FALLOC_FL_KEEP_SIZE" }, { MM_EV_FALLOCATE, "" }, { MM_EV_DROP_CACHES, "" },
	};
	size_t i = mm_rng_below(rng, sizeof(calls) / sizeof(calls[0]));
	uint64_t at = mm_rng_below(rng, FILE_PAGES), pages = 1 + mm_rng_below(rng, SPOT_PAGES);
	struct mm_event ev = { .type = calls[i].type, .pid = pid, .flags = str(calls[i].flags),
			       .name = str(wide_names[1 + mm_rng_below(rng, 2)]), .offset = at * MM_PAGE_SIZE };

	ev.present = MM_TC_BIT(NAME) | MM_TC_BIT(FLAGS) | MM_TC_BIT(OFFSET) | MM_TC_BIT(SIZE) | MM_TC_BIT(EVENT) |
		     MM_TC_BIT(PID) | MM_TC_BIT(TIME_S);
	ev.size = ev.type == MM_EV_TRUNCATE ? mm_rng_below(rng, FILE_PAGES) * MM_PAGE_SIZE : pages * MM_PAGE_SIZE;
	if (ev.type == MM_EV_DROP_CACHES) {
		ev.present = MM_TC_BIT(EVENT) | MM_TC_BIT(RESULT) | MM_TC_BIT(TIME_S);
		ev.size = 0;
		mm_event_set_result(&ev, MM_RESULT_DEC, 1 + mm_rng_below(rng, 3));
	}
	note_beside(&ev);
	ck_assert_msg(mm_machine_event(machine, &ev, &err) == 0, "%s: %s", mm_event_word(ev.type), err.text);
}

/* Calls on a part of the address space. */
static void random_vma_call(struct mm_rng *rng, uint32_t pid)
{
	static const struct { enum mm_event_type type; const char *flags; } calls[] = {
		{ MM_EV_MUNMAP, NULL }, { MM_EV_MADVISE, "MADV_DONTNEED" }, { MM_EV_MADVISE, "MADV_PAGEOUT" },
		{ MM_EV_MADVISE, "MADV_COLD" }, { MM_EV_MADVISE, "MADV_FREE" }, { MM_EV_MADVISE, "MADV_REMOVE" },
		{ MM_EV_MADVISE, "MADV_WILLNEED" }, { MM_EV_MADVISE, "MADV_POPULATE_WRITE" },
		{ MM_EV_MLOCK, NULL }, { MM_EV_MUNLOCK, NULL }, { MM_EV_MPROTECT, "PROT_READ" },
		{ MM_EV_MPROTECT, "PROT_READ|PROT_WRITE" }, { MM_EV_MSYNC, "MS_SYNC" }, { MM_EV_MREMAP, "MREMAP_MAYMOVE" },
		{ MM_EV_MMAP, "PROT_READ|PROT_WRITE|MAP_PRIVATE|MAP_ANONYMOUS|MAP_FIXED" },
		{ MM_EV_MMAP, "PROT_READ|PROT_WRITE|MAP_PRIVATE|MAP_ANONYMOUS|MAP_FIXED|MAP_POPULATE" },
		{ MM_EV_MMAP, "PROT_READ|PROT_WRITE|MAP_PRIVATE|MAP_ANONYMOUS|MAP_FIXED" },
	};
	size_t i = mm_rng_below(rng, sizeof(calls) / sizeof(calls[0]));
	uint64_t pages = 1 + mm_rng_below(rng, calls[i].type == MM_EV_MLOCK ? SPOT_PAGES : 4 * SPOT_PAGES);
	unsigned int spot = calls[i].type == MM_EV_MMAP ? 0 : (unsigned int)mm_rng_below(rng, 3);
	struct mm_event ev = { .type = calls[i].type, .pid = pid, .size = pages * MM_PAGE_SIZE,
			       .addr = wide_at(spot) + mm_rng_below(rng, spot ? FILE_PAGES : WIDE_PAGES) * MM_PAGE_SIZE };

	if (calls[i].flags) {
		ev.flags = str(calls[i].flags);
		ev.present = MM_TC_BIT(FLAGS);
	}
	if (ev.type == MM_EV_MREMAP) {
		ev.size2 = ev.size / 2 + MM_PAGE_SIZE * mm_rng_below(rng, 4);
		ev.present |= MM_TC_BIT(SIZE2);
	}
	replay(ev);
}

static void random_accesses(struct mm_rng *rng, uint32_t pid)
{
	unsigned int spot = mm_rng_below(rng, 4) ? 0 : 1 + (unsigned int)mm_rng_below(rng, 2);
	uint64_t at = mm_rng_below(rng, spot ? FILE_PAGES : WIDE_PAGES);

	for (uint64_t n = 1 + mm_rng_below(rng, 300); n && mm_task_find(machine, pid); n--, at++)
		replay((struct mm_event){ .type = mm_rng_below(rng, 3) ? MM_EV_STORE : MM_EV_LOAD, .pid = pid,
					  .addr = wide_at(spot) + at * MM_PAGE_SIZE, .size = 1 });
}

/* It joins one, or one is told to reclaim, or is protected. */
static void random_cgroup_row(struct mm_rng *rng, uint32_t pid)
{
	uint64_t what = mm_rng_below(rng, 3);
	struct mm_event ev = { .type = MM_EV_CGROUP, .name = str(cgroups[mm_rng_below(rng, NR_CGROUPS)]), .present = MM_TC_BIT(NAME) };

	if (!what) {
		ev.pid = pid;
	} else {
		ev.flags = what == 1 ? MM_STR("memory.reclaim") : MM_STR("memory.low");
		ev.present |= MM_TC_BIT(FLAGS);
		mm_event_set_result(&ev, MM_RESULT_DEC, (16 + mm_rng_below(rng, 400)) * MM_PAGE_SIZE);
	}
	replay(ev);
}

static void random_call(struct mm_rng *rng)
{
	uint32_t *pid = &pids[mm_rng_below(rng, NR_TASKS)], *other = &pids[mm_rng_below(rng, NR_TASKS)];
	uint64_t dice = mm_rng_below(rng, 100);

	if (!mm_task_find(machine, *pid)) {
		begin_wide(pid);
	} else if (dice < 12) {
		random_vma_call(rng, *pid);
	} else if (dice < 20) {
		random_file_call(rng, *pid);
	} else if (dice < 22 && pid != other) {
		fork_over(*pid, other);
	} else if (dice < 23) {
		replay((struct mm_event){ .type = MM_EV_EXIT, .pid = *pid });
	} else if (dice < 25) {
		random_cgroup_row(rng, *pid);
	} else {
		random_accesses(rng, *pid);
	}
}

START_TEST(calls_beside_kswapd)
{
	const struct way *w = &ways[(size_t)_i % 4];
	struct mm_rng rng = { (uint64_t)_i + 101 };
	const struct mm_vmstat *s;

	boot(w);
	nr_beside = 0;
	replay((struct mm_event){ .type = MM_EV_FILE, .name = MM_STR("/memfd:m"), .flags = MM_STR("O_RDWR|S_IFREG"),
				  .size = (uint64_t)FILE_PAGES * MM_PAGE_SIZE, .present = MM_TC_BIT(NAME) | MM_TC_BIT(FLAGS) });
	next_pid = 100;
	for (int i = 0; i < NR_TASKS; i++)
		begin_wide(&pids[i]);
	for (int i = 0; i < CALLS; i++) {
		random_call(&rng);
		if (i % 50 == 0)
			recount();
	}
	s = mm_machine_vmstat(machine);
	ck_assert_msg(nr_beside > 4, "only %d calls met kswapd in the middle of a batch", nr_beside);
	ck_assert_msg(s->v[MM_PSWPOUT] > 0 && s->v[MM_PSWPIN] > 0 && s->v[MM_PGSTEAL_KSWAPD] > 0, "nothing was swapped");
	all_exit(s);
	mm_machine_free(machine);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("conservation");
	TCase *c = tcase_create("conservation");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_set_timeout(c, 300);
	tcase_add_loop_test(c, random_cgroups, 0, 8);
	tcase_add_loop_test(c, calls_beside_kswapd, 0, 4);
	suite_add_tcase(s, c);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
