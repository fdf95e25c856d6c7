/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Calls of an strace log that open, read, write and close files.
 *
 * Reads and writes of ordinary files become rows with the offset that the
 * descriptor had.  A file is told of (a file row) before its first use; what was
 * read or mapped beyond its known size makes it that large.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/minmax.h"
#include "base/str.h"
#include "source/scan.h"
#include "source/strace.h"

static const char memfd[] = "/memfd:";

/* "</path>" behind a descriptor, if it stands there. */
static bool path_of_fd(struct mm_str arg, struct mm_str *path)
{
	const char *lt = arg.len ? memchr(arg.p, '<', arg.len) : NULL;
	const char *gt = NULL;

	if (!lt)
		return false;
	for (const char *p = arg.p + arg.len; p > lt && !gt; p--)
		if (p[-1] == '>')
			gt = p - 1;
	if (!gt)
		return false;
	*path = (struct mm_str){ lt + 1, (size_t)(gt - lt - 1) };
	/* -yy: "</dev/zero<char 1:5>>" */
	lt = memchr(path->p, '<', path->len);
	if (lt && (mm_str_starts((struct mm_str){ lt, (size_t)(gt - lt) }, "<char ") ||
		   mm_str_starts((struct mm_str){ lt, (size_t)(gt - lt) }, "<block ")))
		path->len = (size_t)(lt - path->p);
	return true;
}

/* "\"/etc/passwd\"": the text, escapes left as they are. */
bool strace_quoted(struct mm_str arg, struct mm_str *text)
{
	if (arg.len < 2 || arg.p[0] != '"')
		return false;
	for (size_t i = arg.len - 1; i > 0; i--)
		if (arg.p[i] == '"') {
			*text = (struct mm_str){ arg.p + 1, i - 1 };
			return true;
		}
	return false;
}

/* The file that a descriptor stands for, *@fdp when the log showed its open; NULL: none known (0) or -ENOMEM. */
struct strace_file *strace_file_of(struct strace_calls *c, const struct strace_call *call, struct mm_str arg,
				   struct strace_fd **fdp, int *e)
{
	struct strace_file *file;
	struct mm_str path;
	uint64_t fd;

	*e = 0;
	*fdp = NULL;
	if (!strace_number(arg, &fd))
		return NULL;
	*fdp = strace_fd(c->files, call->pid, fd);
	if (!path_of_fd(arg, &path))
		return *fdp ? (*fdp)->file : NULL;
	if (!strace_is_absolute(path))
		return NULL;		/* a pipe, a socket */
	mm_str_cut_end(&path, " (deleted)");
	if (*fdp && !strncmp((*fdp)->file->path, memfd, sizeof(memfd) - 1) && mm_str_starts(path, memfd))
		return (*fdp)->file;
	file = strace_path(c->files, path);
	if (!file) {
		*e = -ENOMEM;
		return NULL;
	}
	if (*fdp && (file == (*fdp)->file->first || file == (*fdp)->file))
		return (*fdp)->file;	/* whatever has that path now */
	if (file->now)
		file = file->now;
	if (!*fdp) {
		*e = strace_fd_set(c->files, call->pid, fd, file, file->mode);
		*fdp = *e ? NULL : strace_fd(c->files, call->pid, fd);
	} else if ((*fdp)->file != file) {
		*e = strace_fd_set(c->files, call->pid, fd, file, 2);
		*fdp = *e ? NULL : strace_fd(c->files, call->pid, fd);
	}
	return *e ? NULL : file;
}

/* Bytes of it are in the page cache; a name without a directory is of the program's own. */
static bool is_content(const struct strace_file *f)
{
	static const char *const not_those[] = { "/proc/", "/sys/", "pidfd:", "userfaultfd:" };

	if (!strncmp(f->path, "/dev/", 5))
		return !strncmp(f->path, "/dev/shm/", 9);
	for (size_t i = 0; i < sizeof(not_those) / sizeof(not_those[0]); i++)
		if (!strncmp(f->path, not_those[i], strlen(not_those[i])))
			return false;
	return true;
}

