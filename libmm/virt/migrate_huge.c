/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Moving a 2M folio whole to another 2M: its entries name the new frame, its counts and places go along.
 *
 * The kernel leaves a migration entry in each mapping for the time of the copy; with one thread nobody meets it, so
 * entries are made anew where they stand: present, with the rights that the migration entry would have kept.
 * Model: Linux 6.6 mm/migrate.c, mm/huge_memory.c set_pmd_migration_entry().
 */
#include <errno.h>

#include "cache/filemap.h"
#include "cache/lru.h"
#include "cache/migrate.h"
#include "virt/rmap.h"
#include "virt/tlb.h"

struct move {
	struct mm_virt *virt;
	mm_pfn_t from, to;
};

mm_pte_t mm_migrated_entry(const struct mm_vma *vma, mm_pte_t old, mm_pfn_t pfn, bool huge)
{
	mm_pte_t new = mm_mk_pte(pfn, mm_vma_page_prot(vma)) | (old & (MM_PTE_SOFT_DIRTY | MM_PTE_UFFD_WP)) | (huge ? MM_PTE_PSE : 0);

	if (!mm_pte_young(old))
		new = mm_pte_mkold(new);
	if (mm_pte_dirty(old))
		new = mm_pte_mkdirty(new);
	return mm_pte_write(old) ? mm_pte_mkwrite(new) : new;
}

static bool retarget_one(void *arg, struct mm_rmap_hit *hit)
{
	const struct move *m = arg;
	mm_pte_t old = *hit->entry;
	uint64_t size = hit->level == 2 ? MM_PMD_SIZE : MM_PAGE_SIZE;

	mm_flush_tlb_range(hit->vma->vm_mm, hit->vaddr & ~(size - 1), (hit->vaddr & ~(size - 1)) + size);
	if (mm_pte_dirty(old))
		mm_folio_mark_dirty(m->virt->cache, m->from);
	*hit->entry = mm_migrated_entry(hit->vma, old, m->to + (hit->pfn - m->from), hit->level == 2);
	return true;
}

/* The counts of rmap.h and what is exclusive, page by page. */
static void move_counts(struct mm_phys *phys, mm_pfn_t from, mm_pfn_t to)
{
	struct mm_page *f1 = mm_page(phys, from + 1), *t1 = mm_page(phys, to + 1);

	mm_page(phys, to)->mapcount = mm_page(phys, from)->mapcount;
	mm_page(phys, from)->mapcount = 0;
	t1->mapping = f1->mapping;
	t1->prev = f1->prev;
	t1->next = f1->next;
	f1->mapping = f1->prev = f1->next = 0;
	for (uint32_t i = 0; i < MM_PMD_PAGES; i++) {
		struct mm_page *f = mm_page(phys, from + i), *t = mm_page(phys, to + i);

		if (i) {
			t->mapcount = f->mapcount;
			f->mapcount = 0;
		}
		t->flags |= f->flags & MM_PG_ANON_EXCLUSIVE;
		f->flags &= ~(uint32_t)MM_PG_ANON_EXCLUSIVE;
	}
}

int mm_migrate_huge_folio(struct mm_virt *virt, mm_pfn_t src, mm_pfn_t dst)
{
	struct mm_cache *c = virt->cache;
	struct mm_page *p = mm_page(virt->phys, src);
	bool was_mlocked = p->flags & MM_PG_MLOCKED, in_fault = c->in_lru_fault;
	bool cached = !(p->flags & MM_PG_ANON) || p->flags & MM_PG_SWAPCACHE;

	if (p->flags & (MM_PG_WRITEBACK | MM_PG_SWAPCACHE) || p->refs != 1u + (cached ? MM_PMD_PAGES : 0))
		return -EAGAIN;
	c->in_lru_fault = false;
	if (p->flags & MM_PG_ANON && mm_folio_unmaps_in_part(virt, src))
		mm_deferred_split_folio(c, src);
	mm_deferred_split_del(c, src);
	mm_rmap_walk(virt, src, retarget_one, &(struct move){ virt, src, dst });
	move_counts(virt->phys, src, dst);
	mm_folio_migrate_huge_mapping(c, src, dst);
	if (was_mlocked) {		/* it comes back with the mappings, as those are made again in the kernel */
		p->flags &= ~(uint32_t)MM_PG_MLOCKED;
		mm_page(virt->phys, dst)->flags |= MM_PG_MLOCKED;
	}
	mm_folio_add_lru(c, dst);
	if (was_mlocked)
		mm_lru_add_drain(c);
	mm_folio_put(c, dst);
	mm_folio_put(c, src);
	c->in_lru_fault = in_fault;
	return 0;
}
