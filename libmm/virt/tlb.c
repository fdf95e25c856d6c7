/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * TLBs: what each CPU remembers of walks.
 *
 * Each array is sets of ways, replaced by recency within the set (true LRU): a fill drops the one used last longest
 * ago. L1 has arrays of its own for 4K and 2M pages, data and instructions, and a hit moves an entry to the front of its set; L2
 * holds both sizes, and a hit changes the order alone. L1 is not included in L2 and is refilled from it.
 *
 *	access -> L1 (4K, then 2M) -> L2 -> walk -> fill L1 and L2
 *
 * A flush drops entries on every CPU. Only CPUs on which the address space is
 * loaded get an interrupt (nr_tlb_remote_flush); for the others the kernel drops them when it is
 * loaded next, which comes to the same. Geometries: Intel's optimization manual (Haswell,
 * Skylake, Ice Lake), AMD's software optimization guide for family 17h (Zen 2).
 * Paging-structure caches hold the entries above the leaf, for a walk to begin at the lowest that is known; each is
 * small and fully associative, and INVLPG empties those of its address space (Intel SDM 4.10.3, 4.10.4). Their sizes:
 * van Schaik et al., "RevAnC" (2017). PML5Es are in none: no figure is known, and a process needs one of them.
 * 1G pages have arrays of their own; where there is none, and for instructions, an entry of the 2M of them that is used
 * stands for them (fracturing). Left out: that Ice Lake's second level shares the room of 1G entries with others.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/host_memory.h"
#include "base/str.h"
#include "virt/pgtable.h"
#include "virt/tlb.h"

enum { TLB_SINGLE_PAGE_FLUSH_CEILING = 33 };

const struct mm_tlb_geometry mm_tlb_presets[] = {
	{ "skylake", 64, 4, 32, 4, 128, 8, 8, 8, 1536, 12, 4, 4, 16, 4, { 32, 4, 2 }, "Intel Skylake to Comet Lake" },
	{ "haswell", 64, 4, 32, 4, 128, 4, 8, 8, 1024, 8, 4, 4, 0, 0, { 32, 4, 2 }, "Intel Haswell" },
	{ "icelake", 64, 4, 32, 4, 128, 8, 16, 16, 2048, 16, 8, 8, 1024, 8, { 32, 4, 2 }, "Intel Ice Lake, Tiger Lake" },
	{ "zen2", 64, 64, 64, 64, 64, 64, 64, 64, 2048, 16, 64, 64, 0, 0, { 64, 24, 12 }, "AMD Zen 2" },
	{ "none", 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, { 0 }, "no TLB: every access walks" },
	{ 0 }
};

const struct mm_tlb_geometry *mm_tlb_preset(struct mm_str name)
{
	for (const struct mm_tlb_geometry *g = mm_tlb_presets; g->name; g++)
		if (mm_str_is(name, g->name))
			return g;
	return NULL;
}

const char *mm_tlb_name(size_t i, const char **help)
{
	if (i >= sizeof(mm_tlb_presets) / sizeof(mm_tlb_presets[0]) - 1)
		return NULL;
	*help = mm_tlb_presets[i].help;
	return mm_tlb_presets[i].name;
}

static int array_init(struct mm_tlb_array *a, uint32_t entries, uint32_t ways)
{
	a->ways = ways;
	a->set_mask = entries ? entries / ways - 1 : 0;
	a->e = mm_host_calloc(entries + UINT32_C(4), sizeof(*a->e));	/* four past the last set may be looked at */
	return a->e ? 0 : -ENOMEM;
}

static int l2_init(struct mm_tlb_l2 *l, uint32_t entries, uint32_t ways)
{
	_Static_assert(MM_TLB_L2_WAYS == 16, "a place is four bits");
	l->ways = ways;
	l->set_mask = entries ? entries / ways - 1 : 0;
	l->set = mm_host_calloc(l->set_mask + UINT32_C(1), sizeof(*l->set));
	for (uint32_t i = 0; l->set && i <= l->set_mask; i++)
		l->set[i].order = UINT64_C(0xfedcba9876543210);
	return l->set ? 0 : -ENOMEM;
}

