/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Calls of memory policies in an strace log, and others that are about many ranges or another process.
 *
 *	mbind(0x7f.., 8192, MPOL_BIND|MPOL_F_STATIC_NODES, [0x0000000000000003], 65, MPOL_MF_MOVE) = 0
 *	get_mempolicy([MPOL_INTERLEAVE], [0x0000000000000003], 64, NULL, 0) = 0
 *	move_pages(0, 2, [0x7f..000, 0x7f..001000], [1, 1], [1, -ENOENT], MPOL_MF_MOVE) = 0
 *	process_madvise(3, [{iov_base=0x7f..000, iov_len=8192}], 1, MADV_PAGEOUT, 0) = 8192
 *
 * A mask becomes a list of nodes; one that strace could not read is an address there, and "?" in the row. A call of
 * move_pages becomes a row for each page; of those that strace cut off ("...") nothing is known.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <libmm/flags.h>
#include "base/grow.h"
#include "base/str.h"
#include "source/scan.h"
#include "source/strace.h"

enum { LIST_TEXT = 4096, WORD_BITS = 64 };
static const char pidfd[] = "pidfd:";

/* Nodes from @first to @last, behind what stands there. */
static size_t put_run(char *text, size_t len, size_t room, uint64_t first, uint64_t last)
{
	if (len + 48 >= room)
		return len;
	len += (size_t)snprintf(text + len, room - len, "%s%llu", len ? "," : "", (unsigned long long)first);
	if (last > first)
		len += (size_t)snprintf(text + len, room - len, "-%llu", (unsigned long long)last);
	return len;
}

/* Mask words between brackets to "0-1,3" at @text: its length. */
static size_t nodes_text(struct mm_str arg, char *text, size_t room)
{
	uint64_t word, base = 0, first = UINT64_MAX;
	size_t len = 0;

	if (!arg.len || arg.p[0] != '[')
		return !arg.len || arg.p[0] == 'N' ? 0 : (size_t)snprintf(text, room, "?");
	scan_word(&arg, "[");
	for (; arg.len && arg.p[0] == '0' && scan_hex(&arg, &word); base += WORD_BITS) {
		for (uint64_t n = 0; n < WORD_BITS; n++) {
			if (word >> n & 1) {
				first = first == UINT64_MAX ? base + n : first;
			} else if (first != UINT64_MAX) {
				len = put_run(text, len, room, first, base + n - 1);
				first = UINT64_MAX;
			}
		}
		scan_word(&arg, ",");
		scan_blanks(&arg);
	}
	return first != UINT64_MAX ? put_run(text, len, room, first, base - 1) : len;
}

/* The words of an argument, brackets around it taken off; @text is room for them. */
static struct mm_str words_of(struct mm_str arg, enum mm_flag_kind kind, char text[MM_FLAGS_TEXT])
{
	if (arg.len > 1 && arg.p[0] == '[') {
		arg = (struct mm_str){ arg.p + 1, arg.len - 1 };
		arg.len -= arg.p[arg.len - 1] == ']';
	}
	return strace_words(arg, kind, text);
}

/* Mode in @mode, masks from @mask on, maxnode in @max; @flags: further words, 0 none. The row is whole then. */
static int put_policy(struct strace_calls *c, struct mm_event *ev, const struct strace_call *call, uint32_t mode, uint32_t mask,
		      uint32_t max, uint32_t flags)
{
	char text[LIST_TEXT], both[404], room[2][MM_FLAGS_TEXT];
	struct mm_str words = words_of(call->arg[mode], MM_FLAG_MPOL, room[0]), more = { NULL, 0 };
	uint64_t v;

	if (flags && flags < call->nr_args)
		more = words_of(call->arg[flags], MM_FLAG_MPOL_MF, room[1]);
	if (more.len) {
		size_t n = (size_t)snprintf(both, sizeof(both), "%.*s|%.*s", (int)(words.len < 200 ? words.len : 200), words.p,
					    (int)(more.len < 200 ? more.len : 200), more.p);

		words = (struct mm_str){ both, n };
	}
	mm_event_put(ev, FLAGS, flags, words);
	mm_event_put(ev, NAME, name, ((struct mm_str){ text, nodes_text(call->arg[mask], text, sizeof(text)) }));
	if (strace_number(call->arg[max], &v)) {
		mm_event_put(ev, SIZE2, size2, v);
		if (!v && !mm_str_starts(call->arg[mask], "NULL"))	/* no mask and one of no bits are two things: get_nodes() */
			ev->name = MM_STR("0x0");
	}
	return strace_keep_slices(c, ev);
}

