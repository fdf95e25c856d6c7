/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A tape: rows of a trace in a few bytes each.
 *
 *	tag: type | MORE, or FULL	a byte
 *	what changed			a byte, with MORE: pid, cpu, size, present, line by other than 1
 *	those, then addr and time	as differences, seven bits a byte
 *
 * A row with anything else (texts, a result, more addresses) is FULL: struct mm_event as it is, then its texts. An access
 * of the same task is three or four bytes. Chunks are written once: players read those that are whole, and wait for the
 * next, without a lock on the rows themselves. The recorder never waits.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/host_memory.h"
#include "machine/tape.h"

enum { CHUNK = 1 << 18, MOST = 128 };		/* bytes: of a chunk, and of a row that is not FULL */
enum { MORE = 0x80, FULL = 0xff };
enum { NEW_PID = 1, NEW_CPU = 2, NEW_SIZE = 4, NEW_PRESENT = 8, NEW_LINE = 16 };

_Static_assert(MM_NR_EVENTS < (FULL & ~MORE), "a type fits into a tag");

struct mm_tape_chunk {
	struct mm_tape_chunk *next;	/* set before it is whole */
	size_t used, cap;
	uint8_t bytes[];
};

struct mm_tape {
	size_t max_bytes, bytes;
	struct mm_tape_chunk *first, *last;	/* last: the one that is written */
	struct mm_event ev;			/* row recorded last */
	uint64_t line;

	pthread_mutex_t lock;			/* of what follows, and of @first and what is whole behind it */
	pthread_cond_t grown;
	const struct mm_tape_chunk *whole;	/* the last whole one */
	bool ended;
	int code;			/* what mm_tape_end() was told */
	uint64_t rows;
	struct mm_error error;
	struct mm_skip skips[MM_MAX_SKIPS];
	size_t nr_skips;
};

int mm_tape_new(struct mm_tape **tp, size_t max_bytes)
{
	struct mm_tape *t = mm_host_calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->max_bytes = max_bytes;
	if (pthread_mutex_init(&t->lock, NULL)) {
		free(t);
		return -ENOMEM;
	}
	if (pthread_cond_init(&t->grown, NULL)) {
		pthread_mutex_destroy(&t->lock);
		free(t);
		return -ENOMEM;
	}
	*tp = t;
	return 0;
}

