/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * strace logs (-f, -y, any time stamp, -o FILE or standard error).
 *
 *   [pid 123] 12:00:01.000002 mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, 3</x>, 0) = 0x7f... <0.000010>
 *   123   clone(child_stack=NULL, flags=CLONE_VM|... <unfinished ...>
 *   124   brk(NULL)                         = 0x5593e186b000
 *   123   <... clone resumed>)              = 124
 *
 * A call becomes rows when it returns; one that another task interrupted in the
 * log is kept until it is resumed.  A child may speak before its clone returns:
 * the row of its birth is then made at its first line, from the unfinished call.
 * Lines without a pid are those of the first process; when a [pid N] appears that
 * nobody gave birth to, it is that process's number.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/grow.h"
#include "base/str.h"
#include "source/scan.h"
#include "source/strace.h"

/* Who speaks without a pid, no init, which the OOM killer would spare; and who else has that number, one that no kernel gives. */
enum { FIRST_TASK = 1000, OTHER_FIRST_TASK = 4194304 };
enum { MAX_TASKS = 1 << 20, NOBODY = UINT32_MAX };

struct task {
	uint32_t pid;
	uint32_t child;			/* already told of: the unfinished clone made it */
	bool alive;
	bool early;			/* the row of the unfinished call was given out already */
	char *unfinished;		/* text of a call up to <unfinished ...>; NULL none */
	uint64_t order;			/* of the unfinished call */
};

struct strace {
	struct mm_trace_source *src;
	struct strace_calls calls;
	struct task *tasks;
	size_t nr_tasks, cap_tasks, last;
	size_t nr_dead, dead_hint;	/* places that can be used again */
	size_t nr_unfinished;
	struct strace_pids pids;
	uint32_t first_pid;		/* of lines without a pid; NOBODY: none yet */
	uint32_t first_alias;		/* [pid N] that turned out to be it */
	uint64_t order;
	struct strace_clock clock;
	char *joined;			/* an unfinished and its resumed part */
	char *begun;			/* a line up to "strace: Process 13 attached", which came between; NULL: none */
	char *glued;			/* it and the next line */
};

/* ---- tasks ------------------------------------------------------------------ */

static struct task *find_task(struct strace *s, uint32_t pid)
{
	if (s->last < s->nr_tasks && s->tasks[s->last].pid == pid)
		return &s->tasks[s->last];
	return strace_pids_find(&s->pids, pid, &s->last) ? &s->tasks[s->last] : NULL;
}

static void forget_unfinished(struct strace *s, struct task *t)
{
	s->nr_unfinished -= t->unfinished != NULL;
	free(t->unfinished);
	t->unfinished = NULL;
}

static struct task *add_task(struct strace *s, uint32_t pid)
{
	struct task *t = find_task(s, pid);

	s->nr_dead -= t && !t->alive;	/* the pid again */
	for (; !t && s->nr_dead && s->nr_tasks > 64; s->dead_hint = (s->dead_hint + 1) % s->nr_tasks)
		if (!s->tasks[s->dead_hint].alive) {
			t = &s->tasks[s->dead_hint];
			strace_pids_del(&s->pids, t->pid);
			s->nr_dead--;
		}
	if (!t) {
		if (s->nr_tasks == MAX_TASKS || mm_grow(&s->tasks, s->nr_tasks, &s->cap_tasks, sizeof(*t)))
			return NULL;
		t = &s->tasks[s->nr_tasks++];
		t->unfinished = NULL;
	}
	forget_unfinished(s, t);
	*t = (struct task){ .pid = pid, .child = NOBODY, .alive = true };
	return strace_pids_add(&s->pids, pid, (size_t)(t - s->tasks)) ? NULL : t;
}

/* The clone that has not returned, the oldest, and has no child yet. */
static struct task *giving_birth(struct strace *s)
{
	struct task *best = NULL;

	for (size_t i = 0; s->nr_unfinished && i < s->nr_tasks; i++) {
		struct task *t = &s->tasks[i];
		struct mm_str text = { t->unfinished, t->unfinished ? strcspn(t->unfinished, "(") : 0 };

		if (t->alive && t->unfinished && t->child == NOBODY && strace_is_clone(text) &&
		    (!best || t->order < best->order))
			best = t;
	}
	return best;
}

