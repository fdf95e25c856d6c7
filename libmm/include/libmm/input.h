/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libmm/input.h - bytes in: files, pipes, memory; blocks and lines
 *
 * One buffer that grows to the longest line allowed and no further.  Line
 * numbers are kept for messages.
 */
#ifndef LIBMM_INPUT_H
#define LIBMM_INPUT_H

#include <libmm/error.h>
#include <libmm/types.h>

enum {
	MM_INPUT_MAX_LINE = 1 << 20,	/* longer ones are an error */
	MM_INPUT_SNIFF = 1 << 14,	/* bytes that mm_input_peek() shows */
};

/* A file whose last line has no LF, and so may be cut. */
struct mm_input_cut {
	char name[256];			/* for messages */
	uint64_t line;			/* 0: there is none */
};

struct mm_input {
	char *name;			/* for messages; "standard input" for - */
	int fd;				/* -1: memory */
	bool close_fd;
	bool eof;
	bool truncated;			/* the line given out last had no LF */
	char *buf;
	size_t pos, len, cap;		/* next byte, bytes held, room */
	uint64_t line;			/* number of the last line given out, from 1 */
	uint64_t consumed;		/* bytes given out */
	uint64_t size;			/* of a regular file, else 0: for --progress */
	struct mm_input_cut *cut;	/* of the sysroot it is of, told of the first one; or NULL */
};

/* @path NULL or "-" is standard input.  0 or -errno with @err. */
int mm_input_open(struct mm_input **inp, const char *path, struct mm_error *err);
/* The same below the directory @dirfd; nothing stands for standard input. */
int mm_input_open_at(struct mm_input **inp, int dirfd, const char *path, struct mm_error *err);
/* Over @len bytes of memory that must outlive the input; @name, for messages, is copied.  0 or -ENOMEM. */
int mm_input_open_memory(struct mm_input **inp, const char *name, const void *p, size_t len);
void mm_input_free(struct mm_input *in);

/* The first bytes (up to MM_INPUT_SNIFF) without taking them; 0 or -errno. */
int mm_input_peek(struct mm_input *in, struct mm_str *head, struct mm_error *err);

/**
 * mm_input_line() - the next line without its LF (and CR before it)
 *
 * The slice is valid until the next call.  Return: 1 a line, 0 the end,
 * -errno with @err (-EFBIG: longer than MM_INPUT_MAX_LINE; a read error).
 * A last line without LF is a line; @in->truncated tells, for formats where
 * half a line would be read as something else.
 */
int mm_input_line(struct mm_input *in, struct mm_str *line, struct mm_error *err);

/**
 * mm_input_block() - more bytes for a reader that cuts rows itself
 * @keep:	bytes at the end of the last block to see again (an unfinished row)
 * @block:	@keep old bytes, then new ones
 *
 * @in->line is the caller's to keep.  The buffer grows only while less than
 * all of it is kept, and to at most 2 * MM_INPUT_MAX_LINE: a reader that keeps
 * more gets -EFBIG.  Over memory the first block is all of it.
 *
 * Return: 1, 0 at the end (then @block is the kept bytes) or -errno.
 */
int mm_input_block(struct mm_input *in, size_t keep, struct mm_str *block, struct mm_error *err);

/* Leave out @bytes more than were given out. True; false: it cannot be done but by reading them, nothing has changed. */
bool mm_input_skip(struct mm_input *in, uint64_t bytes);

/* "FILE:LINE: " + text into @err; returns @code. */
int mm_input_error(const struct mm_input *in, struct mm_error *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

#endif /* LIBMM_INPUT_H */
