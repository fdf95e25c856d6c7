/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * System calls of a lackey recording to rows.
 *
 * Arguments are numbers; the trace has words, which come from <libmm/flags.h>.
 * A mapping has a descriptor; its path is what open() was given (fds.c).  The
 * recording holds no file size: a file row tells the size that the calls so far
 * prove, and comes again when they prove more.  What a call read from memory
 * (names of prctl, limits, vectors of readv) is not in the recording.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <libmm/flags.h>
#include "base/str.h"
#include "source/lackey_rows.h"

static int loss(struct mm_lackey_rows *r, const char *what) { return mm_trace_loss(r->l->src, what, r->c->line, r->err); }

static struct mm_event *row(struct mm_lackey_rows *r, enum mm_event_type type)
{
	struct mm_event *ev = mm_trace_add(r->b, type, r->l->line);

	mm_event_put(ev, PID, pid, r->c->pid);
	return ev;
}

static int keep(struct mm_lackey_rows *r, const char *p, size_t n, struct mm_str *s)
{
	return mm_trace_keep(r->l->src, (struct mm_str){ p, n }, s) ? mm_lackey_no_memory(r->l, r->err) : 0;
}

/* The error's name, or the value as @kind. */
static int result(struct mm_lackey_rows *r, struct mm_event *ev, enum mm_result_kind kind)
{
	const char *word = mm_errno_name(r->c->result < 4096 ? (unsigned)r->c->result : 0);
	struct mm_str text;
	char number[32];
	int e;

	if (!r->c->failed) {
		mm_event_set_result(ev, kind, r->c->result);
		return 0;
	}
	if (word) {
		mm_event_set_word(ev, word, strlen(word));
		return 0;
	}
	e = keep(r, number, (size_t)snprintf(number, sizeof(number), "E%llu", (unsigned long long)r->c->result), &text);
	if (!e)
		mm_event_set_word(ev, text.p, text.len);
	return e;
}

static int flags(struct mm_lackey_rows *r, struct mm_event *ev, enum mm_flag_kind kind, uint64_t bits)
{
	char text[MM_FLAGS_TEXT];
	size_t n = mm_flags_format(kind, bits, text, sizeof(text));

	if (!n)
		return 0;
	ev->present |= MM_TC_BIT(FLAGS);
	return keep(r, text, n, &ev->flags);
}

/* ---- files ---- */

/* The file a descriptor stands for when it is in the page cache. */
static struct mm_fd_open *regular(struct mm_lackey_rows *r, uint64_t fd)
{
	struct mm_fd_open *o = fd <= UINT32_MAX ? mm_fds_get(r->l->fds, r->c->pid, (uint32_t)fd) : NULL;

	return o && o->file->kind == MM_FD_REG ? o : NULL;
}

/* A file row before the first row that names @f, and when it is known to be larger now, or was opened for writing. */
static void tell_file(struct mm_lackey_rows *r, struct mm_fd_file *f)
{
	static const char *const words[2][4] = {
		{ "O_RDONLY|S_IFREG", "O_RDONLY|S_IFDIR", "O_RDONLY|S_IFCHR", "O_RDONLY|S_IFREG" },
		{ "O_RDWR|S_IFREG", "O_RDWR|S_IFDIR", "O_RDWR|S_IFCHR", "O_RDWR|S_IFREG" },
	};
	const char *word = words[f->writable][f->kind];
	struct mm_event *ev;

	if (f->told && f->size <= f->told_size && f->told_writable == f->writable)
		return;
	f->told = true;
	f->told_writable = f->writable;
	f->told_size = f->size;
	ev = row(r, MM_EV_FILE);
	mm_event_put(ev, NAME, name, f->name);
	mm_event_put(ev, FLAGS, flags, ((struct mm_str){ word, strlen(word) }));
	if (f->kind == MM_FD_REG)
		mm_event_put(ev, SIZE, size, f->size);
}

static void reaches(struct mm_fd_file *f, uint64_t offset, uint64_t bytes)
{
	uint64_t end;

	if (__builtin_add_overflow(offset, bytes, &end) || end > INT64_MAX)
		return;
	if (end > f->size)
		f->size = end;
}

