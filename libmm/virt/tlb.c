/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * TLBs: what each CPU remembers of walks.
 *
 * Each array is sets of ways, ordered by recency within the set (true LRU): a hit
 * moves to the front, a fill drops the last. L1 has arrays of its own for 4K and 2M pages, data
 * and instructions; L2 holds both sizes. L1 is not included in L2 and is refilled from it.
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
	a->e = calloc(entries + UINT32_C(2), sizeof(*a->e));	/* two past the last set may be looked at */
	return a->e ? 0 : -ENOMEM;
}

static int cpu_init(struct mm_tlb_cpu *c, const struct mm_tlb_geometry *g)
{
	if (array_init(&c->a[MM_TLB_L1D], g->l1d_entries, g->l1d_ways) ||
	    array_init(&c->a[MM_TLB_L1D_2M], g->l1d_2m_entries, g->l1d_2m_ways) ||
	    array_init(&c->a[MM_TLB_L1I], g->l1i_entries, g->l1i_ways) ||
	    array_init(&c->a[MM_TLB_L1I_2M], g->l1i_2m_entries, g->l1i_2m_ways) ||
	    array_init(&c->a[MM_TLB_L2], g->l2_entries, g->l2_ways) ||
	    array_init(&c->a[MM_TLB_L1D_1G], g->l1d_1g_entries, g->l1d_1g_ways) ||
	    array_init(&c->a[MM_TLB_L2_1G], g->l2_1g_entries, g->l2_1g_ways))
		return -ENOMEM;
	c->psc_entries = g->psc;
	return 0;
}

