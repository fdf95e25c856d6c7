/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Finished system calls of an strace log as rows.
 *
 * One table says which call becomes which row and which argument goes to which
 * column; those that need more have a function.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "source/scan.h"
#include "source/strace.h"

bool strace_number(struct mm_str s, uint64_t *value)
{
	bool minus;

	scan_blanks(&s);
	if (s.len >= 4 && !memcmp(s.p, "NULL", 4)) {
		*value = 0;
		return true;
	}
	minus = scan_word(&s, "-");
	if (s.len > 1 && s.p[0] == '0' && s.p[1] == 'x') {
		if (!scan_hex(&s, value))
			return false;
	} else if (!scan_u64(&s, value)) {
		return false;
	}
	if (minus)
		*value = 0 - *value;
	return true;
}

const char *strace_find(struct mm_str s, const char *word)
{
	size_t n = strlen(word);

	for (size_t i = 0; i + n <= s.len; i++)
		if (s.p[i] == word[0] && !memcmp(s.p + i, word, n))
			return s.p + i;
	return NULL;
}

bool strace_has(struct mm_str s, const char *word)
{
	return strace_find(s, word) != NULL;
}

struct mm_str strace_words(struct mm_str arg, enum mm_flag_kind kind, char text[MM_FLAGS_TEXT])
{
	const char *c = strace_find(arg, " /*"), *end;
	struct mm_str words = c ? (struct mm_str){ arg.p, (size_t)(c - arg.p) } : arg, said = { c, 0 };
	uint64_t bits;

	if (!words.len || !strace_is_digit(words.p[0]))
		return words;
	if (c) {
		said = (struct mm_str){ c + 3, arg.len - words.len - 3 };
		scan_blanks(&said);
		end = strace_find(said, " *");
		said.len = end ? (size_t)(end - said.p) : 0;
	}
	if (said.len && said.p[0] >= 'A' && said.p[0] <= 'Z' && !strace_has(said, "???"))
		return said;
	if (kind == MM_NR_FLAG_KINDS || !strace_number(words, &bits))
		return words;
	return (struct mm_str){ text, mm_flags_format(kind, bits, text, MM_FLAGS_TEXT) };
}

bool strace_has_flag(struct mm_str arg, const char *word, uint64_t bits)
{
	uint64_t v;

	if (strace_has(arg, word))
		return true;
	return arg.len && strace_is_digit(arg.p[0]) && strace_number(arg, &v) && (bits ? (v & bits) == bits : !v);
}

struct mm_event *strace_add_row(struct mm_trace_batch *b, const struct strace_call *call, enum mm_event_type type)
{
	struct mm_event *ev = mm_trace_add(b, type, call->line);

	mm_event_put(ev, PID, pid, call->pid);
	if (call->has_time)
		mm_event_put(ev, TIME_S, time_ns, call->time_ns);
	return ev;
}

/* Addresses of a 32-bit process on a 64-bit kernel were printed as negative numbers before strace 4.8: 0xfffffffff7fdd000. */
void strace_put_result(struct mm_event *ev, const struct strace_call *call, bool hex)
{
	uint64_t result = hex && call->result >> 32 == UINT32_MAX ? (uint32_t)call->result : call->result;

	if (call->failed)
		mm_event_set_word(ev, call->error.p, call->error.len);
	else if (!call->no_result)
		mm_event_set_result(ev, hex ? MM_RESULT_HEX : MM_RESULT_DEC, result);
}

/* ---- the mmap family ---------------------------------------------------------- */

