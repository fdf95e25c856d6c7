/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Recordings of the kernel's tracepoints as text: /sys/kernel/tracing/trace and `perf script`.
 *
 *	<task>-<pid> [(tgid)] [<cpu>] <irq flags> <seconds>: <event>: <field>=<value> ...
 *	<task> <pid>[/<tid>] [[<cpu>]] <seconds>: [<period>] <group>:<event>: <field>=<value> ...
 *
 * Both are cut the same way: the first word of digits with a colon is the time,
 * a [number] before it the CPU, the number before that the task, the next word
 * with a colon the event.  Other forms of ftrace are cut in ftrace_forms.c.  Comments, stacks and lines that are no events are
 * passed over; where all are that it is an error.  Time that goes back is raised to that of the event before.
 *
 * What becomes of an event (ftrace_events.c):
 *
 *	mm_page_alloc			page_alloc	result = PFN (ENOMEM: it failed), size, flags = GFP words
 *	mm_page_free			page_free	result = PFN, size; flags = IRQ_OVER_LOCK in an interrupt over a lock
 *	kmalloc, kmalloc_node		kmalloc		addr = object, size = bytes_req, size2 = bytes_alloc, flags,
 *					offset = node, unless it is -1
 *	kmem_cache_alloc[_node]		cache_alloc	the same; the cache is not named
 *	kfree				kfree		addr
 *	kmem_cache_free			cache_free	addr, name (from 5.12 on)
 *	page_fault_user, _kernel	load, store, fetch	addr, by the error code, size 1; flags = FAULT and that code
 *	page-faults (perf -F addr)	load		addr, size 1, flags = FAULT: no code is known
 *	damon_aggregated		load		a region that was accessed, sampled (damon.c)
 *
 * and these facts of the allocator, which only a machine that starts from the
 * recorded state (kpageflags) uses; each has a word no GFP mask has in flags:
 *
 *	mm_page_alloc_zone_locked	page_alloc	ZONE_LOCKED|MIGRATE_type[|PERCPU_REFILL]: leaves the buddy lists
 *	mm_page_alloc_extfrag		page_alloc	EXTFRAG|MIGRATE_type|FROM_type[|CHANGE_OWNERSHIP]: size =
 wanted,
 *							size2 = block that was found
 *	mm_page_pcpu_drain		page_free	PCPU_DRAIN|MIGRATE_type: comes back to the buddy lists
 *	mm_page_free_batched		page_free	BATCHED: follows the mm_page_free of the same page
 *
 * Lines PERF_RECORD_MMAP2, COMM, FORK, EXIT of perf script tell mappings and tasks (perf_records.c), syscalls:sys_enter_* and sys_exit_*
 * what else changes mappings (perf_calls.c); lines "sys_munmap(addr: ..." and "sys_munmap -> 0x0" are these as ftrace has them.
 *
 * Fields of 4.4 to 6.12 are known: pfn decimal or 0x, with and without node=,
 * accounted=, name=, percpu_refill=.  Other events are counted.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/str.h"
#include "source/ftrace.h"
#include "source/perf.h"
#include "source/scan.h"
#include "table/numbers.h"

struct ftrace {
	struct mm_trace_source *src;
	struct mm_ftrace_line t;
	struct mm_perf *perf;
	uint64_t last_ns;
	bool begun;			/* a line was seen that is no header's */
	bool found;			/* one that is an event */
};

static bool is_digits(struct mm_str w)
{
	for (size_t i = 0; i < w.len; i++)
		if (w.p[i] < '0' || w.p[i] > '9')
			return false;
	return w.len != 0;
}

/* "[003]" */
static bool parse_cpu(struct mm_str w, uint32_t *cpu)
{
	struct mm_str digits = { w.p + 1, w.len - 2 };
	uint64_t v;

	if (w.len < 3 || w.p[0] != '[' || w.p[w.len - 1] != ']' || !is_digits(digits) || !scan_u64(&digits, &v))
		return false;
	*cpu = v > UINT32_MAX ? UINT32_MAX : (uint32_t)v;
	return true;
}

/* Nanoseconds of the last of so many digits. */
static const uint32_t fraction_unit[] = { 1000000000, 100000000, 10000000, 1000000, 100000, 10000, 1000, 100, 10, 1 };

