/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * /proc/kpageflags, block by block: nothing of it is kept.
 *
 * The words are in the byte order of the machine they were taken on. A word tells which that is when its bits are all flags in one
 * order and not in the other: the first block that has such words decides, by their number.
 * Source: Linux 6.6 fs/proc/page.c kpageflags_read(), tools/mm/page-types.c.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <libmm/kpageflags.h>

enum { WORDS = 512 };

enum order { UNDECIDED, OURS, SWAPPED };

/* Bits that are flags; those from 47 on are none of the file's. */
#define X(sym, bit, letter, name) | ((bit) < 47 ? UINT64_C(1) << (bit) : 0)
static const uint64_t known = 0 MM_KPF_FLAGS(X);
#undef X

static uint64_t word_at(const char *p)
{
	uint64_t w;

	memcpy(&w, p, sizeof(w));	/* a block need not be aligned */
	return w;
}

static enum order order_of(struct mm_str block)
{
	size_t ours = 0, swapped = 0;

	for (size_t i = 0; i + sizeof(uint64_t) <= block.len; i += sizeof(uint64_t)) {
		uint64_t w = word_at(block.p + i);
		bool is = !(w & ~known), other = !(__builtin_bswap64(w) & ~known);

		ours += is && !other;
		swapped += other && !is;
	}
	return swapped > ours ? SWAPPED : ours ? OURS : UNDECIDED;
}

struct pages {
	int (*fn)(void *, uint64_t, const uint64_t *, size_t);
	void *arg;
	uint64_t pfn;
	enum order order;
};

static int give_out(struct pages *p, struct mm_str block)
{
	uint64_t words[WORDS];

	while (block.len >= sizeof(words[0])) {
		size_t n = block.len / sizeof(words[0]) < WORDS ? block.len / sizeof(words[0]) : WORDS;
		int e;

		for (size_t i = 0; i < n; i++) {
			words[i] = word_at(block.p + i * sizeof(words[0]));
			if (p->order == SWAPPED)
				words[i] = __builtin_bswap64(words[i]);
		}
		e = p->fn(p->arg, p->pfn, words, n);
		if (e)
			return e;
		p->pfn += n;
		block.p += n * sizeof(words[0]);
		block.len -= n * sizeof(words[0]);
	}
	return 0;
}

/* What is undecided is taken for ours; when that proves wrong, too late. */
static int see_order(struct pages *p, struct mm_str block, const char *name, struct mm_error *err)
{
	if (p->order != UNDECIDED)
		return 0;
	p->order = order_of(block);
	if (p->order == SWAPPED && p->pfn)
		return mm_error_set(err, -EINVAL, "%s: words of the other byte order from page frame %" PRIu64
				    " on, before it none that tells", name, p->pfn);
	return 0;
}

int mm_kpageflags_read(struct mm_input *in, uint64_t first, int (*fn)(void *arg, uint64_t pfn, const uint64_t *words, size_t nr),
		       void *arg, struct mm_error *err)
{
	struct pages p = { .fn = fn, .arg = arg };
	size_t keep = 0;
	int e;

	for (;;) {
		struct mm_str block;
		int more = mm_input_block(in, keep, &block, err);

		if (more < 0)
			return more;
		keep = block.len % sizeof(uint64_t);
		if (!more)
			break;
		e = see_order(&p, block, in->name, err);
		if (!e)
			e = give_out(&p, block);
		if (e)
			return e;
		/* a terabyte's words are 2 GiB */
		if (p.order != UNDECIDED && !keep && p.pfn < first && first - p.pfn < UINT64_C(1) << 60 &&
		    mm_input_skip(in, (first - p.pfn) * sizeof(uint64_t)))
			p.pfn = first;
	}
	if (keep)
		return mm_error_set(err, -EINVAL, "%s: expected words of 8 bytes, found %zu bytes more", in->name,
				    keep);
	if (!p.pfn)
		return mm_error_set(err, -EINVAL, "%s: expected a word of 8 bytes for each page, found an empty file",
				    in->name);
	return 0;
}

#define BIT(sym)	(UINT64_C(1) << MM_KPF_##sym)

static const struct {
	uint8_t bit;
	char letter;
	const char *name;
} flags_by_bit[] = {
#define X(sym, number, letter, name) { number, letter, name },
	MM_KPF_FLAGS(X)
#undef X
};
enum { NR_FLAGS = sizeof(flags_by_bit) / sizeof(flags_by_bit[0]) };
_Static_assert((int)NR_FLAGS < (int)MM_KPF_SYMBOLIC, "a letter a flag");

uint64_t mm_kpageflags_well_known(uint64_t flags)
{
	const uint64_t hackers = UINT64_C(0xffff) << 32, compound = BIT(COMPOUND_HEAD) | BIT(COMPOUND_TAIL);

	flags &= ~hackers;
	return flags & BIT(HUGE) ? flags : flags & ~compound;
}

uint64_t mm_kpageflags_raw(uint64_t flags)
{
	if ((flags & BIT(ANON)) && (flags & BIT(MAPPEDTODISK)))
		flags ^= BIT(MAPPEDTODISK) | BIT(ANON_EXCLUSIVE);
	if ((flags & BIT(SLAB)) && (flags & BIT(ACTIVE)))
		flags ^= BIT(ACTIVE) | BIT(SLUB_FROZEN);
	if ((flags & BIT(SLAB)) && (flags & BIT(ERROR)))
		flags ^= BIT(ERROR) | BIT(SLUB_DEBUG);
	if ((flags & (BIT(RECLAIM) | BIT(WRITEBACK))) == BIT(RECLAIM))
		flags ^= BIT(RECLAIM) | BIT(READAHEAD);
	return flags;
}

void mm_kpageflags_symbolic(uint64_t flags, char text[MM_KPF_SYMBOLIC])
{
	for (int i = 0; i < NR_FLAGS; i++)
		text[i] = flags >> flags_by_bit[i].bit & 1 ? flags_by_bit[i].letter : '_';
	text[NR_FLAGS] = 0;
}

void mm_kpageflags_names(uint64_t flags, char text[MM_KPF_NAMES])
{
	size_t n = 0;

	*text = 0;
	for (int i = 0; i < NR_FLAGS; i++) {
		if (flags >> flags_by_bit[i].bit & 1)
			n += (size_t)snprintf(text + n, MM_KPF_NAMES - n, "%s%s", n ? "|" : "", flags_by_bit[i].name);
		flags &= ~(UINT64_C(1) << flags_by_bit[i].bit);
	}
	if (flags)
		snprintf(text + n, MM_KPF_NAMES - n, "%s0x%" PRIx64, n ? "|" : "", flags);
}
