/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libmm/proc.h - the kernel's own files below /proc, live or captured, as plain rows
 *
 * A struct mm_proc keeps the directory open and one buffer; every reader goes
 * through it with openat(), so the same code reads this machine and a copy of
 * its files (a sysroot).  Keys a reader does not know are skipped, keys that
 * are missing leave MM_MISSING_U64 (or 0 where the kernel's absence means none).
 */
#ifndef LIBMM_PROC_H
#define LIBMM_PROC_H

#include <libmm/error.h>
#include <libmm/types.h>

struct mm_proc;

/**
 * mm_proc_new() - open a tree of kernel files
 * @sysroot:	directory that holds proc/, sys/ and etc/; NULL: this machine's /
 *
 * Return: 0 with *@pp to be freed by the caller, or -errno with @err.
 */
int mm_proc_new(struct mm_proc **pp, const char *sysroot, struct mm_error *err);
void mm_proc_free(struct mm_proc *p);			/* NULL is allowed */
bool mm_proc_is_live(const struct mm_proc *p);
/* Bytes of a page, in which some files count: this machine's, or as a capture tells (mm_sysroot_page_size()), else 4096. */
uint32_t mm_proc_page_size(const struct mm_proc *p);
void mm_proc_set_page_size(struct mm_proc *p, uint32_t bytes);		/* a power of two from 4096 on */

/**
 * mm_proc_read() - a whole file
 * @path:	below the sysroot, as "proc/meminfo"
 * @text:	its bytes with a NUL behind them, valid until the next read through @p
 *
 * A file beyond 16 MiB is refused (-EFBIG).  Return: 0 or -errno with @err.
 */
int mm_proc_read(struct mm_proc *p, const char *path, struct mm_str *text, struct mm_error *err);

/* The first file of proc/ read so far, of a capture, that does not end with a whole line, as "proc/stat"; NULL: none. */
const char *mm_proc_cut_off(const struct mm_proc *p);

/* ---- /proc/meminfo: KiB ------------------------------------------------ */

#define MM_MEMINFO_FIELDS(X) \
	X(total, "MemTotal") X(free, "MemFree") X(available, "MemAvailable") X(buffers, "Buffers") \
	X(cached, "Cached") X(swap_cached, "SwapCached") X(active, "Active") X(inactive, "Inactive") \
	X(swap_total, "SwapTotal") X(swap_free, "SwapFree") X(shmem, "Shmem") X(s_reclaimable, "SReclaimable")

struct mm_proc_meminfo {		/* a line that is not there is 0 */
#define X(field, key) uint64_t field##_kib;
	MM_MEMINFO_FIELDS(X)
#undef X
	/* as procps derives them */
	uint64_t used_kib;		/* total less available; total less free on kernels without it */
	uint64_t cache_kib;		/* Cached and SReclaimable */
	uint64_t buff_cache_kib;	/* Buffers, too */
	uint64_t swap_used_kib;
};

/*
 * /proc/meminfo into @mi: keys it lacks are 0, unknown ones are passed over.  0; -errno with @err when it cannot be
 * read or lacks a line that every kernel writes (it was cut off), @mi untouched.  Source: Linux 6.6 fs/proc/meminfo.c meminfo_proc_show().
 */
int mm_proc_meminfo(struct mm_proc *p, struct mm_proc_meminfo *mi, struct mm_error *err);

/*
 * The same by what free(1) printed, in an unpacked sosreport: total, free, available, shared, swap; buffers are in cached_kib where
 * it tells them together.  0; -ENOENT: this is none, or lacks it; -EINVAL: not in KiB, or cannot be understood; then @mi is untouched.
 */
int mm_proc_meminfo_by_free(struct mm_proc *p, struct mm_proc_meminfo *mi);

/* ---- /proc/stat --------------------------------------------------------- */

#define MM_TICK_FIELDS(X) X(user) X(nice) X(system) X(idle) X(iowait) X(irq) X(softirq) X(steal) X(guest) X(guest_nice)

struct mm_proc_ticks {			/* in clock ticks; guest is also in user */
#define X(field) uint64_t field;
	MM_TICK_FIELDS(X)
#undef X
};

struct mm_proc_stat {
	struct mm_proc_ticks all;	/* the line "cpu" */
	uint64_t intr, ctxt, btime, processes, procs_running, procs_blocked;	/* MM_MISSING_U64: there is no such line */
	uint32_t *cpu_id;		/* of the lines "cpuN" */
	struct mm_proc_ticks *cpu;
	size_t nr_cpus, cap;
};

/*
 * /proc/stat into @st: zeroed before its first use, read again and again, mm_proc_stat_free() at the end.  0; -errno with @err when
 * it cannot be read or has no line "cpu".  Source: Linux 6.6 fs/proc/stat.c show_stat().
 */
int mm_proc_stat(struct mm_proc *p, struct mm_proc_stat *st, struct mm_error *err);
void mm_proc_stat_free(struct mm_proc_stat *st);

/* ---- /proc/vmstat ------------------------------------------------------- */

struct mm_proc_counter {
	char name[48];
	uint64_t value;
};

struct mm_proc_vmstat {
	struct mm_proc_counter *v;	/* in the file's order */
	size_t nr, cap;
	uint64_t pgpgin, pgpgout, pswpin, pswpout;	/* MM_MISSING_U64 when not there */
};

/*
 * /proc/vmstat into @vs: zeroed before its first use, read again and again, mm_proc_vmstat_free() at the end.
 * 0 or -errno with @err.  Source: Linux 6.6 mm/vmstat.c vmstat_show().
 */
int mm_proc_vmstat(struct mm_proc *p, struct mm_proc_vmstat *vs, struct mm_error *err);
/* Only the four sums above, without the list. */
int mm_proc_vmstat_io(struct mm_proc *p, struct mm_proc_vmstat *vs, struct mm_error *err);
void mm_proc_vmstat_free(struct mm_proc_vmstat *vs);

/* ---- /proc/diskstats and /sys/block ------------------------------------- */

#define MM_DISK_FIELDS(X) \
	X(reads) X(reads_merged) X(read_sectors) X(read_ms) X(writes) X(writes_merged) X(written_sectors) X(write_ms) \
	X(in_flight) X(io_ms) X(weighted_ms)

struct mm_proc_disk {
	char name[64];
	bool whole;			/* a disk: it has a folder in /sys/block */
#define X(field) uint64_t field;
	MM_DISK_FIELDS(X)
#undef X
};

struct mm_proc_disks {
	struct mm_proc_disk *v;
	size_t nr, cap;
	uint64_t nr_bad;		/* lines of fewer fields than a partition ever had, and one that was cut off */
};

/*
 * /proc/diskstats into @ds, as above; 0 or -errno with @err.  Times are milliseconds, sectors 512 bytes.
 * Source: Linux 6.6 block/genhd.c diskstats_show().
 */
int mm_proc_disks(struct mm_proc *p, struct mm_proc_disks *ds, struct mm_error *err);
void mm_proc_disks_free(struct mm_proc_disks *ds);

/* ---- small files -------------------------------------------------------- */

/* Since boot, and the load of 1, 5 and 15 minutes, each in hundredths; 0 or -errno with @err, the results untouched. */
int mm_proc_uptime(struct mm_proc *p, uint64_t *centiseconds, struct mm_error *err);
int mm_proc_loadavg(struct mm_proc *p, uint32_t centi[3], struct mm_error *err);
/* How many are logged in, by run/utmp, sessions of systemd, or as uptime(1) counted for a sosreport; 0 where none of them is there. */
uint32_t mm_proc_logins(struct mm_proc *p);
uint32_t mm_proc_pid_digits(struct mm_proc *p);		/* width of a pid by sys/kernel/pid_max, at least 5 */

/* Names of users by etc/passwd below the sysroot. */
struct mm_users;
int mm_users_new(struct mm_users **up, struct mm_proc *p);	/* 0 or -ENOMEM; no file: no names */
void mm_users_free(struct mm_users *u);
const char *mm_users_name(const struct mm_users *u, uint32_t uid);	/* NULL: unknown */
int mm_users_uid(const struct mm_users *u, const char *name, uint32_t *uid);	/* 0 or -ENOENT */

/* ---- processes ---------------------------------------------------------- */

enum mm_pid_want {			/* files beyond PID/stat that the caller's columns need */
	MM_PID_STATUS = 1 << 0,		/* users, swap, RSS by kind */
	MM_PID_STATM = 1 << 1,		/* code and data; shared memory where status does not tell */
	MM_PID_OOM = 1 << 2,		/* oom_score, oom_score_adj */
};

enum mm_pid_unknown {			/* what is not known of a row: files are missing, or the kernel is too old to tell */
	MM_PID_NO_PPID = 1 << 0, MM_PID_NO_EUID = 1 << 1, MM_PID_NO_CPU = 1 << 2, MM_PID_NO_TIME = 1 << 3,
	MM_PID_NO_PRIORITY = 1 << 4, MM_PID_NO_NICE = 1 << 5, MM_PID_NO_FAULTS = 1 << 6, MM_PID_NO_THREADS = 1 << 7,
	MM_PID_NO_VIRT = 1 << 8, MM_PID_NO_RES = 1 << 9, MM_PID_NO_STATE = 1 << 10,
	MM_PID_NO_USERS = 1 << 11,	/* real, saved and filesystem user */
	MM_PID_NO_SHARED = 1 << 12,
	MM_PID_NO_KINDS = 1 << 13,	/* RssAnon, RssFile, RssShmem: since Linux 4.5 */
	MM_PID_NO_SWAP = 1 << 14,	/* VmSwap: since 2.6.34 */
	MM_PID_NO_LOCKED = 1 << 15,
	MM_PID_NO_CODE = 1 << 16,	/* code and data */
	MM_PID_NO_OOM_SCORE = 1 << 17, MM_PID_NO_OOM_ADJ = 1 << 18,
	MM_PID_NO_STAT = MM_PID_NO_CPU | MM_PID_NO_TIME | MM_PID_NO_PRIORITY | MM_PID_NO_NICE | MM_PID_NO_FAULTS,
	MM_PID_NO_STATUS = MM_PID_NO_EUID | MM_PID_NO_USERS | MM_PID_NO_SHARED | MM_PID_NO_KINDS | MM_PID_NO_SWAP | MM_PID_NO_LOCKED,
	MM_PID_NO_FILES = MM_PID_NO_OOM_ADJ * 2 - 1,
};

struct mm_pid_row {
	uint32_t pid, tgid, ppid;	/* tgid differs from pid for threads only */
	uint32_t ruid, euid, suid, fsuid;
	int32_t priority, nice;
	int32_t oom_score, oom_score_adj;	/* MM_PID_OOM */
	uint32_t nr_threads;
	char state;
	char comm[64];			/* NUL-terminated, bytes as the kernel has them */
	bool status_seen, status_rss, is_new, from_ps;
	uint32_t unknown;		/* enum mm_pid_unknown, of what was wanted */
	uint32_t life_cpu_tenths;	/* with from_ps, unless MM_PID_NO_CPU: CPU share of the whole life, tenths of a percent */
	const char *ps_user, *ps_args, *ps_cgroup;	/* with from_ps; NULL: not told.  Valid as long as the table */
	uint64_t min_flt, maj_flt, ticks, child_ticks, start_ticks;
	uint64_t ticks_delta, min_flt_delta, maj_flt_delta;	/* since the last refresh */
	uint64_t virt_kib, res_kib, shr_kib, code_kib, data_kib;
	uint64_t stat_rss_kib;		/* as PID/stat has it: on newer kernels less exact than status and statm */
	uint64_t swap_kib, rss_anon_kib, rss_file_kib, rss_shmem_kib, locked_kib;
	uint64_t pss_kib, uss_kib;	/* these: MM_MISSING_U64 where smaps_rollup was not read or is not there */
	uint64_t smaps_rss_kib, pss_anon_kib, pss_file_kib, pss_shmem_kib;
	int fd;				/* kept open on PID/stat, or -1 */
};

struct mm_pid_table;

struct mm_pid_options {
	uint32_t want;			/* enum mm_pid_want */
	bool threads;			/* a row each thread */
	const uint32_t *only;		/* these pids alone, or NULL */
	size_t nr_only;
};

/* An empty table; @p must outlive it.  0 or -ENOMEM. */
int mm_pid_table_new(struct mm_pid_table **tp, struct mm_proc *p);
void mm_pid_table_free(struct mm_pid_table *t);		/* NULL is allowed */

/**
 * mm_pid_table_refresh() - read all processes again
 *
 * Rows are sorted by pid and valid until the next refresh.  A process that
 * ends between two reads is left out; nothing else is lost.  In the steady
 * state no memory is allocated: rows and buffer are kept, and on a live
 * system PID/stat stays open while descriptors last, so that an idle process
 * costs one pread(2): its status is read again only when its counters moved.
 *
 * Return: 0 or -errno with @err (/proc cannot be listed, host memory).
 */
int mm_pid_table_refresh(struct mm_pid_table *t, const struct mm_pid_options *opt, struct mm_error *err);
struct mm_pid_row *mm_pid_table_rows(struct mm_pid_table *t, size_t *nr);
/* stat lines that could not be understood, last refresh; lines of a capture's ps */
uint64_t mm_pid_table_bad(const struct mm_pid_table *t);
/* Processes that are left out as their files may not be read, or failed to be, last refresh; *@why: -errno of the first. */
uint64_t mm_pid_table_denied(const struct mm_pid_table *t, int *why);
/* The outputs of ps (a sosreport's) that rows, or parts of rows, were taken from: "PATH and N more"; NULL: none. */
const char *mm_pid_table_ps(const struct mm_pid_table *t);
bool mm_pid_table_is_consistent(const struct mm_pid_table *t);

/*
 * Fill pss_kib and those after it of one row from smaps_rollup, for which the kernel walks the page tables: slow.
 * 0, or -errno when there is no file for it; the fields are then missing.
 */
int mm_pid_smaps(struct mm_proc *p, struct mm_pid_row *row);

enum mm_pid_text {
	MM_PID_CMDLINE,		/* PID/cmdline, or the words ps told: blanks between them; "?" for NULs and blanks alone */
	MM_PID_CGROUP,		/* PID/cgroup, or the one ps told: "ID:CONTROLLERS:PATH", commas between them; without those at the root */
	MM_PID_ENVIRON,		/* PID/environ, with blanks */
	MM_PID_EXE,		/* where the link PID/exe leads */
	MM_PID_WCHAN,		/* PID/wchan; none where it says 0: the process runs, or the kernel does not tell */
};

/**
 * mm_pid_text() - what one file of a process holds, as a line
 * @buf:	room for @size bytes; NUL-terminated, otherwise bytes as the kernel has them
 *
 * Return: length, 0 when there is none (a kernel thread, a zombie, no file, no right to read it).  What does not fit is cut.
 * Source: procps 4.0.2 library/readproc.c, by what its top shows.
 */
size_t mm_pid_text(struct mm_proc *p, const struct mm_pid_row *row, enum mm_pid_text what, char *buf, size_t size);

/* One line of PID/stat into @row; 0 or -EINVAL.  Fields beyond the ones known are ignored. */
int mm_pid_parse_stat(struct mm_str line, uint32_t page_kib, struct mm_pid_row *row);

#endif /* LIBMM_PROC_H */
