/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cache/swap_io.c - writes to the swap device: the plug, requests, and when they are done
 *
 *   swap_writepage -> plug: [request][request].. -> device: latency, then page by page -> end of writeback
 *
 * Who reclaims plugs the queue for one round over one lruvec, kswapd and a task each for itself. Neighbouring slots join one
 * request; the plug goes to the device when the round ends, or when a new request finds 32 of them, or a last one of
 * 128 KiB. Until a write is done its page is under writeback; one that reclaim waits for (PG_reclaim) then goes to the tail
 * of its list, which is why it matters when that is: what a scan meets next depends on it.
 *
 * Time is that of the code that reclaims: so much for each folio looked at, written, freed, against the latency of the device (the
 * tunables cost.*). Their defaults are those of an emulated guest with a virtio disk, on a host between idle, where a write took
 * 145 us, and busy, 380 to 640; a real machine is quicker in all of them, in about the same proportion. Scans that meet their own
 * writes again differ between the two: pgactivate and pgdeactivate by a tenth and more.
 *
 * Each write has an object of a slab (struct bio).  Who reclaims may not use the reserves for it: below the min watermark there are
 * those of slabs that exist, and two kept in a pool; then the writer sleeps until a write is done.
 *
 * A synchronous device (zram) has none of this: a page is clean, and can be freed, when its write returns.
 *
 * Left out: block/blk-wbt.c. A task that reclaims may have 4 requests under way while reads go on, kswapd 16, and about twice as many
 * after each 100 ms in which the disk was written to and reads were quick; up to 48 and 192. Beyond that it sleeps until none is. Slots
 * lie in a row as long as few are taken, so 32 pages are a request or two in the first of these windows, and later the plug is smaller.
 *
 * Source: Linux 6.6 mm/page_io.c swap_writepage(), swap_writepage_bdev_sync(), end_swap_bio_write(); block/blk-mq.c
 * blk_add_rq_to_plug(); block/bio.c bio_alloc_bioset(), biovec_init_slabs() with BIO_POOL_SIZE; mm/mempool.c.
 */
#include <errno.h>
#include <string.h>

#include <libmm/slab.h>

#include "base/host_memory.h"
#include "cache/swap_impl.h"

enum {
	MAX_REQUEST_COUNT = 32,			/* BLK_MAX_REQUEST_COUNT */
	PLUG_FLUSH_PAGES = 32,			/* BLK_PLUG_FLUSH_SIZE */
	MAX_REQUEST_PAGES = 254,		/* segments of a request on a virtio disk */
	BIO_BYTES = 184,			/* struct bio and BIO_INLINE_VECS segments */
	BIO_POOL_SIZE = sizeof(((struct mm_bio_pool *)0)->v) / sizeof(uint64_t),
	BOOT_BIO = 1,				/* in the place of an address: one of the two made early, in the kernel's own memory */
};

int mm_bio_pool_init(struct mm_cache *c, struct mm_slab *slab)
{
	struct mm_bio_pool *pool = &c->bio_pool;

	c->bio_cachep = mm_kmem_cache_create(slab, "bio-184", BIO_BYTES, 0, MM_SLAB_HWCACHE_ALIGN | MM_SLAB_TYPESAFE_BY_RCU);
	while (pool->nr < BIO_POOL_SIZE)
		pool->v[pool->nr++] = BOOT_BIO;
	return c->bio_cachep ? 0 : -ENOMEM;
}

bool mm_swap_bio_get(struct mm_cache *c)
{
	struct mm_bio_pool *pool = &c->bio_pool;
	uint64_t *bio = &c->swap->bio;

	if (*bio || !c->bio_cachep)
		return true;
	*bio = mm_kmem_cache_alloc(c->bio_cachep, (MM_GFP_NOIO & ~(mm_gfp_t)__MM_GFP_DIRECT_RECLAIM) | __MM_GFP_NOMEMALLOC |
						 __MM_GFP_NORETRY | __MM_GFP_NOWARN);
	if (!*bio && pool->nr)
		*bio = pool->v[--pool->nr];
	return *bio;
}

/* mempool_free(): the pool is filled first. */
static void bio_put(struct mm_cache *c, uint64_t bio)
{
	struct mm_bio_pool *pool = &c->bio_pool;

	if (!bio)
		return;
	if (pool->nr < BIO_POOL_SIZE)
		pool->v[pool->nr++] = bio;
	else if (bio != BOOT_BIO)
		mm_kmem_cache_free(c->bio_cachep, bio);
}

static void end_swap_bio_write(struct mm_cache *c, mm_pfn_t pfn, uint64_t bio)
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
	bio_put(c, bio);
}

/* False: the host has no memory to remember it. */
static bool add(struct mm_swap_writes *w, mm_pfn_t pfn, uint64_t due, uint64_t bio)
{
	if (mm_host_grow(&w->v, w->nr, &w->cap, sizeof(*w->v)))
		return false;
	w->v[w->nr++] = (struct mm_swap_write){ pfn, due, bio };
	return true;
}

