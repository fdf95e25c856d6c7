/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * virt/tlb.h - translation lookaside buffers: L1 data and instruction, shared L2, one set a CPU
 *
 * An entry caches the leaf of a walk with the rights it gave; the address
 * space's id is its PCID.  A hit on the most recent way of a set changes nothing;
 * a hit elsewhere moves it to the front (true LRU within the set).
 */
#ifndef VIRT_TLB_H
#define VIRT_TLB_H

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "virt/pgtable.h"

enum { MM_TLB_R = 0, MM_TLB_W = 1, MM_TLB_X = 2 };	/* kinds of access */

struct mm_tlb_geometry {
	const char *name;		/* as in --tlb= */
	uint16_t l1d_entries, l1d_ways;		/* 4K */
	uint16_t l1d_2m_entries, l1d_2m_ways;
	uint16_t l1i_entries, l1i_ways;		/* 4K */
	uint16_t l1i_2m_entries, l1i_2m_ways;
	uint16_t l2_entries, l2_ways;		/* 4K and 2M together; 0: none */
	uint16_t l1d_1g_entries, l1d_1g_ways, l2_1g_entries, l2_1g_ways;	/* arrays of 1G pages */
	uint8_t psc[3];				/* paging-structure caches: PDEs, PDPTEs, PML4Es */
	const char *help;
};
extern const struct mm_tlb_geometry mm_tlb_presets[];	/* ends with a NULL name; the first is the default */
const struct mm_tlb_geometry *mm_tlb_preset(struct mm_str name);	/* NULL: no such preset */

#define MM_TLB_WRITABLE	(UINT64_C(1) << 0)	/* RW and D are set: a store needs no walk */
#define MM_TLB_EXEC	(UINT64_C(1) << 1)
#define MM_TLB_HUGE	(UINT64_C(1) << 2)
#define MM_TLB_GIGA	(UINT64_C(1) << 3)	/* with MM_TLB_HUGE: a 1G page */

/*
 * tag: low 18 bits of the address space's id, 44 of the page number, 2M << 1 | 1; 0 empty. No other address than a user's may be
 * looked up.
 */
enum { MM_TLB_PAGE_SHIFT = 2, MM_TLB_ID_SHIFT = MM_TLB_PAGE_SHIFT + MM_VPN_BITS };
struct mm_tlb_entry {
	uint64_t tag;
	uint64_t leaf;			/* MM_TLB_* and, as in the entry of the page table, PFN and protection key */
};

/* Sets whose entries lie by use, the one used last first. */
struct mm_tlb_array {
	struct mm_tlb_entry *e;		/* sets * ways */
	uint32_t set_mask, ways;	/* ways 0: there is none (e is empty entries) */
};

/*
 * A set of the second level, which has more ways and is asked for what the first has not: entries stay where they are.
 * @order has their places, four bits each, the one used last lowest; above those of the ways it means nothing. @print has
 * a byte of each tag: one comparison tells which entries may be it.
 */
enum { MM_TLB_L2_WAYS = 16, MM_TLB_PRINT_SHIFT = MM_TLB_PAGE_SHIFT + 7 };
struct mm_tlb_set {
	uint64_t order;
	uint8_t print[MM_TLB_L2_WAYS];
	struct mm_tlb_entry e[MM_TLB_L2_WAYS];
};

struct mm_tlb_l2 {
	struct mm_tlb_set *set;
	uint32_t set_mask, ways;	/* ways 0: there is none (set is one that is empty) */
};

/*
 * A paging-structure cache: entries of one level that lead to a table, so that a walk begins below them. Entries are
 * numbered from 1; they stand in a ring by use (next of 0 is the one used last) and in chains by the hash of their tags.
 */
enum { MM_PSC_MAX = 64, MM_PSC_LEVELS = 3 };
struct mm_psc {
	uint64_t tag[MM_PSC_MAX + 1];
	uint8_t next[MM_PSC_MAX + 1], prev[MM_PSC_MAX + 1];
	uint8_t bucket[MM_PSC_MAX], chain[MM_PSC_MAX + 1];	/* 0: no more */
	uint8_t nr;
};