int mm_tlb_new(struct mm_tlb **tlbp, struct mm_ctx *ctx, const struct mm_tlb_geometry *geo, uint32_t nr_cpus)
{
	struct mm_tlb *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->ctx = ctx;
	t->geo = geo ? geo : mm_tlb_presets;
	t->cpu = calloc(nr_cpus, sizeof(*t->cpu));
	for (; t->cpu && t->nr_cpus < nr_cpus; t->nr_cpus++)
		if (cpu_init(&t->cpu[t->nr_cpus], t->geo)) {
			t->nr_cpus++;
			break;
		}
	if (!t->cpu || t->nr_cpus < nr_cpus || !t->cpu[nr_cpus - 1].a[MM_NR_TLB_KINDS - 1].e) {
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
	for (uint32_t i = 0; i < t->nr_cpus; i++)
		for (unsigned int k = 0; k < MM_NR_TLB_KINDS; k++)
			free(t->cpu[i].a[k].e);
	free(t->cpu);
	free(t);
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
	const uint64_t page = vaddr >> MM_PMD_SHIFT;
	struct mm_tlb_entry *e = mm_tlb_find(&c->a[MM_TLB_L2], page, mm_tlb_tag(page, id, 1));

	if (e)
		return mm_tlb_refill(c, mm_tlb_l1(kind) + 1, page, e);
	return c->has_giga && kind != MM_TLB_X ? lookup_giga(c, id, vaddr) : NULL;
}

/* A page larger than 4K; a 1G page is one of 2M where no array is for such. */
static void fill_large(struct mm_tlb_cpu *c, uint32_t id, uint64_t vaddr, unsigned int kind, uint64_t leaf, bool absent)
{
	uint64_t page = vaddr >> MM_PMD_SHIFT;
	unsigned int l1 = mm_tlb_l1(kind) + 1, l2 = MM_TLB_L2;

	c->has_large = true;
	if (leaf & MM_TLB_GIGA && kind != MM_TLB_X && c->a[MM_TLB_L1D_1G].ways) {
		c->has_giga = true;
		page = vaddr >> MM_PUD_SHIFT;
		l1 = MM_TLB_L1D_1G;
		l2 = MM_TLB_L2_1G;
		absent = false;
	} else if (leaf & MM_TLB_GIGA) {	/* the 2M part of it */
		leaf = (leaf & ~MM_TLB_GIGA) + (vaddr & (MM_PUD_SIZE - 1) & ~(MM_PMD_SIZE - 1));
	}
	insert(&c->a[l1], page, (struct mm_tlb_entry){ mm_tlb_tag(page, id, 1), leaf }, absent);
	insert(&c->a[l2], page, (struct mm_tlb_entry){ mm_tlb_tag(page, id, 1), leaf }, absent);
}

void mm_tlb_fill_more(struct mm_tlb_cpu *c, uint32_t id, uint64_t vaddr, unsigned int kind, uint64_t leaf, bool absent)
{
	const uint64_t page = vaddr >> MM_PAGE_SHIFT;
	const struct mm_tlb_entry new = { mm_tlb_tag(page, id, 0), leaf };

	if (leaf & MM_TLB_HUGE) {
		fill_large(c, id, vaddr, kind, leaf, absent);
		return;
	}
	insert(&c->a[mm_tlb_l1(kind)], page, new, absent);
	insert(&c->a[MM_TLB_L2], page, new, absent);
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

/* Is it there? It is then the first. */
static bool psc_find(struct mm_psc *p, uint64_t tag)
{
	uint8_t i = *psc_bucket(p, tag);

	while (i && p->tag[i] != tag)
		i = p->chain[i];
	if (i && p->next[0] != i) {
		psc_unlink(p, i);
		psc_first(p, i);
	}
	return i;
}

/* @tag is not there: it becomes the first, in the place of the last where @room entries are in use. */
static void psc_fill(struct mm_psc *p, uint64_t tag, uint8_t room)
{
	uint8_t *at = psc_bucket(p, tag), i = p->prev[0];

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

void mm_tlb_walked_far(struct mm_tlb_cpu *c, uint32_t id, uint64_t vaddr, unsigned int level, unsigned int top)
{
	const unsigned int cached = MM_PSC_LEVELS + 1;	/* highest level with a cache */
	unsigned int from = top;

	for (unsigned int l = level + 1; l <= cached; l++)
		if (psc_find(&c->psc[l - 2], mm_entry_tag(id, vaddr, l))) {
			c->psc_hits[l - 2]++;
			from = l - 1;
			break;
		}
	c->walk_reads += from - level + 1;
	for (unsigned int l = from < cached ? from : cached; l > level; l--)
		if (c->psc_entries[l - 2])
			psc_fill(&c->psc[l - 2], mm_entry_tag(id, vaddr, l), c->psc_entries[l - 2]);
}

/* INVLPG and INVPCID take everything of the address space. */
static void psc_drop(struct mm_tlb_cpu *c, uint32_t id)
{
	for (unsigned int k = 0; k < MM_PSC_LEVELS; k++) {
		struct mm_psc *p = &c->psc[k];
		uint64_t keep[MM_PSC_MAX];
		uint8_t nr = 0;

		if (!p->nr)
			continue;
		for (uint8_t i = p->prev[0]; i; i = p->prev[i])
			if ((p->tag[i] & MM_TLB_ID_MASK) != (id & MM_TLB_ID_MASK))
				keep[nr++] = p->tag[i];
		memset(p->bucket, 0, sizeof(p->bucket));
		p->nr = p->next[0] = p->prev[0] = 0;
		for (uint8_t i = 0; i < nr; i++)
			psc_fill(p, keep[i], c->psc_entries[k]);
	}
}

/* ---- flushing ------------------------------------------------------------- */

static void drop(const struct mm_tlb_array *a, uint64_t page_number, uint64_t tag)
{
	struct mm_tlb_entry *e = mm_tlb_set_of(a, page_number);

	for (uint32_t w = 0; w < a->ways; w++)
		if (e[w].tag == tag) {
			memmove(e + w, e + w + 1, (a->ways - 1 - w) * sizeof(*e));
			e[a->ways - 1] = (struct mm_tlb_entry){ 0 };
			return;
		}
}

static void drop_page(struct mm_tlb_cpu *c, uint32_t id, uint64_t vaddr)
{
	uint64_t page[2] = { vaddr >> MM_PAGE_SHIFT, vaddr >> MM_PMD_SHIFT };

	for (unsigned int k = MM_TLB_L1D_1G; c->has_giga && k <= MM_TLB_L2_1G; k++)
		drop(&c->a[k], vaddr >> MM_PUD_SHIFT, mm_tlb_tag(vaddr >> MM_PUD_SHIFT, id, 1));
	for (unsigned int huge = 0; huge < (c->has_large ? 2 : 1); huge++) {
		uint64_t tag = mm_tlb_tag(page[huge], id, huge);

		drop(&c->a[MM_TLB_L1D + huge], page[huge], tag);
		drop(&c->a[MM_TLB_L1I + huge], page[huge], tag);
		drop(&c->a[MM_TLB_L2], page[huge], tag);
	}
}

/* What is of another address space moves up, so that empty entries are last. */
static void drop_id(struct mm_tlb_entry *e, uint32_t ways, uint32_t id)
{
	uint32_t kept = 0;

	for (uint32_t w = 0; w < ways; w++)
		if (e[w].tag && (e[w].tag >> 2 & MM_TLB_ID_MASK) != (id & MM_TLB_ID_MASK))
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
}

/* @nr_pages 0: everything of @mm. */
static void flush(struct mm_struct *mm, uint64_t start, uint64_t nr_pages)
{
	struct mm_tlb *t = mm->virt->tlb;
	bool remote = false;

	if (!t)
		return;
	for (uint32_t i = 0; i < t->nr_cpus; i++) {
		struct mm_tlb_cpu *c = &t->cpu[i];

		if (!c->accesses)
			continue;
		for (uint64_t p = 0; p < nr_pages; p++)
			drop_page(c, mm->id, start + (p << MM_PAGE_SHIFT));
		if (!nr_pages)
			drop_all(c, mm->id);
		psc_drop(c, mm->id);
		if (c->mm_id != mm->id)
			continue;
		c->flush_page += nr_pages;
		c->flush_all += nr_pages == 0;
		if (i != t->ctx->cpu) {
			c->shootdowns++;
			remote = true;
			mm_count(t->ctx, MM_NR_TLB_REMOTE_FLUSH_RECEIVED, 1);
		} else {
			mm_count(t->ctx, nr_pages ? MM_NR_TLB_LOCAL_FLUSH_ONE : MM_NR_TLB_LOCAL_FLUSH_ALL,
				 nr_pages ? (int64_t)nr_pages : 1);
		}
	}
	if (remote)
		mm_count(t->ctx, MM_NR_TLB_REMOTE_FLUSH, 1);
}

void mm_flush_tlb_range(struct mm_struct *mm, uint64_t start, uint64_t end)
{
	uint64_t nr = (end - start + MM_PAGE_SIZE - 1) >> MM_PAGE_SHIFT;

	if (start < end)
		flush(mm, start, nr > TLB_SINGLE_PAGE_FLUSH_CEILING ? 0 : nr);
}

void mm_flush_tlb_page(struct mm_struct *mm, uint64_t vaddr) { flush(mm, vaddr, 1); }
void mm_flush_tlb_mm(struct mm_struct *mm) { flush(mm, 0, 0); }

bool mm_tlb_is_consistent(const struct mm_tlb *t)
{
	for (uint32_t i = 0; i < t->nr_cpus; i++)
		for (unsigned int k = 0; k < MM_NR_TLB_KINDS; k++) {
			const struct mm_tlb_array *a = &t->cpu[i].a[k];

			for (uint32_t n = 0; n < (a->ways ? (a->set_mask + 1) * a->ways : 0); n++) {
				uint64_t tag = a->e[n].tag;
				uint32_t set = n / a->ways;

				if (!tag) {	/* what is empty is last */
					if ((n + 1) % a->ways && a->e[n + 1].tag)
						return false;
					continue;
				}
				if (!(tag & 1) || ((tag >> MM_TLB_PAGE_SHIFT) & a->set_mask) != set ||
				    (tag >> 1 & 1) != (a->e[n].leaf & MM_TLB_HUGE ? 1u : 0u))
					return false;
				for (uint32_t w = (n % a->ways) + 1; w < a->ways; w++)
					if (a->e[set * a->ways + w].tag == tag)
						return false;
			}
		}
	return true;
}
