/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Page tables: where they lie, how one is found, made and given back.
 *
 *	mm->pgd -> PGD 512 x 512G -> PUD 512 x 1G -> PMD 512 x 2M -> PTE 512 x 4K
 *	mm->pgd -> PGD 512 x 256T -> P4D 512 x 512G -> PUD ...			with la57
 *
 * Each table is one page frame of the simulated machine. Its 512 entries are
 * host memory, which its descriptor finds, so an address space costs the host
 * 4 KiB for each table, less where few are in use, and nothing else. The two-page PGD (its second half belongs to the
 * kernel's page-table isolation) and P4D tables are counted nowhere, as in the kernel; other
 * tables count in mm->pgtables_bytes, those of PTEs and PMDs also in nr_page_table_pages.
 *
 * A table page uses its descriptor so: aux is the level (1 PTE .. 3 PUD, the highest PGD), index where the entries lie; a PTE table
 * with one entry keeps it in the place of next and prev (packed_table.c); a PMD table keeps the
 * tables set aside for its 2M entries as a ring through next and prev of those, its own next being the head, or in
 * prev how many other address spaces share it (hugetlb_share.c).
 *
 * Left out: kernel halves.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/host_memory.h"
#include "cache/memcg.h"
#include "virt/pgtable.h"
#include "virt/pkeys.h"
#include "virt/tlb.h"

enum { PGD_ALLOCATION_ORDER = 1 };
#define GFP_PGTABLE_USER (MM_GFP_KERNEL | __MM_GFP_ZERO | __MM_GFP_ACCOUNT)
#define PAGE_TABLE_BITS (MM_PTE_P | MM_PTE_RW | MM_PTE_US | MM_PTE_A | MM_PTE_D)
#define PAGE_CHG_MASK (MM_PTE_PFN_MASK | MM_PTE_PCD | MM_PTE_PWT | MM_PTE_SPECIAL | MM_PTE_A | MM_PTE_D | \
		       MM_PTE_SAVED_DIRTY | MM_PTE_SOFT_DIRTY | MM_PTE_UFFD_WP)

int mm_pgtables_new(struct mm_virt *virt)
{
	struct mm_pgtables *t = mm_host_calloc(1, sizeof(*t));
	if (!t)
		return -ENOMEM;
	virt->pgtables = t;
	virt->zero_pfn = virt->huge_zero_pfn = MM_PFN_NONE;
	for (int i = 0; i < MM_MAX_VDSO_PAGES; i++)
		virt->vdso_pfn[i] = MM_PFN_NONE;
	return 0;
}

/* Tables of address spaces that still live go with the machine: found by a walk from each mm is not needed then. */
void mm_pgtables_free(struct mm_virt *virt)
{
	struct mm_pgtables *t = virt->pgtables;

	if (!t)
		return;
	for (mm_pfn_t pfn = 0; t->nr_tables && pfn < virt->phys->max_pfn; pfn++)
		if (mm_page(virt->phys, pfn)->flags & MM_PG_TABLE) {
			if (!mm_table_is_packed(mm_table_of(virt, pfn)))
				free(mm_table_of(virt, pfn));
			t->nr_tables--;
		}
	for (unsigned int i = 0; i < MM_PACKED_CLASSES; i++)
		mm_pool_destroy(&t->packed[i]);
	free(t->spare);
	free(t);
	virt->pgtables = NULL;
}

mm_pte_t *mm_table_contents_new(struct mm_pgtables *t)
{
	mm_pte_t *entries = t->spare;

	t->spare = NULL;
	return entries ? memset(entries, 0, MM_PAGE_SIZE) : mm_host_calloc(MM_PTRS_PER_TABLE, sizeof(*entries));
}

static void contents_free(struct mm_pgtables *t, mm_pte_t *entries)
{
	if (mm_table_is_packed(entries))
		mm_packed_table_free(t, entries);
	else if (t->spare)
		free(entries);
	else
		t->spare = entries;
}

