/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Fields of the kmem and exceptions tracepoints as trace rows; ftrace.c tells the mapping.
 * Source: Linux 4.4 to 6.12 include/trace/events/kmem.h, arch/x86/include/asm/trace/exceptions.h.
 */
#include <errno.h>
#include <stdio.h>

#include <string.h>

#include "base/str.h"
#include "source/damon.h"
#include "source/ftrace.h"
#include "source/scan.h"
#include "table/numbers.h"

static const char *const migratetypes[] = { "UNMOVABLE", "MOVABLE", "RECLAIMABLE", "HIGHATOMIC", "CMA", "ISOLATE" };

enum { MAX_TRACE_ORDER = 40 };

/* Its value stands at @v. */
static inline void take_value(struct mm_ftrace_line *t, const char *v, struct mm_str *value)
{
	const char *end = t->args.p + t->args.len, *blank = memchr(v, ' ', (size_t)(end - v));

	*value = (struct mm_str){ v, (size_t)((blank ? blank : end) - v) };
	t->next = (size_t)(value->p + value->len - t->args.p);
}

/* Whether the word at @p is KEY=... */
static inline bool is_field(const char *p, const char *end, const char *key, size_t n)
{
	return (size_t)(end - p) > n && p[n] == '=' && !memcmp(p, key, n);
}

/* Its value, in the words from @p on, where one begins; NULL: it is not there. */
static __attribute__((noinline)) const char *find_field(const char *p, const char *end, const char *key, size_t n)
{
	while (p < end && !is_field(p, end, key, n)) {
		p = memchr(p, ' ', (size_t)(end - p));
		p = p ? p + 1 : end;
	}
	return p < end ? p + n + 1 : NULL;
}

/* Where the value of a field begins; NULL: it is not there.  Most often it is the next one. */
static inline __attribute__((always_inline)) const char *value_of(const struct mm_ftrace_line *t, const char *key, size_t n)
{
	const char *begin = t->args.p, *end = begin + t->args.len, *p = begin + t->next, *v;

	p += p < end && *p == ' ';
	if (is_field(p, end, key, n))
		return p + n + 1;
	v = find_field(p, end, key, n);
	return v || !t->next ? v : find_field(begin, end, key, n);
}

static inline __attribute__((always_inline)) bool field_of(struct mm_ftrace_line *t, const char *key, size_t n, struct mm_str *value)
{
	const char *v = value_of(t, key, n);

	if (v)
		take_value(t, v, value);
	return v;
}
#define field(t, key, value) field_of((t), (key), strlen(key), (value))

static bool parse_hex(struct mm_str s, uint64_t *out)
{
	static const uint8_t digit[256] = {	/* with 16, which tells it from no digit */
		['0'] = 16, ['1'] = 17, ['2'] = 18, ['3'] = 19, ['4'] = 20, ['5'] = 21, ['6'] = 22, ['7'] = 23, ['8'] = 24, ['9'] = 25,
		['a'] = 26, ['b'] = 27, ['c'] = 28, ['d'] = 29, ['e'] = 30, ['f'] = 31,
		['A'] = 26, ['B'] = 27, ['C'] = 28, ['D'] = 29, ['E'] = 30, ['F'] = 31,
	};
	unsigned int all = 16;
	uint64_t v = 0;

	if (s.len > 2 && s.p[0] == '0' && s.p[1] == 'x') {
		s.p += 2;
		s.len -= 2;
	}
	if (!s.len || s.len > 16)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		unsigned int d = digit[(unsigned char)s.p[i]];

		all &= d;
		v = v << 4 | (d & 15);
	}
	if (!all)
		return false;
	*out = v;
	return true;
}

static bool any_number(struct mm_ftrace_line *t, const char *v, uint64_t *out)
{
	struct mm_str s;

	take_value(t, v, &s);
	if (s.len > 2 && s.p[0] == '0' && s.p[1] == 'x') {
		if (s.len <= 18 && v + s.len - t->args.p >= MM_TEXT_BEFORE && mm_hex_before(v + s.len, s.len - 2, out))
			return true;
		return parse_hex(s, out);
	}
	return scan_u64(&s, out) && !s.len;
}

