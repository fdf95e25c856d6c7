/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* source/damon.h - what DAMON saw of one region, as rows of a trace */
#ifndef SOURCE_DAMON_H
#define SOURCE_DAMON_H

#include "source/trace_source.h"

struct mm_damon_region {
	uint64_t target, start, end, nr_accesses;
	uint64_t time_ns;
	bool timed;
};

/* Rows for @r that stands in @line; room for MM_TRACE_LINE_ROWS is there. 0 or -errno with @err. */
int mm_damon_rows(struct mm_trace_source *src, struct mm_trace_batch *b, const struct mm_damon_region *r, uint64_t line,
		  struct mm_error *err);

#endif /* SOURCE_DAMON_H */
