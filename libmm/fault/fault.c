/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * handle_mm_fault(): which of the floor's parts a fault belongs to, and what it counts as.
 *
 *	no entry ......... anonymous (anon.c, huge.c) or file (file.c)
 *	swap entry ....... swapin.c
 *	present, write ... copy-on-write or notice of the file (cow.c)
 *	present .......... set A (and D): another fault was faster
 *
 * Model: Linux 6.6 mm/memory.c __handle_mm_fault(), handle_pte_fault(), mm_account_fault().
 */
#include <errno.h>
#include <stdlib.h>

#include "base/host_memory.h"
#include "cache/migrate.h"
#include "cache/readahead.h"
#include "fault/internal.h"
#include "virt/hugetlb.h"
#include "virt/khugepaged.h"
#include "virt/ksm.h"
#include "virt/mempolicy.h"
#include "virt/numab.h"

static const char *const kind_words[MM_NR_FAULT_KINDS] = {
#define X(sym, word, help) [MM_FAULT_KIND_##sym] = word,
	MM_FAULT_KINDS(X)
#undef X
};

const char *mm_fault_kind_word(enum mm_fault_kind kind) { return kind_words[kind]; }

static int madvise_hook(struct mm_vma *vma, uint64_t start, uint64_t end, int advice)
{
	return mm_madvise_vma_pages(vma->vm_mm->virt->populate_arg, vma, start, end, advice);
}

static uint32_t mkclean_hook(void *arg, mm_pfn_t pfn) { return mm_folio_mkclean(((struct mm_fault *)arg)->virt, pfn); }

static int split_hook(void *arg, mm_pfn_t head) { return mm_split_folio(((struct mm_fault *)arg)->virt, head); }

/* ---- pages that compaction moves: their contents are kept here, the rest is for the floors below ---- */

static void isolate_hook(void *arg, mm_pfn_t pfn)
{
	struct mm_fault *f = arg;

	mm_isolate_movable(f->cache, pfn);
}

static void putback_hook(void *arg, mm_pfn_t pfn)
{
	struct mm_fault *f = arg;

	mm_putback_movable(f->cache, pfn);
}

static int migrate_hook(void *arg, mm_pfn_t src, mm_pfn_t dst)
{
	struct mm_fault *f = arg;

	bool large = mm_folio_is_large(f->phys, src);

	mm_fault_copy_contents(f, dst, src, large ? MM_PMD_PAGES : 1);
	return large ? mm_migrate_huge_folio(f->virt, src, dst) : mm_migrate_folio(f->virt, src, dst);
}

static void lru_add_drain_hook(void *arg) { mm_lru_add_drain(((struct mm_fault *)arg)->cache); }
static void lru_add_drain_all_hook(void *arg) { mm_lru_add_drain_all(((struct mm_fault *)arg)->cache); }

int mm_fault_new(struct mm_fault **fp, struct mm_ctx *ctx, struct mm_phys *phys, struct mm_cache *cache,
		 struct mm_virt *virt)
{
	struct mm_fault *f = mm_host_calloc(1, sizeof(*f));

	if (!f)
		return -ENOMEM;
	*f = (struct mm_fault){ .ctx = ctx, .phys = phys, .cache = cache, .virt = virt, .pfn = MM_PFN_NONE,
				.store_contents = UINT64_MAX, .ksmd_ns = UINT64_MAX, .khugepaged_ns = UINT64_MAX };
	if (mm_khugepaged_new(virt)) {
		free(f);
		return -ENOMEM;
	}
	virt->madvise_vma = madvise_hook;
	virt->populate_vma = mm_populate_vma;
	virt->populate_arg = f;
	cache->rmap = (struct mm_rmap_hook){ f, mkclean_hook, split_hook };
	phys->hooks.movable = (struct mm_movable_ops){
		f, isolate_hook, putback_hook, migrate_hook, lru_add_drain_hook, lru_add_drain_all_hook
	};
	*fp = f;
	return 0;
}

void mm_fault_free(struct mm_fault *f)
{
	if (!f)
		return;
	f->virt->madvise_vma = NULL;
	f->virt->populate_vma = NULL;
	f->virt->populate_arg = NULL;
	f->cache->rmap = (struct mm_rmap_hook){ 0 };
	f->phys->hooks.movable = (struct mm_movable_ops){ 0 };
	mm_ksm_free(f->virt);
	mm_khugepaged_free(f->virt);
	free(f);
}