static int cpu_init(struct mm_tlb_cpu *c, const struct mm_tlb_geometry *g)
{
	if (array_init(&c->a[MM_TLB_L1D], g->l1d_entries, g->l1d_ways) ||
	    array_init(&c->a[MM_TLB_L1D_2M], g->l1d_2m_entries, g->l1d_2m_ways) ||
	    array_init(&c->a[MM_TLB_L1I], g->l1i_entries, g->l1i_ways) ||
	    array_init(&c->a[MM_TLB_L1I_2M], g->l1i_2m_entries, g->l1i_2m_ways) ||
	    array_init(&c->a[MM_TLB_L1D_1G], g->l1d_1g_entries, g->l1d_1g_ways) ||
	    array_init(&c->a[MM_TLB_L2_1G], g->l2_1g_entries, g->l2_1g_ways) || l2_init(&c->l2, g->l2_entries, g->l2_ways))
		return -ENOMEM;
	c->psc_entries = g->psc;
	return 0;
}

int mm_tlb_new(struct mm_tlb **tlbp, struct mm_ctx *ctx, const struct mm_tlb_geometry *geo, uint32_t nr_cpus)
{
	struct mm_tlb *t = mm_host_calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->ctx = ctx;
	t->geo = geo ? geo : mm_tlb_presets;
	t->cpu = mm_host_calloc(nr_cpus, sizeof(*t->cpu));
	for (; t->cpu && t->nr_cpus < nr_cpus; t->nr_cpus++)
		if (cpu_init(&t->cpu[t->nr_cpus], t->geo)) {
			t->nr_cpus++;
			break;
		}
	if (!t->cpu || t->nr_cpus < nr_cpus || !t->cpu[nr_cpus - 1].l2.set) {
		mm_tlb_free(t);
		return -ENOMEM;
	}
	*tlbp = t;
	return 0;
}

void mm_tlb_free(struct mm_tlb *t)
{
	if (!t)
		return;
	for (uint32_t i = 0; i < t->nr_cpus; i++) {
		for (unsigned int k = 0; k < MM_NR_TLB_KINDS; k++)
			free(t->cpu[i].a[k].e);
		free(t->cpu[i].l2.set);
	}
	free(t->cpu);
	free(t);
}

struct mm_tlb_entry *mm_tlb_to_front(struct mm_tlb_entry *e, struct mm_tlb_entry *at)
{
	struct mm_tlb_entry hit = *at;

	for (; at > e; at--)
		*at = at[-1];
	*e = hit;
	return e;
}

struct mm_tlb_entry *mm_tlb_find_behind(struct mm_tlb_entry *e, uint32_t ways, uint64_t tag)
{
	for (struct mm_tlb_entry *at = e + 4; at < e + ways; at += 2) {
		if (at[0].tag == tag)
			return mm_tlb_to_front(e, at);
		if (at[1].tag == tag)		/* may be past the set */
			return mm_tlb_to_front(e, at + 1);
	}
	return NULL;
}

/* At the front of its set, in the place of what that had of it (nothing if it is @absent). */
static void insert(const struct mm_tlb_array *a, uint64_t page_number, struct mm_tlb_entry new, bool absent)
{
	struct mm_tlb_entry *e = absent ? NULL : mm_tlb_find(a, page_number, new.tag);

	if (e)
		*e = new;
	else
		mm_tlb_push(a, page_number, new);
}

/* The place @w is empty now: behind all others. */
static void l2_empty(const struct mm_tlb_l2 *l, struct mm_tlb_set *s, unsigned int w)
{
	uint64_t before = mm_tlb_l2_places_to(s->order, w) >> 4, last = UINT64_C(1) << 4 * (l->ways - 1);

	s->order = (s->order & before) | (s->order >> 4 & ~before & (last - 1)) | w * last;
	s->e[w] = (struct mm_tlb_entry){ 0 };
}

static void l2_insert(const struct mm_tlb_l2 *l, uint64_t page_number, struct mm_tlb_entry new, bool absent)
{
	struct mm_tlb_set *s = mm_tlb_l2_set_of(l, page_number);
	struct mm_tlb_entry *e = absent ? NULL : mm_tlb_l2_find(s, new.tag);

	if (e)
		*e = new;
	else
		mm_tlb_l2_push(l, s, new);
}