static const char *file_flags(const struct strace_file *f, uint8_t mode)
{
	bool chr = !strncmp(f->path, "/dev/", 5) && strncmp(f->path, "/dev/shm/", 9);
	static const char *const words[2][3] = {
		{ "O_RDONLY|S_IFREG", "O_WRONLY|S_IFREG", "O_RDWR|S_IFREG" },
		{ "O_RDONLY|S_IFCHR", "O_WRONLY|S_IFCHR", "O_RDWR|S_IFCHR" },
	};

	return words[chr][mode > 2 ? 2 : mode];
}

/* Before a file's use: tell of it, or that it is larger than was told. */
void strace_tell_file(struct mm_trace_batch *b, const struct strace_call *call, struct strace_file *f, uint8_t mode,
		      uint64_t need)
{
	const char *flags = file_flags(f, mode);
	struct mm_event *ev;

	if (!f->size_known && f->size < need)
		f->size = need;
	if (!f->told || f->told_mode != mode) {
		ev = strace_add_row(b, call, MM_EV_FILE);
		mm_event_put(ev, SIZE, size, f->size);
		mm_event_put(ev, NAME, name, ((struct mm_str){ f->path, strlen(f->path) }));
		mm_event_put(ev, FLAGS, flags, ((struct mm_str){ flags, strlen(flags) }));
	}
	if (f->told && f->told_size < f->size) {
		ev = strace_add_row(b, call, MM_EV_TRUNCATE);
		mm_event_put(ev, SIZE, size, f->size);
		mm_event_put(ev, NAME, name, ((struct mm_str){ f->path, strlen(f->path) }));
	}
	f->told = true;
	f->told_mode = mode;
	f->told_size = f->size;
}

static uint8_t open_mode(struct mm_str flags)
{
	return strace_has_flag(flags, "O_RDWR", 2) ? 2 : strace_has_flag(flags, "O_WRONLY", 1) ? 1 : 0;
}

/* The file is as long as @size from now on. */
static void resized(struct mm_trace_batch *b, const struct strace_call *call, struct strace_file *file, uint64_t size)
{
	struct mm_event *ev;

	file->size = size;
	file->size_known = true;
	if (!file->told)
		return;
	ev = strace_add_row(b, call, MM_EV_TRUNCATE);
	mm_event_put(ev, SIZE, size, size);
	mm_event_put(ev, NAME, name, ((struct mm_str){ file->path, strlen(file->path) }));
	file->told_size = size;
}

static int on_open(struct strace_calls *c, struct mm_trace_batch *b, const struct strace_call *call)
{
	bool creat = mm_str_is(call->name, "creat"), at = strace_has(call->name, "at") && !creat;
	struct mm_str path = call->path, flags = call->arg[at ? 2 : 1];
	bool tmpfile = !creat && strace_has_flag(flags, "O_TMPFILE", 020000000);
	bool may_make = creat || strace_has_flag(flags, "O_CREAT", 0100);
	bool made = tmpfile || (!creat && may_make && strace_has_flag(flags, "O_EXCL", 0200));
	uint8_t mode = creat ? 1 : open_mode(flags);
	struct strace_file *file, *named, *was;
	char text[STRACE_PATH];
	struct strace_fd *fd;
	int e;

	if (call->failed || call->no_result)
		return 0;
	if (!path.len && !strace_quoted(call->arg[at ? 1 : 0], &path))
		return 0;
	if (!path.len)
		return 0;
	if (tmpfile && !call->path.len)		/* of a directory: /tmp/#INODE, of which the log does not tell the number */
		path = (struct mm_str){ text, (size_t)snprintf(text, sizeof(text), "%.*s/#", (int)mm_min_u64(path.len, STRACE_PATH - 3),
							       path.p) };
	named = strace_path(c->files, path);
	if (!named)
		return -ENOMEM;
	was = named->now;
	file = made || !was ? strace_file_anew(c->files, named) : was;
	if (!file)
		return -ENOMEM;
	made |= may_make && !was;
	file->mode = mode;
	file->opened = named->opened = true;
	if (made || creat || strace_has_flag(flags, "O_TRUNC", 01000))
		resized(b, call, file, 0);
	e = strace_fd_set(c->files, call->pid, call->result, file, mode);
	fd = e ? NULL : strace_fd(c->files, call->pid, call->result);
	if (fd)
		fd->append = !creat && strace_has_flag(flags, "O_APPEND", 02000);
	return e;
}