static mm_pfn_t table_alloc(struct mm_struct *mm, unsigned int level, bool packed)
{
	struct mm_virt *virt = mm->virt;
	struct mm_pgtables *t = virt->pgtables;
	unsigned int order = level == mm_nr_levels(virt) ? PGD_ALLOCATION_ORDER : 0;
	mm_pte_t *entries = packed ? mm_packed_table_new(t, level) : mm_table_contents_new(t);
	struct mm_page *table;
	mm_pfn_t pfn;

	if (!entries)
		return MM_PFN_NONE;
	pfn = mm_alloc_pages(virt->phys, GFP_PGTABLE_USER, order);
	if (pfn != MM_PFN_NONE && mm->memcg && virt->cache &&
	    mm_memcg_charge_kmem(virt->cache, mm->memcg, UINT64_C(1) << order, GFP_PGTABLE_USER)) {
		mm_free_pages(virt->phys, pfn, order);
		pfn = MM_PFN_NONE;
	}
	if (pfn == MM_PFN_NONE) {
		contents_free(t, entries);
		return MM_PFN_NONE;
	}
	if (mm->memcg && virt->cache) {	/* whom freeing uncharges, wherever the task is then */
		mm_folio_set_memcg(virt->cache, pfn, mm->memcg->id);
		mm->memcg->pagetables += level <= 2;
	}
	table = mm_page(virt->phys, pfn);
	table->flags |= MM_PG_TABLE;
	table->aux = (uint8_t)level;
	table->index = (uintptr_t)entries;
	table->prev = 0;
	t->nr_tables++;
	if (level <= 2)
		mm_count(virt->ctx, MM_NR_PAGE_TABLE_PAGES, 1);
	return pfn;
}

/* The contents go; the page frame stays the caller's (pagetable_pte_dtor() and the like). */
static void table_dtor(struct mm_struct *mm, mm_pfn_t pfn)
{
	struct mm_pgtables *t = mm->virt->pgtables;
	struct mm_cache *c = mm->virt->cache;
	struct mm_page *p = mm_page(mm->virt->phys, pfn);

	if (p->aux <= 2)
		mm_count(mm->virt->ctx, MM_NR_PAGE_TABLE_PAGES, -1);
	if (p->aux >= 2)
		mm_pmd_forget(mm->virt);
	if (c && c->page_memcg[pfn]) {
		mm_memcg_online_ancestor(mm_folio_memcg(c, pfn))->pagetables -= p->aux <= 2;
		if (p->aux == mm_nr_levels(mm->virt))
			mm_memcg_uncharge_kmem(c, mm_folio_memcg(c, pfn), 1u << PGD_ALLOCATION_ORDER);
		else		/* free_page_and_swap_cache() */
			mm_memcg_uncharge_table(c, mm_folio_memcg(c, pfn), mm_page_zone(mm->virt->phys, pfn)->node);
		mm_folio_set_memcg(c, pfn, 0);
	}
	contents_free(t, mm_table_entries(p));
	t->nr_tables--;
	p->flags &= ~(uint32_t)MM_PG_TABLE;
	p->index = 0;
	p->aux = 0;
}

int mm_pgd_alloc(struct mm_struct *mm)
{
	mm_pfn_t pfn = table_alloc(mm, mm_nr_levels(mm->virt), false);

	if (pfn == MM_PFN_NONE)
		return -ENOMEM;
	mm->pgd = pfn;
	return 0;
}

void mm_pgd_free(struct mm_struct *mm)
{
	if (mm->pgd == MM_PFN_NONE)
		return;
	mm_flush_tlb_mm(mm);
	table_dtor(mm, mm->pgd);
	mm_free_pages(mm->virt->phys, mm->pgd, PGD_ALLOCATION_ORDER);
	mm->pgd = MM_PFN_NONE;
}

/* ---- finding and making tables ---------------------------------------- */

/* What a table of @level adds to pgtables_bytes. */
static uint64_t table_bytes(unsigned int level) { return level <= 3 ? MM_PAGE_SIZE : 0; }

mm_pte_t *mm_entry_at(const struct mm_struct *mm, uint64_t vaddr, unsigned int level) { return mm_walk_to(mm, vaddr, level); }

