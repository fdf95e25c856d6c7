/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The files of a memory cgroup (v2), line by line: what table memory_files shows of each, and what an OOM report shows of
 * memory.stat.  All figures are those of the cgroup and what is below it; what the model knows nothing of is missing, not 0.
 *
 * Source: Linux 6.6 mm/memcontrol.c memory_files[], swap_files[], memcg_stat_format().
 * Deviation: figures of the lists are brought up to date whenever they are read.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <libmm/tables.h>

#include "cache/memcg.h"
#include "machine/machine.h"

enum stat_kind { UNKNOWN, PAGES, BYTES, BYTES2, LRU, EVENT, SUM };
static const struct stat_line {
	const char *name;
	enum stat_kind kind;
	size_t a, b;
} stat_lines[] = {
#define PAGES(name, member)	{ #name, PAGES, offsetof(struct mm_memcg_pages, member), 0 },
#define BYTES(name, member)	{ #name, BYTES, offsetof(struct mm_memcg_pages, member), 0 },
#define BYTES2(name, x, y)	{ #name, BYTES2, offsetof(struct mm_memcg_pages, x), offsetof(struct mm_memcg_pages, y) },
#define LRU(name, list)		{ #name, LRU, list, 0 },
#define EVENT(name, counter)	{ #name, EVENT, counter, 0 },
#define SUM(name, x, y)		{ #name, SUM, x, y },
#define UNKNOWN(name)		{ #name, UNKNOWN, 0, 0 },
#include "machine/memory_stat.def"
#undef PAGES
#undef BYTES
#undef BYTES2
#undef LRU
#undef EVENT
#undef SUM
#undef UNKNOWN
};

static uint64_t list_bytes(struct mm_memcg *memcg, enum mm_lru_list lru)
{
	uint64_t pages = 0;

	for (struct mm_memcg *g = NULL; (g = mm_mem_cgroup_iter(memcg, g)) != NULL; )
		for (uint32_t node = 0; node < MM_MAX_NODES; node++)
			pages += g->lruvec[node] ? mm_lruvec_lru_size(g->lruvec[node], lru, MM_MAX_NR_ZONES - 1) : 0;
	return pages << MM_PAGE_SHIFT;
}

/* memcg_page_state(): what a CPU has not told yet may make it less than nothing. */
static uint64_t bytes_at(const char *member)
{
	int64_t value = *(const int64_t *)(const void *)member;

	return value > 0 ? (uint64_t)value : 0;
}

static uint64_t events_below(struct mm_memcg *memcg, size_t counter)
{
	int64_t n = 0;

	for (struct mm_memcg *g = NULL; (g = mm_mem_cgroup_iter(memcg, g)) != NULL; )
		n += g->vm_events[counter];
	return (uint64_t)n;
}

void mm_memory_stat(const struct mm_memcg_pages *all, struct mm_memcg *memcg, void *arg,
		    void (*line)(void *arg, const char *name, uint64_t value))
{
	const char *members = (const char *)&all[memcg->id - 1];

	for (size_t i = 0; i < sizeof(stat_lines) / sizeof(stat_lines[0]); i++) {
		const struct stat_line *s = &stat_lines[i];
		uint64_t value = MM_MISSING_U64;

		switch (s->kind) {
		case PAGES:
			value = *(const uint64_t *)(const void *)(members + s->a) << MM_PAGE_SHIFT;
			break;
		case BYTES:
			value = bytes_at(members + s->a);
			break;
		case BYTES2:
			value = bytes_at(members + s->a) + bytes_at(members + s->b);
			break;
		case LRU:
			value = list_bytes(memcg, (enum mm_lru_list)s->a);
			break;
		case EVENT:
			value = events_below(memcg, s->a);
			break;
		case SUM:
			value = events_below(memcg, s->a) + events_below(memcg, s->b);
			break;
		case UNKNOWN:
			break;
		}
		line(arg, s->name, value);
	}
}

/* ---- table memory_files ----------------------------------------------------- */

