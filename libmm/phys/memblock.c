/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The map of RAM before there is an allocator: two sorted lists of ranges.
 *
 * memory    |-------- node 0 --------|      |--- node 1 ---|
 * reserved      |--|     |-----|                  |--|
 * free      |--|    |---|       |----|      |----|    |----|
 *
 * Adding never changes what is there: only uncovered parts come in.  Every
 * change splits regions at the ends of its range first, so that it applies to
 * whole regions, and merges equal neighbours last.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/host_memory.h"
#include "base/minmax.h"
#include "phys/memblock.h"

static uint64_t rgn_end(const struct mm_memblock_region *r) { return r->base + r->size; }

/* End of a range that may wrap: memblock_cap_size(). */
static uint64_t cap_end(uint64_t base, uint64_t size) { return mm_add_saturated(base, size); }

static int reserve_room(struct mm_memblock_type *t, size_t more)
{
	size_t cap = t->cap ? t->cap : 16;
	struct mm_memblock_region *v;

	if (t->nr + more <= t->cap)
		return 0;
	while (cap < t->nr + more)
		cap *= 2;
	v = mm_host_realloc(t->v, cap * sizeof(*v));
	if (!v)
		return -ENOMEM;
	t->v = v;
	t->cap = cap;
	return 0;
}

static void insert_region(struct mm_memblock_type *t, size_t at, struct mm_memblock_region r)
{
	memmove(&t->v[at + 1], &t->v[at], (t->nr - at) * sizeof(r));
	t->v[at] = r;
	t->nr++;
	t->total_bytes += r.size;
}

static void remove_region(struct mm_memblock_type *t, size_t at)
{
	t->total_bytes -= t->v[at].size;
	t->nr--;
	memmove(&t->v[at], &t->v[at + 1], (t->nr - at) * sizeof(t->v[0]));
}