/* The words of protection and flags as one text. What the kernel does not look at in the protection is left out. */
static int mmap_flags(struct strace_calls *c, const struct strace_call *call, struct mm_str *out)
{
	enum { LOOKED_AT = 0x0300000f };
	char room[2][MM_FLAGS_TEXT], text[2 * MM_FLAGS_TEXT];
	struct mm_str prot = strace_words(call->arg[2], MM_FLAG_PROT, room[0]);
	struct mm_str map = strace_words(call->arg[3], MM_FLAG_MAP, room[1]);
	uint64_t bits;
	int n;

	if (!mm_flags_parse(MM_FLAG_PROT, prot, &bits, NULL))
		prot = (struct mm_str){ room[0], mm_flags_format(MM_FLAG_PROT, bits & LOOKED_AT, room[0], sizeof(room[0])) };
	n = snprintf(text, sizeof(text), "%.*s|%.*s", (int)(prot.len < MM_FLAGS_TEXT ? prot.len : MM_FLAGS_TEXT - 1), prot.p,
		     (int)(map.len < MM_FLAGS_TEXT ? map.len : MM_FLAGS_TEXT - 1), map.p);
	return mm_trace_keep(c->src, (struct mm_str){ text, (size_t)n }, out);
}

bool strace_is_mmap(struct mm_str name)
{
	return mm_str_is(name, "mmap") || mm_str_is(name, "mmap2") || mm_str_is(name, "old_mmap");
}

/*
 * mmap; of 32-bit processes mmap2, which takes its offset in units of 4096 bytes, or old_mmap. strace before 4.10
 * prints mmap2's offset as it stands, later ones in bytes: of those it is a multiple of the unit.
 */
static int on_mmap(struct strace_calls *c, struct mm_trace_batch *b, const struct strace_call *call)
{
	enum { MMAP2_UNIT = 4096 };
	uint64_t addr = 0, len = 0, offset = 0;
	struct strace_file *file = NULL;
	struct strace_fd *fd = NULL;
	struct mm_str flags;
	struct mm_event *ev;
	bool anon;
	int e;

	if (call->nr_args < 6 || call->no_result || !strace_number(call->arg[0], &addr) ||
	    !strace_number(call->arg[1], &len))
		return 0;
	strace_number(call->arg[5], &offset);
	if (offset % MMAP2_UNIT && mm_str_is(call->name, "mmap2"))
		offset *= MMAP2_UNIT;
	anon = strace_has_flag(call->arg[3], "MAP_ANON", 0x20);
	e = mmap_flags(c, call, &flags);
	if (!e && !anon)
		file = strace_file_of(c, call, call->arg[4], &fd, &e);
	if (e)
		return e;
	if (file && !call->failed)
		strace_tell_file(b, call, file, fd ? fd->mode : 2, offset + len);
	ev = strace_add_row(b, call, MM_EV_MMAP);
	mm_event_put(ev, ADDR, addr, addr);
	mm_event_put(ev, SIZE, size, len);
	mm_event_put(ev, FLAGS, flags, flags);
	mm_event_put(ev, OFFSET, offset, offset);
	if (file)
		mm_event_put(ev, NAME, name, ((struct mm_str){ file->path, strlen(file->path) }));
	else if (!anon)
		mm_event_put(ev, NAME, name, MM_STR("(a file opened before the log)"));
	strace_put_result(ev, call, true);
	return 0;
}

