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

#include "base/str.h"
#include "source/scan.h"
#include "source/strace.h"

/* Who speaks without a pid, no init, which the OOM killer would spare; and who else has that number, one that no kernel gives. */
enum { FIRST_TASK = 1000, OTHER_FIRST_TASK = 4194304 };
struct strace {
	struct mm_trace_source *src;
	struct strace_calls calls;
	struct strace_tasks tasks;
	struct strace_ending {		/* the process of .call's task, whose rows the batch may have no room for */
		bool there, itself;	/* .itself: that task too, at last */
		struct strace_call call;
	} ending;
	uint32_t first_pid;		/* of lines without a pid; STRACE_NOBODY: none yet */
	uint32_t first_alias;		/* [pid N] that turned out to be it */
	uint64_t order;
	struct strace_clock clock;
	char *joined;			/* an unfinished and its resumed part */
	struct strace_lines lines;
	bool born;			/* of the line at hand: struct strace_line */
	uint32_t halved;		/* the line before is of this task's call and unfinished; STRACE_NOBODY */
};

/* ---- tasks ------------------------------------------------------------------ */

static int birth(struct strace *s, struct mm_trace_batch *b, const struct strace_call *at, uint32_t parent, uint32_t child,
		 struct mm_str text, struct mm_error *err)
{
	struct strace_task *t = strace_task_add(&s->tasks, child), *p = strace_task_find(&s->tasks, parent);
	struct strace_call call = *at;
	size_t n = 0;

	while (n < text.len && text.p[n] != '(')
		n++;
	call.pid = parent;
	if (!t)
		return mm_error_set(err, -ENOMEM, "out of memory");
	if (p && strace_makes_thread((struct mm_str){ text.p, n }, text))
		strace_task_join(&s->tasks, t, p);
	return strace_child_row(&s->calls, b, &call, child, (struct mm_str){ text.p, n }, text, err);
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
	if (s->first_pid == STRACE_NOBODY)
		return number;
	if (s->first_alias == STRACE_NOBODY && !strace_task_find(&s->tasks, number) && !strace_giving_birth(&s->tasks, NULL) &&
	    !strace_lines_birth(&s->lines, pid))
		s->first_alias = (uint32_t)pid;
	return pid == s->first_alias ? s->first_pid : number;
}

/* ---- who is new ---------------------------------------------------------------------- */

/*
 * One of whose beginning the log tells nothing: @thread, if it may be one that the seeded process had when strace was attached to it.
 * Else it has no memory that is known.
 */
static int orphan(struct strace *s, struct mm_trace_batch *b, const struct strace_call *at, uint32_t pid, bool thread, struct mm_error *err)
{
	const struct strace_task *seeded = s->src->seeded ? strace_task_find(&s->tasks, s->src->seeded) : NULL;
	bool first = !s->tasks.nr;
	struct strace_task *t;

	if (thread && seeded && seeded->alive) {
		mm_trace_note(s->src, "births of tasks that the seeded process had before the log: taken for its threads", at->line);
		return birth(s, b, at, s->src->seeded, pid, MM_STR("clone(flags=CLONE_VM|CLONE_FILES|CLONE_THREAD)"), err);
	}
	t = strace_task_add(&s->tasks, pid);
	if (!t)
		return mm_error_set(err, -ENOMEM, "out of memory");
	t->orphan = true;
	return first ? 0 : mm_trace_note(s->src, "tasks of which the log does not tell who made them: their memory is not known", at->line);
}

/* The clone that made @pid has its line ahead: @of. Who made the parent may have to be told first, to @depth. */
static int birth_ahead(struct strace *s, struct mm_trace_batch *b, const struct strace_call *at, struct strace_line *of, uint32_t pid,
		       uint32_t depth, struct mm_error *err)
{
	uint32_t parent = pid_of(s, of->has_pid, of->pid);
	struct strace_task *p = strace_task_find(&s->tasks, parent);
	struct strace_line *before = NULL;
	struct mm_str text = of->call;
	int e = 0;

	of->born = true;
	if (!p || !p->alive) {
		if (of->has_pid && depth)
			before = strace_lines_birth(&s->lines, of->pid);
		e = before && !before->born ? birth_ahead(s, b, at, before, parent, depth - 1, err) : orphan(s, b, at, parent, true, err);
		p = strace_task_find(&s->tasks, parent);
	}
	if (e)
		return e;
	if (p->unfinished && !text.len) {
		p->child = pid;
		text = (struct mm_str){ p->unfinished, strlen(p->unfinished) };
	}
	return birth(s, b, at, parent, pid, text, err);
}

