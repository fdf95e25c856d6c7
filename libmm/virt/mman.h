/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * virt/mman.h - the calls of the mmap family, with the numbers of their flags
 *
 * Each call is the kernel's system call on a given address space: 0 or -errno,
 * an address through the out pointer, which an error leaves untouched.  Any
 * 64-bit value may be passed for any number.
 *
 * Numbers: Linux 6.6 include/uapi/asm-generic/mman-common.h, mman.h, x86 mman.h.
 */
#ifndef VIRT_MMAN_H
#define VIRT_MMAN_H

#include "virt/mm.h"

#define MM_PROT_READ		UINT64_C(1)
#define MM_PROT_WRITE		UINT64_C(2)
#define MM_PROT_EXEC		UINT64_C(4)
#define MM_PROT_SEM		UINT64_C(8)
#define MM_PROT_GROWSDOWN	UINT64_C(0x01000000)
#define MM_PROT_GROWSUP		UINT64_C(0x02000000)

#define MM_MAP_SHARED		UINT64_C(0x1)
#define MM_MAP_PRIVATE		UINT64_C(0x2)
#define MM_MAP_SHARED_VALIDATE	UINT64_C(0x3)
#define MM_MAP_TYPE		UINT64_C(0xf)
#define MM_MAP_FIXED		UINT64_C(0x10)
#define MM_MAP_ANONYMOUS	UINT64_C(0x20)
#define MM_MAP_32BIT		UINT64_C(0x40)
#define MM_MAP_ABOVE4G		UINT64_C(0x80)
#define MM_MAP_GROWSDOWN	UINT64_C(0x100)
#define MM_MAP_DENYWRITE	UINT64_C(0x800)
#define MM_MAP_EXECUTABLE	UINT64_C(0x1000)
#define MM_MAP_LOCKED		UINT64_C(0x2000)
#define MM_MAP_NORESERVE	UINT64_C(0x4000)
#define MM_MAP_POPULATE		UINT64_C(0x8000)
#define MM_MAP_NONBLOCK		UINT64_C(0x10000)
#define MM_MAP_STACK		UINT64_C(0x20000)
#define MM_MAP_HUGETLB		UINT64_C(0x40000)
#define MM_MAP_SYNC		UINT64_C(0x80000)
#define MM_MAP_FIXED_NOREPLACE	UINT64_C(0x100000)
#define MM_MAP_HUGE_SHIFT	26
#define MM_MAP_HUGE_MASK	UINT64_C(0x3f)

enum { MM_MREMAP_MAYMOVE = 1, MM_MREMAP_FIXED = 2, MM_MREMAP_DONTUNMAP = 4 };
enum { MM_MLOCK_ONFAULT = 1, MM_MCL_CURRENT = 1, MM_MCL_FUTURE = 2, MM_MCL_ONFAULT = 4 };
enum { MM_MS_ASYNC = 1, MM_MS_INVALIDATE = 2, MM_MS_SYNC = 4 };
enum { MM_SHM_RDONLY = 010000, MM_SHM_RND = 020000, MM_SHM_REMAP = 040000, MM_SHM_EXEC = 0100000 };
enum mm_madv {
	MM_MADV_NORMAL, MM_MADV_RANDOM, MM_MADV_SEQUENTIAL, MM_MADV_WILLNEED, MM_MADV_DONTNEED,
	MM_MADV_FREE = 8, MM_MADV_REMOVE, MM_MADV_DONTFORK, MM_MADV_DOFORK, MM_MADV_MERGEABLE, MM_MADV_UNMERGEABLE,
	MM_MADV_HUGEPAGE, MM_MADV_NOHUGEPAGE, MM_MADV_DONTDUMP, MM_MADV_DODUMP, MM_MADV_WIPEONFORK, MM_MADV_KEEPONFORK,
	MM_MADV_COLD, MM_MADV_PAGEOUT, MM_MADV_POPULATE_READ, MM_MADV_POPULATE_WRITE, MM_MADV_DONTNEED_LOCKED,
	MM_MADV_COLLAPSE, MM_MADV_HWPOISON = 100, MM_MADV_SOFT_OFFLINE,
};

struct mm_mmap_args {
	uint64_t addr, len, prot, flags;
	uint64_t offset;		/* bytes */
	struct mm_file *file;		/* NULL: a bad descriptor unless MAP_ANONYMOUS */
	/*
	 * A recording says where the kernel put it: that is where get_unmapped_area()
	 * finds room.  What the call would have refused it still refuses.
	 */
	bool place;
	uint64_t placed_addr;
};

int mm_sys_mmap(struct mm_struct *mm, const struct mm_mmap_args *a, uint64_t *addr);
/*
 * What mmap(MAP_PRIVATE|MAP_ANONYMOUS|MAP_FIXED|MAP_NORESERVE) with all of PROT_ does at the pages [start, end) below
 * task_size_max, where nothing is mapped, between @prev and @next as mm_find_vma_prev() has them; vm.max_map_count does not
 * limit it. 0 or -errno.
 */
int mm_mmap_hole(struct mm_struct *mm, uint64_t start, uint64_t end, struct mm_vma *prev, struct mm_vma *next);
int mm_sys_munmap(struct mm_struct *mm, uint64_t addr, uint64_t len);
int mm_sys_mprotect(struct mm_struct *mm, uint64_t start, uint64_t len, uint64_t prot);
/* @pkey: -1 none, as mprotect() */
int mm_sys_pkey_mprotect(struct mm_struct *mm, uint64_t start, uint64_t len, uint64_t prot, int64_t pkey);

struct mm_mremap_args {
	uint64_t addr, old_len, new_len, flags, new_addr;
	bool place;			/* as in struct mm_mmap_args */
	uint64_t placed_addr;
};
int mm_sys_mremap(struct mm_struct *mm, const struct mm_mremap_args *a, uint64_t *addr);

uint64_t mm_sys_brk(struct mm_struct *mm, uint64_t brk);		/* the break afterwards */
int mm_sys_madvise(struct mm_struct *mm, uint64_t start, uint64_t len, int advice);
int mm_sys_mlock(struct mm_struct *mm, uint64_t start, uint64_t len, uint64_t flags);	/* MM_MLOCK_ONFAULT */
int mm_sys_munlock(struct mm_struct *mm, uint64_t start, uint64_t len);
int mm_sys_mlockall(struct mm_struct *mm, uint64_t flags);
int mm_sys_munlockall(struct mm_struct *mm);
int mm_sys_msync(struct mm_struct *mm, uint64_t start, uint64_t len, uint64_t flags);
int mm_sys_remap_file_pages(struct mm_struct *mm, uint64_t start, uint64_t size, uint64_t prot, uint64_t pgoff,
			    uint64_t flags);
/* /proc/PID/clear_refs; -EINVAL: not 1 to 5. */
int mm_clear_refs(struct mm_struct *mm, uint64_t type);
/* prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME): @name NULL takes the name away. */
int mm_sys_set_anon_name(struct mm_struct *mm, uint64_t start, uint64_t len, const struct mm_str *name);
int mm_sys_shmat(struct mm_struct *mm, struct mm_file *seg, uint64_t addr, uint64_t shmflg, bool place, uint64_t *at);
int mm_sys_shmdt(struct mm_struct *mm, uint64_t addr);

#endif /* VIRT_MMAN_H */
