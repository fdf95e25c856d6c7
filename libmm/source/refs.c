/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * source/refs.c - references to blocks and keys, as cache and storage research keeps them
 *
 *	# time, object, size, next_access_vtime			libCacheSim's CSV: columns by name, "#" may lead
 *	timestamp,lbn,len,cmd					CloudPhysics and others: blocks of 512 bytes (lbn, lba, sector)
 *	128166372003061629,usr,0,Read,7014609920,24576,41286	MSR Cambridge: no names, known by how a row looks
 *	12345							libCacheSim's txt: a key a line
 *
 * Which field is what, ref_forms.c tells.  A key is a page: one load (or store) of a byte at key * 4096, so keys keep
 * apart whatever their size.  Words, and numbers whose page lies in the upper half of
 * what a process may address, get pages of that half in order of first
 * appearance; for a caller who wants pages only (hashed_keys) words and numbers of
 * 2^52 and more are hashed into 52 bits and nothing is kept of them.  Blocks and
 * offsets are bytes of a disk: a request touches the pages from its offset to its
 * end.  A disk is a task: 1001 + its number, from 1257 on in order of first appearance what has a name or a number
 * above 255.  Keys are task 1000's.  Tectonic's chunks have 32 MiB each of one disk, in order of first appearance.  Times are
 * kept when they only grow.
 *
 * Sources: libCacheSim doc/quickstart_cachesim.md; see ref_forms.c.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include <libmm/csv.h>

#include "base/str.h"
#include "source/ref_forms.h"
#include "source/ref_keys.h"
#include "source/scan.h"
#include "source/trace_source.h"
#include "table/csv_window.h"
#include "table/numbers.h"

enum {
	KEY_TASK = 1000, FIRST_DISK = 1001, PLAIN_DISKS = 256, MAX_DISKS = 8192,
	CHUNK_SHIFT = 25, MAX_CHUNKS = 1 << 22,		/* of 2^47 bytes in all */
	MAX_COUNT = 1000000,		/* references of one row */
};

#define FIRST_NUMBERED	(UINT64_C(1) << 34)	/* page: 64 TiB, half of user space */
#define DISK_BYTES	(UINT64_C(1) << 47)	/* a process addresses no more */
#define MAX_REQUEST	(UINT64_C(1) << 30)	/* bytes of one request; no device takes so large a one */

struct refs {
	struct mm_trace_source *src;
	struct mm_csv *csv;
	struct mm_ref_layout l;
	size_t fewest;			/* fields of a row that is whole */
	struct mm_ref_keys keys, disks, chunks;	/* what is no plain number */
	struct mm_event again;		/* is given out @repeat times more, for @again_line */
	uint64_t repeat, again_line;
	bool begun;
	bool seen[PLAIN_DISKS + MAX_DISKS];	/* tasks that have had their first row, by pid - KEY_TASK */
	uint64_t first_time, last_ns;
};

/* Most fields are a few digits and nothing else, keys often eight and more. */
static inline bool plain_number(struct mm_str s, uint64_t *out)
{
	uint64_t v = 0;
	size_t i = 0;

	if (!s.len || s.len > 18)
		return false;
	if (s.len >= 8) {
		if (!mm_decimal8(s.p, &v))
			return false;
		i = 8;
	}
	for (; i < s.len; i++) {
		unsigned int d = (unsigned char)s.p[i] - '0';

		if (d > 9)
			return false;
		v = v * 10 + d;
	}
	*out = v;
	return true;
}

static int sniff(struct mm_str head)
{
	struct mm_ref_layout l;
	const char *why;

	return mm_ref_layout(head, &l, &why);
}

static void close_refs(void *state)
{
	struct refs *r = state;

	mm_csv_free(r->csv);
	mm_ref_keys_free(&r->keys);
	mm_ref_keys_free(&r->disks);
	mm_ref_keys_free(&r->chunks);
	free(r);
}