static int on_set(struct strace_calls *c, struct mm_trace_batch *b, const struct strace_call *call)
{
	bool mbind = mm_str_is(call->name, "mbind");
	struct mm_event *ev;
	uint64_t addr, size;

	if (call->nr_args < (mbind ? 6u : 3u))
		return 0;
	ev = strace_add_row(b, call, mbind ? MM_EV_MBIND : MM_EV_SET_MEMPOLICY);
	if (mbind && strace_number(call->arg[0], &addr) && strace_number(call->arg[1], &size)) {
		mm_event_put(ev, ADDR, addr, addr);
		mm_event_put(ev, SIZE, size, size);
	}
	strace_put_result(ev, call, false);
	return mbind ? put_policy(c, ev, call, 2, 3, 4, 5) : put_policy(c, ev, call, 0, 1, 2, 0);
}

/* get_mempolicy(mode, mask, maxnode, addr, flags): what it found is the result, in the words of the trace. */
static int on_get(struct strace_calls *c, struct mm_trace_batch *b, const struct strace_call *call)
{
	uint64_t addr = 0;
	char text[MM_FLAGS_TEXT];
	struct mm_event *ev;

	if (call->nr_args < 5)
		return 0;
	ev = strace_add_row(b, call, MM_EV_GET_MEMPOLICY);
	if (strace_number(call->arg[3], &addr) && addr)
		mm_event_put(ev, ADDR, addr, addr);
	if (!mm_str_is(call->arg[4], "0"))
		mm_event_put(ev, FLAGS, flags, words_of(call->arg[4], MM_FLAG_MPOL_GET, text));
	if (call->failed)
		strace_put_result(ev, call, false);
	return strace_keep_slices(c, ev);
}

static int on_migrate(struct strace_calls *c, struct mm_trace_batch *b, const struct strace_call *call)
{
	char text[2 * LIST_TEXT];
	struct mm_event *ev;
	uint64_t v;
	size_t n;

	if (call->nr_args < 4)
		return 0;
	ev = strace_add_row(b, call, MM_EV_MIGRATE_PAGES);
	if (strace_number(call->arg[0], &v) && v)
		mm_event_put(ev, OFFSET, offset, v);
	if (strace_number(call->arg[1], &v))
		mm_event_put(ev, SIZE2, size2, v);
	n = nodes_text(call->arg[2], text, LIST_TEXT);
	text[n++] = ':';
	n += nodes_text(call->arg[3], text + n, LIST_TEXT);
	mm_event_put(ev, NAME, name, ((struct mm_str){ text, n }));
	strace_put_result(ev, call, false);
	return strace_keep_slices(c, ev);
}

/* The next item of "[a, b, c]"; false: none, or the list was cut here. */
static bool next_item(struct mm_str *list, struct mm_str *item)
{
	size_t n = 0;

	while (list->len && (list->p[0] == '[' || list->p[0] == ',' || list->p[0] == ' '))
		*list = (struct mm_str){ list->p + 1, list->len - 1 };
	while (n < list->len && list->p[n] != ',' && list->p[n] != ']')
		n++;
	*item = (struct mm_str){ list->p, n };
	*list = (struct mm_str){ list->p + n, list->len - n };
	return n && item->p[0] != '.';
}

/* The next "{iov_base=0x7f.., iov_len=4096}"; false: none, or the list was cut here. */
static bool next_range(struct mm_str *list, uint64_t *addr, uint64_t *len)
{
	static const char base[] = "iov_base=", length[] = "iov_len=";
	const char *p = strace_find(*list, base), *q = p ? strace_find(*list, length) : NULL, *end = list->p + list->len;

	if (!q || q < p || !strace_number((struct mm_str){ p + sizeof(base) - 1, (size_t)(end - p) - sizeof(base) + 1 }, addr) ||
	    !strace_number((struct mm_str){ q + sizeof(length) - 1, (size_t)(end - q) - sizeof(length) + 1 }, len))
		return false;
	q += sizeof(length) - 1;
	*list = (struct mm_str){ q, (size_t)(end - q) };
	return true;
}

