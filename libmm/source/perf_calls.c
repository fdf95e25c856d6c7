/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * System calls of perf script (syscalls:sys_enter_*, sys_exit_*) that change mappings.
 *
 *	sys_enter_munmap: addr: 0x7fc55a9f5000, len: 0x0000b243
 *	sys_exit_munmap: 0x0
 *	sys_munmap(addr: 7fc55a9f5000, len: b243)	the same as /sys/kernel/tracing/trace has it
 *	sys_munmap -> 0x0
 *
 * They tell what records of mappings do not: munmap(), mremap(), madvise(), a smaller break and locks.  What both tell is taken from the
 * records, which know the file; of a process without records the calls are all there is.
 *
 * A call becomes a row when it returns.  Source: Linux 6.6 kernel/trace/trace_syscalls.c print formats.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <libmm/flags.h>

#include "base/grow.h"
#include "base/page.h"
#include "base/str.h"
#include "source/perf.h"
#include "source/scan.h"
#include "source/strace.h"

enum { MAX_ARGS = 6, MAX_ERRNO = 4095 };

/* Columns of arguments. */
enum to { TO_NONE, TO_ADDR, TO_SIZE, TO_FLAGS, TO_ADDR2, TO_SIZE2, TO_OFFSET };
static const struct call {
	const char *name;
	enum mm_event_type type;
	uint8_t kind;			/* enum mm_flag_kind of the words; MM_NR_FLAG_KINDS: none */
	bool hex;			/* the result is an address */
	bool recorded;			/* a record of mappings tells it better */
	uint8_t nr, to[MAX_ARGS];
} calls[] = {
	{ "munmap", MM_EV_MUNMAP, MM_NR_FLAG_KINDS, false, false, 2, { TO_ADDR, TO_SIZE } },
	{ "mremap", MM_EV_MREMAP, MM_FLAG_MREMAP, true, false, 5, { TO_ADDR, TO_SIZE, TO_SIZE2, TO_FLAGS, TO_ADDR2 } },
	{ "madvise", MM_EV_MADVISE, MM_FLAG_MADV, false, false, 3, { TO_ADDR, TO_SIZE, TO_FLAGS } },
	{ "brk", MM_EV_BRK, MM_NR_FLAG_KINDS, true, false, 1, { TO_ADDR } },
	{ "mlock", MM_EV_MLOCK, MM_NR_FLAG_KINDS, false, false, 2, { TO_ADDR, TO_SIZE } },
	{ "mlock2", MM_EV_MLOCK, MM_FLAG_MLOCK, false, false, 3, { TO_ADDR, TO_SIZE, TO_FLAGS } },
	{ "munlock", MM_EV_MUNLOCK, MM_NR_FLAG_KINDS, false, false, 2, { TO_ADDR, TO_SIZE } },
	{ "mlockall", MM_EV_MLOCKALL, MM_FLAG_MCL, false, false, 1, { TO_FLAGS } },
	{ "munlockall", MM_EV_MUNLOCKALL, MM_NR_FLAG_KINDS, false, false, 0, { TO_NONE } },
	{ "msync", MM_EV_MSYNC, MM_FLAG_MS, false, false, 3, { TO_ADDR, TO_SIZE, TO_FLAGS } },
	{ "mprotect", MM_EV_MPROTECT, MM_FLAG_PROT, false, true, 3, { TO_ADDR, TO_SIZE, TO_FLAGS } },
	{ "mmap", MM_EV_MMAP, MM_FLAG_MAP, true, true, 6, { TO_ADDR, TO_SIZE, TO_NONE, TO_FLAGS, TO_NONE, TO_OFFSET } },
};

struct begun {
	const struct call *call;	/* NULL: it has returned */
	uint64_t clone_flags;		/* of a clone, 0: none is under way */
	uint64_t arg[MAX_ARGS];
};

struct mm_perf_calls {
	struct strace_pids pids;	/* of tasks that have begun a call: place in v */
	struct begun *v;
	size_t nr, cap;
};

void mm_perf_calls_free(struct mm_perf_calls *c)
{
	if (!c)
		return;
	strace_pids_free(&c->pids);
	free(c->v);
	free(c);
}

