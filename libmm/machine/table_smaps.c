/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What /proc/PID/smaps would say: every VMA with what its entries map.
 *
 * Each present entry counts for its page, shared or private by the page's mappings;
 * proportional sizes are summed with twelve bits behind the point, as the kernel does.
 * Model: Linux 6.6 fs/proc/task_mmu.c smaps_account(), smaps_pte_entry(), smaps_pmd_entry(), show_smap().
 */
#include <string.h>

#include <libmm/tables.h>

#include "cache/shmem.h"
#include "machine/machine.h"
#include "virt/hugetlb.h"
#include "virt/khugepaged.h"
#include "virt/pkeys.h"
#include "virt/rmap.h"

enum { PSS_SHIFT = 12 };

struct row {
	uint64_t pid, start, end;
	const char *perms;
	uint64_t offset, inode;
	const char *name;
	uint64_t size_bytes, kernel_page_size_bytes, mmu_page_size_bytes, rss_bytes, pss_bytes, pss_dirty_bytes;
	uint64_t shared_clean_bytes, shared_dirty_bytes, private_clean_bytes, private_dirty_bytes, referenced_bytes;
	uint64_t anonymous_bytes, ksm_bytes, lazyfree_bytes, anonhugepages_bytes, shmempmdmapped_bytes;
	uint64_t filepmdmapped_bytes, shared_hugetlb_bytes, private_hugetlb_bytes, swap_bytes, swap_pss_bytes;
	uint64_t locked_bytes, thp_eligible, protection_key;
	const char *vm_flags;
};

#define BYTES(field, help) MM_COLUMN(struct row, field, MM_COL_BYTES, help)
static const struct mm_column columns[] = {
	MM_COLUMN(struct row, pid, MM_COL_U64, "process"),
	MM_COLUMN(struct row, start, MM_COL_HEX, "first byte of the VMA"),
	MM_COLUMN(struct row, end, MM_COL_HEX, "first byte past it"),
	MM_COLUMN(struct row, perms, MM_COL_STR, "r, w, x and p (private) or s (shared)"),
	MM_COLUMN(struct row, offset, MM_COL_HEX, "offset in the file, bytes"),
	MM_COLUMN(struct row, inode, MM_COL_U64, "inode number, 0 none"),
	MM_COLUMN(struct row, name, MM_COL_STR, "file, [heap], [stack] ..."),
	BYTES(size_bytes, "end - start"),
	BYTES(kernel_page_size_bytes, "page size of the kernel"),
	BYTES(mmu_page_size_bytes, "page size of the processor"),
	BYTES(rss_bytes, "mapped by entries"),
	BYTES(pss_bytes, "each page divided by its mappings"),
	BYTES(pss_dirty_bytes, "the dirty part of that"),
	BYTES(shared_clean_bytes, "mapped more than once, clean"),
	BYTES(shared_dirty_bytes, "mapped more than once, dirty"),
	BYTES(private_clean_bytes, "mapped once, clean"),
	BYTES(private_dirty_bytes, "mapped once, dirty"),
	BYTES(referenced_bytes, "accessed since the bits were cleared"),
	BYTES(anonymous_bytes, "pages of no file"),
	BYTES(ksm_bytes, "merged pages"),
	BYTES(lazyfree_bytes, "given up by MADV_FREE and still clean"),
	BYTES(anonhugepages_bytes, "anonymous 2M mappings"),
	BYTES(shmempmdmapped_bytes, "2M mappings of shared memory"),
	BYTES(filepmdmapped_bytes, "2M mappings of files"),
	BYTES(shared_hugetlb_bytes, "pages of a pool mapped more than once, or by a PMD table that processes share; not in rss"),
	BYTES(private_hugetlb_bytes, "pages of a pool mapped once, not in rss"),
	BYTES(swap_bytes, "swap entries"),
	BYTES(swap_pss_bytes, "each slot divided by its entries"),
	BYTES(locked_bytes, "proportional size of mlocked VMAs"),
	MM_COLUMN(struct row, thp_eligible, MM_COL_U64, "1: faults may map 2M pages"),
	MM_COLUMN(struct row, protection_key, MM_COL_U64, "protection key; empty: the processor has none"),
	MM_COLUMN(struct row, vm_flags, MM_COL_STR, "two letters a flag"),
};

struct account {
	struct row *r;
	const struct mm_virt *virt;
	uint64_t pss, pss_dirty, pss_locked, swap_pss;	/* << PSS_SHIFT */
	bool locked;
};

static void accumulate(struct account *a, uint64_t size, uint64_t pss, bool dirty, bool private)
{
	a->pss += pss;
	a->pss_locked += a->locked ? pss : 0;
	a->pss_dirty += dirty ? pss : 0;
	if (private)
		*(dirty ? &a->r->private_dirty_bytes : &a->r->private_clean_bytes) += size;
	else
		*(dirty ? &a->r->shared_dirty_bytes : &a->r->shared_clean_bytes) += size;
}

