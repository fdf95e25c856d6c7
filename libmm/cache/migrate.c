/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A page moves to another frame: the part that the caches, the LRU and memcgs have in it.
 *
 * Who may hold the page: the mover (the reference of isolation) and the page
 * cache or the swap cache.  Anybody else would go on using the old frame.
 *
 * Model: Linux 6.6 mm/migrate.c.
 */
#include "cache/migrate.h"

#include <errno.h>

#include "cache/lru.h"
#include "cache/memcg.h"
#include "cache/swap_impl.h"

/* What moves along.  PG_mlocked comes back with the mappings; the generation of MGLRU ended with the isolation. */
enum {
	MIGRATED_FLAGS = MM_PG_ERROR | MM_PG_REFERENCED | MM_PG_UPTODATE | MM_PG_ACTIVE | MM_PG_UNEVICTABLE |
			 MM_PG_WORKINGSET | MM_PG_OWNER_PRIV_1 | MM_PG_PRIVATE | MM_PG_MAPPEDTODISK | MM_PG_DIRTY |
			 MM_PG_YOUNG | MM_PG_IDLE |
			 MM_PG_READAHEAD | MM_PG_SWAPBACKED | MM_PG_SWAPCACHE | MM_PG_ANON | MM_PG_KSM,
};

static enum mm_counter isolated_counter(const struct mm_page *p)
{
	return mm_folio_is_file_lru(p) ? MM_NR_ISOLATED_FILE : MM_NR_ISOLATED_ANON;
}

void mm_isolate_movable(struct mm_cache *c, mm_pfn_t pfn)
{
	mm_folio_isolate_lru(c, pfn);
	mm_count(c->ctx, isolated_counter(mm_cache_page(c, pfn)), (int64_t)mm_folio_nr_pages(mm_cache_page(c, pfn)));
}

void mm_putback_movable(struct mm_cache *c, mm_pfn_t pfn)
{
	mm_count(c->ctx, isolated_counter(mm_cache_page(c, pfn)), -(int64_t)mm_folio_nr_pages(mm_cache_page(c, pfn)));
	mm_folio_putback_lru(c, pfn);
}

/* The cache that finds @src finds @dst now, and its reference goes over. */
static void replace_in_cache(struct mm_cache *c, struct mm_address_space *as, mm_pfn_t src, mm_pfn_t dst)
{
	struct mm_page *from = mm_cache_page(c, src), *to = mm_cache_page(c, dst);

	if (as) {
		mm_xa_store(&as->i_pages, from->index, (uint64_t)dst + 1, NULL);	/* the slot exists: cannot fail */
	} else {
		mm_swp_t entry = c->page_swap[src];

		mm_xa_store(mm_swap_address_space(c->swap, entry), entry, (uint64_t)dst + 1, NULL);	/* the node exists */
		c->page_swap[dst] = entry;
		c->page_swap[src] = 0;
	}
	to->refs++;
	from->refs--;
}

/* Dirty pages of files count for the node they are on. */
static void move_write_pending(struct mm_cache *c, mm_pfn_t src, mm_pfn_t dst)
{
	const struct mm_page *from = mm_cache_page(c, src);
	const struct mm_address_space *as = mm_folio_mapping(c, src);

	if (!(from->flags & MM_PG_DIRTY) || !as || mm_inode_is_shmem(as->host))
		return;
	mm_count_write_pending(c->phys, src, -1);
	mm_count_write_pending(c->phys, dst, 1);
}

/* folio_migrate_flags(), mem_cgroup_migrate(): the rest of what is known of the folio */
static void move_state(struct mm_cache *c, mm_pfn_t src, mm_pfn_t dst)
{
	struct mm_page *from = mm_cache_page(c, src), *to = mm_cache_page(c, dst);

	move_write_pending(c, src, dst);
	to->index = from->index;
	to->mapping = from->mapping;
	to->flags |= from->flags & MIGRATED_FLAGS;
	from->mapping = from->flags & MM_PG_KSM ? 0 : from->mapping;	/* its stable node is of @dst now */
	from->flags &= ~(uint32_t)(MM_PG_ACTIVE | MM_PG_UNEVICTABLE | MM_PG_SWAPCACHE | MM_PG_DIRTY | MM_PG_PRIVATE);
	mm_folio_set_memcg(c, dst, c->page_memcg[src]);	/* charged and uncharged again in the kernel: the same in sum */
	mm_folio_set_memcg(c, src, 0);
	if (c->page_cpupid) {
		c->page_cpupid[dst] = c->page_cpupid[src];
		c->page_cpupid[src] = 0;
	}
	mm_count(c->ctx, isolated_counter(to), -(int64_t)mm_folio_nr_pages(to));
}

int mm_folio_migrate_mapping(struct mm_cache *c, mm_pfn_t src, mm_pfn_t dst)
{
	const struct mm_page *from = mm_cache_page(c, src);
	bool swapcache = from->flags & MM_PG_SWAPCACHE;
	struct mm_address_space *as = swapcache ? NULL : mm_folio_mapping(c, src);
	bool cached = as || swapcache;

	if (from->refs != 1 + cached)
		return -EAGAIN;
	if (cached)
		replace_in_cache(c, as, src, dst);
	move_state(c, src, dst);
	return 0;
}

void mm_folio_migrate_huge_mapping(struct mm_cache *c, mm_pfn_t src, mm_pfn_t dst)
{
	struct mm_page *from = mm_cache_page(c, src), *to = mm_cache_page(c, dst);
	struct mm_address_space *as = mm_folio_mapping(c, src);

	if (as) {
		mm_xa_store_order(&as->i_pages, from->index, MM_THP_ORDER, (uint64_t)dst + 1);	/* as the slots are: cannot fail */
		to->refs = (uint16_t)(to->refs + MM_THP_PAGES);
		from->refs = (uint16_t)(from->refs - MM_THP_PAGES);
	}
	move_state(c, src, dst);
}
