/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A machine that starts from the very free pages of another.
 *
 * /proc/kpageflags marks every page of a free block.  Free buddies are always
 * merged, so the set of free pages alone says what the blocks are: each run is
 * freed page by page and merges by itself.  Which list a block was on it does
 * not say; pagetypeinfo has how many of each order were on each: blocks take
 * their types in PFN order, those of other types before the movable ones.  The
 * order within a list stays unknown.
 *
 * With counts alone (pagetypeinfo, buddyinfo) the machine has as many free
 * blocks of each order and type, in frames of its own choosing: from the top of
 * the zone down, the largest first.
 */
#include <errno.h>
#include <string.h>

#include <libmm/kpageflags.h>

#include "machine/buddy_replay.h"
#include "phys/internal.h"

struct filling {
	struct mm_phys *phys;
	uint64_t outside;		/* free pages in no zone */
};

static int free_words(void *arg, uint64_t pfn, const uint64_t *words, size_t nr)
{
	struct filling *f = arg;

	for (size_t i = 0; i < nr; i++) {
		struct mm_zone *zone = NULL;

		if (!(words[i] >> MM_KPF_BUDDY & 1))
			continue;
		if (pfn + i < f->phys->max_pfn)
			zone = mm_page_zone(f->phys, (mm_pfn_t)(pfn + i));
		if (zone && zone->free_pages < zone->managed_pages)
			mm_free_one_page(zone, (mm_pfn_t)(pfn + i), 0, MM_MIGRATE_MOVABLE, MM_FPI_TO_TAIL);
		else
			f->outside++;
	}
	return 0;
}

static int type_of_name(const char *name)
{
	for (int mt = 0; mt < MM_MIGRATE_TYPES; mt++)
		if (!strcmp(mm_migratetype_name((enum mm_migratetype)mt), name))
			return mt;
	return -1;
}

static struct mm_zone *zone_of_row(struct mm_phys *phys, const struct mm_buddyinfo_row *r)
{
	for (uint32_t i = 0; i < phys->nr_zones; i++) {
		struct mm_zone *z = phys->zone_table[i];

		if (z->node == r->node && !strcmp(mm_zone_type_name((enum mm_zone_type)z->type), r->zone))
			return z;
	}
	return NULL;
}

/* Does the capture have as many free blocks of each order as the machine? */
static bool counts_agree(struct mm_phys *phys, const struct mm_buddyinfo *zones)
{
	for (size_t i = 0; i < zones->nr; i++) {
		struct mm_zone *z = zone_of_row(phys, &zones->v[i]);

		for (uint32_t o = 0; z && o < MM_NR_PAGE_ORDERS; o++)
			if (zones->v[i].nr_orders != MM_NR_PAGE_ORDERS || zones->v[i].capped ||
			    zones->v[i].blocks[o] != z->free_area[o].nr_free)
				return false;
	}
	return true;
}

/* Move the last blocks of the movable list of each order to the type of @r: those not yet moved stand before them. */
static void assign_types(struct mm_phys *phys, const struct mm_buddyinfo_row *r)
{
	struct mm_zone *zone = zone_of_row(phys, r);
	int mt = type_of_name(r->migratetype);

	if (!zone || mt < 0 || mt == MM_MIGRATE_MOVABLE || mt == MM_MIGRATE_ISOLATE)
		return;
	for (uint32_t o = 0; o < MM_NR_PAGE_ORDERS; o++)
		for (uint64_t n = 0; o < r->nr_orders && n < r->blocks[o]; n++) {
			mm_pfn_t pfn = zone->free_area[o].free_list[MM_MIGRATE_MOVABLE].head;

			if (pfn == MM_PFN_NONE)
				break;
			mm_move_to_free_list(zone, pfn, o, (unsigned int)mt);
			if (mt == MM_MIGRATE_HIGHATOMIC && mm_pageblock_migratetype(phys, pfn) != MM_MIGRATE_HIGHATOMIC)
				zone->nr_reserved_highatomic += MM_PAGEBLOCK_NR_PAGES;
			mm_set_pageblock_migratetype(phys, pfn, (unsigned int)mt);
			if (mt == MM_MIGRATE_CMA)
				zone->nr_free_cma += UINT64_C(1) << o;
		}
}

static int read_types(struct mm_machine *m, const struct mm_sysroot *root, struct mm_error *err)
{
	struct mm_buddyinfo types = { 0 }, zones = { 0 };
	struct mm_input *in;
	int e;

	if (!mm_sysroot_has(root, "proc/pagetypeinfo"))
		return 0;
	e = mm_sysroot_input(root, "proc/pagetypeinfo", &in, err);
	if (e)
		return e == -EACCES || e == -EPERM ? 0 : e;	/* it is root's alone on a live machine */
	e = mm_pagetypeinfo_read(&types, in, err);
	mm_input_free(in);
	if (!e && mm_buddyinfo_sum(&types, &zones))
		e = mm_error_set(err, -ENOMEM, "out of memory");
	if (!e && !counts_agree(m->phys, &zones))
		mm_machine_skip(m, "pagetypeinfo that does not quite agree with kpageflags: some migrate types at the start are guessed",
				true);
	for (size_t i = 0; !e && i < types.nr; i++)
		assign_types(m->phys, &types.v[i]);
	mm_buddyinfo_free(&types);
	mm_buddyinfo_free(&zones);
	return e;
}

