/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Bytes in.  buf[pos, len) is what was read and not yet given out; a line or
 * block is given out as a slice of it and stays valid until the next call.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <libmm/input.h>

#include "source/input.h"

enum { FIRST_ROOM = 1 << 18 };

static int new_input(struct mm_input **inp, const char *name, int fd)
{
	struct mm_input *in = calloc(1, sizeof(*in));

	if (!in)
		return -ENOMEM;
	in->fd = fd;
	in->name = strdup(name);
	if (!in->name) {
		free(in);
		return -ENOMEM;
	}
	*inp = in;
	return 0;
}

static int open_input(struct mm_input **inp, int fd, const char *name, bool close_fd, struct mm_error *err)
{
	struct stat st;
	int e = new_input(inp, name, fd);

	if (e) {
		if (close_fd)
			close(fd);
		return mm_error_set(err, e, "%s: out of memory", name);
	}
	(*inp)->close_fd = close_fd;
	if (!fstat(fd, &st) && S_ISREG(st.st_mode))
		(*inp)->size = (uint64_t)st.st_size;
	return 0;
}

int mm_input_open_at(struct mm_input **inp, int dirfd, const char *path, struct mm_error *err)
{
	int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return mm_error_set(err, -errno, "%s: %s", path, strerror(errno));
	return open_input(inp, fd, path, true, err);
}

int mm_input_open_fd(struct mm_input **inp, int fd, const char *name, struct mm_error *err) { return open_input(inp, fd, name, true, err); }

int mm_input_open(struct mm_input **inp, const char *path, struct mm_error *err)
{
	if (!path || !strcmp(path, "-"))
		return open_input(inp, STDIN_FILENO, "standard input", false, err);
	return mm_input_open_at(inp, AT_FDCWD, path, err);
}

int mm_input_open_memory(struct mm_input **inp, const char *name, const void *p, size_t len)
{
	int e = new_input(inp, name, -1);

	if (e)
		return e;
	(*inp)->buf = (char *)(uintptr_t)p;
	(*inp)->len = len;
	(*inp)->eof = true;
	(*inp)->size = len;
	return 0;
}

void mm_input_free(struct mm_input *in)
{
	if (!in)
		return;
	if (in->close_fd)
		close(in->fd);
	if (in->fd >= 0)
		free(in->buf);
	free(in->name);
	free(in);
}

static int expected_text(const struct mm_input *in, const char *found, const char *pipe, struct mm_error *err)
{
	return mm_error_set(err, -EINVAL, "%s: expected text, found %s: pipe it through %s", in->name, found, pipe);
}

/* A byte order mark and a character of ASCII, as PowerShell writes. */
static bool is_utf16(const struct mm_input *in)
{
	const char *b = in->buf;

	return in->len >= 4 && ((!memcmp(b, "\xff\xfe", 2) && b[2] > 0 && !b[3]) || (!memcmp(b, "\xfe\xff", 2) && !b[2] && b[3] > 0));
}

/* The first bytes of an input that somebody has packed, or written in 16 bits: said here, for all that reads lines. */
static int check_packed(const struct mm_input *in, struct mm_error *err)
{
	static const struct {
		const char *magic, *what, *pipe;
	} packed[] = {
		{ "\x1f\x8b\x08", "gzip data", "zcat" }, { "\xfd" "7zXZ", "xz data", "xzcat" },
		{ "\x28\xb5\x2f\xfd", "zstd data", "zstdcat" }, { "BZh", "bzip2 data", "bzcat" },
		{ "LPKSHHRH", "a journal of systemd", "journalctl -k --file" },
	};

	for (size_t i = 0; i < sizeof(packed) / sizeof(packed[0]); i++) {
		size_t n = strlen(packed[i].magic);

		if (in->len >= n && !memcmp(in->buf, packed[i].magic, n))
			return expected_text(in, packed[i].what, packed[i].pipe, err);
	}
	return is_utf16(in) ? expected_text(in, "UTF-16", "iconv -f UTF-16 -t UTF-8", err) : 0;
}

