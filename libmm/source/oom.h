/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* source/oom.h - between the files that read OOM reports and judge them */
#ifndef SOURCE_OOM_H
#define SOURCE_OOM_H

#include <libmm/oom.h>

/* ---- oom_text.c: slices of a log's line ---- */
struct mm_str mm_oom_skip(struct mm_str s, size_t n);
struct mm_str mm_oom_find(struct mm_str s, const char *word);	/* from the first @word on; .p NULL: none */
struct mm_str mm_oom_trim(struct mm_str s);
/* The number after the first @word of @s, decimal or 0x; false: there is none. */
bool mm_oom_number_after(struct mm_str s, const char *word, int64_t *value);
/* The same as pages of a size in units of which @per_page make one; sizes are kept below 2^48 pages. */
bool mm_oom_pages_after(struct mm_str s, const char *word, uint64_t per_page, uint64_t *pages);
/* What the kernel printed, without what the log put before it (syslog, level, time, caller). */
struct mm_str mm_oom_payload(struct mm_str line);

/* ---- oom_prefix.c: what a log puts before the lines of a report; { 0 } where one begins ---- */
struct mm_oom_prefix {
	char text[128];
	size_t len;
	bool known;
};

/* mm_oom_payload() without the prefix, which is told by the first line of a report whose beginning is known. */
struct mm_str mm_oom_prefix_line(struct mm_oom_prefix *p, struct mm_str line);
struct mm_str mm_oom_prefix_strip(const struct mm_oom_prefix *p, struct mm_str s);

/* ---- oom_facts.c: lines between the first and the task table ---- */

/* Copy @s to the report's text; until the report ends the slice holds its offset there. 0 or -ENOMEM. */
int mm_oom_keep(struct mm_oom_report *r, struct mm_str s, struct mm_str *out);
int mm_oom_fact_line(struct mm_oom_report *r, struct mm_str line);	/* 0 or -ENOMEM */
/* How large a page is by what tasks and the memcg hold, bytes; 4096 where nothing says otherwise. */
uint32_t mm_oom_guess_page_size(const struct mm_oom_report *r);
/* Sizes, until then in units of 4 KiB, become pages of r->page_size; what is counted twice is taken off. */
void mm_oom_facts_end(struct mm_oom_report *r);

/* ---- oom_rule.c: 0 or -ENOMEM ---- */
int mm_oom_judge(struct mm_oom_log *log, const struct mm_oom_settings *settings);

#endif /* SOURCE_OOM_H */
