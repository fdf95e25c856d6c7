/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * source/oom.c - OOM reports in a kernel log
 *
 *   eater invoked oom-killer: gfp_mask=..., order=0, oom_score_adj=0   begins a report
 *   CPU: 0 PID: 105 Comm: eater ...                                   who asked
 *   memory: usage 49152kB, limit 49152kB ...                          of a memcg
 *   Node 0 DMA32 free:1744kB ... min:1744kB low: ... high: ...        zones
 *   Total swap = 0kB, 65400 pages RAM, 9498 pages reserved            what points are measured against
 *   [  pid  ]   uid  tgid total_vm      rss ... oom_score_adj name    the table's columns, by name
 *   [    105]     0   105    26145    24616 ...                       one row a task
 *   oom-kill:constraint=..., Killed process 105 (eater) ...           ends it
 *
 * Columns of the table are found by name, so every kernel since 3.x is read:
 * those that count page tables (nr_ptes, nr_pmds, nr_puds) instead of their bytes too.  Lines may carry
 * a syslog prefix, a level <6>, a time stamp and a caller [T105].
 */
#include <libmm/oom.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <libmm/csv.h>
#include "base/str.h"

enum col { C_NONE, C_UID, C_TGID, C_TOTAL_VM, C_RSS, C_RSS_PART, C_PGTABLES_BYTES, C_NR_TABLES, C_SWAPENTS, C_ADJ,
	C_NAME };
enum { MAX_COLS = 16, MAX_ROWS = 4 << 20 };

static const struct {
	const char *word;
	enum col col;
} columns[] = {
	{ "uid", C_UID }, { "tgid", C_TGID }, { "total_vm", C_TOTAL_VM }, { "rss", C_RSS },
	{ "rss_anon", C_RSS_PART }, { "rss_file", C_RSS_PART }, { "rss_shmem", C_RSS_PART },
	{ "pgtables_bytes", C_PGTABLES_BYTES }, { "nr_ptes", C_NR_TABLES }, { "nr_pmds", C_NR_TABLES },
	{ "nr_puds", C_NR_TABLES },
	{ "swapents", C_SWAPENTS }, { "oom_score_adj", C_ADJ }, { "name", C_NAME },
};

struct reader {
	struct mm_oom_log *log;
	struct mm_oom_report *r;	/* the one that is open, NULL none */
	enum col cols[MAX_COLS];
	size_t nr_cols;			/* 0: the table has not begun */
	bool old_rule;			/* the kernel counted page tables by number: before 4.15 */
	bool allocating_task;
};

/* ---- small text ---- */

static struct mm_str skip(struct mm_str s, size_t n) { return (struct mm_str){ s.p + n, s.len - n }; }

static struct mm_str find(struct mm_str s, const char *word)
{
	const char *p = memmem(s.p, s.len, word, strlen(word));

	return p ? (struct mm_str){ p, s.len - (size_t)(p - s.p) } : (struct mm_str){ NULL, 0 };
}

static struct mm_str trim(struct mm_str s)
{
	while (s.len && *s.p == ' ')
		s = skip(s, 1);
	while (s.len && s.p[s.len - 1] == ' ')
		s.len--;
	return s;
}

/* The number after the first @word of @s; false: there is none. */
static bool number_after(struct mm_str s, const char *word, int64_t *value)
{
	struct mm_str at = find(s, word);
	size_t n = 0;

	if (!at.p)
		return false;
	at = trim(skip(at, strlen(word)));
	if (at.len && at.p[0] == '-')
		n = 1;
	if (at.len > 2 && at.p[0] == '0' && at.p[1] == 'x')
		n = 2;
	while (n < at.len && ((at.p[n] >= '0' && at.p[n] <= '9') ||
			      (at.len > 2 && at.p[1] == 'x' && strchr("abcdef", at.p[n]) && at.p[n])))
		n++;
	if (at.len > 2 && at.p[1] == 'x') {
		uint64_t u;

		if (mm_parse_u64((struct mm_str){ at.p, n }, &u) || u > INT64_MAX)
			return false;
		*value = (int64_t)u;
		return true;
	}
	return n && !mm_parse_i64((struct mm_str){ at.p, n }, value);
}