/* One entry: a page, or all pages of a 2M folio. */
static void account(struct account *a, mm_pte_t entry, mm_pfn_t pfn, uint32_t nr)
{
	const struct mm_phys *phys = a->virt->phys;
	const struct mm_page *head = mm_page(phys, mm_page_head(phys, pfn));
	bool page_dirty = head->flags & MM_PG_DIRTY, dirty = mm_pte_dirty(entry) || page_dirty;
	uint64_t size = nr * (uint64_t)MM_PAGE_SIZE;

	if (head->flags & MM_PG_ANON) {
		a->r->anonymous_bytes += size;
		if (!(head->flags & MM_PG_SWAPBACKED) && !dirty)
			a->r->lazyfree_bytes += size;
	}
	if (head->flags & MM_PG_KSM)
		a->r->ksm_bytes += size;
	a->r->rss_bytes += size;
	if (mm_pte_young(entry) || head->flags & (MM_PG_YOUNG | MM_PG_REFERENCED))
		a->r->referenced_bytes += size;
	if (mm_page_ref_count(head) == 1) {
		accumulate(a, size, size << PSS_SHIFT, dirty, true);
		return;
	}
	for (uint32_t i = 0; i < nr; i++) {
		uint32_t mapcount = mm_page_mapcount(phys, pfn + i);
		uint64_t pss = (uint64_t)MM_PAGE_SIZE << PSS_SHIFT;

		accumulate(a, MM_PAGE_SIZE, mapcount >= 2 ? pss / mapcount : pss, dirty, mapcount < 2);
	}
}

static void account_pte(struct account *a, mm_pte_t pte)
{
	if (mm_pte_none(pte))
		return;
	if (mm_pte_present(pte)) {
		if (!mm_pte_special(pte))
			account(a, pte, mm_pte_pfn(pte), 1);
	} else if (!mm_is_pte_marker(pte)) {
		unsigned int count = mm_swap_count(a->virt->cache, (mm_swp_t)mm_swp_offset(pte));
		uint64_t pss = (uint64_t)MM_PAGE_SIZE << PSS_SHIFT;

		a->r->swap_bytes += MM_PAGE_SIZE;
		a->swap_pss += count >= 2 ? pss / count : pss;
	}
}

static void account_pmd(struct account *a, mm_pte_t pmd)
{
	const struct mm_page *head = mm_page(a->virt->phys, mm_pte_pfn(pmd));

	if (mm_is_huge_zero_pmd(a->virt, pmd))
		return;
	*(head->flags & MM_PG_ANON ? &a->r->anonhugepages_bytes :
	  head->flags & MM_PG_SWAPBACKED ? &a->r->shmempmdmapped_bytes : &a->r->filepmdmapped_bytes) += MM_PMD_SIZE;
	account(a, pmd, mm_pte_pfn(pmd), MM_PMD_PAGES);
}

/* Of a file in memory: its swapped pages from byte @start to @end of the VMA (smaps_pte_hole()). */
static uint64_t shmem_swapped(const struct mm_vma *vma, uint64_t start, uint64_t end)
{
	uint64_t first = mm_linear_page_index(vma, start);

	return mm_shmem_swap_usage(&vma->vm_file->inode->mapping, first, first + ((end - start) >> MM_PAGE_SHIFT) - 1) *
		MM_PAGE_SIZE;
}

/*
 * A private writable mapping may have copied some: there each entry is looked at. The file's whole count is taken for
 * others that begin at its start and are no shorter (shmem_swap_usage()).
 */
static void gather_shmem_swap(const struct mm_vma *vma, struct account *a)
{
	const struct mm_address_space *as = &vma->vm_file->inode->mapping;
	uint64_t v;

	if (vma->vm_flags & MM_VM_SHARED || !(vma->vm_flags & MM_VM_WRITE)) {
		if (!vma->vm_pgoff && vma->vm_end - vma->vm_start >= vma->vm_file->inode->size)
			a->r->swap_bytes += as->nr_swapped * MM_PAGE_SIZE;
		else
			a->r->swap_bytes += shmem_swapped(vma, vma->vm_start, vma->vm_end);
		return;
	}
	for (uint64_t i = vma->vm_pgoff; as->nr_swapped && mm_xa_find(&as->i_pages, &i, &v); i++) {
		uint64_t vaddr = vma->vm_start + ((i - vma->vm_pgoff) << MM_PAGE_SHIFT);
		const mm_pte_t *pte;

		if (vaddr >= vma->vm_end)
			break;
		pte = mm_pte_offset(vma->vm_mm, vaddr);
		if (mm_xa_is_swap(v) && (!pte || mm_pte_none(*pte)))
			a->r->swap_bytes += MM_PAGE_SIZE;
	}
}

