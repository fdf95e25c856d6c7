/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From a folio to the entries that map it, and what reclaim and writeback do there.
 *
 * An anonymous folio leads to its anon_vma and the VMAs that hang on it, a file
 * folio to the VMAs of its file; where such a VMA would have the page, the page tables tell
 * whether it has. Model: Linux 6.6 mm/rmap.c rmap_walk_anon(), rmap_walk_file(), mm/page_vma_mapped.c.
 */
#include "base/minmax.h"
#include "cache/filemap.h"
#include "cache/lru.h"
#include "cache/memcg.h"
#include "cache/swap.h"
#include "virt/anon_vma.h"
#include "virt/ksm.h"
#include "virt/rmap.h"
#include "virt/tlb.h"
#include "virt/userfaultfd.h"

struct walk {
	mm_rmap_fn fn;
	void *arg;
	bool (*skip)(void *arg, const struct mm_vma *vma);	/* NULL: none */
	bool migrating;			/* look for migration entries of @from instead */
	mm_pfn_t from;
};

/* Does the entry map @pfn, or stand for the page that moves? */
static inline bool matches(const struct walk *w, mm_pte_t entry, mm_pfn_t pfn)
{
	if (w->migrating)
		return mm_is_migration_pte(entry) && mm_migration_pfn(entry) == w->from;
	return mm_pte_present(entry) && !mm_pte_special(entry) && mm_pte_pfn(entry) == pfn;
}

/*
 * The entry of @vma that maps the page @index of the file or the anon_vma, by a 2M entry the whole folio. Its first page is @head, which
 * is there the page @first. False: there is none.
 */
static inline __attribute__((always_inline)) bool find_entry(struct mm_vma *vma, mm_pfn_t head, uint64_t first, uint64_t index,
							       const struct walk *w, struct mm_rmap_hit *hit)
{
	struct mm_struct *mm = vma->vm_mm;
	uint64_t vaddr = vma->vm_start + ((index - vma->vm_pgoff) << MM_PAGE_SHIFT);
	mm_pte_t *e = mm_pmd_offset(mm, vaddr);

	if (!e || mm_pte_none(*e))
		return false;
	if (mm_pmd_trans_huge(*e)) {
		*hit = (struct mm_rmap_hit){ vma, vaddr, e, head, 2 };
		return !w->migrating && mm_pte_pfn(*e) == head;
	}
	*hit = (struct mm_rmap_hit){ vma, vaddr, mm_pte_of(mm, e, vaddr), head + (mm_pfn_t)(index - first), 1 };
	return matches(w, *hit->entry, hit->pfn);
}

/* Every entry of @vma that maps a page of [head, head + nr), which is there the page @index and those after it; false: stop. */
static bool walk_vma(struct mm_vma *vma, mm_pfn_t head, uint64_t index, uint64_t nr, const struct walk *w)
{
	uint64_t end = mm_min_u64(index + nr, vma->vm_pgoff + mm_vma_pages(vma));
	struct mm_rmap_hit hit;

	if (w->skip && w->skip(w->arg, vma))
		return true;
	for (uint64_t i = mm_max_u64(index, vma->vm_pgoff); i < end; i++) {
		if (!find_entry(vma, head, index, i, w, &hit))
			continue;
		if (!w->fn(w->arg, &hit))
			return false;
		if (hit.level == 2)
			break;			/* the whole folio */
	}
	return true;
}

/* The entry at @vaddr, if it maps @pfn; false: stop. */
static bool walk_one(struct mm_vma *vma, mm_pfn_t pfn, uint64_t vaddr, const struct walk *w)
{
	struct mm_rmap_hit hit = { vma, vaddr, mm_pte_offset(vma->vm_mm, vaddr), pfn, 1 };

	if ((w->skip && w->skip(w->arg, vma)) || !hit.entry || mm_pte_none(*hit.entry) || !matches(w, *hit.entry, pfn))
		return true;
	return w->fn(w->arg, &hit);
}

