/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A directory that holds a machine's files as its root would: reading below it.
 * What is not a plain file (a pipe in an unpacked archive would block) is refused.
 *
 * Captures come in four layouts:
 *
 *	DIR/proc/zoneinfo ...		as they lie below /
 *	DIR/zoneinfo ...		"bare": files of /proc alone, without its name
 *	DIR/sos_commands/kernel/...	an unpacked sosreport: beside the first, the output of
 *					commands, which stands in for files that are not there
 *	DIR/memory.txt ...		an unpacked supportconfig: sections of texts (supportconfig.c)
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <libmm/csv.h>
#include <libmm/source.h>
#include "base/str.h"
#include "source/cmdline.h"
#include "source/folder.h"
#include "source/input.h"
#include "source/scan.h"
#include "source/supportconfig.h"
#include "source/sysroot.h"
#include "source/topology.h"

struct mm_sysroot {
	int fd;
	char *name;
	bool bare;
	struct mm_input_cut *cut;	/* the first file that may be */
};

/* Where @path lies: "proc/zoneinfo" of a bare capture is "zoneinfo". */
static const char *place(const struct mm_sysroot *r, const char *path)
{
	if (!r->bare || strncmp(path, "proc", 4) || (path[4] && path[4] != '/'))
		return path;
	return path[4] && path[5] ? path + 5 : ".";
}

int mm_sysroot_open(struct mm_sysroot **rp, const char *dir, struct mm_error *err)
{
	struct mm_sysroot *r = calloc(1, sizeof(*r));
	int e;

	if (!dir || !strcmp(dir, "live"))
		dir = "/";
	if (!r || !(r->name = strdup(strcmp(dir, "/") ? dir : "")) || !(r->cut = calloc(1, sizeof(*r->cut)))) {
		free(r ? r->name : NULL);
		free(r);
		return mm_error_set(err, -ENOMEM, "out of memory");
	}
	r->fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (r->fd < 0) {
		e = mm_error_set(err, -errno, "%s: %s", dir, strerror(errno));
		free(r->cut);
		free(r->name);
		free(r);
		return e;
	}
	r->bare = mm_sysroot_fd_is_bare(r->fd);
	*rp = r;
	return 0;
}

bool mm_sysroot_fd_is_bare(int fd)
{
	static const char *const files[] = { "zoneinfo", "meminfo", "buddyinfo", "vmstat", "iomem", "slabinfo", "stat", "pagetypeinfo" };

	if (!faccessat(fd, "proc", F_OK, 0))
		return false;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (!faccessat(fd, files[i], F_OK, 0))
			return true;
	return false;
}

void mm_sysroot_free(struct mm_sysroot *r)
{
	if (!r)
		return;
	close(r->fd);
	free(r->cut);
	free(r->name);
	free(r);
}

const char *mm_sysroot_name(const struct mm_sysroot *r) { return r->name; }
int mm_sysroot_dirfd(const struct mm_sysroot *r) { return r->fd; }
const struct mm_input_cut *mm_sysroot_cut(const struct mm_sysroot *r) { return r->cut->line ? r->cut : NULL; }

/* 0 or -errno when @path is no plain file. */
static int check_file(const struct mm_sysroot *r, const char *path)
{
	struct stat st;

	if (fstatat(r->fd, place(r, path), &st, 0))
		return -errno;
	return S_ISREG(st.st_mode) ? 0 : S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
}

/* A descriptor of a plain file, or of a section of @at that stands in for it; or -errno. */
static int open_file(const struct mm_sysroot *r, const char *path, struct mm_section *at)
{
	int fd, e = check_file(r, path);

	*at = (struct mm_section){ 0 };
	if (e == -ENOENT && *r->name)
		return mm_supportconfig_open(r->fd, path, at);
	if (e)
		return e;
	fd = openat(r->fd, place(r, path), O_RDONLY | O_CLOEXEC | O_NOCTTY);
	return fd < 0 ? -errno : fd;
}

