/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * virt/mm.h - address spaces: struct mm_struct, struct mm_vma, and what the floors above may touch
 *
 * Model: Linux 6.6 include/linux/mm_types.h, mm/mmap.c.
 */
#ifndef VIRT_MM_H
#define VIRT_MM_H

#include <libmm/error.h>
#include "base/pool.h"
#include "cache/inode.h"
#include "phys/ctx.h"
#include "virt/maple.h"

struct mm_phys;
struct mm_cache;
struct mm_slab;
struct mm_anon_vma;
struct mm_anon_vma_chain;
struct mm_tlb;
struct mm_ksm;
struct mm_ksm_slot;
struct mm_khugepaged;
struct mm_khugepaged_slot;
struct mm_hugetlb;
struct mm_resv_map;
struct mm_mempolicy;
struct mm_numab_state;

/* vm_flags with the bits of 6.6 (include/linux/mm.h) */
enum {
	MM_VM_READ = 0x1, MM_VM_WRITE = 0x2, MM_VM_EXEC = 0x4, MM_VM_SHARED = 0x8,
	MM_VM_MAYREAD = 0x10, MM_VM_MAYWRITE = 0x20, MM_VM_MAYEXEC = 0x40, MM_VM_MAYSHARE = 0x80,
	MM_VM_GROWSDOWN = 0x100, MM_VM_UFFD_MISSING = 0x200, MM_VM_PFNMAP = 0x400, MM_VM_UFFD_WP = 0x1000,
	MM_VM_LOCKED = 0x2000, MM_VM_IO = 0x4000, MM_VM_SEQ_READ = 0x8000, MM_VM_RAND_READ = 0x10000,
	MM_VM_DONTCOPY = 0x20000, MM_VM_DONTEXPAND = 0x40000, MM_VM_LOCKONFAULT = 0x80000, MM_VM_ACCOUNT = 0x100000,
	MM_VM_NORESERVE = 0x200000, MM_VM_HUGETLB = 0x400000, MM_VM_SYNC = 0x800000, MM_VM_WIPEONFORK = 0x2000000,
	MM_VM_DONTDUMP = 0x4000000, MM_VM_SOFTDIRTY = 0x8000000, MM_VM_MIXEDMAP = 0x10000000,
	MM_VM_HUGEPAGE = 0x20000000, MM_VM_NOHUGEPAGE = 0x40000000,
};
#define MM_VM_UFFD_MINOR	(UINT64_C(1) << 37)
#define MM_VM_MERGEABLE		0x80000000u
#define MM_VM_ACCESS_FLAGS	((uint64_t)(MM_VM_READ | MM_VM_WRITE | MM_VM_EXEC))
#define MM_VM_LOCKED_MASK	((uint64_t)(MM_VM_LOCKED | MM_VM_LOCKONFAULT))
#define MM_VM_SPECIAL		((uint64_t)(MM_VM_IO | MM_VM_DONTEXPAND | MM_VM_PFNMAP | MM_VM_MIXEDMAP))
#define MM_VM_DATA_DEFAULT_FLAGS \
	((uint64_t)(MM_VM_READ | MM_VM_WRITE | MM_VM_MAYREAD | MM_VM_MAYWRITE | MM_VM_MAYEXEC))
#define MM_VM_STACK_FLAGS \
	(MM_VM_READ | MM_VM_WRITE | MM_VM_MAYREAD | MM_VM_MAYWRITE | MM_VM_MAYEXEC | MM_VM_GROWSDOWN | MM_VM_ACCOUNT)

enum { MM_FILEPAGES, MM_ANONPAGES, MM_SWAPENTS, MM_SHMEMPAGES, MM_NR_RSS };
enum mm_rlimit { MM_RLIMIT_DATA, MM_RLIMIT_STACK, MM_RLIMIT_MEMLOCK, MM_RLIMIT_AS, MM_NR_RLIMITS };
#define MM_RLIM_INFINITY UINT64_MAX

