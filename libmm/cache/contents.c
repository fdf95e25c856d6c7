/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What pages hold.
 *
 * The two top bits of a number tell where it comes from: a name of the trace (00), the disk (01), a store without a
 * name (10), so that those never meet. Deviation: what is written to a file's pages is forgotten when they leave the
 * page cache; it is what is on disk that comes back, which only pages copied from them could tell.
 */
#include "cache/contents.h"

#include <errno.h>
#include <sys/mman.h>

#include <libmm/csv.h>
#include "cache/swap_impl.h"

#define FROM_DISK	(UINT64_C(1) << 62)
#define OF_ITS_OWN	(UINT64_C(1) << 63)

static uint64_t *map(size_t entries)
{
	void *v = mmap(NULL, entries * sizeof(uint64_t), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		       -1, 0);

	return v == MAP_FAILED ? NULL : v;
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
	uint64_t v = UINT64_C(14695981039346656037);

	if (name.len && name.p[0] >= '0' && name.p[0] <= '9' && !mm_parse_u64(name, &v) && v < FROM_DISK)
		return v;
	v = UINT64_C(14695981039346656037);
	for (size_t i = 0; i < name.len; i++)
		v = (v ^ (unsigned char)name.p[i]) * UINT64_C(1099511628211);
	v &= FROM_DISK - 1;
	return v ? v : 1;
}

uint64_t mm_contents_unique(struct mm_cache *c) { return OF_ITS_OWN | ++c->contents_made; }

uint64_t mm_contents_of_file(uint64_t ino, uint64_t index)
{
	return FROM_DISK | ((ino * UINT64_C(0x9e3779b97f4a7c15) ^ index * UINT64_C(0xc2b2ae3d27d4eb4f)) & (FROM_DISK - 1));
}
