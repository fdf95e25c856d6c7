/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libmm/pages.h - page frames, decoded: of /proc/kpageflags and of a simulated machine
 *
 * Frames that look the same and lie one after the other become one row, as
 * tools/mm/page-types -l prints them; the summary counts them by their flags.
 */
#ifndef LIBMM_PAGES_H
#define LIBMM_PAGES_H

#include <libmm/kpageflags.h>
#include <libmm/tables.h>

/* Which frames, and how: page-types' -a and -r. */
struct mm_pages_select {
	uint64_t start_pfn, end_pfn;	/* [start, end) */
	bool raw;			/* all flags, not only the well known */
	bool summary;			/* count by flags instead of listing */
};

/* "N", "N+M" (M pages), "N,M" and "N..M" (up to M, M not in it), "N,": 0 or -EINVAL. */
int mm_pages_select_parse(struct mm_str text, struct mm_pages_select *select);

struct mm_pages_row {
	uint64_t pfn, pages;
	uint64_t flags;			/* as /proc/kpageflags, by mm_pages_select.raw */
	uint64_t mapcount;		/* as /proc/kpagecount */
	/* of a simulated machine only; else MM_MISSING_U64 and NULL */
	const char *use;		/* buddy, pcp, lru, slab, pgtable, compound, page, reserved, hole */
	uint64_t node, section, refcount, order;
	const char *zone, *migratetype;
	uint64_t page_flags;		/* struct page's own word */
	uint64_t index, mapping;	/* of the first page */
};

/* Frames in ascending order into rows of one of the tables. */
struct mm_pages_list;
/* @w is a writer of mm_table_pages.table, or with select->summary of mm_table_pageflags.table.  0 or -ENOMEM. */
int mm_pages_list_new(struct mm_pages_list **lp, const struct mm_pages_select *select, struct mm_table_writer *w);
/* @run->pages frames that are alike, flags as the kernel gives them; outside the selection they are passed over. 0 or -ENOMEM. */
int mm_pages_list_add(struct mm_pages_list *l, const struct mm_pages_row *run);
/* The last rows, and free @l (NULL is allowed). */
void mm_pages_list_end(struct mm_pages_list *l);

/**
 * mm_pages_of_capture() - the frames of a kpageflags file
 * @flags:	its input
 * @counts:	that of the kpagecount beside it, or NULL: not known
 * @l:		takes the frames
 *
 * Return: 0; -EINVAL with @err (empty, cut within a word, counts shorter than flags); -ENOMEM; a read error.
 */
int mm_pages_of_capture(struct mm_pages_list *l, struct mm_input *flags, struct mm_input *counts, struct mm_error *err);

/* The frames of a machine: those that its configuration names. */
extern const struct mm_machine_table mm_table_pages, mm_table_pageflags;

#endif /* LIBMM_PAGES_H */