static struct mm_tlb_entry *lookup_giga(struct mm_tlb_cpu *c, uint32_t id, uint64_t vaddr)
{
	uint64_t page = vaddr >> MM_PUD_SHIFT;
	struct mm_tlb_entry *e = mm_tlb_find(&c->a[MM_TLB_L1D_1G], page, mm_tlb_tag(page, id, 1));

	if (e)
		return e;
	e = mm_tlb_find(&c->a[MM_TLB_L2_1G], page, mm_tlb_tag(page, id, 1));
	return e ? mm_tlb_refill(c, MM_TLB_L1D_1G, page, e) : NULL;
}

struct mm_tlb_entry *mm_tlb_lookup_large(struct mm_tlb_cpu *c, uint32_t id, uint64_t vaddr, unsigned int kind)
{
	const uint64_t page = vaddr >> MM_PMD_SHIFT, tag = mm_tlb_tag(page, id, 1);
	const unsigned int l1 = mm_tlb_l1(kind) + 1;
	struct mm_tlb_entry *e = mm_tlb_find(&c->a[l1], page, tag);

	if (!e)
		e = mm_tlb_lookup_l2(c, id, vaddr, kind);
	if (e)
		return e;
	e = mm_tlb_l2_find(mm_tlb_l2_set_of(&c->l2, page), tag);
	if (e)
		return mm_tlb_refill(c, l1, page, e);
	return c->has_giga && kind != MM_TLB_X ? lookup_giga(c, id, vaddr) : NULL;
}

void mm_tlb_fill_more(struct mm_tlb_cpu *c, uint32_t id, uint64_t vaddr, unsigned int kind, uint64_t leaf, bool absent)
{
	const uint64_t page = vaddr >> MM_PAGE_SHIFT, huge = vaddr >> MM_PMD_SHIFT, giga = vaddr >> MM_PUD_SHIFT;
	struct mm_tlb_entry new = { mm_tlb_tag(page, id, 0), leaf };

	if (!(leaf & MM_TLB_HUGE)) {
		insert(&c->a[mm_tlb_l1(kind)], page, new, absent);
		l2_insert(&c->l2, page, new, absent);
		return;
	}
	c->has_large = true;
	if (leaf & MM_TLB_GIGA && kind != MM_TLB_X && c->a[MM_TLB_L1D_1G].ways) {
		c->has_giga = true;
		new.tag = mm_tlb_tag(giga, id, 1);
		insert(&c->a[MM_TLB_L1D_1G], giga, new, false);
		insert(&c->a[MM_TLB_L2_1G], giga, new, false);
		return;
	}
	new.tag = mm_tlb_tag(huge, id, 1);
	if (leaf & MM_TLB_GIGA)		/* the 2M part of it */
		new.leaf = (leaf & ~MM_TLB_GIGA) + (vaddr & (MM_PUD_SIZE - 1) & ~(MM_PMD_SIZE - 1));
	insert(&c->a[mm_tlb_l1(kind) + 1], huge, new, absent);
	l2_insert(&c->l2, huge, new, absent);
}

/* ---- paging-structure caches ------------------------------------------------ */

static uint8_t *psc_bucket(struct mm_psc *p, uint64_t tag)
{
	return &p->bucket[tag * UINT64_C(0x9e3779b97f4a7c15) >> 58];
}

static void psc_unlink(struct mm_psc *p, uint8_t i)
{
	p->next[p->prev[i]] = p->next[i];
	p->prev[p->next[i]] = p->prev[i];
}

static void psc_first(struct mm_psc *p, uint8_t i)
{
	p->next[i] = p->next[0];
	p->prev[i] = 0;
	p->prev[p->next[0]] = i;
	p->next[0] = i;
}

static inline void psc_to_front(struct mm_psc *p, uint8_t i)
{
	if (p->next[0] == i)
		return;
	psc_unlink(p, i);
	psc_first(p, i);
}

/* Is it there? It is then the first. */
static bool psc_find(struct mm_psc *p, uint64_t tag)
{
	uint8_t i = *psc_bucket(p, tag);

	while (i && p->tag[i] != tag)
		i = p->chain[i];
	if (i)
		psc_to_front(p, i);
	return i;
}

