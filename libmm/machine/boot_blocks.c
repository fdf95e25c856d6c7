/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A machine that starts with as many free blocks of each order and migrate type as a captured one, and as many pageblocks of
 * each type; which frames they are is not told.
 *
 *	| never managed | Unmovable, every other one HighAtomic while there are any | Reclaimable | CMA | Movable |
 *
 * Blocks lie in pageblocks of their type as far as those have room, else in others but HighAtomic and CMA ones, as where a
 * request fell back to another type.  The largest come first, from the top of the zone down; the frames between them are taken.
 * Two free buddies would merge, so a block leaves its buddy to smaller ones, which never fill it:
 *
 *	order 3  |       taken       | free 2^2 |		 taken  | free 2^1 | free 2^2 |
 *
 * Where a block of an order is put changes nothing for how many of that and of lower orders there still is room (of regions
 * that are not free as a whole, each splits in two such), so what has no room is in no machine's free lists.
 *
 * A capture is no snapshot: of a zone the free pages by its blocks and by zoneinfo may differ by an eighth, or a pageblock;
 * zoneinfo has it, and movable pages are more or less.  Where the kernel stopped counting buddyinfo tells, or else zoneinfo.
 */
#include <string.h>

#include "base/minmax.h"
#include "machine/boot_blocks.h"
#include "phys/internal.h"
#include "phys/pfn_walk.h"

/* What the files say of one zone. */
struct plan {
	struct mm_zone *zone;
	uint64_t blocks[MM_MIGRATE_TYPES][MM_NR_PAGE_ORDERS];
	uint64_t pageblocks[MM_MIGRATE_TYPES];
	uint32_t capped[MM_MIGRATE_TYPES];	/* bit by order: there are more */
	bool typed;				/* there are migrate types */
};

/* Those first whose pageblocks nobody else may use. */
static const enum mm_migratetype placed[] = {
	MM_MIGRATE_HIGHATOMIC, MM_MIGRATE_CMA, MM_MIGRATE_UNMOVABLE, MM_MIGRATE_RECLAIMABLE, MM_MIGRATE_MOVABLE,
};
enum { NR_PLACED = sizeof(placed) / sizeof(placed[0]) };

struct mm_zone *mm_zone_of_capture(struct mm_phys *phys, uint32_t node, const char *name)
{
	for (uint32_t i = 0; i < phys->nr_zones; i++) {
		struct mm_zone *z = phys->zone_table[i];

		if (z->node == node && !strcmp(mm_zone_type_name((enum mm_zone_type)z->type), name))
			return z;
	}
	return NULL;
}

int mm_migratetype_of_name(const char *name)
{
	for (int mt = 0; mt < MM_MIGRATE_TYPES; mt++)
		if (!strcmp(mm_migratetype_name((enum mm_migratetype)mt), name))
			return mt;
	return -1;
}

/* ---- what the files say ---- */

/* Is a row of a file that names this node and zone of the zone? */
static bool is_of(const struct plan *p, uint32_t node, const char *zone)
{
	return mm_zone_of_capture(p->zone->phys, node, zone) == p->zone;
}

/* Of types that we do not know, and where none are told, blocks are movable. */
static int type_of(const char *name)
{
	int mt = mm_migratetype_of_name(name);

	return mt < 0 ? MM_MIGRATE_MOVABLE : mt;
}

/* The fewest pageblocks that have room for free blocks smaller than they: half of one of them is taken, or some of it. */
static uint64_t pageblocks_needed(const uint64_t *blocks)
{
	uint64_t need = 0;

	for (unsigned int o = 0; o < MM_PAGEBLOCK_ORDER; o++)
		need = mm_max_u64(blocks[o], (need + blocks[o] + 1) / 2);
	return need + blocks[MM_PAGEBLOCK_ORDER] + 2 * blocks[MM_MAX_ORDER];
}

