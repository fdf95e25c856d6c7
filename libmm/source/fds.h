/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * source/fds.h - which file is behind a descriptor, for recordings of system calls
 *
 * Follows open, dup, close, fork and exec of every process, with the file
 * position and what the calls tell about the size of each file.
 */
#ifndef SOURCE_FDS_H
#define SOURCE_FDS_H

#include <libmm/types.h>

enum mm_fd_kind { MM_FD_REG, MM_FD_DIR, MM_FD_CHR, MM_FD_OTHER };	/* OTHER: /proc, /sys: not in the page cache */

/* A file by its name.  Lives as long as the table. */
struct mm_fd_file {
	struct mm_fd_file *next;
	struct mm_str name;
	uint64_t size;			/* at least: as far as the calls reached */
	uint64_t told_size;		/* in the last file row */
	bool exact;			/* size is all of it: a call reached its end */
	bool told, told_writable;	/* a file row was given out; one that says it is writable */
	bool writable;			/* opened for writing once */
	uint8_t kind;			/* enum mm_fd_kind */
};

/* An open file description: shared by dup and fork. */
struct mm_fd_open {
	struct mm_fd_file *file;
	uint64_t pos;
	uint32_t refs;
	bool append;
};

struct mm_fds;

struct mm_fds *mm_fds_new(void);	/* NULL: host memory */
void mm_fds_free(struct mm_fds *t);

/* The file called @name, made when it is new.  NULL: host memory. */
struct mm_fd_file *mm_fds_file(struct mm_fds *t, struct mm_str name);

/* @flags are open(2)'s of x86-64.  0, -ENOMEM, -EMFILE (more descriptors than any process can have). */
int mm_fds_open(struct mm_fds *t, uint32_t pid, uint32_t fd, struct mm_str name, uint64_t flags);
/* also when old is not known */
int mm_fds_dup(struct mm_fds *t, uint32_t pid, uint32_t old, uint32_t fd, bool cloexec);
void mm_fds_close(struct mm_fds *t, uint32_t pid, uint32_t fd);
int mm_fds_fork(struct mm_fds *t, uint32_t parent, uint32_t child);
void mm_fds_exec(struct mm_fds *t, uint32_t pid);		/* close-on-exec */
void mm_fds_exit(struct mm_fds *t, uint32_t pid);

/* NULL: the recording does not tell. */
struct mm_fd_open *mm_fds_get(struct mm_fds *t, uint32_t pid, uint32_t fd);

#endif /* SOURCE_FDS_H */
