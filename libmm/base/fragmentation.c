/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The two indices of debugfs extfrag, in the kernel's integer arithmetic.  64 bits
 * hold the sums: a list has at most MM_BUDDYINFO_MAX_PAGES.
 */
#include <libmm/buddyinfo.h>

struct contig_page_info {
	uint64_t free_pages, suitable, blocks;
};

static struct contig_page_info fill_contig_page_info(const uint64_t *blocks, uint32_t nr_orders, uint32_t order)
{
	struct contig_page_info info = { 0 };

	for (uint32_t o = 0; o < nr_orders && o < MM_BUDDYINFO_MAX_ORDERS; o++) {
		info.blocks += blocks[o];
		info.free_pages += blocks[o] << o;
		if (o >= order)
			info.suitable += blocks[o] << (o - order);
	}
	return info;
}

int64_t mm_unusable_free_index(const uint64_t *blocks, uint32_t nr_orders, uint32_t order)
{
	struct contig_page_info info = fill_contig_page_info(blocks, nr_orders, order);

	if (!info.free_pages)
		return 1000;
	return (int64_t)((info.free_pages - (info.suitable << order)) * 1000 / info.free_pages);
}

int64_t mm_fragmentation_index(const uint64_t *blocks, uint32_t nr_orders, uint32_t order)
{
	struct contig_page_info info = fill_contig_page_info(blocks, nr_orders, order);

	if (!info.blocks)
		return 0;
	if (info.suitable)
		return -1000;
	return 1000 - (int64_t)((1000 + (info.free_pages * 1000 >> order)) / info.blocks);
}

uint64_t mm_extfrag_for_order(const uint64_t *blocks, uint32_t nr_orders, uint32_t order)
{
	struct contig_page_info info = fill_contig_page_info(blocks, nr_orders, order);

	if (!info.free_pages)
		return 0;
	return (uint64_t)((info.free_pages - (info.suitable << order)) * 100 / info.free_pages);
}
