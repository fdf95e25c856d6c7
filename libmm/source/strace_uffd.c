/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * userfaultfd in an strace log: the descriptor and its ioctls.
 *
 *	userfaultfd(O_CLOEXEC|UFFD_USER_MODE_ONLY) = 3
 *	ioctl(3, UFFDIO_API, {api=0xaa, features=UFFD_FEATURE_EVENT_REMAP => features=..., ioctls=...}) = 0
 *	ioctl(3, UFFDIO_REGISTER, {range={start=0x7f..., len=0x10000}, mode=UFFDIO_REGISTER_MODE_MISSING, ioctls=...}) = 0
 *	ioctl(3, UFFDIO_COPY, {dst=0x7f..., src=0x55..., len=0x4000, mode=0, copy=0x4000}) = 0
 *
 * It stands for a file "userfaultfd:PID:LINE", of who made it and where: its address space is that of this task, whoever calls.
 * strace 6.1 prints some of them, and older ones all, as an address alone.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "source/strace.h"

static const char uffd[] = "userfaultfd:";
enum { USERFAULTFD_IOC_NEW = 0xaa00 };		/* of /dev/userfaultfd */

static const struct request {
	const char *word;
	uint32_t number;
	enum mm_event_type type;
	enum mm_flag_kind mode;			/* MM_NR_FLAG_KINDS: has none */
} requests[] = {
	{ "UFFDIO_API", 0xc018aa3f, MM_EV_UFFD_OPEN, MM_FLAG_UFFD_FEATURE },
	{ "UFFDIO_REGISTER", 0xc020aa00, MM_EV_UFFD_REGISTER, MM_FLAG_UFFD_REGISTER },
	{ "UFFDIO_UNREGISTER", 0x8010aa01, MM_EV_UFFD_UNREGISTER, MM_NR_FLAG_KINDS },
	{ "UFFDIO_WAKE", 0x8010aa02, MM_EV_UFFD_WAKE, MM_NR_FLAG_KINDS },
	{ "UFFDIO_COPY", 0xc028aa03, MM_EV_UFFD_COPY, MM_FLAG_UFFD_FILL },
	{ "UFFDIO_ZEROPAGE", 0xc020aa04, MM_EV_UFFD_ZEROPAGE, MM_FLAG_UFFD_FILL },
	{ "UFFDIO_WRITEPROTECT", 0xc018aa06, MM_EV_UFFD_WRITEPROTECT, MM_FLAG_UFFD_WRITEPROTECT },
	{ "UFFDIO_CONTINUE", 0xc020aa07, MM_EV_UFFD_CONTINUE, MM_FLAG_UFFD_FILL },
	{ "UFFDIO_POISON", 0xc020aa08, MM_EV_UFFD_POISON, MM_FLAG_UFFD_FILL },
};

static bool is_uffd(const struct strace_fd *fd) { return !strncmp(fd->file->path, uffd, sizeof(uffd) - 1); }

static const struct request *request_of(struct mm_str arg)
{
	struct mm_str words = strace_words(arg, MM_NR_FLAG_KINDS, NULL);
	uint64_t number = 0;

	strace_number(arg, &number);
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
		if (number == requests[i].number || mm_str_is(words, requests[i].word))
			return &requests[i];
	return NULL;
}

/* What stands behind "mode=" in "{range={start=0x1000, len=0x1000}, mode=0, ...}", before the call changed it. */
static bool field(struct mm_str args, const char *word, struct mm_str *value)
{
	const char *ends[] = { ",", "}", " =>" };

	if (!mm_str_after(args, word, value))
		return false;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		const char *end = strace_find(*value, ends[i]);

		if (end)
			value->len = (size_t)(end - value->p);
	}
	return true;
}

static bool number_field(struct mm_str args, const char *word, uint64_t *number)
{
	struct mm_str value;

	return field(args, word, &value) && strace_number(value, number);
}

/* The row names the descriptor @file, and is of who made that; NULL: it was made before the log. */
static void put_file(struct mm_event *ev, const struct strace_file *file)
{
	struct mm_str name;
	uint64_t pid;

	if (!file)
		return;
	name = (struct mm_str){ file->path, strlen(file->path) };
	mm_event_put(ev, NAME, name, name);
	if (mm_str_after(name, uffd, &name) && strace_number(name, &pid))
		mm_event_put(ev, PID, pid, (uint32_t)pid);
}