/* First region that ends above @addr. */
static size_t first_above(const struct mm_memblock_type *t, uint64_t addr)
{
	size_t lo = 0, hi = t->nr;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (rgn_end(&t->v[mid]) <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* Join equal neighbours among regions first - 1 .. last. */
static void merge_regions(struct mm_memblock_type *t, size_t first, size_t last)
{
	size_t i = first ? first - 1 : 0;

	while (i + 1 < t->nr && i <= last) {
		struct mm_memblock_region *this = &t->v[i], *next = this + 1;

		if (rgn_end(this) != next->base || this->node != next->node || this->flags != next->flags) {
			i++;
			continue;
		}
		this->size += next->size;
		t->total_bytes += next->size;
		remove_region(t, i + 1);
		last -= last > 0;
	}
}

int mm_memblock_add_range(struct mm_memblock_type *t, uint64_t base, uint64_t size, uint32_t node)
{
	uint64_t end = cap_end(base, size);
	size_t i = first_above(t, base), first = i, pieces = 1;

	if (base >= end)
		return 0;
	for (size_t k = i; k < t->nr && t->v[k].base < end; k++)
		pieces++;
	if (reserve_room(t, pieces))
		return -ENOMEM;
	while (base < end) {
		uint64_t stop = i < t->nr && t->v[i].base < end ? t->v[i].base : end;

		if (base < stop)
			insert_region(t, i++, (struct mm_memblock_region){ base, stop - base, node, MM_MEMBLOCK_NONE });
		if (stop == end)
			break;
		base = rgn_end(&t->v[i++]);
	}
	merge_regions(t, first, i);
	return 0;
}

/* Make @addr the border of two regions where it lies inside one.  There is room. */
static void split_at(struct mm_memblock_type *t, uint64_t addr)
{
	size_t i = first_above(t, addr);
	struct mm_memblock_region low;

	if (i == t->nr || t->v[i].base >= addr)
		return;
	low = t->v[i];
	low.size = addr - low.base;
	t->v[i].base = addr;
	t->v[i].size -= low.size;
	t->total_bytes -= low.size;
	insert_region(t, i, low);
}

/* Split at both ends of [base, end): regions *first .. *last - 1 then are exactly what lies in it. */
static int isolate_range(struct mm_memblock_type *t, uint64_t base, uint64_t end, size_t *first, size_t *last)
{
	*first = *last = 0;
	if (base >= end)
		return 0;
	if (reserve_room(t, 2))
		return -ENOMEM;
	split_at(t, base);
	split_at(t, end);
	*first = first_above(t, base);
	for (*last = *first; *last < t->nr && t->v[*last].base < end; (*last)++)
		;
	return 0;
}

int mm_memblock_set_node(struct mm_memblock_type *t, uint64_t base, uint64_t size, uint32_t node)
{
	size_t first, last;

	if (isolate_range(t, base, cap_end(base, size), &first, &last))
		return -ENOMEM;
	for (size_t i = first; i < last; i++)
		t->v[i].node = node;
	merge_regions(t, first, last);
	return 0;
}

static int set_flags(struct mm_memblock_type *t, uint64_t base, uint64_t size, uint32_t flags)
{
	size_t first, last;

	if (isolate_range(t, base, cap_end(base, size), &first, &last))
		return -ENOMEM;
	for (size_t i = first; i < last; i++)
		t->v[i].flags = flags;
	merge_regions(t, first, last);
	return 0;
}

int mm_memblock_mark_hotplug(struct mm_memblock *mb, uint64_t base, uint64_t size)
{
	return set_flags(&mb->memory, base, size, MM_MEMBLOCK_HOTPLUG);
}

int mm_memblock_clear_hotplug(struct mm_memblock *mb, uint64_t base, uint64_t size)
{
	return set_flags(&mb->memory, base, size, MM_MEMBLOCK_NONE);
}

int mm_memblock_add(struct mm_memblock *mb, uint64_t base, uint64_t size)
{
	return mm_memblock_add_range(&mb->memory, base, size, MM_NODE_NONE);
}

int mm_memblock_remove(struct mm_memblock *mb, uint64_t base, uint64_t size)
{
	size_t first, last;

	if (isolate_range(&mb->memory, base, cap_end(base, size), &first, &last))
		return -ENOMEM;
	while (last > first)
		remove_region(&mb->memory, --last);
	return 0;
}

int mm_memblock_reserve(struct mm_memblock *mb, uint64_t base, uint64_t size)
{
	return mm_memblock_add_range(&mb->reserved, base, size, MM_NODE_NONE);
}

void mm_memblock_free(struct mm_memblock *mb)
{
	free(mb->memory.v);
	free(mb->reserved.v);
	*mb = (struct mm_memblock){ 0 };
}

void mm_memblock_trim_memory(struct mm_memblock *mb, uint64_t align)
{
	struct mm_memblock_type *t = &mb->memory;

	for (size_t i = 0; i < t->nr; ) {
		struct mm_memblock_region *r = &t->v[i];
		uint64_t end = rgn_end(r) & ~(align - 1);
		uint64_t start = r->base > UINT64_MAX - (align - 1) ? UINT64_MAX : (r->base + align - 1) & ~(align - 1);

		if (start >= end) {
			remove_region(t, i);
			continue;
		}
		t->total_bytes -= r->size - (end - start);
		r->base = start;
		r->size = end - start;
		i++;
	}
}

bool mm_memblock_next_free(const struct mm_memblock *mb, uint64_t *cursor, uint32_t node, uint64_t *start,
			   uint64_t *end)
{
	const struct mm_memblock_type *mem = &mb->memory, *res = &mb->reserved;

	for (size_t i = first_above(mem, *cursor); i < mem->nr; i++) {
		const struct mm_memblock_region *r = &mem->v[i];
		uint64_t at = *cursor > r->base ? *cursor : r->base;

		if (node != MM_NODE_NONE && node != r->node)
			continue;
		for (size_t k = first_above(res, at); at < rgn_end(r); k++) {
			uint64_t stop = k < res->nr && res->v[k].base < rgn_end(r) ? res->v[k].base : rgn_end(r);

			if (at < stop) {
				*start = at;
				*cursor = *end = stop;
				return true;
			}
			at = rgn_end(&res->v[k]);
		}
	}
	return false;
}

/* Highest free place of [start, end): walk free ranges upwards, keep the last that fits. */
static uint64_t find_range(const struct mm_memblock *mb, uint64_t start, uint64_t end, uint64_t size, uint64_t align,
			   uint32_t node)
{
	uint64_t cursor = start, lo, hi, found = 0;

	while (mm_memblock_next_free(mb, &cursor, node, &lo, &hi) && lo < end) {
		uint64_t cand;

		lo = lo < start ? start : lo;
		hi = hi > end ? end : hi;
		if (hi < lo || hi - lo < size)
			continue;
		cand = (hi - size) & ~(align - 1);
		if (cand >= lo)
			found = cand;
	}
	return found;
}

uint64_t mm_memblock_find_in_range(const struct mm_memblock *mb, uint64_t size, uint64_t align,
				   uint64_t start, uint64_t end, uint32_t node)
{
	start = start < MM_PAGE_SIZE ? MM_PAGE_SIZE : start;
	end = end < start ? start : end;
	return size ? find_range(mb, start, end, size, align ? align : 1, node) : 0;
}

int mm_memblock_alloc_range(struct mm_memblock *mb, uint64_t size, uint64_t align, uint64_t start, uint64_t end,
			    uint32_t node, bool exact_node, uint64_t *base)
{
	uint64_t found = mm_memblock_find_in_range(mb, size, align, start, end, node);

	if (!found && node != MM_NODE_NONE && !exact_node)
		found = mm_memblock_find_in_range(mb, size, align, start, end, MM_NODE_NONE);
	if (!found)
		return -ENOSPC;
	if (mm_memblock_reserve(mb, found, size))
		return -ENOMEM;
	*base = found;
	return 0;
}

static bool type_is_consistent(const struct mm_memblock_type *t)
{
	uint64_t total = 0;

	for (size_t i = 0; i < t->nr; i++) {
		const struct mm_memblock_region *r = &t->v[i];

		if (!r->size || r->size > UINT64_MAX - r->base || (i && rgn_end(r - 1) > r->base))
			return false;
		if (i && rgn_end(r - 1) == r->base && r[-1].node == r->node && r[-1].flags == r->flags)
			return false;
		total += r->size;
	}
	return total == t->total_bytes;
}

bool mm_memblock_is_consistent(const struct mm_memblock *mb)
{
	return type_is_consistent(&mb->memory) && type_is_consistent(&mb->reserved);
}