/* "[    5.156675] " or "[T105] " at the beginning: its length, else 0. */
static size_t stamp(struct mm_str s)
{
	size_t i = 1;
	bool dot = false, caller = false;

	if (!s.len || s.p[0] != '[')
		return 0;
	while (i < s.len && s.p[i] == ' ')
		i++;
	if (i < s.len && (s.p[i] == 'T' || s.p[i] == 'C')) {
		caller = true;
		i++;
	}
	for (; i < s.len && ((s.p[i] >= '0' && s.p[i] <= '9') || s.p[i] == '.'); i++)
		dot |= s.p[i] == '.';
	if (i >= s.len || s.p[i] != ']' || !(dot || caller))
		return 0;
	return i + 1 < s.len && s.p[i + 1] == ' ' ? i + 2 : i + 1;
}

/* What the kernel printed, without what the log put before it. */
static struct mm_str payload(struct mm_str s)
{
	struct mm_str at = find(s, "kernel: ");
	size_t n;

	if (at.p)
		s = skip(at, 8);
	if (s.len > 2 && s.p[0] == '<') {
		const char *end = memchr(s.p, '>', s.len);

		if (end)
			s = skip(s, (size_t)(end - s.p) + 1);
	}
	while ((n = stamp(s)) > 0)
		s = skip(s, n);
	return s;
}

/* ---- a report: text is one buffer; until the report is closed slices hold offsets into it ---- */

static int keep(struct mm_oom_report *r, struct mm_str s, struct mm_str *out)
{
	if (r->text_len + s.len > r->text_cap) {
		size_t cap = r->text_cap ? r->text_cap * 2 : 1024;
		char *p;

		while (cap < r->text_len + s.len)
			cap *= 2;
		p = realloc(r->text, cap);
		if (!p)
			return -ENOMEM;
		r->text = p;
		r->text_cap = cap;
	}
	memcpy(r->text + r->text_len, s.p, s.len);
	*out = (struct mm_str){ (const char *)(uintptr_t)r->text_len, s.len };
	r->text_len += s.len;
	return 0;
}

static void settle(const struct mm_oom_report *r, struct mm_str *s) { s->p = s->len ? r->text + (uintptr_t)s->p : ""; }

static void report_free(struct mm_oom_report *r)
{
	free(r->rows);
	free(r->zones);
	free(r->text);
}

/* Before 4.17 every killable task had at least one point, root's had 3 % less, and the first of equals was taken. */
static int64_t points_of(const struct reader *rd, const struct mm_oom_report *r, const struct mm_oom_row *row)
{
	int64_t p;

	if (row->pid == 1)
		return MM_OOM_UNKILLABLE;
	if (!rd->old_rule || row->oom_score_adj <= MM_OOM_SCORE_ADJ_MIN)
		return mm_oom_badness(row->rss_pages, row->swapents_pages, row->pgtables_bytes, row->oom_score_adj,
				      r->total_pages);
	p = mm_oom_badness(row->rss_pages, row->swapents_pages, row->pgtables_bytes, 0, r->total_pages);
	if (!row->uid)
		p -= p * 3 / 100;
	p += (int64_t)row->oom_score_adj * (int64_t)(r->total_pages / 1000);
	return p > 0 ? p : 1;
}

/* The row of the task that asked: by pid, or as the thread of a process of that name. */
static struct mm_oom_row *invoker_row(struct mm_oom_report *r)
{
	for (size_t i = 0; i < r->nr_rows; i++)
		if (r->invoker_pid && r->rows[i].pid == r->invoker_pid)
			return &r->rows[i];
	for (size_t i = 0; i < r->nr_rows; i++)
		if (r->rows[i].name.len == r->invoker.len && !memcmp(r->rows[i].name.p, r->invoker.p, r->invoker.len))
			return &r->rows[i];
	return NULL;
}

static void choose_victim(const struct reader *rd, struct mm_oom_report *r)
{
	struct mm_oom_row *victim = NULL;

	for (size_t i = 0; i < r->nr_rows; i++) {
		struct mm_oom_row *row = &r->rows[i];

		row->points = points_of(rd, r, row);
		if (row->points == MM_OOM_UNKILLABLE)
			continue;
		if (!victim || row->points > victim->points || (row->points == victim->points && !rd->old_rule))
			victim = row;
	}
	if (rd->allocating_task && r->constraint != MM_OOM_MEMCG) {
		struct mm_oom_row *asked = invoker_row(r);

		if (asked && asked->points != MM_OOM_UNKILLABLE) {
			victim = asked;
			r->allocating_task = true;
		}
	}
	if (victim)
		victim->victim = true;
}

