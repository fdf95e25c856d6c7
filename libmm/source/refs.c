/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * source/refs.c - references to blocks and keys, as cache and storage research keeps them
 *
 *	# time, object, size, next_access_vtime			libCacheSim's CSV: columns by name, "#" may lead
 *	0, 17446744073709551615, 43, 120
 *	128166372003061629,usr,0,Read,7014609920,24576,41286	MSR Cambridge: no header, seven fields
 *	0,q:q:1:8WTfjZU14ee,17,213,4,get,0			Twitter's cache-trace: no header, seven fields
 *	timestamp,lbn,len,cmd					CloudPhysics and others: blocks of 512 bytes (lbn, lba, sector)
 *	12345							libCacheSim's txt: a key a line
 *
 * A key is a page: one load (or store) of a byte at key * 4096, so keys keep
 * apart whatever their size.  Words, and numbers whose page lies in the upper half of
 * what a process may address, get pages of that half in order of first
 * appearance; for a caller who wants pages only (hashed_keys) words and numbers of
 * 2^52 and more are hashed into 52 bits and nothing is kept of them.  Blocks and
 * offsets are bytes of a disk: a request touches the pages from its offset to its
 * end.  A disk is a task: 1001 + its number, from 1257 on in order of first appearance what has a name or a number
 * above 255.  Keys are task 1000's.  Times are kept when they only grow.
 *
 * Sources: libCacheSim doc/quickstart_cachesim.md; README of the MSR Cambridge traces (SNIA IOTTA 388); README of twitter/cache-trace.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include <libmm/csv.h>

#include "base/str.h"
#include "source/ref_keys.h"
#include "source/scan.h"
#include "source/trace_source.h"
#include "table/csv_window.h"
#include "table/numbers.h"

enum field { F_TIME, F_KEY, F_BLOCK, F_OFFSET, F_SIZE, F_OP, F_DISK, NR_FIELDS };
enum { KEY_TASK = 1000, FIRST_DISK = 1001, PLAIN_DISKS = 256, MAX_DISKS = 4096, SECTOR = 512, MSR_FIELDS = 7, TWITTER_FIELDS = 7 };

#define FIRST_NUMBERED	(UINT64_C(1) << 34)	/* page: 64 TiB, half of user space */
#define DISK_BYTES	(UINT64_C(1) << 47)	/* a process addresses no more */
#define MAX_REQUEST	(UINT64_C(1) << 30)	/* bytes of one request; no device takes so large a one */

static const struct {
	const char *word;
	enum field field;
} words[] = {
	{ "time", F_TIME }, { "timestamp", F_TIME }, { "ts", F_TIME }, { "clock_time", F_TIME },
	{ "object", F_KEY }, { "obj_id", F_KEY }, { "obj-id", F_KEY }, { "id", F_KEY }, { "key", F_KEY },
	{ "obj", F_KEY }, { "page", F_KEY }, { "object_id", F_KEY },
	{ "lbn", F_BLOCK }, { "lba", F_BLOCK }, { "block", F_BLOCK }, { "sector", F_BLOCK }, { "blkno", F_BLOCK },
	{ "offset", F_OFFSET },
	{ "size", F_SIZE }, { "obj_size", F_SIZE }, { "obj-size", F_SIZE }, { "len", F_SIZE }, { "length", F_SIZE },
	{ "op", F_OP }, { "type", F_OP }, { "cmd", F_OP }, { "command", F_OP }, { "op_type", F_OP }, { "iotype", F_OP },
	{ "disknumber", F_DISK }, { "disk", F_DISK }, { "volumeid", F_DISK }, { "volume", F_DISK }, { "vm", F_DISK },
};