/* Columns of arguments: a number to ADDR .., words to FLAGS, a number as it stands to NAME. */
enum to { TO_NONE, TO_ADDR, TO_SIZE, TO_FLAGS, TO_ADDR2, TO_SIZE2, TO_OFFSET, TO_OFFSET_PAGES, TO_NAME };
static const struct simple {
	const char *call;
	enum mm_event_type type;
	bool hex;
	uint8_t kind;			/* enum mm_flag_kind of the words; MM_NR_FLAG_KINDS: none */
	uint8_t to[5];
} simple[] = {
	{ "munmap", MM_EV_MUNMAP, false, MM_NR_FLAG_KINDS, { TO_ADDR, TO_SIZE } },
	{ "mprotect", MM_EV_MPROTECT, false, MM_FLAG_PROT, { TO_ADDR, TO_SIZE, TO_FLAGS } },
	{ "pkey_mprotect", MM_EV_PKEY_MPROTECT, false, MM_FLAG_PROT, { TO_ADDR, TO_SIZE, TO_FLAGS, TO_NAME } },
	{ "pkey_alloc", MM_EV_PKEY_ALLOC, false, MM_NR_FLAG_KINDS, { TO_NONE, TO_FLAGS } },
	{ "pkey_free", MM_EV_PKEY_FREE, false, MM_NR_FLAG_KINDS, { TO_NAME } },
	{ "mremap", MM_EV_MREMAP, true, MM_FLAG_MREMAP, { TO_ADDR, TO_SIZE, TO_SIZE2, TO_FLAGS, TO_ADDR2 } },
	{ "brk", MM_EV_BRK, true, MM_NR_FLAG_KINDS, { TO_ADDR } },
	{ "madvise", MM_EV_MADVISE, false, MM_FLAG_MADV, { TO_ADDR, TO_SIZE, TO_FLAGS } },
	{ "mlock", MM_EV_MLOCK, false, MM_NR_FLAG_KINDS, { TO_ADDR, TO_SIZE } },
	{ "mlock2", MM_EV_MLOCK, false, MM_FLAG_MLOCK, { TO_ADDR, TO_SIZE, TO_FLAGS } },
	{ "munlock", MM_EV_MUNLOCK, false, MM_NR_FLAG_KINDS, { TO_ADDR, TO_SIZE } },
	{ "mlockall", MM_EV_MLOCKALL, false, MM_FLAG_MCL, { TO_FLAGS } },
	{ "munlockall", MM_EV_MUNLOCKALL, false, MM_NR_FLAG_KINDS, { TO_NONE } },
	{ "msync", MM_EV_MSYNC, false, MM_FLAG_MS, { TO_ADDR, TO_SIZE, TO_FLAGS } },
	{ "shmdt", MM_EV_SHMDT, false, MM_NR_FLAG_KINDS, { TO_ADDR } },
	{ "set_mempolicy_home_node", MM_EV_SET_MEMPOLICY_HOME_NODE, false, MM_NR_FLAG_KINDS, { TO_ADDR, TO_SIZE, TO_OFFSET, TO_FLAGS } },
	{ "remap_file_pages", MM_EV_REMAP_FILE_PAGES, false, MM_FLAG_MAP, { TO_ADDR, TO_SIZE, TO_NONE, TO_OFFSET_PAGES, TO_FLAGS } },
};

static void put_arg(struct mm_event *ev, enum to to, struct mm_str arg)
{
	uint64_t v;

	if (to == TO_NAME) {
		mm_event_put(ev, NAME, name, strace_words(arg, MM_NR_FLAG_KINDS, NULL));
		return;
	}
	if (to == TO_NONE || !strace_number(arg, &v))
		return;
	switch (to) {
	case TO_ADDR: mm_event_put(ev, ADDR, addr, v); break;
	case TO_SIZE: mm_event_put(ev, SIZE, size, v); break;
	case TO_ADDR2: mm_event_put(ev, ADDR2, addr2, v); break;
	case TO_SIZE2: mm_event_put(ev, SIZE2, size2, v); break;
	case TO_OFFSET: mm_event_put(ev, OFFSET, offset, v); break;
	default: mm_event_put(ev, OFFSET, offset, v << MM_PAGE_SHIFT); break;
	}
}

int strace_keep_slices(struct strace_calls *c, struct mm_event *ev)
{
	int e = 0;

	if (ev->present & MM_TC_BIT(FLAGS))
		e |= mm_trace_keep(c->src, ev->flags, &ev->flags);
	if (ev->present & MM_TC_BIT(NAME))
		e |= mm_trace_keep(c->src, ev->name, &ev->name);
	if (ev->result_kind == MM_RESULT_WORD)
		e |= mm_trace_keep(c->src, ev->result_word, &ev->result_word);
	return e ? -ENOMEM : 0;
}