/* It is remembered where there is one: many entries below it are looked for. */
mm_pte_t *mm_pmd_offset_walk(const struct mm_struct *mm, uint64_t vaddr)
{
	struct mm_pgtables *t = mm->virt->pgtables;
	mm_pte_t *pmd = mm_walk_to(mm, vaddr, 2);

	if (pmd && pmd != &mm_pte_absent) {
		uint64_t tag = mm_pmd_tag(mm, vaddr);

		t->known[tag % MM_PMDS_KNOWN] = (struct mm_pmd_known){ tag, pmd };
	}
	return pmd;
}

void mm_pmd_forget(const struct mm_virt *virt) { memset(virt->pgtables->known, 0, sizeof(virt->pgtables->known)); }

mm_pte_t *mm_pte_offset(const struct mm_struct *mm, uint64_t vaddr)
{
	mm_pte_t *pmd = mm_pmd_offset(mm, vaddr);

	return pmd && *pmd & MM_PTE_P && !(*pmd & MM_PTE_PSE) ? mm_pte_of(mm, pmd, vaddr) : NULL;
}

/* The PMD entry of @vaddr in @table; NULL: host memory. */
static mm_pte_t *make_pmd(struct mm_struct *mm, mm_pfn_t table, uint64_t vaddr)
{
	mm_pte_t *e = mm_table_entry(mm->virt, table, mm_level_index(vaddr, 2));

	if (e != &mm_pte_absent)
		return e;
	mm_pmd_forget(mm->virt);		/* others may move */
	return mm_packed_table_make(mm->virt->pgtables, mm_page(mm->virt->phys, table), mm_level_index(vaddr, 2));
}

mm_pte_t *mm_entry_alloc(struct mm_struct *mm, uint64_t vaddr, unsigned int level)
{
	unsigned int top = mm_nr_levels(mm->virt);
	mm_pte_t *e;

	if (mm->pgd == MM_PFN_NONE)
		return NULL;
	e = mm_table_of(mm->virt, mm->pgd) + mm_level_index(vaddr, top);
	for (unsigned int l = top - 1; l >= level; l--) {
		if (!(*e & MM_PTE_P)) {
			mm_pfn_t pfn = table_alloc(mm, l, l == 2);

			if (pfn == MM_PFN_NONE)
				return NULL;
			mm->pgtables_bytes += table_bytes(l);
			*e = mm_mk_pte(pfn, PAGE_TABLE_BITS);
		}
		e = l > 2 ? mm_table_of(mm->virt, mm_pte_pfn(*e)) + mm_level_index(vaddr, l) : make_pmd(mm, mm_pte_pfn(*e), vaddr);
	}
	return e;
}

void mm_pmd_populate(struct mm_struct *mm, mm_pte_t *pmd, mm_pfn_t table)
{
	(void)mm;
	*pmd = mm_mk_pte(table, PAGE_TABLE_BITS);
}

mm_pfn_t mm_pte_table_alloc(struct mm_struct *mm) { return table_alloc(mm, 1, false); }

void mm_pte_table_free(struct mm_struct *mm, mm_pfn_t table)
{
	table_dtor(mm, table);
	mm_free_pages(mm->virt->phys, table, 0);
}

void mm_pte_table_retract(struct mm_struct *mm, mm_pte_t *pmd, uint64_t vaddr)
{
	mm_pfn_t table = mm_pte_pfn(*pmd);

	*pmd = 0;
	mm_flush_tlb_range(mm, vaddr, vaddr + MM_PMD_SIZE);
	mm_dec_nr_ptes(mm);
	mm_pte_table_free(mm, table);
}

/* The same where the table is missing, packed or, with a 2M entry, none. */
static __attribute__((noinline)) mm_pte_t *pte_alloc_slow(struct mm_struct *mm, mm_pte_t *pmd, uint64_t vaddr)
{
	if (mm_pte_none(*pmd)) {
		mm_pfn_t table = table_alloc(mm, 1, true);

		if (table == MM_PFN_NONE)
			return NULL;
		mm->pgtables_bytes += MM_PAGE_SIZE;
		mm_pmd_populate(mm, pmd, table);
	}
	if (mm_pmd_trans_huge(*pmd))
		return NULL;
	return mm_packed_table_make(mm->virt->pgtables, mm_page(mm->virt->phys, mm_table_pfn(*pmd)), mm_level_index(vaddr, 1));
}