/* In the address space of @item (not @forks), or in those that were forked from it; false: stop. */
static bool walk_ksm_item(const struct mm_ksm_item *item, mm_pfn_t pfn, bool forks, const struct walk *w)
{
	struct mm_anon_vma_chain *at;

	for (struct mm_vma *vma = mm_anon_vma_interval_tree_iter_first(item->anon_vma, 0, UINT64_MAX, &at); vma;
	     vma = mm_anon_vma_interval_tree_iter_next(&at, 0, UINT64_MAX)) {
		if (item->address < vma->vm_start || item->address >= vma->vm_end || (item->mm == vma->vm_mm) == forks)
			continue;
		if (!walk_one(vma, pfn, item->address, w))
			return false;
	}
	return true;
}

/*
 * A merged page is mapped where its items say, and at the same address of what was forked from there since: first
 * every item's own address space, then the others (rmap_walk_ksm()).
 */
static void rmap_walk_ksm(struct mm_virt *virt, mm_pfn_t pfn, const struct walk *w)
{
	const struct mm_ksm_node *n = mm_ksm_page_node(virt, pfn);

	for (unsigned int forks = 0; n && forks < 2; forks++)
		for (const struct mm_ksm_item *item = n->items; item; item = item->next)
			if (!walk_ksm_item(item, pfn, forks, w))
				return;
}

static void rmap_walk(struct mm_virt *virt, mm_pfn_t head, const struct walk *w)
{
	struct mm_page *p = mm_page(virt->phys, head);
	uint64_t nr = mm_folio_nr_pages(p), index = p->index;
	struct mm_vma *vma;

	if (p->flags & MM_PG_KSM) {
		rmap_walk_ksm(virt, head, w);
	} else if (p->flags & MM_PG_ANON) {
		struct mm_anon_vma *av = mm_anon_vma_of(virt, p->mapping);
		struct mm_anon_vma_chain *at;

		if (!av)
			return;
		vma = mm_anon_vma_interval_tree_iter_first(av, index, index + nr - 1, &at);
		while (vma && walk_vma(vma, head, index, nr, w))
			vma = mm_anon_vma_interval_tree_iter_next(&at, index, index + nr - 1);
	} else {
		struct mm_address_space *as = mm_folio_mapping(virt->cache, head);

		vma = as ? mm_vma_interval_tree_iter_first(as, index, index + nr - 1) : NULL;
		while (vma && walk_vma(vma, head, index, nr, w))
			vma = mm_vma_interval_tree_iter_next(vma, index, index + nr - 1);
	}
}

/*
 * Most pages that reclaim looks at are anonymous ones of a VMA that shares with no other: at most one entry maps such a page, and
 * rmap_walk() would find no other.  False: there may be more. @vma: NULL where it does not cover the page any more.
 */
static inline bool has_one_vma(const struct mm_virt *virt, const struct mm_page *p, struct mm_vma **vma)
{
	const struct mm_anon_vma *av;
	struct mm_anon_vma_chain *at;

	if ((p->flags & (MM_PG_ANON | MM_PG_KSM | MM_PG_HEAD)) != MM_PG_ANON)
		return false;
	av = mm_anon_vma_of(virt, p->mapping);
	if (!av || !av->alone)
		return false;
	*vma = mm_anon_vma_interval_tree_iter_first(av, p->index, p->index, &at);
	return true;
}

void mm_rmap_walk(struct mm_virt *virt, mm_pfn_t head, mm_rmap_fn fn, void *arg)
{
	rmap_walk(virt, head, &(const struct walk){ .fn = fn, .arg = arg });
}

void mm_rmap_walk_migration(struct mm_virt *virt, mm_pfn_t head, mm_pfn_t from, mm_rmap_fn fn, void *arg)
{
	rmap_walk(virt, head, &(const struct walk){ .fn = fn, .arg = arg, .migrating = true, .from = from });
}

