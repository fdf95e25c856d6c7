/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cache/swap_io.c - writes to the swap device: the plug, requests, and when they are done
 *
 *   swap_writepage -> plug: [request][request].. -> device: latency, then page by page -> end of writeback
 *
 * Reclaim plugs the queue for one round over one lruvec. Neighbouring slots join one request; the plug goes to the
 * device when the round ends, or when a new request finds 32 of them, or a last one of 128 KiB. Until a write is
 * done its page is under writeback; one that reclaim waits for (PG_reclaim) then goes to the tail of its list, which is
 * why it matters when that is: what a scan meets next depends on it.
 *
 * Time is that of the code that reclaims: so much for each folio looked at, written, freed, against the latency of
 * the device (the tunables cost.*). The defaults were measured with block and vmscan tracepoints on Linux 6.6.87 in an
 * emulated guest with a virtio disk; a real machine is quicker in both, in about the same proportion (a folio written
 * costs the CPU a twenty-fifth of what a small write costs the device). The device's part is that of a host between
 * idle and busy: the guest's writes took 145 us on average on an idle host, 380 to 640 on a busy one (half of them 140,
 * one in ten more than 1000), reads 105 and 160. Scans that meet their own writes again differ between the two:
 * pgactivate and pgdeactivate by a tenth and more.
 *
 * Source: Linux 6.6 mm/page_io.c swap_writepage(), end_swap_bio_write(); block/blk-mq.c blk_add_rq_to_plug().
 */
#include <stdlib.h>
#include <string.h>

#include "base/host_memory.h"
#include "cache/swap_impl.h"

enum {
	MAX_REQUEST_COUNT = 32,			/* BLK_MAX_REQUEST_COUNT */
	PLUG_FLUSH_PAGES = 32,			/* BLK_PLUG_FLUSH_SIZE */
	MAX_REQUEST_PAGES = 254,		/* segments of a request on a virtio disk */
};

static void end_swap_bio_write(struct mm_cache *c, mm_pfn_t pfn)
{
	struct mm_page *p = mm_cache_page(c, pfn);
	int64_t nr = (int64_t)mm_folio_nr_pages(p);

	if (p->flags & MM_PG_RECLAIM) {
		p->flags &= ~(uint32_t)MM_PG_RECLAIM;
		mm_folio_rotate_reclaimable(c, pfn);
	}
	p->flags &= ~(uint32_t)MM_PG_WRITEBACK;
	mm_count(c->ctx, MM_NR_WRITEBACK, -nr);
	mm_count_write_pending(c->phys, pfn, -(int)nr);
	mm_count(c->ctx, MM_NR_ZONE_WRITE_PENDING, -nr);
	mm_count(c->ctx, MM_NR_WRITTEN, nr);
	mm_folio_put(c, pfn);
}

/* Room for one more write; false: the host has no memory to remember it. */
static bool grow(struct mm_swap *s)
{
	size_t cap = s->cap_inflight ? s->cap_inflight * 2 : 256;
	struct mm_swap_write *v;

	if (s->nr_inflight < s->cap_inflight)
		return true;
	v = mm_host_realloc(s->inflight, cap * sizeof(*v));
	if (!v)
		return false;
	s->inflight = v;
	s->cap_inflight = cap;
	return true;
}

/* The request that a write of @entry belongs to: the last one, or a new one. */
static uint32_t request_of(struct mm_cache *c, mm_swp_t entry, uint32_t nr)
{
	struct mm_swap *s = c->swap;

	if (s->plug.nr && entry == s->plug.next && s->plug.pages < MAX_REQUEST_PAGES) {
		s->plug.pages += nr;
	} else {
		if (s->plug.nr >= MAX_REQUEST_COUNT || (s->plug.nr && s->plug.pages >= PLUG_FLUSH_PAGES))
			mm_swap_io_unplug(c);
		s->plug.nr++;
		s->plug.pages = nr;
	}
	s->plug.next = entry + nr;
	return s->plug.nr;
}

void mm_swap_writepage(struct mm_cache *c, mm_pfn_t pfn)
{
	struct mm_swap *s = c->swap;
	int64_t nr = (int64_t)mm_folio_nr_pages(mm_cache_page(c, pfn));
	uint32_t request = request_of(c, mm_folio_swap(c, pfn), (uint32_t)nr);

	if (c->contents)
		memcpy(c->swap_contents + c->page_swap[pfn], c->contents + pfn, (size_t)nr * sizeof(uint64_t));
	mm_folio_get(c, pfn);
	mm_cache_page(c, pfn)->flags |= MM_PG_WRITEBACK;
	mm_count(c->ctx, MM_NR_WRITEBACK, nr);
	mm_count_write_pending(c->phys, pfn, (int)nr);
	mm_count(c->ctx, MM_NR_ZONE_WRITE_PENDING, nr);
	mm_count(c->ctx, MM_THP_SWPOUT, nr > 1);
	mm_count(c->ctx, MM_PSWPOUT, nr);
	mm_count(c->ctx, MM_PGPGOUT, nr * (int64_t)(MM_PAGE_SIZE >> 10));
	if (grow(s)) {
		s->inflight[s->nr_inflight++] = (struct mm_swap_write){ pfn, request };
		s->nr_plugged++;
	} else {
		end_swap_bio_write(c, pfn);
	}
}

void mm_swap_io_unplug(struct mm_cache *c)
{
	struct mm_swap *s = c->swap;
	uint64_t write_ns = (uint64_t)mm_sysctl(c->ctx, MM_SYSCTL_COST_SWAP_WRITE);
	uint64_t page_ns = (uint64_t)mm_sysctl(c->ctx, MM_SYSCTL_COST_SWAP_WRITE_PAGE);
	size_t i = s->nr_inflight - s->nr_plugged, next;

	for (; i < s->nr_inflight; i = next) {
		uint64_t request = s->inflight[i].due, pages = 0, start = c->swap_clock_ns + write_ns;

		for (next = i; next < s->nr_inflight && s->inflight[next].due == request; next++)
			pages += mm_folio_nr_pages(mm_cache_page(c, s->inflight[next].pfn));
		s->device_ns = (s->device_ns > start ? s->device_ns : start) + pages * page_ns;
		while (i < next)
			s->inflight[i++].due = s->device_ns;
	}
	s->nr_plugged = 0;
	s->plug.nr = 0;
	c->swap_due_ns = s->nr_inflight ? s->inflight[0].due : UINT64_MAX;
}

void mm_swap_io_end(struct mm_cache *c)
{
	struct mm_swap *s = c->swap;
	size_t done = 0, submitted = s->nr_inflight - s->nr_plugged;

	while (done < submitted && s->inflight[done].due <= c->swap_clock_ns)
		end_swap_bio_write(c, s->inflight[done++].pfn);
	for (size_t i = done; i < s->nr_inflight; i++)
		s->inflight[i - done] = s->inflight[i];
	s->nr_inflight -= done;
	c->swap_due_ns = done < submitted ? s->inflight[0].due : UINT64_MAX;
}

void mm_swap_io_finish(struct mm_cache *c)
{
	struct mm_swap *s = c->swap;

	mm_swap_io_unplug(c);
	mm_swap_io_elapse(c, s->device_ns > c->swap_clock_ns ? s->device_ns - c->swap_clock_ns : 0);
}