/* The call returned a new descriptor; @flags is its argument of flags. */
static int on_new(struct strace_calls *c, const struct strace_call *call, struct mm_str flags)
{
	struct strace_file *file;
	char name[64];
	int n;

	if (call->failed || call->no_result)
		return 0;
	n = snprintf(name, sizeof(name), "%s%" PRIu32 ":%" PRIu64, uffd, call->pid, call->line);
	file = strace_path(c->files, (struct mm_str){ name, (size_t)n });
	if (!file)
		return -ENOMEM;
	file->user_mode_only = strace_has_flag(flags, "UFFD_USER_MODE_ONLY", 1);
	return strace_fd_set(c->files, call->pid, call->result, file, 2);
}

/* UFFDIO_API: the descriptor begins to work, with the features that were asked for. */
static int on_api(struct strace_calls *c, struct mm_trace_batch *b, const struct strace_call *call, const struct strace_file *file)
{
	char text[MM_FLAGS_TEXT], both[MM_FLAGS_TEXT + 32];
	struct mm_str features = { NULL, 0 };
	struct mm_event *ev;
	bool user_mode = file && file->user_mode_only;
	int n;

	if (call->failed)
		return 0;
	if (field(call->arg[2], "features=", &features))
		features = strace_words(features, MM_FLAG_UFFD_FEATURE, text);
	n = snprintf(both, sizeof(both), "%s%s%.*s", user_mode ? "UFFD_USER_MODE_ONLY" : "",
		     user_mode && features.len ? "|" : "", (int)(features.len < sizeof(text) ? features.len : sizeof(text) - 1),
		     features.len ? features.p : "");
	ev = strace_add_row(b, call, MM_EV_UFFD_OPEN);
	put_file(ev, file);
	mm_event_put(ev, FLAGS, flags, ((struct mm_str){ both, (size_t)n }));
	return strace_keep_slices(c, ev);
}

static int on_range(struct strace_calls *c, struct mm_trace_batch *b, const struct strace_call *call, const struct strace_file *file,
		    const struct request *r, struct mm_error *err)
{
	struct mm_str args = call->arg[2], mode;
	uint64_t start, len;
	char text[MM_FLAGS_TEXT];
	struct mm_event *ev;

	if (!number_field(args, r->type == MM_EV_UFFD_COPY ? "dst=" : "start=", &start) || !number_field(args, "len=", &len))
		return mm_trace_loss(c->src, "calls of userfaultfd whose addresses the log does not tell", call->line, err);
	ev = strace_add_row(b, call, r->type);
	put_file(ev, file);
	mm_event_put(ev, ADDR, addr, start);
	mm_event_put(ev, SIZE, size, len);
	if (r->mode != MM_NR_FLAG_KINDS && field(args, "mode=", &mode))
		mm_event_put(ev, FLAGS, flags, strace_words(mode, r->mode, text));
	strace_put_result(ev, call, false);
	return strace_keep_slices(c, ev);
}

void strace_uffd_close(struct mm_trace_batch *b, const struct strace_call *call, const struct strace_fd *fd)
{
	if (fd && fd->users == 1 && is_uffd(fd))
		put_file(strace_add_row(b, call, MM_EV_UFFD_CLOSE), fd->file);
}

int strace_uffd_call(struct strace_calls *c, struct mm_trace_batch *b, const struct strace_call *call, bool *known, struct mm_error *err)
{
	const struct request *r;
	const struct strace_file *file;
	const struct strace_fd *fd;
	uint64_t number = 0, at;

	*known = true;
	if (mm_str_is(call->name, "userfaultfd"))
		return on_new(c, call, call->arg[0]);
	if (!mm_str_is(call->name, "ioctl") || call->nr_args < 3 || !strace_number(call->arg[0], &at)) {
		*known = false;
		return 0;
	}
	strace_number(call->arg[1], &number);
	if (number == USERFAULTFD_IOC_NEW || mm_str_is(strace_words(call->arg[1], MM_NR_FLAG_KINDS, NULL), "USERFAULTFD_IOC_NEW"))
		return on_new(c, call, call->arg[2]);
	r = request_of(call->arg[1]);
	*known = r;
	if (!r || call->no_result)
		return 0;
	fd = strace_fd(c->files, call->pid, at);
	file = fd && is_uffd(fd) ? fd->file : NULL;
	return r->type == MM_EV_UFFD_OPEN ? on_api(c, b, call, file) : on_range(c, b, call, file, r, err);
}