/* ---- mapped in part on the way out ------------------------------------------ */

/* The counts of rmap.h, as far as the walk has come. */
struct unmapping {
	mm_pfn_t head;
	uint32_t pmds, pages;
	uint32_t ptes[MM_PMD_PAGES];
	bool partial;
};

/* Source: Linux 6.6 mm/rmap.c page_remove_rmap(): pages are left that nothing maps, while others are mapped, or were. */
static bool unmapping_one(void *arg, struct mm_rmap_hit *hit)
{
	struct unmapping *u = arg;

	if (hit->level == 2) {
		u->partial = --u->pmds == 0 && u->pages && u->pages < MM_PMD_PAGES;
	} else if (--u->ptes[hit->pfn - u->head] == 0) {
		u->pages--;
		u->partial = !u->pmds;
	}
	return !u->partial;
}

bool mm_folio_unmaps_in_part(struct mm_virt *virt, mm_pfn_t head)
{
	const struct mm_page *t = mm_page(virt->phys, head + 1);
	struct unmapping u = { .head = head, .pmds = t->mapping, .pages = t->next };

	if (!u.pmds || !u.pages)
		return u.pages;
	u.ptes[0] = t->prev;
	for (uint32_t i = 1; i < MM_PMD_PAGES; i++)
		u.ptes[i] = (uint32_t)mm_page(virt->phys, head + i)->mapcount;
	mm_rmap_walk(virt, head, unmapping_one, &u);
	return u.partial;
}

/* ---- referenced ----------------------------------------------------------- */

struct referenced {
	struct mm_virt *virt;
	struct mm_memcg *memcg;
	mm_pfn_t head;
	uint64_t vm_flags;
	uint32_t mapcount;		/* mappings not seen yet */
	struct mm_vma *vma;		/* of the entries counted in here */
	bool here;
	int referenced;
};

/* What @vma's entries say does not count for @memcg (NULL: for anybody). */
static inline bool is_invalid_vma(const struct mm_vma *vma, const struct mm_memcg *memcg)
{
	const struct mm_memcg *of = vma->vm_mm->memcg;

	return !mm_vma_has_recency(vma) || (memcg && memcg != of && !(of && mm_mem_cgroup_is_descendant(of, memcg)));
}

static bool invalid_folio_referenced_vma(void *arg, const struct mm_vma *vma)
{
	const struct referenced *r = arg;

	return is_invalid_vma(vma, r->memcg);
}

/* Whether the mapping is mlocked; then the folio is from now on. */
static inline bool mlock_folio_of(struct mm_virt *virt, mm_pfn_t head, const struct mm_rmap_hit *hit)
{
	if (!(hit->vma->vm_flags & MM_VM_LOCKED) || (mm_folio_is_large(virt->phys, head) && hit->level != 2))
		return false;
	if (!(hit->vma->vm_flags & MM_VM_SPECIAL))
		mm_mlock_folio(virt->cache, head);
	return true;
}

/* The entry was used; it is not any more. */
static inline bool test_and_clear_young(struct mm_virt *virt, const struct mm_rmap_hit *hit)
{
	if (!mm_pte_young(*hit->entry))
		return false;
	if (mm_lru_gen_enabled(virt->cache) && hit->level == 1)
		mm_lru_gen_look_around(virt, *hit);
	if (!mm_pte_young(*hit->entry))
		return true;
	*hit->entry = mm_pte_mkold(*hit->entry);
	if (hit->level == 2)
		mm_flush_tlb_range(hit->vma->vm_mm, hit->vaddr, hit->vaddr + MM_PMD_SIZE);
	else
		mm_flush_tlb_page(hit->vma->vm_mm, hit->vaddr);
	return true;
}

/* What one VMA's entries said counts once. */
static inline void fold(struct referenced *r)
{
	if (r->here) {
		r->referenced++;
		r->vm_flags |= r->vma->vm_flags & ~(uint64_t)MM_VM_LOCKED;
	}
	r->here = false;
}