static const struct call *find_call(struct mm_str name)
{
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (mm_str_is(name, calls[i].name))
			return &calls[i];
	return NULL;
}

/* "addr: 0x7fc55a9f5000, len: 0x0000b243" */
static bool parse_args(struct mm_str text, uint64_t *arg, size_t nr)
{
	struct mm_str value;

	for (size_t i = 0; i < nr; i++)
		if (!mm_str_after(text, ": ", &text) || !scan_hex(&text, &arg[i]))
			return false;
	return !mm_str_after(text, ": ", &value);
}

static struct begun *find_begun(struct mm_perf_calls *c, uint32_t tid)
{
	size_t place;

	return strace_pids_find(&c->pids, tid, &place) ? &c->v[place] : NULL;
}

/* NULL: no host memory. */
static struct begun *add_begun(struct mm_perf_calls *c, uint32_t tid)
{
	if (mm_grow(&c->v, c->nr, &c->cap, sizeof(*c->v)) || strace_pids_add(&c->pids, tid, c->nr))
		return NULL;
	return &c->v[c->nr++];
}

static struct begun *begin(struct mm_perf_calls *c, uint32_t tid)
{
	struct begun *b = find_begun(c, tid);

	return b ? b : add_begun(c, tid);
}

/* A clone: its flags, from which it is known what the child shares. */
static int on_clone(struct mm_perf_calls *c, const struct mm_ftrace_line *t, struct mm_str name, bool enter)
{
	enum { VFORK = 0x4100 };
	uint64_t flags = mm_str_is(name, "vfork") ? VFORK : 0;
	struct begun *b;
	struct mm_str first;

	b = enter ? begin(c, t->pid) : find_begun(c, t->pid);
	if (!b)
		return enter ? -ENOMEM : 0;
	*b = (struct begun){ 0 };
	if (mm_str_is(name, "clone") && mm_str_after(t->args, ": ", &first) && !scan_hex(&first, &flags))
		flags = 0;
	b->clone_flags = enter ? flags : 0;
	return 0;
}

uint64_t mm_perf_clone_flags(struct mm_perf_calls *c, uint32_t tid)
{
	struct begun *b = c ? find_begun(c, tid) : NULL;

	return b ? b->clone_flags : 0;
}

static int on_enter(struct mm_trace_source *src, struct mm_perf_calls *c, const struct mm_ftrace_line *t, const struct call *call,
		    struct mm_error *err)
{
	struct begun b = { .call = call }, *of_task = begin(c, t->pid);

	if (!parse_args(t->args, b.arg, call->nr))
		return mm_trace_loss(src, "events with fields that cannot be read", t->line, err);
	if (!of_task)
		return -ENOMEM;
	*of_task = b;
	return 0;
}

static bool has_failed(uint64_t result) { return result >= (uint64_t)-MAX_ERRNO; }

static int put_flags(struct mm_trace_source *src, struct mm_event *ev, const struct begun *b, uint64_t bits)
{
	char text[2 * MM_FLAGS_TEXT];
	size_t n = b->call->type == MM_EV_MMAP ? mm_flags_format_mmap(b->arg[2], bits, text, sizeof(text))
					       : mm_flags_format((enum mm_flag_kind)b->call->kind, bits, text, sizeof(text));

	ev->present |= MM_TC_BIT(FLAGS);
	return mm_trace_keep(src, (struct mm_str){ text, n }, &ev->flags);
}

static int row_of(struct mm_trace_source *src, struct mm_event *ev, const struct begun *b, uint64_t result)
{
	const char *error = has_failed(result) ? mm_errno_name((unsigned int)-result) : NULL;
	int e = 0;

	for (size_t i = 0; i < b->call->nr && !e; i++)
		switch ((enum to)b->call->to[i]) {
		case TO_ADDR: mm_event_put(ev, ADDR, addr, b->arg[i]); break;
		case TO_SIZE: mm_event_put(ev, SIZE, size, b->arg[i]); break;
		case TO_ADDR2: mm_event_put(ev, ADDR2, addr2, b->arg[i]); break;
		case TO_SIZE2: mm_event_put(ev, SIZE2, size2, b->arg[i]); break;
		case TO_OFFSET: mm_event_put(ev, OFFSET, offset, b->arg[i]); break;
		case TO_FLAGS: e = put_flags(src, ev, b, b->arg[i]); break;
		case TO_NONE: break;
		}
	if (error)
		mm_event_set_word(ev, error, strlen(error));
	else
		mm_event_set_result(ev, b->call->hex ? MM_RESULT_HEX : MM_RESULT_DEC, result);
	return e;
}

