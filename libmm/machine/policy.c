/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * machine/policy.c - lru, fifo, clock, second-chance and opt on a string of references
 *
 * Pages in memory lie in an array of frames that grows to the limit; a hash
 * with linear probing finds them.  lru, fifo and second-chance link frames into a
 * queue (head: next to go); clock has a hand.  opt knows each reference's next
 * use and keeps the frames in a heap by it, stale entries thrown out when they surface.
 *
 * Sources: L. A. Belady, A study of replacement algorithms for a virtual-storage
 * computer, IBM Systems Journal 5(2), 1966; F. J. Corbato, A paging experiment with
 * the Multics system, 1968 (clock).
 */
#include <libmm/policy.h>
#include "base/hash.h"
#include "base/str.h"

#include <errno.h>
#include <stdlib.h>

#include "base/host_memory.h"

#define NONE UINT32_MAX

struct frame {
	uint64_t page;
	uint32_t prev, next;
	bool referenced;
};

struct mm_policy {
	enum mm_policy_kind kind;
	uint32_t limit, nr, cap;
	struct frame *frames;
	uint32_t head, tail, hand;
	uint32_t *hash;				/* frame + 1; nr_hash is a power of two, at least twice cap */
	uint32_t nr_hash;
};

static const char *const words[] = {
#define X(sym, word, help) word,
	MM_POLICIES(X)
#undef X
};

const char *mm_policy_word(enum mm_policy_kind k) { return words[k]; }

int mm_policy_parse(struct mm_str word)
{
	for (int k = 0; k < MM_NR_POLICIES; k++)
		if (mm_str_is(word, words[k]))
			return k;
	return -EINVAL;
}

static uint32_t home(const struct mm_policy *p, uint64_t page)
{
	return (uint32_t)mm_hash_slot(page, p->nr_hash);
}

/* Slot of @page, or the empty one where it belongs. */
static uint32_t find(const struct mm_policy *p, uint64_t page)
{
	uint32_t i = home(p, page);

	while (p->hash[i] && p->frames[p->hash[i] - 1].page != page)
		i = (i + 1) & (p->nr_hash - 1);
	return i;
}

/* Empty a slot and close the gap behind it. */
static void unhash(struct mm_policy *p, uint32_t i)
{
	uint32_t mask = p->nr_hash - 1;

	for (uint32_t k = (i + 1) & mask; p->hash[k]; k = (k + 1) & mask) {
		uint32_t h = home(p, p->frames[p->hash[k] - 1].page);

		if (((k - h) & mask) >= ((k - i) & mask)) {
			p->hash[i] = p->hash[k];
			i = k;
		}
	}
	p->hash[i] = 0;
}

static int grow(struct mm_policy *p)
{
	uint32_t cap = p->cap ? p->cap > p->limit / 2 ? p->limit : p->cap * 2 : p->limit < 64 ? p->limit : 64,
		nr_hash = 16;
	struct frame *f = mm_host_realloc(p->frames, cap * sizeof(*f));
	uint32_t *hash;

	if (!f)
		return -ENOMEM;
	p->frames = f;
	while (nr_hash < cap * 2u && nr_hash < 1u << 31)
		nr_hash *= 2;
	hash = mm_host_calloc(nr_hash, sizeof(*hash));
	if (!hash)
		return -ENOMEM;
	free(p->hash);
	p->hash = hash;
	p->nr_hash = nr_hash;
	p->cap = cap;
	for (uint32_t i = 0; i < p->nr; i++)
		p->hash[find(p, p->frames[i].page)] = i + 1;
	return 0;
}

