/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the taken pages of a captured machine are, by the tunable captured_lists.
 *
 * /proc/zoneinfo tells of each zone how many pages lie on each LRU list and how many each CPU keeps, and of each node
 * how many hold slabs that can be reclaimed.  Pages of the lists are what the captured machine can give up when
 * memory gets short, so they are here too: those of files as the clean cache of one file, those that go to swap as
 * pages of one file in memory; no process maps either file.  All other taken pages are the kernel's own.
 *
 *	| never managed | the kernel's |  free  | slabs |  free  |  pages of lists, and free pages
 *	|          Unmovable pageblocks         |  Reclaimable   |  Movable
 *
 * The kernel keeps kinds apart by pageblock, so what is free in the last block of each kind is not at hand for movable
 * requests until those fall back.
 *
 * Deviation: the order within a list is not told; anonymous pages have no process, so nothing marks them as used and
 * they count as shmem; dirty pages of files are clean; locked ones stay nobody's.
 */
#include <errno.h>
#include <string.h>

#include <libmm/zoneinfo.h>

#include "cache/filemap.h"
#include "cache/lru.h"
#include "cache/memcg.h"
#include "machine/machine.h"
#include "phys/boot.h"
#include "phys/internal.h"

/* Frames of a zone that are not free, from below. */
struct frames {
	struct mm_zone *zone;
	uint32_t range;			/* of phys->present, the next one */
	uint64_t pfn, end;		/* what is left of the last one */
};

static bool next_range(struct frames *f)
{
	const struct mm_phys *phys = f->zone->phys;
	uint64_t zone_end = f->zone->start_pfn + f->zone->spanned_pages;

	while (f->range < phys->nr_present) {
		const struct mm_page_range *r = &phys->present[f->range++];

		f->pfn = r->start_pfn > f->zone->start_pfn ? r->start_pfn : f->zone->start_pfn;
		f->end = r->end_pfn < zone_end ? r->end_pfn : zone_end;
		if (r->node == f->zone->node && f->pfn < f->end)
			return true;
	}
	return false;
}

/* The next @nr frames stay taken, in pageblocks of type @mt (-1: as they are). */
static void keep(struct frames *f, uint64_t nr, int mt)
{
	while (nr && (f->pfn < f->end || next_range(f))) {
		uint64_t n = nr < f->end - f->pfn ? nr : f->end - f->pfn;

		for (uint64_t pfn = f->pfn; mt >= 0 && pfn < f->pfn + n; pfn = (pfn | (MM_PAGEBLOCK_NR_PAGES - 1)) + 1)
			mm_set_pageblock_migratetype(f->zone->phys, (mm_pfn_t)pfn, (unsigned int)mt);
		f->pfn += n;
		nr -= n;
	}
}

/* The next @nr frames are free. */
static void give(struct frames *f, uint64_t nr)
{
	while (nr && (f->pfn < f->end || next_range(f))) {
		uint64_t n = nr < f->end - f->pfn ? nr : f->end - f->pfn;

		mm_boot_free_range(f->zone->phys, f->pfn, f->pfn + n);
		f->zone->managed_pages -= n;	/* they were managed before */
		f->pfn += n;
		nr -= n;
	}
}

/* Of the taken pages @slab hold slabs and @movable are given free, to be taken again where such pages lie. */
static void lay_out(struct mm_zone *zone, uint64_t slab, uint64_t movable)
{
	uint64_t taken = zone->managed_pages - zone->free_pages, gap;
	struct frames f = { .zone = zone };

	keep(&f, zone->present_pages - zone->managed_pages, -1);
	keep(&f, taken - movable - slab, MM_MIGRATE_UNMOVABLE);
	if (slab) {
		gap = -f.pfn & (MM_PAGEBLOCK_NR_PAGES - 1);
		gap = gap < movable ? gap : movable;
		give(&f, gap);
		movable -= gap;
		keep(&f, slab, MM_MIGRATE_RECLAIMABLE);
	}
	give(&f, movable);
}

/* A page as if it had just been allocated; MM_PFN_NONE: none is free. */
static mm_pfn_t take(struct mm_zone *zone)
{
	static const unsigned int types[] = { MM_MIGRATE_MOVABLE, MM_MIGRATE_RECLAIMABLE, MM_MIGRATE_UNMOVABLE };
	mm_pfn_t pfn = MM_PFN_NONE;

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]) && pfn == MM_PFN_NONE; i++) {
		pfn = mm_rmqueue_smallest(zone, 0, types[i]);
		if (pfn != MM_PFN_NONE)
			mm_mod_zone_freepage_state(zone, -1, types[i]);
	}
	if (pfn != MM_PFN_NONE)
		mm_prep_new_page(zone->phys, pfn, 0, MM_GFP_HIGHUSER_MOVABLE);
	return pfn;
}