/* A number as %d, %lu, 0x%lx print it; @v is where it stands, or NULL. */
static inline bool number_at(struct mm_ftrace_line *t, const char *v, uint64_t *out)
{
	const char *end = t->args.p + t->args.len, *p = v;
	uint64_t n = 0;

	if (!v)
		return false;
	for (; p < end && (unsigned char)(*p - '0') < 10; p++)
		n = n * 10 + (unsigned char)(*p - '0');
	if (p == v || p - v > 19 || (p < end && *p != ' '))
		return any_number(t, v, out);
	t->next = (size_t)(p - t->args.p);
	*out = n;
	return true;
}
#define number(t, key, out) number_at((t), value_of((t), (key), strlen(key)), (out))

static bool any_pointer(struct mm_ftrace_line *t, const char *v, uint64_t *out)
{
	struct mm_str s;

	take_value(t, v, &s);
	if (!s.len || mm_str_is(s, "(null)") || mm_str_is(s, "(nil)")) {
		*out = 0;
		return true;
	}
	return parse_hex(s, out);
}

/* A pointer as %p prints it: bare hex; null is (null), (nil) or zeros; "ptr=          (null)" has its blanks inside. */
static inline bool pointer_at(struct mm_ftrace_line *t, const char *v, uint64_t *out)
{
	const char *end = t->args.p + t->args.len;

	if (!v)
		return false;
	if (end - v < 16 || (end - v > 16 && v[16] != ' ') || !mm_hex_before(v + 16, 16, out))
		return any_pointer(t, v, out);
	t->next = (size_t)(v + 16 - t->args.p);
	return true;
}
#define pointer(t, key, out) pointer_at((t), value_of((t), (key), strlen(key)), (out))

static int malformed(struct mm_trace_source *src, struct mm_ftrace_line *t, struct mm_error *err)
{
	return mm_trace_loss(src, "events with fields that cannot be read", t->line, err);
}

/* "pfn=" and an order as a size; false when they are missing or absurd. */
static inline __attribute__((always_inline)) bool page_fields(struct mm_ftrace_line *t, const char *order_key, uint64_t *pfn,
							      uint64_t *size)
{
	uint64_t order = 0;

	if (!number(t, "pfn", pfn) || (!number(t, order_key, &order) && strcmp(order_key, "order")) ||
	    order > MAX_TRACE_ORDER)
		return false;
	*size = UINT64_C(4096) << order;
	return true;
}

/* Words of a fact about the lists: WORD|MIGRATE_type[|FROM_type][|more]. */
static int put_fact(struct mm_trace_source *src, struct mm_event *ev, const char *word, uint64_t mt, int64_t from,
		    const char *more)
{
	char text[96];
	int n;

	if (mt < sizeof(migratetypes) / sizeof(migratetypes[0]))
		n = snprintf(text, sizeof(text), "%s|MIGRATE_%s", word, migratetypes[mt]);
	else
		n = snprintf(text, sizeof(text), "%s|MIGRATE_%llu", word, (unsigned long long)mt);
	if (from >= 0 && from < 6)
		n += snprintf(text + n, sizeof(text) - (size_t)n, "|FROM_%s", migratetypes[from]);
	n += snprintf(text + n, sizeof(text) - (size_t)n, "%s", more);
	ev->present |= MM_TC_BIT(FLAGS);
	return mm_trace_keep(src, (struct mm_str){ text, (size_t)n }, &ev->flags);
}

static int put_gfp(struct mm_trace_source *src, struct mm_event *ev, struct mm_ftrace_line *t)
{
	struct mm_str s;

	if (!field(t, "gfp_flags", &s) || !s.len)
		return 0;
	ev->present |= MM_TC_BIT(FLAGS);
	return mm_trace_keep(src, s, &ev->flags);
}

/* node= stands behind gfp_flags=; most often it is -1, any: 0xffffffff where options/fields has each field in hexadecimal. */
static void put_node(struct mm_event *ev, struct mm_ftrace_line *t)
{
	static const char any[] = " node=-1";
	uint64_t node;

	if (t->args.len - t->next >= sizeof(any) - 1 && !memcmp(t->args.p + t->next, any, sizeof(any) - 1))
		return;
	if (number(t, "node", &node) && node != UINT32_MAX)
		mm_event_put(ev, OFFSET, offset, node);
}

static int page_alloc(struct mm_trace_source *src, struct mm_trace_batch *b, struct mm_ftrace_line *t,
		      struct mm_error *err)
{
	uint64_t pfn, size, page = 1;
	struct mm_event *ev;

	pointer(t, "page", &page);
	if (!page_fields(t, "order", &pfn, &size))
		return malformed(src, t, err);
	ev = mm_trace_add(b, MM_EV_PAGE_ALLOC, t->line);
	mm_event_put(ev, SIZE, size, size);
	if (!page && !pfn)
		mm_event_set_word(ev, "ENOMEM", 6);
	else
		mm_event_set_result(ev, MM_RESULT_HEX, pfn);
	return put_gfp(src, ev, t);
}

