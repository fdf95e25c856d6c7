/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * virt/vma.h - what the calls of the mmap family share: VMAs, merging, splitting, accounting, placing
 */
#ifndef VIRT_VMA_H
#define VIRT_VMA_H

#include "base/page.h"
#include "cache/memcg.h"
#include "virt/anon_vma.h"
#include "virt/hugetlb.h"
#include "virt/mman.h"
#include "virt/vma_journal.h"

/* An object goes that mm_memcg_obj_alloc() charged. */
static inline void mm_virt_uncharge(const struct mm_virt *virt, uint16_t payer, uint32_t bytes)
{
	if (!virt->goes)
		mm_memcg_obj_free(virt->cache, payer, bytes);
}

/* vma.c: one VMA.  NULL: host memory, or none that its memcg may have. */
struct mm_vma *mm_vm_area_alloc(struct mm_struct *mm, uint64_t start, uint64_t end, uint64_t vm_flags, uint64_t pgoff);
struct mm_vma *mm_vm_area_dup(const struct mm_vma *vma);
void mm_vm_area_free(struct mm_vma *vma);		/* it is in no list and no tree */
/* @vma->extra to write to; NULL: host memory, never for a VMA that has its own already. */
struct mm_vma_extra *mm_vma_own_extra(struct mm_vma *vma);
/* One member of it; what no VMA has needs none.  0 or -ENOMEM. */
int mm_vma_set_anon_name(struct mm_vma *vma, const char *name);
int mm_vma_set_policy(struct mm_vma *vma, const struct mm_mempolicy *pol);
int mm_vma_set_uffd(struct mm_vma *vma, struct mm_uffd *uffd);
void mm_unlink_file_vma(struct mm_vma *vma);
/* A VMA, or a call, is done with the file (mm_file_get_vma()): shared memory that nothing maps goes with its pages. */
void mm_vma_put_file(struct mm_struct *mm, struct mm_file *file);
/* Into the tree of @mm and vm_file's; counts it.  0 or -ENOMEM. */
int mm_vma_link(struct mm_struct *mm, struct mm_vma *vma);
/* The same in a child: among the file's mappings right behind the parent's @prev (NULL: mm_vma_link()). */
int mm_vma_link_after(struct mm_struct *mm, struct mm_vma *vma, struct mm_vma *prev);
/*
 * Around a change of borders or offset of one VMA, or two (@adj_next, NULL: one): out of the interval trees of
 * their file and anon_vmas, and in again.  Walks of reverse mappings do not see them between.
 * Source: mm/mmap.c vma_prepare(), vma_complete().
 */
void mm_vma_prepare(struct mm_vma *vma, struct mm_vma *adj_next);
void mm_vma_complete(struct mm_vma *vma, struct mm_vma *adj_next);
/*
 * Cut @vma in two at @addr; @new_below: the new one is the lower part.  0, -EINVAL (what it maps is not to be cut there) or -ENOMEM:
 * then nothing has changed.  The second minds max_map_count (-ENOMEM).  Source: Linux 6.6 mm/mmap.c __split_vma(), split_vma().
 */
int mm_vma_split_unchecked(struct mm_vma *vma, uint64_t addr, bool new_below);
int mm_split_vma(struct mm_vma *vma, uint64_t addr, bool new_below);
/* The range [start, end) of @vma replaces what was; @next is taken over when it ends there (vma_expand()). */
int mm_vma_expand(struct mm_vma *vma, uint64_t start, uint64_t end, uint64_t pgoff, struct mm_vma *next);
const char *mm_virt_intern(struct mm_virt *virt, struct mm_str name);	/* one copy for good; NULL: host memory */

/* vma_merge.c */
struct mm_vma_merge {
	struct mm_vma *prev;
	uint64_t addr, end, vm_flags, pgoff;
	struct mm_anon_vma *anon_vma;
	struct mm_file *file;
	const char *anon_name;
	struct mm_uffd *uffd;
	const struct mm_mempolicy *policy;
};
struct mm_vma *mm_vma_merge(struct mm_struct *mm, const struct mm_vma_merge *req);	/* NULL: not merged */
enum mm_vma_obstacle mm_vma_merge_before(const struct mm_vma *vma, const struct mm_vma_merge *req, uint64_t pgoff);
enum mm_vma_obstacle mm_vma_merge_after(const struct mm_vma *vma, const struct mm_vma_merge *req);
/* mprotect, mlock, madvise: [start, end) of *@vmap gets other flags: merge, else split; *@prev is the result.  0 or -errno. */
int mm_vma_modify(struct mm_vma **vmap, struct mm_vma **prev, uint64_t start, uint64_t end, uint64_t vm_flags,
		  const char *anon_name);
