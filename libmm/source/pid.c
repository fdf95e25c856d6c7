/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The files of one process.
 *
 *	PID/stat	"pid (comm) S ppid ..."; comm may hold blanks and
 *			parentheses, so it ends at the last ')' of the line
 *	PID/status	"Key:\tvalue" lines: users, RSS by kind, swap
 *	PID/statm	seven page counts
 *	PID/smaps_rollup  sums over all mappings
 *
 * Source: Linux 6.6 fs/proc/array.c do_task_stat(), proc_pid_status();
 * fs/proc/task_mmu.c.  Later kernels add fields and lines at the end: they are
 * not looked at.  A stat line that ends before the RSS is refused.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/minmax.h"
#include "source/pid.h"
#include "source/scan.h"

size_t mm_pid_unescape(char *dst, size_t room, const char *p, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len && n + 1 < room; i++) {
		if (p[i] == '\\' && i + 1 < len && (p[i + 1] == 'n' || p[i + 1] == '\\'))
			dst[n++] = p[++i] == 'n' ? '\n' : '\\';
		else
			dst[n++] = p[i];
	}
	dst[n] = 0;
	return n;
}

static size_t put_text(struct mm_str s, char *buf, size_t size)
{
	size_t n = s.len < size - 1 ? s.len : size - 1;

	memcpy(buf, s.p, n);
	buf[n] = 0;
	return n;
}

static int32_t clamp32(int64_t v)
{
	return v > INT32_MAX ? INT32_MAX : v < INT32_MIN ? INT32_MIN : (int32_t)v;
}

static uint64_t pages_to_kib(uint64_t pages, uint32_t page_kib)
{
	return pages > UINT64_MAX / 65536 ? UINT64_MAX / 65536 : pages * page_kib;
}

/* A place in the line.  Reading past the end gives nothing and sets .short_line. */
struct cursor {
	const char *p, *end;
	bool short_line;
};

static void skip_words(struct cursor *c, int n)
{
	const char *p = c->p, *end = c->end;

	while (n--) {
		while (p < end && *p == ' ')
			p++;
		while (p < end && *p != ' ')
			p++;
	}
	c->p = p;
}

/* A number with an optional sign; saturated.  Digits alone are the common case, so they are the short path. */
static int64_t next_number(struct cursor *c)
{
	const char *p = c->p, *end = c->end, *start;
	bool minus = false;
	uint64_t v = 0;

	while (p < end && *p == ' ')
		p++;
	if (p < end && *p == '-') {
		minus = true;
		p++;
	}
	for (start = p; p < end && (unsigned char)(*p - '0') < 10; p++)
		v = v * 10 + (unsigned char)(*p - '0');
	c->short_line |= p == start;
	c->p = p;
	if (p - start > 18)
		v = INT64_MAX;
	return minus ? -(int64_t)v : (int64_t)v;
}

static uint64_t next_u64(struct cursor *c)
{
	int64_t v = next_number(c);

	return v < 0 ? 0 : (uint64_t)v;
}

int mm_pid_parse_stat(struct mm_str line, uint32_t page_kib, struct mm_pid_row *row)
{
	const char *open = memchr(line.p, '(', line.len), *close = memrchr(line.p, ')', line.len);
	struct cursor c = { line.p, line.p + line.len, false };
	uint64_t pid, ppid, min_flt, maj_flt, utime, stime, cutime, cstime, threads, start, vsize, rss;
	int64_t priority, nice;
	char state;

	if (!open || !close || close < open)
		return -EINVAL;
	pid = next_u64(&c);
	c.p = close + 1;
	skip_words(&c, 1);
	state = c.p[-1];
	ppid = next_u64(&c);
	skip_words(&c, 5);			/* pgrp session tty_nr tpgid flags */
	min_flt = next_u64(&c);
	skip_words(&c, 1);
	maj_flt = next_u64(&c);
	skip_words(&c, 1);
	utime = next_u64(&c);
	stime = next_u64(&c);
	cutime = next_u64(&c);
	cstime = next_u64(&c);
	priority = next_number(&c);
	nice = next_number(&c);
	threads = next_u64(&c);
	skip_words(&c, 1);			/* itrealvalue */
	start = next_u64(&c);
	vsize = next_u64(&c);
	rss = next_u64(&c);
	if (c.short_line || pid > INT32_MAX)
		return -EINVAL;
	row->pid = (uint32_t)pid;
	put_text((struct mm_str){ open + 1, (size_t)(close - open - 1) }, row->comm, sizeof(row->comm));
	row->state = state;
	row->ppid = (uint32_t)ppid;
	row->min_flt = min_flt;
	row->maj_flt = maj_flt;
	row->ticks = mm_add_saturated(utime, stime);
	row->child_ticks = mm_add_saturated(cutime, cstime);
	row->priority = clamp32(priority);
	row->nice = clamp32(nice);
	row->nr_threads = threads > INT32_MAX ? INT32_MAX : (uint32_t)threads;
	row->start_ticks = start;
	row->virt_kib = vsize / 1024;
	row->res_kib = row->stat_rss_kib = pages_to_kib(rss, page_kib);
	return 0;
}

