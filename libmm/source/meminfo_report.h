/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* source/meminfo_report.h - a failed allocation or OOM in a kernel log, as its lines tell it */
#ifndef SOURCE_MEMINFO_REPORT_H
#define SOURCE_MEMINFO_REPORT_H

#include <libmm/explain.h>

struct mm_report_request {
	uint32_t order;
	char gfp[512];			/* GFP words, or a 0x mask */
};

/* Report @nth (from 0): zones are appended to @l. 0; -ENOENT, -EINVAL or -ENOMEM with @err. */
int mm_meminfo_report_read(struct mm_explain_list *l, struct mm_report_request *rq, struct mm_input *in, uint32_t nth,
			   struct mm_error *err);

#endif /* SOURCE_MEMINFO_REPORT_H */
