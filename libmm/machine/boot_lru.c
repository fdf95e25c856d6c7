/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the taken pages of a captured machine are, by the tunable captured_lists.
 *
 * /proc/zoneinfo tells of each zone how many pages lie on each LRU list and how many each CPU keeps, and of each node
 * how many hold slabs that can be reclaimed.  Pages of the lists are what the captured machine can give up when
 * memory gets short, so they are here too: those of files as the cache of one file, those that go to swap as pages of
 * two files in memory, one for what was anonymous and one for what was shared; no process maps these files.  All other
 * taken pages are the kernel's own.  Where the capture tells of memory cgroups (boot_memcg.c) each has its own of them.
 *
 *	| never managed | the kernel's |  free  | slabs |  free  |  pages of lists, and free pages
 *	|          Unmovable pageblocks         |  Reclaimable   |  Movable
 *
 * The kernel keeps kinds apart by pageblock, so what is free in the last block of each kind is not at hand for movable
 * requests until those fall back.  Where the capture tells its free blocks (boot_blocks.c) these and the types of pageblocks
 * are there already: pages of lists are then taken frames between them, of movable pageblocks while there are any.
 *
 * Deviation: the order within a list is not told; anonymous pages have no process, so nothing marks them as used, nobody
 * who is killed gives them back, and the machine's counters (not the cgroups') have them as shmem; dirty pages of files are clean
 * where no cgroup tells how many there are.
 */
#include <errno.h>
#include <string.h>

#include <libmm/wide.h>
#include <libmm/zoneinfo.h>

#include "base/minmax.h"
#include "cache/filemap.h"
#include "cache/lru.h"
#include "cache/memcg.h"
#include "machine/boot_blocks.h"
#include "machine/boot_memcg.h"
#include "phys/boot.h"
#include "phys/internal.h"
#include "phys/pfn_walk.h"

/* The next @nr frames stay taken, in pageblocks of type @mt (-1: as they are). */
static void keep(struct mm_pfn_walk *w, struct mm_phys *phys, uint64_t nr, int mt)
{
	uint64_t start, end;

	for (; nr && mm_pfn_walk_frames(w, nr, &start, &end); nr -= end - start)
		for (uint64_t pfn = start; mt >= 0 && pfn < end; pfn = mm_pageblock_end_pfn((mm_pfn_t)pfn))
			mm_set_pageblock_migratetype(phys, (mm_pfn_t)pfn, (unsigned int)mt);
}

/* The next @nr frames are free. */
static void give(struct mm_pfn_walk *w, struct mm_zone *zone, uint64_t nr)
{
	uint64_t start, end;

	for (; nr && mm_pfn_walk_frames(w, nr, &start, &end); nr -= end - start) {
		mm_boot_free_range(zone->phys, start, end);
		zone->managed_pages -= end - start;	/* they were managed before */
	}
}

/* Of the taken pages @slab hold slabs and @movable are given free, to be taken again where such pages lie. */
static void lay_out(struct mm_zone *zone, uint64_t slab, uint64_t movable)
{
	struct mm_pfn_walk w = mm_pfn_walk_zone(zone, MM_PFN_UP);
	uint64_t taken = zone->managed_pages - zone->free_pages, gap;

	keep(&w, zone->phys, zone->present_pages - zone->managed_pages, -1);
	keep(&w, zone->phys, taken - movable - slab, MM_MIGRATE_UNMOVABLE);
	if (slab) {
		gap = -w.start & (MM_PAGEBLOCK_NR_PAGES - 1);
		gap = mm_min_u64(gap, movable);
		give(&w, zone, gap);
		movable -= gap;
		keep(&w, zone->phys, slab, MM_MIGRATE_RECLAIMABLE);
	}
	give(&w, zone, movable);
}

/* Frames of a zone that nobody has, pageblock by pageblock from the top: first of movable ones, then of all. */
struct nobodys {
	const struct mm_zone *zone;
	bool any_type;
	struct mm_pfn_walk walk;
	uint64_t pfn, end;		/* what is left of the last pageblock */
};