static void close_report(struct reader *rd)
{
	struct mm_oom_report *r = rd->r;

	if (!r)
		return;
	settle(r, &r->invoker);
	settle(r, &r->memcg);
	for (size_t i = 0; i < r->nr_rows; i++)
		settle(r, &r->rows[i].name);
	for (size_t i = 0; i < r->nr_zones; i++)
		settle(r, &r->zones[i].name);
	if (r->constraint == MM_OOM_MEMCG && r->limit_pages != UINT64_MAX)
		r->total_pages = r->limit_pages + r->swap_pages;
	else
		r->total_pages = r->ram_pages - (r->reserved_pages < r->ram_pages ? r->reserved_pages : 0) +
		r->swap_pages;
	if (!r->total_pages)
		r->total_pages = 1;
	choose_victim(rd, r);
	r->complete = rd->nr_cols && r->nr_rows;
	if (!r->complete) {
		report_free(r);
		rd->log->nr--;
		rd->log->cut_reports++;
	}
	rd->r = NULL;
	rd->nr_cols = 0;
}

static int open_report(struct reader *rd, struct mm_str line, struct mm_str at, uint64_t number)
{
	struct mm_oom_log *log = rd->log;
	int64_t v;

	close_report(rd);
	if (log->nr == log->cap) {
		size_t cap = log->cap ? log->cap * 2 : 8;
		struct mm_oom_report *p = realloc(log->v, cap * sizeof(*p));

		if (!p)
			return -ENOMEM;
		log->v = p;
		log->cap = cap;
	}
	rd->r = &log->v[log->nr];
	*rd->r = (struct mm_oom_report){
		.report = (uint32_t)(log->nr + log->cut_reports), .line = number, .usage_pages = UINT64_MAX,
		.limit_pages = UINT64_MAX,
	};
	log->nr++;
	rd->old_rule = false;
	if (number_after(at, "gfp_mask=", &v))
		rd->r->gfp_mask = (uint32_t)v;
	if (number_after(at, "order=", &v))
		rd->r->order = (int32_t)v;
	if (number_after(at, "oom_score_adj=", &v))
		rd->r->invoker_adj = (int32_t)v;
	return keep(rd->r, (struct mm_str){ line.p, (size_t)(at.p - line.p) }, &rd->r->invoker);
}

/* ---- lines inside a report ---- */

static int zone_line(struct mm_oom_report *r, struct mm_str line)
{
	int64_t node, free_kb, min_kb, low_kb, high_kb;
	struct mm_oom_zone *z;
	struct mm_str at = find(line, " free:"), name;

	if (!number_after(line, "Node ", &node) || node < 0 || node > UINT16_MAX ||
	    !number_after(line, " free:", &free_kb) ||
	    !number_after(line, " min:", &min_kb) || !number_after(line, " low:", &low_kb) ||
	    !number_after(line, " high:", &high_kb))
		return 0;
	name = trim(skip((struct mm_str){ line.p, (size_t)(at.p - line.p) }, 5));
	while (name.len && *name.p != ' ')
		name = skip(name, 1);
	name = trim(name);
	if (free_kb < 0 || min_kb < 0 || low_kb < 0 || high_kb < 0 || !name.len || r->nr_zones >= MM_MAX_NODES * 8)
		return 0;
	if (r->nr_zones == r->cap_zones) {
		size_t cap = r->cap_zones ? r->cap_zones * 2 : 8;

		z = realloc(r->zones, cap * sizeof(*z));
		if (!z)
			return -ENOMEM;
		r->zones = z;
		r->cap_zones = cap;
	}
	z = &r->zones[r->nr_zones++];
	*z = (struct mm_oom_zone){
		.node = (uint32_t)node, .free_pages = (uint64_t)free_kb / 4, .min_pages = (uint64_t)min_kb / 4,
		.low_pages = (uint64_t)low_kb / 4, .high_pages = (uint64_t)high_kb / 4,
	};
	return keep(r, name, &z->name);
}

/*
 * "lowmem_reserve[]: 0 193 193" belongs to the zone before it; the largest is what the highest zone's requests
 * leave.
 */
static void reserve_line(struct mm_oom_report *r, struct mm_str s)
{
	struct mm_oom_zone *z = r->nr_zones ? &r->zones[r->nr_zones - 1] : NULL;

	for (s = trim(s); z && s.len; s = trim(s)) {
		const char *sp = memchr(s.p, ' ', s.len);
		size_t n = sp ? (size_t)(sp - s.p) : s.len;
		uint64_t v;

		if (!mm_parse_u64((struct mm_str){ s.p, n }, &v) && v > z->reserve_pages && v < UINT32_MAX)
			z->reserve_pages = v;
		s = skip(s, n);
	}
}

