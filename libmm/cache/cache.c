/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cache/cache.c - what one machine keeps: made after its memory, gone before it
 */
#include "cache/cache.h"
#include "cache/contents.h"
#include "cache/filemap.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/host_memory.h"
#include "cache/fbatches.h"
#include "cache/memcg.h"
#include "cache/shmem.h"
#include "cache/swap_impl.h"

static size_t nr_blocks(const struct mm_cache *c) { return (c->column_pages >> MM_CHARGED_BLOCK_ORDER) + 1; }

int mm_cache_new(struct mm_cache **cp, struct mm_ctx *ctx, struct mm_phys *phys,
		 struct mm_inode_table *inodes, uint64_t swap_bytes)
{
	struct mm_cache *c = mm_host_calloc(1, sizeof(*c));
	int rc = -ENOMEM;

	if (!c)
		return -ENOMEM;
	c->ctx = ctx;
	c->phys = phys;
	c->inodes = inodes;
	for (uint32_t n = 0; n < MM_MAX_NODES; n++)
		c->memcg_lru[n].rng = ctx->rng;
	c->column_pages = phys->max_pfn ? phys->max_pfn : 1;
	c->page_swap = mm_host_map(c->column_pages * sizeof(*c->page_swap));
	c->page_memcg = mm_host_map(c->column_pages * sizeof(*c->page_memcg));
	c->block_charged = mm_host_map(nr_blocks(c) * sizeof(*c->block_charged));
	c->fbatches = mm_host_calloc(ctx->nr_cpus ? ctx->nr_cpus : 1, sizeof(*c->fbatches));
	if (c->page_swap && c->page_memcg && c->block_charged && c->fbatches)
		rc = mm_memcg_new(c, NULL, MM_STR("/"), &c->root_mem_cgroup);
	if (!rc)
		rc = mm_swap_new(c, swap_bytes);
	if (rc) {
		mm_cache_free(c);
		return rc;
	}
	mm_memcg_stats_begin(c);
	*cp = c;
	return 0;
}

void mm_cache_free(struct mm_cache *c)
{
	if (!c)
		return;
	if (c->contents_mapped)
		mm_contents_free(c);
	mm_swap_destroy(c->swap);
	for (uint32_t i = 0; i < c->nr_memcgs; i++)
		mm_memcg_free(c->memcgs[i]);
	free(c->memcgs);
	free(c->memcg_names);
	free(c->fbatches);
	if (c->page_swap)
		munmap(c->page_swap, c->column_pages * sizeof(*c->page_swap));
	if (c->page_memcg)
		munmap(c->page_memcg, c->column_pages * sizeof(*c->page_memcg));
	if (c->block_charged)
		munmap(c->block_charged, nr_blocks(c) * sizeof(*c->block_charged));
	if (c->page_cpupid)
		munmap(c->page_cpupid, c->column_pages * sizeof(*c->page_cpupid));
	free(c);
}

int mm_cache_keep_cpupids(struct mm_cache *c)
{
	if (!c->page_cpupid)
		c->page_cpupid = mm_host_map(c->column_pages * sizeof(*c->page_cpupid));
	return c->page_cpupid ? 0 : -ENOMEM;
}

struct mm_address_space *mm_folio_mapping(const struct mm_cache *c, mm_pfn_t pfn)
{
	const struct mm_page *p = mm_cache_page(c, pfn);

	if ((p->flags & (MM_PG_ANON | MM_PG_SLAB | MM_PG_TABLE | MM_PG_BUDDY | MM_PG_PCP)) || !p->mapping)
		return NULL;
	return mm_address_space_of(c->inodes, p->mapping);
}

/* Every cached page of a file says so itself, and every other way round. */
static bool file_is_consistent(const struct mm_cache *c, struct mm_address_space *as)
{
	uint64_t nr = 0, thps = 0, swapped = 0, dirty = 0, v;

	for (uint64_t i = 0; mm_xa_find(&as->i_pages, &i, &v); i++) {
		const struct mm_page *p;

		swapped += mm_xa_is_swap(v);
		if (!mm_xa_is_page(v))
			continue;
		p = mm_cache_page(c, (mm_pfn_t)(v - 1));
		if (p->mapping != as->id || p->index != i || (p->flags & (MM_PG_ANON | MM_PG_BUDDY | MM_PG_TAIL)) ||
		    p->refs < mm_folio_nr_pages(p))
			return false;
		if (p->flags & MM_PG_DIRTY && !mm_mapping_is_shmem(as) && (i < as->dirty_from || ++dirty > as->nr_dirty))
			return false;
		nr += mm_folio_nr_pages(p);
		thps += mm_folio_nr_pages(p) > 1;
		i += mm_folio_nr_pages(p) - 1;
	}
	return nr == as->nrpages && thps == as->nr_thps && swapped == as->nr_swapped && dirty == as->nr_dirty &&
	       mm_xa_is_consistent(&as->i_pages);
}

bool mm_cache_is_consistent(const struct mm_cache *c)
{
	uint64_t dev_shm = 0;

	for (uint32_t i = 0; i < c->nr_memcgs; i++)
		for (uint32_t n = 0; n < MM_MAX_NODES; n++)
			if (c->memcgs[i]->lruvec[n] && !mm_lruvec_is_consistent(c, c->memcgs[i]->lruvec[n]))
				return false;
	for (uint32_t id = 1; c->inodes && id <= mm_inode_table_nr(c->inodes); id++) {
		struct mm_address_space *as = mm_address_space_of(c->inodes, id);

		if (as && (!file_is_consistent(c, as) || (as->nr_dirty && id < c->dirty_file)))
			return false;
		if (as && as->host->type == MM_INODE_TMPFS)
			dev_shm += as->nrpages + as->nr_swapped;
	}
	if (dev_shm != c->shmem_mount[MM_DEV_SHM].used_blocks)
		return false;
	return mm_memcg_is_consistent(c) && mm_memcg_lru_is_consistent(c) && (!c->swap->max || mm_swap_is_consistent(c));
}
