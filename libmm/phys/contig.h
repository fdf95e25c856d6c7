/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * phys/contig.h - blocks larger than the page allocator's largest
 */
#ifndef PHYS_CONTIG_H
#define PHYS_CONTIG_H

#include "phys/phys.h"

/**
 * mm_alloc_contig_free() - 2^@order page frames, naturally aligned, of one zone of node @nid, all of them free
 * @order:	above MM_MAX_ORDER
 * @top:	the highest such range of the node, as at boot; else the lowest of its highest zone
 *
 * Return: the first, a compound page with refs 1; MM_PFN_NONE: there is no such range.
 * Source: Linux 6.6 mm/page_alloc.c alloc_contig_pages(). Deviation: pages in use are not moved out of the way.
 */
mm_pfn_t mm_alloc_contig_free(struct mm_phys *phys, uint32_t nid, unsigned int order, bool top);
void mm_free_contig(struct mm_phys *phys, mm_pfn_t head, unsigned int order);

#endif /* PHYS_CONTIG_H */