/* Bytes from @offset on were to be read or written; the call did not fail. A vector tells neither its length nor its buffers. */
static int file_row(struct mm_lackey_rows *r, enum mm_event_type type, struct mm_fd_file *f, uint64_t offset, bool vector)
{
	uint64_t asked = vector ? r->c->result : r->c->arg[2];
	struct mm_event *ev;

	if (type == MM_EV_READ) {
		reaches(f, offset, r->c->result);
		f->exact |= r->c->result && r->c->result < asked;
	}
	f->writable |= type == MM_EV_WRITE;
	tell_file(r, f);
	if (type == MM_EV_WRITE) {
		reaches(f, offset, r->c->result);
		f->told_size = f->size;
	}
	ev = row(r, type);
	if (!vector)
		mm_event_put(ev, ADDR, addr, r->c->arg[1]);
	mm_event_put(ev, NAME, name, f->name);
	mm_event_put(ev, OFFSET, offset, offset);
	mm_event_put(ev, SIZE, size, asked);
	return result(r, ev, MM_RESULT_DEC);
}

static int no_file(struct mm_lackey_rows *r)
{
	return mm_trace_note(r->l->src, "reads and writes of pipes, devices and files that the recording did not open", r->c->line);
}

static int transfer(struct mm_lackey_rows *r, enum mm_event_type type, bool vector)
{
	struct mm_fd_open *o = regular(r, r->c->arg[0]);
	uint64_t pos;

	if (!o)
		return no_file(r);
	if (r->c->failed)
		return 0;
	pos = type == MM_EV_WRITE && o->append ? o->file->size : o->pos;
	o->pos = pos + r->c->result;
	return file_row(r, type, o->file, pos, vector);
}

static int do_read(struct mm_lackey_rows *r) { return transfer(r, MM_EV_READ, false); }
static int do_write(struct mm_lackey_rows *r) { return transfer(r, MM_EV_WRITE, false); }
static int do_readv(struct mm_lackey_rows *r) { return transfer(r, MM_EV_READ, true); }
static int do_writev(struct mm_lackey_rows *r) { return transfer(r, MM_EV_WRITE, true); }

static int at_offset(struct mm_lackey_rows *r, enum mm_event_type type, bool vector)
{
	struct mm_fd_open *o = regular(r, r->c->arg[0]);

	if (!o)
		return no_file(r);
	if (r->c->failed)
		return 0;
	return file_row(r, type, o->file, r->c->arg[3], vector);
}

static int do_pread(struct mm_lackey_rows *r) { return at_offset(r, MM_EV_READ, false); }
static int do_pwrite(struct mm_lackey_rows *r) { return at_offset(r, MM_EV_WRITE, false); }
static int do_preadv(struct mm_lackey_rows *r) { return at_offset(r, MM_EV_READ, true); }
static int do_pwritev(struct mm_lackey_rows *r) { return at_offset(r, MM_EV_WRITE, true); }

/* One side of a copy within the kernel, @at: where its position is, in memory that the recording does not hold; 0: the descriptor's. */
static int copied(struct mm_lackey_rows *r, enum mm_event_type type, uint64_t fd, uint64_t at)
{
	struct mm_fd_open *o = regular(r, fd);
	uint64_t pos;

	if (!o)
		return no_file(r);
	if (at)
		return loss(r, "copies from and to offsets, which the recording does not hold");
	pos = type == MM_EV_WRITE && o->append ? o->file->size : o->pos;
	o->pos = pos + r->c->result;
	return file_row(r, type, o->file, pos, true);
}

static int do_sendfile(struct mm_lackey_rows *r)
{
	bool nothing = r->c->failed || !r->c->result;
	int e = nothing ? 0 : copied(r, MM_EV_READ, r->c->arg[1], r->c->arg[2]);

	return e || nothing ? e : copied(r, MM_EV_WRITE, r->c->arg[0], 0);
}

static int do_copy_file_range(struct mm_lackey_rows *r)
{
	bool nothing = r->c->failed || !r->c->result;
	int e = nothing ? 0 : copied(r, MM_EV_READ, r->c->arg[0], r->c->arg[1]);

	return e || nothing ? e : copied(r, MM_EV_WRITE, r->c->arg[2], r->c->arg[3]);
}