/* Whose the promise of huge pages is; a page was taken from it to keep the promise. */
enum { MM_HPAGE_RESV_OWNER = 1, MM_HPAGE_RESV_UNMAPPED = 2 };

/* What a VMA of plain anonymous memory has not: all of these have mm_vma_plain in common. */
struct mm_vma_extra {
	struct mm_vma *vma;			/* whose it is */
	struct mm_interval_node shared;		/* in vm_file's i_mmap */
	const char *anon_name;			/* PR_SET_VMA_ANON_NAME, interned; NULL none */
	const struct mm_mempolicy *vm_policy;	/* mbind(); NULL none */
	struct mm_numab_state *numab;		/* NUMA balancing has seen it; NULL not yet */
	const char *special;			/* "[vdso]", "[vvar]": the kernel's own pages */
	struct mm_uffd *uffd;			/* whose faults these are (vm_userfaultfd_ctx); NULL nobody's */
	struct mm_resv_map *hugetlb_resv;	/* of a private mapping of huge pages: what of its promise was used */
	uint8_t hugetlb_flags;			/* MM_HPAGE_RESV_* */
	bool vm_ops_close;			/* vm_ops has a close hook (System V shared memory) */
};
extern const struct mm_vma_extra mm_vma_plain;

/*
 * What objects are charged with: their bytes in slabs and a pointer to the payer (obj_full_size()), of 6.6 on x86-64 with no option that
 * adds members but NUMA, ANON_VMA_NAME and USERFAULTFD (sizes that kernels have, /proc/slabinfo of tests/data/slub/6.6-cpus4).
 */
enum {
	MM_CHARGE_VMA = 184 + 8, MM_CHARGE_VMA_LOCK = 40 + 8, MM_CHARGE_ANON_VMA = 104 + 8, MM_CHARGE_AVC = 64 + 8,
	MM_CHARGE_MM = 1344 + 8,
};

struct mm_vma {
	uint64_t vm_start, vm_end;		/* bytes, [start, end) */
	uint64_t vm_flags;
	uint64_t vm_pgoff;			/* pages; of a private anonymous VMA: vm_start >> 12 when it was made */
	struct mm_struct *vm_mm;
	struct mm_file *vm_file;		/* NULL: anonymous */
	struct mm_anon_vma *anon_vma;		/* NULL until the first write fault */
	struct mm_anon_vma_chain *anon_vma_chain; /* head of this VMA's chain; NULL too where it and anon_vma have only each other */
	const struct mm_vma_extra *extra;	/* never NULL; written by mm_vma_own_extra() alone */
	uint16_t payer, lock_payer;		/* of it and its lock: mm_memcg_obj_alloc() */
	/* VMA read-ahead of swap (swap_readahead_info) */
	uint64_t swap_readahead_info;
};

/* A program or its interpreter, as exec put it there. */
struct mm_exec_image {
	uint64_t start, size;
	uint64_t relro;			/* begin of what becomes read-only after relocation, 0 none */
	bool learnt;			/* a recording told where it is */
};

/* Of an address space's id TLBs keep the low bits: no two that live share them. Page numbers of user addresses have no more than 44. */
enum { MM_TLB_ID_BITS = 18, MM_TLB_ID_MASK = (1 << MM_TLB_ID_BITS) - 1, MM_VPN_BITS = 44 };

/* Where the file of a program, or of its interpreter, lies that no recorded call mapped (machine/vma_image.c). */
struct mm_image_guess {
	struct mm_file *file;			/* NULL: none */
	uint64_t start, end;			/* the file's first byte; the byte past its last, 0 not known */
	uint64_t written;			/* past the last page that was written to */
	uint64_t bss;				/* what follows what was made read-only; 0 not known */
};
enum { MM_MAX_GUESSES = 2 };

