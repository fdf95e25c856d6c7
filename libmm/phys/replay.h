/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* phys/replay.h - buddy lists that follow a recording instead of deciding themselves */
#ifndef PHYS_REPLAY_H
#define PHYS_REPLAY_H

#include "phys/phys.h"

/* Is @pfn part of a free block?  *@head and *@order then say which. */
bool mm_page_is_free(const struct mm_phys *phys, mm_pfn_t pfn, mm_pfn_t *head, unsigned int *order);

/*
 * Take exactly the 2^@order pages at @pfn off the free lists, splitting the block they lie in as expand() does.
 * @mt: list that the rest goes to, MM_MIGRATE_TYPES: the one it was on
 * 0; -EINVAL: not aligned or not in a zone; -ENOENT: not free, or not in one block.
 */
int mm_take_free_pages(struct mm_phys *phys, mm_pfn_t pfn, unsigned int order, unsigned int mt);

/* Put them back, as the kernel does on a free that no per-CPU list holds. -EINVAL as above; -EEXIST: some are free. */
int mm_put_free_pages(struct mm_phys *phys, mm_pfn_t pfn, unsigned int order, unsigned int mt);

/*
 * A fallback that was recorded: the block at @pfn goes to the lists of @mt, with the free pages of its pageblock
 * where the kernel may take them; @owner: the pageblock (or all it covers) becomes @mt.
 */
void mm_follow_fallback(struct mm_phys *phys, mm_pfn_t pfn, unsigned int order, unsigned int mt, bool owner);

#endif /* PHYS_REPLAY_H */