/* The same where the userfaultfd changes too. */
int mm_vma_modify_uffd(struct mm_vma **vmap, struct mm_vma **prev, uint64_t start, uint64_t end, uint64_t vm_flags,
		       const char *anon_name, struct mm_uffd *uffd);
/* mbind: another policy, likewise. */
int mm_vma_modify_policy(struct mm_vma **vmap, struct mm_vma **prev, uint64_t start, uint64_t end, const struct mm_mempolicy *pol);

/* account.c */
bool mm_may_expand_vm(const struct mm_struct *mm, uint64_t vm_flags, uint64_t npages);
void mm_vm_stat_account(struct mm_struct *mm, uint64_t vm_flags, int64_t npages);
int mm_vm_enough_memory(struct mm_struct *mm, int64_t pages);	/* charges; 0 or -ENOMEM */
void mm_vm_unacct_memory(struct mm_struct *mm, int64_t pages);
int64_t mm_vm_commit_limit(const struct mm_virt *virt);	/* pages */
bool mm_mlock_future_ok(const struct mm_struct *mm, uint64_t vm_flags, uint64_t bytes);
void mm_update_hiwater_vm(struct mm_struct *mm);
static inline bool mm_accountable_mapping(uint64_t vm_flags)
{
	return (vm_flags & (MM_VM_NORESERVE | MM_VM_SHARED | MM_VM_WRITE)) == MM_VM_WRITE;
}
bool mm_map_count_full(const struct mm_struct *mm, uint32_t more);	/* map_count + more > max_map_count */

/* unmapped_area.c */
struct mm_unmapped_args {
	const struct mm_file *file;
	uint64_t addr, len, pgoff, flags;
	bool place;			/* the answer is placed_addr, if nothing forbids it */
	uint64_t placed_addr;
};
int mm_get_unmapped_area(struct mm_struct *mm, const struct mm_unmapped_args *a, uint64_t *addr);
uint64_t mm_vm_start_gap(const struct mm_vma *vma);
uint64_t mm_stack_guard_gap(const struct mm_struct *mm);		/* bytes */
void mm_arch_pick_mmap_layout(struct mm_struct *mm);

/* munmap.c */
int mm_do_munmap(struct mm_struct *mm, uint64_t start, uint64_t len);
int mm_do_vma_munmap(struct mm_struct *mm, struct mm_vma *vma, uint64_t start, uint64_t end);
void mm_exit_mmap(struct mm_struct *mm);

/* mmap.c */
int mm_do_mmap(struct mm_struct *mm, const struct mm_mmap_args *a, uint64_t pgoff, uint64_t *addr, uint64_t *populate);
/* shmem_zero_setup(): the file of shared anonymous memory; promises it unless VM_NORESERVE.  0 or -ENOMEM. */
int mm_shmem_zero_setup(struct mm_struct *mm, uint64_t len, uint64_t vm_flags, struct mm_file **fp);

/* hugetlb.c */
int mm_hugetlb_file_setup(struct mm_virt *virt, struct mm_mmap_args *a);	/* rounds len up, sets file; 0 or -errno */
int mm_hugetlb_file_init(struct mm_virt *virt, struct mm_file *file, uint64_t mask);	/* one of hugetlbfs: 0 or -ENOMEM */
/*
 * The page size less 1 of a file of hugetlbfs, by its name and the flags of its row: below /dev/hugepages or
 * /dev/hugepages1G, where they are mounted, or a memfd made with MFD_HUGETLB. 0: another file.
 */
uint64_t mm_hugetlb_mask_of_name(struct mm_str name, struct mm_str flags);
/* hugetlbfs_file_mmap(), for any file: what is mapped may be mapped so. 0 or -errno; changes *vm_flags. */
int mm_hugetlb_file_mmap(const struct mm_file *file, uint64_t pgoff, uint64_t len, uint64_t *vm_flags);

/* brk.c: an anonymous range of the data segment */
int mm_vm_brk_flags(struct mm_struct *mm, uint64_t addr, uint64_t len, uint64_t vm_flags);

/* stack.c */
int mm_expand_downwards(struct mm_vma *vma, uint64_t addr);

/* stack.c: fault the pages of [start, end) in (populate_vma_page_range()) */
int mm_populate_vma_page_range(struct mm_vma *vma, uint64_t start, uint64_t end);

/* effects "map" and "unmap" */
void mm_vma_effect(const struct mm_struct *mm, enum mm_event_type type, uint64_t start, uint64_t end);

#endif /* VIRT_VMA_H */
