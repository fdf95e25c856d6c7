/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Recordings of the kernel's tracepoints as text: /sys/kernel/tracing/trace and `perf script`.
 *
 *	<task>-<pid> [(tgid)] [<cpu>] <irq flags> <seconds>: <event>: <field>=<value> ...
 *	<task> <pid>[/<tid>] [[<cpu>]] <seconds>: [<period>] <group>:<event>: <field>=<value> ...
 *
 * Both are cut the same way: the first word of digits with a colon is the time,
 * a [number] before it the CPU, the number before that the task, the next word
 * with a colon the event.  Comments, stacks and lines that are no events are
 * passed over.  Time that goes back is raised to that of the event before.
 *
 * What becomes of an event (ftrace_events.c):
 *
 *	mm_page_alloc			page_alloc	result = PFN (ENOMEM: it failed), size, flags = GFP words
 *	mm_page_free			page_free	result = PFN, size; flags = IRQ_OVER_LOCK in an interrupt over a lock
 *	kmalloc, kmalloc_node		kmalloc		addr = object, size = bytes_req, size2 = bytes_alloc, flags
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
 * Fields of 4.4 to 6.12 are known: pfn decimal or 0x, with and without node=,
 * accounted=, name=, percpu_refill=.  Other events are counted.
 */
#include <errno.h>
#include <stdlib.h>

#include "source/ftrace.h"
#include "source/scan.h"

struct ftrace {
	struct mm_trace_source *src;
	uint64_t last_ns;
};

/* The next word of @rest, blanks before it skipped; false at the end. */
static bool next_word(struct mm_str *rest, struct mm_str *word)
{
	scan_blanks(rest);
	word->p = rest->p;
	word->len = 0;
	while (word->len < rest->len && rest->p[word->len] != ' ' && rest->p[word->len] != '\t')
		word->len++;
	rest->p += word->len;
	rest->len -= word->len;
	return word->len != 0;
}

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

/* "3.914412:" */
static bool parse_time(struct mm_str w, uint64_t *ns)
{
	uint64_t sec, frac = 0, unit = 1000000000;
	struct mm_str s = w;

	if (w.len < 2 || w.p[w.len - 1] != ':' || w.p[0] < '0' || w.p[0] > '9')
		return false;
	s.len--;
	if (!scan_u64(&s, &sec) || sec > UINT64_MAX / 1000000000 - 1)
		return false;
	if (s.len && *s.p == '.')
		for (s.p++, s.len--; s.len && *s.p >= '0' && *s.p <= '9'; s.p++, s.len--) {
			unit /= 10;
			frac += (uint64_t)(*s.p - '0') * unit;
		}
	*ns = sec * 1000000000 + frac;
	return s.len == 0;
}

/* The number that ends the text before the CPU: "init-1", "init-1 (    1)", "init 1", "init 1/2". */
static bool parse_pid(const char *from, const char *to, uint32_t *pid)
{
	uint64_t v = 0, ten = 1;

	while (to > from && (to[-1] == ' ' || to[-1] == '\t'))
		to--;
	if (to > from && to[-1] == ')') {
		while (to > from && *to != '(')
			to--;
		while (to > from && to[-1] == ' ')
			to--;
	}
	if (to == from || to[-1] < '0' || to[-1] > '9')
		return false;
	for (; to > from && to[-1] >= '0' && to[-1] <= '9' && ten <= 1000000000; to--, ten *= 10)
		v += (uint64_t)(to[-1] - '0') * ten;
	*pid = v > UINT32_MAX ? UINT32_MAX : (uint32_t)v;
	return to == from || to[-1] == '-' || to[-1] == ' ' || to[-1] == '\t' || to[-1] == '/';
}

/*
 * The word after the CPU, "d.s2.": interrupts off, need-resched, the kind of interrupt, the depth of preempt_disable().
 * Two deep is what the lock of a per-CPU list alone makes (it pins the task, then spins).
 */
static bool is_irq_over_lock(struct mm_str w)
{
	return w.len >= 4 && w.len <= 8 && memchr("shHzZ", w.p[2], 5) && w.p[3] >= '2' && w.p[3] <= 'f';
}

/* The word after the time, without its group and colon; a period before it is passed over. */
static bool parse_event(struct mm_str *rest, struct mm_str *event)
{
	struct mm_str w;
	const char *colon;

	if (!next_word(rest, &w) || (is_digits(w) && !next_word(rest, &w)))
		return false;
	if (w.len < 2 || w.p[w.len - 1] != ':')
		return false;
	w.len--;
	colon = memrchr(w.p, ':', w.len);
	if (colon) {
		w.len -= (size_t)(colon + 1 - w.p);
		w.p = colon + 1;
	}
	*event = w;
	return w.len != 0;
}

