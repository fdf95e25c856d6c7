/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An unpacked archive of SUSE's supportconfig: a folder of texts, in which files and outputs of commands are sections
 *
 *	#==[ Configuration File ]===========================#
 *	# /proc/meminfo
 *	MemTotal:        8008916 kB
 *	...
 *
 *	#==[ Command ]======================================#
 *	# /usr/bin/dmesg -T
 *	...
 *
 * A section ends at the next one, the blank lines before that are not its own.  supportconfig leaves out blank lines of files, and
 * those that begin with # (slabinfo's heading is one).  What is not there has "- File not found" behind its name, or the line
 * "ERROR: ..." alone.
 *
 * A section is looked for in the texts that may have it, when it is asked for: the pmap of all processes at the end of memory.txt
 * is not read for what stands before it.  Commands go by the names that a sosreport has for their output.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <libmm/input.h>

#include "base/str.h"
#include "source/scan.h"
#include "source/supportconfig.h"

/* Which text has it. A path that ends in / is a folder; @title is a command, its words behind those given may be any. NULL: a file. */
static const struct {
	const char *path, *file, *title;
} places[] = {
	{ "proc/meminfo", "memory.txt", NULL }, { "proc/vmstat", "memory.txt", NULL }, { "proc/zoneinfo", "memory.txt", NULL },
	{ "proc/zoneinfo", "proc.txt", NULL }, { "proc/buddyinfo", "memory.txt", NULL }, { "proc/pagetypeinfo", "memory.txt", NULL },
	{ "proc/slabinfo", "memory.txt", NULL }, { "sys/kernel/mm/transparent_hugepage/", "memory.txt", NULL },
	{ "proc/sys/", "proc.txt", NULL }, { "proc/cpuinfo", "hardware.txt", NULL }, { "proc/cmdline", "hardware.txt", NULL },
	{ "proc/cmdline", "boot.txt", NULL }, { "proc/mounts", "proc.txt", NULL }, { "proc/mounts", "fs-diskio.txt", NULL },
	{ "sos_commands/kernel/sysctl_-a", "env.txt", "sysctl -a" },
	{ "sos_commands/kernel/dmesg_-T", "boot.txt", "dmesg -T" }, { "sos_commands/kernel/dmesg", "boot.txt", "dmesg" },
	{ "sos_commands/logs/journalctl_--no-pager_--boot", "boot.txt", "journalctl --boot=0 --no-pager --output" },
	{ "sos_commands/logs/journalctl_--no-pager_--boot", "boot.txt", "journalctl --no-pager --boot=0" },
	{ "sos_commands/host/uptime", "basic-health-check.txt", "uptime" }, { "sos_commands/memory/free", "memory.txt", "free -k" },
	{ "ps", "basic-health-check.txt", "ps axwwo" },
};

static bool is_place(size_t i, const char *path)
{
	size_t n = strlen(places[i].path);

	return places[i].path[n - 1] == '/' ? !strncmp(path, places[i].path, n) : !strcmp(path, places[i].path);
}

/* "# /proc/meminfo", "# /usr/bin/dmesg -T" */
static bool is_title(struct mm_str line, const char *path, const char *command)
{
	struct mm_str word, rest;
	const char *slash;

	if (!scan_word(&line, "# "))
		return false;
	if (!command)
		return scan_word(&line, "/") && mm_str_is(line, path);
	rest = line;
	if (!scan_next_word(&rest, &word))
		return false;
	slash = memrchr(word.p, '/', word.len);
	if (slash) {
		line.len -= (size_t)(slash + 1 - line.p);
		line.p = slash + 1;
	}
	/* whole words; "dmesg" is not "dmesg -T" nor "dmesg | grep drm" */
	return scan_prefix(&line, command, strlen(command)) && (!line.len || (strchr(command, ' ') && (*line.p == ' ' || *line.p == '=') &&
							   !memchr(line.p, '|', line.len)));
}

/* The lines of a section up to the next, into @out, or where @out is -1 whether there are any. 1: yes, 0: none, or -errno. */
static int copy(struct mm_input *in, int out)
{
	struct mm_str line;
	off_t end = 0, at = 0;
	int e;

	while ((e = mm_input_line(in, &line, NULL)) > 0 && !mm_str_starts(line, "#==[ ")) {
		if (!at && mm_str_starts(line, "ERROR: "))
			return 0;
		if (line.len && out < 0)
			return 1;
		if (out >= 0 && (write(out, line.p, line.len) != (ssize_t)line.len || (!in->truncated && write(out, "\n", 1) != 1)))
			return -EIO;
		at += (off_t)line.len + !in->truncated;
		end = line.len ? at : end;
	}
	if (e < 0)
		return e;
	return end && (ftruncate(out, end) || lseek(out, 0, SEEK_SET)) ? -errno : end != 0;
}

static int find_section(struct mm_input *in, const char *path, const char *command, int out, uint64_t *nr)
{
	bool heading = false;
	struct mm_str line;
	int e;

	while ((e = mm_input_line(in, &line, NULL)) > 0) {
		if (heading && is_title(line, path, command)) {
			*nr = in->line;
			return copy(in, out);
		}
		heading = mm_str_starts(line, "#==[ ");
	}
	return e;
}

static bool is_text(int fd, const char *name)
{
	struct stat st;

	return !fstatat(fd, name, &st, 0) && S_ISREG(st.st_mode);
}

/* As copy() says. */
static int look(int fd, const char *path, int out, struct mm_section *at)
{
	int found = 0;

	for (size_t i = 0; !found && i < sizeof(places) / sizeof(places[0]); i++) {
		struct mm_input *in;
		int e;

		if (!is_place(i, path))
			continue;
		e = is_text(fd, places[i].file) ? mm_input_open_at(&in, fd, places[i].file, NULL) : -ENOENT;
		if (e == -ENOMEM)
			return e;
		if (e)
			continue;
		at->file = places[i].file;
		found = find_section(in, path, places[i].title, out, &at->line);
		mm_input_free(in);
	}
	return found;
}

bool mm_supportconfig_is(int fd)
{
	return faccessat(fd, "proc", F_OK, 0) && (is_text(fd, "basic-environment.txt") || mm_supportconfig_has(fd, "proc/meminfo"));
}

int mm_supportconfig_open(int fd, const char *path, struct mm_section *at)
{
	int out, found;
	bool any = false;

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		any |= is_place(i, path) && is_text(fd, places[i].file);
	out = any ? memfd_create(path, MFD_CLOEXEC) : -1;
	if (out < 0)
		return any ? -errno : -ENOENT;
	found = look(fd, path, out, at);
	if (found > 0)
		return out;
	close(out);
	return found ? found : -ENOENT;
}

bool mm_supportconfig_has(int fd, const char *path)
{
	struct mm_section at;

	return look(fd, path, -1, &at) > 0;
}