bool mm_fault_is_consistent(const struct mm_fault *f)
{
	if (!mm_hugetlb_is_consistent(f->virt))
		return false;
	if (f->virt->ksm && !mm_ksm_is_consistent(f->virt->ksm))
		return false;
	if (f->virt->zero_pfn != MM_PFN_NONE && (mm_page(f->phys, f->virt->zero_pfn)->refs != 1 ||
						 mm_page(f->phys, f->virt->zero_pfn)->mapcount))
		return false;
	return f->virt->huge_zero_pfn == MM_PFN_NONE || mm_folio_mapcount(f->phys, f->virt->huge_zero_pfn) == 0;
}

/* A page of the kernel image, which lies on the first node; *@pfn: where it is, once somebody has asked. */
static mm_pfn_t kernel_page(struct mm_fault *f, uint32_t *pfn)
{
	if (*pfn == MM_PFN_NONE)
		*pfn = mm_alloc_pages_node(f->phys, mm_first_node(f->ctx->numa.memory), MM_GFP_KERNEL | __MM_GFP_ZERO, 0);
	return *pfn;
}

mm_pfn_t mm_get_zero_page(struct mm_fault *f) { return kernel_page(f, &f->virt->zero_pfn); }	/* empty_zero_page */

mm_pfn_t mm_get_vdso_page(struct mm_fault *f, uint64_t index)
{
	return index < MM_MAX_VDSO_PAGES ? kernel_page(f, &f->virt->vdso_pfn[index]) : MM_PFN_NONE;
}

void mm_fault_copy_contents(struct mm_fault *f, mm_pfn_t to, mm_pfn_t from, uint32_t nr)
{
	uint64_t *v = f->cache->contents;

	for (uint32_t i = 0; v && i < nr; i++)
		v[to + i] = from == MM_PFN_NONE ? 0 : v[from + i];
}

mm_pfn_t mm_fault_new_page(struct mm_vm_fault *v, mm_pfn_t from)
{
	mm_gfp_t gfp = MM_GFP_HIGHUSER_MOVABLE | (from == MM_PFN_NONE ? (mm_gfp_t)__MM_GFP_ZERO : 0);
	mm_pfn_t pfn = mm_vma_alloc_folio(v->vma, v->vaddr, gfp);

	if (pfn == MM_PFN_NONE)
		return MM_PFN_NONE;
	if (mm_mem_cgroup_charge(v->f->cache, pfn, mm_vmf_mm(v)->memcg, MM_GFP_KERNEL)) {
		mm_folio_put(v->f->cache, pfn);
		return MM_PFN_NONE;
	}
	mm_vmf_page(v, pfn)->flags |= MM_PG_UPTODATE;
	mm_fault_copy_contents(v->f, pfn, from, 1);
	return pfn;
}

void mm_fault_map_new_anon(struct mm_vm_fault *v, mm_pfn_t pfn)
{
	mm_folio_add_new_anon_rmap(v->vma, pfn, v->vaddr);
	mm_folio_add_lru_vma(v->f->cache, pfn, (v->vma->vm_flags & (MM_VM_LOCKED | MM_VM_SPECIAL)) == MM_VM_LOCKED);
}

/* pte_set_access_flags: the entry gets A, and D for a write. */
static unsigned int set_accessed(struct mm_vm_fault *v, mm_pte_t *entry)
{
	if (v->flags & MM_FAULT_FLAG_WRITE)
		*entry = mm_pte_mkdirty(*entry);
	*entry = mm_pte_mkyoung(*entry);
	return mm_vmf_note(v, MM_FAULT_KIND_SPURIOUS, mm_pte_pfn(*entry), 0);
}

