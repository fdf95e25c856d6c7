/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* cache/migrate.h - a page of the caches and LRU lists that moves to another frame */
#ifndef CACHE_MIGRATE_H
#define CACHE_MIGRATE_H

#include "cache/cache.h"

/* Off the LRU list for compaction, with a reference, counted as isolated; and back. */
void mm_isolate_movable(struct mm_cache *c, mm_pfn_t pfn);
void mm_putback_movable(struct mm_cache *c, mm_pfn_t pfn);

/**
 * mm_folio_migrate_mapping() - what the caches know of @src becomes true of @dst
 * @src:	isolated, not mapped, with the isolation's reference
 * @dst:	fresh, refs 1
 *
 * Return: 0, or -EAGAIN when somebody else holds @src; then nothing changed.
 * Source: Linux 6.6 mm/migrate.c folio_migrate_mapping(), folio_migrate_flags(); mm/memcontrol.c mem_cgroup_migrate().
 */
int mm_folio_migrate_mapping(struct mm_cache *c, mm_pfn_t src, mm_pfn_t dst);
/* The same of a huge folio, not in the swap cache, for which nobody else holds a reference: cannot fail. */
void mm_folio_migrate_huge_mapping(struct mm_cache *c, mm_pfn_t src, mm_pfn_t dst);

#endif /* CACHE_MIGRATE_H */
