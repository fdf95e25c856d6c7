/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Large anonymous folios of which only a part is mapped any more: they wait, by memcg, until memory is short and a
 * shrinker splits them, so that the unmapped pages go. A folio is on the queue of its memcg by the links of its third
 * page, whose mapping tells whether it is. Source: Linux 6.6 mm/huge_memory.c deferred_split_folio(),
 * folio_undo_large_rmappable().
 */
#include "cache/deferred_split.h"
#include "cache/memcg.h"

static struct mm_page *link_of(const struct mm_cache *c, mm_pfn_t head) { return mm_cache_page(c, head + MM_DEFERRED_LINK); }

void mm_folio_prep_transhuge(struct mm_phys *phys, mm_pfn_t head)
{
	struct mm_page *t = mm_page(phys, head + 1);

	t->mapping = t->next = t->prev = 0;
	mm_page(phys, head + MM_DEFERRED_LINK)->mapping = 0;
}

void mm_deferred_split_folio(struct mm_cache *c, mm_pfn_t head)
{
	struct mm_memcg *memcg = mm_folio_memcg(c, head);
	struct mm_page *link = link_of(c, head);

	if (mm_folio_test_swapcache(mm_cache_page(c, head)) || link->mapping)
		return;
	link->mapping = memcg->id;
	mm_count(c->ctx, MM_THP_DEFERRED_SPLIT_PAGE, 1);
	mm_page_list_add_tail(c->phys->mem_map, &memcg->split_queue, head + MM_DEFERRED_LINK);
}

void mm_deferred_split_del(struct mm_cache *c, mm_pfn_t head)
{
	struct mm_page *link = link_of(c, head);

	if (!link->mapping)
		return;
	mm_page_list_del(c->phys->mem_map, &c->memcgs[link->mapping - 1]->split_queue, head + MM_DEFERRED_LINK);
	link->mapping = 0;
}