enum mm_tlb_kind { MM_TLB_L1D, MM_TLB_L1D_2M, MM_TLB_L1I, MM_TLB_L1I_2M, MM_TLB_L1D_1G, MM_TLB_L2_1G, MM_NR_TLB_KINDS };

struct mm_tlb_cpu {
	struct mm_tlb_array a[MM_NR_TLB_KINDS];
	struct mm_tlb_l2 l2;
	uint64_t accesses, l1_hits, l2_hits, walks;		/* l1_hits = accesses - l2_hits - walks */
	uint64_t flush_page, flush_all, shootdowns;
	uint64_t walk_reads;		/* entries that walks read from tables */
	uint64_t psc_hits[MM_PSC_LEVELS];	/* walks that began below a PDE, a PDPTE, a PML4E */
	const uint8_t *psc_entries;
	struct mm_psc psc[MM_PSC_LEVELS];
	uint32_t psc_of;		/* the address space that all entries of psc are of; 0: several, or there are none */
	bool has_large, has_giga;	/* an entry above 4K, one of 1G was filled at some time */
	uint32_t mm_id;			/* address space that runs here, 0 none yet */
};

struct mm_tlb {
	struct mm_ctx *ctx;
	const struct mm_tlb_geometry *geo;
	uint32_t nr_cpus;
	struct mm_tlb_cpu *cpu;
};

int mm_tlb_new(struct mm_tlb **tlbp, struct mm_ctx *ctx, const struct mm_tlb_geometry *geo, uint32_t nr_cpus);
void mm_tlb_free(struct mm_tlb *tlb);

static inline uint64_t mm_tlb_tag(uint64_t page_number, uint32_t id, unsigned int huge)
{
	return ((uint64_t)(id & MM_TLB_ID_MASK) << MM_VPN_BITS | page_number) << MM_TLB_PAGE_SHIFT | huge << 1 | 1;
}

static inline struct mm_tlb_entry *mm_tlb_set_of(const struct mm_tlb_array *a, uint64_t page_number)
{
	return &a->e[(page_number & a->set_mask) * a->ways];
}

/* @at to the front of its set, which begins at @e. */
struct mm_tlb_entry *mm_tlb_to_front(struct mm_tlb_entry *e, struct mm_tlb_entry *at);
/* Where the first four of the @ways entries of the set are not it. */
struct mm_tlb_entry *mm_tlb_find_behind(struct mm_tlb_entry *e, uint32_t ways, uint64_t tag);

/* The entry, moved to the front of its set; NULL: not there. */
static inline struct mm_tlb_entry *mm_tlb_find(const struct mm_tlb_array *a, uint64_t page_number, uint64_t tag)
{
	struct mm_tlb_entry *e = mm_tlb_set_of(a, page_number), hit;

	if (e->tag == tag)
		return e;
	if (e[1].tag == tag) {		/* what is past the set is of another and is not it */
		hit = e[1];
		e[1] = *e;
		*e = hit;
		return e;
	}
	if (e[2].tag == tag)
		return mm_tlb_to_front(e, e + 2);
	if (e[3].tag == tag)
		return mm_tlb_to_front(e, e + 3);
	return a->ways > 4 ? mm_tlb_find_behind(e, a->ways, tag) : NULL;
}

/* What is not there: to the front of its set, where the last goes; what is empty is last. */
static inline __attribute__((always_inline)) struct mm_tlb_entry *mm_tlb_push(const struct mm_tlb_array *a, uint64_t page_number,
									       struct mm_tlb_entry new)
{
	struct mm_tlb_entry *e = mm_tlb_set_of(a, page_number);

	if (a->ways == 4) {
		e[3] = e[2];
		e[2] = e[1];
		e[1] = e[0];
		*e = new;
		return e;
	}
	for (struct mm_tlb_entry *at = e; at < e + a->ways; at++) {
		struct mm_tlb_entry old = *at;

		*at = new;
		new = old;
	}
	return e;
}

/* Places of the set whose byte of the tag is @print, a bit each. */
static inline uint32_t mm_tlb_l2_places(const struct mm_tlb_set *s, uint8_t print)
{
#ifdef __SSE2__
	__m128i same = _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)(const void *)s->print), _mm_set1_epi8((char)print));

	return (uint32_t)_mm_movemask_epi8(same);
