/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cache/readahead.c - which pages of a file are read before they are asked for
 *
 *        |<------ size ------>|
 *   -----+---------+----------+-----> file
 *      start       | async_size
 *                  mark (PG_readahead): reading it starts the next window
 *
 * Windows double up to the disk's limit while a stream goes on; a random miss
 * reads what was asked for.  A mapped file is read around the fault instead,
 * until misses outweigh hits by 100.
 *
 * Who reads waits for the whole window; a fault that met a mark waits for nothing. The window that it started is in flight,
 * its pages locked, until somebody waits for one of them, the next such window begins, or a row comes that is no access:
 * a program uses a window up faster than a disk reads one, and reclaim passes over locked pages meanwhile.
 * What read(2) reads ahead is not locked, but who asks for a page of it waits until the disk has had its time.
 * Deviation: one window at a time is in flight on a machine, and none is done while nobody looks.
 *
 * Source: Linux 6.6 mm/readahead.c, mm/filemap.c.  Order-0 folios only.
 */
#include "base/minmax.h"
#include "cache/readahead.h"

#include "cache/memcg.h"
#include "cache/swap.h"

enum { MMAP_LOTSAMISS = 100, RA_CHUNK = 512 };
/* Largest request of the disk: 2560 sectors, what the block layer gives a device without a limit of its own. */
enum { BDI_IO_PAGES = 2560 >> (MM_PAGE_SHIFT - 9) };
#define READAHEAD_GFP	((MM_GFP_HIGHUSER_MOVABLE | __MM_GFP_NORETRY | __MM_GFP_NOWARN) & ~(mm_gfp_t)__MM_GFP_FS)

void mm_file_ra_state_init(const struct mm_cache *c, struct mm_file_ra_state *ra)
{
	int64_t kb = mm_sysctl(c->ctx, MM_SYSCTL_READ_AHEAD_KB);

	*ra = (struct mm_file_ra_state){ .ra_pages = (uint32_t)(kb >> (MM_PAGE_SHIFT - 10)), .prev_pos = -1 };
}

/* The largest window; a file that was not read yet takes the disk's. */
static uint32_t ra_pages_of(const struct mm_cache *c, struct mm_file *f)
{
	if (f->ra.ra_pages == UINT32_MAX)
		mm_file_ra_state_init(c, &f->ra);
	return f->ra.ra_pages;
}

/* One page more in the cache; false: stop (no memory). */
static bool ra_one(struct mm_cache *c, struct mm_address_space *as, uint64_t index, bool mark, struct mm_memcg *memcg)
{
	mm_pfn_t pfn;

	if (mm_filemap_get_folio(c, as, index) != MM_PFN_NONE)
		return true;
	pfn = mm_alloc_pages(c->phys, READAHEAD_GFP, 0);
	if (pfn == MM_PFN_NONE)
		return false;
	if (!mm_filemap_add_folio(c, as, pfn, index, memcg, READAHEAD_GFP)) {
		mm_cache_page(c, pfn)->flags |= MM_PG_LOCKED | MM_PG_UPTODATE | (mark ? MM_PG_READAHEAD : 0);
		mm_count(c->ctx, MM_PGPGIN, MM_PAGE_SIZE >> 10);
	}
	mm_folio_put(c, pfn);
	return true;
}

/* The disk has read the window; until then reclaim cannot take what was added to it. */
static void end_read(struct mm_cache *c, const struct mm_address_space *as, uint64_t index, uint64_t nr)
{
	for (uint64_t i = index; i < index + nr; i++) {
		mm_pfn_t pfn = mm_filemap_get_folio(c, as, i);

		if (pfn != MM_PFN_NONE)
			mm_cache_page(c, pfn)->flags &= ~(uint32_t)MM_PG_LOCKED;
	}
}

void mm_readahead_end(struct mm_cache *c)
{
	if (!c->ra_inflight.as)
		return;
	end_read(c, c->ra_inflight.as, c->ra_inflight.index, c->ra_inflight.nr);
	c->ra_inflight.as = NULL;
}

void mm_readahead_begun(struct mm_cache *c, const struct mm_file *f)
{
	c->ra_ahead.as = &f->inode->mapping;
	c->ra_ahead.index = f->ra.start;
	c->ra_ahead.nr = f->ra.size;
	c->ra_ahead.due_ns = mm_swap_io_clock(c) + (uint64_t)mm_sysctl(c->ctx, MM_SYSCTL_COST_READ);
}

void mm_readahead_wait(struct mm_cache *c, const struct mm_address_space *as, uint64_t index, uint64_t nr)
{
	uint64_t now = mm_swap_io_clock(c);

	if (c->ra_ahead.as != as || index >= c->ra_ahead.index + c->ra_ahead.nr || index + nr <= c->ra_ahead.index)
		return;
	if (c->ra_ahead.due_ns > now)
		c->ahead_wait_ns += c->ra_ahead.due_ns - now;
	c->ra_ahead.as = NULL;
}

