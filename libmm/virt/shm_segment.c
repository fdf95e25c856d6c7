/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * System V segments: made by shmget(), in memory or of huge pages of a pool, removed by IPC_RMID.
 *
 * One of huge pages has whole ones, promised to it at once. One that was removed goes with its last attachment; its
 * name may be another's from then on. Source: ipc/shm.c newseg(), shm_may_destroy(); fs/hugetlbfs/inode.c hugetlb_file_setup().
 * SHM_HUGETLB is for who has CAP_IPC_LOCK alone: RLIMIT_MEMLOCK does not give it any more (can_do_hugetlb_shm()). Deviation: shmmax and
 * shmall are without limit, as they are by default; a process has CAP_IPC_LOCK until a setrlimit row gives it an RLIMIT_MEMLOCK.
 * Left out: SHM_LOCK, hugetlb_shm_group.
 */
#include <errno.h>

#include "cache/shmem.h"
#include "virt/hugetlb.h"
#include "virt/shm_segment.h"
#include "virt/vma.h"

static int newseg_huge(struct mm_struct *mm, struct mm_file *f, const struct mm_shmget *a)
{
	uint64_t mask, pages;

	if (a->log2 != 21 && a->log2 != 30)
		return -EINVAL;
	if (mm->rlimit[MM_RLIMIT_MEMLOCK] != MM_RLIM_INFINITY)
		return -EPERM;
	mask = (UINT64_C(1) << a->log2) - 1;
	if (a->size + mask < a->size || mm_hugetlb_file_init(mm->virt, f, mask))
		return -ENOMEM;
	f->inode->type = MM_INODE_HUGETLB;
	f->inode->size = (a->size + mask) & ~mask;
	pages = f->inode->size >> a->log2;
	if (a->noreserve)
		return 0;
	if (mm_hugetlb_acct_memory(mm->virt, f->inode->hugetlb->h, (int64_t)pages))
		return -ENOMEM;
	if (!mm_region_add(&f->inode->hugetlb->resv, 0, pages))
		return 0;
	mm_hugetlb_acct_memory(mm->virt, f->inode->hugetlb->h, -(int64_t)pages);
	return -ENOMEM;
}

/* The name is there, and nothing behind it. */
static void empty(struct mm_virt *virt, struct mm_inode *inode)
{
	if (inode->hugetlb)
		mm_hugetlb_evict_inode(virt, inode);
	inode->hugetlb = NULL;
	inode->huge_mask = 0;
	inode->type = MM_INODE_SHM;
	inode->size = inode->shm_segsz = 0;
	inode->shm_dest = false;
}

int mm_shmget(struct mm_struct *mm, const struct mm_shmget *a, struct mm_file **segp)
{
	struct mm_virt *virt = mm->virt;
	struct mm_file *f = mm_file_lookup(virt->inodes, a->name);
	int64_t pages = (int64_t)(mm_page_align(a->size) >> MM_PAGE_SHIFT);
	int e;

	if (f && f->inode->shm_segsz) {
		*segp = f;
		return a->excl ? -EEXIST : a->size > f->inode->shm_segsz ? -EINVAL : 0;
	}
	if (!a->size || (f && f->inode->type != MM_INODE_SHM))
		return -EINVAL;
	if (mm_page_align(a->size) < a->size)
		return -ENOSPC;
	if (!f)
		f = mm_file_create(virt->inodes, a->name, MM_INODE_SHM, 0, MM_FMODE_READ | MM_FMODE_WRITE);
	if (!f)
		return -ENOMEM;
	if (a->log2) {
		e = newseg_huge(mm, f, a);
	} else {
		bool noreserve = a->noreserve && mm_sysctl(virt->ctx, MM_SYSCTL_OVERCOMMIT_MEMORY) != 2;

		e = noreserve || a->let_through ? 0 : mm_vm_enough_memory(mm, pages);
		virt->vm_committed_as += a->let_through ? pages : 0;
		f->inode->size = a->size;
		f->inode->shm_acct = noreserve || e ? 0 : (uint64_t)pages;
	}
	if (e) {
		empty(virt, f->inode);
		return e;
	}
	f->inode->shm_segsz = a->size;
	*segp = f;
	return 0;
}

void mm_shm_put(struct mm_virt *virt, struct mm_inode *inode)
{
	if (!inode->shm_dest || inode->mapping.nr_i_mmap)
		return;
	if (!inode->hugetlb && virt->cache) {
		mm_shmem_evict_inode(virt->cache, inode);
		mm_truncate_range(virt->cache, &inode->mapping, 0, UINT64_MAX);
	}
	virt->vm_committed_as -= (int64_t)inode->shm_acct;
	inode->shm_acct = 0;
	empty(virt, inode);
}

int mm_shm_rmid(struct mm_virt *virt, struct mm_file *seg)
{
	if (!seg || !seg->inode->shm_segsz)
		return -EINVAL;
	seg->inode->shm_dest = true;
	if (seg->inode->mapping.nr_i_mmap)
		mm_file_unlink(virt->inodes, seg->inode);	/* its key is nobody's from now on */
	else
		mm_shm_put(virt, seg->inode);
	return 0;
}
