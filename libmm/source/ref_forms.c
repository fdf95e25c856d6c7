/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * source/ref_forms.c - which field of a reference is what: by the names above the rows, or by how the first rows look
 *
 * What is published is one line of forms[]: the names of its columns, if it or its README has them; how the fields of a row
 * look, which tells it where it has none; and their roles and units.  Other rows need names that words[] has.
 *
 * Sources: README of MSR Cambridge (SNIA IOTTA 388), SYSTOR '17 (4964), FIU (390, 391), K5cloud (26930), Tencent CBS (28064), of
 * alibaba/block-traces and twitter/cache-trace; SPC Trace File Format Specification 1.0.1, with the blocks of 512 bytes of the UMass
 * traces; CacheLib's readers of kvcache, CDN and block traces; blkparse(1); fio(1), trace file format.
 */
#include <stdlib.h>

#include <libmm/csv.h>

#include "base/str.h"
#include "source/ref_forms.h"
#include "source/scan.h"

enum { LOOK_AT = 64 /* lines */, UNITS_FROM = 16 };

static const struct {
	const char *word;
	enum mm_ref_field field;
	uint32_t unit;			/* bytes, or ns of REF_TIME; 0: seconds, bytes, or nothing that has one */
} words[] = {
	{ "time", REF_TIME, 0 }, { "timestamp", REF_TIME, 0 }, { "ts", REF_TIME, 0 }, { "clock_time", REF_TIME, 0 },
	{ "op_time", REF_TIME, 0 }, { "relative_unix", REF_TIME, 0 },
	{ "time_ms", REF_TIME, 1000000 }, { "time_us", REF_TIME, 1000 }, { "time_ns", REF_TIME, 1 },
	{ "object", REF_KEY, 0 }, { "obj_id", REF_KEY, 0 }, { "obj-id", REF_KEY, 0 }, { "id", REF_KEY, 0 }, { "key", REF_KEY, 0 },
	{ "obj", REF_KEY, 0 }, { "page", REF_KEY, 0 }, { "object_id", REF_KEY, 0 }, { "cachekey", REF_KEY, 0 },
	{ "hashed_path_query", REF_KEY, 0 }, { "hashed_host_path_query", REF_KEY, 0 },
	{ "lbn", REF_BLOCK, REF_SECTOR }, { "lba", REF_BLOCK, REF_SECTOR }, { "block", REF_BLOCK, REF_SECTOR },
	{ "sector", REF_BLOCK, REF_SECTOR }, { "blkno", REF_BLOCK, REF_SECTOR },
	{ "offset", REF_OFFSET, 0 }, { "io_offset", REF_OFFSET, 0 },
	{ "size", REF_SIZE, 1 }, { "obj_size", REF_SIZE, 1 }, { "obj-size", REF_SIZE, 1 }, { "len", REF_SIZE, 1 },
	{ "length", REF_SIZE, 1 }, { "io_size", REF_SIZE, 1 }, { "sectors", REF_SIZE, REF_SECTOR },
	{ "op", REF_OP, 0 }, { "type", REF_OP, 0 }, { "cmd", REF_OP, 0 }, { "command", REF_OP, 0 }, { "op_type", REF_OP, 0 },
	{ "iotype", REF_OP, 0 }, { "opcode", REF_OP, 0 }, { "op_name", REF_OP, 0 },
	{ "disknumber", REF_DISK, 0 }, { "disk", REF_DISK, 0 }, { "volumeid", REF_DISK, 0 }, { "volume", REF_DISK, 0 },
	{ "vm", REF_DISK, 0 }, { "device_id", REF_DISK, 0 }, { "lun", REF_DISK, 0 }, { "asu", REF_DISK, 0 },
	{ "op_count", REF_COUNT, 0 },
	{ "block_id", REF_CHUNK, 0 }, { "rs_shard_id", REF_SHARD, 0 }, { "host_name", REF_HOST, 0 },
};