static bool folio_referenced_one(void *arg, struct mm_rmap_hit *hit)
{
	struct referenced *r = arg;

	if (hit->vma != r->vma)
		fold(r);
	r->vma = hit->vma;
	if (mlock_folio_of(r->virt, r->head, hit)) {
		r->vm_flags |= MM_VM_LOCKED;
		r->here = false;
		return false;
	}
	r->here |= test_and_clear_young(r->virt, hit);
	return --r->mapcount != 0;
}

static int referenced_by_many(struct mm_virt *virt, mm_pfn_t head, struct mm_memcg *memcg, uint64_t *vm_flags)
{
	struct referenced r = {
		.virt = virt, .memcg = memcg, .head = head, .mapcount = (uint32_t)mm_page(virt->phys, head)->mapcount,
	};

	rmap_walk(virt, head, &(const struct walk){ .fn = folio_referenced_one, .arg = &r, .skip = invalid_folio_referenced_vma });
	fold(&r);
	*vm_flags = r.vm_flags;
	return r.referenced;
}

int mm_folio_referenced(struct mm_virt *virt, mm_pfn_t head, struct mm_memcg *memcg, uint64_t *vm_flags)
{
	const struct mm_page *p = mm_page(virt->phys, head);
	struct mm_rmap_hit hit;
	struct mm_vma *vma;

	*vm_flags = 0;
	if (!p->mapcount || !p->mapping)
		return 0;
	if (!has_one_vma(virt, p, &vma))
		return referenced_by_many(virt, head, memcg, vm_flags);
	if (!vma || is_invalid_vma(vma, memcg) || !find_entry(vma, head, p->index, p->index, &(const struct walk){ 0 }, &hit))
		return 0;
	if (mlock_folio_of(virt, head, &hit)) {
		*vm_flags = MM_VM_LOCKED;
		return 0;
	}
	if (!test_and_clear_young(virt, &hit))
		return 0;
	*vm_flags = vma->vm_flags & ~(uint64_t)MM_VM_LOCKED;
	return 1;
}

/* ---- unmapping -------------------------------------------------------------- */

struct unmap {
	struct mm_virt *virt;
	mm_pfn_t head;
	unsigned int ttu;
	bool failed, again;		/* again: a 2M entry was split, walk once more */
};

/* The entry of an anonymous page becomes what stands for it; false: the page must stay mapped. */
static bool unmap_anon(struct unmap *u, struct mm_rmap_hit *hit, mm_pte_t old)
{
	struct mm_cache *c = u->virt->cache;
	struct mm_page *p = mm_page(u->virt->phys, u->head), *sub = mm_page(u->virt->phys, hit->pfn);
	struct mm_struct *mm = hit->vma->vm_mm;
	mm_swp_t entry;
	mm_pte_t swp;

	if (!(p->flags & MM_PG_SWAPBACKED)) {		/* MADV_FREE */
		if (mm_page_ref_count(p) == 1 + (int64_t)mm_folio_mapcount(u->virt->phys, u->head) &&
		    !(p->flags & MM_PG_DIRTY)) {
			mm->rss[MM_ANONPAGES]--;
			return true;
		}
		p->flags |= MM_PG_SWAPBACKED;
		return false;
	}
	if (!(p->flags & MM_PG_SWAPCACHE))
		return false;
	entry = mm_folio_swap(c, u->head) + (hit->pfn - u->head);
	if (mm_swap_duplicate(c, entry))
		return false;
	swp = mm_swp_pte(0, entry);
	if (sub->flags & MM_PG_ANON_EXCLUSIVE)
		swp |= MM_SWP_EXCLUSIVE;
	if (old & MM_PTE_SOFT_DIRTY)
		swp |= MM_SWP_SOFT_DIRTY;
	if (old & MM_PTE_UFFD_WP)
		swp |= MM_SWP_UFFD_WP;
	sub->flags &= ~(uint32_t)MM_PG_ANON_EXCLUSIVE;
	mm->rss[MM_ANONPAGES]--;
	mm->rss[MM_SWAPENTS]++;
	*hit->entry = swp;
	return true;
}