static void begin_nobodys(struct nobodys *n, const struct mm_zone *zone, bool any_type)
{
	*n = (struct nobodys){ .zone = zone, .any_type = any_type, .walk = mm_pfn_walk_zone(zone, MM_PFN_DOWN) };
}

static bool next_pageblock(struct nobodys *n)
{
	for (;;) {
		while (mm_pfn_walk_pageblock(&n->walk, &n->pfn, &n->end))
			if (n->any_type || mm_pageblock_migratetype(n->zone->phys, (mm_pfn_t)n->pfn) == MM_MIGRATE_MOVABLE)
				return true;
		if (n->any_type)
			return false;
		begin_nobodys(n, n->zone, true);
	}
}

static mm_pfn_t next_of_nobody(struct nobodys *n)
{
	const struct mm_phys *phys = n->zone->phys;

	for (;;) {
		mm_pfn_t pfn, block;

		if (n->pfn >= n->end && !next_pageblock(n))
			return MM_PFN_NONE;
		pfn = (mm_pfn_t)n->pfn++;
		block = mm_free_block_of(phys, pfn, 0);
		if (block != MM_PFN_NONE)
			n->pfn = (uint64_t)block + (1u << mm_page(phys, block)->order);
		else if (!mm_page(phys, pfn)->refs && !mm_page(phys, pfn)->flags && mm_page_zone(phys, pfn) == n->zone)
			return pfn;
	}
}

/* The files whose pages those of the lists are on the machine that is made. */
enum { CAPTURED_ANON, CAPTURED_SHMEM, CAPTURED_FILE, NR_FILES };

struct fill {
	struct mm_machine *m;
	struct mm_address_space *as[NR_FILES];
	struct mm_captured_memcgs cap;
	uint64_t lists[MM_NR_LRU_LISTS];	/* pages of the zones that are not filled yet */
	uint64_t kernel;			/* frames that are taken by nobody */
	struct nobodys nobodys;			/* .zone: the one whose frames these are that pages are made of */
	bool filled;				/* a zone was */
};

/* A free page off its list, of a movable pageblock while there is one; MM_PFN_NONE: none is free. */
static mm_pfn_t take_free(struct mm_zone *zone)
{
	static const unsigned int types[] = { MM_MIGRATE_MOVABLE, MM_MIGRATE_RECLAIMABLE, MM_MIGRATE_UNMOVABLE };

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		mm_pfn_t pfn = mm_rmqueue_smallest(zone, 0, types[i]);

		if (pfn == MM_PFN_NONE)
			continue;
		mm_mod_zone_freepage_state(zone, -1, types[i]);
		return pfn;
	}
	return MM_PFN_NONE;
}

/* A page as if it had just been allocated; MM_PFN_NONE: none is free. */
static mm_pfn_t take(struct fill *f, struct mm_zone *zone)
{
	mm_pfn_t pfn = f->nobodys.zone == zone ? next_of_nobody(&f->nobodys) : take_free(zone);

	if (pfn != MM_PFN_NONE)
		mm_prep_new_page(zone->phys, pfn, 0, MM_GFP_HIGHUSER_MOVABLE);
	return pfn;
}

/* What a page of list @lru of the cgroup was: the lists do not tell which of their pages are shared memory. */
static int kind_of(struct mm_captured_memcg *owner, unsigned int lru)
{
	if (lru == MM_LRU_UNEVICTABLE && owner->file_locked) {
		owner->file_locked--;
		return CAPTURED_FILE;
	}
	if (lru != MM_LRU_UNEVICTABLE && lru & MM_LRU_FILE)
		return CAPTURED_FILE;
	if (!owner->shmem)
		return CAPTURED_ANON;
	owner->shmem--;
	return CAPTURED_SHMEM;
}

