/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The frames of a simulated machine as its kernel would tell them, and the word
 * flags of struct page as Linux 6.6 lays it out in the configuration of the
 * captures (SPARSEMEM_VMEMMAP, NODES_SHIFT 10, 8192 CPUs, NUMA balancing, LRU_GEN):
 *
 *   63      54 53  51 50         30 29    27 26    25 24       0
 *   |  node   | zone | last cpupid | lru_gen | refs  | PG_ bits |
 *
 * With SPARSEMEM_VMEMMAP no section number is in it; it follows from the PFN.
 * A free block's pages, and those of a compound page, are walked as one.
 * Source: Linux 6.6 fs/proc/page.c stable_page_flags(), include/linux/page-flags-layout.h.
 * Deviation: no frame is poisoned, offline, private or idle for page_idle; pages that
 * booting took have PG_reserved (the kernel's own later ones do not all).
 */
#include <errno.h>

#include "machine/machine.h"
#include "machine/pages.h"
#include "phys/internal.h"
#include "phys/pfn_walk.h"

enum { SECTION_PAGES = 1 << 15, NODES_PGSHIFT = 54, ZONES_PGSHIFT = 51, CPUPID_PGSHIFT = 30, GEN_PGSHIFT = 27, REFS_PGSHIFT = 25 };
#define CPUPID_MASK	((UINT64_C(1) << 21) - 1)
#define KPF(sym)	(UINT64_C(1) << MM_KPF_##sym)

/* From the model's bits to those of 6.6's enum pageflags and of kpageflags; -1: it has none there. */
static const struct {
	uint32_t ours;
	int8_t pg, kpf;
} bits[] = {
	{ MM_PG_LOCKED, 0, MM_KPF_LOCKED }, { MM_PG_WRITEBACK, 1, MM_KPF_WRITEBACK },
	{ MM_PG_REFERENCED, 2, MM_KPF_REFERENCED }, { MM_PG_UPTODATE, 3, MM_KPF_UPTODATE },
	{ MM_PG_DIRTY, 4, MM_KPF_DIRTY }, { MM_PG_LRU, 5, MM_KPF_LRU }, { MM_PG_HEAD, 6, MM_KPF_COMPOUND_HEAD },
	{ MM_PG_WAITERS, 7, -1 }, { MM_PG_ACTIVE, 8, MM_KPF_ACTIVE }, { MM_PG_WORKINGSET, 9, -1 },
	{ MM_PG_ERROR, 10, MM_KPF_ERROR }, { MM_PG_SLAB, 11, MM_KPF_SLAB },
	{ MM_PG_OWNER_PRIV_1, 12, MM_KPF_OWNER_PRIVATE }, { MM_PG_SWAPCACHE, 12, MM_KPF_OWNER_PRIVATE },
	{ MM_PG_SWAPCACHE, 12, MM_KPF_SWAPCACHE }, { MM_PG_RESERVED, 14, MM_KPF_RESERVED },
	{ MM_PG_PRIVATE, 15, MM_KPF_PRIVATE }, { MM_PG_ANON_EXCLUSIVE, 17, MM_KPF_MAPPEDTODISK },
	{ MM_PG_MAPPEDTODISK, 17, MM_KPF_MAPPEDTODISK }, { MM_PG_RECLAIM, 18, MM_KPF_RECLAIM },
	{ MM_PG_SWAPBACKED, 19, MM_KPF_SWAPBACKED }, { MM_PG_UNEVICTABLE, 20, MM_KPF_UNEVICTABLE },
	{ MM_PG_MLOCKED, 21, MM_KPF_MLOCKED }, { MM_PG_YOUNG, 22, -1 }, { MM_PG_IDLE, 23, MM_KPF_IDLE },
	{ MM_PG_KSM, -1, MM_KPF_KSM }, { MM_PG_TABLE, -1, MM_KPF_PGTABLE }, { MM_PG_TAIL, -1, MM_KPF_COMPOUND_TAIL },
};

/* Where the walk over all frames is. */
struct walk {
	const struct mm_machine *m;
	const struct mm_phys *phys;
	uint64_t pfn;
};

static uint64_t kpf_of(uint32_t flags)
{
	uint64_t kpf = 0;

	for (size_t i = 0; i < sizeof(bits) / sizeof(bits[0]); i++)
		if (flags & bits[i].ours && bits[i].kpf >= 0)
			kpf |= UINT64_C(1) << bits[i].kpf;
	return kpf;
}

static uint64_t page_flags_word(const struct mm_page *p, const struct mm_zone *zone, uint32_t extra)
{
	uint64_t word = CPUPID_MASK << CPUPID_PGSHIFT;
	uint32_t flags = p->flags | extra;

	if (zone)
		word |= (uint64_t)zone->node << NODES_PGSHIFT | (uint64_t)zone->type << ZONES_PGSHIFT;
	for (size_t i = 0; i < sizeof(bits) / sizeof(bits[0]); i++)
		if (flags & bits[i].ours && bits[i].pg >= 0)
			word |= UINT64_C(1) << bits[i].pg;
	if (p->flags & MM_PG_LRU && !(p->flags & (MM_PG_BUDDY | MM_PG_PCP)))
		word |= (uint64_t)(p->aux & 7) << GEN_PGSHIFT | (uint64_t)(p->aux >> 4 & 3) << REFS_PGSHIFT;
	return word;
}

/* Is @pfn RAM?  *@end: up to where it stays so. */
static bool is_present(const struct mm_phys *phys, uint64_t pfn, uint64_t *end)
{
	const struct mm_page_range *r = mm_present_range(phys, pfn);
	bool present = r && r->start_pfn <= pfn;

	*end = !r ? UINT64_MAX : present ? r->end_pfn : r->start_pfn;
	return present;
}

/* The head of the free or allocated block that @pfn lies in; @pfn itself when it is in none. */
static mm_pfn_t block_head(const struct mm_phys *phys, mm_pfn_t pfn)
{
	for (unsigned int order = 0; order <= MM_MAX_ORDER; order++) {
		mm_pfn_t head = pfn & ~((1u << order) - 1);
		const struct mm_page *p = mm_page(phys, head);

		if (p->order >= order && !(p->flags & MM_PG_TAIL) && (p->flags & (MM_PG_BUDDY | MM_PG_PCP) || p->refs || p->mapcount))
			return head;
	}
	return pfn;
}

static const char *use_of(const struct mm_page *head)
{
	return head->flags & MM_PG_BUDDY ? "buddy" : head->flags & MM_PG_PCP ? "pcp" : head->flags & MM_PG_TABLE ? "pgtable"
		: head->flags & MM_PG_SLAB ? "slab" : head->flags & MM_PG_LRU ? "lru" : head->flags & MM_PG_HEAD ? "compound"
		: head->refs || head->mapcount ? "page" : "reserved";
}

/* Frames that are no RAM: without a struct page when their whole section has none. */
static void hole_run(const struct walk *w, uint64_t end, struct mm_pages_row *row)
{
	uint64_t section_end = (w->pfn / SECTION_PAGES + 1) * SECTION_PAGES, ram;
	bool online = is_present(w->phys, w->pfn / SECTION_PAGES * SECTION_PAGES, &ram) || ram < section_end;

	row->pages = (end < section_end ? end : section_end) - w->pfn;
	row->flags = online ? KPF(RESERVED) : KPF(NOPAGE);
	row->use = "hole";
}

static uint64_t mapcount_of(const struct mm_page *head, const struct mm_page *p)
{
	return p != head && head->flags & MM_PG_HEAD ? (uint64_t)(uint32_t)(p->mapcount + head->mapcount)
		: (uint64_t)(uint32_t)p->mapcount;
}

static uint64_t flags_of(const struct walk *w, const struct mm_page *head, const struct mm_page *p)
{
	bool compound = head->flags & MM_PG_HEAD;
	uint64_t flags = kpf_of(p->flags);

	if (head->flags & MM_PG_BUDDY)
		return KPF(BUDDY);
	if (compound && p != head)
		flags |= KPF(COMPOUND_TAIL) | (head->flags & MM_PG_SLAB ? KPF(SLAB) : 0);
	if ((p->mapcount || (compound && head->mapcount)) && !(head->flags & (MM_PG_SLAB | MM_PG_TABLE)))
		flags |= KPF(MMAP);
	if ((compound ? head : p)->flags & MM_PG_ANON)
		flags |= KPF(ANON);
	if (compound && head->flags & (MM_PG_LRU | MM_PG_ANON))
		flags |= KPF(THP);
	if ((uint64_t)(head - w->phys->mem_map) == w->m->virt.huge_zero_pfn)
		flags |= KPF(THP) | KPF(ZERO_PAGE);
	return flags;
}

/* Fill @row from the page at w->pfn: a run of a free block as a whole, else one page. */
static void page_run(const struct walk *w, uint64_t end, struct mm_pages_row *row)
{
	mm_pfn_t pfn = (mm_pfn_t)w->pfn, head_pfn = block_head(w->phys, pfn);
	const struct mm_page *p = mm_page(w->phys, pfn), *head = mm_page(w->phys, head_pfn);
	const struct mm_zone *zone = mm_page_zone(w->phys, pfn);
	bool taken = head == p && !p->flags && !p->refs && !p->mapcount;

	row->pages = 1;
	if (head->flags & MM_PG_BUDDY)
		row->pages = head_pfn + (1ull << head->order) - w->pfn;
	row->pages = row->pages < end - w->pfn ? row->pages : end - w->pfn;
	row->use = use_of(head);
	row->flags = taken ? KPF(RESERVED) : flags_of(w, head, p);
	row->order = taken ? MM_MISSING_U64 : head->order;
	row->refcount = taken ? 1 : p == head && !(p->flags & (MM_PG_BUDDY | MM_PG_PCP)) ? (uint64_t)mm_page_ref_count(p) : 0;
	row->mapcount = head->flags & (MM_PG_BUDDY | MM_PG_PCP | MM_PG_SLAB | MM_PG_TABLE) ? 0 : mapcount_of(head, p);
	row->page_flags = page_flags_word(p, zone, taken ? MM_PG_RESERVED : 0);
	row->index = p->flags & MM_PG_TAIL || taken ? MM_MISSING_U64 : p->flags & MM_PG_TABLE ? p->aux : p->index;
	row->mapping = p->mapping ? p->mapping : MM_MISSING_U64;
	row->migratetype = mm_migratetype_name((enum mm_migratetype)mm_pageblock_migratetype(w->phys, pfn));
	if (zone) {
		row->node = zone->node;
		row->zone = mm_zone_type_name((enum mm_zone_type)zone->type);
	}
}

static int each_run(struct mm_machine *m, struct mm_pages_list *l)
{
	struct walk w = { .m = m, .phys = m->phys, .pfn = m->cfg.pages_start_pfn };
	uint64_t max = ((uint64_t)m->phys->max_pfn + SECTION_PAGES - 1) / SECTION_PAGES * SECTION_PAGES;
	int e = 0;

	if (m->cfg.pages_end_pfn && m->cfg.pages_end_pfn < max)
		max = m->cfg.pages_end_pfn;
	while (!e && w.pfn < max) {
		struct mm_pages_row row = {
			.pfn = w.pfn, .mapcount = 0, .node = MM_MISSING_U64, .refcount = MM_MISSING_U64,
			.order = MM_MISSING_U64, .section = w.pfn / SECTION_PAGES, .page_flags = MM_MISSING_U64,
			.index = MM_MISSING_U64, .mapping = MM_MISSING_U64,
		};
		uint64_t end;

		if (is_present(w.phys, w.pfn, &end))
			page_run(&w, end < max ? end : max, &row);
		else
			hole_run(&w, end < max ? end : max, &row);
		e = mm_pages_list_add(l, &row);
		w.pfn += row.pages;
	}
	return e;
}

static int rows(struct mm_machine *m, struct mm_table_writer *w, bool summary)
{
	struct mm_pages_select select = { .end_pfn = UINT64_MAX, .raw = m->cfg.pages_raw, .summary = summary };
	struct mm_pages_list *l = NULL;
	int e = mm_machine_start(m, NULL);

	if (!e && m->phys)
		e = mm_pages_list_new(&l, &select, w);
	if (l)
		e = each_run(m, l);
	mm_pages_list_end(l);
	return e;
}

int mm_pages_rows(struct mm_machine *m, struct mm_table_writer *w) { return rows(m, w, false); }
int mm_pageflags_rows(struct mm_machine *m, struct mm_table_writer *w) { return rows(m, w, true); }