/* What the columns are must be known before a row is read. */
static int learn_columns(struct refs *r, struct mm_error *err)
{
	struct mm_str head, line = { 0 };
	const struct mm_str *fields;
	const char *why;
	size_t n;
	int e = mm_input_peek(r->src->in, &head, err);

	if (e)
		return e;
	mm_ref_layout(head, &r->l, &why);
	while (!line.len && scan_line(&head, &line))
		;
	if (why)
		return mm_error_set(err, -EINVAL, "%s:1: expected %s, found \"%.*s\"", r->src->in->name, why,
				    (int)(line.len < 80 ? line.len : 80), line.p);
	for (int f = 0; f < NR_REF_FIELDS && r->l.kind != REF_NAMED && r->l.kind != REF_TECTONIC; f++)
		if (r->l.column[f] >= (int)r->fewest)
			r->fewest = (size_t)r->l.column[f] + (f == REF_DISK ? r->l.disk_fields : 1);
	if (r->l.separator != ',')
		return 0;
	e = mm_csv_new(&r->csv, r->src->in, err);
	if (!e && r->l.heading)
		e = mm_csv_row(r->csv, &fields, &n, err);
	return e < 0 ? e : 0;
}

static int open_refs(void **state, struct mm_trace_source *src, struct mm_error *err)
{
	struct refs *r = calloc(1, sizeof(*r));
	int e;

	if (!r)
		return mm_error_set(err, -ENOMEM, "%s: out of memory", src->in->name);
	r->src = src;
	e = learn_columns(r, err);
	if (e) {
		close_refs(r);
		return e;
	}
	src->columns = MM_TC_BIT(PID) | MM_TC_BIT(EVENT) | MM_TC_BIT(ADDR) | MM_TC_BIT(SIZE) | MM_TC_BIT(FLAGS) | MM_TC_BIT(NAME) |
		       (r->l.column[REF_TIME] >= 0 ? MM_TC_BIT(TIME_S) : 0);
	*state = r;
	return 0;
}

static bool number(const struct refs *r, const struct mm_str *v, size_t n, enum mm_ref_field f, uint64_t *out)
{
	return r->l.column[f] >= 0 && (size_t)r->l.column[f] < n &&
	       (plain_number(v[r->l.column[f]], out) || !mm_parse_u64(mm_ref_strip(v[r->l.column[f]]), out));
}

static bool has_text(const struct refs *r, const struct mm_str *v, size_t n, enum mm_ref_field f)
{
	return r->l.column[f] >= 0 && (size_t)r->l.column[f] < n && mm_ref_strip(v[r->l.column[f]]).len;
}

static enum mm_ref_op op_of(const struct refs *r, const struct mm_str *v, size_t n)
{
	int c = r->l.column[REF_OP];

	if (c < 0)
		return REF_READ;
	return (size_t)c < n ? mm_ref_op(&r->l, v[c]) : r->l.kind == REF_NAMED ? REF_READ : REF_UNKNOWN;
}

/* The page of a key: a number, or what stands for one that is none or too large.  1; 0: there is no key; -errno. */
static int page_of_key(struct refs *r, struct mm_str field, uint64_t *page)
{
	uint64_t most = r->src->hashed_keys ? UINT64_C(1) << 52 : FIRST_NUMBERED, key;
	bool numeric = plain_number(field, page), hex;
	uint32_t number;
	struct mm_str s;
	int e;

	if (numeric && *page < most)
		return 1;
	s = mm_ref_strip(field);
	if (!s.len)
		return 0;
	hex = s.len > 2 && s.p[0] == '0' && (s.p[1] | 0x20) == 'x';
	/* of a short text without 0x, plain_number() has said whether it is a number */
	if (!numeric && (s.len != field.len || s.len > 18 || hex))
		numeric = !mm_parse_u64(s, page);
	if (numeric && *page < most)
		return 1;
	if (r->src->hashed_keys) {
		*page = mm_str_fnv1a(s) >> 12;
		return 1;
	}
	key = numeric ? *page * UINT64_C(0x9e3779b97f4a7c15) : mm_str_fnv1a(s);
	e = mm_ref_keys_number(&r->keys, key, &number);
	*page = FIRST_NUMBERED + number;
	return e ? e : 1;
}

/* Where the chunk begins that a row names.  1; 0: it names none; -ENOSPC: one too many; -errno. */
static int chunk_of(struct refs *r, const struct mm_str *v, size_t n, uint64_t *addr)
{
	uint64_t key;
	uint32_t number;
	int e;

	if (!has_text(r, v, n, REF_CHUNK))
		return 0;
	key = mm_str_fnv1a(mm_ref_strip(v[r->l.column[REF_CHUNK]]));
	if (has_text(r, v, n, REF_SHARD))
		key = key * UINT64_C(0x9e3779b97f4a7c15) ^ mm_str_fnv1a(mm_ref_strip(v[r->l.column[REF_SHARD]]));
	e = mm_ref_keys_number(&r->chunks, key, &number);
	*addr = (uint64_t)number << CHUNK_SHIFT;
	return e ? e : number < MAX_CHUNKS ? 1 : -ENOSPC;
}

