/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * source/proc.h - the kept descriptors and the one buffer behind <libmm/proc.h>
 */
#ifndef SOURCE_PROC_H
#define SOURCE_PROC_H

#include <libmm/proc.h>

struct mm_proc {
	int root_fd, proc_fd;		/* directories, kept open; proc_fd from mm_proc_open_dir() on */
	bool live;
	bool bare;			/* the files of /proc lie in the sysroot itself */
	bool texts;			/* they are sections of texts: supportconfig.h */
	uint32_t page_kib;
	char *buf;
	size_t cap;			/* one byte of it is for the NUL */
	char cut_off[64];		/* see mm_proc_cut_off() */
	char name[256];			/* the sysroot as given, for messages; "" for / */
};

/* Open the directory proc/, which the files of processes need; 0 or -errno. */
int mm_proc_open_dir(struct mm_proc *p);

/*
 * Read @path below proc/, as "1/stat", into the buffer, in one system call: what does not fit is cut.  Return: bytes, or -errno; no
 * message is made.
 */
long mm_proc_read_small(struct mm_proc *p, const char *path);
/* The same without a cut: the buffer grows. */
long mm_proc_read_whole(struct mm_proc *p, const char *path);

/* Who is logged in, as uptime(1) counted for a sosreport; false: that is not there. */
bool mm_proc_uptime_users(struct mm_proc *p, uint32_t *users);

#endif /* SOURCE_PROC_H */
