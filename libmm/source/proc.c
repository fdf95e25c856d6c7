/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A tree of kernel files: two directories kept open, one buffer.
 *
 *	DIR (or /) ---- proc/ ---- meminfo, stat, vmstat, PID/stat ...
 *	   |
 *	   +----------- sys/block, etc/passwd
 *
 * Files of /proc tell no size, so a file is read until read(2) gives nothing.
 * What is opened below a sysroot may be anything: pipes are not waited for
 * (O_NONBLOCK) and a file without end is given up at MAX_FILE.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libmm/source.h>
#include "source/proc.h"
#include "source/supportconfig.h"
#include "source/sysroot.h"

enum { FIRST_BUFFER = 1 << 15, MAX_FILE = 1 << 24 };

#define OPEN_FLAGS (O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)

/* Of a capture; 4 where it does not tell. */
static int read_page_kib(struct mm_proc *p, const char *sysroot, struct mm_error *err)
{
	struct mm_sysroot *r;
	uint32_t bytes = 0;
	int e = mm_sysroot_open(&r, sysroot, err);

	if (e)
		return e;
	e = mm_sysroot_page_size(r, &bytes);
	mm_sysroot_free(r);
	p->page_kib = bytes ? bytes / 1024 : MM_PAGE_SIZE / 1024;
	return e ? mm_error_set(err, e, "out of memory") : 0;
}

int mm_proc_new(struct mm_proc **pp, const char *sysroot, struct mm_error *err)
{
	const char *dir = sysroot && *sysroot ? sysroot : "/";
	struct mm_proc *p = calloc(1, sizeof(*p));
	int code;

	if (!p)
		return mm_error_set(err, -ENOMEM, "out of memory");
	p->live = !sysroot || !*sysroot;
	p->proc_fd = p->root_fd = -1;
	p->page_kib = (uint32_t)(sysconf(_SC_PAGESIZE) / 1024);
	if (!p->live)
		snprintf(p->name, sizeof(p->name), "%s", sysroot);
	code = p->live ? 0 : read_page_kib(p, sysroot, err);
	if (code) {
		mm_proc_free(p);
		return code;
	}
	p->root_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (p->root_fd < 0) {
		code = mm_error_set(err, -errno, "%s: %s", dir, strerror(errno));
		mm_proc_free(p);
		return code;
	}
	p->bare = !p->live && mm_sysroot_fd_is_bare(p->root_fd);
	p->texts = !p->live && mm_supportconfig_is(p->root_fd);
	p->cap = FIRST_BUFFER;
	p->buf = malloc(p->cap);
	if (!p->buf) {
		mm_proc_free(p);
		return mm_error_set(err, -ENOMEM, "out of memory");
	}
	*pp = p;
	return 0;
}

void mm_proc_free(struct mm_proc *p)
{
	if (!p)
		return;
	if (p->root_fd >= 0)
		close(p->root_fd);
	if (p->proc_fd >= 0)
		close(p->proc_fd);
	free(p->buf);
	free(p);
}

int mm_proc_open_dir(struct mm_proc *p)
{
	if (p->proc_fd < 0)
		p->proc_fd = openat(p->root_fd, p->bare || p->texts ? "." : "proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return p->proc_fd < 0 ? -errno : 0;
}

bool mm_proc_is_live(const struct mm_proc *p)
{
	return p->live;
}

uint32_t mm_proc_page_size(const struct mm_proc *p)
{
	return p->page_kib * 1024;
}

void mm_proc_set_page_size(struct mm_proc *p, uint32_t bytes)
{
	p->page_kib = bytes / 1024;
}

/*
 * Read @fd to its end; bytes or -errno.  A file the kernel writes as one record
 * is whole after a read that did not fill the buffer.
 */
static long read_all(struct mm_proc *p, int fd, bool one_record)
{
	size_t len = 0;

	for (;;) {
		ssize_t n = read(fd, p->buf + len, p->cap - 1 - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len += (size_t)n;
		if (one_record && len + 1 < p->cap)
			break;
		if (len + 1 == p->cap) {
			char *buf = p->cap < MAX_FILE ? realloc(p->buf, p->cap * 2) : NULL;

			if (!buf)
				return p->cap < MAX_FILE ? -ENOMEM : -EFBIG;
			p->buf = buf;
			p->cap *= 2;
		}
	}
	p->buf[len] = 0;
	return (long)len;
}

static bool is_one_record(const struct mm_proc *p, const char *path)
{
	static const char *const files[] = { "proc/stat", "proc/meminfo", "proc/uptime", "proc/loadavg" };

	for (size_t i = 0; p->live && i < sizeof(files) / sizeof(files[0]); i++)
		if (!strcmp(path, files[i]))
			return true;
	return false;
}

const char *mm_proc_cut_off(const struct mm_proc *p)
{
	return *p->cut_off ? p->cut_off : NULL;
}

int mm_proc_read(struct mm_proc *p, const char *path, struct mm_str *text, struct mm_error *err)
{
	const char *asked = path;
	struct mm_section at;
	int fd;
	long n;

	if (p->bare && !strncmp(path, "proc/", 5))
		path += 5;
	fd = p->texts ? mm_supportconfig_open(p->root_fd, path, &at) : openat(p->root_fd, path, OPEN_FLAGS);
	n = fd < 0 ? p->texts ? fd : -errno : read_all(p, fd, is_one_record(p, path));
	if (fd >= 0)
		close(fd);
	if (n < 0) {
		bool unmounted = p->live && n == -ENOENT && !strncmp(path, "proc/", 5);

		return mm_error_set(err, (int)n, "%s/%s: %s%s", p->name, path, strerror((int)-n),
				    unmounted ? " (is /proc mounted?)" : "");
	}
	if (n && !p->live && p->buf[n - 1] != '\n' && !*p->cut_off && !strncmp(asked, "proc/", 5))
		snprintf(p->cut_off, sizeof(p->cut_off), "%s", asked);
	*text = (struct mm_str){ p->buf, (size_t)n };
	return 0;
}

/* A descriptor of @path below proc/, or -errno. */
static int open_below(struct mm_proc *p, const char *path)
{
	int err = mm_proc_open_dir(p), fd;

	if (err)
		return err;
	fd = openat(p->proc_fd, path, OPEN_FLAGS);
	return fd < 0 ? -errno : fd;
}

long mm_proc_read_small(struct mm_proc *p, const char *path)
{
	int fd = open_below(p, path);
	ssize_t n;

	if (fd < 0)
		return fd;
	n = read(fd, p->buf, p->cap - 1);
	if (n < 0)
		n = -errno;
	else
		p->buf[n] = 0;
	close(fd);
	return n;
}

long mm_proc_read_whole(struct mm_proc *p, const char *path)
{
	int fd = open_below(p, path);
	long n;

	if (fd < 0)
		return fd;
	n = read_all(p, fd, true);
	close(fd);
	return n;
}
