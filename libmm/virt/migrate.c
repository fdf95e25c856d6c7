/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Moving a page to another frame.
 *
 *	unmap	each entry becomes a migration entry, which keeps its rights, A, D and soft-dirty
 *	check	nobody but the caches and the mover holds the page now
 *	move	place in its file or the swap cache, charge, flags; dst goes to the LRU as a new page
 *	remap	each migration entry becomes an entry of dst (or of src again, when the check failed)
 *
 * Nothing runs in between, so no one ever meets a migration entry.
 * Left out: 2M folios (compaction does not take them), pages without struct page.
 * Model: Linux 6.6 mm/migrate.c, mm/rmap.c.
 */
#include <errno.h>

#include "cache/filemap.h"
#include "cache/migrate.h"
#include "virt/ksm.h"
#include "virt/rmap.h"
#include "virt/tlb.h"

struct move {
	struct mm_virt *virt;
	mm_pfn_t from, to;
};

/* Source: Linux 6.6 mm/rmap.c try_to_migrate_one(). */
static bool unmap_one(void *arg, struct mm_rmap_hit *hit)
{
	const struct move *m = arg;
	struct mm_cache *c = m->virt->cache;
	struct mm_page *p = mm_page(m->virt->phys, m->from);
	struct mm_struct *mm = hit->vma->vm_mm;
	mm_pte_t old = *hit->entry, swp;
	uint32_t type = MM_SWP_TYPE_MIGRATION_READ;

	mm_flush_tlb_page(mm, hit->vaddr);
	if (mm_pte_dirty(old))
		mm_folio_mark_dirty(c, m->from);
	mm_update_hiwater_rss(mm);
	if (mm_pte_write(old))
		type = MM_SWP_TYPE_MIGRATION_WRITE;
	else if (p->flags & MM_PG_ANON && p->flags & MM_PG_ANON_EXCLUSIVE)
		type = MM_SWP_TYPE_MIGRATION_READ_EXCLUSIVE;
	p->flags &= ~(uint32_t)(p->flags & MM_PG_ANON ? MM_PG_ANON_EXCLUSIVE : 0);
	swp = mm_swp_pte(type, m->from | (mm_pte_young(old) ? MM_SWP_MIG_YOUNG : 0) |
			       (mm_pte_dirty(old) ? MM_SWP_MIG_DIRTY : 0));
	if (old & MM_PTE_SOFT_DIRTY)
		swp |= MM_SWP_SOFT_DIRTY;
	if (old & MM_PTE_UFFD_WP)
		swp |= MM_SWP_UFFD_WP;
	*hit->entry = swp;
	mm_page_remove_rmap(hit->vma, m->from, false);
	if (hit->vma->vm_flags & MM_VM_LOCKED)
		mm_mlock_drain(c);
	mm_folio_put(c, m->from);
	return mm_folio_mapped(m->virt->phys, m->from);
}

/* Source: Linux 6.6 mm/migrate.c remove_migration_pte(). */
static bool remap_one(void *arg, struct mm_rmap_hit *hit)
{
	const struct move *m = arg;
	struct mm_page *p = mm_page(m->virt->phys, m->to);
	mm_pte_t old = *hit->entry, pte = mm_mk_pte(m->to, mm_vma_page_prot(hit->vma));
	uint64_t offset = mm_swp_offset(old);
	uint32_t type = mm_swp_type(old);

	if (old & MM_SWP_SOFT_DIRTY)
		pte |= MM_PTE_SOFT_DIRTY;
	if (!(offset & MM_SWP_MIG_YOUNG))
		pte = mm_pte_mkold(pte);
	if (p->flags & MM_PG_DIRTY && offset & MM_SWP_MIG_DIRTY)
		pte = mm_pte_mkdirty(pte);
	if (type == MM_SWP_TYPE_MIGRATION_WRITE)
		pte = mm_pte_mkwrite(pte);
	else if (old & MM_SWP_UFFD_WP)
		pte |= MM_PTE_UFFD_WP;
	p->refs++;
	if (p->flags & MM_PG_ANON)
		mm_page_add_anon_rmap(hit->vma, m->to, hit->vaddr, type == MM_SWP_TYPE_MIGRATION_READ ? 0 : MM_RMAP_EXCLUSIVE);
	else
		mm_page_add_file_rmap(hit->vma, m->to, false);
	*hit->entry = pte;
	if (hit->vma->vm_flags & MM_VM_LOCKED)
		mm_mlock_drain(m->virt->cache);
	return true;
}

/* Each migration entry of @from becomes an entry of @to. */
static void remove_migration_ptes(struct mm_virt *virt, mm_pfn_t from, mm_pfn_t to)
{
	mm_rmap_walk_migration(virt, to, from, remap_one, &(struct move){ virt, from, to });
}

int mm_migrate_folio(struct mm_virt *virt, mm_pfn_t src, mm_pfn_t dst)
{
	struct mm_cache *c = virt->cache;
	const struct mm_page *p = mm_page(virt->phys, src);
	bool was_mapped = p->mapcount > 0, was_mlocked = p->flags & MM_PG_MLOCKED, in_fault = c->in_lru_fault;
	int rc = -EAGAIN;

	if (p->flags & (MM_PG_HEAD | MM_PG_TAIL | MM_PG_WRITEBACK))
		return -EAGAIN;
	c->in_lru_fault = false;	/* the page is no newer for having moved */
	if (was_mapped)
		mm_rmap_walk(virt, src, unmap_one, &(struct move){ virt, src, dst });
	if (!p->mapcount)
		rc = mm_folio_migrate_mapping(c, src, dst);
	if (!rc) {
		struct mm_ksm_node *n = mm_ksm_page_node(virt, dst);

		if (n)			/* folio_migrate_ksm() */
			n->kpfn = dst;
		mm_folio_add_lru(c, dst);
		if (was_mlocked)
			mm_lru_add_drain(c);
	}
	if (was_mapped)
		remove_migration_ptes(virt, src, rc ? src : dst);
	if (!rc) {
		mm_folio_put(c, dst);
		mm_folio_put(c, src);
	}
	c->in_lru_fault = in_fault;
	return rc;
}
