/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What pages hold.
 *
 * The two top bits of a number tell where it comes from: a name of the trace (00), the disk (01), a store without a
 * name (10), so that those never meet. What is written back of a file is kept aside and comes back when it is read again. Bytes
 * have no place within a page: whatever changes a part of it makes contents that no other page has, the cut of a page of
 * zeroes excepted.
 */
#include "cache/contents.h"

#include <errno.h>
#include <sys/mman.h>

#include <libmm/csv.h>
#include "base/host_memory.h"
#include "base/str.h"
#include "cache/filemap.h"
#include "cache/shmem.h"
#include "cache/swap_impl.h"

#define FROM_DISK	(UINT64_C(1) << 62)
#define OF_ITS_OWN	(UINT64_C(1) << 63)

static uint64_t *map(size_t entries) { return mm_host_map(entries * sizeof(uint64_t)); }

/* Page cache as it is when contents begin to be kept: what is clean is on disk. */
static void keep_files(struct mm_cache *c)
{
	for (uint32_t id = 1; id <= mm_inode_table_nr(c->inodes); id++) {
		struct mm_address_space *as = mm_address_space_of(c->inodes, id);
		uint64_t v;

		if (!as || mm_mapping_is_shmem(as))
			continue;
		as->host->disk_end = as->host->blocks_end;
		for (uint64_t i = 0; mm_xa_find(&as->i_pages, &i, &v); i++) {
			mm_pfn_t head = (mm_pfn_t)(v - 1);

			if (mm_xa_is_page(v))
				c->contents[mm_folio_file_page(c, head, i)] =
					mm_cache_page(c, head)->flags & MM_PG_DIRTY ? mm_contents_unique(c) : mm_contents_on_disk(as, i);
		}
	}
}

int mm_contents_keep(struct mm_cache *c)
{
	size_t pages = (size_t)c->phys->max_pfn + 1, slots = (size_t)c->swap->max + 1;

	if (c->contents)
		return 0;
	c->contents = map(pages);
	c->swap_contents = map(slots);
	if (!c->contents || !c->swap_contents) {
		mm_contents_free(c);
		return -ENOMEM;
	}
	c->contents_mapped = true;
	for (mm_pfn_t pfn = 0; pfn < c->phys->max_pfn; pfn++) {
		const struct mm_page *p = mm_cache_page(c, pfn);

		if (p->flags & (MM_PG_ANON | MM_PG_TAIL | MM_PG_SWAPBACKED))
			c->contents[pfn] = mm_contents_unique(c);
	}
	keep_files(c);
	for (uint32_t slot = 1; slot < c->swap->max; slot++)
		if (c->swap->map[slot])
			c->swap_contents[slot] = mm_contents_unique(c);
	return 0;
}

void mm_contents_free(struct mm_cache *c)
{
	if (c->contents && c->contents_mapped)
		munmap(c->contents, ((size_t)c->phys->max_pfn + 1) * sizeof(uint64_t));
	if (c->swap_contents && c->contents_mapped)
		munmap(c->swap_contents, ((size_t)c->swap->max + 1) * sizeof(uint64_t));
	c->contents = c->swap_contents = NULL;
}

uint64_t mm_contents_of_name(struct mm_str name)
{
	uint64_t v;

	if (name.len && name.p[0] >= '0' && name.p[0] <= '9' && !mm_parse_u64(name, &v) && v < FROM_DISK)
		return v;
	v = mm_str_fnv1a(name) & (FROM_DISK - 1);
	return v ? v : 1;
}

uint64_t mm_contents_unique(struct mm_cache *c) { return OF_ITS_OWN | ++c->contents_made; }

uint64_t mm_contents_on_disk(const struct mm_address_space *as, uint64_t index)
{
	uint64_t v = mm_xa_load(&as->written, index), native;

	if (v)
		return v - 1;
	native = mm_disk_native(as->host, index);
	if (native == MM_DISK_HOLE || native << MM_PAGE_SHIFT >= as->host->disk_end)
		return 0;
	return FROM_DISK | ((as->id * UINT64_C(0x9e3779b97f4a7c15) ^ native * UINT64_C(0xc2b2ae3d27d4eb4f)) & (FROM_DISK - 1));
}

bool mm_contents_written(struct mm_cache *c, const struct mm_page *p, mm_pfn_t pfn)
{
	struct mm_address_space *as = mm_folio_mapping(c, pfn);

	for (uint64_t i = 0; c->contents && i < mm_folio_nr_pages(p); i++)
		if (mm_xa_store(&as->written, p->index + i, c->contents[pfn + i] + 1, NULL))
			return false;
	return true;
}

void mm_contents_changed(struct mm_cache *c, struct mm_address_space *as, uint64_t index)
{
	mm_pfn_t head = c->contents ? mm_filemap_get_folio(c, as, index) : MM_PFN_NONE;

	if (head != MM_PFN_NONE)
		c->contents[mm_folio_file_page(c, head, index)] = mm_contents_unique(c);
}

void mm_contents_zeroed(struct mm_cache *c, struct mm_address_space *as, uint64_t index)
{
	mm_pfn_t head = c->contents ? mm_filemap_get_folio(c, as, index) : MM_PFN_NONE;

	if (head != MM_PFN_NONE && c->contents[mm_folio_file_page(c, head, index)])
		mm_contents_changed(c, as, index);
}

void mm_contents_cut(struct mm_cache *c, struct mm_address_space *as, uint64_t size)
{
	uint64_t v, i = (size >> MM_PAGE_SHIFT) + (size % MM_PAGE_SIZE != 0);

	if (size % MM_PAGE_SIZE)
		mm_contents_zeroed(c, as, size >> MM_PAGE_SHIFT);
	for (; mm_xa_find(&as->written, &i, &v); i++)
		mm_xa_store(&as->written, i, 0, NULL);
	mm_disk_cut(as->host, size);
}
