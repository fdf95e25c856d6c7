/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The byte sink: one buffer, one sticky error.  A sink over fd -1 keeps everything in memory.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libmm/output.h>
#include "base/host_memory.h"

int mm_output_init(struct mm_output *out, int fd)
{
	*out = (struct mm_output){ .fd = fd, .cap = 2 * MM_OUTPUT_BUFFER };
	out->buf = mm_host_malloc(out->cap);
	return out->buf ? 0 : -ENOMEM;
}

static void write_all(struct mm_output *out, const char *p, size_t n)
{
	while (n && !out->err) {
		ssize_t w = write(out->fd, p, n);

		if (w >= 0) {
			p += w;
			n -= (size_t)w;
		} else if (errno != EINTR) {
			out->err = -errno;
		}
	}
}

/* A memory sink grows instead of being written. */
static void grow(struct mm_output *out, size_t room)
{
	size_t cap = out->cap;
	char *buf;

	while (cap - out->len < room)
		cap *= 2;
	if (cap == out->cap)
		return;
	buf = mm_host_realloc(out->buf, cap);
	if (!buf) {
		out->err = -ENOMEM;
		out->len = 0;
		return;
	}
	out->buf = buf;
	out->cap = cap;
}

int mm_output_flush(struct mm_output *out)
{
	if (out->fd >= 0) {
		write_all(out, out->buf, out->len);
		out->len = 0;
	}
	return out->err;
}

int mm_output_finish(struct mm_output *out)
{
	int err = mm_output_flush(out);

	free(out->buf);
	*out = (struct mm_output){ .fd = -1 };
	return err;
}

char *mm_output_reserve(struct mm_output *out, size_t n)
{
	if (out->cap - out->len < n) {
		if (out->fd >= 0)
			mm_output_flush(out);
		else
			grow(out, n);
	}
	return out->buf + out->len;
}

void mm_output_bytes(struct mm_output *out, const char *p, size_t n)
{
	while (n) {
		size_t k = n < MM_OUTPUT_BUFFER ? n : MM_OUTPUT_BUFFER;

		memcpy(mm_output_reserve(out, k), p, k);
		out->len += k;
		p += k;
		n -= k;
	}
}

void mm_output_printf(struct mm_output *out, const char *fmt, ...)
{
	char text[1024];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n > 0)
		mm_output_bytes(out, text, (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1);
}
