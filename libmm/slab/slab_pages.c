/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Pages of slabs and of large kmalloc()s: taken from the page allocator, noted
 * in the map from page to slab, counted, and told to whoever listens.
 */
#include <stdlib.h>
#include <string.h>

#include "base/host_memory.h"
#include "slab/slab.h"

enum { MAX_SPARES = 16 };

/* What of a caller's flags reaches the page allocator (GFP_RECLAIM_MASK | GFP_CONSTRAINT_MASK). */
#define GFP_SLAB_MASK \
	(MM_GFP_RECLAIM | __MM_GFP_HIGH | __MM_GFP_IO | __MM_GFP_FS | __MM_GFP_NOWARN | __MM_GFP_RETRY_MAYFAIL | \
	 __MM_GFP_NOFAIL | __MM_GFP_NORETRY | __MM_GFP_MEMALLOC | __MM_GFP_NOMEMALLOC | __MM_GFP_HARDWALL | __MM_GFP_THISNODE)

/* The words of @gfp, kept so that effects may point to them until the next cause. */
static struct mm_str gfp_words(struct mm_slab *sl, mm_gfp_t gfp)
{
	struct gfp_text *t;
	struct mm_output out;
	uint32_t n = sl->nr_gfp_texts < NR_GFP_TEXTS ? sl->nr_gfp_texts : NR_GFP_TEXTS;

	for (uint32_t i = 0; i < n; i++)
		if (sl->gfp_texts[i].gfp == gfp)
			return (struct mm_str){ sl->gfp_texts[i].text, sl->gfp_texts[i].len };
	t = &sl->gfp_texts[sl->nr_gfp_texts++ % NR_GFP_TEXTS];
	free(t->text);
	*t = (struct gfp_text){ .gfp = gfp };
	if (mm_output_init(&out, -1))
		return (struct mm_str){ "", 0 };
	mm_gfp_format(&out, gfp);
	t->text = mm_host_malloc(out.len + 1);
	if (t->text) {
		memcpy(t->text, out.buf, out.len);
		t->len = out.len;
	}
	mm_output_finish(&out);
	return (struct mm_str){ t->text ? t->text : "", t->len };
}

/* Host memory for a slab: of one of the full order that was given back, or new; NULL: none. */
static struct slab *new_slab(struct mm_kmem_cache *s, uint32_t order, uint32_t nr_links)
{
	struct slab *slab = s->spare;

	if (!slab || order != s->layout.order)
		return mm_host_malloc(sizeof(*slab) + nr_links * sizeof(slab->link[0]));
	s->spare = slab->next;
	s->nr_spares--;
	return slab;
}

static void free_slab(struct mm_kmem_cache *s, struct slab *slab, uint32_t order)
{
	if (order != s->layout.order || s->nr_spares >= MAX_SPARES) {
		free(slab);
		return;
	}
	slab->next = s->spare;
	s->spare = slab;
	s->nr_spares++;
}

static void page_effect(struct mm_slab *sl, enum mm_event_type type, mm_pfn_t pfn, unsigned int order, mm_gfp_t gfp)
{
	struct mm_event *ev = mm_effect(sl->ctx, MM_BY_SLAB, type);

	if (!ev)
		return;
	ev->size = (uint64_t)MM_PAGE_SIZE << order;
	ev->present |= MM_TC_BIT(SIZE);
	mm_event_set_result(ev, MM_RESULT_HEX, pfn);
	if (type == MM_EV_PAGE_ALLOC) {
		ev->flags = gfp_words(sl, gfp);
		ev->present |= MM_TC_BIT(FLAGS);
	}
}

static void slab_effect(const struct mm_kmem_cache *s, enum mm_event_type type, const struct slab *slab)
{
	struct mm_event *ev = mm_effect(s->ctx, MM_BY_SLAB, type);

	if (!ev)
		return;
	ev->addr = mm_slab_address(slab->pfn);
	ev->size = (uint64_t)MM_PAGE_SIZE << slab->order;
	ev->name = (struct mm_str){ s->names[0], strlen(s->names[0]) };
	ev->present |= MM_TC_BIT(ADDR) | MM_TC_BIT(SIZE) | MM_TC_BIT(NAME);
	mm_event_set_result(ev, MM_RESULT_DEC, slab->objects);
}

static mm_pfn_t take_pages(struct mm_slab *sl, mm_gfp_t gfp, unsigned int order, uint32_t node, uintptr_t owner)
{
	mm_pfn_t pfn = node == MM_NUMA_NO_NODE ? mm_alloc_pages(sl->phys, gfp, order) : mm_alloc_pages_node(sl->phys, node, gfp, order);

	if (pfn == MM_PFN_NONE)
		return pfn;
	page_effect(sl, MM_EV_PAGE_ALLOC, pfn, order, gfp);
	for (uint32_t i = 0; i < 1u << order; i++)
		*mm_slab_map_entry(sl, mm_slab_address(pfn + i)) = owner;
	return pfn;
}

static void give_pages(struct mm_slab *sl, mm_pfn_t pfn, unsigned int order)
{
	for (uint32_t i = 0; i < 1u << order; i++)
		*mm_slab_map_entry(sl, mm_slab_address(pfn + i)) = 0;
	page_effect(sl, MM_EV_PAGE_FREE, pfn, order, 0);
	mm_free_pages(sl->phys, pfn, order);
}