/*
 * Kinds of fields: n number, d number with decimals, s seconds of Unix time, u its microseconds, r a word that reads or writes, o one of
 * memcached's, b 0 or 1, v MAJOR,MINOR, x a digest, * anything; a capital letter: or empty.
 * Roles: t time, k key, b block, o offset, s size, r operation, d disk (+ the name of which goes on), a action, . none.
 */
static const char role_letters[] = "tkbosrd....a";

static const struct form {
	const char *header, *fields, *roles;
	enum mm_ref_kind kind;
	bool blanks, more;		/* between the fields; further ones may follow */
	bool most;			/* not the first row alone looks like it, but half of them at least */
	uint32_t block_bytes, size_bytes, tick_ns;
} forms[] = {
	{ "timestamp,hostname,disknumber,type,offset,size,responsetime", "n*nrnn*", "t.dros.", REF_FORM,	/* MSR Cambridge, */
	  .tick_ns = 100 },								/* the first: its rows may have other names */
	{ "device_id,opcode,offset,length,timestamp", "nrnnu", "drost", REF_FORM, .tick_ns = 1000 },		/* Alibaba */
	{ "id,timestamp,type,offset,length", "ndrnn", "dtros", .kind = REF_FORM },					/* K5cloud */
	{ "timestamp,response,iotype,lun,offset,size", "dDRnnn", "t.rdos", .kind = REF_FORM },				/* SYSTOR '17 */
	{ "timestamp,offset,size,iotype,volumeid", "snnbn", "tbsrd", REF_FORM, .most = true,			/* Tencent CBS */
	  .block_bytes = REF_SECTOR, .size_bytes = REF_SECTOR, .tick_ns = 1000000000 },
	{ "asu,lba,size,opcode,timestamp", "nnnrd", "dbsrt", REF_FORM, .more = true, .block_bytes = REF_SECTOR },	/* SPC */
	{ NULL, "n*nnnon", "tk...r.", .kind = REF_FORM },								/* Twitter */
	{ NULL, "nn*nnrnnx", "t..bsrd+", REF_FORM, .blanks = true, .more = true,				/* FIU */
	  .block_bytes = REF_SECTOR, .size_bytes = REF_SECTOR, .tick_ns = 1 },
	{ NULL, "vnndn*", "d..t.arb.s", REF_BLKPARSE, .blanks = true, .more = true,
	  .block_bytes = REF_SECTOR, .size_bytes = REF_SECTOR },
	{ "fio version 2 iolog", NULL, "dros", REF_FIO, .blanks = true },
	{ "fio version 3 iolog", NULL, "tdros", REF_FIO, .blanks = true, .tick_ns = 1000 },
};

size_t mm_ref_split(struct mm_str line, char separator, struct mm_str *v, size_t max)
{
	size_t n = 0;

	if (separator == ' ') {
		while (n < max && line.len && scan_next_word(&line, &v[n])) {
			v[n] = mm_ref_strip(v[n]);
			n += v[n].len != 0;		/* a # that stands alone is none */
		}
		return n;
	}
	for (;;) {
		const char *end = line.len ? memchr(line.p, separator, line.len) : NULL;
		size_t len = end ? (size_t)(end - line.p) : line.len;

		if (n < max)
			v[n++] = mm_ref_strip((struct mm_str){ line.p, len });
		if (!end || n == max)
			return n;
		line = (struct mm_str){ end + 1, line.len - len - 1 };
	}
}

static bool is_number(struct mm_str s)
{
	uint64_t v;

	return s.len && !mm_parse_u64(s, &v);
}

static bool is_digits(struct mm_str s, size_t n)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)(s.p[i] - '0') > 9)
			return false;
	return s.len == n;
}

/* Two numbers with @between, one digit each at least. */
static bool is_pair(struct mm_str s, char between)
{
	const char *p = s.len ? memchr(s.p, between, s.len) : NULL;
	size_t n = p ? (size_t)(p - s.p) : 0, after = p ? s.len - n - 1 : 0;

	return n && after && is_digits((struct mm_str){ s.p, n }, n) && is_digits((struct mm_str){ p + 1, after }, after);
}