static int on_simple(struct strace_calls *c, struct mm_trace_batch *b, const struct strace_call *call,
		     const struct simple *s)
{
	struct mm_event *ev;
	char text[MM_FLAGS_TEXT];

	if (call->no_result)
		return 0;
	ev = strace_add_row(b, call, s->type);
	for (uint32_t i = 0; i < 5 && i < call->nr_args; i++)
		if (s->to[i] == TO_FLAGS)
			mm_event_put(ev, FLAGS, flags, strace_words(call->arg[i], (enum mm_flag_kind)s->kind, text));
		else
			put_arg(ev, (enum to)s->to[i], call->arg[i]);
	strace_put_result(ev, call, s->hex);
	return strace_keep_slices(c, ev);
}

/* prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, addr, len, "name") */
static int on_prctl(struct strace_calls *c, struct mm_trace_batch *b, const struct strace_call *call)
{
	char text[MM_FLAGS_TEXT], said[STRACE_PATH];
	struct mm_event *ev;
	struct mm_str name;

	if (call->nr_args < 5 || !mm_str_is(strace_words(call->arg[0], MM_FLAG_PRCTL, text), "PR_SET_VMA"))
		return 0;
	ev = strace_add_row(b, call, MM_EV_PRCTL);
	mm_event_put(ev, FLAGS, flags, MM_STR("PR_SET_VMA_ANON_NAME"));
	put_arg(ev, TO_ADDR, call->arg[2]);
	put_arg(ev, TO_SIZE, call->arg[3]);
	strace_put_result(ev, call, false);
	if (strace_quoted(call->arg[4], &name))
		mm_event_put(ev, NAME, name, strace_unescape(name, said));
	return strace_keep_slices(c, ev);
}

/* "{rlim_cur=8192*1024, rlim_max=RLIM64_INFINITY}" */
static bool rlim_cur(struct mm_str s, uint64_t *value, bool *unlimited)
{
	const char *p = strace_find(s, "rlim_cur=");
	struct mm_str rest;
	uint64_t factor;

	if (!p)
		return false;
	rest = (struct mm_str){ p + 9, s.len - (size_t)(p + 9 - s.p) };
	*unlimited = rest.len >= 4 && !memcmp(rest.p, "RLIM", 4);
	if (*unlimited)
		return true;
	if (!scan_u64(&rest, value))
		return false;
	*unlimited = *value == UINT64_MAX;	/* -X raw */
	if (scan_word(&rest, "*") && scan_u64(&rest, &factor) && __builtin_mul_overflow(*value, factor, value))
		*value = UINT64_MAX;
	return true;
}

static int on_rlimit(struct strace_calls *c, struct mm_trace_batch *b, const struct strace_call *call)
{
	uint32_t at = mm_str_is(call->name, "prlimit64") ? 1 : 0;
	char text[MM_FLAGS_TEXT];
	uint64_t value = 0;
	bool unlimited;
	struct mm_event *ev;

	if (call->failed || call->nr_args <= at + 1 || !rlim_cur(call->arg[at + 1], &value, &unlimited))
		return 0;
	ev = strace_add_row(b, call, MM_EV_SETRLIMIT);
	mm_event_put(ev, NAME, name, strace_words(call->arg[at], MM_FLAG_RLIMIT, text));
	if (!unlimited)
		mm_event_put(ev, SIZE, size, value);
	return mm_trace_keep(c->src, ev->name, &ev->name);
}

/* The segment @id; its key is known once a shmget was seen. NULL: no host memory. */
static struct strace_file *segment_of(struct strace_calls *c, uint64_t id)
{
	char name[32];
	int n = snprintf(name, sizeof(name), "/SYSV (id %llu)", (unsigned long long)id);

	return strace_path(c->files, (struct mm_str){ name, (size_t)n });
}

