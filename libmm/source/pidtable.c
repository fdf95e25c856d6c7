/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * All processes, read again and again.
 *
 * A refresh lists /proc, sorts the pids if the directory did not (the kernel's
 * does), and walks them beside the rows of the last refresh, which are sorted
 * too: no hashing, and both arrays are kept and swapped.
 *
 *	old	 1   2  17      40			row of a living process:
 *	listed	 1   2      23  40			carried over, deltas taken
 *	new	 1   2  23  40
 *
 * On a live system PID/stat stays open.  Reading it again tells whether the
 * process did anything (CPU time, faults, sizes, name); only then are its other
 * files read again.  What a process is accounted cannot move otherwise: pages
 * come by faults, go by unmapping or reclaim (the RSS), and credentials change
 * in a system call, whose page faults or CPU time show.  To bound the error of
 * what shows in neither (changes below a clock tick, or below the batch of the
 * RSS's per-CPU counters), every row is read in full each FULL_EVERY refreshes.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/grow.h"
#include "source/folder.h"
#include "source/pid.h"
#include "source/ps.h"
#include "source/scan.h"

enum { FULL_EVERY = 8, SPARE_FDS = 64, MAX_PIDS = 1 << 23 };

struct mm_pid_table {
	struct mm_proc *proc;
	DIR *dir;
	struct mm_pid_row *v, *old;	/* sorted by pid */
	size_t nr, cap, nr_old, cap_old;
	struct { uint32_t pid, tgid; } *list;
	size_t nr_list, cap_list;
	size_t nr_fds, max_fds;
	uint32_t round;
	uint32_t want;			/* of the last refresh */
	uint64_t nr_bad, nr_denied;
	int denied;			/* why, of the first */
	struct mm_ps ps;		/* of a capture */
	bool ps_read, ps_used;
};

/* How many descriptors may be kept open: all that the hard limit gives, less a few. */
static size_t descriptor_room(void)
{
	struct rlimit lim;

	if (getrlimit(RLIMIT_NOFILE, &lim))
		return 0;
	if (lim.rlim_cur < lim.rlim_max) {
		lim.rlim_cur = lim.rlim_max;
		if (setrlimit(RLIMIT_NOFILE, &lim))
			getrlimit(RLIMIT_NOFILE, &lim);
	}
	return lim.rlim_cur > SPARE_FDS ? (size_t)lim.rlim_cur - SPARE_FDS : 0;
}

int mm_pid_table_new(struct mm_pid_table **tp, struct mm_proc *p)
{
	struct mm_pid_table *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->proc = p;
	t->max_fds = p->live ? descriptor_room() : 0;
	*tp = t;
	return 0;
}

static void close_row(struct mm_pid_table *t, struct mm_pid_row *r)
{
	if (r->fd < 0)
		return;
	close(r->fd);
	r->fd = -1;
	t->nr_fds--;
}

/* Close descriptors @first to @last, all of them ours. */
static void close_run(int first, int last)
{
#ifdef SYS_close_range
	if (last > first && !syscall(SYS_close_range, first, last, 0))
		return;
#endif
	while (first <= last)
		close(first++);
}

/* All kept descriptors.  Opened in the order of the pids they are mostly neighbours: a call each run of them. */
static void close_rows(struct mm_pid_table *t)
{
	int first = 0, last = -1;

	for (size_t i = 0; i < t->nr; i++) {
		int fd = t->v[i].fd;

		if (fd < 0)
			continue;
		if (last < first || fd != last + 1) {
			close_run(first, last);
			first = fd;
		}
		last = fd;
		t->v[i].fd = -1;
	}
	close_run(first, last);
	t->nr_fds = 0;
}

void mm_pid_table_free(struct mm_pid_table *t)
{
	if (!t)
		return;
	close_rows(t);
	if (t->dir)
		closedir(t->dir);
	free(t->v);
	free(t->old);
	free(t->list);
	mm_ps_free(&t->ps);
	free(t);
}

/* A name that is a pid: digits, no leading zero; else 0. */
static uint32_t pid_of(const char *name)
{
	uint64_t v = 0;

	if (*name == '0')
		return 0;
	for (; *name; name++) {
		if ((unsigned char)(*name - '0') > 9 || v > INT32_MAX / 10)
			return 0;
		v = v * 10 + (unsigned char)(*name - '0');
	}
	return v <= INT32_MAX ? (uint32_t)v : 0;
}

static int add_pid(struct mm_pid_table *t, uint32_t pid, uint32_t tgid)
{
	if (t->nr_list >= MAX_PIDS || mm_grow(&t->list, t->nr_list, &t->cap_list, sizeof(*t->list)))
		return -ENOMEM;
	t->list[t->nr_list].pid = pid;
	t->list[t->nr_list++].tgid = tgid;
	return 0;
}

static int add_threads(struct mm_pid_table *t, uint32_t tgid)
{
	char path[MM_PID_PATH];
	struct mm_pid_row r = { .pid = tgid, .tgid = tgid };
	struct dirent *e;
	DIR *dir;
	int err = 0;

	mm_pid_path(path, &r, "task");
	dir = mm_folder_open(t->proc->proc_fd, path);
	if (!dir)
		return add_pid(t, tgid, tgid);		/* a capture without task/: the process itself */
	while (!err && (e = readdir(dir))) {
		uint32_t tid = pid_of(e->d_name);

		if (tid)
			err = add_pid(t, tid, tgid);
	}
	closedir(dir);
	return err;
}

static int by_pid(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return x[0] < y[0] ? -1 : x[0] > y[0];
}

static int open_dir(struct mm_pid_table *t)
{
	if (t->dir)
		rewinddir(t->dir);
	else
		t->dir = mm_folder_open(t->proc->proc_fd, ".");
	return t->dir ? 0 : -errno;
}

static int add_process(struct mm_pid_table *t, const struct mm_pid_options *opt, uint32_t pid)
{
	return opt->threads ? add_threads(t, pid) : add_pid(t, pid, pid);
}

/* Those of /proc, and those of a sosreport's ps: it has the files of some alone, or of none. */
static int add_all(struct mm_pid_table *t, const struct mm_pid_options *opt)
{
	int err = open_dir(t);
	struct dirent *e;

	while (!err && (e = readdir(t->dir))) {
		uint32_t pid = pid_of(e->d_name);

		if (pid)
			err = add_process(t, opt, pid);
	}
	for (size_t i = 0; !err && i < t->ps.nr; i++)
		err = add_pid(t, t->ps.v[i].pid, t->ps.v[i].pid);
	return err;
}

/* The kernel lists them in order: most often nothing is to be done. */
static void sort_without_doubles(struct mm_pid_table *t)
{
	bool sorted = true;
	size_t n = 0;

	for (size_t i = 1; i < t->nr_list && sorted; i++)
		sorted = t->list[i - 1].pid < t->list[i].pid;
	if (sorted)
		return;
	qsort(t->list, t->nr_list, sizeof(*t->list), by_pid);
	for (size_t i = 0; i < t->nr_list; i++)
		if (!n || t->list[i].pid != t->list[n - 1].pid)
			t->list[n++] = t->list[i];
	t->nr_list = n;
}

/* Fill t->list, sorted, without doubles. */
static int list_pids(struct mm_pid_table *t, const struct mm_pid_options *opt)
{
	int err = mm_proc_open_dir(t->proc);

	t->nr_list = 0;
	if (!err && !opt->only)
		err = add_all(t, opt);
	for (size_t i = 0; !err && opt->only && i < opt->nr_only; i++)
		err = add_process(t, opt, opt->only[i]);
	if (!err)
		sort_without_doubles(t);
	return err;
}

/* PID/stat into the buffer: from the kept descriptor, or opened (and kept while there is room). */
static long read_stat(struct mm_pid_table *t, struct mm_pid_row *r)
{
	struct mm_proc *p = t->proc;
	char path[MM_PID_PATH];
	ssize_t n;

	if (r->fd >= 0) {
		n = pread(r->fd, p->buf, p->cap - 1, 0);
		if (n > 0)
			return n;
		close_row(t, r);	/* it ended; the pid may be another's now */
	}
	mm_pid_path(path, r, "stat");
	if (t->nr_fds >= t->max_fds)
		return mm_proc_read_small(p, path);
	r->fd = openat(p->proc_fd, path, O_RDONLY | O_CLOEXEC);
	if (r->fd < 0) {
		if (errno != EMFILE && errno != ENFILE)
			return -errno;
		t->max_fds = t->nr_fds;
		return mm_proc_read_small(p, path);
	}
	t->nr_fds++;
	n = read(r->fd, p->buf, p->cap - 1);
	return n < 0 ? -errno : n;
}

/* What of the last refresh the next one is held against. */
struct last {
	uint64_t ticks, min_flt, maj_flt, start, virt, stat_rss, res;
	uint32_t nr_threads;
	char state;
	char comm[64];
};

static struct last last_of(const struct mm_pid_row *r)
{
	struct last l = { .ticks = r->ticks, .min_flt = r->min_flt, .maj_flt = r->maj_flt, .start = r->start_ticks,
			  .virt = r->virt_kib, .stat_rss = r->stat_rss_kib, .res = r->res_kib,
			  .nr_threads = r->nr_threads, .state = r->state };

	memcpy(l.comm, r->comm, sizeof(l.comm));
	return l;
}

static bool moved(const struct last *a, const struct mm_pid_row *b)
{
	return a->ticks != b->ticks || a->min_flt != b->min_flt || a->maj_flt != b->maj_flt ||
	       a->virt != b->virt_kib || a->stat_rss != b->stat_rss_kib || a->state != b->state ||
	       a->nr_threads != b->nr_threads || strcmp(a->comm, b->comm) != 0;
}

static uint64_t delta(uint64_t now, uint64_t before)
{
	return now > before ? now - before : 0;		/* a counter that ran backwards moved nothing */
}

/* A file that is there and was not read; what has ended is not meant.  @n: bytes, or -errno. */
static void note_denied(struct mm_pid_table *t, long n)
{
	if (n >= 0 || n == -ENOENT || n == -ESRCH)
		return;
	t->denied = t->nr_denied++ ? t->denied : (int)n;
}

/* A sosreport has PID/status alone, of some processes: what else it knows of them ps told. */
static bool refresh_of_capture(struct mm_pid_table *t, struct mm_pid_row *r, uint32_t want)
{
	const struct mm_ps_row *ps = mm_ps_find(&t->ps, r->pid);
	char path[MM_PID_PATH];
	uint32_t pid = r->pid;
	struct mm_str text;
	long n;

	mm_pid_path(path, r, "status");
	n = mm_proc_read_whole(t->proc, path);
	text = (struct mm_str){ t->proc->buf, n > 0 ? (size_t)n : 0 };
	if (n > 0 && !mm_pid_parse_status_only(text, r) && r->pid == pid) {
		if (want & MM_PID_OOM)
			mm_pid_read_more(t->proc, MM_PID_OOM, r);
	} else {
		t->nr_bad += n >= 0;
		note_denied(t, n);
		if (n >= 0 || !ps)
			return false;
		r->unknown = MM_PID_NO_FILES;
		r->comm[0] = 0;
	}
	if (ps) {
		mm_ps_fill(ps, r);
		t->ps_used = true;
	}
	return true;
}

/* @r holds the last row of this pid, or a blank one.  True when the process is there. */
static bool refresh_row(struct mm_pid_table *t, struct mm_pid_row *r, const struct mm_pid_options *opt)
{
	struct last before = last_of(r);
	uint32_t want = opt->want, pid = r->pid;
	long n = read_stat(t, r);
	struct mm_str line = { t->proc->buf, n > 0 ? (size_t)n : 0 };
	bool again;

	if (n == -ENOENT && !t->proc->live)
		return refresh_of_capture(t, r, want);
	if (n <= 0 || mm_pid_parse_stat(line, t->proc->page_kib, r) || r->pid != pid) {
		t->nr_bad += n > 0 || (!n && !t->proc->live);
		note_denied(t, n);
		close_row(t, r);
		return false;
	}
	again = !r->is_new && before.start == r->start_ticks;
	if (again && r->status_seen)
		r->res_kib = before.res;	/* the exact one, until status is read again */
	r->is_new = !again;
	r->ticks_delta = delta(r->ticks, again ? before.ticks : 0);
	r->min_flt_delta = delta(r->min_flt, again ? before.min_flt : 0);
	r->maj_flt_delta = delta(r->maj_flt, again ? before.maj_flt : 0);
	if (!again || !t->proc->live || want & ~t->want || (r->pid + t->round) % FULL_EVERY == 0 || moved(&before, r))
		mm_pid_read_more(t->proc, want, r);
	else if (want & MM_PID_OOM)		/* moves with the memory of others */
		mm_pid_read_more(t->proc, MM_PID_OOM, r);
	return true;
}

static void blank_row(struct mm_pid_row *r, uint32_t pid, uint32_t tgid)
{
	*r = (struct mm_pid_row){ .pid = pid, .tgid = tgid, .fd = -1, .is_new = true,
				  .pss_kib = MM_MISSING_PID, .uss_kib = MM_MISSING_PID, .smaps_rss_kib = MM_MISSING_PID,
				  .pss_anon_kib = MM_MISSING_PID, .pss_file_kib = MM_MISSING_PID, .pss_shmem_kib = MM_MISSING_PID };
}

int mm_pid_table_refresh(struct mm_pid_table *t, const struct mm_pid_options *opt, struct mm_error *err)
{
	struct mm_pid_row *v;
	size_t cap, k = 0, n = 0;
	int code = 0;

	if (!t->proc->live && !t->ps_read) {
		t->ps_read = true;
		code = mm_ps_read(&t->ps, t->proc);
	}
	if (!code)
		code = list_pids(t, opt);
	if (code)
		return mm_error_set(err, code, "%s/proc: %s", t->proc->name, strerror(-code));
	while (t->cap_old < t->nr_list)
		if (mm_grow(&t->old, t->cap_old, &t->cap_old, sizeof(*t->old)))
			return mm_error_set(err, -ENOMEM, "out of memory");
	v = t->old;
	cap = t->cap_old;
	t->old = t->v;
	t->cap_old = t->cap;
	t->nr_old = t->nr;
	t->v = v;
	t->cap = cap;
	t->nr_bad = t->ps.nr_bad;
	t->nr_denied = 0;
	for (size_t i = 0; i < t->nr_list; i++) {
		uint32_t pid = t->list[i].pid;

		while (k < t->nr_old && t->old[k].pid < pid)
			close_row(t, &t->old[k++]);
		if (k < t->nr_old && t->old[k].pid == pid && t->old[k].tgid == t->list[i].tgid) {
			v[n] = t->old[k++];
			v[n].is_new = false;
		} else {
			blank_row(&v[n], pid, t->list[i].tgid);
		}
		n += refresh_row(t, &v[n], opt);
	}
	while (k < t->nr_old)
		close_row(t, &t->old[k++]);
	t->nr = n;
	t->want = opt->want;
	t->round++;
	return 0;
}

struct mm_pid_row *mm_pid_table_rows(struct mm_pid_table *t, size_t *nr)
{
	*nr = t->nr;
	return t->v;
}

uint64_t mm_pid_table_bad(const struct mm_pid_table *t)
{
	return t->nr_bad;
}

uint64_t mm_pid_table_denied(const struct mm_pid_table *t, int *why)
{
	*why = t->denied;
	return t->nr_denied;
}

const char *mm_pid_table_ps(const struct mm_pid_table *t)
{
	return t->ps_used ? t->ps.from : NULL;
}

bool mm_pid_table_is_consistent(const struct mm_pid_table *t)
{
	size_t fds = 0;

	for (size_t i = 0; i < t->nr; i++) {
		if (i && t->v[i - 1].pid >= t->v[i].pid)
			return false;
		fds += t->v[i].fd >= 0;
	}
	return fds == t->nr_fds && t->nr <= t->cap && fds <= t->max_fds;
}