static int do_lseek(struct mm_lackey_rows *r)
{
	struct mm_fd_open *o = regular(r, r->c->arg[0]);

	if (!o || r->c->failed)
		return 0;
	o->pos = r->c->result;
	if (r->c->arg[2] == 2 && !r->c->arg[1]) {	/* SEEK_END */
		reaches(o->file, r->c->result, 0);
		o->file->exact = true;
	}
	return 0;
}

/* A path below the directory of @dirfd when it is relative. */
static int opened(struct mm_lackey_rows *r, uint64_t dirfd, struct mm_str path, uint64_t how)
{
	struct mm_fd_open *dir = dirfd < 1 << 20 ? mm_fds_get(r->l->fds, r->c->pid, (uint32_t)dirfd) : NULL;
	struct mm_fd_file *f;
	char joined[8192];
	uint64_t size;
	int e;

	if (r->c->failed || r->c->result >= 1 << 20)
		return 0;
	if (path.len && path.p[0] != '/' && dir && dir->file->name.len + 1 + path.len < sizeof(joined)) {
		size_t n = dir->file->name.len;

		memcpy(joined, dir->file->name.p, n);
		joined[n] = '/';
		memcpy(joined + n + 1, path.p, path.len);
		path = (struct mm_str){ joined, n + 1 + path.len };
	}
	f = mm_fds_file(r->l->fds, path);
	if (!f)
		return mm_lackey_no_memory(r->l, r->err);
	size = f->size;
	e = mm_fds_open(r->l->fds, r->c->pid, (uint32_t)r->c->result, path, how);
	if (e == -EMFILE)
		return loss(r, "files opened beyond the number that any process can have");
	if (e)
		return mm_lackey_no_memory(r->l, r->err);
	if (f->told && size && !f->size) {	/* O_TRUNC */
		struct mm_event *ev = row(r, MM_EV_TRUNCATE);

		mm_event_put(ev, NAME, name, f->name);
		mm_event_put(ev, SIZE, size, 0);
		mm_event_set_result(ev, MM_RESULT_DEC, 0);
		f->told_size = 0;
	}
	return 0;
}

static int do_open(struct mm_lackey_rows *r) { return opened(r, UINT64_MAX, r->c->path, r->c->arg[1]); }
static int do_openat(struct mm_lackey_rows *r) { return opened(r, r->c->arg[0], r->c->path, r->c->arg[2]); }
static int do_creat(struct mm_lackey_rows *r) { return opened(r, UINT64_MAX, r->c->path, 01001); }

static int do_memfd_create(struct mm_lackey_rows *r)
{
	char name[512];
	int len = (int)(r->c->path.len < 249 ? r->c->path.len : 249), n;

	if (r->c->failed)
		return 0;
	n = snprintf(name, sizeof(name), r->l->nr_memfds ? "/memfd:%.*s (%u)" : "/memfd:%.*s", len, r->c->path.p, r->l->nr_memfds + 1);
	r->l->nr_memfds++;		/* each is a file of its own, whatever its name */
	return opened(r, UINT64_MAX, (struct mm_str){ name, (size_t)n }, 2);
}

static int do_close(struct mm_lackey_rows *r)
{
	if (!r->c->failed && r->c->arg[0] <= UINT32_MAX)
		mm_fds_close(r->l->fds, r->c->pid, (uint32_t)r->c->arg[0]);
	return 0;
}

static int duplicated(struct mm_lackey_rows *r, bool cloexec)
{
	if (r->c->failed || r->c->arg[0] >= 1 << 20 || r->c->result >= 1 << 20)
		return 0;
	return mm_fds_dup(r->l->fds, r->c->pid, (uint32_t)r->c->arg[0], (uint32_t)r->c->result, cloexec) == -ENOMEM ?
	       mm_lackey_no_memory(r->l, r->err) : 0;
}

static int do_dup(struct mm_lackey_rows *r) { return duplicated(r, false); }
static int do_dup3(struct mm_lackey_rows *r) { return duplicated(r, r->c->arg[2] & 02000000); }

