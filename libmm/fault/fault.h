/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fault/fault.h - from an access to the page behind it
 *
 * mm_access() looks in the TLB, walks the page tables, and takes the fault the kernel would take.
 *
 * Model: Linux 6.6 arch/x86/mm/fault.c, mm/memory.c, mm/filemap.c, mm/huge_memory.c, mm/gup.c, mm/madvise.c.
 */
#ifndef FAULT_FAULT_H
#define FAULT_FAULT_H

#include <libmm/trace.h>
#include "virt/mm.h"
#include "virt/pgtable.h"
#include "virt/tlb.h"

struct mm_cache;

/* X(enum suffix, word in a fault row's name, help): what a fault turned out to be */
#define MM_FAULT_KINDS(X) \
	X(ANON,		"anon",		"a new anonymous page on a write") \
	X(ZERO,		"zero",		"the zero page on a read") \
	X(HUGE,		"huge",		"a new 2M anonymous page") \
	X(HUGE_ZERO,	"huge_zero",	"the huge zero page on a read") \
	X(HUGETLB,	"hugetlb",	"a huge page of a pool") \
	X(FILE_READ,	"file_read",	"file pages mapped on a read") \
	X(FILE_COW,	"file_cow",	"a private copy of a file page") \
	X(FILE_SHARED,	"file_shared",	"a shared file page on a write") \
	X(SHMEM,	"shmem",	"a page of shared memory") \
	X(COW,		"cow",		"a copy of a shared anonymous page") \
	X(REUSE,	"reuse",	"a page made writable in place") \
	X(MKWRITE,	"mkwrite",	"a clean shared file page made writable") \
	X(SWAP,		"swap",		"a page from swap") \
	X(NUMA_HINT,	"numa_hint",	"a page whose entry NUMA balancing had taken away") \
	X(UFFD_MISSING,	"uffd_missing",	"userfaultfd is told: no page") \
	X(UFFD_MINOR,	"uffd_minor",	"userfaultfd is told: not mapped yet") \
	X(UFFD_WP,	"uffd_wp",	"userfaultfd is told: write-protected") \
	X(SPURIOUS,	"spurious",	"another fault had already done the work") \
	X(SEGV,		"segv",		"no right to this address") \
	X(SIGBUS,	"sigbus",	"no page behind this address") \
	X(OOM,		"oom",		"no memory")
enum mm_fault_kind {
#define X(sym, word, help) MM_FAULT_KIND_##sym,
	MM_FAULT_KINDS(X)
#undef X
	MM_NR_FAULT_KINDS
};
const char *mm_fault_kind_word(enum mm_fault_kind kind);

/* What one task's faults came to; struct mm_task has one. */
struct mm_task_faults {
	uint64_t min_flt, maj_flt, segv, sigbus;
	uint64_t kind[MM_NR_FAULT_KINDS];
	uint32_t pkru;			/* its PKRU register: two bits a protection key */
	uint64_t uffd_vaddr;		/* page that the task waits for with userfaultfd, 0 none */
	uint64_t uffd_told;		/* the address that was told: of a huge page of a pool its first */
	const struct mm_uffd *uffd;	/* who was told; compared alone, it may be closed */
	bool uffd_woken;		/* the fault goes on when the access is made again */
	bool uffd_tried;		/* the next round of that fault is TRIED */
	uint8_t uffd_error;
};

/* Page-fault error code of the processor (X86_PF_*) */
enum { MM_PF_PROT = 1, MM_PF_WRITE = 2, MM_PF_USER = 4, MM_PF_RSVD = 8, MM_PF_INSTR = 16, MM_PF_PK = 32, MM_PF_NONE = 0xff };
struct mm_str mm_fault_flags_text(unsigned int error, bool major);	/* "PROT|WRITE|USER|INSTR|PK|MAJOR", static */

/* enum fault_flag, vm_fault_reason of 6.6 */
enum {
	MM_FAULT_FLAG_WRITE = 1 << 0, MM_FAULT_FLAG_MKWRITE = 1 << 1, MM_FAULT_FLAG_ALLOW_RETRY = 1 << 2,
	MM_FAULT_FLAG_TRIED = 1 << 5, MM_FAULT_FLAG_USER = 1 << 6, MM_FAULT_FLAG_REMOTE = 1 << 7,
	MM_FAULT_FLAG_INSTRUCTION = 1 << 8, MM_FAULT_FLAG_UNSHARE = 1 << 10, MM_FAULT_FLAG_VMA_LOCK = 1 << 12,
};
enum {
	MM_VM_FAULT_OOM = 0x1, MM_VM_FAULT_SIGBUS = 0x2, MM_VM_FAULT_MAJOR = 0x4, MM_VM_FAULT_HWPOISON = 0x10, MM_VM_FAULT_SIGSEGV = 0x40,
	MM_VM_FAULT_NOPAGE = 0x100, MM_VM_FAULT_LOCKED = 0x200, MM_VM_FAULT_RETRY = 0x400,
	MM_VM_FAULT_FALLBACK = 0x800, MM_VM_FAULT_DONE_COW = 0x1000, MM_VM_FAULT_COMPLETED = 0x4000,
	MM_VM_FAULT_ERROR = MM_VM_FAULT_OOM | MM_VM_FAULT_SIGBUS | MM_VM_FAULT_HWPOISON | MM_VM_FAULT_SIGSEGV,
};