/* 0 or -ENOMEM (of the host) */
static int add_page(struct mm_cache *c, struct mm_address_space *as, mm_pfn_t pfn, uint32_t flags)
{
	uint64_t index = as->host->size / MM_PAGE_SIZE;

	if (mm_xa_store(&as->i_pages, index, (uint64_t)pfn + 1, NULL))
		return -ENOMEM;
	as->host->size += MM_PAGE_SIZE;
	mm_mapping_add_pages(c, as, 1, 0);
	*mm_cache_page(c, pfn) = (struct mm_page){
		.flags = flags | MM_PG_UPTODATE | MM_PG_LRU, .refs = 1, .mapping = as->id, .index = index,
	};
	mm_count(c->ctx, MM_NR_FILE_PAGES, 1);
	if (flags & MM_PG_SWAPBACKED)
		mm_count(c->ctx, MM_NR_SHMEM, 1);
	mm_lruvec_add_folio(c, mm_folio_lruvec(c, pfn), pfn);
	return 0;
}

/* Pages of list @lru that the capture has; 0 where it does not tell. */
static uint64_t on_list(const struct mm_zoneinfo_row *row, unsigned int lru)
{
	return row->lru_pages[lru] != MM_MISSING_U64 ? row->lru_pages[lru] : 0;
}

static uint64_t in_pcp(const struct mm_zoneinfo_row *row) { return row->pcp_count != MM_MISSING_U64 ? row->pcp_count : 0; }

static int fill_lists(struct mm_cache *c, struct mm_address_space *const as[MM_ANON_AND_FILE], const struct mm_zoneinfo_row *row,
		      struct mm_zone *zone, uint64_t room)
{
	for (unsigned int lru = MM_LRU_INACTIVE_ANON; lru <= MM_LRU_ACTIVE_FILE; lru++) {
		bool file = lru & MM_LRU_FILE;
		uint32_t flags = (file ? 0 : MM_PG_SWAPBACKED | MM_PG_DIRTY) | (lru & MM_LRU_ACTIVE ? MM_PG_ACTIVE : 0);

		for (uint64_t nr = on_list(row, lru); nr && room; nr--, room--) {
			mm_pfn_t pfn = take(zone);

			if (pfn != MM_PFN_NONE && add_page(c, as[file], pfn, flags))
				return -ENOMEM;
		}
	}
	return 0;
}

/* Each CPU keeps its share of what all keep. */
static void fill_pcp(struct mm_machine *m, const struct mm_zoneinfo_row *row, struct mm_zone *zone, uint64_t room)
{
	uint32_t cpu = m->ctx.cpu;

	for (uint32_t i = 0; i < m->ctx.nr_cpus; i++) {
		mm_set_cpu(&m->ctx, i);
		for (uint64_t nr = in_pcp(row) / m->ctx.nr_cpus; nr && room; nr--, room--) {
			mm_pfn_t pfn = take(zone);

			if (pfn != MM_PFN_NONE)
				mm_free_pages(m->phys, pfn, 0);
		}
	}
	mm_set_cpu(&m->ctx, cpu);
}

static struct mm_zone *zone_of(const struct mm_phys *phys, const struct mm_zoneinfo_row *row)
{
	for (uint32_t i = 0; i < phys->nr_zones; i++) {
		struct mm_zone *z = phys->zone_table[i];

		if (z->node == row->node && z->managed_pages == row->managed_pages &&
		    !strcmp(mm_zone_type_name((enum mm_zone_type)z->type), row->zone))
			return z;
	}
	return NULL;
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

static int boot_zone(struct mm_machine *m, struct mm_address_space *const as[MM_ANON_AND_FILE], const struct mm_zoneinfo *zi,
		     const struct mm_zoneinfo_row *row)
{
	struct mm_zone *zone = zone_of(m->phys, row);
	uint64_t taken, lists = 0, pcp, slab;

	if (!zone || !row->managed_pages)	/* --ram, kernelcore=: the captured zones are not those of this machine */
		return 0;
	taken = zone->managed_pages - zone->free_pages;
	for (unsigned int lru = MM_LRU_INACTIVE_ANON; lru <= MM_LRU_ACTIVE_FILE; lru++)
		lists += on_list(row, lru) < taken - lists ? on_list(row, lru) : taken - lists;
	pcp = in_pcp(row) < taken - lists ? in_pcp(row) : taken - lists;
	slab = slab_pages(zi, row);
	slab = slab < taken - lists - pcp ? slab : taken - lists - pcp;
	lay_out(zone, slab, lists + pcp);
	if (fill_lists(m->cache, as, row, zone, lists))
		return -ENOMEM;
	fill_pcp(m, row, zone, pcp);
	return 0;
}

int mm_machine_boot_lru(struct mm_machine *m, const struct mm_zoneinfo *zi)
{
	static const struct { struct mm_str name; enum mm_inode_type type; } files[MM_ANON_AND_FILE] = {
		{ MM_STR("captured anonymous and shared memory"), MM_INODE_TMPFS }, { MM_STR("captured page cache"), MM_INODE_REG },
	};
	struct mm_address_space *as[MM_ANON_AND_FILE];

	if (!zi->nr)
		return 0;
	for (size_t i = 0; i < MM_ANON_AND_FILE; i++) {
		struct mm_file *f = mm_file_create_unlinked(m->inodes, files[i].name, files[i].type, 0, MM_FMODE_READ);

		if (!f)
			return -ENOMEM;
		as[i] = &f->inode->mapping;
	}
	for (size_t i = 0; i < zi->nr; i++)
		if (boot_zone(m, as, zi, &zi->v[i]))
			return -ENOMEM;
	return 0;
}