/* Pageblocks by type, in ours; a file that was cut off before them: as many as are needed. */
static void plan_pageblocks(struct plan *p, const struct mm_buddyinfo *bi)
{
	const uint32_t order = bi->pageblock_order;
	bool told[MM_MIGRATE_TYPES] = { false };

	for (size_t i = 0; i < bi->nr_types; i++) {
		const struct mm_pageblock_row *r = &bi->types[i];
		int mt = mm_migratetype_of_name(r->migratetype);

		/* more tables may follow, of pageblocks that are mixed */
		if (mt < 0 || told[mt] || !is_of(p, r->node, r->zone))
			continue;
		told[mt] = true;
		p->pageblocks[mt] = mm_min_u64(r->pageblocks, UINT32_MAX);
		if (order >= MM_PAGEBLOCK_ORDER)
			p->pageblocks[mt] <<= order - MM_PAGEBLOCK_ORDER;
		else
			p->pageblocks[mt] = (p->pageblocks[mt] + (1u << (MM_PAGEBLOCK_ORDER - order)) - 1) >> (MM_PAGEBLOCK_ORDER - order);
	}
	for (int mt = 0; mt < MM_MIGRATE_TYPES; mt++)
		if (!told[mt] && mt != MM_MIGRATE_MOVABLE)
			p->pageblocks[mt] = pageblocks_needed(p->blocks[mt]);
	p->pageblocks[MM_MIGRATE_ISOLATE] = 0;
}

/* False: the zone has more orders than ours. */
static bool plan_zone(struct plan *p, const struct mm_buddyinfo *bi)
{
	for (size_t i = 0; i < bi->nr; i++) {
		const struct mm_buddyinfo_row *r = &bi->v[i];
		int mt = type_of(r->migratetype);

		if (!is_of(p, r->node, r->zone))
			continue;
		if (r->nr_orders > MM_NR_PAGE_ORDERS)
			return false;
		p->typed |= r->migratetype[0] != 0;
		p->capped[mt] |= r->capped;
		for (uint32_t o = 0; o < r->nr_orders; o++)
			p->blocks[mt][o] += r->blocks[o];
	}
	memset(p->blocks[MM_MIGRATE_ISOLATE], 0, sizeof(p->blocks[0]));	/* counted as free by nobody */
	if (p->typed)
		plan_pageblocks(p, bi);
	return true;
}

/* Are all free blocks told of zones that the machine has? */
static bool knows_all_zones(struct mm_phys *phys, const struct mm_buddyinfo *bi)
{
	for (size_t i = 0; i < bi->nr; i++)
		for (uint32_t o = 0; o < bi->v[i].nr_orders; o++)
			if (bi->v[i].blocks[o] && !mm_zone_of_capture(phys, bi->v[i].node, bi->v[i].zone))
				return false;
	return true;
}

/* ---- as many pages as zoneinfo says ---- */

static uint64_t pages_of(const struct plan *p)
{
	uint64_t pages = 0;

	for (int mt = 0; mt < MM_MIGRATE_TYPES; mt++)
		for (unsigned int o = 0; o < MM_NR_PAGE_ORDERS; o++)
			pages += p->blocks[mt][o] << o;
	return pages;
}

/* There are @total blocks of @order, of all types: what is not known is of the type that was not counted to its end, if one was not. */
static void count_order_on(struct plan *p, unsigned int order, uint64_t total)
{
	int capped_mt = -1, nr_capped = 0;
	uint64_t known = 0;

	for (int mt = 0; mt < MM_MIGRATE_TYPES; mt++) {
		known += p->blocks[mt][order];
		if (p->capped[mt] >> order & 1) {
			capped_mt = mt;
			nr_capped++;
		}
	}
	if (nr_capped != 1)
		return;
	p->blocks[capped_mt][order] += total > known ? total - known : 0;
	p->capped[capped_mt] &= ~(1u << order);
}