/* What statm tells too, where that is missing.  Source: Linux 6.6 fs/proc/task_mmu.c task_mem(), task_statm(). */
static void parse_code(struct mm_str text, struct mm_pid_row *r)
{
	uint64_t code = 0, data = 0, v;
	bool memory = false, told = false;
	struct mm_str line;

	while (scan_line(&text, &line)) {
		memory |= scan_word(&line, "VmSize:");
		if (scan_word(&line, "VmExe:"))
			told = scan_u64(&line, &code);
		else if ((scan_word(&line, "VmData:") || scan_word(&line, "VmStk:")) && scan_u64(&line, &v))
			data = mm_add_saturated(data, v);
	}
	if (memory && !told)
		return;
	r->code_kib = code;
	r->data_kib = data;
	r->unknown &= ~(uint32_t)MM_PID_NO_CODE;
}

/* What PID/status alone tells of what PID/stat would.  Source: Linux 6.6 fs/proc/array.c task_state(), task_mem(). */
int mm_pid_parse_status_only(struct mm_str text, struct mm_pid_row *r)
{
	struct mm_str all = text, line;
	uint64_t pid = 0, v;
	bool named = false;

	r->stat_rss_kib = 0;
	while (scan_line(&text, &line)) {
		if (scan_word(&line, "Name:\t")) {
			mm_pid_unescape(r->comm, sizeof(r->comm), line.p, line.len);
			named = true;
		} else if (scan_word(&line, "State:\t")) {
			r->state = line.len ? *line.p : '?';
		} else if (scan_word(&line, "Pid:")) {
			scan_u64(&line, &pid);
		} else if (scan_word(&line, "PPid:") && scan_u64(&line, &v)) {
			r->ppid = v > INT32_MAX ? 0 : (uint32_t)v;
		} else if (scan_word(&line, "Threads:") && scan_u64(&line, &v)) {
			r->nr_threads = v > INT32_MAX ? INT32_MAX : (uint32_t)v;
		} else if (scan_word(&line, "VmSize:") && scan_u64(&line, &v)) {
			r->virt_kib = v;
		}
	}
	if (!named || !pid || pid > INT32_MAX)
		return -EINVAL;
	r->pid = (uint32_t)pid;
	r->unknown = MM_PID_NO_STAT | MM_PID_NO_CODE | MM_PID_NO_OOM_SCORE | MM_PID_NO_OOM_ADJ;
	parse_code(all, r);
	mm_pid_parse_status(all, r);
	return 0;
}

static void parse_uids(struct mm_str line, struct mm_pid_row *r)
{
	uint32_t *to[] = { &r->ruid, &r->euid, &r->suid, &r->fsuid };
	uint64_t v;

	for (size_t i = 0; i < 4 && scan_u64(&line, &v); i++)
		*to[i] = (uint32_t)v;
}

/*
 * A process without memory (a kernel thread, a zombie) has no line of it: that is none, not unknown.  Unknown is what a process
 * with memory has no line of.
 */
static void note_unknown(struct mm_pid_row *r, bool memory, bool swap)
{
	r->unknown &= ~(uint32_t)MM_PID_NO_STATUS;
	if (memory && !swap)
		r->unknown |= MM_PID_NO_SWAP;
	if (memory && !r->status_rss && r->res_kib)
		r->unknown |= MM_PID_NO_KINDS | MM_PID_NO_SHARED;
}