/* do_page_cache_ra(), page_cache_ra_unbounded() */
static void do_page_cache_ra(struct mm_cache *c, struct mm_file *f, uint64_t index, uint64_t nr_to_read,
			     uint64_t lookahead_size, struct mm_memcg *memcg)
{
	uint64_t end_index;

	if (!f->inode->size)
		return;
	end_index = (f->inode->size - 1) >> MM_PAGE_SHIFT;
	if (index > end_index)
		return;
	if (nr_to_read > end_index - index)
		nr_to_read = end_index - index + 1;
	for (uint64_t i = 0; i < nr_to_read; i++)
		if (!ra_one(c, &f->inode->mapping, index + i, i == nr_to_read - lookahead_size, memcg))
			break;
	if (!c->ra_inflight.defer) {
		end_read(c, &f->inode->mapping, index, nr_to_read);
		return;
	}
	mm_readahead_end(c);
	c->ra_inflight.as = &f->inode->mapping;
	c->ra_inflight.index = index;
	c->ra_inflight.nr = nr_to_read;
}

static uint64_t roundup_pow_of_two(uint64_t n)
{
	return n <= 1 ? 1 : n > UINT64_C(1) << 62 ? n : UINT64_C(1) << (64 - __builtin_clzll(n - 1));
}

static uint32_t init_ra_size(uint64_t size, uint64_t max)
{
	uint64_t n = roundup_pow_of_two(size);

	return (uint32_t)(n <= max / 32 ? n * 4 : n <= max / 4 ? n * 2 : max);
}

static uint32_t next_ra_size(const struct mm_file_ra_state *ra, uint64_t max)
{
	uint64_t cur = ra->size;

	return (uint32_t)(cur < max / 16 ? 4 * cur : cur <= max / 2 ? 2 * cur : max);
}

/*
 * Contiguous cached pages right before @index.  When all @max that are looked at are cached the last
 * one passes for the gap (page_cache_prev_miss() of 6.6 tells its index), so it is max - 1.
 */
static uint64_t count_history_pages(struct mm_cache *c, const struct mm_address_space *as, uint64_t index, uint64_t max)
{
	uint64_t n = 0;

	while (n < max && n < index && mm_filemap_get_folio(c, as, index - 1 - n) != MM_PFN_NONE)
		n++;
	return n && n == max ? n - 1 : n;
}

static bool try_context_readahead(struct mm_cache *c, const struct mm_file *f, struct mm_file_ra_state *ra, uint64_t index,
				  uint64_t req_size, uint64_t max)
{
	uint64_t size = count_history_pages(c, &f->inode->mapping, index, max);

	if (size <= req_size)
		return false;
	if (size >= index)
		size *= 2;
	ra->start = index;
	ra->size = (uint32_t)(size + req_size < max ? size + req_size : max);
	ra->async_size = 1;
	return true;
}

/* Set the window for a miss (@marked false) or a mark at @index; false: nothing to read by window. */
static bool choose_window(struct mm_cache *c, struct mm_file *f, bool marked, uint64_t index, uint64_t req_size, uint64_t max)
{
	struct mm_file_ra_state *ra = &f->ra;
	bool initial = !index;

	if (!initial && (index == ra->start + ra->size - ra->async_size || index == ra->start + ra->size)) {
		uint32_t next = next_ra_size(ra, max);

		ra->start += ra->size;
		ra->size = ra->size > next ? ra->size : next;
		ra->async_size = ra->size;
		return true;
	}
	if (!initial && marked) {
		uint64_t start = index + 1;

		/* page_cache_next_miss() of 6.6: without a gap in reach it tells the last page it looked at */
		while (start - index < max && mm_filemap_get_folio(c, &f->inode->mapping, start) != MM_PFN_NONE)
			start++;
		if (start - index > max)
			return false;
		ra->start = start;
		ra->size = (uint32_t)(start - index + req_size < UINT32_MAX / 4 ? start - index + req_size : UINT32_MAX / 4);
		ra->size = ra->async_size = next_ra_size(ra, max);
		return true;
	}
	if (!initial && req_size <= max && index - (uint64_t)(ra->prev_pos >> MM_PAGE_SHIFT) > 1) {
		if (try_context_readahead(c, f, ra, index, req_size, max))
			return true;
		return false;
	}
	ra->start = index;
	ra->size = init_ra_size(req_size, max);
	ra->async_size = ra->size > req_size ? ra->size - (uint32_t)req_size : ra->size;
	return true;
}