/* Where the kernel stopped at 100000 blocks of an order @totals, which are by zone alone, have the number. */
static void count_on(struct plan *p, const struct mm_buddyinfo *totals)
{
	for (size_t i = 0; i < totals->nr; i++) {
		const struct mm_buddyinfo_row *r = &totals->v[i];

		if (!is_of(p, r->node, r->zone))
			continue;
		for (uint32_t o = 0; o < r->nr_orders && o < MM_NR_PAGE_ORDERS; o++)
			count_order_on(p, o, r->blocks[o]);
	}
}

/* @nr pages more: in blocks that were not counted, the largest first, and singly. */
static void add_pages(struct plan *p, uint64_t nr)
{
	for (unsigned int o = MM_NR_PAGE_ORDERS; o-- > 0;)
		for (int mt = 0; mt < MM_MIGRATE_TYPES; mt++)
			if (p->capped[mt] >> o & 1) {
				p->blocks[mt][o] += nr >> o;
				nr &= (UINT64_C(1) << o) - 1;
			}
	p->blocks[MM_MIGRATE_MOVABLE][0] += nr;
}

/* @nr pages fewer: the smallest movable blocks go, then those of other types; what is left of the last one stays in pieces. */
static void take_pages(struct plan *p, uint64_t nr)
{
	for (unsigned int i = NR_PLACED; i-- > 0;)
		for (unsigned int o = 0; nr && o < MM_NR_PAGE_ORDERS; o++) {
			uint64_t *n = &p->blocks[placed[i]][o], all = mm_min_u64(*n, nr >> o);

			*n -= all;
			nr -= all << o;
			if (!nr || !*n)
				continue;
			(*n)--;
			for (unsigned int k = 0; k < o; k++)
				p->blocks[placed[i]][k] += ((UINT64_C(1) << o) - nr) >> k & 1;
			nr = 0;
		}
}

/* False: the files tell of different machines, or moments. */
static bool fit_to_zoneinfo(struct plan *p, const struct mm_zoneinfo *zi)
{
	uint64_t pages = pages_of(p), told = pages, most;
	bool capped = false;

	for (size_t i = 0; i < zi->nr; i++)
		if (is_of(p, zi->v[i].node, zi->v[i].zone) && zi->v[i].free_pages != MM_MISSING_U64)
			told = zi->v[i].free_pages;
	for (int mt = 0; mt < MM_MIGRATE_TYPES; mt++)
		capped |= p->capped[mt] != 0;
	most = mm_max_u64(told / 8, MM_PAGEBLOCK_NR_PAGES);
	if ((pages > told && pages - told > most) || (told > pages && !capped && told - pages > most))
		return false;
	if (told > pages)
		add_pages(p, told - pages);
	else
		take_pages(p, pages - told);
	return told <= p->zone->managed_pages;
}

/* ---- the types of pageblocks ---- */

/* The zone's pageblocks that hold RAM and are its alone, from below, each once. */
struct pageblocks {
	const struct mm_zone *zone;
	struct mm_pfn_walk walk;
	uint64_t next;			/* those below it have been seen */
};

static struct pageblocks pageblocks_of(const struct mm_zone *z)
{
	return (struct pageblocks){ .zone = z, .walk = mm_pfn_walk_zone(z, MM_PFN_UP) };
}

static bool next_pageblock(struct pageblocks *b, uint64_t *index)
{
	uint64_t start, end;

	while (mm_pfn_walk_pageblock(&b->walk, &start, &end)) {
		*index = start >> MM_PAGEBLOCK_ORDER;
		if (*index < b->next)
			continue;
		b->next = *index + 1;
		if (b->zone->phys->pageblocks[*index].zone == b->zone->id)
			return true;
	}
	return false;
}

/* Pageblocks of the zone, and pairs of them that a block of the largest order fills. */
static uint64_t count_pageblocks(const struct mm_zone *z, uint64_t *pairs)
{
	struct pageblocks b = pageblocks_of(z);
	uint64_t nr = 0, index, last = UINT64_MAX;

	*pairs = 0;
	for (; next_pageblock(&b, &index); nr++, last = index)
		*pairs += index & 1 && last == index - 1;
	return nr;
}