static bool is_digest(struct mm_str s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)(s.p[i] - '0') > 9 && (unsigned char)((s.p[i] | 0x20) - 'a') > 5)
			return false;
	return s.len >= 16;
}

static bool is_op(struct mm_str s, bool memcached)
{
	static const struct mm_ref_layout plain = { .kind = REF_NAMED };
	bool letters = mm_ref_is(s, "r") || mm_ref_is(s, "w") || mm_ref_is(s, "read") || mm_ref_is(s, "write");

	return memcached ? !letters && s.len > 2 && mm_ref_op(&plain, s) <= REF_WRITE && !is_number(s) : letters;
}

static bool is_kind(struct mm_str s, char kind)
{
	if (!s.len && kind >= 'A' && kind <= 'Z')
		return true;
	switch (kind | 0x20) {
	case 'n':
		return is_number(s);
	case 'd':
		return is_pair(s, '.');
	case 's':
		return is_digits(s, 10) && *s.p != '0';
	case 'u':
		return is_digits(s, 16) && *s.p != '0';
	case 'r':
		return is_op(s, false);
	case 'o':
		return is_op(s, true);
	case 'b':
		return s.len == 1 && (*s.p == '0' || *s.p == '1');
	case 'v':
		return is_pair(s, ',');
	case 'x':
		return is_digest(s);
	default:
		return true;
	}
}

static bool fits(const struct form *f, const struct mm_str *v, size_t n)
{
	size_t want = f->fields ? strlen(f->fields) : 0;

	if (!want || n < want || (n > want && !f->more))
		return false;
	for (size_t i = 0; i < want; i++)
		if (!is_kind(v[i], f->fields[i]))
			return false;
	return true;
}

/* The next line that is not blank. */
static bool next_line(struct mm_str *head, struct mm_str *line)
{
	do {
		if (!scan_line(head, line))
			return false;
		while (line->len && line->p[line->len - 1] == '\r')
			line->len--;
	} while (!line->len);
	return true;
}

static bool half_fit(const struct form *f, struct mm_str head)
{
	struct mm_str line, v[REF_MOST_FIELDS];
	size_t all = 0, good = 0;

	while (all < LOOK_AT && next_line(&head, &line) && head.len) {		/* the last may be cut */
		good += fits(f, v, mm_ref_split(line, f->blanks ? ' ' : ',', v, REF_MOST_FIELDS));
		all++;
	}
	return 2 * good >= all;
}

/* Tencent's offsets are sectors; copies of the traces have bytes, which all are multiples of 512. */
static bool all_round(const struct form *f, struct mm_str head)
{
	struct mm_str line, v[REF_MOST_FIELDS];
	uint64_t at;
	size_t n = 0;

	while (next_line(&head, &line) && head.len)
		if (fits(f, v, mm_ref_split(line, ',', v, REF_MOST_FIELDS)) && !mm_parse_u64(v[1], &at) && at) {
			if (at % REF_SECTOR)
				return false;
			n++;
		}
	return n >= UNITS_FROM;
}

/* What happened to requests first: Q they were queued, else D issued, else C completed. */
static char first_action(struct mm_str head)
{
	static const char actions[] = "QDC";
	struct mm_str line, v[REF_MOST_FIELDS];
	size_t best = 2;

	while (next_line(&head, &line))
		if (mm_ref_split(line, ' ', v, REF_MOST_FIELDS) > 5 && v[5].len == 1)
			for (size_t i = 0; i < best; i++)
				if (*v[5].p == actions[i])
					best = i;
	return actions[best];
}

static void no_columns(struct mm_ref_layout *l)
{
	*l = (struct mm_ref_layout){ .separator = ',', .block_bytes = REF_SECTOR, .size_bytes = 1, .disk_fields = 1 };
	for (int f = 0; f < NR_REF_FIELDS; f++)
		l->column[f] = -1;
}