int mm_policy_new(struct mm_policy **pp, enum mm_policy_kind kind, uint32_t frames)
{
	struct mm_policy *p;

	if (kind >= MM_POLICY_OPT || !frames || frames > 1u << 30)
		return -EINVAL;
	p = mm_host_calloc(1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	*p = (struct mm_policy){ .kind = kind, .limit = frames, .head = NONE, .tail = NONE };
	if (grow(p)) {
		mm_policy_free(p);
		return -ENOMEM;
	}
	*pp = p;
	return 0;
}

void mm_policy_free(struct mm_policy *p)
{
	if (!p)
		return;
	free(p->frames);
	free(p->hash);
	free(p);
}

static void queue_del(struct mm_policy *p, uint32_t i)
{
	struct frame *f = &p->frames[i];

	*(f->prev == NONE ? &p->head : &p->frames[f->prev].next) = f->next;
	*(f->next == NONE ? &p->tail : &p->frames[f->next].prev) = f->prev;
}

static void queue_add(struct mm_policy *p, uint32_t i)
{
	p->frames[i].prev = p->tail;
	p->frames[i].next = NONE;
	*(p->tail == NONE ? &p->head : &p->frames[p->tail].next) = i;
	p->tail = i;
}

/* The frame that is given up. */
static uint32_t choose(struct mm_policy *p)
{
	uint32_t i = p->head;

	if (p->kind == MM_POLICY_CLOCK) {
		for (; p->frames[p->hand].referenced; p->hand = (p->hand + 1) % p->nr)
			p->frames[p->hand].referenced = false;
		i = p->hand;
		p->hand = (p->hand + 1) % p->nr;
		return i;
	}
	for (; p->kind == MM_POLICY_SECOND_CHANCE && p->frames[i].referenced; i = p->head) {
		p->frames[i].referenced = false;
		queue_del(p, i);
		queue_add(p, i);
	}
	queue_del(p, i);
	return i;
}

int mm_policy_reference(struct mm_policy *p, uint64_t page)
{
	uint32_t slot = find(p, page), i;

	if (p->hash[slot]) {
		i = p->hash[slot] - 1;
		p->frames[i].referenced = true;
		if (p->kind == MM_POLICY_LRU && i != p->tail) {
			queue_del(p, i);
			queue_add(p, i);
		}
		return 0;
	}
	if (p->nr < p->limit) {
		if (p->nr == p->cap && grow(p))
			return -ENOMEM;
		i = p->nr++;
	} else {
		i = choose(p);
		unhash(p, find(p, p->frames[i].page));
	}
	/* the page has been used once; its bit says whether it is used again */
	p->frames[i].page = page;
	p->frames[i].referenced = false;
	p->hash[find(p, page)] = i + 1;
	if (p->kind != MM_POLICY_CLOCK)
		queue_add(p, i);
	return 1;
}

bool mm_policy_is_consistent(const struct mm_policy *p)
{
	uint32_t n = 0, prev = NONE;

	for (uint32_t i = 0; i < p->nr; i++)
		if (p->hash[find(p, p->frames[i].page)] != i + 1)
			return false;
	if (p->kind == MM_POLICY_CLOCK)
		return p->nr <= p->limit;
	for (uint32_t i = p->head; i != NONE && n <= p->nr; prev = i, i = p->frames[i].next, n++)
		if (p->frames[i].prev != prev)
			return false;
	return n == p->nr && p->tail == prev && p->nr <= p->limit;
}

/* ---- opt ---- */

struct use {
	uint64_t next;			/* index of the page's next reference, UINT64_MAX never */
	uint64_t page;
};

struct opt {
	struct use *heap;		/* latest next use on top */
	size_t nr;
	uint64_t *current;		/* by id of a page: its next use while in memory, 0 when it is out */
};

static void sift_up(struct opt *o, size_t i)
{
	for (; i && o->heap[(i - 1) / 2].next < o->heap[i].next; i = (i - 1) / 2) {
		struct use t = o->heap[i];

		o->heap[i] = o->heap[(i - 1) / 2];
		o->heap[(i - 1) / 2] = t;
	}
}

static struct use pop(struct opt *o)
{
	struct use top = o->heap[0];

	o->heap[0] = o->heap[--o->nr];
	for (size_t i = 0, c; (c = 2 * i + 1) < o->nr; i = c) {
		struct use t = o->heap[i];

		if (c + 1 < o->nr && o->heap[c + 1].next > o->heap[c].next)
			c++;
		if (o->heap[c].next <= t.next)
			break;
		o->heap[i] = o->heap[c];
		o->heap[c] = t;
	}
	return top;
}

struct place {
	uint64_t page, at;
};

static int by_page(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	if (x->page != y->page)
		return x->page < y->page ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

/* For each reference the id of its page and the place of the next one to it. */
static int look_ahead(const uint64_t *refs, size_t n, uint64_t *id, uint64_t *next)
{
	struct place *v = mm_host_malloc((n ? n : 1) * sizeof(*v));
	uint64_t ids = 0;

	if (!v)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		v[i] = (struct place){ refs[i], i };
	qsort(v, n, sizeof(*v), by_page);
	for (size_t i = 0; i < n; i++) {
		bool more = i + 1 < n && v[i + 1].page == v[i].page;

		id[v[i].at] = ids;
		next[v[i].at] = more ? v[i + 1].at : UINT64_MAX;
		ids += !more;
	}
	free(v);
	return 0;
}

static uint64_t opt_faults(struct opt *o, const uint64_t *id, const uint64_t *next, size_t n, uint32_t frames)
{
	uint64_t faults = 0, held = 0;

	for (size_t i = 0; i < n; i++) {
		if (!o->current[id[i]]) {
			faults++;
			if (held == frames) {
				struct use u;

				do
					u = pop(o);
				while (o->current[u.page] != u.next);
				o->current[u.page] = 0;
				held--;
			}
			held++;
		}
		o->current[id[i]] = next[i];
		o->heap[o->nr] = (struct use){ next[i], id[i] };
		sift_up(o, o->nr++);
	}
	return faults;
}

static int opt_run(const uint64_t *refs, size_t n, uint32_t frames, uint64_t *faults)
{
	struct opt o = { 0 };
	uint64_t *id, *next;
	int rc = -ENOMEM;

	if (n > SIZE_MAX / sizeof(struct use) - 1)
		return -ENOMEM;
	id = mm_host_malloc((n + 1) * sizeof(*id));
	next = mm_host_malloc((n + 1) * sizeof(*next));
	o.heap = mm_host_malloc((n + 1) * sizeof(*o.heap));
	o.current = mm_host_calloc(n + 1, sizeof(*o.current));
	if (id && next && o.heap && o.current)
		rc = look_ahead(refs, n, id, next);
	if (!rc)
		*faults = opt_faults(&o, id, next, n, frames);
	free(id);
	free(next);
	free(o.heap);
	free(o.current);
	return rc;
}

int mm_policy_run(enum mm_policy_kind kind, const uint64_t *refs, size_t n, uint32_t frames, uint64_t *faults)
{
	struct mm_policy *p;
	uint64_t nr = 0;
	int rc;

	if (!frames || kind >= MM_NR_POLICIES)
		return -EINVAL;
	if (kind == MM_POLICY_OPT)
		return opt_run(refs, n, frames, faults);
	rc = mm_policy_new(&p, kind, frames);
	for (size_t i = 0; rc >= 0 && i < n; i++) {
		rc = mm_policy_reference(p, refs[i]);
		nr += rc > 0;
	}
	if (rc >= 0) {
		mm_policy_free(p);
		*faults = nr;
		return 0;
	}
	if (rc != -EINVAL)
		mm_policy_free(p);
	return rc;
}