/*
 * HighAtomic pageblocks that are free do not merge with others, but would with one another: each is the upper one of a pair
 * while others do not need the pairs.  How many pairs are of such alone.
 */
static uint64_t highatomic_pairs(const struct plan *p, uint64_t pairs)
{
	uint64_t nr = p->pageblocks[MM_MIGRATE_HIGHATOMIC], wanted = 0, left;
	uint64_t whole = mm_min_u64(p->blocks[MM_MIGRATE_HIGHATOMIC][MM_MAX_ORDER], nr / 2);

	for (int mt = 0; mt < MM_MIGRATE_PCPTYPES; mt++)
		wanted += p->blocks[mt][MM_MAX_ORDER];
	left = pairs > wanted + whole ? pairs - wanted - whole : 0;	/* for those that fill no pair */
	nr -= 2 * whole;
	return whole + (nr > left ? mm_min_u64(nr - left, nr / 2) : 0);
}

static void set_highatomic(struct plan *p, uint64_t skip, uint64_t nr, uint64_t pairs)
{
	struct pageblocks b = pageblocks_of(p->zone);
	uint64_t left = p->pageblocks[MM_MIGRATE_HIGHATOMIC], alone = highatomic_pairs(p, pairs), index;

	p->zone->nr_reserved_highatomic = left << MM_PAGEBLOCK_ORDER;
	for (uint64_t i = 0; left && next_pageblock(&b, &index); i++) {
		if (i < skip || (!(index & 1) && !alone && nr - i > left))
			continue;
		mm_set_pageblock_migratetype(p->zone->phys, (mm_pfn_t)(index << MM_PAGEBLOCK_ORDER), MM_MIGRATE_HIGHATOMIC);
		alone -= alone && index & 1;
		left--;
	}
}

/* False: the zone has not so many.  What was never managed is left as booting had it, if so many are told. */
static bool set_pageblocks(struct plan *p)
{
	static const enum mm_migratetype order[] = { MM_MIGRATE_UNMOVABLE, MM_MIGRATE_RECLAIMABLE, MM_MIGRATE_CMA, MM_MIGRATE_MOVABLE };
	struct mm_zone *z = p->zone;
	struct pageblocks b = pageblocks_of(z);
	uint64_t pairs, nr = count_pageblocks(z, &pairs), index, typed = 0, skip;
	unsigned int k = 0;

	p->pageblocks[MM_MIGRATE_MOVABLE] = 0;
	for (int mt = 0; mt < MM_MIGRATE_TYPES; mt++)
		typed += p->pageblocks[mt];
	if (typed > nr)
		return false;
	skip = mm_min_u64((z->present_pages - z->managed_pages) >> MM_PAGEBLOCK_ORDER, nr - typed);
	set_highatomic(p, skip, nr, pairs);
	p->pageblocks[MM_MIGRATE_MOVABLE] = UINT64_MAX;
	for (uint64_t i = 0; next_pageblock(&b, &index); i++) {
		mm_pfn_t pfn = (mm_pfn_t)(index << MM_PAGEBLOCK_ORDER);
		unsigned int mt = mm_pageblock_migratetype(z->phys, pfn);

		if (mt == MM_MIGRATE_HIGHATOMIC)
			continue;
		while (!p->pageblocks[order[k]])
			k++;
		if (i >= skip)
			mt = order[k];
		else if (!p->pageblocks[mt])
			mt = MM_MIGRATE_MOVABLE;
		p->pageblocks[mt]--;
		mm_set_pageblock_migratetype(z->phys, pfn, mt);
	}
	return true;
}

/* ---- where blocks lie ---- */

/* In what pageblocks a block may lie. */
enum among { AMONG_ITS_TYPE, AMONG_ALL_THAT_MIX };