#else
	uint32_t places = 0;

	for (unsigned int w = 0; w < MM_TLB_L2_WAYS; w++)
		places |= (uint32_t)(s->print[w] == print) << w;
	return places;
#endif
}

/* Bits of the places of @order up to that of @w, which is in all of them. */
static inline uint64_t mm_tlb_l2_places_to(uint64_t order, unsigned int w)
{
	uint64_t x = order ^ w * UINT64_C(0x1111111111111111);
	uint64_t found = (x - UINT64_C(0x1111111111111111)) & ~x & UINT64_C(0x8888888888888888);

	return found ^ (found - 1);
}

/* The entry at place @w becomes the one used last. */
static inline struct mm_tlb_entry *mm_tlb_l2_use(struct mm_tlb_set *s, unsigned int w)
{
	uint64_t to = mm_tlb_l2_places_to(s->order, w);

	s->order = (s->order & ~to) | (s->order & to >> 4) << 4 | w;
	return &s->e[w];
}

static inline struct mm_tlb_set *mm_tlb_l2_set_of(const struct mm_tlb_l2 *l, uint64_t page_number)
{
	return &l->set[page_number & l->set_mask];
}

/* The entry, now the one used last of its set; NULL: not there. */
static inline struct mm_tlb_entry *mm_tlb_l2_find(struct mm_tlb_set *s, uint64_t tag)
{
	for (uint32_t places = mm_tlb_l2_places(s, (uint8_t)(tag >> MM_TLB_PRINT_SHIFT)); places; places &= places - 1)
		if (s->e[__builtin_ctz(places)].tag == tag)
			return mm_tlb_l2_use(s, (unsigned int)__builtin_ctz(places));
	return NULL;
}

/* What is not there: in the place of the one used last longest ago, or an empty one. */
static inline void mm_tlb_l2_push(const struct mm_tlb_l2 *l, struct mm_tlb_set *s, struct mm_tlb_entry new)
{
	unsigned int w;

	if (!l->ways)
		return;
	w = s->order >> 4 * (l->ways - 1) & 15;
	s->order = s->order << 4 | w;
	s->print[w] = (uint8_t)(new.tag >> MM_TLB_PRINT_SHIFT);
	s->e[w] = new;
}

/* L2 has it and L1 not. */
static inline struct mm_tlb_entry *mm_tlb_refill(struct mm_tlb_cpu *c, unsigned int l1, uint64_t page_number, const struct mm_tlb_entry *e)
{
	c->l2_hits++;
	return mm_tlb_push(&c->a[l1], page_number, *e);
}

_Static_assert((int)MM_TLB_WRITABLE == MM_TLB_W && (int)MM_TLB_EXEC == MM_TLB_X,
	       "the rights that a kind of access needs are its number");

static inline unsigned int mm_tlb_l1(unsigned int kind)
{
	_Static_assert(MM_TLB_L1D == 0 && (int)MM_TLB_L1I == MM_TLB_X, "the array of instructions by the bit of a fetch");
	return kind & MM_TLB_X;
}

/*
 * A look-up is two steps. First what L1 has of the page as one of 4K: serves it, go no further. Else, where that was NULL,
 * what the others have: L1 of larger pages, then L2 (a hit there refills L1). NULL: a walk is needed. @kind is MM_TLB_R, W or X.
 */
