/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * reclaim/mglru_walk.c - MGLRU: aging by a walk of page tables (lru_gen bit 1)
 *
 * Before a new generation begins, every address space of the memcg is walked:
 * folios whose entries were used join the youngest generation so far, where
 * they lie.  Tables worth a look are remembered in a Bloom filter (cache/bloom.c): a
 * table with one used entry in eight, of all that its mappings have there, is
 * carried over, the others are left out next time.  An address space that is new is walked whole, one that nobody used
 * since the last walk (lru_gen_use_mm()) is left out.  With bit 2 the entry
 * that leads to a table is looked at first: a table that no walk of the processor went
 * through since the last time is left out, whatever its own entries say.
 *
 * Source: Linux 6.6 mm/vmscan.c walk_mm(), walk_pmd_range(), walk_pte_range().
 */
#include "base/minmax.h"
#include "cache/filemap.h"
#include "reclaim/mglru.h"
#include "virt/rmap.h"
#include "virt/tlb.h"

struct walk {
	struct mm_reclaim *r;
	struct mm_lruvec *v;
	struct mm_struct *mm;
	uint64_t max_seq;
	bool can_swap, force_scan, clear_pmd_young;
};

/* One used mapping: its bit goes, its folio joins the youngest generation. */
static void promote(struct walk *w, mm_pte_t *entry, mm_pfn_t pfn)
{
	struct mm_cache *c = w->r->cache;
	struct mm_page *p = mm_cache_page(c, pfn);
	bool dirty = mm_pte_dirty(*entry);

	*entry = mm_pte_mkold(*entry);
	if (dirty && !((p->flags & MM_PG_ANON) && (p->flags & MM_PG_SWAPBACKED) && !mm_folio_test_swapcache(p)))
		mm_folio_mark_dirty(c, pfn);
	mm_lru_gen_update_gen(c, pfn, (int)mm_lru_gen_from_seq(w->max_seq));
}

/* The folio of an entry, when it is this lruvec's; MM_PFN_NONE. */
static mm_pfn_t folio_of(const struct walk *w, mm_pte_t entry)
{
	mm_pfn_t pfn;

	if (!mm_pte_present(entry) || mm_pte_special(entry))
		return MM_PFN_NONE;
	pfn = mm_page_head(w->r->phys, mm_pte_pfn(entry));
	if (mm_folio_lruvec(w->r->cache, pfn) != w->v || (!mm_folio_is_file_lru(mm_page(w->r->phys, pfn)) && !w->can_swap))
		return MM_PFN_NONE;
	return pfn;
}

static bool should_skip_vma(const struct walk *w, const struct mm_vma *vma)
{
	if (!mm_vma_is_accessible(vma) || !mm_vma_has_recency(vma) || vma->extra->special ||
	    (vma->vm_flags & (MM_VM_LOCKED | MM_VM_SPECIAL | MM_VM_HUGETLB)))
		return true;
	return (mm_vma_is_anonymous(vma) || mm_inode_is_shmem(vma->vm_file->inode)) && !w->can_swap;
}

/* @vma or the first one after it that is looked at; NULL: none. */
static struct mm_vma *not_skipped(const struct walk *w, struct mm_ma_state *mas, struct mm_vma *vma)
{
	while (vma && should_skip_vma(w, vma))
		vma = mm_mas_next(mas, UINT64_MAX);
	return vma;
}

/* The entries within [start, end) of a table; how many were used. */
static uint64_t walk_ptes(struct walk *w, const mm_pte_t *pmd, uint64_t start, uint64_t end)
{
	uint64_t young = 0;
	mm_pte_t *pte;

	for (uint64_t v = start; (pte = mm_next_pte(w->mm, pmd, &v, end)); v += MM_PAGE_SIZE) {
		mm_pfn_t pfn = mm_pte_young(*pte) ? folio_of(w, *pte) : MM_PFN_NONE;

		if (pfn == MM_PFN_NONE)
			continue;
		young++;
		promote(w, pte, pfn);
		mm_flush_tlb_range(w->mm, v, v + MM_PAGE_SIZE);
	}
	return young;
}