static void use_form(const struct form *f, struct mm_ref_layout *l)
{
	no_columns(l);
	l->kind = f->kind;
	l->separator = f->blanks ? ' ' : ',';
	l->block_bytes = f->block_bytes ? f->block_bytes : 1;
	l->size_bytes = f->size_bytes ? f->size_bytes : 1;
	l->tick_ns = f->tick_ns;
	for (int i = 0; f->roles[i]; i++) {
		const char *role = f->roles[i] == '.' ? NULL : strchr(role_letters, f->roles[i]);

		if (role)
			l->column[role - role_letters] = i;
		if (f->roles[i] == '+')
			l->disk_fields++;
	}
}

static bool has_names(const char *names, const struct mm_str *v, size_t n)
{
	struct mm_str rest = { names, strlen(names) }, want;
	size_t i = 0;

	for (; mm_next_item(&rest, ',', &want); i++) {
		char word[32] = "";

		if (i == n || want.len >= sizeof(word))
			return false;
		memcpy(word, want.p, want.len);
		if (!mm_ref_is(v[i], word))
			return false;
	}
	return true;
}

static bool known_form(struct mm_str head, const struct mm_str *first, struct mm_ref_layout *l, const char **why)
{
	struct mm_str v[REF_MOST_FIELDS], words_of[REF_MOST_FIELDS];
	size_t n = mm_ref_split(*first, ',', v, REF_MOST_FIELDS), nr_words = mm_ref_split(*first, ' ', words_of, REF_MOST_FIELDS);

	for (const struct form *f = forms; f < forms + sizeof(forms) / sizeof(forms[0]); f++) {
		bool title = !f->fields && mm_str_starts(*first, f->header), named = !f->blanks && f->header && has_names(f->header, v, n);

		if (!title && !named && !(f->blanks ? fits(f, words_of, nr_words) : fits(f, v, n) && (!f->most || half_fit(f, head))))
			continue;
		use_form(f, l);
		l->heading = title || named;
		if (f->most && all_round(f, head))
			*why = "offsets in sectors, not all of them multiples of 512 (names of columns above the rows tell what they are: "
			       "timestamp,lbn,sectors,op,disk or timestamp,offset,sectors,op,disk)";
		if (f->kind == REF_BLKPARSE)
			l->action = first_action(head);
		return true;
	}
	return false;
}

/* The columns of a line of names; false: it names no key, block or offset. */
static bool named_columns(const struct mm_str *v, size_t n, struct mm_ref_layout *l)
{
	bool id = false;

	no_columns(l);
	for (size_t i = 0; i < n; i++)
		for (size_t w = 0; w < sizeof(words) / sizeof(words[0]); w++) {
			if (l->column[words[w].field] >= 0 || !mm_ref_is(v[i], words[w].word))
				continue;
			l->column[words[w].field] = (int)i;
			id |= words[w].field == REF_KEY && mm_ref_is(v[i], "id");
			if (words[w].field == REF_TIME)
				l->tick_ns = words[w].unit;
			if (words[w].field == REF_SIZE)
				l->size_bytes = words[w].unit;
		}
	if (l->column[REF_SHARD] < 0)
		l->column[REF_SHARD] = l->column[REF_HOST];
	if (id && (l->column[REF_BLOCK] >= 0 || l->column[REF_OFFSET] >= 0))
		l->column[REF_KEY] = -1;		/* the request's, or the disk's */
	if (l->column[REF_CHUNK] >= 0) {
		if (l->column[REF_OFFSET] < 0)
			return l->column[REF_KEY] >= 0 || l->column[REF_BLOCK] >= 0;
		l->kind = REF_TECTONIC;
	}
	return l->column[REF_KEY] >= 0 || l->column[REF_BLOCK] >= 0 || l->column[REF_OFFSET] >= 0;
}