mm_pte_t *mm_pte_alloc_pmd(struct mm_struct *mm, mm_pte_t *pmd, uint64_t vaddr)
{
	const mm_pte_t e = *pmd;
	mm_pte_t *entries = mm_pmd_is_table(e) ? mm_table_of(mm->virt, mm_table_pfn(e)) : NULL;

	return entries && !mm_table_is_packed(entries) ? entries + mm_level_index(vaddr, 1) : pte_alloc_slow(mm, pmd, vaddr);
}

mm_pte_t *mm_pte_alloc(struct mm_struct *mm, uint64_t vaddr)
{
	mm_pte_t *pmd = mm_pmd_alloc(mm, vaddr);

	return pmd ? mm_pte_alloc_pmd(mm, pmd, vaddr) : NULL;
}

/* The address of the next PMD entry that is not 0, or that behind the packed table's part. */
static uint64_t next_of_packed(struct mm_page *table, uint64_t vaddr)
{
	unsigned int index = mm_level_index(vaddr, 2);

	if (!mm_packed_table_next(table, &index, MM_PTRS_PER_TABLE))
		index = MM_PTRS_PER_TABLE;
	return (vaddr & ~(MM_PUD_SIZE - 1)) + index * MM_PMD_SIZE;
}

mm_pte_t *mm_next_pmd(const struct mm_struct *mm, uint64_t *vaddr, uint64_t end)
{
	if (mm->pgd == MM_PFN_NONE)
		return NULL;
	while (*vaddr < end) {
		const uint64_t tag = mm_pmd_tag(mm, *vaddr);
		struct mm_pmd_known *k = &mm->virt->pgtables->known[tag % MM_PMDS_KNOWN];
		unsigned int level = mm_nr_levels(mm->virt);
		mm_pfn_t table = mm->pgd;
		uint64_t size;
		mm_pte_t *e;

		if (k->tag == tag && !mm_pte_none(*k->pmd))
			return k->pmd;
		e = mm_table_of(mm->virt, mm->pgd) + mm_level_index(*vaddr, level);
		while (level > 2 && *e & MM_PTE_P && !(*e & MM_PTE_PSE)) {
			level--;
			table = mm_pte_pfn(*e);
			e = mm_table_entry(mm->virt, table, mm_level_index(*vaddr, level));
		}
		if (level == 2 && !mm_pte_none(*e)) {
			*k = (struct mm_pmd_known){ tag, e };
			return e;
		}
		size = mm_level_size(level);
		if (level == 2 && e == &mm_pte_absent)
			*vaddr = next_of_packed(mm_page(mm->virt->phys, table), *vaddr);
		else
			*vaddr = (*vaddr | (size - 1)) + 1;
	}
	return NULL;
}

/* ---- entries ------------------------------------------------------------ */

uint64_t mm_vm_get_page_prot(uint64_t vm_flags)
{
	uint64_t nx = (vm_flags & MM_VM_EXEC ? 0 : MM_PTE_NX) | (vm_flags & MM_VM_PKEY_FLAGS) >> MM_VM_PKEY_SHIFT << MM_PTE_PKEY_SHIFT;

	if (!(vm_flags & (MM_VM_READ | MM_VM_WRITE | MM_VM_EXEC)))
		return MM_PTE_A | MM_PTE_PROTNONE | (nx & MM_PTE_PKEY);
	if ((vm_flags & (MM_VM_WRITE | MM_VM_SHARED)) == (MM_VM_WRITE | MM_VM_SHARED))
		return MM_PTE_P | MM_PTE_RW | MM_PTE_US | MM_PTE_A | nx;
	return MM_PTE_P | MM_PTE_US | MM_PTE_A | nx;
}