struct mm_struct {
	struct mm_virt *virt;
	uint32_t id;				/* of the address space: ASID, page owner; never reused in a run */
	uint32_t owner;				/* pid of the task it was made for */
	uint32_t mm_users;			/* tasks that share it */
	uint32_t mm_count;			/* references to the struct: all tasks together one, KSM, khugepaged */
	struct mm_maple_tree mm_mt;
	uint64_t task_size, mmap_base, mmap_legacy_base;
	bool topdown;
	uint32_t map_count;
	uint64_t total_vm, locked_vm, pinned_vm, data_vm, exec_vm, stack_vm;	/* pages */
	uint64_t hiwater_rss, hiwater_vm;
	uint64_t start_code, end_code, start_data, end_data;
	uint64_t start_brk, brk, start_stack;
	uint64_t def_flags;
	uint64_t rlimit[MM_NR_RLIMITS];		/* bytes; kept per address space */
	uint64_t task_size_max;			/* TASK_SIZE_MAX: above task_size with 5-level tables */
	bool automap;				/* accesses outside any VMA map anonymous memory */
	bool beginning;				/* rows seed tell what an exec mapped, in any order; until it maps something itself */
	bool refused;				/* a call that would have mapped something got ENOMEM */
	bool whole;				/* known from its beginning: by a program laid out, or a seed */
	bool trial;				/* calls find out whether they would be refused, and change nothing */
	bool base_known;			/* mmap_base is the kernel's: a recorded placement confirmed or taught it */
	uint64_t unplaced_addr;			/* where the last mapping that a recording placed would have gone; 0: nowhere */
	struct mm_exec_image image[2];		/* program, interpreter */
	struct mm_image_guess guess[MM_MAX_GUESSES];
	int64_t rss[MM_NR_RSS];			/* pages */
	uint64_t pgtables_bytes;
	uint64_t hugetlb_usage;			/* pages of huge pages of a pool that it maps; wraps below 0 where PMD tables are shared */
	uint64_t pmd_tag;			/* mm_pmd_tag() of address 0 */
	uint32_t pgd;				/* PFN of the top table; MM_PFN_NONE: page tables are not kept */
	struct mm_memcg *memcg;			/* whom its pages are charged to; NULL none */
	uint16_t payer;				/* of the struct itself: mm_memcg_obj_alloc() */
	struct mm_uffd *uffds;			/* userfaultfds that watch it */
	struct mm_uffd_unmap *uffd_unmaps;	/* what they are told at the end of this call */
	struct mm_ksm_slot *ksm_slot;		/* ksmd knows it (MMF_VM_MERGEABLE); NULL: it does not */
	struct mm_khugepaged_slot *khugepaged_slot;	/* khugepaged scans it (MMF_VM_HUGEPAGE) */
	uint16_t pkey_allocation_map;		/* protection keys that are given out */
	int8_t execute_only_pkey;		/* -1 none yet */
	/* NUMA balancing: times in milliseconds of its clock, to which numa_scan rows add */
	uint64_t numa_next_scan_ms, numa_scan_offset, numa_row_ms;
	uint32_t numa_scan_seq;			/* scans that went through all of it */
	bool lru_gen_used;			/* it ran since MGLRU looked last at its tables (lru_gen_use_mm()) */
	bool huge_zero;				/* it has had the huge zero page (MMF_HUGE_ZERO_PAGE) */
	bool pmd_shared;			/* it has, or had, a PMD table in common with others */
	bool thp_disabled;			/* PR_SET_THP_DISABLE */
	bool ksm_merge_any;			/* PR_SET_MEMORY_MERGE (MMF_VM_MERGE_ANY) */
	/* /proc/PID/ksm_stat; as in the kernel, a forked child begins with its parent's figures */
	uint64_t ksm_merging_pages, ksm_rmap_items;
	int64_t ksm_zero_pages;
};

struct mm_vma;
struct mm_pgtables;

struct mm_vma_journal;			/* virt/vma_journal.h: what merged, split, was forbidden to */
struct mm_anon_vma_table;
struct mm_intern;