/* The task of a line, which has @tid as the log writes it; one that is new may be the child of a clone that has not returned. */
static int meet(struct strace *s, struct mm_trace_batch *b, const struct strace_call *at, uint64_t tid, struct mm_str text,
		struct mm_error *err)
{
	struct strace_task *t = strace_task_find(&s->tasks, at->pid), *parent;
	struct strace_line *of = NULL;
	bool only, runs = mm_str_starts(text, "execve(");

	if (t && t->alive)
		return 0;
	parent = strace_giving_birth(&s->tasks, &only);
	if (!only && (s->tasks.nr || !runs))
		of = strace_lines_birth(&s->lines, tid);
	if (of && !of->born && (of->call.len || parent))
		return birth_ahead(s, b, at, of, at->pid, MM_TRACE_LINE_ROWS / 2, err);
	if (!parent)
		return orphan(s, b, at, at->pid, !runs, err);
	parent->child = at->pid;
	text = (struct mm_str){ parent->unfinished, strlen(parent->unfinished) };
	return birth(s, b, at, parent->pid, at->pid, text, err);
}

/* ---- ends ---------------------------------------------------------------------------- */

/* The task of @call's pid is no more; @silent: strace may still say so. */
static void end_task(struct strace *s, struct mm_trace_batch *b, const struct strace_call *call, bool silent)
{
	struct strace_task *t = strace_task_find(&s->tasks, call->pid);

	strace_add_row(b, call, MM_EV_EXIT);
	strace_task_exit(s->calls.files, call->pid);
	strace_task_end(&s->tasks, t, silent);
}

/* The other threads of the process of .ending, and that task itself, as far as the batch has room; the rest comes with the next one. */
static void end_process(struct strace *s, struct mm_trace_batch *b)
{
	struct strace_ending *e = &s->ending;

	while (e->there && b->nr < b->max) {
		struct strace_task *t = strace_task_find(&s->tasks, e->call.pid), *other = strace_task_next(&s->tasks, t);
		struct strace_call of = e->call;

		e->there = other != t;
		of.pid = other->pid;
		if (e->there || e->itself)
			end_task(s, b, &of, true);
	}
}

/*
 * The process of @pid ends with @call, or (@itself false) its threads but @pid. strace -qq and -e signal=none do not say so of each
 * ("+++ exited with 0 +++"), and a log may end before.
 */
static void begin_end(struct strace *s, struct mm_trace_batch *b, const struct strace_call *call, uint32_t pid, bool itself)
{
	struct strace_task *t = strace_task_find(&s->tasks, pid);

	if (!t || !t->alive)
		return;
	s->ending = (struct strace_ending){ true, itself, *call };
	s->ending.call.pid = pid;
	end_process(s, b);
}

/* Who waits for a child is told that it has ended: wait4(-1, [{WIFSIGNALED(s) && ...}], 0, NULL) = 13, waitid(..., {..., si_pid=13}). */
static bool is_waited_for(const struct strace_call *call, uint64_t *pid)
{
	static const char *const ends[] = { "CLD_EXITED", "CLD_KILLED", "CLD_DUMPED" };
	struct mm_str rest;

	if (call->failed || call->no_result || call->nr_args < 3)
		return false;
	*pid = call->result;
	if (mm_str_is(call->name, "wait4") || mm_str_is(call->name, "waitpid"))
		return strace_has(call->arg[1], "WIFEXITED") || strace_has(call->arg[1], "WIFSIGNALED");
	if (!mm_str_is(call->name, "waitid") || !mm_str_after(call->arg[2], "si_pid=", &rest) || !strace_number(rest, pid))
		return false;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (strace_has(call->arg[2], ends[i]))
			return true;
	return false;
}