bool mm_vma_has_mkwrite(const struct mm_vma *vma)
{
	return vma->vm_file && !vma->vm_file->inode->dev_zero && vma->vm_file->inode->type == MM_INODE_REG;
}

/* A shared writable mapping where the first write to a page must be noticed. */
static bool vma_wants_writenotify(const struct mm_vma *vma)
{
	const uint64_t shared = MM_VM_WRITE | MM_VM_SHARED;

	return (vma->vm_flags & shared) == shared &&
	       (mm_vma_has_mkwrite(vma) || mm_vma_soft_dirty_enabled(vma) || vma->vm_flags & MM_VM_UFFD_WP);
}

uint64_t mm_vma_page_prot(const struct mm_vma *vma)
{
	uint64_t prot = mm_vm_get_page_prot(vma_wants_writenotify(vma) ? vma->vm_flags & ~(uint64_t)MM_VM_SHARED : vma->vm_flags);

	return prot & MM_PTE_P && !mm_sysctl(vma->vm_mm->virt->ctx, MM_SYSCTL_NX) ? prot & ~MM_PTE_NX : prot;
}

static mm_pte_t modify(mm_pte_t old, uint64_t keep, uint64_t newprot)
{
	mm_pte_t p = (old & keep) | (newprot & ~keep);

	if (!mm_protnone_mask(old) != !mm_protnone_mask(p))
		p ^= MM_PTE_PFN_MASK;
	return old & MM_PTE_RW ? mm_pte_mksaveddirty(p) : mm_pte_clear_saveddirty(p);
}

mm_pte_t mm_pte_modify(mm_pte_t p, uint64_t newprot) { return modify(p, PAGE_CHG_MASK, newprot); }
mm_pte_t mm_pmd_modify(mm_pte_t p, uint64_t newprot)
{
	return modify(p, (PAGE_CHG_MASK | MM_PTE_PSE) & ~MM_PTE_D, newprot);
}

/* ---- tables set aside for 2M entries ------------------------------------ */

static struct mm_page *pmd_table_page(const struct mm_struct *mm, uint64_t vaddr)
{
	mm_pte_t *pud = mm_entry_at(mm, vaddr, 3);

	return mm_page(mm->virt->phys, mm_pte_pfn(*pud));
}

void mm_pgtable_deposit(struct mm_struct *mm, uint64_t vaddr, mm_pfn_t table)
{
	struct mm_page *map = mm->virt->phys->mem_map, *pmd = pmd_table_page(mm, vaddr);
	mm_pfn_t head = pmd->mapping ? pmd->next : MM_PFN_NONE;

	if (head == MM_PFN_NONE) {
		map[table].next = map[table].prev = table;
	} else {
		map[table].next = map[head].next;
		map[table].prev = head;
		map[map[head].next].prev = table;
		map[head].next = table;
	}
	pmd->next = table;
	pmd->mapping++;
	mm->pgtables_bytes += MM_PAGE_SIZE;
}

mm_pfn_t mm_pgtable_withdraw(struct mm_struct *mm, uint64_t vaddr)
{
	struct mm_page *map = mm->virt->phys->mem_map, *pmd = pmd_table_page(mm, vaddr);
	mm_pfn_t table = pmd->next;

	map[map[table].prev].next = map[table].next;
	map[map[table].next].prev = map[table].prev;
	pmd->next = map[table].next;
	pmd->mapping--;
	return table;
}

/* ---- freeing -------------------------------------------------------------- */

static void free_table(struct mm_mmu_gather *tlb, mm_pte_t *entry, uint64_t vaddr)
{
	mm_pfn_t pfn = mm_pte_pfn(*entry);
	uint64_t counted = table_bytes(mm_page(tlb->mm->virt->phys, pfn)->aux);

	*entry = 0;
	mm_tlb_track(tlb, vaddr, vaddr + MM_PAGE_SIZE);
	table_dtor(tlb->mm, pfn);
	mm_page(tlb->mm->virt->phys, pfn)->mapping = 0;
	tlb->mm->pgtables_bytes -= counted;
	if (mm_tlb_remove_page(tlb, pfn))
		mm_tlb_flush_mmu(tlb);
}