/* The bytes a row is about.  1; 0: it names none; -ENOSPC: they have no room; -errno. */
static int bytes_of(struct refs *r, const struct mm_str *v, size_t n, uint64_t *addr, uint64_t *size)
{
	uint64_t at = 0, end = DISK_BYTES;

	*size = 0;
	if (r->l.column[REF_KEY] >= 0) {
		int e = (size_t)r->l.column[REF_KEY] < n ? page_of_key(r, v[r->l.column[REF_KEY]], &at) : 0;

		*addr = at << MM_PAGE_SHIFT;
		*size = 1;
		return e;
	}
	if (!number(r, v, n, REF_SIZE, size) && (has_text(r, v, n, REF_SIZE) || r->l.kind != REF_NAMED))
		return 0;
	if (*size > MAX_REQUEST / r->l.size_bytes)
		return 0;
	*size *= r->l.size_bytes;
	if (!number(r, v, n, REF_OFFSET, addr)) {
		if (!number(r, v, n, REF_BLOCK, &at) || at >= DISK_BYTES / r->l.block_bytes)
			return 0;
		*addr = at * r->l.block_bytes;
	}
	if (r->l.kind == REF_TECTONIC) {
		int e = chunk_of(r, v, n, &at);

		if (e <= 0)
			return e;
		end = UINT64_C(1) << CHUNK_SHIFT;
	}
	if (*addr >= end || *addr + *size > end)
		return 0;
	*addr += r->l.kind == REF_TECTONIC ? at : 0;
	return 1;
}

/* Nanoseconds of seconds, or since the first row. */
static int put_time(struct refs *r, const struct mm_str *v, size_t n, struct mm_event *ev, uint64_t line)
{
	uint64_t t, ns, tick = r->l.tick_ns;

	if (r->l.column[REF_TIME] < 0 || (size_t)r->l.column[REF_TIME] >= n)
		return 0;
	if (tick) {
		if (!number(r, v, n, REF_TIME, &t))
			return 0;
		if (!r->begun)
			r->first_time = t;
		ns = t > r->first_time && t - r->first_time < UINT64_MAX / 2 / tick ? (t - r->first_time) * tick : 0;
	} else if (plain_number(v[r->l.column[REF_TIME]], &t) && t < UINT64_MAX / 4000000000) {
		ns = t * 1000000000;
	} else if (mm_parse_seconds(mm_ref_strip(v[r->l.column[REF_TIME]]), &ns)) {
		return has_text(r, v, n, REF_TIME) ?
			mm_trace_note(r->src, "times that are too large for seconds, or none; their references are kept", line) : 0;
	}
	r->begun = true;
	r->last_ns = ns > r->last_ns ? ns : r->last_ns;		/* issued together, logged in another order */
	mm_event_put(ev, TIME_S, time_ns, r->last_ns);
	return 0;
}

static void begin_task(struct refs *r, struct mm_trace_batch *b, uint32_t pid, uint64_t line)
{
	struct mm_event *ev;

	if (r->seen[pid - KEY_TASK])
		return;
	r->seen[pid - KEY_TASK] = true;
	ev = mm_trace_add(b, MM_EV_EXEC, line);
	mm_event_put(ev, PID, pid, pid);
	mm_event_put(ev, FLAGS, flags, MM_STR("AUTOMAP|FILLED"));
	mm_event_put(ev, NAME, name, MM_STR("references"));
}

/* The task of the disk that a row is about.  1; 0: one disk too many; -errno. */
static int task_of_disk(struct refs *r, const struct mm_str *v, size_t n, uint32_t *pid)
{
	uint64_t disk = 0, key;
	struct mm_str s;
	uint32_t i;
	int e;

	*pid = FIRST_DISK;
	if (r->l.column[REF_DISK] < 0 || (size_t)r->l.column[REF_DISK] >= n)
		return 1;
	s = mm_ref_strip(v[r->l.column[REF_DISK]]);
	i = (uint32_t)r->l.column[REF_DISK] + r->l.disk_fields - 1;
	if (r->l.disk_fields > 1 && i < n)
		s.len = (size_t)(v[i].p + v[i].len - s.p);
	key = mm_str_fnv1a(s);
	if (!s.len || !mm_parse_u64(s, &disk)) {
		*pid += (uint32_t)(disk < PLAIN_DISKS ? disk : 0);
		if (disk < PLAIN_DISKS)
			return 1;
		key = disk * UINT64_C(0x9e3779b97f4a7c15);
	}
	e = mm_ref_keys_number(&r->disks, key, &i);
	*pid += PLAIN_DISKS + i;
	return e ? e : *pid - KEY_TASK < sizeof(r->seen) / sizeof(r->seen[0]);
}

