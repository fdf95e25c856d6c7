/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Events of the page allocator: page_alloc, page_free, page_isolate, page_unisolate.
 *
 * An ordinary machine decides itself: a page_alloc is a request with its GFP
 * words, its result becomes the frame this machine gave, and a later page_free
 * of the recorded frame frees that one.  Facts about the allocator's insides
 * (ZONE_LOCKED, EXTFRAG, PCPU_DRAIN, BATCHED in flags; source/ftrace.c tells
 * where they come from) say what the other machine did and change nothing here.
 *
 * A machine that started from the recorded free pages (kpageflags) follows the
 * recording instead (buddy_follow.c).
 */
#include <errno.h>

#include "base/str.h"
#include "machine/buddy_replay.h"
#include "phys/internal.h"

static bool has_pfn(const struct mm_event *ev)
{
	return ev->result_kind == MM_RESULT_DEC || ev->result_kind == MM_RESULT_HEX;
}

/* ---- deciding ---- */

static bool is_fact(struct mm_str flags)
{
	return mm_has_word(flags, "ZONE_LOCKED") || mm_has_word(flags, "EXTFRAG") || mm_has_word(flags, "PCPU_DRAIN") ||
	       mm_has_word(flags, "BATCHED");
}

static int remember(struct mm_machine *m, uint64_t recorded, mm_pfn_t pfn, unsigned int order, struct mm_error *err)
{
	struct mm_page_entry *e = mm_page_replay_find(m->pages, recorded);

	if (e) {
		mm_machine_loss(m, "pages allocated twice without a free between");
		mm_free_pages(m->phys, e->pfn, e->order);
		mm_page_replay_del(m->pages, e);
	}
	return mm_page_replay_add(m->pages, recorded, pfn, order) ? mm_error_set(err, -ENOMEM, "out of memory") : 0;
}

static int decide_alloc(struct mm_machine *m, struct mm_event *ev, unsigned int order, struct mm_error *err)
{
	mm_gfp_t gfp = MM_GFP_KERNEL;
	struct mm_event *fx;
	mm_pfn_t pfn;
	int e;

	if (ev->flags.len && mm_gfp_parse(ev->flags, &gfp))
		return mm_error_set(err, -EINVAL, "page_alloc: expected GFP words, found '%.*s'",
				    (int)(ev->flags.len < 80 ? ev->flags.len : 80), ev->flags.p);
	pfn = mm_alloc_pages(m->phys, gfp, order);
	if (pfn == MM_PFN_NONE) {
		if (has_pfn(ev))
			mm_machine_note(m, "allocations that succeeded in the recording and fail here");
		mm_event_set_word(ev, "ENOMEM", 6);
		fx = mm_effect(&m->ctx, MM_BY_BUDDY, MM_EV_ENOMEM);
		if (fx) {
			fx->size = (uint64_t)MM_PAGE_SIZE << order;
			fx->present |= MM_TC_BIT(SIZE);
		}
		return 0;
	}
	if (has_pfn(ev))
		mm_machine_note(m, ev->result == pfn ? "blocks that got the recorded page frame" :
				"blocks that got another page frame than recorded");
	e = remember(m, has_pfn(ev) ? ev->result : pfn, pfn, order, err);
	mm_event_set_result(ev, MM_RESULT_HEX, pfn);
	return e;
}

/*
 * A block that was split (vmalloc(), alloc_pages_exact()) and comes back in parts: its pages are on their own
 * from here.
 */
static int split_entry(struct mm_machine *m, uint64_t recorded)
{
	for (unsigned int o = 1; o <= MM_MAX_ORDER; o++) {
		uint64_t head = recorded & ~((UINT64_C(1) << o) - 1);
		struct mm_page_entry *e = mm_page_replay_find(m->pages, head), old;

		if (!e || e->order < o || mm_page(m->phys, e->pfn)->flags & MM_PG_HEAD)
			continue;
		old = *e;
		mm_page_replay_del(m->pages, e);
		mm_split_page(m->phys, old.pfn, old.order);
		for (mm_pfn_t i = 0; i < 1u << old.order; i++)
			if (mm_page_replay_add(m->pages, old.recorded + i, old.pfn + i, 0))
				return -ENOMEM;
		return 0;
	}
	return 0;
}