static int birth(struct strace *s, struct mm_trace_batch *b, const struct strace_call *at, uint32_t parent, uint32_t child,
		 struct mm_str text, struct mm_error *err)
{
	struct strace_call call = *at;
	size_t n = 0;

	while (n < text.len && text.p[n] != '(')
		n++;
	call.pid = parent;
	if (!add_task(s, child))
		return mm_error_set(err, -ENOMEM, "out of memory");
	return strace_child_row(&s->calls, b, &call, child, (struct mm_str){ text.p, n }, text, err);
}

/* The task of a line; one that is new may be the child of an unfinished clone. */
static int meet(struct strace *s, struct mm_trace_batch *b, const struct strace_call *at, struct mm_error *err)
{
	struct task *t = find_task(s, at->pid), *parent;
	uint32_t pid;
	struct mm_str text;

	if (t && t->alive)
		return 0;
	parent = giving_birth(s);
	if (!parent)
		return add_task(s, at->pid) ? 0 : mm_error_set(err, -ENOMEM, "out of memory");
	parent->child = at->pid;
	pid = parent->pid;
	text = (struct mm_str){ parent->unfinished, strlen(parent->unfinished) };
	return birth(s, b, at, pid, at->pid, text, err);
}

/* ---- the head of a line --------------------------------------------------------- */

/* The number of a task that the log names. */
static uint32_t number_of(const struct strace *s, uint64_t pid)
{
	return s->first_pid == FIRST_TASK && pid == FIRST_TASK ? (uint32_t)OTHER_FIRST_TASK : (uint32_t)pid;
}

/* Lines without a pid are the first process's. */
static uint32_t pid_of(struct strace *s, bool given, uint64_t pid)
{
	uint32_t number;

	if (!given)
		return s->first_pid = FIRST_TASK;
	number = number_of(s, pid);
	if (s->first_pid == NOBODY)
		return number;
	if (s->first_alias == NOBODY && !find_task(s, number) && !giving_birth(s))
		s->first_alias = (uint32_t)pid;
	return pid == s->first_alias ? s->first_pid : number;
}

/* ---- a call ------------------------------------------------------------------------ */

/* Past "text" or </path> that begins at @i; the index behind it. */
static size_t skip_quoted(struct mm_str s, size_t i)
{
	if (s.p[i] == '"') {
		for (i++; i < s.len && s.p[i] != '"'; i++)
			if (s.p[i] == '\\')
				i++;
		return i + 1;
	}
	for (i++; i < s.len; i++)
		if (s.p[i] == '>' && (i + 1 == s.len || strchr(",)]} \t(", s.p[i + 1])))
			return i + 1;
	return i;
}

/* 3<, AT_FDCWD<, and with -X verbose a comment before it */
static bool begins_path(struct mm_str s, size_t i)
{
	return s.p[i] == '<' && i && (strace_is_digit(s.p[i - 1]) || s.p[i - 1] == 'D' || s.p[i - 1] == '/');
}

/* Cut "a, b, c) = result" into arguments; the index behind the closing parenthesis, 0: there is none. */
static size_t cut_args(struct mm_str s, struct strace_call *call)
{
	size_t from = 0, i = 0;
	int depth = 0;

	while (i < s.len) {
		char ch = s.p[i];

		if (ch == '"' || begins_path(s, i)) {
			i = skip_quoted(s, i);
			continue;
		}
		if (ch == '(' || ch == '[' || ch == '{')
			depth++;
		else if ((ch == ')' || ch == ']' || ch == '}') && depth)
			depth--;
		else if (ch == ')' || (ch == ',' && !depth)) {
			if (call->nr_args < STRACE_MAX_ARGS && i > from)
				call->arg[call->nr_args++] = (struct mm_str){ s.p + from, i - from };
			if (ch == ')')
				return i + 1;
			from = i + 1;
			while (from < s.len && s.p[from] == ' ')
				from++;
		}
		i++;
	}
	return 0;
}