static bool try_to_unmap_one(void *arg, struct mm_rmap_hit *hit)
{
	struct unmap *u = arg;
	struct mm_struct *mm = hit->vma->vm_mm;
	struct mm_cache *c = u->virt->cache;
	struct mm_page *p = mm_page(u->virt->phys, u->head);
	mm_pte_t old = *hit->entry;

	if (hit->level == 2) {
		if (!(u->ttu & MM_TTU_SPLIT_HUGE_PMD)) {
			u->failed = true;
			return false;
		}
		mm_split_huge_pmd(hit->vma, hit->entry, hit->vaddr);
		u->again = true;
		return false;
	}
	if (!(u->ttu & MM_TTU_IGNORE_MLOCK) && hit->vma->vm_flags & MM_VM_LOCKED) {
		if (!mm_folio_is_large(u->virt->phys, u->head) && !(hit->vma->vm_flags & MM_VM_SPECIAL))
			mm_mlock_folio(c, u->head);
		u->failed = true;
		return false;
	}
	*hit->entry = mm_uffd_wp_left(hit->vma, old);
	mm_flush_tlb_page(mm, hit->vaddr);
	if (mm_pte_dirty(old))
		mm_folio_mark_dirty(c, u->head);
	mm_update_hiwater_rss(mm);
	if (p->flags & MM_PG_ANON) {
		if (!unmap_anon(u, hit, old)) {
			*hit->entry = old;
			u->failed = true;
			return false;
		}
	} else {
		mm->rss[p->flags & MM_PG_SWAPBACKED ? MM_SHMEMPAGES : MM_FILEPAGES]--;
	}
	mm_page_remove_rmap(hit->vma, hit->pfn, false);
	if (hit->vma->vm_flags & MM_VM_LOCKED)
		mm_mlock_drain(c);
	mm_folio_put(c, u->head);
	return mm_folio_mapped(u->virt->phys, u->head);
}

bool mm_try_to_unmap(struct mm_virt *virt, mm_pfn_t head, unsigned int ttu)
{
	const struct mm_page *p = mm_page(virt->phys, head);
	struct unmap u = { .virt = virt, .head = head, .ttu = ttu };
	const struct walk w = { .fn = try_to_unmap_one, .arg = &u };
	struct mm_rmap_hit hit;
	struct mm_vma *vma;

	do {
		u.again = false;
		if (!has_one_vma(virt, p, &vma))
			rmap_walk(virt, head, &w);
		else if (vma && find_entry(vma, head, p->index, p->index, &w, &hit))
			try_to_unmap_one(&u, &hit);
	} while (u.again);
	return !p->mapcount;
}

/* ---- writeback ---------------------------------------------------------------- */

static bool mkclean_one(void *arg, struct mm_rmap_hit *hit)
{
	uint32_t *cleaned = arg;

	if (!(hit->vma->vm_flags & MM_VM_SHARED) || (!mm_pte_dirty(*hit->entry) && !mm_pte_write(*hit->entry)))
		return true;
	*hit->entry = mm_pte_mkclean(mm_pte_wrprotect(*hit->entry));
	mm_flush_tlb_range(hit->vma->vm_mm, hit->vaddr, hit->vaddr + (hit->level == 2 ? MM_PMD_SIZE : MM_PAGE_SIZE));
	++*cleaned;
	return true;
}

uint32_t mm_folio_mkclean(struct mm_virt *virt, mm_pfn_t head)
{
	uint32_t cleaned = 0;

	if (mm_folio_mapped(virt->phys, head) && !(mm_page(virt->phys, head)->flags & MM_PG_ANON))
		mm_rmap_walk(virt, head, mkclean_one, &cleaned);
	return cleaned;
}
