/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The columns of mm-top: what each shows, how wide, how it sorts.
 *
 * Numbers shrink to fit their column as procps 4.0.2 shrinks them: sizes step
 * from KiB up to the first unit that fits, times from hundredths to weeks.
 * Single precision is on purpose: it is what the original rounds with.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "top.h"

const struct top_field_def top_fields[TOP_NR_FIELDS] = {
#define X(sym, heading, width, kind, want, help) [TOP_##sym] = { heading, width, TOP_##kind, want, help },
	TOP_FIELDS(X)
#undef X
};

enum { TEXT = 64 };

int top_field_find(const char *name)
{
	for (int f = 0; f < TOP_NR_FIELDS; f++)
		if (!strcmp(top_fields[f].heading, name))
			return f;
	for (int f = 0; f < TOP_NR_FIELDS; f++)
		if (!strcasecmp(top_fields[f].heading, name))
			return f;
	return -1;
}

bool top_field_shown(const struct top_config *c, enum top_field f)
{
	for (size_t i = 0; i < c->nr_shown; i++)
		if (c->shown[i] == f)
			return true;
	return false;
}

uint32_t top_field_width(const struct top *t, enum top_field f)
{
	return top_fields[f].width ? top_fields[f].width : t->pid_width;
}

/* ---- values -------------------------------------------------------------- */

