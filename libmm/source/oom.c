/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * source/oom.c - OOM reports in a kernel log
 *
 *   eater invoked oom-killer: gfp_mask=..., order=0, oom_score_adj=0   begins a report
 *   (facts of the machine or the memcg: oom_facts.c)
 *   [  pid  ]   uid  tgid total_vm      rss ... oom_score_adj name    the table's columns, by name
 *   [    105]     0   105    26145    24616 ...                       one row a task
 *   oom-kill:constraint=..., Killed process 105 (eater) ...           ends it
 *   Kernel panic - not syncing: Out of memory: ...                    or this
 *
 * The kernel writes few reports in a row, but a line "Killed process" for each
 * kill: those that belong to no report are listed.  Of the first report in a
 * log the beginning may be lost; it is read from where it begins.
 *
 * Columns of the table are found by name, so every kernel's is read:
 * those that count page tables (nr_ptes, nr_pmds, nr_puds) instead of their bytes too, and those that tell neither
 * them nor swap.  When the log is read the rule is applied to each report (oom_rule.c).
 */
#include <libmm/oom.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <libmm/csv.h>
#include "base/grow.h"
#include "base/str.h"
#include "source/log_plain.h"
#include "source/meminfo_report.h"
#include "source/oom.h"

#define skip		mm_oom_skip
#define find		mm_oom_find
#define trim		mm_oom_trim
#define number_after	mm_oom_number_after

enum col { C_NONE, C_OOM_ADJ, C_UID, C_TGID, C_TOTAL_VM, C_RSS, C_RSS_PART, C_PGTABLES_BYTES, C_NR_TABLES, C_SWAPENTS, C_ADJ,
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
	{ "swapents", C_SWAPENTS }, { "oom_score_adj", C_ADJ }, { "oom_adj", C_OOM_ADJ }, { "name", C_NAME },
};

struct reader {
	struct mm_oom_log *log;
	struct mm_oom_report *r;	/* the one that is open, NULL none */
	enum col cols[MAX_COLS];
	size_t nr_cols;			/* 0: the table has not begun */
	struct pids {
		uint32_t *v;
		size_t nr, cap;
	} killed, later;		/* whom the report says was killed, and lines after it that belong to none */
	bool failed;			/* the log has a failed allocation, which is no OOM */
	bool done;			/* the report has named who was killed */
	struct mm_oom_prefix prefix;
};

/* ---- a report: text is one buffer; until the report is closed slices hold offsets into it ---- */

static void settle(const struct mm_oom_report *r, struct mm_str *s) { s->p = s->len ? r->text + (uintptr_t)s->p : ""; }

static void report_free(struct mm_oom_report *r)
{
	free(r->rows);
	mm_explain_free(&r->zones);
	free(r->text);
}