/* "= 0x7f...", "= 3</path>", "= -1 ENOMEM (...)", "= ?"; false: none of these. */
static bool cut_result(struct mm_str s, struct strace_call *call)
{
	size_t n = 0;
	const char *gt;

	scan_blanks(&s);
	if (!scan_word(&s, "= "))
		return false;
	if (scan_word(&s, "?")) {
		call->no_result = true;
		return true;
	}
	if (!strace_number(s, &call->result))
		return false;
	if (scan_word(&s, "-1 ") && s.len && s.p[0] == 'E') {
		while (n < s.len && s.p[n] != ' ')
			n++;
		call->failed = true;
		call->error = (struct mm_str){ s.p, n };
		return true;
	}
	while (n < s.len && strace_is_digit(s.p[n]))
		n++;
	if (n && n < s.len && s.p[n] == '<') {
		gt = memchr(s.p + n, '>', s.len - n);
		call->path = (struct mm_str){ s.p + n + 1, gt ? (size_t)(gt - s.p) - n - 1 : 0 };
		if (!strace_is_absolute(call->path))
			call->path.len = 0;
	}
	return true;
}

/* An mmap was given room that another task's unfinished munmap has in the log: the kernel did that first, so its row comes first. */
static void overtaken(struct strace *s, struct mm_trace_batch *b, const struct strace_call *call)
{
	uint64_t len, addr, size;
	uint32_t nr = 0;

	if (call->failed || call->no_result || call->nr_args < 2 || !strace_number(call->arg[1], &len))
		return;
	for (size_t i = 0; s->nr_unfinished && i < s->nr_tasks && nr < MM_TRACE_LINE_ROWS / 2; i++) {
		struct task *t = &s->tasks[i];
		struct mm_str rest = { t->unfinished, t->unfinished ? strlen(t->unfinished) : 0 };
		struct mm_event *ev;

		if (!t->alive || t->early || !scan_word(&rest, "munmap(") || !scan_hex(&rest, &addr) ||
		    !scan_word(&rest, ", ") || !scan_u64(&rest, &size) || addr >= call->result + len ||
		    addr + size <= call->result)
			continue;
		ev = mm_trace_add(b, MM_EV_MUNMAP, call->line);
		mm_event_put(ev, PID, pid, t->pid);
		if (call->has_time)
			mm_event_put(ev, TIME_S, time_ns, call->time_ns);
		mm_event_put(ev, ADDR, addr, addr);
		mm_event_put(ev, SIZE, size, size);
		mm_event_set_result(ev, MM_RESULT_DEC, 0);
		t->early = true;
		nr++;
	}
}

/* "name(args) = result", whole. */
static int whole_call(struct strace *s, struct mm_trace_batch *b, struct mm_str text, struct strace_call *call,
		      struct mm_error *err)
{
	const char *open = text.len ? memchr(text.p, '(', text.len) : NULL;
	struct task *t = find_task(s, call->pid);
	struct mm_str args;
	uint32_t told, child;
	size_t end;

	if (!open || !t)
		return mm_trace_loss(s->src, "lines that are no system call", call->line, err);
	told = t->child;
	t->child = NOBODY;
	call->name = (struct mm_str){ text.p, (size_t)(open - text.p) };
	args = (struct mm_str){ open + 1, text.len - call->name.len - 1 };
	end = cut_args(args, call);
	if (!end || !cut_result((struct mm_str){ args.p + end, args.len - end }, call))
		return mm_trace_loss(s->src, "calls that the log does not show whole", call->line, err);
	if (call->name.len == 4 && !memcmp(call->name.p, "mmap", 4))
		overtaken(s, b, call);
	if (!strace_is_clone(call->name))
		return strace_call_rows(&s->calls, b, call, err);
	child = number_of(s, call->result);
	if (call->failed || call->no_result || !call->result || call->result > INT32_MAX)
		return 0;
	if (strace_clone_pidfd(&s->calls, call, child, text))
		return mm_error_set(err, -ENOMEM, "out of memory");
	return child == told ? 0 : birth(s, b, call, call->pid, child, text, err);
}

static int begin_unfinished(struct strace *s, struct mm_str text, const struct strace_call *call, struct mm_error *err)
{
	struct task *t = find_task(s, call->pid);

	forget_unfinished(s, t);
	t->unfinished = strndup(text.p, text.len);
	s->nr_unfinished += t->unfinished != NULL;
	t->order = s->order++;
	t->child = NOBODY;
	t->early = false;
	return t->unfinished ? 0 : mm_error_set(err, -ENOMEM, "out of memory");
}

