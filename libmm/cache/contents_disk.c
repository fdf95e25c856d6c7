/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a file on disk holds, where contents are kept.
 *
 *	runs	pages from .first on are those that were at .native when contents began to be kept; MM_DISK_HOLE: zeroes
 *	written	what was written back since, page by page; goes before the run
 *
 * Without runs every page is where it was. fallocate() moves pages by whole blocks and makes holes: a few runs, however
 * large the file; only what was written is moved page by page.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/host_memory.h"
#include "cache/contents.h"

/* Runs that one call may add, and one that mm_disk_cut() may need for a moment. */
enum { MORE_RUNS = 4 };

static int reserve(struct mm_inode *inode)
{
	size_t cap = 2 * inode->nr_disk_runs + 2 * MORE_RUNS;
	struct mm_disk_run *v;

	if (inode->nr_disk_runs + MORE_RUNS > inode->cap_disk_runs) {
		v = mm_host_realloc(inode->disk_runs, cap * sizeof(*v));
		if (!v)
			return -ENOMEM;
		inode->disk_runs = v;
		inode->cap_disk_runs = cap;
	}
	if (!inode->nr_disk_runs)
		inode->disk_runs[inode->nr_disk_runs++] = (struct mm_disk_run){ 0, 0 };
	return 0;
}

/* The run that @index lies in; there is one. */
static size_t run_of(const struct mm_inode *inode, uint64_t index)
{
	size_t lo = 0, hi = inode->nr_disk_runs;

	while (hi - lo > 1) {
		size_t mid = lo + (hi - lo) / 2;

		if (inode->disk_runs[mid].first <= index)
			lo = mid;
		else
			hi = mid;
	}
	return lo;
}

uint64_t mm_disk_native(const struct mm_inode *inode, uint64_t index)
{
	const struct mm_disk_run *r;

	if (!inode->nr_disk_runs)
		return index;
	r = &inode->disk_runs[run_of(inode, index)];
	return r->native == MM_DISK_HOLE ? MM_DISK_HOLE : r->native + (index - r->first);
}

static void add_run(struct mm_inode *inode, size_t at, uint64_t first, uint64_t native)
{
	struct mm_disk_run *r = &inode->disk_runs[at];

	memmove(r + 1, r, (inode->nr_disk_runs++ - at) * sizeof(*r));
	*r = (struct mm_disk_run){ first, native };
}

/* A run begins at @index, or does so now: which. */
static size_t split(struct mm_inode *inode, uint64_t index)
{
	size_t i = run_of(inode, index);

	if (inode->disk_runs[i].first == index)
		return i;
	add_run(inode, i + 1, index, mm_disk_native(inode, index));
	return i + 1;
}

static void remove_runs(struct mm_inode *inode, size_t from, size_t to)
{
	memmove(&inode->disk_runs[from], &inode->disk_runs[to], (inode->nr_disk_runs - to) * sizeof(*inode->disk_runs));
	inode->nr_disk_runs -= to - from;
}

/* Runs that go on where the one before them ends are one with it. */
static void join(struct mm_inode *inode)
{
	struct mm_disk_run *v = inode->disk_runs;
	size_t n = 1;

	for (size_t i = 1; i < inode->nr_disk_runs; i++) {
		const struct mm_disk_run *last = &v[n - 1];

		if (v[i].native != (last->native == MM_DISK_HOLE ? MM_DISK_HOLE : last->native + (v[i].first - last->first)))
			v[n++] = v[i];
	}
	inode->nr_disk_runs = n;
}

static void make_hole(struct mm_inode *inode, uint64_t first, uint64_t last)
{
	size_t from = split(inode, first), to = last == UINT64_MAX ? inode->nr_disk_runs : split(inode, last + 1);

	remove_runs(inode, from + 1, to);
	inode->disk_runs[from].native = MM_DISK_HOLE;
	join(inode);
}

void mm_disk_cut(struct mm_inode *inode, uint64_t size)
{
	if (inode->nr_disk_runs)
		make_hole(inode, (size >> MM_PAGE_SHIFT) + (size % MM_PAGE_SIZE != 0), UINT64_MAX);
	else if (inode->disk_end > size)
		inode->disk_end = size;
}

static void forget_written(struct mm_address_space *as, uint64_t first, uint64_t last)
{
	uint64_t v;

	for (uint64_t i = first; mm_xa_find(&as->written, &i, &v) && i <= last; i++)
		mm_xa_store(&as->written, i, 0, NULL);
}

int mm_contents_punched(struct mm_cache *c, struct mm_address_space *as, uint64_t first, uint64_t last)
{
	if (!c->contents || mm_inode_is_shmem(as->host))
		return 0;
	if (reserve(as->host))
		return -ENOMEM;
	forget_written(as, first, last);
	make_hole(as->host, first, last);
	return 0;
}

/* What was written from @first on has moved to @to. */
static int move_written(struct mm_address_space *as, uint64_t first, uint64_t to)
{
	struct { uint64_t index, value; } *v;
	size_t nr = 0, k = 0;
	uint64_t value;
	int e = 0;

	for (uint64_t i = first; mm_xa_find(&as->written, &i, &value); i++)
		nr++;
	v = mm_host_malloc((nr + 1) * sizeof(*v));
	if (!v)
		return -ENOMEM;
	for (uint64_t i = first; mm_xa_find(&as->written, &i, &value); i++, k++) {
		v[k].index = i;
		v[k].value = value;
		mm_xa_store(&as->written, i, 0, NULL);
	}
	for (k = 0; k < nr && !e; k++)
		e = mm_xa_store(&as->written, v[k].index - first + to, v[k].value, NULL);
	free(v);
	return e;
}

int mm_contents_collapsed(struct mm_cache *c, struct mm_address_space *as, uint64_t first, uint64_t nr)
{
	struct mm_inode *inode = as->host;
	size_t from, to;

	if (!c->contents)
		return 0;
	if (reserve(inode))
		return -ENOMEM;
	from = split(inode, first);
	to = split(inode, first + nr);
	remove_runs(inode, from, to);
	for (size_t i = from; i < inode->nr_disk_runs; i++)
		inode->disk_runs[i].first -= nr;
	join(inode);
	forget_written(as, first, first + nr - 1);
	return move_written(as, first + nr, first);
}

int mm_contents_inserted(struct mm_cache *c, struct mm_address_space *as, uint64_t first, uint64_t nr)
{
	struct mm_inode *inode = as->host;
	size_t from;

	if (!c->contents)
		return 0;
	if (reserve(inode))
		return -ENOMEM;
	from = split(inode, first);
	for (size_t i = from; i < inode->nr_disk_runs; i++)
		inode->disk_runs[i].first += nr;
	add_run(inode, from, first, MM_DISK_HOLE);
	join(inode);
	return move_written(as, first, first + nr);
}