bool mm_sysroot_has(const struct mm_sysroot *r, const char *path)
{
	if (!faccessat(r->fd, place(r, path), R_OK, AT_EACCESS))
		return true;
	return errno == ENOENT && *r->name && mm_supportconfig_has(r->fd, path);
}

int mm_sysroot_input(const struct mm_sysroot *r, const char *path, struct mm_input **inp, struct mm_error *err)
{
	struct mm_section at;
	int e, fd = open_file(r, path, &at);
	const char *file = at.file ? at.file : place(r, path);
	struct mm_input *in;
	char *name;

	if (fd < 0)
		return mm_error_set(err, fd, "%s/%s: %s", r->name, file, fd == -EINVAL ? "not a plain file" : strerror(-fd));
	name = malloc(strlen(r->name) + strlen(file) + 2);
	if (!name) {
		close(fd);
		return mm_error_set(err, -ENOMEM, "out of memory");
	}
	sprintf(name, "%s/%s", r->name, file);
	e = mm_input_open_fd(&in, fd, name, err);
	free(name);
	if (e)
		return e;
	in->line = at.line;
	in->cut = *r->name ? r->cut : NULL;
	*inp = in;
	return 0;
}

/* All of a file of a capture has been read: does its last line end? */
static void check_end(const struct mm_sysroot *r, const char *path, const char *text, size_t len)
{
	if (!*r->name || r->cut->line || !len || text[len - 1] == '\n' || !text[len - 1])
		return;
	snprintf(r->cut->name, sizeof(r->cut->name), "%s/%s", r->name, place(r, path));
	r->cut->line = 1;
	for (size_t i = 0; i < len; i++)
		r->cut->line += text[i] == '\n';
}

long mm_sysroot_text(const struct mm_sysroot *r, const char *path, char *text, size_t size)
{
	size_t len = 0;
	ssize_t n = 1;
	struct mm_section at;
	int e, fd = open_file(r, path, &at);

	if (fd < 0)
		return fd;
	while (n > 0 && len < size - 1) {
		n = read(fd, text + len, size - 1 - len);
		if (n < 0 && errno == EINTR)
			n = 1;
		else if (n > 0)
			len += (size_t)n;
	}
	e = n < 0 ? -errno : 0;
	close(fd);
	if (e)
		return e;
	if (!n)
		check_end(r, path, text, len);
	if (len && text[len - 1] == '\n')
		len--;
	text[len] = 0;
	return (long)len;
}

int mm_sysroot_u64(const struct mm_sysroot *r, const char *path, uint64_t *value)
{
	char text[64];
	long n = mm_sysroot_text(r, path, text, sizeof(text));
	struct mm_str s = { text, n > 0 ? (size_t)n : 0 };
	uint64_t v = 0;

	if (n < 0)
		return (int)n;
	scan_blanks(&s);
	if (s.len > 2 && s.p[0] == '0' && (s.p[1] | 0x20) == 'x' ? !scan_hex(&s, &v) : !scan_u64(&s, &v))
		return -EINVAL;
	scan_blanks(&s);
	if (s.len)
		return -EINVAL;
	*value = v;
	return 0;
}

int mm_sysroot_each(const struct mm_sysroot *r, const char *path, int (*fn)(void *arg, const char *name), void *arg)
{
	DIR *dir = mm_folder_open(r->fd, place(r, path));
	const char *name;
	int e = 0;

	if (!dir)
		return -errno;
	while (!e && (name = mm_folder_next(dir)))
		e = fn(arg, name);
	if (!e && errno)
		e = -errno;
	closedir(dir);
	return e;
}