/* A status as the row's result: a node, or "-ENOENT" without its sign; the words are those of mm_errno_name(). */
static void put_status(struct mm_event *ev, struct mm_str status)
{
	uint64_t v;

	if (status.len > 2 && status.p[0] == '-' && status.p[1] == 'E') {
		for (unsigned int i = 1; i < 200; i++) {
			const char *name = mm_errno_name(i);

			if (name && mm_str_is((struct mm_str){ status.p + 1, status.len - 1 }, name))
				mm_event_set_word(ev, name, strlen(name));
		}
	} else if (status.len && strace_number(status, &v)) {
		mm_event_set_result(ev, MM_RESULT_DEC, v);
	}
}

static int add_rest(struct strace_rest *r, const struct mm_event *ev, uint64_t line)
{
	if (mm_grow(&r->ev, r->nr, &r->cap, sizeof(*r->ev)))
		return -ENOMEM;
	r->ev[r->nr++] = *ev;
	r->line = line;
	return 0;
}

/* A row of a call that may have many: into the batch, or to those that it has no room for. */
static int put_row(struct strace_calls *c, struct mm_trace_batch *b, const struct mm_event *ev, uint64_t line)
{
	if (mm_trace_batch_is_full(b))
		return add_rest(&c->rest, ev, line);
	b->ev[b->nr] = *ev;
	b->line[b->nr++] = line;
	return 0;
}

int strace_rest_rows(struct strace_calls *c, struct mm_trace_batch *b, struct mm_error *err)
{
	struct strace_rest *r = &c->rest;
	struct mm_str flags = { r->flags, strlen(r->flags) };

	if (!r->nr)
		return 0;
	if (mm_trace_keep(c->src, flags, &flags))
		return mm_error_set(err, -ENOMEM, "out of memory");
	for (; r->next < r->nr && !mm_trace_batch_is_full(b); r->next++) {
		b->ev[b->nr] = r->ev[r->next];
		b->ev[b->nr].flags = flags;
		b->line[b->nr++] = r->line;
	}
	if (r->next < r->nr)
		return 1;
	r->nr = r->next = 0;
	return 0;
}

/* A page of the call: its node if it is to move there, and what came of it. */
static void page_row(struct mm_event *ev, uint64_t addr, uint64_t pid, struct mm_str *nodes, struct mm_str *status)
{
	struct mm_str node, st;
	uint64_t v;

	mm_event_put(ev, ADDR, addr, addr);
	if (pid)
		mm_event_put(ev, SIZE2, size2, pid);
	if (nodes->len && nodes->p[0] != 'N' && next_item(nodes, &node) && strace_number(node, &v))
		mm_event_put(ev, OFFSET, offset, v);
	if (next_item(status, &st))
		put_status(ev, st);
}

static int on_move(struct strace_calls *c, struct mm_trace_batch *b, const struct strace_call *call)
{
	char text[MM_FLAGS_TEXT];
	struct mm_str pages = call->arg[2], nodes = call->arg[3], status = call->arg[4], page;
	struct mm_str kept = words_of(call->arg[5], MM_FLAG_MPOL_MF, text);
	uint64_t pid = 0, v, line;
	struct mm_event one;

	if (call->nr_args < 6 || call->failed || call->no_result)
		return 0;
	strace_number(call->arg[0], &pid);
	if (kept.len && mm_trace_keep(c->src, kept, &kept))
		return -1;
	snprintf(c->rest.flags, sizeof(c->rest.flags), "%.*s", (int)kept.len, kept.p);
	while (next_item(&pages, &page) && strace_number(page, &v)) {
		struct mm_trace_batch beside = { &one, &line, 0, 1 };

		page_row(strace_add_row(&beside, call, MM_EV_MOVE_PAGES), v, pid, &nodes, &status);
		if (kept.len)
			mm_event_put(&one, FLAGS, flags, kept);
		if (put_row(c, b, &one, call->line))
			return -1;
	}
	return 0;
}

