/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* source/meminfo_report.h - a failed allocation or OOM in a kernel log, as its lines tell it */
#ifndef SOURCE_MEMINFO_REPORT_H
#define SOURCE_MEMINFO_REPORT_H

#include <libmm/explain.h>

struct mm_report_request {
	uint32_t order;
	char gfp[512];			/* GFP words, or a 0x mask */
	uint64_t vmalloc_bytes;		/* of vmalloc(), which asks page by page; 0: it is not */
	bool no_page_asked;		/* which failed before that */
};

/* A report's first line, "invoked oom-killer" or "page allocation failure": its request; false: it is no such line. */
bool mm_report_request_line(struct mm_str line, struct mm_report_request *rq);
enum { MM_KERNEL_FREE_HIGHATOMIC = 6012 };	/* since this one what is free of HighAtomic pageblocks counts, not all of them */
/* "6.12.3-1-amd64" at the beginning of @release as struct mm_explain_list has it, 0: it is no version. */
uint32_t mm_kernel_of_release(struct mm_str release);
/* The same of "Linux version 6.12.3 (...". 0: it is no such line. */
uint32_t mm_kernel_of_banner(struct mm_str line);
/*
 * A zone, its reserves or its free blocks, in a line without what the log put before it: 1, 0 it is none of these, -ENOMEM. Sizes are in
 * units of 4 KiB until mm_report_zones_end() makes them pages of l->page_size; blocks tell that where the caller has not (0).
 * The report's line of the CPU tells l->kernel; it is none of these.
 */
int mm_report_zone_line(struct mm_explain_list *l, struct mm_str line);
void mm_report_zones_end(struct mm_explain_list *l);

/* Report @nth (from 0): zones are appended to @l. 0; -ENOENT, -EINVAL or -ENOMEM with @err. */
int mm_meminfo_report_read(struct mm_explain_list *l, struct mm_report_request *rq, struct mm_input *in, uint32_t nth,
			   struct mm_error *err);

#endif /* SOURCE_MEMINFO_REPORT_H */