/* "<... name resumed> rest" */
static int resume(struct strace *s, struct mm_trace_batch *b, struct mm_str text, struct strace_call *call,
		  struct mm_error *err)
{
	struct task *t = find_task(s, call->pid);
	const char *at = strace_find(text, " resumed>");
	size_t n, m;

	if (!at || !t->unfinished)
		return mm_trace_note(s->src, "ends of calls that began before the log", call->line);
	if (t->early) {
		forget_unfinished(s, t);
		t->early = false;
		return 0;
	}
	at += sizeof(" resumed>") - 1;
	n = strlen(t->unfinished);
	m = text.len - (size_t)(at - text.p);
	free(s->joined);
	s->joined = malloc(n + m + 1);
	if (!s->joined)
		return mm_error_set(err, -ENOMEM, "out of memory");
	memcpy(s->joined, t->unfinished, n);
	if (m)
		memcpy(s->joined + n, at, m);
	forget_unfinished(s, t);
	return whole_call(s, b, (struct mm_str){ s->joined, n + m }, call, err);
}

/* The task of @call's pid is no more. */
static void end_task(struct strace *s, struct mm_trace_batch *b, const struct strace_call *call)
{
	struct task *t = find_task(s, call->pid);

	strace_add_row(b, call, MM_EV_EXIT);
	strace_task_exit(s->calls.files, call->pid);
	forget_unfinished(s, t);
	s->nr_dead += t->alive;
	t->alive = false;
}

/*
 * "+++ superseded by execve in pid 1235 +++": the thread has the number of its process from here on (de_thread()), and what is resumed
 * under that is its call.
 */
static void superseded(struct strace *s, struct mm_trace_batch *b, struct mm_str by, const struct strace_call *call)
{
	struct task *process = find_task(s, call->pid), *thread;
	struct strace_call of_thread = *call;
	uint64_t tid;

	if (!scan_u64(&by, &tid) || tid > INT32_MAX)
		return;
	of_thread.pid = number_of(s, tid);
	thread = find_task(s, of_thread.pid);
	if (!thread || thread == process || !thread->alive)
		return;
	forget_unfinished(s, process);
	process->unfinished = thread->unfinished;
	process->order = thread->order;
	process->early = false;
	thread->unfinished = NULL;
	end_task(s, b, &of_thread);
}

/* "+++ exited with 0 +++", "+++ killed by SIGKILL +++" */
static void task_ends(struct strace *s, struct mm_trace_batch *b, struct mm_str text, const struct strace_call *call)
{
	struct mm_str by;

	if (mm_str_after(text, "superseded by execve in pid ", &by))
		superseded(s, b, by, call);
	else if (strace_has(text, "exited with") || strace_has(text, "killed by"))
		end_task(s, b, call);
}

static int one_line(struct strace *s, struct mm_trace_batch *b, struct mm_str line, uint64_t nr, struct mm_error *err)
{
	struct strace_call call = { .line = nr };
	struct mm_str text = line;
	const char *cut;
	uint64_t pid = 0;
	bool given;
	int e;

	if (!line.len || scan_word(&text, "strace: ") || strace_is_below_a_call(line))
		return 0;
	given = strace_cut_head(&s->clock, &text, &pid, &call);
	if (!strace_is_event(text))
		return mm_trace_loss(s->src, "lines that are no system call", nr, err);
	call.pid = pid_of(s, given, pid);
	e = meet(s, b, &call, err);
	if (e || scan_word(&text, "---"))
		return e;
	if (text.len > 3 && !memcmp(text.p, "+++", 3)) {
		task_ends(s, b, text, &call);
		return 0;
	}
	if (text.len > 4 && !memcmp(text.p, "<...", 4))
		return resume(s, b, text, &call, err);
	cut = strace_find(text, " <unfinished ...>");
	if (cut)
		return begin_unfinished(s, (struct mm_str){ text.p, (size_t)(cut - text.p) }, &call, err);
	return whole_call(s, b, text, &call, err);
}

/* ---- the format ----------------------------------------------------------------------- */