static int no_memory(const struct refs *r, int e, uint64_t line, struct mm_error *err)
{
	return mm_error_set(err, e, "%s:%" PRIu64 ": %s", r->src->in->name, line,
			    e == -EFBIG ? "more than 2^32 - 1 keys" : "out of memory for the keys");
}

static const char cut[] = "references that are cut or not understood";

/*
 * Whether a line of blkparse tells of a request, and of what counts of it: requests show up several times, and flushes have no bytes.
 * 1; 0: it does not, which was told if it has to be; -errno.
 */
static int is_request(struct refs *r, const struct mm_str *v, size_t n, uint64_t line, struct mm_error *err)
{
	if ((unsigned char)(*v[0].p - '0') > 9 || !memchr(v[0].p, ',', v[0].len))
		return mm_trace_note(r->src, "lines that are no events of blkparse", line);
	if (n <= (size_t)r->l.column[REF_OP])
		return mm_trace_loss(r->src, cut, line, err);
	if (v[r->l.column[REF_ACTION]].len != 1 || *v[r->l.column[REF_ACTION]].p != r->l.action)
		return 0;
	if (*v[r->l.column[REF_OP]].p != 'F' || (n > (size_t)r->l.column[REF_SIZE] && !mm_str_is(v[r->l.column[REF_SIZE]], "0")))
		return 1;
	return mm_trace_note(r->src, "requests that neither read nor write", line);
}

/* How often the row counts; false: it does not say. */
static bool count_of(const struct refs *r, const struct mm_str *v, size_t n, uint64_t *count)
{
	*count = 1;
	return r->l.column[REF_COUNT] < 0 || (number(r, v, n, REF_COUNT, count) && *count && *count <= MAX_COUNT);
}

/* What a row is that tells an operation or a count.  1; 0: nothing to read or write, which was told if it has to be; -errno. */
static int op_and_count(struct refs *r, const struct mm_str *v, size_t n, uint64_t line, enum mm_ref_op *op, uint64_t *count,
			struct mm_error *err)
{
	int e = r->l.kind == REF_BLKPARSE ? is_request(r, v, n, line, err) : 1;

	if (e <= 0)
		return e;
	*op = op_of(r, v, n);
	if (*op == REF_NO_REQUEST)
		return 0;
	if (*op == REF_NEITHER)
		return mm_trace_note(r->src, "requests that neither read nor write", line);
	return n >= r->fewest && count_of(r, v, n, count) ? 1 : mm_trace_loss(r->src, cut, line, err);
}

static int one_row(struct refs *r, struct mm_trace_batch *b, const struct mm_str *v, size_t n, uint64_t line, struct mm_error *err)
{
	enum mm_ref_op op = REF_READ;
	uint64_t addr, size, count = 1;
	uint32_t pid = KEY_TASK;
	struct mm_event *ev;
	int e = 1;

	if (r->l.column[REF_OP] >= 0 || r->l.column[REF_COUNT] >= 0)
		e = op_and_count(r, v, n, line, &op, &count, err);
	if (e <= 0)
		return e;
	e = bytes_of(r, v, n, &addr, &size);
	if (!e)
		return mm_trace_loss(r->src, cut, line, err);
	if (op == REF_UNKNOWN && r->l.kind != REF_NAMED)
		return mm_trace_loss(r->src, "requests of which it is not known whether they read or write", line, err);
	if (e == -ENOSPC)
		return mm_trace_loss(r->src, "references to blocks beyond the 4194304th", line, err);
	if (e > 0 && r->l.column[REF_KEY] < 0)
		e = task_of_disk(r, v, n, &pid);
	if (!e)
		return mm_trace_loss(r->src, "references to disks beyond the 8447th", line, err);
	if (e < 0)
		return no_memory(r, e, line, err);
	if (op == REF_UNKNOWN)
		mm_trace_note(r->src, "operations that are not known, taken for reads", line);
	begin_task(r, b, pid, line);
	ev = mm_trace_add(b, op == REF_WRITE ? MM_EV_STORE : MM_EV_LOAD, line);
	mm_event_put(ev, PID, pid, pid);
	mm_event_put(ev, ADDR, addr, addr);
	mm_event_put(ev, SIZE, size, size ? size : 1);
	e = put_time(r, v, n, ev, line);
	if (count > 1) {
		r->again = *ev;
		r->repeat = count - 1;
		r->again_line = line;
	}
	return e;
}