void mm_pid_parse_status(struct mm_str text, struct mm_pid_row *r)
{
	struct mm_str line;
	uint64_t tgid = r->tgid;
	bool memory = false, swap = false;

	r->swap_kib = r->rss_anon_kib = r->rss_file_kib = r->rss_shmem_kib = r->locked_kib = 0;
	r->status_rss = false;
	r->res_kib = r->stat_rss_kib;
	while (!swap && scan_line(&text, &line)) {	/* VmSwap is the last line of interest */
		switch (line.len ? *line.p : 0) {
		case 'T':
			if (scan_word(&line, "Tgid:"))
				scan_u64(&line, &tgid);
			break;
		case 'U':
			if (scan_word(&line, "Uid:"))
				parse_uids(line, r);
			break;
		case 'V':
			if (scan_word(&line, "VmRSS:"))
				memory = scan_u64(&line, &r->res_kib);
			else if (scan_word(&line, "VmLck:"))
				scan_u64(&line, &r->locked_kib);
			else if (scan_word(&line, "VmSwap:"))
				swap = scan_u64(&line, &r->swap_kib);
			break;
		case 'R':
			if (scan_word(&line, "RssAnon:"))
				scan_u64(&line, &r->rss_anon_kib);
			else if (scan_word(&line, "RssFile:"))
				r->status_rss = scan_u64(&line, &r->rss_file_kib);
			else if (scan_word(&line, "RssShmem:"))
				scan_u64(&line, &r->rss_shmem_kib);
			break;
		}
	}
	r->tgid = tgid > INT32_MAX ? r->tgid : (uint32_t)tgid;
	r->status_seen = true;
	note_unknown(r, memory, swap);
	if (r->status_rss)
		r->shr_kib = mm_add_saturated(r->rss_file_kib, r->rss_shmem_kib);
}

static void parse_statm(struct mm_str text, uint32_t page_kib, struct mm_pid_row *r)
{
	uint64_t v[6];

	for (size_t i = 0; i < 6; i++)
		if (!scan_u64(&text, &v[i]))
			return;
	r->virt_kib = pages_to_kib(v[0], page_kib);
	r->res_kib = pages_to_kib(v[1], page_kib);
	r->shr_kib = pages_to_kib(v[2], page_kib);
	r->code_kib = pages_to_kib(v[3], page_kib);
	r->data_kib = pages_to_kib(v[5], page_kib);
	r->unknown &= ~(uint32_t)(MM_PID_NO_SHARED | MM_PID_NO_CODE);
}

size_t mm_pid_path(char *dst, const struct mm_pid_row *r, const char *file)
{
	char digits[10];
	size_t n = 0, len = 0;

	if (r->tgid != r->pid)
		return (size_t)snprintf(dst, MM_PID_PATH, "%u/task/%u/%s", r->tgid, r->pid, file);
	for (uint32_t v = r->pid; v || !n; v /= 10)
		digits[n++] = (char)('0' + v % 10);
	while (n)
		dst[len++] = digits[--n];
	dst[len++] = '/';
	strcpy(dst + len, file);
	return len + strlen(file);
}

static void read_oom(struct mm_proc *p, struct mm_pid_row *r)
{
	static const char *const files[] = { "oom_score", "oom_score_adj" };
	static const uint32_t bits[] = { MM_PID_NO_OOM_SCORE, MM_PID_NO_OOM_ADJ };
	int32_t *const to[] = { &r->oom_score, &r->oom_score_adj };
	char path[MM_PID_PATH];

	for (size_t i = 0; i < 2; i++) {
		struct mm_str text;
		int64_t v;
		long n;

		mm_pid_path(path, r, files[i]);
		n = mm_proc_read_small(p, path);
		text = (struct mm_str){ p->buf, n > 0 ? (size_t)n : 0 };
		r->unknown |= bits[i];
		if (!scan_i64(&text, &v))
			continue;
		*to[i] = clamp32(v);
		r->unknown &= ~bits[i];
	}
}

void mm_pid_read_more(struct mm_proc *p, uint32_t want, struct mm_pid_row *r)
{
	char path[MM_PID_PATH];
	long n;

	if (!p->live)
		r->unknown |= MM_PID_NO_CODE;
	if (want & MM_PID_STATUS) {
		struct mm_str text;

		mm_pid_path(path, r, "status");
		n = mm_proc_read_whole(p, path);	/* its line Groups may be of 700 KiB, and memory comes after it */
		text = (struct mm_str){ p->buf, n > 0 ? (size_t)n : 0 };
		r->status_seen = false;
		r->unknown |= MM_PID_NO_STATUS;
		if (n > 0)
			mm_pid_parse_status(text, r);
		if (n > 0 && !p->live)
			parse_code(text, r);
	}
	if (want & MM_PID_STATM || !p->live || (want & MM_PID_STATUS && r->status_seen && !r->status_rss &&
						r->res_kib)) {
		mm_pid_path(path, r, "statm");
		n = mm_proc_read_small(p, path);
		if (n > 0)
			parse_statm((struct mm_str){ p->buf, (size_t)n }, p->page_kib, r);
	}
	if (want & MM_PID_OOM)
		read_oom(p, r);
}