enum { MM_MAX_VDSO_PAGES = 4 };
struct mm_virt {
	struct mm_ctx *ctx;
	struct mm_phys *phys;			/* NULL: VMAs only, no pages (mm-vma) */
	struct mm_slab *slab;			/* NULL likewise */
	struct mm_cache *cache;			/* NULL likewise */
	struct mm_inode_table *inodes;
	struct mm_tlb *tlb;			/* NULL likewise */
	struct mm_pgtables *pgtables;		/* NULL likewise: contents of page tables */
	uint32_t zero_pfn, huge_zero_pfn;	/* MM_PFN_NONE: not there (yet) */
	uint32_t vdso_pfn[MM_MAX_VDSO_PAGES];	/* likewise: the pages of [vdso], which all processes share */
	uint32_t huge_zero_users;		/* address spaces that keep it */
	int64_t huge_zero_deferred;		/* nr_deferred of its shrinker */
	uint32_t next_mm_id;
	uint64_t *live_ids;			/* bit by the low bits of mm->id that TLBs keep: in use */
	uint32_t *pkru;				/* register of the running task; NULL none runs */
	bool pkeys_used;			/* some address space has a key beside 0 */
	bool la57;				/* 5-level page tables; set before the first address space */
	bool goes;				/* the machine goes: of address spaces only what the host gave is given back */
	int64_t vm_committed_as;		/* pages */
	uint64_t totalram_pages, total_swap_pages;	/* for the overcommit check */
	/*
	 * populate_vma_page_range(): bring in the pages of [start, end) of one VMA.  The floor of
	 * faults installs it; NULL: only what a fault does to the VMA is done.  0 or -errno.
	 */
	int (*populate_vma)(struct mm_struct *mm, struct mm_vma *vma, uint64_t start, uint64_t end);
	/* What madvise does to the pages of [start, end) of one VMA; likewise.  @advice as in virt/mman.h. */
	int (*madvise_vma)(struct mm_vma *vma, uint64_t start, uint64_t end, int advice);
	void *populate_arg;			/* the installer's own */
	struct mm_anon_vma_table *anon_vmas;
	struct mm_pool vma_pool, anon_vma_pool, anon_vma_kin_pool, avc_pool;	/* host memory of VMAs, anon_vmas and what links them */
	struct mm_pool vma_extra_pool;
	struct mm_pool numab_pool;		/* of what NUMA balancing knows of VMAs */
	struct mm_intern *names;		/* PR_SET_VMA_ANON_NAME */
	struct mm_vma_journal *journal;		/* NULL: nobody asks */
	struct mm_hugetlb *hugetlb;		/* pools of huge pages */
	struct mm_khugepaged *khugepaged;	/* NULL where there are no pages */
	struct mm_ksm *ksm;			/* NULL until the first address space has something to merge */
};

/* ctx, phys, slab, cache, inodes, tlb are the caller's to set, before or after.  0 or -ENOMEM. */
int mm_virt_init(struct mm_virt *virt);
void mm_virt_destroy(struct mm_virt *virt);	/* every mm is gone by then */

/* An empty address space with one user; mmap_base as exec computes it without randomisation. */
struct mm_struct *mm_mm_alloc(struct mm_virt *virt, struct mm_memcg *memcg);
void mm_mmget(struct mm_struct *mm);
void mm_mmput(struct mm_struct *mm);		/* the last user unmaps all (exit_mmap); NULL is allowed */
void mm_mmdrop(struct mm_struct *mm);		/* a reference to the struct: the last frees it */
/* fork: the VMAs of @oldmm into a new address space.  0 or -ENOMEM, then nothing was made. */
int mm_dup_mm(struct mm_struct **mmp, struct mm_struct *oldmm);

/* find_vma(): the VMA at @addr, else the next above it; NULL none. */
static inline struct mm_vma *mm_find_vma(const struct mm_struct *mm, uint64_t addr)
{
	return (struct mm_vma *)mm_mt_find(&mm->mm_mt, addr, UINT64_MAX);
}

static inline struct mm_vma *mm_find_vma_intersection(const struct mm_struct *mm, uint64_t start, uint64_t end)
{
	return (struct mm_vma *)mm_mt_find(&mm->mm_mt, start, end - 1);
}

