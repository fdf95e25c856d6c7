/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fault/fallocate.h - fallocate(), and the holes that MADV_REMOVE makes
 */
#ifndef FAULT_FALLOCATE_H
#define FAULT_FALLOCATE_H

#include "fault/fault.h"

enum {
	MM_FALLOC_FL_KEEP_SIZE = 0x1, MM_FALLOC_FL_PUNCH_HOLE = 0x2, MM_FALLOC_FL_COLLAPSE_RANGE = 0x8, MM_FALLOC_FL_ZERO_RANGE = 0x10,
	MM_FALLOC_FL_INSERT_RANGE = 0x20, MM_FALLOC_FL_UNSHARE_RANGE = 0x40,
};

/* What is refused whatever the file: 0, -EINVAL or -EOPNOTSUPP. */
int mm_fallocate_check(uint64_t mode, uint64_t offset, uint64_t len);
/* What a file of this kind and size refuses, after that: 0, -EISDIR, -ENODEV, -EFBIG, -EOPNOTSUPP or -EINVAL. */
int mm_fallocate_check_file(const struct mm_inode *inode, uint64_t mode, uint64_t offset, uint64_t len);
/* [@offset, @offset + @len) bytes that both let through. @f NULL: no pages are kept, the size alone changes. 0, -ENOSPC or -ENOMEM. */
int mm_fallocate(struct mm_fault *f, struct mm_struct *mm, struct mm_file *file, unsigned int mode, uint64_t offset, uint64_t len);
/* @memcg pays for a page that must be read. 0 or -ENOMEM (where contents are kept). */
int mm_punch_hole(struct mm_fault *f, struct mm_inode *inode, uint64_t offset, uint64_t len, struct mm_memcg *memcg);

#endif /* FAULT_FALLOCATE_H */