/* "3.914412:" */
static bool parse_time(struct mm_str w, uint64_t *ns)
{
	uint64_t sec, frac = 0;
	unsigned int digits = 0;
	struct mm_str s = w;

	if (w.len < 2 || w.p[w.len - 1] != ':' || w.p[0] < '0' || w.p[0] > '9')
		return false;
	s.len--;
	if (!scan_u64(&s, &sec) || sec > UINT64_MAX / 1000000000 - 1)
		return false;
	if (s.len && *s.p == '.')
		for (s.p++, s.len--; s.len && *s.p >= '0' && *s.p <= '9'; s.p++, s.len--)
			if (digits < 9) {
				frac = frac * 10 + (uint64_t)(*s.p - '0');
				digits++;
			}
	*ns = sec * 1000000000 + frac * fraction_unit[digits];
	return s.len == 0;
}

/* "u", "upp": what perf's events were restricted to */
static bool is_modifier(struct mm_str w)
{
	for (size_t i = 0; i < w.len; i++)
		if (!w.p[i] || !strchr("ukhHGpPSDIeW", w.p[i]))
			return false;
	return w.len;
}

/* The word after the time, without its group, modifiers and colon; a period before it is passed over. */
static bool parse_event(struct mm_str *rest, struct mm_str *event)
{
	struct mm_str w;
	const char *p, *end;

	if (!scan_next_word(rest, &w) || (is_digits(w) && !scan_next_word(rest, &w)))
		return false;
	end = w.p + w.len - 1;
	if (w.len < 2 || *end != ':')
		return false;
	for (p = end; p > w.p && p[-1] != ':'; p--)
		;
	if (p - 1 > w.p && is_modifier((struct mm_str){ p, (size_t)(end - p) }))
		for (end = --p; p > w.p && p[-1] != ':'; p--)
			;
	*event = (struct mm_str){ p, (size_t)(end - p) };
	return event->len != 0;
}

static bool digit_at(const char *p, const char *end) { return p < end && (unsigned char)(*p - '0') < 10; }

static const char *skip_blanks(const char *p, const char *end)
{
	while (p < end && *p == ' ')
		p++;
	return p;
}

/* "3.914412:" with up to 9 digits of a second; where it ends, or NULL.  @line begins before it. */
static const char *common_time(const char *line, const char *p, const char *end, uint64_t *ns)
{
	uint64_t sec = 0, frac = 0;
	const char *start = p, *dot;

	while (p < end && *p != '.' && p - start < 8)
		p++;
	if (p - line >= 8 && end - p > 7 && p[7] == ':' && p > start && mm_decimal_before(p, (size_t)(p - start), &sec) &&
	    mm_decimal_before(p + 7, 6, &frac) && *p == '.') {
		*ns = sec * 1000000000 + frac * 1000;
		return p + 8;
	}
	sec = frac = 0;
	p = start;
	for (; digit_at(p, end); p++)
		sec = sec * 10 + (uint64_t)(*p - '0');
	if (p == start || p - start > 10 || p == end || *p != '.')
		return NULL;
	for (dot = p++; digit_at(p, end); p++)
		frac = frac * 10 + (uint64_t)(*p - '0');
	if (p - dot > 10 || p == end || *p != ':')
		return NULL;
	*ns = sec * 1000000000 + frac * fraction_unit[p - dot - 1];
	return p + 1;
}

/*
 * What ftrace itself prints of a system call, at @p: "sys_munmap(addr: 7fc55a9f5000, len: b243)", "sys_munmap -> 0x0"; the event is its
 * name then. False: it is another event.
 */
static bool cut_call(const char *p, const char *end, struct mm_ftrace_line *t)
{
	const char *name = p;

	if (end - p < 6 || memcmp(p, "sys_", 4))
		return false;
	while (p < end && ((*p >= 'a' && *p <= 'z') || *p == '_' || digit_at(p, end)))
		p++;
	if (p == end || (*p != '(' && (end - p < 4 || memcmp(p, " -> ", 4))))
		return false;
	t->event = (struct mm_str){ name, (size_t)(p - name) };
	t->args = (struct mm_str){ p, (size_t)(end - p) };
	t->next = 0;
	return true;
}

/* "bash-1234    [000] ", one [number] and nothing like a time before it: where it ends, or NULL.  @t gets CPU and task. */
static const char *common_head(struct mm_str line, struct mm_ftrace_line *t)
{
	const char *end = line.p + line.len, *cpu = memchr(line.p, '[', line.len), *colon = line.p, *p;

	if (!cpu || cpu == line.p || cpu[-1] != ' ')
		return NULL;
	while ((colon = memchr(colon, ':', (size_t)(cpu - colon))))
		if (*++colon == ' ')
			return NULL;
	t->cpu = 0;
	for (p = cpu + 1; digit_at(p, end) && p - cpu < 9; p++)
		t->cpu = t->cpu * 10 + (uint32_t)(*p - '0');
	if (p == cpu + 1 || end - p < 2 || p[0] != ']' || p[1] != ' ' || !mm_ftrace_pid(line.p, cpu, &t->pid))
		return NULL;
	p += 2;
	t->head_len = (size_t)(p - line.p) <= sizeof(t->head) ? (size_t)(p - line.p) : 0;
	memcpy(t->head, line.p, t->head_len);
	return p;
}

