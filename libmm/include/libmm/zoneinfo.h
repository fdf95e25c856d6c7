/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libmm/zoneinfo.h - plain rows of /proc/zoneinfo
 *
 * One row a zone, in the order of the file, empty zones too.  A count that the
 * file does not tell is MM_MISSING_U64; unknown lines are passed over.
 */
#ifndef LIBMM_ZONEINFO_H
#define LIBMM_ZONEINFO_H

#include <libmm/error.h>
#include <libmm/input.h>
#include <libmm/table.h>
#include <libmm/types.h>

enum { MM_ZONEINFO_PROTECTIONS = 8, MM_ZONEINFO_NAME = 16 };

/* Zone names of any Linux; the numbers of the first five are those of enum mm_zone_type. */
struct mm_zoneinfo_row {
	uint32_t node;
	uint32_t nr_protection;
	char zone[MM_ZONEINFO_NAME];	/* DMA, DMA32, Normal, HighMem, Movable, Device */
	uint64_t free_pages, boost_pages, min_pages, low_pages, high_pages, promo_pages;
	uint64_t spanned_pages, present_pages, managed_pages, cma_pages;
	uint64_t start_pfn;
	uint64_t free_highatomic_pages;	/* free of those set aside for high-order atomic requests */
	uint64_t protection[MM_ZONEINFO_PROTECTIONS];
	uint64_t lru_pages[5];		/* nr_zone_inactive_anon, _active_anon, _inactive_file, _active_file, _unevictable */
	uint64_t slab_reclaimable_pages;	/* of the node: its first zone with pages has it */
	uint64_t pcp_high, pcp_batch;	/* of the first CPU listed */
	uint64_t pcp_count;		/* of all CPUs listed */
	uint32_t nr_pagesets;		/* CPUs listed */
	uint64_t line;			/* where the zone begins in the file */
};

struct mm_zoneinfo {
	struct mm_zoneinfo_row *v;
	size_t nr, cap;
	uint64_t unknown_lines;		/* lines of a kind that is not known, counted */
};

/**
 * mm_zoneinfo_read() - read a zoneinfo text to its end
 * @zi:		empty or zeroed; the caller frees it with mm_zoneinfo_free(), after an error too
 *
 * Return: 0; -EINVAL with @err (no zone in the file, a count that is no number,
 * a zone twice, node beyond MM_MAX_NODES); -ENOMEM; a read error.
 */
int mm_zoneinfo_read(struct mm_zoneinfo *zi, struct mm_input *in, struct mm_error *err);
void mm_zoneinfo_free(struct mm_zoneinfo *zi);
/* The row of a zone by its name, @zi's; NULL: the file has none. */
const struct mm_zoneinfo_row *mm_zoneinfo_find(const struct mm_zoneinfo *zi, uint32_t node, const char *zone);

#endif /* LIBMM_ZONEINFO_H */