/* Move what is held to the front and read once more. 1 some bytes, 0 end of input, -errno. */
static int fill(struct mm_input *in, struct mm_error *err)
{
	ssize_t n;

	if (in->eof)
		return 0;
	if (in->pos) {
		memmove(in->buf, in->buf + in->pos, in->len - in->pos);
		in->len -= in->pos;
		in->pos = 0;
	}
	if (in->cap == in->len) {
		size_t cap = in->cap ? 2 * in->cap : FIRST_ROOM;
		char *buf;

		if (in->len > MM_INPUT_MAX_LINE)
			return mm_input_error(in, err, -EFBIG,
					      "expected a line of at most %d bytes, found a longer one",
					      (int)MM_INPUT_MAX_LINE);
		buf = realloc(in->buf, cap);
		if (!buf)
			return mm_error_set(err, -ENOMEM, "%s: out of memory", in->name);
		in->buf = buf;
		in->cap = cap;
	}
	do
		n = read(in->fd, in->buf + in->len, in->cap - in->len);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return mm_error_set(err, -errno, "%s: %s", in->name, strerror(errno));
	in->eof = n == 0;
	in->len += (size_t)n;
	return n > 0;
}

int mm_input_peek(struct mm_input *in, struct mm_str *head, struct mm_error *err)
{
	while (in->len - in->pos < MM_INPUT_SNIFF) {
		int e = fill(in, err);

		if (e < 0)
			return e;
		if (!e)
			break;
	}
	if (!in->line && !in->pos && check_packed(in, err))
		return -EINVAL;
	head->p = in->buf + in->pos;
	head->len = in->len - in->pos < MM_INPUT_SNIFF ? in->len - in->pos : MM_INPUT_SNIFF;
	return 0;
}

int mm_input_line(struct mm_input *in, struct mm_str *line, struct mm_error *err)
{
	size_t seen = 0;
	char *nl;

	in->line++;
	while (!(nl = in->len > in->pos + seen ? memchr(in->buf + in->pos + seen, '\n', in->len - in->pos - seen)
		 : NULL)) {
		int e;

		seen = in->len - in->pos;
		e = fill(in, err);
		if (e < 0)
			return e;
		if (!e)
			break;
	}
	if (!nl && in->pos == in->len) {
		in->line--;
		return 0;
	}
	if (in->line == 1 && !in->pos && check_packed(in, err))
		return -EINVAL;
	in->truncated = !nl;
	if (!nl && in->cut && !in->cut->line) {
		snprintf(in->cut->name, sizeof(in->cut->name), "%s", in->name);
		in->cut->line = in->line;
	}
	line->p = in->buf + in->pos;
	line->len = nl ? (size_t)(nl - line->p) : in->len - in->pos;
	in->pos += line->len + (nl != NULL);
	in->consumed += line->len + (nl != NULL);
	if (line->len > MM_INPUT_MAX_LINE)
		return mm_input_error(in, err, -EFBIG, "expected a line of at most %d bytes, found %zu",
				      (int)MM_INPUT_MAX_LINE, line->len);
	if (line->len && line->p[line->len - 1] == '\r')
		line->len--;
	return 1;
}

int mm_input_block(struct mm_input *in, size_t keep, struct mm_str *block, struct mm_error *err)
{
	int e;

	in->pos -= keep;
	in->consumed -= keep;
	e = in->len - in->pos > keep ? 1 : fill(in, err);
	if (e < 0)
		return e;
	block->p = in->buf + in->pos;
	block->len = in->len - in->pos;
	in->pos = in->len;
	in->consumed += block->len;
	return e;
}

bool mm_input_skip(struct mm_input *in, uint64_t bytes)
{
	uint64_t held = in->len - in->pos;

	if (bytes > held) {
		if (in->fd < 0 || in->eof || bytes - held > INT64_MAX || lseek(in->fd, (off_t)(bytes - held), SEEK_CUR) < 0)
			return false;
		in->pos = in->len;
	} else {
		in->pos += (size_t)bytes;
	}
	in->consumed += bytes;
	return true;
}

int mm_input_error(const struct mm_input *in, struct mm_error *err, int code, const char *fmt, ...)
{
	char text[MM_ERROR_TEXT];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (in->line)
		return mm_error_set(err, code, "%s:%llu: %s", in->name, (unsigned long long)in->line, text);
	return mm_error_set(err, code, "%s: %s", in->name, text);
}