static inline struct mm_vma *mm_vma_lookup(const struct mm_struct *mm, uint64_t addr)
{
	return (struct mm_vma *)mm_mtree_load(&mm->mm_mt, addr);
}

/* find_vma_prev(): the same, and the VMA before that one; before @addr where there is none. */
static inline struct mm_vma *mm_find_vma_prev(const struct mm_struct *mm, uint64_t addr, struct mm_vma **pprev)
{
	void *prev;
	struct mm_vma *vma = (struct mm_vma *)mm_mt_find_prev(&mm->mm_mt, addr, &prev);

	*pprev = (struct mm_vma *)prev;
	return vma;
}

static inline bool mm_vma_is_shmem(const struct mm_vma *vma)
{
	return vma->vm_file && (mm_inode_is_shmem(vma->vm_file->inode) || vma->vm_file->inode->dev_zero);
}
static inline bool mm_vma_is_anonymous(const struct mm_vma *vma)	/* no vm_ops: /dev/zero too */
{
	return !vma->extra->special && (!vma->vm_file || (vma->vm_file->inode->dev_zero && !(vma->vm_flags & MM_VM_SHARED)));
}

/* vma_is_anon_shmem(): a file in memory without a name in a file system, but no SysV segment. */
static inline bool mm_vma_is_anon_shmem(const struct mm_vma *vma)
{
	return vma->vm_file && !vma->extra->vm_ops_close &&
	       (vma->vm_file->inode->type == MM_INODE_SHM || vma->vm_file->inode->type == MM_INODE_MEMFD);
}

static inline uint64_t mm_vma_pages(const struct mm_vma *vma) { return (vma->vm_end - vma->vm_start) >> MM_PAGE_SHIFT; }
static inline bool mm_vma_is_accessible(const struct mm_vma *vma) { return vma->vm_flags & MM_VM_ACCESS_FLAGS; }

/**
 * mm_expand_stack() - the VMA for an access at @addr, growing a stack down to it
 *
 * Return: the VMA that holds @addr, or NULL: SIGSEGV.
 * Source: mm/mmap.c expand_stack, expand_downwards; mm/memory.c lock_mm_and_find_vma.
 */
struct mm_vma *mm_expand_stack(struct mm_struct *mm, uint64_t addr);

enum { MM_VMA_READ = 1, MM_VMA_WRITE = 2, MM_VMA_FETCH = 4 };
enum mm_vma_result { MM_VMA_OK, MM_VMA_SEGV, MM_VMA_SIGBUS, MM_VMA_ENOMEM };

/**
 * mm_vma_access() - what an access does to VMAs, and how it ends, where no pages are kept
 * @size:	bytes, from 1
 * @kind:	MM_VMA_*; a modify is MM_VMA_READ | MM_VMA_WRITE
 */
enum mm_vma_result mm_vma_access(struct mm_struct *mm, uint64_t addr, uint64_t size, uint32_t kind);

/* __mm_populate(): [start, start + len); errors of single VMAs are passed over when @ignore_errors. */
int mm_mm_populate(struct mm_struct *mm, uint64_t start, uint64_t len, bool ignore_errors);

enum { MM_VMA_NAME_SIZE = 4096 + 32 };		/* a path and what is behind it */
/* What maps shows behind the VMA; "" none.  Text in @buf or static or the inode's. */
const char *mm_vma_name(const struct mm_vma *vma, char *buf, size_t size);
/* Its rights as maps shows them: "rw-p". */
void mm_vma_perms(const struct mm_vma *vma, char perms[5]);

/* The VMAs that map a page of [first, last] of a file, by their first page; NULL at the end. */
struct mm_vma *mm_vma_interval_tree_iter_first(const struct mm_address_space *mapping, uint64_t first, uint64_t last);
struct mm_vma *mm_vma_interval_tree_iter_next(struct mm_vma *vma, uint64_t first, uint64_t last);

/* Every VMA fits the tree, the counts and its lists. */
bool mm_mm_is_consistent(const struct mm_struct *mm, const char **what);

#endif /* VIRT_MM_H */