/* Sizes are kept below 2^48 pages, so that sums of them cannot wrap. */
static bool pages_after(struct mm_str s, const char *word, unsigned int kb_per_page, uint64_t *out)
{
	int64_t v;

	if (!number_after(s, word, &v) || v < 0)
		return false;
	v /= kb_per_page;
	*out = v > INT64_C(1) << 48 ? UINT64_C(1) << 48 : (uint64_t)v;
	return true;
}

static void pages_before(struct mm_str s, const char *word, uint64_t *out)
{
	struct mm_str at = find(s, word);
	uint64_t v;

	if (at.p && !mm_parse_u64(trim((struct mm_str){ s.p, (size_t)(at.p - s.p) }), &v) && v < UINT64_C(1) << 48)
		*out = v;
}

static int fact_line(struct mm_oom_report *r, struct mm_str s)
{
	static const char stats[] = "Memory cgroup stats for ";
	struct mm_str at;
	int64_t v;

	if (mm_str_starts(s, "Node ") && find(s, " free:").p)
		return zone_line(r, s);
	if (mm_str_starts(s, "lowmem_reserve[]:"))
		reserve_line(r, skip(s, 17));
	else if (mm_str_starts(s, "CPU: ") && number_after(s, " PID: ", &v) && v > 0 && v <= UINT32_MAX)
		r->invoker_pid = (uint32_t)v;
	else if (mm_str_starts(s, "memory: usage ")) {
		r->constraint = MM_OOM_MEMCG;
		pages_after(s, "usage ", 4, &r->usage_pages);
		pages_after(s, "limit ", 4, &r->limit_pages);
	} else if (mm_str_starts(s, stats)) {
		s = trim(skip(s, sizeof(stats) - 1));
		at = find(s, ":");
		return keep(r, at.p ? (struct mm_str){ s.p, (size_t)(at.p - s.p) } : s, &r->memcg);
	} else if (mm_str_starts(s, "Total swap = ")) {
		pages_after(s, "= ", 4, &r->swap_pages);
	} else if (mm_str_starts(s, "Free swap")) {
		pages_after(s, "= ", 4, &r->free_swap_pages);
	} else if (find(s, " pages RAM").p) {
		pages_before(s, " pages RAM", &r->ram_pages);
	} else if (find(s, " pages reserved").p) {
		pages_before(s, " pages reserved", &r->reserved_pages);
	}
	return 0;
}

static void table_header(struct reader *rd, struct mm_str s)
{
	rd->nr_cols = 0;
	for (s = trim(s); s.len && rd->nr_cols < MAX_COLS; s = trim(s)) {
		const char *sp = memchr(s.p, ' ', s.len);
		struct mm_str word = { s.p, sp ? (size_t)(sp - s.p) : s.len };
		enum col c = C_NONE;

		for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++)
			if (mm_str_is(word, columns[i].word))
				c = columns[i].col;
		if (c == C_NR_TABLES)
			rd->old_rule = true;
		rd->cols[rd->nr_cols++] = c;
		s = skip(s, word.len);
	}
}

static bool put_number(struct mm_oom_row *row, enum col c, int64_t v)
{
	if (c == C_ADJ) {
		row->oom_score_adj = (int32_t)v;
		return v >= MM_OOM_SCORE_ADJ_MIN && v <= MM_OOM_SCORE_ADJ_MAX;
	}
	if (v < 0 || v > INT64_C(1) << 48 || ((c == C_UID || c == C_TGID) && v > UINT32_MAX))
		return false;
	switch (c) {
	case C_UID: row->uid = (uint32_t)v; break;
	case C_TGID: row->tgid = (uint32_t)v; break;
	case C_TOTAL_VM: row->total_vm_pages = (uint64_t)v; break;
	case C_RSS: row->rss_pages = (uint64_t)v; break;
	case C_PGTABLES_BYTES: row->pgtables_bytes = (uint64_t)v; break;
	case C_NR_TABLES: row->pgtables_bytes += (uint64_t)v * MM_PAGE_SIZE; break;
	case C_SWAPENTS: row->swapents_pages = (uint64_t)v; break;
	default: break;
	}
	return true;
}