/* The entries of one table from @start of @vma on, and of the VMAs after it; true when it is worth another look. */
static bool walk_pte_range(struct walk *w, const mm_pte_t *pmd, uint64_t start, const struct mm_vma *vma)
{
	uint64_t limit = mm_pmd_addr_end(start, UINT64_MAX), total = 0, young = 0;
	struct mm_ma_state mas = { .tree = &w->mm->mm_mt, .index = vma->vm_start };

	for (vma = mm_mas_walk(&mas); vma && vma->vm_start < limit;
	     vma = not_skipped(w, &mas, mm_mas_next(&mas, UINT64_MAX))) {
		uint64_t from = mm_max_u64(vma->vm_start, start), end = mm_min_u64(vma->vm_end, limit);

		total += (end - from) >> MM_PAGE_SHIFT;
		young += walk_ptes(w, pmd, from, end);
	}
	return mm_lru_gen_suitable_to_scan(total, young);
}

/* What an entry of the PMD level leads to: a 2M page, or a table, in which @vma has @addr. */
static void walk_pmd(struct walk *w, mm_pte_t *pmd, uint64_t addr, const struct mm_vma *vma)
{
	if (mm_pmd_trans_huge(*pmd)) {
		mm_pfn_t pfn = mm_pte_young(*pmd) ? folio_of(w, *pmd) : MM_PFN_NONE;

		if (pfn == MM_PFN_NONE)
			return;
		promote(w, pmd, pfn);
		mm_flush_tlb_range(w->mm, addr & ~(MM_PMD_SIZE - 1), (addr & ~(MM_PMD_SIZE - 1)) + MM_PMD_SIZE);
		return;
	}
	if (!mm_pte_present(*pmd))
		return;
	if (w->clear_pmd_young) {
		if (!mm_pte_young(*pmd))
			return;
		*pmd = mm_pte_mkold(*pmd);
	}
	if (!w->force_scan && !mm_lru_gen_bloom_test(w->v, w->max_seq, w->mm->id, addr))
		return;
	if (walk_pte_range(w, pmd, addr, vma))
		mm_lru_gen_bloom_add(w->v, w->max_seq + 1, w->mm->id, addr);
}

/* Each table once, for all the VMAs in it. */
static void walk_mm(struct walk *w)
{
	struct mm_ma_state mas = { .tree = &w->mm->mm_mt };
	uint64_t done = 0;
	mm_pte_t *pmd;

	for (struct mm_vma *vma = not_skipped(w, &mas, mm_mas_find(&mas, UINT64_MAX)); vma;
	     vma = not_skipped(w, &mas, mm_mas_next(&mas, UINT64_MAX))) {
		uint64_t addr = mm_max_u64(vma->vm_start, done);

		while (addr < vma->vm_end && (pmd = mm_next_pmd(w->mm, &addr, vma->vm_end))) {
			walk_pmd(w, pmd, addr, vma);
			addr = done = mm_pmd_addr_end(addr, UINT64_MAX);
		}
	}
}

static uint64_t pages_of(const struct mm_struct *mm, bool can_swap)
{
	int64_t n = mm->rss[MM_FILEPAGES] + (can_swap ? mm->rss[MM_ANONPAGES] + mm->rss[MM_SHMEMPAGES] : 0);

	return n > 0 ? (uint64_t)n : 0;
}

void mm_lru_gen_walk(struct mm_reclaim *r, struct mm_lruvec *v, bool can_swap)
{
	struct walk w = { .r = r, .v = v, .max_seq = v->lrugen.max_seq, .can_swap = can_swap,
			  .clear_pmd_young = mm_lru_gen_cap(r, MM_LRU_GEN_NONLEAF_YOUNG) };
	uint32_t newest = v->newest_mm_id;
	bool first = true;
	struct mm_oom_task t;

	for (size_t pos = 0; r->oom.task && r->oom.task(r->oom.arg, &pos, &t); ) {
		const struct mm_memcg *m = t.mm && t.mm->memcg ? t.mm->memcg : r->cache->root_mem_cgroup;

		if (!t.mm || m != v->memcg || t.mm->pgd == MM_PFN_NONE)
			continue;
		if (t.mm->id > v->newest_mm_id)
			w.force_scan = true;
		if (t.mm->id > newest)
			newest = t.mm->id;
		if (!w.force_scan && !t.mm->lru_gen_used)
			continue;
		t.mm->lru_gen_used = t.is_current && mm_sysctl(r->ctx, MM_SYSCTL_LRU_GEN_SWITCHED);
		if (pages_of(t.mm, can_swap) < MM_MIN_LRU_BATCH)
			continue;
		if (first)
			mm_lru_gen_bloom_reset(v, w.max_seq + 1);
		first = false;
		w.mm = t.mm;
		walk_mm(&w);
	}
	v->newest_mm_id = newest;
}
