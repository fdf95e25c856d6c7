/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The e820 map: entries of [start, end] and a type, kept as the words that the
 * kernel prints, and the nodes of the firmware's SRAT over it.
 * Source: Linux 6.6 arch/x86/kernel/e820.c, arch/x86/mm/numa.c.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/grow.h"
#include "base/minmax.h"
#include "base/str.h"
#include "source/e820.h"

static const char usable[] = "usable";

/* Type as the kernel prints it at boot, and its name in /proc/iomem. */
static const struct {
	const char *prefix, *name;
} type_names[] = {
	{ usable, "System RAM" },
	{ "reserved", "Reserved" },
	{ "soft reserved", "Soft Reserved" },
	{ "ACPI data", "ACPI Tables" },
	{ "ACPI NVS", "ACPI Non-volatile Storage" },
	{ "unusable", "Unusable memory" },
	{ "persistent (type 12)", "Persistent Memory (legacy)" },
	{ "persistent", "Persistent Memory" },
	{ "", "Unknown E820 type" },
};

static const char *iomem_name(const char *word)
{
	size_t i = 0;

	while (strncmp(word, type_names[i].prefix, strlen(type_names[i].prefix)))
		i++;
	return type_names[i].name;
}

static bool is_word(const struct mm_e820_entry *e, struct mm_str word)
{
	return mm_str_is(word, e->word);
}

static bool is_usable(const struct mm_e820_entry *e) { return !strcmp(e->word, usable); }

int mm_e820_add(struct mm_e820 *m, uint64_t start, uint64_t end, struct mm_str word)
{
	struct mm_e820_entry e = { .start = start, .end = end };

	if (m->nr == MM_E820_MAX)
		return -EFBIG;
	if (mm_grow(&m->v, m->nr, &m->cap, sizeof(*m->v)))
		return -ENOMEM;
	if (!word.len)
		word = (struct mm_str){ "unknown", 7 };
	memcpy(e.word, word.p, word.len < sizeof(e.word) ? word.len : sizeof(e.word) - 1);
	m->v[m->nr++] = e;
	return 0;
}

int mm_e820_change(struct mm_e820 *m, uint64_t start, uint64_t end, struct mm_str from, struct mm_str to)
{
	size_t nr = m->nr;
	int e = 0;

	for (size_t i = 0; i < nr && !e; i++) {
		struct mm_e820_entry old = m->v[i];
		uint64_t lo = mm_max_u64(old.start, start), hi = mm_min_u64(old.end, end);

		if (lo > hi || (from.len && !is_word(&old, from)))
			continue;
		if (old.start < lo)
			e = mm_e820_add(m, old.start, lo - 1, (struct mm_str){ old.word, strlen(old.word) });
		if (!e && old.end > hi)
			e = mm_e820_add(m, hi + 1, old.end, (struct mm_str){ old.word, strlen(old.word) });
		if (!e && to.len)
			e = mm_e820_add(m, lo, hi, to);
		m->v[i].word[0] = 0;	/* replaced by the pieces */
	}
	nr = 0;
	for (size_t i = 0; i < m->nr; i++)
		if (m->v[i].word[0])
			m->v[nr++] = m->v[i];
	m->nr = nr;
	return e;
}

/* The number of a type: where two entries overlap the greater wins (e820__update_table()). */
static unsigned int type_number(const char *word)
{
	static const struct {
		const char *word;
		unsigned int number;
	} types[] = {
		{ usable, 1 }, { "reserved", 2 }, { "ACPI data", 3 }, { "ACPI NVS", 4 }, { "unusable", 5 },
		{ "persistent (type 7)", 7 }, { "persistent (type 12)", 12 }, { "soft reserved", 13 },
	};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (!strcmp(types[i].word, word))
			return types[i].number;
	return 2;
}

/* Give @word to what no entry covers in [start, end]. */
static int fill_gaps(struct mm_e820 *m, uint64_t start, uint64_t end, struct mm_str word)
{
	size_t nr = m->nr;
	int e = 0;

	for (uint64_t at = start, stop; !e; at = stop + 1) {
		bool covered = false;

		stop = end;
		for (size_t i = 0; i < nr && !covered; i++) {
			covered = at >= m->v[i].start && at <= m->v[i].end;
			if (covered)
				stop = mm_min_u64(m->v[i].end, end);
			else if (m->v[i].start > at && m->v[i].start <= stop)
				stop = m->v[i].start - 1;
		}
		if (!covered)
			e = mm_e820_add(m, at, stop, word);
		if (stop == end)
			break;
	}
	return e;
}

int mm_e820_overlay(struct mm_e820 *m, uint64_t start, uint64_t end, struct mm_str word)
{
	struct mm_e820_entry new = { .word = "" };
	int e = 0;

	memcpy(new.word, word.p, word.len < sizeof(new.word) ? word.len : sizeof(new.word) - 1);
	for (size_t i = 0, nr = m->nr; i < nr && !e; i++) {
		struct mm_e820_entry old = m->v[i];
		uint64_t lo = mm_max_u64(old.start, start), hi = mm_min_u64(old.end, end);

		if (lo > hi || type_number(old.word) >= type_number(new.word))
			continue;
		e = mm_e820_change(m, lo, hi, (struct mm_str){ old.word, strlen(old.word) }, word);
		i = (size_t)-1;		/* the list is another one now; what was changed is not lower any more */
		nr = m->nr;
	}
	return e ? e : fill_gaps(m, start, end, word);
}