static inline struct mm_tlb_entry *mm_tlb_lookup_first(const struct mm_tlb_cpu *c, uint32_t id, uint64_t vaddr, unsigned int kind)
{
	uint64_t page = vaddr >> MM_PAGE_SHIFT;

	return mm_tlb_find(&c->a[mm_tlb_l1(kind)], page, mm_tlb_tag(page, id, 0));
}
static inline struct mm_tlb_entry *mm_tlb_lookup_l2(struct mm_tlb_cpu *c, uint32_t id, uint64_t vaddr, unsigned int kind)
{
	const uint64_t page = vaddr >> MM_PAGE_SHIFT;
	const struct mm_tlb_entry *e = mm_tlb_l2_find(mm_tlb_l2_set_of(&c->l2, page), mm_tlb_tag(page, id, 0));

	return e ? mm_tlb_refill(c, mm_tlb_l1(kind), page, e) : NULL;
}
struct mm_tlb_entry *mm_tlb_lookup_large(struct mm_tlb_cpu *c, uint32_t id, uint64_t vaddr, unsigned int kind);
static inline struct mm_tlb_entry *mm_tlb_lookup_more(struct mm_tlb_cpu *c, uint32_t id, uint64_t vaddr, unsigned int kind)
{
	return c->has_large ? mm_tlb_lookup_large(c, id, vaddr, kind) : mm_tlb_lookup_l2(c, id, vaddr, kind);
}
static inline bool mm_tlb_serves(const struct mm_tlb_entry *e, unsigned int kind) { return e && !(kind & ~e->leaf); }
static inline struct mm_tlb_entry *mm_tlb_lookup(struct mm_tlb_cpu *c, uint32_t id, uint64_t vaddr, unsigned int kind)
{
	struct mm_tlb_entry *e = mm_tlb_lookup_first(c, id, vaddr, kind);

	return e ? e : mm_tlb_lookup_more(c, id, vaddr, kind);
}
/* Into L1 and L2; @leaf as in struct mm_tlb_entry; @absent: the look-up just before found nothing. */
void mm_tlb_fill_more(struct mm_tlb_cpu *c, uint32_t id, uint64_t vaddr, unsigned int kind, uint64_t leaf, bool absent);
static inline void mm_tlb_fill(struct mm_tlb_cpu *c, uint32_t id, uint64_t vaddr, unsigned int kind, uint64_t leaf, bool absent)
{
	uint64_t page = vaddr >> MM_PAGE_SHIFT;
	struct mm_tlb_entry new = { mm_tlb_tag(page, id, 0), leaf };

	if (!absent || leaf & MM_TLB_HUGE) {
		mm_tlb_fill_more(c, id, vaddr, kind, leaf, absent);
		return;
	}
	mm_tlb_push(&c->a[mm_tlb_l1(kind)], page, new);
	mm_tlb_l2_push(&c->l2, mm_tlb_l2_set_of(&c->l2, page), new);
}

/*
 * A walk for @vaddr that ended at @level (1 PTE .. 4 PML4E, 5 PML5E): count what it read and remember the tables on its way;
 * the second for one to level 1 that does not begin below the PDE used last.
 */
void mm_tlb_walked_far(struct mm_tlb_cpu *c, const struct mm_struct *mm, uint64_t vaddr, unsigned int level);
void mm_tlb_walked_below(struct mm_tlb_cpu *c, const struct mm_struct *mm, uint64_t vaddr);
/* A walk to level 1 begins below the PDE used last: then nothing moves. */
static inline bool mm_tlb_is_below_pde(const struct mm_tlb_cpu *c, const struct mm_struct *mm, uint64_t vaddr)
{
	return c->psc[0].tag[c->psc[0].next[0]] == mm_pmd_tag(mm, vaddr);
}
static inline void mm_tlb_walked_near(struct mm_tlb_cpu *c)
{
	c->psc_hits[0]++;
	c->walk_reads++;
}
static inline void mm_tlb_walked(struct mm_tlb_cpu *c, const struct mm_struct *mm, uint64_t vaddr, unsigned int level)
{
	if (level > 1)
		mm_tlb_walked_far(c, mm, vaddr, level);
	else if (mm_tlb_is_below_pde(c, mm, vaddr))
		mm_tlb_walked_near(c);
	else
		mm_tlb_walked_below(c, mm, vaddr);
}

/*
 * Drop what is cached of [start, end) of @mm, on every CPU; above 33 pages everything of @mm goes
 * (tlb_single_page_flush_ceiling).
 */
void mm_flush_tlb_range(struct mm_struct *mm, uint64_t start, uint64_t end);
void mm_flush_tlb_page(struct mm_struct *mm, uint64_t vaddr);
void mm_flush_tlb_mm(struct mm_struct *mm);

bool mm_tlb_is_consistent(const struct mm_tlb *tlb);

#endif /* VIRT_TLB_H */