/* 0 or -ENOMEM (of the host) */
static int add_page(struct fill *f, struct mm_captured_memcg *owner, unsigned int lru, mm_pfn_t pfn)
{
	struct mm_cache *c = f->m->cache;
	int kind = kind_of(owner, lru);
	struct mm_address_space *as = f->as[kind];
	uint64_t index = as->host->size / MM_PAGE_SIZE;
	bool locked = lru == MM_LRU_UNEVICTABLE;
	uint32_t flags = (kind == CAPTURED_FILE ? 0 : MM_PG_SWAPBACKED | MM_PG_DIRTY) |
			 (locked ? MM_PG_UNEVICTABLE | MM_PG_MLOCKED : lru & MM_LRU_ACTIVE ? MM_PG_ACTIVE : 0);

	if (mm_xa_store(&as->i_pages, index, (uint64_t)pfn + 1, NULL))
		return -ENOMEM;
	as->host->size += MM_PAGE_SIZE;
	mm_mapping_add_pages(c, as, 1, 0);
	*mm_cache_page(c, pfn) = (struct mm_page){		/* who locks it holds it */
		.flags = flags | MM_PG_UPTODATE | MM_PG_LRU, .refs = locked && kind == CAPTURED_FILE ? 2 : 1, .next = locked,
		.mapping = as->id, .index = index,
	};
	mm_mem_cgroup_force_charge(c, pfn, owner->memcg);
	mm_count(c->ctx, MM_NR_FILE_PAGES, 1);
	if (flags & MM_PG_SWAPBACKED)
		mm_count(c->ctx, MM_NR_SHMEM, 1);
	if (locked)
		mm_count(c->ctx, MM_NR_MLOCK, 1);
	mm_lruvec_add_folio(c, mm_folio_lruvec(c, pfn), pfn);
	if (kind == CAPTURED_FILE && !locked && owner->dirty) {
		owner->dirty--;
		mm_folio_mark_dirty(c, pfn);
	}
	owner->made++;
	owner->lists[lru] -= owner->lists[lru] != 0;
	return 0;
}

/* The next @nr pages of list @lru, all of @zone, belong to @owner; how many are had. Negative: -ENOMEM. */
static int64_t fill_owner(struct fill *f, struct mm_captured_memcg *owner, struct mm_zone *zone, unsigned int lru, uint64_t nr)
{
	for (uint64_t i = 0; i < nr; i++) {
		mm_pfn_t pfn = take(f, zone);

		if (pfn == MM_PFN_NONE)
			return (int64_t)i;
		if (add_page(f, owner, lru, pfn))
			return -ENOMEM;
	}
	return (int64_t)nr;
}

static uint64_t of_cgroups(const struct mm_captured_memcgs *cap, unsigned int lru)
{
	uint64_t sum = 0;

	for (size_t i = 1; i < cap->nr; i++)
		sum += cap->v[i].lists[lru];
	return sum;
}

/*
 * Of @nr pages in @zone each cgroup has as large a part as of all pages of that list, then whoever comes first what later zones have no
 * room for, and the root the rest.
 */
static int fill_list(struct fill *f, struct mm_zone *zone, unsigned int lru, uint64_t nr)
{
	uint64_t all = f->lists[lru], wanted = of_cgroups(&f->cap, lru), left = nr, later = all > nr ? all - nr : 0;

	f->lists[lru] = later;
	for (unsigned int rest = 0; rest < 2; rest++)
		for (size_t i = 1; i < f->cap.nr && left && wanted; i++) {
			struct mm_captured_memcg *owner = &f->cap.v[i];
			uint64_t n = owner->lists[lru];
			int64_t had;

			if (!rest)
				n = mm_mul_div(n, nr, 0, mm_max_u64(all, wanted));
			else if (n > (wanted > later ? wanted - later : 0))
				n = wanted > later ? wanted - later : 0;
			had = fill_owner(f, owner, zone, lru, mm_min_u64(n, left));
			if (had < 0)
				return -ENOMEM;
			left -= (uint64_t)had;
			wanted -= (uint64_t)had;
		}
	return fill_owner(f, &f->cap.v[0], zone, lru, left) < 0 ? -ENOMEM : 0;
}