/* unlink("/tmp/x"), unlinkat(AT_FDCWD, "/tmp/x", 0): who opens that path next has another file */
static int on_unlink(struct strace_calls *c, const struct strace_call *call)
{
	bool at = mm_str_is(call->name, "unlinkat");
	struct strace_file *named;
	struct mm_str path;

	if (call->failed || !strace_quoted(call->arg[at ? 1 : 0], &path) || (at && strace_has_flag(call->arg[2], "AT_REMOVEDIR", 0x200)))
		return 0;
	named = strace_path_known(c->files, path);
	if (named && named->opened)
		named->now = NULL;
	return 0;
}

/* rename("a", "b"), renameat(AT_FDCWD, "a", AT_FDCWD, "b"), renameat2 with flags behind: b is the file that a was */
static int on_rename(struct strace_calls *c, const struct strace_call *call)
{
	bool at = !mm_str_is(call->name, "rename"), exchange = mm_str_is(call->name, "renameat2") &&
								strace_has_flag(call->arg[4], "RENAME_EXCHANGE", 2);
	struct strace_file *from, *to, *was;
	struct mm_str a, b;

	if (call->failed || !strace_quoted(call->arg[at ? 1 : 0], &a) || !strace_quoted(call->arg[at ? 3 : 1], &b))
		return 0;
	from = strace_path_known(c->files, a);
	to = from && from->opened ? strace_path(c->files, b) : strace_path_known(c->files, b);
	if (!to)
		return from && from->opened ? -ENOMEM : 0;
	was = to->now;
	if (!from || !from->opened)		/* what b is now no call has used */
		return to->opened && !strace_file_anew(c->files, to) ? -ENOMEM : 0;
	to->now = from->now;
	to->opened = true;
	from->now = exchange ? was : NULL;
	return 0;
}

/* Each is a file of its own, whatever its name: the second of a name is "/memfd:NAME (2)". */
static int on_memfd(struct strace_calls *c, const struct strace_call *call)
{
	struct strace_file *file;
	struct mm_str name;
	char path[300];
	int n;

	if (call->failed || call->no_result || !strace_quoted(call->arg[0], &name))
		return 0;
	if (name.len > 249)
		name.len = 249;
	n = snprintf(path, sizeof(path), "%s%.*s", memfd, (int)name.len, name.p);
	file = strace_path(c->files, (struct mm_str){ path, (size_t)n });
	file = file ? strace_file_anew(c->files, file) : NULL;
	if (!file)
		return -ENOMEM;
	file->mode = 2;
	return strace_fd_set(c->files, call->pid, call->result, file, 2);
}

static bool is_dupfd(struct mm_str cmd)
{
	return strace_has_flag(cmd, "F_DUPFD", 0) || strace_has_flag(cmd, "F_DUPFD_CLOEXEC", 1030);
}

static int on_dup(struct strace_calls *c, const struct strace_call *call)
{
	struct strace_fd *from;
	struct strace_file *file;
	uint64_t old;
	int e;

	if (call->failed || call->no_result || (mm_str_is(call->name, "fcntl") && !is_dupfd(call->arg[1])))
		return 0;
	file = strace_file_of(c, call, call->arg[0], &from, &e);
	if (!file || !strace_number(call->arg[0], &old))
		return e;
	return strace_fd_dup(c->files, call->pid, old, call->result);
}

static int on_close(struct strace_calls *c, struct mm_trace_batch *b, const struct strace_call *call)
{
	uint64_t fd;

	if (!strace_number(call->arg[0], &fd))
		return 0;
	strace_uffd_close(b, call, strace_fd(c->files, call->pid, fd));
	strace_fd_close(c->files, call->pid, fd);
	return 0;
}

/* fstat(3, {st_size=2030928, ...}), newfstatat(3, "", {st_size=...}, AT_EMPTY_PATH), statx(3, "", AT_EMPTY_PATH, mask, {stx_size=...}) */
static int on_stat(struct strace_calls *c, const struct strace_call *call)
{
	bool at = mm_str_is(call->name, "newfstatat"), statx = mm_str_is(call->name, "statx");
	struct mm_str st = call->arg[statx ? 4 : at ? 2 : 1];
	struct strace_file *file;
	struct strace_fd *fd;
	const char *p;
	int e;

	if (call->failed || ((at || statx) && !mm_str_is(call->arg[1], "\"\"")))
		return 0;
	file = strace_file_of(c, call, call->arg[0], &fd, &e);
	p = strace_find(st, statx ? "stx_size=" : "st_size=");
	if (!file || !p)
		return e;
	p = memchr(p, '=', st.len - (size_t)(p - st.p)) + 1;
	file->size_known = strace_number((struct mm_str){ p, st.len - (size_t)(p - st.p) }, &file->size);
	return 0;
}