static bool suits(const struct mm_zone *z, mm_pfn_t pfn, unsigned int order, unsigned int mt, enum among among)
{
	for (mm_pfn_t b = pfn; b < pfn + (1u << order); b += MM_PAGEBLOCK_NR_PAGES) {
		unsigned int of = mm_pageblock_migratetype(z->phys, b);

		if (mm_page_zone(z->phys, b) != z || (among == AMONG_ITS_TYPE ? of != mt : !mm_migratetype_is_mergeable(of)))
			return false;
	}
	return mm_page_zone(z->phys, pfn + (1u << order) - 1) == z;
}

/* From the top down, which @w walks; MM_PFN_NONE: there is no place.  Blocks of lower orders are not there yet. */
static mm_pfn_t next_place(const struct mm_zone *z, struct mm_pfn_walk *w, unsigned int order, unsigned int mt, enum among among)
{
	uint64_t size = UINT64_C(1) << order;

	for (;;) {
		uint64_t end = w->end & ~(size - 1);
		mm_pfn_t pfn, block;

		if (end < w->start + size) {
			if (!mm_pfn_walk_range(w))
				return MM_PFN_NONE;
			continue;
		}
		pfn = (mm_pfn_t)(end - size);
		block = mm_free_block_of(z->phys, pfn, order);
		w->end = block != MM_PFN_NONE ? block : pfn;
		if (block != MM_PFN_NONE)
			continue;
		if (!suits(z, pfn, order, mt, among))
			w->end = mm_pageblock_start_pfn(pfn);
		else if (!mm_merges_at(z, pfn, order, mt))
			return pfn;
	}
}

/* As many of @nr blocks as there are places for; how many are left. */
static uint64_t place_blocks(struct mm_zone *z, unsigned int order, unsigned int mt, enum among among, uint64_t nr)
{
	struct mm_pfn_walk w = mm_pfn_walk_zone(z, MM_PFN_DOWN);

	for (; nr; nr--) {
		mm_pfn_t pfn = next_place(z, &w, order, mt, among);

		if (pfn == MM_PFN_NONE)
			break;
		mm_free_one_page(z, pfn, order, mt, MM_FPI_TO_TAIL);
	}
	return nr;
}

static bool place_zone(struct plan *p)
{
	for (unsigned int o = MM_NR_PAGE_ORDERS; o-- > 0;)
		for (unsigned int i = 0; i < NR_PLACED; i++) {
			uint64_t left = p->blocks[placed[i]][o];

			left = left ? place_blocks(p->zone, o, placed[i], AMONG_ITS_TYPE, left) : 0;
			if (left && place_blocks(p->zone, o, placed[i], AMONG_ALL_THAT_MIX, left))
				return false;
		}
	return true;
}

bool mm_machine_boot_blocks(struct mm_machine *m)
{
	static const char no_room[] = "counts of free blocks that have no room in their zones: blocks at the start are guessed";
	static const char empty[] = "files of free blocks that are empty: blocks at the start are guessed";
	static const char differ[] = "counts of free blocks that do not agree with zoneinfo: blocks at the start are guessed";
	const struct mm_captured *c = &m->captured;
	const struct mm_buddyinfo *bi = c->types.nr ? &c->types : &c->blocks;
	const char *why = !bi->nr ? empty : !knows_all_zones(m->phys, bi) ? differ : NULL;

	for (uint32_t i = 0; !why && i < m->phys->nr_zones; i++) {
		struct plan p = { .zone = m->phys->zone_table[i] };

		if (!plan_zone(&p, bi))
			why = no_room;
		if (c->types.nr)
			count_on(&p, &c->blocks);
		if (!why && !fit_to_zoneinfo(&p, &c->zones))
			why = differ;
		if (!why && ((p.typed && !set_pageblocks(&p)) || !place_zone(&p)))
			why = no_room;
	}
	if (why)
		mm_machine_note(m, why);
	return !why;
}