/* A row of the table: 1 it was one, 0 not, -ENOMEM. */
static int table_row(struct reader *rd, struct mm_str s)
{
	struct mm_oom_report *r = rd->r;
	const char *end = s.len ? memchr(s.p, ']', s.len) : NULL;
	struct mm_oom_row row = { 0 };
	struct mm_str name = { "", 0 };
	uint64_t pid;

	if (!end || s.p[0] != '[' || mm_parse_u64(trim((struct mm_str){ s.p + 1, (size_t)(end - s.p) - 1 }), &pid) ||
	    pid > UINT32_MAX || r->nr_rows >= MAX_ROWS)
		return 0;
	row.pid = (uint32_t)pid;
	s = skip(s, (size_t)(end - s.p) + 1);
	for (size_t i = 0; i < rd->nr_cols; i++) {
		const char *sp;
		int64_t v;
		size_t n;

		s = trim(s);
		if (rd->cols[i] == C_NAME) {
			name = s;
			break;
		}
		sp = s.len ? memchr(s.p, ' ', s.len) : NULL;
		n = sp ? (size_t)(sp - s.p) : s.len;
		if (!n || mm_parse_i64((struct mm_str){ s.p, n }, &v) || !put_number(&row, rd->cols[i], v))
			return 0;
		s = skip(s, n);
	}
	if (r->nr_rows == r->cap_rows) {
		size_t cap = r->cap_rows ? r->cap_rows * 2 : 64;
		struct mm_oom_row *p = realloc(r->rows, cap * sizeof(*p));

		if (!p)
			return -ENOMEM;
		r->rows = p;
		r->cap_rows = cap;
	}
	if (keep(r, name, &row.name))
		return -ENOMEM;
	r->rows[r->nr_rows++] = row;
	return 1;
}

/* "oom-kill:constraint=CONSTRAINT_MEMCG,...,pid=448" and "Killed process 448 (eater)" name the victim. */
static void summary_line(struct mm_oom_report *r, struct mm_str s)
{
	int64_t pid = -1;

	if (mm_str_starts(s, "oom-kill:constraint=")) {
		for (int c = MM_OOM_NONE; c <= MM_OOM_MEMCG; c++)
			if (mm_str_starts(skip(s, 20), mm_oom_constraint_word((enum mm_oom_constraint)c)))
				r->constraint = (enum mm_oom_constraint)c;
		number_after(s, ",pid=", &pid);
	} else if (find(s, "Killed process ").p || find(s, "Kill process ").p) {
		if (!number_after(s, "Killed process ", &pid))
			number_after(s, "Kill process ", &pid);
	}
	for (size_t i = 0; pid > 0 && i < r->nr_rows; i++)
		if (r->rows[i].pid == (uint64_t)pid)
			r->rows[i].killed = true;
}

static int one_line(struct reader *rd, struct mm_str line, uint64_t number)
{
	struct mm_str s = payload(line), at = find(s, " invoked oom-killer: ");
	int rc;

	if (at.p)
		return open_report(rd, s, at, number);
	if (!rd->r)
		return 0;
	if (mm_str_starts(s, "[") && find(s, " total_vm ").p && find(s, "pid").p) {
		const char *end = memchr(s.p, ']', s.len);

		table_header(rd, end ? skip(s, (size_t)(end - s.p) + 1) : s);
		return 0;
	}
	if (!rd->nr_cols)
		return fact_line(rd->r, s);
	rc = table_row(rd, s);
	if (!rc)
		summary_line(rd->r, s);
	return rc < 0 ? rc : 0;
}

int mm_oom_log_read(struct mm_oom_log *log, struct mm_input *in, bool allocating_task, struct mm_error *err)
{
	struct reader rd = { .log = log, .allocating_task = allocating_task };
	struct mm_str line;
	int rc;

	*log = (struct mm_oom_log){ 0 };
	while ((rc = mm_input_line(in, &line, err)) > 0) {
		rc = one_line(&rd, line, in->line);
		if (rc < 0) {
			mm_error_set(err, rc, "out of memory");
			break;
		}
	}
	close_report(&rd);
	if (!rc && !log->nr)
		rc = mm_input_error(in, err, -EINVAL, log->cut_reports ? "the OOM report ends before its task table" :
				    "no OOM report (a line with \"invoked oom-killer:\") in this log");
	if (rc < 0)
		mm_oom_log_free(log);
	return rc < 0 ? rc : 0;
}

void mm_oom_log_free(struct mm_oom_log *log)
{
	for (size_t i = 0; i < log->nr; i++)
		report_free(&log->v[i]);
	free(log->v);
	*log = (struct mm_oom_log){ 0 };
}
