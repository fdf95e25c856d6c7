/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What /proc/PID/pagemap would say: 64 bits a page; pages that are alike and lie behind one another are one row.
 *
 * Nothing is lost by that: the page (or swap slot) of the i-th page of a row is the first one's plus i. Pages whose 64
 * bits are 0 have no row. Model: Linux 6.6 fs/proc/task_mmu.c pte_to_pagemap_entry(), pagemap_pmd_range(),
 * pagemap_pte_hole().
 */
#include <string.h>

#include <libmm/tables.h>

#include "machine/machine.h"
#include "virt/hugetlb.h"
#include "virt/rmap.h"

#define PM_SOFT_DIRTY		(UINT64_C(1) << 55)
#define PM_MMAP_EXCLUSIVE	(UINT64_C(1) << 56)
#define PM_UFFD_WP		(UINT64_C(1) << 57)
#define PM_FILE			(UINT64_C(1) << 61)
#define PM_SWAP			(UINT64_C(1) << 62)
#define PM_PRESENT		(UINT64_C(1) << 63)
#define PM_FRAME		((UINT64_C(1) << 55) - 1)
enum { MAX_SWAPFILES_SHIFT = 5 };

struct run {
	uint64_t pid, start, end, pages, entry;
	uint64_t present, swapped, file, exclusive, soft_dirty, uffd_wp;
	uint64_t pfn, swap_type, swap_offset;
};

static const struct mm_column columns[] = {
	MM_COLUMN(struct run, pid, MM_COL_U64, "process"),
	MM_COLUMN(struct run, start, MM_COL_HEX, "first byte of pages that are alike"),
	MM_COLUMN(struct run, end, MM_COL_HEX, "first byte past them"),
	MM_COLUMN(struct run, pages, MM_COL_U64, "how many"),
	MM_COLUMN(struct run, entry, MM_COL_HEX, "the 64 bits of the first"),
	MM_COLUMN(struct run, present, MM_COL_U64, "1: in memory"),
	MM_COLUMN(struct run, swapped, MM_COL_U64, "1: in swap"),
	MM_COLUMN(struct run, file, MM_COL_U64, "1: of a file or shared anonymous"),
	MM_COLUMN(struct run, exclusive, MM_COL_U64, "1: mapped once"),
	MM_COLUMN(struct run, soft_dirty, MM_COL_U64, "1: written, or mapped, since clear_refs 4"),
	MM_COLUMN(struct run, uffd_wp, MM_COL_U64, "1: write-protected by userfaultfd"),
	MM_COLUMN(struct run, pfn, MM_COL_U64, "page frame of the first, the others behind it"),
	MM_COLUMN(struct run, swap_type, MM_COL_U64, "swap area; 29 and above: a page on the move"),
	MM_COLUMN(struct run, swap_offset, MM_COL_U64, "slot of the first, the others behind it"),
};

struct state {
	struct mm_table_writer *w;
	struct run r;			/* pages 0: none yet */
};

static void end_run(struct state *s)
{
	uint64_t e = s->r.entry;

	if (!s->r.pages)
		return;
	s->r.present = e & PM_PRESENT ? 1 : 0;
	s->r.swapped = e & PM_SWAP ? 1 : 0;
	s->r.file = e & PM_FILE ? 1 : 0;
	s->r.exclusive = e & PM_MMAP_EXCLUSIVE ? 1 : 0;
	s->r.soft_dirty = e & PM_SOFT_DIRTY ? 1 : 0;
	s->r.uffd_wp = e & PM_UFFD_WP ? 1 : 0;
	s->r.pfn = e & PM_PRESENT ? e & PM_FRAME : MM_MISSING_U64;
	s->r.swap_type = e & PM_SWAP ? e & ((1u << MAX_SWAPFILES_SHIFT) - 1) : MM_MISSING_U64;
	s->r.swap_offset = e & PM_SWAP ? (e & PM_FRAME) >> MAX_SWAPFILES_SHIFT : MM_MISSING_U64;
	mm_table_writer_row(s->w, &s->r);
	s->r.pages = 0;
}

/* @nr pages from @vaddr on with @entry; that of the next is one frame, or slot, further. */
static void add(struct state *s, uint64_t vaddr, uint64_t entry, uint64_t nr)
{
	uint64_t step = entry & PM_PRESENT ? 1 : entry & PM_SWAP ? 1u << MAX_SWAPFILES_SHIFT : 0;

	if (!entry || !s->r.pages || s->r.end != vaddr || entry != s->r.entry + s->r.pages * step) {
		end_run(s);
		if (!entry)
			return;
		s->r.start = vaddr;
		s->r.entry = entry;
	}
	s->r.pages += nr;
	s->r.end = vaddr + (nr << MM_PAGE_SHIFT);
}