static unsigned int handle_pte_fault(struct mm_vm_fault *v)
{
	v->pte = NULL;
	v->orig = 0;
	if (!mm_pte_none(*v->pmd)) {
		v->pte = mm_pte_of(mm_vmf_mm(v), v->pmd, v->vaddr);
		v->orig = *v->pte;
		if (mm_pte_none(v->orig))
			v->pte = NULL;
	}
	if (!v->pte)
		return mm_vma_is_anonymous(v->vma) ? mm_do_anonymous_page(v) : mm_do_fault(v);
	if (v->orig == MM_PTE_MARKER_POISONED)
		return MM_VM_FAULT_HWPOISON;
	if (mm_is_pte_marker(v->orig)) {	/* pte_marker_handle_uffd_wp() */
		if (!(v->vma->vm_flags & MM_VM_UFFD_WP)) {
			*v->pte = 0;
			return mm_vmf_note(v, MM_FAULT_KIND_SPURIOUS, MM_PFN_NONE, 0);
		}
		if (!mm_table_whole(mm_vmf_mm(v), v->pmd))
			return MM_VM_FAULT_OOM;
		v->marked = v->pte = mm_pte_of(mm_vmf_mm(v), v->pmd, v->vaddr);	/* stays where it is */
		return mm_vma_is_anonymous(v->vma) ? mm_do_anonymous_page(v) : mm_do_fault(v);
	}
	if (!mm_pte_present(v->orig))
		return mm_do_swap_page(v);
	if (mm_pte_protnone(v->orig) && mm_vma_is_accessible(v->vma))
		return mm_do_numa_page(v);
	if (v->flags & (MM_FAULT_FLAG_WRITE | MM_FAULT_FLAG_UNSHARE) && !mm_pte_write(v->orig))
		return mm_do_wp_page(v);
	return set_accessed(v, v->pte);
}

static unsigned int __handle_mm_fault(struct mm_vm_fault *v)
{
	unsigned int ret;

	v->pmd = mm_pmd_alloc(mm_vmf_mm(v), v->vaddr);
	if (!v->pmd)
		return MM_VM_FAULT_OOM;
	if (mm_pte_none(*v->pmd) && mm_hugepage_vma_check(v->vma, v->vma->vm_flags, MM_THP_IN_PF | MM_THP_ENFORCE_SYSFS)) {
		ret = mm_do_huge_pmd_anonymous_page(v);
		if (!(ret & MM_VM_FAULT_FALLBACK))
			return ret;
	} else if (mm_pmd_trans_huge(*v->pmd)) {
		v->orig = *v->pmd;
		if (mm_pte_protnone(v->orig) && mm_vma_is_accessible(v->vma))
			return mm_do_huge_pmd_numa_page(v);
		if (!(v->flags & MM_FAULT_FLAG_WRITE) || mm_pte_write(v->orig))
			return set_accessed(v, v->pmd);
		ret = mm_vma_is_anonymous(v->vma) ? mm_do_huge_pmd_wp_page(v) : mm_huge_file_pmd_wp(v);
		if (!(ret & MM_VM_FAULT_FALLBACK))
			return ret;
	}
	return handle_pte_fault(v);
}

static void account(struct mm_fault *f, const struct mm_struct *mm, unsigned int flags, unsigned int ret)
{
	if (ret & MM_VM_FAULT_RETRY)
		return;
	mm_count(f->ctx, MM_PGFAULT, 1);
	mm_memcg_count(mm->memcg, MM_PGFAULT, 1);
	if (!(flags & MM_FAULT_FLAG_USER) && f->mode == MM_MODE_USER)
		f->gup_faults++;
	if (ret & MM_VM_FAULT_ERROR || !f->task)
		return;
	if (ret & MM_VM_FAULT_MAJOR || flags & MM_FAULT_FLAG_TRIED)
		f->task->maj_flt++;
	else
		f->task->min_flt++;
}

unsigned int mm_handle_mm_fault(struct mm_fault *f, struct mm_vma *vma, uint64_t vaddr, unsigned int flags)
{
	struct mm_vm_fault v = {
		.f = f, .vma = vma, .vaddr = vaddr & ~(uint64_t)(MM_PAGE_SIZE - 1), .flags = flags,
		.pgoff = mm_linear_page_index(vma, vaddr), .page = MM_PFN_NONE, .prealloc = MM_PFN_NONE,
	};
	unsigned int ret;

	if (flags & MM_FAULT_FLAG_WRITE && !(vma->vm_flags & MM_VM_MAYWRITE)) {
		ret = MM_VM_FAULT_SIGSEGV;
	} else {
		f->cache->in_lru_fault = mm_vma_has_recency(vma);
		ret = vma->vm_flags & MM_VM_HUGETLB ? mm_hugetlb_fault(&v) : __handle_mm_fault(&v);
		f->cache->in_lru_fault = false;
	}
	if (!(ret & MM_VM_FAULT_RETRY) && mm_sysctl(f->ctx, MM_SYSCTL_READ_AHEAD_WAIT))
		mm_readahead_end(f->cache);
	account(f, vma->vm_mm, flags, ret);
	return ret;
}