static int by_pid(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static bool has_pid(const struct pids *l, uint32_t pid)
{
	return l->nr && bsearch(&pid, l->v, l->nr, sizeof(l->v[0]), by_pid);
}

static int add_pid(struct pids *l, uint32_t pid)
{
	if (mm_grow(&l->v, l->nr, &l->cap, sizeof(*l->v)))
		return -ENOMEM;
	l->v[l->nr++] = pid;
	return 0;
}

static void mark_killed(struct reader *rd)
{
	struct mm_oom_report *r = rd->r;

	if (rd->killed.nr)
		qsort(rd->killed.v, rd->killed.nr, sizeof(rd->killed.v[0]), by_pid);
	if (rd->later.nr)
		qsort(rd->later.v, rd->later.nr, sizeof(rd->later.v[0]), by_pid);
	for (size_t i = 0; i < r->nr_rows; i++) {
		r->rows[i].killed = has_pid(&rd->killed, r->rows[i].pid);
		r->rows[i].killed_later = has_pid(&rd->later, r->rows[i].pid);
	}
	rd->killed.nr = rd->later.nr = 0;
}

static void close_report(struct reader *rd)
{
	struct mm_oom_report *r = rd->r;

	if (!r)
		return;
	r->end_said |= rd->done || rd->killed.nr || r->panicked || r->sacrifice;
	mark_killed(rd);
	settle(r, &r->invoker);
	settle(r, &r->gfp);
	settle(r, &r->memcg);
	for (size_t i = 0; i < r->nr_slabs; i++)
		settle(r, &r->slabs[i].name);
	for (size_t i = 0; i < r->nr_rows; i++)
		settle(r, &r->rows[i].name);
	r->complete = rd->nr_cols && r->nr_rows;
	rd->log->cut_reports += !r->complete && !r->headless;
	if (!r->complete && r->headless) {
		report_free(r);
		rd->log->nr--;
	}
	rd->r = NULL;
	rd->nr_cols = 0;
}

static int begin_report(struct reader *rd, uint64_t number)
{
	struct mm_oom_log *log = rd->log;

	close_report(rd);
	if (mm_grow(&log->v, log->nr, &log->cap, sizeof(*log->v)))
		return -ENOMEM;
	rd->r = &log->v[log->nr];
	*rd->r = (struct mm_oom_report){
		.report = (uint32_t)log->nr, .line = number, .usage_pages = UINT64_MAX,
		.limit_pages = UINT64_MAX, .swap_usage_pages = UINT64_MAX, .swap_limit_pages = UINT64_MAX,
		.memsw_usage_pages = UINT64_MAX, .memsw_limit_pages = UINT64_MAX,
	};
	for (int h = 0; h < MM_OOM_NR_HELD; h++)
		rd->r->held[h] = UINT64_MAX;
	log->nr++;
	rd->done = false;
	rd->prefix = (struct mm_oom_prefix){ 0 };
	return 0;
}

/* @at: " invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0"; before 2.6.18 from "oom-killer: " on */
static int open_report(struct reader *rd, struct mm_str line, struct mm_str at, uint64_t number)
{
	struct mm_report_request said = { 0 };
	int rc = begin_report(rd, number);
	int64_t v;

	if (rc)
		return rc;
	if (number_after(at, "gfp_mask=", &v))
		rd->r->gfp_mask = (uint32_t)v;
	if (number_after(at, "order=", &v))
		rd->r->order = (int32_t)v;
	else
		rd->r->no_order = true;
	if (number_after(at, "oom_score_adj=", &v))
		rd->r->invoker_adj = (int32_t)v;
	if (mm_report_request_line(at, &said) && strcmp(said.gfp, "0") &&
	    mm_oom_keep(rd->r, (struct mm_str){ said.gfp, strlen(said.gfp) }, &rd->r->gfp))
		return -ENOMEM;
	return mm_oom_keep(rd->r, (struct mm_str){ line.p, (size_t)(at.p - line.p) }, &rd->r->invoker);
}

/* A line that stands only at the beginning of a report, whose first line is not in the log. */
static bool is_beginning(struct mm_str s)
{
	return mm_str_is(s, "Mem-Info:") || mm_str_starts(s, "memory: usage ");
}

static int begin_headless(struct reader *rd, uint64_t number)
{
	int rc = begin_report(rd, number);

	if (!rc)
		rd->r->headless = true;
	return rc;
}

/* ---- the task table ---- */

static void table_header(struct reader *rd, struct mm_str s)
{
	bool has[C_NAME + 1] = { false };

	rd->nr_cols = 0;
	for (s = trim(s); s.len && rd->nr_cols < MAX_COLS; s = trim(s)) {
		const char *sp = memchr(s.p, ' ', s.len);
		struct mm_str word = { s.p, sp ? (size_t)(sp - s.p) : s.len };
		enum col c = C_NONE;

		for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++)
			if (mm_str_is(word, columns[i].word))
				c = columns[i].col;
		if (c == C_NR_TABLES)
			rd->r->counts_tables = true;
		rd->cols[rd->nr_cols++] = c;
		has[c] = true;
		s = skip(s, word.len);
	}
	if (rd->nr_cols && rd->cols[rd->nr_cols - 1] != C_NAME)
		rd->nr_cols = 0;	/* it is cut, and rows have more than it tells */
	rd->r->no_tables = !has[C_NR_TABLES] && !has[C_PGTABLES_BYTES];
	rd->r->no_swapents = !has[C_SWAPENTS];
	rd->r->old_rule = has[C_OOM_ADJ] && !has[C_ADJ];
}

