/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Page frames into rows: neighbours that look the same become one, or all are
 * counted by their flags.
 *
 * The summary is a hash by flags, in open addressing; it is printed in the order
 * of the flags.  What is kept is one run or the distinct sets of flags, never
 * the frames.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <libmm/csv.h>
#include <libmm/pages.h>

#include "base/hash.h"
#include "base/host_memory.h"
#include "machine/pages.h"

enum { MAX_SETS = 1 << 20 };

struct set {
	uint64_t flags, pages;		/* pages 0: a free slot */
};

struct mm_pages_list {
	struct mm_pages_select select;
	struct mm_table_writer *w;
	struct mm_pages_row run;	/* pages 0: none yet */
	struct set *sets;
	size_t nr, cap;			/* cap is a power of two */
};

struct pages_out {
	struct mm_pages_row r;
	const char *symbolic, *names;
};

#define COL(field, type, help)	{ #field, NULL, type, (uint32_t)offsetof(struct pages_out, r.field), false, help }
#define HID(field, type, help)	{ #field, NULL, type, (uint32_t)offsetof(struct pages_out, r.field), true, help }
static const struct mm_column pages_columns[] = {
	COL(pfn, MM_COL_U64, "first page frame"),
	COL(pages, MM_COL_U64, "frames in a row that look the same"),
	COL(flags, MM_COL_HEX, "bits of /proc/kpageflags"),
	MM_COLUMN(struct pages_out, symbolic, MM_COL_STR, "a letter for each flag that is set, as page-types prints them"),
	MM_COLUMN(struct pages_out, names, MM_COL_STR, "names of the flags"),
	COL(mapcount, MM_COL_U64, "page-table entries that map the page, as /proc/kpagecount"),
	COL(use, MM_COL_STR,
	    "machine: buddy, pcp, lru, slab, pgtable, compound, page, reserved or hole: what the unions of struct page hold"),
	COL(node, MM_COL_U64, "machine: NUMA node"),
	COL(zone, MM_COL_STR, "machine: zone"),
	COL(refcount, MM_COL_U64, "machine: references"),
	COL(order, MM_COL_U64, "machine: of the block that the page is in"),
	HID(section, MM_COL_U64, "machine: section of 128 MiB of the first page"),
	HID(migratetype, MM_COL_STR, "machine: type of the page block"),
	HID(page_flags, MM_COL_HEX, "machine: the word flags of the first struct page: node, zone, last CPU, generation, PG_ bits"),
	HID(index, MM_COL_U64, "machine: index of the first page: page offset in its mapping, or by use"),
	HID(mapping, MM_COL_U64, "machine: number of the address_space, anon_vma or cache of the first page; empty: none"),
};
const struct mm_machine_table mm_table_pages = {
	MM_TABLE("pages", pages_columns, "page frames decoded, as tools/mm/page-types -l"), .rows = mm_pages_rows,
};

struct summary_out {
	uint64_t flags, pages, size_bytes;
	const char *symbolic, *names;
};
static const struct mm_column summary_columns[] = {
	MM_COLUMN(struct summary_out, flags, MM_COL_HEX, "bits of /proc/kpageflags"),
	MM_COLUMN(struct summary_out, pages, MM_COL_U64, "frames that have just these"),
	MM_COLUMN(struct summary_out, size_bytes, MM_COL_BYTES, "memory in them"),
	MM_COLUMN(struct summary_out, symbolic, MM_COL_STR, "a letter for each flag that is set, as page-types prints them"),
	MM_COLUMN(struct summary_out, names, MM_COL_STR, "names of the flags"),
};
const struct mm_machine_table mm_table_pageflags = {
	MM_TABLE("pageflags", summary_columns, "page frames by their flags, as tools/mm/page-types"), .rows = mm_pageflags_rows,
};

static bool parse_pfn(struct mm_str s, uint64_t *out)
{
	return !mm_parse_u64(s, out);
}

int mm_pages_select_parse(struct mm_str s, struct mm_pages_select *select)
{
	static const char *const separators[] = { "..", "+", "," };
	uint64_t start = 0, end = UINT64_MAX;

	for (size_t i = 0; i < sizeof(separators) / sizeof(separators[0]); i++) {
		size_t n = strlen(separators[i]);
		const char *at = memmem(s.p, s.len, separators[i], n);
		struct mm_str first, second;

		if (!at)
			continue;
		first = (struct mm_str){ s.p, (size_t)(at - s.p) };
		second = (struct mm_str){ at + n, s.len - first.len - n };
		if ((first.len && !parse_pfn(first, &start)) || (second.len && !parse_pfn(second, &end)) || !s.p ||
		    (!first.len && !second.len) || (*separators[i] == '+' && (!first.len || !second.len)))
			return -EINVAL;
		if (*separators[i] == '+')
			end = end > UINT64_MAX - start ? UINT64_MAX : start + end;
		if (end <= start)
			return -EINVAL;
		select->start_pfn = start;
		select->end_pfn = end;
		return 0;
	}
	if (!parse_pfn(s, &start) || start == UINT64_MAX)
		return -EINVAL;
	select->start_pfn = start;
	select->end_pfn = start + 1;
	return 0;
}