/* A call that is no clone: its rows, and then the ends of tasks that it tells of. */
static int call_rows(struct strace *s, struct mm_trace_batch *b, const struct strace_call *call, struct mm_error *err)
{
	struct mm_str name = call->name;
	uint64_t pid;
	int e;

	if (call->no_result && mm_str_is(name, "exit_group")) {
		begin_end(s, b, call, call->pid, true);
		return 0;
	}
	if (call->no_result && (mm_str_is(name, "exit") || mm_str_is(name, "_exit"))) {
		end_task(s, b, call, true);
		return 0;
	}
	e = strace_call_rows(&s->calls, b, call, err);
	if (e)
		return e;
	if (!call->failed && !call->no_result && (mm_str_is(name, "execve") || mm_str_is(name, "execveat")))
		begin_end(s, b, call, call->pid, false);
	else if (is_waited_for(call, &pid) && pid && pid <= INT32_MAX)
		begin_end(s, b, call, number_of(s, pid), true);
	return 0;
}

/* A line of a task that ended before strace said so. True: it tells nothing new; false: it is another task's that has the number now. */
static bool is_after_end(struct strace *s, struct strace_task *t, struct mm_str text, uint64_t line)
{
	static const char nothing[] = " = ?";
	size_t n = sizeof(nothing) - 1;
	bool none = text.len >= n && !memcmp(text.p + text.len - n, nothing, n), rest = scan_word(&text, "<... ");

	if (scan_word(&text, "+++ ")) {
		strace_task_forget(&s->tasks, t);
		return !strace_has(text, "superseded");
	}
	if (rest && !none)
		mm_trace_note(s->src, "calls that returned after their process had ended", line);
	return none || rest || scan_word(&text, "--- ");
}

/* ---- a call ------------------------------------------------------------------------ */