static int do_fcntl(struct mm_lackey_rows *r)
{
	enum { DUPFD = 0, DUPFD_CLOEXEC = 1030 };

	return r->c->arg[1] == DUPFD || r->c->arg[1] == DUPFD_CLOEXEC ? duplicated(r, r->c->arg[1] == DUPFD_CLOEXEC) : 0;
}

static int size_row(struct mm_lackey_rows *r, struct mm_fd_file *f, uint64_t size)
{
	struct mm_event *ev;

	if (r->c->failed)
		return 0;
	tell_file(r, f);
	ev = row(r, MM_EV_TRUNCATE);
	mm_event_put(ev, NAME, name, f->name);
	mm_event_put(ev, SIZE, size, size);
	f->size = f->told_size = size;
	f->exact = true;
	return result(r, ev, MM_RESULT_DEC);
}

static int do_fallocate(struct mm_lackey_rows *r)
{
	const uint64_t keep_size = 1, collapse = 8, insert = 0x20;
	struct mm_fd_open *o = regular(r, r->c->arg[0]);
	uint64_t mode = r->c->arg[1], offset = r->c->arg[2], len = r->c->arg[3];
	struct mm_fd_file *f;
	struct mm_event *ev;
	int e = 0;

	if (!o || r->c->failed)
		return 0;
	f = o->file;
	if (mode & (collapse | insert))		/* which end within the file */
		reaches(f, offset, mode == collapse ? len + 1 : 1);
	tell_file(r, f);
	ev = row(r, MM_EV_FALLOCATE);
	mm_event_put(ev, NAME, name, f->name);
	mm_event_put(ev, OFFSET, offset, offset);
	mm_event_put(ev, SIZE, size, len);
	if (mode)
		e = flags(r, ev, MM_FLAG_FALLOC, mode);
	else
		mm_event_put(ev, FLAGS, flags, MM_STR("0"));
	if (mode == collapse && f->size >= len)
		f->size = f->told_size = f->size - len;
	else if (mode == insert)
		f->size = f->told_size = f->size + len;
	else if (!(mode & keep_size) && f->size < offset + len)
		f->size = f->told_size = offset + len;
	return e ? e : result(r, ev, MM_RESULT_DEC);
}

static int do_ftruncate(struct mm_lackey_rows *r)
{
	struct mm_fd_open *o = regular(r, r->c->arg[0]);

	return o ? size_row(r, o->file, r->c->arg[1]) : 0;
}

static int do_truncate(struct mm_lackey_rows *r)
{
	struct mm_fd_file *f = mm_fds_file(r->l->fds, r->c->path);

	if (!f)
		return mm_lackey_no_memory(r->l, r->err);
	return f->told ? size_row(r, f, r->c->arg[1]) : 0;
}

static int do_fsync(struct mm_lackey_rows *r)
{
	struct mm_fd_open *o = regular(r, r->c->arg[0]);
	struct mm_event *ev;

	if (!o || !o->file->told)
		return 0;
	ev = row(r, MM_EV_FSYNC);
	mm_event_put(ev, NAME, name, o->file->name);
	return result(r, ev, MM_RESULT_DEC);
}

static int do_fadvise(struct mm_lackey_rows *r)
{
	struct mm_fd_open *o = regular(r, r->c->arg[0]);
	struct mm_event *ev;
	int e;

	if (!o)
		return 0;
	tell_file(r, o->file);
	ev = row(r, MM_EV_FADVISE);
	mm_event_put(ev, NAME, name, o->file->name);
	mm_event_put(ev, OFFSET, offset, r->c->arg[1]);
	mm_event_put(ev, SIZE, size, r->c->arg[2]);
	e = flags(r, ev, MM_FLAG_FADV, r->c->arg[3]);
	return e ? e : result(r, ev, MM_RESULT_DEC);
}

/* ---- address spaces ---- */

/* addr, size, result; the flags follow. */
static struct mm_event *range_row(struct mm_lackey_rows *r, enum mm_event_type type)
{
	struct mm_event *ev = row(r, type);

	mm_event_put(ev, ADDR, addr, r->c->arg[0]);
	mm_event_put(ev, SIZE, size, r->c->arg[1]);
	return ev;
}