/*
 * Free what lies below @entry, a table of @level - 1, in [start, end); then the table itself if nobody else can
 * use it.
 */
static void free_range(struct mm_mmu_gather *tlb, mm_pte_t *entry, unsigned int level, uint64_t start, uint64_t end,
		       uint64_t floor, uint64_t ceiling)
{
	const uint64_t child = mm_level_size(level - 1);
	const uint64_t mask = ~((child << 9) - 1);
	const mm_pfn_t table = mm_pte_pfn(*entry);

	for (uint64_t vaddr = start, next; vaddr != end; vaddr = next) {
		mm_pte_t *e = mm_table_entry(tlb->mm->virt, table, mm_level_index(vaddr, level - 1));

		next = (vaddr | (child - 1)) + 1;
		next = next - 1 < end - 1 ? next : end;
		if (!(*e & MM_PTE_P))
			continue;
		if (level == 3)
			free_table(tlb, e, vaddr);
		else
			free_range(tlb, e, level - 1, vaddr, next, floor, ceiling);
	}
	start &= mask;
	if (start < floor)
		return;
	if (ceiling) {
		ceiling &= mask;
		if (!ceiling)
			return;
	}
	if (end - 1 > ceiling - 1)
		return;
	free_table(tlb, entry, start);
}

/* Free the tables that lie between @floor and @ceiling (0: none) and covered only [start, end). */
static void free_pgd_range(struct mm_mmu_gather *tlb, uint64_t start, uint64_t end, uint64_t floor, uint64_t ceiling)
{
	const unsigned int top = mm_nr_levels(tlb->mm->virt);

	start &= ~(MM_PMD_SIZE - 1);
	if (start < floor)
		start += MM_PMD_SIZE;
	if (ceiling) {
		ceiling &= ~(MM_PMD_SIZE - 1);
		if (!ceiling)
			return;
	}
	if (end - 1 > ceiling - 1)
		end -= MM_PMD_SIZE;
	if (start > end - 1)
		return;
	for (uint64_t vaddr = start, next; vaddr != end; vaddr = next) {
		mm_pte_t *pgd = mm_table_of(tlb->mm->virt, tlb->mm->pgd) + mm_level_index(vaddr, top);

		next = (vaddr | (mm_level_size(top) - 1)) + 1;
		next = next - 1 < end - 1 ? next : end;
		if (*pgd & MM_PTE_P)
			free_range(tlb, pgd, top, vaddr, next, floor, ceiling);
	}
}

/* Are the tables of two neighbours freed together? */
static bool taken_together(const struct mm_vma *vma, const struct mm_vma *next)
{
	return !((vma->vm_flags | next->vm_flags) & MM_VM_HUGETLB) && next->vm_start <= vma->vm_end + MM_PMD_SIZE;
}

void mm_free_all_pgtables(struct mm_mmu_gather *tlb)
{
	struct mm_ma_state mas = { .tree = &tlb->mm->mm_mt };
	struct mm_vma *next;

	for (struct mm_vma *vma = mm_mas_find(&mas, UINT64_MAX); vma; vma = next) {
		uint64_t start = vma->vm_start;

		while ((next = mm_mas_next(&mas, UINT64_MAX)) && taken_together(vma, next))
			vma = next;
		free_pgd_range(tlb, start, vma->vm_end, 0, next ? next->vm_start : 0);
	}
}

void mm_free_pgtables(struct mm_mmu_gather *tlb, struct mm_vma *const *vmas, size_t nr, uint64_t floor,
		      uint64_t ceiling)
{
	for (size_t i = 0; i < nr; i++) {
		uint64_t start = vmas[i]->vm_start;

		while (i + 1 < nr && taken_together(vmas[i], vmas[i + 1]))
			i++;
		free_pgd_range(tlb, start, vmas[i]->vm_end, floor, i + 1 < nr ? vmas[i + 1]->vm_start : ceiling);
	}
}