/* A look-up of the TLB that found nothing. */
struct mm_tlb_miss {
	const struct mm_tlb_cpu *cpu;	/* NULL: there was none */
	uint64_t vaddr;
	uint32_t mm_id;
	unsigned int kind;
};

struct mm_fault {
	struct mm_ctx *ctx;
	struct mm_phys *phys;
	struct mm_cache *cache;
	struct mm_virt *virt;
	struct mm_task_faults *task;	/* of the row being replayed; NULL: counted nowhere. The machine sets it. */
	uint64_t gup_faults;		/* of PGFAULT: taken by populate and mlock, not by an access */
	/* Who makes the access: the program; the kernel for it, with EFLAGS.AC (copy_to_user()); the kernel by mistake. */
	enum mm_access_mode { MM_MODE_USER, MM_MODE_KERNEL, MM_MODE_KERNEL_DIRECT } mode;
	bool tlb_miss_rows;		/* a tlb_miss effect each */
	uint64_t store_contents;	/* what stores make pages hold (cache/contents.h); UINT64_MAX: something of their own */
	uint64_t khugepaged_ns;		/* when khugepaged wakes next, likewise */
	uint64_t ksmd_ns;		/* when ksmd wakes next, by ctx->now_ns; UINT64_MAX: it does not run */
	/*
	 * MADV_PAGEOUT: reclaim_pages() of the reclaim floor beside this one; the machine installs it. The pages are
	 * off the LRU, taken from the tail of @list; what stays goes back to the LRU. NULL: they all go back.
	 */
	void (*reclaim_pages)(void *arg, struct mm_page_list *list);
	void *reclaim_arg;
	struct mm_tlb_miss missed;	/* by mm_access_without_fault() (walk.h), until the next access */
	/* of the fault being handled */
	enum mm_fault_kind kind;
	mm_pfn_t pfn;
	uint8_t order;
	bool uffd_waits;		/* the program is told (userfaultfd): the access ends here for now */
	uint8_t first_error;		/* code of the first fault since somebody set this to MM_PF_NONE */
};

/* 0 or -ENOMEM; also installs the hooks of @virt. */
int mm_fault_new(struct mm_fault **fp, struct mm_ctx *ctx, struct mm_phys *phys, struct mm_cache *cache,
		 struct mm_virt *virt);
void mm_fault_free(struct mm_fault *f);

/* EFAULT: the kernel's own access found no page that it may use; OOPS: one by mistake. */
enum mm_access_result {
	MM_ACCESS_OK, MM_ACCESS_SEGV, MM_ACCESS_SIGBUS, MM_ACCESS_OOM, MM_ACCESS_UFFD, MM_ACCESS_EFAULT, MM_ACCESS_OOPS,
};

/**
 * mm_access() - one access of a task
 * @mm:		its address space
 * @vaddr:	first byte, any value (non-canonical is SIGSEGV)
 * @size:	bytes, 0 does nothing; every page it touches is accessed in order, until the first signal
 * @kind:	MM_TLB_R, MM_TLB_W or MM_TLB_X
 */
enum mm_access_result mm_access(struct mm_fault *f, struct mm_struct *mm, uint64_t vaddr, uint64_t size, unsigned int kind);

/* One fault on @vma, as the kernel's handle_mm_fault(): MM_VM_FAULT_*. */
unsigned int mm_handle_mm_fault(struct mm_fault *f, struct mm_vma *vma, uint64_t vaddr, unsigned int flags);

/* What madvise does to the pages of one VMA; 0 or -errno. @advice: MM_MADV_* of virt/mman.h. */
int mm_madvise_vma_pages(struct mm_fault *f, struct mm_vma *vma, uint64_t start, uint64_t end, int advice);

/* The page at @vaddr, a page's first byte, is read for the kernel's own use: 0 or -errno (get_user_pages_fast()). */
int mm_faultin_page(struct mm_fault *f, struct mm_struct *mm, uint64_t vaddr);

bool mm_fault_is_consistent(const struct mm_fault *f);

#endif /* FAULT_FAULT_H */