static bool put_number(struct mm_oom_row *row, enum col c, int64_t v)
{
	if (c == C_ADJ) {
		row->oom_score_adj = (int32_t)v;
		return v >= MM_OOM_SCORE_ADJ_MIN && v <= MM_OOM_SCORE_ADJ_MAX;
	}
	if (c == C_OOM_ADJ)
		return v >= -17 && v <= 15;	/* OOM_DISABLE .. OOM_ADJUST_MAX */
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
		if (!n || mm_parse_i64((struct mm_str){ s.p, n }, &v) || !put_number(&row, rd->cols[i], v)) {
			rd->log->cut_rows += i && !n;
			return 0;
		}
		s = skip(s, n);
	}
	if (mm_grow(&r->rows, r->nr_rows, &r->cap_rows, sizeof(*r->rows)))
		return -ENOMEM;
	if (mm_oom_keep(r, name, &row.name))
		return -ENOMEM;
	r->rows[r->nr_rows++] = row;
	return 1;
}

static uint64_t kib_after(struct mm_str s, const char *word)
{
	int64_t v;

	return number_after(s, word, &v) && v >= 0 ? (uint64_t)v : UINT64_MAX;
}

/* "[Memory cgroup out of memory: ]Killed process 4711 (java) total-vm:8388608kB, anon-rss:2097152kB, ... oom_score_adj:900", of @report */
static int lone_kill(struct reader *rd, struct mm_str s, uint32_t pid, uint64_t number, uint32_t report)
{
	struct mm_oom_log *log = rd->log;
	struct mm_str name = find(find(s, "Killed process "), "("), total = find(name, "total-vm:");
	struct mm_oom_kill *k;
	size_t n = total.p ? (size_t)(total.p - name.p) : 0;

	if (!total.p)			/* before 2.6.36 the name ends it: "(java)" or "(java)." */
		n = name.len;
	while (n && name.p[n - 1] != ')')	/* "(java) total-vm:", "(java), UID 1000, total-vm:" */
		n--;
	n = n > 2 ? n - 2 : 0;
	if (mm_grow(&log->kills, log->nr_kills, &log->cap_kills, sizeof(*log->kills)))
		return -ENOMEM;
	k = &log->kills[log->nr_kills++];
	*k = (struct mm_oom_kill){ .line = number, .report = report, .pid = pid, .memcg = find(s, "Memory cgroup out of memory").p != NULL,
		.anon_kib = kib_after(s, "anon-rss:"), .file_kib = kib_after(s, "file-rss:"), .shmem_kib = kib_after(s, "shmem-rss:") };
	if (!number_after(s, "oom_score_adj:", &k->oom_score_adj))
		k->oom_score_adj = INT64_MIN;
	n = n < sizeof(k->name) ? n : sizeof(k->name) - 1;
	if (n)
		memcpy(k->name, name.p + 1, n);
	return rd->r ? add_pid(&rd->later, pid) : 0;
}

static bool is_in_table(const struct mm_oom_report *r, uint32_t pid)
{
	for (size_t i = 0; i < r->nr_rows; i++)
		if (r->rows[i].pid == pid)
			return true;
	return false;
}

/* ",oom_memcg=/a/b,task_memcg=": the cgroup whose limit it was; 4.20 to 5.1 say CONSTRAINT_NONE before it. 0 or -ENOMEM. */
static int keep_memcg(struct mm_oom_report *r, struct mm_str s)
{
	static const char word[] = ",oom_memcg=";
	struct mm_str at = find(s, word), end = at.p ? find(at, ",task_memcg=") : at;

	if (!end.p)
		return 0;
	r->constraint = MM_OOM_MEMCG;
	at = skip(at, sizeof(word) - 1);
	return r->memcg.len ? 0 : mm_oom_keep(r, (struct mm_str){ at.p, (size_t)(end.p - at.p) }, &r->memcg);
}