/*
 * A line as nearly all are: task, CPU, the time or the state and the time, the event.  False: cut it word by word.
 */
static bool cut_common(struct mm_str line, struct mm_ftrace_line *t)
{
	const char *end = line.p + line.len, *p, *colon;
	bool same = t->head_len && line.len > t->head_len && !memcmp(line.p, t->head, t->head_len);

	p = same ? line.p + t->head_len : common_head(line, t);
	if (!p)
		return false;
	p = skip_blanks(p, end);
	t->irq_over_lock = false;
	if (!digit_at(p, end)) {
		const char *blank = memchr(p, ' ', (size_t)(end - p));

		if (!blank)
			return false;
		t->irq_over_lock = mm_ftrace_is_irq_over_lock((struct mm_str){ p, (size_t)(blank - p) });
		p = skip_blanks(blank, end);
	}
	p = common_time(line.p, p, end, &t->time_ns);
	if (!p || p == end || *p != ' ')
		return false;
	p = skip_blanks(p, end);
	if (p == end || digit_at(p, end))
		return false;
	if (cut_call(p, end, t))
		return true;
	colon = memchr(p, ':', (size_t)(end - p));
	if (!colon)
		return false;
	if (colon + 1 < end && colon[1] != ' ') {	/* behind the group */
		p = colon + 1;
		colon = memchr(p, ':', (size_t)(end - p));
		if (colon && is_modifier((struct mm_str){ p, (size_t)(colon - p) }))
			return false;
	}
	if (!colon || colon == p || (colon + 1 < end && colon[1] != ' ') || memchr(p, ' ', (size_t)(colon - p)))
		return false;
	t->event = (struct mm_str){ p, (size_t)(colon - p) };
	t->args = (struct mm_str){ colon + 1, (size_t)(end - colon - 1) };
	t->next = 0;
	return true;
}

/* Behind @p "PERF_RECORD_...", before it ": ", the time, perhaps the CPU, the task. */
static bool cut_record_at(struct mm_str line, const char *p, struct mm_ftrace_line *t)
{
	const char *end = line.p + line.len, *head = p;
	struct mm_str cpu;

	while (head > line.p && head[-1] != ' ')
		head--;
	*t = (struct mm_ftrace_line){ 0 };
	if (!parse_time((struct mm_str){ head, (size_t)(p + 1 - head) }, &t->time_ns))
		return false;
	while (head > line.p && head[-1] == ' ')
		head--;
	for (cpu = (struct mm_str){ head, 0 }; cpu.p > line.p && cpu.p[-1] != ' '; cpu.p--, cpu.len++)
		;
	if (!mm_ftrace_pid(line.p, parse_cpu(cpu, &t->cpu) ? cpu.p : head, &t->pid))
		return false;
	t->event.p = p += 2;
	while (p < end && ((*p >= 'A' && *p <= 'Z') || *p == '_' || digit_at(p, end)))
		p++;
	t->event.len = (size_t)(p - t->event.p);
	t->args = (struct mm_str){ p, (size_t)(end - p) };
	return true;
}

/* "ls 31735 [001] 46418.972630: PERF_RECORD_MMAP2 31735/31735: [...": what perf recorded beside events.  Names may look like it. */
static bool cut_record(struct mm_str line, struct mm_ftrace_line *t)
{
	static const char mark[] = ": PERF_RECORD_";
	struct mm_str rest = line;

	while (mm_str_after(rest, mark, &rest))
		if (cut_record_at(line, rest.p - (sizeof(mark) - 1), t))
			return true;
	return false;
}

bool mm_ftrace_line_cut(struct mm_str line, struct mm_ftrace_line *t)
{
	struct mm_str rest = line, word;
	const char *head_end = NULL;
	bool state = false;		/* the word before was the CPU */

	if (cut_common(line, t))
		return !mm_perf_is_record(t->event) || cut_record(line, t);
	if (cut_record(line, t))
		return true;
	*t = (struct mm_ftrace_line){ 0 };
	while (scan_next_word(&rest, &word)) {
		if (parse_cpu(word, &t->cpu)) {
			head_end = word.p;
			state = true;
			continue;
		}
		if (state)
			t->irq_over_lock = mm_ftrace_is_irq_over_lock(word);
		state = false;
		if (word.p == line.p || !parse_time(word, &t->time_ns))
			continue;
		t->args = rest;
		scan_blanks(&rest);
		if (cut_call(rest.p, rest.p + rest.len, t) && mm_ftrace_pid(line.p, head_end ? head_end : word.p, &t->pid))
			return true;
		if (parse_event(&t->args, &t->event) &&
		    mm_ftrace_pid(line.p, head_end ? head_end : word.p, &t->pid))
			return true;
	}
	return mm_ftrace_cut_other(line, t);
}