/* An mmap was given room that another task's unfinished munmap has in the log: the kernel did that first, so its row comes first. */
static void overtaken(struct strace *s, struct mm_trace_batch *b, const struct strace_call *call)
{
	uint64_t len, addr, size;
	uint32_t nr = 0;

	if (call->failed || call->no_result || call->nr_args < 2 || !strace_number(call->arg[1], &len))
		return;
	for (size_t i = 0; s->tasks.nr_unfinished && i < s->tasks.nr && nr < MM_TRACE_LINE_ROWS / 2; i++) {
		struct strace_task *t = &s->tasks.v[i];
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
	struct strace_task *t = strace_task_find(&s->tasks, call->pid);
	uint32_t told, child;

	if (!open || !t)
		return mm_trace_loss(s->src, "lines that are no system call", call->line, err);
	told = t->child;
	t->child = STRACE_NOBODY;
	if (!strace_cut_call(text, call))
		return mm_trace_loss(s->src, "calls that the log does not show whole", call->line, err);
	if (strace_is_mmap(call->name))
		overtaken(s, b, call);
	if (!strace_is_clone(call->name))
		return call_rows(s, b, call, err);
	child = number_of(s, call->result);
	if (call->failed || call->no_result || !call->result || call->result > INT32_MAX)
		return 0;
	if (strace_clone_pidfd(&s->calls, call, child, text))
		return mm_error_set(err, -ENOMEM, "out of memory");
	if (child == told || s->born)
		return 0;
	t = strace_task_find(&s->tasks, child);
	if (t && t->alive && t->orphan &&
	    mm_trace_loss(s->src, "children whose first calls came long before their clone's line: of those the memory is lost",
			  call->line, err))
		return err->code;
	return birth(s, b, call, call->pid, child, text, err);
}

static int begin_unfinished(struct strace *s, struct mm_str text, const struct strace_call *call, struct mm_error *err)
{
	struct strace_task *t = strace_task_find(&s->tasks, call->pid);

	strace_task_forget_call(&s->tasks, t);
	t->unfinished = strndup(text.p, text.len);
	s->tasks.nr_unfinished += t->unfinished != NULL;
	t->order = s->order++;
	t->child = STRACE_NOBODY;
	t->early = false;
	return t->unfinished ? 0 : mm_error_set(err, -ENOMEM, "out of memory");
}

/* What @t has begun, with its @rest. 0 or -ENOMEM. */
static int join(struct strace *s, const struct strace_task *t, struct mm_str rest, struct mm_str *whole, struct mm_error *err)
{
	size_t n = strlen(t->unfinished);

	free(s->joined);
	s->joined = malloc(n + rest.len + 1);
	if (!s->joined)
		return mm_error_set(err, -ENOMEM, "out of memory");
	memcpy(s->joined, t->unfinished, n);
	if (rest.len)
		memcpy(s->joined + n, rest.p, rest.len);
	*whole = (struct mm_str){ s->joined, n + rest.len };
	return 0;
}

/*
 * A line that is no event. strace -z breaks one in two where it should not, and what was held back follows without a word before it:
 *
 *	12 wait4(-1,  <unfinished ...>
 *	[{WIFEXITED(s) && WEXITSTATUS(s) == 0}], 0, NULL) = 13
 */
static int no_event(struct strace *s, struct mm_trace_batch *b, struct mm_str line, uint32_t pid, uint64_t nr, struct mm_error *err)
{
	struct strace_task *t = pid != STRACE_NOBODY ? strace_task_find(&s->tasks, pid) : NULL;
	struct strace_call call = { .line = nr, .pid = pid, .has_time = s->clock.has_time }, parts = { 0 };
	struct mm_str whole;

	if (!t || !t->unfinished || t->early || !strace_has(line, ")"))
		return mm_trace_loss(s->src, "lines that are no system call", nr, err);
	if (join(s, t, line, &whole, err))
		return err->code;
	if (!strace_cut_call(whole, &parts))
		return mm_trace_loss(s->src, "lines that are no system call", nr, err);
	call.time_ns = s->clock.last_ns - s->clock.first_ns;
	strace_task_forget_call(&s->tasks, t);
	return whole_call(s, b, whole, &call, err);
}

/* "<... name resumed> rest" */
static int resume(struct strace *s, struct mm_trace_batch *b, struct mm_str text, struct strace_call *call,
		  struct mm_error *err)
{
	struct strace_task *t = strace_task_find(&s->tasks, call->pid);
	const char *at = strace_find(text, " resumed>");
	struct mm_str whole;

	if (!at || !t->unfinished)
		return mm_trace_note(s->src, "ends of calls that began before the log", call->line);
	if (t->early) {
		strace_task_forget_call(&s->tasks, t);
		t->early = false;
		return 0;
	}
	at += sizeof(" resumed>") - 1;
	if (join(s, t, (struct mm_str){ at, text.len - (size_t)(at - text.p) }, &whole, err))
		return err->code;
	strace_task_forget_call(&s->tasks, t);
	return whole_call(s, b, whole, call, err);
}

/*
 * "+++ superseded by execve in pid 1235 +++": the thread has the number of its process from here on (de_thread()), and what is resumed
 * under that is its call.
 */
static void superseded(struct strace *s, struct mm_trace_batch *b, struct mm_str by, const struct strace_call *call)
{
	struct strace_task *process = strace_task_find(&s->tasks, call->pid), *thread;
	struct strace_call of_thread = *call;
	uint64_t tid;

	if (!scan_u64(&by, &tid) || tid > INT32_MAX)
		return;
	of_thread.pid = number_of(s, tid);
	thread = strace_task_find(&s->tasks, of_thread.pid);
	if (!thread || thread == process || !thread->alive)
		return;
	strace_task_forget_call(&s->tasks, process);
	process->unfinished = thread->unfinished;
	process->order = thread->order;
	process->early = false;
	thread->unfinished = NULL;
	strace_task_join(&s->tasks, process, thread);
	end_task(s, b, &of_thread, false);
}

/* "+++ exited with 0 +++", "+++ killed by SIGKILL +++" */
static void task_ends(struct strace *s, struct mm_trace_batch *b, struct mm_str text, const struct strace_call *call)
{
	struct mm_str by;

	if (mm_str_after(text, "superseded by execve in pid ", &by))
		superseded(s, b, by, call);
	else if (strace_has(text, "exited with") || strace_has(text, "killed by"))
		end_task(s, b, call, false);
}

static int one_line(struct strace *s, struct mm_trace_batch *b, struct mm_str line, uint64_t nr, struct mm_error *err)
{
	struct strace_call call = { .line = nr };
	struct strace_task *t;
	struct mm_str text = line;
	const char *cut;
	uint32_t halved = s->halved;
	uint64_t pid = 0;
	bool given;
	int e;

	s->halved = STRACE_NOBODY;
	if (!line.len || strace_is_notice(line) || strace_is_below_a_call(line))
		return 0;
	given = strace_cut_head(&s->clock, &text, &pid, &call);
	if (!strace_is_event(text))
		return no_event(s, b, line, halved, nr, err);
	call.pid = pid_of(s, given, pid);
	t = strace_task_find(&s->tasks, call.pid);
	if (t && t->remembered && is_after_end(s, t, text, nr))
		return 0;
	e = meet(s, b, &call, given ? pid : 0, text, err);
	if (e || scan_word(&text, "---"))
		return e;
	if (text.len > 3 && !memcmp(text.p, "+++", 3)) {
		task_ends(s, b, text, &call);
		return 0;
	}
	if (text.len > 4 && !memcmp(text.p, "<...", 4))
		return resume(s, b, text, &call, err);
	cut = strace_find(text, " <unfinished ...>");
	s->halved = cut ? call.pid : STRACE_NOBODY;
	if (cut)
		return begin_unfinished(s, (struct mm_str){ text.p, (size_t)(cut - text.p) }, &call, err);
	return whole_call(s, b, text, &call, err);
}

/* ---- the format ----------------------------------------------------------------------- */

static void strace_close(void *state)
{
	struct strace *s = state;

	strace_tasks_free(&s->tasks);
	free(s->joined);
	strace_lines_free(&s->lines);
	strace_files_free(s->calls.files);
	free(s->calls.rest.ev);
	free(s);
}

static int strace_open(void **state, struct mm_trace_source *src, struct mm_error *err)
{
	struct strace *s = calloc(1, sizeof(*s));

	if (!s || strace_files_new(&s->calls.files)) {
		free(s);
		return mm_error_set(err, -ENOMEM, "out of memory");
	}
	s->src = s->calls.src = s->lines.src = src;
	s->first_pid = s->first_alias = s->halved = STRACE_NOBODY;
	src->columns = MM_TC_BIT(TIME_S) | MM_TC_BIT(PID) | MM_TC_BIT(EVENT) | MM_TC_BIT(ADDR) | MM_TC_BIT(SIZE) |
		       MM_TC_BIT(FLAGS) | MM_TC_BIT(NAME) | MM_TC_BIT(OFFSET) | MM_TC_BIT(ADDR2) | MM_TC_BIT(SIZE2) |
		       MM_TC_BIT(RESULT);
	*state = s;
	if (!src->seeded || strace_task_add(&s->tasks, src->seeded))
		return 0;
	strace_close(s);
	return mm_error_set(err, -ENOMEM, "out of memory");
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

static int strace_read(void *state, struct mm_trace_batch *b, struct mm_error *err)
{
	struct strace *s = state;
	struct strace_line line;
	int rest = strace_rest_rows(&s->calls, b, err);

	if (rest)
		return rest;
	end_process(s, b);
	while (!mm_trace_batch_is_full(b)) {
		size_t from = b->nr;
		int e = strace_lines_next(&s->lines, &line, err);

		if (e <= 0)
			return e;
		if (line.cut)
			return mm_trace_skip_cut(s->src, line.nr, err);
		s->born = line.born;
		e = one_line(s, b, line.text, line.nr, err);
		if (e || (e = keep_rows(s, b, from, err)))
			return e;
	}
	return 1;
}

const struct mm_trace_ops mm_trace_strace = {
	.name = "strace", .help = "strace log (-f, -y, any time stamp)",
	.sniff = strace_sniff, .open = strace_open, .read = strace_read, .close = strace_close,
};
