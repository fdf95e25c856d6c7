/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * phys/page.h - struct mm_page: one descriptor per simulated page frame
 *
 * 32 bytes, in one flat array indexed by PFN that the host maps without
 * reserving memory (the kernel's vmemmap): a page costs nothing until touched,
 * and an all-zero descriptor means "not RAM, or never touched by the buddy".
 * Lists link by PFN; MM_PFN_NONE ends them.
 *
 *   flags   PG_* bits                    mapcount  page-table entries; of a 2M folio's head: of the whole folio
 *   (virt/rmap.h)
 *   next/prev  whichever list holds it: buddy, pcp, LRU, slab partial, deferred; of a page table with one entry: that (entry)
 *   index   by use: page offset of a folio; SLUB inuse/objects/frozen; where the entries of a page table lie (virt/pgtable.h)
 *   mapping by use: address_space or anon_vma id; slab cache id
 *   refs    references beside those of page-table entries
 *   order   of a free block, of the compound page (head only)
 *   aux     by use: migrate type (buddy, pcp), MGLRU generation + 1 (LRU), level of a page table
 */
#ifndef PHYS_PAGE_H
#define PHYS_PAGE_H

#include <libmm/types.h>

enum mm_pageflags {		/* bit numbers of 6.6's enum pageflags where it has them */
	MM_PG_LOCKED = 1u << 0,
	MM_PG_WRITEBACK = 1u << 1,
	MM_PG_REFERENCED = 1u << 2,
	MM_PG_UPTODATE = 1u << 3,
	MM_PG_DIRTY = 1u << 4,
	MM_PG_LRU = 1u << 5,
	MM_PG_HEAD = 1u << 6,
	MM_PG_WAITERS = 1u << 7,
	MM_PG_ACTIVE = 1u << 8,
	MM_PG_WORKINGSET = 1u << 9,
	MM_PG_ERROR = 1u << 10,
	MM_PG_SLAB = 1u << 11,
	MM_PG_OWNER_PRIV_1 = 1u << 12,
	MM_PG_SWAPCACHE = 1u << 13,	/* own bit here: 6.6 tells it by OWNER_PRIV_1 and SWAPBACKED */
	MM_PG_RESERVED = 1u << 14,
	MM_PG_PRIVATE = 1u << 15,
	MM_PG_ANON_EXCLUSIVE = 1u << 16,
	MM_PG_MAPPEDTODISK = 1u << 17,
	MM_PG_RECLAIM = 1u << 18,	/* also PG_readahead */
	MM_PG_SWAPBACKED = 1u << 19,
	MM_PG_UNEVICTABLE = 1u << 20,
	MM_PG_MLOCKED = 1u << 21,
	MM_PG_YOUNG = 1u << 22,
	MM_PG_IDLE = 1u << 23,
	/* what 6.6 keeps in page_type or the low bits of mapping */
	MM_PG_BUDDY = 1u << 24,		/* head of a free block */
	MM_PG_PCP = 1u << 25,		/* on a per-CPU list */
	MM_PG_TABLE = 1u << 26,		/* a page table */
	MM_PG_ANON = 1u << 27,		/* mapping is an anon_vma id */
	MM_PG_KSM = 1u << 28,
	MM_PG_TAIL = 1u << 29,		/* of a compound page: index is the head's PFN */
	MM_PG_BATCH = 1u << 30,		/* waits in a per-CPU LRU batch */
};
#define MM_PG_HUGETLB (1u << 31)		/* head of a page of a pool of huge pages */
#define MM_PG_READAHEAD MM_PG_RECLAIM

struct mm_page {
	uint32_t flags;
	int32_t mapcount;		/* page-table entries that map it (the kernel's _mapcount + 1) */
	union {
		struct {
			uint32_t next, prev;
		};
		uint64_t entry;
	};
	uint64_t index;
	uint32_t mapping;		/* 0: none */
	uint16_t refs;
	uint8_t order;
	uint8_t aux;
};
_Static_assert(sizeof(struct mm_page) == 32, "one descriptor is 32 bytes");

/* A doubly linked list of pages; links are PFNs in struct mm_page. */
struct mm_page_list {
	mm_pfn_t head, tail;
	uint64_t nr;
};
#define MM_PAGE_LIST_INIT ((struct mm_page_list){ MM_PFN_NONE, MM_PFN_NONE, 0 })

static inline void mm_page_list_add(struct mm_page *map, struct mm_page_list *l, mm_pfn_t pfn)
{
	map[pfn].prev = MM_PFN_NONE;
	map[pfn].next = l->head;
	if (l->head != MM_PFN_NONE)
		map[l->head].prev = pfn;
	else
		l->tail = pfn;
	l->head = pfn;
	l->nr++;
}

static inline void mm_page_list_add_tail(struct mm_page *map, struct mm_page_list *l, mm_pfn_t pfn)
{
	map[pfn].next = MM_PFN_NONE;
	map[pfn].prev = l->tail;
	if (l->tail != MM_PFN_NONE)
		map[l->tail].next = pfn;
	else
		l->head = pfn;
	l->tail = pfn;
	l->nr++;
}

static inline void mm_page_list_del(struct mm_page *map, struct mm_page_list *l, mm_pfn_t pfn)
{
	struct mm_page *p = &map[pfn];

	if (p->prev != MM_PFN_NONE)
		map[p->prev].next = p->next;
	else
		l->head = p->next;
	if (p->next != MM_PFN_NONE)
		map[p->next].prev = p->prev;
	else
		l->tail = p->prev;
	l->nr--;
}

/* The last of a list that is not empty, off it. */
static inline mm_pfn_t mm_page_list_pop_tail(struct mm_page *map, struct mm_page_list *l)
{
	mm_pfn_t pfn = l->tail;

	l->tail = map[pfn].prev;
	if (l->tail != MM_PFN_NONE)
		map[l->tail].next = MM_PFN_NONE;
	else
		l->head = MM_PFN_NONE;
	l->nr--;
	return pfn;
}

/* The last @nr of @from, which come after @stays (NONE: all of it), in their order (list_cut_position()). */
static inline struct mm_page_list mm_page_list_cut(struct mm_page *map, struct mm_page_list *from, mm_pfn_t stays, uint64_t nr)
{
	struct mm_page_list cut = { stays != MM_PFN_NONE ? map[stays].next : from->head, from->tail, nr };

	if (!nr)
		return MM_PAGE_LIST_INIT;
	map[cut.head].prev = MM_PFN_NONE;
	if (stays != MM_PFN_NONE)
		map[stays].next = MM_PFN_NONE;
	else
		from->head = MM_PFN_NONE;
	from->tail = stays;
	from->nr -= nr;
	return cut;
}

/* All of @from, in their order, in front of @to; @from is empty then (list_splice_init()). */
static inline void mm_page_list_splice(struct mm_page *map, struct mm_page_list *from, struct mm_page_list *to)
{
	if (from->tail == MM_PFN_NONE)
		return;
	map[from->tail].next = to->head;
	if (to->head != MM_PFN_NONE)
		map[to->head].prev = from->tail;
	else
		to->tail = from->tail;
	to->head = from->head;
	to->nr += from->nr;
	*from = MM_PAGE_LIST_INIT;
}

/* References as the kernel counts them: one per page-table entry, plus refs (of a 2M folio: the head's). */
static inline int64_t mm_page_ref_count(const struct mm_page *p) { return (int64_t)p->mapcount + p->refs; }

#endif /* PHYS_PAGE_H */