static void ondemand_readahead(struct mm_cache *c, struct mm_file *f, bool marked, uint64_t index, uint64_t req_size,
			       struct mm_memcg *memcg)
{
	struct mm_file_ra_state *ra = &f->ra;
	uint64_t max = ra_pages_of(c, f);

	if (req_size > max && BDI_IO_PAGES > max)
		max = req_size < BDI_IO_PAGES ? req_size : BDI_IO_PAGES;
	if (!choose_window(c, f, marked, index, req_size, max)) {
		if (!marked)
			do_page_cache_ra(c, f, index, req_size, 0, memcg);
		return;
	}
	/* a window that would meet its own mark at once is enlarged instead */
	if (index == ra->start && ra->size == ra->async_size) {
		uint32_t add = next_ra_size(ra, max);

		if ((uint64_t)ra->size + add <= max) {
			ra->async_size = add;
			ra->size += add;
		} else {
			ra->size = (uint32_t)max;
			ra->async_size = (uint32_t)(max >> 1);
		}
	}
	do_page_cache_ra(c, f, ra->start, ra->size, ra->async_size, memcg);
}

void mm_force_page_cache_ra(struct mm_cache *c, struct mm_file *f, uint64_t index, uint64_t nr, struct mm_memcg *memcg)
{
	uint64_t max = mm_max_u64(ra_pages_of(c, f), BDI_IO_PAGES);

	if (nr > max)
		nr = max;
	while (nr) {
		uint64_t chunk = nr < RA_CHUNK ? nr : RA_CHUNK;

		do_page_cache_ra(c, f, index, chunk, 0, memcg);
		index += chunk;
		nr -= chunk;
	}
}

void mm_page_cache_sync_ra(struct mm_cache *c, struct mm_file *f, uint64_t index, uint64_t req_count, struct mm_memcg *memcg)
{
	if (!ra_pages_of(c, f))
		do_page_cache_ra(c, f, index, 1, 0, memcg);
	else if (f->f_mode & MM_FMODE_RANDOM)
		mm_force_page_cache_ra(c, f, index, req_count, memcg);
	else
		ondemand_readahead(c, f, false, index, req_count, memcg);
}

void mm_page_cache_async_ra(struct mm_cache *c, struct mm_file *f, mm_pfn_t pfn, uint64_t index, uint64_t req_count,
			    struct mm_memcg *memcg)
{
	struct mm_page *p = mm_cache_page(c, pfn);

	if (!ra_pages_of(c, f) || (p->flags & MM_PG_WRITEBACK))
		return;
	p->flags &= ~(uint32_t)MM_PG_READAHEAD;
	ondemand_readahead(c, f, true, index, req_count, memcg);
}

void mm_do_sync_mmap_readahead(struct mm_cache *c, struct mm_file *f, unsigned int ra_flags, uint64_t pgoff, struct mm_memcg *memcg)
{
	struct mm_file_ra_state *ra = &f->ra;
	uint32_t ra_pages = ra_pages_of(c, f);

	if (ra_flags & MM_RA_HUGE) {	/* MADV_HUGEPAGE: the 2M around it and those behind, also without read-ahead */
		ra->size = ra_flags & MM_RA_RAND ? 512 : 1024;
		ra->async_size = 512;
		do_page_cache_ra(c, f, pgoff & ~UINT64_C(511), ra->size, ra->async_size, memcg);
		return;
	}
	if ((ra_flags & MM_RA_RAND) || !ra_pages)
		return;
	if (ra_flags & MM_RA_SEQ) {
		mm_page_cache_sync_ra(c, f, pgoff, ra_pages, memcg);
		return;
	}
	if (ra->mmap_miss < MMAP_LOTSAMISS * 10)
		ra->mmap_miss++;
	if (ra->mmap_miss > MMAP_LOTSAMISS)
		return;
	ra->start = pgoff > ra_pages / 2 ? pgoff - ra_pages / 2 : 0;
	ra->size = ra_pages;
	ra->async_size = ra_pages / 4;
	do_page_cache_ra(c, f, ra->start, ra->size, ra->async_size, memcg);
}

bool mm_do_async_mmap_readahead(struct mm_cache *c, struct mm_file *f, unsigned int ra_flags, mm_pfn_t pfn, uint64_t pgoff,
				struct mm_memcg *memcg)
{
	if ((ra_flags & MM_RA_RAND) || !ra_pages_of(c, f))
		return false;
	if (f->ra.mmap_miss)
		f->ra.mmap_miss--;
	if (!(mm_cache_page(c, pfn)->flags & MM_PG_READAHEAD))
		return false;
	c->ra_inflight.defer = true;
	mm_page_cache_async_ra(c, f, pfn, pgoff, ra_pages_of(c, f), memcg);
	c->ra_inflight.defer = false;
	return true;
}
