/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fault/fallocate.h - fallocate(), and the holes that MADV_REMOVE makes
 */
#ifndef FAULT_FALLOCATE_H
#define FAULT_FALLOCATE_H

#include "fault/fault.h"

enum { MM_FALLOC_FL_KEEP_SIZE = 1, MM_FALLOC_FL_PUNCH_HOLE = 2 };

/*
 * [@offset, @offset + @len) bytes, not empty and below 2^63, of a regular file: the caller has checked @mode against the
 * file. @f NULL: no pages are kept, the size alone changes. 0, -ENOSPC or -ENOMEM.
 */
int mm_fallocate(struct mm_fault *f, struct mm_struct *mm, struct mm_file *file, unsigned int mode, uint64_t offset, uint64_t len);
/* 0 or -ENOMEM (where contents are kept). */
int mm_punch_hole(struct mm_fault *f, struct mm_inode *inode, uint64_t offset, uint64_t len);

#endif /* FAULT_FALLOCATE_H */