/* transparent_hugepage/enabled: "always [madvise] never"; the word in brackets. */
static int read_thp(const struct mm_sysroot *r, struct mm_sysctls *s, struct mm_error *err)
{
	char text[128], *open, *close_;
	long n = mm_sysroot_text(r, "sys/kernel/mm/transparent_hugepage/enabled", text, sizeof(text));

	if (n < 0 || s->set[MM_SYSCTL_THP])
		return 0;
	open = strchr(text, '[');
	close_ = open ? strchr(open, ']') : NULL;
	if (!close_)
		return 0;
	return mm_sysctls_set(s, MM_STR("thp"), (struct mm_str){ open + 1, (size_t)(close_ - open - 1) }, err);
}

/* lru_gen/enabled, bits as "0x0007", of which newer kernels may have more, and lru_gen/min_ttl_ms. */
static int read_lru_gen(const struct mm_sysroot *r, struct mm_sysctls *s, struct mm_error *err)
{
	static const struct { enum mm_sysctl_id id; const char *path; uint64_t most; } files[] = {
		{ MM_SYSCTL_LRU_GEN, "sys/kernel/mm/lru_gen/enabled", 7 },
		{ MM_SYSCTL_LRU_GEN_MIN_TTL_MS, "sys/kernel/mm/lru_gen/min_ttl_ms", INT64_MAX },
	};

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		char text[64];
		long n = s->set[files[i].id] ? -1 : mm_sysroot_text(r, files[i].path, text, sizeof(text));
		struct mm_str number = { text, n > 0 ? strcspn(text, "\n") : 0 };
		uint64_t v;

		if (!number.len)
			continue;
		if (mm_parse_u64(number, &v))
			return mm_error_set(err, -EINVAL, "%s/%s: expected a number, found '%.*s'", r->name, files[i].path,
					    (int)number.len, number.p);
		s->v[files[i].id] = (int64_t)(v & files[i].most);
		s->set[files[i].id] = true;
	}
	return 0;
}

/* "vm.swappiness = 60": sets it if it is one of ours that no file told. */
static int sysctl_of_line(struct mm_sysctls *s, const struct mm_input *in, struct mm_str line, struct mm_error *err)
{
	const char *eq = memmem(line.p, line.len, " = ", 3);
	struct mm_error why;
	struct mm_str name, value;
	int id;

	if (!eq)
		return 0;
	name = (struct mm_str){ line.p, (size_t)(eq - line.p) };
	value = (struct mm_str){ eq + 3, line.len - name.len - 3 };
	if (!mm_str_starts(name, "vm.") && !mm_str_starts(name, "kernel."))
		return 0;
	for (id = 0; id < MM_NR_SYSCTLS; id++)
		if (mm_str_is(name, mm_sysctl_name((enum mm_sysctl_id)id)))
			break;
	if (id == MM_NR_SYSCTLS || s->set[id] || !mm_sysctls_set(s, name, value, &why))
		return 0;
	return mm_input_error(in, err, -EINVAL, "%s", why.text);
}

/* As sysctl -a prints them. */
static int sysctls_of_text(const struct mm_sysroot *r, struct mm_sysctls *s, struct mm_error *err)
{
	static const char path[] = "sos_commands/kernel/sysctl_-a";
	struct mm_input *in;
	struct mm_str line;
	int e = mm_sysroot_input(r, path, &in, NULL);

	if (e)
		return e == -ENOMEM ? mm_error_set(err, e, "out of memory") : 0;
	while ((e = mm_input_line(in, &line, err)) > 0) {
		e = sysctl_of_line(s, in, line, err);
		if (e)
			break;
	}
	mm_input_free(in);
	return e;
}

static bool has_flag(struct mm_str flags, const char *flag)
{
	size_t len = strlen(flag);
	const char *p;

	while ((p = memmem(flags.p, flags.len, flag, len))) {
		const char *end = flags.p + flags.len, *behind = p + len;

		if (p > flags.p && p[-1] == ' ' && (behind == end || *behind == ' '))
			return true;
		flags = (struct mm_str){ behind, (size_t)(end - behind) };
	}
	return false;
}

