/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * PTE and PMD tables of which few entries are in use: those alone, packed.
 *
 * A PTE table with one entry needs no place for it: its descriptor has room for one (entry), and says in the place of a pointer which it
 * is. Others have a place that the pointer tells.
 *
 * The entries that were ever made lie side by side in the order of their indices, behind a list of these. One that is
 * made between others moves those behind it; where there is no room left all move to a place for twice as many, and behind
 * the last such place is the whole table of 512.
 *
 *	index << 3 | made << 2 | MM_TABLE_IS_SINGLE | MM_TABLE_IS_PACKED
 *
 *	[ nr | class | index[0] < index[1] < ... ] [ entry[0] | entry[1] | ... ]	room for 1, 3, 7, ... 63
 */
#include <stdlib.h>
#include <string.h>

#include "virt/pgtable.h"

struct packed {
	uint8_t nr, class;
	uint16_t index[];		/* one for each entry that there is room for, 0xffff from nr on */
};

static unsigned int room_of(unsigned int class) { return (2u << class) - 1; }

/* What lies before the entries, as so many of them. */
static unsigned int begin_of(unsigned int class) { return class < 2 ? 1 : 1u << (class - 1); }

static size_t bytes_of(unsigned int class) { return (begin_of(class) + room_of(class)) * sizeof(mm_pte_t); }

static struct packed *packed_of(const mm_pte_t *entries)
{
	return (struct packed *)(void *)((char *)(uintptr_t)entries - MM_TABLE_IS_PACKED);
}

static mm_pte_t *table_of(struct packed *p) { return (mm_pte_t *)(void *)((char *)p + MM_TABLE_IS_PACKED); }

enum { SINGLE_EMPTY = MM_TABLE_IS_SINGLE | MM_TABLE_IS_PACKED, SINGLE_MADE = 4, SINGLE_SHIFT = 3 };

static bool is_single(const struct mm_page *table) { return table->index & MM_TABLE_IS_SINGLE; }

/* What stands for a table whose only entry is that of @index. */
static uint64_t single(unsigned int index) { return (uint64_t)index << SINGLE_SHIFT | SINGLE_MADE | SINGLE_EMPTY; }

static mm_pte_t *entries_of(struct packed *p) { return (mm_pte_t *)(void *)p + begin_of(p->class); }

static struct packed *packed_alloc(struct mm_pgtables *t, unsigned int class)
{
	struct packed *p = mm_pool_alloc(&t->packed[class], bytes_of(class));

	if (!p)
		return NULL;
	memset(p->index, 0xff, room_of(class) * sizeof(p->index[0]));
	p->nr = 0;
	p->class = (uint8_t)class;
	return p;
}

mm_pte_t *mm_packed_table_new(struct mm_pgtables *t, unsigned int level)
{
	struct packed *p;

	if (level == 1)
		return (mm_pte_t *)(uintptr_t)SINGLE_EMPTY;
	p = packed_alloc(t, 0);
	return p ? table_of(p) : NULL;
}

void mm_packed_table_free(struct mm_pgtables *t, mm_pte_t *entries)
{
	struct packed *p;

	if ((uintptr_t)entries & MM_TABLE_IS_SINGLE)
		return;
	p = packed_of(entries);
	mm_pool_free(&t->packed[p->class], p, bytes_of(p->class));
}

/* How many have a lower index.  Most often the last is asked for, or one behind it. */
static inline unsigned int place_of(const struct packed *p, unsigned int index)
{
	unsigned int at = 0;

	if (!p->nr || p->index[p->nr - 1] <= index)
		return p->nr - (p->nr && p->index[p->nr - 1] == index);
	for (unsigned int half = 1u << p->class; half; half >>= 1)
		at += p->index[at + half - 1] < index ? half : 0;
	return at;
}

const mm_pte_t mm_pte_absent;

static mm_pte_t *absent(void) { return (mm_pte_t *)(uintptr_t)&mm_pte_absent; }

mm_pte_t *mm_packed_table_entry(struct mm_page *table, unsigned int index)
{
	struct packed *p;
	unsigned int at;

	if (is_single(table))
		return table->index == single(index) ? &table->entry : absent();
	p = packed_of(mm_table_entries(table));
	at = place_of(p, index);
	return at < p->nr && p->index[at] == index ? entries_of(p) + at : absent();
}

mm_pte_t *mm_packed_table_next(struct mm_page *table, unsigned int *index, unsigned int end)
{
	struct packed *p;
	mm_pte_t *entry;

	if (is_single(table)) {
		unsigned int at = (unsigned int)(table->index >> SINGLE_SHIFT);

		if (!(table->index & SINGLE_MADE) || at < *index || at >= end || !table->entry)
			return NULL;
		*index = at;
		return &table->entry;
	}
	p = packed_of(mm_table_entries(table));
	entry = entries_of(p);
	for (unsigned int at = place_of(p, *index); at < p->nr && p->index[at] < end; at++)
		if (entry[at]) {
			*index = p->index[at];
			return entry + at;
		}
	return NULL;
}