static bool names_event(const struct mm_str *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (mm_ref_is(v[i], "event"))
			return true;			/* a trace of ours */
	return false;
}

/* How sure a line of names with commas is one of references: 0, if it names a key, block or offset, to 60; -1 it does not. */
static int commas(const struct mm_str *v, size_t n, struct mm_ref_layout *l)
{
	const int *c = l->column;

	if (!named_columns(v, n, l))
		return -1;
	l->heading = 1;
	if (n == 1)
		return 30;
	if ((c[REF_TIME] < 0 && c[REF_SIZE] < 0 && c[REF_OP] < 0) || names_event(v, n))
		return 0;
	return c[REF_OFFSET] >= 0 && c[REF_KEY] < 0 && c[REF_BLOCK] < 0 && c[REF_TIME] < 0 ? 0 : 60;
}

/* The same with tabs or blanks, maybe below comments: it must name times, or Tectonic's blocks. */
static bool blanks(struct mm_str head, struct mm_ref_layout *l)
{
	struct mm_str line, v[REF_MOST_FIELDS];

	for (uint64_t i = 1; i <= 8 && scan_line(&head, &line); i++) {
		char separator = line.len && memchr(line.p, '\t', line.len) ? '\t' : ' ';
		size_t n = mm_ref_split(line, separator, v, REF_MOST_FIELDS);

		if (n > 1 && named_columns(v, n, l) && (l->column[REF_TIME] >= 0 || l->kind == REF_TECTONIC) && !names_event(v, n)) {
			l->separator = separator;
			l->heading = i;
			return true;
		}
		if (line.len && *line.p != '#')
			return false;
	}
	return false;
}

/* Rows of no names that begin with a number: a key a line, or libCacheSim's time, key, size, ...; what else they are is not guessed. */
static int unnamed(struct mm_str head, const struct mm_str *v, size_t n, struct mm_ref_layout *l, const char **why)
{
	struct mm_str rest = head, line, w[REF_MOST_FIELDS];
	bool guess = n > 4, ops = n > 1;
	int rows;

	no_columns(l);
	l->column[REF_KEY] = n > 1;
	l->column[REF_TIME] = n > 1 ? 0 : -1;
	for (size_t i = 2; i < n; i++)
		guess |= is_op(v[i], false);
	for (rows = 0; rows < LOOK_AT && ops && next_line(&rest, &line); rows++)
		ops = mm_ref_split(line, ',', w, REF_MOST_FIELDS) > 1 && (is_op(w[1], false) || is_op(w[1], true));
	if (guess || ops)
		*why = "time,key,size, or a line above the rows that names the columns, as time,disk,op,offset,size";
	if (n > 1)
		return 0;
	next_line(&head, &line);
	for (rows = 1; rows < 4 && next_line(&head, &line); rows++)
		if (mm_ref_split(line, ',', w, REF_MOST_FIELDS) != 1 || !is_number(w[0]))
			return 0;
	return rows == 4 ? 30 : 0;
}

int mm_ref_layout(struct mm_str head, struct mm_ref_layout *l, const char **why)
{
	struct mm_str rest = head, line = { 0 }, v[REF_MOST_FIELDS], second[REF_MOST_FIELDS];
	int sure;
	size_t n;

	*why = NULL;
	next_line(&rest, &line);
	if (known_form(head, &line, l, why))
		return 90;
	n = mm_ref_split(line, ',', v, REF_MOST_FIELDS);
	if (n && is_number(v[0]))
		return unnamed(head, v, n, l, why);
	sure = commas(v, n, l);
	if (sure < 0 && n == 1 && blanks(head, l))
		return 60;
	if (sure < 0)
		*why = "a column object, obj_id, key, lbn or offset";
	if (sure >= 0 && next_line(&rest, &line) && fits(forms, second, mm_ref_split(line, ',', second, REF_MOST_FIELDS)))
		l->tick_ns = forms[0].tick_ns;			/* MSR Cambridge below other names */
	return sure < 0 ? 0 : sure;
}