/* @tag is not there: it becomes the first, of the bucket @at, in the place of the last where @room entries are in use. */
static inline void psc_add(struct mm_psc *p, uint8_t *at, uint64_t tag, uint8_t room)
{
	uint8_t i = p->prev[0];

	if (p->nr < room) {
		i = ++p->nr;
	} else {
		uint8_t *old = psc_bucket(p, p->tag[i]);

		while (*old != i)
			old = &p->chain[*old];
		*old = p->chain[i];
		psc_unlink(p, i);
	}
	p->tag[i] = tag;
	p->chain[i] = *at;
	*at = i;
	psc_first(p, i);
}

static inline bool psc_has_some(const struct mm_tlb_cpu *c) { return c->psc[0].nr | c->psc[1].nr | c->psc[2].nr; }

static inline void psc_is_of(struct mm_tlb_cpu *c, uint32_t id)
{
	if (c->psc_of != id)
		c->psc_of = psc_has_some(c) ? 0 : id;
}

static void psc_fill(struct mm_tlb_cpu *c, uint32_t id, uint64_t vaddr, unsigned int level)
{
	struct mm_psc *p = &c->psc[level - 2];
	uint64_t tag = mm_entry_tag(id, vaddr, level);

	if (!c->psc_entries[level - 2])
		return;
	psc_is_of(c, id);
	psc_add(p, psc_bucket(p, tag), tag, c->psc_entries[level - 2]);
}

void mm_tlb_walked_far(struct mm_tlb_cpu *c, const struct mm_struct *mm, uint64_t vaddr, unsigned int level)
{
	const unsigned int cached = MM_PSC_LEVELS + 1;	/* highest level with a cache */
	unsigned int from = mm_nr_levels(mm->virt);

	for (unsigned int l = level + 1; l <= cached; l++)
		if (psc_find(&c->psc[l - 2], mm_entry_tag(mm->id, vaddr, l))) {
			c->psc_hits[l - 2]++;
			from = l - 1;
			break;
		}
	c->walk_reads += from - level + 1;
	for (unsigned int l = from < cached ? from : cached; l > level; l--)
		psc_fill(c, mm->id, vaddr, l);
}

/* Nothing is known after a flush: an entry of each level is the only one. */
static void psc_begin(struct mm_tlb_cpu *c, uint32_t id, uint64_t vaddr)
{
	c->psc_of = id;
	for (unsigned int k = 0; k < MM_PSC_LEVELS; k++) {
		struct mm_psc *p = &c->psc[k];

		if (!c->psc_entries[k])
			continue;
		p->tag[1] = mm_entry_tag(id, vaddr, k + 2);
		p->nr = p->next[0] = p->prev[0] = *psc_bucket(p, p->tag[1]) = 1;
		p->next[1] = p->prev[1] = p->chain[1] = 0;
	}
}

/* The PDE is often there, though not the first; else the PDPTE is most often that used last, and then nothing moves above. */
void mm_tlb_walked_below(struct mm_tlb_cpu *c, const struct mm_struct *mm, uint64_t vaddr)
{
	struct mm_psc *p = &c->psc[0];
	uint64_t tag = mm_pmd_tag(mm, vaddr);
	uint8_t *at = psc_bucket(p, tag), i = *at;

	if (!psc_has_some(c)) {
		c->walk_reads += mm_nr_levels(mm->virt);
		psc_begin(c, mm->id, vaddr);
		return;
	}
	while (i && p->tag[i] != tag)
		i = p->chain[i];
	if (i) {
		mm_tlb_walked_near(c);
		psc_to_front(p, i);
	} else if (c->psc[1].tag[c->psc[1].next[0]] == mm_entry_tag(mm->id, vaddr, 3) && c->psc_entries[0]) {
		c->psc_hits[1]++;
		c->walk_reads += 2;
		psc_add(p, at, tag, c->psc_entries[0]);
	} else {
		mm_tlb_walked_far(c, mm, vaddr, 1);
	}
}

static inline void psc_empty(struct mm_psc *p)
{
	if (!p->nr)
		return;
	memset(p->bucket, 0, sizeof(p->bucket));
	p->nr = p->next[0] = p->prev[0] = 0;
}