int strace_set_pidfd(struct strace_calls *c, uint32_t of, uint64_t fd, uint64_t pid)
{
	char name[40];
	size_t n = (size_t)snprintf(name, sizeof(name), "%s%llu", pidfd, (unsigned long long)pid);
	struct strace_file *file = strace_path(c->files, (struct mm_str){ name, n });

	return file ? strace_fd_set(c->files, of, fd, file, 0) : -ENOMEM;
}

/* pidfd_open(pid, flags) = fd: the descriptor stands for a file of this name. */
static int on_pidfd(struct strace_calls *c, struct mm_trace_batch *b, const struct strace_call *call)
{
	uint64_t pid;

	(void)b;
	return call->failed || !strace_number(call->arg[0], &pid) ? 0 : strace_set_pidfd(c, call->pid, call->result, pid);
}

/* The process of a descriptor: as the log told before, or "6<pid:1234>" (-yy). */
static bool pid_of_fd(struct strace_calls *c, const struct strace_call *call, uint64_t *pid)
{
	const struct strace_fd *open;
	struct mm_str told;
	uint64_t fd;

	if (mm_str_after(call->arg[0], "<pid:", &told) && strace_number(told, pid))
		return *pid <= UINT32_MAX;
	if (!strace_number(call->arg[0], &fd))
		return false;
	open = strace_fd(c->files, call->pid, fd);
	if (!open || !open->file || strncmp(open->file->path, pidfd, sizeof(pidfd) - 1))
		return false;
	told = (struct mm_str){ open->file->path + sizeof(pidfd) - 1, strlen(open->file->path) - sizeof(pidfd) + 1 };
	return strace_number(told, pid) && *pid <= UINT32_MAX;
}

/* process_madvise(pidfd, [{iov_base=0x7f.., iov_len=4096}, ...], n, MADV_..., 0) = bytes: the other process's madvise, range by range. */
static int on_process_madvise(struct strace_calls *c, struct mm_trace_batch *b, const struct strace_call *call)
{
	uint64_t pid, addr, len, left = call->result, line;
	char text[MM_FLAGS_TEXT];
	struct mm_str ranges = call->arg[1], kept = words_of(call->arg[3], MM_FLAG_MADV, text);
	struct mm_event one;

	if (call->nr_args < 5 || call->failed)
		return 0;
	if (!pid_of_fd(c, call, &pid))
		return mm_trace_note(c->src, "calls of process_madvise on processes that the log does not tell", call->line);
	if (mm_trace_keep(c->src, kept, &kept))
		return -1;
	snprintf(c->rest.flags, sizeof(c->rest.flags), "%.*s", (int)kept.len, kept.p);
	while (left && next_range(&ranges, &addr, &len)) {
		struct mm_trace_batch beside = { &one, &line, 0, 1 };

		strace_add_row(&beside, call, MM_EV_MADVISE);
		mm_event_put(&one, PID, pid, (uint32_t)pid);
		mm_event_put(&one, ADDR, addr, addr);
		mm_event_put(&one, SIZE, size, len < left ? len : left);
		mm_event_put(&one, FLAGS, flags, kept);
		mm_event_set_result(&one, MM_RESULT_DEC, 0);
		if (put_row(c, b, &one, call->line))
			return -1;
		left -= one.size;
	}
	return 0;
}

int strace_numa_call(struct strace_calls *c, struct mm_trace_batch *b, const struct strace_call *call, bool *known)
{
	static const struct {
		const char *name;
		int (*on)(struct strace_calls *c, struct mm_trace_batch *b, const struct strace_call *call);
	} calls[] = {
		{ "mbind", on_set }, { "set_mempolicy", on_set }, { "get_mempolicy", on_get },
		{ "migrate_pages", on_migrate }, { "move_pages", on_move }, { "pidfd_open", on_pidfd },
		{ "process_madvise", on_process_madvise },
	};

	*known = false;
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (mm_str_is(call->name, calls[i].name)) {
			*known = true;
			return call->no_result || !calls[i].on(c, b, call) ? 0 : -ENOMEM;
		}
	return 0;
}
