/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Page events on a machine that started from the recorded free pages
 * (kpageflags): nothing is decided, the lists follow the recording.
 *
 * Pages leave the free lists at ZONE_LOCKED and come back at PCPU_DRAIN, or at
 * the free of an order without per-CPU lists.  What the kernel does without a
 * word is inferred:
 *
 *  - a page freed in an interrupt that came while its CPU held the lock of its
 *    per-CPU lists goes to the free lists at once (free_unref_page() cannot wait
 *    for that lock).  The lock is held after a refill until the block is handed
 *    out, and while a list of pages is freed: the last fact of that CPU tells.
 *  - compaction takes free blocks unseen: when the parts of a block are not all
 *    as the recording has them, those that are not are set right.
 *
 * The set of free pages decides what the blocks are, as free buddies are always
 * merged; so one wrong page does no lasting harm once it moves again.
 */
#include <errno.h>

#include "base/str.h"
#include "machine/buddy_replay.h"
#include "phys/internal.h"
#include "phys/replay.h"

enum { ANY_TYPE = MM_MIGRATE_TYPES };

/* MIGRATE_type among the words. */
static unsigned int migratetype_of(struct mm_str flags)
{
	static const char *const words[MM_MIGRATE_TYPES] = {
		"MIGRATE_UNMOVABLE", "MIGRATE_MOVABLE", "MIGRATE_RECLAIMABLE", "MIGRATE_HIGHATOMIC", "MIGRATE_CMA",
		"MIGRATE_ISOLATE",
	};

	for (unsigned int mt = 0; mt < MM_MIGRATE_TYPES; mt++)
		if (mm_has_word(flags, words[mt]))
			return mt;
	return ANY_TYPE;
}

int mm_page_order_of_size(const struct mm_event *ev, uint64_t size, unsigned int *order, struct mm_error *err)
{
	for (*order = 0; *order <= MM_MAX_ORDER; ++*order)
		if (size == (uint64_t)MM_PAGE_SIZE << *order)
			return 0;
	return mm_error_set(err, -EINVAL, "%s: expected a size of 4096 << 0..%d bytes, found %llu",
			    mm_event_word((enum mm_event_type)ev->type), (int)MM_MAX_ORDER, (unsigned long long)size);
}

static void skip_follow(struct mm_machine *m, int e)
{
	if (e == -EINVAL)
		mm_machine_loss(m, "blocks of the recording that lie in no zone or are not aligned");
	else if (e == -ENOENT)
		mm_machine_loss(m, "pages that left the free lists without being on them");
	else if (e == -EEXIST)
		mm_machine_loss(m, "frees of free pages");
}

/* Off the lists, or on them; a block of which a part is already there: page by page. */
static void take(struct mm_machine *m, mm_pfn_t pfn, unsigned int order, unsigned int mt)
{
	int e = mm_take_free_pages(m->phys, pfn, order, mt);

	skip_follow(m, e);
	for (mm_pfn_t i = 0; e == -ENOENT && order && i < 1u << order; i++)
		mm_take_free_pages(m->phys, pfn + i, 0, mt);
}

static void put(struct mm_machine *m, mm_pfn_t pfn, unsigned int order, unsigned int mt)
{
	int e = mm_put_free_pages(m->phys, pfn, order, mt);

	skip_follow(m, e);
	for (mm_pfn_t i = 0; e == -EEXIST && order && i < 1u << order; i++)
		mm_put_free_pages(m->phys, pfn + i, 0, mt);
}

/* After the event its CPU is known to hold the lock of its list of @zone; NULL: of none. */
static void note_pcp_lock(struct mm_machine *m, const struct mm_event *ev, const struct mm_zone *zone)
{
	if (ev->cpu < MM_MAX_CPUS && !mm_has_word(ev->flags, "IRQ_OVER_LOCK"))
		m->pages->pcp_locked[ev->cpu] = zone;
}

static bool pcp_is_locked(const struct mm_machine *m, const struct mm_event *ev, mm_pfn_t pfn)
{
	return ev->cpu < MM_MAX_CPUS && mm_has_word(ev->flags, "IRQ_OVER_LOCK") && m->pages->pcp_locked[ev->cpu] &&
	       m->pages->pcp_locked[ev->cpu] == mm_page_zone(m->phys, pfn);
}

void mm_follow_page_alloc(struct mm_machine *m, const struct mm_event *ev, unsigned int order)
{
	mm_pfn_t pfn = ev->result < MM_PFN_NONE ? (mm_pfn_t)ev->result : MM_PFN_NONE, head;
	unsigned int mt = migratetype_of(ev->flags), o;
	struct mm_page *page;

	if (pfn >= m->phys->max_pfn) {
		skip_follow(m, -EINVAL);
		return;
	}
	page = mm_page(m->phys, pfn);
	if (mm_has_word(ev->flags, "EXTFRAG")) {
		if (!mm_page_order_of_size(ev, ev->size2, &o, NULL))
			mm_follow_fallback(m->phys, pfn, o, mt, mm_has_word(ev->flags, "CHANGE_OWNERSHIP"));
		return;
	}
	if (mm_has_word(ev->flags, "ZONE_LOCKED")) {
		if (mt < MM_MIGRATE_PCPTYPES && !mm_has_word(ev->flags, "PERCPU_REFILL"))
			m->pages->pcp_orders &= ~(1u << order);
		take(m, pfn, order, mt);
		note_pcp_lock(m, ev, mm_page_zone(m->phys, pfn));
		return;
	}
	if (page->refs)
		mm_machine_loss(m, "pages allocated twice without a free between");
	if (mm_page_is_free(m->phys, pfn, &head, &o))
		take(m, pfn, order, ANY_TYPE);
	page->refs = 1;
	page->order = (uint8_t)order;
	note_pcp_lock(m, ev, NULL);
}

void mm_follow_page_free(struct mm_machine *m, const struct mm_event *ev, unsigned int order)
{
	mm_pfn_t pfn = ev->result < MM_PFN_NONE ? (mm_pfn_t)ev->result : MM_PFN_NONE, head;
	unsigned int o;

	if (pfn >= m->phys->max_pfn) {
		skip_follow(m, -EINVAL);
	} else if (mm_has_word(ev->flags, "BATCHED")) {
		note_pcp_lock(m, ev, mm_page_zone(m->phys, pfn));	/* its mm_page_free came before */
	} else if (mm_has_word(ev->flags, "PCPU_DRAIN")) {
		put(m, pfn, order, migratetype_of(ev->flags));
		note_pcp_lock(m, ev, mm_page_zone(m->phys, pfn));
	} else if (!(m->pages->pcp_orders >> order & 1) || pcp_is_locked(m, ev, pfn)) {
		put(m, pfn, order, ANY_TYPE);
	} else {
		if (mm_page_is_free(m->phys, pfn, &head, &o))
			skip_follow(m, -EEXIST);
		else
			mm_page(m->phys, pfn)->refs = 0;
		note_pcp_lock(m, ev, NULL);
	}
}