static int on_ftruncate(struct strace_calls *c, struct mm_trace_batch *b, const struct strace_call *call)
{
	struct strace_file *file;
	struct strace_fd *fd;
	struct mm_str path;
	uint64_t size;
	int e = 0;

	if (call->failed || !strace_number(call->arg[1], &size))
		return 0;
	if (!mm_str_is(call->name, "truncate"))
		file = strace_file_of(c, call, call->arg[0], &fd, &e);
	else if (!strace_quoted(call->arg[0], &path))
		return 0;
	else if (!(file = strace_path(c->files, path)))
		return -ENOMEM;
	if (file)
		resized(b, call, file, size);
	return e;
}

/* fsync(fd), fdatasync(fd) */
static int on_fsync(struct strace_calls *c, struct mm_trace_batch *b, const struct strace_call *call)
{
	struct strace_file *file;
	struct strace_fd *fd;
	struct mm_event *ev;
	int e;

	file = strace_file_of(c, call, call->arg[0], &fd, &e);
	if (!file || !file->told || call->no_result)
		return e;
	ev = strace_add_row(b, call, MM_EV_FSYNC);
	mm_event_put(ev, NAME, name, ((struct mm_str){ file->path, strlen(file->path) }));
	strace_put_result(ev, call, false);
	return strace_keep_slices(c, ev);
}

/* fadvise64(fd, offset, len, advice) */
static int on_fadvise(struct strace_calls *c, struct mm_trace_batch *b, const struct strace_call *call)
{
	char text[MM_FLAGS_TEXT];
	struct strace_file *file;
	struct strace_fd *fd;
	uint64_t offset, len;
	struct mm_event *ev;
	int e;

	if (call->no_result || !strace_number(call->arg[1], &offset) || !strace_number(call->arg[2], &len))
		return 0;
	file = strace_file_of(c, call, call->arg[0], &fd, &e);
	if (!file || !is_content(file))
		return e;
	strace_tell_file(b, call, file, fd ? fd->mode : 2, 0);
	ev = strace_add_row(b, call, MM_EV_FADVISE);
	mm_event_put(ev, NAME, name, ((struct mm_str){ file->path, strlen(file->path) }));
	mm_event_put(ev, OFFSET, offset, offset);
	mm_event_put(ev, SIZE, size, len);
	mm_event_put(ev, FLAGS, flags, strace_words(call->arg[3], MM_FLAG_FADV, text));
	strace_put_result(ev, call, false);
	return strace_keep_slices(c, ev);
}

/* The size that a file had before fallocate(), as far as it shows, and what it is afterwards. */
static void resize(struct strace_file *f, struct mm_str mode, uint64_t offset, uint64_t len)
{
	bool out = mm_has_word(mode, "FALLOC_FL_COLLAPSE_RANGE"), in = mm_has_word(mode, "FALLOC_FL_INSERT_RANGE");
	uint64_t least = out ? offset + len + 1 : in ? offset + 1 : 0;

	if (!f->size_known && f->size < least)
		f->size = least;
	if (out && f->size >= len)
		f->size -= len;
	else if (in)
		f->size += len;
	else if (!mm_has_word(mode, "FALLOC_FL_KEEP_SIZE") && f->size_known && f->size < offset + len)
		f->size = offset + len;
}