static int range_call(struct mm_lackey_rows *r, enum mm_event_type type, int kind, unsigned arg)
{
	struct mm_event *ev = range_row(r, type);
	int e = kind < 0 ? 0 : flags(r, ev, (enum mm_flag_kind)kind, r->c->arg[arg]);

	return e ? e : result(r, ev, MM_RESULT_DEC);
}

static int do_munmap(struct mm_lackey_rows *r) { return range_call(r, MM_EV_MUNMAP, -1, 0); }
static int do_mprotect(struct mm_lackey_rows *r) { return range_call(r, MM_EV_MPROTECT, MM_FLAG_PROT, 2); }
static int do_madvise(struct mm_lackey_rows *r) { return range_call(r, MM_EV_MADVISE, MM_FLAG_MADV, 2); }
static int do_mlock(struct mm_lackey_rows *r) { return range_call(r, MM_EV_MLOCK, -1, 0); }
static int do_mlock2(struct mm_lackey_rows *r) { return range_call(r, MM_EV_MLOCK, MM_FLAG_MLOCK, 2); }
static int do_munlock(struct mm_lackey_rows *r) { return range_call(r, MM_EV_MUNLOCK, -1, 0); }
static int do_msync(struct mm_lackey_rows *r) { return range_call(r, MM_EV_MSYNC, MM_FLAG_MS, 2); }

static int do_mlockall(struct mm_lackey_rows *r)
{
	struct mm_event *ev = row(r, MM_EV_MLOCKALL);
	int e = flags(r, ev, MM_FLAG_MCL, r->c->arg[0]);

	return e ? e : result(r, ev, MM_RESULT_DEC);
}

static int do_munlockall(struct mm_lackey_rows *r)
{
	return result(r, row(r, MM_EV_MUNLOCKALL), MM_RESULT_DEC);
}

static int do_brk(struct mm_lackey_rows *r)
{
	struct mm_event *ev = row(r, MM_EV_BRK);

	mm_event_put(ev, ADDR, addr, r->c->arg[0]);
	return result(r, ev, MM_RESULT_HEX);
}

/* The file that a mapping is of: its row, and its name and offset in @name, @offset. */
static int mapped_file(struct mm_lackey_rows *r, struct mm_str *name, uint64_t offset)
{
	uint64_t fd = r->c->arg[4];
	struct mm_fd_open *o = fd < 1 << 20 ? mm_fds_get(r->l->fds, r->c->pid, (uint32_t)fd) : NULL;
	struct mm_fd_file *f;
	char text[32];
	int e;

	if (!o) {
		e = loss(r, "mappings of files that the recording did not open");
		if (e)
			return e;
		f = mm_fds_file(r->l->fds, (struct mm_str){ text, (size_t)snprintf(text, sizeof(text), "/fd/%u", (unsigned)fd) });
		if (!f)
			return mm_lackey_no_memory(r->l, r->err);
		f->writable = true;
	} else {
		f = o->file;
	}
	if (f->kind == MM_FD_REG && !r->c->failed && !f->exact)
		reaches(f, offset, r->c->arg[1]);
	tell_file(r, f);
	*name = f->name;
	return 0;
}

static int mmap_row(struct mm_lackey_rows *r, uint64_t offset)
{
	enum { ANONYMOUS = 0x20 };
	bool file = !(r->c->arg[3] & ANONYMOUS);
	struct mm_str name = { "", 0 };
	char text[MM_FLAGS_TEXT];
	struct mm_event *ev;
	int e = file ? mapped_file(r, &name, offset) : 0;

	if (e)
		return e;
	ev = range_row(r, MM_EV_MMAP);
	ev->present |= MM_TC_BIT(FLAGS);
	e = keep(r, text, mm_flags_format_mmap(r->c->arg[2], r->c->arg[3], text, sizeof(text)), &ev->flags);
	if (e)
		return e;
	if (file) {
		mm_event_put(ev, NAME, name, name);
		mm_event_put(ev, OFFSET, offset, offset);
	}
	return result(r, ev, MM_RESULT_HEX);
}

static int do_mmap(struct mm_lackey_rows *r) { return mmap_row(r, r->c->arg[5]); }
static int do_mmap2(struct mm_lackey_rows *r) { return mmap_row(r, r->c->arg[5] << MM_PAGE_SHIFT); }

