/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libmm/output.h - a buffered byte sink over a file descriptor
 *
 * The one way bytes leave the library.  The first write error sticks: later
 * writes do nothing, and mm_output_finish() returns it.
 */
#ifndef LIBMM_OUTPUT_H
#define LIBMM_OUTPUT_H

#include <libmm/types.h>

enum { MM_OUTPUT_BUFFER = 1 << 16 };

struct mm_output {
	int fd;				/* -1: everything stays in buf */
	int err;			/* first -errno of a write */
	size_t len, cap;		/* bytes held, bytes of buf */
	char *buf;
};

/* 0 or -ENOMEM.  The fd stays the caller's; mm_output_finish() gives the buffer back. */
int mm_output_init(struct mm_output *out, int fd);
/* Flush what is held, free the buffer; returns the sticky error or 0. */
int mm_output_finish(struct mm_output *out);
/* Write what is held (a sink in memory keeps it); the sticky error or 0. */
int mm_output_flush(struct mm_output *out);

/* Room for @n bytes (at most MM_OUTPUT_BUFFER) at the returned place; commit with mm_output_advance(). */
char *mm_output_reserve(struct mm_output *out, size_t n);
static inline void mm_output_advance(struct mm_output *out, size_t n) { out->len += n; }
/* @n bytes, any number; what printf() would print, cut after 1023 bytes. */
void mm_output_bytes(struct mm_output *out, const char *p, size_t n);
void mm_output_printf(struct mm_output *out, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif /* LIBMM_OUTPUT_H */