/* fallocate(fd, mode, offset, len) */
static int on_fallocate(struct strace_calls *c, struct mm_trace_batch *b, const struct strace_call *call)
{
	struct strace_file *file;
	struct strace_fd *fd;
	uint64_t offset, len;
	char text[MM_FLAGS_TEXT];
	struct mm_str mode = strace_words(call->arg[1], MM_FLAG_FALLOC, text);
	struct mm_event *ev;
	int e;

	if (call->failed || !strace_number(call->arg[2], &offset) || !strace_number(call->arg[3], &len))
		return 0;
	file = strace_file_of(c, call, call->arg[0], &fd, &e);
	if (!file)
		return e;
	if (file->told && mm_has_word(mode, "FALLOC_FL_COLLAPSE_RANGE"))
		strace_tell_file(b, call, file, file->told_mode, offset + len + 1);
	else if (file->told && mm_has_word(mode, "FALLOC_FL_INSERT_RANGE"))
		strace_tell_file(b, call, file, file->told_mode, offset + 1);
	resize(file, mode, offset, len);
	if (!file->told)
		return 0;
	file->told_size = file->size;
	ev = strace_add_row(b, call, MM_EV_FALLOCATE);
	mm_event_put(ev, OFFSET, offset, offset);
	mm_event_put(ev, SIZE, size, len);
	mm_event_put(ev, FLAGS, flags, mode);
	mm_event_put(ev, NAME, name, ((struct mm_str){ file->path, strlen(file->path) }));
	return strace_keep_slices(c, ev);
}

/* @call->result bytes of a file, read or written. */
static int moved(struct mm_trace_batch *b, const struct strace_call *call, enum mm_event_type type, struct strace_fd *fd,
		 uint64_t offset)
{
	struct strace_file *file = fd->file;
	struct mm_event *ev;

	if (!call->result || !is_content(file))
		return 0;
	if (fd->mode == (type == MM_EV_READ ? 1 : 0))	/* not opened in the recording: the call proves more */
		fd->mode = 2;
	if (type == MM_EV_READ || !file->told || file->told_mode != fd->mode)
		strace_tell_file(b, call, file, fd->mode, type == MM_EV_READ ? offset + call->result : 0);
	if (type == MM_EV_WRITE && file->size < offset + call->result)
		file->size = file->told_size = offset + call->result;
	ev = strace_add_row(b, call, type);
	mm_event_put(ev, NAME, name, ((struct mm_str){ file->path, strlen(file->path) }));
	mm_event_put(ev, OFFSET, offset, offset);
	mm_event_put(ev, SIZE, size, call->result);
	strace_put_result(ev, call, false);
	return 0;
}

/* Where a transfer begins, at @at ("[0] => [300000]", a number) or, where that is NULL or -1, at the descriptor, which goes on then. */
static uint64_t begin_at(struct strace_fd *fd, struct mm_str at, uint64_t bytes)
{
	uint64_t offset;

	scan_word(&at, "[");
	if (at.len && at.p[0] != 'N' && strace_number(at, &offset) && offset != UINT64_MAX)
		return offset;
	offset = fd->pos;
	fd->pos += bytes;
	return offset;
}

/* lseek(3, 4096, SEEK_SET) = 4096, _llseek(3, 4096, [4096], SEEK_SET) = 0 */
static void seek(struct strace_fd *fd, const struct strace_call *call)
{
	struct mm_str told = call->arg[2];
	uint64_t pos;

	if (call->name.p[0] != '_')
		fd->pos = call->result;
	else if (scan_word(&told, "[") && strace_number(told, &pos))
		fd->pos = pos;
}

/* read, write and their forms with vectors and offsets; lseek (MM_EV_NONE) */
static int on_io(struct strace_calls *c, struct mm_trace_batch *b, const struct strace_call *call, enum mm_event_type type)
{
	struct mm_str here = { NULL, 0 };
	struct strace_fd *fd;
	int e;

	if (call->failed || call->no_result)
		return 0;
	if (!strace_file_of(c, call, call->arg[0], &fd, &e) || !fd) {
		if (!e && type != MM_EV_NONE)
			mm_trace_note(c->src, "reads and writes of pipes, devices and files that the recording did not open", call->line);
		return e;
	}
	if (type == MM_EV_NONE) {
		seek(fd, call);
		return 0;
	}
	if (type == MM_EV_WRITE && fd->append)
		fd->pos = fd->file->size;
	return moved(b, call, type, fd, begin_at(fd, call->name.p[0] == 'p' ? call->arg[3] : here, call->result));
}

