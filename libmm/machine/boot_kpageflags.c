/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A machine that starts from the very free pages of another.
 *
 * /proc/kpageflags marks every page of a free block.  Free buddies are always
 * merged, so the set of free pages alone says what the blocks are: each run is
 * freed page by page and merges by itself.  Which list a block was on it does
 * not say; pagetypeinfo has how many of each order were on each: blocks take
 * their types in PFN order, those of other types before the movable ones.  The
 * order within a list stays unknown.  Counts alone: boot_blocks.c.
 */
#include <errno.h>
#include <string.h>

#include <libmm/kpageflags.h>

#include "machine/boot_blocks.h"
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

/* Does the capture have as many free blocks of each order as the machine? */
static bool counts_agree(struct mm_phys *phys, const struct mm_buddyinfo *zones)
{
	for (size_t i = 0; i < zones->nr; i++) {
		struct mm_zone *z = mm_zone_of_capture(phys, zones->v[i].node, zones->v[i].zone);

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
	struct mm_zone *zone = mm_zone_of_capture(phys, r->node, r->zone);
	int mt = mm_migratetype_of_name(r->migratetype);

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

/*
 * How many pageblocks are reserved is told, whether any of their pages is free or not; which they are is known only as far as
 * free blocks have found theirs.  Of a zone's rows the first counts: more tables may follow, of pageblocks that are mixed.
 */
static void reserve_as_told(struct mm_phys *phys, const struct mm_buddyinfo *types)
{
	for (size_t i = types->nr_types; i-- > 0;) {
		const struct mm_pageblock_row *r = &types->types[i];
		struct mm_zone *zone = mm_zone_of_capture(phys, r->node, r->zone);

		if (!zone || mm_migratetype_of_name(r->migratetype) != MM_MIGRATE_HIGHATOMIC)
			continue;
		zone->nr_reserved_highatomic = r->pageblocks < zone->managed_pages >> types->pageblock_order ?
					       r->pageblocks << types->pageblock_order : zone->managed_pages;
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
		mm_machine_note(m, "pagetypeinfo that does not quite agree with kpageflags: some migrate types at the start are guessed");
	for (size_t i = 0; !e && i < types.nr; i++)
		assign_types(m->phys, &types.v[i]);
	if (!e)
		reserve_as_told(m->phys, &types);
	mm_buddyinfo_free(&types);
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
	e = mm_kpageflags_read(in, 0, free_words, &f, err);
	mm_input_free(in);
	if (e)
		return e;
	for (uint64_t i = 0; i < f.outside; i++)
		mm_machine_loss(m, "free pages of kpageflags that lie in no zone");
	pages->recorded = true;
	return read_types(m, root, err);
}
