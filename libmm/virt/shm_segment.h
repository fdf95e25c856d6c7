/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * virt/shm_segment.h - System V segments
 */
#ifndef VIRT_SHM_SEGMENT_H
#define VIRT_SHM_SEGMENT_H

#include "virt/mm.h"

struct mm_shmget {
	struct mm_str name;		/* of the segment: what its mappings show */
	uint64_t size;			/* bytes */
	unsigned int log2;		/* SHM_HUGETLB: of the page size, 21 or 30; 0 ordinary memory */
	bool noreserve, excl;		/* SHM_NORESERVE; IPC_CREAT|IPC_EXCL: it must not be there */
	bool let_through;		/* a recording shows it attached: memory was promised for it */
};

/* Find or make it: 0, or -errno with *@segp as it was (but for EEXIST and EINVAL of one that is there). */
int mm_shmget(struct mm_struct *mm, const struct mm_shmget *a, struct mm_file **segp);
/* shmctl(IPC_RMID): 0, or -EINVAL (NULL, or it is gone). */
int mm_shm_rmid(struct mm_virt *virt, struct mm_file *seg);
/* A mapping of the segment went: so does the segment, if it was removed and this was the last. */
void mm_shm_put(struct mm_virt *virt, struct mm_inode *inode);

#endif /* VIRT_SHM_SEGMENT_H */