int mm_pid_smaps(struct mm_proc *p, struct mm_pid_row *row)
{
	struct mm_str text, line;
	uint64_t clean = 0, dirty = 0, pss = 0, rss = MM_MISSING_PID, anon = rss, file = rss, shmem = rss;
	char path[MM_PID_PATH];
	bool seen = false;
	long n;

	row->pss_kib = row->uss_kib = row->smaps_rss_kib = row->pss_anon_kib = row->pss_file_kib = row->pss_shmem_kib = MM_MISSING_PID;
	mm_pid_path(path, row, "smaps_rollup");
	n = mm_proc_read_small(p, path);
	if (n < 0)
		return (int)n;
	text = (struct mm_str){ p->buf, (size_t)n };
	while (scan_line(&text, &line)) {
		if (scan_word(&line, "Pss:"))
			seen |= scan_u64(&line, &pss);
		else if (scan_word(&line, "Rss:"))
			scan_u64(&line, &rss);
		else if (scan_word(&line, "Pss_Anon:"))
			scan_u64(&line, &anon);
		else if (scan_word(&line, "Pss_File:"))
			scan_u64(&line, &file);
		else if (scan_word(&line, "Pss_Shmem:"))
			scan_u64(&line, &shmem);
		else if (scan_word(&line, "Private_Clean:"))
			scan_u64(&line, &clean);
		else if (scan_word(&line, "Private_Dirty:"))
			scan_u64(&line, &dirty);
	}
	if (!seen)
		return -ENODATA;
	row->pss_kib = pss;
	row->uss_kib = mm_add_saturated(clean, dirty);
	row->smaps_rss_kib = rss;
	row->pss_anon_kib = anon;
	row->pss_file_kib = file;
	row->pss_shmem_kib = shmem;
	return 0;
}

/* What a file of a process has its lines or words from, and what stands between them in a line. */
static const struct { const char *file; char end, between; } texts[] = {
	[MM_PID_CMDLINE] = { "cmdline", 0, ' ' },
	[MM_PID_CGROUP] = { "cgroup", '\n', ',' },
	[MM_PID_ENVIRON] = { "environ", 0, ' ' },
	[MM_PID_EXE] = { "exe", '\n', '\n' },
	[MM_PID_WCHAN] = { "wchan", '\n', '\n' },
};

/* "ID:CONTROLLERS:/" says nothing: every process is at the root of a hierarchy it was not moved in. */
static size_t put_cgroups(struct mm_str text, char *buf, size_t size)
{
	struct mm_str line;
	size_t n = 0;

	while (n + 2 < size && scan_line(&text, &line)) {
		if (!line.len || (line.len > 1 && line.p[line.len - 1] == '/' && line.p[line.len - 2] == ':'))
			continue;
		if (n)
			buf[n++] = ',';
		n += put_text(line, buf + n, size - n);
	}
	return n;
}

/* What ps told where there is no file. */
static size_t put_told(const struct mm_pid_row *row, enum mm_pid_text what, char *buf, size_t size)
{
	const char *told = what == MM_PID_CMDLINE ? row->ps_args : what == MM_PID_CGROUP ? row->ps_cgroup : NULL;

	return told ? put_text((struct mm_str){ told, strlen(told) }, buf, size) : 0;
}

size_t mm_pid_text(struct mm_proc *p, const struct mm_pid_row *row, enum mm_pid_text what, char *buf, size_t size)
{
	char path[MM_PID_PATH];
	size_t len;
	long n;

	buf[0] = 0;
	mm_pid_path(path, row, texts[what].file);
	if (what == MM_PID_EXE)
		n = mm_proc_open_dir(p) ? 0 : readlinkat(p->proc_fd, path, p->buf, p->cap - 1);
	else
		n = mm_proc_read_small(p, path);
	if (n == -ENOENT)
		return put_told(row, what, buf, size);
	if (n <= 0)
		return 0;
	if (what == MM_PID_CGROUP)
		return put_cgroups((struct mm_str){ p->buf, (size_t)n }, buf, size);
	len = put_text((struct mm_str){ p->buf, (size_t)n }, buf, size);
	while (len && (buf[len - 1] == texts[what].end || buf[len - 1] == ' '))
		len--;
	for (size_t i = 0; i < len; i++)
		if (buf[i] == texts[what].end || buf[i] == '\n')
			buf[i] = texts[what].between;
	if (what == MM_PID_WCHAN && len == 1 && buf[0] == '0')
		len = 0;
	if (what == MM_PID_CMDLINE && !len && size > 1)
		buf[len++] = '?';	/* it has one, of NULs and blanks alone */
	buf[len] = 0;
	return len;
}