struct refs {
	struct mm_trace_source *src;
	struct mm_csv *csv;
	struct mm_ref_keys keys, disks;	/* what is no plain number */
	int column[NR_FIELDS];		/* -1: none */
	bool filetime;			/* MSR: 100 ns since 1601 */
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

static struct mm_str strip(struct mm_str s)
{
	if (s.len && s.p[0] > '#' && s.p[s.len - 1] > '#')
		return s;
	while (s.len && (*s.p == ' ' || *s.p == '\t' || *s.p == '#' || *s.p == '"'))
		s = (struct mm_str){ s.p + 1, s.len - 1 };
	while (s.len && (s.p[s.len - 1] == ' ' || s.p[s.len - 1] == '\t' || s.p[s.len - 1] == '"' || s.p[s.len - 1] == '\r'))
		s.len--;
	return s;
}

static bool same_word(struct mm_str s, const char *word)
{
	if (s.len != strlen(word))
		return false;
	for (size_t i = 0; i < s.len; i++)
		if ((s.p[i] >= 'A' && s.p[i] <= 'Z' ? s.p[i] | 0x20 : s.p[i]) != word[i])
			return false;
	return true;
}

static int field_of(struct mm_str s)
{
	s = strip(s);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (same_word(s, words[i].word))
			return words[i].field;
	return -1;
}

static size_t split(struct mm_str line, struct mm_str *v, size_t max)
{
	size_t n = 0;

	for (;;) {
		const char *comma = line.len ? memchr(line.p, ',', line.len) : NULL;
		size_t len = comma ? (size_t)(comma - line.p) : line.len;

		if (n < max)
			v[n++] = strip((struct mm_str){ line.p, len });
		if (!comma || n == max)
			return n;
		line = (struct mm_str){ comma + 1, line.len - len - 1 };
	}
}

static bool is_number(struct mm_str s)
{
	uint64_t v;

	return s.len && !mm_parse_u64(s, &v);
}

/* The columns of a header line; false: it names no key, block or offset. */
static bool header_columns(const struct mm_str *v, size_t n, int *column)
{
	for (int f = 0; f < NR_FIELDS; f++)
		column[f] = -1;
	for (size_t i = 0; i < n; i++) {
		int f = field_of(v[i]);

		if (f >= 0 && column[f] < 0)
			column[f] = (int)i;
	}
	return column[F_KEY] >= 0 || column[F_BLOCK] >= 0 || column[F_OFFSET] >= 0;
}

static bool is_msr(const struct mm_str *v, size_t n)
{
	return n == MSR_FIELDS && is_number(v[0]) && is_number(v[2]) && (same_word(v[3], "read") || same_word(v[3], "write")) &&
	       is_number(v[4]) && is_number(v[5]);
}

/* The words of memcached's protocol, and whether each writes. */
static const struct {
	const char *word;
	bool writes;
} cache_ops[] = {
	{ "get", false }, { "gets", false }, { "delete", false }, { "set", true }, { "add", true }, { "replace", true }, { "cas", true },
	{ "append", true }, { "prepend", true }, { "incr", true }, { "decr", true },
};

static bool is_cache_op(struct mm_str s, bool *writes)
{
	for (size_t i = 0; i < sizeof(cache_ops) / sizeof(cache_ops[0]); i++)
		if (same_word(s, cache_ops[i].word)) {
			*writes = cache_ops[i].writes;
			return true;
		}
	return false;
}

/* time, key, bytes of key and of value, client, op, time to live */
static bool is_twitter(const struct mm_str *v, size_t n)
{
	bool writes;

	return n == TWITTER_FIELDS && is_number(v[0]) && is_number(v[2]) && is_number(v[3]) && is_number(v[4]) &&
	       is_cache_op(v[5], &writes) && is_number(v[6]);
}

static int sniff(struct mm_str head)
{
	struct mm_str line = { 0 }, v[16];
	int column[NR_FIELDS];
	size_t n;

	while (!line.len && scan_line(&head, &line))
		;
	n = split(line, v, 16);
	if (is_msr(v, n) || is_twitter(v, n))
		return 90;
	if (n > 1 && header_columns(v, n, column) && (column[F_TIME] >= 0 || column[F_SIZE] >= 0 || column[F_OP] >= 0)) {
		for (size_t i = 0; i < n; i++)
			if (same_word(v[i], "event"))
				return 0;		/* a trace of ours */
		return column[F_OFFSET] >= 0 && column[F_KEY] < 0 && column[F_BLOCK] < 0 && column[F_TIME] < 0 ? 0 : 60;
	}
	if (n == 1 && header_columns(v, n, column))		/* a key a line, below what they are ... */
		return 30;
	for (int i = 0; n == 1 && i < 4; i++) {			/* ... or four in a row */
		if (!is_number(v[0]))
			return 0;
		if (i < 3 && (!scan_line(&head, &line) || split(line, v, 16) != 1))
			return 0;
		if (i == 3)
			return 30;
	}
	return 0;
}

static void close_refs(void *state)
{
	struct refs *r = state;

	mm_csv_free(r->csv);
	mm_ref_keys_free(&r->keys);
	mm_ref_keys_free(&r->disks);
	free(r);
}

/* Whether the first row is a header must be known before it is read. */
static int learn_columns(struct refs *r, struct mm_error *err)
{
	struct mm_str head, line = { 0 }, v[16];
	const struct mm_str *fields;
	size_t n;
	int e = mm_input_peek(r->src->in, &head, err);

	if (e)
		return e;
	while (!line.len && scan_line(&head, &line))
		;
	n = split(line, v, 16);
	for (int f = 0; f < NR_FIELDS; f++)
		r->column[f] = -1;
	if (is_msr(v, n)) {
		r->filetime = true;
		r->column[F_TIME] = 0;
		r->column[F_DISK] = 2;
		r->column[F_OP] = 3;
		r->column[F_OFFSET] = 4;
		r->column[F_SIZE] = 5;
		return 0;
	}
	if (is_twitter(v, n))
		r->column[F_OP] = 5;
	if (n && is_number(v[0])) {			/* no header: a key a line, or libCacheSim's order */
		r->column[F_KEY] = n > 1;
		r->column[F_TIME] = n > 1 ? 0 : -1;
		return 0;
	}
	if (!header_columns(v, n, r->column))
		return mm_error_set(err, -EINVAL, "%s:1: expected a column object, obj_id, key, lbn or offset, found \"%.*s\"",
				    r->src->in->name, (int)(line.len < 80 ? line.len : 80), line.p);
	line.len = 0;
	while (!line.len && scan_line(&head, &line))
		;
	r->filetime = is_msr(v, split(line, v, 16));		/* the same seven below their names */
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
	e = mm_csv_new(&r->csv, src->in, err);
	if (!e)
		e = learn_columns(r, err);
	if (e) {
		close_refs(r);
		return e;
	}
	src->columns = MM_TC_BIT(PID) | MM_TC_BIT(EVENT) | MM_TC_BIT(ADDR) | MM_TC_BIT(SIZE) | MM_TC_BIT(FLAGS) | MM_TC_BIT(NAME) |
		       (r->column[F_TIME] >= 0 ? MM_TC_BIT(TIME_S) : 0);
	*state = r;
	return 0;
}

static bool number(const struct refs *r, const struct mm_str *v, size_t n, enum field f, uint64_t *out)
{
	return r->column[f] >= 0 && (size_t)r->column[f] < n &&
	       (plain_number(v[r->column[f]], out) || !mm_parse_u64(strip(v[r->column[f]]), out));
}

static bool has_text(const struct refs *r, const struct mm_str *v, size_t n, enum field f)
{
	return r->column[f] >= 0 && (size_t)r->column[f] < n && strip(v[r->column[f]]).len;
}

/* CloudPhysics' traces have the operation code of SCSI: WRITE(6), (10), (12), (16) and those that verify. */
static bool is_scsi_write(struct mm_str s)
{
	static const char *const codes[] = { "0a", "2a", "aa", "8a", "2e", "ae", "8e" };

	if (s.len == 4 && s.p[0] == '0' && s.p[1] == 'x')
		s = (struct mm_str){ s.p + 2, 2 };
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (same_word(s, codes[i]))
			return true;
	return false;
}

static bool is_write(const struct refs *r, const struct mm_str *v, size_t n)
{
	bool writes = false;
	struct mm_str s;

	if (r->column[F_OP] < 0 || (size_t)r->column[F_OP] >= n)
		return false;
	s = v[r->column[F_OP]];
	if (s.len == 1)
		return *s.p == 'W' || *s.p == 'w' || *s.p == '1';
	s = strip(s);
	return same_word(s, "write") || same_word(s, "w") || same_word(s, "put") || same_word(s, "1") || is_scsi_write(s) ||
	       (is_cache_op(s, &writes) && writes);
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
	s = strip(field);
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

/* The bytes a row is about.  1; 0: it names none; -errno. */
static int bytes_of(struct refs *r, const struct mm_str *v, size_t n, uint64_t *addr, uint64_t *size)
{
	uint64_t at = 0;

	*size = 0;
	if (r->column[F_KEY] >= 0) {
		int e = (size_t)r->column[F_KEY] < n ? page_of_key(r, v[r->column[F_KEY]], &at) : 0;

		*addr = at << MM_PAGE_SHIFT;
		*size = 1;
		return e;
	}
	if (!number(r, v, n, F_SIZE, size) && has_text(r, v, n, F_SIZE))
		return 0;
	if (number(r, v, n, F_OFFSET, addr))
		return *addr < DISK_BYTES && *size <= MAX_REQUEST && *addr + *size <= DISK_BYTES;
	if (!number(r, v, n, F_BLOCK, &at) || at >= DISK_BYTES / SECTOR || *size > MAX_REQUEST)
		return 0;
	*addr = at * SECTOR;
	return *addr + *size <= DISK_BYTES;
}

/* Nanoseconds since the first row; seconds, or MSR's tenths of microseconds. */
static int put_time(struct refs *r, const struct mm_str *v, size_t n, struct mm_event *ev, uint64_t line)
{
	uint64_t t, ns;

	if (r->column[F_TIME] < 0 || (size_t)r->column[F_TIME] >= n)
		return 0;
	if (r->filetime) {
		if (!number(r, v, n, F_TIME, &t))
			return 0;
		if (!r->begun)
			r->first_time = t;
		ns = t > r->first_time && t - r->first_time < UINT64_MAX / 200 ? (t - r->first_time) * 100 : 0;
	} else if (plain_number(v[r->column[F_TIME]], &t) && t < UINT64_MAX / 4000000000) {
		ns = t * 1000000000;
	} else if (mm_parse_seconds(strip(v[r->column[F_TIME]]), &ns)) {
		return has_text(r, v, n, F_TIME) ?
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
	if (r->column[F_DISK] < 0 || (size_t)r->column[F_DISK] >= n)
		return 1;
	s = strip(v[r->column[F_DISK]]);
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

static int one_row(struct refs *r, struct mm_trace_batch *b, const struct mm_str *v, size_t n, uint64_t line, struct mm_error *err)
{
	uint64_t addr, size;
	struct mm_event *ev;
	uint32_t pid = KEY_TASK;
	int e = bytes_of(r, v, n, &addr, &size);

	if (!e)
		return mm_trace_loss(r->src, "references that are cut or not understood", line, err);
	if (e > 0 && r->column[F_KEY] < 0)
		e = task_of_disk(r, v, n, &pid);
	if (!e)
		return mm_trace_loss(r->src, "references to disks beyond the 4351st", line, err);
	if (e < 0)
		return no_memory(r, e, line, err);
	begin_task(r, b, pid, line);
	ev = mm_trace_add(b, is_write(r, v, n) ? MM_EV_STORE : MM_EV_LOAD, line);
	mm_event_put(ev, PID, pid, pid);
	mm_event_put(ev, ADDR, addr, addr);
	mm_event_put(ev, SIZE, size, size ? size : 1);
	return put_time(r, v, n, ev, line);
}

/* What the scan has found of the file; a row that is whole there is cut from it, others are mm_csv_row()'s. */
enum { WINDOW_FIELDS = 32 };
struct window {
	struct mm_csv_window w;
	struct mm_str v[WINDOW_FIELDS];	/* the row at hand */
	size_t rows;			/* that were cut */
};

static void begin_window(const struct refs *r, struct window *win)
{
	win->rows = 0;
	if (!mm_csv_window(r->csv, &win->w))
		win->w.nr_sep = 0;
}

static void end_window(struct refs *r, const struct window *win) { mm_csv_window_taken(r->csv, &win->w, win->rows); }

/* The fields of the next row; 0: it is not whole here, has a byte that libcsv may have to judge, too many fields, or none. */
static inline size_t next_of_window(struct window *win)
{
	struct mm_csv_window *w = &win->w;
	const size_t most = w->nr_sep < WINDOW_FIELDS ? w->nr_sep : WINDOW_FIELDS;
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

static int read_refs(void *state, struct mm_trace_batch *b, struct mm_error *err)
{
	struct refs *r = state;
	struct window win;
	int e = 1;

	begin_window(r, &win);
	while (!mm_trace_batch_is_full(b)) {
		const struct mm_str *v = win.v;
		size_t n = next_of_window(&win);
		uint64_t line = win.w.lines;

		if (!n) {
			end_window(r, &win);
			e = mm_csv_row(r->csv, &v, &n, err);
			if (e <= 0)
				return e;
			line = mm_csv_line(r->csv);
			begin_window(r, &win);
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
	.help = "references to blocks or keys: libCacheSim's CSV and txt, MSR Cambridge, CloudPhysics, Twitter",
	.sniff = sniff,
	.open = open_refs,
	.read = read_refs,
	.close = close_refs,
};