mm_pte_t *mm_packed_pte_next(struct mm_page *table, uint64_t *vaddr, uint64_t end)
{
	const uint64_t start = *vaddr & ~(MM_PMD_SIZE - 1);
	unsigned int index = mm_level_index(*vaddr, 1);
	mm_pte_t *e = mm_packed_table_next(table, &index, end - start < MM_PMD_SIZE ? mm_level_index(end - 1, 1) + 1 : MM_PTRS_PER_TABLE);

	*vaddr = e ? start + ((uint64_t)index << MM_PAGE_SHIFT) : *vaddr;
	return e;
}

/* All 512 of them in the place of the packed ones; NULL: host memory. */
static mm_pte_t *unpack(struct mm_pgtables *t, struct mm_page *table)
{
	mm_pte_t *all = mm_table_contents_new(t);

	if (!all)
		return NULL;
	if (!is_single(table)) {
		struct packed *p = packed_of(mm_table_entries(table));
		const mm_pte_t *from = entries_of(p);

		for (unsigned int i = 0; i < p->nr; i++)
			all[p->index[i]] = from[i];
	} else if (table->index & SINGLE_MADE) {
		all[table->index >> SINGLE_SHIFT] = table->entry;
	}
	mm_packed_table_free(t, mm_table_entries(table));
	table->index = (uintptr_t)all;
	return all;
}

/* To a place for more, with a gap at @at; NULL: host memory. */
static struct packed *grow(struct mm_pgtables *t, struct mm_page *table, unsigned int at)
{
	struct packed *old = packed_of(mm_table_entries(table)), *new = packed_alloc(t, old->class + 1u);
	const mm_pte_t *from = entries_of(old);
	unsigned int nr = old->nr;
	mm_pte_t *to;

	if (!new)
		return NULL;
	to = entries_of(new);
	memcpy(new->index, old->index, at * sizeof(new->index[0]));
	memcpy(new->index + at + 1, old->index + at, (nr - at) * sizeof(new->index[0]));
	memcpy(to, from, at * sizeof(*to));
	memcpy(to + at + 1, from + at, (nr - at) * sizeof(*to));
	mm_packed_table_free(t, table_of(old));
	table->index = (uintptr_t)table_of(new);
	return new;
}

/* The table has room for three; the entry that its descriptor had comes first. False: host memory. */
static bool grow_single(struct mm_pgtables *t, struct mm_page *table)
{
	struct packed *p = packed_alloc(t, 1);

	if (!p)
		return false;
	p->nr = 1;
	p->index[0] = (uint16_t)(table->index >> SINGLE_SHIFT);
	entries_of(p)[0] = table->entry;
	table->index = (uintptr_t)table_of(p);
	return true;
}

mm_pte_t *mm_packed_table_make(struct mm_pgtables *t, struct mm_page *table, unsigned int index)
{
	unsigned int at, nr;
	struct packed *p;
	mm_pte_t *entry;

	if (table->index == SINGLE_EMPTY) {
		table->index = single(index);
		table->entry = 0;
	}
	if (table->index == single(index))
		return &table->entry;
	if (is_single(table) && !grow_single(t, table))
		return NULL;
	p = packed_of(mm_table_entries(table));
	at = place_of(p, index);
	nr = p->nr;
	if (at < nr && p->index[at] == index)
		return entries_of(p) + at;
	if (nr == room_of(p->class)) {
		if (p->class == MM_PACKED_CLASSES - 1)
			return unpack(t, table) ? mm_table_entries(table) + index : NULL;
		p = grow(t, table, at);
		if (!p)
			return NULL;
		entry = entries_of(p);
	} else {
		entry = entries_of(p);
		if (at < nr) {
			memmove(p->index + at + 1, p->index + at, (nr - at) * sizeof(p->index[0]));
			memmove(entry + at + 1, entry + at, (nr - at) * sizeof(*entry));
		}
	}
	p->index[at] = (uint16_t)index;
	p->nr = (uint8_t)(nr + 1);
	entry[at] = 0;
	return entry + at;
}

mm_pte_t *mm_table_whole(struct mm_struct *mm, const mm_pte_t *entry)
{
	struct mm_pgtables *t = mm->virt->pgtables;
	struct mm_page *table = mm_page(mm->virt->phys, mm_pte_pfn(*entry));

	return mm_table_is_packed(mm_table_entries(table)) ? unpack(t, table) : mm_table_entries(table);
}