/* sendfile(out, in, [offset], count), copy_file_range(in, [offset], out, [offset], len, flags): a read and a write */
static int on_copy(struct strace_calls *c, struct mm_trace_batch *b, const struct strace_call *call, bool send)
{
	struct mm_str here = { NULL, 0 };
	struct strace_fd *in, *out;
	int e;

	if (call->failed || call->no_result)
		return 0;
	if (strace_file_of(c, call, call->arg[send ? 1 : 0], &in, &e) && in)
		e = moved(b, call, MM_EV_READ, in, begin_at(in, call->arg[send ? 2 : 1], call->result));
	if (!e && strace_file_of(c, call, call->arg[send ? 0 : 2], &out, &e) && out)
		e = moved(b, call, MM_EV_WRITE, out, begin_at(out, send ? here : call->arg[3], call->result));
	return e;
}

/* ---- which is which -------------------------------------------------------- */

static const struct {
	const char *name;
	enum mm_event_type type;
} transfers[] = {
	{ "read", MM_EV_READ }, { "pread64", MM_EV_READ }, { "readv", MM_EV_READ }, { "preadv", MM_EV_READ },
	{ "preadv2", MM_EV_READ }, { "write", MM_EV_WRITE }, { "pwrite64", MM_EV_WRITE }, { "writev", MM_EV_WRITE },
	{ "pwritev", MM_EV_WRITE }, { "pwritev2", MM_EV_WRITE }, { "lseek", MM_EV_NONE },
	{ "_llseek", MM_EV_NONE },
};

/* Calls of 32-bit processes that say the same, and what old logs call pread64 and pwrite64. */
static const char *const same[][2] = {
	{ "fstat64", "fstat" }, { "fstatat64", "newfstatat" }, { "fcntl64", "fcntl" }, { "ftruncate64", "ftruncate" },
	{ "truncate64", "truncate" }, { "fadvise64_64", "fadvise64" }, { "sendfile64", "sendfile" },
	{ "pread", "pread64" }, { "pwrite", "pwrite64" },
};

static int file_call(struct strace_calls *c, struct mm_trace_batch *b, const struct strace_call *call, bool *known)
{
	struct mm_str n = call->name;

	*known = true;
	for (size_t i = 0; i < sizeof(transfers) / sizeof(transfers[0]); i++)
		if (mm_str_is(n, transfers[i].name))
			return on_io(c, b, call, transfers[i].type);
	if (mm_str_is(n, "open") || mm_str_is(n, "openat") || mm_str_is(n, "openat2") || mm_str_is(n, "creat"))
		return on_open(c, b, call);
	if (mm_str_is(n, "close"))
		return on_close(c, b, call);
	if (mm_str_is(n, "dup") || mm_str_is(n, "dup2") || mm_str_is(n, "dup3") || mm_str_is(n, "fcntl"))
		return on_dup(c, call);
	if (mm_str_is(n, "memfd_create"))
		return on_memfd(c, call);
	if (mm_str_is(n, "unlink") || mm_str_is(n, "unlinkat"))
		return on_unlink(c, call);
	if (mm_str_is(n, "rename") || mm_str_is(n, "renameat") || mm_str_is(n, "renameat2"))
		return on_rename(c, call);
	if (mm_str_is(n, "fstat") || mm_str_is(n, "newfstat") || mm_str_is(n, "newfstatat") || mm_str_is(n, "statx"))
		return on_stat(c, call);
	if (mm_str_is(n, "fallocate"))
		return on_fallocate(c, b, call);
	if (mm_str_is(n, "ftruncate") || mm_str_is(n, "truncate"))
		return on_ftruncate(c, b, call);
	if (mm_str_is(n, "fsync") || mm_str_is(n, "fdatasync"))
		return on_fsync(c, b, call);
	if (mm_str_is(n, "fadvise64"))
		return on_fadvise(c, b, call);
	if (mm_str_is(n, "sendfile") || mm_str_is(n, "copy_file_range"))
		return on_copy(c, b, call, mm_str_is(n, "sendfile"));
	*known = false;
	return 0;
}

int strace_file_call(struct strace_calls *c, struct mm_trace_batch *b, const struct strace_call *call, bool *known)
{
	struct strace_call plain;

	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
		if (mm_str_is(call->name, same[i][0])) {
			plain = *call;
			plain.name = (struct mm_str){ same[i][1], strlen(same[i][1]) };
			return file_call(c, b, &plain, known);
		}
	return file_call(c, b, call, known);
}