/* Pages of list @lru that the capture has; 0 where it does not tell. */
static uint64_t on_list(const struct mm_zoneinfo_row *row, unsigned int lru)
{
	return mm_or_else(row->lru_pages[lru], 0);
}

static uint64_t in_pcp(const struct mm_zoneinfo_row *row) { return mm_or_else(row->pcp_count, 0); }

static int fill_lists(struct fill *f, const struct mm_zoneinfo_row *row, struct mm_zone *zone, uint64_t room)
{
	for (unsigned int lru = MM_LRU_INACTIVE_ANON; lru < MM_NR_LRU_LISTS; lru++) {
		uint64_t nr = mm_min_u64(on_list(row, lru), room);

		room -= nr;
		if (fill_list(f, zone, lru, nr))
			return -ENOMEM;
	}
	return 0;
}

/* Each CPU keeps its share of what all keep. */
static void fill_pcp(struct fill *f, const struct mm_zoneinfo_row *row, struct mm_zone *zone, uint64_t room)
{
	struct mm_machine *m = f->m;
	uint32_t cpu = m->ctx.cpu;

	for (uint32_t i = 0; i < m->ctx.nr_cpus; i++) {
		mm_set_cpu(&m->ctx, i);
		for (uint64_t nr = in_pcp(row) / m->ctx.nr_cpus; nr && room; nr--, room--) {
			mm_pfn_t pfn = take(f, zone);

			if (pfn != MM_PFN_NONE)
				mm_free_pages(m->phys, pfn, 0);
		}
	}
	mm_set_cpu(&m->ctx, cpu);
}

/* NULL: the machine's zone of that name is another one. */
static struct mm_zone *zone_of(struct mm_phys *phys, const struct mm_zoneinfo_row *row)
{
	struct mm_zone *z = mm_zone_of_capture(phys, row->node, row->zone);

	return z && z->managed_pages == row->managed_pages ? z : NULL;
}

/* Slab pages of the node, which its first zone tells; they lie in the zone from which most was taken. */
static uint64_t slab_pages(const struct mm_zoneinfo *zi, const struct mm_zoneinfo_row *row)
{
	uint64_t slab = 0, most = 0;
	const struct mm_zoneinfo_row *where = NULL;

	for (size_t i = 0; i < zi->nr; i++) {
		const struct mm_zoneinfo_row *z = &zi->v[i];

		if (z->node != row->node)
			continue;
		if (z->slab_reclaimable_pages != MM_MISSING_U64)
			slab = z->slab_reclaimable_pages;
		if (z->managed_pages != MM_MISSING_U64 && z->free_pages <= z->managed_pages && z->managed_pages - z->free_pages > most) {
			most = z->managed_pages - z->free_pages;
			where = z;
		}
	}
	return where == row ? slab : 0;
}

static int boot_zone(struct fill *f, const struct mm_zoneinfo *zi, const struct mm_zoneinfo_row *row)
{
	struct mm_zone *zone = zone_of(f->m->phys, row);
	uint64_t taken, lists = 0, pcp, slab;

	if (!zone || !row->managed_pages)	/* --ram, kernelcore=: the captured zones are not those of this machine */
		return 0;
	taken = zone->managed_pages - zone->free_pages;
	for (unsigned int lru = MM_LRU_INACTIVE_ANON; lru < MM_NR_LRU_LISTS; lru++)
		lists += mm_min_u64(on_list(row, lru), taken - lists);
	pcp = mm_min_u64(in_pcp(row), taken - lists);
	slab = slab_pages(zi, row);
	slab = mm_min_u64(slab, taken - lists - pcp);
	if (f->m->captured_blocks)
		begin_nobodys(&f->nobodys, zone, false);
	else
		lay_out(zone, slab, lists + pcp);
	mm_machine_notes(f->m, "captured pages of dentries, inodes and the like that the kernel may reclaim: they stay", slab);
	if (fill_lists(f, row, zone, lists))
		return -ENOMEM;
	fill_pcp(f, row, zone, pcp);
	f->kernel += taken - lists - pcp;
	f->filled = true;
	return 0;
}