/* ---- counts alone ---- */

/* Where the next block may lie: all of [.., end) in the range is still to be had. */
struct top {
	uint32_t range;			/* of phys->present, + 1; 0: none is left */
	uint64_t end;
};

static uint64_t range_start(const struct mm_zone *z, uint32_t range)
{
	uint64_t start = z->phys->present[range - 1].start_pfn;

	return start > z->start_pfn ? start : z->start_pfn;
}

static bool next_range(const struct mm_zone *z, struct top *t)
{
	const struct mm_phys *phys = z->phys;
	uint64_t zone_end = z->start_pfn + z->spanned_pages;

	while (t->range > 0 && --t->range > 0) {
		const struct mm_page_range *r = &phys->present[t->range - 1];

		t->end = r->end_pfn < zone_end ? r->end_pfn : zone_end;
		if (r->node == z->node && t->end > range_start(z, t->range))
			return true;
	}
	return false;
}

/*
 * The upper half of a block, or one of the largest order; MM_PFN_NONE: the zone is full.  Smaller blocks may come to
 * lie in the lower half, upper half by upper half, but never fill it: so nothing merges.
 */
static mm_pfn_t place_block(const struct mm_zone *z, struct top *t, unsigned int order)
{
	uint64_t slot = order == MM_MAX_ORDER ? UINT64_C(1) << order : UINT64_C(2) << order;

	do {
		uint64_t end = t->end & ~(slot - 1);

		if (t->range && end >= slot && end - (UINT64_C(1) << order) >= range_start(z, t->range)) {
			t->end = end - (UINT64_C(1) << order);
			return (mm_pfn_t)t->end;
		}
	} while (next_range(z, t));
	return MM_PFN_NONE;
}

/* The free blocks of a zone; @fill: put them on the lists, else only see whether they have room. */
static bool place_zone(struct mm_zone *z, const struct mm_buddyinfo_row *r, bool fill)
{
	struct top t = { z->phys->nr_present + 1, 0 };
	uint64_t pages = 0;

	if (r->nr_orders > MM_NR_PAGE_ORDERS || !next_range(z, &t))
		return false;
	for (unsigned int o = r->nr_orders; o-- > 0;)
		for (uint64_t n = 0; n < r->blocks[o]; n++) {
			mm_pfn_t pfn = place_block(z, &t, o);

			pages += UINT64_C(1) << o;
			if (pfn == MM_PFN_NONE || pages > z->managed_pages)
				return false;
			if (fill)
				mm_free_one_page(z, pfn, o, MM_MIGRATE_MOVABLE, MM_FPI_TO_TAIL);
		}
	return true;
}

static int read_counts(const struct mm_sysroot *root, bool types, struct mm_buddyinfo *zones, struct mm_error *err)
{
	struct mm_buddyinfo rows = { 0 };
	struct mm_input *in;
	int e = mm_sysroot_input(root, types ? "proc/pagetypeinfo" : "proc/buddyinfo", &in, err);

	if (e)
		return e;
	e = types ? mm_pagetypeinfo_read(&rows, in, err) : mm_buddyinfo_read(&rows, in, err);
	mm_input_free(in);
	if (!e && mm_buddyinfo_sum(&rows, zones))
		e = mm_error_set(err, -ENOMEM, "out of memory");
	mm_buddyinfo_free(&rows);
	return e;
}

int mm_machine_boot_buddyinfo(struct mm_machine *m, const struct mm_sysroot *root, bool *done, struct mm_error *err)
{
	bool types = mm_sysroot_has(root, "proc/pagetypeinfo");
	struct mm_buddyinfo zones = { 0 };
	int e = read_counts(root, types, &zones, err);

	if (types && (e == -EACCES || e == -EPERM) && mm_sysroot_has(root, "proc/buddyinfo"))
		e = read_counts(root, types = false, &zones, err);	/* pagetypeinfo is root's alone on a live machine */
	*done = !e;
	for (int fill = 0; fill < 2 && *done; fill++)
		for (size_t i = 0; i < zones.nr && *done; i++) {
			struct mm_zone *z = zone_of_row(m->phys, &zones.v[i]);

			*done = z && place_zone(z, &zones.v[i], fill);
		}
	if (!e && *done && types)
		e = read_types(m, root, err);
	mm_buddyinfo_free(&zones);
	return e;
}

int mm_machine_boot_kpageflags(struct mm_machine *m, const struct mm_sysroot *root, struct mm_error *err)
{
	struct mm_page_replay *pages = mm_page_replay_get(m);
	struct filling f = { .phys = m->phys };
	struct mm_input *in;
	int e;

	if (!pages)
		return mm_error_set(err, -ENOMEM, "out of memory");
	e = mm_sysroot_input(root, "proc/kpageflags", &in, err);
	if (e)
		return e;
	e = mm_kpageflags_read(in, free_words, &f, err);
	mm_input_free(in);
	if (e)
		return e;
	for (uint64_t i = 0; i < f.outside; i++)
		mm_machine_skip(m, "free pages of kpageflags that lie in no zone", false);
	pages->recorded = true;
	return read_types(m, root, err);
}
