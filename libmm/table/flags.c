/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Flag words, from flag_words.def.  A word whose mask is wider than one bit is
 * one value of a field (MAP_PRIVATE of MAP_TYPE, MADV_FREE of everything).
 */
#include <errno.h>
#include <string.h>

#include <libmm/csv.h>
#include <libmm/flags.h>
#include "base/str.h"
#include "base/nearest.h"
#include "table/numbers.h"

struct flag_word {
	uint8_t kind;
	const char *word;
	uint64_t value, mask;
};

static const struct flag_word words[] = {
#define X(kind, word, value, mask) { MM_FLAG_##kind, #word, value, (mask) ? (mask) : (value) },
#include <libmm/flag_words.def>
#undef X
};
enum { NR_WORDS = sizeof(words) / sizeof(words[0]) };

static const struct flag_word *find(enum mm_flag_kind kind, struct mm_str s)
{
	for (size_t i = 0; i < NR_WORDS; i++)
		if (words[i].kind == kind && mm_str_is(s, words[i].word))
			return &words[i];
	return NULL;
}

/* 0x1f, 12, 0644, 21<<MAP_HUGE_SHIFT */
static bool number(struct mm_str s, uint64_t *v)
{
	static const char shift[] = "<<MAP_HUGE_SHIFT";
	size_t n = sizeof(shift) - 1;

	if (s.len > n && !memcmp(s.p + s.len - n, shift, n)) {
		if (mm_parse_u64((struct mm_str){ s.p, s.len - n }, v) || *v > 63)
			return false;
		*v <<= 26;
		return true;
	}
	if (s.len > 1 && s.p[0] == '0' && s.p[1] != 'x' && s.p[1] != 'X') {
		*v = 0;
		for (size_t i = 0; i < s.len; i++) {
			if (s.p[i] < '0' || s.p[i] > '7' || *v >> 61)
				return false;
			*v = *v << 3 | (uint64_t)(s.p[i] - '0');
		}
		return true;
	}
	return !mm_parse_u64(s, v);
}

static int parse(const enum mm_flag_kind *kinds, uint64_t *const *out, size_t nr, struct mm_str text,
		 struct mm_str *bad)
{
	uint64_t bits[2] = { 0 }, v;
	struct mm_str word;

	if (!text.len)
		text.p = NULL;
	while (mm_next_word(&text, &word)) {
		const struct flag_word *w = NULL;
		size_t k = 0;

		while (k < nr && !(w = find(kinds[k], word)))
			k++;
		if (w) {
			bits[k] |= w->value;
		} else if (number(word, &v)) {
			bits[nr - 1] |= v;
		} else {
			if (bad)
				*bad = word;
			return -EINVAL;
		}
	}
	for (size_t k = 0; k < nr; k++)
		*out[k] = bits[k];
	return 0;
}

int mm_flags_parse(enum mm_flag_kind kind, struct mm_str text, uint64_t *bits, struct mm_str *bad)
{
	return parse(&kind, &bits, 1, text, bad);
}

int mm_flags_parse_mmap(struct mm_str text, uint64_t *prot, uint64_t *map, struct mm_str *bad)
{
	static const enum mm_flag_kind kinds[] = { MM_FLAG_PROT, MM_FLAG_MAP };
	uint64_t *const out[] = { prot, map };

	return parse(kinds, out, 2, text, bad);
}

struct text {
	char *p;
	size_t n, room;
};

static void put_word(struct text *t, const char *word, size_t len)
{
	size_t bar = t->n != 0;

	if (t->n + bar + len >= t->room)
		return;
	if (bar)
		t->p[t->n++] = '|';
	memcpy(t->p + t->n, word, len);
	t->n += len;
}

static void format(struct text *t, enum mm_flag_kind kind, uint64_t bits)
{
	uint64_t rest = bits, done = 0;
	char hex[MM_NUMBER_ROOM];

	for (size_t i = 0; i < NR_WORDS; i++) {
		const struct flag_word *w = &words[i];

		if (w->kind != kind || done & w->mask || (bits & w->mask) != w->value)
			continue;
		done |= w->mask;
		rest &= ~w->mask;
		put_word(t, w->word, strlen(w->word));
	}
	if (rest)
		put_word(t, hex, (size_t)(mm_format_hex(hex, rest) - hex));
}

size_t mm_flags_format(enum mm_flag_kind kind, uint64_t bits, char *buf, size_t room)
{
	struct text t = { buf, 0, room };

	format(&t, kind, bits);
	buf[t.n] = 0;
	return t.n;
}

size_t mm_flags_format_mmap(uint64_t prot, uint64_t map, char *buf, size_t room)
{
	struct text t = { buf, 0, room };

	format(&t, MM_FLAG_PROT, prot);
	if (map)
		format(&t, MM_FLAG_MAP, map);
	buf[t.n] = 0;
	return t.n;
}

const char *mm_flags_nearest(enum mm_flag_kind kind, struct mm_str word)
{
	const char *names[NR_WORDS];
	size_t n = 0;

	for (size_t i = 0; i < NR_WORDS; i++)
		if (words[i].kind == kind)
			names[n++] = words[i].word;
	return mm_nearest(word, names, n);
}