static int decide_free(struct mm_machine *m, struct mm_event *ev, unsigned int order, struct mm_error *err)
{
	struct mm_page_entry *e = mm_page_replay_find(m->pages, ev->result);
	mm_pfn_t pfn;

	if (!e || e->order > order) {
		if (split_entry(m, ev->result))
			return mm_error_set(err, -ENOMEM, "out of memory");
		e = mm_page_replay_find(m->pages, ev->result);
	}
	if (!e) {
		mm_machine_loss(m, "frees of pages that the recording did not allocate");
		return 0;
	}
	pfn = e->pfn;
	if (e->order != order && e->order)
		mm_machine_loss(m, "frees of another size than was allocated");
	if (!e->order)
		for (uint64_t i = 1; i < UINT64_C(1) << order; i++) {
			struct mm_page_entry *part = mm_page_replay_find(m->pages, ev->result + i);

			if (!part || part->order)
				break;
			mm_free_pages(m->phys, part->pfn, 0);
			mm_page_replay_del(m->pages, part);
		}
	e = mm_page_replay_find(m->pages, ev->result);
	mm_free_pages(m->phys, pfn, e->order);
	mm_page_replay_del(m->pages, e);
	mm_event_set_result(ev, MM_RESULT_HEX, pfn);
	return 0;
}

/* ---- entry ---- */

static int page_event(struct mm_machine *m, struct mm_event *ev, struct mm_error *err,
		      int (*decide)(struct mm_machine *, struct mm_event *, unsigned int, struct mm_error *),
		      void (*follow)(struct mm_machine *, const struct mm_event *, unsigned int))
{
	unsigned int order;
	int e = mm_page_order_of_size(ev, ev->present & MM_TC_BIT(SIZE) ? ev->size : MM_PAGE_SIZE, &order, err);

	if (e || !m->phys)
		return e;
	if (!mm_page_replay_get(m))
		return mm_error_set(err, -ENOMEM, "out of memory");
	if (m->pages->recorded && (has_pfn(ev) || is_fact(ev->flags))) {
		if (has_pfn(ev))
			follow(m, ev, order);
		return 0;
	}
	return is_fact(ev->flags) ? 0 : decide(m, ev, order, err);
}

int mm_ev_page_alloc(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	(void)task;
	return page_event(m, ev, err, decide_alloc, mm_follow_page_alloc);
}

int mm_ev_page_free(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	(void)task;
	if (!has_pfn(ev))
		return mm_error_set(err, -EINVAL, "page_free: expected a page frame number in result, found none");
	return page_event(m, ev, err, decide_free, mm_follow_page_free);
}

/* ---- isolation ---- */

/* The range that @ev names: result is its first PFN, size its bytes (one pageblock without). */
static int isolated_range(const struct mm_event *ev, mm_pfn_t *start, mm_pfn_t *end, struct mm_error *err)
{
	const uint64_t block = (uint64_t)MM_PAGE_SIZE << MM_PAGEBLOCK_ORDER;
	uint64_t size = ev->present & MM_TC_BIT(SIZE) ? ev->size : block;

	if (!has_pfn(ev) || ev->result >= MM_PFN_NONE || ev->result % MM_PAGEBLOCK_NR_PAGES)
		return mm_error_set(err, -EINVAL, "%s: expected the number of a pageblock's first page frame in result",
				    mm_event_word((enum mm_event_type)ev->type));
	if (!size || size % block || size / MM_PAGE_SIZE >= MM_PFN_NONE - ev->result)
		return mm_error_set(err, -EINVAL, "%s: expected a size of whole pageblocks of %llu bytes, found %llu",
				    mm_event_word((enum mm_event_type)ev->type), (unsigned long long)block, (unsigned long long)size);
	*start = (mm_pfn_t)ev->result;
	*end = *start + (mm_pfn_t)(size / MM_PAGE_SIZE);
	return 0;
}

/* As offlining begins: lists of the CPUs and batches are empty then. */
int mm_ev_page_isolate(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	mm_pfn_t start, end;
	int e = isolated_range(ev, &start, &end, err);

	(void)task;
	if (e || !m->phys)
		return e;
	if (m->phys->hooks.movable.lru_add_drain_all)
		m->phys->hooks.movable.lru_add_drain_all(m->phys->hooks.movable.arg);
	mm_drain_all_pages(m->phys);
	e = mm_start_isolate_page_range(m->phys, start, end);
	if (e)
		mm_event_set_word(ev, e == -EBUSY ? "EBUSY" : "EINVAL", e == -EBUSY ? 5 : 6);
	return 0;
}

int mm_ev_page_unisolate(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	mm_pfn_t start, end;
	int e = isolated_range(ev, &start, &end, err);

	(void)task;
	if (!e && m->phys)
		mm_undo_isolate_page_range(m->phys, start, end);
	return e;
}