static uint64_t entry_of(const struct mm_vma *vma, mm_pte_t pte, uint64_t subpage)
{
	const struct mm_virt *virt = vma->vm_mm->virt;
	uint64_t e = vma->vm_flags & MM_VM_SOFTDIRTY ? PM_SOFT_DIRTY : 0;

	if (mm_pte_none(pte))
		return e;
	if (mm_is_swap_pte(pte)) {
		e |= PM_SWAP | (pte & MM_SWP_SOFT_DIRTY ? PM_SOFT_DIRTY : 0) | (pte & MM_SWP_UFFD_WP ? PM_UFFD_WP : 0);
		e |= pte == MM_PTE_MARKER_UFFD_WP ? PM_UFFD_WP : 0;
		return e | mm_swp_type(pte) | mm_swp_offset(pte) << MAX_SWAPFILES_SHIFT;
	}
	e |= PM_PRESENT | (pte & MM_PTE_SOFT_DIRTY ? PM_SOFT_DIRTY : 0) | (pte & MM_PTE_UFFD_WP ? PM_UFFD_WP : 0);
	if (!mm_pte_special(pte)) {
		mm_pfn_t pfn = mm_pte_pfn(pte) + (mm_pfn_t)subpage;

		e |= mm_page(virt->phys, mm_page_head(virt->phys, pfn))->flags & MM_PG_ANON ? 0 : PM_FILE;
		e |= mm_page_mapcount(virt->phys, pfn) == 1 ? PM_MMAP_EXCLUSIVE : 0;
	}
	return e | (mm_pte_pfn(pte) + subpage);
}

static void hugetlb_rows(struct state *s, const struct mm_vma *vma)
{
	uint64_t size = mm_hugetlb_mask(vma) + 1;

	for (uint64_t vaddr = vma->vm_start; vaddr < vma->vm_end; vaddr += size) {
		const mm_pte_t *pte = mm_huge_pte_offset(vma, vaddr);
		uint64_t e = entry_of(vma, 0, 0);

		if (pte && mm_is_swap_pte(*pte))
			e |= *pte == MM_PTE_MARKER_UFFD_WP ? PM_UFFD_WP : 0;
		else if (pte)
			e = entry_of(vma, *pte & ~MM_PTE_SOFT_DIRTY, 0);
		add(s, vaddr, e, 1);
		for (uint64_t i = 1; i < size >> MM_PAGE_SHIFT; i++) {
			e += e & PM_PRESENT ? 1 : 0;
			add(s, vaddr + (i << MM_PAGE_SHIFT), e, 1);
		}
	}
}

static void vma_rows(struct state *s, const struct mm_vma *vma)
{
	const struct mm_struct *mm = vma->vm_mm;
	uint64_t hole = entry_of(vma, 0, 0), vaddr = vma->vm_start;

	if (vma->vm_flags & MM_VM_HUGETLB) {
		hugetlb_rows(s, vma);
		return;
	}
	while (vaddr < vma->vm_end) {
		uint64_t at = vaddr, next;
		mm_pte_t *pmd = mm_next_pmd(mm, &at, vma->vm_end);

		at = pmd ? at : vma->vm_end;
		if (at > vaddr)
			add(s, vaddr, hole, (at - vaddr) >> MM_PAGE_SHIFT);
		if (!pmd)
			return;
		next = mm_pmd_addr_end(at, vma->vm_end);
		for (vaddr = at; vaddr != next; vaddr += MM_PAGE_SIZE) {
			if (mm_pmd_trans_huge(*pmd))
				add(s, vaddr, entry_of(vma, *pmd, (vaddr >> MM_PAGE_SHIFT) % MM_PMD_PAGES), 1);
			else
				add(s, vaddr, entry_of(vma, *mm_pte_of(mm, pmd, vaddr), 0), 1);
		}
	}
}

static int pagemap_rows(struct mm_machine *m, struct mm_table_writer *w)
{
	size_t i = 0;

	for (const struct mm_task *t; m->virt.phys && (t = mm_next_process(m, &i));) {
		struct state s = { .w = w, .r = { .pid = t->tgid } };
		const struct mm_vma *vma;

		for (uint64_t at = 0; (vma = mm_find_vma(t->mm, at)); at = vma->vm_end)
			vma_rows(&s, vma);
		end_run(&s);
	}
	return 0;
}

const struct mm_machine_table mm_table_pagemap = {
	MM_TABLE("pagemap", columns, "each page of each process as /proc/PID/pagemap, neighbours that are alike joined"),
	.rows = pagemap_rows,
	.of_processes = true,
};