/* Entries of several address spaces: those of others stay, in their order. */
static void psc_drop_some(struct mm_tlb_cpu *c, uint32_t id)
{
	for (unsigned int k = 0; k < MM_PSC_LEVELS; k++) {
		struct mm_psc *p = &c->psc[k];
		uint64_t keep[MM_PSC_MAX];
		uint8_t nr = 0;

		for (uint8_t i = p->prev[0]; i; i = p->prev[i])
			if (!mm_entry_tag_is_of(p->tag[i], id, k + 2))
				keep[nr++] = p->tag[i];
		psc_empty(p);
		for (uint8_t i = 0; i < nr; i++)
			psc_add(p, psc_bucket(p, keep[i]), keep[i], c->psc_entries[k]);
	}
}

/* INVLPG and INVPCID take everything of the address space. */
static inline void psc_drop(struct mm_tlb_cpu *c, uint32_t id)
{
	if (!psc_has_some(c))
		return;
	if (c->psc_of == id)
		for (unsigned int k = 0; k < MM_PSC_LEVELS; k++)
			psc_empty(&c->psc[k]);
	else if (!c->psc_of)
		psc_drop_some(c, id);
}

/* ---- flushing ------------------------------------------------------------- */

/* Where it is, the set left as it is; NULL: not there. What is empty is last: a set that was never filled costs one look. */
static inline struct mm_tlb_entry *place_of(const struct mm_tlb_array *a, struct mm_tlb_entry *e, uint64_t tag)
{
	if (!e->tag)
		return NULL;
	if (e[0].tag == tag)
		return e;
	if (e[1].tag == tag)		/* what is past the set is not it */
		return e + 1;
	if (e[2].tag == tag)
		return e + 2;
	if (e[3].tag == tag)
		return e + 3;
	for (uint32_t w = 4; w < a->ways; w++)
		if (e[w].tag == tag)
			return e + w;
	return NULL;
}

static inline void drop(const struct mm_tlb_array *a, uint64_t page_number, uint64_t tag)
{
	struct mm_tlb_entry *e = mm_tlb_set_of(a, page_number), *at = place_of(a, e, tag);

	if (!at)
		return;
	for (; at + 1 < e + a->ways; at++)
		*at = at[1];
	*at = (struct mm_tlb_entry){ 0 };
}

static inline void l2_drop(const struct mm_tlb_l2 *l, uint64_t page_number, uint64_t tag)
{
	struct mm_tlb_set *s = mm_tlb_l2_set_of(l, page_number);

	for (uint32_t places = mm_tlb_l2_places(s, (uint8_t)(tag >> MM_TLB_PRINT_SHIFT)); places; places &= places - 1)
		if (s->e[__builtin_ctz(places)].tag == tag)
			l2_empty(l, s, (unsigned int)__builtin_ctz(places));
}

/* As part of a larger one: rare. */
static __attribute__((noinline)) void drop_large(struct mm_tlb_cpu *c, uint32_t id, uint64_t vaddr)
{
	uint64_t huge = vaddr >> MM_PMD_SHIFT, giga = vaddr >> MM_PUD_SHIFT, tag = mm_tlb_tag(huge, id, 1);

	for (unsigned int k = MM_TLB_L1D_1G; c->has_giga && k <= MM_TLB_L2_1G; k++)
		drop(&c->a[k], giga, mm_tlb_tag(giga, id, 1));
	drop(&c->a[MM_TLB_L1D_2M], huge, tag);
	drop(&c->a[MM_TLB_L1I_2M], huge, tag);
	l2_drop(&c->l2, huge, tag);
}

static inline void drop_page(struct mm_tlb_cpu *c, uint32_t id, uint64_t vaddr)
{
	uint64_t page = vaddr >> MM_PAGE_SHIFT, tag = mm_tlb_tag(page, id, 0);

	if (c->has_large)
		drop_large(c, id, vaddr);
	drop(&c->a[MM_TLB_L1D], page, tag);
	drop(&c->a[MM_TLB_L1I], page, tag);
	l2_drop(&c->l2, page, tag);
}

static bool is_of(uint64_t tag, uint32_t id) { return tag && tag >> MM_TLB_ID_SHIFT == (id & MM_TLB_ID_MASK); }