static int zone_locked(struct mm_trace_source *src, struct mm_trace_batch *b, struct mm_ftrace_line *t,
		       struct mm_error *err)
{
	uint64_t pfn, size, page = 1, mt, refill = 0;
	struct mm_event *ev;

	if (!page_fields(t, "order", &pfn, &size) || !number(t, "migratetype", &mt))
		return malformed(src, t, err);
	pointer(t, "page", &page);
	if (!page && !pfn)
		return 0;	/* kernels before 4.10 also tell that there was no page */
	number(t, "percpu_refill", &refill);
	ev = mm_trace_add(b, MM_EV_PAGE_ALLOC, t->line);
	mm_event_put(ev, SIZE, size, size);
	mm_event_set_result(ev, MM_RESULT_HEX, pfn);
	return put_fact(src, ev, t->irq_over_lock ? "IRQ_OVER_LOCK|ZONE_LOCKED" : "ZONE_LOCKED", mt, -1,
			refill ? "|PERCPU_REFILL" : "");
}

static int extfrag(struct mm_trace_source *src, struct mm_trace_batch *b, struct mm_ftrace_line *t,
		   struct mm_error *err)
{
	uint64_t pfn, size, found, mt, from, owner = 0;
	struct mm_event *ev;

	if (!page_fields(t, "alloc_order", &pfn, &size) || !page_fields(t, "fallback_order", &pfn, &found) ||
	    !number(t, "alloc_migratetype", &mt) || !number(t, "fallback_migratetype", &from))
		return malformed(src, t, err);
	number(t, "change_ownership", &owner);
	ev = mm_trace_add(b, MM_EV_PAGE_ALLOC, t->line);
	mm_event_put(ev, SIZE, size, size);
	mm_event_put(ev, SIZE2, size2, found);
	mm_event_set_result(ev, MM_RESULT_HEX, pfn);
	return put_fact(src, ev, "EXTFRAG", mt, from > 5 ? -1 : (int64_t)from, owner ? "|CHANGE_OWNERSHIP" : "");
}

static int page_free(struct mm_trace_source *src, struct mm_trace_batch *b, struct mm_ftrace_line *t,
		     struct mm_error *err)
{
	uint64_t pfn, size;
	struct mm_event *ev;

	if (!page_fields(t, "order", &pfn, &size))
		return malformed(src, t, err);
	ev = mm_trace_add(b, MM_EV_PAGE_FREE, t->line);
	mm_event_put(ev, SIZE, size, size);
	mm_event_set_result(ev, MM_RESULT_HEX, pfn);
	if (t->irq_over_lock)
		mm_event_put(ev, FLAGS, flags, MM_STR("IRQ_OVER_LOCK"));
	return 0;
}

static int free_batched(struct mm_trace_source *src, struct mm_trace_batch *b, struct mm_ftrace_line *t,
			struct mm_error *err)
{
	size_t nr = b->nr;
	int e = page_free(src, b, t, err);

	if (!e && b->nr > nr)
		mm_event_put(&b->ev[nr], FLAGS, flags,
			     t->irq_over_lock ? MM_STR("BATCHED|IRQ_OVER_LOCK") : MM_STR("BATCHED"));
	return e;
}

static int pcpu_drain(struct mm_trace_source *src, struct mm_trace_batch *b, struct mm_ftrace_line *t,
		      struct mm_error *err)
{
	size_t nr = b->nr;
	uint64_t mt;
	int e;

	if (!number(t, "migratetype", &mt))
		return malformed(src, t, err);
	e = page_free(src, b, t, err);
	return e || b->nr == nr ? e : put_fact(src, &b->ev[nr], "PCPU_DRAIN", mt, -1, t->irq_over_lock ? "|IRQ_OVER_LOCK" : "");
}

static int object_alloc(struct mm_trace_source *src, struct mm_trace_batch *b, struct mm_ftrace_line *t,
			enum mm_event_type type, struct mm_error *err)
{
	uint64_t ptr, req, got;
	struct mm_event *ev;

	if (!pointer(t, "ptr", &ptr) || !number(t, "bytes_req", &req) || !number(t, "bytes_alloc", &got))
		return malformed(src, t, err);
	ev = mm_trace_add(b, type, t->line);
	mm_event_put(ev, ADDR, addr, ptr);
	mm_event_put(ev, SIZE, size, req);
	mm_event_put(ev, SIZE2, size2, got);
	if (put_gfp(src, ev, t))
		return -ENOMEM;
	put_node(ev, t);
	return 0;
}