bool mm_ftrace_line_cut(struct mm_str line, struct mm_ftrace_line *t)
{
	struct mm_str rest = line, word;
	const char *head_end = NULL;
	bool state = false;		/* the word before was the CPU */

	*t = (struct mm_ftrace_line){ 0 };
	while (next_word(&rest, &word)) {
		if (parse_cpu(word, &t->cpu)) {
			head_end = word.p;
			state = true;
			continue;
		}
		if (state)
			t->irq_over_lock = is_irq_over_lock(word);
		state = false;
		if (word.p == line.p || !parse_time(word, &t->time_ns))
			continue;
		t->args = rest;
		if (parse_event(&t->args, &t->event) &&
		    parse_pid(line.p, head_end ? head_end : word.p, &t->pid))
			return true;
	}
	return false;
}

static int sniff(struct mm_str head)
{
	struct mm_str line;
	struct mm_ftrace_line t;
	int events = 0;

	if (head.len > 10 && !memcmp(head.p, "# tracer: ", 10))
		return 90;
	for (int i = 0; i < 64 && scan_line(&head, &line); i++) {
		if (!line.len || line.p[0] == '#' || !mm_ftrace_line_cut(line, &t))
			continue;
		if (mm_ftrace_knows(t.event))
			return 85;
		events++;
	}
	return events > 2 ? 40 : 0;
}

static int open_ftrace(void **state, struct mm_trace_source *src, struct mm_error *err)
{
	struct ftrace *f = calloc(1, sizeof(*f));

	if (!f)
		return mm_error_set(err, -ENOMEM, "out of memory");
	f->src = src;
	src->columns = MM_TC_BIT(TIME_S) | MM_TC_BIT(CPU) | MM_TC_BIT(PID) | MM_TC_BIT(EVENT) | MM_TC_BIT(ADDR) |
		       MM_TC_BIT(SIZE) | MM_TC_BIT(FLAGS) | MM_TC_BIT(NAME) | MM_TC_BIT(SIZE2) | MM_TC_BIT(RESULT);
	*state = f;
	return 0;
}

/* A line of an event's call stack: "  ffffffff81234567 do_it+0x12 ([kernel])", " => do_it". */
static bool is_stack(struct mm_str line)
{
	struct mm_str word, rest = line;

	if ((line.p[0] != ' ' && line.p[0] != '\t') || !next_word(&rest, &word))
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
	struct mm_ftrace_line t;
	size_t before = b->nr;
	int e;

	t.line = f->src->in->line;
	if (!mm_ftrace_line_cut(line, &t)) {
		if (memmem(line.p, line.len, "LOST", 4) && memmem(line.p, line.len, "EVENTS", 6))
			return mm_trace_skip(f->src, "gaps where the recording lost events", f->src->in->line, false,
					     err);
		if (is_stack(line))
			return 0;
		return mm_trace_skip(f->src, "lines that are no events", f->src->in->line, true, err);
	}
	t.line = f->src->in->line;
	if (t.time_ns < f->last_ns) {
		e = mm_trace_skip(f->src, "events whose time is before the last one's", t.line, true, err);
		if (e)
			return e;
		t.time_ns = f->last_ns;
	}
	f->last_ns = t.time_ns;
	e = mm_ftrace_event(f->src, b, &t, err);
	for (size_t i = before; i < b->nr; i++) {
		mm_event_put(&b->ev[i], TIME_S, time_ns, t.time_ns);
		if (b->ev[i].present & MM_TC_BIT(PID))
			continue;		/* DAMON's rows: kdamond, which ran, is not whom they are about */
		mm_event_put(&b->ev[i], CPU, cpu, t.cpu);
		mm_event_put(&b->ev[i], PID, pid, t.pid);
	}
	return e;
}

static int read_batch(void *state, struct mm_trace_batch *b, struct mm_error *err)
{
	struct ftrace *f = state;

	while (!mm_trace_batch_is_full(b)) {
		struct mm_str line;
		int e = mm_input_line(f->src->in, &line, err);

		if (e <= 0)
			return e;
		if (!line.len || line.p[0] == '#')
			continue;
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
	"perf", "text of perf script: kmem:*, exceptions:page_fault_*, page-faults with addr",
	sniff_by_name, open_ftrace, read_batch, free,
};

const struct mm_trace_ops mm_trace_ftrace = {
	"ftrace", "text of /sys/kernel/tracing/trace or perf script: kmem:* and exceptions:page_fault_*",
	sniff, open_ftrace, read_batch, free,
};