static void gather_hugetlb(const struct mm_vma *vma, struct account *a)
{
	uint64_t size = mm_hugetlb_mask(vma) + 1;

	for (uint64_t vaddr = vma->vm_start; vaddr < vma->vm_end; vaddr += size) {
		const mm_pte_t *e = mm_huge_pte_offset(vma, vaddr);

		if (!e || mm_pte_none(*e) || !mm_pte_present(*e))
			continue;
		if (mm_page_mapcount(a->virt->phys, mm_pte_pfn(*e)) >= 2 || mm_hugetlb_pmd_shared(vma, vaddr))
			a->r->shared_hugetlb_bytes += size;
		else
			a->r->private_hugetlb_bytes += size;
	}
}

static void gather(const struct mm_vma *vma, struct account *a)
{
	const struct mm_struct *mm = vma->vm_mm;
	uint64_t next;
	mm_pte_t *pmd;

	if (vma->vm_flags & MM_VM_HUGETLB) {
		if (mm->pgd != MM_PFN_NONE)
			gather_hugetlb(vma, a);
		return;
	}
	if (vma->vm_file && mm_mapping_is_shmem(&vma->vm_file->inode->mapping))
		gather_shmem_swap(vma, a);
	for (uint64_t vaddr = vma->vm_start; (pmd = mm_next_pmd(mm, &vaddr, vma->vm_end)); vaddr = next) {
		const mm_pte_t *pte;

		next = mm_pmd_addr_end(vaddr, vma->vm_end);
		if (mm_pmd_trans_huge(*pmd)) {
			account_pmd(a, *pmd);
			continue;
		}
		for (uint64_t v = vaddr; (pte = mm_next_pte(mm, pmd, &v, next)); v += MM_PAGE_SIZE)
			account_pte(a, *pte);
	}
}

static const char *flag_letters(uint64_t vm_flags, char *buf)
{
	static const char letters[][3] = {
		[0] = "rd", [1] = "wr", [2] = "ex", [3] = "sh", [4] = "mr", [5] = "mw", [6] = "me", [7] = "ms",
		[8] = "gd",
		[9] = "um", [10] = "pf", [12] = "uw", [13] = "lo", [14] = "io", [15] = "sr", [16] = "rr", [17] = "dc",
		[18] = "de", [19] = "lf", [20] = "ac", [21] = "nr", [22] = "ht", [23] = "sf", [25] = "wf", [26] = "dd",
		[27] = "sd", [28] = "mm", [29] = "hg", [30] = "nh", [31] = "mg", [37] = "ui",
	};
	size_t n = 0;

	for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++)
		if (vm_flags >> i & 1 && letters[i][0]) {
			buf[n++] = letters[i][0];
			buf[n++] = letters[i][1];
			buf[n++] = ' ';
		}
	buf[n ? n - 1 : 0] = '\0';
	return buf;
}

static void vma_row(const struct mm_task *task, const struct mm_vma *vma, struct mm_table_writer *w)
{
	char perms[5], name[MM_VMA_NAME_SIZE], flags[104];
	uint64_t f = vma->vm_flags;
	struct row r = {
		.pid = task->tgid, .start = vma->vm_start, .end = vma->vm_end, .perms = perms,
		.offset = vma->vm_file ? vma->vm_pgoff << MM_PAGE_SHIFT : 0,
		.inode = vma->vm_file ? vma->vm_file->inode->ino : 0, .name = mm_vma_name(vma, name, sizeof(name)),
		.size_bytes = vma->vm_end - vma->vm_start, .kernel_page_size_bytes = MM_PAGE_SIZE,
		.mmu_page_size_bytes = MM_PAGE_SIZE, .thp_eligible = mm_hugepage_vma_check(vma, f, MM_THP_SMAPS | MM_THP_ENFORCE_SYSFS),
		.protection_key = mm_arch_pkeys_enabled(vma->vm_mm->virt) ? mm_vma_pkey(vma) : MM_MISSING_U64,
		.vm_flags = flag_letters(f, flags),
	};
	struct account a = { .r = &r, .virt = vma->vm_mm->virt, .locked = f & MM_VM_LOCKED };

	if (f & MM_VM_HUGETLB)
		r.kernel_page_size_bytes = r.mmu_page_size_bytes = mm_hugetlb_mask(vma) + 1;
	mm_vma_perms(vma, perms);
	gather(vma, &a);
	r.pss_bytes = a.pss >> PSS_SHIFT;
	r.pss_dirty_bytes = a.pss_dirty >> PSS_SHIFT;
	r.locked_bytes = a.pss_locked >> PSS_SHIFT;
	r.swap_pss_bytes = a.swap_pss >> PSS_SHIFT;
	mm_table_writer_row(w, &r);
}

static int smaps_rows(struct mm_machine *m, struct mm_table_writer *w)
{
	size_t i = 0;

	for (const struct mm_task *task; (task = mm_next_process(m, &i));) {
		const struct mm_vma *vma;

		for (uint64_t at = 0; (vma = mm_find_vma(task->mm, at)); at = vma->vm_end)
			vma_row(task, vma, w);
	}
	return 0;
}

const struct mm_machine_table mm_table_smaps = {
	MM_TABLE("smaps", columns, "every mapping with what is behind it, as /proc/PID/smaps"), .rows = smaps_rows,
	.of_processes = true,
};