static int kmalloc(struct mm_trace_source *src, struct mm_trace_batch *b, struct mm_ftrace_line *t,
		   struct mm_error *err)
{
	return object_alloc(src, b, t, MM_EV_KMALLOC, err);
}

static int cache_alloc(struct mm_trace_source *src, struct mm_trace_batch *b, struct mm_ftrace_line *t,
		       struct mm_error *err)
{
	return object_alloc(src, b, t, MM_EV_CACHE_ALLOC, err);
}

static int object_free(struct mm_trace_source *src, struct mm_trace_batch *b, struct mm_ftrace_line *t,
		       struct mm_error *err)
{
	struct mm_event *ev;
	struct mm_str name;
	uint64_t ptr;

	if (!pointer(t, "ptr", &ptr))
		return malformed(src, t, err);
	ev = mm_trace_add(b, t->event.len == 5 ? MM_EV_KFREE : MM_EV_CACHE_FREE, t->line);
	mm_event_put(ev, ADDR, addr, ptr);
	if (t->event.len == 5 || !field(t, "name", &name) || !name.len)
		return 0;
	/* a name may hold blanks; it is the last field */
	name.len = (size_t)(t->args.p + t->args.len - name.p);
	ev->present |= MM_TC_BIT(NAME);
	return mm_trace_keep(src, name, &ev->name);
}

enum { FAULT_PROT = 1, FAULT_WRITE = 2, FAULT_USER = 4, FAULT_INSTR = 16, FAULT_PK = 32 };

/* "FAULT|PROT|WRITE|USER|INSTR|PK": the access was a page fault, and its error code */
static int put_fault(struct mm_trace_source *src, struct mm_event *ev, uint64_t code)
{
	char text[40];
	int n = snprintf(text, sizeof(text), "FAULT%s%s%s%s%s", code & FAULT_PROT ? "|PROT" : "",
			 code & FAULT_WRITE ? "|WRITE" : "", code & FAULT_USER ? "|USER" : "", code & FAULT_INSTR ? "|INSTR" : "",
			 code & FAULT_PK ? "|PK" : "");

	ev->present |= MM_TC_BIT(FLAGS);
	return mm_trace_keep(src, (struct mm_str){ text, (size_t)n }, &ev->flags);
}

/* Also a fault that the kernel took on a user address: it touched it for the task. */
static int page_fault(struct mm_trace_source *src, struct mm_trace_batch *b, struct mm_ftrace_line *t,
		      struct mm_error *err)
{
	uint64_t addr, code = 0;
	struct mm_event *ev;

	if (!pointer(t, "address", &addr) || (!number(t, "error_code", &code) && !pointer(t, "error_code", &code)))
		return malformed(src, t, err);
	if (addr >> 56)
		return mm_trace_note(src, "page faults on kernel addresses", t->line);
	ev = mm_trace_add(b, code & FAULT_INSTR ? MM_EV_FETCH : code & FAULT_WRITE ? MM_EV_STORE : MM_EV_LOAD, t->line);
	mm_event_put(ev, ADDR, addr, addr);
	mm_event_put(ev, SIZE, size, 1);
	return put_fault(src, ev, code) ? mm_error_set(err, -ENOMEM, "out of memory") : 0;
}

/*
 * Is an instruction pointer in "SYMBOL (FILE) IP SYMBOL (FILE)", or in "SYMBOL IP SYMBOL", where it fills 16 places behind a blank?
 * Names may have blanks and parentheses in them.
 */
static bool has_ip_behind(struct mm_str s)
{
	struct mm_str word, rest = s;
	uint64_t ip;

	while (scan_next_word(&rest, &word)) {
		size_t blanks = 0;

		while (word.p - blanks > s.p && word.p[-(ptrdiff_t)blanks - 1] == ' ')
			blanks++;
		if (blanks && blanks + word.len == 17 && parse_hex(word, &ip))
			return true;
	}
	while (mm_str_after(s, ") ", &rest)) {
		s = rest;
		if (scan_next_word(&rest, &word) && word.len >= 4 && parse_hex(word, &ip))
			return true;
	}
	return false;
}

/*
 * perf's software event: "ADDR", "ADDR IP SYMBOL (FILE)", "ADDR SYMBOL (FILE) IP SYMBOL (FILE)", or, where addresses were not
 * recorded or are not shown, "IP SYMBOL (FILE)"; each also without files.
 */