struct file_row {
	const char *memcg, *file, *name, *value;
};

static const struct mm_column columns[] = {
	MM_COLUMN(struct file_row, memcg, MM_COL_STR, "path, / for the root"),
	MM_COLUMN(struct file_row, file, MM_COL_STR, "name of the file"),
	MM_COLUMN(struct file_row, name, MM_COL_STR, "first word of the line; empty: the file holds one value"),
	MM_COLUMN(struct file_row, value, MM_COL_STR, "bytes, events or max; empty: not modelled"),
};

struct file_writer {
	struct mm_table_writer *w;
	struct file_row row;
};

static void write_value(void *arg, const char *name, uint64_t value)
{
	struct file_writer *f = arg;
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	f->row.name = name;
	f->row.value = value == MM_MISSING_U64 ? NULL : text;
	mm_table_writer_row(f->w, &f->row);
}

static void one_value(struct file_writer *f, const char *file, uint64_t value)
{
	f->row.file = file;
	write_value(f, NULL, value);
}

static void limit(struct file_writer *f, const char *file, uint64_t pages)
{
	f->row.file = file;
	if (pages < MM_MEMCG_MAX) {
		write_value(f, NULL, pages << MM_PAGE_SHIFT);
		return;
	}
	f->row.name = NULL;
	f->row.value = "max";
	mm_table_writer_row(f->w, &f->row);
}

static void events(struct file_writer *f, const char *file, const uint64_t *v, enum mm_memcg_event first, enum mm_memcg_event last)
{
	static const char *const names[MM_NR_MEMCG_EVENTS] = { "low", "high", "max", "oom", "oom_kill", "oom_group_kill",
		"high", "max", "fail" };

	f->row.file = file;
	for (unsigned int e = first; e <= last; e++)
		write_value(f, names[e], v[e]);
}

static int memory_files_rows(struct mm_machine *m, struct mm_table_writer *w)
{
	struct mm_memcg_pages *pages = m->cache ? mm_memcg_count_all(m) : NULL;
	struct file_writer f = { .w = w };

	if (!pages)
		return m->cache ? -ENOMEM : 0;
	for (struct mm_memcg *g = NULL; (g = mm_mem_cgroup_iter(m->cache->root_mem_cgroup, g)) != NULL; ) {
		if (g->offline)
			continue;
		f.row.memcg = g->name;
		if (g->parent) {		/* CFTYPE_NOT_ON_ROOT */
			one_value(&f, "memory.current", g->usage << MM_PAGE_SHIFT);
			one_value(&f, "memory.peak", g->peak << MM_PAGE_SHIFT);
			limit(&f, "memory.min", g->min);
			limit(&f, "memory.low", g->low);
			limit(&f, "memory.high", g->high);
			limit(&f, "memory.max", g->max);
			events(&f, "memory.events", g->events, MM_MEMCG_EV_LOW, MM_MEMCG_EV_OOM_GROUP_KILL);
			events(&f, "memory.events.local", g->events_local, MM_MEMCG_EV_LOW, MM_MEMCG_EV_OOM_GROUP_KILL);
		}
		f.row.file = "memory.stat";
		mm_memory_stat(pages, g, &f, write_value);
		if (g->parent) {
			one_value(&f, "memory.oom.group", g->oom_group);
			one_value(&f, "memory.swap.current", g->swap_usage << MM_PAGE_SHIFT);
			limit(&f, "memory.swap.high", g->swap_high);
			limit(&f, "memory.swap.max", g->swap_max);
			one_value(&f, "memory.swap.peak", g->swap_peak << MM_PAGE_SHIFT);
			events(&f, "memory.swap.events", g->events, MM_MEMCG_EV_SWAP_HIGH, MM_MEMCG_EV_SWAP_FAIL);
		}
	}
	free(pages);
	return 0;
}

const struct mm_machine_table mm_table_memory_files = {
	MM_TABLE("memory_files", columns, "the files of each memory cgroup, line by line"), .rows = memory_files_rows,
};