/*
 * "oom-kill:constraint=CONSTRAINT_MEMCG,...,pid=448" and "Killed process 448 (eater)" name the victim (of a thread that
 * asked itself, vm.oom_kill_allocating_task, the second alone names the process).  Others follow only where the memcg's group dies, or
 * share the memory.
 */
static int summary_line(struct reader *rd, struct mm_str s, uint64_t number)
{
	struct mm_oom_report *r = rd->r;
	int64_t pid = -1;
	struct mm_str task;

	if (r && (find(s, "Out of memory: system-wide panic_on_oom").p || find(s, "Out of memory: compulsory panic_on_oom").p))
		r->panicked = true;
	if (r && (find(s, "no killable processes").p || find(s, "deadlocked on memory").p))
		r->end_said = true;
	if (r && find(s, " or sacrifice child").p) {
		r->sacrifice = true;
		if (number_after(s, "Kill process ", &pid) && pid > 0 && pid <= UINT32_MAX && number_after(s, ") score ", &r->said_score))
			r->said_pid = (uint32_t)pid;
		pid = -1;
	}
	if (r && mm_str_starts(s, "Tasks in ") && find(s, "memory.oom.group set").p)
		r->group = true;
	if (r && mm_str_starts(s, "oom-kill:constraint=")) {
		r->constraint_said = true;
		for (int c = MM_OOM_NONE; c <= MM_OOM_MEMCG; c++)
			if (mm_str_starts(skip(s, 20), mm_oom_constraint_word((enum mm_oom_constraint)c)))
				r->constraint = (enum mm_oom_constraint)c;
		if (keep_memcg(r, s))
			return -ENOMEM;
		for (task = find(s, ",pid="); task.len; task = find(skip(task, 1), ",pid="))
			number_after(task, ",pid=", &pid);	/* the last: a name may hold commas */
	} else if (find(s, "Killed process ").p && number_after(s, "Killed process ", &pid) && pid > 0 && pid <= UINT32_MAX) {
		bool follows = rd->done && r && (r->group || find(s, "sharing same memory").p);
		bool first = r && !rd->done && is_in_table(r, (uint32_t)pid);
		bool tableless = r && !r->nr_rows && (!rd->done || follows);

		rd->done = true;
		if (tableless || !(follows || first))
			return lone_kill(rd, s, (uint32_t)pid, number, tableless ? r->report : MM_OOM_NO_REPORT);
		r->asked_said |= find(s, "(oom_kill_allocating_task): Killed").p != NULL;
	}
	if (pid <= 0 || pid > UINT32_MAX)
		return 0;
	return add_pid(&rd->killed, (uint32_t)pid);
}

/* What is printed as one record of several lines is joined by the newline's number: "#012" by a syslog daemon, "\x0a" in /dev/kmsg. */
static int fact_lines(struct mm_oom_report *r, struct mm_str s)
{
	const char *joint = find(s, "#012").p ? "#012" : "\\x0a";
	int rc = 0;

	while (!rc && s.len) {
		struct mm_str at = find(s, joint);
		size_t n = at.p ? (size_t)(at.p - s.p) : s.len;

		rc = mm_oom_fact_line(r, (struct mm_str){ s.p, n });
		s = at.p ? skip(at, strlen(joint)) : skip(s, n);
	}
	return rc;
}

/* What the kernel printed.  Where the log's own form is told by this line, who asked was read with it. */
static struct mm_str printed(struct reader *rd, struct mm_str line)
{
	bool known = rd->prefix.known || !rd->r;
	struct mm_str s = known ? mm_oom_prefix_strip(&rd->prefix, mm_oom_payload(line)) : mm_oom_prefix_line(&rd->prefix, line);

	if (!known && rd->prefix.len && rd->r->invoker.len) {
		struct mm_oom_report *r = rd->r;
		struct mm_str who = { r->text + (uintptr_t)r->invoker.p, r->invoker.len }, name = mm_oom_prefix_strip(&rd->prefix, who);

		r->invoker.p = (const char *)((uintptr_t)r->invoker.p + who.len - name.len);
		r->invoker.len = name.len;
	}
	return s;
}