static bool is_known(struct mm_str event)
{
	return mm_ftrace_knows(event) || mm_perf_is_record(event) || mm_perf_is_call(event);
}

/* An event without what stands before it: perf script -F event,trace. */
static bool is_bare_event(struct mm_str line)
{
	struct mm_str word, event, rest;

	do {
		rest = line;
		if (parse_event(&rest, &event) && is_known(event))
			return true;
	} while (scan_next_word(&line, &word));
	return false;
}

static int sniff(struct mm_str head)
{
	struct mm_str line;
	struct mm_ftrace_line t = { .head_len = 0 };
	int events = 0;
	bool bare = false;

	if (head.len > 10 && !memcmp(head.p, "# tracer: ", 10))
		return 90;
	for (int i = 0; i < 64 && scan_line(&head, &line); i++) {
		if (!line.len || line.p[0] == '#')
			continue;
		if (!mm_ftrace_line_cut(line, &t)) {
			bare |= is_bare_event(line) || mm_ftrace_is_comment(line);
			continue;
		}
		if (is_known(t.event))
			return 85;
		events++;
	}
	return events > 2 ? 40 : bare ? 20 : 0;
}

static int open_ftrace(void **state, struct mm_trace_source *src, struct mm_error *err)
{
	struct ftrace *f = calloc(1, sizeof(*f));
	struct mm_str head;

	if (!f || mm_perf_new(&f->perf, src)) {
		free(f);
		return mm_error_set(err, -ENOMEM, "out of memory");
	}
	f->src = src;
	src->columns = MM_TC_BIT(TIME_S) | MM_TC_BIT(CPU) | MM_TC_BIT(PID) | MM_TC_BIT(EVENT) | MM_TC_BIT(ADDR) |
		       MM_TC_BIT(SIZE) | MM_TC_BIT(FLAGS) | MM_TC_BIT(NAME) | MM_TC_BIT(OFFSET) | MM_TC_BIT(SIZE2) | MM_TC_BIT(RESULT);
	if (!mm_input_peek(src->in, &head, err) &&
	    (memmem(head.p, head.len, ": PERF_RECORD_", 14) || memmem(head.p, head.len, ":sys_enter_", 11) ||
	     memmem(head.p, head.len, ": sys_", 6) || memmem(head.p, head.len, "task_newtask: ", 14)))
		src->columns |= MM_TC_BIT(ADDR2) | MM_TC_BIT(BY);
	*state = f;
	return 0;
}

static void close_ftrace(void *state)
{
	struct ftrace *f = state;

	mm_perf_free(f->perf);
	free(f);
}

/* A line of an event's call stack: "  ffffffff81234567 do_it+0x12 ([kernel])", " => do_it". */
static bool is_stack(struct mm_str line)
{
	struct mm_str word, rest = line;

	if ((line.p[0] != ' ' && line.p[0] != '\t') || !scan_next_word(&rest, &word))
		return false;
	if (word.len == 2 && !memcmp(word.p, "=>", 2))
		return true;
	for (size_t i = 0; i < word.len; i++)
		if (!strchr("0123456789abcdef", word.p[i]))
			return false;
	return word.len >= 3;
}