/* What is of another address space moves up, so that empty entries are last. */
static void drop_id(struct mm_tlb_entry *e, uint32_t ways, uint32_t id)
{
	uint32_t kept = 0;

	for (uint32_t w = 0; w < ways; w++)
		if (e[w].tag && !is_of(e[w].tag, id))
			e[kept++] = e[w];
	memset(e + kept, 0, (ways - kept) * sizeof(*e));
}

static void drop_all(struct mm_tlb_cpu *c, uint32_t id)
{
	for (unsigned int k = 0; k < MM_NR_TLB_KINDS; k++) {
		const struct mm_tlb_array *a = &c->a[k];

		for (uint32_t set = 0; a->ways && set <= a->set_mask; set++)
			drop_id(&a->e[set * a->ways], a->ways, id);
	}
	for (uint32_t i = 0; i <= c->l2.set_mask; i++)
		for (unsigned int w = 0; w < c->l2.ways; w++)
			if (is_of(c->l2.set[i].e[w].tag, id))
				l2_empty(&c->l2, &c->l2.set[i], w);
}

/* @nr_pages, 0 all, have gone from the TLB of the CPU @c: what it counts as. True: it was interrupted for it. */
static inline bool flushed(struct mm_tlb *t, struct mm_tlb_cpu *c, uint32_t id, uint64_t nr_pages)
{
	if (c->mm_id != id)
		return false;
	c->flush_page += nr_pages;
	c->flush_all += nr_pages == 0;
	if (c != &t->cpu[t->ctx->cpu]) {
		c->shootdowns++;
		mm_count(t->ctx, MM_NR_TLB_REMOTE_FLUSH_RECEIVED, 1);
		return true;
	}
	if (nr_pages)
		mm_count(t->ctx, MM_NR_TLB_LOCAL_FLUSH_ONE, (int64_t)nr_pages);
	else
		mm_count(t->ctx, MM_NR_TLB_LOCAL_FLUSH_ALL, 1);
	return false;
}

/* @nr_pages 0: everything of @mm. */
static void flush(struct mm_struct *mm, uint64_t start, uint64_t nr_pages)
{
	struct mm_tlb *t = mm->virt->tlb;
	bool remote = false;

	if (!t)
		return;
	for (struct mm_tlb_cpu *c = t->cpu; c < t->cpu + t->nr_cpus; c++) {
		if (!c->accesses)
			continue;
		for (uint64_t p = 0; p < nr_pages; p++)
			drop_page(c, mm->id, start + (p << MM_PAGE_SHIFT));
		if (!nr_pages)
			drop_all(c, mm->id);
		psc_drop(c, mm->id);
		remote |= flushed(t, c, mm->id, nr_pages);
	}
	if (remote)
		mm_count(t->ctx, MM_NR_TLB_REMOTE_FLUSH, 1);
}

/* Most flushes, for reclaim's walks of the reverse mapping. */
void mm_flush_tlb_page(struct mm_struct *mm, uint64_t vaddr)
{
	struct mm_tlb *t = mm->virt->tlb;
	const struct mm_tlb_cpu *end;
	const uint32_t id = mm->id;
	bool remote = false;

	if (!t)
		return;
	end = t->cpu + t->nr_cpus;
	for (struct mm_tlb_cpu *c = t->cpu; c < end; c++) {
		if (!c->accesses)
			continue;
		drop_page(c, id, vaddr);
		psc_drop(c, id);
		remote |= flushed(t, c, id, 1);
	}
	if (remote)
		mm_count(t->ctx, MM_NR_TLB_REMOTE_FLUSH, 1);
}

void mm_flush_tlb_range(struct mm_struct *mm, uint64_t start, uint64_t end)
{
	uint64_t nr = (end - start + MM_PAGE_SIZE - 1) >> MM_PAGE_SHIFT;

	if (start >= end)
		return;
	if (nr == 1)
		mm_flush_tlb_page(mm, start);
	else
		flush(mm, start, nr > TLB_SINGLE_PAGE_FLUSH_CEILING ? 0 : nr);
}

void mm_flush_tlb_mm(struct mm_struct *mm) { flush(mm, 0, 0); }
