/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a process has mapped, as far as perf's records told: ranges in an array, upwards.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/grow.h"
#include "source/perf.h"

size_t mm_perf_maps_find(const struct mm_perf_maps *maps, uint64_t addr)
{
	size_t low = 0, high = maps->nr;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (maps->v[mid].end > addr)
			high = mid;
		else
			low = mid + 1;
	}
	return low;
}

static int insert(struct mm_perf_maps *maps, size_t at, const struct mm_perf_range *r)
{
	struct mm_perf_range copy = *r;		/* it may lie in the array */

	if (mm_grow(&maps->v, maps->nr, &maps->cap, sizeof(*maps->v)))
		return -ENOMEM;
	memmove(maps->v + at + 1, maps->v + at, (maps->nr++ - at) * sizeof(*maps->v));
	maps->v[at] = copy;
	return 0;
}

static void cut_head(struct mm_perf_range *r, uint64_t start)
{
	r->offset += start - r->start;
	r->start = start;
	r->whole = false;
}

int mm_perf_maps_clear(struct mm_perf_maps *maps, uint64_t start, uint64_t end)
{
	size_t first = mm_perf_maps_find(maps, start), last;
	struct mm_perf_range *r;

	if (first == maps->nr)
		return 0;
	r = maps->v + first;
	if (r->start < start && r->end > end) {	/* out of its middle */
		if (insert(maps, first, r))
			return -ENOMEM;
		cut_head(&maps->v[first + 1], end);
		r = maps->v + first;
	}
	if (r->start < start) {
		r->end = start;
		r->whole = false;
		first++;
	}
	for (last = first; last < maps->nr && maps->v[last].end <= end; last++)
		;
	if (last < maps->nr && maps->v[last].start < end)
		cut_head(&maps->v[last], end);
	if (last > first)
		memmove(maps->v + first, maps->v + last, (maps->nr - last) * sizeof(*maps->v));
	maps->nr -= last - first;
	return 0;
}

int mm_perf_maps_set(struct mm_perf_maps *maps, const struct mm_perf_range *r)
{
	int e = mm_perf_maps_clear(maps, r->start, r->end);

	return e ? e : insert(maps, mm_perf_maps_find(maps, r->start), r);
}

int mm_perf_maps_copy(struct mm_perf_maps *to, const struct mm_perf_maps *from)
{
	struct mm_perf_range *v = from->nr ? malloc(from->nr * sizeof(*v)) : NULL;

	if (from->nr && !v)
		return -ENOMEM;
	if (v)
		memcpy(v, from->v, from->nr * sizeof(*v));
	free(to->v);
	*to = (struct mm_perf_maps){ v, from->nr, from->nr };
	return 0;
}

bool mm_perf_is_same_memory(const struct mm_perf_range *r, const struct mm_perf_mmap *m)
{
	return r->file == m->file && r->perms[3] == m->perms[3] && (!m->file || r->offset - r->start == m->offset - m->start);
}
