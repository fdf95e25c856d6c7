/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A machine for tests of page tables and faults: RAM in one piece, a swap device, no reclaim; memory contents
 * are kept.
 */
#ifndef TESTS_SMALL_MM_H
#define TESTS_SMALL_MM_H

#include <check.h>
#include <stdlib.h>

#include "cache/filemap.h"
#include "cache/swap.h"
#include "fault/fault.h"
#include "phys/phys.h"
#include "virt/mman.h"
#include "virt/rmap.h"

#define BASE UINT64_C(0x100000000000)
enum { PAGE = MM_PAGE_SIZE };

struct small_mm {
	struct mm_ctx ctx;
	struct mm_phys *phys;
	struct mm_cache *cache;
	struct mm_inode_table *inodes;
	struct mm_virt virt;
	struct mm_fault *fault;
	struct mm_task_faults task;
	uint64_t free_pages;		/* before the first address space */
};

static inline void small_mm_start(struct small_mm *s, uint64_t ram_bytes, uint64_t swap_bytes)
{
	struct mm_region_list regions = { 0 };
	struct mm_error err;

	*s = (struct small_mm){ .ctx = { .nr_cpus = 1 } };
	mm_sysctls_init(&s->ctx.sysctl);
	mm_region_list_add(&regions, &(struct mm_region){ .start = 0x100000, .end = 0x100000 + ram_bytes - 1 },
			   MM_STR("System RAM"));
	ck_assert_int_eq(mm_phys_new(&s->phys, &s->ctx,
				     &(struct mm_phys_config){ .regions = &regions, .nr_cpus = 1, .bare = true }, &err), 0);
	mm_region_list_free(&regions);
	ck_assert_int_eq(mm_inode_table_new(&s->inodes), 0);
	ck_assert_int_eq(mm_cache_new(&s->cache, &s->ctx, s->phys, s->inodes, swap_bytes), 0);
	s->virt = (struct mm_virt){ .ctx = &s->ctx, .phys = s->phys, .cache = s->cache, .inodes = s->inodes,
				    .totalram_pages = ram_bytes >> 12, .total_swap_pages = swap_bytes >> 12 };
	ck_assert_int_eq(mm_virt_init(&s->virt), 0);
	ck_assert_int_eq(mm_tlb_new(&s->virt.tlb, &s->ctx, NULL, 1), 0);
	ck_assert_int_eq(mm_pgtables_new(&s->virt), 0);
	ck_assert_int_eq(mm_fault_new(&s->fault, &s->ctx, s->phys, s->cache, &s->virt), 0);
	s->fault->task = &s->task;
	s->cache->contents = calloc(s->phys->max_pfn, sizeof(uint64_t));
	s->cache->swap_contents = calloc((swap_bytes >> 12) + 2, sizeof(uint64_t));
	s->free_pages = mm_nr_free_pages(s->phys);
}

static inline void small_mm_end(struct small_mm *s)
{
	ck_assert(mm_tlb_is_consistent(s->virt.tlb));
	ck_assert(mm_fault_is_consistent(s->fault));
	ck_assert(mm_phys_is_consistent(s->phys));
	free(s->cache->contents);
	free(s->cache->swap_contents);
	mm_fault_free(s->fault);
	mm_pgtables_free(&s->virt);
	mm_tlb_free(s->virt.tlb);
	mm_virt_destroy(&s->virt);
	mm_cache_free(s->cache);
	mm_inode_table_free(s->inodes);
	mm_phys_free(s->phys);
}

static inline struct mm_struct *small_mm_new(struct small_mm *s)
{
	struct mm_struct *mm = mm_mm_alloc(&s->virt, NULL);

	ck_assert_ptr_nonnull(mm);
	ck_assert_uint_ne(mm->pgd, MM_PFN_NONE);
	return mm;
}

static inline void small_mm_map(struct mm_struct *mm, uint64_t addr, uint64_t len, uint64_t prot, uint64_t flags,
				struct mm_file *file)
{
	uint64_t at = 0;

	ck_assert_int_eq(mm_sys_mmap(mm, &(struct mm_mmap_args){ .addr = addr, .len = len, .prot = prot,
				     .flags = flags | MM_MAP_FIXED | (file ? 0 : MM_MAP_ANONYMOUS), .file = file }, &at), 0);
	ck_assert_uint_eq(at, addr);
}

static inline mm_pfn_t small_mm_pfn(struct mm_struct *mm, uint64_t vaddr)
{
	struct mm_walk_record rec;

	mm_walk_explain(mm, vaddr, &rec);
	return rec.end == MM_WALK_MAPPED ? rec.pfn : MM_PFN_NONE;
}

static inline mm_pte_t small_mm_pte(struct mm_struct *mm, uint64_t vaddr)
{
	mm_pte_t *pte = mm_pte_offset(mm, vaddr);

	return pte ? *pte : 0;
}

#endif /* TESTS_SMALL_MM_H */