static int by_start(const void *a, const void *b)
{
	const struct mm_e820_entry *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start ? 1 : x->end < y->end ? -1 : x->end > y->end;
}

void mm_e820_merge(struct mm_e820 *m)
{
	size_t nr = 0;

	if (m->nr)
		qsort(m->v, m->nr, sizeof(m->v[0]), by_start);
	for (size_t i = 0; i < m->nr; i++) {
		struct mm_e820_entry *last = nr ? &m->v[nr - 1] : NULL, *e = &m->v[i];

		if (!last || strcmp(last->word, e->word) || (last->end != UINT64_MAX && last->end + 1 < e->start))
			m->v[nr++] = *e;
		else if (e->end > last->end)
			last->end = e->end;
	}
	m->nr = nr;
}

int mm_srat_add(struct mm_srat *s, uint64_t start, uint64_t end, uint32_t node)
{
	if (s->nr == MM_SRAT_MAX)
		return -EFBIG;
	if (mm_grow(&s->v, s->nr, &s->cap, sizeof(*s->v)))
		return -ENOMEM;
	s->v[s->nr++] = (struct mm_srat_block){ start, end, node };
	return 0;
}

static bool overlap(uint64_t s1, uint64_t e1, uint64_t s2, uint64_t e2) { return s1 <= e2 && s2 <= e1; }

/* Bytes of usable memory in [start, end], saturating. */
static uint64_t ram_in(const struct mm_e820 *m, uint64_t start, uint64_t end)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < m->nr; i++) {
		const struct mm_e820_entry *e = &m->v[i];
		uint64_t lo = mm_max_u64(e->start, start), hi = mm_min_u64(e->end, end),
			n = hi - lo + (hi - lo != UINT64_MAX);

		if (is_usable(e) && lo <= hi)
			bytes = n > UINT64_MAX - bytes ? UINT64_MAX : bytes + n;
	}
	return bytes;
}

static void drop_blocks_without_ram(struct mm_srat *s, const struct mm_e820 *m)
{
	size_t nr = 0;

	for (size_t i = 0; i < s->nr; i++)
		if (ram_in(m, s->v[i].start, s->v[i].end))
			s->v[nr++] = s->v[i];
	s->nr = nr;
}

/* Join blocks i and j, of one node, unless a block of another node lies between. */
static bool join(struct mm_srat *s, size_t i, size_t j)
{
	struct mm_srat_block *a = &s->v[i], *b = &s->v[j];
	uint64_t start = mm_min_u64(a->start, b->start), end = mm_max_u64(a->end, b->end);

	for (size_t k = 0; k < s->nr; k++)
		if (s->v[k].node != a->node && overlap(start, end, s->v[k].start, s->v[k].end))
			return false;
	a->start = start;
	a->end = end;
	memmove(b, b + 1, (s->nr - j - 1) * sizeof(*b));
	s->nr--;
	return true;
}

bool mm_srat_cleanup(struct mm_srat *s, const struct mm_e820 *m)
{
	uint64_t covered = 0;

	drop_blocks_without_ram(s, m);
	for (size_t i = 0; i < s->nr; i++)
		for (size_t j = i + 1; j < s->nr; j++) {
			if (s->v[i].node != s->v[j].node) {
				if (overlap(s->v[i].start, s->v[i].end, s->v[j].start, s->v[j].end))
					return false;
				continue;
			}
			j -= join(s, i, j);
		}
	for (size_t i = 0; i < s->nr; i++)
		covered += ram_in(m, s->v[i].start, s->v[i].end);
	return s->nr && ram_in(m, 0, UINT64_MAX) - covered < 1 << 20;
}

/* The node of @addr and where the block that says so, or the gap, ends; MM_MAX_NODES: in no block. */
static uint32_t node_at(const struct mm_srat *s, uint64_t addr, uint64_t *end)
{
	*end = UINT64_MAX;
	for (size_t i = 0; i < s->nr; i++) {
		const struct mm_srat_block *b = &s->v[i];

		if (addr >= b->start && addr <= b->end) {
			*end = b->end;
			return b->node;
		}
		if (b->start > addr && b->start - 1 < *end)
			*end = b->start - 1;
	}
	return MM_MAX_NODES;
}

/* The region @r begins inside @e: it goes up to where node or hotplug change. */
static void cut_region(const struct mm_e820_entry *e, const struct mm_srat *nodes, const struct mm_srat *hotplug,
		       struct mm_region *r)
{
	uint64_t stop, hot_stop;
	uint32_t node = node_at(nodes, r->start, &stop);

	r->end = e->end;
	if (!is_usable(e))
		return;
	r->node = node < MM_MAX_NODES ? node : 0;
	r->hotplug = node_at(hotplug, r->start, &hot_stop) < MM_MAX_NODES;
	stop = mm_min_u64(stop, hot_stop);
	r->end = mm_min_u64(stop, e->end);
}

int mm_e820_regions(const struct mm_e820 *m, const struct mm_srat *nodes, const struct mm_srat *hotplug,
		    struct mm_region_list *l)
{
	for (size_t i = 0; i < m->nr; i++) {
		const struct mm_e820_entry *e = &m->v[i];
		const char *name = iomem_name(e->word);
		struct mm_str str = { name, strlen(name) };
		struct mm_region r = { .start = e->start, .kind = (uint8_t)mm_region_kind_of_name(str) };

		for (;; r.start = r.end + 1) {
			cut_region(e, nodes, hotplug, &r);
			if (mm_region_list_add(l, &r, str))
				return -ENOMEM;
			if (r.end == e->end)
				break;
		}
	}
	return 0;
}