/* What the processors can do, where that is not what is taken anyway. The kernel takes flags away that it does without. */
static int read_cpu_flags(const struct mm_sysroot *r, struct mm_sysctls *s)
{
	static const struct {
		enum mm_sysctl_id id;
		const char *flag;
	} known[] = {
		{ MM_SYSCTL_LA57, "la57" }, { MM_SYSCTL_PKU, "ospke" }, { MM_SYSCTL_NX, "nx" }, { MM_SYSCTL_SMEP, "smep" },
		{ MM_SYSCTL_SMAP, "smap" },
	};
	enum { TEXT = 65536 };		/* the first processor of many */
	char *text = malloc(TEXT);
	long n = text ? mm_sysroot_text(r, "proc/cpuinfo", text, TEXT) : 0;
	struct mm_str all = { text, n > 0 ? (size_t)n : 0 }, line;

	while (scan_line(&all, &line)) {
		if (!scan_word(&line, "flags"))
			continue;
		for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
			bool has = has_flag(line, known[i].flag);

			if (s->set[known[i].id] || has == (s->v[known[i].id] != 0))
				continue;
			s->v[known[i].id] = has;
			s->set[known[i].id] = true;
		}
		break;
	}
	free(text);
	return text ? 0 : -ENOMEM;
}

/* Is the line a mount of cgroup2 with this option? */
static bool mounts_recursiveprot(struct mm_str line)
{
	static const char type[] = " cgroup2 ", option[] = "memory_recursiveprot";
	const char *at = memmem(line.p, line.len, type, sizeof(type) - 1);

	return at && memmem(at, (size_t)(line.p + line.len - at), option, sizeof(option) - 1);
}

static int read_mounts(const struct mm_sysroot *r, struct mm_sysctls *s, struct mm_error *err)
{
	struct mm_input *in;
	struct mm_str line;
	int e = s->set[MM_SYSCTL_MEMORY_RECURSIVEPROT] ? -ENOENT : mm_sysroot_input(r, "proc/mounts", &in, NULL);

	if (e)
		return e == -ENOMEM ? mm_error_set(err, e, "out of memory") : 0;
	while ((e = mm_input_line(in, &line, err)) > 0)
		if (mounts_recursiveprot(line)) {
			s->v[MM_SYSCTL_MEMORY_RECURSIVEPROT] = 1;
			s->set[MM_SYSCTL_MEMORY_RECURSIVEPROT] = true;
		}
	mm_input_free(in);
	return e;
}

int mm_sysroot_sysctls(const struct mm_sysroot *r, struct mm_sysctls *s, struct mm_error *err)
{
	char path[128], text[128], cmdline[4096];
	long len = mm_sysroot_text(r, "proc/cmdline", cmdline, sizeof(cmdline));

	if (len > 0)
		mm_cmdline_sysctls((struct mm_str){ cmdline, (size_t)len }, s);
	if (read_cpu_flags(r, s))
		return mm_error_set(err, -ENOMEM, "out of memory");
	for (int i = 0; i < MM_NR_SYSCTLS; i++) {
		const char *name = mm_sysctl_name((enum mm_sysctl_id)i), *dot = strchr(name, '.');
		struct mm_error why;
		long n;

		if (!dot || (strncmp(name, "vm.", 3) && strncmp(name, "kernel.", 7)) || s->set[i])
			continue;
		snprintf(path, sizeof(path), "proc/sys/%.*s/%s", (int)(dot - name), name, dot + 1);
		n = mm_sysroot_text(r, path, text, sizeof(text));
		if (n <= 0)
			continue;
		if (mm_sysctls_set(s, (struct mm_str){ name, strlen(name) }, (struct mm_str){ text, (size_t)n }, &why))
			return mm_error_set(err, -EINVAL, "%s/%s: %s", r->name, path, why.text);
	}
	if (read_mounts(r, s, err) || sysctls_of_text(r, s, err) || read_lru_gen(r, s, err))
		return err->code;
	return read_thp(r, s, err);
}

