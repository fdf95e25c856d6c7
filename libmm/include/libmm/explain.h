/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libmm/explain.h - why a request for pages is served, or not: zone by zone, the check that decides
 *
 * Zones come from a machine, from /proc/zoneinfo and buddyinfo or pagetypeinfo,
 * or from the Mem-Info block that the kernel prints when an allocation fails.
 */
#ifndef LIBMM_EXPLAIN_H
#define LIBMM_EXPLAIN_H

#include <libmm/buddyinfo.h>
#include <libmm/gfp.h>
#include <libmm/table.h>
#include <libmm/types.h>
#include <libmm/source.h>
#include <libmm/zoneinfo.h>

enum { MM_EXPLAIN_RESERVES = 8 };

/* One zone as a source tells it; pages. */
struct mm_explain_zone {
	uint32_t node;
	char zone[MM_BUDDYINFO_NAME];
	/* watermarks with the boost in them, as the kernel prints them */
	uint64_t free_pages, min_pages, low_pages, high_pages;
	uint64_t boost_pages, managed_pages, cma_pages;
	uint64_t highatomic_pages;				/* that the watermark test takes off: set aside; since 6.12 free of these */
	bool highatomic_is_free;				/* it was told how many of them are free */
	uint64_t present_pages;					/* of a report; 0: not said */
	uint64_t reserve[MM_EXPLAIN_RESERVES];			/* by the highest zone a request may use */
	uint32_t nr_reserve;					/* 0: not told */
	uint32_t nr_orders;
	uint64_t blocks[MM_BUDDYINFO_MAX_ORDERS];
	uint8_t types[MM_BUDDYINFO_MAX_ORDERS];			/* bit by migrate type that has such a block */
	bool types_known;
};

/* What is known of pages set aside for high-order atomic requests: all that matters, or what stands for it. */
enum mm_explain_highatomic {
	MM_HIGHATOMIC_KNOWN,
	MM_HIGHATOMIC_RESERVED,		/* of what kernel is not known: whole pageblocks, as before 6.12 */
	MM_HIGHATOMIC_AT_MOST,		/* of a kernel since 6.12: not how many are free, but how many at most */
};

struct mm_explain_list {
	struct mm_explain_zone *v;
	size_t nr, cap;
	uint32_t page_size;		/* bytes; what a report's blocks say it is; 0: 4096 */
	uint32_t nr_reports;		/* that its log has */
	bool lost_zones;		/* the report was cut, or lacks lines: there may be zones that are not told */
	bool high_pages;		/* the report counts pages of high memory, or of the zone Movable alone */
	uint32_t kernel;		/* 1000 times its version and its patch level, 6012 is 6.12; 0: not told */
	enum mm_explain_highatomic highatomic;
};

/* an empty zone at the end; NULL: host memory */
struct mm_explain_zone *mm_explain_add(struct mm_explain_list *l);
void mm_explain_free(struct mm_explain_list *l);

/* l->kernel is what proc/version of the sysroot says, or proc/sys/kernel/osrelease; 0 when neither does. */
void mm_explain_kernel_of(struct mm_explain_list *l, const struct mm_sysroot *root);

/* Zones of a capture of l->kernel: @zi's, with the blocks of @bi (buddyinfo or pagetypeinfo). 0 or -ENOMEM. */
int mm_explain_of_capture(struct mm_explain_list *l, const struct mm_zoneinfo *zi, const struct mm_buddyinfo *bi);

struct mm_explain_request {
	mm_gfp_t gfp;
	uint32_t order;
	uint64_t vmalloc_bytes;		/* a report's of vmalloc(), which asks page by page; 0: it is not */
	bool no_page_asked;		/* which failed before that */
};

/* "ORDER[,GFP]" as on the command line; the GFP words default to GFP_KERNEL. 0 or -EINVAL. */
int mm_explain_request_parse(struct mm_str text, struct mm_explain_request *rq);

/*
 * The report of a failed allocation or of the OOM killer in a kernel log: its
 * request and zones.  @nth counts reports from 0.  l->page_size is what the report's blocks say, unless the caller has set it.  0;
 * -ENOENT with @err: no such report; -EINVAL, -ENOMEM.
 */
int mm_explain_of_report(struct mm_explain_list *l, struct mm_explain_request *rq, struct mm_input *in, uint32_t nth,
			 struct mm_error *err);

struct mm_explain_row {
	uint64_t node;
	const char *zone, *path, *verdict;
	uint64_t free_pages, unusable_pages, mark_pages, reserve_pages, short_pages;
	uint64_t largest_order;
	const char *why;
	char words[192];		/* what why points to: a row is not to be copied */
};

extern const struct mm_table mm_explain_table;

/*
 * What zone @z of @l says to @rq: at the low watermark (fast path), or as the @slow path asks it. Numbers of a zone that is not asked are
 * MM_MISSING_U64.
 */
void mm_explain_zone(const struct mm_explain_list *l, const struct mm_explain_zone *z, const struct mm_explain_request *rq, bool slow,
		     struct mm_explain_row *row);

/* The rows of the table explain: each zone at the low watermark (fast path), then as the slow path asks it. */
void mm_explain_rows(const struct mm_explain_list *l, const struct mm_explain_request *rq, struct mm_table_writer *w);

#endif /* LIBMM_EXPLAIN_H */