/* Its name in maps, with what tells it from others of that key. The row is filled in then. 0 or -ENOMEM. */
static int put_segment(struct strace_calls *c, struct mm_event *ev, const struct strace_file *file)
{
	char name[64];
	int n = snprintf(name, sizeof(name), "/SYSV%08x%s", file->key, file->path + strlen("/SYSV"));

	mm_event_put(ev, NAME, name, ((struct mm_str){ name, (size_t)n }));
	return strace_keep_slices(c, ev);
}

/* shmctl(id, IPC_RMID, NULL), of a segment that a row told of */
static int on_shm_rmid(struct strace_calls *c, struct mm_trace_batch *b, const struct strace_call *call)
{
	struct strace_file *file;
	uint64_t id;

	if (call->failed || !strace_has_flag(call->arg[1], "IPC_RMID", 0) || !strace_number(call->arg[0], &id))
		return 0;
	file = segment_of(c, id);
	if (!file)
		return -ENOMEM;
	return file->told ? put_segment(c, strace_add_row(b, call, MM_EV_SHM_RMID), file) : 0;
}

/* shmget(key, size, flags) = id; shmat(id, addr, flags) = address */
static int on_shm(struct strace_calls *c, struct mm_trace_batch *b, const struct strace_call *call, struct mm_error *err)
{
	bool get = mm_str_is(call->name, "shmget");
	char text[MM_FLAGS_TEXT];
	struct strace_file *file;
	struct mm_event *ev;
	uint64_t id = 0, key = 0;

	if (call->failed || call->no_result || (!get && !strace_number(call->arg[0], &id)))
		return 0;
	file = segment_of(c, get ? call->result : id);
	if (!file)
		return -ENOMEM;
	if (get) {
		strace_number(call->arg[1], &file->size);
		if (!file->told && strace_number(call->arg[0], &key))
			file->key = (uint32_t)key;
		if (!strace_has(call->arg[2], "SHM_HUGETLB"))
			return 0;
		file->told = true;
		ev = strace_add_row(b, call, MM_EV_SHMGET);
		mm_event_put(ev, FLAGS, flags, strace_words(call->arg[2], MM_NR_FLAG_KINDS, text));
		mm_event_put(ev, SIZE, size, file->size);
		return put_segment(c, ev, file);
	}
	file->told = true;
	if (!file->size &&
	    mm_trace_loss(c->src, "segments attached whose size the log does not tell: taken for one page", call->line, err))
		return err->code;
	ev = strace_add_row(b, call, MM_EV_SHMAT);
	put_arg(ev, TO_ADDR, call->arg[1]);
	mm_event_put(ev, FLAGS, flags, strace_words(call->arg[2], MM_FLAG_SHM, text));
	mm_event_put(ev, SIZE, size, file->size ? file->size : MM_PAGE_SIZE);
	strace_put_result(ev, call, true);
	return put_segment(c, ev, file);
}

/* ---- tasks ----------------------------------------------------------------------- */

bool strace_is_clone(struct mm_str name)
{
	return mm_str_is(name, "clone") || mm_str_is(name, "clone3") || mm_str_is(name, "fork") ||
		mm_str_is(name, "vfork");
}

/* A flag of a clone by its word, or by its bit (-X raw, -e raw) in "flags=0x3d0f00" or the first argument of clone(0x3d0f00. */
static bool clone_has(struct mm_str name, struct mm_str text, const char *word, uint64_t bit)
{
	const char *p = strace_find(text, "flags=");
	uint64_t flags;

	if (strace_has(text, word))
		return true;
	if (!p && !mm_str_is(name, "clone"))
		return false;
	p = p ? p + 6 : name.p + name.len + 1;
	if (p >= text.p + text.len)
		return false;
	return strace_number((struct mm_str){ p, (size_t)(text.p + text.len - p) }, &flags) && flags & bit;
}

bool strace_makes_thread(struct mm_str name, struct mm_str text) { return clone_has(name, text, "CLONE_THREAD", 0x10000); }