uint64_t top_add(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

uint64_t top_ticks(const struct top *t, const struct mm_pid_row *r)
{
	return t->c.cumulative ? top_add(r->ticks, r->child_ticks) : r->ticks;
}

/* The number behind a field; MM_MISSING_U64 when it is not known. */
static uint64_t value(const struct top *t, const struct mm_pid_row *r, enum top_field f)
{
	switch (f) {
	case TOP_PID: return r->pid;
	case TOP_PPID: return r->ppid;
	case TOP_TGID: return r->tgid;
	case TOP_UID: return r->euid;
	case TOP_RUID: return r->ruid;
	case TOP_SUID: return r->suid;
	case TOP_PR: return (uint64_t)(int64_t)r->priority;
	case TOP_NI: return (uint64_t)(int64_t)r->nice;
	case TOP_NTH: return r->nr_threads;
	case TOP_TIME: case TOP_TIME2: return top_ticks(t, r);
	case TOP_VIRT: return r->virt_kib;
	case TOP_MEM: case TOP_RES: return r->res_kib;
	case TOP_SHR: return r->shr_kib;
	case TOP_CODE: return r->code_kib;
	case TOP_DATA: return r->data_kib;
	case TOP_SWAP: return r->swap_kib;
	case TOP_USED: return top_add(r->res_kib, r->swap_kib);
	case TOP_RSAN: return r->rss_anon_kib;
	case TOP_RSFD: return r->rss_file_kib;
	case TOP_RSLK: return r->locked_kib;
	case TOP_RSSH: return r->rss_shmem_kib;
	case TOP_PSS: return r->pss_kib;
	case TOP_USS: return r->uss_kib;
	case TOP_RSS: return r->smaps_rss_kib;
	case TOP_PSAN: return r->pss_anon_kib;
	case TOP_PSFD: return r->pss_file_kib;
	case TOP_PSSH: return r->pss_shmem_kib;
	case TOP_NMAJ: return r->maj_flt;
	case TOP_NMIN: return r->min_flt;
	case TOP_VMJ: return r->maj_flt_delta;
	case TOP_VMN: return r->min_flt_delta;
	case TOP_OOMA: return (uint64_t)(int64_t)r->oom_score_adj;
	case TOP_OOMS: return (uint64_t)(int64_t)r->oom_score;
	case TOP_S: return (unsigned char)r->state;
	case TOP_ACC: return r->ticks;
	default: return r->ticks_delta;
	}
}

bool top_field_known(const struct top *t, enum top_field f)
{
	bool of_trace = f == TOP_ACC || f == TOP_ACCP || f == TOP_ACCD;

	if (!t->trace)
		return !of_trace;
	switch (f) {
	case TOP_PID: case TOP_PPID: case TOP_TGID: case TOP_S: case TOP_COMMAND: case TOP_VIRT: case TOP_RES: case TOP_MEM:
	case TOP_SHR: case TOP_CODE: case TOP_DATA: case TOP_SWAP: case TOP_USED: case TOP_RSAN: case TOP_RSFD:
	case TOP_RSSH: case TOP_RSLK: case TOP_NMAJ: case TOP_NMIN: case TOP_VMJ: case TOP_VMN: case TOP_OOMA:
		return true;
	default:
		return of_trace;
	}
}

/* The printers below return the length; stdio would cost more than reading the process did. */
size_t top_put_u64(char *p, uint64_t v)
{
	char digits[20];
	size_t n = 0, len = 0;

	do
		digits[n++] = (char)('0' + v % 10);
	while (v /= 10);
	while (n)
		p[len++] = digits[--n];
	p[len] = 0;
	return len;
}

static uint32_t uid_of(const struct mm_pid_row *r, enum top_field f)
{
	return f == TOP_RUSER ? r->ruid : f == TOP_SUSER ? r->suid : r->euid;
}

static const char *user_of(struct top *t, const struct mm_pid_row *r, enum top_field f, char buf[TEXT])
{
	const char *name = "?";

	if (r->status_seen || (f == TOP_USER && top_euid_known(r)))
		name = top_user_name(t, uid_of(r, f));
	else if (r->ps_user && f == TOP_USER)
		name = r->ps_user;
	if (!name && f == TOP_USER)
		name = r->ps_user;
	if (!name)
		top_put_u64(buf, uid_of(r, f));
	return name ? name : buf;
}

int top_compare(struct top *t, const struct top_item *a, const struct top_item *b)
{
	enum top_field f = t->c.sort;
	char x[TEXT], y[TEXT];
	int order;

	switch (top_fields[f].kind) {
	case TOP_USER_NAME:
		order = strcmp(user_of(t, a->row, f, x), user_of(t, b->row, f, y));
		break;
	case TOP_LINE: case TOP_CMD:
		order = strcmp(t->keys + a->key, t->keys + b->key);
		break;
	case TOP_NUM: case TOP_PRI: {
		int64_t p = (int64_t)value(t, a->row, f), q = (int64_t)value(t, b->row, f);

		order = p < q ? -1 : p > q;
		break;
	}
	default: {
		uint64_t p = value(t, a->row, f), q = value(t, b->row, f);

		p = p == MM_MISSING_U64 ? 0 : p;
		q = q == MM_MISSING_U64 ? 0 : q;
		order = p < q ? -1 : p > q;
	}
	}
	if (!order)
		return a->row->pid < b->row->pid ? -1 : a->row->pid > b->row->pid;
	return t->c.ascending ? order : -order;
}

/* ---- texts ---------------------------------------------------------------- */

/* @num with one decimal, rounded as printf() does: to even where it is a tie. */
static size_t put_tenths(char *p, float num)
{
	double tenths = (double)num * 10;	/* exact: a float has 24 bits */
	uint64_t whole = tenths < 1e18 ? (uint64_t)tenths : (uint64_t)1e18;
	double rest = tenths - (double)whole;
	size_t n;

	whole += rest > 0.5 || (rest == 0.5 && whole & 1);
	n = top_put_u64(p, whole / 10);
	p[n++] = '.';
	p[n++] = (char)('0' + whole % 10);
	p[n] = 0;
	return n;
}

static size_t put_two(char *p, char mark, uint64_t v)
{
	p[0] = mark;
	p[1] = (char)('0' + v / 10 % 10);
	p[2] = (char)('0' + v % 10);
	p[3] = 0;
	return 3;
}

static void make_num(char *buf, int64_t v, size_t width)
{
	size_t n = 0;

	if (v < 0)
		buf[n++] = '-';
	n += top_put_u64(buf + n, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
	if (n > width && width) {
		buf[width - 1] = '+';
		buf[width] = 0;
	}
}

static const char suffixes[] = "kmgtpe";

static void put_suffix(char *buf, size_t n, char suffix)
{
	buf[n] = suffix;
	buf[n + 1] = 0;
}

static void scale_mem(char *buf, uint64_t kib, int target, size_t width)
{
	float num = (float)kib;

	for (int i = 0; i < 5; i++) {
		if (i >= target && num < 1e18f) {	/* no column is wider */
			size_t n = i ? put_tenths(buf, num) : top_put_u64(buf, (uint64_t)num);

			if (i)
				put_suffix(buf, n++, suffixes[i]);
			if (n <= width)
				return;
		}
		num = (float)((double)num / 1024.0);
	}
	strcpy(buf, "?");
}

static void scale_num(char *buf, uint64_t v, size_t width)
{
	float num = (float)v;

	if (top_put_u64(buf, v) <= width)
		return;
	for (const char *s = suffixes; *s; s++) {
		size_t n;

		num = (float)((double)num / 1024.0);
		n = put_tenths(buf, num);
		put_suffix(buf, n++, *s);
		if (n <= width)
			return;
		if ((size_t)snprintf(buf, TEXT, "%.0f%c", (double)num, *s) <= width)
			return;
	}
	strcpy(buf, "?");
}

static void scale_pcnt(char *buf, float num, size_t width)
{
	if (put_tenths(buf, num) <= width || (size_t)snprintf(buf, TEXT, "%.0f", (double)num) <= width)
		return;
	strcpy(buf, "?");
}

static bool put_pair(char *buf, size_t width, uint64_t a, const char *between, uint64_t b, const char *after)
{
	size_t n = top_put_u64(buf, a);

	n += (size_t)(stpcpy(buf + n, between) - (buf + n));
	n += top_put_u64(buf + n, b);
	n += (size_t)(stpcpy(buf + n, after) - (buf + n));
	return n <= width;
}

/* Minutes up to six hours, hours up to four days, days up to two weeks, then weeks. */
static void scale_tics(char *buf, uint64_t ticks, size_t width)
{
	static uint64_t hz;
	uint64_t secs, mins, hours, days;

	if (!hz)
		hz = (uint64_t)sysconf(_SC_CLK_TCK);
	secs = ticks / hz;
	mins = secs / 60;
	hours = mins / 60;
	days = hours / 24;
	if (mins <= 360) {
		size_t n = top_put_u64(buf, mins);

		n += put_two(buf + n, ':', secs % 60);
		if (n + put_two(buf + n, '.', ticks % hz * 100 / hz) <= width)
			return;
		buf[n] = 0;
		if (n <= width)
			return;
	}
	if (hours <= 96) {
		size_t n = top_put_u64(buf, hours);

		if (n + put_two(buf + n, ',', mins % 60) <= width)
			return;
	}
	if (days <= 14) {
		if (put_pair(buf, width, days, "d+", hours % 24, "h"))
			return;
		put_suffix(buf, top_put_u64(buf, days), 'd');
		if (strlen(buf) <= width)
			return;
	}
	if (put_pair(buf, width, days / 7, "w+", days % 7, "d"))
		return;
	put_suffix(buf, top_put_u64(buf, days / 7), 'w');
	if (strlen(buf) > width)
		strcpy(buf, "?");
}

static void user_text(struct top *t, const struct mm_pid_row *r, enum top_field f, char *buf)
{
	uint32_t width = top_field_width(t, f);
	char number[TEXT], clean[TOP_MAX_LINE];
	const char *name = user_of(t, r, f, number);

	top_clean(t, clean, name, 0);
	if (top_columns(clean) <= width) {
		strcpy(buf, clean);
		return;
	}
	strcpy(buf + top_clean(t, buf, name, width - 1), "+");
}

void top_command_line(struct top *t, const struct mm_pid_row *r, char *buf)
{
	if (t->trace || !mm_pid_text(t->proc, r, MM_PID_CMDLINE, buf, TOP_MAX_LINE))
		snprintf(buf, TOP_MAX_LINE, "[%s]%s", r->comm, r->state == 'Z' ? " <defunct>" : "");
}

/* A control group's name is that of the first named hierarchy and what follows, or all; Source: procps 4.0.2, as its top shows. */
void top_file_text(struct top *t, const struct mm_pid_row *r, enum top_field f, char *buf)
{
	static const uint8_t of[TOP_NR_FIELDS] = {
		[TOP_CGROUPS] = MM_PID_CGROUP, [TOP_CGNAME] = MM_PID_CGROUP, [TOP_EXE] = MM_PID_EXE, [TOP_ENVIRON] = MM_PID_ENVIRON,
		[TOP_WCHAN] = MM_PID_WCHAN,
	};
	const char *name;

	buf[0] = 0;
	if (t->trace)
		return;
	mm_pid_text(t->proc, r, (enum mm_pid_text)of[f], buf, TOP_MAX_LINE);
	name = f == TOP_CGNAME ? strstr(buf, ":name=") : NULL;
	if (name && name[6])
		memmove(buf, name + 6, strlen(name + 6) + 1);
}

static size_t clean_command(struct top *t, const struct mm_pid_row *r, char *clean)
{
	char raw[TOP_MAX_LINE];

	if (t->c.cmdline)
		top_command_line(t, r, raw);
	return top_clean(t, clean, t->c.cmdline ? raw : r->comm, 0);
}

bool top_sorts_by_text(const struct top *t)
{
	return top_fields[t->c.sort].kind == TOP_LINE || top_fields[t->c.sort].kind == TOP_CMD;
}

size_t top_sort_text(struct top *t, const struct mm_pid_row *r, char *buf)
{
	char raw[TOP_MAX_LINE];

	if (top_fields[t->c.sort].kind == TOP_CMD)
		return clean_command(t, r, buf);
	top_file_text(t, r, t->c.sort, raw);
	return top_clean(t, buf, raw, 0);
}

/* Name or command line, with the tree drawn before it; not yet cut to the line. */
static void command_text(struct top *t, const struct top_item *it, char *buf)
{
	char clean[TOP_MAX_LINE];
	int indent = 4 * (it->level > 100 ? 100 : it->level);

	clean_command(t, it->row, clean);
	if (t->c.forest && it->level)
		snprintf(buf, TOP_MAX_LINE, "%*s%.*s", indent, it->level > 100 ? " +  " : it->collapsed ? " `+ " : " `- ",
			 TOP_MAX_LINE - 512, clean);
	else
		strcpy(buf, clean);
}

/* Would it show as nought?  Of shares, times, sizes and counts only. */
static bool is_zero(const struct top *t, const struct top_item *it, enum top_field f)
{
	switch (top_fields[f].kind) {
	case TOP_PCT: return f == TOP_MEM ? !it->row->res_kib : it->cpu_pct < 0.05;
	case TOP_TICS: case TOP_KIB: case TOP_CNT: return !value(t, it->row, f);
	default: return false;
	}
}

/* Is it among what a capture did not tell of this process? */
static bool is_unknown(const struct mm_pid_row *r, enum top_field f)
{
	switch (f) {
	case TOP_PID: case TOP_TGID: case TOP_COMMAND: case TOP_USER: case TOP_PSS: case TOP_USS: case TOP_RSS: case TOP_PSAN:
	case TOP_PSFD: case TOP_PSSH: case TOP_CGROUPS: case TOP_CGNAME: case TOP_EXE: case TOP_ENVIRON: case TOP_WCHAN:
	case TOP_ACC: case TOP_ACCP: case TOP_ACCD:
		return false;		/* always there, or told by other means */
	case TOP_PPID: return r->unknown & MM_PID_NO_PPID;
	case TOP_UID: return r->unknown & MM_PID_NO_EUID;
	case TOP_PR: return r->unknown & MM_PID_NO_PRIORITY;
	case TOP_NI: return r->unknown & MM_PID_NO_NICE;
	case TOP_NTH: return r->unknown & MM_PID_NO_THREADS;
	case TOP_CPU: return r->unknown & MM_PID_NO_CPU;
	case TOP_TIME: case TOP_TIME2: return r->unknown & MM_PID_NO_TIME;
	case TOP_NMAJ: case TOP_NMIN: case TOP_VMJ: case TOP_VMN: return r->unknown & MM_PID_NO_FAULTS;
	case TOP_VIRT: return r->unknown & MM_PID_NO_VIRT;
	case TOP_RES: case TOP_MEM: return r->unknown & MM_PID_NO_RES;
	case TOP_S: return r->unknown & MM_PID_NO_STATE;
	case TOP_SHR: return r->unknown & MM_PID_NO_SHARED;
	case TOP_CODE: case TOP_DATA: return r->unknown & MM_PID_NO_CODE;
	case TOP_SWAP: case TOP_USED: return r->unknown & MM_PID_NO_SWAP;
	case TOP_RSAN: case TOP_RSFD: case TOP_RSSH: return r->unknown & MM_PID_NO_KINDS;
	case TOP_RSLK: return r->unknown & MM_PID_NO_LOCKED;
	case TOP_OOMS: return r->unknown & MM_PID_NO_OOM_SCORE;
	case TOP_OOMA: return r->unknown & MM_PID_NO_OOM_ADJ;
	default: return r->unknown & MM_PID_NO_USERS;
	}
}

void top_field_text(struct top *t, const struct top_item *it, enum top_field f, char *buf)
{
	const struct mm_pid_row *r = it->row;
	uint64_t v = value(t, r, f);
	size_t width = top_field_width(t, f);

	if (!top_field_known(t, f) || (r->unknown && is_unknown(r, f))) {
		strcpy(buf, "-");
		return;
	}
	if (t->c.no_zeros && is_zero(t, it, f)) {
		buf[0] = 0;
		return;
	}
	switch (top_fields[f].kind) {
	case TOP_NUM: make_num(buf, (int64_t)v, width); return;
	case TOP_PRI:
		if (r->priority < -99 || r->priority > 999)
			strcpy(buf, "rt");
		else
			make_num(buf, r->priority, width);
		return;
	case TOP_USER_NAME: user_text(t, r, f, buf); return;
	case TOP_PCT:
		if (f != TOP_MEM)
			scale_pcnt(buf, (float)it->cpu_pct, width);
		else
			scale_pcnt(buf, t->mem.total_kib ? (float)v * 100 / (float)t->mem.total_kib : 0, width);
		return;
	case TOP_TICS: scale_tics(buf, v, width); return;
	case TOP_KIB:
		if (v == MM_MISSING_U64)
			strcpy(buf, "-");
		else
			scale_mem(buf, v, t->c.scale_tasks, width);
		return;
	case TOP_CNT: scale_num(buf, v, width); return;
	case TOP_LINE: {
		char raw[TOP_MAX_LINE];

		top_file_text(t, r, f, raw);
		top_clean(t, buf, *raw ? raw : "-", 0);
		return;
	}
	case TOP_CHR: put_suffix(buf, 0, r->state > ' ' && r->state < 127 ? r->state : '?'); return;
	default: command_text(t, it, buf);
	}
}