void mm_tape_free(struct mm_tape *t)
{
	if (!t)
		return;
	while (t->first) {
		struct mm_tape_chunk *next = t->first->next;

		free(t->first);
		t->first = next;
	}
	pthread_cond_destroy(&t->grown);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

/* ---- recording --------------------------------------------------------------- */

/* The chunk that is written is whole. */
static void publish(struct mm_tape *t)
{
	pthread_mutex_lock(&t->lock);
	t->whole = t->last;
	pthread_cond_broadcast(&t->grown);
	pthread_mutex_unlock(&t->lock);
}

static uint8_t *room_for(struct mm_tape *t, size_t n)
{
	size_t cap = n > CHUNK ? n : CHUNK;
	struct mm_tape_chunk *c = t->last;

	if (c && c->cap - c->used >= n)
		return c->bytes + c->used;
	if (t->bytes + cap > t->max_bytes)
		return NULL;
	c = mm_host_malloc(sizeof(*c) + cap);
	if (!c)
		return NULL;
	*c = (struct mm_tape_chunk){ .cap = cap };
	t->bytes += cap;
	if (t->last) {
		t->last->next = c;
		publish(t);
	} else {
		t->first = c;
	}
	t->last = c;
	return c->bytes;
}

static uint8_t *put(uint8_t *p, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		*p++ = (uint8_t)(v | 0x80);
	*p++ = (uint8_t)v;
	return p;
}

/* Small differences of either sign are small numbers. */
static uint64_t difference(uint64_t v, uint64_t from)
{
	int64_t d = (int64_t)(v - from);

	return (uint64_t)d << 1 ^ (uint64_t)(d >> 63);
}

static bool is_plain(const struct mm_event *ev)
{
	const uint32_t plain = MM_TC_BIT(EVENT) | MM_TC_BIT(PID) | MM_TC_BIT(CPU) | MM_TC_BIT(ADDR) | MM_TC_BIT(SIZE) | MM_TC_BIT(TIME_S);

	return !ev->by && !ev->result_kind && !ev->addr2 && !ev->size2 && !ev->offset && !ev->flags.len && !ev->name.len &&
	       !(ev->present & ~plain);
}

static int record_full(struct mm_tape *t, const struct mm_event *ev, uint64_t line)
{
	const struct mm_str *text[] = { &ev->flags, &ev->name, &ev->result_word };
	size_t n = 1 + 10 + sizeof(*ev) + text[0]->len + text[1]->len + text[2]->len;
	uint8_t *p = room_for(t, n);

	if (!p)
		return -ENOSPC;
	*p++ = FULL;
	p = put(p, difference(line, t->line));
	memcpy(p, ev, sizeof(*ev));
	p += sizeof(*ev);
	for (size_t i = 0; i < 3; i++)
		if (text[i]->len) {
			memcpy(p, text[i]->p, text[i]->len);
			p += text[i]->len;
		}
	t->last->used = (size_t)(p - t->last->bytes);
	return 0;
}

static int record_plain(struct mm_tape *t, const struct mm_event *ev, uint64_t line)
{
	const struct mm_event *last = &t->ev;
	unsigned int more = (ev->pid != last->pid ? NEW_PID : 0u) | (ev->cpu != last->cpu ? NEW_CPU : 0u) |
			    (ev->size != last->size ? NEW_SIZE : 0u) | (ev->present != last->present ? NEW_PRESENT : 0u) |
			    (line != t->line + 1 ? NEW_LINE : 0u);
	uint8_t *p = room_for(t, MOST);

	if (!p)
		return -ENOSPC;
	*p++ = (uint8_t)(ev->type | (more ? MORE : 0u));
	if (more)
		*p++ = (uint8_t)more;
	if (more & NEW_PID)
		p = put(p, ev->pid);
	if (more & NEW_CPU)
		p = put(p, ev->cpu);
	if (more & NEW_SIZE)
		p = put(p, ev->size);
	if (more & NEW_PRESENT)
		p = put(p, ev->present);
	if (more & NEW_LINE)
		p = put(p, difference(line, t->line));
	p = put(p, difference(ev->addr, last->addr));
	if (ev->present & MM_TC_BIT(TIME_S))
		p = put(p, difference(ev->time_ns, last->time_ns));
	t->last->used = (size_t)(p - t->last->bytes);
	return 0;
}

int mm_tape_record(struct mm_tape *t, const struct mm_event *ev, uint64_t line)
{
	int e = is_plain(ev) ? record_plain(t, ev, line) : record_full(t, ev, line);

	if (e)
		return e;
	t->ev = *ev;
	t->line = line;
	return 0;
}

void mm_tape_end(struct mm_tape *t, int code, uint64_t rows, const struct mm_skip *skips, size_t nr_skips, const struct mm_error *err)
{
	pthread_mutex_lock(&t->lock);
	t->whole = t->last;
	t->ended = true;
	t->code = code;
	t->rows = rows;
	for (; t->nr_skips < nr_skips; t->nr_skips++)
		t->skips[t->nr_skips] = skips[t->nr_skips];
	if (err)
		t->error = *err;
	pthread_cond_broadcast(&t->grown);
	pthread_mutex_unlock(&t->lock);
}

uint64_t mm_tape_rows(const struct mm_tape *t) { return t->rows; }

const struct mm_skip *mm_tape_skips(const struct mm_tape *t, size_t *nr)
{
	*nr = t->nr_skips;
	return t->skips;
}

/* ---- playing ----------------------------------------------------------------- */

/* A chunk with rows; NULL: there are no more, and @p's tape tells why. */
static const struct mm_tape_chunk *next_chunk(const struct mm_tape_player *p)
{
	struct mm_tape *t = p->tape;
	const struct mm_tape_chunk *c;

	pthread_mutex_lock(&t->lock);
	while (!t->ended && p->chunk == t->whole)
		pthread_cond_wait(&t->grown, &t->lock);
	c = p->chunk == t->whole ? NULL : p->chunk ? p->chunk->next : t->first;
	pthread_mutex_unlock(&t->lock);
	return c;
}

static const uint8_t *get(const uint8_t *p, uint64_t *v)
{
	uint64_t n = *p & 0x7f;

	for (unsigned int shift = 7; *p++ & 0x80; shift += 7)
		n |= (uint64_t)(*p & 0x7f) << shift;
	*v = n;
	return p;
}

static const uint8_t *get_difference(const uint8_t *p, uint64_t *v)
{
	uint64_t d;

	p = get(p, &d);
	*v += d >> 1 ^ -(d & 1);
	return p;
}

static const uint8_t *play_full(struct mm_tape_player *t, const uint8_t *p, struct mm_event *ev)
{
	struct mm_str *const text[] = { &ev->flags, &ev->name, &ev->result_word };

	p = get_difference(p, &t->line);
	memcpy(ev, p, sizeof(*ev));
	p += sizeof(*ev);
	for (size_t i = 0; i < 3; i++) {
		text[i]->p = (const char *)p;
		p += text[i]->len;
	}
	t->last = (struct mm_event){ .time_ns = ev->time_ns, .addr = ev->addr, .size = ev->size, .pid = ev->pid, .cpu = ev->cpu,
		.present = ev->present };
	return p;
}

static const uint8_t *play_more(struct mm_tape_player *t, const uint8_t *p)
{
	unsigned int more = *p++;
	uint64_t v;

	if (more & NEW_PID) {
		p = get(p, &v);
		t->last.pid = (uint32_t)v;
	}
	if (more & NEW_CPU) {
		p = get(p, &v);
		t->last.cpu = (uint32_t)v;
	}
	if (more & NEW_SIZE)
		p = get(p, &t->last.size);
	if (more & NEW_PRESENT) {
		p = get(p, &v);
		t->last.present = (uint32_t)v;
	}
	if (more & NEW_LINE)
		p = get_difference(p, &t->line);
	else
		t->line++;
	return p;
}

static const uint8_t *play_row(struct mm_tape_player *t, const uint8_t *p, struct mm_event *ev)
{
	unsigned int tag = *p++;

	if (tag == FULL)
		return play_full(t, p, ev);
	if (tag & MORE)
		p = play_more(t, p);
	else
		t->line++;
	t->last.type = (uint16_t)(tag & ~(unsigned int)MORE);
	p = get_difference(p, &t->last.addr);
	if (t->last.present & MM_TC_BIT(TIME_S))
		p = get_difference(p, &t->last.time_ns);
	else
		t->last.time_ns = 0;
	*ev = t->last;
	return p;
}

long mm_tape_play(struct mm_tape_player *t, struct mm_event *ev, uint64_t *line, size_t max, int *code, struct mm_error *err)
{
	size_t n = 0;

	*code = 0;
	while (!n) {
		const uint8_t *p, *end;

		if (!t->chunk || t->pos == t->chunk->used) {
			const struct mm_tape_chunk *c = next_chunk(t);

			if (!c) {		/* ended: what it was told stays */
				*code = t->tape->code;
				return *code < 0 ? mm_error_set(err, *code, "%s", t->tape->error.text) : 0;
			}
			t->chunk = c;
			t->pos = 0;
		}
		p = t->chunk->bytes + t->pos;
		end = t->chunk->bytes + t->chunk->used;
		for (; n < max && p < end; n++) {
			p = play_row(t, p, &ev[n]);
			line[n] = t->line;
		}
		t->pos = (size_t)(p - t->chunk->bytes);
	}
	return (long)n;
}