static int read_line(struct ftrace *f, struct mm_trace_batch *b, struct mm_str line, struct mm_error *err)
{
	struct mm_ftrace_line *t = &f->t;
	size_t before = b->nr;
	int e;

	if (!mm_ftrace_line_cut(line, t)) {
		if (memmem(line.p, line.len, "LOST", 4) && memmem(line.p, line.len, "EVENTS", 6))
			return mm_trace_loss(f->src, "gaps where the recording lost events", f->src->in->line, err);
		if (is_stack(line))
			return 0;
		if (mm_ftrace_is_comment(line))
			return mm_trace_loss(f->src, "events in function_graph without a time or a task (options/funcgraph-abstime and "
					     "funcgraph-proc tell them)", f->src->in->line, err);
		if (is_bare_event(line))
			return mm_trace_loss(f->src, "events without a time or a task (perf script without -F tells them)",
					     f->src->in->line, err);
		return mm_trace_note(f->src, "lines that are no events", f->src->in->line);
	}
	f->found = true;
	t->line = f->src->in->line;
	if (t->time_ns < f->last_ns) {
		mm_trace_note(f->src, "events whose time is before the last one's", t->line);
		t->time_ns = f->last_ns;
	}
	f->last_ns = t->time_ns;
	if (mm_perf_settle(f->perf, b, t))
		return mm_error_set(err, -ENOMEM, "out of memory");
	before = b->nr;
	if (mm_perf_is_record(t->event) || mm_perf_is_call(t->event))
		e = mm_perf_record(f->perf, b, t, err);
	else if (mm_str_is(t->event, "task_newtask"))
		e = mm_perf_newtask(f->perf, b, t, err);
	else
		e = mm_ftrace_event(f->src, b, t, err);
	for (size_t i = before; i < b->nr; i++) {
		mm_event_put(&b->ev[i], TIME_S, time_ns, t->time_ns);
		if (b->ev[i].present & MM_TC_BIT(PID))
			continue;		/* DAMON's rows: kdamond, which ran, is not whom they are about */
		mm_event_put(&b->ev[i], CPU, cpu, t->cpu);
		mm_event_put(&b->ev[i], PID, pid, t->pid);
	}
	return e;
}

/* What trace-cmd report writes before the events: "version = 6", "CPU 3 is empty", "cpus=4". */
static bool is_trace_cmd_head(struct mm_str line)
{
	uint64_t n;

	return mm_str_starts(line, "cpus=") || mm_str_starts(line, "version = ") ||
	       (scan_word(&line, "CPU ") && scan_u64(&line, &n) && mm_str_is(line, " is empty"));
}

/* How many CPUs the machine had: "# entries-in-buffer/entries-written: 5/5   #P:4", "# nrcpus online : 4", trace-cmd's "cpus=4". */
static void on_head(struct mm_trace_batch *b, struct mm_str line, uint64_t line_number)
{
	uint64_t n;

	for (; line.len; line = (struct mm_str){ line.p + 1, line.len - 1 }) {
		struct mm_str rest = line;

		if ((!scan_word(&rest, "#P:") && !scan_word(&rest, "# nrcpus online : ") && !scan_word(&rest, "cpus=")) ||
		    !scan_u64(&rest, &n) || !n || n > MM_MAX_CPUS)
			continue;
		mm_event_set_result(mm_trace_add(b, MM_EV_CPUS, line_number), MM_RESULT_DEC, n);
		return;
	}
}

static int nothing_found(const struct mm_trace_source *src, struct mm_error *err)
{
	return mm_error_set(err, -EINVAL, "%s:%llu: expected events of ftrace or perf script, found nothing but %s", src->in->name,
			    (unsigned long long)(src->nr_skips ? src->skips[0].first_line : 1),
			    src->nr_skips ? src->skips[0].what : "stacks");
}

static int read_batch(void *state, struct mm_trace_batch *b, struct mm_error *err)
{
	struct ftrace *f = state;

	while (!mm_trace_batch_is_full(b)) {
		struct mm_str line;
		bool head;
		int e = mm_perf_more(f->perf, b, err);

		if (e < 0)
			return e;
		if (e)
			continue;
		e = mm_input_line(f->src->in, &line, err);
		if (!e && mm_perf_settle(f->perf, b, NULL))
			return mm_error_set(err, -ENOMEM, "out of memory");
		if (!e && f->begun && !f->found)
			return nothing_found(f->src, err);
		if (e <= 0)
			return e;
		head = !f->begun && is_trace_cmd_head(line);
		if (line.len && !f->begun && (head || line.p[0] == '#'))
			on_head(b, line, f->src->in->line);
		if (!line.len || head || line.p[0] == '#')
			continue;
		f->begun = true;
		if (mm_trace_is_cut(f->src))
			return mm_trace_skip_cut(f->src, f->src->in->line, err);
		e = read_line(f, b, line, err);
		if (e)
			return e;
	}
	return 1;
}

static int sniff_by_name(struct mm_str head)
{
	(void)head;		/* mm_trace_ftrace's sniff() knows both */
	return 0;
}

const struct mm_trace_ops mm_trace_perf = {
	"perf", "text of perf script: kmem:*, exceptions:page_fault_*, page-faults with addr, PERF_RECORD_MMAP2 and others",
	sniff_by_name, open_ftrace, read_batch, close_ftrace,
};

const struct mm_trace_ops mm_trace_ftrace = {
	"ftrace", "text of /sys/kernel/tracing/trace or perf script: kmem:* and exceptions:page_fault_*",
	sniff, open_ftrace, read_batch, close_ftrace,
};