int strace_child_row(struct strace_calls *c, struct mm_trace_batch *b, const struct strace_call *call, uint32_t child,
		     struct mm_str name, struct mm_str text, struct mm_error *err)
{
	bool thread = strace_makes_thread(name, text);
	bool shares = !thread && (mm_str_is(name, "vfork") || clone_has(name, text, "CLONE_VM", 0x100));
	struct mm_event *ev = strace_add_row(b, call, thread ? MM_EV_THREAD : MM_EV_FORK);

	if (mm_str_is(name, "clone3") && !strace_find(text, "flags=") &&
	    mm_trace_loss(c->src, "clones whose flags the log does not tell: taken for forks", call->line, err))
		return err->code;
	if (shares)
		mm_event_put(ev, FLAGS, flags, MM_STR("CLONE_VM|CLONE_VFORK"));
	mm_event_set_result(ev, MM_RESULT_DEC, child);
	if (strace_task_clone(c->files, call->pid, child, clone_has(name, text, "CLONE_FILES", 0x400)))
		return mm_error_set(err, -ENOMEM, "out of memory");
	return 0;
}

int strace_clone_pidfd(struct strace_calls *c, const struct strace_call *call, uint32_t child, struct mm_str text)
{
	static const char *const told[] = { "pidfd=[", "parent_tid=[" };
	struct mm_str rest;
	uint64_t fd;

	if (!clone_has(call->name, text, "CLONE_PIDFD", 0x1000))
		return 0;
	for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++)
		if (mm_str_after(text, told[i], &rest) && strace_number(rest, &fd))
			return strace_set_pidfd(c, call->pid, fd, child);
	return 0;
}

static int on_exec(struct strace_calls *c, struct mm_trace_batch *b, const struct strace_call *call, struct mm_error *err)
{
	bool at = mm_str_is(call->name, "execveat");
	char text[STRACE_PATH];
	struct mm_str path;
	struct mm_event *ev;

	if (call->failed || call->no_result)
		return 0;
	ev = strace_add_row(b, call, MM_EV_EXEC);
	if (!strace_quoted(call->arg[at ? 1 : 0], &path))
		return mm_trace_loss(c->src, "programs whose names the log does not tell", call->line, err);
	mm_event_put(ev, NAME, name, strace_unescape(path, text));
	return strace_keep_slices(c, ev);
}

/* ---- which is which ------------------------------------------------------------------ */

static int memory_call(struct strace_calls *c, struct mm_trace_batch *b, const struct strace_call *call, bool *known,
		       struct mm_error *err)
{
	struct mm_str n = call->name;

	*known = true;
	for (size_t i = 0; i < sizeof(simple) / sizeof(simple[0]); i++)
		if (mm_str_is(n, simple[i].call))
			return on_simple(c, b, call, &simple[i]);
	if (strace_is_mmap(n))
		return on_mmap(c, b, call);
	if (mm_str_is(n, "prctl"))
		return on_prctl(c, b, call);
	if (mm_str_is(n, "prlimit64") || mm_str_is(n, "setrlimit"))
		return on_rlimit(c, b, call);
	if (mm_str_is(n, "shmget") || mm_str_is(n, "shmat"))
		return on_shm(c, b, call, err);
	if (mm_str_is(n, "shmctl"))
		return on_shm_rmid(c, b, call);
	if (mm_str_is(n, "execve") || mm_str_is(n, "execveat"))
		return on_exec(c, b, call, err);
	*known = false;
	return 0;
}

int strace_call_rows(struct strace_calls *c, struct mm_trace_batch *b, const struct strace_call *call,
		     struct mm_error *err)
{
	bool known;
	int e = memory_call(c, b, call, &known, err);

	if (!known)
		e = strace_numa_call(c, b, call, &known);
	if (!known)
		e = strace_uffd_call(c, b, call, &known, err);
	if (!known)
		e = strace_file_call(c, b, call, &known);
	if (e)
		return e == -ENOMEM ? mm_error_set(err, e, "out of memory") : e;
	return known ? 0 : mm_trace_note(c->src, "system calls that do not touch memory", call->line);
}