/* Pages of the zone that may be taken without waking kswapd. */
static uint64_t spare(const struct mm_zone *zone)
{
	uint64_t high = mm_wmark_pages(zone, MM_WMARK_HIGH);

	return zone->free_pages > high ? zone->free_pages - high : 0;
}

/* A capture without zones, or of another machine: what cgroups hold comes from free pages above the watermarks, highest zone first. */
static int boot_from_free(struct fill *f)
{
	struct mm_phys *phys = f->m->phys;
	uint64_t kernel;

	for (uint32_t z = phys->nr_zones; z-- > 0; )
		for (unsigned int lru = 0; lru < MM_NR_LRU_LISTS; lru++) {
			uint64_t room = spare(phys->zone_table[z]), wanted = of_cgroups(&f->cap, lru);

			f->lists[lru] = wanted;
			if (fill_list(f, phys->zone_table[z], lru, mm_min_u64(wanted, room)))
				return -ENOMEM;
		}
	kernel = mm_captured_memcgs_kernel(&f->cap);
	for (uint32_t z = phys->nr_zones; z-- > 0; )
		while (f->kernel < kernel && spare(phys->zone_table[z]) && take(f, phys->zone_table[z]) != MM_PFN_NONE)
			f->kernel++;
	return 0;
}

static int make_files(struct fill *f)
{
	static const struct { struct mm_str name; enum mm_inode_type type; } files[NR_FILES] = {
		[CAPTURED_ANON] = { MM_STR("captured anonymous memory"), MM_INODE_SHM },
		[CAPTURED_SHMEM] = { MM_STR("captured shared memory"), MM_INODE_SHM },
		[CAPTURED_FILE] = { MM_STR("captured page cache"), MM_INODE_REG },
	};

	for (size_t i = 0; i < NR_FILES; i++) {
		struct mm_file *file = mm_file_create_unlinked(f->m->inodes, files[i].name, files[i].type, 0, MM_FMODE_READ);

		if (!file)
			return -ENOMEM;
		file->inode->captured_anon = i == CAPTURED_ANON;
		f->as[i] = &file->inode->mapping;
	}
	return 0;
}

static int boot_lists(struct fill *f, const struct mm_zoneinfo *zi)
{
	int e = make_files(f);

	for (size_t i = 0; i < zi->nr; i++)
		for (unsigned int lru = 0; zone_of(f->m->phys, &zi->v[i]) && lru < MM_NR_LRU_LISTS; lru++)
			f->lists[lru] += on_list(&zi->v[i], lru);
	for (size_t i = 0; !e && i < zi->nr; i++)
		e = boot_zone(f, zi, &zi->v[i]);
	if (!e && !f->filled)
		e = boot_from_free(f);
	return e ? e : mm_captured_memcgs_end(&f->cap, f->m, f->kernel, f->as[CAPTURED_ANON]);
}

int mm_machine_boot_lru(struct mm_machine *m)
{
	const struct mm_zoneinfo *zi = &m->captured.zones;
	struct fill f = { .m = m };
	int e;

	if (m->captured_pages) {
		mm_machine_loss(m, "captured_lists without effect: kpageflags tells which pages are taken, but not whose they are");
		return 0;
	}
	e = mm_captured_memcgs_new(&f.cap, m);
	if (!e && (zi->nr || f.cap.any))
		e = boot_lists(&f, zi);
	mm_captured_memcgs_free(&f.cap);
	return e;
}