static int strace_open(void **state, struct mm_trace_source *src, struct mm_error *err)
{
	struct strace *s = calloc(1, sizeof(*s));

	if (!s || strace_files_new(&s->calls.files)) {
		free(s);
		return mm_error_set(err, -ENOMEM, "out of memory");
	}
	s->src = s->calls.src = src;
	s->first_pid = s->first_alias = NOBODY;
	src->columns = MM_TC_BIT(TIME_S) | MM_TC_BIT(PID) | MM_TC_BIT(EVENT) | MM_TC_BIT(ADDR) | MM_TC_BIT(SIZE) |
		       MM_TC_BIT(FLAGS) | MM_TC_BIT(NAME) | MM_TC_BIT(OFFSET) | MM_TC_BIT(ADDR2) | MM_TC_BIT(SIZE2) |
		       MM_TC_BIT(RESULT);
	*state = s;
	return 0;
}

static void strace_close(void *state)
{
	struct strace *s = state;

	for (size_t i = 0; i < s->nr_tasks; i++)
		free(s->tasks[i].unfinished);
	free(s->tasks);
	free(s->joined);
	free(s->begun);
	free(s->glued);
	strace_pids_free(&s->pids);
	strace_files_free(s->calls.files);
	free(s->calls.rest.ev);
	free(s);
}

/* Slices of a row point into the line: keep what outlives it. */
static int keep_rows(struct strace *s, struct mm_trace_batch *b, size_t from, struct mm_error *err)
{
	for (size_t i = from; i < b->nr; i++) {
		struct mm_event *ev = &b->ev[i];

		if (ev->result_kind == MM_RESULT_WORD && ev->present & MM_TC_BIT(RESULT) &&
		    mm_trace_keep(s->src, ev->result_word, &ev->result_word))
			return mm_error_set(err, -ENOMEM, "out of memory");
	}
	return 0;
}

/* A last line without its line feed: its end tells whether more is missing. A number may be the beginning of a longer one. */
static bool is_whole(struct mm_str line)
{
	static const char *const ends[] = { "+++", "---", " = ?", " <unfinished ...>" };

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		size_t n = strlen(ends[i]);

		if (line.len >= n && !memcmp(line.p + line.len - n, ends[i], n))
			return true;
	}
	return line.len && line.p[line.len - 1] == ')' && memmem(line.p, line.len, " = -1 E", 7);
}

/*
 * On standard error strace tells of new tasks even in the middle of a line:
 *
 *	clone(child_stack=NULL, flags=SIGCHLDstrace: Process 13 attached
 *	) = 13
 *
 * @line becomes the whole one; empty: the rest is yet to come. 0 or -ENOMEM.
 */
static int glue(struct strace *s, struct mm_str *line)
{
	static const char end[] = " attached";
	size_t tail = sizeof(end) - 1;
	const char *notice = line->len > tail && !memcmp(line->p + line->len - tail, end, tail)
				     ? strace_find(*line, "strace: Process ") : NULL;
	size_t n = s->begun ? strlen(s->begun) : 0, len = notice ? (size_t)(notice - line->p) : line->len;
	char *text;

	if (notice ? !len && !n : !n)
		return 0;
	text = malloc(n + len + 1);
	if (!text)
		return -ENOMEM;
	if (n)
		memcpy(text, s->begun, n);
	memcpy(text + n, line->p, len);
	text[n + len] = '\0';
	free(s->begun);
	s->begun = NULL;
	if (notice) {
		s->begun = text;
		*line = (struct mm_str){ NULL, 0 };
	} else {
		free(s->glued);
		s->glued = text;
		*line = (struct mm_str){ text, n + len };
	}
	return 0;
}

static int strace_read(void *state, struct mm_trace_batch *b, struct mm_error *err)
{
	struct strace *s = state;
	struct mm_str line;
	int rest = strace_rest_rows(&s->calls, b, err);

	if (rest)
		return rest;
	while (!mm_trace_batch_is_full(b)) {
		size_t from = b->nr;
		int e = mm_input_line(s->src->in, &line, err);

		if (e <= 0)
			return e;
		if (mm_trace_is_cut(s->src) && !is_whole(line))
			return mm_trace_skip_cut(s->src, s->src->in->line, err);
		if (glue(s, &line))
			return mm_error_set(err, -ENOMEM, "out of memory");
		e = one_line(s, b, line, s->src->in->line, err);
		if (e || (e = keep_rows(s, b, from, err)))
			return e;
	}
	return 1;
}

const struct mm_trace_ops mm_trace_strace = {
	.name = "strace", .help = "strace log (-f, -y, any time stamp)",
	.sniff = strace_sniff, .open = strace_open, .read = strace_read, .close = strace_close,
};