static void count_pages(struct mm_slab *sl, enum mm_counter c, uint64_t *held, int64_t pages)
{
	*held += (uint64_t)pages;
	mm_count(sl->ctx, c, pages);
	if (sl->pages + sl->large_pages > sl->pages_peak)
		sl->pages_peak = sl->pages + sl->large_pages;
}

static enum mm_counter slab_counter(const struct mm_kmem_cache *s)
{
	return s->layout.flags & MM_SLAB_RECLAIM_ACCOUNT ? MM_NR_SLAB_RECLAIMABLE : MM_NR_SLAB_UNRECLAIMABLE;
}

/**
 * mm_slab_alloc_pages() - a new slab, its objects not yet threaded
 * @gfp:	of the caller; what matters to pages is kept and the cache's own flags are added
 * @node:	where the block is wanted, MM_NUMA_NO_NODE: on the CPU's
 * @order:	of the block
 * @objects:	that the slab will hold
 * @nr_links:	16-bit links to make room for
 *
 * Return: the slab, on no list but that of the cache; NULL when there is no
 * block, or no host memory (base/host_memory.h).
 */
struct slab *mm_slab_alloc_pages(struct mm_kmem_cache *s, mm_gfp_t gfp, uint32_t node, uint32_t order, uint32_t objects,
				 uint32_t nr_links)
{
	struct mm_slab *sl = s->slab;
	struct slab *slab = new_slab(s, order, nr_links);
	struct mm_page *page;
	mm_pfn_t pfn;

	if (!slab)
		return NULL;
	pfn = take_pages(sl, (gfp & GFP_SLAB_MASK) | s->allocflags, order, node, (uintptr_t)slab);
	if (pfn == MM_PFN_NONE) {
		free_slab(s, slab, order);
		return NULL;
	}
	*slab = (struct slab){ .owner = (uintptr_t)s, .pfn = pfn, .objects = objects, .order = (uint8_t)order,
			       .freelist = SLAB_LINK_END, .base = mm_slab_address(pfn) + s->red_left_pad };
	page = mm_page(sl->phys, pfn);
	page->flags |= MM_PG_SLAB;
	page->mapping = s->id;
	slab->node = (uint8_t)(s->nr_nodes > 1 ? mm_page_zone(sl->phys, pfn)->node : 0);
	slab->older = s->newest;
	*(s->newest ? &s->newest->newer : &s->oldest) = slab;
	s->newest = slab;
	s->pages += 1u << order;
	count_pages(sl, slab_counter(s), &sl->pages, (int64_t)1 << order);
	slab_effect(s, MM_EV_SLAB_NEW, slab);
	return slab;
}

void mm_slab_free_pages(struct mm_kmem_cache *s, struct slab *slab)
{
	struct mm_slab *sl = s->slab;
	struct mm_page *page = mm_page(sl->phys, slab->pfn);

	slab_effect(s, MM_EV_SLAB_FREE, slab);
	page->flags &= ~(uint32_t)MM_PG_SLAB;
	page->mapping = 0;
	*(slab->older ? &slab->older->newer : &s->oldest) = slab->newer;
	*(slab->newer ? &slab->newer->older : &s->newest) = slab->older;
	s->pages -= 1u << slab->order;
	count_pages(sl, slab_counter(s), &sl->pages, -((int64_t)1 << slab->order));
	give_pages(sl, slab->pfn, slab->order);
	free_slab(s, slab, slab->order);
}

/* A block of whole pages for one object; its address or 0. */
uint64_t mm_slab_take_large(struct mm_slab *sl, unsigned int order, mm_gfp_t gfp, uint32_t node)
{
	mm_pfn_t pfn = order > MM_MAX_ORDER ? MM_PFN_NONE : take_pages(sl, gfp, order, node, (uintptr_t)order << 1 | 1);

	if (pfn == MM_PFN_NONE)
		return 0;
	count_pages(sl, MM_NR_SLAB_UNRECLAIMABLE, &sl->large_pages, (int64_t)1 << order);
	return mm_slab_address(pfn);
}

/* @obj must be the first byte of the block of 2^@order pages; else nothing happens, and false. */
bool mm_slab_give_large(struct mm_slab *sl, uint64_t obj, unsigned int order)
{
	if (obj & (((uint64_t)MM_PAGE_SIZE << order) - 1))
		return false;
	count_pages(sl, MM_NR_SLAB_UNRECLAIMABLE, &sl->large_pages, -((int64_t)1 << order));
	give_pages(sl, (mm_pfn_t)((obj - MM_PAGE_OFFSET) >> MM_PAGE_SHIFT), order);
	return true;
}

/* One page of SLOB's heap; @owner is what the map will say of it. */
mm_pfn_t mm_slab_take_heap_page(struct mm_slab *sl, mm_gfp_t gfp, uint32_t node, uintptr_t owner)
{
	mm_pfn_t pfn = take_pages(sl, gfp, 0, node, owner);

	if (pfn == MM_PFN_NONE)
		return pfn;
	mm_page(sl->phys, pfn)->flags |= MM_PG_SLAB;
	count_pages(sl, MM_NR_SLAB_UNRECLAIMABLE, &sl->pages, 1);
	return pfn;
}

void mm_slab_give_heap_page(struct mm_slab *sl, mm_pfn_t pfn)
{
	mm_page(sl->phys, pfn)->flags &= ~(uint32_t)MM_PG_SLAB;
	count_pages(sl, MM_NR_SLAB_UNRECLAIMABLE, &sl->pages, -1);
	give_pages(sl, pfn, 0);
}