/* The kernel's log, where an archive keeps it; -ENOENT: none tells a map. */
static int read_log(const struct mm_sysroot *r, struct mm_region_list *l)
{
	static const char *const logs[] = { "var/log/dmesg", "sos_commands/kernel/dmesg", "sos_commands/kernel/dmesg_-T",
		"sos_commands/general/dmesg", "dmesg", "sos_commands/logs/journalctl_--no-pager_--boot" };

	for (size_t i = 0; i < sizeof(logs) / sizeof(logs[0]); i++) {
		struct mm_input *in;
		int e = mm_sysroot_input(r, logs[i], &in, NULL);

		if (e == -ENOMEM)
			return e;
		if (e)
			continue;
		e = mm_dmesg_regions_read(l, in, NULL);
		mm_input_free(in);
		if (!e || e == -ENOMEM)
			return e;
		mm_region_list_free(l);		/* the ring had turned over: another log may be older */
	}
	return -ENOENT;
}

/* proc/iomem, or where that is hidden or missing sys/firmware/memmap, or the map at the log's beginning. */
static int read_map(const struct mm_sysroot *r, struct mm_region_list *l, bool *hidden, struct mm_error *err)
{
	struct mm_input *in;
	int e = -ENOENT;

	if (mm_sysroot_has(r, "proc/iomem")) {
		e = mm_sysroot_input(r, "proc/iomem", &in, err);
		if (!e) {
			e = mm_iomem_read(l, in, err);
			mm_input_free(in);
		}
		if (e != -EPERM)
			return e;
		*hidden = true;
		mm_region_list_free(l);
	}
	if (mm_sysroot_has(r, "sys/firmware/memmap"))
		return mm_firmware_memmap_read(l, r, err);
	if (*r->name) {
		int of_log = read_log(r, l);

		if (of_log != -ENOENT)
			return of_log ? mm_error_set(err, of_log, "out of memory") : 0;
	}
	if (e == -ENOENT)
		mm_error_set(err, e, "%s: expected proc/iomem, sys/firmware/memmap or a kernel log, found none that tells a map",
			     *r->name ? r->name : "/");
	return e;
}

int mm_sysroot_regions(const struct mm_sysroot *r, struct mm_region_list *l, bool *hidden, struct mm_error *err)
{
	struct mm_boot_facts *boot;
	bool is_hidden = false;
	char cmdline[4096];
	long n;
	int e = read_map(r, l, &is_hidden, err);

	if (hidden)
		*hidden = is_hidden;
	boot = mm_region_list_boot(l);
	if (!boot)
		return mm_error_set(err, -ENOMEM, "out of memory");
	n = mm_sysroot_text(r, "proc/cmdline", cmdline, sizeof(cmdline));
	if (n > 0)
		mm_cmdline_facts((struct mm_str){ cmdline, (size_t)n }, boot);
	mm_sysroot_numa(r, boot);
	return e;
}

int mm_regions_read(struct mm_region_list *l, struct mm_input *in, struct mm_error *err)
{
	enum mm_source_kind kind;
	struct mm_str head;
	int e = mm_input_peek(in, &head, err);

	if (e)
		return e;
	kind = mm_source_sniff(head);
	switch (kind) {
	case MM_SOURCE_IOMEM:
		return mm_iomem_read(l, in, err);
	case MM_SOURCE_DMESG:
		return mm_dmesg_regions_read(l, in, err);
	case MM_SOURCE_CSV:
		return mm_regions_csv_read(l, in, err);
	default:
		return mm_error_set(err, -EINVAL, "%s: expected /proc/iomem, a kernel log or a regions table, found %s",
				    in->name,
				    !head.len ? "an empty file" : kind ? mm_source_kind_word(kind) : "something else");
	}
}
