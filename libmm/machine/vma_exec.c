/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A program begins: its file is not read yet, so that its address space is
 * empty; the machine counts it as a program that was not laid out.
 */
#include <errno.h>

#include "machine/vma_call.h"

int mm_vma_exec(struct mm_machine *m, struct mm_struct *mm, struct mm_str path)
{
	(void)m, (void)mm, (void)path;
	return -ENOENT;
}