static int do_mremap(struct mm_lackey_rows *r)
{
	struct mm_event *ev = range_row(r, MM_EV_MREMAP);
	int e;

	mm_event_put(ev, SIZE2, size2, r->c->arg[2]);
	if (r->c->nr_args > 4)
		mm_event_put(ev, ADDR2, addr2, r->c->arg[4]);
	e = flags(r, ev, MM_FLAG_MREMAP, r->c->arg[3]);
	return e ? e : result(r, ev, MM_RESULT_HEX);
}

static int do_prctl(struct mm_lackey_rows *r)
{
	enum { SET_VMA = 0x53564d41, SET_THP_DISABLE = 41 };
	struct mm_event *ev;
	int e;

	if (r->c->arg[0] == SET_VMA && !r->c->failed)
		return loss(r, "names of mappings that prctl gave, which the recording does not hold");
	if (r->c->arg[0] != SET_THP_DISABLE)
		return 0;
	ev = row(r, MM_EV_PRCTL);
	mm_event_put(ev, ADDR, addr, r->c->arg[1]);
	e = flags(r, ev, MM_FLAG_PRCTL, r->c->arg[0]);
	return e ? e : result(r, ev, MM_RESULT_DEC);
}

static int do_prlimit(struct mm_lackey_rows *r)
{
	bool sets = r->c->nr_args == 2 || (r->c->nr_args == 4 && r->c->arg[2]);

	return sets && !r->c->failed ? loss(r, "limits that were set, whose values the recording does not hold") : 0;
}

static int do_shm(struct mm_lackey_rows *r)
{
	return r->c->failed ? 0 : loss(r, "segments of shared memory, whose size the recording does not hold");
}

/* ---- which call ---- */

static const struct {
	const char *name;
	int (*rows)(struct mm_lackey_rows *r);
} calls[] = {
	{ "read", do_read }, { "write", do_write }, { "readv", do_readv }, { "writev", do_writev },
	{ "pread64", do_pread }, { "pwrite64", do_pwrite }, { "preadv", do_preadv }, { "pwritev", do_pwritev },
	{ "sendfile", do_sendfile }, { "copy_file_range", do_copy_file_range },
	{ "lseek", do_lseek }, { "open", do_open }, { "openat", do_openat }, { "creat", do_creat }, { "close", do_close },
	{ "memfd_create", do_memfd_create }, { "dup", do_dup }, { "dup2", do_dup }, { "dup3", do_dup3 }, { "fcntl", do_fcntl },
	{ "fallocate", do_fallocate }, { "ftruncate", do_ftruncate }, { "truncate", do_truncate },
	{ "fsync", do_fsync }, { "fdatasync", do_fsync },
	{ "fadvise64", do_fadvise }, { "mmap", do_mmap }, { "mmap2", do_mmap2 }, { "munmap", do_munmap },
	{ "mprotect", do_mprotect }, { "mremap", do_mremap }, { "brk", do_brk }, { "madvise", do_madvise },
	{ "mlock", do_mlock }, { "mlock2", do_mlock2 }, { "munlock", do_munlock }, { "mlockall", do_mlockall },
	{ "munlockall", do_munlockall }, { "msync", do_msync }, { "prctl", do_prctl }, { "prlimit64", do_prlimit },
	{ "setrlimit", do_prlimit }, { "shmat", do_shm }, { "shmdt", do_shm },
	{ "clone", mm_lackey_do_clone }, { "fork", mm_lackey_do_fork }, { "vfork", mm_lackey_do_fork },
	{ "exit", mm_lackey_do_exit }, { "exit_group", mm_lackey_do_exit_group }, { "execve", mm_lackey_do_execve },
};

int mm_lackey_call_rows(struct mm_lackey *l, struct mm_lackey_call *c, struct mm_trace_batch *b, struct mm_error *err)
{
	struct mm_lackey_rows r = { l, c, b, err };

	mm_lackey_thread_of(l, c->pid, c->slot);	/* learn its slot */
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (mm_str_is(c->name, calls[i].name))
			return calls[i].rows(&r);
	return 0;	/* a call that memory has nothing to do with */
}