int mm_pages_list_new(struct mm_pages_list **lp, const struct mm_pages_select *select, struct mm_table_writer *w)
{
	struct mm_pages_list *l = mm_host_calloc(1, sizeof(*l));

	if (!l)
		return -ENOMEM;
	l->select = *select;
	l->w = w;
	*lp = l;
	return 0;
}

const struct mm_pages_select *mm_pages_list_select(const struct mm_pages_list *l) { return &l->select; }

/* ---- the list ---- */

static void print_run(struct mm_pages_list *l)
{
	char symbolic[MM_KPF_SYMBOLIC], names[MM_KPF_NAMES];

	if (!l->run.pages)
		return;
	mm_kpageflags_symbolic(l->run.flags, symbolic);
	mm_kpageflags_names(l->run.flags, names);
	mm_table_writer_row(l->w, &(struct pages_out){ l->run, symbolic, names });
	l->run.pages = 0;
}

static bool alike(const struct mm_pages_row *a, const struct mm_pages_row *b)
{
	return a->flags == b->flags && a->mapcount == b->mapcount && a->use == b->use && a->node == b->node &&
	       a->zone == b->zone && a->refcount == b->refcount && a->order == b->order &&
	       a->migratetype == b->migratetype;
}

/* ---- the summary ---- */

static struct set *find_set(struct set *sets, size_t cap, uint64_t flags)
{
	size_t i = mm_hash_slot(flags, cap);

	while (sets[i].pages && sets[i].flags != flags)
		i = (i + 1) & (cap - 1);
	return &sets[i];
}

static int grow_sets(struct mm_pages_list *l)
{
	size_t cap = l->cap ? 2 * l->cap : 64;
	struct set *sets = cap > MAX_SETS ? NULL : mm_host_calloc(cap, sizeof(*sets));

	if (!sets)
		return -ENOMEM;
	for (size_t i = 0; i < l->cap; i++)
		if (l->sets[i].pages)
			*find_set(sets, cap, l->sets[i].flags) = l->sets[i];
	free(l->sets);
	l->sets = sets;
	l->cap = cap;
	return 0;
}

static int count(struct mm_pages_list *l, uint64_t flags, uint64_t pages)
{
	struct set *s;

	if (2 * (l->nr + 1) > l->cap && grow_sets(l))
		return -ENOMEM;
	s = find_set(l->sets, l->cap, flags);
	l->nr += !s->pages;
	s->flags = flags;
	s->pages += pages;
	return 0;
}

static int by_flags(const void *a, const void *b)
{
	const struct set *x = a, *y = b;

	if (!x->pages != !y->pages)	/* free slots last */
		return x->pages ? -1 : 1;
	return x->flags < y->flags ? -1 : x->flags > y->flags;
}

static void print_summary(struct mm_pages_list *l)
{
	if (l->cap)
		qsort(l->sets, l->cap, sizeof(l->sets[0]), by_flags);
	for (size_t i = 0; i < l->nr; i++) {
		const struct set *s = &l->sets[i];
		char symbolic[MM_KPF_SYMBOLIC], names[MM_KPF_NAMES];

		mm_kpageflags_symbolic(s->flags, symbolic);
		mm_kpageflags_names(s->flags, names);
		mm_table_writer_row(l->w, &(struct summary_out){ s->flags, s->pages, s->pages * MM_PAGE_SIZE, symbolic, names });
	}
}

/* ---- both ---- */

int mm_pages_list_add(struct mm_pages_list *l, const struct mm_pages_row *run)
{
	uint64_t start = run->pfn > l->select.start_pfn ? run->pfn : l->select.start_pfn,
		end = run->pfn + run->pages < l->select.end_pfn ? run->pfn + run->pages : l->select.end_pfn;
	struct mm_pages_row r = *run;

	if (start >= end)
		return 0;
	r.pfn = start;
	r.pages = end - start;
	r.flags = l->select.raw ? mm_kpageflags_raw(run->flags) : mm_kpageflags_well_known(run->flags);
	if (l->select.summary)
		return count(l, r.flags, r.pages);
	if (l->run.pages && l->run.pfn + l->run.pages == r.pfn && alike(&l->run, &r)) {
		l->run.pages += r.pages;
		return 0;
	}
	print_run(l);
	l->run = r;
	return 0;
}

void mm_pages_list_end(struct mm_pages_list *l)
{
	if (!l)
		return;
	if (l->select.summary)
		print_summary(l);
	else
		print_run(l);
	free(l->sets);
	free(l);
}