/* mremap() of what is known takes that along. */
static int moved(struct mm_perf_maps *maps, const struct begun *b, uint64_t to)
{
	enum { DONTUNMAP = 4 };
	uint64_t from = b->arg[0], old_len = mm_page_align(b->arg[1]), new_len = mm_page_align(b->arg[2]), end;
	size_t i = mm_perf_maps_find(maps, from);
	struct mm_perf_range r = i < maps->nr ? maps->v[i] : (struct mm_perf_range){ .start = UINT64_MAX };
	int e = 0;

	if (__builtin_add_overflow(to, new_len, &end) || from + old_len < from)
		return 0;
	if (old_len && !(b->arg[3] & DONTUNMAP))
		e = mm_perf_maps_clear(maps, from, from + old_len);
	if (e || r.start > from || !new_len)
		return e;
	r.offset += from - r.start;
	r.start = to;
	r.end = end;
	r.whole = false;
	return mm_perf_maps_set(maps, &r);
}

static int on_exit_of(struct mm_perf *p, struct mm_trace_batch *batch, struct mm_trace_source *src, const struct mm_ftrace_line *t,
		      const struct begun *b, uint64_t result)
{
	bool failed = has_failed(result), told;
	struct mm_perf_maps *maps = mm_perf_maps_of(p, t->pid, &told);
	struct mm_event *ev;
	int e = 0;

	if (told && b->call->recorded)
		return 0;
	if (told && b->call->type == MM_EV_BRK)
		return mm_perf_brk(p, batch, t, result);
	ev = mm_perf_row(batch, t, t->pid, b->call->type);
	if (b->call->type == MM_EV_MMAP && !(b->arg[3] & 0x20))
		mm_event_put(ev, NAME, name, MM_STR("(a file opened before the log)"));
	e = row_of(src, ev, b, result);
	if (e || failed || !told)
		return e;
	if (b->call->type == MM_EV_MUNMAP)
		return mm_perf_maps_clear(maps, b->arg[0], b->arg[0] + mm_page_align(b->arg[1]));
	return b->call->type == MM_EV_MREMAP ? moved(maps, b, result) : 0;
}

int mm_perf_call(struct mm_perf *p, struct mm_perf_calls **cp, struct mm_trace_source *src, struct mm_trace_batch *batch,
		 const struct mm_ftrace_line *t, struct mm_error *err)
{
	bool own = !mm_str_starts(t->event, "sys_enter_") && !mm_str_starts(t->event, "sys_exit_");
	bool enter = own ? t->args.len && *t->args.p == '(' : t->event.p[5] == 'n';
	size_t n = own ? 4 : enter ? 10 : 9;
	struct mm_str name = { t->event.p + n, t->event.len - n }, rest = t->args;
	const struct call *call = find_call(name);
	bool clone = strace_is_clone(name);
	struct begun *b, done;
	uint64_t result;

	if (!call && !clone)
		return mm_trace_note(src, "system calls that do not touch memory", t->line);
	if (!*cp)
		*cp = calloc(1, sizeof(**cp));
	if (!*cp)
		return -ENOMEM;
	if (clone)
		return on_clone(*cp, t, name, enter);
	if (enter)
		return on_enter(src, *cp, t, call, err);
	b = find_begun(*cp, t->pid);
	if (!b || b->call != call)
		return mm_trace_loss(src, "ends of system calls whose beginnings are not there", t->line, err);
	done = *b;
	b->call = NULL;
	scan_blanks(&rest);
	if (own && scan_word(&rest, "->"))
		scan_blanks(&rest);
	if (!scan_hex(&rest, &result))
		return mm_trace_loss(src, "events with fields that cannot be read", t->line, err);
	return on_exit_of(p, batch, src, t, &done, result);
}