static int one_line(struct reader *rd, struct mm_str line, uint64_t number)
{
	struct mm_str s = printed(rd, line), at = find(s, " invoked oom-killer: ");
	bool table = mm_str_starts(s, "[") && find(s, " total_vm ").p && find(s, "pid").p;
	int rc = 0;

	if (!at.p && mm_str_starts(s, "oom-killer: gfp_mask="))
		at = s;			/* before 2.6.18 */
	if (at.p)
		return open_report(rd, s, at, number);
	rd->failed |= find(s, ": page allocation failure: ").p || find(s, ": page allocation failure. ").p ||
		      find(s, ": vmalloc: allocation failure").p || find(s, ": vmalloc error: size ").p;
	/* another CPU's failed allocation may stand in the midst of a table */
	if (table ? !rd->r || rd->r->nr_rows : is_beginning(s) && (!rd->r || rd->done))
		rc = begin_headless(rd, number);
	if (rc)
		return rc;
	if (table) {
		const char *end = memchr(s.p, ']', s.len);

		table_header(rd, end ? skip(s, (size_t)(end - s.p) + 1) : s);
		return 0;
	}
	if (rd->r && !rd->nr_cols && !find(s, "Killed process ").p && !mm_str_starts(s, "oom-kill:constraint="))
		return fact_lines(rd->r, s);
	if (rd->r && rd->nr_cols)
		rc = table_row(rd, s);
	if (!rc)
		rc = summary_line(rd, s, number);
	return rc < 0 ? rc : 0;
}

/* Pages are as large as the settings or the report's blocks say, or those of another report of the log. */
static void settle_pages(struct mm_oom_log *log, const struct mm_oom_settings *settings)
{
	uint32_t all = settings ? settings->page_size : 0;

	for (size_t i = 0; !all && i < log->nr; i++)
		all = log->v[i].zones.page_size;
	for (size_t i = 0; i < log->nr; i++) {
		struct mm_oom_report *r = &log->v[i];
		uint32_t own = settings && settings->page_size ? 0 : r->zones.page_size;

		r->page_size = own ? own : all;
		if (!r->page_size) {
			r->page_size = mm_oom_guess_page_size(r);
			r->page_size_guessed = r->page_size != MM_PAGE_SIZE;
		}
		mm_oom_facts_end(r);
	}
}

int mm_oom_log_read(struct mm_oom_log *log, struct mm_input *in, const struct mm_oom_settings *settings,
		    struct mm_error *err)
{
	struct reader rd = { .log = log };
	struct mm_log_plain plain = { 0 };
	struct mm_str line;
	int rc;

	*log = (struct mm_oom_log){ 0 };
	while ((rc = mm_log_plain_next(&plain, in, &line, err)) > 0) {
		rc = one_line(&rd, line, plain.line);
		if (rc < 0) {
			mm_error_set(err, rc, "out of memory");
			break;
		}
	}
	close_report(&rd);
	mm_log_plain_free(&plain);
	free(rd.killed.v);
	free(rd.later.v);
	if (!rc && !log->nr && !log->nr_kills)
		rc = mm_input_error(in, err, -EINVAL, rd.failed ?
				    "no OOM report in this log, but a failed allocation: mm-buddy --explain tells of it" :
				    "no OOM report (a line with \"invoked oom-killer:\") in this log");
	settle_pages(log, settings);
	if (!rc && (rc = mm_oom_judge(log, settings)) != 0)
		mm_error_set(err, rc, "out of memory");
	if (rc < 0)
		mm_oom_log_free(log);
	return rc < 0 ? rc : 0;
}

const char *mm_oom_held_words(enum mm_oom_held h)
{
	static const char *const words[] = {
#define X(sym, text) text,
		MM_OOM_HELD(X)
#undef X
	};

	return words[h];
}

void mm_oom_log_free(struct mm_oom_log *log)
{
	for (size_t i = 0; i < log->nr; i++)
		report_free(&log->v[i]);
	free(log->v);
	free(log->kills);
	*log = (struct mm_oom_log){ 0 };
}
