/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* source/supportconfig.h - files of a machine that SUSE's supportconfig packed into a few texts */
#ifndef SOURCE_SUPPORTCONFIG_H
#define SOURCE_SUPPORTCONFIG_H

#include <stdbool.h>
#include <stdint.h>

/* Where a section's text stands, for messages. */
struct mm_section {
	const char *file;		/* "memory.txt" */
	uint64_t line;			/* of its title: the text follows */
};

/* Is the open folder @fd an unpacked archive of supportconfig? */
bool mm_supportconfig_is(int fd);
/*
 * The section of the open folder @fd that has what would be @path of a sysroot: "proc/meminfo", "sos_commands/host/uptime".
 * Return: a descriptor, the caller's, of a file in memory with the text; -ENOENT: there is none, as in most folders; -errno.
 */
int mm_supportconfig_open(int fd, const char *path, struct mm_section *at);
bool mm_supportconfig_has(int fd, const char *path);

#endif /* SOURCE_SUPPORTCONFIG_H */