static int soft_fault(struct mm_trace_source *src, struct mm_trace_batch *b, struct mm_ftrace_line *t,
		      struct mm_error *err)
{
	static const char untold[] = "page faults without an address (perf record -d and perf script -F +addr tell it)";
	struct mm_str s = t->args, word;
	struct mm_event *ev;
	uint64_t addr, ip;

	src->tool = "perf";		/* ftrace has no such events */
	if (!scan_next_word(&s, &word))	/* stacks follow */
		return mm_trace_loss(src, untold, t->line, err);
	if (!parse_hex(word, &addr))
		return malformed(src, t, err);
	if (scan_next_word(&s, &word) && !parse_hex(word, &ip) && !has_ip_behind(s))
		return mm_trace_loss(src, untold, t->line, err);
	if (addr >> 56)
		return mm_trace_note(src, "page faults on kernel addresses", t->line);
	ev = mm_trace_add(b, MM_EV_LOAD, t->line);
	mm_event_put(ev, ADDR, addr, addr);
	mm_event_put(ev, SIZE, size, 1);
	mm_event_put(ev, FLAGS, flags, MM_STR("FAULT"));
	return 0;
}

/* "target_id=0 nr_regions=10 139731079774208-139731081134080: 5 100": the age since 5.17 */
static int damon_aggregated(struct mm_trace_source *src, struct mm_trace_batch *b, struct mm_ftrace_line *t,
			    struct mm_error *err)
{
	struct mm_damon_region r = { .time_ns = t->time_ns, .timed = true };
	struct mm_str s = t->args;
	uint64_t nr;

	if (!number(t, "target_id", &r.target) || !number(t, "nr_regions", &nr))
		return malformed(src, t, err);
	while (s.len && *s.p != '-')
		s = (struct mm_str){ s.p + 1, s.len - 1 };
	while (s.p > t->args.p && s.p[-1] >= '0' && s.p[-1] <= '9')
		s = (struct mm_str){ s.p - 1, s.len + 1 };
	if (!scan_u64(&s, &r.start) || !s.len || *s.p != '-')
		return malformed(src, t, err);
	s = (struct mm_str){ s.p + 1, s.len - 1 };
	if (!scan_u64(&s, &r.end) || !s.len || *s.p != ':')
		return malformed(src, t, err);
	s = (struct mm_str){ s.p + 1, s.len - 1 };
	if (!scan_u64(&s, &r.nr_accesses))
		return malformed(src, t, err);
	return mm_damon_rows(src, b, &r, t->line, err);
}

static const struct event {
	struct mm_str name;
	int (*rows)(struct mm_trace_source *src, struct mm_trace_batch *b, struct mm_ftrace_line *t,
		    struct mm_error *err);
} events[] = {
#define E(name, rows) { { name, sizeof(name) - 1 }, rows }
	E("kmalloc", kmalloc), E("kfree", object_free), E("kmem_cache_alloc", cache_alloc), E("kmem_cache_free", object_free),
	E("mm_page_alloc", page_alloc), E("mm_page_free", page_free), E("mm_page_free_batched", free_batched),
	E("mm_page_alloc_zone_locked", zone_locked), E("mm_page_pcpu_drain", pcpu_drain),
	E("mm_page_alloc_extfrag", extfrag), E("kmalloc_node", kmalloc), E("kmem_cache_alloc_node", cache_alloc),
	E("page_fault_user", page_fault), E("page_fault_kernel", page_fault), E("page-faults", soft_fault),
	E("minor-faults", soft_fault), E("major-faults", soft_fault), E("faults", soft_fault),
	E("damon_aggregated", damon_aggregated),
#undef E
};

static const struct event *find_event(struct mm_str name)
{
	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++)
		if (name.len == events[i].name.len && !memcmp(name.p, events[i].name.p, name.len))
			return &events[i];
	return NULL;
}

bool mm_ftrace_knows(struct mm_str event) { return find_event(event) != NULL; }

int mm_ftrace_event(struct mm_trace_source *src, struct mm_trace_batch *b, struct mm_ftrace_line *t,
		    struct mm_error *err)
{
	const struct event *e = find_event(t->event);
	int code = e ? e->rows(src, b, t, err)
		     : mm_trace_note(src, "events other than kmem:* and exceptions:page_fault_*", t->line);

	return code == -ENOMEM ? mm_error_set(err, code, "out of memory") : code;
}