/* The rest of what one row stands for, as far as there is room; whether there is room for another. */
static inline bool repeat(struct refs *r, struct mm_trace_batch *b)
{
	for (; r->repeat && !mm_trace_batch_is_full(b); r->repeat--)
		*mm_trace_add(b, MM_EV_LOAD, r->again_line) = r->again;
	return !mm_trace_batch_is_full(b);
}

/* What the scan has found of the file; a row that is whole there is cut from it, others are mm_csv_row()'s. */
struct window {
	struct mm_csv_window w;
	struct mm_str v[REF_MOST_FIELDS];	/* the row at hand */
	size_t rows;			/* that were cut */
};

static void begin_window(const struct refs *r, struct window *win)
{
	win->rows = 0;
	if (!r->csv || !mm_csv_window(r->csv, &win->w))
		win->w = (struct mm_csv_window){ 0 };
}

static void end_window(struct refs *r, const struct window *win)
{
	if (win->rows)
		mm_csv_window_taken(r->csv, &win->w, win->rows);
}

/* The fields of the next row; 0: it is not whole here, has a byte that libcsv may have to judge, too many fields, or none. */
static inline size_t next_of_window(struct window *win)
{
	struct mm_csv_window *w = &win->w;
	const size_t most = w->nr_sep < REF_MOST_FIELDS ? w->nr_sep : REF_MOST_FIELDS;
	const char *p, *sep;
	size_t n = 0;

	if (!most)
		return 0;
	p = w->base + w->pos;
	do {
		if (n == most)
			return 0;
		sep = w->base + w->sep[n];
		win->v[n++] = (struct mm_str){ p, (size_t)(sep - p) };
		p = sep + 1;
	} while (*sep != '\n');
	if (w->sep[n - 1] > w->special || (n == 1 && !win->v[0].len))
		return 0;
	w->sep += n;
	w->nr_sep -= n;
	w->pos = (size_t)(p - w->base);
	w->lines++;
	win->rows++;
	return n;
}

/* The next row that does not stand in the window, or whose fields are apart by blanks or tabs.  1, 0 the end, -errno. */
static int other_row(struct refs *r, struct window *win, const struct mm_str **v, size_t *n, uint64_t *line, struct mm_error *err)
{
	struct mm_input *in = r->src->in;
	struct mm_str text;
	int e;

	if (r->csv) {
		end_window(r, win);
		e = mm_csv_row(r->csv, v, n, err);
		*line = mm_csv_line(r->csv);
		begin_window(r, win);
		return e;
	}
	while ((e = mm_input_line(in, &text, err)) > 0) {
		if (in->line <= r->l.heading || (text.len && *text.p == '#'))
			continue;
		*n = mm_ref_split(text, r->l.separator, win->v, REF_MOST_FIELDS);
		*line = in->line;
		if (*n && !mm_trace_is_cut(r->src))
			return 1;
		if (*n && mm_trace_skip_cut(r->src, *line, err))
			return err->code;
	}
	return e;
}

static int read_refs(void *state, struct mm_trace_batch *b, struct mm_error *err)
{
	struct refs *r = state;
	struct window win;
	int e = 1;

	begin_window(r, &win);
	while (repeat(r, b)) {
		const struct mm_str *v = win.v;
		size_t n = next_of_window(&win);
		uint64_t line = win.w.lines;

		if (!n) {
			e = other_row(r, &win, &v, &n, &line, err);
			if (e <= 0)
				break;
		}
		if (one_row(r, b, v, n, line, err)) {
			e = err->code;
			break;
		}
	}
	end_window(r, &win);
	return e;
}

const struct mm_trace_ops mm_trace_refs = {
	.name = "references",
	.help = "references to blocks or keys: CSV with names, published traces (see mm-trace(5)), blkparse, fio",
	.sniff = sniff,
	.open = open_refs,
	.read = read_refs,
	.close = close_refs,
};