static void unplug(struct mm_cache *c, struct mm_swap_plug *plug)
{
	struct mm_swap *s = c->swap;
	uint64_t write_ns = (uint64_t)mm_sysctl(c->ctx, MM_SYSCTL_COST_SWAP_WRITE);
	uint64_t page_ns = (uint64_t)mm_sysctl(c->ctx, MM_SYSCTL_COST_SWAP_WRITE_PAGE);
	const struct mm_swap_writes *w = &plug->writes;

	for (size_t i = 0, next; i < w->nr; i = next) {
		uint64_t pages = 0, start = c->swap_clock_ns + write_ns;

		for (next = i; next < w->nr && w->v[next].due == w->v[i].due; next++)
			pages += mm_folio_nr_pages(mm_cache_page(c, w->v[next].pfn));
		s->device_ns = (s->device_ns > start ? s->device_ns : start) + pages * page_ns;
		for (; i < next; i++)
			if (!add(&s->inflight, w->v[i].pfn, s->device_ns, w->v[i].bio))
				end_swap_bio_write(c, w->v[i].pfn, w->v[i].bio);
	}
	plug->writes.nr = 0;
	plug->nr = 0;
	c->swap_due_ns = s->inflight.nr ? s->inflight.v[0].due : UINT64_MAX;
}

/* The request that a write of @entry belongs to: the last one, or a new one. */
static uint32_t request_of(struct mm_cache *c, struct mm_swap_plug *plug, mm_swp_t entry, uint32_t nr)
{
	if (plug->nr && entry == plug->next && plug->pages < MAX_REQUEST_PAGES) {
		plug->pages += nr;
	} else {
		if (plug->nr >= MAX_REQUEST_COUNT || (plug->nr && plug->pages >= PLUG_FLUSH_PAGES))
			unplug(c, plug);
		plug->nr++;
		plug->pages = nr;
	}
	plug->next = entry + nr;
	return plug->nr;
}

/* swap_writepage_bdev_async(): the write is done later. */
static void begin_write(struct mm_cache *c, mm_pfn_t pfn, int64_t nr)
{
	struct mm_swap_plug *plug = &c->swap->plug[c->is_kswapd];
	uint32_t request = request_of(c, plug, mm_folio_swap(c, pfn), (uint32_t)nr);

	mm_folio_get(c, pfn);
	mm_cache_page(c, pfn)->flags |= MM_PG_WRITEBACK;
	mm_count(c->ctx, MM_NR_WRITEBACK, nr);
	mm_count_write_pending(c->phys, pfn, (int)nr);
	mm_count(c->ctx, MM_NR_ZONE_WRITE_PENDING, nr);
	mm_swap_bio_get(c);
	if (!add(&plug->writes, pfn, request, c->swap->bio))
		end_swap_bio_write(c, pfn, c->swap->bio);
	c->swap->bio = 0;
}

void mm_swap_writepage(struct mm_cache *c, mm_pfn_t pfn)
{
	int64_t nr = (int64_t)mm_folio_nr_pages(mm_cache_page(c, pfn));

	if (c->contents)
		memcpy(c->swap_contents + c->page_swap[pfn], c->contents + pfn, (size_t)nr * sizeof(uint64_t));
	mm_count(c->ctx, MM_THP_SWPOUT, nr > 1);
	mm_count(c->ctx, MM_PSWPOUT, nr);
	mm_count(c->ctx, MM_PGPGOUT, nr * (int64_t)(MM_PAGE_SIZE >> 10));
	if (!mm_swap_is_synchronous(c)) {
		begin_write(c, pfn, nr);
	} else {			/* swap_writepage_bdev_sync() */
		mm_swap_io_elapse(c, (uint64_t)(nr * mm_sysctl(c->ctx, MM_SYSCTL_COST_SWAP_WRITE_PAGE)));
		mm_count(c->ctx, MM_NR_WRITTEN, nr);
	}
}

void mm_swap_io_unplug(struct mm_cache *c) { unplug(c, &c->swap->plug[c->is_kswapd]); }

void mm_swap_io_end(struct mm_cache *c)
{
	struct mm_swap_writes *w = &c->swap->inflight;
	size_t done = 0;

	for (; done < w->nr && w->v[done].due <= c->swap_clock_ns; done++)
		end_swap_bio_write(c, w->v[done].pfn, w->v[done].bio);
	if (done)
		memmove(w->v, w->v + done, (w->nr - done) * sizeof(*w->v));
	w->nr -= done;
	c->swap_due_ns = w->nr ? w->v[0].due : UINT64_MAX;
}

void mm_swap_io_finish(struct mm_cache *c)
{
	struct mm_swap *s = c->swap;

	unplug(c, &s->plug[0]);
	unplug(c, &s->plug[1]);
	mm_swap_io_elapse(c, s->device_ns > c->swap_clock_ns ? s->device_ns - c->swap_clock_ns : 0);
}
