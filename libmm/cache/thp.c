/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Rules about huge pages that need no VMA.
 *
 *   shmem_enabled	deny, force: decide at once; the others go to the kernel's own tmpfs mount
 *   huge= of the mount	never, always, within_size (the 2M end within the file, or advised), advise (madvise only)
 *
 * A write(2) has no VMA, so it is never advised. Model: Linux 6.6 mm/shmem.c, mm/huge_memory.c.
 */
#include "cache/thp.h"

enum thp_defrag { DEFRAG_NEVER, DEFRAG_MADVISE, DEFRAG_DEFER, DEFRAG_DEFER_MADVISE, DEFRAG_ALWAYS };

mm_gfp_t mm_thp_gfp_mask(const struct mm_ctx *ctx, bool advised)
{
	switch (mm_sysctl(ctx, MM_SYSCTL_THP_DEFRAG)) {
	case DEFRAG_ALWAYS:
		return MM_GFP_TRANSHUGE | (advised ? 0 : (mm_gfp_t)__MM_GFP_NORETRY);
	case DEFRAG_DEFER:
		return MM_GFP_TRANSHUGE_LIGHT | __MM_GFP_KSWAPD_RECLAIM;
	case DEFRAG_DEFER_MADVISE:
		return MM_GFP_TRANSHUGE_LIGHT | (advised ? __MM_GFP_DIRECT_RECLAIM : __MM_GFP_KSWAPD_RECLAIM);
	case DEFRAG_MADVISE:
		return MM_GFP_TRANSHUGE_LIGHT | (advised ? (mm_gfp_t)__MM_GFP_DIRECT_RECLAIM : 0);
	default:
		return MM_GFP_TRANSHUGE_LIGHT;
	}
}

enum mm_shmem_huge mm_shmem_mount_huge(const struct mm_ctx *ctx, const struct mm_inode *inode)
{
	if (inode->type == MM_INODE_TMPFS)
		return (enum mm_shmem_huge)mm_sysctl(ctx, MM_SYSCTL_DEV_SHM_HUGE);
	return (enum mm_shmem_huge)ctx->sysctl.shm_mnt_huge;
}

bool mm_shmem_is_huge(const struct mm_ctx *ctx, const struct mm_inode *inode, uint64_t index, bool force,
		      const struct mm_shmem_user *user)
{
	int64_t enabled = mm_sysctl(ctx, MM_SYSCTL_SHMEM_ENABLED);
	uint64_t end = (index | (MM_THP_PAGES - 1)) + 1;

	if ((user->mapping && user->refused) || enabled == MM_SHMEM_HUGE_DENY)
		return false;
	if (force || enabled == MM_SHMEM_HUGE_FORCE)
		return true;
	switch (mm_shmem_mount_huge(ctx, inode)) {
	case MM_SHMEM_HUGE_ALWAYS:
		return true;
	case MM_SHMEM_HUGE_WITHIN_SIZE:
		if (inode->size / MM_PAGE_SIZE + (inode->size % MM_PAGE_SIZE != 0) >= end)
			return true;
		/* fall through */
	case MM_SHMEM_HUGE_ADVISE:
		return user->mapping && user->advised;
	default:
		return false;
	}
}
